package game

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// A Contender is one system of a comparison: a cell of one of the scenarios.
type Contender struct {
	// Label tells it from the others.
	Label    string
	Scenario string
	// Cell is its policy arm, as a run would have it.
	Cell result.Cell
	// Differences are this contender's metrics minus those of the first one, trial by
	// trial; empty for the first.
	Differences result.Cell
}

// A Comparison is several systems that were played with the same random numbers.
type Comparison struct {
	Seed                    uint64
	Trials                  int
	Contenders              []Contender
	Questions, Descriptions []string // of the scenarios, of the contenders' policy arms
	Limits                  []string // what nobody here hides
}

// Compare plays all cells of all scenarios, which must have the same seed and number of
// trials, and compares each with the first: trial i of every system has the same random
// numbers, so that what they share cancels in the differences (Kleijnen, 1988,
// Management Science 34:65). The attacks are trained for each cell apart. Errors are a
// *LimitError where there is nothing to compare, and ErrStopped where ctx ended first.
func Compare(ctx context.Context, all []*scenario.Scenario, opt Options) (*Comparison, error) {
	out := &Comparison{Seed: all[0].Seed, Trials: all[0].Trials}
	var players []*runner
	total := 0
	for _, s := range all {
		switch {
		case len(s.Figures) > 0:
			return nil, errLimit("scenario %s reproduces published figures; there is nothing to compare", s.Name)
		case s.Seed != out.Seed || s.Trials != out.Trials:
			return nil, errLimit("scenario %s has seed %d and %d trials, %s has %d and %d: only the same trials can be compared",
				s.Name, s.Seed, s.Trials, all[0].Name, out.Seed, out.Trials)
		}
		r := newRunner(newPlan(s), Options{Workers: opt.Workers, Scratch: opt.Scratch})
		total += r.progress.Total
		players = append(players, r)
		out.Questions = append(out.Questions, s.Question)
		for _, l := range limitsOf(s) {
			if !slices.Contains(out.Limits, l) {
				out.Limits = append(out.Limits, l)
			}
		}
	}
	if len(players) == 1 && len(players[0].plan.points) == 1 {
		return nil, errLimit("scenario %s has one cell; give another scenario to compare it with, or one that sweeps something", all[0].Name)
	}
	done := 0
	for _, r := range players {
		if opt.Progress != nil {
			r.opt.Progress = func(p Progress) { opt.Progress(Progress{Done: done + p.Done, Total: total}) }
		}
		if err := r.playAll(ctx); err != nil {
			return nil, err
		}
		done += r.progress.Total
	}
	base := &players[0].plan.points[0]
	for k, r := range players {
		for i := range r.plan.points {
			pt := &r.plan.points[i]
			c := Contender{Label: contenderLabel(all, k, pt), Scenario: all[k].Name}
			var n notes
			var err error
			if c.Cell, err = r.cell(pt, scenario.PolicyArm, &n); err != nil {
				return nil, err
			}
			r.attackMetrics(&c.Cell, i, &n)
			n.write(&c.Cell)
			c.Differences = result.Cell{Arm: result.Policy, Params: c.Cell.Params}
			if pt != base {
				var n notes
				players[0].differences(&c.Differences, r, i, &n)
				n.write(&c.Differences)
			}
			out.Contenders = append(out.Contenders, c)
			out.Descriptions = append(out.Descriptions, armLabel(pt, scenario.PolicyArm))
		}
		if err := r.spilled.failed(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// playAll plays all trials of both sets.
func (r *runner) playAll(ctx context.Context) error {
	if err := r.play(ctx, r.plan.jobs(Training)); err != nil {
		return err
	}
	if err := r.fit(); err != nil {
		return err
	}
	return r.play(ctx, r.plan.jobs(Test))
}

// contenderLabel tells a point of scenario k from all others.
func contenderLabel(all []*scenario.Scenario, k int, pt *point) string {
	label := gridOf(pt)
	if len(all) == 1 {
		return label
	}
	name := all[k].Name
	same := 0 // of the same name before this one
	for _, s := range all[:k] {
		if s.Name == name {
			same++
		}
	}
	if same > 0 {
		name += fmt.Sprintf(" (%d)", same+1)
	}
	return strings.TrimSuffix(name+", "+label, ", ")
}

// differences are the metrics of point i of o minus those of this runner's first one.
func (r *runner) differences(cell *result.Cell, o *runner, i int, n *notes) {
	base, other := &r.plan.points[0], &o.plan.points[i]
	ours, theirs := base.unit[armIndex(scenario.PolicyArm)], other.unit[armIndex(scenario.PolicyArm)]
	for k, m := range trialMetrics {
		var ds []float64
		mine := r.kept[ours].values(k, r.plan.scenario.Trials)
		for t, x := range o.kept[theirs].values(k, r.plan.scenario.Trials) {
			if d := x - mine[t]; !math.IsNaN(d) {
				ds = append(ds, d)
			}
		}
		if len(ds) == 0 {
			continue
		}
		e := analysis.Mean(ds, confidence, m.unit)
		if m.share {
			e = analysis.MeanWithin(ds, -1, 1, confidence, m.unit)
		}
		n.set(cell, m.name, e, m.unit)
	}
	best := make(map[sight][2][]int) // looks of both that are comparable
	var order []sight
	for l, seen := range other.looks {
		b := slices.IndexFunc(base.looks, func(x look) bool { return sameLook(base, x, other, seen) })
		if b < 0 {
			continue
		}
		mine, first := o.scores(i, l), r.scores(0, b)
		o.name(cell, n, other, seen, seen.attack, "auc",
			analysis.AUCDifference(mine[1], mine[0], first[1], first[0], confidence), "1")
		if e := countDifference(other, o.counts(i, l), base, r.counts(0, b)); e.N > 0 {
			o.name(cell, n, other, seen, seen.attack, "count_accuracy", e, "share")
		}
		at := sight{seen.adversary, seen.horizon}
		if _, ok := best[at]; !ok {
			order = append(order, at)
		}
		best[at] = [2][]int{append(best[at][0], b), append(best[at][1], l)}
	}
	for _, at := range order {
		looks := best[at]
		o.name(cell, n, other, other.looks[looks[1][0]], result.BestAttack, "auc",
			bestDifference(r.largestAUC(0, looks[0]), o.largestAUC(i, looks[1])), "1")
	}
}

// sameLook tells whether two looks are the same attack of the same adversary after the
// same time.
func sameLook(p *point, l look, q *point, m look) bool {
	return l.attack == m.attack && l.horizon == m.horizon &&
		p.scenario.World.Adversaries[l.adversary].Name == q.scenario.World.Adversaries[m.adversary].Name
}

// countDifference is how much more often the routers are counted right in the traces of
// p than in those of q, over both arms.
func countDifference(p *point, counts [2][]float64, q *point, others [2][]float64) analysis.Estimate {
	var ds []float64
	for a := range counts {
		for t := range counts[a] {
			x, y := p.counted(a, counts[a][t]), q.counted(a, others[a][t])
			if d := x - y; !math.IsNaN(d) {
				ds = append(ds, d)
			}
		}
	}
	return analysis.MeanWithin(ds, -1, 1, confidence, "share")
}

// counted is 1 where an estimate of an arm's number of routers is right, 0 where it is
// wrong, and NaN where there is none.
func (pt *point) counted(arm int, routers float64) float64 {
	world := &pt.scenario.World
	if arm != armIndex(scenario.PolicyArm) {
		world = &pt.scenario.Reference
	}
	switch {
	case math.IsNaN(routers):
		return math.NaN()
	case math.Round(routers) == float64(len(world.Destination.Routers)):
		return 1
	}
	return 0
}

// largestAUC is the largest AUC of some looks, at a level that leaves half of the error
// for another one.
func (r *runner) largestAUC(i int, looks []int) analysis.Estimate {
	r.level = 1 - (1-confidence)/2
	defer func() { r.level = confidence }()
	return r.bestAUC(i, looks)
}

// bestDifference is the difference of two maxima. Which attack is the best may differ,
// so that nothing pairs: their intervals, each of which errs half as often, hold at
// once.
func bestDifference(first, mine analysis.Estimate) analysis.Estimate {
	return analysis.Estimate{
		Center: mine.Center - first.Center, Lo: max(-1, mine.Lo-first.Hi), Hi: min(1, mine.Hi-first.Lo),
		Confidence: confidence, N: mine.N, Warnings: mine.Warnings,
	}
}
