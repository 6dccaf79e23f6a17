package assess

import (
	"slices"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/attack"
)

// The bins of a trace that are occasions for [gatewaysAtATime], as those of attack
// open-population: a tunnel's lifetime at least, and no more than make a day's an
// hour long.
const (
	minBinMs = 10 * 60 * 1000
	maxBins  = 24
)

// gatewaysAtATime estimates of how many gateways a service draws at a time, where
// some leave and others come: the mean size of an open population after Jolly and
// Seber. A gateway is caught in a bin if a tunnel of it is seen for the first time
// there.
func gatewaysAtATime(e *attack.Evidence) analysis.Estimate {
	bins := int(min(e.SpanMs/minBinMs, maxBins))
	if bins < 3 {
		return analysis.Undefined(max(bins, 0), "routers", confidence, "the trace is too short to see gateways come and go: half an hour is the least")
	}
	width := e.SpanMs/int64(bins) + 1
	histories := make([][]int, len(e.Hashes))
	for i := range e.Tunnels {
		t := &e.Tunnels[i]
		if t.First < 0 {
			continue // only bundles list it
		}
		histories[t.Gateway] = append(histories[t.Gateway], int((e.LeaseSets[t.First].FirstMs-e.StartMs)/width))
	}
	for g := range histories {
		slices.Sort(histories[g])
		histories[g] = slices.Compact(histories[g])
	}
	intervals := make([]float64, bins-1)
	for i := range intervals {
		intervals[i] = float64(width) / 3.6e6
	}
	size := analysis.SummarizeOpen(analysis.Occasions(histories, bins), intervals, confidence).MeanSize
	size.Unit = "routers"
	return size
}
