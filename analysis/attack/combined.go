package attack

import (
	"fmt"
	"math"
	"math/rand/v2"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/learn"
	"multihome.i2p/analysis/trace"
)

// combined is the observer who knows the policy (Kerckhoffs): it learns from
// training trials of the very system under test what all numbers of all other
// attacks are worth together.
type combined struct {
	parts   []Attack
	numbers []string
	model   learn.Scorer
}

func newCombined() *combined {
	c := &combined{}
	for _, e := range basic() {
		a := e.make()
		c.parts = append(c.parts, a)
		for _, n := range a.Numbers() {
			c.numbers = append(c.numbers, a.Name()+"."+n)
		}
	}
	return c
}

// Name implements Attack.
func (*combined) Name() string { return Combined }

// Vantages implements Attack.
func (*combined) Vantages() []trace.Vantage { return anySighting }

// Numbers implements Attack.
func (c *combined) Numbers() []string { return c.numbers }

// Observe implements Attack.
func (c *combined) Observe(e *Evidence) Features {
	return Features{Vector: e.once(Combined, c.measure), Evidence: e}
}

func (c *combined) measure(e *Evidence) []float64 {
	v := make([]float64, 0, len(c.numbers))
	some := false
	for _, a := range c.parts {
		part := a.Observe(e).Vector
		some = some || part != nil
		for i := range a.Numbers() {
			x := math.NaN()
			if part != nil {
				x = part[i]
			}
			v = append(v, x)
		}
	}
	if !some {
		return nil
	}
	return v
}

// A Part says how much a combined attack owes to the numbers of another one.
type Part struct {
	Attack string
	// Drop is the AUC lost when that attack's numbers are shuffled among trials.
	Drop analysis.Estimate
}

// Parts tells what a fitted attack [Combined] lives on, by held-out vectors; nil for
// any other attack, or an unfitted one.
func Parts(a Attack, vectors [][]float64, multi []bool, confidence float64, rng *rand.Rand) ([]Part, error) {
	c, ok := a.(*combined)
	if !ok || c.model == nil {
		return nil, nil
	}
	list, err := learn.PermutationImportance(c.model, vectors, multi, c.groups(), learn.ImportanceOptions{Confidence: confidence}, rng)
	if err != nil {
		return nil, err
	}
	parts := make([]Part, len(list))
	for i := range list {
		parts[i] = Part{list[i].Group, list[i].Drop}
	}
	return parts, nil
}

// groups say which numbers of a vector come from which attack.
func (c *combined) groups() []learn.FeatureGroup {
	var groups []learn.FeatureGroup
	next := 0
	for _, a := range c.parts {
		g := learn.FeatureGroup{Name: a.Name()}
		for range a.Numbers() {
			g.Columns = append(g.Columns, next)
			next++
		}
		groups = append(groups, g)
	}
	return groups
}

// Fit implements Attack.
func (c *combined) Fit(training []Sample) (err error) {
	c.model, err = fitStack(training)
	return err
}

// Score implements Attack.
func (c *combined) Score(f *Features) Verdict {
	n := 0
	if f.Evidence != nil {
		n = len(f.Evidence.LeaseSets)
	}
	if f.Vector == nil {
		return noEvidence(n, "nothing was seen that any attack looks at")
	}
	v := noEvidence(n, "it does not count routers")
	v.Warnings = nil
	if c.model == nil {
		v.Warnings = append(v.Warnings, "no training: it has nothing to compare with")
		return v
	}
	v.Score = c.model.Score(f.Vector)
	return v
}

// minTraining is the smallest number of usable training trials of each arm.
const minTraining = 10

// fitStack learns from the vectors of the samples; samples without a vector say
// nothing and are left out. Without any difference in training the score is 0.
func fitStack(training []Sample) (learn.Scorer, error) {
	var rows [][]float64
	var labels []bool
	var arms [2]int
	for i := range training {
		if v := training[i].Features.Vector; v != nil {
			rows = append(rows, v)
			labels = append(labels, training[i].Multi)
			arm := 0
			if training[i].Multi {
				arm = 1
			}
			arms[arm]++
		}
	}
	if n := min(arms[0], arms[1]); n < minTraining {
		return nil, fmt.Errorf("%w: %d usable training trials of one arm, %d are needed; run more or longer trials", ErrTraining, n, minTraining)
	}
	if !anyVaries(rows) {
		return guess{}, nil
	}
	m, err := learn.FitStack(rows, labels, learn.StackOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTraining, err)
	}
	return m, nil
}

// guess is what is learned where nothing differs.
type guess struct{}

func (guess) Score([]float64) float64 { return 0 }

func anyVaries(rows [][]float64) bool {
	for _, row := range rows[1:] {
		for j, x := range row {
			if y := rows[0][j]; x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
				return true
			}
		}
	}
	return false
}

// Standardised brings vectors to a common scale, as the learners do: no number's
// unit decides which vectors are neighbours. Without any difference between them it
// returns empty vectors.
func Standardised(vectors [][]float64) [][]float64 {
	out := make([][]float64, len(vectors))
	scaler, err := learn.FitScaler(vectors, learn.ScaleOptions{})
	if err != nil {
		return out
	}
	for i, v := range vectors {
		out[i] = scaler.Apply(v)
	}
	return out
}
