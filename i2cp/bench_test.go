package i2cp

import (
	"bytes"
	"context"
	"net"
	"runtime"
	"sync/atomic"
	"testing"

	"multihome.i2p/i2cp/wire"
)

// loopback returns a client's session with backend over TCP.
func loopback(b *testing.B, backend Backend) *Session {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := NewServer(backend, ServerConfig{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		nc, err := l.Accept()
		if err == nil {
			_ = server.Serve(context.Background(), nc)
		}
	}()
	c, err := Dial(context.Background(), l.Addr().String(), Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Close()
		server.Close()
		_ = l.Close()
		<-served
	})
	s, err := c.CreateSession(context.Background(), testKeys(b, 1), nil)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkMessages moves messages of 1 kB, in stored gzip blocks, through a
// client session over loopback TCP, both ends on one core; checksums are
// verified at the receiving end. One operation is one message: from the client
// (send), to the client (receive), or to the router and back (echo).
func BenchmarkMessages(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	ctx := context.Background()
	data := bytes.Repeat([]byte("0123456789abcdef"), 64)
	info := PayloadInfo{FromPort: 1, ToPort: 2, Protocol: ProtocolStreaming}
	dest := testKeys(b, 2).Destination.Bytes()
	check := func(payload []byte) {
		if _, got, err := ParsePayload(nil, payload, 1<<16); err != nil || len(got) != len(data) {
			b.Errorf("%d bytes, %v", len(got), err)
		}
	}
	rate := func(b *testing.B) {
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	}

	b.Run("send", func(b *testing.B) {
		var left atomic.Int64
		all := make(chan struct{})
		f := &fakeRouter{}
		f.handle = func(_ *ServerConn, _ *RouterSession, m Message) error {
			check(m.(*SendMessage).Payload)
			if left.Add(-1) == 0 {
				close(all)
			}
			return nil
		}
		s := loopback(b, f)
		left.Store(int64(b.N))
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if _, err := s.SendMessage(ctx, dest, info, data, false); err != nil {
				b.Fatal(err)
			}
		}
		<-all
		rate(b)
	})

	b.Run("receive", func(b *testing.B) {
		start := make(chan *ServerConn)
		f := &fakeRouter{}
		f.handle = func(c *ServerConn, _ *RouterSession, _ Message) error {
			start <- c
			return nil
		}
		s := loopback(b, f)
		if _, err := s.SendMessage(ctx, dest, info, data, false); err != nil {
			b.Fatal(err)
		}
		c := <-start
		payload := AppendPayload(nil, info, data)
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		b.ResetTimer()
		go func() {
			for i := range b.N {
				if err := c.Send(&MessagePayload{Session: s.ID(), Message: uint32(i), Payload: payload}); err != nil {
					b.Error(err)
				}
			}
		}()
		for range b.N {
			check((<-s.Messages()).(*MessagePayload).Payload)
		}
		rate(b)
	})

	b.Run("echo", func(b *testing.B) {
		f := &fakeRouter{}
		f.handle = func(c *ServerConn, s *RouterSession, m Message) error {
			return c.Send(&MessagePayload{Session: s.ID(), Message: 1, Payload: m.(*SendMessage).Payload})
		}
		s := loopback(b, f)
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		b.ResetTimer()
		go func() {
			for range b.N {
				if _, err := s.SendMessage(ctx, dest, info, data, false); err != nil {
					b.Error(err)
				}
			}
		}()
		for range b.N {
			check((<-s.Messages()).(*MessagePayload).Payload)
		}
		rate(b)
	})
}

// BenchmarkPayload wraps 1 kB of text that shrinks to a fifth.
func BenchmarkPayload(b *testing.B) {
	data := bytes.Repeat([]byte("Lorem ipsum dolor sit amet, consectetur "), 26)[:1024]
	for name, wrap := range map[string]func([]byte, PayloadInfo, []byte) []byte{
		"stored": AppendPayload, "compressed": AppendCompressedPayload,
	} {
		b.Run(name, func(b *testing.B) {
			var out []byte
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				out = wrap(out[:0], PayloadInfo{}, data)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	payload := AppendPayload(nil, PayloadInfo{}, make([]byte, 1024))
	peers := make([]Peer, 75)
	for _, m := range []Message{
		&SendMessage{Destination: testKeys(b, 1).Destination.Bytes(), Payload: payload},
		&MessagePayload{Payload: payload},
		&PeerList{Peers: peers},
		&RequestVariableLeaseSet{Leases: make([]wire.Lease, 16)},
	} {
		body, err := m.Append(nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(m.Type().String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Parse(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
