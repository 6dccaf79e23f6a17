package game

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// Metrics that only checks have. They speak of all attacks of all adversaries at all
// horizons of a cell, and their intervals hold for all of them together.
const (
	// MaxAUC is the largest 0.5 + |AUC − 0.5|.
	MaxAUC = "max_auc"
	// MaxTPR is the largest true positive rate at a false positive rate of 0.01.
	MaxTPR = "max_tpr_at_fpr_0.01"
)

// CheckOptions say what to hold a scenario to.
type CheckOptions struct {
	Workers  int
	Progress func(Progress)
	Limits   []Limit
	// Most is up to how many test trials of each arm the check goes on as long as the
	// verdict is open; 0 looks once, after the scenario's trials.
	Most int
	// Scratch is as in [Options].
	Scratch Scratch
}

// A CheckResult is a verdict with what it rests on.
type CheckResult struct {
	Verdict Verdict
	Reason  string // one line
	// Seed, Trials and Most are the seed, the test trials of each arm that were
	// simulated, and the most that were allowed.
	Seed         uint64
	Trials, Most int
	// Looks is how often the results were looked at.
	Looks int
	Cells []CheckedCell
	// Deciding is the cell, and in it the limit, that decides the verdict.
	Deciding int
	// More is about how many more trials of each arm an INCONCLUSIVE verdict needs; 0
	// where that cannot be told.
	More int
	// Worst is the trial to look at: nil if no limit is on anything that a single
	// trial has.
	Worst    *WorstTrial
	Warnings []string
}

// A CheckedCell is a grid point with its verdict.
type CheckedCell struct {
	Params  []result.Param
	Grid    string // where in the sweep it lies; empty without a sweep
	Verdict Verdict
	Trials  int // of each arm, at the look that decided
	More    int
	Limits  []CheckedLimit
	// Deciding is the limit that decides the cell.
	Deciding int
}

// A CheckedLimit is a limit with the metric that it was held against.
type CheckedLimit struct {
	Limit
	Got     result.Metric
	Verdict Verdict
	More    int
	// By names the attack behind Got; empty for other metrics.
	By string

	look int // its index in the point's looks, -1 if there is none
}

// A WorstTrial is the test trial of the policy arm that leaks most: that with the
// highest score of the attack with the largest AUC. Where a limit on another metric
// decides, it is the worst trial by that metric.
type WorstTrial struct {
	Cell, Trial int
	// What tells it in words.
	What string
}

// errLimit makes an error of a limit that cannot be held against a scenario.
func errLimit(format string, args ...any) error { return &LimitError{fmt.Sprintf(format, args...)} }

// A LimitError is a limit on a metric that the scenario does not have.
type LimitError struct{ text string }

func (e *LimitError) Error() string { return e.text }

// Check plays s, the policy arm of which has to keep limits in each cell of its
// sweep. The error is a *LimitError where a limit makes no sense, and ErrStopped
// where ctx ended first.
//
// PASS: all limits are kept in all cells. Each was shown by an interval of its own
// at the full level: who wrongly passes a scenario has erred on the limit that is
// broken, so the chance of that is no larger than the one of a single error (an
// intersection-union test; Berger, 1982, Technometrics 24:295). FAIL: some limit is
// broken in some cell; here the error is shared among all limits and cells. With Most
// the check looks again with twice the trials until all is decided, see sequence.
// Either way a wrong verdict has at most a chance of 5 %. What is decided stays so,
// and cells that are decided get no more trials.
func Check(ctx context.Context, s *scenario.Scenario, opt CheckOptions) (*CheckResult, error) {
	c, err := newChecker(s, opt)
	if err != nil {
		return nil, err
	}
	if err := c.run.play(ctx, c.run.plan.jobs(Training)); err != nil {
		return nil, err
	}
	if err := c.run.fit(); err != nil {
		return nil, err
	}
	for k := range c.looks.trials {
		if err := c.play(ctx, k); err != nil {
			return nil, err
		}
		for i := range c.out.Cells {
			if c.out.Cells[i].Verdict == Inconclusive {
				if err := c.judge(i, k); err != nil {
					return nil, err
				}
			}
		}
		c.conclude(k)
		if c.out.Verdict != Inconclusive {
			break
		}
	}
	c.explain()
	return c.out, c.run.spilled.failed()
}

