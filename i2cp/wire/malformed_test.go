package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// A malformation changes an encoding so that it is wrong in one place. offset,
// structure, field and reason are what the error must say.
type malformation struct {
	name             string
	change           func([]byte) []byte
	structure, field string
	offset           int
	reason           error
}

// set overwrites bytes.
func set(off int, with ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[off:], with)
		return b
	}
}

// insert puts bytes in.
func insert(off int, with ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		return append(append(bytes.Clone(b[:off]), with...), b[off:]...)
	}
}

func checkMalformed(t *testing.T, codecName string, seed []byte, cases []malformation) {
	t.Helper()
	c := codecNamed(t, codecName)
	if _, rest, _, err := c.run(seed); err != nil || len(rest) != 0 {
		t.Fatalf("the seed: %v, %d left", err, len(rest))
	}
	for _, m := range cases {
		t.Run(m.name, func(t *testing.T) {
			b := m.change(bytes.Clone(seed))
			c.check(t, b)
			_, _, _, err := c.run(b)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v", err)
			}
			if e.Structure != m.structure || e.Field != m.field || e.Offset != m.offset || !errors.Is(err, m.reason) {
				t.Errorf("got:  %v\nwant: %v", e, &Error{m.structure, m.field, m.offset, m.reason})
			}
			if !strings.HasPrefix(err.Error(), "wire: ") {
				t.Errorf("message %q", err)
			}
		})
	}
}

func TestMalformedCertificate(t *testing.T) {
	checkMalformed(t, "Certificate", []byte{5, 0, 4, 0, 7, 0, 0}, []malformation{
		{"null with payload", set(0, 0), "Certificate", "length", 1, ErrLength},
		{"key without types", set(1, 0, 3), "Certificate", "length", 1, ErrLength},
		{"longer than the input", set(1, 0, 5), "Certificate", "payload", 3, ErrTruncated},
	})
}

func TestMalformedMapping(t *testing.T) {
	checkMalformed(t, "Mapping", []byte("\x00\x0c\x01a=\x01b;\x01c=\x01d;"), []malformation{
		{"size beyond the input", set(0, 0, 13), "Mapping", "pairs", 2, ErrTruncated},
		{"size within a pair", set(0, 0, 11), "Mapping", "punctuation", 13, ErrTruncated},
		{"size within a key", set(0, 0, 7), "Mapping", "key", 9, ErrTruncated},
		{"key beyond the size", set(8, 6), "Mapping", "key", 9, ErrTruncated},
		{"value beyond the size", set(11, 3), "Mapping", "value", 12, ErrTruncated},
		{"no =", set(4, ':'), "Mapping", "punctuation", 4, ErrEncoding},
		{"no ;", set(7, ','), "Mapping", "punctuation", 7, ErrEncoding},
		{"key no UTF-8", set(3, 0xff), "Mapping", "key", 3, ErrEncoding},
		{"value no UTF-8", set(6, 0xff), "Mapping", "value", 6, ErrEncoding},
		{"duplicate key", set(9, 'a'), "Mapping", "key", 8, ErrDuplicate},
	})
	checkMalformed(t, "Mapping", []byte("\x00\x10\x01c=\x01b;\x01a=\x01d;\x00=\x00;"), []malformation{
		{"duplicate key, unsorted", func([]byte) []byte { return []byte("\x00\x12\x01c=\x01b;\x01a=\x01d;\x01c=\x01e;") }, "Mapping", "key", 14, ErrDuplicate},
	})
}

func TestMalformedDestination(t *testing.T) {
	d, _ := sampleDestination(t)
	checkMalformed(t, "Destination", d.Bytes(), []malformation{
		{"unknown signing key", set(387, 0, 12), "Destination", "key types", 387, ErrUnsupported},
		{"unknown encryption key", set(389, 0, 255), "Destination", "key types", 387, ErrUnsupported},
		{"excess data", func(b []byte) []byte { return append(set(385, 0, 5)(b), 0) }, "Destination", "certificate", 384, ErrLength},
		{"missing excess", set(387, 0, 3), "Destination", "certificate", 384, ErrLength},
		{"null with payload", set(384, 0), "Certificate", "length", 385, ErrLength},
		{"certificate beyond the input", set(385, 0, 5), "Certificate", "payload", 387, ErrTruncated},
	})
}

