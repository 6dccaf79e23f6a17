package game

import (
	"math"
	"slices"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/sim/scenario"
)

// columns are what memory holds of the test trials of one unit: of each number of
// each trial eight bytes. Vectors are judged as they come in, and go.
type columns struct {
	done    []bool
	values  [][]float64   // by metric
	scores  [][][]float64 // by point that plays the unit, by look
	routers [][][]float64 // likewise; nil as long as no trial names a number
	// combined is what attack combined saw in the first trials: of the first adversary,
	// over the whole observation; nil elements where it was not asked, or saw too
	// little.
	combined [][]float64
}

// combinedTrials is of how many trials of a unit the vectors of attack combined are
// kept. They are as large as all else that is kept of six trials, and what is made of
// them (the bounds of the Bayes error, what the attack lives on) takes the square of
// their number in time.
const combinedTrials = 2000

// KeptBytes is about how many bytes of memory hold what a game keeps of its test
// trials, so many of each arm in all cells, from above.
func KeptBytes(s *scenario.Scenario, trials int) int64 {
	const (
		number  = 8 // bytes
		vectors = 6 // the vector of attack combined, in all else that is kept of a trial
	)
	p := newPlan(s)
	var bytes int64
	for i := range p.units {
		u := &p.units[i]
		// A look has a score and mostly a number of routers.
		ofTrial := number * int64(len(trialMetrics)+2*len(u.users)*len(u.looks))
		bytes += int64(trials) * ofTrial
		if u.combined() >= 0 {
			bytes += int64(min(trials, combinedTrials)) * vectors * ofTrial
		}
	}
	return bytes
}

// grow makes room for the first n trials.
func (c *columns) grow(u *unit, n int) {
	longer := func(xs []float64) []float64 {
		for len(xs) < n {
			xs = append(xs, math.NaN())
		}
		return xs
	}
	if c.values == nil {
		c.values = make([][]float64, len(trialMetrics))
		c.scores = make([][][]float64, len(u.users))
		c.routers = make([][][]float64, len(u.users))
		for i := range u.users {
			c.scores[i] = make([][]float64, len(u.looks))
			c.routers[i] = make([][]float64, len(u.looks))
		}
	}
	for k := range c.values {
		c.values[k] = longer(c.values[k])
	}
	for i := range c.scores {
		for k := range c.scores[i] {
			c.scores[i][k] = longer(c.scores[i][k])
			if c.routers[i][k] != nil {
				c.routers[i][k] = longer(c.routers[i][k])
			}
		}
	}
	for len(c.done) < n {
		c.done = append(c.done, false)
	}
	for len(c.combined) < min(n, combinedTrials) {
		c.combined = append(c.combined, nil)
	}
}

// verdicts are those of a look on the first n trials, for one of the points that
// play the unit: scores, and numbers of routers, NaN where none is named.
func (c *columns) verdicts(user, look, n int) (scores, routers []float64) {
	scores = slices.Clone(c.scores[user][look][:n])
	if known := c.routers[user][look]; known != nil {
		return scores, slices.Clone(known[:n])
	}
	routers = make([]float64, n)
	for t := range routers {
		routers[t] = math.NaN()
	}
	return scores, routers
}

// put keeps a test trial and what was judged of it.
func (c *columns) put(u *unit, rec *record, judged [][]verdict) {
	t := rec.ID.Trial
	c.done[t] = true
	for k, x := range rec.Values {
		c.values[k][t] = x
	}
	for i := range judged {
		for k, v := range judged[i] {
			c.scores[i][k][t] = v.Score
			if math.IsNaN(v.Routers) {
				continue
			}
			if c.routers[i][k] == nil {
				c.routers[i][k] = make([]float64, len(c.done))
				for j := range c.routers[i][k] {
					c.routers[i][k][j] = math.NaN()
				}
			}
			c.routers[i][k][t] = v.Routers
		}
	}
	if k := u.combined(); k >= 0 && t < len(c.combined) {
		c.combined[t] = rec.Vectors[k]
	}
}

// combined is the look of attack combined whose vectors are kept, -1 for none.
func (u *unit) combined() int {
	for k, l := range u.looks {
		if l.attack == attack.Combined && l.adversary == 0 && l.full {
			return k
		}
	}
	return -1
}

// judge returns the verdicts on a test trial: by point that plays its unit, then
// by look. It reads what is fixed since the attacks were trained.
func (r *runner) judge(rec *record) [][]verdict {
	u := &r.plan.units[r.plan.unitOf(rec.ID)]
	if len(u.looks) == 0 {
		return nil
	}
	judged := make([][]verdict, len(u.users))
	for i, point := range u.users {
		judged[i] = make([]verdict, len(u.looks))
		for k := range u.looks {
			reading := attack.Reading{Vector: rec.Vectors[k], Score: rec.Own[k].Score, Routers: rec.Own[k].Routers}
			score, routers := reading.Judge(r.fitted[point][k])
			judged[i][k] = verdict{score, routers}
		}
	}
	return judged
}
