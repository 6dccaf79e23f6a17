package main

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// killed runs the program in processes of its own, kills them that often after
// random times, and lets the last one end.
func killed(t *testing.T, rng *rand.Rand, kills int, longest time.Duration, args ...string) {
	t.Helper()
	for k := 0; ; k++ {
		var stderr bytes.Buffer
		cmd := exec.Command("mhsim", args...)
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Error(err)
			return
		}
		if k == kills {
			// A file that a kill cut in the middle of a line is no damage.
			if err := cmd.Wait(); err != nil || stderr.Len() > 0 {
				t.Errorf("mhsim %s: %v: %s", strings.Join(args, " "), err, &stderr)
			}
			return
		}
		kill := time.AfterFunc(time.Duration(rng.Int64N(int64(longest))), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // killed, or faster than the kill
		kill.Stop()
	}
}

// Whenever it is killed, a run that is resumed ends with the bytes of one that
// nobody disturbed; so do shards, several at a time, once they are merged.
func TestKills(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	began := time.Now()
	args := []string{"run", "testdata/sweep.yaml", "--trials", "40", "--out"}
	killed(t, nil, 0, 0, append(args, whole)...)
	span := time.Since(began)
	rng := rand.New(rand.NewPCG(140, 10))

	out := filepath.Join(dir, "out")
	killed(t, rng, 10, span/3, append(args, out, "--resume")...)
	sameResults(t, out, whole)

	// Trials that are kept for other runs are torn as well, and used all the same.
	t.Setenv("MHSIM_TEST_CELLS", filepath.Join(dir, "cells"))
	for _, name := range []string{"kept", "kept again"} {
		out := filepath.Join(dir, name)
		killed(t, rng, 5, span/3, append(args, out, "--resume")...)
		sameResults(t, out, whole)
	}
	t.Setenv("MHSIM_TEST_CELLS", "")

	var group sync.WaitGroup
	for _, shard := range []string{"1/3", "2/3", "3/3"} {
		rng := rand.New(rand.NewPCG(140, rng.Uint64()))
		group.Go(func() {
			dir := filepath.Join(dir, "shards", strings.ReplaceAll(shard, "/", "-"))
			killed(t, rng, 4, span/3, append(args, dir, "--resume", "--shard", shard)...)
		})
	}
	group.Wait()
	merged := filepath.Join(dir, "merged")
	killed(t, rng, 3, span/6, "merge", filepath.Join(dir, "shards"), "--out", merged)
	sameResults(t, merged, whole)
}
