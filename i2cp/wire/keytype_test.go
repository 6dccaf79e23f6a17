package wire

import (
	"testing"
)

// TestKeyTypes compares the lengths of the key types with those of what i2pd and
// Java I2P wrote, and names with the specification's.
func TestKeyTypes(t *testing.T) {
	for _, v := range vectors(t) {
		if v.fields["structure"] != "PrivateKeyFile" {
			continue
		}
		f, _, err := ParsePrivateKeyFile(v.bytes)
		if err != nil {
			t.Fatal(err)
		}
		n, ok := f.Destination.SigType().PrivateKeyLen()
		if !ok || n != len(f.SigningKey) {
			t.Errorf("%s: %v has private keys of %d bytes", v.name, f.Destination.SigType(), n)
		}
	}
	for got, want := range map[string]string{
		SigEd25519.String():        "EdDSA_SHA512_Ed25519",
		SigType(12).String():       "signature type 12",
		EncMLKEM512X25519.String(): "MLKEM512_X25519",
		EncType(8).String():        "encryption type 8",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, length := range []func() (int, bool){
		SigType(12).PublicKeyLen, SigType(12).PrivateKeyLen, SigType(12).SignatureLen,
		EncType(8).PublicKeyLen, EncType(8).PrivateKeyLen,
	} {
		if n, ok := length(); ok || n != 0 {
			t.Errorf("an unknown type has length %d", n)
		}
	}
	// X25519 and the hybrids, as in "Key Certificates" and "PublicKey".
	for e := EncX25519; e <= EncMLKEM1024X25519; e++ {
		if n, _ := e.PublicKeyLen(); n != 32 {
			t.Errorf("%v has %d bytes", e, n)
		}
	}
}

// TestZeroValues asks for what there is not.
func TestZeroValues(t *testing.T) {
	var d Destination
	if k := d.SigningKey(); len(k.Key) != 0 {
		t.Errorf("%+v", k)
	}
	if k := d.EncryptionKey(); len(k.Key) != 0 {
		t.Errorf("%+v", k)
	}
	if c := d.Certificate(); c.Type != CertNull || len(c.Payload) != 0 {
		t.Errorf("%+v", c)
	}
	if c := d.Clone(); !c.Equal(d.KeysAndCert) || c.Len() != 0 {
		t.Errorf("%+v", c)
	}
	if l := new(LeaseSet2); l.Verify() == nil || l.Sign(SigningPrivateKey{}) == nil {
		t.Error("the zero LeaseSet2 has a signature")
	}
	if l := new(EncryptedLeaseSet); l.Verify() == nil {
		t.Error("the zero EncryptedLeaseSet has a signature")
	}
	if l := new(MetaLeaseSet); l.Verify() == nil {
		t.Error("the zero MetaLeaseSet has a signature")
	}
	if l := new(LeaseSet); l.Verify() == nil || l.Version() != 0 {
		t.Error("the zero LeaseSet has a signature")
	}
	if _, err := new(PrivateKeyFile).Signer(); err == nil {
		t.Error("the zero PrivateKeyFile signs")
	}
}
