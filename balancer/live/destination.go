package live

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/datagram"
	"multihome.i2p/i2cp/wire"
)

// destination is one Destination: its core, the loop that drives it, and a link
// to each router.
type destination struct {
	svc    *Service
	cfg    Destination
	log    *slog.Logger
	hash   wire.Hash
	signer *signer
	store  store
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}

	restored int64 // `published` of an earlier run, 0 for none

	// Of the loop.
	core    *balancer.Balancer
	start   time.Time
	offsets []balancer.Time // by router: its wall clock minus the time line
	lives   []*life         // by router: the life that events are taken from
	names   *names
	actions []balancer.Action
	made    map[*balancer.Lease]signed // in the present step
	rec     *recorder
	trace   *traceFile
	swept   time.Time
	// imitates tells whether the policy makes all routers look like one, for which they
	// must build tunnels on command.
	imitates bool
	// fallible is the policy where its own code can fail, else nil; complained is
	// when that was logged last.
	fallible   policy.Fallible
	complained time.Time

	in      chan input
	slots   []atomic.Pointer[link] // by router; nil where there is none
	running sync.WaitGroup         // the links
	clients *clients
	target  target
	acks    acks
	ours    ours

	received, sent, dropped atomic.Uint64
	policyFailures          atomic.Uint64

	mu     sync.Mutex
	status published
}

// published is what an operator may know of the newest LeaseSet.
type published struct {
	at          int64 // its `published`, seconds
	leases      []balancer.Lease
	gateways    []wire.Hash // of the leases
	publisher   balancer.RouterID
	confirmed   int64
	confirmedAt time.Time
	tunnels     []int // by router
}

// inputKind says what the loop has to do before the core sees an event.
type inputKind uint8

const (
	_ inputKind = iota
	lifeBegins
	lifeEnds
	leases  // more is a *i2cp.RequestVariableLeaseSet
	managed // more is a message of the extension
	ackCame // more is a *i2cp.AckRelayed
	always  // belongs to no life
	call    // more is a func() for the loop, and there is no event
)

// input is something that happened.
type input struct {
	router balancer.RouterID
	life   *life
	kind   inputKind
	ev     balancer.Event
	more   any // a message, or a func() to be called after the actions
}

// verifyEvery is how often we look whether our LeaseSet is in the netDb.
const verifyEvery = 5 * time.Minute

// inputsMax is how many inputs may wait for the loop; beyond it, links wait.
const inputsMax = 32

// heartbeatEvery is the interval of heartbeats. A router that stops right after
// an answer is asked one interval later, and has missed two of them after three.
const heartbeatEvery = 1500 * time.Millisecond

func newDestination(svc *Service, cfg Destination, routers []Router) (*destination, error) {
	slots := len(routers) + slotsSpare
	d := &destination{
		svc: svc, cfg: cfg, log: svc.cfg.Log.With("destination", cfg.Name), hash: cfg.Keys.Destination.Hash(),
		store: store{dir: svc.cfg.State, name: cfg.Keys.Destination.B32()},
		names: newNames(), clients: newClients(), in: make(chan input, inputsMax), made: make(map[*balancer.Lease]signed),
		offsets: make([]balancer.Time, slots), lives: make([]*life, slots), slots: make([]atomic.Pointer[link], slots),
		acks: acks{tokens: make(map[uint32]int64)}, ctx: context.Background(), cancel: func() {}, ended: make(chan struct{}),
	}
	enc, err := d.store.encryptionKey()
	if err != nil {
		return nil, err
	}
	if d.signer, err = newSigner(cfg.Keys, enc); err != nil {
		return nil, err
	}
	if d.target, err = newTarget(cfg.Target, d); err != nil {
		return nil, err
	}
	var seed [16]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return nil, err
	}
	head := coreHeader{
		Leases: cfg.Leases, Policy: cfg.Policy, Hops: cfg.Hops, Outbound: cfg.Outbound,
		Seed: [2]uint64{binary.BigEndian.Uint64(seed[:8]), binary.BigEndian.Uint64(seed[8:])},
	}
	for i := range slots {
		name, weight := "", 1
		if i < len(routers) {
			name, weight = routers[i].Name, routers[i].Weight
		}
		head.Routers = append(head.Routers, name)
		head.Weights = append(head.Weights, weight)
	}
	cc, err := head.config(svc.cfg.LoadPolicy)
	if err != nil {
		return nil, err
	}
	_, d.imitates = cc.Policy.(balancer.Imitator)
	d.fallible, _ = cc.Policy.(policy.Fallible)
	d.core = balancer.New(cc)
	if cfg.Record != "" {
		if d.rec, err = newRecorder(cfg.Record, head); err != nil {
			return nil, err
		}
	}
	if cfg.Trace != "" {
		if d.trace, err = openTrace(cfg.Trace, cfg.Keys.Destination.B32()); err != nil {
			return nil, err
		}
	}
	for i, r := range routers {
		d.slots[i].Store(d.newLink(balancer.RouterID(i), r))
	}
	d.status.publisher, d.status.tunnels = balancer.None, make([]int, slots)
	return d, nil
}

