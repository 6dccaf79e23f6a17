package wire

import (
	"encoding/base64"
	"strings"
)

// I2P's base 64 has - and ~ in place of + and /, and pads with =.
var i2pBase64 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~").Strict()

// EncodeBase64 returns b in I2P's base 64, padded.
func EncodeBase64(b []byte) string { return i2pBase64.EncodeToString(b) }

// DecodeBase64 decodes I2P's base 64. There is one encoding of each value: the
// padding must be there, and its unused bits must be zero.
func DecodeBase64(s string) ([]byte, error) {
	// The standard decoder skips line ends.
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		return nil, &Error{Structure: "base 64", Field: "character", Offset: i, Err: ErrEncoding}
	}
	b, err := i2pBase64.DecodeString(s)
	if err != nil {
		off := 0
		if at, ok := err.(base64.CorruptInputError); ok { //nolint:errorlint // never wrapped
			off = int(at)
		}
		return nil, &Error{Structure: "base 64", Field: "character", Offset: off, Err: ErrEncoding}
	}
	return b, nil
}
