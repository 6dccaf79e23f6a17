package balancer

import "slices"

// While the leader of an imitation is away, others build in its place; but it is still
// the leader's luck that shows. The outcome of each build is drawn from those that the
// leader had last. If it is a failure, nobody builds anything. If it is a success,
// all that can build the tunnel, so that one of them nearly always has it by the time
// that was drawn, or by PublishDelay after it, which shows to nobody. If none has it,
// the build is given up like one that nobody answers. An outbound tunnel is wanted where
// it is published from: else its end point would not be among those that are seen.

// pastBuilds is how many of the leader's builds are drawn from, pastNeeded how many it
// must have made; our choice: some two hours of sixteen tunnels, and a quarter of it.
const (
	pastBuilds = 256
	pastNeeded = 64
)

// playsAtOnce is how many builds of a tunnel each router begins, playsToSpeak how many
// that which publishes does of an outbound one; our choice: with three routers, and with
// builds that succeed in one of two cases, all fail in one of sixty.
const (
	playsAtOnce  = 2
	playsToSpeak = 6
)

// pastBuild is the outcome of a build, and how long it took, the way to the leader and
// back left out.
type pastBuild struct {
	result Result
	took   Time
}

// understudy is what is played in the leader's absence.
type understudy struct {
	past   [pastBuilds]pastBuild
	n      int // builds ever noted
	plays  []play
	builds []playBuild
	due    Time // of the next play
}

// play is a request whose outcome was drawn.
type play struct {
	request RequestID
	dir     Direction
	result  Result
	at      Time // when the leader's word would have come
	ready   bool // a tunnel stands
	router  RouterID
	tunnel  Tunnel
}

// playBuild is a build on behalf of a play.
type playBuild struct {
	id, of RequestID
	router RouterID
	at     Time
}

func (u *understudy) reset() {
	u.n, u.due = 0, Never
	u.plays, u.builds = u.plays[:0], u.builds[:0]
}

// note keeps the outcome of a build of the leader's.
func (b *Balancer) note(router RouterID, result Result, took Time) {
	v := &b.virtual
	if router != v.leader {
		return
	}
	u := &v.under
	u.past[u.n%pastBuilds] = pastBuild{result, max(0, took)}
	u.n++
}

// plays tells whether what router builds shows by the leader's luck.
func (b *Balancer) plays(router RouterID) bool {
	v := &b.virtual
	return v.how.Twins > 0 && router != v.leader && v.under.n >= pastNeeded
}

// play draws the outcome of request q of pool p and has it built if it is a success.
func (b *Balancer) play(q *request, path []PeerID, p *pool) {
	u := &b.virtual.under
	past := u.past[b.rng.IntN(min(u.n, pastBuilds))]
	q.played = true
	if past.result == ResultTimeout {
		return // as if nobody answered
	}
	x := play{request: q.id, dir: p.dir, result: past.result, at: b.now + past.took + 2*b.virtual.way}
	u.plays = append(u.plays, x)
	u.due = min(u.due, x.at)
	if x.result != ResultOK {
		return
	}
	for i := range b.fleet() {
		r := &b.routers[i]
		if !r.capable() {
			continue
		}
		n := playsAtOnce
		switch {
		case p.dir == Inbound:
		case r.id == b.acting():
			n = playsToSpeak
		default:
			n = 1
		}
		for range min(n, maxRequests-len(u.builds)) {
			b.lastReq++
			u.builds = append(u.builds, playBuild{b.lastReq, q.id, r.id, b.now})
			a := b.do(r, ActionCreateTunnel)
			a.Request, a.Direction, a.Path, a.Hops = b.lastReq, p.dir, path, int32(len(path))
		}
	}
}

// onPlay takes in the outcome of a build on behalf of a play, and tells whether it is
// one.
func (b *Balancer) onPlay(r *router, ev *Event) bool {
	u := &b.virtual.under
	i := slices.IndexFunc(u.builds, func(x playBuild) bool { return x.id == ev.Request && x.router == r.id })
	if i < 0 {
		return false
	}
	if ev.Result == ResultTimeout && r.kind == KindJava {
		return true // a reply may still come
	}
	of := u.builds[i].of
	u.builds = append(u.builds[:i], u.builds[i+1:]...)
	if ev.Result != ResultOK {
		return true
	}
	for k := range u.plays {
		x := &u.plays[k]
		if x.request != of {
			continue
		}
		if x.ready && x.dir == Outbound && x.router != r.id && r.id == b.acting() {
			// Who publishes has it now, and nobody else needs it.
			b.do(&b.routers[x.router], ActionDropTunnel).Tunnel = x.tunnel.ID
			x.ready = false
		}
		if !x.ready {
			x.ready, x.router, x.tunnel = true, r.id, ev.Tunnel
			u.due = min(u.due, max(b.now, x.at))
			return true
		}
	}
	b.do(r, ActionDropTunnel).Tunnel = ev.Tunnel.ID
	return true
}

// endPlays lets happen what is due.
func (b *Balancer) endPlays() {
	v := &b.virtual
	u := &v.under
	u.due = Never
	for k := 0; k < len(u.plays); {
		x := u.plays[k]
		q := &b.routers[v.id]
		p := &q.pools[x.dir]
		i := slices.IndexFunc(p.requests, func(q request) bool { return q.id == x.request })
		late := b.now - x.at
		switch {
		case i >= 0 && late < 0:
			u.due = min(u.due, x.at)
			k++
			continue
		case i >= 0 && x.result == ResultOK && !x.ready && late < max(Second, b.cfg.PublishDelay):
			k++ // its time has come, but no tunnel yet
			continue
		}
		u.plays = append(u.plays[:k], u.plays[k+1:]...)
		switch {
		case i < 0 || x.result == ResultOK && !x.ready:
			if x.ready && b.routers[x.router].state == routerServing {
				b.do(&b.routers[x.router], ActionDropTunnel).Tunnel = x.tunnel.ID
			}
			continue
		}
		was := p.requests[i]
		if was.live {
			p.inProgress--
			p.timing.deduct(b.now, 2*v.way+late)
		}
		p.requests = append(p.requests[:i], p.requests[i+1:]...)
		p.timeouts = 0
		v.lag = min(v.way+late, maxLag+b.cfg.PublishDelay)
		if x.ready {
			b.addTunnel(p, &b.routers[x.router], &was, &x.tunnel)
		}
		q.loopAt = b.now
		b.touch(q)
	}
	u.builds = slices.DeleteFunc(u.builds, func(x playBuild) bool { return b.now-x.at >= lateReply })
}

// leavePlays forgets what a lost router has built on behalf of plays.
func (b *Balancer) leavePlays(id RouterID) {
	u := &b.virtual.under
	u.builds = slices.DeleteFunc(u.builds, func(x playBuild) bool { return x.router == id })
	for k := range u.plays {
		if x := &u.plays[k]; x.ready && x.router == id {
			x.ready = false
		}
	}
}
