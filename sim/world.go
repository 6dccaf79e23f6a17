package sim

import (
	"errors"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
	"multihome.i2p/sim/tier"
)

// World is one simulated network with one operator's routers, the floodfills
// and the adversaries. It is used for one trial after another and keeps its
// memory between them, so that a trial in the steady state allocates nothing.
// A World is for one goroutine.
type World struct {
	// Stop, if set, is asked now and then whether to give the trial up.
	Stop func() bool

	cfg      *Config
	seed     uint64
	out      *Outcome
	now      Time
	end      Time // of the trial
	observed Time // when the observation begins
	epoch    Time // wall clock at virtual time 0, since the Unix epoch

	queue   queue
	streams streams

	pop        tier.Population
	tiers      tier.Set
	tierSizes  []int
	tierOf     []int32 // tier set's number of each router, none for i2pd
	hasTiers   bool
	candidates tier.I2pdCandidates

	routers []router
	tunnels pool[tunnel]
	builds  pool[build]
	ends    [1024]int32 // tunnels by the low bits of their gateway: see endingAt
	fates   []fate      // by serial number of the tunnel, as many of the newest as fit
	serial  int64       // of the last tunnel
	sets    pool[leaseSet]
	stores  pool[storeJob]
	mails   pool[mail]
	net     netDb
	meta    metaState
	// mailDelay is the median of a netDb message's way.
	mailDelay Time
	b32       string // address of the Destination
	watchers  []*watcher
	watch     watchState
	faults    []faultState
	mortal    bool // some fault can strike a router
	core      drivers
	scratch   scratch
	observer  observerState
	clients   clients
	slowness  slowness
	check     func(*leaseSet) // tests look at every signed LeaseSet
}

// scratch is memory that a call uses and the next one may overwrite.
type scratch struct {
	bits []uint64 // of the population, all clear between uses
	ints []int32
	news []int64
	seen []trace.Lease

	entries []trace.Entry
	leases  []lease
}

// Errors of Run.
var (
	// ErrStopped is returned for a trial that Stop gave up.
	ErrStopped = errors.New("sim: stopped")
	errTiers   = errors.New("sim: emergent and parametric fast tiers cannot be mixed in one world")
)

// stopEvery is how many events pass between two questions to Stop.
const stopEvery = 4096

// failEvery is how many events pass between two looks at a policy that can fail:
// each call that fails may have taken milliseconds.
const failEvery = 64

// epochDay is 2026-01-01 00:00 UTC, the day on which every trial begins, as
// the span since the Unix epoch.
const epochDay = 1767225600 * Second

// startSpread is the span within which the routers start, at the head of the
// warm-up. Assumption: far enough apart to tell nothing of one another's
// phase, and early enough for the adaptive timing to settle (about 30 minutes).
const startSpread = Hour

// NewWorld returns an empty world.
func NewWorld() *World { return new(World) }

// Run simulates one trial of cfg and fills out, which keeps its memory too.
// The same configuration and seed give the same outcome, whatever the World
// and the Outcome were used for before.
func (w *World) Run(cfg *Config, seed uint64, out *Outcome) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := w.reset(cfg, seed, out); err != nil {
		return err
	}
	if err := w.loop(); err != nil {
		return err
	}
	w.finish()
	return nil
}

func (w *World) reset(cfg *Config, seed uint64, out *Outcome) error {
	w.cfg, w.seed, w.out, w.now = cfg, seed, out, 0
	w.queue.reset()
	w.streams.reset(seed)
	w.seedWatchers()
	w.tunnels.reset()
	w.slowness = slowness{}
	clear(w.ends[:])
	w.resetFates(fatesPerTunnel * w.quantity())
	w.builds.reset()
	w.sets.reset()
	w.stores.reset()
	w.mails.reset()

	rng := w.streams.rand[streamRouters]
	w.epoch = epochDay + uniform(rng, 0, Day)
	w.observed = cfg.Warmup
	if cfg.Warmup > 0 {
		w.observed += uniform(rng, 0, tunnelLifetime)
	}
	w.end = w.observed + cfg.Duration

	if err := w.resetTiers(); err != nil {
		return err
	}
	w.mailDelay = cfg.Network.MessageDelay
	if w.mailDelay == 0 {
		w.mailDelay = mailDelay
	}
	w.resetNetDb()
	w.resetOutcome()
	w.resetRouters()
	if err := w.resetCore(); err != nil {
		return err
	}
	w.resetWatchers()
	w.resetFaults()
	w.resetClients()
	w.push(w.nextTierChange(), evTiers, 0, 0)
	w.push(w.observed, evSample, 0, 0)
	return nil
}

