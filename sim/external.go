package sim

import (
	"encoding/binary"

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
	// Note is what a router remembers of a floodfill.
	Note = balancer.Note
	// Peer is one router of the network.
	Peer = balancer.Peer
	// PeerID is the number of a router of the network.
	PeerID = balancer.PeerID
	// Reason says why a tunnel ended.
	Reason = balancer.Reason
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
	None   = balancer.None
	Silent = balancer.Silent

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
	ActionNoteFloodfills  = balancer.ActionNoteFloodfills
	ActionOutdate         = balancer.ActionOutdate

	EventPeerList      = balancer.EventPeerList
	EventTunnelStatus  = balancer.EventTunnelStatus
	EventTunnelList    = balancer.EventTunnelList
	EventTunnelExpired = balancer.EventTunnelExpired
	EventPublishStatus = balancer.EventPublishStatus
	EventAckRelayed    = balancer.EventAckRelayed
	EventLookupResult  = balancer.EventLookupResult
	EventFloodfills    = balancer.EventFloodfills

	ResultOK       = balancer.ResultOK
	ResultRejected = balancer.ResultRejected
	ResultTimeout  = balancer.ResultTimeout
	ResultNoPeers  = balancer.ResultNoPeers
	ResultFailed   = balancer.ResultFailed
	ResultOutdated = balancer.ResultOutdated

	// ResultSent is of a PublishStatus that only an External tells of: a store
	// is on its way. Its Tunnel is the lease where the ack was asked for, by
	// Gateway and ReceiveID.
	ResultSent = balancer.ResultOutdated + 1

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
	told    []attempt // by store job
}

// attempt names one attempt of a store job.
type attempt struct {
	gen uint16
	n   int32
}