// checker is a check at work.
type checker struct {
	run    *runner
	limits []Limit
	looks  sequence
	out    *CheckResult
}

// Fits tells what is wrong with a check of s before anything is simulated: a
// *LimitError.
func (opt CheckOptions) Fits(s *scenario.Scenario) error {
	_, err := newChecker(s, opt)
	return err
}

func newChecker(s *scenario.Scenario, opt CheckOptions) (*checker, error) {
	if len(s.Figures) > 0 {
		return nil, errLimit("scenario %s reproduces published figures; there is no policy to check", s.Name)
	}
	if len(opt.Limits) == 0 {
		return nil, errLimit("no limit was given")
	}
	if opt.Most != 0 && opt.Most < s.Trials {
		return nil, errLimit("at most %d trials are fewer than the %d that scenario %s begins with", opt.Most, s.Trials, s.Name)
	}
	first, most := s.Trials, max(opt.Most, s.Trials)
	if most > first {
		// The attacks shall learn as much as for a run of so many trials.
		var err error
		s, err = s.With(scenario.Override{Flag: "--max-trials", Path: "trials", Value: strconv.Itoa(most)})
		if err != nil {
			return nil, err
		}
	}
	c := &checker{
		run:    newRunner(newPlan(s), Options{Workers: opt.Workers, Progress: opt.Progress, Scratch: opt.Scratch}),
		limits: opt.Limits,
		looks:  newSequence(first, most),
		out:    &CheckResult{Verdict: Inconclusive, Seed: s.Seed, Most: most},
	}
	for i := range c.run.plan.points {
		pt := &c.run.plan.points[i]
		for _, l := range opt.Limits {
			if err := pt.has(l.Metric); err != nil {
				return nil, err
			}
		}
		cell := CheckedCell{Grid: gridOf(pt), Verdict: Inconclusive, Limits: make([]CheckedLimit, len(opt.Limits))}
		for k := range cell.Limits {
			cell.Limits[k] = CheckedLimit{Limit: opt.Limits[k], Verdict: Inconclusive, look: -1}
		}
		for _, p := range pt.scenario.Params(scenario.PolicyArm) {
			v, err := result.ValueOf(p.Value)
			if err != nil {
				return nil, err
			}
			cell.Params = append(cell.Params, result.Param{Path: p.Path, Value: v})
		}
		c.out.Cells = append(c.out.Cells, cell)
	}
	c.warn()
	return c, nil
}

// has tells what is wrong with a limit on a metric of this point.
func (pt *point) has(metric string) error {
	if metric == MaxAUC || metric == MaxTPR {
		if len(pt.looks) == 0 {
			return errLimit("nobody watches this scenario, so it has no %s; give it adversaries", metric)
		}
		return nil
	}
	if a, ok := result.ParseAttackMetric(metric); ok {
		if a.Attack == result.BestAttack || slices.ContainsFunc(pt.looks, func(l look) bool { return l.answers(pt, a) }) {
			return nil
		}
		return errLimit("no attack of this scenario has the metric %s", metric)
	}
	if !slices.ContainsFunc(trialMetrics, func(m trialMetric) bool { return m.name == metric }) {
		var names []string
		for _, m := range trialMetrics {
			names = append(names, m.name)
		}
		return errLimit("no metric of the name %q; there are %s, %s, %s, and attack.<name>.<measure>",
			metric, strings.Join(names, ", "), MaxAUC, MaxTPR)
	}
	return nil
}

