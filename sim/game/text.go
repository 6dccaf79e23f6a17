package game

import (
	"fmt"
	"strings"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// limits are what every report says about what it does not show, the heaviest
// first.
var limits = []string{
	"Clients are not simulated. Anyone can be a client of a public service, and a client that sends a new session " +
		"through one lease and the next message through another learns whether both lead to the same router. " +
		"No policy here hides the number of routers from clients.",
	"The observer polls the netDb. Floodfills see more (which tunnels a store came through, repeats), and peers that " +
		"serve as hops see more still.",
	"No source gives the overlap of fast tiers beyond a rough measurement of 21 routers of one team, nor their turnover, " +
		"nor the success of client tunnel builds. They are assumptions; sweep them before relying on a figure.",
	"The attacks are those named, not the best that could be. An AUC near 0.5 says that these attacks fail.",
}

// text writes the report's words.
func (r *runner) text(res *Results, opt Options) {
	s := r.plan.scenario
	t := &res.Figures.Text
	t.Title = s.Name
	t.Question = s.Question
	t.Command = opt.Command
	t.Limits = limits
	for _, a := range s.Assumptions() {
		text := a.Doc
		if a.Unit != "" && a.Unit != "1" {
			text += " (" + a.Unit + ")"
		}
		t.Assumptions = append(t.Assumptions, result.Assumption{Text: text, Source: a.Source, Key: a.Path, Value: a.Value})
	}
	if r.plan.points[0].figure != nil {
		r.publishedText(res.Summary, t)
		return
	}
	r.gameText(res.Summary, t)
}

func (r *runner) publishedText(s *result.Summary, t *result.Text) {
	var off []string
	for i := range r.plan.points {
		f := r.plan.points[i].figure
		m, _ := s.Cells[i].Metric(f.Metric)
		if !f.Agrees(m.Center) {
			off = append(off, fmt.Sprintf("%s: %.4g, published %.4g", f.Name, m.Center, f.Expected))
		}
	}
	n := len(r.plan.points)
	if len(off) == 0 {
		t.Answer = fmt.Sprintf("Yes: all %d figures are reproduced within their tolerance.", n)
	} else {
		t.Answer = fmt.Sprintf("%d of %d figures are reproduced within their tolerance; not %s.", n-len(off), n, strings.Join(off, "; "))
	}
	var lines []string
	for i := range r.plan.points {
		f := r.plan.points[i].figure
		m, _ := s.Cells[i].Metric(f.Metric)
		how := f.By
		if how == "" {
			how = "simulation"
		}
		lines = append(lines, fmt.Sprintf("%s: %s by %s, expected %.5g (%s).", f.Name, interval(m), how, f.Expected, f.Source))
	}
	t.AnswerDetail = strings.Join(lines, "\n\n")
}

// gameText answers the scenario's question by the best attack's AUC.
func (r *runner) gameText(s *result.Summary, t *result.Text) {
	const name = "attack.best.auc"
	var answers []string
	told := 0
	for i := range r.plan.points {
		m, ok := policyCell(s, i).Metric(name)
		if !ok {
			continue
		}
		if m.HasInterval() && m.Lo > 0.5 {
			told++
		}
		answer := "AUC " + interval(m)
		if grid := gridOf(&r.plan.points[i]); grid != "" {
			answer = grid + ": " + answer
		}
		answers = append(answers, answer)
	}
	pt := &r.plan.points[0]
	if len(answers) == 0 {
		t.Answer = "No adversary watched; see the metrics."
		return
	}
	verdict := fmt.Sprintf("can be told in %d of %d cells", told, len(answers))
	switch {
	case told == len(answers):
		verdict = "can be told"
	case told == 0:
		verdict = "could not be told"
	}
	a := &pt.scenario.World.Adversaries[0]
	t.Answer = fmt.Sprintf("%s %s from %s by polling the netDb every %s for %s: %s.",
		armLabel(pt, scenario.PolicyArm), verdict, armLabel(pt, scenario.ReferenceArm),
		hours(a.Every), hours(pt.scenario.World.Duration), strings.Join(answers, "; "))
	t.AnswerDetail = fmt.Sprintf("AUC is the chance that the best of the attacks (%s) ranks a random trace of the one above a random trace "+
		"of the other: 0.5 is a guess, 1 is certainty. The interval holds for all attacks together; below 0.5 an attack that was trained "+
		"on other trials was misled by chance. %d training and %d test trials in each arm, independent of each other.",
		strings.Join(attackNames(&r.plan.points[0]), ", "), r.plan.scenario.Train, r.plan.scenario.Trials)
}

func policyCell(s *result.Summary, point int) *result.Cell {
	n := 0
	for i := range s.Cells {
		if s.Cells[i].Arm != result.Policy {
			continue
		}
		if n == point {
			return &s.Cells[i]
		}
		n++
	}
	return &result.Cell{}
}

func attackNames(pt *point) []string {
	var names []string
	for _, l := range pt.looks {
		if l.adversary == 0 && l.full {
			names = append(names, l.attack)
		}
	}
	return names
}

// interval writes a metric with its interval and its n.
func interval(m result.Metric) string {
	if !m.Defined() {
		return fmt.Sprintf("undefined (n = %d)", m.N)
	}
	text := fmt.Sprintf("%.3f", m.Center)
	if m.HasInterval() && m.Lo != m.Hi {
		text += fmt.Sprintf(" [%.3f, %.3f]", m.Lo, m.Hi)
	}
	return fmt.Sprintf("%s (n = %d trials)", text, m.N)
}
