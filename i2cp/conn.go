package i2cp

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"multihome.i2p/i2cp/wire"
)

// APIVersion is the version of I2CP that a client claims unless configured
// otherwise: that of the specification this package follows.
const APIVersion = "0.9.67"

// Config says how to connect to a router.
type Config struct {
	// Version is the API version to claim (APIVersion).
	Version string
	// Username and Password, where the router wants them. They travel in the
	// clear unless TLS is used.
	Username, Password string
	// TLS, if not nil, has Dial speak TLS. Routers sign their own
	// certificates: RootCAs should hold the router's.
	TLS *tls.Config
	// Extension offers the Proposal 140 extension; [Conn.Extension] tells
	// whether the router took it. A stock router ignores the offer.
	Extension bool
	// Compress has [Session.SendMessage] compress, where a session's options do
	// not say otherwise by i2cp.gzip. Other than in Java I2P the default is not
	// to: see [AppendPayload].
	Compress bool
	// DropWhenFull drops a payload for which its session's queue has no room,
	// rather than read nothing more until there is some: then a client that is
	// slow to take payloads does not keep lease requests and answers waiting.
	// [Session.Dropped] counts them. A quarter of the queue is kept for other
	// messages, which are never dropped.
	DropWhenFull bool
	Limits       Limits
}

// MaxSessions is how many sessions one connection has at most: a primary session
// and its subsessions, as in Java I2P.
const MaxSessions = 5

// A Conn is a client's connection to a router. Its methods may be called from
// several goroutines. One of its own goroutines reads, and another one writes while
// there is something to write; both have ended when Close returns.
type Conn struct {
	link         *link
	compress     bool // of the Config
	dropWhenFull bool

	version   string // of the router; "" before 0.8.7
	extension int    // version agreed on, 0 for none
	nonce     string

	// turn holds a token while a CreateSession, ReconfigureSession or
	// DestroySession waits for its SessionStatus: nothing in the answer tells
	// which of them it answers.
	turn chan struct{}

	mu       sync.Mutex
	offset   time.Duration // router's clock minus ours, by the last SetDate
	status   *statusCall
	sessions map[uint16]*Session
	// The maps from here on are made when they are needed.
	closed   map[uint16]bool // destroyed here; messages may still be under way
	calls    map[uint32]*call
	request  uint32          // last used for a call
	late     map[uint32]bool // calls given up, whose answers may yet come
	lateUpTo uint32          // answers to calls up to this one, too
	dests    map[wire.Hash][]chan *DestReply
	limits   []*func(*BandwidthLimits)

	slab slab // of the reading loop
}

// A call is a request that waits for its answer.
type call struct {
	want    Type
	reply   chan Message
	session *Session   // that an OpenStatus opens
	hash    *wire.Hash // of the Destination that a HostReply must have, nil if any may come
}

// A statusCall waits for a SessionStatus, or has given up on it.
type statusCall struct {
	kind      Type
	sent      atomic.Bool // no answer may come before
	session   *Session
	reply     chan SessionState // capacity 1
	abandoned bool
}

// Dial connects to a router's I2CP port and shakes hands.
func Dial(ctx context.Context, address string, cfg Config) (*Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cfg.Limits.withDefaults().HandshakeTimeout, ErrHandshake)
	defer cancel()
	var nc net.Conn
	var err error
	if cfg.TLS != nil {
		d := tls.Dialer{Config: cfg.TLS}
		nc, err = d.DialContext(ctx, "tcp", address)
	} else {
		var d net.Dialer
		nc, err = d.DialContext(ctx, "tcp", address)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, &ConnError{Origin: OriginNetwork, Err: err}
	}
	return NewConn(ctx, nc, cfg)
}

// NewConn shakes hands over nc: protocol byte, GetDate with the version, user
// name and password and the offer of the extension, SetDate. It owns nc, and has
// closed it where it fails.
func NewConn(ctx context.Context, nc net.Conn, cfg Config) (*Conn, error) {
	limits := cfg.Limits.withDefaults()
	ctx, cancel := context.WithTimeoutCause(ctx, limits.HandshakeTimeout, ErrHandshake)
	defer cancel()
	c := &Conn{
		link: newLink(nc, limits), turn: make(chan struct{}, 1),
		compress: cfg.Compress, dropWhenFull: cfg.DropWhenFull,
		sessions: make(map[uint16]*Session),
	}
	m, err := cfg.getDate()
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	first, err := AppendFrame([]byte{ProtocolByte}, m, limits.MaxFrame)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	err = c.shake(first, cfg.Extension)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		defer func() { _ = nc.Close() }()
		if ctx.Err() != nil {
			cause := context.Cause(ctx)
			return nil, &ConnError{Origin: OriginLocal, Err: cause}
		}
		e := c.link.connError(0, err)
		if e.Origin == OriginLocal {
			e.tell(nc, limits)
		}
		return nil, e
	}
	c.link.start(c.dispatch, c.end)
	return c, nil
}

