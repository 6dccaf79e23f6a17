package i2cp

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"multihome.i2p/i2cp/wire"
)

// A Session is one Destination's session on a connection. Its methods may be
// called from several goroutines.
//
// Whoever opens a session takes its messages, from Messages or by Handle, quickly:
// while its queue is full nothing is read from the connection, so no call is answered
// either, and a lease request waits (i2pd ends a session that lets one wait for
// 10 s). [Config].DropWhenFull gives up payloads instead.
type Session struct {
	conn    *Conn
	id      uint16
	dest    []byte
	keys    *wire.PrivateKeyFile // nil in a frontend
	managed bool
	open    OpenStatus // of a managed session

	once  sync.Once
	inbox inbox
	done  chan struct{} // closed when the session has ended
	err   error         // set before done is closed

	nonce    atomic.Uint32
	compress atomic.Bool
	dropped  atomic.Uint64

	mu      sync.Mutex
	pending map[uint32]pending // requests of the extension without a final answer; nil before the first
	late    []uint32           // builds that timed out and may yet succeed, lateMax at the most
	lateAt  int
}

// pending is what is known of a request that waits for its answer.
type pending struct {
	want Type // of the answer
}

// lateMax is how many builds that timed out are remembered.
const lateMax = 256

func newSession(c *Conn, id uint16, dest []byte) *Session {
	s := &Session{
		conn: c, id: id, dest: dest,
		done: make(chan struct{}),
	}
	s.compress.Store(c.compress)
	return s
}

// option takes over the options that are the client's business.
func (s *Session) option(options map[string]string) {
	if v, ok := options[optionGzip]; ok {
		s.compress.Store(strings.EqualFold(v, "true"))
	}
}

// ID returns the router's number of the session.
func (s *Session) ID() uint16 { return s.id }

// Conn returns the connection that the session is on.
func (s *Session) Conn() *Conn { return s.conn }

// Destination returns the session's Destination, nil in a frontend, which need
// not know it.
func (s *Session) Destination() []byte { return s.dest }

// Managed reports whether it was opened by OpenSession or Attach.
func (s *Session) Managed() bool { return s.managed }

// OpenStatus returns the router's answer to OpenSession or Attach: the grace
// period granted, and the token for frontends.
func (s *Session) OpenStatus() OpenStatus { return s.open }

// Dropped returns how many payloads were dropped for want of room in the queue;
// see [Config].DropWhenFull.
func (s *Session) Dropped() uint64 { return s.dropped.Load() }

// Err returns why the session ended, nil while it has not.
func (s *Session) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// end ends the session, once.
func (s *Session) end(err error) {
	s.once.Do(func() {
		s.err = err
		close(s.done) // a delivery that waits for room gives up
		s.inbox.close()
	})
}

// isPacket reports whether m came in from the network, from where things get lost
// anyway.
func isPacket(m Message) bool {
	switch m.(type) {
	case *MessagePayload, *PacketReceived, *GarlicUp:
		return true
	}
	return false
}

// CreateSession opens a session for the Destination in keys: the primary one,
// or a subsession where there is one already. The router answers at once; it
// asks for a LeaseSet by RequestVariableLeaseSet when it has tunnels.
//
// Of the options, i2cp.gzip (true or false) also says whether SendMessage
// compresses; all go to the router, which ignores what it does not know.
//
// A refusal is a *StatusError, but Java routers (2.8.0) disconnect where they
// refuse: then it is a *ConnError with their reason. They also want subsessions to
// have the encryption key of the primary session's Destination.
func (c *Conn) CreateSession(ctx context.Context, keys wire.PrivateKeyFile, options map[string]string) (*Session, error) {
	config, err := c.signConfig(keys, options)
	if err != nil {
		return nil, err
	}
	s := newSession(c, NoSession, config.Destination)
	s.keys = &keys
	s.option(options)
	state, err := c.statusCall(ctx, s, &CreateSession{Config: config})
	if err != nil {
		return nil, err
	}
	if state != SessionCreated {
		return nil, &StatusError{state}
	}
	return s, nil
}

// signConfig is SignConfig by the router's clock. Signing takes several kB of stack,
// which a caller that then waits for the router would keep: it has a goroutine of its
// own.
func (c *Conn) signConfig(keys wire.PrivateKeyFile, options map[string]string) (config SessionConfig, err error) {
	now := time.Now().Add(c.ClockOffset())
	done := make(chan struct{})
	go func() {
		defer close(done)
		config, err = SignConfig(keys, options, now)
	}()
	<-done
	return config, err
}

