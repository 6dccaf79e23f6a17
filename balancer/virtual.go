package balancer

import "slices"

// A policy that implements Imitator makes all routers look like one of them, the
// leader. There is one virtual router. Its pools, its clockwork, its slice key, its
// marks of repeated paths, its peers and its LeaseSets are those of the leader, as
// if it were alone: the leader builds every tunnel, its *shadow*, and what is shown
// of builds, times and failures is what happened to the leader. Nothing of it is
// modelled or estimated, so that nothing can be modelled wrongly.
//
// What the other routers do cannot be seen. When the leader has built an inbound
// tunnel, some of them, drawn independently of everything, build a *twin* of it
// through the same path. The LeaseSet is dated when the shadow stands, but shown to
// nobody before PublishDelay has passed, which a router waits anyway; by then the
// twin stands, or the shadow itself is listed. The lease has the twin's tunnel
// number, which is random, and the shadow's end, since the twin was begun later and
// lives longer. It leaves the LeaseSet when the shadow would have left.
//
// Under masked failover nothing of that changes with the loss of a router. If it is
// the leader, another one acts for it, through the peers that it named last, with
// the outbound tunnels that were built there as twins all along, and knowing what the
// leader had seen of floodfills (floodfills.go).

// Imitator is a Policy that makes all routers look like one.
type Imitator interface {
	// Imitation says how. The core asks at Reset.
	Imitation() Imitation
}

// Imitation is how routers look like one.
type Imitation struct {
	// Twins is how many routers build a twin of an inbound tunnel at the same
	// time; the first that stands is listed. 0: each tunnel is listed with who
	// built it.
	Twins int
	// OutboundTwins has another router build the leader's outbound tunnels too, so
	// that it can go on publishing through the same end points.
	OutboundTwins bool
	// RawEnds lists the ends that routers report, by their own clocks.
	RawEnds bool
	// Late lists a tunnel, and dates the LeaseSet, only when its twin stands.
	Late bool
	// ShowFailures drops a lease when the twin that is listed fails.
	ShowFailures bool
}

const (
	// maxLag bounds what the way between balancer and router is taken for.
	maxLag = 2 * Second
	// leaderRest is how long after a leader's return its new peer list does not count: its
	// tiers are not what they were until connections are made again. For leaderSettle
	// after the return its tier is followed, but keeps the size that it had. Our choice:
	// the capacity of a peer is for half that of the last hour (Java I2P,
	// CapacityCalculator), and simulated tiers are too large for some 80 minutes, while
	// as many of their peers stay as without a crash; of 30 to 90 minutes and of 150 to
	// 600 these show least.
	leaderRest   = 50 * Minute
	leaderSettle = 600 * Minute
	// leaderPatience is how long a leader may be away before another router takes its
	// place, with a tier of its own, which shows. Our choice: a tier that stands still
	// for longer shows too.
	leaderPatience = 6 * Hour
	// twinPatience is how long a tunnel waits for its twin where it must.
	twinPatience = 5 * Second
	// outboundAtOnce is how many builds of one outbound twin are asked for at once, and
	// outboundTries how often, every buildTimeout. Our choice: with builds that succeed in
	// one of two cases one twin in eight is missing after the first time, one in five
	// hundred after the third; a missing one shows by its end point if the leader is lost.
	outboundAtOnce = 3
	outboundTries  = 6
	// outboundWorth is what is left to a tunnel for a twin to be worth it.
	outboundWorth = 20 * Second
)

// virtual is the state of an imitation.
type virtual struct {
	on  bool
	how Imitation
	id  RouterID // the virtual router: beyond the real ones
	// leader is whose laws and peers are shown; None before one has served.
	leader RouterID
	seen   uint64 // version of the leader's list that counts
	settle Time   // until then it is followed slowly
	left   Time   // when the leader was lost
	way    Time   // from the balancer to the leader, as last seen
	lag    Time   // of the event under way: its way from the router, 0 of a timer
	// showDue is when the newest LeaseSet may be shown.
	showDue Time
	waitDue Time
	// voiceDue is when an outbound twin may be asked for again.
	voiceDue Time
	fresh    []int32 // scratch of adoptPeers
	before   []int32 // the fast tier when the leader was lost, until it has settled
	twins    []twin  // by tunnel slot
	builds   []twinBuild
	under    understudy
	seenOf   experience // of floodfills
	// How often a twin was wanted, and how often none stood in time.
	wanted, missed int64
}

