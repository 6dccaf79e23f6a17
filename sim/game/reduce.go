package game

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

const (
	confidence = 0.95
	// resamples of every bootstrap.
	resamples = 1000
)

// reduce turns the records into result values, in the order of the plan.
func (r *runner) reduce(opt Options) (*Results, error) {
	s := r.plan.scenario
	res := &Results{Summary: &result.Summary{Scenario: s.Name, Seed: s.Seed, Trials: s.Trials, Commit: opt.Commit}, Figures: &result.Figures{}}
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		if pt.figure != nil {
			cell, err := r.published(pt)
			if err != nil {
				return nil, err
			}
			res.Summary.Cells = append(res.Summary.Cells, cell)
			continue
		}
		for _, arm := range pt.arms {
			var n notes
			cell, err := r.cell(pt, arm, &n)
			if err != nil {
				return nil, err
			}
			if arm == scenario.PolicyArm {
				r.attackMetrics(&cell, i, &n)
			}
			n.write(&cell)
			res.Summary.Cells = append(res.Summary.Cells, cell)
		}
	}
	r.figures(res)
	r.text(res, opt)
	return res, nil
}

// cell reduces the metrics of one arm of a point.
func (r *runner) cell(pt *point, arm scenario.Arm, n *notes) (result.Cell, error) {
	cell := result.Cell{Arm: result.Arm(arm)}
	for _, p := range pt.scenario.Params(arm) {
		v, err := result.ValueOf(p.Value)
		if err != nil {
			return cell, err
		}
		cell.SetParam(p.Path, v)
	}
	u := &r.plan.units[pt.unit[armIndex(arm)]]
	for k, m := range trialMetrics {
		var xs []float64
		for t := range u.trials {
			x := r.records[TrialID{u.cell, u.arm, Test, t}].Values[k]
			if !math.IsNaN(x) {
				xs = append(xs, x)
			}
		}
		if len(xs) == 0 {
			continue // the world has no such thing
		}
		var e analysis.Estimate
		if m.share {
			e = analysis.MeanWithin(xs, 0, 1, confidence, m.unit)
		} else {
			e = analysis.Mean(xs, confidence, m.unit)
		}
		n.set(&cell, m.name, e, m.unit)
	}
	for _, w := range r.warnings[pointIndex(r.plan, pt)] {
		cell.Warn(w)
	}
	return cell, nil
}

func pointIndex(p *plan, pt *point) int {
	for i := range p.points {
		if &p.points[i] == pt {
			return i
		}
	}
	return 0
}

// notes gathers the warnings of a cell's metrics, each text once: a suite of
// attacks at several horizons says the same of many metrics.
type notes struct {
	texts []string
	names [][]string
}

// set stores an estimate and notes its warnings under its name.
func (n *notes) set(cell *result.Cell, name string, e analysis.Estimate, unit string) {
	cell.Set(name, result.Metric{Center: e.Center, Lo: e.Lo, Hi: e.Hi, Confidence: e.Confidence, N: e.N, Unit: unit})
	for _, w := range e.Warnings {
		i := slices.Index(n.texts, w)
		if i < 0 {
			i = len(n.texts)
			n.texts, n.names = append(n.texts, w), append(n.names, nil)
		}
		n.names[i] = append(n.names[i], name)
	}
}

// write gives the cell its warnings.
func (n *notes) write(cell *result.Cell) {
	for i, text := range n.texts {
		name := n.names[i][0]
		switch more := len(n.names[i]) - 1; {
		case more == 1:
			name += " and " + n.names[i][1]
		case more > 1:
			name += fmt.Sprintf(" and %d more", more)
		}
		cell.Warn(name + ": " + text)
	}
}

// scores are those of look k of point i in both arms, in the order of the
// trials; routers are the numbers of routers that it estimates.
func (r *runner) scores(i, k int) (scores, routers [2][]float64) {
	pt := &r.plan.points[i]
	for _, arm := range pt.arms {
		a := armIndex(arm)
		u := &r.plan.units[pt.unit[a]]
		user := 0
		for j, p := range u.users {
			if p == i {
				user = j
			}
		}
		for t := range u.trials {
			v := r.records[TrialID{u.cell, u.arm, Test, t}].Verdicts[user][k]
			scores[a] = append(scores[a], v.Score)
			routers[a] = append(routers[a], v.Routers)
		}
	}
	return scores, routers
}

// attackMetrics reduces what the attacks say of point i.
func (r *runner) attackMetrics(cell *result.Cell, i int, n *notes) {
	pt := &r.plan.points[i]
	type key struct {
		adversary int
		horizon   sim.Time
	}
	best := make(map[key][]int)
	var order []key
	for k, l := range pt.looks {
		scores, routers := r.scores(i, k)
		for _, m := range r.measures(i, k, scores, routers) {
			r.name(cell, n, pt, l, l.attack, m.name, m.estimate, m.unit)
		}
		at := key{l.adversary, l.horizon}
		if best[at] == nil {
			order = append(order, at)
		}
		best[at] = append(best[at], k)
	}
	for _, at := range order {
		looks := best[at]
		r.name(cell, n, pt, pt.looks[looks[0]], result.BestAttack, "auc", r.bestAUC(i, looks), "1")
	}
}

