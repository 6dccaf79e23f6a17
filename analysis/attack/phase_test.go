package attack

import (
	"math"
	"testing"
)

// i2pdWorld is an i2pd router as worlds have it: no slices, paths kept.
var i2pdWorld = world{routers: 1, leases: 16, tier: measuredTier, hours: 3, phases: true}

// TestPhase: one tick or two, over the gateways of one router, so that nothing but
// the phases differs. One in fifteen of the pairs has equal phases.
func TestPhase(t *testing.T) {
	two := i2pdWorld
	two.routers, two.common = 2, true
	found(t, "phase", i2pdWorld, two, 50, 41)
	notFound(t, "phase", i2pdWorld, 40, 42)
	notFound(t, "phase", two, 40, 43)
	notFound(t, "phase", javaWorld, 40, 44)
}

func TestPhaseCount(t *testing.T) {
	for _, c := range []struct {
		name    string
		offsets []int64
		want    float64
	}{
		{"one", []int64{7}, 1},
		{"one that slips", []int64{14, 0}, 1}, // neighbours on the circle
		{"two", []int64{3, 9}, 2},
		{"four", []int64{0, 4, 8, 12}, 4},
	} {
		ends := make([]int64, 96)
		for i := range ends {
			ends[i] = int64(i)*tick + c.offsets[i%len(c.offsets)]
		}
		if got := phaseCount(ends); got != c.want {
			t.Errorf("%s: %g phases, want %g", c.name, got, c.want)
		}
		k := float64(len(c.offsets))
		if c.want != k {
			continue
		}
		if got, most := sharpness(ends, tick), math.Log(0.02); (got < most) != (k == 1) {
			t.Errorf("%s: sharpness %g, one clockwork has less than %g", c.name, got, most)
		}
	}
}

// TestSlowSlip: a loop that slips by a second an hour has one phase at any time.
func TestSlowSlip(t *testing.T) {
	ends := make([]int64, 2000)
	for i := range ends {
		ends[i] = int64(i) * 3 * tick
		ends[i] += ends[i] / 3600
	}
	if got := sharpness(ends, tick); got > -4 {
		t.Errorf("sharpness %g, want below -4", got)
	}
	if got := phaseCount(ends); got != 1 {
		t.Errorf("%g phases, want 1", got)
	}
}

func TestUnevenness(t *testing.T) {
	regular, bursts := make([]int64, 400), make([]int64, 400)
	for i := range regular {
		regular[i], bursts[i] = int64(30*i), int64(30*(i-i%8))
	}
	if got := unevenness(regular, 120); got > -3 {
		t.Errorf("a clock: %g, want less than -3", got)
	}
	if got := unevenness(bursts, 120); got < 1 {
		t.Errorf("bursts of eight: %g, want more than 1", got)
	}
	if got := unevenness([]int64{0, 1 << 40}, 30); got != 0 {
		t.Errorf("two ends: %g, want 0", got)
	}
}
