package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/reports"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// overrideFlags are the flags of run that set a key of the scenario.
var overrideFlags = []string{"seed", "trials", "duration"}

func (t *tool) runCommand() *command {
	return &command{
		name: "run", help: runHelp, least: 1, most: -1, argument: "SCENARIO", action: t.runScenarios,
		flags: append(cacheFlags(),
			&cli.StringFlag{Name: "out"},
			&cli.StringFlag{Name: "seed"},
			&cli.StringFlag{Name: "trials"},
			&cli.StringFlag{Name: "duration"},
			&cli.StringFlag{Name: "workers"},
			&cli.BoolFlag{Name: "traces"},
			&cli.StringFlag{Name: "shard"},
			&cli.StringFlag{Name: "until"},
			&cli.StringFlag{Name: "max-trials"},
			&cli.BoolFlag{Name: "resume"},
		),
	}
}

// job is one scenario of a run with its directory, and how it is played.
type job struct {
	scenario *scenario.Scenario
	dir      *outDir
	workers  int
	cache    int64       // bytes, 0 for none
	until    *game.Until // nil: the scenario's trials
	resume   string      // the command line that goes on with it
}

func (t *tool) runScenarios(c *cli.Context) (err error) {
	workers, err := workerCount(c)
	if err != nil {
		return err
	}
	cache, err := cacheSize(c)
	if err != nil {
		return err
	}
	overrides, settings := overridesOf(c)
	args := c.Args().Slice()
	all, err := loadAll(args, overrides)
	if err != nil {
		return err
	}
	until, err := untilOf(c, all)
	if err != nil {
		return err
	}
	settings = append(settings, untilSettings(until)...)
	shard, paths, err := t.destinations(c, all)
	if err != nil {
		return err
	}
	resume := resumeCommand(c, args, shard, paths)
	// Every directory is opened before anything is simulated: a run of hours
	// must not end because the next one cannot be written.
	for i, path := range paths {
		if first := slices.Index(paths, path); first < i {
			return inputErrorf("%s and %s both write into %s; run them one by one with an --out each", args[first], args[i], path)
		}
	}
	jobs := make([]job, 0, len(all))
	defer func() {
		for _, j := range jobs {
			if failed := j.dir.close(); err == nil {
				err = failed
			}
		}
	}()
	wanted := make([]*runInfo, len(all))
	for i, s := range all {
		wanted[i] = newRunInfo(s, t.build, commandLine(slices.Concat([]string{"run", args[i]}, settings)), c.Bool("traces"))
		if shard != nil {
			wanted[i].ofShard(*shard)
		}
		if until != nil {
			wanted[i].Until, wanted[i].MaxTrials = until.Width, until.Max
		}
		if err := checkFree(paths[i], "choose another --out"); err != nil {
			return err
		}
		if _, err := inspect(paths[i], wanted[i], t.build, c.Bool("resume"), resume); err != nil {
			return err
		}
	}
	for i, s := range all {
		dir, err := openOutDir(paths[i], wanted[i], t.build, c.Bool("resume"), resume)
		if err != nil {
			return err
		}
		jobs = append(jobs, job{scenario: s, dir: dir, workers: workers, cache: cache, until: until, resume: resume})
	}
	for i, j := range jobs {
		if i > 0 {
			fmt.Fprintln(t.stdout)
		}
		if shard != nil {
			err = t.runShard(j, *shard)
		} else {
			err = t.runJob(j)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// destinations returns the shard that the flags ask for, nil for the whole run,
// and the directory of each scenario.
func (t *tool) destinations(c *cli.Context, all []*scenario.Scenario) (*game.Shard, []string, error) {
	if !c.IsSet("shard") {
		return nil, outPaths(c.String("out"), all), nil
	}
	shard, auto, err := parseShard(c.String("shard"), t.env)
	switch {
	case err != nil:
		return nil, nil, err
	case len(all) > 1:
		return nil, nil, inputErrorf("--shard takes one scenario; run them one by one")
	case c.IsSet("until"):
		return nil, nil, inputErrorf("--until needs the results of all trials, and a shard has only its own; leave out --until, or give the shards more --trials")
	case c.Bool("traces"):
		return nil, nil, inputErrorf("--shard keeps no traces; leave out --traces, or run the scenario without --shard")
	}
	return shard, []string{shardPath(c.String("out"), auto, all[0], *shard)}, nil
}

func workerCount(c *cli.Context) (int, error) {
	if !c.IsSet("workers") {
		return runtime.GOMAXPROCS(0), nil
	}
	n, err := strconv.Atoi(c.String("workers"))
	if err != nil || n < 1 || n > 1024 {
		return 0, inputErrorf("--workers: %q is not a whole number from 1 to 1024; leave it out to use all processors", c.String("workers"))
	}
	return n, nil
}

// overridesOf returns the keys that flags set, and the flags as they are
// written on a command line.
func overridesOf(c *cli.Context) (overrides []scenario.Override, settings []string) {
	for _, name := range overrideFlags {
		if c.IsSet(name) {
			value := c.String(name)
			overrides = append(overrides, scenario.Override{Flag: "--" + name, Path: name, Value: value})
			settings = append(settings, "--"+name, value)
		}
	}
	return overrides, settings
}

// resumeCommand is the command line that goes on with this run.
func resumeCommand(c *cli.Context, args []string, shard *game.Shard, paths []string) string {
	words := append([]string{"run"}, args...)
	for _, name := range []string{"out", "seed", "trials", "duration", "workers", "cache-size", "until", "max-trials"} {
		switch {
		case name == "out" && shard != nil: // wherever auto has found it
			words = append(words, "--shard", shard.String(), "--out", paths[0])
		case c.IsSet(name):
			words = append(words, "--"+name, c.String(name))
		}
	}
	for _, name := range []string{"traces", "no-cache"} {
		if c.Bool(name) {
			words = append(words, "--"+name)
		}
	}
	return commandLine(append(words, "--resume"))
}

// outPaths returns the directory of each scenario.
func outPaths(out string, all []*scenario.Scenario) []string {
	if out != "" && len(all) == 1 {
		return []string{filepath.Clean(out)}
	}
	if out == "" {
		out = "results"
	}
	var paths []string
	for _, s := range all {
		paths = append(paths, filepath.Join(out, fmt.Sprintf("%s-%d", s.Name, s.Seed)))
	}
	return paths
}

// runJob plays one scenario, or renders its results if it has been played.
func (t *tool) runJob(j job) error {
	if j.dir.finished {
		if !t.build.made(j.dir.info) {
			fmt.Fprintf(t.stderr, "mhsim: warning: %s was made by %s; choose another --out to simulate it again\n",
				j.dir.path, t.build.another(j.dir.info))
		}
		if err := removeTruthPart(j.dir.path); err != nil {
			return err
		}
		return t.renderAgain(j.dir.path)
	}
	results, err := t.play(j)
	var known *exitError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, game.ErrStopped):
		return stopped(j)
	case err != nil:
		return &exitError{code: exitFailure, command: j.resume, err: fmt.Errorf("%s: %w", j.scenario.Name, err)}
	}
	report := reports.Report{Summary: results.Summary, Figures: results.Figures}
	files, err := report.Files()
	if err == nil {
		err = writeFiles(j.dir.path, files)
	}
	if err == nil {
		err = removeTruthPart(j.dir.path)
	}
	if err != nil {
		return &exitError{code: exitFailure, command: j.resume, err: err}
	}
	return t.printReport(j.dir.path, report)
}

// stopped is the error of a run that was interrupted.
func stopped(j job) error {
	return &exitError{
		code: exitFailure, command: j.resume,
		err: fmt.Errorf("%s: stopped before the end; the finished trials are kept in %s; go on with the command below", j.scenario.Name, j.dir.path),
	}
}

// trialsHeader is the first line of a run's trials.jsonl.
func trialsHeader(r *runInfo) recordHeader { return recordHeader{"multihome-trials", 1, r.Digest} }

func (t *tool) warnOfDamage(r *recordFile) {
	if r.damaged > 0 {
		fmt.Fprintf(t.stderr, "mhsim: warning: %s:%d: the file was damaged; trials from there on are simulated again\n", r.name, r.damaged)
	}
}

// play simulates what is left to simulate. Its error is game.ErrStopped after
// an interrupt.
func (t *tool) play(j job) (_ *game.Results, err error) {
	if err := j.dir.begin(j.scenario); err != nil {
		return nil, err
	}
	store, err := openRecords(filepath.Join(j.dir.path, trialsFile), trialsHeader(j.dir.info), time.Now)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	t.warnOfDamage(store)
	opt := game.Options{Workers: j.workers, Commit: t.build.commit, Command: j.dir.info.Command, Store: store, Until: j.until}
	defer t.withCache(&opt, j.cache)()
	scratch, err := newScratch(filepath.Join(j.dir.path, scratchName))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.close()) }()
	opt.Scratch = scratch
	if j.dir.info.Traces {
		cells := max(len(j.scenario.Figures), len(j.scenario.Cells()))
		traces, err := openTraces(j.dir.path, j.dir.info.Digest, cells, time.Now)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, traces.close()) }()
		opt.Sink = traces
		results, err := t.playGame(j, opt)
		if err == nil {
			err = traces.finish()
		}
		return results, err
	}
	return t.playGame(j, opt)
}