// tell writes a Disconnect with a fault that was found before the connection's own
// goroutines run, as far as the peer reads it.
func (e *ConnError) tell(nc net.Conn, limits Limits) {
	var frame []byte
	frame, e.Reason = e.disconnect(nil, limits)
	if nc.SetWriteDeadline(time.Now().Add(limits.CloseTimeout)) == nil {
		_, _ = nc.Write(frame)
	}
}

func (cfg *Config) getDate() (*GetDate, error) {
	m := &GetDate{Version: cfg.Version}
	if m.Version == "" {
		m.Version = APIVersion
	}
	options := make(map[string]string)
	if cfg.Username != "" || cfg.Password != "" {
		options[optionUser] = cfg.Username
		options[optionPassword] = cfg.Password
	}
	if cfg.Extension {
		options[optionExtension] = strconv.Itoa(ExtensionVersion)
	}
	if len(options) == 0 {
		return m, nil
	}
	var err error
	m.HasOptions = true
	m.Options, err = wire.NewMapping(options)
	return m, err
}

// shake writes the first bytes and reads until SetDate.
func (c *Conn) shake(first []byte, offered bool) error {
	if _, err := c.link.nc.Write(first); err != nil {
		return err
	}
	t, body, err := c.link.in.Next()
	if err != nil {
		return err
	}
	switch t {
	case TypeSetDate:
		var m SetDate
		if err := m.Parse(body); err != nil {
			return err
		}
		c.setDate(&m)
		c.version = m.Version
		return c.confirmed(&m, offered)
	case TypeDisconnect:
		return disconnected(body)
	}
	return &ConnError{Origin: OriginLocal, Type: t, Err: ErrUnexpected}
}

// confirmed reads the router's answer to the offer of the extension.
func (c *Conn) confirmed(m *SetDate, offered bool) error {
	if !m.HasOptions {
		return nil
	}
	v, ok := m.Options.Get(optionExtension)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || !offered || n != ExtensionVersion {
		return &ConnError{Origin: OriginLocal, Type: TypeSetDate, Err: ErrUnexpected}
	}
	c.extension = n
	c.nonce, _ = m.Options.Get(optionNonce)
	return nil
}

func disconnected(body []byte) error {
	var m Disconnect
	if err := m.Parse(body); err != nil {
		return err
	}
	e := &ConnError{Origin: OriginPeer, Type: TypeDisconnect, Reason: m.Reason, Err: ErrDisconnected}
	if strings.Contains(strings.ToLower(m.Reason), "authorization") {
		// The one reason with consequences: Java I2P's "Authorization
		// required" and "Authorization failed".
		e.Err = ErrAuth
	}
	return e
}

func (c *Conn) setDate(m *SetDate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(m.Date.Time())
}

// RouterVersion returns the API version that the router claims. i2pd up to 2.45
// claims whatever version the client does.
func (c *Conn) RouterVersion() string { return c.version }

// Extension returns the version of the extension that was agreed on, 0 on a
// stock router.
func (c *Conn) Extension() int { return c.extension }

// ClockOffset returns how far the router's clock is ahead of ours, by the last
// SetDate, give or take the time that it was under way.
func (c *Conn) ClockOffset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// TLS returns the state of a connection that speaks TLS, nil of others.
func (c *Conn) TLS() *tls.ConnectionState {
	t, ok := c.link.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	st := t.ConnectionState()
	return &st
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.link.done }

// Err returns why the connection ended, nil while it has not.
func (c *Conn) Err() error { return c.link.ended() }

