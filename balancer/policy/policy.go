// Package policy holds the built-in policies of the balancer, by name.
//
//   - per-router: Proposal 140's default. Every router builds its own tunnels
//     from its own fast tier under its own slice key.
//   - superset: any router builds through any peer of the union of the tiers.
//   - shared-key: as per-router, with one slice key for all routers.
//   - common-pool: as per-router, but all inbound gateways come from one reduced
//     common set, the proposal's remedy.
//   - mimic: all routers look like one of them, the leader. See balancer.Imitator.
//   - single: one router alone, as a stock router would do it.
//   - natural-i2pd: what stock i2pd routers allow. They build tunnels of their own
//     choice; all of them are listed together.
//
// All of them choose paths as Java I2P does (ClientPeerSelector,
// TunnelPool.configureNewTunnel; docs/model.md); they differ in whose peers
// and which key they use. A router without a fast tier (i2pd) chooses its own.
package policy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"multihome.i2p/balancer"
)

// Options are the parameters of the built-in policies.
type Options struct {
	// Reuse is the chance that a build repeats the path of an expiring
	// tunnel, 0..1 (Java I2P: 0.75).
	Reuse float64
	// Publisher is "fixed", "rotate" or "all".
	Publisher string
	// Bundle is "composed" or "pinned", Rotate whether encryption keys change
	// where clients of a lost router could not be moved otherwise.
	Bundle string
	Rotate bool
	// PinnedFor is how long the leases of a pinned bundle last, at least a minute; 0:
	// as long as their tunnels. Clients of a lost router that cannot be written to
	// look for another one after that time, and clients that write less often come
	// loose from theirs (docs/model.md, How real the simulated clients are).
	PinnedFor balancer.Time
	// Masked keeps a lost router's leases listed until each would have been
	// replaced; else they are dropped at once.
	Masked bool
	// Size is the number of gateways in the common set of policy common-pool, at
	// least 1, From where it is drawn from: "union", "intersection" or "leader".
	Size int
	From string
	// Without leaves out rules of policy mimic.
	Without Rules
	// Rules of Java's path choice that can be switched off.
	Slices       bool // hash slices of the fast tier
	IBGWFilter   bool // only reachable IPv4 peers as inbound gateways
	MaxPeerShare bool // no peer in more than 33 % of a pool's tunnels
	SameSubnet   bool // one /16, port and family a tunnel
}

// DefaultOptions are those of Java I2P 2.8.0, with one fixed publisher.
func DefaultOptions() Options {
	return Options{
		Reuse: 0.75, Publisher: PublisherFixed, Bundle: BundleComposed, PinnedFor: pinnedLifetime,
		Size: 20, From: FromUnion,
		Slices: true, IBGWFilter: true, MaxPeerShare: true, SameSubnet: true,
	}
}

// Publishers.
const (
	PublisherFixed  = "fixed"  // the first router; another one only while it is lost
	PublisherRotate = "rotate" // each publish through the next router
	PublisherAll    = "all"    // every router publishes the same bytes
)

// What routers bundle with what they send to clients.
const (
	BundleComposed = "composed" // the published LeaseSet
	BundlePinned   = "pinned"   // each its own leases of it, for Options.PinnedFor
)

// pinnedLifetime is how long the leases of a pinned bundle last by default. The core
// renews it 60 s before its end, so every 30 s. Our choice.
const pinnedLifetime = 90 * balancer.Second

// Names lists the built-in policies.
func Names() []string {
	return []string{"per-router", "superset", "shared-key", "common-pool", "mimic", "single", "natural-i2pd"}
}

