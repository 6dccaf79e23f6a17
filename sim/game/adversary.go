package game

import (
	"math"
	"math/rand/v2"
	"slices"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// scores are those of look k of point i in both arms, in the order of the trials.
func (r *runner) scores(i, k int) (scores [2][]float64) {
	return r.verdicts(i, k, (*columns).scores)
}

// counts are the numbers of routers that look k of point i estimates; NaN where it
// names none.
func (r *runner) counts(i, k int) (routers [2][]float64) {
	return r.verdicts(i, k, (*columns).routers)
}

func (r *runner) verdicts(i, k int, of func(c *columns, user, look, n int) []float64) (both [2][]float64) {
	pt := &r.plan.points[i]
	for _, arm := range pt.arms {
		a := armIndex(arm)
		u := &r.plan.units[pt.unit[a]]
		both[a] = of(&r.kept[pt.unit[a]], slices.Index(u.users, i), k, u.trials)
	}
	return both
}

// attackMetrics reduces what the attacks say of point i.
func (r *runner) attackMetrics(cell *result.Cell, i int, n *notes) {
	pt := &r.plan.points[i]
	best := make(map[sight][]int)
	var order []sight
	found := make([][]measure, len(pt.looks))
	r.spread(len(pt.looks), func(k int) {
		found[k] = r.measures(i, k, r.scores(i, k), r.counts(i, k))
	})
	for k, l := range pt.looks {
		for _, m := range found[k] {
			r.name(cell, n, pt, l, l.attack, m.name, m.estimate, m.unit)
		}
		at := sight{l.adversary, l.horizon}
		if best[at] == nil {
			order = append(order, at)
		}
		best[at] = append(best[at], k)
	}
	for _, at := range order {
		looks := best[at]
		r.name(cell, n, pt, pt.looks[looks[0]], result.BestAttack, "auc", r.bestAUC(i, looks), "1")
	}
	r.detection(cell, i, n)
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
		{"auc", "1", analysis.AUC(neg, pos, r.level)},
		{"auc_bootstrap", "1", analysis.AUCBootstrap(neg, pos, r.draws, r.level, r.rng(i, k, 8))},
		{"advantage", "1", analysis.Advantage(neg, pos, r.draws, r.level, r.rng(i, k, 1))},
		{"tpr_at_fpr_0.01", "share", analysis.TPRAt(0.01, neg, pos, r.level)},
		{"tpr_at_fpr_0.001", "share", analysis.TPRAt(0.001, neg, pos, r.level)},
	}
	if len(pos) > 0 && len(neg) > 0 {
		counts := channel(pos, neg)
		out = append(out,
			measure{"leakage_bits", "bits", analysis.MutualInformation(counts, r.level)},
			measure{"min_entropy_leakage_bits", "bits", analysis.MinEntropyLeakage(counts, r.draws, r.level, r.rng(i, k, 4))},
			measure{"zero_leak_p", "1", analysis.ZeroLeak(counts, r.draws, r.level, r.rng(i, k, 7))})
	}
	if l := r.plan.points[i].looks[k]; l.attack == attack.Combined && l.adversary == 0 && l.full {
		out = append(out, measure{"bayes_error", "share", r.bayesError(i)})
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
			measure{"count_accuracy", "share", analysis.ClopperPearson(right, n, r.level)},
			measure{"count_mae", "routers", analysis.Mean(errors, r.level, "routers")})
	}
	return out
}

// bestAUC is the largest AUC of several looks, with an interval that knows that it
// was picked as the largest.
func (r *runner) bestAUC(i int, looks []int) analysis.Estimate {
	return analysis.SimultaneousAUCsOf(len(looks), func(a int) (negatives, positives []float64) {
		scores := r.scores(i, looks[a])
		return scores[1], scores[0]
	}, r.draws, r.level, func() *rand.Rand { return r.rng(i, looks[0], 3) }).Max
}

