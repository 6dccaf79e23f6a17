package attack

import (
	"math/rand/v2"
	"testing"

	"multihome.i2p/analysis/trace"
)

// A walk is what an observer's routers see of a service's tunnels of three hops, or of
// one. Each of the service's routers has six gateways, of which the observer has some,
// and six routers that come next.
type walk struct {
	routers int
	hours   int
	own     int  // of the observer's routers, all of them gateways
	short   bool // one hop: the service's router comes next
}

func (w walk) play(tr *trace.Trace, rng *rand.Rand) {
	const leases, slice = 16, 6
	header := testDestination
	header.Vantage = trace.VantagePeer
	tr.Reset(header)
	mine := map[int]bool{}
	for len(mine) < w.own {
		mine[rng.IntN(w.routers*slice)] = true
	}
	for step := range int64(w.hours) * 3600 * leases / 500 { // a tunnel is replaced after 500 s
		now := playStart + step*500/leases
		r := rng.IntN(w.routers)
		gw := r*slice + rng.IntN(slice)
		next := 100 + r*slice + rng.IntN(slice)
		if w.short {
			next = 1000 + r
		}
		if !mine[gw] {
			continue
		}
		x := tr.AppendHop(1000*now, gateway(gw), trace.RoleIBGW, rng.Uint32(), now+600)
		x.Next = gateway(next)
		x.Has |= trace.HasNext
		if rng.IntN(4) == 0 {
			x = tr.AppendHop(1000*now, gateway(gw), trace.RoleEnd, rng.Uint32(), now+600)
			x.Prev = gateway(next + 50)
			x.Has |= trace.HasPrev
		}
	}
}

// TestHops: as many of the observer's routers meet one router or four.
func TestHops(t *testing.T) {
	for _, short := range []bool{false, true} {
		one, four := walk{routers: 1, hours: 3, own: 4, short: short}, walk{routers: 4, hours: 3, own: 4, short: short}
		playFound(t, "hops", one.play, four.play, 101)
		playNotFound(t, "hops", one.play, 102)
		playNotFound(t, "hops", four.play, 103)
	}
	one, four := walk{routers: 1, hours: 3, own: 1}, walk{routers: 4, hours: 3, own: 1}
	playFound(t, "hops", one.play, four.play, 104)
}

// TestHopGroups: in tunnels of one hop the groups are the routers.
func TestHopGroups(t *testing.T) {
	rng := newRand(105)
	for range 20 {
		e := play(walk{routers: 4, hours: 6, own: 20, short: true}.play).evidence(rng)
		m := meetingsOf(e, trace.RoleIBGW)
		if m.nexts != 4 || m.groups() < 1.38 || m.groups() > 1.39 {
			t.Fatalf("%d next hops in exp(%g) groups, want 4 in 4", m.nexts, m.groups())
		}
	}
}
