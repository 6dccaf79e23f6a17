package sim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"multihome.i2p/balancer"
	"pgregory.net/rapid"
)

// calm switches off everything that makes a router deviate from independent
// draws of its IBGWs.
func calm(r *Router) {
	r.Reuse, r.TestLoss, r.TunnelFailPerHour = 0, 0, 0
	r.IBGWFilter, r.MaxPeerShare, r.SameSubnet = false, false, false
}

// sampleMean adds up values, each of an independent trial.
type sampleMean struct{ n, sum, squares float64 }

func (m *sampleMean) add(x float64) { m.n++; m.sum += x; m.squares += x * x }

// off tells by how many standard errors the mean misses want.
func (m *sampleMean) off(want float64) (mean, errors float64) {
	mean = m.sum / m.n
	variance := (m.squares - m.sum*m.sum/m.n) / (m.n - 1)
	return mean, math.Abs(mean-want) / math.Sqrt(variance/m.n)
}

// misses is the number of standard errors that a mean may be off: a false
// alarm in 15,000 comparisons.
const misses = 4

// TestGatewayCandidates: of a fast tier of 75, IBGWs are drawn from all of it
// with one hop, half of it with two and a quarter with three.
func TestGatewayCandidates(t *testing.T) {
	for hops, want := range map[int]float64{1: 75, 2: 37.5, 3: 18.75} {
		c := worldOf(SchemeIndependent, 4).each(calm).each(func(r *Router) {
			r.Hops, r.FastTier = hops, FastTier{Mode: tierSize, Size: 75}
		})
		w, out := NewWorld(), new(Outcome)
		var m sampleMean
		for seed := range uint64(100) {
			if err := w.reset(c, seed, out); err != nil {
				t.Fatal(err)
			}
			for i := range w.routers {
				m.add(float64(w.gatewayCandidates(int32(i))))
			}
		}
		if hops == 1 {
			if m.sum != 75*m.n {
				t.Errorf("1 hop: %v candidates", m.sum/m.n)
			}
			continue
		}
		if mean, off := m.off(want); off > misses {
			t.Errorf("%d hops: %.2f candidates, want %.2f (%.1f standard errors)", hops, mean, want, off)
		}
	}
}

// TestDistinctGateways compares the distinct IBGWs among 16 leases with their
// exact expectation: independent draws from a binomial quarter of each tier.
func TestDistinctGateways(t *testing.T) {
	for _, tc := range []struct {
		tier int
		want [3]float64 // for 1, 2 and 4 routers with disjoint tiers
	}{
		{75, [3]float64{10.825, 13.219, 14.715}},
		{50, [3]float64{9.024, 11.991, 14.068}},
		{30, [3]float64{6.536, 9.886, 12.780}},
	} {
		for k, want := range tc.want {
			n := 1 << k
			c := worldOf(SchemeIndependent, n).each(calm).each(func(r *Router) {
				r.FastTier, r.BuildSuccess = FastTier{Mode: tierSize, Size: tc.tier}, .9
			})
			c.Destination.Overlap, c.Destination.TurnoverPerHour = 0, 0
			c.Destination.Leases = 16 / n
			c.Warmup, c.Duration = Hour, Hour
			w, out := NewWorld(), new(Outcome)
			var m sampleMean
			for seed := range uint64(150) {
				if err := w.reset(c, seed, out); err != nil {
					t.Fatal(err)
				}
				w.play(70*Minute, nil)
				if x := distinctNow(w); x > 0 {
					m.add(float64(x))
				}
			}
			if m.n < 60 {
				t.Errorf("tier %d, %d routers: only %v trials with 16 leases", tc.tier, n, m.n)
			}
			if mean, off := m.off(want); off > misses {
				t.Errorf("tier %d, %d routers: %.3f IBGWs, want %.3f (%.1f standard errors)", tc.tier, n, mean, want, off)
			}
		}
	}
}

// distinctNow counts the distinct IBGWs of all routers' current leases, 0
// where those are not 16.
func distinctNow(w *World) int {
	seen := make(map[int32]bool)
	leases := 0
	for i := range w.routers {
		for _, serial := range w.routers[i].ls.leases {
			seen[w.fate(serial).gateway] = true
			leases++
		}
	}
	if leases != 16 {
		return 0
	}
	return len(seen)
}

