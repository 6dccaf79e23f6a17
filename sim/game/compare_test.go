package game

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

const policiesText = `
question: Which policy shows more gateways?
trials: 20
training: 20
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 5m, attacks: [distinct, lineage]}]
sweep: {destination.policy: [per-router, superset]}
`

func TestCompare(t *testing.T) {
	s := parse(t, policiesText)
	same := parse(t, strings.Replace(policiesText, "sweep:", "#", 1))
	cmp, err := Compare(context.Background(), []*scenario.Scenario{s, same}, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, c := range cmp.Contenders {
		labels = append(labels, c.Label)
	}
	if got := strings.Join(labels, "; "); got != "test, policy per-router; test, policy superset; test (2)" {
		t.Errorf("contenders %s", got)
	}
	// The first differs from nothing, and the last is the first again.
	if cmp.Contenders[0].Differences.Len() > 0 {
		t.Error("the first contender has differences")
	}
	for name, m := range cmp.Contenders[2].Differences.Metrics() {
		if m.Center != 0 {
			t.Errorf("the same system differs in %s by %v", name, m)
		}
	}
	// Differences are those of the centres, and pairing makes them the sharper.
	for _, name := range []string{"distinct_ibgw_total", "attack.distinct.auc", "attack.best.auc", "poller.attack.lineage.auc@1h"} {
		d, ok := cmp.Contenders[1].Differences.Metric(name)
		a, _ := cmp.Contenders[0].Cell.Metric(name)
		b, _ := cmp.Contenders[1].Cell.Metric(name)
		if !ok || !near(d.Center, b.Center-a.Center) || d.Lo > d.Center || d.Hi < d.Center {
			t.Errorf("%s: difference %v of %v and %v", name, d, b, a)
		}
	}
	if d, _ := cmp.Contenders[1].Differences.Metric("distinct_ibgw_total"); d.Lo <= 0 {
		t.Errorf("superset shows no more gateways: %v", d)
	}

	// The cells are those of a run, and its report can be rendered.
	whole := run(t, s, Options{Workers: 1})
	want, _ := whole.Summary.Cells[2].Metric("attack.best.auc")
	if got, _ := cmp.Contenders[1].Cell.Metric("attack.best.auc"); got != want {
		t.Errorf("best AUC %v, in a run %v", got, want)
	}
	res := cmp.Results("mhsim compare test.yaml", "unknown")
	if !strings.Contains(res.Figures.Text.Answer, " leaks least: AUC of the best attack ") {
		t.Errorf("answer %q", res.Figures.Text.Answer)
	}
	again, err := Compare(context.Background(), []*scenario.Scenario{s, same}, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytesOf(t, res), bytesOf(t, again.Results("mhsim compare test.yaml", "unknown"))) {
		t.Error("one worker and two give different results")
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

func TestCompareRefuses(t *testing.T) {
	one := parse(t, strings.Replace(policiesText, "sweep:", "#", 1))
	other := shipped(t, "null", "trials", "21")
	for _, c := range []struct {
		all  []*scenario.Scenario
		want string
	}{
		{[]*scenario.Scenario{one}, "has one cell"},
		{[]*scenario.Scenario{one, other}, "null has seed 140 and 21 trials"},
		{[]*scenario.Scenario{one, shipped(t, "seed-figures")}, "published figures"},
	} {
		_, err := Compare(context.Background(), c.all, Options{})
		var limit *LimitError
		if !errors.As(err, &limit) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}

// A comparison of worlds that nobody watches has prices only.
func TestCompareUnwatched(t *testing.T) {
	s := parse(t, strings.Replace(policiesText, "adversaries:", "#", 1))
	cmp, err := Compare(context.Background(), []*scenario.Scenario{s}, Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	res := cmp.Results("mhsim compare test.yaml", "unknown")
	if res.Figures.Text.Answer != "No adversary watched; see the metrics." {
		t.Errorf("answer %q", res.Figures.Text.Answer)
	}
	for name := range cmp.Contenders[1].Differences.Metrics() {
		if _, ok := result.ParseAttackMetric(name); ok {
			t.Errorf("metric %s", name)
		}
	}
}
