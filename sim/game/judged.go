package game

import (
	"context"
	"fmt"
	"math"
	"slices"

	"multihome.i2p/sim/scenario"
)

// Judged are the test trials of a finished run, with what was measured in each and
// what the trained attacks say of it.
type Judged struct {
	r       *runner
	columns []string
	looks   map[string]int // columns of scores and router counts
}

// Judge reads the trials of a finished run from a Store. Nothing is simulated: a
// trial that is not there is an error. trials is the number of test trials in each arm
// that the run came to, the scenario's unless it had an Until.
func Judge(s *scenario.Scenario, trials int, opt Options) (*Judged, error) {
	r := newRunner(newPlan(s), opt)
	for u := opt.Until; u != nil && r.plan.scenario.Trials < min(trials, u.Max); {
		r.enlarge(u)
	}
	if err := r.scan(); err != nil {
		return nil, err
	}
	for _, set := range []Set{Training, Test} {
		for i, at := range r.have[set] {
			if t := slices.Index(at, nowhere); t >= 0 {
				return nil, fmt.Errorf("trial %v is not there", TrialID{r.plan.units[i].cell, r.plan.units[i].arm, set, t})
			}
		}
	}
	if err := r.fit(); err != nil {
		return nil, err
	}
	if err := r.takeTests(); err != nil {
		return nil, err
	}
	// What was there may be of another shape; then some are missing now.
	if r.play(stoppedContext(), r.own(Test)) != nil {
		return nil, fmt.Errorf("some trials hold other numbers than this program asks for")
	}
	j := &Judged{r: r, looks: make(map[string]int)}
	j.name()
	return j, nil
}

// stoppedContext is one in which nothing is simulated.
func stoppedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// name lists the columns: the metrics of trials, then scores and router counts of
// the looks of all points.
func (j *Judged) name() {
	for _, m := range trialMetrics {
		j.columns = append(j.columns, m.name)
	}
	add := func(name string) {
		if _, ok := j.looks[name]; !ok {
			j.looks[name] = len(j.columns)
			j.columns = append(j.columns, name)
		}
	}
	for i := range j.r.plan.points {
		pt := &j.r.plan.points[i]
		for _, l := range pt.looks {
			add(lookColumn(pt, l, "score"))
		}
	}
	for i := range j.r.plan.points {
		pt := &j.r.plan.points[i]
		for k, l := range pt.looks {
			routers := j.r.counts(i, k)
			for _, xs := range routers {
				if slices.ContainsFunc(xs, func(x float64) bool { return !math.IsNaN(x) }) {
					add(lookColumn(pt, l, "routers"))
				}
			}
		}
	}
}

func lookColumn(pt *point, l look, what string) string {
	return pt.scenario.World.Adversaries[l.adversary].Name + ".attack." + l.attack + "." + what + "@" + hours(l.horizon)
}

// Columns name the numbers of a trial.
func (j *Judged) Columns() []string { return j.columns }

// JudgedTrial is one test trial in one cell. A world that several cells share has a
// trial in each, judged by what the attacks have learned there.
type JudgedTrial struct {
	Cell   int
	Arm    scenario.Arm
	Params []scenario.Param
	Trial  int
	// Numbers are in the order of the columns; NaN where there is none.
	Numbers []float64
}

// judgedAtOnce is of how many trials Each holds all numbers.
const judgedAtOnce = 1024

// Each calls f for all trials, by cell, arm and number. The trial belongs to Each.
func (j *Judged) Each(f func(*JudgedTrial) error) error {
	r := j.r
	t := JudgedTrial{Numbers: make([]float64, len(j.columns))}
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		for _, arm := range pt.arms {
			a := armIndex(arm)
			u := &r.plan.units[pt.unit[a]]
			t.Cell, t.Arm, t.Params = i, arm, pt.scenario.Params(arm)
			kept := &r.kept[pt.unit[a]]
			user := slices.Index(u.users, i)
			for from := 0; from < u.trials; from += judgedAtOnce {
				to := min(from+judgedAtOnce, u.trials)
				window := kept.table.window(from, to)
				rows := make([][]float64, len(j.columns))
				copy(rows, window[:len(trialMetrics)])
				for k, l := range pt.looks {
					at := kept.at(user, k)
					rows[j.looks[lookColumn(pt, l, "score")]] = window[at]
					if routers, ok := j.looks[lookColumn(pt, l, "routers")]; ok {
						rows[routers] = window[at+1]
					}
				}
				for t.Trial = from; t.Trial < to; t.Trial++ {
					for c, xs := range rows {
						t.Numbers[c] = math.NaN()
						if xs != nil {
							t.Numbers[c] = xs[t.Trial-from]
						}
					}
					if err := f(&t); err != nil {
						return err
					}
				}
			}
		}
	}
	return r.spilled.failed()
}
