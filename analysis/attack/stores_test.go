package attack

import (
	"math/rand/v2"
	"testing"

	"multihome.i2p/analysis/trace"
)

// publishing is what a floodfill sees of a service: a store every minute or so, and a
// verification of it. Gateways are the same twenty whatever the number of routers.
type publishing struct {
	routers int
	hours   int
	own     bool    // acks are sent to the publisher's own lease that is closest
	rotate  bool    // routers publish in turn
	lost    float64 // share of the acks that get lost
}

func (w publishing) play(tr *trace.Trace, rng *rand.Rand) {
	const leases, gateways, ends = 16, 20, 3
	header := testDestination
	header.Vantage = trace.VantageFloodfill
	tr.Reset(header)
	var floodfill trace.Hash
	for i := range floodfill {
		floodfill[i] = byte(rng.Uint32())
	}
	hashes := make([]trace.Hash, gateways+w.routers*ends)
	for i := range hashes {
		for j := range hashes[i] {
			hashes[i][j] = byte(rng.Uint32())
		}
	}
	owner := make([]int, leases)
	set := make([]trace.Lease, leases)
	number := uint32(0)
	renew := func(i int, now int64) {
		r := i % w.routers
		gw := rng.IntN(gateways)
		if w.routers > 1 {
			gw = (gw - gw%w.routers + r) % gateways
		}
		number++
		owner[i] = r
		set[i] = trace.Lease{Gateway: hashes[gw], Tunnel: number, EndMs: 1000 * (now + 600)}
	}
	for i := range set {
		renew(i, playStart)
	}
	closest := func(router int) trace.Reply {
		best := -1
		for i := range set {
			if (router < 0 || owner[i] == router) && (best < 0 || closer(&set[i].Gateway, &set[best].Gateway, &floodfill)) {
				best = i
			}
		}
		return trace.Reply{Gateway: set[best].Gateway, Tunnel: set[best].Tunnel}
	}
	now := playStart
	for k := 0; now < playStart+int64(w.hours)*3600; k++ {
		for range 2 {
			renew(rng.IntN(leases), now)
		}
		publisher := 0
		if w.rotate {
			publisher = k % w.routers
		}
		through := func() trace.Hash { return hashes[gateways+publisher*ends+rng.IntN(ends)] }
		store := func(at int64, reply trace.Reply) {
			r := tr.AppendStore(1000*at, floodfill, false, now, now+600, set)
			r.OBEP, r.Reply = through(), reply
			r.Has |= trace.HasOBEP | trace.HasReply
		}
		named := -1
		if w.own {
			named = publisher
		}
		store(now+3, closest(named))
		at := now + 3
		for rng.Float64() < w.lost && at < now+30 {
			at += 6 + rng.Int64N(4)
			l := &set[rng.IntN(leases)]
			store(at, trace.Reply{Gateway: l.Gateway, Tunnel: l.Tunnel})
		}
		at += 18 + rng.Int64N(9)
		tr.AppendServiceLookup(1000*at, floodfill, through(), closest(publisher))
		now = max(at, now+60) + rng.Int64N(10)
	}
}

// TestStores: acks to own leases, acks that get lost, publishers in turn, and
// verifications of a publisher that has a quarter of the leases.
func TestStores(t *testing.T) {
	one, four := publishing{routers: 1, hours: 2}, publishing{routers: 4, hours: 2}
	own, rotate, lost := four, four, four
	own.own, rotate.rotate, lost.lost = true, true, 0.3
	playFound(t, "stores", one.play, four.play, 81)
	playFound(t, "stores", four.play, own.play, 82)
	playFound(t, "stores", four.play, rotate.play, 83)
	playFound(t, "stores", four.play, lost.play, 84)
	playNotFound(t, "stores", one.play, 85)
	playNotFound(t, "stores", own.play, 86)
}

// TestStoresCount: a rank says little, and the gateways close to the floodfill are few.
func TestStoresCount(t *testing.T) {
	for routers, least := range map[int]int{1: 36, 2: 30, 4: 30} {
		if covered, _ := counts(t, "stores", publishing{routers: routers, hours: 4, own: true}.play, routers, 87); covered < least {
			t.Errorf("%d routers: the interval covers in %d of 40", routers, covered)
		}
	}
}

// TestRankOf: by hand.
func TestRankOf(t *testing.T) {
	lease := func(first byte) trace.Lease { return trace.Lease{Gateway: trace.Hash{first}} }
	leases := []trace.Lease{lease(8), lease(1), lease(2), lease(1)}
	target := trace.Hash{3}
	for first, want := range map[byte]place{2: {0, 3}, 1: {1, 3}, 8: {2, 3}} {
		h := trace.Hash{first}
		if p, listed := rankOf(&h, &target, leases); p != want || !listed {
			t.Errorf("gateway %d: %v, %v, want %v", first, p, listed, want)
		}
	}
	if _, listed := rankOf(&trace.Hash{9}, &target, leases); listed {
		t.Error("a gateway of no lease is listed")
	}
}
