package main

import (
	_ "embed"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

var (
	//go:embed schema/analysis.json
	analysisSchema []byte
	//go:embed schema/check.json
	checkSchema []byte
	//go:embed schema/compare.json
	compareSchema []byte
	//go:embed schema/trace.json
	traceSchema []byte
)

// schemaNames are the formats that have a schema, the default first.
var schemaNames = []string{"scenario", "summary", "figures", "analysis", "check", "compare", "trace"}

// schemaOf returns a schema by its name, nil for an unknown one.
func schemaOf(name string) []byte {
	switch name {
	case "scenario":
		return scenario.Schema(names())
	case "analysis":
		return analysisSchema
	case "check":
		return checkSchema
	case "compare":
		return compareSchema
	case "trace":
		return traceSchema
	}
	if slices.Contains(schemaNames, name) {
		return result.Schema(name)
	}
	return nil
}

func (t *tool) schema(c *cli.Context) error {
	name := c.Args().First()
	if name == "" {
		name = schemaNames[0]
	}
	text := schemaOf(name)
	if text == nil {
		mend := didYouMean(name, schemaNames)
		if mend == "" {
			mend = "choose one of " + strings.Join(schemaNames, ", ")
		}
		return inputErrorf("no schema of the name %q; %s", name, mend)
	}
	_, err := t.stdout.Write(text)
	return err
}
