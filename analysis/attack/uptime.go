package attack

import (
	"math"
	"slices"

	"multihome.i2p/analysis/trace"
)

// uptime holds what happens to the LeaseSet against which routers of the network come
// and go: an intersection attack (Danezis, Serjantov (2004), Information Hiding, LNCS
// 3200:293). Where a block of leases vanishes before its time, routers that went down
// just then are suspects; where the service falls silent, those that were away.
//
// It assumes that routers come and go independently of each other, but for those of
// one operator, and that their comings and goings are seen to the second; that a dead
// router's leases leave with the next version. Every interval between versions has a
// chance f, the share of the observation in which at least as many leases were lost
// early; a suspect's is that of the intervals in which it went down, joined as Fisher
// (1932) does. Of N routers that went down, N times that chance would by accident be
// as suspect (look-elsewhere, by Bonferroni). Routers that go down in the same two
// seconds, and come back in the same two, are tested as a group: as many groups of
// that size are expected by chance as a Poisson process of all comings and goings
// makes. "linked" counts the routers of which less than one in fifty was expected. A
// router that was away as versions were made cannot be the only one; one whose absence
// holds none, where many were due, may be.
var uptime = signal{
	name:     "uptime",
	vantages: anySighting,
	numbers:  []string{"best", "linked", "together", "suspects", "block", "lost", "survived", "gone", "missed"},
	measure:  uptimeNumbers,
	natural:  func(v []float64) float64 { return v[0] + v[1] },
}

const (
	// togetherMs is how far apart the same event is seen at two routers.
	togetherMs = 2000
	// lateMs is how long leases of a dead router may be listed anew: until its
	// silence is noticed.
	lateMs = 10 * 1000
	// linkedExpect is how many accidents as suspicious make a suspect.
	linkedExpect = 0.02
)

// An absence is a time for which a router was down.
type absence struct {
	router   int32
	from, to int64 // to is 0 if it did not come back
	change   int   // in which it went down, -1 for none
	company  int   // how many others went down together with it, and came back so
}

// absences lists them by their beginning, and counts the routers seen.
func absences(e *Evidence) (list []absence, routers int) {
	number := make(map[trace.Hash]int32)
	var open []int32 // of each router, its absence in list from 1; -1 before it was seen up
	for i := range e.Records {
		r := &e.Records[i]
		if r.Kind != trace.KindRouter {
			continue
		}
		k, ok := number[r.Self]
		if !ok {
			k = int32(len(open))
			number[r.Self] = k
			open = append(open, 0)
			if !r.Up {
				open[k] = -1 // when it went is not known
			}
			continue
		}
		switch at := open[k]; {
		case r.Up && at > 0:
			list[at-1].to = r.TimeMs
			open[k] = 0
		case r.Up:
			open[k] = 0
		case at == 0:
			list = append(list, absence{router: k, from: r.TimeMs, change: -1})
			open[k] = int32(len(list))
		}
	}
	return list, len(open)
}

// intersection is what uptime works on.
type intersection struct {
	changes  []change
	early    []int     // leases that each change lost before their time
	chance   []float64 // of each change
	expected []float64 // early losses that a steady rate would bring
	gone     []absence
	routers  int
	downs    float64 // a ms, of all routers
	total    float64 // ms
}

func newIntersection(e *Evidence) *intersection {
	x := &intersection{}
	if x.gone, x.routers = absences(e); x.routers == 0 {
		return nil
	}
	if x.changes = changesOf(e); len(x.changes) < minChanges {
		return nil
	}
	left := rests(e, x.changes)
	limit := int64(math.MaxInt64)
	if len(left) > 0 {
		limit = left[len(left)/2] + earlyMarginMs
	}
	x.early = make([]int, len(x.changes))
	all := 0.0
	for i := range x.changes {
		c := &x.changes[i]
		for _, j := range c.gone {
			if e.LeaseSets[c.before].Ends[j]-c.atMs > limit {
				x.early[i]++
			}
		}
		all += float64(x.early[i])
		x.total += float64(c.spanMs)
	}
	order := make([]int, len(x.changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return x.early[b] - x.early[a] })
	x.chance, x.expected = make([]float64, len(order)), make([]float64, len(order))
	sum := 0.0
	for i := 0; i < len(order); {
		j := i
		for ; j < len(order) && x.early[order[j]] == x.early[order[i]]; j++ {
			sum += float64(x.changes[order[j]].spanMs)
		}
		for ; i < j; i++ {
			x.chance[order[i]] = math.Min(1, (sum+1)/(x.total+1))
			x.expected[order[i]] = all * float64(x.changes[order[i]].spanMs) / math.Max(x.total, 1)
		}
	}
	x.downs = float64(len(x.gone)) / math.Max(float64(e.SpanMs), 1)
	x.place()
	return x
}

// place finds the change of each absence, and its company.
func (x *intersection) place() {
	k := 0
	for i := range x.gone {
		a := &x.gone[i]
		for k < len(x.changes) && x.changes[k].atMs < a.from {
			k++
		}
		if k < len(x.changes) && x.changes[k].atMs-x.changes[k].spanMs < a.from+lateMs {
			a.change = k
			// A version made as the router died still lists its leases.
			if n := k + 1; n < len(x.changes) && x.changes[k].atMs-a.from < lateMs && x.early[n] > x.early[k] {
				a.change = n
			}
		}
		for j := i + 1; j < len(x.gone) && x.gone[j].from-a.from <= togetherMs; j++ {
			b := &x.gone[j]
			if (a.to == 0) == (b.to == 0) && max(a.to-b.to, b.to-a.to) <= togetherMs {
				a.company++
				b.company++
			}
		}
	}
}

