package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// traceDir is the folder of a run's traces, and the game.Sink that fills it:
//
//	traces/<arm>/<trial>.<adversary>.jsonl.gz
//	traces/truth.jsonl
//
// with a folder cell-<n> above the arm where the run has several cells. Each
// trace is written in one step. The truth comes in the order in which trials
// finish; it is kept in truth.part, and put in order when the run is finished,
// so that the bytes do not depend on the number of workers.
type traceDir struct {
	path  string
	cells int
	truth *recordFile
	made  map[string]bool // folders
}

const (
	truthFile = "truth.jsonl"
	truthPart = "truth.part"
)

func openTraces(dir, digest string, cells int, now func() time.Time) (*traceDir, error) {
	t := &traceDir{path: filepath.Join(dir, tracesDir), cells: cells, made: map[string]bool{}}
	if err := os.MkdirAll(t.path, 0o777); err != nil {
		return nil, err
	}
	var err error
	t.truth, err = openRecords(filepath.Join(t.path, truthPart), recordHeader{"multihome-truth-part", 1, digest}, now)
	return t, err
}

// Trace implements game.Sink.
func (t *traceDir) Trace(id game.TrialID, adversary string, tr *trace.Trace) error {
	dir := t.path
	if t.cells > 1 {
		dir = filepath.Join(dir, fmt.Sprintf("cell-%0*d", len(fmt.Sprint(t.cells-1)), id.Cell))
	}
	dir = filepath.Join(dir, string(id.Arm))
	if !t.made[dir] {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		t.made[dir] = true
	}
	f, err := createFile(filepath.Join(dir, fmt.Sprintf("%d.%s.jsonl.gz", id.Trial, adversary)))
	if err != nil {
		return err
	}
	w := trace.NewWriter(f, true)
	if err := errors.Join(tr.Write(w), w.Close()); err != nil {
		return errors.Join(err, f.discard())
	}
	return f.commit()
}

// truthRecord is the line of a trial in the part file: what is true of the
// trial, and which one it is.
type truthRecord struct {
	Cell  int             `json:"cell"`
	Arm   scenario.Arm    `json:"arm"`
	Trial int             `json:"trial"`
	Truth json.RawMessage `json:"truth"`
}

func (a *truthRecord) compare(b *truthRecord) int {
	// The policy arm first, as everywhere.
	return cmp.Or(cmp.Compare(a.Cell, b.Cell), cmp.Compare(a.Arm, b.Arm), cmp.Compare(a.Trial, b.Trial))
}

// Truth implements game.Sink.
func (t *traceDir) Truth(id game.TrialID, record []byte) error {
	line, err := json.Marshal(&truthRecord{id.Cell, id.Arm, id.Trial, record})
	if err != nil {
		return err
	}
	return t.truth.Append(line)
}

// finish writes truth.jsonl in the order of the trials. The part file stays
// until the whole directory is complete, see removeTruthPart. A trial that was
// simulated twice, because a kill came between its truth and its result, has
// two equal records.
func (t *traceDir) finish() error {
	var all []*truthRecord
	err := t.truth.Load(func(line []byte) error {
		r := &truthRecord{}
		all = append(all, r)
		return json.Unmarshal(line, r)
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, (*truthRecord).compare)
	all = slices.CompactFunc(all, func(a, b *truthRecord) bool { return a.compare(b) == 0 })
	var out []byte
	for _, r := range all {
		out = append(append(out, r.Truth...), '\n')
	}
	return writeFile(filepath.Join(t.path, truthFile), out)
}

// close closes the folder, for a run that is complete or shall be resumed.
func (t *traceDir) close() error { return t.truth.close() }

// removeTruthPart removes what the complete directory dir needs no more.
func removeTruthPart(dir string) error {
	err := os.Remove(filepath.Join(dir, tracesDir, truthPart))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
