// Package ping is a client of a service that echoes datagrams: it sends one after
// the other through one stock router, and tells which were answered, and when. It
// is how a live balancer is watched from outside.
package ping

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/datagram"
	"multihome.i2p/i2cp/wire"
)

// Config says who pings whom.
type Config struct {
	// Router is the host:port of the I2CP port to send through.
	Router string
	// To is the service's Destination.
	To wire.Destination
	// Every is the time between two datagrams (1 s), Timeout how long an answer
	// is waited for (30 s).
	Every, Timeout time.Duration
	// Size is the length of a payload in bytes, at least 16 (100).
	Size int
	// Hops is the length of the client's tunnels (1).
	Hops int
	// Options are further options of the session.
	Options map[string]string
	// Unpublished keeps the client out of the netDb, as most clients are: only who
	// hears from it can write to it.
	Unpublished bool
	// Opened, if not nil, is told who the client is, before it sends anything.
	Opened func(wire.Destination)
	// Done is told of each datagram, when it was answered or has timed out, from
	// one goroutine.
	Done func(Result)
}

// Result is what became of one datagram.
type Result struct {
	Seq  uint64 // from 1
	Sent time.Time
	// RTT is the time to its answer; 0: there was none within the timeout.
	RTT time.Duration
}

type pinger struct {
	cfg  Config
	keys wire.PrivateKeyFile
	sign wire.SigningPrivateKey
	enc  *ecdh.PrivateKey
	conn *i2cp.Conn
	s    *i2cp.Session

	ready     chan struct{}
	readyOnce sync.Once
	answers   chan uint64

	mu        sync.Mutex // of what follows
	published wire.Seconds
	asked     *i2cp.RequestVariableLeaseSet
}

// Run pings until ctx ends or the router is lost. After ctx has ended no more is
// sent, but what is under way is waited for.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Every == 0 {
		cfg.Every = time.Second
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	if cfg.Size == 0 {
		cfg.Size = 100
	}
	if cfg.Hops == 0 {
		cfg.Hops = 1
	}
	p := &pinger{cfg: cfg, ready: make(chan struct{}), answers: make(chan uint64, 1024)}
	if err := p.open(ctx); err != nil {
		return fmt.Errorf("ping through %s: %w", cfg.Router, err)
	}
	defer func() { _ = p.conn.Close() }()
	if cfg.Opened != nil {
		cfg.Opened(p.keys.Destination)
	}
	go p.read()
	select {
	case <-p.ready:
	case <-p.conn.Done():
		return p.conn.Err()
	case <-ctx.Done():
		return nil
	}
	if !cfg.Unpublished {
		if err := p.publish(ctx); err != nil {
			return err
		}
	}
	// The service is looked up first, as programs do with a name. A router that is
	// given messages for a Destination which it does not know keeps them, and sends
	// all at once when it does: each opens a session of its own, through whatever
	// lease, and i2pd can read the answer to the last one only.
	if err := p.find(ctx, cfg.To.Hash(), nil); err != nil {
		return err
	}
	return p.loop(ctx)
}

// publish waits until our own LeaseSet is in the netDb. i2pd 2.45.1 drops what it
// is given before it has an outbound tunnel, so it is given again.
func (p *pinger) publish(ctx context.Context) error {
	return p.find(ctx, p.keys.Destination.Hash(), func() error {
		p.mu.Lock()
		m := p.asked
		p.mu.Unlock()
		return p.give(m)
	})
}

// find waits until the netDb has a LeaseSet, or ctx ends; each time it does not,
// missed is called.
func (p *pinger) find(ctx context.Context, h wire.Hash, missed func() error) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		_, err := p.conn.HostLookup(ctx, i2cp.HostLookup{Kind: i2cp.LookupHash, Hash: h})
		var missing *i2cp.LookupError
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &missing):
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if missed != nil {
			if err := missed(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.conn.Done():
			return p.conn.Err()
		case <-tick.C:
		}
	}
}

