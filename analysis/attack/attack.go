package attack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/trace"
)

// An Attack tells a Destination on one router from a Destination on several.
type Attack interface {
	// Name returns the name under which [New] makes the attack.
	Name() string

	// Vantages are the points from which the attack sees anything.
	Vantages() []trace.Vantage

	// Numbers name the elements of a vector, in their order.
	Numbers() []string

	// Observe extracts what the attack uses from evidence, which [Gather] makes
	// once for all attacks.
	Observe(e *Evidence) Features

	// Fit learns from trials of both arms, all observed up to the horizon of the
	// trials to come, and replaces what an earlier Fit learned. It returns an
	// error that wraps [ErrTraining], and leaves the attack untrained, if there
	// are too few usable trials. An attack that learns nothing returns nil.
	Fit(training []Sample) error

	// Score judges features of this attack. Its score is never NaN: features
	// without evidence score 0, with a warning.
	Score(f *Features) Verdict
}

// Features are what one attack saw in one trace.
type Features struct {
	// Vector are the numbers that Fit learns from, in an order of the attack's
	// own; nil if the trace holds too little. A NaN among them is a number that
	// this trace does not tell.
	Vector []float64

	Evidence *Evidence
}

// A Sample is a training trial.
type Sample struct {
	// Multi marks the arm that the attack shall find, Destinations on several
	// routers; false is the reference, one router. It is the arm and not the
	// number of routers that counts, so that two systems of one router can be
	// compared too.
	Multi bool
	// Routers is the number of routers; 0 where that is not told.
	Routers  int
	Features Features
}

// A Verdict is what an attack says about a trace.
type Verdict struct {
	// Score is larger the more the trace looks like the arm with several routers.
	// After Fit it is a log likelihood ratio, before it log posterior odds.
	Score float64

	// Routers is the estimated number of routers, of the attack's own model, fitted
	// or not: the median of Posterior and its central interval, cut at
	// [MaxRouters].
	Routers analysis.Estimate

	// Posterior is the probability of 1, 2, … MaxRouters routers; nil without
	// evidence.
	Posterior []float64

	// Strange says that no number of routers which the attack considers explains
	// the evidence.
	Strange bool

	Warnings []string
}

// MaxRouters is the largest number of routers that an attack considers: a
// LeaseSet has 16 leases.
const MaxRouters = 16

// Combined is the name of the attack that learns from all others.
const Combined = "combined"

// Posterior is the name of the attack that gives each number of routers its
// probability.
const Posterior = "posterior"

// ErrTraining marks errors of Fit: too few trials that hold what the attack needs.
var ErrTraining = errors.New("attack cannot be trained")

const confidence = 0.95

// An entry makes attacks of one name.
type entry struct {
	name string
	make func() Attack
}

// registry is in the order of Names.
var registry = entries()

func entries() []entry {
	list := append(basic(), entry{Combined, func() Attack { return newCombined() }},
		entry{Posterior, func() Attack { return NewPosterior(nil) }}, entry{Meta, func() Attack { return meta{} }})
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return list
}

// basic are the attacks that look at one thing each.
func basic() []entry {
	list := []entry{
		{"distinct", func() Attack { return newDistinct() }},
		{"richness", func() Attack { return newRichness() }},
	}
	for _, s := range signals() {
		list = append(list, entry{s.name, func() Attack { return &signalAttack{signal: s} }})
	}
	return list
}

// Names returns the names of all attacks, in alphabetical order.
func Names() []string {
	names := make([]string, len(registry))
	for i, e := range registry {
		names[i] = e.name
	}
	return names
}

// NamesAt returns the names of the attacks that see anything from a vantage point,
// in alphabetical order, but for [Meta].
func NamesAt(v trace.Vantage) []string {
	var names []string
	for _, e := range registry {
		if e.name != Meta && slices.Contains(e.make().Vantages(), v) {
			names = append(names, e.name)
		}
	}
	return names
}

// New returns a new, untrained attack. An unknown name is an error that lists the
// names.
func New(name string) (Attack, error) {
	for _, e := range registry {
		if e.name == name {
			return e.make(), nil
		}
	}
	return nil, fmt.Errorf("unknown attack %q; there are %s", name, strings.Join(Names(), ", "))
}
