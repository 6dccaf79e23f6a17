package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"
)

// Golden values of this file: testdata/golden.R.

// barroColorado is how often each of 225 tree species was seen in 50 plots
// (vegan's data set BCI).
var barroColorado = spread(
	[]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50},
	[]int{21, 19, 10, 5, 6, 3, 5, 7, 6, 5, 3, 6, 4, 4, 2, 5, 4, 8, 5, 2, 3, 3, 4, 1, 2, 3, 4, 4, 3, 5, 4, 2, 2, 4, 2, 3, 2, 3, 2, 2, 1, 3, 3, 4, 4, 3, 7, 5, 7})

// sparse lists the species of 12 units.
var sparse = [][]int{
	{3, 14, 23, 30, 32, 33, 34, 36, 37, 39},
	{20, 22, 30, 34, 35, 36, 37, 39},
	{20, 25, 26, 29, 30, 33, 36, 37},
	{20, 22, 26, 30, 31, 32, 34},
	{16, 34, 37, 39},
	{13, 20, 22, 24, 29, 30, 32, 34, 36},
	{30, 31, 32, 35, 38, 39},
	{9, 11, 31, 33, 35},
	{0, 21, 26, 33, 34, 38},
	{25, 34, 36, 39},
	{0, 35, 37, 38, 39},
	{4, 13, 18, 22, 24, 26, 29, 31, 33, 36, 38},
}

func incidencesOf(units [][]int, species int) []int {
	counts := make([]int, species)
	for _, unit := range units {
		for _, s := range unit {
			counts[s]++
		}
	}
	return counts
}

func TestIncidenceOracle(t *testing.T) {
	q := incidencesOf(sparse, 40)
	for _, test := range []struct {
		name           string
		e              Estimate
		center, lo, hi float64
	}{
		// SpadeR 0.1.1
		{"BCI, Chao2", Chao2(barroColorado, 50, 0.95), 235.29, 228.540946473, 254.902767751},
		{"BCI, jackknife 1", Jackknife1(barroColorado, 50, 0.95), 245.58, 236.362175885, 262.27599399},
		{"BCI, jackknife 2", Jackknife2(barroColorado, 50, 0.95), 247.872244898, 234.427024666, 280.493605378},
		{"sparse, Chao2", Chao2(q, 12, 0.95), 33.6, 28.4550971933, 56.9361446088},
		{"sparse, jackknife 1", Jackknife1(q, 12, 0.95), 35.25, 30.3682648865, 47.2069915201},
		{"sparse, jackknife 2", Jackknife2(q, 12, 0.95), 39.7196969697, 31.9323448332, 59.8019829257},
	} {
		wantNear(t, test.name, test.e.Center, test.center, 1e-11)
		wantNear(t, test.name+" lo", test.e.Lo, test.lo, 1e-11)
		wantNear(t, test.name+" hi", test.e.Hi, test.hi, 1e-11)
	}
	// vegan 2.6-4, specpool: boot and boot.se.
	wantNear(t, "BCI, bootstrap", BootstrapRichness(barroColorado, 50, 0.95).Center, 235.68616753251, 1e-12)
	e := BootstrapRichnessOfUnits(sparse, 0.95)
	wantNear(t, "sparse, bootstrap", e.Center, 30.70607963851, 1e-12)
	k := math.Log((e.Hi-27)/(e.Center-27)) / zQuantile(0.95)
	wantNear(t, "sparse, bootstrap SE", (e.Center-27)*math.Sqrt(math.Expm1(k*k)), 2.18773687074, 1e-11)
	wantNear(t, "bootstrap of incidences", BootstrapRichness(q, 12, 0.95).Center, e.Center, 1e-12)
}

