package analysis

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(140, seed)) }

func near(got, want, tolerance float64) bool {
	return got == want || math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))
}

func wantNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !near(got, want, tolerance) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// sound is what every estimate must keep to: an undefined one has a warning, a
// defined one lies in its interval.
func sound(t *testing.T, what string, e Estimate) {
	t.Helper()
	if !e.Defined() && len(e.Warnings) == 0 {
		t.Errorf("%s is undefined without a warning: %+v", what, e)
	}
	if !e.Bounded() && len(e.Warnings) == 0 {
		t.Errorf("%s has no bounds and no warning: %+v", what, e)
	}
	if e.Defined() && (e.Lo > e.Center || e.Hi < e.Center) {
		t.Errorf("%s lies outside its interval: %+v", what, e)
	}
}

// covers runs trials of an interval against the truth and asserts that its
// coverage is at least floor, less 4 standard errors of the simulation: with
// right intervals a false alarm once in 30,000 seeds, and the seeds are fixed.
// MULTIHOME_LONG makes it ten times as many trials.
func covers(t *testing.T, what string, trials int, nominal, floor, truth float64, estimate func() Estimate) {
	t.Helper()
	if os.Getenv("MULTIHOME_LONG") != "" {
		trials *= 10
	}
	hits := 0
	for range trials {
		e := estimate()
		sound(t, what, e)
		if e.Contains(truth) {
			hits++
		}
	}
	actual := float64(hits) / float64(trials)
	t.Logf("%s: nominal %.3f, actual %.3f in %d trials", what, nominal, actual, trials)
	if slack := 4 * math.Sqrt(floor*(1-floor)/float64(trials)); actual < floor-slack {
		t.Errorf("%s covers the truth in %.3f of the trials, want %.3f at least", what, actual, floor)
	}
}
