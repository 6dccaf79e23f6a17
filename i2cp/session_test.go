package i2cp

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/i2cp/wire"
)

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{}
		b.handle = func(c *ServerConn, s *RouterSession, m Message) error {
			switch m := m.(type) {
			case *SendMessage: // to oneself
				return s.Send(&MessagePayload{Session: s.ID(), Message: s.NextMessage(), Payload: m.Payload})
			case *HostLookup:
				reply := &HostReply{Session: m.Session, Request: m.Request, Code: LookupFailed}
				if m.Kind == LookupName && m.Name == "known.i2p" {
					reply.Code, reply.Destination = LookupOK, testKeys(t, 2).Destination.Bytes()
				}
				return c.Send(reply)
			case *DestLookup:
				return c.Send(&DestReply{Hash: &m.Hash})
			case *GetBandwidthLimits:
				return c.Send(&BandwidthLimits{ClientIn: 7})
			}
			return nil
		}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{})
		if c.Extension() != 0 || c.RouterVersion() != APIVersion {
			t.Errorf("extension %d, version %q", c.Extension(), c.RouterVersion())
		}
		keys := testKeys(t, 1)
		s, err := c.CreateSession(ctx, keys, map[string]string{"inbound.length": "1", "i2cp.fastReceive": "true"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Reconfigure(ctx, map[string]string{"inbound.quantity": "3"}); err != nil {
			t.Error(err)
		}
		if v, _ := b.opened[0].Config().Options.Get("inbound.quantity"); v != "3" {
			t.Errorf("reconfigured to %q", v)
		}
		if _, err := c.CreateSession(ctx, keys, nil); !errors.Is(err, ErrRefused) {
			t.Errorf("the same Destination twice: %v", err)
		}
		sub, err := c.CreateSession(ctx, testKeys(t, 2), nil)
		if err != nil {
			t.Fatal(err)
		}
		if sub.ID() == s.ID() {
			t.Error("two sessions with one id")
		}
		if err := b.opened[0].Send(&RequestVariableLeaseSet{Session: s.ID(), Leases: []wire.Lease{{Tunnel: 7}}}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-s.Messages()).(*RequestVariableLeaseSet); !ok || m.Leases[0].Tunnel != 7 {
			t.Errorf("got %v", m)
		}
		info := PayloadInfo{FromPort: 1, ToPort: 2, Protocol: ProtocolRaw}
		nonce, err := s.SendMessage(ctx, keys.Destination.Bytes(), info, []byte("hello"), true)
		if err != nil || nonce != 1 {
			t.Errorf("nonce %d, %v", nonce, err)
		}
		got, ok := (<-s.Messages()).(*MessagePayload)
		if !ok {
			t.Fatal("no payload")
		}
		gotInfo, data, err := ParsePayload(nil, got.Payload, 1<<16)
		if err != nil || gotInfo != info || string(data) != "hello" {
			t.Errorf("%v %q %v", gotInfo, data, err)
		}
		reply, err := c.HostLookup(ctx, HostLookup{Kind: LookupName, Name: "known.i2p"})
		if err != nil || !bytes.Equal(reply.Destination, testKeys(t, 2).Destination.Bytes()) {
			t.Errorf("lookup: %v", err)
		}
		var le *LookupError
		if _, err := c.HostLookup(ctx, HostLookup{Kind: LookupName, Name: "other.i2p"}); !errors.As(err, &le) || le.Code != LookupFailed {
			t.Errorf("lookup: %v", err)
		}
		if _, err := c.DestLookup(ctx, wire.Hash{1}); !errors.As(err, &le) {
			t.Errorf("lookup: %v", err)
		}
		if l, err := c.BandwidthLimits(ctx); err != nil || l.ClientIn != 7 {
			t.Errorf("limits: %v %v", l, err)
		}
		if err := sub.Close(ctx); err != nil {
			t.Error(err)
		}
		if _, open := <-sub.Messages(); open || !errors.Is(sub.Err(), ErrClosed) {
			t.Errorf("closed session: %v", sub.Err())
		}
		synctest.Wait()
		if _, closed := b.counts(); closed != 1 {
			t.Errorf("%d sessions closed at the router, want 1", closed)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if !errors.Is(s.Err(), ErrClosed) || !errors.Is(c.Err(), ErrClosed) {
			t.Errorf("closed: %v, %v", s.Err(), c.Err())
		}
		synctest.Wait()
		if _, closed := b.counts(); closed != 2 {
			t.Errorf("%d sessions closed at the router, want 2", closed)
		}
		var ce *ConnError
		if err := r.served(); !errors.As(err, &ce) || ce.Origin != OriginPeer || ce.Reason != "client closed" {
			t.Errorf("served: %v", err)
		}
	})
}

