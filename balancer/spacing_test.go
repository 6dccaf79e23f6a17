package balancer_test

import (
	"testing"

	"multihome.i2p/balancer"
)

// A LeaseSet of hundreds of leases changes about once a second. Versions that are spaced
// keep `published` behind the clock, so that they can be sent.
func TestComposeSpacing(t *testing.T) {
	cfg := config(25, 397, named(t, "per-router", nil), 30)
	cfg.MaxLeases, cfg.ComposeSpacing = 397, 5*balancer.Second
	r := newRig(t, cfg, 30)
	r.record = false
	r.run(20 * balancer.Minute)
	from := len(r.published)
	r.run(r.now + 20*balancer.Minute)
	if n := len(r.published) - from; n < 15 {
		t.Errorf("%d publishes in 20 minutes, want one a minute", n)
	}
	checkPublications(t, r, 397)
	if n := len(r.last().action.Leases); n < 390 {
		t.Errorf("%d leases", n)
	}
	for i := 1; i < len(r.given); i++ {
		if d := r.given[i].Published - r.given[i-1].Published; r.given[i].Router == r.given[i-1].Router && d > 0 && d < 4 {
			t.Fatalf("two versions %d s apart", d)
		}
	}
}
