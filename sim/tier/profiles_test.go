package tier

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

func emergent(t testing.TB, seed uint64) Config {
	t.Helper()
	cfg := DefaultConfig(network(t, seed))
	cfg.Kind = Emergent
	return cfg
}

// quantile interpolates linearly between order statistics; xs is sorted.
func quantile(xs []float64, q float64) float64 {
	h := q * float64(len(xs)-1)
	i := int(h)
	if i+1 >= len(xs) {
		return xs[len(xs)-1]
	}
	return xs[i] + (h-float64(i))*(xs[i+1]-xs[i])
}

// TestEmergentSizes compares the quartiles of the emergent fast tiers, after
// a warm-up of 3 h, with the 21 measured ones: each must lie in the 99 %
// bootstrap interval of the measured quartile. 21 routers allow no more.
// It also compares the two routers class by class, which is much sharper.
func TestEmergentSizes(t *testing.T) {
	cfg := emergent(t, 1)
	rng := rand.New(rand.NewPCG(81, 82))
	const each = 12
	var got, want []float64
	var p Profiles
	var fastSum, fastWant, highSum, highWant float64
	for row := range Swarm {
		want = append(want, float64(Swarm[row].Fast))
		for range each {
			p.Reset(&cfg, row, rng.Uint64(), rng.Uint64())
			p.Advance(3 * hour)
			f, h := float64(len(p.FastTier())), float64(len(p.HighCapacity()))
			got = append(got, f)
			fastSum += f / each
			highSum += h / each
		}
		fastWant += float64(Swarm[row].Fast)
		highWant += float64(Swarm[row].HighCapacity)
	}
	sort.Float64s(got)
	sort.Float64s(want)

	const rounds = 4000
	boot := [3][]float64{}
	sample := make([]float64, len(want))
	for range rounds {
		for i := range sample {
			sample[i] = want[rng.IntN(len(want))]
		}
		sort.Float64s(sample)
		for k := range boot {
			boot[k] = append(boot[k], quantile(sample, float64(k+1)/4))
		}
	}
	for k := range boot {
		sort.Float64s(boot[k])
		q := float64(k+1) / 4
		lo, hi := quantile(boot[k], 0.005), quantile(boot[k], 0.995)
		x := quantile(got, q)
		t.Logf("quantile %.2f: simulated %.1f, measured %.1f [%.1f, %.1f]", q, x, quantile(want, q), lo, hi)
		if x < lo || x > hi {
			t.Errorf("quantile %.2f of the fast tiers is %.1f, outside [%.1f, %.1f]", q, x, lo, hi)
		}
	}
	t.Logf("means: fast %.1f, measured %.1f; high-capacity %.1f, measured %.1f",
		fastSum/21, fastWant/21, highSum/21, highWant/21)
	// The high-capacity count is input, so it must come out.
	if math.Abs(highSum/highWant-1) > 0.1 {
		t.Errorf("mean of %.1f high-capacity peers, want %.1f", highSum/21, highWant/21)
	}
	if math.Abs(fastSum/fastWant-1) > 0.15 {
		t.Errorf("mean of %.1f fast peers, want %.1f", fastSum/21, fastWant/21)
	}
}

// TestEmergentStationary checks that tiers drawn at the start are already what
// they are days later: over the same size classes, mean sizes 3 h, 12 h and
// 75 h after agree within a tenth, beyond the standard errors.
func TestEmergentStationary(t *testing.T) {
	cfg := emergent(t, 2)
	rng := rand.New(rand.NewPCG(91, 92))
	var p Profiles
	hours := []int64{3, 12, 75}
	var mean, diff, sq [3]float64
	const n = 126
	for k := range n {
		p.Reset(&cfg, k%len(Swarm), rng.Uint64(), rng.Uint64())
		first := 0.0
		for k, h := range hours {
			p.Advance(h * hour)
			f := float64(len(p.FastTier()))
			if k == 0 {
				first = f
			}
			mean[k] += f / n
			diff[k] += (f - first) / n
			sq[k] += (f - first) * (f - first) / n
		}
	}
	for k, h := range hours {
		se := math.Sqrt(max(0, sq[k]-diff[k]*diff[k]) / n)
		t.Logf("after %d h: %.2f peers, %+.2f ± %.2f", h, mean[k], diff[k], se)
		if math.Abs(diff[k]) > 0.1*mean[0]+falseAlarm*se {
			t.Errorf("fast tiers drift by %.2f ± %.2f peers in %d h", diff[k], se, h-3)
		}
	}
}

