package sim

import (
	"fmt"
	"slices"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// driver stands between the balancer core and the simulated routers: it turns
// the core's actions into commands to routers and what comes of them into
// events, each way with Destination.ControlDelay. It decides nothing.
type driver struct {
	on     bool
	core   *balancer.Balancer
	policy balancer.Policy
	// fallible is the policy where its own code can fail, else nil.
	fallible policy.Fallible
	name     string // of the policy, its maker and its options, as made
	maker    PolicyMaker
	opt      policy.Options
	cfg      balancer.Config
	acts     []balancer.Action
	busy     bool           // Step or its actions are under way
	wake     balancer.Event // EventWake, the most frequent of all

	inputs pool[input]
	ready  []int32 // inputs that reach the core now
	orders pool[order]
	due    Time   // when it wants to be woken
	armed  Time   // when it will be looked at, no later than due
	rank   uint32 // of that among the events of the same instant

	lists []peerList
}

// input is an event on its way to the core, with the memory of its slices.
type input struct {
	ev      balancer.Event
	peers   []balancer.Peer
	tunnels []balancer.Tunnel
	list    *peerList // in place of peers
}

// lend puts the event's slices in their places.
func (in *input) lend() {
	in.ev.Peers, in.ev.Tunnels = in.peers, in.tunnels
	if in.list != nil {
		in.ev.Peers = in.list.peers
	}
}

// order is an action on its way to its router, with the memory of its slices.
type order struct {
	act    balancer.Action
	path   []balancer.PeerID
	leases []balancer.Lease
}

// peerList is a router's answer to GetFastTier, kept because most of it is the
// same the next time.
type peerList struct {
	version uint64
	peers   []balancer.Peer
}

// slotBits is how many bits of a TunnelID hold the tunnel's index; the rest is
// a serial number, so that no id comes twice in a run.
const slotBits = 20

// peerVersion is the router version that all peers publish, 0.9.65.
const peerVersion = 9<<8 | 65

func (w *World) resetCore() error {
	c := &w.core
	d := &w.cfg.Destination
	c.on = d.Scheme == SchemeP140 || d.Scheme == SchemeLargeLeaseSet
	c.due, c.armed, c.rank = Never, Never, 0
	if !c.on {
		return nil
	}
	c.inputs.reset()
	c.orders.reset()
	c.ready = c.ready[:0]
	c.busy = false
	c.wake = balancer.Event{Kind: balancer.EventWake, Router: balancer.None, Floodfill: balancer.None}
	for len(c.lists) < len(d.Routers) {
		c.lists = append(c.lists, peerList{})
	}
	for i := range c.lists {
		c.lists[i].version = noVersion
		c.lists[i].peers = c.lists[i].peers[:0]
	}
	if err := w.makePolicy(); err != nil {
		return err
	}
	w.configureCore()
	if c.core == nil {
		c.core = balancer.New(c.cfg)
	} else {
		c.core.Reset(c.cfg)
	}
	x := w.newInput(balancer.EventClock, balancer.None)
	c.inputs.at(x).ev.At = w.epoch
	w.deliver(x)
	return nil
}

// makePolicy makes the policy anew only if it is another one than before.
func (w *World) makePolicy() error {
	c := &w.core
	p := &w.cfg.Destination.Policy
	r := &w.cfg.Destination.Routers[0]
	opt := policy.DefaultOptions()
	opt.Reuse = r.Reuse
	opt.Slices, opt.IBGWFilter = r.Slices, r.IBGWFilter
	opt.MaxPeerShare, opt.SameSubnet = r.MaxPeerShare, r.SameSubnet
	if p.Publisher != "" {
		opt.Publisher = p.Publisher
	}
	if p.Bundle != "" {
		opt.Bundle = p.Bundle
	}
	if c.policy != nil && c.name == p.Name && c.maker == p.Maker && c.opt == opt {
		return nil
	}
	var made balancer.Policy
	var err error
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
	c := &w.core
	if !c.on || c.fallible == nil {
		return nil
	}
	if f := c.fallible.Failures(); f.N > 0 {
		return &PolicyError{w.cfg.Destination.Policy.Name, f.First}
	}
	return nil
}

func (w *World) configureCore() {
	c := &w.core
	d := &w.cfg.Destination
	routers := c.cfg.Routers[:0]
	for i := range d.Routers {
		r := &d.Routers[i]
		kind := balancer.KindJava
		if r.Kind == I2pd {
			kind = balancer.KindI2pd
		}
		routers = append(routers, balancer.RouterConfig{Kind: kind, Hops: r.Hops, Outbound: r.Outbound})
	}
	c.cfg = balancer.DefaultConfig()
	imitated := d.Policy.Imitate
	if imitated == "" {
		imitated = d.Routers[0].Kind
	}
	if imitated == I2pd {
		c.cfg.ImitateI2pd()
	}
	c.cfg.Routers = routers
	c.cfg.Leases = d.Leases
	c.cfg.MaxLeases = w.maxLeases()
	c.cfg.Policy = c.policy
	c.cfg.Rand = w.streams.rand[streamCore]
	c.cfg.PublishSpacing = w.spacing(imitated)
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

// newInput takes an event for the core, empty but for kind and router.
func (w *World) newInput(kind balancer.EventKind, router balancer.RouterID) int32 {
	x := w.core.inputs.take()
	in := w.core.inputs.at(x)
	in.ev = balancer.Event{Kind: kind, Router: router, Floodfill: balancer.None}
	in.peers, in.tunnels, in.list = in.peers[:0], in.tunnels[:0], nil
	return x
}

// deliver sends an event to the core.
func (w *World) deliver(x int32) {
	if d := w.cfg.Destination.ControlDelay; d > 0 {
		w.push(w.now+d, evCoreEvent, x, 0)
		return
	}
	w.core.ready = append(w.core.ready, x)
	w.drain()
}

// coreEvent lets event x reach the core.
func (w *World) coreEvent(x int32) {
	w.core.ready = append(w.core.ready, x)
	w.drain()
}

// drain gives the core all events that have reached it, and carries out what
// it answers. With no control delay actions can cause further events at once;
// they queue up here instead of calling Step within Step.
func (w *World) drain() {
	c := &w.core
	if c.busy {
		return
	}
	c.busy = true
	w.takeReady()
}

// takeReady works off the events that have reached the core, while it is busy.
func (w *World) takeReady() {
	c := &w.core
	for k := 0; k < len(c.ready); k++ {
		x := c.ready[k]
		in := c.inputs.at(x)
		in.lend()
		c.acts = c.core.Step(w.now, &in.ev, c.acts[:0])
		c.inputs.free(x)
		w.sendOrders()
	}
	c.ready = c.ready[:0]
	c.busy = false
	c.due = max(c.core.Deadline(), w.now)
	w.arm()
}

// arm has the core looked at when it is due.
func (w *World) arm() {
	if c := &w.core; c.due < c.armed {
		c.armed, c.rank = c.due, w.queue.stamp()
	}
}

// sendOrders sends what the last Step wants done.
func (w *World) sendOrders() {
	acts := w.core.acts
	for a := range acts {
		w.sendOrder(&acts[a])
	}
}

// coreWake lets the core do what is due.
func (w *World) coreWake() {
	c := &w.core
	c.busy = true
	c.acts = c.core.Step(w.now, &c.wake, c.acts[:0])
	w.sendOrders()
	w.takeReady()
}

// sendOrder sends an action to its router. The action's slices are the core's,
// so a delayed one is copied.
func (w *World) sendOrder(a *balancer.Action) {
	d := w.cfg.Destination.ControlDelay
	if d == 0 {
		w.obey(a)
		return
	}
	x := w.core.orders.take()
	o := w.core.orders.at(x)
	o.path = append(o.path[:0], a.Path...)
	o.leases = append(o.leases[:0], a.Leases...)
	o.act = *a
	w.push(w.now+d, evCommand, x, 0)
}

// command lets order x reach its router.
func (w *World) command(x int32) {
	o := w.core.orders.at(x)
	o.act.Path, o.act.Leases = o.path, o.leases
	w.obey(&o.act)
	w.core.orders.free(x)
}

// obey lets a router carry out an action. A dead or frozen one does not.
func (w *World) obey(a *balancer.Action) {
	i := int32(a.Router)
	r := &w.routers[i]
	if !r.up || r.stalled {
		return
	}
	switch a.Kind {
	case balancer.ActionCreateSession:
		w.deliver(w.newInput(balancer.EventSessionStatus, a.Router))
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
	case balancer.ActionGiveLeaseSet:
		if w.watch.bundles {
			w.given(i, a)
		}
		if w.cfg.Destination.Policy.Bundle == policy.BundlePinned {
			break // a LeaseSet of its own, beside the one that it publishes
		}
		// A router repeats no store of a LeaseSet that it knows a newer one of.
		r.ls.given = a.Published
		if r.cfg.Kind == I2pd {
			w.i2pdGiven(i)
		}
	case balancer.ActionCloseSession, balancer.ActionReplyLeaseRequest:
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
	if r.mode != modeP140 || r.beat == 0 {
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
	end := path[len(path)-1]
	for i := range w.routers {
		if use := w.routers[i].use; int(end) < len(use) && use[end] == 0 {
			continue
		}
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
	x := w.newSet(i)
	s := w.sets.at(x)
	s.published, s.expires = a.Published, a.Expires
	for k := range a.Leases {
		s.leases = w.listed(s.leases, &a.Leases[k])
	}
	w.countVersion(s)
	r := &w.routers[i]
	if w.cfg.Destination.Policy.Bundle == policy.BundlePinned {
		r.ls.given = a.Published // of what it is given to bundle, nothing is a newer version of this
	}
	if r.ls.set != none {
		w.releaseSet(r.ls.set)
	}
	r.ls.set = w.holdSet(x)
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

// listed appends a lease as the core lists it, with what will become of it.
func (w *World) listed(dst []lease, l *balancer.Lease) []lease {
	if f := w.fate(int64(l.Tunnel >> slotBits)); f != nil {
		dst = append(dst, f.lease)
	} else {
		dst = append(dst, lease{
			gateway: int32(l.Gateway), number: l.ReceiveID, near: w.pop.NearWord(int32(l.Gateway)), router: int32(l.Router),
		})
	}
	dst[len(dst)-1].end = int64(l.End / Second)
	return dst
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
			w.ackTaken(int32(k), j.attempt, j.sentTo, w.now)
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
	}
	if j.sentTo != none {
		ev.Floodfill = w.floodfillID(j.sentTo)
	}
	w.deliver(x)
	w.endStore(k)
}
