package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
)

const socketHelp = `    -c, --config FILE   the configuration that names the socket of the running
                        mhbalance, by default mhbalance.yaml, or
                        /etc/mhbalance/mhbalance.yaml
    --socket SOCKET     the socket itself
`

const statusHelp = `Usage:
    mhbalance status [--json] [-c FILE | --socket SOCKET]

Shows the state of a running mhbalance: its Destinations, routers and leases, each
with its age.

Flags:
    --json              print JSON (see mhbalance schema status) instead of tables
` + socketHelp + `
Example:
    $ mhbalance status --json
`

func (t *tool) statusCommand() *command {
	return &command{
		Command: argv.Command{Name: "status", Flags: append(socketFlags(), &cli.BoolFlag{Name: "json"})},
		help:    statusHelp,
		action: func(c *cli.Context) error {
			body, err := t.ask(c, http.MethodGet, "/status")
			if err != nil {
				return err
			}
			form, err := control.Decode(body)
			if err != nil {
				return err
			}
			if c.Bool("json") {
				_, err := t.stdout.Write(body)
				return err
			}
			return control.WriteTables(t.stdout, form)
		},
	}
}

const drainHelp = `Usage:
    mhbalance drain ROUTER [-c FILE | --socket SOCKET]

Takes a router out of service: it gets no new leases, and serves those that it has
until they end, 10 minutes at the most. Then it can be stopped, and nobody notices.

Flags:
` + socketHelp + `
Example:
    $ mhbalance drain router1
`

const undrainHelp = `Usage:
    mhbalance undrain ROUTER [-c FILE | --socket SOCKET]

Takes a router back into service.

Flags:
` + socketHelp + `
Example:
    $ mhbalance undrain router1
`

func (t *tool) drainCommand(on bool) *command {
	name, help, done := "drain", drainHelp, "gets no new leases"
	if !on {
		name, help, done = "undrain", undrainHelp, "is back in service"
	}
	return &command{
		Command: argv.Command{Name: name, Least: 1, Most: 1, Argument: "ROUTER", Flags: socketFlags()}, help: help,
		action: func(c *cli.Context) error {
			router := c.Args().First()
			if _, err := t.ask(c, http.MethodPost, "/"+name+"?"+url.Values{"router": {router}}.Encode()); err != nil {
				return err
			}
			fmt.Fprintf(t.stdout, "%s %s\n", router, done)
			return nil
		},
	}
}

const reloadHelp = `Usage:
    mhbalance reload [-c FILE | --socket SOCKET]

Has a running mhbalance read its configuration again, as SIGHUP does, and waits for
the outcome. If the configuration is wrong, the old one stays in use, and what is
wrong is told here.

Flags:
` + socketHelp + `
Example:
    $ mhbalance reload
`

func (t *tool) reloadCommand() *command {
	return &command{
		Command: argv.Command{Name: "reload", Flags: socketFlags()}, help: reloadHelp,
		action: func(c *cli.Context) error {
			if _, err := t.ask(c, http.MethodPost, "/reload"); err != nil {
				return err
			}
			fmt.Fprintln(t.stdout, "the configuration is in use")
			return nil
		},
	}
}

// refusalOf is the error that an answer stands for.
func refusalOf(r *control.Refusal) error {
	var lines manyErrors
	for line := range strings.Lines(r.Text) {
		lines = append(lines, errors.New(strings.TrimSpace(line)))
	}
	switch r.Code {
	case http.StatusNotFound:
		return inputErrorf("%s; mhbalance status shows the names", r.Text)
	case http.StatusUnprocessableEntity:
		return inputError(lines)
	}
	return lines
}
