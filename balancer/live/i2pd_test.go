package live_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/console"
	"multihome.i2p/internal/testnet"
)

// Four real i2pd routers serve one Destination: the LeaseSet that a floodfill
// holds lists the leases of all four, newest end first, as they were sent; a
// client elsewhere gets its answers; a router that is killed leaves the LeaseSet
// at once, and is used again when it is back. What the core decided replays.
func TestI2pd(t *testing.T) {
	slow(t)
	if os.Getenv("MULTIHOME_LONG") == "" {
		t.Skip("SKIPPED, not run over real i2pd routers (four minutes): set MULTIHOME_LONG=1")
	}
	if !testnet.Inside(t) {
		return
	}
	n := testnet.StartTest(t, testnet.Options{Routers: 10})
	if err := n.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := live.Config{
		State: filepath.Join(dir, "state"), Log: slog.New(slog.NewTextHandler(&testWriter{t: t}, nil)),
		Destinations: []live.Destination{{
			Name: "echo", Keys: keys, Leases: 8, Policy: live.Policy{Name: "natural-i2pd", Bundle: "pinned"}, Target: "echo", Hops: 1,
			Trace: filepath.Join(dir, "trace.jsonl"), Record: filepath.Join(dir, "log"),
		}},
	}
	carriers := n.Routers()[3:7] // after the floodfills
	for _, r := range carriers {
		cfg.Routers = append(cfg.Routers, live.Router{Name: r.Name(), Address: r.I2CP(), Weight: 1})
	}
	s, stop := run(t, cfg)
	all := map[string]int{}
	for _, r := range carriers {
		all[r.Name()] = 2
	}
	until(t, 3*time.Minute, "8 leases of four routers", shared(s, all))
	var why error
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the floodfills: ", why)
		}
	})
	until(t, 2*time.Minute, "the same in a floodfill", func() bool {
		why = held(t, n, s)
		return why == nil
	})
	pings(t, keys.Destination, []string{n.Routers()[8].I2CP(), n.Routers()[9].I2CP()}, 20, 2)

	killed := carriers[2]
	if err := killed.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, 20*time.Second, "the dead router's leases gone", func() bool { return share(s)[killed.Name()] == 0 })
	if err := killed.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, 3*time.Minute, "it is used again", func() bool { return share(s)[killed.Name()] > 0 })
	stop()
	replay(t, cfg.Destinations[0].Record)
	checkTrace(t, cfg.Destinations[0])
}

// held compares what the floodfills hold with the newest LeaseSet.
func held(t *testing.T, n *testnet.Network, s *live.Service) error {
	d := s.Status().Destinations[0]
	hash, err := wire.ParseB32(d.B32)
	if err != nil {
		return err
	}
	var last error
	for _, r := range n.Routers()[:3] {
		sets, err := r.Console().LeaseSets(t.Context())
		if err != nil {
			last = err
			continue
		}
		for _, ls := range sets {
			if ls.Destination != hash {
				continue
			}
			if last = sameLeases(ls, d); last == nil {
				return nil
			}
		}
	}
	if last == nil {
		last = fmt.Errorf("no floodfill holds it")
	}
	return last
}

func sameLeases(got console.LeaseSetView, want live.DestinationStatus) error {
	if len(got.Leases) != len(want.Leases) || len(got.Leases) > 16 {
		return fmt.Errorf("a floodfill holds %d leases, %d were sent", len(got.Leases), len(want.Leases))
	}
	// i2pd keeps them by tunnel number, whatever order they came in.
	sent := make(map[uint32]live.LeaseStatus)
	for i, w := range want.Leases {
		sent[uint32(w.Tunnel)] = w
		if i > 0 && w.End.After(want.Leases[i-1].End) {
			return fmt.Errorf("lease %d ends later than the one before it", i)
		}
	}
	for _, l := range got.Leases {
		if w, ok := sent[l.Tunnel]; !ok || l.Gateway != w.Gateway {
			return fmt.Errorf("a floodfill holds tunnel %d at %v, which was not sent", l.Tunnel, l.Gateway)
		}
	}
	return nil
}
