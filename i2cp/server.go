package i2cp

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"multihome.i2p/i2cp/wire"
)

// A Backend is the router behind a [Server]. The server keeps the protocol:
// handshake, authentication, sessions and their ids, signatures of
// configurations and LeaseSets, which message may come when and from whom,
// attached frontends, grace periods. The backend does what messages ask for.
//
// Its methods are called from the reading goroutines of the connections, and so
// from several at once. A method that takes long holds up its connection only.
// A message handed in, with its slices, is borrowed for the call.
type Backend interface {
	// Router describes the router to a client that connects.
	Router() RouterInfo

	// Authenticate reports whether a client with this name and password, ""
	// where it gave none, may use the router.
	Authenticate(username, password string) bool

	// Open is told of a new session, whose configuration is verified. An answer
	// other than nil refuses it: a *StatusError or *OpenError says how, any
	// other error is SessionRefused or OpenRefused.
	Open(s *RouterSession) error

	// Handle does what m asks for. m is any message to the router but those of
	// the handshake, of opening, closing and attaching, and Heartbeat, which
	// the server answers itself. s is nil where m belongs to no session. An
	// error ends the connection with its text as the reason; but a
	// *RefusalError is answered by a RequestError, and any error to
	// ReconfigureSession, whose answer the server sends, by SessionInvalid.
	Handle(c *ServerConn, s *RouterSession, m Message) error

	// Closed is told that a session has ended for good.
	Closed(s *RouterSession)
}

// RouterInfo is what a router tells of itself.
type RouterInfo struct {
	Version string // the API version (APIVersion)
	// Extension describes the router's side of the extension; nil for a stock
	// router. Request and Version are filled in.
	Extension *CapabilityList
	// Now is the router's clock (time.Now).
	Now func() time.Time
}

// ServerConfig configures a Server.
type ServerConfig struct {
	Limits      Limits
	MaxSessions int // of all connections (50, as Java I2P)
	// Random is the source of session tokens and nonces (crypto/rand).
	Random func([]byte)
}

// A Server serves I2CP, and the extension, for a Backend.
type Server struct {
	backend Backend
	cfg     ServerConfig

	mu       sync.Mutex
	lastID   uint16
	sessions map[uint16]*RouterSession
	byDest   map[wire.Hash]*RouterSession
	closed   bool
	conns    map[*ServerConn]bool
	wg       sync.WaitGroup
}

// NewServer returns a Server for backend.
func NewServer(backend Backend, cfg ServerConfig) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.MaxSessions <= 0 {
		cfg.MaxSessions = 50
	}
	if cfg.Random == nil {
		cfg.Random = func(b []byte) { _, _ = rand.Read(b) }
	}
	return &Server{
		backend: backend, cfg: cfg,
		sessions: make(map[uint16]*RouterSession), byDest: make(map[wire.Hash]*RouterSession),
		conns: make(map[*ServerConn]bool),
	}
}

// Serve serves a single connection for backend until it ends, and returns why.
func Serve(ctx context.Context, nc net.Conn, backend Backend) error {
	s := NewServer(backend, ServerConfig{})
	defer s.Close()
	return s.Serve(ctx, nc)
}

// Serve serves one connection until it or ctx ends, and returns why it ended,
// always a *ConnError. It owns nc.
func (s *Server) Serve(ctx context.Context, nc net.Conn) error {
	info := s.backend.Router()
	if info.Version == "" {
		info.Version = APIVersion
	}
	if info.Now == nil {
		info.Now = time.Now
	}
	c := &ServerConn{server: s, link: newLink(nc, s.cfg.Limits), info: info, sessions: make(map[uint16]*RouterSession)}
	c.link.router = true
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		_ = nc.Close()
		return &ConnError{Origin: OriginLocal, Err: ErrClosed}
	}
	s.conns[c] = true
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()

	shaken := time.AfterFunc(s.cfg.Limits.HandshakeTimeout, func() {
		c.link.fail(&ConnError{Origin: OriginLocal, Err: ErrHandshake})
	})
	stop := context.AfterFunc(ctx, func() {
		c.link.fail(&ConnError{Origin: OriginLocal, Reason: "router shutdown", Err: context.Cause(ctx)})
	})
	c.shaken = func() { shaken.Stop() }
	c.link.start(c.dispatch, c.end)
	c.link.wg.Wait()
	shaken.Stop()
	stop()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	return c.link.ended()
}

