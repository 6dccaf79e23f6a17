package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// A ROCPoint is one operating point of an attack: it claims "more than one
// router" for scores of at least Threshold.
type ROCPoint struct {
	Threshold float64 // +Inf at the first point, which claims nothing
	FPR       float64 // share of the negatives with such a score
	TPR       float64 // share of the positives
}

// ROC returns the receiver operating characteristic of scores that are larger
// for positives: a point for each distinct score, from (0, 0) to (1, 1). Scores
// that are equal make one point, since no threshold tells them apart. It is nil
// if a class is empty or a score is NaN.
//
// Fawcett (2006), An introduction to ROC analysis, Pattern Recognit. Lett. 27:861.
func ROC(negatives, positives []float64) []ROCPoint {
	s, ok := newScores(negatives, positives)
	if !ok {
		return nil
	}
	points := make([]ROCPoint, 1, len(s.values)+1)
	points[0] = ROCPoint{Threshold: math.Inf(1)}
	var fp, tp int
	for i := len(s.values) - 1; i >= 0; i-- {
		fp += int(s.negCount[i])
		tp += int(s.posCount[i])
		points = append(points, ROCPoint{s.values[i], float64(fp) / float64(len(s.neg)), float64(tp) / float64(len(s.pos))})
	}
	return points
}

// scores are the scores of two classes as ranks among their distinct values, so
// that a resample needs no sorting. Ranks and counts take four bytes each: many attacks
// on many trials are held at once.
type scores struct {
	values   []float64 // distinct, ascending
	neg, pos []int32   // index into values, one for each trial
	negCount []int32   // trials with each value
	posCount []int32
}

func newScores(negatives, positives []float64) (*scores, bool) {
	if len(negatives) == 0 || len(positives) == 0 || hasNaN(negatives) || hasNaN(positives) {
		return nil, false
	}
	s := &scores{values: slices.Concat(negatives, positives)}
	sort.Float64s(s.values)
	s.values = slices.Compact(s.values)
	index := func(xs []float64) (at, n []int32) {
		at, n = make([]int32, len(xs)), make([]int32, len(s.values))
		for i, x := range xs {
			at[i] = int32(sort.SearchFloat64s(s.values, x))
			n[at[i]]++
		}
		return at, n
	}
	s.neg, s.negCount = index(negatives)
	s.pos, s.posCount = index(positives)
	return s, true
}

// resample replaces the counts by those of a resample within each class.
func (s *scores) resample(rng *rand.Rand) {
	clear(s.negCount)
	clear(s.posCount)
	for range s.neg {
		s.negCount[s.neg[rng.IntN(len(s.neg))]]++
	}
	for range s.pos {
		s.posCount[s.pos[rng.IntN(len(s.pos))]]++
	}
}

// auc returns the Mann-Whitney statistic of the counts: the share of pairs in
// which the positive has the larger score, ties counted half.
func (s *scores) auc() float64 {
	below, twice := 0, 0
	for i, p := range s.posCount {
		n := int(s.negCount[i])
		twice += int(p) * (2*below + n)
		below += n
	}
	return float64(twice) / (2 * float64(len(s.neg)) * float64(len(s.pos)))
}

// advantage returns the largest TPR − FPR of the counts, and the false and true
// positives at the highest threshold that reaches it.
func (s *scores) advantage() (best float64, fp, tp int) {
	f, t := 0, 0
	for i := len(s.values) - 1; i >= 0; i-- {
		f += int(s.negCount[i])
		t += int(s.posCount[i])
		if a := float64(t)/float64(len(s.pos)) - float64(f)/float64(len(s.neg)); a > best {
			best, fp, tp = a, f, t
		}
	}
	return best, fp, tp
}

const warnScores = "no scores of one of the two classes, or scores that are not numbers"

func noScores(negatives, positives []float64, confidence float64) Estimate {
	return Undefined(len(negatives)+len(positives), "", confidence, warnScores)
}

