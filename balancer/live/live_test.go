package live_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/live/ping"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/testnet"
	"multihome.i2p/sim/fleet"
)

// The tests here wait for routers, not for processors.
func TestMain(m *testing.M) {
	testnet.Main()
	stubsMain()
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// slow skips a test that waits for minutes.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, not run over simulated routers in real time: -short")
	}
}

// routers are simulated routers in real time, and their addresses.
type routers struct {
	*fleet.Fleet
	addresses []string
}

func newFleet(t *testing.T, cfg fleet.Config) *routers {
	t.Helper()
	cfg.Seed, cfg.World = 1, fleet.DefaultWorld()
	f, err := fleet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &routers{Fleet: f}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, one := range f.Routers() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		r.addresses = append(r.addresses, l.Addr().String())
		wg.Go(func() { _ = one.Listen(ctx, l) })
	}
	t.Cleanup(func() {
		cancel()
		f.Close()
		wg.Wait()
	})
	return r
}

// config serves one Destination on n routers of r.
func config(t *testing.T, r *routers, n int, policy live.Policy) live.Config {
	t.Helper()
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := live.Config{
		State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(&testWriter{t: t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Destinations: []live.Destination{{
			Name: "echo", Keys: keys, Leases: 12, Policy: policy, Target: "echo", Hops: 2,
			Trace: filepath.Join(dir, "trace.jsonl"), Record: filepath.Join(dir, "log"),
		}},
	}
	for i := range n {
		cfg.Routers = append(cfg.Routers, live.Router{Name: string(rune('a' + i)), Address: r.addresses[i], Weight: 1})
	}
	return cfg
}

// testWriter shows what is logged with the test that it belongs to.
type testWriter struct {
	t    *testing.T
	mu   sync.Mutex
	done bool
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// run runs a service until the test ends, or stop is called.
func run(t *testing.T, cfg live.Config) (s *live.Service, stop func()) {
	t.Helper()
	s, err := live.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return s, stop
}

// until waits for something that happens.
func until(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

// share counts the leases of each router.
func share(s *live.Service) map[string]int {
	n := map[string]int{}
	for _, l := range s.Status().Destinations[0].Leases {
		n[l.Router]++
	}
	return n
}

func shared(s *live.Service, want map[string]int) func() bool {
	return func() bool { return maps.Equal(share(s), want) }
}

func state(s *live.Service, name string) live.RouterStatus {
	for _, r := range s.Status().Routers {
		if r.Name == name {
			return r
		}
	}
	return live.RouterStatus{}
}

func replay(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n, err := live.Replay(bytes.NewReader(b), nil)
	if err != nil || n < 20 {
		t.Errorf("replay of %s: %d records, %v", path, n, err)
	}
	for _, at := range []int{4, 60, len(b) / 2, len(b) - 40, len(b) - 1} {
		b[at] ^= 1
		var re *live.ReplayError
		if _, err := live.Replay(bytes.NewReader(b), nil); !errors.As(err, &re) {
			t.Errorf("byte %d flipped: %v, want a *ReplayError", at, err)
		}
		b[at] ^= 1
	}
	if _, err := live.Replay(bytes.NewReader(b[:len(b)-10]), nil); err == nil {
		t.Error("a log that was cut replays")
	}
}

// Four routers with the extension: one LeaseSet over all of them; one dies, the
// others fill in; it comes back, and is used again; a restart takes the tunnels
// up again, with a newer `published`.
func TestManagedRouters(t *testing.T) {
	slow(t)
	t.Parallel()
	f := newFleet(t, fleet.Config{Routers: 4})
	cfg := config(t, f, 4, live.Policy{Name: "per-router"})
	s, stop := run(t, cfg)
	full := map[string]int{"a": 3, "b": 3, "c": 3, "d": 3}
	until(t, 2*time.Minute, "12 leases of four routers", shared(s, full))
	until(t, 3*time.Minute, "an ack", func() bool {
		d := s.Status().Destinations[0]
		return d.Confirmed == d.Published
	})
	before := s.Status().Destinations[0].Published
	if caps := state(s, "a").Capabilities; len(caps) < 5 {
		t.Errorf("capabilities %v", caps)
	}

	stop()
	replay(t, cfg.Destinations[0].Record)
	s, stop = run(t, cfg)
	until(t, 2*time.Minute, "the same leases after a restart", shared(s, full))
	if after := s.Status().Destinations[0].Published; after <= before {
		t.Errorf("published %d after a restart, %d before", after, before)
	}

	f.Routers()[1].Kill()
	until(t, 3*time.Minute, "router b down", func() bool { return state(s, "b").State == "down" })
	until(t, 3*time.Minute, "its leases replaced", func() bool {
		n := share(s)
		return n["b"] == 0 && n["a"]+n["c"]+n["d"] == 12
	})
	if err := f.Routers()[1].Revive(); err != nil {
		t.Fatal(err)
	}
	until(t, 3*time.Minute, "router b used again", func() bool { return share(s)["b"] > 0 })
	stop()
	replay(t, cfg.Destinations[0].Record+".2")
	checkTrace(t, cfg.Destinations[0])
}

func checkTrace(t *testing.T, d live.Destination) {
	t.Helper()
	f, err := os.Open(d.Trace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := trace.NewReader(f, d.Trace)
	if err != nil {
		t.Fatal(err)
	}
	var rec trace.Record
	last := int64(0)
	n := 0
	for {
		if err := r.Next(&rec); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		n++
		if rec.Published <= last && n > 1 {
			t.Errorf("published %d after %d", rec.Published, last)
		}
		last = rec.Published
		for i := 1; i < len(rec.Leases); i++ {
			if rec.Leases[i].EndMs > rec.Leases[i-1].EndMs {
				t.Errorf("version %d: a lease ends later than the one before it", rec.Published)
			}
		}
	}
	if n < 2 {
		t.Errorf("a trace of %d LeaseSets", n)
	}
}

// Stock routers of either version: the LeaseSet is merged from what they ask
// for, published by one, verified by a lookup, and clients get their answers.
func TestStockRouters(t *testing.T) {
	slow(t)
	t.Parallel()
	for _, version := range []fleet.StockVersion{fleet.Stock245, fleet.Stock258} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, fleet.Config{Routers: 6, Stock: true, StockVersion: version})
			cfg := config(t, f, 4, live.Policy{Name: "natural-i2pd", Bundle: "pinned"})
			cfg.Destinations[0].Leases = 8
			s, stop := run(t, cfg)
			until(t, 3*time.Minute, "8 leases of four routers", shared(s, map[string]int{"a": 2, "b": 2, "c": 2, "d": 2}))
			until(t, 2*time.Minute, "a verification", func() bool { return s.Status().Destinations[0].Confirmed > 0 })
			pings(t, cfg.Destinations[0].Keys.Destination, f.addresses[4:], 10, 0)
			f.Routers()[2].Freeze()
			until(t, 20*time.Second, "the frozen router noticed", func() bool { return state(s, "c").State == "down" })
			until(t, 3*time.Minute, "its leases gone", func() bool { return share(s)["c"] == 0 })
			if err := f.Routers()[2].Revive(); err != nil {
				t.Fatal(err)
			}
			until(t, 3*time.Minute, "its leases back", func() bool { return share(s)["c"] > 0 })
			f.Routers()[0].Kill()
			until(t, 2*time.Minute, "another publisher", func() bool {
				p := s.Status().Destinations[0].Publisher
				return p != "a" && share(s)["a"] == 0
			})
			stop()
			replay(t, cfg.Destinations[0].Record)
			checkTrace(t, cfg.Destinations[0])
		})
	}
}

// pings sends n datagrams through each router, of which at most lost may get
// lost.
func pings(t *testing.T, to wire.Destination, through []string, n, lost int) {
	t.Helper()
	var wg sync.WaitGroup
	for _, address := range through {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
			defer cancel()
			answered, missing := 0, 0
			err := ping.Run(ctx, ping.Config{Router: address, To: to, Every: 200 * time.Millisecond, Timeout: 10 * time.Second, Done: func(r ping.Result) {
				if r.RTT > 0 {
					answered++
				} else {
					missing++
				}
				if answered+missing == n {
					cancel()
				}
			}})
			if err != nil || answered < n-lost {
				t.Errorf("%s: %d of %d answered: %v", address, answered, answered+missing, err)
			}
		})
	}
	wg.Wait()
}

