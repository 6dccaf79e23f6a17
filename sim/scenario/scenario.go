package scenario

import (
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// Names are what other packages know by name; a nil list is not checked.
type Names struct {
	// Attacks, Policies and Metrics are those that a run could use; Rules are those of
	// policy mimic.
	Attacks, Policies, Metrics, Rules []string
	// Files is where policies of files come from; nil: they are not taken.
	Files PolicyFiles
}

// Arm is one side of a game.
type Arm string

// The arms.
const (
	PolicyArm    Arm = "policy"
	ReferenceArm Arm = "reference"
)

// Scenario is a checked scenario, or one cell of its sweep.
type Scenario struct {
	// Name is the file's name without its folder and ending.
	Name     string
	Question string
	Seed     uint64
	// Trials and Train are the test and training trials of each arm.
	Trials, Train int
	// World is the policy arm's world, Reference the other's.
	World, Reference sim.Config
	// Figures are the published figures to reproduce; where there are any, no
	// game is played.
	Figures []Figure
	// Variants are the names of the alternatives that play the sweep.
	Variants []string
	// Grid is the point of the sweep that a cell stands for, in the sweep's
	// order; its variant, as VariantPath, comes first.
	Grid []Param

	names Names
	root  *value // the canonical form
}

// Param is a dotted path and its value: an int64, a float64, a bool or a
// string, durations being strings such as "10m".
type Param struct {
	Path  string
	Value any
}

// Parse reads a scenario file. name is what errors call it. The error is an
// *Error.
func Parse(name string, data []byte, names Names) (*Scenario, error) {
	s, err := parse(name, data, names)
	if err != nil {
		if err.File == "" {
			err.File = name
		}
		return nil, err
	}
	return s, nil
}

func parse(name string, data []byte, names Names) (*Scenario, *Error) {
	doc, err := document(data)
	if err != nil {
		return nil, err
	}
	written, err := decodeMap(doc, tree(), "")
	if err != nil {
		return nil, err
	}
	if err := attachPolicies(name, written, names); err != nil {
		return nil, err
	}
	if err := admit(written, names); err != nil {
		return nil, err
	}
	if err := checkEntries(written); err != nil {
		return nil, err
	}
	return settle(baseName(name), resolveMap(written), names)
}

// settle makes the scenario of a resolved tree and checks everything that it
// will ever be asked for: its worlds, all cells and all figures.
func settle(name string, root *value, names Names) (*Scenario, *Error) {
	s, err := build(name, root, names)
	if err != nil {
		return nil, err
	}
	if err := s.eachCell(func(*Scenario) {}); err != nil {
		return nil, err
	}
	if err := s.buildFigures(); err != nil {
		return nil, err
	}
	return s, nil
}

// build binds and checks both arms of a resolved tree.
func build(name string, root *value, names Names) (*Scenario, *Error) {
	s := &Scenario{Name: name, names: names, root: root}
	destination, reference := s.arm(PolicyArm), s.arm(ReferenceArm)
	s.World = bind(s, names, root, destination)
	s.Reference = bind(&Scenario{}, names, root, reference)
	s.Reference.Faults = slices.DeleteFunc(s.Reference.Faults, func(f sim.Fault) bool {
		return f.Arm == "policy" || f.Router >= len(s.Reference.Destination.Routers)
	})
	if err := checkWorld(root, destination, &s.World); err != nil {
		return nil, err
	}
	if err := checkArm(root, reference, &s.Reference); err != nil {
		return nil, err
	}
	return s, nil
}

// arm returns the destination of one arm.
func (s *Scenario) arm(a Arm) *value {
	destination := s.root.at("destination")
	if a == PolicyArm {
		return destination
	}
	return mergeFields(destination, s.root.at("reference"))
}

// Params returns what a result says of an arm: what it has at each path of the
// sweep, and always its scheme, its number of routers and, where its scheme
// has a balancer, its policy. They are sorted by path.
func (s *Scenario) Params(a Arm) []Param {
	world := &s.World
	if a == ReferenceArm {
		world = &s.Reference
	}
	params := []Param{
		{"destination.routers.count", int64(len(world.Destination.Routers))},
		{"destination.scheme", string(world.Destination.Scheme)},
	}
	if balanced(world.Destination.Scheme) {
		params = append(params, Param{"destination.policy", world.Destination.Policy.Name})
	}
	root := s.root.replace("destination", s.arm(a))
	for _, p := range s.Grid {
		switch p.Path {
		case "destination.routers.count", "destination.scheme", "destination.policy", "destination.policy.name":
			continue
		}
		if x, ok := root.lookup(strings.Split(p.Path, ".")); ok && !strings.HasPrefix(p.Path, "reference.") {
			p.Value = x
		}
		params = append(params, p)
	}
	slices.SortFunc(params, func(a, b Param) int { return strings.Compare(a.Path, b.Path) })
	return params
}

// lookup returns what stands at a path: the value, or, where the entries of a
// list differ, all of them.
func (v *value) lookup(names []string) (any, bool) {
	switch {
	case v == nil:
		return nil, false
	case v.shape == listShape && v.spec.isMap():
		var all []string
		var last any
		for _, item := range v.items {
			x, ok := item.lookup(names)
			if !ok {
				return nil, false
			}
			last = x
			all = append(all, formatScalar(nil, x))
		}
		if len(slices.Compact(slices.Clone(all))) <= 1 {
			return last, len(all) > 0
		}
		return strings.Join(all, "/"), true
	case len(names) > 0:
		return v.at(names[0]).lookup(names[1:])
	case v.shape == scalarShape:
		return plainScalar(v.scalar), true
	}
	return nil, false
}

// plainScalar returns a scalar as results carry it.
func plainScalar(x any) any {
	if t, ok := x.(sim.Time); ok {
		return formatDuration(t)
	}
	return x
}

// baseName is the name of a file without its folder and ending.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.TrimSuffix(name, ".yaml")
	return strings.TrimSuffix(name, ".yml")
}
