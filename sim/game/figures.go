package game

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
	"multihome.i2p/sim/tier"
)

// maxCurves is the most grid points that a figure of curves shows; beyond it
// the sweep figures tell the tale.
const maxCurves = 4

// figures draws the data of all plots.
func (r *runner) figures(res *Results) {
	add := func(f result.Figure, ok bool) {
		if ok {
			res.Figures.Figures = append(res.Figures.Figures, f)
		}
	}
	if len(r.plan.points) > 0 && r.plan.points[0].figure != nil {
		add(r.publishedFigure(res.Summary))
		return
	}
	if len(r.plan.scenario.Variants) > 0 {
		add(r.variantsPareto(res.Summary))
	}
	if len(r.plan.points) > 1 {
		metrics := []string{"attack.best.auc", "distinct_ibgw_total", "distinct_ibgw_per_leaseset"}
		if len(r.plan.scenario.Variants) > 0 {
			metrics = append(metrics, "leaseset_publishes_per_10min", "floodfill_busiest_messages_per_s", "netdb_bytes_per_10min",
				"availability", "failover_s", "client_failover_s", "stream_survival", "delivery", "subs_revealed")
		}
		for _, metric := range metrics {
			f, err := result.SweepFigure(res.Summary, metric, "")
			f.ID = "sweep-" + strings.NewReplacer(".", "-", "_", "-").Replace(metric)
			if len(r.plan.scenario.Variants) > 0 {
				tidyVariants(&f)
			}
			add(f, err == nil)
		}
	}
	add(r.rocFigure())
	add(r.horizonFigure())
	add(r.signalsFigure())
	add(r.importanceFigure())
	add(r.countFigure())
	add(r.countingFigure())
	add(r.growthFigure())
	add(r.distinctFigure())
	add(r.loadFigure())
	add(r.tierFigure())
}

// shown says which grid points a figure of curves leaves out.
func (r *runner) shown() string {
	if n := len(r.plan.points); n > maxCurves {
		return fmt.Sprintf(" Of %d grid points the first %d are drawn.", n, maxCurves)
	}
	return ""
}

// firstOnly says that a figure shows the first grid point alone.
func (r *runner) firstOnly() string {
	if len(r.plan.points) > 1 {
		return " Of the grid points the first is drawn: " + gridOf(&r.plan.points[0]) + "."
	}
	return ""
}

// label names an arm of a point in legends.
func (r *runner) label(pt *point, arm scenario.Arm) string {
	name := armLabel(pt, arm)
	if arm == scenario.PolicyArm && len(r.plan.points) > 1 {
		name += ", " + gridOf(pt)
	}
	return name
}

// gridOf says where in the sweep a point lies.
func gridOf(pt *point) string {
	var at []string
	for _, p := range pt.scenario.Grid {
		at = append(at, fmt.Sprint(p.Path[strings.LastIndexByte(p.Path, '.')+1:], " ", p.Value))
	}
	return strings.Join(at, ", ")
}

// armLabel says what an arm is.
func armLabel(pt *point, arm scenario.Arm) string {
	d := &pt.scenario.World.Destination
	if arm == scenario.ReferenceArm {
		d = &pt.scenario.Reference.Destination
	}
	kind := "Java"
	for i := range d.Routers {
		switch {
		case i > 0 && d.Routers[i].Kind != d.Routers[0].Kind:
			kind = "mixed"
		case i == 0 && d.Routers[0].Kind == sim.I2pd:
			kind = "i2pd"
		}
	}
	name := fmt.Sprintf("%d %s routers", len(d.Routers), kind)
	if len(d.Routers) == 1 {
		name = "1 " + kind + " router"
	}
	switch {
	case balanced(d.Scheme):
		name += " (policy " + d.Policy.Name + ")"
	case d.Scheme == sim.SchemeSingle:
		name = strings.Replace(name, kind, "stock "+kind, 1)
	default:
		name += " (scheme " + string(d.Scheme) + ")"
	}
	return name
}

