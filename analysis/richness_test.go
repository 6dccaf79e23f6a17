package analysis

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// golden is the sample of the oracle values below: n = 57, S = 20, f₁ = 8, f₂ = 4.
var golden = []int{9, 7, 6, 5, 4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1}

func spread(counts, times []int) (out []int) {
	for i := range counts {
		for range times[i] {
			out = append(out, counts[i])
		}
	}
	return out
}

// TestChao1Oracle compares with values of EstimateS (two decimals, as quoted in
// scikit-bio's tests), scikit-bio 0.5.8 and vegan 2.6-4.
func TestChao1Oracle(t *testing.T) {
	counts := []int{0, 1, 1, 4, 2, 5, 2, 4, 1, 2}
	noSingles := []int{0, 2, 2, 4, 5, 0, 0, 0, 0, 0}
	noDoubles := []int{0, 1, 1, 4, 5, 0, 0, 0, 0, 0}
	tests := []struct {
		name                   string
		counts                 []int
		center, lo, hi, within float64
	}{
		{"EstimateS", counts, 9.75, 9.07, 17.45, 5e-3},
		{"EstimateS, none once", noSingles, 4, 4, 4.95, 5e-3},
		{"EstimateS, none twice", noDoubles, 5, 4.08, 17.27, 5e-3},
		{"scikit-bio", golden, 25.6, 21.155420029064018, 47.14164477952151, 2e-5}, // its z is 1.96,
	}
	for _, test := range tests {
		e := Chao1(test.counts, 0.95)
		wantNear(t, test.name, e.Center, test.center, 1e-12)
		wantNear(t, test.name+" lo", e.Lo, test.lo, test.within)
		wantNear(t, test.name+" hi", e.Hi, test.hi, test.within)
	}
	// Spiders of Chao, Chiu (2016), "Species richness: estimation and comparison",
	// bias-corrected Chao1 in the tests of the R package tabula.
	edge := spread(
		[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 27, 28, 30, 32, 34, 35, 36, 37, 41, 45, 46, 49, 52, 89, 110, 123, 140},
		[]int{113, 50, 39, 29, 15, 11, 13, 5, 6, 6, 3, 4, 3, 5, 2, 5, 2, 2, 2, 2, 1, 2, 1, 1, 1, 1, 1, 0, 0, 2, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0})
	interior := spread(
		[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 25, 27, 28, 30, 32, 34, 35, 36, 37, 41, 45, 46, 49, 52, 89, 110, 123, 140},
		[]int{129, 49, 42, 32, 19, 17, 7, 9, 7, 7, 6, 3, 3, 3, 4, 4, 2, 2, 3, 4, 6, 2, 1, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1})
	// tabula multiplies the unseen species by (n−1)/n, EstimateS and vegan do not.
	withFactor := func(counts []int) float64 {
		e, n := Chao1(counts, 0.95), float64(len(counts))
		return n + (e.Center-n)*float64(e.N-1)/float64(e.N)
	}
	wantNear(t, "edge", withFactor(edge), 458.016, 2e-6)
	wantNear(t, "interior", withFactor(interior), 536.044, 2e-6)
	// ACE as published (SpadeR).
	wantNear(t, "edge ACE", ACE(edge, 0.95).Center, 443.684, 2e-6)
	wantNear(t, "interior ACE", ACE(interior, 0.95).Center, 498.834, 2e-6)
}

// TestACEOracle compares with scikit-bio's documented tests and with vegan 2.6-4.
func TestACEOracle(t *testing.T) {
	for _, test := range []struct {
		counts []int
		want   float64
	}{
		{[]int{2, 0}, 1},
		{[]int{12, 0, 9}, 2},
		{[]int{12, 2, 8}, 3},
		{[]int{12, 2, 1}, 4},
		{[]int{12, 1, 2, 1}, 7},
		{[]int{12, 3, 2, 1}, 4.6},
		{[]int{12, 3, 6, 1, 10}, 5.62749672},
		{[]int{12, 12, 13, 14}, 4},
		{[]int{0, 1, 1, 0, 0, 10, 10, 1, 0, 0}, 9.35681818182},
		{golden, 28.0675908849},
	} {
		wantNear(t, "ACE", ACE(test.counts, 0.95).Center, test.want, 1e-9)
	}
}

