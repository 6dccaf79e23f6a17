package attack

import (
	"math"
	"testing"

	"multihome.i2p/analysis/trace"
)

// A reading says of every attack, trained or not, what the trace says.
func TestReadingIsAsGoodAsTheTrace(t *testing.T) {
	one := world{routers: 1, leases: 8, tier: measuredTier, hours: 1}
	four := world{routers: 4, leases: 8, tier: measuredTier, hours: 1}
	rng := newRand(81)
	for _, name := range Names() {
		a, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		untrained, _ := New(name)
		var samples []Sample
		for i := range 24 {
			w := one
			if i%2 == 0 {
				w = four
			}
			var tr trace.Trace
			w.trace(&tr, rng)
			samples = append(samples, Sample{Multi: w.routers > 1, Routers: w.routers, Features: a.Observe(Gather(&tr, 0))})
		}
		var empty trace.Trace
		samples = append(samples, Sample{Features: a.Observe(Gather(&empty, 0))})
		for _, trained := range []bool{false, true} {
			if trained {
				if err := a.Fit(samples[:20]); err != nil {
					t.Logf("%s: %v", name, err) // nothing to learn from the netDb
				}
			}
			for i := range samples {
				f := &samples[i].Features
				want := a.Score(f)
				r := Read(untrained, f)
				score, routers := r.Judge(a)
				if !sameFloat(score, want.Score) || !sameFloat(routers, want.Routers.Center) {
					t.Errorf("%s, trained %v, trace %d: %v and %v routers by the reading, %v and %v by the trace",
						name, trained, i, score, routers, want.Score, want.Routers.Center)
				}
			}
		}
	}
}

func sameFloat(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
}
