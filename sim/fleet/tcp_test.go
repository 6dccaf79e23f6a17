package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// ports is a fleet whose routers listen on TCP ports.
type ports struct {
	*Fleet
	t    *testing.T
	addr []string
}

// speed of the fleets on ports: fast enough not to wait for them, and slow enough
// that a loaded machine does not fall behind.
const speed = 50

func overTCP(t *testing.T, cfg Config) *ports {
	t.Helper()
	t.Parallel() // most of the time it waits
	cfg.Speed = speed
	p := &ports{Fleet: sure(t, cfg), t: t}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	for _, r := range p.Routers() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		p.addr = append(p.addr, l.Addr().String())
		serving.Go(func() {
			if err := r.Listen(ctx, l); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		p.Close()
		serving.Wait()
	})
	return p
}

func (p *ports) dial(router int) *i2cp.Conn {
	p.t.Helper()
	c, err := i2cp.Dial(p.t.Context(), p.addr[router], i2cp.Config{Extension: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Abort)
	return c
}

// served is a Destination that can be reached, through one inbound tunnel.
type served struct {
	*client
	conn    *i2cp.Conn
	s       *i2cp.Session
	in, out i2cp.Tunnel
}

func (p *ports) serve(n byte, router int) *served {
	p.t.Helper()
	x := &served{client: newClient(p.t, n), conn: p.dial(router)}
	x.s, x.in, x.out = x.open(x.conn)
	x.publish(p.Fleet, x.s, 90, x.in)
	return x
}

// packet sends a packet and returns what became of it.
func (x *served) packet(s *i2cp.Session, request uint32, to *client, text string) *i2cp.SendStatus {
	x.t.Helper()
	send(x.t, s, &i2cp.SendPacket{
		Session: s.ID(), Request: request, Destination: to.keys.Destination.Bytes(), Payload: payloadOf(text),
	})
	return await[*i2cp.SendStatus](x.t, s)
}

func payloadOf(text string) []byte {
	return i2cp.AppendPayload(nil, i2cp.PayloadInfo{Protocol: i2cp.ProtocolRaw}, []byte(text))
}

// refused takes the next message of a session and wants a refusal.
func refused(t *testing.T, s *i2cp.Session, m i2cp.Message, want i2cp.ErrorCode) {
	t.Helper()
	send(t, s, m)
	if got, ok := (<-s.Messages()).(*i2cp.RequestError); !ok || got.Code != want || got.Refused != m.Type() {
		t.Errorf("%T: %+v, want %v", m, got, want)
	}
}

// pool lists the tunnels of a direction.
func pool(t *testing.T, s *i2cp.Session, request uint32, dir i2cp.Direction) []i2cp.Tunnel {
	t.Helper()
	send(t, s, &i2cp.GetTunnelPool{Session: s.ID(), Request: request, Direction: dir})
	list := await[*i2cp.TunnelList](t, s)
	if list.Request != request || list.Direction != dir {
		t.Errorf("asked for %v, got %+v", dir, list)
	}
	return list.Tunnels
}

// TestAttach: what comes in goes to the frontend while there is one, which may
// send and do nothing else.
func TestAttach(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	front, err := p.dial(0).Attach(t.Context(), x.s.OpenStatus().Token, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got := y.packet(y.s, 1, x.client, "in"); got.Status != i2cp.MessageSuccess {
		t.Errorf("sent: %+v", got)
	}
	if got := await[*i2cp.PacketReceived](t, front); !bytes.Equal(got.Payload, payloadOf("in")) || got.Tunnel != x.in.ID {
		t.Errorf("the frontend gets %+v", got)
	}
	if got := x.packet(front, 2, y.client, "out"); got.Status != i2cp.MessageSuccess || got.Tunnel != x.out.ID {
		t.Errorf("sent by the frontend: %+v", got)
	}
	if got := await[*i2cp.PacketReceived](t, y.s); !bytes.Equal(got.Payload, payloadOf("out")) {
		t.Errorf("received: %+v", got)
	}
	refused(t, front, &i2cp.CreateTunnel{Session: front.ID(), Request: 3, Hops: 3}, i2cp.ErrorForbidden)
	if err := front.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The answer says that the router has read the detaching before it.
	if _, err := front.Conn().Capabilities(t.Context()); err != nil {
		t.Fatal(err)
	}
	y.packet(y.s, 4, x.client, "later")
	if got := await[*i2cp.PacketReceived](t, x.s); !bytes.Equal(got.Payload, payloadOf("later")) {
		t.Errorf("the owner gets %+v", got)
	}
	var bad i2cp.Token
	var oe *i2cp.OpenError
	if _, err := p.dial(0).Attach(t.Context(), bad, ""); !errors.As(err, &oe) || oe.Status != i2cp.OpenBadToken {
		t.Errorf("a wrong token: %v", err)
	}
}

// TestTakeOver: a standby takes the session, its tunnels with it.
func TestTakeOver(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	x := p.serve(1, 0)
	standby := p.dial(0)
	var oe *i2cp.OpenError
	if _, err := standby.OpenSession(t.Context(), x.keys, nil, 0, time.Minute); !errors.As(err, &oe) || oe.Status != i2cp.OpenInUse {
		t.Errorf("without taking over: %v", err)
	}
	s, err := standby.OpenSession(t.Context(), x.keys, nil, i2cp.OpenTakeOver, time.Minute)
	if err != nil || s.OpenStatus().Status != i2cp.OpenResumed || s.OpenStatus().Token == x.s.OpenStatus().Token {
		t.Fatalf("take over: %v, %+v", err, s)
	}
	for range x.s.Messages() { // until it has lost its session
	}
	if err := x.s.Err(); !errors.As(err, &oe) || oe.Status != i2cp.OpenLost {
		t.Errorf("the one who is put out: %v", err)
	}
	if got := pool(t, s, 1, i2cp.Inbound); len(got) != 1 || got[0] != x.in {
		t.Errorf("inbound %+v, want %+v", got, x.in)
	}
	x.publish(p.Fleet, s, 2, x.in)
}

// TestResume: tunnels outlive the balancer's connection, in both directions, and
// what was published still leads to the session.
func TestResume(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	x.conn.Abort()
	<-x.conn.Done()
	again := p.dial(0)
	var s *i2cp.Session
	for { // the router may not have noticed yet
		var err error
		var oe *i2cp.OpenError
		s, err = again.OpenSession(t.Context(), x.keys, nil, i2cp.OpenResume, time.Minute)
		if err == nil {
			break
		}
		if !errors.As(err, &oe) || oe.Status != i2cp.OpenInUse {
			t.Fatal(err)
		}
	}
	if got := s.OpenStatus().Status; got != i2cp.OpenResumed {
		t.Errorf("status %v", got)
	}
	if got := pool(t, s, 1, i2cp.Inbound); len(got) != 1 || got[0] != x.in {
		t.Errorf("inbound %+v, want %+v", got, x.in)
	}
	if got := pool(t, s, 2, i2cp.Outbound); len(got) != 1 || got[0] != x.out {
		t.Errorf("outbound %+v, want %+v", got, x.out)
	}
	y.packet(y.s, 1, x.client, "back")
	if got := await[*i2cp.PacketReceived](t, s); got.Tunnel != x.in.ID {
		t.Errorf("received: %+v", got)
	}
}

// TestReconfigure: a managed session may be reconfigured, for what it is worth.
func TestReconfigure(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	x := p.serve(1, 0)
	if err := x.s.Reconfigure(t.Context(), map[string]string{"inbound.nickname": "a"}); err != nil {
		t.Error(err)
	}
	if got := pool(t, x.s, 1, i2cp.Inbound); len(got) != 1 {
		t.Errorf("tunnels after it: %+v", got)
	}
}

// TestTunnels: lengths as asked for, none at all among them, paths repeated, and
// dropped tunnels that lead nowhere.
func TestTunnels(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	build := func(m i2cp.CreateTunnel) i2cp.Tunnel {
		t.Helper()
		m.Session = x.s.ID()
		send(t, x.s, &m)
		got := await[*i2cp.TunnelStatus](t, x.s)
		if got.Request != m.Request || got.Result != i2cp.ResultOK || got.Tunnel.Direction != m.Direction {
			t.Fatalf("asked for %+v, got %+v", m, got)
		}
		return got.Tunnel
	}
	for hops := range uint8(i2cp.MaxHops + 1) {
		for dir := range i2cp.Direction(2) {
			if got := build(i2cp.CreateTunnel{Request: 1, Direction: dir, Hops: hops}); got.Hops != hops {
				t.Errorf("%d hops, want %d", got.Hops, hops)
			}
		}
	}
	zero := build(i2cp.CreateTunnel{Request: 2, Hops: 0})
	if zero.Gateway != p.Routers()[0].Hash() || zero.Receive == 0 {
		t.Errorf("a tunnel without hops: %+v", zero)
	}
	x.publish(p.Fleet, x.s, 3, zero)
	y.packet(y.s, 1, x.client, "direct")
	if got := await[*i2cp.PacketReceived](t, x.s); got.Tunnel != zero.ID {
		t.Errorf("received: %+v", got)
	}

	again := build(i2cp.CreateTunnel{Request: 4, Hops: 3, Reuse: x.in.ID})
	if again.Path != x.in.Path || again.ID == x.in.ID || again.Receive == x.in.Receive {
		t.Errorf("reused %+v, got %+v", x.in, again)
	}
	x.publish(p.Fleet, x.s, 8, x.in)
	send(t, x.s, &i2cp.DropTunnel{Session: x.s.ID(), Request: 5, Tunnel: x.in.ID})
	if got := await[*i2cp.TunnelExpired](t, x.s); got.Tunnel != x.in.ID || got.Reason != i2cp.TunnelDropped {
		t.Errorf("dropped: %+v", got)
	}
	for _, in := range pool(t, x.s, 6, i2cp.Inbound) {
		if in.ID == x.in.ID {
			t.Error("a dropped tunnel is in the pool")
		}
	}
	if got := build(i2cp.CreateTunnel{Request: 7, Hops: 3, Reuse: x.in.ID}); got.Path != x.in.Path {
		t.Errorf("reused after its end: %+v", got)
	}
	if got := y.packet(y.s, 2, x.client, "lost"); got.Status != i2cp.MessageFailure {
		t.Errorf("sent through a dropped tunnel: %+v", got)
	}
}

// TestReuseEnds: a path may be repeated for ten minutes after the end of its
// tunnel.
func TestReuseEnds(t *testing.T) {
	inBubble(t, Config{Routers: 1}, func(t *testing.T, r *rig) {
		c := newClient(t, 1)
		s, in, _ := c.open(r.dial(0))
		send(t, s, &i2cp.DropTunnel{Session: s.ID(), Request: 1, Tunnel: in.ID})
		await[*i2cp.TunnelExpired](t, s)
		time.Sleep(9 * time.Minute) // of the bubble
		send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 2, Hops: 3, Reuse: in.ID})
		if got := await[*i2cp.TunnelStatus](t, s); got.Tunnel.Path != in.Path {
			t.Errorf("after 9 minutes: %+v", got)
		}
		time.Sleep(2 * time.Minute)
		for len(s.Messages()) > 0 { // the outbound tunnel has expired
			<-s.Messages()
		}
		refused(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 3, Hops: 3, Reuse: in.ID}, i2cp.ErrorNoTunnel)
	})
}

