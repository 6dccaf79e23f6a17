package tier

import "math/rand/v2"

// Set holds the tiers of one trial's Java routers, numbered from 0. The zero
// value is ready for Reset, which may be called again for the next trial and
// then reuses all memory; a reset set behaves exactly as a new one.
//
// A Set is for one goroutine. Times never decrease.
type Set struct {
	kind     Kind
	pop      *Population
	noFilter bool
	par      parametric
	profiles []*Profiles
	used     int // of profiles
}

// Reset prepares the set for a trial. It draws the tiers as they stand at
// cfg.Start; all randomness of the trial comes from rng, which the set keeps.
func (s *Set) Reset(cfg Config, rng *rand.Rand) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	s.kind, s.pop, s.noFilter = cfg.Kind, cfg.Population, cfg.NoIBGWFilter
	if cfg.Kind == Parametric {
		s.used = cfg.Routers
		return s.par.reset(&cfg, rng)
	}
	for len(s.profiles) < cfg.Routers {
		s.profiles = append(s.profiles, new(Profiles))
	}
	s.used = cfg.Routers
	for r := range s.used {
		row := rng.IntN(len(Swarm))
		s.profiles[r].Reset(&cfg, row, rng.Uint64(), rng.Uint64())
	}
	return nil
}

// Routers returns the number of routers.
func (s *Set) Routers() int { return s.used }

// Advance carries out every reorganisation that is due at or before now. The
// result does not depend on how many steps a span of time is cut into.
func (s *Set) Advance(now int64) {
	if s.kind == Parametric {
		s.par.advance(now)
		return
	}
	for _, p := range s.profiles[:s.used] {
		p.Advance(now)
	}
}

// NextChange returns the time of the next reorganisation of any router.
// Advance has nothing to do before.
func (s *Set) NextChange() int64 {
	if s.kind == Parametric {
		return s.par.nextChange()
	}
	t := Never
	for _, p := range s.profiles[:s.used] {
		t = min(t, p.NextReorganize())
	}
	return t
}

// Fast returns the router's fast tier, no peer twice, in an order without
// meaning. The slice is the set's own and valid until the next call that
// changes the set.
func (s *Set) Fast(router int) []int32 {
	if s.kind == Parametric {
		return s.par.fast(router)
	}
	return s.profiles[router].FastTier()
}

// HighCapacity returns the router's high-capacity tier, from which a router
// picks if its fast tier yields nothing. Parametric ones contain the fast
// tier; emergent ones need not, when the floor has promoted peers. Validity
// and order are as in Fast.
func (s *Set) HighCapacity(router int) []int32 {
	if s.kind == Parametric {
		return s.par.highCapacity(router)
	}
	return s.profiles[router].HighCapacity()
}

// Version returns a number that rises whenever one of the router's two tiers
// changes.
func (s *Set) Version(router int) uint64 {
	if s.kind == Parametric {
		return s.par.version[router]
	}
	return s.profiles[router].Version()
}

// Row returns the index in Swarm of the measured router that gives the
// router's size class.
func (s *Set) Row(router int) int {
	if s.kind == Parametric {
		return int(s.par.row[router])
	}
	return s.profiles[router].Row()
}

// AllowIBGW reports whether a Java router accepts the peer as an inbound
// gateway; always true with Config.NoIBGWFilter.
func (s *Set) AllowIBGW(peer int32) bool { return s.noFilter || s.pop.IBGW(peer) }

// ExpectedOverlap returns the expected mean Jaccard index of two routers'
// fast tiers for the sizes drawn, and whether it is the wanted one. Sizes that
// differ make a high overlap impossible: the expectation is then the highest
// that they allow. Emergent tiers and single routers return 0, false.
func (s *Set) ExpectedOverlap() (jaccard float64, asWanted bool) {
	if s.kind != Parametric || s.used < 2 {
		return 0, false
	}
	return s.par.expected, s.par.asWanted
}

// Restart tells the set that the router came up again at now: it keeps its
// profiles (routers store them on disk) but reorganises more often while its
// uptime is young. Emergent tiers also lose their connections.
func (s *Set) Restart(router int, now int64) {
	if s.kind == Parametric {
		s.par.restart(router, now)
		return
	}
	s.profiles[router].Restart(now)
}

// Shock replaces a share of the router's fast tier at once. In an emergent
// tier the peers lose their connection and all credit instead, and the
// router reorganises.
func (s *Set) Shock(router int, share float64, now int64) {
	if s.kind == Parametric {
		s.par.shock(router, share)
		return
	}
	s.profiles[router].Shock(share, now)
}

// Credit tells an emergent tier that a tunnel of the router carried
// bytesPerMinute through the peer in a minute that ended at now.
func (s *Set) Credit(router int, peer int32, bytesPerMinute, now int64) {
	if s.kind == Emergent {
		s.profiles[router].Credit(peer, bytesPerMinute, now)
	}
}

// Accepted tells an emergent tier that the peer agreed to join a tunnel.
func (s *Set) Accepted(router int, peer int32, now int64) {
	if s.kind == Emergent {
		s.profiles[router].Accepted(peer, now)
	}
}

// Rejected tells an emergent tier that the peer refused to join a tunnel, or
// did not answer, which a router counts alike.
func (s *Set) Rejected(router int, peer int32, now int64) {
	if s.kind == Emergent {
		s.profiles[router].Rejected(peer, now)
	}
}

// Failed tells an emergent tier that a tunnel with the peer failed before its
// end, and how much the peer is to blame, in percent.
func (s *Set) Failed(router int, peer int32, percent int, now int64) {
	if s.kind == Emergent {
		s.profiles[router].Failed(peer, percent, now)
	}
}

// Connected tells an emergent tier that the router's connection to the peer
// came up or went down.
func (s *Set) Connected(router int, peer int32, up bool, now int64) {
	if s.kind == Emergent {
		s.profiles[router].Connected(peer, up, now)
	}
}

// Profiles returns the profiles of a router with an emergent tier, else nil.
func (s *Set) Profiles(router int) *Profiles {
	if s.kind != Emergent {
		return nil
	}
	return s.profiles[router]
}
