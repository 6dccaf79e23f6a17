package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/cmd/internal/assess"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/internal/argv"
)

const auditHelp = `Usage:
    mhbalance audit [TRACE... | -c FILE] [--json] [--no-reference]

Attacks the LeaseSets that mhbalance has published, as whoever watches the netDb
can, and says whether they show how many routers there are. Each TRACE is a file
that a destination's trace names in the configuration; without any, all of them are
taken. They are compared with simulated routers, one and several, which takes up to
a minute the first time. The tables are those of mhsim analyze, whose help explains
them.

Flags:
    -c, --config FILE   the configuration, by default mhbalance.yaml, or
                        /etc/mhbalance/mhbalance.yaml
    --json              print JSON (see mhsim schema analysis) instead of tables
    --no-reference      simulate nothing and read no cache: the attacks judge
                        untrained

What clients can find out is not judged here.

Example:
    $ mhbalance audit leasesets.jsonl
`

func (t *tool) auditCommand() *command {
	return &command{
		Command: argv.Command{Name: "audit", Most: -1, Argument: "TRACE", Flags: []cli.Flag{configFlag(), &cli.BoolFlag{Name: "json"}, &cli.BoolFlag{Name: "no-reference"}}},
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
	// All traces are read before anything is simulated or printed: half an output
	// would pass for a whole one.
	var traces []*trace.Trace
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
		traces = append(traces, tr)
	}
	if wrong != nil {
		return inputError(wrong)
	}
	all, err := t.assess(c, files, traces)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	write := assess.WriteTables
	if c.Bool("json") {
		write = assess.WriteJSON
	}
	if err := write(&out, all); err != nil {
		return err
	}
	_, err = t.stdout.Write(out.Bytes())
	return err
}

// referenceTrials is how many trials of each number of routers a reference has; 0
// for as many as an audit needs. Tests get by with fewer.
var referenceTrials = 0

// assess assesses all traces, with references unless they are unwanted.
func (t *tool) assess(c *cli.Context, files []string, traces []*trace.Trace) (all []*assess.Assessment, err error) {
	r := assess.References{Trials: referenceTrials, Warn: func(text string) { t.warn("warning: %s", text) }}
	if t.terminal {
		r.Progress = func(done, total int) {
			if done%10 == 0 || done == total {
				fmt.Fprintf(t.stderr, "\r\x1b[Kreference: %d of %d trials", done, total)
			}
			if done == total {
				fmt.Fprint(t.stderr, "\r\x1b[K")
			}
		}
	}
	if !c.Bool("no-reference") {
		if r.Dir, err = assess.CacheDir(); err != nil {
			r.Warn(fmt.Sprintf("the reference is not kept: %v", err))
		}
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	for i, file := range files {
		var a *assess.Assessment
		if c.Bool("no-reference") {
			a, err = assess.Of(file, traces[i])
		} else {
			a, err = r.Of(ctx, file, traces[i])
		}
		if errors.Is(err, assess.ErrStopped) {
			return nil, fmt.Errorf("%w; --no-reference leaves it out", err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}
