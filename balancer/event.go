package balancer

import "math"

// Time is a moment or a span in nanoseconds. Its zero is whatever the caller
// chose; the core only ever compares and adds. Wall-clock times (what a
// LeaseSet carries) are reached through the offset that EventClock reports.
type Time int64

// Spans of Time.
const (
	Nanosecond  Time = 1
	Microsecond      = 1000 * Nanosecond
	Millisecond      = 1000 * Microsecond
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
	Day              = 24 * Hour

	// Never is the deadline of a core that waits for nothing.
	Never Time = math.MaxInt64
)

// Seconds returns the span in seconds, for reports; no decision uses it.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// RouterID numbers the operator's routers from 0, in configuration order.
type RouterID int32

// PeerID is the driver's interned number of a router of the network. The
// driver keeps the 32-byte hashes; the core keeps what choosing a path needs.
type PeerID int32

// TunnelID is the driver's handle of one tunnel, unique for a run. It is not
// the wire's 4-byte tunnel number, which is Tunnel.ReceiveID.
type TunnelID int64

// RequestID names one CreateTunnel; the core chooses it, rising from 1.
type RequestID int64

// FrontendID names the frontend through which a router is reached; 0 where
// balancer and frontend are one process.
type FrontendID int32

// ClientID is the driver's interned number of a client of the Destination; it
// may name another one after EventClientGone.
type ClientID int32

// None stands for "no router", "no peer" and "no tunnel".
const None = -1

// Direction of a tunnel, as seen from the operator's router.
type Direction uint8

// Directions.
const (
	Inbound Direction = iota
	Outbound
)

// RouterKind is the implementation behind a session; it decides the default
// replacement timing and path choice (docs/model.md).
type RouterKind uint8

// Router kinds.
const (
	KindJava RouterKind = iota
	KindI2pd
)

// Capabilities is what a router's session can do beyond a stock one.
type Capabilities uint32

// Capability bits.
const (
	CapFastTier      Capabilities = 1 << iota // answers GetFastTier
	CapCreateTunnel                           // builds through given peers
	CapTunnelPool                             // lists its pools
	CapPublishNamed                           // PublishLeaseSet takes an outbound tunnel and a reply lease
	CapPublishStatus                          // reports stores and acks
	CapAckRelay                               // passes up acks that it did not ask for
	CapGarlic                                 // hands up garlic undecrypted
	CapGive                                   // can be given a LeaseSet to bundle while it publishes another one
	CapLookup                                 // can look up our LeaseSet in the netDb
	CapStandIn                                // reports its experience with floodfills, and takes that of others

	// CapP140 is everything that a router speaking the whole extension
	// (without garlic) offers.
	CapP140 = CapFastTier | CapCreateTunnel | CapTunnelPool | CapPublishNamed | CapPublishStatus | CapAckRelay |
		CapGive | CapLookup | CapStandIn
)

// Peer is one router of the network as the wire's Peer List describes it:
// what the choice of a path needs and no more.
type Peer struct {
	ID PeerID
	// Hash is the router hash as four big-endian words: the input of the
	// slice hash and of XOR distances.
	Hash [4]uint64
	// Net16 is the /16 of its IPv4 address, 0 if it has none; two hops of one
	// tunnel never share it (router-selection rule of Java's IPRestriction).
	Net16 uint16
	// Port of its published address, 0 if none.
	Port uint16
	// Family is the interned number of its declared family, 0 for none.
	Family uint32
	// Flags says what the router publishes about itself.
	Flags PeerFlags
	// Version is the published router version as major<<16|minor<<8|patch.
	Version uint32
}

// PeerFlags are properties that a router publishes.
type PeerFlags uint8

// Peer flags.
const (
	PeerReachable PeerFlags = 1 << iota // capability R
	PeerIPv4                            // publishes an IPv4 address
	PeerFloodfill                       // capability f
	PeerExcluded                        // capabilities K, E or G, hidden or banned: never a hop
	PeerFast                            // stands in the fast tier (else high-capacity only)
)

// Lease is one entry of a LeaseSet.
type Lease struct {
	Gateway   PeerID
	ReceiveID uint32 // tunnel number at the gateway
	End       Time   // wall clock, whole seconds on the wire
	Tunnel    TunnelID
	Router    RouterID
}