// Close ends all connections and sessions and waits until they have ended.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.link.fail(&ConnError{Origin: OriginLocal, Reason: "router shutdown", Err: ErrClosed})
	}
	s.mu.Unlock()
	s.wg.Wait()
	s.mu.Lock()
	left := make([]*RouterSession, 0, len(s.sessions))
	for _, rs := range s.sessions {
		left = append(left, rs)
	}
	s.mu.Unlock()
	for _, rs := range left {
		s.remove(rs)
	}
}

// A RouterSession is a session as the router has it. It may outlive the
// connection that opened it, and may have several while frontends are attached.
type RouterSession struct {
	server  *Server
	id      uint16
	dest    wire.Destination
	hash    wire.Hash
	managed bool

	mu        sync.Mutex
	garlic    bool
	grace     time.Duration
	token     Token
	config    SessionConfig // its own memory
	owner     *ServerConn   // nil in a grace period
	frontends []*ServerConn // the last one gets what comes in
	expiry    *time.Timer   // runs in a grace period
	gone      bool
	message   uint32
}

// ID returns the session's number.
func (s *RouterSession) ID() uint16 { return s.id }

// Destination returns the Destination that it serves.
func (s *RouterSession) Destination() wire.Destination { return s.dest }

// Managed reports whether it was opened by OpenSession.
func (s *RouterSession) Managed() bool { return s.managed }

// Garlic reports whether garlic shall be handed up undecrypted.
func (s *RouterSession) Garlic() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.garlic
}

// Config returns its configuration as of the last CreateSession,
// ReconfigureSession or OpenSession.
func (s *RouterSession) Config() SessionConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// Connected reports whether the session's owner is there: false in a grace
// period.
func (s *RouterSession) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner != nil
}

// Kill closes the owner's connection without a word, as i2pd does with a client
// that fails to give it a LeaseSet.
func (s *RouterSession) Kill() {
	s.mu.Lock()
	c := s.owner
	s.mu.Unlock()
	if c != nil {
		c.Kill()
	}
}

// NextMessage returns a fresh message id, never 0.
func (s *RouterSession) NextMessage() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.message++; s.message == 0 {
		s.message = 1
	}
	return s.message
}

// Send sends a notice to the session's owner, or what came in from the network
// (MessagePayload, PacketReceived, GarlicUp) to the frontend that attached last,
// if one is attached. It does not wait: a packet for which there is no room is
// dropped, with ErrTooMany, as routers do; a notice ends a connection that takes
// none. In a grace period everything is dropped, with ErrClosed.
//
// An answer to a request goes to [ServerConn.Send] of the connection that asked.
func (s *RouterSession) Send(m Message) error {
	s.mu.Lock()
	to := s.owner
	packet := isPacket(m)
	if n := len(s.frontends); packet && n > 0 {
		to = s.frontends[n-1]
	}
	s.mu.Unlock()
	if to == nil {
		return ErrClosed
	}
	if packet {
		return to.link.trySend(m)
	}
	return to.TrySend(m)
}

// A ServerConn is a client's connection at the router.
type ServerConn struct {
	server *Server
	link   *link
	info   RouterInfo
	shaken func() // stops the handshake's clock

	// Of the reading loop.
	dated     bool // GetDate answered
	authed    bool
	extension bool
	version   string
	nonce     string
	reuse     [256]Message // parsed into again and again

	mu       sync.Mutex
	sessions map[uint16]*RouterSession
	asked    map[request]Type // without a final answer, and the answer that each wants
}

// A request of the extension is known by its session and the client's number.
type request struct {
	session uint16
	id      uint32
}

// Version returns the API version that the client claims, once it has.
func (c *ServerConn) Version() string { return c.version }

// RemoteAddr returns the client's address.
func (c *ServerConn) RemoteAddr() net.Addr { return c.link.nc.RemoteAddr() }

// Send sends a message to the client, and waits where much is waiting already:
// the right thing for an answer, which holds up the client that asked.
func (c *ServerConn) Send(m Message) error {
	c.answered(m)
	return c.link.send(context.Background(), m)
}

