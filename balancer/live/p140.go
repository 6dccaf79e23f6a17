package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// grace is how long a session's tunnels shall outlive the balancer's
// connection: long enough for a restart, and no longer than tunnels live.
const grace = 10 * time.Minute

// p140State is what a managed session needs beyond the connection.
type p140State struct {
	request uint32 // last used, by commands only

	mu      sync.Mutex
	builds  map[uint32]balancer.RequestID
	peers   []balancer.Peer // of a list that comes in parts
	tunnels []balancer.Tunnel
	sent    int64 // `published` of the last publish

	shadowed bool // it was told of shadows; of commands only
}

// tokensMax bounds the acks that are waited for.
const tokensMax = 256

func (x *life) meetManaged(ctx context.Context) error {
	list, err := x.conn.Capabilities(ctx)
	if err != nil {
		return err
	}
	x.managed, x.caps = true, list.Capabilities
	if list.Kind == i2cp.KindI2pd {
		x.kind = balancer.KindI2pd
	}
	x.p140.builds = make(map[uint32]balancer.RequestID)
	x.set(func(st *linkStatus) { st.capabilities, st.router = list.Capabilities.Names(), list.Router })
	return x.d.svc.unique(x.cfg.Name, list.Router)
}

// managedCaps translates what the router's side of the extension can do.
func (x *life) managedCaps() balancer.Capabilities {
	caps := balancer.CapGive
	for _, c := range []struct {
		wire i2cp.Capabilities
		core balancer.Capabilities
	}{
		{i2cp.CapFastTier, balancer.CapFastTier},
		{i2cp.CapCreateTunnel, balancer.CapCreateTunnel},
		{i2cp.CapTunnelPool, balancer.CapTunnelPool},
		{i2cp.CapPublishNamed, balancer.CapPublishNamed},
		{i2cp.CapPublishStatus, balancer.CapPublishStatus},
		{i2cp.CapAckRelay, balancer.CapAckRelay},
		{i2cp.CapLookup, balancer.CapLookup},
		{i2cp.CapStandIn, balancer.CapStandIn},
	} {
		if x.caps&c.wire != 0 {
			caps |= c.core
		}
	}
	return caps
}

func (x *life) openManaged(ctx context.Context) error {
	s, err := x.conn.OpenSession(ctx, x.d.signer.keys, map[string]string{
		"inbound.nickname": x.d.cfg.Name, "outbound.nickname": x.d.cfg.Name,
	}, i2cp.OpenResume, grace)
	if err != nil {
		return x.refused(err)
	}
	if s.OpenStatus().Status == i2cp.OpenResumed {
		x.d.log.Info("session resumed: its tunnels are still there", "router", x.cfg.Name)
	}
	x.opened(s, x.readManaged)
	return x.setShadows(ctx, 0, []uint32{}, 0)
}

// next returns a fresh request id.
func (x *life) next() uint32 {
	x.p140.request++
	return x.p140.request
}

func (x *life) getFastTier(ctx context.Context, version uint64) error {
	return x.session.Send(ctx, &i2cp.GetFastTier{Session: x.session.ID(), Request: x.next(), Version: version})
}

func (x *life) createTunnel(ctx context.Context, m *i2cp.CreateTunnel, id balancer.RequestID) error {
	m.Session, m.Request = x.session.ID(), x.next()
	x.p140.mu.Lock()
	x.p140.builds[m.Request] = id
	x.p140.mu.Unlock()
	return x.session.Send(ctx, m)
}

func (x *life) getTunnelPool(ctx context.Context, d balancer.Direction) error {
	return x.session.Send(ctx, &i2cp.GetTunnelPool{Session: x.session.ID(), Request: x.next(), Direction: i2cp.Direction(d)})
}

func (x *life) dropTunnel(ctx context.Context, id uint32) error {
	return x.session.Send(ctx, &i2cp.DropTunnel{Session: x.session.ID(), Request: x.next(), Tunnel: id})
}

