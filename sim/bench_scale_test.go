package sim

import (
	"fmt"
	"testing"
)

// BenchmarkIndependentHour measures one virtual hour of the same keys on many Java
// routers with 16 inbound tunnels each, 1,700 floodfills and 30,000 routers around
// them: its cost is linear in the tunnels.
func BenchmarkIndependentHour(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("routers=%d", n), func(b *testing.B) {
			c := worldOf(SchemeIndependent, n)
			c.Warmup, c.Duration = 0, Hour
			c.Adversaries = nil
			w := NewWorld()
			var out Outcome
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := w.Run(c, uint64(i), &out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(16*n), "ns/tunnel-hour")
		})
	}
}
