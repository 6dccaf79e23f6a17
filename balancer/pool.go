package balancer

import "slices"

// Limits of a router's build loop (Java I2P, BuildExecutor and BuildRequestor).
const (
	maxConcurrentBuilds = 13
	buildsPerPass       = 2
	loopWaitMin         = 400 * Millisecond
	loopWaitSpan        = 800 * Millisecond
	// A build that ends sooner than this does not wake the loop.
	wakeAfter = 250 * Millisecond
	// lateReply is how long after its request a tunnel is still accepted: the
	// timeout of 5 s and a minute of grace.
	lateReply = 65 * Second
	// buildTimeout is when the loop gives a build up, whatever its router says
	// by then; the loop notices at its next pass.
	buildTimeout = 5 * Second
)

// Tunnel lifetime and early expiry (Java I2P, TunnelPoolSettings and
// ExpireJob): a tunnel counts as expired U(1,2) times this before its end.
const (
	tunnelLifetime   = 600 * Second
	earlyInbound     = 37500 * Millisecond
	earlyOutbound    = 30 * Second
	skewMax          = 90 * Second // TunnelPool's own skew, start-up timing only
	lifetimeSettling = 60 * Second
)

// tunnel is one standing tunnel.
type tunnel struct {
	id      TunnelID
	router  RouterID
	gateway PeerID
	receive uint32
	created Time
	early   Time // leaves the pool, on the core's time line
	end     Time // wall clock of its router
	path    [MaxHops]PeerID
	hops    uint8 // 0: the path is unknown
	reused  bool  // its path was repeated, or repeating it was tried
	renewed bool  // i2pd: its re-creation is under way
}

// request is a CreateTunnel under way, or one that timed out and may still
// be answered.
type request struct {
	id     RequestID
	router RouterID
	renews TunnelID // i2pd: the tunnel that it re-creates
	at     Time
	path   [MaxHops]PeerID
	hops   uint8
	live   bool
	played bool // its outcome was drawn: see understudy
}

// pool is the tunnels of one direction that take a router's share: usually
// that router's own, unless the policy has others build for it.
type pool struct {
	id         PoolID
	dir        Direction
	wanted     int32
	members    []member // in the order in which they were built
	requests   []request
	inProgress int32
	timeouts   int32  // builds in a row that timed out
	forgetDue  Time   // forgetRequests finds nothing before this
	expiries   []Time // the early expiries of all members, rising
	expireAt   Time   // the least one of those that count for the LeaseSet
	timing     timing

	// Of an inbound pool: its leases, latest end first, and how many of them
	// the last LeaseSet was composed from.
	list []poolLease
	cut  int32
}

// member is a tunnel of a pool, with what the clockwork asks for most.
type member struct {
	early Time
	id    TunnelID
	slot  int32
}

func (p *pool) reset(id PoolID, dir Direction) {
	p.id, p.dir, p.wanted = id, dir, 0
	p.members = p.members[:0]
	p.requests = p.requests[:0]
	p.inProgress, p.timeouts, p.forgetDue = 0, 0, Never
	p.expiries = p.expiries[:0]
	p.expireAt = Never
	p.list, p.cut = p.list[:0], 0
	p.timing = timing{}
}

// findExpiry finds when the next tunnel that counts for the LeaseSet expires.
// The others are let go whenever something else happens: nobody sees it.
func (p *pool) findExpiry() {
	p.expireAt = Never
	for i := range p.list[:p.cut] {
		p.expireAt = min(p.expireAt, p.list[i].early)
	}
}

func (p *pool) forgetEarly(early Time) {
	if at, ok := slices.BinarySearch(p.expiries, early); ok {
		p.expiries = slices.Delete(p.expiries, at, at+1)
	}
}

// target is how many tunnels the build loop works for: fewer than are wanted
// while builds keep timing out (TunnelPool.getAdjustedTotalQuantity).
func (p *pool) target() int32 {
	switch {
	case p.wanted <= 1 || p.timeouts <= 4:
		return p.wanted
	case p.timeouts > 12:
		return 1
	case p.timeouts > 8:
		return max(1, p.wanted/3)
	case p.wanted > 2:
		return p.wanted - 1
	}
	return p.wanted
}

