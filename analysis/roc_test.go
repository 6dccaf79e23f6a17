package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// deLongByDefinition is the O(mn) form of DeLong et al. (1988), equations 2-4.
func deLongByDefinition(neg, pos []float64) (auc, variance float64) {
	psi := func(x, y float64) float64 {
		switch {
		case y < x:
			return 1
		case y == x:
			return 0.5
		}
		return 0
	}
	m, n := float64(len(pos)), float64(len(neg))
	v10, v01 := make([]float64, len(pos)), make([]float64, len(neg))
	for i, x := range pos {
		for j, y := range neg {
			p := psi(x, y)
			auc += p / (m * n)
			v10[i] += p / n
			v01[j] += p / m
		}
	}
	for _, v := range v10 {
		variance += (v - auc) * (v - auc) / (m - 1) / m
	}
	for _, v := range v01 {
		variance += (v - auc) * (v - auc) / (n - 1) / n
	}
	return auc, variance
}

func TestDeLongAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 9).Draw(t, "v")) })
		neg := rapid.SliceOfN(value, 2, 30).Draw(t, "neg")
		pos := rapid.SliceOfN(value, 2, 30).Draw(t, "pos")
		s, _ := newScores(neg, pos)
		auc, variance := s.deLong()
		wantAUC, wantVar := deLongByDefinition(neg, pos)
		if !near(auc, wantAUC, 1e-12) || math.Abs(variance-wantVar) > 1e-12 {
			t.Fatalf("AUC %g, variance %g, want %g, %g", auc, variance, wantAUC, wantVar)
		}
		// The trapezoids under the curve are the same area.
		area := 0.0
		curve := ROC(neg, pos)
		for i := 1; i < len(curve); i++ {
			area += (curve[i].FPR - curve[i-1].FPR) * (curve[i].TPR + curve[i-1].TPR) / 2
		}
		if !near(area, auc, 1e-12) || curve[0] != (ROCPoint{math.Inf(1), 0, 0}) || curve[len(curve)-1].TPR != 1 {
			t.Fatalf("area under the curve %g, want %g", area, auc)
		}
		if swapped := AUC(pos, neg, 0.95).Center; !near(swapped, 1-auc, 1e-12) {
			t.Fatalf("classes swapped: %g, want %g", swapped, 1-auc)
		}
	})
}

