package attack

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/trace"
)

// A fleet makes traces second by second: routers with five gateways each keep
// leases over one path in two, and a poller looks once a minute. Its arms differ in
// one leak at a time, and have the same gateways.
type fleet struct {
	hours int
	// shuffled: whichever router builds the next tunnel, none has a quota.
	shuffled bool
	// A quarter of the tunnels dies early, in the second hour: those of one router at
	// once, or any, one by one.
	outage, scattered bool
	// merge is every how many seconds a version is made; 0: at every new tunnel.
	merge int64
	// slice is the number of gateways of a router; 0: five.
	slice int
}

const (
	fleetRouters = 4
	fleetLeases  = 16
)

func (f fleet) trace(tr *trace.Trace, rng *rand.Rand) {
	const start = int64(1_700_000_000)
	tr.Reset(testDestination)
	type tunnel struct {
		router, gw   int
		id           uint32
		end, replace int64
	}
	slice := cmp.Or(f.slice, 5)
	tunnels := make([]tunnel, fleetLeases)
	renew := func(t *tunnel, now int64, router int, keep bool) {
		if !keep || router != t.router {
			t.gw = router*slice + rng.IntN(slice)
		}
		t.router, t.id, t.end = router, rng.Uint32(), now-1-rng.Int64N(2)+600
		t.replace = t.end - 100 - rng.Int64N(60)
	}
	any := func() int { return rng.IntN(fleetRouters) }
	for i := range tunnels {
		renew(&tunnels[i], start-rng.Int64N(450), i%fleetRouters, false)
	}
	deaths := map[int64][]int{}
	at := start + 3600 + rng.Int64N(1800)
	if f.outage {
		deaths[at] = []int{0, 4, 8, 12}
	}
	if f.scattered {
		for range fleetRouters {
			t := at + rng.Int64N(1800)
			deaths[t] = append(deaths[t], rng.IntN(fleetLeases))
		}
	}
	var version []trace.Lease
	published := start
	phase := rng.Int64N(60)
	for now := start; now <= start+int64(f.hours)*3600; now++ {
		changed := now == start
		for i := range tunnels {
			if t := &tunnels[i]; now >= t.replace {
				router := t.router
				if f.shuffled {
					router = any()
				}
				renew(t, now, router, rng.IntN(2) == 0)
				changed = true
			}
		}
		for _, i := range deaths[now] {
			renew(&tunnels[i], now, any(), false)
			changed = true
		}
		if f.merge > 0 {
			changed = now == start || (now-start)%f.merge == 0
		}
		if changed {
			version, published = version[:0], now
			for _, t := range tunnels {
				version = append(version, trace.Lease{Gateway: gateway(t.gw), Tunnel: t.id, EndMs: 1000 * t.end})
			}
			slices.SortStableFunc(version, func(a, b trace.Lease) int { return cmp.Compare(b.EndMs, a.EndMs) })
		}
		if now%60 == phase {
			tr.AppendLookup(now*1000, gateway(-2), published, published+600, version)
		}
	}
}

func (f fleet) samples(a Attack, n int, multi bool, rng *rand.Rand) []Sample {
	var tr trace.Trace
	out := make([]Sample, n)
	for i := range out {
		f.trace(&tr, rng)
		out[i] = Sample{Multi: multi, Features: a.Observe(Gather(&tr, 0))}
	}
	return out
}

