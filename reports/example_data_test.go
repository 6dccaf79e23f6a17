package reports_test

import (
	"math"
	"math/rand/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

var nan = math.NaN()

// exampleReport is a synthetic report with a figure of every kind, a grid of
// four points, an undefined metric and text that must be escaped. Its numbers
// mean nothing.
func exampleReport() reports.Report {
	s := &result.Summary{Scenario: "four-routers", Seed: 140, Trials: 200, Commit: "0123abcd4567"}
	for i, count := range []float64{1, 2, 4, 8} {
		policy, reference := result.Cell{Arm: result.Policy}, result.Cell{Arm: result.Reference}
		policy.SetParam("destination.policy", result.String("per-router"))
		policy.SetParam("destination.routers.count", result.Number(count))
		policy.SetParam("destination.scheme", result.String("p140"))
		reference.SetParam("destination.scheme", result.String("single"))
		reference.SetParam("destination.routers.count", result.Number(1))
		k := float64(i)
		estimate := func(c *result.Cell, name string, center, half float64, n int) {
			d, ok := result.Describe(name)
			if !ok {
				panic(name)
			}
			c.Set(name, result.Metric{Center: center, Lo: center - half, Hi: center + 0.8*half, Confidence: 0.95 + k/1000, N: n, Unit: d.Unit})
		}
		estimate(&policy, "distinct_ibgw_per_leaseset", 5.134+2.2*k, 0.13, 200)
		estimate(&reference, "distinct_ibgw_per_leaseset", 5.1, 0.14, 200)
		m, _ := policy.Metric("distinct_ibgw_per_leaseset")
		expected := 5.1 + 2.1*k
		m.Expected = &expected
		policy.Set("distinct_ibgw_per_leaseset", m)
		estimate(&policy, "netdb_bytes_per_10min", 1023456+99999*k, 31234, 200)
		estimate(&reference, "netdb_bytes_per_10min", 912345, 22345, 200)
		estimate(&policy, "availability", 0.99987, 0.00012, 200)
		estimate(&reference, "availability", 0.9921, 0.0031, 200)
		policy.Set("leases_per_leaseset", result.Exact(16, 200, "leases"))
		reference.Set("leases_per_leaseset", result.Exact(6, 200, "leases"))
		estimate(&policy, "failover_s", 3.2, 0.4, 188)
		reference.Set("failover_s", result.Undefined(0, "s"))
		estimate(&policy, "stream_survival", 0.71-0.1*k, 0.03, 200)
		estimate(&policy, "attack.best.auc", 0.5+0.16*k-0.0003, 0.03+0.005*k, 200)
		estimate(&policy, "attack.best.advantage", 0.05+0.3*k, 0.04, 200)
		estimate(&policy, "attack.distinct_ibgw.auc", 0.49+0.15*k, 0.03, 200)
		for _, h := range []string{"1h", "6h", "24h"} {
			estimate(&policy, "poller.attack.best.auc@"+h, 0.5+0.15*k, 0.04, 200)
			estimate(&policy, "poller.attack.distinct_ibgw.leakage_bits@"+h, 0.1+0.2*k, 0.04, 200)
		}
		s.Cells = append(s.Cells, policy, reference)
	}

	rnd := rand.New(rand.NewPCG(1, 2))
	var roc, roc2 result.Series
	for i := 0; i <= 40; i++ {
		x := math.Pow(float64(i)/40, 2)
		for _, r := range []struct {
			s     *result.Series
			power float64
		}{{&roc, 0.13}, {&roc2, 0.6}} {
			y := math.Pow(x, r.power)
			half := 0.01 + 0.3*math.Sqrt(y*(1-y))*0.4
			r.s.X = append(r.s.X, x)
			r.s.Y = append(r.s.Y, y)
			r.s.Lo = append(r.s.Lo, max(0, y-half))
			r.s.Hi = append(r.s.Hi, min(1, y+half))
		}
	}
	roc.Label, roc.Arm, roc.N, roc.Confidence = "distinct IBGWs, AUC 0.88", result.Policy, 200, 0.95
	roc2.Label, roc2.Arm, roc2.N, roc2.Confidence = "expiry phase, AUC 0.62", result.Policy, 200, 0.95

	many, one := result.Series{Label: "four routers", Arm: result.Policy, N: 200, Confidence: 0.95}, result.Series{Label: "one router", Arm: result.Reference, N: 200, Confidence: 0.95}
	load := result.Series{Label: "policy", Arm: result.Policy, N: 1700}
	loadRef := result.Series{Label: "reference", Arm: result.Reference, N: 1700}
	for i := 0; i <= 144; i++ {
		h := float64(i) / 6
		add := func(s *result.Series, top, rate float64) {
			y := top*(1-math.Exp(-h*rate)) + 0.9*h
			s.X, s.Y, s.Lo, s.Hi = append(s.X, h), append(s.Y, y), append(s.Lo, y*0.88), append(s.Hi, y*1.1)
		}
		add(&many, 61, 0.4)
		add(&one, 16, 0.5)
		load.X, load.Y = append(load.X, h), append(load.Y, 2300+400*math.Sin(h/4)+90*rnd.Float64())
		loadRef.X, loadRef.Y = append(loadRef.X, h), append(loadRef.Y, 1500+300*math.Sin(h/4)+90*rnd.Float64())
	}
	many.Y[60] = nan // a gap
	load.Y[100] = nan

	hist := func(label string, arm result.Arm, mode float64, n int) result.Series {
		s := result.Series{Label: label, Arm: arm, N: n, Confidence: 0.95}
		for k := 1.0; k <= 16; k++ {
			y := 0.27 * math.Exp(-(k-mode)*(k-mode)/4)
			s.X, s.Y, s.Lo, s.Hi = append(s.X, k), append(s.Y, y), append(s.Lo, max(0, y-0.02)), append(s.Hi, y+0.02)
		}
		return s
	}
	tiers := func(label string, arm result.Arm, shift float64, n int) result.Series {
		s := result.Series{Label: label, Arm: arm, N: n}
		for k, y := range []float64{0.38, 0.19, 0.14, 0.05, 0.05, 0.09, 0.10, 0, 0, 0} {
			s.X, s.Y = append(s.X, 15+7*float64(k)), append(s.Y, math.Abs(y+shift*0.02))
		}
		return s
	}
	sweep, err := result.SweepFigure(s, "attack.best.auc", "")
	if err != nil {
		panic(err)
	}
	sweep.Note = "Above the dotted line, an observer does better than a guess."
	categories := result.Figure{
		ID: "survival-by-policy", Title: "Stream survival by policy", Kind: result.Sweep,
		X:      result.Axis{Label: "destination.policy", Unit: "1", Categories: []string{"per-router", "superset", "shared-key", "common-pool", "natural-i2pd", "mimic", "single"}},
		Y:      result.Axis{Label: "Stream survival", Unit: "share"},
		Series: []result.Series{{Label: "composed", Arm: result.Policy, N: 200, Confidence: 0.95}, {Label: "pinned", Arm: result.Policy, N: 200, Confidence: 0.95}},
	}
	for i := range categories.X.Categories {
		for j := range categories.Series {
			c := &categories.Series[j]
			y := min(0.99, 0.4+0.07*float64(i)+0.2*float64(j))
			c.X, c.Y, c.Lo, c.Hi = append(c.X, float64(i)), append(c.Y, y), append(c.Lo, y-0.06), append(c.Hi, min(1, y+0.05))
		}
	}
	lowROC := result.Figure{
		ID: "roc-log", Title: "ROC of the best attack at low false positive rates", Kind: result.ROC,
		X: result.Axis{Label: "False positive rate", Unit: "1", Scale: result.Log}, Y: result.Axis{Label: "True positive rate", Unit: "1"},
		Series: []result.Series{roc},
	}
	return reports.Report{
		Summary: s,
		Figures: &result.Figures{
			Text: result.Text{
				Title:    "mhsim report: four-routers",
				Question: "Can an observer who polls the netDb tell four routers on the default policy from one?",
				Answer:   "Yes: after 24 h the best attack ranks four routers above one with an AUC of 0.82 (0.78 to 0.85, simultaneous 95 % interval).",
				AnswerDetail: "An AUC of 0.5 would be a guess. The observer polls every 10 minutes and sees every LeaseSet.\n\n" +
					"Eight routers are told apart almost surely; one router on this policy cannot be told from a stock router.",
				Command: "mhsim run scenarios/four-routers.yaml --seed 140 --trials 200",
				Assumptions: []result.Assumption{
					{Text: "Fast tiers are drawn from 21 measured routers, median 21 peers", Source: "SWARM-I2P, 21 consoles of Java 2.5.2", Key: "destination.routers.fast_tier", Value: "swarm"},
					{Text: "A quarter of the fast tier can be an inbound gateway", Source: "Java I2P, hash slices", Key: "destination.routers.slices", Value: "4"},
					{Text: "At most 16 leases stand in a LeaseSet", Source: "Common structures specification", Value: "16"},
				},
				Limits: []string{
					"Anyone can be a client of a public service, and clients can count its routers unless the routers hand up garlic.",
					"Timing of the service's own replies is not modelled.",
					"Text from a file is escaped: <script>alert(1)</script> & \"quotes\".",
				},
				Warnings: []string{"Fewer than 1000 reference traces: the TPR at FPR 0.001 is an extrapolation."},
			},
			Figures: []result.Figure{
				{
					ID: "roc", Title: "ROC of the attacks after 24 h", Kind: result.ROC, X: result.Axis{Label: "False positive rate", Unit: "1"}, Y: result.Axis{Label: "True positive rate", Unit: "1"},
					Series: []result.Series{roc, roc2}, Note: "The further a curve is above the diagonal, the better the attack.",
				},
				lowROC,
				{
					ID: "accumulation", Title: "Distinct inbound gateways seen over time", Kind: result.Curve, X: result.Axis{Label: "Time observed", Unit: "h"}, Y: result.Axis{Label: "Distinct IBGWs", Unit: "routers"},
					Series: []result.Series{many, one},
				},
				{
					ID: "distinct-ibgw", Title: "Distinct inbound gateways in a LeaseSet", Kind: result.Histogram, X: result.Axis{Label: "Distinct IBGWs in a LeaseSet", Unit: "routers"}, Y: result.Axis{Label: "LeaseSets", Unit: "share"},
					Series: []result.Series{hist("policy", result.Policy, 10.3, 28800), hist("reference", result.Reference, 5.2, 28800)},
				},
				sweep,
				categories,
				{
					ID: "floodfill-load", Title: "Load of one floodfill", Kind: result.Load, X: result.Axis{Label: "Time", Unit: "h"}, Y: result.Axis{Label: "Stores", Unit: "1/s"},
					Series: []result.Series{load, loadRef}, Note: "Mean over all floodfills.",
				},
				{
					ID: "tiers", Title: "Size of the fast tier, simulated and measured", Kind: result.Histogram, X: result.Axis{Label: "Fast tier", Unit: "peers"}, Y: result.Axis{Label: "Routers", Unit: "share"},
					Series: []result.Series{tiers("simulated", result.Policy, -1, 4000), tiers("small routers", result.Reference, 1, 4000), tiers("SWARM-I2P", result.Measured, 0, 21)},
				},
			},
		},
	}
}
