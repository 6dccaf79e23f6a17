package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"multihome.i2p/analysis/result"
)

// dashes tell series apart without colour, in the order of the series.
var dashes = [][]vg.Length{nil, {7, 3}, {2, 2.5}, {9, 3, 2, 3}, {4, 2, 4, 5}}

// look is how one series is drawn.
type look struct {
	role  role
	index int // place among the figure's series: decides dash, marker and filling
}

func (l look) line(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.role.light, Width: width, Dashes: dashes[l.index%len(dashes)]}
}

func (l look) solid(width vg.Length) draw.LineStyle {
	return draw.LineStyle{Color: l.role.light, Width: width}
}

// veil is the role's colour, mostly transparent.
func (l look) veil(alpha uint8) color.Color {
	c := l.role.light
	return color.NRGBA{R: c.R, G: c.G, B: c.B, A: alpha}
}

// marker draws the series' marker at p. Shapes differ in outline and every
// second one is hollow.
func (l look) marker(c draw.Canvas, p vg.Point) {
	const r = 3.6
	var path vg.Path
	switch l.index % 4 {
	case 0:
		path.Move(vg.Point{X: p.X + r, Y: p.Y})
		path.Arc(p, r, 0, 2*math.Pi)
	case 1:
		path = polygon(p, r*1.25, 4, math.Pi/4)
	case 2:
		path = polygon(p, r*1.3, 3, math.Pi/2)
	case 3:
		path = polygon(p, r*1.35, 4, 0)
	}
	path.Close()
	if l.index%2 == 0 {
		c.SetColor(l.role.light)
	} else {
		c.SetColor(paperRole.light)
	}
	c.Fill(path)
	c.SetLineStyle(l.solid(1.4))
	c.Stroke(path)
}

func polygon(center vg.Point, r vg.Length, corners int, start float64) vg.Path {
	var path vg.Path
	for i := range corners {
		sin, cos := math.Sincos(start + 2*math.Pi*float64(i)/float64(corners))
		p := vg.Point{X: center.X + r*vg.Length(cos), Y: center.Y + r*vg.Length(sin)}
		if i == 0 {
			path.Move(p)
		} else {
			path.Line(p)
		}
	}
	return path
}

// pane maps data to the canvas. On a logarithmic axis a number at or below
// zero has no place.
type pane struct {
	c    draw.Canvas
	p    *plot.Plot
	x, y func(float64) vg.Length
}

func newPane(c draw.Canvas, p *plot.Plot) pane {
	x, y := p.Transforms(&c)
	return pane{c, p, x, y}
}

func (n pane) point(x, y float64) (vg.Point, bool) {
	if !placeable(&n.p.X, x) || !placeable(&n.p.Y, y) {
		return vg.Point{}, false
	}
	return vg.Point{X: n.x(x), Y: n.y(y)}, true
}

func placeable(a *plot.Axis, v float64) bool {
	_, log := a.Scale.(logScale)
	return showable(v) && !(log && v < smallest)
}

// logScale is a logarithmic axis that puts zero and less far off its low end,
// where the library's own scale would panic.
type logScale struct{}

// Normalize implements plot.Normalizer.
func (logScale) Normalize(low, high, x float64) float64 {
	return plot.LogScale{}.Normalize(max(low, smallest), max(high, smallest), max(x, smallest))
}

// Beyond these, the differences and quotients of an axis would overflow. No
// rate, time or count comes near them.
const largest, smallest = 1e100, 1e-100

// showable reports whether v can be drawn at all.
func showable(v float64) bool { return math.Abs(v) <= largest }

// grid draws a line at each labelled tick.
type grid struct{ vertical, horizontal bool }

// Plot draws the lines; it implements plot.Plotter.
func (g grid) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	style := draw.LineStyle{Color: gridRole.light, Width: 0.8}
	if g.vertical {
		for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
			if x := n.x(t.Value); !t.IsMinor() && c.ContainsX(x) {
				c.StrokeLine2(style, x, c.Min.Y, x, c.Max.Y)
			}
		}
	}
	if g.horizontal {
		for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
			if y := n.y(t.Value); !t.IsMinor() && c.ContainsY(y) {
				c.StrokeLine2(style, c.Min.X, y, c.Max.X, y)
			}
		}
	}
}

// band fills the interval around a curve; a gap in it is a gap in the plot.
type band struct {
	s *result.Series
	l look
}

// Plot draws the band; it implements plot.Plotter.
func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	if !b.s.HasBand() {
		return
	}
	n := newPane(c, p)
	var lower, upper []vg.Point
	flush := func() {
		if len(lower) > 1 {
			var path vg.Path
			path.Move(lower[0])
			for _, q := range lower[1:] {
				path.Line(q)
			}
			for i := len(upper) - 1; i >= 0; i-- {
				path.Line(upper[i])
			}
			path.Close()
			c.SetColor(b.l.veil(0x33))
			c.Fill(path)
		}
		lower, upper = nil, nil
	}
	for i, x := range b.s.X {
		lo, okLo := n.point(x, b.s.Lo[i])
		hi, okHi := n.point(x, b.s.Hi[i])
		if !okLo || !okHi {
			flush()
			continue
		}
		lower, upper = append(lower, lo), append(upper, hi)
	}
	flush()
}

// curve draws a series as a line with a few markers on it.
type curve struct {
	s *result.Series
	l look
}

