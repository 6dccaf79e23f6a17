package fleet

import (
	"cmp"
	"encoding/binary"
	"slices"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// A session is a Destination's session on one router.
type session struct {
	service *service
	router  sim.RouterID
	rs      *i2cp.RouterSession
	stock   *stock // nil in a managed session
	ended   bool

	now     asked // the request that the world answers at once
	builds  map[sim.RequestID]*buildRequest
	request sim.RequestID // last used
	stores  map[int64]*store
	lookups []lookup

	tunnels map[sim.TunnelID]*tunnel
	byID    map[uint32]*tunnel
	past    map[uint32]*tunnel // that ended within the last pastKept
	lastID  uint32
	inUse   [2]int // tunnels and builds, by direction

	bundled *leaseSet // goes along with what is sent
	shadows shadows
	known   map[wire.Hash]*leaseSet
}

// asked says who waits for an answer.
type asked struct {
	conn    *i2cp.ServerConn
	request uint32
}

// buildRequest is a build that may still succeed.
type buildRequest struct {
	asked
	dir       sim.Direction
	recreates bool // it repeats the path of a tunnel of a stock session
	timedOut  bool
	done      bool
}

// store is a LeaseSet that the session's router is publishing.
type store struct {
	asked
	set   *leaseSet
	reply uint8 // where the last ack was asked for
}

// shadows is what SetShadows said last.
type shadows struct {
	published int64
	newest    uint32   // inbound tunnel that the client has heard of
	ids       []uint32 // by lease
}

// tunnel is a tunnel as the client knows it.
type tunnel struct {
	id      uint32
	world   sim.TunnelID
	dir     sim.Direction
	gateway sim.PeerID
	receive uint32
	created sim.Time // wall clock
	ends    sim.Time // wall clock
	path    []sim.PeerID

	// Of a stock session.
	recreated bool // or being so
	expiring  bool // replaced, or past its time: neither listed nor used
}

// pastKept is how long the path of a tunnel that has ended may be repeated.
const pastKept = 10 * sim.Minute

// A router's patience with a build: it reports a timeout, and takes late replies
// (BuildRequestor.REQUEST_TIMEOUT, BuildExecutor.GRACE_PERIOD).
const (
	buildTimeout = 5 * sim.Second
	buildGrace   = 60 * sim.Second
)

// storeTimeout is when the router says that a store has failed, if nothing was
// heard of it any more. Longer than all its attempts take.
const storeTimeout = 3 * sim.Minute

func newSession(s *service, router sim.RouterID, rs *i2cp.RouterSession) *session {
	return &session{
		service: s, router: router, rs: rs,
		builds: make(map[sim.RequestID]*buildRequest), stores: make(map[int64]*store),
		tunnels: make(map[sim.TunnelID]*tunnel), byID: make(map[uint32]*tunnel), past: make(map[uint32]*tunnel),
		known: make(map[wire.Hash]*leaseSet),
	}
}

// sorted returns the tunnels of a direction that are in use, the newest first.
func (x *session) sorted(dir sim.Direction) (list []*tunnel) {
	for _, t := range x.tunnels {
		if t.dir == dir && !t.expiring {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *tunnel) int {
		return cmp.Or(cmp.Compare(b.created/sim.Second, a.created/sim.Second), cmp.Compare(b.id, a.id))
	})
	return list
}

// asleep tells whether the session's router is frozen.
func (x *session) asleep() bool { return x.service.fleet.routers[x.router].asleep }

// end ends a session whose client does not do its part, and its connection.
func (x *session) end() {
	if x.ended {
		return
	}
	x.leave()
	x.rs.Kill()
}

// leave takes the session, which has ended, from its router.
func (x *session) leave() {
	x.ended = true
	x.service.sessions[x.router] = nil
	x.service.world.Stop(x.router)
}

// answer answers a request. A client that takes no answers is disconnected.
func (x *session) answer(c *i2cp.ServerConn, m i2cp.Message) {
	if !x.ended {
		_ = c.TrySend(m)
	}
}

// notify tells the owner something; in a grace period nobody hears it.
func (x *session) notify(m i2cp.Message) {
	if !x.ended {
		_ = x.rs.Send(m)
	}
}

func refusal(code i2cp.ErrorCode) error { return &i2cp.RefusalError{Code: code} }

// handle handles a request of a managed session.
func (x *session) handle(c *i2cp.ServerConn, m i2cp.Message) error {
	w := x.service.world
	switch m := m.(type) {
	case *i2cp.GetFastTier:
		x.now = asked{c, m.Request}
		w.Do(x.router, sim.Action{Kind: sim.ActionGetFastTier, Version: m.Version})
	case *i2cp.CreateTunnel:
		return x.createTunnel(c, m)
	case *i2cp.DropTunnel:
		t := x.byID[m.Tunnel]
		if t == nil {
			return refusal(i2cp.ErrorNoTunnel)
		}
		w.Do(x.router, sim.Action{Kind: sim.ActionDropTunnel, Tunnel: t.world})
	case *i2cp.GetTunnelPool:
		x.now = asked{c, m.Request}
		w.Do(x.router, sim.Action{Kind: sim.ActionGetTunnelPool, Direction: sim.Direction(m.Direction)})
	case *i2cp.PublishLeaseSet:
		return x.publishLeaseSet(c, m)
	case *i2cp.GiveLeaseSet:
		set, err := x.read(m.StoreType, m.LeaseSet)
		if err != nil {
			return err
		}
		shadows, err := x.shadowsOf(set)
		if err != nil {
			return err
		}
		x.bundled = set
		w.Do(x.router, sim.Action{
			Kind: sim.ActionGiveLeaseSet, Published: set.published, Expires: set.expires, Leases: set.leases, Shadows: shadows,
		})
	case *i2cp.SetShadows:
		x.shadows = shadows{int64(m.Published), m.Newest, slices.Clone(m.Shadows)}
	case *i2cp.RelayAck:
		w.Do(x.router, sim.Action{Kind: sim.ActionRelayAck, Published: int64(m.Published)})
	case *i2cp.NoteFloodfills:
		x.noteFloodfills(m)
	case *i2cp.OutdateLeaseSet:
		w.Do(x.router, sim.Action{Kind: sim.ActionOutdate, Published: int64(m.Published)})
	case *i2cp.LookupLeaseSet:
		x.lookupLeaseSet(c, m)
	case *i2cp.SendPacket:
		x.sendPacket(c, m)
	case *i2cp.GarlicDown:
		x.garlicDown(c, m)
	case *i2cp.ReconfigureSession:
	default:
		return refusal(i2cp.ErrorUnsupported)
	}
	return nil
}

// peerList answers GetFastTier.
func (x *session) peerList(ev *sim.Event) {
	m := &i2cp.PeerList{Session: x.rs.ID(), Request: x.now.request, Version: ev.Version}
	if ev.Unchanged {
		m.Flags = i2cp.ListUnchanged
	}
	for i := range ev.Peers {
		if len(m.Peers) == i2cp.MaxPeersPerMessage {
			m.Flags = i2cp.ListMore
			x.answer(x.now.conn, m)
			m.Flags, m.Peers = 0, m.Peers[:0]
		}
		m.Peers = append(m.Peers, x.peer(&ev.Peers[i]))
	}
	x.answer(x.now.conn, m)
}

func (x *session) peer(p *sim.Peer) i2cp.Peer {
	out := i2cp.Peer{
		Hash: x.service.fleet.hash(p.ID), Net16: p.Net16, Port: p.Port, Family: p.Family, Version: p.Version,
		Flags: i2cp.PeerFlags(p.Flags),
	}
	caps := out.Caps[:0]
	if p.Flags&sim.PeerFloodfill != 0 {
		caps = append(caps, 'f')
	}
	if p.Flags&sim.PeerReachable != 0 {
		caps = append(caps, 'R')
	}
	copy(out.Caps[:], caps)
	return out
}

// createTunnel begins a build.
func (x *session) createTunnel(c *i2cp.ServerConn, m *i2cp.CreateTunnel) error {
	f := x.service.fleet
	a := sim.Action{Kind: sim.ActionCreateTunnel, Direction: sim.Direction(m.Direction), Hops: int32(m.Hops), Tunnel: sim.None}
	if x.inUse[a.Direction] >= maxTunnels {
		return refusal(i2cp.ErrorLimit)
	}
	switch {
	case m.Reuse != 0:
		t := x.byID[m.Reuse]
		if t == nil {
			t = x.past[m.Reuse]
		}
		if t == nil {
			return refusal(i2cp.ErrorNoTunnel)
		}
		a.Path, a.Hops = t.path, int32(len(t.path))
	case m.Named:
		seen := map[wire.Hash]bool{f.routers[x.router].hash: true}
		for _, h := range m.Path[:m.Hops] {
			id, known := f.peer(h)
			switch {
			case seen[h]:
				x.answer(c, &i2cp.TunnelStatus{Session: x.rs.ID(), Request: m.Request, Result: i2cp.ResultNoPeers})
				return nil
			case !known, int(id) >= f.network.Peers(): // the fleet's routers carry nobody's tunnels
				return refusal(i2cp.ErrorNoPeer)
			}
			seen[h] = true
			a.Path = append(a.Path, id)
		}
	}
	x.build(a, &buildRequest{asked: asked{c, m.Request}})
	return nil
}

// build has the world build a tunnel for whoever asks.
func (x *session) build(a sim.Action, b *buildRequest) {
	x.request++
	id := x.request
	b.dir = a.Direction
	x.builds[id] = b
	x.inUse[a.Direction]++
	a.Request = id
	f := x.service.fleet
	if f.kind() == sim.Java { // an i2pd router tells of its timeouts itself
		f.after(buildTimeout, func() {
			if !b.done {
				b.timedOut = true
				x.inUse[b.dir]--
				x.built(b, sim.ResultTimeout, nil)
			}
		})
	}
	f.after(buildTimeout+buildGrace, func() {
		if !b.done && !b.timedOut { // its router was frozen
			b.done = true
			x.inUse[b.dir]--
			x.built(b, sim.ResultTimeout, nil)
		}
		delete(x.builds, id)
	})
	x.service.world.Do(x.router, a)
}

// tunnelStatus handles the end of a build.
func (x *session) tunnelStatus(ev *sim.Event) {
	b := x.builds[ev.Request]
	if b == nil || b.done {
		return
	}
	b.done = true
	delete(x.builds, ev.Request)
	if ev.Result != sim.ResultOK {
		if !b.timedOut {
			x.inUse[b.dir]--
			x.built(b, ev.Result, nil)
		}
		return
	}
	if b.timedOut {
		x.inUse[b.dir]++
	}
	x.built(b, ev.Result, x.add(&ev.Tunnel))
	if x.stock == nil {
		m := &i2cp.TunnelStatus{Session: x.rs.ID(), Request: b.request, Late: b.timedOut, Tunnel: x.describe(&ev.Tunnel)}
		x.answer(b.conn, m)
	}
}

// built tells of the end of a build: the client, where it failed, or the pools
// of a stock session.
func (x *session) built(b *buildRequest, result sim.Result, t *tunnel) {
	switch {
	case x.ended:
	case x.stock != nil:
		x.stock.built(b, t)
	case t == nil:
		x.answer(b.conn, &i2cp.TunnelStatus{Session: x.rs.ID(), Request: b.request, Result: i2cp.Result(result)})
	}
}

// add notes a new tunnel.
func (x *session) add(d *sim.Tunnel) *tunnel {
	x.lastID++
	t := &tunnel{
		id: x.lastID, world: d.ID, dir: d.Direction, gateway: d.Gateway, receive: d.ReceiveID,
		created: sim.Time(x.service.fleet.wall(d.Created).UnixNano()), ends: d.End, path: slices.Clone(d.Path[:d.Hops]),
	}
	x.tunnels[t.world] = t
	x.byID[t.id] = t
	if t.dir == sim.Inbound {
		x.service.tunnels[entrance{t.gateway, t.receive}] = owned{x.router, t.world, t.ends}
	}
	return t
}

// describe describes a tunnel that was noted.
func (x *session) describe(d *sim.Tunnel) i2cp.Tunnel {
	s := x.service
	out := i2cp.Tunnel{
		ID: x.tunnels[d.ID].id, Direction: i2cp.Direction(d.Direction), Gateway: s.fleet.hash(d.Gateway),
		Receive: wire.TunnelID(d.ReceiveID), Created: wire.DateOf(s.fleet.wall(d.Created)),
		Expires: wire.Date(d.End / sim.Millisecond), Hops: d.Hops,
	}
	for i := range d.Hops {
		out.Path[i] = s.fleet.hash(d.Path[i])
	}
	return out
}

// tunnelList answers GetTunnelPool.
func (x *session) tunnelList(ev *sim.Event) {
	m := &i2cp.TunnelList{Session: x.rs.ID(), Request: x.now.request, Direction: i2cp.Direction(ev.Direction)}
	for i := range ev.Tunnels { // at most maxTunnels, and late ones
		if x.tunnels[ev.Tunnels[i].ID] != nil && len(m.Tunnels) < i2cp.MaxTunnelsPerMessage {
			m.Tunnels = append(m.Tunnels, x.describe(&ev.Tunnels[i]))
		}
	}
	x.answer(x.now.conn, m)
}

// tunnelExpired handles the end of a tunnel.
func (x *session) tunnelExpired(ev *sim.Event) {
	t := x.tunnels[ev.Tunnel.ID]
	if t == nil {
		return
	}
	delete(x.tunnels, t.world)
	delete(x.byID, t.id)
	x.inUse[t.dir]--
	x.past[t.id] = t
	x.service.fleet.after(pastKept, func() { delete(x.past, t.id) })
	if ev.Reason == sim.ReasonDropped {
		delete(x.service.tunnels, entrance{t.gateway, t.receive}) // what comes in through it is thrown away
	}
	if x.stock != nil {
		x.stock.lost(t, ev.Reason)
		return
	}
	x.notify(&i2cp.TunnelExpired{
		Session: x.rs.ID(), Tunnel: t.id, Direction: i2cp.Direction(t.dir), Reason: i2cp.ExpiryReason(ev.Reason),
		Date: wire.DateOf(x.service.fleet.wall(x.service.fleet.now)),
	})
}

// publishLeaseSet begins a store.
func (x *session) publishLeaseSet(c *i2cp.ServerConn, m *i2cp.PublishLeaseSet) error {
	outbound, reply := sim.TunnelID(sim.None), int32(sim.None)
	if m.Outbound != 0 {
		t := x.byID[m.Outbound]
		if t == nil || t.dir != sim.Outbound {
			return refusal(i2cp.ErrorNoTunnel)
		}
		outbound = t.world
	}
	if m.ReplyLease != i2cp.ReplyClosest {
		reply = int32(m.ReplyLease)
	}
	set, err := x.read(m.StoreType, m.LeaseSet)
	if err != nil {
		return err
	}
	shadows, err := x.shadowsOf(set)
	if err != nil {
		return err
	}
	// What happens at once is told under the new request, and a store of the
	// same second is over for the client.
	x.storeEnds(set.published)
	st := &store{asked{c, m.Request}, set, i2cp.ReplyClosest}
	x.stores[set.published] = st
	x.service.fleet.after(storeTimeout, func() {
		if x.stores[set.published] == st {
			x.storeEnds(set.published)
		}
	})
	x.bundled = set
	newest := sim.TunnelID(sim.None)
	if t := x.byID[x.shadows.newest]; t != nil && shadows != nil {
		newest = t.world
	}
	x.service.publish(x.router, set, outbound, reply, shadows, newest)
	return nil
}

// shadowsOf is what the client has said of the leases of a LeaseSet, nil for
// nothing. The error is a refusal.
func (x *session) shadowsOf(set *leaseSet) ([]sim.TunnelID, error) {
	if x.shadows.published != set.published || len(x.shadows.ids) == 0 {
		return nil, nil
	}
	if len(x.shadows.ids) != len(set.leases) {
		return nil, &i2cp.RefusalError{Code: i2cp.ErrorBadLeaseSet, Text: "SetShadows had another number of leases"}
	}
	list := make([]sim.TunnelID, len(x.shadows.ids))
	for i, id := range x.shadows.ids {
		list[i] = sim.None
		if t := x.byID[id]; id == i2cp.ShadowSilent {
			list[i] = sim.Silent
		} else if t != nil && t.dir == sim.Inbound {
			list[i] = t.world
		}
	}
	return list, nil
}

// storeEnds gives a store up, if one of that LeaseSet is under way.
func (x *session) storeEnds(published int64) {
	x.storeStatus(published, i2cp.ResultFailed, true, wire.Hash{})
}

// publishStatus reports on a store.
func (x *session) publishStatus(ev *sim.Event) {
	if st := x.stores[ev.Published]; st != nil && ev.Result == sim.ResultSent {
		st.reply = i2cp.ReplyClosest // of none of the leases, or nobody can tell
		for i, l := range st.set.leases {
			if l.Gateway == ev.Tunnel.Gateway && l.ReceiveID == ev.Tunnel.ReceiveID && !st.set.opaque() {
				st.reply = uint8(i)
			}
		}
	}
	result := i2cp.Result(ev.Result)
	switch ev.Result {
	case sim.ResultSent:
		result = i2cp.ResultPending
	case sim.ResultOutdated:
		result = i2cp.ResultOutdated
	}
	x.storeStatus(ev.Published, result, ev.Final, x.service.fleet.hash(ev.Floodfill))
}

func (x *session) storeStatus(published int64, result i2cp.Result, final bool, floodfill wire.Hash) {
	st := x.stores[published]
	if st == nil {
		return
	}
	if final {
		delete(x.stores, published)
	}
	x.answer(st.conn, &i2cp.PublishStatus{
		Session: x.rs.ID(), Request: st.request, Published: wire.Seconds(published), Result: result, Final: final,
		Floodfill: floodfill, Token: token(published), ReplyLease: st.reply,
	})
}

// token is the message id of the acks of a LeaseSet, in all of its stores.
func token(published int64) uint32 { return uint32(published) }

// ackRelayed passes an ack up.
func (x *session) ackRelayed(ev *sim.Event) {
	now := wire.DateOf(x.service.fleet.wall(x.service.fleet.now))
	body := binary.BigEndian.AppendUint32(nil, token(ev.Published))
	body = now.Append(body)
	id := uint32(0)
	if o, ok := x.service.tunnels[entrance{ev.Tunnel.Gateway, ev.Tunnel.ReceiveID}]; ok && x.tunnels[o.tunnel] != nil {
		id = x.tunnels[o.tunnel].id
	}
	x.notify(&i2cp.AckRelayed{
		Session: x.rs.ID(), Tunnel: id, Date: now, Kind: i2cp.I2NPDeliveryStatus, Token: token(ev.Published), Body: body,
	})
}