// TestEmergentTiers checks what holds after every reorganisation, whatever the
// caller reports.
func TestEmergentTiers(t *testing.T) {
	pop := network(t, 3)
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig(pop)
		cfg.Kind = Emergent
		cfg.Routers = rapid.IntRange(1, 3).Draw(t, "routers")
		cfg.Profiles.Settle = rapid.SampledFrom([]int64{0, hour}).Draw(t, "settle")
		cfg.Profiles.Clients = rapid.SampledFrom([]int{1, 5}).Draw(t, "clients")
		for id := range int32(50) {
			cfg.Own = append(cfg.Own, id*100)
		}
		var s Set
		if err := s.Reset(cfg, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))); err != nil {
			t.Fatal(err)
		}
		now := int64(0)
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			now += rapid.Int64Range(1, 3*hour).Draw(t, "step")
			s.Advance(now)
			r := rapid.IntRange(0, cfg.Routers-1).Draw(t, "router")
			for range rapid.IntRange(0, 300).Draw(t, "events") {
				id := rapid.Int32Range(0, int32(pop.Len()-1)).Draw(t, "peer")
				switch rapid.IntRange(0, 5).Draw(t, "event") {
				case 0:
					s.Accepted(r, id, now)
				case 1:
					s.Rejected(r, id, now)
				case 2:
					s.Failed(r, id, 33, now)
				case 3:
					s.Connected(r, id, rapid.Bool().Draw(t, "up"), now)
				default:
					s.Credit(r, id, rapid.Int64Range(0, 1e9).Draw(t, "bytes"), now)
				}
			}
			switch rapid.IntRange(0, 4).Draw(t, "fault") {
			case 0:
				s.Shock(r, 0.7, now)
			case 1:
				s.Restart(r, now)
			}
			for r := range cfg.Routers {
				checkProfiles(t, s.Profiles(r), cfg.Own)
			}
		}
	})
}

func checkProfiles(t *rapid.T, p *Profiles, own []int32) {
	if len(p.FastTier()) > FastMax || len(p.HighCapacity()) > HighCapacityMax {
		t.Errorf("%d fast, %d high-capacity peers", len(p.FastTier()), len(p.HighCapacity()))
	}
	for _, tier := range [][]int32{p.FastTier(), p.HighCapacity()} {
		seen := map[int32]bool{}
		for _, id := range tier {
			if seen[id] {
				t.Errorf("peer %d twice", id)
			}
			seen[id] = true
			if contains(own, id) {
				t.Errorf("our own router %d in a tier", id)
			}
		}
	}
	seen := map[int32]bool{}
	for i := range p.n {
		id := p.peer[i]
		if seen[id] {
			t.Errorf("two profiles of peer %d", id)
		}
		seen[id] = true
		if j, ok := p.index.get(id); !ok || j != i {
			t.Errorf("profile %d of peer %d is indexed as %d, %v", i, id, j, ok)
		}
		if i < p.core && p.state[i]&stable == 0 {
			t.Errorf("profile %d of the core is not stable", i)
		}
	}
}

// one returns profiles of a single peer with nothing in its favour, to try the
// rules on.
func one(t *testing.T) (p *Profiles, id int32) {
	t.Helper()
	cfg := emergent(t, 4)
	p = new(Profiles)
	p.Reset(&cfg, 0, 1, 2)
	id = p.peer[0]
	p.n, p.core = 1, 1
	p.cold[0] = profile{firstHeard: -day, lastSend: -day, lastHeard: -day, lastFail: longAgo, sessionEnd: Never}
	p.idle[0], p.state[0], p.boot, p.last = -day, selectable|stable, -day, 0
	p.cfg.BuildsPerPeer = 0
	return p, id
}

