package i2cp

import (
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// ExtensionVersion is the version of the Proposal 140 extension that this
// package speaks (docs/i2cp-p140.md).
const ExtensionVersion = 1

// MaxHops is the number of hops that a tunnel has at most.
const MaxHops = 7

// Capabilities is what a router's side of the extension can do.
type Capabilities uint32

// Capabilities (docs/i2cp-p140.md, Capabilities). Opening sessions and
// heartbeats need none.
const (
	CapFastTier      Capabilities = 1 << iota // answers GetFastTier
	CapCreateTunnel                           // builds through given peers
	CapTunnelPool                             // lists its pools
	CapPublishNamed                           // PublishLeaseSet may name an outbound tunnel and a reply lease
	CapPublishStatus                          // reports stores and acks
	CapAckRelay                               // passes up acks that it did not ask for, and takes them
	CapGarlic                                 // hands up garlic undecrypted
	CapAttach                                 // frontends may attach
	CapGrace                                  // sessions outlive their connection
	CapLookup                                 // answers LookupLeaseSet
	CapPacketTunnel                           // SendPacket may name an outbound tunnel
	CapShadows                                // takes SetShadows
	CapStandIn                                // stands in for another router: NoteFloodfills, OutdateLeaseSet

	capDefined Capabilities = 1<<iota - 1
)

var capNames = [...]string{
	"fast-tier", "create-tunnel", "tunnel-pool", "publish-named", "publish-status", "ack-relay",
	"garlic", "attach", "grace", "lookup", "packet-tunnel", "shadows", "stand-in",
}

// Names lists the capabilities of c by name.
func (c Capabilities) Names() []string {
	names := []string{}
	for i, name := range capNames {
		if c&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// RouterKind is the implementation that a router's behaviour follows.
type RouterKind uint8

// Router kinds.
const (
	KindJava RouterKind = iota
	KindI2pd
	KindOther RouterKind = 255
)

// GetCapabilities asks for the capability list. (docs/i2cp-p140.md, 140)
type GetCapabilities struct {
	Request uint32
}

// CapabilityList answers it, and comes unasked, with Request 0, when something
// in it changes. (docs/i2cp-p140.md, 141)
type CapabilityList struct {
	Request      uint32
	Version      uint16 // of the extension
	Capabilities Capabilities
	Kind         RouterKind
	Router       wire.Hash // the router's own hash
	MaxHops      uint8
	MaxTunnels   uint16 // in each direction
	MaxLeases    uint8
	MaxGrace     uint32 // seconds
	MaxFrame     uint32 // bytes of a message body that it takes
	Software     string // for people
}

// OpenFlags say how OpenSession opens.
type OpenFlags uint8

// Flags of OpenSession.
const (
	OpenResume   OpenFlags = 1 << iota // take over what a lost connection left
	OpenTakeOver                       // and put out a balancer that is still connected
	OpenGarlic                         // hand up garlic undecrypted

	openFlags = 1<<iota - 1
)

// OpenSession is the proposal's Create Session: a session whose tunnels and
// LeaseSet are the client's business. (docs/i2cp-p140.md, 142)
type OpenSession struct {
	Request uint32
	Flags   OpenFlags
	Grace   uint32 // seconds that the session shall outlive its connection
	Config  SessionConfig
}

// OpenState is the status byte of OpenStatus.
type OpenState uint8

// States of OpenStatus.
const (
	OpenOpened OpenState = iota
	OpenResumed
	OpenAttached
	OpenInvalid  // configuration, signature, nonce or date
	OpenRefused  // limits
	OpenInUse    // another connection holds the Destination; see OpenTakeOver
	OpenBadToken // of Attach
	OpenLost     // taken over by another connection, or ended by the router
)

const openStateLast = uint8(OpenLost)

var openStates = [...]string{"opened", "resumed", "attached", "invalid", "refused", "in use", "bad token", "lost"}

func (s OpenState) String() string {
	if int(s) < len(openStates) {
		return openStates[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// OK reports whether the connection has the session.
func (s OpenState) OK() bool { return s <= OpenAttached }

// Token lets a frontend attach to a session.
type Token [32]byte

// OpenStatus is the proposal's Session Status; it also answers Attach, and comes
// with Request 0 where a session is lost. (docs/i2cp-p140.md, 143)
type OpenStatus struct {
	Request uint32
	Session uint16 // NoSession unless the state is OK or OpenLost
	Status  OpenState
	Grace   uint32 // seconds, as granted
	Token   Token  // zero unless the state is OpenOpened or OpenResumed
}

// Attach joins a balancer's session as a frontend. (docs/i2cp-p140.md, 156)
type Attach struct {
	Request uint32
	Token   Token
	Name    string // for people
}

// Heartbeat asks for a sign of life. (docs/i2cp-p140.md, 158)
type Heartbeat struct {
	Session  uint16 // or NoSession
	Sequence uint32
	Date     wire.Date // the client's clock
}

// HeartbeatReply answers it. (docs/i2cp-p140.md, 159)
type HeartbeatReply struct {
	Session  uint16
	Sequence uint32
	Echo     wire.Date // Date of the Heartbeat
	Date     wire.Date // the router's clock
}

// ErrorCode says why a request was refused.
type ErrorCode uint8

// Error codes of RequestError.
const (
	ErrorUnspecified ErrorCode = iota
	ErrorUnsupported           // a capability that the router lacks
	ErrorForbidden             // not for a frontend
	ErrorNoTunnel              // no such tunnel in this session
	ErrorNoPeer                // a peer that the router does not know
	ErrorBadLeaseSet           // does not parse, verify, or belong to the session
	ErrorBadKeys               // private keys that do not fit the LeaseSet
	ErrorLimit                 // too much at once
	ErrorNotReady              // for want of tunnels
)

var errorCodes = [...]string{
	"refused", "unsupported", "forbidden", "no such tunnel", "no such peer", "bad LeaseSet", "bad keys",
	"limit reached", "not ready",
}

func (c ErrorCode) String() string {
	if int(c) < len(errorCodes) {
		return errorCodes[c]
	}
	return fmt.Sprintf("error %d", uint8(c))
}

// RequestError refuses a request of the extension. (docs/i2cp-p140.md, 165)
type RequestError struct {
	Session uint16
	Request uint32
	Refused Type
	Code    ErrorCode
	Text    string // for people
}

// Type returns the message's type number.
func (*GetCapabilities) Type() Type { return TypeGetCapabilities }

// Parse reads the body; see [Message].
func (m *GetCapabilities) Parse(body []byte) error {
	c := cursor{t: TypeGetCapabilities, body: body}
	m.Request = c.u32("request")
	return c.end()
}

// Append appends the body; see [Message].
func (m *GetCapabilities) Append(b []byte) ([]byte, error) {
	w := build(TypeGetCapabilities, b)
	w.u32(m.Request)
	return w.end()
}

// Type returns the message's type number.
func (*CapabilityList) Type() Type { return TypeCapabilityList }

// Parse reads the body; see [Message]. Capability bits that are not defined
// here are kept.
func (m *CapabilityList) Parse(body []byte) error {
	c := cursor{t: TypeCapabilityList, body: body}
	m.Request = c.u32("request")
	m.Version = c.u16("version")
	m.Capabilities = Capabilities(c.u32("capabilities"))
	m.Kind = RouterKind(c.u8("kind"))
	m.Router = c.hash("router")
	m.MaxHops = c.u8("most hops")
	m.MaxTunnels = c.u16("most tunnels")
	m.MaxLeases = c.u8("most leases")
	m.MaxGrace = c.u32("longest grace")
	m.MaxFrame = c.u32("largest frame")
	m.Software = c.str("software")
	return c.end()
}

// Append appends the body; see [Message].
func (m *CapabilityList) Append(b []byte) ([]byte, error) {
	w := build(TypeCapabilityList, b)
	w.u32(m.Request)
	w.u16(m.Version)
	w.u32(uint32(m.Capabilities))
	w.u8(uint8(m.Kind))
	w.hash(&m.Router)
	w.u8(m.MaxHops)
	w.u16(m.MaxTunnels)
	w.u8(m.MaxLeases)
	w.u32(m.MaxGrace)
	w.u32(m.MaxFrame)
	w.str("software", m.Software)
	return w.end()
}

// Type returns the message's type number.
func (*OpenSession) Type() Type { return TypeOpenSession }

// Parse reads the body; see [Message].
func (m *OpenSession) Parse(body []byte) error {
	c := cursor{t: TypeOpenSession, body: body}
	m.Request = c.u32("request")
	m.Flags = OpenFlags(c.flags("flags", openFlags))
	m.Grace = c.u32("grace")
	m.Config.parse(&c)
	return c.end()
}

// Append appends the body; see [Message].
func (m *OpenSession) Append(b []byte) ([]byte, error) {
	w := build(TypeOpenSession, b)
	w.u32(m.Request)
	w.flags("flags", uint8(m.Flags), openFlags)
	w.u32(m.Grace)
	m.Config.build(&w)
	return w.end()
}

// Type returns the message's type number.
func (*OpenStatus) Type() Type { return TypeOpenStatus }

// Parse reads the body; see [Message].
func (m *OpenStatus) Parse(body []byte) error {
	c := cursor{t: TypeOpenStatus, body: body}
	m.Request = c.u32("request")
	m.Session = c.u16("session")
	m.Status = OpenState(c.enum("status", openStateLast))
	m.Grace = c.u32("grace")
	copy(m.Token[:], c.take("token", len(m.Token)))
	return c.end()
}

// Append appends the body; see [Message].
func (m *OpenStatus) Append(b []byte) ([]byte, error) {
	w := build(TypeOpenStatus, b)
	w.u32(m.Request)
	w.u16(m.Session)
	w.enum("status", uint8(m.Status), openStateLast)
	w.u32(m.Grace)
	w.raw(m.Token[:])
	return w.end()
}

// Type returns the message's type number.
func (*Attach) Type() Type { return TypeAttach }

// Parse reads the body; see [Message].
func (m *Attach) Parse(body []byte) error {
	c := cursor{t: TypeAttach, body: body}
	m.Request = c.u32("request")
	copy(m.Token[:], c.take("token", len(m.Token)))
	m.Name = c.str("name")
	return c.end()
}

// Append appends the body; see [Message].
func (m *Attach) Append(b []byte) ([]byte, error) {
	w := build(TypeAttach, b)
	w.u32(m.Request)
	w.raw(m.Token[:])
	w.str("name", m.Name)
	return w.end()
}

// Type returns the message's type number.
func (*Heartbeat) Type() Type { return TypeHeartbeat }

// Parse reads the body; see [Message].
func (m *Heartbeat) Parse(body []byte) error {
	c := cursor{t: TypeHeartbeat, body: body}
	m.Session = c.u16("session")
	m.Sequence = c.u32("sequence")
	m.Date = c.date("date")
	return c.end()
}

// Append appends the body; see [Message].
func (m *Heartbeat) Append(b []byte) ([]byte, error) {
	w := build(TypeHeartbeat, b)
	w.u16(m.Session)
	w.u32(m.Sequence)
	w.date(m.Date)
	return w.end()
}

// Type returns the message's type number.
func (*HeartbeatReply) Type() Type { return TypeHeartbeatReply }

// Parse reads the body; see [Message].
func (m *HeartbeatReply) Parse(body []byte) error {
	c := cursor{t: TypeHeartbeatReply, body: body}
	m.Session = c.u16("session")
	m.Sequence = c.u32("sequence")
	m.Echo = c.date("echo")
	m.Date = c.date("date")
	return c.end()
}

// Append appends the body; see [Message].
func (m *HeartbeatReply) Append(b []byte) ([]byte, error) {
	w := build(TypeHeartbeatReply, b)
	w.u16(m.Session)
	w.u32(m.Sequence)
	w.date(m.Echo)
	w.date(m.Date)
	return w.end()
}

// Type returns the message's type number.
func (*RequestError) Type() Type { return TypeRequestError }

// Parse reads the body; see [Message].
func (m *RequestError) Parse(body []byte) error {
	c := cursor{t: TypeRequestError, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Refused = Type(c.u8("refused type"))
	m.Code = ErrorCode(c.u8("code"))
	m.Text = c.str("text")
	return c.end()
}

// Append appends the body; see [Message].
func (m *RequestError) Append(b []byte) ([]byte, error) {
	w := build(TypeRequestError, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u8(uint8(m.Refused))
	w.u8(uint8(m.Code))
	w.str("text", m.Text)
	return w.end()
}