// TestPlantedSignals: each signal finds the leak that it is made for, in traces that
// differ in nothing else, and nothing where both arms are alike.
func TestPlantedSignals(t *testing.T) {
	quotas, loose := fleet{hours: 2}, fleet{hours: 2, shuffled: true}
	for _, c := range []struct {
		attack, leak string
		with, not    fleet
	}{
		{"cluster", "each router replaces its own tunnels", quotas, loose},
		{"balance", "four leases a router", quotas, loose},
		{"cofail", "four tunnels die at once", fleet{hours: 2, outage: true}, fleet{hours: 2, scattered: true}},
		{"cadence", "a version every 20 s", fleet{hours: 2, merge: 20}, quotas},
		{"open-population", "slices of twelve and of five", fleet{hours: 2, slice: 12}, quotas},
	} {
		t.Run(c.attack, func(t *testing.T) {
			rng := newRand(11)
			a, err := New(c.attack)
			if err != nil {
				t.Fatal(err)
			}
			const trials = 40
			train := func(f fleet) []Sample { return f.samples(a, trials, true, rng) }
			not := c.not.samples(a, trials, false, rng)
			if err := a.Fit(append(slices.Clone(not), train(c.with)...)); err != nil {
				t.Fatal(err)
			}
			e := analysis.AUC(scores(a, c.not.samples(a, trials, false, rng)), scores(a, train(c.with)), confidence)
			t.Logf("%s: AUC %.3f [%.3f, %.3f]", c.leak, e.Center, e.Lo, e.Hi)
			if e.Lo <= 0.8 {
				t.Errorf("%s: AUC %.3f [%.3f, %.3f], want the interval above 0.8", c.leak, e.Center, e.Lo, e.Hi)
			}
			// One honest run in a thousand misses 0.5; the seed is fixed.
			if err := a.Fit(append(not, train(c.not)...)); err != nil {
				t.Fatal(err)
			}
			e = analysis.AUC(scores(a, c.not.samples(a, trials, false, rng)), scores(a, train(c.not)), 0.999)
			t.Logf("null: AUC %.3f [%.3f, %.3f]", e.Center, e.Lo, e.Hi)
			if !e.Contains(0.5) {
				t.Errorf("two equal systems are told apart: AUC %.3f [%.3f, %.3f]", e.Center, e.Lo, e.Hi)
			}
		})
	}
}

// TestBlocksAreRouters: where slices do not overlap, the groups are the routers,
// whichever tunnels are lost to gaps.
func TestBlocksAreRouters(t *testing.T) {
	rng := newRand(12)
	var tr trace.Trace
	right := 0
	const trials = 20
	for range trials {
		fleet{hours: 6}.trace(&tr, rng)
		e := Gather(&tr, 0)
		changes := changesOf(e)
		x := gatewayExchange(e, changes)
		s := newDivider(x.nodes).divide(x.gram)
		l := newLadder(&s, x.gram)
		if routers, _ := x.blocks(&s); routers != fleetRouters || !l.down(fleetRouters) {
			continue
		}
		if l.unsettled() > 0.01 {
			t.Errorf("quotas that never change leave %.3f unsettled", l.unsettled())
		}
		pure := true
		owner := map[int32]uint64{}
		for i := range e.Tunnels {
			g := e.Tunnels[i].Gateway
			router := (uint64(e.Hashes[g][0]) - 1) / 5
			group := x.groupOf(&l.split, int32(i))
			if was, ok := owner[group]; ok && was != router {
				pure = false
			}
			owner[group] = router
		}
		if pure {
			right++
		}
	}
	t.Logf("%d of %d traces give the four routers and all their gateways", right, trials)
	if right < trials*8/10 {
		t.Errorf("%d of %d traces give the four routers and all their gateways, want 8 in 10", right, trials)
	}
}

