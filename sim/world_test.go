package sim

import (
	"errors"
	"reflect"
	"testing"

	"multihome.i2p/analysis/trace"
)

// stockJava is a Java router with the facts' values, and the assumptions for
// what has no source.
func stockJava() Router {
	return Router{
		Kind: Java, Hops: 3, Outbound: 2, FastTier: FastTier{Mode: tierSwarm},
		BuildSuccess: .6, RejectShare: .3, BuildDelay: 1500 * Millisecond, BuildDelaySigma: .6,
		TunnelFailPerHour: .2, TestLoss: .01, Reuse: .75,
		Slices: true, IBGWFilter: true, MaxPeerShare: true, SameSubnet: true,
	}
}

// worldOf is a day of n routers under a scheme, with one poller.
func worldOf(scheme Scheme, n int) *Config {
	c := &Config{
		Duration: 24 * Hour, Warmup: 3 * Hour,
		Network: Network{Routers: 30000, Floodfills: 1700, IBGWEligible: .9, StoreLoss: .02, JavaFloodfills: .5},
		Destination: Destination{
			Scheme: scheme, Leases: 16, Overlap: .016, TurnoverPerHour: .05, PublishSpacing: -1,
			Meta: Meta{RoutersPerSub: 3, Expires: 6 * Hour, Republish: 3 * Hour, CheckEvery: Minute},
		},
		Adversaries: []Adversary{{Name: "poller", Vantage: vantageNetDb, Every: 10 * Minute}},
	}
	for range n {
		r := stockJava()
		if balanced(scheme) {
			r.SpeaksP140 = true
			c.Destination.Policy.Name = "per-router"
		}
		c.Destination.Routers = append(c.Destination.Routers, r)
	}
	return c
}

// each changes all routers of a configuration.
func (c *Config) each(change func(r *Router)) *Config {
	for i := range c.Destination.Routers {
		change(&c.Destination.Routers[i])
	}
	return c
}

func mustRun(t *testing.T, w *World, c *Config, seed uint64, out *Outcome) {
	t.Helper()
	if err := w.Run(c, seed, out); err != nil {
		t.Fatal(err)
	}
}

// peek returns the time of the next event.
func (w *World) peek() (Time, bool) {
	at, ok := w.queue.peek()
	if c := w.core.only; c != nil && (!ok || c.due < at) {
		return c.due, c.due != Never
	}
	return at, ok
}

// play runs a reset world up to a time and calls after every event.
func (w *World) play(until Time, after func()) {
	var ev event
	for {
		at, ok := w.peek()
		if !ok || at >= min(until, w.end) {
			w.now = until
			return
		}
		w.next(&ev)
		w.now = ev.at
		w.dispatch(&ev)
		if after != nil {
			after()
		}
	}
}

// TestDay runs a day of every scheme and looks at what must hold of any.
func TestDay(t *testing.T) {
	i2pd := func(r *Router) { r.Kind = I2pd }
	delayed := worldOf(SchemeP140, 4)
	delayed.Destination.ControlDelay = 80 * Millisecond
	large := worldOf(SchemeLargeLeaseSet, 10)
	large.Destination.Leases = 40
	for name, c := range map[string]*Config{
		"large leaseset":   large,
		"single":           worldOf(SchemeSingle, 1),
		"independent":      worldOf(SchemeIndependent, 4),
		"p140":             worldOf(SchemeP140, 4),
		"p140 delayed":     delayed,
		"single i2pd":      worldOf(SchemeSingle, 1).each(i2pd),
		"independent i2pd": worldOf(SchemeIndependent, 2).each(i2pd),
		"p140 i2pd":        worldOf(SchemeP140, 2).each(i2pd),
		"emergent": worldOf(SchemeIndependent, 2).each(func(r *Router) {
			r.FastTier.Mode = tierEmergent
		}),
	} {
		t.Run(name, func(t *testing.T) {
			var out Outcome
			mustRun(t, NewWorld(), c, 7, &out)
			tr := &out.Truth
			if err := out.Traces[0].Check(); err != nil {
				t.Error(err)
			}
			// 144 polls of four floodfills each.
			if n := len(out.Traces[0].Records); n != 4*144 {
				t.Errorf("%d records, want 576", n)
			}
			if tr.Live < tr.Samples*995/1000 {
				t.Errorf("a live lease in %d of %d samples", tr.Live, tr.Samples)
			}
			if tr.Dead*20 > tr.Listed {
				t.Errorf("%d of %d listed leases are dead", tr.Dead, tr.Listed)
			}
			if m := tr.MeanIBGW(); m > tr.MeanLeases() || m < 1 {
				t.Errorf("%.2f IBGWs in %.2f leases", m, tr.MeanLeases())
			}
			t.Logf("%d events, %d published of %d, leases %.2f, IBGWs %.2f, in all %d, inherited %d of %d",
				tr.Events, tr.Published, tr.Publishes, tr.MeanLeases(), tr.MeanIBGW(), tr.DistinctIBGW, tr.Inherited, tr.Inbound)
		})
	}
}