func (p *pinger) open(ctx context.Context) error {
	var err error
	if p.keys, err = wire.NewPrivateKeyFile(rand.Reader); err != nil {
		return err
	}
	if p.sign, err = p.keys.Signer(); err != nil {
		return err
	}
	if p.enc, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return err
	}
	if p.conn, err = i2cp.Dial(ctx, p.cfg.Router, i2cp.Config{}); err != nil {
		return err
	}
	hops := fmt.Sprint(p.cfg.Hops)
	options := map[string]string{
		"inbound.length": hops, "outbound.length": hops, "inbound.quantity": "2", "outbound.quantity": "2",
		"i2cp.leaseSetType": "3", "i2cp.leaseSetEncType": "4", "i2cp.fastReceive": "true", "i2cp.messageReliability": "none",
	}
	maps.Copy(options, p.cfg.Options)
	p.s, err = p.conn.CreateSession(ctx, p.keys, options)
	if err == nil && p.cfg.Unpublished {
		// Not in CreateSession, where i2pd 2.58 reads it the other way round.
		err = p.s.Reconfigure(ctx, map[string]string{"i2cp.dontPublishLeaseSet": "true"})
	}
	if err != nil {
		_ = p.conn.Close()
	}
	return err
}

// read answers the router's requests for a LeaseSet, and collects the echoes.
func (p *pinger) read() {
	for m := range p.s.Messages() {
		switch m := m.(type) {
		case *i2cp.RequestVariableLeaseSet:
			if p.give(m) == nil {
				p.readyOnce.Do(func() { close(p.ready) })
			}
		case *i2cp.MessagePayload:
			info, data, err := i2cp.ParsePayload(nil, m.Payload, 1<<16)
			if err != nil || info.Protocol != i2cp.ProtocolDatagram {
				continue
			}
			g, err := datagram.Parse(data)
			if err != nil || g.Verify() != nil || g.From.Hash() != p.cfg.To.Hash() || len(g.Payload) != p.cfg.Size {
				continue
			}
			select {
			case p.answers <- binary.BigEndian.Uint64(g.Payload):
			case <-p.conn.Done():
			}
		}
	}
}

// give makes the LeaseSet that the router asks for. It goes out with our
// datagrams, so that nothing depends on its publication.
func (p *pinger) give(m *i2cp.RequestVariableLeaseSet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = m
	now := max(wire.SecondsOf(time.Now()), p.published+1)
	p.published = now
	ls := wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: p.keys.Destination, Published: now},
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: p.enc.PublicKey().Bytes()}},
	}
	for _, l := range m.Leases {
		end := wire.SecondsOf(l.End.Time())
		ls.Leases = append(ls.Leases, wire.Lease2{Gateway: l.Gateway, Tunnel: l.Tunnel, End: end})
		if end > now {
			ls.Expires = max(ls.Expires, uint16(end-now))
		}
	}
	if err := ls.Sign(p.sign); err != nil {
		return err
	}
	b, err := ls.Append(nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return p.s.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, b, []i2cp.PrivateKey{{Type: wire.EncX25519, Key: p.enc.Bytes()}})
}

func (p *pinger) loop(ctx context.Context) error {
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	var pending []Result // by sequence number, those under way
	var seq uint64
	sending := ctx.Done()
	for {
		select {
		case <-p.conn.Done():
			if err := p.conn.Err(); !errors.Is(err, i2cp.ErrClosed) {
				return err
			}
			return nil
		case <-sending:
			sending = nil
		case n := <-p.answers:
			for i := range pending {
				if pending[i].Seq == n {
					pending[i].RTT = time.Since(pending[i].Sent)
					p.cfg.Done(pending[i])
					pending = append(pending[:i], pending[i+1:]...)
					break
				}
			}
		case <-tick.C:
			for len(pending) > 0 && time.Since(pending[0].Sent) > p.cfg.Timeout {
				p.cfg.Done(pending[0])
				pending = pending[1:]
			}
			if ctx.Err() != nil {
				if len(pending) == 0 {
					return nil
				}
				continue
			}
			seq++
			if err := p.send(seq); err != nil {
				return err
			}
			pending = append(pending, Result{Seq: seq, Sent: time.Now()})
		}
	}
}

func (p *pinger) send(seq uint64) error {
	payload := make([]byte, p.cfg.Size)
	binary.BigEndian.PutUint64(payload, seq)
	b, err := datagram.Append(nil, p.keys.Destination, p.sign, payload)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = p.s.SendMessage(ctx, p.cfg.To.Bytes(), i2cp.PayloadInfo{Protocol: i2cp.ProtocolDatagram}, b, false)
	return err
}
