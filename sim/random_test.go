package sim

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestExp: a time that is drawn with exp is the one that math.Exp would have given,
// but for one nanosecond where the two lie on either side of a whole one.
func TestExp(t *testing.T) {
	rng := rand.New(rand.NewPCG(140, 2))
	for i := range 1_000_000 {
		x := 10 * (2*rng.Float64() - 1)
		if i%4 == 0 {
			x *= 70
		}
		if got, want := exp(x), math.Exp(x); !(math.Abs(got/want-1) < 5e-16) {
			t.Fatalf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{0, 1, -1, 699.9, -699.9, 700, 710, -800, math.Inf(1), math.Inf(-1)} {
		if got, want := exp(x), math.Exp(x); got != want && !(math.Abs(got/want-1) < 5e-16) {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	if !math.IsNaN(exp(math.NaN())) {
		t.Error("exp(NaN) is a number")
	}
}

// TestUpToMinute: what is drawn is to the nanosecond what math.Exp gives.
func TestUpToMinute(t *testing.T) {
	rng := rand.New(rand.NewPCG(140, 3))
	for range 300_000 {
		median := Time(rng.Int64N(int64(2 * Second)))
		x := 2 * rng.NormFloat64()
		if got, want := upToMinute(median, x), Time(min(float64(median)*math.Exp(x), float64(Minute))); got != want {
			t.Fatalf("%d·e^%v is %d, want %d", median, x, got, want)
		}
	}
	for _, x := range []float64{0, 20, 700, 1e300, math.Inf(1), math.Inf(-1)} {
		if got, want := upToMinute(Second, x), Time(min(float64(Second)*math.Exp(x), float64(Minute))); got != want {
			t.Errorf("a second·e^%v is %d, want %d", x, got, want)
		}
	}
}
