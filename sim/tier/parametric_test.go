package tier

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func jaccard(a, b []int32) float64 {
	o := 0
	for _, x := range a {
		if contains(b, x) {
			o++
		}
	}
	return float64(o) / float64(len(a)+len(b)-o)
}

// checkTiers checks what holds of parametric tiers at any time.
func checkTiers(t interface {
	Helper()
	Errorf(string, ...any)
}, s *Set, own []int32,
) {
	t.Helper()
	for r := range s.Routers() {
		fast, high := s.Fast(r), s.HighCapacity(r)
		if len(fast) < 1 || len(fast) > FastMax || len(high) > HighCapacityMax || len(high) < len(fast) {
			t.Errorf("router %d: %d fast, %d high-capacity peers", r, len(fast), len(high))
		}
		if !slices.Equal(fast, high[:len(fast)]) {
			t.Errorf("router %d: the high-capacity tier lacks fast peers", r)
		}
		seen := map[int32]bool{}
		for _, id := range high {
			if seen[id] {
				t.Errorf("router %d holds peer %d twice", r, id)
			}
			seen[id] = true
			if id < 0 || int(id) >= s.pop.Len() {
				t.Errorf("router %d holds %d, not an id of the network", r, id)
			}
			if contains(own, id) {
				t.Errorf("router %d holds our own router %d", r, id)
			}
		}
	}
	if s.kind != Parametric {
		return
	}
	// The books: every fast slot and common place counted once.
	count := map[int32]int{}
	for r := range s.Routers() {
		for _, id := range s.Fast(r) {
			count[id]++
		}
	}
	for _, id := range s.par.common {
		count[id]++
	}
	for id, n := range s.par.refs {
		if n != ownMark && int(n) != count[int32(id)] {
			t.Errorf("peer %d counted %d times, stands in %d places", id, n, count[int32(id)])
		}
	}
}

func TestParametricProperties(t *testing.T) {
	cfg := DefaultPopulationConfig()
	rapid.Check(t, func(t *rapid.T) {
		cfg.Routers = rapid.SampledFrom([]int{2600, 30000}).Draw(t, "network")
		pop, err := NewPopulation(rapid.Uint64().Draw(t, "network seed"), cfg)
		if err != nil {
			t.Fatal(err)
		}
		c := DefaultConfig(&pop)
		c.Routers = rapid.IntRange(1, 8).Draw(t, "routers")
		if rapid.Bool().Draw(t, "sized") {
			c.Sizes = rapid.SliceOfN(rapid.IntRange(0, 90), c.Routers, c.Routers).Draw(t, "sizes")
		}
		c.Overlap = rapid.Float64Range(0, 1).Draw(t, "overlap")
		c.Turnover = rapid.SampledFrom([]float64{0, 0.05, 2, 500}).Draw(t, "turnover")
		c.IBGWEligible = rapid.SampledFrom([]float64{0, 0.9, 1}).Draw(t, "eligible")
		for id := range int32(rapid.IntRange(0, 100).Draw(t, "own")) {
			c.Own = append(c.Own, id)
		}
		c.Uptime = rapid.SampledFrom([]int64{0, minute, day}).Draw(t, "uptime")
		var s Set
		if err := s.Reset(c, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))); err != nil {
			t.Fatal(err)
		}
		checkTiers(t, &s, c.Own)
		now := int64(0)
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			now += rapid.Int64Range(0, hour).Draw(t, "step")
			s.Advance(now)
			if s.NextChange() <= now {
				t.Errorf("something due at %d is left at %d", s.NextChange(), now)
			}
			r := rapid.IntRange(0, c.Routers-1).Draw(t, "router")
			switch rapid.IntRange(0, 3).Draw(t, "fault") {
			case 0:
				s.Shock(r, rapid.Float64Range(0, 1).Draw(t, "share"), now)
			case 1:
				s.Restart(r, now)
			}
			checkTiers(t, &s, c.Own)
		}
	})
}

// TestParametricOverlap compares the attained mean Jaccard index with the
// target, at the start and, for stationarity, after ten hours of turnover.
// TestCrowd: a thousand routers in a network of 30,000 have tiers of the wanted sizes
// all the same, which turn over, and the wanted overlap but for what falls together by
// chance.
func TestCrowd(t *testing.T) {
	pop, err := NewPopulation(1, DefaultPopulationConfig())
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig(&pop)
	c.Routers = RoutersMax
	c.Turnover = 0.5
	var s Set
	rng := rand.New(rand.NewPCG(1, 2))
	if err := s.Reset(c, rng); err != nil {
		t.Fatal(err)
	}
	for h := range int64(3) {
		s.Advance(h * hour)
		checkTiers(t, &s, nil)
		sum, n := 0.0, 0
		for range 20_000 {
			a, b := rng.IntN(c.Routers), rng.IntN(c.Routers)
			if a != b {
				sum += jaccard(s.Fast(a), s.Fast(b))
				n++
			}
		}
		// The standard error of 20,000 pairs is about 0.0003.
		if mean := sum / float64(n); mean < 0.015 || mean > 0.022 {
			t.Errorf("after %d h the mean Jaccard index is %.4f, want 0.016 and a bit", h, mean)
		}
	}
}

