package wire

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the fuzz corpora that the tests make")

// A codec is a structure's parser and encoder, for what all of them promise.
type codec struct {
	name string
	// run parses b and encodes what was parsed. empty is whether the parser
	// returned nothing but the error.
	run func(b []byte) (encoded, rest []byte, empty bool, err error)
	// seeds are encodings, and what is nearly one.
	seeds func(t testing.TB) [][]byte
}

func newCodec[T any](name string, parse func([]byte) (T, []byte, error), encode func(T) ([]byte, error), seeds func(testing.TB) [][]byte) codec {
	return codec{name, func(b []byte) ([]byte, []byte, bool, error) {
		v, rest, err := parse(b)
		if err != nil {
			return nil, nil, reflect.ValueOf(&v).Elem().IsZero() && rest == nil, err
		}
		encoded, err := encode(v)
		if err != nil {
			return nil, nil, false, fmt.Errorf("parsed but not encoded: %w", err)
		}
		return encoded, rest, false, nil
	}, seeds}
}

func appends[T interface{ Append([]byte) []byte }](v T) ([]byte, error) { return v.Append(nil), nil }

func encodes[T interface {
	Append([]byte) ([]byte, error)
}](v T) ([]byte, error) {
	return v.Append(nil)
}

// fixed makes seeds of byte strings.
func fixed(seeds ...string) func(testing.TB) [][]byte {
	return func(testing.TB) (all [][]byte) {
		for _, s := range seeds {
			all = append(all, []byte(s))
		}
		return all
	}
}

// fromVectors makes seeds of the vectors of a structure, and of others.
func fromVectors(structure string, others ...func(testing.TB) []byte) func(testing.TB) [][]byte {
	return func(t testing.TB) (all [][]byte) {
		for _, v := range vectors(t) {
			if v.fields["structure"] == structure {
				all = append(all, v.bytes)
			}
		}
		for _, other := range others {
			all = append(all, other(t))
		}
		return all
	}
}

