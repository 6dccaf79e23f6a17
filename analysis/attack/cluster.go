package attack

import (
	"math"
	"math/rand/v2"
	"slices"
)

// cluster looks for communities: which gateways' leases follow each other, and
// which residues of the ends do. A router replaces its tunnels by tunnels of its
// own, so that gateways of one router follow each other and no other router's,
// whatever the number of leases each has. Where i2pd routers draw from the same
// crowd of gateways, the ends still tell: all tunnels of one router are built in
// rounds of the same phase.
//
// It assumes that a version of the LeaseSet is seen before most of its leases are
// gone, and that slices overlap little (for the gateways) or that rounds keep their
// phase (for the ends). What it measures, for the one and for the other:
//
//   - the modularity of the best split of the replacement graph, and by how much it
//     exceeds that of the same changes with their departures permuted, which keeps
//     how often each node gains and loses a lease;
//   - how many communities there are, weighted by size;
//   - the number of routers, at most maxBlocks, by the integrated likelihood (ICL)
//     of degree-corrected block models, and the gain of that model over one block
//     in nats a replacement;
//   - how evenly ends lie over the residues (entropy).
//
// Newman, Girvan (2004), Phys. Rev. E 69:026113, for modularity; Karrer, Newman
// (2011), Phys. Rev. E 83:016107, for the block model; Daudin, Picard, Robin
// (2008), Stat. Comput. 18:173, for the ICL.
//
// O(n log n + c·m² + p²) for n leases, c changes of m leases, p ≤ maxNodes nodes.
var cluster = signal{
	name:     "cluster",
	vantages: anySighting,
	numbers: []string{
		"modularity", "over_null", "communities", "routers", "icl_gain",
		"tick_modularity", "tick_over_null", "tick_communities", "tick_routers", "tick_icl_gain",
		"tick_entropy",
	},
	measure: clusterNumbers,
	natural: func(v []float64) float64 { return v[1] },
}

func clusterNumbers(e *Evidence) []float64 {
	changes := changesOf(e)
	if len(changes) < minChanges {
		return nil
	}
	out := make([]float64, 0, 11)
	for _, x := range []*exchange{gatewayExchange(e, changes), tickExchange(e, changes)} {
		d := newDivider(x.nodes)
		s := d.divide(x.gram)
		routers, gain := x.blocks(&s)
		out = append(out, s.modularity, s.modularity-x.null(d), math.Log(s.effective(x.gram)), routers, gain)
	}
	return append(out, tickEntropy(e))
}

// permutations is how many nulls are drawn. One of a day deviates from their mean
// by hundredths, and they are half of the signal's time.
const permutations = 3

// null returns the mean modularity of the changes with their departures permuted.
// The seed depends on the number of leases that came and went alone.
func (x *exchange) null(d *divider) float64 {
	rng := rand.New(rand.NewPCG(140, uint64(len(x.flat))))
	flat := slices.Clone(x.flat)
	var places []int32
	for _, ev := range x.events {
		for k := ev.loss; k < ev.end; k++ {
			places = append(places, k)
		}
	}
	gram := make([]float64, len(x.gram))
	sum := 0.0
	for range permutations {
		for i := len(places) - 1; i > 0; i-- {
			a, b := places[i], places[rng.IntN(i+1)]
			flat[a], flat[b] = flat[b], flat[a]
		}
		x.fill(gram, flat)
		sum += d.divide(gram).modularity
	}
	return sum / permutations
}

// maxBlocks is the largest number of blocks that are considered: beyond, each would
// have two leases or fewer.
const maxBlocks = 8

// blocks returns the number of blocks of the best block model among the splits that
// joining the communities one by one leads to, and its gain over one block.
func (x *exchange) blocks(start *split) (routers, gain float64) {
	p := x.nodes
	routers = 1
	follow := make([]float64, p*p)
	total := 0.0
	for k := range x.events {
		came, gone := x.gained(k), x.lost(k)
		if len(came) == 0 || len(gone) == 0 {
			continue
		}
		w := 1 / float64(max(len(came), len(gone)))
		for _, a := range came {
			for _, b := range gone {
				follow[int(a)*p+int(b)] += w
			}
		}
		total += w * float64(len(came)*len(gone))
	}
	if total < 1 {
		return 1, 0
	}
	l := newLadder(start, x.gram)
	for k := maxBlocks; k >= 2; k-- {
		if !l.down(k) {
			continue
		}
		if g := l.integrated(follow, total); g > gain {
			gain, routers = g, float64(k)
		}
	}
	return routers, gain / total
}

// integrated is the ICL of the block model of a split less that of one block.
func (s *split) integrated(follow []float64, total float64) float64 {
	n, p := s.groups, len(s.group)
	between := make([]float64, n*n)
	gain, loss, members := make([]float64, n), make([]float64, n), make([]float64, n)
	nodes := 0.0
	for i, a := range s.group {
		if a < 0 {
			continue
		}
		members[a]++
		nodes++
		for j, b := range s.group {
			if b < 0 {
				continue
			}
			w := follow[i*p+j]
			between[int(a)*n+int(b)] += w
			gain[a] += w
			loss[b] += w
		}
	}
	sum := 0.0
	for a := range n {
		for b := range n {
			if w := between[a*n+b]; w > 0 {
				sum += w * math.Log(w*total/(gain[a]*loss[b]))
			}
		}
		sum -= members[a] * math.Log(nodes/members[a])
	}
	free := float64((n - 1) * (n - 1))
	return sum - free/2*math.Log(total)
}

// tickEntropy is the entropy of the ends' residues, in nats: that of rounds of one
// phase is near 0, of ends without phase log tickSeconds.
func tickEntropy(e *Evidence) float64 {
	var count [tickSeconds]float64
	n := 0.0
	for i := range e.Tunnels {
		if e.Tunnels[i].First >= 0 {
			count[tickOf(e.Tunnels[i].EndMs)]++
			n++
		}
	}
	h := 0.0
	for _, c := range count {
		if c > 0 {
			h -= c / n * math.Log(c/n)
		}
	}
	return h
}
