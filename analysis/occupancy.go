package analysis

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"
)

// ExpectedDistinct returns the expected number of distinct values among draws
// from m equally likely ones, m (1 − (1−1/m)^draws). Zero draws, or no values to
// draw from, give 0.
//
// Feller (1968), An Introduction to Probability Theory and Its Applications,
// vol. 1, 3rd ed., section IV.2.
func ExpectedDistinct(m, draws int) float64 {
	checkDraws(m, draws)
	if m == 0 || draws == 0 {
		return 0
	}
	if m == 1 {
		return 1
	}
	return -float64(m) * math.Expm1(float64(draws)*math.Log1p(-1/float64(m)))
}

// ExpectedDistinctSplit returns the expected number of distinct values when
// draws[i] draws come from the i-th of several disjoint sets of sizes[i] equally
// likely values. Slices of different length panic.
func ExpectedDistinctSplit(sizes, draws []int) float64 {
	if len(sizes) != len(draws) {
		panic("analysis: different numbers of sets and draws")
	}
	sum := 0.0
	for i := range sizes {
		sum += ExpectedDistinct(sizes[i], draws[i])
	}
	return sum
}

// ExpectedDistinctSlices returns the expected number of distinct inbound
// gateways in a LeaseSet of draws leases, shared equally by routers with
// disjoint fast tiers of the given size, each of which draws from the slice of
// its tier that a keyed hash selects: every peer of the tier is in the slice
// with probability share, a quarter for Java routers with three hops. So the
// slice size is M ~ Binomial(tier, share), and the result is
//
//	routers · E[M (1 − (1−1/M)^(draws/routers))]
//
// An empty slice gives no gateway: M = 0 counts as 0 and is not conditioned
// away. This convention gives the figures for Proposal 140 to all their decimals
// (16 leases: 10.825, 9.024, 6.536 for one router with a tier of 75, 50, 30).
// A real router falls back to other peers then; for tiers of 30 and more it
// matters in the third decimal only.
//
// If draws is no multiple of routers, the remainder goes to the first routers.
func ExpectedDistinctSlices(tier int, share float64, draws, routers int) float64 {
	checkDraws(tier, draws)
	if !(share >= 0 && share <= 1) || routers < 1 {
		panic("analysis: share outside [0, 1], or no router")
	}
	some, extra := draws/routers, draws%routers
	sum := 0.0
	b := distuv.Binomial{N: float64(tier), P: share}
	for m := 1; m <= tier; m++ {
		sum += b.Prob(float64(m)) * (float64(routers-extra)*ExpectedDistinct(m, some) + float64(extra)*ExpectedDistinct(m, some+1))
	}
	return sum
}

// DistinctDistribution returns the distribution of the number of distinct values
// among draws from m equally likely ones: element d is the probability of d. It
// adds one draw after the other,
//
//	P(d; n+1) = P(d; n) d/m + P(d−1; n) (m−d+1)/m
//
// sums of positive numbers only, so that nothing cancels, unlike in the closed
// form with alternating signs.
func DistinctDistribution(m, draws int) []float64 {
	checkDraws(m, draws)
	if m == 0 && draws > 0 {
		panic("analysis: draws from an empty set")
	}
	p := make([]float64, min(m, draws)+1)
	p[0] = 1
	for n := range draws {
		for d := min(len(p)-1, n+1); d > 0; d-- {
			p[d] = (p[d]*float64(d) + p[d-1]*float64(m-d+1)) / float64(m)
		}
		p[0] = 0
	}
	return p
}

// OccupancyLogLikelihood returns the part of log P(distinct | m, draws) that
// depends on m, the number of equally likely values:
//
//	log m!/(m−distinct)! − draws log m
//
// The rest, the Stirling number S(draws, distinct), is the same for all m. It is
// −Inf if m < distinct.
func OccupancyLogLikelihood(m, draws, distinct int) float64 {
	checkDistinct(draws, distinct)
	if m < distinct {
		return math.Inf(-1)
	}
	if draws == 0 {
		return 0
	}
	// A sum of small terms: the difference of two log Γ would lose all digits that
	// tell one large m from the next.
	sum := 0.0
	for i := 1; i < distinct; i++ {
		sum += math.Log1p(-float64(i) / float64(m))
	}
	return sum - float64(draws-distinct)*math.Log(float64(m))
}

// maxOccupancy bounds the search for m: beyond a thousand million values a set
// of routers cannot be told from an infinite one.
const maxOccupancy = 1_000_000_000

// Occupancy estimates the number m of equally likely values from how many
// distinct ones came up in a number of independent draws: the m of largest
// likelihood, and the profile-likelihood interval of all m with
// 2 (l(m̂) − l(m)) ≤ χ²(1; confidence). If no value came up twice, every large m
// fits ever better: center and upper bound are +Inf, with a warning, and the
// lower bound stays. The interval never lies below the number seen.
//
// The number seen takes few values, so the actual coverage swings around the
// nominal level; for 40 draws from 20 values it is 0.90 at 0.95.
//
// Finkelstein, Tucker, Veeh (1998), Confidence intervals for the number of unseen
// types, Stat. Probab. Lett. 37:423.
func Occupancy(draws, distinct int, confidence float64, unit string) Estimate {
	checkDistinct(draws, distinct)
	checkConfidence(confidence)
	if draws == 0 {
		return Undefined(0, unit, confidence, "no draws")
	}
	e := Estimate{Confidence: confidence, N: draws, Unit: unit}
	l := func(m int) float64 { return OccupancyLogLikelihood(m, draws, distinct) }
	drop := distuv.ChiSquared{K: 1}.Quantile(confidence) / 2
	if distinct == draws {
		// l rises towards 0 as m grows (the leading terms cancel).
		e.Center, e.Hi = math.Inf(1), math.Inf(1)
		e.Lo = float64(firstTrue(distinct, func(m int) bool { return l(m) >= -drop }))
		e.warn(fmt.Sprintf("all %d draws are distinct: there is no upper bound", draws))
		return e
	}
	// l rises up to its only maximum and falls after it.
	best := firstTrue(distinct, func(m int) bool { return l(m+1) <= l(m) })
	top := l(best)
	e.Center = float64(best)
	e.Lo = float64(distinct + sort.Search(best-distinct, func(i int) bool { return l(distinct+i) >= top-drop }))
	above := firstTrue(best, func(m int) bool { return l(m) < top-drop })
	e.Hi = float64(above - 1)
	if above >= maxOccupancy {
		e.Hi = math.Inf(1)
		e.warn("hardly any draw was repeated: there is no useful upper bound")
	}
	return e
}

// firstTrue returns the first m ≥ start with f(m), for an f that stays true once
// it is, or maxOccupancy.
func firstTrue(start int, f func(int) bool) int {
	step := 1
	for !f(start + step - 1) {
		if start+step >= maxOccupancy {
			return maxOccupancy
		}
		step *= 2
	}
	return start + sort.Search(step-1, func(i int) bool { return f(start + i) })
}

func checkDraws(m, draws int) {
	if m < 0 || draws < 0 {
		panic("analysis: negative number of values or draws")
	}
}

func checkDistinct(draws, distinct int) {
	if draws < 0 || distinct < 0 || distinct > draws || draws > 0 && distinct == 0 {
		panic("analysis: number of distinct values does not fit the number of draws")
	}
}
