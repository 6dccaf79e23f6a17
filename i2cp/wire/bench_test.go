package wire

import (
	"crypto/ed25519"
	"testing"
)

// BenchmarkParseLeaseSet2 parses without verification into reused memory.
func BenchmarkParseLeaseSet2(b *testing.B) {
	b.Run("leases=16", func(b *testing.B) {
		sample, _ := sampleLeaseSet2(b, 16)
		in := encoding(b, sample.Append)
		var l LeaseSet2
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Parse(in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerifyLeaseSet2 parses and verifies; Ed25519 is the verification of as
// many bytes alone.
func BenchmarkVerifyLeaseSet2(b *testing.B) {
	sample, k := sampleLeaseSet2(b, 16)
	in := encoding(b, sample.Append)
	b.Run("leases=16", func(b *testing.B) {
		var l LeaseSet2
		b.ReportAllocs()
		for b.Loop() {
			if _, err := l.Parse(in); err != nil {
				b.Fatal(err)
			}
			if err := l.Verify(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ed25519", func(b *testing.B) {
		message, sig := append([]byte{3}, in[:len(in)-64]...), in[len(in)-64:]
		pub := ed25519.PublicKey(k.Public().Key)
		for b.Loop() {
			if !ed25519.Verify(pub, message, sig) {
				b.Fatal("does not verify")
			}
		}
	})
}

// BenchmarkSignLeaseSet2 signs and encodes; Ed25519 is the signing of as many bytes
// alone.
func BenchmarkSignLeaseSet2(b *testing.B) {
	sample, k := sampleLeaseSet2(b, 16)
	b.Run("leases=16", func(b *testing.B) {
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			if err := sample.Sign(k); err != nil {
				b.Fatal(err)
			}
			var err error
			if out, err = sample.Append(out[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ed25519", func(b *testing.B) {
		message := make([]byte, 1+1143-64)
		for b.Loop() {
			ed25519.Sign(k.key, message)
		}
	})
}

// BenchmarkAppendLeaseSet2 encodes into reused memory.
func BenchmarkAppendLeaseSet2(b *testing.B) {
	b.Run("leases=16", func(b *testing.B) {
		sample, _ := sampleLeaseSet2(b, 16)
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if out, err = sample.Append(out[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
