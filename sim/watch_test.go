package sim

import (
	"bytes"
	"slices"
	"testing"

	"multihome.i2p/analysis/trace"
)

// Adversaries at each vantage point, as scenarios have them by default.
func targeted() Adversary {
	return Adversary{Name: "targeted", Vantage: vantageFloodfill, Placement: placementTargeted}
}

func someFloodfills(n int) Adversary {
	return Adversary{Name: "floodfills", Vantage: vantageFloodfill, Placement: placementRandom, Floodfills: n}
}

func prober() Adversary {
	return Adversary{
		Name: "client", Vantage: vantageClient, Every: 10 * Minute, ProbeEvery: 5 * Minute, ProbeLeases: 16,
	}
}

func peers(share float64) Adversary {
	return Adversary{Name: "peers", Vantage: vantagePeer, Share: share}
}

// watched is a world with these adversaries in place of the poller, and with
// routers that come and go.
func watched(c *Config, list ...Adversary) *Config {
	c.Adversaries = list
	c.Network.RouterSession, c.Network.RouterAway = 10*Hour, 8*Hour
	c.Network.MessageJitter = .1
	return c
}

// everyVantage watches from everywhere at once.
func everyVantage(c *Config) *Config {
	list := []Adversary{
		{Name: "poller", Vantage: vantageNetDb, Every: 10 * Minute}, targeted(), someFloodfills(3), prober(), peers(.3),
	}
	list[0].Routers, list[3].Routers = 50, 20
	return watched(c, list...)
}

func i2pdRouter(r *Router) { r.Kind = I2pd }

