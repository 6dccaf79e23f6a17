package tier

// Two routers with fast tiers of a and b peers take each slot from the common
// peers with probability q, at distinct random places of the m common ones.
// With K_a ~ Bin(a, q) and K_b ~ Bin(b, q), the number o of peers they share
// is hypergeometric (m, K_a, K_b), and their Jaccard index o/(a+b-o).

// expectedJaccard returns the expectation of the Jaccard index to second order
// in the spread of o, with o's exact mean and variance. The error is below
// 0.002 for tiers of 12 peers and more.
func expectedJaccard(a, b, m int, q float64) float64 {
	fa, fb, fm := float64(a), float64(b), float64(m)
	mean := q * q * fa * fb / fm
	// Second moments of the binomials, and E[K(m-K)].
	ka2 := fa*q*(1-q) + fa*fa*q*q
	kb2 := fb*q*(1-q) + fb*fb*q*q
	var within float64
	if m > 1 {
		within = (fm*fa*q - ka2) * (fm*fb*q - kb2) / (fm * fm * (fm - 1))
	}
	between := (ka2*kb2 - fa*fa*fb*fb*q*q*q*q) / (fm * fm)
	variance := max(0, within+between)
	s := fa + fb
	rest := s - mean
	j := mean/rest + s/(rest*rest*rest)*variance
	// The second-order term may overshoot what a full overlap gives.
	return min(j, float64(min(a, b))/float64(max(a, b)))
}

// meanJaccard returns the mean of expectedJaccard over all pairs.
func meanJaccard(sizes []int, m int, q float64) float64 {
	if len(sizes) > pairwiseMax {
		return meanOfSizes(sizes, m, q)
	}
	var sum float64
	for i, a := range sizes {
		for _, b := range sizes[:i] {
			sum += expectedJaccard(a, b, m, q)
		}
	}
	n := len(sizes)
	return sum / float64(n*(n-1)/2)
}

// pairwiseMax is the most routers for which meanJaccard goes through all pairs,
// which takes as long as their square.
const pairwiseMax = 180

// meanOfSizes is meanJaccard by pairs of sizes, of which there are few.
func meanOfSizes(sizes []int, m int, q float64) float64 {
	var count [FastMax + 1]int
	for _, a := range sizes {
		count[a]++
	}
	var sum float64
	for a, i := range count {
		if i == 0 {
			continue
		}
		sum += float64(i*(i-1)/2) * expectedJaccard(a, a, m, q)
		for b, j := range count[:a] {
			if j > 0 {
				sum += float64(i*j) * expectedJaccard(a, b, m, q)
			}
		}
	}
	n := len(sizes)
	return sum / float64(n*(n-1)/2)
}

// solveShare returns the probability q that makes the mean Jaccard index of
// tiers of the given sizes equal target, the expectation it attains, and
// whether that is the target: if even q = 1 falls short, it is not.
func solveShare(sizes []int, m int, target float64) (q, attained float64, ok bool) {
	if len(sizes) < 2 {
		return 0, 0, false
	}
	if target <= 0 {
		return 0, 0, true
	}
	if full := meanJaccard(sizes, m, 1); full <= target {
		return 1, full, target-full < 1e-9
	}
	lo, hi := 0.0, 1.0
	// The mean overlap rises as q squared: 40 halvings leave no visible error.
	for range 40 {
		mid := (lo + hi) / 2
		if meanJaccard(sizes, m, mid) < target {
			lo = mid
		} else {
			hi = mid
		}
	}
	q = (lo + hi) / 2
	return q, meanJaccard(sizes, m, q), true
}
