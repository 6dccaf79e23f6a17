package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"multihome.i2p/sim/game"
)

func TestMain(m *testing.M) {
	referenceTrials = 12 // the least that attacks can be trained on
	// A test that compares two runs wants both to be simulated: no trial is kept
	// between runs unless a test asks for it.
	cellsDir = func() (string, error) { return os.Getenv("MHSIM_TEST_CELLS"), nil }
	playStrength = func(context.Context, int, func(game.Progress)) ([]game.Reached, error) {
		return game.RecordedStrength(), nil // package game's tests measure it
	}
	testscript.Main(ownCache{m}, map[string]func(){
		"mhsim": main,
		// A build whose attacks have become weaker.
		"mhsim-weak": func() {
			playStrength = func(context.Context, int, func(game.Progress)) ([]game.Reached, error) {
				reached := game.RecordedStrength()
				reached[6].AUC = 0.5
				return reached[1:], nil
			}
			main()
		},
	})
}

// ownCache runs the tests with a cache directory of their own.
type ownCache struct{ m *testing.M }

func (c ownCache) Run() int {
	dir, err := os.MkdirTemp("", "mhsim-test-cache-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // nothing depends on it
		err = os.Setenv("XDG_CACHE_HOME", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return c.m.Run()
}

// TestScripts plays testdata/script/*.txt: the program as a user meets it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			fixtures, err := filepath.Abs("../internal/calibrate/testdata")
			if err != nil {
				return err
			}
			env.Setenv("CALIBRATE", fixtures)
			files, err := filepath.Glob("testdata/*.yaml")
			if err != nil {
				return err
			}
			for _, name := range files {
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, filepath.Base(name)), data, 0o666); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"cut":     cut,
			"stderr1": stderrLines,
		},
	})
}

// exits runs a command and checks its exit code:
//
//	exits 2 mhsim run nothing
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

// cut removes bytes from the end of a file, as a kill in the middle of writing
// would leave it:
//
//	cut FILE BYTES
func cut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	ts.Check(os.Truncate(name, info.Size()-int64(n)))
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
	text := strings.TrimSuffix(ts.ReadFile("stderr"), "\n")
	lines := strings.Split(text, "\n")
	if text == "" {
		lines = nil
	}
	if len(lines) != want {
		ts.Fatalf("%d lines on standard error, want %d", len(lines), want)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "mhsim: ") {
			ts.Fatalf("line without the program's name: %q", line)
		}
	}
}

// mhsim runs the program within the test.
func mhsim(args ...string) (code int, stdout, stderr string) {
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
	if code := run(fullDisk{}, &errs, []string{"list"}); code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	if want := "mhsim: cannot write the output: no space left on device\nmhsim list\n"; errs.String() != want {
		t.Errorf("standard error %q, want %q", errs.String(), want)
	}
}

// The help texts name every command and flag.
func TestHelpIsComplete(t *testing.T) {
	for _, c := range (&tool{}).commands() {
		if !strings.Contains(usage, "    mhsim "+c.name) || !strings.Contains(usage, "\n    "+c.name+" ") {
			t.Errorf("mhsim --help does not name %s", c.name)
		}
		for _, f := range c.flags {
			if !strings.Contains(c.help, "    --"+f.Names()[0]+" ") {
				t.Errorf("mhsim %s --help does not explain --%s", c.name, f.Names()[0])
			}
		}
		for _, text := range []string{usage, c.help} {
			for line := range strings.Lines(text) {
				if len(strings.TrimSuffix(line, "\n")) > 84 {
					t.Errorf("a line of help has %d columns: %s", len(line), line)
				}
			}
		}
	}
}

// The examples of the help texts work, in their order.
func TestHelpExamples(t *testing.T) {
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fixtures := os.DirFS("../internal/calibrate/testdata")
	dir := t.TempDir()
	if err := os.CopyFS(dir, fixtures); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.WriteFile("mine.yaml", small, 0o666); err != nil {
		t.Fatal(err)
	}
	texts := []string{usage}
	for _, c := range (&tool{}).commands() {
		texts = append(texts, c.help)
	}
	for _, text := range texts {
		examples := 0
		for line := range strings.Lines(text) {
			example, ok := strings.CutPrefix(strings.TrimSpace(line), "$ mhsim ")
			if !ok {
				continue
			}
			examples++
			example, _, _ = strings.Cut(example, " > ")
			if code, _, stderr := mhsim(strings.Fields(example)...); code != 0 || stderr != "" {
				t.Errorf("mhsim %s: exit code %d, standard error %q", example, code, stderr)
			}
		}
		if examples == 0 {
			t.Errorf("no example in:\n%s", text)
		}
	}
}
