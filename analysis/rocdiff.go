package analysis

import (
	"math"
)

// AUCDifference estimates AUC(a) − AUC(b) of two attacks, or of one attack on two
// systems, whose trials are paired: element i of negativesA and of negativesB comes
// from the same random numbers, likewise of the positives. What both share cancels.
//
// DeLong's covariance of the two AUCs gives their correlation r, and the two
// intervals of [AUC] that of the difference (MOVER): with a ∈ [la, ua] and b ∈ [lb, ub]
//
//	lower: a − b − √((a−la)² + (ub−b)² − 2r(a−la)(ub−b))
//	upper: a − b + √((ua−a)² + (b−lb)² − 2r(ua−a)(b−lb))
//
// which stays within [−1, 1], is asymmetric where an AUC is near its end, and does
// not vanish where both systems are told without error: there r counts as 0 and the
// exact bounds of AUC take part. Lists of unequal length panic.
//
// DeLong et al. (1988) as in [AUC]; Zou (2007), Toward using confidence intervals to
// compare correlations, Psychological Methods 12:399.
func AUCDifference(negativesA, positivesA, negativesB, positivesB []float64, confidence float64) Estimate {
	checkConfidence(confidence)
	if len(negativesA) != len(negativesB) || len(positivesA) != len(positivesB) {
		panic("analysis: trials that are not paired")
	}
	sa, fineA := newScores(negativesA, positivesA)
	sb, fineB := newScores(negativesB, positivesB)
	if !fineA || !fineB {
		return noScores(negativesA, positivesA, confidence)
	}
	a, b := AUC(negativesA, positivesA, confidence), AUC(negativesB, positivesB, confidence)
	e := Estimate{Center: a.Center - b.Center, Confidence: confidence, N: a.N}
	r := sa.correlation(sb)
	spread := func(x, y float64) float64 { return math.Sqrt(math.Max(0, x*x+y*y-2*r*x*y)) }
	e.Lo = math.Max(-1, e.Center-spread(a.Center-a.Lo, b.Hi-b.Center))
	e.Hi = math.Min(1, e.Center+spread(a.Hi-a.Center, b.Center-b.Lo))
	if len(a.Warnings) > 0 {
		e.Warnings = append(e.Warnings, a.Warnings...)
	} else {
		e.Warnings = append(e.Warnings, b.Warnings...)
	}
	return e
}

// correlation is that of two AUCs of paired trials by DeLong's placement values; 0
// where one of them has no variance.
func (s *scores) correlation(o *scores) float64 {
	if len(s.neg) < 2 || len(s.pos) < 2 {
		return 0
	}
	n0, p0 := s.placements()
	n1, p1 := o.placements()
	variance := func(x, y []float64) float64 {
		var mx, my, sum float64
		for i := range x {
			mx, my = mx+x[i], my+y[i]
		}
		k := float64(len(x))
		mx, my = mx/k, my/k
		for i := range x {
			sum += (x[i] - mx) * (y[i] - my)
		}
		return sum / (k - 1) / k
	}
	v0, v1 := variance(n0, n0)+variance(p0, p0), variance(n1, n1)+variance(p1, p1)
	if v0 < 1e-24 || v1 < 1e-24 {
		return 0
	}
	return clamp((variance(n0, n1)+variance(p0, p1))/math.Sqrt(v0*v1), -1, 1)
}

// placements are each trial's placement value: the share of the positives above a
// negative, and of the negatives below a positive, ties counted half.
func (s *scores) placements() (neg, pos []float64) {
	above := make([]float64, len(s.values)) // positives at or above, half of those at
	below := make([]float64, len(s.values))
	sum := 0
	for i := range s.values {
		below[i] = (float64(sum) + float64(s.negCount[i])/2) / float64(len(s.neg))
		sum += int(s.negCount[i])
	}
	sum = 0
	for i := len(s.values) - 1; i >= 0; i-- {
		above[i] = (float64(sum) + float64(s.posCount[i])/2) / float64(len(s.pos))
		sum += int(s.posCount[i])
	}
	for _, i := range s.neg {
		neg = append(neg, above[i])
	}
	for _, i := range s.pos {
		pos = append(pos, below[i])
	}
	return neg, pos
}
