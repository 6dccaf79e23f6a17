package balancer

import "math/rand/v2"

// Balancer is the core's state. Its zero value is not ready: use New.
type Balancer struct {
	cfg  Config
	rng  *rand.Rand
	view View

	now     Time
	started bool
	start   Time
	joinDue Time // when routers that never came up are no longer counted on
	offset  Time // own wall clock minus the core's time line

	peers   peerTable
	routers []router
	next    []Time // by router: the least of its deadlines

	tunnels []tunnel
	free    []int32
	lastReq RequestID

	owing bool     // some router may be owed a LeaseSet
	known TunnelID // no tunnel has been taken up with a number above this

	ls      leaseSet
	pub     publisher
	verify  verifier
	clients clients
	virtual virtual // the one router that all look like, where the policy imitates

	acts    []Action // being built by the current Step
	paths   []PeerID // memory of the actions' paths
	bundles []Lease  // memory of the actions' own bundles
	shadows []TunnelID
}

// New returns a core that is ready for its first Step. It panics if cfg does
// not pass Validate: a configuration is checked where it is read.
func New(cfg Config) *Balancer {
	b := &Balancer{}
	b.Reset(cfg)
	return b
}

// Reset makes b ready for another run and keeps its memory.
func (b *Balancer) Reset(cfg Config) {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	b.cfg = cfg
	b.rng = cfg.Rand
	b.view.b = b
	b.now, b.start, b.offset, b.started = 0, 0, 0, false
	b.joinDue = Never
	b.peers.reset()
	b.tunnels = b.tunnels[:0]
	b.free = b.free[:0]
	b.lastReq = 0
	b.owing, b.known = false, None
	b.ls.reset()
	b.pub.reset()
	b.verify.reset()
	b.clients.reset()
	b.virtual.reset(cfg.Policy, len(cfg.Routers))
	n := len(cfg.Routers)
	if b.virtual.on {
		n++
	}
	if cap(b.routers) < n {
		b.routers = make([]router, n)
	}
	b.routers = b.routers[:n]
	b.next = b.next[:0]
	for i := range b.routers {
		b.routers[i].reset(RouterID(i), cfg.Routers[min(i, len(cfg.Routers)-1)])
		b.next = append(b.next, Never)
	}
	cfg.Policy.Reset(n, b.rng)
}

// Step takes in one event at the given time and appends what is to be done to
// acts. See the package comment for the contract.
func (b *Balancer) Step(now Time, ev *Event, acts []Action) []Action {
	if !b.started {
		b.started, b.start, b.now = true, now, now
		b.joinDue = now + joinGrace
	}
	b.now = max(b.now, now)
	b.acts = acts
	b.virtual.lag = 0
	b.paths, b.bundles, b.shadows = b.paths[:0], b.bundles[:0], b.shadows[:0]
	b.virtual.seenOf.out = b.virtual.seenOf.out[:0]
	b.take(ev)
	b.runDue()
	acts = b.acts
	b.acts = nil
	return acts
}

// Deadline is when the core wants its next EventWake; Never if it only waits
// for events.
func (b *Balancer) Deadline() Time {
	next := min(b.ls.due, b.pub.due, b.joinDue, b.verify.due, b.clients.due, b.virtual.showDue, b.virtual.waitDue, b.virtual.voiceDue, b.virtual.under.due)
	for _, at := range b.next {
		next = min(next, at)
	}
	return next
}

func (b *Balancer) take(ev *Event) {
	if ev.Kind != EventWake && ev.Router != None && (ev.Router < 0 || int(ev.Router) >= len(b.cfg.Routers)) {
		return // a router that the configuration does not name
	}
	if ev.Direction > Outbound {
		return // a direction that does not exist
	}
	switch ev.Kind {
	case EventWake:
		return
	case EventClock:
		b.onClock(ev)
		return
	case EventRestore:
		if ev.Published > int64(Never/Second) {
			return // no time that a LeaseSet can have
		}
		b.ls.published = max(b.ls.published, ev.Published)
		b.ls.shown = max(b.ls.shown, ev.Published)
		return
	case EventPublishStatus:
		b.onPublishStatus(ev)
		return
	case EventAckRelayed:
		b.onAckRelayed(ev)
		return
	case EventLookupResult:
		b.onLookupResult(ev)
		return
	case EventClientGone:
		b.onClientGone(ev)
		return
	}
	if ev.Router == None {
		return
	}
	r := &b.routers[ev.Router]
	b.touch(r)
	switch ev.Kind {
	case EventRouterUp:
		b.onRouterUp(r, ev)
	case EventRouterLost:
		b.lose(r, routerDown)
	case EventSessionStatus:
		b.onSessionStatus(r, ev)
	case EventPeerList:
		b.onPeerList(r, ev)
	case EventTunnelStatus:
		b.onTunnelStatus(r, ev)
	case EventTunnelList:
		b.onTunnelList(r, ev)
	case EventTunnelExpired:
		b.onTunnelExpired(r, ev)
	case EventLeaseRequest:
		b.onLeaseRequest(r, ev)
	case EventHeartbeat:
		b.onHeartbeat(r, ev)
	case EventClientSeen:
		b.onClientSeen(r, ev)
	case EventAdmin:
		b.onAdmin(r, ev)
	case EventFloodfills:
		b.onFloodfills(r, ev)
	}
}

// runDue does whatever has fallen due and finds the next deadlines.
func (b *Balancer) runDue() {
	if b.joinDue <= b.now {
		b.joinDue = Never
		b.shareOut()
	}
	if b.virtual.under.due <= b.now {
		b.endPlays()
	}
	for i, at := range b.next {
		if at <= b.now {
			r := &b.routers[i]
			b.runRouter(r)
			b.next[i] = r.deadline()
		}
	}
	if b.virtual.waitDue <= b.now {
		b.endWaits()
	}
	if b.virtual.voiceDue <= b.now {
		b.askVoices()
	}
	if b.ls.due <= b.now || b.owesStale() {
		b.expireAll()
		b.compose()
	}
	if b.pub.due <= b.now {
		b.publish()
	}
	if b.verify.due <= b.now {
		b.lookUp()
	}
	b.handOut()
	if b.clients.due <= b.now {
		b.takeOver() // with what was handed out
	}
}

// expireAll lets go of what has expired and was not worth a wake until now.
func (b *Balancer) expireAll() {
	for i := range b.routers {
		r := &b.routers[i]
		if p := &r.pools[Inbound]; len(p.expiries) > 0 && p.expiries[0] <= b.now {
			b.runRouter(r)
			b.next[i] = r.deadline()
		}
	}
}

// touch has r's deadlines found again before Step returns.
func (b *Balancer) touch(r *router) { b.next[r.id] = b.now }

// do appends an action for router r.
func (b *Balancer) do(r *router, kind ActionKind) *Action {
	// Made where it will stand: an action is large.
	n := len(b.acts)
	if n == cap(b.acts) {
		b.acts = append(b.acts, Action{})
	} else {
		b.acts = b.acts[:n+1]
	}
	a := &b.acts[n]
	*a = Action{
		Kind: kind, Router: r.id, Frontend: r.cfg.Frontend,
		Tunnel: None, OutboundTunnel: None, ReplyLease: None,
	}
	return a
}

// onClock learns how far a wall clock is ahead of the time line.
func (b *Balancer) onClock(ev *Event) {
	if ev.Router == None {
		b.offset = ev.At
		return
	}
	b.routers[ev.Router].offset = ev.At
}

// wall is the balancer's own wall clock.
func (b *Balancer) wall() Time { return b.now + b.offset }
