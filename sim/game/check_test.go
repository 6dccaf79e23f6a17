package game

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"multihome.i2p/analysis"
	"multihome.i2p/sim/scenario"
)

func TestSequence(t *testing.T) {
	for _, c := range []struct {
		first, most int
		want        string
	}{
		{100, 100, "[100]"},
		{100, 150, "[100 150]"},
		{100, 1600, "[100 200 400 800 1600]"},
		{200, 4000, "[200 400 800 1600 4000]"},
		{60, 100, "[60 100]"},
	} {
		q := newSequence(c.first, c.most)
		if got := fmt.Sprint(q.trials); got != c.want {
			t.Errorf("from %d to %d: looks at %s, want %s", c.first, c.most, got, c.want)
		}
		sum := 0.0
		for _, a := range q.alpha {
			sum += a
		}
		if math.Abs(sum-checkError) > 1e-12 {
			t.Errorf("from %d to %d: the looks spend %g of %g", c.first, c.most, sum, checkError)
		}
	}
}

// A check that goes on until it is decided errs in no more than 5 % of the cases. The
// AUC is just as large as the limit allows, so that FAIL is wrong, and then just
// larger, so that PASS is. For comparison: intervals of 95 % at every look.
func TestSequenceKeepsItsError(t *testing.T) {
	const runs, limit = 600, 0.6
	shift := math.Sqrt2 * distuv.UnitNormal.Quantile(limit) // of normal scores with that AUC
	l := Limit{Metric: MaxAUC, Most: true, Value: limit}
	q := newSequence(25, 400)
	play := func(run uint64, alpha func(k int) float64) Verdict {
		rng := rand.New(rand.NewPCG(140, run))
		var neg, pos []float64
		for k, n := range q.trials {
			for len(neg) < n {
				neg, pos = append(neg, rng.NormFloat64()), append(pos, shift+rng.NormFloat64())
			}
			e := analysis.AUC(neg, pos, 1-alpha(k))
			if v := l.kept(e, e); v != Inconclusive {
				return v
			}
		}
		return Inconclusive
	}
	count := func(alpha func(k int) float64) (passed, failed int) {
		for run := range uint64(runs) {
			switch play(run, alpha) {
			case Pass:
				passed++
			case Fail:
				failed++
			}
		}
		return passed, failed
	}
	passed, failed := count(func(k int) float64 { return q.alpha[k] })
	naive := 0
	for _, n := range []int{passed, failed} {
		e := analysis.ClopperPearson(n, runs, 0.999)
		if e.Lo > checkError {
			t.Errorf("%d of %d verdicts are wrong, more than %g", n, runs, checkError)
		}
	}
	p, f := count(func(int) float64 { return checkError })
	naive = p + f
	t.Logf("wrong verdicts of %d: %d PASS and %d FAIL; without spending %d and %d", runs, passed, failed, p, f)
	if naive <= passed+failed {
		t.Errorf("looking often costs nothing: %d wrong verdicts without spending, %d with", naive, passed+failed)
	}
}

// The same for a share that all trials agree on at first: rare bad trials.
func TestSequenceKeepsItsErrorOnRareEvents(t *testing.T) {
	const runs, limit, rare = 600, 0.98, 0.0205 // the share is just below the limit: PASS is wrong
	l := Limit{Metric: "availability", Value: limit}
	q := newSequence(50, 800)
	passed := 0
	for run := range uint64(runs) {
		rng := rand.New(rand.NewPCG(141, run))
		var xs []float64
		for k, n := range q.trials {
			for len(xs) < n {
				x := 1.0
				if rng.Float64() < rare {
					x = 0
				}
				xs = append(xs, x)
			}
			e := analysis.MeanOfShares(xs, 1-q.alpha[k], "share")
			if v := l.kept(e, e); v != Inconclusive {
				if v == Pass {
					passed++
				}
				break
			}
		}
	}
	t.Logf("%d of %d wrong", passed, runs)
	if e := analysis.ClopperPearson(passed, runs, 0.999); e.Lo > checkError {
		t.Errorf("%d of %d verdicts are wrong", passed, runs)
	}
}

