package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// clusterJob is what a Kubernetes Job says of its pods.
type clusterJob struct {
	Spec struct {
		CompletionMode string `yaml:"completionMode"`
		Completions    int
		Template       struct {
			Spec struct {
				Containers []struct {
					Args []string
					Env  []struct{ Name, Value string }
				}
			}
		}
	}
}

// The examples of docs/clusters.md do what they say: every task of the array and
// every pod of the job in a process of its own, then the merge.
func TestClusterExamples(t *testing.T) {
	doc, err := os.ReadFile("../../docs/clusters.md")
	if err != nil {
		t.Fatal(err)
	}
	small, err := os.ReadFile("testdata/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string // of code, by language
	for _, b := range regexp.MustCompile("(?s)```(?:sh|yaml)\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
		blocks = append(blocks, b[1])
	}
	if len(blocks) != 5 {
		t.Fatalf("%d blocks of code, want the two of Slurm, the two of Kubernetes and that of parallel", len(blocks))
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("suite.yaml", small, 0o666); err != nil {
		t.Fatal(err)
	}
	const trials = "9"
	exe := func(env []string, args ...string) {
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "/data", dir)
			if args[i] == "4000" {
				args[i] = trials
			}
		}
		cmd := exec.Command("mhsim", args...)
		cmd.Env = append(os.Environ(), env...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			t.Errorf("%q mhsim %q: %v: %s", env, args, err, &out)
		}
	}
	// The path is part of the command that the report shows.
	exe(nil, "run", "./suite.yaml", "--trials", trials, "--out", "whole")
	exe(nil, "run", "/data/suite.yaml", "--trials", trials, "--out", "whole-data")

	line := func(block, begin string) []string {
		for l := range strings.Lines(block) {
			if _, rest, ok := strings.Cut(strings.TrimSpace(l), begin); ok {
				return strings.Fields(strings.TrimSuffix(rest, "'"))
			}
		}
		t.Fatalf("no %q in:\n%s", begin, block)
		return nil
	}
	tasks := func(n int, run func(i int)) {
		var group sync.WaitGroup
		free := make(chan struct{}, 2)
		for i := range n {
			group.Go(func() {
				free <- struct{}{}
				run(i)
				<-free
			})
		}
		group.Wait()
	}
	array := strings.Join(line(blocks[0], "#SBATCH --array=1-"), "")
	if array != "16" {
		t.Fatalf("an array of %q tasks", array)
	}
	tasks(16, func(i int) {
		exe([]string{fmt.Sprintf("SLURM_ARRAY_TASK_ID=%d", i+1), "SLURM_ARRAY_TASK_COUNT=16", "SLURM_ARRAY_TASK_MIN=1"}, line(blocks[0], "exec mhsim ")...)
	})
	exe(nil, line(blocks[1], "--wrap 'mhsim ")...)
	sameResults(t, filepath.Join("results", "suite"), "whole")
	if err := os.RemoveAll("shards"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll("results"); err != nil {
		t.Fatal(err)
	}

	job := func(text string) (j clusterJob) {
		if err := yaml.Unmarshal([]byte(text), &j); err != nil {
			t.Fatal(err)
		}
		return j
	}
	pods := job(blocks[2])
	if pods.Spec.CompletionMode != "Indexed" || pods.Spec.Completions != 16 {
		t.Fatalf("%+v is no Indexed Job of 16 pods", pods)
	}
	container := pods.Spec.Template.Spec.Containers[0]
	tasks(pods.Spec.Completions, func(i int) {
		env := []string{fmt.Sprintf("JOB_COMPLETION_INDEX=%d", i)}
		for _, v := range container.Env {
			env = append(env, v.Name+"="+v.Value)
		}
		exe(env, append([]string{}, container.Args...)...)
	})
	exe(nil, job(blocks[3]).Spec.Template.Spec.Containers[0].Args...)
	sameResults(t, "results", "whole-data")
}
