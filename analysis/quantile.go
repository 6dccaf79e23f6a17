package analysis

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// Median estimates the median of independent values; see [Quantile].
func Median(xs []float64, confidence float64, unit string) Estimate {
	return Quantile(xs, 0.5, confidence, unit)
}

// Quantile estimates the q-quantile of independent values, 0 < q < 1, with an
// interval between two order statistics. The number of values below the true
// quantile is binomial, so [x(l), x(u)] (ranks from 1) covers it with
// probability P(l ≤ B(n, q) < u), whatever the distribution of the values; for
// distributions with atoms it covers at least that often. Of the shortest
// intervals of ranks that reach the confidence it takes the most probable one
// and reports its actual confidence. Rank 0 stands for −Inf, rank n+1 for +Inf: a
// sample too small for the confidence has no bound on one side or both, with a
// warning that says how many values are needed.
//
// The center interpolates between order statistics: type 7 of Hyndman and Fan.
//
// David, Nagaraja (2003), Order Statistics, 3rd ed., section 7.1. Hyndman, Fan
// (1996), Sample quantiles in statistical packages, Am. Stat. 50:361.
func Quantile(xs []float64, q, confidence float64, unit string) Estimate {
	checkConfidence(confidence)
	if !(q > 0 && q < 1) {
		panic("analysis: quantile outside (0, 1)")
	}
	n := len(xs)
	if n == 0 || hasNaN(xs) {
		return Undefined(n, unit, confidence, "no values, or some that are not numbers")
	}
	sorted := append([]float64(nil), xs...)
	sort.Float64s(sorted)
	l, u, actual := quantileRanks(n, q, confidence)
	e := Estimate{Center: sortedQuantile(sorted, q), Lo: math.Inf(-1), Hi: math.Inf(1), Confidence: actual, N: n, Unit: unit}
	if l > 0 {
		e.Lo = sorted[l-1]
	}
	if u <= n {
		e.Hi = sorted[u-1]
	}
	// The interpolated center of a small sample can lie outside.
	e.Lo, e.Hi = math.Min(e.Lo, e.Center), math.Max(e.Hi, e.Center)
	if l == 0 || u > n {
		// Between the extremes lie all but q^n + (1−q)^n.
		need := n
		for math.Pow(q, float64(need))+math.Pow(1-q, float64(need)) > 1-confidence {
			need++
		}
		e.warn(fmt.Sprintf("%d values bound the %g-quantile on one side at most; %d are needed for an interval at level %g", n, q, need, confidence))
	}
	return e
}

// quantileRanks returns ranks l < u, 0 ≤ l and u ≤ n+1, with
// P(l ≤ B(n,q) < u) ≥ confidence: the shortest interval, among those the most
// probable, among those the lowest.
func quantileRanks(n int, q, confidence float64) (l, u int, actual float64) {
	b := distuv.Binomial{N: float64(n), P: q}
	cumulative := make([]float64, n+2) // cumulative[i] = P(B < i)
	for i := range n + 1 {
		cumulative[i+1] = cumulative[i] + b.Prob(float64(i))
	}
	cumulative[n+1] = 1
	l, u, actual = 0, n+1, 1
	end := 1
	for start := 0; start <= n; start++ {
		for end <= n+1 && (end <= start || cumulative[end]-cumulative[start] < confidence) {
			end++
		}
		if end > n+1 {
			break
		}
		p := cumulative[end] - cumulative[start]
		if end-start < u-l || end-start == u-l && p > actual {
			l, u, actual = start, end, p
		}
	}
	return l, u, actual
}

// sortedQuantile returns the quantile of sorted values by linear interpolation
// of x(1+(n−1)q), type 7 of Hyndman and Fan.
func sortedQuantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	if sorted[i] == sorted[i+1] { // also keeps Inf−Inf out of the result
		return sorted[i]
	}
	part := at - float64(i)
	if part == 0 {
		return sorted[i]
	}
	return float64(sorted[i]*(1-part)) + float64(sorted[i+1]*part)
}