func TestMalformedLeaseSet(t *testing.T) {
	checkMalformed(t, "LeaseSet", encoding(t, sampleLeaseSet(t).Append), []malformation{
		{"17 leases", func(b []byte) []byte {
			b[391+256+32] = 17
			return append(b, make([]byte, 17*44)...)
		}, "LeaseSet", "num", 391 + 256 + 32, ErrTooMany},
		{"more leases than there are", set(391+256+32, 16), "LeaseSet", "leases", 391 + 256 + 32 + 1, ErrTruncated},
		{"unknown signing key", set(387, 1, 0), "Destination", "key types", 387, ErrUnsupported},
	})
}

func TestMalformedLeaseSet2(t *testing.T) {
	l, _ := sampleLeaseSet2(t, 2)
	b := encoding(t, l.Append)
	const (
		flags   = 391 + 6
		options = flags + 2
		numk    = options + 2
		num     = numk + 1 + 4 + 32
	)
	checkMalformed(t, "LeaseSet2", b, []malformation{
		{"no key", set(numk, 0), "LeaseSet2", "numk", numk, ErrValue},
		{"nine keys", set(numk, 9), "LeaseSet2", "numk", numk, ErrTooMany},
		{"key of another length", set(numk+3, 0, 33), "EncryptionKey", "length", numk + 3, ErrLength},
		{"key of another type", set(numk+1, 0, 0), "EncryptionKey", "length", numk + 3, ErrLength},
		{"unknown key beyond the input", set(numk+1, 0, 9, 0xff, 0xff), "EncryptionKey", "key", numk + 5, ErrTruncated},
		{"17 leases", func(b []byte) []byte {
			b[num] = 17
			return append(b, make([]byte, 15*40)...)
		}, "LeaseSet2", "num", num, ErrTooMany},
		{"more leases than there are", set(num, 4), "LeaseSet2", "leases", num + 1, ErrTruncated},
		{"a lease more", set(num, 3), "LeaseSet2", "signature", num + 1 + 3*40, ErrTruncated},
		{"options beyond the input", set(options, 0xff, 0xff), "Mapping", "pairs", options + 2, ErrTruncated},
		{"options unsorted", func(b []byte) []byte {
			return insert(options+2, []byte("\x01b=\x01b;\x01a=\x01b;")...)(set(options, 0, 12)(b))
		}, "Mapping", "key", options + 8, ErrUnsorted},
		{"options with a duplicate", func(b []byte) []byte {
			return insert(options+2, []byte("\x01b=\x01b;\x01b=\x01b;")...)(set(options, 0, 12)(b))
		}, "Mapping", "key", options + 8, ErrDuplicate},
		{"offline, but no signature", set(flags, 0, 1), "OfflineSignature", "sigtype", flags + 2 + 4, ErrUnsupported},
	})
	full := encoding(t, sampleFullLeaseSet2(t).Append)
	checkMalformed(t, "LeaseSet2", full, []malformation{
		{"unknown transient key", set(flags+2+4, 0, 20), "OfflineSignature", "sigtype", flags + 2 + 4, ErrUnsupported},
	})
}

func TestMalformedMetaLeaseSet(t *testing.T) {
	l := sampleMetaLeaseSet(t)
	b := encoding(t, l.Append)
	num := 391 + 8 + l.Options.Size()
	numr := num + 1 + 2*40
	checkMalformed(t, "MetaLeaseSet", b, []malformation{
		{"no lease", set(num, 0), "MetaLeaseSet", "num", num, ErrValue},
		{"255 leases", set(num, 255), "MetaLeaseSet", "leases", num + 1, ErrTruncated},
		{"255 revocations", set(numr, 255), "MetaLeaseSet", "revocations", numr + 1, ErrTruncated},
		{"a revocation less", set(numr, 3), "MetaLeaseSet", "signature", numr + 1 + 3*32, ErrTruncated},
	})
}

func TestMalformedEncryptedLeaseSet(t *testing.T) {
	l := sampleEncryptedLeaseSet(t)
	b := encoding(t, l.Append)
	const offline = 2 + 32 + 8
	const length = offline + 6 + 32 + 64
	checkMalformed(t, "EncryptedLeaseSet", b, []malformation{
		{"unknown key", set(0, 0, 12), "EncryptedLeaseSet", "sigtype", 0, ErrUnsupported},
		{"no data", set(length, 0, 0), "EncryptedLeaseSet", "len", length, ErrValue},
		{"data beyond the input", set(length, 0xff, 0xff), "EncryptedLeaseSet", "encrypted_data", length + 2, ErrTruncated},
		{"a byte more", set(length, 0, 101), "EncryptedLeaseSet", "signature", length + 2 + 101, ErrTruncated},
		{"unknown transient key", set(offline+4, 0, 12), "OfflineSignature", "sigtype", offline + 4, ErrUnsupported},
	})
}

