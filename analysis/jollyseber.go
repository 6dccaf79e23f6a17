package analysis

import (
	"fmt"
	"math"
)

// An Occasion is what the estimates of an open population take from one of the
// times at which it was sampled, such as the bins of an observation.
type Occasion struct {
	Caught   int // n: individuals seen
	Marked   int // m: of those, seen at an earlier occasion
	Released int // R: of those seen, still there to be seen again; n if seeing does no harm
	Again    int // r: of those released, seen at a later occasion
	Around   int // z: seen earlier and later, but not now
}

// Occasions summarises capture histories. Element i of histories lists the
// occasions, 0 to occasions−1 in ascending order, at which individual i was seen.
// All of them are released.
func Occasions(histories [][]int, occasions int) []Occasion {
	all := make([]Occasion, occasions)
	for _, seen := range histories {
		for i, at := range seen {
			if at < 0 || at >= occasions || i > 0 && at <= seen[i-1] {
				panic("analysis: capture history does not ascend within the occasions")
			}
			all[at].Caught++
			all[at].Released++
			if i == 0 {
				continue
			}
			all[at].Marked++
			all[seen[i-1]].Again++
			for between := seen[i-1] + 1; between < at; between++ {
				all[between].Around++
			}
		}
	}
	return all
}

// An OpenPopulation is the state of an open population at one occasion.
type OpenPopulation struct {
	Marked   Estimate // individuals seen earlier and still there
	Size     Estimate // all individuals there
	Survival Estimate // the chance to be still there at the next occasion
	Recruits Estimate // those that come after this occasion and are there at the next
}

const unitIndividuals = "individuals"

// JollySeber estimates size, survival and recruitment of a population that loses
// and gains individuals between occasions, by the bias-adjusted forms
//
//	M = m + (R+1)z/(r+1)     N = (n+1)M/(m+1)
//	φ = M₊/(M − m + R)       B = N₊ − φ(N − n + R)
//
// where ₊ is the next occasion. Each individual there must have the same chance to
// be seen, and the same to survive. M and N are unknown at the first and at the
// last of K occasions, φ from the last but one on, B also at the first: those are
// undefined, with a warning. Nothing is known of fewer than three occasions.
//
// The intervals come from the asymptotic variances: of M and N for the numbers
// that were there, log-normal in those that were not seen, so that they never lie
// below the number seen; of φ for the probability, its binomial part included,
// normal and cut at 0 and 1; of B normal and cut at 0. Estimates outside those
// ranges are set to their ends, with a warning. Where no marked individual was
// seen (m = 0) or none was seen again (r = 0) there is no upper bound. Where the
// variance vanishes, exact binomial bounds take its place: for N those of the
// share m/(m+z) of marked individuals that were seen, for φ those of r/R.
//
// Jolly (1965), Biometrika 52:225; Seber (1965), Biometrika 52:249; Seber (1982),
// The Estimation of Animal Abundance, 2nd ed., chapter 5; Pollock, Nichols,
// Brownie, Hines (1990), Wildlife Monographs 107, equations 4.6-4.18.
func JollySeber(occasions []Occasion, confidence float64) []OpenPopulation {
	checkConfidence(confidence)
	raw := jollySeber(occasions)
	z := zQuantile(confidence)
	out := make([]OpenPopulation, len(raw))
	for i := range raw {
		o, p := &raw[i], &out[i]
		unknown := func(unit string) Estimate {
			return Undefined(o.Caught, unit, confidence, "the data do not determine it so close to the first or the last occasion")
		}
		p.Marked, p.Size, p.Recruits = unknown(unitIndividuals), unknown(unitIndividuals), unknown(unitIndividuals)
		p.Survival = unknown("")
		if finite(o.size) {
			p.Marked = Estimate{Center: o.marked, Confidence: confidence, N: o.Caught, Unit: unitIndividuals}
			o.above(&p.Marked, float64(o.Marked), o.markedVar)
			p.Size = Estimate{Center: o.size, Confidence: confidence, N: o.Caught, Unit: unitIndividuals}
			o.above(&p.Size, float64(o.Caught), o.sizeVar)
		}
		if finite(o.survival) {
			p.Survival = o.survivalEstimate(confidence)
		}
	}
	for i := range raw {
		if o, e := &raw[i], &out[i].Recruits; finite(o.recruits) {
			half := z * math.Sqrt(o.recruitsVar)
			*e = Estimate{Center: o.recruits, Lo: o.recruits - half, Hi: o.recruits + half, Confidence: confidence, N: o.Caught, Unit: unitIndividuals}
			if !(half > 0) { // also NaN, from φ > 1
				now, next, s := out[i].Size, out[i+1].Size, out[i].Survival
				e.Lo, e.Hi = math.Min(e.Center, next.Lo-s.Hi*now.Hi), math.Max(e.Center, next.Hi-s.Lo*now.Lo)
				e.warn("no variance: the bounds are those that the bounds of size and survival allow")
			}
			if e.Center < 0 {
				e.Center = 0
				e.warn("negative by estimate: set to 0")
			}
			e.Lo, e.Hi = math.Max(0, e.Lo), math.Max(0, e.Hi)
			if math.IsInf(e.Hi, 1) {
				e.warn("no upper bound")
			}
		}
	}
	return out
}

