package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// audit compares what was published with simulated routers, unless it shall not.
func TestAuditComparesWithReference(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	referenceTrials = 12 // the least that attacks can be trained on
	defer func() { referenceTrials = 0 }()
	s, err := scenario.Parse("two.yaml", []byte(`question: What do two routers publish?
duration: 2h
destination: {scheme: p140, leases: 2, routers: {count: 2}}
adversaries:
  - {name: poller, every: 1m}
`), scenario.Names{})
	if err != nil {
		t.Fatal(err)
	}
	var out sim.Outcome
	if err := sim.NewWorld().Run(&s.World, 1, &out); err != nil {
		t.Fatal(err)
	}
	// What the balancer itself notes are stores, each LeaseSet once.
	var published trace.Trace
	published.Reset(out.Traces[0].Header)
	last := int64(0)
	for i := range out.Traces[0].Records {
		if r := &out.Traces[0].Records[i]; r.Kind == trace.KindLookup && r.Published > last {
			last = r.Published
			stored := published.AppendStore(r.TimeMs, r.Floodfill, false, r.Published, r.Expires, r.Leases)
			stored.Has &^= trace.HasFloodfill
		}
	}
	file := filepath.Join(t.TempDir(), "published.jsonl")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := trace.NewWriter(f, false)
	if err := published.Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := mhbalance("audit", file)
	if code != 0 || stderr != "" || !strings.Contains(stdout, " simulated single Java routers and 12 of 2 routers (2 leases, 1 h polled every 1 min)") {
		t.Errorf("exit code %d, standard error %q, standard output:\n%s", code, stderr, stdout)
	}
	code, stdout, _ = mhbalance("audit", "--no-reference", file)
	if code != 0 || strings.Contains(stdout, "simulated") {
		t.Errorf("--no-reference: exit code %d, standard output:\n%s", code, stdout)
	}
}