// Reconfigure changes options of the session, tunnel options above all.
func (s *Session) Reconfigure(ctx context.Context, options map[string]string) error {
	if s.keys == nil {
		return ErrUnexpected
	}
	config, err := s.conn.signConfig(*s.keys, options)
	if err != nil {
		return err
	}
	state, err := s.conn.statusCall(ctx, s, &ReconfigureSession{Session: s.id, Config: config})
	if err != nil {
		return err
	}
	if state != SessionUpdated {
		return &StatusError{state}
	}
	s.option(options)
	return nil
}

// Close destroys the session and what it holds at the router. A Java router does
// not answer: it closes the connection if the session was its last one, and is
// silent otherwise. So Close waits for nothing; the connection stays.
func (s *Session) Close(ctx context.Context) error {
	s.conn.mu.Lock()
	if s.conn.sessions[s.id] != s {
		s.conn.mu.Unlock()
		return s.Err() // has ended already
	}
	delete(s.conn.sessions, s.id)
	s.conn.closeLocked(s.id)
	s.conn.mu.Unlock()
	s.end(ErrClosed)
	return s.conn.link.send(ctx, &DestroySession{Session: s.id})
}

// statusCall sends a message that a SessionStatus answers, and waits for it. One
// is under way at a time.
func (c *Conn) statusCall(ctx context.Context, s *Session, m Message) (SessionState, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.link.done:
		return 0, c.link.ended()
	}
	call := &statusCall{kind: m.Type(), session: s, reply: make(chan SessionState, 1)}
	c.mu.Lock()
	if m.Type() == TypeCreateSession && len(c.sessions) >= MaxSessions {
		c.mu.Unlock()
		<-c.turn
		return 0, ErrTooMany
	}
	c.status = call
	c.mu.Unlock()
	if err := c.link.sendMarked(ctx, m, &call.sent); err != nil {
		c.mu.Lock()
		c.status = nil
		c.mu.Unlock()
		<-c.turn
		return 0, err
	}
	select {
	case r := <-call.reply:
		return r, nil
	case <-ctx.Done():
		// The answer is still due, and keeps the turn until it comes.
		c.mu.Lock()
		call.abandoned = true
		c.mu.Unlock()
		return 0, ctx.Err()
	case <-c.link.done:
		select {
		case r := <-call.reply: // came before the end
			return r, nil
		default:
			return 0, c.link.ended()
		}
	}
}

func (c *Conn) onSessionStatus(m *SessionStatus) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Status == SessionDestroyed {
		if s := c.sessions[m.Session]; s != nil {
			delete(c.sessions, m.Session)
			c.closeLocked(m.Session)
			s.end(&StatusError{m.Status})
			return nil
		}
		if c.closed[m.Session] {
			return nil
		}
		return ErrSession
	}
	call := c.status
	if call == nil || !call.sent.Load() {
		return ErrUnexpected
	}
	switch {
	case m.Status == SessionCreated && call.kind == TypeCreateSession:
		if m.Session == NoSession || c.sessions[m.Session] != nil {
			return ErrSession
		}
		if call.abandoned {
			c.closeLocked(m.Session)
			_ = c.link.trySend(&DestroySession{Session: m.Session})
			break
		}
		call.session.id = m.Session
		delete(c.closed, m.Session)
		c.sessions[m.Session] = call.session
	case m.Status == SessionUpdated && call.kind == TypeReconfigureSession && m.Session != call.session.id:
		return ErrSession
	case m.Status == SessionCreated, m.Status == SessionUpdated && call.kind != TypeReconfigureSession:
		return ErrUnexpected
	}
	c.status = nil
	<-c.turn
	call.reply <- m.Status
	return nil
}

// OpenSession opens a managed session (docs/i2cp-p140.md): the router builds
// what it is told to and never asks for a LeaseSet.
func (c *Conn) OpenSession(ctx context.Context, keys wire.PrivateKeyFile, options map[string]string, flags OpenFlags, grace time.Duration) (*Session, error) {
	if c.extension == 0 {
		return nil, ErrStock
	}
	with := map[string]string{optionNonce: c.nonce}
	for k, v := range options {
		with[k] = v
	}
	config, err := c.signConfig(keys, with)
	if err != nil {
		return nil, err
	}
	id, k, err := c.newCall(TypeOpenStatus)
	if err != nil {
		return nil, err
	}
	s := newSession(c, NoSession, config.Destination)
	s.keys, s.managed = &keys, true
	s.option(options)
	return c.openCall(ctx, id, k, s, &OpenSession{Request: id, Flags: flags, Grace: uint32(grace / time.Second), Config: config})
}

