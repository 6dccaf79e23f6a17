package wire

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Structures drawn at random, encoded, parsed and compared. (That parsing and
// encoding is the identity on bytes is tested with the codecs.)

func genBytes(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }

func genHash(t *rapid.T) Hash { return Hash(genBytes(32).Draw(t, "hash")) }

func genSigningKey(t *rapid.T) SigningPublicKey {
	k := SigningPublicKey{Type: SigType(rapid.Uint16Range(0, sigTypes-1).Draw(t, "type"))}
	n, _ := k.Type.PublicKeyLen()
	k.Key = genBytes(n).Draw(t, "key")
	return k
}

func genSignature(t *rapid.T, by SigType) Signature {
	n, _ := by.SignatureLen()
	return genBytes(n).Draw(t, "signature")
}

func genDestination(t *rapid.T) Destination {
	key := genSigningKey(t)
	d, err := NewDestination(key, genHash(t))
	if err != nil {
		t.Fatal(err)
	}
	if !d.SigningKey().Equal(key) || d.SigType() != key.Type || d.EncType() != EncElGamal {
		t.Fatalf("%+v", d)
	}
	return d
}

func genSeconds(t *rapid.T) Seconds { return Seconds(rapid.Uint32().Draw(t, "seconds")) }

func genOffline(t *rapid.T, by SigType) OfflineSignature {
	return OfflineSignature{genSeconds(t), genSigningKey(t), genSignature(t, by)}
}

func genMapping(t *rapid.T) Mapping {
	m, err := NewMapping(rapid.MapOfN(rapid.StringN(0, 9, 255), rapid.StringN(0, 9, 255), 0, 5).Draw(t, "pairs"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func genHeader(t *rapid.T) LeaseSet2Header {
	h := LeaseSet2Header{
		Destination: genDestination(t),
		Published:   genSeconds(t),
		Expires:     rapid.Uint16().Draw(t, "expires"),
		Flags:       LeaseSetFlags(rapid.Uint16().Draw(t, "flags")),
	}
	if h.Flags&FlagOffline != 0 {
		h.Offline = genOffline(t, h.Destination.SigType())
	}
	return h
}

func genEncryptionKey(t *rapid.T) EncryptionKey {
	k := EncryptionKey{Type: EncType(rapid.Uint16Range(0, encTypes+1).Draw(t, "type"))}
	n, ok := k.Type.PublicKeyLen()
	if !ok {
		n = rapid.IntRange(0, 300).Draw(t, "length")
	}
	k.Key = genBytes(n).Draw(t, "key")
	return k
}

// same fails if a structure that was encoded and parsed again differs.
func same[T any](t *rapid.T, want T, encode func([]byte) ([]byte, error), parse func([]byte) (T, []byte, error)) {
	t.Helper()
	b, err := encode([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	b, ok := bytes.CutPrefix(b, []byte("before"))
	if !ok {
		t.Fatal("not appended")
	}
	got, rest, err := parse(append(b, "after"...))
	if err != nil {
		t.Fatal(err)
	}
	if string(rest) != "after" {
		t.Fatalf("rest %q", rest)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestRoundTripLeaseSet2(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &LeaseSet2{LeaseSet2Header: genHeader(t), Options: genMapping(t)}
		for range rapid.IntRange(1, MaxEncryptionKeys).Draw(t, "keys") {
			l.EncryptionKeys = append(l.EncryptionKeys, genEncryptionKey(t))
		}
		for range rapid.IntRange(0, MaxLeases).Draw(t, "leases") {
			l.Leases = append(l.Leases, Lease2{genHash(t), TunnelID(rapid.Uint32().Draw(t, "tunnel")), genSeconds(t)})
		}
		l.Signature = genSignature(t, l.Signer().Type)
		same(t, l, l.Append, ParseLeaseSet2)
		same(t, l, l.Clone().Append, ParseLeaseSet2)
	})
}

func TestRoundTripMetaLeaseSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &MetaLeaseSet{LeaseSet2Header: genHeader(t), Options: genMapping(t)}
		for range rapid.IntRange(1, 20).Draw(t, "leases") {
			l.Leases = append(l.Leases, MetaLease{genHash(t), [3]byte(genBytes(3).Draw(t, "flags")), rapid.Byte().Draw(t, "cost"), genSeconds(t)})
		}
		for range rapid.IntRange(0, 3).Draw(t, "revocations") {
			l.Revocations = append(l.Revocations, genHash(t))
		}
		l.Signature = genSignature(t, l.Signer().Type)
		same(t, l, l.Append, ParseMetaLeaseSet)
		same(t, l, l.Clone().Append, ParseMetaLeaseSet)
	})
}

func TestRoundTripLeaseSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &LeaseSet{Destination: genDestination(t), EncryptionKey: [256]byte(genBytes(256).Draw(t, "key"))}
		n, _ := l.Destination.SigType().PublicKeyLen()
		l.SigningKey = genBytes(n).Draw(t, "signing key")
		for range rapid.IntRange(0, MaxLeases).Draw(t, "leases") {
			l.Leases = append(l.Leases, Lease{genHash(t), TunnelID(rapid.Uint32().Draw(t, "tunnel")), Date(rapid.Uint64().Draw(t, "end"))})
		}
		l.Signature = genSignature(t, l.Destination.SigType())
		same(t, l, l.Append, ParseLeaseSet)
		same(t, l, l.Clone().Append, ParseLeaseSet)
	})
}

func TestRoundTripEncryptedLeaseSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &EncryptedLeaseSet{
			BlindedKey: genSigningKey(t),
			Published:  genSeconds(t),
			Expires:    rapid.Uint16().Draw(t, "expires"),
			Flags:      LeaseSetFlags(rapid.Uint16().Draw(t, "flags")),
			Data:       rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "data"),
		}
		if l.Flags&FlagOffline != 0 {
			l.Offline = genOffline(t, l.BlindedKey.Type)
		}
		l.Signature = genSignature(t, l.Signer().Type)
		same(t, l, l.Append, ParseEncryptedLeaseSet)
		same(t, l, l.Clone().Append, ParseEncryptedLeaseSet)
	})
}

func TestRoundTripPrivateKeyFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := PrivateKeyFile{Destination: genDestination(t)}
		sig := f.Destination.SigType()
		f.EncryptionKey = genBytes(256).Draw(t, "encryption key")
		n, _ := sig.PrivateKeyLen()
		f.SigningKey = make([]byte, n)
		if rapid.Bool().Draw(t, "offline") {
			f.Offline.Signature = genOffline(t, sig)
			n, _ := f.Offline.Signature.Transient.Type.PrivateKeyLen()
			f.Offline.SigningKey = genBytes(n).Draw(t, "transient key")
		} else {
			copy(f.SigningKey, genBytes(n).Draw(t, "signing key"))
			f.SigningKey[0] |= 1
		}
		same(t, f, f.Append, ParsePrivateKeyFile)
		same(t, f, f.Clone().Append, ParsePrivateKeyFile)
	})
}

func TestRoundTripRouterIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, enc := genSigningKey(t), genEncryptionKey(t)
		i, err := NewRouterIdentity(key, enc, genHash(t))
		_, ok := enc.Type.PublicKeyLen()
		if possible := ok && (key.Type != SigDSASHA1 || enc.Type != EncElGamal); !possible {
			if err == nil {
				t.Fatalf("%v, %v: no error", key.Type, enc.Type)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !i.SigningKey().Equal(key) || !reflect.DeepEqual(i.EncryptionKey(), enc) {
			t.Fatal("other keys")
		}
		same(t, i, func(b []byte) ([]byte, error) { return i.Append(b), nil }, ParseRouterIdentity)
		same(t, i.Certificate(), i.Certificate().Append, ParseCertificate)
	})
}

func TestRoundTripInteger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 8).Draw(t, "size")
		v := rapid.Uint64Max(math.MaxUint64>>(64-8*size)).Draw(t, "value")
		same(t, v, func(b []byte) ([]byte, error) { return AppendInteger(b, v, size) },
			func(b []byte) (uint64, []byte, error) { return ParseInteger(b, size) })
	})
}