// twin is what there is of a virtual tunnel beside its shadow.
type twin struct {
	ready   bool // it stands
	shown   bool // the lease has been shown, with the twin's number or the shadow's
	orphan  bool // the shadow died with its router
	dead    bool // it was listed, and has failed since
	waiting Time // until then the tunnel waits for its twin to be listed; 0: it does not
	asked   int8 // builds under way
	tries   int8
	retry   Time // outbound: when it may be asked for again
	router  RouterID
	id      TunnelID
	receive uint32
	end     Time
}

// twinBuild is the build of a twin under way.
type twinBuild struct {
	id     RequestID
	router RouterID
	slot   int32
	of     TunnelID // the shadow, to know whether slot still is that tunnel
	at     Time
	dir    Direction
}

func (v *virtual) reset(p Policy, routers int) {
	*v = virtual{
		id: None, leader: None, showDue: Never, waitDue: Never, voiceDue: Never,
		twins: v.twins[:0], builds: v.builds[:0], fresh: v.fresh[:0], before: v.before[:0], under: v.under, seenOf: v.seenOf,
	}
	v.under.reset()
	v.seenOf.reset()
	if i, ok := p.(Imitator); ok {
		v.on, v.how, v.id = true, i.Imitation(), RouterID(routers)
	}
}

// fleet are the real routers.
func (b *Balancer) fleet() []router { return b.routers[:len(b.cfg.Routers)] }

// isVirtual tells whether p is a pool of the virtual router.
func (b *Balancer) isVirtual(p *pool) bool { return b.virtual.on && p.id == PoolID(b.virtual.id) }

// imitates tells whether the virtual router is at work. Where no router builds tunnels
// on command, each lists what it has built of its own accord, and shows.
func (b *Balancer) imitates() bool { return b.virtual.on && b.acting() != None }

// capable tells whether r can build for the virtual router now.
func (r *router) capable() bool { return r.active() && r.caps&CapCreateTunnel != 0 }

// acting is the router that builds the shadows: the leader, or else the first one
// that can, None if none can.
func (b *Balancer) acting() RouterID {
	v := &b.virtual
	if v.leader != None && b.routers[v.leader].capable() {
		return v.leader
	}
	for i := range b.fleet() {
		if r := &b.routers[i]; r.capable() {
			return r.id
		}
	}
	return None
}

// deputy is the router that is to go on where the acting one is lost; None if there
// is no other.
func (b *Balancer) deputy() RouterID {
	acting := b.acting()
	for i := range b.fleet() {
		if r := &b.routers[i]; r.capable() && r.id != acting {
			return r.id
		}
	}
	return None
}

// speaker is the router with most of the virtual router's outbound tunnels, the
// acting one among equals.
func (b *Balancer) speaker() RouterID {
	if !b.virtual.on {
		return None
	}
	best, most := b.acting(), int32(0)
	if best != None {
		most = b.voices(best)
	}
	for i := range b.fleet() {
		if r := &b.routers[i]; r.active() {
			if n := b.voices(r.id); n > most {
				best, most = r.id, n
			}
		}
	}
	return best
}

// Voice is the router through which every answer leaves where the routers hand garlic
// up, so that one ratchet of the service can answer through any of them: that which has
// the virtual router's oldest outbound tunnel, since a router keeps to that. None
// where nothing is imitated: then it is the one that the message came through.
func (b *Balancer) Voice() RouterID {
	if !b.imitates() {
		return None
	}
	for _, m := range b.routers[b.virtual.id].pools[Outbound].members {
		if m.early <= b.now {
			continue
		}
		if t := &b.tunnels[m.slot]; b.routers[t.router].state == routerServing {
			return t.router
		}
		if w := &b.virtual.twins[m.slot]; w.ready && b.routers[w.router].state == routerServing {
			return w.router
		}
	}
	return None
}

// voices counts the virtual outbound tunnels that router id has.
func (b *Balancer) voices(id RouterID) int32 {
	n := int32(0)
	for _, m := range b.routers[b.virtual.id].pools[Outbound].members {
		w := &b.virtual.twins[m.slot]
		if m.early > b.now && (b.tunnels[m.slot].router == id || w.ready && w.router == id) {
			n++
		}
	}
	return n
}

