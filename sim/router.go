package sim

import (
	"math"

	"multihome.i2p/balancer"
)

// router is one of the operator's routers.
type router struct {
	cfg  *Router
	key  int32 // of the netDb, under which it publishes
	mode routerMode
	up   bool
	// stalled: it does and answers nothing, but its connections stay open.
	stalled bool
	boot    uint16 // counts its starts; events of an earlier life are stale
	skew    Time   // how far its clock is ahead
	bundle  int32  // the LeaseSet that a balancer has given it to bundle, where somebody sees that; or none
	given   Time   // i2pd: when it was given the LeaseSet that it bundles
	started Time   // last start
	keys    uint16 // number of the encryption keys that it has: see clients

	// Probes of a router that serves Proposal 140.
	beat     Time // their interval
	beatFrom Time
	// told is the newest inbound tunnel that the core was told of, and when it was.
	told   balancer.TunnelID
	toldAt Time
	missed int32

	pools [2]tunnelPool // by balancer.Direction

	// Java's build loop.
	loopGen  uint16
	nextPass Time // when it passes next
	armed    Time // when its event comes, at most nextPass
	idleFrom Time // since then passes of the loop are not simulated
	pending  []int32

	lossRate float64 // -ln(1 - TestLoss)

	ls  leaseState
	pub publishState

	// use counts, for each peer, the tunnels of the two pools it is in.
	use    []uint8
	usedBy []int32 // peers with a count, so that clearing is cheap

	lastBuild Time // when the last build was configured

	natural naturalState

	// lapsed: i2pd's rounds, of renewing and of its pools, that came due while it
	// was frozen.
	lapsed [2]bool

	// What the router remembers of floodfills (its peer profiles).
	response []responseStat
	notes    bool // it reports what it notes there to a balancer
}

// routerMode is who decides about a router's tunnels.
type routerMode uint8

const (
	modeJava    routerMode = iota // stock Java router
	modeI2pd                      // stock i2pd router
	modeP140                      // the balancer core
	modeNatural                   // stock i2pd router in the service of a balancer: see natural.go
)

// responseStat is a router's experience with one floodfill.
type responseStat struct {
	total       Time // response times of acknowledged stores, summed
	acks        int32
	storeFailed Time // last time; 0 for never
	storeOK     Time
	askFailed   Time
	askOK       Time
}

// tunnelPool is the tunnels of one direction.
type tunnelPool struct {
	dir      balancer.Direction
	members  []int32   // tunnels, in the order in which they came
	newest   []listing // those of an inbound pool in the order of their builds, for a LeaseSet
	expiries []Time    // their early expiries, rising
	want     int       // quantity
	hops     int
	key      balancer.SliceKey // of the slices
	order    balancer.SliceKey // of the order of middle hops
	lastUse  int               // index of the tunnel last selected in turn

	inProgress int
	timeouts   int // builds in a row that timed out
	born       Time
	skew       Time // in the conservative rule

	// The build rate of the current period and its mean over the last one.
	rateSum    int64 // ns times value
	rateWeight int64 // ns
	idle       int64 // value that polls would see while none is made
	spent      Time  // tunnelLifetime * mean of the last period's samples; 0 before
	meanOf     int   // the quantity that mean was divided by; 0 for none
	mean       Time

	// Peers of the fast tier by group under key, for one tier version. The
	// sets that hops are drawn from are runs of neighbouring groups.
	tierVersion uint64
	tier        []sliced
	slices      []int32 // the peers of group 0, then those of group 1, and so on
	bounds      [5]int  // group g is slices[bounds[g]:bounds[g+1]]
}

// listing is what a LeaseSet goes by when it chooses among a pool's tunnels.
type listing struct {
	tunnel  int32
	serial  int64
	created Time
	early   Time
	endMs   int64
}

func (p *tunnelPool) empty() {
	p.members, p.newest, p.expiries = p.members[:0], p.newest[:0], p.expiries[:0]
}

// sliced is a fast peer with its group, kept since most peers stay where they
// are from one version of the tier to the next.
type sliced struct {
	peer  int32
	group int32
}

// tunnel is one tunnel from its establishment until it leaves its pool.
type tunnel struct {
	router    int32
	dir       balancer.Direction
	hops      uint8
	failures  uint8 // failed tests in a row
	reused    bool  // its path was lent, or must not be
	inherited bool  // its path was borrowed
	path      [maxHops]int32
	number    uint32 // at the gateway
	near      uint64 // first word of the gateway's hash
	serial    int64  // in the order of building, from 1
	created   Time   // when its build was configured
	expires   Time   // created + 600 s
	endMs     int64  // the same on its router's clock, in ms
	early     Time   // when its router treats it as expired
	broken    Time   // when it breaks
	tests     Time   // end of the test under way
	left      int    // sound tests until a lossy one; 0 for none

	// The lease that stands for it in the LeaseSets of a balancer, if it is a shadow.
	shadow  bool
	answers lease

	// i2pd only.
	state     i2pdState
	recreated bool
	strict    bool  // one failed test keeps it from being listed and used
	slow      bool  // its tests take more than 250 ms a hop
	createdS  int64 // in whole seconds of the router's clock
}

// maxHops is the longest tunnel (router console and I2CP: 0 to 7 hops).
const maxHops = 7

// build is one attempt to build a tunnel.
type build struct {
	router    int32
	dir       balancer.Direction
	hops      uint8
	inherited bool
	outcome   outcome
	timedOut  bool
	recreates bool  // i2pd: it repeats a tunnel that is to be replaced
	overdue   bool  // no reply will come within buildTimeout
	request   int64 // of the balancer
	path      [maxHops]int32
	created   Time
}

