package wire

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEd25519 has the tests of RFC 8032, sections 7.1 and 7.3.
func TestEd25519(t *testing.T) {
	for _, v := range []struct {
		name                         string
		t                            SigType
		secret, public, message, sig string
	}{
		{
			"TEST 1", SigEd25519,
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
		},
		{
			"TEST 2", SigEd25519,
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
		},
		{
			"TEST 3", SigEd25519,
			"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
			"af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
		},
		{
			"TEST abc", SigEd25519ph,
			"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
			"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
			"616263",
			"98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			pub := SigningPublicKey{v.t, unhex(t, v.public)}
			message, sig := unhex(t, v.message), unhex(t, v.sig)
			if err := pub.Verify(message, sig); err != nil {
				t.Error(err)
			}
			if err := pub.Verify(append(message, 0), sig); !errors.Is(err, ErrSignature) {
				t.Errorf("another message: %v", err)
			}
			k, err := NewSigningPrivateKey(v.t, unhex(t, v.secret))
			if v.t != SigEd25519 {
				if !errors.Is(err, ErrUnsupported) {
					t.Errorf("signs with %v: %v", v.t, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !k.Public().Equal(pub) || !bytes.Equal(k.Sign(message), sig) {
				t.Error("signs otherwise")
			}
		})
	}
}

// TestRed25519 shows that the test vectors of the Red25519 specification are of
// another scheme than the one that routers use: what i2pd and Java I2P signed with
// RedDSA (the vectors named reddsa, and all encrypted lease sets) verifies.
func TestRed25519(t *testing.T) {
	pub := SigningPublicKey{SigRedDSAEd25519, unhex(t, "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c")}
	message := bytes.Repeat([]byte{2}, 32)
	sig := unhex(t, "61f5527f4d3b46de4b2c234390370bf715ae9098907a0d191ba1b44b23a8ac1a6a40437a5294e9503faaf9bd2b7f2fe7ba44dec487b3185aba7ff7d7a17cd40f")
	if err := pub.Verify(message, sig); !errors.Is(err, ErrSignature) {
		t.Errorf("test vector 1 of the specification: %v", err)
	}
	k := sampleKey(t, "red")
	red := SigningPublicKey{SigRedDSAEd25519, k.Public().Key}
	if err := red.Verify(message, k.Sign(message)); err != nil {
		t.Error(err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	k := sampleKey(t, "refuse")
	message := []byte("message")
	sig := k.Sign(message)
	p521 := make([]byte, 132)
	tests := []struct {
		name   string
		key    SigningPublicKey
		sig    []byte
		reason error
	}{
		{"short key", SigningPublicKey{SigEd25519, k.Public().Key[1:]}, sig, ErrLength},
		{"short signature", k.Public(), sig[1:], ErrLength},
		{"no signature", k.Public(), nil, ErrLength},
		{"no key", SigningPublicKey{}, sig, ErrLength},
		{"RSA", SigningPublicKey{SigRSA2048, make([]byte, 256)}, make([]byte, 256), ErrUnsupported},
		{"GOST", SigningPublicKey{SigGOSTCryptoPro, make([]byte, 64)}, make([]byte, 64), ErrUnsupported},
		{"unknown type", SigningPublicKey{12, nil}, nil, ErrUnsupported},
		{"point off the curve", SigningPublicKey{SigECDSAP521, append(p521, 1)[1:]}, p521, ErrSignature},
		{"DSA key 1", SigningPublicKey{SigDSASHA1, append(make([]byte, 127), 1)}, make([]byte, 40), ErrSignature},
		{"DSA key too large", SigningPublicKey{SigDSASHA1, bytes.Repeat([]byte{0xff}, 128)}, make([]byte, 40), ErrSignature},
		{"Ed25519 under ph", SigningPublicKey{SigEd25519ph, k.Public().Key}, sig, ErrSignature},
	}
	for _, test := range tests {
		if err := test.key.Verify(message, test.sig); !errors.Is(err, test.reason) {
			t.Errorf("%s: %v, want %v", test.name, err, test.reason)
		}
	}
	// And what Ed25519ph is: the prefix of RFC 8032, not Ed25519 of a digest.
	digest := sha512.Sum512(message)
	ph, err := k.key.Sign(nil, digest[:], &ed25519.Options{Hash: crypto.SHA512})
	if err != nil {
		t.Fatal(err)
	}
	if err := (SigningPublicKey{SigEd25519ph, k.Public().Key}).Verify(message, ph); err != nil {
		t.Error(err)
	}
}

func TestSignRefuses(t *testing.T) {
	other := sampleKey(t, "other")
	l, k := sampleLeaseSet2(t, 1)
	if err := l.Sign(other); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("LeaseSet2 by another key: %v", err)
	}
	if err := l.Sign(SigningPrivateKey{}); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("LeaseSet2 by no key: %v", err)
	}
	if err := new(LeaseSet).Sign(SigningPrivateKey{}); !errors.Is(err, ErrLength) {
		t.Errorf("no LeaseSet by no key: %v", err)
	}
	l.Leases = nil
	if err := l.Sign(k); !errors.Is(err, ErrValue) {
		t.Errorf("LeaseSet2 without leases: %v", err)
	}
	l, k = sampleLeaseSet2(t, 1)
	options, err := NewMapping(map[string]string{"a": "ä"})
	if err != nil {
		t.Fatal(err)
	}
	l.Options = options
	if err := l.Sign(k); !errors.Is(err, ErrEncoding) {
		t.Errorf("LeaseSet2 with options beyond ASCII: %v", err)
	}
	meta := sampleMetaLeaseSet(t)
	meta.Options = options
	if err := meta.Sign(k); !errors.Is(err, ErrEncoding) {
		t.Errorf("MetaLeaseSet with options beyond ASCII: %v", err)
	}
	full := sampleFullLeaseSet2(t)
	if err := full.Sign(k); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("LeaseSet2 by the Destination's key in place of the transient one: %v", err)
	}
	if err := sampleMetaLeaseSet(t).Sign(other); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("MetaLeaseSet by another key: %v", err)
	}
	if err := sampleLeaseSet(t).Sign(other); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("LeaseSet by another key: %v", err)
	}
}