func (x *life) publishManaged(ctx context.Context, ls signed, outbound uint32, reply uint8, shadows []uint32, newest uint32) error {
	if err := x.setShadows(ctx, ls.published, shadows, newest); err != nil {
		return err
	}
	x.p140.mu.Lock()
	x.p140.sent = ls.published
	x.p140.mu.Unlock()
	return x.session.Send(ctx, &i2cp.PublishLeaseSet{
		Session: x.session.ID(), Request: x.next(), Outbound: outbound, ReplyLease: reply,
		StoreType: wire.StoreLeaseSet2, LeaseSet: ls.bytes, Keys: ls.keys,
	})
}

func (x *life) giveManaged(ctx context.Context, ls signed, shadows []uint32) error {
	if err := x.setShadows(ctx, ls.published, shadows, 0); err != nil {
		return err
	}
	return x.session.Send(ctx, &i2cp.GiveLeaseSet{
		Session: x.session.ID(), Request: x.next(), StoreType: wire.StoreLeaseSet2, LeaseSet: ls.bytes, Keys: ls.keys,
	})
}

// setShadows tells a router that takes it which of its tunnels the leases of the
// LeaseSet that follows stand for; nil for a policy without shadows. That of no
// LeaseSet says that we pass on what others ask for.
func (x *life) setShadows(ctx context.Context, published int64, shadows []uint32, newest uint32) error {
	if shadows == nil || x.caps&i2cp.CapShadows == 0 || !x.d.imitates {
		return nil
	}
	x.p140.shadowed = x.p140.shadowed || len(shadows) > 0
	return x.session.Send(ctx, &i2cp.SetShadows{
		Session: x.session.ID(), Request: x.next(), Published: wire.Seconds(published), Newest: newest, Shadows: shadows,
	})
}

// wireShadows is an action's shadows as they go to its router.
func wireShadows(shadows []balancer.TunnelID) []uint32 {
	if shadows == nil {
		return nil
	}
	out := make([]uint32, len(shadows))
	for i, id := range shadows {
		if id == balancer.Silent {
			out[i] = i2cp.ShadowSilent
		} else {
			out[i] = wireTunnel(id) // ShadowNone for None
		}
	}
	return out
}

// passOn hands what a floodfill has answered through this router, which has not
// asked, to the routers that may have: those with shadows. Who has not asked for it
// ignores it. It runs on the router's reading goroutine.
func (x *life) passOn(m *i2cp.AckRelayed) {
	d := x.d
	d.mu.Lock()
	published := d.status.at
	d.mu.Unlock()
	if m.Kind == i2cp.I2NPDatabaseStore {
		var ours bool
		if published, ours = d.storedInside(m.Body); !ours {
			return
		}
		d.confirmed(published)
	}
	ack := i2cp.RelayAck{Published: wire.Seconds(published), Kind: m.Kind, Body: bytes.Clone(m.Body)}
	for i := range d.slots {
		l := d.slots[i].Load()
		if l == nil || l == x.link {
			continue
		}
		l.ordered(func(ctx context.Context, y *life) error {
			if !y.p140.shadowed {
				return nil
			}
			ack := ack
			ack.Session = y.session.ID()
			return y.session.Send(ctx, &ack)
		})
	}
}

// storedInside returns the `published` of the LeaseSet2 in the body of an I2NP
// DatabaseStore, and whether that is one of ours.
func (d *destination) storedInside(body []byte) (published int64, ours bool) {
	const head, token, replyPath = 32 + 1, 4, 4 + 32 // key and type, reply token, reply tunnel and gateway
	if len(body) < head+token || wire.StoreType(body[head-1]) != wire.StoreLeaseSet2 {
		return 0, false
	}
	rest := body[head+token:]
	if binary.BigEndian.Uint32(body[head:]) != 0 {
		if len(rest) < replyPath {
			return 0, false
		}
		rest = rest[replyPath:]
	}
	ls, trailing, err := wire.ParseLeaseSet2(rest)
	if err != nil || len(trailing) > 0 || !d.isOurs(rest) {
		return 0, false
	}
	return int64(ls.Published), true
}

func (x *life) relayAck(ctx context.Context, published int64) error {
	return x.session.Send(ctx, &i2cp.RelayAck{
		Session: x.session.ID(), Published: wire.Seconds(published), Kind: i2cp.I2NPDeliveryStatus,
	})
}

