package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// TestNeighboursOracle compares the errors with scikit-learn 1.2.1
// (testdata/golden.py). More than one vote is counted on two labels only: it breaks
// ties by the smallest label.
func TestNeighboursOracle(t *testing.T) {
	points, labels := make([][]float64, 60), make([]int, 60)
	for i := range points {
		x := float64(i)
		points[i] = []float64{math.Sin(2.1*x)*math.Sqrt(x) + 0.37*float64(i%3), math.Cos(1.3*x) + 0.01*x}
		labels[i] = i % 3
	}
	first, _ := neighbourErrors(points, labels, 3, 1)
	if first != 6 {
		t.Errorf("%g errors of the nearest neighbour, want %d", first, 6)
	}
	for i := range labels {
		labels[i] %= 2
	}
	for k, want := range map[int]float64{3: 5, 5: 4} {
		if _, kth := neighbourErrors(points, labels, 2, k); kth != want {
			t.Errorf("%g errors of %d neighbours, want %g", kth, k, want)
		}
	}
}

func TestBayesErrorFormula(t *testing.T) {
	// Two labels on a line, one of ten on the wrong side: its neighbours err, too.
	features := [][]float64{{0}, {1}, {2}, {3.1}, {4}, {10}, {11}, {12}, {13.1}, {14}}
	labels := []int{7, 7, 7, 7, 7, 9, 9, 9, 7, 9}
	b := BayesError(features, labels, 1, 0.95)
	wantNear(t, "nearest", b.Lower.Center, 0.5*(1-math.Sqrt(1-2*0.2)), 1e-12)
	wantNear(t, "nearest itself", b.Upper.Center, 0.2, 1e-12)
	b = BayesError(features, labels, 3, 0.95)
	wantNear(t, "three neighbours", b.Upper.Center, 0.1, 1e-12)
	wantNear(t, "no more than three neighbours err", b.Lower.Center, 0.1, 1e-12)
	if b.Lower.Lo > b.Lower.Center || b.Upper.Hi < b.Upper.Center || len(b.Upper.Warnings) == 0 {
		t.Errorf("%+v", b)
	}
	for name, b := range map[string]BayesErrorBound{
		"none":            BayesError(nil, nil, 1, 0.95),
		"one":             BayesError([][]float64{{1}}, []int{0}, 1, 0.95),
		"one label":       BayesError(features[:3], []int{1, 1, 1}, 1, 0.95),
		"too few":         BayesError(features[:3], []int{1, 0, 1}, 3, 0.95),
		"no features":     BayesError([][]float64{{}, {}, {}, {}}, []int{1, 0, 1, 0}, 1, 0.95),
		"all alike":       BayesError([][]float64{{1}, {1}, {1}, {1}}, []int{1, 0, 1, 0}, 3, 0.95),
		"apart":           BayesError([][]float64{{1}, {1}, {5}, {5}}, []int{1, 1, 0, 0}, 1, 0.95),
		"one of a label":  BayesError([][]float64{{1}, {1}, {5}, {5}}, []int{1, 1, 1, 0}, 1, 0.95),
		"huge, not above": BayesError([][]float64{{1e200}, {-1e200}, {0}, {5}}, []int{1, 1, 1, 0}, 1, 0.95),
	} {
		for _, e := range []Estimate{b.Lower, b.Upper} {
			sound(t, name, e)
			if e.Defined() && (e.Lo < 0 || e.Hi > 0.5 || len(e.Warnings) == 0 || e.Lo == e.Hi) {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if b.Lower.Center > b.Upper.Center+1e-12 {
			t.Errorf("%s: %g above %g", name, b.Lower.Center, b.Upper.Center)
		}
	}
}

func TestBayesErrorProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 25).Draw(rt, "n")
		// Small whole numbers: many distances are equal.
		features := make([][]float64, n)
		labels := make([]int, n)
		for i := range features {
			features[i] = []float64{float64(rapid.IntRange(0, 3).Draw(rt, "x")), float64(rapid.IntRange(0, 2).Draw(rt, "y"))}
			labels[i] = rapid.IntRange(0, 2).Draw(rt, "label")
		}
		k := 2*rapid.IntRange(0, 3).Draw(rt, "k") + 1
		one := BayesError(features, labels, k, 0.95)
		order := newRand(uint64(n)).Perm(n)
		f, l := make([][]float64, n), make([]int, n)
		for i, j := range order {
			f[i], l[i] = features[j], 5-2*labels[j]
		}
		two := BayesError(f, l, k, 0.95)
		if one.Upper.Defined() != two.Upper.Defined() || one.Upper.Defined() &&
			(!near(one.Upper.Center, two.Upper.Center, 1e-9) || !near(one.Lower.Center, two.Lower.Center, 1e-9)) {
			rt.Fatalf("depends on the order or the names: %+v, %+v", one, two)
		}
		sound(t, "lower", one.Lower)
		sound(t, "upper", one.Upper)
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// gaussians draws n vectors of each of two labels, whose means are shift apart.
func gaussians(rng *rand.Rand, n, dimensions int, shift float64) ([][]float64, []int) {
	var features [][]float64
	var labels []int
	for i := range 2 * n {
		x := make([]float64, dimensions)
		for d := range x {
			x[d] = rng.NormFloat64()
		}
		x[0] += shift * float64(i%2)
		features, labels = append(features, x), append(labels, i%2)
	}
	return features, labels
}

func TestBayesErrorCoverage(t *testing.T) {
	rng := newRand(50)
	for _, test := range []struct {
		name       string
		dimensions int
		shift      float64
	}{{"nothing to tell", 2, 0}, {"one apart", 2, 1}, {"three apart", 2, 3}, {"five features, two apart", 5, 2}} {
		truth := distuv.UnitNormal.CDF(-test.shift / 2)
		var lower, upper float64
		trials := 0
		covers(t, "BayesError, "+test.name, 40, 0.95, 0.95, truth, func() Estimate {
			features, labels := gaussians(rng, 50, test.dimensions, test.shift)
			b := BayesError(features, labels, 9, 0.95)
			lower, upper, trials = lower+b.Lower.Center, upper+b.Upper.Center, trials+1
			return Estimate{Center: b.Upper.Center, Lo: b.Lower.Lo, Hi: b.Upper.Hi}
		})
		t.Logf("Bayes error %.3f, mean bounds %.3f and %.3f", truth, lower/float64(trials), upper/float64(trials))
		// The law of the two rules' own errors.
		mean := 0.0
		for range 40 {
			features, labels := gaussians(rng, 50, test.dimensions, test.shift)
			_, kth := neighbourErrors(features, labels, 2, 9)
			mean += kth / 100 / 40
		}
		covers(t, "error of 9 neighbours, "+test.name, 40, 0.95, 0.9, math.Min(mean, 0.5), func() Estimate {
			features, labels := gaussians(rng, 50, test.dimensions, test.shift)
			return BayesError(features, labels, 9, 0.95).Upper
		})
	}
}
