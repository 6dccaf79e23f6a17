package sim

import (
	"slices"
	"testing"

	"multihome.i2p/analysis/trace"
)

// TestCrash: one of four routers dies for an hour; the others serve on, its
// leases leave the LeaseSet, and it comes back.
func TestCrash(t *testing.T) {
	for _, scheme := range []Scheme{SchemeP140, SchemeIndependent} {
		c := worldOf(scheme, 4)
		c.Duration = 6 * Hour
		c.Faults = []Fault{{Kind: FaultCrash, Router: 2, At: 2 * Hour, For: Hour}}
		w, out := NewWorld(), new(Outcome)
		if err := w.reset(c, 4, out); err != nil {
			t.Fatal(err)
		}
		w.play(w.observed+2*Hour+30*Minute, nil)
		if w.routers[2].up || len(w.routers[2].pools[0].members) > 0 {
			t.Error("a dead router has tunnels")
		}
		w.play(w.end, nil)
		if n := len(w.routers[2].pools[0].members); !w.routers[2].up || n < 4 {
			t.Errorf("%s: %d inbound tunnels after its return", scheme, n)
		}
		tr := &out.Truth
		if len(tr.Failovers) != 1 || tr.Failovers[0] > 15*Minute {
			t.Errorf("%s: failovers %v", scheme, tr.Failovers)
		}
		if tr.Live < tr.Samples*99/100 {
			t.Errorf("%s: live in %d of %d samples", scheme, tr.Live, tr.Samples)
		}
	}
}

// TestOutage: the only router dies for an hour, and nothing can be reached.
func TestOutage(t *testing.T) {
	c := worldOf(SchemeSingle, 1)
	c.Duration = 6 * Hour
	c.Faults = []Fault{{Kind: FaultCrash, Router: 0, At: 2 * Hour, For: Hour}}
	var out Outcome
	mustRun(t, NewWorld(), c, 4, &out)
	tr := &out.Truth
	if down := tr.Samples - tr.Live; down < 58 || down > 70 {
		t.Errorf("down in %d samples, want about 60", down)
	}
	found := slices.ContainsFunc(out.Traces[0].Records, func(r trace.Record) bool { return r.Kind == trace.KindPoll })
	if !found {
		t.Error("the poller found something all the time")
	}
}

// TestStall: a frozen router is noticed by its missed probes, and by nothing
// else.
func TestStall(t *testing.T) {
	c := worldOf(SchemeP140, 4)
	c.Duration = 4 * Hour
	c.Faults = []Fault{{Kind: FaultStall, Router: 1, At: Hour, For: 20 * Minute}}
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 4, out); err != nil {
		t.Fatal(err)
	}
	w.play(w.observed+Hour+Minute, nil)
	if n := w.routers[1].missed; w.routers[1].beat == 0 || n < 20 {
		t.Errorf("%d probes missed in a minute, interval %v", n, w.routers[1].beat)
	}
	w.play(w.end, nil)
	if w.routers[1].missed != 0 || len(w.routers[1].pools[0].members) < 4 {
		t.Errorf("after its return: %d missed, %d tunnels", w.routers[1].missed, len(w.routers[1].pools[0].members))
	}
	if tr := &out.Truth; tr.Live < tr.Samples*99/100 {
		t.Errorf("live in %d of %d samples", tr.Live, tr.Samples)
	}
}

// TestOtherFaults runs the remaining kinds.
func TestOtherFaults(t *testing.T) {
	c := worldOf(SchemeIndependent, 2)
	c.Duration = 6 * Hour
	c.Faults = []Fault{
		{Kind: FaultRestart, Router: 0, At: Hour, Every: 2 * Hour},
		{Kind: FaultFloodfillLoss, Router: -1, At: 2 * Hour, For: Hour},
		{Kind: FaultTierShock, Router: -1, At: 3 * Hour},
		{Kind: FaultStall, Router: 1, At: 4 * Hour, For: 10 * Minute},
	}
	var out Outcome
	mustRun(t, NewWorld(), c, 9, &out)
	tr := &out.Truth
	if tr.Live < tr.Samples*98/100 {
		t.Errorf("live in %d of %d samples", tr.Live, tr.Samples)
	}
	if len(tr.Failovers) != 3 {
		t.Errorf("failovers %v, want three", tr.Failovers)
	}
}

// TestI2pdWakesWithItsRounds: an i2pd router goes on after a stall with one set of
// rounds, whoever decides about its tunnels, and whether or not a round came due
// while it was frozen.
func TestI2pdWakesWithItsRounds(t *testing.T) {
	for _, scheme := range []Scheme{SchemeSingle, SchemeP140} {
		for _, span := range []Time{2 * Second, 7 * Second, 10 * Minute} {
			c := worldOf(scheme, 1).each(func(r *Router) { r.Kind = I2pd })
			c.Duration, c.Warmup = 2*Hour, Hour
			c.Faults = []Fault{{Kind: FaultStall, Router: 0, At: Minute, For: span, Every: 15 * Minute}}
			w, out := NewWorld(), new(Outcome)
			if err := w.reset(c, 4, out); err != nil {
				t.Fatal(err)
			}
			w.play(w.observed+Hour, nil) // the last of four stalls is over
			rounds := map[eventKind]int{}
			var ev event
			for at, ok := w.peek(); ok && at < w.observed+Hour+50*Second; at, ok = w.peek() {
				w.next(&ev)
				w.now = ev.at
				if kind := eventKind(ev.kind); kind == evI2pdTick || kind == evI2pdPool {
					rounds[kind]++
				}
				w.dispatch(&ev)
			}
			for _, kind := range []eventKind{evI2pdTick, evI2pdPool} {
				if n := rounds[kind]; n < 3 || n > 4 {
					t.Errorf("%s, frozen for %v: %d rounds of kind %d in 50 s, want 3 or 4", scheme, span, n, kind)
				}
			}
		}
	}
}
