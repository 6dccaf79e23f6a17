package sim

import (
	"fmt"
	"testing"

	"multihome.i2p/balancer"
)

// told is an External with what it has told.
type told struct {
	*External
	events []Event
}

func external(t *testing.T, seed uint64, dest byte, change ...func(*Router)) *told {
	t.Helper()
	c := worldOf(SchemeP140, 2)
	c.Network.StoreLoss = 0
	c.each(func(r *Router) { r.BuildSuccess, r.TunnelFailPerHour, r.TestLoss = 1, 0, 0 })
	for _, f := range change {
		c.each(f)
	}
	x := new(told)
	e, err := NewExternal(*c, seed, epochDay, [32]byte{dest}, func(ev *Event) {
		kept := *ev
		kept.Peers = append([]Peer(nil), ev.Peers...)
		kept.Tunnels = append([]Tunnel(nil), ev.Tunnels...)
		x.events = append(x.events, kept)
	})
	if err != nil {
		t.Fatal(err)
	}
	x.External = e
	return x
}

// last returns the last event of a kind, and fails where there was none since the
// last call.
func (x *told) last(t *testing.T, kind balancer.EventKind, what string) Event {
	t.Helper()
	for k := len(x.events) - 1; k >= 0; k-- {
		if x.events[k].Kind == kind {
			ev := x.events[k]
			x.events = x.events[:0]
			return ev
		}
	}
	t.Fatalf("no %s", what)
	return Event{}
}

// build builds a tunnel of router 0.
func (x *told) build(t *testing.T, dir Direction, request RequestID, path []PeerID) Tunnel {
	t.Helper()
	if !x.Do(0, Action{Kind: ActionCreateTunnel, Direction: dir, Request: request, Tunnel: None, Path: path, Hops: 3}) {
		t.Fatal("the router is down")
	}
	x.Advance(x.Now() + 30*Second)
	ev := x.last(t, EventTunnelStatus, "tunnel")
	if ev.Result != ResultOK || ev.Request != request {
		t.Fatalf("build: %+v", ev)
	}
	return ev.Tunnel
}

// TestExternal: one life of a LeaseSet, by commands from outside.
func TestExternal(t *testing.T) {
	x := external(t, 1, 9)
	if x.Do(0, Action{Kind: ActionGetFastTier}) {
		t.Error("a router that was never started obeys")
	}
	x.Start(0)
	x.Do(0, Action{Kind: ActionGetFastTier})
	tier := x.last(t, EventPeerList, "peer list").Peers
	path := []PeerID{tier[2].ID, tier[1].ID, tier[0].ID}
	in := x.build(t, Inbound, 1, path)
	if in.Gateway != path[2] || in.End != epochDay+in.Created+tunnelLifetime {
		t.Errorf("asked for %v, got %+v", path, in)
	}
	x.build(t, Outbound, 2, nil)
	if _, ok := x.Find(); ok {
		t.Error("found before it was published")
	}
	now := int64((epochDay + x.Now()) / Second)
	x.Do(0, Action{
		Kind: ActionPublishLeaseSet, OutboundTunnel: None, ReplyLease: None, Published: now, Expires: int64(in.End / Second),
		Leases: []Lease{{Gateway: in.Gateway, ReceiveID: in.ReceiveID, End: in.End, Tunnel: in.ID}},
	})
	x.Advance(x.Now() + 20*Second)
	if ev := x.last(t, EventPublishStatus, "ack"); ev.Result != ResultOK || ev.Published != now || !ev.Final {
		t.Errorf("published: %+v", ev)
	}
	found, ok := x.Find()
	if !ok || found.Published != now || len(found.Leases) != 1 || !found.Leases[0].Alive || found.Leases[0].ReceiveID != in.ReceiveID {
		t.Errorf("found %+v", found)
	}
	x.Do(0, Action{Kind: ActionLookup})
	x.Advance(x.Now() + 20*Second)
	if ev := x.last(t, EventLookupResult, "lookup"); ev.Published != now {
		t.Errorf("looked up: %+v", ev)
	}
	x.Advance(in.Created + 10*Minute)
	if ev := x.last(t, EventTunnelExpired, "expiry"); ev.Reason != ReasonExpired {
		t.Errorf("expired: %+v", ev)
	}
	x.Advance(in.Created + 20*Minute)
	if _, ok := x.Find(); ok {
		t.Error("found after its end")
	}
}

