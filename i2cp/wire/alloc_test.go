package wire

import "testing"

// What the live driver does for each message must not allocate.
func TestAllocations(t *testing.T) {
	sample, _ := sampleLeaseSet2(t, 16)
	b := encoding(t, sample.Append)
	if len(b) != 1143 {
		t.Errorf("16 leases take %d bytes, want 503 + 40*16", len(b))
	}
	full := encoding(t, sampleFullLeaseSet2(t).Append)
	meta := encoding(t, sampleMetaLeaseSet(t).Append)
	old := encoding(t, sampleLeaseSet(t).Append)
	encrypted := encoding(t, sampleEncryptedLeaseSet(t).Append)
	keys := encoding(t, sampleKeyFile(t).Append)
	var (
		l2  LeaseSet2
		l1  LeaseSet
		m   MetaLeaseSet
		e   EncryptedLeaseSet
		buf []byte
		h   Hash
	)
	must := func(_ any, err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		run  func()
	}{
		{"LeaseSet2", func() { must(l2.Parse(b)) }},
		{"LeaseSet2 with all", func() { must(l2.Parse(full)) }},
		{"LeaseSet", func() { must(l1.Parse(old)) }},
		{"MetaLeaseSet", func() { must(m.Parse(meta)) }},
		{"EncryptedLeaseSet", func() { must(e.Parse(encrypted)) }},
		{"Destination", func() {
			_, _, err := ParseDestination(b)
			must(nil, err)
		}},
		{"PrivateKeyFile", func() {
			_, _, err := ParsePrivateKeyFile(keys)
			must(nil, err)
		}},
		{"LeaseSet2.Append", func() {
			var err error
			buf, err = sample.Append(buf[:0])
			must(nil, err)
		}},
		{"LeaseSet2.Verify", func() {
			must(l2.Parse(b))
			must(nil, l2.Verify())
		}},
		{"Hash", func() { h = l2.Destination.Hash() }},
	} {
		if n := testing.AllocsPerRun(20, test.run); n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
	_ = h
}
