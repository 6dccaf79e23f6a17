package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/datagram"
	"multihome.i2p/i2cp/wire"
)

// A tap lies between the service and the I2CP port of one of its routers, and
// reads along: which router a client's message came through is told by nobody
// else. It can also stop to pass anything on, as a network does that has lost
// its link.
type tap struct {
	rig    *rig
	router string
	to     string // the router's I2CP port
	ln     net.Listener

	mu   sync.Mutex
	open chan struct{} // closed while it passes things on
}

// newTap returns a tap that serves until the rig ends.
func newTap(r *rig, router, to string) (*tap, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tap{rig: r, router: router, to: to, ln: ln, open: make(chan struct{})}
	close(t.open)
	go t.serve()
	return t, nil
}

func (t *tap) address() string { return t.ln.Addr().String() }

// hold has nothing pass until release.
func (t *tap) hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = make(chan struct{})
}

func (t *tap) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.open)
}

func (t *tap) pass() {
	t.mu.Lock()
	open := t.open
	t.mu.Unlock()
	<-open
}

func (t *tap) serve() {
	for {
		c, err := t.ln.Accept()
		if err != nil {
			return
		}
		go t.relay(c)
	}
}

// relay passes a connection on, and ends both sides when one does.
func (t *tap) relay(service net.Conn) {
	defer func() { _ = service.Close() }()
	t.pass()
	router, err := net.DialTimeout("tcp", t.to, 5*time.Second)
	if err != nil {
		return
	}
	defer func() { _ = router.Close() }()
	s := &tapped{tap: t}
	ended := make(chan struct{}, 2)
	go func() {
		s.pump(router, service, true, s.sent)
		ended <- struct{}{}
	}()
	go func() {
		s.pump(service, router, false, s.came)
		ended <- struct{}{}
	}()
	<-ended
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arm != "" {
		t.rig.out.write(&Record{Kind: KindLost, Arm: s.arm, Router: t.router})
	}
}

// tapped is one connection.
type tapped struct {
	*tap
	mu      sync.Mutex
	arm     string // whose session it has
	tunnels map[wire.TunnelID]bool
}

// pump passes messages on, and shows them to look after.
func (s *tapped) pump(to io.Writer, from io.Reader, client bool, look func(i2cp.Type, []byte)) {
	in := bufio.NewReaderSize(from, 1<<16)
	if client {
		first, err := in.ReadByte()
		if err != nil {
			return
		}
		if _, err := to.Write([]byte{first}); err != nil {
			return
		}
	}
	const header = 5
	frame := make([]byte, header, 4096)
	for {
		frame = frame[:header]
		if _, err := io.ReadFull(in, frame); err != nil {
			return
		}
		n := binary.BigEndian.Uint32(frame)
		if n > i2cp.MaxFrame {
			return
		}
		frame = append(frame, make([]byte, n)...)
		if _, err := io.ReadFull(in, frame[header:]); err != nil {
			return
		}
		s.pass()
		if _, err := to.Write(frame); err != nil {
			return
		}
		look(i2cp.Type(frame[4]), frame[header:])
	}
}

// came looks at what the router says.
func (s *tapped) came(kind i2cp.Type, body []byte) {
	switch kind {
	case i2cp.TypeMessagePayload:
		var m i2cp.MessagePayload
		if m.Parse(body) != nil {
			return
		}
		info, data, err := i2cp.ParsePayload(nil, m.Payload, 1<<16)
		if err != nil || info.Protocol != i2cp.ProtocolDatagram {
			return
		}
		if g, err := datagram.Parse(data); err == nil && len(g.Payload) >= 8 {
			s.rig.arrived(s.router, g.From.Hash(), len(g.Payload), binary.BigEndian.Uint64(g.Payload))
		}
	case i2cp.TypeRequestVariableLeaseSet:
		var m i2cp.RequestVariableLeaseSet
		if m.Parse(body) != nil {
			return
		}
		s.mu.Lock()
		fresh, now := 0, make(map[wire.TunnelID]bool)
		for _, l := range m.Leases {
			now[l.Tunnel] = true
			if !s.tunnels[l.Tunnel] {
				fresh++
			}
		}
		s.tunnels = now
		arm := s.arm
		s.mu.Unlock()
		s.rig.out.write(&Record{Kind: KindRequest, Arm: arm, Router: s.router, N: len(m.Leases), New: fresh})
	}
}

// sent looks at what the service says.
func (s *tapped) sent(kind i2cp.Type, body []byte) {
	switch kind {
	case i2cp.TypeCreateSession:
		d, _, err := wire.ParseDestination(body)
		if err != nil {
			return
		}
		// A Destination that is none of ours is a trial of what kind of router it is.
		arm := s.rig.armOf(d.Hash())
		if arm == "" {
			return
		}
		s.mu.Lock()
		s.arm, s.tunnels = arm, nil
		s.mu.Unlock()
		s.rig.out.write(&Record{Kind: KindSession, Arm: arm, Router: s.router})
	case i2cp.TypeCreateLeaseSet2:
		var m i2cp.CreateLeaseSet2
		if m.Parse(body) != nil {
			return
		}
		ls, _, err := wire.ParseLeaseSet2(m.LeaseSet)
		if err != nil {
			return
		}
		s.mu.Lock()
		arm := s.arm
		s.mu.Unlock()
		s.rig.out.write(&Record{Kind: KindGiven, Arm: arm, Router: s.router, N: len(ls.Leases)})
	case i2cp.TypeSendMessage, i2cp.TypeSendMessageExpires:
		var to, payload []byte
		if kind == i2cp.TypeSendMessage {
			var m i2cp.SendMessage
			if m.Parse(body) != nil {
				return
			}
			to, payload = m.Destination, m.Payload
		} else {
			var m i2cp.SendMessageExpires
			if m.Parse(body) != nil {
				return
			}
			to, payload = m.Destination, m.Payload
		}
		info, _, err := i2cp.ParsePayload(nil, payload, 1<<16)
		if err != nil || info.Protocol != i2cp.ProtocolRaw {
			return
		}
		d, _, err := wire.ParseDestination(to)
		if err != nil {
			return
		}
		s.mu.Lock()
		arm := s.arm
		s.mu.Unlock()
		s.rig.out.write(&Record{Kind: KindGreet, Arm: arm, Router: s.router, Client: s.rig.clientOf(d.Hash())})
	}
}
