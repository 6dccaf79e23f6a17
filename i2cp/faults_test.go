package i2cp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/i2cp/wire"
)

// TestRouterRefuses: what a client may do wrong ends its connection with a typed
// error at the router and a reason for the client, and ends its sessions.
func TestRouterRefuses(t *testing.T) {
	frame := func(m Message) []byte {
		b, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cut := func(b []byte, n int) []byte {
		b = bytes.Clone(b[:n])
		binary.BigEndian.PutUint32(b, uint32(n-headerLen))
		return b
	}
	dest := testKeys(t, 1).Destination.Bytes()
	config, err := SignConfig(testKeys(t, 1), nil, exampleTime)
	if err != nil {
		t.Fatal(err)
	}
	longPayload := frame(&SendMessage{Session: 1, Destination: dest, Payload: []byte("hello")})
	longPayload[headerLen+2+len(dest)+3]++
	longPayload = cut(longPayload, len(longPayload)-4) // without the nonce
	for _, test := range []struct {
		name      string
		stock     bool // the router
		offer     bool // the extension
		session   bool // one is open, with id 1
		managed   bool // a managed one
		send      []byte
		want      error
		wantField string
	}{
		{name: "unknown type", send: []byte{0, 0, 0, 0, 99}, want: ErrUnknownType},
		{name: "burnt type", send: []byte{0, 0, 0, 0, 40}, want: ErrUnknownType},
		{name: "huge length", send: []byte{0xff, 0xff, 0xff, 0xff, 5}, want: ErrTooLong, wantField: "length"},
		{name: "length just over", send: []byte{0, 0, 0xff, 0xff, 5}, want: ErrTooLong, wantField: "length"},
		{name: "truncated", send: []byte{0, 0, 0, 1, 3, 0}, want: ErrTruncated, wantField: "session"},
		{name: "trailing", send: []byte{0, 0, 0, 3, 3, 0, 1, 0}, want: ErrTrailing, wantField: "end"},
		{name: "wrong direction", send: frame(&SessionStatus{Session: 1}), want: ErrUnexpected},
		{name: "no such session", send: frame(&DestroySession{Session: 9}), want: ErrSession},
		{name: "message in no session", send: frame(&MessageStatus{}), want: ErrUnexpected},
		{name: "send in another session", session: true, send: frame(&CreateLeaseSet{Session: 2}), want: ErrSession},
		{name: "lookup in another session", session: true, send: frame(&HostLookup{Session: 2}), want: ErrSession},
		{name: "extension to a stock router", stock: true, offer: true, send: frame(&GetCapabilities{Request: 1}), want: ErrUnknownType},
		{name: "extension not offered", send: frame(&GetCapabilities{Request: 1}), want: ErrStock},
		{name: "extension in a stock session", offer: true, session: true, send: frame(&GetFastTier{Session: 1, Request: 1}), want: ErrUnexpected},
		{name: "send before its session", send: frame(&SendMessage{Session: 1, Destination: dest}), want: ErrSession},
		{name: "LeaseSet before its session", send: frame(&CreateLeaseSet{Session: 1}), want: ErrSession},
		{name: "session destroyed twice", session: true, send: bytes.Repeat(frame(&DestroySession{Session: 1}), 2), want: ErrSession},
		{name: "send after the end of its session", session: true, send: append(frame(&DestroySession{Session: 1}), frame(&SendMessage{Session: 1, Destination: dest})...), want: ErrSession},
		{name: "LeaseSet cut short", session: true, send: cut(frame(&CreateLeaseSet2{Session: 1, StoreType: wire.StoreLeaseSet2, LeaseSet: testLeaseSet(t, testKeys(t, 1))}), 100), want: ErrTruncated, wantField: "LeaseSet"},
		{name: "LeaseSet of no type", session: true, send: []byte{0, 0, 0, 4, 41, 0, 1, 2, 0}, want: ErrValue, wantField: "store type"},
		{name: "payload longer than its message", session: true, send: longPayload, want: ErrTruncated, wantField: "payload"},
		{name: "request twice", managed: true, send: bytes.Repeat(frame(&GetTunnelPool{Session: 1, Request: 5}), 2), want: ErrValue, wantField: "request"},
		{name: "request of another type with the same id", managed: true, send: append(frame(&GetTunnelPool{Session: 1, Request: 5}), frame(&GetFastTier{Session: 1, Request: 5})...), want: ErrValue, wantField: "request"},
		{name: "request without an id", managed: true, send: frame(&GetTunnelPool{Session: 1}), want: ErrValue, wantField: "request"},
		{name: "capabilities without an id", offer: true, send: frame(&GetCapabilities{}), want: ErrValue, wantField: "request"},
		{name: "attach without an id", offer: true, send: frame(&Attach{}), want: ErrValue, wantField: "request"},
		{name: "open without an id", offer: true, send: frame(&OpenSession{Config: config}), want: ErrValue, wantField: "request"},
		{name: "request of another session", managed: true, send: frame(&CreateTunnel{Session: 2, Request: 5}), want: ErrSession},
		{name: "undefined flags", managed: true, send: []byte{0, 0, 0, 13, 146, 0, 1, 0, 0, 0, 5, 0, 0x80, 0, 0, 0, 0, 0}, want: ErrValue, wantField: "flags"},
		{name: "stock message in a managed session", managed: true, send: frame(&SendMessage{Session: 1, Destination: dest}), want: ErrUnexpected},
		{name: "second handshake", offer: true, send: frame(&GetDate{Version: "0.9.67"}), want: ErrUnexpected},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeRouter{}
				if !test.stock {
					b.info.Extension = everything()
				}
				r := newRig(t, b, Limits{})
				defer r.close()
				p := r.raw()
				defer func() { _ = p.nc.Close() }()
				nonce := p.hello(test.offer || test.managed)
				if test.managed {
					config, err := SignConfig(testKeys(t, 1), map[string]string{optionNonce: nonce}, time.Now())
					if err != nil {
						t.Fatal(err)
					}
					p.send(&OpenSession{Request: 1, Config: config})
					if m, ok := p.next().(*OpenStatus); !ok || m.Status != OpenOpened || m.Session != 1 {
						t.Fatalf("%+v", m)
					}
				}
				if test.session {
					config, err := SignConfig(testKeys(t, 1), nil, time.Now())
					if err != nil {
						t.Fatal(err)
					}
					p.send(&CreateSession{Config: config})
					if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionCreated || m.Session != 1 {
						t.Fatalf("%+v", m)
					}
				}
				p.bytes(test.send)
				if reason := p.disconnected(); reason == "" {
					t.Error("no reason in a Disconnect")
				}
				synctest.Wait()
				err := r.served()
				var ce *ConnError
				if !errors.Is(err, test.want) || !errors.As(err, &ce) || ce.Origin != OriginLocal || ce.Type == 0 {
					t.Errorf("router: %v, want %v", err, test.want)
				}
				var pe *ParseError
				if errors.As(err, &pe) && pe.Field != test.wantField {
					t.Errorf("field %q, want %q", pe.Field, test.wantField)
				}
				if opened, closed := b.counts(); opened != closed {
					t.Errorf("%d sessions opened, %d closed", opened, closed)
				}
			})
		})
	}
}

