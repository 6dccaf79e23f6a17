package balancer_test

import (
	"slices"
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// stock runs routers that build their tunnels themselves, three each, and tell
// of them in lease requests; pinned is the mode of bundling.
func stock(t *testing.T, n int, change func(*policy.Options)) *rig {
	t.Helper()
	cfg := config(n, 3*n, named(t, "natural-i2pd", func(o *policy.Options) {
		o.Bundle = policy.BundlePinned
		if change != nil {
			change(o)
		}
	}), 4)
	cfg.ImitateI2pd()
	cfg.Verify = 5 * balancer.Minute
	for i := range cfg.Routers {
		cfg.Routers[i].Kind = balancer.KindI2pd
	}
	r := newRig(t, cfg, 4)
	r.caps = balancer.CapLookup
	r.stock = true
	for id := range cfg.Routers {
		r.crash(balancer.RouterID(id))
	}
	for id := range cfg.Routers {
		r.up(balancer.RouterID(id))
		r.run(r.now + balancer.Second)
		r.leases(balancer.RouterID(id), 3)
	}
	r.run(r.now + balancer.Second)
	return r
}

// leases has a stock router ask for a LeaseSet with n fresh tunnels.
func (r *rig) leases(id balancer.RouterID, n int) {
	ev := balancer.Event{Kind: balancer.EventLeaseRequest, Router: id}
	for range n {
		r.lastID++
		ev.Leases = append(ev.Leases, balancer.Lease{
			Gateway: balancer.PeerID(r.lastID), ReceiveID: r.rng.Uint32(), Tunnel: r.lastID, Router: id,
			End: r.clock(id) + 600*balancer.Second,
		})
	}
	r.step(ev)
}

func (r *rig) seen(router balancer.RouterID, client balancer.ClientID) {
	r.step(balancer.Event{Kind: balancer.EventClientSeen, Router: router, Client: client})
}

// lastOf returns the last action of a kind for a router in the log of actions.
func (r *rig) lastOf(kind balancer.ActionKind, id balancer.RouterID) *balancer.Action {
	for i := len(r.done) - 1; i >= 0; i-- {
		if r.done[i].Kind == kind && r.done[i].Router == id {
			return &r.done[i]
		}
	}
	return nil
}

func (r *rig) count(kind balancer.ActionKind) (n int) {
	for i := range r.done {
		if r.done[i].Kind == kind {
			n++
		}
	}
	return n
}

// Each carrier bundles its own leases, the publisher all of them; the bundles end
// soon, and are renewed in time.
func TestPinnedBundles(t *testing.T) {
	r := stock(t, 4, nil)
	r.run(r.now + 10*balancer.Minute - 30*balancer.Second)
	public := r.last()
	if public.router != 0 {
		t.Fatalf("router %d publishes, want 0", public.router)
	}
	if n := r.routersOf(public.action.Leases); n[0] != 3 || n[1] != 3 || n[2] != 3 || n[3] != 3 {
		t.Errorf("leases %v, want 3 of each router", n)
	}
	last := map[balancer.RouterID]*balancer.Action{}
	gap := map[balancer.RouterID]balancer.Time{}
	for i := range r.done {
		a := &r.done[i]
		if a.Kind != balancer.ActionGiveLeaseSet && a.Kind != balancer.ActionReplyLeaseRequest || a.Router == 0 {
			continue
		}
		for _, l := range a.Leases {
			if l.Router != a.Router && last[a.Router] != nil {
				t.Fatalf("router %d is given a lease of router %d", a.Router, l.Router)
			}
		}
		if a.Leases[0].Router != a.Router {
			continue // before it has leases of its own
		}
		if was := last[a.Router]; was != nil {
			if a.Published <= was.Published {
				t.Errorf("router %d is given version %d after %d", a.Router, a.Published, was.Published)
			}
			gap[a.Router] = max(gap[a.Router], balancer.Time(a.Published-was.Published)*balancer.Second)
		}
		last[a.Router] = a
		if left := a.Expires - a.Published; left > 91 {
			t.Errorf("router %d: a bundle of %d s", a.Router, left)
		}
	}
	for id := balancer.RouterID(1); id < 4; id++ {
		if gap[id] > 31*balancer.Second || gap[id] < 25*balancer.Second {
			t.Errorf("router %d: bundles renewed after up to %v s, want 30", id, gap[id].Seconds())
		}
	}
}

// The first LeaseSet waits for a carrier: clients of the publisher alone would not
// be kept.
func TestFirstPublishWaitsForACarrier(t *testing.T) {
	cfg := config(2, 6, named(t, "natural-i2pd", func(o *policy.Options) { o.Bundle = policy.BundlePinned }), 4)
	cfg.ImitateI2pd()
	for i := range cfg.Routers {
		cfg.Routers[i].Kind = balancer.KindI2pd
	}
	for _, comes := range []bool{true, false} {
		r := newRig(t, cfg, 4)
		r.caps, r.stock = balancer.CapLookup, true
		for id := range cfg.Routers {
			r.crash(balancer.RouterID(id))
			r.up(balancer.RouterID(id))
		}
		r.run(r.now + balancer.Second)
		start := r.now
		r.leases(0, 3)
		r.run(start + 5*balancer.Second)
		if len(r.published) > 0 {
			t.Fatal("published without a carrier")
		}
		want := carrierWaitMax
		if comes {
			r.leases(1, 3)
			want = 7 * balancer.Second
		}
		r.run(start + want)
		if len(r.published) == 0 {
			t.Errorf("carrier comes %v: nothing published after %v s", comes, want.Seconds())
		}
	}
}

// carrierWaitMax is above the longest wait for a carrier.
const carrierWaitMax = 33 * balancer.Second

// A client that writes to the publisher is answered by a carrier, which is where
// it then stays; all others are answered where they write to.
func TestClientsAreCarried(t *testing.T) {
	r := stock(t, 4, nil)
	for c := range balancer.ClientID(6) {
		r.seen(0, c)
	}
	by := map[balancer.RouterID]int{}
	for i := range r.done {
		if a := &r.done[i]; a.Kind == balancer.ActionCarry {
			by[a.Router]++
		}
	}
	if by[0] != 0 || by[1] != 2 || by[2] != 2 || by[3] != 2 {
		t.Errorf("clients of the publisher are carried by %v, want two by each of the others", by)
	}
	r.done = nil
	r.seen(0, 0)
	if r.count(balancer.ActionCarry) != 0 {
		t.Error("a client that still writes to the publisher changes its carrier")
	}
	r.seen(3, 0)
	if a := r.lastOf(balancer.ActionCarry, 3); a == nil || a.Client != 0 {
		t.Error("a client that has come to router 3 is not answered through it")
	}
	if r.lastOf(balancer.ActionGiveLeaseSet, 3) == nil {
		t.Error("router 3 is not given its LeaseSet again for its new client")
	}
}

// A lost carrier's clients are taken over at once, and once more when their
// sessions are old enough, unless they have come.
func TestTakeover(t *testing.T) {
	r := stock(t, 4, nil)
	r.seen(1, 0)
	r.run(r.now + 60*balancer.Second)
	r.seen(1, 1)
	r.run(r.now + 60*balancer.Second)
	r.done = nil
	lost := r.now
	r.crash(1)
	greeted := map[balancer.ClientID]balancer.RouterID{}
	gave := map[balancer.RouterID]bool{}
	for i := range r.done {
		switch a := &r.done[i]; a.Kind {
		case balancer.ActionGiveLeaseSet:
			gave[a.Router] = true
		case balancer.ActionSendPacket:
			if !gave[a.Router] {
				t.Errorf("router %d greets before it has its new LeaseSet", a.Router)
			}
			greeted[a.Client] = a.Router
		}
	}
	if len(greeted) != 2 || greeted[0] < 2 || greeted[1] < 2 {
		t.Fatalf("clients are taken over by %v, want both, by 2 or 3", greeted)
	}
	r.seen(greeted[0], 0)
	r.done = nil
	r.run(lost + 3*balancer.Minute)
	again := 0
	for i := range r.done {
		if a := &r.done[i]; a.Kind == balancer.ActionSendPacket {
			again++
			if a.Client != 1 {
				t.Errorf("client %d is greeted again", a.Client)
			}
		}
	}
	if again < 2 || again > 5 {
		t.Errorf("%d more greetings, want a few to the client that has not come", again)
	}
	if r.count(balancer.ActionRotateKeys) != 0 {
		t.Error("keys were rotated")
	}
}

// What a router that was frozen brings up late moves nobody back.
func TestLateMessagesMoveNobody(t *testing.T) {
	r := stock(t, 4, nil)
	r.seen(1, 0)
	r.run(r.now + 3*balancer.Minute)
	r.freeze(1)
	r.run(r.now + 10*balancer.Second)
	moved := balancer.RouterID(balancer.None)
	for i := range r.done {
		if a := &r.done[i]; a.Kind == balancer.ActionCarry {
			moved = a.Router
		}
	}
	r.seen(moved, 0)
	r.thaw(1)
	r.done = nil
	r.seen(1, 0)
	if r.count(balancer.ActionCarry) != 0 {
		t.Error("a late message moves its client back")
	}
	r.run(r.now + balancer.Minute)
	r.seen(1, 0)
	if a := r.lastOf(balancer.ActionCarry, 1); a == nil {
		t.Error("a client that comes back later is not carried by the router that it writes to")
	}
}

// New keys are of no use to new clients before they are in the netDb: a router that
// has published a moment ago will not publish them yet.
func TestTakeoverOfYoungClientsMayRotateKeys(t *testing.T) {
	const spacing = 20 * balancer.Second
	for _, tt := range []struct {
		age, quiet balancer.Time // of the session, and since the last publish
		want       int
		within     balancer.Time
	}{
		{80 * balancer.Second, 30 * balancer.Second, 1, 2 * balancer.Second},
		{80 * balancer.Second, 5 * balancer.Second, 1, 18 * balancer.Second},
		{3 * balancer.Minute, 30 * balancer.Second, 0, balancer.Minute},
	} {
		r := stock(t, 4, func(o *policy.Options) { o.Rotate = true })
		r.seen(1, 0)
		r.run(r.now + tt.age - tt.quiet)
		r.leases(2, 3)
		r.run(r.now + tt.quiet)
		r.done = nil
		before := r.last()
		crash := r.now
		r.crash(1)
		r.run(crash + tt.within)
		if got := r.count(balancer.ActionRotateKeys); got != tt.want {
			t.Errorf("a client of %v s, %v s after a publish: keys rotated %d times within %v s, want %d",
				tt.age.Seconds(), tt.quiet.Seconds(), got, tt.within.Seconds(), tt.want)
		}
		if last := r.last(); last.action.Published <= before.action.Published {
			t.Error("no new LeaseSet")
		} else if tt.want == 1 && last.at < before.at+spacing {
			t.Errorf("new keys %v s after the last publish", (last.at - before.at).Seconds())
		}
		if tt.want == 0 {
			continue
		}
		keys := slices.IndexFunc(r.done, func(a balancer.Action) bool { return a.Kind == balancer.ActionRotateKeys })
		if keys >= 0 && !slices.ContainsFunc(r.done[keys:], func(a balancer.Action) bool {
			return a.Kind == balancer.ActionSendPacket && a.Client == 0
		}) {
			t.Error("the client is not told of the new keys")
		}
		// The message may get lost, so that it is told again until it comes.
		r.run(r.now + 30*balancer.Second)
		if n := r.count(balancer.ActionSendPacket); n < 4 {
			t.Errorf("a client that does not come was written to %d times", n)
		}
	}
}

// The clients of a router that drains move to others.
func TestDrainedCarrierHandsOver(t *testing.T) {
	r := stock(t, 4, nil)
	r.seen(1, 0)
	r.run(r.now + 3*balancer.Minute)
	r.done = nil
	r.step(balancer.Event{Kind: balancer.EventAdmin, Router: 1, Command: balancer.CommandDrain})
	moved := false
	for i := range r.done {
		if a := &r.done[i]; a.Kind == balancer.ActionSendPacket && a.Client == 0 {
			moved = a.Router != 1
		}
	}
	if !moved {
		t.Error("nobody takes over the client of a router that drains")
	}
}

// When the publisher is lost, the carrier with the fewest clients publishes, and
// what it carried moves on.
func TestPublisherLost(t *testing.T) {
	r := stock(t, 4, nil)
	r.seen(1, 0)
	r.seen(1, 1)
	r.seen(2, 2)
	r.seen(3, 3)
	r.seen(3, 4)
	r.run(r.now + 3*balancer.Minute)
	r.done = nil
	r.crash(0)
	r.run(r.now + 5*balancer.Second)
	if p := r.last(); p.router != 2 {
		t.Errorf("router %d publishes, want 2, which has the fewest clients", p.router)
	}
	if a := r.lastOf(balancer.ActionSendPacket, 2); a != nil {
		t.Error("the publisher greets clients")
	}
	moved := false
	for i := range r.done {
		if a := &r.done[i]; a.Kind == balancer.ActionSendPacket {
			moved = moved || a.Client == 2
		}
	}
	if !moved {
		t.Error("the client of the new publisher was not moved")
	}
	r.up(0)
	r.run(r.now + balancer.Second)
	r.leases(0, 3)
	r.run(r.now + 30*balancer.Second)
	if p := r.last(); p.router != 0 {
		t.Errorf("router %d publishes after the return of 0", p.router)
	}
	if a := r.lastOf(balancer.ActionGiveLeaseSet, 2); a == nil {
		t.Error("router 2 keeps the whole LeaseSet after it has ceased to publish")
	} else {
		for _, l := range a.Leases {
			if l.Router != 2 {
				t.Fatalf("router 2 bundles a lease of router %d", l.Router)
			}
		}
	}
}

// A stock router is told how many tunnels to keep, more when others are lost.
func TestStockRoutersAreToldHowMany(t *testing.T) {
	r := stock(t, 3, nil)
	if a := r.lastOf(balancer.ActionConfigureTunnels, 1); a == nil || a.Inbound != 3 || a.Outbound != 2 {
		t.Fatalf("router 1 is told %+v, want 3 and 2", a)
	}
	r.crash(2)
	if a := r.lastOf(balancer.ActionConfigureTunnels, 1); a == nil || a.Inbound != 4 {
		t.Errorf("after a loss router 1 is told %+v, want 4 inbound", a)
	}
	if n := r.count(balancer.ActionCreateTunnel); n != 0 {
		t.Errorf("%d tunnels asked of stock routers", n)
	}
}

// What a stock router has published is looked for, and published again if it is
// not there; a lookup that failed says nothing.
func TestVerify(t *testing.T) {
	r := stock(t, 2, nil)
	r.run(r.now + balancer.Minute)
	if r.count(balancer.ActionLookup) == 0 {
		t.Fatal("nothing is looked up after a publish")
	}
	published := len(r.published)
	r.step(balancer.Event{Kind: balancer.EventLookupResult, Router: 1, Result: balancer.ResultTimeout})
	r.run(r.now + balancer.Second)
	if len(r.published) != published {
		t.Error("published again after a lookup that failed")
	}
	r.step(balancer.Event{Kind: balancer.EventLookupResult, Router: 1, Published: r.last().action.Published, Ours: true})
	r.run(r.now + balancer.Second)
	if len(r.published) != published {
		t.Error("published again though it was found")
	}
	r.step(balancer.Event{Kind: balancer.EventLookupResult, Router: 1})
	r.run(r.now + 30*balancer.Second)
	if len(r.published) == published {
		t.Error("not published again though it was not found")
	}
}

// Routers that report acks have looked themselves: under an imitation a lookup beside
// theirs would show that there is somebody else.
func TestMimicLooksNothingUp(t *testing.T) {
	cfg := config(3, 16, named(t, "mimic", func(o *policy.Options) { o.Masked = true }), 43)
	cfg.Verify = 5 * balancer.Minute
	r := newRig(t, cfg, 43)
	r.run(balancer.Hour)
	if len(r.published) == 0 {
		t.Fatal("nothing was published")
	}
	if r.lookups != 0 {
		t.Errorf("%d lookups in an hour", r.lookups)
	}
}

// A stock router that has bundled its own leases under versions above the public one
// and then becomes the publisher publishes a version above all of them, at its time
// and not before, and gives no lease that has ended: its clients would take no older
// one.
func TestCarrierBecomesPublisher(t *testing.T) {
	for _, tt := range []struct {
		name    string
		clients int // each that comes has router 1 given one more version of its bundle
		age     balancer.Time
	}{
		{"no client", 0, balancer.Minute},
		{"one client", 1, balancer.Minute},
		{"versions ahead of the clock", 12, 0},
		{"versions ahead of the clock, later", 12, 3 * balancer.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := stock(t, 2, nil)
			r.run(r.now + tt.age)
			for c := range tt.clients {
				r.seen(1, balancer.ClientID(c))
			}
			bundle := r.lastOf(balancer.ActionGiveLeaseSet, 1)
			if bundle == nil {
				bundle = r.lastOf(balancer.ActionReplyLeaseRequest, 1)
			}
			given := bundle.Published
			if public := r.last(); public.router != 0 || tt.clients > 0 && given <= public.action.Published {
				t.Fatalf("router %d publishes %d, router 1 bundles %d: not what is to be tested", public.router, public.action.Published, given)
			}
			r.done = nil
			r.crash(0)
			r.run(r.now + balancer.Minute)
			public := r.last()
			if public.router != 1 || public.action.Published <= given {
				t.Fatalf("router %d publishes %d, want router 1 above %d", public.router, public.action.Published, given)
			}
			for i := range r.published {
				p := &r.published[i]
				if wall := p.at + wallOffset; balancer.Time(p.action.Published)*balancer.Second > wall {
					t.Errorf("version %d is published %v s before its time", p.action.Published,
						(balancer.Time(p.action.Published)*balancer.Second - wall).Seconds())
				}
			}
			for i := range r.done {
				for _, l := range r.done[i].Leases {
					if l.Router == 0 {
						t.Fatalf("action %d lists a lease of the lost router", r.done[i].Kind)
					}
				}
			}
		})
	}
}

