package sim

import (
	"testing"

	"pgregory.net/rapid"
)

// TestAnyWorld runs worlds drawn at random, with faults that strike at any
// time, and checks what must hold whatever happens.
func TestAnyWorld(t *testing.T) {
	w, out := NewWorld(), new(Outcome)
	asked := 0
	w.Stop = func() bool { // 8 million events are no two hours any more
		asked++
		return asked > 2000
	}
	rapid.Check(t, func(t *rapid.T) {
		scheme := rapid.SampledFrom([]Scheme{
			SchemeSingle, SchemeIndependent, SchemeMeta, SchemeP140, SchemeP140Meta, SchemeLargeLeaseSet,
		}).Draw(t, "scheme")
		n := 1
		if scheme != SchemeSingle {
			n = rapid.IntRange(1, 6).Draw(t, "routers")
		}
		c := worldOf(scheme, n)
		c.Duration = 2 * Hour
		c.Warmup = Time(rapid.Int64Range(0, 2).Draw(t, "warmup")) * 30 * Minute
		c.Network.Floodfills = rapid.IntRange(5, 60).Draw(t, "floodfills")
		c.Network.StoreLoss = rapid.Float64Range(0, .5).Draw(t, "loss")
		c.Destination.Leases = rapid.IntRange(n, 16).Draw(t, "leases")
		c.Destination.StartTogether = rapid.Bool().Draw(t, "together")
		c.Destination.ControlDelay = Time(rapid.Int64Range(0, 400).Draw(t, "delay")) * Millisecond
		c.Destination.Policy.Verify = rapid.SampledFrom([]Time{VerifyAuto, 0, Minute}).Draw(t, "verify")
		c.Destination.PublishSpacing = Time(rapid.Int64Range(-1, 30).Draw(t, "spacing")) * Second
		kinds := []Kind{Java, I2pd}
		c.each(func(r *Router) {
			r.Kind = rapid.SampledFrom(kinds).Draw(t, "kind")
			if r.Kind == I2pd && balanced(scheme) {
				r.SpeaksP140 = rapid.Bool().Draw(t, "speaks")
			}
			r.Hops = rapid.IntRange(1, 4).Draw(t, "hops")
			r.Outbound = rapid.IntRange(1, 4).Draw(t, "outbound")
			r.BuildSuccess = rapid.Float64Range(.05, 1).Draw(t, "success")
			r.TunnelFailPerHour = rapid.Float64Range(0, 20).Draw(t, "failures")
			r.TestLoss = rapid.Float64Range(0, .6).Draw(t, "test loss")
			r.ClockSkew = Time(rapid.Int64Range(-5000, 5000).Draw(t, "skew")) * Millisecond
		})
		if rapid.Bool().Draw(t, "watched") {
			everyVantage(c)
			c.Adversaries[2].Floodfills = rapid.IntRange(1, 5).Draw(t, "its floodfills")
			c.Adversaries[3].ProbeEvery = Time(rapid.Int64Range(0, 20).Draw(t, "probes")) * 3 * Second
			c.Adversaries[3].ProbeLeases = rapid.IntRange(1, 20).Draw(t, "probed")
			c.Adversaries[4].Share = rapid.Float64Range(0, 1).Draw(t, "share")
			if c.Destination.Policy.Name != "" {
				c.Destination.Policy.Bundle = rapid.SampledFrom([]string{"composed", "pinned"}).Draw(t, "bundle")
			}
		}
		if rapid.Bool().Draw(t, "used") {
			users(c, Java, rapid.SampledFrom([]Traffic{TrafficStreams, TrafficDatagrams}).Draw(t, "traffic"), rapid.IntRange(1, 40).Draw(t, "clients"))
			c.Clients.JavaShare = rapid.Float64Range(0, 1).Draw(t, "java")
			c.Clients.MessageEvery = Time(rapid.Int64Range(1, 300).Draw(t, "message every")) * Second
			c.Clients.Stay = Time(rapid.Int64Range(0, 60).Draw(t, "stay")) * Minute
			if balanced(scheme) {
				c.Destination.Policy.Bundle = rapid.SampledFrom([]string{"composed", bundlePinned, bundleGarlic}).Draw(t, "bundle")
				c.Destination.Policy.Rotate = rapid.Bool().Draw(t, "rotate")
			}
		}
		faults := []FaultKind{FaultCrash, FaultRestart, FaultStall, FaultSkew, FaultFloodfillLoss, FaultTierShock}
		for range rapid.IntRange(0, 4).Draw(t, "faults") {
			c.Faults = append(c.Faults, Fault{
				Kind: rapid.SampledFrom(faults).Draw(t, "fault"), Router: rapid.IntRange(-1, n-1).Draw(t, "which"),
				At:    Time(rapid.Int64Range(0, 7200).Draw(t, "at")) * Second,
				For:   Time(rapid.Int64Range(0, 2000).Draw(t, "for")) * Second,
				Every: Time(rapid.Int64Range(0, 1).Draw(t, "every")) * 25 * Minute,
			})
			if f := &c.Faults[len(c.Faults)-1]; f.Kind == FaultSkew {
				f.Step = Time(rapid.Int64Range(-1800, 1800).Draw(t, "step"))*Second + Millisecond
			}
		}
		asked = 0
		if err := w.Run(c, rapid.Uint64().Draw(t, "seed"), out); err != nil {
			t.Fatal(err)
		}
		for i := range out.Traces {
			if err := out.Traces[i].Check(); err != nil {
				t.Fatalf("%s: %v", c.Adversaries[i].Name, err)
			}
		}
		tr := &out.Truth
		if x := &tr.Clients; x.Delivered > x.Sent || x.Answered > x.Delivered || x.Survived > x.Streams || x.FirstAnswered > x.FirstContacts || x.Stalled < 0 {
			t.Fatalf("clients that cannot be: %+v", x)
		}
		if tr.Live > tr.Samples || tr.Dead > tr.Listed || tr.Inbound > tr.Tunnels || tr.Inherited > tr.Inbound {
			t.Fatalf("counts that cannot be: %+v", tr)
		}
		checkPools(t, w)
	})
}