// Tunnel is one tunnel as TunnelStatus and TunnelList report it.
type Tunnel struct {
	ID        TunnelID
	Direction Direction
	Gateway   PeerID // IBGW of an inbound tunnel, OBEP of an outbound one
	ReceiveID uint32 // tunnel number at the gateway
	Created   Time   // when its build was requested, on the core's time line
	End       Time   // wall clock of its router: request + 600 s
	// Path is its hops from the operator's router outwards, Hops their number;
	// 0 where the driver does not know them.
	Path [MaxHops]PeerID
	Hops uint8
}

// Silent stands in Action.Shadows for a lease that leads nowhere any more.
const Silent TunnelID = -2

// MaxHops is the most hops of a tunnel (Java I2P, TunnelPeerSelector).
const MaxHops = 7

// Result is the outcome of a build, a store, a lookup or a packet.
type Result uint8

// Results.
const (
	ResultOK       Result = iota
	ResultRejected        // a hop said no
	ResultTimeout         // nobody answered
	ResultNoPeers         // the router knew too few peers, or refused the path
	ResultFailed          // any other failure
	// ResultOutdated is that of a publish which the router has not begun, because it
	// had built a tunnel that the core did not know of: see Action.Tunnel.
	ResultOutdated
)

// Reason says why a tunnel left its pool.
type Reason uint8

// Reasons.
const (
	ReasonExpired Reason = iota // early expiry, as routers do it
	ReasonFailed                // its tests failed
	ReasonDropped               // DropTunnel asked for it
)

// EventKind names what happened.
type EventKind uint8

// Events, named after the messages of Proposal 140 where it has one.
const (
	// EventWake: nothing happened but time; Deadline asked for it.
	EventWake EventKind = iota
	// EventClock: the wall clock of Router (or, with Router None, the
	// balancer's own) is At ahead of the core's time line.
	EventClock
	// EventRouterUp: a router can be reached; Caps and RouterKind say how.
	EventRouterUp
	// EventRouterLost: its connection is gone, or its driver gave up on it.
	EventRouterLost
	// EventSessionStatus: the answer to CreateSession; Result tells.
	EventSessionStatus
	// EventPeerList: the answer to GetFastTier. Version is the list's
	// version; Unchanged means that it equals the last one and Peers is empty.
	// Others is how many tunnels the router has outside this session.
	EventPeerList
	// EventTunnelStatus: the answer to CreateTunnel (Request, Result; Tunnel
	// where it succeeded, be it after the timeout).
	EventTunnelStatus
	// EventTunnelList: the answer to GetTunnelPool.
	EventTunnelList
	// EventTunnelExpired: Tunnel.ID left its pool for Reason. ReasonExpired before the tunnel's
	// end is a router's own early expiry, which the core replaces by its own.
	EventTunnelExpired
	// EventLeaseRequest: a stock router's RequestVariableLeaseSet; Leases.
	EventLeaseRequest
	// EventPublishStatus: a store sent or acknowledged: Published names the
	// LeaseSet, Result the outcome, Final that the router has stopped trying.
	EventPublishStatus
	// EventAckRelayed: an ack for Published came in through Router's tunnel.
	EventAckRelayed
	// EventLookupResult: verification found Published (0: nothing); Ours
	// tells whether the LeaseSet is one of ours. A Result other than ResultOK
	// means that the netDb could not be asked.
	EventLookupResult
	// EventHeartbeat: Missed probes in a row went unanswered by Router, or,
	// with Missed 0, it answers again (see ActionHeartbeat).
	EventHeartbeat
	// EventClientSeen: a message of Client came in through Router: the first
	// one, the first one through another router, or one after a while.
	EventClientSeen
	// EventClientGone: Client has not been heard of for long; its number is
	// free.
	EventClientGone
	// EventAdmin: the operator's Command for Router (with Weight).
	EventAdmin
	// EventRestore: after a restart of the balancer, the last Published that
	// it is known to have used.
	EventRestore
	// EventFloodfills: Router has new experience with the floodfills in Notes, each
	// with all that it remembers (see ActionNoteFloodfills).
	EventFloodfills
)

// Command is an operator's wish.
type Command uint8

// Commands.
const (
	CommandDrain Command = iota
	CommandUndrain
	CommandAdd
	CommandRemove
	CommandWeight
)

// Event is one input of the core. Which fields count depends on Kind. Slices
// are borrowed: the core copies what it keeps before Step returns.
type Event struct {
	Kind       EventKind
	Result     Result
	Reason     Reason
	Command    Command
	RouterKind RouterKind
	Direction  Direction
	Unchanged  bool
	Final      bool
	Ours       bool
	Router     RouterID
	Frontend   FrontendID
	Caps       Capabilities
	Weight     int32
	Floodfill  PeerID
	Client     ClientID
	Missed     int32
	Others     int32
	Request    RequestID
	Version    uint64
	Published  int64 // seconds, wall clock
	At         Time
	Tunnel     Tunnel
	Peers      []Peer
	Tunnels    []Tunnel
	Leases     []Lease
	Notes      []Note `json:",omitempty"` // so that older event logs replay
}

