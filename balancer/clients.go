package balancer

// Ratchet sessions live in routers: what a client sends under the session with
// one router no other can read. So a client is answered through the router that
// it writes to, its carrier; and when a carrier is lost, another one takes its
// clients over with a message of its own, which opens a session between them.
const (
	// sessionReplaceable is the age from which a client's router lets a new
	// session replace the one that it has: 120 s in i2pd
	// (ECIESX25519AEADRatchetSession.h, RESTART_TIMEOUT) and Java
	// (SESSION_REPLACE_AGE); the rest is for the way there.
	sessionReplaceable = 125 * Second
	// greetingsMax and greetingPause say how often a client is written to that does not
	// come; our choice.
	greetingsMax  = 4
	greetingPause = 5 * Second
	// thawGrace is how long after a router has come out of a silence its messages
	// move no client that another router has taken over: they were sent before,
	// and an answer through this router would bring the client back to a session
	// that the new one has replaced. Our choice; what a router had queued comes
	// within a second.
	thawGrace = 30 * Second
	// takeoversPerPass bounds how many clients are written to at once, and
	// takeoverPass is the wait until the next ones are; our choice.
	takeoversPerPass = 64
	takeoverPass     = 100 * Millisecond
)

type clients struct {
	table []client // by ClientID
	due   Time     // of the next takeover
}

type client struct {
	carrier RouterID
	since   Time // of its session with the carrier, as far as we know
	due     Time // when it is to be taken over, Never if not
	tries   uint8
	keyed   bool // the keys have changed since it was to be taken over: its session's age does not matter
}

func (c *clients) reset() { c.table, c.due = c.table[:0], Never }

// at returns the entry of a client, nil where it has none.
func (c *clients) at(id ClientID) *client {
	if id < 0 || int(id) >= len(c.table) {
		return nil
	}
	return &c.table[id]
}

// onClientSeen makes the router that a client writes to its carrier.
func (b *Balancer) onClientSeen(r *router, ev *Event) {
	if ev.Client < 0 || ev.Client >= MaxClients || r.state != routerServing {
		return
	}
	for len(b.clients.table) <= int(ev.Client) {
		b.clients.table = append(b.clients.table, client{carrier: None, due: Never})
	}
	c := &b.clients.table[ev.Client]
	if c.carrier == r.id {
		// It has come, or has never left.
		if c.tries > 0 {
			c.since, c.tries = b.now, 0
		}
		c.due, c.keyed = Never, false
		return
	}
	if c.carrier != None && b.now-r.thawed < thawGrace && b.routers[c.carrier].active() {
		return // what it wrote before the router stopped, and it has gone since
	}
	carrier := r
	if b.isEntry(r) {
		if c.carrier != None && b.routers[c.carrier].active() && !b.isEntry(&b.routers[c.carrier]) {
			return // it does not know its carrier's own leases yet
		}
		if other := b.leastBusy(r.id); other != nil {
			carrier = other
		}
	}
	b.carry(ev.Client, c, carrier)
	if b.cfg.Policy.Bundle(&b.view, carrier.id).Own {
		// i2pd bundles a LeaseSet only after it was given one.
		b.owe(carrier)
	}
}

func (b *Balancer) carry(id ClientID, c *client, r *router) {
	if c.carrier != None {
		b.routers[c.carrier].clients--
	}
	r.clients++
	*c = client{carrier: r.id, since: b.now, due: Never}
	b.do(r, ActionCarry).Client = id
}

func (b *Balancer) onClientGone(ev *Event) {
	c := b.clients.at(ev.Client)
	if c == nil || c.carrier == None {
		return
	}
	b.routers[c.carrier].clients--
	*c = client{carrier: None, due: Never}
}

// isEntry tells whether clients that r answers would not stay with it: it bundles
// the whole LeaseSet, since it publishes it, where the others bundle their own.
func (b *Balancer) isEntry(r *router) bool {
	return b.bundlesPublished(r) && b.cfg.Policy.Bundle(&b.view, r.id).Own
}

// leastBusy returns the router with leases that carries the fewest clients and
// is neither not nor an entry; nil where there is none.
func (b *Balancer) leastBusy(not RouterID) *router {
	var best *router
	for i := range b.fleet() {
		r := &b.routers[i]
		if r.id == not || !r.active() || !b.hasLeases(r) || b.isEntry(r) {
			continue
		}
		if best == nil || r.clients < best.clients {
			best = r
		}
	}
	return best
}

