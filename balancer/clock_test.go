package balancer_test

import (
	"fmt"
	"testing"

	"multihome.i2p/balancer"
)

// A router whose clock jumps, which the core is not told of, builds no more than
// before, and its leases are listed, with ends by the clock that the core knows.
func TestClockJumps(t *testing.T) {
	const minute = balancer.Minute
	for _, jump := range []balancer.Time{7 * minute, balancer.Hour, 300 * balancer.Day, -7 * minute, -balancer.Hour} {
		for _, dated := range []bool{false, true} {
			t.Run(fmt.Sprintf("%vs,dated=%v", jump.Seconds(), dated), func(t *testing.T) {
				r := newRig(t, config(2, 8, named(t, "per-router", nil), 7), 7)
				r.dated = dated
				r.run(30 * minute)
				built := func(id balancer.RouterID) (n int) {
					for _, p := range r.paths {
						if p.router == id {
							n++
						}
					}
					return n
				}
				before := built(1)
				r.jump[1] = jump
				publishes := len(r.published)
				// As long as before, less the time in which the pools were filled.
				r.run(60 * minute)
				if n := built(1) - before; n > 2*before {
					t.Errorf("%d tunnels in 30 minutes after the jump, %d before", n, before)
				}
				short := 0
				for _, p := range r.published[publishes:] {
					if n := r.routersOf(p.action.Leases); n[1] < 3 {
						short++
					}
					for _, l := range p.action.Leases {
						if end := l.End - wallOffset; end <= p.at || end > p.at+10*minute+balancer.Second {
							t.Fatalf("at %v a lease of router %d ends at %v", p.at, l.Router, end)
						}
					}
				}
				if all := len(r.published) - publishes; all < 10 || short > all/3 {
					t.Errorf("of %d LeaseSets %d lack leases of the router", all, short)
				}
			})
		}
	}
}