// Close tells the router and closes. Its sessions end, but managed ones with a
// grace period live on at the router without a connection: [Session.Close] ends
// those. Close returns when the connection's goroutines have ended, after about
// CloseTimeout at the latest.
func (c *Conn) Close() error {
	c.link.fail(&ConnError{Origin: OriginLocal, Reason: "client closed", Err: ErrClosed})
	c.link.wg.Wait()
	return nil
}

// Abort closes without a word to the router, as a crash does.
func (c *Conn) Abort() {
	c.link.fail(&ConnError{Origin: OriginNetwork, Err: ErrClosed})
	_ = c.link.nc.Close()
	c.link.wg.Wait()
}

// closeLocked notes a session that was destroyed.
func (c *Conn) closeLocked(id uint16) {
	if c.closed == nil {
		c.closed = make(map[uint16]bool)
	}
	c.closed[id] = true
}

// end runs on the reading loop when the connection has ended.
func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.link.ended()
	for id, s := range c.sessions {
		s.end(err)
		delete(c.sessions, id)
	}
}

// plain are the messages that keep nothing of the bytes that they are parsed from.
var plain = [256]bool{
	TypeSessionStatus: true, TypeBandwidthLimits: true, TypeMessageStatus: true, TypeHeartbeatReply: true,
	TypeRequestLeaseSet: true, TypeRequestVariableLeaseSet: true,
}

// dispatch handles one frame from the router.
func (c *Conn) dispatch(t Type, body []byte) error {
	s := &specs[t]
	switch {
	case s.make == nil:
		return &ParseError{Type: t, Err: ErrUnknownType}
	case s.way&toClient == 0:
		return ErrUnexpected
	case t.Extension() && c.extension == 0:
		return ErrStock
	}
	switch t {
	case TypeDisconnect:
		return disconnected(body)
	case TypeSetDate:
		var m SetDate
		if err := m.Parse(body); err != nil {
			return err
		}
		c.setDate(&m)
		return nil
	case TypeReportAbuse:
		return new(ReportAbuse).Parse(body) // "unused, unsupported"
	}
	m := s.make()
	if !plain[t] {
		body = c.slab.copy(body, len(c.link.in.buf))
	}
	if err := m.Parse(body); err != nil {
		return err
	}
	switch m := m.(type) {
	case *SessionStatus:
		return c.onSessionStatus(m)
	case *HostReply:
		return c.answer(m.Request, m)
	case *DestReply:
		return c.onDestReply(m)
	case *BandwidthLimits:
		return c.onBandwidthLimits(m)
	case *CapabilityList:
		if m.Request == 0 {
			return c.toAll(m)
		}
		return c.answer(m.Request, m)
	case *OpenStatus:
		if m.Request == 0 {
			return c.onLost(m)
		}
		return c.answer(m.Request, m)
	case *HeartbeatReply:
		if m.Session == NoSession {
			return c.toAll(m)
		}
	case *RequestError:
		if m.Session == NoSession {
			return c.answer(m.Request, m)
		}
	}
	return c.deliver(sessionOf(body), m)
}

// sessionOf reads the session id that a message begins with.
func sessionOf(body []byte) uint16 { return uint16(body[0])<<8 | uint16(body[1]) }

// deliver hands a message to its session, and waits where the session's queue is
// full.
func (c *Conn) deliver(id uint16, m Message) error {
	c.mu.Lock()
	s, gone := c.sessions[id], c.closed[id]
	c.mu.Unlock()
	if s == nil {
		if gone {
			return nil // was under way when the session was destroyed
		}
		return ErrSession
	}
	if err := s.expect(m); err != nil {
		return err
	}
	s.put(m)
	return nil
}

// toAll hands a message that names no session to all of them.
func (c *Conn) toAll(m Message) error {
	c.mu.Lock()
	ids := make([]uint16, 0, MaxSessions)
	for id := range c.sessions {
		ids = append(ids, id)
	}
	c.mu.Unlock()
	for _, id := range ids {
		switch own := m.(type) { // each receiver's
		case *CapabilityList:
			list := *own
			m = &list
		case *HeartbeatReply:
			reply := *own
			m = &reply
		}
		if err := c.deliver(id, m); err != nil {
			return err
		}
	}
	return nil
}

// newCall registers a request that a message of type want will answer, and
// returns the id that it shall bear.
func (c *Conn) newCall(want Type) (uint32, *call, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.calls) >= c.link.limits.MaxRequests {
		return 0, nil, ErrTooMany
	}
	for {
		c.request++
		if c.request != 0 && c.calls[c.request] == nil {
			break
		}
	}
	k := &call{want: want, reply: make(chan Message, 1)}
	if c.calls == nil {
		c.calls = make(map[uint32]*call)
	}
	c.calls[c.request] = k
	return c.request, k, nil
}

