package policy

import (
	"fmt"
	"strings"

	"multihome.i2p/balancer"
)

// Rules of policy mimic. Each hides something; left out, it shows (see scenario
// mimic-without).
type Rules uint16

// The rules, as Options.Without leaves them out.
const (
	// RuleShadow: the leader builds every tunnel, and what is shown of builds is its
	// own experience. Without it a router drawn for each tunnel builds it alone.
	RuleShadow Rules = 1 << iota
	// RuleLeader: paths go through the leader's peers, under one slice key. Without
	// it through those of whoever builds, under a key of its own.
	RuleLeader
	// RuleInheritance: any tunnel's path may be repeated. Without it a router repeats
	// only those of its own.
	RuleInheritance
	// RuleClock: leases end by the balancer's clock. Without it by each router's own.
	RuleClock
	// RuleLate: the LeaseSet is dated when the leader has a tunnel, and shown later.
	// Without it both when the twin stands.
	RuleLate
	// RuleFailures: a lease leaves when the leader's tunnel fails. Without it when the
	// listed one does, too.
	RuleFailures
	// RuleOutbound: a deputy has the leader's outbound tunnels too, to publish through.
	RuleOutbound
	// RuleMasked: masked failover (Options.Masked, which all policies have).
	RuleMasked
)

var ruleNames = []string{"shadow", "leader", "pool-inheritance", "virtual-clock", "late-compose", "masked-failures", "outbound-twins", "masked"}

// RuleNames lists the rules of policy mimic.
func RuleNames() []string { return append([]string(nil), ruleNames...) }

// ParseRules returns the set of the rules that names holds.
func ParseRules(names []string) (Rules, error) {
	var set Rules
next:
	for _, name := range names {
		for i, known := range ruleNames {
			if name == known {
				set |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("policy mimic has no rule %q; there are %s", name, strings.Join(ruleNames, ", "))
	}
	return set, nil
}

// twinsAsked is how many routers build the twin of a tunnel. With two, and builds that
// succeed in three of five cases within 3 s, a twin is there four times in five.
const twinsAsked = 2

// mimic is the policy that makes all routers look like one.
type mimic struct{ javaLike }

// Imitation implements balancer.Imitator.
func (p *mimic) Imitation() balancer.Imitation {
	im := balancer.Imitation{
		Twins:         twinsAsked,
		OutboundTwins: !p.without(RuleOutbound),
		RawEnds:       p.without(RuleClock),
		Late:          p.without(RuleLate),
		ShowFailures:  p.without(RuleFailures),
	}
	if p.without(RuleShadow) {
		im.Twins, im.OutboundTwins = 0, false
	}
	return im
}

func (p *mimic) without(r Rules) bool { return p.opt.Without&r != 0 }

// Lost implements balancer.Policy.
func (p *mimic) Lost(v *balancer.View, r balancer.RouterID) balancer.Failover {
	f := p.javaLike.Lost(v, r)
	f.Masked = f.Masked && !p.without(RuleMasked)
	return f
}

// Build implements balancer.Policy: as a single router does it, but for the rules left
// out.
func (p *mimic) Build(v *balancer.View, pool balancer.PoolID, dir balancer.Direction, path []balancer.PeerID) (balancer.RouterID, []balancer.PeerID, bool) {
	virtual := v.PoolRouter(pool)
	router := virtual
	if p.without(RuleShadow) && dir == balancer.Inbound {
		router = p.anyRouter(v, virtual)
	}
	if v.Capabilities(virtual)&balancer.CapFastTier == 0 {
		return router, path, true
	}
	if p.rng.Float64() < p.opt.Reuse {
		of := balancer.RouterID(balancer.None)
		if p.without(RuleInheritance) {
			of = p.anyRouter(v, balancer.None)
		}
		if out, ok := v.TakeReusableOf(pool, dir, of, reuseWithin, path); ok {
			return router, out, true
		}
	}
	from := virtual
	if p.without(RuleLeader) {
		from = router
		if from == virtual {
			from = p.anyRouter(v, virtual)
		}
	}
	t := &p.tiers[from]
	t.refresh(v, from)
	if len(t.peers) == 0 {
		return router, path, false
	}
	out := p.choose(v, t, pool, dir, v.Hops(virtual), path)
	return router, out, true
}

// Publishers implements balancer.Policy: one router, which has the virtual router's
// outbound tunnels.
func (p *mimic) Publishers(v *balancer.View, leases []balancer.Lease, out []balancer.Send) []balancer.Send {
	if p.opt.Publisher != PublisherFixed {
		return p.javaLike.Publishers(v, leases, out)
	}
	if r := v.Speaker(); r != balancer.None {
		out = append(out, balancer.Send{Router: r, Outbound: balancer.None, ReplyLease: replyLease(v, leases, r)})
	}
	return out
}

// Candidates is the number of peers that inbound gateways are drawn from: the
// leader's, whichever pool is meant.
func (p *mimic) Candidates(v *balancer.View, _ balancer.PoolID) int {
	return p.javaLike.Candidates(v, balancer.PoolID(v.Routers()))
}
