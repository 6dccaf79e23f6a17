package fleet

import (
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// How long a message is under way through two tunnels, a first-order guess.
const (
	packetMin = 300 * sim.Millisecond
	packetMax = 1500 * sim.Millisecond
)

// sendPacket sends a packet through the outbound tunnel named, or another.
func (x *session) sendPacket(c *i2cp.ServerConn, m *i2cp.SendPacket) error {
	through := uint32(0)
	for id, t := range x.byID {
		if t.dir == sim.Outbound && (through == 0 || id == m.Tunnel || id < through && through != m.Tunnel) {
			through = id
		}
	}
	request := m.Request
	x.send(through != 0, m.Destination, m.Payload, func(state i2cp.MessageState) {
		if request != 0 {
			x.answer(c, &i2cp.SendStatus{Session: x.rs.ID(), Request: request, Status: state, Tunnel: through})
		}
	})
	return nil
}

// send delivers a payload to a Destination: to a lease of the LeaseSet that the
// netDb has, and so to the router of that lease, if it still holds. done is told
// what became of it.
func (x *session) send(tunnels bool, dest, payload []byte, done func(i2cp.MessageState)) {
	f := x.service.fleet
	d, _, err := wire.ParseDestination(dest)
	if err != nil {
		done(i2cp.MessageBadDestination)
		return
	}
	if !tunnels {
		done(i2cp.MessageNoLocalTunnels)
		return
	}
	hash := d.Hash()
	payload = append([]byte(nil), payload...)
	f.after(f.between(packetMin, packetMax), func() {
		s := f.services[hash]
		if s == nil {
			done(i2cp.MessageNoLeaseSet)
			return
		}
		_, where, ok := s.found()
		if !ok {
			done(i2cp.MessageNoLeaseSet)
			return
		}
		l := where.Leases[f.rng.IntN(len(where.Leases))]
		to := s.sessions[l.Router]
		if !l.Alive || to == nil || !to.receive(entrance{l.Gateway, l.ReceiveID}, payload) {
			done(i2cp.MessageFailure)
			return
		}
		done(i2cp.MessageSuccess)
	})
}

// receive hands a payload to the client that came in through a tunnel.
func (x *session) receive(at entrance, payload []byte) bool {
	if x.stock != nil {
		return x.rs.Send(&i2cp.MessagePayload{Session: x.rs.ID(), Message: x.rs.NextMessage(), Payload: payload}) == nil
	}
	m := &i2cp.PacketReceived{Session: x.rs.ID(), Message: x.rs.NextMessage(), Payload: payload}
	if t := x.tunnels[x.service.tunnels[at].tunnel]; t != nil {
		m.Tunnel = t.id
	}
	return x.rs.Send(m) == nil
}