func TestMalformedPrivateKeyFile(t *testing.T) {
	b := encoding(t, sampleKeyFile(t).Append)
	zero := make([]byte, 32)
	checkMalformed(t, "PrivateKeyFile", b, []malformation{
		{"zero key and nothing after", set(391+256, zero...), "OfflineSignature", "expires", len(b), ErrTruncated},
		{"shorter than its type", set(387, 0, 3, 0, 0), "Destination", "certificate", 384, ErrLength},
	})
	offline := vectorBytes(t, "i2pd-keyfile-ours-offline")
	checkMalformed(t, "PrivateKeyFile", offline, []malformation{
		{"unknown transient key", set(391+256+32+4, 9, 9), "OfflineSignature", "sigtype", 391 + 256 + 32 + 4, ErrUnsupported},
		{"no transient private key", func(b []byte) []byte { return b[:len(b)-1] }, "PrivateKeyFile", "transient signing key", len(offline) - 32, ErrTruncated},
	})
}

func TestMalformedOther(t *testing.T) {
	checkMalformed(t, "String", []byte("\x02ab"), []malformation{
		{"no UTF-8", set(1, 0xc3, 0x28), "String", "data", 1, ErrEncoding},
		{"longer than the input", set(0, 3), "String", "data", 1, ErrTruncated},
	})
	checkMalformed(t, "EncryptionKey", append([]byte{0, 5, 0, 32}, make([]byte, 32)...), []malformation{
		{"length", set(2, 0, 31), "EncryptionKey", "length", 2, ErrLength},
	})
	for _, size := range []int{-1, 0, 9} {
		if _, _, err := ParseInteger(make([]byte, 10), size); !errors.Is(err, ErrLength) {
			t.Errorf("Integer of %d bytes: %v", size, err)
		}
	}
	if _, _, err := ParseSignature(12, make([]byte, 999)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("Signature of type 12: %v", err)
	}
	if _, _, err := ParseSigningPublicKey(12, make([]byte, 999)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("SigningPublicKey of type 12: %v", err)
	}
}

// TestReuseAfterError parses something wrong into a lease set that was right:
// nothing of it may be left.
func TestReuseAfterError(t *testing.T) {
	full := sampleFullLeaseSet2(t)
	b := encoding(t, full.Append)
	var l LeaseSet2
	if _, err := l.Parse(b); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Parse(b[:len(b)-1]); err == nil {
		t.Fatal("no error")
	}
	if len(l.Leases)+len(l.EncryptionKeys)+len(l.Signature)+l.Options.Len()+l.Destination.Len()+len(l.Offline.Signature) != 0 || l.Flags != 0 {
		t.Errorf("left: %+v", l)
	}
	if _, err := l.Parse(b); err != nil {
		t.Fatal(err)
	}
	if got := encoding(t, l.Append); !bytes.Equal(got, b) {
		t.Error("other bytes")
	}
}