// TestICEVariance compares the variance with finite differences of the formula.
func TestICEVariance(t *testing.T) {
	q := incidencesOf(sparse, 40)
	f := map[int]float64{}
	for _, c := range q {
		if c > 0 {
			f[c]++
		}
	}
	ice := func(changed int, by float64) float64 {
		var s, n, pairs float64
		for j := 1; j <= 10; j++ {
			x := f[j]
			if j == changed {
				x += by
			}
			s, n, pairs = s+x, n+float64(j)*x, pairs+float64(j*(j-1))*x
		}
		q1 := f[1]
		if changed == 1 {
			q1 += by
		}
		c := 1 - q1/n
		return s/c + q1/c*math.Max(0, s/c*12/11*pairs/(n*n)-1)
	}
	var first, second float64
	for j := 1; j <= 10; j++ {
		d := (ice(j, 1e-5) - ice(j, -1e-5)) / 2e-5
		first += d * f[j]
		second += d * d * f[j]
	}
	e := ICE(q, 12, 0.95)
	wantNear(t, "ICE", e.Center, ice(0, 0), 1e-12)
	k := math.Log((e.Hi-27)/(e.Center-27)) / zQuantile(0.95)
	wantNear(t, "ICE SE", (e.Center-27)*math.Sqrt(math.Expm1(k*k)), math.Sqrt(second-first*first/e.Center), 1e-7)
}

// TestRarefactionOracle compares with iNEXT 3.0.2, and rarefied richness with
// vegan's specaccum as well, which agree.
func TestRarefactionOracle(t *testing.T) {
	q := incidencesOf(sparse, 40)
	rng := newRand(20)
	for _, test := range []struct {
		counts             []int
		units, at          int
		coverage, richness float64
	}{
		{barroColorado, 50, 1, 0.660389998696, 90.78},
		{barroColorado, 50, 25, 0.988663880819, 208.169590428945},
		{barroColorado, 50, 49, 0.995373430271, 224.58},
		{barroColorado, 50, 50, 0.995538200327, 225},
		{barroColorado, 50, 53, 0.995998130398, 226.172364898475},
		{barroColorado, 50, 100, 0.999272123272, 234.517795134503},
		{q, 12, 1, 0.295728368018, 6.916666666667},
		{q, 12, 6, 0.818442601575, 21.269480519481},
		{q, 12, 12, 0.899673460196, 27},
		{q, 12, 15, 0.920536061799, 28.930007967067},
		{q, 12, 24, 0.960514936851, 32.628470355968},
	} {
		s := RichnessAtUnits(test.counts, test.units, test.at, 100, 0.95, rng)
		wantNear(t, "richness", s.Center, test.richness, 1e-11)
		sound(t, "richness", s)
		c := CoverageAtUnits(test.counts, test.units, test.at, 100, 0.95, rng)
		wantNear(t, "coverage", c.Center, test.coverage, 1e-11)
		sound(t, "coverage", c)
		// Back again: the coverage of u units is reached by u units.
		wantNear(t, "richness at that coverage", RichnessAtCoverage(test.counts, test.units, c.Center, 100, 0.95, rng).Center, test.richness, 1e-8)
	}
	// iNEXT seeks the number of units by an optimiser to about 1e-5, and does not
	// look below one unit.
	for _, test := range []struct {
		counts             []int
		units              int
		coverage, richness float64
		within             float64
	}{
		{barroColorado, 50, 0.8, 119.953031207, 1e-5},
		{barroColorado, 50, 0.9, 148.656900124, 1e-5},
		{barroColorado, 50, 0.95, 170.387322878, 1e-5},
		{barroColorado, 50, 0.99, 211.120554671, 1e-5},
		{barroColorado, 50, 0.995, 223.625958946, 1e-5},
		{q, 12, 0.5, 11.8699198158, 1e-5},
		{q, 12, 0.8, 20.5430821046, 1e-5},
		{q, 12, 0.9, 27.0302083333, 1e-11},
		{q, 12, 0.95, 31.6557291667, 1e-11},
		{q, 12, 0.995, 35.8186979167, 1e-11},
		{q, 12, 1, 36.28125, 1e-11}, // vegan's specpool: Chao2 in its classic form
	} {
		e := RichnessAtCoverage(test.counts, test.units, test.coverage, 100, 0.95, rng)
		wantNear(t, "richness at coverage", e.Center, test.richness, test.within)
		sound(t, "richness at coverage", e)
	}
}

