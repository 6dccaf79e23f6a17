package sim

// The sending side of a client: its LeaseSet, its session, its lease.

// clientWrites lets client i write what it has to write, and sets the next time.
func (w *World) clientWrites(i int32) {
	cfg := &w.cfg.Clients
	c := &w.clients.list[i]
	if c.began == Never {
		c.began = w.now
		if w.now > w.observed && w.now < w.end-firstContactIn {
			w.out.Truth.Clients.FirstContacts++
		}
	}
	if cfg.Traffic == TrafficDatagrams {
		if w.counting() {
			w.out.Truth.Clients.Sent++
		}
		w.pushGen(w.now+cfg.MessageEvery, evClientSend, c.gen, i, 0)
		w.transmit(i, -1)
		return
	}
	rng := w.streams.rand[streamClients]
	pause := exponential(rng, Hour.Seconds()/cfg.MessageEvery.Seconds())
	if c.java {
		pause = min(pause, javaInactivity)
	}
	w.pushGen(w.now+pause, evClientSend, c.gen, i, 0)
	w.streamWrites(i)
}

// transmit sends a message of client i, seq of its stream or -1, if it can.
func (w *World) transmit(i, seq int32) {
	c := &w.clients.list[i]
	if !w.knowsLeases(i) {
		if seq < 0 {
			c.waiting++
		}
		return
	}
	opens := !w.inSession(c)
	if !w.chooseLease(i, opens) {
		c.lost++
		return
	}
	w.noteLease(c)
	c.flow.sent = true
	tag := int32(0)
	if !opens {
		c.talk.sent++
		c.talk.used = w.now
		tag = c.talk.sent
	}
	rng := w.streams.rand[streamClients]
	if !w.reaches(&c.lease) || !opens && !w.decrypts(c, tag) || chance(rng, w.cfg.Network.StoreLoss) {
		c.lost++
		w.afterSending(c, opens)
		return
	}
	k, f := w.newFlight(i)
	f.opens, f.counts, f.keys, f.seq = opens, w.counting(), w.sets.at(c.set).keys, seq
	f.serial, f.tag, f.lease = c.talk.serial, tag, c.lease
	w.push(w.now+w.clientWay(c.lease.number), evClientArrive, k, 0)
	w.afterSending(c, opens)
}

// reaches tells whether a message on lease l, now at its gateway, gets to the router.
// A tunnel carries what comes within a minute after its end, unless it has broken.
func (w *World) reaches(l *lease) bool {
	if w.alive(l) {
		return true
	}
	r := &w.routers[l.router]
	whole := l.until >= Time(l.end)*Second-w.epoch-r.skew-2*Second
	return whole && r.up && !r.stalled && r.boot == l.boot && w.now < l.until+tunnelGrace
}

// decrypts tells whether the router behind the client's lease can read message tag
// of its session.
func (w *World) decrypts(c *client, tag int32) bool {
	t := &c.talk
	if t.router == anyRouter {
		return true
	}
	if c.lease.router != t.router || c.lease.boot != t.boot {
		return false
	}
	return tag-t.got <= w.tagWindow(c)
}

// tagWindow is how many messages of a session may be lost on end before its router
// knows the tags no more.
func (w *World) tagWindow(c *client) int32 {
	if c.talk.replies {
		return replyTags
	}
	r := &w.routers[c.talk.router]
	if r.cfg.Kind == Java {
		return javaTagWindow
	}
	most := i2pdClientOf(r.cfg.I2pdVersion).maxTags
	return min(i2pdMinTags+c.talk.got/4, most) + most
}

func i2pdClientOf(v I2pdVersion) *i2pdClient {
	if v == "" {
		v = I2pd258
	}
	return i2pdClients[v]
}

// clientWay is how long a message of a client takes through a tunnel of the service
// and one of the client's: see oneWay.
func (w *World) clientWay(tunnel uint32) Time {
	return w.wayThrough(tunnel, w.streams.rand[streamClients])
}

// knowsLeases tells whether client i holds a LeaseSet that it may use, and has it
// looked up where it does not, or should know a newer one.
func (w *World) knowsLeases(i int32) bool {
	c := &w.clients.list[i]
	if c.set == none {
		w.lookup(i)
		return false
	}
	left := Time(w.sets.at(c.set).expires)*Second - w.epoch - w.now
	drop, again := -javaDrop, -javaRefetch
	if !c.java {
		drop, again = 0, i2pdExpiresSoon
	}
	if left < drop {
		w.forgetSet(c)
		w.lookup(i)
		return false
	}
	if left < again {
		w.lookup(i)
	}
	return true
}

