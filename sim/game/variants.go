package game

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// compared are the metrics that a table of variants has columns for, where any cell
// has them, and what a sentence calls them.
var compared = []struct {
	metric, column, words string
}{
	{"leaseset_publishes_per_10min", "publishes in 10 min", "publishes in ten minutes"},
	{"floodfill_busiest_messages_per_s", "messages/s at the busiest floodfill", "messages a second at the busiest floodfill"},
	{"netdb_bytes_per_10min", "netDb bytes in 10 min", ""},
	{"floods_throttled_per_10min", "floods throttled in 10 min", "throttled floods in ten minutes"},
	{"acks_astray_per_10min", "acks astray in 10 min", ""},
	{"availability", "availability", "availability"},
	{"dead_lease_share", "dead leases", ""},
	{"failover_s", "failover (s)", "seconds until the netDb shows that a router has died"},
	{"stream_survival", "streams that survive", "share of streams that survive"},
	{"lease_switch_stall_s", "stall at a lease change (s)", ""},
	{"client_failover_s", "clients wait after a router's loss (s)", "seconds until half of a lost router's clients are answered again"},
	{"delivery", "messages delivered", "share of clients' messages that arrive"},
	{"first_contact_success", "first contacts", ""},
	{"router_load_jain", "load balance (Jain)", ""},
	{"tunnel_builds_per_h", "tunnel builds an hour", ""},
	{"subs_revealed", "sub-Destinations shown", ""},
	{"attack.best.auc", "told from one router (AUC)", ""},
}

// variantsText sets the variants of a scenario side by side and draws conclusions.
func (r *runner) variantsText(s *result.Summary, t *result.Text) {
	t.Table = r.variantsTable(s)
	groups := r.sameGrid()
	var paragraphs []string
	for _, g := range groups {
		for _, text := range []string{r.extremes(s, g), r.revealed(s, g)} {
			if text != "" {
				paragraphs = append(paragraphs, opening(g.name+text))
			}
		}
	}
	last := groups[len(groups)-1]
	t.Answer = opening(last.name + r.headline(s, last))
	if t.AnswerDetail != "" {
		paragraphs = append(paragraphs, t.AnswerDetail)
	}
	t.AnswerDetail = strings.Join(paragraphs, "\n\n")
}

// opening begins a sentence with a capital letter.
func opening(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(r)) + text[n:]
}

// variantsTable has a row for each cell of the policy arm, and one for the reference.
func (r *runner) variantsTable(s *result.Summary) result.Table {
	t := result.Table{
		Caption: fmt.Sprintf("Means with %g %% intervals over %d trials each", 100*confidence, s.Trials),
		Columns: []string{"variant", "leases at most"},
	}
	var shown []string
	for _, c := range compared {
		for i := range r.plan.points {
			if _, ok := policyCell(s, i).Metric(c.metric); ok {
				t.Columns, shown = append(t.Columns, c.column), append(shown, c.metric)
				break
			}
		}
	}
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		row := []string{rowName(pt), leasesAtMost(&pt.scenario.World)}
		for _, metric := range shown {
			m, ok := policyCell(s, i).Metric(metric)
			if ok {
				row = append(row, brief(m))
			} else {
				row = append(row, "–")
			}
		}
		t.Rows = append(t.Rows, row)
	}
	r.addCounts(s, &t)
	r.addReference(s, &t, shown)
	return t
}

// addReference adds a row for the reference where all points have the same one.
func (r *runner) addReference(s *result.Summary, t *result.Table, shown []string) {
	var first []string
	for i := range r.plan.points {
		c := referenceCell(s, i)
		if c.Arm == "" {
			return
		}
		pt := &r.plan.points[i]
		row := []string{"reference, " + armLabel(pt, scenario.ReferenceArm), leasesAtMost(&pt.scenario.Reference)}
		for _, metric := range shown {
			if m, ok := c.Metric(metric); ok {
				row = append(row, brief(m))
			} else {
				row = append(row, "–")
			}
		}
		for len(row) < len(t.Columns) {
			row = append(row, "–")
		}
		if first != nil && !slices.Equal(first, row) {
			return
		}
		first = row
	}
	t.Rows = append(t.Rows, first)
}

// addCounts adds a column for how often the routers are counted exactly: by the entries
// of a Meta LeaseSet, which need no statistics, or else by attack posterior.
func (r *runner) addCounts(s *result.Summary, t *result.Table) {
	cells := make([]string, len(t.Rows))
	some := false
	for i := range cells {
		name := attack.Posterior
		if r.plan.points[i].scenario.World.Destination.Scheme == sim.SchemeMeta {
			name = attack.Meta
		}
		cells[i] = "–"
		if m, ok := policyCell(s, i).Metric(result.AttackMetric{Attack: name, Measure: "count_accuracy"}.Name()); ok {
			cells[i], some = brief(m), true
		}
	}
	if !some {
		return
	}
	t.Columns = append(t.Columns, "routers counted right")
	for i := range t.Rows {
		t.Rows[i] = append(t.Rows[i], cells[i])
	}
}