// answers tells whether an attack's metric is measured by this look.
func (l *look) answers(pt *point, a result.AttackMetric) bool {
	if a.Adversary == "" {
		return l.attack == a.Attack && l.adversary == 0 && l.full
	}
	return l.attack == a.Attack && pt.scenario.World.Adversaries[l.adversary].Name == a.Adversary && hours(l.horizon) == a.Horizon
}

// warn says what makes the verdict worth less.
func (c *checker) warn() {
	warn := func(text string) {
		if !slices.Contains(c.out.Warnings, text) {
			c.out.Warnings = append(c.out.Warnings, text)
		}
	}
	learners := false
	for i := range c.run.plan.points {
		pt := &c.run.plan.points[i]
		learners = learners || len(pt.looks) > 0
		for k := range pt.scenario.World.Adversaries {
			a := &pt.scenario.World.Adversaries[k]
			if slices.Contains(attacksOf(pt.scenario, a), attack.Combined) || a.Vantage == "peer" {
				continue
			}
			warn(fmt.Sprintf("adversary %s does not use the whole suite: without attack %s a pass says less", a.Name, attack.Combined))
		}
	}
	if n := c.run.plan.scenario.Train; learners && n < fewTraining {
		warn(fmt.Sprintf("the attacks learn from %d trials of each arm only; with %d or more (key training) a pass says more", n, fewTraining))
	}
}

// fewTraining is how many training trials of each arm attacks should have at least.
const fewTraining = 100

// play simulates the trials that look k needs for the cells that are still open.
func (c *checker) play(ctx context.Context, k int) error {
	p := c.run.plan
	for i := range p.points {
		if c.out.Cells[i].Verdict != Inconclusive {
			continue
		}
		for _, arm := range p.points[i].arms {
			p.units[p.points[i].unit[armIndex(arm)]].trials = c.looks.trials[k]
		}
	}
	c.run.progress.Total = p.total(Training) + p.total(Test)
	return c.run.play(ctx, p.jobs(Test))
}

// judge holds a cell against the limits that are still open, at look k.
func (c *checker) judge(i, k int) error {
	cell := &c.out.Cells[i]
	cell.Trials = c.looks.trials[k]
	alpha := c.looks.alpha[k]
	shared := alpha / float64(len(c.limits)*len(c.out.Cells))
	for n := range cell.Limits {
		l := &cell.Limits[n]
		if l.Verdict != Inconclusive {
			continue
		}
		pass, err := c.find(i, k, n, alpha)
		if err != nil {
			return err
		}
		fail := pass
		if shared < alpha {
			if fail, err = c.find(i, k, n, shared); err != nil {
				return err
			}
		}
		e := pass.estimate
		l.Got = result.Metric{Center: e.Center, Lo: e.Lo, Hi: e.Hi, Confidence: e.Confidence, N: e.N, Unit: pass.unit}
		l.look, l.By, l.More = pass.look, "", 0
		if l.look >= 0 {
			l.By = c.lookName(i, l.look)
		}
		if l.Verdict = l.kept(e, fail.estimate); l.Verdict == Inconclusive {
			if total := l.needed(pass.each, cell.Trials); total > 0 {
				l.More = total - cell.Trials
			}
		}
		for _, w := range e.Warnings {
			text := l.Metric + ": " + w
			if !slices.Contains(c.out.Warnings, text) {
				c.out.Warnings = append(c.out.Warnings, text)
			}
		}
	}
	cell.sum()
	return nil
}

// sum makes a cell's verdict of those on its limits.
func (cell *CheckedCell) sum() {
	cell.Verdict, cell.Deciding, cell.More = Pass, 0, 0
	for _, v := range []Verdict{Fail, Inconclusive} {
		if slices.ContainsFunc(cell.Limits, func(l CheckedLimit) bool { return l.Verdict == v }) {
			cell.Verdict = v
			break
		}
	}
	worst := -1
	for n := range cell.Limits {
		l := &cell.Limits[n]
		if l.Verdict != cell.Verdict {
			continue
		}
		if worst < 0 || l.tighter(&cell.Limits[worst]) {
			worst = n
		}
	}
	cell.Deciding = worst
	if cell.Verdict == Inconclusive {
		cell.More = cell.Limits[worst].More
	}
}

