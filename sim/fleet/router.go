package fleet

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// A Router is one router of a Fleet.
type Router struct {
	fleet *Fleet
	id    sim.RouterID
	hash  wire.Hash

	refusing bool // builds; under the fleet's lock

	mu     sync.Mutex
	server *i2cp.Server // nil while the router is dead
	conns  map[*conn]bool
	closed bool
	link   linkFault
}

// linkFault is what is wrong with a router's connections.
type linkFault struct {
	delay   time.Duration // of all that the router sends
	drop    bool          // what it sends is lost
	garbage bool          // it sends nonsense
}

// ErrDead is why a router that was killed serves no connection.
var ErrDead = errors.New("fleet: the router is dead")

func newRouter(f *Fleet, id sim.RouterID, hash wire.Hash) *Router {
	r := &Router{fleet: f, id: id, hash: hash, conns: make(map[*conn]bool)}
	r.server = i2cp.NewServer(backend{r}, i2cp.ServerConfig{})
	return r
}

// Hash returns the router's hash.
func (r *Router) Hash() wire.Hash { return r.hash }

// Serve serves one connection until it ends or ctx does, and returns why it
// ended. It owns nc.
func (r *Router) Serve(ctx context.Context, nc net.Conn) error {
	c := &conn{Conn: nc, router: r, gone: make(chan struct{})}
	r.mu.Lock()
	server := r.server
	if server != nil {
		r.conns[c] = true
	}
	r.mu.Unlock()
	if server == nil {
		_ = nc.Close()
		return ErrDead
	}
	err := server.Serve(ctx, c)
	_ = c.Close()
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
	return err
}

// Listen serves the connections that come in at l until ctx ends, and closes l.
// It returns when all of them have ended; the error is nil if it was ctx.
func (r *Router) Listen(ctx context.Context, l net.Listener) error {
	return accept(ctx, l, func(nc net.Conn) { _ = r.Serve(ctx, nc) })
}

// accept has the connections that come in at l served until ctx ends, and closes
// l. It returns when all of them have ended; the error is nil if it was ctx.
func accept(ctx context.Context, l net.Listener, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case err != nil:
			return err
		}
		serving.Go(func() { serve(nc) })
	}
}

// Kill lets the router die at once: its connections break and its tunnels are
// gone. It serves nobody until Revive.
func (r *Router) Kill() {
	r.mu.Lock()
	server := r.server
	r.server = nil
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	if server != nil {
		server.Close() // calls the backend back
	}
}

// Revive ends all faults of the router; a dead one starts, without sessions.
func (r *Router) Revive() {
	r.RefuseBuilds(false)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link = linkFault{}
	if r.server == nil && !r.closed {
		r.server = i2cp.NewServer(backend{r}, i2cp.ServerConfig{})
	}
}

// RefuseBuilds has all tunnel builds refused, or no more.
func (r *Router) RefuseBuilds(refuse bool) {
	f := r.fleet
	f.enter()
	defer f.leave()
	r.refusing = refuse
	success, reject := 0.0, 1.0
	if !refuse {
		one := &f.cfg.World.Destination.Routers[r.id]
		success, reject = one.BuildSuccess, one.RejectShare
	}
	for _, s := range f.services {
		s.world.SetBuilds(r.id, success, reject)
	}
}

// Delay holds back all that the router sends by d of real time.
func (r *Router) Delay(d time.Duration) { r.spoil(func(l *linkFault) { l.delay = d }) }

// Drop loses all that the router sends, its connections staying open.
func (r *Router) Drop() { r.spoil(func(l *linkFault) { l.drop = true }) }

// Garbage has the router send nonsense in place of messages.
func (r *Router) Garbage() { r.spoil(func(l *linkFault) { l.garbage = true }) }

func (r *Router) spoil(change func(*linkFault)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.link)
}

func (r *Router) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.Kill()
}

// conn is a client's connection, with the router's faults.
type conn struct {
	net.Conn
	router *Router
	once   sync.Once
	gone   chan struct{}
}

