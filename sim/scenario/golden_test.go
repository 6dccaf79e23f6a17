package scenario

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

// -update rewrites golden files. Commit the change only if you understand what
// caused it.
var update = flag.Bool("update", false, "rewrite golden files")

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

// testNames stand for what other packages know.
var testNames = Names{
	Attacks:  []string{"distinct", "richness", "expiry"},
	Policies: []string{"per-router", "shared-key", "single", "superset"},
	Files:    testFiles{},
	Rules:    []string{"leader", "shadow"},
	Metrics:  []string{"distinct_ibgw_per_leaseset", "floodfill_stores_per_s", "ibgw_candidates", "leaseset_bytes", "leaseset_publishes_per_10min"},
}

func mustParse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("test.yaml", []byte(text), testNames)
	if err != nil {
		t.Fatalf("%v\nin:\n%s", err, text)
	}
	return s
}

func TestSchemaIsGolden(t *testing.T) {
	schema := Schema(testNames)
	if !bytes.Equal(schema, Schema(testNames)) {
		t.Error("two schemas differ")
	}
	golden(t, "schema.json", schema)
}

// The manual's table of keys is made from the table of keys.
func TestManualListsAllKeys(t *testing.T) {
	const head = "# Scenario keys\n\nMade from the declarations in `sim/scenario/table.go` by `make golden PKG=./sim/scenario`.\n" +
		"How files are written stands in [formats.md](formats.md). A source that says \"assumption\" is one:\n" +
		"sweep the key before relying on what depends on it.\n\n"
	golden(t, filepath.Join("..", "..", "..", "docs", "scenario-keys.md"), []byte(head+Markdown()))
}

func TestCanonicalFormIsGolden(t *testing.T) {
	golden(t, "canonical.yaml", mustParse(t, `
question: What does the canonical form look like?
destination:
  routers: [{kind: java, fast_tier: {size: 30}, overlap: 0.1}, {kind: i2pd}]
faults: [{kind: crash, router: 2, at: 6h}]
adversaries: [{name: poller, attacks: [distinct], horizons: [1h, 24h]}]
sweep: {destination.leases: [8, 16]}
`).Resolved())
}