// TestClientRefuses: what a router may do wrong.
func TestClientRefuses(t *testing.T) {
	body := func(m Message) []byte {
		b, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tunnel := Tunnel{ID: 1, Hops: 1}
	for _, test := range []struct {
		name    string
		managed bool
		request bool // a CreateTunnel with request 5 is under way
		send    []byte
		want    error
	}{
		{name: "unknown type", send: []byte{0, 0, 0, 0, 99}, want: ErrUnknownType},
		{name: "wrong direction", send: body(&DestroySession{Session: 1}), want: ErrUnexpected},
		{name: "huge length", send: []byte{0x7f, 0, 0, 0, 31}, want: ErrTooLong},
		{name: "truncated", send: []byte{0, 0, 0, 2, 31, 0, 1}, want: ErrTruncated},
		{name: "status nobody waits for", send: body(&SessionStatus{Session: 2, Status: SessionCreated}), want: ErrUnexpected},
		{name: "update nobody waits for", send: body(&SessionStatus{Session: 1, Status: SessionUpdated}), want: ErrUnexpected},
		{name: "another session destroyed", send: body(&SessionStatus{Session: 2, Status: SessionDestroyed}), want: ErrSession},
		{name: "payload for another session", send: body(&MessagePayload{Session: 2}), want: ErrSession},
		{name: "host reply never asked for", send: body(&HostReply{Session: 1, Request: 77, Code: LookupFailed}), want: ErrUnexpected},
		{name: "dest reply never asked for", send: body(&DestReply{Hash: &wire.Hash{1}}), want: ErrUnexpected},
		{name: "empty dest reply", send: body(&DestReply{}), want: ErrUnexpected},
		{name: "limits never asked for", send: body(&BandwidthLimits{}), want: ErrUnexpected},
		{name: "extension from a stock router", send: body(&TunnelExpired{Session: 1, Tunnel: 1}), want: ErrStock},
		{name: "lease request in a managed session", managed: true, send: body(&RequestVariableLeaseSet{Session: 1}), want: ErrUnexpected},
		{name: "tunnel never asked for", managed: true, send: body(&TunnelStatus{Session: 1, Request: 5, Tunnel: tunnel}), want: ErrUnexpected},
		{name: "late tunnel that was not late", managed: true, request: true, send: body(&TunnelStatus{Session: 1, Request: 5, Late: true, Tunnel: tunnel}), want: ErrUnexpected},
		{
			name: "tunnel twice", managed: true, request: true, want: ErrUnexpected,
			send: bytes.Repeat(body(&TunnelStatus{Session: 1, Request: 5, Tunnel: tunnel}), 2),
		},
		{name: "answer of another type", managed: true, request: true, send: body(&LookupResult{Session: 1, Request: 5, Result: ResultFailed}), want: ErrUnexpected},
		{name: "refusal of what was not asked", managed: true, send: body(&RequestError{Session: 1, Request: 5, Refused: TypeCreateTunnel}), want: ErrUnexpected},
		{name: "refusal of a message to the client", managed: true, send: body(&RequestError{Session: 1, Request: 5, Refused: TypePeerList}), want: ErrUnexpected},
		{name: "loss of another session", managed: true, send: body(&OpenStatus{Session: 2, Status: OpenLost}), want: ErrSession},
		{name: "loss that is none", managed: true, send: body(&OpenStatus{Session: 1, Status: OpenOpened}), want: ErrUnexpected},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reason := make(chan string, 1)
				nc, wait := fakePeer(t, func(p *raw) {
					p.setDate(test.managed)
					switch m := p.next().(type) {
					case *CreateSession:
						p.send(&SessionStatus{Session: 1, Status: SessionCreated})
					case *OpenSession:
						p.send(&OpenStatus{Request: m.Request, Session: 1})
					}
					if test.request {
						p.next()
					}
					// The client may hang up inside of it.
					_, _ = p.nc.Write(test.send)
					reason <- p.disconnected()
				})
				ctx := context.Background()
				c, err := NewConn(ctx, nc, Config{Extension: test.managed})
				if err != nil {
					t.Fatal(err)
				}
				var s *Session
				if test.managed {
					s, err = c.OpenSession(ctx, testKeys(t, 1), nil, 0, 0)
				} else {
					s, err = c.CreateSession(ctx, testKeys(t, 1), nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				if test.request {
					if err := s.Send(ctx, &CreateTunnel{Session: 1, Request: 5}); err != nil {
						t.Fatal(err)
					}
				}
				<-c.Done()
				for range s.Messages() {
				}
				var ce *ConnError
				if err := c.Err(); !errors.Is(err, test.want) || !errors.As(err, &ce) || ce.Origin != OriginLocal || ce.Type == 0 {
					t.Errorf("client: %v, want %v", err, test.want)
				}
				if !errors.Is(s.Err(), test.want) {
					t.Errorf("session: %v", s.Err())
				}
				if <-reason == "" {
					t.Error("no reason in a Disconnect")
				}
				wait()
				_ = c.Close()
			})
		})
	}
}

