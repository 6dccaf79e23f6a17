package sim

import "multihome.i2p/sim/tier"

// resetTiers draws the network and the operator's fast tiers.
func (w *World) resetTiers() error {
	cfg := &w.cfg.Network
	rng := w.streams.rand[streamTiers]
	pc := tier.DefaultPopulationConfig()
	pc.Routers = cfg.Routers
	pc.Floodfill = min(float64(cfg.Floodfills)/float64(cfg.Routers), pc.Reachable)
	var err error
	if w.pop, err = tier.NewPopulation(rng.Uint64(), pc); err != nil {
		return err
	}
	if w.candidates, err = tier.NewI2pdCandidates(&w.pop, cfg.I2pdCandidates); err != nil {
		return err
	}
	d := &w.cfg.Destination
	w.tierOf = resized(w.tierOf, len(d.Routers))
	w.tierSizes = w.tierSizes[:0]
	emergent := 0
	for i := range d.Routers {
		r := &d.Routers[i]
		w.tierOf[i] = none
		if r.Kind != Java {
			continue
		}
		w.tierOf[i] = int32(len(w.tierSizes))
		size := 0
		switch r.FastTier.Mode {
		case tierSize:
			size = r.FastTier.Size
		case tierEmergent:
			emergent++
		}
		w.tierSizes = append(w.tierSizes, size)
	}
	w.hasTiers = len(w.tierSizes) > 0
	if !w.hasTiers {
		return nil
	}
	tc := tier.DefaultConfig(&w.pop)
	tc.Routers = len(w.tierSizes)
	tc.Overlap, tc.Turnover, tc.IBGWEligible = d.Overlap, d.TurnoverPerHour, cfg.IBGWEligible
	switch emergent {
	case 0:
		tc.Sizes = w.tierSizes
	case len(w.tierSizes):
		tc.Kind = tier.Emergent
	default:
		return errTiers
	}
	return w.tiers.Reset(tc, rng)
}

// Notes tells what about the configuration a real router would not do, for the
// warnings of a report.
func (c *Config) Notes() []string {
	var tc tier.Config
	for i := range c.Destination.Routers {
		if r := &c.Destination.Routers[i]; r.Kind == Java && r.FastTier.Mode == tierSize {
			tc.Sizes = append(tc.Sizes, r.FastTier.Size)
		}
	}
	return tc.Notes()
}

// Modes of FastTier.
const (
	tierSwarm    = "swarm"
	tierSize     = "size"
	tierEmergent = "emergent"
)

func (w *World) nextTierChange() Time {
	if !w.hasTiers {
		return Never
	}
	return Time(w.tiers.NextChange())
}

func (w *World) advanceTiers() {
	w.tiers.Advance(int64(w.now))
	w.push(w.nextTierChange(), evTiers, 0, 0)
}

// tellTiersOfBuild feeds the outcome of a build back into emergent tiers. The
// peers of a silent build all count as having refused, since a router cannot
// tell which of them kept silent (BuildExecutor.allowed).
func (w *World) tellTiersOfBuild(b *build) {
	k := w.tierOf[b.router]
	if k == none || w.cfg.Destination.Routers[b.router].FastTier.Mode != tierEmergent {
		return
	}
	for _, peer := range b.path[:b.hops] {
		if b.outcome == outcomeAccepted {
			w.tiers.Accepted(int(k), peer, int64(w.now))
		} else {
			w.tiers.Rejected(int(k), peer, int64(w.now))
		}
	}
}

// tellTiersOfFailure feeds a failed tunnel back into emergent tiers.
func (w *World) tellTiersOfFailure(t *tunnel) {
	k := w.tierOf[t.router]
	if k == none || w.cfg.Destination.Routers[t.router].FastTier.Mode != tierEmergent {
		return
	}
	for _, peer := range t.path[:t.hops] {
		w.tiers.Failed(int(k), peer, 100/int(t.hops), int64(w.now))
	}
}
