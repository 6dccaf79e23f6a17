package game

import (
	"context"
	"errors"
	"fmt"

	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// PlayTrial plays one test trial of s anew, without training and without verdicts,
// and hands its traces and its truth to sink: the same bytes that Run with a Sink
// makes of it. cell counts from 0. trial may lie beyond the scenario's trials, since
// a longer run of the same scenario begins with the trials of a shorter one.
func PlayTrial(ctx context.Context, s *scenario.Scenario, cell int, arm scenario.Arm, trial int, sink Sink) error {
	p := newPlan(s)
	if cell < 0 || cell >= len(p.points) || len(p.points[cell].arms) <= armIndex(arm) {
		return fmt.Errorf("scenario %s has no cell %d with an arm %s", s.Name, cell, arm)
	}
	u := p.points[cell].unit[armIndex(arm)]
	id := TrialID{Cell: p.units[u].cell, Arm: arm, Set: Test, Trial: trial}
	w := &worker{world: sim.NewWorld()}
	if err := w.simulate(p, id, func() bool { return ctx.Err() != nil }); err != nil {
		if errors.Is(err, sim.ErrStopped) {
			return ErrStopped
		}
		return fmt.Errorf("trial %v: %w", id, err)
	}
	r := newRunner(p, Options{Sink: sink})
	return r.sink(w, id)
}