func TestRarefactionMuseum(t *testing.T) {
	rng := newRand(21)
	for _, test := range []struct {
		name    string
		counts  []int
		units   int
		defined bool
	}{
		{"nothing", nil, 5, false},
		{"only zeros", []int{0, 0}, 5, false},
		{"no units", nil, 0, false},
		{"one unit", []int{1, 1}, 1, false},
		{"two units", []int{1, 2}, 2, true},
		{"one species (iNEXT: only one species)", []int{3}, 5, true},
		{"one species, once (iNEXT: NaN)", []int{1}, 5, true},
		{"all once", []int{1, 1, 1, 1}, 4, true},
		{"all in all units", []int{4, 4, 4}, 4, true},
		{"none once", []int{2, 2, 3}, 4, true},
		{"none twice (iNEXT 57)", []int{1, 1, 3}, 4, true},
		{"one once, none twice", []int{1, 3, 3}, 4, true},
		{"two million unseen by estimate", spread([]int{1}, []int{2000}), 5, true},
	} {
		for what, e := range map[string]Estimate{
			"richness, none":     RichnessAtUnits(test.counts, test.units, 0, 100, 0.95, rng),
			"richness":           RichnessAtUnits(test.counts, test.units, 3, 100, 0.95, rng),
			"richness, more":     RichnessAtUnits(test.counts, test.units, 100, 100, 0.95, rng),
			"coverage":           CoverageAtUnits(test.counts, test.units, 3, 100, 0.95, rng),
			"at coverage 0.01":   RichnessAtCoverage(test.counts, test.units, 0.01, 100, 0.95, rng),
			"at coverage 0.9":    RichnessAtCoverage(test.counts, test.units, 0.9, 100, 0.95, rng),
			"at coverage 1":      RichnessAtCoverage(test.counts, test.units, 1, 100, 0.95, rng),
			"bootstrap of units": BootstrapRichnessOfUnits(make([][]int, test.units), 0.95),
		} {
			what = test.name + ", " + what
			sound(t, what, e)
			if math.IsNaN(e.Lo) != math.IsNaN(e.Center) || math.IsNaN(e.Hi) != math.IsNaN(e.Center) {
				t.Errorf("%s: %+v", what, e)
			}
			if e.Lo == e.Hi && e.Center > 0 {
				t.Errorf("%s: interval of zero width %+v", what, e)
			}
			if e.Defined() != test.defined && what != test.name+", bootstrap of units" {
				t.Errorf("%s: defined is %v", what, e.Defined())
			}
		}
	}
}

func TestIncidenceProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		units := rapid.IntRange(2, 20).Draw(rt, "units")
		counts := rapid.SliceOfN(rapid.IntRange(1, units), 1, 30).Draw(rt, "counts")
		a := newAccumulation(units)
		for _, c := range counts {
			a.add(c)
		}
		s, c := 0.0, -1.0
		for u := 0.0; u <= 3*float64(units); u += 0.5 {
			richness, coverage := a.richness(u), a.coverage(u)
			if richness < s-1e-9 || coverage < c-1e-9 || coverage > 1+1e-12 || math.IsNaN(richness) {
				rt.Fatalf("at %g units: richness %g after %g, coverage %g after %g", u, richness, s, coverage, c)
			}
			if u >= float64(units) && richness < float64(len(counts))-1e-9 {
				rt.Fatalf("at %g units fewer species than seen: %g", u, richness)
			}
			s, c = richness, coverage
		}
		reversed := make([]int, len(counts))
		for i, c := range counts {
			reversed[len(counts)-1-i] = c
		}
		level := rapid.Float64Range(0.01, 1).Draw(rt, "coverage")
		one, two := RichnessAtCoverage(counts, units, level, 100, 0.9, newRand(1)), RichnessAtCoverage(reversed, units, level, 100, 0.9, newRand(1))
		if one.Center != two.Center || one.Lo != two.Lo || one.Hi != two.Hi {
			rt.Fatalf("depends on the order: %+v, %+v", one, two)
		}
		if at := a.unitsFor(level); !math.IsInf(at, 1) && math.Abs(a.coverage(at)-level) > 1e-9 {
			rt.Fatalf("%g units have coverage %g, not %g", at, a.coverage(at), level)
		}
		for _, f := range []func([]int) Estimate{
			func(q []int) Estimate { return Chao2(q, units, 0.95) },
			func(q []int) Estimate { return ICE(q, units, 0.95) },
			func(q []int) Estimate { return Jackknife1(q, units, 0.95) },
			func(q []int) Estimate { return Jackknife2(q, units, 0.95) },
			func(q []int) Estimate { return BootstrapRichness(q, units, 0.95) },
		} {
			one, two := f(counts), f(reversed)
			if !near(one.Center, two.Center, 1e-12) || !near(one.Hi, two.Hi, 1e-9) || one.Lo < float64(len(counts)) {
				rt.Fatalf("depends on the order, or lies below the number seen: %+v, %+v", one, two)
			}
		}
	})
}

