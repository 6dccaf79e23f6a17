package i2cp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
)

// testKeys returns the n-th of a few fixed Destinations with their keys.
func testKeys(tb testing.TB, n byte) wire.PrivateKeyFile {
	tb.Helper()
	keys, err := wire.NewPrivateKeyFile(bytes.NewReader(bytes.Repeat([]byte{n}, 1024)))
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

// fakeRouter is a Backend that answers from fields, and notes what it was told.
type fakeRouter struct {
	info RouterInfo
	user string // wanted, with password "secret"; "" for none
	open error

	handle func(c *ServerConn, s *RouterSession, m Message) error

	mu     sync.Mutex
	opened []*RouterSession
	closed []*RouterSession
}

func (f *fakeRouter) Router() RouterInfo { return f.info }

func (f *fakeRouter) Authenticate(user, password string) bool {
	return f.user == "" || user == f.user && password == "secret"
}

func (f *fakeRouter) Open(s *RouterSession) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, s)
	return f.open
}

func (f *fakeRouter) Handle(c *ServerConn, s *RouterSession, m Message) error {
	if f.handle != nil {
		return f.handle(c, s, m)
	}
	return nil
}

func (f *fakeRouter) Closed(s *RouterSession) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = append(f.closed, s)
}

func (f *fakeRouter) counts() (opened, closed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.opened), len(f.closed)
}

// everything is a router's side of the extension with nothing left out.
func everything() *CapabilityList {
	return &CapabilityList{
		Capabilities: capDefined, Kind: KindI2pd, MaxHops: MaxHops, MaxTunnels: 64, MaxLeases: 16,
		MaxGrace: 600, MaxFrame: DefaultMaxFrame, Software: "test 1",
	}
}

// A rig is a server over pipes, for use inside a synctest bubble.
type rig struct {
	t      *testing.T
	server *Server
	wg     sync.WaitGroup
	mu     sync.Mutex
	errs   []error // of the connections that the server has served
}

func newRig(t *testing.T, b Backend, limits Limits) *rig {
	return &rig{t: t, server: NewServer(b, ServerConfig{Limits: limits})}
}

// pipe returns the client's end of a connection to the server.
func (r *rig) pipe() net.Conn {
	here, there := net.Pipe()
	r.wg.Go(func() {
		err := r.server.Serve(context.Background(), there)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	})
	return here
}

// dial returns a connection to the server.
func (r *rig) dial(cfg Config) *Conn {
	r.t.Helper()
	c, err := NewConn(context.Background(), r.pipe(), cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// close ends everything; the bubble then finds goroutines that did not end.
func (r *rig) close() {
	r.server.Close()
	r.wg.Wait()
}

// served returns the last error of a connection at the server.
func (r *rig) served() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) == 0 {
		return nil
	}
	return r.errs[len(r.errs)-1]
}

// raw speaks frames to a server without a Conn's care.
type raw struct {
	t  *testing.T
	nc net.Conn
	in *Reader
}

func (r *rig) raw() *raw {
	nc := r.pipe()
	return &raw{t: r.t, nc: nc, in: NewReader(nc, MaxFrame)}
}

func (p *raw) bytes(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

func (p *raw) send(m Message) {
	p.t.Helper()
	b, err := AppendFrame(nil, m, MaxFrame)
	if err != nil {
		p.t.Fatal(err)
	}
	p.bytes(b)
}

func (p *raw) next() Message {
	p.t.Helper()
	t, body, err := p.in.Next()
	if err != nil {
		p.t.Fatal(err)
	}
	m, err := Parse(t, bytes.Clone(body))
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// hello shakes hands, and returns the nonce of the extension.
func (p *raw) hello(extension bool) string {
	p.t.Helper()
	p.bytes([]byte{ProtocolByte})
	cfg := Config{Extension: extension}
	m, err := cfg.getDate()
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(m)
	date, ok := p.next().(*SetDate)
	if !ok {
		p.t.Fatal("no SetDate")
	}
	nonce, _ := date.Options.Get(optionNonce)
	return nonce
}

// disconnected reads until a Disconnect and the end of the stream, and returns
// the reason.
func (p *raw) disconnected() string {
	p.t.Helper()
	reason := ""
	for {
		t, body, err := p.in.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return reason
		}
		if err != nil {
			p.t.Fatal(err)
		}
		if t == TypeDisconnect {
			var m Disconnect
			if err := m.Parse(body); err != nil {
				p.t.Fatal(err)
			}
			reason = m.Reason
		}
	}
}

// fakePeer is a router made of a script, for clients.
func fakePeer(t *testing.T, script func(p *raw)) (net.Conn, func()) {
	here, there := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() {
		defer func() { _ = there.Close() }()
		p := &raw{t: t, nc: there, in: NewReader(there, MaxFrame)}
		b, err := p.in.first()
		if err != nil || b != ProtocolByte {
			t.Errorf("first byte %#x, %v", b, err)
			return
		}
		script(p)
	})
	return here, wg.Wait
}

// setDate answers GetDate, confirming the extension or not.
func (p *raw) setDate(extension bool) {
	p.t.Helper()
	if _, ok := p.next().(*GetDate); !ok {
		p.t.Error("no GetDate")
	}
	m := &SetDate{Date: wire.DateOf(time.Now()), HasVersion: true, Version: "0.9.67"}
	if extension {
		m.HasOptions = true
		m.Options, _ = wire.NewMapping(map[string]string{optionExtension: "1", optionNonce: "n"})
	}
	p.send(m)
}

func ctxFor(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