func TestNeeded(t *testing.T) {
	at := func(center, lo, hi float64) analysis.Estimate {
		return analysis.Estimate{Center: center, Lo: lo, Hi: hi}
	}
	most := Limit{Most: true, Value: 0.55}
	for _, c := range []struct {
		each []analysis.Estimate
		want int
	}{
		{[]analysis.Estimate{at(0.5, 0.5, 0.6)}, 400},                       // twice the distance
		{[]analysis.Estimate{at(0.5, 0.5, 0.6), at(0.525, 0.4, 0.6)}, 900},  // all must pass
		{[]analysis.Estimate{at(0.5, 0.5, 0.9), at(0.65, 0.45, 0.85)}, 400}, // one suffices to fail
		{[]analysis.Estimate{at(0.55, 0.5, 0.6)}, 0},
		{[]analysis.Estimate{at(math.NaN(), 0, 1)}, 0},
	} {
		if got := most.needed(c.each, 100); got != c.want {
			t.Errorf("%v: %d trials needed, want %d", c.each, got, c.want)
		}
	}
	least := Limit{Value: 0.999}
	if got := least.needed([]analysis.Estimate{at(1, 0.97, 1)}, 100); got != 3000 {
		t.Errorf("all trials agree: %d needed, want 3000", got)
	}
}

