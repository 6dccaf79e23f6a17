package game

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// Until asks for more test trials until every interval is narrow. What counts are
// the 95 % intervals of
//
//   - every AUC, of every attack, adversary and horizon, the best of each suite
//     included, and every share or index from 0 to 1: their width;
//   - every other metric that trials have: their width relative to its value.
//
// A metric that is undefined does not count; one that is defined but has no interval
// yet is not narrow. The number of trials in each arm starts at the scenario's and
// grows by half at a time, so that where it stops depends on the results alone, and
// not on workers or interruptions. Training trials are as many as before.
//
// The stop looks at widths, never at where an interval lies. Sampling until an
// interval has a given width keeps its coverage as the width goes to 0 (Chow,
// Robbins, 1965, Ann. Math. Statist. 36:457); the report says how it was stopped.
type Until struct {
	Width float64 // above 0, below 1
	Max   int     // test trials of each arm at most; at least the scenario's
}

// enlarged is the number of trials after n.
func (u *Until) enlarged(n int) int { return max(n, min(u.Max, n+(n+1)/2)) }

// more enlarges the plan if some interval is too wide and there may be more trials.
func (r *runner) more() (bool, error) {
	u := r.opt.Until
	if u == nil {
		return false, nil
	}
	last := true
	for i := range r.plan.units {
		last = last && r.plan.units[i].trials >= u.Max
	}
	wide, all, err := r.tooWide(!last)
	if err = errors.Join(err, r.spilled.failed()); err != nil {
		return false, err
	}
	if len(wide) == 0 || last {
		r.stopped = u.note(r.first, r.plan.scenario.Trials, wide, all)
		return false, nil
	}
	r.enlarge(u)
	r.progress.Left = r.cost.left()
	r.phase("")
	r.report()
	return true, nil
}

// enlarge makes the plan one of more test trials.
func (r *runner) enlarge(u *Until) {
	next := *r.plan.scenario
	next.Trials = u.enlarged(next.Trials)
	r.plan.scenario = &next
	for i := range r.plan.units {
		r.plan.units[i].trials = u.enlarged(r.plan.units[i].trials)
	}
	r.grow()
}

// note says how the number of trials came about.
func (u *Until) note(first, trials int, wide []string, all int) string {
	text := fmt.Sprintf("The number of test trials was not fixed beforehand: from %d in each arm it grew by half at a time, up to %d, "+
		"until every 95 %% interval was at most %g wide (AUCs and shares), or %g %% of its value (other metrics). ",
		first, u.Max, u.Width, 100*u.Width)
	if len(wide) == 0 {
		text += fmt.Sprintf("So it ended at %d. ", trials)
	} else {
		const named = 3
		which := strings.Join(wide[:min(len(wide), named)], ", ")
		if len(wide) > named {
			which += fmt.Sprintf(" and %d more", len(wide)-named)
		}
		text += fmt.Sprintf("It reached the limit with %d of %d intervals wider than that: %s. ", len(wide), all, which)
	}
	return text + "Only widths were looked at, not where the intervals lie; docs/until.md tells how often intervals that are stopped like this cover."
}

// tooWide lists the intervals that are too wide, and tells how many there are; with
// soon, it ends at the first.
func (r *runner) tooWide(soon bool) (wide []string, all int, err error) {
	for _, attacks := range []bool{false, true} { // what costs less comes first
		for i := range r.plan.points {
			pt := &r.plan.points[i]
			for _, arm := range pt.arms {
				cell := result.Cell{Arm: result.Arm(arm)}
				switch {
				case !attacks:
					if cell, err = r.cell(pt, arm, &notes{}); err != nil {
						return nil, 0, err
					}
				case pt.figure == nil && arm == scenario.PolicyArm:
					r.attackMetrics(&cell, i, &notes{})
				}
				for name, m := range cell.Metrics() {
					relative, counts := widthOf(name)
					if !counts || math.IsNaN(m.Center) {
						continue
					}
					all++
					limit := r.opt.Until.Width
					if relative {
						limit *= math.Abs(m.Center)
					}
					if m.Hi-m.Lo <= limit {
						continue // an interval that is not there is no number
					}
					at := name + ", " + string(arm)
					if where := gridOf(pt); where != "" {
						at += " at " + where
					}
					wide = append(wide, fmt.Sprintf("%s (%.3g to %.3g)", at, m.Lo, m.Hi))
					if soon {
						return wide, all, nil
					}
				}
			}
		}
	}
	return wide, all, nil
}

// widthOf tells how the width of a metric's interval is measured, if it counts.
func widthOf(name string) (relative, counts bool) {
	for _, m := range trialMetrics {
		if m.name == name {
			return !m.share, true
		}
	}
	// The plain names of the first adversary's say nothing new.
	base, _, full := strings.Cut(name, "@")
	return false, full && strings.HasSuffix(base, ".auc")
}
