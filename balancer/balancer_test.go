package balancer_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

func TestFourRoutersShareOneLeaseSet(t *testing.T) {
	r := newRig(t, config(4, 16, named(t, "per-router", nil), 1), 1)
	r.run(2 * balancer.Hour)
	last := r.last()
	if got := r.routersOf(last.action.Leases); !slices.Equal(got, []int{4, 4, 4, 4}) {
		t.Errorf("leases of each router = %v, want 4 each", got)
	}
	for i, w := range r.watched {
		if !w {
			t.Errorf("router %d: no heartbeat asked for", i)
		}
	}
	checkPublications(t, r, 16)
}

// checkPublications tests what every LeaseSet must satisfy (LeaseSet2 limits;
// router habits of docs/model.md).
func checkPublications(t rapid.TB, r *rig, leases int) {
	var before publication
	for i, p := range r.published {
		a := &p.action
		if n := len(a.Leases); n < 1 || n > leases {
			t.Fatalf("publication %d has %d leases, want 1..%d", i, n, leases)
		}
		wall := int64((p.at + wallOffset) / balancer.Second)
		if a.Published > wall+1 {
			t.Fatalf("publication %d is %d s ahead of the clock", i, a.Published-wall)
		}
		earliest, latest := a.Leases[0].End, a.Leases[0].End
		for j, l := range a.Leases {
			if j > 0 && l.End > a.Leases[j-1].End {
				t.Fatalf("publication %d: lease %d ends after lease %d", i, j, j-1)
			}
			if l.End%balancer.Second != 0 {
				t.Fatalf("publication %d: lease %d ends between seconds", i, j)
			}
			if l.End <= p.at+wallOffset {
				t.Fatalf("publication %d lists a lease that has ended", i)
			}
			earliest, latest = min(earliest, l.End), max(latest, l.End)
		}
		if a.Expires != int64(latest/balancer.Second) {
			t.Fatalf("publication %d expires %d, its latest lease %d", i, a.Expires, latest/balancer.Second)
		}
		if i > 0 && p.router == before.router {
			if a.Published < before.action.Published {
				t.Fatalf("publication %d: published fell", i)
			}
			if a.Published > before.action.Published {
				if e := slices.MinFunc(before.action.Leases, byEnd).End; earliest <= e {
					t.Fatalf("publication %d: earliest end did not rise: %v after %v", i, earliest, e)
				}
			}
			if gap := p.at - before.at; gap < 60*balancer.Second {
				t.Fatalf("publication %d: %v after the last, closer than 60 s", i, gap)
			}
		}
		before = p
	}
}

func byEnd(a, b balancer.Lease) int {
	return int(min(1, max(-1, a.End-b.End)))
}

// Whatever happens to the routers, what is published keeps the rules, and the
// core comes back to a full LeaseSet when the trouble is over.
func TestRulesHoldUnderFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(rt, "routers")
		leases := rapid.IntRange(1, 16).Draw(rt, "leases")
		name := rapid.SampledFrom([]string{"per-router", "superset", "shared-key", "common-pool", "mimic"}).Draw(rt, "policy")
		r := newRig(rt, config(n, leases, named(rt, name, nil), rapid.Uint64().Draw(rt, "seed")), rapid.Uint64().Draw(rt, "world"))
		r.success = rapid.Float64Range(0.3, 1).Draw(rt, "success")
		for range rapid.IntRange(0, 30).Draw(rt, "faults") {
			r.run(r.now + balancer.Time(rapid.Int64Range(1, int64(15*balancer.Minute)).Draw(rt, "wait")))
			id := balancer.RouterID(rapid.IntRange(0, n-1).Draw(rt, "router"))
			switch rapid.IntRange(0, 8).Draw(rt, "fault") {
			case 0:
				r.crash(id)
			case 1:
				r.up(id)
			case 2:
				r.freeze(id)
			case 3:
				r.thaw(id)
			case 4:
				r.step(balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandDrain})
			case 5:
				r.step(balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandUndrain})
			case 6:
				r.ackLost = !r.ackLost
			case 7:
				r.failOne(id)
			case 8:
				r.step(balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandWeight, Weight: int32(rapid.IntRange(0, 5).Draw(rt, "weight"))})
			}
		}
		checkPublications(rt, r, leases)
		r.ackLost = false
		r.success = 0.9
		for i := range n {
			id := balancer.RouterID(i)
			r.step(balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandUndrain})
			r.step(balancer.Event{Kind: balancer.EventAdmin, Router: id, Command: balancer.CommandWeight})
			r.up(id)
		}
		r.run(r.now + 40*balancer.Minute)
		checkPublications(rt, r, leases)
		got := 0
		for _, p := range r.published {
			if p.at > r.now-15*balancer.Minute {
				got = max(got, len(p.action.Leases))
			}
		}
		if got != leases {
			rt.Fatalf("40 minutes after the last fault no LeaseSet has more than %d leases, want %d", got, leases)
		}
	})
}

