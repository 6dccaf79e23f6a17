package i2cp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/iotest"
	"time"

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
	for _, file := range foreign {
		for _, v := range readCapture(f, file) {
			f.Add(uint8(v.typ), v.body)
		}
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

// FuzzPayload: unwrapping bounds what it makes, and what is wrapped, stored or
// compressed, comes out again.
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
		small := AppendCompressedPayload(nil, info, b)
		if most := len(AppendPayload(nil, info, b)); len(small) > most {
			t.Fatalf("%d bytes compressed, %d stored", len(small), most)
		}
		if got, data, err = ParsePayload(nil, small, len(b)); err != nil || got != info || !bytes.Equal(data, b) {
			t.Fatalf("compressed: %v, %d bytes, %v", got, len(data), err)
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

// A stream is a connection whose peer has sent all that it ever will, and takes
// what it is sent.
type stream struct {
	net.Conn // nil: no other method is called
	in       *bytes.Reader
}

func (s stream) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s stream) Write(b []byte) (int, error)      { return len(b), nil }
func (s stream) Close() error                     { return nil }
func (s stream) SetReadDeadline(time.Time) error  { return nil }
func (s stream) SetWriteDeadline(time.Time) error { return nil }

// conversation returns what one side says in a captured conversation, as a stream.
func conversation(tb testing.TB, file, way string, most int) []byte {
	tb.Helper()
	var b []byte
	for _, v := range readCapture(tb, file) {
		if v.way == way && most > 0 {
			b = binary.BigEndian.AppendUint32(b, uint32(len(v.body)))
			b = append(append(b, byte(v.typ)), v.body...)
			most--
		}
	}
	return b
}

// FuzzServer: whatever a client says, its connection ends with a ConnError, and
// each session that was opened is closed.
func FuzzServer(f *testing.F) {
	for _, file := range foreign {
		f.Add(conversation(f, file, ">", 8))
	}
	var all []byte
	for _, m := range examples(f) {
		if specs[m.Type()].way&toRouter == 0 {
			continue
		}
		frame, err := AppendFrame(nil, m, MaxFrame)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
		all = append(all, frame...)
	}
	f.Add(all)
	hello := []byte{ProtocolByte}
	hello, err := AppendFrame(hello, &GetDate{
		Version: APIVersion, HasOptions: true, Options: testMapping(f, optionExtension, "1"),
	}, MaxFrame)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		b := &fakeRouter{info: RouterInfo{Extension: everything(), Now: func() time.Time { return exampleTime }}}
		b.handle = func(c *ServerConn, s *RouterSession, m Message) error {
			if _, ok := m.(*CreateTunnel); ok {
				return &RefusalError{Code: ErrorNoPeer}
			}
			return nil
		}
		// A nonce that the examples know.
		server := NewServer(b, ServerConfig{Random: func(b []byte) {
			for i := range b {
				b[i] = byte(i)
			}
		}})
		err := server.Serve(context.Background(), stream{in: bytes.NewReader(slices.Concat(hello, said))})
		var ce *ConnError
		if !errors.As(err, &ce) || ce.Error() == "" {
			t.Fatalf("%#v", err)
		}
		if ce.Origin == OriginLocal && ce.Reason == "" {
			t.Fatalf("no reason for %v", ce)
		}
		server.Close()
		if opened, closed := b.counts(); opened != closed {
			t.Fatalf("%d sessions opened, %d closed", opened, closed)
		}
	})
}

// A replies is a stream that says the first part at once, and the second when
// something was written twice: the handshake, and a question.
type replies struct {
	stream
	second *bytes.Reader
	wrote  int
	once   sync.Once
	asked  chan struct{}
}

func (r *replies) Read(b []byte) (int, error) {
	if r.in.Len() > 0 {
		return r.in.Read(b)
	}
	<-r.asked
	return r.second.Read(b)
}

func (r *replies) Write(b []byte) (int, error) {
	if r.wrote++; r.wrote == 2 {
		r.once.Do(func() { close(r.asked) })
	}
	return len(b), nil
}

func (r *replies) Close() error {
	r.once.Do(func() { close(r.asked) })
	return nil
}

// FuzzClient: whatever a router says, the connection ends with a ConnError, and so
// does a call that is under way.
func FuzzClient(f *testing.F) {
	for _, file := range foreign {
		f.Add(conversation(f, file, "<", 8))
	}
	for _, m := range examples(f) {
		if specs[m.Type()].way&toClient == 0 {
			continue
		}
		frame, err := AppendFrame(nil, &SessionStatus{Session: 7, Status: SessionCreated}, MaxFrame)
		if err != nil {
			f.Fatal(err)
		}
		if frame, err = AppendFrame(frame, m, MaxFrame); err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	hello, err := AppendFrame(nil, &SetDate{
		Date: wire.DateOf(exampleTime), HasVersion: true, Version: APIVersion, HasOptions: true,
		Options: testMapping(f, optionExtension, "1", optionNonce, "n"),
	}, MaxFrame)
	if err != nil {
		f.Fatal(err)
	}
	keys := testKeys(f, 1)
	f.Fuzz(func(t *testing.T, said []byte) {
		nc := &replies{stream: stream{in: bytes.NewReader(hello)}, second: bytes.NewReader(said), asked: make(chan struct{})}
		c, err := NewConn(context.Background(), nc, Config{Extension: true})
		if err != nil {
			t.Fatal(err)
		}
		var ce *ConnError
		if s, err := c.CreateSession(context.Background(), keys, nil); err == nil {
			for range s.Messages() {
			}
			if s.Err() == nil {
				t.Fatal("a session without messages that has not ended")
			}
		}
		<-c.Done()
		if err := c.Err(); !errors.As(err, &ce) || ce.Error() == "" {
			t.Fatalf("%#v", err)
		}
		_ = c.Close()
	})
}