// curves visits both arms of the first grid points, references that are the
// same world once.
func (r *runner) curves(visit func(label string, arm result.Arm, t *tally)) {
	drawn := make(map[int]bool)
	for i := range min(len(r.plan.points), maxCurves) {
		pt := &r.plan.points[i]
		for _, arm := range pt.arms {
			u := pt.unit[armIndex(arm)]
			if !drawn[u] {
				drawn[u] = true
				visit(r.label(pt, arm), result.Arm(arm), &r.tallies[u])
			}
		}
	}
}

// suite lists the looks of the first adversary over the whole observation, the
// strongest first; looks that saw nothing to judge are left out.
func (r *runner) suite(i int) []int {
	pt := &r.plan.points[i]
	var looks []int
	auc := make(map[int]float64)
	for k, l := range pt.looks {
		if l.adversary != 0 || !l.full {
			continue
		}
		scores := r.scores(i, k)
		if all := slices.Concat(scores[0], scores[1]); len(all) > 0 && slices.Min(all) < slices.Max(all) {
			auc[k] = analysis.AUC(scores[1], scores[0], confidence).Center
			looks = append(looks, k)
		}
	}
	slices.SortStableFunc(looks, func(a, b int) int { return cmp.Compare(auc[b], auc[a]) })
	return looks
}

// mostSeries is the most curves with bands that one figure shows.
const mostSeries = 6

func (r *runner) rocFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "roc", Kind: result.ROC,
		Title: "How well each attack tells the arms apart",
		X:     result.Axis{Label: "false positive rate", Unit: "share"},
		Y:     result.Axis{Label: "true positive rate", Unit: "share"},
	}
	const banded = " with its pointwise 95 % band: bootstrap, or exact where all resamples agree"
	const diagonal = " On the diagonal an attack does no better than a guess. The bound is that of everybody who only counts gateways, exact for tiers that " +
		"neither change nor share peers: an attack above it uses more than their number."
	var grid []float64
	for k := range 41 {
		grid = append(grid, float64(k)/40)
	}
	draw := func(i, k int, label string, band bool) {
		scores := r.scores(i, k)
		s := result.Series{Label: label, Arm: result.Policy, N: len(scores[0]) + len(scores[1])}
		if band {
			s.Confidence = confidence
		}
		for g, e := range analysis.ROCBand(scores[1], scores[0], grid, resamples, confidence, r.rng(i, k, 2)) {
			s.X, s.Y = append(s.X, grid[g]), append(s.Y, e.Center)
			if band {
				s.Lo, s.Hi = append(s.Lo, e.Lo), append(s.Hi, e.Hi)
			}
		}
		f.Series = append(f.Series, s)
	}
	bounds := func(i int, suffix string) {
		s := bestROC(&r.plan.points[i])
		for k := range s {
			s[k].Label += suffix
		}
		f.Series = append(f.Series, s...)
	}
	if len(r.plan.points) == 1 {
		looks := r.suite(0)
		few := len(looks) <= mostSeries
		f.Note = "Each curve is one attack of the first adversary over the whole observation" + banded + "." + diagonal
		if !few {
			f.Note = "Each curve is one attack of the first adversary over the whole observation; the combined one" + banded + "." + diagonal
		}
		for _, k := range looks {
			name := r.plan.points[0].looks[k].attack
			draw(0, k, name, few || name == attack.Combined)
		}
		if len(f.Series) > 0 {
			bounds(0, "")
		}
		return f, len(f.Series) > 0
	}
	f.Note = "At each grid point the combined attack, or the strongest, of the first adversary over the whole observation," + banded + "." + diagonal + r.shown()
	for i := range min(len(r.plan.points), maxCurves) {
		pt := &r.plan.points[i]
		looks := r.suite(i)
		if len(looks) == 0 {
			continue
		}
		k := looks[0]
		if c := slices.IndexFunc(looks, func(k int) bool { return pt.looks[k].attack == attack.Combined }); c >= 0 {
			k = looks[c]
		}
		draw(i, k, pt.looks[k].attack+", "+gridOf(pt), true)
		bounds(i, ", "+gridOf(pt))
	}
	return f, len(f.Series) > 0
}

