package balancer_test

import (
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// Under masked failover a router's leases outlive it: each is replaced when it
// would have been, by a tunnel that another router builds through the lost one's
// peers, and the LeaseSet stays full all the time.
func TestMaskedFailover(t *testing.T) {
	cfg := config(4, 16, named(t, "per-router", func(o *policy.Options) { o.Masked = true }), 3)
	r := newRig(t, cfg, 3)
	r.run(balancer.Hour)
	crashed := r.now
	was := r.routersOf(r.last().action.Leases)[1]
	r.crash(1)
	r.run(crashed + 2*balancer.Minute)
	early := r.last().action.Leases
	if n := r.routersOf(early)[1]; n == 0 || was != 4 {
		t.Errorf("two minutes after the crash the LeaseSet has %d of its %d leases", n, was)
	}
	r.run(crashed + 20*balancer.Minute)
	own := map[balancer.PeerID]bool{}
	for _, p := range r.tiers[1] {
		own[p.ID] = true
	}
	through := 0
	for _, l := range r.last().action.Leases {
		if l.Router == 1 {
			t.Errorf("a lease of the lost router is listed after 20 minutes")
		}
		if own[l.Gateway] {
			through++
		}
	}
	if through != 4 {
		t.Errorf("%d leases through the lost router's peers, want its quota of 4", through)
	}
	for _, p := range r.published {
		if p.at > crashed-balancer.Minute && len(p.action.Leases) < 15 {
			t.Errorf("%d leases at %.0f s after the crash", len(p.action.Leases), (p.at - crashed).Seconds())
		}
	}
	r.up(1)
	r.run(r.now + 20*balancer.Minute)
	if n := r.routersOf(r.last().action.Leases); n[1] != 4 {
		t.Errorf("after its return the routers have %v leases", n)
	}
}

// With nobody left to build for it, a lost router is not masked.
func TestTheLastRouterIsNotMasked(t *testing.T) {
	r := newRig(t, config(2, 8, named(t, "per-router", func(o *policy.Options) { o.Masked = true }), 4), 4)
	r.run(balancer.Hour)
	r.crash(0)
	r.run(r.now + balancer.Minute)
	r.crash(1)
	n := len(r.published)
	r.run(r.now + balancer.Hour)
	if len(r.published) != n {
		t.Error("published with all routers lost")
	}
	r.up(1)
	r.run(r.now + 20*balancer.Minute)
	if len(r.last().action.Leases) < 7 {
		t.Errorf("%d leases with one router back", len(r.last().action.Leases))
	}
}

// Policy common-pool draws all gateways from as many peers as it is told.
func TestCommonPool(t *testing.T) {
	for _, from := range []string{policy.FromUnion, policy.FromLeader, policy.FromIntersection} {
		r := pathRig(t, 4, "common-pool", func(o *policy.Options) { o.Size, o.From = 10, from }, nil)
		all := map[balancer.PeerID]bool{}
		for id := range r.tiers {
			of := r.peersAt(balancer.RouterID(id), balancer.Inbound, 2)
			if len(of) != 10 {
				t.Errorf("from %s: router %d has %d gateways, want 10", from, id, len(of))
			}
			for g := range of {
				all[g] = true
				if from == policy.FromLeader && g/1000 != 1 {
					t.Errorf("gateway %d is none of the leader's", g)
				}
			}
		}
		if len(all) != 10 {
			t.Errorf("from %s: %d gateways in all, want 10", from, len(all))
		}
	}
}
