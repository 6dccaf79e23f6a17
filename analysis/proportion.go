package analysis

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// ClopperPearson estimates a probability from k successes in n independent
// trials, with the exact interval of Clopper and Pearson: the bounds are
// quantiles of the Beta distribution,
//
//	Lo = B(α/2; k, n−k+1)    Hi = B(1−α/2; k+1, n−k)    α = 1−confidence
//
// so that the interval covers the true probability at least that often, for
// every n. Without trials the interval is [0, 1] and the center undefined.
//
// Clopper, Pearson (1934), The use of confidence or fiducial limits illustrated
// in the case of the binomial, Biometrika 26:404.
func ClopperPearson(k, n int, confidence float64) Estimate {
	checkCount(k, n)
	checkConfidence(confidence)
	e := Estimate{Center: float64(k) / float64(n), Confidence: confidence, N: n}
	if n == 0 {
		return noTrials(e)
	}
	e.Lo, e.Hi = clopperPearson(k, n, 1-confidence)
	return e
}

// clopperPearson returns the bounds that miss with probability alpha at most,
// half of it on either side.
func clopperPearson(k, n int, alpha float64) (lo, hi float64) {
	lo, hi = 0, 1
	if k > 0 {
		lo = distuv.Beta{Alpha: float64(k), Beta: float64(n-k) + 1}.Quantile(alpha / 2)
	}
	if k < n {
		hi = distuv.Beta{Alpha: float64(k) + 1, Beta: float64(n - k)}.Quantile(1 - alpha/2)
	}
	return lo, hi
}

// Wilson estimates a probability as [ClopperPearson] does, with Wilson's score
// interval: narrower, right on average over the true probability, but not for
// each value of it.
//
//	(p̂ + z²/2n ± z √(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)
//
// Wilson (1927), Probable inference, the law of succession, and statistical
// inference, JASA 22:209.
func Wilson(k, n int, confidence float64) Estimate {
	checkCount(k, n)
	checkConfidence(confidence)
	e := Estimate{Center: float64(k) / float64(n), Confidence: confidence, N: n}
	if n == 0 {
		return noTrials(e)
	}
	z, m := zQuantile(confidence), float64(n)
	middle := e.Center + z*z/(2*m)
	half := z * math.Sqrt(e.Center*(1-e.Center)/m+z*z/(4*m*m))
	e.Lo = clamp((middle-half)/(1+z*z/m), 0, e.Center)
	e.Hi = clamp((middle+half)/(1+z*z/m), e.Center, 1)
	return e
}

func checkCount(k, n int) {
	if k < 0 || n < 0 || k > n {
		panic("analysis: successes outside 0..trials")
	}
}

func noTrials(e Estimate) Estimate {
	e.Center, e.Lo, e.Hi = math.NaN(), 0, 1
	e.warn("no trials: the probability may be anything")
	return e
}

// zQuantile returns z with P(|Z| ≤ z) = confidence for a standard normal Z.
func zQuantile(confidence float64) float64 { return distuv.UnitNormal.Quantile(0.5 + confidence/2) }