// TestDeLongOracle compares with pROC 1.18.0 (testdata/golden.R).
func TestDeLongOracle(t *testing.T) {
	s, _ := newScores([]float64{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, []float64{9, 7, 9, 3, 2, 3, 8, 4, 6, 10, 11})
	auc, variance := s.deLong()
	wantNear(t, "AUC", auc, 0.7045454545455, 1e-12)
	wantNear(t, "variance", variance, 0.0128101782286, 1e-12)
}

func TestDegenerateScores(t *testing.T) {
	rng := newRand(6)
	apart := [2][]float64{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}
	equal := [2][]float64{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}
	for _, test := range []struct {
		name     string
		neg, pos []float64
		center   float64
		lo, hi   float64
	}{
		{"apart", apart[0], apart[1], 1, math.Pow(0.05, 0.2), 1},
		{"reversed", apart[1], apart[0], 0, 0, 1 - math.Pow(0.05, 0.2)},
		{"equal", equal[0], equal[1], 0.5, 0.5 - (1-math.Pow(0.05, 0.2))/2, 0.5 + (1-math.Pow(0.05, 0.2))/2},
		{"one each", []float64{1}, []float64{2}, 1, 0.05, 1},
	} {
		for name, e := range map[string]Estimate{
			"AUC": AUC(test.neg, test.pos, 0.95), "AUCBootstrap": AUCBootstrap(test.neg, test.pos, 100, 0.95, rng),
		} {
			if e.Center != test.center || !near(e.Lo, test.lo, 1e-12) || !near(e.Hi, test.hi, 1e-12) || len(e.Warnings) == 0 {
				t.Errorf("%s, %s: %+v, want [%g, %g] and a warning", test.name, name, e, test.lo, test.hi)
			}
		}
		a := Advantage(test.neg, test.pos, 100, 0.95, rng)
		sound(t, "advantage", a)
		if a.Lo == a.Hi || len(a.Warnings) == 0 {
			t.Errorf("%s: advantage %+v", test.name, a)
		}
		sound(t, "TPR", TPRAt(0.01, test.neg, test.pos, 0.95))
		for _, e := range ROCBand(test.neg, test.pos, []float64{0, 0.5, 1}, 100, 0.95, rng) {
			sound(t, "band", e)
		}
	}
	nan := []float64{1, math.NaN()}
	for _, e := range append(ROCBand(nil, nil, []float64{0.5}, 100, 0.95, rng), AUC(nil, apart[0], 0.95), AUC(apart[0], nan, 0.95),
		AUCBootstrap(nil, nil, 100, 0.95, rng), Advantage(nan, nan, 100, 0.95, rng), TPRAt(0.1, nil, nan, 0.95)) {
		if e.Defined() {
			t.Errorf("defined without scores: %+v", e)
		}
		sound(t, "no scores", e)
	}
	if ROC(nil, nil) != nil {
		t.Error("a curve without scores")
	}
	// Infinite scores are ranks like others.
	if e := AUC([]float64{math.Inf(-1), 0}, []float64{0, math.Inf(1)}, 0.95); e.Center != 0.875 {
		t.Errorf("infinite scores: %+v", e)
	}
}

func TestCurveInterpolates(t *testing.T) {
	neg, pos := []float64{1, 1, 2, 4}, []float64{1, 2, 3, 5}
	s, _ := newScores(neg, pos)
	grid := []float64{0, 0.125, 0.25, 0.375, 0.5, 0.75, 1}
	tpr := make([]float64, len(grid))
	s.curve(grid, tpr)
	want := []float64{0.25, 0.25, 0.5, 0.625, 0.75, 0.875, 1}
	for i := range grid {
		wantNear(t, "TPR", tpr[i], want[i], 1e-12)
	}
}

func TestTPRAt(t *testing.T) {
	neg, pos := make([]float64, 1000), make([]float64, 100)
	for i := range neg {
		neg[i] = float64(i)
	}
	for i := range pos {
		pos[i] = float64(940 + i) // 51 of them above 988
	}
	e := TPRAt(0.01, neg, pos, 0.95)
	wantNear(t, "TPR", e.Center, 0.5, 1e-12)
	sound(t, "TPR", e)
	if e.Lo < 0.3 || e.Hi > 0.7 || len(e.Warnings) != 0 {
		t.Errorf("%+v", e)
	}
	e = TPRAt(0.001, neg[:200], pos, 0.95)
	if e.Lo != 0 || e.Center != 1 || len(e.Warnings) != 2 {
		t.Errorf("200 negatives, FPR 0.001: %+v", e)
	}
	tied := TPRAt(0.1, []float64{1, 1, 1, 1, 1, 0, 0, 0, 0, 0}, []float64{1, 1, 2}, 0.95)
	wantNear(t, "ties", tied.Center, 1.0/3, 1e-12)
}

func normals(rng *rand.Rand, xs []float64, mean float64) []float64 {
	for i := range xs {
		xs[i] = mean + rng.NormFloat64()
	}
	return xs
}

// TestAttackMetricCoverage: binormal scores, for which all truths are known.
func TestAttackMetricCoverage(t *testing.T) {
	rng := newRand(7)
	for _, shift := range []float64{0, 1, 2.5} {
		neg, pos := make([]float64, 60), make([]float64, 50)
		n := distuv.UnitNormal
		draw := func() ([]float64, []float64) { return normals(rng, neg, 0), normals(rng, pos, shift) }
		covers(t, "AUC (DeLong)", 1000, 0.95, 0.93, n.CDF(shift/math.Sqrt2), func() Estimate {
			a, b := draw()
			return AUC(a, b, 0.95)
		})
		covers(t, "AUCBootstrap", 250, 0.95, 0.9, n.CDF(shift/math.Sqrt2), func() Estimate {
			a, b := draw()
			return AUCBootstrap(a, b, 200, 0.95, rng)
		})
		covers(t, "Advantage", 250, 0.95, 0.92, 2*n.CDF(shift/2)-1, func() Estimate {
			a, b := draw()
			return Advantage(a, b, 200, 0.95, rng)
		})
		covers(t, "ROCBand at 0.2", 250, 0.95, 0.88, n.CDF(shift-n.Quantile(0.8)), func() Estimate {
			a, b := draw()
			return ROCBand(a, b, []float64{0.2}, 200, 0.95, rng)[0]
		})
		covers(t, "TPRAt 0.1", 1000, 0.95, 0.95, n.CDF(shift-n.Quantile(0.9)), func() Estimate {
			a, b := draw()
			return TPRAt(0.1, a, b, 0.95)
		})
	}
	// Almost no overlap: DeLong's variance often vanishes.
	neg, pos := make([]float64, 20), make([]float64, 20)
	covers(t, "AUC (DeLong), classes apart", 1000, 0.95, 0.93, distuv.UnitNormal.CDF(4/math.Sqrt2), func() Estimate {
		return AUC(normals(rng, neg, 0), normals(rng, pos, 4), 0.95)
	})
}

func TestBootstrapsAreReproducible(t *testing.T) {
	neg, pos := normals(newRand(1), make([]float64, 30), 0), normals(newRand(2), make([]float64, 30), 1)
	one, two := AUCBootstrap(neg, pos, 200, 0.9, newRand(3)), AUCBootstrap(neg, pos, 200, 0.9, newRand(3))
	if one.Lo != two.Lo || one.Hi != two.Hi {
		t.Errorf("same seed, other interval: %+v, %+v", one, two)
	}
}
