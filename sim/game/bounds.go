package game

import (
	"fmt"
	"slices"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim"
	"multihome.i2p/sim/tier"
)

// gatewayLaw is the law of how many gateways one router draws from: element n is the
// probability of n. It is known for Java routers that slice a tier of their own whose
// size is fixed or one of the measured ones; nil for others.
func gatewayLaw(w *sim.Config) []float64 {
	d := &w.Destination
	if len(d.Routers) == 0 || d.Routers[0].Kind != sim.Java {
		return nil
	}
	r := &d.Routers[0]
	share := 1.0
	switch {
	case !r.Slices || r.Hops == 1:
	case r.Hops == 2:
		share = 1.0 / 2
	default:
		share = 1.0 / 4
	}
	if r.IBGWFilter {
		share *= w.Network.IBGWEligible
	}
	switch t := r.FastTier; t.Mode {
	case "size":
		return analysis.BinomialLaw(t.Size, share)
	case "swarm":
		law := make([]float64, tier.FastMax+1)
		for _, row := range tier.Swarm {
			for k, p := range analysis.BinomialLaw(row.Fast, share) {
				law[k] += p / float64(len(tier.Swarm))
			}
		}
		return law
	}
	return nil
}

// thinned is the law of how many of a number of that law are left if each is kept
// with the share.
func thinned(law []float64, share float64) []float64 {
	out := make([]float64, len(law))
	for n, p := range law {
		if p == 0 {
			continue
		}
		for k, q := range analysis.BinomialLaw(n, share) {
			out[k] += p * q
		}
	}
	return out
}

// sliceSumBound is what the Bayes rule on the exact number of all gateways together
// gets right: the most that anybody gets who only adds up gateways, and who takes all
// numbers of routers for equally likely.
func sliceSumBound(series []result.Series, w *sim.Config) []result.Series {
	law := gatewayLaw(w)
	if len(series) == 0 || law == nil {
		return nil
	}
	bound := analysis.SliceSumBayes(law, attack.MaxRouters)
	out := []result.Series{
		{Label: "exact, by the sum of slices alone: the bound", Arm: result.Measured},
		{Label: "within one, likewise", Arm: result.Measured},
	}
	for off := range out {
		for _, x := range series[0].X {
			if x > attack.MaxRouters {
				continue // more than anybody considers
			}
			out[off].X, out[off].Y = append(out[off].X, x), append(out[off].Y, bound.Within(int(x), off))
		}
	}
	if len(out[0].X) == 0 {
		return nil
	}
	return out
}

// bestROC draws what the best test can do that counts gateways: all of them, as a
// patient observer of LeaseSets might, or those that are the observer's own routers,
// at vantage peer. Both are exact where tiers neither change nor share peers.
func bestROC(pt *point) []result.Series {
	if len(pt.looks) == 0 {
		return nil
	}
	a := &pt.scenario.World.Adversaries[0]
	policy, reference := gatewayLaw(&pt.scenario.World), gatewayLaw(&pt.scenario.Reference)
	if policy == nil || reference == nil {
		return nil
	}
	switch pt.scenario.World.Destination.Policy.Name {
	case "", "per-router", "single": // every router its own gateways
	default:
		return nil
	}
	what := "the best count of all gateways"
	if trace.Vantage(a.Vantage) == trace.VantagePeer {
		what = "the best count of its own gateways"
		policy, reference = thinned(policy, a.Share), thinned(reference, a.Share)
	}
	all := func(law []float64, w *sim.Config) []float64 {
		return analysis.SumLaw(slices.Repeat([][]float64{law}, len(w.Destination.Routers))...)
	}
	best := analysis.BestTest(all(reference, &pt.scenario.Reference), all(policy, &pt.scenario.World))
	s := result.Series{Label: fmt.Sprintf("bound: %s (AUC %.3f)", what, best.AUC), Arm: result.Measured}
	for _, p := range best.Curve {
		s.X, s.Y = append(s.X, p.FPR), append(s.Y, p.TPR)
	}
	return []result.Series{s}
}