func (x *life) noteFloodfills(ctx context.Context, notes []i2cp.FloodfillNote) error {
	return x.session.Send(ctx, &i2cp.NoteFloodfills{Session: x.session.ID(), Notes: notes})
}

func (x *life) outdate(ctx context.Context, published int64) error {
	return x.session.Send(ctx, &i2cp.OutdateLeaseSet{Session: x.session.ID(), Published: wire.Seconds(published)})
}

func (x *life) lookUpManaged(ctx context.Context) error {
	return x.session.Send(ctx, &i2cp.LookupLeaseSet{Session: x.session.ID(), Request: x.next(), Hash: x.d.hash, Timeout: 20_000})
}

var coreResults = map[i2cp.Result]balancer.Result{
	i2cp.ResultOK: balancer.ResultOK, i2cp.ResultRejected: balancer.ResultRejected, i2cp.ResultTimeout: balancer.ResultTimeout,
	i2cp.ResultNoPeers: balancer.ResultNoPeers, i2cp.ResultOutdated: balancer.ResultOutdated,
}

func coreResult(r i2cp.Result) balancer.Result {
	if c, ok := coreResults[r]; ok {
		return c
	}
	return balancer.ResultFailed
}

// readManaged takes a message of the session.
func (x *life) readManaged(m i2cp.Message) {
	switch m := m.(type) {
	case *i2cp.PacketReceived:
		x.receive(m.Payload)
	case *i2cp.PeerList, *i2cp.TunnelList, *i2cp.TunnelStatus, *i2cp.FloodfillsNoted:
		x.d.post(input{x.id, x, managed, balancer.Event{Router: x.id}, m})
	case *i2cp.TunnelExpired:
		reasons := [...]balancer.Reason{balancer.ReasonExpired, balancer.ReasonFailed, balancer.ReasonDropped}
		x.tell(balancer.Event{
			Kind: balancer.EventTunnelExpired, Reason: reasons[min(int(m.Reason), len(reasons)-1)],
			Direction: balancer.Direction(m.Direction), Tunnel: balancer.Tunnel{ID: x.d.names.managed(x.id, m.Tunnel)},
		})
	case *i2cp.PublishStatus:
		x.onPublishStatus(m)
	case *i2cp.AckRelayed:
		if m.Kind != i2cp.I2NPDeliveryStatus {
			x.passOn(m)
			return
		}
		x.d.post(input{x.id, x, ackCame, balancer.Event{Kind: balancer.EventAckRelayed, Router: x.id}, m})
	case *i2cp.LookupResult:
		x.onLookupResult(m)
	case *i2cp.RequestError:
		x.d.log.Warn("router refuses a request", "router", x.cfg.Name, "request", m.Refused, "why", m.Code, "text", m.Text)
		x.onRefusal(m)
	}
}

func (x *life) onPublishStatus(m *i2cp.PublishStatus) {
	published := int64(m.Published)
	if m.Token != 0 {
		x.d.acks.expect(m.Token, published)
	}
	if m.Result == i2cp.ResultOK {
		x.d.confirmed(published)
	}
	if m.Result == i2cp.ResultPending && !m.Final {
		return
	}
	x.tell(balancer.Event{
		Kind: balancer.EventPublishStatus, Published: published, Result: coreResult(m.Result), Final: m.Final, Floodfill: balancer.None,
	})
}

func (x *life) onLookupResult(m *i2cp.LookupResult) {
	ev := balancer.Event{Kind: balancer.EventLookupResult}
	switch m.Result {
	case i2cp.ResultOK:
		ls, rest, err := wire.ParseLeaseSet2(m.LeaseSet)
		switch {
		case m.StoreType != wire.StoreLeaseSet2 || err != nil || len(rest) > 0 || ls.Verify() != nil:
			ev.Result = balancer.ResultFailed
		default:
			ev.Published = int64(ls.Published)
			ev.Ours = x.d.isOurs(m.LeaseSet)
			if ev.Ours {
				x.d.confirmed(ev.Published)
			} else {
				x.d.log.Error("the LeaseSet in the netDb is not ours: does another balancer or router use this Destination's key?",
					"asked", x.cfg.Name, "published", ev.Published)
			}
		}
	case i2cp.ResultTimeout:
		ev.Result = balancer.ResultTimeout
	default: // not found
	}
	x.tell(ev)
}

