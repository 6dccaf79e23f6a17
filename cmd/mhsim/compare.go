package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
	"multihome.i2p/sim/game"
	"multihome.i2p/sim/scenario"
)

func (t *tool) compareCommand() *command {
	return &command{
		name: "compare", help: compareHelp, least: 1, most: -1, argument: "SCENARIO", action: t.compare,
		flags: []cli.Flag{
			&cli.BoolFlag{Name: "json"},
			&cli.BoolFlag{Name: "all-attacks"},
			&cli.StringFlag{Name: "out"},
			&cli.StringFlag{Name: "seed"},
			&cli.StringFlag{Name: "trials"},
			&cli.StringFlag{Name: "duration"},
			&cli.StringFlag{Name: "workers"},
		},
	}
}

// compareFile is what mhsim compare --json prints, beside the other files of --out.
const compareFile = "compare.json"

func (t *tool) compare(c *cli.Context) (err error) {
	workers, err := workerCount(c)
	if err != nil {
		return err
	}
	overrides, settings := overridesOf(c)
	args := c.Args().Slice()
	all, err := loadAll(args, overrides)
	if err != nil {
		return err
	}
	dir := c.String("out")
	if err := freshDir(dir, c.IsSet("out")); err != nil {
		return err
	}
	scratch, err := temporaryScratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scratch.close()) }()
	var cmp *game.Comparison
	err = t.watched("compare", func(ctx context.Context, watch func(game.Progress)) error {
		var err error
		cmp, err = game.Compare(ctx, all, game.Options{Workers: workers, Progress: watch, Scratch: scratch})
		return err
	})
	var wrong *game.LimitError
	if errors.As(err, &wrong) {
		return inputErrorf("%w%s", err, mendTrials(all))
	}
	if err != nil {
		return err
	}
	var form bytes.Buffer
	if err := writeJSON(&form, compareForm(cmp, t.build.commit)); err != nil {
		return err
	}
	if dir != "" {
		res := cmp.Results(commandLine(slices.Concat([]string{"compare"}, args, settings)), t.build.commit)
		files, err := reports.Report{Summary: res.Summary, Figures: res.Figures}.Files()
		if err != nil {
			return err
		}
		if err := writeFiles(dir, append([]reports.File{{Name: compareFile, Data: form.Bytes()}}, files...)); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		_, err := t.stdout.Write(form.Bytes())
		return err
	}
	if err := writeComparison(t.stdout, cmp, c.Bool("all-attacks")); err != nil {
		return err
	}
	if dir != "" {
		fmt.Fprintf(t.stdout, "report: %s\n", filepath.Join(dir, reportFile))
	}
	return nil
}

// freshDir refuses a directory that holds something else than a comparison.
func freshDir(dir string, set bool) error {
	if dir == "" {
		if set {
			return inputErrorf("--out: empty; name a directory for the report")
		}
		return nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return inputErrorf("cannot read the output directory: %w; choose another --out", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	if len(names) > 0 && !slices.Contains(names, compareFile) {
		return inputErrorf("%s is not empty and holds no comparison of mhsim (but %s); choose another --out", dir, names[0])
	}
	return nil
}

// mendTrials says how scenarios get the same trials.
func mendTrials(all []*scenario.Scenario) string {
	for _, s := range all[1:] {
		if s.Seed != all[0].Seed || s.Trials != all[0].Trials {
			return "; give --seed " + strconv.FormatUint(all[0].Seed, 10) + " --trials " + strconv.Itoa(all[0].Trials) + " or others"
		}
	}
	return ""
}

func writeComparison(w io.Writer, cmp *game.Comparison, allAttacks bool) error {
	opt := reports.TableOptions{AllAttacks: allAttacks}
	var cells, differences []reports.Column
	for i := range cmp.Contenders {
		c := &cmp.Contenders[i]
		cells = append(cells, reports.Column{Label: c.Label, Cell: &c.Cell})
		if i > 0 {
			differences = append(differences, reports.Column{Label: c.Label, Cell: &c.Differences})
		}
	}
	fmt.Fprintf(w, "seed %d, %d trials per arm\n\n", cmp.Seed, cmp.Trials)
	if err := reports.WriteColumns(w, cells, opt); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nminus those of %s, trial by trial:\n\n", cmp.Contenders[0].Label)
	return reports.WriteColumns(w, differences, opt)
}

// compareJSON is what compare --json prints; docs/formats.md and the schema describe it.
type (
	compareJSON struct {
		Format      string           `json:"format"`
		Version     int              `json:"version"`
		Seed        uint64           `json:"seed"`
		Trials      int              `json:"trials"`
		Commit      string           `json:"commit"`
		Policies    []contenderJSON  `json:"policies"`
		Baseline    int              `json:"baseline"`
		Differences []differenceJSON `json:"differences"`
	}
	contenderJSON struct {
		Label    string                  `json:"label"`
		Scenario string                  `json:"scenario"`
		Params   map[string]result.Value `json:"params"`
		Metrics  map[string]metricJSON   `json:"metrics"`
		Warnings []string                `json:"warnings"`
	}
	differenceJSON struct {
		Policy   int                   `json:"policy"`
		Metrics  map[string]metricJSON `json:"metrics"`
		Warnings []string              `json:"warnings"`
	}
)

func compareForm(cmp *game.Comparison, commit string) *compareJSON {
	form := &compareJSON{
		Format: "multihome-compare", Version: 1, Seed: cmp.Seed, Trials: cmp.Trials, Commit: commit,
		Differences: []differenceJSON{},
	}
	metrics := func(c *result.Cell) map[string]metricJSON {
		all := map[string]metricJSON{}
		for name, m := range c.Metrics() {
			all[name] = asMetric(m)
		}
		return all
	}
	for i := range cmp.Contenders {
		c := &cmp.Contenders[i]
		p := contenderJSON{c.Label, c.Scenario, map[string]result.Value{}, metrics(&c.Cell), append([]string{}, c.Cell.Warnings()...)}
		for _, x := range c.Cell.Params {
			p.Params[x.Path] = x.Value
		}
		form.Policies = append(form.Policies, p)
		if i > 0 {
			form.Differences = append(form.Differences, differenceJSON{i, metrics(&c.Differences), append([]string{}, c.Differences.Warnings()...)})
		}
	}
	return form
}
