package attack

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"multihome.i2p/analysis/trace"
)

// A population is a service that a poller looks up every minute, among routers that
// come and go.
type population struct {
	routers int // 1 or 4, of 16 leases
	hours   int
	others  int
	outage  bool // the first router is away for half an hour from some time on
	pair    bool // and the second one with it
	apart   bool // its leases vanish at another time than it does
}

func (w population) play(tr *trace.Trace, rng *rand.Rand) {
	const leases = 16
	type event struct {
		at     int64 // s
		router int   // below w.routers: of the service; -1: a poll
		up     bool
	}
	end := playStart + int64(w.hours)*3600
	var events []event
	for at := playStart; at < end; at += 60 {
		events = append(events, event{at, -1, false})
	}
	for k := range w.others {
		up := rng.IntN(2) == 0
		events = append(events, event{playStart, w.routers + k, up})
		for at := playStart + 1 + rng.Int64N(12*3600); at < end; at += 60 + rng.Int64N(12*3600) {
			up = !up
			events = append(events, event{at, w.routers + k, up})
		}
	}
	for r := range w.routers {
		events = append(events, event{playStart, r, true})
	}
	down := playStart + 1800 + rng.Int64N(900)
	lost := down
	if w.apart {
		lost -= 1000 + rng.Int64N(600)
	}
	dead := 0
	if w.outage {
		dead = 1
		if w.pair {
			dead = 2
		}
		for r := range dead {
			events = append(events, event{down, r, false}, event{down + 1800, r, true})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })

	set := make([]trace.Lease, leases)
	number := uint32(0)
	renew := func(i int, now int64, age int64) {
		number++
		set[i] = trace.Lease{Gateway: gateway(rng.IntN(20)), Tunnel: number, EndMs: 1000 * (now + 600 - age)}
	}
	for i := range set {
		renew(i, playStart, rng.Int64N(480))
	}
	gone := false
	published := playStart
	for _, e := range events {
		if e.router >= 0 {
			tr.AppendRouter(1000*e.at, gateway(1000+e.router), e.up)
			continue
		}
		if tr.Records == nil {
			tr.Reset(testDestination)
		}
		silent := w.outage && w.routers == 1 && e.at > down && e.at < down+1800
		if !silent {
			for i := range set {
				if set[i].EndMs-1000*e.at < 100_000 {
					renew(i, e.at, 0)
					published = e.at
				}
			}
			if w.outage && w.routers > 1 && !gone && e.at >= lost {
				gone = true
				for i := range set {
					if i%w.routers < dead {
						renew(i, e.at, 0)
					}
				}
				published = e.at
			}
		}
		if e.at > published+600 {
			tr.AppendPoll(1000*e.at, gateway(-1), false)
			continue
		}
		tr.AppendLookup(1000*e.at, gateway(-1), published, published+600, set)
	}
	tr.Header = testDestination
}

// TestUptime: a block of leases vanishes as a router goes down, or at another time;
// the service is silent while a router is away.
func TestUptime(t *testing.T) {
	quiet := population{routers: 4, hours: 3, others: 300}
	outage, pair, apart, alone := quiet, quiet, quiet, quiet
	outage.outage = true
	pair.outage, pair.pair = true, true
	apart.outage, apart.apart, apart.pair = true, true, true
	alone.outage, alone.routers = true, 1
	playFound(t, "uptime", quiet.play, outage.play, 91)
	playFound(t, "uptime", apart.play, pair.play, 92)
	playFound(t, "uptime", alone.play, outage.play, 93)
	playNotFound(t, "uptime", quiet.play, 94)
	playNotFound(t, "uptime", pair.play, 95)
}

// TestLinked: two routers that go and come back together are found among a thousand,
// and none are where nothing happens.
func TestLinked(t *testing.T) {
	rng := newRand(96)
	w := population{routers: 4, hours: 3, others: 1000}
	pair := w
	pair.outage, pair.pair = true, true
	found, wrong := 0, 0.0
	for range 20 {
		found += int(bit(uptimeNumbers(play(pair.play).evidence(rng))[1] == 2))
		wrong += uptimeNumbers(play(w.play).evidence(rng))[1]
	}
	t.Logf("both of two found in %d of 20, %g wrong ones in 20", found, wrong)
	if found < 18 || wrong > 3 {
		t.Errorf("both of two found in %d of 20, %g wrong ones in 20", found, wrong)
	}
}
