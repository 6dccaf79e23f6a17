package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

// maxShards is the most shards of a run: beyond it a shard has less than a trial.
const maxShards = 1_000_000

// shardsVariable tells --shard auto how many shards there are where the index is
// that of a Kubernetes Indexed Job, which does not tell its pods.
const shardsVariable = "MHSIM_SHARDS"

// Variables that cluster managers set.
const (
	slurmTask       = "SLURM_ARRAY_TASK_ID"
	slurmCount      = "SLURM_ARRAY_TASK_COUNT"
	slurmMin        = "SLURM_ARRAY_TASK_MIN"
	slurmStep       = "SLURM_ARRAY_TASK_STEP"
	kubernetesIndex = "JOB_COMPLETION_INDEX"
)

// parseShard reads the value of --shard: i/N, auto or auto/N. The environment is
// asked for auto alone. A shard's folder is named after it where auto is true,
// since all tasks of an array then share one command line.
func parseShard(text string, env func(string) string) (shard *game.Shard, auto bool, err error) {
	word, rest, hasCount := strings.Cut(text, "/")
	count := 0
	if hasCount {
		if count, err = strconv.Atoi(rest); err != nil || count < 1 || count > maxShards {
			return nil, false, inputErrorf("--shard: %q is no number of shards from 1 to %d; write i/N, auto or auto/N", rest, maxShards)
		}
	}
	if word == "auto" {
		shard, err = shardOfEnvironment(count, env)
		return shard, true, err
	}
	index, err := strconv.Atoi(word)
	if err != nil || !hasCount {
		return nil, false, inputErrorf("--shard: %q is not of the form i/N, auto or auto/N, such as 3/16", text)
	}
	if index < 1 || index > count {
		return nil, false, inputErrorf("--shard: there is no shard %d of %d; count from 1 to %d", index, count, count)
	}
	return &game.Shard{Index: index, Count: count}, false, nil
}

// shardOfEnvironment asks the variables of a Slurm array or a Kubernetes Indexed
// Job; count is 0 where the flag does not tell it.
func shardOfEnvironment(count int, env func(string) string) (*game.Shard, error) {
	number := func(name string, least int) (int, error) {
		n, err := strconv.Atoi(env(name))
		if err != nil || n < least || n > maxShards {
			return 0, inputErrorf("--shard auto: %s is %q, not a number from %d on; write --shard i/N", name, env(name), least)
		}
		return n, nil
	}
	slurm, kubernetes := env(slurmTask) != "", env(kubernetesIndex) != ""
	switch {
	case slurm && kubernetes:
		return nil, inputErrorf("--shard auto: both %s and %s are set; write --shard i/N", slurmTask, kubernetesIndex)
	case slurm && count > 0:
		task, err := number(slurmTask, 0)
		if err == nil && (task < 1 || task > count) {
			err = inputErrorf("--shard auto/%d: %s is %d; number the array from 1: --array=1-%d", count, slurmTask, task, count)
		}
		return &game.Shard{Index: task, Count: count}, err
	case slurm:
		var task, first, step int
		var err error
		for _, v := range []struct {
			to    *int
			name  string
			least int
		}{{&task, slurmTask, 0}, {&count, slurmCount, 1}, {&first, slurmMin, 0}, {&step, slurmStep, 1}} {
			if v.name == slurmStep && env(slurmStep) == "" {
				step = 1
				continue
			}
			if *v.to, err = number(v.name, v.least); err != nil {
				return nil, err
			}
		}
		if at := task - first; at < 0 || at%step != 0 || at/step >= count {
			return nil, inputErrorf("--shard auto: task %d is none of %d tasks from %d on in steps of %d: the array has gaps; number it with --array=1-N and write --shard auto/N",
				task, count, first, step)
		}
		return &game.Shard{Index: (task-first)/step + 1, Count: count}, nil
	case kubernetes:
		index, err := number(kubernetesIndex, 0)
		if err != nil {
			return nil, err
		}
		if count == 0 {
			if env(shardsVariable) == "" {
				return nil, inputErrorf("--shard auto: %s does not tell how many shards there are; write --shard auto/N, or set %s", kubernetesIndex, shardsVariable)
			}
			if count, err = number(shardsVariable, 1); err != nil {
				return nil, err
			}
		}
		if index >= count {
			return nil, inputErrorf("--shard auto: %s is %d, but there are %d shards, counted from 0 there; set completions to %d", kubernetesIndex, index, count, count)
		}
		return &game.Shard{Index: index + 1, Count: count}, nil
	}
	return nil, inputErrorf("--shard auto: neither %s nor %s is set; write --shard i/N outside of a Slurm array or a Kubernetes Indexed Job",
		slurmTask, kubernetesIndex)
}

// shardDir is the folder of a shard beside those of the others.
func shardDir(parent string, s game.Shard) string {
	return filepath.Join(parent, fmt.Sprintf("shard-%d-of-%d", s.Index, s.Count))
}

// shardPath is the directory of a shard: what --out says, or with auto a folder in
// it.
func shardPath(out string, auto bool, s *scenario.Scenario, shard game.Shard) string {
	if out == "" {
		return shardDir(filepath.Join("results", fmt.Sprintf("%s-%d-shards", s.Name, s.Seed)), shard)
	}
	if auto {
		return shardDir(out, shard)
	}
	return filepath.Clean(out)
}

// shardFile is the last file of a shard to be written: where it is, all trials of
// the shard are there.
const shardFile = "shard.json"

// shardInfo is shard.json.
type shardInfo struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Shard   string `json:"shard"`
	Trials  int    `json:"trials"` // of this shard, training trials included
}

// runShard plays one shard of a scenario, as far as it has not been played.
func (t *tool) runShard(j job, shard game.Shard) error {
	if j.dir.finished && !t.build.made(j.dir.info) {
		return inputErrorf("%s was made by %s; merge it with that one, or choose another --out", j.dir.path, t.build.another(j.dir.info))
	}
	// Also of a finished shard: its trials may have been damaged since.
	trials, err := t.playShard(j, shard)
	var known *exitError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, game.ErrStopped):
		return stopped(j)
	case err == nil:
		var text []byte
		if text, err = json.Marshal(shardInfo{"multihome-shard", 1, shard.String(), trials}); err == nil {
			err = j.dir.write(shardFile, append(text, '\n'))
		}
	}
	if err != nil {
		return &exitError{code: exitFailure, command: j.resume, err: fmt.Errorf("%s: %w", j.scenario.Name, err)}
	}
	fmt.Fprintf(t.stdout, "%s: shard %v is finished in %s; when all are, run mhsim merge on their directories\n", j.scenario.Name, shard, j.dir.path)
	return nil
}

// playShard simulates what is left of a shard and returns how many trials it has.
func (t *tool) playShard(j job, shard game.Shard) (trials int, err error) {
	if err := j.dir.begin(j.scenario); err != nil {
		return 0, err
	}
	store, err := openRecords(filepath.Join(j.dir.path, trialsFile), trialsHeader(j.dir.info), time.Now)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	t.warnOfDamage(store)
	opt := game.Options{Workers: j.workers, Store: store}
	defer t.withCache(&opt, j.cache)()
	label := fmt.Sprintf("%s %v", j.scenario.Name, shard)
	ctx, done := t.underProgress(label, &opt)
	defer done()
	seen := opt.Progress
	opt.Progress = func(p game.Progress) {
		trials = p.Total
		seen(p)
	}
	return trials, game.RunShard(ctx, j.scenario, shard, opt)
}
