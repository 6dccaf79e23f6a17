package analysis

import (
	"fmt"
	"math"
)

// rareLimit is the largest count of a rare species in ACE, and of an infrequent
// one in ICE: the choice of Chao and Lee (1992) and of all software since.
const rareLimit = 10

// frequencies are the numbers that species-richness estimators are made of.
type frequencies struct {
	observed int                // species seen
	total    int                // individuals, or incidences
	f        [rareLimit + 1]int // f[i]: species seen exactly i times; f[0] is unused
}

// count skips zeros: a species never seen is no observation, whoever lists it.
func count(counts []int) frequencies {
	var q frequencies
	for _, c := range counts {
		if c < 0 {
			panic("analysis: negative count")
		}
		if c == 0 {
			continue
		}
		q.observed++
		q.total += c
		if c <= rareLimit {
			q.f[c]++
		}
	}
	return q
}

const unitSpecies = "species"

// unboundedIf takes away an upper bound that nothing supports: one look at a
// community says that it has at least what was seen.
func unboundedIf(e *Estimate, few bool) {
	if few && e.Defined() && !math.IsInf(e.Hi, 1) {
		e.Hi = math.Inf(1)
		e.warn("a single observation bounds the number from below only")
	}
}

// Chao1 estimates the number of species from abundance counts, one for each
// species, with the bias-corrected form of Chao's lower bound
//
//	Ŝ = S + f₁(f₁−1) / 2(f₂+1)
//
// where S species were seen, f₁ of them once and f₂ twice. The interval is
// log-normal in the number of unseen species,
//
//	[S + T/K, S + T·K]    T = Ŝ − S    K = exp(z √log(1 + var/T²))
//
// and so never lies below S. If T is 0 (at most one species seen once) the
// interval assumes that all species are seen at one rate, which gives it a
// width; a warning says so. Ŝ is a lower bound in nature: if nothing was seen
// twice, a warning says that the data bound the number from below only.
//
// Chao (1984), Scand. J. Stat. 11:265; Chao (1987), Biometrics 43:783; variance
// and intervals in the form of EstimateS (Colwell 2013, User's Guide, appendix B).
func Chao1(counts []int, confidence float64) Estimate {
	checkConfidence(confidence)
	q := count(counts)
	if q.observed == 0 {
		return Undefined(0, unitSpecies, confidence, "no species seen")
	}
	e := chao(q, 1, confidence)
	e.N = q.total
	unboundedIf(&e, q.total < 2)
	return e
}

// Chao2 estimates the number of species from incidences: in how many of the
// sampling units each species was seen. It is [Chao1] with the factor
// (t−1)/t for t units,
//
//	Ŝ = S + (t−1)/t · Q₁(Q₁−1) / 2(Q₂+1)
//
// and asks nothing of the individuals within a unit, which may hang together;
// only the units must be independent. An incidence above units panics.
//
// Chao (1987), Biometrics 43:783; Colwell (2013) as in [Chao1].
func Chao2(incidences []int, units int, confidence float64) Estimate {
	checkConfidence(confidence)
	q := countIncidences(incidences, units)
	if q.observed == 0 {
		return Undefined(units, unitSpecies, confidence, "no species seen")
	}
	e := chao(q, float64(units-1)/float64(units), confidence)
	e.N = units
	unboundedIf(&e, units < 2)
	return e
}

func countIncidences(incidences []int, units int) frequencies {
	q := count(incidences)
	for _, c := range incidences {
		if c > units {
			panic("analysis: species in more units than there are")
		}
	}
	return q
}

// chao is Chao1 for a = 1 and Chao2 for a = (t−1)/t.
func chao(q frequencies, a, confidence float64) Estimate {
	f1, f2 := float64(q.f[1]), float64(q.f[2])
	unseen := a * f1 * (f1 - 1) / (2 * (f2 + 1))
	// The factors stay as they are in print: f₁²f₂(f₁−1)² over (f₂+1)⁴, and the
	// interval below takes T², not T, in log(1 + var/T²).
	variance := a*f1*(f1-1)/(2*(f2+1)) + a*a*f1*(2*f1-1)*(2*f1-1)/(4*(f2+1)*(f2+1)) +
		a*a*f1*f1*f2*(f1-1)*(f1-1)/(4*math.Pow(f2+1, 4))
	if q.f[2] == 0 && q.f[1] > 0 {
		s := float64(q.observed) + unseen
		variance = a*f1*(f1-1)/2 + a*a*f1*(2*f1-1)*(2*f1-1)/4 - a*a*math.Pow(f1, 4)/(4*s)
	}
	e := Estimate{Center: float64(q.observed) + unseen, Confidence: confidence, Unit: unitSpecies}
	unseenInterval(&e, q, variance)
	if q.f[1] > 0 && q.f[2] == 0 {
		e.warn("no species was seen exactly twice: the data bound the number from below only")
	}
	return e
}

