package wire

import "unicode/utf8"

// Strings, "String" of the specification: a byte that counts the bytes that
// follow, and up to 255 bytes of UTF-8.

const maxString = 255

// AppendString appends s, which must be valid UTF-8 of at most 255 bytes.
func AppendString(dst []byte, s string) ([]byte, error) {
	if len(s) > maxString {
		return nil, invalid("String", "length", ErrLength)
	}
	if !utf8.ValidString(s) {
		return nil, invalid("String", "data", ErrEncoding)
	}
	return append(append(dst, byte(len(s))), s...), nil
}

// ParseString parses a string.
func ParseString(b []byte) (s string, rest []byte, err error) {
	r := reader{b: b}
	s = string(readString(&r, "String", "data"))
	return parsed(&r, s)
}

// readString returns a string's bytes.
func readString(r *reader, structure, field string) []byte {
	n := r.uint8(structure, field)
	off := r.off
	s := r.take(structure, field, int(n))
	if !utf8.Valid(s) {
		r.fail(structure, field, off, ErrEncoding)
	}
	return s
}