// readable fails unless a reader takes the trace as it is written.
func readable(t *testing.T, tr *trace.Trace) {
	t.Helper()
	if err := tr.Check(); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	out := trace.NewWriter(&file, false)
	if err := tr.Write(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := trace.ReadAll(&file, "trace")
	if err != nil {
		t.Fatal(err)
	}
	if encode(again) != encode(tr) {
		t.Fatal("read otherwise than written")
	}
}

// count counts the records of a kind.
func count(tr *trace.Trace, which func(*trace.Record) bool) (n int) {
	for k := range tr.Records {
		if which(&tr.Records[k]) {
			n++
		}
	}
	return n
}

func isKind(kind trace.Kind) func(*trace.Record) bool {
	return func(r *trace.Record) bool { return r.Kind == kind }
}

// TestEveryVantage: whatever the scheme, each observer writes a trace that can be
// read, with records of its own kinds only.
func TestEveryVantage(t *testing.T) {
	kinds := [][]trace.Kind{
		{trace.KindLookup, trace.KindPoll, trace.KindRouter},
		{trace.KindStore, trace.KindServiceLookup},
		{trace.KindStore, trace.KindServiceLookup},
		{trace.KindLookup, trace.KindPoll, trace.KindProbe, trace.KindBundle, trace.KindRouter},
		{trace.KindHop},
	}
	for name, c := range map[string]*Config{
		"single":      worldOf(SchemeSingle, 1),
		"independent": worldOf(SchemeIndependent, 3),
		"p140":        worldOf(SchemeP140, 4),
		"single i2pd": worldOf(SchemeSingle, 1).each(i2pdRouter),
		"p140 i2pd":   worldOf(SchemeP140, 2).each(i2pdRouter),
	} {
		t.Run(name, func(t *testing.T) {
			c.Duration = 6 * Hour
			var out Outcome
			mustRun(t, NewWorld(), everyVantage(c), 3, &out)
			for i := range out.Traces {
				tr := &out.Traces[i]
				readable(t, tr)
				for k := range tr.Records {
					if !slices.Contains(kinds[i], tr.Records[k].Kind) {
						t.Fatalf("a %v in the trace of %s", tr.Records[k].Kind, c.Adversaries[i].Name)
					}
				}
				if len(tr.Records) == 0 && i != 2 {
					t.Errorf("%s saw nothing", c.Adversaries[i].Name)
				}
			}
			t.Logf("%d stores, %d lookups, %d probes, %d bundles, %d hops",
				count(&out.Traces[1], isKind(trace.KindStore)), count(&out.Traces[1], isKind(trace.KindServiceLookup)),
				count(&out.Traces[3], isKind(trace.KindProbe)), count(&out.Traces[3], isKind(trace.KindBundle)), len(out.Traces[4].Records))
		})
	}
}

// TestWatchersAreIndependent: a trial with many observers is the same again in a
// used World, and none changes what another sees, but for the targeted floodfill,
// which is one more in the network.
func TestWatchersAreIndependent(t *testing.T) {
	used, again := NewWorld(), new(Outcome)
	for _, c := range []*Config{worldOf(SchemeP140, 3), worldOf(SchemeSingle, 1), worldOf(SchemeSingle, 1).each(i2pdRouter)} {
		c.Duration, c.Warmup = 3*Hour, Hour
		everyVantage(c)
		var fresh Outcome
		mustRun(t, NewWorld(), c, 8, &fresh)
		mustRun(t, used, c, 8, again)
		for i := range fresh.Traces {
			if encode(&fresh.Traces[i]) != encode(&again.Traces[i]) {
				t.Errorf("%s: the trace of %s differs in a used world", c.Destination.Scheme, c.Adversaries[i].Name)
			}
		}
		if !sameTruth(&fresh.Truth, &again.Truth) {
			t.Errorf("%s: the truth differs in a used world", c.Destination.Scheme)
		}

		all := slices.Clone(c.Adversaries)
		c.Adversaries = slices.DeleteFunc(slices.Clone(all), func(a Adversary) bool { return a.Placement == placementTargeted })
		mustRun(t, used, c, 8, again)
		alone := *c
		alone.Adversaries = c.Adversaries[:1] // the poller
		var one Outcome
		mustRun(t, NewWorld(), &alone, 8, &one)
		if encode(&one.Traces[0]) != encode(&again.Traces[0]) {
			t.Errorf("%s: other observers change what the poller sees", c.Destination.Scheme)
		}
		if a, b := &one.Truth, &again.Truth; a.Builds != b.Builds || a.IBGWCounts != b.IBGWCounts || a.Stores != b.Stores || a.Verifications != b.Verifications {
			t.Errorf("%s: observers change the world", c.Destination.Scheme)
		}
	}
}

// TestTargetedFloodfill: it gets every LeaseSet that comes into the netDb, most of
// them from the service itself, also past midnight.
func TestTargetedFloodfill(t *testing.T) {
	for name, c := range map[string]*Config{
		"single":      worldOf(SchemeSingle, 1),
		"p140":        worldOf(SchemeP140, 4),
		"single i2pd": worldOf(SchemeSingle, 1).each(i2pdRouter),
		"p140 i2pd":   worldOf(SchemeP140, 2).each(i2pdRouter),
	} {
		t.Run(name, func(t *testing.T) {
			c.Network.JavaFloodfills = 0 // Java ones throttle floods
			var out Outcome
			mustRun(t, NewWorld(), watched(c, targeted()), 5, &out)
			versions, selves := map[int64]bool{}, map[trace.Hash]bool{}
			direct, stores := 0, 0
			tr := &out.Traces[0]
			for k := range tr.Records {
				r := &tr.Records[k]
				if r.Kind != trace.KindStore {
					continue
				}
				stores++
				versions[r.Published] = true
				selves[r.Floodfill] = true
				if !r.Flooded {
					direct++
				}
				if r.Flooded == (r.Has&trace.HasOBEP != 0) || r.Flooded == (r.Has&trace.HasReply != 0) {
					t.Fatal("a flooded store with a tunnel, or a direct one without")
				}
			}
			if n, want := int64(len(versions)), out.Truth.Published; n < want-1 || n > want+1 {
				t.Errorf("saw %d LeaseSets of %d published", n, want)
			}
			// The rest was flooded by others: Java keeps away for 20 minutes from a
			// floodfill that did not answer.
			if direct < stores/2 {
				t.Errorf("%d of %d stores came directly", direct, stores)
			}
			if len(selves) < 2 {
				t.Error("the same identity over midnight")
			}
		})
	}
}

// TestRandomFloodfills: they are drawn from all floodfills alike, and see what
// reaches them, each time.
func TestRandomFloodfills(t *testing.T) {
	c := watched(worldOf(SchemeSingle, 1), someFloodfills(2))
	c.Network.Floodfills = 10
	var drawn [10]int
	w, out := NewWorld(), new(Outcome)
	const resets = 500
	for seed := range uint64(resets) {
		if err := w.reset(c, seed, out); err != nil {
			t.Fatal(err)
		}
		for _, f := range w.watchers[0].floodfills {
			drawn[f]++
		}
	}
	for f, n := range drawn {
		if n < 60 || n > 140 { // 100 expected, with a standard deviation of 9
			t.Errorf("floodfill %d drawn %d times of %d", f, n, resets)
		}
	}
	c.Duration = 6 * Hour
	mustRun(t, w, c, 2, out)
	var want int64
	for _, f := range w.watchers[0].floodfills {
		n := &w.net.ff[f].counts
		want += n.Stores + n.Floods + n.Verifications
	}
	if n := int64(len(out.Traces[0].Records)); n != want || n == 0 {
		t.Errorf("%d records of %d messages", n, want)
	}
}

// TestStorePaths: stores and lookups come out of outbound tunnels of the router
// that publishes, and ask for answers through inbound tunnels of the service.
func TestStorePaths(t *testing.T) {
	for name, c := range map[string]*Config{
		"single":      worldOf(SchemeSingle, 1),
		"p140":        worldOf(SchemeP140, 4),
		"single i2pd": worldOf(SchemeSingle, 1).each(i2pdRouter),
		"p140 i2pd":   worldOf(SchemeP140, 2).each(i2pdRouter),
	} {
		t.Run(name, func(t *testing.T) {
			c.Duration, c.Warmup = 3*Hour, Hour
			// A publisher without an outbound tunnel would be stood in for.
			c.each(func(r *Router) { r.TunnelFailPerHour, r.TestLoss = 0, 0 })
			w, out := NewWorld(), new(Outcome)
			if err := w.reset(watched(c, someFloodfills(c.Network.Floodfills)), 4, out); err != nil {
				t.Fatal(err)
			}
			obeps, gateways := map[trace.Hash]bool{}, map[trace.Reply]bool{}
			others := 0
			w.play(w.end, func() {
				for i := range w.routers {
					for d := range w.routers[i].pools {
						members := w.routers[i].pools[d].members
						if len(members) == 0 {
							continue
						}
						n := w.tunnels.at(members[len(members)-1]) // the newest
						hash := hashBytes(w.pop.HashWords(n.gateway()))
						if d == 0 {
							gateways[trace.Reply{Gateway: hash, Tunnel: n.number}] = true
						} else if i == 0 {
							obeps[hash] = true
						}
					}
				}
			})
			tr := &out.Traces[0]
			for k := range tr.Records {
				r := &tr.Records[k]
				if r.Flooded {
					continue
				}
				if !obeps[r.OBEP] {
					t.Fatalf("a %v from an end point that is none of the publisher's", r.Kind)
				}
				if !gateways[r.Reply] {
					t.Fatalf("a %v asks for its answer elsewhere", r.Kind)
				}
				listed := slices.ContainsFunc(r.Leases, func(l trace.Lease) bool {
					return l.Gateway == r.Reply.Gateway && l.Tunnel == r.Reply.Tunnel
				})
				if r.Kind == trace.KindStore && !listed {
					others++
				}
			}
			if others > 0 && c.Destination.Routers[0].Kind == Java {
				t.Errorf("%d acks asked for at tunnels that the LeaseSet does not list", others)
			}
		})
	}
}

// TestServiceLookups: Java verifies 18 s to 27 s after the ack, i2pd 5 s to 7 s
// after it and every 100 s from then on.
func TestServiceLookups(t *testing.T) {
	for _, kind := range []Kind{Java, I2pd} {
		c := worldOf(SchemeSingle, 1).each(func(r *Router) { r.Kind, r.TunnelFailPerHour = kind, 0 })
		c.Network.StoreLoss, c.Network.MessageDelay = 0, 10*Millisecond
		var out Outcome
		mustRun(t, NewWorld(), watched(c, someFloodfills(c.Network.Floodfills)), 4, &out)
		first, later := 0, 0
		stored := int64(0)
		tr := &out.Traces[0]
		for k := range tr.Records {
			switch r := &tr.Records[k]; {
			case r.Kind == trace.KindStore && !r.Flooded:
				stored = r.TimeMs
			case r.Kind == trace.KindServiceLookup && stored != 0:
				gap := r.TimeMs - stored
				switch {
				case kind == Java && gap >= 18_000 && gap < 27_500, kind == I2pd && gap >= 5000 && gap < 7500:
					first++
				case kind == I2pd && gap >= 105_000:
					later++
				default:
					t.Errorf("%s: a lookup %d ms after a store", kind, gap)
				}
			}
		}
		if first < 100 {
			t.Errorf("%s: %d verifications, and %d later ones", kind, first, later)
		}
	}
}

// leaseOfTunnel finds the truth behind a lease that was seen.
func (w *World) leaseOfTunnel(seen *trace.Lease) *lease {
	for x := range w.sets.items {
		s := &w.sets.items[x]
		for k := range s.leases {
			if s.leases[k].number == seen.Tunnel {
				return &s.leases[k]
			}
		}
	}
	return nil
}

// TestProbes: what opens a session is answered over every lease that lives, what
// goes on in it over those of the router that has the session, and no others.
func TestProbes(t *testing.T) {
	for name, c := range map[string]*Config{
		"single":      worldOf(SchemeSingle, 1),
		"p140":        worldOf(SchemeP140, 4),
		"independent": worldOf(SchemeIndependent, 2),
		"p140 i2pd":   worldOf(SchemeP140, 2).each(i2pdRouter),
	} {
		t.Run(name, func(t *testing.T) {
			c.Duration = 6 * Hour
			w, out := NewWorld(), new(Outcome)
			if err := w.reset(watched(c, prober()), 4, out); err != nil {
				t.Fatal(err)
			}
			var answered, refused, sessions int
			seen := 0
			w.play(w.end, func() {
				for tr := &out.Traces[0]; seen < len(tr.Records); seen++ {
					r := &tr.Records[seen]
					if r.Kind != trace.KindProbe {
						continue
					}
					l := w.leaseOfTunnel(&r.Leases[0])
					if l == nil {
						t.Fatal("probed a lease that nobody lists")
					}
					want := w.alive(l)
					if r.Session == trace.SessionExisting {
						opened := w.leaseOfTunnel(&r.Leases[1])
						want = want && l.router == opened.router
						if r.Answered {
							answered++
						} else {
							refused++
						}
					} else {
						sessions++
					}
					if r.Answered != want {
						t.Fatalf("%v: answered %v, want %v", r.Session, r.Answered, want)
					}
					if r.Answered && (r.RTTUs < 50_000 || r.RTTUs > 60e6) {
						t.Errorf("answered after %d µs", r.RTTUs)
					}
				}
			})
			if sessions < 70 || sessions > 73 {
				t.Errorf("%d sessions in 6 h", sessions)
			}
			switch share := float64(answered) / float64(answered+refused); {
			case name == "p140" && (share < .15 || share > .25): // 3 of 15
				t.Errorf("%.3f of the probes over other leases answered", share)
			case len(c.Destination.Routers) == 1 && share < .98:
				t.Errorf("%.3f of the probes over other leases answered by one router", share)
			}
			t.Logf("%d sessions, %d answered, %d not", sessions, answered, refused)
		})
	}
}

// TestReplyTimes: a lease's times stay close to each other, and a slow router shows
// in those of its own leases.
func TestReplyTimes(t *testing.T) {
	c := worldOf(SchemeP140, 2)
	c.Duration = 6 * Hour
	a := prober()
	a.ProbeEvery = Minute
	watched(c, a)
	c.Destination.Routers[1].ReplyDelay = 5 * Second
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 4, out); err != nil {
		t.Fatal(err)
	}
	var sum, n [2]int64
	seen := 0
	w.play(w.end, func() {
		for tr := &out.Traces[0]; seen < len(tr.Records); seen++ {
			if r := &tr.Records[seen]; r.Kind == trace.KindProbe && r.Answered {
				i := w.leaseOfTunnel(&r.Leases[0]).router
				sum[i] += r.RTTUs
				n[i]++
			}
		}
	})
	fast, slow := sum[0]/n[0], sum[1]/n[1]
	if d := slow - fast; d < 4_500_000 || d > 5_500_000 {
		t.Errorf("the slow router answers %d µs later, want 5 s", d)
	}
	// Two ways of a log-normal with median 0.65 s, the default.
	if fast < 1_200_000 || fast > 1_800_000 {
		t.Errorf("answers take %d µs on average", fast)
	}
}

