package fleet

import (
	"errors"
	"slices"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// A service is one Destination, with a world of its own: the same network as
// everybody's, with this Destination's tunnels and LeaseSet in it.
type service struct {
	fleet    *Fleet
	dest     wire.Destination
	hash     wire.Hash
	world    *sim.External
	sessions []*session // by router; nil for none
	sets     map[int64]*leaseSet
	newest   int64 // published, of sets
	tunnels  map[entrance]owned
}

// leaseSet is a LeaseSet as its client signed it.
type leaseSet struct {
	kind      wire.StoreType
	bytes     []byte
	key       wire.Hash // under which it is stored
	published int64     // seconds
	expires   int64
	options   wire.Mapping
	// leases are those that a sender may choose from, and where the ack of a
	// store is asked for. Where the LeaseSet does not tell, they are the inbound
	// tunnels of the router that it was given to. Tunnel is 0 in one that leads to
	// no router of the fleet.
	leases   []sim.Lease
	gateways []wire.Hash // as listed
}

// setsKept is how many LeaseSets of a Destination are kept: floodfills may hold
// an older one than the newest.
const setsKept = 32

// entrance is what a lease tells of a tunnel.
type entrance struct {
	gateway sim.PeerID
	receive uint32
}

// owned is the tunnel behind it.
type owned struct {
	router sim.RouterID
	tunnel sim.TunnelID
	ends   sim.Time // wall clock
}

var errServices = errors.New("too many Destinations")

// serviceOf returns the service of a Destination, a new one if need be.
func (f *Fleet) serviceOf(d wire.Destination) (*service, error) {
	hash := d.Hash()
	if s := f.services[hash]; s != nil {
		return s, nil
	}
	f.forget()
	if len(f.services) >= servicesMax {
		return nil, errServices
	}
	s := &service{
		fleet: f, dest: d.Clone(), hash: hash, sessions: make([]*session, len(f.routers)),
		sets: make(map[int64]*leaseSet), tunnels: make(map[entrance]owned),
	}
	w, err := sim.NewExternal(f.cfg.World, f.cfg.Seed, f.epoch(), hash, s.heard)
	if err != nil {
		return nil, err
	}
	s.world = w
	for _, r := range f.routers {
		if r.refusing {
			w.SetBuilds(r.id, 0, 1)
		}
	}
	w.Advance(f.now)
	f.services[hash] = s
	return s, nil
}

// forget drops the services that nobody serves and nobody can find.
func (f *Fleet) forget() {
	for hash, s := range f.services {
		used := false
		for _, x := range s.sessions {
			used = used || x != nil
		}
		if used {
			continue
		}
		if _, found := s.world.Find(); !found {
			delete(f.services, hash)
		}
	}
	for key, s := range f.blinded {
		if f.services[s.hash] != s {
			delete(f.blinded, key)
		}
	}
}

// heard handles what happens in the world.
func (s *service) heard(ev *sim.Event) {
	if ev.Router < 0 {
		return
	}
	x := s.sessions[ev.Router]
	if x == nil {
		return
	}
	switch ev.Kind {
	case sim.EventPeerList:
		x.peerList(ev)
	case sim.EventTunnelStatus:
		x.tunnelStatus(ev)
	case sim.EventTunnelList:
		x.tunnelList(ev)
	case sim.EventTunnelExpired:
		x.tunnelExpired(ev)
	case sim.EventPublishStatus:
		x.publishStatus(ev)
	case sim.EventAckRelayed:
		x.ackRelayed(ev)
	case sim.EventLookupResult:
		x.lookupResult(ev)
	case sim.EventFloodfills:
		x.floodfillsNoted(ev)
	}
}

// found is the LeaseSet that the netDb has of the Destination.
func (s *service) found() (set *leaseSet, where sim.Found, ok bool) {
	where, ok = s.world.Find()
	if ok {
		set, ok = s.sets[where.Published]
	}
	return set, where, ok
}

// stored is the LeaseSet that the netDb has under a key: the hash of a
// Destination, or that of a blinded key.
func (f *Fleet) stored(key wire.Hash) (s *service, set *leaseSet, where sim.Found, ok bool) {
	for _, s := range []*service{f.services[key], f.blinded[key]} {
		if s == nil {
			continue
		}
		if set, where, ok := s.found(); ok && set.key == key {
			return s, set, where, true
		}
	}
	return nil, nil, where, false
}

// publish has a router store a LeaseSet, unless it has just built another inbound tunnel
// than newest, if that is one.
func (s *service) publish(router sim.RouterID, set *leaseSet, outbound sim.TunnelID, reply int32, shadows []sim.TunnelID, newest sim.TunnelID) {
	// Of two LeaseSets of the same second floodfills keep the first.
	if s.sets[set.published] == nil {
		s.sets[set.published] = set
	}
	s.newest = max(s.newest, set.published)
	for len(s.sets) > setsKept {
		oldest := s.newest
		for p := range s.sets {
			oldest = min(oldest, p)
		}
		delete(s.sets, oldest)
	}
	if set.kind == wire.StoreEncryptedLeaseSet {
		s.fleet.blinded[set.key] = s
	}
	s.world.Do(router, sim.Action{
		Kind: sim.ActionPublishLeaseSet, Tunnel: newest, OutboundTunnel: outbound, ReplyLease: reply,
		Published: set.published, Expires: set.expires, Leases: set.leases, Shadows: shadows,
	})
}

// read reads a LeaseSet that a session of this Destination was given, and copies
// it. Errors are refusals.
func (x *session) read(kind wire.StoreType, b []byte) (*leaseSet, error) {
	s := x.service
	f := s.fleet
	now := f.clockNow()
	for at, t := range s.tunnels {
		if t.ends < now {
			delete(s.tunnels, at)
		}
	}
	set := &leaseSet{kind: kind, bytes: slices.Clone(b), key: s.hash}
	b = set.bytes
	bad := func(err error) (*leaseSet, error) {
		return nil, &i2cp.RefusalError{Code: i2cp.ErrorBadLeaseSet, Text: err.Error()}
	}
	add := func(gateway wire.Hash, receive wire.TunnelID, end sim.Time) {
		// A gateway that nobody knows is a lease that leads nowhere.
		id, _ := f.peer(gateway)
		l := sim.Lease{Gateway: id, ReceiveID: uint32(receive), End: end, Router: x.router}
		set.gateways = append(set.gateways, gateway)
		if t, ok := s.tunnels[entrance{l.Gateway, l.ReceiveID}]; ok {
			l.Tunnel, l.Router = t.tunnel, t.router
		}
		set.leases = append(set.leases, l)
	}
	var header *wire.LeaseSet2Header
	switch kind {
	case wire.StoreLeaseSet2:
		ls, _, err := wire.ParseLeaseSet2(b)
		if err != nil {
			return bad(err)
		}
		header, set.options = &ls.LeaseSet2Header, ls.Options
		for _, l := range ls.Leases {
			add(l.Gateway, l.Tunnel, sim.Time(l.End)*sim.Second)
		}
	case wire.StoreMetaLeaseSet:
		ls, _, err := wire.ParseMetaLeaseSet(b)
		if err != nil {
			return bad(err)
		}
		header, set.options = &ls.LeaseSet2Header, ls.Options
	case wire.StoreEncryptedLeaseSet:
		ls, _, err := wire.ParseEncryptedLeaseSet(b)
		if err != nil {
			return bad(err)
		}
		header = &wire.LeaseSet2Header{Published: ls.Published, Expires: ls.Expires}
		set.key = ls.Hash()
	case wire.StoreLeaseSet:
		ls, _, err := wire.ParseLeaseSet(b)
		if err != nil {
			return bad(err)
		}
		set.published = int64(now / sim.Second)
		for _, l := range ls.Leases {
			add(l.Gateway, l.Tunnel, sim.Time(l.End)*sim.Millisecond)
			set.expires = max(set.expires, int64(l.End/1000))
		}
	default:
		return nil, &i2cp.RefusalError{Code: i2cp.ErrorBadLeaseSet, Text: "unknown type"}
	}
	if header != nil {
		set.published = int64(header.Published)
		set.expires = set.published + int64(header.Expires)
	}
	if set.opaque() {
		for _, t := range x.sorted(sim.Inbound) {
			set.leases = append(set.leases, sim.Lease{
				Gateway: t.gateway, ReceiveID: t.receive, End: t.ends, Router: x.router, Tunnel: t.world,
			})
		}
		if len(set.leases) == 0 {
			return nil, &i2cp.RefusalError{Code: i2cp.ErrorNotReady, Text: "no inbound tunnel for the ack"}
		}
	}
	if len(set.leases) == 0 {
		return nil, &i2cp.RefusalError{Code: i2cp.ErrorBadLeaseSet, Text: "no leases"}
	}
	return set, nil
}

// opaque tells whether the LeaseSet itself does not say which leases there are.
func (l *leaseSet) opaque() bool {
	return l.kind == wire.StoreEncryptedLeaseSet || l.kind == wire.StoreMetaLeaseSet
}

// reach returns the session that a tunnel leads to, if what is sent there now
// arrives.
func (s *service) reach(at entrance) *session {
	o, ok := s.tunnels[at]
	if !ok || !s.world.Alive(o.router, o.tunnel) {
		return nil
	}
	return s.sessions[o.router]
}