// failOne kills one of a router's tunnels.
func (r *rig) failOne(id balancer.RouterID) {
	least := balancer.TunnelID(0)
	for k := range r.tunnels[id] {
		if least == 0 || k < least {
			least = k
		}
	}
	if least == 0 {
		return
	}
	w := r.tunnels[id][least]
	delete(r.tunnels[id], least)
	r.step(balancer.Event{Kind: balancer.EventTunnelExpired, Router: id, Tunnel: w, Reason: balancer.ReasonFailed})
}

func TestLostRouterIsReplacedByTheOthers(t *testing.T) {
	for _, how := range []string{"crash", "freeze"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, config(4, 16, named(t, "per-router", nil), 3), 3)
			r.run(balancer.Hour)
			if how == "crash" {
				r.crash(0)
			} else {
				r.freeze(0)
			}
			from := len(r.published)
			r.success = 0.98
			r.run(r.now + 12*balancer.Minute)
			// The publisher was the one that was lost, so another one must have
			// taken over, and at the latest one spacing later its leases are gone.
			first := r.published[from]
			if first.router == 0 || r.routersOf(first.action.Leases)[0] != 0 {
				t.Errorf("first LeaseSet after the loss: published by %d with leases %v", first.router, r.routersOf(first.action.Leases))
			}
			if wait := first.at - balancer.Hour; wait > 70*balancer.Second {
				t.Errorf("published %v s after the loss, later than the spacing allows", wait.Seconds())
			}
			got := r.routersOf(r.last().action.Leases)
			if !slices.Equal(got, []int{0, 6, 5, 5}) {
				t.Errorf("leases after the others have refilled = %v, want [0 6 5 5]", got)
			}
			if how == "crash" {
				r.up(0)
			} else {
				r.thaw(0)
			}
			r.run(r.now + 20*balancer.Minute)
			if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, []int{4, 4, 4, 4}) {
				t.Errorf("leases after its return = %v, want 4 each", got)
			}
		})
	}
}

// A frozen router that thaws within its tunnels' lifetime brings them back.
func TestThawedRouterBringsItsTunnelsBack(t *testing.T) {
	r := newRig(t, config(2, 4, named(t, "per-router", nil), 4), 4)
	r.success = 1
	r.run(balancer.Hour)
	var kept []uint32
	for _, l := range r.last().action.Leases {
		if l.Router == 1 {
			kept = append(kept, l.ReceiveID)
		}
	}
	r.freeze(1)
	r.run(r.now + 20*balancer.Second)
	r.thaw(1)
	r.run(r.now + 65*balancer.Second)
	back := 0
	for _, l := range r.last().action.Leases {
		if slices.Contains(kept, l.ReceiveID) {
			back++
		}
	}
	if back == 0 {
		t.Errorf("none of the leases %v came back in %v", kept, r.last().action.Leases)
	}
}

func TestStandby(t *testing.T) {
	r := newRig(t, config(20, 16, named(t, "per-router", nil), 5), 5)
	r.run(balancer.Hour)
	want := append(slices.Repeat([]int{1}, 16), 0, 0, 0, 0)
	if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, want) {
		t.Errorf("leases of 20 routers = %v, want one each of the first 16", got)
	}
	r.crash(2)
	r.run(r.now + 20*balancer.Minute)
	want[2], want[16] = 0, 1
	if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, want) {
		t.Errorf("after the loss of router 2: %v, want router 16 in its place", got)
	}
}

