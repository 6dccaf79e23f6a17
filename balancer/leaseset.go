package balancer

import "slices"

// leaseSet is the newest LeaseSet that the core has made. Each change of the
// inbound tunnels that alters the list of leases makes a new one, whether or
// not it is ever published (Java I2P: TunnelPool, ClientConnectionRunner,
// RequestLeaseSetJob, RequestVariableLeaseSetMessageHandler).
type leaseSet struct {
	due       Time // when to compose again
	at        Time // when it was made
	leases    []Lease
	published int64 // seconds
	shown     int64 // the last `published` that anybody was given
	expires   int64 // seconds
	earliest  int64 // seconds: the earliest end listed
	rekey     Time  // from when on the next one has new encryption keys; Never for none

	blocks     []block
	candidates []Lease
}

// poolLease is the lease of an inbound tunnel. Every pool keeps its own sorted,
// latest end first, so that composing has only to merge.
type poolLease struct {
	Lease
	early Time
	slot  int32
}

// block is what is left to merge of a pool's leases: from next on, at most
// left of them; head is the end of the next one, -1 after the last.
type block struct {
	head       Time
	router     RouterID
	next, left int32
}

// outboundWait is how long a client without a LeaseSet waits for its first
// outbound tunnel before it looks again.
const outboundWait = Second

func (l *leaseSet) reset() {
	l.due = Never
	l.leases = l.leases[:0]
	l.rekey = Never
	l.at, l.published, l.shown, l.expires, l.earliest = 0, 0, 0, 0, 0
	l.candidates = l.candidates[:0]
}

// made tells whether there is a LeaseSet yet.
func (l *leaseSet) made() bool { return len(l.leases) > 0 }

// compose makes a new LeaseSet if the list of leases has changed.
func (b *Balancer) compose() {
	l := &b.ls
	l.due = Never
	rekey := l.rekey <= b.now
	if !rekey {
		l.due = l.rekey
	}
	b.gather() // it finds when the next of the leases expires, too
	if next := l.at + b.cfg.ComposeSpacing; b.cfg.ComposeSpacing > 0 && l.made() && b.now < next && !b.stale() {
		l.due = next
		return
	}
	list := b.cfg.Policy.Compose(&b.view, l.candidates)
	list = b.keepRules(list)
	if sameLeases(list, l.leases) && (!rekey || len(list) == 0) {
		return
	}
	if len(list) == 0 {
		// Nothing to list, and nothing to publish again either: what the last
		// LeaseSet lists is gone.
		l.leases = l.leases[:0]
		return
	}
	if !l.made() && !b.canPublish() {
		// Before the first LeaseSet a client waits for a way out.
		l.due = b.now + outboundWait
		return
	}
	l.leases = append(l.leases[:0], list...)
	if rekey {
		l.rekey = Never
		b.acts = append(b.acts, Action{
			Kind: ActionRotateKeys, Router: None, Tunnel: None, OutboundTunnel: None, ReplyLease: None,
		})
		for i := range b.fleet() {
			b.routers[i].own = b.routers[i].own[:0]
		}
		b.greetAgain()
	}
	b.date()
	if b.imitates() {
		b.virtual.showDue = b.now + b.publishDelay()
		b.outdate()
	}
	l.at = b.now
	b.pub.changed(b)
	for i := range b.fleet() {
		r := &b.routers[i]
		if r.state == routerServing && !b.keepsBundle(r) {
			b.owe(r)
		}
	}
}

// keepsBundle tells whether r bundles its own leases and those are the same as
// when it was given them. Clients take each new LeaseSet with the next message.
func (b *Balancer) keepsBundle(r *router) bool {
	if r.given == 0 || len(r.own) == 0 || b.bundlesPublished(r) || !b.cfg.Policy.Bundle(&b.view, r.id).Own {
		return false
	}
	n := 0
	for i := range b.ls.leases {
		if l := &b.ls.leases[i]; l.Router == r.id {
			if n >= len(r.own) || r.own[n] != l.Tunnel {
				return false
			}
			n++
		}
	}
	return n == len(r.own)
}

