package fleet

import (
	"strconv"
	"strings"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// stock is what an i2pd router does by itself for a session: it keeps tunnels,
// asks for a LeaseSet with each inbound one, and stores it.
type stock struct {
	session  *session
	quantity [2]int // by direction
	hops     [2]int
	explicit []sim.PeerID // the path of all tunnels, or as many of it as they have hops
	pinned   bool         // explicit counts, even if it is empty: then there are no tunnels
	public   bool
	accepted bool // messages are reported as accepted

	waits   uint64 // the request that is open; 0 for none
	asks    uint64
	checks  uint64 // readiness checks; the last one counts
	given   *leaseSet
	retries bool // a publish waits for tunnels
}

// Facts of i2pd 2.58, where 2.45 has no others.
const (
	// It waits so long for a LeaseSet that it asked for before it closes the
	// connection, and looks again after this whether there is an outbound
	// tunnel, without which it asks for none (I2CP.h,
	// I2CP_LEASESET_CREATION_TIMEOUT, I2CP_DESTINATION_READINESS_CHECK_INTERVAL).
	leaseSetPatience = 10 * sim.Second
	readinessCheck   = 5 * sim.Second
	publishRetry     = 1800 * sim.Millisecond // PUBLISH_CONFIRMATION_TIMEOUT

	// The first round is wanted after 0 to 9 s, each further one 10 to 14 s after
	// the last; the router looks every 5 s, right after it has looked for tunnels
	// to recreate where it does both (TUNNEL_POOL_MANAGE_INTERVAL,
	// TUNNEL_POOLS_MANAGE_INTERVAL, TunnelPool::ManageTunnels).
	firstRange   = 10 * sim.Second
	lookEvery    = 5 * sim.Second
	roundEvery   = 3 * lookEvery
	tickEvery    = 15 * sim.Second  // TUNNEL_MANAGE_INTERVAL
	recreateAge  = 570 * sim.Second // 660 s - TUNNEL_RECREATION_THRESHOLD
	listedAge    = 600 * sim.Second // 660 s - TUNNEL_EXPIRATION_THRESHOLD
	backupLeases = 2                // LeaseSetDestination::UpdateLeaseSet
	stockTunnels = 5                // DEFAULT_INBOUND_TUNNELS_QUANTITY and its like
	stockHops    = 3                // DEFAULT_INBOUND_TUNNEL_LENGTH

	// A lease's end is put off by up to 2 s as its tunnel ages, so that each
	// LeaseSet of the old kind is newer (LocalLeaseSet::LocalLeaseSet).
	leaseDrift, leaseDriftOver = 2, 660
)

// maxBuilds is how many builds a round begins in each direction
// (TUNNEL_POOL_MAX_NUM_BUILD_REQUESTS).
var maxBuilds = map[StockVersion]int{Stock245: 2, Stock258: 3}

// newStock begins the pools of a session.
func newStock(x *session) *stock {
	k := &stock{session: x, quantity: [2]int{stockTunnels, stockTunnels}, hops: [2]int{stockHops, stockHops}, public: true}
	config := x.rs.Config()
	k.configure(config.Options)
	if text, ok := config.Options.Get("explicitPeers"); ok {
		k.pin(text)
	}
	if text, ok := config.Options.Get("i2cp.dontPublishLeaseSet"); ok {
		k.public = text != "true"
		if k.version() == Stock258 {
			k.public = boolean(text)
		}
	}
	reliability, _ := config.Options.Get("i2cp.messageReliability")
	k.accepted = reliability != "none"
	f := x.service.fleet
	tick := f.between(0, tickEvery)
	f.after(tick, k.tick)
	wanted := f.between(0, firstRange)
	first := tick % lookEvery
	for first <= wanted {
		first += lookEvery
	}
	f.after(first, k.round)
	return k
}

func (k *stock) version() StockVersion { return k.session.service.fleet.stockVersion() }

// boolean reads a value as LeaseSetDestination::GetBoolParamValue does.
func boolean(text string) bool {
	n, _ := strconv.Atoi(text)
	return text == "true" || n != 0
}

// configure takes the number and length of tunnels from options.
func (k *stock) configure(options wire.Mapping) {
	read := func(name string, into *int, lo, hi int) {
		if text, ok := options.Get(name); ok {
			if n, err := strconv.Atoi(text); err == nil {
				*into = max(lo, min(n, hi))
			}
		}
	}
	for dir, name := range [2]string{"inbound.", "outbound."} {
		read(name+"quantity", &k.quantity[dir], 1, wire.MaxLeases)
		read(name+"length", &k.hops[dir], 0, i2cp.MaxHops)
	}
}

// reconfigure is ReconfigureSession: unlike at the beginning, dontPublishLeaseSet
// means what it says in every version, and explicitPeers nothing.
func (k *stock) reconfigure(options wire.Mapping) {
	k.configure(options)
	if text, ok := options.Get("i2cp.dontPublishLeaseSet"); ok {
		k.public = text != "true"
	}
	if k.pinned {
		k.shorten()
	}
}

// pin takes the path of all tunnels, the first hop next to the router. There is
// one tunnel then in each direction, until the session is reconfigured.
func (k *stock) pin(text string) {
	k.pinned = true
	f := k.session.service.fleet
	for name := range strings.SplitSeq(text, ",") {
		h, err := wire.ParseHashBase64(name)
		id, known := f.peer(h)
		if err != nil || !known || int(id) >= f.network.Peers() {
			k.explicit = nil // it looks for the router, and builds nothing meanwhile
			return
		}
		k.explicit = append(k.explicit, id)
	}
	k.quantity = [2]int{1, 1}
	k.shorten()
}

// shorten makes tunnels no longer than their path.
func (k *stock) shorten() {
	for dir := range k.hops {
		k.hops[dir] = min(k.hops[dir], len(k.explicit), i2cp.MaxHops)
	}
}

// round is a pass of TunnelPool::ManageTunnels: builds for what is missing,
// outbound first. Builds under way do not count. Tests are the world's.
func (k *stock) round() {
	x := k.session
	if x.ended {
		return
	}
	f := x.service.fleet
	f.after(roundEvery, k.round)
	if x.asleep() {
		return
	}
	for _, dir := range [2]sim.Direction{sim.Outbound, sim.Inbound} {
		have := len(x.sorted(dir))
		if dir == sim.Inbound && have == 0 && (k.version() == Stock245 || k.hops[0] == k.hops[1]) {
			// The paths of outbound tunnels, the other way round.
			for _, t := range x.sorted(sim.Outbound) {
				if have < k.quantity[dir] && len(t.path) > 0 {
					k.build(dir, t.path, false)
					have++
				}
			}
		}
		for range min(k.quantity[dir]-have, maxBuilds[k.version()]) {
			k.build(dir, nil, false)
		}
	}
}

// build begins a build, along a path if one is given.
func (k *stock) build(dir sim.Direction, path []sim.PeerID, recreates bool) {
	x := k.session
	if x.inUse[dir] >= maxTunnels {
		return
	}
	a := sim.Action{Kind: sim.ActionCreateTunnel, Direction: dir, Hops: int32(k.hops[dir]), Tunnel: sim.None, Path: path}
	if path == nil && k.pinned {
		if len(k.explicit) == 0 {
			return
		}
		a.Path = k.explicit[:k.hops[dir]]
	}
	x.build(a, &buildRequest{recreates: recreates})
}

// tick is a pass of Tunnels::ManageTunnels: old tunnels are built again along
// their own paths, unless tunnels have another length by now.
func (k *stock) tick() {
	x := k.session
	if x.ended {
		return
	}
	f := x.service.fleet
	f.after(tickEvery, k.tick)
	if x.asleep() {
		return
	}
	now := f.clockNow() / sim.Second
	for _, dir := range [2]sim.Direction{sim.Inbound, sim.Outbound} {
		for _, t := range x.sorted(dir) {
			age := (now - t.created/sim.Second) * sim.Second
			if !t.recreated && age > recreateAge && len(t.path) == k.hops[dir] {
				t.recreated = true
				k.build(dir, t.path, true)
			}
			t.expiring = t.expiring || age > listedAge
		}
	}
}

// built handles the end of a build; t is nil where it failed.
func (k *stock) built(b *buildRequest, t *tunnel) {
	if t == nil || b.dir != sim.Inbound {
		return // the next round sees what is missing
	}
	if b.recreates {
		for _, old := range k.session.sorted(sim.Inbound) {
			if old.recreated && old.gateway == t.gateway {
				old.expiring = true
				break
			}
		}
	}
	k.ask()
}

// lost handles a tunnel that failed or expired.
func (k *stock) lost(t *tunnel, reason sim.Reason) {
	if t.dir == sim.Inbound && reason == sim.ReasonFailed {
		k.ask()
	}
}

// ask asks the client for a LeaseSet of the inbound tunnels there are, newest
// first. Nothing is asked for, now or later, while the client owes one.
func (k *stock) ask() {
	x := k.session
	f := x.service.fleet
	if x.ended || k.waits != 0 {
		return
	}
	k.checks++
	if k.version() == Stock258 && x.outbound(0) == nil {
		check := k.checks
		f.after(readinessCheck, func() {
			if check == k.checks {
				k.ask()
			}
		})
		return
	}
	m := &i2cp.RequestVariableLeaseSet{Session: x.rs.ID()}
	now := f.clockNow() / sim.Millisecond
	for _, t := range x.sorted(sim.Inbound) {
		begun := t.created / sim.Second * 1000
		end := begun + listedAge/sim.Millisecond
		if end <= now || len(m.Leases) >= min(k.quantity[sim.Inbound]+backupLeases, wire.MaxLeases) {
			continue
		}
		m.Leases = append(m.Leases, wire.Lease{
			Gateway: f.hash(t.gateway), Tunnel: wire.TunnelID(t.receive),
			End: wire.Date(end + (now-begun)*leaseDrift/leaseDriftOver),
		})
	}
	if len(m.Leases) == 0 {
		return
	}
	k.asks++
	k.waits = k.asks
	request := k.waits
	f.after(leaseSetPatience, func() { k.impatient(request) })
	x.notify(m)
}

// impatient ends the session if a request is still open.
func (k *stock) impatient(request uint64) {
	x := k.session
	switch {
	case k.waits != request:
	case x.asleep():
		x.service.fleet.after(sim.Second, func() { k.impatient(request) })
	default:
		x.end()
	}
}

// ready tells whether messages can be sent.
func (k *stock) ready() bool {
	now := int64(k.session.service.fleet.clockNow() / sim.Second)
	return k.given != nil && k.given.expires > now && k.session.outbound(0) != nil
}

// handle handles a message of a stock session.
func (k *stock) handle(c *i2cp.ServerConn, m i2cp.Message) error {
	switch m := m.(type) {
	case *i2cp.CreateLeaseSet2:
		return k.take(m.StoreType, m.LeaseSet)
	case *i2cp.CreateLeaseSet:
		return k.take(wire.StoreLeaseSet, m.LeaseSet)
	case *i2cp.SendMessage:
		k.send(c, m.Destination, m.Payload, m.Nonce)
	case *i2cp.SendMessageExpires: // i2pd reads neither flags nor expiration
		k.send(c, m.Destination, m.Payload, m.Nonce)
	case *i2cp.ReconfigureSession:
		k.reconfigure(m.Config.Options)
	default:
		return i2cp.ErrUnexpected
	}
	return nil
}

// take takes the LeaseSet that a client made.
func (k *stock) take(kind wire.StoreType, b []byte) error {
	k.waits = 0
	set, err := k.session.read(kind, b)
	if err != nil {
		return nil //nolint:nilerr // i2pd ignores what it cannot use
	}
	k.given, k.session.bundled = set, set
	if k.public {
		k.publish()
	}
	return nil
}

// publish stores the LeaseSet; the world keeps the spacing, and verifies. It
// also forgets a publish that lacks a tunnel, which is what 2.45.1 does.
func (k *stock) publish() {
	x := k.session
	if x.ended || k.retries {
		return
	}
	if k.version() == Stock258 && (x.outbound(0) == nil || len(x.sorted(sim.Inbound)) == 0) {
		k.retries = true
		x.service.fleet.after(publishRetry, func() {
			k.retries = false
			k.publish()
		})
		return
	}
	x.service.publish(x.router, k.given, sim.None, sim.None, nil, sim.None)
}

// send sends a message. "Success" means that it has left.
func (k *stock) send(c *i2cp.ServerConn, dest, payload []byte, nonce uint32) {
	x := k.session
	status := func(state i2cp.MessageState) {
		if nonce != 0 {
			x.answer(c, &i2cp.MessageStatus{Session: x.rs.ID(), Message: x.rs.NextMessage(), Status: state, Nonce: nonce})
		}
	}
	if k.version() == Stock258 && !k.ready() {
		status(i2cp.MessageNoLocalTunnels)
		return
	}
	if k.accepted {
		status(i2cp.MessageAccepted)
	}
	if !k.ready() {
		status(i2cp.MessageNoLeaseSet) // it looks the Destination up in vain
		return
	}
	x.send(x.outbound(0), dest, payload, 0, status, func(bool) i2cp.MessageState { return i2cp.MessageSuccess })
}
