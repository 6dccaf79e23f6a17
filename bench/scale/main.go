//go:build unix

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"multihome.i2p/reports"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(stderr)
	docs := flags.String("docs", "docs", "`directory` of scale.md, whose table is replaced, and of img")
	rounds := flags.Int("rounds", 5, "how often each point is measured; the median counts")
	least := flags.Duration("least", 300*time.Millisecond, "user `time` that a measurement takes at least")
	only := flags.String("only", "", "measure the axis of this `name` only, and write no file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || *least <= 0 {
		return errors.New("-rounds must be at least 1 and -least more than 0")
	}
	runtime.GOMAXPROCS(1)
	axes, err := axes()
	if err != nil {
		return err
	}
	if *only != "" {
		axes = slices.DeleteFunc(axes, func(a axis) bool { return a.name != *only })
		if len(axes) == 0 {
			return fmt.Errorf("no axis %q", *only)
		}
	}
	// Rounds over all points, so that a busy hour of the machine harms all alike.
	for n := range *rounds {
		for i := range axes {
			a := &axes[i]
			for k := range a.points {
				p := &a.points[k]
				ms, err := measure(p.trial, *least)
				if err != nil {
					return fmt.Errorf("%s %v: %w", a.name, p.x, err)
				}
				p.ms = append(p.ms, ms)
			}
			fmt.Fprintf(stderr, "round %d of %d: %s\n", n+1, *rounds, a.name)
		}
	}
	text := table(axes)
	fmt.Fprint(stdout, text)
	if *only != "" {
		return nil
	}
	for _, f := range figures(axes) {
		svg, err := reports.Plot(&f)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(*docs, "img", f.ID+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return replace(filepath.Join(*docs, "scale.md"), text)
}

// measure returns the user time of one trial in ms: of as many as take the given
// time, after one that does not count.
func measure(trial func(seed uint64) error, least time.Duration) (ms float64, err error) {
	if err := trial(0); err != nil {
		return 0, err
	}
	start, n := userTime(), 0
	for userTime()-start < least {
		n++
		if err := trial(uint64(n)); err != nil {
			return 0, err
		}
	}
	return (userTime() - start).Seconds() * 1000 / float64(n), nil
}

// userTime is the processor time that the process has spent outside the kernel.
func userTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it knows no error for this process
	}
	return time.Duration(u.Utime.Nano())
}

// Lines between which scale.md is replaced.
const (
	begin = "<!-- measured: begin -->"
	end   = "<!-- measured: end -->"
)

func replace(file, text string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, found := strings.Cut(rest, end)
	if !ok || !found {
		return fmt.Errorf("%s: lines %q and %q not found", file, begin, end)
	}
	return os.WriteFile(file, []byte(head+begin+"\n\n"+text+"\n"+end+tail), 0o644)
}
