package sim

import (
	"testing"

	"multihome.i2p/balancer"
)

// naturalWorld is n stock i2pd routers under a balancer.
func naturalWorld(n int) *Config {
	c := worldOf(SchemeP140, n).each(func(r *Router) { r.Kind, r.SpeaksP140 = I2pd, false })
	c.Destination.ControlDelay = 50 * Millisecond
	c.Destination.Policy = Policy{Name: "natural-i2pd", Bundle: "composed", Imitate: I2pd, Verify: VerifyAuto}
	c.Duration = 6 * Hour
	return c
}

// TestNaturalFailover: while the publisher is gone another router publishes, without
// its leases; a router that was frozen tells its tunnels again and is listed at once.
func TestNaturalFailover(t *testing.T) {
	for _, kind := range []FaultKind{FaultCrash, FaultStall} {
		c := naturalWorld(3)
		c.Faults = []Fault{{Kind: kind, Router: 0, At: Hour, For: 3 * Minute}}
		w, out := NewWorld(), new(Outcome)
		if err := w.reset(c, 5, out); err != nil {
			t.Fatal(err)
		}
		gone := w.observed + Hour
		listed := func() (of [3]int) {
			newest := int32(none)
			for _, h := range w.net.keys[serviceKey].held {
				if h.set != none && (newest == none || w.sets.at(h.set).published > w.sets.at(newest).published) {
					newest = h.set
				}
			}
			if newest != none {
				for _, l := range w.sets.at(newest).leases {
					of[l.router]++
				}
			}
			return of
		}
		var before, during, after [3]int
		w.play(w.end, func() {
			switch {
			case w.now < gone:
				before = listed()
			case w.now < gone+2*Minute:
				during = listed()
			case w.now < gone+5*Minute:
				after = listed()
			}
		})
		if before[0] == 0 || before[1] == 0 || before[2] == 0 {
			t.Errorf("%s: leases of %v before", kind, before)
		}
		if during[0] != 0 || during[1]+during[2] < 9 {
			t.Errorf("%s: leases of %v without the publisher", kind, during)
		}
		if after[0] < 3 {
			t.Errorf("%s: leases of %v when it is back", kind, after)
		}
	}
}

// TestNaturalForgets: i2pd asks for nothing while it waits for a LeaseSet. With a slow
// balancer it often does, and asks again since it is told to keep one tunnel more.
func TestNaturalForgets(t *testing.T) {
	c := naturalWorld(4)
	c.Destination.ControlDelay = 2 * Second
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 6, out); err != nil {
		t.Fatal(err)
	}
	nudged, short, seen := 0, 0, 0
	w.play(w.end, func() {
		for i := range w.routers {
			r := &w.routers[i]
			if w.now < w.observed || r.natural.extra == 0 {
				continue
			}
			nudged++
			if p := &r.pools[balancer.Inbound]; p.want != 5 {
				t.Fatalf("a router that has forgotten tunnels keeps %d", p.want)
			}
		}
		if w.now >= w.observed {
			seen++
			for i := range w.routers {
				if n := &w.routers[i].natural; len(n.asked) < n.quantity[balancer.Inbound]-1 {
					short++
					break
				}
			}
		}
	})
	if nudged == 0 {
		t.Error("no router ever forgets a tunnel")
	}
	if short*10 > seen {
		t.Errorf("in %d of %d events a router has asked for two tunnels fewer than it keeps", short, seen)
	}
}