// onRefusal turns a refusal into the answer that the core waits for.
func (x *life) onRefusal(m *i2cp.RequestError) {
	switch m.Refused {
	case i2cp.TypeCreateTunnel:
		x.p140.mu.Lock()
		id, ok := x.p140.builds[m.Request]
		delete(x.p140.builds, m.Request)
		x.p140.mu.Unlock()
		if ok {
			x.tell(balancer.Event{Kind: balancer.EventTunnelStatus, Request: id, Result: balancer.ResultNoPeers})
		}
	case i2cp.TypePublishLeaseSet:
		x.p140.mu.Lock()
		sent := x.p140.sent
		x.p140.mu.Unlock()
		x.tell(balancer.Event{Kind: balancer.EventPublishStatus, Published: sent, Result: balancer.ResultFailed, Final: true})
	case i2cp.TypeLookupLeaseSet:
		x.tell(balancer.Event{Kind: balancer.EventLookupResult, Result: balancer.ResultFailed})
	}
}

// translate makes an event of a message whose names the loop must number. It
// returns false while parts of a list are missing.
func (x *life) translate(m i2cp.Message, ev *balancer.Event) bool {
	p := &x.p140
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m := m.(type) {
	case *i2cp.PeerList:
		for i := range m.Peers {
			p.peers = append(p.peers, x.d.names.describe(&m.Peers[i]))
		}
		if m.Flags&i2cp.ListMore != 0 {
			return false
		}
		ev.Kind, ev.Version, ev.Unchanged = balancer.EventPeerList, m.Version, m.Flags&i2cp.ListUnchanged != 0
		ev.Peers, p.peers = p.peers, nil
	case *i2cp.TunnelList:
		for i := range m.Tunnels {
			p.tunnels = append(p.tunnels, x.d.names.tunnel(x.id, &m.Tunnels[i], x.d.offset(x.id)))
		}
		if m.Flags&i2cp.ListMore != 0 {
			return false
		}
		ev.Kind, ev.Direction = balancer.EventTunnelList, balancer.Direction(m.Direction)
		ev.Tunnels, p.tunnels = p.tunnels, nil
	case *i2cp.FloodfillsNoted:
		ev.Kind = balancer.EventFloodfills
		for i := range m.Notes {
			ev.Notes = append(ev.Notes, x.d.names.note(&m.Notes[i], x.d.now()))
		}
	case *i2cp.TunnelStatus:
		ev.Kind, ev.Request, ev.Result = balancer.EventTunnelStatus, p.builds[m.Request], coreResult(m.Result)
		if m.Result != i2cp.ResultTimeout {
			delete(p.builds, m.Request)
		}
		if m.Result == i2cp.ResultOK {
			ev.Tunnel = x.d.names.tunnel(x.id, &m.Tunnel, x.d.offset(x.id))
		}
	}
	return true
}

// acks remembers which store an ack belongs to: it may come in through another
// router than the store left through.
type acks struct {
	mu     sync.Mutex
	tokens map[uint32]int64
	order  []uint32
}

func (a *acks) expect(token uint32, published int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.tokens[token]; known {
		return
	}
	if len(a.order) >= tokensMax {
		delete(a.tokens, a.order[0])
		a.order = a.order[1:]
	}
	a.tokens[token] = published
	a.order = append(a.order, token)
}

func (a *acks) find(token uint32) (int64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	published, ok := a.tokens[token]
	return published, ok
}

// ours remembers the LeaseSets that were made lately, by their hashes.
type ours struct {
	mu   sync.Mutex
	sums [64][32]byte
	next int
}

func (o *ours) add(b []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sums[o.next%len(o.sums)] = sha256.Sum256(b)
	o.next++
}

func (o *ours) has(b []byte) bool {
	sum := sha256.Sum256(b)
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.sums {
		if bytes.Equal(o.sums[i][:], sum[:]) {
			return true
		}
	}
	return false
}