// TestACEVariance compares the variance with finite differences of the point
// estimate. It is not vegan's: estimateR takes the coverage as 1 − f₁/(1−N) in
// its gradient and so gives 2.551 for this sample in place of 5.957.
func TestACEVariance(t *testing.T) {
	f := map[int]float64{1: 8, 2: 4, 3: 2, 4: 2, 5: 1, 6: 1, 7: 1, 9: 1}
	ace := func(changed int, by float64) float64 {
		var s, n, pairs float64
		for i := 1; i <= 10; i++ {
			x := f[i]
			if i == changed {
				x += by
			}
			s, n, pairs = s+x, n+float64(i)*x, pairs+float64(i*(i-1))*x
		}
		f1 := f[1]
		if changed == 1 {
			f1 += by
		}
		c := 1 - f1/n
		return s/c + f1/c*(s/c*pairs/(n*(n-1))-1)
	}
	var first, second float64
	for i := 1; i <= 10; i++ {
		d := (ace(i, 1e-5) - ace(i, -1e-5)) / 2e-5
		first += d * f[i]
		second += d * d * f[i]
	}
	want := math.Sqrt(second - first*first/ace(0, 0))
	e := ACE(golden, 0.95)
	k := math.Log((e.Hi-20)/(e.Center-20)) / zQuantile(0.95)
	wantNear(t, "ACE SE", (e.Center-20)*math.Sqrt(math.Expm1(k*k)), want, 1e-7)
	wantNear(t, "ACE SE", want, 5.956587, 1e-6)
}

func TestCoverageOracle(t *testing.T) {
	e := Coverage(golden, 0.95)
	wantNear(t, "Good's coverage", e.Center, 0.859649122807, 1e-12)
	// scikit-bio's esty_ci bounds the missing mass, (0.00772, 0.27298).
	wantNear(t, "lo", e.Lo, 1-0.27298, 1e-5)
	wantNear(t, "hi", e.Hi, 1-0.00772, 1e-5)
	// The last step of scikit-bio's test of esty_ci: 5 + 2 + 2 + 1.
	e = Coverage([]int{5, 2, 2, 1}, 0.95)
	wantNear(t, "lo", e.Lo, 1-0.53385652, 1e-2)
	// goods_coverage of PyCogent's tests.
	counts := spread([]int{1, 2, 3, 4}, []int{75, 6, 1, 2})
	wantNear(t, "PyCogent", Coverage(counts, 0.95).Center, 0.23469387755, 1e-10)
}

// TestIncidenceFormulas computes by hand: 5 units, Q₁ = 4, Q₂ = 2, Q₃ = 1, Q₅ = 1.
func TestIncidenceFormulas(t *testing.T) {
	q := []int{1, 1, 1, 1, 2, 2, 3, 5}
	wantNear(t, "Chao2", Chao2(q, 5, 0.95).Center, 8+0.8*4*3/(2*3), 1e-12)
	wantNear(t, "jackknife 1", Jackknife1(q, 5, 0.95).Center, 8+4*4.0/5, 1e-12)
	wantNear(t, "jackknife 2", Jackknife2(q, 5, 0.95).Center, 8+4*7.0/5-2*9.0/20, 1e-12)
	wantNear(t, "bootstrap", BootstrapRichness(q, 5, 0.95).Center,
		8+4*math.Pow(0.8, 5)+2*math.Pow(0.6, 5)+math.Pow(0.4, 5), 1e-12)
	n, c := 16.0, 1-4.0/16
	gamma := math.Max(8/c*5/4*(2*2+6*1+20*1)/(n*n)-1, 0)
	wantNear(t, "ICE", ICE(q, 5, 0.95).Center, 8/c+4/c*gamma, 1e-12)
	// Unequal enough for γ: 12 units, ΣjQ_j = 27, Σj(j−1)Q_j = 2·2+6+20+72 = 102.
	c = 1 - 6.0/27
	gamma = 11/c*12/11*102/(27*27) - 1
	wantNear(t, "ICE", ICE([]int{1, 1, 1, 1, 1, 1, 2, 2, 3, 5, 9, 0, 11, 12}, 12, 0.95).Center, 2+11/c+6/c*gamma, 1e-12)
	// With many units Chao2 becomes Chao1.
	wantNear(t, "Chao2, many units", Chao2(golden, 1e9, 0.95).Hi, Chao1(golden, 0.95).Hi, 1e-6)
}

