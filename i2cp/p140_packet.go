package i2cp

import "multihome.i2p/i2cp/wire"

// SendPacket sends a payload to a Destination, through a given outbound tunnel
// if one is named. (docs/i2cp-p140.md, 152)
type SendPacket struct {
	Session     uint16
	Request     uint32 // as the nonce of SendMessage: 0 wants no SendStatus
	Tunnel      uint32 // outbound; 0 for any
	Flags       SendFlags
	Expiration  wire.Date // of which 48 bits travel; 0: the router's default
	Destination []byte
	Payload     []byte // in the gzip wrapper
}

// SendStatus tells what became of a SendPacket or a GarlicDown.
// (docs/i2cp-p140.md, 153)
type SendStatus struct {
	Session uint16
	Request uint32
	Status  MessageState
	Tunnel  uint32 // that it left through, 0 if none
}

// PacketReceived is a packet that came in. (docs/i2cp-p140.md, 157)
type PacketReceived struct {
	Session uint16
	Message uint32 // the router's number
	Tunnel  uint32 // inbound, that it came through; 0 if the router cannot tell
	Payload []byte // in the gzip wrapper
}

// GarlicDown sends garlic that the client encrypted. (docs/i2cp-p140.md, 162)
type GarlicDown struct {
	Session    uint16
	Request    uint32        // 0 wants no SendStatus
	Tunnel     uint32        // outbound; 0 for any
	Gateway    wire.Hash     // of the lease that it goes to
	Receive    wire.TunnelID // tunnel number there
	Expiration wire.Date     // of which 48 bits travel; 0: the router's default
	Payload    []byte        // the body of an I2NP Garlic message, after its length
}

// GarlicUp is garlic that came in and that the router did not decrypt.
// (docs/i2cp-p140.md, 163)
type GarlicUp struct {
	Session uint16
	Tunnel  uint32 // inbound
	Payload []byte
}

// Type returns the message's type number.
func (*SendPacket) Type() Type { return TypeSendPacket }

// Parse reads the body; see [Message].
func (m *SendPacket) Parse(body []byte) error {
	c := cursor{t: TypeSendPacket, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Tunnel = c.u32("tunnel")
	m.Flags = SendFlags(c.u16("flags"))
	m.Expiration = wire.Date(c.u48("expiration"))
	m.Destination = c.destination()
	m.Payload = c.payload()
	return c.end()
}

// Append appends the body; see [Message].
func (m *SendPacket) Append(b []byte) ([]byte, error) {
	w := build(TypeSendPacket, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(m.Tunnel)
	w.u16(uint16(m.Flags))
	w.u48("expiration", uint64(m.Expiration))
	w.destination(m.Destination)
	w.payload(m.Payload)
	return w.end()
}

// Type returns the message's type number.
func (*SendStatus) Type() Type { return TypeSendStatus }

// Parse reads the body; see [Message].
func (m *SendStatus) Parse(body []byte) error {
	c := cursor{t: TypeSendStatus, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Status = MessageState(c.u8("status"))
	m.Tunnel = c.u32("tunnel")
	return c.end()
}

// Append appends the body; see [Message].
func (m *SendStatus) Append(b []byte) ([]byte, error) {
	w := build(TypeSendStatus, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u8(uint8(m.Status))
	w.u32(m.Tunnel)
	return w.end()
}

// Type returns the message's type number.
func (*PacketReceived) Type() Type { return TypePacketReceived }

// Parse reads the body; see [Message].
func (m *PacketReceived) Parse(body []byte) error {
	c := cursor{t: TypePacketReceived, body: body}
	m.Session = c.u16("session")
	m.Message = c.u32("message id")
	m.Tunnel = c.u32("tunnel")
	m.Payload = c.payload()
	return c.end()
}

// Append appends the body; see [Message].
func (m *PacketReceived) Append(b []byte) ([]byte, error) {
	w := build(TypePacketReceived, b)
	w.u16(m.Session)
	w.u32(m.Message)
	w.u32(m.Tunnel)
	w.payload(m.Payload)
	return w.end()
}

// Type returns the message's type number.
func (*GarlicDown) Type() Type { return TypeGarlicDown }

// Parse reads the body; see [Message].
func (m *GarlicDown) Parse(body []byte) error {
	c := cursor{t: TypeGarlicDown, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Tunnel = c.u32("tunnel")
	m.Gateway = c.hash("gateway")
	m.Receive = wire.TunnelID(c.u32("receive id"))
	m.Expiration = wire.Date(c.u48("expiration"))
	m.Payload = c.payload()
	return c.end()
}

// Append appends the body; see [Message].
func (m *GarlicDown) Append(b []byte) ([]byte, error) {
	w := build(TypeGarlicDown, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(m.Tunnel)
	w.hash(&m.Gateway)
	w.u32(uint32(m.Receive))
	w.u48("expiration", uint64(m.Expiration))
	w.payload(m.Payload)
	return w.end()
}

// Type returns the message's type number.
func (*GarlicUp) Type() Type { return TypeGarlicUp }

// Parse reads the body; see [Message].
func (m *GarlicUp) Parse(body []byte) error {
	c := cursor{t: TypeGarlicUp, body: body}
	m.Session = c.u16("session")
	m.Tunnel = c.u32("tunnel")
	m.Payload = c.payload()
	return c.end()
}

// Append appends the body; see [Message].
func (m *GarlicUp) Append(b []byte) ([]byte, error) {
	w := build(TypeGarlicUp, b)
	w.u16(m.Session)
	w.u32(m.Tunnel)
	w.payload(m.Payload)
	return w.end()
}
