package tier

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"testing"
)

// digest plays some hours in steps of the given length, feeding tunnels back
// at fixed times, and hashes all tiers at each reorganisation.
func digest(t *testing.T, s *Set, cfg Config, seed uint64, step int64) uint64 {
	t.Helper()
	if err := s.Reset(cfg, rand.New(rand.NewPCG(seed, 1))); err != nil {
		t.Fatal(err)
	}
	h := fnv.New64a()
	var buf [8]byte
	put := func(x uint64) {
		binary.BigEndian.PutUint64(buf[:], x)
		h.Write(buf[:])
	}
	const until = 10 * hour
	for now := int64(0); now <= until; now += step {
		s.Advance(now)
		if now%hour != 0 {
			continue
		}
		for r := range s.Routers() {
			put(s.Version(r))
			for _, id := range s.HighCapacity(r) {
				put(uint64(id))
			}
			fast := s.Fast(r)
			for _, id := range fast {
				put(uint64(id))
			}
			for i, id := range fast {
				if i%3 == 0 {
					s.Accepted(r, id, now)
					s.Credit(r, id, int64(i)*100000, now)
				}
			}
		}
		if now == 4*hour {
			s.Shock(0, 0.5, now)
			s.Restart(s.Routers()-1, now)
		}
	}
	return h.Sum64()
}

// TestDeterminism: the same seed gives the same tiers, in a new set and in one
// reset after another trial, and whatever the steps of the caller.
func TestDeterminism(t *testing.T) {
	pop := network(t, 1)
	par := DefaultConfig(pop)
	par.Routers, par.Overlap, par.Turnover = 5, 0.1, 0.3
	eme := DefaultConfig(pop)
	eme.Kind, eme.Routers = Emergent, 3
	for name, cfg := range map[string]Config{"parametric": par, "emergent": eme} {
		t.Run(name, func(t *testing.T) {
			want := digest(t, new(Set), cfg, 1, hour)
			if got := digest(t, new(Set), cfg, 1, minute); got != want {
				t.Error("small steps give other tiers than large ones")
			}
			if digest(t, new(Set), cfg, 2, hour) == want {
				t.Error("another seed gives the same tiers")
			}
			var used Set
			for _, dirt := range []Config{par, eme} {
				dirt.Routers = 7
				dirt.Profiles.SampleSigma = 0.3
				digest(t, &used, dirt, 3, hour)
			}
			if got := digest(t, &used, cfg, 1, hour); got != want {
				t.Error("a reset set gives other tiers than a new one")
			}
		})
	}
}

// TestNoAllocation: neither the steady state nor a further Reset allocates,
// save the few words of a generator.
func TestNoAllocation(t *testing.T) {
	pop := network(t, 1)
	for _, kind := range []Kind{Parametric, Emergent} {
		cfg := DefaultConfig(pop)
		cfg.Kind, cfg.Routers, cfg.Turnover = kind, 2, 1
		var s Set
		rng := rand.New(rand.NewPCG(1, 1))
		if err := s.Reset(cfg, rng); err != nil {
			t.Fatal(err)
		}
		now := int64(0)
		if n := testing.AllocsPerRun(50, func() {
			now += hour
			s.Advance(now)
			for _, id := range s.Fast(0) {
				s.Accepted(0, id, now)
				s.Rejected(0, id, now)
				s.Failed(0, id, 1, now)
				s.Credit(0, id, now/1e6, now)
			}
		}); n != 0 {
			t.Errorf("kind %d: %v allocations an hour", kind, n)
		}
		if n := testing.AllocsPerRun(20, func() { _ = s.Reset(cfg, rng) }); n != 0 {
			t.Errorf("kind %d: %v allocations a Reset", kind, n)
		}
	}
}
