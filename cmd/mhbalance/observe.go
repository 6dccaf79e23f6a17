package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/argv"
	"multihome.i2p/internal/console"
)

const observeHelp = `Usage:
    mhbalance observe --console URL... --destination B32 -o TRACE [--every 60s]
                      [--for D]

Watches a service as an observer of the netDb does: asks the web consoles of i2pd
floodfills which LeaseSet of a Destination they hold, and appends what they say to a
trace, for mhbalance audit or mhsim analyze. Run it against floodfills of your own;
those of mhbalance testnet up will do.

Flags:
    --console URL      the web console of a floodfill, such as
                       http://127.0.0.1:17070/; give it once for each. In a trace it
                       stands for its floodfill, by a hash of this URL, since a
                       console does not tell its router's
    --destination B32  the address of the service
    -o, --output TRACE the trace; one of the same Destination is continued
    --every D          time between two looks, by default 60s; at least 1s
    --for D            for how long, by default until ^C, which then is no failure

The console does not tell when a LeaseSet was published, but its leases and their
ends. So the time of publication in the trace is that of the look that first found
it. Consoles must be in English, and their clocks in UTC.

Example:
    $ mhbalance observe --console http://127.0.0.1:17070/ \
          --destination abc...xyz.b32.i2p -o seen.jsonl
`

func (t *tool) observeCommand() *command {
	return &command{
		Command: argv.Command{Name: "observe", Most: -1, Argument: "URL", Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "console"},
			&cli.StringFlag{Name: "destination"},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}},
			&cli.DurationFlag{Name: "every", Value: time.Minute},
			&cli.DurationFlag{Name: "for"},
		}},
		help: observeHelp, action: t.observe,
	}
}

func (t *tool) observe(c *cli.Context) error {
	urls := append(c.StringSlice("console"), c.Args().Slice()...)
	switch {
	case len(urls) == 0:
		return inputErrorf("no console; add --console URL of a floodfill, such as http://127.0.0.1:17070/")
	case c.String("destination") == "":
		return inputErrorf("no Destination; add --destination B32, as mhbalance status shows it")
	case c.String("output") == "":
		return inputErrorf("no trace; add -o FILE")
	case strings.HasSuffix(c.String("output"), ".gz"):
		return inputErrorf("-o %s: a trace that grows is not compressed; choose a name without .gz", c.String("output"))
	case c.Duration("every") < time.Second:
		return inputErrorf("--every %v: choose 1s or more", c.Duration("every"))
	case c.IsSet("for") && c.Duration("for") <= 0:
		return inputErrorf("--for %v: choose more than 0", c.Duration("for"))
	}
	hash, err := wire.ParseB32(strings.TrimSuffix(c.String("destination"), ".b32.i2p") + ".b32.i2p")
	if err != nil {
		return inputErrorf("--destination: %w", err)
	}
	o := &observer{tool: t, destination: hash}
	for _, u := range urls {
		at, err := url.Parse(u)
		if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
			return inputErrorf("--console %s: not the address of a console; write it like http://127.0.0.1:17070/", u)
		}
		o.consoles = append(o.consoles, &console.Client{URL: u, Location: time.UTC})
	}
	o.silent = make([]bool, len(o.consoles))
	if err := o.open(c.String("output")); err != nil {
		return err
	}
	ctx, stop := t.untilSignal(c.Context)
	defer stop()
	if d := c.Duration("for"); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	err = o.watch(ctx, c.Duration("every"))
	if closing := o.file.Close(); err == nil {
		err = closing
	}
	fmt.Fprintf(t.stdout, "%s: %s with a LeaseSet, %d without; %s failed\n", c.String("output"), count(o.found, "look"), o.missing, count(o.failed, "look"))
	switch {
	case err != nil:
		return err
	case c.IsSet("for") && errors.Is(context.Cause(ctx), errInterrupted):
		return errInterrupted
	case o.found+o.missing == 0:
		return errors.New("no console answered")
	}
	return nil
}

// observer looks at floodfills.
type observer struct {
	*tool
	consoles    []*console.Client
	destination wire.Hash
	file        *os.File
	last        int64      // time of the last record, ms
	known       []leaseSet // those that may still be somewhere

	found, missing, failed int    // looks
	silent                 []bool // consoles that did not answer the last time
	buf                    []byte
}

// open continues a trace of this Destination, or begins one.
func (o *observer) open(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return inputErrorf("-o: %w", err)
	}
	o.file = f
	head := trace.Header{
		Destination: o.destination.B32(), Vantage: trace.VantageNetDb, Source: trace.SourceLive,
		Note: "what floodfills hold, as their consoles show it; published is when it was first seen",
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.Size() == 0:
		if err = head.Check(); err == nil {
			_, err = f.Write(trace.AppendHeader(nil, &head))
		}
	default:
		err = o.resume(path)
	}
	if err != nil {
		_ = f.Close()
		return inputErrorf("-o: %w", err)
	}
	return nil
}