// Plot draws the curve; it implements plot.Plotter.
func (v curve) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	var run []vg.Point
	flush := func() {
		if len(run) > 1 {
			c.StrokeLines(v.l.line(1.8), run)
		}
		run = nil
	}
	// Markers identify the curve; on a dense one a few do, and they start at
	// another place for each series, so that they do not hide one another.
	every := max(1, len(v.s.X)/7)
	first := 0
	if every > 1 {
		first = (v.l.index * every / 3) % every
	}
	var marked []vg.Point
	for i, x := range v.s.X {
		q, ok := n.point(x, v.s.Y[i])
		if !ok {
			flush()
			continue
		}
		run = append(run, q)
		if i%every == first {
			marked = append(marked, q)
		}
	}
	flush()
	for _, q := range marked {
		v.l.marker(c, q)
	}
}

// points draws a series as markers with error bars, joined by a thin line.
type points struct {
	s     *result.Series
	l     look
	shift vg.Length // sideways, so that arms with equal x do not overlap
	join  bool
}

// Plot draws the points; it implements plot.Plotter.
func (v points) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	var run []vg.Point
	for i, x := range v.s.X {
		q, ok := n.point(x, v.s.Y[i])
		if !ok {
			continue
		}
		q.X += v.shift
		run = append(run, q)
	}
	if v.join && len(run) > 1 {
		c.StrokeLines(v.l.line(1.3), run)
	}
	for i, x := range v.s.X {
		if v.s.HasBand() {
			whisker(n, x, v.s.Lo[i], v.s.Hi[i], v.shift, v.l.solid(1.5))
		}
	}
	for _, q := range run {
		v.l.marker(c, q)
	}
}

// whisker draws an interval as a vertical bar with caps.
func whisker(n pane, x, lo, hi float64, shift vg.Length, style draw.LineStyle) {
	a, okLo := n.point(x, lo)
	b, okHi := n.point(x, hi)
	if !okLo || !okHi {
		return
	}
	a.X, b.X = a.X+shift, b.X+shift
	const cap = 3
	n.c.StrokeLine2(style, a.X, a.Y, b.X, b.Y)
	n.c.StrokeLine2(style, a.X-cap, a.Y, a.X+cap, a.Y)
	n.c.StrokeLine2(style, b.X-cap, b.Y, b.X+cap, b.Y)
}

// bars draws a series as bars from zero, beside those of other series.
type bars struct {
	s   *result.Series
	l   look
	bin float64 // width of a bin in data units
	of  int     // how many series share a bin
}

// Plot draws the bars; it implements plot.Plotter.
func (v bars) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	slot := v.bin * 0.84 / float64(v.of)
	for i, x := range v.s.X {
		left := x - v.bin*0.42 + slot*float64(v.l.index)
		a, okA := n.point(left, max(0, p.Y.Min))
		b, okB := n.point(left+slot*0.94, v.s.Y[i])
		if !okA || !okB {
			continue
		}
		v.l.bar(c, a, b)
		if v.s.HasBand() {
			style := draw.LineStyle{Color: softRole.light, Width: 1.1}
			whisker(n, left+slot*0.47, v.s.Lo[i], v.s.Hi[i], 0, style)
		}
	}
}

// bar fills the rectangle between two corners: full, hollow or striped by the
// series' index.
func (l look) bar(c draw.Canvas, a, b vg.Point) {
	rect := vg.Rectangle{Min: a, Max: b}.Path()
	alpha := uint8(0xd8)
	if l.index%3 != 0 {
		alpha = 0x2e
	}
	c.SetColor(l.veil(alpha))
	c.Fill(rect)
	if l.index%3 == 2 {
		for y := a.Y + 3; y < b.Y; y += 3.5 {
			c.StrokeLine2(l.solid(0.9), a.X, y, b.X, y)
		}
	}
	c.SetLineStyle(l.solid(1.2))
	c.Stroke(rect)
}

// guide draws a horizontal level with its label above it.
type guide struct {
	value float64
	label string
	style text.Style
	left  bool // the label stands at the left end
}

// Plot draws the level; it implements plot.Plotter.
func (g guide) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	if !placeable(&p.Y, g.value) {
		return
	}
	y := n.y(g.value)
	c.StrokeLine2(guideLine(), c.Min.X, y, c.Max.X, y)
	at := vg.Point{X: c.Max.X - 2, Y: y + 3}
	g.style.XAlign = draw.XRight
	if g.left {
		at.X, g.style.XAlign = c.Min.X+3, draw.XLeft
	}
	c.FillText(g.style, at, g.label)
}

func guideLine() draw.LineStyle {
	return draw.LineStyle{Color: softRole.light, Width: 1, Dashes: []vg.Length{1.5, 3}}
}

// chance draws the rate of a guess in an ROC plot: y = x, which is a curve on
// a logarithmic axis.
type chance struct{ style text.Style }

// Plot draws the line; it implements plot.Plotter.
func (h chance) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	var line []vg.Point
	for i := 0; i <= 64; i++ {
		share := float64(i) / 64
		x := p.X.Min + share*(p.X.Max-p.X.Min)
		if _, log := p.X.Scale.(logScale); log {
			x = p.X.Min * math.Pow(p.X.Max/p.X.Min, share)
		}
		if q, ok := n.point(x, x); ok && c.ContainsY(q.Y) {
			line = append(line, q)
		}
	}
	if len(line) < 2 {
		return
	}
	c.StrokeLines(guideLine(), line)
	at := line[len(line)*3/5]
	c.FillText(h.style, vg.Point{X: at.X + 8, Y: at.Y - 12}, "a guess")
}