// New returns the built-in policy of that name.
func New(name string, opt Options) (balancer.Policy, error) {
	if !(opt.Reuse >= 0 && opt.Reuse <= 1) {
		return nil, fmt.Errorf("policy %s: reuse %v is not from 0 to 1", name, opt.Reuse)
	}
	if !slices.Contains([]string{PublisherFixed, PublisherRotate, PublisherAll}, opt.Publisher) {
		return nil, fmt.Errorf("policy %s: publisher %q is none of fixed, rotate, all", name, opt.Publisher)
	}
	if !slices.Contains([]string{BundleComposed, BundlePinned}, opt.Bundle) {
		return nil, fmt.Errorf("policy %s: bundle %q is none of composed, pinned", name, opt.Bundle)
	}
	if !slices.Contains([]string{FromUnion, FromIntersection, FromLeader}, opt.From) {
		return nil, fmt.Errorf("policy %s: a common set from %q is none of union, intersection, leader", name, opt.From)
	}
	if opt.PinnedFor != 0 && opt.PinnedFor < balancer.Minute {
		return nil, fmt.Errorf("policy %s: pinned bundles for %v s; it needs 0, or at least 60", name, opt.PinnedFor.Seconds())
	}
	if opt.Size < 1 {
		return nil, fmt.Errorf("policy %s: a common set of %d gateways; it needs at least 1", name, opt.Size)
	}
	p := &javaLike{name: name, opt: opt}
	switch name {
	case "natural-i2pd":
		p.natural = true
	case "per-router", "single":
	case "common-pool":
		p.pooled = true
	case "mimic":
		return &mimic{javaLike: *p}, nil
	case "superset":
		p.union = true
	case "shared-key":
		p.oneKey = true
	default:
		return nil, fmt.Errorf("no policy %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return p, nil
}

// javaLike is a policy that chooses paths as Java I2P does.
type javaLike struct {
	name   string
	opt    Options
	union  bool // any router, any peer of the union of the tiers
	oneKey bool // one slice key for all routers
	pooled bool // inbound gateways from one common set
	// natural has every router choose its paths itself.
	natural bool

	rng    *rand.Rand
	tiers  []tier
	common commonSet
	last   balancer.RouterID // the last publisher

	used []usedPeer // peers of the path being chosen
	busy int        // in how many tunnels its peers may stand already
	pick []int32    // scratch of draw
}

// Name implements balancer.Policy.
func (p *javaLike) Name() string { return p.name }

// Reset implements balancer.Policy. It draws the slice keys: one for each
// router's pool and direction, or one for each direction.
func (p *javaLike) Reset(n int, rng *rand.Rand) {
	p.rng = rng
	p.last = balancer.None
	p.common.reset()
	if cap(p.tiers) < n {
		p.tiers = make([]tier, n)
	}
	p.tiers = p.tiers[:n]
	for i := range p.tiers {
		p.tiers[i].reset(rng)
		if p.oneKey {
			p.tiers[i].keys = p.tiers[0].keys
		}
	}
}

// Build implements balancer.Policy.
func (p *javaLike) Build(v *balancer.View, pool balancer.PoolID, dir balancer.Direction, path []balancer.PeerID) (balancer.RouterID, []balancer.PeerID, bool) {
	router := v.PoolRouter(pool)
	if p.natural {
		return router, path, v.Capabilities(router)&balancer.CapCreateTunnel != 0
	}
	if p.union {
		router = p.anyRouter(v, router)
	}
	if v.Capabilities(router)&(balancer.CapFastTier|balancer.CapCreateTunnel) != balancer.CapFastTier|balancer.CapCreateTunnel {
		return router, path, v.Capabilities(router)&balancer.CapCreateTunnel != 0
	}
	if p.rng.Float64() < p.opt.Reuse {
		if out, ok := v.TakeReusable(pool, dir, reuseWithin, path); ok {
			return router, out, true
		}
	}
	t := &p.tiers[pool]
	if p.union {
		t.refreshUnion(v)
	} else {
		t.refresh(v, router)
	}
	if len(t.peers) == 0 {
		return router, path, false
	}
	// An empty path leaves the choice to the router, which knows more peers
	// than its tiers.
	out := p.choose(v, t, pool, dir, v.Hops(router), path)
	return router, out, true
}

// anyRouter draws one of the active routers; own where there is none.
func (p *javaLike) anyRouter(v *balancer.View, own balancer.RouterID) balancer.RouterID {
	n := 0
	chosen := own
	for i := range v.Routers() {
		r := balancer.RouterID(i)
		if !v.Active(r) {
			continue
		}
		n++
		if p.rng.IntN(n) == 0 {
			chosen = r
		}
	}
	return chosen
}

// Compose implements balancer.Policy: everything is listed as the core
// proposes it.
func (p *javaLike) Compose(_ *balancer.View, leases []balancer.Lease) []balancer.Lease { return leases }

// Bundle implements balancer.Policy.
func (p *javaLike) Bundle(*balancer.View, balancer.RouterID) balancer.Bundling {
	if p.opt.Bundle == BundlePinned {
		return balancer.Bundling{Own: true, Lifetime: p.opt.PinnedFor}
	}
	return balancer.Bundling{}
}

// Lost implements balancer.Policy.
func (p *javaLike) Lost(*balancer.View, balancer.RouterID) balancer.Failover {
	return balancer.Failover{Rotate: p.opt.Rotate, Masked: p.opt.Masked}
}

// Publishers implements balancer.Policy. Paths are left to the rule `closest`,
// which is a stock router's, unless acks would get lost by it.
func (p *javaLike) Publishers(v *balancer.View, leases []balancer.Lease, out []balancer.Send) []balancer.Send {
	add := func(r balancer.RouterID) {
		out = append(out, balancer.Send{Router: r, Outbound: balancer.None, ReplyLease: replyLease(v, leases, r)})
	}
	switch p.opt.Publisher {
	case PublisherAll:
		for i := range v.Routers() {
			add(balancer.RouterID(i))
		}
	case PublisherRotate:
		n := v.Routers()
		for i := range n {
			r := (p.last + 1 + balancer.RouterID(i)) % balancer.RouterID(n)
			if v.Active(r) {
				p.last = r
				break
			}
		}
		add(max(0, p.last))
	default:
		add(0)
	}
	return out
}

// replyLease names r's newest lease where a lease belongs to a router that does
// not pass acks up to the core.
func replyLease(v *balancer.View, leases []balancer.Lease, r balancer.RouterID) int32 {
	own, lost := int32(balancer.None), false
	for i := range leases {
		switch owner := leases[i].Router; {
		case owner != r:
			lost = lost || v.Serving(owner) && v.Capabilities(owner)&balancer.CapAckRelay == 0
		case own == balancer.None || leases[i].End > leases[own].End:
			own = int32(i)
		}
	}
	if !lost {
		return balancer.None
	}
	return own
}