// What a router is given to bundle has no lease that has ended, also where a lease
// ends by the balancer's clock before it does by its router's, and nothing else
// happens then.
func TestBundleWithoutEndedLeases(t *testing.T) {
	for _, behind := range []balancer.Time{0, 30 * balancer.Second} {
		r := stock(t, 3, nil)
		r.jump[2] = -behind
		r.step(balancer.Event{Kind: balancer.EventClock, Router: 2, At: wallOffset - behind})
		r.leases(2, 3)
		start := r.now
		r.run(start + 5*balancer.Minute)
		r.leases(0, 3)
		r.leases(1, 3)
		r.run(start + 600*balancer.Second - behind - 5*balancer.Second)
		r.done = nil
		// Each client that comes has its router given a bundle.
		for k := range 15 {
			at := r.now + wallOffset
			r.seen(2, balancer.ClientID(k))
			for i := range r.done {
				for _, l := range r.done[i].Leases {
					if l.End <= at {
						t.Fatalf("clock %v s behind: action %d at %v s lists a lease of router %d that ended %v s ago", behind.Seconds(),
							r.done[i].Kind, (r.now - start).Seconds(), l.Router, (at - l.End).Seconds())
					}
				}
			}
			r.done = nil
			r.run(r.now + balancer.Second)
		}
		if n := r.routersOf(r.last().action.Leases); n[2] != 0 {
			t.Errorf("clock %v s behind: %d leases of a router that has asked for none since", behind.Seconds(), n[2])
		}
	}
}
