package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
)

// pulse is a life's heartbeats: a question at each beat, unless the last one is
// unanswered. It runs by a timer, apart from the commands, of which one may wait for
// a frozen router; between beats it has no goroutine.
type pulse struct {
	failed chan error // capacity 1: the router has been silent for too long

	mu      sync.Mutex
	timer   *time.Timer
	every   time.Duration
	next    time.Time // when the beat is due
	nudged  time.Time
	beating bool // beat runs: the core is told by one at a time, in the order of things
	stopped bool
	asked   bool // the question is on its way
	waiting bool // for the answer
	missed  int  // beats in a row
	back    bool // it has answered after missed beats, and the core is not told yet
}

// beatEvery has the heart beat, and sets the interval.
func (x *life) beatEvery(every time.Duration) {
	p := &x.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.every, p.next = every, time.Now()
	if p.timer == nil {
		p.nudged = p.next
		p.timer = time.AfterFunc(0, x.beat)
		return
	}
	p.next = p.next.Add(every)
	if !p.beating {
		p.timer.Reset(every)
	}
}

func (p *pulse) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// beat does what is due, and sets the timer for the next time.
func (x *life) beat() {
	p := &x.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beating {
		return
	}
	p.beating = true
	defer func() { p.beating = false }()
	for !p.stopped {
		back := p.back
		p.back = false
		now := time.Now()
		due := !now.Before(p.next)
		nudge, missed, every := false, 0, p.every
		if due {
			nudge = now.Sub(p.nudged) >= nudgeEvery
			missed = p.countLocked(now, nudge)
		}
		p.mu.Unlock()
		if back {
			x.tellBack()
		}
		if nudge {
			// Where there is no room the next one will do.
			x.commands.add(command{x, func(ctx context.Context, y *life) error { return y.nudge(ctx) }})
		}
		if due {
			x.ask()
		}
		if missed > 0 {
			x.tellMissed(missed, every)
		}
		p.mu.Lock()
		if !p.back && !p.stopped {
			p.timer.Reset(time.Until(p.next))
			return
		}
	}
}

// countLocked makes the next beat due, and returns how many were missed.
func (p *pulse) countLocked(now time.Time, nudge bool) (missed int) {
	// By the schedule, which a beat that is a little late does not move.
	if p.next = p.next.Add(p.every); !p.next.After(now) {
		p.next = now.Add(p.every)
	}
	if nudge {
		p.nudged = now
	}
	if p.waiting {
		p.missed++
	}
	p.waiting = true
	return p.missed
}

// ask asks, unless a question is on its way: a frozen router's answers would only
// pile up.
func (x *life) ask() {
	p := &x.pulse
	p.mu.Lock()
	if p.asked || !p.waiting {
		p.mu.Unlock()
		return
	}
	p.asked = true
	p.mu.Unlock()
	if x.conn.AskBandwidthLimits(x.answered) != nil {
		// It reads nothing, or has ended: the next beat tries again.
		p.mu.Lock()
		p.asked = false
		p.mu.Unlock()
	}
}

// answered takes the answer. It runs on the connection's reading goroutine, which
// must not wait for the core.
func (x *life) answered(*i2cp.BandwidthLimits) {
	x.set(func(st *linkStatus) { st.heard, st.frozen = time.Now(), false })
	p := &x.pulse
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked, p.waiting = false, false
	if p.missed > 0 {
		p.missed, p.back = 0, true
		if !p.beating && !p.stopped {
			p.timer.Reset(0)
		}
	}
}

// tellBack tells the core of a router that answers again.
func (x *life) tellBack() {
	x.tell(balancer.Event{Kind: balancer.EventHeartbeat})
	x.d.log.Info("router answers again", "router", x.cfg.Name)
	x.thawed()
}

// tellMissed tells the core of missed beats.
func (x *life) tellMissed(missed int, every time.Duration) {
	silent := time.Duration(missed) * every
	if missed == 2 {
		x.pulse.mu.Lock()
		x.set(func(st *linkStatus) { st.frozen = x.pulse.waiting }) // it may have answered by now
		x.pulse.mu.Unlock()
		x.d.log.Warn("router does not answer", "router", x.cfg.Name, "for", silent)
	}
	x.tell(balancer.Event{Kind: balancer.EventHeartbeat, Missed: int32(missed)})
	if silent > givenUp {
		x.pulse.stop()
		x.pulse.failed <- fmt.Errorf("no sign of life for %v", givenUp)
	}
}
