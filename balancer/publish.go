package balancer

// Publishing (Java I2P, KademliaNetworkDatabaseFacade.publish and
// RepublishLeaseSetJob; i2pd, LeaseSetDestination::Publish): a change is sent Config.PublishDelay later, and
// Config.PublishSpacing after the last attempt at the earliest; of several
// changes the newest is sent. A publish that failed for good is tried again
// after U(20,40) s unless a newer LeaseSet waits.
const (
	publishRetry     = 20 * Second
	publishRetrySpan = 20 * Second
)

type publisher struct {
	due       Time
	attempted bool
	last      Time  // the last attempt
	inFlight  int64 // `published` of the last attempt
	confirmed int64 // `published` of the newest LeaseSet that was stored
	from      Time  // since when the newest LeaseSet may be published, but for the spacing
	before    attempt
	through   []sender
	wanted    []Send // the policy's choice
}

// attempt is when something was published before, for the case that a publish is not
// begun.
type attempt struct {
	made      bool
	at        Time
	published int64
}

// sender is a router that was asked to publish.
type sender struct {
	Send
	done bool // it has given up, or is lost
}

func (p *publisher) reset() {
	*p = publisher{due: Never, through: p.through[:0], wanted: p.wanted[:0]}
}

// changed schedules the publish of a new LeaseSet. The pending one is taken
// out and scheduled anew by the same rule.
func (p *publisher) changed(b *Balancer) {
	if b.cfg.Imitate == KindI2pd && p.due != Never {
		return // the publish that waits will send the newest
	}
	p.from = b.now + b.publishDelay()
	p.due = p.from
	if b.selfPaced() {
		return
	}
	if !p.attempted || p.last+b.cfg.PublishSpacing <= p.due {
		return
	}
	p.due = p.last + b.cfg.PublishSpacing
	if b.cfg.Imitate == KindI2pd {
		p.due = b.now + b.cfg.PublishSpacing
	}
}

// publishDelay is how long after a change it is published, and shown at all where an
// imitation has something to hide until then: by the leader's clock, to which a
// change is older by its way here, and the publish younger by its way back.
func (b *Balancer) publishDelay() Time { return max(0, b.cfg.PublishDelay-2*b.virtual.lag) }

// selfPaced tells whether all routers are i2pd's: those keep the spacing
// themselves, and send the newest of what they are given (Destination.cpp).
func (b *Balancer) selfPaced() bool {
	for i := range b.fleet() {
		if b.routers[i].kind != KindI2pd {
			return false
		}
	}
	return true
}

// free returns when a LeaseSet will be stored without having to wait for the
// spacing of publishes.
func (p *publisher) free(b *Balancer) Time {
	if !p.attempted {
		return b.now
	}
	if !b.selfPaced() {
		return p.last + b.cfg.PublishSpacing - b.cfg.PublishDelay
	}
	at := b.now
	for i := range p.through {
		if r := &b.routers[p.through[i].Router]; r.state == routerServing {
			at = max(at, r.pace.free(b.now))
		}
	}
	return at
}

// pacer follows when an i2pd router stores the LeaseSets that it is to publish
// (Destination.cpp, Publish): at once from 20 s after its last store on, else 20 s
// after it was given the newest.
type pacer struct {
	stored  Time // when it last did
	waiting Time // when it will look again
}

// i2pdSpacing is PUBLISH_MIN_INTERVAL, in a clock of whole seconds.
const i2pdSpacing = 20*Second + Second

func (c *pacer) reset() { *c = pacer{stored: -Hour, waiting: Never} }

// given notes that the router is to publish something newer.
func (c *pacer) given(now Time) {
	if c.free(now) > now {
		c.waiting = now + i2pdSpacing
	} else {
		c.stored = now
	}
}

// next returns when the router stores, or has stored, what it was given last.
func (c *pacer) next(now Time) Time {
	if c.free(now) > now && c.waiting != Never {
		return c.waiting
	}
	return c.stored
}

