package balancer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// An arbitrary script of events against the promises of the package comment.
// honest: what a driver that keeps the contract can report (faults, refusals,
// skews, wishes of an operator, lost acks, tunnels that outlive a session).
// Otherwise also stale, duplicated and invented reports.
type script struct {
	t      *rapid.T
	b      *balancer.Balancer
	cfg    balancer.Config
	honest bool
	only   string // the promise under test, "" for all

	now     balancer.Time
	own     balancer.Time // own wall offset
	up      []bool
	open    []bool // session
	asked   []int  // CreateSession not answered
	offset  []balancer.Time
	caps    []balancer.Capabilities
	pinned  bool
	masked  bool // leases of lost routers stay
	tunnels [][]balancer.Tunnel
	builds  []balancer.Action // CreateTunnel not answered
	lists   []balancer.Action
	tiers   []balancer.RouterID
	lastID  balancer.TunnelID
	acts    []balancer.Action

	lastPublish balancer.Time
	beforeLast  balancer.Time // the publish before
	second      bool          // there was one before
	published   int64
	first       bool
	content     map[version][]balancer.Lease
	stores      []balancer.Action
	publishing  bool // the action looked at is a publish
}

// version names a LeaseSet. Bundles of single routers have versions of their own.
type version struct {
	router    balancer.RouterID // None for what all are given
	published int64
}

func (s *script) broken(promise, format string, args ...any) {
	if s.publishing {
		promise = "publish-" + promise
	}
	if s.only == "" || s.only == promise {
		s.t.Fatalf("%s: at %.3f s: %s", promise, s.now.Seconds(), fmt.Sprintf(format, args...))
	}
}

func (s *script) wall() balancer.Time { return s.now + s.own }

func (s *script) step(ev balancer.Event) {
	s.acts = s.b.Step(s.now, &ev, s.acts[:0])
	spaced := false
	for i := range s.acts {
		a := &s.acts[i]
		if a.Kind == balancer.ActionRotateKeys {
			continue
		}
		id := int(a.Router)
		if s.caps[id]&balancer.CapCreateTunnel == 0 {
			switch a.Kind {
			case balancer.ActionCreateTunnel, balancer.ActionGetFastTier, balancer.ActionGetTunnelPool, balancer.ActionRelayAck:
				s.broken("stock", "action %d for router %d, which is a stock one", a.Kind, id)
			}
		}
		if !s.up[id] {
			s.broken("up", "action %d for router %d, which is down", a.Kind, id)
		}
		switch a.Kind {
		case balancer.ActionCreateSession:
			s.asked[id]++
			if s.open[id] {
				s.broken("session", "second session asked of router %d", id)
			}
		case balancer.ActionCloseSession:
			s.open[id] = false
		default:
			if !s.open[id] {
				s.broken("session", "action %d for router %d without a session", a.Kind, id)
			}
		}
		switch a.Kind {
		case balancer.ActionCreateTunnel:
			s.builds = append(s.builds, *a)
			s.builds[len(s.builds)-1].Path = slices.Clone(a.Path)
		case balancer.ActionGetTunnelPool:
			s.lists = append(s.lists, *a)
		case balancer.ActionGetFastTier:
			s.tiers = append(s.tiers, a.Router)
		case balancer.ActionPublishLeaseSet, balancer.ActionGiveLeaseSet, balancer.ActionReplyLeaseRequest:
			s.list(a, &spaced)
		}
	}
	if d := s.b.Deadline(); d <= s.now {
		s.broken("deadline", "deadline %d, now %d", d, s.now)
	}
}

