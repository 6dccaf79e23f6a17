package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/internal/filelock"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
)

const runHelp = `Usage:
    mhbalance run [-c FILE] [--log-level LEVEL]

Hosts the Destinations of a configuration on its routers until it is stopped.

Flags:
    -c, --config FILE    the configuration, by default mhbalance.yaml, or
                         /etc/mhbalance/mhbalance.yaml
    --log-level LEVEL    debug, info (the default), warn or error

The log goes to standard error: as text to a terminal, as JSON elsewhere.

SIGTERM or an interrupt (^C) stops it in good order, which is no failure; a second
one stops it at once, with exit code 1. SIGHUP has it read its configuration again,
as mhbalance reload does; if that is wrong, the old one stays in use. Two processes
do not run on one state directory.

Example:
    $ mhbalance run -c mhbalance.yaml
`

var logLevels = []string{"debug", "info", "warn", "error"}

func (t *tool) runCommand() *command {
	return &command{
		Command: argv.Command{Name: "run", Flags: []cli.Flag{configFlag(), &cli.StringFlag{Name: "log-level", Value: "info"}}},
		help:    runHelp, action: t.serve,
	}
}

// logger returns the log of a level: text for people, JSON for programs.
func (t *tool) logger(level string) (*slog.Logger, error) {
	if !slices.Contains(logLevels, level) {
		return nil, inputErrorf("--log-level %s: choose debug, info, warn or error", level)
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: l}
	if t.terminal {
		return slog.New(slog.NewTextHandler(t.stderr, options)), nil
	}
	return slog.New(slog.NewJSONHandler(t.stderr, options)), nil
}

// daemon is a running mhbalance.
type daemon struct {
	cfg        *config.Config // as it was started
	log        *slog.Logger
	service    service
	server     *control.Server
	supervisor supervisor

	reloading sync.Mutex // one at a time

	mu      sync.Mutex
	reloads control.Reloads
}

// gcPercent is how much garbage may pile up before it is collected, in percent of
// what is in use. A start with thousands of sessions makes more of it than anything
// later, and decides how much memory the process keeps; mhbalance has processor time
// to spare. GOGC overrules it.
const gcPercent = 50

// lockFile holds the lock of a state directory.
const lockFile = "lock"

func (t *tool) serve(c *cli.Context) (err error) {
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	log, err := t.logger(c.String("log-level"))
	if err != nil {
		return err
	}
	cfg, l, err := load(configFile(c))
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	lock, err := lockState(cfg.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	l.Log = log
	service, err := t.newService(l)
	if err != nil {
		return inputError(err)
	}
	d := &daemon{
		cfg: cfg, log: log, service: service, supervisor: newSupervisor(os.Getenv),
		reloads: control.Reloads{Good: time.Now()},
	}
	d.server = control.NewServer(service, d.reload, d.lastReload)
	socket, err := control.Listen(cfg.Status)
	if err != nil {
		return inputErrorf("status: %w", err)
	}
	var metrics net.Listener
	if cfg.Metrics != "" {
		if metrics, err = net.Listen("tcp", cfg.Metrics); err != nil {
			_ = socket.Close()
			return inputErrorf("metrics: %w; choose another address", err)
		}
	}
	return t.supervise(c.Context, d, socket, metrics)
}

// lockState makes the state directory, if need be, and locks it.
func lockState(dir string) (*filelock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, inputErrorf("state: %w; choose another directory", err)
	}
	lock, err := filelock.Acquire(filepath.Join(dir, lockFile))
	var held *filelock.HeldError
	switch {
	case errors.As(err, &held):
		return nil, inputErrorf("the state in %s is in use by another mhbalance%s; stop that one, or give each a state directory of its own", dir, held.Holder())
	case err != nil:
		return nil, inputErrorf("cannot use the state in %s: %w; choose another directory on a local disk", dir, err)
	}
	return lock, nil
}

