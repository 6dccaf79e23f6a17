package live

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// stockState is what a session with a stock router needs beyond the connection.
// Commands own it.
type stockState struct {
	public  bool // it publishes what it is given
	known   bool // whether it does was ever said
	tunnels [2]int32
	hops    int32
	last    *i2cp.RequestVariableLeaseSet
	asked   time.Time // when it asked for a LeaseSet last
	extra   int32     // tunnels that it shall build so that it asks again
}

// An i2pd router forgets a tunnel that is built while it waits for a LeaseSet: it
// asks again with the next tunnel only, which may be after nine minutes
// (Destination.cpp, SetLeaseSetUpdated; I2CP.cpp). One that has asked for fewer
// tunnels than it keeps is told to keep one more: when that is there, it asks for
// all of them. It fills its pool every 10 to 14 s, so nudgeAfter is three rounds.
const (
	nudgeEvery = 5 * time.Second
	nudgeAfter = 45 * time.Second
)

// nudge has a router that has forgotten tunnels ask again.
func (x *life) nudge(ctx context.Context) error {
	st := &x.stock
	if x.managed || x.kind != balancer.KindI2pd || st.last == nil || time.Since(st.asked) < nudgeAfter {
		return nil
	}
	extra := int32(0)
	if int32(len(st.last.Leases)) < st.tunnels[0] {
		extra = 1
		st.asked = time.Now() // and again, if that does not help
	}
	if extra == st.extra {
		return nil
	}
	st.extra = extra
	x.d.log.Debug("router has asked for fewer tunnels than it keeps", "router", x.cfg.Name, "asked", len(st.last.Leases), "keeps", st.tunnels[0])
	return x.reconfigure(ctx)
}

// Options of a session configuration (I2CP specification, Options).
const (
	optDontPublish = "i2cp.dontPublishLeaseSet"
	optQuantityIn  = "inbound.quantity"
	optQuantityOut = "outbound.quantity"
	optLengthIn    = "inbound.length"
	optLengthOut   = "outbound.length"
)

// meetStock tells i2pd from Java I2P: i2pd leaves all of the limits but the
// first two at zero (I2CP.cpp, GetBandwidthLimitsMessageHandler).
func (x *life) meetStock(ctx context.Context) error {
	limits, err := x.conn.BandwidthLimits(ctx)
	if err != nil {
		return err
	}
	x.kind = balancer.KindJava
	if limits.RouterIn == 0 && limits.RouterInBurst == 0 && limits.RouterOut == 0 && limits.RouterOutBurst == 0 && limits.BurstTime == 0 {
		x.kind = balancer.KindI2pd
	}
	x.set(func(st *linkStatus) {
		st.capabilities = nil
		if x.kind == balancer.KindI2pd {
			st.capabilities = []string{"lookup"}
		}
	})
	return nil
}

// coreCaps is what the core may ask of the router.
func (x *life) coreCaps() balancer.Capabilities {
	if x.managed {
		return x.managedCaps()
	}
	if x.kind == balancer.KindI2pd {
		// It asks the floodfills even for its own Destination; Java I2P answers
		// from its own memory.
		return balancer.CapLookup
	}
	return 0
}

// openStock opens a session. Nothing is said of publishing: how that option is
// read at this point changed in i2pd 2.58; see publish.
func (x *life) openStock(ctx context.Context) error {
	hops := strconv.Itoa(x.d.cfg.Hops)
	s, err := x.conn.CreateSession(ctx, x.d.signer.keys, map[string]string{
		optLengthIn: hops, optLengthOut: hops, optQuantityIn: "1", optQuantityOut: "1",
		"inbound.nickname": x.d.cfg.Name, "outbound.nickname": x.d.cfg.Name,
		"i2cp.leaseSetType": "3", "i2cp.leaseSetEncType": "4", "i2cp.fastReceive": "true", "i2cp.messageReliability": "none",
	})
	if err != nil {
		return x.refused(err)
	}
	if x.d.restored > 0 && !x.met.Swap(true) {
		x.d.log.Info("session opened anew: stock routers keep no tunnels and no sessions with clients for a balancer that restarts",
			"router", x.cfg.Name)
	}
	x.opened(s, x.readStock)
	return nil
}

// refused reports a session that was not opened; an error ends the life.
func (x *life) refused(err error) error {
	var status *i2cp.StatusError
	var open *i2cp.OpenError
	var ended *i2cp.ConnError
	switch {
	case errors.As(err, &status) && status.Status == i2cp.SessionInvalid, errors.As(err, &open) && open.Status == i2cp.OpenInUse:
		err = fmt.Errorf("the router serves this Destination already: is it listed twice, or does another program use the key? %w", err)
	case errors.As(err, &status), errors.As(err, &open):
	case errors.As(err, &ended) && strings.Contains(ended.Reason, "Already have session"): // Java I2P disconnects
		return fmt.Errorf("the router serves this Destination already: is it listed twice, or does another program use the key? %w", err)
	default:
		return err
	}
	x.set(func(st *linkStatus) { st.problem = err.Error() })
	x.d.log.Error("session refused", "router", x.cfg.Name, "error", err)
	x.tell(balancer.Event{Kind: balancer.EventSessionStatus, Result: balancer.ResultFailed})
	return nil
}