// wait sends m and waits for the answer to the call k.
func (c *Conn) wait(ctx context.Context, id uint32, k *call, m Message) (Message, error) {
	forget := func(due bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if due && c.calls[id] == k {
			if len(c.late) >= c.link.limits.MaxRequests {
				// A router that leaves so many unanswered is not to be held to
				// each of them.
				clear(c.late)
				c.lateUpTo = c.request
			}
			if c.late == nil {
				c.late = make(map[uint32]bool)
			}
			c.late[id] = true
		}
		delete(c.calls, id)
	}
	if err := c.link.send(ctx, m); err != nil {
		forget(false)
		return nil, err
	}
	var reply Message
	select {
	case reply = <-k.reply:
	case <-ctx.Done():
		forget(true)
		return nil, ctx.Err()
	case <-c.link.done:
		select {
		case reply = <-k.reply: // came before the end
		default:
			return nil, c.link.ended()
		}
	}
	if e, ok := reply.(*RequestError); ok {
		return nil, &RefusalError{Request: e.Refused, Code: e.Code, Text: e.Text}
	}
	return reply, nil
}

// answer hands a reply to the call with its id. The answer to a call that was
// given up is needed by nobody; one that nobody asked for, or that comes twice, is a
// fault.
func (c *Conn) answer(id uint32, m Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.calls[id]
	if k == nil {
		if !c.late[id] && (id == 0 || id > c.lateUpTo) {
			return ErrUnexpected
		}
		delete(c.late, id)
		if status, ok := m.(*OpenStatus); ok && status.Status.OK() && c.sessions[status.Session] == nil {
			// Nobody will ever use it.
			c.closeLocked(status.Session)
			_ = c.link.trySend(&DestroySession{Session: status.Session})
		}
		return nil
	}
	if _, refused := m.(*RequestError); m.Type() != k.want && !refused {
		return ErrUnexpected
	}
	if r, ok := m.(*HostReply); ok && r.Code == LookupOK && k.hash != nil && wire.HashOf(r.Destination) != *k.hash {
		return &ParseError{Type: TypeHostReply, Field: "destination", Offset: 7, Err: ErrValue}
	}
	delete(c.calls, id)
	if status, ok := m.(*OpenStatus); ok {
		if err := c.openedLocked(k.session, status); err != nil {
			return err
		}
	}
	k.reply <- m
	return nil
}

// HostLookup asks the router for the Destination that q names by hash, name or
// Destination; the session, request id and timeout (from ctx) are filled in here.
// A result other than success is a *LookupError, with the reply. A Destination
// that has another hash than was asked for is a fault of the router.
//
// The kinds with options are for routers that know them: Java I2P 2.8.0 (0.9.65)
// disconnects on one.
func (c *Conn) HostLookup(ctx context.Context, q HostLookup) (*HostReply, error) {
	id, k, err := c.newCall(TypeHostReply)
	if err != nil {
		return nil, err
	}
	if q.Kind == LookupHash || q.Kind == LookupHashWithOptions {
		c.mu.Lock()
		k.hash = &q.Hash
		c.mu.Unlock()
	}
	q.Session, q.Request = NoSession, id
	if q.Timeout == 0 {
		q.Timeout = 10_000 // "recommended minimum"
		if end, ok := ctx.Deadline(); ok {
			q.Timeout = uint32(max(0, min(time.Until(end).Milliseconds(), 1<<31)))
		}
	}
	m, err := c.wait(ctx, id, k, &q)
	if err != nil {
		return nil, err
	}
	reply := m.(*HostReply)
	if reply.Code != LookupOK {
		return reply, &LookupError{reply.Code}
	}
	return reply, nil
}

