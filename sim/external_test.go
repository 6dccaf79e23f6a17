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

func external(t *testing.T, seed uint64, dest byte) *told {
	t.Helper()
	c := worldOf(SchemeP140, 2)
	c.Network.StoreLoss = 0
	c.each(func(r *Router) { r.BuildSuccess, r.TunnelFailPerHour, r.TestLoss = 1, 0, 0 })
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
	if !x.Do(0, Action{Kind: ActionCreateTunnel, Direction: dir, Request: request, Tunnel: None, Path: path}) {
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
	x.Do(0, Action{Kind: ActionCreateTunnel, Direction: Inbound, Request: 2, Tunnel: None})
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