// ActionKind names what the core wants done.
type ActionKind uint8

// Actions, named after the messages of Proposal 140 where it has one.
const (
	// ActionCreateSession: open the session of the Destination on Router.
	ActionCreateSession ActionKind = iota
	// ActionCloseSession: close it.
	ActionCloseSession
	// ActionGetFastTier: ask for the Peer List; Version is the last one known.
	ActionGetFastTier
	// ActionCreateTunnel: build a tunnel in Direction through Path (in the
	// order from the operator's router outwards, so that the last peer is the
	// IBGW or the OBEP), or, with an empty Path, through peers of the
	// router's own choice with Hops hops; Tunnel names the tunnel whose path
	// an empty Path shall repeat.
	ActionCreateTunnel
	// ActionDropTunnel: forget a tunnel.
	ActionDropTunnel
	// ActionGetTunnelPool: ask for the list of the pool in Direction.
	ActionGetTunnelPool
	// ActionPublishLeaseSet: publish Leases (with Published and Expires)
	// through Router; OutboundTunnel and ReplyLease name the path of the
	// store and of its ack, None meaning the rule `closest`.
	ActionPublishLeaseSet
	// ActionGiveLeaseSet: hand Router Leases to bundle with what it sends;
	// never published.
	ActionGiveLeaseSet
	// ActionReplyLeaseRequest: answer a stock router's request with Leases.
	ActionReplyLeaseRequest
	// ActionHeartbeat: from now on ask Router for a sign of life every Every,
	// and report each probe that goes unanswered, and the first one answered
	// after that, as EventHeartbeat. Answers that nobody waits for are not
	// reported: at one probe every two seconds they would be nine tenths of a
	// run's events (docs/adr/0003-heartbeats.md).
	ActionHeartbeat
	// ActionRelayAck: tell Router, which published the LeaseSet Published,
	// that its ack came in through another router.
	ActionRelayAck
	// ActionLookup: look up our own LeaseSet through Router.
	ActionLookup
	// ActionConfigureTunnels: a stock router, which builds its tunnels itself,
	// shall keep Inbound and Outbound of them.
	ActionConfigureTunnels
	// ActionCarry: what goes to Client goes through Router from now on.
	ActionCarry
	// ActionSendPacket: send Client a message of the balancer's own through
	// Router, so that the client gets to know it as the way to us.
	ActionSendPacket
	// ActionRotateKeys: the LeaseSets that follow have new encryption keys; it
	// concerns no Router in particular.
	ActionRotateKeys
	// ActionNoteFloodfills: Router shall take Notes, which may be none, for its own
	// experience with those floodfills, in place of what it remembers of them, and
	// from now on report what changes as EventFloodfills.
	ActionNoteFloodfills
	// ActionOutdate: a LeaseSet dated Published will follow: Router, which published an
	// older one, shall not store that again.
	ActionOutdate
)

// Action is one output of the core. Its slices lie in the core's memory and
// are good until the next Step.
type Action struct {
	Kind      ActionKind
	Direction Direction
	Router    RouterID
	Frontend  FrontendID
	Request   RequestID
	// Tunnel is the one meant. In a publish where all routers look like one it is the
	// newest inbound tunnel that the core has heard of from Router, which is not to
	// publish if it has built another one within the last seconds: alone it would publish
	// a LeaseSet with that one, later.
	Tunnel         TunnelID
	OutboundTunnel TunnelID
	ReplyLease     int32 // index into Leases, None for the rule `closest`
	Hops           int32
	Client         ClientID
	Inbound        int32 // tunnels
	Outbound       int32
	Every          Time
	Version        uint64
	Published      int64 // seconds, wall clock
	Expires        int64 // seconds, wall clock
	Path           []PeerID
	Leases         []Lease
	// Shadows, where all routers look like one, names for each of the Leases the
	// tunnel of Router's that it stands for, None where it has none: what Router would
	// have answered through that tunnel it has answered through the lease, and the
	// answer is passed on to it. Silent stands for a lease whose router is lost: no
	// answer comes back through it, and Router takes it for granted.
	Shadows []TunnelID `json:",omitempty"` // so that older event logs replay
	Notes   []Note     `json:",omitempty"`
}
