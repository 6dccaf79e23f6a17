package attack

import (
	"testing"

	"multihome.i2p/analysis/trace"
)

// metaTrace has a Meta LeaseSet of n entries, one of which is gone in its second
// version, and LeaseSets of two sub-Destinations.
func metaTrace(n int) *trace.Trace {
	var tr trace.Trace
	tr.Reset(testDestination)
	entries := make([]trace.Entry, n)
	for i := range entries {
		entries[i] = trace.Entry{Hash: trace.Hash{byte(i), 1}, Type: 3, Expires: playStart + 20000}
	}
	for i := range 40 {
		at, second := (playStart+int64(600*i))*1000, playStart+int64(600*i)
		if i < 20 {
			tr.AppendMeta(at, playStart, playStart+20000, entries)
		} else {
			tr.AppendMeta(at, playStart+12000, playStart+20000, entries[1:])
		}
		for sub := range 2 {
			r := tr.AppendLookup(at+int64(sub), trace.Hash{9}, second, second+600, []trace.Lease{{
				Gateway: trace.Hash{byte(sub), 2}, Tunnel: uint32(1 + 2*i + sub), EndMs: 1000 * (second + 600),
			}})
			r.Sub = entries[sub].Hash
			r.Has |= trace.HasSub
		}
	}
	return &tr
}

// TestMeta: a Meta LeaseSet tells how many sub-Destinations are up, and the other
// attacks look at one of them.
func TestMeta(t *testing.T) {
	a, err := New(Meta)
	if err != nil {
		t.Fatal(err)
	}
	tr := metaTrace(5)
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	e := Gather(tr, 0)
	f := a.Observe(e)
	if v := a.Score(&f); v.Score != 5 || v.Routers.Center != 5 || v.Posterior[4] != 1 || f.Vector[1] != 1 {
		t.Errorf("%+v of %v", v, f.Vector)
	}
	if len(e.LeaseSets) != 40 || len(e.Hashes) != 1 {
		t.Errorf("%d LeaseSets with %d gateways, want 40 with 1", len(e.LeaseSets), len(e.Hashes))
	}
	w := world{routers: 1, leases: 4, tier: measuredTier, hours: 1}
	none := w.samples(a, 1, false, newRand(1))[0].Features
	if v := a.Score(&none); v.Score != 0 || v.Posterior != nil || len(v.Warnings) == 0 {
		t.Errorf("without a Meta LeaseSet %+v", v)
	}
}