// seat finds the leader's place for a router that has come up: the first one leads,
// of those that come up together the first of the configuration.
func (b *Balancer) seat(r *router, first bool) {
	v := &b.virtual
	if r.caps&CapCreateTunnel == 0 {
		return
	}
	q := &b.routers[v.id]
	switch {
	case v.leader == None || first && r.id < v.leader && b.now-b.start < joinGrace:
		v.leader, v.seen, v.settle = r.id, 0, b.now
		q.cfg, q.kind, q.caps = r.cfg, r.kind, r.caps&(CapFastTier|CapCreateTunnel)
	case v.leader == r.id:
		v.settle = b.now + leaderSettle
	}
	if q.state == routerServing {
		return
	}
	q.state, q.everUp, q.upSince = routerServing, true, b.now
	for d := range q.pools {
		q.pools[d].timing.begin(b.now, Time(b.rng.Int64N(int64(skewMax))))
	}
	if q.listed || r.caps&CapFastTier == 0 {
		q.loopAt = b.now
	}
	b.touch(q)
}

// adoptPeers makes the leader's list the virtual router's.
func (b *Balancer) adoptPeers(r *router) {
	v := &b.virtual
	q := &b.routers[v.id]
	if r.id != v.leader && r.id == b.acting() && b.now-v.left > leaderPatience {
		v.leader, v.seen, v.settle = r.id, 0, b.now
	}
	settling := b.now < v.settle && q.listed && len(v.before) > 0
	if r.id != v.leader || v.seen == r.peersSeen && !settling {
		return
	}
	v.seen = r.peersSeen
	v.fresh = append(v.fresh[:0], r.peers[:r.fast]...)
	if settling {
		b.followSized(q, r)
	} else {
		b.remember(nil)
	}
	q.fast = int32(len(v.fresh))
	for _, s := range r.peers {
		if !slices.Contains(v.fresh, s) {
			v.fresh = append(v.fresh, s)
		}
	}
	for _, s := range v.fresh {
		b.peers.refs[s]++
	}
	for _, s := range q.peers {
		b.peers.release(s)
	}
	q.peers = append(q.peers[:0], v.fresh...)
	q.others = r.others
	q.peersSeen++
	if !q.listed {
		q.listed = true
		q.loopAt = b.now
	}
	b.touch(q)
}

// followSized puts into fresh the virtual router's fast tier as that of r, but of the
// size that it had before r was lost: those that were in it then, those that have come
// since, and others of r's as far as there is room.
func (b *Balancer) followSized(q, r *router) {
	v := &b.virtual
	old, list := q.peers[:q.fast], r.peers[:r.fast]
	v.fresh = append(v.fresh[:0], old...)
	if b.now < v.settle-leaderSettle+leaderRest {
		return
	}
	v.fresh = v.fresh[:0]
	for _, from := range [2][]int32{v.before, old} {
		for _, s := range from {
			if len(v.fresh) < len(v.before) && slices.Contains(list, s) && !slices.Contains(v.fresh, s) {
				v.fresh = append(v.fresh, s)
			}
		}
	}
	for len(v.fresh) < len(v.before) {
		come := b.pickMissing(list, v.fresh)
		if come == None {
			return
		}
		v.fresh = append(v.fresh, list[come])
	}
}

// remember keeps the virtual router's fast tier as it was before the leader was lost.
func (b *Balancer) remember(tier []int32) {
	v := &b.virtual
	for _, s := range tier {
		b.peers.refs[s]++
	}
	for _, s := range v.before {
		b.peers.release(s)
	}
	v.before = append(v.before[:0], tier...)
}

// pickMissing draws the place of one of a's elements that are not in others.
func (b *Balancer) pickMissing(a, others []int32) int {
	chosen, n := None, 0
	for i, s := range a {
		if slices.Contains(others, s) {
			continue
		}
		n++
		if b.rng.IntN(n) == 0 {
			chosen = i
		}
	}
	return chosen
}

