package claims

import (
	"bytes"
	"fmt"
	"strings"

	"multihome.i2p/scenarios"
)

// Summary counts the verdicts in one sentence.
func Summary(all []*Verdict) string {
	n := map[Word]int{}
	for _, v := range all {
		n[v.Word]++
	}
	return fmt.Sprintf("Of %d claims %d hold, %d fail, %d are undecided and %d not simulated.",
		len(all), n[Holds], n[Fails], n[Undecided], n[NotSimulated])
}

// Markdown writes the verdicts as a document. command is what writes it again.
func Markdown(all []*Verdict, command string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Claims

What Proposal 140 says of itself, and what Proposal 123 says of it, each against a
simulation that decides it. This file is written by

    %s

from [scenarios/claims](../scenarios/claims). A claim *holds* if the intervals of all
its metrics lie within the bounds, and *fails* if one lies beyond its bound; either is
wrong with a chance of at most 5 %% for each claim. The bounds are this project's
reading of the words, and are stated with each. What is simulated and what is assumed:
[model.md](model.md).

%s

| | claim | verdict | found |
|---|---|---|---|
`, command, Summary(all))
	for _, v := range all {
		found := ""
		if len(v.Found) > 0 {
			found = number(v.Found[0].Got)
		}
		fmt.Fprintf(&b, "| %d | [%s](#%s) | %s | %s |\n", v.Claim.Proposal, cell(v.Claim.Quote), v.Claim.ID, strong(v.Word), cell(found))
	}
	section := ""
	for _, v := range all {
		c := v.Claim
		if at := fmt.Sprintf("Proposal %d, %s", c.Proposal, c.Section); at != section {
			section = at
			fmt.Fprintf(&b, "\n## %s\n", section)
		}
		fmt.Fprintf(&b, "\n### %s\n\n> %s\n\n**%s**.", c.ID, c.Quote, upper(string(v.Word)))
		for _, part := range []string{c.Reading, v.Why, c.Note} {
			if part != "" {
				b.WriteString(" " + part)
			}
		}
		b.WriteString("\n")
		if len(v.Found) == 0 {
			continue
		}
		b.WriteString("\n")
		for _, line := range v.Lines() {
			b.WriteString("- " + line + "\n")
		}
		command := "run " + scenarios.ClaimPrefix + c.Scenario
		if c.Against != "" {
			command = "compare " + scenarios.ClaimPrefix + c.Against + " " + scenarios.ClaimPrefix + c.Scenario
		} else if len(c.Differences) > 0 {
			command = "compare " + scenarios.ClaimPrefix + c.Scenario
		}
		fmt.Fprintf(&b, "\n`mhsim %s` plays it, %d trials of each arm.\n", command, v.Trials)
	}
	return b.Bytes()
}

func strong(w Word) string {
	if w == Holds || w == Fails {
		return "**" + string(w) + "**"
	}
	return string(w)
}

// cell makes text fit for a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func upper(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