// DestLookup asks for the Destination with hash h, as routers before 0.9.11
// want it. A miss is a *LookupError.
func (c *Conn) DestLookup(ctx context.Context, h wire.Hash) ([]byte, error) {
	reply := make(chan *DestReply, 1)
	c.mu.Lock()
	waiting := c.dests[h]
	if len(c.dests) >= c.link.limits.MaxRequests || len(waiting) >= c.link.limits.MaxRequests {
		c.mu.Unlock()
		return nil, ErrTooMany
	}
	if c.dests == nil {
		c.dests = make(map[wire.Hash][]chan *DestReply)
	}
	c.dests[h] = append(waiting, reply)
	c.mu.Unlock()
	forget := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, r := range c.dests[h] {
			if r == reply {
				// The slot stays: an answer is still due.
				c.dests[h][i] = nil
			}
		}
	}
	if err := c.link.send(ctx, &DestLookup{Hash: h}); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		// It was not asked for, so no answer is due.
		c.dests[h] = slices.DeleteFunc(c.dests[h], func(r chan *DestReply) bool { return r == reply })
		if len(c.dests[h]) == 0 {
			delete(c.dests, h)
		}
		return nil, err
	}
	select {
	case m := <-reply:
		if m.Destination == nil {
			return nil, &LookupError{LookupFailed}
		}
		return m.Destination, nil
	case <-ctx.Done():
		forget()
		return nil, ctx.Err()
	case <-c.link.done:
		return nil, c.link.ended()
	}
}

func (c *Conn) onDestReply(m *DestReply) error {
	var h wire.Hash
	switch {
	case m.Destination != nil:
		h = wire.HashOf(m.Destination)
	case m.Hash != nil:
		h = *m.Hash
	default:
		return ErrUnexpected // of a router before 0.8.3, which says not for whom
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := c.dests[h]
	if len(waiting) == 0 {
		return ErrUnexpected
	}
	if waiting[0] != nil {
		waiting[0] <- m
	}
	if len(waiting) == 1 {
		delete(c.dests, h)
	} else {
		c.dests[h] = waiting[1:]
	}
	return nil
}

// BandwidthLimits asks the router for its limits. Every router answers it at once,
// so it serves as a heartbeat where the extension's is not to be had; of a router
// that answers late, an answer goes to the call that it is due to.
func (c *Conn) BandwidthLimits(ctx context.Context) (*BandwidthLimits, error) {
	reply := make(chan *BandwidthLimits, 1)
	err := c.askLimits(func(m *BandwidthLimits) { reply <- m }, func() error { return c.link.send(ctx, &GetBandwidthLimits{}) })
	if err != nil {
		return nil, err
	}
	select {
	case m := <-reply:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err() // the answer, which is due, goes to nobody
	case <-c.link.done:
		return nil, c.link.ended()
	}
}

// AskBandwidthLimits asks as [Conn.BandwidthLimits] does, and waits for nothing:
// answered is called with the answer, if one comes, and must not wait either, for it
// holds up the connection. Where too much waits to be written already the error is
// ErrTooMany.
func (c *Conn) AskBandwidthLimits(answered func(*BandwidthLimits)) error {
	return c.askLimits(answered, func() error { return c.link.trySend(&GetBandwidthLimits{}) })
}

func (c *Conn) askLimits(answered func(*BandwidthLimits), send func() error) error {
	// By its address a question is found again that could not be sent.
	q := &answered
	c.mu.Lock()
	if len(c.limits) >= c.link.limits.MaxRequests {
		c.mu.Unlock()
		return ErrTooMany
	}
	c.limits = append(c.limits, q)
	c.mu.Unlock()
	err := send()
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		// It was not asked for, so no answer is due.
		c.limits = slices.DeleteFunc(c.limits, func(r *func(*BandwidthLimits)) bool { return r == q })
	}
	return err
}

func (c *Conn) onBandwidthLimits(m *BandwidthLimits) error {
	c.mu.Lock()
	if len(c.limits) == 0 {
		c.mu.Unlock()
		return ErrUnexpected
	}
	answered := *c.limits[0]
	c.limits = c.limits[1:]
	if len(c.limits) == 0 {
		c.limits = nil
	}
	c.mu.Unlock()
	answered(m)
	return nil
}

// Capabilities asks what the router's side of the extension can do.
func (c *Conn) Capabilities(ctx context.Context) (*CapabilityList, error) {
	if c.extension == 0 {
		return nil, ErrStock
	}
	id, k, err := c.newCall(TypeCapabilityList)
	if err != nil {
		return nil, err
	}
	m, err := c.wait(ctx, id, k, &GetCapabilities{Request: id})
	if err != nil {
		return nil, err
	}
	return m.(*CapabilityList), nil
}
