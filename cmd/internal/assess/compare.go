package assess

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// References compare traces with populations that they simulate, or find in a
// cache. The zero value keeps nothing and uses all processors. References are for
// one goroutine.
type References struct {
	Dir     string // of the cache; empty for none
	Workers int    // that simulate; 0: as many as there are processors
	Trials  int    // of each number of routers; 0: 60. Tests get by with fewer.

	Progress func(done, total int) // of a simulation; nil for none
	Warn     func(text string)     // of a cache that does not work; nil for none

	made map[conditions]*judge
}

const defaultTrials = 60

// The rule of the verdict with a reference is that without one (singleFrom,
// multiTo), and a second condition, that the other arm is excluded by its scores:
// for multi no more than this share of the single routers score higher, for single
// no more than this share of several routers score lower.
const excludedShare = 0.05

// otherKind is the least probability of a kind of router that counts: a kind that
// is out of the question is not trained for.
const otherKind = 1e-4

// strangeShare is the share of simulated trials that pass for strange.
const strangeShare = 0.01

// judge is what was learned of a population.
type judge struct {
	population *population
	i2pd       *learn.Logistic // log odds of i2pd against Java
	ofKind     []*kindJudge    // nil: not needed so far
}

type kindJudge struct {
	*kindPopulation
	combined, posterior attack.Attack
	scale               *learn.Scaler
	near                [][]float64 // training rows, scaled
	several             []bool      // of each, whether several routers made it
	limits              [2]float64  // of distance, from one router and from several

	ones, many              []float64 // scores of withheld trials of one router and of several, ascending
	singleTold, severalTold analysis.Estimate
}

// comparison is how a trace compares with a population.
type comparison struct {
	conditions
	judge *kindJudge // of the more probable kind

	kinds     []float64 // probabilities, in the order of kinds
	prior     []float64 // of 1, 2, … routers
	posterior []float64
	routers   analysis.Estimate
	score     float64
	higher    analysis.Estimate // share of single routers with a higher score
	lower     analysis.Estimate // share of several routers with a lower score
	distance  float64           // from the nearest training row
	limit     float64           // of distance
	strange   bool
}

// Of estimates what the trace tells that was read from file, and compares it with
// the population for it, if there can be one. It returns [ErrStopped] where ctx
// ends before that is simulated.
func (r *References) Of(ctx context.Context, file string, tr *trace.Trace) (*Assessment, error) {
	a, untrained, err := estimate(file, tr)
	if err != nil {
		return nil, err
	}
	c, e, unfit := conditionsOf(tr)
	if unfit != nil && !unfit.few {
		a.conclude(untrained)
		a.warn(unfit.why + "; the verdict is that of the untrained attacks")
		return a, nil
	}
	if unfit != nil {
		a.tell(untrained.notes)
		a.verdict = Insufficient
		a.sentence = unfit.why + "; " + observeMore
		return a, nil
	}
	j, err := r.judge(ctx, c)
	if err != nil {
		return nil, err
	}
	all, err := attack.New(attack.Combined)
	if err != nil {
		return nil, err
	}
	f := all.Observe(e)
	if f.Vector == nil {
		a.tell(untrained.notes)
		a.verdict = Insufficient
		a.sentence = "the trace shows nothing that any attack looks at; " + observeMore
		return a, nil
	}
	if a.reference, err = j.compare(&f); err != nil {
		return nil, err
	}
	if rest := a.Span() - c.observed; rest > max(c.every, maxEvery) {
		a.warn(fmt.Sprintf("compared are the first %s of the trace", spaced(c.observed)))
	}
	// What the two that were trained said of themselves untrained holds no more.
	a.tell(slices.DeleteFunc(untrained.notes, func(n note) bool { return n.attack == attack.Combined || n.attack == attack.Posterior }))
	a.concludeCompared(len(e.LeaseSets))
	return a, nil
}

// observeMore says what a trace needs.
const observeMore = "observe for 3 hours or more every 10 minutes, or for one hour every minute."

