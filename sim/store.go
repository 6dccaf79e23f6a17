package sim

import "multihome.i2p/balancer"

// How a router stores a LeaseSet in the netDb and verifies it (StoreJob,
// FloodfillStoreJob, FloodfillVerifyStoreJob). Stock Java routers and those
// that serve Proposal 140 share this machinery.

// storeJob is one attempt to bring a LeaseSet to a floodfill, over several of
// them if need be, and then its verification.
type storeJob struct {
	router   int32
	key      int32 // of the netDb
	set      int32
	started  Time
	limit    Time // how long it may take
	attempt  int32
	sentTo   int32 // floodfill of the attempt, or asked in a verification
	stored   int32 // floodfill that acknowledged
	sentAt   Time
	verify   bool // it is verifying
	again    bool // a failure publishes again (RepublishLeaseSetJob)
	meta     bool // of a Meta LeaseSet, whatever router its master is
	asked    int
	tried    [triedMax]int32
	nTried   int
	live     bool
	lookup   bool   // nothing was stored: it is a balancer's lookup
	outbound int32  // tunnel named by a balancer, or none
	outGen   uint16 // generation of that tunnel
	reply    int32  // index of the lease named by a balancer, or none
	stands   Time   // of the lease that its ack was asked for at
}

const triedMax = 32

// mail is a netDb message of one of the operator's routers under way.
type mail struct {
	kind     mailKind
	job      int32
	jobGen   uint16
	attempt  int32 // of the job
	key      int32 // of a lookup
	ff       int32
	set      int32  // the LeaseSet stored, or found; none
	reply    lease  // where the answer goes
	obep     int32  // far end of the tunnel through which it came
	out      uint32 // and that tunnel's number
	deadline Time   // when its sender stops waiting
}

type mailKind uint8

const (
	mailStore   mailKind = iota // a DatabaseStore on its way to the floodfill
	mailAck                     // its DeliveryStatus on its way back
	mailLookup                  // a DatabaseLookup
	mailAnswer                  // its answer
	mailRelayed                 // an ack that another router has passed on
)

// publishState is the pending publish of a router.
type publishState struct {
	gen       uint16
	due       Time // of the next one, Never for none
	attempted Time // last attempt
	ever      bool
	verifying bool
	i2pd      i2pdPublishState
}

func (p *publishState) reset() { *p = publishState{gen: p.gen + 1, due: Never} }

// spacing is the least time between two publishes of a router.
func (w *World) spacing(kind Kind) Time {
	if s := w.cfg.Destination.PublishSpacing; s >= 0 {
		return s
	}
	if kind == I2pd {
		return i2pdPublishSpacing
	}
	return publishSpacing
}

// setRepublish sets the publishing of a stock Java router's new LeaseSet, in
// place of one set before (KademliaNetworkDatabaseFacade.publish).
func (w *World) setRepublish(i int32, from Time) {
	p := &w.routers[i].pub
	at := from + publishDelay
	if p.ever {
		at = max(at, p.attempted+w.spacing(Java))
	}
	w.republishAt(i, at)
}

func (w *World) republishAt(i int32, at Time) {
	p := &w.routers[i].pub
	if at == p.due {
		return
	}
	p.due = at
	p.gen++
	w.pushGen(at, evRepublish, p.gen, i, 0)
}

// republish sends the newest LeaseSet (RepublishLeaseSetJob).
func (w *World) republish(i int32) {
	r := &w.routers[i]
	x := w.currentSet(i)
	if r.stalled || x == none {
		return
	}
	s := w.sets.at(x)
	if Time(s.expires)*Second+currentFudge <= w.wall(i) {
		return
	}
	r.pub.attempted, r.pub.ever = w.now, true
	w.countPublish()
	w.storeNext(w.newStore(i, x, true))
}

// newStore makes a store job for LeaseSet x; storeNext starts it.
func (w *World) newStore(i, x int32, again bool) int32 {
	k := w.stores.take()
	*w.stores.at(k) = storeJob{
		router: i, key: w.sets.at(x).key, set: w.holdSet(x), started: w.now, limit: storeTimeout, again: again, live: true,
		outbound: none, reply: none, stored: none, sentTo: none, meta: w.sets.at(x).meta,
	}
	return k
}

func (w *World) endStore(k int32) {
	j := w.stores.at(k)
	if j.verify && !j.meta {
		w.routers[j.router].pub.verifying = false
	}
	j.live = false
	if j.set != none {
		w.releaseSet(j.set)
	}
	w.stores.free(k)
}

