package sim

import "multihome.i2p/balancer"

// startBuild sends a build request through path, which it copies, and returns
// the build, or none if nothing will be heard of it. How it will end is drawn now: it is the world's affair, the same
// for stock routers and for those that a balancer commands.
func (w *World) startBuild(i int32, dir balancer.Direction, path []int32, inherited bool) int32 {
	r := &w.routers[i]
	x := w.builds.take()
	b := w.builds.at(x)
	// Two builds of one pass are worked off one after the other, so that their
	// tunnels do not end in the same millisecond.
	created := max(w.now, r.lastBuild+buildWork)
	r.lastBuild = created
	*b = build{router: i, dir: dir, hops: uint8(len(path)), inherited: inherited, created: created}
	copy(b.path[:], path)
	r.pending = append(r.pending, x)
	r.pools[dir].inProgress++
	w.out.Truth.Builds++

	rng := w.streams.rand[streamTunnels]
	ok := rng.Float64() < r.cfg.BuildSuccess
	reject := rng.Float64() < r.cfg.RejectShare
	delay := Never
	switch {
	case ok:
		b.outcome = outcomeAccepted
	case reject:
		b.outcome = outcomeRejected
	default:
		b.outcome = outcomeSilence
	}
	if b.outcome != outcomeSilence {
		delay = lognormal(rng, r.cfg.BuildDelay, r.cfg.BuildDelaySigma)
	} else if r.cfg.BuildDelaySigma != 0 {
		rng.NormFloat64() // every build draws alike
	}
	w.tellTiersOfBuild(b)
	gen := w.builds.gens[x]
	if b.outcome != outcomeSilence && delay <= buildTimeout+buildGrace {
		w.pushGen(created+delay, evBuildReply, gen, x, 0)
	} else {
		b.outcome = outcomeSilence
	}
	b.overdue = b.outcome == outcomeSilence || delay >= buildTimeout
	switch r.mode {
	case modeP140:
		if r.cfg.Kind == I2pd {
			w.pushGen(created+i2pdGiveUp, evBuildGiveUp, gen, x, 0)
		} else if b.overdue && w.mortal {
			w.pushGen(created+buildTimeout, evBuildGiveUp, gen, x, 0)
		} else if b.overdue {
			// Nothing can come between, and the core keeps the time itself: the
			// build is given up now, and counted where it would be.
			w.countTimeout(created + buildTimeout)
			silent := b.outcome == outcomeSilence
			w.buildTimedOut(x)
			if silent {
				return none
			}
		}
	case modeI2pd, modeNatural:
		w.pushGen(created+i2pdGiveUp, evBuildGiveUp, gen, x, 0)
	}
	return x
}

// buildReplied handles the reply to a build, late ones included.
func (w *World) buildReplied(x int32) {
	b := w.builds.at(x)
	r := &w.routers[b.router]
	if r.stalled {
		w.endBuild(x)
		return
	}
	switch r.mode {
	case modeJava:
		w.javaBuildReplied(x)
	case modeI2pd, modeNatural:
		w.i2pdBuildReplied(x)
	case modeP140:
		w.p140BuildReplied(x)
	}
}

// buildGivenUp handles the end of a router's patience. Stock Java routers
// have no such event: their loop notices.
func (w *World) buildGivenUp(x int32) {
	b := w.builds.at(x)
	if w.routers[b.router].chooses() {
		w.i2pdBuildGivenUp(x)
		return
	}
	w.p140BuildGivenUp(x)
}

// buildTimedOut takes a build off the number in progress; its reply may still
// come.
func (w *World) buildTimedOut(x int32) {
	b := w.builds.at(x)
	b.timedOut = true
	w.routers[b.router].pools[b.dir].inProgress--
	if b.outcome == outcomeSilence {
		w.endBuild(x)
	}
}

// endBuild forgets a build.
func (w *World) endBuild(x int32) {
	b := w.builds.at(x)
	r := &w.routers[b.router]
	if !b.timedOut {
		r.pools[b.dir].inProgress--
	}
	for k, y := range r.pending {
		if y == x {
			r.pending = append(r.pending[:k], r.pending[k+1:]...)
			break
		}
	}
	w.builds.free(x)
}

