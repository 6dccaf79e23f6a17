package sim

import (
	"math"

	"multihome.i2p/balancer"
)

// The stock Java router's build loop (BuildExecutor.run2): a pass every 0.8 s
// or so counts how many builds each pool wants and starts up to two. Passes in
// which nothing can be wanted are not simulated: the next pass is set to the
// first instant at which that can change, plus what is left of a wait then,
// and the passes between are entered into the build rate in one sum.

// pollAt sets the next pass of router i's build loop in place of the one set.
// An event that is already there and comes no later is left to stand, and sets
// itself anew when it comes too early.
func (w *World) pollAt(i int32, at Time) {
	r := &w.routers[i]
	r.nextPass = at
	if at < r.armed {
		r.armed = at
		r.loopGen++
		w.pushGen(at, evLoop, r.loopGen, i, 0)
	}
}

// loopDue handles the event of a router's build loop.
func (w *World) loopDue(i int32) {
	r := &w.routers[i]
	r.armed = Never
	if r.nextPass > w.now {
		w.pollAt(i, r.nextPass)
		return
	}
	w.pollLoop(i)
}

// wakeLoop runs a pass at once: a build has ended or a tunnel is gone.
func (w *World) wakeLoop(i int32) {
	if w.routers[i].up && !w.routers[i].stalled {
		w.pollLoop(i)
	}
}

// pollLoop is one pass.
func (w *World) pollLoop(i int32) {
	r := &w.routers[i]
	if r.stalled {
		return
	}
	w.accountIdle(r)
	var wanted [2]int
	for d := range r.pools {
		p := &r.pools[d]
		n, value := w.howMany(p)
		wanted[d] = n
		p.rateSum += value * int64(loopMean)
		p.rateWeight += int64(loopMean)
	}
	r.idleFrom = Never
	concurrent := w.expireBuilds(r)
	allowed := min(maxBuilds-concurrent, maxBuildsPerPass)
	first := w.firstPool(r, &wanted)
	for n := 0; n < allowed && wanted[0]+wanted[1] > 0; {
		d := w.choosePool(first, &wanted)
		wanted[d]--
		if w.javaBuild(i, d) {
			n++
		}
	}
	w.scheduleLoop(i, wanted[0]+wanted[1] > 0)
}

// firstPool is the pool that comes first in this pass: three times in four,
// the one without tunnels, if only one of them is. anyPool stands for none.
func (w *World) firstPool(r *router, wanted *[2]int) balancer.Direction {
	if wanted[0] == 0 || wanted[1] == 0 {
		return anyPool
	}
	empty := [2]bool{len(r.pools[0].members) == 0, len(r.pools[1].members) == 0}
	if empty[0] == empty[1] || w.streams.rand[streamRouters].IntN(4) == 0 {
		return anyPool
	}
	if empty[0] {
		return balancer.Inbound
	}
	return balancer.Outbound
}

// anyPool is no direction.
const anyPool = balancer.Direction(255)

// choosePool draws the pool of the next build among the wanted ones.
func (w *World) choosePool(first balancer.Direction, wanted *[2]int) balancer.Direction {
	if first != anyPool && wanted[first] > 0 {
		return first
	}
	if w.streams.rand[streamRouters].IntN(wanted[0]+wanted[1]) < wanted[0] {
		return balancer.Inbound
	}
	return balancer.Outbound
}

// expireBuilds times out what has waited for 5 s and returns how many builds
// are left in progress.
func (w *World) expireBuilds(r *router) int {
	n := 0
	for k := 0; k < len(r.pending); {
		x := r.pending[k]
		b := w.builds.at(x)
		if !b.timedOut && w.now >= b.created+buildTimeout {
			r.pools[b.dir].timeouts++
			w.out.Truth.BuildTimeouts++
			w.buildTimedOut(x)
			if k < len(r.pending) && r.pending[k] == x {
				k++ // its reply may still come
			}
			continue
		}
		if !b.timedOut {
			n++
		}
		k++
	}
	return n
}

// scheduleLoop sets the next pass.
func (w *World) scheduleLoop(i int32, wanting bool) {
	r := &w.routers[i]
	rng := w.streams.rand[streamRouters]
	wait := loopWait + uniform(rng, 0, loopWaitRange)
	next := w.now
	if !wanting {
		next = Never
		for d := range r.pools {
			next = min(next, w.nextWant(&r.pools[d]))
		}
		for _, x := range r.pending {
			if b := w.builds.at(x); b.overdue && !b.timedOut { // a reply wakes the loop
				next = min(next, b.created+buildTimeout)
			}
		}
	}
	if next <= w.now+wait {
		w.pollAt(i, w.now+wait)
		return
	}
	r.idleFrom = w.now + loopMean
	for d := range r.pools {
		w.setIdle(&r.pools[d])
	}
	if next != Never { // else only a wake can change anything
		next += w.restOfWait()
	}
	w.pollAt(i, next)
}