// free returns when the router will store at once what it is given.
func (c *pacer) free(now Time) Time {
	for c.waiting <= now {
		if c.stored+i2pdSpacing > c.waiting {
			c.waiting += i2pdSpacing // it has stored since
			continue
		}
		c.stored, c.waiting = c.waiting, Never
	}
	return c.stored + i2pdSpacing
}

// resume publishes again where the last LeaseSet is not confirmed and nobody is
// at it any more.
func (p *publisher) resume(b *Balancer) {
	if b.ls.made() && p.due == Never && p.confirmed < b.ls.published && p.idle() {
		p.changed(b)
	}
}

// idle tells whether every router that was asked to publish is done.
func (p *publisher) idle() bool {
	for i := range p.through {
		if !p.through[i].done {
			return false
		}
	}
	return true
}

// canPublish tells whether a serving router has an outbound tunnel.
func (b *Balancer) canPublish() bool {
	for i := range b.fleet() {
		if b.hasWayOut(&b.routers[i]) {
			return true
		}
	}
	return false
}

// hasWayOut tells whether r can send a store: it has an outbound tunnel, be it
// for another router's pool, or it builds its tunnels itself.
func (b *Balancer) hasWayOut(r *router) bool {
	if r.state != routerServing {
		return false
	}
	if r.caps&CapCreateTunnel == 0 {
		return true
	}
	for i := range b.routers {
		for _, m := range b.routers[i].pools[Outbound].members {
			if m.early > b.now && b.tunnels[m.slot].router == r.id {
				return true
			}
		}
	}
	return b.virtual.on && b.voices(r.id) > 0
}

// publish sends the newest LeaseSet through the routers of the policy's
// choice.
func (b *Balancer) publish() {
	p, l := &b.pub, &b.ls
	p.due = Never
	if b.stale() {
		b.expireAll()
		b.compose() // without the leases that have ended; it sets the time anew
		if p.due > b.now {
			return
		}
		p.due = Never
	}
	if !l.made() {
		return // the next tunnel brings a change, and with it a publish
	}
	if ahead := Time(l.published)*Second - b.wall(); ahead > 0 {
		p.due = b.now + ahead
		return
	}
	b.chooseAudience()
	if len(p.through) == 0 {
		p.due = b.now + outboundWait
		return
	}
	if !p.attempted && b.now-b.start < carrierWait && b.wantsCarrier() {
		p.through = p.through[:0]
		p.due = b.now + outboundWait
		return
	}
	if b.outdateBundles() {
		at := b.now + Time(l.published)*Second - b.wall()
		if p.attempted && !b.selfPaced() {
			at = max(at, p.last+b.cfg.PublishSpacing)
		}
		if at > b.now {
			p.due = at
			return
		}
	}
	b.show()
	p.before = attempt{p.attempted, p.last, p.inFlight}
	p.attempted, p.last, p.inFlight = true, b.now, l.published
	for i := range p.through {
		b.brief(&b.routers[p.through[i].Router])
		b.routers[p.through[i].Router].pace.given(b.now)
		a := b.do(&b.routers[p.through[i].Router], ActionPublishLeaseSet)
		b.fillLeaseSet(a)
		if b.virtual.on {
			a.Shadows = b.shadowsOf(a.Router)
			a.Tunnel = b.routers[a.Router].newest
		}
		a.OutboundTunnel, a.ReplyLease = p.through[i].Outbound, p.through[i].ReplyLease
		if r := &b.routers[p.through[i].Router]; r.caps&CapGive != 0 && b.cfg.Policy.Bundle(&b.view, r.id).Own {
			b.owe(r) // what is published is bundled, until something else is given
		}
	}
	b.verify.published(b)
}

// outdateBundles dates the LeaseSet after all that a stock router which is now to
// publish it has bundled on its own: the clients of that router would not take the
// whole one otherwise. It tells whether that makes it a new one.
func (b *Balancer) outdateBundles() bool {
	l := &b.ls
	was := l.published
	for i := range b.pub.through {
		if r := &b.routers[b.pub.through[i].Router]; b.bundlesPublished(r) {
			l.shown = max(l.shown, r.given) // for those that replace it before it is sent
			l.published = max(l.published, r.given+1)
		}
	}
	return l.published > was
}