// NewExternal makes the world of cfg, with the scheme p140, at virtual time 0,
// when the wall clock shows epoch. The Destination is the one with the hash
// dest; worlds with the same seed have the same network, floodfills and fast
// tiers, whatever their Destinations.
//
// hear is called with each event as it happens, from within Advance, Do and the
// methods that change a router, and may call Do. The event is borrowed for the
// call. Besides what the core is told, it hears of tunnels that expire, of each
// store that is sent (ResultSent), and through which tunnel an ack came that is
// to be relayed (the Gateway and ReceiveID of the event's Tunnel).
func NewExternal(cfg Config, seed uint64, epoch Time, dest [32]byte, hear func(*Event)) (*External, error) {
	e := &External{cfg: cfg, hear: hear}
	c := &e.cfg
	c.Duration, c.Warmup = Day, 0
	c.Faults, c.Adversaries = nil, nil
	c.Destination.Scheme = SchemeP140
	c.Destination.Policy.Name, c.Destination.Policy.Maker = "per-router", nil
	c.Destination.ControlDelay = 0
	c.Destination.StartTogether = true
	c.Destination.Routers = append([]Router(nil), cfg.Destination.Routers...)
	for i := range c.Destination.Routers {
		r := &c.Destination.Routers[i]
		r.SpeaksP140 = true
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
	w.resetFates(externalFates)
	w.push(w.nextTierChange(), evTiers, 0, 0)
	// The core is there but never asked: events for it wait in ready.
	w.core.only.busy = true
	w.core.only.ready = w.core.only.ready[:0]
	w.core.inputs.reset()
	for i := range w.routers {
		// Room for the gateways of zero-hop tunnels, which are the routers
		// themselves.
		w.routers[i].use = resized(w.routers[i].use, w.pop.Len()+len(w.routers))
	}

	key := &w.net.keys[serviceKey].dest
	for i := range key {
		key[i] = binary.BigEndian.Uint64(dest[8*i:])
	}
	w.net.day = int64(epoch / Day)
	w.rankKeys()
	w.push(Time(w.net.day+1)*Day-epoch, evMidnight, 0, 0)
	// The tunnels of two Destinations have nothing in common.
	w.streams.source[streamTunnels].Seed(seed^key[0], key[1])
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

// dispatch handles one event, and tells what the core knows by itself.
func (e *External) dispatch(ev *event) {
	w := &e.w
	kind := eventKind(ev.kind)
	switch kind {
	case evTunnelEarly:
		if w.tunnels.current(ev.a, ev.gen) {
			gone := []Tunnel{w.describeTunnel(ev.a)}
			router := w.tunnels.at(ev.a).router
			w.dispatch(ev)
			e.expired(router, gone)
			return
		}
	case evI2pdTick:
		if w.routers[ev.a].boot == ev.gen && !w.routers[ev.a].stalled {
			now := w.wallSeconds(ev.a)
			gone := e.members(ev.a, func(t *tunnel) bool { return now-t.createdS > int64(i2pdLifetime/Second) })
			w.dispatch(ev)
			e.expired(ev.a, gone)
			return
		}
	case evMail:
		m := w.mails.at(ev.a)
		gateway, number := PeerID(m.reply.gateway), m.reply.number
		first := len(w.core.only.ready)
		w.dispatch(ev)
		for _, x := range w.core.only.ready[first:] {
			if in := &w.core.inputs.at(x).ev; in.Kind == EventAckRelayed {
				in.Tunnel.Gateway, in.Tunnel.ReceiveID = gateway, number
			}
		}
		return
	}
	w.dispatch(ev)
}

// members describes the tunnels of a router that meet a condition.
func (e *External) members(i int32, which func(*tunnel) bool) (list []Tunnel) {
	for _, p := range e.w.routers[i].pools {
		for _, y := range p.members {
			if which(e.w.tunnels.at(y)) {
				list = append(list, e.w.describeTunnel(y))
			}
		}
	}
	return list
}

// expired tells that those of a router's tunnels that are gone have expired.
func (e *External) expired(i int32, list []Tunnel) {
	w := &e.w
	for k := range list {
		if w.tunnelByID(list[k].ID, i) != none {
			continue
		}
		x := w.newInput(balancer.EventTunnelExpired, RouterID(i))
		out := &w.core.inputs.at(x).ev
		out.Tunnel, out.Direction, out.Reason = list[k], list[k].Direction, ReasonExpired
		w.deliver(x)
	}
}

// flush tells what has happened.
func (e *External) flush() {
	if e.telling {
		return
	}
	e.telling = true
	for {
		e.tellReady()
		if !e.findSent() {
			break
		}
	}
	e.telling = false
}

func (e *External) tellReady() {
	c, inputs := e.w.core.only, &e.w.core.inputs
	for k := 0; k < len(c.ready); k++ {
		x := c.ready[k]
		in := inputs.at(x)
		in.lend()
		ev := in.ev // hear may make more inputs, which move this one
		e.shorten(&ev.Tunnel)
		for i := range ev.Tunnels {
			e.shorten(&ev.Tunnels[i])
		}
		e.hear(&ev)
		inputs.free(x)
	}
	c.ready = c.ready[:0]
}

// shorten takes the router itself off the path of a zero-hop tunnel.
func (e *External) shorten(t *Tunnel) {
	if t.Hops == 1 && int(t.Path[0]) >= e.w.pop.Len() {
		t.Hops = 0
	}
}

// findSent looks for stores that were sent since the last call, and reports
// whether there are any. The few store jobs under way are looked through rather
// than hooked into, since nobody else needs to know.
func (e *External) findSent() bool {
	w := &e.w
	for len(e.told) < len(w.stores.items) {
		e.told = append(e.told, attempt{})
	}
	for k := range w.stores.items {
		j := w.stores.at(int32(k))
		now := attempt{w.stores.gens[k], j.attempt}
		if !j.live || j.lookup || j.verify || j.attempt == 0 || j.sentTo == none || j.sentAt != w.now || e.told[k] == now {
			continue
		}
		e.told[k] = now
		s := w.sets.at(j.set)
		x := w.newInput(balancer.EventPublishStatus, RouterID(j.router))
		ev := &w.core.inputs.at(x).ev
		ev.Published, ev.Result, ev.Floodfill = s.published, ResultSent, w.floodfillID(j.sentTo)
		ev.Tunnel.Gateway = None
		for m := range w.mails.items {
			if mail := w.mails.at(int32(m)); mail.kind == mailStore && mail.job == int32(k) && mail.jobGen == now.gen && mail.attempt == now.n {
				ev.Tunnel.Gateway, ev.Tunnel.ReceiveID = PeerID(mail.reply.gateway), mail.reply.number
			}
		}
		w.deliver(x)
	}
	return len(w.core.only.ready) > 0
}

// Do lets a router carry out an action, as if the core had given it, and reports
// whether the router is there to do so. A tunnel without a path has as many hops
// as the action says, which may be none: a zero-hop tunnel, which succeeds at
// once and does not fail, and whose gateway is the router itself.
func (e *External) Do(router RouterID, a Action) bool {
	if !e.Up(router) {
		return false
	}
	a.Router = router
	r := &e.w.routers[router]
	switch {
	case a.Kind != ActionCreateTunnel || len(a.Path) > 0 || a.Tunnel != None:
		e.w.obey(e.w.core.only, &a)
	case a.Hops == 0:
		e.zeroHop(int32(router), &a)
	default:
		hops := &r.pools[a.Direction].hops
		own := *hops
		*hops = min(int(a.Hops), maxHops)
		e.w.obey(e.w.core.only, &a)
		*hops = own
	}
	e.flush()
	return true
}

// zeroHop builds a tunnel of no hops: in the world's terms one hop, which is the
// router itself, and which can neither refuse nor fail.
func (e *External) zeroHop(i int32, a *Action) {
	w := &e.w
	r := &w.routers[i]
	if r.stalled {
		return
	}
	fail, loss := r.cfg.TunnelFailPerHour, r.lossRate
	r.cfg.TunnelFailPerHour, r.lossRate = 0, 0
	x := w.startBuild(i, a.Direction, []int32{int32(w.pop.Len()) + i}, false)
	b := w.builds.at(x)
	b.request, b.outcome = int64(a.Request), outcomeAccepted
	w.p140BuildReplied(x) // whatever startBuild has set is stale now
	r.cfg.TunnelFailPerHour, r.lossRate = fail, loss
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
	e.Wake(router)
	e.w.stopRouter(int32(router))
	e.flush()
}

// Freeze stops a router as SIGSTOP does: it does nothing, and what reaches it is
// lost or waits, until Wake.
func (e *External) Freeze(router RouterID) {
	if r := &e.w.routers[router]; r.up {
		r.stalled = true
	}
}

// Wake lets a frozen router go on. What came due meanwhile happens now.
func (e *External) Wake(router RouterID) {
	w := &e.w
	i := int32(router)
	r := &w.routers[i]
	if !r.stalled {
		return
	}
	var due []Tunnel
	if r.cfg.Kind == Java {
		due = e.members(i, func(t *tunnel) bool { return t.early <= w.now })
	}
	w.wakeRouter(i)
	e.expired(i, due)
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

// Floodfill returns the number of the floodfill with a hash, if there is one.
func (e *External) Floodfill(h [32]byte) (PeerID, bool) {
	var words [4]uint64
	for i := range words {
		words[i] = binary.BigEndian.Uint64(h[8*i:])
	}
	for f := range e.w.net.ff {
		if e.w.net.ff[f].hash == words {
			return e.w.noteID(int32(f)), true
		}
	}
	return None, false
}

// RouterHash returns the hash of one of the operator's routers.
func (e *External) RouterHash(router RouterID) [32]byte {
	h, _ := e.Hash(PeerID(e.w.pop.Len() + int(router)))
	return h
}

// externalFates is how many tunnels Alive knows: clients may ask for any number.
const externalFates = 1 << 12

// Alive tells whether what is sent through a tunnel now arrives. Of a tunnel that
// was built long ago it knows nothing, and says no.
func (e *External) Alive(router RouterID, id TunnelID) bool {
	w := &e.w
	if id <= 0 {
		return false
	}
	f := w.fate(int64(id >> slotBits))
	return f != nil && w.alive(&lease{router: int32(router), boot: f.boot, until: f.until})
}

// Peers returns the number of routers in the network without the operator's and
// the floodfills: their PeerIDs are below it.
func (e *External) Peers() int { return e.w.pop.Len() }

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
	for _, i := range w.holders(serviceKey) {
		if i == none {
			break
		}
		found.Floodfill = w.floodfillID(i)
		x := w.ask(serviceKey, i, &w.out.Truth.Polls)
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
