package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/datagram"
)

// A target is the service behind a Destination.
type target interface {
	// receive takes a message; data is good during the call only. from is nil
	// where nobody knows whose it is (raw datagrams).
	receive(from *client, info i2cp.PayloadInfo, data []byte)
	close()
}

// newTarget makes the target that a configuration names.
func newTarget(name string, d *destination) (target, error) {
	switch {
	case name == "echo":
		return echo{d}, nil
	case strings.HasPrefix(name, "udp://"):
		addr, err := net.ResolveUDPAddr("udp", strings.TrimPrefix(name, "udp://"))
		if err != nil {
			return nil, fmt.Errorf("target %q: %w", name, err)
		}
		return &udp{d: d, to: addr, flows: make(map[*client]*flow)}, nil
	}
	return nil, fmt.Errorf("target %q is neither \"echo\" nor \"udp://host:port\"", name)
}

// echo answers every repliable datagram with its own payload.
type echo struct{ d *destination }

func (e echo) receive(from *client, info i2cp.PayloadInfo, data []byte) {
	if from == nil {
		return
	}
	info.FromPort, info.ToPort = info.ToPort, info.FromPort
	e.d.send(from, info, data)
}

func (echo) close() {}

const (
	flowIdle = 5 * time.Minute
	flowsMax = 4096
)

// udp passes repliable datagrams on to a UDP service, each client through a
// socket of its own, and what comes back to the client. Raw datagrams, whose
// sender nobody knows, go through one socket that takes no answers.
type udp struct {
	d  *destination
	to *net.UDPAddr

	mu     sync.Mutex
	flows  map[*client]*flow
	raw    *net.UDPConn
	closed bool
}

// flow is a client's socket.
type flow struct {
	conn *net.UDPConn
	info i2cp.PayloadInfo // of what goes to the client
}

func (u *udp) receive(from *client, info i2cp.PayloadInfo, data []byte) {
	conn := u.socket(from, info)
	if conn == nil {
		u.d.dropped.Add(1)
		return
	}
	if _, err := conn.Write(data); err != nil {
		u.d.dropped.Add(1)
	}
}

func (u *udp) socket(from *client, info i2cp.PayloadInfo) *net.UDPConn {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return nil
	}
	if from == nil {
		if u.raw == nil {
			u.raw, _ = net.DialUDP("udp", nil, u.to)
		}
		return u.raw
	}
	info.FromPort, info.ToPort = info.ToPort, info.FromPort
	if f := u.flows[from]; f != nil {
		f.info = info
		_ = f.conn.SetReadDeadline(time.Now().Add(flowIdle))
		return f.conn
	}
	if len(u.flows) >= flowsMax {
		return nil
	}
	conn, err := net.DialUDP("udp", nil, u.to)
	if err != nil {
		return nil
	}
	_ = conn.SetReadDeadline(time.Now().Add(flowIdle))
	f := &flow{conn, info}
	u.flows[from] = f
	go u.back(from, f)
	return conn
}

// back carries the service's answers until the flow is idle.
func (u *udp) back(to *client, f *flow) {
	buf := make([]byte, datagram.MaxPayload+1)
	for {
		n, err := f.conn.Read(buf)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || u.isClosed() {
				break
			}
			continue // refused: the service is not there yet
		}
		u.mu.Lock()
		info := f.info
		u.mu.Unlock()
		u.d.send(to, info, buf[:n])
	}
	_ = f.conn.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.flows[to] == f {
		delete(u.flows, to)
	}
}

func (u *udp) isClosed() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.closed
}

func (u *udp) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	if u.raw != nil {
		_ = u.raw.Close()
	}
	for _, f := range u.flows {
		_ = f.conn.Close()
	}
}

// send sends data to a client through its carrier, as a repliable datagram. It
// waits while the router takes no more.
func (d *destination) send(to *client, info i2cp.PayloadInfo, data []byte) {
	info.Protocol = i2cp.ProtocolDatagram
	b, err := datagram.Append(make([]byte, 0, 512+len(data)), d.signer.keys.Destination, d.signer.sign, data)
	if err != nil {
		d.dropped.Add(1)
		return
	}
	l := d.carrier(to)
	if l == nil || l.send(d.ctx, to, info, b) != nil {
		d.dropped.Add(1)
		return
	}
	d.sent.Add(1)
}

// carrier is the link that what goes to a client goes through, nil if there is
// none.
func (d *destination) carrier(c *client) *link {
	if l := d.link(balancer.RouterID(c.carrier.Load())); l != nil && l.session.Load() != nil {
		return l
	}
	for i := range d.slots {
		if l := d.slots[i].Load(); l != nil && l.session.Load() != nil {
			return l
		}
	}
	return nil
}

// greet sends a client a message that means nothing, so that it gets to know the
// router that it comes from.
func (l *link) greet(ctx context.Context, to *client) error {
	return l.send(ctx, to, i2cp.PayloadInfo{Protocol: i2cp.ProtocolRaw}, nil)
}
