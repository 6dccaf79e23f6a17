// Package game plays a scenario: it simulates both arms, trains the attacks
// that learn, scores the test trials and reduces everything to result values.
//
// The arms, and training and test trials, have independent seeds. What an attack
// has learned is fixed before a test trial is judged, and rests on training trials
// alone. A trial is reduced to a record of what every attack saw, which does not
// depend on training; so test trials may be simulated in any shard, before or after
// the attacks are trained. Trials run on any number of workers and shards and are
// reduced in their order, so that the bytes of the results depend on neither
// workers nor shards nor interruptions.
package game

import (
	"context"
	"errors"

	"multihome.i2p/analysis/result"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim/scenario"
)

// ErrStopped is returned by Run when its context ends before the run does.
// What was finished is in the Store.
var ErrStopped = errors.New("stopped before the end")

// Set tells training trials from test trials.
type Set string

// The sets of trials.
const (
	Training Set = "train"
	Test     Set = "test"
)

// TrialID names one trial of a run.
type TrialID struct {
	Cell  int // index into Scenario.Cells(), or into Figures
	Arm   scenario.Arm
	Set   Set
	Trial int
}

// Store keeps finished trials, so that an interrupted run goes on where it
// stopped. Run calls it from one goroutine at a time.
type Store interface {
	// Load calls f for every record that an earlier part of the same run
	// appended. A record that was cut off by a kill must not be passed on.
	Load(f func(record []byte) error) error
	// Append keeps a record: one line of JSON without its newline.
	Append(record []byte) error
}

// Sink takes the traces of test trials as they finish, in any order, and the
// truth about them, which no attack sees. Run calls it from one goroutine at a
// time.
type Sink interface {
	Trace(id TrialID, adversary string, tr *trace.Trace) error
	Truth(id TrialID, record []byte) error
}

// Progress is how far a run has come.
type Progress struct {
	Done, Total int // trials
	Resumed     int // of Done, those found in the Store
	Reused      int // of Done, those found in the Cache
	// Spent is what the trials simulated so far have taken, Left a forecast of what
	// the others will, in ns of one worker's time; 0 without a Clock, and Left before
	// the first trial. Cells whose trials cost differently count as they were measured.
	Spent, Left int64
}

// Phases of a run in which no trial finishes.
const (
	PhaseTraining = "training the attacks"
	PhaseReducing = "computing the results"
)

// Options of a run. The zero value runs on one worker and keeps nothing.
type Options struct {
	Workers int
	// Commit names the program's version in the summary.
	Commit string
	// Command is the command line that reproduces the results, for the report.
	Command string
	Store   Store
	// Scratch, where there is one, holds what each trial adds, so that memory does not
	// grow with their number; without one memory does.
	Scratch Scratch
	// Cache, where there is one, has trials of other runs.
	Cache    Cache
	Sink     Sink
	Progress func(Progress)
	// Phase is told what begins while no trial finishes, and "" when trials do again.
	Phase func(name string)
	// Clock tells ns since some time past, for forecasts; results do not depend on it.
	Clock func() int64
	// Until, where there is one, asks for more test trials than the scenario's.
	Until *Until
}

// Results of a run, ready for package reports.
type Results struct {
	Summary *result.Summary
	Figures *result.Figures
}

// Run plays s. The error is ErrStopped where ctx ended first.
func Run(ctx context.Context, s *scenario.Scenario, opt Options) (*Results, error) {
	r := newRunner(newPlan(s), opt)
	if err := r.scan(); err != nil {
		return nil, err
	}
	if err := r.play(ctx, r.own(Training)); err != nil {
		return nil, err
	}
	r.phase(PhaseTraining)
	if err := r.fit(); err != nil {
		return nil, err
	}
	r.phase("")
	for more := true; more; {
		err := r.takeTests()
		if err == nil {
			err = r.play(ctx, r.own(Test))
		}
		if err == nil {
			r.phase(PhaseReducing)
			more, err = r.more()
		}
		if err != nil {
			return nil, err
		}
	}
	return r.reduce(opt)
}
