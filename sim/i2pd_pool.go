package sim

import (
	"slices"

	"multihome.i2p/balancer"
)

// The stock i2pd router's tunnels (TunnelPool.cpp, Tunnel.cpp): every path is
// rebuilt as it is at the age of 570 s, and what is missing is drawn afresh
// over all high-bandwidth routers.

// i2pdState is the state of an i2pd tunnel.
type i2pdState uint8

const (
	i2pdEstablished i2pdState = iota
	i2pdTestFailed            // established, but its last test failed
	i2pdExpiring              // replaced or past 600 s: not listed, not used
)

func (t *tunnel) established() bool {
	return t.state == i2pdEstablished || t.state == i2pdTestFailed && !t.strict
}

// i2pdStart sets the rounds of a router that starts. One that serves Proposal
// 140 only tests its tunnels in them.
func (w *World) i2pdStart(i int32) {
	r := &w.routers[i]
	rng := w.streams.rand[streamRouters]
	r.lapsed = [2]bool{}
	tick := w.now + uniform(rng, 0, i2pdTickEvery)
	// One loop does both, so that where they fall together renewing comes first,
	// always: of events at the same time the one pushed first does.
	w.pushGen(tick, evI2pdTick, r.boot, i, 0)
	wanted := w.wallSeconds(i) + rng.Int64N(i2pdFirstSteps)
	look := w.now + (tick-w.now)%i2pdLookEvery
	for int64((w.wall(i)+look-w.now)/Second) <= wanted {
		look += i2pdLookEvery
	}
	w.pushGen(look, evI2pdPool, r.boot, i, 0)
}

// i2pdLapsed notes that a round came due in a router that is frozen.
func (r *router) i2pdLapsed(kind eventKind) {
	if kind == evI2pdTick {
		r.lapsed[0] = true
	} else {
		r.lapsed[1] = true
	}
}

// i2pdWake lets the rounds that came due in a frozen router happen now, each
// once; those that did not are still to come.
func (w *World) i2pdWake(i int32) {
	r := &w.routers[i]
	for k, kind := range [...]eventKind{evI2pdTick, evI2pdPool} {
		if r.lapsed[k] {
			w.pushGen(w.now, kind, r.boot, i, 0)
		}
	}
	r.lapsed = [2]bool{}
}

// i2pdTick is one pass of Tunnels::ManageTunnels.
func (w *World) i2pdTick(i int32) {
	r := &w.routers[i]
	if r.stalled {
		r.i2pdLapsed(evI2pdTick)
		return
	}
	again := w.scratch.ints[:0]
	for d := range r.pools {
		p := &r.pools[d]
		for k := 0; k < len(p.members); {
			y := p.members[k]
			t := w.tunnels.at(y)
			age := w.wallSeconds(i) - t.createdS
			if age > int64(i2pdLifetime/Second) {
				w.i2pdGone(y, balancer.ReasonExpired)
				continue
			}
			k++
			if !t.established() {
				continue
			}
			if !t.recreated && age > int64(i2pdRecreate/Second) && r.chooses() {
				again = append(again, y)
			}
			if age > int64(i2pdListed/Second) {
				t.state = i2pdExpiring
			}
		}
	}
	w.scratch.ints = again
	w.i2pdRecreate(again)
	w.pushGen(w.now+i2pdTickEvery, evI2pdTick, r.boot, i, 0)
}

// wallSeconds is the wall clock of router i in whole seconds, the resolution
// of i2pd's tunnel management.
func (w *World) wallSeconds(i int32) int64 { return int64(w.wall(i) / Second) }

// i2pdRecreate rebuilds tunnels along their own paths, in random order.
func (w *World) i2pdRecreate(list []int32) {
	rng := w.streams.rand[streamRouters]
	for k := len(list) - 1; k > 0; k-- {
		j := rng.IntN(k + 1)
		list[k], list[j] = list[j], list[k]
	}
	for _, y := range list {
		t := w.tunnels.at(y)
		t.recreated = true
		path, n := t.path, t.hops
		if t.slow {
			// A slow tunnel is not rebuilt: another one is added.
			r, dir := &w.routers[t.router], t.dir
			if n := w.i2pdPath(r, dir, &path); n > 0 {
				w.startBuild(t.router, dir, path[:n], false)
			}
			continue
		}
		x := w.startBuild(t.router, t.dir, path[:n], true)
		w.builds.at(x).recreates = t.dir == balancer.Inbound
	}
}

// i2pdGone takes a tunnel that expired or failed out of its pool.
func (w *World) i2pdGone(y int32, reason balancer.Reason) {
	if w.routers[w.tunnels.at(y).router].mode == modeP140 {
		w.p140TunnelGone(y, reason)
		return
	}
	w.removeTunnel(y)
}

// i2pdManage is one round of a pool: what is missing is built, the tests of
// the last round are judged and new ones are sent.
func (w *World) i2pdManage(i int32) {
	r := &w.routers[i]
	if r.stalled {
		r.i2pdLapsed(evI2pdPool)
		return
	}
	if r.chooses() {
		w.i2pdFill(i, balancer.Outbound)
		w.i2pdFill(i, balancer.Inbound)
	}
	w.i2pdJudge(i)
	w.i2pdTest(i)
	w.pushGen(w.now+i2pdRoundEvery, evI2pdPool, r.boot, i, 0)
}