// judge learns from the population for some conditions, once.
func (r *References) judge(ctx context.Context, c conditions) (*judge, error) {
	if j := r.made[c]; j != nil {
		return j, nil
	}
	all, err := attack.New(attack.Combined)
	if err != nil {
		return nil, err
	}
	p, err := r.get(ctx, c, all.Numbers())
	if err != nil {
		return nil, err
	}
	j := &judge{population: p, ofKind: make([]*kindJudge, len(p.kinds))}
	var rows [][]float64
	var labels []bool
	for i := range p.kinds {
		for _, a := range p.kinds[i].arms {
			for _, v := range a.train {
				if v != nil {
					rows, labels = append(rows, v), append(labels, i > 0)
				}
			}
		}
	}
	if j.i2pd, err = learn.FitLogistic(rows, labels, learn.LogisticOptions{}); err != nil {
		return nil, err
	}
	if r.made == nil {
		r.made = make(map[conditions]*judge)
	}
	r.made[c] = j
	return j, nil
}

// prior is the probability of 1, 2, … routers before any evidence: one half that
// there is one, the rest even among the other numbers that are simulated.
func (p *population) prior() []float64 {
	prior := make([]float64, attack.MaxRouters)
	arms := p.kinds[0].arms
	for _, a := range arms {
		if a.routers == 1 {
			prior[0] = 0.5
		} else {
			prior[a.routers-1] = 0.5 / float64(len(arms)-1)
		}
	}
	return prior
}

// kind trains the attacks for a kind of router, once.
func (j *judge) kind(i int) (*kindJudge, error) {
	if j.ofKind[i] != nil {
		return j.ofKind[i], nil
	}
	k := &kindJudge{kindPopulation: &j.population.kinds[i], posterior: attack.NewPosterior(j.population.prior())}
	var samples []attack.Sample
	var rows [][]float64
	for _, a := range k.arms {
		for _, v := range a.train {
			if v == nil {
				continue
			}
			rows, k.several = append(rows, v), append(k.several, a.routers > 1)
			samples = append(samples, attack.Sample{Multi: a.routers > 1, Routers: a.routers, Features: attack.Features{Vector: v}})
		}
	}
	var err error
	if k.combined, err = attack.New(attack.Combined); err != nil {
		return nil, err
	}
	for _, a := range []attack.Attack{k.combined, k.posterior} {
		if err := a.Fit(samples); err != nil {
			return nil, fmt.Errorf("the reference teaches attack %s nothing: %w", a.Name(), err)
		}
	}
	if k.scale, err = learn.FitScaler(rows, learn.ScaleOptions{}); err != nil {
		return nil, err
	}
	for _, v := range rows {
		k.near = append(k.near, k.scale.Apply(v))
	}
	// How far a trial lies from all others, of each arm: single routers differ more
	// from each other than several do, which even out.
	var own [2][]float64
	for i := range k.near {
		_, distance := nearest(k.near[i], k.near, i)
		own[k.side(i)] = append(own[k.side(i)], distance)
	}
	for side := range own {
		slices.Sort(own[side])
		n := len(own[side])
		k.limits[side] = own[side][min(n-1, int(math.Ceil((1-strangeShare)*float64(n+1)))-1)]
	}
	k.tell()
	j.ofKind[i] = k
	return k, nil
}

// side is the arm of a training row: 0 for one router, 1 for several.
func (k *kindJudge) side(row int) int {
	if k.several[row] {
		return 1
	}
	return 0
}

// distance is that of a vector from the nearest training row, and the limit beyond
// which it is strange.
func (k *kindJudge) distance(v []float64) (distance, limit float64) {
	row, distance := nearest(k.scale.Apply(v), k.near, -1)
	return distance, k.limits[k.side(row)]
}

// nearest is the nearest of some points, but for the one at index skip, and how far
// it is.
func nearest(z []float64, points [][]float64, skip int) (index int, distance float64) {
	best := math.Inf(1)
	for i, p := range points {
		if i == skip {
			continue
		}
		sum := 0.0
		for c, x := range z {
			if sum += (x - p[c]) * (x - p[c]); sum >= best {
				break
			}
		}
		if sum < best {
			index, best = i, sum
		}
	}
	return index, math.Sqrt(best)
}

