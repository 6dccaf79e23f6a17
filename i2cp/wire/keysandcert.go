package wire

import (
	"bytes"
	"encoding/binary"
)

// The layout of KeysAndCert: 384 bytes for the two keys, then the certificate. The
// encryption key is aligned at the start of its 256 bytes and the signing key at
// the end of its 128; what is between them is padding, and what of the signing key
// does not fit follows the types in the key certificate.
const (
	encField     = 256
	sigField     = 128
	keysLen      = encField + sigField
	certHeader   = 3
	minKeysCert  = keysLen + certHeader
	keyCertExtra = minKeysCert + keyCertMin // where excess key data begins
)

// KeysAndCert is "KeysAndCert" of the specification: an encryption key, a signing
// key and a certificate. It is kept as its encoding, since its hash covers all of
// it.
type KeysAndCert struct {
	b   []byte
	sig SigType
	enc EncType
}

// A Destination is an end point of messages: "Destination" of the specification.
// Its encryption key is not used.
type Destination struct{ KeysAndCert }

// A RouterIdentity identifies a router: "RouterIdentity" of the specification.
type RouterIdentity struct{ KeysAndCert }

// ParseDestination parses a Destination.
func ParseDestination(b []byte) (d Destination, rest []byte, err error) {
	r := reader{b: b}
	d = readDestination(&r)
	return parsed(&r, d)
}

// ParseRouterIdentity parses a RouterIdentity.
func ParseRouterIdentity(b []byte) (i RouterIdentity, rest []byte, err error) {
	r := reader{b: b}
	i = RouterIdentity{readKeysAndCert(&r, "RouterIdentity")}
	return parsed(&r, i)
}

func readDestination(r *reader) Destination {
	return Destination{readKeysAndCert(r, "Destination")}
}

func readKeysAndCert(r *reader, structure string) KeysAndCert {
	start := r.off
	r.take(structure, "keys", keysLen)
	cert := readCertificate(r)
	if r.err != nil {
		return KeysAndCert{}
	}
	k := KeysAndCert{b: r.b[start:r.off:r.off]}
	k.sig, k.enc = cert.KeyTypes()
	excess, ok := excessKeyData(k.sig, k.enc)
	if !ok {
		r.fail(structure, "key types", start+minKeysCert, ErrUnsupported)
		return KeysAndCert{}
	}
	// "Implementers are cautioned to prohibit excess data in Key Certificates."
	if cert.Type == CertKey && len(cert.Payload) != keyCertMin+excess {
		r.fail(structure, "certificate", start+keysLen, ErrLength)
		return KeysAndCert{}
	}
	return k
}

// excessKeyData returns how many bytes of the keys lie in the key certificate.
func excessKeyData(s SigType, e EncType) (n int, ok bool) {
	sig, ok := s.PublicKeyLen()
	if !ok {
		return 0, false
	}
	// No type of encryption key exceeds its field.
	if _, ok := e.PublicKeyLen(); !ok {
		return 0, false
	}
	return max(0, sig-sigField), true
}

// NewDestination returns the Destination of a signing key. The fields that are not
// used are filled with copies of the random bytes, so that Destinations can be
// compressed ("Padding Generation Guidelines" of the specification, proposal 161);
// the key type of the unused encryption key is ElGamal.
func NewDestination(key SigningPublicKey, random [32]byte) (Destination, error) {
	k, err := newKeysAndCert("Destination", key, EncElGamal, nil, random)
	return Destination{k}, err
}

// NewRouterIdentity returns the identity of a router with these keys, padded as
// NewDestination does.
func NewRouterIdentity(key SigningPublicKey, enc EncryptionKey, random [32]byte) (RouterIdentity, error) {
	if n, ok := enc.Type.PublicKeyLen(); !ok || enc.Type == EncElGamal && key.Type == SigDSASHA1 {
		return RouterIdentity{}, invalid("RouterIdentity", "key types", ErrUnsupported)
	} else if len(enc.Key) != n {
		return RouterIdentity{}, invalid("RouterIdentity", "encryption key", ErrLength)
	}
	k, err := newKeysAndCert("RouterIdentity", key, enc.Type, enc.Key, random)
	return RouterIdentity{k}, err
}

