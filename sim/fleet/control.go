package fleet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

// maxCommand is how long a line of the control socket may be.
const maxCommand = 4096

// command is a line that comes in: a fault, or a lookup.
type command struct {
	Fault  string `json:"fault"`
	Router *int   `json:"router"` // nil for all
	Millis int64  `json:"ms"`     // of a delay, in real time; 0 means 1000
	Lookup string `json:"lookup"` // b32 address
}

// reply is the line that answers it.
type reply struct {
	OK        bool           `json:"ok"`
	Error     string         `json:"error,omitempty"`
	Found     *bool          `json:"found,omitempty"`
	Type      wire.StoreType `json:"type,omitempty"`
	Published int64          `json:"published,omitempty"`
	Expires   int64          `json:"expires,omitempty"`
	Leases    []leaseLine    `json:"leases,omitempty"`
	LeaseSet  []byte         `json:"lease_set,omitempty"` // base64
}

// leaseLine is a lease, and the truth about it.
type leaseLine struct {
	Gateway string `json:"gw"`
	Tunnel  uint32 `json:"tunnel"`
	End     int64  `json:"end"`
	Router  int    `json:"router"`
	Alive   bool   `json:"alive"`
}

// Control takes commands, one JSON object a line, from the connections that come
// in at l, until ctx ends, and answers each with a line. It closes l.
//
//	{"fault":"kill","router":0}
//	{"fault":"delay","router":0,"ms":500}
//	{"lookup":"….b32.i2p"}
//
// Faults are kill, freeze, disconnect, delay, drop, refuse, garbage, and revive,
// which ends them all; without a router they strike every one.
func (f *Fleet) Control(ctx context.Context, l net.Listener) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	return accept(ctx, l, &serving, func(nc net.Conn) { f.obey(ctx, nc) })
}

// obey carries out the commands of one connection.
func (f *Fleet) obey(ctx context.Context, nc net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	defer stop()
	defer func() { _ = nc.Close() }()
	in := bufio.NewScanner(nc)
	in.Buffer(nil, maxCommand)
	answer := func(r reply) bool {
		line, err := json.Marshal(r)
		if err == nil {
			_, err = nc.Write(append(line, '\n'))
		}
		return err == nil
	}
	for in.Scan() {
		if !answer(f.command(in.Bytes())) {
			return
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) {
		answer(reply{Error: fmt.Sprintf("a command has more than %d bytes", maxCommand)})
	}
}

// read reads a command; keys that it does not have are errors.
func (c *command) read(line []byte) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("want one JSON object a line")
	}
	return nil
}

// command carries out one command.
func (f *Fleet) command(line []byte) reply {
	var c command
	if err := c.read(line); err != nil {
		return reply{Error: strings.TrimPrefix(err.Error(), "json: ")}
	}
	switch {
	case c.Lookup != "" && c.Fault == "":
		return f.lookup(c.Lookup)
	case c.Lookup != "" || c.Fault == "":
		return reply{Error: `want either "fault" or "lookup"`}
	}
	struck := f.routers
	if c.Router != nil {
		if *c.Router < 0 || *c.Router >= len(f.routers) {
			return reply{Error: fmt.Sprintf("no router %d: there are %d, from 0", *c.Router, len(f.routers))}
		}
		struck = struck[*c.Router : *c.Router+1]
	}
	if c.Millis < 0 || c.Millis > int64(time.Hour/time.Millisecond) {
		return reply{Error: `"ms" must be from 0 to 3600000`}
	}
	if c.Millis == 0 {
		c.Millis = 1000
	}
	strike := faults[c.Fault]
	if strike == nil {
		return reply{Error: fmt.Sprintf("unknown fault %q; want %s", c.Fault, faultNames)}
	}
	for _, r := range struck {
		if err := strike(r, time.Duration(c.Millis)*time.Millisecond); err != nil {
			return reply{Error: fmt.Sprintf("router %d: %v", r.id, err)}
		}
	}
	return reply{OK: true}
}

// faults are what a command can do to a router; the time is "ms".
var faults = map[string]func(*Router, time.Duration) error{
	"kill":       always((*Router).Kill),
	"freeze":     always((*Router).Freeze),
	"disconnect": always((*Router).Disconnect),
	"drop":       always((*Router).Drop),
	"garbage":    always((*Router).Garbage),
	"refuse":     always(func(r *Router) { r.RefuseBuilds(true) }),
	"delay": func(r *Router, d time.Duration) error {
		r.Delay(d)
		return nil
	},
	"revive": func(r *Router, _ time.Duration) error { return r.Revive() },
}

const faultNames = "kill, freeze, disconnect, delay, drop, refuse, garbage or revive"

// always makes a fault that cannot fail.
func always(strike func(*Router)) func(*Router, time.Duration) error {
	return func(r *Router, _ time.Duration) error {
		strike(r)
		return nil
	}
}

// lookup tells what the netDb has under an address.
func (f *Fleet) lookup(address string) reply {
	key, err := wire.ParseB32(address)
	if err != nil {
		return reply{Error: err.Error()}
	}
	f.enter()
	defer f.leave()
	out := reply{OK: true, Found: new(bool)}
	s, set, _, ok := f.stored(key)
	if !ok {
		return out
	}
	*out.Found = true
	out.Published, out.Expires, out.Type, out.LeaseSet = set.published, set.expires, set.kind, set.bytes
	for i, gateway := range set.gateways {
		l := &set.leases[i]
		line := leaseLine{gateway.String(), l.ReceiveID, int64(l.End / sim.Second), -1, false}
		if l.Tunnel != 0 {
			line.Router = int(l.Router)
			line.Alive = s.reach(entrance{l.Gateway, l.ReceiveID}) != nil
		}
		out.Leases = append(out.Leases, line)
	}
	return out
}