// TrySend sends a message to the client without waiting. A client that lets so
// much pile up that there is no room left is disconnected.
func (c *ServerConn) TrySend(m Message) error {
	c.answered(m)
	err := c.link.trySend(m)
	if errors.Is(err, ErrTooMany) {
		e := &ConnError{Origin: OriginLocal, Type: m.Type(), Err: ErrNotReading}
		c.link.fail(e)
		return e
	}
	return err
}

// ask notes a request that has an answer. An id of 0, and one that is under way
// already, are faults; ErrTooMany is none.
func (c *ServerConn) ask(session uint16, m Message) error {
	t := m.Type()
	want, ok := answers[t]
	if !ok {
		return nil
	}
	r := request{session, requestOf(m)}
	fault := &ParseError{Type: t, Field: "request", Offset: 2, Err: ErrValue}
	if r.id == 0 {
		return fault
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, used := c.asked[r]; used {
		return fault
	}
	if len(c.asked) >= c.link.limits.MaxRequests*max(1, len(c.sessions)) {
		return ErrTooMany
	}
	if c.asked == nil {
		c.asked = make(map[request]Type)
	}
	c.asked[r] = want
	return nil
}

// answered forgets the request that m is the final answer to. It comes before
// the sending: after it, the client may use the id again.
func (c *ServerConn) answered(m Message) {
	session, id, final := answerTo(m)
	if !final {
		return
	}
	t := m.Type()
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := (request{session, id}); c.asked[r] == t || t == TypeRequestError {
		delete(c.asked, r)
	}
}

// answerTo returns the request that m answers, if it is the last answer to it.
func answerTo(m Message) (session uint16, id uint32, final bool) {
	switch m := m.(type) {
	case *PeerList:
		return m.Session, m.Request, m.Flags&ListMore == 0
	case *TunnelList:
		return m.Session, m.Request, m.Flags&ListMore == 0
	case *TunnelStatus:
		return m.Session, m.Request, !m.Late
	case *PublishStatus:
		return m.Session, m.Request, m.Final
	case *LookupResult:
		return m.Session, m.Request, true
	case *RequestError:
		_, final = answers[m.Refused]
		return m.Session, m.Request, final
	}
	return 0, 0, false
}

// Disconnect ends the connection with a reason.
func (c *ServerConn) Disconnect(reason string) {
	c.link.fail(&ConnError{Origin: OriginLocal, Reason: reason, Err: ErrClosed})
}

// Kill closes the connection without a word, as a crash does.
func (c *ServerConn) Kill() {
	c.link.fail(&ConnError{Origin: OriginNetwork, Err: ErrClosed})
	_ = c.link.nc.Close()
}

// end runs on the reading loop when the connection has ended.
func (c *ServerConn) end() {
	c.mu.Lock()
	sessions := c.sessions
	c.sessions = nil
	c.mu.Unlock()
	for _, s := range sessions {
		s.leave(c)
	}
}

// leave takes c from the session: what had it as owner ends, or begins its grace
// period.
func (s *RouterSession) leave(c *ServerConn) {
	s.mu.Lock()
	for i, f := range s.frontends {
		if f == c {
			s.frontends = append(s.frontends[:i:i], s.frontends[i+1:]...)
			break
		}
	}
	if s.owner != c || s.gone {
		s.mu.Unlock()
		return
	}
	s.owner = nil
	if s.grace > 0 {
		s.expiry = time.AfterFunc(s.grace, func() { s.server.expire(s) })
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	s.server.remove(s)
}

// expire ends a session whose grace period is over, unless it was resumed.
func (s *Server) expire(rs *RouterSession) { s.end(rs, true) }

// remove ends a session for good.
func (s *Server) remove(rs *RouterSession) { s.end(rs, false) }

func (s *Server) end(rs *RouterSession, unlessOwned bool) {
	rs.mu.Lock()
	if unlessOwned && rs.owner != nil {
		rs.mu.Unlock()
		return
	}
	gone := rs.gone
	rs.gone = true
	if rs.expiry != nil {
		rs.expiry.Stop()
	}
	frontends := rs.frontends
	rs.frontends = nil
	rs.mu.Unlock()
	s.mu.Lock()
	if s.sessions[rs.id] == rs {
		delete(s.sessions, rs.id)
		delete(s.byDest, rs.hash)
	}
	s.mu.Unlock()
	if gone {
		return
	}
	for _, f := range frontends {
		f.drop(rs)
		_ = f.TrySend(&OpenStatus{Session: rs.id, Status: OpenLost})
	}
	s.backend.Closed(rs)
}

// drop takes a session from a connection, with what it has asked for.
func (c *ServerConn) drop(rs *RouterSession) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, rs.id)
	for r := range c.asked {
		if r.session == rs.id {
			delete(c.asked, r)
		}
	}
}

