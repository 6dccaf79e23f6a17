package policy

import (
	"math/bits"
	"math/rand/v2"

	"multihome.i2p/balancer"
)

// Rules of Java's path choice (TunnelPool.configureNewTunnel,
// TunnelPoolManager.selectPeersInTooManyTunnels).
const (
	reuseWithin   = 3 * balancer.Minute
	shareMinCount = 4 // tunnels before the 33 % rule counts
	shareUptime   = 10 * balancer.Minute
	sharePercent  = 33
)

// tier is a set of peers that paths are drawn from, with the groups that its
// keys put them in.
type tier struct {
	keys   [2]balancer.SliceKey // by direction
	seen   uint64
	peers  []int32 // slots: the fast ones first
	in     slotSet // those, where they are a union
	fast   int
	ids    []balancer.PeerID // of the fast ones, to know which groups still hold
	groups [2][]uint8        // of the fast ones, by direction
	slots  [2][]int32        // the fast ones by direction, sorted by group
	bounds [2][5]int         // where each group begins in them, and the last ends
}

func (t *tier) reset(rng *rand.Rand) {
	for d := range t.keys {
		t.keys[d] = balancer.SliceKey{K0: rng.Uint64(), K1: rng.Uint64()}
	}
	t.seen = 0
	t.peers, t.fast = t.peers[:0], 0
	t.ids = t.ids[:0]
	for d := range t.groups {
		t.groups[d] = t.groups[d][:0]
	}
	t.emptySlots()
}

func (t *tier) emptySlots() {
	for d := range t.slots {
		t.slots[d] = t.slots[d][:0]
		t.bounds[d] = [5]int{}
	}
}

// of is the part of the fast tier in a set of neighbouring groups.
func (t *tier) of(dir balancer.Direction, set balancer.GroupSet) []int32 {
	from, to := bits.TrailingZeros8(uint8(set)), bits.Len8(uint8(set))
	return t.slots[dir][t.bounds[dir][from]:t.bounds[dir][to]]
}

// refresh takes over the list of router r if it has changed.
func (t *tier) refresh(v *balancer.View, r balancer.RouterID) {
	if t.seen == v.PeersVersion(r) {
		return
	}
	t.seen = v.PeersVersion(r)
	t.peers = append(t.peers[:0], v.Peers(r)...)
	t.fast = v.FastCount(r)
	t.regroup(v)
}

// refreshUnion takes over the union of all active routers' lists.
func (t *tier) refreshUnion(v *balancer.View) {
	seen := listsVersion(v)
	if t.seen == seen {
		return
	}
	t.seen = seen
	t.peers = t.peers[:0]
	t.in.begin()
	t.addUnion(v, true)
	t.fast = len(t.peers)
	t.addUnion(v, false)
	t.regroup(v)
}

// slotSet is a set of slots of the peer table.
type slotSet struct {
	marks []uint32 // by slot: the turn in which it was added last
	turn  uint32
}

// begin empties the set.
func (s *slotSet) begin() {
	s.turn++
	if s.turn == 0 {
		clear(s.marks)
		s.turn = 1
	}
}

// add tells whether slot x was not in the set before.
func (s *slotSet) add(x int32) bool {
	for int(x) >= len(s.marks) {
		s.marks = append(s.marks, 0)
	}
	fresh := s.marks[x] != s.turn
	s.marks[x] = s.turn
	return fresh
}

func (t *tier) addUnion(v *balancer.View, fast bool) {
	for i := range v.Routers() {
		r := balancer.RouterID(i)
		if !v.Active(r) {
			continue
		}
		list := v.Peers(r)
		if fast {
			list = list[:v.FastCount(r)]
		} else {
			list = list[v.FastCount(r):]
		}
		for _, s := range list {
			if t.in.add(s) {
				t.peers = append(t.peers, s)
			}
		}
	}
}

