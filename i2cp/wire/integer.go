package wire

// Integers, "Integer" of the specification: 1 to 8 bytes, unsigned, big endian.

// AppendInteger appends v in size bytes. It is an error if size is not 1 to 8 or
// if v does not fit.
func AppendInteger(dst []byte, v uint64, size int) ([]byte, error) {
	if size < 1 || size > 8 {
		return nil, invalid("Integer", "size", ErrLength)
	}
	if size < 8 && v>>(8*size) != 0 {
		return nil, invalid("Integer", "value", ErrValue)
	}
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst, nil
}

// ParseInteger parses an integer of size bytes, 1 to 8.
func ParseInteger(b []byte, size int) (v uint64, rest []byte, err error) {
	r := reader{b: b}
	if size < 1 || size > 8 {
		r.fail("Integer", "size", 0, ErrLength)
	}
	for _, c := range r.take("Integer", "value", size) {
		v = v<<8 | uint64(c)
	}
	return parsed(&r, v)
}
