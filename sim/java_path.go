package sim

import (
	"math/bits"

	"multihome.i2p/balancer"
)

// How a stock Java router chooses the peers of a client tunnel
// (ClientPeerSelector, TunnelPeerSelector, ProfileOrganizer.selectFastPeers).

// noVersion is a tier version that no tier has.
const noVersion = ^uint64(0)

// choosePath fills path with the peers of a new tunnel, from the router
// outwards, and returns their number; 0 where there are too few peers.
func (w *World) choosePath(i int32, dir balancer.Direction, path *[maxHops]int32) int {
	r := &w.routers[i]
	p := &r.pools[dir]
	w.sliceTier(i, p)
	pick := picker{router: i, dir: dir, pool: p, busy: w.busyLimit(r), spread: r.cfg.SameSubnet && p.hops > 1}
	n := p.hops
	if n == 1 {
		return w.pickHops(&pick, path, 0, 1, balancer.GroupsAll)
	}
	// The hop farthest inside comes first, whichever end of the tunnel that
	// is: the closest inbound hop, or the OBEP; then the middle, then the
	// other end. Positions count from the router outwards.
	first, last := 0, n-1
	if dir == balancer.Outbound {
		first, last = n-1, 0
	}
	if w.pickHops(&pick, path, first, 1, p.groupsAt(first)) == 0 {
		return 0
	}
	if n > 2 {
		if w.pickHops(&pick, path, 1, n-2, p.groupsAt(1)) == 0 {
			return 0
		}
		w.orderMiddle(p, path[1:n-1])
	}
	if w.pickHops(&pick, path, last, 1, p.groupsAt(last)) == 0 {
		return 0
	}
	return n
}

// groupsAt is the set of groups that hop k is drawn from.
func (p *tunnelPool) groupsAt(k int) balancer.GroupSet { return balancer.HopGroups(p.dir, k, p.hops) }

// picker is the state of one choice of a path.
type picker struct {
	router int32
	dir    balancer.Direction
	pool   *tunnelPool
	busy   int  // most tunnels that a peer may be in already
	spread bool // no two hops in one /16, on one port or of one family
	chosen [maxHops]int32
	traits [maxHops]trait // of the chosen, if spread
	n      int
}

// trait is what peers of one tunnel may not have in common.
type trait struct {
	net    int32 // its /16, or -1
	port   uint16
	family int32 // 0 for none
}

func (w *World) traitOf(peer int32) trait {
	t := trait{net: -1, port: w.pop.Port(peer), family: w.pop.Family(peer)}
	if w.pop.IPv4(peer) {
		t.net = int32(w.pop.Slash16(peer))
	}
	return t
}

func (a trait) kin(b trait) bool {
	return a.port == b.port || a.net == b.net && a.net >= 0 || a.family == b.family && a.family != 0
}

// busyLimit is the number of tunnels up to which a peer may take part in
// another one.
func (w *World) busyLimit(r *router) int {
	all := len(r.pools[0].members) + len(r.pools[1].members) + r.cfg.Exploratory
	if !r.cfg.MaxPeerShare || all < maxPeerMinimum || w.now-r.started <= maxPeerMinUptime {
		return maxTunnels
	}
	// (count+1)*100/(all+1) > 33, in integers, excludes; the largest count
	// that does not is this:
	return (maxPeerPercent*(all+1)+all)/100 - 1
}

// maxTunnels is more than any peer's count of tunnels.
const maxTunnels = 1 << 20

// pickHops draws howMany peers for the hops from position at on, out of the
// given groups of the fast tier, else of the high-capacity tier, else of the
// whole network. It returns how many it found: all, or none.
func (w *World) pickHops(p *picker, path *[maxHops]int32, at, howMany int, groups balancer.GroupSet) int {
	gateway := p.dir == balancer.Inbound && at+howMany == p.pool.hops
	end := p.dir == balancer.Outbound && at+howMany == p.pool.hops
	for k := range howMany {
		peer := w.pickPeer(p, groups, gateway, end)
		if peer == none {
			return 0
		}
		path[at+k] = peer
		p.chosen[p.n] = peer
		if p.spread {
			p.traits[p.n] = w.traitOf(peer)
		}
		p.n++
	}
	return howMany
}