// tighter tells whether a limit is closer to being broken than another one of the
// same verdict, or needs more trials.
func (l *CheckedLimit) tighter(o *CheckedLimit) bool {
	if l.Verdict == Inconclusive && l.More != o.More {
		return o.More != 0 && (l.More == 0 || l.More > o.More)
	}
	return l.margin(estimateOf(l.Got)) < o.margin(estimateOf(o.Got))
}

func estimateOf(m result.Metric) analysis.Estimate {
	return analysis.Estimate{Center: m.Center, Lo: m.Lo, Hi: m.Hi}
}

// conclude makes the verdict of those on the cells. The worst one decides.
func (c *checker) conclude(k int) {
	out := c.out
	out.Trials, out.Looks = c.looks.trials[k], k+1
	out.Verdict, out.Deciding, out.More = Pass, 0, 0
	for _, v := range []Verdict{Fail, Inconclusive} {
		if slices.ContainsFunc(out.Cells, func(cell CheckedCell) bool { return cell.Verdict == v }) {
			out.Verdict = v
			break
		}
	}
	worst := -1
	for i := range out.Cells {
		cell := &out.Cells[i]
		if cell.Verdict != out.Verdict {
			continue
		}
		if worst < 0 || cell.decider().tighter(out.Cells[worst].decider()) {
			worst = i
		}
	}
	out.Deciding, out.More = worst, out.Cells[worst].More
}

func (cell *CheckedCell) decider() *CheckedLimit { return &cell.Limits[cell.Deciding] }

// found is a metric as a limit is held against it.
type found struct {
	estimate analysis.Estimate
	unit     string
	look     int // of the attack behind it, -1 if there is none
	// each are those that the metric is the largest of.
	each []analysis.Estimate
}

// find estimates the metric of limit n at point i, with an interval that misses with
// probability alpha.
func (c *checker) find(i, k, n int, alpha float64) (found, error) {
	r := c.run
	r.level, r.draws = 1-alpha, max(resamples, int(math.Ceil(tailDraws/alpha)))
	defer func() { r.level, r.draws = confidence, resamples }()
	pt := &r.plan.points[i]
	metric := c.limits[n].Metric
	switch {
	case metric == MaxAUC:
		return r.maxAUC(i, k), nil
	case metric == MaxTPR:
		return r.maxTPR(i), nil
	case !isAttack(metric):
		return r.worldMetric(pt, metric)
	}
	var cell result.Cell
	var warnings notes
	r.attackMetrics(&cell, i, &warnings)
	m, ok := cell.Metric(metric)
	if !ok {
		return found{}, errLimit("no attack of this scenario has the metric %s", metric)
	}
	e := analysis.Estimate{Center: m.Center, Lo: m.Lo, Hi: m.Hi, Confidence: m.Confidence, N: m.N}
	f := found{estimate: e, unit: m.Unit, look: -1, each: []analysis.Estimate{e}}
	a, _ := result.ParseAttackMetric(metric)
	f.look = slices.IndexFunc(pt.looks, func(l look) bool { return l.answers(pt, a) })
	return f, nil
}

// tailDraws is how many resamples of a bootstrap should lie beyond the bounds of an
// interval.
const tailDraws = 20

func isAttack(metric string) bool {
	_, ok := result.ParseAttackMetric(metric)
	return ok
}

