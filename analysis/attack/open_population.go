package attack

import (
	"math"
	"slices"

	"multihome.i2p/analysis"
)

// openPopulation takes the gateways for animals that come and go: fast tiers turn
// over, and richness, which knows one closed set, counts all that were ever there.
// Bins of the trace are the occasions, and a gateway is caught in a bin if a lease
// of it is seen for the first time there. The Jolly-Seber model then tells how many
// gateways there are at a time, which share stays for an hour, how many come in an
// hour, and the chance that one of them is used within a bin.
//
// Four slices are four times as many gateways; each of them is used less often, as
// the LeaseSet is no larger. It assumes that all gateways are used alike (the reuse
// of paths makes them less so, in both arms), and needs half an hour at least.
//
// Jolly (1965), Biometrika 52:225; Seber (1965), Biometrika 52:249.
//
// O(n log n) for n tunnels, as bins are few.
var openPopulation = signal{
	name:     "open-population",
	vantages: anySighting,
	numbers:  []string{"size", "survival_h", "recruits_h", "caught", "turnover_h"},
	measure:  openPopulationNumbers,
	natural:  func(v []float64) float64 { return v[0] },
}

const (
	// minBinMs is a tunnel's lifetime: in shorter bins few gateways would be used.
	minBinMs = 10 * 60 * 1000
	// maxBins keeps the bins of a day at an hour, in which most gateways of a slice
	// are drawn although three of four tunnels repeat a path.
	maxBins = 24
)

func openPopulationNumbers(e *Evidence) []float64 {
	bins := int(min(e.SpanMs/minBinMs, maxBins))
	if bins < 3 {
		return nil
	}
	width := e.SpanMs/int64(bins) + 1
	histories := make([][]int, len(e.Hashes))
	for i := range e.Tunnels {
		t := &e.Tunnels[i]
		if t.First < 0 {
			continue
		}
		at := int((e.LeaseSets[t.First].FirstMs - e.StartMs) / width)
		histories[t.Gateway] = append(histories[t.Gateway], at)
	}
	for g := range histories {
		slices.Sort(histories[g])
		histories[g] = slices.Compact(histories[g])
	}
	occasions := analysis.Occasions(histories, bins)
	var sizes, caught, recruits []float64
	for i, state := range analysis.JollySeber(occasions, confidence) {
		if n := state.Size.Center; state.Size.Defined() && n > 0 {
			sizes = append(sizes, n)
			caught = append(caught, float64(occasions[i].Caught)/n)
		}
		if state.Recruits.Defined() {
			recruits = append(recruits, state.Recruits.Center)
		}
	}
	if len(sizes) == 0 {
		return nil
	}
	hours := float64(width) / 3600e3
	intervals := make([]float64, bins-1)
	for i := range intervals {
		intervals[i] = hours
	}
	survival := 1.0
	if s := analysis.SummarizeOpen(occasions, intervals, confidence).Survival; s.Defined() {
		survival = s.Center
	}
	size, _ := meanDeviation(sizes)
	share, _ := meanDeviation(caught)
	come, _ := meanDeviation(recruits)
	come /= hours
	return []float64{math.Log(size), survival, math.Log1p(come), share, math.Log1p(come / size)}
}