// inSession tells whether client c has a session that it uses.
func (w *World) inSession(c *client) bool {
	t := &c.talk
	if t.router == none || t.keys != w.sets.at(c.set).keys {
		return false
	}
	if c.java {
		return w.now-t.heard < javaSessionIdle && w.now-t.used < javaSessionIdle
	}
	if w.cfg.Clients.Traffic == TrafficStreams && c.flow.open && c.flow.sent {
		return true // a stream of i2pd keeps its session (D: Stream::SendPackets)
	}
	return !w.inactive(t)
}

// inactive tells whether i2pd opens a session anew.
func (w *World) inactive(t *ratchet) bool {
	return w.wholeSeconds(w.now) > w.wholeSeconds(t.heard)+i2pdSessionIdle && w.replaceable(t)
}

// replaceable tells whether a session is old enough for another one.
func (w *World) replaceable(t *ratchet) bool {
	return w.wholeSeconds(w.now) > w.wholeSeconds(t.since)+sessionReplaceable
}

// chooseLease keeps or chooses the lease of client i, by its router's rules; there
// may be none that it would use.
func (w *World) chooseLease(i int32, opens bool) bool {
	c := &w.clients.list[i]
	switch {
	case c.java:
		w.javaLease(c)
	case w.cfg.Clients.Traffic == TrafficStreams:
		w.i2pdStreamLease(i)
	default:
		w.i2pdClientPath(c, opens)
	}
	return c.path
}

// left is how long a lease has still to go, by a right clock.
func (w *World) left(l *lease) Time { return Time(l.end)*Second - w.epoch - w.now }

// javaLease: one lease until it ends, leaves the LeaseSet or an ack does not come;
// then any.
func (w *World) javaLease(c *client) {
	if c.ackDue != 0 && w.now >= c.ackDue {
		c.path, c.ackDue = false, 0
	}
	fresh := !c.path
	if c.path && w.left(&c.lease) < -javaLeaseGrace {
		c.path = false
	}
	if !c.path {
		w.drawLease(c, -javaLeaseGrace, none)
		if !c.path {
			w.drawLease(c, -javaLeaseLast, none)
		}
		fresh = true
	}
	if c.ackDue == 0 && (fresh || w.now-c.ackLast >= javaAckEvery) {
		c.ackAt, c.ackLast, c.ackDue = w.now, w.now, w.now+javaAckTimeout
	}
}

// i2pdClientPath: one lease for as long as a path is kept; while no session is answered
// each message has a path of its own (D: I2CPDestination::SendMsg,
// GarlicRoutingSession::GetSharedRoutingPath).
func (w *World) i2pdClientPath(c *client, opens bool) {
	v := i2pdClientOf(w.cfg.Clients.I2pdVersion)
	now := w.wholeSeconds(w.now)
	if c.path && !opens && w.left(&c.lease) >= 0 && now <= c.pathAt+v.pathFor && (v.pathUses == 0 || c.pathUses < v.pathUses) {
		c.pathUses++
		return
	}
	c.path = false
	w.drawI2pd(c, none)
	c.pathAt, c.pathUses = now, 0
}

// i2pdStreamLease: one lease until it has less than 51 s to go or leaves the
// LeaseSet, then one of the same gateway, else any (D: Stream::SendPackets,
// UpdateCurrentRemoteLease).
func (w *World) i2pdStreamLease(i int32) {
	c := &w.clients.list[i]
	if c.path && w.left(&c.lease) >= i2pdLeaseThreshold {
		return
	}
	w.i2pdAnother(i, true)
}

// i2pdAnother has a stream use another lease than its last one, where there is one.
func (w *World) i2pdAnother(i int32, ended bool) {
	c := &w.clients.list[i]
	if c.set == none {
		return
	}
	last := c.lease.gateway
	used := c.usedBy[0] != 0
	c.path = false
	leases := w.sets.at(c.set).leases
	if ended && used {
		for k := range leases {
			l := &leases[k]
			if l.gateway == last && l.number != c.lease.number && w.left(l) > i2pdLeaseThreshold {
				c.lease, c.path = *l, true
				return
			}
		}
	}
	not := int32(none)
	if used {
		not = int32(c.lease.number)
	}
	if !w.drawI2pd(c, not) {
		w.lookup(i) // all have less than 51 s to go
	}
}

// drawI2pd draws a lease with more than 51 s to go, or else one that ended no longer
// ago than that, and reports whether there was one of the former.
func (w *World) drawI2pd(c *client, not int32) bool {
	w.drawLease(c, i2pdLeaseThreshold, not)
	if c.path {
		return true
	}
	w.drawLease(c, -i2pdLeaseThreshold, not)
	return false
}