// maxAUC is the largest distance of any attack's AUC from a guess.
func (r *runner) maxAUC(i, k int) found {
	pt := &r.plan.points[i]
	s := analysis.SimultaneousAUCsOf(len(pt.looks), func(l int) (negatives, positives []float64) {
		scores := r.scores(i, l)
		return scores[1], scores[0]
	}, r.draws, r.level, func() *rand.Rand { return r.rng(i, k, 11) })
	f := found{unit: "1", look: -1}
	for l, e := range s.Each {
		lo, hi := math.Abs(e.Lo-0.5), math.Abs(e.Hi-0.5)
		e.Hi = 0.5 + max(lo, hi)
		if e.Lo = 0.5 + min(lo, hi); (s.Each[l].Lo-0.5)*(s.Each[l].Hi-0.5) <= 0 {
			e.Lo = 0.5 // it may be a guess
		}
		e.Center = 0.5 + math.Abs(e.Center-0.5)
		f.each = append(f.each, e)
		if f.look < 0 || e.Center > f.each[f.look].Center {
			f.look = l
		}
	}
	f.estimate = s.MaxDistance
	f.estimate.Center, f.estimate.Lo, f.estimate.Hi = 0.5+f.estimate.Center, 0.5+f.estimate.Lo, 0.5+f.estimate.Hi
	return f
}

// maxTPR is the largest share of policy traces that any attack finds when it accuses
// one reference trace in a hundred. Each attack takes its share of the error.
func (r *runner) maxTPR(i int) found {
	pt := &r.plan.points[i]
	level := 1 - (1-r.level)/float64(len(pt.looks))
	f := found{unit: "share", look: -1}
	for l := range pt.looks {
		scores := r.scores(i, l)
		e := analysis.TPRAt(0.01, scores[1], scores[0], level)
		f.each = append(f.each, e)
		if f.look < 0 || e.Center > f.each[f.look].Center {
			f.look = l
		}
		if l == 0 {
			f.estimate = e
			f.estimate.Confidence = r.level
			continue
		}
		f.estimate.Center, f.estimate.Lo, f.estimate.Hi =
			max(f.estimate.Center, e.Center), max(f.estimate.Lo, e.Lo), max(f.estimate.Hi, e.Hi)
	}
	return f
}

// worldMetric is a metric that trials have whether or not anybody watches. Rare bad
// trials must not pass for none, see [analysis.MeanOfShares].
func (r *runner) worldMetric(pt *point, metric string) (found, error) {
	k := slices.IndexFunc(trialMetrics, func(m trialMetric) bool { return m.name == metric })
	m := &trialMetrics[k]
	xs := r.values(pt.unit[armIndex(scenario.PolicyArm)], k)
	if len(xs) == 0 {
		return found{}, errLimit("the policy's world has no %s%s; leave out its limit, or add to the scenario what it measures", metric, at(gridOf(pt)))
	}
	e := analysis.Mean(xs, r.level, m.unit)
	if m.share {
		e = analysis.MeanOfShares(xs, r.level, m.unit)
	}
	return found{estimate: e, unit: m.unit, look: -1, each: []analysis.Estimate{e}}, nil
}

// values are those of trial metric k in the test trials of a unit, as far as they have
// one.
func (r *runner) values(unit, k int) []float64 {
	u := &r.plan.units[unit]
	var xs []float64
	for _, x := range r.kept[unit].values(k, u.trials) {
		if !math.IsNaN(x) {
			xs = append(xs, x)
		}
	}
	return xs
}

// at says where in a sweep something lies.
func at(grid string) string {
	if grid == "" {
		return ""
	}
	return " at " + grid
}

// lookName names an attack with its adversary and horizon.
func (c *checker) lookName(i, k int) string {
	pt := &c.run.plan.points[i]
	l := &pt.looks[k]
	return fmt.Sprintf("%s of %s at %s", l.attack, pt.scenario.World.Adversaries[l.adversary].Name, hours(l.horizon))
}

