package i2cp

import (
	"errors"

	"multihome.i2p/i2cp/wire"
)

// ReplyClosest leaves it to the router which lease an ack is asked for at.
const ReplyClosest = 255

// MaxKeys is how many private keys a message carries at most.
const MaxKeys = 16

// PublishLeaseSet has the router publish a LeaseSet until it is satisfied that
// it is published. (docs/i2cp-p140.md, 150)
type PublishLeaseSet struct {
	Session    uint16
	Request    uint32
	Outbound   uint32 // the tunnel of the store, 0 for the rule `closest`
	ReplyLease uint8  // the lease of the ack, by its place in the LeaseSet, or ReplyClosest
	StoreType  wire.StoreType
	LeaseSet   []byte
	Keys       []PrivateKey // none where the router has them already
}

// GiveLeaseSet has the router bundle a LeaseSet with what it sends, and not
// publish it. (docs/i2cp-p140.md, 164)
type GiveLeaseSet struct {
	Session   uint16
	Request   uint32
	StoreType wire.StoreType
	LeaseSet  []byte
	Keys      []PrivateKey
}

// SetShadows says which of the router's own tunnels the leases of a LeaseSet stand
// for, before it is published or given. (docs/i2cp-p140.md, 168)
type SetShadows struct {
	Session   uint16
	Request   uint32
	Published wire.Seconds // of that LeaseSet, 0 for none
	Newest    uint32       // id of the newest inbound tunnel that the client has heard of, 0 for none
	Shadows   []uint32     // by lease: a tunnel's id, ShadowNone or ShadowSilent
}

// What stands in SetShadows for a lease that stands for no tunnel.
const (
	ShadowNone   uint32 = 0
	ShadowSilent uint32 = 0xffffffff // it leads nowhere any more
)

// PublishStatus reports a store: sent (ResultPending), acknowledged (ResultOK),
// unanswered (ResultTimeout), given up (ResultFailed, Final) or not begun
// (ResultOutdated, Final).
// (docs/i2cp-p140.md, 151)
type PublishStatus struct {
	Session    uint16
	Request    uint32 // of the PublishLeaseSet
	Published  wire.Seconds
	Result     Result
	Final      bool // nothing more will be reported on this request
	Floodfill  wire.Hash
	Token      uint32 // the message id that the ack of this store bears
	ReplyLease uint8  // where it was asked for
}

const publishFinal = 1

// I2NP types that AckRelayed and RelayAck carry.
const (
	I2NPDatabaseStore       uint8 = 1 // only where the client has sent SetShadows
	I2NPDatabaseSearchReply uint8 = 3
	I2NPDeliveryStatus      uint8 = 10
)

// AckRelayed passes up an ack that the router did not ask for and that came in
// through a tunnel of this session. (docs/i2cp-p140.md, 161)
type AckRelayed struct {
	Session uint16
	Tunnel  uint32 // inbound
	Date    wire.Date
	Kind    uint8  // the I2NP type
	Token   uint32 // a DeliveryStatus's message id, 0 in the others
	Body    []byte // of the I2NP message, without its header
}

// RelayAck hands such an ack to the router that waits for it.
// (docs/i2cp-p140.md, 160)
type RelayAck struct {
	Session   uint16
	Published wire.Seconds // the LeaseSet that was acknowledged
	Kind      uint8
	Token     uint32 // 0: whatever store of Published is under way
	Body      []byte // may be empty
}

// LookupLeaseSet looks a LeaseSet up in the netDb, past the router's own store.
// (docs/i2cp-p140.md, 166)
type LookupLeaseSet struct {
	Session uint16
	Request uint32
	Hash    wire.Hash
	Timeout uint32 // ms
}

// LookupResult answers it. (docs/i2cp-p140.md, 167)
type LookupResult struct {
	Session   uint16
	Request   uint32
	Result    Result
	Floodfill wire.Hash      // that answered, zero if none
	StoreType wire.StoreType // with ResultOK only
	LeaseSet  []byte
}

// PrivateKey is the private half of one encryption key of a LeaseSet (i2cp.md,
// CreateLeaseSet2Message).
type PrivateKey struct {
	Type wire.EncType
	Key  []byte
}

func (c *cursor) storeType() wire.StoreType {
	at := c.off
	v := wire.StoreType(c.u8("store type"))
	if !validStoreType(v) {
		c.fail("store type", at, ErrValue)
	}
	return v
}

func (w *builder) storeType(v wire.StoreType) {
	if !validStoreType(v) {
		w.fail("store type", ErrValue)
	}
	w.u8(uint8(v))
}