func TestAuthentication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &fakeRouter{user: "me"}, Limits{})
		defer r.close()
		for _, test := range []struct {
			cfg Config
			ok  bool
		}{
			{Config{Username: "me", Password: "secret"}, true},
			{Config{Username: "me", Password: "guess"}, false},
			{Config{}, false},
		} {
			c, err := NewConn(context.Background(), r.pipe(), test.cfg)
			if test.ok != (err == nil) || err != nil && !errors.Is(err, ErrAuth) {
				t.Errorf("%q: %v", test.cfg.Password, err)
			}
			if c != nil {
				_ = c.Close()
			}
		}
		p := r.raw()
		p.bytes([]byte{ProtocolByte})
		p.send(&GetBandwidthLimits{})
		if reason := p.disconnected(); reason == "" {
			t.Error("a client without GetDate got past authentication")
		}
	})
}

func TestManagedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{info: RouterInfo{Extension: everything()}}
		b.handle = func(c *ServerConn, s *RouterSession, m Message) error {
			switch m := m.(type) {
			case *GetFastTier:
				for i := range 3 {
					list := &PeerList{Session: m.Session, Request: m.Request, Version: 9, Peers: []Peer{{Port: uint16(i)}}}
					if i < 2 {
						list.Flags = ListMore
					}
					if err := c.Send(list); err != nil {
						return err
					}
				}
			case *CreateTunnel:
				if m.Hops == 0 {
					return &RefusalError{Code: ErrorNoPeer, Text: "nobody"}
				}
				if err := c.Send(&TunnelStatus{Session: m.Session, Request: m.Request, Result: ResultTimeout}); err != nil {
					return err
				}
				return c.Send(&TunnelStatus{Session: m.Session, Request: m.Request, Late: true, Tunnel: Tunnel{ID: 5}})
			}
			return nil
		}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true})
		if c.Extension() != 1 {
			t.Fatal("extension not agreed on")
		}
		caps, err := c.Capabilities(ctx)
		if err != nil || caps.Capabilities != capDefined || caps.Version != 1 {
			t.Errorf("capabilities %v, %v", caps, err)
		}
		keys := testKeys(t, 1)
		s, err := c.OpenSession(ctx, keys, nil, 0, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if st := s.OpenStatus(); st.Status != OpenOpened || st.Grace != 600 || st.Token == (Token{}) {
			t.Errorf("%+v", st)
		}
		if err := s.Send(ctx, &GetFastTier{Session: s.ID(), Request: 1}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if m, ok := (<-s.Messages()).(*PeerList); !ok || int(m.Peers[0].Port) != i {
				t.Errorf("part %d: %v", i, m)
			}
		}
		if err := s.Send(ctx, &CreateTunnel{Session: s.ID(), Request: 2, Hops: 3}); err != nil {
			t.Fatal(err)
		}
		if m, ok := (<-s.Messages()).(*TunnelStatus); !ok || m.Result != ResultTimeout {
			t.Errorf("%v", m)
		}
		if m, ok := (<-s.Messages()).(*TunnelStatus); !ok || !m.Late || m.Tunnel.ID != 5 {
			t.Errorf("%v", m)
		}
		if err := s.Send(ctx, &CreateTunnel{Session: s.ID(), Request: 3}); err != nil {
			t.Fatal(err)
		}
		if m, ok := (<-s.Messages()).(*RequestError); !ok || m.Code != ErrorNoPeer || m.Text != "nobody" || m.Request != 3 {
			t.Errorf("%v", m)
		}

		// A frontend gets the packets and may send nothing but packets.
		fc := r.dial(Config{Extension: true})
		if _, err := fc.Attach(ctx, Token{1}, "x"); !errors.Is(err, ErrRefused) {
			t.Errorf("wrong token: %v", err)
		}
		f, err := fc.Attach(ctx, s.OpenStatus().Token, "frontend 1")
		if err != nil {
			t.Fatal(err)
		}
		rs := b.opened[0]
		if err := rs.Send(&PacketReceived{Session: rs.ID(), Message: 1, Tunnel: 5}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-f.Messages()).(*PacketReceived); !ok || m.Tunnel != 5 {
			t.Errorf("%v", m)
		}
		if err := f.Send(ctx, &CreateTunnel{Session: f.ID(), Request: 1, Hops: 1}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-f.Messages()).(*RequestError); !ok || m.Code != ErrorForbidden {
			t.Errorf("%v", m)
		}
		if err := rs.Send(&TunnelExpired{Session: rs.ID(), Tunnel: 5, Reason: TunnelFailed}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-s.Messages()).(*TunnelExpired); !ok || m.Reason != TunnelFailed {
			t.Errorf("%v", m)
		}

		// The balancer's connection is lost; the session lives on, and a new
		// balancer resumes it.
		c.Abort()
		synctest.Wait()
		if _, closed := b.counts(); closed != 0 || rs.Connected() {
			t.Fatalf("%d closed", closed)
		}
		<-time.After(time.Minute)
		c2 := r.dial(Config{Extension: true})
		s2, err := c2.OpenSession(ctx, keys, nil, OpenResume, time.Minute)
		if err != nil || s2.OpenStatus().Status != OpenResumed || s2.ID() != s.ID() {
			t.Fatalf("resume: %v", err)
		}
		// A third one gets it only by force.
		c3 := r.dial(Config{Extension: true})
		var oe *OpenError
		if _, err := c3.OpenSession(ctx, keys, nil, OpenResume, 0); !errors.As(err, &oe) || oe.Status != OpenInUse {
			t.Errorf("in use: %v", err)
		}
		if _, err := c3.OpenSession(ctx, keys, nil, OpenResume|OpenTakeOver, time.Minute); err != nil {
			t.Errorf("take over: %v", err)
		}
		if _, open := <-s2.Messages(); open {
			t.Error("session goes on after it was lost")
		}
		if err := s2.Err(); !errors.As(err, &oe) || oe.Status != OpenLost {
			t.Errorf("lost: %v", err)
		}
		c3.Abort()
		synctest.Wait()
		if _, closed := b.counts(); closed != 0 {
			t.Error("closed before its grace period was over")
		}
		<-time.After(61 * time.Second)
		synctest.Wait()
		if _, closed := b.counts(); closed != 1 {
			t.Error("not closed after its grace period")
		}
		if _, open := <-f.Messages(); open {
			t.Error("frontend's session goes on")
		}
		_ = c2.Close()
		_ = fc.Close()
	})
}