// TestBundles: under a balancer that has every router bundle the composed LeaseSet
// a client is told nothing that the netDb would not tell; where carriers bundle
// their own leases, it is.
func TestBundles(t *testing.T) {
	for _, mode := range []string{"composed", "pinned"} {
		for _, kind := range []Kind{Java, I2pd} {
			c := worldOf(SchemeP140, 4).each(func(r *Router) { r.Kind = kind })
			c.Destination.Policy.Bundle = mode
			c.Duration = 6 * Hour
			w, out := NewWorld(), new(Outcome)
			// The targeted floodfill sees each version, as the netDb has it.
			if err := w.reset(watched(c, prober(), targeted()), 4, out); err != nil {
				t.Fatal(err)
			}
			carriers := map[int64]int{} // bundles by their number of routers
			var bundles []trace.Record
			seen := 0
			w.play(w.end, func() {
				for tr := &out.Traces[0]; seen < len(tr.Records); seen++ {
					r := &tr.Records[seen]
					if r.Kind != trace.KindBundle {
						continue
					}
					bundles = append(bundles, *r)
					routers := map[int32]bool{}
					for k := range r.Leases {
						routers[w.leaseOfTunnel(&r.Leases[k]).router] = true
						if mode == "pinned" && r.Leases[k].EndMs > r.TimeMs+90_000 {
							t.Fatalf("a pinned lease ends in %d ms", r.Leases[k].EndMs-r.TimeMs)
						}
					}
					carriers[int64(len(routers))]++
				}
			})
			stored := map[int64]*trace.Record{}
			for k := range out.Traces[1].Records {
				if r := &out.Traces[1].Records[k]; r.Kind == trace.KindStore {
					stored[r.Published] = r
				}
			}
			same := 0
			for k := range bundles {
				if s := stored[bundles[k].Published]; s != nil && slices.Equal(s.Leases, bundles[k].Leases) {
					same++
				} else if s != nil && mode == "composed" {
					t.Errorf("%s: a bundle differs from the LeaseSet of the same second", kind)
				}
			}
			t.Logf("%s %s: bundles by their number of routers %v, %d of %d as in the netDb", mode, kind, carriers, same, len(bundles))
			if tr := &out.Truth; tr.Live < tr.Samples*99/100 {
				t.Errorf("%s %s: live in %d of %d samples", mode, kind, tr.Live, tr.Samples)
			}
			switch {
			case len(bundles) < 60:
				t.Errorf("%s %s: %d bundles", mode, kind, len(bundles))
			case mode == "pinned" && (carriers[1] != len(bundles) || same > 0):
				t.Errorf("%s: pinned bundles of several routers: %v, %d as in the netDb", kind, carriers, same)
			case mode == "composed" && (carriers[4] < len(bundles)*9/10 || same < len(bundles)/2):
				t.Errorf("%s: composed bundles of %v routers, %d of %d as in the netDb", kind, carriers, same, len(bundles))
			}
		}
	}
}

