package game

import (
	"fmt"
	"strings"

	"multihome.i2p/analysis/result"
)

// compareLabel is the param under which a comparison's summary names a contender.
const compareLabel = "compare.label"

// Results are what package reports shows of a comparison.
func (c *Comparison) Results(command, commit string) *Results {
	res := &Results{
		Summary: &result.Summary{Scenario: "compare", Seed: c.Seed, Trials: c.Trials, Commit: commit},
		Figures: &result.Figures{},
	}
	for i := range c.Contenders {
		cell := c.Contenders[i].Cell
		cell.Params = append([]result.Param{{Path: compareLabel, Value: result.String(c.Contenders[i].Label)}}, cell.Params...)
		res.Summary.Cells = append(res.Summary.Cells, cell)
	}
	t := &res.Figures.Text
	t.Title, t.Question = "compare", "Which of these leaks least, and at what price?"
	t.Command, t.Limits = command, c.Limits
	t.Answer, t.AnswerDetail = c.answer()
	add := func(f result.Figure) {
		if len(f.Series)+len(f.Panels) > 0 {
			res.Figures.Figures = append(res.Figures.Figures, f)
		}
	}
	add(c.figure("leak", "How well the best attack tells each from its reference", leakMetric, false,
		"With the interval that holds for all attacks together.", 0.5, "a guess"))
	add(c.figure("leak-difference", "Leak, minus that of "+c.Contenders[0].Label, leakMetric, true,
		"Below 0 less is told than of the first. The interval makes no use of pairing, since the best attack may be another one.", 0, "no difference"))
	alternatives := make([]alternative, len(c.Contenders))
	for i := range c.Contenders {
		alternatives[i] = alternative{label: c.Contenders[i].Label, cell: &c.Contenders[i].Cell, trials: c.Trials}
	}
	if f, ok := paretoFigure(alternatives); ok {
		add(f)
	}
	for _, p := range prices {
		d, _ := result.Describe(p.metric)
		add(c.figure("difference-"+strings.NewReplacer("_", "-").Replace(p.metric), d.Label+", minus that of "+c.Contenders[0].Label, p.metric, true,
			"Differences trial by trial, with their 95 % interval.", 0, "no difference"))
	}
	return res
}

// label is what a contender is called where its system is to be told too.
func (c *Comparison) label(i int) string {
	return c.Contenders[i].Label + " (" + c.Descriptions[i] + ")"
}

// answer ranks the contenders by their leak.
func (c *Comparison) answer() (answer, detail string) {
	least := -1
	var lines []string
	for i := range c.Contenders {
		m, ok := c.Contenders[i].Cell.Metric(leakMetric)
		if !ok || !m.Defined() {
			continue
		}
		line := c.label(i) + ": AUC of the best attack " + interval(m)
		if d, ok := c.Contenders[i].Differences.Metric(leakMetric); ok && i > 0 {
			line += fmt.Sprintf("; minus that of %s: %s", c.Contenders[0].Label, interval(d))
		}
		lines = append(lines, line+".")
		if least < 0 {
			least = i
		} else if b, _ := c.Contenders[least].Cell.Metric(leakMetric); m.Center < b.Center {
			least = i
		}
	}
	if least < 0 {
		return "No adversary watched; see the metrics.", ""
	}
	m, _ := c.Contenders[least].Cell.Metric(leakMetric)
	answer = fmt.Sprintf("%s leaks least: AUC of the best attack %s", c.label(least), interval(m))
	switch d, ok := c.Contenders[least].Differences.Metric(leakMetric); {
	case least == 0 || !ok:
		for i := range c.Contenders[1:] {
			if d, ok := c.Contenders[1+i].Differences.Metric(leakMetric); ok && !(d.Lo > 0) {
				answer += "; that others leak more is not shown for all of them"
				break
			}
		}
	case d.Hi < 0:
		answer += fmt.Sprintf(", less than %s: the difference is %s", c.Contenders[0].Label, interval(d))
	default:
		answer += fmt.Sprintf("; that it is less than of %s is not shown: the difference is %s", c.Contenders[0].Label, interval(d))
	}
	return answer + ".", strings.Join(lines, "\n\n")
}

// figure shows a metric of all contenders, or its differences to the first.
func (c *Comparison) figure(id, title, metric string, difference bool, note string, guide float64, guideLabel string) result.Figure {
	d, _ := result.Describe(metric)
	f := result.Figure{
		ID: id, Kind: result.Sweep, Title: title, Note: note,
		X: result.Axis{Label: "contender", Unit: "1"},
		Y: result.Axis{Label: d.Label, Unit: d.Unit, Guides: []result.Guide{{Value: guide, Label: guideLabel}}},
	}
	s := result.Series{Label: d.Label, Arm: result.Policy, Confidence: confidence, N: c.Trials}
	for i := range c.Contenders {
		cell := &c.Contenders[i].Cell
		if difference {
			cell = &c.Contenders[i].Differences
		}
		m, ok := cell.Metric(metric)
		if !ok {
			continue
		}
		addPoint(&s, float64(len(f.X.Categories)), m.Center, m.Lo, m.Hi)
		f.X.Categories = append(f.X.Categories, c.Contenders[i].Label)
	}
	if len(s.X) > 0 {
		f.Series = append(f.Series, s)
	}
	return f
}