// dispatch handles one frame from the client.
func (c *ServerConn) dispatch(t Type, body []byte) error {
	s := &specs[t]
	switch {
	case s.make == nil:
		return &ParseError{Type: t, Err: ErrUnknownType}
	case s.way&toRouter == 0:
		return ErrUnexpected
	case t.Extension() && !c.extension:
		if c.info.Extension == nil {
			return &ParseError{Type: t, Err: ErrUnknownType} // as a stock router says
		}
		return ErrStock
	}
	m := c.reuse[t]
	if m == nil {
		m = s.make()
		c.reuse[t] = m
	}
	if err := m.Parse(body); err != nil {
		return err
	}
	if !c.dated && t != TypeGetDate && t != TypeDisconnect {
		// Clients before 0.8.7 begin otherwise; they cannot authenticate.
		if !c.authed && !c.server.backend.Authenticate("", "") {
			return c.unauthorized("required, specify i2cp.username and i2cp.password in options")
		}
		c.authed = true
		c.shaken()
	}
	switch m := m.(type) {
	case *GetDate:
		return c.onGetDate(m)
	case *Disconnect:
		return &ConnError{Origin: OriginPeer, Type: t, Reason: m.Reason, Err: ErrDisconnected}
	case *ReportAbuse:
		return nil
	case *CreateSession:
		return c.onCreateSession(m)
	case *ReconfigureSession:
		return c.onReconfigure(m)
	case *DestroySession:
		return c.onDestroy(m)
	case *OpenSession:
		return c.onOpenSession(m)
	case *Attach:
		return c.onAttach(m)
	case *GetCapabilities:
		if m.Request == 0 {
			return noRequest(t)
		}
		list := *c.info.Extension
		list.Request, list.Version = m.Request, ExtensionVersion
		return c.Send(&list)
	case *Heartbeat:
		if _, err := c.session(m.Session, true); err != nil {
			return err
		}
		return c.Send(&HeartbeatReply{
			Session: m.Session, Sequence: m.Sequence, Echo: m.Date, Date: wire.DateOf(c.info.Now()),
		})
	}
	return c.handle(t, m, body)
}

// noRequest is the fault of a request outside a session that has no id, and so
// could not be answered.
func noRequest(t Type) error { return &ParseError{Type: t, Field: "request", Err: ErrValue} }

func (c *ServerConn) unauthorized(why string) error {
	return &ConnError{Origin: OriginLocal, Reason: "Authorization " + why, Err: ErrAuth}
}

func (c *ServerConn) onGetDate(m *GetDate) error {
	if c.extension {
		// A second handshake would have to undo the first.
		return ErrUnexpected
	}
	user, _ := m.Options.Get(optionUser)
	password, _ := m.Options.Get(optionPassword)
	if !c.authed {
		if !c.server.backend.Authenticate(user, password) {
			if user == "" {
				return c.unauthorized("required, specify i2cp.username and i2cp.password in options")
			}
			return c.unauthorized("failed, user = " + user)
		}
		c.authed = true
	}
	reply := &SetDate{Date: wire.DateOf(c.info.Now())}
	if m.Version != "" {
		reply.HasVersion, reply.Version = true, c.info.Version
	}
	if offer, ok := m.Options.Get(optionExtension); ok && c.info.Extension != nil && !c.dated && offers(offer) {
		var raw [16]byte
		c.server.cfg.Random(raw[:])
		c.nonce = wire.EncodeBase64(raw[:])
		var err error
		reply.HasOptions = true
		reply.Options, err = wire.NewMapping(map[string]string{
			optionExtension: strconv.Itoa(ExtensionVersion),
			optionNonce:     c.nonce,
		})
		if err != nil {
			return err
		}
		c.extension = true
	}
	c.version, c.dated = m.Version, true
	c.shaken()
	return c.Send(reply)
}

