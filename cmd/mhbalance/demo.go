package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/live"
	"multihome.i2p/cmd/internal/assess"
	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/cmd/mhbalance/demo"
	"multihome.i2p/internal/argv"
	"multihome.i2p/internal/testnet"
)

const demoHelp = `Usage:
    mhbalance demo [--fake] [--out DIR] [--i2pd PATH]

Shows what happens when a router dies: four routers host an echo under one address,
clients at six other routers write to it, one of the four is killed, and later
started again. Each event is told with its time; a summary and a plot follow.

Flags:
    --fake          simulated routers that speak the extension for Proposal 140, in
                    this process: takes 45 s at the most, and needs nothing
    --out DIR       where plot, trace and event log go, by default a new directory
                    for temporary files; it must be empty or not there
    --i2pd PATH     the i2pd to run, by default $MULTIHOME_I2PD, or the one in PATH

Without --fake it runs thirty i2pd routers as they are (400 MB of memory) in a
network namespace that nothing leaves, for about five minutes: the kill comes when
the clients' sessions are two minutes old, before which routers replace none. That
takes Linux, an i2pd (apt install i2pd), and root or user namespaces.

The exit code is 0 if the service survived: the LeaseSet no longer had leases of the
dead router, every client was answered again, and most of them are at the end.

Example:
    $ mhbalance demo --fake
`

func (t *tool) demoCommand() *command {
	return &command{
		Command: argv.Command{Name: "demo", Flags: []cli.Flag{
			&cli.BoolFlag{Name: "fake"}, &cli.StringFlag{Name: "out"}, &cli.StringFlag{Name: "i2pd"},
		}},
		help: demoHelp, action: t.demo,
	}
}

func (t *tool) demo(c *cli.Context) error {
	fake := c.Bool("fake")
	if fake && c.IsSet("i2pd") {
		return inputErrorf("--fake runs no i2pd; leave out --fake or --i2pd")
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	if !fake && !testnet.IsInside() {
		// Before anything is made: what is missing is told at once.
		return noNetwork(testnet.Reexec(ctx, c.String("i2pd")), c.String("i2pd"))
	}
	dir, err := demoDir(c.String("out"))
	if err != nil {
		return err
	}
	started := time.Now()
	tell := func(at time.Duration, line string) { fmt.Fprintf(t.stdout, "%7.1f s  %s\n", at.Seconds(), line) }
	var n *demo.Network
	cfg := demo.Config{
		Dir: dir, Plan: demo.SimulatedPlan, Hops: 2, Policy: live.Policy{Name: "natural-i2pd", Bundle: "composed"}, Tell: tell,
	}
	if fake {
		n, err = demo.Simulated(uint64(started.UnixNano()))
	} else {
		// Pinned and with new keys after a loss: what moves clients of today's
		// routers fastest.
		cfg.Plan, cfg.Hops, cfg.Policy = demo.RealPlan, 1, live.Policy{Name: "natural-i2pd", Bundle: "pinned", Rotate: true}
		n, err = demo.Real(ctx, dir, c.String("i2pd"), func(line string) { tell(time.Since(started), line) })
	}
	if err != nil {
		return interrupted(ctx, err)
	}
	defer n.Close()
	cfg.Network, cfg.Started = n, started
	tell(time.Since(started), n.About)
	res, err := demo.Run(ctx, cfg)
	if err != nil {
		return interrupted(ctx, fmt.Errorf("%w; its files are in %s", err, dir))
	}
	if err := t.tellDemo(res, dir, fake); err != nil {
		return err
	}
	if why := res.Failure(); why != "" {
		t.warn("the service did not survive: %s", why)
		return errSilent
	}
	return nil
}

// demoDir makes the directory of a demonstration.
func demoDir(out string) (string, error) {
	if out == "" {
		return os.MkdirTemp("", "mhbalance-demo-")
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return "", inputErrorf("--out: %w; choose another directory", err)
	}
	there, err := os.ReadDir(out)
	if err != nil {
		return "", inputErrorf("--out: %w; choose another directory", err)
	}
	if len(there) > 0 {
		return "", inputErrorf("--out: %s is not empty; choose another directory", out)
	}
	return filepath.Abs(out)
}

// noNetwork says how to mend what keeps a network of real routers from being
// built. A command that ran inside has told its own errors.
func noNetwork(err error, i2pd string) error {
	var inside *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &inside) && inside.ExitCode() > 0:
		return &exitError{inside.ExitCode(), errSilent}
	case errors.As(err, &inside), errors.Is(err, context.Canceled):
		return errInterrupted
	}
	mend := "run as root or allow user namespaces"
	if _, missing := testnet.FindI2pd(i2pd); missing != nil {
		mend = "apt install i2pd, or name one with --i2pd PATH"
	}
	return fmt.Errorf("%w; %s; mhbalance demo --fake needs neither", err, mend)
}

// interrupted is the error of a command: that it was interrupted, if it was.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// tellDemo writes the summary and the files.
func (t *tool) tellDemo(res *demo.Result, dir string, fake bool) error {
	for _, table := range res.Tables() {
		fmt.Fprintln(t.stdout)
		if err := control.WriteTable(t.stdout, table); err != nil {
			return err
		}
	}
	fmt.Fprintln(t.stdout)
	for _, note := range res.Notes(fake) {
		fmt.Fprintln(t.stdout, note)
	}
	trace := filepath.Join(dir, demo.TraceFile)
	tr, err := assess.Read(trace)
	if err != nil {
		return err
	}
	a, err := assess.Of(trace, tr)
	if err != nil {
		return err
	}
	// Stock routers keep back what comes too soon after the last publish.
	fmt.Fprintf(t.stdout, "\nAn observer of the netDb saw at most the %s that were published in these %.0f s:\n", count(a.LeaseSets(), "LeaseSet"), a.Span().Seconds())
	if a.Span() < auditLeast {
		fmt.Fprintln(t.stdout, "too little to conclude from, it takes hours. The attacks of mhbalance audit, run all")
		fmt.Fprintf(t.stdout, "the same, say %s.\n", a.Verdict())
	} else {
		fmt.Fprintf(t.stdout, "%s: %s\n", a.Verdict(), a.Sentence())
	}
	var pings bytes.Buffer
	res.WritePings(&pings)
	if err := os.WriteFile(filepath.Join(dir, demo.PingsFile), pings.Bytes(), 0o666); err != nil {
		return err
	}
	svg, err := res.Plot()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, demo.PlotFile), svg, 0o666); err != nil {
		return err
	}
	fmt.Fprintln(t.stdout)
	for _, f := range []struct{ name, what string }{
		{demo.PlotFile, "the plot: open it in a browser"},
		{demo.PingsFile, "each message"},
		{demo.TraceFile, "the LeaseSets: mhbalance audit, mhsim analyze"},
		{demo.RecordFile, fmt.Sprintf("the event log: mhbalance replay (just done: %s, the same decisions)", count(res.Replayed, "record"))},
		{demo.LogFile, "the balancer's log"},
	} {
		fmt.Fprintf(t.stdout, "%s  %s\n", filepath.Join(dir, f.name), f.what)
	}
	return nil
}

// auditLeast is the shortest trace that the attacks can say something of.
const auditLeast = time.Hour