// horizonFigure shows the first point's AUC as the observation grows.
func (r *runner) horizonFigure() (result.Figure, bool) {
	pt := &r.plan.points[0]
	f := result.Figure{
		ID: "auc-over-time", Kind: result.Curve,
		Title: "Detection as the observation grows",
		Note:  "The same test trials, cut at each length of observation; the attacks are trained for each length.",
		X:     result.Axis{Label: "observed time", Unit: "h", Scale: result.Log},
		Y:     result.Axis{Label: "AUC", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
	}
	looks := r.suite(0)
	shown := looks[:min(len(looks), mostSeries)]
	if c := slices.IndexFunc(looks, func(k int) bool { return pt.looks[k].attack == attack.Combined }); c >= mostSeries {
		shown = append(slices.Clone(shown[:mostSeries-1]), looks[c])
	}
	if len(shown) < len(looks) {
		f.Note += fmt.Sprintf(" Of %d attacks the strongest are drawn.", len(looks))
	}
	f.Note += r.firstOnly()
	longest := 0
	for _, full := range shown {
		s := result.Series{Label: pt.looks[full].attack, Arm: result.Policy, Confidence: confidence}
		for k, l := range pt.looks {
			if l.adversary == 0 && l.attack == s.Label {
				scores := r.scores(0, k)
				e := analysis.AUC(scores[1], scores[0], confidence)
				s.N = e.N
				addPoint(&s, l.horizon.Seconds()/3600, e.Center, e.Lo, e.Hi)
			}
		}
		longest = max(longest, len(s.X))
		f.Series = append(f.Series, s)
	}
	return f, longest > 1
}

// signalsFigure shows what each attack on the first point reaches by itself.
func (r *runner) signalsFigure() (result.Figure, bool) {
	pt := &r.plan.points[0]
	f := result.Figure{
		ID: "what-gives-it-away", Kind: result.Histogram,
		Title: "What gives the policy away",
		Note:  "What each attack of the first adversary reaches by itself over the whole observation; the intervals hold for all of them at once." + r.firstOnly(),
		X:     result.Axis{Label: "attack", Unit: "1"},
		Y:     result.Axis{Label: "AUC", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
	}
	looks := r.suite(0)
	if len(looks) < 2 {
		return f, false
	}
	each := analysis.SimultaneousAUCsOf(len(looks), func(a int) (negatives, positives []float64) {
		scores := r.scores(0, looks[a])
		return scores[1], scores[0]
	}, resamples, confidence, func() *rand.Rand { return r.rng(0, looks[0], 6) }).Each
	s := result.Series{Label: "alone", Arm: result.Policy, Confidence: confidence, N: each[0].N}
	for i, e := range each {
		f.X.Categories = append(f.X.Categories, pt.looks[looks[i]].attack)
		addPoint(&s, float64(i), e.Center, e.Lo, e.Hi)
	}
	f.Series = append(f.Series, s)
	return f, true
}

// importanceFigure shows what the combined attack on the first point lives on.
func (r *runner) importanceFigure() (result.Figure, bool) {
	pt := &r.plan.points[0]
	f := result.Figure{
		ID: "importance", Kind: result.Histogram,
		Title: "What the combined attack lives on",
		Note: "By how much the AUC of the combined attack falls when what one attack saw is shuffled among the test trials. " +
			"Attacks that see the same thing share its weight: each can look small." + r.firstOnly(),
		X: result.Axis{Label: "attack", Unit: "1"},
		Y: result.Axis{Label: "AUC lost", Unit: "1", Guides: []result.Guide{{Value: 0, Label: "not used"}}},
	}
	k := slices.IndexFunc(pt.looks, func(l look) bool { return l.attack == attack.Combined && l.adversary == 0 && l.full })
	if k < 0 {
		return f, false
	}
	vectors, multi := r.combinedVectors(0)
	parts, err := attack.Parts(r.fitted[0][k], vectors, multi, confidence, r.rng(0, k, 5))
	if err != nil {
		return f, false // an arm without a trace that tells anything
	}
	slices.SortStableFunc(parts, func(a, b attack.Part) int { return cmp.Compare(b.Drop.Center, a.Drop.Center) })
	s := result.Series{Label: "combined", Arm: result.Policy, Confidence: confidence, N: len(vectors)}
	for i, p := range parts {
		f.X.Categories = append(f.X.Categories, p.Attack)
		addPoint(&s, float64(i), p.Drop.Center, p.Drop.Lo, p.Drop.Hi)
	}
	f.Series = append(f.Series, s)
	return f, len(parts) > 0
}

// countFigure shows what numbers of routers the attacks that count them name.
func (r *runner) countFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "router-count", Kind: result.Histogram,
		Title: "How many routers the attacks count",
		Note:  "Estimates of the first adversary over the whole observation; intervals of shares by Clopper and Pearson." + r.shown(),
		X:     result.Axis{Label: "number of routers named", Unit: "routers"},
		Y:     result.Axis{Label: "traces", Unit: "share"},
	}
	drawn := make(map[string]bool)
	for i := range min(len(r.plan.points), maxCurves) {
		pt := &r.plan.points[i]
		for k, l := range pt.looks {
			if l.adversary != 0 || !l.full {
				continue
			}
			routers := r.counts(i, k)
			for _, arm := range pt.arms {
				label := l.attack + ": " + r.label(pt, arm)
				var counts [attack.MaxRouters + 1]int
				n := 0
				for _, x := range routers[armIndex(arm)] {
					if m := int(math.Round(x)); x == x && m >= 1 && m <= attack.MaxRouters {
						counts[m]++
						n++
					}
				}
				if n == 0 || drawn[label] {
					continue
				}
				drawn[label] = true
				s := result.Series{Label: label, Arm: result.Arm(arm), Confidence: confidence, N: n}
				for m := 1; m <= attack.MaxRouters; m++ {
					e := analysis.ClopperPearson(counts[m], n, confidence)
					addPoint(&s, float64(m), e.Center, e.Lo, e.Hi)
				}
				f.Series = append(f.Series, s)
			}
		}
	}
	return f, len(f.Series) > 0
}

