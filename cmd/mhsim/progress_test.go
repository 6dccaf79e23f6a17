package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"multihome.i2p/sim/game"
)

// A terminal sees one line that changes and goes; its times are no guesses.
func TestProgressLine(t *testing.T) {
	now := time.Unix(1e9, 0)
	var out bytes.Buffer
	p := newProgressLine(&out, "a-scenario", func() time.Time { return now })
	for _, step := range []struct {
		after   time.Duration
		done    int
		resumed int
		want    string // "" for nothing new
	}{
		{0, 100, 100, "100 of 1000 trials"},
		{50 * time.Millisecond, 101, 100, ""},
		{time.Second, 102, 100, "102 of 1000 trials"},
		// 30 of this process's trials in 10 s, 870 to go.
		{8950 * time.Millisecond, 130, 100, "130 of 1000 trials, 3/s, about 5 min left"},
		// It has become slower: the last minute counts.
		{50 * time.Second, 160, 100, "160 of 1000 trials, 1/s, about 14 min left"},
		{60 * time.Second, 170, 100, "170 of 1000 trials, 10/min, about 83 min left"},
		{70 * time.Second, 170, 100, "170 of 1000 trials, no progress in the last minute"},
		{time.Millisecond, 1000, 100, "1000 of 1000 trials"},
	} {
		now = now.Add(step.after)
		out.Reset()
		p.update(game.Progress{Done: step.done, Total: 1000, Resumed: step.resumed})
		if step.want == "" {
			if out.Len() > 0 {
				t.Errorf("shown too soon: %q", &out)
			}
			continue
		}
		if want := "\r\x1b[Ka-scenario: " + step.want; !strings.HasPrefix(out.String(), want) {
			t.Errorf("shown %q, want %q", &out, want)
		}
		if len(out.String()) > 80+len("\r\x1b[K") {
			t.Errorf("%q is too long for a line", &out)
		}
	}
	// Trials that were measured: two workers, 90 s of one worker's time to go, though
	// most trials are done already; and a time in which none finishes.
	p = newProgressLine(&out, "a-scenario", func() time.Time { return now })
	now = now.Add(10 * time.Second)
	out.Reset()
	p.update(game.Progress{Done: 900, Total: 1000, Spent: 20e9, Left: 90e9})
	p.phase(game.PhaseReducing)
	p.phase("")
	if want := "\r\x1b[Ka-scenario: 900 of 1000 trials, 90/s, about 45 s left\r\x1b[Ka-scenario: computing the results"; out.String() != want {
		t.Errorf("shown %q, want %q", &out, want)
	}
	out.Reset()
	p.clear()
	p.clear()
	if out.String() != "\r\x1b[K" {
		t.Errorf("cleared by %q", &out)
	}
}

func TestRoundDuration(t *testing.T) {
	for _, test := range []struct {
		seconds float64
		want    string
	}{
		{0.2, "1 s"}, {59, "59 s"}, {61, "2 min"}, {5999, "100 min"}, {2 * 3600, "2.0 h"}, {72 * 3600, "3.0 days"},
	} {
		if got := roundDuration(test.seconds); got != test.want {
			t.Errorf("%v s: %q, want %q", test.seconds, got, test.want)
		}
	}
}

// Nobody watches a file.
func TestNoTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if isTerminal(f) || isTerminal(&bytes.Buffer{}) {
		t.Error("a file and a buffer are no terminals")
	}
	// A run within a test shows nothing either: the scripts check that.
	p := newProgressLine(nil, "x", time.Now)
	p.update(game.Progress{Done: 1, Total: 2})
	p.clear()
}
