// Package fleet runs simulated routers in real time behind real I2CP servers:
// routers to try an I2CP client on, with the extension for Proposal 140
// (docs/i2cp-p140.md) or without it.
//
// A [Fleet] has one simulated network for all its routers. Tunnels are built,
// fail and expire in it, LeaseSets are stored at its floodfills and can be
// looked up there, and messages travel between Destinations on the fleet's
// routers. Nothing is encrypted, and nothing leaves the machine but what
// clients exchange with the routers.
//
// # Time
//
// The fleet's clock starts at the time of New and runs Speed times as fast as
// the real one. It is what the routers tell their clients; at a high speed it
// is soon far ahead of the client's own.
//
// # Garlic
//
// The garlic of the fleet is the payload itself. A packet for a session that was
// opened with garlic is handed up as GarlicUp, and garlic that is sent to the
// lease of a session without it as a packet, as if its router had decrypted it.
//
// # Stock routers
//
// They behave as i2pd does, in one of two versions ([StockVersion]): pools in
// rounds of 15 s, paths repeated at 570 s, a LeaseSet asked for with each
// inbound tunnel, 10 s to give it, 20 s between publishes, verified.
//
// # Limitations
//
//   - Stock Java routers are not there.
//   - A LeaseSet is bundled with what its router sends, and the receiver's router
//     answers by it; ratchet sessions, which make it stick to a lease, are not
//     simulated: each message takes a lease of its own.
//   - An EncryptedLeaseSet tells nothing of its leases: messages for its
//     Destination arrive through tunnels of the router that published it.
//   - Unlike i2pd, a stock router disconnects on unknown messages, verifies what
//     it is given, and serves several sessions on one connection.
//   - The i2pd versions differ in what [StockVersion] says and in nothing else:
//     timeouts of stores are those of 2.58.
package fleet

