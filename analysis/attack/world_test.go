package attack

import (
	"encoding/binary"
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
	renew := func(i int, now int64, path bool) {
		s := slices[i%w.routers]
		t := &tunnels[i]
		if !path {
			t.gw = s[rng.IntN(len(s))]
		}
		t.id, t.end = rng.Uint32(), now+600
	}
	for i := range tunnels {
		renew(i, start-int64(rng.IntN(500)), false)
	}
	leases := make([]trace.Lease, w.leases)
	published := start
	for now := start; now <= start+int64(w.hours)*3600; now += 60 {
		for i := range tunnels {
			if tunnels[i].end-now < 120 {
				renew(i, now, rng.IntN(4) > 0)
				published = now
			}
		}
		for i, t := range tunnels {
			leases[i] = trace.Lease{Gateway: gateway(t.gw), Tunnel: t.id, EndMs: 1000 * t.end}
		}
		sort.SliceStable(leases, func(i, j int) bool { return leases[i].EndMs > leases[j].EndMs })
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
