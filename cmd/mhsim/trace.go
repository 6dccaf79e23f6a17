package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

func (t *tool) traceCommand() *command {
	return &command{
		name: "trace", help: traceHelp, least: 1, most: 1, argument: "SCENARIO", action: t.trace,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "trial"},
			&cli.StringFlag{Name: "cell"},
			&cli.StringFlag{Name: "arm"},
			&cli.StringFlag{Name: "out"},
			&cli.StringFlag{Name: "seed"},
			&cli.StringFlag{Name: "duration"},
		},
	}
}

// trace plays one trial anew and writes what the adversaries saw of it.
func (t *tool) trace(c *cli.Context) (err error) {
	overrides, _ := overridesOf(c)
	all, err := loadAll(c.Args().Slice(), overrides)
	if err != nil {
		return err
	}
	s := all[0]
	cells := max(len(s.Figures), len(s.Cells()))
	trial, err := indexFlag(c, "trial", 1_000_000)
	if err != nil {
		return err
	}
	cell, err := indexFlag(c, "cell", cells)
	if err != nil {
		return err
	}
	arm := scenario.PolicyArm
	if c.IsSet("arm") {
		if arm = scenario.Arm(c.String("arm")); arm != scenario.PolicyArm && arm != scenario.ReferenceArm {
			return inputErrorf("--arm: %q is neither %s nor %s", arm, scenario.PolicyArm, scenario.ReferenceArm)
		}
	}
	dir := c.String("out")
	if dir == "" {
		dir = filepath.Join("results", fmt.Sprintf("%s-%d-trial-%d", s.Name, s.Seed, trial))
	}
	if _, err := os.Stat(filepath.Join(dir, runFile)); err == nil {
		return inputErrorf("%s holds a run; choose another --out", dir)
	}
	// What an interrupt has left of a trial is worth nothing.
	if err := removeTruthPart(dir); err != nil {
		return inputErrorf("cannot write into %s: %w; choose another --out", dir, err)
	}
	traces, err := openTraces(dir, s.Digest(), cells, time.Now)
	if err != nil {
		return inputErrorf("cannot write into %s: %w; choose another --out", dir, err)
	}
	defer func() { err = errors.Join(err, traces.close()) }()
	err = t.watched(s.Name, func(ctx context.Context, _ func(game.Progress)) error {
		return game.PlayTrial(ctx, s, cell, arm, trial, traces)
	})
	if err == nil {
		err = traces.finish()
	}
	if err == nil {
		err = removeTruthPart(dir)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "traces: %s\n", filepath.Join(dir, tracesDir))
	return nil
}

// indexFlag is a flag that counts from 0; 0 if it is left out.
func indexFlag(c *cli.Context, name string, end int) (int, error) {
	if !c.IsSet(name) {
		return 0, nil
	}
	n, err := strconv.Atoi(c.String(name))
	if err != nil || n < 0 || n >= end {
		return 0, inputErrorf("--%s: %q is not a whole number from 0 to %d", name, c.String(name), end-1)
	}
	return n, nil
}
