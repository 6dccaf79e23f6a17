package sim

import (
	"testing"

	"multihome.i2p/analysis/trace"
)

// Under policy mimic a floodfill sees of stores and verifications what it sees of one
// router: replies come in through tunnels that are listed sooner or
// later, of stores and of verifications, though several routers wait for them.
func TestMimicAtAFloodfill(t *testing.T) {
	listed := func(c *Config) (stores, lookups float64) {
		c.Duration = 48 * Hour
		watched(c, targeted())
		var out Outcome
		mustRun(t, NewWorld(), c, 5, &out)
		known := map[trace.Reply]bool{}
		var n, in [2]float64
		for i := range out.Traces[0].Records {
			for _, l := range out.Traces[0].Records[i].Leases {
				known[trace.Reply{Gateway: l.Gateway, Tunnel: l.Tunnel}] = true
			}
		}
		for i := range out.Traces[0].Records {
			r := &out.Traces[0].Records[i]
			k := 0
			switch {
			case r.Has&trace.HasReply == 0:
				continue
			case r.Kind == trace.KindServiceLookup:
				k = 1
			}
			n[k]++
			if known[r.Reply] {
				in[k]++
			}
		}
		if n[0] < 100 || n[1] < 20 {
			t.Fatalf("%v stores and %v lookups were seen", n[0], n[1])
		}
		return in[0] / n[0], in[1] / n[1]
	}
	wantStores, wantLookups := listed(worldOf(SchemeSingle, 1))
	c := worldOf(SchemeP140, 4)
	c.Destination.Policy.Name, c.Destination.Policy.Failover = "mimic", failoverMasked
	c.Destination.ControlDelay = 50 * Millisecond
	c.Faults = []Fault{{Kind: FaultCrash, Router: 0, At: 3 * Hour, For: 10 * Minute}}
	stores, lookups := listed(c)
	if stores < wantStores-.02 || lookups < wantLookups-.02 {
		t.Errorf("replies through listed leases: of stores %.3f, of lookups %.3f; of one router %.3f and %.3f",
			stores, lookups, wantStores, wantLookups)
	}
}
