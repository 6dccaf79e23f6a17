package attack

import (
	"hash/fnv"

	"multihome.i2p/analysis/trace"
)

// A LeaseSet is one distinct LeaseSet of a trace, reduced to its gateways.
type LeaseSet struct {
	FirstMs  int64   // when it was first seen
	Gateways []int32 // gateway of each lease, in wire order, numbered from 0 by first appearance
	Distinct int     // how many of them differ
	Shared   int     // how many leases are of tunnels that the LeaseSet before had too
}

// Evidence is what a trace tells of inbound gateways. Pollers see the same
// LeaseSet many times: here each counts once.
type Evidence struct {
	Sightings int // lookup, store and bundle records
	SpanMs    int64
	LeaseSets []LeaseSet // by first sighting

	// Tunnels counts the tunnels (gateway, tunnel) of each gateway: abundances of
	// the species "gateway", each tunnel being one individual, however many
	// LeaseSets list it.
	Tunnels []int
	// Incidences counts the LeaseSets that name each gateway, the sampling units
	// being the LeaseSets.
	Incidences []int

	Draws int // tunnels in all, the sum of Tunnels

	// Thinned are the LeaseSets, as indices, of which no two share a tunnel,
	// picked greedily from the first one on: nearly independent looks.
	Thinned []int
}

// A leaseSetKey tells distinct LeaseSets apart. Its content is a hash: that two
// lists of one version collide has a chance of 2⁻⁶⁴.
type leaseSetKey struct {
	published int64
	content   uint64
}

type tunnelKey struct {
	gateway int32
	tunnel  uint32
}

// Gather reads the records of the first horizonMs milliseconds of a trace,
// counted from its first record (0 or less: all of them). LeaseSets with equal
// version and equal leases count once, where the version is "published", or the
// earliest end in a LeaseSet1.
func Gather(tr *trace.Trace, horizonMs int64) Evidence {
	var e Evidence
	if len(tr.Records) == 0 {
		return e
	}
	start := tr.Records[0].TimeMs
	seen := make(map[leaseSetKey]struct{})
	gateways := make(map[trace.Hash]int32)
	tunnels := make(map[tunnelKey]int) // number of the last LeaseSet that listed it, from 1
	lastNamed := []int{}               // per gateway, likewise
	var buf []byte
	sum := fnv.New64a()
	thinnedTunnels := make(map[tunnelKey]struct{})
	for i := range tr.Records {
		r := &tr.Records[i]
		if horizonMs > 0 && r.TimeMs-start > horizonMs {
			break
		}
		e.SpanMs = r.TimeMs - start
		if !r.Kind.Sighting() {
			continue
		}
		e.Sightings++
		if len(r.Leases) == 0 {
			continue
		}
		key := leaseSetKey{published: r.Published}
		if r.Millis {
			key.published = -earliestEnd(r.Leases) - 1 // apart from every LeaseSet2
		}
		buf = buf[:0]
		for j := range r.Leases {
			l := &r.Leases[j]
			buf = append(buf, l.Gateway[:]...)
			buf = append(buf, byte(l.Tunnel), byte(l.Tunnel>>8), byte(l.Tunnel>>16), byte(l.Tunnel>>24))
		}
		sum.Reset()
		_, _ = sum.Write(buf) // a hash never fails
		key.content = sum.Sum64()
		if _, ok := seen[key]; ok {
			continue
		}
		seen[key] = struct{}{}

		number := len(e.LeaseSets) + 1
		ls := LeaseSet{FirstMs: r.TimeMs, Gateways: make([]int32, len(r.Leases))}
		fresh := true
		for j := range r.Leases {
			l := &r.Leases[j]
			g, ok := gateways[l.Gateway]
			if !ok {
				g = int32(len(lastNamed))
				gateways[l.Gateway] = g
				lastNamed = append(lastNamed, 0)
				e.Tunnels = append(e.Tunnels, 0)
				e.Incidences = append(e.Incidences, 0)
			}
			ls.Gateways[j] = g
			if lastNamed[g] != number {
				lastNamed[g] = number
				e.Incidences[g]++
				ls.Distinct++
			}
			t := tunnelKey{g, l.Tunnel}
			switch last, ok := tunnels[t]; {
			case !ok:
				e.Tunnels[g]++
				e.Draws++
			case last == number-1:
				ls.Shared++
			}
			tunnels[t] = number
			if _, ok := thinnedTunnels[t]; ok {
				fresh = false
			}
		}
		if fresh {
			e.Thinned = append(e.Thinned, number-1)
			for j := range r.Leases {
				thinnedTunnels[tunnelKey{ls.Gateways[j], r.Leases[j].Tunnel}] = struct{}{}
			}
		}
		e.LeaseSets = append(e.LeaseSets, ls)
	}
	return e
}

func earliestEnd(leases []trace.Lease) int64 {
	end := leases[0].EndMs
	for i := range leases {
		end = min(end, leases[i].EndMs)
	}
	return end
}
