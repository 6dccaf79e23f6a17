package sim

import (
	"testing"

	"multihome.i2p/analysis/trace"
)

// TestGarlicAnswersOverEachLease: where the routers hand garlic up, a session holds over
// every lease that leads anywhere; else over those of one router.
func TestGarlicAnswersOverEachLease(t *testing.T) {
	for bundle, want := range map[string]float64{bundleGarlic: 1, "composed": .25} {
		c := sound(worldOf(SchemeP140, 4))
		c.Destination.Policy.Bundle = bundle
		c.Duration = 6 * Hour
		watched(c, prober())
		var out Outcome
		mustRun(t, NewWorld(), c, 5, &out)
		var sent, answered float64
		for i := range out.Traces[0].Records {
			r := &out.Traces[0].Records[i]
			if r.Kind == trace.KindProbe && r.Session != trace.SessionNew {
				sent++
				if r.Answered {
					answered++
				}
			}
		}
		if got := answered / sent; sent < 200 || got < want-.1 || got > want+.1 {
			t.Errorf("%s: %.0f of %.0f messages of sessions are answered", bundle, answered, sent)
		}
	}
}

// TestVoiceOfMimic: with one ratchet for all, every answer leaves through the leader as
// long as it is there, and through the one that has its outbound tunnels else.
func TestVoiceOfMimic(t *testing.T) {
	c := worldOf(SchemeP140, 3)
	c.Destination.Policy.Name, c.Destination.Policy.Failover, c.Destination.Policy.Bundle = "mimic", failoverMasked, bundleGarlic
	c.Destination.StartTogether = true
	c.Duration = 3 * Hour
	c.Faults = []Fault{{Kind: FaultCrash, Router: 0, At: Hour, For: 10 * Minute}}
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 5, out); err != nil {
		t.Fatal(err)
	}
	crash := w.observed + Hour
	w.play(w.end, func() {
		for i := range w.routers {
			got := w.voice(int32(i))
			switch {
			case w.now > w.observed && w.now < crash && got != 0:
				t.Fatalf("%v: router %d answers in the leader's place", w.now-w.observed, got)
			case w.now > crash+5*Second && w.now < crash+9*Minute && (got == 0 || w.wayBack(&w.routers[got]) == none):
				t.Fatalf("%v after the crash: router %d answers", w.now-crash, got)
			}
		}
	})
}