// TestSignedBytes holds the prefix of each type: signatures of one type must not
// verify as those of another.
func TestSignedBytes(t *testing.T) {
	l, k := sampleLeaseSet2(t, 1)
	b := encoding(t, l.Append)
	body := b[:len(b)-64]
	if err := k.Public().Verify(append([]byte{3}, body...), l.Signature); err != nil {
		t.Error("LeaseSet2:", err)
	}
	m := sampleMetaLeaseSet(t)
	b = encoding(t, m.Append)
	if err := k.Public().Verify(append([]byte{7}, b[:len(b)-64]...), m.Signature); err != nil {
		t.Error("MetaLeaseSet:", err)
	}
	if err := m.Verify(); err != nil {
		t.Error("MetaLeaseSet:", err)
	}
	if err := sampleEncryptedLeaseSet(t).Verify(); err != nil {
		t.Error("EncryptedLeaseSet:", err)
	}
	s := sampleLeaseSet(t)
	b = encoding(t, s.Append)
	if err := k.Public().Verify(b[:len(b)-64], s.Signature); err != nil {
		t.Error("LeaseSet:", err)
	}
	full := sampleFullLeaseSet2(t)
	if err := full.Verify(); err != nil {
		t.Error("LeaseSet2 with a transient key:", err)
	}
	full.Offline.Signature[0] ^= 1
	if err := full.Verify(); !errors.Is(err, ErrSignature) {
		t.Errorf("LeaseSet2 with a forged transient key: %v", err)
	}
	e := sampleEncryptedLeaseSet(t)
	e.Offline.Signature[0] ^= 1
	if err := e.Verify(); !errors.Is(err, ErrSignature) {
		t.Errorf("EncryptedLeaseSet with a forged transient key: %v", err)
	}
}
