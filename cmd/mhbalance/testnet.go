package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
	"multihome.i2p/internal/testnet"
)

const testnetHelp = `Usage:
    mhbalance testnet up [--dir DIR] [--routers N] [--i2pd PATH] [--i2cp-port PORT]
                         [--console-port PORT] [--json]
    mhbalance testnet down [--dir DIR]
    mhbalance testnet status [--dir DIR] [--json]
    mhbalance testnet kill|freeze|thaw|restart ROUTER [--dir DIR]

Runs a private I2P network in the background, to try things on: i2pd routers as
they are, in a network namespace that nothing leaves. I2CP and the web console of
each can be reached on 127.0.0.1. It takes Linux, an i2pd (apt install i2pd), and
root or user namespaces.

    up        start the network; returns when it can be used, after half a minute
    down      end it; what the routers have written stays
    status    show the routers
    kill      end a router at once, as a power failure would
    freeze    stop a router without ending it; thaw lets it go on
    restart   start a router again, with its keys

Flags:
    --dir DIR            where the routers keep their data, by default
                         mhbalance-testnet in the directory for temporary files
    --routers N          how many, by default 12; 3 to 200, the first 3 floodfills
    --i2pd PATH          the i2pd to run, by default $MULTIHOME_I2PD, or the one in
                         PATH
    --i2cp-port PORT     the I2CP port of r0 on 127.0.0.1, by default 17654; those
                         of r1, r2 and so on follow
    --console-port PORT  the same for the web consoles, by default 17070
    --json               print the network's state as JSON

Example:
    $ mhbalance testnet up
    $ mhbalance testnet kill r3
`

// testnetVerbs are what testnet does.
var testnetVerbs = []string{"up", "down", "status", "kill", "freeze", "thaw", "restart"}

func (t *tool) testnetCommand() *command {
	return &command{
		Command: argv.Command{Name: "testnet", Least: 1, Most: 2, Argument: "up, down, status, kill, freeze, thaw or restart", Flags: []cli.Flag{
			&cli.StringFlag{Name: "dir", Value: filepath.Join(os.TempDir(), "mhbalance-testnet")},
			&cli.IntFlag{Name: "routers", Value: 12},
			&cli.StringFlag{Name: "i2pd"},
			&cli.IntFlag{Name: "i2cp-port", Value: testnet.DefaultI2CPPort},
			&cli.IntFlag{Name: "console-port", Value: testnet.DefaultConsolePort},
			&cli.BoolFlag{Name: "json"},
		}},
		help: testnetHelp, action: t.testnet,
	}
}

// testnetFlags are the flags of each verb, beyond --dir.
var testnetFlags = map[string][]string{
	"up":     {"routers", "i2pd", "i2cp-port", "console-port", "json"},
	"status": {"json"},
}

func (t *tool) testnet(c *cli.Context) error {
	verb, router := c.Args().First(), c.Args().Get(1)
	if !slices.Contains(testnetVerbs, verb) {
		mend := "choose up, down, status, kill, freeze, thaw or restart"
		if near := argv.DidYouMean(verb, testnetVerbs); near != "" {
			mend = near
		}
		return inputErrorf("mhbalance testnet does not know %q; %s", verb, mend)
	}
	strikes := !slices.Contains([]string{"up", "down", "status"}, verb)
	switch {
	case strikes && router == "":
		return inputErrorf("mhbalance testnet %s needs a ROUTER, such as r3; mhbalance testnet status shows them", verb)
	case !strikes && router != "":
		return inputErrorf("mhbalance testnet %s takes no argument %q; see mhbalance testnet --help", verb, router)
	}
	for _, name := range []string{"routers", "i2pd", "i2cp-port", "console-port", "json"} {
		if c.IsSet(name) && !slices.Contains(testnetFlags[verb], name) {
			return inputErrorf("mhbalance testnet %s takes no --%s; see mhbalance testnet --help", verb, name)
		}
	}
	dir, err := filepath.Abs(c.String("dir"))
	if err != nil {
		return inputErrorf("--dir: %w", err)
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	switch verb {
	case "up":
		err = t.testnetUp(ctx, c, dir)
	case "down":
		if err = testnet.Down(ctx, dir); err == nil {
			fmt.Fprintf(t.stdout, "the network in %s is down; its logs stay there\n", dir)
		}
	case "status":
		var d *testnet.Detached
		if d, err = testnet.Status(dir); err == nil {
			err = t.tellTestnet(d, c.Bool("json"))
		}
	default:
		if err = t.strike(ctx, dir, testnet.Op(verb), router); err == nil {
			fmt.Fprintf(t.stdout, "%s: %s done\n", router, verb)
		}
	}
	var where *testnet.DirError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &where):
		return testnetMend(where)
	}
	return err
}

