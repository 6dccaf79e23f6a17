package i2cp

import (
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// SendMessage sends a payload to a Destination (i2cp.md, SendMessageMessage).
type SendMessage struct {
	Session     uint16
	Destination []byte
	Payload     []byte // in the gzip wrapper; see [AppendPayload]
	Nonce       uint32 // 0: no MessageStatus is wanted
}

// SendFlags are hints to the router (i2cp.md, SendMessageExpiresMessage, Flags
// Field). Bits 0 to 7 choose numbers of ElGamal session tags; bits 9 and 10 are
// to be removed; bits 11 to 15 are zero.
type SendFlags uint16

// SendNoLeaseSet asks the router not to bundle the LeaseSet.
const SendNoLeaseSet SendFlags = 1 << 8

// SendMessageExpires is a SendMessage with flags and an end (i2cp.md,
// SendMessageExpiresMessage).
type SendMessageExpires struct {
	Session     uint16
	Destination []byte
	Payload     []byte
	Nonce       uint32
	Flags       SendFlags
	Expiration  wire.Date // of which 48 bits travel
}

// MessageState is the status byte of MessageStatus, and of the extension's
// SendStatus.
type MessageState uint8

// Message states (i2cp.md, MessageStatusMessage).
const (
	MessageAvailable MessageState = iota
	MessageAccepted
	MessageBestEffortSuccess
	MessageBestEffortFailure
	MessageSuccess
	MessageFailure
	MessageLocalSuccess
	MessageLocalFailure
	MessageRouterFailure
	MessageNetworkFailure
	MessageBadSession
	MessageBadMessage
	MessageBadOptions
	MessageOverflow
	MessageExpired
	MessageBadLocalLeaseSet
	MessageNoLocalTunnels
	MessageUnsupportedEncryption
	MessageBadDestination
	MessageBadLeaseSet
	MessageExpiredLeaseSet
	MessageNoLeaseSet
	MessageMetaLeaseSet
	MessageLoopback
)

var messageStates = [...]string{
	"available", "accepted", "best effort success", "best effort failure", "success", "failure",
	"local success", "local failure", "router failure", "network failure", "bad session", "bad message",
	"bad options", "overflow", "expired", "bad local LeaseSet", "no local tunnels",
	"unsupported encryption", "bad destination", "bad LeaseSet", "expired LeaseSet", "no LeaseSet",
	"meta LeaseSet", "loopback denied",
}

func (s MessageState) String() string {
	if int(s) < len(messageStates) {
		return messageStates[s]
	}
	return fmt.Sprintf("status %d", uint8(s))
}

// OK reports whether the message went, or will go, out: "the codes 1, 2, 4, and
// 6 indicate success; all others are failures".
func (s MessageState) OK() bool {
	return s == MessageAccepted || s == MessageBestEffortSuccess || s == MessageSuccess || s == MessageLocalSuccess
}

// MessageStatus tells what became of a message (i2cp.md, MessageStatusMessage).
type MessageStatus struct {
	Session uint16
	Message uint32 // the router's number
	Status  MessageState
	Size    uint32 // of the message where Status is MessageAvailable
	Nonce   uint32 // the client's number
}

// MessagePayload is a message that came in (i2cp.md, MessagePayloadMessage).
type MessagePayload struct {
	Session uint16
	Message uint32
	Payload []byte // in the gzip wrapper; see [ParsePayload]
}

// ReceiveMessageBegin fetches a message that is available; deprecated (i2cp.md,
// ReceiveMessageBeginMessage).
type ReceiveMessageBegin struct {
	Session uint16
	Message uint32
}

// ReceiveMessageEnd confirms it; deprecated (i2cp.md, ReceiveMessageEndMessage).
type ReceiveMessageEnd struct {
	Session uint16
	Message uint32
}

// Type returns the message's type number.
func (*SendMessage) Type() Type { return TypeSendMessage }

// Parse reads the body; see [Message].
func (m *SendMessage) Parse(body []byte) error {
	c := cursor{t: TypeSendMessage, body: body}
	m.Session = c.u16("session")
	m.Destination = c.destination()
	m.Payload = c.payload()
	m.Nonce = c.u32("nonce")
	return c.end()
}

// Append appends the body; see [Message].
func (m *SendMessage) Append(b []byte) ([]byte, error) {
	w := build(TypeSendMessage, b)
	w.u16(m.Session)
	w.destination(m.Destination)
	w.payload(m.Payload)
	w.u32(m.Nonce)
	return w.end()
}

// Type returns the message's type number.
func (*SendMessageExpires) Type() Type { return TypeSendMessageExpires }

// Parse reads the body; see [Message].
func (m *SendMessageExpires) Parse(body []byte) error {
	c := cursor{t: TypeSendMessageExpires, body: body}
	m.Session = c.u16("session")
	m.Destination = c.destination()
	m.Payload = c.payload()
	m.Nonce = c.u32("nonce")
	m.Flags = SendFlags(c.u16("flags"))
	m.Expiration = wire.Date(c.u48("expiration"))
	return c.end()
}

// Append appends the body; see [Message].
func (m *SendMessageExpires) Append(b []byte) ([]byte, error) {
	w := build(TypeSendMessageExpires, b)
	w.u16(m.Session)
	w.destination(m.Destination)
	w.payload(m.Payload)
	w.u32(m.Nonce)
	w.u16(uint16(m.Flags))
	w.u48("expiration", uint64(m.Expiration))
	return w.end()
}

// Type returns the message's type number.
func (*MessageStatus) Type() Type { return TypeMessageStatus }

// Parse reads the body; see [Message].
func (m *MessageStatus) Parse(body []byte) error {
	c := cursor{t: TypeMessageStatus, body: body}
	m.Session = c.u16("session")
	m.Message = c.u32("message id")
	m.Status = MessageState(c.u8("status"))
	m.Size = c.u32("size")
	m.Nonce = c.u32("nonce")
	return c.end()
}

// Append appends the body; see [Message].
func (m *MessageStatus) Append(b []byte) ([]byte, error) {
	w := build(TypeMessageStatus, b)
	w.u16(m.Session)
	w.u32(m.Message)
	w.u8(uint8(m.Status))
	w.u32(m.Size)
	w.u32(m.Nonce)
	return w.end()
}

// Type returns the message's type number.
func (*MessagePayload) Type() Type { return TypeMessagePayload }

// Parse reads the body; see [Message].
func (m *MessagePayload) Parse(body []byte) error {
	c := cursor{t: TypeMessagePayload, body: body}
	m.Session = c.u16("session")
	m.Message = c.u32("message id")
	m.Payload = c.payload()
	return c.end()
}

// Append appends the body; see [Message].
func (m *MessagePayload) Append(b []byte) ([]byte, error) {
	w := build(TypeMessagePayload, b)
	w.u16(m.Session)
	w.u32(m.Message)
	w.payload(m.Payload)
	return w.end()
}

// Type returns the message's type number.
func (*ReceiveMessageBegin) Type() Type { return TypeReceiveMessageBegin }

// Parse reads the body; see [Message].
func (m *ReceiveMessageBegin) Parse(body []byte) error {
	c := cursor{t: TypeReceiveMessageBegin, body: body}
	m.Session = c.u16("session")
	m.Message = c.u32("message id")
	return c.end()
}

// Append appends the body; see [Message].
func (m *ReceiveMessageBegin) Append(b []byte) ([]byte, error) {
	w := build(TypeReceiveMessageBegin, b)
	w.u16(m.Session)
	w.u32(m.Message)
	return w.end()
}

// Type returns the message's type number.
func (*ReceiveMessageEnd) Type() Type { return TypeReceiveMessageEnd }

// Parse reads the body; see [Message].
func (m *ReceiveMessageEnd) Parse(body []byte) error {
	c := cursor{t: TypeReceiveMessageEnd, body: body}
	m.Session = c.u16("session")
	m.Message = c.u32("message id")
	return c.end()
}

// Append appends the body; see [Message].
func (m *ReceiveMessageEnd) Append(b []byte) ([]byte, error) {
	w := build(TypeReceiveMessageEnd, b)
	w.u16(m.Session)
	w.u32(m.Message)
	return w.end()
}
