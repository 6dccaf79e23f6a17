package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
)

// A MetaLease is "MetaLease" of the specification: it refers to another lease set
// that serves for the Destination.
type MetaLease struct {
	Hash  Hash    // of the Destination, or of a router
	Flags [3]byte // see Type; the other bits are 0 for now
	Cost  uint8   // lower is better
	End   Seconds
}

// Type returns the type of the entry referred to, 0 if unknown. The numbers are
// those of proposal 123. (The common structures specification has 5 for a
// MetaLeaseSet, which in the proposal is 7.)
func (m MetaLease) Type() StoreType { return StoreType(m.Flags[2] & 0x0f) }

// SetType sets the type of the entry referred to.
func (m *MetaLease) SetType(t StoreType) { m.Flags[2] = m.Flags[2]&0xf0 | byte(t)&0x0f }

// Expired reports whether m has ended.
func (m MetaLease) Expired(now time.Time) bool { return now.Unix() >= int64(m.End) }

// ParseMetaLease parses 40 bytes.
func ParseMetaLease(b []byte) (m MetaLease, rest []byte, err error) {
	r := reader{b: b}
	if s := r.take("MetaLease", "lease", lease2Len); s != nil {
		m = decodeMetaLease(s)
	}
	return parsed(&r, m)
}

func decodeMetaLease(b []byte) MetaLease {
	return MetaLease{
		Hash:  Hash(b),
		Flags: [3]byte(b[32:]),
		Cost:  b[35],
		End:   Seconds(binary.BigEndian.Uint32(b[36:])),
	}
}

// Append appends the 40 bytes of m.
func (m MetaLease) Append(dst []byte) []byte {
	dst = append(dst, m.Hash[:]...)
	dst = append(dst, m.Flags[:]...)
	dst = append(dst, m.Cost)
	return binary.BigEndian.AppendUint32(dst, uint32(m.End))
}

// A MetaLeaseSet is "MetaLeaseSet" of the specification and of proposal 123: it
// names the lease sets that together serve for a Destination.
type MetaLeaseSet struct {
	LeaseSet2Header
	Options     Mapping // sorted
	Leases      []MetaLease
	Revocations []Hash
	Signature   Signature

	scratch []byte
}

// ParseMetaLeaseSet parses a MetaLeaseSet.
func ParseMetaLeaseSet(b []byte) (l *MetaLeaseSet, rest []byte, err error) {
	l = new(MetaLeaseSet)
	if rest, err = l.Parse(b); err != nil {
		return nil, nil, err
	}
	return l, rest, nil
}

// Parse parses a MetaLeaseSet into l, reusing its memory. The type that goes
// before the signed bytes is not part of it. The specification leaves the greatest
// numbers of leases and of revocations open; each is counted in a byte.
func (l *MetaLeaseSet) Parse(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	empty := MetaLeaseSet{Leases: l.Leases[:0], Revocations: l.Revocations[:0], scratch: l.scratch}
	*l = empty
	l.LeaseSet2Header = readLeaseSet2Header(&r)
	l.Options = readMapping(&r, true)
	off := r.off
	for s := readLeases(&r, "MetaLeaseSet", lease2Len, 255); len(s) > 0; s = s[lease2Len:] {
		l.Leases = append(l.Leases, decodeMetaLease(s))
	}
	if r.err == nil && len(l.Leases) == 0 {
		r.fail("MetaLeaseSet", "num", off, ErrValue)
	}
	numr := int(r.uint8("MetaLeaseSet", "numr"))
	for s := r.take("MetaLeaseSet", "revocations", numr*32); len(s) > 0; s = s[32:] {
		l.Revocations = append(l.Revocations, Hash(s))
	}
	l.Signature = readSignature(&r, "MetaLeaseSet", l.signatureType())
	if r.err != nil {
		*l = empty
		return nil, r.err
	}
	return r.b[r.off:], nil
}

// Append appends the encoding of l.
func (l *MetaLeaseSet) Append(dst []byte) ([]byte, error) {
	if n, _ := l.signatureType().SignatureLen(); len(l.Signature) != n {
		return nil, invalid("MetaLeaseSet", "signature", ErrLength)
	}
	dst, err := l.appendUnsigned(dst)
	if err != nil {
		return nil, err
	}
	return append(dst, l.Signature...), nil
}

// appendUnsigned appends l without its signature.
func (l *MetaLeaseSet) appendUnsigned(dst []byte) ([]byte, error) {
	if n := len(l.Leases); n == 0 {
		return nil, invalid("MetaLeaseSet", "num", ErrValue)
	} else if n > 255 {
		return nil, invalid("MetaLeaseSet", "num", ErrTooMany)
	}
	if len(l.Revocations) > 255 {
		return nil, invalid("MetaLeaseSet", "numr", ErrTooMany)
	}
	if !l.Options.Sorted() {
		return nil, invalid("MetaLeaseSet", "options", ErrUnsorted)
	}
	dst, err := l.appendHeader(dst)
	if err != nil {
		return nil, err
	}
	dst = l.Options.Append(dst)
	dst = append(dst, byte(len(l.Leases)))
	for i := range l.Leases {
		dst = l.Leases[i].Append(dst)
	}
	dst = append(dst, byte(len(l.Revocations)))
	for i := range l.Revocations {
		dst = l.Revocations[i].Append(dst)
	}
	return dst, nil
}

// Sign signs l with the key that Signer names. Signed is the byte 7
// (StoreMetaLeaseSet) and everything before the signature. The options must be in
// ASCII, as in LeaseSet2.Sign.
//
// Java I2P (2.8.0) verifies what it encodes again, without revocations and with an
// Expires that agrees with the latest end of a lease: it takes the signature for
// wrong unless l is so.
func (l *MetaLeaseSet) Sign(key SigningPrivateKey) error {
	if err := l.Options.checkSignable("MetaLeaseSet"); err != nil {
		return err
	}
	if !key.Public().Equal(l.Signer()) {
		return invalid("MetaLeaseSet", "signature", ErrKeyMismatch)
	}
	b, err := l.appendUnsigned(append(l.scratch[:0], byte(StoreMetaLeaseSet)))
	if err != nil {
		return err
	}
	l.scratch = b
	l.Signature = key.Sign(b)
	return nil
}

// Verify verifies the signatures as LeaseSet2.Verify does. Signed is the byte 7
// (StoreMetaLeaseSet) and everything before the signature.
//
// Verify uses memory of l: it must not run twice at the same time.
func (l *MetaLeaseSet) Verify() error {
	b, err := l.appendUnsigned(append(l.scratch[:0], byte(StoreMetaLeaseSet)))
	if err != nil {
		return err
	}
	l.scratch = b
	return l.verify(b, l.Signature)
}

// Clone returns a copy of l that borrows nothing.
func (l *MetaLeaseSet) Clone() *MetaLeaseSet {
	return &MetaLeaseSet{
		LeaseSet2Header: l.cloneHeader(),
		Options:         l.Options.Clone(),
		Leases:          slices.Clone(l.Leases),
		Revocations:     slices.Clone(l.Revocations),
		Signature:       bytes.Clone(l.Signature),
	}
}