// wakeLoop lets the build loop look at r again when its next pass would come,
// since only a finished build and a tunnel gone wake it sooner.
func (b *Balancer) wakeLoop(r *router) {
	if r.builds() && (r.caps&CapFastTier == 0 || r.listed) {
		r.loopAt = min(r.loopAt, b.now+b.loopResidual())
	}
	b.touch(r)
}

func (b *Balancer) loopWait() Time {
	return loopWaitMin + Time(b.rng.Int64N(int64(loopWaitSpan)))
}

// loopResidual draws the time to the loop's next pass as seen from a moment
// that has nothing to do with it: a uniform part of a wait that is hit in
// proportion to its length.
func (b *Balancer) loopResidual() Time {
	for {
		wait := b.loopWait()
		if Time(b.rng.Int64N(int64(loopWaitMin+loopWaitSpan))) < wait {
			return Time(b.rng.Int64N(int64(wait)))
		}
	}
}

// buildPass is one pass of r's build loop over its two pools.
func (b *Balancer) buildPass(r *router) {
	r.loopAt = Never
	if !r.builds() {
		return
	}
	if r.kind == KindI2pd {
		b.i2pdPass(r)
		return
	}
	if b.isVirtual(&r.pools[Inbound]) {
		b.forgetTwins()
		b.silence()
	}
	var want [2]int32
	building := int32(0)
	for d := range r.pools {
		p := &r.pools[d]
		want[d] = p.timing.howMany(b, p)
		p.timing.sample(p, want[d])
		// In this order: a build that has timed out still counts in the pass
		// that notices (BuildExecutor.run2).
		b.forgetRequests(p, buildTimeout)
		building += p.inProgress
	}
	for range min(buildsPerPass, maxConcurrentBuilds-building) {
		if want[Inbound]+want[Outbound] <= 0 {
			break
		}
		d := b.pickPool(r, want)
		if !b.startBuild(r, &r.pools[d], None) {
			want[d] = 0
			continue
		}
		want[d]--
	}
	r.loopAt = b.now + b.loopWait()
	if want[Inbound]+want[Outbound] == 0 {
		b.restLoop(r)
	}
}

// restLoop lets passes go by in which nothing can be wanted: the next one is
// that which follows the first instant at which something may be.
func (b *Balancer) restLoop(r *router) {
	next := Never
	for d := range r.pools {
		p := &r.pools[d]
		next = min(next, p.timing.nextLook(b, p))
		for i := range p.requests {
			if p.requests[i].live {
				next = min(next, p.requests[i].at+buildTimeout)
			}
		}
	}
	if next <= r.loopAt {
		return
	}
	r.loopAt = Never
	if next != Never {
		r.loopAt = next + b.loopResidual()
	}
	for d := range r.pools {
		p := &r.pools[d]
		p.timing.rest(b.now, p)
	}
}

// pickPool chooses the pool that builds next: three times in four an empty one
// goes first, else by lot among the tunnels wanted.
func (b *Balancer) pickPool(r *router, want [2]int32) Direction {
	preferEmpty := b.rng.IntN(4) != 0
	if want[Inbound] == 0 {
		return Outbound
	}
	if want[Outbound] == 0 {
		return Inbound
	}
	inEmpty, outEmpty := len(r.pools[Inbound].members) == 0, len(r.pools[Outbound].members) == 0
	if preferEmpty && inEmpty != outEmpty {
		if inEmpty {
			return Inbound
		}
		return Outbound
	}
	if b.rng.Int32N(want[Inbound]+want[Outbound]) < want[Inbound] {
		return Inbound
	}
	return Outbound
}