func (s *script) list(a *balancer.Action, spaced *bool) {
	if len(a.Leases) < 1 || len(a.Leases) > s.cfg.Leases {
		s.broken("count", "action %d with %d leases, want 1..%d", a.Kind, len(a.Leases), s.cfg.Leases)
	}
	latest := int64(0)
	s.publishing = a.Kind == balancer.ActionPublishLeaseSet
	defer func() { s.publishing = false }()
	for i := range a.Leases {
		l := &a.Leases[i]
		latest = max(latest, int64(l.End/balancer.Second))
		if !s.up[l.Router] && !s.masked {
			s.broken("lost", "action %d for router %d lists a lease of router %d, which is lost", a.Kind, a.Router, l.Router)
		}
		if l.End <= s.wall() {
			s.broken("ended", "action %d lists a lease that ended %v s ago", a.Kind, (s.wall() - l.End).Seconds())
		}
		for j := range i {
			if a.Leases[j].Tunnel == l.Tunnel {
				s.broken("twice", "tunnel %d is listed twice", l.Tunnel)
			}
		}
	}
	if latest != a.Expires {
		s.broken("expires", "expires %d, latest end %d", a.Expires, latest)
	}
	// One version has one content, whoever is given it; where each bundles its
	// own leases, only what is published.
	v := version{balancer.None, a.Published}
	if s.pinned && !s.publishing {
		v.router = a.Router
	}
	if was, ok := s.content[v]; ok && !slices.Equal(was, a.Leases) {
		s.broken("content", "version %d in action %d has other leases than before\n%v\n%v", a.Published, a.Kind, was, a.Leases)
	} else if !ok {
		s.content[v] = slices.Clone(a.Leases)
	}
	if !s.publishing {
		return
	}
	s.publishing = false
	s.stores = append(s.stores, *a)
	if a.Published < s.published {
		s.broken("rising", "published %d after %d", a.Published, s.published)
	}
	fresh := a.Published > s.published // a retry keeps no spacing
	s.published = a.Published
	if balancer.Time(a.Published)*balancer.Second > s.wall() {
		s.broken("ahead", "published %d at %d s", a.Published, s.wall()/balancer.Second)
	}
	if !*spaced {
		// i2pd routers keep the spacing themselves.
		if !s.first && fresh && s.cfg.Imitate == balancer.KindJava && s.now-s.lastPublish < s.cfg.PublishSpacing {
			s.broken("spacing", "published %v s after the last", (s.now - s.lastPublish).Seconds())
		}
		s.beforeLast, s.second = s.lastPublish, !s.first
		*spaced, s.first, s.lastPublish = true, false, s.now
	}
}

func (s *script) id() balancer.RouterID {
	return balancer.RouterID(rapid.IntRange(0, len(s.up)-1).Draw(s.t, "router"))
}

func (s *script) newTunnel(id balancer.RouterID, dir balancer.Direction, gw balancer.PeerID) balancer.Tunnel {
	s.lastID++
	created := s.now - balancer.Time(rapid.Int64Range(0, int64(4*balancer.Second)).Draw(s.t, "age"))
	w := balancer.Tunnel{
		ID: s.lastID, Direction: dir, Gateway: gw, ReceiveID: uint32(s.lastID) * 7919,
		Created: created, End: created + s.offset[id] + 600*balancer.Second,
	}
	s.tunnels[id] = append(s.tunnels[id], w)
	return w
}

// What a driver that is wrong may send.
const (
	maxDir    = 255
	maxWeight = math.MaxInt32
)