// TestCapacity checks the capacity against values worked out by hand from the
// rules in the package comment. An idle, disconnected peer that was sent a
// message a day ago has 5 for being unknown and 1 for that message.
func TestCapacity(t *testing.T) {
	const now = 5 * minute
	for _, c := range []struct {
		name string
		do   func(*Profiles, int32)
		want float64
	}{
		{"idle", func(*Profiles, int32) {}, 6},
		{"connected", func(p *Profiles, id int32) { p.state[0] |= connected }, 5 + 0.65 + 2},
		{"three accepts", func(p *Profiles, id int32) {
			p.state[0] |= connected
			for range 3 {
				p.Accepted(id, now)
			}
		}, 0.4*(5+18) + 0.5*(5+3) + 0.1*(5+3.0/24) + 2.65},
		{"one reject in three", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.Accepted(id, now)
			p.Accepted(id, now)
			p.Rejected(id, now)
		}, 0.4*(5+6) + 0.5*(5+1) + 0.1*(5+1.0/24) + 2.65},
		{"rejects alone cost nothing", func(p *Profiles, id int32) {
			p.state[0] |= connected
			for range 9 {
				p.Rejected(id, now)
			}
		}, 7.65},
		{"a failure", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.Failed(id, 10, now)
		}, 0.4*(5-2.4) + 0.5*(5-0.4) + 0.1*(5-0.4/24) + 2.65},
		{"a failure too many", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.Failed(id, 50, now) // 5 - 12 in ten minutes
		}, 2.65},
		{"newcomer", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.cold[0].firstHeard = now - 119*minute
		}, 0},
		{"newcomer no more", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.cold[0].firstHeard = now - 2*hour
		}, 7.65},
		{"newcomer to a young router", func(p *Profiles, id int32) {
			p.state[0] |= connected
			p.cold[0].firstHeard = now - minute
			p.boot = now - 30*minute
		}, 7.65},
		{"disconnected half an hour ago", func(p *Profiles, id int32) {
			p.lose(0, now-20*minute)
		}, 1 + 2},
		{"disconnected two hours ago", func(p *Profiles, id int32) {
			p.lose(0, now-2*hour)
		}, 6},
		{"last message lost", func(p *Profiles, id int32) {
			p.cold[0].lastFail = now - hour
		}, 5 - 4},
		{"last message lost, one sent just before", func(p *Profiles, id int32) {
			p.lose(0, now-10*minute)
			p.cold[0].lastFail = now - 5*minute
		}, 1},
		{"adders", func(p *Profiles, id int32) { p.cold[0].base = -2 }, 4},
		{"never below 0", func(p *Profiles, id int32) { p.cold[0].base = -20 }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, id := one(t)
			c.do(p, id)
			p.due[0] = 0
			p.evaluate(0, now)
			if got, _ := p.Capacity(id); math.Abs(got-c.want) > 1e-4 {
				t.Errorf("capacity %.4f, want %.4f", got, c.want)
			}
		})
	}
}

// TestBaseCapacity checks the adders that follow from a peer's router info.
func TestBaseCapacity(t *testing.T) {
	p, _ := one(t)
	for id := range int32(2000) {
		want := 0.0
		if !p.pop.Floodfill(id) {
			want++
		}
		if !p.pop.Reachable(id) {
			want -= 3
		}
		if p.pop.Class(id) == 'L' {
			want--
		}
		if got := float64(p.baseCapacity(id)); math.Abs(got-want) > 0.2501 {
			t.Fatalf("peer %d: %v, want %v ± 0.25", id, got, want)
		}
	}
}

// TestLazyCapacity: capacities that are recomputed only when due equal those
// recomputed each time.
func TestLazyCapacity(t *testing.T) {
	cfg := emergent(t, 5)
	var p, q Profiles
	p.Reset(&cfg, 0, 3, 4)
	q.Reset(&cfg, 0, 3, 4)
	for range 600 {
		now := p.NextReorganize()
		clear(q.due[:])
		p.Advance(now)
		q.Advance(now)
		for i := range p.n {
			if p.cap[i] != q.cap[i] || p.speed[i] != q.speed[i] {
				t.Fatalf("at %d s profile %d has capacity %v and speed %v, recomputed %v and %v",
					now/second, i, p.cap[i], p.speed[i], q.cap[i], q.speed[i])
			}
		}
	}
}

// TestNewcomersWait: no peer gets into a tier within two hours of its first
// contact, save by the floor, which needs capacity for its order only.
func TestNewcomersWait(t *testing.T) {
	cfg := emergent(t, 6)
	var p Profiles
	p.Reset(&cfg, 0, 5, 6)
	for range 400 {
		now := p.NextReorganize()
		p.Advance(now)
		for _, i := range p.highI {
			if age := now - p.cold[i].firstHeard; age < newPeerAge {
				t.Fatalf("a peer first heard of %d min ago is in the high-capacity tier", age/minute)
			}
		}
	}
}

