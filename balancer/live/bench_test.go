package live_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/datagram"
	"multihome.i2p/i2cp/wire"
)

// stub is a stock router of the simplest kind: it takes every session, asks for a
// LeaseSet at once, and tells of what its clients send.
type stub struct {
	leases int
	opened chan *i2cp.RouterSession
	given  chan struct{}
	sent   chan struct{}
}

// newStubs starts stubs at addresses of their own.
func newStubs(tb testing.TB, n, leases int) (*stub, []string) {
	tb.Helper()
	s := &stub{leases: leases, opened: make(chan *i2cp.RouterSession, 1<<14), given: make(chan struct{}, 1<<14), sent: make(chan struct{}, 1<<14)}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		addresses = append(addresses, l.Addr().String())
		server := i2cp.NewServer(s, i2cp.ServerConfig{})
		wg.Go(func() {
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() { _ = server.Serve(ctx, nc) })
			}
		})
		context.AfterFunc(ctx, func() {
			_ = l.Close()
			server.Close()
		})
	}
	tb.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return s, addresses
}

func (s *stub) Router() i2cp.RouterInfo { return i2cp.RouterInfo{Version: "0.9.66"} }

func (s *stub) Authenticate(_, _ string) bool { return true }

func (s *stub) Open(*i2cp.RouterSession) error { return nil }

func (s *stub) Closed(*i2cp.RouterSession) {}

func (s *stub) Handle(c *i2cp.ServerConn, rs *i2cp.RouterSession, m i2cp.Message) error {
	switch m := m.(type) {
	case *i2cp.GetBandwidthLimits:
		return c.TrySend(&i2cp.BandwidthLimits{ClientIn: 1024, ClientOut: 1024})
	case *i2cp.HostLookup:
		return c.TrySend(&i2cp.HostReply{Session: i2cp.NoSession, Request: m.Request, Code: i2cp.LookupFailed})
	case *i2cp.ReconfigureSession: // the first thing that a client says
		s.opened <- rs
	case *i2cp.CreateLeaseSet2:
		select {
		case s.given <- struct{}{}:
		default:
		}
	case *i2cp.SendMessage:
		s.sent <- struct{}{}
	}
	return nil
}

// ask has a session's client make a LeaseSet with fresh tunnels.
func (s *stub) ask(tb testing.TB, rs *i2cp.RouterSession) {
	tb.Helper()
	if err := rs.Send(request(rs.ID(), s.leases)); err != nil {
		tb.Fatal(err)
	}
}

// request is for a LeaseSet with fresh tunnels.
func request(session uint16, leases int) *i2cp.RequestVariableLeaseSet {
	m := &i2cp.RequestVariableLeaseSet{Session: session}
	for i := range leases {
		var l wire.Lease
		_, _ = rand.Read(l.Gateway[:])
		l.Tunnel, l.End = wire.TunnelID(i+1), wire.DateOf(time.Now().Add(10*time.Minute))
		m.Leases = append(m.Leases, l)
	}
	return m
}

func benchConfig(tb testing.TB, addresses []string, destinations int) live.Config {
	tb.Helper()
	cfg := live.Config{State: filepath.Join(tb.TempDir(), "state"), Log: slog.New(slog.DiscardHandler)}
	for i, a := range addresses {
		cfg.Routers = append(cfg.Routers, live.Router{Name: fmt.Sprint("r", i), Address: a, Weight: 1})
	}
	for i := range destinations {
		keys, err := wire.NewPrivateKeyFile(rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		cfg.Destinations = append(cfg.Destinations, live.Destination{
			Name: fmt.Sprint("d", i), Keys: keys, Leases: 16, Policy: live.Policy{Name: "natural-i2pd"}, Target: "echo",
		})
	}
	return cfg
}

func serve(tb testing.TB, cfg live.Config) *live.Service {
	tb.Helper()
	s, err := live.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
	})
	return s
}

// BenchmarkEcho answers repliable datagrams of 1 kB that a router hands up: by a
// plain client of the router (direct), and by the balancer (balanced). The
// difference is what the balancer adds.
func BenchmarkEcho(b *testing.B) {
	client, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	sign, err := client.Signer()
	if err != nil {
		b.Fatal(err)
	}
	body, err := datagram.Append(nil, client.Destination, sign, make([]byte, 1024))
	if err != nil {
		b.Fatal(err)
	}
	payload := i2cp.AppendPayload(nil, i2cp.PayloadInfo{Protocol: i2cp.ProtocolDatagram}, body)
	const underWay = 32 // more than queueMax allows would be dropped
	pump := func(b *testing.B, s *stub, rs *i2cp.RouterSession) {
		b.ReportAllocs()
		b.ResetTimer()
		room := make(chan struct{}, underWay)
		go func() {
			for i := range b.N {
				room <- struct{}{}
				if err := rs.Send(&i2cp.MessagePayload{Session: rs.ID(), Message: uint32(i), Payload: payload}); err != nil {
					b.Error(err)
					return
				}
			}
		}()
		for range b.N {
			<-s.sent
			<-room
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	}
	b.Run("direct", func(b *testing.B) {
		s, addresses := newStubs(b, 1, 4)
		keys, err := wire.NewPrivateKeyFile(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		sign, err := keys.Signer()
		if err != nil {
			b.Fatal(err)
		}
		conn, err := i2cp.Dial(b.Context(), addresses[0], i2cp.Config{})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		session, err := conn.CreateSession(b.Context(), keys, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := session.Reconfigure(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		go func() {
			for m := range session.Messages() {
				_, data, _ := i2cp.ParsePayload(nil, m.(*i2cp.MessagePayload).Payload, 1<<16)
				g, err := datagram.Parse(data)
				if err != nil || g.Verify() != nil {
					b.Error("bad datagram")
				}
				out, _ := datagram.Append(make([]byte, 0, 512+len(g.Payload)), keys.Destination, sign, g.Payload)
				if _, err := session.SendMessage(context.Background(), g.From.Bytes(), i2cp.PayloadInfo{Protocol: i2cp.ProtocolDatagram}, out, false); err != nil {
					b.Error(err)
				}
			}
		}()
		pump(b, s, <-s.opened)
	})
	b.Run("balanced", func(b *testing.B) {
		s, addresses := newStubs(b, 1, 4)
		serve(b, benchConfig(b, addresses, 1))
		rs := <-s.opened
		s.ask(b, rs)
		<-s.given
		pump(b, s, rs)
	})
}

// BenchmarkPublish has 16 routers' tunnels composed into one LeaseSet of 16
// leases, signed and sent. One operation is the time from a router's lease
// request to the LeaseSets at the routers; four fifths of it are the stubs, which
// verify 16 LeaseSets.
func BenchmarkPublish(b *testing.B) {
	s, addresses := newStubs(b, 16, 1)
	serve(b, benchConfig(b, addresses, 1))
	seen := map[*i2cp.RouterSession]bool{}
	var sessions []*i2cp.RouterSession
	for len(sessions) < len(addresses) {
		if rs := <-s.opened; !seen[rs] {
			seen[rs] = true
			sessions = append(sessions, rs)
		}
	}
	for _, rs := range sessions {
		s.ask(b, rs)
		<-s.given
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		for len(s.given) > 0 {
			<-s.given
		}
		s.ask(b, sessions[i%len(sessions)])
		<-s.given
	}
}
