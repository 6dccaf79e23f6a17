package game

import (
	"sync/atomic"
	"testing"

	"multihome.i2p/sim"
)

// What is left is told from what each cell's own trials took, as soon as there is
// one.
func TestCost(t *testing.T) {
	world := func(hours int) *sim.Config {
		w := &sim.Config{Duration: sim.Time(hours) * sim.Hour}
		w.Destination.Leases = 10
		return w
	}
	p := &plan{units: []unit{{world: world(1)}, {world: world(3)}}}
	var c cost
	c.expect(p, 0, 10)
	c.expect(p, 1, 10)
	if c.left() != 0 {
		t.Error("a forecast without a measurement")
	}
	for _, step := range []struct {
		unit       int
		took, left int64
	}{
		{0, 100, 900 + 3000}, // the other is three times the work
		{0, 100, 800 + 3000},
		{0, 0, 700 + 3000},   // was there already
		{1, 500, 700 + 4500}, // is five times in truth
		{1, 700, 700 + 4800},
		{0, 400, 1200 + 4800},
	} {
		c.done(step.unit, step.took)
		if c.left() != step.left {
			t.Errorf("after a trial of unit %d that took %d: %d left, want %d", step.unit, step.took, c.left(), step.left)
		}
	}
	c.expect(p, 0, 5)
	if want := int64(2200 + 4800); c.left() != want {
		t.Errorf("with five more trials %d left, want %d", c.left(), want)
	}
}

// A run ends with nothing left, whatever part of it was there before.
func TestNothingIsLeft(t *testing.T) {
	s := parse(t, untilScenario)
	var ticks atomic.Int64
	store := &memory{}
	for _, u := range []*Until{nil, {Width: 0.6, Max: 20}} {
		var last Progress
		sum := int64(0)
		run(t, s, Options{Workers: 2, Store: store, Until: u, Clock: func() int64 { return ticks.Add(10) }, Progress: func(p Progress) {
			if p.Left > 0 {
				sum++
			}
			last = p
		}})
		if last.Left != 0 || last.Spent == 0 || last.Done != last.Total || sum == 0 {
			t.Errorf("in the end %+v, after %d forecasts", last, sum)
		}
	}
}
