package game

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// tally adds up, over the trials of one unit, what would be too much to keep of
// every trial. All sums are of integers, so that their order cannot matter.
type tally struct {
	trials   int64
	growth   sums
	load     sums
	distinct shares
	tiers    []int64 // fast tiers by size, rounded
}

// add takes in a record.
func (t *tally) add(r *record) {
	t.trials++
	t.growth.add(len(r.Growth), func(i int) int64 { return int64(r.Growth[i]) })
	t.load.add(len(r.Load), func(i int) int64 { return r.Load[i] })
	t.distinct.add(r.Distinct)
	for _, x := range r.Tiers {
		size := int(math.Round(x))
		for len(t.tiers) <= size {
			t.tiers = append(t.tiers, 0)
		}
		t.tiers[size]++
	}
}

// sums are those of a series over trials, for each of its points.
type sums struct {
	n, sum, squares []int64
}

func (s *sums) add(points int, at func(int) int64) {
	for i := range points {
		if i == len(s.n) {
			s.n, s.sum, s.squares = append(s.n, 0), append(s.sum, 0), append(s.squares, 0)
		}
		x := at(i)
		s.n[i]++
		s.sum[i] += x
		s.squares[i] += x * x
	}
}

// mean is the mean at point i with Student's interval; the interval is NaN for
// fewer than two trials.
func (s *sums) mean(i int) (mean, lo, hi float64) {
	n := float64(s.n[i])
	mean = float64(s.sum[i]) / n
	if s.n[i] < 2 {
		return mean, math.NaN(), math.NaN()
	}
	variance := (float64(s.squares[i]) - n*mean*mean) / (n - 1)
	half := tQuantile(s.n[i]-1) * math.Sqrt(max(0, variance)/n)
	return mean, mean - half, mean + half
}

// shares are those of a histogram over trials. A trial has one histogram, and
// its counts depend on each other; trials do not.
type shares struct {
	counts, squares, cross []int64 // Σ c, Σ c², Σ c·n by bin
	total, totalSquares    int64   // Σ n, Σ n²
	trials                 int64
}

func (s *shares) add(counts []int64) {
	n := int64(0)
	for _, c := range counts {
		n += c
	}
	s.trials++
	s.total += n
	s.totalSquares += n * n
	for i, c := range counts {
		if i == len(s.counts) {
			s.counts, s.squares, s.cross = append(s.counts, 0), append(s.squares, 0), append(s.cross, 0)
		}
		s.counts[i] += c
		s.squares[i] += c * c
		s.cross[i] += c * n
	}
}

// share is the share of bin i with the interval of a ratio of totals over
// independent clusters (Cochran, Sampling Techniques, 3rd ed., section 6.3).
func (s *shares) share(i int) (share, lo, hi float64) {
	if s.total == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	share = float64(s.counts[i]) / float64(s.total)
	if s.trials < 2 {
		return share, math.NaN(), math.NaN()
	}
	rest := float64(s.squares[i]) - 2*share*float64(s.cross[i]) + share*share*float64(s.totalSquares)
	k := float64(s.trials)
	if rest <= 0 {
		// All trials agree: the next one may differ, with the given confidence
		// at most with this probability.
		p := 1 - math.Pow(1-confidence, 1/k)
		return share, share * (1 - p), share + (1-share)*p
	}
	half := tQuantile(s.trials-1) * math.Sqrt(max(0, rest)*k/(k-1)) / float64(s.total)
	return share, max(0, share-half), min(1, share+half)
}

func tQuantile(degrees int64) float64 {
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(degrees)}.Quantile(0.5 + confidence/2)
}