// TestRelay: an ack comes back through another router and is handed to the
// publisher.
func TestRelay(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	c := newClient(t, 1)
	other, in0, _ := c.open(p.dial(0))
	s, in1, out := c.open(p.dial(1))
	var leases []wire.Lease2
	for _, in := range []i2cp.Tunnel{in0, in1} {
		leases = append(leases, wire.Lease2{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())})
	}
	b, keys := c.leaseSet(p.Now(), leases)
	send(t, s, &i2cp.PublishLeaseSet{
		Session: s.ID(), Request: 10, Outbound: out.ID, ReplyLease: 0, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
	})
	ack := await[*i2cp.AckRelayed](t, other)
	if ack.Tunnel != in0.ID {
		t.Errorf("an ack through tunnel %d, want %d", ack.Tunnel, in0.ID)
	}
	send(t, s, &i2cp.RelayAck{Session: s.ID(), Published: wire.Seconds(ack.Token), Kind: ack.Kind, Token: ack.Token, Body: ack.Body})
	var results []i2cp.Result
	for {
		got := await[*i2cp.PublishStatus](t, s)
		results = append(results, got.Result)
		if got.Final {
			break
		}
	}
	if results[0] != i2cp.ResultPending || results[len(results)-1] != i2cp.ResultOK {
		t.Errorf("results %v", results)
	}
}