// AUC estimates the area under the ROC curve, the probability that a positive
// has a larger score than a negative (ties counted half), with DeLong's variance
//
//	var = s²(V₀)/m + s²(V₁)/n
//
// of the m negatives' and n positives' placement values, computed from midranks
// in O((m+n) log(m+n)). The interval is symmetric in logit(AUC) and so stays
// within (0, 1). DeLong's variance vanishes when the classes do not overlap, and
// when all scores are equal, although a finite sample leaves doubt. Then the
// interval rests on min(m, n) independent pairs of a negative and a positive:
// with the given confidence at most p = 1 − α^(1/pairs) of all pairs are ordered
// otherwise than these were; a warning says so. Where the variance vanishes
// otherwise, or a class has one score, the bound is Hoeffding's,
// √(log(2/α)/2 min(m, n)).
//
// DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44:837; Sun, Xu (2014), IEEE
// Signal Process. Lett. 21:1389; Hoeffding (1963), JASA 58:13, section 5.
func AUC(negatives, positives []float64, confidence float64) Estimate {
	checkConfidence(confidence)
	s, ok := newScores(negatives, positives)
	if !ok {
		return noScores(negatives, positives, confidence)
	}
	a, variance := s.deLong()
	e := Estimate{Center: a, Confidence: confidence, N: len(negatives) + len(positives)}
	few := min(len(negatives), len(positives))
	if !(variance > 0) || few < 2 || a <= 0 || a >= 1 {
		s.degenerate(&e)
		return e
	}
	logit := math.Log(a / (1 - a))
	half := zQuantile(confidence) * math.Sqrt(variance) / (a * (1 - a))
	e.Lo, e.Hi = 1/(1+math.Exp(half-logit)), 1/(1+math.Exp(-half-logit))
	if few < 10 {
		e.warn(fmt.Sprintf("%d scores in the smaller class: DeLong's interval needs 10 or more", few))
	}
	return e
}

// deLong returns the AUC and DeLong's variance of it.
func (s *scores) deLong() (auc, variance float64) {
	m, n := float64(len(s.neg)), float64(len(s.pos))
	auc = s.auc()
	var below, posBelow float64 // negatives and positives below the score
	var v0, v1 float64          // sums of squared deviations of the placement values
	for i := range s.negCount {
		nc, pc := float64(s.negCount[i]), float64(s.posCount[i])
		d1 := (below+nc/2)/m - auc      // of a positive with this score
		d0 := (n-posBelow-pc/2)/n - auc // of a negative with this score
		v1 += pc * d1 * d1
		v0 += nc * d0 * d0
		below += nc
		posBelow += pc
	}
	if m < 2 || n < 2 {
		return auc, 0
	}
	// What cancellation leaves of an exact zero must not pass for a variance.
	if variance = v0/(m-1)/m + v1/(n-1)/n; variance < 1e-24 {
		variance = 0
	}
	return auc, variance
}

// degenerate sets an interval where the sample shows no variance.
func (s *scores) degenerate(e *Estimate) {
	alpha := 1 - e.Confidence
	pairs := float64(min(len(s.neg), len(s.pos)))
	p := 1 - math.Pow(alpha, 1/pairs)
	switch {
	case e.Center >= 1:
		e.Lo, e.Hi = 1-p, 1
		e.warn("the classes do not overlap: the lower bound is exact for independent pairs")
	case e.Center <= 0:
		e.Lo, e.Hi = 0, p
		e.warn("the classes do not overlap: the upper bound is exact for independent pairs")
	case len(s.values) == 1:
		e.Lo, e.Hi = 0.5-p/2, 0.5+p/2
		e.warn("all scores are equal: the interval is exact for independent pairs")
	default:
		half := math.Sqrt(math.Log(2/alpha) / (2 * pairs))
		e.Lo, e.Hi = math.Max(0, e.Center-half), math.Min(1, e.Center+half)
		e.warn("the sample shows no variance: the interval is Hoeffding's bound")
	}
}

// AUCBootstrap estimates the area under the ROC curve as [AUC] does, with the
// percentile interval of resamples drawn within each class. Where all resamples
// agree, the interval is the one that AUC has for such data, with its warning.
// Fewer than 100 resamples panic.
//
// Efron, Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
func AUCBootstrap(negatives, positives []float64, resamples int, confidence float64, rng *rand.Rand) Estimate {
	checkConfidence(confidence)
	checkResamples(resamples)
	s, ok := newScores(negatives, positives)
	if !ok {
		return noScores(negatives, positives, confidence)
	}
	e := Estimate{Center: s.auc(), Confidence: confidence, N: len(negatives) + len(positives)}
	values := make([]float64, resamples)
	for b := range values {
		s.resample(rng)
		values[b] = s.auc()
	}
	sort.Float64s(values)
	e.Lo = math.Min(sortedQuantile(values, (1-confidence)/2), e.Center)
	e.Hi = math.Max(sortedQuantile(values, (1+confidence)/2), e.Center)
	if e.Lo == e.Hi {
		s.degenerate(&e)
	}
	return e
}

