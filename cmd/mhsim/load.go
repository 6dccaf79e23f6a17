package main

import (
	"os"
	"strings"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/scenarios"
	"multihome.i2p/sim/scenario"
)

// names are the names that scenario files may use.
func names() scenario.Names {
	n := scenario.Names{Attacks: attack.Names(), Policies: policy.Names(), Rules: policy.RuleNames(), Files: policyFiles{}}
	for _, d := range result.KnownMetrics() {
		n.Metrics = append(n.Metrics, d.Name)
	}
	return n
}

// isPath tells the path of a scenario from the name of a shipped one.
func isPath(arg string) bool {
	return strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml")
}

// loadScenario reads a scenario by its path, or a shipped one by its name.
func loadScenario(arg string) (*scenario.Scenario, error) {
	var data []byte
	if isPath(arg) {
		var err error
		if data, err = os.ReadFile(arg); err != nil {
			return nil, inputErrorf("cannot read the scenario: %w; give a file, or a name that mhsim list shows", err)
		}
	} else {
		var ok bool
		if data, ok = scenarios.Get(arg); !ok {
			var shipped []string
			for _, e := range scenarios.List() {
				shipped = append(shipped, e.Name)
			}
			mend := "mhsim list shows them"
			if s := didYouMean(arg, shipped); s != "" {
				mend = s
			} else if _, err := os.Stat(arg); err == nil {
				mend = "write ./" + arg + " for the file"
			}
			return nil, inputErrorf("no scenario of the name %q; %s (there are %s)", arg, mend, strings.Join(shipped, ", "))
		}
		arg += ".yaml"
	}
	s, err := scenario.Parse(arg, data, names())
	if err != nil {
		return nil, inputError(err)
	}
	return s, nil
}

// loadAll reads all scenarios and tells what is wrong with each.
func loadAll(args []string, overrides []scenario.Override) ([]*scenario.Scenario, error) {
	var all []*scenario.Scenario
	var wrong errorList
	for _, arg := range args {
		s, err := loadScenario(arg)
		if err == nil && len(overrides) > 0 {
			s, err = s.With(overrides...)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		all = append(all, s)
	}
	if wrong != nil {
		return nil, inputError(wrong)
	}
	return all, nil
}