func newKeysAndCert(structure string, key SigningPublicKey, t EncType, enc []byte, random [32]byte) (KeysAndCert, error) {
	n, ok := key.Type.PublicKeyLen()
	if !ok {
		return KeysAndCert{}, invalid(structure, "key types", ErrUnsupported)
	}
	if len(key.Key) != n {
		return KeysAndCert{}, invalid(structure, "signing key", ErrLength)
	}
	b := make([]byte, 0, keyCertExtra+max(0, n-sigField))
	for len(b) < keysLen {
		b = append(b, random[:]...)
	}
	copy(b, enc)
	copy(b[keysLen-min(n, sigField):], key.Key)
	if key.Type == SigDSASHA1 && t == EncElGamal {
		b = append(b, byte(CertNull), 0, 0)
	} else {
		b = append(b, byte(CertKey))
		b = binary.BigEndian.AppendUint16(b, uint16(keyCertMin+max(0, n-sigField)))
		b = binary.BigEndian.AppendUint16(b, uint16(key.Type))
		b = binary.BigEndian.AppendUint16(b, uint16(t))
		b = append(b, key.Key[min(n, sigField):]...)
	}
	return KeysAndCert{b, key.Type, t}, nil
}

// Bytes returns the encoding of k, which must not be modified. It is empty in the
// zero value.
func (k KeysAndCert) Bytes() []byte { return k.b }

// Append appends the encoding of k.
func (k KeysAndCert) Append(dst []byte) []byte { return append(dst, k.b...) }

// Len returns the length of k's encoding: 387 and more, 391 with Ed25519.
func (k KeysAndCert) Len() int { return len(k.b) }

// Hash returns the SHA-256 of the encoding, by which a router or Destination is
// known.
func (k KeysAndCert) Hash() Hash { return HashOf(k.b) }

// SigType returns the type of the signing key.
func (k KeysAndCert) SigType() SigType { return k.sig }

// EncType returns the type of the encryption key. A Destination does not use that
// key; it says nothing about the encryption keys in its lease sets.
func (k KeysAndCert) EncType() EncType { return k.enc }

// SigningKey returns the signing key. It borrows from k unless part of it lies in
// the certificate.
func (k KeysAndCert) SigningKey() SigningPublicKey {
	n, _ := k.sig.PublicKeyLen()
	if len(k.b) == 0 {
		return SigningPublicKey{}
	}
	if n <= sigField {
		return SigningPublicKey{k.sig, k.b[keysLen-n : keysLen : keysLen]}
	}
	key := make([]byte, 0, n)
	key = append(key, k.b[encField:keysLen]...)
	return SigningPublicKey{k.sig, append(key, k.b[keyCertExtra:]...)}
}

// EncryptionKey returns the encryption key, meaningless in a Destination.
func (k KeysAndCert) EncryptionKey() EncryptionKey {
	n, _ := k.enc.PublicKeyLen()
	if len(k.b) == 0 {
		return EncryptionKey{}
	}
	return EncryptionKey{k.enc, k.b[:n:n]}
}

// Certificate returns the certificate.
func (k KeysAndCert) Certificate() Certificate {
	if len(k.b) == 0 {
		return Certificate{}
	}
	c := Certificate{Type: CertType(k.b[keysLen])}
	if len(k.b) > minKeysCert {
		c.Payload = k.b[minKeysCert:]
	}
	return c
}

// Equal reports whether k and other are the same.
func (k KeysAndCert) Equal(other KeysAndCert) bool { return bytes.Equal(k.b, other.b) }

// Base64 returns the encoding in I2P's base 64, as address books have it.
func (k KeysAndCert) Base64() string { return EncodeBase64(k.b) }

func (k KeysAndCert) clone() KeysAndCert {
	k.b = bytes.Clone(k.b)
	return k
}

// Clone returns a copy of d that borrows nothing.
func (d Destination) Clone() Destination { return Destination{d.clone()} }

// Clone returns a copy of i that borrows nothing.
func (i RouterIdentity) Clone() RouterIdentity { return RouterIdentity{i.clone()} }

// B32 returns the address of d, which ends in .b32.i2p.
func (d Destination) B32() string { return d.Hash().B32() }

// ParseDestinationBase64 parses what Base64 returns.
func ParseDestinationBase64(s string) (Destination, error) {
	b, err := DecodeBase64(s)
	if err != nil {
		return Destination{}, err
	}
	d, rest, err := ParseDestination(b)
	if err != nil {
		return Destination{}, err
	}
	if len(rest) != 0 {
		return Destination{}, &Error{Structure: "Destination", Field: "base 64", Offset: d.Len(), Err: ErrLength}
	}
	return d, nil
}