// gather collects the leases of all pools: of each the newest of its quota,
// all together latest end first; of equal ones that of the first router. Where
// a pool has too few, the newest that others have beyond their quota step in.
func (b *Balancer) gather() {
	l := &b.ls
	l.blocks = l.blocks[:0]
	missing := int32(b.cfg.Leases)
	for i := range b.routers {
		r := &b.routers[i]
		p := &r.pools[Inbound]
		p.cut = 0
		if n := int32(len(p.list)); n > 0 {
			n = min(n, r.quota)
			missing -= n
			l.blocks = append(l.blocks, block{p.list[0].End, r.id, 0, n})
		}
	}
	b.fillUp(missing)
	l.candidates = l.candidates[:0]
	for i := range l.blocks {
		if l.blocks[i].left == 0 {
			l.blocks[i].head = -1
		}
	}
	for {
		var best *block
		latest := Time(-1)
		for i := range l.blocks {
			if x := &l.blocks[i]; x.head > latest {
				best, latest = x, x.head
			}
		}
		if best == nil {
			break
		}
		b.takeNext(best)
	}
	for i := range b.routers {
		p := &b.routers[i].pools[Inbound]
		p.findExpiry()
		b.next[i] = min(b.next[i], p.expireAt)
	}
}

// fillUp lets pools list more than their quota, the newest leases first.
func (b *Balancer) fillUp(missing int32) {
	for ; missing > 0; missing-- {
		best := None
		latest := Time(-1)
		for i := range b.ls.blocks {
			x := &b.ls.blocks[i]
			list := b.routers[x.router].pools[Inbound].list
			if int(x.left) < len(list) && list[x.left].End > latest {
				best, latest = i, list[x.left].End
			}
		}
		if best == None {
			return
		}
		b.ls.blocks[best].left++
	}
}

// takeNext makes the next lease of a block a candidate. Of leases of one pool that end in the
// same millisecond Java keeps the oldest, since it holds them in a set ordered
// by end alone (TunnelPool, LeaseComparator).
func (b *Balancer) takeNext(x *block) {
	p := &b.routers[x.router].pools[Inbound]
	taken := &p.list[x.next]
	b.ls.candidates = append(b.ls.candidates, taken.Lease)
	x.next++
	x.left--
	for b.cfg.Imitate == KindJava && int(x.next) < len(p.list) && sameMillisecond(p.list[x.next].End, taken.End) {
		x.next++
	}
	p.cut = x.next
	x.head = -1
	if x.left > 0 && int(x.next) < len(p.list) {
		x.head = p.list[x.next].End
	}
}

// sameMillisecond compares two times; most lie too far apart to ask further.
func sameMillisecond(s, t Time) bool {
	return max(s-t, t-s) < Millisecond && s/Millisecond == t/Millisecond
}

// list enters the lease of a new tunnel: before those that end sooner, and
// among equals behind the older ones. i2pd knows only seconds, and has the
// younger one first.
func (b *Balancer) list(p *pool, t *tunnel, slot int32) {
	at := 0
	if b.cfg.Imitate == KindI2pd {
		for at < len(p.list) && p.list[at].End/Second > t.end/Second {
			at++
		}
	} else {
		for at < len(p.list) && p.list[at].End/Millisecond >= t.end/Millisecond {
			at++
		}
	}
	p.list = slices.Insert(p.list, at, poolLease{
		Lease: Lease{Gateway: t.gateway, ReceiveID: t.receive, End: t.end, Tunnel: t.id, Router: t.router},
		early: t.early, slot: slot,
	})
}

// unlist takes a tunnel out of p's leases, and tells whether it was among those
// that the last LeaseSet was composed from.
func (p *pool) unlist(slot int32) bool {
	for i := range p.list {
		if p.list[i].slot != slot {
			continue
		}
		p.list = slices.Delete(p.list, i, i+1)
		if i >= int(p.cut) {
			return false
		}
		p.cut--
		p.findExpiry()
		return true
	}
	return false
}

