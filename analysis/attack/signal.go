package attack

import (
	"math"

	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// A signal reduces evidence to a few numbers, and its attack learns what they tell.
type signal struct {
	name string
	// vantages are the points from which it can be seen.
	vantages []trace.Vantage
	// numbers name what measure returns, for those who ask which of them gave a
	// Destination away.
	numbers []string
	// measure returns the numbers, NaN for those that the evidence does not tell;
	// nil if it tells none.
	measure func(*Evidence) []float64
	// natural is the score of a trace for which nothing was trained: larger the more
	// it looks like several routers. nil where no number has a direction of its own.
	natural func([]float64) float64
	// count returns the probability of 1, 2, … MaxRouters routers by a model of the
	// signal's own, false where the evidence does not bear on it. nil where it never
	// does.
	count func(e *Evidence, vector []float64) (posterior []float64, ok bool)
}

// anySighting are the points from which LeaseSets are seen. Routers in a tunnel look
// them up to know that it is the service's, but that is a poller's business.
var anySighting = []trace.Vantage{trace.VantageNetDb, trace.VantageFloodfill, trace.VantageClient}

// signals lists all of them.
func signals() []*signal {
	return []*signal{&lineage, &order, &phase, &skew, &balance, &cadence, &cluster, &cofail, &openPopulation, &probe, &bundle, &stores, &uptime, &hops}
}

// signalAttack is the attack of a signal.
type signalAttack struct {
	*signal
	model learn.Scorer
}

// Name implements Attack.
func (a *signalAttack) Name() string { return a.name }

// Vantages implements Attack.
func (a *signalAttack) Vantages() []trace.Vantage { return a.vantages }

// Numbers implements Attack.
func (a *signalAttack) Numbers() []string { return a.numbers }

// Observe implements Attack.
func (a *signalAttack) Observe(e *Evidence) Features {
	return Features{Vector: e.once(a.name, a.measure), Evidence: e}
}

// Fit implements Attack.
func (a *signalAttack) Fit(training []Sample) (err error) {
	a.model, err = fitStack(training)
	return err
}

// Score implements Attack.
func (a *signalAttack) Score(f *Features) Verdict {
	n := 0
	if f.Evidence != nil {
		n = len(f.Evidence.LeaseSets)
	}
	if f.Vector == nil {
		return noEvidence(n, "too little of what "+a.name+" looks at was seen")
	}
	v := noEvidence(n, "it does not count routers")
	v.Warnings = nil
	if a.count != nil && f.Evidence != nil {
		if p, ok := a.count(f.Evidence, f.Vector); ok {
			v.Posterior, v.Routers = p, routerCount(p, n)
		}
	}
	switch {
	case a.model != nil:
		v.Score = a.model.Score(f.Vector)
	case a.natural != nil:
		if v.Score = a.natural(f.Vector); math.IsNaN(v.Score) {
			v.Score = 0
		}
		v.Warnings = append(v.Warnings, "no training: the score is no probability")
	default:
		v.Warnings = append(v.Warnings, "no training: it has nothing to compare with")
	}
	return v
}
