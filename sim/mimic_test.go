package sim

import (
	"math"
	"testing"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
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

// What is remembered of an observer's floodfill does not pass on to the next one in its
// place.
func TestNotesOfFloodfills(t *testing.T) {
	c := worldOf(SchemeP140, 2)
	c.Destination.Policy.Name = "mimic"
	c.Duration = Hour
	watched(c, targeted())
	var out Outcome
	w := NewWorld()
	mustRun(t, w, c, 6, &out)
	ids := map[balancer.PeerID]bool{}
	for f := range int32(len(w.net.ff)) {
		id := w.noteID(f)
		if got := w.notedFloodfill(id); got != f || ids[id] {
			t.Fatalf("floodfill %d is noted as %d, which is %d's", f, id, got)
		}
		ids[id] = true
	}
	day := w.net.day
	f := w.identity(day)
	was := w.noteID(f)
	w.grind(day + identities)
	if w.identity(day+identities) != f || w.noteID(f) == was || w.notedFloodfill(was) != none {
		t.Errorf("floodfill %d keeps its name %d over the days", f, was)
	}
	note := balancer.Note{Floodfill: w.noteID(f), Acks: 2, Took: 3 * Second, StoreOK: 5 * Second, StoreFailed: Never, AskOK: Never, AskFailed: 7 * Second}
	w.takeNotes(1, []balancer.Note{note, {Floodfill: was}, {Floodfill: -1}, {Floodfill: 1 << 30}})
	if got, want := w.routers[1].response[f], (responseStat{total: 3 * Second, acks: 2, storeOK: 5 * Second, askFailed: 7 * Second}); got != want {
		t.Errorf("taken as %+v, want %+v", got, want)
	}
}

// A LeaseSet whose ack is asked for at a lease that leads nowhere, and that is lost on its
// way, is stored elsewhere as one router would: no more of them come to no floodfill.
func TestMimicStoresWhatWasLost(t *testing.T) {
	missed := func(c *Config) (share, n float64) {
		c.Duration = 48 * Hour
		c.Network.StoreLoss = 0.3
		var out Outcome
		mustRun(t, NewWorld(), c, 8, &out)
		n = float64(out.Truth.Publishes)
		return 1 - float64(out.Truth.Published)/n, n
	}
	want, n := missed(worldOf(SchemeSingle, 1))
	c := worldOf(SchemeP140, 4)
	c.Destination.Policy.Name, c.Destination.Policy.Failover = "mimic", failoverMasked
	c.Destination.ControlDelay = 50 * Millisecond
	for i := range 48 {
		c.Faults = append(c.Faults, Fault{Kind: FaultCrash, Router: 1 + i%3, At: Time(i) * Hour, For: 10 * Minute})
	}
	got, m := missed(c)
	se := math.Sqrt((want + 1/n) * (1 - want) * (1/n + 1/m))
	if got > want+4*se {
		t.Errorf("of %v LeaseSets %.4f came to no floodfill; of one router's %v %.4f", m, got, n, want)
	}
}

// What the leader's own tunnels do shows in the acks of its stores, whatever the twins do
// that are listed: where its tunnels fail and the others' do not, as many stores go without an
// ack as those of such a router alone.
func TestMimicHearsThroughItsOwnTunnels(t *testing.T) {
	const trials = 8
	unheard := func(c *Config) (mean, variance float64) {
		c.Duration = 24 * Hour
		c.Network.StoreLoss, c.Destination.StartTogether = 0, true
		c.Destination.Routers[0].TunnelFailPerHour = 5
		for i := range c.Destination.Routers[1:] {
			c.Destination.Routers[1+i].TunnelFailPerHour = 0
		}
		w, out := NewWorld(), Outcome{}
		var share [trials]float64
		for k := range share {
			mustRun(t, w, c, uint64(k), &out)
			share[k] = float64(out.Truth.StoreTimeouts) / float64(out.Truth.Publishes)
			mean += share[k] / trials
		}
		for _, x := range share {
			variance += (x - mean) * (x - mean) / (trials - 1) / trials
		}
		return mean, variance
	}
	want, a := unheard(worldOf(SchemeSingle, 1))
	c := worldOf(SchemeP140, 4)
	c.Destination.Policy.Name, c.Destination.Policy.Failover = "mimic", failoverMasked
	c.Destination.ControlDelay = 50 * Millisecond
	got, b := unheard(c)
	if se := math.Sqrt(a + b); math.Abs(got-want) > 4*se {
		t.Errorf("attempts without an ack, for each publish: %.4f, of one router %.4f; standard error %.4f", got, want, se)
	}
}