// ROCBand estimates the TPR at each FPR of the grid: the ROC curve, straight
// between its points, and the percentile interval of curves resampled within
// each class (vertical averaging). The band is pointwise: it covers the true TPR
// at each single FPR, not the whole curve at once. Where all resamples agree, the
// exact binomial interval of the TPR takes the place of one of zero width, with
// a warning. It returns one estimate for each value of the grid, which must
// ascend within [0, 1].
//
// Fawcett (2006), section 9; Macskassy, Provost (2004), ROCAI workshop.
func ROCBand(negatives, positives, grid []float64, resamples int, confidence float64, rng *rand.Rand) []Estimate {
	checkConfidence(confidence)
	checkResamples(resamples)
	for i, x := range grid {
		if !(x >= 0 && x <= 1) || i > 0 && x <= grid[i-1] {
			panic("analysis: grid of FPR does not ascend within [0, 1]")
		}
	}
	band := make([]Estimate, len(grid))
	s, ok := newScores(negatives, positives)
	if !ok {
		for i := range band {
			band[i] = noScores(negatives, positives, confidence)
		}
		return band
	}
	center := make([]float64, len(grid))
	s.curve(grid, center)
	curves := make([]float64, resamples*len(grid)) // grid point by grid point
	row := make([]float64, len(grid))
	for b := range resamples {
		s.resample(rng)
		s.curve(grid, row)
		for i, y := range row {
			curves[i*resamples+b] = y
		}
	}
	for i := range grid {
		values := curves[i*resamples : (i+1)*resamples]
		sort.Float64s(values)
		e := Estimate{Center: center[i], Confidence: confidence, N: len(negatives) + len(positives)}
		e.Lo = math.Min(sortedQuantile(values, (1-confidence)/2), e.Center)
		e.Hi = math.Max(sortedQuantile(values, (1+confidence)/2), e.Center)
		if e.Lo == e.Hi && grid[i] < 1 { // at FPR 1 the TPR is 1 by definition
			n := len(positives)
			e.Lo, e.Hi = clopperPearson(int(math.Round(e.Center*float64(n))), n, 1-confidence)
			e.warn("all resamples agree: the interval is the binomial one")
		}
		band[i] = e
	}
	return band
}

// curve sets tpr[i] to the TPR of the counts at FPR grid[i].
func (s *scores) curve(grid, tpr []float64) {
	m, n := float64(len(s.neg)), float64(len(s.pos))
	i := len(s.values)
	fp, tp := 0.0, 0.0 // at the current point
	lastFP, lastTP := 0.0, 0.0
	for g, x := range grid {
		want := x * m
		// Go to the last point at or below the FPR, then one further.
		for i > 0 && fp <= want {
			i--
			lastFP, lastTP = fp, tp
			fp += float64(s.negCount[i])
			tp += float64(s.posCount[i])
		}
		switch {
		case fp <= want:
			tpr[g] = tp / n
		default:
			tpr[g] = (lastTP + (tp-lastTP)*(want-lastFP)/(fp-lastFP)) / n
		}
	}
}

// Advantage estimates the largest TPR − FPR over all thresholds, the advantage of
// the best adversary who uses these scores (Youden's J, the one-sided
// Kolmogorov-Smirnov distance). The maximum over thresholds is biased upward, and
// resamples of it, with mean m and quantiles q, once more, so that neither their
// quantiles nor the plain basic bootstrap cover. The interval is
//
//	Lo = min(2Â − q(1−α/2), Newcombe's bound at the best threshold) − (m − Â)
//	Hi = max(2Â − q(α/2), Â)
//
// cut at 0 and 1. Lo is 0 if the scores of the two classes do not differ by the
// one-sided Kolmogorov-Smirnov test, exp(−2Â²mn/(m+n)) > α/2, since the bootstrap
// fails where there is no advantage. If all resamples agree, the interval comes
// from exact binomial bounds for the two error rates, with a warning.
//
// Davison, Hinkley (1997), Bootstrap Methods and their Application, section 5.2;
// Newcombe (1998), Stat. Med. 17:873, method 10.
func Advantage(negatives, positives []float64, resamples int, confidence float64, rng *rand.Rand) Estimate {
	checkConfidence(confidence)
	checkResamples(resamples)
	s, ok := newScores(negatives, positives)
	if !ok {
		return noScores(negatives, positives, confidence)
	}
	m, n := len(negatives), len(positives)
	best, fp, tp := s.advantage()
	e := Estimate{Center: best, Confidence: confidence, N: m + n}
	values := make([]float64, resamples)
	mean := 0.0
	for b := range values {
		s.resample(rng)
		values[b], _, _ = s.advantage()
		mean += values[b] / float64(resamples)
	}
	sort.Float64s(values)
	alpha := 1 - confidence
	if values[0] == values[resamples-1] {
		// Either error rate is 0 in the sample, or all scores are equal.
		miss := (1 - math.Pow(alpha/2, 1/float64(m))) + (1 - math.Pow(alpha/2, 1/float64(n)))
		e.Lo, e.Hi = math.Max(0, best-miss), math.Min(1, best+miss)
		e.warn("all resamples agree: the interval comes from exact bounds for the two error rates")
		return e
	}
	hit, alarm := Wilson(tp, n, confidence), Wilson(fp, m, confidence)
	newcombe := best - math.Hypot(hit.Center-hit.Lo, alarm.Hi-alarm.Center)
	lo := math.Min(2*best-sortedQuantile(values, 1-alpha/2), newcombe) - math.Max(0, mean-best)
	if math.Exp(-2*best*best*float64(m)*float64(n)/float64(m+n)) > alpha/2 {
		lo = 0
	}
	e.Lo = clamp(lo, 0, best)
	e.Hi = clamp(2*best-sortedQuantile(values, alpha/2), best, 1)
	return e
}

