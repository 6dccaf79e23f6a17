package attack

import "slices"

// succession is how tunnels follow one another in evidence: the LeaseSets by
// version, the tunnels by end, and for each tunnel the one whose gateway it may
// have taken over. Several signals start from it. Making it costs
// O(n log n) for n leases of distinct LeaseSets.
type succession struct {
	sets     []int32 // LeaseSets by version: floodfills that lag show an old one after a newer
	versions []int64 // of sets, ms: `published`, or when it was first seen in a LeaseSet1
	// Of each tunnel, the first and the last place in sets that lists it; -1 if only
	// bundles do.
	first, last []int32
	byEnd       []int32 // tunnels that LeaseSets list, by end, then by first appearance
	parent      []int32 // of each tunnel, the one that it may be the heir of; -1 for none
	heir        []int32 // of each tunnel; -1 for none
}

// Leases end ten minutes after their tunnel was ordered, by either router.
const lifetimeMs = 600 * 1000

// A tunnel lends its path to an heir that is ordered while this much of its lease
// is left: a Java router does so up to 180 s before an early expiry, which is up to
// 75 s before the end; an i2pd router 15 s to 30 s before the end. What is beyond
// that allows for clocks.
const (
	lendMaxMs = 260 * 1000
	lendMinMs = -10 * 1000
)

func succeed(e *Evidence) *succession {
	n := len(e.LeaseSets)
	s := &succession{sets: make([]int32, n), versions: make([]int64, n)}
	for i := range s.sets {
		s.sets[i] = int32(i)
	}
	version := func(i int32) int64 {
		if ls := &e.LeaseSets[i]; ls.PublishedMs >= 0 {
			return ls.PublishedMs
		}
		return e.LeaseSets[i].FirstMs
	}
	slices.SortStableFunc(s.sets, func(a, b int32) int {
		switch x, y := version(a), version(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	numbers := make([]int32, 5*len(e.Tunnels))
	t := len(e.Tunnels)
	s.first, s.last, s.parent, s.heir = numbers[:t:t], numbers[t:2*t:2*t], numbers[2*t:3*t:3*t], numbers[3*t:4*t:4*t]
	for i := range numbers[:4*t] {
		numbers[i] = -1
	}
	s.byEnd = numbers[4*t : 4*t : 5*t]
	for k, i := range s.sets {
		s.versions[k] = version(i)
		for _, x := range e.LeaseSets[i].Tunnels {
			if s.first[x] < 0 {
				s.first[x] = int32(k)
				s.byEnd = append(s.byEnd, x)
			}
			s.last[x] = int32(k)
		}
	}
	slices.SortStableFunc(s.byEnd, func(a, b int32) int {
		switch x, y := e.Tunnels[a].EndMs, e.Tunnels[b].EndMs; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	s.match(e)
	return s
}

// match finds the tunnel that each one may be the heir of: of those over the same
// gateway that can still lend their path and have no heir yet, the one that ends
// first. Each gateway keeps its tunnels without an heir in a list, from which those
// leave that have become too old, so that all matches together take linear time.
func (s *succession) match(e *Evidence) {
	oldest := make([]int32, len(e.Hashes)) // of each gateway, the first without an heir, from 1
	newest := make([]int32, len(e.Hashes))
	next := make([]int32, len(e.Tunnels)) // the one after it, from 1
	for _, t := range s.byEnd {
		gw := e.Tunnels[t].Gateway
		born := e.Tunnels[t].EndMs - lifetimeMs
		for oldest[gw] != 0 && e.Tunnels[oldest[gw]-1].EndMs-born < lendMinMs {
			oldest[gw] = next[oldest[gw]-1]
		}
		if o := oldest[gw]; o != 0 && e.Tunnels[o-1].EndMs-born <= lendMaxMs {
			s.parent[t], s.heir[o-1] = o-1, t
			oldest[gw] = next[o-1]
		}
		if oldest[gw] == 0 {
			oldest[gw] = t + 1
		} else {
			next[newest[gw]-1] = t + 1
		}
		newest[gw] = t + 1
	}
}

// leadMs is how much of its parent's lease was left when a tunnel was ordered.
func (s *succession) leadMs(e *Evidence, t int32) int64 {
	return e.Tunnels[s.parent[t]].EndMs - (e.Tunnels[t].EndMs - lifetimeMs)
}
