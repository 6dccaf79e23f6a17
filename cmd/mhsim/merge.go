package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

func (t *tool) mergeCommand() *command {
	return &command{
		name: "merge", help: mergeHelp, least: 1, most: -1, argument: "DIR", action: t.merge,
		flags: []cli.Flag{
			&cli.StringFlag{Name: "out"},
			&cli.StringFlag{Name: "workers"},
		},
	}
}

// shardOnDisk is the directory of a shard, which merge only reads.
type shardOnDisk struct {
	path  string
	info  *runInfo
	shard game.Shard
}

// command is the command line that simulates shard s, or what is left of it, into
// dir.
func (d *shardOnDisk) command(s game.Shard, dir string) string {
	return d.info.Command + strings.TrimPrefix(commandLine([]string{"--shard", s.String(), "--out", dir, "--resume"}), "mhsim")
}

func (t *tool) merge(c *cli.Context) (err error) {
	workers, err := workerCount(c)
	if err != nil {
		return err
	}
	shards, err := t.findShards(c.Args().Slice())
	if err != nil {
		return err
	}
	s, err := t.checkShards(shards)
	if err != nil {
		return err
	}
	out := c.String("out")
	if out == "" {
		out = filepath.Join("results", fmt.Sprintf("%s-%d", s.Name, s.Seed))
	}
	out = filepath.Clean(out)
	want := *shards[0].info // its command, as one machine would have had it
	want.Shard, want.Platform = "", ""
	again := commandLine(slices.Concat([]string{"merge"}, c.Args().Slice(), []string{"--out", out}))
	if err := checkFree(out, "choose another --out"); err != nil {
		return err
	}
	// What a merge left that was killed holds nothing that this one has not.
	if _, err := inspect(out, &want, t.build, true, again); err != nil {
		return err
	}
	dir, err := openOutDir(out, &want, t.build, true, again)
	if err != nil {
		return err
	}
	defer func() {
		if failed := dir.close(); err == nil {
			err = failed
		}
	}()
	if !dir.finished {
		if err := dir.begin(s); err != nil {
			return err
		}
		if err := copyRecords(filepath.Join(out, trialsFile), shards); err != nil {
			return &exitError{code: exitFailure, command: again, err: err}
		}
	}
	return t.runJob(job{scenario: s, dir: dir, workers: workers, resume: again})
}

// findShards reads what the directories are shards of. A directory that is no run
// stands for the shards in it.
func (t *tool) findShards(args []string) ([]*shardOnDisk, error) {
	var shards []*shardOnDisk
	for _, arg := range args {
		paths := []string{filepath.Clean(arg)}
		if _, err := os.Stat(filepath.Join(arg, runFile)); errors.Is(err, fs.ErrNotExist) {
			inside, err := filepath.Glob(filepath.Join(globQuoted(arg), "*", runFile))
			if err != nil {
				return nil, err
			}
			if len(inside) == 0 {
				if _, err := os.Stat(arg); err != nil {
					return nil, inputErrorf("cannot read a shard: %w; give directories that mhsim run --shard has written", err)
				}
				return nil, inputErrorf("%s holds no shard of a run; give directories that mhsim run --shard has written", arg)
			}
			for i := range inside {
				inside[i] = filepath.Dir(inside[i])
			}
			paths = inside
		}
		for _, path := range paths {
			d, err := readShard(path)
			if err != nil {
				return nil, err
			}
			shards = append(shards, d)
		}
	}
	slices.SortStableFunc(shards, func(a, b *shardOnDisk) int { return cmp.Compare(a.shard.Index, b.shard.Index) })
	return shards, nil
}

