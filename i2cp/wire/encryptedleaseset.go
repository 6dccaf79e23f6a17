package wire

import (
	"bytes"
	"encoding/binary"
	"time"
)

// An EncryptedLeaseSet is "EncryptedLeaseSet" of the specification: a lease set
// that only those can read who know the Destination. Its layers of encryption
// (https://i2p.net/docs/specs/encryptedleaseset) are opaque here.
type EncryptedLeaseSet struct {
	BlindedKey SigningPublicKey // of the day
	Published  Seconds
	Expires    uint16 // seconds after Published
	Flags      LeaseSetFlags
	Offline    OfflineSignature // by the blinded key, if Flags has FlagOffline
	Data       []byte           // encrypted, at least a byte
	Signature  Signature

	scratch []byte
}

// ParseEncryptedLeaseSet parses an EncryptedLeaseSet.
func ParseEncryptedLeaseSet(b []byte) (l *EncryptedLeaseSet, rest []byte, err error) {
	l = new(EncryptedLeaseSet)
	if rest, err = l.Parse(b); err != nil {
		return nil, nil, err
	}
	return l, rest, nil
}

// Parse parses an EncryptedLeaseSet into l, reusing its memory. The type that goes
// before the signed bytes is not part of it.
func (l *EncryptedLeaseSet) Parse(b []byte) (rest []byte, err error) {
	r := reader{b: b}
	empty := EncryptedLeaseSet{scratch: l.scratch}
	*l = empty
	l.BlindedKey = readTypedKey(&r, "EncryptedLeaseSet", "blinded_public_key")
	l.Published = Seconds(r.uint32("EncryptedLeaseSet", "published"))
	l.Expires = r.uint16("EncryptedLeaseSet", "expires")
	l.Flags = LeaseSetFlags(r.uint16("EncryptedLeaseSet", "flags"))
	if l.Flags&FlagOffline != 0 {
		l.Offline = readOfflineSignature(&r, l.BlindedKey.Type)
	}
	off := r.off
	n := int(r.uint16("EncryptedLeaseSet", "len"))
	if r.err == nil && n == 0 {
		r.fail("EncryptedLeaseSet", "len", off, ErrValue)
	}
	l.Data = r.take("EncryptedLeaseSet", "encrypted_data", n)
	l.Signature = readSignature(&r, "EncryptedLeaseSet", l.Signer().Type)
	if r.err != nil {
		*l = empty
		return nil, r.err
	}
	return r.b[r.off:], nil
}

// Append appends the encoding of l.
func (l *EncryptedLeaseSet) Append(dst []byte) ([]byte, error) {
	if n, _ := l.Signer().Type.SignatureLen(); len(l.Signature) != n {
		return nil, invalid("EncryptedLeaseSet", "signature", ErrLength)
	}
	dst, err := l.appendUnsigned(dst)
	if err != nil {
		return nil, err
	}
	return append(dst, l.Signature...), nil
}

// appendUnsigned appends l without its signature.
func (l *EncryptedLeaseSet) appendUnsigned(dst []byte) ([]byte, error) {
	if n, ok := l.BlindedKey.Type.PublicKeyLen(); !ok {
		return nil, invalid("EncryptedLeaseSet", "sigtype", ErrUnsupported)
	} else if len(l.BlindedKey.Key) != n {
		return nil, invalid("EncryptedLeaseSet", "blinded_public_key", ErrLength)
	}
	if len(l.Data) == 0 || len(l.Data) > 0xffff {
		return nil, invalid("EncryptedLeaseSet", "len", ErrLength)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(l.BlindedKey.Type))
	dst = append(dst, l.BlindedKey.Key...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(l.Published))
	dst = binary.BigEndian.AppendUint16(dst, l.Expires)
	dst = binary.BigEndian.AppendUint16(dst, uint16(l.Flags))
	if l.Flags&FlagOffline != 0 {
		if err := l.Offline.check(l.BlindedKey.Type); err != nil {
			return nil, err
		}
		dst = l.Offline.Append(dst)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(l.Data)))
	return append(dst, l.Data...), nil
}

// Hash returns the key under which l is stored: the SHA-256 of the blinded key's
// type, in two bytes, and the blinded key (proposal 123, "Encrypted LS2",
// "Lookup").
func (l *EncryptedLeaseSet) Hash() Hash {
	b := make([]byte, 0, 2+132)
	b = binary.BigEndian.AppendUint16(b, uint16(l.BlindedKey.Type))
	return HashOf(append(b, l.BlindedKey.Key...))
}

// Signer returns the key that signs l: the transient one, or the blinded one.
func (l *EncryptedLeaseSet) Signer() SigningPublicKey {
	if l.Flags&FlagOffline != 0 {
		return l.Offline.Transient
	}
	return l.BlindedKey
}

// Verify verifies the signature by the blinded key or, if there is an
// OfflineSignature, that signature by the blinded key and the other one by the
// transient key. Signed is the byte 5 (StoreEncryptedLeaseSet) and everything
// before the signature.
//
// Verify uses memory of l: it must not run twice at the same time.
func (l *EncryptedLeaseSet) Verify() error {
	b, err := l.appendUnsigned(append(l.scratch[:0], byte(StoreEncryptedLeaseSet)))
	if err != nil {
		return err
	}
	l.scratch = b
	if l.Flags&FlagOffline != 0 {
		if err := l.Offline.Verify(l.BlindedKey); err != nil {
			return err
		}
	}
	return l.Signer().Verify(b, l.Signature)
}

// ExpiresAt returns when l expires.
func (l *EncryptedLeaseSet) ExpiresAt() time.Time {
	return l.Published.Time().Add(time.Duration(l.Expires) * time.Second)
}

// Expired reports whether l has expired.
func (l *EncryptedLeaseSet) Expired(now time.Time) bool { return !now.Before(l.ExpiresAt()) }

// Clone returns a copy of l that borrows nothing.
func (l *EncryptedLeaseSet) Clone() *EncryptedLeaseSet {
	return &EncryptedLeaseSet{
		BlindedKey: l.BlindedKey.Clone(),
		Published:  l.Published,
		Expires:    l.Expires,
		Flags:      l.Flags,
		Offline:    l.Offline.Clone(),
		Data:       bytes.Clone(l.Data),
		Signature:  bytes.Clone(l.Signature),
	}
}