// do plays one line of the script.
func (s *script) do() {
	const sec = balancer.Second
	kinds := 21
	if !s.honest {
		kinds = 28
	}
	switch rapid.IntRange(0, kinds).Draw(s.t, "what") {
	case 0, 1: // time passes, the core being woken at its deadlines
		until := s.now + balancer.Time(rapid.Int64Range(0, int64(3*balancer.Minute)).Draw(s.t, "wait"))
		for n := 0; s.b.Deadline() <= until; n++ {
			if n > 20000 {
				s.t.Fatalf("spin: 20,000 wakes in %v s", (until - s.now).Seconds())
			}
			s.now = max(s.now, s.b.Deadline())
			s.step(balancer.Event{Kind: balancer.EventWake})
			if s.now > until {
				return
			}
			if rapid.IntRange(0, 3).Draw(s.t, "work") > 0 {
				s.answerAll()
			}
		}
		s.now = until
	case 2, 3: // a router comes up
		id := s.id()
		if s.up[id] && s.honest {
			return
		}
		s.up[id], s.asked[id] = true, 0
		s.open[id] = false
		s.step(balancer.Event{Kind: balancer.EventRouterUp, Router: id, RouterKind: s.cfg.Routers[id].Kind, Caps: s.caps[id]})
	case 4: // lost; the tunnels die with it, or outlive the connection
		id := s.id()
		s.up[id], s.open[id], s.asked[id] = false, false, 0
		if rapid.Bool().Draw(s.t, "crash") {
			s.tunnels[id] = nil
		}
		drop := func(a balancer.Action) bool { return a.Router == id }
		s.builds, s.lists = slices.DeleteFunc(s.builds, drop), slices.DeleteFunc(s.lists, drop)
		s.stores = slices.DeleteFunc(s.stores, drop)
		s.tiers = slices.DeleteFunc(s.tiers, func(r balancer.RouterID) bool { return r == id })
		s.step(balancer.Event{Kind: balancer.EventRouterLost, Router: id})
	case 5, 6, 7, 8, 9:
		s.answerAll()
	case 10: // heartbeats missed, or heard again
		id := s.id()
		if s.up[id] && s.open[id] {
			s.step(balancer.Event{Kind: balancer.EventHeartbeat, Router: id, Missed: int32(rapid.IntRange(0, 3).Draw(s.t, "missed"))})
		}
	case 11:
		cmd := balancer.Command(rapid.IntRange(0, 4).Draw(s.t, "command"))
		s.step(balancer.Event{Kind: balancer.EventAdmin, Router: s.id(), Command: cmd, Weight: int32(rapid.IntRange(-1, 9).Draw(s.t, "weight"))})
	case 12: // a tunnel fails
		id := s.id()
		if n := len(s.tunnels[id]); n > 0 && s.open[id] {
			k := rapid.IntRange(0, n-1).Draw(s.t, "which")
			w := s.tunnels[id][k]
			s.tunnels[id] = slices.Delete(s.tunnels[id], k, k+1)
			s.step(balancer.Event{Kind: balancer.EventTunnelExpired, Router: id, Tunnel: w, Reason: balancer.ReasonFailed})
		}
	case 13, 14: // stores end
		if n := len(s.stores); n > 0 {
			a := s.stores[n-1]
			s.stores = s.stores[:n-1]
			res := balancer.ResultOK
			switch rapid.IntRange(0, 3).Draw(s.t, "no ack") {
			case 0, 1:
				res = balancer.ResultTimeout
			case 2:
				res = balancer.ResultOutdated
				if a.Published == s.published { // it was not begun
					s.first, s.lastPublish = !s.second, s.beforeLast
				}
			}
			if s.open[a.Router] {
				s.step(balancer.Event{Kind: balancer.EventPublishStatus, Router: a.Router, Published: a.Published, Result: res, Final: true})
			}
		}
	case 15:
		s.step(balancer.Event{Kind: balancer.EventLookupResult, Router: balancer.None, Published: s.published - int64(rapid.IntRange(0, 100).Draw(s.t, "old")), Ours: true})
	case 16: // a router's clock
		id := s.id()
		if rapid.IntRange(0, 3).Draw(s.t, "told") == 0 { // it jumps, and nobody is told
			s.offset[id] += balancer.Time(rapid.Int64Range(int64(-2*balancer.Hour), int64(2*balancer.Hour)).Draw(s.t, "jump"))
			return
		}
		s.offset[id] = s.own + balancer.Time(rapid.Int64Range(int64(-90*sec), int64(90*sec)).Draw(s.t, "skew"))
		s.step(balancer.Event{Kind: balancer.EventClock, Router: id, At: s.offset[id]})
	case 17: // our clock is set, by a little
		s.own += balancer.Time(rapid.Int64Range(int64(-5*sec), int64(5*sec)).Draw(s.t, "jump"))
		s.step(balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: s.own})
	case 18:
		id := s.id()
		if s.open[id] {
			s.step(balancer.Event{Kind: balancer.EventAckRelayed, Router: id, Published: s.published})
		}
	case 19: // a client writes
		if id := s.id(); s.open[id] {
			s.step(balancer.Event{Kind: balancer.EventClientSeen, Router: id, Client: balancer.ClientID(rapid.IntRange(0, 5).Draw(s.t, "client"))})
		}
	case 20:
		s.step(balancer.Event{Kind: balancer.EventClientGone, Router: balancer.None, Client: balancer.ClientID(rapid.IntRange(0, 6).Draw(s.t, "client"))})
	case 21: // a stock router has built a tunnel of its own
		id := s.id()
		if !s.open[id] || s.caps[id]&balancer.CapCreateTunnel != 0 {
			return
		}
		s.newTunnel(id, balancer.Inbound, balancer.PeerID(rapid.IntRange(0, 20).Draw(s.t, "gateway")))
		ev := balancer.Event{Kind: balancer.EventLeaseRequest, Router: id}
		for _, w := range s.tunnels[id] {
			if w.Created+600*sec > s.now {
				ev.Leases = append(ev.Leases, balancer.Lease{Gateway: w.Gateway, ReceiveID: w.ReceiveID, End: w.End, Tunnel: w.ID, Router: id})
			}
		}
		s.step(ev)
	case 22: // a session's answer that nobody waits for
		s.step(balancer.Event{Kind: balancer.EventSessionStatus, Router: s.id(), Result: balancer.Result(rapid.IntRange(0, 4).Draw(s.t, "result"))})
	case 23: // anything
		ev := balancer.Event{
			Kind: balancer.EventKind(rapid.Uint8Range(0, 22).Draw(s.t, "kind")), Router: balancer.RouterID(rapid.Int32Range(-2, 30).Draw(s.t, "any router")),
			Direction: balancer.Direction(rapid.Uint8Range(0, 1).Draw(s.t, "dir")), Published: rapid.Int64Range(0, math.MaxInt64).Draw(s.t, "published"),
			Missed: rapid.Int32().Draw(s.t, "missed"), Final: true, Result: balancer.Result(rapid.Uint8().Draw(s.t, "result")), Command: balancer.Command(rapid.Uint8().Draw(s.t, "command")), Weight: rapid.Int32Range(-5, maxWeight).Draw(s.t, "weight"),
			Request: balancer.RequestID(rapid.Int64Range(-1, 40).Draw(s.t, "request")), Caps: balancer.CapP140,
		}
		if ev.Kind == balancer.EventClock && ev.Router == balancer.None {
			s.own = ev.At
		}
		s.step(ev)
	case 24: // a direction that does not exist
		s.step(balancer.Event{Kind: balancer.EventTunnelList, Router: s.id(), Direction: balancer.Direction(rapid.Uint8Range(0, maxDir).Draw(s.t, "dir"))})
	case 25:
		s.step(balancer.Event{Kind: balancer.EventTunnelList, Router: s.id(), Tunnels: []balancer.Tunnel{{
			ID: 1 << 40, Direction: balancer.Direction(rapid.Uint8Range(0, maxDir).Draw(s.t, "dir")), Created: s.now, End: balancer.Time(rapid.Int64().Draw(s.t, "end")),
		}}})
	case 26:
		s.step(balancer.Event{Kind: balancer.EventLeaseRequest, Router: s.id(), Leases: []balancer.Lease{{Tunnel: 1 << 41, End: balancer.Time(rapid.Int64().Draw(s.t, "end"))}}})
	case 28:
		s.step(balancer.Event{Kind: balancer.EventFloodfills, Router: s.id(), Notes: []balancer.Note{{
			Floodfill: balancer.PeerID(rapid.Int32Range(-1, 80).Draw(s.t, "floodfill")), StoreOK: balancer.Time(rapid.Int64().Draw(s.t, "at")),
		}}})
	case 27:
		s.step(balancer.Event{Kind: balancer.EventAdmin, Router: s.id(), Command: balancer.CommandWeight, Weight: rapid.Int32Range(0, maxWeight).Draw(s.t, "weight")})
	}
}

