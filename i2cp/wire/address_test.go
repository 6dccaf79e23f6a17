package wire

import (
	"errors"
	"strings"
	"testing"
)

// The address of i2p-projekt.i2p, from https://i2p.net/docs/overview/naming; its
// Destination is among the vectors.
const projectB32 = "udhdrtrcetjm5sxzskjyr5ztpeszydbh4dpl3pl4utgqqw2v4jna.b32.i2p"

func TestParseB32(t *testing.T) {
	h, err := ParseB32(projectB32)
	if err != nil || h.B32() != projectB32 {
		t.Fatalf("%v, %v", h, err)
	}
	if upper, err := ParseB32(strings.ToUpper(projectB32)); err != nil || upper != h {
		t.Errorf("upper case: %v", err)
	}
	if got, err := ParseHashBase64(h.String()); err != nil || got != h {
		t.Errorf("%v: %v", h, err)
	}
	name := strings.TrimSuffix(projectB32, ".b32.i2p")
	for _, test := range []struct {
		why, host string
		reason    error
	}{
		{"no suffix", name, ErrEncoding},
		{"another suffix", name + ".i2p", ErrEncoding},
		{"nothing", ".b32.i2p", ErrLength},
		{"a character less", name[1:] + ".b32.i2p", ErrEncoding},
		{"unused bits set", name[:51] + "b.b32.i2p", ErrEncoding},
		{"not in the alphabet", name[:51] + "1.b32.i2p", ErrEncoding},
		{"padded", name + "====.b32.i2p", ErrEncoding},
		{"a line end", name[:20] + "\n" + name[20:] + ".b32.i2p", ErrEncoding},
		{"a host below", "www." + projectB32, ErrEncoding},
		{"33 bytes", name[:51] + "aa.b32.i2p", ErrLength},
		{"very long", strings.Repeat("a", 600) + ".b32.i2p", ErrLength},
		{"blinded", "t2knzm2oagjo5drrgtb2o727pzaezzcw2wi77nksuiopfgbjlph7hfsg.b32.i2p", ErrBlinded},
	} {
		if h, err := ParseB32(test.host); !errors.Is(err, test.reason) || h != (Hash{}) {
			t.Errorf("%s: %v, want %v", test.why, err, test.reason)
		}
	}
}

func TestParseB33(t *testing.T) {
	// From i2pd; see the vectors b33-*.
	const blinded = "t2knzm2oagjo5drrgtb2o727pzaezzcw2wi77nksuiopfgbjlph7hfsg.b32.i2p"
	a, err := ParseB33(strings.ToUpper(blinded))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.B33(); err != nil || got != blinded {
		t.Errorf("%s, %v", got, err)
	}
	a.ClientAuth, a.SecretRequired = true, true
	host, err := a.B33()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ParseB33(host); err != nil || !b.ClientAuth || !b.SecretRequired || !b.Key.Equal(a.Key) {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := ParseB33(projectB32); !errors.Is(err, ErrLength) {
		t.Errorf("a plain address: %v", err)
	}
	// "Treat checksum": no single character may change unnoticed.
	for i := range len(blinded) - len(".b32.i2p") {
		c := byte('a')
		if blinded[i] == 'a' {
			c = 'b'
		}
		if got, err := ParseB33(blinded[:i] + string(c) + blinded[i+1:]); err == nil {
			t.Errorf("character %d changed: %+v", i, got)
		}
	}
	// Each check of what the checksum masks.
	raw := func(change func([]byte)) string {
		b, err := decodeB32(blinded)
		if err != nil {
			t.Fatal(err)
		}
		b33Checksum(b)
		change(b)
		b33Checksum(b)
		return i2pBase32.EncodeToString(b) + b32Suffix
	}
	for _, test := range []struct {
		why    string
		change func([]byte)
		reason error
	}{
		{"unused flag", func(b []byte) { b[0] |= 8 }, ErrChecksum},
		{"types of two bytes", func(b []byte) { b[0] |= 1 }, ErrUnsupported},
		{"unknown type", func(b []byte) { b[1] = 12 }, ErrUnsupported},
		{"unknown blinded type", func(b []byte) { b[2] = 12 }, ErrUnsupported},
		{"type of a longer key", func(b []byte) { b[1] = 1 }, ErrLength},
	} {
		if _, err := ParseB33(raw(test.change)); !errors.Is(err, test.reason) {
			t.Errorf("%s: %v, want %v", test.why, err, test.reason)
		}
	}
	for _, a := range []BlindedAddress{
		{},
		{Key: SigningPublicKey{Type: 12}},
		{Key: a.Key, BlindedType: 12},
	} {
		if host, err := a.B33(); err == nil {
			t.Errorf("%+v: %s", a, host)
		}
	}
}

func TestBase64(t *testing.T) {
	// "dGVzdA==" is in i2pd's test-base-64.cpp; the others differ from the common
	// alphabet.
	for plain, encoded := range map[string]string{
		"":             "",
		"test":         "dGVzdA==",
		"\xfb\xff\xfe": "-~~-",
		"\xff":         "~w==",
	} {
		if got := EncodeBase64([]byte(plain)); got != encoded {
			t.Errorf("%q is %s, want %s", plain, got, encoded)
		}
		if got, err := DecodeBase64(encoded); err != nil || string(got) != plain {
			t.Errorf("%s is %q, %v", encoded, got, err)
		}
	}
	for _, s := range []string{"dGVzdA", "dGVzdA=", "dGVzdB==", "dG/z", "dG+z", "dGVz\ndA==", "dGVzdA==\n", "====", "a"} {
		if b, err := DecodeBase64(s); !errors.Is(err, ErrEncoding) || b != nil {
			t.Errorf("%q: %x, %v", s, b, err)
		}
	}
}

func TestDestinationBase64(t *testing.T) {
	d, _ := sampleDestination(t)
	got, err := ParseDestinationBase64(d.Base64())
	if err != nil || !got.Equal(d.KeysAndCert) {
		t.Fatal(err)
	}
	for _, s := range []string{"", "****", EncodeBase64(append(d.Append(nil), 0)), EncodeBase64(d.Bytes()[1:])} {
		if _, err := ParseDestinationBase64(s); err == nil {
			t.Errorf("%q is a Destination", s)
		}
	}
	if _, err := ParseHashBase64("AAAA"); !errors.Is(err, ErrLength) {
		t.Errorf("short hash: %v", err)
	}
	if _, err := ParseHashBase64("*"); !errors.Is(err, ErrEncoding) {
		t.Errorf("no base 64: %v", err)
	}
}
