package attack

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sort"

	"multihome.i2p/analysis/trace"
)

// A world makes traces by hand: routers that draw gateways with replacement from
// slices of their own, keep three of four paths, and a poller who sees one
// merged LeaseSet a minute. It shares no code with the simulator.
type world struct {
	routers int
	leases  int
	tier    func(*rand.Rand) int
	hours   int
	common  bool // all routers draw from the slice of the first one

	// Leaks of single signals, for the tests of these.
	concatenated bool      // the routers' lists stand one after the other
	fresh        bool      // no path is kept
	skews        []float64 // s by which the routers' clocks are ahead; tunnels take time to build
	phases       bool      // i2pd: each router has a tick of its own, and renews on it
}

var testDestination = trace.Header{
	Destination: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	Vantage:     trace.VantageNetDb,
	Source:      trace.SourceSim,
}

func measuredTier(rng *rand.Rand) int {
	return measuredFastTiers[rng.IntN(len(measuredFastTiers))]
}

func gateway(id int) (h trace.Hash) {
	binary.LittleEndian.PutUint64(h[:], uint64(id)+1)
	return h
}

func (w world) trace(tr *trace.Trace, rng *rand.Rand) {
	const start = int64(1_700_000_000)
	tr.Reset(testDestination)
	slices := make([][]int, w.routers)
	id := 0
	for r := range slices {
		for len(slices[r]) == 0 {
			for range w.tier(rng) {
				id++
				if rng.IntN(4) == 0 {
					slices[r] = append(slices[r], id)
				}
			}
		}
		if w.common {
			slices[r] = slices[0]
		}
	}
	type tunnel struct {
		gw  int
		id  uint32
		end int64
	}
	tunnels := make([]tunnel, w.leases)
	ticks := make([]int64, w.routers)
	for i := range ticks {
		if w.phases {
			ticks[i] = rng.Int64N(15)
		}
	}
	published := start
	renew := func(i int, now int64, path bool) {
		s := slices[i%w.routers]
		t := &tunnels[i]
		if !path {
			t.gw = s[rng.IntN(len(s))]
		}
		was := t.end
		t.id, t.end = rng.Uint32(), now+600
		switch {
		case w.phases && path: // renewed on the tick after 570 s
			t.end = was + 585
		case w.phases:
			t.end -= (t.end - ticks[i%w.routers]) % 15
		case w.skews != nil: // it was ready some time in the last minute
			ready := float64(now) - 58*rng.Float64()
			published = max(published, int64(ready+0.5))
			built := 1.5 * math.Exp(0.5*rng.NormFloat64())
			t.end = int64(ready - built + w.skews[i%w.routers] + 600)
		}
	}
	for i := range tunnels {
		renew(i, start-int64(rng.IntN(500)), false)
	}
	leases := make([]trace.Lease, w.leases)
	left := int64(120) // of a lease when it is replaced
	if w.phases {
		left = 15
	}
	for now := start; now <= start+int64(w.hours)*3600; now += 60 {
		for i := range tunnels {
			if tunnels[i].end-now < left {
				renew(i, now, rng.IntN(4) > 0 && !w.fresh)
				if w.skews == nil {
					published = now
				}
			}
		}
		for i, t := range tunnels {
			leases[i] = trace.Lease{Gateway: gateway(t.gw), Tunnel: t.id, EndMs: 1000 * t.end}
		}
		block := len(leases)
		if w.concatenated {
			for i, t := range tunnels { // tunnels go round the routers
				at := i%w.routers*(w.leases/w.routers) + i/w.routers
				leases[at] = trace.Lease{Gateway: gateway(t.gw), Tunnel: t.id, EndMs: 1000 * t.end}
			}
			block /= w.routers
		}
		for at := 0; at < len(leases); at += block {
			part := leases[at:min(at+block, len(leases))]
			sort.SliceStable(part, func(i, j int) bool { return part[i].EndMs > part[j].EndMs })
		}
		for ff := range 2 { // two holders return the same
			tr.AppendLookup(now*1000+int64(ff), gateway(-2-ff), published, published+600, leases)
		}
	}
}

// samples observes trials of an arm.
func (w world) samples(a Attack, n int, multi bool, rng *rand.Rand) []Sample {
	var tr trace.Trace
	out := make([]Sample, n)
	for i := range out {
		w.trace(&tr, rng)
		out[i] = Sample{Multi: multi, Features: a.Observe(Gather(&tr, 0))}
	}
	return out
}

func scores(a Attack, samples []Sample) []float64 {
	out := make([]float64, len(samples))
	for i := range samples {
		out[i] = a.Score(&samples[i].Features).Score
	}
	return out
}
