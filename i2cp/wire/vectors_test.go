package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A vector is a file of testdata/vectors: comments that say what it is and where it
// comes from, fields, an empty line, and the bytes in hexadecimal. None is ours to
// update but those that say so.
type vector struct {
	name   string
	fields map[string]string
	bytes  []byte
}

func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	var all []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, ok := strings.Cut(string(text), "\n\n")
		if !ok || !strings.Contains(head, "# source: ") {
			t.Fatalf("%s: no bytes or no source", file)
		}
		v := vector{name: strings.TrimSuffix(filepath.Base(file), ".txt"), fields: make(map[string]string)}
		for line := range strings.Lines(head) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && key[0] != '#' {
				v.fields[key] = value
			}
		}
		if v.bytes, err = hex.DecodeString(strings.ReplaceAll(body, "\n", "")); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, v)
	}
	return all
}

func vectorBytes(t testing.TB, name string) []byte {
	t.Helper()
	for _, v := range vectors(t) {
		if v.name == name {
			return v.bytes
		}
	}
	t.Fatalf("no vector %s", name)
	return nil
}

// TestVectors parses what other programs wrote, encodes it to the same bytes,
// verifies its signatures, and finds them wrong after any one bit changes.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			var dest Destination
			switch v.fields["structure"] {
			case "PrivateKeyFile":
				f, rest, err := ParsePrivateKeyFile(v.bytes)
				encodesTo(t, v.bytes, rest, err, f.Append)
				dest = f.Destination
				_, err = f.Signer()
				by := dest.SigType()
				if f.IsOffline() {
					by = f.Offline.Signature.Transient.Type
					if err := f.Offline.Signature.Verify(dest.SigningKey()); err != nil {
						t.Error(err)
					}
				}
				if want := by == SigEd25519; want && err != nil || !want && !errors.Is(err, ErrUnsupported) {
					t.Errorf("Signer: %v", err)
				}
				if want := v.fields["sigtype"]; want != "" && dest.SigType().String() != want {
					t.Errorf("signature type %v, want %v", dest.SigType(), want)
				}
			case "LeaseSet":
				l, rest, err := ParseLeaseSet(v.bytes)
				encodesTo(t, v.bytes, rest, err, l.Append)
				dest = l.Destination
				verifies(t, v.bytes, l.Verify, func(b []byte) error {
					l, _, err := ParseLeaseSet(b)
					if err == nil {
						err = l.Verify()
					}
					return err
				})
			case "LeaseSet2":
				l, rest, err := ParseLeaseSet2(v.bytes)
				encodesTo(t, v.bytes, rest, err, l.Append)
				dest = l.Destination
				verifies(t, v.bytes, l.Verify, func(b []byte) error {
					l, _, err := ParseLeaseSet2(b)
					if err == nil {
						err = l.Verify()
					}
					return err
				})
			case "MetaLeaseSet":
				l, rest, err := ParseMetaLeaseSet(v.bytes)
				encodesTo(t, v.bytes, rest, err, l.Append)
				dest = l.Destination
				verifies(t, v.bytes, l.Verify, func(b []byte) error {
					l, _, err := ParseMetaLeaseSet(b)
					if err == nil {
						err = l.Verify()
					}
					return err
				})
			case "EncryptedLeaseSet":
				l, rest, err := ParseEncryptedLeaseSet(v.bytes)
				encodesTo(t, v.bytes, rest, err, l.Append)
				if want := v.fields["hash"]; want != "" && l.Hash().B32() != want {
					t.Errorf("hash %s, want %s", l.Hash().B32(), want)
				}
				verifies(t, v.bytes, l.Verify, func(b []byte) error {
					l, _, err := ParseEncryptedLeaseSet(b)
					if err == nil {
						err = l.Verify()
					}
					return err
				})
			case "RouterInfo":
				i, rest, err := ParseRouterIdentity(v.bytes)
				if err != nil {
					t.Fatal(err)
				}
				if i.SigType() != SigEd25519 || i.EncType() != EncX25519 {
					t.Errorf("types %v, %v", i.SigType(), i.EncType())
				}
				if !bytes.Equal(i.Bytes(), v.bytes[:len(v.bytes)-len(rest)]) {
					t.Error("other bytes")
				}
				ri, rest, err := ParseRouterInfo(v.bytes)
				encodesTo(t, v.bytes, rest, err, ri.Append)
				verifies(t, v.bytes, ri.Verify, func(b []byte) error {
					ri, _, err := ParseRouterInfo(b)
					if err == nil {
						err = ri.Verify()
					}
					return err
				})
				signed := v.bytes[:len(v.bytes)-64]
				if err := i.SigningKey().Verify(signed, v.bytes[len(signed):]); err != nil {
					t.Error(err)
				}
			case "Destination":
				d, rest, err := ParseDestination(v.bytes)
				encodesTo(t, v.bytes, rest, err, func(b []byte) ([]byte, error) { return d.Append(b), nil })
				dest = d
				if want := v.fields["b33"]; want != "" {
					got, err := BlindedAddress{Key: d.SigningKey(), BlindedType: SigRedDSAEd25519}.B33()
					if got != want || err != nil {
						t.Errorf("B33: %s, %v; want %s", got, err, want)
					}
					a, err := ParseB33(want)
					if err != nil || !a.Key.Equal(d.SigningKey()) || a.BlindedType != SigRedDSAEd25519 || a.ClientAuth || a.SecretRequired {
						t.Errorf("ParseB33: %+v, %v", a, err)
					}
				}
				if want := v.fields["b33secret"]; want != "" {
					got, err := BlindedAddress{Key: d.SigningKey(), BlindedType: SigRedDSAEd25519, SecretRequired: true, ClientAuth: true}.B33()
					if got != want || err != nil {
						t.Errorf("B33: %s, %v; want %s", got, err, want)
					}
				}
			default:
				t.Fatalf("structure %q", v.fields["structure"])
			}
			if want := v.fields["b32"]; want != "" && dest.B32() != want {
				t.Errorf("address %s, want %s", dest.B32(), want)
			}
		})
	}
}