// Write sends whole messages, or does what is wrong.
func (c *conn) Write(b []byte) (int, error) {
	c.router.mu.Lock()
	fault := c.router.link
	c.router.mu.Unlock()
	if fault.delay > 0 {
		t := time.NewTimer(fault.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.gone:
			return 0, net.ErrClosed
		}
	}
	switch {
	case fault.drop:
		return len(b), nil
	case fault.garbage:
		n := make([]byte, len(b))
		for i := range n {
			n[i] = ^b[i]
		}
		return c.Conn.Write(n)
	}
	return c.Conn.Write(b)
}

// Close breaks the connection, and a delay with it.
func (c *conn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// backend is a router as its I2CP server has it.
type backend struct{ r *Router }

const software = "multihome simulated router"

// Limits of a router.
const (
	maxTunnels = 64 // of a session, in each direction
	maxGrace   = 600
)

// Router describes the router to a client.
func (b backend) Router() i2cp.RouterInfo {
	info := i2cp.RouterInfo{Version: i2cp.APIVersion, Now: b.r.fleet.Now}
	if !b.r.fleet.cfg.Stock {
		info.Extension = &i2cp.CapabilityList{
			Capabilities: i2cp.CapFastTier | i2cp.CapCreateTunnel | i2cp.CapTunnelPool | i2cp.CapPublishNamed |
				i2cp.CapPublishStatus | i2cp.CapAckRelay | i2cp.CapAttach | i2cp.CapGrace | i2cp.CapLookup |
				i2cp.CapPacketTunnel,
			Kind: i2cp.KindJava, Router: b.r.hash, MaxHops: i2cp.MaxHops, MaxTunnels: maxTunnels,
			MaxLeases: wire.MaxLeases, MaxGrace: maxGrace, MaxFrame: i2cp.DefaultMaxFrame, Software: software,
		}
	}
	return info
}

// Authenticate lets everybody in.
func (b backend) Authenticate(_, _ string) bool { return true }

// Open begins a session.
func (b backend) Open(rs *i2cp.RouterSession) error {
	f := b.r.fleet
	f.enter()
	defer f.leave()
	s, err := f.serviceOf(rs.Destination())
	if err != nil {
		return err
	}
	x := newSession(s, b.r.id, rs)
	s.sessions[b.r.id] = x
	s.world.Start(b.r.id)
	if !rs.Managed() {
		x.stock = newStock(x)
	}
	return nil
}

// Closed ends one.
func (b backend) Closed(rs *i2cp.RouterSession) {
	f := b.r.fleet
	f.enter()
	defer f.leave()
	s := f.services[rs.Destination().Hash()]
	if s == nil || s.sessions[b.r.id] == nil || s.sessions[b.r.id].rs != rs {
		return
	}
	s.sessions[b.r.id].leave()
}

// Handle does what a client asks for.
func (b backend) Handle(c *i2cp.ServerConn, rs *i2cp.RouterSession, m i2cp.Message) error {
	f := b.r.fleet
	f.enter()
	defer f.leave()
	switch m := m.(type) {
	case *i2cp.HostLookup:
		f.hostLookup(c, m)
		return nil
	case *i2cp.DestLookup:
		f.destLookup(c, m)
		return nil
	case *i2cp.GetBandwidthLimits:
		return c.TrySend(&i2cp.BandwidthLimits{ClientIn: 1024, ClientOut: 1024, RouterIn: 1024, RouterInBurst: 1024, RouterOut: 1024, RouterOutBurst: 1024, BurstTime: 20})
	case *i2cp.BlindingInfo:
		return nil
	}
	if rs == nil {
		return i2cp.ErrUnexpected
	}
	s := f.services[rs.Destination().Hash()]
	if s == nil || s.sessions[b.r.id] == nil || s.sessions[b.r.id].rs != rs {
		return i2cp.ErrClosed
	}
	x := s.sessions[b.r.id]
	if x.stock != nil {
		return x.stock.handle(c, m)
	}
	return x.handle(c, m)
}
