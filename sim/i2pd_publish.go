package sim

import "multihome.i2p/balancer"

// The stock i2pd router's LeaseSets and publishing (Destination.cpp,
// LeaseSet.cpp).

// i2pdPublishState is where a router is with its publishing.
type i2pdPublishState struct {
	waiting  bool // for the ack of a store
	job      int32
	asking   bool // a verification is under way
	askJob   int32
	excluded [triedMax]int32 // floodfills that gave no ack since the last one that did
	n        int
	last     int64 // second of the last submission

	requested bool  // a client has not yet answered the request for a LeaseSet,
	request   int32 // which is this one
}

// i2pdUpdate makes a new LeaseSet of the newest tunnels, two more than wanted,
// and publishes it. A client beyond I2CP is asked for it first; what changes until
// it has answered it is not asked for (I2CPDestination::PostCreateNewLeaseSet).
func (w *World) i2pdUpdate(i int32) {
	r := &w.routers[i]
	p := &r.pools[balancer.Inbound]
	if r.pub.i2pd.requested {
		return
	}
	if r.mode == modeNatural {
		w.naturalAsk(i)
		return
	}
	now := w.wallSeconds(i)
	x := w.newSet(i)
	s := w.sets.at(x)
	s.published = now
	if r.ls.set != none {
		s.published = max(now, w.sets.at(r.ls.set).published+1)
	}
	for _, y := range w.i2pdNewest(p) {
		t := w.tunnels.at(y)
		l := w.leaseOf(t)
		l.end = t.createdS + int64(tunnelLifetime/Second)
		if r.cfg.ClientDelay > 0 {
			l.end = w.i2pdDrifted(i, t) / 1000
		}
		if l.end > s.published {
			s.leases = append(s.leases, l)
			s.expires = max(s.expires, l.end)
		}
	}
	if len(s.leases) == 0 {
		w.releaseSet(x)
		return
	}
	if r.cfg.ClientDelay > 0 {
		r.pub.i2pd.requested, r.pub.i2pd.request = true, x
		w.pushGen(w.now+r.cfg.ClientDelay, evI2pdAnswer, r.boot, i, 0)
		return
	}
	w.i2pdTake(i, x)
}

// i2pdNewest lists the inbound tunnels that a LeaseSet names: the newest first, of
// tunnels of the same second the one added last, two more than wanted.
func (w *World) i2pdNewest(p *tunnelPool) []int32 {
	order := w.scratch.ints[:0]
	for _, y := range p.members {
		if !w.tunnels.at(y).established() {
			continue
		}
		k := len(order)
		order = append(order, y)
		for k > 0 && w.tunnels.at(order[k-1]).createdS <= w.tunnels.at(y).createdS {
			order[k] = order[k-1]
			k--
		}
		order[k] = y
	}
	w.scratch.ints = order
	return w.i2pdSlowLast(order, min(p.want+i2pdMoreLeases, w.maxLeases()))
}

// i2pdAnswered takes the LeaseSet that a client was asked for.
func (w *World) i2pdAnswered(i int32) {
	q := &w.routers[i].pub.i2pd
	q.requested = false
	w.i2pdTake(i, q.request)
}

// i2pdTake makes LeaseSet x the current one and publishes it.
func (w *World) i2pdTake(i, x int32) {
	r := &w.routers[i]
	s := w.sets.at(x)
	if r.ls.set != none {
		w.releaseSet(r.ls.set)
	}
	r.ls.set, r.given = x, w.now
	w.countVersion(s)
	w.i2pdStopAsking(i)
	w.i2pdPublish(i)
}

// i2pdSlowLast cuts a list of tunnels to the first ones, of which one slow one is
// kept back unless there are few others (TunnelPool::GetInboundTunnels).
func (w *World) i2pdSlowLast(order []int32, limit int) []int32 {
	slow := int32(none)
	n := 0
	for _, y := range order {
		if n == limit {
			break
		}
		if slow == none && w.tunnels.at(y).slow {
			slow = y
			continue
		}
		order[n] = y
		n++
	}
	if slow != none && n < limit/2+1 {
		order[n] = slow
		n++
	}
	return order[:n]
}

// The ends that a client is told: i2pd adds up to two seconds as the tunnel ages,
// so that each LeaseSet is newer than the last (LocalLeaseSet::LocalLeaseSet).
const i2pdDrift = 2

// i2pdDrifted is the end of a tunnel as a client is told it, in ms.
func (w *World) i2pdDrifted(i int32, t *tunnel) int64 {
	age := w.wallMs(i) - t.createdS*1000
	return t.createdS*1000 + int64(tunnelLifetime/Millisecond) + age*i2pdDrift/int64(i2pdLifetime/Second)
}

// i2pdStopAsking cancels the verification that is set or under way.
func (w *World) i2pdStopAsking(i int32) {
	q := &w.routers[i].pub.i2pd
	if q.asking {
		w.endStore(q.askJob)
		q.asking = false
	}
}

// i2pdGiven lets a router under the balancer forget the LeaseSet that it
// published last, since it has been given a newer one: it is not to publish or
// verify the old one any more. The newer one it publishes when it is told to.
func (w *World) i2pdGiven(i int32) {
	r := &w.routers[i]
	if r.ls.set != none && w.sets.at(r.ls.set).published >= r.ls.given {
		return // the one that it publishes
	}
	w.i2pdStopAsking(i)
	r.pub.gen++ // a publish that waits for its spacing
	if r.ls.set != none {
		w.releaseSet(r.ls.set)
		r.ls.set = none
	}
}

