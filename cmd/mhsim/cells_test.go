package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"multihome.i2p/sim/game"
)

var testCell = game.CellKey{1, 4, 0}

// content is that of a trial: no two are alike.
func content(trial int) []byte {
	return fmt.Appendf(nil, `,"n":%d,"text":"a b %d"}`, trial, trial*trial)
}

// holds checks that a cache has what it must of a cell, and nothing else.
func holds(t *testing.T, c *cellCache, trials, must int, where string) {
	t.Helper()
	for trial := range trials {
		got := c.Get(testCell, trial)
		if got == nil && trial >= must {
			continue
		}
		if !bytes.Equal(got, content(trial)) {
			t.Fatalf("%s: trial %d is %q, want %q", where, trial, got, content(trial))
		}
	}
}

func cellFileOf(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+cellSuffix))
	if err != nil || len(names) != 1 {
		t.Fatalf("%d files: %v", len(names), err)
	}
	return names[0]
}

// Wherever a kill tears the file, and whichever byte of it changes, what the cache
// gives is right, and what is put afterwards is there.
func TestCellsTornOrDamaged(t *testing.T) {
	dir := t.TempDir()
	c := newCellCache(dir, "program", 1<<20)
	for trial := range 3 {
		c.Put(testCell, trial, content(trial))
	}
	name := cellFileOf(t, dir)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, newCellCache(dir, "program", 1<<20), 4, 3, "whole")
	try := func(text []byte, where string) {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c := newCellCache(dir, "program", 1<<20)
		holds(t, c, 4, 0, where)
		for trial := range 4 {
			c.Put(testCell, trial, content(trial))
		}
		holds(t, newCellCache(dir, "program", 1<<20), 4, 4, where+", put again")
	}
	for n := range len(whole) {
		try(whole[:n], fmt.Sprintf("cut to %d bytes", n))
		changed := bytes.Clone(whole)
		changed[n] ^= 1
		try(changed, fmt.Sprintf("byte %d changed", n))
	}
	// Another program has no part in it, nor has another cell.
	if err := os.WriteFile(name, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if newCellCache(dir, "another program", 1<<20).Get(testCell, 0) != nil {
		t.Error("another program is given the trial")
	}
	other := newCellCache(dir, "program", 1<<20)
	other.Put(game.CellKey{2}, 7, content(7))
	if err := os.Rename(name, filepath.Join(dir, other.cells[game.CellKey{2}].name)); err != nil {
		t.Fatal(err)
	}
	if newCellCache(dir, "program", 1<<20).Get(game.CellKey{2}, 0) != nil {
		t.Error("a trial of another cell is given")
	}
}

// Several processes at one cell lose nothing that was there before, and mix
// nothing up.
func TestCellsOfSeveralProcesses(t *testing.T) {
	dir := t.TempDir()
	const trials, writers = 200, 4
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			c := newCellCache(dir, "program", 1<<20)
			for trial := w; trial < trials; trial += 2 { // each trial comes twice
				c.Put(testCell, trial, content(trial))
				if got := c.Get(testCell, trial); got != nil && !bytes.Equal(got, content(trial)) {
					t.Errorf("trial %d is %q", trial, got)
				}
			}
			c.prune()
		})
	}
	group.Wait()
	holds(t, newCellCache(dir, "program", 1<<20), trials, trials, "after all")
}

// The cache stays within its bound, and what was used last stays in it.
func TestCellsArePruned(t *testing.T) {
	dir := t.TempDir()
	c := newCellCache(dir, "program", 10_000)
	big := bytes.Repeat([]byte("x"), 900)
	for k := range 20 {
		c.Put(game.CellKey{byte(k)}, 0, big)
	}
	size := func() (total int64) {
		for _, text := range contents(t, dir) {
			total += int64(len(text))
		}
		return total
	}
	if n := size(); n > 10_000 || n < 8000 {
		t.Errorf("%d bytes were kept of at most 10000", n)
	}
	old := time.Now().Add(-time.Hour)
	for name := range contents(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	small := newCellCache(dir, "program", 3000)
	if small.Get(game.CellKey{3}, 0) == nil {
		t.Fatal("the trial is not there")
	}
	if err := small.close(); err != nil {
		t.Fatal(err)
	}
	if n := size(); n > 2700 || newCellCache(dir, "program", 3000).Get(game.CellKey{3}, 0) == nil {
		t.Errorf("%d bytes are left; the file used last must be among them", n)
	}
}

// A cell that one run has simulated is not simulated by another, whatever asks for
// it, and the bytes are the same.
func TestCellsAreReused(t *testing.T) {
	play := func(args ...string) game.Progress {
		t.Helper()
		var last game.Progress
		i := interruptAfter(-1)
		i.watch = func(p game.Progress) { last = p }
		if code := i.run(append([]string{"run"}, args...)); code != 0 || i.stderr.Len() > 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, &i.stderr)
		}
		return last
	}
	dir := t.TempDir()
	out := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		name, file, trials string
		reused             int
	}{
		{"first", "sweep.yaml", "2", 0},
		{"again", "sweep.yaml", "2", 9},
		{"more", "sweep.yaml", "4", 6 + 3}, // training grows with the trials
		{"another", "small.yaml", "4", 8 + 4},
		{"alone", "small.yaml", "4", 0},
	} {
		t.Setenv("MHSIM_TEST_CELLS", "")
		args := []string{"testdata/" + c.file, "--trials", c.trials, "--out"}
		play(append(args, out(c.name+"-fresh"))...)
		t.Setenv("MHSIM_TEST_CELLS", out("cells"))
		args = append(args, out(c.name))
		if c.name == "alone" {
			args = append(args, "--no-cache")
		}
		if p := play(args...); p.Reused != c.reused {
			t.Errorf("%s: %d of %d trials were reused, want %d", c.name, p.Reused, p.Done, c.reused)
		}
		sameResults(t, out(c.name), out(c.name+"-fresh"))
	}
	// Traces are not kept: test trials are simulated for them.
	if p := play("testdata/small.yaml", "--traces", "--out", out("traces")); p.Reused != p.Total-4 {
		t.Errorf("with traces %d of %d trials were reused", p.Reused, p.Total)
	}
	// Nor does a folder that cannot be written stop a run.
	t.Setenv("MHSIM_TEST_CELLS", "/dev/null/cells")
	i := interruptAfter(-1)
	if code := i.run([]string{"run", "testdata/small.yaml", "--out", out("unwritable")}); code != 0 {
		t.Errorf("exit code %d: %s", code, &i.stderr)
	}
	if want := "mhsim: warning: finished trials were not kept for other runs: "; !bytes.HasPrefix(i.stderr.Bytes(), []byte(want)) {
		t.Errorf("standard error %q, want %q…", &i.stderr, want)
	}
}
