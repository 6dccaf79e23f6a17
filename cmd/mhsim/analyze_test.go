package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hour is a scenario whose traces are just long enough to compare.
const hour = `question: Do two routers differ from one within an hour?
trials: 1
duration: 1h
destination: {scheme: p140, leases: 2, routers: {count: 2}}
adversaries:
  - {name: poller, vantage: netdb, every: 1m, attacks: [distinct]}
`

// hourTrace simulates a trace to compare.
func hourTrace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "hour.yaml")
	if err := os.WriteFile(file, []byte(hour), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := mhsim("run", file, "--traces", "--out", filepath.Join(dir, "out")); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	return filepath.Join(dir, "out", "traces", "policy", "0.poller.jsonl.gz")
}

// A comparison is what its schema says.
func TestComparisonFollowsItsSchema(t *testing.T) {
	code, stdout, stderr := mhsim("analyze", "--json", hourTrace(t))
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	s := compile(t, "analysis")
	if err := validate(s, []byte(stdout)); err != nil {
		t.Errorf("%v in:\n%s", err, stdout)
	}
	if !strings.Contains(stdout, `"single_told"`) {
		t.Errorf("no reference in:\n%s", stdout)
	}
	for _, key := range []string{"reference", "single_told", "kinds", "jolly_seber"} {
		if err := validate(s, []byte(strings.Replace(stdout, `"`+key+`"`, `"other"`, 1))); err == nil {
			t.Errorf("the schema takes an analysis without %s", key)
		}
	}
}

// An interrupt stops the simulation of a reference, and nothing is printed.
func TestInterruptedAnalysis(t *testing.T) {
	file := hourTrace(t)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	i := interruptAfter(5)
	if code := i.run([]string{"analyze", file}); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	want := "mhsim: stopping; a second interrupt exits at once\n" +
		"mhsim: stopped before the reference was simulated; --no-reference leaves it out\nmhsim analyze "
	if stderr := i.stderr.String(); !strings.HasPrefix(stderr, want) || i.stdout.Len() > 0 {
		t.Errorf("standard output %q, standard error %q", i.stdout.String(), stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "multihome", "*")); len(left) > 0 {
		t.Errorf("%q are left behind", left)
	}
}
