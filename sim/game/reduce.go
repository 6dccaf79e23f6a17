package game

import (
	"fmt"
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
	return res, r.spilled.failed()
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
	for k, m := range trialMetrics {
		xs := r.values(pt.unit[armIndex(arm)], k)
		if len(xs) == 0 {
			continue // the world has no such thing
		}
		var e analysis.Estimate
		if m.share {
			e = analysis.MeanWithin(xs, 0, 1, r.level, m.unit)
		} else {
			e = analysis.Mean(xs, r.level, m.unit)
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