// priorText says what attack posterior of the first point takes for likely before it
// sees anything.
func (r *runner) priorText() string {
	if len(r.plan.points[0].scenario.World.Adversaries) == 0 {
		return ""
	}
	prior := r.plan.points[0].scenario.World.Adversaries[0].Prior
	if prior == nil {
		return " Before it sees anything it takes all of them for equally likely."
	}
	return fmt.Sprintf(" Before it sees anything it weighs 1, 2, … routers %v.", prior)
}

// countingFigure shows, in a sweep over the number of routers, how often attack
// posterior is right.
func (r *runner) countingFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "counting", Kind: result.Sweep,
		Title: "How often the number of routers is told",
		Note: "Attack posterior of the first adversary over the whole observation. It has learned from training trials of " +
			"all numbers of this sweep; intervals by Clopper and Pearson." + r.priorText(),
		X: result.Axis{Label: "routers", Unit: "routers"},
		Y: result.Axis{Label: "traces", Unit: "share", Guides: []result.Guide{{Value: 1, Label: "certainty"}}},
	}
	var groups [][]scenario.Param
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		k := slices.IndexFunc(pt.looks, func(l look) bool { return l.attack == attack.Posterior && l.adversary == 0 && l.full })
		if k < 0 {
			continue
		}
		group := withoutCount(pt)
		at := slices.IndexFunc(groups, func(g []scenario.Param) bool { return slices.Equal(g, group) })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group)
			where := ""
			for _, p := range group {
				where += fmt.Sprint(", ", p.Path[strings.LastIndexByte(p.Path, '.')+1:], " ", p.Value)
			}
			f.Series = append(f.Series,
				result.Series{Label: "exact" + where, Arm: result.Policy, Confidence: confidence},
				result.Series{Label: "within one" + where, Arm: result.Reference, Confidence: confidence})
		}
		routers := r.counts(i, k)
		truth := float64(len(pt.scenario.World.Destination.Routers))
		for off := range 2 {
			right := 0
			for _, x := range routers[0] {
				if math.Abs(x-truth) <= float64(off) {
					right++
				}
			}
			e := analysis.ClopperPearson(right, len(routers[0]), confidence)
			s := &f.Series[2*at+off]
			s.N = len(routers[0])
			addPoint(s, truth, e.Center, e.Lo, e.Hi)
		}
	}
	f.Series = append(f.Series, sliceSumBound(f.Series, &r.plan.points[0].scenario.World)...)
	return f, len(f.Series) > 0 && len(f.Series[0].X) > 1
}

