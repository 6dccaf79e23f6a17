package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"multihome.i2p/balancer/live"
	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
)

// configPlaces are where the configuration lies if -c does not say.
var configPlaces = []string{"mhbalance.yaml", "/etc/mhbalance/mhbalance.yaml"}

func configFlag() cli.Flag { return &cli.StringFlag{Name: "config", Aliases: []string{"c"}} }

// configFile is the file that -c names, or the first that there is.
func configFile(c *cli.Context) string {
	if file := c.String("config"); file != "" {
		return file
	}
	for _, file := range configPlaces {
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return configPlaces[0]
}

// load reads a configuration and the files that it names.
func load(file string) (*config.Config, live.Config, error) {
	cfg, err := config.Read(file)
	if err != nil {
		return nil, live.Config{}, inputError(err)
	}
	l, err := cfg.Live()
	if err != nil {
		return nil, live.Config{}, inputError(err)
	}
	return cfg, l, nil
}

const checkConfigHelp = `Usage:
    mhbalance check-config [-c FILE] [--probe]

Checks a configuration and the files that it names, as run would. What is wrong is
told as file:line:column with what mends it.

Flags:
    -c, --config FILE   the configuration, by default mhbalance.yaml, or
                        /etc/mhbalance/mhbalance.yaml
    --probe             ask the routers too; the exit code is then 1 if one of them
                        does not answer, or stands there twice

Example:
    $ mhbalance check-config -c mhbalance.yaml
`

func (t *tool) checkConfigCommand() *command {
	return &command{
		Command: argv.Command{Name: "check-config", Flags: []cli.Flag{configFlag(), &cli.BoolFlag{Name: "probe"}}},
		help:    checkConfigHelp, action: t.checkConfig,
	}
}

func (t *tool) checkConfig(c *cli.Context) error {
	cfg, l, err := load(configFile(c))
	if err != nil {
		return err
	}
	t.tellWarnings(cfg)
	fmt.Fprintf(t.stdout, "%s: ok, %s, %s\n", cfg.File, count(len(l.Routers), "router"), count(len(l.Destinations), "destination"))
	for _, d := range l.Destinations {
		fmt.Fprintf(t.stdout, "%s: %s\n", d.Name, d.Keys.Destination.B32())
	}
	if !c.Bool("probe") {
		return nil
	}
	var probes []probe
	for _, r := range l.Routers {
		probes = append(probes, probe{name: r.Name, address: r.Address, tls: r.TLS, user: r.User, password: r.Password})
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	found := probeAll(ctx, probes)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fmt.Fprintln(t.stdout)
	failed := t.tellFound(found) < len(found)
	for i, twin := range same(found) {
		if twin >= 0 {
			t.warn("router %s is the same as router %s; list it once", found[i].name, found[twin].name)
			failed = true
		}
	}
	if failed {
		return errSilent
	}
	return nil
}

func (t *tool) tellWarnings(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		t.warn("warning: %s", w)
	}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func socketFlags() []cli.Flag {
	return []cli.Flag{configFlag(), &cli.StringFlag{Name: "socket"}}
}

// ask sends a request to the mhbalance that -c or --socket names.
func (t *tool) ask(c *cli.Context, method, target string) ([]byte, error) {
	socket := c.String("socket")
	if socket == "" {
		cfg, err := config.Read(configFile(c))
		if err != nil {
			return nil, inputError(err)
		}
		socket = cfg.Status
	}
	body, err := control.NewClient(socket).Do(c.Context, method, target)
	var refused *control.Refusal
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("may not connect to %s; ask as the user that mhbalance runs as", socket)
	case errors.Is(err, control.ErrNotRunning):
		return nil, fmt.Errorf("no mhbalance answers at %s; start it with mhbalance run, or name its socket with --socket", socket)
	case errors.As(err, &refused):
		return nil, refusalOf(refused)
	}
	return body, err
}