// startBuild asks for one tunnel of p. renews names the tunnel whose path is
// to be repeated by its own router, None for a path of the policy's choice.
func (b *Balancer) startBuild(r *router, p *pool, renews TunnelID) bool {
	at := len(b.paths)
	builder, ok := r.id, true
	switch {
	case renews == None:
		builder, b.paths, ok = b.cfg.Policy.Build(&b.view, p.id, p.dir, b.paths)
	case r.ghost:
		b.paths, ok = b.pathOf(p, renews)
	}
	switch {
	case !ok || builder < 0 || int(builder) >= len(b.routers):
	case b.virtual.on && builder == b.virtual.id:
		builder = b.acting()
	case b.routers[builder].ghost:
		builder = b.stand(builder)
	}
	path := b.paths[at:]
	if !ok || builder < 0 || int(builder) >= len(b.routers) || len(path) > MaxHops || len(p.requests) >= maxRequests ||
		b.routers[builder].state != routerServing || b.routers[builder].caps&CapCreateTunnel == 0 {
		b.paths = b.paths[:at]
		return false
	}
	b.lastReq++
	q := request{id: b.lastReq, router: builder, renews: renews, at: b.now, live: true, hops: uint8(len(path))}
	copy(q.path[:], path)
	p.inProgress++
	p.forgetDue = min(p.forgetDue, q.at+buildTimeout) // the shortest patience there is
	if b.isVirtual(p) && len(path) > 0 && b.plays(builder) {
		b.play(&q, path, p)
		p.requests = append(p.requests, q)
		return true
	}
	p.requests = append(p.requests, q)
	a := b.do(&b.routers[builder], ActionCreateTunnel)
	a.Request = q.id
	a.Direction = p.dir
	a.Path = path
	a.Hops = int32(b.routers[builder].cfg.Hops)
	if len(path) == 0 {
		a.Tunnel = renews
	}
	return true
}

// forgetRequests gives up on builds that nobody answers, and on late replies.
func (b *Balancer) forgetRequests(p *pool, timeout Time) {
	if b.now < p.forgetDue {
		return
	}
	p.forgetDue = Never
	kept := 0
	for i := range p.requests {
		q := &p.requests[i]
		if q.live && b.now-q.at >= timeout {
			if b.isVirtual(p) && !q.played {
				b.note(q.router, ResultTimeout, timeout)
			}
			q.live = false
			p.inProgress--
			p.timeouts++
		}
		if q.live || b.now-q.at < lateReply {
			due := q.at + lateReply
			if q.live {
				due = q.at + buildTimeout // a router may become another kind's
			}
			p.forgetDue = min(p.forgetDue, due)
			if kept < i {
				p.requests[kept] = *q
			}
			kept++
		}
	}
	p.requests = p.requests[:kept]
}

// findRequest looks for a request in all pools: another router may build for
// a pool.
func (b *Balancer) findRequest(r *router, id RequestID) (*router, *pool, int) {
	for i := range b.routers {
		q := &b.routers[(int(r.id)+i)%len(b.routers)]
		for d := range q.pools {
			p := &q.pools[d]
			for j := range p.requests {
				if p.requests[j].id == id {
					return q, p, j
				}
			}
		}
	}
	return nil, nil, 0
}

func (b *Balancer) onTunnelStatus(r *router, ev *Event) {
	if ev.Result == ResultOK && ev.Direction == Inbound {
		r.newest = ev.Tunnel.ID
	}
	owner, p, i := b.findRequest(r, ev.Request)
	if p == nil && b.virtual.on {
		if !b.onPlay(r, ev) {
			b.onTwin(r, ev)
		}
		return
	}
	if p == nil || p.requests[i].router != r.id {
		return
	}
	if ev.Result == ResultTimeout && owner.kind == KindJava {
		return // the loop keeps the time itself, and a reply may still come
	}
	b.touch(owner)
	q := p.requests[i]
	if q.live {
		p.inProgress--
	}
	p.requests = append(p.requests[:i], p.requests[i+1:]...)
	p.timeouts = 0
	if ev.Result == ResultOK {
		b.addTunnel(p, r, &q, &ev.Tunnel)
	}
	if q.live && b.isVirtual(p) {
		b.note(r.id, ev.Result, b.now-q.at-2*b.virtual.way)
		// To the leader it was under way for so much less.
		p.timing.deduct(b.now, 2*b.virtual.way)
	}
	switch {
	case !owner.builds():
	case owner.kind == KindI2pd:
		b.i2pdBuilt(owner, &q, ev.Result)
	case b.now-q.at > wakeAfter:
		owner.loopAt = b.now
	default:
		b.wakeLoop(owner)
	}
}