// resume reads what is there already.
func (o *observer) resume(path string) error {
	r, err := trace.NewReader(o.file, path)
	if err != nil {
		return err
	}
	h := r.Header()
	if got, err := wire.ParseB32(strings.TrimSuffix(h.Destination, ".b32.i2p") + ".b32.i2p"); err != nil || got != o.destination {
		return fmt.Errorf("%s is a trace of %s; choose another file", path, h.Destination)
	}
	if h.Vantage != trace.VantageNetDb || h.Source != trace.SourceLive {
		return fmt.Errorf("%s was seen from elsewhere (vantage %s, source %s); choose another file", path, h.Vantage, h.Source)
	}
	var rec trace.Record
	for {
		err := r.Next(&rec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.Kind == trace.KindStore {
			return fmt.Errorf("%s is a trace of what mhbalance has sent; choose another file", path)
		}
		o.last = rec.TimeMs
		if rec.Kind == trace.KindLookup {
			o.remember(rec.Leases, rec.Published, rec.TimeMs)
		}
	}
}

// leaseSet is one that was seen.
type leaseSet struct {
	leases    []trace.Lease
	published int64 // when it was first seen, s
}

// remember returns when a LeaseSet was first seen, which is now if it is new.
func (o *observer) remember(leases []trace.Lease, published, now int64) int64 {
	o.known = slices.DeleteFunc(o.known, func(l leaseSet) bool {
		return !slices.ContainsFunc(l.leases, func(x trace.Lease) bool { return x.EndMs > now-oneSecond })
	})
	for _, l := range o.known {
		if sameLeases(l.leases, leases, now) {
			return l.published
		}
	}
	o.known = append(o.known, leaseSet{slices.Clone(leases), published})
	return published
}

// oneSecond is how exact the console's ends are, in ms.
const oneSecond = 1000

// sameLeases tells whether what a console shows now may be the LeaseSet that was
// seen before: consoles leave out the leases that have ended since.
func sameLeases(before, now []trace.Lease, at int64) bool {
	i := 0
	for _, l := range before {
		if i < len(now) && now[i] == l {
			i++
		} else if l.EndMs > at+oneSecond {
			return false
		}
	}
	return i == len(now)
}

// watch looks until ctx ends, which is no error.
func (o *observer) watch(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := o.look(ctx, every); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look asks all consoles once. One that does not answer is told of and asked again
// the next time: what an observer does not see is no reason to stop.
func (o *observer) look(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, min(limit, 10*time.Second))
	defer cancel()
	type answer struct {
		views []console.LeaseSetView
		err   error
	}
	answers := make([]answer, len(o.consoles))
	var asking sync.WaitGroup
	for i, c := range o.consoles {
		asking.Go(func() { answers[i].views, answers[i].err = c.LeaseSets(ctx) })
	}
	asking.Wait()
	for i, a := range answers {
		if errors.Is(a.err, context.Canceled) || a.err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errInterrupted) {
			return nil
		}
		if a.err != nil {
			if errors.Is(a.err, console.ErrNotFloodfill) {
				return inputErrorf("--console %s: the router is no floodfill, and holds nothing; name another", o.consoles[i].URL)
			}
			o.failed++
			// Each console once, and again when it has answered meanwhile.
			if !o.silent[i] {
				o.warn("%s: %v; see whether the router runs, and its console is on", o.consoles[i].URL, a.err)
			}
			o.silent[i] = true
			continue
		}
		o.silent[i] = false
		if err := o.note(i, a.views); err != nil {
			return err
		}
	}
	return nil
}

// note appends what a console has said.
func (o *observer) note(i int, views []console.LeaseSetView) error {
	now := max(time.Now().UnixMilli(), o.last)
	r := &trace.Record{
		TimeMs: now, Kind: trace.KindPoll, Has: trace.HasTime | trace.HasKind | trace.HasFloodfill | trace.HasFound,
		Floodfill: o.floodfill(i),
	}
	for _, v := range views {
		if v.Destination != o.destination || len(v.Leases) == 0 {
			continue
		}
		r.Kind = trace.KindLookup
		r.Has = trace.HasTime | trace.HasKind | trace.HasFloodfill | trace.HasPublished | trace.HasExpires | trace.HasLeases
		for _, l := range v.Leases {
			r.Leases = append(r.Leases, trace.Lease{Gateway: trace.Hash(l.Gateway), Tunnel: l.Tunnel, EndMs: l.End.Unix() * 1000})
		}
		r.Published = o.remember(r.Leases, now/1000, now)
		r.Expires = max(v.Expires.Unix(), r.Published)
		break
	}
	if err := r.Check(); err != nil {
		o.failed++
		o.warn("%s: what the console shows cannot stand in a trace: %v", o.consoles[i].URL, err)
		return nil
	}
	o.buf = trace.AppendRecord(o.buf[:0], r)
	if _, err := o.file.Write(o.buf); err != nil {
		return err
	}
	o.last = now
	if r.Kind == trace.KindLookup {
		o.found++
	} else {
		o.missing++
	}
	return nil
}

// floodfill stands for the router of a console, which does not tell its hash.
func (o *observer) floodfill(i int) trace.Hash {
	return trace.Hash(wire.HashOf([]byte(strings.TrimSuffix(o.consoles[i].URL, "/"))))
}
