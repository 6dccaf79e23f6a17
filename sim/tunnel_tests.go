package sim

import "multihome.i2p/balancer"

// How Java routers test their tunnels (TestJob). Only tests that fail matter,
// so the schedule is walked when a tunnel is made, up to its first failing
// test; most tunnels never have one and cost no event.

// testsMax bounds the tests in a tunnel's life: 600 s / 40 s.
const testsMax = 15

// scheduleTests walks the tests of tunnel y that follow one that passed (or
// the tunnel's making) at the given time.
func (w *World) scheduleTests(y int32, from Time) {
	t := w.tunnels.at(y)
	r := &w.routers[t.router]
	rng := w.streams.rand[streamTunnels]
	t.left = trialsUntil(rng, r.lossRate, testsMax)
	if t.left == 0 && t.broken >= t.early {
		return // no test can fail
	}
	allowed := w.testAllowed(r)
	at := from + testDelay + uniform(rng, 0, testDelayRange)
	for n := 1; at < t.early; n++ {
		if at >= t.broken || n == t.left {
			t.tests = at
			w.pushGen(at+allowed, evTest, w.tunnels.gens[y], y, 0)
			return
		}
		at += testRoundTrip
		delay := testDelay + uniform(rng, 0, testDelayRange)
		if t.early <= at+delay+testMargin*allowed {
			return
		}
		at += delay
	}
}

// testAllowed is how long a test may take.
func (w *World) testAllowed(r *router) Time {
	hops := r.pools[balancer.Inbound].hops + r.pools[balancer.Outbound].hops
	return Time(hops+2) * testPerHop
}

// testEnded handles a test of tunnel y that ran out of time.
func (w *World) testEnded(y int32) {
	t := w.tunnels.at(y)
	r := &w.routers[t.router]
	if r.stalled {
		return
	}
	t.failures++
	if t.failures > testMaxFailures {
		w.tellTiersOfFailure(t)
		w.out.Truth.TunnelFailures++
		if r.mode == modeP140 {
			w.p140TunnelGone(y, balancer.ReasonFailed)
		} else {
			w.javaTunnelGone(y)
		}
		return
	}
	w.retest(y)
}

// retest walks on after a failed test: the next one follows soon, and may
// pass.
func (w *World) retest(y int32) {
	t := w.tunnels.at(y)
	if t.early <= w.now+testLastRetry {
		return
	}
	r := &w.routers[t.router]
	rng := w.streams.rand[streamTunnels]
	at := w.now + testRetry + uniform(rng, 0, testRetry)
	if at >= t.broken || chance(rng, r.cfg.TestLoss) {
		t.tests = at
		w.pushGen(at+w.testAllowed(r), evTest, w.tunnels.gens[y], y, 0)
		return
	}
	t.failures = 0
	w.scheduleTests(y, at+testRoundTrip)
}
