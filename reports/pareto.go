package reports

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"multihome.i2p/analysis/result"
)

// The size of a figure of panels.
const (
	paretoWidth  vg.Length = 860
	paretoRow    vg.Length = 225
	panelsInARow           = 3
	paretoGap    vg.Length = 12
)

// paretoHeight is that of all panels, without the head.
func paretoHeight(f *result.Figure) vg.Length {
	rows := (len(f.Panels) + panelsInARow - 1) / panelsInARow
	return vg.Length(rows)*paretoRow + 2*margin
}

// paretoLegend lists one series of each label, in the order in which they first stand in
// a panel.
func paretoLegend(f *result.Figure) []result.Series {
	var list []result.Series
	seen := make(map[string]bool)
	for i := range f.Panels {
		for _, s := range f.Panels[i].Series {
			if !seen[s.Label] {
				seen[s.Label] = true
				list = append(list, s)
			}
		}
	}
	return list
}

// paretoLooks gives each alternative a colour and a marker, and what it is compared with
// a neutral one.
func paretoLooks(legend []result.Series) []look {
	looks := make([]look, len(legend))
	for i, s := range legend {
		looks[i] = look{seriesRoles[i%len(seriesRoles)], i}
		if s.Arm != result.Policy {
			looks[i].role = softRole
		}
	}
	return looks
}

// paretoDrawable reports whether any point of any panel has a place.
func paretoDrawable(f *result.Figure) bool {
	for i := range f.Panels {
		if drawable(panelFigure(f, i)) {
			return true
		}
	}
	return false
}

// panelFigure is a panel as a figure of its own.
func panelFigure(f *result.Figure, k int) *result.Figure {
	p := &f.Panels[k]
	one := &result.Figure{ID: f.ID, Kind: result.Sweep, X: p.X, Y: f.Y, Series: p.Series}
	one.X.Label = strings.TrimSpace(axisText(p.X) + ", more is better")
	if p.Better == result.Low {
		one.X.Label = strings.TrimSpace(axisText(p.X) + ", less is better")
	}
	one.X.Unit = "1" // it stands in the label
	return one
}

// drawPanels draws all panels, row by row, with one y range.
func drawPanels(c draw.Canvas, f *result.Figure) {
	looks := make(map[string]look)
	legend := paretoLegend(f)
	for i, l := range paretoLooks(legend) {
		looks[legend[i].Label] = l
	}
	y := newSpan(f.Y.Scale)
	for _, g := range f.Y.Guides {
		y.add(g.Value)
	}
	for i := range f.Panels {
		for _, s := range f.Panels[i].Series {
			for _, values := range [][]float64{s.Y, s.Lo, s.Hi} {
				for _, v := range values {
					y.add(v)
				}
			}
		}
	}
	highest := y.high
	y.pad(0.08)
	y.widen()
	y.high += 0.3 * (y.high - y.low) // room for markers above one another
	width := (c.Size().X - (panelsInARow-1)*paretoGap) / panelsInARow
	for i := range f.Panels {
		row, column := i/panelsInARow, i%panelsInARow
		top := c.Max.Y - vg.Length(row)*paretoRow
		left := c.Min.X + vg.Length(column)*(width+paretoGap)
		cell := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
			Min: vg.Point{X: left, Y: top - paretoRow + paretoGap},
			Max: vg.Point{X: left + width, Y: top},
		}}
		newPanel(f, i, y, highest, looks, column == 0).Draw(cell)
	}
}

// newPanel builds one panel. The y axis has ticks up to the highest value, and is named in
// the first column alone.
func newPanel(f *result.Figure, k int, y span, highest float64, looks map[string]look, named bool) *plot.Plot {
	panel, one := &f.Panels[k], panelFigure(f, k)
	p := plot.New()
	p.BackgroundColor = nil
	styleAxis(&p.X, one.X)
	styleAxis(&p.Y, f.Y)
	p.X.Label.TextStyle.Font.Size, p.Y.Label.TextStyle.Font.Size = 11, 11
	p.X.Tick.Label.Font.Size, p.Y.Tick.Label.Font.Size = 10.5, 10.5
	p.X.Tick.Label.YAlign = draw.YTop - 0.3
	p.X.Label.Padding, p.Y.Label.Padding = 6, 4
	if !named {
		p.Y.Label.Text = ""
	}
	x := newSpan(result.Linear)
	for _, s := range panel.Series {
		for _, values := range [][]float64{s.X, s.XLo, s.XHi} {
			for _, v := range values {
				x.add(v)
			}
		}
	}
	share := panel.X.Unit == "share" && x.low >= 0 && x.high <= 1
	if !drawable(one) {
		x = span{low: 0, high: 1}
	}
	x.widen()
	x.pad(0.09)
	if share {
		// A share cannot leave 0..1: no tick should suggest it.
		x.low, x.high = max(x.low, -0.02), min(x.high, 1+0.09*(1-x.low))
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x.low, x.high, y.low, y.high
	p.Y.Tick.Marker = axisTicks(f.Y.Scale, y.low, y.high, 6).upTo(highest)
	p.X.Tick.Marker = niceTicks(x.low, x.high, 5)
	if share {
		p.X.Tick.Marker = niceTicks(x.low, x.high, 5).upTo(1)
	}
	p.Add(grid{vertical: true, horizontal: true})
	note := textStyle(10, softRole)
	for _, g := range f.Y.Guides {
		p.Add(guide{g.Value, g.Label, note, panel.Better == result.High})
	}
	p.Add(alternatives{panel, looks})
	return p
}

// alternatives draws the points of a panel with their intervals along both axes, and the
// frontier: steps between those that none undercuts, and a ring around each.
type alternatives struct {
	panel *result.Panel
	looks map[string]look
}

// apart is how far two markers must be from each other for both to be seen.
const apart vg.Length = 8

// Plot draws the points; it implements plot.Plotter.
func (v alternatives) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	at := v.places(n)
	v.frontier(c, at)
	for i := range v.panel.Series {
		if s := &v.panel.Series[i]; at[i] != nil {
			v.cross(n, s, *at[i])
		}
	}
	for i := range v.panel.Series {
		if at[i] != nil {
			v.looks[v.panel.Series[i].Label].marker(c, *at[i])
		}
	}
}

