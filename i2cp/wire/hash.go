package wire

import "crypto/sha256"

// A Hash is the SHA-256 of some data, "Hash" of the specification. Routers and
// Destinations are known by the hashes of their encodings.
type Hash [32]byte

// HashOf returns the hash of b.
func HashOf(b []byte) Hash { return sha256.Sum256(b) }

// Append appends the 32 bytes of h.
func (h Hash) Append(dst []byte) []byte { return append(dst, h[:]...) }

// String returns h in I2P's base 64, as routers print and name it.
func (h Hash) String() string { return EncodeBase64(h[:]) }

// ParseHash parses 32 bytes.
func ParseHash(b []byte) (h Hash, rest []byte, err error) {
	r := reader{b: b}
	copy(h[:], r.take("Hash", "hash", len(h)))
	return parsed(&r, h)
}

// ParseHashBase64 parses what String returns.
func ParseHashBase64(s string) (Hash, error) {
	b, err := DecodeBase64(s)
	if err != nil {
		return Hash{}, err
	}
	if len(b) != len(Hash{}) {
		return Hash{}, &Error{Structure: "Hash", Field: "base 64", Err: ErrLength}
	}
	return Hash(b), nil
}
