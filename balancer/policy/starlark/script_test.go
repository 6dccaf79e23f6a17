package starlark_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/sim"
)

func load(t testing.TB, name, source string) *starlark.Program {
	t.Helper()
	p, err := starlark.Load(name+".star", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shipped(t testing.TB, name string) *starlark.Program {
	t.Helper()
	source, ok := starlark.Source(name)
	if !ok {
		t.Fatalf("no %s ships", name)
	}
	return load(t, name, string(source))
}

// world is four routers over three hours, in which something of everything happens.
func world() *sim.Config {
	router := sim.Router{
		Kind: sim.Java, SpeaksP140: true, Hops: 3, Outbound: 2, FastTier: sim.FastTier{Mode: "swarm"},
		BuildSuccess: 0.6, RejectShare: 0.23, BuildDelay: 1500 * sim.Millisecond, BuildDelaySigma: 0.5,
		TunnelFailPerHour: 0.2, Reuse: 0.75, Exploratory: 4,
		Slices: true, IBGWFilter: true, MaxPeerShare: true, SameSubnet: true,
	}
	return &sim.Config{
		Duration: 3 * sim.Hour, Warmup: 30 * sim.Minute,
		Network: sim.Network{Routers: 30000, Floodfills: 1700, IBGWEligible: 0.8, I2pdCandidates: 2000, StoreLoss: 0.05, JavaFloodfills: 0.7},
		Destination: sim.Destination{
			Scheme: sim.SchemeP140, Leases: 16, Routers: slices.Repeat([]sim.Router{router}, 4),
			Policy: sim.Policy{Name: "per-router"}, Overlap: 0.1, TurnoverPerHour: 0.2,
			PublishSpacing: -1, ControlDelay: 50 * sim.Millisecond,
		},
		Faults: []sim.Fault{
			{Kind: sim.FaultCrash, Router: 0, At: 30 * sim.Minute, For: 20 * sim.Minute},
			{Kind: sim.FaultTierShock, Router: 1, At: sim.Hour},
			{Kind: sim.FaultSkew, Router: 3, At: 90 * sim.Minute, Step: 2 * sim.Second},
			{Kind: sim.FaultStall, Router: 2, At: 2 * sim.Hour, For: 5 * sim.Minute},
		},
		Adversaries: []sim.Adversary{{Name: "poller", Vantage: "netdb", Every: 10 * sim.Minute}},
	}
}

// play returns all that came of a trial, and its error.
func play(t testing.TB, cfg *sim.Config, seed uint64) (string, error) {
	t.Helper()
	var out sim.Outcome
	if err := sim.NewWorld().Run(cfg, seed, &out); err != nil {
		return "", err
	}
	text, err := json.Marshal(&out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), nil
}

// The built-in policy that ships in Starlark gives the same trials, whatever the
// options; so does a file that leaves everything to its base.
func TestSameTrials(t *testing.T) {
	for name, change := range map[string]func(*sim.Config){
		"defaults": func(*sim.Config) {},
		"long":     func(c *sim.Config) { c.Destination.Routers[1].Hops = 5 },
		"rotate": func(c *sim.Config) {
			c.Destination.Policy.Publisher, c.Destination.Policy.Bundle = "rotate", "pinned"
			for i := range c.Destination.Routers {
				c.Destination.Routers[i].Reuse = 0.2
			}
		},
		"all, no rules": func(c *sim.Config) {
			c.Destination.Policy.Publisher = "all"
			for i := range c.Destination.Routers {
				r := &c.Destination.Routers[i]
				r.Slices, r.IBGWFilter, r.MaxPeerShare, r.SameSubnet = false, false, false, false
			}
		},
		"masked":          func(c *sim.Config) { c.Destination.Policy.Failover, c.Destination.Policy.Rotate = "masked", true },
		"i2pd among them": func(c *sim.Config) { c.Destination.Routers[2].Kind = sim.I2pd },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := world()
			change(cfg)
			want, err := play(t, cfg, 7)
			if err != nil {
				t.Fatal(err)
			}
			for name, p := range map[string]*starlark.Program{"own-tier": shipped(t, "own-tier"), "empty": load(t, "empty", "")} {
				cfg.Destination.Policy.Maker = p
				got, err := play(t, cfg, 7)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got != want {
					at := 0
					for got[at] == want[at] {
						at++
					}
					t.Errorf("%s parts from the built-in policy at byte %d: got …%.80s…, want …%.80s…", name, at, got[at:], want[at:])
				}
			}
		})
	}
}

