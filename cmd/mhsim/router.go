package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim"
	"multihome.i2p/sim/fleet"
)

const routerHelp = `Usage:
    mhsim router [--listen ADDRESS]... [--count N] [--kind java|i2pd] [--stock]
                 [--stock-version V] [--speed N] [--seed N] [--control SOCKET]
                 [--for D] [--public] [--tls-cert FILE --tls-key FILE]
                 [--user NAME --password-file FILE]

Runs simulated routers in real time that speak I2CP and its extension for Proposal
140 (docs/i2cp-p140.md): for trying clients on. Their tunnels, their netDb and the
way of messages between their clients are simulated; nothing is encrypted, and
nothing reaches I2P. Prints the address and the hash of each router, and runs
until ^C, which is no failure.

Flags:
    --listen ADDRESS    IP address and port of a router, by default 127.0.0.1:7654;
                        any free port if it is 0; may be given several times
    --count N           how many routers at each ADDRESS, on the ports from there
                        on, by default 1; at most 64 in all
    --kind K            whose tunnels and stores the routers imitate: java, the
                        default, or i2pd, which has no fast tier
    --stock             without the extension: stock i2pd, which leaves a client
                        that does not give it a LeaseSet within 10 s
    --stock-version V   which i2pd that is: 2.58.0, the default, or 2.45.1. They
                        differ in SetDate, in dontPublishLeaseSet (2.58 inverts
                        it), and in what happens before the first outbound tunnel
    --speed N           how many times faster than real time the routers' clock
                        runs, by default 1
    --seed N            the seed of the network and of all chance, by default 1
    --control SOCKET    take commands at this Unix socket, below
    --for D             stop after this much real time, such as 90s
    --public            allow an ADDRESS that other machines can reach: whoever
                        reaches a router may use it
    --tls-cert FILE     speak TLS with this certificate and
    --tls-key FILE      this private key, both PEM
    --user NAME         let only this user in, with the password that is the
    --password-file F   first line of F

Commands are JSON objects, one a line, and each is answered by a line:

    {"fault":"kill","router":0}      the faults are kill, freeze, disconnect, delay
                                     (by "ms"), drop, refuse, garbage, and revive,
                                     which ends them all; on all routers if none is
                                     named
    {"lookup":"<b32 address>"}       what the simulated netDb has

Example:
    $ mhsim router --listen 127.0.0.1:0 --count 4 --speed 60 --for 100ms
`

func (t *tool) routerCommand() *command {
	return &command{
		name: "router", help: routerHelp, action: t.serveRouters,
		flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "listen", Value: cli.NewStringSlice("127.0.0.1:7654")},
			&cli.StringFlag{Name: "count", Value: "1"},
			&cli.StringFlag{Name: "kind"},
			&cli.BoolFlag{Name: "stock"},
			&cli.StringFlag{Name: "stock-version"},
			&cli.StringFlag{Name: "speed", Value: "1"},
			&cli.StringFlag{Name: "seed", Value: "1"},
			&cli.StringFlag{Name: "control"},
			&cli.StringFlag{Name: "for"},
			&cli.BoolFlag{Name: "public"},
			&cli.StringFlag{Name: "tls-cert"},
			&cli.StringFlag{Name: "tls-key"},
			&cli.StringFlag{Name: "user"},
			&cli.StringFlag{Name: "password-file"},
		},
	}
}

// maxRouters is the most routers of a fleet.
const maxRouters = 64

// routersAt is where the routers of a command line listen, and what they are.
type routersAt struct {
	fleet  fleet.Config
	listen []netip.AddrPort
	life   time.Duration // 0 for no end
}

func routersOf(c *cli.Context) (at routersAt, err error) {
	at.fleet = fleet.Config{Stock: c.Bool("stock"), World: fleet.DefaultWorld()}
	if err := kindOf(c, &at.fleet); err != nil {
		return at, err
	}
	if err := accessOf(c, &at.fleet); err != nil {
		return at, err
	}
	count, err := strconv.Atoi(c.String("count"))
	if err != nil || count < 1 || count > maxRouters {
		return at, inputErrorf("--count %s: want a number from 1 to %d", c.String("count"), maxRouters)
	}
	for _, text := range c.StringSlice("listen") {
		first, err := netip.ParseAddrPort(text)
		if err != nil {
			return at, inputErrorf("--listen %s: want an IP address and a port, such as 127.0.0.1:7654", text)
		}
		if !first.Addr().IsLoopback() && !c.Bool("public") {
			return at, inputErrorf("--listen %s: other machines could use the routers; add --public if they shall", first)
		}
		if last := int(first.Port()) + count - 1; first.Port() != 0 && last > 65535 {
			return at, inputErrorf("--listen %s: the last router's port would be %d", first, last)
		}
		for i := range count {
			port := first.Port()
			if port != 0 {
				port += uint16(i)
			}
			at.listen = append(at.listen, netip.AddrPortFrom(first.Addr(), port))
		}
	}
	if at.fleet.Routers = len(at.listen); at.fleet.Routers > maxRouters {
		return at, inputErrorf("--count %d at each of %d addresses: want at most %d routers in all", count, at.fleet.Routers/count, maxRouters)
	}
	if at.fleet.Speed, err = strconv.ParseFloat(c.String("speed"), 64); err != nil || !(at.fleet.Speed > 0 && at.fleet.Speed <= 1e6) {
		return at, inputErrorf("--speed %s: want a number above 0, at most 1000000", c.String("speed"))
	}
	if at.fleet.Seed, err = strconv.ParseUint(c.String("seed"), 10, 64); err != nil {
		return at, inputErrorf("--seed %s: want a whole number from 0 to 18446744073709551615", c.String("seed"))
	}
	if text := c.String("for"); text != "" {
		if at.life, err = time.ParseDuration(text); err != nil || at.life <= 0 {
			return at, inputErrorf("--for %s: want a time above 0, such as 90s", text)
		}
	}
	return at, nil
}

