package fleet

import (
	"slices"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// How long a message is under way through two tunnels, a first-order guess.
const (
	packetMin = 300 * sim.Millisecond
	packetMax = 1500 * sim.Millisecond
)

// knownMax is how many LeaseSets that came bundled a session keeps.
const knownMax = 64

// outbound returns the tunnel that something leaves through: the one named, or
// the oldest; nil if there is none.
func (x *session) outbound(named uint32) *tunnel {
	if t := x.byID[named]; t != nil && t.dir == sim.Outbound {
		return t
	}
	if list := x.sorted(sim.Outbound); len(list) > 0 {
		return list[len(list)-1]
	}
	return nil
}

// late tells whether something has expired before it leaves.
func (f *Fleet) late(expiration wire.Date) bool {
	return expiration != 0 && expiration < wire.Date(f.clockNow()/sim.Millisecond)
}

// sendPacket sends a packet through the outbound tunnel named, or another. Its
// status is the truth: routers know it by the acks in their garlic.
func (x *session) sendPacket(c *i2cp.ServerConn, m *i2cp.SendPacket) {
	through := x.outbound(m.Tunnel)
	x.send(through, m.Destination, m.Payload, m.Expiration, x.sendStatus(c, m.Request, through), func(delivered bool) i2cp.MessageState {
		if delivered {
			return i2cp.MessageSuccess
		}
		return i2cp.MessageFailure
	})
}

// sendStatus returns what reports on a SendPacket or GarlicDown, if that is wanted.
func (x *session) sendStatus(c *i2cp.ServerConn, request uint32, through *tunnel) func(i2cp.MessageState) {
	return func(state i2cp.MessageState) {
		if request == 0 {
			return
		}
		m := &i2cp.SendStatus{Session: x.rs.ID(), Request: request, Status: state}
		if through != nil {
			m.Tunnel = through.id
		}
		x.answer(c, m)
	}
}

// garlicDown sends garlic to a lease. What becomes of it nobody tells the router.
func (x *session) garlicDown(c *i2cp.ServerConn, m *i2cp.GarlicDown) {
	s := x.service
	f := s.fleet
	through := x.outbound(m.Tunnel)
	status := x.sendStatus(c, m.Request, through)
	switch {
	case f.late(m.Expiration):
		status(i2cp.MessageExpired)
		return
	case through == nil:
		status(i2cp.MessageNoLocalTunnels)
		return
	}
	id, known := f.peer(m.Gateway)
	at := entrance{id, uint32(m.Receive)}
	payload := slices.Clone(m.Payload)
	sound := s.world.Alive(x.router, through.world)
	f.after(f.between(packetMin, packetMax), func() {
		status(i2cp.MessageBestEffortSuccess)
		if !known || !sound {
			return
		}
		for _, s := range f.services {
			if to := s.reach(at); to != nil {
				to.receive(at, payload)
			}
		}
	})
}

// send delivers a payload to a Destination: to a lease of the LeaseSet that came
// bundled from there, or else of the one that the netDb has, and so to the router
// of that lease, if it still holds. done is told what became of it, which
// outcome says from whether it arrived.
func (x *session) send(through *tunnel, dest, payload []byte, expiration wire.Date, done func(i2cp.MessageState), outcome func(bool) i2cp.MessageState) {
	f := x.service.fleet
	d, _, err := wire.ParseDestination(dest)
	switch {
	case err != nil:
		done(i2cp.MessageBadDestination)
		return
	case f.late(expiration):
		done(i2cp.MessageExpired)
		return
	case through == nil:
		done(i2cp.MessageNoLocalTunnels)
		return
	}
	hash := d.Hash()
	payload = slices.Clone(payload)
	sound := x.service.world.Alive(x.router, through.world)
	f.after(f.between(packetMin, packetMax), func() {
		s := f.services[hash]
		if s == nil {
			done(i2cp.MessageNoLeaseSet)
			return
		}
		leases, state := x.leases(s)
		if len(leases) == 0 {
			done(state)
			return
		}
		l := leases[f.rng.IntN(len(leases))]
		at := entrance{l.Gateway, l.ReceiveID}
		arrived := false
		if to := s.reach(at); to != nil && sound {
			arrived = to.receive(at, payload)
			to.learn(x)
		}
		done(outcome(arrived))
	})
}

// leases returns the leases of a Destination that are still good, as far as a
// session knows or finds, and why there are none.
func (x *session) leases(s *service) ([]sim.Lease, i2cp.MessageState) {
	good := func(set *leaseSet) (leases []sim.Lease) {
		now := s.fleet.clockNow()
		for _, l := range set.leases {
			if l.End > now {
				leases = append(leases, l)
			}
		}
		return leases
	}
	if set := x.known[s.hash]; set != nil {
		if leases := good(set); len(leases) > 0 {
			return leases, 0
		}
		delete(x.known, s.hash)
	}
	set, _, ok := s.found()
	switch {
	case !ok:
		return nil, i2cp.MessageNoLeaseSet
	case set.kind == wire.StoreMetaLeaseSet:
		return nil, i2cp.MessageMetaLeaseSet
	}
	return good(set), i2cp.MessageExpiredLeaseSet
}

// learn notes the LeaseSet that another session's router has bundled with a
// message. Not where that session has a ratchet of its own: then bundling is its
// business.
func (x *session) learn(from *session) {
	set := from.bundled
	if set == nil || set.opaque() || from.rs.Garlic() {
		return
	}
	hash := from.service.hash
	if old := x.known[hash]; old != nil && old.published >= set.published {
		return
	}
	if len(x.known) >= knownMax {
		clear(x.known)
	}
	x.known[hash] = set
}

// receive hands a payload to the client that came in through a tunnel.
func (x *session) receive(at entrance, payload []byte) bool {
	id := uint32(0)
	if t := x.tunnels[x.service.tunnels[at].tunnel]; t != nil {
		id = t.id
	}
	var m i2cp.Message
	switch {
	case x.stock != nil:
		m = &i2cp.MessagePayload{Session: x.rs.ID(), Message: x.rs.NextMessage(), Payload: payload}
	case x.rs.Garlic():
		m = &i2cp.GarlicUp{Session: x.rs.ID(), Tunnel: id, Payload: payload}
	default:
		m = &i2cp.PacketReceived{Session: x.rs.ID(), Message: x.rs.NextMessage(), Tunnel: id, Payload: payload}
	}
	return x.rs.Send(m) == nil
}

// clockNow is the routers' wall clock.
func (f *Fleet) clockNow() sim.Time { return sim.Time(f.wall(f.now).UnixNano()) }

// realTime has something done after a span of real time, with the fleet locked.
func (f *Fleet) realTime(d time.Duration, do func()) {
	f.after(sim.Time(float64(d)*f.cfg.Speed), do)
}
