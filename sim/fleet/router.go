package fleet

import (
	"context"
	"crypto/subtle"
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
	asleep   bool // frozen; under the fleet's lock

	// The fleet's lock may be held where this one is taken, never the other way
	// round.
	mu     sync.Mutex
	server *i2cp.Server // nil while the router is dead
	conns  map[*conn]bool
	gates  map[*gate]bool
	closed bool
	link   linkFault
	frozen chan struct{} // closed when the router wakes; nil while it is awake
	limbo  []*conn       // to be closed then
}

// linkFault is what is wrong with a router's connections.
type linkFault struct {
	delay   time.Duration // of all that the router sends
	drop    bool          // what it sends is lost
	garbage bool          // it sends nonsense
}

// A gate is a place where a router listens while it lives.
type gate struct {
	addr   net.Addr
	l      net.Listener  // nil while it is shut
	opened chan struct{} // closed when it is opened again, or never will be
}

// ErrDead is why a router that was killed serves no connection.
var ErrDead = errors.New("fleet: the router is dead")

func newRouter(f *Fleet, id sim.RouterID, hash wire.Hash) *Router {
	r := &Router{fleet: f, id: id, hash: hash, conns: make(map[*conn]bool), gates: make(map[*gate]bool)}
	r.server = i2cp.NewServer(backend{r}, i2cp.ServerConfig{})
	return r
}

// Hash returns the router's hash.
func (r *Router) Hash() wire.Hash { return r.hash }

// Serve serves one connection until it ends or ctx does, and returns why it
// ended. It owns nc.
func (r *Router) Serve(ctx context.Context, nc net.Conn) error {
	c := newConn(r, nc)
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
// It returns when all of them have ended; the error is nil if it was ctx. While
// the router is dead nobody listens there; Revive listens at l's address again.
func (r *Router) Listen(ctx context.Context, l net.Listener) error {
	g := &gate{addr: l.Addr(), l: l, opened: make(chan struct{})}
	r.mu.Lock()
	r.gates[g] = true
	if r.server == nil {
		g.shut()
	}
	if r.closed {
		close(g.opened)
	}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.gates, g)
		g.shut()
		r.mu.Unlock()
	}()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		r.mu.Lock()
		l, opened, closed := g.l, g.opened, r.closed
		r.mu.Unlock()
		if closed {
			return nil
		}
		if l == nil {
			select {
			case <-opened:
				continue
			case <-ctx.Done():
				return nil
			}
		}
		if err := accept(ctx, l, &serving, func(nc net.Conn) { _ = r.Serve(ctx, nc) }); err == nil {
			return nil
		} else if r.open(g, l) {
			return err
		}
	}
}

// open tells whether a gate still stands open with the listener l.
func (r *Router) open(g *gate, l net.Listener) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return g.l == l
}

// shut closes the gate until it is opened again.
func (g *gate) shut() {
	if g.l != nil {
		_ = g.l.Close()
		g.l, g.opened = nil, make(chan struct{})
	}
}

// accept has the connections that come in at l served until ctx ends, and closes
// l. It returns when no more come; the error is nil if it was ctx.
func accept(ctx context.Context, l net.Listener, serving *sync.WaitGroup, serve func(net.Conn)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
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

// Kill lets the router die at once: its connections break, its ports are shut,
// and its tunnels are gone. It serves nobody until Revive.
func (r *Router) Kill() { r.kill(false) }

func (r *Router) kill(forGood bool) {
	r.mu.Lock()
	server := r.server
	r.server = nil
	for g := range r.gates {
		g.shut()
		if forGood && !r.closed {
			close(g.opened)
		}
	}
	r.closed = r.closed || forGood
	r.cutAll()
	r.thaw()
	r.mu.Unlock()
	if server != nil {
		server.Close() // calls the backend back
	}
	r.wake()
}

// cutAll breaks all connections.
func (r *Router) cutAll() {
	for c := range r.conns {
		c.cut()
	}
	for _, c := range r.limbo {
		c.cut()
	}
	r.limbo = nil
}

// Disconnect breaks the router's connections; it lives on.
func (r *Router) Disconnect() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cutAll()
}