// addTunnel puts a standing tunnel into pool p.
func (b *Balancer) addTunnel(p *pool, r *router, q *request, w *Tunnel) {
	t := tunnel{
		id: w.ID, router: r.id, gateway: w.Gateway, receive: w.ReceiveID,
		created: min(w.Created, b.now), end: w.End, path: q.path, hops: q.hops,
	}
	if t.hops == 0 && w.Hops <= MaxHops {
		t.path, t.hops = w.Path, w.Hops // the router's own choice
	}
	b.undoJump(r, q, &t)
	if b.isVirtual(p) {
		b.dateShadow(&t, q)
	}
	t.early = b.earlyExpiry(r, p.dir, t.created)
	if t.early <= b.now || len(p.members) >= max(maxTunnels, 4*int(p.wanted)) {
		return
	}
	if newer := w.ID > b.known; newer && !b.virtual.on {
		b.known = w.ID // none can be the same, as drivers usually count
	} else if _, known, _ := b.findTunnel(r, w.ID); known != nil {
		return
	}
	var slot int32
	if n := len(b.free); n > 0 {
		slot = b.free[n-1]
		b.free = b.free[:n-1]
		b.tunnels[slot] = t
	} else {
		slot = int32(len(b.tunnels))
		b.tunnels = append(b.tunnels, t)
	}
	if b.virtual.on {
		b.virtual.clear(slot)
	}
	p.members = append(p.members, member{t.early, t.id, slot})
	b.countHops(p, &t, 1)
	at, _ := slices.BinarySearch(p.expiries, t.early)
	p.expiries = slices.Insert(p.expiries, at, t.early)
	if b.isVirtual(p) {
		b.enter(p, slot)
		if w := &b.virtual.twins[slot]; b.virtual.how.Late && p.dir == Inbound && w.asked > 0 {
			w.waiting = b.now + twinPatience
			b.virtual.waitDue = min(b.virtual.waitDue, w.waiting)
			return
		}
	}
	if p.dir == Inbound {
		b.list(p, &t, slot)
	}
	if p.dir == Inbound || !b.ls.made() {
		b.ls.due = b.now
	}
}

// undoJump dates a new tunnel by the clock that the core knows its router to have,
// where that has plainly jumped since: a tunnel lives as long as ever, and has been
// asked for neither before the core did nor after now. Refused, it would be asked for
// again and again.
func (b *Balancer) undoJump(r *router, q *request, t *tunnel) {
	created := t.created // not after now
	if q.id != 0 {
		created = max(created, q.at)
	}
	end := created + r.offset + tunnelLifetime
	// One that the core has not asked for may have been there for long, and end soon.
	if t.end > end+clockJump || q.id != 0 && t.end < end-clockJump {
		t.created, t.end = created, end
	}
}

// countHops notes that t has joined (1) or left (-1) pool p.
func (b *Balancer) countHops(p *pool, t *tunnel, by int16) {
	hops := &b.routers[p.id].hops
	for _, q := range t.path[:t.hops] {
		hops[uint32(q)%uint32(len(hops))] += by
	}
}

// earlyExpiry draws when a tunnel leaves its pool.
func (b *Balancer) earlyExpiry(r *router, dir Direction, created Time) Time {
	switch {
	case r.kind == KindI2pd:
		return created + i2pdLifetime // its own clockwork is sooner
	case dir == Inbound:
		return created + tunnelLifetime - earlyInbound - Time(b.rng.Int64N(int64(earlyInbound)))
	default:
		return created + tunnelLifetime - earlyOutbound - Time(b.rng.Int64N(int64(earlyOutbound)))
	}
}

// expire removes r's tunnels whose early expiry has come.
func (b *Balancer) expire(r *router) {
	for d := range r.pools {
		p := &r.pools[d]
		if len(p.expiries) == 0 || p.expiries[0] > b.now {
			continue
		}
		for i := len(p.members) - 1; i >= 0; i-- {
			if p.members[i].early <= b.now {
				// While nothing is wanted, an expiry that the loop has foreseen
				// makes nothing wanted.
				b.removeTunnel(r, p, i, !p.timing.resting())
			}
		}
	}
}