// Every base that is left everything to gives what it gives itself.
func TestSameAsEveryBase(t *testing.T) {
	for _, name := range policy.Names() {
		cfg := world()
		cfg.Duration = 2 * sim.Hour
		if name == "single" {
			cfg.Destination.Routers, cfg.Faults = cfg.Destination.Routers[:1], nil
		}
		cfg.Faults = cfg.Faults[:min(1, len(cfg.Faults))]
		cfg.Destination.Policy.Name = name
		want, err := play(t, cfg, 3)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range []string{"", forward, looking} {
			cfg.Destination.Policy.Maker = load(t, name, "base = \""+name+"\"\n"+source)
			if got, err := play(t, cfg, 3); err != nil || got != want {
				t.Errorf("%s, %.10q: another trial, %v", name, source, err)
			}
		}
	}
}

// looking looks at the router of the pool, be it the virtual one, before the base
// decides.
const looking = `
def build(v, pool, direction):
    peers = v.peers(pool)
    if peers:
        v.use(pool, peers[0])
    v.tunnels(pool, direction), v.uptime(pool), v.kind(pool), v.can(pool, "lookup"), v.quota(pool), v.active(pool)
    return None
def candidates(v, pool): return v.base()
`

// forward asks the base for everything.
const forward = `
def build(v, pool, direction): return v.base()
def candidates(v, pool): return v.base()
def compose(v, leases): return v.base()
def publishers(v, leases): return v.base()
def bundle(v, router): return v.base()
def lost(v, router): return v.base()
`

// The shipped policies do what their files say, and the same for the same seed.
func TestShippedInAWorld(t *testing.T) {
	for _, name := range starlark.Shipped() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := world()
			cfg.Destination.Policy = sim.Policy{Name: name, Maker: shipped(t, name)}
			w := sim.NewWorld()
			var first, again sim.Outcome
			if err := w.Run(cfg, 11, &first); err != nil {
				t.Fatal(err)
			}
			one, err := json.Marshal(&first)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Run(cfg, 12, &again); err != nil {
				t.Fatal(err)
			}
			two, err := play(t, cfg, 11)
			if err != nil || two != string(one) {
				t.Errorf("a world that is used again gives another trial (%v)", err)
			}
			gateways := map[[32]byte]bool{}
			for _, r := range first.Traces[0].Records {
				in := map[[32]byte]bool{}
				for _, l := range r.Leases {
					if name == "one-lease-a-gateway" && in[l.Gateway] {
						t.Fatal("a gateway stands in a LeaseSet twice")
					}
					in[l.Gateway], gateways[l.Gateway] = true, true
				}
			}
			switch n := len(gateways); name {
			case "common-gateways":
				if n < 15 || n > 60 { // 20 at a time, and the tiers turn over
					t.Errorf("%d gateways", n)
				}
			default:
				if n < 20 {
					t.Errorf("%d gateways", n)
				}
			}
		})
	}
}

// A policy that fails ends the trial, at the place in its file; until it is asked
// no more, its base decides.
func TestFailures(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"build":     {"def build(v, pool, direction):\n    return [][pool]", "build.star:2:14: build: index"},
		"kind":      {"def build(v, pool, direction):\n    return 7", "kind.star:1:1: build: want tunnel(...), no_tunnel or None, got an int"},
		"router":    {"def build(v, pool, direction): return tunnel(99)", "router.star:1:1: build: there is no router 99: they count from 0 to 3"},
		"steps":     {"def _f():\n    for i in range(60000):\n        for j in range(60000): pass\ndef bundle(v, router): _f()", "steps.star:3:9: bundle: Starlark computation cancelled: too many steps; a call may take 1000000 steps"},
		"compose":   {"def compose(v, leases): return leases + leases", "compose.star:1:1: compose: it lists lease 0 twice"},
		"old lease": {"def compose(v, leases):\n    old = v.state.get('x', leases)\n    v.state['x'] = leases\n    return old", "compose: it lists a lease of another call"},
		"publish":   {"def publishers(v, leases): return [0, 0]", "publish.star:1:1: publishers: it lists router 0 twice"},
		"reset":     {"def reset(v): v.active(0)", "reset.star:1:23: reset: v.active: reset comes before there is anything to see"},
		"global":    {"A = []\ndef bundle(v, router): A.append(1)", "global.star:2:32: bundle: append: cannot append to frozen list"},
		"big":       {"def bundle(v, router):\n    v.state[len(v.state)] = range(60000)", "v.state holds more than 262144 values, and is emptied"},
		"mend":      {"def bundle(v, router):\n    fail(\"router\", router,\n\"is\\nodd\")", "is odd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := world()
			cfg.Duration = 90 * sim.Minute
			cfg.Destination.Policy = sim.Policy{Name: name, Maker: load(t, name, c.source)}
			_, err := play(t, cfg, 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want %s", err, c.want)
			}
			if _, again := play(t, cfg, 1); again == nil || again.Error() != err.Error() {
				t.Errorf("again %v, not %v", again, err)
			}
		})
	}
}

