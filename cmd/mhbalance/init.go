package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"multihome.i2p/cmd/mhbalance/config"
	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/internal/argv"
)

const initHelp = `Usage:
    mhbalance init --router ADDRESS... --key FILE [-o FILE] [--target T]
                   [--user NAME --password-file FILE]

Asks routers what they can do, and writes a configuration with comments for them.

Flags:
    --router ADDRESS      host and I2CP port of a router, such as 127.0.0.1:7654;
                          give it once for each router
    --key FILE            the private keys of the Destination; made if there are
                          none
    -o, --output FILE     the configuration, by default mhbalance.yaml; it is never
                          overwritten
    --target T            echo (the default), or udp://host:port
    --user NAME           the user that the routers let in, if they ask, with
    --password-file FILE  a file whose first line is the password

A router that does not answer is entered all the same, and told of: the exit code
is 1 only if none answers. Routers that speak the extension for Proposal 140 tell
who they are, so that one with two addresses is entered once. Stock routers do not
tell; give each once.

Example:
    $ mhbalance init --router 127.0.0.1:7654 --router 127.0.0.1:7655 --key my.keys
`

func (t *tool) initCommand() *command {
	return &command{
		Command: argv.Command{Name: "init", Most: -1, Argument: "ADDRESS", Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "router"},
			&cli.StringFlag{Name: "key"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: "mhbalance.yaml"},
			&cli.StringFlag{Name: "target", Value: "echo"},
			&cli.StringFlag{Name: "user"},
			&cli.StringFlag{Name: "password-file"},
		}},
		help: initHelp, action: t.init,
	}
}

func (t *tool) init(c *cli.Context) error {
	// "--router A B" is how a list is written elsewhere.
	addresses := slices.Concat(c.StringSlice("router"), c.Args().Slice())
	key, output := c.String("key"), c.String("output")
	switch {
	case len(addresses) == 0:
		return inputErrorf("no router; add --router ADDRESS, such as 127.0.0.1:7654, for each")
	case key == "":
		return inputErrorf("no key; add --key FILE, which is made if it is not there")
	case (c.String("user") == "") != (c.String("password-file") == ""):
		return inputErrorf("--user and --password-file belong together; give both or none")
	}
	if _, err := os.Lstat(output); err == nil {
		return inputErrorf("%s is there already, and is not overwritten; choose another with -o FILE", output)
	}
	draft := draft{output: output, key: key, target: c.String("target"), user: c.String("user"), passwordFile: c.String("password-file")}
	for _, a := range addresses {
		draft.routers = append(draft.routers, finding{address: a})
	}
	// What the parser refuses is refused before anything is asked or written.
	if _, err := config.Parse(output, draft.text()); err != nil {
		var wrong config.Errors
		if errors.As(err, &wrong) {
			return inputErrorf("%s; %s", wrong[0].Msg, wrong[0].Mend)
		}
		return err
	}
	var password string
	if draft.passwordFile != "" {
		var err error
		if password, err = config.ReadPassword(draft.passwordFile); err != nil {
			return inputErrorf("--password-file: %w", err)
		}
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	var probes []probe
	for _, a := range addresses {
		probes = append(probes, probe{name: a, address: a, user: draft.user, password: password})
	}
	draft.routers = probeAll(ctx, probes)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	answered := t.tellFound(draft.routers)
	if answered == 0 {
		return errors.New("no router answers, and nothing was written")
	}
	for i, twin := range same(draft.routers) {
		if twin >= 0 {
			t.warn("%s is the same router as %s, and is left out", draft.routers[i].address, draft.routers[twin].address)
		}
	}
	if err := t.write(&draft); err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "\nwrote %s; check it, then start: mhbalance run -c %s\n", output, output)
	return nil
}

// tellFound tells of routers: a table on standard output, what is wrong on
// standard error. It returns how many answered.
func (t *tool) tellFound(found []finding) int {
	rows := [][]string{{"router", "speaks", "clock", "can"}}
	answered := 0
	for i := range found {
		f := &found[i]
		if f.err != nil {
			t.warn("%s does not answer: %v; %s", f.address, f.err, f.mend())
			rows = append(rows, []string{f.address, "-", "-", "-"})
			continue
		}
		answered++
		rows = append(rows, []string{f.address, f.speaks(), control.Clock(f.offset.Seconds()), f.capabilities()})
		if w := f.clock(); w != "" {
			t.warn("%s", w)
		}
	}
	if answered > 0 {
		_ = control.WriteTable(t.stdout, rows) // run looks at the writer's error
	}
	return answered
}

