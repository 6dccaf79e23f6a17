package sim

import (
	"testing"

	"multihome.i2p/balancer"
)

func i2pdWorld() *Config {
	return worldOf(SchemeSingle, 1).each(func(r *Router) { r.Kind = I2pd })
}

// TestI2pdKeepsPaths: where every build succeeds and nothing breaks, the
// gateways of the first tunnels are those of the whole day.
func TestI2pdKeepsPaths(t *testing.T) {
	c := i2pdWorld().each(func(r *Router) {
		r.BuildSuccess, r.TunnelFailPerHour, r.TestLoss = 1, 0, 0
	})
	var out Outcome
	mustRun(t, NewWorld(), c, 1, &out)
	tr := &out.Truth
	if tr.Inherited*100 < tr.Inbound*98 {
		t.Errorf("%d of %d tunnels repeat a path", tr.Inherited, tr.Inbound)
	}
	if tr.DistinctIBGW > 40 {
		t.Errorf("%d gateways in a day", tr.DistinctIBGW)
	}
}

// TestI2pdLeases: at most two more leases than wanted, the newest tunnel
// first, ends ten minutes after creation, publishes 20 s apart.
func TestI2pdLeases(t *testing.T) {
	c := i2pdWorld()
	c.Destination.Leases = 5
	c.Duration, c.Warmup = 12*Hour, 0
	w, out := NewWorld(), new(Outcome)
	problem := ""
	w.check = func(s *leaseSet) {
		if len(s.leases) > 7 {
			problem = "more than seven leases"
		}
		for k := 1; k < len(s.leases); k++ {
			if s.leases[k].end > s.leases[k-1].end {
				problem = "not newest first"
			}
		}
		for _, l := range s.leases {
			if l.end <= s.published || l.end > s.published+600 {
				problem = "a lease ends at another time"
			}
		}
	}
	if err := w.reset(c, 2, out); err != nil {
		t.Fatal(err)
	}
	last := int64(0)
	w.play(w.end, func() {
		q := &w.routers[0].pub.i2pd
		if q.last != last {
			if last != 0 && q.last < last+20 {
				problem = "published within 20 s"
			}
			last = q.last
		}
	})
	if problem != "" {
		t.Error(problem)
	}
	if m := out.Truth.MeanLeases(); m < 4 || m > 7 {
		t.Errorf("%.2f leases", m)
	}
}

// TestI2pdDrawsWidely: the gateways of fresh tunnels are spread over all
// candidates.
func TestI2pdDrawsWidely(t *testing.T) {
	c := i2pdWorld()
	c.Network.I2pdCandidates = 500
	w := ready(t, c)
	seen := make(map[int32]int)
	for range 5000 {
		var path [maxHops]int32
		n := w.i2pdPath(&w.routers[0], balancer.Inbound, &path)
		seen[path[n-1]]++
	}
	if len(seen) < 498 {
		t.Errorf("%d of 500 candidates were gateways", len(seen))
	}
}

// TestPublishWar: two i2pd routers of one Destination publish against each
// other, far more than one of them alone.
func TestPublishWar(t *testing.T) {
	var one, two Outcome
	mustRun(t, NewWorld(), i2pdWorld(), 1, &one)
	c := worldOf(SchemeIndependent, 2).each(func(r *Router) { r.Kind = I2pd })
	mustRun(t, NewWorld(), c, 1, &two)
	if two.Truth.Publishes < one.Truth.Publishes*3/2 {
		t.Errorf("%d publishes of two routers, %d of one", two.Truth.Publishes, one.Truth.Publishes)
	}
}