// TestExternalStop: a router that goes down takes its tunnels along.
func TestExternalStop(t *testing.T) {
	x := external(t, 1, 9)
	x.Start(0)
	x.build(t, Inbound, 1, nil)
	x.Do(0, Action{Kind: ActionCreateTunnel, Direction: Inbound, Request: 2, Tunnel: None, Hops: 3})
	x.Stop(0)
	x.Start(0)
	x.Advance(x.Now() + Minute)
	for _, ev := range x.events {
		if ev.Kind == EventTunnelStatus {
			t.Errorf("a build outlived its router: %+v", ev)
		}
	}
	x.Do(0, Action{Kind: ActionGetTunnelPool, Direction: Inbound})
	if ev := x.last(t, EventTunnelList, "pool"); len(ev.Tunnels) != 0 {
		t.Errorf("tunnels outlived their router: %+v", ev.Tunnels)
	}
}

// TestExternalHops: tunnels are as long as they are asked for, and one without
// hops begins at the router and never fails.
func TestExternalHops(t *testing.T) {
	x := external(t, 1, 9)
	x.cfg.Destination.Routers[0].BuildSuccess = 1e-9
	x.cfg.Destination.Routers[0].TunnelFailPerHour = 1e4
	x.Start(0)
	for _, dir := range [...]Direction{Inbound, Outbound} {
		x.Do(0, Action{Kind: ActionCreateTunnel, Direction: dir, Request: 1, Tunnel: None})
		got := x.last(t, EventTunnelStatus, "tunnel").Tunnel
		if h, _ := x.Hash(got.Gateway); got.Hops != 0 || h != x.RouterHash(0) {
			t.Errorf("%v: %+v", dir, got)
		}
		x.Do(0, Action{Kind: ActionGetTunnelPool, Direction: dir})
		if list := x.last(t, EventTunnelList, "pool").Tunnels; len(list) != 1 || list[0].Hops != 0 {
			t.Errorf("%v: pool %+v", dir, list)
		}
		x.Advance(x.Now() + 2*Minute)
		if !x.Alive(0, got.ID) {
			t.Errorf("%v: it has failed", dir)
		}
	}
	x.cfg.Destination.Routers[0].BuildSuccess = 1
	for hops := range int32(maxHops) {
		x.Do(0, Action{Kind: ActionCreateTunnel, Direction: Inbound, Request: 2, Tunnel: None, Hops: hops + 1})
		x.Advance(x.Now() + 30*Second)
		if got := x.last(t, EventTunnelStatus, "tunnel"); got.Tunnel.Hops != uint8(hops+1) {
			t.Errorf("asked for %d hops: %+v", hops+1, got)
		}
	}
	if got := x.w.routers[0].pools[Inbound].hops; got != 3 {
		t.Errorf("the router's own length is %d now", got)
	}
}

// TestExternalI2pd: an i2pd router's tunnels are told to end 660 s after their
// creation, also where it was frozen meanwhile, however often.
func TestExternalI2pd(t *testing.T) {
	for _, freezes := range []int{0, 1, 5} {
		x := external(t, 1, 9, func(r *Router) { r.Kind = I2pd })
		x.Start(0)
		in := x.build(t, Inbound, 1, nil)
		for range freezes {
			x.Freeze(0)
			if x.Alive(0, in.ID) {
				t.Error("a frozen router's tunnel")
			}
			x.Advance(x.Now() + Minute)
			x.Wake(0)
		}
		ticks := 0
		for at, ok := x.Next(); ok && at < in.Created+11*Minute-Second; at, ok = x.Next() {
			x.Advance(at)
			ticks++
		}
		if !x.Alive(0, in.ID) == (x.Now() < in.Created+10*Minute) {
			t.Error("dead before its end")
		}
		if most := 3 * int((11*Minute)/i2pdRoundEvery); ticks > most {
			t.Errorf("%d freezes: %d events in 11 minutes, want at most %d", freezes, ticks, most)
		}
		for _, ev := range x.events {
			if ev.Kind == EventTunnelExpired {
				t.Errorf("%d freezes: ended before 660 s: %+v", freezes, ev)
			}
		}
		x.Advance(in.Created + 11*Minute + i2pdTickEvery + Second)
		if ev := x.last(t, EventTunnelExpired, "expiry"); ev.Tunnel.ID != in.ID || ev.Reason != ReasonExpired {
			t.Errorf("%d freezes: %+v", freezes, ev)
		}
	}
}

