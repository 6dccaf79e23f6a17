package fleet

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// sure is a fleet on which nothing fails by chance.
func sure(t *testing.T, cfg Config) *Fleet {
	t.Helper()
	w := DefaultWorld()
	w.Network.StoreLoss = 0
	r := &w.Destination.Routers[0]
	r.BuildSuccess, r.TunnelFailPerHour, r.TestLoss, r.BuildDelaySigma = 1, 0, 0, .1
	if cfg.World.Destination.Routers != nil {
		r.Kind = cfg.World.Destination.Routers[0].Kind
	}
	cfg.Seed, cfg.World = 1, w
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A rig is a fleet in a bubble of synthetic time. Its client connections end with
// it; the bubble finds goroutines that did not end.
type rig struct {
	*Fleet
	t  *testing.T
	wg sync.WaitGroup
}

func inBubble(t *testing.T, cfg Config, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{Fleet: sure(t, cfg), t: t}
		test(t, r)
		r.Close()
		r.wg.Wait()
	})
}

// dial connects to a router.
func (r *rig) dial(router int) *i2cp.Conn {
	r.t.Helper()
	here, there := net.Pipe()
	r.wg.Go(func() { _ = r.Routers()[router].Serve(context.Background(), there) })
	c, err := i2cp.NewConn(r.t.Context(), here, i2cp.Config{Extension: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// client is a Destination with its keys.
type client struct {
	t    *testing.T
	keys wire.PrivateKeyFile
	enc  *ecdh.PrivateKey
	last wire.Seconds // published
}

func newClient(t *testing.T, n byte) *client {
	t.Helper()
	keys, err := wire.NewPrivateKeyFile(bytes.NewReader(bytes.Repeat([]byte{n}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	enc, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, keys: keys, enc: enc}
}

// leaseSet makes a LeaseSet2, published now, or a second after the last one.
func (c *client) leaseSet(now time.Time, leases []wire.Lease2) ([]byte, []i2cp.PrivateKey) {
	c.t.Helper()
	c.last = max(wire.SecondsOf(now), c.last+1)
	ls := &wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: c.keys.Destination, Published: c.last},
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: c.enc.PublicKey().Bytes()}},
		Leases:          leases,
	}
	for _, l := range leases {
		ls.Expires = max(ls.Expires, uint16(l.End-ls.Published))
	}
	key, err := c.keys.Signer()
	if err == nil {
		err = ls.Sign(key)
	}
	var b []byte
	if err == nil {
		b, err = ls.Append(nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return b, []i2cp.PrivateKey{{Type: wire.EncX25519, Key: c.enc.Bytes()}}
}

// send sends a request.
func send(t *testing.T, s *i2cp.Session, m i2cp.Message) {
	t.Helper()
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

// await takes messages of a session until one of type M comes.
func await[M i2cp.Message](t *testing.T, s *i2cp.Session) M {
	t.Helper()
	for m := range s.Messages() {
		if m, ok := m.(M); ok {
			return m
		}
		if e, ok := m.(*i2cp.RequestError); ok {
			t.Fatalf("refused: %+v", e)
		}
	}
	var none M
	t.Fatalf("the session ended before a %T: %v", none, s.Err())
	return none
}

// open opens a managed session and builds a tunnel in each direction, the inbound
// one through peers of the router's fast tier.
func (c *client) open(conn *i2cp.Conn) (s *i2cp.Session, in, out i2cp.Tunnel) {
	t := c.t
	t.Helper()
	s, err := conn.OpenSession(t.Context(), c.keys, nil, 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	send(t, s, &i2cp.GetFastTier{Session: s.ID(), Request: 1})
	tier := await[*i2cp.PeerList](t, s)
	create := &i2cp.CreateTunnel{Session: s.ID(), Request: 2, Named: true}
	for _, p := range tier.Peers {
		if p.Flags&i2cp.PeerFast != 0 && create.Hops < 3 {
			create.Path[create.Hops] = p.Hash
			create.Hops++
		}
	}
	if create.Hops != 3 {
		t.Fatalf("%d peers, too few fast ones", len(tier.Peers))
	}
	send(t, s, create)
	status := await[*i2cp.TunnelStatus](t, s)
	in = status.Tunnel
	if status.Result != i2cp.ResultOK || in.Path != create.Path || in.Gateway != create.Path[2] {
		t.Fatalf("asked for %v, got %v: %+v", create.Path[:3], status.Result, in)
	}
	if life := in.Expires.Time().Sub(in.Created.Time()); life != 10*time.Minute {
		t.Errorf("a tunnel that lasts %v", life)
	}
	send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 3, Direction: i2cp.Outbound, Hops: 3})
	status = await[*i2cp.TunnelStatus](t, s)
	if status.Result != i2cp.ResultOK || status.Tunnel.Hops != 3 {
		t.Fatalf("outbound: %+v", status)
	}
	return s, in, status.Tunnel
}

// publish publishes the leases through s and waits for the ack.
func (c *client) publish(f *Fleet, s *i2cp.Session, request uint32, tunnels ...i2cp.Tunnel) []byte {
	t := c.t
	t.Helper()
	var leases []wire.Lease2
	for _, in := range tunnels {
		leases = append(leases, wire.Lease2{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())})
	}
	b, keys := c.leaseSet(f.Now(), leases)
	send(t, s, &i2cp.PublishLeaseSet{
		Session: s.ID(), Request: request, ReplyLease: i2cp.ReplyClosest, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
	})
	for {
		p := await[*i2cp.PublishStatus](t, s)
		if p.Request != request {
			t.Fatalf("status of another request: %+v", p)
		}
		if p.Final {
			if p.Result != i2cp.ResultOK || p.Floodfill == (wire.Hash{}) {
				t.Fatalf("not published: %+v", p)
			}
			return b
		}
	}
}

// TestLife goes through one life of a session that is spread over two routers.
func TestLife(t *testing.T) {
	inBubble(t, Config{Routers: 2}, func(t *testing.T, r *rig) {
		c := newClient(t, 7)
		conns := []*i2cp.Conn{r.dial(0), r.dial(1)}
		list, err := conns[0].Capabilities(t.Context())
		if err != nil || list.Router != r.Routers()[0].Hash() || list.Capabilities&i2cp.CapCreateTunnel == 0 {
			t.Fatalf("capabilities %+v, %v", list, err)
		}
		s0, in0, out0 := c.open(conns[0])
		s1, in1, _ := c.open(conns[1])
		if in0.Receive == in1.Receive {
			t.Error("two tunnels with the same number")
		}

		send(t, s0, &i2cp.GetTunnelPool{Session: s0.ID(), Request: 4})
		if pool := await[*i2cp.TunnelList](t, s0); len(pool.Tunnels) != 1 || pool.Tunnels[0] != in0 {
			t.Errorf("pool is %+v, want %+v", pool.Tunnels, in0)
		}
		hash := c.keys.Destination.Hash()
		lookup := func(s *i2cp.Session, request uint32) *i2cp.LookupResult {
			send(t, s, &i2cp.LookupLeaseSet{Session: s.ID(), Request: request, Hash: hash, Timeout: 30000})
			return await[*i2cp.LookupResult](t, s)
		}
		if got := lookup(s0, 5); got.Result == i2cp.ResultOK {
			t.Errorf("found before it was published: %+v", got)
		}
		set := c.publish(r.Fleet, s0, 6, in0, in1)
		for i, s := range []*i2cp.Session{s0, s1} {
			if got := lookup(s, 7); got.Result != i2cp.ResultOK || !bytes.Equal(got.LeaseSet, set) || got.StoreType != wire.StoreLeaseSet2 {
				t.Errorf("router %d finds %+v", i, got)
			}
		}
		found, err := conns[1].HostLookup(t.Context(), i2cp.HostLookup{Session: i2cp.NoSession, Kind: i2cp.LookupHash, Hash: hash, Timeout: 10000})
		if err != nil || found.Code != i2cp.LookupOK || !bytes.Equal(found.Destination, c.keys.Destination.Bytes()) {
			t.Errorf("HostLookup: %+v, %v", found, err)
		}

		send(t, s0, &i2cp.DropTunnel{Session: s0.ID(), Request: 8, Tunnel: out0.ID})
		if gone := await[*i2cp.TunnelExpired](t, s0); gone.Tunnel != out0.ID || gone.Reason != i2cp.TunnelDropped {
			t.Errorf("dropped: %+v", gone)
		}
		gone := await[*i2cp.TunnelExpired](t, s0)
		if left := in0.Expires.Time().Sub(gone.Date.Time()); gone.Tunnel != in0.ID || gone.Reason != i2cp.TunnelEnded || left < 0 || left > 3*time.Minute {
			t.Errorf("expired %v before its end: %+v", left, gone)
		}
		for _, conn := range conns {
			_ = conn.Close()
		}
	})
}

// TestPackets sends from one Destination to another, which is on two routers, and
// kills one of them.
func TestPackets(t *testing.T) {
	inBubble(t, Config{Routers: 3}, func(t *testing.T, r *rig) {
		from, to := newClient(t, 1), newClient(t, 2)
		a, in, out := from.open(r.dial(0))
		from.publish(r.Fleet, a, 4, in)
		b, inB, _ := to.open(r.dial(1))
		to.publish(r.Fleet, b, 4, inB)
		payload := i2cp.AppendPayload(nil, i2cp.PayloadInfo{Protocol: i2cp.ProtocolRaw}, []byte("hello"))
		packet := func(request uint32) *i2cp.SendStatus {
			send(t, a, &i2cp.SendPacket{
				Session: a.ID(), Request: request, Tunnel: out.ID, Destination: to.keys.Destination.Bytes(), Payload: payload,
			})
			return await[*i2cp.SendStatus](t, a)
		}
		if s := packet(10); s.Status != i2cp.MessageSuccess || s.Tunnel != out.ID {
			t.Errorf("sent: %+v", s)
		}
		if p := await[*i2cp.PacketReceived](t, b); p.Tunnel != inB.ID || !bytes.Equal(p.Payload, payload) {
			t.Errorf("received: %+v", p)
		}
		r.Routers()[1].Kill()
		for range b.Messages() { // until the connection has broken
		}
		if s := packet(11); s.Status.OK() {
			t.Errorf("sent to a dead router: %+v", s)
		}
		if err := r.Routers()[1].Revive(); err != nil {
			t.Fatal(err)
		}
		if _, err := r.dial(1).Capabilities(t.Context()); err != nil {
			t.Errorf("revived: %v", err)
		}
	})
}

// TestConfig refuses what no fleet can be made of.
func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(c *Config){
		"no routers":  func(c *Config) { c.Routers = 0 },
		"backwards":   func(c *Config) { c.Speed = -1 },
		"empty world": func(c *Config) { c.World = sim.Config{} },
		"old i2pd":    func(c *Config) { c.StockVersion = "2.44.0" },
		"no user":     func(c *Config) { c.Password = "x" },
	} {
		c := Config{Routers: 1, World: DefaultWorld()}
		spoil(&c)
		if f, err := New(c); err == nil {
			f.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// TestGrace: a session outlives its connection, and whoever resumes it finds its
// tunnels; a heartbeat tells the router's clock.
func TestGrace(t *testing.T) {
	inBubble(t, Config{Routers: 1}, func(t *testing.T, r *rig) {
		c := newClient(t, 6)
		first := r.dial(0)
		_, in, _ := c.open(first)
		first.Abort()
		<-first.Done()
		synctest.Wait()
		s, err := r.dial(0).OpenSession(t.Context(), c.keys, nil, i2cp.OpenResume, time.Minute)
		if err != nil || s.OpenStatus().Status != i2cp.OpenResumed {
			t.Fatalf("resume: %v", err)
		}
		send(t, s, &i2cp.GetTunnelPool{Session: s.ID(), Request: 1})
		if pool := await[*i2cp.TunnelList](t, s); len(pool.Tunnels) != 1 || pool.Tunnels[0] != in {
			t.Errorf("pool is %+v, want %+v", pool.Tunnels, in)
		}
		send(t, s, &i2cp.Heartbeat{Session: s.ID(), Sequence: 5})
		if beat := await[*i2cp.HeartbeatReply](t, s); beat.Sequence != 5 || beat.Date != wire.DateOf(r.Now()) {
			t.Errorf("heartbeat: %+v", beat)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAckRelay: an ack that was asked for at another router's lease comes in
// there, is passed up, and ends the store when it is handed to the publisher.
func TestAckRelay(t *testing.T) {
	inBubble(t, Config{Routers: 2}, func(t *testing.T, r *rig) {
		c := newClient(t, 10)
		other, in0, _ := c.open(r.dial(0))
		s, in1, out := c.open(r.dial(1))
		var leases []wire.Lease2
		for _, in := range []i2cp.Tunnel{in0, in1} {
			leases = append(leases, wire.Lease2{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())})
		}
		b, keys := c.leaseSet(r.Now(), leases)
		send(t, s, &i2cp.PublishLeaseSet{
			Session: s.ID(), Request: 10, Outbound: out.ID, ReplyLease: 0, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
		})
		sent := await[*i2cp.PublishStatus](t, s)
		if sent.Result != i2cp.ResultPending || sent.Final || sent.ReplyLease != 0 || sent.Floodfill == (wire.Hash{}) {
			t.Errorf("sent: %+v", sent)
		}
		ack := await[*i2cp.AckRelayed](t, other)
		if ack.Tunnel != in0.ID || ack.Token != sent.Token {
			t.Errorf("an ack through %d: %+v", in0.ID, ack)
		}
		send(t, s, &i2cp.RelayAck{
			Session: s.ID(), Published: wire.Seconds(ack.Token), Kind: ack.Kind, Token: ack.Token, Body: ack.Body,
		})
		if got := await[*i2cp.PublishStatus](t, s); got.Result != i2cp.ResultOK || !got.Final || got.Token != ack.Token || got.ReplyLease != 0 {
			t.Errorf("relayed: %+v", got)
		}
	})
}

// TestSilence: a build that nobody answers times out after 5 s, and may succeed
// late.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := DefaultWorld()
		one := &w.Destination.Routers[0]
		one.BuildSuccess, one.BuildDelay, one.BuildDelaySigma = 1, 20*sim.Second, .01
		f, err := New(Config{Routers: 1, World: w})
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{Fleet: f, t: t}
		c := newClient(t, 8)
		s, err := r.dial(0).OpenSession(t.Context(), c.keys, nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 1, Hops: 3})
		if got := await[*i2cp.TunnelStatus](t, s); got.Result != i2cp.ResultTimeout || time.Since(began).Round(time.Second) != 5*time.Second {
			t.Errorf("%v after %v", got.Result, time.Since(began))
		}
		if got := await[*i2cp.TunnelStatus](t, s); got.Result != i2cp.ResultOK || !got.Late {
			t.Errorf("late: %+v", got)
		}
		r.Close()
		r.wg.Wait()
	})
}

// TestBadRequests: what a client may get wrong is refused, and its session goes on.
func TestBadRequests(t *testing.T) {
	inBubble(t, Config{Routers: 1}, func(t *testing.T, r *rig) {
		c := newClient(t, 9)
		s, in, _ := c.open(r.dial(0))
		b, keys := c.leaseSet(r.Now(), []wire.Lease2{{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())}})
		for _, test := range []struct {
			m    i2cp.Message
			want i2cp.ErrorCode
		}{
			{&i2cp.CreateTunnel{Session: s.ID(), Request: 10, Named: true, Hops: 1, Path: [i2cp.MaxHops]wire.Hash{{1}}}, i2cp.ErrorNoPeer},
			{&i2cp.CreateTunnel{Session: s.ID(), Request: 12, Hops: 3, Reuse: 99}, i2cp.ErrorNoTunnel},
			{&i2cp.DropTunnel{Session: s.ID(), Request: 13, Tunnel: 99}, i2cp.ErrorNoTunnel},
			{&i2cp.PublishLeaseSet{
				Session: s.ID(), Request: 14, Outbound: in.ID, ReplyLease: i2cp.ReplyClosest,
				StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
			}, i2cp.ErrorNoTunnel},
		} {
			send(t, s, test.m)
			if got, ok := (<-s.Messages()).(*i2cp.RequestError); !ok || got.Code != test.want || got.Refused != test.m.Type() {
				t.Errorf("%T: %+v, want %v", test.m, got, test.want)
			}
		}
		own := &i2cp.CreateTunnel{Session: s.ID(), Request: 20, Named: true, Hops: 1}
		own.Path[0] = r.Routers()[0].Hash()
		send(t, s, own)
		if got := await[*i2cp.TunnelStatus](t, s); got.Result != i2cp.ResultNoPeers {
			t.Errorf("a path through the router itself: %v", got.Result)
		}
		unknown := wire.Hash{1, 2, 3}
		send(t, s, &i2cp.LookupLeaseSet{Session: s.ID(), Request: 21, Hash: unknown, Timeout: 30000})
		if got := await[*i2cp.LookupResult](t, s); got.Result != i2cp.ResultFailed {
			t.Errorf("a stranger is found: %+v", got)
		}
	})
}

// TestStandIn: a router tells what it remembers of a floodfill once it was asked to, and
// takes what another one remembers for its own.
func TestStandIn(t *testing.T) {
	inBubble(t, Config{Routers: 2}, func(t *testing.T, r *rig) {
		c := newClient(t, 11)
		first, in0, _ := c.open(r.dial(0))
		next, in1, _ := c.open(r.dial(1))
		send(t, first, &i2cp.NoteFloodfills{Session: first.ID()})
		publish := func(s *i2cp.Session, in i2cp.Tunnel) {
			b, keys := c.leaseSet(r.Now(), []wire.Lease2{{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())}})
			send(t, s, &i2cp.PublishLeaseSet{
				Session: s.ID(), Request: 10, ReplyLease: i2cp.ReplyClosest, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys,
			})
		}
		publish(first, in0)
		told := await[*i2cp.FloodfillsNoted](t, first)
		if len(told.Notes) != 1 || told.Notes[0].Acks != 1 || told.Notes[0].StoreOK == i2cp.Never || told.Notes[0].StoreFailed != i2cp.Never {
			t.Fatalf("told: %+v", told.Notes)
		}
		told.Notes[0].Acks = 7
		unknown := told.Notes[0]
		unknown.Floodfill = wire.Hash{1}
		send(t, next, &i2cp.NoteFloodfills{Session: next.ID(), Notes: []i2cp.FloodfillNote{unknown, told.Notes[0]}})
		send(t, next, &i2cp.OutdateLeaseSet{Session: next.ID(), Published: 1})
		time.Sleep(time.Second) // of the bubble: another `published`
		publish(next, in1)
		then := await[*i2cp.FloodfillsNoted](t, next)
		if len(then.Notes) != 1 || then.Notes[0].Floodfill != told.Notes[0].Floodfill || then.Notes[0].Acks != 8 {
			t.Errorf("told by the next one: %+v", then.Notes)
		}
	})
}
