package balancer_test

import (
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

func mimicRig(t *testing.T, routers int, seed uint64, change func(*policy.Options)) *rig {
	return newRig(t, config(routers, 16, named(t, "mimic", func(o *policy.Options) {
		o.Masked = true
		if change != nil {
			change(o)
		}
	}), seed), seed)
}

// What is listed is the leader's: gateways of its tier alone, sixteen leases whoever
// serves, ends that rise as one router's. Who carries a lease is drawn.
func TestMimicShowsTheLeader(t *testing.T) {
	r := mimicRig(t, 4, 31, nil)
	r.run(8 * balancer.Hour)
	share := make([]int, 4)
	for _, p := range r.published {
		if p.router != 0 {
			t.Fatalf("router %d published at %.0f s", p.router, p.at.Seconds())
		}
		if p.at < balancer.Hour {
			continue
		}
		if n := len(p.action.Leases); n < 9 {
			t.Errorf("%d leases at %.0f s", n, p.at.Seconds())
		}
		for i, n := range r.routersOf(p.action.Leases) {
			share[i] += n
		}
		for _, l := range p.action.Leases {
			if l.Gateway/1000 != 1 {
				t.Fatalf("gateway %d is none of the leader's", l.Gateway)
			}
		}
	}
	total := share[0] + share[1] + share[2] + share[3]
	for i, n := range share {
		if n < total/8 || n > total*3/8 {
			t.Errorf("router %d carries %d of %d leases, want about a quarter", i, n, total)
		}
	}
}

// A publish that its router has not begun counts for nothing: the next one comes when it
// would have come without it.
func TestMimicTakesBackAPublish(t *testing.T) {
	r := mimicRig(t, 4, 36, nil)
	r.run(2 * balancer.Hour)
	for range 20 {
		n := len(r.published)
		r.outruns = 1
		for len(r.published) < n+3 {
			r.run(r.now + balancer.Second)
		}
		before, refused, next, after := r.published[n-1], r.published[n], r.published[n+1], r.published[n+2]
		if refused.action.Tunnel == balancer.None {
			t.Fatal("a publish that names no newest tunnel")
		}
		if d := next.at - refused.at; d > 5*balancer.Second {
			t.Errorf("published again %.1f s after one that was not begun", d.Seconds())
		}
		if d := next.at - before.at; d < balancer.Minute {
			t.Errorf("published %.1f s after the last time", d.Seconds())
		}
		if d := after.at - next.at; d < balancer.Minute {
			t.Errorf("published %.1f s after one that was taken back", d.Seconds())
		}
	}
}

// The loss of a router shows nowhere: leases leave one by one, the LeaseSet stays
// full, publishing goes on, gateways remain those that the leader named.
func TestMimicMasksLosses(t *testing.T) {
	for id := range balancer.RouterID(4) {
		r := mimicRig(t, 4, 32+uint64(id), nil)
		r.run(2 * balancer.Hour)
		crashed := r.now
		lost := r.routersOf(r.last().action.Leases)[id]
		r.crash(id)
		r.run(crashed + 90*balancer.Second)
		if n := r.routersOf(r.last().action.Leases)[id]; lost > 3 && n == 0 {
			t.Errorf("router %d: its %d leases left at once", id, lost)
		}
		r.run(crashed + 15*balancer.Minute)
		r.up(id)
		r.run(crashed + 2*balancer.Hour)
		last := crashed - 2*balancer.Minute
		for _, p := range r.published {
			if p.at < last {
				continue
			}
			if p.at-last > 7*balancer.Minute {
				t.Errorf("router %d: nothing published for %.0f s", id, (p.at - last).Seconds())
			}
			last = p.at
			if n := len(p.action.Leases); n < 9 {
				t.Errorf("router %d: %d leases %.0f s after the crash", id, n, (p.at - crashed).Seconds())
			}
			for _, l := range p.action.Leases {
				if l.Gateway/1000 != 1 {
					t.Fatalf("router %d: gateway %d is none of the leader's", id, l.Gateway)
				}
			}
		}
		if p := r.last(); p.router != 0 {
			t.Errorf("router %d: router %d publishes two hours after the crash, not the leader", id, p.router)
		}
	}
}

// Without its rules, mimic lists what several routers would.
func TestMimicWithoutTheLeader(t *testing.T) {
	r := mimicRig(t, 4, 33, func(o *policy.Options) { o.Without = policy.RuleShadow | policy.RuleLeader })
	r.run(4 * balancer.Hour)
	tiers := map[balancer.PeerID]bool{}
	for _, l := range r.last().action.Leases {
		tiers[l.Gateway/1000] = true
	}
	if len(tiers) != 4 {
		t.Errorf("gateways of %d tiers, want 4", len(tiers))
	}
}

func TestParseRules(t *testing.T) {
	all, err := policy.ParseRules(policy.RuleNames())
	if err != nil || all != 1<<len(policy.RuleNames())-1 {
		t.Errorf("ParseRules of all: %b, %v", all, err)
	}
	if _, err := policy.ParseRules([]string{"leeder"}); err == nil {
		t.Error("a rule that does not exist was taken")
	}
}

// Whatever rule is left out, with routers lost and back the core goes on and lists a
// full LeaseSet.
func TestMimicWithoutEachRule(t *testing.T) {
	for i, name := range policy.RuleNames() {
		rules, err := policy.ParseRules([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		r := mimicRig(t, 4, 60+uint64(i), func(o *policy.Options) { o.Without = rules })
		r.run(2 * balancer.Hour)
		for id := range balancer.RouterID(4) {
			r.crash(id)
			r.run(r.now + 10*balancer.Minute)
			r.up(id)
			r.run(r.now + balancer.Hour)
		}
		if n := len(r.last().action.Leases); n < 14 {
			t.Errorf("without %s: %d leases at the end", name, n)
		}
	}
}
