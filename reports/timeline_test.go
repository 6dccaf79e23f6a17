package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"multihome.i2p/reports"
)

func sampleTimeline() *reports.Timeline {
	return &reports.Timeline{
		ID: "sample", Title: "What <happened>", XLabel: "time", XUnit: "s",
		Marks: []reports.TimelineMark{{X: 5, Label: "killed"}, {X: 9.5, Label: "started again"}},
		Panels: []reports.TimelinePanel{
			{Label: "round trip", Unit: "ms", Log: true, Series: []reports.TimelineSeries{
				{Label: "east", X: []float64{1, 2, 3, 4}, Y: []float64{2, 20, math.NaN(), 1500}},
				{Label: "west", X: []float64{6}, Y: []float64{math.NaN()}},
			}},
			{Label: "leases", Unit: "1", Kind: reports.TimelineStack, Series: []reports.TimelineSeries{
				{Label: "east", X: []float64{1, 5, 10}, Y: []float64{2, 0, 0}},
				{Label: "west", X: []float64{1, 5, 10}, Y: []float64{2, 4, 4}},
			}},
		},
	}
}

func TestTimeline(t *testing.T) {
	got, err := reports.PlotTimeline(sampleTimeline())
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	text := string(got)
	for _, want := range []string{
		"What &lt;happened&gt;", "killed", "started again", ">1000<", "prefers-color-scheme:dark",
		"east: 4 points from 2 to 1500, 1 lost.", "west: 1 points, 1 lost.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plot lacks %q", want)
		}
	}
	again, err := reports.PlotTimeline(sampleTimeline())
	if err != nil || !bytes.Equal(got, again) {
		t.Errorf("the same timeline gives other bytes: %v", err)
	}
	golden(t, "timeline.svg", got)
}

func TestTimelineRefuses(t *testing.T) {
	none := sampleTimeline()
	none.Panels = nil
	uneven := sampleTimeline()
	uneven.Panels[0].Series[0].Y = nil
	for _, tl := range []*reports.Timeline{none, uneven} {
		if svg, err := reports.PlotTimeline(tl); err == nil || svg != nil {
			t.Errorf("%d bytes, %v", len(svg), err)
		}
	}
	// Nothing was answered at all: still a plot.
	lost := sampleTimeline()
	lost.Panels[0].Series = lost.Panels[0].Series[1:]
	if _, err := reports.PlotTimeline(lost); err != nil {
		t.Error(err)
	}
}