// strike does something to a router.
func (t *tool) strike(ctx context.Context, dir string, op testnet.Op, router string) error {
	d, err := testnet.Status(dir)
	if err != nil {
		return err
	}
	r := d.Router(router)
	switch {
	case r == nil:
		return inputErrorf("no router %q: there are r0 to r%d", router, len(d.Routers)-1)
	case r.State == testnet.StateDown && op != testnet.OpRestart:
		return fmt.Errorf("%s is down; start it again with mhbalance testnet restart %s", router, router)
	}
	return testnet.Do(ctx, dir, op, router)
}

// testnetMend says what to do about a directory.
func testnetMend(e *testnet.DirError) error {
	switch {
	case errors.Is(e, testnet.ErrNotRunning):
		return fmt.Errorf("no network is running in %s; start one with mhbalance testnet up, or name its directory with --dir", e.Dir)
	case errors.Is(e, testnet.ErrRunning):
		return fmt.Errorf("a network is running in %s; end it with mhbalance testnet down --dir %s, or choose another --dir", e.Dir, quoted(e.Dir))
	case errors.Is(e, testnet.ErrForeign):
		return inputErrorf("--dir: %s has something else in it; choose another directory", e.Dir)
	}
	return e
}

func (t *tool) testnetUp(ctx context.Context, c *cli.Context, dir string) error {
	n := c.Int("routers")
	if n < 3 || n > 200 {
		return inputErrorf("--routers %d: choose 3 to 200", n)
	}
	for _, name := range []string{"i2cp-port", "console-port"} {
		if p := c.Int(name); p < 1 || p+n-1 > 65535 {
			return inputErrorf("--%s %d: %d ports from there must lie between 1 and 65535", name, p, n)
		}
	}
	if err := testnet.Check(ctx, c.String("i2pd")); err != nil {
		return noNetwork(err, c.String("i2pd"))
	}
	began := time.Now()
	d, err := testnet.Up(ctx, testnet.UpOptions{
		Options:  testnet.Options{Dir: dir, Routers: n, I2pd: c.String("i2pd")},
		I2CPPort: c.Int("i2cp-port"), ConsolePort: c.Int("console-port"),
	}, func(line string) {
		fmt.Fprintf(t.stderr, "%s: %5.1f s  %s\n", program, time.Since(began).Seconds(), line)
	})
	var port *testnet.PortError
	switch {
	case errors.As(err, &port):
		return inputErrorf("port %d on 127.0.0.1, for the %s, cannot be had (%w); choose others with --i2cp-port and --console-port", port.Port, port.What, port.Err)
	case err != nil:
		return err
	}
	return t.tellTestnet(d, c.Bool("json"))
}

// tellTestnet shows a network.
func (t *tool) tellTestnet(d *testnet.Detached, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(t.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(d)
	}
	rows := [][]string{{"router", "state", "floodfill", "I2CP", "web console", "log"}}
	for _, r := range d.Routers {
		floodfill := "-"
		if r.Floodfill {
			floodfill = "yes"
		}
		rows = append(rows, []string{r.Name, string(r.State), floodfill, r.I2CP, r.Console, r.Log})
	}
	fmt.Fprintf(t.stdout, "i2pd %s, in %s, since %s\n\n", d.I2pdVer, d.Dir, d.Started.Local().Format(time.DateTime))
	if err := control.WriteTable(t.stdout, rows); err != nil {
		return err
	}
	if !d.Ready {
		fmt.Fprintln(t.stdout, "\nIt is not ready yet.")
		return nil
	}
	// Not the floodfills: a kill is to strike the service, not the netDb.
	words := []string{"init"}
	for _, r := range d.Routers {
		if !r.Floodfill && len(words) < 1+2*4 {
			words = append(words, "--router", r.I2CP)
		}
	}
	words = append(words, "--key", "try.keys", "-o", "try.yaml")
	dir := ""
	if d.Dir != filepath.Join(os.TempDir(), "mhbalance-testnet") {
		dir = " --dir " + quoted(d.Dir)
	}
	fmt.Fprintf(t.stdout, `
Host a service on four of them:
    %s
    mhbalance run -c try.yaml
End the network:
    mhbalance testnet down%s
`, argv.CommandLine(program, words), dir)
	return nil
}

// quoted is a word as a shell reads it.
func quoted(word string) string { return strings.TrimSpace(argv.CommandLine("", []string{word})) }