// TestOutdated: a LeaseSet that lacks a tunnel which the router has just told of is not
// published.
func TestOutdated(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	c := newClient(t, 1)
	_, twin, _ := c.open(p.dial(0))
	s, own, _ := c.open(p.dial(1))
	older := own.ID
	send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 5, Direction: i2cp.Inbound, Hops: 3})
	for {
		m := await[*i2cp.TunnelStatus](t, s)
		if m.Result == i2cp.ResultOK && m.Tunnel.ID > older {
			own = m.Tunnel
			break
		}
	}
	for i, c2 := range []struct {
		newest uint32
		want   i2cp.Result
	}{{older, i2cp.ResultOutdated}, {own.ID, i2cp.ResultPending}, {0, i2cp.ResultPending}} {
		b, keys := c.leaseSet(p.Now(), []wire.Lease2{{Gateway: twin.Gateway, Tunnel: twin.Receive, End: wire.SecondsOf(twin.Expires.Time())}})
		ls, _, err := wire.ParseLeaseSet2(b)
		if err != nil {
			t.Fatal(err)
		}
		send(t, s, &i2cp.SetShadows{Session: s.ID(), Request: 1, Published: ls.Published, Newest: c2.newest, Shadows: []uint32{older}})
		request := uint32(20 + i)
		send(t, s, &i2cp.PublishLeaseSet{
			Session: s.ID(), Request: request, ReplyLease: i2cp.ReplyClosest, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
		})
		for {
			got := await[*i2cp.PublishStatus](t, s)
			if got.Request != request {
				continue
			}
			if got.Result != c2.want || got.Final != (c2.want == i2cp.ResultOutdated) {
				t.Errorf("newest %d: %+v, want result %d", c2.newest, got, c2.want)
			}
			break
		}
	}
}