// loseReal does what the loss of a real router means for the virtual one.
func (b *Balancer) loseReal(r *router) {
	v := &b.virtual
	q := &b.routers[v.id]
	kept := v.builds[:0]
	for _, x := range v.builds {
		if x.router != r.id {
			kept = append(kept, x)
		} else if b.isTwinOf(&x) {
			v.twins[x.slot].asked--
		}
	}
	v.builds = kept
	if r.id == v.leader {
		v.left = b.now
		b.remember(q.peers[:q.fast])
	}
	b.leavePlays(r.id)
	for i := range b.fleet() {
		b.dropRouter(&b.routers[i], r.id)
	}
	if b.acting() == None {
		b.stopVirtual()
		return
	}
	masked := !r.removed && b.cfg.Policy.Lost(&b.view, r.id).Masked
	in := &q.pools[Inbound]
	for i := len(in.members) - 1; i >= 0; i-- {
		slot := in.members[i].slot
		w, t := &v.twins[slot], &b.tunnels[slot]
		if t.router == r.id {
			w.orphan = true
		}
		listed := t.router
		if w.ready && (w.shown || w.router != r.id) {
			listed = w.router
		}
		if w.ready && w.router == r.id && !w.shown {
			w.ready = false
			if w.orphan {
				listed = r.id // neither is left
			}
		}
		if !masked && listed == r.id {
			b.removeTunnel(q, in, i, true)
		}
	}
	out := &q.pools[Outbound]
	for i := len(out.members) - 1; i >= 0; i-- {
		slot := out.members[i].slot
		w, t := &v.twins[slot], &b.tunnels[slot]
		if w.ready && w.router == r.id {
			w.ready = false
		}
		if t.router != r.id {
			continue
		}
		if !w.ready {
			b.removeTunnel(q, out, i, true)
			continue
		}
		t.router, t.id = w.router, w.id
		*w = twin{}
	}
	if !masked {
		b.dropRequests(q, r.id)
	}
	b.wakeLoop(q)
}

// dropRequests forgets what router id was building for q.
func (b *Balancer) dropRequests(q *router, id RouterID) {
	for d := range q.pools {
		p := &q.pools[d]
		live := p.requests[:0]
		for _, req := range p.requests {
			if req.router != id {
				live = append(live, req)
			} else if req.live {
				p.inProgress--
			}
		}
		p.requests = live
	}
}

// stopVirtual ends the virtual router's life: nobody is left. It begins anew with
// the next router, as one that restarts.
func (b *Balancer) stopVirtual() {
	v := &b.virtual
	q := &b.routers[v.id]
	for d := range q.pools {
		p := &q.pools[d]
		for i := len(p.members) - 1; i >= 0; i-- {
			b.removeTunnel(q, p, i, false)
		}
		p.requests, p.inProgress, p.timeouts = p.requests[:0], 0, 0
	}
	v.builds = v.builds[:0]
	v.under.plays, v.under.builds, v.under.due = v.under.plays[:0], v.under.builds[:0], Never
	q.state, q.loopAt = routerDown, Never
	b.touch(q)
}

// dateShadow puts a tunnel of the virtual router on one clock: it was asked for
// when its router says, but neither before the core asked nor after now, and ends
// by the balancer's clock.
func (b *Balancer) dateShadow(t *tunnel, q *request) {
	v := &b.virtual
	switch {
	case q.played:
		t.created = max(t.created, q.at)
	case q.id != 0:
		t.created = max(t.created, q.at)
		v.way = min(t.created-q.at, maxLag)
		v.lag = v.way
		for d := range b.routers[v.id].pools {
			b.routers[v.id].pools[d].timing.ahead = v.way
		}
	}
	if !v.how.RawEnds {
		t.end = t.created + tunnelLifetime + b.offset
	}
}

// clear makes room for what there is beside a new tunnel in slot, whosever pool it is
// in.
func (v *virtual) clear(slot int32) {
	for len(v.twins) <= int(slot) {
		v.twins = append(v.twins, twin{})
	}
	v.twins[slot] = twin{}
}

// enter gives the tunnel in slot its place beside the shadow, and asks for twins of
// it.
func (b *Balancer) enter(p *pool, slot int32) {
	v := &b.virtual
	if b.tunnels[slot].hops == 0 {
		return // nobody else could build it
	}
	if p.dir == Outbound {
		b.askOutboundTwin(slot)
		return
	}
	if v.how.Twins == 0 || b.keepsShadow(b.tunnels[slot].router) {
		return
	}
	v.wanted++
	b.askTwins(slot, v.how.Twins)
	if v.twins[slot].asked == 0 {
		v.missed++
	}
}

