package game

import (
	"strings"
	"testing"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim"
)

// TestVariants: the schemes are set side by side, and a Meta LeaseSet is found to tell
// how many routers are up.
func TestVariants(t *testing.T) {
	s := parse(t, `
question: which?
trials: 12
training: 2
duration: 40m
warmup: 40m
destination: {leases_per_router: 2, policy: per-router}
adversaries: [{name: poller, every: 10m, attacks: [meta]}]
reference: {scheme: single, leases: 2, leases_per_router: off, routers: {count: 1}}
variants:
  - {name: independent, set: {destination.scheme: independent}}
  - {name: meta, set: {destination.scheme: meta}}
  - {name: both, set: {destination.scheme: p140-meta, destination.meta.routers_per_sub: 3}}
sweep: {destination.routers.count: [3, 6]}
`)
	res := run(t, s, Options{Workers: 2})
	text := &res.Figures.Text
	if n := len(text.Table.Rows); n != 7 || text.Table.Rows[3][0] != "meta, 6 routers" {
		t.Errorf("%d rows: %v", n, text.Table.Rows)
	}
	if row := text.Table.Rows[6]; row[0] != "reference, 1 stock Java router" || len(row) != len(text.Table.Columns) {
		t.Errorf("the last row is %v", row)
	}
	if row := text.Table.Rows[3]; !strings.HasPrefix(row[len(row)-1], "1 [") {
		t.Errorf("routers counted right: %v", row)
	}
	for _, want := range []string{"With 6 routers: ", "meta tells everybody which routers are up (6", "told from 1 stock Java router: meta, both"} {
		if !strings.Contains(text.Answer, want) {
			t.Errorf("the answer %q lacks %q", text.Answer, want)
		}
	}
	if !strings.Contains(text.AnswerDetail, "With 3 routers: publishes in ten minutes from ") {
		t.Errorf("the detail %q does not compare publishes", text.AnswerDetail)
	}
	for _, f := range res.Figures.Figures {
		if f.ID == "sweep-leaseset-publishes-per-10min" {
			var labels []string
			for _, s := range f.Series {
				labels = append(labels, s.Label)
			}
			if want := "independent reference meta both"; strings.Join(labels, " ") != want {
				t.Errorf("series %q, want %s", labels, want)
			}
		}
	}
	// Cells: policy and reference in turn.
	for cell, want := range map[int]float64{4: 3, 6: 6, 8: 1, 10: 2} {
		if m := metric(t, res, cell, "subs_revealed"); m.Center < want-.1 || m.Center > want+.1 {
			t.Errorf("cell %d: %g sub-Destinations shown, want %g", cell, m.Center, want)
		}
	}
	if m := metric(t, res, 6, "attack.meta.count_accuracy"); m.Center != 1 {
		t.Errorf("6 routers counted right with %+v", m)
	}
	if m := metric(t, res, 4, "attack.meta.auc"); m.Center != 1 {
		t.Errorf("AUC %+v", m)
	}
	if _, ok := res.Summary.Cells[0].Metric("subs_revealed"); ok {
		t.Error("scheme independent has a Meta LeaseSet")
	}
}

func TestLeasesAtMost(t *testing.T) {
	w := &sim.Config{Network: sim.Network{LeaseSetLimit: 16384}}
	for scheme, want := range map[sim.Scheme]string{
		sim.SchemeP140: "16", sim.SchemeMeta: "255 × 16 a level", sim.SchemeLargeLeaseSet: "397",
	} {
		w.Destination.Scheme = scheme
		if got := leasesAtMost(w); got != want {
			t.Errorf("%s: %s, want %s", scheme, got, want)
		}
	}
}

func TestBrief(t *testing.T) {
	m := result.Exact(12345.6, 3, "B")
	if got := brief(m); got != "12346" {
		t.Errorf("%+v is %q", m, got)
	}
	m.Center, m.Lo, m.Hi = 0.12345, 0.1, 0.2
	if got := brief(m); got != "0.123 [0.1, 0.2]" {
		t.Errorf("%+v is %q", m, got)
	}
}

// TestManyRouters: a game over more routers than any attack considers is drawn, too.
func TestManyRouters(t *testing.T) {
	s := parse(t, `
question: which?
trials: 2
training: 2
duration: 20m
warmup: 20m
destination: {scheme: p140, leases: 4, policy: per-router}
adversaries: [{name: poller, every: 5m, attacks: [posterior]}]
sweep: {destination.routers.count: [2, 20]}
`)
	if res := run(t, s, Options{Workers: 2}); len(res.Summary.Cells) != 4 {
		t.Errorf("%d cells", len(res.Summary.Cells))
	}
}
