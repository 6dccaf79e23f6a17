package game

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"multihome.i2p/sim"
)

// onDisk is a Scratch in a file; it fails once it holds limit bytes, if there is one.
type onDisk struct {
	*os.File
	end, limit int64
}

var errFull = errors.New("no room")

func (s *onDisk) Append(b []byte) (int64, error) {
	if s.limit > 0 && s.end+int64(len(b)) > s.limit {
		return 0, errFull
	}
	offset := s.end
	n, err := s.WriteAt(b, offset)
	s.end += int64(n)
	return offset, err
}

func scratch(t testing.TB, limit int64) *onDisk {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "scratch"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return &onDisk{File: f, limit: limit}
}

const spillScenario = `
question: q
seed: 1
trials: 30
training: 12
duration: 1h
warmup: 30m
adversaries: [{name: poller, every: 5m, attacks: all, horizons: [30m, 1h]}]
`

// TestTable compares columns and windows with the rows that were put in.
func TestTable(t *testing.T) {
	const width, trials = 700, 100 // a tile has 46 rows
	cell := func(trial, c int) float64 {
		if c == 3 {
			return math.NaN()
		}
		return float64(1000*trial + c)
	}
	tab := newTable(newSpill(scratch(t, 0)), width)
	row := make([]float64, width)
	for k := range trials {
		trial := k * 37 % 101 // in some order; not all
		for c := range row {
			row[c] = cell(trial, c)
		}
		tab.add(trial, row)
	}
	missing := trials * 37 % 101
	same := func(got, want float64) bool { return got == want || math.IsNaN(got) && math.IsNaN(want) }
	window := tab.window(20, 90)
	for c := range width {
		column := tab.column(c, 95)
		if len(column) != 95 {
			t.Fatalf("column of %d", len(column))
		}
		for trial, got := range column {
			want := cell(trial, c)
			if trial == missing {
				want = math.NaN()
			}
			if !same(got, want) {
				t.Fatalf("trial %d, column %d: %v, want %v", trial, c, got, want)
			}
			if trial >= 20 && trial < 90 && !same(window[c][trial-20], want) {
				t.Fatalf("trial %d, column %d: window has %v, want %v", trial, c, window[c][trial-20], want)
			}
		}
	}
}

// TestLists reads back lists, empty ones and such as are the same.
func TestLists(t *testing.T) {
	s := newSpill(scratch(t, 0))
	all := []floats{{1, 2}, nil, {math.NaN(), 3}, {1, 2}, {4}}
	s.putLists(all[1:])
	at := s.putLists(all)
	for k, want := range all {
		got := s.list(at, k)
		if got != nil && !want.same(got) || got == nil && want != nil {
			t.Errorf("list %d: %v, want %v", k, got, want)
		}
	}
	if s.list(noLists, 0) != nil || s.failed() != nil {
		t.Error("no lists, no list")
	}
}

// TestScratch: results do not depend on where the numbers lie, and a Scratch that is full
// ends the run.
func TestScratch(t *testing.T) {
	s := parse(t, spillScenario)
	want := bytesOf(t, run(t, s, Options{Workers: 2}))
	if got := bytesOf(t, run(t, s, Options{Workers: 1, Scratch: scratch(t, 0)})); !slices.Equal(got, want) {
		t.Error("other results with a scratch file")
	}
	if _, err := Run(context.Background(), s, Options{Scratch: scratch(t, 100_000)}); !errors.Is(err, errFull) {
		t.Errorf("scratch is full: %v", err)
	}
}

// TestMemory: what a run holds does not grow with its test trials, but for some bytes
// that say which trials there are.
func TestMemory(t *testing.T) {
	s := parse(t, spillScenario)
	grown := func(trials int) int64 {
		next := *s
		next.Trials = trials
		p := newPlan(&next)
		for i := range p.units {
			p.units[i].trials = trials
		}
		r := newRunner(p, Options{Workers: 2, Scratch: scratch(t, 0)})
		if err := r.play(t.Context(), r.own(Training)); err != nil {
			t.Fatal(err)
		}
		if err := r.fit(); err != nil {
			t.Fatal(err)
		}
		var models []*record
		for i := range p.units {
			rec, _, err := r.simulate(t.Context(), &worker{world: sim.NewWorld()}, TrialID{Cell: p.units[i].cell, Arm: p.units[i].arm, Set: Test})
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, rec)
		}
		before := heapInUse()
		for trial := range trials {
			for _, model := range models {
				rec := *model
				rec.ID.Trial = trial
				judged := r.judge(&rec)
				r.take(&rec, judged)
			}
		}
		after := heapInUse()
		if err := r.spilled.failed(); err != nil {
			t.Fatal(err)
		}
		runtime.KeepAlive(r)
		return after - before
	}
	const few, many = 1000, 5000
	// A row has above a hundred numbers; memory has four bytes of each row, with room to
	// grow, and vectors of none.
	const most = (many - few) * 2 * 32
	if a, b := grown(few), grown(many); b-a > most {
		t.Errorf("%d trials add %d bytes, %d add %d: above %d a trial and arm", few, a, many, b, most/(many-few)/2)
	}
}

// heapInUse is what is reachable.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