var codecs = []codec{
	newCodec("Integer1", func(b []byte) (uint64, []byte, error) { return ParseInteger(b, 1) },
		func(v uint64) ([]byte, error) { return AppendInteger(nil, v, 1) }, fixed("\x00", "\xff\xff")),
	newCodec("Integer8", func(b []byte) (uint64, []byte, error) { return ParseInteger(b, 8) },
		func(v uint64) ([]byte, error) { return AppendInteger(nil, v, 8) }, fixed("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "\x00")),
	newCodec("Date", ParseDate, appends[Date], fixed("\x00\x00\x01\xa2\x0b\xf3\x8f\x6a", "\xff\xff\xff\xff\xff\xff\xff\xff")),
	newCodec("String", ParseString, func(s string) ([]byte, error) { return AppendString(nil, s) },
		fixed("\x00", "\x03abc", "\x03ab", "\x02\xc3\xa4rest", "\x02\xc3\x28")),
	newCodec("Hash", ParseHash, appends[Hash], fixed("0123456789abcdef0123456789abcdef", "short")),
	newCodec("Mapping", ParseMapping, appends[Mapping], fixed("\x00\x00",
		"\x00\x06\x01a=\x01b;", "\x00\x0c\x01b=\x01b;\x01a=\x01b;", "\x00\x0c\x01a=\x01b;\x01a=\x01c;",
		"\x00\x12\x01b=\x01b;\x01a=\x01b;\x01b=\x00;", "\x00\x05\x01a=\x01b;", "\x00\x07\x01a=\x01b;", "\x00\x06\x01a:\x01b;",
		"\x00\x0a\x00=\x00;\x02\xc3\xa4=\x00;", "\xff\xff\x01a=\x01b;")),
	newCodec("Certificate", ParseCertificate, encodes[Certificate], fixed("\x00\x00\x00", "\x00\x00\x01a", "\x05\x00\x04\x00\x07\x00\x00",
		"\x05\x00\x03\x00\x07\x00", "\x01\x00\x021:", "\xff\xff\xff", "\x02\x00\x00")),
	newCodec("Destination", ParseDestination, appends[Destination], func(t testing.TB) (all [][]byte) {
		all = fromVectors("Destination")(t)
		for _, v := range vectors(t) {
			if v.fields["structure"] == "PrivateKeyFile" {
				d, _, err := ParseDestination(v.bytes)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, d.Bytes())
			}
		}
		return all
	}),
	newCodec("RouterIdentity", ParseRouterIdentity, appends[RouterIdentity], fromVectors("RouterInfo")),
	newCodec("RouterAddress", ParseRouterAddress, encodes[RouterAddress],
		fixed("\x0a\x00\x00\x00\x00\x00\x00\x00\x00\x05NTCP2\x00\x06\x01i=\x01s;", "\x05")),
	newCodec("RouterInfo", ParseRouterInfo, encodes[*RouterInfo], fromVectors("RouterInfo")),
	newCodec("PrivateKeyFile", ParsePrivateKeyFile, encodes[PrivateKeyFile], fromVectors("PrivateKeyFile")),
	newCodec("SigningPublicKey", func(b []byte) (SigningPublicKey, []byte, error) { return ParseSigningPublicKey(SigECDSAP521, b) },
		appends[SigningPublicKey], func(testing.TB) [][]byte { return [][]byte{make([]byte, 131), make([]byte, 133)} }),
	newCodec("Signature", func(b []byte) (Signature, []byte, error) { return ParseSignature(SigDSASHA1, b) },
		appends[Signature], func(testing.TB) [][]byte { return [][]byte{make([]byte, 39), make([]byte, 41)} }),
	newCodec("EncryptionKey", ParseEncryptionKey, encodes[EncryptionKey],
		fixed("\x00\x04\x00\x200123456789abcdef0123456789abcdef", "\x00\x04\x00\x1f", "\x00\x63\x00\x01a", "\x00\x63\x00\x00", "\x00\x63\xff\xff")),
	newCodec("OfflineSignature", func(b []byte) (OfflineSignature, []byte, error) { return ParseOfflineSignature(SigEd25519, b) },
		appends[OfflineSignature], func(t testing.TB) [][]byte {
			return [][]byte{sampleFullLeaseSet2(t).Offline.Append(nil), []byte("\x00\x00\x00\x00\x00\x0c")}
		}),
	newCodec("Lease", ParseLease, appends[Lease], func(t testing.TB) [][]byte { return [][]byte{sampleLeaseSet(t).Leases[0].Append(nil)} }),
	newCodec("Lease2", ParseLease2, appends[Lease2], func(t testing.TB) [][]byte { return [][]byte{sampleFullLeaseSet2(t).Leases[0].Append(nil)} }),
	newCodec("MetaLease", ParseMetaLease, appends[MetaLease], func(t testing.TB) [][]byte { return [][]byte{sampleMetaLeaseSet(t).Leases[0].Append(nil)} }),
	newCodec("LeaseSet", ParseLeaseSet, encodes[*LeaseSet], fromVectors("LeaseSet",
		func(t testing.TB) []byte { return encoding(t, sampleLeaseSet(t).Append) })),
	newCodec("LeaseSet2", ParseLeaseSet2, encodes[*LeaseSet2], fromVectors("LeaseSet2",
		func(t testing.TB) []byte { return encoding(t, sampleFullLeaseSet2(t).Append) })),
	newCodec("MetaLeaseSet", ParseMetaLeaseSet, encodes[*MetaLeaseSet], fromVectors("MetaLeaseSet",
		func(t testing.TB) []byte { return encoding(t, sampleMetaLeaseSet(t).Append) })),
	newCodec("EncryptedLeaseSet", ParseEncryptedLeaseSet, encodes[*EncryptedLeaseSet], fromVectors("EncryptedLeaseSet",
		func(t testing.TB) []byte { return encoding(t, sampleEncryptedLeaseSet(t).Append) })),
}

func codecNamed(t testing.TB, name string) codec {
	t.Helper()
	for _, c := range codecs {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("no codec %s", name)
	return codec{}
}

// check holds a codec to what all promise: what was parsed encodes to the same
// bytes; an error says where, within the input, and comes with nothing else.
func (c codec) check(t testing.TB, b []byte) {
	t.Helper()
	encoded, rest, empty, err := c.run(b)
	if err != nil {
		var e *Error
		switch {
		case !errors.As(err, &e):
			t.Fatalf("not an *Error: %v", err)
		case e.Offset < 0 || e.Offset > len(b):
			t.Fatalf("offset %d of %d bytes: %v", e.Offset, len(b), err)
		case !empty:
			t.Fatalf("an error, and something else: %v", err)
		}
		return
	}
	if !bytes.Equal(append(encoded, rest...), b) {
		t.Fatalf("%x was parsed, but encodes to %x, rest %x", b, encoded, rest)
	}
}

// TestCodecsTruncated cuts each seed at each byte: it must be missed, or belong to
// the rest.
func TestCodecsTruncated(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			for _, seed := range c.seeds(t) {
				encoded, _, _, err := c.run(seed)
				c.check(t, seed)
				if err != nil {
					continue
				}
				for n := range encoded {
					c.check(t, seed[:n])
					if _, _, _, err := c.run(seed[:n:n]); !errors.Is(err, ErrTruncated) {
						t.Fatalf("%d of %d bytes: %v", n, len(encoded), err)
					}
				}
				c.check(t, append(bytes.Clone(seed), "and more"...))
			}
		})
	}
}