// write makes the key, if there is none, and the configuration.
func (t *tool) write(d *draft) error {
	if _, err := os.Stat(d.key); errors.Is(err, fs.ErrNotExist) {
		keys, err := newKeys(d.key)
		if err != nil {
			return err
		}
		fmt.Fprintf(t.stdout, "\nmade the keys of %s in %s\n", keys.Destination.B32(), d.key)
	} else if keys, err := config.ReadKeys(d.key); err != nil {
		return inputErrorf("--key: %w", err)
	} else {
		fmt.Fprintf(t.stdout, "\nthe address is %s\n", keys.Destination.B32())
	}
	err := config.WriteNew(d.output, d.text(), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return inputErrorf("%s is there already, and is not overwritten; choose another with -o FILE", d.output)
	}
	return err
}

// draft is a configuration to be written.
type draft struct {
	output, key, target, user, passwordFile string

	routers []finding
}

// text is the configuration with its comments.
func (d *draft) text() []byte {
	var b strings.Builder
	b.WriteString(`# mhbalance.yaml: I2P routers that host one service together.
# "mhbalance check-config -c FILE" checks it, "mhbalance reload" has a running
# mhbalance take it over. All keys: mhbalance schema config. Relative paths start
# from this file's directory.

routers:
`)
	twins := same(d.routers)
	stock := false
	names := routerNames(d.routers)
	for i, f := range d.routers {
		if twins[i] >= 0 {
			fmt.Fprintf(&b, "  # %s is the same router as %s.\n", f.address, d.routers[twins[i]].address)
			continue
		}
		switch {
		case f.err != nil:
			b.WriteString("  # It did not answer when this was written.\n")
			stock = true
		case f.list == nil:
			fmt.Fprintf(&b, "  # %s: it chooses its own tunnels.\n", oneLine(f.speaks()))
			stock = true
		default:
			fmt.Fprintf(&b, "  # %s\n", oneLine(f.speaks()))
		}
		fmt.Fprintf(&b, "  - name: %s\n    i2cp: %s\n    weight: 1   # its share of the leases\n", names[i], scalar(f.address))
		if d.user != "" {
			fmt.Fprintf(&b, "    user: %s\n    password_file: %s\n", scalar(d.user), scalar(d.relative(d.passwordFile)))
		}
	}
	policy := "per-router"
	if stock {
		policy = config.DefaultPolicy
	}
	fmt.Fprintf(&b, `
destinations:
  - name: service
    key: %s
    leases: %d   # of a full LeaseSet, 1 to 16
    hops: %d
    target: %s   # echo, or udp://host:port
    policy:
      name: %s
      # What routers tell clients. pinned: each tells its own leases, so that
      # connections stay on one router and survive; clients can learn which leases
      # belong together. composed: all tell the same, which hides that, but a
      # connection breaks for minutes where it changes routers.
      bundle: pinned
      publisher: fixed      # or rotate, or all
      rotate_keys: false    # true: faster failover, which observers can see
    # trace: leasesets.jsonl   # every LeaseSet published, for mhbalance audit

state: state                # what must survive a restart
# status: state/status.sock # for mhbalance status, drain and reload
# metrics: 127.0.0.1:9140   # for Prometheus: /metrics and /healthz
`, scalar(d.relative(d.key)), config.DefaultLeases, config.DefaultHops, scalar(d.target), policy)
	return []byte(b.String())
}

// relative is a path as the configuration has it.
func (d *draft) relative(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(filepath.Dir(d.output), path)
	if err != nil { // from an absolute directory
		if rel, err = filepath.Abs(path); err != nil {
			return path
		}
	}
	return rel
}

// routerNames names routers by their hosts or, where several have one, by number.
func routerNames(routers []finding) []string {
	names := make([]string, len(routers))
	hosts := map[string]int{}
	for i, f := range routers {
		host, _, err := net.SplitHostPort(f.address)
		if err != nil || net.ParseIP(host) != nil || strings.EqualFold(host, "localhost") {
			host = ""
		}
		names[i] = host
		hosts[host]++
	}
	for i, name := range names {
		if name == "" || hosts[name] > 1 {
			names[i] = fmt.Sprintf("router%d", i+1)
		}
	}
	return names
}

// scalar writes text as a YAML scalar.
func scalar(text string) string {
	b, err := yaml.Marshal(text)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSpace(string(b))
}

// oneLine keeps what a router says of itself inside a comment.
func oneLine(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, text)
}