// kindOf reads what the routers imitate.
func kindOf(c *cli.Context, cfg *fleet.Config) error {
	kind, version := c.String("kind"), c.String("stock-version")
	switch {
	case kind != "" && kind != string(sim.Java) && kind != string(sim.I2pd):
		return inputErrorf("--kind %s: want java or i2pd", kind)
	case cfg.Stock && kind == string(sim.Java):
		return inputErrorf("--kind java: stock routers are i2pd; leave out --stock or --kind")
	case version != "" && !cfg.Stock:
		return inputErrorf("--stock-version %s: only stock routers have one; add --stock", version)
	case version != "" && version != string(fleet.Stock245) && version != string(fleet.Stock258):
		return inputErrorf("--stock-version %s: want %s or %s", version, fleet.Stock245, fleet.Stock258)
	}
	cfg.StockVersion = fleet.StockVersion(version)
	if kind == string(sim.I2pd) {
		cfg.World.Destination.Routers[0].Kind = sim.I2pd
	}
	return nil
}

// accessOf reads who may use the routers, and whether over TLS. Secrets come from
// files: a command line is seen by everybody on the machine.
func accessOf(c *cli.Context, cfg *fleet.Config) error {
	cert, key := c.String("tls-cert"), c.String("tls-key")
	user, file := c.String("user"), c.String("password-file")
	switch {
	case (cert == "") != (key == ""):
		return inputErrorf("--tls-cert and --tls-key go together")
	case (user == "") != (file == ""):
		return inputErrorf("--user and --password-file go together")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return inputErrorf("--tls-cert %s, --tls-key %s: %v", cert, key, err)
		}
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return inputErrorf("--password-file: %v", err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		cfg.User, cfg.Password = user, strings.TrimSuffix(line, "\r")
		// Strings of I2CP are at most 255 bytes long.
		if cfg.Password == "" || len(cfg.Password) > 255 || len(user) > 255 {
			return inputErrorf("--password-file %s: want a password and a user of 1 to 255 bytes", file)
		}
	}
	return nil
}

// serveRouters runs a fleet until a signal comes or its time is up.
func (t *tool) serveRouters(c *cli.Context) (err error) {
	at, err := routersOf(c)
	if err != nil {
		return err
	}
	listeners, err := listenAll(at.listen)
	if err != nil {
		return err
	}
	var control net.Listener
	if path := c.String("control"); path != "" {
		if control, err = listenControl(path); err != nil {
			closeAll(listeners)
			return err
		}
		listeners = append(listeners, control)
	}
	f, err := fleet.New(at.fleet)
	if err != nil {
		closeAll(listeners)
		return err
	}
	ctx, stop := t.untilSignal(func() {})
	defer stop()
	if at.life > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, at.life)
		defer cancel()
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var serving sync.WaitGroup
	serve := func(run func(context.Context, net.Listener) error, l net.Listener) {
		serving.Go(func() {
			if err := run(ctx, l); err != nil {
				fail(err)
			}
		})
	}
	for i, r := range f.Routers() {
		fmt.Fprintf(t.stdout, "router %d  %s  %s\n", i, listeners[i].Addr(), r.Hash())
		serve(r.Listen, listeners[i])
	}
	if control != nil {
		fmt.Fprintf(t.stdout, "control   %s\n", control.Addr())
		serve(f.Control, control)
	}
	<-ctx.Done()
	f.Close()
	serving.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

// listenAll listens at all of the addresses or at none.
func listenAll(at []netip.AddrPort) ([]net.Listener, error) {
	var listeners []net.Listener
	for i, address := range at {
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("router %d: %w; choose other ports with --listen", i, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// listenControl makes a socket for this user only.
func listenControl(path string) (net.Listener, error) {
	l, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("--control: %w; remove what an earlier process left there, or choose another path", err)
	}
	return l, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