// checkPools looks for what a slip in the bookkeeping leaves behind.
func checkPools(t *rapid.T, w *World) {
	held := 0
	for i := range w.routers {
		r := &w.routers[i]
		inProgress := [2]int{}
		for _, x := range r.pending {
			if b := w.builds.at(x); !b.timedOut {
				inProgress[b.dir]++
			}
		}
		uses := 0
		for d := range r.pools {
			p := &r.pools[d]
			if r.up && p.inProgress != inProgress[d] {
				t.Fatalf("%d builds in progress, %d counted", inProgress[d], p.inProgress)
			}
			if r.cfg.Kind == Java && len(p.expiries) != len(p.members) {
				t.Fatalf("%d early expiries of %d tunnels", len(p.expiries), len(p.members))
			}
			for _, y := range p.members {
				uses += int(w.tunnels.at(y).hops)
			}
			held += len(p.members)
		}
		for _, peer := range r.usedBy {
			uses -= int(r.use[peer])
		}
		if uses != 0 {
			t.Fatalf("the counts of peers are off by %d", uses)
		}
	}
	if live := len(w.tunnels.items) - len(w.tunnels.unused); live != held {
		t.Fatalf("%d tunnels are kept, %d of them in pools", live, held)
	}
	referred := map[int32]int32{}
	refer := func(x int32) {
		if x != none {
			referred[x]++
		}
	}
	for k := range w.net.keys {
		for _, h := range w.net.keys[k].held {
			refer(h.set)
		}
	}
	for n := range w.meta.nodes {
		refer(w.meta.nodes[n].set)
	}
	for i := range w.routers {
		refer(w.routers[i].bundle)
	}
	for _, p := range w.watchers {
		if p.cfg.Vantage == vantageClient {
			refer(p.talk.set)
		}
	}
	for i := range w.clients.list {
		refer(w.clients.list[i].set)
		refer(w.clients.list[i].meta)
	}
	for x, n := range referred {
		if w.sets.at(x).refs < n {
			t.Fatalf("LeaseSet %d is kept %d times and referred to %d times", x, w.sets.at(x).refs, n)
		}
	}
	stores := 0
	for k := range w.stores.items {
		if w.stores.items[k].live {
			stores++
		}
	}
	if live := len(w.stores.items) - len(w.stores.unused); live != stores {
		t.Fatalf("%d store jobs are kept, %d of them live", live, stores)
	}
}
