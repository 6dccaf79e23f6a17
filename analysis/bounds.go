package analysis

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat/distuv"
)

// A TestBound is what the best test between two known laws can do: no score that
// is a function of the same observation does better.
type TestBound struct {
	AUC       float64
	Advantage float64 // largest TPR − FPR: the laws' distance in total variation
	// Curve is the ROC of the likelihood ratio, which is the Threshold of each
	// point. Between its points lie the tests that toss a coin.
	Curve []ROCPoint
}

// BestTest compares two laws of one discrete observation, of which element i of
// null and alternative are the probabilities of its i-th value; the values beyond
// the end of the shorter law have probability 0 under it. It is exact: the tests
// that claim the alternative for the largest likelihood ratios are the best at
// every FPR. Laws with negative elements or with a sum other than 1 panic.
//
// Neyman, Pearson (1933), Phil. Trans. R. Soc. A 231:289.
func BestTest(null, alternative []float64) TestBound {
	checkLaw(null)
	checkLaw(alternative)
	length := max(len(null), len(alternative))
	null, alternative = padded(null, length), padded(alternative, length)
	ratio := func(i int) float64 { return alternative[i] / null[i] }
	var values []int
	for i := range null {
		if null[i] > 0 || alternative[i] > 0 {
			values = append(values, i)
		}
	}
	slices.SortFunc(values, func(i, j int) int {
		switch {
		case ratio(i) > ratio(j):
			return -1
		case ratio(i) < ratio(j):
			return 1
		}
		return 0
	})
	b := TestBound{Curve: []ROCPoint{{Threshold: math.Inf(1)}}}
	for _, i := range values {
		last := b.Curve[len(b.Curve)-1]
		p := ROCPoint{ratio(i), math.Min(1, last.FPR+null[i]), math.Min(1, last.TPR+alternative[i])}
		b.AUC += (p.FPR - last.FPR) * (p.TPR + last.TPR) / 2
		b.Advantage = math.Max(b.Advantage, p.TPR-p.FPR)
		if len(b.Curve) > 1 && p.Threshold == last.Threshold {
			b.Curve[len(b.Curve)-1] = p // values of one ratio are one threshold
		} else {
			b.Curve = append(b.Curve, p)
		}
	}
	b.AUC = clamp(b.AUC, 0.5, 1) // the best test is no worse than a coin; rounding is
	return b
}

// TPRAt returns the largest TPR of any test with this FPR, 0 to 1.
func (b TestBound) TPRAt(fpr float64) float64 {
	if !(fpr >= 0 && fpr <= 1) {
		panic("analysis: FPR outside [0, 1]")
	}
	i := sort.Search(len(b.Curve), func(i int) bool { return b.Curve[i].FPR > fpr })
	if i == len(b.Curve) {
		return b.Curve[i-1].TPR
	}
	from, to := b.Curve[i-1], b.Curve[i] // the curve starts at FPR 0
	return from.TPR + (to.TPR-from.TPR)*(fpr-from.FPR)/(to.FPR-from.FPR)
}

// padded is the law with zeros up to a length of at least its own.
func padded(law []float64, length int) []float64 {
	out := make([]float64, length)
	copy(out, law)
	return out
}

func checkLaw(p []float64) {
	if !(len(p) > 0 && floats.Min(p) >= 0 && math.Abs(floats.Sum(p)-1) < 1e-9) {
		panic("analysis: probabilities that are negative or do not sum to 1")
	}
}

// OccupancyLogRatio returns log P(distinct | m2, draws) − log P(distinct | m1,
// draws), the evidence in nats for a set of m2 equally likely values against one
// of m1. It grows with distinct if m2 > m1, and is ±Inf where one of them cannot
// have so many. Both impossible is NaN.
func OccupancyLogRatio(m1, m2, draws, distinct int) float64 {
	return OccupancyLogLikelihood(m2, draws, distinct) - OccupancyLogLikelihood(m1, draws, distinct)
}

// BestOccupancyTest is [BestTest] for an observer who knows how many of a number
// of draws were distinct, and asks whether they came from a set of m1 or of m2
// equally likely values. It is exact; see [DistinctDistribution].
func BestOccupancyTest(m1, m2, draws int) TestBound {
	return BestTest(DistinctDistribution(m1, draws), DistinctDistribution(m2, draws))
}

// BinomialLaw returns the binomial law: element k is the probability of k.
func BinomialLaw(n int, p float64) []float64 {
	if n < 0 || !(p >= 0 && p <= 1) {
		panic("analysis: negative number of trials, or probability outside [0, 1]")
	}
	law := make([]float64, n+1)
	b := distuv.Binomial{N: float64(n), P: p}
	for k := range law {
		law[k] = b.Prob(float64(k))
	}
	return law
}

// SumLaw returns the law of the sum of independent numbers, one of each given law,
// of which element k is the probability of k. Without laws the sum is 0. A law with
// negative elements or with a sum other than 1 panics.
func SumLaw(laws ...[]float64) []float64 {
	sum := []float64{1}
	for _, law := range laws {
		checkLaw(law)
		next := make([]float64, len(sum)+len(law)-1)
		for i, p := range sum {
			for k, q := range law {
				next[i+k] += p * q
			}
		}
		sum = next
	}
	return sum
}

// A Confusion tells what a classifier says: element [k−1][g−1] is the probability
// that it says g routers where there are k.
type Confusion [][]float64

// Within returns the probability that the classifier is at most off routers off
// when there are k; off 0 is its accuracy.
func (c Confusion) Within(k, off int) float64 {
	if k < 1 || k > len(c) || off < 0 {
		panic("analysis: number of routers outside the table")
	}
	return floats.Sum(c[k-1][max(0, k-1-off):min(len(c), k+off)])
}

// SliceSumBayes bounds what the size of the whole set of gateways tells of the
// number of routers: each of k routers draws from a slice of its own whose size
// has the given law (element s is the probability of size s), the observer knows
// the exact sum of the sizes and the law, and takes k for equally likely from 1
// to routers. The result is what the Bayes rule, which says the most probable k
// and of equal ones the smallest, gets right: no rule is right more often on
// average over k. Where slices are close to one size the sum gives the routers
// away; routers that share peers, or an observer who has not seen all gateways,
// make it harder.
func SliceSumBayes(slice []float64, routers int) Confusion {
	checkLaw(slice)
	if routers < 1 {
		panic("analysis: no router")
	}
	laws := make([][]float64, routers) // of the sum of k sizes
	sum := []float64{1}
	for k := range laws {
		sum = SumLaw(sum, slice)
		laws[k] = sum
	}
	c := make(Confusion, routers)
	for k := range c {
		c[k] = make([]float64, routers)
	}
	for total := range sum {
		best := -1
		for k, law := range laws {
			if total < len(law) && law[total] > 0 && (best < 0 || law[total] > laws[best][total]) {
				best = k
			}
		}
		for k, law := range laws {
			if total < len(law) && law[total] > 0 {
				c[k][best] += law[total]
			}
		}
	}
	return c
}