func (d *destination) newLink(id balancer.RouterID, r Router) *link {
	return &link{d: d, id: id, cfg: r, commands: newCommands()}
}

// link returns the link to a router, nil where there is none.
func (d *destination) link(id balancer.RouterID) *link {
	if id < 0 || int(id) >= len(d.slots) {
		return nil
	}
	return d.slots[id].Load()
}

// named returns the link to the router of a name, nil where there is none.
func (d *destination) named(name string) *link {
	for i := range d.slots {
		if l := d.slots[i].Load(); l != nil && l.cfg.Name == name {
			return l
		}
	}
	return nil
}

// begin runs a link until the Destination ends, or the router is taken out.
func (d *destination) begin(ctx context.Context, l *link) {
	ctx, l.cancel = context.WithCancel(ctx)
	d.running.Go(func() { l.run(ctx) })
}

// change takes over another set of routers; it runs in the loop. What stays is
// not touched.
func (d *destination) change(ctx context.Context, routers []Router) {
	for i := range d.slots {
		id := balancer.RouterID(i)
		l := d.slots[i].Load()
		if l == nil || slices.ContainsFunc(routers, func(r Router) bool { return r.same(&l.cfg) }) {
			continue
		}
		d.log.Info("router taken out", "router", l.cfg.Name)
		d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandRemove})
		d.lives[i] = nil
		l.cancel()
		d.slots[i].Store(nil)
	}
	for _, r := range routers {
		if l := d.named(r.Name); l != nil {
			old := l.router()
			l.mu.Lock()
			l.cfg.Weight, l.cfg.TLS = r.Weight, r.TLS
			l.mu.Unlock()
			if x := d.lives[l.id]; x != nil {
				x.trustAnew(r.TLS)
			}
			if old.Weight != r.Weight {
				d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: l.id, Command: balancer.CommandWeight, Weight: int32(r.Weight)})
			}
			continue
		}
		i := d.freeSlot()
		if i < 0 {
			d.log.Error("no room for another router before a restart", "router", r.Name)
			continue
		}
		l := d.newLink(balancer.RouterID(i), r)
		d.slots[i].Store(l)
		d.log.Info("router taken in", "router", r.Name)
		d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: l.id, Command: balancer.CommandWeight, Weight: int32(r.Weight)})
		d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: l.id, Command: balancer.CommandAdd})
		d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: l.id, Command: balancer.CommandUndrain})
		d.begin(ctx, l)
	}
}

func (d *destination) freeSlot() int {
	for i := range d.slots {
		if d.slots[i].Load() == nil {
			return i
		}
	}
	return -1
}

// coreHeader is all that a core is made of: a recorded run is replayed from it.
type coreHeader struct {
	Leases   int       `json:"leases"`
	Policy   Policy    `json:"policy"`
	Hops     int       `json:"hops"`
	Outbound int       `json:"outbound"`
	Routers  []string  `json:"routers"`
	Weights  []int     `json:"weights"`
	Seed     [2]uint64 `json:"seed"`
}

// config makes the core's configuration. The error names what is wrong.
func (h *coreHeader) config(load PolicyLoader) (balancer.Config, error) {
	opt := policy.DefaultOptions()
	opt.Rotate = h.Policy.Rotate
	if h.Policy.Bundle != "" {
		opt.Bundle = h.Policy.Bundle
	}
	if h.Policy.Publisher != "" {
		opt.Publisher = h.Policy.Publisher
	}
	p, base, err := h.Policy.make(opt, load)
	if err != nil {
		return balancer.Config{}, err
	}
	cc := balancer.DefaultConfig()
	kind := balancer.KindJava
	if base == "natural-i2pd" {
		cc.ImitateI2pd()
		kind = balancer.KindI2pd
	}
	cc.Leases, cc.Policy = h.Leases, p
	cc.Rand = rand.New(rand.NewPCG(h.Seed[0], h.Seed[1]))
	cc.Verify = balancer.Time(verifyEvery)
	cc.Heartbeat = balancer.Time(heartbeatEvery)
	for i := range h.Routers {
		cc.Routers = append(cc.Routers, balancer.RouterConfig{
			Kind: kind, Weight: int32(h.Weights[i]), Hops: h.Hops, Outbound: h.Outbound,
		})
	}
	return cc, cc.Validate()
}