func validStoreType(v wire.StoreType) bool {
	return v == wire.StoreLeaseSet || v == wire.StoreLeaseSet2 || v == wire.StoreEncryptedLeaseSet || v == wire.StoreMetaLeaseSet
}

// leaseSet reads a LeaseSet to find its end.
func (c *cursor) leaseSet(field string, t wire.StoreType) []byte {
	if c.err != nil {
		return nil
	}
	start := c.body[c.off:]
	var rest []byte
	var err error
	switch t {
	case wire.StoreLeaseSet:
		_, rest, err = wire.ParseLeaseSet(start)
	case wire.StoreLeaseSet2:
		_, rest, err = wire.ParseLeaseSet2(start)
	case wire.StoreEncryptedLeaseSet:
		_, rest, err = wire.ParseEncryptedLeaseSet(start)
	case wire.StoreMetaLeaseSet:
		_, rest, err = wire.ParseMetaLeaseSet(start)
	}
	if err != nil {
		at := c.off
		var we *wire.Error
		if errors.As(err, &we) {
			at += we.Offset
		}
		c.fail(field, at, err)
		return nil
	}
	return c.take(field, len(start)-len(rest))
}

func (c *cursor) keys(keys []PrivateKey) []PrivateKey {
	n := int(c.enum("key count", MaxKeys))
	keys = keys[:0]
	for i := 0; i < n && c.err == nil; i++ {
		keys = append(keys, PrivateKey{wire.EncType(c.u16("key type")), c.block("private key")})
	}
	return keys
}

func (w *builder) keys(keys []PrivateKey) {
	w.count("key count", len(keys), MaxKeys)
	for i := range keys {
		w.u16(uint16(keys[i].Type))
		w.block("private key", keys[i].Key)
	}
}

// Type returns the message's type number.
func (*PublishLeaseSet) Type() Type { return TypePublishLeaseSet }

// Parse reads the body; see [Message]. It does not look into the LeaseSet.
func (m *PublishLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypePublishLeaseSet, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Outbound = c.u32("outbound tunnel")
	m.ReplyLease = c.u8("reply lease")
	m.StoreType = c.storeType()
	m.LeaseSet = c.block("LeaseSet")
	m.Keys = c.keys(m.Keys)
	return c.end()
}

// Append appends the body; see [Message].
func (m *PublishLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypePublishLeaseSet, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(m.Outbound)
	w.u8(m.ReplyLease)
	w.storeType(m.StoreType)
	w.block("LeaseSet", m.LeaseSet)
	w.keys(m.Keys)
	return w.end()
}

// Type returns the message's type number.
func (*GiveLeaseSet) Type() Type { return TypeGiveLeaseSet }

// Parse reads the body; see [Message]. It does not look into the LeaseSet.
func (m *GiveLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeGiveLeaseSet, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.StoreType = c.storeType()
	m.LeaseSet = c.block("LeaseSet")
	m.Keys = c.keys(m.Keys)
	return c.end()
}

// Append appends the body; see [Message].
func (m *GiveLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeGiveLeaseSet, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.storeType(m.StoreType)
	w.block("LeaseSet", m.LeaseSet)
	w.keys(m.Keys)
	return w.end()
}

// Type returns the message's type number.
func (*SetShadows) Type() Type { return TypeSetShadows }