// places says where the marker of each series stands, nil if it has no place. One that
// would hide another stands above it.
func (v alternatives) places(n pane) []*vg.Point {
	at := make([]*vg.Point, len(v.panel.Series))
	for i := range v.panel.Series {
		s := &v.panel.Series[i]
		if len(s.X) == 0 {
			continue
		}
		q, ok := n.point(s.X[0], s.Y[0])
		if !ok {
			continue
		}
		for k := 0; k < i; k++ {
			if o := at[k]; o != nil && vg.Length(math.Abs(float64(o.X-q.X))) < apart && vg.Length(math.Abs(float64(o.Y-q.Y))) < apart*0.99 {
				q.Y = o.Y + apart
				k = -1 // against all once more
			}
		}
		at[i] = &q
	}
	return at
}

func (v alternatives) frontier(c draw.Canvas, at []*vg.Point) {
	style := draw.LineStyle{Color: inkRole.light, Width: 1.1}
	dashed := style
	dashed.Dashes = []vg.Length{4, 3}
	var last *vg.Point
	for _, k := range v.panel.Frontier {
		q := at[k]
		if q == nil {
			continue
		}
		if last != nil {
			corner := vg.Point{X: q.X, Y: last.Y}
			if v.panel.Better == result.High {
				corner = vg.Point{X: last.X, Y: q.Y}
			}
			c.StrokeLines(dashed, []vg.Point{*last, corner, *q})
		}
		var ring vg.Path
		const radius = 6.5
		ring.Move(vg.Point{X: q.X + radius, Y: q.Y})
		ring.Arc(*q, radius, 0, 2*math.Pi)
		ring.Close()
		c.SetLineStyle(style)
		c.Stroke(ring)
		last = q
	}
}

// cross draws the intervals of a series whose marker stands at q.
func (v alternatives) cross(n pane, s *result.Series, q vg.Point) {
	style := v.looks[s.Label].solid(1.2)
	if s.HasBand() {
		whisker(n, s.X[0], s.Lo[0], s.Hi[0], 0, style)
	}
	if len(s.XLo) == 0 {
		return
	}
	a, okLo := n.point(s.XLo[0], s.Y[0])
	b, okHi := n.point(s.XHi[0], s.Y[0])
	if !okLo || !okHi {
		return
	}
	const cap = 3
	n.c.StrokeLine2(style, a.X, q.Y, b.X, q.Y)
	n.c.StrokeLine2(style, a.X, q.Y-cap, a.X, q.Y+cap)
	n.c.StrokeLine2(style, b.X, q.Y-cap, b.X, q.Y+cap)
}

// panelView is the data of a panel as a table: a row for each alternative.
func panelView(f *result.Figure, k int) seriesView {
	p := &f.Panels[k]
	one := panelFigure(f, k)
	v := seriesView{Label: one.X.Label, Head: []string{"", axisText(p.X), "from", "to", axisText(f.Y), "from", "to", "on the frontier"}}
	for i := range p.Series {
		s := &p.Series[i]
		for j := range s.X {
			row := []string{legendText(s), single(s.X[j]), "", "", single(s.Y[j]), "", "", ""}
			if len(s.XLo) > 0 {
				row[2], row[3] = single(s.XLo[j]), single(s.XHi[j])
			}
			if s.HasBand() {
				row[5], row[6] = single(s.Lo[j]), single(s.Hi[j])
			}
			for _, on := range p.Frontier {
				if on == i {
					row[7] = "yes"
				}
			}
			v.Rows = append(v.Rows, row)
		}
	}
	return v
}

// describePanels says in words what a figure of panels shows.
func describePanels(f *result.Figure) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Plots of %s over %d prices.", axisText(f.Y), len(f.Panels))
	for i := range f.Panels {
		p := &f.Panels[i]
		var on []string
		for _, k := range p.Frontier {
			on = append(on, p.Series[k].Label)
		}
		fmt.Fprintf(&b, " %s: %d alternatives", panelFigure(f, i).X.Label, len(p.Series))
		if len(on) > 0 {
			b.WriteString("; not undercut: " + strings.Join(on, ", "))
		}
		b.WriteString(".")
	}
	return b.String()
}