func TestQuotas(t *testing.T) {
	for _, c := range []struct {
		leases  int
		weights []int32
		want    []int
	}{
		{16, []int32{0, 0, 0}, []int{6, 5, 5}},
		{12, []int32{0, 0, 0, 0}, []int{3, 3, 3, 3}},
		{16, []int32{3, 1}, []int{12, 4}},
		{5, []int32{1, 1}, []int{3, 2}},
	} {
		cfg := config(len(c.weights), c.leases, named(t, "per-router", nil), 6)
		for i, w := range c.weights {
			cfg.Routers[i].Weight = w
		}
		r := newRig(t, cfg, 6)
		r.run(balancer.Hour)
		if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, c.want) {
			t.Errorf("%d leases, weights %v: %v, want %v", c.leases, c.weights, got, c.want)
		}
	}
}

func TestDrain(t *testing.T) {
	r := newRig(t, config(2, 8, named(t, "per-router", nil), 7), 7)
	r.run(balancer.Hour)
	r.step(balancer.Event{Kind: balancer.EventAdmin, Router: 1, Command: balancer.CommandDrain})
	r.run(r.now + 11*balancer.Minute)
	if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, []int{8, 0}) {
		t.Errorf("a tunnel's lifetime after the drain: %v, want [8 0]", got)
	}
	r.step(balancer.Event{Kind: balancer.EventAdmin, Router: 1, Command: balancer.CommandUndrain})
	r.run(r.now + 20*balancer.Minute)
	if got := r.routersOf(r.last().action.Leases); !slices.Equal(got, []int{4, 4}) {
		t.Errorf("after the undrain: %v, want [4 4]", got)
	}
}

func TestPublishers(t *testing.T) {
	through := func(publisher string) map[balancer.RouterID]int {
		r := newRig(t, config(3, 6, named(t, "per-router", func(o *policy.Options) { o.Publisher = publisher }), 8), 8)
		r.run(2 * balancer.Hour)
		n := map[balancer.RouterID]int{}
		for _, p := range r.published {
			n[p.router]++
		}
		return n
	}
	if n := through("fixed"); len(n) != 1 || n[0] == 0 {
		t.Errorf("fixed: published through %v, want router 0 only", n)
	}
	n := through("rotate")
	if len(n) != 3 || n[0]-n[2] > 1 {
		t.Errorf("rotate: published through %v, want all in turn", n)
	}
	n = through("all")
	if len(n) != 3 || n[0] != n[1] || n[1] != n[2] {
		t.Errorf("all: published through %v, want all alike", n)
	}
}

// namer publishes through routers 0 and 2, over paths that it names.
type namer struct {
	balancer.Policy
	outbound balancer.TunnelID // None: the oldest one that the router has
	reply    int32
}

func (p *namer) Publishers(v *balancer.View, leases []balancer.Lease, out []balancer.Send) []balancer.Send {
	for _, r := range []balancer.RouterID{2, 0, 2, 99, balancer.None} {
		s := balancer.Send{Router: r, Outbound: p.outbound, ReplyLease: p.reply}
		if r >= 0 && int(r) < v.Routers() && p.outbound == balancer.None {
			if own := v.Tunnels(r, balancer.Outbound, nil); len(own) > 0 {
				s.Outbound = own[0]
			}
		}
		out = append(out, s)
	}
	return out
}

