package sim

import (
	"fmt"
	"slices"
	"strings"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// drivers stand between the balancer cores and the simulated routers: they turn
// the cores' actions into commands to routers and what comes of them into
// events, each way with Destination.ControlDelay. They decide nothing.
type drivers struct {
	on   bool
	each []driver // one, or one for each sub-Destination of a Meta LeaseSet
	only *driver  // where there is one

	garlic   bool // routers hand garlic up: one ratchet serves all of them
	fallible bool // the policies' own code can fail

	wake   balancer.Event // EventWake, the most frequent of all
	inputs pool[input]
	orders pool[order]

	lists []peerList
}

// driver is that of one core.
type driver struct {
	index  int32
	first  int32 // its routers: from this one on,
	count  int32 // so many; the core counts them from 0
	core   *balancer.Balancer
	policy balancer.Policy
	// fallible is the policy where its own code can fail, else nil.
	fallible policy.Fallible
	name     string // of the policy, its maker and its options, as made
	maker    PolicyMaker
	opt      policy.Options
	cfg      balancer.Config
	acts     []balancer.Action
	busy     bool    // Step or its actions are under way
	ready    []int32 // inputs that reach the core now
	due      Time    // when it wants to be woken
	armed    Time    // when it will be looked at, no later than due
	rank     uint32  // of that among the events of the same instant, where it is the only one
	gen      uint16  // of its evCoreWake, where it is one of several

	served []int32 // by balancer.ClientID: the client, or none
	unused []int32 // numbers of clients
	keys   uint16  // number of the encryption keys of the LeaseSets that it makes now
	sent   int64   // `published` of the newest LeaseSet that a router was given to publish
}

// input is an event on its way to a core, with the memory of its slices.
type input struct {
	core    int32
	ev      balancer.Event
	peers   []balancer.Peer
	tunnels []balancer.Tunnel
	leases  []balancer.Lease
	list    *peerList // in place of peers
	notes   []balancer.Note
}

// lend puts the event's slices in their places.
func (in *input) lend() {
	in.ev.Peers, in.ev.Tunnels, in.ev.Leases, in.ev.Notes = in.peers, in.tunnels, in.leases, in.notes
	if in.list != nil {
		in.ev.Peers = in.list.peers
	}
}

// order is an action on its way to its router, with the memory of its slices.
type order struct {
	core   int32
	act    balancer.Action
	keys   uint16 // number of the encryption keys that its LeaseSet names
	path   []balancer.PeerID
	leases []balancer.Lease
	shadow []balancer.TunnelID
	notes  []balancer.Note
}

// peerList is a router's answer to GetFastTier, kept because most of it is the
// same the next time.
type peerList struct {
	version uint64
	peers   []balancer.Peer
}

// failoverMasked is the failover that keeps a lost router's leases.
const failoverMasked = "masked"

// largeSpacing is the least time between two LeaseSets of scheme large-leaseset.
// Assumption: above the 3 s after which a change is published, and far below the
// lifetime of a lease.
const largeSpacing = 5 * Second

// slotBits is how many bits of a TunnelID hold the tunnel's index; the rest is
// a serial number, so that no id comes twice in a run.
const slotBits = 20

// peerVersion is the router version that all peers publish, 0.9.65.
const peerVersion = 9<<8 | 65

func (w *World) resetCore() error {
	c := &w.core
	d := &w.cfg.Destination
	c.only, c.fallible = nil, false
	c.on = balanced(d.Scheme)
	c.garlic = c.on && d.Policy.Bundle == bundleGarlic
	if !c.on {
		return nil
	}
	c.inputs.reset()
	c.orders.reset()
	c.wake = balancer.Event{Kind: balancer.EventWake, Router: balancer.None, Floodfill: balancer.None}
	for len(c.lists) < len(d.Routers) {
		c.lists = append(c.lists, peerList{})
	}
	for i := range c.lists {
		c.lists[i].version = noVersion
		c.lists[i].peers = c.lists[i].peers[:0]
	}
	n := max(1, d.subs())
	for len(c.each) < n {
		c.each = append(c.each, driver{index: int32(len(c.each))})
	}
	c.each = c.each[:n]
	if n == 1 {
		c.only = &c.each[0]
	}
	first := int32(0)
	for k := range c.each {
		v := &c.each[k]
		v.first, v.count = first, 0
		for int(first) < len(d.Routers) && d.subOf(int(first)) == k {
			v.count++
			first++
		}
		if err := w.resetDriver(v); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) resetDriver(c *driver) error {
	c.ready = c.ready[:0]
	c.due, c.armed, c.rank, c.busy = Never, Never, 0, false
	c.served, c.unused, c.keys, c.sent = c.served[:0], c.unused[:0], 0, 0
	if err := w.makePolicy(c); err != nil {
		return err
	}
	w.core.fallible = c.fallible != nil
	w.configureCore(c)
	if c.core == nil {
		c.core = balancer.New(c.cfg)
	} else {
		c.core.Reset(c.cfg)
	}
	x := w.newInputOf(c, balancer.EventClock, balancer.None)
	w.core.inputs.at(x).ev.At = w.epoch
	w.deliver(x)
	return nil
}

// driverOf is the driver of the core that a router is under.
func (w *World) driverOf(router int32) *driver {
	if w.core.only != nil {
		return w.core.only
	}
	return &w.core.each[w.cfg.Destination.subOf(int(router))]
}

// makePolicy makes the policy anew only if it is another one than before.
func (w *World) makePolicy(c *driver) error {
	p := &w.cfg.Destination.Policy
	r := &w.cfg.Destination.Routers[c.first]
	opt := policy.DefaultOptions()
	opt.Reuse = r.Reuse
	opt.Slices, opt.IBGWFilter = r.Slices, r.IBGWFilter
	opt.MaxPeerShare, opt.SameSubnet = r.MaxPeerShare, r.SameSubnet
	if p.Publisher != "" {
		opt.Publisher = p.Publisher
	}
	if p.Bundle != "" && p.Bundle != bundleGarlic {
		opt.Bundle = p.Bundle
	}
	opt.Rotate = p.Rotate
	switch p.PinnedFor {
	case 0:
	case PinnedTunnels:
		opt.PinnedFor = 0
	default:
		opt.PinnedFor = p.PinnedFor
	}
	opt.Masked = p.Failover == failoverMasked
	if p.Size > 0 {
		opt.Size = p.Size
	}
	if p.From != "" {
		opt.From = p.From
	}
	var err error
	if opt.Without, err = policy.ParseRules(RulesOf(p.Without)); err != nil {
		return bad("destination.policy.without", "%v", err)
	}
	if c.policy != nil && c.name == p.Name && c.maker == p.Maker && c.opt == opt {
		return nil
	}
	var made balancer.Policy
	if p.Maker != nil {
		made, err = p.Maker.New(opt)
	} else {
		made, err = policy.New(p.Name, opt)
	}
	if err != nil {
		return bad("destination.policy", "%v", err)
	}
	c.policy, c.name, c.maker, c.opt = made, p.Name, p.Maker, opt
	c.fallible, _ = made.(policy.Fallible)
	return nil
}

// PolicyError ends a trial in which the policy failed.
type PolicyError struct {
	Policy string
	Err    error // the first failure
}

// Error names the policy and what went wrong.
func (e *PolicyError) Error() string {
	return fmt.Sprintf("policy %s failed: %v", e.Policy, e.Err)
}

// Unwrap returns the failure itself.
func (e *PolicyError) Unwrap() error { return e.Err }

// policyFailed returns the policy's first failure in this trial, if there is one.
// Until it is asked the policy's base has decided, and the trial is not the one
// that the scenario wants.
func (w *World) policyFailed() error {
	if !w.core.fallible {
		return nil
	}
	for k := range w.core.each {
		if f := w.core.each[k].fallible.Failures(); f.N > 0 {
			return &PolicyError{w.cfg.Destination.Policy.Name, f.First}
		}
	}
	return nil
}

// RulesOf splits the rules that Policy.Without names.
func RulesOf(without string) []string {
	names := strings.FieldsFunc(without, func(c rune) bool { return c == ',' || c == ' ' })
	return slices.DeleteFunc(names, func(name string) bool { return name == "none" })
}

func (w *World) configureCore(c *driver) {
	d := &w.cfg.Destination
	routers := c.cfg.Routers[:0]
	own := d.Routers[c.first : c.first+c.count]
	for i := range own {
		r := &own[i]
		kind := balancer.KindJava
		if r.Kind == I2pd {
			kind = balancer.KindI2pd
		}
		routers = append(routers, balancer.RouterConfig{Kind: kind, Hops: r.Hops, Outbound: r.Outbound})
	}
	c.cfg = balancer.DefaultConfig()
	imitated := d.Policy.Imitate
	if imitated == "" {
		imitated = own[0].Kind
	}
	if imitated == I2pd {
		c.cfg.ImitateI2pd()
	}
	c.cfg.Routers = routers
	c.cfg.Leases = d.Leases
	c.cfg.MaxLeases = w.maxLeases()
	if d.Scheme == SchemeLargeLeaseSet {
		c.cfg.ComposeSpacing = largeSpacing
	}
	c.cfg.Policy = c.policy
	c.cfg.Rand = w.streams.rand[streamCore]
	c.cfg.PublishSpacing = w.spacing(imitated)
	if c.cfg.Verify = d.Policy.Verify; c.cfg.Verify == VerifyAuto {
		c.cfg.Verify = 0
		for i := range own {
			if !own[i].SpeaksP140 {
				c.cfg.Verify = naturalVerify
			}
		}
	}
	if d.Policy.PeerRefresh > 0 {
		c.cfg.PeerRefresh = d.Policy.PeerRefresh
	}
	if d.Policy.HeartbeatMisses > 0 {
		c.cfg.HeartbeatMisses = d.Policy.HeartbeatMisses
	}
	if d.Policy.Heartbeat > 0 {
		c.cfg.Heartbeat = d.Policy.Heartbeat
	}
}

// newInput takes an event of a router for its core, empty but for kind and router.
func (w *World) newInput(kind balancer.EventKind, router balancer.RouterID) int32 {
	c := w.driverOf(int32(router))
	return w.newInputOf(c, kind, router-balancer.RouterID(c.first))
}

// newInputOf takes an event for a core, which numbers its routers from 0.
func (w *World) newInputOf(c *driver, kind balancer.EventKind, router balancer.RouterID) int32 {
	x := w.core.inputs.take()
	in := w.core.inputs.at(x)
	in.core = c.index
	in.ev = balancer.Event{Kind: kind, Router: router, Floodfill: balancer.None}
	in.peers, in.tunnels, in.leases, in.notes, in.list = in.peers[:0], in.tunnels[:0], in.leases[:0], in.notes[:0], nil
	return x
}

// deliver sends an event to its core.
func (w *World) deliver(x int32) {
	if d := w.cfg.Destination.ControlDelay; d > 0 {
		w.push(w.now+d, evCoreEvent, x, 0)
		return
	}
	w.coreEvent(x)
}

// coreEvent lets event x reach its core: it gives the core all events that have
// reached it, and carries out what it answers. With no control delay actions can cause
// further events at once; they queue up here instead of calling Step within Step.
func (w *World) coreEvent(x int32) {
	c := &w.core.each[w.core.inputs.at(x).core]
	c.ready = append(c.ready, x)
	if c.busy {
		return
	}
	c.busy = true
	w.takeReady(c)
}

// takeReady works off the events that have reached a core, while it is busy.
func (w *World) takeReady(c *driver) {
	for k := 0; k < len(c.ready); k++ {
		x := c.ready[k]
		in := w.core.inputs.at(x)
		in.lend()
		c.acts = c.core.Step(w.now, &in.ev, c.acts[:0])
		w.core.inputs.free(x)
		w.sendOrders(c)
	}
	c.ready = c.ready[:0]
	c.busy = false
	c.due = max(c.core.Deadline(), w.now)
	w.arm(c)
}

// arm has a core looked at when it is due. The only one is kept apart from the queue
// (see next).
func (w *World) arm(c *driver) {
	if c.due >= c.armed {
		return
	}
	c.armed = c.due
	if c == w.core.only {
		c.rank = w.queue.stamp()
		return
	}
	c.gen++
	w.pushGen(c.due, evCoreWake, c.gen, c.index, 0)
}

// sendOrders sends what a core's last Step wants done.
func (w *World) sendOrders(c *driver) {
	acts := c.acts
	for a := range acts {
		w.sendOrder(c, &acts[a])
	}
}

// coreWakes lets one of several cores do what is due, if it still is.
func (w *World) coreWakes(k int32, gen uint16) {
	c := &w.core.each[k]
	if gen != c.gen {
		return
	}
	c.armed = Never
	if c.due > w.now {
		w.arm(c)
		return
	}
	w.coreWake(c)
}

// coreWake lets a core do what is due.
func (w *World) coreWake(c *driver) {
	c.busy = true
	c.acts = c.core.Step(w.now, &w.core.wake, c.acts[:0])
	w.sendOrders(c)
	w.takeReady(c)
}

// sendOrder sends an action to its router. The action's slices are the core's,
// so a delayed one is copied.
func (w *World) sendOrder(c *driver, a *balancer.Action) {
	switch a.Kind { // what concerns no router
	case balancer.ActionRotateKeys:
		c.keys++
		return
	case balancer.ActionCarry:
		w.carries(c, a)
		return
	}
	d := w.cfg.Destination.ControlDelay
	if d == 0 {
		w.clients.taken = c.keys
		w.obey(c, a)
		return
	}
	x := w.core.orders.take()
	o := w.core.orders.at(x)
	o.path = append(o.path[:0], a.Path...)
	o.leases = append(o.leases[:0], a.Leases...)
	o.shadow = append(o.shadow[:0], a.Shadows...)
	o.notes = append(o.notes[:0], a.Notes...)
	o.act, o.core, o.keys = *a, c.index, c.keys
	w.push(w.now+d, evCommand, x, 0)
}

// command lets order x reach its router.
func (w *World) command(x int32) {
	o := w.core.orders.at(x)
	o.act.Path, o.act.Leases, o.act.Shadows, o.act.Notes = o.path, o.leases, o.shadow, o.notes
	w.clients.taken = o.keys
	w.obey(&w.core.each[o.core], &o.act)
	w.core.orders.free(x)
}

// obey lets a router carry out an action. A dead or frozen one does not.
func (w *World) obey(c *driver, a *balancer.Action) {
	i := c.first + int32(a.Router)
	r := &w.routers[i]
	if !r.up || r.stalled {
		return
	}
	switch a.Kind {
	case balancer.ActionCreateSession:
		w.deliver(w.newInput(balancer.EventSessionStatus, balancer.RouterID(i)))
	case balancer.ActionGetFastTier:
		w.tellFastTier(i, a.Version)
	case balancer.ActionCreateTunnel:
		w.createTunnel(i, a)
	case balancer.ActionDropTunnel:
		if y := w.tunnelByID(a.Tunnel, i); y != none {
			w.p140TunnelGone(y, balancer.ReasonDropped)
		}
	case balancer.ActionGetTunnelPool:
		w.tellTunnels(i, a.Direction)
	case balancer.ActionPublishLeaseSet:
		w.publishFor(i, a)
	case balancer.ActionHeartbeat:
		r.beat = a.Every
		r.beatFrom = w.now
	case balancer.ActionRelayAck:
		w.relayedAck(i, a.Published)
	case balancer.ActionLookup:
		w.lookUp(i)
	case balancer.ActionSendPacket:
		w.greet(i, c.placeOf(a.Client))
	case balancer.ActionConfigureTunnels:
		w.naturalKeep(i, a)
	case balancer.ActionGiveLeaseSet, balancer.ActionReplyLeaseRequest:
		r.pub.i2pd.requested = false
		if a.Shadows != nil {
			list := w.scratch.leases[:0]
			for k := range a.Leases {
				list = w.listed(i, list, &a.Leases[k])
			}
			w.takeShadows(i, a.Shadows, list)
			w.scratch.leases = list
		}
		r.keys = w.clients.taken
		if w.watch.bundles || w.clients.on {
			w.given(i, a)
		}
		if w.cfg.Destination.Policy.Bundle == policy.BundlePinned && r.mode == modeP140 {
			break // a LeaseSet of its own, beside the one that it publishes
		}
		// A router repeats no store of a LeaseSet that it knows a newer one of.
		r.ls.given = a.Published
		if r.cfg.Kind == I2pd {
			w.i2pdGiven(i)
		}
	case balancer.ActionOutdate:
		r.ls.given = max(r.ls.given, a.Published)
	case balancer.ActionNoteFloodfills:
		w.takeNotes(i, a.Notes)
	case balancer.ActionCloseSession:
	default:
		panic(fmt.Sprintf("sim: unknown action %d", a.Kind))
	}
}

// coreRouterUp tells the core that a router can be reached, after its clock.
func (w *World) coreRouterUp(i int32) {
	r := &w.routers[i]
	x := w.newInput(balancer.EventClock, balancer.RouterID(i))
	w.core.inputs.at(x).ev.At = w.epoch + r.skew
	w.deliver(x)
	x = w.newInput(balancer.EventRouterUp, balancer.RouterID(i))
	ev := &w.core.inputs.at(x).ev
	ev.Caps = balancer.CapP140
	if r.cfg.Kind == I2pd {
		ev.RouterKind = balancer.KindI2pd
		ev.Caps &^= balancer.CapFastTier // i2pd has no tiers
	}
	if r.mode == modeNatural {
		ev.Caps = balancer.CapLookup
	}
	w.deliver(x)
}

// coreRouterDown tells the core that a router's connection has broken.
func (w *World) coreRouterDown(i int32) {
	w.deliver(w.newInput(balancer.EventRouterLost, balancer.RouterID(i)))
}

// coreStalled lets the probes of a router that froze go unanswered: the next
// one is missed when the one after it is due.
func (w *World) coreStalled(i int32) {
	r := &w.routers[i]
	if !r.balanced() || r.beat == 0 {
		return
	}
	r.missed = 0
	sent := (w.now-r.beatFrom)/r.beat + 1
	w.pushGen(r.beatFrom+(sent+1)*r.beat, evBeat, r.boot, i, 0)
}

// probed handles the next probe of a router that froze.
func (w *World) probed(i int32) {
	r := &w.routers[i]
	if !r.stalled && r.missed == 0 {
		return
	}
	if r.stalled {
		r.missed++
		w.pushGen(w.now+r.beat, evBeat, r.boot, i, 0)
	} else {
		r.missed = 0
	}
	x := w.newInput(balancer.EventHeartbeat, balancer.RouterID(i))
	w.core.inputs.at(x).ev.Missed = r.missed
	w.deliver(x)
	if r.missed == 0 && r.mode == modeNatural {
		w.naturalTell(i)
	}
}

// tellFastTier answers GetFastTier.
func (w *World) tellFastTier(i int32, known uint64) {
	k := w.tierOf[i]
	x := w.newInput(balancer.EventPeerList, balancer.RouterID(i))
	in := w.core.inputs.at(x)
	in.ev.Others = int32(w.routers[i].cfg.Exploratory)
	if k != none {
		in.ev.Version = w.tiers.Version(int(k)) + 1 // never 0, which is "none known"
		if in.ev.Version == known {
			in.ev.Unchanged = true
		} else if list := w.peersOf(i, int(k)); w.cfg.Destination.ControlDelay == 0 {
			in.list = list // which lasts until the core has read it
		} else {
			in.peers = append(in.peers, list.peers...)
		}
	}
	w.deliver(x)
}

// peersOf describes the tiers of a router.
func (w *World) peersOf(i int32, k int) *peerList {
	l := &w.core.lists[i]
	version := w.tiers.Version(k)
	if l.version == version {
		return l
	}
	l.version = version
	fast := w.tiers.Fast(k)
	n := 0
	if words := w.pop.Len()/64 + 1; len(w.scratch.bits) != words {
		w.scratch.bits = resized(w.scratch.bits, words)
	}
	listed := w.scratch.bits
	for _, id := range fast {
		n = w.describe(l, n, id, balancer.PeerFast)
		listed[id/64] |= 1 << (id % 64)
	}
	for _, id := range w.tiers.HighCapacity(k) {
		if listed[id/64]>>(id%64)&1 == 0 {
			n = w.describe(l, n, id, 0)
		}
	}
	for _, id := range fast {
		listed[id/64] = 0
	}
	l.peers = l.peers[:n]
	return l
}

// describe puts a peer into place n of a list and returns the next place.
func (w *World) describe(l *peerList, n int, id int32, fast balancer.PeerFlags) int {
	if n < len(l.peers) && l.peers[n].ID == balancer.PeerID(id) {
		l.peers[n].Flags = l.peers[n].Flags&^balancer.PeerFast | fast
		return n + 1
	}
	p := balancer.Peer{
		ID: balancer.PeerID(id), Hash: w.pop.HashWords(id), Port: w.pop.Port(id),
		Family: uint32(w.pop.Family(id)), Flags: fast, Version: peerVersion,
	}
	if w.pop.Reachable(id) {
		p.Flags |= balancer.PeerReachable
	}
	if w.pop.IPv4(id) {
		p.Flags |= balancer.PeerIPv4
		p.Net16 = w.pop.Slash16(id)
	}
	if w.pop.Floodfill(id) {
		p.Flags |= balancer.PeerFloodfill
	}
	if n < len(l.peers) {
		l.peers[n] = p
	} else {
		l.peers = append(l.peers, p)
	}
	return n + 1
}

// createTunnel starts the build that the core asks for.
func (w *World) createTunnel(i int32, a *balancer.Action) {
	r := &w.routers[i]
	var path [maxHops]int32
	n, inherited := 0, false
	switch {
	case len(a.Path) > maxHops:
	case len(a.Path) > 0:
		for k, p := range a.Path {
			path[k] = int32(p)
		}
		n = len(a.Path)
		inherited = w.expiringPath(a.Direction, path[:n])
	default:
		if y := w.tunnelByID(a.Tunnel, i); y != none {
			path, n, inherited = w.tunnels.at(y).path, int(w.tunnels.at(y).hops), true
		} else if r.cfg.Kind == I2pd {
			n = w.i2pdPath(r, a.Direction, &path)
		} else {
			n = w.choosePath(i, a.Direction, &path)
		}
	}
	if n == 0 {
		w.tunnelStatus(i, a.Direction, int64(a.Request), balancer.ResultNoPeers, none)
		return
	}
	if x := w.startBuild(i, a.Direction, path[:n], inherited); x != none {
		w.builds.at(x).request = int64(a.Request)
	}
}

// expiringPath tells whether some router has a tunnel along the path that will
// soon expire, so that the core is repeating it: right but for coincidences in
// small tiers, and for the truth only.
func (w *World) expiringPath(dir balancer.Direction, path []int32) bool {
	if *w.endingAt(path[len(path)-1]) == 0 {
		return false
	}
	for i := range w.routers {
		for _, y := range w.routers[i].pools[dir].members {
			if t := w.tunnels.at(y); t.early < w.now+reuseWindow && slices.Equal(t.path[:t.hops], path) {
				return true
			}
		}
	}
	return false
}

// tunnelStatus answers CreateTunnel.
func (w *World) tunnelStatus(i int32, dir balancer.Direction, request int64, result balancer.Result, y int32) {
	x := w.newInput(balancer.EventTunnelStatus, balancer.RouterID(i))
	ev := &w.core.inputs.at(x).ev
	ev.Request, ev.Result, ev.Direction = balancer.RequestID(request), result, dir
	ev.Tunnel.ID = balancer.None
	if y != none {
		ev.Tunnel = w.describeTunnel(y)
		if dir == balancer.Inbound {
			w.routers[i].told, w.routers[i].toldAt = ev.Tunnel.ID, w.now
		}
	}
	w.deliver(x)
}

func (w *World) describeTunnel(y int32) balancer.Tunnel {
	t := w.tunnels.at(y)
	d := balancer.Tunnel{
		ID: w.tunnelID(y), Direction: t.dir, Gateway: balancer.PeerID(t.gateway()),
		ReceiveID: t.number, Created: t.created, End: Time(t.endMs) * Millisecond, Hops: t.hops,
	}
	for k, peer := range t.path[:t.hops] {
		d.Path[k] = balancer.PeerID(peer)
	}
	return d
}

func (w *World) tunnelID(y int32) balancer.TunnelID {
	return balancer.TunnelID(w.tunnels.at(y).serial<<slotBits | int64(y))
}

// tunnelByID finds a tunnel of router i that is still in its pool.
func (w *World) tunnelByID(id balancer.TunnelID, i int32) int32 {
	y := int32(id & (1<<slotBits - 1))
	if id < 0 || int(y) >= len(w.tunnels.items) {
		return none
	}
	t := w.tunnels.at(y)
	if t.serial != int64(id>>slotBits) || t.router != i || !contains(w.routers[i].pools[t.dir].members, y) {
		return none
	}
	return y
}

// p140BuildReplied handles the reply to a build that the core asked for.
func (w *World) p140BuildReplied(x int32) {
	b := w.builds.at(x)
	i, dir, request := b.router, b.dir, b.request
	if b.outcome == outcomeRejected {
		w.out.Truth.BuildRejects++
		w.endBuild(x)
		w.tunnelStatus(i, dir, request, balancer.ResultRejected, none)
		return
	}
	y := w.addTunnel(x)
	w.endBuild(x)
	w.tunnelStatus(i, dir, request, balancer.ResultOK, y)
}

// p140BuildGivenUp ends a router's patience; the reply may still come. The core
// counts a Java router's 5 s itself, in the passes of its own build loop, so
// that only an i2pd router's timeout is news.
func (w *World) p140BuildGivenUp(x int32) {
	b := w.builds.at(x)
	i, dir, request := b.router, b.dir, b.request
	if b.timedOut || w.routers[i].stalled {
		return
	}
	w.out.Truth.BuildTimeouts++
	w.buildTimedOut(x)
	if w.routers[i].cfg.Kind == I2pd {
		w.tunnelStatus(i, dir, request, balancer.ResultTimeout, none)
	}
}

// p140TunnelGone takes a tunnel out of its pool and tells the core why, unless
// it expired: that the core knows, and its notice would be a tenth of all
// events.
func (w *World) p140TunnelGone(y int32, reason balancer.Reason) {
	t := w.tunnels.at(y)
	if w.routers[t.router].stalled {
		return
	}
	if reason == balancer.ReasonExpired {
		w.removeTunnel(y)
		return
	}
	x := w.newInput(balancer.EventTunnelExpired, balancer.RouterID(t.router))
	ev := &w.core.inputs.at(x).ev
	ev.Tunnel, ev.Direction, ev.Reason = w.describeTunnel(y), t.dir, reason
	w.removeTunnel(y)
	w.deliver(x)
}

// tellTunnels answers GetTunnelPool.
func (w *World) tellTunnels(i int32, dir balancer.Direction) {
	x := w.newInput(balancer.EventTunnelList, balancer.RouterID(i))
	in := w.core.inputs.at(x)
	in.ev.Direction = dir
	for _, y := range w.routers[i].pools[dir].members {
		in.tunnels = append(in.tunnels, w.describeTunnel(y))
	}
	w.deliver(x)
}

// publishFor stores the LeaseSet that the core has composed.
func (w *World) publishFor(i int32, a *balancer.Action) {
	if len(a.Leases) == 0 {
		return
	}
	if w.outdated(i, a) {
		x := w.newInput(balancer.EventPublishStatus, balancer.RouterID(i))
		ev := &w.core.inputs.at(x).ev
		ev.Published, ev.Result, ev.Final = a.Published, balancer.ResultOutdated, true
		w.deliver(x)
		return
	}
	x := w.newSet(i)
	s := w.sets.at(x)
	s.published, s.expires, s.keys = a.Published, a.Expires, w.clients.taken
	for k := range a.Leases {
		s.leases = w.listed(i, s.leases, &a.Leases[k])
	}
	w.countVersion(s)
	r := &w.routers[i]
	r.keys = s.keys
	w.driverOf(i).sent = s.published
	if r.mode == modeNatural {
		w.naturalPublishes(i, x)
	}
	if w.cfg.Destination.Policy.Bundle == policy.BundlePinned {
		r.ls.given = a.Published // of what it is given to bundle, nothing is a newer version of this
	}
	if r.ls.set != none {
		w.releaseSet(r.ls.set)
	}
	r.ls.set = w.holdSet(x)
	r.ls.joint = a.Shadows != nil
	w.takeShadows(i, a.Shadows, s.leases)
	if r.cfg.Kind == I2pd {
		// It chooses its tunnels itself, and its acks always come home.
		w.releaseSet(x)
		w.i2pdStopAsking(i)
		w.i2pdPublish(i)
		return
	}
	w.countPublish()
	k := w.newStore(i, x, false)
	w.releaseSet(x)
	j := w.stores.at(k)
	if a.OutboundTunnel != balancer.None {
		if y := w.tunnelByID(a.OutboundTunnel, i); y != none {
			j.outbound, j.outGen = y, w.tunnels.gens[y]
		}
	}
	if n := a.ReplyLease; n >= 0 && int(n) < len(s.leases) {
		j.reply = n
	}
	w.storeNext(k)
}

// knownBy is how long a router takes the core not to know of a tunnel. Our choice:
// above what any control delay is meant to be.
const knownBy = 5 * Second

// outdated tells whether router i has built an inbound tunnel that the core did not know
// of when it had it publish: alone it would not have published, but begun anew with that
// tunnel.
func (w *World) outdated(i int32, a *balancer.Action) bool {
	r := &w.routers[i]
	return a.Tunnel != balancer.None && r.told != a.Tunnel && w.now-r.toldAt < knownBy
}

// listed appends a lease as the core of router i lists it, with what will become of it.
func (w *World) listed(i int32, dst []lease, l *balancer.Lease) []lease {
	if f := w.fate(int64(l.Tunnel >> slotBits)); f != nil {
		dst = append(dst, f.lease)
	} else {
		dst = append(dst, lease{
			gateway: int32(l.Gateway), number: l.ReceiveID, near: w.pop.NearWord(int32(l.Gateway)),
			router: w.driverOf(i).first + int32(l.Router),
		})
	}
	dst[len(dst)-1].end = int64(l.End / Second)
	return dst
}

// takeShadows notes which of router i's tunnels the leases that it publishes stand
// for, and which lead nowhere.
func (w *World) takeShadows(i int32, shadows []balancer.TunnelID, leases []lease) {
	for k, id := range shadows {
		if id == balancer.Silent {
			leases[k].silent = true
			for _, y := range w.routers[i].pools[balancer.Inbound].members {
				if t := w.tunnels.at(y); t.shadow && t.answers.number == leases[k].number {
					t.answers.silent, leases[k].own, leases[k].stands = true, true, t.answers.stands
				}
			}
			continue
		}
		leases[k].own = leases[k].router == i
		if y := w.tunnelByID(id, i); y != none {
			t := w.tunnels.at(y)
			leases[k].own, leases[k].stands = true, min(t.broken, t.expires)
			t.shadow, t.answers = true, leases[k]
		}
	}
}

// p140PublishStatus reports on a store: an ack is (OK, final), an attempt
// without one (Timeout, not final), giving up (Failed, final).
func (w *World) p140PublishStatus(k int32, result balancer.Result, final bool) {
	j := w.stores.at(k)
	x := w.newInput(balancer.EventPublishStatus, balancer.RouterID(j.router))
	ev := &w.core.inputs.at(x).ev
	ev.Published, ev.Result, ev.Final = w.sets.at(j.set).published, result, final
	if j.sentTo != none {
		ev.Floodfill = w.floodfillID(j.sentTo)
	}
	w.deliver(x)
}

// floodfillID numbers the floodfills after all other routers.
func (w *World) floodfillID(f int32) balancer.PeerID {
	return balancer.PeerID(w.pop.Len() + len(w.routers) + int(f))
}

// p140RelayAck passes an ack up that came through another router's tunnel than
// the publisher's.
func (w *World) p140RelayAck(m *mail) {
	j := w.stores.at(m.job)
	x := w.newInput(balancer.EventAckRelayed, balancer.RouterID(m.reply.router))
	ev := &w.core.inputs.at(x).ev
	ev.Published, ev.Floodfill = w.sets.at(j.set).published, w.floodfillID(m.ff)
	w.deliver(x)
}

// relayedAck handles an ack that the core has passed down to the publisher.
func (w *World) relayedAck(i int32, published int64) {
	for k := range w.stores.items {
		j := w.stores.at(int32(k))
		if j.live && !j.lookup && !j.verify && !j.meta && j.router == i && w.sets.at(j.set).published == published {
			at := w.now
			if w.routers[i].ls.joint {
				// The balancer says how long it has been under way.
				at = max(j.sentAt, at-2*w.cfg.Destination.ControlDelay)
			}
			w.ackTaken(int32(k), j.attempt, j.sentTo, at)
			return
		}
	}
}

// lookUp asks a floodfill for our own LeaseSet, as the core wishes.
func (w *World) lookUp(i int32) {
	k := w.stores.take()
	*w.stores.at(k) = storeJob{
		router: i, key: w.routers[i].key, set: none, started: w.now, live: true, lookup: true,
		outbound: none, reply: none, stored: none, sentTo: none,
	}
	w.verifyAsk(k)
}

// lookedUp reports what a lookup has found, if anything, and ends it.
func (w *World) lookedUp(k, found int32) {
	j := w.stores.at(k)
	x := w.newInput(balancer.EventLookupResult, balancer.RouterID(j.router))
	ev := &w.core.inputs.at(x).ev
	if found != none {
		ev.Published, ev.Ours = w.sets.at(found).published, true
		if w.routers[j.router].mode == modeNatural {
			ev.Published = w.driverOf(j.router).sent // all that is told is that there is one
		}
	}
	if j.sentTo != none {
		ev.Floodfill = w.floodfillID(j.sentTo)
	}
	w.deliver(x)
	w.endStore(k)
}

// candidatesOf is the number of peers that the core may draw a router's IBGWs from.
func (w *World) candidatesOf(i int32) int {
	c := w.driverOf(i)
	return c.core.Candidates(balancer.PoolID(i - c.first))
}