// TestIntoUsedMemory parses one lease set after another into the same memory: it
// must equal what a fresh one holds.
func TestIntoUsedMemory(t *testing.T) {
	var l LeaseSet2
	for _, v := range vectors(t) {
		if v.fields["structure"] != "LeaseSet2" {
			continue
		}
		if _, err := l.Parse(v.bytes); err != nil {
			t.Fatal(err)
		}
		if err := l.Verify(); err != nil {
			t.Error(v.name, err)
		}
		fresh, _, err := ParseLeaseSet2(v.bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(l.Clone(), fresh.Clone()) {
			t.Errorf("%s: not the same", v.name)
		}
	}
}

// TestClone overwrites the input of what was cloned.
func TestClone(t *testing.T) {
	b := encoding(t, sampleFullLeaseSet2(t).Append)
	want := bytes.Clone(b)
	l, _, err := ParseLeaseSet2(b)
	if err != nil {
		t.Fatal(err)
	}
	c := l.Clone()
	clear(b)
	if got := encoding(t, c.Append); !bytes.Equal(got, want) {
		t.Error("the clone borrows")
	}
	if err := c.Verify(); err != nil {
		t.Error(err)
	}
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 999999999, time.FixedZone("", 3600))
	if d := DateOf(at); d != 1795417200999 || !d.Time().Equal(at.Truncate(time.Millisecond)) {
		t.Errorf("%d, %v", d, d.Time())
	}
	if s := SecondsOf(at); s != 1795417200 || !s.Time().Equal(at.Truncate(time.Second)) {
		t.Errorf("%d, %v", s, s.Time())
	}
	if SecondsOf(time.Unix(-1, 0)) != 0 || DateOf(time.Unix(-1, 0)) != 0 || SecondsOf(time.Unix(1<<33, 0)) != math.MaxUint32 {
		t.Error("times out of range")
	}
	end := SecondsOf(at)
	for _, test := range []struct {
		now     time.Time
		expired bool
	}{
		{end.Time().Add(-time.Nanosecond), false},
		{end.Time(), true},
		{end.Time().Add(time.Hour), true},
	} {
		got := []bool{
			Lease{End: Date(end) * 1000}.Expired(test.now),
			Lease2{End: end}.Expired(test.now),
			MetaLease{End: end}.Expired(test.now),
			OfflineSignature{Expires: end}.Expired(test.now),
			(&LeaseSet2Header{Published: end - 600, Expires: 600}).Expired(test.now),
			(&EncryptedLeaseSet{Published: end - 600, Expires: 600}).Expired(test.now),
			(&LeaseSet{Leases: []Lease{{}, {End: Date(end) * 1000}}}).Expired(test.now),
		}
		for i, expired := range got {
			if expired != test.expired {
				t.Errorf("%v, structure %d: expired %v", test.now, i, expired)
			}
		}
	}
	l := LeaseSet{Leases: []Lease{{End: 3}, {End: 2}, {End: 4}}}
	if v := l.Version(); v != 2 {
		t.Errorf("version %d", v)
	}
}

// TestRoutingKey has what RouterKeyGenerator of Java I2P 2.8.0 (commit 2f065e58)
// computed for the hash 00 01 02 … 1f, around a midnight.
func TestRoutingKey(t *testing.T) {
	var h Hash
	for i := range h {
		h[i] = byte(i)
	}
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{midnight.Add(-1), "797948e1b9ac90ac76e1e8cf5713020ea9368972ca9bfeb82bcb901c5c69b4d0"},
		{midnight, "2a55d6e71a61141ef9430673e02738d16e44cbbedafa406c7d250ffe4709516e"},
		{midnight.In(time.FixedZone("", -3600)), "2a55d6e71a61141ef9430673e02738d16e44cbbedafa406c7d250ffe4709516e"},
		{midnight.Add(24*time.Hour - 1), "2a55d6e71a61141ef9430673e02738d16e44cbbedafa406c7d250ffe4709516e"},
	} {
		if got := RoutingKey(h, test.at); got != Hash(unhex(t, test.want)) {
			t.Errorf("%v: %x", test.at, got)
		}
	}
}

func TestMetaLeaseType(t *testing.T) {
	m := MetaLease{Flags: [3]byte{1, 2, 0x35}}
	m.SetType(StoreMetaLeaseSet)
	if m.Type() != StoreMetaLeaseSet || m.Flags != [3]byte{1, 2, 0x37} {
		t.Errorf("%+v", m)
	}
}
