package i2cp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
)

// compressed returns data as Java I2P sends it: compressed, with ports and
// protocol patched into the header.
func compressed(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	out := b.Bytes()
	copy(out[4:], []byte{0, 1, 0, 2})
	out[9] = ProtocolRaw
	return out
}

func TestPayload(t *testing.T) {
	info := PayloadInfo{FromPort: 1, ToPort: 2, Protocol: ProtocolRaw}
	for _, n := range []int{0, 1, 1024, 0xffff, 0x10000, 200_000} {
		data := bytes.Repeat([]byte{'x'}, n)
		wrapped := AppendPayload(nil, info, data)
		if n <= 0xffff && len(wrapped) != n+PayloadOverhead {
			t.Errorf("%d bytes wrapped in %d", n, len(wrapped))
		}
		// Any gzip reads it.
		zr, err := gzip.NewReader(bytes.NewReader(wrapped))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(zr); err != nil || !bytes.Equal(got, data) {
			t.Errorf("gzip reads %d bytes, %v", len(got), err)
		}
		for _, p := range [][]byte{wrapped, compressed(t, data)} {
			dst := []byte("kept")
			gotInfo, got, err := ParsePayload(dst, p, n)
			if err != nil || gotInfo != info || !bytes.Equal(got, data) || string(dst) != "kept" {
				t.Errorf("%d bytes: %v, %d bytes, %v", n, gotInfo, len(got), err)
			}
			if n > 0 {
				if _, _, err := ParsePayload(nil, p, n-1); !errors.Is(err, ErrTooLong) {
					t.Errorf("%d bytes with a limit below: %v", n, err)
				}
			}
		}
	}
	good := AppendPayload(nil, info, []byte("hello"))
	for i := range good {
		if i >= 4 && i <= 10 {
			continue // ports, XFL, protocol: anything goes; so do 5 bits of the block's header
		}
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		if _, _, err := ParsePayload(nil, bad, 100); err == nil {
			t.Errorf("byte %d changed, and nothing noticed", i)
		}
	}
	for n := range good {
		if _, _, err := ParsePayload(nil, good[:n], 100); err == nil {
			t.Errorf("cut to %d bytes, and nothing noticed", n)
		}
	}
}

// TestBomb: what decompresses to more than the limit is given up there, before it
// takes memory.
func TestBomb(t *testing.T) {
	const limit = 64 << 10
	bomb := compressed(t, make([]byte, 50<<20))
	if len(bomb) > limit {
		t.Fatalf("a bomb of %d bytes does not fit into a message", len(bomb))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, data, err := ParsePayload(nil, bomb, limit)
	runtime.ReadMemStats(&after)
	var pe *ParseError
	if !errors.As(err, &pe) || !errors.Is(err, ErrTooLong) || pe.Field != "deflate stream" || data != nil {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	// The slice has doubled up to the limit, and there is the decompressor.
	if n := after.TotalAlloc - before.TotalAlloc; n > 8*limit {
		t.Errorf("%d bytes allocated", n)
	}
}

// TestCompressedPayload: what shrinks is compressed, what does not is stored, and
// everything comes out again, here and from any gzip.
func TestCompressedPayload(t *testing.T) {
	info := PayloadInfo{FromPort: 1, ToPort: 2, Protocol: ProtocolRaw}
	noise := make([]byte, 70_000)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	for _, test := range []struct {
		name    string
		data    []byte
		smaller bool
	}{
		{"nothing", nil, false},
		{"66 bytes", make([]byte, 66), false},
		{"67 bytes", make([]byte, 67), true},
		{"text", bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 100), true},
		{"noise", noise[:1024], false},
		{"much noise", noise, false},
		{"much", make([]byte, 60_000), true},
	} {
		stored := AppendPayload(nil, info, test.data)
		b := AppendCompressedPayload([]byte("kept"), info, test.data)
		if string(b[:4]) != "kept" {
			t.Fatalf("%s: %q", test.name, b[:4])
		}
		b = b[4:]
		if test.smaller && len(b) >= len(stored) || !test.smaller && !bytes.Equal(b, stored) {
			t.Errorf("%s: %d bytes compressed, %d stored", test.name, len(b), len(stored))
		}
		gotInfo, got, err := ParsePayload(nil, b, len(test.data))
		if err != nil || gotInfo != info || !bytes.Equal(got, test.data) {
			t.Errorf("%s: %v, %d bytes, %v", test.name, gotInfo, len(got), err)
		}
		zr, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(zr); err != nil || !bytes.Equal(got, test.data) {
			t.Errorf("%s: gzip reads %d bytes, %v", test.name, len(got), err)
		}
	}
}

// TestCompress: a connection's sessions compress if its Config says so, and a
// session's option i2cp.gzip says otherwise.
func TestCompress(t *testing.T) {
	data := make([]byte, 1000)
	for _, test := range []struct {
		config     bool
		option     string
		compressed bool
	}{
		{false, "", false},
		{false, "true", true},
		{false, "false", false},
		{true, "", true},
		{true, "false", false},
		{true, "TRUE", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			took := make(chan int, 1)
			b := &fakeRouter{}
			b.handle = func(_ *ServerConn, _ *RouterSession, m Message) error {
				if m, ok := m.(*SendMessage); ok {
					took <- len(m.Payload)
				}
				return nil
			}
			r := newRig(t, b, Limits{})
			defer r.close()
			ctx := context.Background()
			c := r.dial(Config{Compress: test.config})
			options := map[string]string{}
			if test.option != "" {
				options[optionGzip] = test.option
			}
			s, err := c.CreateSession(ctx, testKeys(t, 1), options)
			if err != nil {
				t.Fatal(err)
			}
			send := func(compressed bool) {
				t.Helper()
				if _, err := s.SendMessage(ctx, s.Destination(), PayloadInfo{}, data, false); err != nil {
					t.Fatal(err)
				}
				if n := <-took; (n < len(data)) != compressed {
					t.Errorf("%+v: a payload of %d bytes", test, n)
				}
			}
			send(test.compressed)
			if err := s.Reconfigure(ctx, map[string]string{optionGzip: strconv.FormatBool(!test.compressed)}); err != nil {
				t.Error(err)
			}
			send(!test.compressed)
			_ = c.Close()
		})
	}
}

func TestPayloadAllocates(t *testing.T) {
	wrapped := AppendPayload(nil, PayloadInfo{}, make([]byte, 1024))
	buf := make([]byte, 0, 2048)
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendPayload(buf[:0], PayloadInfo{}, wrapped[:1000])
		if _, _, err := ParsePayload(nil, wrapped, 2048); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
