package game

import (
	"fmt"
	"math"
	"strings"

	"multihome.i2p/analysis/result"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// limitsOf is what a report says about what it does not show, the heaviest first.
func limitsOf(s *scenario.Scenario) []string {
	clients := "Clients are not simulated. Anyone can be a client of a public service, and a client that sends a new session " +
		"through one lease and the next message through another learns whether both lead to the same router. "
	polls := true
	for i := range s.World.Adversaries {
		switch s.World.Adversaries[i].Vantage {
		case string(trace.VantageClient):
			clients = "No clients are simulated but the one that observes. "
			polls = false
		case string(trace.VantageFloodfill), string(trace.VantagePeer):
			polls = false
		}
	}
	limits := []string{clients + "No policy here hides the number of routers from clients."}
	if polls {
		limits = append(limits, "The observer polls the netDb. Floodfills see more (which tunnels a store came through, repeats), and peers that "+
			"serve as hops see more still.")
	}
	return append(limits,
		"No source gives the overlap of fast tiers beyond a rough measurement of 21 routers of one team, nor their turnover, "+
			"nor the success of client tunnel builds. They are assumptions; sweep them before relying on a figure.",
		"The attacks are those named, not the best that could be. An AUC near 0.5 says that these attacks fail.")
}

// text writes the report's words.
func (r *runner) text(res *Results, opt Options) {
	s := r.plan.scenario
	t := &res.Figures.Text
	t.Title = s.Name
	t.Question = s.Question
	t.Command = opt.Command
	t.Limits = limitsOf(s)
	if r.stopped != "" {
		t.Warnings = append(t.Warnings, r.stopped)
	}
	for _, a := range s.Assumptions() {
		if !playsARole(s, a.Path) {
			continue
		}
		text := a.Doc
		if a.Unit != "" && a.Unit != "1" {
			text += " (" + a.Unit + ")"
		}
		t.Assumptions = append(t.Assumptions, result.Assumption{Text: text, Source: a.Source, Key: a.Path, Value: a.Value})
	}
	if r.plan.points[0].figure != nil {
		r.publishedText(res.Summary, t)
		return
	}
	r.gameText(res.Summary, t)
	if len(s.Variants) > 0 {
		if len(s.World.Adversaries) == 0 {
			t.AnswerDetail = ""
		}
		r.variantsText(res.Summary, t)
	}
}

// playsARole tells whether a key has any effect in a scenario. Where it cannot
// tell, it has.
func playsARole(s *scenario.Scenario, path string) bool {
	java, i2pd, core := false, false, false
	for _, w := range []*sim.Config{&s.World, &s.Reference} {
		core = core || balanced(w.Destination.Scheme)
		for i := range w.Destination.Routers {
			java = java || w.Destination.Routers[i].Kind == sim.Java
			i2pd = i2pd || w.Destination.Routers[i].Kind == sim.I2pd
		}
	}
	switch {
	case strings.HasPrefix(path, "clients."):
		return false // refused as long as there are none
	case strings.HasPrefix(path, "destination.policy."), path == "destination.control_delay":
		return core && path != "destination.policy.size"
	case path == "network.i2pd_candidates":
		return i2pd
	}
	for _, key := range []string{"fast_tier", "overlap", "turnover_per_hour", "exploratory", "slices", "ibgw_filter", "max_peer_share", "same_subnet"} {
		if strings.Contains(path, "routers") && strings.Contains(path, key) {
			return java
		}
	}
	return true
}

func (r *runner) publishedText(s *result.Summary, t *result.Text) {
	var off, lines []string
	within := 0
	for i := range r.plan.points {
		f := r.plan.points[i].figure
		m, _ := s.Cells[i].Metric(f.Metric)
		how := f.By
		if how == "" {
			how = "simulation"
		}
		bound := ""
		switch f.Compare {
		case "at_most":
			bound = "at most "
		case "at_least":
			bound = "at least "
		}
		lines = append(lines, fmt.Sprintf("%s: %s by %s, expected %s%.5g (%s).", f.Name, interval(m), how, bound, f.Expected, f.Source))
		switch {
		case !f.Agrees(m.Center):
			off = append(off, fmt.Sprintf("%s: %.4g, published %s%.4g", f.Name, m.Center, bound, f.Expected))
		case bound != "":
			within++
		}
	}
	n := len(r.plan.points)
	t.Answer = fmt.Sprintf("%d of %d figures are reproduced within their tolerance, and %d stay within their bound",
		n-len(off)-within, n, within)
	if len(off) > 0 {
		t.Answer += "; not " + strings.Join(off, "; ")
	}
	t.Answer += "."
	t.AnswerDetail = strings.Join(lines, "\n\n")
}

// excluded is the AUC that the interval's upper end must stay below for the
// words "could not be told": what is above it would be found by a patient
// observer of a few dozen services.
const excluded = 0.6

// gameText answers the scenario's question by the best attack's AUC.
func (r *runner) gameText(s *result.Summary, t *result.Text) {
	const name = "attack.best.auc"
	var cells []int
	told, hidden := 0, 0
	low, high := -1, -1
	best := make(map[int]result.Metric)
	for i := range r.plan.points {
		m, ok := policyCell(s, i).Metric(name)
		if !ok || !m.HasInterval() {
			continue
		}
		cells = append(cells, i)
		best[i] = m
		if m.Lo > 0.5 {
			told++
		} else if m.Hi < excluded {
			hidden++
		}
		if low < 0 || m.Center < best[low].Center {
			low = i
		}
		if high < 0 || m.Center > best[high].Center {
			high = i
		}
	}
	if len(cells) == 0 {
		t.Answer = "No adversary watched; see the metrics."
		return
	}
	pt := &r.plan.points[0]
	a := &pt.scenario.World.Adversaries[0]
	var verdict string
	switch n := len(cells); {
	case told == n:
		verdict = "can be told"
	case hidden == n:
		verdict = "could not be told"
	case n == 1:
		verdict = fmt.Sprintf("may or may not be told (undecided: an AUC of %g is not excluded)", excluded)
	default:
		verdict = fmt.Sprintf("can be told in %d of %d cells, and could not in %d,", told, n, hidden)
	}
	figure := "AUC " + interval(best[low])
	if best[low].Center == best[high].Center && len(cells) > 1 {
		figure += fmt.Sprintf(" in each of the %d cells", len(cells))
	} else if len(cells) > 1 {
		figure = fmt.Sprintf("AUC from %s at %s to %s at %s", interval(best[low]), gridOf(&r.plan.points[low]),
			interval(best[high]), gridOf(&r.plan.points[high]))
	}
	t.Answer = fmt.Sprintf("%s %s from %s %s for %s: %s.",
		armLabel(pt, scenario.PolicyArm), verdict, armLabel(pt, scenario.ReferenceArm),
		observing(a), hours(pt.scenario.World.Duration), figure)
	detail := []string{
		fmt.Sprintf("AUC is the chance that the best of the attacks (%s) ranks a random trace of the one above a random trace "+
			"of the other: 0.5 is a guess, 1 is certainty. The interval holds for all attacks together; below 0.5 an attack that was trained "+
			"on other trials was misled by chance. %d training and %d test trials in each arm, independent of each other.",
			strings.Join(attackNames(pt), ", "), r.plan.scenario.Train, r.plan.scenario.Trials),
		r.horizonText(s),
	}
	if len(cells) <= cellsInText {
		detail = append(detail, r.countText(s, cells))
	}
	t.AnswerDetail = strings.Join(detail, "\n\n") + r.othersText(s)
}

// observing tells what an adversary does at its vantage point.
func observing(a *sim.Adversary) string {
	how := ""
	switch trace.Vantage(a.Vantage) {
	case trace.VantageFloodfill:
		switch {
		case a.Placement == "targeted":
			how = "by being the floodfill closest to its key"
		case a.Floodfills == 1:
			how = "by running one of the floodfills"
		default:
			how = fmt.Sprintf("by running %d of the floodfills", a.Floodfills)
		}
	case trace.VantageClient:
		how = fmt.Sprintf("as a client that looks it up every %s", hours(a.Every))
		if a.ProbeEvery > 0 {
			how += fmt.Sprintf(" and writes through its leases every %s", hours(a.ProbeEvery))
		}
	case trace.VantagePeer:
		how = fmt.Sprintf("by running %g %% of the network's routers", 100*a.Share)
	default:
		how = "by polling the netDb every " + hours(a.Every)
	}
	if a.Routers > 0 {
		how += ", seeing which routers are up,"
	}
	return how
}

// othersText tells how well the other adversaries of the first cell do.
func (r *runner) othersText(s *result.Summary) string {
	pt := &r.plan.points[0]
	text := ""
	for i := range pt.scenario.World.Adversaries[1:] {
		a := &pt.scenario.World.Adversaries[1+i]
		full := result.AttackMetric{
			Adversary: a.Name, Attack: result.BestAttack, Measure: "auc", Horizon: hours(pt.scenario.World.Duration),
		}
		if m, ok := policyCell(s, 0).Metric(full.Name()); ok {
			text += fmt.Sprintf("\n\nAnother observer, %s, %s: AUC of the best attack %s.", a.Name, strings.TrimSuffix(observing(a), ","), interval(m))
		}
	}
	return text
}

// horizonText tells how the first cell's AUC grows with the observation.
func (r *runner) horizonText(s *result.Summary) string {
	pt := &r.plan.points[0]
	var parts []string
	seen := make(map[sim.Time]bool)
	for _, l := range pt.looks {
		if l.adversary != 0 || seen[l.horizon] {
			continue
		}
		seen[l.horizon] = true
		full := result.AttackMetric{
			Adversary: pt.scenario.World.Adversaries[0].Name, Attack: result.BestAttack, Measure: "auc", Horizon: hours(l.horizon),
		}
		if m, ok := policyCell(s, 0).Metric(full.Name()); ok {
			parts = append(parts, hours(l.horizon)+" "+interval(m))
		}
	}
	where := ""
	if grid := gridOf(pt); grid != "" {
		where = " at " + grid
	}
	return "AUC of the best attack by length of observation" + where + ": " + strings.Join(parts, "; ") + "."
}

// cellsInText is of how many cells the counts are written out: of more nobody reads a
// paragraph, and the metrics of each point have them.
const cellsInText = 8

// countText tells how often the routers were counted right.
func (r *runner) countText(s *result.Summary, cells []int) string {
	var parts []string
	for _, i := range cells {
		var each []string
		for _, name := range attackNames(&r.plan.points[i]) {
			if m, ok := policyCell(s, i).Metric("attack." + name + ".count_accuracy"); ok {
				each = append(each, name+" "+interval(m))
			}
		}
		if len(each) == 0 {
			continue
		}
		text := strings.Join(each, ", ")
		if grid := gridOf(&r.plan.points[i]); grid != "" {
			text = "at " + grid + " " + text
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return "No attack counted the routers."
	}
	return "Share of the traces of both arms whose routers were counted exactly: " + strings.Join(parts, "; ") + "."
}

func policyCell(s *result.Summary, point int) *result.Cell { return cellOf(s, result.Policy, point) }

func referenceCell(s *result.Summary, point int) *result.Cell {
	return cellOf(s, result.Reference, point)
}

// cellOf is the cell of an arm at a point, an empty one if there is none.
func cellOf(s *result.Summary, arm result.Arm, point int) *result.Cell {
	n := 0
	for i := range s.Cells {
		if s.Cells[i].Arm != arm {
			continue
		}
		if n == point {
			return &s.Cells[i]
		}
		n++
	}
	return &result.Cell{}
}

func attackNames(pt *point) []string {
	var names []string
	for _, l := range pt.looks {
		if l.adversary == 0 && l.full {
			names = append(names, l.attack)
		}
	}
	return names
}

// interval writes a metric with its interval, rounded outwards, and its n.
func interval(m result.Metric) string {
	if !m.Defined() {
		return fmt.Sprintf("undefined (n = %d)", m.N)
	}
	const digits = 1000
	text := fmt.Sprintf("%.3f", m.Center)
	if m.HasInterval() && m.Lo != m.Hi {
		text += fmt.Sprintf(" [%.3f, %.3f]", math.Floor(m.Lo*digits)/digits, math.Ceil(m.Hi*digits)/digits)
	}
	return fmt.Sprintf("%s (n = %d trials)", text, m.N)
}
