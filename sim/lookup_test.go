package sim

import "testing"

// TestFind: a lookup takes the floodfills from the closest on, and what the first
// one that has something gives out.
func TestFind(t *testing.T) {
	w := ready(t, worldOf(SchemeSingle, 1))
	today := &w.net.keys[serviceKey].today
	if got := w.find(serviceKey); got.set != none || got.floodfill != none || got.asked != lookupAsked {
		t.Errorf("of an empty netDb %+v", got)
	}
	x := w.setOf(100)
	w.offer(today[2], x)
	if got, want := w.find(serviceKey), (lookup{set: x, floodfill: today[2], asked: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	w.net.ff[today[2]].dead = true
	if got := w.find(serviceKey); got.set != none {
		t.Errorf("a dead floodfill answers: %+v", got)
	}
	w.net.ff[today[2]].dead = false
	w.offer(today[lookupAsked], w.setOf(200))
	if got := w.find(serviceKey); got.set != x {
		t.Error("found what lies too far away")
	}
	w.now = Time(w.sets.at(x).expires)*Second - w.epoch + leaseFudge
	if got := w.find(serviceKey); got.set != none {
		t.Error("found what has run out")
	}
}