// An i2pd router fills its pool and then judges its tunnels, in one round: what
// failed is replaced in the next round, 10 to 14 s later, however many failed.
func TestI2pdReplacesAFailedTunnelInItsNextRound(t *testing.T) {
	for seed := range uint64(20) {
		cfg := config(1, 8, named(t, "single", nil), seed)
		cfg.Routers[0].Kind = balancer.KindI2pd
		r := newRig(t, cfg, seed)
		r.success = 1
		r.run(2*balancer.Minute + balancer.Time(seed)*balancer.Second)
		before := r.lastID
		failed := balancer.TunnelID(0)
		for id, w := range r.tunnels[0] {
			if w.Direction == balancer.Inbound {
				failed = max(failed, id)
			}
		}
		for range 2 {
			w := r.tunnels[0][failed]
			delete(r.tunnels[0], failed)
			r.step(balancer.Event{Kind: balancer.EventTunnelExpired, Tunnel: w, Reason: balancer.ReasonFailed})
			failed--
			for r.tunnels[0][failed].Direction != balancer.Inbound {
				failed--
			}
		}
		at := r.now
		r.run(at + 15*balancer.Second - 1)
		if r.lastID != before {
			t.Errorf("seed %d: %d builds before the next round", seed, r.lastID-before)
		}
		r.run(at + 15*balancer.Second)
		if r.lastID != before+2 {
			t.Errorf("seed %d: %d builds in the next round, want 2", seed, r.lastID-before)
		}
	}
}

// newRigWith runs routers of other capabilities for two hours.
func newRigWith(t *testing.T, cfg balancer.Config, seed uint64, caps balancer.Capabilities) *rig {
	t.Helper()
	r := newRig(t, cfg, seed)
	r.caps = caps
	for id := range cfg.Routers {
		r.crash(balancer.RouterID(id))
	}
	for id := range cfg.Routers {
		r.up(balancer.RouterID(id))
	}
	r.published = nil
	r.run(2 * balancer.Hour)
	return r
}

// A policy may publish through several routers, and name for each the outbound
// tunnel and the reply lease; what is not there is left to the routers' rule.
func TestPublishersNamePaths(t *testing.T) {
	run := func(p balancer.Policy, caps balancer.Capabilities) *rig {
		return newRigWith(t, config(3, 6, p, 8), 8, caps)
	}
	const all = balancer.CapP140
	base := named(t, "per-router", nil)
	good := run(&namer{base, balancer.None, 1}, all)
	n := map[balancer.RouterID]int{}
	for _, p := range good.published {
		n[p.router]++
		owner, ok := good.owners[p.action.OutboundTunnel]
		if !ok || owner != p.router {
			t.Fatalf("router %d is to publish through tunnel %d of router %d (%v)", p.router, p.action.OutboundTunnel, owner, ok)
		}
		if len(p.action.Leases) > 1 && p.action.ReplyLease != 1 {
			t.Errorf("reply lease %d, want 1", p.action.ReplyLease)
		}
	}
	if len(n) != 2 || n[0] < 10 || n[2] < 10 {
		t.Errorf("published through %v, want routers 0 and 2", n)
	}
	for name, r := range map[string]*rig{
		"a tunnel and a lease that do not exist": run(&namer{base, 1 << 40, 16}, all),
		"routers that take no names":             run(&namer{base, balancer.None, 1}, all&^balancer.CapPublishNamed),
	} {
		if len(r.published) == 0 {
			t.Errorf("%s: nothing was published", name)
		}
		for _, p := range r.published {
			if p.action.OutboundTunnel != balancer.None || p.action.ReplyLease != balancer.None {
				t.Fatalf("%s: tunnel %d, reply lease %d, want the rule for both", name, p.action.OutboundTunnel, p.action.ReplyLease)
			}
		}
	}
}

// Where another router would not pass an ack up, the publisher asks for it at a
// lease of its own.
func TestAcksThatNobodyRelaysComeHome(t *testing.T) {
	const noRelay = balancer.CapP140 &^ balancer.CapAckRelay
	for _, c := range []struct {
		caps  balancer.Capabilities
		named bool
	}{{balancer.CapP140, false}, {noRelay, true}, {noRelay &^ balancer.CapPublishNamed, false}} {
		r := newRigWith(t, config(3, 6, named(t, "per-router", nil), 8), 8, c.caps)
		for _, p := range r.published {
			a := &p.action
			foreign, own := false, false
			for _, l := range a.Leases {
				own = own || l.Router == p.router
				foreign = foreign || l.Router != p.router
			}
			switch {
			case !c.named || !foreign || !own:
				if a.ReplyLease != balancer.None {
					t.Fatalf("capabilities %b: reply lease %d of %v, want the rule", c.caps, a.ReplyLease, a.Leases)
				}
			case a.ReplyLease == balancer.None || a.Leases[a.ReplyLease].Router != p.router:
				t.Fatalf("capabilities %b: reply lease %d of %v is not router %d's", c.caps, a.ReplyLease, a.Leases, p.router)
			}
		}
		if len(r.published) < 10 {
			t.Errorf("capabilities %b: %d publishes", c.caps, len(r.published))
		}
	}
}

