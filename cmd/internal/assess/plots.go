package assess

import (
	"fmt"
	"math"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

// Plots draws two plots of each trace that was compared: posterior-<i>.svg and
// score-<i>.svg, where i is the number of the trace, from 1.
func Plots(all []*Assessment) ([]reports.File, error) {
	var files []reports.File
	for i, a := range all {
		if a.reference == nil {
			continue
		}
		for _, f := range []*result.Figure{a.posteriorFigure(i + 1), a.scoreFigure(i + 1)} {
			svg, err := reports.Plot(f)
			if err != nil {
				return nil, err
			}
			files = append(files, reports.File{Name: f.ID + ".svg", Data: svg})
		}
	}
	return files, nil
}

func (a *Assessment) posteriorFigure(i int) *result.Figure {
	x := a.reference
	f := &result.Figure{
		ID: fmt.Sprintf("posterior-%d", i), Title: "How many routers? " + printable(a.file), Kind: result.Histogram,
		X: result.Axis{Label: "routers", Unit: "1"}, Y: result.Axis{Label: "probability", Unit: "1"},
		Note: "Of the numbers that were simulated, by attack posterior, " + a.comparedWith(),
	}
	prior := result.Series{Label: "before", Arm: result.Reference}
	after := result.Series{Label: "after the trace", Arm: result.Policy, N: x.routers.N}
	for n, p := range x.prior {
		if p == 0 {
			continue
		}
		at := float64(len(f.X.Categories))
		f.X.Categories = append(f.X.Categories, fmt.Sprint(n+1))
		prior.X, prior.Y = append(prior.X, at), append(prior.Y, p)
		after.X, after.Y = append(after.X, at), append(after.Y, x.posterior[n])
	}
	f.Series = []result.Series{after, prior}
	return f
}

func (a *Assessment) scoreFigure(i int) *result.Figure {
	x := a.reference
	return &result.Figure{
		ID: fmt.Sprintf("score-%d", i), Title: "Like one router, or like several? " + printable(a.file), Kind: result.Curve,
		X: result.Axis{Label: "score of attack combined", Unit: scoreUnit}, Y: result.Axis{Label: "trials with no higher score", Unit: "share"},
		Note: "Trials that the attack was not trained on, " + a.comparedWith(),
		Series: []result.Series{
			cumulated("several routers", result.Policy, x.judge.many),
			cumulated("one router", result.Reference, x.judge.ones),
			{Label: "the trace", Arm: result.Measured, X: []float64{x.score, x.score}, Y: []float64{0, 1}, N: 1},
		},
	}
}

func (a *Assessment) comparedWith() string {
	text := "compared with " + a.reference.population() + "."
	if a.reference.strange {
		text += " The trace is unlike all of them: the plot says nothing."
	}
	return text
}

// cumulated is the empirical distribution of ascending scores.
func cumulated(label string, arm result.Arm, scores []float64) result.Series {
	s := result.Series{Label: label, Arm: arm, N: len(scores)}
	for i, x := range scores {
		// A step: the share changes at the score.
		s.X = append(s.X, x, x)
		s.Y = append(s.Y, float64(i)/float64(len(scores)), float64(i+1)/float64(len(scores)))
	}
	if len(scores) == 0 {
		s.X, s.Y = []float64{0}, []float64{math.NaN()}
	}
	return s
}