func (w *World) pickPeer(p *picker, groups balancer.GroupSet, gateway, end bool) int32 {
	r := &w.routers[p.router]
	fast := w.tiers.Fast(int(w.tierOf[p.router]))
	if !r.cfg.Slices {
		groups = balancer.GroupsAll
	}
	groups = balancer.EffectiveGroups(groups, len(fast))
	list := p.pool.sliceOf(groups)
	if peer := w.pickFrom(p, list, gateway, end); peer != none {
		return peer
	}
	w.out.Truth.Fallbacks++
	if peer := w.pickFrom(p, w.tiers.HighCapacity(int(w.tierOf[p.router])), gateway, end); peer != none {
		return peer
	}
	for range 1000 { // any router that does
		peer := w.streams.rand[streamRouters].Int32N(int32(w.pop.Len()))
		if w.acceptable(p, peer, gateway, end) {
			return peer
		}
	}
	return none
}

// pickFrom draws one of the acceptable peers of a list, all alike likely.
func (w *World) pickFrom(p *picker, list []int32, gateway, end bool) int32 {
	if len(list) == 0 {
		return none
	}
	rng := w.streams.rand[streamRouters]
	// Drawing until one is acceptable is uniform over the acceptable ones;
	// where most are not, go through all.
	for range 4 {
		if peer := list[rng.IntN(len(list))]; w.acceptable(p, peer, gateway, end) {
			return peer
		}
	}
	chosen, seen := int32(none), 0
	for _, peer := range list {
		if w.acceptable(p, peer, gateway, end) {
			seen++
			if rng.IntN(seen) == 0 {
				chosen = peer
			}
		}
	}
	return chosen
}

// acceptable applies the exclusions.
func (w *World) acceptable(p *picker, peer int32, gateway, end bool) bool {
	r := &w.routers[p.router]
	if int(r.use[peer]) > p.busy {
		return false
	}
	for _, q := range p.chosen[:p.n] {
		if q == peer {
			return false
		}
	}
	switch {
	case gateway && r.cfg.IBGWFilter && !w.pop.IBGW(peer):
		return false
	case end && r.cfg.IBGWFilter && !w.pop.IPv4(peer):
		return false
	}
	if p.spread && p.n > 0 {
		mine := w.traitOf(peer)
		for _, t := range p.traits[:p.n] {
			if t.kin(mine) {
				return false
			}
		}
	}
	return true
}

// sliceTier sorts the fast tier into the pool's groups, once for each version
// of the tier.
func (w *World) sliceTier(i int32, p *tunnelPool) {
	k := int(w.tierOf[i])
	v := w.tiers.Version(k)
	if v == p.tierVersion {
		return
	}
	p.tierVersion = v
	fast := w.tiers.Fast(k)
	p.bounds = [5]int{}
	var moved [4]sliced // those last overwritten: who comes or goes shifts the others
	moves := 0
	for n, peer := range fast {
		if n == len(p.tier) {
			p.tier = append(p.tier, sliced{peer: none})
		}
		s := &p.tier[n]
		if s.peer != peer {
			group, known := groupOf(peer, moved[:min(moves, len(moved))])
			if !known {
				group, known = groupOf(peer, p.tier[n+1:min(n+4, len(p.tier))])
			}
			if !known {
				group = int32(p.key.Group(w.pop.HashWords(peer)))
			}
			moved[moves%len(moved)] = *s
			moves++
			*s = sliced{peer, group}
		}
		p.bounds[s.group+1]++
	}
	for g := range 4 {
		p.bounds[g+1] += p.bounds[g]
	}
	at := p.bounds
	p.slices = resized(p.slices, len(fast))
	for n, peer := range fast {
		g := p.tier[n].group
		p.slices[at[g]] = peer
		at[g]++
	}
}

// groupOf looks for a peer's group in a short list.
func groupOf(peer int32, list []sliced) (group int32, ok bool) {
	for k := range list {
		if list[k].peer == peer {
			return list[k].group, true
		}
	}
	return 0, false
}

// sliceOf is the part of the fast tier in a set of neighbouring groups.
func (p *tunnelPool) sliceOf(set balancer.GroupSet) []int32 {
	from := bits.TrailingZeros8(uint8(set))
	to := bits.Len8(uint8(set))
	return p.slices[p.bounds[from]:p.bounds[to]]
}

// orderMiddle puts the middle hops of a tunnel of four and more into the order
// of a keyed hash, so that a pool keeps the same ones in the same places.
func (w *World) orderMiddle(p *tunnelPool, hops []int32) {
	for k := 1; k < len(hops); k++ {
		for j := k; j > 0 && w.middleRank(p, hops[j]) < w.middleRank(p, hops[j-1]); j-- {
			hops[j], hops[j-1] = hops[j-1], hops[j]
		}
	}
}

func (w *World) middleRank(p *tunnelPool, peer int32) uint64 {
	return balancer.SipHash24(p.order, w.pop.HashWords(peer))
}
