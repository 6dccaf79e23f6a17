package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"unicode/utf8"
)

// A Mapping is a set of pairs of strings, "Mapping" of the specification: two
// bytes of size, then for each pair the key, '=', the value and ';'. The zero
// Mapping is empty.
//
// A Mapping keeps the order in which it was parsed. Where it is part of something
// signed it must be sorted; NewMapping sorts. No Mapping has two pairs of one
// key.
type Mapping struct {
	pairs []byte // encoded, without the size
}

// NewMapping returns a sorted Mapping of pairs. Keys and values are limited to 255
// bytes of UTF-8 each, and the whole to 65535 bytes.
func NewMapping(pairs map[string]string) (Mapping, error) {
	keys := make([]string, 0, len(pairs))
	for key := range pairs {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareKeys[string])
	var m Mapping
	var err error
	for _, key := range keys {
		if m.pairs, err = AppendString(m.pairs, key); err != nil {
			return Mapping{}, invalid("Mapping", "key", errors.Unwrap(err))
		}
		m.pairs = append(m.pairs, '=')
		if m.pairs, err = AppendString(m.pairs, pairs[key]); err != nil {
			return Mapping{}, invalid("Mapping", "value", errors.Unwrap(err))
		}
		m.pairs = append(m.pairs, ';')
	}
	if len(m.pairs) > 0xffff {
		return Mapping{}, invalid("Mapping", "size", ErrLength)
	}
	return m, nil
}

// Append appends the encoding of m, its size included.
func (m Mapping) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(m.pairs)))
	return append(dst, m.pairs...)
}

// Size returns the length of m's encoding.
func (m Mapping) Size() int { return 2 + len(m.pairs) }

// All returns the pairs in their order.
func (m Mapping) All() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for key, value := range m.raw() {
			if !yield(string(key), string(value)) {
				return
			}
		}
	}
}

// raw is All without copies.
func (m Mapping) raw() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		for p := m.pairs; len(p) > 0; {
			key := p[1 : 1+int(p[0])]
			p = p[1+len(key)+1:]
			value := p[1 : 1+int(p[0])]
			p = p[1+len(value)+1:]
			if !yield(key, value) {
				return
			}
		}
	}
}

// Get returns the value of key.
func (m Mapping) Get(key string) (value string, ok bool) {
	for k, v := range m.raw() {
		if string(k) == key {
			return string(v), true
		}
	}
	return "", false
}

// Len returns the number of pairs.
func (m Mapping) Len() int {
	n := 0
	for range m.raw() {
		n++
	}
	return n
}

// Sorted reports whether m is sorted as signed mappings must be: by the UTF-16
// code units of the keys, as Java compares strings.
func (m Mapping) Sorted() bool {
	var last []byte
	for key := range m.raw() {
		if last != nil && compareKeys(last, key) > 0 {
			return false
		}
		last = key
	}
	return true
}

// checkSignable returns an error if m has characters that are not ASCII. Java I2P
// (2.8.0) takes lease sets apart and encodes them again to verify them, and then
// writes options as if they were Latin-1: it would find the signature wrong.
func (m Mapping) checkSignable(structure string) error {
	for key, value := range m.raw() {
		if !ascii(key) || !ascii(value) {
			return invalid(structure, "options", ErrEncoding)
		}
	}
	return nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Clone returns a copy of m that borrows nothing.
func (m Mapping) Clone() Mapping { return Mapping{bytes.Clone(m.pairs)} }

// ParseMapping parses a Mapping in any order.
func ParseMapping(b []byte) (m Mapping, rest []byte, err error) {
	r := reader{b: b}
	m = readMapping(&r, false)
	return parsed(&r, m)
}

// readMapping reads a mapping, which must be sorted if it is part of something
// signed.
func readMapping(r *reader, signed bool) Mapping {
	size := r.uint16("Mapping", "size")
	start := r.off
	m := Mapping{r.take("Mapping", "pairs", int(size))}
	if len(m.pairs) == 0 {
		return Mapping{}
	}
	// The pairs must fill the size exactly, so they are read as if nothing
	// followed.
	in := reader{b: r.b[:r.off], off: start}
	sorted := true
	var last []byte
	for in.err == nil && in.off < len(in.b) {
		off := in.off
		key := readString(&in, "Mapping", "key")
		readPunctuation(&in, '=')
		readString(&in, "Mapping", "value")
		readPunctuation(&in, ';')
		if in.err != nil {
			break
		}
		if last != nil {
			switch c := compareKeys(last, key); {
			case c == 0:
				in.fail("Mapping", "key", off, ErrDuplicate)
			case c > 0 && signed:
				in.fail("Mapping", "key", off, ErrUnsorted)
			case c > 0:
				sorted = false
			}
		}
		last = key
	}
	if in.err == nil && !sorted {
		// Equal keys need not be neighbours.
		seen := make(map[string]bool)
		off := start
		for key, value := range m.raw() {
			if seen[string(key)] {
				in.fail("Mapping", "key", off, ErrDuplicate)
				break
			}
			seen[string(key)] = true
			off += 1 + len(key) + 1 + 1 + len(value) + 1
		}
	}
	if in.err != nil {
		r.err = in.err
		return Mapping{}
	}
	return m
}

func readPunctuation(r *reader, want byte) {
	off := r.off
	if got := r.uint8("Mapping", "punctuation"); r.err == nil && got != want {
		r.fail("Mapping", "punctuation", off, ErrEncoding)
	}
}

// compareKeys compares valid UTF-8 as String.compareTo of Java does. That differs
// from the order of bytes where one string has a character beyond U+FFFF, which
// takes two units of 0xD800 and up, and the other one between U+E000 and U+FFFF.
func compareKeys[S string | []byte](a, b S) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) || n == len(b) {
		return len(a) - len(b)
	}
	// The bytes before n are equal, so both characters begin at the same place.
	start := n
	for start > 0 && !utf8.RuneStart(a[start]) {
		start--
	}
	if (a[start] >= 0xf0) != (b[start] >= 0xf0) { // one beyond U+FFFF, one not
		if a[start] >= 0xee && b[start] >= 0xee { // neither below U+E000
			if a[start] >= 0xf0 {
				return -1
			}
			return 1
		}
	}
	return int(a[n]) - int(b[n])
}