// keepsShadow draws whether a shadow itself is to be listed, so that each router
// gets as many leases: where twins are often late its share comes by itself.
func (b *Balancer) keepsShadow(shadow RouterID) bool {
	v := &b.virtual
	n := 0
	for i := range b.fleet() {
		if r := &b.routers[i]; r.capable() || r.id == shadow {
			n++
		}
	}
	if n < 2 {
		return true
	}
	// As of ten tries before the first one, of which two failed: our guess.
	miss := float64(v.missed+2) / float64(v.wanted+10)
	return b.rng.Float64()*(1-miss) < 1/float64(n)-miss
}

// askTwins has some routers, no two the same if there are enough, build a twin of
// the tunnel in slot.
func (b *Balancer) askTwins(slot int32, count int) {
	shadow := b.tunnels[slot].router
	last := RouterID(None)
	for range count {
		chosen, n := RouterID(None), 0
		for pass := 0; pass < 2 && n == 0; pass++ {
			for i := range b.fleet() {
				r := &b.routers[i]
				if !r.capable() || r.id == shadow || pass == 0 && r.id == last {
					continue
				}
				n++
				if b.rng.IntN(n) == 0 {
					chosen = r.id
				}
			}
		}
		if chosen == None {
			return
		}
		last = chosen
		b.askTwin(&b.routers[chosen], slot, Inbound)
	}
}

func (b *Balancer) askOutboundTwin(slot int32) {
	v := &b.virtual
	w := &v.twins[slot]
	if !v.how.OutboundTwins || w.ready || w.tries >= outboundTries {
		return
	}
	if w.asked > 0 && b.now < w.retry {
		v.voiceDue = min(v.voiceDue, w.retry)
		return
	}
	id := b.acting()
	if id == b.tunnels[slot].router {
		id = b.deputy()
	}
	if id == None || b.tunnels[slot].early-b.now < outboundWorth {
		return
	}
	w.tries++
	w.retry = b.now + buildTimeout
	v.voiceDue = min(v.voiceDue, w.retry)
	for range outboundAtOnce {
		b.askTwin(&b.routers[id], slot, Outbound)
	}
}

// askVoices has another router build what outbound tunnels have no twin yet.
func (b *Balancer) askVoices() {
	v := &b.virtual
	v.voiceDue = Never
	for _, m := range b.routers[v.id].pools[Outbound].members {
		b.askOutboundTwin(m.slot)
	}
}

func (b *Balancer) askTwin(r *router, slot int32, dir Direction) {
	v := &b.virtual
	if len(v.builds) >= maxRequests {
		return
	}
	t := &b.tunnels[slot]
	at := len(b.paths)
	b.paths = append(b.paths, t.path[:t.hops]...)
	b.lastReq++
	v.builds = append(v.builds, twinBuild{b.lastReq, r.id, slot, t.id, b.now, dir})
	v.twins[slot].asked++
	a := b.do(r, ActionCreateTunnel)
	a.Request, a.Direction, a.Path, a.Hops = b.lastReq, dir, b.paths[at:], int32(t.hops)
}

// isTwinOf tells whether the tunnel that x is a twin of is still there.
func (b *Balancer) isTwinOf(x *twinBuild) bool {
	for _, m := range b.routers[b.virtual.id].pools[x.dir].members {
		if m.slot == x.slot {
			return b.tunnels[m.slot].id == x.of
		}
	}
	return false
}

// onTwin takes in the outcome of a twin's build, if it is one.
func (b *Balancer) onTwin(r *router, ev *Event) {
	v := &b.virtual
	for i := range v.builds {
		x := v.builds[i]
		if x.id != ev.Request || x.router != r.id {
			continue
		}
		if ev.Result == ResultTimeout && r.kind == KindJava {
			return // a reply may still come
		}
		v.builds = append(v.builds[:i], v.builds[i+1:]...)
		known := b.isTwinOf(&x)
		if known {
			v.twins[x.slot].asked--
		}
		switch {
		case ev.Result == ResultOK:
			b.takeTwin(r, &x, &ev.Tunnel, known)
		case known && x.dir == Outbound:
			b.askOutboundTwin(x.slot)
		case known:
			b.settleTwin(x.slot)
		}
		return
	}
}