// TestDeterminism: neither what a World was used for before nor what an
// Outcome held may show.
func TestDeterminism(t *testing.T) {
	small := func(c *Config) *Config {
		c.Duration, c.Warmup = 4*Hour, Hour
		c.Faults = []Fault{{Kind: FaultCrash, Router: 0, At: Hour, For: 20 * Minute}}
		return c
	}
	used, again := NewWorld(), new(Outcome)
	for _, c := range []*Config{
		small(worldOf(SchemeP140, 3)), small(worldOf(SchemeSingle, 1)), small(worldOf(SchemeIndependent, 4)),
		small(worldOf(SchemeSingle, 1).each(func(r *Router) { r.Kind = I2pd })),
	} {
		for seed := range uint64(2) {
			var fresh Outcome
			mustRun(t, NewWorld(), c, seed, &fresh)
			mustRun(t, used, c, seed, again)
			if a, b := encode(&fresh.Traces[0]), encode(&again.Traces[0]); a != b {
				t.Errorf("%s, seed %d: traces differ", c.Destination.Scheme, seed)
			}
			if !sameTruth(&fresh.Truth, &again.Truth) {
				t.Errorf("%s, seed %d: truths differ", c.Destination.Scheme, seed)
			}
		}
	}
}

func encode(t *trace.Trace) string {
	var b []byte
	for i := range t.Records {
		b = trace.AppendRecord(b, &t.Records[i])
	}
	return string(b)
}

// sameTruth compares two truths; an empty slice equals a nil one.
func sameTruth(a, b *Truth) bool {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		f, g := x.Field(i), y.Field(i)
		if f.Kind() == reflect.Slice && f.Len() == 0 && g.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(f.Interface(), g.Interface()) {
			return false
		}
	}
	return true
}

// TestAdversaryChangesNothing: whoever watches draws from a stream of its own,
// so that the world goes on as without it.
func TestAdversaryChangesNothing(t *testing.T) {
	c := worldOf(SchemeIndependent, 3)
	c.Duration = 4 * Hour
	var watched, alone Outcome
	mustRun(t, NewWorld(), c, 6, &watched)
	c.Adversaries = nil
	mustRun(t, NewWorld(), c, 6, &alone)
	a, b := &watched.Truth, &alone.Truth
	if a.Polls == 0 || b.Polls != 0 {
		t.Errorf("%d and %d polls", a.Polls, b.Polls)
	}
	if a.Builds != b.Builds || a.IBGWCounts != b.IBGWCounts || a.Stores != b.Stores || a.Verifications != b.Verifications {
		t.Error("the poller changed the world")
	}
}

// TestSteadyStateAllocations: a trial allocates a handful of things once, and
// nothing for an event.
func TestSteadyStateAllocations(t *testing.T) {
	for _, c := range []*Config{worldOf(SchemeIndependent, 4), worldOf(SchemeP140, 4)} {
		c.Duration = 6 * Hour
		w, out := NewWorld(), new(Outcome)
		for seed := range uint64(4) {
			mustRun(t, w, c, seed, out)
		}
		events := out.Truth.Events
		n := testing.AllocsPerRun(3, func() { mustRun(t, w, c, 2, out) })
		if n > 40 {
			t.Errorf("%s: %v allocations in a trial of %d events", c.Destination.Scheme, n, events)
		}
	}
}