// TestHandshakeFaults: a router that answers GetDate by something else is told, and
// the connection is closed.
func TestHandshakeFaults(t *testing.T) {
	frame := func(m Message) []byte {
		b, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	confirm := func(version string) []byte {
		return frame(&SetDate{HasVersion: true, HasOptions: true, Options: testMapping(t, optionExtension, version)})
	}
	for _, test := range []struct {
		name   string
		offer  bool
		send   []byte
		want   error
		origin Origin
	}{
		{"another protocol", false, []byte("HTTP/1.1 400 Bad Request\r\n\r\n"), ErrTooLong, OriginLocal},
		{"truncated", false, []byte{0, 0, 0, 3, 33, 0, 0, 0}, ErrTruncated, OriginLocal},
		{"unknown type", false, []byte{0, 0, 0, 0, 99}, ErrUnexpected, OriginLocal},
		{"something else", false, frame(&SessionStatus{Session: 1, Status: SessionCreated}), ErrUnexpected, OriginLocal},
		{"confirms what was not offered", false, confirm("1"), ErrUnexpected, OriginLocal},
		{"confirms another version", true, confirm("2"), ErrUnexpected, OriginLocal},
		{"confirms nonsense", true, confirm("x"), ErrUnexpected, OriginLocal},
		{"disconnects", false, frame(&Disconnect{Reason: "not now"}), ErrDisconnected, OriginPeer},
		{"hangs up", false, nil, io.EOF, OriginPeer},
		{"hangs up inside a frame", false, []byte{0, 0}, io.ErrUnexpectedEOF, OriginNetwork},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reason := make(chan string, 1)
				nc, wait := fakePeer(t, func(p *raw) {
					p.next()
					p.bytes(test.send)
					if test.origin == OriginLocal {
						reason <- p.disconnected()
					}
				})
				_, err := NewConn(context.Background(), nc, Config{Extension: test.offer})
				var ce *ConnError
				if !errors.Is(err, test.want) || !errors.As(err, &ce) || ce.Origin != test.origin {
					t.Errorf("%v, want %v", err, test.want)
				}
				if test.origin == OriginLocal {
					if got := <-reason; got == "" || got != ce.Reason {
						t.Errorf("reason %q, told %q", ce.Reason, got)
					}
				}
				wait()
			})
		})
	}
}

// TestReplayedAnswers: an answer that comes twice, or is of another Destination
// than was asked for, is a fault.
func TestReplayedAnswers(t *testing.T) {
	keys := testKeys(t, 1)
	dest := keys.Destination.Bytes()
	hash := keys.Destination.Hash()
	found := &HostReply{Request: 1, Destination: dest}
	for _, test := range []struct {
		name   string
		call   func(ctx context.Context, c *Conn) error
		answer []Message
		want   error
		failed bool // the call
	}{
		{"host", func(ctx context.Context, c *Conn) error {
			_, err := c.HostLookup(ctx, HostLookup{Kind: LookupHash, Hash: hash})
			return err
		}, []Message{found, found}, ErrUnexpected, false},
		{"host by name", func(ctx context.Context, c *Conn) error {
			_, err := c.HostLookup(ctx, HostLookup{Kind: LookupName, Name: "a.i2p"})
			return err
		}, []Message{found, found}, ErrUnexpected, false},
		{"another host", func(ctx context.Context, c *Conn) error {
			_, err := c.HostLookup(ctx, HostLookup{Kind: LookupHash, Hash: wire.Hash{1}})
			return err
		}, []Message{found}, ErrValue, true},
		{"destination", func(ctx context.Context, c *Conn) error {
			_, err := c.DestLookup(ctx, hash)
			return err
		}, []Message{&DestReply{Destination: dest}, &DestReply{Destination: dest}}, ErrUnexpected, false},
		{"limits", func(ctx context.Context, c *Conn) error {
			_, err := c.BandwidthLimits(ctx)
			return err
		}, []Message{&BandwidthLimits{}, &BandwidthLimits{}}, ErrUnexpected, false},
		{"session", func(ctx context.Context, c *Conn) error {
			_, err := c.CreateSession(ctx, keys, nil)
			return err
		}, []Message{&SessionStatus{Session: 3, Status: SessionCreated}, &SessionStatus{Session: 3, Status: SessionCreated}}, ErrUnexpected, false},
		{"capabilities", func(ctx context.Context, c *Conn) error {
			_, err := c.Capabilities(ctx)
			return err
		}, []Message{&CapabilityList{Request: 1, Version: 1}, &CapabilityList{Request: 1, Version: 1}}, ErrUnexpected, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reason := make(chan string, 1)
				nc, wait := fakePeer(t, func(p *raw) {
					p.setDate(true)
					p.next()
					for _, m := range test.answer {
						p.send(m)
					}
					reason <- p.disconnected()
				})
				c, err := NewConn(context.Background(), nc, Config{Extension: true})
				if err != nil {
					t.Fatal(err)
				}
				if err := test.call(ctxFor(t, time.Minute), c); (err != nil) != test.failed {
					t.Errorf("call: %v", err)
				}
				<-c.Done()
				var ce *ConnError
				if err := c.Err(); !errors.Is(err, test.want) || !errors.As(err, &ce) || ce.Origin != OriginLocal || ce.Type == 0 {
					t.Errorf("%v, want %v", err, test.want)
				}
				if <-reason == "" {
					t.Error("no reason in a Disconnect")
				}
				wait()
				_ = c.Close()
			})
		})
	}
}

