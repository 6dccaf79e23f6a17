// Command peers measures the simulator's event queue side by side with those of
// ns-3 and SimPy, on the hold model. See README.md.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// ours is the implementation that the others are compared with.
const ours = "multihome"

// A contender is one implementation under measurement.
type contender struct {
	impl string
	// command returns how to run it on n events with p pending.
	command func(p, n int) []string
	// share is how many events it gets, in percent: SimPy would take too long.
	share int
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("dir", "bin/peers", "`directory` to build in")
	rounds := flags.Int("rounds", 5, "how often each is measured; the table shows the median")
	events := flags.Int("n", 2_000_000, "events per measurement")
	cpu := flags.Int("cpu", runtime.NumCPU()-1, "`core` to pin everything to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || *events < 100 {
		return errors.New("-rounds must be at least 1 and -n at least 100")
	}
	contenders, err := build(*dir, stderr)
	if err != nil {
		return err
	}

	fmt.Fprintf(stdout, "goos: %s\ngoarch: %s\npkg: multihome.i2p/bench/peers\n", runtime.GOOS, runtime.GOARCH)
	if cpu := cpuModel(); cpu != "" {
		fmt.Fprintf(stdout, "cpu: %s\n", cpu)
	}
	pendings := []int{100, 1_000, 10_000, 100_000}
	samples := make(map[cell][]float64)
	for range *rounds {
		for _, p := range pendings {
			for _, c := range contenders {
				n := *events * c.share / 100
				argv := append([]string{"taskset", "-c", strconv.Itoa(*cpu)}, c.command(p, n)...)
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Stderr = stderr
				out, err := cmd.Output()
				if err != nil {
					return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
				}
				ops, ns, err := parse(out)
				if err != nil {
					return fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
				}
				samples[cell{c.impl, p}] = append(samples[cell{c.impl, p}], ns)
				fmt.Fprintf(stdout, "BenchmarkHold/impl=%s/P=%d-1\t%10d\t%10.2f ns/op\n", c.impl, p, ops, ns)
			}
		}
		// Whatever warms up or slows down in the course of a round meets each
		// contender from both sides.
		slices.Reverse(contenders)
	}
	return table(stdout, samples, pendings)
}

// build compiles what needs compiling, into dir.
func build(dir string, stderr io.Writer) ([]contender, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	goTest, ns3 := filepath.Join(dir, "sim.test"), filepath.Join(dir, "ns3-hold")
	// A path without a slash would be looked up in $PATH.
	for _, p := range []*string{&goTest, &ns3} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return nil, err
		}
		*p = abs
	}
	for _, argv := range [][]string{
		{"go", "test", "-c", "-o", goTest, "multihome.i2p/sim"},
		{"g++", "-std=c++17", "-O3", "-DNDEBUG", "-o", ns3, "bench/peers/ns3/hold.cc", "-lns3-core"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = stderr, stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
		}
	}
	contenders := []contender{{ours, func(p, n int) []string {
		return []string{
			goTest, "-test.run", "^$", "-test.bench", fmt.Sprintf("^BenchmarkHold$/^P=%d$", p),
			"-test.benchtime", fmt.Sprintf("%dx", n), "-test.cpu", "1",
		}
	}, 100}}
	for _, scheduler := range []string{"map", "heap", "calendar", "priorityqueue"} {
		contenders = append(contenders, contender{"ns3-" + scheduler, func(p, n int) []string {
			return []string{ns3, scheduler, strconv.Itoa(p), strconv.Itoa(n)}
		}, 50})
	}
	return append(contenders, contender{"simpy", func(p, n int) []string {
		return []string{"/usr/bin/python3", "bench/peers/simpy/hold.py", strconv.Itoa(p), strconv.Itoa(n)}
	}, 10}), nil
}

// parse finds the one benchmark line in a program's output.
func parse(out []byte) (ops int, ns float64, err error) {
	found := 0
	for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "BenchmarkHold/") || f[3] != "ns/op" {
			continue
		}
		if ops, err = strconv.Atoi(f[1]); err != nil {
			return 0, 0, err
		}
		if ns, err = strconv.ParseFloat(f[2], 64); err != nil {
			return 0, 0, err
		}
		found++
	}
	if found != 1 {
		return 0, 0, fmt.Errorf("%d benchmark lines in the output, want 1:\n%s", found, out)
	}
	return ops, ns, nil
}

// A cell is one place in the table.
type cell struct {
	impl    string
	pending int
}

// table prints the medians, and how many times as long as ours each one takes.
func table(w io.Writer, samples map[cell][]float64, pendings []int) error {
	var impls []string
	for c := range samples {
		if c.impl != ours && !slices.Contains(impls, c.impl) {
			impls = append(impls, c.impl)
		}
	}
	slices.Sort(impls)
	fmt.Fprintf(w, "\nMedian ns/event (times as long as %s):\n", ours)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "P\t%s\t%s\t\n", ours, strings.Join(impls, "\t"))
	for _, p := range pendings {
		base := median(samples[cell{ours, p}])
		fmt.Fprintf(tw, "%d\t%.1f\t", p, base)
		for _, impl := range impls {
			m := median(samples[cell{impl, p}])
			fmt.Fprintf(tw, "%.1f (%.2fx)\t", m, m/base)
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// cpuModel returns the processor's name as go test prints it, or "".
func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return ""
}
