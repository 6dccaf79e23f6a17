package scenario

import (
	"fmt"
	"slices"

	"multihome.i2p/sim"
)

// target is what keys are bound to: the declarations' fields point into it.
type target struct {
	scenario  *Scenario
	names     Names
	world     *sim.Config
	router    *sim.Router
	fault     *sim.Fault
	adversary *sim.Adversary
	figure    *Figure
	variant   *string

	leasesPerRouter int // 0: destination.leases counts
}

// maxAutoTraining is the most training trials that `auto` takes: beyond it the
// shipped attacks gain little.
const maxAutoTraining = 500

// bind fills the scenario and one world from a resolved tree; destination is
// the arm's own.
func bind(s *Scenario, names Names, root, destination *value) sim.Config {
	var world sim.Config
	t := &target{scenario: s, names: names, world: &world}
	bindFields(t, root.replace("destination", destination))
	if n := t.leasesPerRouter; n > 0 {
		world.Destination.Leases = leasesFor(&world, n)
	}
	if !balanced(world.Destination.Scheme) {
		world.Destination.Policy = sim.Policy{}
	}
	return world
}

// leasesFor is how many leases a LeaseSet holds of n for each router.
func leasesFor(w *sim.Config, n int) int {
	d := &w.Destination
	routers, most := len(d.Routers), maxLeases
	switch d.Scheme {
	case sim.SchemeSingle, sim.SchemeIndependent, sim.SchemeMeta:
		routers = 1
	case sim.SchemeP140Meta:
		routers = min(routers, d.Meta.RoutersPerSub)
	case sim.SchemeLargeLeaseSet:
		most = min(mostLeases, sim.LeasesIn(w.Network.LeaseSetLimit))
	}
	return min(n*routers, most)
}

// bindFields binds the keys of a map in the table's order, so that a field may
// rely on those before it.
func bindFields(t *target, v *value) {
	for _, s := range v.spec.children {
		if field := v.fields[s.name]; field != nil && s.name != "reference" && v.takes(s) {
			bindField(t, field)
		}
	}
}

func bindField(t *target, v *value) {
	switch {
	case v.spec.Type == MapOrList:
		bindRouters(t, v)
		return
	case v.spec.Type == List:
		for _, item := range v.items {
			v.spec.field(t).(func())()
			bindFields(t, item)
		}
		return
	case v.spec.field != nil:
		assign(v.spec.field(t), v)
		return
	case v.shape == mapShape:
		bindFields(t, v)
	}
}

// bindRouters binds one router for each entry, or copies of one.
func bindRouters(t *target, v *value) {
	d := &t.world.Destination
	one := func(item *value) sim.Router {
		var r sim.Router
		t.router = &r
		bindFields(t, item)
		return r
	}
	if v.shape == listShape {
		for _, item := range v.items {
			d.Routers = append(d.Routers, one(item))
		}
		return
	}
	d.Routers = slices.Repeat([]sim.Router{one(v)}, int(v.at("count").whole(1)))
}

// assign puts a value into the field that its key declares.
func assign(field any, v *value) {
	switch p := field.(type) {
	case *int:
		*p = int(v.scalar.(int64))
	case *uint64:
		*p = uint64(v.scalar.(int64))
	case *float64:
		*p = v.scalar.(float64)
	case *bool:
		*p = v.scalar.(bool)
	case *sim.Time:
		*p = v.scalar.(sim.Time)
	case *string:
		*p = v.scalar.(string)
	case *sim.Scheme:
		*p = sim.Scheme(v.text())
	case *sim.I2pdVersion:
		*p = sim.I2pdVersion(v.text())
	case *sim.Kind:
		*p = sim.Kind(v.text())
	case *sim.FaultKind:
		*p = sim.FaultKind(v.text())
	case func(*value):
		p(v)
	default:
		panic(fmt.Sprintf("scenario: %s fills a %T", v.spec.Path, field))
	}
}

// spanOr fills a duration whose words stand for the given value.
func spanOr(p *sim.Time, word sim.Time) func(*value) {
	return func(v *value) { *p = v.span(word) }
}

func (t *target) training(v *value) {
	auto := min((t.scenario.Trials+1)/2, maxAutoTraining)
	t.scenario.Train = int(v.whole(int64(auto)))
}

func (t *target) fastTier(v *value) {
	if v.shape == mapShape {
		t.router.FastTier = sim.FastTier{Mode: "size", Size: int(v.at("size").whole(0))}
		return
	}
	t.router.FastTier = sim.FastTier{Mode: v.text()}
}

// reuse resolves `kind`. The router's kind stands before it in the table.
func (t *target) reuse(v *value) {
	x, ok := v.scalar.(float64)
	if !ok {
		x = 0.75
		if t.router.Kind == sim.I2pd {
			x = 1
		}
	}
	t.router.Reuse = x
}

func (t *target) newFault() {
	t.world.Faults = append(t.world.Faults, sim.Fault{})
	t.fault = &t.world.Faults[len(t.world.Faults)-1]
}

func (t *target) newAdversary() {
	t.world.Adversaries = append(t.world.Adversaries, sim.Adversary{})
	t.adversary = &t.world.Adversaries[len(t.world.Adversaries)-1]
}

// attacks resolves `all` to the attacks that the caller named.
func (t *target) attacks(v *value) {
	if v.shape == scalarShape {
		t.adversary.Attacks = slices.Clone(t.names.Attacks)
		if t.names.Attacks == nil {
			t.adversary.Attacks = []string{v.text()}
		}
		return
	}
	for _, item := range v.items {
		t.adversary.Attacks = append(t.adversary.Attacks, item.text())
	}
}

func (t *target) horizons(v *value) {
	if v.shape == scalarShape {
		t.adversary.Horizons = []sim.Time{t.world.Duration}
		return
	}
	for _, item := range v.items {
		t.adversary.Horizons = append(t.adversary.Horizons, item.span(0))
	}
}

// prior resolves `uniform` to nil.
func (t *target) prior(v *value) {
	for _, item := range v.items {
		t.adversary.Prior = append(t.adversary.Prior, item.scalar.(float64))
	}
}

func (t *target) newVariant() {
	t.scenario.Variants = append(t.scenario.Variants, "")
	t.variant = &t.scenario.Variants[len(t.scenario.Variants)-1]
}

func (t *target) newFigure() {
	t.scenario.Figures = append(t.scenario.Figures, Figure{})
	t.figure = &t.scenario.Figures[len(t.scenario.Figures)-1]
}