// gcPercent is how much garbage may pile up before it is collected, in percent of
// what is in use. The attacks make some megabytes of it in every trial and keep little:
// this saves a fifteenth of the processor time for 30 MB. GOGC overrules it.
const gcPercent = 400

// All memory together is to stay below memoryLimit bytes, or, where the attacks have
// learned much, below that and memoryRoom. GOMEMLIMIT overrules it.
const (
	memoryLimit = 160 << 20
	memoryRoom  = 96 << 20
)

// collectSeldom sets how often garbage is collected while the attacks keep so many
// bytes; what it returns undoes that.
func collectSeldom(learned int64) (undo func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	percent := debug.SetGCPercent(gcPercent)
	limit := debug.SetMemoryLimit(max(memoryLimit, memoryRoom+learned))
	return func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	}
}

// playGame runs the game under a progress line, until it ends or a signal stops
// it.
func (t *tool) playGame(j job, opt game.Options) (*game.Results, error) {
	defer collectSeldom(game.LearnedBytes(j.scenario))()
	ctx, done := t.underProgress(j.scenario.Name, &opt)
	defer done()
	return game.Run(ctx, j.scenario, opt)
}

// underProgress shows the progress of what opt plays, and returns a context that
// ends with a signal. The caller calls done at the end.
func (t *tool) underProgress(label string, opt *game.Options) (ctx context.Context, done func()) {
	var watched io.Writer
	if t.terminal {
		watched = t.stderr
	}
	line := newProgressLine(watched, label, time.Now)
	began := time.Now()
	opt.Phase = line.phase
	opt.Clock = func() int64 { return int64(time.Since(began)) }
	opt.Progress = func(p game.Progress) {
		line.update(p)
		if t.watch != nil {
			t.watch(p)
		}
	}
	ctx, stop := t.untilSignal(func() {
		line.say(t.stderr, "mhsim: stopping; a second interrupt exits at once")
	})
	return ctx, func() {
		stop()
		line.clear()
	}
}

// untilSignal returns a context that ends with the first signal, after telling
// so. From then on signals kill again: the second one exits at once, and the
// files can bear it.
func (t *tool) untilSignal(tell func()) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	t.catch()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-t.signals:
			t.release()
			cancel()
			tell()
		case <-ctx.Done():
			t.release()
		}
	}()
	return ctx, func() { cancel(); <-ended }
}
