package game

import (
	"fmt"
	"strings"

	"multihome.i2p/analysis/result"
)

// leakMetric is what a comparison ranks contenders by.
const leakMetric = "attack." + result.BestAttack + ".auc"

// prices are what contenders may pay for leaking less.
var prices = []string{
	"availability", "first_contact_success", "delivery", "stream_survival", "dead_lease_share", "failover_s",
	"router_load_jain", "tunnel_builds_per_h", "leaseset_publishes_per_10min",
}

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
		if len(f.Series) > 0 {
			res.Figures.Figures = append(res.Figures.Figures, f)
		}
	}
	add(c.figure("leak", "How well the best attack tells each from its reference", leakMetric, false,
		"With the interval that holds for all attacks together.", 0.5, "a guess"))
	add(c.figure("leak-difference", "Leak, minus that of "+c.Contenders[0].Label, leakMetric, true,
		"Below 0 less is told than of the first. The interval makes no use of pairing, since the best attack may be another one.", 0, "no difference"))
	for _, m := range prices {
		add(c.pareto(m))
	}
	for _, m := range prices {
		d, _ := result.Describe(m)
		add(c.figure("difference-"+strings.NewReplacer("_", "-").Replace(m), d.Label+", minus that of "+c.Contenders[0].Label, m, true,
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

// mostContenders is how many a plot of leak against price tells apart.
const mostContenders = 7

// pareto shows leak against a price; nothing where all pay the same.
func (c *Comparison) pareto(metric string) result.Figure {
	d, _ := result.Describe(metric)
	leak, _ := result.Describe(leakMetric)
	f := result.Figure{
		ID: "leak-by-" + strings.NewReplacer("_", "-").Replace(metric), Kind: result.Sweep,
		Title: "Leak against " + strings.ToLower(d.Label),
		Note:  "Each point is one contender; the interval is that of its leak.",
		X:     result.Axis{Label: d.Label, Unit: d.Unit},
		Y:     result.Axis{Label: leak.Label + " of the best attack", Unit: "1", Guides: []result.Guide{{Value: 0.5, Label: "a guess"}}},
	}
	differs := false
	for i := range c.Contenders[:min(len(c.Contenders), mostContenders)] {
		cell := &c.Contenders[i].Cell
		x, ok := cell.Metric(metric)
		y, watched := cell.Metric(leakMetric)
		if !ok || !watched || !x.Defined() {
			continue
		}
		s := result.Series{Label: c.Contenders[i].Label, Arm: result.Policy, Confidence: confidence, N: c.Trials}
		addPoint(&s, x.Center, y.Center, y.Lo, y.Hi)
		differs = differs || len(f.Series) > 0 && s.X[0] != f.Series[0].X[0]
		f.Series = append(f.Series, s)
	}
	if !differs {
		f.Series = nil
	}
	return f
}
