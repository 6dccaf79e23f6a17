package i2cp

import (
	"fmt"

	"multihome.i2p/i2cp/wire"
)

// Peer is one router of the network in a Peer List: what the choice of a path
// needs and no more.
type Peer struct {
	Hash    wire.Hash
	Net16   uint16 // the /16 of its IPv4 address, 0 if it has none
	Port    uint16 // of its published address, 0 if none
	Family  uint32 // the first 4 bytes of SHA-256 of its family's name in lower case, 0 for none
	Version uint32 // major<<16 | minor<<8 | patch
	Flags   PeerFlags
	Caps    [8]byte // the published capability letters, then zeros
}

const peerLen = 32 + 2 + 2 + 4 + 4 + 1 + 8

// PeerFlags are properties that a router publishes, and what the asked one
// thinks of it.
type PeerFlags uint8

// Peer flags.
const (
	PeerReachable PeerFlags = 1 << iota // capability R
	PeerIPv4                            // publishes an IPv4 address
	PeerFloodfill                       // capability f
	PeerExcluded                        // never a hop: hidden, congested or banned
	PeerFast                            // stands in the fast tier, else in the next one

	peerFlags = 1<<iota - 1
)

// ListFlags are the flags of lists.
type ListFlags uint8

// List flags.
const (
	ListMore      ListFlags = 1 << iota // another message of the same request follows
	ListUnchanged                       // the list of the version that was asked with; it is left out

	peerListFlags   = uint8(ListMore | ListUnchanged)
	tunnelListFlags = uint8(ListMore)
)

// Bounds of what one message of a list holds.
const (
	MaxPeersPerMessage   = 1200
	MaxTunnelsPerMessage = 128
)

// GetFastTier asks for the peers that the router would build through.
// (docs/i2cp-p140.md, 144)
type GetFastTier struct {
	Session uint16
	Request uint32
	Version uint64 // of the last list known, 0 for none
}

// PeerList answers it, in one message or several. (docs/i2cp-p140.md, 145)
type PeerList struct {
	Session uint16
	Request uint32
	Version uint64
	Flags   ListFlags
	Peers   []Peer
}

// Direction of a tunnel, as seen from the router.
type Direction uint8

// Directions.
const (
	Inbound Direction = iota
	Outbound
)

func (d Direction) String() string {
	switch d {
	case Inbound:
		return "inbound"
	case Outbound:
		return "outbound"
	}
	return fmt.Sprintf("direction %d", uint8(d))
}

// Result is the outcome of a build, a store or a lookup.
type Result uint8

// Results.
const (
	ResultOK       Result = iota
	ResultRejected        // a hop said no
	ResultTimeout         // nobody answered
	ResultNoPeers         // the router knew too few peers, or refused the path
	ResultFailed          // any other failure
	ResultPending         // under way: a store that was sent
	ResultOutdated        // not begun: the LeaseSet lacks a tunnel that was just built

	resultLast = uint8(ResultOutdated)
)

var results = [...]string{"ok", "rejected", "timeout", "no peers", "failed", "pending"}

func (r Result) String() string {
	if int(r) < len(results) {
		return results[r]
	}
	return fmt.Sprintf("result %d", uint8(r))
}

// CreateTunnel has a tunnel built. (docs/i2cp-p140.md, 146)
type CreateTunnel struct {
	Session   uint16
	Request   uint32
	Direction Direction
	Hops      uint8
	Named     bool   // Path[:Hops] is given, from the router outwards; else the router chooses
	Reuse     uint32 // the tunnel whose path shall be repeated, 0 for none; not with Named
	Path      [MaxHops]wire.Hash
}

const createNamed = 1

// Tunnel is one tunnel in TunnelStatus and TunnelList.
type Tunnel struct {
	ID        uint32 // the router's name for it in this session, never 0 nor used twice
	Direction Direction
	Gateway   wire.Hash     // IBGW of an inbound tunnel, OBEP of an outbound one
	Receive   wire.TunnelID // tunnel number at the gateway: what a lease lists
	Created   wire.Date     // when its build was requested
	Expires   wire.Date
	Hops      uint8
	Path      [MaxHops]wire.Hash // from the router outwards
}

