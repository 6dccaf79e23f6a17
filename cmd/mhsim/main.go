// Command mhsim simulates invisible multihoming (I2P Proposal 140): it plays
// scenarios, attacks what an observer would see of them, and reports how well
// the attacks did. It also analyses traces that were recorded from real
// routers.
//
// Results go to standard output or into a directory, everything else to
// standard error. The exit code is 0 if all went well, 1 after a failure or an
// interrupt, 2 if the command line or a file that was given is at fault; 3 and 4 are
// verdicts, see check.go.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim/game"
)

func main() { os.Exit(run(os.Stdout, os.Stderr, os.Args[1:])) }

// run is the program: args are the arguments without the program's name, the
// result is its exit code.
func run(stdout, stderr io.Writer, args []string) int {
	// A signal of each kind may wait while the first one is worked on.
	signals := make(chan os.Signal, 2)
	t := &tool{
		stdout: stdout, stderr: stderr, terminal: isTerminal(stderr),
		build: readBuild(), signals: signals, env: os.Getenv,
		// Only a command that can stop in good order takes the signals over;
		// elsewhere they kill, as everybody expects.
		catch:   func() { signal.Notify(signals, os.Interrupt, syscall.SIGTERM) },
		release: func() { signal.Stop(signals) },
	}
	return t.run(args)
}

// tool is the program with its surroundings, which tests replace.
type tool struct {
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	build          build
	env            func(string) string // reads a variable of the environment

	signals        <-chan os.Signal
	catch, release func() // of the signals

	// watch is called with the progress of a run; nil but in tests.
	watch func(game.Progress)
}

// exitError is an error with the exit code it leads to.
type exitError struct {
	code int
	err  error
	// command, where it is not empty, is a command line that helps: the one that
	// reproduces a failure or resumes a run. It is the last line of the output.
	command string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// Exit codes.
const (
	exitFailure = 1
	exitInput   = 2
)

// inputError is an error of the command line, or of a file that was given.
func inputError(err error) error { return &exitError{code: exitInput, err: err} }

func inputErrorf(format string, args ...any) error { return inputError(fmt.Errorf(format, args...)) }

// errorList is several errors, of as many files.
type errorList []error

func (l errorList) Error() string   { return errors.Join(l...).Error() }
func (l errorList) Unwrap() []error { return l }

func (t *tool) run(args []string) int {
	out := &checkedWriter{w: t.stdout}
	t.stdout = out
	err := t.dispatch(args)
	if err == nil && out.err != nil {
		err = &exitError{code: exitFailure, err: fmt.Errorf("cannot write the output: %w", out.err), command: commandLine(args)}
	}
	if err == nil {
		return 0
	}
	return t.report(err, args)
}

// report tells err, a line for each error in it, and returns the exit code.
// The rules: "mhsim: ", lower case, no full stop; what is wrong, where, and how
// to mend it.
func (t *tool) report(err error, args []string) int {
	e := &exitError{code: exitFailure, err: err, command: commandLine(args)}
	errors.As(err, &e)
	var list errorList
	if !errors.As(e.err, &list) {
		list = errorList{e.err}
	}
	for _, err := range list {
		fmt.Fprintf(t.stderr, "mhsim: %v\n", err)
	}
	if e.command != "" {
		fmt.Fprintln(t.stderr, e.command)
	}
	return e.code
}

// dispatch runs the command that args name.
func (t *tool) dispatch(args []string) error {
	commands := t.commands()
	inv, err := arrange(commands, args)
	if err != nil {
		return err
	}
	switch {
	case inv.version:
		fmt.Fprintln(t.stdout, t.build)
		return nil
	case inv.help && inv.command == nil:
		fmt.Fprint(t.stdout, usage)
		return nil
	case inv.help:
		fmt.Fprint(t.stdout, inv.command.help)
		return nil
	case inv.command == nil: // a bare mhsim is a question, but nothing was done
		fmt.Fprint(t.stderr, usage)
		return &exitError{code: exitInput, err: errors.New("no command given")}
	}
	app := &cli.App{
		Name:            "mhsim",
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
			Name: c.name, Flags: c.flags, HideHelp: true, OnUsageError: onUsageError,
			Action: c.action,
		})
	}
	return app.Run(append([]string{"mhsim"}, inv.argv...))
}

func onUsageError(_ *cli.Context, err error, _ bool) error { return inputError(err) }

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