func contains(list []int32, x int32) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// regroup hashes the fast peers that were not in the same place before.
func (t *tier) regroup(v *balancer.View) {
	for i, s := range t.peers[:t.fast] {
		p := v.Peer(s)
		if i < len(t.ids) && t.ids[i] == p.ID {
			continue
		}
		if i == len(t.ids) {
			t.ids = append(t.ids, 0)
			t.groups[0] = append(t.groups[0], 0)
			t.groups[1] = append(t.groups[1], 0)
		}
		t.ids[i] = p.ID
		for d := range t.keys {
			t.groups[d][i] = uint8(t.keys[d].Group(p.Hash))
		}
	}
	t.emptySlots()
	for d := range t.slots {
		at := &t.bounds[d]
		for _, g := range t.groups[d][:t.fast] {
			at[g+1]++
		}
		for g := range 4 {
			at[g+1] += at[g]
		}
		t.slots[d] = append(t.slots[d], t.peers[:t.fast]...) // to have the length
		next := *at
		for i, s := range t.peers[:t.fast] {
			g := t.groups[d][i]
			t.slots[d][next[g]] = s
			next[g]++
		}
	}
}

// usedPeer is what a chosen hop excludes.
type usedPeer struct {
	id     balancer.PeerID
	net16  uint16
	port   uint16
	family uint32
}

// choose appends a path of n hops, from the operator's router outwards, or nothing
// where no peer may be the next hop. Hops
// are chosen in the code's order: the one next to us (of an outbound tunnel:
// the OBEP), the middle ones, the IBGW (the first outbound hop).
func (p *javaLike) choose(v *balancer.View, t *tier, pool balancer.PoolID, dir balancer.Direction, n int, path []balancer.PeerID) []balancer.PeerID {
	at := len(path)
	for range n {
		path = append(path, balancer.None)
	}
	p.used = p.used[:0]
	r := v.PoolRouter(pool)
	p.busy = maxTunnels
	if p.opt.MaxPeerShare && v.Uptime(r) > shareUptime {
		p.busy = busyLimit(v.UseAtMost(r, balancer.None))
	}
	for k := range n {
		i := k
		if dir == balancer.Outbound {
			i = n - 1 - k
		}
		slot, ok := p.hop(v, t, pool, dir, i, n)
		if !ok {
			return path[:at]
		}
		q := v.Peer(slot)
		path[at+i] = q.ID
		p.used = append(p.used, usedPeer{q.ID, q.Net16, q.Port, q.Family})
	}
	if n > 3 {
		orderMiddles(v, t, t.keys[dir], path[at+1:at+n-1])
	}
	return path
}

// hop draws hop i of n: from its groups of the fast tier, else from all the
// high-capacity peers.
func (p *javaLike) hop(v *balancer.View, t *tier, pool balancer.PoolID, dir balancer.Direction, i, n int) (int32, bool) {
	if p.pooled && dir == balancer.Inbound && i == n-1 {
		p.refreshCommon(v)
		if s, ok := p.draw(v, p.common.slots, pool, dir, i, n); ok {
			return s, true
		}
	}
	set := balancer.GroupsAll
	if p.opt.Slices {
		set = balancer.EffectiveGroups(balancer.HopGroups(dir, i, n), t.fast)
	}
	if s, ok := p.draw(v, t.of(dir, set), pool, dir, i, n); ok {
		return s, true
	}
	return p.draw(v, t.peers, pool, dir, i, n)
}

// Candidates is the number of peers that the inbound gateways of a pool are
// drawn from: those of its group that may be gateways.
func (p *javaLike) Candidates(v *balancer.View, pool balancer.PoolID) int {
	if p.pooled {
		p.refreshCommon(v)
		return len(p.common.slots)
	}
	t := &p.tiers[pool]
	if p.union {
		t.refreshUnion(v)
	} else {
		t.refresh(v, v.PoolRouter(pool))
	}
	hops := v.Hops(v.PoolRouter(pool))
	set := balancer.GroupsAll
	if p.opt.Slices {
		set = balancer.EffectiveGroups(balancer.HopGroups(balancer.Inbound, hops-1, hops), t.fast)
	}
	n := 0
	for _, s := range t.of(balancer.Inbound, set) {
		if p.gateway(v.Peer(s), balancer.Inbound) {
			n++
		}
	}
	return n
}

