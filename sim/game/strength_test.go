package game

import (
	"encoding/csv"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record the strength of the suite anew")

// strengthWorlds are leaks of stated size: what the suite reached on them is on
// record.
var strengthWorlds = []struct{ name, text string }{
	{"per-router-4-java-1h", `
question: Four Java routers on the default policy?
trials: 60
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"per-router-2-java-3h", `
question: Two Java routers on the default policy?
trials: 60
duration: 3h
destination: {scheme: p140, routers: {count: 2}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"per-router-2-i2pd-1h", `
question: Two i2pd routers on the default policy?
trials: 60
duration: 1h
destination: {scheme: p140, routers: {count: 2, kind: i2pd}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"skew-1s-3h", `
question: A clock that is a second ahead?
trials: 60
duration: 3h
destination: {scheme: p140, routers: [{clock_skew: 0s}, {clock_skew: 1s}], policy: per-router}
adversaries: [{name: poller, every: 1m}]
reference: {scheme: p140, routers: [{clock_skew: 0s}, {clock_skew: 0s}], policy: per-router}
`},
	{"outage-3h", `
question: A router of four that is down for twenty minutes?
trials: 60
duration: 3h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
reference: {scheme: p140, routers: {count: 3}, policy: per-router}
faults: [{kind: crash, router: 4, at: 1h, for: 20m}]
`},
}

// TestSuiteKeepsItsStrength holds every attack to what it reached when
// testdata/strength.csv was recorded: a suite that has become weaker would pass
// policies that it used to find. The trials are the same each time, so that an AUC
// below the interval on record is a change of the code and no chance.
func TestSuiteKeepsItsStrength(t *testing.T) {
	const file = "testdata/strength.csv"
	rows := [][]string{{"world", "attack", "auc", "lo", "hi"}}
	now := map[string]float64{}
	for _, w := range strengthWorlds {
		res := run(t, parse(t, w.text), Options{Workers: 2})
		for _, a := range netdbAttacks() {
			m, ok := res.Summary.Cells[0].Metric("attack." + a + ".auc")
			if !ok {
				continue
			}
			now[w.name+" "+a] = m.Center
			if m.Lo <= 0.5 {
				continue // no strength of its
			}
			number := func(x float64) string { return strconv.FormatFloat(x, 'f', 3, 64) }
			rows = append(rows, []string{w.name, a, number(m.Center), number(m.Lo), number(m.Hi)})
		}
	}
	if *update {
		var b strings.Builder
		if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records[1:] {
		lo, err := strconv.ParseFloat(r[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		auc, ok := now[r[0]+" "+r[1]]
		if !ok {
			t.Errorf("%s: attack %s is gone; on record are %s", r[0], r[1], r[2])
		} else if auc < lo-0.0005 {
			t.Errorf("%s: attack %s reaches an AUC of %.3f; on record are %s [%s, %s]", r[0], r[1], auc, r[2], r[3], r[4])
		}
	}
}
