package scenario

import (
	"fmt"
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// maxCells is the most cells of a sweep: beyond it no run ends.
const maxCells = 10_000

// VariantPath is the path of a variant's name among the parameters of a cell.
const VariantPath = "variants.name"

// Cells returns the scenario at each point of its sweep, the last path of the
// sweep varying fastest and variants slowest; without either, the scenario itself.
func (s *Scenario) Cells() []*Scenario {
	if len(s.root.at("sweep").pairs) == 0 && len(s.Variants) == 0 {
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
	sweep, variants := s.root.at("sweep"), s.root.at("variants")
	if len(sweep.pairs) == 0 && len(variants.items) == 0 {
		return nil
	}
	cells := max(1, len(variants.items))
	for _, p := range sweep.pairs {
		cells *= len(p.values) // at most maxItems times maxCells before it is refused
		if cells > maxCells {
			return p.pos.fault("sweep", "sweep fewer values, or split the scenario", "the sweep has more than %d cells", maxCells)
		}
	}
	base := s.root.
		replace("sweep", &value{spec: sweep.spec, shape: pairShape}).
		replace("variants", &value{spec: variants.spec, shape: listShape})
	if len(variants.items) == 0 {
		return s.eachPoint(base, nil, sweep, visit)
	}
	for i, item := range variants.items {
		root := base
		for _, p := range item.at("set").pairs {
			if slices.Contains([]string{"seed", "trials", "training"}, p.path) {
				return p.pos.fault("variants.set", "write it outside of the variants", "all variants have the same %s", p.path)
			}
			next, err := apply(root, p.path, p.values[0])
			if err != nil {
				return err
			}
			root = next
		}
		if err := s.eachPoint(root, []Param{{VariantPath, s.Variants[i]}}, sweep, visit); err != nil {
			return err
		}
	}
	return nil
}

// eachPoint builds the cells of a sweep over one resolved tree, which is at the point
// of the grid that is given.
func (s *Scenario) eachPoint(base *value, at []Param, sweep *value, visit func(*Scenario)) *Error {
	index := make([]int, len(sweep.pairs))
	for {
		root, grid := base, append(make([]Param, 0, len(at)+len(index)), at...)
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