// TestExternalFreeze: what a Java router sleeps through it tells when it wakes.
func TestExternalFreeze(t *testing.T) {
	x := external(t, 1, 9)
	x.Start(0)
	in := x.build(t, Inbound, 1, nil)
	x.Freeze(0)
	x.events = x.events[:0]
	x.Do(0, Action{Kind: ActionGetFastTier})
	x.Advance(in.Created + 10*Minute)
	if len(x.events) > 0 {
		t.Errorf("it talks in its sleep: %+v", x.events)
	}
	x.Wake(0)
	if ev := x.last(t, EventTunnelExpired, "expiry"); ev.Tunnel.ID != in.ID || ev.Reason != ReasonExpired {
		t.Errorf("expired: %+v", ev)
	}
}

// TestExternalSent: a store is told of when it is sent, with where the ack was
// asked for, and an ack that another router relays with where it came in.
func TestExternalSent(t *testing.T) {
	x := external(t, 1, 9)
	x.Start(0)
	x.Start(1)
	in := x.build(t, Inbound, 1, nil) // of router 0
	x.Do(1, Action{Kind: ActionCreateTunnel, Direction: Outbound, Request: 2, Tunnel: None, Hops: 3})
	x.Advance(x.Now() + 30*Second)
	x.events = x.events[:0]
	now := int64((epochDay + x.Now()) / Second)
	x.Do(1, Action{
		Kind: ActionPublishLeaseSet, OutboundTunnel: None, ReplyLease: None, Published: now, Expires: int64(in.End / Second),
		Leases: []Lease{{Gateway: in.Gateway, ReceiveID: in.ReceiveID, End: in.End, Tunnel: in.ID}},
	})
	x.Advance(x.Now() + 30*Second)
	var results []Result
	relayed := 0
	for _, ev := range x.events {
		switch ev.Kind {
		case EventPublishStatus:
			results = append(results, ev.Result)
		case EventAckRelayed:
			relayed++
		}
		if (ev.Kind == EventAckRelayed || ev.Result == ResultSent) && (ev.Tunnel.Gateway != in.Gateway || ev.Tunnel.ReceiveID != in.ReceiveID) {
			t.Errorf("by %+v, want %+v", ev.Tunnel, in)
		}
	}
	if relayed == 0 {
		t.Error("no ack relayed")
	}
	for i, r := range results { // sent, in vain, and sent again
		if want := [...]Result{ResultSent, ResultTimeout}[i%2]; r != want {
			t.Fatalf("results %v", results)
		}
	}
	if len(results) < 3 {
		t.Errorf("results %v", results)
	}
}

// TestExternalNetwork: the same commands give the same events, and two
// Destinations have the same network, but tunnels of their own.
func TestExternalNetwork(t *testing.T) {
	life := func(dest byte) (tier, tunnels string) {
		x := external(t, 5, dest)
		x.Start(0)
		x.Do(0, Action{Kind: ActionGetFastTier})
		tier = fmt.Sprint(x.last(t, EventPeerList, "peer list").Peers, x.RouterHash(1))
		return tier, fmt.Sprint(x.build(t, Inbound, 1, nil))
	}
	tier, tunnels := life(1)
	again, same := life(1)
	other, others := life(2)
	if tier != again || tunnels != same {
		t.Error("the same seed gives another world")
	}
	if tier != other || tunnels == others {
		t.Error("two Destinations share tunnels, or no network")
	}
}
