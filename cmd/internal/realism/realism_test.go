package realism

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"multihome.i2p/internal/testnet"
)

func TestMain(m *testing.M) {
	testnet.Main()
	os.Exit(m.Run())
}

var (
	recordTo = flag.String("record", "", "record a private network of i2pd into this file (of the program that MULTIHOME_I2PD names)")
	span     = flag.Duration("span", 45*time.Minute, "how long to record")
	polling  = flag.Duration("poll", time.Minute, "how often to ask the floodfills' consoles; 0 for never")
	nodes    = flag.Int("routers", 48, "routers of the network")
)

// TestRecord makes a recording, for as long as it is told to.
func TestRecord(t *testing.T) {
	if *recordTo == "" {
		t.Skip("SKIPPED, nothing is recorded: no -record")
	}
	if !testnet.Inside(t) {
		return
	}
	w := World{Nodes: *nodes, Floodfills: 8, Destinations: 3 * (*nodes - 8), Hops: 3, Leases: 16, Outbound: 2}
	n := testnet.StartTest(t, testnet.Options{Routers: w.Nodes, Floodfills: w.Floodfills})
	f, err := os.Create(*recordTo)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Clean(*recordTo) + ".log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	opt := RecordOptions{World: w, For: *span, Every: *polling, Opening: 3 * time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = Record(ctx, n, opt, f, func(format string, args ...any) {
		logf(log, format, args...)
	})
	if err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func logf(f *os.File, format string, args ...any) {
	_, _ = fmt.Fprintf(f, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

var (
	raw   = flag.String("raw", "", "compare the simulator with this raw recording")
	write = flag.String("write", "", "write the raw recording down in short, as testdata has it, into this file")
)

// TestRaw compares the simulator with a recording that is not committed.
func TestRaw(t *testing.T) {
	if *raw == "" {
		t.Skip("SKIPPED, no recording is compared: no -raw")
	}
	f, err := os.Open(*raw)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rec, err := ReadRaw(f)
	if err != nil {
		t.Fatal(err)
	}
	if *write != "" {
		f, err := os.Create(*write)
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.Write(f); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, from := range []time.Duration{0, 10 * time.Minute} {
		compare(t, rec, from, 600)
	}
}

// compare prints how far a recording and the simulator can be told apart.
func compare(t *testing.T, rec *Recording, from time.Duration, trials int) *Comparison {
	t.Helper()
	w := rec.Window(from, time.Minute)
	genuine, err := rec.Real(w)
	if err != nil {
		t.Fatal(err)
	}
	simulated, err := rec.Simulated(w, 140, trials)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(genuine, simulated)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	t.Logf("i2pd %s, from %v to %v after the session was opened\n%s", rec.I2pd, w.From, w.Until, &b)
	return c
}

// TestRealism holds the simulated i2pd to the real one: the recordings in testdata
// are of private networks of 48 unmodified routers (make live-realism), and no
// attack may tell them from the simulator better than it could when docs/model.md
// was written. The bounds are near the upper ends of the 95 % intervals there; with
// rounds of 12 s and clients that sign at once, distinct had 0.82 and 0.87.
func TestRealism(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, the simulator is not compared with the recordings (seconds): -short")
	}
	bounds := map[string]float64{
		"balance": 0.76, "cadence": 0.92, "cluster": 0.84, "cofail": 0.85, "combined": 0.96, "distinct": 0.79,
		"lineage": 0.88, "open-population": 0.62, "order": 0.86, "phase": 0.89, "richness": 0.74, "skew": 0.87,
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.jsonl.gz"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, name := range files {
		rec := read(t, name)
		if n := len(rec.Dests); n < 100 {
			t.Errorf("%s: %d Destinations", name, n)
		}
		c := compare(t, rec, 0, 200)
		for _, v := range c.Attacks {
			if bound, ok := bounds[v.Name]; !ok || v.AUC.Center > bound {
				t.Errorf("%s: %s tells real from simulated with AUC %v, want at most %v", name, v.Name, v.AUC, bound)
			}
		}
	}
}

func read(t *testing.T, name string) *Recording {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rec, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestComparison: simulated trials are not told from others of the same world, and
// are from those of another one.
func TestComparison(t *testing.T) {
	rec := read(t, filepath.Join("testdata", "i2pd-2.58.0.jsonl.gz"))
	w := rec.Window(0, time.Minute)
	one, err := rec.Simulated(w, 1, 120)
	if err != nil {
		t.Fatal(err)
	}
	for i := range one {
		one[i].Router = i / 3 // as if three shared a router
	}
	same, err := rec.Simulated(w, 2, 200)
	if err != nil {
		t.Fatal(err)
	}
	rec.World.Nodes = 24
	other, err := rec.Simulated(w, 3, 200)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		trials []Trial
		lo, hi float64
	}{{same, 0.38, 0.62}, {other, 0.65, 1}} {
		c, err := Compare(one, test.trials)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range c.Attacks {
			// Half the width of the first is three standard errors.
			counts := v.Name == "distinct" || v.Name == "richness" // a smaller network has fewer gateways
			if (counts || test.hi < 1) && (v.AUC.Center < test.lo || v.AUC.Center > test.hi) {
				t.Errorf("%s: AUC %v, want %v to %v", v.Name, v.AUC, test.lo, test.hi)
			}
		}
	}
}