// carrierWait is how long the first publish may wait for a carrier; our choice,
// above what the first tunnels of a router take.
const carrierWait = 30 * Second

// wantsCarrier tells whether clients that came now would find an entry only, which
// cannot keep them, while another router may soon carry them.
func (b *Balancer) wantsCarrier() bool {
	if b.leastBusy(None) != nil {
		return false
	}
	for i := range b.fleet() {
		if r := &b.routers[i]; b.counted(r) && !b.isEntry(r) {
			return b.anyEntry()
		}
	}
	return false
}

// anyEntry tells whether one of the routers asked to publish is an entry.
func (b *Balancer) anyEntry() bool {
	for i := range b.pub.through {
		if b.isEntry(&b.routers[b.pub.through[i].Router]) {
			return true
		}
	}
	return false
}

// stale tells whether a listed lease has ended. That is rare: leases leave the
// list with their tunnel, a minute before.
func (b *Balancer) stale() bool {
	for i := range b.ls.leases {
		if b.ls.leases[i].End <= b.wall() {
			return true
		}
	}
	return false
}

// chooseAudience asks the policy, and falls back to the first router that can
// publish where its choice cannot: an active one if there is one, else one that
// drains.
func (b *Balancer) chooseAudience() {
	p := &b.pub
	for i := range p.through {
		// Who publishes no longer may have to bundle something else.
		if r := &b.routers[p.through[i].Router]; r.caps&CapGive == 0 && r.state == routerServing {
			b.owe(r)
		}
	}
	b.clients.due = b.now // an entry may have to hand over
	p.through = p.through[:0]
	p.wanted = b.cfg.Policy.Publishers(&b.view, b.ls.leases, p.wanted[:0])
	for _, s := range p.wanted {
		if s.Router >= 0 && int(s.Router) < len(b.cfg.Routers) && !p.asks(s.Router) &&
			b.routers[s.Router].active() && b.hasWayOut(&b.routers[s.Router]) {
			p.through = append(p.through, sender{Send: b.possible(s)})
		}
	}
	if len(p.through) > 0 {
		return
	}
	fallback := RouterID(None)
	for i := range b.fleet() {
		r := &b.routers[i]
		if !b.hasWayOut(r) {
			continue
		}
		switch {
		case fallback == None,
			r.active() && !b.routers[fallback].active(),
			// The clients of a stock router that becomes the publisher must move.
			r.active() && r.clients < b.routers[fallback].clients:
			fallback = r.id
		}
	}
	if fallback != None {
		p.through = append(p.through, sender{Send: Send{fallback, None, None}})
	}
}

// askedNow tells whether a router is asked to publish in this very Step.
func (p *publisher) askedNow(b *Balancer, id RouterID) bool {
	return p.attempted && p.last == b.now && p.inFlight == b.ls.published && p.asks(id)
}

// asks tells whether a router is asked to publish already.
func (p *publisher) asks(id RouterID) bool {
	for i := range p.through {
		if p.through[i].Router == id {
			return true
		}
	}
	return false
}

// possible leaves to the router's rule what cannot be as the policy wishes.
func (b *Balancer) possible(s Send) Send {
	r := &b.routers[s.Router]
	if r.caps&CapPublishNamed == 0 {
		return Send{s.Router, None, None}
	}
	if s.ReplyLease < 0 || int(s.ReplyLease) >= len(b.ls.leases) {
		s.ReplyLease = None
	}
	if s.Outbound != None && !b.leavesThrough(r, s.Outbound) {
		s.Outbound = None
	}
	return s
}

// leavesThrough tells whether id is a live outbound tunnel of r.
func (b *Balancer) leavesThrough(r *router, id TunnelID) bool {
	_, p, j := b.findTunnel(r, id)
	if p == nil || p.dir != Outbound {
		return false
	}
	t := &b.tunnels[p.members[j].slot]
	return t.router == r.id && t.early > b.now
}