// outcome is how a build ends.
type outcome uint8

const (
	outcomeAccepted outcome = iota
	outcomeRejected
	outcomeSilence
)

func (t *tunnel) gateway() int32 { return t.path[t.hops-1] }

func (w *World) resetRouters() {
	d := &w.cfg.Destination
	n := len(d.Routers)
	for len(w.routers) < n {
		w.routers = append(w.routers, router{})
	}
	w.routers = w.routers[:n]
	rng := w.streams.rand[streamRouters]
	spread := min(startSpread, w.cfg.Warmup/2)
	for i := range w.routers {
		r := &w.routers[i]
		r.cfg = &d.Routers[i]
		r.key = serviceKey
		if w.meta.on {
			r.key = subKey(d.subOf(i))
		}
		r.mode = modeOf(d.Scheme, r.cfg)
		r.up, r.stalled = false, false
		r.boot, r.loopGen = 0, 0
		r.skew, r.bundle, r.keys = r.cfg.ClockSkew, none, 0
		r.lossRate = -math.Log1p(-r.cfg.TestLoss)
		r.beat, r.missed = 0, 0
		r.ls.reset()
		r.pub.reset()
		r.pending = r.pending[:0]
		r.use = resized(r.use, w.pop.Len())
		r.usedBy = r.usedBy[:0]
		r.lastBuild = 0
		r.response, r.notes = resized(r.response, len(w.net.ff)), false
		for dir := range r.pools {
			p := &r.pools[dir]
			p.empty()
			p.dir = balancer.Direction(dir)
			p.hops = r.cfg.Hops
			p.want = r.cfg.Outbound
			if p.dir == balancer.Inbound {
				p.want = d.Leases // a balancer's quotas are its own affair
			}
			// A service keeps its pools' keys over restarts (i2ptunnel
			// stores inbound.randomKey).
			p.key = balancer.SliceKey{K0: rng.Uint64(), K1: rng.Uint64()}
			p.order = balancer.SliceKey{K0: rng.Uint64(), K1: rng.Uint64()}
			p.tierVersion = noVersion
			p.tier = p.tier[:0]
		}
		at := Time(0)
		if !d.StartTogether {
			at = uniform(rng, 0, spread)
		}
		w.push(at, evStart, int32(i), 0)
	}
}

func modeOf(s Scheme, r *Router) routerMode {
	switch s {
	case SchemeSingle, SchemeIndependent, SchemeMeta:
		if r.Kind == I2pd {
			return modeI2pd
		}
		return modeJava
	}
	if !r.SpeaksP140 {
		return modeNatural
	}
	return modeP140
}

// balanced tells whether a balancer has a session with it.
func (r *router) balanced() bool { return r.mode == modeP140 || r.mode == modeNatural }

// chooses tells whether it is an i2pd router that decides about its tunnels itself.
func (r *router) chooses() bool { return r.mode == modeI2pd || r.mode == modeNatural }

// resized returns s with n zero elements.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// startRouter brings a router up, cold: without tunnels.
func (w *World) startRouter(i int32) {
	r := &w.routers[i]
	if r.up {
		return
	}
	r.up, r.stalled = true, false
	r.boot++
	r.started = w.now
	w.seenRouter(i, true)
	rng := w.streams.rand[streamRouters]
	for dir := range r.pools {
		p := &r.pools[dir]
		p.inProgress, p.timeouts = 0, 0
		p.born = w.now
		p.skew = uniform(rng, 0, expireSkewMax)
		p.rateSum, p.rateWeight, p.idle, p.spent, p.meanOf = 0, 0, 0, 0, 0
		p.lastUse = 0
	}
	r.ls.reset()
	r.pub.reset()
	switch r.mode {
	case modeJava:
		r.idleFrom, r.armed = Never, Never
		w.pushGen(w.now+ratePeriod-rateSlack+uniform(rng, 0, rateTick), evRate, r.boot, i, 0)
		w.pollAt(i, w.now+uniform(rng, 0, loopMean))
	case modeI2pd:
		w.i2pdStart(i)
	case modeP140:
		if r.cfg.Kind == I2pd {
			w.i2pdStart(i)
		}
		w.coreRouterUp(i)
	case modeNatural:
		w.naturalStart(i)
	}
}

// stopRouter kills a router: its tunnels and builds are gone.
func (w *World) stopRouter(i int32) {
	r := &w.routers[i]
	if !r.up {
		return
	}
	r.up, r.notes = false, false
	r.boot++
	r.loopGen++
	r.pub.gen++
	for dir := range r.pools {
		p := &r.pools[dir]
		for _, t := range p.members {
			w.tunnels.free(t)
		}
		p.empty()
	}
	for _, b := range r.pending {
		w.builds.free(b)
	}
	r.pending = r.pending[:0]
	for _, peer := range r.usedBy {
		r.use[peer] = 0
	}
	r.usedBy = r.usedBy[:0]
	w.dropStores(i)
	w.dropBundle(i)
	w.seenRouter(i, false)
	if r.ls.set != none {
		w.releaseSet(r.ls.set)
	}
	if r.pub.i2pd.requested {
		if r.mode == modeI2pd {
			w.releaseSet(r.pub.i2pd.request)
		}
		r.pub.i2pd.requested = false
	}
	r.ls.reset()
	if r.balanced() {
		w.coreRouterDown(i)
	}
}

// alive tells whether a lease of router i, listed in its life boot, still
// reaches it.
func (w *World) alive(l *lease) bool {
	r := &w.routers[l.router]
	return r.up && !r.stalled && r.boot == l.boot && w.now < l.until
}
