package wire

import (
	"bytes"
	"slices"
)

// MaxEncryptionKeys is how many encryption keys a LeaseSet2 may have. The
// specification leaves the maximum open; it is that of Java I2P (LeaseSet2,
// MAX_KEYS).
const MaxEncryptionKeys = 8

// A LeaseSet2 is "LeaseSet2" of the specification: the leases of a Destination and
// the keys to encrypt messages to it.
//
// With an Ed25519 Destination, an X25519 key, no options and n leases it takes
// 503+40n bytes.
type LeaseSet2 struct {
	LeaseSet2Header
	Options        Mapping         // sorted
	EncryptionKeys []EncryptionKey // most preferred first
	Leases         []Lease2
	Signature      Signature

	scratch []byte
}

// ParseLeaseSet2 parses a LeaseSet2.
func ParseLeaseSet2(b []byte) (l *LeaseSet2, rest []byte, err error) {
	l = new(LeaseSet2)
	if rest, err = l.Parse(b); err != nil {
		return nil, nil, err
	}
	return l, rest, nil
}

// Parse parses a LeaseSet2 into l, reusing its memory. The type that goes before
// the signed bytes is not part of it.
func (l *LeaseSet2) Parse(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	empty := LeaseSet2{EncryptionKeys: l.EncryptionKeys[:0], Leases: l.Leases[:0], scratch: l.scratch}
	*l = empty
	l.LeaseSet2Header = readLeaseSet2Header(&r)
	l.Options = readMapping(&r, true)
	off := r.off
	numk := int(r.uint8("LeaseSet2", "numk"))
	if r.err == nil && numk == 0 {
		r.fail("LeaseSet2", "numk", off, ErrValue)
	} else if numk > MaxEncryptionKeys {
		r.fail("LeaseSet2", "numk", off, ErrTooMany)
	}
	for range numk {
		k := readEncryptionKey(&r)
		if r.err != nil {
			break
		}
		l.EncryptionKeys = append(l.EncryptionKeys, k)
	}
	for s := readLeases(&r, "LeaseSet2", lease2Len, MaxLeases); len(s) > 0; s = s[lease2Len:] {
		l.Leases = append(l.Leases, decodeLease2(s))
	}
	l.Signature = readSignature(&r, "LeaseSet2", l.signatureType())
	if r.err != nil {
		*l = empty
		return nil, r.err
	}
	return r.b[r.off:], nil
}

// Append appends the encoding of l.
func (l *LeaseSet2) Append(dst []byte) ([]byte, error) {
	if n, _ := l.signatureType().SignatureLen(); len(l.Signature) != n {
		return nil, invalid("LeaseSet2", "signature", ErrLength)
	}
	dst, err := l.appendUnsigned(dst)
	if err != nil {
		return nil, err
	}
	return append(dst, l.Signature...), nil
}

// appendUnsigned appends l without its signature.
func (l *LeaseSet2) appendUnsigned(dst []byte) ([]byte, error) {
	if n := len(l.EncryptionKeys); n == 0 {
		return nil, invalid("LeaseSet2", "numk", ErrValue)
	} else if n > MaxEncryptionKeys {
		return nil, invalid("LeaseSet2", "numk", ErrTooMany)
	}
	if len(l.Leases) > MaxLeases {
		return nil, invalid("LeaseSet2", "num", ErrTooMany)
	}
	if !l.Options.Sorted() {
		return nil, invalid("LeaseSet2", "options", ErrUnsorted)
	}
	dst, err := l.appendHeader(dst)
	if err != nil {
		return nil, err
	}
	dst = l.Options.Append(dst)
	dst = append(dst, byte(len(l.EncryptionKeys)))
	for i := range l.EncryptionKeys {
		if dst, err = l.EncryptionKeys[i].Append(dst); err != nil {
			return nil, err
		}
	}
	dst = append(dst, byte(len(l.Leases)))
	for i := range l.Leases {
		dst = l.Leases[i].Append(dst)
	}
	return dst, nil
}

// Sign signs l with the key that Signer names. Signed is the byte 3
// (StoreLeaseSet2) and everything before the signature.
//
// Sign wants at least one lease, which parsing does not (the specification says
// both), and options in ASCII, since Java I2P takes a signature over others for
// wrong.
func (l *LeaseSet2) Sign(key SigningPrivateKey) error {
	if len(l.Leases) == 0 {
		return invalid("LeaseSet2", "num", ErrValue)
	}
	if err := l.Options.checkSignable("LeaseSet2"); err != nil {
		return err
	}
	if !key.Public().Equal(l.Signer()) {
		return invalid("LeaseSet2", "signature", ErrKeyMismatch)
	}
	b, err := l.appendUnsigned(append(l.scratch[:0], byte(StoreLeaseSet2)))
	if err != nil {
		return err
	}
	l.scratch = b
	l.Signature = key.Sign(b)
	return nil
}

// Verify verifies the signature by the Destination's key or, if the header has an
// OfflineSignature, that signature by the Destination's key and the other one by
// the transient key. Signed is the byte 3 (StoreLeaseSet2) and everything before
// the signature. Whether the lease set or the transient key has expired is another
// question: see Expired of either.
//
// Verify uses memory of l: it must not run twice at the same time.
func (l *LeaseSet2) Verify() error {
	b, err := l.appendUnsigned(append(l.scratch[:0], byte(StoreLeaseSet2)))
	if err != nil {
		return err
	}
	l.scratch = b
	return l.verify(b, l.Signature)
}

// Clone returns a copy of l that borrows nothing.
func (l *LeaseSet2) Clone() *LeaseSet2 {
	keys := slices.Clone(l.EncryptionKeys)
	for i := range keys {
		keys[i] = keys[i].Clone()
	}
	return &LeaseSet2{
		LeaseSet2Header: l.cloneHeader(),
		Options:         l.Options.Clone(),
		EncryptionKeys:  keys,
		Leases:          slices.Clone(l.Leases),
		Signature:       bytes.Clone(l.Signature),
	}
}