// dropStores forgets all jobs of a router that died.
func (w *World) dropStores(i int32) {
	for k := range w.stores.items {
		if j := w.stores.at(int32(k)); j.live && j.router == i {
			w.endStore(int32(k))
		}
	}
}

func (j *storeJob) skip(f int32) {
	if j.nTried < triedMax {
		j.tried[j.nTried] = f
		j.nTried++
	}
}

// storeNext sends the LeaseSet of job k to the next floodfill.
func (w *World) storeNext(k int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	if r.stalled {
		w.pushGen(w.now+storeNoTunnelWait, evStoreSend, w.stores.gens[k], k, 0)
		return
	}
	if w.now >= j.started+j.limit || j.attempt > storeMaxSent {
		w.storeFailed(k)
		return
	}
	f := w.pickFloodfill(r, j.key, j.tried[:j.nTried])
	if f == none {
		w.storeFailed(k)
		return
	}
	j.skip(f)
	j.attempt++
	out := w.outboundFor(j, f)
	if out == none {
		w.pushGen(w.now+storeNoTunnelWait, evStoreSend, w.stores.gens[k], k, 0)
		return
	}
	reply, ok := w.replyFor(j, f)
	if !ok {
		w.pushGen(w.now+storeNoTunnelWait, evStoreSend, w.stores.gens[k], k, 0)
		return
	}
	j.sentTo, j.sentAt, j.stands = f, w.now, reply.stands
	w.send(mail{
		kind: mailStore, job: k, attempt: j.attempt, ff: f, set: w.holdSet(j.set), reply: reply,
		deadline: w.now + ackTimeout(&r.response[f]),
	}, out)
	if reply.silent {
		w.inquire(k)
	}
}

// shadowKnown is the age by which a publisher knows what stands for its tunnel: builds
// take up to 5 s, and what is built is shown 3 s later.
const shadowKnown = 10 * Second

// selfTests is how often a router tests the tunnel that a lease stands for when it asks
// for an answer at that lease. Our choice: of three tests of a sound tunnel one returns, but
// in a few of ten thousand cases.
const selfTests = 3

// works tells whether the router that awaits an answer finds the tunnel working that the
// answer's lease stands for, which breaks or ends at the given time; 0: it stands for
// none. Alone it would have asked there, and have heard nothing through a broken one: an
// answer counts for none then, since what is done for want of one shows.
func (w *World) works(stands Time) bool {
	if stands == 0 {
		return true
	}
	sound := 1 - w.lossOf(bytesAck)
	lost := 1.0
	for range selfTests {
		lost *= 1 - sound*sound
	}
	return w.now < stands && !chance(w.streams.rand[streamNetDb], lost)
}

// inquireAfter is when a router inquires whether its LeaseSet has come, where the ack
// can come to nobody. Our choice: in 97 of 100 cases it is with the next floodfills by
// then, and the answer is there before the wait for an ack, of 6 s at least, is over.
const inquireAfter = 2 * Second

// inquiries is how many floodfills it asks. Our choice: lookup and answer are lost more
// often than an ack is, and of two both are about as seldom.
const inquiries = 2

// inquire sets lookups of the LeaseSet of job k, whose ack was asked for at a lease
// that leads nowhere. They go out and come back through exploratory tunnels, as
// anybody's do, so that no floodfill learns whose they are. Where all are lost the wait
// ends as it would have without an ack.
func (w *World) inquire(k int32) {
	rng := w.streams.rand[streamNetDb]
	for range inquiries {
		way := lognormal(rng, w.mailDelay, mailDelaySigma)
		w.out.Truth.TunnelMessages += tunnelMessages(bytesLookup)
		if !chance(rng, w.lossOf(bytesLookup)) {
			w.pushGen(w.now+inquireAfter+way, evInquiry, w.stores.gens[k], k, w.stores.at(k).attempt)
		}
	}
}