// name stores a measure under the attack's names: that of its adversary and
// horizon, and the plain one for the first adversary at full duration.
func (r *runner) name(cell *result.Cell, n *notes, pt *point, l look, attackName, measure string, e analysis.Estimate, unit string) {
	full := result.AttackMetric{
		Adversary: pt.scenario.World.Adversaries[l.adversary].Name,
		Attack:    attackName, Measure: measure, Horizon: hours(l.horizon),
	}
	n.set(cell, full.Name(), e, unit)
	if l.adversary == 0 && l.full {
		plain := result.AttackMetric{Attack: attackName, Measure: measure}
		n.set(cell, plain.Name(), e, unit)
	}
}

type measure struct {
	name     string
	unit     string
	estimate analysis.Estimate
}

func (r *runner) measures(i, k int, scores, routers [2][]float64) []measure {
	pos, neg := scores[0], scores[1]
	out := []measure{
		{"auc", "1", analysis.AUC(neg, pos, confidence)},
		{"advantage", "1", analysis.Advantage(neg, pos, resamples, confidence, r.rng(i, k, 1))},
		{"tpr_at_fpr_0.01", "share", analysis.TPRAt(0.01, neg, pos, confidence)},
		{"tpr_at_fpr_0.001", "share", analysis.TPRAt(0.001, neg, pos, confidence)},
	}
	var right, n int
	var errors []float64
	for a, arm := range r.plan.points[i].arms {
		world := &r.plan.points[i].scenario.World
		if arm == scenario.ReferenceArm {
			world = &r.plan.points[i].scenario.Reference
		}
		truth := float64(len(world.Destination.Routers))
		for _, x := range routers[a] {
			if math.IsNaN(x) {
				continue
			}
			n++
			if math.Round(x) == truth {
				right++
			}
			errors = append(errors, math.Abs(x-truth))
		}
	}
	if n > 0 {
		out = append(out,
			measure{"count_accuracy", "share", analysis.ClopperPearson(right, n, confidence)},
			measure{"count_mae", "routers", analysis.Mean(errors, confidence, "routers")})
	}
	return out
}

// bestAUC is the largest AUC of several looks. Its interval covers the largest
// true AUC at the stated level: each look's is made at a level that all of them
// keep together (Bonferroni).
func (r *runner) bestAUC(i int, looks []int) analysis.Estimate {
	level := 1 - (1-confidence)/float64(len(looks))
	var best analysis.Estimate
	for j, k := range looks {
		scores, _ := r.scores(i, k)
		e := analysis.AUC(scores[1], scores[0], level)
		if j == 0 {
			best = e
			continue
		}
		if e.Center > best.Center {
			best.Center, best.Warnings = e.Center, e.Warnings
		}
		best.Lo = max(best.Lo, e.Lo)
		best.Hi = max(best.Hi, e.Hi)
	}
	best.Confidence = confidence
	return best
}

// rng is the randomness of a bootstrap: its own stream for each look and use.
func (r *runner) rng(i, k, use int) *rand.Rand {
	a := splitmix(r.plan.scenario.Seed ^ 0xb007)
	b := splitmix(uint64(i)<<32 | uint64(k)<<8 | uint64(use))
	return rand.New(rand.NewPCG(a, b))
}

// hours writes a span as scenarios do: whole hours, else minutes or seconds.
func hours(t sim.Time) string {
	switch {
	case t%sim.Hour == 0:
		return strconv.FormatInt(int64(t/sim.Hour), 10) + "h"
	case t%sim.Minute == 0:
		return strconv.FormatInt(int64(t/sim.Minute), 10) + "m"
	default:
		return fmt.Sprint(t.Seconds(), "s")
	}
}

// published reduces a figure of the literature: its metric beside the value
// that was published.
func (r *runner) published(pt *point) (result.Cell, error) {
	f := pt.figure
	cell := result.Cell{Arm: result.Policy}
	if x, ok := f.Arithmetic(); ok {
		for _, p := range f.Scenario.Params(scenario.PolicyArm) {
			v, err := result.ValueOf(p.Value)
			if err != nil {
				return cell, err
			}
			cell.SetParam(p.Path, v)
		}
		unit := "1"
		if d, ok := result.Describe(f.Metric); ok {
			unit = d.Unit
		}
		cell.Set(f.Metric, result.Exact(x, 1, unit))
	} else {
		var n notes
		var err error
		if cell, err = r.cell(pt, scenario.PolicyArm, &n); err != nil {
			return cell, err
		}
		n.write(&cell)
	}
	cell.SetParam("figures.name", result.String(f.Name))
	m, ok := cell.Metric(f.Metric)
	if !ok {
		return cell, fmt.Errorf("figure %s: its world has no %s", f.Name, f.Metric)
	}
	expected := f.Expected
	m.Expected = &expected
	cell.Set(f.Metric, m)
	if !f.Agrees(m.Center) {
		cell.Warn(fmt.Sprintf("%s: %.4g differs from the published %.4g by more than the tolerance of %.3g",
			f.Metric, m.Center, f.Expected, f.Tolerance))
	}
	return cell, nil
}