// TestUnsentRequests: a request that was given up before it was sent leaves no
// answer due, which would else be taken for the next one's.
func TestUnsentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := make(chan struct{})
		nc, wait := fakePeer(t, func(p *raw) {
			p.setDate(false)
			p.next()
			p.send(&SessionStatus{Session: 1, Status: SessionCreated})
			<-read
			for {
				switch m := p.next().(type) {
				case *GetBandwidthLimits:
					p.send(&BandwidthLimits{ClientIn: 7})
				case *DestLookup:
					p.send(&DestReply{Hash: &m.Hash})
				case *Disconnect:
					return
				}
			}
		})
		c, err := NewConn(context.Background(), nc, Config{Limits: Limits{MaxPending: 1 << 10, WriteTimeout: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.CreateSession(context.Background(), testKeys(t, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until there is no room
			_, err = s.SendMessage(ctxFor(t, time.Second), s.Destination(), PayloadInfo{}, make([]byte, 500), false)
		}
		if _, err := c.BandwidthLimits(ctxFor(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("limits: %v", err)
		}
		if _, err := c.DestLookup(ctxFor(t, time.Second), wire.Hash{1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("lookup: %v", err)
		}
		close(read)
		if m, err := c.BandwidthLimits(ctxFor(t, time.Minute)); err != nil || m.ClientIn != 7 {
			t.Errorf("limits: %v, %v", m, err)
		}
		var le *LookupError
		if _, err := c.DestLookup(ctxFor(t, time.Minute), wire.Hash{1}); !errors.As(err, &le) {
			t.Errorf("lookup: %v", err)
		}
		_ = c.Close()
		wait()
	})
}

// TestEarlyAnswer: a SessionStatus that comes before its CreateSession is out is a
// fault, and does not hold up the call.
func TestEarlyAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		early := make(chan struct{})
		nc, wait := fakePeer(t, func(p *raw) {
			p.setDate(false)
			p.next()
			p.send(&SessionStatus{Session: 1, Status: SessionCreated})
			<-early
			p.send(&SessionStatus{Session: 2, Status: SessionCreated})
			p.disconnected()
		})
		c, err := NewConn(context.Background(), nc, Config{Limits: Limits{MaxPending: 1 << 10, WriteTimeout: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.CreateSession(context.Background(), testKeys(t, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil { // until there is no room
			_, err = s.SendMessage(ctxFor(t, time.Second), s.Destination(), PayloadInfo{}, make([]byte, 500), false)
		}
		time.AfterFunc(time.Second, func() { close(early) })
		if _, err := c.CreateSession(ctxFor(t, time.Minute), testKeys(t, 2), nil); err == nil {
			t.Error("a session that was never asked for")
		}
		<-c.Done()
		if err := c.Err(); !errors.Is(err, ErrUnexpected) {
			t.Error(err)
		}
		_ = c.Close()
		wait()
	})
}

// TestWrongSession: a message that bears another session's id is not sent.
func TestWrongSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took := make(chan Message, 10)
		b := &fakeRouter{info: RouterInfo{Extension: everything()}}
		b.handle = func(_ *ServerConn, _ *RouterSession, m Message) error {
			took <- m
			return nil
		}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true})
		s, err := c.OpenSession(ctx, testKeys(t, 1), nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []Message{
			&DropTunnel{Session: s.ID() + 1, Request: 1, Tunnel: 1},
			&GetTunnelPool{Session: s.ID() + 1, Request: 2},
			&DropTunnel{Session: NoSession, Request: 3, Tunnel: 1},
		} {
			var pe *ParseError
			if err := s.Send(ctx, m); !errors.Is(err, ErrSession) || !errors.As(err, &pe) || pe.Type != m.Type() || pe.Field != "session" {
				t.Errorf("%v: %v", m.Type(), err)
			}
		}
		// Nothing of them is left: the id is free, the connection sound.
		if err := s.Send(ctx, &GetTunnelPool{Session: s.ID(), Request: 2}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-took).(*GetTunnelPool); !ok || m.Request != 2 {
			t.Errorf("%+v", m)
		}
		if err := s.Send(ctx, &Heartbeat{Session: NoSession, Sequence: 4}); err != nil {
			t.Error(err)
		}
		if m, ok := (<-s.Messages()).(*HeartbeatReply); !ok || m.Sequence != 4 {
			t.Errorf("%+v", m)
		}
		_ = c.Close()
	})
}

// TestRequestsAtRouter: an id is free again after the answer, and a client that
// asks for too much at once is refused.
func TestRequestsAtRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{info: RouterInfo{Extension: everything()}}
		answer := true
		b.handle = func(c *ServerConn, s *RouterSession, m Message) error {
			switch m := m.(type) {
			case *GetTunnelPool:
				if answer {
					return c.Send(&TunnelList{Session: s.ID(), Request: m.Request})
				}
			case *CreateTunnel:
				return &RefusalError{Code: ErrorNoPeer}
			}
			return nil
		}
		r := newRig(t, b, Limits{MaxRequests: 3})
		defer r.close()
		p := r.raw()
		defer func() { _ = p.nc.Close() }()
		config, err := SignConfig(testKeys(t, 1), map[string]string{optionNonce: p.hello(true)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p.send(&OpenSession{Request: 1, Config: config})
		p.next()
		for range 5 {
			p.send(&GetTunnelPool{Session: 1, Request: 9})
			if m, ok := p.next().(*TunnelList); !ok || m.Request != 9 {
				t.Errorf("%+v", m)
			}
			p.send(&CreateTunnel{Session: 1, Request: 9})
			if m, ok := p.next().(*RequestError); !ok || m.Request != 9 || m.Code != ErrorNoPeer {
				t.Errorf("%+v", m)
			}
		}
		synctest.Wait()
		answer = false
		for id := range uint32(3) {
			p.send(&GetTunnelPool{Session: 1, Request: id + 1})
		}
		p.send(&GetTunnelPool{Session: 1, Request: 4})
		if m, ok := p.next().(*RequestError); !ok || m.Request != 4 || m.Code != ErrorLimit {
			t.Errorf("%+v", m)
		}
		// A session takes its requests with it.
		p.send(&DestroySession{Session: 1})
		p.next()
		p.send(&OpenSession{Request: 2, Config: config})
		if m, ok := p.next().(*OpenStatus); !ok || m.Status != OpenOpened {
			t.Fatalf("%+v", m)
		}
		synctest.Wait()
		answer = true
		p.send(&GetTunnelPool{Session: 2, Request: 1})
		if m, ok := p.next().(*TunnelList); !ok || m.Request != 1 {
			t.Errorf("%+v", m)
		}
	})
}

