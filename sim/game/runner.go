package game

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// runner plays the trials of a plan and keeps what the reduction needs of them.
type runner struct {
	plan     *plan
	opt      Options
	keys     map[Set][]*CellKey  // by unit; nil without a Cache
	share    *Shard              // nil: all trials are its own
	have     map[Set][][]trialAt // by unit, then by trial
	spilled  *spill
	trained  [][]lists         // where the vectors of training trials lie: by unit and trial, then by look
	kept     []columns         // of test trials, by unit
	tallies  []tally           // by unit
	fitted   [][]attack.Attack // by point, then by look; nil before fit
	warnings [][]string        // by point
	progress Progress
	cost     cost
	counted  []int  // by unit: trials that cost knows of
	first    int    // test trials that the scenario asks for
	stopped  string // how Until ended
	// level is the confidence of the intervals of metrics, draws the resamples of each
	// of their bootstraps.
	level float64
	draws int
}

// trialAt is where a trial is.
type trialAt uint8

const (
	nowhere trialAt = iota
	inStore         // its record is in the Store
	taken           // it is in memory too
)

func newRunner(p *plan, opt Options) *runner {
	r := &runner{
		plan: p, opt: opt, first: p.scenario.Trials, level: confidence, draws: resamples,
		spilled:  newSpill(opt.Scratch),
		trained:  make([][]lists, len(p.units)),
		kept:     make([]columns, len(p.units)),
		tallies:  make([]tally, len(p.units)),
		warnings: make([][]string, len(p.points)),
		counted:  make([]int, len(p.units)),
	}
	for i := range r.kept {
		r.kept[i] = newColumns(&p.units[i], r.spilled)
	}
	r.nameCells()
	r.grow()
	return r
}

// grow makes room for all trials of the plan.
func (r *runner) grow() {
	if r.have == nil {
		r.have = map[Set][][]trialAt{Training: make([][]trialAt, len(r.plan.units)), Test: make([][]trialAt, len(r.plan.units))}
	}
	for i := range r.plan.units {
		for set, at := range r.have {
			for len(at[i]) < r.plan.size(i, set) {
				at[i] = append(at[i], nowhere)
			}
		}
		for r.fitted == nil && len(r.trained[i]) < r.plan.size(i, Training) {
			r.trained[i] = append(r.trained[i], noLists)
		}
	}
	r.count()
}

// count counts the trials that this run is to have.
func (r *runner) count() {
	r.progress.Total = 0
	own := make([]int, len(r.plan.units))
	for _, set := range []Set{Training, Test} {
		for id := range r.own(set) {
			own[r.plan.unitOf(id)]++
			r.progress.Total++
		}
	}
	for i, n := range own {
		r.cost.expect(r.plan, i, n-r.counted[i])
		r.counted[i] = n
	}
}

// own are the trials of a set that this run is to have, in their order.
func (r *runner) own(set Set) iter.Seq[TrialID] {
	return r.share.of(r.plan, set)
}

// at is where a trial is; nil for one that the plan does not have.
func (r *runner) at(id TrialID) *trialAt {
	u := r.plan.unitOf(id)
	if u < 0 || id.Trial < 0 {
		return nil
	}
	all := r.have[id.Set]
	if all == nil || id.Trial >= len(all[u]) {
		return nil
	}
	return &all[u][id.Trial]
}

// scan notes which trials are in the Store, and takes the training trials in.
func (r *runner) scan() error {
	if r.opt.Store == nil {
		return nil
	}
	err := r.opt.Store.Load(func(line []byte) error {
		var name struct {
			ID TrialID `json:"id"`
		}
		if err := json.Unmarshal(line, &name); err != nil {
			return unreadable(err)
		}
		at := r.at(name.ID)
		if at == nil || *at != nowhere || !r.share.has(r.plan, name.ID) {
			return nil
		}
		if name.ID.Set == Test && r.share == nil {
			*at = inStore // judged later, see takeTests
		} else {
			var rec record
			if err := json.Unmarshal(line, &rec); err != nil {
				return unreadable(err)
			}
			if !r.fits(&rec) {
				return nil
			}
			r.take(&rec, nil)
		}
		r.progress.Done++
		r.progress.Resumed++
		r.cost.done(r.plan.unitOf(name.ID), 0)
		return nil
	})
	r.report()
	return errors.Join(err, r.spilled.failed())
}

func unreadable(err error) error {
	return fmt.Errorf("a record of a finished trial cannot be read: %w", err)
}

// takeTests takes in the test trials that are in the Store, as far as the plan
// goes by now. It reads and judges on all workers.
func (r *runner) takeTests() error {
	waiting := false
	for _, at := range r.have[Test] {
		waiting = waiting || slices.Contains(at, inStore)
	}
	if !waiting {
		return nil
	}
	var (
		mu    sync.Mutex // guards all of r
		group sync.WaitGroup
		first error
	)
	lines := make(chan []byte, 64)
	for range max(1, r.opt.Workers) {
		group.Go(func() {
			for line := range lines {
				var rec record
				err := json.Unmarshal(line, &rec)
				if err != nil {
					err = unreadable(err)
				}
				var judged [][]verdict
				fits := err == nil && r.fits(&rec)
				if fits {
					judged = r.judge(&rec)
				}
				mu.Lock()
				if first == nil {
					first = err
				}
				if at := r.at(rec.ID); fits && *at == inStore {
					r.take(&rec, judged)
				}
				mu.Unlock()
			}
		})
	}
	err := r.opt.Store.Load(func(line []byte) error {
		var name struct {
			ID TrialID `json:"id"`
		}
		if err := json.Unmarshal(line, &name); err != nil {
			return unreadable(err)
		}
		if name.ID.Set != Test || r.at(name.ID) == nil {
			return nil
		}
		lines <- slices.Clone(line)
		return nil
	})
	close(lines)
	group.Wait()
	// What has another shape than this plan asks for is simulated again.
	for i, at := range r.have[Test] {
		for t := range at {
			if at[t] == inStore {
				at[t] = nowhere
				r.progress.Done--
				r.progress.Resumed--
				r.cost.expect(r.plan, i, 1)
			}
		}
	}
	return errors.Join(err, first, r.spilled.failed())
}