// tell judges the withheld trials as if they were traces: what share of their
// verdicts is right.
func (k *kindJudge) tell() {
	type look struct {
		score, one float64
		strange    bool
	}
	looks := [2][]look{}
	for _, a := range k.arms {
		arm := 0
		if a.routers > 1 {
			arm = 1
		}
		for _, v := range a.withheld {
			if v == nil {
				continue
			}
			f := attack.Features{Vector: v}
			distance, limit := k.distance(v)
			looks[arm] = append(looks[arm], look{k.combined.Score(&f).Score, k.posterior.Score(&f).Posterior[0], distance > limit})
		}
	}
	for _, l := range looks[0] {
		k.ones = append(k.ones, l.score)
	}
	for _, l := range looks[1] {
		k.many = append(k.many, l.score)
	}
	slices.Sort(k.ones)
	slices.Sort(k.many)
	var right [2]int
	for arm, want := range []Verdict{Single, Multi} {
		for _, l := range looks[arm] {
			higher, lower := k.above(l.score), k.below(l.score)
			// A trial is not compared with itself.
			singles, several := float64(max(1, len(k.ones)-(1-arm))), float64(max(1, len(k.many)-arm))
			if rule(l.one, float64(higher)/singles, float64(lower)/several, l.strange) == want {
				right[arm]++
			}
		}
	}
	k.singleTold = shareOf(right[0], len(looks[0]))
	k.severalTold = shareOf(right[1], len(looks[1]))
}

// shareOf is a share with its interval.
func shareOf(k, n int) analysis.Estimate {
	if n == 0 {
		return analysis.Undefined(0, "share", confidence, "nothing was simulated")
	}
	return analysis.ClopperPearson(k, n, confidence)
}

// above counts the withheld single routers with a higher score.
func (k *kindJudge) above(score float64) int {
	n, _ := slices.BinarySearchFunc(k.ones, score, func(s, score float64) int {
		if s <= score {
			return -1
		}
		return 1
	})
	return len(k.ones) - n
}

// below counts the withheld trials of several routers with a lower score.
func (k *kindJudge) below(score float64) int {
	n, _ := slices.BinarySearch(k.many, score)
	return n
}

// rule is the verdict, by the probability of one router, the share of single
// routers with a higher score, that of several with a lower one, and whether
// nothing simulated is like it.
func rule(one, higher, lower float64, strange bool) Verdict {
	switch {
	case strange:
		return Undecided
	case one >= singleFrom && lower <= excludedShare:
		return Single
	case one <= multiTo && higher <= excludedShare:
		return Multi
	}
	return Undecided
}

// compare compares what a trace shows with the population.
func (j *judge) compare(f *attack.Features) (*comparison, error) {
	odds := j.i2pd.Score(f.Vector)
	x := &comparison{
		conditions: j.population.conditions, prior: j.population.prior(),
		kinds: []float64{1 / (1 + math.Exp(odds)), 1 / (1 + math.Exp(-odds))},
	}
	best := 0
	if x.kinds[1] > x.kinds[0] {
		best = 1
	}
	x.posterior = make([]float64, attack.MaxRouters)
	sum := 0.0
	for i, p := range x.kinds {
		if p < otherKind {
			continue
		}
		k, err := j.kind(i)
		if err != nil {
			return nil, err
		}
		v := k.posterior.Score(f)
		for n, q := range v.Posterior {
			x.posterior[n] += p * q
		}
		sum += p
		if i == best {
			x.judge = k
		}
	}
	for n := range x.posterior {
		x.posterior[n] /= sum
	}
	n := 0
	if f.Evidence != nil {
		n = len(f.Evidence.LeaseSets)
	}
	x.routers = mostProbable(x.posterior, n)
	x.score = x.judge.combined.Score(f).Score
	x.higher = shareOf(x.judge.above(x.score), len(x.judge.ones))
	x.lower = shareOf(x.judge.below(x.score), len(x.judge.many))
	x.distance, x.limit = x.judge.distance(f.Vector)
	x.strange = x.distance > x.limit
	return x, nil
}

// mostProbable is the most probable number of routers, with the smallest set of
// numbers that holds the truth with the confidence.
func mostProbable(posterior []float64, n int) analysis.Estimate {
	best := 0
	for k, p := range posterior {
		if p > posterior[best] {
			best = k
		}
	}
	e := analysis.Estimate{Center: float64(best + 1), Lo: float64(best + 1), Hi: float64(best + 1), Confidence: confidence, N: n, Unit: "routers"}
	set, _ := learn.CredibleSet(posterior, confidence)
	for _, k := range set {
		e.Lo, e.Hi = min(e.Lo, float64(k)), max(e.Hi, float64(k))
	}
	return e
}

