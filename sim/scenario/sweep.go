package scenario

import (
	"fmt"
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// maxCells is the most cells of a sweep: beyond it no run ends.
const maxCells = 10_000

// Cells returns the scenario at each point of its sweep, the last path of the
// sweep varying fastest; without a sweep, the scenario itself.
func (s *Scenario) Cells() []*Scenario {
	if len(s.root.at("sweep").pairs) == 0 {
		return []*Scenario{s}
	}
	var cells []*Scenario
	if err := s.eachCell(func(c *Scenario) { cells = append(cells, c) }); err != nil {
		panic("scenario: a cell that was checked fails: " + err.Error())
	}
	return cells
}

// eachCell builds every cell in turn and reports the first that is wrong.
func (s *Scenario) eachCell(visit func(*Scenario)) *Error {
	sweep := s.root.at("sweep")
	if len(sweep.pairs) == 0 {
		return nil
	}
	cells := 1
	for _, p := range sweep.pairs {
		cells *= len(p.values) // at most maxItems times maxCells before it is refused
		if cells > maxCells {
			return p.pos.fault("sweep", "sweep fewer values, or split the scenario", "the sweep has more than %d cells", maxCells)
		}
	}
	base := s.root.replace("sweep", &value{spec: sweep.spec, shape: pairShape})
	index := make([]int, len(sweep.pairs))
	for {
		root, grid := base, make([]Param, 0, len(index))
		for i, p := range sweep.pairs {
			x := p.values[index[i]]
			next, err := apply(root, p.path, x)
			if err != nil {
				return err
			}
			root = next
			grid = append(grid, Param{p.path, plainScalar(x.scalar)})
		}
		cell, err := build(s.Name, root, s.names)
		if err != nil {
			err.Msg += fmt.Sprintf(" (in the cell %s)", formatGrid(grid))
			return err
		}
		cell.Grid = grid
		visit(cell)
		if !advance(index, sweep.pairs) {
			return nil
		}
	}
}

// advance counts index up like an odometer; false: it has come round.
func advance(index []int, pairs []pair) bool {
	for i := len(index) - 1; i >= 0; i-- {
		if index[i]++; index[i] < len(pairs[i].values) {
			return true
		}
		index[i] = 0
	}
	return false
}

func formatGrid(grid []Param) string {
	var b strings.Builder
	for i, p := range grid {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s: %v", p.Path, p.Value)
	}
	return b.String()
}

// apply sets x at a dotted path of a resolved tree. A shorter duration cuts
// horizons and faults to it: nobody shortens a run in order to be told off for
// what only the long one reaches.
func apply(root *value, path string, x *value) (*value, *Error) {
	root, err := root.with(strings.Split(path, "."), x)
	if err != nil || path != "duration" {
		return root, err
	}
	end := x.span(0)
	faults := *root.at("faults")
	faults.items = slices.DeleteFunc(slices.Clone(faults.items), func(f *value) bool { return f.at("at").span(0) >= end })
	faults.cut = len(faults.items) < len(root.at("faults").items)
	adversaries := *root.at("adversaries")
	adversaries.items = slices.Clone(adversaries.items)
	for i, item := range adversaries.items {
		adversaries.items[i] = cutHorizons(item, end)
	}
	return root.replace("faults", &faults).replace("adversaries", &adversaries), nil
}

// cutHorizons drops an adversary's horizons beyond the duration, and ends them
// with the duration itself where it dropped any.
func cutHorizons(adversary *value, end sim.Time) *value {
	horizons := adversary.at("horizons")
	if horizons.shape != listShape {
		return adversary
	}
	c := *horizons
	c.items = slices.DeleteFunc(slices.Clone(horizons.items), func(h *value) bool { return h.span(0) > end })
	if len(c.items) == len(horizons.items) {
		return adversary
	}
	if n := len(c.items); n == 0 || c.items[n-1].span(0) < end {
		c.items = append(c.items, &value{spec: c.spec, scalar: end})
	}
	return adversary.replace("horizons", &c)
}