func TestParametricOverlap(t *testing.T) {
	pop := network(t, 3)
	for _, c := range []struct {
		name    string
		routers int
		sizes   []int
		target  float64
		trials  int
	}{
		{"none", 4, nil, 0, 50},
		{"measured", 4, nil, 0.016, 1500},
		{"measured, high", 4, nil, 0.1, 600},
		{"30", 4, []int{30}, 0.3, 400},
		{"75", 2, []int{75}, 0.6, 400},
		{"50, two", 2, []int{50}, 0.016, 1500},
		{"unlike", 3, []int{20, 40, 60}, 0.2, 600},
		{"small", 8, []int{12}, 0.1, 300},
		{"equal", 3, []int{40}, 1, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := DefaultConfig(pop)
			cfg.Routers, cfg.Sizes, cfg.Overlap, cfg.Turnover = c.routers, c.sizes, c.target, 0.2
			rng := rand.New(rand.NewPCG(11, 12))
			var s Set
			for _, at := range []int64{0, 10 * hour} {
				var sum, sq, wanted float64
				for range c.trials {
					if err := s.Reset(cfg, rng); err != nil {
						t.Fatal(err)
					}
					s.Advance(at)
					want, ok := s.ExpectedOverlap()
					if ok && math.Abs(want-c.target) > 1e-6 {
						t.Fatalf("expects %.6f, wanted %.6f", want, c.target)
					}
					var j float64
					for a := range c.routers {
						for b := range a {
							j += jaccard(s.Fast(a), s.Fast(b))
						}
					}
					j /= float64(c.routers * (c.routers - 1) / 2)
					sum, sq, wanted = sum+j, sq+j*j, wanted+want
				}
				n := float64(c.trials)
				mean, target := sum/n, wanted/n
				se := math.Sqrt(max(0, sq/n-mean*mean) / n)
				// The second-order expectation is good to 0.002; peers just
				// replaced miss from the overlap between reorganisations.
				lag := 0.0
				if at > 0 {
					lag = 2 * target * 0.2 * 351 / 3600
				}
				if math.Abs(mean-target) > falseAlarm*se+0.002*min(1, 20*target)+lag+1e-12 {
					t.Errorf("at %d h: Jaccard %.4f, want %.4f ± %.4f", at/hour, mean, target, falseAlarm*se)
				}
			}
		})
	}
}

// TestParametricImpossibleOverlap: sizes 12 and 75 share at most 12 of 75.
func TestParametricImpossibleOverlap(t *testing.T) {
	cfg := DefaultConfig(network(t, 3))
	cfg.Routers, cfg.Sizes, cfg.Overlap = 2, []int{12, 75}, 0.5
	var s Set
	if err := s.Reset(cfg, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	got, ok := s.ExpectedOverlap()
	if ok || math.Abs(got-12.0/75) > 1e-9 {
		t.Errorf("expects %v (as wanted: %v), want 0.16, not as wanted", got, ok)
	}
	if j := jaccard(s.Fast(0), s.Fast(1)); j != 12.0/75 {
		t.Errorf("Jaccard index %v, want 0.16", j)
	}
}

// TestExpectedJaccardExact compares the approximation with the exact
// expectation, summed over the binomials and the hypergeometric.
func TestExpectedJaccardExact(t *testing.T) {
	for _, c := range []struct {
		a, b, m int
		q       float64
	}{{12, 12, 12, 0.3}, {12, 12, 75, 0.5}, {30, 30, 30, 0.2}, {56, 12, 56, 0.7}, {75, 75, 75, 0.9}, {47, 31, 56, 0.05}, {40, 40, 40, 1}} {
		var want float64
		for ka := range c.a + 1 {
			for kb := range c.b + 1 {
				w := binomial(c.a, ka, c.q) * binomial(c.b, kb, c.q)
				for o := max(0, ka+kb-c.m); o <= min(ka, kb); o++ {
					h := math.Exp(choose(ka, o) + choose(c.m-ka, kb-o) - choose(c.m, kb))
					want += w * h * float64(o) / float64(c.a+c.b-o)
				}
			}
		}
		if got := expectedJaccard(c.a, c.b, c.m, c.q); math.Abs(got-want) > 0.002 {
			t.Errorf("%+v: %.5f, exactly %.5f", c, got, want)
		}
	}
}

func choose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	f := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return f(n) - f(k) - f(n-k)
}