// removeTunnel takes member i out of p; wake tells whether the build loop shall
// look at once, as it does when a tunnel is gone (TunnelPoolManager).
func (b *Balancer) removeTunnel(r *router, p *pool, i int, wake bool) {
	slot := p.members[i].slot
	if b.isVirtual(p) {
		b.part(slot, p.dir)
	}
	p.forgetEarly(p.members[i].early)
	b.countHops(p, &b.tunnels[slot], -1)
	b.free = append(b.free, slot)
	p.members = append(p.members[:i], p.members[i+1:]...)
	if p.dir == Inbound && p.unlist(slot) {
		b.ls.due = b.now
	}
	if wake && r.builds() && r.kind == KindJava {
		r.loopAt = b.now
	}
	b.touch(r)
}

// findTunnel looks for a tunnel in all pools, r's first.
func (b *Balancer) findTunnel(r *router, id TunnelID) (*router, *pool, int) {
	for i := range b.routers {
		q := &b.routers[(int(r.id)+i)%len(b.routers)]
		for d := range q.pools {
			p := &q.pools[d]
			for j := range p.members {
				if p.members[j].id == id {
					return q, p, j
				}
			}
		}
	}
	return nil, nil, 0
}

func (b *Balancer) onTunnelExpired(r *router, ev *Event) {
	owner, p, i := b.findTunnel(r, ev.Tunnel.ID)
	if p == nil {
		if b.virtual.on {
			b.twinGone(r, ev.Tunnel.ID)
		}
		return
	}
	t := &b.tunnels[p.members[i].slot]
	switch {
	case t.router != r.id:
	case ev.Reason == ReasonExpired && b.now+r.offset < t.end:
		// The router's own early expiry: the tunnel still carries messages,
		// and the core has drawn one for it.
	default:
		if r.kind == KindI2pd && ev.Reason == ReasonFailed {
			if b.virtual.on {
				r = owner
			}
			b.i2pdFailed(r)
		}
		if b.virtual.on {
			b.virtual.lag = b.virtual.way
		}
		b.removeTunnel(owner, p, i, true)
	}
}

// askPools asks for both of r's tunnel lists.
func (b *Balancer) askPools(r *router) {
	r.resyncDue = b.now + b.cfg.Resync
	for d := range r.pools {
		b.do(r, ActionGetTunnelPool).Direction = Direction(d)
	}
}

// onTunnelList compares what a router has with what the core believes: it
// drops tunnels that the router does not know, and takes up those that only
// the router knows (they outlived a connection).
func (b *Balancer) onTunnelList(r *router, ev *Event) {
	if r.state != routerServing {
		return
	}
	if b.virtual.on {
		b.reclaim(r, ev)
		return
	}
	for i := range b.routers {
		q := &b.routers[i]
		p := &q.pools[ev.Direction]
		for j := len(p.members) - 1; j >= 0; j-- {
			t := &b.tunnels[p.members[j].slot]
			// A router that has expired the tunnel early no longer lists it.
			if t.router == r.id && b.now < t.created+tunnelLifetime-2*earlyInbound && !listed(ev.Tunnels, t.id) {
				b.removeTunnel(q, p, j, true)
			}
		}
	}
	for i := range ev.Tunnels {
		w := &ev.Tunnels[i]
		if w.Direction != ev.Direction {
			continue
		}
		if w.Created < b.now-tunnelLifetime+2*earlyInbound {
			continue // old enough to be one that the core has let go
		}
		if _, p, _ := b.findTunnel(r, w.ID); p != nil || b.requestPending(r, w) {
			continue
		}
		b.addTunnel(&r.pools[ev.Direction], r, &request{}, w)
	}
}

// requestPending tells whether w may be the outcome of a build whose status is
// still on its way: only of one that was asked for before w was begun.
func (b *Balancer) requestPending(r *router, w *Tunnel) bool {
	for i := range b.routers {
		p := &b.routers[i].pools[w.Direction]
		for j := range p.requests {
			if p.requests[j].router == r.id && p.requests[j].at <= w.Created {
				return true
			}
		}
	}
	return false
}

func listed(list []Tunnel, id TunnelID) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}