// unseenInterval sets the log-normal interval around e.Center, whose excess over
// the observed number has the given variance.
func unseenInterval(e *Estimate, q frequencies, variance float64) {
	observed := float64(q.observed)
	unseen := e.Center - observed
	if !(unseen > 0 && variance > 0) {
		e.Center = math.Max(e.Center, observed)
		evenInterval(e, q)
		return
	}
	k := math.Exp(zQuantile(e.Confidence) * math.Sqrt(math.Log1p(variance/(unseen*unseen))))
	e.Lo, e.Hi = observed+unseen/k, observed+unseen*k
}

// evenInterval is the interval of EstimateS for data without unseen species by
// estimate: each of S/(1−p) species is missed with probability p = exp(−n/S).
func evenInterval(e *Estimate, q frequencies) {
	observed := float64(q.observed)
	p := math.Exp(-float64(q.total) / observed)
	middle := observed / (1 - p)
	half := zQuantile(e.Confidence) * math.Sqrt(observed*p) / (1 - p)
	e.Lo = math.Max(observed, middle-half)
	e.Lo = math.Min(e.Lo, e.Center)
	e.Hi = math.Max(middle+half, e.Center)
	e.warn("too few species were seen only once to estimate the unseen ones: the interval assumes that all are equally frequent")
}

// ACE estimates the number of species by coverage: abundance counts up to 10 are
// rare, and
//
//	Ŝ = S_abundant + S_rare/C + f₁γ²/C    C = 1 − f₁/N_rare
//	γ² = max(S_rare/C · Σ i(i−1)f_i / N_rare(N_rare−1) − 1, 0)
//
// allows for unequal frequencies. The variance comes from the partial
// derivatives and the multinomial covariances of the f_i (vegan's, which is
// smaller, takes C as 1 − f₁/(1−N) in the derivatives), the interval is that of
// [Chao1]. If every rare species was seen once, the coverage is 0 and ACE does
// not exist: the result is that of Chao1, with a warning.
//
// Chao, Lee (1992), JASA 87:210; Chao, Ma, Yang (1993), Biometrika 80:193.
func ACE(counts []int, confidence float64) Estimate {
	checkConfidence(confidence)
	q := count(counts)
	if q.observed == 0 {
		return Undefined(0, unitSpecies, confidence, "no species seen")
	}
	e, ok := coverageEstimate(q, confidence, func(n float64) (float64, float64) {
		return 1 / (n * (n - 1)), -(2*n - 1) / (n * n * (n - 1) * (n - 1))
	})
	if !ok {
		e = Chao1(counts, confidence)
		e.warn("all rare species were seen once: ACE does not exist, this is Chao1")
	}
	e.N = q.total
	unboundedIf(&e, q.total < 2)
	return e
}

// ICE is [ACE] for incidences: species in up to 10 of t units are infrequent,
// and
//
//	γ² = max(S_infrequent/C · t/(t−1) · Σ j(j−1)Q_j / (Σ jQ_j)² − 1, 0)
//
// with C = 1 − Q₁/ΣjQ_j. If every infrequent species was seen in one unit only, or
// there is one unit, the result is that of [Chao2], with a warning.
//
// Lee, Chao (1994), Biometrics 50:88. SpadeR has since taken a coverage that uses
// Q₂ as well and N(N−1) in place of N², and so comes out lower.
func ICE(incidences []int, units int, confidence float64) Estimate {
	checkConfidence(confidence)
	q := countIncidences(incidences, units)
	if q.observed == 0 {
		return Undefined(units, unitSpecies, confidence, "no species seen")
	}
	t := float64(units)
	e, ok := Estimate{}, false
	if units > 1 {
		e, ok = coverageEstimate(q, confidence, func(n float64) (float64, float64) {
			return t / (t - 1) / (n * n), -2 * t / (t - 1) / (n * n * n)
		})
	}
	if !ok {
		e = Chao2(incidences, units, confidence)
		e.warn("all infrequent species were seen in one unit: ICE does not exist, this is Chao2")
	}
	e.N = units
	unboundedIf(&e, units < 2)
	return e
}

