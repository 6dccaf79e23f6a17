package attack

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/stat/distuv"

	"multihome.i2p/analysis"
)

// measuredFastTiers are the sizes of the fast tiers of 21 Java I2P 2.5.2 routers
// run by one team, counted on the router-console pages of the public SWARM-I2P
// data set (CC BY 4.0; Muntaka et al., Mapping the Invisible Internet: Framework
// and Dataset, arXiv:2506.18159, Zenodo 10.5281/zenodo.15369068).
var measuredFastTiers = [...]int{12, 12, 12, 12, 12, 14, 15, 15, 15, 18, 21, 23, 24, 27, 29, 31, 44, 47, 47, 56, 56}

// sliceShare is the part of the fast tier from which a Java router with tunnels
// of three hops takes inbound gateways: one of four groups by keyed hash. Tiers
// below wholeTier peers are not sliced.
const (
	sliceShare = 0.25
	wholeTier  = 12
)

// A Prior says, before any evidence, from how many gateways k routers draw in
// all: for one router the tier size is one of the 21 measured with equal chance
// and the slice Binomial(tier, 1/4) peers of it, but not none (a router with an
// empty slice draws from elsewhere); for k routers the slices are disjoint, since
// the measured overlap of tiers is 0.016 (Jaccard), and their sizes add up. The
// number of routers is 1 with probability one half, and otherwise 2..MaxRouters
// with equal chance.
//
// It is a model of Java routers on their defaults. A router that takes gateways
// from elsewhere, i2pd above all, looks like many of them.
type Prior struct {
	sizes [MaxRouters + 1][]float64 // sizes[k][m]: probability that k routers have m gateways
}

// javaRouters is the prior that all attacks share.
var javaRouters = sync.OnceValue(NewPrior)

// NewPrior computes the prior: some thousand additions.
func NewPrior() *Prior {
	one := make([]float64, 1, measuredFastTiers[len(measuredFastTiers)-1]+1)
	for _, tier := range measuredFastTiers {
		b := distuv.Binomial{N: float64(tier), P: sliceShare}
		some := 1 - b.Prob(0)
		for m := 1; m <= tier; m++ {
			for len(one) <= m {
				one = append(one, 0)
			}
			if tier >= wholeTier {
				one[m] += b.Prob(float64(m)) / some / float64(len(measuredFastTiers))
			} else if m == tier {
				one[m] += 1 / float64(len(measuredFastTiers))
			}
		}
	}
	p := new(Prior)
	p.sizes[1] = one
	for k := 2; k <= MaxRouters; k++ {
		last := p.sizes[k-1]
		next := make([]float64, len(last)+len(one)-1)
		for i, a := range last {
			for j, b := range one {
				next[i+j] += a * b
			}
		}
		p.sizes[k] = next
	}
	return p
}

// maxGateways is the largest number of gateways that the prior considers.
func (p *Prior) maxGateways() int { return len(p.sizes[MaxRouters]) - 1 }

// Posterior returns the probability of 1..MaxRouters routers, and the log
// posterior odds of several against one, given the log likelihood of each number
// m of gateways, logL[m], up to a constant. Element 0 of logL is not used. It
// reports false if no number of gateways is possible.
//
// Odds are cut at ±700, beyond which they are rounding errors.
func (p *Prior) Posterior(logL []float64) (posterior []float64, logOdds float64, ok bool) {
	top := math.Inf(-1)
	for _, l := range logL[1:] {
		top = math.Max(top, l)
	}
	if math.IsInf(top, -1) || math.IsNaN(top) {
		return nil, 0, false
	}
	like := make([]float64, min(len(logL), len(p.sizes[MaxRouters])))
	for m := 1; m < len(like); m++ {
		like[m] = math.Exp(logL[m] - top)
	}
	posterior = make([]float64, MaxRouters)
	several := 0.0
	for k := 1; k <= MaxRouters; k++ {
		sum := 0.0
		for m := 1; m < len(p.sizes[k]) && m < len(like); m++ {
			sum += p.sizes[k][m] * like[m]
		}
		if k == 1 {
			posterior[0] = sum / 2
		} else {
			posterior[k-1] = sum / (2 * (MaxRouters - 1))
			several += posterior[k-1]
		}
	}
	all := posterior[0] + several
	if all == 0 {
		return nil, 0, false
	}
	logOdds = math.Min(math.Max(math.Log(several)-math.Log(posterior[0]), -700), 700)
	for i := range posterior {
		posterior[i] /= all
	}
	return posterior, logOdds, true
}

const unitRouters = "routers"

// routerCount is the median of a posterior with its central interval.
func routerCount(posterior []float64, n int) analysis.Estimate {
	quantile := func(q float64) float64 {
		sum := 0.0
		for k, p := range posterior {
			if sum += p; sum >= q {
				return float64(k + 1)
			}
		}
		return float64(len(posterior))
	}
	e := analysis.Estimate{
		Center: quantile(0.5), Lo: quantile((1 - confidence) / 2), Hi: quantile((1 + confidence) / 2),
		Confidence: confidence, N: n, Unit: unitRouters,
	}
	if e.Hi == MaxRouters {
		e.Warnings = append(e.Warnings, fmt.Sprintf("more than %d routers are not considered", MaxRouters))
	}
	return e
}

// noEvidence is the verdict on a trace that holds too little.
func noEvidence(n int, why string) Verdict {
	return Verdict{Routers: analysis.Undefined(n, unitRouters, confidence, why), Warnings: []string{why}}
}