// TestCrash: a client that vanishes inside a frame is no more than a broken
// connection, and its sessions end.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{}
		r := newRig(t, b, Limits{})
		p := r.raw()
		p.hello(false)
		config, err := SignConfig(testKeys(t, 1), nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		p.send(&CreateSession{Config: config})
		p.next()
		p.bytes([]byte{0, 0, 0, 100, 5, 1})
		_ = p.nc.Close()
		r.wg.Wait()
		var ce *ConnError
		if err := r.served(); !errors.As(err, &ce) || ce.Origin != OriginNetwork || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%v", err)
		}
		if opened, closed := b.counts(); opened != 1 || closed != 1 {
			t.Errorf("%d sessions opened, %d closed", opened, closed)
		}
		r.close()
	})
}

// TestDropWhenFull: payloads that a slow client has no room for are dropped and
// counted; lease requests and answers get through.
func TestDropWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{}
		b.handle = func(c *ServerConn, _ *RouterSession, _ Message) error { return c.Send(&BandwidthLimits{ClientIn: 7}) }
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{DropWhenFull: true, Limits: Limits{MaxQueue: 8}})
		s, err := c.CreateSession(ctx, testKeys(t, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		rs := b.opened[0]
		for range 100 {
			if err := rs.Send(&MessagePayload{Session: rs.ID(), Payload: make([]byte, 100)}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := rs.Send(&RequestVariableLeaseSet{Session: rs.ID(), Leases: make([]wire.Lease, 1)}); err != nil {
			t.Fatal(err)
		}
		if m, err := c.BandwidthLimits(ctxFor(t, time.Second)); err != nil || m.ClientIn != 7 {
			t.Errorf("limits behind payloads: %v, %v", m, err)
		}
		if n := s.Dropped(); n != 94 {
			t.Errorf("%d payloads dropped, want 94", n)
		}
		for range 6 {
			if m, ok := (<-s.Messages()).(*MessagePayload); !ok {
				t.Errorf("%+v", m)
			}
		}
		if m, ok := (<-s.Messages()).(*RequestVariableLeaseSet); !ok {
			t.Errorf("%+v", m)
		}
		_ = c.Close()
	})
}

// TestLateAnswers: an answer to what was given up is no fault.
func TestLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc, wait := fakePeer(t, func(p *raw) {
			p.setDate(false)
			q := p.next().(*HostLookup)
			<-time.After(time.Minute)
			p.send(&HostReply{Session: NoSession, Request: q.Request, Code: LookupFailed})
			d := p.next().(*DestLookup)
			<-time.After(time.Minute)
			p.send(&DestReply{Hash: &d.Hash})
			p.next() // GetBandwidthLimits
			<-time.After(time.Minute)
			p.send(&BandwidthLimits{})
			p.next() // CreateSession
			<-time.After(time.Minute)
			p.send(&SessionStatus{Session: 3, Status: SessionCreated})
			if m, ok := p.next().(*DestroySession); !ok || m.Session != 3 {
				t.Errorf("an abandoned session is not destroyed: %v", m)
			}
			p.send(&SessionStatus{Session: 3, Status: SessionDestroyed})
			p.next() // CreateSession
			p.send(&SessionStatus{Session: 4, Status: SessionCreated})
			p.disconnected()
		})
		c, err := NewConn(context.Background(), nc, Config{})
		if err != nil {
			t.Fatal(err)
		}
		for i, call := range []func(ctx context.Context) error{
			func(ctx context.Context) error { _, err := c.HostLookup(ctx, HostLookup{}); return err },
			func(ctx context.Context) error { _, err := c.DestLookup(ctx, wire.Hash{}); return err },
			func(ctx context.Context) error { _, err := c.BandwidthLimits(ctx); return err },
			func(ctx context.Context) error { _, err := c.CreateSession(ctx, testKeys(t, 1), nil); return err },
		} {
			if err := call(ctxFor(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("call %d: %v", i, err)
			}
			<-time.After(2 * time.Minute)
			synctest.Wait()
			if err := c.Err(); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if _, err := c.CreateSession(ctxFor(t, time.Minute), testKeys(t, 1), nil); err != nil {
			t.Error(err)
		}
		_ = c.Close()
		wait()
	})
}

