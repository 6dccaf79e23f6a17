package attack

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/trace"
)

// toldApart trains an attack on n worlds of either kind and says how well it tells
// twice as many others apart.
func toldApart(t testing.TB, name string, one, other world, n int, seed uint64, confidence float64) analysis.Estimate {
	t.Helper()
	a, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	rng := newRand(seed)
	if err := a.Fit(append(one.samples(a, n, false, rng), other.samples(a, n, true, rng)...)); err != nil {
		t.Fatal(err)
	}
	e := analysis.AUC(scores(a, one.samples(a, 2*n, false, rng)), scores(a, other.samples(a, 2*n, true, rng)), confidence)
	t.Logf("%s: AUC %.3f [%.3f, %.3f]", name, e.Center, e.Lo, e.Hi)
	return e
}

// found fails a test whose planted leak is not found.
func found(t *testing.T, name string, without, with world, n int, seed uint64) {
	t.Helper()
	if e := toldApart(t, name, without, with, n, seed, 0.95); e.Lo <= 0.8 {
		t.Errorf("%s misses the leak: %+v", name, e)
	}
}

// notFound fails a test that finds a leak where there is none. The seed is fixed;
// with others an interval at 0.999 misses 0.5 once in a thousand runs.
func notFound(t *testing.T, name string, w world, n int, seed uint64) {
	t.Helper()
	if e := toldApart(t, name, w, w, n, seed, 0.999); !e.Contains(0.5) {
		t.Errorf("%s tells two equal systems apart: %+v", name, e)
	}
}

// javaWorld is a Java router as worlds have it.
var javaWorld = world{routers: 1, leases: 16, tier: measuredTier, hours: 3}

// TestLineage: a balancer that orders each tunnel afresh, over one router, so that
// nothing but the inheritance differs.
func TestLineage(t *testing.T) {
	fresh := javaWorld
	fresh.fresh = true
	found(t, "lineage", javaWorld, fresh, 40, 21)
	notFound(t, "lineage", javaWorld, 40, 22)
	notFound(t, "lineage", fresh, 40, 23)
}

// TestInheritedRate: the likelihood finds the rate that a world was made with,
// whatever number of gateways makes matches ambiguous.
func TestInheritedRate(t *testing.T) {
	for _, c := range []struct {
		tier  int
		fresh bool
		want  float64
	}{{40, false, 0.75}, {400, false, 0.75}, {400, true, 0}} {
		w := javaWorld
		w.tier = func(*rand.Rand) int { return c.tier }
		w.fresh, w.hours = c.fresh, 12
		var tr trace.Trace
		var sum moment
		rng := newRand(24)
		for range 10 {
			w.trace(&tr, rng)
			e := Gather(&tr, 0)
			h, _ := succeed(e).inherit(e)
			sum.add(1, h.rate)
		}
		t.Logf("%d peers: %.3f, want %.2f", c.tier, sum.mean(0), c.want)
		if d := math.Abs(sum.mean(0) - c.want); d > 0.1 {
			t.Errorf("%d peers: the rate is %.3f, want %.2f", c.tier, sum.mean(0), c.want)
		}
	}
}

// TestSuccession: by hand.
func TestSuccession(t *testing.T) {
	var tr trace.Trace
	tr.Reset(testDestination)
	const s = 1_700_000_000
	l := func(gw int, tunnel uint32, end int64) trace.Lease {
		return trace.Lease{Gateway: gateway(gw), Tunnel: tunnel, EndMs: 1000 * (s + end)}
	}
	tr.AppendLookup(1, gateway(-1), s, s+600, []trace.Lease{l(1, 11, 500), l(1, 12, 200), l(2, 21, 100)})
	// Floodfills that lag: the newest version is seen before the one in the middle.
	tr.AppendLookup(2, gateway(-1), s+200, s+800, []trace.Lease{l(3, 31, 720), l(1, 13, 650), l(1, 11, 500)})
	tr.AppendLookup(3, gateway(-2), s+100, s+700, []trace.Lease{l(1, 13, 650), l(1, 11, 500), l(1, 12, 200)})
	e := Gather(&tr, 0)
	x := succeed(e)
	if want := []int32{0, 2, 1}; !slices.Equal(x.sets, want) {
		t.Errorf("LeaseSets in the order %v, want %v", x.sets, want)
	}
	number := func(i int32) uint32 {
		if i < 0 {
			return 0
		}
		return e.Tunnels[i].Number
	}
	for i := range e.Tunnels {
		var parent uint32
		if e.Tunnels[i].Number == 13 { // ordered at 50, when 11 had 450 s left and 12 had 150 s
			parent = 12
		}
		if number(x.parent[i]) != parent {
			t.Errorf("the parent of %d is %d, want %d", e.Tunnels[i].Number, number(x.parent[i]), parent)
		}
	}
	for i, want := range map[uint32][2]int32{11: {0, 2}, 12: {0, 1}, 21: {0, 0}, 13: {1, 2}, 31: {2, 2}} {
		at := slices.IndexFunc(e.Tunnels, func(t Tunnel) bool { return t.Number == i })
		if got := [2]int32{x.first[at], x.last[at]}; got != want {
			t.Errorf("tunnel %d is listed from %d to %d, want %v", i, got[0], got[1], want)
		}
	}
}

// BenchmarkSignals measures a day of a busy Destination, polled once a minute.
func BenchmarkSignals(b *testing.B) {
	var tr trace.Trace
	w := javaWorld
	w.routers, w.hours, w.skews = 4, 24, make([]float64, 4)
	w.trace(&tr, newRand(25))
	e := Gather(&tr, 0)
	for _, s := range []*signal{&lineage, &order, &phase, &skew} {
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(e.LeaseSets)), "LeaseSets")
			for b.Loop() {
				s.measure(e)
			}
		})
	}
}