// TunnelStatus is the result of a CreateTunnel. A build that was reported as
// ResultTimeout may be reported once more, Late, as ResultOK.
// (docs/i2cp-p140.md, 147)
type TunnelStatus struct {
	Session uint16
	Request uint32
	Result  Result
	Late    bool
	Tunnel  Tunnel // with ResultOK only
}

const statusLate = 1

// GetTunnelPool asks for the tunnels of a pool. (docs/i2cp-p140.md, 148)
type GetTunnelPool struct {
	Session   uint16
	Request   uint32
	Direction Direction
}

// TunnelList answers it, in one message or several. (docs/i2cp-p140.md, 149)
type TunnelList struct {
	Session   uint16
	Request   uint32
	Direction Direction
	Flags     ListFlags // ListMore only
	Tunnels   []Tunnel
}

// DropTunnel has the router forget a tunnel; TunnelExpired confirms it.
// (docs/i2cp-p140.md, 154)
type DropTunnel struct {
	Session uint16
	Request uint32
	Tunnel  uint32
}

// ExpiryReason says why a tunnel left its pool.
type ExpiryReason uint8

// Reasons of TunnelExpired.
const (
	TunnelEnded   ExpiryReason = iota // its time was up, by the router's own early expiry
	TunnelFailed                      // its tests failed
	TunnelDropped                     // DropTunnel asked for it

	expiryLast = uint8(TunnelDropped)
)

// TunnelExpired tells unasked that a tunnel left its pool.
// (docs/i2cp-p140.md, 155)
type TunnelExpired struct {
	Session   uint16
	Tunnel    uint32
	Direction Direction
	Reason    ExpiryReason
	Date      wire.Date
}

func (p *Peer) parse(c *cursor) {
	p.Hash = c.hash("peer hash")
	p.Net16 = c.u16("peer /16")
	p.Port = c.u16("peer port")
	p.Family = c.u32("peer family")
	p.Version = c.u32("peer version")
	p.Flags = PeerFlags(c.flags("peer flags", peerFlags))
	at := c.off
	copy(p.Caps[:], c.take("peer caps", len(p.Caps)))
	if !validCaps(&p.Caps) {
		c.fail("peer caps", at, ErrValue)
	}
}

func (p *Peer) build(w *builder) {
	w.hash(&p.Hash)
	w.u16(p.Net16)
	w.u16(p.Port)
	w.u32(p.Family)
	w.u32(p.Version)
	w.flags("peer flags", uint8(p.Flags), peerFlags)
	if !validCaps(&p.Caps) {
		w.fail("peer caps", ErrValue)
	}
	w.raw(p.Caps[:])
}

// validCaps: letters, then zeros.
func validCaps(caps *[8]byte) bool {
	ended := false
	for _, b := range caps {
		letter := b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
		if b != 0 && (!letter || ended) {
			return false
		}
		ended = ended || b == 0
	}
	return true
}

func (t *Tunnel) parse(c *cursor) {
	at := c.off
	if t.ID = c.u32("tunnel id"); t.ID == 0 {
		c.fail("tunnel id", at, ErrValue)
	}
	t.Direction = Direction(c.enum("direction", uint8(Outbound)))
	t.Gateway = c.hash("gateway")
	t.Receive = wire.TunnelID(c.u32("receive id"))
	t.Created = c.date("created")
	t.Expires = c.date("expires")
	t.Hops = c.enum("hops", MaxHops)
	c.path(&t.Path, t.Hops)
}

func (t *Tunnel) build(w *builder) {
	if t.ID == 0 {
		w.fail("tunnel id", ErrValue)
	}
	w.u32(t.ID)
	w.enum("direction", uint8(t.Direction), uint8(Outbound))
	w.hash(&t.Gateway)
	w.u32(uint32(t.Receive))
	w.date(t.Created)
	w.date(t.Expires)
	w.enum("hops", t.Hops, MaxHops)
	w.path(&t.Path, t.Hops)
}

