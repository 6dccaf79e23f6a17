package game

import (
	"math"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/result"
)

// A Verdict is what a check says of a limit, of a cell and of a whole scenario.
type Verdict string

// Verdicts. Invalid is the caller's word for a suite that fell below its record
// (see [Shortfalls]); Check itself never says it.
const (
	Pass         Verdict = "PASS"
	Fail         Verdict = "FAIL"
	Inconclusive Verdict = "INCONCLUSIVE"
	Invalid      Verdict = "INVALID"
)

// checkError is the chance of a wrong verdict that a check allows itself.
const checkError = 1 - confidence

// sequence says after how many trials a check looks at its results, and how much of
// the allowed error each look spends.
//
// Who looks again and again until an interval of 95 % decides errs far more often
// than in one of twenty cases. Each look k therefore uses intervals that miss with
// probability α_k only, and the α_k sum to the allowed error: whatever the
// dependence between the looks, a wrong verdict at any of them has at most that
// probability (the union bound). α_k is the share of the most trials that are new
// at look k, the linear spending function of Kim and DeMets (1987), Biometrika
// 74:149: a check that goes to the end has spent half of the error there.
type sequence struct {
	trials []int
	alpha  []float64
}

// newSequence doubles the number of trials from first to most, which is the last.
func newSequence(first, most int) sequence {
	var q sequence
	before := 0
	for n := first; ; n *= 2 {
		if n > most/2 && n < most && float64(n) > 0.75*float64(most) {
			n = most // no look for the sake of a few trials
		}
		n = min(n, most)
		q.trials = append(q.trials, n)
		q.alpha = append(q.alpha, checkError*float64(n-before)/float64(most))
		if before = n; n == most {
			return q
		}
	}
}

// A Limit is what a metric may be.
type Limit struct {
	Metric string
	// Most: the metric shall be at most Value, else at least.
	Most  bool
	Value float64
}

// kept judges a limit. pass is the interval that must lie within the limit for a
// pass, fail the one that must lie beyond it for a failure.
func (l *Limit) kept(pass, fail analysis.Estimate) Verdict {
	switch {
	case l.Most && pass.Hi <= l.Value, !l.Most && pass.Lo >= l.Value:
		return Pass
	case l.Most && fail.Lo > l.Value, !l.Most && fail.Hi < l.Value:
		return Fail
	}
	return Inconclusive
}

// Kept judges the limit by one interval: PASS if it lies within, FAIL if beyond.
func (l *Limit) Kept(m result.Metric) Verdict {
	e := estimateOf(m)
	return l.kept(e, e)
}

// margin is how far the estimate lies within the limit, in widths of its interval;
// negative beyond the limit.
func (l *Limit) margin(e analysis.Estimate) float64 {
	room := l.Value - e.Center
	if !l.Most {
		room = -room
	}
	width := e.Hi - e.Lo
	switch {
	case math.IsNaN(room) || math.IsNaN(width):
		return 0
	case room == 0:
		return 0
	}
	return room / width // infinite for an exact number
}

// manyTrials is more than anybody would simulate: beyond it the number that is
// needed is called unknown.
const manyTrials = 1e8

// needed is about how many trials decide a limit on the largest of some metrics,
// estimated from n trials; 0 if that cannot be told. Intervals narrow with the square
// root of the number of trials, exact bounds in proportion to it.
func (l *Limit) needed(each []analysis.Estimate, n int) int {
	above, below := math.Inf(1), 0.0
	for _, e := range each {
		gap, half := l.Value-e.Center, e.Hi-e.Center
		if gap < 0 {
			gap, half = -gap, e.Center-e.Lo
		}
		power := 2.0
		if e.Center == 0 || e.Center == 1 { // all trials agree
			power = 1
		}
		trials := float64(n) * math.Pow(half/gap, power)
		if math.IsNaN(trials) {
			trials = math.Inf(1)
		}
		if e.Center > l.Value {
			above = min(above, trials)
		} else {
			below = max(below, trials)
		}
	}
	total := above
	if math.IsInf(above, 1) {
		total = below
	}
	if !(total < manyTrials) {
		return 0
	}
	return max(n+1, int(math.Ceil(total*(1-1e-9))))
}