func encodesTo(t *testing.T, want, rest []byte, err error, encode func([]byte) ([]byte, error)) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(rest) != 0 {
		t.Fatalf("%d bytes left", len(rest))
	}
	got, err := encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("encodes to other bytes")
	}
}

func verifies(t *testing.T, b []byte, verify func() error, parseAndVerify func([]byte) error) {
	t.Helper()
	if err := verify(); err != nil {
		t.Error(err)
	}
	// Every 37th bit, to be light.
	for bit := 0; bit < 8*len(b); bit += 37 {
		forged := bytes.Clone(b)
		forged[bit/8] ^= 1 << (bit % 8)
		if parseAndVerify(forged) == nil {
			t.Errorf("verifies with bit %d of byte %d changed", bit%8, bit/8)
		}
	}
}

// TestVectorFields looks at the fields of what i2pd signed.
func TestVectorFields(t *testing.T) {
	l, _, err := ParseLeaseSet2(vectorBytes(t, "i2pd-leaseset2-x25519"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(vectorBytes(t, "i2pd-leaseset2-x25519")); n != 503+40*len(l.Leases) {
		t.Errorf("%d leases take %d bytes", len(l.Leases), n)
	}
	if len(l.EncryptionKeys) != 1 || l.EncryptionKeys[0].Type != EncX25519 || l.Flags != 0 || l.Options.Len() != 0 {
		t.Errorf("%+v", l)
	}
	for _, lease := range l.Leases {
		// i2pd's leases end 600 s after the tunnel was made, and these tunnels
		// end in the router itself.
		if lease.End <= l.Published || lease.End > l.Published+600 {
			t.Errorf("published %d, lease ends %d", l.Published, lease.End)
		}
	}
	if got := Seconds(l.ExpiresAt().Unix()); got != l.Published+Seconds(l.Expires) {
		t.Errorf("expires %d", got)
	}
	if l.Expired(l.Published.Time()) || !l.Expired(l.ExpiresAt()) {
		t.Error("Expired")
	}

	l, _, err = ParseLeaseSet2(vectorBytes(t, "java-leaseset2-ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	var types []EncType
	for _, k := range l.EncryptionKeys {
		types = append(types, k.Type)
	}
	if !slices.Equal(types, []EncType{EncX25519, EncElGamal, EncMLKEM768X25519, 77}) {
		t.Errorf("encryption keys %v", types)
	}
	all, _, err := ParseLeaseSet2(vectorBytes(t, "java-leaseset2-ed25519-keys"))
	if err != nil {
		t.Fatal(err)
	}
	types = types[:0]
	for _, k := range all.EncryptionKeys {
		types = append(types, k.Type)
		if n, ok := k.Type.PublicKeyLen(); ok && len(k.Key) != n {
			t.Errorf("%v key of %d bytes", k.Type, len(k.Key))
		}
	}
	if want := []EncType{
		EncX25519, EncP256, EncP384, EncP521, EncMLKEM512X25519, EncMLKEM768X25519, EncMLKEM1024X25519, 255,
	}; !slices.Equal(types, want) {
		t.Errorf("encryption keys %v", types)
	}
	if all.Flags != FlagUnpublished|FlagBlinded || len(all.Leases) != MaxLeases {
		t.Errorf("flags %x, %d leases", all.Flags, len(all.Leases))
	}
	var keys []string
	for key := range l.Options.All() {
		keys = append(keys, key)
	}
	if !slices.Equal(keys, []string{"Zoo", "_smtp._tcp", "foo", "~"}) {
		t.Errorf("options %q", keys)
	}
	if v, _ := l.Options.Get("~"); v != "y=;" {
		t.Errorf("~ is %q", v)
	}

	m, _, err := ParseMetaLeaseSet(vectorBytes(t, "java-metaleaseset-ed25519"))
	if err != nil {
		t.Fatal(err)
	}
	for i, lease := range m.Leases {
		if want := []StoreType{StoreLeaseSet2, StoreMetaLeaseSet, StoreLeaseSet2}[i]; lease.Type() != want || int(lease.Cost) != 5*i {
			t.Errorf("lease %d: %+v", i, lease)
		}
	}

	l, _, err = ParseLeaseSet2(vectorBytes(t, "i2pd-leaseset2-offline-blinded"))
	if err != nil {
		t.Fatal(err)
	}
	if l.Flags != FlagOffline|FlagBlinded || l.Signer().Equal(l.Destination.SigningKey()) {
		t.Errorf("flags %x", l.Flags)
	}
	if l.Offline.Expired(l.Published.Time()) || !l.Offline.Expired(l.Offline.Expires.Time()) {
		t.Error("Offline.Expired")
	}
}
