package sim

import "testing"

// TestMeta: the Meta LeaseSet names the sub-Destinations that are up, each with a
// LeaseSet of its own, and no longer a router's soon after its death.
func TestMeta(t *testing.T) {
	c := worldOf(SchemeMeta, 4)
	c.Duration = 6 * Hour
	c.Adversaries = nil
	c.Faults = []Fault{{Kind: FaultCrash, Router: 0, At: 2 * Hour, For: 2 * Hour}} // the master
	w, out := NewWorld(), new(Outcome)
	mustRun(t, w, c, 7, out)
	tr := &out.Truth
	if tr.Live != tr.Samples {
		t.Errorf("%d of %d samples with a live lease", tr.Live, tr.Samples)
	}
	if mean := float64(tr.Entries) / float64(tr.Samples); mean < 3.6 || mean > 3.72 { // 4 but for a third of the time
		t.Errorf("%.3f entries, want about 3.66", mean)
	}
	// Once at the check after the death and once as the router is back, and every
	// three hours; at midnight too.
	if tr.MetaPublished < 3 || tr.MetaPublished > 6 {
		t.Errorf("%d Meta LeaseSets published", tr.MetaPublished)
	}
	if len(tr.Failovers) != 1 || tr.Failovers[0] > 3*Minute {
		t.Errorf("failovers %v", tr.Failovers)
	}
	for i := range w.routers {
		x := w.heldOf(w.routers[i].key)
		if x == none {
			t.Fatalf("no LeaseSet of router %d", i)
		}
		for _, l := range w.sets.at(x).leases {
			if l.router != int32(i) {
				t.Errorf("a lease of router %d under the key of router %d", l.router, i)
			}
		}
	}
}

// TestMetaTree: beyond 255 entries there are two levels, and a client finds a live
// LeaseSet in three lookups.
func TestMetaTree(t *testing.T) {
	c := worldOf(SchemeMeta, 300)
	c.Network.Routers = 60000
	c.Warmup, c.Duration = Hour, 10*Minute
	c.Destination.Leases = 2
	c.Adversaries = nil
	w, out := NewWorld(), new(Outcome)
	mustRun(t, w, c, 7, out)
	if got := len(w.sets.at(w.heldOf(serviceKey)).entries); got != 2 {
		t.Errorf("%d entries at the top, want 2", got)
	}
	if got := out.Truth.Entries / out.Truth.Samples; got != 300 {
		t.Errorf("%d sub-Destinations, want 300", got)
	}
	key, stages := int32(serviceKey), 0
	for ; ; stages++ {
		found := w.find(key)
		if found.set == none {
			t.Fatalf("nothing at stage %d", stages)
		}
		if s := w.sets.at(found.set); s.meta {
			key = s.entries[0].key
			continue
		}
		break
	}
	if stages != 2 {
		t.Errorf("%d Meta LeaseSets on the way", stages)
	}
}

// TestP140Meta: each sub-Destination has a balancer of its own, which lists leases of
// its own routers and no others, and goes on without one that dies.
func TestP140Meta(t *testing.T) {
	c := worldOf(SchemeP140Meta, 5) // of two and three routers
	c.Duration = 6 * Hour
	c.Adversaries = nil
	c.Faults = []Fault{{Kind: FaultCrash, Router: 2, At: 2 * Hour, For: 2 * Hour}}
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 7, out); err != nil {
		t.Fatal(err)
	}
	subs := [...]int32{1, 1, 1, 2, 2}
	listed := [5]int{}
	w.check = func(s *leaseSet) {
		for _, l := range s.leases {
			if subs[l.router] != s.key || subs[s.maker] != s.key {
				t.Fatalf("a lease of router %d in a LeaseSet of router %d under key %d", l.router, s.maker, s.key)
			}
			listed[l.router]++
		}
	}
	w.play(w.end, nil)
	w.finish()
	tr := &out.Truth
	if tr.Live != tr.Samples || tr.Entries != 2*tr.Samples {
		t.Errorf("%d of %d samples live, %d entries", tr.Live, tr.Samples, tr.Entries)
	}
	if len(tr.Failovers) != 1 || tr.Failovers[0] > 3*Minute {
		t.Errorf("failovers %v", tr.Failovers)
	}
	for i, n := range listed {
		if n == 0 {
			t.Errorf("router %d is never listed", i)
		}
	}
	if mean := tr.MeanLeases(); mean < 15 || mean > 16 {
		t.Errorf("%.2f leases in a LeaseSet, want 16", mean)
	}
}
