package game

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// runner plays the trials of a plan and keeps their records.
type runner struct {
	plan     *plan
	opt      Options
	records  map[TrialID]*record
	tallies  []tally           // by unit
	fitted   [][]attack.Attack // by point, then by look
	warnings [][]string        // by point
	progress Progress
	// level is the confidence of the intervals of metrics, draws the resamples of each
	// of their bootstraps.
	level float64
	draws int
}

func newRunner(p *plan, opt Options) *runner {
	return &runner{
		plan: p, opt: opt,
		records:  make(map[TrialID]*record),
		tallies:  make([]tally, len(p.units)),
		warnings: make([][]string, len(p.points)),
		progress: Progress{Total: len(p.jobs(Training)) + len(p.jobs(Test))},
		level:    confidence, draws: resamples,
	}
}

// load takes over what an earlier part of the run has finished.
func (r *runner) load() error {
	if r.opt.Store == nil {
		return nil
	}
	wanted := make(map[TrialID]bool)
	for _, set := range []Set{Training, Test} {
		for _, id := range r.plan.jobs(set) {
			wanted[id] = true
		}
	}
	err := r.opt.Store.Load(func(line []byte) error {
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return fmt.Errorf("a record of a finished trial cannot be read: %w", err)
		}
		if wanted[rec.ID] && r.records[rec.ID] == nil && r.fits(&rec) {
			r.keep(&rec)
			r.progress.Resumed++
		}
		return nil
	})
	r.report()
	return err
}

// fits tells whether a stored record has what this plan asks of its trial; one
// that has not is simulated again.
func (r *runner) fits(rec *record) bool {
	u := &r.plan.units[r.plan.unitOf(rec.ID)]
	if rec.ID.Set == Training {
		return len(rec.Vectors) == len(u.looks)
	}
	if len(u.looks) == 0 {
		return len(rec.Values) == len(trialMetrics)
	}
	if len(rec.Verdicts) != len(u.users) {
		return false
	}
	for _, v := range rec.Verdicts {
		if len(v) != len(u.looks) {
			return false
		}
	}
	return len(rec.Values) == len(trialMetrics)
}

func (r *runner) report() {
	if r.opt.Progress != nil {
		r.opt.Progress(r.progress)
	}
}

