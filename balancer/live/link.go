package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

const (
	// claimedVersion is the API version that we claim. i2pd up to 2.57 answers
	// with its client's version, later ones with their own, of which the least is
	// 0.9.67: a claim below that tells them apart.
	claimedVersion = "0.9.66"
	// skewMax is how far a router's clock may be off: routers refuse what is
	// dated a minute off (CLOCK_FUDGE_FACTOR in Java I2P).
	skewMax = time.Minute
	// retryMin and retryMax bound the wait before a lost router is tried again.
	retryMin, retryMax = time.Second, 5 * time.Second
	// tellEvery is how often a router that stays away is logged.
	tellEvery = 5 * time.Minute
	// commandTimeout bounds what a router does at once if it is well.
	commandTimeout = 20 * time.Second
	// givenUp is how long a router's silence lasts until its connection counts
	// as dead, rather than the router as frozen.
	givenUp = 90 * time.Second
	// commandsMax bounds the commands that wait for a router.
	commandsMax = 64
	// queueMax bounds the messages of a router that wait for us; further payloads
	// are dropped.
	queueMax = 64
)

// A link is the way to one router for one Destination. It connects again
// whenever the connection ends.
type link struct {
	d   *destination
	id  balancer.RouterID
	cfg Router

	cancel   context.CancelFunc // of run
	commands chan command
	session  atomic.Pointer[i2cp.Session] // nil while there is none
	met      atomic.Bool                  // a stock router has had a session

	mu     sync.Mutex
	status linkStatus
}

// linkStatus is what an operator may know of a link.
type linkStatus struct {
	up           bool // connected, with a session
	since        time.Time
	kind         string
	version      string
	extension    bool
	capabilities []string
	skew         time.Duration
	problem      string
	heard        time.Time
	frozen       bool
	router       wire.Hash // its own hash, where it tells
}

// command is something to be done over a connection, in order.
type command struct {
	life *life
	do   func(ctx context.Context, x *life) error
}

// life is one connection of a link.
type life struct {
	*link
	conn    *i2cp.Conn
	session *i2cp.Session
	kind    balancer.RouterKind
	managed bool // speaks the extension
	caps    i2cp.Capabilities

	stock   stockState
	p140    p140State
	changed chan time.Duration // the interval of heartbeats
}

func (l *link) set(f func(st *linkStatus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.status)
}

func (l *link) snapshot() linkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// run keeps the link connected until ctx ends.
func (l *link) run(ctx context.Context) {
	wait := retryMin
	var told time.Time
	for {
		began := time.Now()
		err := l.live(ctx)
		served := l.session.Swap(nil) != nil
		if ctx.Err() != nil {
			return
		}
		l.set(func(st *linkStatus) {
			if st.up || st.since.IsZero() {
				st.since = time.Now()
			}
			st.up, st.frozen, st.problem = false, false, err.Error()
		})
		// A router that stays away is told of at once, and then now and again.
		level := slog.LevelDebug
		if served || time.Since(told) > tellEvery {
			level, told = slog.LevelWarn, time.Now()
		}
		l.d.log.Log(ctx, level, "router lost", "router", l.cfg.Name, "error", err)
		if time.Since(began) > retryMax {
			wait = retryMin
		}
		// Spread, so that all Destinations do not knock at once.
		timer := time.NewTimer(wait/2 + rand.N(wait)) //nolint:forbidigo // nothing that is replayed hangs on it
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		wait = min(2*wait, retryMax)
	}
}

// live is one connection, from dialling to its end.
func (l *link) live(ctx context.Context) error {
	conn, err := i2cp.Dial(ctx, l.cfg.Address, i2cp.Config{
		Version: claimedVersion, Username: l.cfg.User, Password: l.cfg.Password, TLS: l.cfg.TLS, Extension: true,
		DropWhenFull: true, Limits: i2cp.Limits{MaxQueue: queueMax},
	})
	if err != nil {
		return explainDial(l.cfg, err)
	}
	x := &life{link: l, conn: conn, changed: make(chan time.Duration, 1)}
	defer func() { _ = conn.Close() }()
	if err := x.meet(ctx); err != nil {
		return err
	}
	if !x.managed && x.kind == balancer.KindI2pd {
		if err := l.d.svc.quirks.settle(ctx, x); err != nil {
			return err
		}
	}
	return x.serve(ctx)
}

func explainDial(r Router, err error) error {
	var ce *i2cp.ConnError
	switch {
	case errors.Is(err, i2cp.ErrAuth):
		return fmt.Errorf("%s refuses user and password: check `user` and `password` of this router: %w", r.Address, err)
	case errors.As(err, &ce) && errors.Is(err, i2cp.ErrHandshake):
		return fmt.Errorf("%s does not answer as I2CP: is it the I2CP port, and `tls` right? %w", r.Address, err)
	}
	return fmt.Errorf("cannot connect to %s: is the router running, with I2CP enabled at this address? %w", r.Address, err)
}

