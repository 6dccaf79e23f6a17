package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"
)

// Samples are our own, for tests that need a structure and do not care whose.

func sampleBytes(seed string, n int) []byte {
	var b []byte
	for i := uint32(0); len(b) < n; i++ {
		h := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), i))
		b = append(b, h[:]...)
	}
	return b[:n]
}

func sampleKey(t testing.TB, seed string) SigningPrivateKey {
	t.Helper()
	k, err := NewSigningPrivateKey(SigEd25519, sampleBytes(seed, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sampleDestination(t testing.TB) (Destination, SigningPrivateKey) {
	t.Helper()
	k := sampleKey(t, "signing")
	d, err := NewDestination(k.Public(), [32]byte(sampleBytes("padding", 32)))
	if err != nil {
		t.Fatal(err)
	}
	return d, k
}

func sampleLeaseSet2(t testing.TB, leases int) (*LeaseSet2, SigningPrivateKey) {
	t.Helper()
	d, k := sampleDestination(t)
	l := &LeaseSet2{
		LeaseSet2Header: LeaseSet2Header{Destination: d, Published: 1795421969, Expires: 600},
		EncryptionKeys:  []EncryptionKey{{EncX25519, sampleBytes("x25519", 32)}},
	}
	for i := range leases {
		l.Leases = append(l.Leases, Lease2{Hash(sampleBytes(fmt.Sprint("gateway", i), 32)), TunnelID(i + 1), 1795422569 - Seconds(i)})
	}
	if err := l.Sign(k); err != nil {
		t.Fatal(err)
	}
	return l, k
}

// sampleFullLeaseSet2 has all that a LeaseSet2 may have.
func sampleFullLeaseSet2(t testing.TB) *LeaseSet2 {
	t.Helper()
	l, k := sampleLeaseSet2(t, 2)
	transient := sampleKey(t, "transient")
	l.Flags = FlagOffline | FlagUnpublished | FlagBlinded
	l.Offline = NewOfflineSignature(k, transient.Public(), 1800000000)
	l.Options = sampleMapping(t)
	l.EncryptionKeys = append(l.EncryptionKeys,
		EncryptionKey{EncMLKEM768X25519, sampleBytes("hybrid", 32)},
		EncryptionKey{EncElGamal, sampleBytes("elgamal", 256)},
		EncryptionKey{77, sampleBytes("unknown", 99)})
	if err := l.Sign(transient); err != nil {
		t.Fatal(err)
	}
	return l
}

func sampleMapping(t testing.TB) Mapping {
	t.Helper()
	m, err := NewMapping(map[string]string{"_smtp._tcp": "0 999999 25", "": "", "zoo": "a=b;"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sampleMetaLeaseSet(t testing.TB) *MetaLeaseSet {
	t.Helper()
	d, k := sampleDestination(t)
	l := &MetaLeaseSet{
		LeaseSet2Header: LeaseSet2Header{Destination: d, Published: 1795421969, Expires: 1600},
		Options:         sampleMapping(t),
		Leases: []MetaLease{
			{Hash: Hash(sampleBytes("meta0", 32)), Flags: [3]byte{0, 0, 3}, Cost: 0, End: 1795422569},
			{Hash: Hash(sampleBytes("meta1", 32)), Flags: [3]byte{0, 0, 7}, Cost: 255, End: 1795423569},
		},
		Revocations: []Hash{Hash(sampleBytes("revoked", 32))},
	}
	if err := l.Sign(k); err != nil {
		t.Fatal(err)
	}
	return l
}

func sampleLeaseSet(t testing.TB) *LeaseSet {
	t.Helper()
	d, k := sampleDestination(t)
	l := &LeaseSet{
		Destination: d,
		SigningKey:  sampleBytes("revocation", 32),
		Leases:      []Lease{{Hash(sampleBytes("gateway", 32)), 7, 1795422569123}, {Hash(sampleBytes("gateway", 32)), 8, 1795422569122}},
	}
	copy(l.EncryptionKey[:], sampleBytes("elgamal", 256))
	if err := l.Sign(k); err != nil {
		t.Fatal(err)
	}
	return l
}

// sampleEncryptedLeaseSet is signed by a transient key that the blinded key, here
// an Ed25519 key under the type RedDSA, signed.
func sampleEncryptedLeaseSet(t testing.TB) *EncryptedLeaseSet {
	t.Helper()
	blinded, transient := sampleKey(t, "blinded"), sampleKey(t, "transient")
	l := &EncryptedLeaseSet{
		BlindedKey: SigningPublicKey{SigRedDSAEd25519, blinded.Public().Key},
		Published:  1795421969,
		Expires:    600,
		Flags:      FlagOffline,
		Offline:    NewOfflineSignature(blinded, SigningPublicKey{SigRedDSAEd25519, transient.Public().Key}, 1800000000),
		Data:       sampleBytes("data", 100),
	}
	b, err := l.appendUnsigned([]byte{5})
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = transient.Sign(b)
	return l
}

func encoding(t testing.TB, encode func([]byte) ([]byte, error)) []byte {
	t.Helper()
	b, err := encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sampleKeyFile(t testing.TB) PrivateKeyFile {
	t.Helper()
	f, err := NewPrivateKeyFile(bytes.NewReader(sampleBytes("key file", 64)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
