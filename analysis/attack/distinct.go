package attack

import (
	"math"
	"slices"
	"sync"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// distinct judges how many distinct gateways stand within a LeaseSet and across
// LeaseSets.
//
// Trained, its score is learned from three numbers: the mean over
// LeaseSets of distinct gateways per lease; the logarithm of the number of
// distinct gateways in all; and the mean share of gateways that were not in the
// LeaseSet before.
//
// Untrained, it takes all LeaseSets that share no tunnel as draws from m equally
// likely gateways (analysis.OccupancyLogLikelihood), m being one slice or several
// disjoint ones (Prior). A Java router builds three of four tunnels over the path
// of an old one, so that the LeaseSets after the first one count for a quarter
// each.
type distinct struct {
	prior *Prior
	model learn.Scorer
}

func newDistinct() *distinct { return &distinct{prior: javaRouters()} }

// Name implements Attack.
func (*distinct) Name() string { return "distinct" }

// Vantages implements Attack.
func (*distinct) Vantages() []trace.Vantage { return anySighting }

// Numbers implements Attack.
func (*distinct) Numbers() []string {
	return []string{"distinct_per_lease", "log_gateways", "turnover"}
}

// Observe implements Attack.
func (*distinct) Observe(e *Evidence) Features {
	return Features{Vector: e.once("distinct", distinctNumbers), Evidence: e}
}

func distinctNumbers(e *Evidence) []float64 {
	if e.Draws() < 2 {
		return nil
	}
	var perLease, turnover float64
	inLast := make([]bool, len(e.Hashes))
	for i := range e.LeaseSets {
		ls := &e.LeaseSets[i]
		perLease += float64(ls.Distinct) / float64(len(ls.Gateways))
		if i > 0 {
			fresh := 0
			for _, g := range ls.Gateways {
				if !inLast[g] {
					fresh++
				}
			}
			turnover += float64(fresh) / float64(len(ls.Gateways))
			for _, g := range e.LeaseSets[i-1].Gateways {
				inLast[g] = false
			}
		}
		for _, g := range ls.Gateways {
			inLast[g] = true
		}
	}
	n := float64(len(e.LeaseSets))
	return []float64{perLease / n, math.Log(float64(len(e.Hashes))), turnover / math.Max(n-1, 1)}
}

// Fit implements Attack.
func (d *distinct) Fit(training []Sample) (err error) {
	d.model, err = fitStack(training)
	return err
}

// laterWeight is the weight of a LeaseSet after the first one in the untrained
// likelihood: the share of tunnels that a Java router does not build over the
// path of an older tunnel.
const laterWeight = 0.25

// Score implements Attack.
func (d *distinct) Score(f *Features) Verdict {
	e := f.Evidence
	if f.Vector == nil {
		return noEvidence(e.Draws(), "fewer than two tunnels seen: nothing to compare")
	}
	// Few different pairs of numbers occur, so their weights are added up first.
	type look struct{ draws, distinct int }
	var looks []look
	var weights []float64
	for i, index := range e.Thinned {
		ls := &e.LeaseSets[index]
		weight := 1.0
		if i > 0 {
			weight = laterWeight
		}
		this := look{len(ls.Gateways), ls.Distinct}
		at := slices.Index(looks, this)
		if at < 0 {
			at = len(looks)
			looks = append(looks, this)
			weights = append(weights, 0)
		}
		weights[at] += weight
	}
	logL := make([]float64, d.prior.maxGateways()+1)
	for m := range logL {
		for i, l := range looks {
			logL[m] += weights[i] * occupancyLogL(m, l.draws, l.distinct)
		}
	}
	return verdict(d.prior, d.model, f, logL, e.Draws())
}

// occupancyLogL is analysis.OccupancyLogLikelihood, which is asked for the same sums over
// and over: once for every number of gateways of every trace.
func occupancyLogL(m, draws, distinct int) float64 {
	sums := occupancySums()
	if m >= len(sums) || m < distinct || distinct >= len(sums[m]) {
		return analysis.OccupancyLogLikelihood(m, draws, distinct)
	}
	return sums[m][distinct] - float64(draws-distinct)*math.Log(float64(m))
}

// occupancySums are, for m gateways, the sums over i < d of log(1 − i/m): element d.
var occupancySums = sync.OnceValue(func() [][]float64 {
	const leases = 16
	sums := make([][]float64, javaRouters().maxGateways()+1)
	for m := 1; m < len(sums); m++ {
		sums[m] = make([]float64, min(m, leases)+1)
		for d := 2; d < len(sums[m]); d++ {
			sums[m][d] = sums[m][d-1] + math.Log1p(-float64(d-1)/float64(m))
		}
	}
	return sums
})

// verdict puts together the score, trained or not, and the router count.
func verdict(prior *Prior, model learn.Scorer, f *Features, logL []float64, n int) Verdict {
	posterior, odds, ok := prior.Posterior(logL)
	v := Verdict{Score: odds, Posterior: posterior}
	if ok {
		v.Routers = routerCount(posterior, n)
	} else {
		// More gateways than MaxRouters routers can have.
		why := "more gateways than 16 Java routers have: not routers on their defaults"
		v.Score, v.Strange = 700, true
		v.Routers = analysis.Undefined(n, unitRouters, confidence, why)
		v.Warnings = append(v.Warnings, why)
	}
	if model != nil {
		v.Score = model.Score(f.Vector)
	} else {
		v.Warnings = append(v.Warnings, "no training: the score rests on a model of Java routers on their defaults")
	}
	return v
}