// restOfWait is what remains of the loop's wait at an instant that does not
// depend on the loop: the residual life of a renewal process whose intervals
// are loopWait + U(0, loopWaitRange). An instant falls into an interval with
// probability proportional to its length, and anywhere in it alike.
func (w *World) restOfWait() Time {
	rng := w.streams.rand[streamRouters]
	const lo, hi = float64(loopWait), float64(loopWait + loopWaitRange)
	length := math.Sqrt(lo*lo + rng.Float64()*(hi*hi-lo*lo))
	return Time(rng.Float64() * length)
}

// setIdle notes what the passes that are not simulated would enter into the
// pool's rate.
func (w *World) setIdle(p *tunnelPool) {
	p.idle = int64(p.inProgress)
	if !p.adaptive() && p.idle > 0 {
		p.idle = 1
	}
}

// accountIdle enters the passes that were not simulated into the rates.
func (w *World) accountIdle(r *router) {
	if w.now <= r.idleFrom {
		return
	}
	span := int64(w.now - r.idleFrom)
	for d := range r.pools {
		p := &r.pools[d]
		p.rateSum += p.idle * span
		p.rateWeight += span
	}
	r.idleFrom = w.now
}

// closeRatePeriod ends a period of the build rates: what the loop goes by in
// the next one is their mean over the one just ended (core Rate.coalesce).
func (w *World) closeRatePeriod(i int32) {
	r := &w.routers[i]
	if !r.stalled {
		w.accountIdle(r)
	}
	for d := range r.pools {
		p := &r.pools[d]
		p.spent, p.meanOf = 0, 0
		if p.rateWeight > 0 {
			p.spent = Time(float64(tunnelLifetime) * float64(p.rateSum) / float64(p.rateWeight))
		}
		p.rateSum, p.rateWeight = 0, 0
	}
	w.pushGen(w.now+ratePeriod, evRate, r.boot, i, 0)
	if !r.stalled {
		w.scheduleLoop(i, false)
	}
}

// adaptive tells which rule holds: the adaptive one, or the conservative one
// of the first ten minutes and of bad times.
func (p *tunnelPool) adaptive() bool {
	mean := p.average()
	return mean > 0 && mean < adaptiveMax
}

// average is the building time a tunnel, in whole milliseconds; 0 before the
// first period. It is divided by what is wanted now, not by what was wanted
// then: while builds time out, fewer tunnels share it.
func (p *tunnelPool) average() Time {
	n := p.wanted()
	if n <= 0 {
		return 0
	}
	if n != p.meanOf {
		p.meanOf, p.mean = n, p.spent/Time(n)/Millisecond*Millisecond
	}
	return p.mean
}

// lead is how long before a tunnel's early expiry the adaptive rule wants its
// replacement.
func (p *tunnelPool) lead() Time { return p.average() + adaptiveSafety }

// wanted is the quantity, reduced where builds keep timing out.
func (p *tunnelPool) wanted() int {
	n := p.want
	if n <= 1 || p.timeouts <= timeoutsLessOne {
		return n
	}
	switch {
	case p.timeouts > timeoutsOnlyOne:
		return 1
	case p.timeouts > timeoutsThird:
		return max(1, n/3)
	case n > timeoutsLessAbove:
		return n - 1
	}
	return n
}

// howMany is the number of builds that a pool wants now, and what the pass
// enters into its rate (TunnelPool.countHowManyToBuild).
func (w *World) howMany(p *tunnelPool) (n int, value int64) {
	if p.adaptive() {
		n = w.howManyAdaptive(p)
		return n, int64(n + p.inProgress)
	}
	n = w.howManyConservative(p, true)
	if n > 0 || p.inProgress > 0 {
		value = 1
	}
	return n, value
}

// howManyAdaptive: a tunnel whose expiry is nearer than the lead is due. Each
// due tunnel that is still needed wants one build, or two once even the latest
// of the due ones has less than half the lead left (the code means to go on to
// four, but divides integers); a missing tunnel wants four.
func (w *World) howManyAdaptive(p *tunnelPool) int {
	lead := p.lead()
	due, latest := 0, Time(0)
	for _, early := range p.expiries {
		left := early - w.now
		if left >= lead {
			break
		}
		due++
		latest = left
	}
	need := p.wanted() - (len(p.members) - due) - p.inProgress
	if need <= 0 {
		return 0
	}
	n := 0
	if need > due {
		n = panicFactor * (need - due)
		need = due
	}
	if latest > lead/2 {
		return n + need
	}
	return n + 2*need
}

// Classes of the conservative rule: tunnels that expire within so long, and
// how many builds each of them asks for.
var conservativeClasses = [...]struct {
	within Time
	builds int
}{{270 * Second, 0}, {210 * Second, 1}, {150 * Second, 2}, {90 * Second, 4}, {30 * Second, 6}}