// offers reports whether a list of versions has ours.
func offers(list string) bool {
	for v := range strings.SplitSeq(list, ",") {
		if v == strconv.Itoa(ExtensionVersion) {
			return true
		}
	}
	return false
}

// session returns the session with an id as this connection has it. none says
// whether NoSession is allowed; the session is nil then.
func (c *ServerConn) session(id uint16, none bool) (*RouterSession, error) {
	if id == NoSession && none {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[id]; s != nil {
		return s, nil
	}
	return nil, ErrSession
}

// handle checks who sends m, and hands it to the backend.
func (c *ServerConn) handle(t Type, m Message, body []byte) error {
	var s *RouterSession
	var err error
	switch t {
	case TypeGetBandwidthLimits, TypeDestLookup:
	case TypeHostLookup:
		s, err = c.session(sessionOf(body), true)
	default:
		s, err = c.session(sessionOf(body), false)
	}
	if err != nil {
		return err
	}
	if s != nil {
		if t.Extension() && !s.managed {
			return ErrUnexpected
		}
		if s.managed && !t.Extension() && t != TypeHostLookup && t != TypeBlindingInfo {
			return ErrUnexpected
		}
		switch err := c.ask(s.id, m); {
		case errors.Is(err, ErrTooMany):
			return c.refuse(s.id, m, &RefusalError{Request: t, Code: ErrorLimit})
		case err != nil:
			return err
		}
		if code, ok := s.allows(c, m); !ok {
			return c.refuse(s.id, m, &RefusalError{Request: t, Code: code})
		}
		if err := s.checkLeaseSet(m); err != nil {
			if !t.Extension() {
				return &ConnError{Origin: OriginLocal, Type: t, Err: err} // as Java
			}
			code := ErrorBadLeaseSet
			if errors.Is(err, ErrKeys) {
				code = ErrorBadKeys
			}
			return c.refuse(s.id, m, &RefusalError{Request: t, Code: code})
		}
	}
	err = c.server.backend.Handle(c, s, m)
	var refusal *RefusalError
	if errors.As(err, &refusal) && t.Extension() {
		return c.refuse(s.id, m, refusal)
	}
	return err
}

// allows reports whether c may send m in the session: a frontend sends packets
// only, and what needs a capability is for routers that have it.
func (s *RouterSession) allows(c *ServerConn, m Message) (ErrorCode, bool) {
	if !s.managed {
		return 0, true
	}
	t := m.Type()
	if !s.ownedBy(c) && t != TypeSendPacket && t != TypeGarlicDown && t != TypeHostLookup {
		return ErrorForbidden, false
	}
	need := needs[t]
	switch m := m.(type) {
	case *PublishLeaseSet:
		if m.Outbound != 0 || m.ReplyLease != ReplyClosest {
			need = CapPublishNamed
		}
	case *SendPacket:
		if m.Tunnel != 0 {
			need = CapPacketTunnel
		}
	}
	if c.info.Extension.Capabilities&need != need || t == TypeGarlicDown && !s.Garlic() {
		return ErrorUnsupported, false
	}
	return 0, true
}

// needs are the capabilities that requests want.
var needs = [256]Capabilities{
	TypeGetFastTier:     CapFastTier,
	TypeCreateTunnel:    CapCreateTunnel,
	TypeDropTunnel:      CapCreateTunnel,
	TypeGetTunnelPool:   CapTunnelPool,
	TypeRelayAck:        CapAckRelay,
	TypeGarlicDown:      CapGarlic,
	TypeLookupLeaseSet:  CapLookup,
	TypeNoteFloodfills:  CapStandIn,
	TypeOutdateLeaseSet: CapStandIn,
	TypeSetShadows:      CapShadows,
}

func (c *ServerConn) refuse(session uint16, m Message, why *RefusalError) error {
	id := requestOf(m)
	switch m := m.(type) {
	case *DropTunnel:
		id = m.Request
	case *GiveLeaseSet:
		id = m.Request
	case *SetShadows:
		id = m.Request
	case *SendPacket:
		id = m.Request
	case *GarlicDown:
		id = m.Request
	}
	return c.Send(&RequestError{
		Session: session, Request: id, Refused: m.Type(), Code: why.Code, Text: why.Text[:min(len(why.Text), 255)],
	})
}

// own makes the parts of a configuration the session's own.
func (s SessionConfig) own() SessionConfig {
	s.Destination = append([]byte(nil), s.Destination...)
	s.Options = s.Options.Clone()
	s.Signature = append([]byte(nil), s.Signature...)
	return s
}

// newSession registers rs as a session for d, owned by c; nil where the
// Destination has one (dup), or there are too many. From then on other
// connections may find it: what rs is, it has to be before.
func (s *Server) newSession(c *ServerConn, config SessionConfig, d wire.Destination, rs *RouterSession) (_ *RouterSession, dup bool) {
	rs.server, rs.owner = s, c
	rs.dest, rs.hash, rs.config = d.Clone(), d.Hash(), config.own()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byDest[rs.hash] != nil {
		return nil, true
	}
	if len(s.sessions) >= s.cfg.MaxSessions || s.closed {
		return nil, false
	}
	for {
		s.lastID++
		if s.lastID != 0 && s.lastID != NoSession && s.sessions[s.lastID] == nil {
			break
		}
	}
	rs.id = s.lastID
	s.sessions[rs.id] = rs
	s.byDest[rs.hash] = rs
	return rs, false
}

// admit gives the connection a session.
func (c *ServerConn) admit(rs *RouterSession) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions == nil || len(c.sessions) >= MaxSessions {
		return false
	}
	c.sessions[rs.id] = rs
	return true
}