// Attach joins the session that gave out token, as a frontend.
func (c *Conn) Attach(ctx context.Context, token Token, name string) (*Session, error) {
	if c.extension == 0 {
		return nil, ErrStock
	}
	id, k, err := c.newCall(TypeOpenStatus)
	if err != nil {
		return nil, err
	}
	s := newSession(c, NoSession, nil)
	s.managed = true
	return c.openCall(ctx, id, k, s, &Attach{Request: id, Token: token, Name: name})
}

// openCall registers s under the id in the answer before the next message is
// read: that may be for it already.
func (c *Conn) openCall(ctx context.Context, id uint32, k *call, s *Session, m Message) (*Session, error) {
	c.mu.Lock()
	k.session = s
	c.mu.Unlock()
	reply, err := c.wait(ctx, id, k, m)
	if err != nil {
		return nil, err
	}
	status := reply.(*OpenStatus)
	if !status.Status.OK() {
		return nil, &OpenError{status.Status}
	}
	return s, nil
}

// opened runs on the reading loop when an OpenStatus answers a call.
func (c *Conn) openedLocked(s *Session, m *OpenStatus) error {
	if !m.Status.OK() {
		return nil
	}
	if m.Session == NoSession || c.sessions[m.Session] != nil {
		return ErrSession
	}
	s.id, s.open = m.Session, *m
	delete(c.closed, m.Session)
	c.sessions[m.Session] = s
	return nil
}

// onLost ends a session that another connection took over.
func (c *Conn) onLost(m *OpenStatus) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sessions[m.Session]
	switch {
	case m.Status != OpenLost:
		return ErrUnexpected
	case s == nil && c.closed[m.Session]:
		return nil
	case s == nil:
		return ErrSession
	}
	delete(c.sessions, m.Session)
	c.closeLocked(m.Session)
	s.end(&OpenError{m.Status})
	return nil
}

// An OpenError is a refused OpenSession or Attach, or a session's loss. It wraps
// [ErrRefused].
type OpenError struct{ Status OpenState }

func (e *OpenError) Error() string { return "managed session: " + e.Status.String() }

func (e *OpenError) Unwrap() error { return ErrRefused }

// answers says which message answers a request of the extension.
var answers = map[Type]Type{
	TypeGetFastTier:     TypePeerList,
	TypeCreateTunnel:    TypeTunnelStatus,
	TypeGetTunnelPool:   TypeTunnelList,
	TypePublishLeaseSet: TypePublishStatus,
	TypeLookupLeaseSet:  TypeLookupResult,
}

// Send sends a message of the session, which must bear the session's id; a
// Heartbeat may have NoSession instead. It waits for room until ctx ends. Requests
// of the extension are noted by the id that the caller gave them, which must not
// be 0 nor in use; their answers come through Messages. At most MaxRequests are
// without an answer.
//
// A message that cannot be sent is a *ParseError, and one request too many is
// ErrTooMany: either leaves the session as it was.
func (s *Session) Send(ctx context.Context, m Message) error {
	if err := s.Err(); err != nil {
		return err
	}
	t := m.Type()
	switch {
	case specs[t].way&toRouter == 0 || notOfSessions[t]:
		return &ParseError{Type: t, Err: ErrUnexpected}
	case t.Extension() && !s.managed:
		return &ParseError{Type: t, Err: ErrStock}
	}
	if want, ok := answers[t]; ok {
		id := requestOf(m)
		s.mu.Lock()
		_, used := s.pending[id]
		full := len(s.pending) >= s.conn.link.limits.MaxRequests
		if id != 0 && !used && !full {
			if s.pending == nil {
				s.pending = make(map[uint32]pending)
			}
			s.pending[id] = pending{want}
		}
		s.mu.Unlock()
		switch {
		case full:
			return ErrTooMany
		case id == 0 || used:
			return &ParseError{Type: t, Field: "request", Err: ErrValue}
		}
		if err := s.conn.link.sendIn(ctx, s.id, m); err != nil {
			s.mu.Lock()
			delete(s.pending, id)
			s.mu.Unlock()
			return err
		}
		return nil
	}
	return s.conn.link.sendIn(ctx, s.id, m)
}

