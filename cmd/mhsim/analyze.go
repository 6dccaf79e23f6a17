package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/cmd/internal/assess"
	"multihome.i2p/sim/game"
)

// referenceTrials is how many trials of each number of routers a reference has; 0
// for as many as an analysis needs. Tests get by with fewer.
var referenceTrials = 0

func (t *tool) analyzeCommand() *command {
	return &command{
		name: "analyze", help: analyzeHelp, least: 1, most: -1, argument: "TRACE", action: t.analyze,
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "json"},
			&cli.BoolFlag{Name: "no-reference"},
			&cli.StringFlag{Name: "out"},
		},
	}
}

func (t *tool) analyze(c *cli.Context) error {
	dir := c.String("out")
	if dir == "" && c.IsSet("out") {
		return inputErrorf("--out: empty; name a directory for the plots")
	}
	if dir != "" && c.Bool("no-reference") {
		return inputErrorf("--out writes plots of the comparison with a reference; leave out --no-reference or --out")
	}
	// All traces are read before anything is simulated or printed: half an output
	// would pass for a whole one.
	files := c.Args().Slice()
	var traces []*trace.Trace
	var wrong errorList
	for _, file := range files {
		tr, err := assess.Read(file)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		traces = append(traces, tr)
	}
	if wrong != nil {
		return inputError(wrong)
	}
	all, err := t.assess(files, traces, c.Bool("no-reference"))
	if err != nil {
		return err
	}
	if dir != "" {
		plots, err := assess.Plots(all)
		if err != nil {
			return err
		}
		if len(plots) == 0 {
			fmt.Fprintln(t.stderr, "mhsim: warning: no trace could be compared; there are no plots")
		}
		if err := writeFiles(dir, plots); err != nil {
			return err
		}
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

// assess assesses all traces, with references unless they are unwanted.
func (t *tool) assess(files []string, traces []*trace.Trace, alone bool) (all []*assess.Assessment, err error) {
	if alone {
		for i, file := range files {
			a, err := assess.Of(file, traces[i])
			if err != nil {
				return nil, err
			}
			all = append(all, a)
		}
		return all, nil
	}
	var watched io.Writer
	if t.terminal {
		watched = t.stderr
	}
	line := newProgressLine(watched, "reference", time.Now)
	defer line.clear()
	r := assess.References{
		Trials: referenceTrials,
		Warn:   func(text string) { line.say(t.stderr, "mhsim: warning: "+text) },
	}
	r.Progress = func(done, total int) {
		p := game.Progress{Done: done, Total: total}
		if done == 1 {
			// A simulation of its own, with a rate of its own.
			line.restart()
		}
		line.update(p)
		if t.watch != nil {
			t.watch(p)
		}
	}
	if r.Dir, err = assess.CacheDir(); err != nil {
		r.Warn(fmt.Sprintf("the reference is not kept: %v", err))
	}
	ctx, stop := t.untilSignal(func() {
		line.say(t.stderr, "mhsim: stopping; a second interrupt exits at once")
	})
	defer stop()
	for i, file := range files {
		a, err := r.Of(ctx, file, traces[i])
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
