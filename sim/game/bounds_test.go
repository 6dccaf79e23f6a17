package game

import (
	"math"
	"testing"

	"multihome.i2p/analysis"
)

// TestSliceSums holds the bound to figures that were computed apart from this
// code: how often the exact Bayes rule on the sum of slices names 1, 2 and 4 Java
// routers, in tiers of 75 peers and in the measured ones, whose slices are a quarter each.
func TestSliceSums(t *testing.T) {
	for _, test := range []struct {
		tier  string
		right []float64 // of 1, 2 and 4 routers
	}{
		{"{size: 75}", []float64{0.98, 0.94, 0.80}},
		{"swarm", []float64{0.68, 0.44, 0.31}},
	} {
		s := parse(t, `
question: How many?
trials: 1
duration: 1h
destination: {scheme: p140, routers: {count: 4, ibgw_filter: false, fast_tier: `+test.tier+`}, policy: per-router}
adversaries: [{name: poller}]
`)
		bound := analysis.SliceSumBayes(gatewayLaw(&s.World), 16)
		for i, n := range []int{1, 2, 4} {
			t.Logf("tier %s, %d routers: %.3f", test.tier, n, bound.Within(n, 0))
			if got := bound.Within(n, 0); math.Abs(got-test.right[i]) > 0.02 {
				t.Errorf("tier %s, %d routers: %.3f right, want %.2f", test.tier, n, got, test.right[i])
			}
		}
	}
}