// answerAll lets routers answer what they were asked.
func (s *script) answerAll() {
	for id := range s.up {
		if s.up[id] && !s.open[id] && s.asked[id] > 0 {
			s.asked[id] = 0
			ok := rapid.IntRange(0, 4).Draw(s.t, "granted") > 0
			s.open[id] = ok
			res := balancer.ResultOK
			if !ok {
				res = balancer.ResultFailed
			}
			s.step(balancer.Event{Kind: balancer.EventSessionStatus, Router: balancer.RouterID(id), Result: res})
		}
	}
	tiers := s.tiers
	s.tiers = nil
	for _, id := range tiers {
		if s.open[id] {
			s.step(balancer.Event{Kind: balancer.EventPeerList, Router: id, Version: 1, Peers: scriptTier[id]})
		}
	}
	lists := s.lists
	s.lists = nil
	for _, a := range lists {
		if !s.open[a.Router] {
			continue
		}
		var have []balancer.Tunnel
		for _, w := range s.tunnels[a.Router] {
			if w.Direction == a.Direction && w.Created+600*balancer.Second > s.now {
				have = append(have, w)
			}
		}
		s.step(balancer.Event{Kind: balancer.EventTunnelList, Router: a.Router, Direction: a.Direction, Tunnels: have})
	}
	builds := s.builds
	s.builds = nil
	for _, a := range builds {
		if !s.open[a.Router] {
			continue
		}
		ev := balancer.Event{Kind: balancer.EventTunnelStatus, Router: a.Router, Request: a.Request}
		if rapid.IntRange(0, 2).Draw(s.t, "built") > 0 {
			gw := balancer.PeerID(7)
			if len(a.Path) > 0 {
				gw = a.Path[len(a.Path)-1]
			}
			ev.Tunnel = s.newTunnel(a.Router, a.Direction, gw)
		} else {
			ev.Result = balancer.ResultRejected
		}
		s.step(ev)
	}
}

