package learn

import (
	"slices"
	"testing"
)

func TestMixtureGolden(t *testing.T) {
	g := readGolden(t).Mixture
	fit, err := FitMixture(g.Points, MixtureOptions{MaxComponents: len(g.Fits), MinSpread: 1e-3})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Fits {
		if i == 3 {
			// One component too many: the likelihood has many maxima, and of those found
			// by 50 random starts ours shall not be worse.
			if fit.Mixtures[i].LogLikelihood() < want.LogLik-0.5 {
				t.Errorf("4 components: log likelihood %g, want %g", fit.Mixtures[i].LogLikelihood(), want.LogLik)
			}
			continue
		}
		m := fit.Mixtures[i]
		wantNear(t, "log likelihood", m.LogLikelihood(), want.LogLik, 1e-6)
		wantNear(t, "BIC", fit.BIC[i], want.BIC, 1e-6)
		for c := range m.Components() {
			_, mean, _ := m.Component(c)
			for j := range mean {
				wantNear(t, "mean", mean[j], want.Means[c][j], 1e-3)
			}
		}
		sum := 0.0
		for _, p := range g.Points {
			sum += m.LogDensity(p)
		}
		wantNear(t, "sum of log densities", sum, m.LogLikelihood(), 1e-9)
	}
	if n := fit.ByBIC().Components(); n != 3 {
		t.Errorf("BIC takes %d components", n)
	}
	if n := fit.ByICL().Components(); n != 3 {
		t.Errorf("ICL takes %d components", n)
	}
}

func TestMixtureNumber(t *testing.T) {
	rng := newRand(71)
	for _, test := range []struct {
		name     string
		centres  []float64
		bic, icl int
	}{
		{"one", []float64{0}, 1, 1},
		{"two apart", []float64{0, 8}, 2, 2},
		{"four apart", []float64{0, 8, 16, 30}, 4, 4},
		// Two that overlap are two for the density, and one group.
		{"two close", []float64{0, 2.7}, 2, 1},
	} {
		points := make([][]float64, 400)
		for i := range points {
			points[i] = []float64{1e6 + 1e-3*(rng.NormFloat64()+test.centres[i%len(test.centres)])}
		}
		fit, err := FitMixture(points, MixtureOptions{MaxComponents: 6})
		if err != nil {
			t.Fatal(err)
		}
		if b, i := fit.ByBIC().Components(), fit.ByICL().Components(); b != test.bic || i != test.icl {
			t.Errorf("%s: BIC takes %d, ICL %d, want %d, %d", test.name, b, i, test.bic, test.icl)
		}
		if s := fit.ByICL().Shares([]float64{1e6 - 5e-3}); slices.Max(s) != s[0] {
			t.Errorf("%s: shares %v left of all", test.name, s)
		}
	}
	// Few distinct values, each many times.
	points := make([][]float64, 90)
	for i := range points {
		points[i] = []float64{float64(i % 3)}
	}
	fit, err := FitMixture(points, MixtureOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := fit.ByICL().Components(); n != 3 {
		t.Errorf("3 values: ICL takes %d", n)
	}
}

func BenchmarkFitMixture(b *testing.B) {
	rng := newRand(1)
	points := make([][]float64, 1000)
	for i := range points {
		points[i] = []float64{rng.NormFloat64() + float64(8*(i%4))}
	}
	for b.Loop() {
		if _, err := FitMixture(points, MixtureOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