// supervise runs everything until a signal comes or something fails.
func (t *tool) supervise(parent context.Context, d *daemon, socket, metrics net.Listener) error {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	t.catch(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer t.release()
	var work sync.WaitGroup
	ended := make(chan error, 3)
	work.Go(func() { ended <- d.service.Run(ctx) })
	// The socket outlives the service's farewell: that takes a moment, and an
	// operator may want to see it.
	serving, quiet := context.WithCancel(context.WithoutCancel(parent))
	defer quiet()
	var servers sync.WaitGroup
	servers.Go(func() { ended <- wrap("status", control.Serve(serving, socket, d.server.Handler())) })
	if metrics != nil {
		servers.Go(func() {
			ended <- wrap("metrics", control.Serve(serving, metrics, d.server.MetricsHandler(!isLoopback(metrics.Addr()))))
		})
	}
	work.Go(func() { d.watch(ctx) })
	d.log.Info("started", "config", d.cfg.File, "routers", len(d.cfg.Routers), "destinations", len(d.cfg.Destinations), "status", d.cfg.Status)
	d.supervisor.tell("READY=1\nSTATUS=running")

	done := make(chan struct{})
	finish := sync.OnceFunc(func() {
		d.supervisor.tell("STOPPING=1")
		stop()
		go func() { work.Wait(); quiet(); servers.Wait(); close(done) }()
	})
	failed, stopping := false, false
	for {
		select {
		case sig := <-t.signals:
			switch {
			case sig == syscall.SIGHUP:
				if !stopping {
					work.Go(func() { _ = d.reload() }) // it has logged what went wrong
				}
			case stopping:
				d.log.Warn("stopped at once", "signal", sig.String())
				t.exit(exitFailure)
				return errSilent
			default:
				stopping = true
				d.log.Info("stopping", "signal", sig.String())
				finish()
			}
		case err := <-ended:
			if err == nil && !stopping && parent.Err() == nil {
				err = errors.New("the service ended unasked")
			}
			if err != nil {
				failed = true
				d.log.Error("stopping", "error", err)
			}
			stopping = true
			finish()
		case <-done:
			d.log.Info("stopped")
			if failed {
				return errSilent // it stands in the log
			}
			return nil
		}
	}
}

// wrap names what an error is about.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// watch gives the supervisor signs of life, as long as the service gives them.
func (d *daemon) watch(ctx context.Context) {
	if d.supervisor.watchdog == 0 {
		return
	}
	tick := time.NewTicker(d.supervisor.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if f := d.server.Form(ctx); f != nil && f.AgeS < d.supervisor.watchdog.Seconds()/2 {
			d.supervisor.tell("WATCHDOG=1")
		}
	}
}

func (d *daemon) lastReload() control.Reloads {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reloads
}

// reload reads the configuration again and has the service take it over.
func (d *daemon) reload() error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	d.supervisor.tell("RELOADING=1")
	defer d.supervisor.tell("READY=1")
	err := d.takeOver()
	d.mu.Lock()
	d.reloads.Failed = err != nil
	if err == nil {
		d.reloads.Good = time.Now()
	}
	d.mu.Unlock()
	if err == nil {
		d.log.Info("the configuration was read again", "config", d.cfg.File)
		return nil
	}
	for _, line := range errorLines(err) {
		d.log.Error("the configuration is not taken over, the old one stays in use", "error", line)
	}
	return err
}

func (d *daemon) takeOver() error {
	unfit := func(err error) error {
		return fmt.Errorf("%w:\n%w", control.ErrInvalid, err)
	}
	cfg, l, err := load(d.cfg.File)
	if err != nil {
		return unfit(err)
	}
	var fixed []string
	for _, x := range []struct{ key, old, new string }{
		{"state", d.cfg.State, cfg.State}, {"status", d.cfg.Status, cfg.Status}, {"metrics", d.cfg.Metrics, cfg.Metrics},
	} {
		if x.old != x.new {
			fixed = append(fixed, x.key)
		}
	}
	if fixed != nil {
		return unfit(fmt.Errorf("%s: %s cannot change while mhbalance runs; restart it, or change that back", cfg.File, strings.Join(fixed, ", ")))
	}
	for _, w := range cfg.Warnings {
		d.log.Warn(w)
	}
	l.Log = d.log
	return d.service.Reload(l)
}