// Mistakes of an operator are told, and do not keep the rest from working.
func TestTheSameRouterTwice(t *testing.T) {
	slow(t)
	t.Parallel()
	f := newFleet(t, fleet.Config{Routers: 2})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = f.Routers()[0].Listen(t.Context(), l) }()
	f.addresses = append(f.addresses, l.Addr().String())
	s, _ := run(t, config(t, f, 3, live.Policy{Name: "per-router"}))
	until(t, time.Minute, "the problem", func() bool {
		return strings.Contains(state(s, "a").Problem+state(s, "c").Problem, "same router")
	})
	until(t, 2*time.Minute, "leases of two routers", func() bool { return len(share(s)) == 2 })
}

func TestReload(t *testing.T) {
	slow(t)
	t.Parallel()
	f := newFleet(t, fleet.Config{Routers: 3, Stock: true, StockVersion: fleet.Stock245})
	cfg := config(t, f, 2, live.Policy{Name: "natural-i2pd"})
	cfg.Destinations[0].Leases = 4
	s, stop := run(t, cfg)
	until(t, 2*time.Minute, "4 leases of two routers", shared(s, map[string]int{"a": 2, "b": 2}))
	since := state(s, "a").Since
	more := cfg
	more.Routers = append([]live.Router{}, cfg.Routers...)
	more.Routers = append(more.Routers, live.Router{Name: "c", Address: f.addresses[2], Weight: 1})
	more.Routers = more.Routers[:3:3]
	more.Routers = append(more.Routers[:1:1], more.Routers[2])
	if err := s.Reload(more); err != nil {
		t.Fatal(err)
	}
	until(t, 2*time.Minute, "c in the place of b", func() bool {
		n := share(s)
		return n["b"] == 0 && n["a"] == 2 && n["c"] == 2
	})
	if got := state(s, "a").Since; got != since {
		t.Error("the session of the router that stayed was not kept")
	}
	bad := more
	bad.Routers = nil
	if err := s.Reload(bad); err == nil {
		t.Error("a configuration without routers is taken")
	}
	if err := s.Drain("a", true); err != nil {
		t.Fatal(err)
	}
	if got := state(s, "a").State; got != "drain" {
		t.Errorf("state %q of a drained router", got)
	}
	if err := s.Drain("nobody", true); !errors.Is(err, live.ErrUnknownRouter) {
		t.Errorf("draining nobody: %v", err)
	}
	stop()
	replay(t, cfg.Destinations[0].Record)
}

func TestSecretsArePrivate(t *testing.T) {
	f := newFleet(t, fleet.Config{Routers: 1})
	cfg := config(t, f, 1, live.Policy{Name: "per-router"})
	if _, err := live.New(cfg); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(cfg.State)
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	for _, e := range files {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		if strings.HasSuffix(e.Name(), ".x25519") {
			if err := os.Chmod(filepath.Join(cfg.State, e.Name()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := live.New(cfg); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}
