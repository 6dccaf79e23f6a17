//go:build unix

package main

import (
	"fmt"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// axis is one kind of work, in rising amounts.
type axis struct {
	name  string
	what  string // is measured
	unit  string // of x
	plain bool   // its points differ in kind: no exponent
	// attacks: what is measured are the attacks.
	attacks bool
	points  []point
}

type point struct {
	x     float64
	label string
	trial func(seed uint64) error
	ms    []float64 // one a round
}

// base is scenario four-routers but for what an axis changes.
const base = `
question: What does a trial cost?
seed: 140
duration: %s
warmup: %s
network: {routers: %d, floodfills: %d}
destination:
  scheme: %s
  leases: %d
  routers: {count: %d, kind: java, fast_tier: %s, overlap: 0.016, turnover_per_hour: 0.05, build_success: 0.6, reuse: 0.75}
%sadversaries:
  - {name: poller, vantage: netdb, every: %s}
reference: {scheme: single, leases: 1, routers: {count: 1}}
`

type work struct {
	hours, warmup   float64
	network         int
	floodfills      int
	scheme          string
	leases, routers int
	tier            string
	poll            string
	policy          string
}

func day() work {
	return work{
		hours: 24, warmup: 3, network: 30000, floodfills: 1700, scheme: "p140", leases: 16, routers: 4,
		tier: "swarm", poll: "10m", policy: "per-router",
	}
}

func (w work) world() (*sim.Config, error) {
	line := ""
	if w.policy != "" {
		line = "  policy: " + w.policy + "\n"
	}
	text := fmt.Sprintf(base, minutes(w.hours), minutes(w.warmup), w.network, w.floodfills, w.scheme, w.leases, w.routers, w.tier, line, w.poll)
	s, err := scenario.Parse("scale.yaml", []byte(text), scenario.Names{Policies: policy.Names(), Attacks: attack.Names()})
	if err != nil {
		return nil, err
	}
	return &s.World, nil
}

func minutes(hours float64) string { return fmt.Sprintf("%dm", int(hours*60+0.5)) }

// axes are all that is measured.
func axes() ([]axis, error) {
	var all []axis
	var failed error
	add := func(a axis, xs []float64, change func(w *work, x float64)) {
		world := sim.NewWorld()
		out := new(sim.Outcome)
		for _, x := range xs {
			w := day()
			change(&w, x)
			c, err := w.world()
			if err != nil {
				failed = fmt.Errorf("%s %v: %w", a.name, x, err)
				return
			}
			p := point{x: x, trial: func(seed uint64) error { return world.Run(c, seed, out) }}
			if a.attacks {
				var tr *trace.Trace
				if p.x, tr, err = seen(c); err != nil {
					failed = err
					return
				}
				p.trial = func(uint64) error { return judge(tr) }
			}
			a.points = append(a.points, p)
		}
		all = append(all, a)
	}
	add(axis{name: "time", what: "simulated time, warm-up included", unit: "h"}, []float64{6, 12, 27, 51, 99, 195},
		func(w *work, x float64) { w.hours = x - w.warmup })
	add(axis{name: "leases", what: "leases of one stock router", unit: "leases"}, []float64{1, 2, 4, 8, 16},
		func(w *work, x float64) { w.scheme, w.policy, w.routers, w.leases = "single", "", 1, int(x) })
	add(axis{name: "leases-four", what: "leases of four routers behind the balancer", unit: "leases"}, []float64{4, 8, 16, 32, 64},
		func(w *work, x float64) {
			w.leases = int(x)
			if x > 16 {
				w.scheme = "large-leaseset"
			}
		})
	add(axis{name: "routers", what: "routers behind the balancer that share 16 leases", unit: "routers"}, []float64{1, 2, 4, 8, 16},
		func(w *work, x float64) { w.routers = int(x) })
	add(axis{name: "routers-alone", what: "routers with the same keys and 16 leases each, 2 h after 1 h", unit: "routers"}, []float64{1, 4, 16, 64, 256},
		func(w *work, x float64) {
			w.scheme, w.policy, w.routers, w.hours, w.warmup = "independent", "", int(x), 2, 1
		})
	add(axis{name: "floodfills", what: "floodfills, one hour without warm-up", unit: "floodfills"}, []float64{100, 1000, 10000, 100000},
		func(w *work, x float64) { w.floodfills, w.network, w.hours, w.warmup = int(x), 1000000, 1, 0 })
	add(axis{name: "network", what: "routers of the network, one hour without warm-up", unit: "routers"}, []float64{10000, 30000, 100000, 300000, 1000000},
		func(w *work, x float64) { w.network, w.hours, w.warmup = int(x), 1, 0 })
	add(axis{name: "attacks", what: "LeaseSets that the whole suite judges, from 24 h", unit: "LeaseSets", attacks: true}, []float64{120, 60, 20, 10, 5, 2, 1},
		func(w *work, x float64) { w.poll = fmt.Sprintf("%dm", int(x)) })
	kinds := []struct {
		label string
		set   func(w *work)
	}{
		{"four routers behind the balancer", func(*work) {}},
		{"one stock router", func(w *work) { w.scheme, w.policy, w.routers = "single", "", 1 }},
		{"four stock routers, 16 leases each", func(w *work) { w.scheme, w.policy = "independent", "" }},
		{"the same, emergent tiers", func(w *work) { w.scheme, w.policy, w.tier = "independent", "", "emergent" }},
	}
	add(axis{name: "kinds", what: "24 h after 3 h", plain: true}, []float64{0, 1, 2, 3}, func(w *work, x float64) { kinds[int(x)].set(w) })
	if failed != nil {
		return nil, failed
	}
	last := &all[len(all)-1]
	for i := range last.points {
		last.points[i].label = kinds[i].label
	}
	return all, nil
}

// seen is a trace of a world, and how many LeaseSets it shows.
func seen(c *sim.Config) (leaseSets float64, tr *trace.Trace, err error) {
	out := new(sim.Outcome)
	if err := sim.NewWorld().Run(c, 1, out); err != nil {
		return 0, nil, err
	}
	tr = &out.Traces[0]
	return float64(len(attack.Gather(tr, 0).LeaseSets)), tr, nil
}

// judge lets all attacks look at a trace and judge it, untrained.
func judge(tr *trace.Trace) error {
	e := attack.Gather(tr, 0)
	for _, name := range attack.NamesAt(trace.VantageNetDb) {
		a, err := attack.New(name)
		if err != nil {
			return err
		}
		f := a.Observe(e)
		a.Score(&f)
	}
	return nil
}