// TPRAt estimates the largest TPR that a threshold with a true FPR of at most fpr
// reaches. The center is the TPR at the lowest threshold that at most a share fpr
// of the negatives reaches. The interval allows for the unknown threshold as well
// as for the positives: order statistics of the negatives enclose the true
// (1−fpr)-quantile with error α/2, and exact binomial bounds at those two
// thresholds, with error α/2 again, enclose the TPR. It therefore covers at least
// as often as asked, ties or not. Fewer than log(4/α)/fpr negatives (437 for 0.01)
// do not bound the threshold from above: then the lower bound is 0, with a
// warning, however well the classes are separated.
func TPRAt(fpr float64, negatives, positives []float64, confidence float64) Estimate {
	checkConfidence(confidence)
	if !(fpr > 0 && fpr < 1) {
		panic("analysis: FPR outside (0, 1)")
	}
	if len(negatives) == 0 || len(positives) == 0 || hasNaN(negatives) || hasNaN(positives) {
		return noScores(negatives, positives, confidence)
	}
	neg := append([]float64(nil), negatives...)
	pos := append([]float64(nil), positives...)
	sort.Float64s(neg)
	sort.Float64s(pos)
	m, n := len(neg), len(pos)
	alpha := 1 - confidence
	// above returns how many positives lie above t, atLeast how many reach it.
	above := func(t float64) int { return n - sort.Search(n, func(i int) bool { return pos[i] > t }) }
	atLeast := func(t float64) int { return n - sort.SearchFloat64s(pos, t) }

	allowed := int(math.Floor(fpr*float64(m) + 1e-9)) // false positives
	e := Estimate{Center: float64(above(neg[m-1-allowed])) / float64(n), Lo: 0, Hi: 1, Confidence: confidence, N: m + n}
	// The number of negatives at or below the true quantile is at least, and of
	// those below it at most, binomial with parameters m and 1−fpr.
	b := distuv.Binomial{N: float64(m), P: 1 - fpr}
	upper := sort.Search(m+1, func(u int) bool { return u > 0 && 1-b.CDF(float64(u-1)) <= alpha/4 })
	if upper >= 1 && upper <= m {
		e.Lo, _ = clopperPearson(above(neg[upper-1]), n, alpha/2)
	} else {
		need := int(math.Ceil(math.Log(alpha/4) / math.Log1p(-fpr)))
		e.warn(fmt.Sprintf("%d negatives do not bound the FPR at %g; %d are needed for a lower bound", m, fpr, need))
	}
	lower := sort.Search(m, func(l int) bool { return b.CDF(float64(l)) > alpha/4 }) // largest rank with P(B ≤ rank−1) ≤ α/4
	if lower >= 1 {
		_, e.Hi = clopperPearson(atLeast(neg[lower-1]), n, alpha/2)
	}
	e.Lo, e.Hi = math.Min(e.Lo, e.Center), math.Max(e.Hi, e.Center)
	if float64(m)*fpr < 1 {
		e.warn(fmt.Sprintf("%d negatives resolve no FPR below %.2g: the estimate is the TPR above all of them", m, 1/float64(m)))
	}
	return e
}