// play simulates the trials that are not there yet, on all workers. What it
// keeps does not depend on which worker played what.
func (r *runner) play(ctx context.Context, ids []TrialID) error {
	var todo []TrialID
	for _, id := range ids {
		if r.records[id] == nil {
			todo = append(todo, id)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan TrialID)
	go func() {
		defer close(jobs)
		for _, id := range todo {
			select {
			case jobs <- id:
			case <-ctx.Done():
				return
			}
		}
	}()

	var (
		mu    sync.Mutex // guards all of r, the Store and the Sink
		group sync.WaitGroup
		first error
	)
	for range min(max(1, r.opt.Workers), max(1, len(todo))) {
		group.Go(func() {
			w := &worker{world: sim.NewWorld()}
			for id := range jobs {
				err := r.one(ctx, w, id, &mu)
				if err == nil {
					continue
				}
				mu.Lock()
				if first == nil && !errors.Is(err, sim.ErrStopped) {
					first = err
				}
				mu.Unlock()
				cancel()
				return
			}
		})
	}
	group.Wait()
	if first != nil {
		return first
	}
	for _, id := range todo {
		if r.records[id] == nil {
			return ErrStopped
		}
	}
	return nil
}

// one plays one trial and keeps its record.
func (r *runner) one(ctx context.Context, w *worker, id TrialID, mu *sync.Mutex) error {
	if err := w.simulate(r.plan, id, func() bool { return ctx.Err() != nil }); err != nil {
		if errors.Is(err, sim.ErrStopped) {
			return err
		}
		return fmt.Errorf("trial %v: %w", id, err)
	}
	var rec *record
	var err error
	if id.Set == Training {
		rec, err = w.train(r.plan, id)
	} else {
		rec = w.judge(r.plan, id, r.fitted)
	}
	if err != nil {
		return err
	}
	line, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("trial %v: %w", id, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if id.Set == Test && r.opt.Sink != nil {
		if err := r.sink(w, id); err != nil {
			return err
		}
	}
	if r.opt.Store != nil {
		if err := r.opt.Store.Append(line); err != nil {
			return err
		}
	}
	r.keep(rec)
	r.report()
	return nil
}

// keep takes in the record of a finished trial.
func (r *runner) keep(rec *record) {
	if rec.ID.Set == Test {
		r.tallies[r.plan.unitOf(rec.ID)].add(rec)
	}
	r.records[rec.ID] = rec
	r.progress.Done++
}

// sink hands over a test trial's traces and its truth.
func (r *runner) sink(w *worker, id TrialID) error {
	for i := range w.outcome.Traces {
		name := r.plan.units[r.plan.unitOf(id)].world.Adversaries[i].Name
		if err := r.opt.Sink.Trace(id, name, &w.outcome.Traces[i]); err != nil {
			return err
		}
	}
	line, err := w.truth(r.plan, id)
	if err != nil {
		return err
	}
	return r.opt.Sink.Truth(id, line)
}

// fit trains every look of every point on the training trials of its two
// arms. An attack that cannot be trained judges by its own model, and says so.
func (r *runner) fit() error {
	r.fitted = make([][]attack.Attack, len(r.plan.points))
	type task struct {
		point, look int
		err         error
	}
	var tasks []task
	counts := make(map[string]attack.Attack) // the same for all points that differ in their number of routers
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		r.fitted[i] = make([]attack.Attack, len(pt.looks))
		for k, l := range pt.looks {
			a, err := attack.New(l.attack)
			if err != nil {
				return err
			}
			if l.attack == attack.Posterior {
				a = attack.NewPosterior(pt.scenario.World.Adversaries[l.adversary].Prior)
			}
			key := fmt.Sprint(k, withoutCount(pt))
			if same := counts[key]; same != nil && l.attack == attack.Posterior {
				r.fitted[i][k] = same
				continue
			}
			counts[key] = a
			r.fitted[i][k] = a
			tasks = append(tasks, task{point: i, look: k})
		}
	}
	r.spread(len(tasks), func(n int) {
		t := &tasks[n]
		t.err = r.fitted[t.point][t.look].Fit(r.samples(&r.plan.points[t.point], t.look))
	})
	for _, t := range tasks {
		l := r.plan.points[t.point].looks[t.look]
		if errors.Is(t.err, attack.ErrTraining) {
			r.warnings[t.point] = append(r.warnings[t.point],
				fmt.Sprintf("attack %s at horizon %s judges untrained: %v", l.attack, hours(l.horizon), t.err))
		} else if t.err != nil {
			return t.err
		}
	}
	for id, rec := range r.records {
		if id.Set == Training {
			rec.Vectors = nil // learned
		}
	}
	return nil
}

// spread calls do for 0 to n-1, on as many workers as the run has.
func (r *runner) spread(n int, do func(int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(max(1, r.opt.Workers), n) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	group.Wait()
}

// samples are the training trials of both arms of a point, as look k saw them. The
// attack that counts routers learns from all points that differ in their number
// only.
func (r *runner) samples(pt *point, k int) []attack.Sample {
	if pt.looks[k].attack != attack.Posterior {
		return r.trained(nil, pt, pt.arms, k)
	}
	samples := r.trained(nil, pt, []scenario.Arm{scenario.ReferenceArm}, k)
	for i := range r.plan.points {
		if q := &r.plan.points[i]; slices.Equal(withoutCount(q), withoutCount(pt)) {
			samples = r.trained(samples, q, []scenario.Arm{scenario.PolicyArm}, k)
		}
	}
	return samples
}

// withoutCount is where in the sweep a point lies, but for its number of routers.
func withoutCount(pt *point) []scenario.Param {
	return slices.DeleteFunc(slices.Clone(pt.scenario.Grid), func(p scenario.Param) bool {
		return p.Path == "destination.routers.count"
	})
}

// trained appends the training trials of a point's arms.
func (r *runner) trained(samples []attack.Sample, pt *point, arms []scenario.Arm, k int) []attack.Sample {
	for _, arm := range arms {
		u := &r.plan.units[pt.unit[armIndex(arm)]]
		for t := range r.plan.scenario.Train {
			rec := r.records[TrialID{Cell: u.cell, Arm: arm, Set: Training, Trial: t}]
			samples = append(samples, attack.Sample{
				Multi:    armIndex(arm) == 0,
				Routers:  len(u.world.Destination.Routers),
				Features: attack.Features{Vector: rec.Vectors[k]},
			})
		}
	}
	return samples
}
