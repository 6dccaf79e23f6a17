// Package claims holds what Proposal 140 says of itself, and Proposal 123 of it,
// against simulations: each claim has a scenario and the bounds on its metrics that
// decide it. The claims are data: scenarios/claims/claims.yaml.
package claims

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"multihome.i2p/scenarios"
	"multihome.i2p/sim/game"
)

// A Claim is a sentence of a proposal with what decides it.
type Claim struct {
	ID       string `yaml:"id"`
	Proposal int    `yaml:"proposal"`
	Section  string `yaml:"section"`
	Quote    string `yaml:"quote"`
	// Reading says what was measured, and why that decides the claim.
	Reading  string `yaml:"reading"`
	Scenario string `yaml:"scenario"`
	// Limits are on metrics of the policy arm, in every cell of the scenario.
	Limits []Bound `yaml:"limits"`
	// Differences are on metrics of the last cell minus the first, or minus the first
	// of another scenario, Against.
	Differences []Bound `yaml:"differences"`
	Against     string  `yaml:"against"`
	// Pending says why no simulation decides the claim.
	Pending string `yaml:"pending"`
	Note    string `yaml:"note"`
}

// A Bound is a limit as the file writes it.
type Bound struct {
	Metric  string   `yaml:"metric"`
	AtMost  *float64 `yaml:"at_most"`
	AtLeast *float64 `yaml:"at_least"`
}

func (b *Bound) limit() game.Limit {
	if b.AtMost != nil {
		return game.Limit{Metric: b.Metric, Most: true, Value: *b.AtMost}
	}
	return game.Limit{Metric: b.Metric, Value: *b.AtLeast}
}

// Shipped returns the claims that ship with the program.
func Shipped() []Claim {
	list, err := Parse(scenarios.Claims())
	if err != nil {
		panic(err) // they are part of the program, and tested
	}
	return list
}

var idPattern = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Parse reads a list of claims. Unknown keys are errors, and so is a claim that
// nothing decides and that does not say why.
func Parse(data []byte) ([]Claim, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	var list []Claim
	if err := dec.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("claims.yaml: %w", err)
	}
	seen := map[string]bool{}
	for i := range list {
		if err := list[i].validate(); err != nil {
			return nil, fmt.Errorf("claims.yaml: claim %q: %w", list[i].ID, err)
		}
		if seen[list[i].ID] {
			return nil, fmt.Errorf("claims.yaml: two claims %q", list[i].ID)
		}
		seen[list[i].ID] = true
	}
	return list, nil
}

func (c *Claim) validate() error {
	switch {
	case !idPattern.MatchString(c.ID):
		return errors.New("the id has other characters than lower-case letters, digits and single dashes")
	case c.Proposal != 140 && c.Proposal != 123:
		return fmt.Errorf("proposal %d is neither 140 nor 123", c.Proposal)
	case c.Section == "" || c.Quote == "":
		return errors.New("section or quote is missing")
	case strings.Contains(c.Quote, "\n"):
		return errors.New("the quote has several lines")
	case c.Pending != "":
		if c.Scenario != "" || len(c.Limits)+len(c.Differences) > 0 {
			return errors.New("it is pending and has a scenario")
		}
		return nil
	case c.Against != "" && len(c.Differences) == 0:
		return errors.New("it is against another scenario, and has no differences")
	case c.Scenario == "" || c.Reading == "":
		return errors.New("scenario or reading is missing")
	case (len(c.Limits) > 0) == (len(c.Differences) > 0):
		return errors.New("it needs limits, or differences, and not both")
	}
	for _, b := range append(c.Limits[:len(c.Limits):len(c.Limits)], c.Differences...) {
		if b.Metric == "" || (b.AtMost == nil) == (b.AtLeast == nil) {
			return errors.New("a bound needs a metric, and at_most or at_least")
		}
	}
	return nil
}
