package analysis

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

// simultaneousTrial fills the scores of attacks on the same trials: part of the
// noise is common to all, and attack a's positives are shifted by shifts[a].
func simultaneousTrial(rng interface{ NormFloat64() float64 }, negatives, positives [][]float64, shifts []float64, common float64) {
	own := math.Sqrt(1 - common*common)
	fill := func(xs [][]float64, by func(a int) float64) {
		for i := range xs[0] {
			shared := common * rng.NormFloat64()
			for a := range xs {
				xs[a][i] = shared + own*rng.NormFloat64() + by(a)
			}
		}
	}
	fill(negatives, func(int) float64 { return 0 })
	fill(positives, func(a int) float64 { return shifts[a] })
}

func table(rows, columns int) [][]float64 {
	t := make([][]float64, rows)
	for i := range t {
		t[i] = make([]float64, columns)
	}
	return t
}

func TestSimultaneousAUCCoverage(t *testing.T) {
	rng := newRand(60)
	nothing := make([]float64, 8)
	for _, test := range []struct {
		name   string
		shifts []float64
		common float64
		floor  float64
	}{
		{"one attack", []float64{1}, 0, 0.93},
		{"eight that tell nothing", nothing, 0.3, 0.93},
		{"eight, almost the same", nothing, 0.98, 0.93},
		{"five of different strength", []float64{0, 0.3, 0.6, 0.9, 1.2}, 0.5, 0.93},
		{"the wrong way", []float64{-1, 0, 0.2}, 0.5, 0.93},
		{"five strong ones", []float64{2, 2, 2.2, 2.2, 2.4}, 0.5, 0.93},
	} {
		negatives, positives := table(len(test.shifts), 50), table(len(test.shifts), 50)
		best, distance := 0.0, 0.0
		truth := make([]float64, len(test.shifts))
		for a, shift := range test.shifts {
			truth[a] = distuv.UnitNormal.CDF(shift / math.Sqrt2)
			best, distance = math.Max(best, truth[a]), math.Max(distance, math.Abs(truth[a]-0.5))
		}
		var all []SimultaneousAUC
		covers(t, "SimultaneousAUCs, all at once, "+test.name, 60, 0.95, test.floor, 1, func() Estimate {
			simultaneousTrial(rng, negatives, positives, test.shifts, test.common)
			s := SimultaneousAUCs(negatives, positives, 150, 0.95, rng)
			all = append(all, s)
			for a, each := range s.Each {
				if !each.Contains(truth[a]) {
					return Estimate{}
				}
			}
			return Estimate{Center: 1, Lo: 1, Hi: 1}
		})
		// The maxima of the same trials.
		next := 0
		trial := func() *SimultaneousAUC {
			s := &all[next%len(all)]
			next++
			return s
		}
		covers(t, "the largest AUC, "+test.name, 60, 0.95, test.floor, best, func() Estimate { return trial().Max })
		covers(t, "the largest |AUC - 0.5|, "+test.name, 60, 0.95, test.floor, distance, func() Estimate { return trial().MaxDistance })
		var center, lo, above float64
		for _, s := range all {
			center, lo = center+s.Max.Center/float64(len(all)), lo+s.Max.Lo/float64(len(all))
			if s.Max.Lo > best {
				above += 1 / float64(len(all))
			}
		}
		t.Logf("largest AUC %.3f, mean of the largest in the sample %.3f, mean lower bound %.3f, above the truth in %.3f", best, center, lo, above)
	}
}

func TestSimultaneousAUCMuseum(t *testing.T) {
	rng := newRand(61)
	few := []float64{1, 2, 3, 4, 5}
	high := []float64{6, 7, 8, 9, 10}
	for name, s := range map[string]SimultaneousAUC{
		"no attacks": SimultaneousAUCs(nil, nil, 100, 0.95, rng),
		"no trials":  SimultaneousAUCs([][]float64{{}}, [][]float64{{}}, 100, 0.95, rng),
		"NaN":        SimultaneousAUCs([][]float64{few, {1, 2, 3, 4, math.NaN()}}, [][]float64{high, high}, 100, 0.95, rng),
	} {
		if s.Max.Defined() || s.MaxDistance.Defined() || s.Best != -1 {
			t.Errorf("%s: %+v", name, s)
		}
		sound(t, name, s.Max)
		for _, e := range s.Each {
			sound(t, name, e)
		}
	}
	equal := []float64{1, 1, 1, 1, 1}
	mixed := []float64{2, 4, 6, 3, 7}
	for name, s := range map[string]SimultaneousAUC{
		"apart":            SimultaneousAUCs([][]float64{few}, [][]float64{high}, 100, 0.95, rng),
		"one trial each":   SimultaneousAUCs([][]float64{{1}}, [][]float64{{2}}, 100, 0.95, rng),
		"equal":            SimultaneousAUCs([][]float64{equal, equal}, [][]float64{equal, equal}, 100, 0.95, rng),
		"of each kind":     SimultaneousAUCs([][]float64{few, equal, few, few}, [][]float64{high, equal, mixed, few}, 100, 0.95, rng),
		"infinite":         SimultaneousAUCs([][]float64{{math.Inf(-1), 1}}, [][]float64{{1, math.Inf(1)}}, 100, 0.95, rng),
		"the same, thrice": SimultaneousAUCs([][]float64{few, few, few}, [][]float64{mixed, mixed, mixed}, 100, 0.95, rng),
	} {
		for _, e := range append([]Estimate{s.Max, s.MaxDistance}, s.Each...) {
			sound(t, name, e)
			if !e.Bounded() || e.Lo < 0 || e.Hi > 1 || e.Lo == e.Hi {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if len(s.Max.Warnings) == 0 || s.Best < 0 || s.Each[s.Best].Center != s.Max.Center {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestSimultaneousAUCProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		attacks := rapid.IntRange(1, 5).Draw(rt, "attacks")
		rng := newRand(rapid.Uint64().Draw(rt, "seed"))
		negatives, positives := table(attacks, 30), table(attacks, 25)
		simultaneousTrial(rng, negatives, positives, []float64{0, 0.4, -0.4, 1, 2}, 0.3)
		s := SimultaneousAUCs(negatives, positives, 100, 0.95, newRand(1))
		for a, e := range s.Each {
			sound(t, "simultaneous", e)
			single := AUC(negatives[a], positives[a], 0.95)
			if single.Center != e.Center {
				rt.Fatalf("AUC %g, alone %g", e.Center, single.Center)
			}
			if s.Max.Lo < e.Lo || s.Max.Hi < e.Hi {
				rt.Fatalf("maximum %+v below one of %+v", s.Max, e)
			}
		}
		// A copy of an attack changes nothing.
		twice := SimultaneousAUCs(append(negatives, negatives[0]), append(positives, positives[0]), 100, 0.95, newRand(1))
		if !near(twice.Max.Lo, s.Max.Lo, 1e-12) || !near(twice.Max.Hi, s.Max.Hi, 1e-12) || twice.Best != s.Best {
			rt.Fatalf("with a copy %+v, without %+v", twice.Max, s.Max)
		}
	})
}