// TestCodecsAllocate declares more than there is: counts and lengths of 255 or
// 65535 at each place must not make a parser allocate it.
func TestCodecsAllocate(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			seed := c.seeds(t)[0]
			step := 1 + len(seed)/64
			var before, after runtime.MemStats
			for i := 0; i < len(seed)-1; i += step {
				b := bytes.Clone(seed[:i+2])
				b[i], b[i+1] = 0xff, 0xff
				// The runtime allocates too, now and then.
				least := uint64(math.MaxUint64)
				for range 3 {
					runtime.ReadMemStats(&before)
					_, _, _, _ = c.run(b)
					runtime.ReadMemStats(&after)
					least = min(least, after.TotalAlloc-before.TotalAlloc)
				}
				if least > uint64(8*len(b)+2048) {
					t.Fatalf("%d bytes allocated for %d", least, len(b))
				}
			}
		})
	}
}

// TestCorpora keeps a corpus for each fuzz target in the tree: -update writes the
// seeds. What the fuzzer finds is added beside them.
func TestCorpora(t *testing.T) {
	for _, c := range codecs {
		dir := filepath.Join("testdata", "fuzz", "FuzzParse"+c.name)
		for i, seed := range c.seeds(t) {
			name := filepath.Join(dir, fmt.Sprintf("seed-%02d", i))
			want := "go test fuzz v1\n[]byte(" + strconv.Quote(string(seed)) + ")\n"
			if *update {
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := os.ReadFile(name); err != nil || string(got) != want {
				t.Errorf("%s: not the seed (%v); -update rewrites it", name, err)
			}
		}
	}
}

// TestOtherCorpora is TestCorpora for the targets that no codec stands for.
func TestOtherCorpora(t *testing.T) {
	d, _ := sampleDestination(t)
	blinded, err := BlindedAddress{Key: d.SigningKey(), BlindedType: SigRedDSAEd25519, SecretRequired: true}.B33()
	if err != nil {
		t.Fatal(err)
	}
	strings := []string{d.B32(), d.Base64(), blinded, "", ".b32.i2p", "AA==", "AB==", "A\n==", "a.b32.i2p"}
	var files []string
	for i, s := range strings {
		for _, target := range []string{"FuzzParseB32", "FuzzParseB33", "FuzzDecodeBase64"} {
			files = append(files, fmt.Sprintf("%s/seed-%02d", target, i), "string("+strconv.Quote(s)+")")
		}
	}
	for i, b := range [][]byte{
		encoding(t, sampleLeaseSet(t).Append), encoding(t, sampleFullLeaseSet2(t).Append),
		encoding(t, sampleMetaLeaseSet(t).Append), encoding(t, sampleEncryptedLeaseSet(t).Append),
		vectorBytes(t, "i2pd-leaseset2-p521"), vectorBytes(t, "i2pd-leaseset2-dsa"), vectorBytes(t, "i2pd-keyfile-ours-offline"),
	} {
		files = append(files, fmt.Sprintf("FuzzVerify/seed-%02d", i), "[]byte("+strconv.Quote(string(b))+")")
	}
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join("testdata", "fuzz", files[i])
		want := "go test fuzz v1\n" + files[i+1] + "\n"
		if *update {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: not the seed (%v); -update rewrites it", name, err)
		}
	}
}
