package live_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/sim/fleet"
)

func loadPolicy(file string, source []byte) (policy.Maker, error) { return starlark.Load(file, source) }

// neverFull fails whenever it should list all leases.
const neverFull = `
def compose(v, leases):
    if len(leases) == 12:
        fail("so many")
    return leases
`

// A balancer lives on when its policy's own code fails: the base decides, the failure
// is counted, and the log replays.
func TestPolicyFromFile(t *testing.T) {
	slow(t)
	t.Parallel()
	f := newFleet(t, fleet.Config{Routers: 2})
	cfg := config(t, f, 2, live.Policy{Name: "mine", File: "mine.star", Source: neverFull})
	if s, err := live.New(cfg); s != nil || err == nil || !strings.Contains(err.Error(), "policies from files are not taken here") {
		t.Errorf("without a loader: %v, %v", s, err)
	}
	cfg.LoadPolicy = loadPolicy
	s, stop := run(t, cfg)
	until(t, 2*time.Minute, "12 leases of two routers, by the base", shared(s, map[string]int{"a": 6, "b": 6}))
	until(t, 2*time.Minute, "failures", func() bool { return s.Status().Destinations[0].PolicyFailures > 0 })
	stop()
	log, err := os.ReadFile(cfg.Destinations[0].Record)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := live.Replay(bytes.NewReader(log), loadPolicy); err != nil || n < 20 {
		t.Errorf("replay: %d records, %v", n, err)
	}
	if _, err := live.Replay(bytes.NewReader(log), nil); err == nil {
		t.Error("it replays without a loader")
	}
	if n := s.Status().Destinations[0].PolicyFailures; n == 0 {
		t.Error("no failure is counted")
	}
}

func TestPolicyFileThatDoesNotLoad(t *testing.T) {
	f := newFleet(t, fleet.Config{Routers: 1})
	cfg := config(t, f, 1, live.Policy{Name: "mine", File: "mine.star", Source: "def compse(v): pass"})
	cfg.LoadPolicy = loadPolicy
	if _, err := live.New(cfg); err == nil || !strings.Contains(err.Error(), "mine.star:1:5: unknown function") {
		t.Errorf("got %v", err)
	}
}