// keepRules enforces on a policy's list what the core guarantees.
func (b *Balancer) keepRules(list []Lease) []Lease {
	if most := min(b.cfg.Leases, b.cfg.MaxLeases); len(list) <= most {
		now := b.wall()
		if !b.virtual.on || b.virtual.how.RawEnds {
			for i := range b.fleet() {
				now = max(now, b.now+b.routers[i].offset)
			}
		}
		i := 0
		for i < len(list) && list[i].End-now > Second {
			i++
		}
		if i == len(list) {
			return list // by nobody's clock any of them ends soon, as is usual
		}
	}
	kept := 0
	for i := range list {
		if kept == min(b.cfg.Leases, b.cfg.MaxLeases) {
			break
		}
		// By its router's clock it has not ended; by ours nobody would use it.
		// A LeaseSet knows whole seconds only: one that ends within the second
		// in which it is published has ended.
		now := b.wall()
		if !b.virtual.on || b.virtual.how.RawEnds {
			now = max(now, b.now+b.routers[list[i].Router].offset)
		}
		if end := list[i].End; end-now > Second || end/Second > now/Second {
			if kept < i {
				list[kept] = list[i]
			}
			kept++
		}
	}
	return list[:kept]
}

// date gives the new list its dates: ends in whole seconds, with Java none
// before the last LeaseSet's earliest end plus one second; `published` rounded
// to the second (cut off, with i2pd) and at least one above the last;
// `expires` the latest end.
func (b *Balancer) date() {
	l := &b.ls
	floor, rounding := l.earliest+1, Second/2
	if b.cfg.Imitate == KindI2pd {
		floor, rounding = 0, 0
	}
	l.earliest, l.expires = 0, 0
	for i := range l.leases {
		end := max(int64(l.leases[i].End/Second), floor)
		l.leases[i].End = Time(end) * Second
		l.expires = max(l.expires, end)
		if i == 0 || end < l.earliest {
			l.earliest = end
		}
	}
	// A version that nobody has seen need not be kept apart from the next one:
	// else many changes in one second would put `published` ahead of the clock.
	l.published = max(l.shown+1, int64((b.wall()-b.virtual.lag+rounding)/Second))
	if v := &b.virtual; v.on && b.pub.attempted {
		// What the leader had changed when the last LeaseSet went out it would have
		// published with that.
		l.published = max(l.published, int64((b.pub.last+v.way+b.offset+rounding)/Second))
	}
	if b.virtual.on {
		l.shown = l.published // the leader would have bundled it at once
	}
}

func sameLeases(a, b []Lease) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ReceiveID != b[i].ReceiveID || a[i].Gateway != b[i].Gateway {
			return false
		}
	}
	return true
}

// handOut gives the newest LeaseSet to every router that bundles it with what
// it sends. It comes last in a Step, but for what changes no lease: the actions'
// leases lie in the core's memory.
func (b *Balancer) handOut() {
	v := &b.virtual
	if v.on && v.showDue <= b.now {
		v.showDue = Never
		if b.ls.made() {
			b.show()
		}
	}
	if !b.owing || !b.ls.made() || v.on && v.showDue != Never {
		return
	}
	b.owing = false
	for i := range b.fleet() {
		r := &b.routers[i]
		if !r.owesSet && !r.owesReply {
			continue
		}
		kind := ActionGiveLeaseSet
		if r.owesReply {
			kind = ActionReplyLeaseRequest
		}
		r.owesSet, r.owesReply = false, false
		b.show()
		switch {
		case !b.bundlesPublished(r):
			a := b.do(r, kind)
			b.bundle(a, r)
			if v.on && b.pub.asks(r.id) {
				a.Shadows = b.shadowsOf(r.id)
			}
		case kind == ActionReplyLeaseRequest && !b.pub.askedNow(b, r.id):
			b.fillLeaseSet(b.do(r, kind))
		}
	}
}

// owe has r given the newest LeaseSet at the end of a Step.
func (b *Balancer) owe(r *router) { r.owesSet, b.owing = true, true }