// i2pdFill starts builds for the tunnels that are missing. Builds under way do
// not count. Without any inbound tunnel, the paths of outbound ones are tried
// the other way round.
func (w *World) i2pdFill(i int32, dir balancer.Direction) {
	r := &w.routers[i]
	p := &r.pools[dir]
	have := 0
	for _, y := range p.members {
		if w.tunnels.at(y).established() {
			have++
		}
	}
	var path [maxHops]int32
	if dir == balancer.Inbound && have == 0 {
		for _, y := range r.pools[balancer.Outbound].members {
			if have == p.want {
				break
			}
			t := w.tunnels.at(y)
			path = t.path
			w.startBuild(i, dir, path[:t.hops], true)
			have++
		}
	}
	for range min(p.want-have, r.cfg.i2pd().maxBuilds) {
		if n := w.i2pdPath(r, dir, &path); n > 0 {
			w.startBuild(i, dir, path[:n], false)
		}
	}
}

// i2pdPath draws the hops of a new tunnel, all alike likely, none twice running.
// That the one next to us comes from the connected routers makes no difference
// as long as those are a random sample too.
func (w *World) i2pdPath(r *router, dir balancer.Direction, path *[maxHops]int32) int {
	rng := w.streams.rand[streamRouters]
	n := r.pools[dir].hops
	for k := 0; k < n; {
		peer := w.candidates.Draw(rng)
		if k == 0 || path[k-1] != peer || w.candidates.Len() == 1 {
			path[k] = peer
			k++
		}
	}
	return n
}

// i2pdJudge fails the tunnels whose tests of the last round went unanswered:
// for the second time in a row, they are gone, but never the last of a pool,
// for which another one is built instead.
func (w *World) i2pdJudge(i int32) {
	r := &w.routers[i]
	fewer := false
	for d := range r.pools {
		p := &r.pools[d]
		for k := 0; k < len(p.members); {
			y := p.members[k]
			t := w.tunnels.at(y)
			failed := t.tests != 0
			t.tests = 0
			k++
			if !failed || t.state == i2pdExpiring {
				continue
			}
			if t.state != i2pdTestFailed {
				t.state = i2pdTestFailed
				continue
			}
			if len(p.members) > 1 || r.cfg.i2pd().newestTests {
				w.out.Truth.TunnelFailures++
				w.i2pdGone(y, balancer.ReasonFailed)
				fewer = fewer || p.dir == balancer.Inbound
				k--
			} else if r.chooses() {
				var path [maxHops]int32
				if n := w.i2pdPath(r, p.dir, &path); n > 0 {
					w.startBuild(i, p.dir, path[:n], false)
				}
			}
		}
	}
	if fewer && r.chooses() {
		w.i2pdUpdate(i)
	}
}

// i2pdTest sends tests through pairs of tunnels. A test fails with either of
// its tunnels, which is noted now and counts in the next round.
func (w *World) i2pdTest(i int32) {
	r := &w.routers[i]
	out := w.i2pdInTurn(i, balancer.Outbound)
	n := len(out)
	in := w.i2pdInTurn(i, balancer.Inbound)[n:]
	rng := w.streams.rand[streamTunnels]
	for k := range min(n, len(in)) {
		a, b := w.tunnels.at(w.scratch.ints[k]), w.tunnels.at(in[k])
		if a.broken <= w.now || b.broken <= w.now || chance(rng, r.cfg.TestLoss) {
			a.tests, b.tests = w.now, w.now
			continue
		}
		for _, t := range [...]*tunnel{a, b} {
			t.slow = chance(rng, r.cfg.SlowShare)
			if t.state == i2pdTestFailed {
				t.state = i2pdEstablished
			}
		}
	}
	w.scratch.ints = w.scratch.ints[:0]
}

// i2pdInTurn appends the established tunnels of a pool, in the order in which
// they are tested, to the scratch list and returns that list.
func (w *World) i2pdInTurn(i int32, dir balancer.Direction) []int32 {
	p := &w.routers[i].pools[dir]
	if p.dir == balancer.Outbound {
		w.scratch.ints = w.scratch.ints[:0]
	}
	from := len(w.scratch.ints)
	for _, y := range p.members {
		if t := w.tunnels.at(y); t.established() || t.state == i2pdTestFailed {
			w.scratch.ints = append(w.scratch.ints, y)
		}
	}
	rng := w.streams.rand[streamRouters]
	list := w.scratch.ints[from:]
	if w.routers[i].cfg.i2pd().newestTests {
		slices.Reverse(list)
		return w.scratch.ints
	}
	for k := len(list) - 1; k > 0; k-- {
		j := rng.IntN(k + 1)
		list[k], list[j] = list[j], list[k]
	}
	return w.scratch.ints
}

// i2pdBuildReplied handles a reply: i2pd takes it for as long as the build is
// pending.
func (w *World) i2pdBuildReplied(x int32) {
	b := w.builds.at(x)
	i, dir, recreates := b.router, b.dir, b.recreates
	if b.outcome != outcomeAccepted {
		w.out.Truth.BuildRejects++
		w.endBuild(x)
		return
	}
	y := w.addTunnel(x)
	w.endBuild(x)
	t := w.tunnels.at(y)
	if dir != balancer.Inbound {
		return
	}
	if recreates {
		w.i2pdReplaced(&w.routers[i].pools[dir], y, t.gateway())
	}
	w.i2pdUpdate(i)
}

// i2pdReplaced marks the tunnel that a new one replaces: the newest that is
// being rebuilt and has the same gateway.
func (w *World) i2pdReplaced(p *tunnelPool, fresh, gateway int32) {
	best := int32(none)
	for _, y := range p.members {
		t := w.tunnels.at(y)
		if y == fresh || !t.recreated || t.gateway() != gateway {
			continue
		}
		if best == none || t.createdS > w.tunnels.at(best).createdS {
			best = y
		}
	}
	if best != none {
		w.tunnels.at(best).state = i2pdExpiring
	}
}

// i2pdBuildGivenUp forgets a build that nobody answered.
func (w *World) i2pdBuildGivenUp(x int32) {
	w.out.Truth.BuildTimeouts++
	w.endBuild(x)
}