// TestSetShadows: what the leases stand for is of the LeaseSet that it names, a
// tunnel that is gone is passed over, and another number of leases is refused.
func TestSetShadows(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	c := newClient(t, 1)
	_, twin, _ := c.open(p.dial(0))
	s, own, _ := c.open(p.dial(1))
	b, keys := c.leaseSet(p.Now(), []wire.Lease2{{Gateway: twin.Gateway, Tunnel: twin.Receive, End: wire.SecondsOf(twin.Expires.Time())}})
	ls, _, err := wire.ParseLeaseSet2(b)
	if err != nil {
		t.Fatal(err)
	}
	publish := &i2cp.PublishLeaseSet{
		Session: s.ID(), Request: 10, ReplyLease: i2cp.ReplyClosest, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
	}
	give := &i2cp.GiveLeaseSet{Session: s.ID(), Request: 11, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys}
	send(t, s, &i2cp.SetShadows{Session: s.ID(), Request: 1, Published: ls.Published, Shadows: []uint32{own.ID, i2cp.ShadowNone}})
	refused(t, s, publish, i2cp.ErrorBadLeaseSet)
	refused(t, s, give, i2cp.ErrorBadLeaseSet)
	send(t, s, &i2cp.SetShadows{Session: s.ID(), Request: 2, Published: ls.Published, Shadows: []uint32{own.ID}})
	publish.Request = 12
	send(t, s, publish)
	if got := await[*i2cp.PublishStatus](t, s); got.Request != publish.Request || got.Result != i2cp.ResultPending {
		t.Errorf("published with what its lease stands for: %+v", got)
	}
	for _, shadow := range []uint32{own.ID, i2cp.ShadowSilent, 4711} {
		send(t, s, &i2cp.SetShadows{Session: s.ID(), Request: 3, Published: ls.Published, Shadows: []uint32{shadow}})
		send(t, s, give)
	}
	// Of another LeaseSet nothing is said.
	send(t, s, &i2cp.SetShadows{Session: s.ID(), Request: 3, Published: ls.Published + 1, Shadows: []uint32{1, 2, 3}})
	send(t, s, give)
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	send(t, s, &i2cp.GetTunnelPool{Session: s.ID(), Request: 30})
	for {
		switch m := (<-s.Messages()).(type) {
		case *i2cp.PublishStatus:
			continue
		case *i2cp.TunnelList:
			if len(m.Tunnels) != 1 {
				t.Errorf("%+v", m)
			}
		default:
			t.Errorf("%T: %+v", m, m)
		}
		return
	}
}

// TestGive: a LeaseSet that is given is not published, but whoever hears from its
// router answers by it.
func TestGive(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	send(t, x.s, &i2cp.CreateTunnel{Session: x.s.ID(), Request: 1, Hops: 2})
	own := await[*i2cp.TunnelStatus](t, x.s).Tunnel
	b, keys := x.leaseSet(p.Now(), []wire.Lease2{{Gateway: own.Gateway, Tunnel: own.Receive, End: wire.SecondsOf(own.Expires.Time())}})
	send(t, x.s, &i2cp.GiveLeaseSet{Session: x.s.ID(), Request: 2, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys})
	y.packet(y.s, 1, x.client, "by the netDb")
	if got := await[*i2cp.PacketReceived](t, x.s); got.Tunnel != x.in.ID {
		t.Errorf("before it was bundled: %+v", got)
	}
	x.packet(x.s, 3, y.client, "with the LeaseSet")
	y.packet(y.s, 2, x.client, "by the bundle")
	if got := await[*i2cp.PacketReceived](t, x.s); got.Tunnel != own.ID {
		t.Errorf("after it was bundled: %+v", got)
	}
	send(t, y.s, &i2cp.LookupLeaseSet{Session: y.s.ID(), Request: 3, Hash: x.keys.Destination.Hash(), Timeout: 30000})
	if got := await[*i2cp.LookupResult](t, y.s); got.Result != i2cp.ResultOK || bytes.Equal(got.LeaseSet, b) {
		t.Errorf("the netDb has %+v", got)
	}
}