func binomial(n, k int, q float64) float64 {
	switch {
	case q == 1 && k == n:
		return 1
	case q == 1:
		return 0
	}
	return math.Exp(choose(n, k) + float64(k)*math.Log(q) + float64(n-k)*math.Log(1-q))
}

// TestParametricTurnover checks the share of peers gone after some hours, for
// tiers of private, mixed and common peers, and for young routers.
func TestParametricTurnover(t *testing.T) {
	pop := network(t, 4)
	for _, c := range []struct {
		turnover, overlap float64
		hours             int64
		uptime            int64
	}{{0.05, 0.016, 24, day}, {0.2, 0.4, 5, day}, {0.2, 1, 5, day}, {0.05, 0.016, 24, 0}, {0, 0.5, 24, day}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			cfg := DefaultConfig(pop)
			cfg.Routers, cfg.Sizes = 3, []int{40}
			cfg.Turnover, cfg.Overlap, cfg.Uptime = c.turnover, c.overlap, c.uptime
			rng := rand.New(rand.NewPCG(21, 22))
			var s Set
			gone := [2]int{}
			members := [2]int{}
			for range 200 {
				if err := s.Reset(cfg, rng); err != nil {
					t.Fatal(err)
				}
				fast := slices.Clone(s.Fast(0))
				rest := slices.Clone(s.HighCapacity(0)[len(fast):])
				s.Advance(c.hours * hour)
				for k, was := range [][]int32{fast, rest} {
					now := s.HighCapacity(0)[len(fast):]
					if k == 0 {
						now = s.Fast(0)
					}
					members[k] += len(was)
					for _, id := range was {
						if !contains(now, id) {
							gone[k]++
						}
					}
				}
			}
			// On average a reorganisation or two have yet to act.
			want := 1 - math.Exp(-c.turnover*(float64(c.hours)-351.0/3600*0.75))
			for k := range gone {
				got := float64(gone[k]) / float64(members[k])
				se := math.Sqrt(want * (1 - want) / float64(members[k]))
				if math.Abs(got-want) > falseAlarm*se+0.25*c.turnover*351/3600 {
					t.Errorf("tier %d: share %.4f gone, want %.4f ± %.4f", k, got, want, falseAlarm*se)
				}
			}
		})
	}
}

// TestTurnOver checks the skipping draw against the law of one draw a slot.
func TestTurnOver(t *testing.T) {
	for _, hazard := range []float64{0.003, 0.2, 1.5, 40} {
		rng := rand.New(rand.NewPCG(31, 32))
		debt := rng.ExpFloat64()
		var count [7]int
		const rounds = 40000
		for range rounds {
			turnOver(len(count), hazard, &debt, rng, func(i int) { count[i]++ })
		}
		want := 1 - math.Exp(-hazard)
		se := math.Sqrt(want * (1 - want) / rounds)
		for i, n := range count {
			if got := float64(n) / rounds; math.Abs(got-want) > falseAlarm*se+1e-9 {
				t.Errorf("hazard %v, slot %d: replaced with probability %.4f, want %.4f", hazard, i, got, want)
			}
		}
	}
}

func TestParametricSizes(t *testing.T) {
	cfg := DefaultConfig(network(t, 5))
	cfg.Routers = 21
	rng := rand.New(rand.NewPCG(41, 42))
	var s Set
	count := map[int]int{}
	const resets = 400
	for range resets {
		if err := s.Reset(cfg, rng); err != nil {
			t.Fatal(err)
		}
		for r := range cfg.Routers {
			row := Swarm[s.Row(r)]
			count[s.Row(r)]++
			if len(s.Fast(r)) != row.Fast {
				t.Fatalf("row %d: %d fast peers, want %d", s.Row(r), len(s.Fast(r)), row.Fast)
			}
			if want := min(max(row.Fast, row.HighCapacity), HighCapacityMax); len(s.HighCapacity(r)) != want {
				t.Fatalf("row %d: %d high-capacity peers, want %d", s.Row(r), len(s.HighCapacity(r)), want)
			}
		}
	}
	for row := range Swarm {
		if z := (float64(count[row]) - resets) / math.Sqrt(resets*20.0/21); math.Abs(z) > falseAlarm {
			t.Errorf("row %d drawn %d times, want about %d", row, count[row], resets)
		}
	}

	cfg.Routers, cfg.Sizes = 4, []int{100, 1, 30, 0}
	if err := s.Reset(cfg, rng); err != nil {
		t.Fatal(err)
	}
	for r, want := range []int{75, 1, 30} {
		if got := len(s.Fast(r)); got != want {
			t.Errorf("size %d gives %d fast peers, want %d", cfg.Sizes[r], got, want)
		}
	}
	if notes := cfg.Notes(); len(notes) != 2 {
		t.Errorf("notes %q, want one on 100 and one on 1", notes)
	}
}

