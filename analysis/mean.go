package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Mean estimates the expectation of independent values with Student's interval,
// x̄ ± t(n−1) s/√n. It is exact for normal values and good for others from some
// 30 on; for few skewed values it covers too seldom. One value has no interval.
// Values that are all equal have one of zero width, with a warning: where the
// range of the values is known, [MeanWithin] gives an honest one.
//
// Student (1908), The probable error of a mean, Biometrika 6:1.
func Mean(xs []float64, confidence float64, unit string) Estimate {
	checkConfidence(confidence)
	n := len(xs)
	if e, ok := noMean(xs, confidence, unit); !ok {
		return e
	}
	mean, sd := stat.MeanStdDev(xs, nil)
	e := Estimate{Center: mean, Lo: math.NaN(), Hi: math.NaN(), Confidence: confidence, N: n, Unit: unit}
	switch {
	case n == 1:
		e.warn("one value: no interval")
		return e
	case allEqual(xs):
		e.Center, e.Lo, e.Hi = xs[0], xs[0], xs[0]
		e.warn(equalWarning(n))
		return e
	}
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(0.5+confidence/2) * sd / math.Sqrt(float64(n))
	e.Lo, e.Hi = mean-half, mean+half
	return e
}

// MeanWithin estimates the expectation of independent values known to lie in
// [min, max]: Student's interval, cut at the range. If all values are equal to
// some c, the chance that the next one differs is at most p = 1 − α^(1/n) with
// the given confidence, so the expectation lies within p of the way from c to
// either end of the range; that interval takes the place of one of zero width.
// A value outside the range panics.
func MeanWithin(xs []float64, min, max, confidence float64, unit string) Estimate {
	checkConfidence(confidence)
	for _, x := range xs {
		if x < min || x > max {
			panic("analysis: value outside the stated range")
		}
	}
	if e, ok := noMean(xs, confidence, unit); !ok {
		if len(xs) == 0 {
			e.Lo, e.Hi = min, max
		}
		return e
	}
	if n := len(xs); allEqual(xs) {
		p := 1 - math.Pow(1-confidence, 1/float64(n))
		e := Estimate{Center: xs[0], Confidence: confidence, N: n, Unit: unit}
		e.Lo, e.Hi = xs[0]-p*(xs[0]-min), xs[0]+p*(max-xs[0])
		if n > 1 {
			e.warn(fmt.Sprintf("all %d values are equal: the interval allows for values not seen yet", n))
		}
		return e
	}
	e := Mean(xs, confidence, unit)
	e.Lo, e.Hi = math.Max(e.Lo, min), math.Min(e.Hi, max)
	return e
}

// fewExtreme is how many values, or half of all if they are fewer than twice as many,
// must share what lies between the values and an end of their range for Student's
// interval to be trusted on that side.
const fewExtreme = 20

// MeanOfShares estimates the expectation of independent values in [0, 1] as
// [MeanWithin] does, with an interval for verdicts: it also holds where the
// expectation rests on rare values that hardly any sample shows, such as a failure in
// one of a hundred trials. Student's interval of a sample with one failure or none is
// far too narrow then.
//
// A side of Student's interval stands if what lies between the values and that end
// of the range is spread over at least 20 of them, counted as (Σd)²/Σd², or over half
// of them where there are fewer than 40. Otherwise
// the bound of Chernoff and Hoeffding takes its place, which holds for any values in
// [0, 1] and any n: the expectation μ with n·KL(x̄, μ) = log 2/α, KL being the
// divergence of Bernoulli laws. A value outside the range panics.
//
// Hoeffding (1963), JASA 58:13, theorem 1; Kish (1965), Survey Sampling, section 8.2,
// for the effective number.
func MeanOfShares(xs []float64, confidence float64, unit string) Estimate {
	e := MeanWithin(xs, 0, 1, confidence, unit)
	if len(xs) == 0 || !e.Defined() || allEqual(xs) && (xs[0] == 0 || xs[0] == 1) {
		return e // MeanWithin allows for values not seen yet
	}
	var up, upSquares, down, downSquares float64
	for _, x := range xs {
		up, upSquares = up+x, upSquares+x*x
		down, downSquares = down+1-x, downSquares+(1-x)*(1-x)
	}
	bound := math.Log(2/(1-confidence)) / float64(len(xs))
	few := math.Min(fewExtreme, float64(len(xs))/2)
	replaced := false
	if allEqual(xs) || down*down < few*downSquares {
		e.Lo, replaced = klBound(e.Center, 0, bound), true
	}
	if allEqual(xs) || up*up < few*upSquares {
		e.Hi, replaced = klBound(e.Center, 1, bound), true
	}
	if replaced && !allEqual(xs) {
		e.warn("few values differ from the rest: the interval is Hoeffding's bound")
	}
	return e
}

