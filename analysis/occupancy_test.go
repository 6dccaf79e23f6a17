package analysis

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"
)

// TestProposal140Figures: expected distinct gateways of a LeaseSet with 16
// leases from 1, 2 and 4 routers, for fast tiers of 75, 50 and 30.
func TestProposal140Figures(t *testing.T) {
	for _, test := range []struct {
		routers int
		want    [3]float64
	}{
		{1, [3]float64{10.825, 9.024, 6.536}},
		{2, [3]float64{13.219, 11.991, 9.886}},
		{4, [3]float64{14.715, 14.068, 12.780}},
	} {
		for i, tier := range []int{75, 50, 30} {
			got := ExpectedDistinctSlices(tier, 0.25, 16, test.routers)
			if math.Round(1000*got)/1000 != test.want[i] {
				t.Errorf("%d routers, tier %d: %.5f, want %.3f", test.routers, tier, got, test.want[i])
			}
		}
	}
}

func TestDistinctDistribution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 60).Draw(t, "m")
		n := rapid.IntRange(0, 80).Draw(t, "draws")
		p := DistinctDistribution(m, n)
		mean := 0.0
		for d := range p {
			mean += float64(d) * p[d]
		}
		if !near(floats.Sum(p), 1, 1e-12) || !near(mean, ExpectedDistinct(m, n), 1e-11) {
			t.Fatalf("sum %g, mean %g, want 1, %g", floats.Sum(p), mean, ExpectedDistinct(m, n))
		}
		if d := min(m, n); d > 1 {
			// The likelihood is the same distribution up to what does not depend on m.
			q := DistinctDistribution(m+1, n)
			got := OccupancyLogLikelihood(m+1, n, d) - OccupancyLogLikelihood(m, n, d)
			if want := math.Log(q[d] / p[d]); p[d] > 1e-250 && !near(got, want, 1e-8) {
				t.Fatalf("log likelihood ratio %g, want %g", got, want)
			}
		}
	})
	// Three dice show 1, 2, 3 different faces with 6, 90, 120 of 216.
	for d, want := range []float64{0, 6, 90, 120} {
		wantNear(t, "dice", DistinctDistribution(6, 3)[d], want/216, 1e-15)
	}
	wantNear(t, "split", ExpectedDistinctSplit([]int{5, 1, 0}, []int{1, 4, 3}), 2, 1e-15)
}

// TestOccupancyAgainstSearch compares with a search through all m.
func TestOccupancyAgainstSearch(t *testing.T) {
	for draws := 1; draws <= 14; draws++ {
		for distinct := 1; distinct < draws; distinct++ {
			e := Occupancy(draws, distinct, 0.9, "gateways")
			best, top := 0, math.Inf(-1)
			for m := distinct; m < 5000; m++ {
				if l := OccupancyLogLikelihood(m, draws, distinct); l > top+1e-13 {
					best, top = m, l
				}
			}
			drop := 2.705543454 / 2 // χ²(1; 0.9)
			lo, hi := best, best
			for lo > distinct && OccupancyLogLikelihood(lo-1, draws, distinct) >= top-drop {
				lo--
			}
			for OccupancyLogLikelihood(hi+1, draws, distinct) >= top-drop {
				hi++
			}
			if e.Center != float64(best) || e.Lo != float64(lo) || e.Hi != float64(hi) {
				t.Errorf("%d of %d: %+v, want %d [%d, %d]", distinct, draws, e, best, lo, hi)
			}
			sound(t, "occupancy", e)
		}
	}
}

func TestOccupancyWithoutRepeats(t *testing.T) {
	e := Occupancy(5, 5, 0.95, "")
	if !math.IsInf(e.Center, 1) || !math.IsInf(e.Hi, 1) || e.Lo < 5 || e.Lo > 20 || len(e.Warnings) != 1 {
		t.Errorf("%+v", e)
	}
	sound(t, "one draw", Occupancy(1, 1, 0.95, ""))
	sound(t, "no draw", Occupancy(0, 0, 0.95, ""))
	sound(t, "many draws", Occupancy(3000, 2999, 0.95, ""))
}

func TestOccupancyCoverage(t *testing.T) {
	rng := newRand(3)
	for _, m := range []int{3, 20, 60} {
		seen := make([]bool, m)
		covers(t, "Occupancy", 1000, 0.95, 0.9, float64(m), func() Estimate {
			clear(seen)
			d := 0
			for range 40 {
				if i := rng.IntN(m); !seen[i] {
					seen[i] = true
					d++
				}
			}
			return Occupancy(40, d, 0.95, "")
		})
	}
}