// TestNotEncodable builds values that have no encoding.
func TestNotEncodable(t *testing.T) {
	long := strings.Repeat("x", 256)
	l := func(change func(*LeaseSet2)) func() ([]byte, error) {
		return func() ([]byte, error) {
			l := sampleFullLeaseSet2(t)
			change(l)
			return l.Append(nil)
		}
	}
	unsorted, _, err := ParseMapping([]byte("\x00\x0c\x01b=\x01b;\x01a=\x01b;"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		encode func() ([]byte, error)
		reason error
	}{
		{"long String", func() ([]byte, error) { return AppendString(nil, long) }, ErrLength},
		{"String no UTF-8", func() ([]byte, error) { return AppendString(nil, "\xff") }, ErrEncoding},
		{"large Integer", func() ([]byte, error) { return AppendInteger(nil, 256, 1) }, ErrValue},
		{"long Integer", func() ([]byte, error) { return AppendInteger(nil, 0, 9) }, ErrLength},
		{"Mapping with a long key", func() ([]byte, error) {
			m, err := NewMapping(map[string]string{long: ""})
			return m.pairs, err
		}, ErrLength},
		{"Mapping with a long value", func() ([]byte, error) {
			m, err := NewMapping(map[string]string{"": long})
			return m.pairs, err
		}, ErrLength},
		{"Mapping no UTF-8", func() ([]byte, error) {
			m, err := NewMapping(map[string]string{"a": "\xff", "\x80": ""})
			return m.pairs, err
		}, ErrEncoding},
		{"large Mapping", func() ([]byte, error) {
			pairs := make(map[string]string)
			for i := range 260 {
				pairs[string(binary.BigEndian.AppendUint16(nil, uint16(i%128<<8|i/128)))] = long[:255]
			}
			m, err := NewMapping(pairs)
			return m.pairs, err
		}, ErrLength},
		{"null Certificate with payload", func() ([]byte, error) { return Certificate{Payload: []byte{1}}.Append(nil) }, ErrLength},
		{"key Certificate without types", func() ([]byte, error) { return Certificate{Type: CertKey}.Append(nil) }, ErrLength},
		{"long Certificate", func() ([]byte, error) { return Certificate{1, make([]byte, 65536)}.Append(nil) }, ErrLength},
		{"empty LeaseSet2", func() ([]byte, error) { return new(LeaseSet2).Append(nil) }, ErrLength},
		{"LeaseSet2 without keys", l(func(l *LeaseSet2) { l.EncryptionKeys = nil }), ErrValue},
		{"LeaseSet2 with 9 keys", l(func(l *LeaseSet2) { l.EncryptionKeys = make([]EncryptionKey, 9) }), ErrTooMany},
		{"LeaseSet2 with a wrong key", l(func(l *LeaseSet2) { l.EncryptionKeys[0].Key = nil }), ErrLength},
		{"LeaseSet2 with 17 leases", l(func(l *LeaseSet2) { l.Leases = make([]Lease2, 17) }), ErrTooMany},
		{"LeaseSet2 with unsorted options", l(func(l *LeaseSet2) { l.Options = unsorted }), ErrUnsorted},
		{"LeaseSet2 unsigned", l(func(l *LeaseSet2) { l.Signature = nil }), ErrLength},
		{"LeaseSet2 without Destination", l(func(l *LeaseSet2) { l.Destination = Destination{} }), ErrLength},
		{"LeaseSet2 with a wrong transient key", l(func(l *LeaseSet2) { l.Offline.Transient.Key = nil }), ErrLength},
		{"LeaseSet2 with an unsigned transient key", l(func(l *LeaseSet2) { l.Offline.Signature = nil }), ErrLength},
		{"MetaLeaseSet without leases", func() ([]byte, error) {
			l := sampleMetaLeaseSet(t)
			l.Leases = nil
			return l.Append(nil)
		}, ErrValue},
		{"MetaLeaseSet with 256 leases", func() ([]byte, error) {
			l := sampleMetaLeaseSet(t)
			l.Leases = make([]MetaLease, 256)
			return l.Append(nil)
		}, ErrTooMany},
		{"MetaLeaseSet with 256 revocations", func() ([]byte, error) {
			l := sampleMetaLeaseSet(t)
			l.Revocations = make([]Hash, 256)
			return l.Append(nil)
		}, ErrTooMany},
		{"LeaseSet with 17 leases", func() ([]byte, error) {
			l := sampleLeaseSet(t)
			l.Leases = make([]Lease, 17)
			return l.Append(nil)
		}, ErrTooMany},
		{"LeaseSet with a wrong key", func() ([]byte, error) {
			l := sampleLeaseSet(t)
			l.SigningKey = nil
			return l.Append(nil)
		}, ErrLength},
		{"EncryptedLeaseSet without data", func() ([]byte, error) {
			l := sampleEncryptedLeaseSet(t)
			l.Data = nil
			return l.Append(nil)
		}, ErrLength},
		{"EncryptedLeaseSet without key", func() ([]byte, error) {
			l := sampleEncryptedLeaseSet(t)
			l.BlindedKey.Key = nil
			return l.Append(nil)
		}, ErrLength},
		{"PrivateKeyFile, empty", func() ([]byte, error) { return PrivateKeyFile{}.Append(nil) }, ErrLength},
		{"PrivateKeyFile without key", func() ([]byte, error) {
			f := sampleKeyFile(t)
			f.SigningKey = nil
			return f.Append(nil)
		}, ErrLength},
		{"PrivateKeyFile with a zero key", func() ([]byte, error) {
			f := sampleKeyFile(t)
			f.SigningKey = make([]byte, 32)
			return f.Append(nil)
		}, ErrLength},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, err := test.encode()
			if !errors.Is(err, test.reason) || b != nil {
				t.Errorf("%x, %v; want %v", b, err, test.reason)
			}
		})
	}
}