// TestHeartbeat: answered with both clocks, with a session and without.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := func() time.Time { return time.Now().Add(7 * time.Second) }
		r := newRig(t, &fakeRouter{info: RouterInfo{Extension: everything(), Now: ahead}}, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true})
		if off := c.ClockOffset(); off != 7*time.Second {
			t.Errorf("clock offset %v", off)
		}
		s, err := c.OpenSession(ctx, testKeys(t, 1), nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []uint16{s.ID(), NoSession} {
			now := wire.DateOf(time.Now())
			if err := s.Send(ctx, &Heartbeat{Session: id, Sequence: 5, Date: now}); err != nil {
				t.Fatal(err)
			}
			m, ok := (<-s.Messages()).(*HeartbeatReply)
			if !ok || m.Session != id || m.Sequence != 5 || m.Echo != now || m.Date != now+7000 {
				t.Errorf("%+v", m)
			}
		}
		_ = c.Close()
	})
}

// TestMissingCapabilities: what a router cannot do it refuses, and goes on.
func TestMissingCapabilities(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caps := everything()
		caps.Capabilities = 0
		b := &fakeRouter{info: RouterInfo{Extension: caps}}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true})
		var re *RefusalError
		if _, err := c.OpenSession(ctx, testKeys(t, 1), nil, OpenGarlic, 0); !errors.As(err, &re) || re.Code != ErrorUnsupported {
			t.Errorf("garlic: %v", err)
		}
		if _, err := c.Attach(ctx, Token{}, ""); !errors.As(err, &re) || re.Request != TypeAttach {
			t.Errorf("attach: %v", err)
		}
		s, err := c.OpenSession(ctx, testKeys(t, 1), nil, 0, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if s.OpenStatus().Grace != 0 {
			t.Error("grace from a router that has none")
		}
		for _, m := range []Message{&DestroySession{}, &PeerList{}, &GetCapabilities{}} {
			if err := s.Send(ctx, m); !errors.Is(err, ErrUnexpected) {
				t.Errorf("%v in a session: %v", m.Type(), err)
			}
		}
		for _, m := range []Message{
			&GetFastTier{Session: s.ID(), Request: 1},
			&CreateTunnel{Session: s.ID(), Request: 2},
			&DropTunnel{Session: s.ID(), Request: 3, Tunnel: 1},
			&GetTunnelPool{Session: s.ID(), Request: 4},
			&PublishLeaseSet{Session: s.ID(), Request: 5, ReplyLease: 0, StoreType: wire.StoreLeaseSet2},
			&SendPacket{Session: s.ID(), Request: 6, Tunnel: 3, Destination: s.Destination()},
			&GarlicDown{Session: s.ID(), Request: 7},
			&LookupLeaseSet{Session: s.ID(), Request: 8},
			&RelayAck{Session: s.ID(), Kind: I2NPDeliveryStatus},
			&NoteFloodfills{Session: s.ID()},
			&OutdateLeaseSet{Session: s.ID()},
		} {
			if err := s.Send(ctx, m); err != nil {
				t.Fatal(err)
			}
			got, ok := (<-s.Messages()).(*RequestError)
			if !ok || got.Code != ErrorUnsupported || got.Refused != m.Type() {
				t.Errorf("%v: %+v", m.Type(), got)
			}
		}
		_ = c.Close()
	})
}