func (c *ServerConn) onCreateSession(m *CreateSession) error {
	status := func(id uint16, state SessionState) error {
		return c.Send(&SessionStatus{Session: id, Status: state})
	}
	d, err := m.Config.Verify(c.info.Now())
	if err != nil {
		return status(NoSession, SessionInvalid)
	}
	rs, dup := c.server.newSession(c, m.Config, d, &RouterSession{})
	switch {
	case dup:
		return status(NoSession, SessionInvalid) // as i2pd; Java disconnects
	case rs == nil:
		return status(NoSession, SessionRefused)
	}
	err = ErrTooMany
	if c.admit(rs) {
		err = c.server.backend.Open(rs)
	}
	if err != nil {
		c.undo(rs)
		var se *StatusError
		if errors.As(err, &se) {
			return status(NoSession, se.Status)
		}
		return status(NoSession, SessionRefused)
	}
	return status(rs.id, SessionCreated)
}

// undo forgets a session that did not come to be.
func (c *ServerConn) undo(rs *RouterSession) {
	c.drop(rs)
	rs.mu.Lock()
	rs.gone = true // so that the backend does not hear of its end
	rs.mu.Unlock()
	c.server.remove(rs)
}

func (c *ServerConn) onReconfigure(m *ReconfigureSession) error {
	s, err := c.session(m.Session, false)
	if err != nil {
		return err
	}
	state := SessionUpdated
	old := s.Config()
	d, err := m.Config.verify(c.info.Now(), &old)
	if err != nil || !d.Equal(s.dest.KeysAndCert) || !s.ownedBy(c) {
		state = SessionInvalid
	} else {
		s.mu.Lock()
		s.config = m.Config.own()
		s.mu.Unlock()
		if err := c.server.backend.Handle(c, s, m); err != nil {
			state = SessionInvalid
		}
	}
	return c.Send(&SessionStatus{Session: s.id, Status: state})
}

func (s *RouterSession) ownedBy(c *ServerConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owner == c
}

func (c *ServerConn) onDestroy(m *DestroySession) error {
	s, err := c.session(m.Session, false)
	if err != nil {
		return err
	}
	c.drop(s)
	if s.ownedBy(c) {
		c.server.remove(s)
	} else {
		s.leave(c)
	}
	return c.Send(&SessionStatus{Session: s.id, Status: SessionDestroyed})
}

