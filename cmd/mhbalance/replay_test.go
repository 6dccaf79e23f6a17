package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/live/ping"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/testnet"
)

// testdata/i2pd.replay is what a balancer was told by four i2pd routers, one of
// which was killed and started again, and what it decided. A change of the core
// that decides otherwise needs a new one:
//
//	make record
var record = flag.Bool("record", false, "record testdata/i2pd.replay anew, on real routers (3 minutes)")

const recorded = "testdata/i2pd.replay"

func readRecorded(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What was recorded from real routers replays byte for byte; any byte that is
// flipped shows.
func TestReplay(t *testing.T) {
	log := readRecorded(t)
	t.Chdir(t.TempDir())
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile("log", b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(log)
	code, stdout, stderr := mhbalance("replay", "log")
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "log: ") || !strings.HasSuffix(stdout, " records, the same decisions\n") {
		t.Fatalf("exit code %d, %s%s\nif the core decides otherwise on purpose: make record", code, stdout, stderr)
	}
	t.Log(stdout)
	for _, at := range []int{0, 3, 10, 100, len(log) / 3, len(log) / 2, len(log) - 33, len(log) - 1} {
		b := bytes.Clone(log)
		b[at] ^= 1
		write(b)
		if code, stdout, stderr := mhbalance("replay", "log"); code == 0 || stderr == "" {
			t.Errorf("byte %d flipped: exit code %d, %s%s", at, code, stdout, stderr)
		}
	}
	// Altered in the middle: a failure, and where.
	b := bytes.Clone(log)
	b[len(b)/2] ^= 1
	write(b)
	code, stdout, stderr = mhbalance("replay", "log")
	if code != exitFailure || !strings.Contains(stdout, ", then they part") || !strings.Contains(stderr, "mhbalance: log: record ") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	write(log[:len(log)-10])
	if code, _, stderr := mhbalance("replay", "log"); code != exitFailure || !strings.Contains(stderr, "cut off") {
		t.Errorf("cut off: exit code %d, %s", code, stderr)
	}
}

// TestRecord records the log of TestReplay.
func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("SKIPPED, nothing is recorded: no -record")
	}
	if !testnet.Inside(t) {
		return
	}
	n := testnet.StartTest(t, testnet.Options{Routers: 16})
	carriers := n.Routers()[3:7]
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	cfg := live.Config{
		State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Destinations: []live.Destination{{
			Name: "echo", Keys: keys, Leases: 12, Policy: live.Policy{Name: "natural-i2pd", Bundle: "pinned", Rotate: true},
			Target: "echo", Hops: 1, Record: log,
		}},
	}
	for _, r := range carriers {
		cfg.Routers = append(cfg.Routers, live.Router{Name: r.Name(), Address: r.I2CP(), Weight: 1})
	}
	s, err := live.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	wait := func(d time.Duration) {
		t.Helper()
		select {
		case err := <-ended:
			t.Fatalf("the balancer has ended: %v", err)
		case <-time.After(d):
		}
	}
	clients, stop := context.WithCancel(ctx)
	defer stop()
	go pingThrough(clients, t, n.Routers()[7].I2CP(), keys.Destination)
	go pingThrough(clients, t, n.Routers()[8].I2CP(), keys.Destination)
	wait(50 * time.Second)
	if err := carriers[1].Kill(); err != nil {
		t.Fatal(err)
	}
	wait(40 * time.Second)
	if err := carriers[1].Restart(ctx); err != nil {
		t.Fatal(err)
	}
	wait(40 * time.Second)
	stop()
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := live.Replay(bytes.NewReader(b), nil); err != nil {
		t.Fatalf("it does not replay: %d records, %v", n, err)
	}
	if err := os.WriteFile(recorded, b, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d bytes", recorded, len(b))
}

// pingThrough is a client, so that there are clients to keep and to take over.
func pingThrough(ctx context.Context, t *testing.T, router string, to wire.Destination) {
	err := ping.Run(ctx, ping.Config{Router: router, To: to, Every: time.Second, Timeout: 10 * time.Second, Done: func(ping.Result) {}})
	if err != nil && ctx.Err() == nil {
		t.Logf("client at %s: %v", router, err)
	}
}
