package tier_test

import (
	"fmt"
	"math/rand/v2"

	"multihome.i2p/sim/tier"
)

// Four routers whose fast tiers of 30 peers share a tenth, a day long.
func Example() {
	network, err := tier.NewPopulation(140, tier.DefaultPopulationConfig())
	if err != nil {
		panic(err)
	}
	cfg := tier.DefaultConfig(&network)
	cfg.Routers, cfg.Sizes, cfg.Overlap = 4, []int{30}, 0.1

	var set tier.Set
	if err := set.Reset(cfg, rand.New(rand.NewPCG(1, 2))); err != nil {
		panic(err)
	}
	const day = int64(24 * 3600e9)
	changes := uint64(0)
	for now := set.NextChange(); now < day; now = set.NextChange() {
		before := set.Version(0)
		set.Advance(now)
		changes += set.Version(0) - before
	}
	j, ok := set.ExpectedOverlap()
	fmt.Printf("%d peers, expected Jaccard index %.3f %v, changing tiers: %v\n",
		len(set.Fast(0)), j, ok, changes > 20)
	// Output: 30 peers, expected Jaccard index 0.100 true, changing tiers: true
}
