// Command mhbalance is the live balancer of invisible multihoming (I2P Proposal
// 140): it has several I2P routers host one service together, under one address
// and one LeaseSet.
//
// Results go to standard output, everything else to standard error. The exit code
// is 0 if all went well, 1 after a failure or an interrupt, 2 if the command line
// or a file that was given is at fault.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/live"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
	"multihome.i2p/internal/testnet"
)

const program = "mhbalance"

func main() {
	testnet.Main() // of a network that mhbalance testnet up has left running
	os.Exit(run(os.Stdout, os.Stderr, os.Args[1:]))
}

// run is the program: args are the arguments without the program's name, the
// result is its exit code.
func run(stdout, stderr io.Writer, args []string) int {
	signals := make(chan os.Signal, 8)
	t := &tool{
		stdout: stdout, stderr: stderr, terminal: isTerminal(stderr), signals: signals,
		// Only a command that can stop in good order takes the signals over;
		// elsewhere they kill, as everybody expects.
		catch:      func(which ...os.Signal) { signal.Notify(signals, which...) },
		release:    func() { signal.Stop(signals) },
		newService: newLive,
		exit:       os.Exit,
	}
	return t.run(args)
}

// service is what mhbalance run runs: a *live.Service.
type service interface {
	control.Service
	Run(ctx context.Context) error
	Reload(cfg live.Config) error
}

func newLive(cfg live.Config) (service, error) {
	s, err := live.New(cfg)
	if err != nil {
		return nil, err // not a nil *live.Service in an interface
	}
	return s, nil
}

// tool is the program with its surroundings, which tests replace.
type tool struct {
	stdout, stderr io.Writer
	terminal       bool // stderr is one

	signals    <-chan os.Signal
	catch      func(...os.Signal)
	release    func()
	newService func(live.Config) (service, error)
	exit       func(code int) // at once
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// command is one command of the program.
type command struct {
	argv.Command
	help   string
	action cli.ActionFunc
}

// commands are the program's commands in the order of the usage text. A command
// that needs more than a file of its own (a test network, a demonstration) is
// entered here and in the usage text, and nowhere else.
func (t *tool) commands() []*command {
	return []*command{
		t.initCommand(),
		t.keygenCommand(),
		t.checkConfigCommand(),
		t.runCommand(),
		t.statusCommand(),
		t.drainCommand(true),
		t.drainCommand(false),
		t.reloadCommand(),
		t.auditCommand(),
		t.observeCommand(),
		t.replayCommand(),
		t.testnetCommand(),
		t.demoCommand(),
		t.schemaCommand(),
	}
}

// exitError is an error with the exit code it leads to.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Exit codes.
const (
	exitFailure = 1
	exitInput   = 2
)

// inputError is an error of the command line, or of a file that was given.
func inputError(err error) error { return &exitError{exitInput, err} }

func inputErrorf(format string, args ...any) error { return inputError(fmt.Errorf(format, args...)) }

// errSilent fails a command that has said all there is to say.
var errSilent = errors.New("")

// run runs the command that args name and tells its error. The rules:
// "mhbalance: ", lower case, no full stop; what is wrong, where, and how to mend
// it.
func (t *tool) run(args []string) int {
	out := &checkedWriter{w: t.stdout}
	t.stdout = out
	err := t.dispatch(args)
	if err == nil && out.err != nil {
		err = fmt.Errorf("cannot write the output: %w", out.err)
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errSilent) {
		for _, line := range errorLines(err) {
			fmt.Fprintf(t.stderr, "%s: %s\n", program, line)
		}
	}
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailure
}

// errorLines is a line for each error in err.
func errorLines(err error) []string {
	var wrong config.Errors
	var several manyErrors
	switch {
	case errors.As(err, &wrong):
		lines := make([]string, len(wrong))
		for i, e := range wrong {
			lines[i] = e.Error()
		}
		return lines
	case errors.As(err, &several):
		var lines []string
		for _, e := range several {
			lines = append(lines, errorLines(e)...)
		}
		return lines
	}
	return []string{err.Error()}
}

// manyErrors is several errors, of as many files.
type manyErrors []error

func (l manyErrors) Error() string { return errors.Join(l...).Error() }

// dispatch runs the command that args name.
func (t *tool) dispatch(args []string) error {
	commands := t.commands()
	var shapes []*argv.Command
	for _, c := range commands {
		shapes = append(shapes, &c.Command)
	}
	line, err := argv.Arrange(program, shapes, args)
	switch {
	case err != nil:
		return inputError(err)
	case line.Version:
		fmt.Fprintln(t.stdout, version())
		return nil
	case line.Help && line.Command < 0:
		fmt.Fprint(t.stdout, usage)
		return nil
	case line.Help:
		fmt.Fprint(t.stdout, commands[line.Command].help)
		return nil
	case line.Command < 0: // a bare mhbalance is a question, but nothing was done
		fmt.Fprint(t.stderr, usage)
		return inputErrorf("no command given")
	}
	app := &cli.App{
		Name:            program,
		HideHelp:        true, // help is written by hand, and printed above
		HideVersion:     true,
		Writer:          t.stderr, // nothing but results goes to stdout
		ErrWriter:       t.stderr,
		ExitErrHandler:  func(*cli.Context, error) {}, // run returns the code
		OnUsageError:    onUsageError,
		CommandNotFound: func(*cli.Context, string) {},
	}
	for _, c := range commands {
		app.Commands = append(app.Commands, &cli.Command{
			Name: c.Name, Flags: c.Flags, HideHelp: true, OnUsageError: onUsageError, Action: c.action,
		})
	}
	return app.Run(append([]string{program}, line.Args...))
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return inputError(err) }

// warn tells what does not stop the command.
func (t *tool) warn(format string, args ...any) {
	fmt.Fprintf(t.stderr, program+": "+format+"\n", args...)
}

// untilSignal returns a context that ends with the first interrupt, and what
// tells whether one came.
func (t *tool) untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	t.catch(os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-t.signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
		t.release() // a second one kills
	}()
	return ctx, func() { cancel(nil); <-ended }
}

var errInterrupted = errors.New("interrupted")

// version is what mhbalance --version prints.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return program + " (devel), commit unknown, " + runtime.Version()
	}
	setting := func(key string) string {
		i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == key })
		if i < 0 {
			return ""
		}
		return info.Settings[i].Value
	}
	commit, number := setting("vcs.revision"), info.Main.Version
	if commit == "" {
		commit = "unknown"
	} else if setting("vcs.modified") == "true" {
		commit += "-dirty"
	}
	if number == "" {
		number = "(devel)"
	}
	return fmt.Sprintf("%s %s, commit %s, %s", program, number, commit, runtime.Version())
}

// checkedWriter remembers the first error, so that output to a full disk does
// not pass for success.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (c *checkedWriter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.w.Write(p)
	c.err = err
	return n, err
}
