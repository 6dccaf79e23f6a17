package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/internal/assess"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/internal/argv"
)

const auditHelp = `Usage:
    mhbalance audit [TRACE... | -c FILE] [--json]

Attacks the LeaseSets that mhbalance has published, as whoever watches the netDb
can, and says whether they show how many routers there are. Each TRACE is a file
that a destination's trace names in the configuration; without any, all of them are
taken. The tables are those of mhsim analyze, whose help explains them.

Flags:
    -c, --config FILE   the configuration, by default mhbalance.yaml, or
                        /etc/mhbalance/mhbalance.yaml
    --json              print JSON (see mhsim schema analysis) instead of tables

What clients can find out is not judged here.

Example:
    $ mhbalance audit leasesets.jsonl
`

func (t *tool) auditCommand() *command {
	return &command{
		Command: argv.Command{Name: "audit", Most: -1, Argument: "TRACE", Flags: []cli.Flag{configFlag(), &cli.BoolFlag{Name: "json"}}},
		help:    auditHelp, action: t.audit,
	}
}

func (t *tool) audit(c *cli.Context) error {
	files := c.Args().Slice()
	if len(files) == 0 {
		cfg, err := config.Read(configFile(c))
		if err != nil {
			return inputError(err)
		}
		for _, d := range cfg.Destinations {
			if d.Trace != "" {
				files = append(files, d.Trace)
			}
		}
		if len(files) == 0 {
			return inputErrorf("%s keeps no trace; add trace: FILE to a destination, and wait an hour", cfg.File)
		}
	} else if c.IsSet("config") {
		return inputErrorf("traces and -c exclude each other; give one of them")
	}
	// All traces are read before anything is printed: half an output would pass
	// for a whole one.
	var all []*assess.Assessment
	var wrong manyErrors
	for _, file := range files {
		tr, err := assess.Read(file)
		if errors.Is(err, fs.ErrNotExist) && c.NArg() == 0 {
			err = fmt.Errorf("%s: nothing has been published yet; start mhbalance run", file)
		}
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		a, err := assess.Of(file, tr)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	if wrong != nil {
		return inputError(wrong)
	}
	var out bytes.Buffer
	write := assess.WriteTables
	if c.Bool("json") {
		write = assess.WriteJSON
	}
	if err := write(&out, all); err != nil {
		return err
	}
	_, err := t.stdout.Write(out.Bytes())
	return err
}