// fits tells whether a stored record has what this plan asks of its trial; one
// that has not is simulated again.
func (r *runner) fits(rec *record) bool {
	u := &r.plan.units[r.plan.unitOf(rec.ID)]
	if len(rec.Vectors) != len(u.looks) {
		return false
	}
	return rec.ID.Set == Training || len(rec.Own) == len(u.looks) && len(rec.Values) == len(trialMetrics)
}

func (r *runner) report() {
	if r.opt.Progress != nil {
		r.opt.Progress(r.progress)
	}
}

func (r *runner) phase(name string) {
	if r.opt.Phase != nil {
		r.opt.Phase(name)
	}
}

// play simulates the trials that are not there yet, on all workers. What it
// keeps does not depend on which worker played what.
func (r *runner) play(ctx context.Context, ids iter.Seq[TrialID]) error {
	todo := 0
	for id := range ids {
		if *r.at(id) == nowhere {
			todo++
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan TrialID)
	go func() {
		defer close(jobs)
		for id := range ids {
			// Of a trial that nobody was handed yet nobody else speaks.
			if *r.at(id) != nowhere {
				continue
			}
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
	for range min(max(1, r.opt.Workers), max(1, todo)) {
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
	for id := range ids {
		if *r.at(id) == nowhere {
			return ErrStopped
		}
	}
	return nil
}

// one plays one trial and keeps its record.
func (r *runner) one(ctx context.Context, w *worker, id TrialID, mu *sync.Mutex) error {
	rec, line := r.reuse(id)
	reused := rec != nil
	var began, spent int64
	if !reused {
		if r.opt.Clock != nil {
			began = r.opt.Clock()
		}
		var err error
		if rec, line, err = r.simulate(ctx, w, id); err != nil {
			return err
		}
	}
	var judged [][]verdict
	if id.Set == Test && r.fitted != nil {
		judged = r.judge(rec)
	}
	if !reused && r.opt.Clock != nil {
		spent = r.opt.Clock() - began
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
	r.take(rec, judged)
	if err := r.spilled.failed(); err != nil {
		return err
	}
	r.progress.Done++
	if reused {
		r.progress.Reused++
	}
	r.cost.done(r.plan.unitOf(id), spent)
	r.progress.Spent += spent
	r.progress.Left = r.cost.left()
	r.report()
	return nil
}

// simulate plays one trial and returns its record, with its line.
func (r *runner) simulate(ctx context.Context, w *worker, id TrialID) (*record, []byte, error) {
	if err := w.simulate(r.plan, id, func() bool { return ctx.Err() != nil }); err != nil {
		if errors.Is(err, sim.ErrStopped) {
			return nil, nil, err
		}
		return nil, nil, fmt.Errorf("trial %v: %w", id, err)
	}
	rec, err := w.observe(r.plan, id)
	if err != nil {
		return nil, nil, err
	}
	line, err := json.Marshal(rec)
	if err != nil {
		return nil, nil, fmt.Errorf("trial %v: %w", id, err)
	}
	r.remember(id, line)
	return rec, line, nil
}

// take takes a finished trial in; a shard has no use for more than that it is
// there.
func (r *runner) take(rec *record, judged [][]verdict) {
	u := r.plan.unitOf(rec.ID)
	*r.at(rec.ID) = taken
	switch {
	case r.share != nil:
	case rec.ID.Set == Training:
		r.trained[u][rec.ID.Trial] = r.spilled.putLists(rec.Vectors)
	default:
		r.kept[u].put(rec, judged)
		r.tallies[u].add(rec)
	}
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
	r.trained = make([][]lists, len(r.plan.units)) // learned
	return r.spilled.failed()
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
		return r.training(nil, pt, pt.arms, k)
	}
	samples := r.training(nil, pt, []scenario.Arm{scenario.ReferenceArm}, k)
	for i := range r.plan.points {
		if q := &r.plan.points[i]; slices.Equal(withoutCount(q), withoutCount(pt)) {
			samples = r.training(samples, q, []scenario.Arm{scenario.PolicyArm}, k)
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

// training appends the training trials of a point's arms.
func (r *runner) training(samples []attack.Sample, pt *point, arms []scenario.Arm, k int) []attack.Sample {
	for _, arm := range arms {
		u := &r.plan.units[pt.unit[armIndex(arm)]]
		for t := range r.plan.scenario.Train {
			samples = append(samples, attack.Sample{
				Multi:    armIndex(arm) == 0,
				Routers:  len(u.world.Destination.Routers),
				Features: attack.Features{Vector: r.spilled.list(r.trained[pt.unit[armIndex(arm)]][t], k)},
			})
		}
	}
	return samples
}