// rowName names a point in a table.
func rowName(pt *point) string {
	name := fmt.Sprint(pt.scenario.Grid[0].Value)
	for _, p := range pt.scenario.Grid[1:] {
		if p.Path == "destination.routers.count" {
			name += fmt.Sprint(", ", p.Value, " router")
			if p.Value != int64(1) {
				name += "s"
			}
			continue
		}
		name += fmt.Sprint(", ", p.Path[strings.LastIndexByte(p.Path, '.')+1:], " ", p.Value)
	}
	return name
}

// leasesAtMost is how many leases a client can come to know in a scheme, in words.
func leasesAtMost(w *sim.Config) string {
	switch w.Destination.Scheme {
	case sim.SchemeMeta, sim.SchemeP140Meta:
		return "255 × 16 a level"
	case sim.SchemeLargeLeaseSet:
		return fmt.Sprint(sim.LeasesIn(w.Network.LeaseSetLimit))
	default:
		return "16"
	}
}

// group is the points of one place in the sweep, a variant each.
type group struct {
	name   string // how a sentence begins
	points []int
}

// sameGrid groups the points by their place in the sweep, in its order.
func (r *runner) sameGrid() []group {
	var groups []group
	at := map[string]int{}
	for i := range r.plan.points {
		rest := restOfGrid(&r.plan.points[i])
		k, ok := at[rest]
		if !ok {
			k = len(groups)
			at[rest] = k
			groups = append(groups, group{name: beginning(&r.plan.points[i])})
		}
		groups[k].points = append(groups[k].points, i)
	}
	return groups
}

// restOfGrid is gridOf without the variant, which comes first.
func restOfGrid(pt *point) string {
	_, rest, _ := strings.Cut(gridOf(pt), ", ")
	return rest
}

// beginning opens a sentence about a place in the sweep.
func beginning(pt *point) string {
	grid := pt.scenario.Grid[1:]
	switch {
	case len(grid) == 0:
		return ""
	case len(grid) == 1 && grid[0].Path == "destination.routers.count":
		if fmt.Sprint(grid[0].Value) == "1" {
			return "With one router: "
		}
		return fmt.Sprintf("With %v routers: ", grid[0].Value)
	}
	return "At " + restOfGrid(pt) + ": "
}

func (r *runner) variantOf(i int) string { return fmt.Sprint(r.plan.points[i].scenario.Grid[0].Value) }

// span finds the variants with the least and the most of a metric.
func (r *runner) span(s *result.Summary, g group, metric string) (low, high int, ok bool) {
	low, high = -1, -1
	var least, most float64
	for _, i := range g.points {
		m, has := policyCell(s, i).Metric(metric)
		if !has || !m.Defined() {
			continue
		}
		if low < 0 || m.Center < least {
			low, least = i, m.Center
		}
		if high < 0 || m.Center > most {
			high, most = i, m.Center
		}
	}
	return low, high, low >= 0 && low != high
}

