package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"multihome.i2p/analysis/result"
	"multihome.i2p/reports"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, "limits:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("limits", flag.ContinueOnError)
	flags.SetOutput(stderr)
	results := flags.String("results", "results/mimic-mismatch-140", "`directory` of a finished run of mimic-mismatch")
	docs := flags.String("docs", "docs", "`directory` of img")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(*results, "summary.json"))
	if err != nil {
		return err
	}
	summary, err := result.ParseSummary(filepath.Join(*results, "summary.json"), text)
	if err != nil {
		return err
	}
	leak, err := mismatch(summary)
	if err != nil {
		return err
	}
	rare := rarity()
	for _, f := range []result.Figure{leak, rare} {
		svg, err := reports.Plot(&f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(*docs, "img", f.ID+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, mismatchTable(&leak)+"\n"+rarityTable())
	return err
}
