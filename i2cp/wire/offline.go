package wire

import (
	"bytes"
	"encoding/binary"
	"time"
)

// An OfflineSignature is "OfflineSignature" of the specification: a transient key
// that signs in place of the Destination's, which can then be kept offline.
type OfflineSignature struct {
	Expires   Seconds
	Transient SigningPublicKey
	Signature Signature // by the Destination's key
}

// ParseOfflineSignature parses an OfflineSignature by a key of type t.
func ParseOfflineSignature(t SigType, b []byte) (o OfflineSignature, rest []byte, err error) {
	r := reader{b: b}
	o = readOfflineSignature(&r, t)
	return parsed(&r, o)
}

func readOfflineSignature(r *reader, t SigType) OfflineSignature {
	var o OfflineSignature
	o.Expires = Seconds(r.uint32("OfflineSignature", "expires"))
	o.Transient = readTypedKey(r, "OfflineSignature", "transient_public_key")
	o.Signature = readSignature(r, "OfflineSignature", t)
	return o
}

// Append appends the encoding of o.
func (o OfflineSignature) Append(dst []byte) []byte {
	return append(o.appendSigned(dst), o.Signature...)
}

func (o OfflineSignature) appendSigned(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(o.Expires))
	dst = binary.BigEndian.AppendUint16(dst, uint16(o.Transient.Type))
	return append(dst, o.Transient.Key...)
}

// check returns an error if o is not what a key of type t could have signed.
func (o OfflineSignature) check(t SigType) error {
	if n, ok := o.Transient.Type.PublicKeyLen(); !ok {
		return invalid("OfflineSignature", "sigtype", ErrUnsupported)
	} else if len(o.Transient.Key) != n {
		return invalid("OfflineSignature", "transient_public_key", ErrLength)
	}
	if n, _ := t.SignatureLen(); len(o.Signature) != n {
		return invalid("OfflineSignature", "signature", ErrLength)
	}
	return nil
}

// Expired reports whether the transient key may no longer sign.
func (o OfflineSignature) Expired(now time.Time) bool {
	return now.Unix() >= int64(o.Expires)
}

// Verify verifies the signature by the key of the Destination (in an
// EncryptedLeaseSet, by the blinded key). Signed are the expiration, the transient
// key's type and the transient key.
func (o OfflineSignature) Verify(key SigningPublicKey) error {
	return key.Verify(o.appendSigned(nil), o.Signature)
}

// Clone returns a copy of o that borrows nothing.
func (o OfflineSignature) Clone() OfflineSignature {
	return OfflineSignature{o.Expires, o.Transient.Clone(), bytes.Clone(o.Signature)}
}

// NewOfflineSignature signs a transient key with the Destination's.
func NewOfflineSignature(key SigningPrivateKey, transient SigningPublicKey, expires Seconds) OfflineSignature {
	o := OfflineSignature{Expires: expires, Transient: transient}
	o.Signature = key.Sign(o.appendSigned(nil))
	return o
}