// TestInheritance compares the share of inbound tunnels on a lent path with
// that of an independent simulation of the same rule.
func TestInheritance(t *testing.T) {
	for _, tc := range []struct{ success, want float64 }{
		{.45, .43}, {.5, .48}, {.6, .57}, {.75, .67}, {.9, .73},
	} {
		c := worldOf(SchemeSingle, 1).each(func(r *Router) { r.BuildSuccess = tc.success })
		w, out := NewWorld(), new(Outcome)
		inherited, inbound, slots := int64(0), int64(0), Time(0)
		for seed := range uint64(3) {
			mustRun(t, w, c, seed, out)
			inherited += out.Truth.Inherited
			inbound += out.Truth.Inbound
			slots += 16 * out.Truth.Observed
		}
		share := float64(inherited) / float64(inbound)
		period := slots / Time(inbound)
		t.Logf("success %.2f: inherited %.3f, slot period %.0f s", tc.success, share, period.Seconds())
		if math.Abs(share-tc.want) > .04 {
			t.Errorf("success %.2f: %.3f of the tunnels inherit, want about %.2f", tc.success, share, tc.want)
		}
		if period < 380*Second || period > 490*Second {
			t.Errorf("success %.2f: a slot lasts %.0f s, want about 400 to 480", tc.success, period.Seconds())
		}
	}
}

// TestLeaseSetRules checks every LeaseSet that a stock Java router signs, in
// worlds drawn at random.
func TestLeaseSetRules(t *testing.T) {
	w, out := NewWorld(), new(Outcome)
	rapid.Check(t, func(t *rapid.T) {
		c := worldOf(SchemeSingle, 1)
		c.Duration, c.Warmup = 2*Hour, 0
		c.Destination.StartTogether = rapid.Bool().Draw(t, "together")
		c.Destination.Leases = rapid.IntRange(1, 16).Draw(t, "leases")
		r := &c.Destination.Routers[0]
		r.Hops = rapid.IntRange(1, 5).Draw(t, "hops")
		r.Outbound = rapid.IntRange(1, 6).Draw(t, "outbound")
		r.BuildSuccess = rapid.Float64Range(.1, 1).Draw(t, "success")
		r.TunnelFailPerHour = rapid.Float64Range(0, 6).Draw(t, "failures")
		r.TestLoss = rapid.Float64Range(0, .4).Draw(t, "loss")
		r.Reuse = rapid.Float64Range(0, 1).Draw(t, "reuse")
		r.ClockSkew = Time(rapid.Int64Range(-3*int64(Second), 3*int64(Second)).Draw(t, "skew"))
		c.Network.StoreLoss = rapid.Float64Range(0, .3).Draw(t, "store loss")
		seed := rapid.Uint64().Draw(t, "seed")

		var published, first int64
		problem := ""
		w.check = func(s *leaseSet) {
			if problem == "" {
				problem = ruleBroken(w, s, c.Destination.Leases, published, first)
			}
			published, first = s.published, s.leases[len(s.leases)-1].end
		}
		defer func() { w.check = nil }()
		if err := w.reset(c, seed, out); err != nil {
			t.Fatal(err)
		}
		last, failures := -publishSpacing, int64(0)
		w.play(w.end, func() {
			p := &w.routers[0].pub
			if !p.ever || p.attempted == last {
				return
			}
			// A store that ran out of floodfills is repeated after 20 s to 40 s,
			// whenever that is.
			failed := w.out.Truth.StoreFailures != failures
			if p.attempted < last+publishSpacing && !failed {
				problem = fmt.Sprintf("published %.1f s after the last time", (p.attempted - last).Seconds())
			}
			last, failures = p.attempted, w.out.Truth.StoreFailures
		})
		if problem != "" {
			t.Fatal(problem)
		}
	})
}

// ruleBroken says what is wrong with a LeaseSet that follows one published at
// the given second with the given earliest end.
func ruleBroken(w *World, s *leaseSet, quantity int, published, first int64) string {
	n := len(s.leases)
	if n == 0 || n > quantity {
		return fmt.Sprintf("%d leases, want 1 to %d", n, quantity)
	}
	if s.published <= published {
		return fmt.Sprintf("published %d after %d", s.published, published)
	}
	if now := int64((w.wall(0) + Second) / Second); published > 0 && s.published > max(now, published+1) {
		return fmt.Sprintf("published %d at %d", s.published, now)
	}
	if s.leases[n-1].end <= first {
		return fmt.Sprintf("earliest end %d after %d", s.leases[n-1].end, first)
	}
	for k := 1; k < n; k++ {
		if s.leases[k].end > s.leases[k-1].end {
			return fmt.Sprintf("lease %d ends after lease %d", k, k-1)
		}
	}
	if s.expires != s.leases[0].end {
		return "expires at another time than its latest lease"
	}
	if s.leases[n-1].end <= s.published {
		return fmt.Sprintf("a lease ends at %d, published %d", s.leases[n-1].end, s.published)
	}
	return ""
}