func (r *runner) growthFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "accumulation", Kind: result.Curve,
		Title: "Distinct inbound gateways that published LeaseSets have shown",
		Note:  "The mean over the test trials with its 95 % interval, counted from the LeaseSets published since the observation began; an observer who polls sees fewer." + r.shown(),
		X:     result.Axis{Label: "observed time", Unit: "h"},
		Y:     result.Axis{Label: "distinct IBGWs", Unit: "routers"},
	}
	r.curves(func(label string, arm result.Arm, t *tally) {
		s := result.Series{Label: label, Arm: arm, Confidence: confidence, N: int(t.trials)}
		for k := range t.growth.n {
			y, lo, hi := t.growth.mean(k)
			addPoint(&s, float64(k)*binHours, y, lo, hi)
		}
		f.Series = append(f.Series, s)
	})
	return f, len(f.Series) > 0
}

// binHours is the time between two points of growth and load.
const binHours = minutesPerBin / 60.0

func addPoint(s *result.Series, x, y, lo, hi float64) {
	s.X, s.Y = append(s.X, x), append(s.Y, y)
	s.Lo, s.Hi = append(s.Lo, lo), append(s.Hi, hi)
}

func (r *runner) distinctFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "distinct-per-leaseset", Kind: result.Histogram,
		Title: "Distinct inbound gateways in one LeaseSet",
		Note:  "Share of the published LeaseSets. The intervals treat each trial as one cluster, since its LeaseSets resemble each other." + r.shown(),
		X:     result.Axis{Label: "distinct IBGWs in a LeaseSet", Unit: "routers"},
		Y:     result.Axis{Label: "LeaseSets", Unit: "share"},
	}
	r.curves(func(label string, arm result.Arm, t *tally) {
		s := result.Series{Label: label, Arm: arm, Confidence: confidence, N: int(t.trials)}
		for k := 1; k < len(t.distinct.counts); k++ {
			y, lo, hi := t.distinct.share(k)
			addPoint(&s, float64(k), y, lo, hi)
		}
		if len(s.X) > 0 {
			f.Series = append(f.Series, s)
		}
	})
	return f, len(f.Series) > 0
}