// inquired handles a lookup of job k where it arrives: at one of the floodfills that
// the one it was stored at floods to.
func (w *World) inquired(k, attempt int32) {
	j := w.stores.at(k)
	if j.verify || j.attempt != attempt || w.routers[j.router].stalled {
		return
	}
	rng := w.streams.rand[streamNetDb]
	asked, n := int32(none), 0
	for _, f := range w.net.keys[j.key].today {
		if f == none || n == floodTo {
			break
		}
		if f == j.sentTo || w.net.ff[f].dead {
			continue
		}
		if n++; rng.IntN(n) == 0 {
			asked = f
		}
	}
	if asked == none {
		return
	}
	found := w.ask(j.key, asked, &w.out.Truth.Verifications)
	w.net.ff[asked].counts.Verifications++
	if found == none || w.sets.at(found).published < w.sets.at(j.set).published {
		return
	}
	bytes := bytesFloodHead + w.sets.at(found).bytes()
	w.out.Truth.TunnelMessages += tunnelMessages(bytes)
	if !chance(rng, w.lossOf(bytes)) {
		at := w.now + lognormal(rng, w.mailDelay, mailDelaySigma)
		w.pushGen(at, evInquiryAnswer, w.stores.gens[k], k, attempt)
	}
}

// inquiryAnswered takes a LeaseSet that was found for acknowledged, when its ack would
// have come.
func (w *World) inquiryAnswered(k, attempt int32) {
	j := w.stores.at(k)
	if !w.works(j.stands) {
		return
	}
	w.ackTaken(k, attempt, j.sentTo, min(w.now, j.sentAt+w.presumedAnswer()))
}

// presumedAnswer draws how long an answer takes that comes to nobody.
func (w *World) presumedAnswer() Time {
	rng := w.streams.rand[streamNetDb]
	return lognormal(rng, w.mailDelay, mailDelaySigma) + lognormal(rng, w.mailDelay, mailDelaySigma)
}

// replyFor is the lease at which the ack of a store is asked for: one of the LeaseSet
// that is stored. A Meta LeaseSet has none: an inbound tunnel of the master's router.
func (w *World) replyFor(j *storeJob, f int32) (lease, bool) {
	if j.meta {
		in := w.closestTunnel(&w.routers[j.router].pools[balancer.Inbound], f)
		if in == none {
			return lease{}, false
		}
		return w.leaseOf(w.tunnels.at(in)), true
	}
	leases := w.sets.at(j.set).leases
	switch {
	case j.attempt > 1:
		return leases[w.streams.rand[streamNetDb].IntN(len(leases))], true
	case j.reply != none:
		return leases[j.reply], true
	default:
		return leases[w.closestLease(leases, f)], true
	}
}

// outboundFor is the tunnel that carries a store: the one named, or the one
// whose end is closest to the floodfill, and later ones in turn.
func (w *World) outboundFor(j *storeJob, f int32) int32 {
	p := &w.routers[j.router].pools[balancer.Outbound]
	switch {
	case j.attempt > 1:
		return w.nextTunnel(p)
	case j.outbound != none && w.tunnels.current(j.outbound, j.outGen):
		return j.outbound
	default:
		return w.closestTunnel(p, f)
	}
}

// send puts a message into outbound tunnel out.
func (w *World) send(m mail, out int32) {
	rng := w.streams.rand[streamNetDb]
	m.jobGen = w.stores.gens[m.job]
	bytes := w.bytesOf(&m)
	w.out.Truth.TunnelMessages += tunnelMessages(bytes)
	if chance(rng, w.lossOf(bytes)) || w.tunnels.at(out).broken <= w.now {
		w.unanswered(&m)
		if m.set != none {
			w.releaseSet(m.set)
		}
		return
	}
	t := w.tunnels.at(out)
	m.obep, m.out = t.gateway(), t.number
	x := w.mails.take()
	*w.mails.at(x) = m
	w.push(w.now+lognormal(rng, w.mailDelay, mailDelaySigma), evMail, x, 0)
}

// unanswered sets the end of the wait for an answer that is known not to come.
// Answers that come need no such event.
func (w *World) unanswered(m *mail) {
	kind := evStoreTimeout
	if m.kind == mailLookup || m.kind == mailAnswer {
		kind = evVerifyTimeout
	}
	w.pushGen(max(w.now, m.deadline), kind, m.jobGen, m.job, m.attempt)
}