// TestSlowClients: a client that stalls, dawdles, or never reads is put out, and
// holds no memory beyond the bounds.
func TestSlowClients(t *testing.T) {
	limits := Limits{
		HandshakeTimeout: 5 * time.Second, FrameTimeout: 20 * time.Second, WriteTimeout: 10 * time.Second,
		MaxPending: 64 << 10, IdleTimeout: time.Hour,
	}
	for _, test := range []struct {
		name   string
		do     func(p *raw)
		want   error
		after  time.Duration
		reason bool
		hello  bool // shake hands first
	}{
		{"says nothing", func(*raw) {}, ErrHandshake, 5 * time.Second, true, false},
		{"stalls before GetDate", func(p *raw) { p.bytes([]byte{ProtocolByte, 0, 0}) }, ErrHandshake, 5 * time.Second, true, false},
		{"another protocol", func(p *raw) { p.bytes([]byte("G")) }, ErrProtocolByte, 0, true, false},
		{"stalls inside a frame", func(p *raw) {
			p.bytes([]byte{0, 0, 0, 100, 5, 1, 2, 3})
		}, ErrStalled, 20 * time.Second, true, true},
		{"a byte a second", func(p *raw) {
			p.bytes([]byte{0, 0, 1})
			for range 1000 {
				if _, err := p.nc.Write([]byte{5}); err != nil {
					return
				}
				<-time.After(time.Second)
			}
		}, ErrStalled, 20 * time.Second, true, true},
		{"never reads", func(p *raw) {
			frame, _ := AppendFrame(nil, &GetBandwidthLimits{}, MaxFrame)
			for {
				if _, err := p.nc.Write(frame); err != nil {
					return
				}
			}
		}, ErrNotReading, 10 * time.Second, false, true},
		{"silent", func(*raw) {}, ErrIdle, time.Hour, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeRouter{}
				b.handle = func(c *ServerConn, _ *RouterSession, _ Message) error { return c.Send(&BandwidthLimits{}) }
				r := newRig(t, b, limits)
				defer r.close()
				start := time.Now()
				p := r.raw()
				defer func() { _ = p.nc.Close() }()
				if test.hello {
					p.hello(false)
				}
				read := make(chan string, 1)
				if test.reason {
					var wg sync.WaitGroup
					defer wg.Wait()
					wg.Go(func() { test.do(p) })
					// Frames before the Disconnect belong to test.do.
					<-time.After(test.after)
					read <- p.disconnected()
				} else {
					test.do(p)
				}
				r.wg.Wait()
				took := time.Since(start)
				if err := r.served(); !errors.Is(err, test.want) {
					t.Errorf("router: %v, want %v", err, test.want)
				}
				if took < test.after || took > test.after+2*time.Second {
					t.Errorf("after %v, want %v", took, test.after)
				}
				if test.reason && <-read == "" {
					t.Error("no reason in a Disconnect")
				}
			})
		})
	}
}

// TestSlowRouters: the same from the client's side.
func TestSlowRouters(t *testing.T) {
	limits := Limits{HandshakeTimeout: 5 * time.Second, FrameTimeout: 20 * time.Second, WriteTimeout: 10 * time.Second, MaxPending: 8 << 10}
	t.Run("handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			nc, wait := fakePeer(t, func(p *raw) {
				p.next()
				_, _ = p.nc.Write([]byte{0, 0})
				_, _ = io.Copy(io.Discard, p.nc)
			})
			start := time.Now()
			_, err := NewConn(context.Background(), nc, Config{Limits: limits})
			if !errors.Is(err, ErrHandshake) || time.Since(start) != 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			wait()
		})
	})
	t.Run("cancelled handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			nc, wait := fakePeer(t, func(p *raw) { _, _ = io.Copy(io.Discard, p.nc) })
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			if _, err := NewConn(ctx, nc, Config{Limits: limits}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			wait()
		})
	})
	t.Run("never reads", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stop := make(chan struct{})
			nc, wait := fakePeer(t, func(p *raw) {
				p.setDate(false)
				p.next()
				p.send(&SessionStatus{Session: 1, Status: SessionCreated})
				<-stop
			})
			c, err := NewConn(context.Background(), nc, Config{Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.CreateSession(context.Background(), testKeys(t, 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			// A sender waits for room no longer than it wants to.
			ctx := ctxFor(t, time.Second)
			sent := 0
			for err == nil {
				_, err = s.SendMessage(ctx, s.Destination(), PayloadInfo{}, make([]byte, 1000), false)
				sent++
			}
			if !errors.Is(err, context.DeadlineExceeded) || sent*1000 > 3*limits.MaxPending {
				t.Errorf("%v after %d messages", err, sent)
			}
			_, err = s.SendMessage(context.Background(), s.Destination(), PayloadInfo{}, nil, false)
			if !errors.Is(err, ErrNotReading) || !errors.Is(c.Err(), ErrNotReading) {
				t.Errorf("%v, %v", err, c.Err())
			}
			close(stop)
			wait()
			_ = c.Close()
		})
	})
	t.Run("a frame that takes for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			nc, wait := fakePeer(t, func(p *raw) {
				p.setDate(false)
				go func() { _, _ = io.Copy(io.Discard, p.nc) }()
				// Whole frames a byte a second are no fault, ...
				b, _ := AppendFrame(nil, &SetDate{Date: 1}, MaxFrame)
				for range 3 {
					for i := range b {
						_, _ = p.nc.Write(b[i : i+1])
						<-time.After(time.Second)
					}
				}
				// ... one that exceeds its time is.
				_, _ = p.nc.Write([]byte{0, 0, 1})
				for range 30 {
					_, _ = p.nc.Write([]byte{0})
					<-time.After(time.Second)
				}
			})
			start := time.Now()
			c, err := NewConn(context.Background(), nc, Config{Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			<-c.Done()
			if took := time.Since(start); !errors.Is(c.Err(), ErrStalled) || took != (3*13+20)*time.Second {
				t.Errorf("%v after %v", c.Err(), took)
			}
			_ = c.Close()
			wait()
		})
	})
	t.Run("crash", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			nc, wait := fakePeer(t, func(p *raw) {
				p.setDate(false)
				p.next()
				_, _ = p.nc.Write([]byte{0, 0, 0})
			})
			c, err := NewConn(context.Background(), nc, Config{Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.CreateSession(context.Background(), testKeys(t, 1), nil)
			var ce *ConnError
			if !errors.As(err, &ce) || ce.Origin != OriginNetwork || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v", err)
			}
			_ = c.Close()
			wait()
		})
	})
}

