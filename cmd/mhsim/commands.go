package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"multihome.i2p/scenarios"
)

// commands are the program's commands in the order of the usage text.
func (t *tool) commands() []*command {
	return []*command{
		t.runCommand(),
		t.mergeCommand(),
		{name: "list", help: listHelp, action: t.list},
		{name: "validate", help: validateHelp, least: 1, most: -1, argument: "SCENARIO", action: t.validate},
		{name: "schema", help: schemaHelp, most: 1, argument: "NAME", action: t.schema},
		t.checkCommand(),
		t.compareCommand(),
		t.policiesCommand(),
		t.claimsCommand(),
		t.traceCommand(),
		t.analyzeCommand(),
		t.calibrateCommand(),
		t.reportCommand(),
		t.exportCommand(),
		t.routerCommand(),
	}
}

// listWidth is where the questions of mhsim list are wrapped.
const listWidth = 90

func (t *tool) list(*cli.Context) error {
	entries := scenarios.List()
	width := 0
	for _, e := range entries {
		width = max(width, len(e.Name))
	}
	for _, e := range entries {
		name := e.Name
		for _, line := range wrap(e.Question, listWidth-width-2) {
			fmt.Fprintf(t.stdout, "%-*s  %s\n", width, name, line)
			name = ""
		}
	}
	return nil
}

// wrap breaks text into lines of at most width characters, as far as its words
// allow. There is always a line.
func wrap(text string, width int) []string {
	lines := []string{""}
	for _, word := range strings.Fields(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

func (t *tool) validate(c *cli.Context) error {
	args := c.Args().Slice()
	all, err := loadAll(args, nil)
	if err != nil {
		return err
	}
	for i, s := range all {
		what := fmt.Sprintf("%s of %s in each arm", count(len(s.Cells()), "cell"), count(s.Trials, "trial"))
		if len(s.Figures) > 0 {
			what = count(len(s.Figures), "figure")
		}
		fmt.Fprintf(t.stdout, "%s: ok, %s\n", args[i], what)
	}
	return nil
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