// groupExpect is how many groups as large as that of an absence, which go down
// together in a change as bad as its own and come back together, chance makes.
func (x *intersection) groupExpect(a *absence) float64 {
	near := togetherMs * x.downs // others that go down with it
	back := 1.0
	if a.to != 0 {
		// When it comes back is anywhere in the time that others take.
		back = math.Min(1, 2*togetherMs/math.Max(float64(a.to-a.from), togetherMs))
	}
	expect := float64(len(x.gone)) * x.chance[a.change]
	for m := range a.company {
		expect *= near * back / float64(m+1)
	}
	return expect
}

func uptimeNumbers(e *Evidence) []float64 {
	x := newIntersection(e)
	if x == nil {
		return nil
	}
	none := math.NaN()
	// Single routers: the product of the chances of their absences.
	product := make([]float64, x.routers) // logarithm
	times := make([]int, x.routers)
	suspects := make(map[int32]bool)
	best, together := math.Inf(1), 0.0
	linked := 0.0
	seen := make([]bool, x.routers)
	link := func(router int32, expect float64) {
		if expect < linkedExpect && !seen[router] {
			seen[router] = true
			linked++
		}
	}
	worst := 0
	for i := range x.changes {
		if x.surprise(i) > x.surprise(worst) {
			worst = i
		}
	}
	var culprit *absence
	for i := range x.gone {
		a := &x.gone[i]
		if a.change < 0 {
			continue
		}
		product[a.router] += math.Log(x.chance[a.change])
		times[a.router]++
		if a.change == worst && x.early[worst] > 0 {
			suspects[a.router] = true
		}
		expect := x.groupExpect(a)
		if a.company > 0 {
			link(a.router, expect)
			together = math.Max(together, -math.Log(expect))
		}
		if expect < best {
			best, culprit = expect, a
		}
	}
	went := 0.0
	for _, n := range times {
		went += bit(n > 0)
	}
	for r, n := range times {
		if n > 0 {
			expect := went * fisher(product[r], n)
			link(int32(r), expect)
			best = math.Min(best, expect)
		}
	}
	score := 0.0
	if !math.IsInf(best, 1) {
		score = -math.Log(best)
	}
	survived := none
	if culprit != nil && x.early[culprit.change] > 0 {
		made, due := x.made(culprit)
		survived = math.Log((made + 0.5) / (due + 0.5))
	}
	old := &e.LeaseSets[x.changes[worst].before]
	misses, polls := 0.0, 0.0
	for i := range e.Records {
		switch e.Records[i].Kind {
		case trace.KindPoll:
			misses++
			polls++
		case trace.KindLookup:
			polls++
		}
	}
	return []float64{
		score, linked, together, math.Log1p(float64(len(suspects))), x.surprise(worst),
		float64(x.early[worst]) / float64(max(len(old.Ends), 1)), survived, x.silence(), misses / math.Max(polls, 1),
	}
}

// surprise is minus the logarithm of the chance that a steady rate of losses brings as
// many as a change has.
func (x *intersection) surprise(i int) float64 {
	n, mu := x.early[i], math.Max(x.expected[i], 1e-9)
	if n == 0 {
		return 0
	}
	// The first term of the Poisson tail, which is most of it where it is small.
	g, _ := math.Lgamma(float64(n + 1))
	return math.Max(0, g+mu-float64(n)*math.Log(mu))
}

// fisher is the chance that so many independent chances have so small a product,
// given by its logarithm.
func fisher(log float64, n int) float64 {
	sum, term := 0.0, 1.0
	for k := range n {
		if k > 0 {
			term *= -log / float64(k)
		}
		sum += term
	}
	return math.Min(1, math.Exp(log)*sum)
}

// made counts the versions that were made in an absence, and how many were due.
func (x *intersection) made(a *absence) (made, due float64) {
	first := x.changes[0].atMs
	last := x.changes[len(x.changes)-1].atMs
	to := a.to
	if to == 0 {
		to = last
	}
	// What is on its way as a router dies is still published.
	from := max(a.from+lateMs, first)
	to = min(to, last)
	if to <= from {
		return 0, 0
	}
	for i := range x.changes {
		made += bit(x.changes[i].atMs > from && x.changes[i].atMs < to)
	}
	return made, float64(len(x.changes)) * float64(to-from) / math.Max(x.total, 1)
}

// silence is how surely the service was silent because some one router was away: the
// most versions that were due in the absences of one in which none was made, less the
// logarithm of the number of routers that went.
func (x *intersection) silence() float64 {
	made, due := make(map[int32]float64), make(map[int32]float64)
	for i := range x.gone {
		a := &x.gone[i]
		m, d := x.made(a)
		made[a.router] += m
		due[a.router] += d
	}
	if len(due) == 0 {
		return 0
	}
	most := 0.0
	for r, d := range due { // a maximum: in any order
		if made[r] == 0 {
			most = math.Max(most, d)
		}
	}
	return most - math.Log(float64(len(due)))
}
