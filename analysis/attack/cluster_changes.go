package attack

import (
	"cmp"
	"slices"
)

// A change is what differs between a LeaseSet and the version before it.
type change struct {
	set    int32 // the newer one, index into Evidence.LeaseSets
	before int32 // the older one
	atMs   int64 // when the newer one was made
	spanMs int64 // since the older one was made
	// came are places in the newer LeaseSet, gone are places in the older one.
	came, gone []int32
}

// minChanges is how many changes of the LeaseSet say anything.
const minChanges = 3

// madeMs is when a LeaseSet was made: a LeaseSet1 does not tell, and counts from
// its first sighting.
func (ls *LeaseSet) madeMs() int64 {
	if ls.PublishedMs >= 0 {
		return ls.PublishedMs
	}
	return ls.FirstMs
}

// changesOf compares successive versions. Holders that lag behind show an older
// version after a newer one, so versions are put in the order of their dates. Its
// cost is a sort of the LeaseSets, and two looks at each of their leases.
func changesOf(e *Evidence) []change {
	n := len(e.LeaseSets)
	if n < 2 {
		return nil
	}
	ordered := make([]int32, n)
	leases := 0
	for i := range ordered {
		ordered[i] = int32(i)
		leases += len(e.LeaseSets[i].Tunnels)
	}
	slices.SortStableFunc(ordered, func(a, b int32) int {
		return cmp.Compare(e.LeaseSets[a].madeMs(), e.LeaseSets[b].madeMs())
	})
	out := make([]change, 0, n-1)
	pool := make([]int32, 0, leases/2)
	// in[t] is the last version that lists tunnel t, from 1.
	in := make([]int32, len(e.Tunnels))
	for _, t := range e.LeaseSets[ordered[0]].Tunnels {
		in[t] = 1
	}
	for k := 1; k < n; k++ {
		old, now := &e.LeaseSets[ordered[k-1]], &e.LeaseSets[ordered[k]]
		c := change{set: ordered[k], before: ordered[k-1], atMs: now.madeMs(), spanMs: now.madeMs() - old.madeMs()}
		from := len(pool)
		for j, t := range now.Tunnels {
			if in[t] != int32(k) && in[t] != int32(k+1) {
				pool = append(pool, int32(j))
			}
			in[t] = int32(k + 1)
		}
		c.came = pool[from:len(pool):len(pool)]
		from = len(pool)
		for j, t := range old.Tunnels {
			if in[t] != int32(k+1) {
				pool = append(pool, int32(j))
			}
		}
		c.gone = pool[from:len(pool):len(pool)]
		out = append(out, c)
	}
	return out
}

// rests returns how long the leases that left had still to live when the version
// without them was made, shortest first.
func rests(e *Evidence, changes []change) []int64 {
	var left []int64
	for i := range changes {
		c := &changes[i]
		old := &e.LeaseSets[c.before]
		for _, j := range c.gone {
			left = append(left, old.Ends[j]-c.atMs)
		}
	}
	slices.Sort(left)
	return left
}

// maxNodes bounds the gateways of an exchange, and with it the cost of whatever
// grows faster than they do. Four Java routers name some forty in a day.
const maxNodes = 64

// An exchange tells whose leases replace whose, the nodes being gateways, say. Let
// Δ be how the number of leases of each node changes from one version to the next:
// the exchange is the sum of ΔΔᵀ, each change weighted with one over its size, so
// that a gap in the trace counts no more than a change that was followed.
//
// A router that keeps its number of leases gives each lease that goes a successor
// of its own, so that Δ sums to zero over its gateways in every change: entries
// between gateways of one router are negative, and between routers positive and
// negative ones cancel, even where changes of several routers fall into one
// version. With signs turned around it is the Laplacian of the graph of
// replacements, whose blocks are the routers.
type exchange struct {
	nodes int
	of    []int32 // node of each tunnel, -1 for those left out
	gram  []float64
	// events are the changes without what cancels (a node that follows itself), in
	// flat the nodes that gained and those that lost a lease, one entry a lease.
	events []exchangeEvent
	flat   []int32
}

