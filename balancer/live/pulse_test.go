package live

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// mute is a router that answers heartbeats, unless it shall not: then it answers the
// last one when it may again.
type mute struct {
	nc     net.Conn
	silent atomic.Bool
	thaw   chan struct{}
	asked  atomic.Int32
}

func (r *mute) serve() {
	_, _ = io.ReadFull(r.nc, make([]byte, 1))
	in := i2cp.NewReader(r.nc, i2cp.DefaultMaxFrame)
	for {
		t, _, err := in.Next()
		if err != nil {
			_ = r.nc.Close()
			return
		}
		var m i2cp.Message
		switch t {
		case i2cp.TypeGetDate:
			m = &i2cp.SetDate{Date: wire.DateOf(time.Now()), HasVersion: true, Version: "0.9.66"}
		case i2cp.TypeGetBandwidthLimits:
			m = &i2cp.BandwidthLimits{}
			r.asked.Add(1)
			if r.silent.Load() {
				<-r.thaw
			}
		default:
			continue
		}
		b, _ := i2cp.AppendFrame(nil, m, i2cp.DefaultMaxFrame)
		_, _ = r.nc.Write(b)
	}
}

// pulseRig is a life whose events nobody but the test takes.
func pulseRig(t *testing.T) (*life, *mute) {
	t.Helper()
	here, there := net.Pipe()
	r := &mute{nc: there, thaw: make(chan struct{})}
	go r.serve()
	conn, err := i2cp.NewConn(t.Context(), here, i2cp.Config{Version: claimedVersion})
	if err != nil {
		t.Fatal(err)
	}
	d := &destination{in: make(chan input, inputsMax), ctx: context.Background(), log: slog.New(slog.DiscardHandler)}
	x := &life{
		link: &link{d: d, cfg: Router{Name: "a"}, commands: newCommands()}, conn: conn, managed: true,
		pulse: pulse{failed: make(chan error, 1)},
	}
	return x, r
}

// A silent router is noticed by the second heartbeat that it misses, whatever the
// connection does, is asked only once, and is told of when it answers.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, r := pulseRig(t)
		next := func() (int32, time.Time) {
			in := <-x.d.in
			if in.life != x || in.ev.Kind != balancer.EventHeartbeat {
				t.Fatalf("%+v, want a heartbeat", in)
			}
			return in.ev.Missed, time.Now()
		}
		x.beatEvery(heartbeatEvery)
		time.Sleep(10 * heartbeatEvery)
		synctest.Wait()
		if n, asked := len(x.d.in), r.asked.Load(); n != 0 || asked != 11 {
			t.Errorf("%d events and %d questions of a router that answers, want 0 and 11", n, asked)
		}

		answered, asked := time.Now(), r.asked.Load()
		r.silent.Store(true)
		for want := int32(1); want <= 4; want++ {
			missed, at := next()
			if missed != want || at.Sub(answered) != time.Duration(want+1)*heartbeatEvery {
				t.Errorf("%d missed %v after the last answer, want %d", missed, at.Sub(answered), want)
			}
		}
		synctest.Wait()
		if !x.snapshot().frozen {
			t.Error("the router does not count as frozen")
		}
		if got := r.asked.Load() - asked; got != 1 {
			t.Errorf("asked %d times while it is silent, want once", got)
		}
		r.silent.Store(false)
		r.thaw <- struct{}{}
		if missed, _ := next(); missed != 0 {
			t.Errorf("%d missed, want the news that it answers", missed)
		}
		if x.snapshot().frozen {
			t.Error("the router counts as frozen after it has answered")
		}

		r.silent.Store(true)
		last := int32(0)
		for time.Duration(last)*heartbeatEvery <= givenUp {
			missed, _ := next()
			if missed != last+1 {
				t.Fatalf("%d missed after %d", missed, last)
			}
			last = missed
		}
		if err := <-x.pulse.failed; err == nil {
			t.Error("no error")
		}
		r.thaw <- struct{}{}
		_ = x.conn.Close()
	})
}

// A beat that waits for the core does not keep the connection from being read: an
// answer is taken, and told after what happened before it.
func TestPulseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, r := pulseRig(t)
		x.beatEvery(heartbeatEvery)
		synctest.Wait()
		r.silent.Store(true)
		for len(x.d.in) < cap(x.d.in) { // the core takes nothing
			x.tell(balancer.Event{Kind: balancer.EventHeartbeat, Missed: -1})
		}
		time.Sleep(4 * heartbeatEvery)
		synctest.Wait()
		r.silent.Store(false)
		r.thaw <- struct{}{}
		synctest.Wait()
		if x.snapshot().frozen {
			t.Error("the answer was not taken")
		}
		var told []int32
		for len(told) == 0 || told[len(told)-1] != 0 {
			if in := <-x.d.in; in.ev.Missed >= 0 {
				told = append(told, in.ev.Missed)
			}
		}
		if told[0] != 1 {
			t.Errorf("told %v, want missed heartbeats before the answer", told)
		}
		x.pulse.stop()
		_ = x.conn.Close()
	})
}

// Commands come in their order; what there is no room for is refused, or waits.
func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newCommands()
		lives := make([]*life, commandsMax+1)
		for i := range lives {
			lives[i] = new(life)
		}
		for i := range commandsMax {
			if !q.add(command{life: lives[i]}) {
				t.Fatalf("no room for command %d", i)
			}
		}
		if q.add(command{}) {
			t.Error("a command too many is taken")
		}
		queued := false
		go func() {
			q.await(command{life: lives[commandsMax]}, nil)
			queued = true
		}()
		synctest.Wait()
		if queued {
			t.Error("there was no room")
		}
		for i := range lives {
			c, ok := q.next()
			if !ok || c.life != lives[i] {
				t.Errorf("command %d is another one", i)
			}
			synctest.Wait()
		}
		if _, ok := q.next(); ok || !queued {
			t.Error("the queue is not empty, or a command still waits")
		}
		done := make(chan struct{})
		close(done)
		for q.add(command{}) {
		}
		q.await(command{}, done)
		q.drop()
		if _, ok := q.next(); ok {
			t.Error("commands after they were dropped")
		}
	})
}