// leaveClients has the clients of r taken over: it is lost.
func (b *Balancer) leaveClients(r *router) {
	if r.clients == 0 {
		return
	}
	young := b.moveAll(r)
	for i := range b.fleet() {
		// With the message comes the LeaseSet that keeps the client.
		q := &b.routers[i]
		if q.state == routerServing && b.cfg.Policy.Bundle(&b.view, q.id).Own {
			b.owe(q)
		}
	}
	if young && b.cfg.Policy.Lost(&b.view, r.id).Rotate {
		b.rotateKeys(b.now)
	}
}

// rotateKeys makes the next LeaseSet one with new encryption keys: at the given time,
// or when it can be stored at once, if that is later. Until it is stored, the netDb
// gives new clients the old keys, which nobody reads any more.
func (b *Balancer) rotateKeys(at Time) {
	if b.ls.rekey != Never {
		return
	}
	b.ls.rekey = max(at, b.pub.free(b))
	b.ls.due = min(b.ls.due, b.ls.rekey)
}

// greetAgain writes again to the clients that wait for their session to be old
// enough: with new keys they need not.
func (b *Balancer) greetAgain() {
	t := &b.clients
	for i := range t.table {
		c := &t.table[i]
		if c.due == Never {
			continue
		}
		c.keyed = true
		if c.tries > 0 && c.due > b.now {
			c.due, t.due = b.now, b.now
		}
	}
}

// moveAll has another router take over all clients of r, and tells whether one of
// them has a session too young to be replaced.
func (b *Balancer) moveAll(r *router) (young bool) {
	for i := range b.clients.table {
		if c := &b.clients.table[i]; c.carrier == r.id {
			c.due, c.tries, c.keyed = b.now, 0, false
			young = young || b.now-c.since < sessionReplaceable
		}
	}
	b.clients.due = b.now
	return young
}

// entriesHandOver moves the clients of a carrier that has become an entry.
func (b *Balancer) entriesHandOver() {
	for i := range b.pub.through {
		r := &b.routers[b.pub.through[i].Router]
		if r.clients == 0 || !b.isEntry(r) || b.leastBusy(r.id) == nil {
			continue
		}
		if b.moveAll(r) && b.cfg.Policy.Lost(&b.view, r.id).Rotate {
			b.rotateKeys(b.now + Millisecond) // this Step has handed out leases
		}
	}
}

// takeOver writes to the clients whose carrier was lost, through another. A
// client whose session with the lost one is too young to be replaced yet is
// written to again when it is old enough, and one that does not come a few times.
func (b *Balancer) takeOver() {
	t := &b.clients
	b.entriesHandOver()
	t.due = Never
	left := takeoversPerPass
	for i := range t.table {
		c := &t.table[i]
		switch {
		case c.due > b.now:
			t.due = min(t.due, c.due)
			continue
		case left == 0:
			t.due = b.now + takeoverPass
			return
		}
		old := c.carrier
		r := b.leastBusy(old)
		if r == nil {
			// Nobody is left; the next one that serves will be asked.
			c.due = b.now + outboundWait
			t.due = min(t.due, c.due)
			continue
		}
		left--
		since, tries, keyed := c.since, c.tries, c.keyed
		if tries > 0 {
			r = b.sameOr(old, r)
		}
		if r.id != old {
			b.carry(ClientID(i), c, r)
		}
		b.do(r, ActionSendPacket).Client = ClientID(i)
		c.due, c.since, c.tries, c.keyed = Never, since, tries+1, keyed
		switch young := b.now-since < sessionReplaceable; {
		case young && (tries == 0 && !keyed || tries >= greetingsMax):
			c.due = since + sessionReplaceable
		case tries < greetingsMax:
			c.due = b.now + greetingPause // messages get lost
		}
		t.due = min(t.due, c.due)
	}
}

// sameOr returns the router id if it can still carry, else r.
func (b *Balancer) sameOr(id RouterID, r *router) *router {
	if q := &b.routers[id]; q.active() && !b.isEntry(q) {
		return q
	}
	return r
}