// gateway tells whether a peer may be the far end of a tunnel: of an inbound
// one a reachable peer with IPv4, of an outbound one a peer with IPv4.
func (p *javaLike) gateway(q *balancer.Peer, dir balancer.Direction) bool {
	need := balancer.PeerIPv4
	if dir == balancer.Inbound {
		need |= balancer.PeerReachable
	}
	return !p.opt.IBGWFilter || q.Flags&need == need
}

// draw takes the candidates in random order until one is allowed.
func (p *javaLike) draw(v *balancer.View, from []int32, pool balancer.PoolID, dir balancer.Direction, i, n int) (int32, bool) {
	if len(from) == 0 {
		return 0, false
	}
	// The first is usually allowed: only where it is not, the list is copied, to
	// take out who was tried.
	j := p.rng.IntN(len(from))
	if s := from[j]; p.allowed(v, v.Peer(s), pool, dir, i, n) {
		return s, true
	}
	p.pick = append(p.pick[:0], from...)
	p.pick[j] = p.pick[len(from)-1]
	for m := len(from) - 1; m > 0; m-- {
		j := p.rng.IntN(m)
		s := p.pick[j]
		p.pick[j] = p.pick[m-1]
		if p.allowed(v, v.Peer(s), pool, dir, i, n) {
			return s, true
		}
	}
	return 0, false
}

func (p *javaLike) allowed(v *balancer.View, q *balancer.Peer, pool balancer.PoolID, dir balancer.Direction, i, n int) bool {
	if q.Flags&balancer.PeerExcluded != 0 {
		return false
	}
	if i == n-1 && !p.gateway(q, dir) {
		return false
	}
	for _, u := range p.used {
		if u.id == q.ID {
			return false
		}
		if p.opt.SameSubnet && n > 1 &&
			(u.net16 != 0 && u.net16 == q.Net16 || u.port != 0 && u.port == q.Port || u.family != 0 && u.family == q.Family) {
			return false
		}
	}
	if p.busy < maxTunnels {
		r := v.PoolRouter(pool)
		if most, _ := v.UseAtMost(r, q.ID); most <= p.busy {
			return true
		}
		through, _ := v.Use(r, q.ID)
		return through <= p.busy
	}
	return true
}

// maxTunnels is more than the tunnels that any peer can stand in.
const maxTunnels = 1 << 30

// busyLimit is in how many of a router's tunnels, of which there are so many in all, a
// peer may stand to be taken for another one: (through+1)*100/(all+1), in whole
// numbers, may not exceed sharePercent, but who stands in none is always taken.
func busyLimit(_, all int) int {
	if all < shareMinCount {
		return maxTunnels
	}
	return max(0, ((sharePercent+1)*(all+1)-1)/100-1)
}

// orderMiddles orders the middle hops of a long tunnel by a keyed hash, so
// that the same peers always stand in the same order.
func orderMiddles(v *balancer.View, t *tier, key balancer.SliceKey, middles []balancer.PeerID) {
	rank := func(id balancer.PeerID) uint64 {
		for _, s := range t.peers {
			if q := v.Peer(s); q.ID == id {
				return balancer.SipHash24(balancer.SliceKey{K0: key.K1, K1: key.K0}, q.Hash)
			}
		}
		return 0
	}
	for i := 1; i < len(middles); i++ {
		for j := i; j > 0 && rank(middles[j]) < rank(middles[j-1]); j-- {
			middles[j], middles[j-1] = middles[j-1], middles[j]
		}
	}
}