func TestStop(t *testing.T) {
	w := NewWorld()
	w.Stop = func() bool { return true }
	if err := w.Run(worldOf(SchemeSingle, 1), 1, new(Outcome)); !errors.Is(err, ErrStopped) {
		t.Errorf("error is %v", err)
	}
}

func TestValidate(t *testing.T) {
	for path, spoil := range map[string]func(c *Config){
		"duration":                            func(c *Config) { c.Duration = 0 },
		"network.floodfills":                  func(c *Config) { c.Network.Floodfills = 2 },
		"network.store_loss":                  func(c *Config) { c.Network.StoreLoss = 1.5 },
		"destination.scheme":                  func(c *Config) { c.Destination.Scheme = "twice" },
		"destination.meta.expires":            func(c *Config) { c.Destination.Scheme = SchemeMeta; c.Destination.Meta.Expires = Day },
		"destination.meta.republish":          func(c *Config) { c.Destination.Scheme = SchemeMeta; c.Destination.Meta.Republish = 7 * Hour },
		"destination.meta.check_every":        func(c *Config) { c.Destination.Scheme = SchemeMeta; c.Destination.Meta.CheckEvery = 0 },
		"destination.meta.routers_per_sub":    func(c *Config) { *c = *worldOf(SchemeP140Meta, 2); c.Destination.Meta.RoutersPerSub = 0 },
		"destination.leases":                  func(c *Config) { c.Destination.Leases = 17 },
		"destination.routers.1.hops":          func(c *Config) { c.Destination.Routers[1].Hops = 0 },
		"destination.routers.0.fast_tier":     func(c *Config) { c.Destination.Routers[0].FastTier.Mode = "slow" },
		"destination.routers.1.build_delay":   func(c *Config) { c.Destination.Routers[1].BuildDelay = 0 },
		"destination.routers.0.build_success": func(c *Config) { c.Destination.Routers[0].BuildSuccess = -1 },
		"faults.0.router":                     func(c *Config) { c.Faults = []Fault{{Kind: FaultCrash, Router: 2}} },
		"adversaries.0.every":                 func(c *Config) { c.Adversaries[0].Every = 0 },
		"adversaries.0.vantage":               func(c *Config) { c.Adversaries[0].Vantage = "moon" },
		"adversaries.0.placement":             func(c *Config) { c.Adversaries[0].Vantage = vantageFloodfill },
		"adversaries.0.floodfills":            func(c *Config) { c.Adversaries[0] = someFloodfills(1701) },
		"adversaries.0.probe_every":           func(c *Config) { c.Adversaries[0] = prober(); c.Adversaries[0].ProbeEvery = 1 },
		"adversaries.0.probe_leases":          func(c *Config) { c.Adversaries[0] = prober(); c.Adversaries[0].ProbeLeases = 0 },
		"adversaries.0.share":                 func(c *Config) { c.Adversaries[0] = peers(1.5) },
		"adversaries.0.routers":               func(c *Config) { c.Adversaries[0].Routers = -1 },
		"network.router_session":              func(c *Config) { c.Adversaries[0].Routers = 10 },
		"network.message_jitter":              func(c *Config) { c.Network.MessageJitter = -1 },
		"destination.routers.0.reply_delay":   func(c *Config) { c.Destination.Routers[0].ReplyDelay = -1 },
		"faults.0.step":                       func(c *Config) { c.Faults = []Fault{{Kind: FaultSkew}} },
	} {
		c := worldOf(SchemeIndependent, 2)
		spoil(c)
		err := c.Validate()
		var f *FieldError
		if !errors.As(err, &f) || f.Path != path {
			t.Errorf("error %q, want one for %s", err, path)
		}
	}
	if err := worldOf(SchemeP140, 4).Validate(); err != nil {
		t.Error(err)
	}
}
