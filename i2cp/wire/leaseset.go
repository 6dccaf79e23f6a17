package wire

import (
	"bytes"
	"slices"
	"time"
)

// A StoreType is the type by which DatabaseStore messages, and I2CP, tell entries
// of the network database apart (https://i2p.net/docs/specs/i2np,
// "DatabaseStore").
type StoreType uint8

// The types of entries. The type of a lease set other than StoreLeaseSet is part
// of what is signed.
const (
	StoreRouterInfo        StoreType = 0
	StoreLeaseSet          StoreType = 1
	StoreLeaseSet2         StoreType = 3
	StoreEncryptedLeaseSet StoreType = 5
	StoreMetaLeaseSet      StoreType = 7
)

// MaxLeases is how many leases a LeaseSet or LeaseSet2 may have.
const MaxLeases = 16

// A LeaseSet is "LeaseSet" of the specification: the leases of a Destination, in
// the format before 0.9.38. It has no time of publishing: its earliest end is its
// version.
type LeaseSet struct {
	Destination   Destination
	EncryptionKey [256]byte // ElGamal
	// SigningKey was meant to revoke the lease set and is not used. Its type is
	// that of the Destination's.
	SigningKey []byte
	Leases     []Lease
	Signature  Signature

	scratch []byte
}

// ParseLeaseSet parses a LeaseSet.
func ParseLeaseSet(b []byte) (l *LeaseSet, rest []byte, err error) {
	l = new(LeaseSet)
	if rest, err = l.Parse(b); err != nil {
		return nil, nil, err
	}
	return l, rest, nil
}

// Parse parses a LeaseSet into l, reusing its memory.
func (l *LeaseSet) Parse(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	leases := l.Leases[:0]
	*l = LeaseSet{Leases: leases, scratch: l.scratch}
	l.Destination = readDestination(&r)
	copy(l.EncryptionKey[:], r.take("LeaseSet", "encryption_key", len(l.EncryptionKey)))
	t := l.Destination.SigType()
	l.SigningKey = readSigningPublicKey(&r, "LeaseSet", "signing_key", t).Key
	for s := readLeases(&r, "LeaseSet", leaseLen, MaxLeases); len(s) > 0; s = s[leaseLen:] {
		l.Leases = append(l.Leases, decodeLease(s))
	}
	l.Signature = readSignature(&r, "LeaseSet", t)
	if r.err != nil {
		*l = LeaseSet{Leases: leases, scratch: l.scratch}
		return nil, r.err
	}
	return r.b[r.off:], nil
}

// readLeases reads a byte that counts elements, and returns the bytes of these.
func readLeases(r *reader, structure string, size, most int) []byte {
	off := r.off
	n := int(r.uint8(structure, "num"))
	if n > most {
		r.fail(structure, "num", off, ErrTooMany)
	}
	return r.take(structure, "leases", n*size)
}

// Append appends the encoding of l.
func (l *LeaseSet) Append(dst []byte) ([]byte, error) {
	if n, _ := l.Destination.SigType().SignatureLen(); len(l.Signature) != n {
		return nil, invalid("LeaseSet", "signature", ErrLength)
	}
	dst, err := l.appendSigned(dst)
	if err != nil {
		return nil, err
	}
	return append(dst, l.Signature...), nil
}

func (l *LeaseSet) appendSigned(dst []byte) ([]byte, error) {
	if l.Destination.Len() == 0 {
		return nil, invalid("LeaseSet", "destination", ErrLength)
	}
	if n, _ := l.Destination.SigType().PublicKeyLen(); len(l.SigningKey) != n {
		return nil, invalid("LeaseSet", "signing_key", ErrLength)
	}
	if len(l.Leases) > MaxLeases {
		return nil, invalid("LeaseSet", "num", ErrTooMany)
	}
	dst = l.Destination.Append(dst)
	dst = append(dst, l.EncryptionKey[:]...)
	dst = append(dst, l.SigningKey...)
	dst = append(dst, byte(len(l.Leases)))
	for i := range l.Leases {
		dst = l.Leases[i].Append(dst)
	}
	return dst, nil
}

// Sign signs l with the Destination's key. Signed is everything before the
// signature.
func (l *LeaseSet) Sign(key SigningPrivateKey) error {
	if !key.Public().Equal(l.Destination.SigningKey()) {
		return invalid("LeaseSet", "signature", ErrKeyMismatch)
	}
	b, err := l.appendSigned(l.scratch[:0])
	if err != nil {
		return err
	}
	l.scratch = b
	l.Signature = key.Sign(b)
	return nil
}

// Verify verifies the signature by the Destination's key. Signed is everything
// before the signature, without a type before it.
//
// Verify uses memory of l: it must not run twice at the same time.
func (l *LeaseSet) Verify() error {
	b, err := l.appendSigned(l.scratch[:0])
	if err != nil {
		return err
	}
	l.scratch = b
	return l.Destination.SigningKey().Verify(b, l.Signature)
}

// Version returns the earliest end of the leases, 0 if there are none. Of two
// LeaseSets, the one with the later version is newer.
func (l *LeaseSet) Version() Date {
	var earliest Date
	for i := range l.Leases {
		if end := l.Leases[i].End; i == 0 || end < earliest {
			earliest = end
		}
	}
	return earliest
}

// Expired reports whether all leases have ended.
func (l *LeaseSet) Expired(now time.Time) bool {
	return !slices.ContainsFunc(l.Leases, func(lease Lease) bool { return !lease.Expired(now) })
}

// Clone returns a copy of l that borrows nothing.
func (l *LeaseSet) Clone() *LeaseSet {
	return &LeaseSet{
		Destination:   l.Destination.Clone(),
		EncryptionKey: l.EncryptionKey,
		SigningKey:    bytes.Clone(l.SigningKey),
		Leases:        slices.Clone(l.Leases),
		Signature:     bytes.Clone(l.Signature),
	}
}
