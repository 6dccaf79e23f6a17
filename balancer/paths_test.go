package balancer_test

import (
	"slices"
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// peersAt collects the peers seen at hop i of tunnels in direction dir that
// router id built.
func (r *rig) peersAt(id balancer.RouterID, dir balancer.Direction, i int) map[balancer.PeerID]bool {
	seen := map[balancer.PeerID]bool{}
	for _, p := range r.paths {
		if p.dir == dir && p.router == id {
			seen[p.path[i]] = true
		}
	}
	return seen
}

func overlap(a, b map[balancer.PeerID]bool) int {
	n := 0
	for id := range a {
		if b[id] {
			n++
		}
	}
	return n
}

// pathRig runs n routers for hours without reuse, so that every path is
// drawn; change may alter the tiers before the first list is given.
func pathRig(t *testing.T, n int, name string, opt func(*policy.Options), change func(tiers [][]balancer.Peer)) *rig {
	cfg := config(n, 16, named(t, name, func(o *policy.Options) {
		o.Reuse = 0
		if opt != nil {
			opt(o)
		}
	}), 21)
	r := newRig(t, cfg, 21)
	for i := range r.tiers {
		for j := range r.tiers[i] {
			r.tiers[i][j].Flags |= balancer.PeerFast
		}
	}
	if change != nil {
		change(r.tiers)
	}
	r.success = 1
	r.run(12 * balancer.Hour)
	return r
}

// Java I2P draws the hops of a 3-hop tunnel from disjoint groups of the fast
// tier: the closest hop, the middle and the gateway never swap roles.
func TestSlicesKeepPositionsApart(t *testing.T) {
	r := pathRig(t, 1, "single", nil, nil)
	for _, dir := range []balancer.Direction{balancer.Inbound, balancer.Outbound} {
		for i := range 3 {
			for j := range i {
				if n := overlap(r.peersAt(0, dir, i), r.peersAt(0, dir, j)); n > 0 {
					t.Errorf("direction %d: %d peers stand both at hop %d and at hop %d", dir, n, i, j)
				}
			}
		}
	}
	r = pathRig(t, 1, "single", func(o *policy.Options) { o.Slices = false }, nil)
	if n := len(r.peersAt(0, balancer.Inbound, 2)); n != 30 {
		t.Errorf("without slices %d of 30 peers were gateways, want all", n)
	}
}

func TestPathFilters(t *testing.T) {
	r := pathRig(t, 1, "single", nil, func(tiers [][]balancer.Peer) {
		for j := range tiers[0] {
			p := &tiers[0][j]
			p.Net16 = uint16(1 + j%15) // two peers a subnet
			if j%3 == 0 {
				p.Flags &^= balancer.PeerReachable
			}
			if j%5 == 0 {
				p.Flags &^= balancer.PeerIPv4
			}
			if j%7 == 0 {
				p.Flags |= balancer.PeerExcluded
			}
		}
	})
	peer := func(id balancer.PeerID) *balancer.Peer {
		i := slices.IndexFunc(r.tiers[0], func(p balancer.Peer) bool { return p.ID == id })
		return &r.tiers[0][i]
	}
	for _, b := range r.paths {
		last := peer(b.path[2])
		if last.Flags&balancer.PeerIPv4 == 0 {
			t.Fatalf("peer %d without IPv4 is the far end of a tunnel", last.ID)
		}
		if b.dir == balancer.Inbound && last.Flags&balancer.PeerReachable == 0 {
			t.Fatalf("unreachable peer %d is an IBGW", last.ID)
		}
		for i, id := range b.path {
			if peer(id).Flags&balancer.PeerExcluded != 0 {
				t.Fatalf("excluded peer %d is a hop", id)
			}
			for _, other := range b.path[:i] {
				if peer(other).Net16 == peer(id).Net16 {
					t.Fatalf("path %v has two peers of one /16", b.path)
				}
			}
		}
	}
}

func TestPoliciesDrawFromTheirTiers(t *testing.T) {
	own := pathRig(t, 2, "per-router", nil, nil)
	if n := overlap(own.peersAt(0, balancer.Inbound, 2), own.peersAt(1, balancer.Inbound, 2)); n > 0 {
		t.Errorf("per-router: %d gateways in common from disjoint tiers", n)
	}
	same := func(tiers [][]balancer.Peer) { copy(tiers[1], tiers[0]) }
	key := pathRig(t, 2, "shared-key", nil, same)
	a, b := key.peersAt(0, balancer.Inbound, 2), key.peersAt(1, balancer.Inbound, 2)
	if overlap(a, b) != len(a) || len(a) != len(b) {
		t.Errorf("shared-key over one tier: gateways %v and %v, want the same group", a, b)
	}
	apart := pathRig(t, 2, "per-router", nil, same)
	a, b = apart.peersAt(0, balancer.Inbound, 2), apart.peersAt(1, balancer.Inbound, 2)
	if overlap(a, b) == len(a) && len(a) == len(b) {
		t.Errorf("per-router over one tier: both routers draw from the same group %v", a)
	}
	union := pathRig(t, 2, "superset", nil, nil)
	for id := range 2 {
		foreign := 0
		for p := range union.peersAt(balancer.RouterID(id), balancer.Inbound, 2) {
			if int(p)/1000 != id+1 {
				foreign++
			}
		}
		if foreign == 0 {
			t.Errorf("superset: router %d never built through a peer of the other's tier", id)
		}
	}
}

// A quarter of all attempts draw a new path at least; a repeated path is one
// that a tunnel of the pool had before.
func TestReuse(t *testing.T) {
	r := newRig(t, config(1, 16, named(t, "single", nil), 22), 22)
	r.success = 1
	r.run(24 * balancer.Hour)
	var recent [][3]balancer.PeerID
	repeated, n := 0, 0
	for _, p := range r.paths {
		if p.dir != balancer.Inbound {
			continue
		}
		n++
		if slices.Contains(recent, p.path) {
			repeated++
		}
		recent = append(recent, p.path)
		recent = recent[max(0, len(recent)-32):]
	}
	// 3/4 by reuse; of the drawn quarter about one in eight falls on one of
	// the last 32 paths by chance. The bounds are 5 standard errors away.
	if share := float64(repeated) / float64(n); share < 0.74 || share > 0.82 {
		t.Errorf("%.3f of %d paths were repeated, want about 0.78", share, n)
	}
}