func TestPublishIsRetriedUntilConfirmed(t *testing.T) {
	r := newRig(t, config(1, 1, named(t, "single", nil), 9), 9)
	r.ackLost = true
	r.run(30 * balancer.Minute)
	again := 0
	for i := 1; i < len(r.published); i++ {
		if r.published[i].action.Published == r.published[i-1].action.Published {
			again++
			// The store gives up after 60 s, the retry comes 20 to 40 s later.
			if gap := r.published[i].at - r.published[i-1].at; gap < 80*balancer.Second || gap >= 100*balancer.Second {
				t.Errorf("retry after %v s, want 80 to 100", gap.Seconds())
			}
		}
	}
	if again == 0 {
		t.Fatal("a publish that nobody acknowledged was never tried again")
	}
	r.ackLost = false
	r.run(r.now + 10*balancer.Minute)
	from := len(r.published)
	r.run(r.now + balancer.Hour)
	for i := from; i < len(r.published); i++ {
		if r.published[i].action.Published == r.published[i-1].action.Published {
			t.Error("a confirmed LeaseSet was published again")
		}
	}
}

func TestRelayedAckGoesToThePublisher(t *testing.T) {
	r := newRig(t, config(2, 4, named(t, "per-router", nil), 10), 10)
	r.ackLost = true
	r.run(10 * balancer.Minute)
	r.step(balancer.Event{Kind: balancer.EventAckRelayed, Router: 1, Published: r.last().action.Published})
	if r.relayed != 1 {
		t.Errorf("the publisher was told of the ack %d times, want once", r.relayed)
	}
}

func TestLookupOfAStrangersLeaseSetPublishesAgain(t *testing.T) {
	r := newRig(t, config(1, 2, named(t, "single", nil), 11), 11)
	r.run(20 * balancer.Minute)
	before := r.last()
	theirs := int64((r.now + wallOffset) / balancer.Second)
	r.step(balancer.Event{Kind: balancer.EventLookupResult, Router: balancer.None, Published: theirs})
	r.run(r.now + 65*balancer.Second)
	if got := r.last().action.Published; got <= theirs {
		t.Errorf("published %d after %d, want more than the stranger's %d", got, before.action.Published, theirs)
	}
}

func TestRestoreKeepsPublishedRising(t *testing.T) {
	cfg := config(1, 2, named(t, "single", nil), 12)
	r := newRig(t, cfg, 12)
	known := int64(wallOffset/balancer.Second) + 30
	r.step(balancer.Event{Kind: balancer.EventRestore, Router: balancer.None, Published: known})
	r.run(10 * balancer.Minute)
	if got := r.published[0].action.Published; got <= known {
		t.Errorf("first published %d, want more than the restored %d", got, known)
	}
}

func TestRefusedSessionIsTriedAgain(t *testing.T) {
	r := newRig(t, config(1, 2, named(t, "single", nil), 13), 13)
	r.run(10 * balancer.Minute)
	r.crash(0)
	r.refusals = 3
	r.up(0)
	from := len(r.published)
	r.run(r.now + 25*balancer.Second)
	if r.refusals != 0 {
		t.Errorf("%d of 3 refusals left after 25 s, want a try every 10 s", r.refusals)
	}
	r.run(r.now + 5*balancer.Minute)
	if len(r.published) == from {
		t.Error("nothing was published after the session was granted at last")
	}
}

// A stock router is served by merging its lease requests, each answered at
// once.
// Stock routers are merged, whatever the policy would have those do that take commands.
func TestStockRouterLeaseRequest(t *testing.T) {
	for _, name := range []string{"per-router", "mimic"} {
		t.Run(name, func(t *testing.T) { stockRouterLeaseRequest(t, name) })
	}
}