// TestAbandonedOpen: a managed session that opens too late is destroyed.
func TestAbandonedOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, wait := fakePeer(t, func(p *raw) {
			p.setDate(true)
			m := p.next().(*OpenSession)
			<-time.After(time.Minute)
			p.send(&OpenStatus{Request: m.Request, Session: 3})
			if m, ok := p.next().(*DestroySession); !ok || m.Session != 3 {
				t.Errorf("%+v", m)
			}
			p.disconnected()
		})
		c, err := NewConn(context.Background(), nc, Config{Extension: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.OpenSession(ctxFor(t, time.Second), testKeys(t, 1), nil, 0, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		<-time.After(2 * time.Minute)
		if err := c.Err(); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		wait()
	})
}

// TestBackendError: a backend's error is the reason that the client is given.
func TestBackendError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("out of tunnels")
		b := &fakeRouter{handle: func(*ServerConn, *RouterSession, Message) error { return broken }}
		r := newRig(t, b, Limits{})
		defer r.close()
		c := r.dial(Config{})
		_, err := c.BandwidthLimits(context.Background())
		var ce *ConnError
		if !errors.As(err, &ce) || ce.Origin != OriginPeer || ce.Reason != broken.Error() {
			t.Errorf("client: %v", err)
		}
		_ = c.Close()
		synctest.Wait()
		if err := r.served(); !errors.Is(err, broken) || !errors.As(err, &ce) || ce.Origin != OriginLocal || ce.Type != TypeGetBandwidthLimits {
			t.Errorf("router: %v", err)
		}
	})
}