// readStock takes a message of the session.
func (x *life) readStock(m i2cp.Message) {
	switch m := m.(type) {
	case *i2cp.RequestVariableLeaseSet:
		x.tellLeases(m)
	case *i2cp.RequestLeaseSet:
		r := &i2cp.RequestVariableLeaseSet{Session: m.Session}
		for _, t := range m.Tunnels {
			r.Leases = append(r.Leases, wire.Lease{Gateway: t.Gateway, Tunnel: t.Tunnel, End: m.End})
		}
		x.tellLeases(r)
	case *i2cp.MessagePayload:
		x.receive(m.Payload)
	}
}

// tellLeases passes on what a stock router wants a LeaseSet for.
func (x *life) tellLeases(m *i2cp.RequestVariableLeaseSet) {
	x.order1(func(y *life) { y.stock.last, y.stock.asked = m, time.Now() })
	x.d.post(input{x.id, x, leases, balancer.Event{Kind: balancer.EventLeaseRequest, Router: x.id}, m})
}

// order1 queues something that cannot fail for this very life.
func (x *life) order1(do func(*life)) {
	x.commands.await(command{x, func(_ context.Context, y *life) error { do(y); return nil }}, x.conn.Done())
}

// thawed tells the core again what a router has that was silent.
func (x *life) thawed() {
	if !x.managed {
		x.order1(func(y *life) { y.tellAgain() })
	}
}

// tellAgain tells the core what the router asked a LeaseSet for last: a stock
// router does not ask twice for the same tunnels.
func (x *life) tellAgain() {
	if x.stock.last == nil {
		return
	}
	alive := *x.stock.last
	alive.Leases = nil
	for _, l := range x.stock.last.Leases {
		if time.Until(l.End.Time()) > 0 {
			alive.Leases = append(alive.Leases, l)
		}
	}
	if len(alive.Leases) > 0 {
		x.d.post(input{x.id, x, leases, balancer.Event{Kind: balancer.EventLeaseRequest, Router: x.id}, &alive})
	}
}

// configure has the router keep so many tunnels.
func (x *life) configure(ctx context.Context, inbound, outbound, hops int32) error {
	x.stock.tunnels, x.stock.hops = [2]int32{inbound, outbound}, hops
	if err := x.reconfigure(ctx); err != nil {
		return err
	}
	x.tellAgain() // the core may not have wanted any until now
	return nil
}

// reconfigure tells the router all that it can be told in a session's course.
func (x *life) reconfigure(ctx context.Context) error {
	st := &x.stock
	st.known = true
	options := map[string]string{optDontPublish: strconv.FormatBool(st.public == x.inverted())}
	if st.tunnels[0] > 0 {
		options[optQuantityIn] = strconv.Itoa(int(min(16, st.tunnels[0]+st.extra)))
		options[optQuantityOut] = strconv.Itoa(int(st.tunnels[1]))
		options[optLengthIn] = strconv.Itoa(int(st.hops))
		options[optLengthOut] = options[optLengthIn]
	}
	if err := x.session.Reconfigure(ctx, options); err != nil {
		var status *i2cp.StatusError
		if !errors.As(err, &status) {
			return err
		}
		x.d.log.Warn("router refuses to be reconfigured", "router", x.cfg.Name, "error", err)
	}
	return nil
}

// inverted tells whether the router publishes where it is told not to.
func (x *life) inverted() bool { return x.d.svc.quirks.inverted(x.cfg.Address) }

// publish gives the router a LeaseSet to publish, and to bundle. Whether it
// publishes is said by ReconfigureSession before each change of mind: i2pd reads
// the option there as it always did, where from 2.58 on it reads it the other way
// round in CreateSession.
func (x *life) publish(ctx context.Context, ls signed) error {
	if err := x.setPublic(ctx, true); err != nil {
		return err
	}
	return x.session.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, ls.bytes, ls.keys)
}

// give gives the router a LeaseSet to bundle only.
func (x *life) give(ctx context.Context, ls signed) error {
	if err := x.setPublic(ctx, false); err != nil {
		return err
	}
	return x.session.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, ls.bytes, ls.keys)
}

func (x *life) setPublic(ctx context.Context, public bool) error {
	if x.stock.known && x.stock.public == public {
		return nil
	}
	x.stock.public = public
	return x.reconfigure(ctx)
}

// lookUpStock asks for our own Destination. An i2pd router looks for it in the
// netDb, each time anew, and tells no more than whether it found any LeaseSet.
func (x *life) lookUpStock(ctx context.Context, published int64) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ev := balancer.Event{Kind: balancer.EventLookupResult}
	_, err := x.conn.HostLookup(ctx, i2cp.HostLookup{Kind: i2cp.LookupHash, Hash: x.d.hash})
	var missing *i2cp.LookupError
	switch {
	case err == nil:
		ev.Published, ev.Ours = published, true
		x.d.confirmed(published)
	case errors.As(err, &missing):
		x.d.log.Warn("our LeaseSet is not in the netDb", "asked", x.cfg.Name)
	default:
		ev.Result = balancer.ResultFailed
	}
	x.tell(ev)
}
