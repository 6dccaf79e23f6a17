package game

import (
	"context"
	"fmt"
	"iter"

	"multihome.i2p/sim/scenario"
)

// Shard is one of Count shares of a run's trials, Index counting from 1. Training
// and test trials are both dealt out, one to each shard in turn, so that shards of
// a sweep whose cells cost differently take about as long. Nothing that an attack
// learns is needed to simulate a test trial: its record holds what all attacks
// saw, and is judged when the shards are brought together.
type Shard struct{ Index, Count int }

// String writes a shard as flags and messages do.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// has tells whether a trial is in the shard; nil is the whole run.
func (s *Shard) has(p *plan, id TrialID) bool {
	if s == nil {
		return true
	}
	at := p.position(id)
	if id.Set == Test {
		at += p.total(Training)
	}
	return at%s.Count == s.Index-1
}

// of are the trials of a set that are in the shard, in their order.
func (s *Shard) of(p *plan, set Set) iter.Seq[TrialID] {
	if s == nil {
		return p.jobs(set)
	}
	at := 0
	if set == Test {
		at = p.total(Training)
	}
	return func(yield func(TrialID) bool) {
		at := at
		for id := range p.jobs(set) {
			if at%s.Count == s.Index-1 && !yield(id) {
				return
			}
			at++
		}
	}
}

// total is the number of trials of a set.
func (p *plan) total(set Set) int {
	n := 0
	for i := range p.units {
		n += p.size(i, set)
	}
	return n
}

// RunShard simulates the trials of one shard into opt.Store, as far as they are not
// there. It judges nothing. The error is ErrStopped where ctx ended first.
func RunShard(ctx context.Context, s *scenario.Scenario, shard Shard, opt Options) error {
	r := newShardRunner(s, shard, opt)
	if err := r.scan(); err != nil {
		return err
	}
	if err := r.play(ctx, r.own(Training)); err != nil {
		return err
	}
	return r.play(ctx, r.own(Test))
}

func newShardRunner(s *scenario.Scenario, shard Shard, opt Options) *runner {
	r := newRunner(newPlan(s), opt)
	r.share = &shard
	r.count()
	return r
}

// Lacking tells how many of a shard's trials a Store does not hold, and how many
// there are.
func Lacking(s *scenario.Scenario, shard Shard, store Store) (missing, total int, err error) {
	r := newShardRunner(s, shard, Options{Store: store})
	err = r.scan()
	return r.progress.Total - r.progress.Done, r.progress.Total, err
}