// TestNextWant: the loop may skip passes until nextWant because none of them
// would want a build, by either rule.
func TestNextWant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld()
		w.streams.reset(1)
		p := &tunnelPool{
			want:       rapid.IntRange(1, 16).Draw(t, "want"),
			inProgress: rapid.IntRange(0, 3).Draw(t, "in progress"),
			timeouts:   rapid.IntRange(0, 14).Draw(t, "timeouts"),
			spent:      Time(rapid.Int64Range(0, 16*210).Draw(t, "spent")) * Second,
			skew:       Time(rapid.Int64Range(0, 90).Draw(t, "skew")) * Second,
		}
		w.now = Time(rapid.Int64Range(0, 120).Draw(t, "now")) * Second
		for range rapid.IntRange(0, 24).Draw(t, "tunnels") {
			at := w.now + Time(rapid.Int64Range(1, 600e9).Draw(t, "early"))
			p.members = append(p.members, 0)
			p.addEarly(at)
		}
		next := w.nextWant(p)
		from := w.now
		// Until a tunnel expires; then the loop looks again.
		for at := from; at < min(next, from+700*Second); at += 97 * Millisecond {
			if len(p.expiries) > 0 && at >= p.expiries[0] {
				break
			}
			w.now = at
			n := w.howManyConservative(p, false)
			if p.adaptive() {
				n = w.howManyAdaptive(p)
			}
			if n > 0 {
				t.Fatalf("%d builds wanted %v s before the time", n, (next - at).Seconds())
			}
		}
	})
}

// TestRestOfWait compares the closed form of the residual wait with a loop
// that is interrupted at random.
func TestRestOfWait(t *testing.T) {
	w := NewWorld()
	w.streams.reset(3)
	rng := rand.New(rand.NewPCG(1, 2))
	var fast, slow sampleMean
	for range 20000 {
		fast.add(w.restOfWait().Seconds())
		at, hit := Time(0), uniform(rng, 20*Second, 40*Second)
		for at <= hit {
			at += loopWait + uniform(rng, 0, loopWaitRange)
		}
		slow.add((at - hit).Seconds())
	}
	want, _ := slow.off(0)
	if mean, off := fast.off(want); off > 2*misses {
		t.Errorf("mean residual %.4f s, want %.4f", mean, want)
	}
}

// TestBusyLimit compares the limit with the rule as it is stated.
func TestBusyLimit(t *testing.T) {
	w := NewWorld()
	w.now = Hour
	for all := 4; all < 60; all++ {
		r := &router{cfg: &Router{MaxPeerShare: true}}
		r.pools[0].members = make([]int32, all)
		limit := w.busyLimit(r)
		for count := range all {
			excluded := count > 0 && (count+1)*100/(all+1) > 33
			if excluded != (count > limit) {
				t.Fatalf("%d of %d tunnels: excluded %v, limit %d", count, all, excluded, limit)
			}
		}
	}
}

// TestPathRules: no peer twice, and no two of one /16, port or family.
func TestPathRules(t *testing.T) {
	c := worldOf(SchemeSingle, 1).each(func(r *Router) { r.Hops = 5 })
	w, out := NewWorld(), new(Outcome)
	for seed := range uint64(20) {
		if err := w.reset(c, seed, out); err != nil {
			t.Fatal(err)
		}
		w.startRouter(0)
		for range 50 {
			for _, dir := range []balancer.Direction{balancer.Inbound, balancer.Outbound} {
				var path [maxHops]int32
				n := w.choosePath(0, dir, &path)
				if n != 5 {
					t.Fatalf("%d hops", n)
				}
				for k := range n {
					for j := range k {
						if path[j] == path[k] || w.traitOf(path[j]).kin(w.traitOf(path[k])) {
							t.Fatalf("hops %d and %d are kin", j, k)
						}
					}
				}
				if dir == balancer.Inbound && !w.pop.IBGW(path[n-1]) {
					t.Fatal("an unreachable IBGW")
				}
			}
		}
	}
}