// TestIncidenceCoverage: the rarefied quantities have known expectations. The
// jackknives and the bootstrap do not estimate the number of species but for some
// effort in between: their intervals are measured against the expectation of the
// estimate.
func TestIncidenceCoverage(t *testing.T) {
	rng := newRand(22)
	const species, units = 60, 20
	p, total := make([]float64, species), 0.0
	for i := range p {
		p[i] = 0.02 + 0.3*math.Pow(float64(i)/species, 3)
		total += p[i]
	}
	expected := func(u float64) (richness, coverage float64) {
		for _, p := range p {
			richness += 1 - math.Pow(1-p, u)
			coverage += p * (1 - math.Pow(1-p, u)) / total
		}
		return richness, coverage
	}
	counts := make([]int, species)
	draw := func() []int {
		for i, p := range p {
			counts[i] = 0
			for range units {
				if rng.Float64() < p {
					counts[i]++
				}
			}
		}
		return counts
	}
	drawUnits := func() [][]int {
		list := make([][]int, units)
		for u := range list {
			for i, p := range p {
				if rng.Float64() < p {
					list[u] = append(list[u], i)
				}
			}
		}
		return list
	}
	for _, at := range []int{10, 30} {
		richness, coverage := expected(float64(at))
		covers(t, fmt.Sprintf("RichnessAtUnits, %d units of 20", at), 80, 0.95, 0.93, richness, func() Estimate { return RichnessAtUnits(draw(), units, at, 100, 0.95, rng) })
		covers(t, fmt.Sprintf("CoverageAtUnits, %d units of 20", at), 80, 0.95, 0.91, coverage, func() Estimate { return CoverageAtUnits(draw(), units, at, 100, 0.95, rng) })
	}
	for _, level := range []float64{0.7, 0.85} {
		at := 1.0
		for richness, coverage := expected(at); coverage < level; richness, coverage = expected(at) {
			_ = richness
			at += 0.01
		}
		richness, _ := expected(at)
		covers(t, fmt.Sprintf("RichnessAtCoverage, %g", level), 80, 0.95, 0.92, richness, func() Estimate { return RichnessAtCoverage(draw(), units, level, 100, 0.95, rng) })
	}
	for _, test := range []struct {
		name     string
		floor    float64
		estimate func() Estimate
	}{
		{"Chao2", 0.9, func() Estimate { return Chao2(draw(), units, 0.95) }},
		{"ICE", 0.9, func() Estimate { return ICE(draw(), units, 0.95) }},
		{"Jackknife1", 0.9, func() Estimate { return Jackknife1(draw(), units, 0.95) }},
		{"Jackknife2", 0.9, func() Estimate { return Jackknife2(draw(), units, 0.95) }},
		{"BootstrapRichness", 0.86, func() Estimate { return BootstrapRichness(draw(), units, 0.95) }},
		{"BootstrapRichnessOfUnits", 0.8, func() Estimate { return BootstrapRichnessOfUnits(drawUnits(), 0.95) }},
	} {
		trials := 500
		if os.Getenv("MULTIHOME_LONG") != "" {
			trials *= 10
		}
		mean := 0.0
		all := make([]Estimate, trials)
		for i := range all {
			all[i] = test.estimate()
			mean += all[i].Center / float64(trials)
		}
		t.Logf("%s estimates %.1f on average, of %d species", test.name, mean, species)
		next := 0
		again := func() Estimate { next++; return all[next%trials] }
		covers(t, test.name+", its own expectation", 500, 0.95, test.floor, mean, again)
		covers(t, test.name+", the number of species", 500, 0.95, 0, species, again)
	}
}

// TestNoResamplesNoInterval: the estimate itself needs no chance.
func TestNoResamplesNoInterval(t *testing.T) {
	incidences := []int{1, 1, 1, 2, 2, 3, 5, 8}
	rng := rand.New(rand.NewPCG(1, 2))
	with := RichnessAtCoverage(incidences, 10, 0.9, 200, 0.95, rng)
	without := RichnessAtCoverage(incidences, 10, 0.9, 0, 0.95, nil)
	if with.Center != without.Center || !math.IsNaN(without.Lo) || !math.IsNaN(without.Hi) {
		t.Errorf("with resamples %+v, without %+v", with, without)
	}
}