// howManyConservative goes through the classes from the latest expiry to the
// earliest, as far as tunnels are needed, and adds up what each asks for.
// Tunnels in no class count against it, and so do builds in progress. Where a
// tunnel is in the first class, a coin decides about one more build; without
// draw it falls on the side of building, which gives the most there can be.
func (w *World) howManyConservative(p *tunnelPool, draw bool) int {
	want := p.wanted()
	var count [len(conservativeClasses)]int
	later := 0
	for _, early := range p.expiries {
		left := early - w.now - p.skew
		switch {
		case left <= 0:
		case left > conservativeClasses[0].within:
			later++
		default:
			k := 0
			for k+1 < len(conservativeClasses) && left <= conservativeClasses[k+1].within {
				k++
			}
			count[k]++
		}
	}
	n := -p.inProgress - later
	if count[0] > 0 && (!draw || w.streams.rand[streamRouters].IntN(2) == 1) {
		n++
	}
	need := want - later - count[0]
	for k := 1; k < len(count) && need > 0; k++ {
		n += conservativeClasses[k].builds * count[k]
		need -= count[k]
	}
	if need > 0 {
		n += 6 * need
	}
	if n+p.inProgress+later > 4*want {
		n = 4*want - p.inProgress - later
	}
	if w.now-p.born < Minute && n+p.inProgress >= want {
		n = want - p.inProgress
	}
	return max(0, n)
}

// nextWant is the first instant from which on the pool may want a build, as
// things stand now.
func (w *World) nextWant(p *tunnelPool) Time {
	if p.adaptive() {
		return p.nextWantAdaptive(w.now)
	}
	if w.howManyConservative(p, false) > 0 {
		return w.now
	}
	next := Never
	for _, early := range p.expiries {
		left := early - w.now - p.skew
		for k := range conservativeClasses {
			if d := left - conservativeClasses[k].within; d > 0 {
				next = min(next, w.now+d)
				break // the classes' bounds fall
			}
		}
		if left > 0 {
			next = min(next, w.now+left)
		}
	}
	if age := w.now - p.born; age < Minute {
		next = min(next, p.born+Minute)
	}
	return next
}

// nextWantAdaptive: builds are wanted when fewer tunnels than needed are not
// yet due, so when the k-th latest becomes due.
func (p *tunnelPool) nextWantAdaptive(now Time) Time {
	k := p.wanted() - p.inProgress
	if k <= 0 {
		return Never // until a build ends or times out, which the loop sees to
	}
	if len(p.members) < k {
		return now
	}
	return p.expiries[len(p.expiries)-k] - p.lead() + 1
}

// javaBuild starts a build in pool dir of router i; false where no path can be
// had.
func (w *World) javaBuild(i int32, dir balancer.Direction) bool {
	r := &w.routers[i]
	p := &r.pools[dir]
	rng := w.streams.rand[streamRouters]
	var path [maxHops]int32
	n, inherited := 0, false
	if rng.Float64() < r.cfg.Reuse {
		n = w.lendPath(p, &path)
		inherited = n > 0
	}
	if n == 0 {
		n = w.choosePath(i, dir, &path)
	}
	if n == 0 {
		return false
	}
	w.startBuild(i, dir, path[:n], inherited)
	return true
}

// lendPath takes the path of the first tunnel in list order that will soon
// expire and has not lent it before. It is lent once, whatever becomes of the
// build (TunnelPool.configureNewTunnel).
func (w *World) lendPath(p *tunnelPool, path *[maxHops]int32) int {
	for _, y := range p.members {
		t := w.tunnels.at(y)
		if !t.reused && int(t.hops) >= p.hops && t.early < w.now+reuseWindow {
			t.reused = true
			*path = t.path
			return int(t.hops)
		}
	}
	return 0
}

// javaBuildReplied handles a reply to a stock router's build.
func (w *World) javaBuildReplied(x int32) {
	b := w.builds.at(x)
	i, dir, outcome := b.router, b.dir, b.outcome
	w.routers[i].pools[dir].timeouts = 0
	if outcome == outcomeAccepted {
		w.addTunnel(x)
	} else {
		w.out.Truth.BuildRejects++
	}
	w.endBuild(x)
	if outcome == outcomeAccepted && dir == balancer.Inbound {
		w.rebuildLeaseSet(i)
	}
	w.wakeLoop(i)
}

// javaTunnelGone handles a stock router's tunnel that expired early or failed.
func (w *World) javaTunnelGone(y int32) {
	t := w.tunnels.at(y)
	r := &w.routers[t.router]
	i, dir, expired := t.router, t.dir, t.early <= w.now
	listed := dir == balancer.Inbound && !r.ls.unlisted(t)
	w.removeTunnel(y)
	if r.stalled {
		return
	}
	if listed {
		w.rebuildLeaseSet(i)
	}
	// Neither rule counts a tunnel at its early expiry for anything: where
	// nothing was wanted before, nothing is now.
	if idle := r.idleFrom != Never; !idle || !expired {
		w.wakeLoop(i)
	}
}
