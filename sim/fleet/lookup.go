package fleet

import (
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// How long a lookup takes through tunnels, a first-order guess.
const (
	lookupMin = 500 * sim.Millisecond
	lookupMax = 3 * sim.Second
)

// hostLookup answers a HostLookup by hash, or by an address that is one.
func (f *Fleet) hostLookup(c *i2cp.ServerConn, m *i2cp.HostLookup) {
	reply := &i2cp.HostReply{Session: m.Session, Request: m.Request, Code: i2cp.LookupFailed}
	hash := m.Hash
	switch m.Kind {
	case i2cp.LookupHash:
	case i2cp.LookupName:
		h, err := wire.ParseB32(m.Name)
		if err != nil {
			_ = c.TrySend(reply) // there is no address book
			return
		}
		hash = h
	default:
		reply.Code = i2cp.LookupUnsupported
		_ = c.TrySend(reply)
		return
	}
	f.after(f.between(lookupMin, lookupMax), func() {
		if d := f.destination(hash); d != nil {
			reply.Code, reply.Destination = i2cp.LookupOK, d
		}
		_ = c.TrySend(reply)
	})
}

// destLookup answers a DestLookup.
func (f *Fleet) destLookup(c *i2cp.ServerConn, m *i2cp.DestLookup) {
	hash := m.Hash
	f.after(f.between(lookupMin, lookupMax), func() {
		reply := &i2cp.DestReply{Destination: f.destination(hash)}
		if reply.Destination == nil {
			reply.Hash = &hash
		}
		_ = c.TrySend(reply)
	})
}

// destination returns a Destination that has a LeaseSet in the netDb, or nil.
func (f *Fleet) destination(hash wire.Hash) []byte {
	s := f.services[hash]
	if s == nil {
		return nil
	}
	if _, _, ok := s.found(); !ok {
		return nil
	}
	return s.dest.Bytes()
}

// lookupLeaseSet begins a LookupLeaseSet: of the session's own Destination
// through its tunnels, of another past them.
func (x *session) lookupLeaseSet(c *i2cp.ServerConn, m *i2cp.LookupLeaseSet) {
	f := x.service.fleet
	a := asked{c, m.Request}
	if m.Hash == x.service.hash {
		x.lookups = append(x.lookups, a)
		x.service.world.Do(x.router, sim.Action{Kind: sim.ActionLookup})
		return
	}
	hash := m.Hash
	timeout := sim.Time(m.Timeout) * sim.Millisecond
	takes := f.between(lookupMin, lookupMax)
	f.after(min(takes, timeout), func() {
		reply := &i2cp.LookupResult{Session: x.rs.ID(), Request: a.request, Result: i2cp.ResultFailed}
		s := f.services[hash]
		switch {
		case takes > timeout:
			reply.Result = i2cp.ResultTimeout
		case s != nil:
			s.fill(reply)
		}
		x.answer(a.conn, reply)
	})
}

// lookupResult answers the first of the lookups that are under way; they are
// all the same.
func (x *session) lookupResult(ev *sim.Event) {
	if len(x.lookups) == 0 {
		return
	}
	a := x.lookups[0]
	x.lookups = x.lookups[1:]
	reply := &i2cp.LookupResult{Session: x.rs.ID(), Request: a.request, Result: i2cp.ResultFailed, Floodfill: x.service.floodfill(ev.Floodfill)}
	if set, ok := x.service.sets[ev.Published]; ok {
		reply.Result, reply.StoreType, reply.LeaseSet = i2cp.ResultOK, set.kind, set.bytes
	}
	x.answer(a.conn, reply)
}

// fill puts what the netDb has into the answer to a lookup.
func (s *service) fill(reply *i2cp.LookupResult) {
	set, where, ok := s.found()
	reply.Floodfill = s.floodfill(where.Floodfill)
	if ok {
		reply.Result, reply.StoreType, reply.LeaseSet = i2cp.ResultOK, set.kind, set.bytes
	}
}
