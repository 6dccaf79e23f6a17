package analysis

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// capsids are Jolly's (1965) counts of a capsid bug in an apple orchard, 13
// occasions. After the last the r and z of no occasion count.
var capsids = []Occasion{
	{54, 0, 54, 24, 0},
	{146, 10, 143, 80, 14},
	{169, 37, 164, 70, 57},
	{209, 56, 202, 71, 71},
	{220, 53, 214, 109, 89},
	{209, 77, 207, 101, 121},
	{250, 112, 243, 108, 110},
	{176, 86, 175, 99, 132},
	{172, 110, 169, 70, 121},
	{127, 84, 126, 58, 107},
	{123, 77, 120, 44, 88},
	{120, 72, 120, 35, 60},
	{142, 95, 0, 0, 0},
}

// TestJollySeberOracle compares with FSA 0.10.0's mrOpen, unrounded
// (testdata/golden.R).
func TestJollySeberOracle(t *testing.T) {
	nan := math.NaN()
	want := [][8]float64{ // M, SE, N, SE, φ, SE, B, SE
		{nan, nan, nan, nan, 0.646090534979, 0.1101172405097, nan, nan},
		{34.8888888889, 4.7970140933, 466.242424242, 133.3061618552, 1.009386564256, 0.1103789622746, 290.5412705684, 164.2705786276},
		{169.4647887324, 17.9320428531, 758.131949592, 125.5823924903, 0.864117983963, 0.1072133658038, 293.0282374751, 134.1907617137},
		{256.1805555556, 27.1176635857, 943.823099415, 137.7252806392, 0.564310089882, 0.0627472195585, 400.1737641475, 118.0556666623},
		{226.9545454545, 17.4294156497, 928.832491582, 120.2211883005, 0.834492344096, 0.0743845102151, 101.5247686889, 109.9959020180},
		{323.7450980392, 23.8252415777, 871.621417798, 93.9085670935, 0.789514936157, 0.0713775929679, 109.1542784803, 73.9708304891},
		{358.2385321101, 24.8937431194, 795.733376634, 71.9892401495, 0.650643763947, 0.0574015630343, 134.4320988004, 54.6698721729},
		{318.3200000000, 20.3742364297, 647.616551724, 59.3317901103, 0.981337302021, 0.0956972238548, -11.5645494675, 52.3573244726},
		{399.7183098592, 33.3492625013, 622.984392844, 60.1132506540, 0.685217980496, 0.0811228945161, 48.5075503846, 34.2461410080},
		{314.3220338983, 27.6340328704, 473.332003988, 48.8340480945, 0.880165110170, 0.1205074215291, 82.8487670518, 39.1152059842},
		{313.6222222222, 34.8515261133, 498.578917379, 62.9845541657, 0.767385343968, 0.1282472095311, 73.3118741700, 39.0125461098},
		{273.6666666667, 36.2330511372, 453.611872146, 66.5851845742, nan, nan, nan, nan},
		{nan, nan, nan, nan, nan, nan, nan, nan},
	}
	raw := jollySeber(capsids)
	// Of φ > 1 FSA takes a negative binomial variance, which here is 0.
	binomial := func(o *openOccasion) float64 { return math.Min(0, o.survival*(1-o.survival)/o.releasedMarked) }
	for i := range raw {
		o := &raw[i]
		got := [8]float64{
			o.marked, math.Sqrt(o.markedVar), o.size, math.Sqrt(o.sizeVar), o.survival, math.Sqrt(o.survivalVar + binomial(o)),
			o.recruits, math.Sqrt(o.recruitsVar),
		}
		for j, w := range want[i] {
			if math.IsNaN(w) != math.IsNaN(got[j]) || !math.IsNaN(w) && !near(got[j], w, 1e-10) {
				t.Errorf("occasion %d, number %d: %.12g, want %.12g", i+1, j, got[j], w)
			}
		}
	}
	for i, p := range JollySeber(capsids, 0.95) {
		for _, e := range []Estimate{p.Marked, p.Size, p.Survival, p.Recruits} {
			sound(t, "capsids", e)
		}
		if p.Size.Defined() != (i > 0 && i < 12) || p.Survival.Defined() != (i < 11) || p.Recruits.Defined() != (i > 0 && i < 11) {
			t.Errorf("occasion %d: %+v", i+1, p)
		}
	}
	s := SummarizeOpen(capsids, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 0.95)
	mean, log := 0.0, 0.0
	for i := range want {
		if i > 0 && i < 12 {
			mean += want[i][2] / 11
		}
		if i < 11 {
			log += math.Log(want[i][4]) / 11
		}
	}
	wantNear(t, "mean size", s.MeanSize.Center, mean, 1e-11)
	wantNear(t, "mean survival", s.Survival.Center, math.Exp(log), 1e-11)
	sound(t, "mean size", s.MeanSize)
	sound(t, "mean survival", s.Survival)
}