// TestLookups: every kind, with what it finds and the code where it does not.
func TestLookups(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	x := newClient(t, 1)
	conn := p.dial(0)
	s, in, _ := x.open(conn)
	options, err := wire.NewMapping(map[string]string{"_smtp._tcp": "0 999999 25"})
	if err != nil {
		t.Fatal(err)
	}
	ls := &wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: x.keys.Destination, Published: wire.SecondsOf(p.Now()), Expires: 600},
		Options:         options,
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: x.enc.PublicKey().Bytes()}},
		Leases:          []wire.Lease2{{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())}},
	}
	x.store(s, 5, wire.StoreLeaseSet2, ls)
	dest, hash := x.keys.Destination.Bytes(), x.keys.Destination.Hash()
	stranger := newClient(t, 2).keys.Destination
	for name, test := range map[string]struct {
		q    i2cp.HostLookup
		code i2cp.LookupCode
		dest []byte
		with bool
	}{
		"hash":                             {i2cp.HostLookup{Hash: hash}, i2cp.LookupOK, dest, false},
		"unknown hash":                     {i2cp.HostLookup{Hash: stranger.Hash()}, i2cp.LookupFailed, nil, false},
		"b32":                              {i2cp.HostLookup{Kind: i2cp.LookupName, Name: x.keys.Destination.B32()}, i2cp.LookupOK, dest, false},
		"name":                             {i2cp.HostLookup{Kind: i2cp.LookupName, Name: "example.i2p"}, i2cp.LookupFailed, nil, false},
		"hash, options":                    {i2cp.HostLookup{Kind: i2cp.LookupHashWithOptions, Hash: hash}, i2cp.LookupOK, dest, true},
		"unknown hash, options":            {i2cp.HostLookup{Kind: i2cp.LookupHashWithOptions, Hash: stranger.Hash()}, i2cp.LookupLeaseSetFailed, nil, false},
		"b32, options":                     {i2cp.HostLookup{Kind: i2cp.LookupNameWithOptions, Name: x.keys.Destination.B32()}, i2cp.LookupOK, dest, true},
		"name, options":                    {i2cp.HostLookup{Kind: i2cp.LookupNameWithOptions, Name: "example.i2p"}, i2cp.LookupFailed, nil, false},
		"destination, options":             {i2cp.HostLookup{Kind: i2cp.LookupDestinationWithOptions, Destination: dest}, i2cp.LookupOK, dest, true},
		"unpublished destination, options": {i2cp.HostLookup{Kind: i2cp.LookupDestinationWithOptions, Destination: stranger.Bytes()}, i2cp.LookupLeaseSetFailed, stranger.Bytes(), false},
		"later kind":                       {i2cp.HostLookup{Kind: 9, Key: []byte{1}}, i2cp.LookupUnsupported, nil, false},
	} {
		test.q.Session, test.q.Timeout = i2cp.NoSession, 10000
		got, err := conn.HostLookup(t.Context(), test.q)
		if got == nil || (err == nil) != (test.code == i2cp.LookupOK) || got.Code != test.code || !bytes.Equal(got.Destination, test.dest) || got.HasOptions != test.with {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		if value, _ := got.Options.Get("_smtp._tcp"); test.with && value != "0 999999 25" {
			t.Errorf("%s: options %v", name, got.Options)
		}
	}
	if got, err := conn.DestLookup(t.Context(), hash); err != nil || !bytes.Equal(got, dest) {
		t.Errorf("DestLookup: %x, %v", got, err)
	}
	if got, err := conn.DestLookup(t.Context(), stranger.Hash()); err == nil && got != nil {
		t.Errorf("DestLookup of a stranger: %x", got)
	}
}

// signable is a LeaseSet of any type that its Destination signs.
type signable interface {
	Sign(wire.SigningPrivateKey) error
	Append([]byte) ([]byte, error)
}

