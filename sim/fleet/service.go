package fleet

import (
	"errors"

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
	sets     map[int64]leaseSet
	newest   int64 // published, of sets
	tunnels  map[entrance]owned
}

// leaseSet is a LeaseSet as its client signed it.
type leaseSet struct {
	kind  wire.StoreType
	bytes []byte
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
		sets: make(map[int64]leaseSet), tunnels: make(map[entrance]owned),
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
	}
}

// hashOf returns the hash of a peer and remembers it for paths
// that clients name.
func (s *service) hashOf(id sim.PeerID) wire.Hash {
	h, ok := s.world.Hash(id)
	if ok {
		s.fleet.peers[h] = id
	}
	return h
}

// floodfill returns the hash of a floodfill, zero for none.
func (s *service) floodfill(id sim.PeerID) wire.Hash {
	h, _ := s.world.Hash(id)
	return h
}

// found is the LeaseSet that the netDb has of the Destination.
func (s *service) found() (set leaseSet, where sim.Found, ok bool) {
	where, ok = s.world.Find()
	if ok {
		set, ok = s.sets[where.Published]
	}
	return set, where, ok
}

// publish has a router store a LeaseSet.
func (s *service) publish(router sim.RouterID, kind wire.StoreType, b []byte, outbound sim.TunnelID, reply int32) error {
	a := sim.Action{Kind: sim.ActionPublishLeaseSet, OutboundTunnel: outbound, ReplyLease: reply}
	if err := s.read(router, kind, b, &a); err != nil {
		return err
	}
	// Of two LeaseSets of the same second floodfills keep the first.
	if _, second := s.sets[a.Published]; !second {
		s.sets[a.Published] = leaseSet{kind, append([]byte(nil), b...)}
	}
	s.newest = max(s.newest, a.Published)
	for len(s.sets) > setsKept {
		oldest := s.newest
		for p := range s.sets {
			oldest = min(oldest, p)
		}
		delete(s.sets, oldest)
	}
	s.world.Do(router, a)
	return nil
}

// read reads the leases of a LeaseSet into an action.
func (s *service) read(router sim.RouterID, kind wire.StoreType, b []byte, a *sim.Action) error {
	now := sim.Time(s.fleet.wall(s.fleet.now).UnixNano())
	for at, t := range s.tunnels {
		if t.ends < now {
			delete(s.tunnels, at)
		}
	}
	add := func(gateway wire.Hash, receive wire.TunnelID, end sim.Time) {
		l := sim.Lease{Gateway: s.fleet.peers[gateway], ReceiveID: uint32(receive), End: end, Router: router}
		if t, ok := s.tunnels[entrance{l.Gateway, l.ReceiveID}]; ok {
			l.Tunnel, l.Router = t.tunnel, t.router
		}
		a.Leases = append(a.Leases, l)
	}
	switch kind {
	case wire.StoreLeaseSet2:
		ls, _, err := wire.ParseLeaseSet2(b)
		if err != nil {
			return err
		}
		a.Published = int64(ls.Published)
		a.Expires = a.Published + int64(ls.Expires)
		for _, l := range ls.Leases {
			add(l.Gateway, l.Tunnel, sim.Time(l.End)*sim.Second)
		}
	case wire.StoreLeaseSet:
		ls, _, err := wire.ParseLeaseSet(b)
		if err != nil {
			return err
		}
		a.Published = int64(now / sim.Second)
		for _, l := range ls.Leases {
			add(l.Gateway, l.Tunnel, sim.Time(l.End)*sim.Millisecond)
			a.Expires = max(a.Expires, int64(l.End/1000))
		}
	default:
		return &i2cp.RefusalError{Code: i2cp.ErrorUnspecified, Text: "the fleet stores LeaseSets and LeaseSet2s"}
	}
	if len(a.Leases) == 0 {
		return &i2cp.RefusalError{Code: i2cp.ErrorBadLeaseSet, Text: "no leases"}
	}
	return nil
}
