package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"multihome.i2p/sim/game"
)

// interruptible is a tool that is interrupted when its run has finished some
// trials.
type interruptible struct {
	*tool
	stdout, stderr bytes.Buffer
}

// interruptAfter returns a tool that receives a signal after that many trials,
// and goes on only when it has taken the signal in.
func interruptAfter(trials int) *interruptible {
	signals := make(chan os.Signal, 1)
	told := make(chan struct{})
	i := &interruptible{}
	i.tool = &tool{
		stdout: &i.stdout, build: readBuild(), signals: signals,
		stderr: &listener{w: &i.stderr, word: "stopping", heard: told},
		catch:  func() {}, release: func() {},
	}
	i.watch = func(p game.Progress) {
		if p.Done == trials && p.Done > p.Resumed {
			signals <- os.Interrupt
			<-told
		}
	}
	return i
}

// listener closes a channel when it hears a word.
type listener struct {
	w     *bytes.Buffer
	word  string
	heard chan struct{}
}

func (l *listener) Write(p []byte) (int, error) {
	n, err := l.w.Write(p)
	if l.heard != nil && strings.Contains(l.w.String(), l.word) {
		close(l.heard)
		l.heard = nil
	}
	return n, err
}

// contents reads all files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// sameResults checks that two directories hold the same bytes, but for the order
// in which trials were finished.
func sameResults(t *testing.T, got, want string) {
	t.Helper()
	g, w := contents(t, got), contents(t, want)
	for name, text := range w {
		if name == trialsFile {
			text, g[name] = sortedLines(text), sortedLines(g[name])
		}
		if g[name] != text {
			t.Errorf("%s differs from that of an undisturbed run", name)
		}
		delete(g, name)
	}
	for name := range g {
		t.Errorf("%s: an undisturbed run has no such file", name)
	}
}

func sortedLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

const totalTrials = 9 // of sweep.yaml: two for tests and one for training, of two policy arms and the reference they share

// A run that is interrupted keeps what is finished, says how to go on, and gives
// the same bytes in the end. So does one that is killed in the middle of a line.
func TestInterruptAndResume(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	if code, _, stderr := mhsim("run", "testdata/sweep.yaml", "--traces", "--out", whole); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, killed := range []bool{false, true} {
		for _, after := range []int{1, 4, 7} {
			t.Run(fmt.Sprintf("after %d, killed %v", after, killed), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "out dir")
				i := interruptAfter(after)
				args := []string{"run", "--traces", "testdata/sweep.yaml", "--workers", "1", "--out", dir}
				if code := i.run(args); code != exitFailure {
					t.Fatalf("exit code %d, want %d\n%s", code, exitFailure, &i.stderr)
				}
				if i.stdout.Len() > 0 {
					t.Errorf("standard output: %s", &i.stdout)
				}
				lines := strings.Split(strings.TrimSuffix(i.stderr.String(), "\n"), "\n")
				want := "mhsim run testdata/sweep.yaml --out '" + dir + "' --workers 1 --traces --resume"
				if len(lines) != 3 || lines[2] != want {
					t.Errorf("standard error: %q\nwant as its last line %q", lines, want)
				}
				if n := strings.Count(contents(t, dir)[trialsFile], "\n"); n != 1+after {
					t.Errorf("%d lines in %s, want %d", n, trialsFile, 1+after)
				}
				if killed {
					tear(t, filepath.Join(dir, trialsFile))
					tear(t, filepath.Join(dir, tracesDir, truthPart))
					// What a kill leaves of the file in the making, and of the lock.
					for _, name := range []string{temporary(filepath.Join(dir, "summary.json")), filepath.Join(dir, lockFile)} {
						if err := os.WriteFile(name, []byte("4711\n"), 0o666); err != nil {
							t.Fatal(err)
						}
					}
				}
				if code, _, stderr := mhsim("run", "testdata/sweep.yaml", "--workers", "2", "--resume", "--out", dir); code != 0 || stderr != "" {
					t.Fatalf("resumed: exit code %d: %s", code, stderr)
				}
				sameResults(t, dir, whole)
			})
		}
	}
}

// tear removes the last record of a file but for its first half.
func tear(t *testing.T, name string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	if start == 0 {
		return // only its header
	}
	if err := os.WriteFile(name, data[:(start+len(data))/2], 0o666); err != nil {
		t.Fatal(err)
	}
}

// Two interrupts in a row, with a resumed run between them.
func TestInterruptTwice(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, after := range []int{2, 5} {
		i := interruptAfter(after)
		if code := i.run([]string{"run", "testdata/sweep.yaml", "--workers", "1", "--resume", "--out", dir}); code != exitFailure {
			t.Fatalf("exit code %d, want %d\n%s", code, exitFailure, &i.stderr)
		}
	}
	var first game.Progress
	i := interruptAfter(-1)
	i.watch = func(p game.Progress) {
		if first.Total == 0 {
			first = p
		}
	}
	if code := i.run([]string{"run", "testdata/sweep.yaml", "--resume", "--out", dir}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &i.stderr)
	}
	if want := (game.Progress{Done: 5, Total: totalTrials, Resumed: 5}); first != want {
		t.Errorf("resumed with %+v, want %+v", first, want)
	}
}

// While a run is going on nobody else may write into its directory.
func TestTwoRunsInOneDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	i := interruptAfter(-1)
	met := false
	i.watch = func(p game.Progress) {
		if met {
			return
		}
		met = true
		want := fmt.Sprintf("mhsim: %s is in use by another mhsim (process %d); wait for it, or choose another --out\n", dir, os.Getpid())
		for _, args := range [][]string{{"--out", dir}, {"--resume", "--out", dir}} {
			code, stdout, stderr := mhsim(append([]string{"run", "testdata/small.yaml"}, args...)...)
			if code != exitInput || stdout != "" || stderr != want {
				t.Errorf("%v: exit code %d, standard output %q, standard error %q", args, code, stdout, stderr)
			}
		}
	}
	if code := i.run([]string{"run", "testdata/small.yaml", "--out", dir}); code != 0 || !met {
		t.Fatalf("exit code %d\n%s", code, &i.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, lockFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is still there: %v", err)
	}
}

// A run that another version of the program began is not finished by this one;
// one that it finished is rendered with a warning.
func TestOtherVersion(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	args := []string{"run", "testdata/small.yaml", "--workers", "1", "--resume", "--out", dir}
	with := func(commit string, after int) (int, string) {
		i := interruptAfter(after)
		i.build = build{commit: commit, program: func() string { return "digest of " + commit }}
		code := i.run(args)
		return code, i.stderr.String()
	}
	if code, stderr := with("aaaa", 2); code != exitFailure {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, commit := range []string{"bbbb", "unknown", "aaaa-dirty"} {
		code, stderr := with(commit, -1)
		if code != exitInput || !strings.Contains(stderr, "was begun by another version of mhsim (commit aaaa; this is "+commit+")") {
			t.Errorf("commit %s: exit code %d: %s", commit, code, stderr)
		}
	}
	if code, stderr := with("aaaa", -1); code != 0 || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if code, stderr := with("bbbb", -1); code != 0 || !strings.Contains(stderr, "was made by another version of mhsim (commit aaaa; this is bbbb)") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