// Parse reads the body; see [Message].
func (m *SetShadows) Parse(body []byte) error {
	c := cursor{t: TypeSetShadows, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Published = wire.Seconds(c.u32("published"))
	m.Newest = c.u32("newest tunnel")
	n := int(c.u8("shadow count"))
	m.Shadows = m.Shadows[:0]
	for i := 0; i < n && c.err == nil; i++ {
		m.Shadows = append(m.Shadows, c.u32("shadow"))
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *SetShadows) Append(b []byte) ([]byte, error) {
	w := build(TypeSetShadows, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(uint32(m.Published))
	w.u32(m.Newest)
	w.count("shadow count", len(m.Shadows), 255)
	for _, id := range m.Shadows {
		w.u32(id)
	}
	return w.end()
}

// Type returns the message's type number.
func (*PublishStatus) Type() Type { return TypePublishStatus }

// Parse reads the body; see [Message].
func (m *PublishStatus) Parse(body []byte) error {
	c := cursor{t: TypePublishStatus, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Published = wire.Seconds(c.u32("published"))
	m.Result = Result(c.enum("result", resultLast))
	m.Final = c.flags("flags", publishFinal) != 0
	m.Floodfill = c.hash("floodfill")
	m.Token = c.u32("token")
	m.ReplyLease = c.u8("reply lease")
	return c.end()
}

// Append appends the body; see [Message].
func (m *PublishStatus) Append(b []byte) ([]byte, error) {
	w := build(TypePublishStatus, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(uint32(m.Published))
	w.enum("result", uint8(m.Result), resultLast)
	w.bool(m.Final, publishFinal)
	w.hash(&m.Floodfill)
	w.u32(m.Token)
	w.u8(m.ReplyLease)
	return w.end()
}

// Type returns the message's type number.
func (*AckRelayed) Type() Type { return TypeAckRelayed }

// Parse reads the body; see [Message].
func (m *AckRelayed) Parse(body []byte) error {
	c := cursor{t: TypeAckRelayed, body: body}
	m.Session = c.u16("session")
	m.Tunnel = c.u32("tunnel")
	m.Date = c.date("date")
	m.Kind = c.i2np("I2NP type")
	m.Token = c.u32("token")
	m.Body = c.block("ack")
	return c.end()
}

// Append appends the body; see [Message].
func (m *AckRelayed) Append(b []byte) ([]byte, error) {
	w := build(TypeAckRelayed, b)
	w.u16(m.Session)
	w.u32(m.Tunnel)
	w.date(m.Date)
	w.i2np("I2NP type", m.Kind)
	w.u32(m.Token)
	w.block("ack", m.Body)
	return w.end()
}

// Type returns the message's type number.
func (*RelayAck) Type() Type { return TypeRelayAck }

// Parse reads the body; see [Message].
func (m *RelayAck) Parse(body []byte) error {
	c := cursor{t: TypeRelayAck, body: body}
	m.Session = c.u16("session")
	m.Published = wire.Seconds(c.u32("published"))
	m.Kind = c.i2np("I2NP type")
	m.Token = c.u32("token")
	m.Body = c.block("ack")
	return c.end()
}

// Append appends the body; see [Message].
func (m *RelayAck) Append(b []byte) ([]byte, error) {
	w := build(TypeRelayAck, b)
	w.u16(m.Session)
	w.u32(uint32(m.Published))
	w.i2np("I2NP type", m.Kind)
	w.u32(m.Token)
	w.block("ack", m.Body)
	return w.end()
}

func (c *cursor) i2np(field string) uint8 {
	at := c.off
	v := c.u8(field)
	if v != I2NPDeliveryStatus && v != I2NPDatabaseSearchReply && v != I2NPDatabaseStore {
		c.fail(field, at, ErrValue)
	}
	return v
}

func (w *builder) i2np(field string, v uint8) {
	if v != I2NPDeliveryStatus && v != I2NPDatabaseSearchReply && v != I2NPDatabaseStore {
		w.fail(field, ErrValue)
	}
	w.u8(v)
}

// Type returns the message's type number.
func (*LookupLeaseSet) Type() Type { return TypeLookupLeaseSet }

// Parse reads the body; see [Message].
func (m *LookupLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeLookupLeaseSet, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Hash = c.hash("hash")
	m.Timeout = c.u32("timeout")
	return c.end()
}

// Append appends the body; see [Message].
func (m *LookupLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeLookupLeaseSet, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.hash(&m.Hash)
	w.u32(m.Timeout)
	return w.end()
}

// Type returns the message's type number.
func (*LookupResult) Type() Type { return TypeLookupResult }

// Parse reads the body; see [Message].
func (m *LookupResult) Parse(body []byte) error {
	c := cursor{t: TypeLookupResult, body: body}
	*m = LookupResult{
		Session:   c.u16("session"),
		Request:   c.u32("request"),
		Result:    Result(c.enum("result", uint8(ResultFailed))),
		Floodfill: c.hash("floodfill"),
	}
	if c.err == nil && m.Result == ResultOK {
		m.StoreType = c.storeType()
		m.LeaseSet = c.block("LeaseSet")
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *LookupResult) Append(b []byte) ([]byte, error) {
	w := build(TypeLookupResult, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.enum("result", uint8(m.Result), uint8(ResultFailed))
	w.hash(&m.Floodfill)
	if m.Result == ResultOK {
		w.storeType(m.StoreType)
		w.block("LeaseSet", m.LeaseSet)
	} else if m.StoreType != 0 || len(m.LeaseSet) > 0 {
		w.fail("LeaseSet", ErrValue)
	}
	return w.end()
}
