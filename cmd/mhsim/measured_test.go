package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"multihome.i2p/balancer/policy"
	"multihome.i2p/scenarios"
)

// The figures that come with the program are of every policy that hides something, from
// scenarios that ship, and say which commit made them; they are read as they were
// written.
func TestShippedFigures(t *testing.T) {
	list, err := shippedFigures()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := writeMeasured(&text, list); err != nil {
		t.Fatal(err)
	}
	if text.String() != measuredCSV {
		t.Error("policies.csv is not as it is written; run make price")
	}
	for _, name := range policy.Names() {
		if name == "single" {
			continue // the control: nobody chooses it to hide anything
		}
		for _, from := range []string{"price", "price-faults"} {
			i := slices.IndexFunc(list, func(m measured) bool { return m.policy == name && m.scenario == from })
			if i < 0 {
				t.Errorf("no figures of %s in %s; run make price", name, from)
				continue
			}
			has := func(f measuredFigure) bool { return f.metric == told && f.value.HasInterval() && f.value.N > 0 }
			if !slices.ContainsFunc(list[i].figures, has) {
				t.Errorf("%s in %s: nothing says how well it is told", name, from)
			}
		}
	}
	for _, m := range list {
		if _, ok := scenarios.Get(m.scenario); !ok || !exactly(m.commit) || !strings.HasPrefix(m.command, "mhsim run "+m.scenario) {
			t.Errorf("%s: commit %q, command %q", m.scenario, m.commit, m.command)
		}
	}
}

// mhsim policies prints them.
func TestPolicies(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(&stdout, &stderr, []string{"policies"}); code != 0 || stderr.Len() > 0 {
		t.Fatalf("exit code %d, %s", code, stderr.String())
	}
	golden(t, "policies.golden.txt", stdout.Bytes())
}

// Figures of other results take their place, and go to a file and back.
func TestPoliciesFrom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	var stdout, stderr bytes.Buffer
	tool := func(args ...string) string {
		t.Helper()
		stdout.Reset()
		if code := run(&stdout, &stderr, args); code != 0 {
			t.Fatalf("%q: exit code %d, %s", args, code, stderr.String())
		}
		return stdout.String()
	}
	tool("run", "four-routers", "--trials", "2", "--duration", "1h", "--out", dir)
	text := tool("policies", "--from", dir)
	for _, want := range []string{"\n    found four-routers: told from one router with AUC ", "2 trials of each arm"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "found price") {
		t.Error("other figures are printed too")
	}
	list, err := readMeasured(strings.NewReader(tool("policies", "--from", dir, "--csv")))
	if err != nil {
		t.Fatal(err)
	}
	again, err := measuredIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(again) || len(list) != 1 {
		t.Fatalf("%d rows, %d read", len(again), len(list))
	}
	for i := range list {
		if list[i].variant != again[i].variant || len(list[i].figures) != len(again[i].figures) ||
			!reflect.DeepEqual(list[i].figures[0].value.N, again[i].figures[0].value.N) {
			t.Errorf("wrote %+v, read %+v", again[i], list[i])
		}
	}
	if err := os.Remove(filepath.Join(dir, "summary.json")); err != nil {
		t.Fatal(err)
	}
	if code := run(&stdout, &stderr, []string{"policies", "--from", dir}); code != 2 {
		t.Errorf("exit code %d without results, want 2", code)
	}
}