// openOccasion has the estimates of an occasion as they come out of the formulas;
// those that do not exist are NaN.
type openOccasion struct {
	Occasion
	marked, size, survival, recruits             float64
	markedVar, sizeVar, survivalVar, recruitsVar float64
	survivalNext                                 float64 // covariance of φ with the next occasion's
	releasedMarked                               float64 // M − m + R
	lost                                         float64 // 1/r − 1/R
}

func jollySeber(occasions []Occasion) []openOccasion {
	nan := math.NaN()
	all := make([]openOccasion, len(occasions))
	for i, occasion := range occasions {
		o := &all[i]
		o.Occasion = occasion
		if occasion.Marked > occasion.Caught || occasion.Released > occasion.Caught || occasion.Again > occasion.Released ||
			min(occasion.Marked, occasion.Again, occasion.Around) < 0 {
			panic("analysis: numbers of an occasion that contradict each other")
		}
		o.marked, o.size, o.survival, o.recruits = nan, nan, nan, nan
		o.markedVar, o.sizeVar, o.survivalVar, o.recruitsVar, o.survivalNext = nan, nan, nan, nan, nan
		n, m, released, again := float64(o.Caught), float64(o.Marked), float64(o.Released), float64(o.Again)
		if o.Again < o.Released || o.Released == 0 {
			o.lost = 1 / again // infinite for none
			if again > 0 {
				o.lost -= 1 / released
			}
		}
		switch {
		case i == 0:
			o.marked = 0
		case i < len(occasions)-1:
			o.marked = m + (released+1)*float64(o.Around)/(again+1)
			o.size = math.Max(n, (n+1)*o.marked/(m+1))
			hidden := o.marked - m
			o.markedVar = product(hidden*(hidden+released), o.lost)
			o.sizeVar = product(o.size*(o.size-n)*(hidden+released)/o.marked, o.lost) + product((o.size-n)*(o.size-o.marked), 1/m)
			if o.marked == 0 {
				o.sizeVar = math.Inf(1)
			}
		}
		o.releasedMarked = o.marked - m + released
	}
	// The first occasion has no N, but φ, for which M = m = 0.
	for i := 0; i+2 < len(all); i++ {
		o, next := &all[i], &all[i+1]
		at := o.releasedMarked
		if at == 0 {
			continue
		}
		phi := next.marked / at
		o.survival = phi
		var nextPart float64
		if next.marked > 0 {
			nextPart = next.markedVar / (next.marked * next.marked)
		}
		ownPart := product((o.marked-float64(o.Marked))/at, o.lost)
		o.survivalVar = phi*phi*(nextPart+ownPart) + math.Max(0, phi*(1-phi)/at)
		if i > 0 {
			all[i-1].survivalNext = -all[i-1].survival * phi * product((o.marked-float64(o.Marked))/o.marked, o.lost)
			o.recruits = next.size - phi*(o.size-float64(o.Caught)+float64(o.Released))
			o.recruitsVar = o.recruitsVariance(next, nextPart)
		}
	}
	if len(all) > 0 {
		all[0].marked = nan
	}
	return all
}