import (
	"container/heap"
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// Config is what a Fleet is made of.
type Config struct {
	Routers int     // 1 to 64
	Seed    uint64  // of the network and of all chance
	Speed   float64 // of the clock; 0 means 1
	// Stock leaves the extension out: the routers are i2pd, of StockVersion
	// ("" means Stock258).
	Stock        bool
	StockVersion StockVersion
	// TLS is what a connection is served with; nil means none.
	TLS *tls.Config
	// User and Password are asked of each client; a User of "" lets everybody
	// in.
	User, Password string
	// World is the network and the routers, whose number Routers replaces by
	// copies of the first one. DefaultWorld is a good start.
	World sim.Config
}

// A StockVersion is a version of i2pd for stock routers to imitate. It decides
//
//   - what SetDate says: 2.45.1 repeats the client's version, 2.58.0 has 0.9.67;
//   - what the option i2cp.dontPublishLeaseSet of a new session means: in 2.58.0
//     "true" publishes and "false" does not. In both, ReconfigureSession takes it
//     the right way round;
//   - when a LeaseSet is asked for: 2.45.1 does so without an outbound tunnel
//     too, does not publish what it is then given, and does not come back to it;
//     2.58.0 waits for one, looking every 5 s, and tries a publish for which a
//     tunnel is missing again every 1.8 s;
//   - how many builds a round begins in each direction, 2 or 3;
//   - what a message gets while there is no LeaseSet or outbound tunnel: in
//     2.58.0 "no local tunnels" at once.
//
// (libi2pd_client/I2CP.cpp, libi2pd/Destination.cpp, libi2pd/TunnelPool.h.)
type StockVersion string

// The versions.
const (
	Stock245 StockVersion = "2.45.1"
	Stock258 StockVersion = "2.58.0"
)

// DefaultWorld is a network with one Java router: the facts' values where there
// are some (docs/model.md), and assumptions for the rest.
func DefaultWorld() sim.Config {
	return sim.Config{
		Network: sim.Network{
			Routers: 30000, Floodfills: 1700, IBGWEligible: .9, StoreLoss: .02, JavaFloodfills: .5,
		},
		Destination: sim.Destination{
			Leases: 16, Overlap: .016, TurnoverPerHour: .05, PublishSpacing: -1,
			Routers: []sim.Router{{
				Kind: sim.Java, Hops: 3, Outbound: 2, FastTier: sim.FastTier{Mode: "swarm"},
				BuildSuccess: .6, RejectShare: .3, BuildDelay: 1500 * sim.Millisecond, BuildDelaySigma: .6,
				TunnelFailPerHour: .2, TestLoss: .01, Reuse: .75,
				Slices: true, IBGWFilter: true, MaxPeerShare: true, SameSubnet: true,
			}},
		},
	}
}

// routersMax is the most routers of a fleet.
const routersMax = 64

// servicesMax is how many Destinations a fleet knows at once.
const servicesMax = 64

// A Fleet is a number of simulated routers. Its methods may be called from
// several goroutines.
type Fleet struct {
	cfg     Config
	started time.Time
	routers []*Router
	ctx     context.Context
	cancel  context.CancelFunc
	clock   sync.WaitGroup
	wake    chan struct{}

	mu       sync.Mutex
	now      sim.Time // up to which everything has happened
	rng      *rand.Rand
	services map[wire.Hash]*service
	blinded  map[wire.Hash]*service // by the key of an EncryptedLeaseSet
	network  *sim.External          // nobody's: it tells who there is
	peers    map[wire.Hash]sim.PeerID
	timers   timers
	serial   uint64
}

// New starts the fleet's clock; its routers serve whatever Serve or
// ListenAndServe brings them, until Close.
func New(cfg Config) (*Fleet, error) {
	if cfg.Speed == 0 {
		cfg.Speed = 1
	}
	switch {
	case cfg.Routers < 1 || cfg.Routers > routersMax:
		return nil, fmt.Errorf("fleet: %d routers, want 1 to %d", cfg.Routers, routersMax)
	case !(cfg.Speed > 0 && cfg.Speed <= 1e6):
		return nil, fmt.Errorf("fleet: speed %v, want more than 0 and at most 1000000", cfg.Speed)
	case len(cfg.World.Destination.Routers) == 0:
		return nil, fmt.Errorf("fleet: a world without routers")
	case cfg.StockVersion != "" && cfg.StockVersion != Stock245 && cfg.StockVersion != Stock258:
		return nil, fmt.Errorf("fleet: stock version %q, want %s or %s", cfg.StockVersion, Stock245, Stock258)
	case cfg.User == "" && cfg.Password != "":
		return nil, fmt.Errorf("fleet: a password without a user")
	}
	one := cfg.World.Destination.Routers[0]
	if cfg.Stock {
		one.Kind = sim.I2pd
	}
	cfg.World.Destination.Routers = nil
	for range cfg.Routers {
		cfg.World.Destination.Routers = append(cfg.World.Destination.Routers, one)
	}
	f := &Fleet{
		cfg: cfg, started: time.Now(), wake: make(chan struct{}, 1),
		rng:      rand.New(rand.NewPCG(cfg.Seed, 140)),
		services: make(map[wire.Hash]*service), blinded: make(map[wire.Hash]*service),
	}
	// A world that nobody uses tells the routers' hashes, and whether the
	// configuration is sound.
	w, err := sim.NewExternal(cfg.World, cfg.Seed, f.epoch(), [32]byte{}, func(*sim.Event) {})
	if err != nil {
		return nil, err
	}
	f.network = w
	for i := range cfg.Routers {
		f.routers = append(f.routers, newRouter(f, sim.RouterID(i), w.RouterHash(sim.RouterID(i))))
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.clock.Go(f.run)
	return f, nil
}

// peer returns the number of the router of the network, or of the fleet, that has
// a hash.
func (f *Fleet) peer(h wire.Hash) (id sim.PeerID, ok bool) {
	if f.peers == nil {
		n := f.network.Peers() + len(f.routers)
		f.peers = make(map[wire.Hash]sim.PeerID, n)
		for i := range sim.PeerID(n) {
			if h, ok := f.network.Hash(i); ok {
				f.peers[h] = i
			}
		}
	}
	id, ok = f.peers[h]
	return id, ok
}

// hash returns the hash of a router or floodfill of the network, zero for none.
func (f *Fleet) hash(id sim.PeerID) wire.Hash {
	h, _ := f.network.Hash(id)
	return h
}

// kind is whose behaviour the routers follow.
func (f *Fleet) kind() sim.Kind { return f.cfg.World.Destination.Routers[0].Kind }

// stockVersion is the version of i2pd that stock routers are.
func (f *Fleet) stockVersion() StockVersion {
	if f.cfg.StockVersion == "" {
		return Stock258
	}
	return f.cfg.StockVersion
}

// Routers returns the routers.
func (f *Fleet) Routers() []*Router { return f.routers }

// Close ends all connections, and waits until everything has ended.
func (f *Fleet) Close() {
	for _, r := range f.routers {
		r.close()
	}
	f.cancel()
	f.clock.Wait()
}

// epoch is the fleet's wall clock at virtual time 0.
func (f *Fleet) epoch() sim.Time { return sim.Time(f.started.UnixNano()) }

// virtual is the present virtual time.
func (f *Fleet) virtual() sim.Time {
	return sim.Time(float64(time.Since(f.started)) * f.cfg.Speed)
}

// wall is the routers' clock at a virtual time.
func (f *Fleet) wall(t sim.Time) time.Time { return f.started.Add(time.Duration(t)) }

// Now returns the time by the routers' clocks.
func (f *Fleet) Now() time.Time { return f.wall(f.virtual()) }

// enter locks the fleet at the present time; leave unlocks it, and has the
// clock look at what is due next.
func (f *Fleet) enter() {
	f.mu.Lock()
	f.advance(f.virtual())
}

func (f *Fleet) leave() {
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run is the clock.
func (f *Fleet) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-timer.C:
		case <-f.wake:
		}
		f.mu.Lock()
		f.advance(f.virtual())
		next := f.next()
		f.mu.Unlock()
		wait := time.Hour
		if next != sim.Never {
			// Round up: a clock that wakes too early wakes for nothing.
			wait = min(wait, time.Duration(float64(next-f.virtual())/f.cfg.Speed)+time.Microsecond)
		}
		timer.Reset(max(wait, 0))
	}
}