// addTunnel makes the tunnel of a successful build, puts it into its pool and
// returns it. The build is still to be ended.
func (w *World) addTunnel(x int32) int32 {
	b := w.builds.at(x)
	r := &w.routers[b.router]
	rng := w.streams.rand[streamTunnels]
	y := w.tunnels.take()
	t := w.tunnels.at(y)
	*t = tunnel{
		router: b.router, dir: b.dir, hops: b.hops, inherited: b.inherited, path: b.path,
		number: 1 + rng.Uint32N(1<<32-2), created: b.created, expires: b.created + tunnelLifetime,
	}
	t.broken = exponential(rng, r.cfg.TunnelFailPerHour)
	if t.broken != Never {
		t.broken += w.now
	}
	t.strict = r.cfg.Kind == I2pd && r.cfg.i2pd().strict
	p := &r.pools[b.dir]
	t.near = w.pop.NearWord(t.gateway())
	p.members = append(p.members, y)
	*w.endingAt(t.gateway())++
	for _, peer := range t.path[:t.hops] {
		w.countPeer(r, peer, 1)
	}
	w.countTunnel(t)
	w.serial++
	t.serial = w.serial
	if w.watch.peers {
		w.joinTunnel(t)
	}
	wall := w.epoch + r.skew + t.created
	t.createdS = int64(wall / Second)
	t.endMs = int64(wall/Millisecond) + int64(tunnelLifetime/Millisecond)
	w.fates[t.serial&int64(len(w.fates)-1)] = fate{w.leaseOf(t), t.serial, t.endMs}
	if r.cfg.Kind == Java {
		switch t.dir {
		case balancer.Inbound:
			t.early = t.expires - uniform(rng, javaInboundEarly, 2*javaInboundEarly)
			if r.mode == modeJava {
				p.addListing(listing{y, t.serial, t.created, t.early, t.endMs})
			}
		default:
			t.early = t.expires - uniform(rng, javaOutboundEarly, 2*javaOutboundEarly)
		}
		p.addEarly(t.early)
		w.pushGen(t.early, evTunnelEarly, w.tunnels.gens[y], y, 0)
		w.scheduleTests(y, w.now)
	}
	return y
}

// endingAt counts the tunnels of all routers whose gateway, IBGW or OBEP, is peer, and
// those of a few others: 0 says that there is none.
func (w *World) endingAt(peer int32) *int32 { return &w.ends[uint32(peer)%uint32(len(w.ends))] }

// removeTunnel takes a tunnel out of its pool. What was sent towards it may
// still arrive: a lease carries what is needed to tell.
func (w *World) removeTunnel(y int32) {
	t := w.tunnels.at(y)
	r := &w.routers[t.router]
	p := &r.pools[t.dir]
	for k, m := range p.members {
		if m == y {
			p.members = append(p.members[:k], p.members[k+1:]...)
			break
		}
	}
	if r.cfg.Kind == Java {
		p.removeEarly(t.early)
		for k := range p.newest {
			if p.newest[k].tunnel == y {
				p.newest = append(p.newest[:k], p.newest[k+1:]...)
				break
			}
		}
	}
	*w.endingAt(t.gateway())--
	for _, peer := range t.path[:t.hops] {
		w.countPeer(r, peer, -1)
	}
	w.tunnels.free(y)
}

// addEarly and removeEarly keep the pool's early expiries in rising order, so
// that the build loop need not look at the tunnels.
func (p *tunnelPool) addEarly(at Time) {
	p.expiries = append(p.expiries, at)
	k := len(p.expiries) - 1
	for k > 0 && p.expiries[k-1] > at {
		p.expiries[k] = p.expiries[k-1]
		k--
	}
	p.expiries[k] = at
}

// addListing keeps the listings in the order of builds; replies come out of order.
func (p *tunnelPool) addListing(l listing) {
	p.newest = append(p.newest, l)
	k := len(p.newest) - 1
	for k > 0 && p.newest[k-1].created > l.created {
		p.newest[k] = p.newest[k-1]
		k--
	}
	p.newest[k] = l
}

func (p *tunnelPool) removeEarly(at Time) {
	for k, e := range p.expiries {
		if e == at {
			p.expiries = append(p.expiries[:k], p.expiries[k+1:]...)
			return
		}
	}
}

func (w *World) countPeer(r *router, peer int32, by int) {
	if r.use[peer] == 0 {
		r.usedBy = append(r.usedBy, peer)
	}
	r.use[peer] = uint8(int(r.use[peer]) + by)
	if r.use[peer] == 0 {
		for k, q := range r.usedBy {
			if q == peer {
				last := len(r.usedBy) - 1
				r.usedBy[k] = r.usedBy[last]
				r.usedBy = r.usedBy[:last]
				break
			}
		}
	}
}

// tunnelExpired handles the early expiry of a Java router's tunnel.
func (w *World) tunnelExpired(y int32) {
	t := w.tunnels.at(y)
	if w.routers[t.router].mode == modeP140 {
		w.p140TunnelGone(y, balancer.ReasonExpired)
		return
	}
	w.javaTunnelGone(y)
}
