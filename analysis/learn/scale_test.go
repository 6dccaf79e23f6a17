package learn

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestScalerSteps(t *testing.T) {
	nan := math.NaN()
	rows := [][]float64{
		{1, 5, 0.1, nan, nan, 0},
		{2, 5, 0.1 + 1e-17, nan, nan, 0},
		{3, 5, 0.1, nan, nan, 0},
		{4, 5, 0.1, 1, 10, 0},
		{5, 5, 0.1, 2, 20, 0},
		{6, 5, 0.1, 3, 50, 0},
		{1e9, nan, 0.1, 4, 40, 1},
	}
	s, err := FitScaler(rows, ScaleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []ScaledColumn{{0, false}, {3, false}, {3, true}, {4, false}, {5, false}}
	got := s.Columns()
	if len(got) != len(want) {
		t.Fatalf("columns %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("column %d is %v, want %v", i, got[i], want[i])
		}
	}
	wantNear(t, "median", s.columns[0].middle, 4, 0)
	wantNear(t, "deviation", s.columns[0].width, 1.4826*2, 1e-12)
	// The huge value is far, but not a thousand million times as far as the others.
	if z := s.Apply(rows[6])[0] - s.Apply(rows[5])[0]; z < 1 || z > 100 {
		t.Errorf("tail at %g", z)
	}
	// A missing value is the median's, with the indicator raised.
	gap, middle := s.Apply(rows[0]), s.Apply([]float64{1, 5, 0.1, 2.5, 30, 0})
	wantNear(t, "imputed", gap[1], middle[1], 1e-12)
	if gap[2] <= 0 || middle[2] >= 0 {
		t.Errorf("indicators %g, %g", gap[2], middle[2])
	}
	wantNear(t, "infinite", s.Apply([]float64{math.Inf(1), 5, 0.1, 1, 1, 0})[0], s.Apply([]float64{1e300, 5, 0.1, 1, 1, 0})[0], 0)
	for _, z := range s.Apply([]float64{1}) {
		wantNear(t, "row of another length", z, 0, 0)
	}

	w, err := FitScaler(rows, ScaleOptions{Tails: Winsorise})
	if err != nil {
		t.Fatal(err)
	}
	wantNear(t, "cut", w.Apply(rows[6])[0], w.Apply([]float64{1e3, 5, 0, 4, 40, 1})[0], 0)
}

// anyRows draws rows that hold what goes wrong: gaps, infinities, huge and tiny
// values, constant columns and equal ones.
func anyRows(t *rapid.T, n, d int) [][]float64 {
	special := rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1, -1, 1e308, -1e308, 5e-324, 1e-200, 1e16})
	value := rapid.OneOf(rapid.Float64Range(-3, 3), special, rapid.Float64())
	rows := make([][]float64, n)
	kind := make([]int, d)
	for j := range kind {
		kind[j] = rapid.IntRange(0, 4).Draw(t, "kind")
	}
	rng := newRand(rapid.Uint64().Draw(t, "seed"))
	pool := rapid.SliceOfN(value, 12, 12).Draw(t, "pool")
	for i := range rows {
		rows[i] = make([]float64, d)
		for j := range rows[i] {
			switch kind[j] {
			case 0:
				rows[i][j] = rng.NormFloat64()
			case 1:
				rows[i][j] = pool[rng.IntN(len(pool))]
			case 2:
				rows[i][j] = pool[j%len(pool)]
			case 3:
				rows[i][j] = math.Exp(40 * rng.NormFloat64())
			case 4:
				rows[i][j] = rows[i][0]
			}
		}
	}
	return rows
}

// TestNothingBreaks: whatever finite or missing numbers come, a fit gives a model
// or an error, and a model finite scores.
func TestNothingBreaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.IntRange(20, 45).Draw(t, "n"), rapid.IntRange(1, 6).Draw(t, "d")
		rows := anyRows(t, n, d)
		probe := append(anyRows(t, 5, d), rows[:5]...)
		probe = append(probe, nil, make([]float64, d+1))
		scale := ScaleOptions{
			Centering: rapid.SampledFrom([]Centering{Robust, Moments}).Draw(t, "centering"),
			Tails:     rapid.SampledFrom([]Tails{SignedLog, Winsorise, KeepTails}).Draw(t, "tails"),
		}
		labels, routers := make([]bool, n), make([]int, n)
		for i := range labels {
			labels[i] = i%2 == 1
			routers[i] = 1 + i%2
		}
		check := func(what string, x float64) {
			if !isFinite(x) {
				t.Fatalf("%s is %g", what, x)
			}
		}
		if s, err := FitScaler(rows, scale); err == nil {
			for _, row := range probe {
				for _, z := range s.Apply(row) {
					check("coordinate", z)
				}
			}
		}
		if s, err := FitStack(rows, labels, StackOptions{Scale: scale}); err == nil {
			for _, row := range probe {
				check("stack", s.Score(row))
				check("logistic", s.Logistic().Score(row))
				check("knn", s.KNN().Score(row))
			}
		}
		if p, err := FitPosterior(rows, routers, PosteriorOptions{Scale: scale}); err == nil {
			check("power", p.power)
			for _, s := range p.LogScores() {
				check("log score", s)
			}
			for _, row := range probe {
				check("score", p.Score(row))
				sum := 0.0
				for _, x := range p.Posterior(row) {
					sum += x
				}
				if math.Abs(sum-1) > 1e-9 {
					t.Fatalf("posterior sums to %g", sum)
				}
			}
		}
		if fit, err := FitMixture(rows, MixtureOptions{MaxComponents: 3}); err == nil {
			for g, m := range fit.Mixtures {
				check("BIC", fit.BIC[g])
				check("ICL", fit.ICL[g])
				for _, row := range probe {
					check("density", m.LogDensity(row))
					for _, s := range m.Shares(row) {
						check("share", s)
					}
				}
			}
		}
	})
}