// store signs and publishes a LeaseSet, and waits for the ack.
func (c *client) store(s *i2cp.Session, request uint32, kind wire.StoreType, ls signable) []byte {
	t := c.t
	t.Helper()
	key, err := c.keys.Signer()
	if err == nil {
		err = ls.Sign(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := ls.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.storeSigned(s, request, kind, b)
	return b
}

func (c *client) storeSigned(s *i2cp.Session, request uint32, kind wire.StoreType, b []byte) {
	t := c.t
	t.Helper()
	send(t, s, &i2cp.PublishLeaseSet{Session: s.ID(), Request: request, ReplyLease: i2cp.ReplyClosest, StoreType: kind, LeaseSet: b})
	for {
		got := await[*i2cp.PublishStatus](t, s)
		if got.Final && got.Result != i2cp.ResultOK {
			t.Fatalf("not stored: %+v", got)
		}
		if got.Final {
			return
		}
	}
}

// TestTypes: LeaseSets of the other types are stored and found, each under its
// own key.
func TestTypes(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := newClient(t, 1), p.serve(2, 1)
	conn := p.dial(0)
	s, _, _ := x.open(conn)
	look := func(hash wire.Hash) *i2cp.LookupResult {
		send(t, y.s, &i2cp.LookupLeaseSet{Session: y.s.ID(), Request: 5, Hash: hash, Timeout: 30000})
		return await[*i2cp.LookupResult](t, y.s)
	}
	meta := &wire.MetaLeaseSet{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: x.keys.Destination, Published: wire.SecondsOf(p.Now()), Expires: 600},
		Leases:          []wire.MetaLease{{Hash: y.keys.Destination.Hash(), Cost: 1, End: wire.SecondsOf(p.Now()) + 500}},
	}
	meta.Leases[0].SetType(wire.StoreLeaseSet2)
	b := x.store(s, 10, wire.StoreMetaLeaseSet, meta)
	if got := look(x.keys.Destination.Hash()); got.StoreType != wire.StoreMetaLeaseSet || !bytes.Equal(got.LeaseSet, b) {
		t.Errorf("meta: %+v", got)
	}
	if got := y.packet(y.s, 6, x, "to a meta LeaseSet"); got.Status != i2cp.MessageMetaLeaseSet {
		t.Errorf("sent: %+v", got)
	}

	blinded := newClient(t, 3).keys // whose signature the fleet cannot tell from a blinded one
	enc := &wire.EncryptedLeaseSet{
		BlindedKey: blinded.Destination.SigningKey(), Published: wire.SecondsOf(p.Now()) + 1, Expires: 600, Data: []byte("hidden"),
	}
	b = signEncrypted(t, enc, blinded)
	x.storeSigned(s, 11, wire.StoreEncryptedLeaseSet, b)
	if got := look(enc.Hash()); got.StoreType != wire.StoreEncryptedLeaseSet || !bytes.Equal(got.LeaseSet, b) {
		t.Errorf("encrypted: %+v", got)
	}
	if got := look(x.keys.Destination.Hash()); got.Result == i2cp.ResultOK {
		t.Errorf("found by its Destination: %+v", got)
	}
	send(t, s, &i2cp.LookupLeaseSet{Session: s.ID(), Request: 12, Hash: enc.Hash(), Timeout: 30000})
	if got := await[*i2cp.LookupResult](t, s); !bytes.Equal(got.LeaseSet, b) {
		t.Errorf("its own: %+v", got)
	}
	y.packet(y.s, 7, x, "to whom knows the keys")
	await[*i2cp.PacketReceived](t, s)
	if got := p.lookup(enc.Hash().B32()); got.Found == nil || !*got.Found || got.Type != wire.StoreEncryptedLeaseSet || len(got.Leases) != 0 {
		t.Errorf("control socket: %+v", got)
	}
}

// signEncrypted signs an EncryptedLeaseSet, which package wire does not.
func signEncrypted(t *testing.T, ls *wire.EncryptedLeaseSet, keys wire.PrivateKeyFile) []byte {
	t.Helper()
	key, err := keys.Signer()
	if err != nil {
		t.Fatal(err)
	}
	ls.Signature = make(wire.Signature, 64)
	b, err := ls.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := b[:len(b)-64]
	sig := key.Sign(append([]byte{byte(wire.StoreEncryptedLeaseSet)}, unsigned...))
	return append(bytes.Clone(unsigned), sig...)
}

// TestGarlic: garlic goes through the fleet as it is, to the session that holds
// the tunnel, and to nobody if there is none.
func TestGarlic(t *testing.T) {
	p := overTCP(t, Config{Routers: 3})
	c := newClient(t, 1)
	var sessions []*i2cp.Session
	var ins []i2cp.Tunnel
	for router := range 2 {
		s, err := p.dial(router).OpenSession(t.Context(), c.keys, nil, i2cp.OpenGarlic, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 1, Hops: 3})
		ins = append(ins, await[*i2cp.TunnelStatus](t, s).Tunnel)
		send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 2, Direction: i2cp.Outbound, Hops: 3})
		await[*i2cp.TunnelStatus](t, s)
		sessions = append(sessions, s)
	}
	y := p.serve(2, 2)
	down := func(from *i2cp.Session, request uint32, to i2cp.Tunnel, text string) *i2cp.SendStatus {
		send(t, from, &i2cp.GarlicDown{
			Session: from.ID(), Request: request, Gateway: to.Gateway, Receive: to.Receive, Payload: []byte(text),
		})
		return await[*i2cp.SendStatus](t, from)
	}
	// From one router's session to the lease of the other's.
	if got := down(sessions[0], 3, ins[1], "\x00\xffopaque"); got.Status != i2cp.MessageBestEffortSuccess || got.Tunnel == 0 {
		t.Errorf("sent: %+v", got)
	}
	if got := await[*i2cp.GarlicUp](t, sessions[1]); string(got.Payload) != "\x00\xffopaque" || got.Tunnel != ins[1].ID {
		t.Errorf("received: %+v", got)
	}
	// A packet for the Destination is handed up as garlic, whichever lease it took.
	c.publish(p.Fleet, sessions[0], 4, ins...)
	y.packet(y.s, 1, c, "packet")
	for handed := false; !handed; {
		var m i2cp.Message
		in := ins[0]
		select {
		case m = <-sessions[0].Messages():
		case m = <-sessions[1].Messages():
			in = ins[1]
		}
		switch m.(type) {
		case *i2cp.AckRelayed, *i2cp.PublishStatus: // of the store, at times late
		default:
			checkGarlic(t, m, in)
			handed = true
		}
	}
	// A session that does not want garlic gets what is in it.
	down(sessions[1], 5, y.in, string(payloadOf("inside")))
	if got := await[*i2cp.PacketReceived](t, y.s); !bytes.Equal(got.Payload, payloadOf("inside")) || got.Tunnel != y.in.ID {
		t.Errorf("without garlic: %+v", got)
	}
	// Nobody tells that it went nowhere.
	nowhere := ins[0]
	nowhere.Receive++
	if got := down(sessions[1], 6, nowhere, "lost"); got.Status != i2cp.MessageBestEffortSuccess {
		t.Errorf("to nobody: %+v", got)
	}
	send(t, sessions[0], &i2cp.GarlicDown{
		Session: sessions[0].ID(), Request: 7, Gateway: y.in.Gateway, Receive: y.in.Receive,
		Expiration: wire.DateOf(p.Now().Add(-time.Minute)), Payload: []byte("late"),
	})
	if got := await[*i2cp.SendStatus](t, sessions[0]); got.Status != i2cp.MessageExpired {
		t.Errorf("expired: %+v", got)
	}
	refused(t, y.s, &i2cp.GarlicDown{Session: y.s.ID(), Request: 8, Payload: []byte("x")}, i2cp.ErrorUnsupported)
}

