package i2cp

import (
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// NoSession is the session id of lookups outside any session (i2cp.md, Session
// ID).
const NoSession = 0xffff

// SessionConfig is what CreateSession and ReconfigureSession carry (i2cp.md,
// Session Config). The signature covers everything before it; [SignConfig]
// makes one and [SessionConfig.Verify] checks it.
type SessionConfig struct {
	Destination []byte       // with its certificate
	Options     wire.Mapping // sorted by key, or no router takes it
	Date        wire.Date
	Signature   []byte
}

func (s *SessionConfig) parse(c *cursor) {
	s.Destination = c.destination()
	s.Options = c.mapping()
	s.Date = c.date("date")
	at := c.off
	if s.Signature = c.rest(); len(s.Signature) == 0 {
		c.fail("signature", at, ErrTruncated)
	}
}

func (s *SessionConfig) build(w *builder) {
	s.buildSigned(w)
	if len(s.Signature) == 0 {
		w.fail("signature", ErrValue)
	}
	w.raw(s.Signature)
}

// buildSigned writes what the signature covers.
func (s *SessionConfig) buildSigned(w *builder) {
	w.destination(s.Destination)
	w.mapping(s.Options)
	w.date(s.Date)
}

// CreateSession opens a session (i2cp.md, CreateSessionMessage).
type CreateSession struct {
	Config SessionConfig
}

// ReconfigureSession changes options of a session (i2cp.md,
// ReconfigureSessionMessage).
type ReconfigureSession struct {
	Session uint16
	Config  SessionConfig
}

// DestroySession closes a session (i2cp.md, DestroySessionMessage). Java
// routers never answer it; see [Session.Close].
type DestroySession struct {
	Session uint16
}

// SessionState is the status byte of SessionStatus.
type SessionState uint8

// Session states (i2cp.md, SessionStatusMessage).
const (
	SessionDestroyed SessionState = iota
	SessionCreated
	SessionUpdated
	SessionInvalid
	SessionRefused
)

var sessionStates = [...]string{"destroyed", "created", "updated", "invalid", "refused"}

func (s SessionState) String() string {
	if int(s) < len(sessionStates) {
		return sessionStates[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// SessionStatus answers the three above (i2cp.md, SessionStatusMessage).
type SessionStatus struct {
	Session uint16
	Status  SessionState
}

// Type returns the message's type number.
func (*CreateSession) Type() Type { return TypeCreateSession }

// Parse reads the body; see [Message].
func (m *CreateSession) Parse(body []byte) error {
	c := cursor{t: TypeCreateSession, body: body}
	m.Config.parse(&c)
	return c.end()
}

// Append appends the body; see [Message].
func (m *CreateSession) Append(b []byte) ([]byte, error) {
	w := build(TypeCreateSession, b)
	m.Config.build(&w)
	return w.end()
}

// Type returns the message's type number.
func (*ReconfigureSession) Type() Type { return TypeReconfigureSession }

// Parse reads the body; see [Message].
func (m *ReconfigureSession) Parse(body []byte) error {
	c := cursor{t: TypeReconfigureSession, body: body}
	m.Session = c.u16("session")
	m.Config.parse(&c)
	return c.end()
}

// Append appends the body; see [Message].
func (m *ReconfigureSession) Append(b []byte) ([]byte, error) {
	w := build(TypeReconfigureSession, b)
	w.u16(m.Session)
	m.Config.build(&w)
	return w.end()
}

// Type returns the message's type number.
func (*DestroySession) Type() Type { return TypeDestroySession }

// Parse reads the body; see [Message].
func (m *DestroySession) Parse(body []byte) error {
	c := cursor{t: TypeDestroySession, body: body}
	m.Session = c.u16("session")
	return c.end()
}

// Append appends the body; see [Message].
func (m *DestroySession) Append(b []byte) ([]byte, error) {
	w := build(TypeDestroySession, b)
	w.u16(m.Session)
	return w.end()
}

// Type returns the message's type number.
func (*SessionStatus) Type() Type { return TypeSessionStatus }

// Parse reads the body; see [Message].
func (m *SessionStatus) Parse(body []byte) error {
	c := cursor{t: TypeSessionStatus, body: body}
	m.Session = c.u16("session")
	m.Status = SessionState(c.u8("status"))
	return c.end()
}

// Append appends the body; see [Message].
func (m *SessionStatus) Append(b []byte) ([]byte, error) {
	w := build(TypeSessionStatus, b)
	w.u16(m.Session)
	w.u8(uint8(m.Status))
	return w.end()
}
