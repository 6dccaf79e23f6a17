package game

import (
	"testing"
)

// TestKeptBytes counts the numbers that memory holds of the test trials.
func TestKeptBytes(t *testing.T) {
	const trials = 50
	s := parse(t, `
question: q
seed: 1
trials: 50
duration: 1h
adversaries: [{name: poller, attacks: [distinct, richness], horizons: [30m, 1h]}]
sweep: {destination.policy: [per-router, superset]}
`)
	p := newPlan(s)
	if len(p.units) != 3 { // the reference serves both policies
		t.Fatalf("%d units, want 3", len(p.units))
	}
	var held int64
	for i := range p.units {
		u := &p.units[i]
		var c columns
		c.grow(u, trials)
		for j := range u.users {
			for k := range u.looks {
				c.routers[j][k] = make([]float64, trials) // every attack counts
				held += 8 * int64(len(c.scores[j][k])+len(c.routers[j][k]))
			}
		}
		for _, xs := range c.values {
			held += 8 * int64(len(xs))
		}
	}
	if got := KeptBytes(s, trials); got != held {
		t.Errorf("%d bytes, want %d", got, held)
	}
}