func stockRouterLeaseRequest(t *testing.T, name string) {
	cfg := config(2, 4, named(t, name, nil), 14)
	b := balancer.New(cfg)
	var acts []balancer.Action
	step := func(now balancer.Time, ev balancer.Event) []balancer.Action {
		acts = b.Step(now, &ev, acts[:0])
		return acts
	}
	step(1, balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: wallOffset})
	for i := range 2 {
		id := balancer.RouterID(i)
		step(1, balancer.Event{Kind: balancer.EventClock, Router: id, At: wallOffset})
		step(1, balancer.Event{Kind: balancer.EventRouterUp, Router: id})
		step(1, balancer.Event{Kind: balancer.EventSessionStatus, Router: id})
	}
	lease := func(k int) balancer.Lease {
		return balancer.Lease{
			Gateway: balancer.PeerID(k), ReceiveID: uint32(k), Tunnel: balancer.TunnelID(k),
			End: wallOffset + 600*balancer.Second + balancer.Time(k)*balancer.Second,
		}
	}
	reply := func(id balancer.RouterID, ls ...balancer.Lease) []balancer.Lease {
		for _, a := range step(2*balancer.Second, balancer.Event{Kind: balancer.EventLeaseRequest, Router: id, Leases: ls}) {
			if a.Kind == balancer.ActionReplyLeaseRequest && a.Router == id {
				return slices.Clone(a.Leases)
			}
		}
		t.Fatal("the request was not answered at once")
		return nil
	}
	reply(0, lease(1), lease(2))
	if got := reply(1, lease(3), lease(4)); len(got) != 4 || got[0].ReceiveID != 4 || got[3].ReceiveID != 1 {
		t.Errorf("merged leases = %v, want those of both routers, newest end first", got)
	}
	if got := reply(0, lease(2), lease(5)); len(got) != 4 || got[0].ReceiveID != 5 {
		t.Errorf("after a change = %v, want lease 5 first and 1 gone", got)
	}
}

