package scenario

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"multihome.i2p/sim"
)

// Figure is a published figure and the world that should reproduce it.
type Figure struct {
	Name string
	// Metric is the metric whose centre is compared with Expected.
	Metric string
	// By is "simulation", or "arithmetic" where Arithmetic gives the value.
	By       string
	Expected float64
	// Compare is "equal", "at_most" or "at_least"; Tolerance is the largest
	// difference that still agrees, relative to Expected.
	Compare   string
	Tolerance float64
	// Source says where Expected is published or how it was derived.
	Source string
	// Scenario is the figure's own world: the policy arm counts.
	Scenario *Scenario
}

// Agrees tells whether a value of the metric stands to the expected one as it
// should.
func (f *Figure) Agrees(x float64) bool {
	slack := f.Tolerance * math.Abs(f.Expected)
	switch f.Compare {
	case "at_most":
		return x <= f.Expected+slack
	case "at_least":
		return x >= f.Expected-slack
	}
	return math.Abs(x-f.Expected) <= slack
}

// closedForms are the metrics that a source computed without a simulation.
var closedForms = map[string]func(*sim.Config) float64{
	// Each tunnel is published once in its lifetime of 10 minutes
	// (Proposal 140, motivation).
	"leaseset_publishes_per_10min": tunnels,
	// Each publish is one store at one floodfill.
	"floodfill_stores_per_s": func(w *sim.Config) float64 { return tunnels(w) / 600 },
	// An Ed25519 Destination (391), the header (8), no options (2), one X25519
	// key (1 + 36), the leases (1 + 40 each) and the signature (64): I2P
	// common structures, LeaseSet2.
	"leaseset_bytes": func(w *sim.Config) float64 { return float64(503 + 40*w.Destination.Leases) },
}

// tunnels is the number of inbound tunnels of the service.
func tunnels(w *sim.Config) float64 {
	n := w.Destination.Leases
	if w.Destination.Scheme == sim.SchemeIndependent {
		n *= len(w.Destination.Routers)
	}
	return float64(n)
}

// Arithmetic returns the closed form of the figure's metric over its world; ok
// is false where the figure is simulated.
func (f *Figure) Arithmetic() (value float64, ok bool) {
	form := closedForms[f.Metric]
	if f.By != "arithmetic" || form == nil {
		return 0, false
	}
	return form(&f.Scenario.World), true
}

// buildFigures makes the world of each figure.
func (s *Scenario) buildFigures() *Error {
	figures := s.root.at("figures")
	base := s.root.
		replace("figures", &value{spec: figures.spec, shape: listShape}).
		replace("variants", &value{spec: s.root.at("variants").spec, shape: listShape}).
		replace("sweep", &value{spec: s.root.at("sweep").spec, shape: pairShape})
	for i := range s.Figures {
		f, item := &s.Figures[i], figures.items[i]
		if f.By == "arithmetic" && closedForms[f.Metric] == nil {
			var forms []string
			for name := range closedForms {
				forms = append(forms, name)
			}
			slices.Sort(forms)
			return item.at("by").position().fault("figures.by", "write by: simulation, or choose "+either(forms),
				"%s has no closed form", f.Metric)
		}
		root := base
		for _, p := range item.at("set").pairs {
			next, err := apply(root, p.path, p.values[0])
			if err != nil {
				return err
			}
			root = next
		}
		sub, err := build(strings.Join([]string{s.Name, f.Name}, "/"), root, s.names)
		if err != nil {
			err.Msg += fmt.Sprintf(" (in the figure %s)", f.Name)
			return err
		}
		f.Scenario = sub
	}
	return nil
}