// mailArrived handles a netDb message at the end of its way.
func (w *World) mailArrived(x int32) {
	m := w.mails.at(x)
	switch m.kind {
	case mailStore, mailLookup:
		if w.net.ff[m.ff].dead {
			w.unanswered(m)
			w.endMail(x)
			return
		}
		if m.kind == mailStore && w.tooLarge(m.set) {
			w.out.Truth.Refused++
			w.unanswered(m)
			w.endMail(x)
			return
		}
		w.seenArriving(m)
		if m.kind == mailStore {
			w.storedAt(m.ff, m.set)
			m.kind = mailAck
		} else {
			m.set = w.ask(m.key, m.ff, &w.out.Truth.Verifications)
			if m.set != none {
				w.holdSet(m.set)
			}
			w.net.ff[m.ff].counts.Verifications++
			m.kind = mailAnswer
		}
		w.answer(x)
	case mailAck:
		taken := w.alive(&m.reply) && w.works(m.reply.stands) && w.ackArrived(m)
		if m = w.mails.at(x); !taken {
			w.unanswered(m)
		}
		w.endMail(x)
	case mailAnswer:
		if !w.alive(&m.reply) || !w.works(m.reply.stands) {
			w.unanswered(m)
		} else if w.stores.current(m.job, m.jobGen) && w.stores.at(m.job).asked == int(m.attempt) {
			w.verifyAnswered(m.job, m.set)
		}
		w.endMail(x)
	}
}

// answer sends a floodfill's answer through the tunnel that it was asked for.
func (w *World) answer(x int32) {
	m := w.mails.at(x)
	rng := w.streams.rand[streamNetDb]
	at := w.now + lognormal(rng, w.mailDelay, mailDelaySigma)
	bytes := w.bytesOf(m)
	w.out.Truth.TunnelMessages += tunnelMessages(bytes)
	if chance(rng, w.lossOf(bytes)) || at >= m.deadline {
		w.unanswered(m)
		w.endMail(x)
		return
	}
	if w.foreseen(m, at) {
		if m.kind == mailAck {
			w.ackTaken(m.job, m.attempt, m.ff, at)
		} else {
			w.verifyAnswered(m.job, m.set)
		}
		w.endMail(x)
		return
	}
	w.push(at, evMail, x, 0)
}

// foreseen tells whether an answer may be handled ahead of its arrival at the
// given time, which saves an event in the common case: a stock Java router
// that no fault can strike meanwhile, on its own tunnel that lasts until then,
// and an answer that it only takes note of.
func (w *World) foreseen(m *mail, at Time) bool {
	if w.mortal || !w.stores.current(m.job, m.jobGen) || at >= m.reply.until {
		return false
	}
	j := w.stores.at(m.job)
	if w.routers[j.router].mode != modeJava {
		return false
	}
	if m.kind == mailAck {
		return true
	}
	return j.asked == int(m.attempt) && m.set != none && w.sets.at(m.set).published >= w.sets.at(j.set).published
}

func (w *World) endMail(x int32) {
	if m := w.mails.at(x); m.set != none {
		w.releaseSet(m.set)
	}
	w.mails.free(x)
}

// ackArrived hands an ack to the router whose tunnel it came through, and
// tells whether the storing router has it. Another router passes it up if it
// serves Proposal 140, and else drops it.
func (w *World) ackArrived(m *mail) bool {
	if !w.stores.current(m.job, m.jobGen) {
		return true
	}
	j := w.stores.at(m.job)
	if m.reply.router == j.router {
		return w.ackTaken(m.job, m.attempt, m.ff, w.now)
	}
	w.out.Truth.AcksAstray++
	if w.routers[m.reply.router].mode == modeP140 {
		w.p140RelayAck(m)
	}
	return false
}

// ackTaken ends the storing of job k if it still waits for this ack, which
// arrives at the given time.
func (w *World) ackTaken(k, attempt, f int32, at Time) bool {
	j := w.stores.at(k)
	if j.verify || j.attempt != attempt || j.sentTo != f || w.routers[j.router].stalled {
		return false
	}
	r := &w.routers[j.router]
	if r.cfg.Kind == I2pd && !j.meta {
		w.i2pdAcked(k)
		return true
	}
	st := &r.response[f]
	st.total += at - j.sentAt
	st.acks++
	st.storeOK = at
	w.tellNotes(j.router, f)
	if r.mode == modeP140 && !j.meta {
		w.p140PublishStatus(k, balancer.ResultOK, true)
	}
	j = w.stores.at(k) // the balancer may have answered with a store
	if r.pub.verifying && !j.meta {
		w.endStore(k)
		return true
	}
	j.verify = true
	r.pub.verifying = r.pub.verifying || !j.meta
	j.stored, j.sentTo = f, none
	at += verifyDelay + uniform(w.streams.rand[streamNetDb], 0, verifyDelayRange)
	w.pushGen(at, evVerify, w.stores.gens[k], k, 0)
	return true
}

