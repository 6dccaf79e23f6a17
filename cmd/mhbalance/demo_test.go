package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"multihome.i2p/cmd/mhbalance/demo"
	"multihome.i2p/internal/testnet"
)

// The demonstration on simulated routers: it ends by itself, the service survives,
// and what it leaves behind can be read.
func TestDemoFake(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, the demonstration is not played (40 s): -short")
	}
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out")
	began := time.Now()
	code, stdout, stderr := mhbalance("demo", "--fake", "--out", dir)
	if took := time.Since(began); took > 45*time.Second {
		t.Errorf("it took %v", took)
	}
	checkDemo(t, dir, code, stdout, stderr)
}

// The same on real routers, where that has been asked for: it takes five minutes.
func TestDemoReal(t *testing.T) {
	if os.Getenv(envReal) == "" {
		t.Skipf("SKIPPED, the demonstration is not played on real routers (5 minutes): set %s", envReal)
	}
	if !testnet.Inside(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := mhbalance("demo", "--out", dir)
	checkDemo(t, dir, code, stdout, stderr)
}

// envReal has tests play on real routers that take minutes.
const envReal = "MULTIHOME_LONG"

func checkDemo(t *testing.T, dir string, code int, stdout, stderr string) {
	t.Helper()
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	// Not that the router is back: the balancer tries less and less often, and may
	// find it only after the end.
	for _, want := range []string{
		"is killed: it has ", "the balancer has noticed, after ", "the LeaseSet no longer has leases of ",
		"is started again", "RTT median", "An observer of the netDb", "the same decisions",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the output lacks %q:\n%s", want, stdout)
		}
	}
	if m := regexp.MustCompile(`(?m)^all +([0-9]+) +([0-9]+) `).FindStringSubmatch(stdout); m == nil || len(m[1]) < 3 {
		t.Errorf("hardly any messages:\n%s", stdout)
	}
	if code, stdout, stderr := mhbalance("replay", filepath.Join(dir, demo.RecordFile)); code != 0 {
		t.Errorf("replay: exit code %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, _ := mhbalance("audit", filepath.Join(dir, demo.TraceFile)); code != 0 || !strings.Contains(stdout, "verdict: ") {
		t.Errorf("audit: exit code %d, %s", code, stdout)
	}
	svg, err := os.Open(filepath.Join(dir, demo.PlotFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = svg.Close() }()
	for d := xml.NewDecoder(svg); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the plot: %v", err)
		}
	}
}
