package analysis

// Jackknife1 estimates the number of species from incidences with the first-order
// jackknife, S + Q₁(t−1)/t, and [Jackknife2] with the second-order one. The
// variance is that of Burnham and Overton, Σ a_i²Q_i − Ŝ for the estimator
// written as Σ a_i Q_i, the interval that of [Chao1].
//
// Burnham, Overton (1979), Ecology 60:927; Heltshe, Forrester (1983), Biometrics
// 39:1.
func Jackknife1(incidences []int, units int, confidence float64) Estimate {
	t := float64(units)
	return jackknife(incidences, units, confidence, (t-1)/t, 0)
}

// Jackknife2 estimates the number of species from incidences with the
// second-order jackknife,
//
//	S + Q₁(2t−3)/t − Q₂(t−2)²/t(t−1)
//
// which can fall below the S species seen: then S takes its place, with a
// warning. It needs two units; see [Jackknife1].
func Jackknife2(incidences []int, units int, confidence float64) Estimate {
	t := float64(units)
	if units < 2 {
		return jackknife(incidences, units, confidence, 0, 0)
	}
	return jackknife(incidences, units, confidence, (2*t-3)/t, -(t-2)*(t-2)/(t*(t-1)))
}

// jackknife is S + b1·Q₁ + b2·Q₂.
func jackknife(incidences []int, units int, confidence, b1, b2 float64) Estimate {
	checkConfidence(confidence)
	q := countIncidences(incidences, units)
	if q.observed == 0 {
		return Undefined(units, unitSpecies, confidence, "no species seen")
	}
	q1, q2, observed := float64(q.f[1]), float64(q.f[2]), float64(q.observed)
	e := Estimate{Center: observed + b1*q1 + b2*q2, Confidence: confidence, N: units, Unit: unitSpecies}
	variance := (1+b1)*(1+b1)*q1 + (1+b2)*(1+b2)*q2 + observed - q1 - q2 - e.Center
	if e.Center < observed {
		e.Center = observed
		e.warn("the jackknife fell below the number seen, which took its place")
	}
	unseenInterval(&e, q, variance)
	unboundedIf(&e, units < 2)
	return e
}
