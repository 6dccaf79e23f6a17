package main

import (
	"bufio"
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

// truthAt is where the part file has the truth of a trial.
type truthAt struct {
	cell, trial int32
	reference   bool
	span        span
}

func (a truthAt) compare(b truthAt) int {
	arm := func(t truthAt) int { // the policy arm first, as everywhere
		if t.reference {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(arm(a), arm(b)), cmp.Compare(a.trial, b.trial))
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
func (t *traceDir) finish() (err error) {
	var all []truthAt // the lines themselves would take memory for each trial
	err = t.truth.loadAt(func(line []byte, at span) error {
		var r truthRecord
		if err := json.Unmarshal(line, &r); err != nil {
			return err
		}
		all = append(all, truthAt{int32(r.Cell), int32(r.Trial), r.Arm == scenario.ReferenceArm, at})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, truthAt.compare)
	all = slices.CompactFunc(all, func(a, b truthAt) bool { return a.compare(b) == 0 })
	f, err := createFile(filepath.Join(t.path, truthFile))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	for _, at := range all {
		if err = t.writeTruth(out, at.span); err != nil {
			return errors.Join(err, f.discard())
		}
	}
	if err := out.Flush(); err != nil {
		return errors.Join(err, f.discard())
	}
	return f.commit()
}

// writeTruth writes the truth of the record at a place of the part file.
func (t *traceDir) writeTruth(out *bufio.Writer, at span) error {
	line := make([]byte, at.length)
	if _, err := t.truth.file.ReadAt(line, at.offset); err != nil {
		return err
	}
	record, whole := parseRecord(line)
	var r truthRecord
	if !whole {
		return t.truth.changed()
	}
	if err := json.Unmarshal(record, &r); err != nil {
		return err
	}
	_, err := out.Write(append(r.Truth, '\n'))
	return err
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