func (r *runner) loadFigure() (result.Figure, bool) {
	f := result.Figure{
		ID: "floodfill-load", Kind: result.Load,
		Title: "Load on the floodfills over time",
		Note:  "Messages of this Destination at all floodfills: stores, floods, verifications and lookups. The mean over the test trials in every ten minutes, with its 95 % interval." + r.shown(),
		X:     result.Axis{Label: "observed time", Unit: "h"},
		Y:     result.Axis{Label: "messages", Unit: "1/10min"},
	}
	r.curves(func(label string, arm result.Arm, t *tally) {
		s := result.Series{Label: label, Arm: arm, Confidence: confidence, N: int(t.trials)}
		for k := range t.load.n {
			y, lo, hi := t.load.mean(k)
			addPoint(&s, (float64(k)+0.5)*binHours, y, lo, hi)
		}
		if len(s.X) > 0 {
			f.Series = append(f.Series, s)
		}
	})
	return f, len(f.Series) > 0
}

// tierFigure shows the fast tiers that were simulated beside the measured ones.
func (r *runner) tierFigure() (result.Figure, bool) {
	const width = 10
	f := result.Figure{
		ID: "fast-tiers", Kind: result.Histogram,
		Title: "Fast tier sizes, simulated and measured",
		Note: "Measured: 21 Java routers of the SWARM-I2P data set (Muntaka et al., arXiv:2506.18159, CC BY 4.0). " +
			"Bins of ten peers; intervals of shares by Clopper and Pearson." + r.shown(),
		X: result.Axis{Label: "peers in the fast tier", Unit: "routers"},
		Y: result.Axis{Label: "routers with such a tier", Unit: "share"},
	}
	histogram := func(label string, arm result.Arm, count func(size int) int64, sizes int) {
		var bins []int64
		var n int64
		for size := range sizes {
			for len(bins) <= size/width {
				bins = append(bins, 0)
			}
			bins[size/width] += count(size)
			n += count(size)
		}
		if n == 0 {
			return
		}
		s := result.Series{Label: label, Arm: arm, Confidence: confidence, N: int(n)}
		for k, c := range bins {
			e := analysis.ClopperPearson(int(c), int(n), confidence)
			addPoint(&s, (float64(k)+0.5)*width, e.Center, e.Lo, e.Hi)
		}
		f.Series = append(f.Series, s)
	}
	r.curves(func(label string, arm result.Arm, t *tally) {
		histogram(label, arm, func(size int) int64 { return t.tiers[size] }, len(t.tiers))
	})
	if len(f.Series) == 0 {
		return f, false
	}
	var measured [tier.FastMax + 1]int64
	for _, row := range tier.Swarm {
		measured[row.Fast]++
	}
	histogram("measured", result.Measured, func(size int) int64 { return measured[size] }, len(measured))
	return f, true
}

// publishedFigure shows every published figure as the ratio of what was found
// to what was published.
func (r *runner) publishedFigure(s *result.Summary) (result.Figure, bool) {
	f := result.Figure{
		ID: "published-figures", Kind: result.Sweep,
		Title: "What was found, relative to what was published",
		Note:  "1 is agreement. Where the published value is a bound, the point may lie on one side of it.",
		X:     result.Axis{Label: "figure", Unit: "1"},
		Y:     result.Axis{Label: "found / published", Unit: "1", Guides: []result.Guide{{Value: 1, Label: "as published"}}},
	}
	series := result.Series{Label: "found", Arm: result.Policy, Confidence: confidence, N: s.Trials}
	for i := range r.plan.points {
		fig := r.plan.points[i].figure
		m, _ := s.Cells[i].Metric(fig.Metric)
		f.X.Categories = append(f.X.Categories, fig.Name)
		addPoint(&series, float64(i), m.Center/fig.Expected, m.Lo/fig.Expected, m.Hi/fig.Expected)
	}
	for i := range series.Lo {
		if math.IsInf(series.Hi[i], 0) {
			series.Lo[i], series.Hi[i] = math.NaN(), math.NaN()
		}
	}
	f.Series = append(f.Series, series)
	return f, true
}

func balanced(s sim.Scheme) bool {
	return s == sim.SchemeP140 || s == sim.SchemeP140Meta || s == sim.SchemeLargeLeaseSet
}