func (b *Balancer) onPublishStatus(ev *Event) {
	p := &b.pub
	if ev.Published > p.inFlight {
		return // nothing that was ever sent
	}
	if ev.Result == ResultOutdated {
		p.withdrawn(b, ev)
		return
	}
	if ev.Result == ResultOK {
		p.confirmed = max(p.confirmed, ev.Published)
	}
	if !ev.Final || ev.Published != p.inFlight {
		return
	}
	p.finish(b, ev.Router, publishRetry+Time(b.rng.Int64N(int64(publishRetrySpan))))
}

// withdrawn takes back a publish that its router has not begun. What the router knew
// before the core did has become a newer LeaseSet by now, whose time is what it would
// have been.
func (p *publisher) withdrawn(b *Balancer, ev *Event) {
	if ev.Published != p.inFlight || len(p.through) != 1 || p.through[0].Router != ev.Router || p.through[0].done {
		return
	}
	p.through[0].done = true
	p.attempted, p.last, p.inFlight = p.before.made, p.before.at, p.before.published
	p.due = max(b.now, p.from)
	if p.attempted {
		p.due = max(p.due, p.last+b.cfg.PublishSpacing)
	}
}

// finish notes that a router is done with the publish in flight. After the last
// one the publish is tried again if nobody has confirmed it.
func (p *publisher) finish(b *Balancer, id RouterID, retry Time) {
	open := false
	for i := range p.through {
		if p.through[i].Router == id {
			open = !p.through[i].done
			p.through[i].done = true
		}
	}
	if open && p.idle() && p.confirmed < p.inFlight && p.due == Never {
		p.due = b.now + retry
	}
}

// onAckRelayed passes an ack that came in through another router's tunnel on
// to the routers that wait for it; without it they would store again and
// again.
func (b *Balancer) onAckRelayed(ev *Event) {
	p := &b.pub
	if ev.Published > p.inFlight {
		return
	}
	p.confirmed = max(p.confirmed, ev.Published)
	if ev.Published != p.inFlight && !b.virtual.on {
		return // of an older one; that it is stored once more matters only where one router is imitated
	}
	for i := range p.through {
		id := p.through[i].Router
		if id != ev.Router && b.routers[id].state == routerServing && b.routers[id].caps&CapAckRelay != 0 {
			b.do(&b.routers[id], ActionRelayAck).Published = ev.Published
		}
	}
}

// onLookupResult publishes again where the netDb has lost our LeaseSet, or
// holds one that is not ours.
func (b *Balancer) onLookupResult(ev *Event) {
	if ev.Result != ResultOK {
		b.verify.again(b)
		return
	}
	b.verify.done(b)
	if ev.Ours && ev.Published >= b.pub.confirmed || !b.ls.made() {
		if ev.Ours && ev.Published <= b.pub.inFlight {
			b.pub.confirmed = max(b.pub.confirmed, ev.Published)
		}
		return
	}
	if ev.Published <= int64(b.wall()/Second) {
		// Ours must be the newer one. A LeaseSet from the future cannot be
		// beaten without running ahead of the clock.
		b.ls.shown = max(b.ls.shown, ev.Published)
	}
	b.date()
	b.pub.changed(b)
}

// lost publishes again through another router where the one that publishes is
// gone before its store was confirmed.
func (p *publisher) lost(b *Balancer, id RouterID) {
	if b.virtual.on && p.asks(id) {
		// It has probably been stored, and a newer one follows within a minute or two:
		// the leader would not publish the same twice at such a distance.
		p.confirmed = max(p.confirmed, p.inFlight)
	}
	wait := b.cfg.PublishDelay
	// Of i2pd routers each keeps a spacing of its own: the next one is free.
	if p.attempted && !b.selfPaced() {
		wait = max(wait, p.last+b.cfg.PublishSpacing-b.now)
	}
	p.finish(b, id, wait)
}
