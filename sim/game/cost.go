package game

import "multihome.i2p/sim"

// cost forecasts what is left to simulate. Each unit counts with what its own
// trials have taken; one of which no trial has been simulated yet counts with its
// work, at what a unit of work has taken elsewhere.
type cost struct {
	units []unitCost
	// Of all measured trials.
	spent, work float64 // ns; work as of workOf
	// What is left: of units that were measured, ns; of others, work.
	measured, unmeasured float64
}

type unitCost struct {
	work  float64 // of one trial
	left  int     // trials
	n     int     // trials that were measured
	spent float64 // ns, by these
}

// workOf is about how the cost of a trial grows: with the time simulated, the
// routers and the leases.
func workOf(w *sim.Config) float64 {
	return (w.Duration + w.Warmup).Seconds() * float64(len(w.Destination.Routers)+w.Destination.Leases)
}

// expect makes room for the units of a plan, and adds trials that are to come.
func (c *cost) expect(p *plan, unit, trials int) {
	for i := len(c.units); i < len(p.units); i++ {
		c.units = append(c.units, unitCost{work: workOf(p.units[i].world)})
	}
	c.change(unit, func(u *unitCost) { u.left += trials })
}

// done takes in a trial that is there; ns is what it took, 0 if it was not
// simulated.
func (c *cost) done(unit int, ns int64) {
	c.change(unit, func(u *unitCost) {
		u.left--
		if ns > 0 {
			u.n++
			u.spent += float64(ns)
			c.spent += float64(ns)
			c.work += u.work
		}
	})
}

func (c *cost) change(unit int, f func(*unitCost)) {
	u := &c.units[unit]
	c.add(u, -1)
	f(u)
	c.add(u, 1)
}

// add adds what is left of a unit to the sums, or takes it away.
func (c *cost) add(u *unitCost, sign float64) {
	if u.n == 0 {
		c.unmeasured += sign * float64(u.left) * u.work
		return
	}
	c.measured += sign * float64(u.left) * u.spent / float64(u.n)
}

// left is the forecast in ns of one worker's time; 0 where nothing was measured yet.
func (c *cost) left() int64 {
	if c.spent == 0 || c.work == 0 {
		return 0
	}
	return max(0, int64(c.measured+c.unmeasured*c.spent/c.work))
}
