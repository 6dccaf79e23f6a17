package fleet

import (
	"slices"
	"strconv"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// stock is what a router does by itself for a session without the extension: it
// keeps tunnels, asks for a LeaseSet whenever the inbound ones change, and stores
// it.
type stock struct {
	session  *session
	quantity [2]int // by direction
	building [2]int
	waits    uint64 // for a LeaseSet, counted; 0 for none
	asks     uint64
	checking bool // whether there is an outbound tunnel, soon again
}

// leaseSetPatience is how long i2pd waits for a LeaseSet that it asked for
// before it closes the connection, and readinessCheck when it looks again whether
// there is an outbound tunnel, without which it asks for none (I2CP.h,
// I2CP_LEASESET_CREATION_TIMEOUT, I2CP_DESTINATION_READINESS_CHECK_INTERVAL).
const (
	leaseSetPatience = 10 * sim.Second
	readinessCheck   = 5 * sim.Second
)

// Tunnels are replaced this long before they end, and a failed build is repeated
// after a pause.
const (
	replaceAhead = 90 * sim.Second
	buildPause   = 500 * sim.Millisecond
)

// newStock begins to build the tunnels of a session.
func newStock(x *session) *stock {
	k := &stock{session: x}
	k.configure()
	return k
}

// configure takes the number of tunnels from the session's options.
func (k *stock) configure() {
	config := k.session.rs.Config()
	for dir, name := range [2]string{"inbound.quantity", "outbound.quantity"} {
		k.quantity[dir] = 2
		if text, ok := config.Options.Get(name); ok {
			if n, err := strconv.Atoi(text); err == nil {
				k.quantity[dir] = max(1, min(n, wire.MaxLeases))
			}
		}
	}
	k.session.service.fleet.after(0, k.fill)
}

// fill begins the builds that are missing.
func (k *stock) fill() {
	x := k.session
	if x.ended {
		return
	}
	now := sim.Time(x.service.fleet.wall(x.service.fleet.now).UnixNano())
	for dir := range k.quantity {
		have := k.building[dir]
		for _, t := range x.tunnels {
			if int(t.dir) == dir && t.ends > now+replaceAhead {
				have++
			}
		}
		for ; have < k.quantity[dir]; have++ {
			k.building[dir]++
			x.build(sim.Action{Kind: sim.ActionCreateTunnel, Direction: sim.Direction(dir), Tunnel: sim.None}, asked{})
		}
	}
}

// built handles the end of a build. A late one is not counted as under way.
func (k *stock) built(dir sim.Direction, t *tunnel, late bool) {
	if !late {
		k.building[dir]--
	}
	f := k.session.service.fleet
	if t == nil {
		f.after(buildPause, k.fill)
		return
	}
	now := sim.Time(f.wall(f.now).UnixNano())
	f.after(t.ends-now-replaceAhead, k.fill)
	if dir == sim.Inbound {
		k.ask()
	}
}

// lost handles a tunnel that failed or expired.
func (k *stock) lost(t *tunnel) {
	k.session.service.fleet.after(0, k.fill)
	if t.dir == sim.Inbound {
		k.ask()
	}
}

// ask asks the client for a LeaseSet of the inbound tunnels there are, newest
// first. As i2pd does, it asks for nothing more while the client owes it one.
func (k *stock) ask() {
	x := k.session
	if x.ended || k.waits != 0 {
		return
	}
	if !k.ready() {
		if !k.checking {
			k.checking = true
			x.service.fleet.after(readinessCheck, func() {
				k.checking = false
				k.ask()
			})
		}
		return
	}
	m := &i2cp.RequestVariableLeaseSet{Session: x.rs.ID()}
	for _, t := range x.tunnels {
		if t.dir == sim.Inbound {
			m.Leases = append(m.Leases, wire.Lease{
				Gateway: x.service.hashOf(t.gateway), Tunnel: wire.TunnelID(t.receive), End: wire.Date(t.ends / sim.Millisecond),
			})
		}
	}
	if len(m.Leases) == 0 {
		return
	}
	slices.SortFunc(m.Leases, func(a, b wire.Lease) int {
		if a.End != b.End {
			return int(int64(b.End) - int64(a.End))
		}
		return int(int64(a.Tunnel) - int64(b.Tunnel))
	})
	m.Leases = m.Leases[:min(len(m.Leases), k.quantity[sim.Inbound], wire.MaxLeases)]
	k.asks++
	k.waits = k.asks
	waits := k.waits
	x.service.fleet.after(leaseSetPatience, func() {
		if k.waits == waits {
			x.end()
		}
	})
	x.notify(m)
}

// ready tells whether there is an outbound tunnel.
func (k *stock) ready() bool {
	for _, t := range k.session.tunnels {
		if t.dir == sim.Outbound {
			return true
		}
	}
	return false
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
	case *i2cp.SendMessageExpires:
		k.send(c, m.Destination, m.Payload, m.Nonce)
	case *i2cp.ReconfigureSession:
		k.configure()
	default:
		return i2cp.ErrUnexpected
	}
	return nil
}

// take stores the LeaseSet that a client made.
func (k *stock) take(kind wire.StoreType, b []byte) error {
	k.waits = 0
	return k.session.service.publish(k.session.router, kind, b, sim.None, sim.None)
}

func (k *stock) send(c *i2cp.ServerConn, dest, payload []byte, nonce uint32) {
	x := k.session
	message := x.rs.NextMessage()
	status := func(state i2cp.MessageState) {
		if nonce != 0 {
			x.answer(c, &i2cp.MessageStatus{Session: x.rs.ID(), Message: message, Status: state, Nonce: nonce})
		}
	}
	status(i2cp.MessageAccepted)
	x.send(k.ready(), dest, payload, status)
}
