package main

import (
	"strings"
	"testing"
)

// What cluster managers say is understood, and nothing is guessed.
func TestShardOfEnvironment(t *testing.T) {
	for _, c := range []struct {
		flag, env string
		want      string // shard, or words of the error
	}{
		{"3/16", "", "3/16"},
		{"auto", "SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0", "1/4"},
		{"auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", "4/4"},
		{"auto", "SLURM_ARRAY_TASK_ID=20 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=5", "3/3"},
		{"auto", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1", "gaps"},
		{"auto", "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", "SLURM_ARRAY_TASK_ID is \"x\""},
		{"auto", "SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_COUNT is \"\""},
		{"auto/16", "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=7", "7/16"}, // the seventh alone, once more
		{"auto/16", "SLURM_ARRAY_TASK_ID=0", "number the array from 1: --array=1-16"},
		{"auto/16", "SLURM_ARRAY_TASK_ID=17", "number the array from 1"},
		{"auto/16", "JOB_COMPLETION_INDEX=0", "1/16"},
		{"auto/16", "JOB_COMPLETION_INDEX=15", "16/16"},
		{"auto/16", "JOB_COMPLETION_INDEX=16", "set completions to 16"},
		{"auto", "JOB_COMPLETION_INDEX=2 MHSIM_SHARDS=3", "3/3"},
		{"auto", "JOB_COMPLETION_INDEX=2", "set MHSIM_SHARDS"},
		{"auto", "JOB_COMPLETION_INDEX=2 MHSIM_SHARDS=many", "MHSIM_SHARDS is \"many\""},
		{"auto", "JOB_COMPLETION_INDEX=-1 MHSIM_SHARDS=3", "JOB_COMPLETION_INDEX is \"-1\""},
		{"auto", "", "neither"},
		{"auto/0", "JOB_COMPLETION_INDEX=0", "no number of shards"},
		{"automatic", "JOB_COMPLETION_INDEX=0", "not of the form"},
	} {
		variables := map[string]string{}
		for _, v := range strings.Fields(c.env) {
			name, value, _ := strings.Cut(v, "=")
			variables[name] = value
		}
		shard, auto, err := parseShard(c.flag, func(name string) string { return variables[name] })
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s with %s: %v, want %s", c.flag, c.env, err, c.want)
			}
			continue
		}
		if shard.String() != c.want || auto != strings.HasPrefix(c.flag, "auto") {
			t.Errorf("%s with %s: shard %v, auto %v, want %s", c.flag, c.env, shard, auto, c.want)
		}
	}
}