// TestBackPressure: while a client does not take its messages, nothing more is
// read, and the router drops packets instead of piling them up.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{}
		r := newRig(t, b, Limits{MaxPending: 16 << 10})
		defer r.close()
		c := r.dial(Config{Limits: Limits{MaxQueue: 4}})
		s, err := c.CreateSession(context.Background(), testKeys(t, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		rs := b.opened[0]
		sent, dropped := 0, 0
		for range 1000 {
			switch err := rs.Send(&MessagePayload{Session: rs.ID(), Payload: make([]byte, 1000)}); {
			case err == nil:
				sent++
			case errors.Is(err, ErrTooMany):
				dropped++
			default:
				t.Fatal(err)
			}
			synctest.Wait()
		}
		// The client's queue, its reader's buffer, what the writer holds, and
		// what is pending.
		if most := 4 + (readerSize+2*(16<<10))/1000 + 4; sent > most || dropped == 0 {
			t.Errorf("%d sent, %d dropped; want at most %d sent", sent, dropped, most)
		}
		for range sent {
			<-s.Messages()
		}
		if err := rs.Send(&MessagePayload{Session: rs.ID()}); err != nil {
			t.Error(err)
		}
		<-s.Messages()
		_ = c.Close()
	})
}

// TestReplay: a recorded OpenSession is worth nothing on another connection, and
// a session's date must be near the clock.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, &fakeRouter{info: RouterInfo{Extension: everything()}}, Limits{})
		defer r.close()
		p := r.raw()
		nonce := p.hello(true)
		config, err := SignConfig(testKeys(t, 1), map[string]string{optionNonce: nonce}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		open := &OpenSession{Request: 1, Grace: 60, Config: config}
		p.send(open)
		if m, ok := p.next().(*OpenStatus); !ok || m.Status != OpenOpened {
			t.Fatalf("%+v", m)
		}
		p.send(open)
		if m, ok := p.next().(*OpenStatus); !ok || m.Status != OpenInUse {
			t.Errorf("again on the same connection: %+v", m)
		}
		_ = p.nc.Close()
		p = r.raw()
		p.hello(true)
		open.Flags = OpenResume | OpenTakeOver
		p.send(open)
		if m, ok := p.next().(*OpenStatus); !ok || m.Status != OpenInvalid {
			t.Errorf("on another connection: %+v", m)
		}
		for _, off := range []time.Duration{-DateWindow - time.Second, DateWindow + time.Second} {
			if config, err = SignConfig(testKeys(t, 2), nil, time.Now().Add(off)); err != nil {
				t.Fatal(err)
			}
			p.send(&CreateSession{Config: config})
			if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionInvalid {
				t.Errorf("date off by %v: %+v", off, m)
			}
		}
		config.Date++
		p.send(&CreateSession{Config: config})
		if m, ok := p.next().(*SessionStatus); !ok || m.Status != SessionInvalid {
			t.Errorf("signature of something else: %+v", m)
		}
		_ = p.nc.Close()
	})
}

// TestLimits: what is under way is bounded.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{info: RouterInfo{Extension: everything()}}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true, Limits: Limits{MaxRequests: 3}})
		s, err := c.OpenSession(ctx, testKeys(t, 1), nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(3) {
			if err := s.Send(ctx, &GetTunnelPool{Session: s.ID(), Request: i + 1}); err != nil {
				t.Error(err)
			}
		}
		if err := s.Send(ctx, &GetTunnelPool{Session: s.ID(), Request: 9}); !errors.Is(err, ErrTooMany) {
			t.Errorf("a fourth request: %v", err)
		}
		for n := byte(2); n <= MaxSessions; n++ {
			if _, err := c.CreateSession(ctx, testKeys(t, n), nil); err != nil {
				t.Error(err)
			}
		}
		if _, err := c.CreateSession(ctx, testKeys(t, 99), nil); !errors.Is(err, ErrTooMany) {
			t.Errorf("a sixth session: %v", err)
		}
		var pe *ParseError
		err = s.Send(ctx, &SendPacket{Session: s.ID(), Destination: s.Destination(), Payload: make([]byte, DefaultMaxFrame)})
		if !errors.As(err, &pe) || !errors.Is(err, ErrTooLong) || c.Err() != nil {
			t.Errorf("too large a packet: %v, %v", err, c.Err())
		}
		_ = c.Close()
	})
}

