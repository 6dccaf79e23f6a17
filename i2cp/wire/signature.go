package wire

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"math/big"
)

// A Signature is "Signature" of the specification. Its type follows from the key
// that made it.
type Signature []byte

// Append appends the bytes of s.
func (s Signature) Append(dst []byte) []byte { return append(dst, s...) }

// ParseSignature parses a signature by a key of type t.
func ParseSignature(t SigType, b []byte) (s Signature, rest []byte, err error) {
	r := reader{b: b}
	s = readSignature(&r, "Signature", t)
	return parsed(&r, s)
}

func readSignature(r *reader, structure string, t SigType) Signature {
	n, ok := t.SignatureLen()
	if !ok {
		r.fail(structure, "signature", r.off, ErrUnsupported)
		return nil
	}
	return r.take(structure, "signature", n)
}

// A SigningPublicKey is "SigningPublicKey" of the specification, with its type.
type SigningPublicKey struct {
	Type SigType
	Key  []byte
}

// Append appends the bytes of the key, without the type.
func (k SigningPublicKey) Append(dst []byte) []byte { return append(dst, k.Key...) }

// Clone returns a copy of k that borrows nothing.
func (k SigningPublicKey) Clone() SigningPublicKey {
	return SigningPublicKey{k.Type, bytes.Clone(k.Key)}
}

// Equal reports whether k and other are the same key.
func (k SigningPublicKey) Equal(other SigningPublicKey) bool {
	return k.Type == other.Type && bytes.Equal(k.Key, other.Key)
}

// ParseSigningPublicKey parses a key of type t.
func ParseSigningPublicKey(t SigType, b []byte) (k SigningPublicKey, rest []byte, err error) {
	r := reader{b: b}
	k = readSigningPublicKey(&r, "SigningPublicKey", "key", t)
	return parsed(&r, k)
}

func readSigningPublicKey(r *reader, structure, field string, t SigType) SigningPublicKey {
	n, ok := t.PublicKeyLen()
	if !ok {
		r.fail(structure, field, r.off, ErrUnsupported)
		return SigningPublicKey{}
	}
	return SigningPublicKey{t, r.take(structure, field, n)}
}

// readTypedKey reads two bytes of type, named sigtype, and a key of that type.
func readTypedKey(r *reader, structure, field string) SigningPublicKey {
	off := r.off
	t := SigType(r.uint16(structure, "sigtype"))
	if _, ok := t.PublicKeyLen(); r.err == nil && !ok {
		r.fail(structure, "sigtype", off, ErrUnsupported)
	}
	return readSigningPublicKey(r, structure, field, t)
}

// Verify checks that sig is k's signature of exactly message. The error wraps
// ErrSignature if it is not, ErrLength if the key's or the signature's length does
// not fit its type, and ErrUnsupported for RSA, GOST and unknown types.
//
//   - DSA-SHA1, with the parameters of the cryptography specification.
//   - ECDSA on P-256, P-384 and P-521 with SHA-256, SHA-384 and SHA-512: keys X‖Y and
//     signatures R‖S, big endian, padded.
//   - EdDSA is Ed25519 of RFC 8032.
//   - Ed25519ph is that of RFC 8032, as in i2pd. Java I2P (2.8.0) signs the SHA-512 of
//     the message with plain Ed25519 under this type; such signatures do not verify.
//     No common structure may be signed with either.
//   - RedDSA verifies as Ed25519 does. So says the encrypted lease set specification
//     ("Sign/Verify Calculations") and so do Java I2P and i2pd. The Red25519
//     specification hashes with a prefix of its own and prepends the message's
//     length; nobody signs so, and its test vectors do not verify here or there.
func (k SigningPublicKey) Verify(message, sig []byte) error {
	if n, ok := k.Type.PublicKeyLen(); !ok {
		return invalid("SigningPublicKey", "type", ErrUnsupported)
	} else if len(k.Key) != n {
		return invalid("SigningPublicKey", "key", ErrLength)
	}
	if n, _ := k.Type.SignatureLen(); len(sig) != n {
		return invalid("Signature", "signature", ErrLength)
	}
	var ok bool
	switch k.Type {
	case SigDSASHA1:
		ok = verifyDSA(k.Key, message, sig)
	case SigECDSAP256:
		ok = verifyECDSA(elliptic.P256(), sha256.New(), k.Key, message, sig)
	case SigECDSAP384:
		ok = verifyECDSA(elliptic.P384(), sha512.New384(), k.Key, message, sig)
	case SigECDSAP521:
		ok = verifyECDSA(elliptic.P521(), sha512.New(), k.Key, message, sig)
	case SigEd25519, SigRedDSAEd25519:
		ok = ed25519.Verify(k.Key, message, sig)
	case SigEd25519ph:
		digest := sha512.Sum512(message)
		ok = ed25519.VerifyWithOptions(k.Key, digest[:], sig, &ed25519.Options{Hash: crypto.SHA512}) == nil
	default:
		return invalid("SigningPublicKey", "type", ErrUnsupported)
	}
	if !ok {
		return invalid("Signature", "signature", ErrSignature)
	}
	return nil
}

func verifyECDSA(curve elliptic.Curve, h hash.Hash, key, message, sig []byte) bool {
	pub, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, key...))
	if err != nil {
		return false
	}
	h.Write(message)
	half := len(sig) / 2
	var r, s big.Int
	return ecdsa.Verify(pub, h.Sum(nil), r.SetBytes(sig[:half]), s.SetBytes(sig[half:]))
}

// A SigningPrivateKey signs with Ed25519, the one type that this package signs
// with.
type SigningPrivateKey struct {
	key ed25519.PrivateKey
}

// NewSigningPrivateKey returns the signing key whose encoding ("SigningPrivateKey"
// of the specification) is key: for Ed25519 the seed of 32 bytes. Other types are
// ErrUnsupported.
func NewSigningPrivateKey(t SigType, key []byte) (SigningPrivateKey, error) {
	if t != SigEd25519 {
		return SigningPrivateKey{}, invalid("SigningPrivateKey", "type", ErrUnsupported)
	}
	if len(key) != ed25519.SeedSize {
		return SigningPrivateKey{}, invalid("SigningPrivateKey", "key", ErrLength)
	}
	return SigningPrivateKey{ed25519.NewKeyFromSeed(key)}, nil
}

// Type returns the type of the signatures that k makes.
func (k SigningPrivateKey) Type() SigType { return SigEd25519 }

// Public returns the key that verifies what k signs, nothing if k is zero.
func (k SigningPrivateKey) Public() SigningPublicKey {
	if len(k.key) == 0 {
		return SigningPublicKey{}
	}
	return SigningPublicKey{SigEd25519, []byte(k.key.Public().(ed25519.PublicKey))}
}

// Sign signs exactly message. It panics if k is zero.
func (k SigningPrivateKey) Sign(message []byte) Signature {
	return ed25519.Sign(k.key, message)
}

// String hides the key from logs and error messages.
func (k SigningPrivateKey) String() string { return "SigningPrivateKey(hidden)" }

// GoString hides the key from logs and error messages.
func (k SigningPrivateKey) GoString() string { return k.String() }
