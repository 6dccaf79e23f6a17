package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis/result"
)

// laws are those that variants of mimic-mismatch are named after: law-percent.
var laws = []struct{ name, label string }{
	{"success", "build success"}, {"delay", "time of builds"}, {"turnover", "turnover of the tier"}, {"tier", "size of the tier"},
}

// noLaw is the variant in which the reference has the leader's laws.
const noLaw = "none"

const metric = "attack.best.auc"

// mismatch draws the best attack's AUC against how far one law of the reference is from
// the leader's, a series for each law, and for each with rule `leader` left out.
func mismatch(s *result.Summary) (result.Figure, error) {
	f := result.Figure{
		ID: "mimic-mismatch", Kind: result.Sweep, Title: "Leak where the observer expects other laws than the leader's",
		Note: "Intervals hold for all attacks together.",
		X:    result.Axis{Label: "the reference's law over the leader's", Unit: "1", Scale: result.Log},
		Y:    result.Axis{Label: "AUC of the best attack", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
	}
	for _, without := range []string{noLaw, "leader"} {
		for _, law := range laws {
			series := result.Series{Label: law.label, Arm: result.Policy, Confidence: 0.95}
			if without != noLaw {
				series.Label += ", without rule leader"
			}
			for _, p := range s.Points() {
				if p.Policy == nil || param(p.Policy, "destination.policy.without") != without {
					continue
				}
				name, percent, _ := strings.Cut(param(p.Policy, "variants.name"), "-")
				x, err := strconv.ParseFloat(percent, 64)
				switch {
				case name == noLaw:
					x = 100
				case name != law.name:
					continue
				case err != nil:
					return f, fmt.Errorf("variant %s-%s names no share", name, percent)
				}
				m, ok := p.Policy.Metric(metric)
				if !ok {
					return f, fmt.Errorf("a cell has no metric %s", metric)
				}
				at, _ := slices.BinarySearch(series.X, x/100)
				series.X = slices.Insert(series.X, at, x/100)
				series.Y = slices.Insert(series.Y, at, m.Center)
				series.Lo, series.Hi = slices.Insert(series.Lo, at, m.Lo), slices.Insert(series.Hi, at, m.Hi)
				series.N = m.N
			}
			if len(series.X) < 2 {
				return f, fmt.Errorf("the run has no cells for law %s with %s left out: is it one of mimic-mismatch?", law.name, without)
			}
			f.Series = append(f.Series, series)
		}
	}
	return f, nil
}

func param(c *result.Cell, path string) string {
	v, _ := c.Param(path)
	return v.String()
}

// mismatchTable is the figure in Markdown.
func mismatchTable(f *result.Figure) string {
	var b strings.Builder
	b.WriteString("| law |")
	for _, x := range f.Series[0].X {
		fmt.Fprintf(&b, " × %g |", x)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(f.Series[0].X)) + "\n")
	for i := range f.Series {
		s := &f.Series[i]
		fmt.Fprintf(&b, "| %s |", s.Label)
		for k := range s.X {
			if s.X[k] != f.Series[0].X[k] {
				fmt.Fprintf(&b, " × %g:", s.X[k])
			}
			fmt.Fprintf(&b, " %.3f [%.3f, %.3f] |", s.Y[k], s.Lo[k], s.Hi[k])
		}
		b.WriteString("\n")
	}
	return b.String()
}
