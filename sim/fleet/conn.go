package fleet

import (
	"crypto/tls"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"multihome.i2p/i2cp"
)

// conn is a client's connection, with the router's faults.
type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	router *Router
	once   sync.Once
	gone   chan struct{}
	echo   *echo // of a router that repeats the client's version; else nil

	mu            sync.Mutex
	reads, writes time.Duration // until their deadlines, when those were set; 0 for none
}

func newConn(r *Router, nc net.Conn) *conn {
	c := &conn{Conn: nc, raw: nc, router: r, gone: make(chan struct{})}
	if cfg := r.fleet.cfg.TLS; cfg != nil {
		c.Conn = tls.Server(nc, cfg)
	}
	if r.fleet.cfg.Stock && r.fleet.stockVersion() == Stock245 {
		c.echo = new(echo)
	}
	return c
}

// thawed waits while the router is frozen, and reports whether it was.
func (c *conn) thawed() (waited bool, err error) {
	for {
		c.router.mu.Lock()
		frozen := c.router.frozen
		c.router.mu.Unlock()
		if frozen == nil {
			return waited, nil
		}
		waited = true
		select {
		case <-frozen:
		case <-c.gone:
			return waited, net.ErrClosed
		}
	}
}

// Read reads, but not while the router is frozen.
func (c *conn) Read(b []byte) (int, error) {
	if waited, err := c.thawed(); err != nil {
		return 0, err
	} else if waited {
		c.renew(&c.reads, c.Conn.SetReadDeadline)
	}
	n, err := c.Conn.Read(b)
	if _, frozen := c.thawed(); frozen != nil {
		return 0, frozen
	}
	if c.echo != nil {
		c.echo.read(b[:n])
	}
	return n, err
}

// Write sends whole messages, or does what is wrong.
func (c *conn) Write(b []byte) (int, error) {
	if c.echo != nil {
		out, err := c.echo.write(b)
		if err != nil {
			return 0, err
		}
		if _, err := c.spoil(out); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return c.spoil(b)
}

func (c *conn) spoil(b []byte) (int, error) {
	c.router.mu.Lock()
	fault := c.router.link
	c.router.mu.Unlock()
	if fault.delay > 0 {
		t := time.NewTimer(fault.delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.gone:
			return 0, net.ErrClosed
		}
	}
	waited, err := c.thawed()
	if err != nil {
		return 0, err
	}
	if waited || fault.delay > 0 {
		c.renew(&c.writes, c.Conn.SetWriteDeadline)
	}
	switch {
	case fault.drop:
		return len(b), nil
	case fault.garbage:
		n := make([]byte, len(b))
		for i := range n {
			n[i] = ^b[i]
		}
		return c.Conn.Write(n)
	}
	return c.Conn.Write(b)
}

// SetReadDeadline and SetWriteDeadline note how long they give: a fault that
// holds something up takes nothing of it.
func (c *conn) SetReadDeadline(t time.Time) error {
	return c.deadline(t, &c.reads, c.Conn.SetReadDeadline)
}

// SetWriteDeadline is like SetReadDeadline.
func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.deadline(t, &c.writes, c.Conn.SetWriteDeadline)
}

func (c *conn) deadline(t time.Time, span *time.Duration, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	*span = 0
	if !t.IsZero() {
		*span = max(time.Until(t), 1)
	}
	return set(t)
}

func (c *conn) renew(span *time.Duration, set func(time.Time) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *span > 0 {
		_ = set(time.Now().Add(*span))
	}
}

// CloseWrite ends what is sent, where the connection can.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return net.ErrClosed
	}
	if _, err := c.thawed(); err != nil {
		return err
	}
	return half.CloseWrite()
}

// Close closes the connection, and what waits in it. That of a frozen router
// stays open, as far as the client can tell, until the router wakes.
func (c *conn) Close() error {
	first := false
	c.once.Do(func() { close(c.gone); first = true })
	if first && c.router.postpone(c) {
		return c.raw.SetReadDeadline(time.Unix(1, 0)) // whoever reads comes back
	}
	return c.Conn.Close()
}

// cut breaks the connection without a word.
func (c *conn) cut() {
	c.once.Do(func() { close(c.gone) })
	_ = c.raw.Close()
}

// echo has SetDate repeat the version in the client's GetDate, as i2pd did up to
// 2.45 (I2CPSession::GetDateMessageHandler).
type echo struct {
	mu      sync.Mutex
	in      []byte // up to the end of GetDate; the protocol byte comes first
	version string
	known   bool
	done    bool
}

const frameHead = 5 // length and type

// read sees what the client sends.
func (e *echo) read(b []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known || len(e.in) > i2cp.DefaultMaxFrame {
		return
	}
	e.in = append(e.in, b...)
	if len(e.in) < 1+frameHead {
		return
	}
	frame := e.in[1:]
	size := int(binary.BigEndian.Uint32(frame))
	if len(frame)-frameHead < size {
		return
	}
	var m i2cp.GetDate
	if i2cp.Type(frame[4]) == i2cp.TypeGetDate && m.Parse(frame[frameHead:frameHead+size]) == nil {
		e.version = m.Version
	}
	e.in, e.known = nil, true
}

// write returns what is sent in place of b, which begins with SetDate if it is
// the first.
func (e *echo) write(b []byte) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.done || !e.known || len(b) < frameHead || i2cp.Type(b[4]) != i2cp.TypeSetDate {
		return b, nil
	}
	e.done = true
	size := int(binary.BigEndian.Uint32(b))
	var m i2cp.SetDate
	if err := m.Parse(b[frameHead : frameHead+size]); err != nil {
		return nil, err
	}
	m.Version = e.version
	out, err := i2cp.AppendFrame(nil, &m, i2cp.DefaultMaxFrame)
	return append(out, b[frameHead+size:]...), err
}
