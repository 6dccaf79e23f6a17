package i2cp

import "multihome.i2p/i2cp/wire"

// CreateLeaseSet gives the router an old LeaseSet; deprecated (i2cp.md,
// CreateLeaseSetMessage).
type CreateLeaseSet struct {
	Session    uint16
	SigningKey [20]byte  // ignored by routers
	Key        [256]byte // ElGamal
	LeaseSet   []byte
}

// CreateLeaseSet2 gives the router a LeaseSet to publish (i2cp.md,
// CreateLeaseSet2Message).
type CreateLeaseSet2 struct {
	Session   uint16
	StoreType wire.StoreType
	LeaseSet  []byte
	Keys      []PrivateKey // in the order of the LeaseSet's public keys; none for a MetaLeaseSet
}

// TunnelGateway is one tunnel of a RequestLeaseSet.
type TunnelGateway struct {
	Gateway wire.Hash
	Tunnel  wire.TunnelID
}

// RequestLeaseSet asks for a LeaseSet whose leases all end together;
// deprecated (i2cp.md, RequestLeaseSetMessage).
type RequestLeaseSet struct {
	Session uint16
	Tunnels []TunnelGateway
	End     wire.Date
}

// RequestVariableLeaseSet asks for a LeaseSet (i2cp.md,
// RequestVariableLeaseSetMessage). i2pd ends a session 10 s after it has asked
// in vain.
type RequestVariableLeaseSet struct {
	Session uint16
	Leases  []wire.Lease
}

const leaseLen, gatewayLen = 44, 36

// Type returns the message's type number.
func (*CreateLeaseSet) Type() Type { return TypeCreateLeaseSet }

// Parse reads the body; see [Message]. It does not look into the LeaseSet.
func (m *CreateLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeCreateLeaseSet, body: body}
	m.Session = c.u16("session")
	copy(m.SigningKey[:], c.take("signing private key", len(m.SigningKey)))
	copy(m.Key[:], c.take("private key", len(m.Key)))
	m.LeaseSet = c.rest()
	return c.end()
}

// Append appends the body; see [Message].
func (m *CreateLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeCreateLeaseSet, b)
	w.u16(m.Session)
	w.raw(m.SigningKey[:])
	w.raw(m.Key[:])
	w.raw(m.LeaseSet)
	return w.end()
}

// Type returns the message's type number.
func (*CreateLeaseSet2) Type() Type { return TypeCreateLeaseSet2 }

// Parse reads the body; see [Message]. No length stands before the LeaseSet, so
// it is read to find its end. Behind a MetaLeaseSet nothing follows, not even a
// number of keys: the specification leaves that open, and Java I2P does so.
func (m *CreateLeaseSet2) Parse(body []byte) error {
	c := cursor{t: TypeCreateLeaseSet2, body: body}
	m.Session = c.u16("session")
	m.StoreType = c.storeType()
	m.LeaseSet = c.leaseSet("LeaseSet", m.StoreType)
	m.Keys = m.Keys[:0]
	if m.StoreType != wire.StoreMetaLeaseSet {
		m.Keys = c.keys(m.Keys)
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *CreateLeaseSet2) Append(b []byte) ([]byte, error) {
	w := build(TypeCreateLeaseSet2, b)
	w.u16(m.Session)
	w.storeType(m.StoreType)
	w.raw(m.LeaseSet)
	if m.StoreType != wire.StoreMetaLeaseSet {
		w.keys(m.Keys)
	} else if len(m.Keys) > 0 {
		w.fail("private keys", ErrValue)
	}
	return w.end()
}

// Type returns the message's type number.
func (*RequestLeaseSet) Type() Type { return TypeRequestLeaseSet }

// Parse reads the body; see [Message].
func (m *RequestLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeRequestLeaseSet, body: body}
	m.Session = c.u16("session")
	at := c.off
	n := int(c.u8("tunnel count"))
	if n*gatewayLen > c.left() {
		c.fail("tunnel count", at, ErrTruncated)
	}
	m.Tunnels = m.Tunnels[:0]
	for i := 0; i < n && c.err == nil; i++ {
		m.Tunnels = append(m.Tunnels, TunnelGateway{c.hash("gateway"), wire.TunnelID(c.u32("tunnel id"))})
	}
	m.End = c.date("end")
	return c.end()
}

// Append appends the body; see [Message].
func (m *RequestLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeRequestLeaseSet, b)
	w.u16(m.Session)
	w.count("tunnel count", len(m.Tunnels), 255)
	for i := range m.Tunnels {
		w.hash(&m.Tunnels[i].Gateway)
		w.u32(uint32(m.Tunnels[i].Tunnel))
	}
	w.date(m.End)
	return w.end()
}

// Type returns the message's type number.
func (*RequestVariableLeaseSet) Type() Type { return TypeRequestVariableLeaseSet }

// Parse reads the body; see [Message].
func (m *RequestVariableLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeRequestVariableLeaseSet, body: body}
	m.Session = c.u16("session")
	at := c.off
	n := int(c.u8("lease count"))
	if n*leaseLen > c.left() {
		c.fail("lease count", at, ErrTruncated)
	}
	m.Leases = m.Leases[:0]
	for i := 0; i < n && c.err == nil; i++ {
		m.Leases = append(m.Leases, wire.Lease{Gateway: c.hash("gateway"), Tunnel: wire.TunnelID(c.u32("tunnel id")), End: c.date("end")})
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *RequestVariableLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeRequestVariableLeaseSet, b)
	w.u16(m.Session)
	w.count("lease count", len(m.Leases), 255)
	for i := range m.Leases {
		w.hash(&m.Leases[i].Gateway)
		w.u32(uint32(m.Leases[i].Tunnel))
		w.date(m.Leases[i].End)
	}
	return w.end()
}
