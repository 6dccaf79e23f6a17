package attack

import (
	"math"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// richness estimates the set of gateways from which the Destination draws,
// unseen ones included: first from incidences over the distinct LeaseSets, with
// Chao2, ICE, both jackknives, the bootstrap and rarefaction to nine tenths of
// coverage, then from abundances over the tunnels, with Chao1 and ACE.
//
// Trained, its score is learned from the logarithms of these estimates and from the
// coverage of the sample.
//
// Untrained, the number of unseen gateways has the log-normal law of Chao's
// interval around the Chao2 estimate, and [Prior] tells how many routers have so
// many gateways. The set is taken as closed: fast tiers change with time, so that
// a long trace of one router names more gateways than its slice ever had at once.
type richness struct {
	prior *Prior
	model learn.Scorer
}

func newRichness() *richness { return &richness{prior: javaRouters()} }

// Name implements Attack.
func (*richness) Name() string { return "richness" }

// rarefied is the coverage to which traces are brought before their gateways are
// compared, so that a long look and a short one count alike.
const rarefied = 0.9

// minRichnessSets is the smallest number of distinct LeaseSets that incidences
// tell anything from.
const minRichnessSets = 3

// Vantages implements Attack.
func (*richness) Vantages() []trace.Vantage { return anySighting }

// Numbers implements Attack.
func (*richness) Numbers() []string {
	return []string{
		"log_chao2", "log_ice", "log_jackknife1", "log_jackknife2", "log_bootstrap", "log_rarefied",
		"log_chao1", "log_ace", "coverage",
	}
}

// Observe implements Attack.
func (*richness) Observe(e *Evidence) Features {
	return Features{Vector: e.once("richness", richnessNumbers), Evidence: e}
}

func richnessNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < minRichnessSets {
		return nil
	}
	n := len(e.LeaseSets)
	numbers := make([]float64, 0, 9)
	for _, richness := range [...]analysis.Estimate{
		analysis.Chao2(e.Incidences, n, confidence),
		analysis.ICE(e.Incidences, n, confidence),
		analysis.Jackknife1(e.Incidences, n, confidence),
		analysis.Jackknife2(e.Incidences, n, confidence),
		analysis.BootstrapRichness(e.Incidences, n, confidence),
		analysis.RichnessAtCoverage(e.Incidences, n, rarefied, 0, confidence, nil),
		analysis.Chao1(e.Abundance, confidence),
		analysis.ACE(e.Abundance, confidence),
	} {
		// The second jackknife can be below 0 in small samples.
		number := math.NaN()
		if richness.Center > 0 {
			number = math.Log(richness.Center)
		}
		numbers = append(numbers, number)
	}
	return append(numbers, analysis.Coverage(e.Abundance, confidence).Center)
}

// Fit implements Attack.
func (r *richness) Fit(training []Sample) (err error) {
	r.model, err = fitStack(training)
	return err
}

// closedMs is the longest trace in which the set of gateways passes for closed.
const closedMs = 6 * 3600 * 1000

// Score implements Attack.
func (r *richness) Score(f *Features) Verdict {
	e := f.Evidence
	if f.Vector == nil {
		return noEvidence(len(e.LeaseSets), "fewer than three distinct LeaseSets seen: nothing to extrapolate from")
	}
	chao2 := analysis.Chao2(e.Incidences, len(e.LeaseSets), confidence)
	v := verdict(r.prior, r.model, f, r.logLikelihood(chao2, len(e.Incidences)), len(e.LeaseSets))
	if r.model == nil {
		v.Warnings = append(v.Warnings, "its interval of routers is too narrow: in simulations of four Java routers one in two held the truth")
		if e.SpanMs > closedMs {
			v.Warnings = append(v.Warnings, "the trace is longer than 6 h: fast tiers that change make one router look like several")
		}
	}
	return v
}

// logLikelihood returns, for each number m of gateways, the log-normal density
// of m − seen + ½ that has the median and the upper bound of the estimate's
// unseen gateways, each plus ½: so that none unseen is possible.
func (r *richness) logLikelihood(chao2 analysis.Estimate, seen int) []float64 {
	const half = 0.5
	z := 1.959963984540054 // of the 95 % interval
	middle := math.Log(chao2.Center - float64(seen) + half)
	sigma := (math.Log(chao2.Hi-float64(seen)+half) - middle) / z
	sigma = math.Max(sigma, 0.1) // the model is not exact, however many LeaseSets there are
	logL := make([]float64, r.prior.maxGateways()+1)
	for m := range logL {
		if m < seen || m == 0 {
			logL[m] = math.Inf(-1)
			continue
		}
		u := (math.Log(float64(m-seen)+half) - middle) / sigma
		logL[m] = -u * u / 2
	}
	return logL
}
