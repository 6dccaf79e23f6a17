package game

import (
	"math"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/sim/scenario"
)

// columns are the numbers of the test trials of one unit: of each number of each trial
// eight bytes in the Scratch. Vectors are judged as they come in, and go.
type columns struct {
	unit *unit
	// table has a row for each trial: its metrics, then of each point that plays the
	// unit and each look score and number of routers.
	table *table
	to    *spill
	// seen is where the vectors lie that attack combined saw in the first trials: of the
	// first adversary, over the whole observation.
	seen []lists
	row  []float64 // to fill
}

// combinedTrials is of how many trials of a unit the vectors of attack combined are
// kept: what is made of them (the bounds of the Bayes error, what the attack lives on)
// takes the square of their number in time.
const combinedTrials = 2000

// values are metric k of the first n trials; NaN where one has none.
func (c *columns) values(k, n int) []float64 { return c.table.column(k, n) }

// scores are those of a look on the first n trials, for one of the points that play the
// unit.
func (c *columns) scores(user, look, n int) []float64 { return c.table.column(c.at(user, look), n) }

// routers are numbers of routers, likewise; NaN where none is named.
func (c *columns) routers(user, look, n int) []float64 { return c.table.column(c.at(user, look)+1, n) }

// at is the column of a look's scores; that of its numbers of routers follows.
func (c *columns) at(user, look int) int {
	return len(trialMetrics) + 2*(user*len(c.unit.looks)+look)
}

func newColumns(u *unit, to *spill) columns {
	c := columns{unit: u, to: to}
	c.table = newTable(to, c.at(len(u.users), 0))
	return c
}

// put keeps a test trial and what was judged of it.
func (c *columns) put(rec *record, judged [][]verdict) {
	c.row = append(c.row[:0], rec.Values...)
	for i := range judged {
		for _, v := range judged[i] {
			c.row = append(c.row, v.Score, v.Routers)
		}
	}
	for len(c.row) < c.table.width {
		c.row = append(c.row, math.NaN())
	}
	t := rec.ID.Trial
	c.table.add(t, c.row)
	if k := c.unit.combined(); k >= 0 && t < combinedTrials && len(rec.Vectors[k]) > 0 {
		for len(c.seen) <= t {
			c.seen = append(c.seen, noLists)
		}
		c.seen[t] = c.to.putLists(rec.Vectors[k : k+1])
	}
}

// combined are the vectors that attack combined saw in the first n trials, as far as
// they are kept; nil elements where it was not asked, or saw too little.
func (c *columns) combined(n int) [][]float64 {
	var vectors [][]float64
	for _, at := range c.seen[:min(n, len(c.seen))] {
		vectors = append(vectors, c.to.list(at, 0))
	}
	return vectors
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

// LearnedBytes is about how many bytes of memory hold what the attacks of a game have
// learned: mostly the training trials that others are compared with, the same however
// many are tested.
func LearnedBytes(s *scenario.Scenario) int64 {
	const ofTrial = 160 // measured, the mean of all attacks
	var looks int64
	p := newPlan(s)
	for i := range p.points {
		looks += int64(len(p.points[i].looks))
	}
	return looks * 2 * int64(s.Train) * ofTrial
}
