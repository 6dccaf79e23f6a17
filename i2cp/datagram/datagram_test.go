package datagram_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"multihome.i2p/i2cp/datagram"
	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sender is the Destination with the Ed25519 seed of 32 bytes n.
func sender(t testing.TB, n byte) (wire.Destination, wire.SigningPrivateKey) {
	t.Helper()
	key, err := wire.NewSigningPrivateKey(wire.SigEd25519, bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	d, err := wire.NewDestination(key.Public(), [32]byte(bytes.Repeat([]byte{n}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return d, key
}

func TestRoundTrip(t *testing.T) {
	from, key := sender(t, 1)
	for _, payload := range [][]byte{nil, []byte("hello"), bytes.Repeat([]byte{7}, datagram.MaxPayload)} {
		prefix := []byte("before")
		b, err := datagram.Append(prefix, from, key, payload)
		if err != nil {
			t.Fatal(err)
		}
		d, err := datagram.Parse(b[len(prefix):])
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Verify(); err != nil {
			t.Errorf("%d bytes: %v", len(payload), err)
		}
		if !bytes.Equal(d.Payload, payload) || d.From.Hash() != from.Hash() {
			t.Errorf("%d bytes came back as %d from %v", len(payload), len(d.Payload), d.From)
		}
	}
	if b, err := datagram.Append(nil, from, key, make([]byte, datagram.MaxPayload+1)); !errors.Is(err, datagram.ErrTooLong) || b != nil {
		t.Errorf("a payload that is too long: %d bytes, %v", len(b), err)
	}
}

// TestGolden holds the bytes to those that Java I2P 2.8.0's I2PDatagramDissector has
// verified and taken apart.
func TestGolden(t *testing.T) {
	from, key := sender(t, 1)
	b, err := datagram.Append(nil, from, key, []byte("hello, datagram"))
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/ed25519.hex"
	if *update {
		if err := os.WriteFile(file, []byte(hex.EncodeToString(b)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != strings.TrimSpace(string(want)) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever bit of a datagram is changed, it is refused, or its sender is another.
func TestForgeries(t *testing.T) {
	from, key := sender(t, 1)
	b, err := datagram.Append(nil, from, key, []byte("pay 1 to b"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(b) {
		forged := bytes.Clone(b)
		forged[i/8] ^= 1 << (i % 8)
		d, err := datagram.Parse(forged)
		if err == nil && d.Verify() == nil && d.From.Hash() == from.Hash() {
			t.Fatalf("bit %d can be changed", i)
		}
	}
	for n := range len(b) - len("pay 1 to b") {
		if _, err := datagram.Parse(b[:n]); err == nil {
			t.Errorf("%d bytes pass for a datagram", n)
		}
	}
}

func FuzzParse(f *testing.F) {
	from, key := sender(f, 2)
	b, err := datagram.Append(nil, from, key, []byte("seed"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:400])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := datagram.Parse(b)
		if err != nil {
			return
		}
		_ = d.Verify() // it must not panic on keys of any kind
		again := append(append(append([]byte{}, d.From.Bytes()...), d.Signature...), d.Payload...)
		if !bytes.Equal(again, b) {
			t.Fatal("the parts do not make the whole")
		}
	})
}
