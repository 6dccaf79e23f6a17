package i2cp

import (
	"encoding/binary"
	"errors"

	"multihome.i2p/i2cp/wire"
)

// A cursor reads the fields of a body in order. The first fault sticks, with
// the name and the place of its field; reads after it give zeros, so that a
// Parse is a list of fields and one question at the end.
type cursor struct {
	t     Type
	body  []byte
	off   int
	field string
	at    int
	err   error
}

func (c *cursor) fail(field string, at int, err error) {
	if c.err == nil {
		c.field, c.at, c.err = field, at, err
	}
}

// take returns the next n bytes, nil if there are fewer.
func (c *cursor) take(field string, n int) []byte {
	if c.err != nil {
		return nil
	}
	if n > len(c.body)-c.off {
		c.fail(field, c.off, ErrTruncated)
		return nil
	}
	b := c.body[c.off : c.off+n : c.off+n]
	c.off += n
	return b
}

func (c *cursor) u8(field string) uint8 {
	if b := c.take(field, 1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16(field string) uint16 {
	if b := c.take(field, 2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32(field string) uint32 {
	if b := c.take(field, 4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u48(field string) uint64 {
	if b := c.take(field, 6); b != nil {
		return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
	}
	return 0
}

func (c *cursor) u64(field string) uint64 {
	if b := c.take(field, 8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) hash(field string) (h wire.Hash) {
	if b := c.take(field, len(h)); b != nil {
		h = wire.Hash(b)
	}
	return h
}

func (c *cursor) date(field string) wire.Date { return wire.Date(c.u64(field)) }

// mapping reads a Mapping in any order.
func (c *cursor) mapping() wire.Mapping {
	if c.err != nil {
		return wire.Mapping{}
	}
	m, rest, err := wire.ParseMapping(c.body[c.off:])
	if err != nil {
		at := c.off
		var we *wire.Error
		if errors.As(err, &we) {
			at += we.Offset
			err = we.Err
		}
		c.fail("options", at, err)
		return wire.Mapping{}
	}
	c.off = len(c.body) - len(rest)
	return m
}

// str reads a String: one byte of length, then that many bytes
// (common-structures.md, String).
func (c *cursor) str(field string) string {
	at, sound := c.off, c.err == nil
	b := c.take(field, int(c.u8(field)))
	if sound && c.err != nil {
		c.at = at // the field begins with its length
	}
	return string(b)
}

// block reads bytes with a 2-byte length before them.
func (c *cursor) block(field string) []byte {
	at, sound := c.off, c.err == nil
	b := c.take(field, int(c.u16(field)))
	if sound && c.err != nil {
		c.at = at
	}
	return b
}

// payload reads a Payload: 4 bytes of length, then that many bytes.
func (c *cursor) payload() []byte {
	at := c.off
	n := c.u32("payload")
	if c.err == nil && int64(n) > int64(len(c.body)-c.off) {
		c.fail("payload", at, ErrTruncated)
		return nil
	}
	return c.take("payload", int(n))
}

// destination reads a Destination as bytes: 384 bytes of keys, then a
// certificate of type, 2-byte length and that much payload
// (common-structures.md, KeysAndCert).
func (c *cursor) destination() []byte {
	if c.err != nil {
		return nil
	}
	rest := c.body[c.off:]
	if len(rest) < destMin {
		c.fail("destination", c.off, ErrTruncated)
		return nil
	}
	return c.take("destination", destMin+int(binary.BigEndian.Uint16(rest[destMin-2:])))
}

const destMin = 387 // a Destination with an empty certificate

// flags reads one byte of flags of which only those of mask are defined.
func (c *cursor) flags(field string, mask uint8) uint8 {
	at := c.off
	f := c.u8(field)
	if f&^mask != 0 {
		c.fail(field, at, ErrValue)
	}
	return f
}

// enum reads one byte that may not exceed last.
func (c *cursor) enum(field string, last uint8) uint8 {
	at := c.off
	v := c.u8(field)
	if v > last {
		c.fail(field, at, ErrValue)
	}
	return v
}

// rest takes what is left.
func (c *cursor) rest() []byte { return c.take("", len(c.body)-c.off) }

func (c *cursor) left() int { return len(c.body) - c.off }

// end reports what was wrong with the body, if anything.
func (c *cursor) end() error {
	if c.err == nil && c.off != len(c.body) {
		c.fail("end", c.off, ErrTrailing)
	}
	if c.err == nil {
		return nil
	}
	return &ParseError{c.t, c.field, c.at, c.err}
}

// A builder writes fields in order; the first fault sticks, as in a cursor.
type builder struct {
	t    Type
	b    []byte
	base int
	err  error
}

func build(t Type, b []byte) builder { return builder{t: t, b: b, base: len(b)} }

func (w *builder) fail(field string, err error) {
	if w.err == nil {
		w.err = &ParseError{w.t, field, 0, err}
	}
}

func (w *builder) u8(v uint8)        { w.b = append(w.b, v) }
func (w *builder) u16(v uint16)      { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *builder) u32(v uint32)      { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *builder) u64(v uint64)      { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *builder) hash(h *wire.Hash) { w.b = append(w.b, h[:]...) }
func (w *builder) raw(p []byte)      { w.b = append(w.b, p...) }

// payload writes a Payload; the limit of a frame bounds it.
func (w *builder) payload(p []byte) {
	w.u32(uint32(len(p)))
	w.raw(p)
}

func (w *builder) u48(field string, v uint64) {
	if v>>48 != 0 {
		w.fail(field, ErrTooLong)
	}
	w.u16(uint16(v >> 32))
	w.u32(uint32(v))
}

func (w *builder) str(field, s string) {
	if len(s) > 255 {
		w.fail(field, ErrTooLong)
	}
	w.u8(uint8(len(s)))
	w.b = append(w.b, s...)
}

func (w *builder) block(field string, p []byte) {
	if len(p) > 0xffff {
		w.fail(field, ErrTooLong)
	}
	w.u16(uint16(len(p)))
	w.raw(p)
}

// destination writes a Destination whose certificate says how long it is:
// anything else could not be read back.
func (w *builder) destination(d []byte) {
	if len(d) < destMin || len(d) != destMin+int(binary.BigEndian.Uint16(d[destMin-2:])) {
		w.fail("destination", ErrValue)
	}
	w.raw(d)
}

func (w *builder) date(d wire.Date) { w.u64(uint64(d)) }

func (w *builder) mapping(m wire.Mapping) { w.b = m.Append(w.b) }

// bool writes a byte of flags with one bit.
func (w *builder) bool(v bool, bit uint8) {
	if !v {
		bit = 0
	}
	w.u8(bit)
}

// flags, enum and count write a byte and uphold what the cursor demands.

func (w *builder) flags(field string, v, mask uint8) {
	if v&^mask != 0 {
		w.fail(field, ErrValue)
	}
	w.u8(v)
}

func (w *builder) enum(field string, v, last uint8) {
	if v > last {
		w.fail(field, ErrValue)
	}
	w.u8(v)
}

func (w *builder) count(field string, n, most int) {
	if n > most {
		w.fail(field, ErrTooLong)
	}
	w.u8(uint8(n))
}

// end returns the bytes, or what b was before.
func (w *builder) end() ([]byte, error) {
	if w.err != nil {
		return w.b[:w.base], w.err
	}
	return w.b, nil
}