// TestRichnessMuseum: faults that other packages had. Each input once gave NaN,
// an absurd interval, or an estimate below what had been seen.
func TestRichnessMuseum(t *testing.T) {
	for _, test := range []struct {
		name   string
		counts []int
	}{
		{"nothing", nil},
		{"only zeros (PPanGGOLiN counted f0)", []int{0, 0, 0}},
		{"one individual (iNEXT: only one species)", []int{1}},
		{"one species (iNEXT)", []int{40}},
		{"f1 = 0, f2 > 0 (immunarch: NA)", []int{2, 2, 3}},
		{"f1 = 0, f2 = 0", []int{3, 4, 5}},
		{"f1 = 1, f2 = 1 (scikit-bio: zero width)", []int{1, 2, 3}},
		{"all singletons (ACE: division by zero)", []int{1, 1, 1, 1}},
		{"two singletons (iNEXT: NaN)", []int{1, 1}},
		{"only rare singletons (scikit-bio: error)", []int{43, 1, 1, 42, 1, 43}},
		{"many doubletons (jackknife below observed, breakaway)", []int{1, 2, 2, 2, 2, 2, 2}},
		{"all abundant", []int{100, 200, 300}},
	} {
		t.Run(test.name, func(t *testing.T) { checkRichness(t, test.counts, 400) })
	}
	// breakaway 206: with f₀ in place of f₀² in the variance the interval was far
	// too wide. Twice the unseen species must not double the relative width.
	small := Chao1(spread([]int{1, 2, 3}, []int{10, 5, 10}), 0.95)
	large := Chao1(spread([]int{1, 2, 3}, []int{1000, 500, 1000}), 0.95)
	if ratio := ((large.Hi - 2500) / (large.Center - 2500)) / ((small.Hi - 25) / (small.Center - 25)); ratio > 0.5 {
		t.Errorf("a hundred times the sample narrows the interval by the factor %.2f only", ratio)
	}
	if large.Hi > 1.5*large.Center {
		t.Errorf("absurd interval %+v", large)
	}
}

func checkRichness(t *testing.T, counts []int, units int) {
	t.Helper()
	observed, total := 0, 0
	for _, c := range counts {
		if c > 0 {
			observed++
			total += c
		}
	}
	for name, e := range map[string]Estimate{
		"Chao1": Chao1(counts, 0.95), "ACE": ACE(counts, 0.95),
		"Chao2": Chao2(counts, units, 0.95), "ICE": ICE(counts, units, 0.95),
		"Jackknife1": Jackknife1(counts, units, 0.95), "Jackknife2": Jackknife2(counts, units, 0.95),
		"Bootstrap": BootstrapRichness(counts, units, 0.95),
	} {
		sound(t, name, e)
		if e.Defined() != (observed > 0) {
			t.Errorf("%s of %v: defined is %v", name, counts, e.Defined())
		}
		if e.Defined() && (e.Lo < float64(observed) || e.Center < float64(observed) || e.Bounded() == (e.N < 2)) {
			t.Errorf("%s of %v: %+v lies below the %d seen or has no bounds", name, counts, e, observed)
		}
		if e.Defined() && e.Lo == e.Hi && total < 20*observed {
			t.Errorf("%s of %v: interval of zero width %+v", name, counts, e)
		}
	}
	c := Coverage(counts, 0.95)
	sound(t, "Coverage", c)
	if c.Defined() && (c.Lo < 0 || c.Hi > 1 || c.Lo == c.Hi) {
		t.Errorf("Coverage of %v: %+v", counts, c)
	}
}

func TestRichnessProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		checkRichness(t, rapid.SliceOfN(rapid.IntRange(0, 12), 0, 40).Draw(rt, "counts"), rapid.IntRange(12, 60).Draw(rt, "units"))
		if t.Failed() {
			rt.FailNow()
		}
	})
	checkRichness(t, []int{1, 1, 0}, 1) // one unit
}

// TestRichnessCoverage: the log-normal intervals are asymptotic; floors below the
// nominal level say how far they may fall short for equally frequent species, for
// which Chao's bound is an estimate.
func TestRichnessCoverage(t *testing.T) {
	rng := newRand(4)
	const species = 60
	counts := make([]int, species)
	draw := func(n int) []int {
		clear(counts)
		for range n {
			counts[rng.IntN(species)]++
		}
		return counts
	}
	covers(t, "Chao1, 100 draws from 60", 1000, 0.95, 0.92, species, func() Estimate { return Chao1(draw(100), 0.95) })
	covers(t, "ACE, 100 draws from 60", 1000, 0.95, 0.89, species, func() Estimate { return ACE(draw(100), 0.95) })
	unit := make([]int, species)
	var unseen float64
	incidences := func() []int {
		clear(counts)
		clear(unit)
		for u := 1; u <= 12; u++ {
			for range 9 {
				if s := rng.IntN(species); unit[s] != u {
					unit[s] = u
					counts[s]++
				}
			}
		}
		return counts
	}
	covers(t, "Chao2, 12 units of 9 draws from 60", 1000, 0.95, 0.92, species, func() Estimate { return Chao2(incidences(), 12, 0.95) })
	covers(t, "ICE, 12 units of 9 draws from 60", 1000, 0.95, 0.86, species, func() Estimate { return ICE(incidences(), 12, 0.95) })
	// The coverage of a sample is itself random: subtract it.
	covers(t, "Coverage, 100 draws from 60", 1000, 0.95, 0.92, 0, func() Estimate {
		e := Coverage(draw(100), 0.95)
		unseen = 0
		for _, c := range counts {
			if c == 0 {
				unseen++
			}
		}
		truth := 1 - unseen/species
		e.Center, e.Lo, e.Hi = e.Center-truth, e.Lo-truth, e.Hi-truth
		return e
	})
}

// BenchmarkChao1ACE estimates both for 20,000 communities of 80 species with
// log-normal frequencies, some of them not seen.
func BenchmarkChao1ACE(b *testing.B) {
	rng := newRand(5)
	communities := make([][]int, 20_000)
	all := make([]int, 80*len(communities))
	for i := range communities {
		communities[i], all = all[:80], all[80:]
		for s := range communities[i] {
			communities[i][s] = int(math.Exp(0.8 + 1.3*rng.NormFloat64()))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, counts := range communities {
			Chao1(counts, 0.95)
			ACE(counts, 0.95)
		}
	}
	b.ReportMetric(float64(len(communities)*b.N)/b.Elapsed().Seconds(), "communities/s")
}

func TestRichnessAllocatesNothing(t *testing.T) {
	counts := spread([]int{1, 2, 3, 12}, []int{3, 4, 9, 2})
	if n := testing.AllocsPerRun(10, func() { Chao1(counts, 0.95); ACE(counts, 0.95) }); n != 0 {
		t.Errorf("Chao1 and ACE allocate %v times, want 0", n)
	}
}