// coverageEstimate is ACE and ICE, which differ in the factor h(N) of γ² only;
// scale returns h and its derivative. It reports false if the coverage is 0.
func coverageEstimate(q frequencies, confidence float64, scale func(n float64) (h, dh float64)) (Estimate, bool) {
	var rare, n, pairs float64
	for i := 1; i <= rareLimit; i++ {
		f, x := float64(q.f[i]), float64(i)
		rare += f
		n += x * f
		pairs += x * (x - 1) * f
	}
	e := Estimate{Center: float64(q.observed), Confidence: confidence, Unit: unitSpecies}
	if rare == 0 {
		evenInterval(&e, q)
		return e, true
	}
	f1 := float64(q.f[1])
	c := 1 - f1/n
	if c <= 0 {
		return e, false
	}
	h, dh := scale(n) // n ≥ 2: with n = 1 the coverage is 0
	gamma := math.Max(rare/c*pairs*h-1, 0)
	e.Center = float64(q.observed) - rare + rare/c + f1*gamma/c

	abundant := float64(q.observed) - rare
	first, second := abundant, abundant // Σ d_i f_i and Σ d_i² f_i over all classes
	for i := 1; i <= rareLimit; i++ {
		if q.f[i] == 0 {
			continue
		}
		x, one := float64(i), 0.0
		if i == 1 {
			one = 1
		}
		dc := f1*x/(n*n) - one/n
		dgamma := 0.0
		if gamma > 0 {
			dgamma = pairs*h/c + rare*x*(x-1)*h/c - rare*pairs*h*dc/(c*c) + rare*pairs*dh*x/c
		}
		d := 1/c - rare*dc/(c*c) + gamma*(one/c-f1*dc/(c*c)) + f1*dgamma/c
		first += d * float64(q.f[i])
		second += d * d * float64(q.f[i])
	}
	unseenInterval(&e, q, second-first*first/e.Center)
	if q.f[1] > 0 && q.f[1]*2 > int(n) {
		e.warn(fmt.Sprintf("the coverage of the rare species is %.2f only: the estimate is unsteady", c))
	}
	return e, true
}

// Coverage estimates the sample coverage, the total probability of the species
// seen, by Turing's 1 − f₁/n, with Esty's normal interval
//
//	C ± z √(f₁(1 − f₁/n) + 2f₂) / n
//
// cut at 0 and 1. The result is a share, and it is the coverage, not the missing
// mass that some software reports under this name. Where the formula yields an
// interval of zero width, the exact binomial bounds for f₁ of n take its place,
// with a warning.
//
// Good (1953), Biometrika 40:237; Esty (1983), A normal limit law for a
// nonparametric estimator of the coverage of a random sample, Ann. Stat. 11:905;
// Zhang, Zhang (2009), Ann. Stat. 37:2582, for when it holds.
func Coverage(counts []int, confidence float64) Estimate {
	checkConfidence(confidence)
	q := count(counts)
	if q.observed == 0 {
		return Undefined(0, "", confidence, "nothing seen")
	}
	n, f1, f2 := float64(q.total), float64(q.f[1]), float64(q.f[2])
	e := Estimate{Center: 1 - f1/n, Confidence: confidence, N: q.total}
	variance := f1*(1-f1/n) + 2*f2
	if variance <= 0 || q.f[1] == q.total {
		lo, hi := clopperPearson(q.f[1], q.total, 1-confidence)
		e.Lo, e.Hi = 1-hi, 1-lo
		e.warn("all or none of the observations are of species seen once: the interval is the binomial one")
		return e
	}
	half := zQuantile(confidence) * math.Sqrt(variance) / n
	e.Lo, e.Hi = math.Max(0, e.Center-half), math.Min(1, e.Center+half)
	return e
}
