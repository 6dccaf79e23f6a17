package sim

import "multihome.i2p/balancer"

// The service's side of its clients: what their messages do at the router that they
// come through and in the balancer, and the way back.

// clientArrived handles a message at the end of its way.
func (w *World) clientArrived(k int32) {
	f := w.clients.flights.at(k)
	i := f.client
	c := &w.clients.list[i]
	if !w.reaches(&f.lease) || f.opens && !w.clients.garlic && w.routers[f.lease.router].keys != f.keys {
		c.lost++
		w.endFlight(k)
		return
	}
	if !f.opens && f.serial == c.talk.serial {
		c.talk.got = max(c.talk.got, f.tag)
	}
	if f.counts && f.seq < 0 {
		w.out.Truth.Clients.Delivered++
	}
	r := f.lease.router
	if x := w.bundleOf(r); f.opens && x != none {
		f.told = w.sets.at(x).published
	}
	own := w.routers[r].cfg.ReplyDelay
	if !w.routers[r].balanced() {
		c.carrier = r
		w.serviceAnswers(k, w.now+own)
		return
	}
	own += 2 * w.cfg.Destination.ControlDelay
	if !w.serviceSees(i, r) {
		w.serviceAnswers(k, w.now+own)
		return
	}
	// It is answered when its carrier has what the core has ordered for it.
	w.push(w.now+own, evClientAnswer, k, 0)
}

// serviceSees tells the core of a client that writes through router r, and reports
// whether it did: the first time, through another router, or after a while.
func (w *World) serviceSees(i, r int32) bool {
	c := &w.clients.list[i]
	d := w.driverOf(r)
	if c.core != d.index {
		w.unserve(c)
	}
	if c.id == none {
		c.core, c.carrier = d.index, r
		switch n := len(d.unused); {
		case n > 0:
			c.id = d.unused[n-1]
			d.unused = d.unused[:n-1]
		case len(d.served) < balancer.MaxClients:
			c.id = int32(len(d.served))
			d.served = append(d.served, none)
		default:
			return false
		}
		d.served[c.id] = i
	} else if c.arrival == r && w.now-c.told < serviceTellAgain {
		return false
	}
	c.arrival, c.told = r, w.now
	x := w.newInput(balancer.EventClientSeen, balancer.RouterID(r))
	w.core.inputs.at(x).ev.Client = balancer.ClientID(c.id)
	w.deliver(x)
	return true
}

// unserve has the service forget a client after a while, for it comes no more.
func (w *World) unserve(c *client) {
	if c.id == none {
		return
	}
	w.core.each[c.core].served[c.id] = none
	w.push(w.now+serviceForgets, evClientGone, c.id, c.core)
	c.id = none
}

// serviceForgot frees the number of a client that is gone.
func (w *World) serviceForgot(d *driver, id int32) {
	x := w.newInputOf(d, balancer.EventClientGone, balancer.None)
	w.core.inputs.at(x).ev.Client = balancer.ClientID(id)
	w.deliver(x)
	d.unused = append(d.unused, id)
}

// carries makes a router the one that answers a client.
func (w *World) carries(d *driver, a *balancer.Action) {
	if i := d.placeOf(a.Client); i != none {
		w.clients.list[i].carrier = d.first + int32(a.Router)
	}
}

// placeOf is the client of a number, or none.
func (d *driver) placeOf(id balancer.ClientID) int32 {
	if id < 0 || int(id) >= len(d.served) {
		return none
	}
	return d.served[id]
}

// serviceAnswers sends the answer to message k through the client's carrier, at the
// given time, now or a moment later.
func (w *World) serviceAnswers(k int32, at Time) {
	f := w.clients.flights.at(k)
	i := f.client
	c := &w.clients.list[i]
	r := c.carrier
	if w.clients.garlic || c.id == none && w.routers[f.lease.router].balanced() {
		r = w.voice(f.lease.router)
	}
	way, ok := w.wayToClient(r)
	at += way
	x := w.bundleOf(r)
	if x != none && w.routers[r].cfg.Kind == I2pd && !w.clients.garlic {
		got := at
		if !ok {
			got = Never
		}
		if !w.i2pdTells(c, f, r, w.sets.at(x).published, got) {
			x = none
		}
	}
	if !ok {
		c.lost++
		w.endFlight(k)
		return
	}
	f.router, f.boot = r, w.routers[r].boot
	if x != none && (c.set == none || w.sets.at(x).published > w.sets.at(c.set).published) {
		f.set = w.holdSet(x)
	}
	if !f.opens && f.set == none && f.serial == c.talk.serial && w.answersIn(c, f) {
		// Nothing but the answer: it needs no event.
		w.clientAnswered(k, at)
		w.endFlight(k)
		return
	}
	w.push(at, evClientReply, k, 0)
}

