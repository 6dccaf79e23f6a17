package sim

import (
	"math/rand/v2"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
)

// An observer at vantage point client is a client of the service that looks its
// LeaseSet up and sends messages through leases of its choice. A message that opens
// a ratchet session (New Session) is answered through whichever lease it comes; one
// of an existing session only by the router that has the session, for only that one
// can decrypt it (ECIES-X25519-AEAD-Ratchet specification; Java RatchetSKM and
// i2pd's GarlicDestination are the router's own).

// conversation is one ratchet session of an observer.
type conversation struct {
	ratchet int64
	set     int32 // the LeaseSet whose leases it uses, or none
	lease   int   // the one through which it opened the session
	router  int32 // that has the session
	boot    uint16
}

// probe begins a round of watcher i: a lookup, and a New Session through one of the
// leases found.
func (w *World) probe(i int32) {
	p := w.watchers[i]
	w.push(w.now+p.cfg.ProbeEvery, evProbe, i, 0)
	w.endTalk(&p.talk)
	x := w.lookFor(i, serviceKey)
	for x != none && w.sets.at(x).meta {
		x = w.lookFor(i, w.anyEntry(p, w.sets.at(x)))
	}
	if x == none {
		return
	}
	k := w.anyLease(p, x)
	if k < 0 {
		return
	}
	l := &w.sets.at(x).leases[k]
	rtt, answered := w.roundTrip(p, l)
	p.talk.ratchet++
	w.out.Traces[i].AppendProbe(w.seenMs(), p.talk.ratchet, nil, w.seenLease(l), micros(rtt))
	if !answered {
		return
	}
	c := &p.talk
	c.set, c.lease, c.router, c.boot = w.holdSet(x), k, l.router, l.boot
	w.push(w.now+rtt, evReply, i, int32(c.ratchet))
}

// lookFor lets watcher i ask the holders of a key, the closest first, until one of them
// has something, and returns it, or none.
func (w *World) lookFor(i, key int32) int32 {
	if key == none {
		return none
	}
	for _, f := range w.holders(key) {
		if f == none {
			continue
		}
		if x := w.lookAt(i, key, f); x != none {
			return x
		}
	}
	return none
}

// anyEntry draws one of the entries of a Meta LeaseSet that have not run out, and
// returns its key, or none. They all cost the same.
func (w *World) anyEntry(p *watcher, s *leaseSet) int32 {
	chosen, seen := int32(none), 0
	for k := range s.entries {
		if e := &s.entries[k]; Time(e.expires)*Second > w.epoch+w.now {
			seen++
			if p.rng.IntN(seen) == 0 {
				chosen = e.key
			}
		}
	}
	return chosen
}

// replied lets watcher i have the answer to its New Session, with the LeaseSet that
// the answering router bundles, and send messages of the session through other
// leases.
func (w *World) replied(i, ratchet int32) {
	p := w.watchers[i]
	c := &p.talk
	if c.set == none || int32(c.ratchet) != ratchet {
		return // another round has begun
	}
	if x := w.bundleOf(c.router); x != none {
		w.sight(i, trace.KindBundle, x)
	}
	leases := w.sets.at(c.set).leases
	opened := w.seenLease(&leases[c.lease])
	from := p.rng.IntN(len(leases))
	sent := 1
	for k := 0; k < len(leases) && sent < p.cfg.ProbeLeases; k++ {
		n := (from + k) % len(leases)
		l := &leases[n]
		if n == c.lease || w.ended(l) {
			continue
		}
		sent++
		rtt, answered := w.roundTrip(p, l)
		if !answered || !w.core.garlic && (l.router != c.router || l.boot != c.boot) {
			rtt = -1
		}
		w.out.Traces[i].AppendProbe(w.seenMs(), c.ratchet, &opened, w.seenLease(l), micros(rtt))
	}
	w.endTalk(c)
}

func (w *World) endTalk(c *conversation) {
	if c.set != none {
		w.releaseSet(c.set)
		c.set = none
	}
}

// ended tells whether a lease has run out, so that no client uses it.
func (w *World) ended(l *lease) bool { return Time(l.end)*Second <= w.epoch+w.now }