// Reset gives what New gives, and the same events give the same actions.
func TestDeterminism(t *testing.T) {
	for _, name := range policy.Names() {
		n := 4
		if name == "single" {
			n = 1
		}
		first := newRig(t, config(n, 16, named(t, name, nil), 15), 15)
		first.run(3 * balancer.Hour)
		again := config(n, 16, named(t, name, nil), 15)
		used := newRig(t, config(n, 8, named(t, name, nil), 99), 99)
		used.run(balancer.Hour)
		used.b.Reset(again)
		second := newRigOn(t, used.b, again, 15)
		second.run(3 * balancer.Hour)
		if !reflect.DeepEqual(first.published, second.published) {
			t.Errorf("%s: the same seed gave other publications after Reset", name)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, name := range policy.Names() {
		n := 4
		if name == "single" {
			n = 1
		}
		r := newRig(t, config(n, 16, named(t, name, nil), 16), 16)
		r.run(8 * balancer.Hour)

		b := balancer.New(config(n, 16, named(t, name, nil), 16))
		acts := make([]balancer.Action, 0, 64)
		log := r.log
		i := 0
		for ; i < len(log) && log[i].now < 4*balancer.Hour; i++ {
			acts = b.Step(log[i].now, &log[i].ev, acts[:0])
		}
		left := len(log) - i - 1
		got := testing.AllocsPerRun(left, func() {
			acts = b.Step(log[i].now, &log[i].ev, acts[:0])
			i++
		})
		if got != 0 {
			t.Errorf("%s: %v allocations a Step in the steady state, want 0", name, got)
		}
	}
}

func BenchmarkStep(b *testing.B) {
	r := newRig(b, config(4, 16, named(b, "per-router", nil), 17), 17)
	r.run(12 * balancer.Hour)
	log := r.log
	core := balancer.New(config(4, 16, named(b, "per-router", nil), 17))
	acts := make([]balancer.Action, 0, 64)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(log) {
			b.StopTimer()
			core.Reset(config(4, 16, named(b, "per-router", nil), 17))
			i = 0
			b.StartTimer()
		}
		acts = core.Step(log[i].now, &log[i].ev, acts[:0])
		i++
	}
}

func TestDrainedPublisherHandsOver(t *testing.T) {
	for _, how := range []balancer.Event{
		{Kind: balancer.EventAdmin, Command: balancer.CommandDrain},
		{Kind: balancer.EventAdmin, Command: balancer.CommandWeight, Weight: 0},
	} {
		cfg := config(2, 8, named(t, "per-router", nil), 18)
		cfg.Routers[0].Weight, cfg.Routers[1].Weight = 1, 1
		r := newRig(t, cfg, 18)
		r.run(balancer.Hour)
		r.step(how)
		r.run(r.now + 15*balancer.Minute)
		from := len(r.published)
		r.run(r.now + balancer.Hour)
		for _, p := range r.published[from:] {
			if p.router == 0 {
				t.Fatalf("command %d: router 0 still publishes %v s later", how.Command, (p.at - balancer.Hour).Seconds())
			}
		}
	}
}

// A router that comes back takes its share when it has it: until then the
// others' tunnels stay listed.
func TestReturnDoesNotShrinkTheLeaseSet(t *testing.T) {
	r := newRig(t, config(4, 16, named(t, "per-router", nil), 19), 19)
	r.success = 1
	r.run(balancer.Hour)
	r.crash(3)
	r.run(r.now + 20*balancer.Minute)
	r.up(3)
	from := len(r.published)
	r.run(r.now + 10*balancer.Minute)
	for _, p := range r.published[from:] {
		if n := len(p.action.Leases); n < 15 {
			t.Errorf("%v s after the return a LeaseSet of %d leases was published", (p.at - 80*balancer.Minute).Seconds(), n)
		}
	}
}

func TestStatusOfNothingSentIsIgnored(t *testing.T) {
	r := newRig(t, config(1, 1, named(t, "single", nil), 20), 20)
	r.run(5 * balancer.Minute)
	r.ackLost = true
	r.step(balancer.Event{Kind: balancer.EventPublishStatus, Published: 1 << 40, Final: true})
	r.step(balancer.Event{Kind: balancer.EventAckRelayed, Published: 1 << 40})
	from := len(r.published)
	r.run(r.now + 30*balancer.Minute)
	again := 0
	for i := from + 1; i < len(r.published); i++ {
		if r.published[i].action.Published == r.published[i-1].action.Published {
			again++
		}
	}
	if again == 0 {
		t.Error("nothing is tried again after a status of a LeaseSet that was never sent")
	}
}

// A router that was restarted may number its lists anew.
func TestRestartedRouterIsAskedForItsWholeList(t *testing.T) {
	r := newRig(t, config(1, 4, named(t, "single", nil), 21), 21)
	r.run(20 * balancer.Minute)
	r.crash(0)
	r.tiers[0] = makeTier(r.rng, 5000, 30)
	r.up(0)
	from := len(r.paths)
	r.run(r.now + 20*balancer.Minute)
	for _, p := range r.paths[from:] {
		if p.path[2] < 5000 {
			t.Fatalf("path %v is from the list before the restart", p.path)
		}
	}
}

func TestUnansweredSessionIsAskedForAgain(t *testing.T) {
	r := newRig(t, config(1, 2, named(t, "single", nil), 22), 22)
	r.run(5 * balancer.Minute)
	r.crash(0)
	r.mute = 1
	r.up(0)
	from := len(r.published)
	r.run(r.now + 5*balancer.Minute)
	if len(r.published) == from {
		t.Error("a session request that was lost was never repeated")
	}
}

// A path that the router chose itself counts like one of the policy's.
func TestRoutersOwnPathsAreReused(t *testing.T) {
	r := newRig(t, config(1, 4, named(t, "single", nil), 23), 23)
	for i := range r.tiers[0] {
		r.tiers[0][i].Flags &^= balancer.PeerReachable // no gateway among them
	}
	r.ownPath = [3]balancer.PeerID{71, 72, 73}
	r.success = 1
	r.run(3 * balancer.Hour)
	reused := 0
	for _, p := range r.paths {
		if p.path == r.ownPath && !p.own {
			reused++
		}
	}
	if reused == 0 {
		t.Error("no path of the router's choice was ever asked for again")
	}
}