// make makes the policy; base is the built-in one behind it.
func (p *Policy) make(opt policy.Options, load PolicyLoader) (made balancer.Policy, base string, err error) {
	if p.File == "" {
		made, err = policy.New(p.Name, opt)
		return made, p.Name, err
	}
	if load == nil {
		return nil, "", fmt.Errorf("policy %s: policies from files are not taken here", p.File)
	}
	m, err := load(p.File, []byte(p.Source))
	if err != nil {
		return nil, "", err
	}
	made, err = m.New(opt)
	return made, m.Base(), err
}

// post hands something that happened to the loop.
func (d *destination) post(in input) {
	select {
	case d.in <- in:
	case <-d.ctx.Done():
	}
}

// run drives the core until ctx ends.
func (d *destination) run(ctx context.Context) error {
	d.start = time.Now()
	last, err := d.store.restore()
	if err != nil {
		return err
	}
	d.restored = last
	defer func() {
		d.running.Wait()
		d.target.close()
		if err := d.rec.close(); err != nil {
			d.log.Error("event log", "error", err)
		}
		if err := d.trace.close(); err != nil {
			d.log.Error("trace", "error", err)
		}
	}()
	wall := d.wallOffset()
	d.step(&balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: wall})
	if last > 0 {
		d.step(&balancer.Event{Kind: balancer.EventRestore, Router: balancer.None, Published: last})
	}
	for i := range d.slots {
		if l := d.slots[i].Load(); l != nil {
			d.begin(ctx, l)
			continue
		}
		d.step(&balancer.Event{Kind: balancer.EventAdmin, Router: balancer.RouterID(i), Command: balancer.CommandRemove})
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		d.arm(timer)
		select {
		case <-ctx.Done():
			// The links' last events find nobody.
			return nil
		case in := <-d.in:
			d.handle(in)
		case <-timer.C:
			// The wall clock may have been set.
			if now := d.wallOffset(); abs(now-wall) > 100*balancer.Millisecond {
				wall = now
				d.step(&balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: wall})
			}
			d.step(&balancer.Event{Kind: balancer.EventWake, Router: balancer.None})
			if err := d.trace.flush(time.Now()); err != nil {
				d.log.Error("trace: no more is written", "error", err)
				d.trace = nil
			}
			d.sweep()
		}
	}
}

func abs(t balancer.Time) balancer.Time { return max(t, -t) }

// arm sets the timer for the core's next deadline, and once a second at least.
func (d *destination) arm(timer *time.Timer) {
	wait := time.Second
	if at := d.core.Deadline(); at != balancer.Never {
		wait = max(0, min(wait, time.Duration(at-d.now())))
	}
	timer.Reset(wait)
}

// now is the core's time line: nanoseconds since the start, by the monotonic
// clock.
func (d *destination) now() balancer.Time { return balancer.Time(time.Since(d.start)) }

func (d *destination) wallOffset() balancer.Time {
	return balancer.Time(time.Now().UnixNano()) - d.now()
}

// offset is what to subtract from a router's wall clock to get to the time line.
func (d *destination) offset(r balancer.RouterID) balancer.Time { return d.offsets[r] }

// handle takes one input.
func (d *destination) handle(in input) {
	switch {
	case in.kind == call:
		in.more.(func())()
		return
	case in.kind == lifeBegins:
		if in.life.link != d.link(in.router) {
			return // of a router that was taken out
		}
		d.lives[in.router] = in.life
		in.life.trustAnew(in.life.router().TLS) // it may have changed meanwhile
		skew := in.life.snapshot().skew
		d.offsets[in.router] = d.wallOffset() + balancer.Time(skew)
		d.step(&balancer.Event{Kind: balancer.EventClock, Router: in.router, At: d.offsets[in.router]})
	case in.kind != always && d.lives[in.router] != in.life:
		return
	case in.kind == lifeEnds:
		d.lives[in.router] = nil
	case in.kind == leases:
		m := in.more.(*i2cp.RequestVariableLeaseSet)
		for _, l := range m.Leases {
			in.ev.Leases = append(in.ev.Leases, balancer.Lease{
				Gateway: d.names.peer(l.Gateway), ReceiveID: uint32(l.Tunnel), End: coreTime(l.End),
				Tunnel: d.names.natural(in.router, l, time.Now()), Router: in.router,
			})
		}
	case in.kind == managed:
		if !in.life.translate(in.more.(i2cp.Message), &in.ev) {
			return
		}
	case in.kind == ackCame:
		m := in.more.(*i2cp.AckRelayed)
		published, ok := d.acks.find(m.Token)
		if !ok {
			return // not of a store that we know
		}
		in.ev.Published = published
		d.confirmed(published)
	}
	d.step(&in.ev)
	if then, ok := in.more.(func()); ok {
		then()
	}
}