// meet finds out what kind of router this is.
func (x *life) meet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	skew := x.conn.ClockOffset().Round(time.Millisecond)
	x.set(func(st *linkStatus) {
		st.version, st.skew, st.extension, st.heard = x.conn.RouterVersion(), skew, x.conn.Extension() > 0, time.Now()
	})
	if skew > skewMax || skew < -skewMax {
		return fmt.Errorf("the router's clock is %v off ours (limit %v): set both clocks by NTP", skew, skewMax)
	}
	var err error
	if x.conn.Extension() > 0 {
		err = x.meetManaged(ctx)
	} else {
		err = x.meetStock(ctx)
	}
	if err != nil {
		return err
	}
	x.set(func(st *linkStatus) {
		st.kind = map[balancer.RouterKind]string{balancer.KindJava: "java", balancer.KindI2pd: "i2pd"}[x.kind]
	})
	return nil
}

// serve carries out commands until the connection ends.
func (x *life) serve(ctx context.Context) error {
	for len(x.commands) > 0 {
		<-x.commands // of an earlier life
	}
	x.d.post(input{x.id, x, lifeBegins, balancer.Event{
		Kind: balancer.EventRouterUp, Router: x.id, RouterKind: x.kind, Caps: x.coreCaps(),
	}, nil})
	x.set(func(st *linkStatus) { st.problem, st.heard = "", time.Now() })
	beats := make(chan error, 1)
	done := make(chan struct{})
	defer func() {
		close(done)
		x.d.post(input{x.id, x, lifeEnds, balancer.Event{Kind: balancer.EventRouterLost, Router: x.id}, nil})
	}()
	go x.heartbeats(ctx, done, beats)
	nudges := time.NewTicker(nudgeEvery)
	defer nudges.Stop()
	for {
		select {
		case <-nudges.C:
			if err := x.command(ctx, command{x, func(ctx context.Context, y *life) error { return y.nudge(ctx) }}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-x.conn.Done():
			return x.conn.Err()
		case err := <-beats:
			return err
		case c := <-x.commands:
			if c.life != x {
				continue
			}
			if err := x.command(ctx, c); err != nil {
				return err
			}
		}
	}
}

func (x *life) command(ctx context.Context, c command) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	return c.do(ctx, x)
}

// order queues a command for the present life of the router.
func (l *link) order(do func(ctx context.Context, x *life) error) {
	c := command{l.d.lives[l.id], do}
	select {
	case l.commands <- c:
	default:
		// It takes nothing any more; heartbeats will tell.
		l.d.log.Error("router takes no commands", "router", l.cfg.Name)
	}
}

// tell posts an event of this life.
func (x *life) tell(ev balancer.Event) {
	ev.Router = x.id
	x.d.post(input{x.id, x, 0, ev, nil})
}

// tellThen posts an event, and has something done once the core's actions have
// been ordered.
func (x *life) tellThen(ev balancer.Event, then func()) {
	ev.Router = x.id
	x.d.post(input{x.id, x, 0, ev, then})
}

// opened tells the core that the session is there, and then reads it: a router may
// want a LeaseSet at once.
func (x *life) opened(s *i2cp.Session, read func(i2cp.Message)) {
	x.session = s
	x.link.session.Store(s)
	x.tell(balancer.Event{Kind: balancer.EventSessionStatus})
	x.set(func(st *linkStatus) { st.up, st.since, st.problem = true, time.Now(), "" })
	go func() {
		for m := range s.Messages() {
			read(m)
		}
	}()
}

// heartbeats asks for a sign of life every interval that the core wants.
func (x *life) heartbeats(ctx context.Context, done <-chan struct{}, failed chan<- error) {
	var every time.Duration
	select {
	case every = <-x.changed:
	case <-done:
		return
	}
	answers := make(chan error, 1)
	ask := func() {
		go func() {
			// One question at a time: a frozen router's answers would only pile up.
			_, err := x.conn.BandwidthLimits(ctx)
			answers <- err
		}()
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	ask()
	waiting, missed := true, 0
	for {
		select {
		case <-done:
			return
		case every = <-x.changed:
			tick.Reset(every)
		case err := <-answers:
			if err != nil {
				return // the connection's end is seen elsewhere
			}
			waiting = false
			x.set(func(st *linkStatus) { st.heard, st.frozen = time.Now(), false })
			if missed > 0 {
				missed = 0
				x.tell(balancer.Event{Kind: balancer.EventHeartbeat})
				x.d.log.Info("router answers again", "router", x.cfg.Name)
				x.thawed()
			}
		case <-tick.C:
			if !waiting {
				waiting = true
				ask()
				continue
			}
			missed++
			if missed == 2 {
				x.set(func(st *linkStatus) { st.frozen = true })
				x.d.log.Warn("router does not answer", "router", x.cfg.Name, "for", time.Duration(missed)*every)
			}
			x.tell(balancer.Event{Kind: balancer.EventHeartbeat, Missed: int32(missed)})
			if time.Duration(missed)*every > givenUp {
				failed <- fmt.Errorf("no sign of life for %v", givenUp)
				return
			}
		}
	}
}

// send sends a payload to a client through this router.
func (l *link) send(ctx context.Context, to *client, info i2cp.PayloadInfo, data []byte) error {
	s := l.session.Load()
	if s == nil {
		return i2cp.ErrClosed
	}
	if !s.Managed() {
		_, err := s.SendMessage(ctx, to.dest, info, data, false)
		return err
	}
	return s.Send(ctx, &i2cp.SendPacket{
		Session: s.ID(), Destination: to.dest, Payload: i2cp.AppendPayload(nil, info, data),
	})
}
