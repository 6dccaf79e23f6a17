package attack

import "math"

// A Reading is what a later verdict needs of one trace: the numbers that Fit
// learns from, and what the untrained attack says, which needs the trace itself.
// Judging a reading gives what Score gives of the trace, so that traces can be
// reduced to readings before, or far from where, the attack is trained.
type Reading struct {
	Vector []float64 // of Observe; nil if the trace holds too little
	// Score and Routers are those of the untrained attack; Routers is NaN where it
	// counts none.
	Score, Routers float64
}

// Read reduces features to a reading. a is untrained, and of the attack that made
// the features.
func Read(a Attack, f *Features) Reading {
	v := a.Score(f)
	return Reading{Vector: f.Vector, Score: v.Score, Routers: v.Routers.Center}
}

// Judge returns the score of the reading by an attack, trained or not, and the
// estimated number of routers, NaN where there is none.
func (r *Reading) Judge(a Attack) (score, routers float64) {
	t, ok := a.(vectorJudge)
	if !ok || r.Vector == nil {
		return r.Score, r.Routers
	}
	score, routers, ok = t.judge(r.Vector)
	switch {
	case !ok:
		return r.Score, r.Routers
	case math.IsNaN(routers):
		return score, r.Routers
	}
	return score, routers
}

// vectorJudge is what all attacks of this package can do when they are trained.
type vectorJudge interface {
	// judge returns the trained score of a vector, and a number of routers if
	// training tells it, else NaN; false if the attack is untrained.
	judge(vector []float64) (score, routers float64, ok bool)
}

func (d *distinct) judge(vector []float64) (score, routers float64, ok bool) {
	if d.model == nil {
		return 0, math.NaN(), false
	}
	return d.model.Score(vector), math.NaN(), true
}

func (r *richness) judge(vector []float64) (score, routers float64, ok bool) {
	if r.model == nil {
		return 0, math.NaN(), false
	}
	return r.model.Score(vector), math.NaN(), true
}

func (a *signalAttack) judge(vector []float64) (score, routers float64, ok bool) {
	if a.model == nil {
		return 0, math.NaN(), false
	}
	return a.model.Score(vector), math.NaN(), true
}

func (c *combined) judge(vector []float64) (score, routers float64, ok bool) {
	if c.model == nil {
		return 0, math.NaN(), false
	}
	return c.model.Score(vector), math.NaN(), true
}

func (p *posterior) judge(vector []float64) (score, routers float64, ok bool) {
	if p.model == nil {
		return 0, math.NaN(), false
	}
	return p.model.Score(vector), mostProbable(p.model.Posterior(vector), 0).Center, true
}