// drawLease draws one of the leases that have more than the given time to go, but
// for the one of the given number if there is another.
func (w *World) drawLease(c *client, than Time, not int32) {
	rng := w.streams.rand[streamClients]
	leases := w.sets.at(c.set).leases
	limit := (w.epoch + w.now + than) / Second // whole seconds are enough: ends are
	n := 0
	for k := range leases {
		if Time(leases[k].end) > limit {
			n++
		}
	}
	if n == 0 {
		return
	}
	at := rng.IntN(n)
	for pass := range 2 {
		for k := range leases {
			if Time(leases[k].end) <= limit {
				continue
			}
			if at == 0 {
				if pass == 0 && not != none && n > 1 && int32(leases[k].number) == not {
					continue // the next one
				}
				c.lease, c.path = leases[k], true
				return
			}
			at--
		}
		at = 0
		not = none
	}
}

// noteLease notes a change of the lease.
func (w *World) noteLease(c *client) {
	now := [2]uint32{c.lease.number, uint32(c.lease.gateway)}
	if now == c.usedBy {
		return
	}
	if c.met && c.switched == 0 {
		c.switched = w.now
	}
	c.usedBy = now
}

// afterSending does what i2pd does with a LeaseSet of the client's own that is new:
// it goes along until it is confirmed, and a path on which it is not is left.
func (w *World) afterSending(c *client, opens bool) {
	if c.java || w.cfg.Clients.Traffic != TrafficDatagrams {
		return
	}
	if w.now >= c.ownDue {
		c.ownDue += i2pdOwnRenewal
		c.own, c.ownSent = true, 0
	}
	if !c.own || opens {
		return
	}
	switch {
	case c.ownSent == 0:
		c.ownSent = w.now
	case w.now > c.ownSent+i2pdConfirmAfter:
		c.ownSent = w.now
		c.path = false
	}
}

// lookup has client i look the LeaseSet up, if it does not do so already. Under a
// Meta LeaseSet that is done in two stages: see resolve.
func (w *World) lookup(i int32) {
	c := &w.clients.list[i]
	if c.asking {
		return
	}
	c.asking = true
	w.out.Truth.Clients.Lookups++
	k, f := w.newFlight(i)
	key, at := int32(serviceKey), w.now
	if w.meta.on {
		key, at = w.resolve(c)
	}
	if key != none {
		var x int32
		if x, at = w.askInTurn(c, key, at); x != none && !w.sets.at(x).meta {
			f.set = w.holdSet(x)
		}
	}
	f.seq = key
	w.push(at, evClientFound, k, 0)
}

// askInTurn asks for a key one floodfill after the other, the closest to its routing
// key first, beginning at the given time. It returns what is found, or none, and when.
// What they hold counts as of now.
func (w *World) askInTurn(c *client, key int32, at Time) (int32, Time) {
	wait, most, limit := javaLookupWait, lookupAsked, javaLookupLimit
	if !c.java {
		v := i2pdClientOf(w.cfg.Clients.I2pdVersion)
		wait, most, limit = v.askWait, holdersOfKey+1, v.askLimit
	}
	rng := w.streams.rand[streamClients]
	p := w.cfg.Network.StoreLoss
	until := at + limit
	for n, ff := range w.net.keys[key].today {
		if n >= most || ff == none || at >= until {
			break
		}
		x := w.ask(key, ff, &w.out.Truth.ClientLookups)
		rtt := lognormal(rng, w.mailDelay, mailDelaySigma) + lognormal(rng, w.mailDelay, mailDelaySigma)
		if w.net.ff[ff].dead || chance(rng, 1-(1-p)*(1-p)) || rtt > wait {
			at += wait
			continue
		}
		at += rtt
		if x != none {
			return x, at
		}
	}
	return none, at
}

// lookupEnded lets a client have what it has found, if anything.
func (w *World) lookupEnded(k int32) {
	f := w.clients.flights.at(k)
	i := f.client
	c := &w.clients.list[i]
	c.asking = false
	if f.set != none {
		w.out.Truth.Clients.Found++
		w.changeKey(c, f.seq)
		w.takeSet(c, f.set)
	} else if w.meta.on && c.set == none {
		c.avoid = f.seq // another sub-Destination next time
	}
	w.endFlight(k)
	n := c.waiting
	c.waiting = 0
	if c.set == none {
		c.lost += n
		return
	}
	for range n {
		w.transmit(i, -1)
	}
	if w.cfg.Clients.Traffic == TrafficStreams {
		w.resendOpen(i)
	}
}