func checkGarlic(t *testing.T, m i2cp.Message, in i2cp.Tunnel) {
	t.Helper()
	if got, ok := m.(*i2cp.GarlicUp); !ok || got.Tunnel != in.ID || !bytes.Equal(got.Payload, payloadOf("packet")) {
		t.Errorf("received %T %+v, want garlic through %d", m, m, in.ID)
	}
}

// beat sends a heartbeat, and returns the answer and how long it took.
func beat(t *testing.T, s *i2cp.Session, sequence uint32) (*i2cp.HeartbeatReply, time.Duration) {
	t.Helper()
	began := time.Now()
	send(t, s, &i2cp.Heartbeat{Session: s.ID(), Sequence: sequence})
	reply := await[*i2cp.HeartbeatReply](t, s)
	return reply, time.Since(began)
}

// TestKill: a dead router refuses connections, its tunnels lead nowhere, and it
// comes back on the same port without sessions.
func TestKill(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	dead := p.Routers()[0]
	dead.Kill()
	<-x.conn.Done()
	if _, err := net.Dial("tcp", p.addr[0]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling a dead router: %v", err)
	}
	if got := y.packet(y.s, 1, x.client, "lost"); got.Status != i2cp.MessageFailure {
		t.Errorf("sent to a dead router: %+v", got)
	}
	for range 2 { // reviving the living changes nothing
		if err := dead.Revive(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := p.dial(0).OpenSession(t.Context(), x.keys, nil, i2cp.OpenResume, 0)
	if err != nil || s.OpenStatus().Status != i2cp.OpenOpened {
		t.Fatalf("after its death: %v", err)
	}
	if got := pool(t, s, 1, i2cp.Inbound); len(got) != 0 {
		t.Errorf("tunnels after its death: %+v", got)
	}
	dead.Kill()
	taken, err := net.Listen("tcp", p.addr[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.Revive(); err == nil {
		t.Error("revived though its port is taken")
	}
	_ = taken.Close()
	if err := dead.Revive(); err != nil {
		t.Fatal(err)
	}
	p.dial(0)
}

// TestFreeze: a frozen router keeps its connections, but answers nothing before
// it wakes, and then everything.
func TestFreeze(t *testing.T) {
	p := overTCP(t, Config{Routers: 2})
	x, y := p.serve(1, 0), p.serve(2, 1)
	frozen := p.Routers()[0]
	frozen.Freeze()
	send(t, x.s, &i2cp.Heartbeat{Session: x.s.ID(), Sequence: 1})
	if got := y.packet(y.s, 1, x.client, "lost"); got.Status != i2cp.MessageFailure {
		t.Errorf("sent to a frozen router: %+v", got)
	}
	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := i2cp.Dial(soon, p.addr[0], i2cp.Config{}); err == nil || errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a frozen router shakes hands: %v", err)
	}
	if n := len(x.s.Messages()); n != 0 || x.conn.Err() != nil {
		t.Errorf("%d messages from a frozen router; %v", n, x.conn.Err())
	}
	if err := frozen.Revive(); err != nil {
		t.Fatal(err)
	}
	if got := await[*i2cp.HeartbeatReply](t, x.s); got.Sequence != 1 {
		t.Errorf("after it woke: %+v", got)
	}
	if got := y.packet(y.s, 2, x.client, "again"); got.Status != i2cp.MessageSuccess {
		t.Errorf("sent after it woke: %+v", got)
	}
	frozen.Freeze()
	frozen.Kill()
	<-x.conn.Done()
	if err := frozen.Revive(); err != nil {
		t.Fatal(err)
	}
	p.dial(0)
}

// TestDisconnect: connections break, and the router lives on.
func TestDisconnect(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	x := p.serve(1, 0)
	p.Routers()[0].Disconnect()
	<-x.conn.Done()
	conn := p.dial(0)
	for {
		s, err := conn.OpenSession(t.Context(), x.keys, nil, i2cp.OpenResume, time.Minute)
		var oe *i2cp.OpenError
		if errors.As(err, &oe) && oe.Status == i2cp.OpenInUse {
			continue // it is about to notice
		}
		if err != nil || s.OpenStatus().Status != i2cp.OpenResumed {
			t.Fatalf("resume: %v", err)
		}
		if got := pool(t, s, 1, i2cp.Inbound); len(got) != 1 || got[0] != x.in {
			t.Errorf("inbound %+v, want %+v", got, x.in)
		}
		return
	}
}

// TestLinkFaults: what delay, drop and garbage do to what a router sends, and
// that it is over when the router is revived.
func TestLinkFaults(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	r := p.Routers()[0]
	x := p.serve(1, 0)
	const delay = 100 * time.Millisecond
	r.Delay(delay)
	if _, took := beat(t, x.s, 1); took < delay {
		t.Errorf("delayed by %v, want %v", took, delay)
	}
	r.Drop()
	send(t, x.s, &i2cp.Heartbeat{Session: x.s.ID(), Sequence: 2})
	// The build is over, and its answer lost, when a second session sees the
	// tunnel of it; here the router's own list is as good.
	r.mu.Lock()
	r.link.delay = 0
	r.mu.Unlock()
	send(t, x.s, &i2cp.CreateTunnel{Session: x.s.ID(), Request: 1, Hops: 3})
	for {
		p.enter()
		n := len(p.services[x.keys.Destination.Hash()].sessions[0].tunnels)
		p.leave()
		if n == 3 {
			break
		}
	}
	synced := make(chan struct{}) // behind the answer to the build
	p.enter()
	p.realTime(20*time.Millisecond, func() { close(synced) })
	p.leave()
	<-synced
	if err := r.Revive(); err != nil {
		t.Fatal(err)
	}
	if got, _ := beat(t, x.s, 3); got.Sequence != 3 {
		t.Errorf("a dropped answer came: %+v", got)
	}
	r.Garbage()
	send(t, x.s, &i2cp.Heartbeat{Session: x.s.ID(), Sequence: 4})
	<-x.conn.Done()
	var ce *i2cp.ConnError
	if err := x.conn.Err(); !errors.As(err, &ce) || ce.Origin != i2cp.OriginLocal {
		t.Errorf("after garbage: %v", err)
	}
	if err := r.Revive(); err != nil {
		t.Fatal(err)
	}
	p.dial(0)
}

// TestRefuse: refused builds, and none after the revival.
func TestRefuse(t *testing.T) {
	p := overTCP(t, Config{Routers: 1})
	x := p.serve(1, 0)
	r := p.Routers()[0]
	for i := range uint32(4) {
		want := i2cp.ResultRejected
		if i%2 == 0 {
			r.RefuseBuilds(true)
		} else {
			want = i2cp.ResultOK
			if err := r.Revive(); err != nil {
				t.Fatal(err)
			}
		}
		send(t, x.s, &i2cp.CreateTunnel{Session: x.s.ID(), Request: 10 + i, Hops: 3})
		if got := await[*i2cp.TunnelStatus](t, x.s); got.Result != want {
			t.Errorf("build %d: %v, want %v", i, got.Result, want)
		}
	}
}

// TestAccess: TLS, and a user name with a password.
func TestAccess(t *testing.T) {
	cert, roots := certificate(t)
	p := overTCP(t, Config{
		Routers: 1, User: "alice", Password: "secret", TLS: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	})
	over := &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	for _, test := range []struct {
		cfg  i2cp.Config
		want error
	}{
		{i2cp.Config{TLS: over, Username: "alice", Password: "secret"}, nil},
		{i2cp.Config{TLS: over, Username: "alice", Password: "guess"}, i2cp.ErrAuth},
		{i2cp.Config{TLS: over, Username: "bob", Password: "secret"}, i2cp.ErrAuth},
		{i2cp.Config{TLS: over}, i2cp.ErrAuth},
	} {
		conn, err := i2cp.Dial(t.Context(), p.addr[0], test.cfg)
		if !errors.Is(err, test.want) {
			t.Errorf("%s, %s: %v, want %v", test.cfg.Username, test.cfg.Password, err, test.want)
		}
		if err == nil {
			conn.Abort()
		}
	}
	if _, err := i2cp.Dial(t.Context(), p.addr[0], i2cp.Config{Username: "alice", Password: "secret"}); err == nil {
		t.Error("let in without TLS")
	}
	// Faults go the same way.
	conn, err := i2cp.Dial(t.Context(), p.addr[0], i2cp.Config{TLS: over, Username: "alice", Password: "secret", Extension: true})
	if err != nil {
		t.Fatal(err)
	}
	p.Routers()[0].Freeze()
	p.Routers()[0].Kill()
	<-conn.Done()
}

// certificate makes one for localhost that signs itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
}