func (b *Balancer) takeTwin(r *router, x *twinBuild, t *Tunnel, known bool) {
	v := &b.virtual
	if !known || v.twins[x.slot].ready || v.twins[x.slot].shown {
		b.do(r, ActionDropTunnel).Tunnel = t.ID
		return
	}
	w := &v.twins[x.slot]
	w.ready, w.router, w.id, w.receive, w.end = true, r.id, t.ID, t.ReceiveID, t.End
	if x.dir == Inbound {
		b.settleTwin(x.slot)
	}
}

// settleTwin lists a tunnel that has waited for its twin, if there is nothing left
// to wait for.
func (b *Balancer) settleTwin(slot int32) {
	w := &b.virtual.twins[slot]
	if w.waiting == 0 || !w.ready && w.asked > 0 && w.waiting > b.now {
		return
	}
	w.waiting = 0
	p := &b.routers[b.virtual.id].pools[Inbound]
	b.list(p, &b.tunnels[slot], slot)
	b.ls.due = b.now
}

// forgetTwins lets go of builds that will not be answered any more, and has
// outbound tunnels without a twin try again.
func (b *Balancer) forgetTwins() {
	v := &b.virtual
	kept := v.builds[:0]
	for _, x := range v.builds {
		if b.now-x.at < lateReply {
			kept = append(kept, x)
			continue
		}
		if b.isTwinOf(&x) {
			v.twins[x.slot].asked--
		}
	}
	v.builds = kept
	b.askVoices()
}

// endWaits lists the tunnels that have waited long enough.
func (b *Balancer) endWaits() {
	v := &b.virtual
	v.waitDue = Never
	for _, m := range b.routers[v.id].pools[Inbound].members {
		if w := &v.twins[m.slot]; w.waiting != 0 {
			if w.waiting <= b.now {
				b.settleTwin(m.slot)
			} else {
				v.waitDue = min(v.waitDue, w.waiting)
			}
		}
	}
}

// part lets go of what belongs to a virtual tunnel that leaves its pool. A twin
// that was listed lives on: clients may still write to it.
func (b *Balancer) part(slot int32, dir Direction) {
	w := &b.virtual.twins[slot]
	if r := w.router; w.ready && (dir == Outbound || !w.shown) && b.routers[r].state == routerServing {
		b.do(&b.routers[r], ActionDropTunnel).Tunnel = w.id
	}
	*w = twin{}
}

// twinGone notes the end of a tunnel that is a twin.
func (b *Balancer) twinGone(r *router, id TunnelID) {
	v := &b.virtual
	q := &b.routers[v.id]
	for d := range q.pools {
		p := &q.pools[d]
		for i, m := range p.members {
			w := &v.twins[m.slot]
			if !w.ready || w.id != id || w.router != r.id {
				continue
			}
			switch {
			case p.dir == Outbound || !w.shown:
				w.ready = false
				if lost := b.tunnels[m.slot].router; p.dir == Inbound && w.orphan && !b.cfg.Policy.Lost(&b.view, lost).Masked {
					b.removeTunnel(q, p, i, true) // neither is left
				}
			case v.how.ShowFailures:
				b.removeTunnel(q, p, i, true)
			default:
				w.dead = true
			}
			return
		}
	}
}

// reclaim finds the tunnels of a router that has come back: shadows that outlived
// its absence go on casting.
func (b *Balancer) reclaim(r *router, ev *Event) {
	v := &b.virtual
	q := &b.routers[v.id]
	p := &q.pools[ev.Direction]
	for i := len(p.members) - 1; i >= 0; i-- {
		slot := p.members[i].slot
		t, w := &b.tunnels[slot], &v.twins[slot]
		// A router that has expired the tunnel early no longer lists it.
		young := b.now < t.created+tunnelLifetime-2*earlyInbound
		if w.ready && w.router == r.id && young && !listed(ev.Tunnels, w.id) {
			b.twinGone(r, w.id)
			if i >= len(p.members) || p.members[i].slot != slot {
				continue
			}
		}
		if t.router != r.id {
			continue
		}
		switch has := listed(ev.Tunnels, t.id); {
		case has:
			w.orphan = false
		case young && !w.orphan:
			b.removeTunnel(q, p, i, true)
		}
	}
}

