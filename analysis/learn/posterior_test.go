package learn

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"
)

// simulate draws rows that tell the number of routers like counts of distinct
// gateways do: the mean rises less and less with k, features say much the same,
// some are noise.
func simulate(rng *rand.Rand, ks []int, d int) [][]float64 {
	rows := make([][]float64, len(ks))
	for i, k := range ks {
		rows[i] = make([]float64, d)
		common := rng.NormFloat64()
		for j := range rows[i] {
			x := rng.NormFloat64()
			switch j {
			case 0:
				x = 2*math.Log(float64(k)) + 0.5*x + 0.3*common
			case 1:
				x = math.Exp(0.3*(math.Sqrt(float64(k))+x) + 0.1*common)
			case 2:
				x *= 1 + 0.3*float64(k)
			}
			rows[i][j] = x
		}
	}
	return rows
}

func drawRouters(rng *rand.Rand, n int, prior []float64) []int {
	total := 0.0
	for _, p := range prior {
		total += p
	}
	ks := make([]int, n)
	for i := range ks {
		u := rng.Float64() * total
		k := 0
		for u > prior[k] && k < len(prior)-1 {
			u -= prior[k]
			k++
		}
		ks[i] = k + 1
	}
	return ks
}

// checkCalibration compares posteriors with the truth: credible sets of 90 % hold
// it as often as they say, the probability integral transform is uniform.
func checkCalibration(t *testing.T, p *Posterior, rows [][]float64, ks []int, rng *rand.Rand) {
	t.Helper()
	n := float64(len(ks))
	var hits, claimed, sizes float64
	pit := make([]float64, len(ks))
	for i, row := range rows {
		post := p.Posterior(row)
		set, mass := CredibleSet(post, 0.9)
		claimed += mass
		sizes += float64(len(set))
		if slices.Contains(set, ks[i]) {
			hits++
		}
		pit[i] = PIT(post, ks[i], rng.Float64())
	}
	claimed /= n
	sort.Float64s(pit)
	ks2 := 0.0 // Kolmogorov's and Smirnov's distance
	for i, u := range pit {
		ks2 = math.Max(ks2, math.Max(float64(i+1)/n-u, u-float64(i)/n))
	}
	name, power := p.Model()
	t.Logf("%s to the power %.2f: coverage %.3f, claimed %.3f, mean size %.1f, distance of PIT %.4f", name, power, hits/n, claimed, sizes/n, ks2)
	if se := math.Sqrt(claimed * (1 - claimed) / n); math.Abs(hits/n-claimed) > 4*se {
		t.Errorf("credible sets hold the truth in %.3f, they say %.3f ± %.3f", hits/n, claimed, se)
	}
	if hits/n < 0.9-4*math.Sqrt(0.09/n) {
		t.Errorf("credible sets of 90 %% hold the truth in %.3f", hits/n)
	}
	// 1.95/√n is passed by chance once in a thousand.
	if ks2 > 1.95/math.Sqrt(n) {
		t.Errorf("distance of PIT from uniform is %.4f, %.4f is to be expected", ks2, 0.87/math.Sqrt(n))
	}
}

func TestPosteriorIsCalibrated(t *testing.T) {
	for _, test := range []struct {
		name     string
		training []float64 // distribution of the simulated numbers
		prior    []float64
		axes     []int
		d, n     int
	}{
		{"uniform", []float64{1, 1, 1, 1, 1, 1}, []float64{1, 1, 1, 1, 1, 1}, nil, 8, 1000},
		{"shifted prior", []float64{1, 1, 1, 1, 1, 1}, []float64{10, 2, 1, 1, 0.5, 0.5}, nil, 8, 1000},
		{"shifted training", []float64{1, 4, 1, 2}, []float64{6, 1, 1, 2}, nil, 8, 1000},
		{"softmax", []float64{1, 1, 1}, []float64{2, 1, 1}, []int{}, 30, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			rng := newRand(uint64(51 + test.d))
			ks := drawRouters(rng, test.n, test.training)
			p, err := FitPosterior(simulate(rng, ks, test.d), ks, PosteriorOptions{Prior: test.prior, Axes: test.axes})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("log scores %v", p.LogScores())
			truth := drawRouters(rng, 1500, test.prior)
			checkCalibration(t, p, simulate(rng, truth, test.d), truth, rng)
		})
	}
}

// TestPosteriorKnown compares with Bayes' theorem for two Gaussians.
func TestPosteriorKnown(t *testing.T) {
	rng := newRand(61)
	const n = 4000
	rows, ks := make([][]float64, n), make([]int, n)
	for i := range rows {
		ks[i] = 1
		if i%4 == 0 { // a quarter, where the prior says a half
			ks[i] = 3
		}
		rows[i] = []float64{rng.NormFloat64() + float64(ks[i])}
	}
	prior := []float64{1, 5, 1} // 2 was not simulated
	p, err := FitPosterior(rows, ks, PosteriorOptions{Prior: prior})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []float64{0, 1, 2, 3, 4} {
		odds := math.Exp(2*x - 4)
		post := p.Posterior([]float64{x})
		wantNear(t, "posterior", post[2], odds/(1+odds), 0.03)
		wantNear(t, "not simulated", post[1], 0, 0)
		wantNear(t, "score", p.Score([]float64{x}), 2*x-4, 0.15)
	}
	q, err := p.WithPrior([]float64{9, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	odds := math.Exp(2*2.5-4) / 9
	wantNear(t, "with another prior", q.Posterior([]float64{2.5})[2], odds/(1+odds), 0.03)
	wantNear(t, "score without prior", q.Score([]float64{2.5}), p.Score([]float64{2.5}), 1e-9)
	wantNear(t, "no row", q.Posterior(nil)[0], 0.9, 1e-12)
	if set, mass := CredibleSet([]float64{0.2, 0.5, 0, 0.3}, 0.75); !slices.Equal(set, []int{2, 4}) || mass != 0.8 {
		t.Errorf("set %v of %g", set, mass)
	}
	wantNear(t, "PIT", PIT([]float64{0.2, 0.5, 0.3}, 2, 0.5), 0.45, 1e-12)
	wantNear(t, "PIT beyond", PIT([]float64{0.2, 0.8}, 5, 0.5), 1, 1e-12)
	wantNear(t, "PIT before", PIT([]float64{0.2, 0.8}, 0, 0.5), 0, 1e-12)
}

// TestPosteriorOfNothing: rows that say nothing leave the prior.
func TestPosteriorOfNothing(t *testing.T) {
	rng := newRand(62)
	rows, _ := twoGaussians(rng, 300, 10, 0, 0)
	ks := make([]int, len(rows))
	for i := range ks {
		ks[i] = 1 + i%3
	}
	prior := []float64{0.5, 0.25, 0.25}
	p, err := FitPosterior(rows, ks, PosteriorOptions{Prior: prior})
	if err != nil {
		t.Fatal(err)
	}
	probe, _ := twoGaussians(rng, 50, 10, 0, 0)
	for _, row := range probe {
		for k, x := range p.Posterior(row)[:3] {
			wantNear(t, "posterior", x, prior[k], 0.15)
		}
	}
}

func BenchmarkFitPosterior(b *testing.B) {
	rng := newRand(1)
	prior := []float64{1, 1, 1, 1, 1, 1, 1, 1}
	ks := drawRouters(rng, 2000, prior)
	rows := simulate(rng, ks, 100)
	for b.Loop() {
		if _, err := FitPosterior(rows, ks, PosteriorOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