// storeTimedOut goes on to the next floodfill if no ack has come.
func (w *World) storeTimedOut(k, attempt int32) {
	j := w.stores.at(k)
	if j.verify || j.attempt != attempt {
		return
	}
	r := &w.routers[j.router]
	if r.cfg.Kind == I2pd && !j.meta {
		w.i2pdStoreTimedOut(k)
		return
	}
	r.response[j.sentTo].storeFailed = w.now
	w.out.Truth.StoreTimeouts++
	w.tellNotes(j.router, j.sentTo)
	if r.mode == modeP140 && !w.stores.at(k).meta {
		w.p140PublishStatus(k, balancer.ResultTimeout, false)
	}
	w.storeNext(k)
}

// storeFailed gives job k up.
func (w *World) storeFailed(k int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	w.out.Truth.StoreFailures++
	if j.meta {
		w.metaStoreFailed(j)
	} else if r.mode == modeP140 {
		w.p140PublishStatus(k, balancer.ResultFailed, true)
	} else if j.again && j.set == r.ls.set {
		// No newer LeaseSet is waiting: the same one again.
		w.republishAt(j.router, w.now+republishRetry+uniform(w.streams.rand[streamNetDb], 0, republishRetry))
	}
	w.endStore(k)
}

// asksAsI2pd tells whether r looks job j up as i2pd does.
func (r *router) asksAsI2pd(j *storeJob) bool {
	return r.cfg.Kind == I2pd && !j.meta && (!j.lookup || r.mode == modeNatural)
}

// verifyAsk asks another close floodfill for what was stored.
func (w *World) verifyAsk(k int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	if r.asksAsI2pd(j) {
		w.i2pdAsk(k)
		return
	}
	f := w.pickFloodfill(r, j.key, j.tried[:j.nTried])
	if f == none {
		f = j.stored
	}
	out, in := int32(none), int32(none)
	if f != none {
		out = w.closestTunnel(&r.pools[balancer.Outbound], f)
		in = w.closestTunnel(&r.pools[balancer.Inbound], f)
	}
	joint := r.ls.joint && r.ls.set != none
	if f == none || out == none || in == none && !joint || r.stalled {
		if j.lookup {
			w.lookedUp(k, none)
			return
		}
		w.endStore(k)
		return
	}
	reply, wait := w.replyLease(r, in, f, joint)
	if wait > 0 {
		w.pushGen(w.now+wait, evVerify, w.stores.gens[k], k, 0)
		return
	}
	j.sentTo, j.sentAt = f, w.now
	j.asked++
	w.send(mail{
		kind: mailLookup, key: j.key, job: k, attempt: int32(j.asked), ff: f, set: none, reply: reply,
		deadline: w.now + verifyTimeout,
	}, out)
	if reply.silent && !j.lookup && w.works(reply.stands) {
		r.response[f].askOK = w.now
		w.tellNotes(j.router, f)
		w.endStore(k)
	}
}

// replyLease is where the answer of floodfill f to router r goes: through its own
// inbound tunnel in, the closest of them, or where a balancer passes answers on, through
// the lease that stands for that, or a closer one that stands for none of its own. That
// this takes a little longer is of no consequence. What will stand for a young tunnel is
// not known yet: the router asks through another one of the same gateway, or waits.
func (w *World) replyLease(r *router, in, f int32, joint bool) (reply lease, wait Time) {
	if !joint {
		return w.leaseOf(w.tunnels.at(in)), 0
	}
	target := w.net.ff[f].hash[0]
	found := false
	for k := range w.sets.at(r.ls.set).leases {
		l := &w.sets.at(r.ls.set).leases[k]
		if !l.own && (!found || nearer(l, &reply, target)) {
			reply, found = *l, true
		}
	}
	young := Time(0)
	var near uint64
	for _, y := range r.pools[balancer.Inbound].members {
		t := w.tunnels.at(y)
		l := t.answers
		if !t.shadow {
			if ready := t.created + shadowKnown; w.now < ready {
				if young == 0 || t.near^target < near^target {
					young, near = ready-w.now, t.near
				}
				continue
			}
			l = w.leaseOf(t)
		}
		if !found || nearer(&l, &reply, target) {
			reply, found = l, true
		}
	}
	if young > 0 && (!found || near^target < reply.near^target) {
		return lease{}, young
	}
	if leases := w.sets.at(r.ls.set).leases; !found {
		reply = leases[w.closestLease(leases, f)]
	}
	return reply, 0
}

