package live

import (
	"context"
	"crypto/tls"
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
	// pendingMax bounds the bytes that wait for a router that reads slowly, beyond
	// what the kernel takes; whoever sends more to it waits.
	pendingMax = 16 << 10
)

// A link is the way to one router for one Destination. It connects again
// whenever the connection ends.
//
// There may be thousands, most of them idle: a standing one costs two goroutines,
// one that reads and one that carries out commands, and no queue that is empty
// takes memory.
type link struct {
	d   *destination
	id  balancer.RouterID
	cfg Router // but for TLS and Weight: see router

	cancel   context.CancelFunc // of run
	commands commands
	session  atomic.Pointer[i2cp.Session] // nil while there is none
	met      atomic.Bool                  // a stock router has had a session

	mu     sync.Mutex
	status linkStatus
}

// router returns the router's configuration as it is now.
func (l *link) router() Router {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cfg
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
	tls     *tls.Config // that it was made with
	session *i2cp.Session
	kind    balancer.RouterKind
	managed bool // speaks the extension
	caps    i2cp.Capabilities

	stock stockState
	p140  p140State
	pulse pulse
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

// run keeps the link connected until ctx ends. What stands on the stack here, in live
// and in serve stands there for each link, for as long as it runs: these functions
// call others for all that takes room.
func (l *link) run(ctx context.Context) {
	b := backoff{wait: retryMin}
	for {
		b.began = time.Now()
		err := l.live(ctx)
		served := l.session.Swap(nil) != nil
		if ctx.Err() != nil {
			return
		}
		l.lost(ctx, &b, err, served)
		if !b.pause(ctx) {
			return
		}
	}
}

// backoff is how a link spaces its attempts.
type backoff struct {
	wait  time.Duration
	began time.Time // the last attempt
	told  time.Time // when the operator was told
}

// lost tells the operator of a connection that has ended, or was not made.
func (l *link) lost(ctx context.Context, b *backoff, err error, served bool) {
	l.set(func(st *linkStatus) {
		if st.up || st.since.IsZero() {
			st.since = time.Now()
		}
		st.up, st.frozen, st.problem = false, false, err.Error()
	})
	// A router that stays away is told of at once, and then now and again.
	level := slog.LevelDebug
	if served || time.Since(b.told) > tellEvery {
		level, b.told = slog.LevelWarn, time.Now()
	}
	l.d.log.Log(ctx, level, "router lost", "router", l.cfg.Name, "error", err)
}

// pause waits before the next attempt; it returns false where ctx has ended.
func (b *backoff) pause(ctx context.Context) bool {
	if time.Since(b.began) > retryMax {
		b.wait = retryMin
	}
	// Spread, so that all Destinations do not knock at once.
	timer := time.NewTimer(b.wait/2 + rand.N(b.wait)) //nolint:forbidigo // nothing that is replayed hangs on it
	defer timer.Stop()
	b.wait = min(2*b.wait, retryMax)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// live is one connection, from dialling to its end.
func (l *link) live(ctx context.Context) error {
	x, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = x.conn.Close() }()
	return x.serve(ctx)
}

// connect makes a connection, and finds out all that is needed of the router.
func (l *link) connect(ctx context.Context) (*life, error) {
	r := l.router()
	conn, err := i2cp.Dial(ctx, r.Address, i2cp.Config{
		Version: claimedVersion, Username: r.User, Password: r.Password, TLS: r.TLS, Extension: true,
		DropWhenFull: true, Limits: i2cp.Limits{MaxQueue: queueMax, MaxPending: pendingMax},
	})
	if err != nil {
		return nil, explainDial(r, err)
	}
	x := &life{link: l, conn: conn, tls: r.TLS, pulse: pulse{failed: make(chan error, 1)}}
	err = x.meet(ctx)
	if err == nil && !x.managed && x.kind == balancer.KindI2pd {
		err = l.d.svc.quirks.settle(ctx, x)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return x, nil
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
	x.begin()
	defer x.over()
	for {
		if err := x.carryOut(ctx); err != nil {
			return err
		}
		select {
		case <-x.commands.wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-x.conn.Done():
			return x.conn.Err()
		case err := <-x.pulse.failed:
			return err
		}
	}
}

// begin tells the loop of the connection.
func (x *life) begin() {
	x.commands.drop() // of an earlier life
	if x.d.imitates && x.coreCaps()&balancer.CapCreateTunnel == 0 {
		x.d.log.Warn("this router builds its own tunnels: the policy hides nothing over it", "router", x.cfg.Name, "policy", x.d.cfg.Policy.Name)
	}
	if x.d.imitates && x.managed && x.caps&i2cp.CapShadows == 0 {
		x.d.log.Warn("this router takes no shadows: a floodfill that it asks may tell which leases are its own",
			"router", x.cfg.Name, "policy", x.d.cfg.Policy.Name)
	}
	x.d.post(input{x.id, x, lifeBegins, balancer.Event{
		Kind: balancer.EventRouterUp, Router: x.id, RouterKind: x.kind, Caps: x.coreCaps(),
	}, nil})
	x.set(func(st *linkStatus) { st.problem, st.heard = "", time.Now() })
}

// over tells the loop that the connection has ended.
func (x *life) over() {
	x.pulse.stop()
	x.d.post(input{x.id, x, lifeEnds, balancer.Event{Kind: balancer.EventRouterLost, Router: x.id}, nil})
}

// carryOut carries out the commands that wait.
func (x *life) carryOut(ctx context.Context) error {
	for {
		c, ok := x.commands.next()
		if !ok {
			return nil
		}
		if c.life != x {
			continue
		}
		if err := x.command(ctx, c); err != nil {
			return err
		}
		if err := x.ended(ctx); err != nil {
			return err
		}
	}
}

// ended tells why no more commands are carried out, nil while they are.
func (x *life) ended(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-x.conn.Done():
		return x.conn.Err()
	case err := <-x.pulse.failed:
		return err
	default:
		return nil
	}
}

func (x *life) command(ctx context.Context, c command) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	return c.do(ctx, x)
}

// order queues a command for the present life of the router.
func (l *link) order(do func(ctx context.Context, x *life) error) {
	if !l.commands.add(command{l.d.lives[l.id], do}) {
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
	s.Handle(read)
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
