package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

func (t *tool) reportCommand() *command {
	return &command{
		name: "report", help: reportHelp, least: 1, most: 1, argument: "DIR",
		action: func(c *cli.Context) (err error) {
			dir := filepath.Clean(c.Args().First())
			if _, err := readReport(dir); err != nil { // before the lock, which writes
				return err
			}
			lock, err := lockDir(dir, "copy the results to a directory of your own")
			if err != nil {
				return err
			}
			defer func() {
				if failed := lock.Release(); err == nil {
					err = failed
				}
			}()
			return t.renderAgain(dir)
		},
	}
}

// renderAgain renders the results in a directory, which the caller has locked.
// Nothing is simulated.
func (t *tool) renderAgain(dir string) error {
	report, err := readReport(dir)
	if err != nil {
		return err
	}
	files, err := report.Rendered()
	if err != nil {
		return err
	}
	if err := writeFiles(dir, files); err != nil {
		return err
	}
	return t.printReport(dir, report)
}

// readReport reads the files that a report is rendered from.
func readReport(dir string) (reports.Report, error) {
	var texts [2][]byte
	for i, name := range []string{reports.SummaryFile, reports.FiguresFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return reports.Report{}, inputErrorf("%w; give a directory that mhsim run has finished", err)
		}
		if err != nil {
			return reports.Report{}, inputErrorf("cannot read the results: %w; give a directory that mhsim run has finished", err)
		}
		texts[i] = text
	}
	report, err := reports.Open(texts[0], texts[1])
	var wrong *result.FileError
	if errors.As(err, &wrong) {
		wrong.File = filepath.Join(dir, wrong.File)
	}
	if err != nil {
		return reports.Report{}, inputError(err)
	}
	return report, nil
}

// printReport shows the results of a finished directory on the terminal.
func (t *tool) printReport(dir string, r reports.Report) error {
	if err := reports.WriteTable(t.stdout, r.Summary, reports.TableOptions{}); err != nil {
		return err
	}
	fmt.Fprintln(t.stdout)
	if answer := r.Figures.Text.Answer; answer != "" {
		fmt.Fprintln(t.stdout, answer)
	}
	fmt.Fprintf(t.stdout, "report: %s\n", filepath.Join(dir, reportFile))
	return nil
}
