package trace

import (
	"encoding/base64"
	"errors"
)

// HashLen is the length of a [Hash] in I2P base64, padding included.
const HashLen = 44

// i2pBase64 is the base64 of I2P: '-' and '~' in place of '+' and '/'. Strict,
// since two spellings of one hash would be two routers to a reader that compares
// text.
var i2pBase64 = base64.NewEncoding(
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").Strict()

// A Hash is the SHA-256 hash that names a router, or the key section of a
// LeaseSet.
type Hash [32]byte

// errHash is the one thing that can be wrong with the text of a hash.
var errHash = errors.New("not a hash: want 44 characters of I2P base64")

// ParseHash reads 44 characters of I2P base64. It accepts one spelling only of
// each hash.
func ParseHash(text string) (Hash, error) { return parseHash([]byte(text)) }

func parseHash(text []byte) (Hash, error) {
	var buf [33]byte // what 44 characters of base64 may at most decode to
	if len(text) != HashLen {
		return Hash{}, errHash
	}
	for _, c := range text {
		if c < ' ' { // the decoder would skip a newline
			return Hash{}, errHash
		}
	}
	n, err := i2pBase64.Decode(buf[:], text)
	if err != nil || n != len(Hash{}) {
		return Hash{}, errHash
	}
	return Hash(buf[:32]), nil
}

// Append appends h in I2P base64 to dst.
func (h Hash) Append(dst []byte) []byte { return i2pBase64.AppendEncode(dst, h[:]) }

// String returns h in I2P base64.
func (h Hash) String() string { return string(h.Append(make([]byte, 0, HashLen))) }
