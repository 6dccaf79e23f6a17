package wire

import (
	"strings"
	"testing"
)

// The fuzz targets: one for each parser. Their seeds are in testdata/fuzz.

func fuzz(f *testing.F, name string) {
	c := codecNamed(f, name)
	f.Fuzz(func(t *testing.T, b []byte) { c.check(t, b) })
}

func FuzzParseInteger1(f *testing.F) { fuzz(f, "Integer1") }

func FuzzParseInteger8(f *testing.F) { fuzz(f, "Integer8") }

func FuzzParseDate(f *testing.F) { fuzz(f, "Date") }

func FuzzParseString(f *testing.F) { fuzz(f, "String") }

func FuzzParseHash(f *testing.F) { fuzz(f, "Hash") }

func FuzzParseMapping(f *testing.F) { fuzz(f, "Mapping") }

func FuzzParseCertificate(f *testing.F) { fuzz(f, "Certificate") }

func FuzzParseDestination(f *testing.F) { fuzz(f, "Destination") }

func FuzzParseRouterIdentity(f *testing.F) { fuzz(f, "RouterIdentity") }

func FuzzParseRouterAddress(f *testing.F) { fuzz(f, "RouterAddress") }

func FuzzParseRouterInfo(f *testing.F) { fuzz(f, "RouterInfo") }

func FuzzParsePrivateKeyFile(f *testing.F) { fuzz(f, "PrivateKeyFile") }

func FuzzParseSigningPublicKey(f *testing.F) { fuzz(f, "SigningPublicKey") }

func FuzzParseSignature(f *testing.F) { fuzz(f, "Signature") }

func FuzzParseEncryptionKey(f *testing.F) { fuzz(f, "EncryptionKey") }

func FuzzParseOfflineSignature(f *testing.F) { fuzz(f, "OfflineSignature") }

func FuzzParseLease(f *testing.F) { fuzz(f, "Lease") }

func FuzzParseLease2(f *testing.F) { fuzz(f, "Lease2") }

func FuzzParseMetaLease(f *testing.F) { fuzz(f, "MetaLease") }

func FuzzParseLeaseSet(f *testing.F) { fuzz(f, "LeaseSet") }

func FuzzParseLeaseSet2(f *testing.F) { fuzz(f, "LeaseSet2") }

func FuzzParseMetaLeaseSet(f *testing.F) { fuzz(f, "MetaLeaseSet") }

func FuzzParseEncryptedLeaseSet(f *testing.F) { fuzz(f, "EncryptedLeaseSet") }

func FuzzParseB32(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseB32(s); err == nil && h.B32() != strings.ToLower(s) {
			t.Fatalf("%q is %q", s, h.B32())
		}
	})
}

func FuzzParseB33(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseB33(s)
		if err != nil {
			return
		}
		if got, err := a.B33(); err != nil || got != strings.ToLower(s) {
			t.Fatalf("%q is %q, %v", s, got, err)
		}
	})
}

func FuzzDecodeBase64(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := DecodeBase64(s); err == nil && EncodeBase64(b) != s {
			t.Fatalf("%q is %q", s, EncodeBase64(b))
		}
	})
}

// FuzzVerify: whatever parses may be verified.
func FuzzVerify(f *testing.F) {
	f.Fuzz(func(_ *testing.T, b []byte) {
		if l, _, err := ParseLeaseSet2(b); err == nil {
			_ = l.Verify()
		}
		if l, _, err := ParseLeaseSet(b); err == nil {
			_ = l.Verify()
		}
		if l, _, err := ParseMetaLeaseSet(b); err == nil {
			_ = l.Verify()
		}
		if l, _, err := ParseEncryptedLeaseSet(b); err == nil {
			_ = l.Verify()
		}
		if k, _, err := ParsePrivateKeyFile(b); err == nil {
			_, _ = k.Signer()
		}
	})
}
