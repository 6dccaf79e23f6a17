package sim

import "multihome.i2p/balancer/policy"

// Config is one world: everything that a trial is simulated from, except its
// seed. Scenario files decode into it (package scenario declares each key's
// default, unit and source; docs/model.md tells the laws).
type Config struct {
	// Duration is the observed span; Warmup passes before it, and the
	// observation begins at a random phase of up to one tunnel lifetime more.
	Duration Time
	Warmup   Time
	Network  Network
	// Destination is the service under observation.
	Destination Destination
	// Faults strike the operator's routers and the network.
	Faults []Fault
	// Clients use the service.
	Clients Clients
	// Adversaries watch, one trace each.
	Adversaries []Adversary
}

// Network is the rest of I2P.
type Network struct {
	Routers    int // 30,000
	Floodfills int // 1,700
	// IBGWEligible is the share of fast peers that publish R and an IPv4
	// address and so may be inbound gateways.
	IBGWEligible float64
	// I2pdCandidates is how many routers an i2pd router draws its hops from.
	I2pdCandidates int
	// StoreLoss is the chance that one store, ack or lookup message is lost
	// on its way through the tunnels.
	StoreLoss float64
	// LeaseSetLimit is the largest LeaseSet in bytes that floodfills take; 0 for
	// whatever is sent.
	LeaseSetLimit int
	// MessageDelay is the median time that a netDb message takes one way, through
	// the tunnels; 0 means 650 ms.
	MessageDelay Time
	// MessageJitter is the standard deviation of the natural logarithm of one
	// message's way around what its tunnels always take; for clients' messages.
	MessageJitter float64
	// RouterSession and RouterAway are the median times that a router stays in the
	// network, and stays away; for those that an adversary watches come and go.
	RouterSession, RouterAway Time
	// JavaFloodfills is the share of floodfills that run Java I2P and so
	// throttle floods and lookups; the rest run i2pd.
	JavaFloodfills float64
}

// Scheme is how the Destination is spread over routers.
type Scheme string

// Schemes.
const (
	SchemeSingle        Scheme = "single"         // one stock router; the balancer core is not involved
	SchemeIndependent   Scheme = "independent"    // the same keys on every router, last publisher wins
	SchemeMeta          Scheme = "meta"           // Proposal 123
	SchemeP140          Scheme = "p140"           // one balancer, one LeaseSet
	SchemeP140Meta      Scheme = "p140-meta"      // a Meta LeaseSet over sub-LeaseSets spread over routers
	SchemeLargeLeaseSet Scheme = "large-leaseset" // p140 with more than 16 leases
)

// balanced tells whether a scheme has a balancer.
func balanced(s Scheme) bool {
	return s == SchemeP140 || s == SchemeP140Meta || s == SchemeLargeLeaseSet
}

// Kind is a router implementation.
type Kind string

// Kinds.
const (
	Java Kind = "java"
	I2pd Kind = "i2pd"
)

// Destination is the service: its scheme, its routers and its policy.
type Destination struct {
	Scheme Scheme
	// Leases is how many leases a full LeaseSet holds, over all routers; a
	// router's quota is Leases/len(Routers), the remainder to the first ones,
	// one each. In scheme independent each router makes a LeaseSet of as many.
	Leases  int
	Routers []Router
	Policy  Policy
	// FastTier, Overlap and TurnoverPerHour are laws over all routers of the
	// operator, since overlap joins them.
	Overlap         float64 // expected pairwise Jaccard index of the fast tiers
	TurnoverPerHour float64 // chance that a fast peer is another one an hour later
	// PublishSpacing is the least time between two publishes of one router;
	// Java: 60 s, i2pd: 20 s; 0 removes the spacing (for the proposal's own
	// arithmetic), negative takes the kind's own.
	PublishSpacing Time
	// ControlDelay is the one-way delay between balancer and router.
	ControlDelay Time
	// Meta is how a Meta LeaseSet is looked after, in the schemes that have one.
	Meta Meta
	// StartTogether starts all routers, cold, at the beginning of the warm-up.
	// Otherwise each starts at a random time within its first hour, or its
	// first half if that is less.
	StartTogether bool
}

// Meta is the Meta LeaseSet of a service (Proposal 123).
type Meta struct {
	// RoutersPerSub is how many routers share a sub-Destination of scheme p140-meta, at
	// most: they are dealt out evenly. In scheme meta each router has one.
	RoutersPerSub int
	// Expires is for how long a Meta LeaseSet and its entries are good: up to
	// 65,535 s.
	Expires Time
	// Republish is how long after a Meta LeaseSet the next one comes at the latest.
	Republish Time
	// CheckEvery is how often the master finds out which routers are up.
	CheckEvery Time
}

// FastTier is how a Java router's fast tier comes about.
type FastTier struct {
	// Mode is "swarm" (drawn from the 21 measured sizes), "size" or
	// "emergent" (the outcome of peer profiles).
	Mode string
	Size int // for mode "size", 1..75
}

