package i2cp

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
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
	bomb := compressed(t, make([]byte, 10<<20))
	if _, _, err := ParsePayload(nil, bomb, 64<<10); !errors.Is(err, ErrTooLong) {
		t.Errorf("bomb: %v", err)
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