// TestStockBundle: a stock router bundles its own newest LeaseSet.
func TestStockBundle(t *testing.T) {
	for _, change := range []func(*Router){func(*Router) {}, i2pdRouter} {
		c := worldOf(SchemeSingle, 1).each(change)
		c.Duration = 6 * Hour
		var out Outcome
		mustRun(t, NewWorld(), watched(c, prober()), 4, &out)
		newest, bundles := int64(0), 0
		for k := range out.Traces[0].Records {
			switch r := &out.Traces[0].Records[k]; r.Kind {
			case trace.KindLookup:
				newest = max(newest, r.Published)
			case trace.KindBundle:
				bundles++
				if r.Published < newest {
					t.Fatal("a bundle older than what the netDb has")
				}
			}
		}
		if bundles < 60 {
			t.Errorf("%d bundles in 6 h", bundles)
		}
	}
}

// TestHops: an observer records the tunnels whose far end is a router of its own,
// from there on as far as its routers follow each other.
func TestHops(t *testing.T) {
	for _, scheme := range []Scheme{SchemeSingle, SchemeP140} {
		n := 4
		if scheme == SchemeSingle {
			n = 1
		}
		c := worldOf(scheme, n)
		c.Duration = 12 * Hour
		poller := Adversary{Name: "poller", Vantage: vantageNetDb, Every: Minute}
		w, out := NewWorld(), new(Outcome)
		if err := w.reset(watched(c, peers(.2), poller, peers(0), peers(1)), 6, out); err != nil {
			t.Fatal(err)
		}
		// Who truly stands next to whom: by far end and number, and by far end and
		// the hop before it.
		inbound, outbound := map[trace.Reply]trace.Hash{}, map[[2]trace.Hash]bool{}
		w.play(w.end, func() {
			for i := range w.routers {
				for d := range w.routers[i].pools {
					members := w.routers[i].pools[d].members
					if len(members) == 0 {
						continue
					}
					n := w.tunnels.at(members[len(members)-1])
					far, near := hashBytes(w.pop.HashWords(n.path[2])), hashBytes(w.pop.HashWords(n.path[1]))
					if d == 0 {
						inbound[trace.Reply{Gateway: far, Tunnel: n.number}] = near
					} else {
						outbound[[2]trace.Hash{far, near}] = true
					}
				}
			}
		})
		if len(out.Traces[2].Records) != 0 {
			t.Error("hops of an observer without routers")
		}
		own, operators := map[trace.Hash]bool{}, map[trace.Hash]bool{}
		p := w.watchers[0]
		for k := range int32(w.pop.Len()) {
			if p.owns(k) {
				own[hashBytes(w.pop.HashWords(k))] = true
			}
		}
		for i := range w.routers {
			operators[w.serviceHash(int32(i))] = true
		}
		listed := map[trace.Reply]int64{}
		for k := range out.Traces[1].Records {
			for _, l := range out.Traces[1].Records[k].Leases {
				listed[trace.Reply{Gateway: l.Gateway, Tunnel: l.Tunnel}] = l.EndMs / 1000
			}
		}
		roles := map[trace.Role]int{}
		unlisted, once := 0, map[trace.Reply]bool{}
		tr := &out.Traces[0]
		for k := range tr.Records {
			r := &tr.Records[k]
			roles[r.Role]++
			if !own[r.Self] {
				t.Fatal("a hop that is not the observer's")
			}
			key := trace.Reply{Gateway: r.Self, Tunnel: r.Tunnel}
			if once[key] {
				t.Fatal("a tunnel recorded twice")
			}
			once[key] = true
			switch r.Role {
			case trace.RoleIBGW:
				end, ok := listed[key]
				if !ok {
					unlisted++ // published and gone between two polls
				} else if d := end - r.Expires; d < -1 || d > 60 {
					t.Errorf("the tunnel ends at %d, its lease at %d", r.Expires, end)
				}
				if r.Has&trace.HasPrev != 0 || r.Has&trace.HasNext == 0 {
					t.Fatal("a gateway sees its next hop only")
				}
				if inbound[key] != r.Next {
					t.Fatal("another hop comes next")
				}
			case trace.RoleEnd:
				if r.Has&trace.HasPrev == 0 || r.Has&trace.HasNext != 0 {
					t.Fatal("an end point sees its previous hop only")
				}
				if !outbound[[2]trace.Hash{r.Self, r.Prev}] {
					t.Fatal("another hop came before")
				}
			case trace.RoleMiddle:
				if !own[r.Prev] && !own[r.Next] {
					t.Fatal("a middle hop that no neighbour could tell of")
				}
			}
		}
		if roles[trace.RoleIBGW] == 0 || roles[trace.RoleEnd] == 0 || roles[trace.RoleMiddle] == 0 {
			t.Errorf("%s: hops by role %v", scheme, roles)
		}
		if unlisted*20 > roles[trace.RoleIBGW] {
			t.Errorf("%s: %d of %d gateways in no LeaseSet", scheme, unlisted, roles[trace.RoleIBGW])
		}
		// Whoever has all routers follows each tunnel to the operator's.
		found := map[trace.Hash]bool{}
		for k := range out.Traces[3].Records {
			if r := &out.Traces[3].Records[k]; r.Has&trace.HasNext != 0 && operators[r.Next] {
				found[r.Next] = true
			}
		}
		if len(found) != n {
			t.Errorf("%s: an observer that has every router finds %d of %d", scheme, len(found), n)
		}
		t.Logf("%s: hops by role %v, %d of an observer with all routers", scheme, roles, len(out.Traces[3].Records))
	}
}