// show fixes what the newest LeaseSet shows of tunnels that no LeaseSet has shown
// before: the twin's number where one stands.
func (b *Balancer) show() {
	v := &b.virtual
	if !v.on {
		return
	}
	p := &b.routers[v.id].pools[Inbound]
	changed := false
	for i := range b.ls.leases {
		l := &b.ls.leases[i]
		for j := range p.list {
			x := &p.list[j]
			if x.Tunnel != l.Tunnel || x.Router != l.Router {
				continue
			}
			w := &v.twins[x.slot]
			if w.shown {
				break
			}
			w.shown = true
			if !w.ready {
				if w.asked > 0 {
					v.missed++
				}
				break
			}
			x.ReceiveID, x.Tunnel, x.Router = w.receive, w.id, w.router
			if v.how.RawEnds {
				x.End = w.end
				l.End = w.end / Second * Second
				changed = true
			}
			l.ReceiveID, l.Tunnel, l.Router = w.receive, w.id, w.router
			break
		}
	}
	if !changed {
		return
	}
	b.ls.expires = 0
	for i := range b.ls.leases {
		b.ls.expires = max(b.ls.expires, int64(b.ls.leases[i].End/Second))
	}
}

// hasLeases tells whether clients find a lease of r's in the LeaseSet, or will.
func (b *Balancer) hasLeases(r *router) bool {
	if !b.virtual.on {
		return len(r.pools[Inbound].list) > 0
	}
	for i := range b.ls.leases {
		if b.ls.leases[i].Router == r.id {
			return true
		}
	}
	return false
}

// shareVirtual gives the virtual router all leases. Routers that build no tunnel on
// command get some only while there is no other kind. What comes through a router's
// twins is answered through outbound tunnels of its own, which no LeaseSet leaves
// through: the publishers have the virtual router's, and none beside them.
func (b *Balancer) shareVirtual() {
	acting, deputy := b.acting(), RouterID(None)
	if b.virtual.how.OutboundTwins {
		deputy = b.deputy()
	}
	for i := range b.fleet() {
		r := &b.routers[i]
		r.quota, r.standby = 0, false
		out := int32(0)
		if r.capable() && r.id != acting && r.id != deputy {
			out = int32(r.cfg.Outbound)
		}
		if p := &r.pools[Outbound]; p.wanted != out {
			p.wanted = out
			b.wakeLoop(r)
		}
		b.askTunnels(r)
	}
	b.silence()
	q := &b.routers[b.virtual.id]
	q.quota = int32(b.cfg.Leases)
	in, out := q.quota, int32(q.cfg.Outbound)
	if q.pools[Inbound].wanted != in || q.pools[Outbound].wanted != out {
		q.pools[Inbound].wanted, q.pools[Outbound].wanted = in, out
		b.wakeLoop(q)
		b.ls.due = b.now
	}
}

// keeper is the router whose tunnel carries what comes for the one in slot.
func (b *Balancer) keeper(slot int32) RouterID {
	if b.virtual.on && b.virtual.twins[slot].ready {
		return b.virtual.twins[slot].router
	}
	return b.tunnels[slot].router
}

// silence takes their own outbound tunnels from routers that have the virtual router's.
func (b *Balancer) silence() {
	acting := b.acting()
	for i := range b.fleet() {
		r := &b.routers[i]
		p := &r.pools[Outbound]
		if p.wanted > 0 || r.id != acting && b.voices(r.id) == 0 {
			continue
		}
		for j := len(p.members) - 1; j >= 0; j-- {
			b.do(r, ActionDropTunnel).Tunnel = p.members[j].id
			b.removeTunnel(r, p, j, false)
		}
		b.next[r.id] = r.deadline() // r may have had its turn
	}
}

// shadowsOf tells which of router id's tunnels the listed leases stand for.
func (b *Balancer) shadowsOf(id RouterID) []TunnelID {
	at := len(b.shadows)
	p := &b.routers[b.virtual.id].pools[Inbound]
	for i := range b.ls.leases {
		l := &b.ls.leases[i]
		shadow := TunnelID(None)
		if b.routers[l.Router].state != routerServing {
			shadow = Silent
		}
		for j := range p.list {
			x := &p.list[j]
			if x.Tunnel != l.Tunnel || x.Router != l.Router {
				continue
			}
			switch t := &b.tunnels[x.slot]; {
			case b.virtual.twins[x.slot].dead:
				shadow = Silent
			case shadow == None && t.router == id && t.id != l.Tunnel:
				shadow = t.id
			}
			break
		}
		b.shadows = append(b.shadows, shadow)
	}
	return b.shadows[at:]
}