// recruitsVariance is equation 4.14 of Pollock et al. (1990).
func (o *openOccasion) recruitsVariance(next *openOccasion, nextPart float64) float64 {
	at, phi, b := o.releasedMarked, o.survival, o.recruits
	hidden, unmarked := o.marked-float64(o.Marked), o.size-o.marked
	own := 0.0
	if o.marked > 0 {
		own = product(hidden/at*math.Pow(phi*float64(o.Released)*unmarked/o.marked, 2), o.lost)
	}
	unseen, nextUnseen := o.size-float64(o.Caught), next.size-float64(next.Caught)
	return product(b*b, nextPart) + own +
		unseen*(next.size-b)*unmarked*(1-phi)/(o.size*at) +
		product(nextUnseen*(next.size-next.marked), 1/float64(next.Marked)) +
		product(phi*phi*unseen*unmarked, 1/float64(o.Marked))
}

// product is a·b, with 0 times infinity 0: what is not there has no variance.
func product(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

// above sets the interval of a number of which seen were seen.
func (o *openOccasion) above(e *Estimate, seen, variance float64) {
	unseen := e.Center - seen
	switch {
	case math.IsInf(variance, 1) || math.IsNaN(variance):
		e.Lo, e.Hi = seen, math.Inf(1)
		e.warn("no marked individual was seen now, or none of those seen now later: there is no upper bound")
	case unseen > 0 && variance > 0:
		k := math.Exp(zQuantile(e.Confidence) * math.Sqrt(math.Log1p(variance/(unseen*unseen))))
		e.Lo, e.Hi = seen+unseen/k, seen+unseen*k
	default:
		lo, _ := clopperPearson(o.Marked, o.Marked+o.Around, 1-e.Confidence)
		e.Lo, e.Hi = seen, math.Max(e.Center, seen/lo)
		if seen == 0 && lo == 0 {
			e.Hi = math.Inf(1)
		}
		e.warn("no variance: the upper bound comes from the share of marked individuals that were seen")
	}
}

func (o *openOccasion) survivalEstimate(confidence float64) Estimate {
	e := Estimate{Center: o.survival, Confidence: confidence, N: o.Released}
	if e.Center > 1 {
		e.Center = 1
		e.warn("above 1 by estimate: set to 1")
	}
	half := zQuantile(confidence) * math.Sqrt(o.survivalVar)
	if !(half >= 0) {
		half = math.Inf(1)
	}
	e.Lo, e.Hi = clamp(o.survival-half, 0, 1), clamp(o.survival+half, 0, 1)
	if math.IsInf(half, 1) {
		e.warn("none of the individuals seen at this occasion or the next was seen later: survival may be anything")
	}
	if e.Lo == e.Hi {
		lo, hi := clopperPearson(o.Again, o.Released, 1-confidence)
		if e.Center > 0 {
			e.Lo = math.Min(e.Lo, lo)
		} else {
			e.Hi = hi
		}
		e.warn("no variance: the bound is that of the share seen again")
	}
	return e
}

// An OpenSummary describes an open population over all occasions.
type OpenSummary struct {
	MeanSize Estimate // mean of the sizes at the occasions that have one
	Survival Estimate // chance to be still there after one unit of time
}

// SummarizeOpen averages the estimates of [JollySeber]. The mean size is that of
// the occasions with an upper bound; estimates of different occasions are
// asymptotically uncorrelated given the sizes. Its interval is log-normal in the
// mean number not seen.
//
// The survival per unit of time is the geometric mean (Π φ_i)^(1/T) over all
// intervals with a φ, T their length: for one that is constant in time, whatever
// the lengths. Element i of intervals is the time from occasion i to the next,
// one less than occasions. Its interval is normal in log φ, by the delta method
// with the covariances of successive φ, cut at 0 and 1. If a φ is 0 or has no
// variance, the mean is undefined, with a warning.
//
// Pollock et al. (1990) as in [JollySeber].
func SummarizeOpen(occasions []Occasion, intervals []float64, confidence float64) OpenSummary {
	checkConfidence(confidence)
	if len(intervals) != max(0, len(occasions)-1) {
		panic("analysis: number of intervals is not one less than that of occasions")
	}
	caught := 0
	for _, o := range occasions {
		caught += o.Caught
	}
	s := OpenSummary{
		MeanSize: Undefined(caught, unitIndividuals, confidence, "no occasion has an estimate of size with bounds"),
		Survival: Undefined(caught, "", confidence, "no interval between occasions has an estimate of survival with bounds"),
	}
	var size, sizeVar, seen float64
	var sizes, unbounded int
	var length, log, logVar float64
	before := false // the previous interval is part of the mean
	raw := jollySeber(occasions)
	for i := range raw {
		o := &raw[i]
		if finite(o.size) {
			if finite(o.sizeVar) {
				size, sizeVar, seen = size+o.size, sizeVar+o.sizeVar, seen+float64(o.Caught)
				sizes++
			} else {
				unbounded++
			}
		}
		if !finite(o.survival) || !finite(o.survivalVar) {
			if i+2 < len(raw) {
				before = false
				s.Survival.Warnings = []string{"an interval between occasions has no estimate of survival"}
				length = math.NaN()
			}
			continue
		}
		if !(intervals[i] > 0) {
			panic("analysis: interval between occasions is not positive")
		}
		length += intervals[i]
		log += math.Log(o.survival)
		logVar += o.survivalVar / (o.survival * o.survival)
		if before {
			previous := &raw[i-1]
			logVar += 2 * previous.survivalNext / (previous.survival * o.survival)
		}
		before = true
	}
	if sizes > 0 {
		k := float64(sizes)
		s.MeanSize = Estimate{Center: size / k, Confidence: confidence, N: caught, Unit: unitIndividuals}
		pool := openOccasion{}
		for i := 1; i+1 < len(occasions); i++ {
			pool.Marked += occasions[i].Marked
			pool.Around += occasions[i].Around
		}
		pool.above(&s.MeanSize, seen/k, sizeVar/(k*k))
		if unbounded > 0 {
			s.MeanSize.warn(fmt.Sprintf("%d of %d occasions are left out: they have no upper bound", unbounded, sizes+unbounded))
		}
	}
	switch {
	case math.IsInf(log, -1):
		s.Survival.Warnings = []string{"no marked individual survived some interval between occasions"}
	case length > 0:
		rate := log / length
		half := zQuantile(confidence) * math.Sqrt(math.Max(0, logVar)) / length
		s.Survival = Estimate{Center: math.Exp(math.Min(0, rate)), Lo: math.Exp(math.Min(0, rate-half)), Hi: math.Exp(math.Min(0, rate+half)), Confidence: confidence, N: caught}
		if rate > 0 {
			s.Survival.warn("above 1 by estimate: set to 1")
		}
		if s.Survival.Lo == s.Survival.Hi {
			var again, released int
			for _, o := range occasions[:len(occasions)-1] {
				again, released = again+o.Again, released+o.Released
			}
			lo, _ := clopperPearson(again, released, 1-confidence)
			s.Survival.Lo = math.Min(s.Survival.Lo, math.Pow(lo, float64(len(occasions)-1)/length))
			s.Survival.warn("no variance: the lower bound is that of the share seen again")
		}
	}
	return s
}
