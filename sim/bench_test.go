package sim

import "testing"

// BenchmarkTrialDay measures one observed day with its warm-up.
func BenchmarkTrialDay(b *testing.B) {
	four := worldOf(SchemeP140, 4)
	four.Destination.Policy.Name = "per-router"
	for i := range four.Destination.Routers {
		four.Destination.Routers[i].SpeaksP140 = true
	}
	emergent := worldOf(SchemeIndependent, 4)
	for i := range emergent.Destination.Routers {
		emergent.Destination.Routers[i].FastTier.Mode = "emergent"
	}
	for _, arm := range []struct {
		name string
		cfg  *Config
	}{
		{"four-routers", four},
		{"four-independent", worldOf(SchemeIndependent, 4)},
		{"single", worldOf(SchemeSingle, 1)},
		{"emergent", emergent},
	} {
		b.Run(arm.name, func(b *testing.B) {
			w := NewWorld()
			var out Outcome
			if err := w.Run(arm.cfg, 0, &out); err != nil {
				b.Fatal(err)
			}
			events := int64(0)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := w.Run(arm.cfg, uint64(i), &out); err != nil {
					b.Fatal(err)
				}
				events += out.Truth.Events
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1e6/float64(b.N), "ms/trial-day")
			b.ReportMetric(float64(events)/float64(b.N), "events/trial-day")
		})
	}
}
