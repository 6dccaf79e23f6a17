package assess

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// ErrStopped is returned where the context ended before the reference was
// simulated.
var ErrStopped = errors.New("stopped before the reference was simulated")

// population is what was simulated under some conditions: vectors of attack
// combined. Nothing else of the trials is kept.
type population struct {
	conditions conditions
	kinds      []kindPopulation // in the order of kinds
}

type kindPopulation struct {
	kind string
	arms []arm // one router first, ascending
}

// arm is all trials of one kind and number of routers. Those withheld train
// nothing: a trial that an attack was trained on scores better than a new one of
// its like, and a trace must be compared with its like.
type arm struct {
	routers         int
	train, withheld [][]float64 // nil: the trial showed too little
}

// trials are the numbers of trials of an arm, of which there are n: half of all
// single routers are withheld, since a trace is compared with each of them, and
// there are twice as many.
func trials(n, routers int) (train, withheld int) {
	if routers == 1 {
		return n, n
	}
	return n - n/6, n / 6
}

// task is one trial of a population.
type task struct {
	kind, arm, trial int
	withheld         bool
}

// seed is the trial's own: it depends on what the trial is and not on when it is
// simulated.
func (t task) seed(kind string, routers int, scenarioSeed uint64) uint64 {
	label := uint64(routers) << 1
	if t.withheld {
		label |= 1
	}
	for _, c := range []byte(kind) {
		label = label<<8 | uint64(c)
	}
	return splitmix(splitmix(splitmix(scenarioSeed)^label) + uint64(t.trial))
}

// splitmix is the output function of SplitMix64 (Steele, Lea and Flood, 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// worlds are those of a population: of each kind, of each arm.
type worlds struct {
	seed    []uint64 // of each kind's scenario
	configs [][]*sim.Config
}

func worldsOf(c conditions) (*worlds, error) {
	w := &worlds{}
	for _, kind := range kinds {
		names := scenario.Names{Attacks: attack.Names(), Policies: policy.Names(), Rules: policy.RuleNames()}
		s, err := scenario.Parse("reference-"+kind+".yaml", []byte(c.scenarioText(kind)), names)
		if err != nil {
			return nil, fmt.Errorf("the scenario of the reference is at fault: %w", err)
		}
		configs := []*sim.Config{&s.Reference}
		for _, cell := range s.Cells() {
			configs = append(configs, &cell.World)
		}
		w.seed, w.configs = append(w.seed, s.Seed), append(w.configs, configs)
	}
	return w, nil
}

// empty is a population with room for n trials of each number.
func (w *worlds) empty(c conditions, n int) *population {
	p := &population{conditions: c}
	for i, kind := range kinds {
		k := kindPopulation{kind: kind}
		for _, cfg := range w.configs[i] {
			a := arm{routers: len(cfg.Destination.Routers)}
			train, withheld := trials(n, a.routers)
			a.train, a.withheld = make([][]float64, train), make([][]float64, withheld)
			k.arms = append(k.arms, a)
		}
		p.kinds = append(p.kinds, k)
	}
	return p
}

// tasks lists all trials of a population.
func (p *population) tasks() []task {
	var list []task
	for i := range p.kinds {
		for j := range p.kinds[i].arms {
			a := &p.kinds[i].arms[j]
			for t := range a.train {
				list = append(list, task{kind: i, arm: j, trial: t})
			}
			for t := range a.withheld {
				list = append(list, task{kind: i, arm: j, trial: t, withheld: true})
			}
		}
	}
	return list
}

// vector is where the outcome of a task stands.
func (p *population) vector(t task) *[]float64 {
	a := &p.kinds[t.kind].arms[t.arm]
	if t.withheld {
		return &a.withheld[t.trial]
	}
	return &a.train[t.trial]
}

// simulate plays the tasks on some workers and puts their vectors into p. Which
// worker plays what makes no difference.
func (w *worlds) simulate(ctx context.Context, p *population, list []task, workers int, progress func(done, total int)) error {
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := make(chan task)
	go func() {
		defer close(jobs)
		for _, t := range list {
			select {
			case jobs <- t:
			case <-ctx.Done():
				return
			}
		}
	}()
	var wait sync.WaitGroup
	var mu sync.Mutex // guards the three below
	var failed error
	done := 0
	for range min(workers, len(list)) {
		wait.Go(func() {
			one := trialPlayer{world: sim.NewWorld()}
			one.world.Stop = func() bool { return ctx.Err() != nil }
			for t := range jobs {
				k := &p.kinds[t.kind]
				seed := t.seed(k.kind, k.arms[t.arm].routers, w.seed[t.kind])
				v, err := one.play(w.configs[t.kind][t.arm], seed, p.conditions)
				mu.Lock()
				if err != nil {
					if failed == nil {
						failed = err
					}
					cancel()
					mu.Unlock()
					return
				}
				*p.vector(t) = v
				done++
				if progress != nil {
					progress(done, len(list))
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	switch {
	case failed != nil && !errors.Is(failed, sim.ErrStopped):
		return failed
	case done < len(list):
		return ErrStopped
	}
	return nil
}

// trialPlayer keeps the memory of a trial for the next one.
type trialPlayer struct {
	world   *sim.World
	outcome sim.Outcome
}

// play simulates a trial and returns what attack combined sees of it.
func (p *trialPlayer) play(cfg *sim.Config, seed uint64, c conditions) ([]float64, error) {
	if err := p.world.Run(varied(cfg, seed), seed, &p.outcome); err != nil {
		return nil, err
	}
	a, err := attack.New(attack.Combined)
	if err != nil {
		return nil, err
	}
	return a.Observe(attack.Gather(&p.outcome.Traces[0], c.observed.Milliseconds()-1)).Vector, nil
}
