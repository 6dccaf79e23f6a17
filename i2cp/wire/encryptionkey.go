package wire

import (
	"bytes"
	"encoding/binary"
)

// An EncryptionKey is "PublicKey" of the specification, with its type.
type EncryptionKey struct {
	Type EncType
	Key  []byte
}

// Clone returns a copy of k that borrows nothing.
func (k EncryptionKey) Clone() EncryptionKey { return EncryptionKey{k.Type, bytes.Clone(k.Key)} }

// Append appends the key as a LeaseSet2 has it: two bytes of type, two of length,
// and the key. The length must fit the type, unless that is unknown.
func (k EncryptionKey) Append(dst []byte) ([]byte, error) {
	if n, ok := k.Type.PublicKeyLen(); ok && n != len(k.Key) || len(k.Key) > 0xffff {
		return nil, invalid("EncryptionKey", "length", ErrLength)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(k.Type))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(k.Key)))
	return append(dst, k.Key...), nil
}

// ParseEncryptionKey parses a key as a LeaseSet2 has it.
func ParseEncryptionKey(b []byte) (k EncryptionKey, rest []byte, err error) {
	r := reader{b: b}
	k = readEncryptionKey(&r)
	return parsed(&r, k)
}

func readEncryptionKey(r *reader) EncryptionKey {
	k := EncryptionKey{Type: EncType(r.uint16("EncryptionKey", "type"))}
	off := r.off
	length := int(r.uint16("EncryptionKey", "length"))
	if n, ok := k.Type.PublicKeyLen(); r.err == nil && ok && n != length {
		r.fail("EncryptionKey", "length", off, ErrLength)
	}
	k.Key = r.take("EncryptionKey", "key", length)
	return k
}