// Router is one router of the operator.
type Router struct {
	Kind Kind
	// I2pdVersion is the version of an i2pd router; "" means I2pd258.
	I2pdVersion I2pdVersion
	// SpeaksP140 tells whether it serves the extension.
	SpeaksP140 bool
	Hops       int // inbound and outbound tunnel length, 1..7
	// Outbound is the number of outbound tunnels.
	Outbound int
	FastTier FastTier
	// BuildSuccess is the chance that a build through fast peers succeeds.
	BuildSuccess float64
	// RejectShare is the share of failed builds that end in a quick refusal
	// rather than in silence.
	RejectShare float64
	// BuildDelay is the median time of a successful build, BuildDelaySigma
	// the standard deviation of its natural logarithm.
	BuildDelay      Time
	BuildDelaySigma float64
	// TunnelFailPerHour is the hazard at which a standing tunnel breaks.
	TunnelFailPerHour float64
	// TestLoss is the chance that one test of a sound tunnel fails.
	TestLoss float64
	// SlowShare is the chance that a test makes an i2pd tunnel pass for slow, until
	// its next test: more than 250 ms a hop.
	SlowShare float64
	// ClientDelay is how long the client of a stock router takes to sign the LeaseSet
	// that it is asked for by I2CP; 0: it signs at once, or the router does.
	ClientDelay Time
	// Reuse is the chance that a build repeats an expiring tunnel's path.
	Reuse float64
	// ReplyDelay is what the router adds to the time until a client has its answer.
	ReplyDelay Time
	// ClockSkew is how far its clock is ahead.
	ClockSkew Time
	// Exploratory is how many exploratory tunnels count towards all of the
	// router's tunnels in the 33 % rule; they are not simulated otherwise. Java
	// keeps two a direction (TunnelPoolSettings.DEFAULT_QUANTITY).
	Exploratory int
	// Rules that can be switched off.
	Slices       bool // hash slices of the fast tier
	IBGWFilter   bool // only reachable IPv4 peers as inbound gateways
	MaxPeerShare bool // no peer in more than 33 % of the tunnels
	SameSubnet   bool // one /16, port and family a tunnel
}

// PolicyMaker makes the policy of a world that is not built in.
type PolicyMaker = policy.Maker

// Policy names the balancer's policy and its parameters.
type Policy struct {
	Name string
	// Maker makes the policy; nil where Name is that of a built-in one. A trial in
	// which its policy fails (policy.Fallible) ends with a *PolicyError.
	Maker     PolicyMaker
	Publisher string // "fixed", "rotate" or "all"
	Failover  string // "fast" or "masked"
	Bundle    string // "composed", "pinned" or "garlic"
	// PinnedFor is how long the leases of a pinned bundle last; 0: the policy's own
	// time, PinnedTunnels: as long as their tunnels.
	PinnedFor Time
	// Rotate changes the encryption keys when clients of a lost router could not be
	// moved otherwise.
	Rotate  bool
	Without string // rules that policy mimic leaves out, with commas between
	// Size and From tell the common set of gateways of policy common-pool: how
	// many peers, from "union", "intersection" or "leader"; 0 and "": 20 and union.
	Size    int
	From    string
	Imitate Kind // whose LeaseSets and publishing; empty: the first router's kind
	// PeerRefresh is how often each router's fast tier is asked for.
	PeerRefresh Time
	// Heartbeat is the interval of heartbeats; a router that misses
	// HeartbeatMisses in a row counts as lost.
	Heartbeat       Time
	HeartbeatMisses int
	// Verify is how often the balancer looks its own LeaseSet up, and after publishes
	// that nobody confirms; 0: never; VerifyAuto: as the live one, where it has to.
	Verify Time
}

// VerifyAuto is the value of Policy.Verify for naturalVerify where a router is a stock
// one, and else never.
const VerifyAuto Time = -1

// FaultKind names a fault.
type FaultKind string

// Faults.
const (
	FaultCrash         FaultKind = "crash"          // the router dies and stays dead For
	FaultRestart       FaultKind = "restart"        // it dies and comes back at once, cold
	FaultStall         FaultKind = "stall"          // it freezes, its connections stay open
	FaultSkew          FaultKind = "skew"           // its clock jumps by Step
	FaultFloodfillLoss FaultKind = "floodfill_loss" // the closest floodfill disappears
	FaultTierShock     FaultKind = "tier_shock"     // half the fast tier is replaced at once
)

// Fault is one fault or a series of them.
type Fault struct {
	Kind   FaultKind
	Router int  // which of the operator's routers; -1 for all, or where none is meant
	At     Time // first occurrence, after the observation's start
	For    Time
	Every  Time // 0: once
	Step   Time // of a skew: how far the clock jumps ahead
	// Arm is "both" or "policy", for a fault that the reference does not have; the
	// world ignores it.
	Arm string
}

// Adversary is one vantage point.
type Adversary struct {
	Name    string
	Vantage string // "netdb", "floodfill", "client" or "peer"
	Every   Time   // poll interval of the vantage points netdb and client
	// Placement of vantage floodfill is "random", for as many as Floodfills, or
	// "targeted": one that is the closest to each day's routing key.
	Placement  string
	Floodfills int
	// ProbeEvery is how often vantage client opens a session and writes through
	// ProbeLeases leases, the opening message counted; 0: never.
	ProbeEvery  Time
	ProbeLeases int
	// Subs is how many of the sub-Destinations that a Meta LeaseSet leads to vantage
	// netdb looks up too, and client likewise; at least 1.
	Subs int
	// Share of vantage peer is how much of the network is its own.
	Share float64
	// Routers is how many routers beside the operator's it sees come and go; 0:
	// neither those nor the operator's.
	Routers int
	// Attacks, Horizons and Prior are the analysis's; the world ignores them. Prior
	// weighs 1, 2, … routers; nil weighs all alike.
	Attacks  []string
	Horizons []Time
	Prior    []float64
}
