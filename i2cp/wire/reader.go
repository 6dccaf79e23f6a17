package wire

import "encoding/binary"

// A reader walks over the input of one parser. After a failure it yields zeros;
// the first failure counts.
type reader struct {
	b   []byte
	off int
	err *Error
}

// fail notes that the field at offset off is wrong.
func (r *reader) fail(structure, field string, off int, reason error) {
	if r.err == nil {
		r.err = &Error{Structure: structure, Field: field, Offset: off, Err: reason}
	}
}

// take returns the next n bytes, without room to grow into what follows.
func (r *reader) take(structure, field string, n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.b)-r.off {
		r.fail(structure, field, r.off, ErrTruncated)
		return nil
	}
	s := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return s
}

func (r *reader) uint8(structure, field string) uint8 {
	if s := r.take(structure, field, 1); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) uint16(structure, field string) uint16 {
	if s := r.take(structure, field, 2); s != nil {
		return binary.BigEndian.Uint16(s)
	}
	return 0
}

func (r *reader) uint32(structure, field string) uint32 {
	if s := r.take(structure, field, 4); s != nil {
		return binary.BigEndian.Uint32(s)
	}
	return 0
}

func (r *reader) uint64(structure, field string) uint64 {
	if s := r.take(structure, field, 8); s != nil {
		return binary.BigEndian.Uint64(s)
	}
	return 0
}

// parsed is what a ParseX returns: v and the rest, or nothing and an error.
func parsed[T any](r *reader, v T) (T, []byte, error) {
	if r.err != nil {
		var none T
		return none, nil, r.err
	}
	return v, r.b[r.off:], nil
}