type exchangeEvent struct{ gain, loss, end int32 } // bounds in flat

func (x *exchange) gained(k int) []int32 { return x.flat[x.events[k].gain:x.events[k].loss] }
func (x *exchange) lost(k int) []int32   { return x.flat[x.events[k].loss:x.events[k].end] }

// gatewayExchange has the gateways with most tunnels as nodes: the trace tells most
// about them.
func gatewayExchange(e *Evidence, changes []change) *exchange {
	rank := make([]int32, len(e.Hashes))
	node := make([]int32, len(e.Hashes))
	for g := range rank {
		rank[g] = int32(g)
		node[g] = -1
	}
	slices.SortStableFunc(rank, func(a, b int32) int { return cmp.Compare(e.Abundance[b], e.Abundance[a]) })
	rank = rank[:min(len(rank), maxNodes)]
	for k, g := range rank {
		node[g] = int32(k)
	}
	of := make([]int32, len(e.Tunnels))
	for t := range of {
		of[t] = node[e.Tunnels[t].Gateway]
	}
	return exchangeOf(e, changes, of, len(rank))
}

// tickSeconds is the interval at which an i2pd router looks after its tunnels.
// Their successors over the same path end at the same residue of it, a first
// tunnel over a path at that of another round of the same router (i2pd 2.58.0,
// Tunnels::ManageTunnels, TunnelPool::ManageTunnels).
const tickSeconds = 15

// tickExchange has the residues of the ends as nodes.
func tickExchange(e *Evidence, changes []change) *exchange {
	of := make([]int32, len(e.Tunnels))
	for t := range of {
		of[t] = tickOf(e.Tunnels[t].EndMs)
	}
	return exchangeOf(e, changes, of, tickSeconds)
}

func tickOf(endMs int64) int32 {
	return int32((endMs/1000%tickSeconds + tickSeconds) % tickSeconds)
}

// exchangeOf costs O(n + c·m²) for n leases and c changes of m leases each that do
// not cancel. Tunnels of node -1 are left out.
func exchangeOf(e *Evidence, changes []change, of []int32, nodes int) *exchange {
	x := &exchange{nodes: nodes, of: of, gram: make([]float64, nodes*nodes)}
	net := make([]int32, nodes)
	var touched []int32
	for i := range changes {
		c := &changes[i]
		now, old := &e.LeaseSets[c.set], &e.LeaseSets[c.before]
		touched = touched[:0]
		for _, j := range c.came {
			if k := of[now.Tunnels[j]]; k >= 0 {
				net[k]++
				touched = append(touched, k)
			}
		}
		for _, j := range c.gone {
			if k := of[old.Tunnels[j]]; k >= 0 {
				net[k]--
				touched = append(touched, k)
			}
		}
		ev := exchangeEvent{gain: int32(len(x.flat))}
		for _, k := range touched {
			for ; net[k] > 0; net[k]-- {
				x.flat = append(x.flat, k)
			}
		}
		ev.loss = int32(len(x.flat))
		for _, k := range touched {
			for ; net[k] < 0; net[k]++ {
				x.flat = append(x.flat, k)
			}
		}
		ev.end = int32(len(x.flat))
		if ev.end > ev.gain {
			x.events = append(x.events, ev)
		}
	}
	x.fill(x.gram, x.flat)
	return x
}

// fill adds up ΔΔᵀ over the events, with their leases taken from flat: there the
// losses may be permuted.
func (x *exchange) fill(gram []float64, flat []int32) {
	clear(gram)
	p := x.nodes
	for _, ev := range x.events {
		w := 2 / float64(ev.end-ev.gain)
		gain, loss := flat[ev.gain:ev.loss], flat[ev.loss:ev.end]
		for _, a := range gain {
			row := gram[int(a)*p : int(a)*p+p]
			for _, b := range gain {
				row[b] += w
			}
			for _, b := range loss {
				row[b] -= w
			}
		}
		for _, a := range loss {
			row := gram[int(a)*p : int(a)*p+p]
			for _, b := range gain {
				row[b] -= w
			}
			for _, b := range loss {
				row[b] += w
			}
		}
	}
}