func TestSpeedAndDecay(t *testing.T) {
	p, id := one(t)
	for _, x := range []int64{10, 40, 20, 30, 5, 20} {
		p.Credit(id, x, 0)
	}
	p.evaluate(0, minute)
	if _, speed := p.Capacity(id); speed != 30 {
		t.Errorf("speed %v, want the mean of 40, 30 and 20", speed)
	}
	// A day of reorganisations halves speeds on average over many peers, in
	// the logarithm exactly.
	cfg := emergent(t, 7)
	cfg.Profiles.BuildsPerPeer = 0
	p.Reset(&cfg, 0, 7, 8)
	for i := range p.n {
		p.cold[i].peaks = [peaksKept]float32{1, 1, 1}
	}
	const rounds = 246
	for range rounds {
		p.fade()
	}
	var steps float64
	for i := range p.n {
		steps += math.Round(math.Log(float64(p.cold[i].peaks[0])) / math.Log(decayFactor))
	}
	mean := steps / float64(p.n)
	const want = rounds / 61.0
	if se := math.Sqrt(want / float64(p.n)); math.Abs(mean-want) > falseAlarm*se {
		t.Errorf("%.3f steps of decay a day, want %.3f ± %.3f", mean, want, falseAlarm*se)
	}
}

// TestCreditLifts: a high-capacity peer that carries much enters the fast
// tier, one that fails leaves both.
func TestCreditLifts(t *testing.T) {
	cfg := emergent(t, 8)
	var s Set
	if err := s.Reset(cfg, rand.New(rand.NewPCG(9, 10))); err != nil {
		t.Fatal(err)
	}
	p := s.Profiles(0)
	slow := int32(-1)
	for _, i := range p.highI {
		if !contains(s.Fast(0), p.peer[i]) && p.flip[i] > 2*hour && p.state[i]&connected != 0 {
			slow = p.peer[i]
			break
		}
	}
	if slow < 0 {
		t.Fatal("no slow peer")
	}
	version := s.Version(0)
	for range 3 {
		s.Credit(0, slow, 1e9, 0)
	}
	now := s.NextChange()
	s.Advance(now)
	if !contains(s.Fast(0), slow) || s.Version(0) == version {
		t.Fatal("credit did not lift the peer into the fast tier")
	}
	for range 20 {
		s.Failed(0, slow, 100, now)
	}
	s.Advance(s.NextChange())
	if contains(s.Fast(0), slow) || contains(s.HighCapacity(0), slow) {
		t.Error("failures did not cost the peer its place")
	}
}

// TestThresholds tries the capacity threshold's cases.
func TestThresholds(t *testing.T) {
	fill := func(n int, f func(int) float32) []float32 {
		xs := make([]float32, n)
		for i := range xs {
			xs[i] = f(i)
		}
		return xs
	}
	for _, c := range []struct {
		name string
		caps []float32
		want float64
	}{
		{"mean, ten above", append(fill(10, func(int) float32 { return 20 }), fill(10, func(int) float32 { return 10 })...), 15},
		{"mean above median, tenth", append(fill(5, func(int) float32 { return 50 }), fill(35, func(i int) float32 { return 10 - float32(i)/10 })...), 9.6},
		{"median", fill(30, func(int) float32 { return 10 }), 10},
		{"few peers", fill(6, func(i int) float32 { return 6 + float32(i) }), 6},
		{"never at the baseline", fill(40, func(int) float32 { return 3 }), 5.0001},
		{"none", nil, 5.0001},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := one(t)
			p.n = len(c.caps)
			p.actives = p.actives[:0]
			for i, x := range c.caps {
				p.cap[i] = x
				p.actives = append(p.actives, int16(i))
			}
			if got := float64(p.capacityThreshold()); math.Abs(got-c.want) > 1e-3 {
				t.Errorf("threshold %.4f, want %.4f", got, c.want)
			}
		})
	}
}

func TestSelectTop(t *testing.T) {
	var p Profiles
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		ids := make([]int16, n)
		for i := range ids {
			ids[i] = int16(i)
			p.cap[i] = float32(rapid.IntRange(0, 20).Draw(t, "key"))
		}
		want := slices.Clone(ids)
		sort.SliceStable(want, func(a, b int) bool { return p.cap[want[a]] > p.cap[want[b]] })
		want = want[:k]
		slices.Sort(want)
		rand.New(rand.NewPCG(uint64(n), uint64(k))).Shuffle(n, func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
		p.selectTop(ids, k, p.cap[:])
		got := ids[:k]
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("top %d of %d: %v, want %v", k, n, got, want)
		}
	})
}

