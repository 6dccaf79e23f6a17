package sim

import (
	"math"
	"math/rand/v2"
	"testing"

	"multihome.i2p/balancer"
)

// TestTestsOneByOne compares when tunnels are killed by their tests, whose schedule is
// walked to the first one that fails, with routers that draw for each test of a tunnel
// whether it passes.
func TestTestsOneByOne(t *testing.T) {
	const n = 20_000
	for _, tc := range []struct{ loss, breaks float64 }{{0.3, 0}, {0.05, 6}, {0.5, 6}, {0, 3}, {0.9, 0.1}} {
		c := worldOf(SchemeSingle, 1).each(func(r *Router) { r.TestLoss = tc.loss })
		w, out := NewWorld(), new(Outcome)
		if err := w.reset(c, 7, out); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(140, 3))
		allowed := w.testAllowed(&w.routers[0])
		var walked, single [2]sampleMean // of the share killed, and of the age at it
		for range n {
			early := tunnelLifetime - uniform(rng, javaInboundEarly, 2*javaInboundEarly)
			note(&walked, w.killed(early, exponential(rng, tc.breaks)))
			note(&single, killedOneByOne(rng, early, exponential(rng, tc.breaks), tc.loss, allowed))
		}
		for k, what := range []string{"share killed", "seconds of life"} {
			a, b := &walked[k], &single[k]
			if a.n < 100 && b.n < 100 {
				continue
			}
			got, errA := a.off(0)
			want, errB := b.off(0)
			// A mean's standard error is the mean over its distance from 0 in them.
			if off := math.Abs(got-want) / math.Hypot(got/errA, want/errB); off > misses {
				t.Errorf("loss %v, %v breaks an hour: %s %.4f, want %.4f (%.1f standard errors)", tc.loss, tc.breaks, what, got, want, off)
			}
		}
	}
}

// killed plays the tests of a tunnel that begins now and returns its age when they
// kill it, or Never.
func (w *World) killed(early, broken Time) Time {
	w.queue.reset()
	w.now = 0
	y := w.tunnels.take()
	defer w.tunnels.free(y)
	*w.tunnels.at(y) = tunnel{dir: balancer.Inbound, early: early, broken: broken}
	w.scheduleTests(y, 0)
	var ev event
	for w.queue.popInto(&ev) {
		w.now = ev.at
		if w.tunnels.at(y).failures == testMaxFailures {
			return w.now
		}
		w.testEnded(y)
	}
	return Never
}

// killedOneByOne is the same, written down from TestJob.
func killedOneByOne(rng *rand.Rand, early, broken Time, loss float64, allowed Time) Time {
	failures := 0
	at := testDelay + uniform(rng, 0, testDelayRange)
	for at < early || failures > 0 {
		if at < broken && !(rng.Float64() < loss) {
			failures = 0
			at += testRoundTrip
			delay := testDelay + uniform(rng, 0, testDelayRange)
			if early <= at+delay+testMargin*allowed {
				break
			}
			at += delay
			continue
		}
		at += allowed
		if failures++; failures > testMaxFailures {
			return at
		}
		if early <= at+testLastRetry {
			break
		}
		at += testRetry + uniform(rng, 0, testRetry)
	}
	return Never
}

func note(m *[2]sampleMean, at Time) {
	if at == Never {
		m[0].add(0)
		return
	}
	m[0].add(1)
	m[1].add(at.Seconds())
}