// explain writes the reason and finds the trial to look at.
func (c *checker) explain() {
	out := c.out
	cell := &out.Cells[out.Deciding]
	l := cell.decider()
	sign := "at most"
	if !l.Most {
		sign = "at least"
	}
	by := ""
	if l.By != "" {
		by = ", " + l.By
	}
	text := fmt.Sprintf("%s %s (n = %d trials%s)%s, limit %s %g", l.Metric, shortMetric(l.Got), l.Got.N, by, at(cell.Grid), sign, l.Value)
	switch out.Verdict {
	case Fail:
		n := 0
		for i := range out.Cells {
			if out.Cells[i].Verdict == Fail {
				n++
			}
		}
		if len(out.Cells) > 1 {
			text += fmt.Sprintf("; %d of %d cells fail", n, len(out.Cells))
		}
	case Inconclusive:
		more := "; how many more trials decide it cannot be told"
		if out.More > 0 {
			more = fmt.Sprintf("; about %d more trials decide it", out.More)
		}
		text += more
	case Pass:
		switch limits := len(c.limits); {
		case limits > 1 && len(out.Cells) > 1:
			text += fmt.Sprintf("; the tightest of %d limits in %d cells", limits, len(out.Cells))
		case limits > 1:
			text += fmt.Sprintf("; the tightest of %d limits", limits)
		case len(out.Cells) > 1:
			text += fmt.Sprintf("; the tightest of %d cells", len(out.Cells))
		}
	}
	out.Reason = text
	out.Worst = c.worstTrial()
}

// shortMetric writes a metric with its interval, rounded outwards.
func shortMetric(m result.Metric) string {
	if !m.Defined() {
		return "undefined"
	}
	digits := 3
	if width := m.Hi - m.Lo; width > 0 {
		digits = min(6, max(3, 1-int(math.Floor(math.Log10(width)))))
	}
	scale := math.Pow10(digits)
	return fmt.Sprintf("%.*f [%.*f, %.*f]", digits, m.Center,
		digits, math.Floor(m.Lo*scale)/scale, digits, math.Ceil(m.Hi*scale)/scale)
}

// worstTrial finds the trial of the deciding cell that leaks most, or the worst one
// by the metric that decides.
func (c *checker) worstTrial() *WorstTrial {
	out, r := c.out, c.run
	i := out.Deciding
	pt := &r.plan.points[i]
	l := out.Cells[i].decider()
	if !isAttack(l.Metric) && l.Metric != MaxAUC && l.Metric != MaxTPR {
		k := slices.IndexFunc(trialMetrics, func(m trialMetric) bool { return m.name == l.Metric })
		worst, value := -1, math.NaN()
		for t, x := range r.kept[pt.unit[armIndex(scenario.PolicyArm)]].values(k, out.Cells[i].Trials) {
			if !math.IsNaN(x) && (worst < 0 || l.Most && x > value || !l.Most && x < value) {
				worst, value = t, x
			}
		}
		if worst < 0 {
			return nil
		}
		return &WorstTrial{i, worst, fmt.Sprintf("%s is %.6g in it", l.Metric, value)}
	}
	look := l.look
	if look < 0 {
		look = r.strongest(i)
	}
	if look < 0 {
		return nil
	}
	scores := r.scores(i, look)
	sign := 1.0
	if l.Metric == MaxAUC && analysis.AUC(scores[1], scores[0], confidence).Center < 0.5 {
		sign = -1 // the attack points the wrong way
	}
	worst := 0
	for t, x := range scores[0] {
		if sign*x > sign*scores[0][worst] {
			worst = t
		}
	}
	above := 0
	for _, x := range scores[1] {
		if sign*x >= sign*scores[0][worst] {
			above++
		}
	}
	return &WorstTrial{i, worst, fmt.Sprintf("attack %s scores %.4g, and so far out in %d of %d reference trials",
		c.lookName(i, look), scores[0][worst], above, len(scores[1]))}
}

// strongest is the look whose AUC is farthest from a guess.
func (r *runner) strongest(i int) int {
	best, distance := -1, -1.0
	for k := range r.plan.points[i].looks {
		scores := r.scores(i, k)
		if d := math.Abs(analysis.AUC(scores[1], scores[0], confidence).Center - 0.5); cmp.Compare(d, distance) > 0 {
			best, distance = k, d
		}
	}
	return best
}
