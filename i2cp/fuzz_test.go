package i2cp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"multihome.i2p/i2cp/wire"
)

// FuzzParse: what parses encodes to the same bytes, into a fresh message and
// into one that is used again; what does not says what and where, and gives
// nothing.
func FuzzParse(f *testing.F) {
	for _, m := range examples(f) {
		body, err := m.Append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(m.Type()), body)
	}
	for _, v := range readCapture(f, "testdata/i2pd.txt") {
		f.Add(uint8(v.typ), v.body)
	}
	used := make(map[Type]Message)
	for _, m := range examples(f) {
		used[m.Type()] = m
	}
	f.Fuzz(func(t *testing.T, n uint8, body []byte) {
		typ := Type(n)
		m, err := Parse(typ, body)
		if err != nil {
			var pe *ParseError
			if !errors.As(err, &pe) || pe.Type != typ || pe.Offset < 0 || pe.Offset > len(body) || pe.Error() == "" {
				t.Fatalf("%v: %#v", typ, err)
			}
			if m != nil {
				t.Fatalf("%v: a message besides %v", typ, err)
			}
			return
		}
		for _, m := range []Message{m, used[typ]} {
			if err := m.Parse(body); err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			again, err := m.Append(nil)
			if err != nil {
				t.Fatalf("%v: %v", typ, err)
			}
			if !bytes.Equal(again, body) {
				t.Fatalf("%v:\n got %x\nwant %x", typ, again, body)
			}
		}
	})
}

// FuzzReader: cutting a stream into frames gives the same frames however the
// bytes come, and writing them gives the stream back.
func FuzzReader(f *testing.F) {
	var all []byte
	for _, m := range examples(f) {
		frame, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
		all = append(all, frame...)
	}
	f.Add(all)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 5})
	f.Add([]byte{0, 1, 0, 0, 5, 0})
	const limit = 4096
	f.Fuzz(func(t *testing.T, stream []byte) {
		read := func(r io.Reader) (frames []byte, err error) {
			in := NewReader(r, limit)
			for {
				typ, body, err := in.Next()
				if err != nil {
					if cap(in.buf) > readerSize {
						t.Errorf("%d bytes of buffer for frames of %d", cap(in.buf), limit)
					}
					return frames, err
				}
				frames = binary.BigEndian.AppendUint32(frames, uint32(len(body)))
				frames = append(append(frames, byte(typ)), body...)
			}
		}
		whole, err1 := read(bytes.NewReader(stream))
		bits, err2 := read(iotest.OneByteReader(bytes.NewReader(stream)))
		if !bytes.Equal(whole, bits) || err1.Error() != err2.Error() {
			t.Fatalf("%x, %v; a byte at a time %x, %v", whole, err1, bits, err2)
		}
		if !bytes.HasPrefix(stream, whole) {
			t.Fatalf("%x is no part of %x", whole, stream)
		}
		rest := stream[len(whole):]
		var pe *ParseError
		switch {
		case errors.Is(err1, io.EOF) && len(rest) == 0:
		case errors.Is(err1, io.ErrUnexpectedEOF) && len(rest) > 0:
		case errors.As(err1, &pe) && errors.Is(err1, ErrTooLong) && binary.BigEndian.Uint32(rest) > limit:
		default:
			t.Fatalf("%v with %d bytes left", err1, len(rest))
		}
	})
}

// FuzzPayload: unwrapping bounds what it makes, and what AppendPayload wraps
// comes out again.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("hello"), uint16(1), uint16(2), uint8(18))
	f.Add(AppendPayload(nil, PayloadInfo{1, 2, 6}, []byte("hello")), uint16(0), uint16(0), uint8(0))
	f.Add(make([]byte, 70_000), uint16(0), uint16(0), uint8(0))
	f.Add(compressed(f, bytes.Repeat([]byte("a"), 5000)), uint16(0), uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, from, to uint16, protocol uint8) {
		const limit = 4096
		if _, data, err := ParsePayload(nil, b, limit); err == nil && len(data) > limit {
			t.Fatalf("%d bytes", len(data))
		}
		info := PayloadInfo{from, to, protocol}
		got, data, err := ParsePayload(nil, AppendPayload(nil, info, b), len(b))
		if err != nil || got != info || !bytes.Equal(data, b) {
			t.Fatalf("%v, %d bytes, %v", got, len(data), err)
		}
	})
}

// FuzzConfig: Verify takes anything.
func FuzzConfig(f *testing.F) {
	for _, m := range examples(f) {
		if m, ok := m.(*CreateSession); ok {
			body, err := m.Append(nil)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(body)
		}
	}
	off, err := testKeys(f, 3).WithTransientKey(wire.SecondsOf(exampleTime)+1000, bytes.NewReader(bytes.Repeat([]byte{4}, 64)))
	if err != nil {
		f.Fatal(err)
	}
	c, err := SignConfig(off, map[string]string{"a": "b"}, exampleTime)
	if err != nil {
		f.Fatal(err)
	}
	body, err := (&CreateSession{Config: c}).Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var m CreateSession
		if m.Parse(body) != nil {
			return
		}
		if d, err := m.Config.Verify(exampleTime); (err == nil) != (d.Len() > 0) {
			t.Fatalf("%d bytes of Destination with %v", d.Len(), err)
		}
	})
}
