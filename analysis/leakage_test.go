package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// Golden values of this file: testdata/golden.py.

var (
	hairEye = [][]int{{68, 20, 15, 5}, {119, 84, 54, 29}, {26, 17, 14, 14}, {7, 94, 10, 16}}
	arms    = [][]int{{30, 15, 5}, {10, 20, 20}}
)

// TestLeakageOracle compares with scikit-learn 1.2.1 and SciPy 1.10.1.
func TestLeakageOracle(t *testing.T) {
	for _, test := range []struct {
		name       string
		counts     [][]int
		bits, g, p float64
		minEntropy float64
		correction float64 // (S + O − K − 1)/2n, all cells filled
	}{
		{"hair and eyes", hairEye, 0.178440392247, 146.443578465, 4.80558e-27, 0.0495820288506, -9.0 / (2 * 592)},
		{"arms", arms, 0.150176878883, 20.8189360365, 3.01457e-05, 0.48542682717, -2.0 / (2 * 100)},
	} {
		c := newChannel(test.counts)
		nats, _ := c.information()
		wantNear(t, test.name+", plug-in", nats/math.Ln2, test.bits, 1e-11)
		wantNear(t, test.name+", G", 2*float64(c.n)*nats, test.g, 1e-10)
		df := float64((len(c.row) - 1) * (len(c.column) - 1))
		wantNear(t, test.name+", p", 1-distuv.ChiSquared{K: df}.CDF(test.g), test.p, 1e-10)
		e := MutualInformation(test.counts, 0.95)
		wantNear(t, test.name+", corrected", e.Center, test.bits+test.correction/math.Ln2, 1e-11)
		sound(t, test.name, e)
		wantNear(t, test.name+", min-entropy", math.Log2(float64(c.rightGuesses(c.counts))/float64(c.largest)), test.minEntropy, 1e-11)
	}
	for _, test := range [][4]float64{{10, 3, 4, 0.775921995699}, {150, 9, 120, 0.828300609735}, {2, 1, 0.5, 0.743302512144}, {900, 2, 850, 0.796258564221}} {
		wantNear(t, "noncentral χ²", noncentralChiSquared(test[0], test[1], test[2]), test[3], 1e-10)
	}
}

// TestPermutationAgainstChiSquare: with many samples in each cell both tests say
// the same.
func TestPermutationAgainstChiSquare(t *testing.T) {
	counts := [][]int{{60, 55, 45}, {48, 50, 62}}
	nats, _ := newChannel(counts).information()
	want := 1 - distuv.ChiSquared{K: 2}.CDF(2*320*nats)
	if e := ZeroLeak(counts, 4000, 0.9999, newRand(40)); !e.Contains(want) && math.Abs(e.Center-want) > 0.01 {
		t.Errorf("p = %g [%g, %g], the χ² law gives %g", e.Center, e.Lo, e.Hi, want)
	}
	if e := ZeroLeak(arms, 1000, 0.95, newRand(41)); e.Center > 0.003 {
		t.Errorf("p = %g for a leak of 0.15 bits in 100 samples", e.Center)
	}
}

func TestLeakageMuseum(t *testing.T) {
	rng := newRand(42)
	for _, test := range []struct {
		name    string
		counts  [][]int
		defined bool
	}{
		{"nothing", nil, false},
		{"no values", [][]int{{}, {}}, false},
		{"only zeros", [][]int{{0, 0}, {0, 0}}, false},
		{"one sample", [][]int{{1, 0}, {0, 0}}, false},
		{"one secret", [][]int{{3, 4}, {0, 0}}, false},
		{"one value", [][]int{{10}, {10}}, true},
		{"one sample each", [][]int{{1, 0}, {0, 1}}, true},
		{"one sample each, alike", [][]int{{1, 0}, {1, 0}}, true},
		{"all told", [][]int{{50, 0}, {0, 50}}, true},
		{"nothing told", [][]int{{25, 25}, {25, 25}}, true},
		{"each value once", [][]int{{1, 1, 1, 0, 0, 0}, {0, 0, 0, 1, 1, 1}}, true},
		{"unequal arms", [][]int{{1, 0}, {500, 499}}, true},
	} {
		for what, e := range map[string]Estimate{
			"information": MutualInformation(test.counts, 0.95),
			"min-entropy": MinEntropyLeakage(test.counts, 100, 0.95, rng),
		} {
			what = test.name + ", " + what
			sound(t, what, e)
			if e.Defined() != test.defined {
				t.Errorf("%s: %+v", what, e)
			}
			if e.Defined() && (e.Lo < 0 || e.Lo == e.Hi || math.IsInf(e.Hi, 0) || e.Hi > 1+1e-12) {
				t.Errorf("%s: %+v", what, e)
			}
		}
		p := ZeroLeak(test.counts, 100, 0.95, rng)
		sound(t, test.name, p)
		if !(p.Center > 0 && p.Center <= 1) {
			t.Errorf("%s: p = %+v", test.name, p)
		}
	}
	if e := MutualInformation([][]int{{50, 0}, {0, 50}}, 0.95); e.Center < 0.99 || e.Lo < 0.5 {
		t.Errorf("all told: %+v", e)
	}
}

func TestLeakageProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(rt, "columns")
		counts := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 20), columns, columns), 2, 5).Draw(rt, "counts")
		n := 0
		swapped := make([][]int, 0, len(counts)) // rows and columns in reverse, with an empty one of each
		for s := len(counts) - 1; s >= 0; s-- {
			row := make([]int, columns+1)
			for o, k := range counts[s] {
				row[columns-1-o] = k
				n += k
			}
			swapped = append(swapped, row)
		}
		swapped = append(swapped, make([]int, columns+1))
		one, two := MutualInformation(counts, 0.95), MutualInformation(swapped, 0.95)
		m := MinEntropyLeakage(counts, 100, 0.95, newRand(1))
		sound(t, "information", one)
		sound(t, "min-entropy", m)
		if one.Defined() != two.Defined() || one.Defined() && (!near(one.Center, two.Center, 1e-12) || !near(one.Hi, two.Hi, 1e-6)) {
			rt.Fatalf("depends on the order: %+v, %+v", one, two)
		}
		if one.Defined() {
			// To merge two observables can only lose information.
			nats, _ := newChannel(counts).information()
			if columns > 1 {
				merged := make([][]int, len(counts))
				for s := range counts {
					merged[s] = append([]int{counts[s][0] + counts[s][1]}, counts[s][2:]...)
				}
				if less, _ := newChannel(merged).information(); less > nats+1e-12 {
					rt.Fatalf("%g nats after merging, %g before", less, nats)
				}
			}
			limit := math.Log2(float64(len(counts)))
			if one.Hi > limit+1e-9 || m.Lo < 0 || m.Hi > math.Log2(float64(n))+1e-9 {
				rt.Fatalf("%+v, %+v beyond what there is to tell", one, m)
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// drawChannel fills counts with n samples of each secret.
func drawChannel(rng *rand.Rand, law [][]float64, n int, counts [][]int) [][]int {
	for s, p := range law {
		clear(counts[s])
		for range n {
			u, o := rng.Float64(), 0
			for u -= p[0]; u >= 0 && o < len(p)-1; u -= p[o] {
				o++
			}
			counts[s][o]++
		}
	}
	return counts
}

func TestLeakageCoverage(t *testing.T) {
	rng := newRand(43)
	for _, test := range []struct {
		name  string
		law   [][]float64
		n     int
		floor float64
	}{
		{"no leak", [][]float64{{0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}}, 100, 0.95},
		{"a small leak", [][]float64{{0.2, 0.3, 0.5}, {0.25, 0.35, 0.4}}, 100, 0.94},
		{"a leak", [][]float64{{0.2, 0.3, 0.5}, {0.4, 0.4, 0.2}}, 100, 0.93},
		{"a large leak", [][]float64{{0.9, 0.1, 0}, {0.05, 0.15, 0.8}}, 100, 0.92},
		{"almost all told", [][]float64{{0.99, 0.01}, {0, 1}}, 100, 0.9},
		{"five secrets", [][]float64{{0.5, 0.2, 0.1, 0.2}, {0.3, 0.3, 0.2, 0.2}, {0.2, 0.3, 0.3, 0.2}, {0.2, 0.2, 0.4, 0.2}, {0.25, 0.25, 0.25, 0.25}}, 60, 0.93},
		{"sparse", [][]float64{{0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, {0.05, 0.05, 0.05, 0.05, 0.1, 0.1, 0.15, 0.15, 0.15, 0.15}}, 40, 0.9},
	} {
		counts := make([][]int, len(test.law))
		column := make([]float64, len(test.law[0]))
		for s := range counts {
			counts[s] = make([]int, len(column))
			for o, p := range test.law[s] {
				column[o] += p / float64(len(counts))
			}
		}
		truth, guess := 0.0, 0.0
		for o, q := range column {
			best := 0.0
			for s := range test.law {
				p := test.law[s][o]
				best = math.Max(best, p)
				if p > 0 {
					truth += p / float64(len(counts)) * math.Log2(p/q)
				}
			}
			guess += best
		}
		draw := func() [][]int { return drawChannel(rng, test.law, test.n, counts) }
		covers(t, test.name+": MutualInformation", 400, 0.95, test.floor, truth, func() Estimate { return MutualInformation(draw(), 0.95) })
		covers(t, test.name+": MinEntropyLeakage", 200, 0.95, 0.93, math.Log2(guess), func() Estimate { return MinEntropyLeakage(draw(), 100, 0.95, rng) })
		var mi, me float64
		for range 200 {
			mi += MutualInformation(draw(), 0.95).Center / 200
			me += MinEntropyLeakage(draw(), 100, 0.95, rng).Center / 200
		}
		t.Logf("%s: true %.4f bits, mean estimate %.4f; min-entropy %.4f, %.4f", test.name, truth, mi, math.Log2(guess), me)
	}
}

// TestZeroLeakLevel: without a leak the p-value is at most 0.1 in 10 % of the
// trials, also with so few samples that a χ² test fails.
func TestZeroLeakLevel(t *testing.T) {
	rng := newRand(44)
	law := []float64{0.02, 0.03, 0.05, 0.1, 0.3, 0.5}
	counts := [][]int{make([]int, 6), make([]int, 6)}
	covers(t, "ZeroLeak, p > 0.1 without a leak", 500, 0.9, 0.9, 1, func() Estimate {
		e := ZeroLeak(drawChannel(rng, [][]float64{law, law}, 15, counts), 100, 0.95, rng)
		if e.Center > 0.1 {
			return Estimate{Center: 1, Lo: 1, Hi: 1}
		}
		return Estimate{}
	})
}
