package game

import (
	"iter"
	"reflect"
	"slices"
	"strconv"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// plan is everything that a run will simulate and judge, in the order in which
// it is reduced.
type plan struct {
	scenario *scenario.Scenario
	points   []point
	units    []unit
	named    map[unitName]int // units by what names them
}

// unitName names a unit: the first cell that plays it, and the arm.
type unitName struct {
	cell int
	arm  scenario.Arm
}

// point is one grid point, or one published figure: a world for each arm, and
// what the attacks are asked about it.
type point struct {
	scenario *scenario.Scenario
	figure   *scenario.Figure // nil in a game
	arms     []scenario.Arm
	unit     [2]int // by arm: where its trials are
	looks    []look
}

// look is one judgement of a trace: what one attack says of what one adversary
// saw within one horizon.
type look struct {
	adversary int
	attack    string
	horizon   sim.Time
	full      bool // the horizon is the whole observation
}

// unit is a world whose trials are simulated once, for all points that play
// it: a sweep over the policy has one reference.
type unit struct {
	arm   scenario.Arm
	world *sim.Config
	cell  int // of the first point that plays it; it names the unit
	users []int
	looks []look
	// trials is the number of test trials: the scenario's, or the figure's own.
	trials int
}

func newPlan(s *scenario.Scenario) *plan {
	p := &plan{scenario: s, named: make(map[unitName]int)}
	if len(s.Figures) > 0 {
		for i := range s.Figures {
			f := &s.Figures[i]
			if _, closed := f.Arithmetic(); closed {
				p.points = append(p.points, point{scenario: f.Scenario, figure: f})
				continue
			}
			p.add(point{scenario: f.Scenario, figure: f, arms: []scenario.Arm{scenario.PolicyArm}})
		}
		return p
	}
	for _, cell := range s.Cells() {
		p.add(point{
			scenario: cell,
			arms:     []scenario.Arm{scenario.PolicyArm, scenario.ReferenceArm},
			looks:    looksAt(cell),
		})
	}
	return p
}

// add appends a point, and units for those of its worlds that are new.
func (p *plan) add(pt point) {
	cell := len(p.points)
	for _, arm := range pt.arms {
		world := &pt.scenario.World
		if arm == scenario.ReferenceArm {
			world = &pt.scenario.Reference
		}
		at := slices.IndexFunc(p.units, func(u unit) bool {
			return u.arm == arm && u.trials == pt.scenario.Trials && reflect.DeepEqual(u.world, world)
		})
		if at < 0 {
			at = len(p.units)
			p.named[unitName{cell, arm}] = at
			p.units = append(p.units, unit{arm: arm, world: world, cell: cell, looks: pt.looks, trials: pt.scenario.Trials})
		}
		p.units[at].users = append(p.units[at].users, cell)
		pt.unit[armIndex(arm)] = at
	}
	p.points = append(p.points, pt)
}

// looksAt lists the judgements of a cell: every attack of every adversary at
// every horizon, the whole observation being one.
func looksAt(s *scenario.Scenario) []look {
	var looks []look
	for i := range s.World.Adversaries {
		a := &s.World.Adversaries[i]
		horizons := slices.Clone(a.Horizons)
		if !slices.Contains(horizons, s.World.Duration) {
			horizons = append(horizons, s.World.Duration)
		}
		slices.Sort(horizons)
		for _, name := range attacksOf(s, a) {
			for _, h := range horizons {
				looks = append(looks, look{adversary: i, attack: name, horizon: h, full: h == s.World.Duration})
			}
		}
	}
	return looks
}

// attacksOf lists the attacks of an adversary. Of all, the one that counts routers is
// left out where both arms have as many, and the one that reads Meta LeaseSets where
// there are none.
func attacksOf(s *scenario.Scenario, a *sim.Adversary) []string {
	// Where `all` was written, the scenario lists every attack that there is.
	if len(a.Attacks) > 0 && !slices.Contains(a.Attacks, "all") && !slices.Equal(a.Attacks, attack.Names()) {
		return a.Attacks
	}
	same := len(s.World.Destination.Routers) == len(s.Reference.Destination.Routers)
	swept := slices.ContainsFunc(s.Grid, func(p scenario.Param) bool {
		return p.Path == "destination.routers.count" || p.Path == scenario.VariantPath
	})
	names := slices.DeleteFunc(attack.NamesAt(trace.Vantage(a.Vantage)), func(name string) bool {
		return name == attack.Posterior && same && !swept || name == "uptime" && a.Routers == 0
	})
	if a.Vantage != string(trace.VantagePeer) && playsMeta(s) {
		names = append(names, attack.Meta)
		slices.Sort(names)
	}
	return names
}

// playsMeta tells whether an arm of any cell has a Meta LeaseSet.
func playsMeta(s *scenario.Scenario) bool {
	meta := func(scheme sim.Scheme) bool { return scheme == sim.SchemeMeta || scheme == sim.SchemeP140Meta }
	return meta(s.World.Destination.Scheme) || meta(s.Reference.Destination.Scheme) ||
		slices.ContainsFunc(s.Grid, func(p scenario.Param) bool {
			return p.Path == "destination.scheme" || p.Path == scenario.VariantPath
		})
}

func armIndex(a scenario.Arm) int {
	if a == scenario.ReferenceArm {
		return 1
	}
	return 0
}

// size is the number of a unit's trials in a set.
func (p *plan) size(unit int, set Set) int {
	u := &p.units[unit]
	switch {
	case set == Test:
		return u.trials
	case len(u.looks) == 0:
		return 0 // nobody watches, nobody learns
	}
	return p.scenario.Train
}

// jobs are the trials of one set, in the order of reduction.
func (p *plan) jobs(set Set) iter.Seq[TrialID] {
	return func(yield func(TrialID) bool) {
		for i := range p.units {
			u := &p.units[i]
			for k := range p.size(i, set) {
				if !yield(TrialID{Cell: u.cell, Arm: u.arm, Set: set, Trial: k}) {
					return
				}
			}
		}
	}
}

// position is the place of a trial among the jobs of its set.
func (p *plan) position(id TrialID) int {
	n := id.Trial
	for i := range p.unitOf(id) {
		n += p.size(i, id.Set)
	}
	return n
}

// unitOf finds the unit that an id names, -1 where there is none.
func (p *plan) unitOf(id TrialID) int {
	if at, ok := p.named[unitName{id.Cell, id.Arm}]; ok {
		return at
	}
	return -1
}

// seed is the trial's own seed: splitmix of the scenario's seed, the arm, the
// set and the number. Points of a sweep share it: the same random numbers
// under another policy.
func (id TrialID) seed(scenarioSeed uint64) uint64 {
	return splitmix(seedOf(scenarioSeed, id.Arm, id.Set) + uint64(id.Trial))
}

// seedOf is what the seeds of an arm's set of trials are made from.
func seedOf(scenarioSeed uint64, arm scenario.Arm, set Set) uint64 {
	label := uint64(armIndex(arm))<<1 | 1
	if set == Training {
		label |= 1 << 8
	}
	return splitmix(splitmix(scenarioSeed) ^ label)
}

// splitmix is the output function of SplitMix64 (Steele, Lea and Flood, 2014).
func splitmix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// String names a trial as messages and file names do.
func (id TrialID) String() string {
	return string(id.Arm) + "/" + string(id.Set) + "/" + strconv.Itoa(id.Cell) + "/" + strconv.Itoa(id.Trial)
}
