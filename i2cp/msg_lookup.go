package i2cp

import (
	"encoding/binary"
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// DestLookup asks for the Destination with a hash (i2cp.md, DestLookupMessage).
type DestLookup struct {
	Hash wire.Hash
}

// DestReply answers it: the Destination, or the hash where nothing was found.
// Routers before 0.8.3 send neither (i2cp.md, DestReplyMessage).
type DestReply struct {
	Destination []byte     // nil where nothing was found
	Hash        *wire.Hash // of the lookup; nil where Destination is there
}

// LookupKind is the request type of a HostLookup.
type LookupKind uint8

// Lookup kinds (i2cp.md, HostLookupMessage). Those WithOptions, from 0.9.66 on,
// want the LeaseSet's options as well.
const (
	LookupHash LookupKind = iota
	LookupName
	LookupHashWithOptions
	LookupNameWithOptions
	LookupDestinationWithOptions
)

// HostLookup asks for a Destination by name or hash (i2cp.md,
// HostLookupMessage). Which of Hash, Name, Destination and Key counts depends on
// Kind; Key holds what a kind unknown here has, to be answered by
// LookupUnsupported.
type HostLookup struct {
	Session     uint16
	Request     uint32
	Timeout     uint32 // ms
	Kind        LookupKind
	Hash        wire.Hash
	Name        string
	Destination []byte
	Key         []byte
}

// LookupCode is the result code of a HostReply.
type LookupCode uint8

// Lookup results (i2cp.md, HostReplyMessage).
const (
	LookupOK LookupCode = iota
	LookupFailed
	LookupNeedsPassword
	LookupNeedsKey
	LookupNeedsPasswordAndKey
	LookupDecryptionFailed
	LookupLeaseSetFailed
	LookupUnsupported
)

var lookupCodes = [...]string{
	"success", "failed", "password required", "private key required",
	"password and private key required", "LeaseSet decryption failed", "LeaseSet not found", "unsupported",
}

func (c LookupCode) String() string {
	if int(c) < len(lookupCodes) {
		return lookupCodes[c]
	}
	return fmt.Sprintf("result %d", uint8(c))
}

// HostReply answers a HostLookup (i2cp.md, HostReplyMessage).
type HostReply struct {
	Session     uint16
	Request     uint32
	Code        LookupCode
	Destination []byte // there with LookupOK, and perhaps with LookupLeaseSetFailed
	HasOptions  bool
	Options     wire.Mapping // of the LeaseSet
}

// BlindingInfo tells the router how to reach a blinded Destination (i2cp.md,
// BlindingInfoMessage).
type BlindingInfo struct {
	Session  uint16
	Flags    uint8 // bit 0: per client, bits 1 to 3: scheme, bit 4: a secret
	Kind     BlindingKind
	SigType  wire.SigType // of the blinded key
	Expires  wire.Seconds
	Hash     wire.Hash
	Name     string
	Endpoint []byte // the Destination, or a key's 2-byte type and the key
	Key      []byte // 32 bytes; there with flag bit 0
	Password string // there with flag bit 4
}

// BlindingKind is the kind of endpoint that a BlindingInfo names.
type BlindingKind uint8

// Endpoints of a BlindingInfo.
const (
	BlindingHash BlindingKind = iota
	BlindingName
	BlindingDestination
	BlindingSigningKey
)

const (
	blindingPerClient = 1
	blindingSecret    = 1 << 4
	blindingFlags     = 0x1f
)

// Type returns the message's type number.
func (*DestLookup) Type() Type { return TypeDestLookup }

// Parse reads the body; see [Message].
func (m *DestLookup) Parse(body []byte) error {
	c := cursor{t: TypeDestLookup, body: body}
	m.Hash = c.hash("hash")
	return c.end()
}

// Append appends the body; see [Message].
func (m *DestLookup) Append(b []byte) ([]byte, error) {
	return append(b, m.Hash[:]...), nil
}

// Type returns the message's type number.
func (*DestReply) Type() Type { return TypeDestReply }

// Parse reads the body; see [Message].
func (m *DestReply) Parse(body []byte) error {
	c := cursor{t: TypeDestReply, body: body}
	*m = DestReply{}
	switch len(body) {
	case 0:
	case len(wire.Hash{}):
		h := c.hash("hash")
		m.Hash = &h
	default:
		m.Destination = c.destination()
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *DestReply) Append(b []byte) ([]byte, error) {
	w := build(TypeDestReply, b)
	switch {
	case m.Destination != nil && m.Hash != nil:
		w.fail("hash", ErrValue)
	case m.Destination != nil:
		w.destination(m.Destination)
	case m.Hash != nil:
		w.hash(m.Hash)
	}
	return w.end()
}

// Type returns the message's type number.
func (*HostLookup) Type() Type { return TypeHostLookup }

// Parse reads the body; see [Message].
func (m *HostLookup) Parse(body []byte) error {
	c := cursor{t: TypeHostLookup, body: body}
	*m = HostLookup{
		Session: c.u16("session"),
		Request: c.u32("request"),
		Timeout: c.u32("timeout"),
		Kind:    LookupKind(c.u8("request type")),
	}
	switch m.Kind {
	case LookupHash, LookupHashWithOptions:
		m.Hash = c.hash("hash")
	case LookupName, LookupNameWithOptions:
		m.Name = c.str("name")
	case LookupDestinationWithOptions:
		m.Destination = c.destination()
	default:
		m.Key = c.rest()
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *HostLookup) Append(b []byte) ([]byte, error) {
	w := build(TypeHostLookup, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(m.Timeout)
	w.u8(uint8(m.Kind))
	switch m.Kind {
	case LookupHash, LookupHashWithOptions:
		w.hash(&m.Hash)
	case LookupName, LookupNameWithOptions:
		w.str("name", m.Name)
	case LookupDestinationWithOptions:
		w.destination(m.Destination)
	default:
		w.raw(m.Key)
	}
	return w.end()
}

// Type returns the message's type number.
func (*HostReply) Type() Type { return TypeHostReply }

// Parse reads the body; see [Message].
func (m *HostReply) Parse(body []byte) error {
	c := cursor{t: TypeHostReply, body: body}
	*m = HostReply{
		Session: c.u16("session"),
		Request: c.u32("request"),
		Code:    LookupCode(c.u8("result")),
	}
	if m.Code == LookupOK || m.Code == LookupLeaseSetFailed && c.left() > 0 {
		m.Destination = c.destination()
	}
	if m.Code == LookupOK && c.left() > 0 {
		m.HasOptions = true
		m.Options = c.mapping()
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *HostReply) Append(b []byte) ([]byte, error) {
	w := build(TypeHostReply, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u8(uint8(m.Code))
	switch {
	case m.Code == LookupOK || m.Code == LookupLeaseSetFailed && m.Destination != nil:
		w.destination(m.Destination)
	case m.Destination != nil:
		w.fail("destination", ErrValue)
	}
	switch {
	case m.HasOptions && m.Code == LookupOK:
		w.mapping(m.Options)
	case m.HasOptions || m.Options.Size() > 2:
		w.fail("options", ErrValue)
	}
	return w.end()
}

// Type returns the message's type number.
func (*BlindingInfo) Type() Type { return TypeBlindingInfo }

// Parse reads the body; see [Message].
func (m *BlindingInfo) Parse(body []byte) error {
	c := cursor{t: TypeBlindingInfo, body: body}
	*m = BlindingInfo{
		Session: c.u16("session"),
		Flags:   c.flags("flags", blindingFlags),
		Kind:    BlindingKind(c.enum("endpoint type", uint8(BlindingSigningKey))),
		SigType: wire.SigType(c.u16("signature type")),
		Expires: wire.Seconds(c.u32("expiration")),
	}
	switch m.Kind {
	case BlindingHash:
		m.Hash = c.hash("hash")
	case BlindingName:
		m.Name = c.str("name")
	case BlindingDestination:
		m.Endpoint = c.destination()
	case BlindingSigningKey:
		at := c.off
		if c.left() < 2 {
			c.fail("signing key", at, ErrTruncated)
			break
		}
		n, ok := wire.SigType(binary.BigEndian.Uint16(c.body[at:])).PublicKeyLen()
		if !ok {
			c.fail("signing key", at, ErrValue)
		}
		m.Endpoint = c.take("signing key", 2+n)
	}
	if m.Flags&blindingPerClient != 0 {
		m.Key = c.take("private key", 32)
	}
	if m.Flags&blindingSecret != 0 {
		m.Password = c.str("password")
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *BlindingInfo) Append(b []byte) ([]byte, error) {
	w := build(TypeBlindingInfo, b)
	w.u16(m.Session)
	w.flags("flags", m.Flags, blindingFlags)
	w.enum("endpoint type", uint8(m.Kind), uint8(BlindingSigningKey))
	w.u16(uint16(m.SigType))
	w.u32(uint32(m.Expires))
	switch m.Kind {
	case BlindingHash:
		w.hash(&m.Hash)
	case BlindingName:
		w.str("name", m.Name)
	case BlindingDestination:
		w.destination(m.Endpoint)
	case BlindingSigningKey:
		if len(m.Endpoint) < 2 {
			w.fail("signing key", ErrValue)
		} else if n, ok := wire.SigType(binary.BigEndian.Uint16(m.Endpoint)).PublicKeyLen(); !ok || len(m.Endpoint) != 2+n {
			w.fail("signing key", ErrValue)
		}
		w.raw(m.Endpoint)
	}
	if wants := m.Flags&blindingPerClient != 0; wants && len(m.Key) != 32 || !wants && len(m.Key) != 0 {
		w.fail("private key", ErrValue)
	}
	w.raw(m.Key)
	if m.Flags&blindingSecret != 0 {
		w.str("password", m.Password)
	} else if m.Password != "" {
		w.fail("password", ErrValue)
	}
	return w.end()
}
