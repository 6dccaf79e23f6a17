package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"multihome.i2p/cmd/internal/filelock"
	"multihome.i2p/reports"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// Files of a result directory beside those of package reports.
const (
	runFile      = "run.json"
	scenarioFile = "scenario.yaml"
	trialsFile   = "trials.jsonl"
	tracesDir    = "traces"
	reportFile   = "report.html"
	lockFile     = "lock"
)

// Format and version of run.json.
const (
	runFormat  = "multihome-run"
	runVersion = 1
)

// runInfo is run.json: what the directory is a run of. It is written before
// anything else and never changed.
type runInfo struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Scenario string `json:"scenario"` // name
	Digest   string `json:"digest"`   // of the scenario's canonical form, seed and trials included
	Seed     uint64 `json:"seed"`
	Commit   string `json:"commit"`
	Program  string `json:"program"` // SHA-256 of the executable, "" where it is not known
	Command  string `json:"command"` // makes the same results again; the report shows it
	Traces   bool   `json:"traces"`  // whether the run keeps its traces
	// Shard is the share of the run's trials that the directory is for, such as
	// 3/16, and Platform what simulates it; both are left out for a whole run.
	Shard    string `json:"shard,omitempty"`
	Platform string `json:"platform,omitempty"`
	// Until and MaxTrials are those of a run that goes on until its intervals are
	// narrow.
	Until     float64 `json:"until,omitempty"`
	MaxTrials int     `json:"max_trials,omitempty"`
}

func newRunInfo(s *scenario.Scenario, b build, command string, traces bool) *runInfo {
	return &runInfo{
		Format: runFormat, Version: runVersion, Scenario: s.Name, Digest: s.Digest(), Seed: s.Seed,
		Commit: b.commit, Program: b.program(), Command: command, Traces: traces,
	}
}

// ofShard makes r the description of a shard.
func (r *runInfo) ofShard(s game.Shard) { r.Shard, r.Platform = s.String(), platform() }

// platform is what floating-point results may depend on beside the program's
// sources.
func platform() string { return runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version() }

func (r *runInfo) encode() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		panic(err) // strings, numbers and a truth value always encode
	}
	return b.Bytes()
}

// readRunInfo reads a run.json; name is what errors call it.
func readRunInfo(name string, data []byte) (*runInfo, error) {
	const mend = "move the directory away, or choose another --out"
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	r := &runInfo{}
	if err := dec.Decode(r); err != nil {
		line := 1 + bytes.Count(data[:min(int(dec.InputOffset()), len(data))], []byte("\n"))
		return nil, fmt.Errorf("%s:%d: %v; %s", name, line, strings.TrimPrefix(err.Error(), "json: "), mend)
	}
	if r.Format != runFormat || r.Version != runVersion {
		return nil, fmt.Errorf("%s:1: format %q version %d, but this program reads %q version %d; %s",
			name, r.Format, r.Version, runFormat, runVersion, mend)
	}
	return r, nil
}

// outDir is the directory of a run.
type outDir struct {
	path string
	info *runInfo
	lock *filelock.Lock // nil as long as it is only inspected
	// begun tells that an earlier part of the run is there, finished that the
	// directory is complete.
	begun, finished bool
}

// openOutDir makes the directory if it is not there, and locks it. The caller
// has inspected it, together with all others that it needs, so that a directory
// that is refused finds nothing written anywhere.
func openOutDir(path string, want *runInfo, b build, resume bool, resumeCommand string) (*outDir, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, inputErrorf("cannot make the output directory: %w; choose another --out", err)
	}
	lock, err := lockDir(path, "choose another --out")
	if err != nil {
		return nil, err
	}
	// Another process may have been faster.
	d, err := inspect(path, want, b, resume, resumeCommand)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	d.lock = lock
	return d, nil
}

// begin writes what says which run this is, unless it is there. It comes before
// everything else.
func (d *outDir) begin(s *scenario.Scenario) error {
	if !d.begun {
		if err := d.write(runFile, d.info.encode()); err != nil {
			return err
		}
		d.begun = true
	}
	return d.write(scenarioFile, s.Resolved())
}

