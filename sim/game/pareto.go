package game

import (
	"cmp"
	"slices"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// leakMetric is what alternatives are ranked by.
const leakMetric = "attack." + result.BestAttack + ".auc"

const clientFailoverMetric = "client_failover_s"

// A price is a metric that alternatives may pay with for leaking less.
type price struct {
	metric string
	better result.Direction
}

// prices are all of them, in the order of the panels of a plot.
var prices = []price{
	{"availability", result.High},
	{"first_contact_success", result.High},
	{"delivery", result.High},
	{"stream_survival", result.High},
	{"dead_lease_share", result.Low},
	{"failover_s", result.Low},
	{clientFailoverMetric, result.Low},
	{"router_load_jain", result.High},
	{"tunnel_builds_per_h", result.Low},
	{"leaseset_publishes_per_10min", result.Low},
}

// An alternative is one system of several that are set against each other.
type alternative struct {
	label  string
	cell   *result.Cell
	trials int
	// yardstick: what the alternatives are to be taken for. Nothing tells it from
	// itself, and it is on no frontier.
	yardstick bool
}

// paretoFigure plots the leak of alternatives against each price that any of them pays;
// false where fewer than two leak anything that was measured.
func paretoFigure(all []alternative) (result.Figure, bool) {
	leak, _ := result.Describe(leakMetric)
	f := result.Figure{
		ID: "leak-against-price", Kind: result.Pareto, Title: "Leak against each price",
		Note: "Each point is one alternative, with the intervals of its price and of its leak, which holds for all attacks together. " +
			"Rings and steps mark the frontier: whom no other undercuts in both, by the middle of the intervals alone; where they overlap the order is open. " +
			"Markers that would hide each other stand above one another.",
		X: result.Axis{Label: "price", Unit: "1"},
		Y: result.Axis{Label: leak.Label + ", best attack", Unit: "1", Guides: []result.Guide{{Value: guess, Label: "a guess"}}},
	}
	watched := 0
	for i := range all {
		if m, ok := all[i].cell.Metric(leakMetric); ok && m.Defined() {
			watched++
		}
		if all[i].yardstick {
			f.Note += " Nothing tells " + all[i].label + " from itself: it is drawn at a guess, and is on no frontier."
		}
	}
	if watched < 2 {
		return f, false
	}
	felt := slices.ContainsFunc(all, func(a alternative) bool { _, ok := a.cell.Metric(clientFailoverMetric); return ok })
	for _, p := range prices {
		if p.metric == "failover_s" && felt {
			continue // what clients feel counts, not what the netDb shows
		}
		if panel, ok := paretoPanel(all, p); ok {
			f.Panels = append(f.Panels, panel)
		}
	}
	return f, len(f.Panels) > 0
}

// guess is the AUC of who knows nothing.
const guess = 0.5

// paretoPanel plots leak against one price; false where fewer than two pay it.
func paretoPanel(all []alternative, p price) (result.Panel, bool) {
	d, _ := result.Describe(p.metric)
	panel := result.Panel{X: result.Axis{Label: d.Label, Unit: d.Unit}, Better: p.better}
	var contenders []int
	for i := range all {
		a := &all[i]
		x, ok := a.cell.Metric(p.metric)
		if !ok || !x.Defined() {
			continue
		}
		s := result.Series{Label: a.label, Arm: result.Policy, Confidence: confidence, N: a.trials, XLo: []float64{x.Lo}, XHi: []float64{x.Hi}}
		if a.yardstick {
			s.Arm = result.Reference
			s.X, s.Y = []float64{x.Center}, []float64{guess}
		} else {
			y, ok := a.cell.Metric(leakMetric)
			if !ok || !y.Defined() {
				continue
			}
			addPoint(&s, x.Center, y.Center, y.Lo, y.Hi)
			contenders = append(contenders, len(panel.Series))
		}
		panel.Series = append(panel.Series, s)
	}
	panel.Frontier = frontier(panel.Series, contenders, p.better)
	return panel, len(contenders) > 1
}

// frontier returns those of the contenders that no other undercuts, by rising x: none
// is better in x or y and as good in the other. Of equal ones all stay.
func frontier(series []result.Series, contenders []int, better result.Direction) []int {
	sign := 1.0
	if better == result.High {
		sign = -1
	}
	var on []int
	for _, i := range contenders {
		undercut := slices.ContainsFunc(contenders, func(j int) bool {
			x, y := sign*(series[j].X[0]-series[i].X[0]), series[j].Y[0]-series[i].Y[0]
			return x <= 0 && y <= 0 && (x < 0 || y < 0)
		})
		if !undercut {
			on = append(on, i)
		}
	}
	slices.SortStableFunc(on, func(i, j int) int { return cmp.Compare(series[i].X[0], series[j].X[0]) })
	return on
}

// variantsPareto plots the variants of a scenario against each other, beside the
// references, where there are no two of one name.
func (r *runner) variantsPareto(s *result.Summary) (result.Figure, bool) {
	var all, yardsticks []alternative
	unit := make(map[string]int) // of each reference
	clear := true
	for i := range r.plan.points {
		pt := &r.plan.points[i]
		all = append(all, alternative{label: rowName(pt), cell: policyCell(s, i), trials: s.Trials})
		label, u := armLabel(pt, scenario.ReferenceArm), pt.unit[armIndex(scenario.ReferenceArm)]
		if other, known := unit[label]; known {
			clear = clear && other == u
			continue
		}
		unit[label] = u
		yardsticks = append(yardsticks, alternative{label: label, cell: referenceCell(s, i), trials: s.Trials, yardstick: true})
	}
	if clear {
		all = append(all, yardsticks...)
	}
	return paretoFigure(all)
}