func check(t testing.TB, s *scenario.Scenario, opt CheckOptions) *CheckResult {
	t.Helper()
	opt.Workers = 2
	res, err := Check(context.Background(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

const smallSweep = `
question: Told at once?
trials: 20
training: 20
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m, attacks: [distinct, lineage]}]
sweep: {destination.routers.overlap: [0, 0.1]}
`

func TestCheckFindsALeak(t *testing.T) {
	s := parse(t, smallSweep)
	res := check(t, s, CheckOptions{Limits: []Limit{{MaxAUC, true, 0.55}, {"leases_per_leaseset", true, 20}}})
	if res.Verdict != Fail || res.Looks != 1 || res.Trials != 20 || len(res.Cells) != 2 {
		t.Fatalf("%s: %s", res.Verdict, res.Reason)
	}
	if !strings.HasPrefix(res.Reason, "max_auc ") || !strings.Contains(res.Reason, " of 2 cells fail") {
		t.Errorf("reason %q", res.Reason)
	}
	for _, cell := range res.Cells {
		if cell.Limits[1].Verdict != Pass {
			t.Errorf("leases: %v", cell.Limits[1])
		}
	}
	// The trial to look at is one of the policy's, whose traces can be had again.
	w := res.Worst
	if w == nil || w.Cell != res.Deciding || w.Trial >= 20 || !strings.HasPrefix(w.What, "attack ") {
		t.Fatalf("worst trial %+v", w)
	}
	all, one := traces{}, traces{}
	run(t, s, Options{Workers: 2, Sink: all})
	if err := PlayTrial(context.Background(), s, w.Cell, scenario.PolicyArm, w.Trial, one); err != nil {
		t.Fatal(err)
	}
	if len(one) != 2 {
		t.Errorf("%d files of one trial", len(one))
	}
	for name, text := range one {
		if all[name] != text {
			t.Errorf("%s is not what a run writes", name)
		}
	}
}

// What a check decides does not depend on workers, and a check that goes on finds the
// metrics of a run with as many trials.
func TestCheckGoesOn(t *testing.T) {
	const text = `
question: Is one router told from itself?
trials: %d
training: 40
duration: 1h
destination: {scheme: single, routers: {count: 1}}
adversaries: [{name: poller, attacks: [cadence, distinct, lineage]}]
`
	s := parse(t, fmt.Sprintf(text, 30))
	opt := CheckOptions{Limits: []Limit{{MaxAUC, true, 0.65}, {"tunnels_built_per_10min", false, 1}}, Most: 240}
	res := check(t, s, opt)
	if res.Verdict != Pass || res.Looks < 2 {
		t.Fatalf("%s after %d looks: %s", res.Verdict, res.Looks, res.Reason)
	}
	t.Log(res.Reason)
	opt.Workers = 1
	again, err := Check(context.Background(), s, opt)
	if err != nil {
		t.Fatal(err)
	}
	if again.Reason != res.Reason {
		t.Errorf("two workers: %s; one: %s", res.Reason, again.Reason)
	}
	got := res.Cells[0].Limits[0].Got
	whole := check(t, parse(t, fmt.Sprintf(text, res.Trials)), CheckOptions{Limits: opt.Limits})
	want := whole.Cells[0].Limits[0].Got
	if got.Center != want.Center || got.N != want.N {
		t.Errorf("went on to %v of %d trials, at once %v of %d", got.Center, got.N, want.Center, want.N)
	}
	if got.Confidence <= want.Confidence {
		t.Errorf("confidence %g at a look of several, %g at the only one", got.Confidence, want.Confidence)
	}
}

func TestCheckInconclusive(t *testing.T) {
	s := shipped(t, "null", "trials", "12", "duration", "1h")
	res := check(t, s, CheckOptions{Limits: []Limit{
		{MaxAUC, true, 0.7}, {"availability", false, 0.999}, {MaxTPR, true, 0.4}, {"attack.distinct.auc", true, 0.8}, {"attack.best.auc", true, 1},
	}})
	if res.Verdict != Inconclusive || res.More <= 0 || !strings.Contains(res.Reason, fmt.Sprintf("; about %d more trials decide it", res.More)) {
		t.Errorf("%s: %s", res.Verdict, res.Reason)
	}
	for _, l := range res.Cells[0].Limits {
		if l.Verdict != Inconclusive && l.Metric != "attack.best.auc" && l.Metric != "attack.distinct.auc" {
			t.Errorf("%s: %s with %v of 12 trials", l.Metric, l.Verdict, l.Got)
		}
	}
	if l := res.Cells[0].Limits[3]; l.By != "distinct of poller at 1h" {
		t.Errorf("by %q", l.By)
	}
}

func TestCheckRefuses(t *testing.T) {
	game := parse(t, smallSweep)
	for _, c := range []struct {
		s    *scenario.Scenario
		opt  CheckOptions
		want string
	}{
		{game, CheckOptions{}, "no limit"},
		{game, CheckOptions{Limits: []Limit{{"liveliness", false, 1}}}, "no metric of the name"},
		{game, CheckOptions{Limits: []Limit{{"attack.richness.auc", true, 1}}}, "no attack of this scenario"},
		{game, CheckOptions{Limits: []Limit{{"attack.lineage.acu", true, 1}}}, "no attack of this scenario"},
		{game, CheckOptions{Limits: []Limit{{"failover_s", true, 1}}}, "has no failover_s at overlap 0"},
		{game, CheckOptions{Limits: []Limit{{MaxAUC, true, 1}}, Most: 10}, "fewer than the 20"},
		{shipped(t, "seed-figures"), CheckOptions{Limits: []Limit{{MaxAUC, true, 1}}}, "published figures"},
	} {
		_, err := Check(context.Background(), c.s, c.opt)
		var limit *LimitError
		if !errors.As(err, &limit) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want one with %q", c.opt.Limits, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Check(ctx, game, CheckOptions{Limits: []Limit{{MaxAUC, true, 1}}}); !errors.Is(err, ErrStopped) {
		t.Errorf("stopped: %v", err)
	}
	if !slices.Contains(check(t, game, CheckOptions{Limits: []Limit{{MaxAUC, true, 1}}}).Warnings,
		"adversary poller does not use the whole suite: without attack combined a pass says less") {
		t.Error("no warning that the suite is not whole")
	}
}
