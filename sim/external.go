package sim

import (
	"encoding/binary"
	"errors"

	"multihome.i2p/balancer"
)

// The balancer core's own terms, in which a router of an External is told what
// to do and tells what has happened, for packages that know the simulator only.
type (
	// Action is what a router shall do.
	Action = balancer.Action
	// Event is what has happened.
	Event = balancer.Event
	// Direction of a tunnel, as seen from the operator's router.
	Direction = balancer.Direction
	// Lease is one entry of a LeaseSet.
	Lease = balancer.Lease
	// Peer is one router of the network.
	Peer = balancer.Peer
	// PeerID is the number of a router of the network.
	PeerID = balancer.PeerID
	// RequestID names one CreateTunnel.
	RequestID = balancer.RequestID
	// Result is the outcome of a build or a store.
	Result = balancer.Result
	// RouterID numbers the operator's routers from 0.
	RouterID = balancer.RouterID
	// Tunnel is one tunnel.
	Tunnel = balancer.Tunnel
	// TunnelID names it, for the whole of a world.
	TunnelID = balancer.TunnelID
)

// The values of those types that commands and answers of a router have.
const (
	None = balancer.None

	Inbound  = balancer.Inbound
	Outbound = balancer.Outbound

	ActionGetFastTier     = balancer.ActionGetFastTier
	ActionCreateTunnel    = balancer.ActionCreateTunnel
	ActionDropTunnel      = balancer.ActionDropTunnel
	ActionGetTunnelPool   = balancer.ActionGetTunnelPool
	ActionPublishLeaseSet = balancer.ActionPublishLeaseSet
	ActionGiveLeaseSet    = balancer.ActionGiveLeaseSet
	ActionRelayAck        = balancer.ActionRelayAck
	ActionLookup          = balancer.ActionLookup

	EventPeerList      = balancer.EventPeerList
	EventTunnelStatus  = balancer.EventTunnelStatus
	EventTunnelList    = balancer.EventTunnelList
	EventTunnelExpired = balancer.EventTunnelExpired
	EventPublishStatus = balancer.EventPublishStatus
	EventAckRelayed    = balancer.EventAckRelayed
	EventLookupResult  = balancer.EventLookupResult

	ResultOK       = balancer.ResultOK
	ResultRejected = balancer.ResultRejected
	ResultTimeout  = balancer.ResultTimeout
	ResultNoPeers  = balancer.ResultNoPeers
	ResultFailed   = balancer.ResultFailed

	ReasonExpired = balancer.ReasonExpired
	ReasonFailed  = balancer.ReasonFailed
	ReasonDropped = balancer.ReasonDropped

	PeerReachable = balancer.PeerReachable
	PeerIPv4      = balancer.PeerIPv4
	PeerFloodfill = balancer.PeerFloodfill
	PeerExcluded  = balancer.PeerExcluded
	PeerFast      = balancer.PeerFast
)

// External is a world whose routers take their commands from outside instead of
// from the balancer core, in steps of virtual time. It has no faults and no
// adversaries of its own, counts nothing, and never ends. Its routers are down
// until Start. Like a World, it is for one goroutine.
type External struct {
	w       World
	cfg     Config
	out     Outcome
	hear    func(*Event)
	telling bool
}

var errKinds = errors.New("sim: an External has Java routers only")