func (w *World) loop() error {
	var ev event
	for n := 0; ; n++ {
		if n%stopEvery == 0 && w.Stop != nil && w.Stop() {
			return ErrStopped
		}
		if w.core.fallible && n%failEvery == 0 {
			if err := w.policyFailed(); err != nil {
				return err
			}
		}
		if !w.next(&ev) || ev.at >= w.end {
			w.now = w.end
			return w.policyFailed()
		}
		w.now = ev.at
		w.out.Truth.Events++
		w.dispatch(&ev)
	}
}

// next takes the next event. That which wakes the only balancer core is kept apart from
// the queue, since the core's deadline moves with nearly every event.
func (w *World) next(ev *event) bool {
	c := w.core.only
	if c == nil {
		return w.queue.popInto(ev)
	}
	for {
		if w.queue.popBefore(c.armed, c.rank, ev) {
			return true
		}
		if c.armed == Never {
			return false
		}
		at := c.armed
		c.armed = Never
		if c.due <= at {
			*ev = event{at: at, kind: uint16(evCoreWake)}
			return true
		}
		w.arm(c) // the deadline has moved on
	}
}

// push schedules an event; Never schedules nothing.
func (w *World) push(at Time, kind eventKind, a, b int32) {
	if at < w.end {
		w.queue.push(at, uint16(kind), 0, a, b, 0)
	}
}

// pushGen schedules an event that is stale once its object's generation has
// moved on.
func (w *World) pushGen(at Time, kind eventKind, gen uint16, a, b int32) {
	if at < w.end {
		w.queue.push(at, uint16(kind), gen, a, b, 0)
	}
}

// wall is the wall clock of a router (or, for index none, the true time), as
// the span since the Unix epoch.
func (w *World) wall(r int32) Time {
	t := w.epoch + w.now
	if r != none {
		t += w.routers[r].skew
	}
	return t
}

// wallMs is wall in whole milliseconds, the resolution of a router's clock.
func (w *World) wallMs(r int32) int64 { return int64(w.wall(r) / Millisecond) }

// none is the index of no router, tunnel, floodfill or LeaseSet.
const none = balancer.None

// pool is an arena of T with a free list. An index is used again after free,
// under a new generation.
type pool[T any] struct {
	items  []T
	gens   []uint16
	unused []int32
}

func (p *pool[T]) reset() {
	p.unused = p.unused[:0]
	p.items = p.items[:0]
	// Generations go on from trial to trial only for want of a reason to
	// clear them: no event outlives its trial.
	p.gens = p.gens[:0]
}

// take returns the index of an item, which holds what its last use left there.
func (p *pool[T]) take() int32 {
	if n := len(p.unused); n > 0 {
		i := p.unused[n-1]
		p.unused = p.unused[:n-1]
		return i
	}
	n := len(p.items)
	if n < cap(p.items) {
		p.items = p.items[:n+1]
	} else {
		var zero T
		p.items = append(p.items, zero)
	}
	p.gens = append(p.gens, 0)
	return int32(n)
}

func (p *pool[T]) free(i int32) {
	p.gens[i]++
	p.unused = append(p.unused, i)
}

func (p *pool[T]) at(i int32) *T { return &p.items[i] }

// current tells whether i still is what it was under generation gen.
func (p *pool[T]) current(i int32, gen uint16) bool { return p.gens[i] == gen }
