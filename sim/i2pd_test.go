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

// TestI2pdRounds: a pool of 16 is filled in rounds of 15 s, so many builds each,
// and all its tunnels are rebuilt 585 s after they were the last time: what real
// routers of both versions were recorded to do.
func TestI2pdRounds(t *testing.T) {
	for version, builds := range map[I2pdVersion]int{"": 3, I2pd258: 3, I2pd245: 2} {
		c := i2pdWorld().each(func(r *Router) {
			r.BuildSuccess, r.TunnelFailPerHour, r.TestLoss = 1, 0, 0
			r.BuildDelay, r.BuildDelaySigma = 100*Millisecond, 0
			r.I2pdVersion = version
		})
		c.Duration, c.Warmup = Hour, 0
		w, out := NewWorld(), new(Outcome)
		if err := w.reset(c, 7, out); err != nil {
			t.Fatal(err)
		}
		seen := make(map[uint32]bool)
		var times []int64 // in s, of the rounds and ticks that made inbound tunnels
		var sizes []int
		w.play(w.end, func() {
			for _, y := range w.routers[0].pools[balancer.Inbound].members {
				if x := w.tunnels.at(y); !seen[x.number] {
					seen[x.number] = true
					if n := len(times); n == 0 || x.createdS > times[n-1]+1 {
						times, sizes = append(times, x.createdS), append(sizes, 0)
					}
					sizes[len(sizes)-1]++
				}
			}
		})
		rounds := (16 + builds - 1) / builds
		for k := 1; k < rounds; k++ {
			if d := times[k] - times[k-1]; d != 15 || sizes[k-1] != builds {
				t.Errorf("%q: %d tunnels, %d s before the next", version, sizes[k-1], d)
			}
		}
		for k := 2 * rounds; k < 5*rounds; k++ {
			if d := times[k] - times[k-rounds]; d != 585 {
				t.Errorf("%q: rebuilt after %d s, want 585", version, d)
			}
		}
	}
}

// TestI2pdClient: a client that takes its time is not asked for what changes
// meanwhile, and the ends of its leases move by a second or two.
func TestI2pdClient(t *testing.T) {
	var versions [2]int64
	for k, delay := range []Time{0, 2 * Second} {
		c := i2pdWorld().each(func(r *Router) { r.ClientDelay = delay })
		c.Duration = 6 * Hour
		w, out := NewWorld(), new(Outcome)
		ends := make(map[uint32]int64)
		drift := int64(0)
		w.check = func(s *leaseSet) {
			for _, l := range s.leases {
				if ends[l.number] == 0 {
					ends[l.number] = l.end
				}
				drift = max(drift, l.end-ends[l.number])
			}
		}
		mustRun(t, w, c, 2, out)
		versions[k] = out.Truth.Versions
		if want := int64(0); delay > 0 && (drift < 1 || drift > 2) || delay == 0 && drift != want {
			t.Errorf("%v: ends move by %d s", delay, drift)
		}
	}
	if versions[1] >= versions[0] {
		t.Errorf("%d LeaseSets of a client, %d of a router that signs", versions[1], versions[0])
	}
}

// TestI2pdSlow: slow tunnels are not rebuilt over their paths.
func TestI2pdSlow(t *testing.T) {
	share := func(slow float64) float64 {
		c := i2pdWorld().each(func(r *Router) { r.BuildSuccess, r.SlowShare = 1, slow })
		c.Duration = 6 * Hour
		var out Outcome
		mustRun(t, NewWorld(), c, 3, &out)
		return float64(out.Truth.Inherited) / float64(out.Truth.Inbound)
	}
	if a, b := share(0), share(0.2); b > a-0.1 {
		t.Errorf("share of repeated paths: %.3f without slow tunnels, %.3f with", a, b)
	}
}