func TestOccasions(t *testing.T) {
	got := Occasions([][]int{{0, 1, 3}, {1}, {0, 3}, {1, 2, 3}, {}}, 4)
	want := []Occasion{{2, 0, 2, 2, 0}, {3, 1, 3, 2, 1}, {1, 1, 1, 1, 2}, {3, 3, 3, 0, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOpenPopulationMuseum(t *testing.T) {
	for _, test := range []struct {
		name      string
		histories [][]int
		occasions int
	}{
		{"nothing", nil, 0},
		{"one occasion", [][]int{{0}}, 1},
		{"two occasions", [][]int{{0, 1}, {1}}, 2},
		{"nobody seen", nil, 5},
		{"one individual, always", [][]int{{0, 1, 2, 3, 4}}, 5},
		{"nobody seen twice", [][]int{{0}, {1}, {2}, {3}, {1}, {2}}, 5},
		{"all always seen", [][]int{{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}}, 4},
		{"an occasion without anybody", [][]int{{0, 2, 3}, {0, 3}, {2, 3}}, 4},
		{"all new after the first", [][]int{{0}, {0}, {1, 2}, {1, 3}, {2, 3}, {1}}, 4},
		{"none later", [][]int{{0, 1}, {0, 1, 2}, {0, 2}, {1, 2}, {3}, {4}}, 5},
	} {
		occasions := Occasions(test.histories, test.occasions)
		checkOpen(t, test.name, occasions)
	}
	// R = 0: all that were seen were taken away.
	checkOpen(t, "taken away", []Occasion{{5, 0, 0, 0, 0}, {5, 0, 0, 0, 0}, {5, 0, 5, 2, 0}, {5, 2, 5, 0, 0}})
}

func checkOpen(t *testing.T, name string, occasions []Occasion) {
	t.Helper()
	for i, p := range JollySeber(occasions, 0.95) {
		for what, e := range map[string]Estimate{"marked": p.Marked, "size": p.Size, "survival": p.Survival, "recruits": p.Recruits} {
			sound(t, name+", "+what, e)
			if e.Defined() && (math.IsNaN(e.Lo) || math.IsNaN(e.Hi) || e.Lo < 0) {
				t.Errorf("%s, %s at %d: %+v", name, what, i, e)
			}
		}
		if p.Size.Defined() && p.Size.Lo < float64(occasions[i].Caught) {
			t.Errorf("%s: size below the number seen: %+v", name, p.Size)
		}
		if p.Size.Defined() && p.Size.Lo == p.Size.Hi || p.Survival.Defined() && p.Survival.Lo == p.Survival.Hi {
			t.Errorf("%s: interval of zero width: %+v", name, p)
		}
		if p.Survival.Hi > 1 {
			t.Errorf("%s: %+v", name, p.Survival)
		}
	}
	intervals := make([]float64, max(0, len(occasions)-1))
	for i := range intervals {
		intervals[i] = 0.5
	}
	s := SummarizeOpen(occasions, intervals, 0.95)
	for what, e := range map[string]Estimate{"mean size": s.MeanSize, "mean survival": s.Survival} {
		sound(t, name+", "+what, e)
		if e.Defined() && (math.IsNaN(e.Lo) || math.IsNaN(e.Hi) || e.Lo == e.Hi) {
			t.Errorf("%s, %s: %+v", name, what, e)
		}
	}
}

func TestOpenPopulationProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		occasions := rapid.IntRange(0, 7).Draw(rt, "occasions")
		rows := rapid.SliceOfN(rapid.Uint8(), 0, 30).Draw(rt, "histories")
		histories := make([][]int, len(rows))
		for i, row := range rows {
			for at := range occasions {
				if row>>at&1 == 1 {
					histories[i] = append(histories[i], at)
				}
			}
		}
		all := Occasions(histories, occasions)
		checkOpen(t, "drawn", all)
		slices.Reverse(histories)
		if !slices.Equal(all, Occasions(histories, occasions)) {
			rt.Fatal("depends on the order of individuals")
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// openTrial simulates a population of about size individuals with equal survival
// and detection; recruits replace losses on average. It returns the histories,
// the true sizes and the true recruits that live to the next occasion.
func openTrial(rng *rand.Rand, size, occasions int, survival, seen float64) (histories [][]int, sizes, recruits []int) {
	var alive []int // index into histories
	born := func(n int) {
		for range n {
			alive = append(alive, len(histories))
			histories = append(histories, nil)
		}
	}
	born(size)
	for at := range occasions {
		sizes = append(sizes, len(alive))
		for _, i := range alive {
			if rng.Float64() < seen {
				histories[i] = append(histories[i], at)
			}
		}
		alive = slices.DeleteFunc(alive, func(int) bool { return rng.Float64() >= survival })
		b := 0
		for range size {
			if rng.Float64() < 1-survival {
				b++
			}
		}
		recruits = append(recruits, b)
		born(b)
	}
	return histories, sizes, recruits
}

func TestOpenPopulationCoverage(t *testing.T) {
	rng := newRand(30)
	for _, test := range []struct {
		name                 string
		size, occasions      int
		survival, seen       float64
		floorSize, floorPhi  float64
		floorB, floorSummary float64
	}{
		{"200 individuals seen at 0.5", 200, 8, 0.8, 0.5, 0.93, 0.93, 0.93, 0.92},
		{"40 individuals seen at 0.6", 40, 10, 0.85, 0.6, 0.92, 0.93, 0.92, 0.9},
		{"60 individuals seen at 0.3", 60, 8, 0.8, 0.3, 0.91, 0.93, 0.9, 0.88},
	} {
		var sizes, recruits []int
		var occasions []Occasion
		draw := func() []Occasion {
			var histories [][]int
			histories, sizes, recruits = openTrial(rng, test.size, test.occasions, test.survival, test.seen)
			occasions = Occasions(histories, test.occasions)
			return occasions
		}
		// The truth is random: subtract it.
		less := func(e Estimate, truth float64) Estimate {
			e.Center, e.Lo, e.Hi = e.Center-truth, e.Lo-truth, e.Hi-truth
			return e
		}
		const at = 3
		covers(t, test.name+": size", 250, 0.95, test.floorSize, 0, func() Estimate {
			return less(JollySeber(draw(), 0.95)[at].Size, float64(sizes[at]))
		})
		covers(t, test.name+": survival", 250, 0.95, test.floorPhi, test.survival, func() Estimate { return JollySeber(draw(), 0.95)[at].Survival })
		covers(t, test.name+": recruits", 250, 0.95, test.floorB, 0, func() Estimate {
			return less(JollySeber(draw(), 0.95)[at].Recruits, float64(recruits[at]))
		})
		intervals := make([]float64, test.occasions-1)
		for i := range intervals {
			intervals[i] = 2
		}
		covers(t, test.name+": mean size", 250, 0.95, test.floorSummary, 0, func() Estimate {
			e := SummarizeOpen(draw(), intervals, 0.95).MeanSize
			truth := 0.0
			for _, n := range sizes[1 : test.occasions-1] {
				truth += float64(n) / float64(test.occasions-2)
			}
			return less(e, truth)
		})
		covers(t, test.name+": mean survival", 250, 0.95, test.floorSummary, math.Sqrt(test.survival), func() Estimate {
			return SummarizeOpen(draw(), intervals, 0.95).Survival
		})
	}
}
