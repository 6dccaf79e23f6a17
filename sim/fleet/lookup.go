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

// hostLookup answers a HostLookup by hash, by an address that is one, or, for its
// LeaseSet's options, by Destination. There is no address book. Kinds from 2 on
// are those of proposal 167; i2pd answers them as if nothing were found.
func (f *Fleet) hostLookup(c *i2cp.ServerConn, m *i2cp.HostLookup) {
	reply := &i2cp.HostReply{Session: m.Session, Request: m.Request, Code: i2cp.LookupFailed}
	answer := func() { _ = c.TrySend(reply) }
	key := m.Hash
	options := m.Kind >= i2cp.LookupHashWithOptions
	switch {
	case options && f.cfg.Stock:
		answer()
		return
	case m.Kind == i2cp.LookupHash, m.Kind == i2cp.LookupHashWithOptions:
	case m.Kind == i2cp.LookupName, m.Kind == i2cp.LookupNameWithOptions:
		h, err := wire.ParseB32(m.Name)
		if err != nil {
			answer()
			return
		}
		key = h
	case m.Kind == i2cp.LookupDestinationWithOptions:
		d, _, err := wire.ParseDestination(m.Destination)
		if err != nil {
			answer()
			return
		}
		key, reply.Destination = d.Hash(), d.Clone().Bytes()
	default:
		reply.Code = i2cp.LookupUnsupported
		answer()
		return
	}
	given := reply.Destination // may be said only where the code allows it
	reply.Destination = nil
	takes, timeout := f.between(lookupMin, lookupMax), lookupMax
	if m.Timeout > 0 {
		timeout = sim.Time(m.Timeout) * sim.Millisecond
	}
	f.after(min(takes, timeout), func() {
		if options {
			reply.Code, reply.Destination = i2cp.LookupLeaseSetFailed, given
		}
		if s, set, _, ok := f.stored(key); ok && takes <= timeout && set.kind != wire.StoreEncryptedLeaseSet {
			reply.Code, reply.Destination = i2cp.LookupOK, s.dest.Bytes()
			reply.HasOptions, reply.Options = options, set.options
			if !options {
				reply.Options = wire.Mapping{}
			}
		}
		answer()
	})
}

// destLookup answers a DestLookup.
func (f *Fleet) destLookup(c *i2cp.ServerConn, m *i2cp.DestLookup) {
	hash := m.Hash
	f.after(f.between(lookupMin, lookupMax), func() {
		reply := &i2cp.DestReply{Hash: &hash}
		if s, set, _, ok := f.stored(hash); ok && set.kind != wire.StoreEncryptedLeaseSet {
			reply = &i2cp.DestReply{Destination: s.dest.Bytes()}
		}
		_ = c.TrySend(reply)
	})
}

// lookup is a LookupLeaseSet that the world has begun.
type lookup struct {
	asked
	key wire.Hash
}

// lookupLeaseSet begins a LookupLeaseSet: of the session's own Destination
// through its tunnels, of another past them.
func (x *session) lookupLeaseSet(c *i2cp.ServerConn, m *i2cp.LookupLeaseSet) {
	s := x.service
	f := s.fleet
	a := asked{c, m.Request}
	if (m.Hash == s.hash || f.blinded[m.Hash] == s) && !x.asleep() {
		x.lookups = append(x.lookups, lookup{a, m.Hash})
		s.world.Do(x.router, sim.Action{Kind: sim.ActionLookup})
		return
	}
	key := m.Hash
	timeout := sim.Time(m.Timeout) * sim.Millisecond
	takes := f.between(lookupMin, lookupMax)
	f.after(min(takes, timeout), func() {
		reply := &i2cp.LookupResult{Session: x.rs.ID(), Request: a.request, Result: i2cp.ResultFailed}
		if takes > timeout {
			reply.Result = i2cp.ResultTimeout
		} else if _, set, where, ok := f.stored(key); ok {
			reply.Floodfill = f.hash(where.Floodfill)
			reply.Result, reply.StoreType, reply.LeaseSet = i2cp.ResultOK, set.kind, set.bytes
		}
		x.answer(a.conn, reply)
	})
}

// lookupResult answers the first of the lookups that are under way; they are
// all the same to the world.
func (x *session) lookupResult(ev *sim.Event) {
	if len(x.lookups) == 0 {
		return
	}
	l := x.lookups[0]
	x.lookups = x.lookups[1:]
	reply := &i2cp.LookupResult{
		Session: x.rs.ID(), Request: l.request, Result: i2cp.ResultFailed, Floodfill: x.service.fleet.hash(ev.Floodfill),
	}
	if set := x.service.sets[ev.Published]; set != nil && set.key == l.key {
		reply.Result, reply.StoreType, reply.LeaseSet = i2cp.ResultOK, set.kind, set.bytes
	}
	x.answer(l.conn, reply)
}
