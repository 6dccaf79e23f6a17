package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"

	"multihome.i2p/cmd/mhbalance/control"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// probeTimeout is how long a router may take to answer.
const probeTimeout = 5 * time.Second

// clockTolerance is how far a router's clock may be off before mhbalance warns:
// Java I2P refuses LeaseSets and sessions that are dated far off.
const clockTolerance = 30 * time.Second

// finding is what a router says of itself.
type finding struct {
	name, address string
	err           error // nil if it answered
	version       string
	offset        time.Duration
	// list is what the router says of its side of the extension; nil on a stock
	// router, which says no more than its version.
	list *i2cp.CapabilityList
}

// probe is one router to ask.
type probe struct {
	name, address  string
	tls            *tls.Config
	user, password string
}

// probeAll asks all routers at once.
func probeAll(ctx context.Context, routers []probe) []finding {
	found := make([]finding, len(routers))
	var asking sync.WaitGroup
	for i := range routers {
		asking.Go(func() { found[i] = routers[i].ask(ctx) })
	}
	asking.Wait()
	return found
}

func (p *probe) ask(ctx context.Context) finding {
	f := finding{name: p.name, address: p.address}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	conn, err := i2cp.Dial(ctx, p.address, i2cp.Config{
		Username: p.user, Password: p.password, TLS: p.tls, Extension: true,
		Limits: i2cp.Limits{HandshakeTimeout: probeTimeout},
	})
	if err != nil {
		f.err = err
		return f
	}
	defer func() { _ = conn.Close() }() // it always returns nil
	f.version, f.offset = conn.RouterVersion(), conn.ClockOffset()
	if conn.Extension() > 0 {
		f.list, f.err = conn.Capabilities(ctx)
	}
	return f
}

// mend says what to do about a router that did not answer.
func (f *finding) mend() string {
	switch {
	case errors.Is(f.err, i2cp.ErrAuth):
		return "give user and password as the router's I2CP settings have them"
	case errors.Is(f.err, i2cp.ErrHandshake):
		return "see whether that is an I2CP port, and whether it wants TLS"
	}
	return "see whether the router runs and its I2CP port is enabled"
}

// speaks says in a few words what a router is.
func (f *finding) speaks() string {
	if f.list == nil {
		return "I2CP " + f.version + ", stock"
	}
	return fmt.Sprintf("I2CP %s, P140 version %d, %s", f.version, f.list.Version, f.list.Software)
}

func (f *finding) capabilities() string {
	if f.list == nil {
		return "-"
	}
	return control.Capabilities(f.list.Capabilities.Names())
}

// clock warns of a clock that is wrong; "" for one that is not.
func (f *finding) clock() string {
	if f.err != nil || f.offset.Abs() <= clockTolerance {
		return ""
	}
	return fmt.Sprintf("the clock of %s is %v off; set it, or this machine's", f.address, f.offset.Round(time.Second))
}

// same returns, for each router that is the same as an earlier one, the index of
// that one, else -1. Only routers with the extension tell who they are: of two
// stock ones nobody can say.
func same(found []finding) []int {
	first := map[wire.Hash]int{}
	twins := make([]int, len(found))
	for i, f := range found {
		twins[i] = -1
		if f.err != nil || f.list == nil {
			continue
		}
		if j, ok := first[f.list.Router]; ok {
			twins[i] = j
		} else {
			first[f.list.Router] = i
		}
	}
	return twins
}
