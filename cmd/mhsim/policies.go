package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
)

func (t *tool) policiesCommand() *command {
	return &command{
		name: "policies", help: policiesHelp, action: t.policies,
		flags: []cli.Flag{&cli.StringSliceFlag{Name: "from"}, &cli.BoolFlag{Name: "csv"}},
	}
}

// policiesWidth is where the texts of mhsim policies are wrapped.
const policiesWidth = 80

// policies lists the built-in policies with what each hides and costs, and what was
// found of it, and the files that ship.
func (t *tool) policies(c *cli.Context) error {
	var figures []measured
	for _, dir := range c.StringSlice("from") {
		list, err := measuredIn(dir)
		if err != nil {
			return err
		}
		figures = append(figures, list...)
	}
	if len(figures) == 0 {
		var err error
		if figures, err = shippedFigures(); err != nil {
			return err
		}
	}
	if c.Bool("csv") {
		return writeMeasured(t.stdout, figures)
	}
	for i, name := range policy.Names() {
		if i > 0 {
			fmt.Fprintln(t.stdout)
		}
		fmt.Fprintln(t.stdout, name)
		d, _ := policy.Describe(name)
		t.entry("", d.Does)
		t.entry("needs", d.Needs)
		t.entry("hides", d.Hides)
		t.entry("shows", d.Shows)
		t.entry("costs", d.Costs)
		for k := range figures {
			if figures[k].policy == name {
				t.entry("found", figures[k].sentence())
			}
		}
	}
	fmt.Fprintf(t.stdout, "\nfound: means with 95 %% intervals; the AUC is that of the strongest attack, its\ninterval holds for all attacks at once\n")
	for k := range figures {
		if k == 0 || !figures[k].sameRun(&figures[k-1]) {
			t.entry("", figures[k].origin())
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

// entry prints a text below a policy's name, with a label before its first line.
func (t *tool) entry(label, text string) {
	labelled := label != ""
	for _, line := range wrap(text, policiesWidth-10) {
		if !labelled {
			fmt.Fprintf(t.stdout, "    %s\n", line)
			continue
		}
		fmt.Fprintf(t.stdout, "    %-6s%s\n", label, line)
		label = ""
	}
}
