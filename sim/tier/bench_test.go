package tier

import (
	"math/rand/v2"
	"testing"
)

func benchPopulation(b *testing.B) *Population {
	b.Helper()
	pop, err := NewPopulation(140, DefaultPopulationConfig())
	if err != nil {
		b.Fatal(err)
	}
	return &pop
}

// BenchmarkTrialDay is a day of tiers: for four routers if parametric, for
// one, with the credits of its 16 tunnels, if emergent. Reset included.
func BenchmarkTrialDay(b *testing.B) {
	b.Run("parametric/routers=4", func(b *testing.B) {
		cfg := DefaultConfig(benchPopulation(b))
		cfg.Routers = 4
		var s Set
		rng := rand.New(rand.NewPCG(1, 2))
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Reset(cfg, rng); err != nil {
				b.Fatal(err)
			}
			for t := s.NextChange(); t < day; t = s.NextChange() {
				s.Advance(t)
			}
		}
	})
	b.Run("emergent/routers=1", func(b *testing.B) {
		cfg := DefaultConfig(benchPopulation(b))
		cfg.Kind = Emergent
		var s Set
		rng := rand.New(rand.NewPCG(1, 2))
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Reset(cfg, rng); err != nil {
				b.Fatal(err)
			}
			useTunnels(&s, rng, 16, day)
		}
	})
}

// BenchmarkResetEmergent is the part of BenchmarkTrialDay that draws and
// settles the profiles.
func BenchmarkResetEmergent(b *testing.B) {
	cfg := DefaultConfig(benchPopulation(b))
	cfg.Kind = Emergent
	var s Set
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		if err := s.Reset(cfg, rng); err != nil {
			b.Fatal(err)
		}
	}
}

// useTunnels plays a router's tunnels of three hops: rebuilt every eight
// minutes, each credited every minute.
func useTunnels(s *Set, rng *rand.Rand, tunnels int, until int64) {
	const hops = 3
	paths := make([]int32, tunnels*hops)
	for m := int64(1); m*minute <= until; m++ {
		now := m * minute
		s.Advance(now)
		fast := s.Fast(0)
		for t := range tunnels {
			path := paths[t*hops : t*hops+hops]
			if (m+int64(t))%8 == 0 || m == 1 {
				for h := range path {
					path[h] = fast[rng.IntN(len(fast))]
					if s.Profiles(0).Accepts(path[h]) {
						s.Accepted(0, path[h], now)
					} else {
						s.Rejected(0, path[h], now)
					}
				}
			}
			x := s.Profiles(0).Sample(path)
			for _, p := range path {
				s.Credit(0, p, x, now)
			}
		}
	}
}