// globQuoted is a path as a pattern that matches nothing else.
func globQuoted(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func readShard(path string) (*shardOnDisk, error) {
	name := filepath.Join(path, runFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, inputErrorf("cannot read a shard: %w; give directories that mhsim run --shard has written", err)
	}
	d := &shardOnDisk{path: path}
	if d.info, err = readRunInfo(name, data); err != nil {
		return nil, inputError(err)
	}
	if d.info.Shard == "" {
		return nil, inputErrorf("%s holds a whole run and no shard of one; leave it out", path)
	}
	index, count, _ := strings.Cut(d.info.Shard, "/")
	d.shard.Index, _ = strconv.Atoi(index)
	d.shard.Count, _ = strconv.Atoi(count)
	if d.shard.Index < 1 || d.shard.Index > d.shard.Count || d.shard.String() != d.info.Shard {
		return nil, inputErrorf("%s: %q is no shard; simulate the shard into another directory", name, d.info.Shard)
	}
	return d, nil
}

// checkShards checks that the shards are all of one run, each once and complete,
// and returns the scenario.
func (t *tool) checkShards(shards []*shardOnDisk) (*scenario.Scenario, error) {
	first := shards[0]
	for _, d := range shards {
		switch {
		case d.info.Digest != first.info.Digest:
			return nil, inputErrorf("%s holds %s with seed %d, %s holds %s with seed %d, or with other settings (see scenario.yaml in each); merge shards of one run",
				first.path, first.info.Scenario, first.info.Seed, d.path, d.info.Scenario, d.info.Seed)
		case d.shard.Count != first.shard.Count:
			return nil, inputErrorf("%s is shard %v, %s is shard %v; merge shards of one split", first.path, first.shard, d.path, d.shard)
		case d.info.Platform != first.info.Platform:
			return nil, inputErrorf("%s was simulated on %s, %s on %s, where floating-point numbers may differ; simulate all shards on one kind of machine",
				first.path, first.info.Platform, d.path, d.info.Platform)
		case !t.build.made(d.info):
			return nil, inputErrorf("%s was made by %s, and their trials do not mix; merge with that one", d.path, t.build.another(d.info))
		}
	}
	if first.info.Platform != platform() {
		return nil, inputErrorf("%s was simulated on %s, this is %s, where floating-point numbers may differ; merge on a machine like that", first.path, first.info.Platform, platform())
	}
	if err := checkComplete(shards); err != nil {
		return nil, err
	}
	s, err := first.scenario()
	if err != nil {
		return nil, err
	}
	for _, d := range shards {
		if err := checkFree(d.path, "merge when it has finished"); err != nil {
			return nil, err
		}
		resume := d.command(d.shard, d.path)
		records := &shardRecords{name: filepath.Join(d.path, trialsFile), header: trialsHeader(d.info)}
		missing, total, err := game.Lacking(s, d.shard, records)
		switch {
		case err != nil:
			return nil, &exitError{code: exitInput, command: resume, err: fmt.Errorf("%w; mend it with the command below", err)}
		case missing > 0:
			return nil, &exitError{code: exitInput, command: resume, err: fmt.Errorf("%s lacks %d of the %d trials of shard %v; finish it with the command below",
				d.path, missing, total, d.shard)}
		}
	}
	return s, nil
}

// checkComplete checks that each shard is there once.
func checkComplete(shards []*shardOnDisk) error {
	count := shards[0].shard.Count
	held := make(map[int]string)
	for _, d := range shards {
		if other, ok := held[d.shard.Index]; ok {
			return inputErrorf("%s and %s both hold shard %v; leave one of them out", other, d.path, d.shard)
		}
		held[d.shard.Index] = d.path
	}
	var missing []string
	next := game.Shard{Count: count}
	const named = 8
	for i := 1; i <= count; i++ {
		if held[i] != "" {
			continue
		}
		if next.Index == 0 {
			next.Index = i
		}
		if len(missing) < named {
			missing = append(missing, strconv.Itoa(i))
		}
	}
	absent := count - len(held)
	if absent == 0 {
		return nil
	}
	which := "shard " + missing[0] + " is"
	if absent > 1 {
		which = "shards " + strings.Join(missing, ", ")
		if absent > named {
			which += fmt.Sprintf(" and %d more", absent-named)
		}
		which += " are"
	}
	dir := shardDir(filepath.Dir(shards[0].path), next)
	return &exitError{
		code: exitInput, command: shards[0].command(next, dir),
		err: fmt.Errorf("%s missing of %d; simulate each as the command below does the first, or name its directory", which, count),
	}
}

// scenario reads the scenario of a shard's directory.
func (d *shardOnDisk) scenario() (*scenario.Scenario, error) {
	name := filepath.Join(d.path, scenarioFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, inputErrorf("cannot read the scenario of a shard: %w; copy it from another shard", err)
	}
	s, err := scenario.Parse(d.info.Scenario+".yaml", data, names())
	if err != nil {
		return nil, inputErrorf("%s: %w; copy the file from another shard", name, err)
	}
	if s.Digest() != d.info.Digest {
		return nil, inputErrorf("%s is not the scenario that %s names; copy the file from another shard", name, runFile)
	}
	return s, nil
}

// shardRecords are the records of a shard, which is not changed. It is a game.Store
// that takes nothing.
type shardRecords struct {
	name   string
	header recordHeader
}

// Append implements game.Store.
func (r *shardRecords) Append([]byte) error { return fmt.Errorf("%s: opened to read", r.name) }

// Load implements game.Store. A line that has no end is what a kill has left, and
// no record; a damaged one is an error.
func (r *shardRecords) Load(f func(record []byte) error) error {
	file, err := os.Open(r.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has no trial yet
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReaderSize(file, 1<<16)
	header, err := json.Marshal(r.header)
	if err != nil {
		return err
	}
	for line := 1; ; line++ {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		text = text[:len(text)-1]
		if line == 1 {
			if !bytes.Equal(text, header) {
				return fmt.Errorf("%s:1: not the trials of this run", r.name)
			}
			continue
		}
		record, whole := parseRecord(text)
		if !whole {
			return fmt.Errorf("%s:%d: damaged", r.name, line)
		}
		if err := f(record); err != nil {
			return fmt.Errorf("%s:%d: %w", r.name, line, err)
		}
	}
}

// copyRecords writes the records of all shards into one file of the format of
// trials.jsonl.
func copyRecords(name string, shards []*shardOnDisk) error {
	f, err := createFile(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	header := trialsHeader(shards[0].info)
	text, err := json.Marshal(header)
	if err == nil {
		_, err = out.Write(append(text, '\n'))
	}
	for _, d := range shards {
		if err != nil {
			break
		}
		err = (&shardRecords{filepath.Join(d.path, trialsFile), header}).Load(func(record []byte) error {
			_, err := out.Write(frame(nil, record))
			return err
		})
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return errors.Join(err, f.discard())
	}
	return f.commit()
}