// TestParametricEligible checks the share of possible inbound gateways.
func TestParametricEligible(t *testing.T) {
	pop := network(t, 6)
	for _, share := range []float64{0, 0.5, 0.9, 1} {
		cfg := DefaultConfig(pop)
		cfg.Routers, cfg.Sizes, cfg.IBGWEligible, cfg.Turnover = 8, []int{75}, share, 1
		var s Set
		if err := s.Reset(cfg, rand.New(rand.NewPCG(51, 52))); err != nil {
			t.Fatal(err)
		}
		s.Advance(6 * hour)
		n, yes := 0, 0
		for r := range cfg.Routers {
			for _, id := range s.Fast(r) {
				n++
				if s.AllowIBGW(id) {
					yes++
				}
				if pop.Class(id) == 'K' {
					t.Errorf("a peer of class K in a tier")
				}
			}
		}
		se := math.Sqrt(share * (1 - share) / float64(n))
		if got := float64(yes) / float64(n); math.Abs(got-share) > falseAlarm*se {
			t.Errorf("share %.3f may be gateways, want %.3f ± %.3f", got, share, falseAlarm*se)
		}
		cfg.NoIBGWFilter = true
		if err := s.Reset(cfg, rand.New(rand.NewPCG(51, 52))); err != nil {
			t.Fatal(err)
		}
		for _, id := range s.Fast(0) {
			if !s.AllowIBGW(id) {
				t.Fatal("the filter is off and yet refuses")
			}
		}
	}
}

func TestParametricShock(t *testing.T) {
	cfg := DefaultConfig(network(t, 7))
	cfg.Routers, cfg.Sizes, cfg.Overlap = 2, []int{60}, 0.2
	var s Set
	rng := rand.New(rand.NewPCG(61, 62))
	stayed := 0
	const rounds = 100
	for range rounds {
		if err := s.Reset(cfg, rng); err != nil {
			t.Fatal(err)
		}
		was, version := slices.Clone(s.Fast(0)), s.Version(0)
		s.Shock(0, 0.5, 0)
		for _, id := range s.Fast(0) {
			if contains(was, id) {
				stayed++
			}
		}
		if s.Version(0) == version {
			t.Error("the version did not change")
		}
	}
	share := float64(stayed) / (60 * rounds)
	if math.Abs(share-0.5) > falseAlarm*math.Sqrt(0.25/(60*rounds)) {
		t.Errorf("share %.3f stayed, want 0.5", share)
	}
}

// TestParametricRestart checks the intervals of a young router.
func TestParametricRestart(t *testing.T) {
	cfg := DefaultConfig(network(t, 8))
	var s Set
	if err := s.Reset(cfg, rand.New(rand.NewPCG(71, 72))); err != nil {
		t.Fatal(err)
	}
	start := 5 * hour
	s.Advance(start)
	s.Restart(0, start)
	last := start
	for last < start+4*hour {
		next := s.NextChange()
		want := ReorganizeLong
		switch up := last - start; {
		case up <= YoungUptime:
			want = ReorganizeYoung
		case up <= MediumUptime:
			want = ReorganizeMedium
		}
		if next-last != want {
			t.Fatalf("uptime %d s: next in %d s, want %d s", (last-start)/second, (next-last)/second, want/second)
		}
		s.Advance(next)
		last = next
	}
}

func TestSetErrors(t *testing.T) {
	pop := network(t, 9)
	small, err := NewPopulation(1, PopulationConfig{Routers: 300, Reachable: 0.5, IPv4: 1, Classes: [7]float64{0, 1}, Slash16s: 10, FamilySize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"no population":    func(c *Config) { c.Population = nil },
		"no routers":       func(c *Config) { c.Routers = 0 },
		"too many":         func(c *Config) { c.Routers = RoutersMax + 1 },
		"sizes":            func(c *Config) { c.Sizes = []int{1, 2, 3} },
		"negative size":    func(c *Config) { c.Sizes = []int{-1} },
		"overlap":          func(c *Config) { c.Overlap = 1.5 },
		"turnover":         func(c *Config) { c.Turnover = math.NaN() },
		"eligible":         func(c *Config) { c.IBGWEligible = -0.1 },
		"kind":             func(c *Config) { c.Kind = 9 },
		"sized emergent":   func(c *Config) { c.Kind, c.Sizes = Emergent, []int{30} },
		"emergent clients": func(c *Config) { c.Kind, c.Profiles.Clients = Emergent, 0 },
		"small network":    func(c *Config) { c.Population = &small },
	} {
		cfg := DefaultConfig(pop)
		cfg.Routers = 2
		spoil(&cfg)
		var s Set
		if err := s.Reset(cfg, rand.New(rand.NewPCG(1, 1))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
