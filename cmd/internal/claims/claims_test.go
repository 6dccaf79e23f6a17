package claims

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/scenarios"
	"multihome.i2p/sim"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

var update = flag.Bool("update", false, "write the golden files; read the diff before you commit it")

func names() scenario.Names {
	return scenario.Names{Attacks: attack.Names(), Policies: policy.Names(), Files: shippedFiles{}}
}

// shippedFiles are the policies in Starlark that ship.
type shippedFiles struct{}

func (shippedFiles) Read(_, file string) ([]byte, error) {
	if text, ok := starlark.Source(file); ok {
		return text, nil
	}
	return nil, errors.New("it does not ship")
}

func (shippedFiles) Load(file string, source []byte) (sim.PolicyMaker, error) {
	return starlark.Load(file, source)
}

// Every claim that ships has a scenario that is asked for metrics it has.
func TestShipped(t *testing.T) {
	list := Shipped()
	if len(list) < 25 {
		t.Errorf("%d claims", len(list))
	}
	played := map[string]bool{}
	for i := range list {
		c := &list[i]
		if c.Pending != "" {
			continue
		}
		played[c.Scenario] = true
		s, err := load(c.Scenario, Options{Names: names()})
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		var opt game.CheckOptions
		for _, b := range append(slices.Clone(c.Limits), c.Differences...) {
			opt.Limits = append(opt.Limits, b.limit())
		}
		if err := opt.Fits(s); err != nil {
			t.Errorf("%s: %v", c.ID, err)
		}
		if c.Against != "" {
			if o, err := load(c.Against, Options{Names: names()}); err != nil || o.Seed != s.Seed || o.Trials != s.Trials {
				t.Errorf("%s: scenarios %s and %s do not compare: %v", c.ID, c.Against, c.Scenario, err)
			}
		} else if len(c.Differences) > 0 && len(s.Cells()) < 2 {
			t.Errorf("%s: scenario %s has one cell", c.ID, c.Scenario)
		}
	}
	files, err := os.ReadDir("../../../scenarios/claims")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), ".yaml"); name != "claims" && !played[name] {
			t.Errorf("no claim needs scenario %s", name)
		}
	}
	if _, ok := scenarios.Get("claim-claims"); ok {
		t.Error("the list of claims passes for a scenario")
	}
}

// docs/claims.md speaks of the claims that ship, in their order.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../../docs/claims.md")
	if err != nil {
		t.Fatal(err)
	}
	rest := string(text)
	for _, c := range Shipped() {
		_, after, ok := strings.Cut(rest, "\n### "+c.ID+"\n\n> "+c.Quote+"\n")
		if !ok {
			t.Errorf("docs/claims.md lacks claim %s, or has it elsewhere: mhsim claims --out docs/claims.md writes it", c.ID)
			continue
		}
		rest = after
	}
}

func TestParseRefuses(t *testing.T) {
	const good = `- {id: a, proposal: 140, section: s, quote: q, reading: r, scenario: x, limits: [{metric: m, at_most: 1}]}`
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, replacement, want string }{
		{"id: a", "id: A", "other characters"},
		{"140", "141", "neither 140 nor 123"},
		{"quote: q", "quote: ''", "quote is missing"},
		{"reading: r, ", "", "reading is missing"},
		{"section", "chapter", "chapter not found"},
		{"at_most: 1", "at_most: 1, at_least: 0", "at_most or at_least"},
		{"limits: [{metric: m, at_most: 1}]", "note: n", "needs limits, or differences"},
		{"reading: r", "reading: r, against: y", "has no differences"},
		{"reading: r", "pending: p", "is pending and has a scenario"},
		{good, good + "\n" + good, "two claims"},
	} {
		_, err := Parse([]byte(strings.Replace(good, c.old, c.replacement, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in place of %s: error %v, want one with %q", c.replacement, c.old, err, c.want)
		}
	}
}

func TestDecide(t *testing.T) {
	x := func(f float64) *float64 { return &f }
	limit := func(metric string, most float64) []Bound { return []Bound{{Metric: metric, AtMost: x(most)}} }
	for _, c := range []struct {
		claim Claim
		want  Word
	}{
		{Claim{Scenario: "most-leases", Limits: limit("leases_per_leaseset", 17)}, Holds},
		{Claim{Scenario: "most-leases", Limits: limit("leases_per_leaseset", 8)}, Fails},
		{Claim{Scenario: "most-leases", Limits: limit("leases_per_leaseset", 15.995)}, Undecided},
		{Claim{Scenario: "routers-as-ever", Differences: limit("ibgw_candidates", 20)}, Holds},
		{Claim{Scenario: "routers-as-ever", Differences: limit("ibgw_candidates", -20)}, Fails},
		{Claim{Scenario: "churning-tiers-gateways", Against: "largest-tiers-gateways", Differences: limit("leases_per_leaseset", 1)}, Holds},
		{Claim{Pending: "Nothing decides it."}, NotSimulated},
	} {
		c.claim.ID = fmt.Sprint(c.claim.Scenario, c.want)
		v, err := Decide(context.Background(), &c.claim, Options{Names: names(), Quick: true, Workers: 2})
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Word != c.want {
			t.Errorf("%s: %s, want %s: %v", c.claim.ID, v.Word, c.want, v.Found)
		}
	}
	_, err := Decide(context.Background(), &Claim{Scenario: "most-leases", Limits: limit("nothing", 1)}, Options{Names: names()})
	if err == nil {
		t.Error("no error for an unknown metric")
	}
}

// The document keeps its form.
func TestMarkdown(t *testing.T) {
	list := Shipped()[:3]
	all := []*Verdict{
		{Claim: &list[0], Word: Fails, Trials: 10, Found: []Found{{
			Bound: list[0].Limits[0].limit(), Kept: game.Fail,
			Got: result.Metric{Center: 705.3, Lo: 681.9, Hi: 727.2, Confidence: 0.95, N: 10, Unit: "1/10min"},
		}}},
		{Claim: &list[1], Word: Undecided, Trials: 10, Why: "About 30 more trials would decide it.", Found: []Found{{
			Bound: list[1].Limits[0].limit(), By: "combined of poller at 1h", At: "count 4",
			Got: result.Metric{Center: 2.41, Lo: 2.2, Hi: 2.62, Confidence: 0.95, N: 20, Unit: "1"},
		}}},
		{Claim: &list[2], Word: NotSimulated, Why: list[2].Pending},
	}
	text := Markdown(all, "mhsim claims --out docs/claims.md")
	const file = "testdata/claims.golden.md"
	if *update {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s differs; got:\n%s", file, text)
	}
}