// next is when something is due.
func (f *Fleet) next() sim.Time {
	at := sim.Never
	for _, s := range f.services {
		if t, ok := s.world.Next(); ok {
			at = min(at, t)
		}
	}
	if len(f.timers) > 0 {
		at = min(at, f.timers[0].at)
	}
	return at
}

// advance lets everything happen that is due.
func (f *Fleet) advance(until sim.Time) {
	for {
		at := f.next()
		if at > until {
			break
		}
		f.now = max(f.now, at)
		for _, s := range f.services {
			s.world.Advance(f.now)
		}
		for len(f.timers) > 0 && f.timers[0].at <= f.now {
			heap.Pop(&f.timers).(*timer).do()
		}
	}
	f.now = max(f.now, until)
	for _, s := range f.services {
		s.world.Advance(f.now)
	}
}

// after has something done later, with the fleet locked.
func (f *Fleet) after(d sim.Time, do func()) {
	f.serial++
	heap.Push(&f.timers, &timer{f.now + d, f.serial, do})
}

// between draws a delay.
func (f *Fleet) between(lo, hi sim.Time) sim.Time { return lo + sim.Time(f.rng.Int64N(int64(hi-lo))) }

// A timer is something to do at a virtual time.
type timer struct {
	at     sim.Time
	serial uint64
	do     func()
}

// timers is a heap of them.
type timers []*timer

func (t timers) Len() int { return len(t) }
func (t timers) Less(i, j int) bool {
	return t[i].at < t[j].at || t[i].at == t[j].at && t[i].serial < t[j].serial
}
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// Push is of heap.Interface.
func (t *timers) Push(x any) { *t = append(*t, x.(*timer)) }

// Pop is of heap.Interface.
func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return x
}