var scriptTier [20][]balancer.Peer

func init() {
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range scriptTier {
		scriptTier[i] = makeTier(rng, balancer.PeerID(1000*(i+1)), 30)
	}
}

func checkScript(t *rapid.T, honest bool, only string) {
	n := rapid.IntRange(1, 5).Draw(t, "routers")
	if rapid.IntRange(0, 9).Draw(t, "many") == 0 {
		n = 18
	}
	leases := rapid.IntRange(1, 16).Draw(t, "leases")
	name := rapid.SampledFrom([]string{"per-router", "superset", "shared-key", "common-pool", "mimic", "natural-i2pd"}).Draw(t, "policy")
	pinned := rapid.Bool().Draw(t, "pinned")
	masked := rapid.IntRange(0, 3).Draw(t, "masked") == 0
	cfg := config(n, leases, named(t, name, func(o *policy.Options) {
		o.Publisher = rapid.SampledFrom([]string{policy.PublisherFixed, policy.PublisherRotate, policy.PublisherAll}).Draw(t, "publisher")
		o.Masked = masked
		o.Without = policy.Rules(rapid.Uint16Range(0, 127).Draw(t, "without"))
		if pinned {
			o.Bundle, o.Rotate = policy.BundlePinned, rapid.Bool().Draw(t, "rotate")
		}
	}), rapid.Uint64().Draw(t, "seed"))
	if rapid.Bool().Draw(t, "verify") {
		cfg.Verify = 5 * balancer.Minute
	}
	if rapid.IntRange(0, 3).Draw(t, "i2pd") == 0 {
		cfg.ImitateI2pd()
		for i := range cfg.Routers {
			cfg.Routers[i].Kind = balancer.KindI2pd
		}
	}
	s := &script{
		t: t, cfg: cfg, b: balancer.New(cfg), honest: honest, only: only, now: 1, own: wallOffset, first: true,
		up: make([]bool, n), open: make([]bool, n), asked: make([]int, n), offset: make([]balancer.Time, n),
		tunnels: make([][]balancer.Tunnel, n), content: map[version][]balancer.Lease{}, pinned: pinned, masked: masked,
	}
	for range n {
		caps := []balancer.Capabilities{balancer.CapP140, balancer.CapP140, balancer.CapLookup, 0}
		s.caps = append(s.caps, rapid.SampledFrom(caps).Draw(t, "caps"))
	}
	s.step(balancer.Event{Kind: balancer.EventClock, Router: balancer.None, At: s.own})
	for i := range n {
		s.offset[i] = s.own
		s.step(balancer.Event{Kind: balancer.EventClock, Router: balancer.RouterID(i), At: s.own})
		s.up[i] = true
		s.step(balancer.Event{Kind: balancer.EventRouterUp, Router: balancer.RouterID(i), RouterKind: cfg.Routers[i].Kind, Caps: s.caps[i]})
	}
	s.answerAll()
	for range rapid.IntRange(0, 60).Draw(t, "lines") {
		s.do()
	}
}

var promises = []string{
	"up", "session", "count", "lost", "ended", "twice", "expires", "content",
	"stock", "publish-lost", "publish-ended", "publish-twice", "publish-expires", "publish-content", "rising", "ahead", "spacing", "deadline",
}

func TestScriptHonest(t *testing.T) {
	for _, p := range promises {
		t.Run(p, func(t *testing.T) { rapid.Check(t, func(rt *rapid.T) { checkScript(rt, true, p) }) })
	}
}

func TestScriptHostile(t *testing.T) {
	for _, p := range promises {
		if p == "up" || p == "session" || p == "stock" {
			continue // broken by the invented reports themselves
		}
		t.Run(p, func(t *testing.T) { rapid.Check(t, func(rt *rapid.T) { checkScript(rt, false, p) }) })
	}
}