// owesStale tells whether a router is to be given leases that have ended.
func (b *Balancer) owesStale() bool {
	if !b.owing {
		return false
	}
	for i := range b.fleet() {
		if r := &b.routers[i]; r.owesSet || r.owesReply {
			return b.stale()
		}
	}
	return false
}

// bundlesPublished tells whether r bundles what it publishes, whatever the
// policy says: stock routers have one LeaseSet for both.
func (b *Balancer) bundlesPublished(r *router) bool {
	return r.caps&CapGive == 0 && b.pub.asks(r.id)
}

// bundleSlack is how long before its end an own bundle is renewed. Streams of
// i2pd do not use a lease in its last 51 s (Streaming.h, LEASE_ENDDATE_THRESHOLD);
// the rest is for the way to the client, which gets it with the next message.
const bundleSlack = 60 * Second

// bundle fills in what the policy has r bundle: the whole LeaseSet, or r's own
// leases. Those have a newer `published`, without which a client that knows the
// whole LeaseSet would not take them.
func (b *Balancer) bundle(a *Action, r *router) {
	r.bundleDue = Never
	how := b.cfg.Policy.Bundle(&b.view, r.id)
	at := len(b.bundles)
	if how.Own {
		for i := range b.ls.leases {
			if b.ls.leases[i].Router == r.id {
				b.bundles = append(b.bundles, b.ls.leases[i])
			}
		}
	}
	own := b.bundles[at:]
	r.own = r.own[:0]
	for i := range own {
		r.own = append(r.own, own[i].Tunnel)
	}
	if len(own) == 0 {
		b.fillLeaseSet(a)
		if how.Own {
			r.given = max(r.given+1, b.ls.published)
			a.Published = r.given
		}
		return
	}
	if how.Lifetime > 0 {
		end := (b.wall() + how.Lifetime) / Second * Second
		for i := range own {
			own[i].End = min(own[i].End, end)
		}
		r.bundleDue = b.now + max(Second, how.Lifetime-bundleSlack)
	}
	a.Expires = 0
	for i := range own {
		a.Expires = max(a.Expires, int64(own[i].End/Second))
	}
	r.given = max(r.given+1, b.ls.published+1, int64(b.wall()/Second))
	a.Published, a.Leases = r.given, own
	b.next[r.id] = min(b.next[r.id], r.bundleDue)
}

func (b *Balancer) fillLeaseSet(a *Action) {
	a.Published, a.Expires, a.Leases = b.ls.published, b.ls.expires, b.ls.leases
	b.ls.shown = max(b.ls.shown, b.ls.published)
}

// onLeaseRequest takes over the tunnels that a stock router asks a LeaseSet
// for, and answers at once with the newest LeaseSet: the router drops its
// session where an answer is late.
func (b *Balancer) onLeaseRequest(r *router, ev *Event) {
	if r.state != routerServing {
		return
	}
	r.owesReply, b.owing = true, true
	if b.imitates() {
		return // what it builds of its own accord is nothing that the leader has built
	}
	p := &r.pools[Inbound]
	for j := len(p.members) - 1; j >= 0; j-- {
		if t := &b.tunnels[p.members[j].slot]; !requested(ev.Leases, t) {
			b.removeTunnel(r, p, j, false)
		}
	}
	for i := range ev.Leases {
		l := &ev.Leases[i]
		known := false
		for _, m := range p.members {
			t := &b.tunnels[m.slot]
			known = known || t.receive == l.ReceiveID && t.gateway == l.Gateway
		}
		if known || r.drained || r.standby {
			continue
		}
		b.addTunnel(p, r, &request{}, &Tunnel{
			ID: l.Tunnel, Gateway: l.Gateway, ReceiveID: l.ReceiveID,
			Created: l.End - r.offset - tunnelLifetime, End: l.End,
		})
	}
}

func requested(list []Lease, t *tunnel) bool {
	for i := range list {
		if list[i].ReceiveID == t.receive && list[i].Gateway == t.gateway {
			return true
		}
	}
	return false
}
