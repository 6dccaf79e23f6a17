package policy

import (
	"multihome.i2p/balancer"
)

// Where the common set of gateways is drawn from.
const (
	FromUnion        = "union"        // peers that are fast with any router
	FromIntersection = "intersection" // peers that are fast with all of them
	FromLeader       = "leader"       // the first active router's fast peers
)

// commonSet is the reduced set of gateways of policy common-pool: so many peers,
// drawn at random from the routers' fast tiers. A member stays as long as it can
// be drawn, and is then replaced by another one.
type commonSet struct {
	seen    uint64
	members []balancer.PeerID
	slots   []int32 // of the members

	candidates []int32 // scratch
}

func (c *commonSet) reset() {
	c.seen = 0
	c.members, c.slots = c.members[:0], c.slots[:0]
}

// refresh brings the set up to date with the routers' lists.
func (p *javaLike) refreshCommon(v *balancer.View) {
	c := &p.common
	seen := listsVersion(v)
	if c.seen == seen {
		return
	}
	c.seen = seen
	c.candidates = p.appendCandidates(v, c.candidates[:0])
	c.slots = c.slots[:0]
	kept := c.members[:0]
	for _, id := range c.members {
		for i, s := range c.candidates {
			if v.Peer(s).ID == id {
				kept = append(kept, id)
				c.slots = append(c.slots, s)
				c.candidates = removeAt(c.candidates, i)
				break
			}
		}
	}
	c.members = kept
	for len(c.members) < p.opt.Size && len(c.candidates) > 0 {
		i := p.rng.IntN(len(c.candidates))
		c.members = append(c.members, v.Peer(c.candidates[i]).ID)
		c.slots = append(c.slots, c.candidates[i])
		c.candidates = removeAt(c.candidates, i)
	}
}

// removeAt takes element i out of a list whose order does not matter.
func removeAt(list []int32, i int) []int32 {
	list[i] = list[len(list)-1]
	return list[:len(list)-1]
}

// appendCandidates appends the peers that the common set may hold. Where routers
// have no fast peer in common, the intersection is empty: the union steps in.
func (p *javaLike) appendCandidates(v *balancer.View, list []int32) []int32 {
	first := true
	for i := range v.Routers() {
		r := balancer.RouterID(i)
		if !v.Active(r) {
			continue
		}
		fast := v.Peers(r)[:v.FastCount(r)]
		switch {
		case p.opt.From == FromLeader:
			return p.appendGateways(v, list, fast)
		case p.opt.From == FromIntersection && !first:
			kept := list[:0]
			for _, s := range list {
				if contains(fast, s) {
					kept = append(kept, s)
				}
			}
			list = kept
		default:
			list = p.appendGateways(v, list, fast)
		}
		first = false
	}
	if p.opt.From == FromIntersection && len(list) == 0 {
		for i := range v.Routers() {
			if r := balancer.RouterID(i); v.Active(r) {
				list = p.appendGateways(v, list, v.Peers(r)[:v.FastCount(r)])
			}
		}
	}
	return list
}

// appendGateways appends those of a list that may be inbound gateways, each once.
func (p *javaLike) appendGateways(v *balancer.View, list, from []int32) []int32 {
	for _, s := range from {
		q := v.Peer(s)
		if q.Flags&balancer.PeerExcluded == 0 && p.gateway(q, balancer.Inbound) && !contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// listsVersion changes whenever the list of an active router does, or who is one.
func listsVersion(v *balancer.View) uint64 {
	seen := uint64(0)
	for i := range v.Routers() {
		r := balancer.RouterID(i)
		if v.Active(r) {
			seen = seen*1_000_003 + v.PeersVersion(r)*64 + uint64(i) + 1
		}
	}
	return seen
}
