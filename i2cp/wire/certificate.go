package wire

import (
	"bytes"
	"encoding/binary"
)

// A CertType is the type of a Certificate.
type CertType uint8

// The types of certificates. Only CertNull and CertKey are in use.
const (
	CertNull     CertType = 0
	CertHashcash CertType = 1
	CertHidden   CertType = 2
	CertSigned   CertType = 3
	CertMultiple CertType = 4
	CertKey      CertType = 5
)

// A Certificate is "Certificate" of the specification: a type, two bytes of
// length, and a payload. Payloads of the types that are not in use are opaque.
type Certificate struct {
	Type    CertType
	Payload []byte
}

// Append appends the encoding of c. The payload must not be longer than 65535
// bytes, and empty in a null certificate.
func (c Certificate) Append(dst []byte) ([]byte, error) {
	if len(c.Payload) > 0xffff || c.Type == CertNull && len(c.Payload) != 0 {
		return nil, invalid("Certificate", "length", ErrLength)
	}
	if c.Type == CertKey && len(c.Payload) < keyCertMin {
		return nil, invalid("Certificate", "length", ErrLength)
	}
	dst = append(dst, byte(c.Type))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(c.Payload)))
	return append(dst, c.Payload...), nil
}

// KeyTypes returns the types that a key certificate announces. All others stand
// for DSA-SHA1 and ElGamal.
func (c Certificate) KeyTypes() (SigType, EncType) {
	if c.Type != CertKey || len(c.Payload) < keyCertMin {
		return SigDSASHA1, EncElGamal
	}
	return SigType(binary.BigEndian.Uint16(c.Payload)), EncType(binary.BigEndian.Uint16(c.Payload[2:]))
}

// keyCertMin is the length of the two types in a key certificate; what does not
// fit the fields of the keys follows.
const keyCertMin = 4

// Clone returns a copy of c that borrows nothing.
func (c Certificate) Clone() Certificate {
	return Certificate{c.Type, bytes.Clone(c.Payload)}
}

// ParseCertificate parses a Certificate.
func ParseCertificate(b []byte) (c Certificate, rest []byte, err error) {
	r := reader{b: b}
	c = readCertificate(&r)
	return parsed(&r, c)
}

func readCertificate(r *reader) Certificate {
	c := Certificate{Type: CertType(r.uint8("Certificate", "type"))}
	off := r.off
	n := int(r.uint16("Certificate", "length"))
	if c.Type == CertNull && n != 0 || c.Type == CertKey && n < keyCertMin {
		r.fail("Certificate", "length", off, ErrLength)
	}
	if n > 0 {
		c.Payload = r.take("Certificate", "payload", n)
	}
	return c
}