// klBound is the expectation between the mean and an end of [0, 1] whose Bernoulli law
// is as far from the mean's as bound says.
func klBound(mean, end, bound float64) float64 {
	inner, outer := mean, end
	for range 60 {
		if mid := (inner + outer) / 2; bernoulliKL(mean, mid) < bound {
			inner = mid
		} else {
			outer = mid
		}
	}
	return outer
}

// bernoulliKL is the divergence of the Bernoulli law q from p.
func bernoulliKL(p, q float64) float64 {
	part := func(a, b float64) float64 {
		switch {
		case a == 0:
			return 0
		case b == 0:
			return math.Inf(1)
		}
		return a * math.Log(a/b)
	}
	return part(p, q) + part(1-p, 1-q)
}

func noMean(xs []float64, confidence float64, unit string) (Estimate, bool) {
	if len(xs) == 0 {
		return Undefined(0, unit, confidence, "no values"), false
	}
	for _, x := range xs {
		if !finite(x) {
			return Undefined(len(xs), unit, confidence, "some values are not finite numbers"), false
		}
	}
	return Estimate{}, true
}

func equalWarning(n int) string {
	return fmt.Sprintf("all %d values are equal: the interval has zero width and says nothing about values not seen yet", n)
}

// BootstrapMean estimates the expectation of independent values from resamples
// with the bias-corrected and accelerated (BCa) interval: the bounds are the
// quantiles Φ(z₀ + (z₀±z)/(1 − a(z₀±z))) of the resampled means, where z₀ is the
// normal score of the share of them below the mean, ties counted half, and
// a = Σd³ / 6(Σd²)^1.5 over the deviations d from the mean. It needs no normal
// values and follows their skewness. Fewer than 10 values give a warning, equal
// ones an interval of zero width with a warning. Fewer than 100 resamples panic.
//
// Efron (1987), Better bootstrap confidence intervals, JASA 82:171.
func BootstrapMean(xs []float64, resamples int, confidence float64, unit string, rng *rand.Rand) Estimate {
	checkConfidence(confidence)
	checkResamples(resamples)
	if e, ok := noMean(xs, confidence, unit); !ok {
		return e
	}
	n := len(xs)
	if n == 1 || allEqual(xs) {
		return Mean(xs, confidence, unit)
	}
	mean := stat.Mean(xs, nil)
	means := make([]float64, resamples)
	below := 0.0
	for b := range means {
		sum := 0.0
		for range n {
			sum += xs[rng.IntN(n)]
		}
		means[b] = sum / float64(n)
		switch {
		case means[b] < mean:
			below++
		case means[b] == mean:
			below += 0.5
		}
	}
	sort.Float64s(means)
	var d2, d3 float64
	for _, x := range xs {
		d := x - mean
		d2 += d * d
		d3 += d * d * d
	}
	e := Estimate{Center: mean, Confidence: confidence, N: n, Unit: unit}
	// Half a resample at either end keeps the score finite.
	z0 := distuv.UnitNormal.Quantile(clamp(below, 0.5, float64(resamples)-0.5) / float64(resamples))
	a := d3 / (6 * math.Pow(d2, 1.5))
	z := zQuantile(confidence)
	level := func(z float64) float64 { return distuv.UnitNormal.CDF(z0 + (z0+z)/(1-a*(z0+z))) }
	e.Lo = math.Min(sortedQuantile(means, level(-z)), mean)
	e.Hi = math.Max(sortedQuantile(means, level(z)), mean)
	if n < 10 {
		e.warn(fmt.Sprintf("bootstrap of %d values: the interval is too narrow; 10 or more are needed", n))
	}
	return e
}

func checkResamples(resamples int) {
	if resamples < 100 {
		panic("analysis: fewer than 100 bootstrap resamples")
	}
}