// i2pdPublish stores the current LeaseSet, unless an ack is still awaited; a
// store less than 20 s after the last one waits for 20 s more.
func (w *World) i2pdPublish(i int32) {
	r := &w.routers[i]
	q := &r.pub.i2pd
	if r.stalled || r.ls.set == none || q.waiting {
		return
	}
	spacing := w.spacing(I2pd)
	now := w.wallSeconds(i)
	if r.pub.ever && spacing > 0 && now < q.last+int64(spacing/Second) { // a clock that was set back waits for no spacing of 0
		r.pub.gen++
		w.pushGen(w.now+spacing, evI2pdPublish, r.pub.gen, i, 0)
		return
	}
	f := w.closestExcept(r.key, q.excluded[:q.n])
	if f == none {
		q.n = 0
		return
	}
	out, in := w.i2pdTunnel(&r.pools[balancer.Outbound]), w.i2pdTunnel(&r.pools[balancer.Inbound])
	if out == none || in == none {
		return // the next update tries again
	}
	if q.n < triedMax {
		q.excluded[q.n] = f
		q.n++
	}
	r.pub.ever = true
	q.last = now
	w.countPublish()
	k := w.newStore(i, r.ls.set, false)
	j := w.stores.at(k)
	j.attempt, j.sentTo, j.sentAt = 1, f, w.now
	q.waiting, q.job = true, k
	reply := w.leaseOf(w.tunnels.at(in))
	w.send(mail{
		kind: mailStore, job: k, attempt: 1, ff: f, set: w.holdSet(j.set), reply: reply,
		deadline: w.now + r.cfg.i2pd().ackTimeout,
	}, out)
}

// i2pdAcked ends a store that was acknowledged and sets its verification.
func (w *World) i2pdAcked(k int32) {
	i := w.stores.at(k).router
	q := &w.routers[i].pub.i2pd
	q.n, q.waiting = 0, false
	if w.routers[i].mode == modeP140 {
		w.p140PublishStatus(k, balancer.ResultOK, true)
	}
	w.endStore(k)
	v := w.routers[i].cfg.i2pd()
	steps := Time(w.streams.rand[streamNetDb].IntN(v.verifySteps))
	w.i2pdAskIn(i, v.verifyDelay+steps*Second)
}

// i2pdStoreTimedOut gives a store up and tries the next floodfill.
func (w *World) i2pdStoreTimedOut(k int32) {
	i := w.stores.at(k).router
	w.out.Truth.StoreTimeouts++
	w.routers[i].pub.i2pd.waiting = false
	w.endStore(k)
	w.i2pdPublish(i)
}

// i2pdAskIn sets a verification.
func (w *World) i2pdAskIn(i int32, after Time) {
	w.i2pdStopAsking(i)
	r := &w.routers[i]
	if r.ls.set == none {
		return
	}
	k := w.newStore(i, r.ls.set, false)
	r.pub.i2pd.asking, r.pub.i2pd.askJob = true, k
	w.stores.at(k).started = w.now + after
	w.pushGen(w.now+after, evVerify, w.stores.gens[k], k, 0)
}

// i2pdAsk asks the closest floodfill not yet asked.
func (w *World) i2pdAsk(k int32) {
	j := w.stores.at(k)
	r := &w.routers[j.router]
	f := w.closestExcept(j.key, j.tried[:j.nTried])
	out, in := w.i2pdTunnel(&r.pools[balancer.Outbound]), w.i2pdTunnel(&r.pools[balancer.Inbound])
	if f == none || out == none || in == none || w.now >= j.started+r.cfg.i2pd().askLimit {
		w.i2pdMissing(k)
		return
	}
	j.skip(f)
	j.asked++
	j.sentTo = f
	reply := w.leaseOf(w.tunnels.at(in))
	w.send(mail{
		kind: mailLookup, key: j.key, job: k, attempt: int32(j.asked), ff: f, set: none, reply: reply,
		deadline: w.now + r.cfg.i2pd().askTimeout,
	}, out)
}

// i2pdVerified compares what was found, if anything, with what was stored:
// the same bytes, and all is well for 100 s; others, and it is stored again.
func (w *World) i2pdVerified(k, found int32) {
	j := w.stores.at(k)
	if found == none {
		w.i2pdAsk(k)
		return
	}
	i := j.router
	if j.lookup {
		w.lookedUp(k, found)
		return
	}
	if found != j.set {
		w.i2pdMissing(k)
		return
	}
	w.i2pdAskIn(i, i2pdVerifyEvery)
}

// i2pdMissing publishes again after a verification that failed.
func (w *World) i2pdMissing(k int32) {
	i := w.stores.at(k).router
	if w.stores.at(k).lookup {
		w.lookedUp(k, none)
		return
	}
	w.i2pdStopAsking(i)
	w.out.Truth.Resends++
	w.i2pdPublish(i)
}

// i2pdTunnel draws one of the newer half of a pool's established tunnels
// (TunnelPool::GetNextTunnel).
func (w *World) i2pdTunnel(p *tunnelPool) int32 {
	if len(p.members) == 0 {
		return none
	}
	skip := w.streams.rand[streamNetDb].IntN(len(p.members)/2 + 1)
	chosen := int32(none)
	for k := len(p.members) - 1; k >= 0; k-- {
		if !w.tunnels.at(p.members[k]).established() {
			continue
		}
		chosen = p.members[k]
		if skip == 0 {
			break
		}
		skip--
	}
	return chosen
}

// closestExcept is the floodfill closest to today's routing key of a key that is
// not in the list.
func (w *World) closestExcept(key int32, list []int32) int32 {
	for _, f := range w.net.keys[key].today {
		if f != none && !w.net.ff[f].dead && !contains(list, f) {
			return f
		}
	}
	return none
}
