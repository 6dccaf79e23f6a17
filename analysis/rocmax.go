package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// SimultaneousAUC describes several attacks that were tried on the same trials.
type SimultaneousAUC struct {
	// Max is the largest AUC of all attacks, and MaxDistance the largest
	// |AUC − 0.5|, which also counts attacks whose scores point the wrong way.
	Max, MaxDistance Estimate
	Best             int // the attack with the largest AUC in the sample; -1 if there is none
	// Each has the AUC of each attack, with intervals that cover all true values
	// at once.
	Each []Estimate
}

// SimultaneousAUCs estimates the AUC of several attacks, and of the best of them,
// from their scores on the same trials: negatives[a] and positives[a] are those of
// attack a, element i of trial i.
//
// The largest AUC of a sample is biased upward: of twenty attacks that tell
// nothing one looks well by chance, and its own interval does not know that it
// was picked. The center stays the plain maximum; the interval corrects for it.
// Trials are resampled within each class, the same ones for all attacks, so that
// attacks which agree count as one, and the largest studentised deviation
//
//	max_a |logit Â*_a − logit Â_a| / s*_a
//
// with DeLong's standard error of each resample has the quantile q that makes
// logit Â_a ± q s_a simultaneous. If all these cover, the true maximum lies between
// the largest lower and the largest upper bound, whichever attack attains it;
// |AUC − 0.5| likewise. The lower bound of the maximum is so the honest one: it
// lies above 0.5 only if some attack's does after the correction for having
// chosen.
//
// Attacks whose scores have no variance, such as those of classes that do not
// overlap, have the exact bounds of [AUC] at the level that is left for one of so
// many attacks, with its warning. Fewer than 100 resamples, or attacks with
// different numbers of trials, panic. Without trials, or with a score that is not
// a number, all is undefined.
//
// Romano, Wolf (2005), Econometrica 73:1237; Chernozhukov, Lee, Rosen (2013),
// Intersection bounds, Econometrica 81:667; DeLong et al. (1988) as in [AUC].
func SimultaneousAUCs(negatives, positives [][]float64, resamples int, confidence float64, rng *rand.Rand) SimultaneousAUC {
	checkConfidence(confidence)
	checkResamples(resamples)
	if len(negatives) != len(positives) {
		panic("analysis: different numbers of attacks")
	}
	attacks := len(negatives)
	out := SimultaneousAUC{Best: -1, Each: make([]Estimate, attacks)}
	all := make([]*scores, attacks)
	trials, ok := 0, attacks > 0
	for a := range all {
		if len(negatives[a]) != len(negatives[0]) || len(positives[a]) != len(positives[0]) {
			panic("analysis: attacks with different numbers of trials")
		}
		trials = len(negatives[0]) + len(positives[0])
		var fine bool
		all[a], fine = newScores(negatives[a], positives[a])
		ok = ok && fine
	}
	if !ok {
		for a := range out.Each {
			out.Each[a] = Undefined(trials, "", confidence, warnScores)
		}
		out.Max = Undefined(trials, "", confidence, warnScores)
		out.MaxDistance = out.Max
		return out
	}
	var regular []*scores
	var at []logitAUC
	few := min(len(negatives[0]), len(positives[0]))
	for a, s := range all {
		auc, variance := s.deLong()
		out.Each[a] = Estimate{Center: auc, Confidence: confidence, N: trials}
		if variance > 0 && few > 1 && auc > 0 && auc < 1 {
			regular, at = append(regular, s), append(at, newLogitAUC(auc, variance))
		}
	}
	// Each attack without variance takes its share of the error.
	share := (1 - confidence) / float64(attacks)
	q := simultaneousQuantile(regular, at, resamples, 1-share*float64(len(regular)), rng)
	for a, next := 0, 0; a < attacks; a++ {
		e := &out.Each[a]
		if next < len(regular) && all[a] == regular[next] {
			half := q * at[next].se
			e.Lo, e.Hi = expit(at[next].logit-half), expit(at[next].logit+half)
			next++
			continue
		}
		e.Confidence = 1 - share
		all[a].degenerate(e)
		e.Confidence = confidence
	}
	out.summarise(few)
	return out
}

type logitAUC struct{ logit, se float64 }

func newLogitAUC(auc, variance float64) logitAUC {
	return logitAUC{math.Log(auc / (1 - auc)), math.Sqrt(variance) / (auc * (1 - auc))}
}

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// simultaneousQuantile bootstraps the largest studentised deviation. All attacks
// have the same trials.
func simultaneousQuantile(attacks []*scores, at []logitAUC, resamples int, confidence float64, rng *rand.Rand) float64 {
	if len(attacks) == 0 {
		return math.NaN()
	}
	m, n := len(attacks[0].neg), len(attacks[0].pos)
	drawn := make([]int, m+n)
	largest := make([]float64, resamples)
	b := make([]scores, len(attacks)) // counts of a resample
	for a, s := range attacks {
		b[a] = scores{values: s.values, neg: s.neg, pos: s.pos, negCount: make([]int, len(s.values)), posCount: make([]int, len(s.values))}
	}
	for r := range largest {
		for i := range m {
			drawn[i] = rng.IntN(m)
		}
		for i := range n {
			drawn[m+i] = rng.IntN(n)
		}
		for a := range b {
			s := &b[a]
			clear(s.negCount)
			clear(s.posCount)
			for _, i := range drawn[:m] {
				s.negCount[s.neg[i]]++
			}
			for _, i := range drawn[m:] {
				s.posCount[s.pos[i]]++
			}
			auc, variance := s.deLong()
			// A resample without overlap has neither logit nor variance: take it half
			// a pair off the end, with the sample's own error.
			end := 1 / (2 * float64(m) * float64(n))
			drawnAt := newLogitAUC(clamp(auc, end, 1-end), variance)
			if !(variance > 0) {
				drawnAt.se = at[a].se
			}
			largest[r] = math.Max(largest[r], math.Abs(drawnAt.logit-at[a].logit)/drawnAt.se)
		}
	}
	sort.Float64s(largest)
	return sortedQuantile(largest, confidence)
}

// summarise derives the maxima from the intervals of all attacks.
func (s *SimultaneousAUC) summarise(few int) {
	first := s.Each[0]
	s.Max = Estimate{Center: -1, Lo: -1, Hi: -1, Confidence: first.Confidence, N: first.N}
	s.MaxDistance = s.Max
	for a, e := range s.Each {
		if e.Center > s.Max.Center {
			s.Best = a
		}
		s.Max.raise(e.Center, e.Lo, e.Hi)
		s.MaxDistance.raise(math.Abs(e.Center-0.5), math.Max(0, math.Max(e.Lo-0.5, 0.5-e.Hi)), math.Max(math.Abs(e.Lo-0.5), math.Abs(e.Hi-0.5)))
		for _, w := range e.Warnings {
			if !slices.Contains(s.Max.Warnings, w) {
				s.Max.warn(w)
			}
		}
	}
	if few < 10 {
		s.Max.warn("fewer than 10 trials in the smaller class: DeLong's standard error needs more")
	}
	s.MaxDistance.Warnings = slices.Clone(s.Max.Warnings)
}

func (e *Estimate) raise(center, lo, hi float64) {
	e.Center, e.Lo, e.Hi = math.Max(e.Center, center), math.Max(e.Lo, lo), math.Max(e.Hi, hi)
}
