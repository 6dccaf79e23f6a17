package balancer_test

import (
	"math/rand/v2"
	"slices"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// tester is what the tests here need of *testing.T and of *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// rig drives a core with routers of the simplest kind: they answer after a
// fixed delay, builds succeed by lot, nothing else goes wrong unless a test
// makes it.
type rig struct {
	t       tester
	b       *balancer.Balancer
	rng     *rand.Rand
	now     balancer.Time
	pending []pendingEvent
	seq     int
	acts    []balancer.Action

	success   float64
	ackLost   bool
	refusals  int                // sessions still to be refused
	outruns   int                // publishes still to be outrun by a tunnel
	mute      int                // session requests still to get lost
	ownPath   [3]balancer.PeerID // what a router builds through when it is left the choice
	tiers     [][]balancer.Peer
	alive     []bool          // answers
	jump      []balancer.Time // of its clock, which the core is not told of
	tunnels   []map[balancer.TunnelID]balancer.Tunnel
	owners    map[balancer.TunnelID]balancer.RouterID // of the outbound tunnels that were ever built
	caps      balancer.Capabilities
	lookups   int
	kinds     []balancer.RouterKind
	lastID    balancer.TunnelID
	created   balancer.Time
	published []publication
	paths     []built // of tunnels that were built
	given     []balancer.Action
	briefed   []briefing
	outdated  []balancer.Action
	relayed   int
	watched   []bool // heartbeats asked for
	log       []logged
	dated     bool // routers date the beginning of a tunnel by their clocks, too
	record    bool // keep the log
	stock     bool // routers that publish without tunnels that the rig knows of
	done      []balancer.Action
}

type pendingEvent struct {
	at  balancer.Time
	seq int
	ev  balancer.Event
}

type publication struct {
	at     balancer.Time
	router balancer.RouterID
	action balancer.Action
}

// briefing is what a router was told of floodfills.
type briefing struct {
	at     balancer.Time
	router balancer.RouterID
	notes  []balancer.Note
}

type built struct {
	router balancer.RouterID
	dir    balancer.Direction
	path   [3]balancer.PeerID
	own    bool // the router's choice
}

type logged struct {
	now balancer.Time
	ev  balancer.Event
}

const wallOffset = 1_767_225_600 * balancer.Second // 2026-01-01

func config(n, leases int, p balancer.Policy, seed uint64) balancer.Config {
	cfg := balancer.DefaultConfig()
	cfg.Leases = leases
	cfg.Policy = p
	cfg.Rand = rand.New(rand.NewPCG(seed, 1))
	for range n {
		cfg.Routers = append(cfg.Routers, balancer.RouterConfig{Kind: balancer.KindJava, Hops: 3, Outbound: 2})
	}
	return cfg
}

func named(t tester, name string, change func(*policy.Options)) balancer.Policy {
	t.Helper()
	opt := policy.DefaultOptions()
	if change != nil {
		change(&opt)
	}
	p, err := policy.New(name, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newRig(t tester, cfg balancer.Config, seed uint64) *rig {
	return newRigOn(t, balancer.New(cfg), cfg, seed)
}

// newRigOn starts a rig on a core that is ready for its first Step.
func newRigOn(t tester, b *balancer.Balancer, cfg balancer.Config, seed uint64) *rig {
	r := &rig{t: t, b: b, rng: rand.New(rand.NewPCG(seed, 2)), success: 0.6, now: 1, record: true}
	r.owners, r.caps = map[balancer.TunnelID]balancer.RouterID{}, balancer.CapP140
	for i := range cfg.Routers {
		r.kinds = append(r.kinds, cfg.Routers[i].Kind)
		r.tiers = append(r.tiers, makeTier(r.rng, balancer.PeerID(1000*(i+1)), 30))
		r.alive = append(r.alive, true)
		r.jump = append(r.jump, 0)
		r.watched = append(r.watched, false)
		r.tunnels = append(r.tunnels, map[balancer.TunnelID]balancer.Tunnel{})
	}
	r.step(balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: wallOffset})
	for i := range cfg.Routers {
		r.step(balancer.Event{Kind: balancer.EventClock, Router: balancer.RouterID(i), At: wallOffset})
		r.up(balancer.RouterID(i))
	}
	return r
}

func (r *rig) up(id balancer.RouterID) {
	r.answers(id)
	r.forget(id)
	r.step(balancer.Event{Kind: balancer.EventRouterUp, Router: id, RouterKind: r.kinds[id], Caps: r.caps})
}

func (r *rig) crash(id balancer.RouterID) {
	r.alive[id] = false
	clear(r.tunnels[id])
	r.forget(id)
	r.step(balancer.Event{Kind: balancer.EventRouterLost, Router: id})
}

// forget drops what a router's earlier life would still have reported.
func (r *rig) forget(id balancer.RouterID) {
	r.pending = slices.DeleteFunc(r.pending, func(e pendingEvent) bool { return e.ev.Router == id })
}

// freeze makes a router mute; the driver's probes notice.
func (r *rig) freeze(id balancer.RouterID) {
	r.alive[id] = false
	for k := range 3 {
		r.after(balancer.Time(k+1)*2*balancer.Second, balancer.Event{Kind: balancer.EventHeartbeat, Router: id, Missed: int32(k + 1)})
	}
}

func (r *rig) thaw(id balancer.RouterID) {
	r.answers(id)
	r.step(balancer.Event{Kind: balancer.EventHeartbeat, Router: id})
}

// answers ends a router's silence, and the driver's reports of it.
func (r *rig) answers(id balancer.RouterID) {
	r.alive[id] = true
	r.pending = slices.DeleteFunc(r.pending, func(e pendingEvent) bool {
		return e.ev.Kind == balancer.EventHeartbeat && e.ev.Router == id
	})
}

func makeTier(rng *rand.Rand, first balancer.PeerID, n int) []balancer.Peer {
	list := make([]balancer.Peer, n)
	for i := range list {
		list[i] = balancer.Peer{
			ID: first + balancer.PeerID(i), Net16: uint16(rng.Uint32()), Port: uint16(rng.Uint32()),
			Flags: balancer.PeerReachable | balancer.PeerIPv4,
		}
		if i < 2*n/3 {
			list[i].Flags |= balancer.PeerFast
		}
		for w := range list[i].Hash {
			list[i].Hash[w] = rng.Uint64()
		}
	}
	return list
}

func (r *rig) after(d balancer.Time, ev balancer.Event) {
	r.seq++
	e := pendingEvent{r.now + d, r.seq, ev}
	i, _ := slices.BinarySearchFunc(r.pending, e, func(a, b pendingEvent) int {
		if a.at != b.at {
			return int(min(1, max(-1, a.at-b.at)))
		}
		return a.seq - b.seq
	})
	r.pending = slices.Insert(r.pending, i, e)
}

func (r *rig) step(ev balancer.Event) {
	if r.record {
		c := ev
		c.Peers, c.Tunnels, c.Leases = slices.Clone(ev.Peers), slices.Clone(ev.Tunnels), slices.Clone(ev.Leases)
		r.log = append(r.log, logged{r.now, c})
	}
	r.acts = r.b.Step(r.now, &ev, r.acts[:0])
	for i := range r.acts {
		r.perform(&r.acts[i])
	}
	if d := r.b.Deadline(); d <= r.now {
		r.t.Fatalf("Deadline %v is not after now %v: the core would spin", d, r.now)
	}
}

// run lets time pass up to until.
func (r *rig) run(until balancer.Time) {
	for {
		next := r.b.Deadline()
		if len(r.pending) > 0 && r.pending[0].at <= next {
			if r.pending[0].at > until {
				break
			}
			e := r.pending[0]
			r.pending = r.pending[1:]
			r.now = e.at
			// A tunnel lives from the moment its router reports it, not sooner:
			// else a test could end one that is reported as built afterwards.
			if w := &e.ev.Tunnel; e.ev.Kind == balancer.EventTunnelStatus && e.ev.Result == balancer.ResultOK {
				r.tunnels[e.ev.Router][w.ID] = *w
				if w.Direction == balancer.Outbound {
					r.owners[w.ID] = e.ev.Router
				}
			}
			if e.ev.Router == balancer.None || r.alive[e.ev.Router] || e.ev.Kind == balancer.EventHeartbeat {
				r.step(e.ev)
			}
			continue
		}
		if next > until {
			break
		}
		r.now = next
		r.step(balancer.Event{Kind: balancer.EventWake})
	}
	r.now = until
}

func (r *rig) perform(a *balancer.Action) {
	const ms = balancer.Millisecond
	id := a.Router
	if r.stock {
		c := *a
		c.Leases = slices.Clone(a.Leases)
		r.done = append(r.done, c)
	}
	if id == balancer.None {
		return
	}
	if !r.alive[id] {
		return
	}
	if a.Kind == balancer.ActionLookup {
		r.lookups++
	}
	switch a.Kind {
	case balancer.ActionCreateSession:
		res := balancer.ResultOK
		if r.mute > 0 {
			r.mute--
			return
		}
		if r.refusals > 0 {
			r.refusals--
			res = balancer.ResultFailed
		}
		r.after(ms, balancer.Event{Kind: balancer.EventSessionStatus, Router: id, Result: res})
	case balancer.ActionHeartbeat:
		r.watched[id] = true
	case balancer.ActionGetFastTier:
		r.after(ms, balancer.Event{Kind: balancer.EventPeerList, Router: id, Version: 1, Unchanged: a.Version == 1, Peers: r.tiers[id]})
	case balancer.ActionGetTunnelPool:
		var list []balancer.Tunnel
		for _, w := range r.tunnels[id] {
			if w.Direction == a.Direction && w.End > r.clock(id) {
				list = append(list, w)
			}
		}
		slices.SortFunc(list, func(a, b balancer.Tunnel) int { return int(a.ID - b.ID) })
		r.after(ms, balancer.Event{Kind: balancer.EventTunnelList, Router: id, Direction: a.Direction, Tunnels: list})
	case balancer.ActionCreateTunnel:
		r.build(a)
	case balancer.ActionPublishLeaseSet:
		if !r.stock && !r.hasWayOut(id) {
			r.t.Fatalf("router %d is to publish without an outbound tunnel", id)
		}
		c := *a
		c.Leases = slices.Clone(a.Leases)
		r.published = append(r.published, publication{r.now, id, c})
		ev := balancer.Event{Kind: balancer.EventPublishStatus, Router: id, Published: a.Published, Final: true}
		if r.stock {
			return
		}
		if r.outruns > 0 {
			r.outruns--
			ev.Result = balancer.ResultOutdated
			r.after(0, ev)
			return
		}
		if r.ackLost {
			ev.Result = balancer.ResultTimeout
			r.after(60*balancer.Second, ev)
		} else {
			r.after(balancer.Second, ev)
		}
	case balancer.ActionGiveLeaseSet:
		r.given = append(r.given, *a)
	case balancer.ActionRelayAck:
		r.relayed++
	case balancer.ActionNoteFloodfills:
		r.briefed = append(r.briefed, briefing{r.now, id, slices.Clone(a.Notes)})
	case balancer.ActionOutdate:
		r.outdated = append(r.outdated, *a)
	}
}

func (r *rig) hasWayOut(id balancer.RouterID) bool {
	for _, w := range r.tunnels[id] {
		if w.Direction == balancer.Outbound && w.End > r.clock(id) {
			return true
		}
	}
	return false
}

func (r *rig) build(a *balancer.Action) {
	ev := balancer.Event{Kind: balancer.EventTunnelStatus, Router: a.Router, Request: a.Request}
	path, own := r.ownPath, len(a.Path) == 0
	if !own {
		if len(a.Path) != 3 {
			r.t.Fatalf("path %v has %d hops, not 3", a.Path, len(a.Path))
		}
		path = [3]balancer.PeerID(a.Path)
	}
	if r.rng.Float64() >= r.success {
		ev.Result = balancer.ResultTimeout
		r.after(5*balancer.Second, ev)
		return
	}
	r.paths = append(r.paths, built{a.Router, a.Direction, path, own})
	r.lastID++
	// A router works off two requests of one pass one after the other.
	created := max(r.now, r.created+balancer.Millisecond)
	r.created = created
	ev.Tunnel = balancer.Tunnel{
		ID: r.lastID, Direction: a.Direction, Gateway: path[2], ReceiveID: r.rng.Uint32(), Hops: 3,
		Created: created + r.lag(a.Router), End: created + wallOffset + r.jump[a.Router] + 600*balancer.Second,
	}
	copy(ev.Tunnel.Path[:], path[:])
	r.after(balancer.Time(500+r.rng.IntN(2000))*balancer.Millisecond, ev)
}

// clock is a router's wall clock.
func (r *rig) clock(id balancer.RouterID) balancer.Time { return r.now + wallOffset + r.jump[id] }

// lag is how far off a router dates its tunnels on the core's time line: by its jump,
// as a driver does that knows of none, where the test says so.
func (r *rig) lag(id balancer.RouterID) balancer.Time {
	if r.dated {
		return r.jump[id]
	}
	return 0
}

// routersOf counts the leases of each router in a LeaseSet.
func (r *rig) routersOf(leases []balancer.Lease) []int {
	n := make([]int, len(r.tiers))
	for _, l := range leases {
		n[l.Router]++
	}
	return n
}

func (r *rig) last() publication {
	r.t.Helper()
	if len(r.published) == 0 {
		r.t.Fatal("nothing was published")
	}
	return r.published[len(r.published)-1]
}
