package assess

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"multihome.i2p/analysis/trace"
)

// synthetic is a trace of a service whose leases name gateways that next draws:
// a LeaseSet of 16 leases every ten minutes, all tunnels new each time.
func synthetic(leaseSets int, next func(lease int) uint16) *trace.Trace {
	tr := &trace.Trace{}
	tr.Reset(trace.Header{Destination: strings.Repeat("a", 52), Vantage: trace.VantageNetDb, Source: trace.SourceSim})
	tunnel := uint32(0)
	for i := range leaseSets {
		second := int64(600 * i)
		leases := make([]trace.Lease, 16)
		for j := range leases {
			g := next(j)
			tunnel++
			leases[j] = trace.Lease{Gateway: trace.Hash{byte(g), byte(g >> 8)}, Tunnel: tunnel, EndMs: (second + 600) * 1000}
		}
		for poll := range 3 { // a LeaseSet that is seen again says nothing new
			tr.AppendLookup((second+int64(poll))*1000, trace.Hash{}, second, second+600, leases)
		}
	}
	return tr
}

func TestVerdicts(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	from := func(gateways int) func(int) uint16 {
		return func(int) uint16 { return uint16(rng.IntN(gateways)) }
	}
	fixed := rng.Perm(5000)
	for _, test := range []struct {
		name      string
		leaseSets int
		next      func(int) uint16
		want      Verdict
	}{
		{"nothing", 0, from(8), Insufficient},
		{"two LeaseSets", 2, from(8), Insufficient},
		{"a small slice", 36, from(4), Single},
		{"four large slices", 36, from(60), Multi},
		// Too short to see that gateways come back.
		{"three LeaseSets of many gateways", 3, from(300), Undecided},
		// i2pd repeats the paths that it once drew from the whole netDb.
		{"i2pd", 36, func(lease int) uint16 {
			if rng.IntN(20) == 0 {
				fixed[lease] = rng.IntN(5000)
			}
			return uint16(fixed[lease])
		}, Undecided},
	} {
		tr := synthetic(test.leaseSets, test.next)
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		a, err := Of(test.name, tr)
		if err != nil {
			t.Fatal(err)
		}
		if a.verdict != test.want {
			t.Errorf("%s: verdict %s (%s), want %s; posterior %.3f", test.name, a.verdict, a.sentence, test.want, a.posterior)
		}
		if a.sightings != 3*test.leaseSets || a.leaseSets != test.leaseSets {
			t.Errorf("%s: %d sightings, %d LeaseSets", test.name, a.sightings, a.leaseSets)
		}
		if strings.ToLower(a.sentence[:1]) != a.sentence[:1] || !strings.HasSuffix(a.sentence, ".") {
			t.Errorf("%s: %q is no sentence to follow a colon", test.name, a.sentence)
		}
	}
}

// Longer observation changes what is estimated, not what is judged.
func TestLongTrace(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	day := synthetic(144, func(int) uint16 { return uint16(rng.IntN(8)) })
	a, err := Of("day", day)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(a.warnings, func(w string) bool { return strings.Contains(w, "longer than 6 h") }) {
		t.Errorf("no warning of the length in %q", a.warnings)
	}
	if n := a.estimates["chao2"].N; n != 144 {
		t.Errorf("chao2 rests on %d LeaseSets, want 144", n)
	}
	if n := a.estimates["attack.richness.score"].N; n != 37 {
		t.Errorf("the attack judges %d LeaseSets, want those of 6 h, 37", n)
	}
}
