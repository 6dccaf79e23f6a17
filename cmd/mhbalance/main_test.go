package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"multihome.i2p/internal/testnet"
	"multihome.i2p/sim/fleet"
)

func TestMain(m *testing.M) {
	testnet.Main() // of the networks that the tests leave running
	testscript.Main(m, map[string]func(){
		"mhbalance": main,
	})
}

// TestScripts plays testdata/script/*.txt: the program as a user meets it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"stderr1": stderrLines,
			"routers": startRouters,
		},
	})
}

// exits runs a command and checks its exit code:
//
//	exits 2 mhbalance run nothing
//
// The commands stdout and stderr look at its output afterwards.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		ts.Fatalf("%v", err)
	}
	got := 0
	if failed != nil {
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// stderrLines checks that standard error holds this many lines, all of the
// program:
//
//	stderr1 LINES
func stderrLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: stderr1 LINES")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := 0
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		lines++
		if !strings.HasPrefix(line, "mhbalance: ") {
			ts.Fatalf("line without the program's name: %q", line)
		}
	}
	if lines != want {
		ts.Fatalf("%d lines on standard error, want %d", lines, want)
	}
}

// startRouters runs simulated routers until the script ends, and sets NAME0,
// NAME1, … to their addresses, and NAMEalias to a second address of the first:
//
//	routers NAME COUNT [stock]
func startRouters(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: routers NAME COUNT [stock]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	addresses, stop, err := newRouters(n, len(args) > 2)
	ts.Check(err)
	ts.Defer(stop)
	for i, a := range addresses {
		ts.Setenv(fmt.Sprintf("%s%d", args[0], i), a)
	}
	alias, err := newAlias(addresses[0])
	ts.Check(err)
	ts.Defer(func() { _ = alias.Close() })
	ts.Setenv(args[0]+"alias", alias.Addr().String())
}

// newRouters runs simulated routers until stop.
func newRouters(n int, stock bool) (addresses []string, stop func(), err error) {
	f, err := fleet.New(fleet.Config{Routers: n, Seed: 1, Speed: 1, Stock: stock, World: fleet.DefaultWorld()})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	for _, r := range f.Routers() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			cancel()
			f.Close()
			return nil, nil, err
		}
		addresses = append(addresses, l.Addr().String())
		go func() { _ = r.Listen(ctx, l) }()
	}
	return addresses, func() { cancel(); f.Close() }, nil
}

// newAlias makes a second address for a router, until the listener is closed.
func newAlias(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", address)
			if err != nil {
				_ = in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	return l, nil
}

// mhbalance runs the program within the test.
func mhbalance(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(&out, &errs, args)
	return code, out.String(), errs.String()
}

// fullDisk is a writer that fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// Output that cannot be written must not pass for success.
func TestFullDisk(t *testing.T) {
	var errs bytes.Buffer
	if code := run(fullDisk{}, &errs, []string{"schema"}); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if want := "mhbalance: cannot write the output: no space left on device\n"; errs.String() != want && errs.String() != "mhbalance: no space left on device\n" {
		t.Errorf("standard error %q, want %q", errs.String(), want)
	}
}

// The help texts name every command and flag.
func TestHelpIsComplete(t *testing.T) {
	for _, c := range (&tool{stdout: io.Discard}).commands() {
		if !strings.Contains(usage, "    mhbalance "+c.Name) || !strings.Contains(usage, "\n    "+c.Name+" ") {
			t.Errorf("mhbalance --help does not name %s", c.Name)
		}
		for _, f := range c.Flags {
			if !strings.Contains(c.help, "--"+f.Names()[0]+" ") {
				t.Errorf("mhbalance %s --help does not explain --%s", c.Name, f.Names()[0])
			}
		}
		if !strings.Contains(c.help, "\n    $ mhbalance "+c.Name) {
			t.Errorf("mhbalance %s --help has no example", c.Name)
		}
		for _, text := range []string{usage, c.help} {
			for line := range strings.Lines(text) {
				if n := len(strings.TrimSuffix(line, "\n")); n > 84 {
					t.Errorf("a line of help has %d columns: %s", n, line)
				}
			}
		}
	}
}

// The help texts are part of the program's face: a change of them shows here.
func TestHelpGolden(t *testing.T) {
	var all strings.Builder
	all.WriteString(usage)
	for _, c := range (&tool{}).commands() {
		code, stdout, stderr := mhbalance(c.Name, "--help")
		if code != 0 || stderr != "" {
			t.Errorf("%s --help: exit code %d, standard error %q", c.Name, code, stderr)
		}
		all.WriteString("\n-- " + c.Name + " --\n" + stdout)
	}
	golden(t, "help.txt", all.String())
}
