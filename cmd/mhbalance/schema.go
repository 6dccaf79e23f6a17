package main

import (
	_ "embed"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/internal/argv"
)

var (
	//go:embed schema/config.json
	configSchema []byte
	//go:embed schema/status.json
	statusSchema []byte
)

// schemaNames are the formats that have a schema, the default first.
var schemaNames = []string{"config", "status"}

const schemaHelp = `Usage:
    mhbalance schema [NAME]

Prints the JSON Schema (draft 2020-12) of a format:

    config    mhbalance.yaml (the default)
    status    what mhbalance status --json prints

An editor with a YAML language server checks and completes a configuration that
begins with "# yaml-language-server: $schema=config.schema.json".

Example:
    $ mhbalance schema config > config.schema.json
`

// schemaOf returns a schema by its name, nil for an unknown one.
func schemaOf(name string) []byte {
	switch name {
	case "config":
		return configSchema
	case "status":
		return statusSchema
	}
	return nil
}

func (t *tool) schemaCommand() *command {
	return &command{
		Command: argv.Command{Name: "schema", Most: 1, Argument: "NAME"}, help: schemaHelp,
		action: func(c *cli.Context) error {
			name := c.Args().First()
			if name == "" {
				name = schemaNames[0]
			}
			text := schemaOf(name)
			if text == nil {
				mend := argv.DidYouMean(name, schemaNames)
				if mend == "" {
					mend = "choose one of " + strings.Join(schemaNames, ", ")
				}
				return inputErrorf("no schema of the name %q; %s", name, mend)
			}
			_, err := t.stdout.Write(text)
			return err
		},
	}
}