// TestCensus: the operator's routers are seen up and down when they are, among
// others that come and go.
func TestCensus(t *testing.T) {
	c := worldOf(SchemeP140, 4)
	poller := Adversary{Name: "poller", Vantage: vantageNetDb, Every: 10 * Minute, Routers: 1000}
	client := prober()
	client.Routers = 100
	c.Faults = []Fault{
		// An outage that two routers share, and a restart of a third.
		{Kind: FaultCrash, Router: 0, At: 2 * Hour, For: Hour},
		{Kind: FaultCrash, Router: 1, At: 2 * Hour, For: Hour},
		{Kind: FaultRestart, Router: 2, At: 5 * Hour},
	}
	w, out := NewWorld(), new(Outcome)
	mustRun(t, w, watched(c, poller, client), 6, out)
	begin := int64((w.epoch + w.observed) / Millisecond)
	const hour = 3_600_000
	want := map[trace.Hash][]int64{
		w.serviceHash(0): {0, 2 * hour, 3 * hour}, w.serviceHash(1): {0, 2 * hour, 3 * hour},
		w.serviceHash(2): {0, 5 * hour, 5*hour + 60_000}, w.serviceHash(3): {0},
	}
	for i, others := range []int{1000, 100} {
		tr := &out.Traces[i]
		times, up := map[trace.Hash][]int64{}, map[trace.Hash]bool{}
		upAtFirst := 0
		for k := range tr.Records {
			r := &tr.Records[k]
			if r.Kind != trace.KindRouter {
				continue
			}
			if len(times[r.Self]) == 0 {
				if r.Up {
					upAtFirst++
				}
			} else if up[r.Self] == r.Up {
				t.Fatal("a record that changes nothing")
			}
			up[r.Self] = r.Up
			times[r.Self] = append(times[r.Self], r.TimeMs-begin)
		}
		if len(times) != others+4 {
			t.Errorf("%d routers, want %d", len(times), others+4)
		}
		for hash, list := range want {
			if !slices.EqualFunc(times[hash], list, func(a, b int64) bool { return a-b >= -1 && a-b <= 1 }) || !up[hash] {
				t.Errorf("seen at %v ms, want %v", times[hash], list)
			}
		}
		if share := float64(upAtFirst) / float64(others); share < .4 || share > .7 { // 10 h of 18 h
			t.Errorf("%.2f of %d routers are up at first", share, others)
		}
	}
	// Both see the same of those that both watch.
	state := func(tr *trace.Trace) map[trace.Hash]bool {
		m := map[trace.Hash]bool{}
		for k := range tr.Records {
			if r := &tr.Records[k]; r.Kind == trace.KindRouter {
				m[r.Self] = r.Up
			}
		}
		return m
	}
	large := state(&out.Traces[0])
	for hash, up := range state(&out.Traces[1]) {
		if got, ok := large[hash]; !ok || got != up {
			t.Fatal("two observers see different things")
		}
	}
}

