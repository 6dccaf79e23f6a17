package analysis

import (
	"math"
	"sort"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

func TestProportionOracle(t *testing.T) {
	tests := []struct {
		name   string
		got    Estimate
		lo, hi float64
	}{
		// Closed forms at the ends: 1−(α/2)^(1/n).
		{"Clopper-Pearson 0/10", ClopperPearson(0, 10, 0.95), 0, 1 - math.Pow(0.025, 0.1)},
		{"Clopper-Pearson 10/10", ClopperPearson(10, 10, 0.95), math.Pow(0.025, 0.1), 1},
		// Newcombe (1998), Stat. Med. 17:857, table I, methods 3 and 5: 81/263, 15/148, 0/20, 1/29.
		{"Clopper-Pearson 81/263", ClopperPearson(81, 263, 0.95), 0.2527, 0.3676},
		{"Clopper-Pearson 15/148", ClopperPearson(15, 148, 0.95), 0.0578, 0.1617},
		{"Clopper-Pearson 0/20", ClopperPearson(0, 20, 0.95), 0, 0.1684},
		{"Clopper-Pearson 1/29", ClopperPearson(1, 29, 0.95), 0.0009, 0.1776},
		{"Wilson 81/263", Wilson(81, 263, 0.95), 0.2553, 0.3662},
		{"Wilson 15/148", Wilson(15, 148, 0.95), 0.0624, 0.1605},
		{"Wilson 0/20", Wilson(0, 20, 0.95), 0, 0.1611},
		{"Wilson 1/29", Wilson(1, 29, 0.95), 0.0061, 0.1718},
	}
	for _, test := range tests {
		wantNear(t, test.name+" lo", test.got.Lo, test.lo, 5e-5)
		wantNear(t, test.name+" hi", test.got.Hi, test.hi, 5e-5)
	}
	for _, e := range []Estimate{ClopperPearson(0, 0, 0.95), Wilson(0, 0, 0.95)} {
		if e.Defined() || e.Lo != 0 || e.Hi != 1 || len(e.Warnings) != 1 {
			t.Errorf("no trials: %+v", e)
		}
	}
}

// TestProportionExactCoverage sums the binomial law instead of drawing from it.
func TestProportionExactCoverage(t *testing.T) {
	for _, n := range []int{1, 5, 20, 60} {
		for _, p := range []float64{0.01, 0.1, 0.37, 0.5, 0.95} {
			b := distuv.Binomial{N: float64(n), P: p}
			exact, wilson := 0.0, 0.0
			for k := 0; k <= n; k++ {
				if ClopperPearson(k, n, 0.9).Contains(p) {
					exact += b.Prob(float64(k))
				}
				if Wilson(k, n, 0.9).Contains(p) {
					wilson += b.Prob(float64(k))
				}
			}
			if exact < 0.9-1e-12 {
				t.Errorf("Clopper-Pearson covers p=%g at n=%d with %.4f only", p, n, exact)
			}
			if wilson < 0.7 {
				t.Errorf("Wilson covers p=%g at n=%d with %.4f only", p, n, wilson)
			}
		}
	}
}

func TestMean(t *testing.T) {
	// t(4; 0.975) = 2.776445105 from tables; the values 1..5 have s² = 2.5.
	e := Mean([]float64{1, 2, 3, 4, 5}, 0.95, "h")
	half := 2.776445105 * math.Sqrt(2.5/5)
	wantNear(t, "lo", e.Lo, 3-half, 1e-8)
	wantNear(t, "hi", e.Hi, 3+half, 1e-8)
	if e.Unit != "h" || e.N != 5 {
		t.Errorf("%+v", e)
	}
	tiny := []struct {
		name    string
		e       Estimate
		defined bool
	}{
		{"none", Mean(nil, 0.95, ""), false},
		{"NaN", Mean([]float64{1, math.NaN()}, 0.95, ""), false},
		{"infinite", Mean([]float64{1, math.Inf(1)}, 0.95, ""), false},
		{"one", Mean([]float64{7}, 0.95, ""), true},
		{"equal", Mean([]float64{7, 7, 7}, 0.95, ""), true},
		{"none within", MeanWithin(nil, 0, 1, 0.95, ""), false},
		{"bootstrap none", BootstrapMean(nil, 100, 0.95, "", nil), false},
		{"bootstrap one", BootstrapMean([]float64{7}, 100, 0.95, "", nil), true},
		{"bootstrap equal", BootstrapMean([]float64{7, 7}, 100, 0.95, "", nil), true},
		{"bootstrap two", BootstrapMean([]float64{7, 8}, 100, 0.95, "", newRand(1)), true},
	}
	for _, test := range tiny {
		sound(t, test.name, test.e)
		if test.e.Defined() != test.defined || len(test.e.Warnings) == 0 {
			t.Errorf("%s: %+v", test.name, test.e)
		}
	}
}

// TestMeanWithinOfEqualValues: a service that was always up in 20 trials is not
// up with certainty (a bootstrap interval of zero width misled mkado's users).
func TestMeanWithinOfEqualValues(t *testing.T) {
	up := make([]float64, 20)
	for i := range up {
		up[i] = 1
	}
	e := MeanWithin(up, 0, 1, 0.95, "")
	wantNear(t, "lo", e.Lo, math.Pow(0.05, 1.0/20), 1e-12)
	if e.Hi != 1 || len(e.Warnings) != 1 {
		t.Errorf("%+v", e)
	}
	if e := MeanWithin([]float64{0, 0.1, 0.2}, 0, 1, 0.95, ""); e.Lo != 0 {
		t.Errorf("not cut at the range: %+v", e)
	}
}

func TestQuantileRanks(t *testing.T) {
	// Ranks and levels of 95 % intervals for the median: Conover, Practical
	// Nonparametric Statistics, table of the binomial distribution; n = 6 is the
	// smallest sample that has one.
	for _, test := range []struct {
		n, l, u int
		actual  float64
	}{{6, 1, 6, 0.96875}, {10, 2, 9, 0.978515625}, {20, 6, 15, 0.958610534668}} {
		l, u, actual := quantileRanks(test.n, 0.5, 0.95)
		if l != test.l || u != test.u || !near(actual, test.actual, 1e-9) {
			t.Errorf("n=%d: ranks %d, %d at %.6f, want %d, %d at %.6f", test.n, l, u, actual, test.l, test.u, test.actual)
		}
	}
	e := Median([]float64{1, 2, 3, 4, 5}, 0.95, "")
	if !e.Defined() || e.Bounded() || len(e.Warnings) != 1 {
		t.Errorf("five values: %+v", e)
	}
	sound(t, "median of none", Median(nil, 0.95, ""))
}

func TestQuantileProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 60).Draw(rt, "xs")
		q := rapid.Float64Range(0.05, 0.95).Draw(rt, "q")
		e := Quantile(xs, q, 0.9, "")
		if !e.Defined() || e.Lo > e.Center || e.Hi < e.Center || e.Confidence < 0.9 {
			rt.Fatalf("%+v", e)
		}
		sorted := append([]float64(nil), xs...)
		sort.Float64s(sorted)
		if again := Quantile(sorted, q, 0.9, ""); again.Lo != e.Lo || again.Center != e.Center || again.Hi != e.Hi {
			rt.Fatalf("depends on the order: %+v, %+v", e, again)
		}
	})
}