// twins drives two cores with the same events, and shows where their actions part.
type twins struct {
	t       *rapid.T
	cores   [2]*balancer.Balancer
	now     balancer.Time
	acts    [2][]balancer.Action
	up      []bool
	pending []balancer.Event
	serial  balancer.TunnelID
}

func (w *twins) step(ev balancer.Event) {
	for i, b := range w.cores {
		w.acts[i] = b.Step(w.now, &ev, w.acts[i][:0])
	}
	if one, other := fmt.Sprintf("%+v", w.acts[0]), fmt.Sprintf("%+v", w.acts[1]); one != other {
		w.t.Fatalf("at %.3f s, event %d: %s and %s", w.now.Seconds(), ev.Kind, one, other)
	}
	for _, a := range w.acts[0] {
		w.answer(a)
	}
}

// answer queues what a driver would answer; draws of the test decide the outcome.
func (w *twins) answer(a balancer.Action) {
	ev := balancer.Event{Router: a.Router, Floodfill: balancer.None}
	switch a.Kind {
	case balancer.ActionCreateSession:
		ev.Kind = balancer.EventSessionStatus
	case balancer.ActionGetFastTier:
		ev.Kind, ev.Version = balancer.EventPeerList, uint64(w.now)+1
		n := rapid.IntRange(0, 40).Draw(w.t, "peers")
		first := rapid.IntRange(1, 60).Draw(w.t, "first")
		for i := range n {
			id := uint64(first + i)
			p := balancer.Peer{
				ID: balancer.PeerID(id), Hash: [4]uint64{id * 0x9e3779b97f4a7c15, id, 1, 2},
				Net16: uint16(id % 30), Port: uint16(9000 + id%50), Flags: balancer.PeerFlags(id * 7 % 8),
			}
			if i < n*3/4 {
				p.Flags |= balancer.PeerFast
			}
			ev.Peers = append(ev.Peers, p)
		}
	case balancer.ActionCreateTunnel:
		ev.Kind, ev.Request, ev.Direction = balancer.EventTunnelStatus, a.Request, a.Direction
		ev.Result = balancer.Result(rapid.IntRange(0, 2).Draw(w.t, "result") * rapid.IntRange(0, 1).Draw(w.t, "fails"))
		if ev.Result == balancer.ResultOK {
			w.serial++
			ev.Tunnel = balancer.Tunnel{
				ID: w.serial, Direction: a.Direction, ReceiveID: uint32(w.serial), Created: w.now,
				End: w.now + 600*balancer.Second, Hops: uint8(len(a.Path)),
			}
			copy(ev.Tunnel.Path[:], a.Path)
			if n := len(a.Path); n > 0 {
				ev.Tunnel.Gateway = a.Path[n-1]
			}
		}
	case balancer.ActionPublishLeaseSet:
		ev.Kind, ev.Published, ev.Final = balancer.EventPublishStatus, a.Published, true
		ev.Result = balancer.Result(rapid.IntRange(0, 1).Draw(w.t, "lost") * int(balancer.ResultTimeout))
	default:
		return
	}
	w.pending = append(w.pending, ev)
}