// TestSkew: a clock that jumps moves `published` and the ends of new leases, from
// then on.
func TestSkew(t *testing.T) {
	for _, kind := range []Kind{Java, I2pd} {
		c := worldOf(SchemeSingle, 1).each(func(r *Router) { r.Kind, r.ClockSkew = kind, 3*Second })
		c.Duration = 4 * Hour
		c.Network.StoreLoss = 0
		c.Faults = []Fault{{Kind: FaultSkew, Router: 0, At: 2 * Hour, Step: 100 * Second, For: 10 * Minute}}
		w, out := NewWorld(), new(Outcome)
		mustRun(t, w, watched(c, targeted()), 6, out)
		jump := int64((w.epoch + w.observed + 2*Hour) / Millisecond)
		for k := range out.Traces[0].Records {
			r := &out.Traces[0].Records[k]
			if r.Kind != trace.KindStore || r.Flooded {
				continue
			}
			ahead := r.Published - r.TimeMs/1000
			if late := r.TimeMs > jump+2*60_000; ahead > 3 && r.TimeMs < jump || late && (ahead < 10 || ahead > 103) {
				t.Fatalf("%s: published %d s ahead, %d ms from the jump", kind, ahead, r.TimeMs-jump)
			}
			if end := r.Leases[0].EndMs - r.TimeMs; kind == Java && r.TimeMs > jump+5*60_000 && (end < 620_000 || end > 703_000) {
				t.Fatalf("%s: the newest lease ends in %d ms", kind, end)
			}
		}
	}
}

// TestWatchingAllocatesNothing: in the steady state.
func TestWatchingAllocatesNothing(t *testing.T) {
	for _, c := range []*Config{worldOf(SchemeSingle, 1), worldOf(SchemeP140, 4)} {
		c.Duration = 6 * Hour
		everyVantage(c)
		w, out := NewWorld(), new(Outcome)
		for seed := range uint64(6) {
			mustRun(t, w, c, seed, out)
		}
		records := 0
		for i := range out.Traces {
			records += len(out.Traces[i].Records)
		}
		if n := testing.AllocsPerRun(3, func() { mustRun(t, w, c, 2, out) }); n > 40 {
			t.Errorf("%s: %v allocations in a trial with %d records", c.Destination.Scheme, n, records)
		}
	}
}