// notOfSessions are messages to the router that belong to the connection, or
// whose answers the connection matches.
var notOfSessions = [256]bool{
	TypeGetDate: true, TypeDisconnect: true, TypeReportAbuse: true, TypeCreateSession: true, TypeReconfigureSession: true,
	TypeDestroySession: true, TypeGetBandwidthLimits: true, TypeDestLookup: true, TypeHostLookup: true,
	TypeGetCapabilities: true, TypeOpenSession: true, TypeAttach: true,
}

// requestOf returns the request id of a request that has an answer.
func requestOf(m Message) uint32 {
	switch m := m.(type) {
	case *GetFastTier:
		return m.Request
	case *CreateTunnel:
		return m.Request
	case *GetTunnelPool:
		return m.Request
	case *PublishLeaseSet:
		return m.Request
	case *LookupLeaseSet:
		return m.Request
	}
	return 0
}

// expect checks a message from the router against what was asked: an answer
// that was replayed, or never asked for, is a fault.
func (s *Session) expect(m Message) error {
	var id uint32
	last := true
	switch m := m.(type) {
	case *PeerList:
		id, last = m.Request, m.Flags&ListMore == 0
	case *TunnelList:
		id, last = m.Request, m.Flags&ListMore == 0
	case *TunnelStatus:
		if m.Late {
			return s.expectLate(m)
		}
		id = m.Request
		if m.Result == ResultTimeout {
			if len(s.late) < lateMax {
				s.late = append(s.late, 0)
			}
			s.late[s.lateAt] = id
			s.lateAt = (s.lateAt + 1) % lateMax
		}
	case *PublishStatus:
		id, last = m.Request, m.Final
	case *LookupResult:
		id = m.Request
	case *RequestError:
		if _, tracked := answers[m.Refused]; !tracked {
			if specs[m.Refused].way&toRouter == 0 {
				return ErrUnexpected
			}
			return nil
		}
		return s.settle(m.Request, answers[m.Refused], true)
	case *PacketReceived, *SendStatus, *TunnelExpired, *AckRelayed, *GarlicUp, *FloodfillsNoted:
		if !s.managed {
			return ErrUnexpected
		}
		return nil
	case *RequestVariableLeaseSet, *RequestLeaseSet, *MessagePayload, *MessageStatus:
		if s.managed {
			return ErrUnexpected
		}
		return nil
	default:
		return nil
	}
	return s.settle(id, m.Type(), last)
}

// settle notes an answer of type t to the request id, the last one or not.
func (s *Session) settle(id uint32, t Type, last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pending[id]
	if !ok || p.want != t {
		return ErrUnexpected
	}
	if last {
		delete(s.pending, id)
	}
	return nil
}

// expectLate accepts one late success of each build that timed out. s.late
// belongs to the reading loop.
func (s *Session) expectLate(m *TunnelStatus) error {
	for i, id := range s.late {
		if id != 0 && id == m.Request && m.Result == ResultOK {
			s.late[i] = 0
			return nil
		}
	}
	return ErrUnexpected
}

// SendMessage sends data to a Destination in the payload wrapper, compressed if
// the session's option i2cp.gzip or [Config].Compress says so, and returns the
// nonce that MessageStatus will name. Reliable false asks for none, by nonce 0.
func (s *Session) SendMessage(ctx context.Context, dest []byte, info PayloadInfo, data []byte, reliable bool) (uint32, error) {
	var nonce uint32
	for reliable && nonce == 0 {
		nonce = s.nonce.Add(1)
	}
	b := payloads.Get().(*[]byte)
	defer payloads.Put(b)
	if s.compress.Load() {
		*b = AppendCompressedPayload((*b)[:0], info, data)
	} else {
		*b = AppendPayload((*b)[:0], info, data)
	}
	return nonce, s.Send(ctx, &SendMessage{Session: s.id, Destination: dest, Payload: *b, Nonce: nonce})
}

var payloads = sync.Pool{New: func() any { return new([]byte) }}

// CreateLeaseSet2 gives a stock router's session its signed LeaseSet, with the
// private key of each of its encryption keys in their order.
func (s *Session) CreateLeaseSet2(ctx context.Context, t wire.StoreType, leaseSet []byte, keys []PrivateKey) error {
	return s.Send(ctx, &CreateLeaseSet2{Session: s.id, StoreType: t, LeaseSet: leaseSet, Keys: keys})
}