// voice is the router that answers what has come through router i, where the service
// has the sessions.
func (w *World) voice(i int32) int32 {
	if w.core.garlic {
		d := w.driverOf(i)
		if v := d.core.Voice(); v != balancer.None {
			return d.first + int32(v)
		}
	}
	return i
}

// i2pdTells tells whether i2pd router r sends the LeaseSet of this `published` along
// with its answer to f, which the client has at time got. In a session that a client
// has opened it sends what it is given later, not what it has; what is not confirmed
// goes along again after 4 s; and a confirmation stands for what was given meanwhile
// too, which then is never sent (D: GarlicRoutingSession, SetLeaseSetUpdated,
// MessageConfirmed; ECIESX25519AEADRatchetSession::CreatePayload). The confirmation
// comes with the client's next message, which in a stream is an ack a tenth of a round
// trip later (D: Stream::HandleNextPacket; taken for Java's too).
func (w *World) i2pdTells(c *client, f *flight, r int32, published int64, got Time) bool {
	at := &w.routers[r]
	t := &c.tells
	switch {
	case f.opens && r == f.lease.router:
		*t = telling{router: r, boot: at.boot, told: f.told}
	case r != c.talk.router || at.boot != c.talk.boot:
		return true // its own New Session has the LeaseSet, until it is answered
	case t.router != r || t.boot != at.boot:
		*t = telling{router: r, boot: at.boot, told: published} // that is answered now
	case t.sent == 0:
	case f.sent >= t.gotAt || w.now >= t.confirmed:
		if t.told = t.sent; at.given <= min(w.now, t.confirmed) {
			t.told = published
		}
		t.sent = 0
	case published == t.sent && w.now <= t.sentAt+i2pdConfirmAfter:
		return false
	}
	if published <= t.told {
		return false
	}
	t.sent, t.sentAt, t.gotAt, t.confirmed = published, w.now, got, Never
	if got != Never && w.cfg.Clients.Traffic == TrafficStreams {
		t.confirmed = got + (got-f.sent)/10 + (got - w.now)
	}
	return true
}

// wayToClient is how long a message of router i takes to a client, and whether it
// gets there.
func (w *World) wayToClient(i int32) (Time, bool) {
	r := &w.routers[i]
	if !r.up || r.stalled || chance(w.streams.rand[streamClients], w.cfg.Network.StoreLoss) {
		return 0, false
	}
	out := w.wayBack(r)
	if out == none {
		return 0, false
	}
	return w.clientWay(w.tunnels.at(out).number), true
}

// answersIn tells whether an answer comes in the session that the client has.
func (w *World) answersIn(c *client, f *flight) bool {
	return c.talk.router == anyRouter || c.talk.router == f.router && c.talk.boot == f.boot
}

// replyArrived lets a client have an answer that changes something.
func (w *World) replyArrived(k int32) {
	f := w.clients.flights.at(k)
	c := &w.clients.list[f.client]
	switch {
	case w.clients.garlic || f.opens && f.router == f.lease.router:
		w.opened(c, f, f.opens)
	case f.serial == c.talk.serial && w.answersIn(c, f):
	default:
		// Another router than the one that has the session answers, in one of its
		// own, for which it needs the client's LeaseSet.
		if !c.published {
			c.lost++
			w.endFlight(k)
			return
		}
		w.opened(c, f, false)
	}
	if f.set != none {
		w.takeSet(c, f.set)
	}
	w.clientAnswered(k, w.now)
	w.endFlight(k)
}

