package wire

import (
	"encoding/binary"
	"time"
)

const (
	leaseLen  = 44
	lease2Len = 40
)

// A TunnelID is "TunnelId" of the specification: it names a tunnel on one router.
type TunnelID uint32

// A Lease lets a tunnel receive messages for a Destination until its end: "Lease"
// of the specification.
type Lease struct {
	Gateway Hash // of the router at the tunnel's entrance
	Tunnel  TunnelID
	End     Date
}

// ParseLease parses 44 bytes.
func ParseLease(b []byte) (l Lease, rest []byte, err error) {
	r := reader{b: b}
	if s := r.take("Lease", "lease", leaseLen); s != nil {
		l = decodeLease(s)
	}
	return parsed(&r, l)
}

func decodeLease(b []byte) Lease {
	return Lease{
		Gateway: Hash(b),
		Tunnel:  TunnelID(binary.BigEndian.Uint32(b[32:])),
		End:     Date(binary.BigEndian.Uint64(b[36:])),
	}
}

// Append appends the 44 bytes of l.
func (l Lease) Append(dst []byte) []byte {
	dst = append(dst, l.Gateway[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(l.Tunnel))
	return l.End.Append(dst)
}

// Expired reports whether l has ended.
func (l Lease) Expired(now time.Time) bool { return !now.Before(l.End.Time()) }

// A Lease2 is a Lease whose end has a resolution of a second: "Lease2" of the
// specification.
type Lease2 struct {
	Gateway Hash // of the router at the tunnel's entrance
	Tunnel  TunnelID
	End     Seconds
}

// ParseLease2 parses 40 bytes.
func ParseLease2(b []byte) (l Lease2, rest []byte, err error) {
	r := reader{b: b}
	if s := r.take("Lease2", "lease", lease2Len); s != nil {
		l = decodeLease2(s)
	}
	return parsed(&r, l)
}

func decodeLease2(b []byte) Lease2 {
	return Lease2{
		Gateway: Hash(b),
		Tunnel:  TunnelID(binary.BigEndian.Uint32(b[32:])),
		End:     Seconds(binary.BigEndian.Uint32(b[36:])),
	}
}

// Append appends the 40 bytes of l.
func (l Lease2) Append(dst []byte) []byte {
	dst = append(dst, l.Gateway[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(l.Tunnel))
	return binary.BigEndian.AppendUint32(dst, uint32(l.End))
}

// Expired reports whether l has ended.
func (l Lease2) Expired(now time.Time) bool { return now.Unix() >= int64(l.End) }
