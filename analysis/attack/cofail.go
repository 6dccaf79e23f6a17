package attack

import (
	"math"
	"slices"
)

// cofail looks for leases that vanish together before their time. Tunnels fail one
// by one; a router that dies takes all of its own along, a quarter of the LeaseSet
// if there are four, and those that are left build more at once.
//
// A lease leaves early if it has more than earlyMarginMs more to live than leases
// that leave usually have; early departures of one change are a block. It measures
//
//   - how many leave early, in an hour and among all that leave;
//   - the block that the average early lease is in, and the largest one's share of
//     its LeaseSet;
//   - by how many standard deviations leases of one block outnumber those that
//     independent failures would bring together;
//   - how many blocks of three or more leave at least two leases: a router without
//     siblings takes all;
//   - kinship: whether members of blocks are of one community, as cluster finds
//     them, more than the listed leases are; and how nearly the most telling block
//     is a whole community and nothing else ("outage");
//   - the burst of new leases after blocks, and the smallest LeaseSet's size.
//
// It assumes versions that follow each other within minutes: what a poller meets
// after a gap left at an unknown time. A balancer that keeps a dead router's leases
// listed until they end shows nothing here.
//
// The approach is that of common-cause failures: Fleming (1975), A reliability
// model for common mode failures, General Atomic GA-A13284; the test is Fisher's
// index of dispersion (Fisher, Thornton, Mackenzie, 1922, Ann. Appl. Biol. 9:325).
//
// O(n log n + c·m² + p²) for n leases, c changes of m leases, p ≤ maxNodes gateways.
var cofail = signal{
	name:     "cofail",
	vantages: anySighting,
	numbers: []string{
		"early_per_h", "early", "block", "largest", "excess", "partial",
		"kinship", "outage", "refill", "smallest",
	},
	measure: cofailNumbers,
	natural: func(v []float64) float64 { return v[7] },
}

const (
	earlyMarginMs = 90 * 1000
	// refillMs after a block new leases count as its replacement: a build takes
	// seconds, a version up to a minute to be published.
	refillMs = 2 * 60 * 1000
)

func cofailNumbers(e *Evidence) []float64 {
	changes := changesOf(e)
	if len(changes) < minChanges {
		return nil
	}
	left := rests(e, changes)
	if len(left) == 0 {
		return nil
	}
	limit := left[len(left)/2] + earlyMarginMs
	x := gatewayExchange(e, changes)
	s := newDivider(x.nodes).divide(x.gram)
	k := kin{x: x, split: &s, listed: make([]float64, s.groups), lost: make([]float64, s.groups)}

	var early, squares, gone, exposure, span, largest, partial, blocks, refill float64
	came := make([]float64, len(changes)+1) // up to each change
	smallest := math.Inf(1)
	var members []int32
	for i := range changes {
		c := &changes[i]
		old := &e.LeaseSets[c.before]
		size := float64(len(old.Ends))
		came[i+1] = came[i] + float64(len(c.came))
		gone += float64(len(c.gone))
		span += float64(c.spanMs)
		exposure += size * float64(c.spanMs)
		smallest = math.Min(smallest, float64(len(e.LeaseSets[c.set].Ends)))
		members = members[:0]
		for _, j := range c.gone {
			if old.Ends[j]-c.atMs > limit {
				members = append(members, old.Tunnels[j])
			}
		}
		n := float64(len(members))
		early += n
		squares += n * n
		largest = math.Max(largest, n/size)
		if n < 2 {
			continue
		}
		blocks++
		if n >= 3 && n <= size-2 {
			partial++
		}
		k.block(old.Tunnels, members)
	}
	// New leases of all changes up to refillMs after each block.
	until := 0
	for i := range changes {
		c := &changes[i]
		for until < len(changes) && changes[until].atMs-c.atMs <= refillMs {
			until++
		}
		n := 0
		for _, j := range c.gone {
			if e.LeaseSets[c.before].Ends[j]-c.atMs > limit {
				n++
			}
		}
		if n >= 2 {
			refill += came[until] - came[i]
		}
	}
	burst := 0.0
	if blocks > 0 && span > 0 {
		burst = math.Log((refill/blocks + 1) / (came[len(changes)]*refillMs/span + 1))
	}
	excess := 0.0
	if exposure > 0 {
		// Failures that come at one rate for each listed lease and millisecond.
		expected := 0.0
		for i := range changes {
			mu := early * float64(len(e.LeaseSets[changes[i].before].Ends)) * float64(changes[i].spanMs) / exposure
			expected += mu * mu
		}
		excess = (squares - early - expected) / math.Sqrt(expected+1)
	}
	hours := math.Max(span/3600e3, 0.1)
	return []float64{
		math.Log1p(early / hours), early / math.Max(gone, 1), squares / math.Max(early, 1), largest,
		math.Asinh(excess), math.Log1p(partial), k.kinship(), k.outage, burst, smallest / usualSize(e),
	}
}

// kin compares blocks with communities.
type kin struct {
	x                     *exchange
	split                 *split
	listed, lost          []float64 // leases of each group, of one block
	same, expected, pairs float64   // pairs of members of one group
	outage                float64
}

func (k *kin) block(listed, members []int32) {
	clear(k.listed)
	clear(k.lost)
	known, lost := 0.0, 0.0
	for _, t := range listed {
		if g := k.x.groupOf(k.split, t); g >= 0 {
			k.listed[g]++
			known++
		}
	}
	for _, t := range members {
		if g := k.x.groupOf(k.split, t); g >= 0 {
			k.lost[g]++
			lost++
		}
	}
	if lost < 2 || known <= lost {
		return
	}
	pairs := lost * (lost - 1) / 2
	k.pairs += pairs
	for g, n := range k.lost {
		k.same += n * (n - 1) / 2
		k.expected += pairs * k.listed[g] * (k.listed[g] - 1) / (known * (known - 1))
		if n >= 2 {
			// Most of the group, hardly anybody else, and not a group that is nearly
			// everything; up to four leases, more of them tell more.
			k.outage = math.Max(k.outage, n/k.listed[g]*n/lost*math.Sqrt(1-k.listed[g]/known)*math.Min(n, 4)/4)
		}
	}
}

// kinship is the share of pairs of one group beyond the expected one; one pair more
// in the denominator, as a single pair proves little.
func (k *kin) kinship() float64 { return (k.same - k.expected) / (k.pairs + 1) }

// usualSize is the median number of leases.
func usualSize(e *Evidence) float64 {
	sizes := make([]int, len(e.LeaseSets))
	for i := range e.LeaseSets {
		sizes[i] = len(e.LeaseSets[i].Ends)
	}
	slices.Sort(sizes)
	return float64(sizes[len(sizes)/2])
}
