package game

import (
	"slices"
	"testing"

	"multihome.i2p/analysis/result"
)

// The frontier holds those that no other undercuts, equal ones all, and never the
// yardstick.
func TestPareto(t *testing.T) {
	cell := func(price, leak float64) *result.Cell {
		c := &result.Cell{Arm: result.Policy}
		c.Set("delivery", result.Metric{Center: price, Lo: price - 0.01, Hi: price, Confidence: confidence, N: 9, Unit: "share"})
		c.Set("tunnel_builds_per_h", result.Metric{Center: 100 * price, Lo: 90 * price, Hi: 110 * price, Confidence: confidence, N: 9, Unit: "1/h"})
		c.Set(leakMetric, result.Metric{Center: leak, Lo: leak - 0.05, Hi: leak + 0.05, Confidence: confidence, N: 18, Unit: "1"})
		return c
	}
	f, ok := paretoFigure([]alternative{
		{label: "good", cell: cell(0.9, 0.6)},
		{label: "open", cell: cell(0.99, 1)},
		{label: "open too", cell: cell(0.99, 1)},
		{label: "bad", cell: cell(0.8, 1)},
		{label: "one router", cell: cell(0.99, 0.5), yardstick: true},
	})
	if !ok || f.Validate() != nil || len(f.Panels) != 2 {
		t.Fatalf("%v, %v: %+v", ok, f.Validate(), f.Panels)
	}
	on := func(p *result.Panel) (labels []string) {
		for _, k := range p.Frontier {
			labels = append(labels, p.Series[k].Label)
		}
		return labels
	}
	if got := on(&f.Panels[0]); !slices.Equal(got, []string{"good", "open", "open too"}) {
		t.Errorf("frontier of delivery: %q", got)
	}
	if got := on(&f.Panels[1]); !slices.Equal(got, []string{"bad", "good"}) {
		t.Errorf("frontier of builds: %q", got)
	}
	yardstick := f.Panels[0].Series[4]
	if yardstick.Arm != result.Reference || yardstick.Y[0] != guess || yardstick.HasBand() || yardstick.XHi[0] != 0.99 {
		t.Errorf("yardstick %+v", yardstick)
	}
	if _, ok := paretoFigure([]alternative{{label: "alone", cell: cell(1, 1)}}); ok {
		t.Error("one alternative has a plot")
	}
}