// inspect decides whether a run may use the directory, and how far an earlier
// part of it has come. It writes nothing.
func inspect(path string, want *runInfo, b build, resume bool, resumeCommand string) (*outDir, error) {
	d := &outDir{path: path, info: want}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil
	case errors.Is(err, syscall.ENOTDIR):
		return nil, inputErrorf("%s is not a directory; choose another --out", path)
	case err != nil:
		return nil, inputErrorf("cannot read the output directory: %w; choose another --out", err)
	}
	held := map[string]bool{}
	foreign := ""
	for _, e := range entries {
		held[e.Name()] = true
		// A kill may have left the lock and a file that was not finished.
		if e.Name() != lockFile && !isTemporary(e.Name()) && foreign == "" {
			foreign = e.Name()
		}
	}
	if !held[runFile] {
		if foreign != "" {
			return nil, inputErrorf("%s is not empty and holds no run of mhsim (but %s); choose another --out", path, foreign)
		}
		return d, nil
	}
	name := filepath.Join(path, runFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, inputErrorf("%w; choose another --out", err)
	}
	if d.info, err = readRunInfo(name, data); err != nil {
		return nil, inputError(err)
	}
	if d.info.Digest != want.Digest || d.info.Shard != want.Shard || d.info.Until != want.Until || d.info.MaxTrials != want.MaxTrials {
		return nil, inputErrorf("%s holds another run: %s; choose another --out, or remove it", path, difference(d.info, want))
	}
	if want.Traces && !d.info.Traces {
		return nil, inputErrorf("%s holds this run without traces; choose another --out, or leave out --traces", path)
	}
	d.begun = true
	d.finished = held[reportFile] && held[reports.SummaryFile] && held[reports.FiguresFile]
	if want.Shard != "" {
		d.finished = held[shardFile]
	}
	switch {
	case d.finished:
	case !resume:
		return nil, &exitError{
			code: exitInput, command: resumeCommand,
			err: fmt.Errorf("%s holds an unfinished part of this run; resume it with the command below, or choose another --out", path),
		}
	case !b.made(d.info):
		return nil, inputErrorf("%s was begun by %s, and their trials do not mix; finish it with that one, or choose another --out",
			path, b.another(d.info))
	}
	return d, nil
}

// difference says in which way two runs are not the same.
func difference(is, want *runInfo) string {
	switch {
	case is.Scenario != want.Scenario:
		return fmt.Sprintf("scenario %s, not %s", is.Scenario, want.Scenario)
	case is.Seed != want.Seed:
		return fmt.Sprintf("%s with seed %d, not %d", is.Scenario, is.Seed, want.Seed)
	case is.Digest == want.Digest && (is.Until != want.Until || is.MaxTrials != want.MaxTrials):
		name := func(r *runInfo) string {
			if r.Until == 0 {
				return "with a fixed number of trials"
			}
			return fmt.Sprintf("with --until %g --max-trials %d", r.Until, r.MaxTrials)
		}
		return fmt.Sprintf("the same %s, not %s", name(is), name(want))
	case is.Digest == want.Digest && is.Shard != want.Shard:
		name := func(shard string) string {
			if shard == "" {
				return "the whole"
			}
			return "shard " + shard
		}
		return fmt.Sprintf("%s of it, not %s", name(is.Shard), name(want.Shard))
	}
	return fmt.Sprintf("%s with seed %d and other settings, see its %s", is.Scenario, is.Seed, scenarioFile)
}

// close unlocks the directory.
func (d *outDir) close() error { return d.lock.Release() }

// write writes a file of the directory; see writeFile.
func (d *outDir) write(name string, data []byte) error {
	return writeFile(filepath.Join(d.path, filepath.FromSlash(name)), data)
}

// writeFiles writes the files in their order.
func writeFiles(dir string, files []reports.File) error {
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.Name)), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// temporary is the name under which writeFile writes a file until it is
// complete. It is always the same one, so that what a kill leaves is replaced.
func temporary(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".tmp")
}

func isTemporary(base string) bool {
	return strings.HasPrefix(base, ".") && strings.HasSuffix(base, ".tmp")
}

// writeFile replaces a file in one step: a reader, or a kill or power failure at
// any moment, finds the old file or the new one. It makes the file's folder.
func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := createFile(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(err, f.discard())
	}
	return f.commit()
}

// checkWritable tells whether writeFile could write the file, and makes its folder.
func checkWritable(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory", name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := createFile(name)
	if err != nil {
		return err
	}
	return f.discard()
}

// atomicFile is a file that shows under its name only when it is complete.
type atomicFile struct {
	*os.File
	target string // the name it shall have
}

func createFile(name string) (*atomicFile, error) {
	f, err := os.Create(temporary(name))
	if err != nil {
		return nil, err
	}
	return &atomicFile{f, name}, nil
}

// commit closes the file and puts it in its place. It is on the disk before it
// has its name: otherwise a power failure could leave an empty one.
func (f *atomicFile) commit() error {
	err := f.Sync()
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), f.target)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error says what happened
	}
	return err
}

// discard gives the file up.
func (f *atomicFile) discard() error {
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
