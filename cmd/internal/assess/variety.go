package assess

import (
	"math"
	"math/rand/v2"
	"slices"

	"multihome.i2p/sim"
	"multihome.i2p/sim/tier"
)

// varied returns a world like cfg whose unmeasured laws are drawn anew: nobody knows
// them of the routers behind a trace, and a population that took the defaults for the
// truth would call a lone router strange, or several, because its tunnels fail more
// often. Half of the trials keep the defaults. The ranges are those in which the
// scenario keys call their defaults plausible (docs/scenario-keys.md); routers of one
// operator share what the network decides, and differ in the size of their fast tier.
func varied(cfg *sim.Config, seed uint64) *sim.Config {
	rng := rand.New(rand.NewPCG(seed, 0x7a71e7))
	if rng.IntN(2) == 0 {
		return cfg
	}
	out := *cfg
	d := &out.Destination
	d.Routers = slices.Clone(d.Routers)
	out.Network.StoreLoss = uniform(rng, 0, 0.2)
	out.Network.IBGWEligible = uniform(rng, 0.5, 1)
	out.Network.I2pdCandidates = int(logUniform(rng, 500, 5000))
	d.TurnoverPerHour = logUniform(rng, 0.02, 0.2)
	success := uniform(rng, 0.4, 0.85)
	delay := sim.Time(logUniform(rng, 0.5, 3) * float64(sim.Second))
	breaks, loss, slow := uniform(rng, 0, 1), uniform(rng, 0, 0.1), uniform(rng, 0, 0.1)
	older, fixed := rng.IntN(2) == 0, rng.IntN(2) == 0
	for i := range d.Routers {
		r := &d.Routers[i]
		r.BuildSuccess, r.BuildDelay = success, delay
		r.TunnelFailPerHour, r.TestLoss, r.SlowShare = breaks, loss, slow
		if r.Kind == sim.I2pd && older {
			r.I2pdVersion = sim.I2pd245
		}
		if r.Kind == sim.Java && fixed {
			r.FastTier = sim.FastTier{Mode: "size", Size: smallestTier + rng.IntN(tier.FastMax-smallestTier+1)}
		}
	}
	return &out
}

func uniform(rng *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*rng.Float64() }

func logUniform(rng *rand.Rand, lo, hi float64) float64 {
	return math.Exp(uniform(rng, math.Log(lo), math.Log(hi)))
}

// smallestTier is the size of the smallest fast tier that was measured. It is also what
// a Java router with one client fills up to (tier.MinFast).
var smallestTier = slices.MinFunc(tier.Swarm[:], func(a, b tier.SwarmRow) int { return a.Fast - b.Fast }).Fast