// maxLogOdds cuts odds where they are rounding errors, as the attacks do.
const maxLogOdds = 700

// concludeCompared puts the comparison in the place of what the untrained attacks
// said. leaseSets is the number of those compared.
func (a *Assessment) concludeCompared(leaseSets int) {
	x := a.reference
	a.posterior = x.posterior
	score := func(s float64) analysis.Estimate {
		return analysis.Estimate{Center: s, Lo: math.NaN(), Hi: math.NaN(), N: leaseSets, Unit: scoreUnit}
	}
	several := 0.0
	for _, p := range x.posterior[1:] {
		several += p
	}
	odds := math.Log(several) - math.Log(x.posterior[0]) // the prior odds are even
	a.estimates["attack."+attack.Combined+".score"] = score(x.score)
	a.estimates["attack."+attack.Posterior+".score"] = score(max(-maxLogOdds, min(maxLogOdds, odds)))
	a.estimates["attack."+attack.Posterior+".routers"] = x.routers
	one := x.posterior[0]
	a.verdict = rule(one, x.higher.Center, x.lower.Center, x.strange)
	with := "compared with " + x.population() + ", "
	switch a.verdict {
	case Single:
		a.sentence = with + fmt.Sprintf("one router explains what was seen (probability %s, and %s of several routers look more like one); "+
			"keep observing after every change of the set-up, since this holds for these attacks and this trace only.", probability(one), bounded(x.lower))
	case Multi:
		a.sentence = with + fmt.Sprintf("several routers show, most probably %s (probability of one: %s, and %s of the single routers look more like several); "+
			"whoever polls the netDb can see that; none of the built-in policies hides it.", x.count(), probability(one), bounded(x.higher))
	case Undecided:
		if x.strange {
			a.warn(fmt.Sprintf("nothing simulated is like the trace: its distance from the nearest trial is %.3g, and %g %% of the trials lie within %.3g of another",
				x.distance, 100*(1-strangeShare), x.limit))
			a.sentence = with + "it is unlike anything simulated, and the numbers of the reference say nothing; " +
				"see whether the trace has gaps, and compare it with a trace of one router of the kind you run."
			return
		}
		longer := "observe longer, up to 24 h, and at least every 10 minutes"
		if x.observed == observedSteps[len(observedSteps)-1] {
			longer = "observe again, at least every 10 minutes"
		}
		a.sentence = with + fmt.Sprintf("one router has probability %s, and %s of the single routers look more like several, %s of several more like one; "+
			"so observed, %s of single and %s of several routers are told; %s.",
			probability(one), percent(x.higher.Center), percent(x.lower.Center), percent(x.judge.singleTold.Center), percent(x.judge.severalTold.Center), longer)
	}
}

// count says how many routers there are.
func (x *comparison) count() string {
	if x.routers.Lo == x.routers.Hi {
		return fmt.Sprint(x.routers.Center)
	}
	return fmt.Sprintf("%g, %g to %g", x.routers.Center, x.routers.Lo, x.routers.Hi)
}

// population names what a trace was compared with.
func (x *comparison) population() string {
	single, several := x.judge.sizes()
	counts := x.routerCounts()
	many := fmt.Sprintf("2 to %d routers", counts[len(counts)-1])
	if len(counts) == 1 {
		many = "2 routers"
	}
	return fmt.Sprintf("%d simulated single %s routers and %d of %s (%s)", single, kindName(x.judge.kind), several, many, x.conditions)
}

// sizes are the trials of single routers, and of several.
func (k *kindPopulation) sizes() (single, several int) {
	for _, a := range k.arms {
		n := len(a.train) + len(a.withheld)
		if a.routers == 1 {
			single += n
		} else {
			several += n
		}
	}
	return single, several
}

// bounded writes a share with its upper bound for a sentence.
func bounded(e analysis.Estimate) string {
	return fmt.Sprintf("%s (at most %s)", percent(e.Center), percent(e.Hi))
}

// percent writes a share for a sentence.
func percent(share float64) string {
	if math.IsNaN(share) {
		return "an unknown share"
	}
	return strconv.FormatFloat(100*share, 'f', 0, 64) + " %"
}