// step lets the core take one event, and carries out what it wants.
func (d *destination) step(ev *balancer.Event) {
	now := d.now()
	d.actions = d.core.Step(now, ev, d.actions[:0])
	if err := d.rec.record(now, ev, d.actions); err != nil {
		d.log.Error("event log: no more is recorded", "error", err)
		d.rec = nil
	}
	clear(d.made)
	for i := range d.actions {
		d.perform(&d.actions[i])
	}
	d.watchPolicy()
}

// complainEvery is the least time between two log lines about a policy that fails.
const complainEvery = time.Minute

// watchPolicy counts the policy's failures and logs the last one now and then. Its
// base has decided in its place.
func (d *destination) watchPolicy() {
	if d.fallible == nil {
		return
	}
	f := d.fallible.Failures()
	if uint64(f.N) == d.policyFailures.Load() {
		return
	}
	d.policyFailures.Store(uint64(f.N))
	if now := time.Now(); now.Sub(d.complained) >= complainEvery {
		d.complained = now
		d.log.Error("the policy failed; its base decides in its place", "policy", d.cfg.Policy.Name, "failures", f.N, "error", f.Last)
	}
}

// sweep forgets clients that were not heard of for long.
func (d *destination) sweep() {
	now := time.Now()
	if now.Sub(d.swept) < 10*time.Second {
		return
	}
	d.swept = now
	for _, c := range d.clients.idle(now.Add(-clientIdle)) {
		d.step(&balancer.Event{Kind: balancer.EventClientGone, Router: balancer.None, Client: c.id})
	}
}

// receive takes a message that came in through a router. It runs on the router's
// reading goroutine; what the core need not know of it does not wait for it.
func (x *life) receive(payload []byte) {
	d := x.d
	d.received.Add(1)
	info, data, err := i2cp.ParsePayload(nil, payload, 1<<16)
	if err != nil {
		d.dropped.Add(1)
		return
	}
	if info.Protocol != i2cp.ProtocolDatagram {
		d.target.receive(nil, info, data)
		return
	}
	g, err := datagram.Parse(data)
	if err != nil || g.Verify() != nil {
		d.dropped.Add(1)
		return
	}
	c := d.clients.get(g.From, x.id)
	now := time.Now().UnixMilli()
	c.heard.Store(now)
	if c.id == balancer.None {
		c.carrier.Store(int32(x.id))
		d.target.receive(c, info, g.Payload)
		return
	}
	if c.arrival.Load() == int32(x.id) && now-c.told.Load() < clientAgain.Milliseconds() {
		d.target.receive(c, info, g.Payload)
		return
	}
	c.arrival.Store(int32(x.id))
	c.told.Store(now)
	x.tellThen(balancer.Event{Kind: balancer.EventClientSeen, Client: c.id}, func() {
		// After what the core orders: a client is answered when its carrier has
		// the LeaseSet that keeps it.
		if l := d.link(balancer.RouterID(c.carrier.Load())); l != nil {
			l.order(func(context.Context, *life) error {
				d.target.receive(c, info, g.Payload)
				return nil
			})
		}
	})
}

func (d *destination) confirmed(published int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if published >= d.status.confirmed {
		d.status.confirmed, d.status.confirmedAt = published, time.Now()
	}
}

func (d *destination) isOurs(b []byte) bool { return d.ours.has(b) }

// admin has the core obey an operator.
func (d *destination) admin(router balancer.RouterID, c balancer.Command, weight int32) {
	d.post(input{router, nil, always, balancer.Event{Kind: balancer.EventAdmin, Router: router, Command: c, Weight: weight}, nil})
}

// stateDir makes the directory of the state.
func stateDir(dir string) error {
	if dir == "" {
		return fmt.Errorf("no directory for the state: set `state`")
	}
	return os.MkdirAll(dir, 0o700)
}

// tunnelsOf counts the leases of each router.
func tunnelsOf(leases []balancer.Lease, n int) []int {
	counts := make([]int, n)
	for _, l := range leases {
		if int(l.Router) < n {
			counts[l.Router]++
		}
	}
	return counts
}
