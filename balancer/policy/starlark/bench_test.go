package starlark_test

import (
	"testing"

	"multihome.i2p/sim"
)

// BenchmarkTrialDay measures what a policy in Starlark costs: an observed day of
// four routers, with the built-in policy, with the same in Starlark, and with a file
// that changes it here and there.
func BenchmarkTrialDay(b *testing.B) {
	for _, name := range []string{"per-router", "empty", "own-tier", "common-gateways"} {
		b.Run("policy="+name, func(b *testing.B) {
			cfg := world()
			cfg.Duration, cfg.Warmup, cfg.Faults = sim.Day, 0, nil
			switch name {
			case "per-router":
			case "empty":
				cfg.Destination.Policy = sim.Policy{Name: name, Maker: load(b, name, "")}
			default:
				cfg.Destination.Policy = sim.Policy{Name: name, Maker: shipped(b, name)}
			}
			w := sim.NewWorld()
			var out sim.Outcome
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := w.Run(cfg, uint64(i), &out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/trial-day")
		})
	}
}