// path reads the hops of a path and clears the rest.
func (c *cursor) path(path *[MaxHops]wire.Hash, hops uint8) {
	for i := range path {
		if i < int(hops) && c.err == nil {
			path[i] = c.hash("path")
		} else {
			path[i] = wire.Hash{}
		}
	}
}

func (w *builder) path(path *[MaxHops]wire.Hash, hops uint8) {
	for i := range min(int(hops), MaxHops) {
		w.hash(&path[i])
	}
}

// Type returns the message's type number.
func (*GetFastTier) Type() Type { return TypeGetFastTier }

// Parse reads the body; see [Message].
func (m *GetFastTier) Parse(body []byte) error {
	c := cursor{t: TypeGetFastTier, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Version = c.u64("version")
	return c.end()
}

// Append appends the body; see [Message].
func (m *GetFastTier) Append(b []byte) ([]byte, error) {
	w := build(TypeGetFastTier, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u64(m.Version)
	return w.end()
}

// Type returns the message's type number.
func (*PeerList) Type() Type { return TypePeerList }

// Parse reads the body; see [Message].
func (m *PeerList) Parse(body []byte) error {
	c := cursor{t: TypePeerList, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Version = c.u64("version")
	at := c.off
	m.Flags = ListFlags(c.flags("flags", peerListFlags))
	if m.Flags == ListMore|ListUnchanged {
		c.fail("flags", at, ErrValue)
	}
	at = c.off
	n := int(c.u16("count"))
	switch {
	case n > MaxPeersPerMessage:
		c.fail("count", at, ErrTooLong)
	case n > 0 && m.Flags&ListUnchanged != 0:
		c.fail("count", at, ErrValue)
	case n*peerLen > c.left():
		c.fail("count", at, ErrTruncated)
	}
	m.Peers = m.Peers[:0]
	for i := 0; i < n && c.err == nil; i++ {
		m.Peers = append(m.Peers, Peer{})
		m.Peers[i].parse(&c)
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *PeerList) Append(b []byte) ([]byte, error) {
	w := build(TypePeerList, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u64(m.Version)
	if m.Flags == ListMore|ListUnchanged {
		w.fail("flags", ErrValue)
	}
	w.flags("flags", uint8(m.Flags), peerListFlags)
	switch {
	case len(m.Peers) > MaxPeersPerMessage:
		w.fail("count", ErrTooLong)
	case len(m.Peers) > 0 && m.Flags&ListUnchanged != 0:
		w.fail("count", ErrValue)
	}
	w.u16(uint16(len(m.Peers)))
	for i := range m.Peers {
		m.Peers[i].build(&w)
	}
	return w.end()
}

// Type returns the message's type number.
func (*CreateTunnel) Type() Type { return TypeCreateTunnel }

// Parse reads the body; see [Message].
func (m *CreateTunnel) Parse(body []byte) error {
	c := cursor{t: TypeCreateTunnel, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Direction = Direction(c.enum("direction", uint8(Outbound)))
	m.Named = c.flags("flags", createNamed) != 0
	m.Hops = c.enum("hops", MaxHops)
	at := c.off
	m.Reuse = c.u32("reuse")
	if m.Named && m.Reuse != 0 {
		c.fail("reuse", at, ErrValue)
	}
	hops := m.Hops
	if !m.Named {
		hops = 0
	}
	c.path(&m.Path, hops)
	return c.end()
}

// Append appends the body; see [Message].
func (m *CreateTunnel) Append(b []byte) ([]byte, error) {
	w := build(TypeCreateTunnel, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.enum("direction", uint8(m.Direction), uint8(Outbound))
	w.bool(m.Named, createNamed)
	w.enum("hops", m.Hops, MaxHops)
	if m.Named && m.Reuse != 0 {
		w.fail("reuse", ErrValue)
	}
	w.u32(m.Reuse)
	if m.Named {
		w.path(&m.Path, m.Hops)
	}
	return w.end()
}

// Type returns the message's type number.
func (*TunnelStatus) Type() Type { return TypeTunnelStatus }

// Parse reads the body; see [Message].
func (m *TunnelStatus) Parse(body []byte) error {
	c := cursor{t: TypeTunnelStatus, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Result = Result(c.enum("result", uint8(ResultFailed)))
	m.Late = c.flags("flags", statusLate) != 0
	m.Tunnel = Tunnel{}
	if c.err == nil && m.Result == ResultOK {
		m.Tunnel.parse(&c)
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *TunnelStatus) Append(b []byte) ([]byte, error) {
	w := build(TypeTunnelStatus, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.enum("result", uint8(m.Result), uint8(ResultFailed))
	w.bool(m.Late, statusLate)
	if m.Result == ResultOK {
		m.Tunnel.build(&w)
	}
	return w.end()
}

// Type returns the message's type number.
func (*GetTunnelPool) Type() Type { return TypeGetTunnelPool }

// Parse reads the body; see [Message].
func (m *GetTunnelPool) Parse(body []byte) error {
	c := cursor{t: TypeGetTunnelPool, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Direction = Direction(c.enum("direction", uint8(Outbound)))
	return c.end()
}

// Append appends the body; see [Message].
func (m *GetTunnelPool) Append(b []byte) ([]byte, error) {
	w := build(TypeGetTunnelPool, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.enum("direction", uint8(m.Direction), uint8(Outbound))
	return w.end()
}

// Type returns the message's type number.
func (*TunnelList) Type() Type { return TypeTunnelList }

// Parse reads the body; see [Message].
func (m *TunnelList) Parse(body []byte) error {
	c := cursor{t: TypeTunnelList, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Direction = Direction(c.enum("direction", uint8(Outbound)))
	m.Flags = ListFlags(c.flags("flags", tunnelListFlags))
	n := int(c.enum("count", MaxTunnelsPerMessage))
	m.Tunnels = m.Tunnels[:0]
	for i := 0; i < n && c.err == nil; i++ {
		m.Tunnels = append(m.Tunnels, Tunnel{})
		at := c.off
		m.Tunnels[i].parse(&c)
		if m.Tunnels[i].Direction != m.Direction {
			c.fail("direction", at+4, ErrValue)
		}
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *TunnelList) Append(b []byte) ([]byte, error) {
	w := build(TypeTunnelList, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.enum("direction", uint8(m.Direction), uint8(Outbound))
	w.flags("flags", uint8(m.Flags), tunnelListFlags)
	w.count("count", len(m.Tunnels), MaxTunnelsPerMessage)
	for i := range m.Tunnels {
		if m.Tunnels[i].Direction != m.Direction {
			w.fail("direction", ErrValue)
		}
		m.Tunnels[i].build(&w)
	}
	return w.end()
}

// Type returns the message's type number.
func (*DropTunnel) Type() Type { return TypeDropTunnel }

// Parse reads the body; see [Message].
func (m *DropTunnel) Parse(body []byte) error {
	c := cursor{t: TypeDropTunnel, body: body}
	m.Session = c.u16("session")
	m.Request = c.u32("request")
	m.Tunnel = c.u32("tunnel")
	return c.end()
}

// Append appends the body; see [Message].
func (m *DropTunnel) Append(b []byte) ([]byte, error) {
	w := build(TypeDropTunnel, b)
	w.u16(m.Session)
	w.u32(m.Request)
	w.u32(m.Tunnel)
	return w.end()
}

// Type returns the message's type number.
func (*TunnelExpired) Type() Type { return TypeTunnelExpired }

// Parse reads the body; see [Message].
func (m *TunnelExpired) Parse(body []byte) error {
	c := cursor{t: TypeTunnelExpired, body: body}
	m.Session = c.u16("session")
	m.Tunnel = c.u32("tunnel")
	m.Direction = Direction(c.enum("direction", uint8(Outbound)))
	m.Reason = ExpiryReason(c.enum("reason", expiryLast))
	m.Date = c.date("date")
	return c.end()
}

// Append appends the body; see [Message].
func (m *TunnelExpired) Append(b []byte) ([]byte, error) {
	w := build(TypeTunnelExpired, b)
	w.u16(m.Session)
	w.u32(m.Tunnel)
	w.enum("direction", uint8(m.Direction), uint8(Outbound))
	w.enum("reason", uint8(m.Reason), expiryLast)
	w.date(m.Date)
	return w.end()
}
