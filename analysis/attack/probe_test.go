package attack

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/analysis/trace"
)

// talks are those of a client: a lookup, a New Session and messages through all leases
// in ten minutes, and a bundle. Gateways are the same forty whatever the number of
// routers is.
type talks struct {
	routers int
	hours   int
	loss    float64
	shared  bool    // each router draws from all gateways
	ratchet bool    // routers share their ratchet state
	slow    float64 // by how many s the first router is slow
	pinned  bool    // a router bundles its own leases, for 90 s
	late    bool    // what a router bundles is the LeaseSet before
}

func (w talks) play(tr *trace.Trace, rng *rand.Rand) {
	const leases, gateways = 16, 40
	header := testDestination
	header.Vantage = trace.VantageClient
	tr.Reset(header)
	owner := make([]int, leases)
	set := make([]trace.Lease, leases)
	before := make([]trace.Lease, leases)
	number := uint32(0)
	drawn := false
	draw := func(now int64) {
		copy(before, set)
		for i := range set {
			r := i % w.routers
			gw := rng.IntN(gateways)
			if !w.shared && w.routers > 1 {
				gw -= gw % w.routers
				gw = (gw + r) % gateways
			}
			number++
			owner[i] = r
			set[i] = trace.Lease{Gateway: gateway(gw), Tunnel: number, EndMs: 1000 * (now + 300 + rng.Int64N(300))}
		}
		if !drawn {
			copy(before, set)
			drawn = true
		}
	}
	for k := range int64(w.hours) * 6 {
		now := playStart + 600*k
		draw(now)
		tr.AppendLookup(1000*now, gateway(-1), now, now+600, set)
		rtt := func(i int) int64 {
			if rng.Float64() < w.loss {
				return -1
			}
			s := math.Exp(0.3 * rng.NormFloat64())
			if owner[i] == 0 {
				s += w.slow
			}
			return int64(1e6 * s)
		}
		o := rng.IntN(leases)
		first := rtt(o)
		tr.AppendProbe(1000*now+1, k, nil, set[o], first)
		if first < 0 {
			continue
		}
		given, date := set, now
		if w.late {
			given, date = before, now-600
		}
		if w.pinned {
			given = nil
			for i, l := range set {
				if owner[i] == owner[o] {
					l.EndMs = 1000 * (now + 90)
					given = append(given, l)
				}
			}
		}
		tr.AppendBundle(1000*now+2, date, date+600, given)
		for i := range set {
			if i == o {
				continue
			}
			x := rtt(i)
			if owner[i] != owner[o] && !w.ratchet {
				x = -1
			}
			tr.AppendProbe(1000*now+3, k, &set[o], set[i], x)
		}
	}
}

// TestProbe: what is answered is the only difference, then how soon it is.
func TestProbe(t *testing.T) {
	one, four := talks{routers: 1, hours: 2}, talks{routers: 4, hours: 2}
	playFound(t, "probe", one.play, four.play, 61)
	lossy, lossyFour := one, four
	lossy.loss, lossyFour.loss = 0.3, 0.3
	playFound(t, "probe", lossy.play, lossyFour.play, 62)
	pool := four
	pool.shared = true
	playFound(t, "probe", one.play, pool.play, 63)

	quick := talks{routers: 4, hours: 6, ratchet: true}
	slow := quick
	slow.slow = 1
	playFound(t, "probe", quick.play, slow.play, 64)
	playNotFound(t, "probe", one.play, 65)
	playNotFound(t, "probe", four.play, 66)
	playNotFound(t, "probe", slow.play, 67)
}

// TestProbeCounts: also where messages are lost, gateways are everybody's, and there
// is one round only.
func TestProbeCounts(t *testing.T) {
	for _, routers := range []int{1, 2, 4, 5, 8} {
		for _, c := range []struct {
			name  string
			w     talks
			right int // of 40
		}{
			{"sound", talks{hours: 4}, 38},
			{"losses", talks{hours: 4, loss: 0.1}, 30},
			{"one pool", talks{hours: 4, shared: true}, 30},
			{"an hour", talks{hours: 1}, 12},
		} {
			t.Run(c.name, func(t *testing.T) {
				c.w.routers = routers
				covered, right := counts(t, "probe", c.w.play, routers, 68)
				if routers == 8 {
					c.right /= 4 // quotas of two are nearly those of nine routers
				}
				if covered < 34 || right < c.right {
					t.Errorf("%d routers: right in %d of 40, the interval covers in %d", routers, right, covered)
				}
			})
		}
	}
}

// TestContract: clusters are found whatever single votes say, and never put together
// against what is known.
func TestContract(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(2, 30).Draw(t, "nodes")
		routers := rapid.IntRange(1, 5).Draw(t, "routers")
		rng := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		of := make([]int, nodes)
		for i := range of {
			of[i] = rng.IntN(routers)
		}
		g := newSameness(nodes)
		for a := range of {
			for b := range a {
				for range 3 {
					odds := 3.0
					if of[a] != of[b] {
						odds = -odds
					}
					g.add(int32(a), int32(b), odds)
				}
				if rng.IntN(10) == 0 {
					g.add(int32(a), int32(b), 3) // a contradiction
				}
			}
		}
		g.contract()
		for a := range of {
			for b := range a {
				if got := g.cluster(int32(a)) == g.cluster(int32(b)); got != (of[a] == of[b]) {
					t.Fatalf("%d and %d of routers %d and %d: together %v", a, b, of[a], of[b], got)
				}
			}
		}
		if n := len(g.apart(g.alive)); n != g.clusters() {
			t.Fatalf("%d of %d clusters are known to differ", n, g.clusters())
		}
	})
}

func TestLaws(t *testing.T) {
	for _, k := range []int{1, 2, 3, 7, 16} {
		answers, hits, places := 0.0, 0.0, 0.0
		for i := range 16 {
			answers += answeredLaw(k, 15, i, 0.05)
		}
		for i := range k + 1 {
			hits += occupancy(k, 9, i)
		}
		for i := range 13 {
			places += firstOwn(13, k, i)
		}
		if math.Abs(answers-1) > 1e-9 || math.Abs(hits-1) > 1e-9 || math.Abs(places-1) > 1e-9 {
			t.Errorf("%d routers: probabilities add up to %g, %g and %g", k, answers, hits, places)
		}
	}
	// Two draws from three routers hit one of them in one of three cases.
	if p := occupancy(3, 2, 1); math.Abs(p-1.0/3) > 1e-12 {
		t.Errorf("%g, want 1/3", p)
	}
	if p := fisher(math.Log(0.03), 1); math.Abs(p-0.03) > 1e-12 {
		t.Errorf("%g, want 0.03", p)
	}
}