// nearer tells whether lease a is closer to a target than b, or as close and longer
// there.
func nearer(a, b *lease, target uint64) bool {
	x, y := a.near^target, b.near^target
	return x < y || x == y && a.end > b.end
}

// verifyAnswered compares what was found with what was stored.
func (w *World) verifyAnswered(k, found int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	if r.asksAsI2pd(j) {
		w.i2pdVerified(k, found)
		return
	}
	if j.lookup {
		w.lookedUp(k, found)
		return
	}
	st := &r.response[j.sentTo]
	if found != none && w.sets.at(found).published >= w.sets.at(j.set).published {
		st.askOK = w.now
		w.tellNotes(j.router, j.sentTo)
		w.endStore(k)
		return
	}
	st.askFailed = w.now
	w.storedInVain(k)
}

func (w *World) verifyTimedOut(k, asked int32) {
	j := w.stores.at(k)
	if j.asked != int(asked) {
		return
	}
	r := &w.routers[j.router]
	if r.asksAsI2pd(j) {
		w.i2pdAsk(k)
		return
	}
	if j.lookup {
		w.lookedUp(k, none)
		return
	}
	r.response[j.sentTo].askFailed = w.now
	w.tellNotes(j.router, j.sentTo)
	if j = w.stores.at(k); j.asked < verifyPeers {
		j.skip(j.sentTo)
		w.verifyAsk(k)
		return
	}
	w.resend(k)
}

// storedInVain notes that what was stored was not found, and stores it again.
func (w *World) storedInVain(k int32) {
	j := w.stores.at(k)
	router, asked, stored := j.router, j.sentTo, j.stored
	w.routers[router].response[stored].storeFailed = w.now
	w.tellNotes(router, asked)
	w.tellNotes(router, stored)
	w.resend(k)
}

// resend stores the LeaseSet again, elsewhere, after a verification that
// failed, unless a newer one is there.
func (w *World) resend(k int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	superseded := j.set != r.ls.set
	if j.meta {
		superseded = w.metaSuperseded(j.set)
	} else if r.mode == modeP140 {
		superseded = r.ls.given > w.sets.at(j.set).published
	}
	if superseded {
		w.endStore(k)
		return
	}
	w.out.Truth.Resends++
	n := w.newStore(j.router, j.set, false)
	j = w.stores.at(k) // newStore may have moved it
	next := w.stores.at(n)
	next.skip(j.stored)
	next.skip(j.sentTo)
	if j.nTried < verifyForgetTried {
		for _, f := range j.tried[:j.nTried] {
			next.skip(f)
		}
	}
	w.endStore(k)
	w.storeNext(n)
}

// ackTimeout is how long a router waits for a floodfill's ack.
func ackTimeout(st *responseStat) Time {
	mean := ackResponseMax
	if st.acks > 0 {
		mean = min(max(st.total/Time(st.acks), ackResponseMin), ackResponseMax)
	}
	return ackFactor * mean
}

// pickFloodfill is the floodfill that a Java router tries next: of the five
// closest to a key's routing key that it has not tried, the closest good one, else
// the closest passable one, else the closest (FloodfillPeerSelector).
func (w *World) pickFloodfill(r *router, key int32, tried []int32) int32 {
	passable, any := int32(none), int32(none)
	seen := 0
	for _, f := range w.net.keys[key].today {
		if f == none || seen == selectAmong {
			break
		}
		if w.net.ff[f].dead || contains(tried, f) {
			continue
		}
		seen++
		st := &r.response[f]
		known := st.acks > 0 || st.askOK > 0 || st.storeFailed > 0 || st.askFailed > 0
		quick := st.acks == 0 || st.total/Time(st.acks) < goodResponse
		switch {
		case !known:
		case quick && w.past(st.storeFailed, 2*passStore) && w.past(st.askFailed, 3*passAsk):
			return f
		case st.storeFailed <= st.storeOK || st.askFailed <= st.askOK ||
			w.past(st.storeFailed, passStore) && w.past(st.askFailed, passAsk):
			if passable == none {
				passable = f
			}
		}
		if any == none {
			any = f
		}
	}
	if passable != none {
		return passable
	}
	return any
}

// past tells whether something that happened at t, 0 for never, is longer ago
// than span.
func (w *World) past(t, span Time) bool { return t == 0 || t < w.now-span }