func (c *ServerConn) onOpenSession(m *OpenSession) error {
	status := func(state OpenState) error {
		return c.Send(&OpenStatus{Request: m.Request, Session: NoSession, Status: state})
	}
	if m.Request == 0 {
		return noRequest(TypeOpenSession)
	}
	ext := c.info.Extension
	d, err := m.Config.Verify(c.info.Now())
	if err != nil {
		return status(OpenInvalid)
	}
	if nonce, _ := m.Config.Options.Get(optionNonce); subtle.ConstantTimeCompare([]byte(nonce), []byte(c.nonce)) != 1 {
		return status(OpenInvalid)
	}
	if m.Flags&OpenGarlic != 0 && ext.Capabilities&CapGarlic == 0 {
		return c.Send(&RequestError{Session: NoSession, Request: m.Request, Refused: TypeOpenSession, Code: ErrorUnsupported})
	}
	grace := time.Duration(min(m.Grace, ext.MaxGrace)) * time.Second
	if ext.Capabilities&CapGrace == 0 {
		grace = 0
	}
	if m.Flags&(OpenResume|OpenTakeOver) != 0 {
		if done, err := c.resume(m, d, grace); done {
			return err
		}
	}
	rs := &RouterSession{managed: true, garlic: m.Flags&OpenGarlic != 0, grace: grace}
	c.server.cfg.Random(rs.token[:])
	token := rs.token
	rs, dup := c.server.newSession(c, m.Config, d, rs)
	switch {
	case dup:
		return status(OpenInUse)
	case rs == nil:
		return status(OpenRefused)
	}
	err = ErrTooMany
	if c.admit(rs) {
		err = c.server.backend.Open(rs)
	}
	if err != nil {
		c.undo(rs)
		var oe *OpenError
		if errors.As(err, &oe) {
			return status(oe.Status)
		}
		return status(OpenRefused)
	}
	return c.Send(&OpenStatus{
		Request: m.Request, Session: rs.id, Status: OpenOpened, Grace: uint32(grace / time.Second), Token: token,
	})
}

// resume gives c the session that the Destination has, if it has one that may be
// had. done is false where a new one is to be opened.
func (c *ServerConn) resume(m *OpenSession, d wire.Destination, grace time.Duration) (done bool, err error) {
	c.server.mu.Lock()
	rs := c.server.byDest[d.Hash()]
	c.server.mu.Unlock()
	if rs == nil {
		return false, nil
	}
	rs.mu.Lock()
	before := rs.owner
	if rs.gone {
		rs.mu.Unlock()
		return false, nil
	}
	if !rs.managed || before == c || before != nil && m.Flags&OpenTakeOver == 0 || !c.admit(rs) {
		rs.mu.Unlock()
		return true, c.Send(&OpenStatus{Request: m.Request, Session: NoSession, Status: OpenInUse})
	}
	if rs.expiry != nil {
		rs.expiry.Stop()
		rs.expiry = nil
	}
	rs.owner, rs.config, rs.grace = c, m.Config.own(), grace
	rs.garlic = m.Flags&OpenGarlic != 0
	// The one who is put out may know the token.
	c.server.cfg.Random(rs.token[:])
	token := rs.token
	rs.mu.Unlock()
	if before != nil {
		before.drop(rs)
		_ = before.TrySend(&OpenStatus{Session: rs.id, Status: OpenLost})
	}
	return true, c.Send(&OpenStatus{
		Request: m.Request, Session: rs.id, Status: OpenResumed, Grace: uint32(grace / time.Second), Token: token,
	})
}

func (c *ServerConn) onAttach(m *Attach) error {
	if m.Request == 0 {
		return noRequest(TypeAttach)
	}
	status := OpenStatus{Request: m.Request, Session: NoSession, Status: OpenBadToken}
	if c.info.Extension.Capabilities&CapAttach == 0 {
		return c.Send(&RequestError{Session: NoSession, Request: m.Request, Refused: TypeAttach, Code: ErrorUnsupported})
	}
	var found *RouterSession
	c.server.mu.Lock()
	for _, rs := range c.server.sessions {
		rs.mu.Lock()
		if rs.managed && !rs.gone && subtle.ConstantTimeCompare(rs.token[:], m.Token[:]) == 1 {
			found = rs
		}
		rs.mu.Unlock()
	}
	c.server.mu.Unlock()
	if found == nil {
		return c.Send(&status)
	}
	found.mu.Lock()
	switch {
	case len(found.frontends) >= maxFrontends, found.owner == c, !c.admit(found):
		status.Status = OpenRefused
	default:
		found.frontends = append(found.frontends, c)
		status.Session, status.Status = found.id, OpenAttached
		status.Grace = uint32(found.grace / time.Second)
	}
	found.mu.Unlock()
	return c.Send(&status)
}

// maxFrontends is how many frontends one session may have.
const maxFrontends = 16