// bayesError bounds from both sides what is left to err for the best possible use
// of all that the combined attack sees.
func (r *runner) bayesError(i int) analysis.Estimate {
	vectors, multi := r.combinedVectors(i)
	if len(vectors) <= 2*bayesNeighbours {
		return analysis.Undefined(len(vectors), "share", r.level, "too few trials for neighbours to say anything")
	}
	labels := make([]int, len(multi))
	for t, m := range multi {
		if m {
			labels[t] = 1
		}
	}
	b := analysis.BayesError(attack.Standardised(vectors), labels, bayesNeighbours, r.level)
	e := b.Upper
	e.Center, e.Lo = (b.Lower.Center+b.Upper.Center)/2, b.Lower.Lo
	return e
}

// bayesNeighbours is how many neighbours vote; odd, so that there is no tie.
const bayesNeighbours = 5

// combinedVectors are what the combined attack saw of the test trials of both arms, as
// far as it is kept.
func (r *runner) combinedVectors(i int) (vectors [][]float64, multi []bool) {
	pt := &r.plan.points[i]
	for _, arm := range pt.arms {
		u := &r.plan.units[pt.unit[armIndex(arm)]]
		for _, v := range r.kept[pt.unit[armIndex(arm)]].combined(u.trials) {
			if v != nil {
				vectors, multi = append(vectors, v), append(multi, arm == scenario.PolicyArm)
			}
		}
	}
	return vectors, multi
}

// leakBins is into how many equally full bins scores are put before their
// information about the arm is estimated: few, since each costs bias.
const leakBins = 4

// channel counts the scores of each arm in bins; equal scores share one.
func channel(pos, neg []float64) [][]int {
	all := slices.Sorted(slices.Values(slices.Concat(pos, neg)))
	var cuts []float64
	for b := 1; b < leakBins; b++ {
		if cut := all[b*len(all)/leakBins]; len(cuts) == 0 || cut > cuts[len(cuts)-1] {
			cuts = append(cuts, cut)
		}
	}
	counts := [][]int{make([]int, len(cuts)+1), make([]int, len(cuts)+1)}
	for arm, scores := range [][]float64{neg, pos} {
		for _, x := range scores {
			bin, _ := slices.BinarySearchFunc(cuts, x, func(cut, x float64) int {
				if x < cut {
					return 1
				}
				return -1
			})
			counts[arm][bin]++
		}
	}
	return counts
}

// detectFPR is the share of reference traces that may be accused at each length of
// observation where the time to detection is told.
const detectFPR = 0.01

// detection tells of every attack how long it must watch. A policy trace counts as
// detected at the first horizon at which its score is above that of all but
// detectFPR of the reference traces.
func (r *runner) detection(cell *result.Cell, i int, n *notes) {
	pt := &r.plan.points[i]
	for k, l := range pt.looks {
		if !l.full {
			continue
		}
		var first []float64 // of each policy trial, in hours; +Inf for never
		horizons := 0
		for j, m := range pt.looks { // ascending horizons
			if m.adversary != l.adversary || m.attack != l.attack {
				continue
			}
			horizons++
			scores := r.scores(i, j)
			if len(scores[1]) == 0 {
				return
			}
			threshold := upper(scores[1], detectFPR)
			for t, x := range scores[0] {
				if t == len(first) {
					first = append(first, math.Inf(1))
				}
				if x > threshold && math.IsInf(first[t], 1) {
					first[t] = m.horizon.Seconds() / 3600
				}
			}
		}
		if horizons < 2 || len(first) == 0 {
			continue
		}
		e := analysis.Median(first, r.level, "h")
		if math.IsInf(e.Center, 1) {
			e = analysis.Undefined(len(first), "h", r.level, "less than half of the traces are detected within the observation")
		} else if math.IsInf(e.Hi, 1) {
			e.Hi = math.NaN()
			e.Warnings = append(e.Warnings, "the observation is too short for an upper bound")
		}
		r.name(cell, n, pt, pt.looks[k], l.attack, "time_to_detect_h", e, "h")
	}
}

// upper is the smallest score that no more than the share lies above.
func upper(scores []float64, share float64) float64 {
	sorted := slices.Sorted(slices.Values(scores))
	return sorted[len(sorted)-1-int(share*float64(len(sorted)))]
}
