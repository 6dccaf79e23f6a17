package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
)

func (t *tool) policiesCommand() *command {
	return &command{name: "policies", help: policiesHelp, action: t.policies}
}

// policiesWidth is where the texts of mhsim policies are wrapped.
const policiesWidth = 80

// policies lists the built-in policies with what each hides and costs, and the files
// that ship.
func (t *tool) policies(*cli.Context) error {
	for i, name := range policy.Names() {
		d, _ := policy.Describe(name)
		if i > 0 {
			fmt.Fprintln(t.stdout)
		}
		fmt.Fprintln(t.stdout, name)
		for _, part := range []struct{ label, text string }{
			{"", d.Does}, {"needs", d.Needs}, {"hides", d.Hides}, {"shows", d.Shows}, {"costs", d.Costs},
		} {
			label := part.label
			for _, line := range wrap(part.text, policiesWidth-10) {
				if part.label == "" {
					fmt.Fprintf(t.stdout, "    %s\n", line)
					continue
				}
				fmt.Fprintf(t.stdout, "    %-6s%s\n", label, line)
				label = ""
			}
		}
	}
	fmt.Fprintf(t.stdout, "\nfiles that ship, each used as policy: {file: NAME}; see docs/policies.md\n")
	for _, name := range starlark.Shipped() {
		fmt.Fprintf(t.stdout, "\n%s\n", name)
		for _, line := range wrap(starlark.Summary(name), policiesWidth-4) {
			fmt.Fprintf(t.stdout, "    %s\n", line)
		}
	}
	return nil
}
