package attack

import (
	"math"
	"os"
	"testing"
)

// clocksWorld is two routers, the second of which is ahead.
func clocksWorld(hours int, ahead float64) world {
	w := javaWorld
	w.routers, w.hours, w.skews = 2, hours, []float64{0, ahead}
	return w
}

// The smallest skews that the documentation of skew names.
const (
	smallestSkew6h  = 0.2
	smallestSkew24h = 0.15
)

func TestSkew(t *testing.T) {
	found(t, "skew", clocksWorld(6, 0), clocksWorld(6, 1), 20, 51)
	notFound(t, "skew", clocksWorld(3, 0), 40, 52)
	notFound(t, "skew", clocksWorld(3, 2), 40, 53)
}

// TestSmallestSkew holds the documentation to its word. In full, with the skews
// around it: MULTIHOME_LONG=1.
func TestSmallestSkew(t *testing.T) {
	if os.Getenv("MULTIHOME_LONG") == "" {
		found(t, "skew", clocksWorld(6, 0), clocksWorld(6, smallestSkew6h), 50, 54)
		found(t, "skew", clocksWorld(24, 0), clocksWorld(24, smallestSkew24h), 50, 55)
		return
	}
	for _, c := range []struct {
		hours    int
		smallest float64
	}{{6, smallestSkew6h}, {24, smallestSkew24h}} {
		for _, ahead := range []float64{0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 1, 2, 5} {
			e := toldApart(t, "skew", clocksWorld(c.hours, 0), clocksWorld(c.hours, ahead), 50, 56, 0.95)
			t.Logf("%d h, %g s", c.hours, ahead)
			if ahead >= c.smallest && e.Lo <= 0.8 || ahead <= c.smallest/2 && e.Lo > 0.8 {
				t.Errorf("%d h, %g s: %+v; the smallest skew found is said to be %g s", c.hours, ahead, e, c.smallest)
			}
		}
	}
}

// TestClocks: means of groups around two centers, and around one.
func TestClocks(t *testing.T) {
	rng := newRand(57)
	for _, ahead := range []float64{0, 1} {
		var g grouped
		g.reset(24)
		for i := range 2400 {
			g.add(int32(i%24), rng.NormFloat64()+ahead*float64(i%2))
		}
		number, gain, distance := g.clocks()
		apart := g.apart()
		t.Logf("%g s: %g clocks, gain %.2f, distance %.2f, apart %.2f", ahead, number, gain, distance, apart)
		if ahead == 0 && (number != 1 || apart > 3) {
			t.Errorf("one clock: %g clocks, apart by %g", number, apart)
		}
		if ahead > 0 && (number != 2 || math.Abs(distance-ahead) > 0.15 || apart < 3) {
			t.Errorf("two clocks: %g clocks, %g s apart, F %g", number, distance, apart)
		}
	}
}

// TestApartIsStandard: with one law for all groups apart has mean 0 and standard
// deviation 1, whatever the sizes of groups.
func TestApartIsStandard(t *testing.T) {
	rng := newRand(58)
	for _, groups := range []int{6, 60} {
		var mean, square moment
		for range 2000 {
			var g grouped
			g.reset(groups)
			for i := range 10 * groups {
				g.add(int32(i%groups*(i%3)/2), rng.ExpFloat64())
			}
			z := g.apart()
			mean.add(1, z)
			square.add(1, z*z)
		}
		m := mean.mean(0)
		sd := math.Sqrt(square.mean(0) - m*m)
		t.Logf("%d groups: mean %.3f, standard deviation %.3f", groups, m, sd)
		if math.Abs(m) > 0.15 || math.Abs(sd-1) > 0.25 {
			t.Errorf("%d groups: mean %g, standard deviation %g", groups, m, sd)
		}
	}
}