func TestChangesFollowDates(t *testing.T) {
	l := func(gw int, tunnel uint32) trace.Lease {
		return trace.Lease{Gateway: gateway(gw), Tunnel: tunnel, EndMs: 900_000}
	}
	var tr trace.Trace
	tr.Reset(testDestination)
	tr.AppendLookup(10_000, gateway(9), 1, 9, []trace.Lease{l(1, 1), l(2, 2)})
	tr.AppendLookup(20_000, gateway(9), 15, 9, []trace.Lease{l(1, 4), l(3, 3)})
	tr.AppendLookup(20_001, gateway(8), 5, 9, []trace.Lease{l(1, 1), l(3, 3)}) // a holder lags behind
	e := Gather(&tr, 0)
	changes := changesOf(e)
	if len(changes) != 2 {
		t.Fatalf("%d changes, want 2", len(changes))
	}
	for k, want := range []change{
		{set: 2, before: 0, atMs: 5000, spanMs: 4000, came: []int32{1}, gone: []int32{1}},
		{set: 1, before: 2, atMs: 15000, spanMs: 10000, came: []int32{0}, gone: []int32{0}},
	} {
		c := changes[k]
		if c.set != want.set || c.before != want.before || c.atMs != want.atMs || c.spanMs != want.spanMs ||
			!slices.Equal(c.came, want.came) || !slices.Equal(c.gone, want.gone) {
			t.Errorf("change %d: %+v, want %+v", k, c, want)
		}
	}
	// Gateway 3 for gateway 2; gateway 1 follows itself, which cancels.
	x := gatewayExchange(e, changes)
	want := [][3]float64{{0, 0, 0}, {0, 1, -1}, {0, -1, 1}} // gateways 1, 2 and 3
	node := func(g int32) int {
		for i := range e.Tunnels {
			if e.Tunnels[i].Gateway == g {
				return int(x.of[i])
			}
		}
		return -1
	}
	for a := range want {
		for b, w := range want[a] {
			if got := x.gram[node(int32(a))*x.nodes+node(int32(b))]; got != w {
				t.Errorf("exchange of gateways %d and %d: %g, want %g", a+1, b+1, got, w)
			}
		}
	}
}

// TestDivide: two cliques with one tie, and a node without any.
func TestDivide(t *testing.T) {
	const p = 7
	gram := make([]float64, p*p)
	tie := func(a, b int) {
		gram[a*p+b]--
		gram[b*p+a]--
		gram[a*p+a]++
		gram[b*p+b]++
	}
	for _, c := range [][]int{{0, 2, 4}, {1, 3, 5}} {
		tie(c[0], c[1])
		tie(c[1], c[2])
		tie(c[0], c[2])
	}
	tie(4, 5)
	s := newDivider(p).divide(gram)
	if want := []int32{0, 1, 0, 1, 0, 1, -1}; !slices.Equal(s.group, want) || s.groups != 2 {
		t.Errorf("groups %v, want %v", s.group, want)
	}
	// 6 of 7 ties within, half of the ends in each group; a node has no tie with
	// itself, so that what chance would put there does not count: (2²·4 + 2·3²)/14².
	if want := 6.0/7 - 0.5 + (4*4+2*9)/196.0; math.Abs(s.modularity-want) > 1e-12 {
		t.Errorf("modularity %g, want %g", s.modularity, want)
	}
	l := newLadder(&s, gram)
	if u := l.unsettled(); math.Abs(u-2.0/14) > 1e-12 {
		t.Errorf("unsettled %g, want one tie of seven, both ends", u)
	}
	if !l.down(1) || l.unsettled() > 1e-12 {
		t.Errorf("one group: %+v, unsettled %g", l.split, l.unsettled())
	}
	empty := newDivider(2).divide(make([]float64, 4))
	if empty.groups != 0 || empty.modularity != 0 || newLadder(&empty, make([]float64, 4)).unsettled() != 1 {
		t.Errorf("no exchange: %+v", empty)
	}
}

// BenchmarkExchangeSignals measures a day of a poll a minute: about 1,400 LeaseSets
// of 16 leases, with the gateways of four Java routers, and with a crowd of them.
func BenchmarkExchangeSignals(b *testing.B) {
	for _, gateways := range []int{40, 1000} {
		var tr trace.Trace
		fleet{hours: 24, slice: gateways / fleetRouters}.trace(&tr, newRand(13))
		e := Gather(&tr, 0)
		for _, s := range []*signal{&cluster, &balance, &cofail, &cadence, &openPopulation} {
			b.Run(fmt.Sprintf("%s/%d-gateways", s.name, gateways), func(b *testing.B) {
				b.ReportAllocs()
				b.ReportMetric(float64(len(e.LeaseSets)), "LeaseSets")
				for b.Loop() {
					s.measure(e)
				}
			})
		}
	}
}