func TestMeanCoverage(t *testing.T) {
	rng := newRand(2)
	normal := make([]float64, 8)
	covers(t, "Mean of 8 normal values", 2000, 0.95, 0.95, 3, func() Estimate {
		for i := range normal {
			normal[i] = 3 + 2*rng.NormFloat64()
		}
		return Mean(normal, 0.95, "")
	})
	skewed := make([]float64, 30)
	covers(t, "BootstrapMean of 30 exponential values", 500, 0.95, 0.9, 1, func() Estimate {
		for i := range skewed {
			skewed[i] = rng.ExpFloat64()
		}
		return BootstrapMean(skewed, 400, 0.95, "", rng)
	})
	covers(t, "Quantile 0.8 of 30 exponential values", 2000, 0.95, 0.95, -math.Log(0.2), func() Estimate {
		for i := range skewed {
			skewed[i] = rng.ExpFloat64()
		}
		return Quantile(skewed, 0.8, 0.95, "")
	})
	bounded := make([]float64, 20)
	covers(t, "MeanWithin of 20 values, mostly 1", 2000, 0.95, 0.95, 0.99, func() Estimate {
		for i := range bounded {
			bounded[i] = 1
			if rng.Float64() < 0.01 {
				bounded[i] = 0
			}
		}
		return MeanWithin(bounded, 0, 1, 0.95, "")
	})
}

func TestMisusePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"confidence 95":     func() { Wilson(1, 2, 95) },
		"confidence NaN":    func() { Wilson(1, 2, math.NaN()) },
		"7 of 5":            func() { ClopperPearson(7, 5, 0.95) },
		"quantile 1":        func() { Quantile([]float64{1}, 1, 0.95, "") },
		"outside the range": func() { MeanWithin([]float64{2}, 0, 1, 0.95, "") },
		"10 resamples":      func() { BootstrapMean([]float64{1, 2}, 10, 0.95, "", newRand(1)) },
		"negative count":    func() { Chao1([]int{-1}, 0.95) },
		"3 units of 2":      func() { Chao2([]int{3}, 2, 0.95) },
		"more distinct":     func() { Occupancy(2, 3, 0.95, "") },
		"resampled curve":   func() { RichnessAtUnits([]int{1}, 2, 1, 10, 0.95, newRand(1)) },
		"coverage 0":        func() { RichnessAtCoverage([]int{1}, 2, 0, 100, 0.95, newRand(1)) },
		"unsorted history":  func() { Occasions([][]int{{2, 1}}, 3) },
		"m above n":         func() { JollySeber([]Occasion{{1, 2, 1, 0, 0}}, 0.95) },
		"intervals":         func() { SummarizeOpen(make([]Occasion, 3), []float64{1}, 0.95) },
		"ragged table":      func() { MutualInformation([][]int{{1, 2}, {1}}, 0.95) },
		"negative cell":     func() { ZeroLeak([][]int{{1, -2}}, 100, 0.95, newRand(1)) },
		"two neighbours":    func() { BayesError(nil, nil, 2, 0.95) },
		"ragged attacks":    func() { SimultaneousAUCs([][]float64{{1}, {1, 2}}, [][]float64{{1}, {1}}, 100, 0.95, newRand(1)) },
		"no law":            func() { BestTest([]float64{0.5}, []float64{1}) },
		"no routers":        func() { SliceSumBayes([]float64{1}, 0) },
		"listed twice":      func() { BootstrapRichnessOfUnits([][]int{{1, 1}}, 0.95) },
		"grid":              func() { ROCBand([]float64{1}, []float64{1}, []float64{0.5, 0.2}, 100, 0.95, newRand(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