// anyLease draws one of the leases that have not run out, or -1.
func (w *World) anyLease(p *watcher, x int32) int {
	leases := w.sets.at(x).leases
	chosen, seen := -1, 0
	for k := range leases {
		if w.ended(&leases[k]) {
			continue
		}
		seen++
		if p.rng.IntN(seen) == 0 {
			chosen = k
		}
	}
	return chosen
}

// roundTrip is the time from sending a message through lease l, now, to the answer,
// and whether the message arrives and can be answered; -1 if not. Messages that are
// lost on the way are sent again, as streams do: only what is gone for good goes
// unanswered. A router that dies while the message is on its way counts as alive.
func (w *World) roundTrip(p *watcher, l *lease) (Time, bool) {
	if !w.alive(l) {
		return -1, false
	}
	r := &w.routers[l.router]
	v := &w.routers[w.voice(l.router)]
	out := w.wayBack(v)
	if out == none || !v.up || v.stalled {
		return -1, false
	}
	there, back := w.oneWay(p, l.number), w.oneWay(p, w.tunnels.at(out).number)
	own := r.cfg.ReplyDelay
	if r.balanced() {
		own += 2 * w.cfg.Destination.ControlDelay // the service is where the balancer is
	}
	return there + own + back, true
}

// wayBack is the outbound tunnel through which a router answers, or none. Routers
// keep to one tunnel for each client (Java OutboundCache); which, is left to the
// order in which they were built.
func (w *World) wayBack(r *router) int32 {
	for _, y := range r.pools[balancer.Outbound].members {
		if w.tunnels.at(y).broken > w.now {
			return y
		}
	}
	return none
}

// oneWay is how long a message takes through a tunnel of the service and one of the
// observer's. The tunnels have a latency that lasts as long as they do, and each
// message its own share.
func (w *World) oneWay(p *watcher, tunnel uint32) Time {
	return w.wayThrough(tunnel, p.rng)
}

func micros(t Time) int64 {
	if t < 0 {
		return -1
	}
	return int64(t / (Millisecond / 1000))
}

// bundleOf is the LeaseSet that a router sends along with an answer, or none: a
// stock one its own newest, whether published or not (Java lookupLeaseSetLocally),
// one under the balancer what it was given.
func (w *World) bundleOf(i int32) int32 {
	r := &w.routers[i]
	switch {
	case !r.up:
		return none
	case r.balanced():
		return r.bundle
	case r.mode == modeJava:
		return w.currentSet(i)
	}
	return r.ls.set
}

// given keeps what the balancer has a router bundle.
func (w *World) given(i int32, a *balancer.Action) {
	w.dropBundle(i)
	x := w.newSet(i)
	s := w.sets.at(x)
	s.published, s.expires, s.keys = a.Published, a.Expires, w.clients.taken
	for k := range a.Leases {
		s.leases = w.listed(i, s.leases, &a.Leases[k])
	}
	w.routers[i].bundle, w.routers[i].given = x, w.now
}

func (w *World) dropBundle(i int32) {
	if r := &w.routers[i]; r.bundle != none {
		w.releaseSet(r.bundle)
		r.bundle = none
	}
}

// wayThrough draws how long a message takes through a tunnel of the service, which is
// slower or faster than others as long as it lives, and one of whoever writes.
func (w *World) wayThrough(tunnel uint32, rng *rand.Rand) Time {
	own := &w.slowness[tunnel%uint32(len(w.slowness))]
	if own.tunnel != uint64(tunnel)+1 {
		own.tunnel = uint64(tunnel) + 1
		own.normal = normal(splitmix(w.seed ^ uint64(tunnel)*splitmixStep))
	}
	x := mailDelaySigma*own.normal + w.cfg.Network.MessageJitter*rng.NormFloat64()
	return upToMinute(w.mailDelay, x)
}

// slowness remembers the standard normal value of a tunnel, by the low bits of its number.
type slowness [256]struct {
	tunnel uint64 // its number, from 1 on
	normal float64
}