// next lets something happen: mostly the answer that is due, or time to pass.
func (w *twins) next() {
	t := w.t
	id := balancer.RouterID(rapid.IntRange(0, len(w.up)-1).Draw(t, "router"))
	switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
	case !w.up[id]:
		w.up[id] = true
		caps := balancer.CapP140 &^ rapid.SampledFrom([]balancer.Capabilities{0, balancer.CapAckRelay, balancer.CapPublishNamed, balancer.CapFastTier}).Draw(t, "lacks")
		w.step(balancer.Event{Kind: balancer.EventRouterUp, Router: id, Caps: caps, Floodfill: balancer.None})
	case what == 0:
		w.up[id] = false
		w.pending = slices.DeleteFunc(w.pending, func(ev balancer.Event) bool { return ev.Router == id })
		w.step(balancer.Event{Kind: balancer.EventRouterLost, Router: id, Floodfill: balancer.None})
	case what == 1:
		w.step(balancer.Event{
			Kind: balancer.EventClientSeen, Router: id, Floodfill: balancer.None,
			Client: balancer.ClientID(rapid.IntRange(0, 3).Draw(t, "client")),
		})
	default:
		until := w.now + balancer.Time(rapid.Int64Range(1, int64(4*balancer.Minute)).Draw(t, "wait"))
		for w.now < until {
			if len(w.pending) > 0 {
				ev := w.pending[0]
				w.pending = w.pending[1:]
				w.now += 200 * balancer.Millisecond
				w.step(ev)
				continue
			}
			w.now = max(w.now+1, min(until, w.cores[0].Deadline()))
			w.step(balancer.Event{Kind: balancer.EventWake, Router: balancer.None, Floodfill: balancer.None})
		}
	}
}

// Twin cores over the built-in policy and over its Starlark form act alike,
// whatever happens to them.
func TestTwins(t *testing.T) {
	own := shipped(t, "own-tier")
	rapid.Check(t, func(t *rapid.T) {
		opt := policy.DefaultOptions()
		opt.Publisher = rapid.SampledFrom([]string{"fixed", "rotate", "all"}).Draw(t, "publisher")
		opt.Bundle = rapid.SampledFrom([]string{"composed", "pinned"}).Draw(t, "bundle")
		opt.PinnedFor = rapid.SampledFrom([]balancer.Time{0, balancer.Minute, 90 * balancer.Second, 10 * balancer.Minute}).Draw(t, "pinned for")
		opt.Reuse = rapid.SampledFrom([]float64{0, 0.75, 1}).Draw(t, "reuse")
		opt.Slices, opt.Rotate = rapid.Bool().Draw(t, "slices"), rapid.Bool().Draw(t, "rotate")
		opt.MaxPeerShare, opt.SameSubnet = rapid.Bool().Draw(t, "share"), rapid.Bool().Draw(t, "subnet")
		n := rapid.IntRange(1, 4).Draw(t, "routers")
		seed := rapid.Uint64().Draw(t, "seed")
		built, err := policy.New("per-router", opt)
		if err != nil {
			t.Fatal(err)
		}
		written, err := own.New(opt)
		if err != nil {
			t.Fatal(err)
		}
		var routers []balancer.RouterConfig
		for range n {
			routers = append(routers, balancer.RouterConfig{Hops: rapid.IntRange(1, 5).Draw(t, "hops"), Outbound: 2})
		}
		w := &twins{t: t, up: make([]bool, n)}
		for i, p := range []balancer.Policy{built, written} {
			cfg := balancer.DefaultConfig()
			cfg.Leases, cfg.Policy, cfg.Rand, cfg.Routers = 8, p, rand.New(rand.NewPCG(seed, 1)), routers
			w.cores[i] = balancer.New(cfg)
		}
		for range rapid.IntRange(5, 60).Draw(t, "events") {
			w.next()
		}
		if f := written.(policy.Fallible).Failures(); f.N > 0 {
			t.Fatal(f.First)
		}
	})
}

// One loaded file serves several worlds at once.
func TestOneProgramForAll(t *testing.T) {
	p := shipped(t, "own-tier")
	var got [4]string
	var group sync.WaitGroup
	for i := range got {
		group.Go(func() {
			cfg := world()
			cfg.Duration, cfg.Faults = sim.Hour, nil
			cfg.Destination.Policy = sim.Policy{Name: "own-tier", Maker: p}
			var err error
			if got[i], err = play(t, cfg, 5); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for i := range got {
		if got[i] != got[0] {
			t.Errorf("world %d is another one", i)
		}
	}
}