// TestOffline: with offline keys, the transient key signs the configuration.
func TestOffline(t *testing.T) {
	now := exampleTime
	keys, err := testKeys(t, 1).WithTransientKey(wire.SecondsOf(now.Add(time.Hour)), bytes.NewReader(bytes.Repeat([]byte{9}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	keys.SigningKey = make([]byte, len(keys.SigningKey))
	c, err := SignConfig(keys, map[string]string{"x": "y"}, now)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Verify(now); err != nil || !d.Equal(keys.Destination.KeysAndCert) {
		t.Errorf("%v", err)
	}
	if _, err := c.Verify(now.Add(2 * time.Hour)); !errors.Is(err, ErrDate) {
		t.Errorf("after the transient key's end: %v", err)
	}
	other, err := testKeys(t, 2).WithTransientKey(wire.SecondsOf(now.Add(time.Hour)), bytes.NewReader(bytes.Repeat([]byte{9}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	forged, err := SignConfig(other, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	forged.Destination = keys.Destination.Bytes()
	if _, err := forged.Verify(now); !errors.Is(err, wire.ErrSignature) {
		t.Errorf("a transient key that the Destination did not sign: %v", err)
	}
}

// TestWriteErrors: what does not fit its field is not written, and nothing else
// is.
func TestWriteErrors(t *testing.T) {
	for _, m := range []Message{
		&Disconnect{Reason: strings.Repeat("x", 256)},
		&SendMessage{Destination: make([]byte, 386)},
		&SendMessageExpires{Destination: testKeys(t, 1).Destination.Bytes(), Expiration: 1 << 48},
		&PeerList{Peers: make([]Peer, MaxPeersPerMessage+1)},
		&PeerList{Peers: []Peer{{Flags: 0x80}}},
		&PeerList{Peers: []Peer{{Caps: [8]byte{'X', 0, 'R'}}}},
		&TunnelList{Tunnels: make([]Tunnel, MaxTunnelsPerMessage+1)},
		&TunnelStatus{},
		&CreateTunnel{Hops: MaxHops + 1},
		&CreateTunnel{Named: true, Reuse: 1},
		&PublishLeaseSet{StoreType: 2},
		&RelayAck{Kind: 2},
		&SetShadows{Shadows: make([]uint32, 256)},
		&NoteFloodfills{Notes: make([]FloodfillNote, MaxFloodfillsPerMessage+1)},
		&GetDate{HasOptions: true},
		&HostReply{Code: LookupFailed, Destination: testKeys(t, 1).Destination.Bytes()},
		&BlindingInfo{Flags: 1},
	} {
		b, err := AppendFrame([]byte("kept"), m, MaxFrame)
		var pe *ParseError
		if !errors.As(err, &pe) || pe.Type != m.Type() || pe.Field == "" || string(b) != "kept" {
			t.Errorf("%v: %q, %v", m.Type(), b, err)
		}
	}
}

// TestShutdown: Close returns while a client neither reads nor writes, over real
// TCP, and the client that does read is told why.
func TestShutdown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	server := NewServer(&fakeRouter{}, ServerConfig{Limits: Limits{CloseTimeout: 100 * time.Millisecond}})
	for range 2 {
		go func() {
			nc, err := l.Accept()
			if err == nil {
				_ = server.Serve(context.Background(), nc)
			}
		}()
	}
	c, err := Dial(t.Context(), l.Addr().String(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSession(t.Context(), testKeys(t, 1), nil); err != nil {
		t.Fatal(err)
	}
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	server.Close()
	<-c.Done()
	var ce *ConnError
	if err := c.Err(); !errors.As(err, &ce) || ce.Origin != OriginPeer || ce.Reason != "router shutdown" {
		t.Errorf("client: %v", err)
	}
	_ = c.Close()
}

// TestBadLeaseSets: a LeaseSet that is not the session's, is not signed, or has
// other private keys is refused; a stock session's client is put out.
func TestBadLeaseSets(t *testing.T) {
	good := testLeaseSet(t, testKeys(t, 1))
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	right := []PrivateKey{{wire.EncX25519, testEncryption(t).Bytes()}}
	wrong := []PrivateKey{{wire.EncX25519, make([]byte, 32)}}
	tests := []struct {
		name string
		ls   []byte
		keys []PrivateKey
		want error
		code ErrorCode
	}{
		{"good", good, right, nil, 0},
		{"signature", forged, right, ErrLeaseSet, ErrorBadLeaseSet},
		{"another Destination's", testLeaseSet(t, testKeys(t, 2)), right, ErrLeaseSet, ErrorBadLeaseSet},
		{"wrong private key", good, wrong, ErrKeys, ErrorBadKeys},
		{"too many private keys", good, append(right, wrong...), ErrKeys, ErrorBadKeys},
		{"another type of key", good, []PrivateKey{{wire.EncMLKEM512X25519, right[0].Key}}, ErrKeys, ErrorBadKeys},
	}
	synctest.Test(t, func(t *testing.T) {
		b := &fakeRouter{info: RouterInfo{Extension: everything()}}
		took := make(chan Type, 10)
		b.handle = func(_ *ServerConn, _ *RouterSession, m Message) error {
			took <- m.Type()
			return nil
		}
		r := newRig(t, b, Limits{})
		defer r.close()
		ctx := context.Background()
		c := r.dial(Config{Extension: true})
		s, err := c.OpenSession(ctx, testKeys(t, 1), nil, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for i, test := range tests {
			for _, m := range []Message{
				&PublishLeaseSet{
					Session: s.ID(), Request: uint32(2*i + 1), ReplyLease: ReplyClosest,
					StoreType: wire.StoreLeaseSet2, LeaseSet: test.ls, Keys: test.keys,
				},
				&GiveLeaseSet{Session: s.ID(), Request: uint32(2*i + 2), StoreType: wire.StoreLeaseSet2, LeaseSet: test.ls, Keys: test.keys},
			} {
				if err := s.Send(ctx, m); err != nil {
					t.Fatal(err)
				}
				if test.want == nil {
					if got := <-took; got != m.Type() {
						t.Errorf("%s: %v", test.name, got)
					}
				} else if e, ok := (<-s.Messages()).(*RequestError); !ok || e.Code != test.code || e.Refused != m.Type() {
					t.Errorf("%s: %+v", test.name, e)
				}
			}
		}
		_ = c.Close()
		for _, test := range tests {
			c := r.dial(Config{})
			s, err := c.CreateSession(ctx, testKeys(t, 1), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, test.ls, test.keys); err != nil {
				t.Fatal(err)
			}
			if test.want == nil {
				<-took
			} else {
				<-c.Done()
				var ce *ConnError
				if err := c.Err(); !errors.As(err, &ce) || ce.Origin != OriginPeer || ce.Reason != test.want.Error() {
					t.Errorf("%s: %v", test.name, err)
				}
			}
			_ = c.Close()
			synctest.Wait()
		}
	})
}