// NewExternal makes the world of cfg, with the scheme p140, at virtual time 0,
// when the wall clock shows epoch. The Destination is the one with the hash
// dest; worlds with the same seed have the same network, floodfills and fast
// tiers, whatever their Destinations.
//
// hear is called with each event as it happens, from within Advance, Do, Start
// and Stop, and may call Do. The event is borrowed for the call. Besides what
// the core is told, it hears of tunnels that expire.
func NewExternal(cfg Config, seed uint64, epoch Time, dest [32]byte, hear func(*Event)) (*External, error) {
	e := &External{cfg: cfg, hear: hear}
	c := &e.cfg
	c.Duration, c.Warmup = Day, 0
	c.Faults, c.Adversaries = nil, nil
	c.Destination.Scheme = SchemeP140
	c.Destination.Policy.Name = "per-router"
	c.Destination.ControlDelay = 0
	c.Destination.StartTogether = true
	c.Destination.Routers = append([]Router(nil), cfg.Destination.Routers...)
	for i := range c.Destination.Routers {
		r := &c.Destination.Routers[i]
		r.SpeaksP140 = true
		if r.Kind != Java {
			return nil, errKinds
		}
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	w := &e.w
	if err := w.reset(c, seed, &e.out); err != nil {
		return nil, err
	}
	w.end, w.observed = Never, Never
	w.epoch = epoch
	w.queue.reset()
	w.push(w.nextTierChange(), evTiers, 0, 0)
	// The core is there but never asked: events for it wait in ready.
	w.core.busy = true
	w.core.ready = w.core.ready[:0]
	w.core.inputs.reset()

	for i := range w.net.dest {
		w.net.dest[i] = binary.BigEndian.Uint64(dest[8*i:])
	}
	w.net.day = int64(epoch / Day)
	w.rank(w.net.day, &w.net.today)
	w.rank(w.net.day+1, &w.net.next)
	w.push(Time(w.net.day+1)*Day-epoch, evMidnight, 0, 0)
	// The tunnels of two Destinations have nothing in common.
	w.streams.source[streamTunnels].Seed(seed^w.net.dest[0], w.net.dest[1])
	return e, nil
}

// Now returns the virtual time.
func (e *External) Now() Time { return e.w.now }

// Next returns when something will happen if no command comes before.
func (e *External) Next() (Time, bool) { return e.w.queue.peek() }

// Advance lets everything happen up to and including a time.
func (e *External) Advance(until Time) {
	w := &e.w
	var ev event
	for {
		at, ok := w.queue.peek()
		if !ok || at > until {
			break
		}
		w.queue.popInto(&ev)
		w.now = max(w.now, ev.at)
		e.dispatch(&ev)
		e.flush()
	}
	w.now = max(w.now, until)
}

// dispatch handles one event, and tells of a tunnel that expires, which the
// core knows by itself.
func (e *External) dispatch(ev *event) {
	w := &e.w
	if eventKind(ev.kind) != evTunnelEarly || !w.tunnels.current(ev.a, ev.gen) {
		w.dispatch(ev)
		return
	}
	t := w.tunnels.at(ev.a)
	router, dir, gone := t.router, t.dir, w.describeTunnel(ev.a)
	w.dispatch(ev)
	if !w.tunnels.current(ev.a, ev.gen) {
		x := w.newInput(balancer.EventTunnelExpired, RouterID(router))
		out := &w.core.inputs.at(x).ev
		out.Tunnel, out.Direction, out.Reason = gone, dir, ReasonExpired
		w.deliver(x)
	}
}

// flush tells what has happened.
func (e *External) flush() {
	if e.telling {
		return
	}
	e.telling = true
	c := &e.w.core
	for k := 0; k < len(c.ready); k++ {
		x := c.ready[k]
		in := c.inputs.at(x)
		ev := in.ev // hear may make more inputs, which move this one
		ev.Peers, ev.Tunnels = in.peers, in.tunnels
		e.hear(&ev)
		c.inputs.free(x)
	}
	c.ready = c.ready[:0]
	e.telling = false
}

// Do lets a router carry out an action, as if the core had given it. It reports
// whether the router is there to do so.
func (e *External) Do(router RouterID, a Action) bool {
	if !e.Up(router) {
		return false
	}
	a.Router = router
	e.w.obey(&a)
	e.flush()
	return true
}

// Up tells whether a router runs.
func (e *External) Up(router RouterID) bool { return e.w.routers[router].up }

// Start brings a router up that is down, without tunnels.
func (e *External) Start(router RouterID) {
	e.w.startRouter(int32(router))
	e.flush()
}

// Stop takes a router down, with its tunnels and whatever it was doing.
func (e *External) Stop(router RouterID) {
	e.w.stopRouter(int32(router))
	e.flush()
}

// SetBuilds changes how a router's builds end from now on: the chance that one
// succeeds, and the share of the others that are refused quickly.
func (e *External) SetBuilds(router RouterID, success, reject float64) {
	r := &e.cfg.Destination.Routers[router]
	r.BuildSuccess, r.RejectShare = success, reject
}

// Hash returns the hash of a peer, of one of the operator's routers, or of a
// floodfill, by the numbers that events have.
func (e *External) Hash(id PeerID) (h [32]byte, ok bool) {
	w := &e.w
	var words [4]uint64
	ff := int(id) - w.pop.Len() - len(w.routers)
	switch {
	case id < 0 || ff >= len(w.net.ff):
		return h, false
	case ff >= 0:
		words = w.net.ff[ff].hash
	default:
		words = w.pop.HashWords(int32(id))
	}
	for i, x := range words {
		binary.BigEndian.PutUint64(h[8*i:], x)
	}
	return h, true
}

// RouterHash returns the hash of one of the operator's routers.
func (e *External) RouterHash(router RouterID) [32]byte {
	h, _ := e.Hash(PeerID(e.w.pop.Len() + int(router)))
	return h
}

// Found is what a lookup in the netDb finds.
type Found struct {
	Floodfill PeerID
	Published int64 // seconds, wall clock
	Expires   int64
	Leases    []FoundLease
}

// FoundLease is a lease of a LeaseSet that was found, and the truth about it.
type FoundLease struct {
	Gateway   PeerID
	ReceiveID uint32
	End       int64 // seconds, wall clock
	Router    RouterID
	Alive     bool // what is sent to it now arrives
}

// Find looks the Destination's LeaseSet up at the floodfills that should hold
// it, the closest to its routing key first, past everything that can go wrong on
// the way there.
func (e *External) Find() (found Found, ok bool) {
	w := &e.w
	found.Floodfill = None
	for _, i := range w.holders() {
		if i == none {
			break
		}
		found.Floodfill = w.floodfillID(i)
		x := w.ask(i, &w.out.Truth.Polls)
		if x == none {
			continue
		}
		s := w.sets.at(x)
		found.Published, found.Expires = s.published, s.expires
		for k := range s.leases {
			l := &s.leases[k]
			found.Leases = append(found.Leases, FoundLease{
				Gateway: PeerID(l.gateway), ReceiveID: l.number, End: l.end,
				Router: RouterID(l.router), Alive: w.alive(l),
			})
		}
		return found, true
	}
	return found, false
}