// opened lets a client take up the session that a message of the service opens:
// where reply is set the one that the client has asked for, else one that replaces
// its own if that is old enough.
func (w *World) opened(c *client, f *flight, reply bool) {
	t := &c.talk
	router := f.router
	if w.clients.garlic {
		router = anyRouter
	}
	if t.router != none && t.keys == f.keys && (t.router != router || t.boot == f.boot) {
		usable := w.now-t.heard < javaSessionIdle && w.now-t.used < javaSessionIdle
		if !c.java {
			usable = !w.inactive(t)
		}
		switch {
		case t.router == router:
			if usable || !reply {
				return // this one it has
			}
		case usable && !w.replaceable(t):
			return
		}
	}
	*t = ratchet{serial: t.serial + 1, router: router, boot: f.boot, keys: f.keys, since: w.now, heard: w.now, used: w.now}
	if reply {
		// The path goes with the session that is answered first.
		if !c.java {
			c.own = false
			if w.cfg.Clients.Traffic == TrafficDatagrams {
				c.lease, c.path, c.pathAt, c.pathUses = f.lease, true, w.wholeSeconds(f.sent), 0
			}
		}
		return
	}
	t.replies = true
	if !c.java {
		c.path = false
	}
}

// clientAnswered handles the answer to message k, which the client has at the given
// time, now or a moment later.
func (w *World) clientAnswered(k int32, at Time) {
	f := w.clients.flights.at(k)
	i := f.client
	c := &w.clients.list[i]
	t := &w.out.Truth.Clients
	c.talk.heard = max(c.talk.heard, at)
	c.talk.replies = false
	c.own = false
	if f.sent >= c.ackAt {
		c.ackDue = 0
	}
	c.answered = max(c.answered, at)
	if f.counts && f.seq < 0 && at-f.sent < clientLate {
		t.Answered++
	}
	if !c.met {
		c.met = true
		if at-c.began <= firstContactIn && c.began > w.observed && c.began < w.end-firstContactIn {
			t.FirstAnswered++
		}
	}
	if c.via != f.router {
		if c.via != none && w.now > w.observed {
			t.Moves++
		}
		c.via, c.viaSince = f.router, at
	}
	if c.switched != 0 && f.sent >= c.switched {
		if c.switched > w.observed {
			stall := at - c.switched
			t.Switches++
			t.Stalled += stall
			t.StallMax = max(t.StallMax, stall)
		}
		c.switched = 0
	}
	if c.struck != 0 && f.sent >= c.struck {
		w.struckEnds(c, at)
	}
	if f.seq >= 0 {
		w.streamAnswered(i, f.seq, f.sent, at)
	}
}

// greet has router i write to a client, for the balancer. It needs the client's
// LeaseSet, unless they have a session already.
func (w *World) greet(i, place int32) {
	if place == none {
		return
	}
	c := &w.clients.list[place]
	at := Time(0)
	known := w.clients.garlic || c.talk.router == i && c.talk.boot == w.routers[i].boot
	if !known {
		if !c.published {
			return
		}
		rng := w.streams.rand[streamClients]
		p := w.cfg.Network.StoreLoss
		if chance(rng, 1-(1-p)*(1-p)) {
			return
		}
		at = lognormal(rng, w.mailDelay, mailDelaySigma) + lognormal(rng, w.mailDelay, mailDelaySigma)
	}
	way, ok := w.wayToClient(i)
	if !ok {
		return
	}
	k, f := w.newFlight(place)
	f.router, f.boot, f.keys = i, w.routers[i].boot, w.routers[i].keys
	if x := w.bundleOf(i); x != none {
		f.set = w.holdSet(x)
	}
	w.push(w.now+at+way, evClientGreet, k, 0)
}

// greetArrived lets a client have a message of the balancer's own.
func (w *World) greetArrived(k int32) {
	f := w.clients.flights.at(k)
	c := &w.clients.list[f.client]
	w.out.Truth.Clients.Greeted++
	if w.answersIn(c, f) && c.talk.router != none {
		c.talk.heard = w.now
	} else {
		w.opened(c, f, false)
	}
	if f.set != none {
		w.takeSet(c, f.set)
	}
	w.endFlight(k)
}
