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
	if len(negatives) != len(positives) {
		panic("analysis: different numbers of attacks")
	}
	of := func(a int) (n, p []float64) { return negatives[a], positives[a] }
	return simultaneousAUCs(len(negatives), of, resamples, confidence, func() *rand.Rand { return rng }, math.MaxInt)
}

// SimultaneousAUCsOf is [SimultaneousAUCs] of scores that need not be in memory
// together: of calls for those of attack a, more than once. Of all attacks together it
// holds some ranksHeld scores, at four bytes each, or one attack's where that is more. Each
// call of rng returns randomness of the same seed: attacks that are not held at once are
// resampled one after the other, in the same way.
func SimultaneousAUCsOf(attacks int, of func(a int) (negatives, positives []float64), resamples int, confidence float64, rng func() *rand.Rand) SimultaneousAUC {
	return simultaneousAUCs(attacks, of, resamples, confidence, rng, ranksHeld)
}

// ranksHeld is of how many scores the ranks are held: those of twenty attacks on 100,000
// trials of each arm.
const ranksHeld = 4_000_000

func simultaneousAUCs(attacks int, of func(int) (negatives, positives []float64), resamples int, confidence float64, rng func() *rand.Rand, held int) SimultaneousAUC {
	checkConfidence(confidence)
	checkResamples(resamples)
	out := SimultaneousAUC{Best: -1, Each: make([]Estimate, attacks)}
	var m, n int // trials
	var at []logitAUC
	var regular []int // attacks with a variance
	ok := attacks > 0
	// Each attack without variance takes its share of the error.
	share := (1 - confidence) / float64(attacks)
	for a := range attacks {
		negatives, positives := of(a)
		if a == 0 {
			m, n = len(negatives), len(positives)
		}
		if len(negatives) != m || len(positives) != n {
			panic("analysis: attacks with different numbers of trials")
		}
		s, fine := newScores(negatives, positives)
		if ok = ok && fine; !ok {
			continue
		}
		auc, variance := s.deLong()
		e := &out.Each[a]
		*e = Estimate{Center: auc, Confidence: 1 - share, N: m + n}
		if variance > 0 && min(m, n) > 1 && auc > 0 && auc < 1 {
			regular, at = append(regular, a), append(at, newLogitAUC(auc, variance))
		} else {
			s.degenerate(e)
		}
		e.Confidence = confidence
	}
	if !ok {
		for a := range out.Each {
			out.Each[a] = Undefined(m+n, "", confidence, warnScores)
		}
		out.Max = Undefined(m+n, "", confidence, warnScores)
		out.MaxDistance = out.Max
		return out
	}
	group := max(1, held/(m+n))
	largest := make([]float64, resamples)
	for first := 0; first < len(regular); first += group {
		last := min(first+group, len(regular))
		var ranks []ranked
		for _, a := range regular[first:last] {
			s, _ := newScores(of(a))
			ranks = append(ranks, ranked{s.neg, s.pos, len(s.values)})
		}
		studentised(largest, ranks, at[first:last], rng())
	}
	if len(regular) > 0 {
		sort.Float64s(largest)
		q := sortedQuantile(largest, 1-share*float64(len(regular)))
		for k, a := range regular {
			half := q * at[k].se
			out.Each[a].Lo, out.Each[a].Hi = expit(at[k].logit-half), expit(at[k].logit+half)
		}
	}
	out.summarise(min(m, n))
	return out
}

type logitAUC struct{ logit, se float64 }

func newLogitAUC(auc, variance float64) logitAUC {
	return logitAUC{math.Log(auc / (1 - auc)), math.Sqrt(variance) / (auc * (1 - auc))}
}

func expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// ranked are the ranks of two classes' scores among their distinct values.
type ranked struct {
	neg, pos []int32
	distinct int
}

// studentised raises each element of largest to the largest studentised deviation of
// some attacks in a resample. All attacks have the same trials.
func studentised(largest []float64, attacks []ranked, at []logitAUC, rng *rand.Rand) {
	m, n := len(attacks[0].neg), len(attacks[0].pos)
	drawn := make([]int32, m+n)
	negCount, posCount := make([]int32, m+n), make([]int32, m+n) // of one attack at a time
	var s scores
	for r := range largest {
		for i := range m {
			drawn[i] = int32(rng.IntN(m))
		}
		for i := range n {
			drawn[m+i] = int32(rng.IntN(n))
		}
		for a, x := range attacks {
			s = scores{neg: x.neg, pos: x.pos, negCount: negCount[:x.distinct], posCount: posCount[:x.distinct]}
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