// Freeze stops the router as SIGSTOP stops a process: its connections stay open,
// and so do its ports, but it reads nothing, answers nothing and does nothing,
// until Revive. What was due meanwhile it does then.
func (r *Router) Freeze() {
	r.mu.Lock()
	alive := r.server != nil
	if r.frozen == nil && alive {
		r.frozen = make(chan struct{})
	}
	r.mu.Unlock()
	if !alive {
		return
	}
	f := r.fleet
	f.enter()
	defer f.leave()
	r.asleep = true
	for _, s := range f.services {
		s.world.Freeze(r.id)
	}
}

// wake is the part of waking that the world sees.
func (r *Router) wake() {
	f := r.fleet
	f.enter()
	defer f.leave()
	if !r.asleep {
		return
	}
	r.asleep = false
	for _, s := range f.services {
		s.world.Wake(r.id)
	}
}

// thaw lets the connections go on.
func (r *Router) thaw() {
	if r.frozen != nil {
		close(r.frozen)
		r.frozen = nil
	}
	for _, c := range r.limbo {
		c.cut()
	}
	r.limbo = nil
}

// postpone leaves the closing of c to thaw, if the router is frozen.
func (r *Router) postpone(c *conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.frozen == nil {
		return false
	}
	r.limbo = append(r.limbo, c)
	return true
}

// Revive ends all faults of the router; a dead one starts, without sessions, and
// listens where it did. An error means that it cannot, and stays dead.
func (r *Router) Revive() error {
	r.RefuseBuilds(false)
	r.wake()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.link = linkFault{}
	r.thaw()
	if r.server != nil || r.closed {
		return nil
	}
	for g := range r.gates {
		if g.l != nil {
			continue
		}
		l, err := net.Listen(g.addr.Network(), g.addr.String())
		if err != nil {
			for g := range r.gates {
				g.shut()
			}
			return err
		}
		g.l = l
		close(g.opened)
	}
	r.server = i2cp.NewServer(backend{r}, i2cp.ServerConfig{})
	return nil
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

func (r *Router) close() { r.kill(true) }

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
	f := b.r.fleet
	info := i2cp.RouterInfo{Version: i2cp.APIVersion, Now: f.Now}
	if f.cfg.Stock {
		return info
	}
	info.Extension = &i2cp.CapabilityList{
		Capabilities: i2cp.CapCreateTunnel | i2cp.CapTunnelPool | i2cp.CapPublishStatus | i2cp.CapAckRelay | i2cp.CapGarlic |
			i2cp.CapAttach | i2cp.CapGrace | i2cp.CapLookup | i2cp.CapPacketTunnel | i2cp.CapShadows,
		Kind: i2cp.KindI2pd, Router: b.r.hash, MaxHops: i2cp.MaxHops, MaxTunnels: maxTunnels,
		MaxLeases: wire.MaxLeases, MaxGrace: maxGrace, MaxFrame: i2cp.DefaultMaxFrame, Software: software,
	}
	if f.kind() == sim.Java {
		// i2pd has no tiers, always chooses the tunnels of a store itself, and keeps no
		// experience with floodfills.
		info.Extension.Capabilities |= i2cp.CapFastTier | i2cp.CapPublishNamed | i2cp.CapStandIn
		info.Extension.Kind = i2cp.KindJava
	}
	return info
}

// Authenticate compares with the user of the configuration.
func (b backend) Authenticate(user, password string) bool {
	cfg := &b.r.fleet.cfg
	if cfg.User == "" {
		return true
	}
	same := func(a, b string) int { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) }
	return same(user, cfg.User)&same(password, cfg.Password) == 1
}

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
	if b.r.asleep {
		s.world.Freeze(b.r.id)
	}
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
	stock := s.sessions[b.r.id].stock != nil
	s.sessions[b.r.id].leave()
	if stock && rs.Connected() {
		// i2pd says "destroyed", and closes the connection.
		f.realTime(destroyedPause, rs.Kill)
	}
}

// destroyedPause gives the last message time to leave.
const destroyedPause = 100 * time.Millisecond

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
		if f.cfg.Stock { // i2pd leaves the rest at zero (I2CP.cpp)
			return c.TrySend(&i2cp.BandwidthLimits{ClientIn: 1024, ClientOut: 1024})
		}
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
