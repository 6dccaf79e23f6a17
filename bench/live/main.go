// Command live measures the balancer over real routers: what clients lose in 25
// minutes in which nothing fails, and what they lose when routers do. See
// docs/live-results.md.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"multihome.i2p/internal/testnet"
)

func main() {
	testnet.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.SetOutput(stderr)
	p := &plan{}
	flags.StringVar(&p.Out, "out", "results/live-long", "`directory` of the records")
	flags.DurationVar(&p.For, "for", 26*time.Minute, "how long the network is watched in which nothing fails; a tunnel lives 10 minutes")
	flags.IntVar(&p.Faults, "faults", 11, "faults in each of the other networks, one in some 150 s")
	networks := flags.Int("networks", 2, "networks in which carriers are killed, side by side")
	flags.Uint64Var(&p.Seed, "seed", 1, "of what is drawn: the times of faults, and whom they strike")
	docs := flags.String("docs", "", "`directory` to write live-results.md and live/*.svg into; none: only measure")
	report := flags.Bool("report", false, "measure nothing, report on what -out has")
	flags.StringVar(&p.Net, "net", "", "run this network only: steady, kills1 ..., mixed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	began := time.Now()
	p.Progress = func(format string, args ...any) {
		fmt.Fprintf(stdout, "%s %6.1f s  %s\n", p.Net, time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	switch {
	case p.Net != "" && testnet.IsInside():
		return p.run(ctx)
	case p.Net != "":
		return testnet.Reexec(ctx, "")
	case *report:
		return writeReport(p.Out, *docs)
	}
	if err := testnet.Check(ctx, ""); err != nil {
		if os.Getenv(testnet.EnvRequired) != "" {
			return err
		}
		fmt.Fprintf(stderr, "live: SKIPPED, nothing was measured: %v\n", err)
		return nil
	}
	if err := os.MkdirAll(p.Out, 0o700); err != nil {
		return err
	}
	names := []string{netSteady}
	for i := range *networks {
		names = append(names, netKills+strconv.Itoa(i+1))
	}
	names = append(names, netMixed)
	if err := measure(ctx, names, args, stdout, stderr); err != nil {
		return err
	}
	if *docs == "" {
		return nil
	}
	return writeReport(p.Out, *docs)
}

// measure runs each network in a process of its own, in a namespace of its own:
// their addresses are the same. The next starts when the last is ready.
func measure(ctx context.Context, names, args []string, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, len(names))
	for i, name := range names {
		cmd := exec.CommandContext(ctx, self, append(append([]string{}, args...), "-net", name)...)
		cmd.Stderr = stderr
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 30 * time.Second
		out, err := cmd.StdoutPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		up := make(chan struct{})
		wg.Go(func() {
			pass(out, stdout, up)
			if err := cmd.Wait(); err != nil {
				errs[i] = fmt.Errorf("network %s: %w", name, err)
			}
		})
		<-up
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pass passes lines on, and closes up at the one that says that the network is
// ready, or at the end.
func pass(from io.Reader, to io.Writer, up chan struct{}) {
	once := sync.OnceFunc(func() { close(up) })
	defer once()
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		fmt.Fprintln(to, lines.Text())
		if len(lines.Text()) >= len(ready) && lines.Text()[len(lines.Text())-len(ready):] == ready {
			once()
		}
	}
}
