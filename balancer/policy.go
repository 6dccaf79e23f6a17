package balancer

import "math/rand/v2"

// Policy decides what a policy may decide; the core keeps what may never be
// got wrong (see the package comment). Its methods are called from within
// Step, read the View and return at once; they keep no reference to the
// View's slices.
type Policy interface {
	// Name is the policy's name in scenarios and configurations.
	Name() string

	// Reset prepares the policy for a run over n routers. rng is the only
	// randomness that it may use.
	Reset(n int, rng *rand.Rand)

	// Build chooses the router and the path of the next tunnel of pool p in
	// direction dir. The pool's own router is v.PoolRouter(p); where that is the
	// virtual router of an imitation, it stands for the one that acts for it. It appends the
	// path (from the operator's router outwards) to path and returns it with
	// the router that shall build it. An empty path leaves the choice of peers
	// to the router. ok is false where no path can be had now.
	Build(v *View, p PoolID, dir Direction, path []PeerID) (router RouterID, out []PeerID, ok bool)

	// Compose may drop, reorder and shorten the leases that the core proposes:
	// the newest of all pools' quotas, latest end first. It works in place and
	// returns what shall be listed.
	Compose(v *View, leases []Lease) []Lease

	// Publishers says through which routers the LeaseSet of leases is published
	// now, and appends a Send for each to out: one router, several or all. What
	// cannot be done the core leaves out: routers that do not serve, and paths
	// that are gone or that a router does not take (CapPublishNamed). Where
	// nothing is left, another router publishes.
	Publishers(v *View, leases []Lease, out []Send) []Send

	// Bundle says what r is given to bundle with what it sends.
	Bundle(v *View, r RouterID) Bundling

	// Lost says what is done for the clients of r, which is lost, and with its
	// leases. It may be asked several times for one loss.
	Lost(v *View, r RouterID) Failover
}

// Bundling is what a router bundles with what it sends to clients.
type Bundling struct {
	// Own restricts it to the leases of the router's own tunnels, so that
	// clients stay with the router that has their ratchet sessions (mode
	// `pinned`); else it is the whole LeaseSet (`composed`).
	Own bool
	// Lifetime ends the leases of an own bundle sooner than their tunnels, so
	// that clients of a router that is lost give them up; 0: they last as long
	// as the tunnels. The core renews it bundleSlack before its end.
	Lifetime Time
}

// Failover is what follows from the loss of a router. In any case a survivor
// takes each of its clients over by a message of its own.
type Failover struct {
	// Masked keeps the pools of the lost router going: its leases stay listed,
	// dead as they are, until each would have been replaced, and other routers
	// build the replacements when and where it would have. Else its leases are
	// dropped at once, and its share goes to the others.
	Masked bool
	// Rotate changes the encryption keys if a client's ratchet session is too
	// young to be replaced by the survivor's. Observers see a change of keys.
	Rotate bool
}

// Send is one router's part in a publish. The rule `closest`, by which routers
// choose on their own, is None: docs/adr/0002-closest.md.
type Send struct {
	Router     RouterID
	Outbound   TunnelID // through which the store leaves: see View.Tunnels
	ReplyLease int32    // to which the ack is asked for: index into the leases
}

// PoolID numbers the pools of a run: one for each router, and after them the one
// of the virtual router, where the policy is an Imitator.
type PoolID int32