// extremes says between which variants each metric lies.
func (r *runner) extremes(s *result.Summary, g group) string {
	var parts []string
	for _, c := range compared {
		low, high, ok := r.span(s, g, c.metric)
		if c.words == "" || !ok {
			continue
		}
		a, _ := policyCell(s, low).Metric(c.metric)
		b, _ := policyCell(s, high).Metric(c.metric)
		verdict := ""
		if a.HasInterval() && b.HasInterval() && a.Hi >= b.Lo {
			verdict = ", intervals that overlap"
		}
		parts = append(parts, fmt.Sprintf("%s from %s (%s) to %s (%s)%s", c.words, brief(a), r.variantOf(low), brief(b), r.variantOf(high), verdict))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

// revealed says what observers learn of each variant.
func (r *runner) revealed(s *result.Summary, g group) string {
	var told, hidden, open, shown []string
	for _, i := range g.points {
		if m, ok := policyCell(s, i).Metric("subs_revealed"); ok {
			what := "each on one router at least"
			if r.plan.points[i].scenario.World.Destination.Scheme == sim.SchemeMeta {
				what = "each on one router, so that those are the routers that are up"
			}
			shown = append(shown, fmt.Sprintf("The Meta LeaseSet of %s shows %s sub-Destinations, %s.", r.variantOf(i), brief(m), what))
		}
		m, ok := policyCell(s, i).Metric("attack.best.auc")
		if !ok || !m.HasInterval() {
			continue
		}
		text := fmt.Sprintf("%s (%s)", r.variantOf(i), brief(m))
		switch {
		case m.Lo > 0.5:
			told = append(told, text)
		case m.Hi < excluded:
			hidden = append(hidden, text)
		default:
			open = append(open, text)
		}
	}
	var parts []string
	for _, p := range []struct {
		what string
		list []string
	}{
		{"told from " + armLabel(&r.plan.points[g.points[0]], scenario.ReferenceArm) + " by the best attack (AUC): ", told},
		{"undecided: ", open},
		{"could not be told: ", hidden},
	} {
		if len(p.list) > 0 {
			parts = append(parts, p.what+strings.Join(p.list, ", "))
		}
	}
	text := strings.Join(parts, "; ")
	if text != "" {
		text += "."
	}
	if len(shown) > 0 {
		text = strings.TrimSpace(text + " " + strings.Join(shown, " "))
	}
	return text
}

// headline is the answer in a sentence: what is revealed, what clients feel and what
// floodfills bear, as far as it differs.
func (r *runner) headline(s *result.Summary, g group) string {
	var told, open, hidden, shows []string
	for _, i := range g.points {
		if m, ok := policyCell(s, i).Metric("attack.best.auc"); ok && m.HasInterval() {
			switch name := r.variantOf(i); {
			case m.Lo > 0.5:
				told = append(told, name)
			case m.Hi < excluded:
				hidden = append(hidden, name)
			default:
				open = append(open, name)
			}
		}
		if m, ok := policyCell(s, i).Metric("subs_revealed"); ok && r.plan.points[i].scenario.World.Destination.Scheme == sim.SchemeMeta {
			shows = append(shows, fmt.Sprintf("%s tells everybody which routers are up (%s)", r.variantOf(i), brief(m)))
		}
	}
	reference := armLabel(&r.plan.points[g.points[0]], scenario.ReferenceArm)
	for _, i := range g.points {
		if armLabel(&r.plan.points[i], scenario.ReferenceArm) != reference {
			reference = "its reference"
			break
		}
	}
	var parts []string
	switch judged := len(told) + len(open) + len(hidden); {
	case judged == 0:
	case len(told) == judged:
		parts = append(parts, "every variant is told from "+reference)
	default:
		for _, p := range []struct {
			list []string
			what string
		}{{told, "told from " + reference}, {open, "undecided"}, {hidden, "not told"}} {
			if len(p.list) > 0 {
				parts = append(parts, p.what+": "+strings.Join(p.list, ", "))
			}
		}
	}
	parts = append(parts, shows...)
	for _, x := range []struct {
		metric, format string
		differ         float64 // the least ratio that is worth a word
	}{
		{"stream_survival", "of clients' streams most survive under %[1]s (%[2]s), fewest under %[3]s (%[4]s)", 1.02},
		{"first_contact_success", "first contacts succeed most under %[1]s (%[2]s), least under %[3]s (%[4]s)", 1.02},
		{"client_failover_s", "after a router's loss clients wait longest under %[1]s (%[2]s s), shortest under %[3]s (%[4]s s)", 1.5},
		{"floodfill_busiest_messages_per_s", "%[1]s loads the busiest floodfill the most (%[2]s messages a second), %[3]s the least (%[4]s)", 1.5},
	} {
		low, high, ok := r.span(s, g, x.metric)
		if !ok {
			continue
		}
		a, _ := policyCell(s, low).Metric(x.metric)
		b, _ := policyCell(s, high).Metric(x.metric)
		if b.Center >= x.differ*a.Center {
			parts = append(parts, fmt.Sprintf(x.format, r.variantOf(high), brief(b), r.variantOf(low), brief(a)))
		}
	}
	if len(parts) == 0 {
		return "see the table."
	}
	return strings.Join(parts, "; ") + "."
}

// tidyVariants names the series of a sweep by their variants, draws a reference that
// several of them share once, and lets a logarithm show what spans decades.
func tidyVariants(f *result.Figure) {
	const name = ", name "
	var series []result.Series
	low, high := math.Inf(1), 0.0
	for _, s := range f.Series {
		for i, y := range s.Y {
			low, high = min(low, y), max(high, y)
			if i < len(s.Lo) {
				low = min(low, s.Lo[i])
			}
		}
		_, variant, _ := strings.Cut(s.Label, name)
		s.Label = variant
		if s.Arm == result.Reference {
			s.Label = "reference"
			if slices.ContainsFunc(series, func(o result.Series) bool {
				return o.Arm == s.Arm && slices.Equal(o.X, s.X) && slices.Equal(o.Y, s.Y)
			}) {
				continue
			}
		}
		series = append(series, s)
	}
	f.Series = series
	if low > 0 && high >= 100*low {
		f.Y.Scale = result.Log
	}
}

// brief writes a metric with its interval in three digits.
func brief(m result.Metric) string {
	if !m.Defined() {
		return "undefined"
	}
	text := threeDigits(m.Center)
	if m.HasInterval() && m.Lo != m.Hi {
		text += " [" + threeDigits(m.Lo) + ", " + threeDigits(m.Hi) + "]"
	}
	return text
}

// threeDigits writes a number with three digits, and the whole of one that has more.
func threeDigits(x float64) string {
	if math.Abs(x) >= 999.5 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}
