package attack

import (
	"fmt"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// posterior asks how many routers there are: it learns from simulations of each
// number of routers what all other attacks see, and answers with the probability of
// each number (learn.Posterior). What was not simulated has probability 0.
type posterior struct {
	all   *combined
	prior []float64
	model *learn.Posterior
}

// NewPosterior returns the attack [Posterior] with a prior probability of 1, 2, …
// routers, up to a factor; nil means that all numbers are equally likely.
func NewPosterior(prior []float64) Attack {
	return &posterior{all: newCombined(), prior: prior}
}

// Name implements Attack.
func (*posterior) Name() string { return Posterior }

// Vantages implements Attack.
func (*posterior) Vantages() []trace.Vantage { return anySighting }

// Numbers implements Attack.
func (p *posterior) Numbers() []string { return p.all.numbers }

// Observe implements Attack.
func (p *posterior) Observe(e *Evidence) Features { return p.all.Observe(e) }

// Fit implements Attack. It learns from the samples that tell their number of
// routers.
func (p *posterior) Fit(training []Sample) error {
	var rows [][]float64
	var routers []int
	for i := range training {
		if s := &training[i]; s.Features.Vector != nil && s.Routers > 0 {
			rows, routers = append(rows, s.Features.Vector), append(routers, s.Routers)
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("%w: no trial tells its number of routers", ErrTraining)
	}
	m, err := learn.FitPosterior(rows, routers, learn.PosteriorOptions{Prior: p.prior})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTraining, err)
	}
	p.model = m
	return nil
}

// Score implements Attack. Its score is the log odds of several routers against
// one, at even prior odds.
func (p *posterior) Score(f *Features) Verdict {
	n := 0
	if f.Evidence != nil {
		n = len(f.Evidence.LeaseSets)
	}
	if f.Vector == nil {
		return noEvidence(n, "nothing was seen that any attack looks at")
	}
	if p.model == nil {
		return noEvidence(n, "no training: it knows no number of routers")
	}
	v := Verdict{Score: p.model.Score(f.Vector), Posterior: p.model.Posterior(f.Vector)}
	v.Routers = mostProbable(v.Posterior, n)
	return v
}

// mostProbable is the most probable number of routers, with the smallest interval
// around it that holds it with the confidence.
func mostProbable(posterior []float64, n int) analysis.Estimate {
	best := 0
	for k, p := range posterior {
		if p > posterior[best] {
			best = k
		}
	}
	set, _ := learn.CredibleSet(posterior, confidence)
	e := analysis.Estimate{
		Center: float64(best + 1), Lo: float64(best + 1), Hi: float64(best + 1),
		Confidence: confidence, N: n, Unit: unitRouters,
	}
	for _, k := range set {
		e.Lo, e.Hi = min(e.Lo, float64(k)), max(e.Hi, float64(k))
	}
	return e
}