func TestIndex(t *testing.T) {
	var x idIndex
	rapid.Check(t, func(t *rapid.T) {
		x.reset()
		model := map[int32]int16{}
		var ids []int32
		for range rapid.IntRange(0, 400).Draw(t, "steps") {
			id := rapid.Int32Range(0, 300).Draw(t, "id") * 2048
			if rapid.Bool().Draw(t, "put") {
				v := int16(len(ids) % 700)
				x.put(id, v)
				model[id] = v
				ids = append(ids, id)
			} else {
				x.remove(id)
				delete(model, id)
			}
		}
		for _, id := range ids {
			want, there := model[id]
			if got, ok := x.get(id); ok != there || ok && got != int(want) {
				t.Errorf("peer %d: %d, %v; want %d, %v", id, got, ok, want, there)
			}
		}
	})
}

func TestMinFast(t *testing.T) {
	for clients, want := range map[int]int{1: 12, 2: 18, 5: 36, 6: 40, 50: 40} {
		if got := MinFast(clients); got != want {
			t.Errorf("%d clients: floor %d, want %d", clients, got, want)
		}
	}
}

func TestProfileConfigValidate(t *testing.T) {
	for i, spoil := range []func(*ProfileConfig){
		func(c *ProfileConfig) { c.SpeedSigma = math.NaN() },
		func(c *ProfileConfig) { c.AcceptMean = 1 },
		func(c *ProfileConfig) { c.ConnectedMean = 0 },
		func(c *ProfileConfig) { c.Settle = -1 },
		func(c *ProfileConfig) { c.OuterContact = 7 * hour },
	} {
		c := DefaultProfileConfig()
		spoil(&c)
		if c.Validate() == nil {
			t.Errorf("case %d accepted: %s", i, fmt.Sprint(c))
		}
	}
}

// TestTrueAcceptance checks the mean over the network.
func TestTrueAcceptance(t *testing.T) {
	pop := network(t, 9)
	cfg := DefaultProfileConfig()
	var sum, sq float64
	n := float64(pop.Len())
	for id := range int32(pop.Len()) {
		a := pop.TrueAcceptance(id, &cfg)
		sum, sq = sum+a/n, sq+a*a/n
	}
	if se := math.Sqrt((sq - sum*sum) / n); math.Abs(sum-cfg.AcceptMean) > falseAlarm*se {
		t.Errorf("mean acceptance %.4f, want %.4f ± %.4f", sum, cfg.AcceptMean, falseAlarm*se)
	}
}

// TestEmergentOutcomes logs outcomes that nothing is measured to compare with
// and keeps them in plausible bounds.
func TestEmergentOutcomes(t *testing.T) {
	cfg := emergent(t, 10)
	cfg.Routers = 8
	var s Set
	rng := rand.New(rand.NewPCG(101, 102))
	var j, eligible, hourly, daily, n float64
	const trials = 12
	for range trials {
		if err := s.Reset(cfg, rng); err != nil {
			t.Fatal(err)
		}
		s.Advance(3 * hour)
		was := make([][]int32, cfg.Routers)
		for a := range cfg.Routers {
			was[a] = slices.Clone(s.Fast(a))
			for b := range a {
				j += jaccard(s.Fast(a), s.Fast(b)) / (trials * 28)
			}
			for _, id := range was[a] {
				if s.AllowIBGW(id) {
					eligible++
				}
				n++
			}
		}
		for _, h := range []int64{1, 24} {
			s.Advance((3 + h) * hour)
			for a := range cfg.Routers {
				for _, id := range was[a] {
					if contains(s.Fast(a), id) {
						continue
					}
					if h == 1 {
						hourly++
					} else {
						daily++
					}
				}
			}
		}
	}
	t.Logf("Jaccard index %.4f; eligible as IBGW %.3f; gone after 1 h %.3f, after 24 h %.3f", j, eligible/n, hourly/n, daily/n)
	if j < 0.008 || j > 0.032 {
		t.Errorf("Jaccard index %.4f, measured about 0.016", j)
	}
	if eligible/n < 0.8 || eligible/n > 0.97 {
		t.Errorf("share %.3f eligible as inbound gateways, the parametric default is 0.9", eligible/n)
	}
	if hourly/n > 0.3 || daily/n < hourly/n || daily/n > 0.95 {
		t.Errorf("share %.3f gone after an hour, %.3f after a day", hourly/n, daily/n)
	}
}
