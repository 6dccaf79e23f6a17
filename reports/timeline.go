package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"multihome.i2p/analysis/result"
)

// A Timeline is what happened in one run: panels over one time axis, and marks
// through all of them. Unlike a figure it shows events, no estimates.
type Timeline struct {
	ID, Title     string
	XLabel, XUnit string
	Marks         []TimelineMark
	Panels        []TimelinePanel // from the top
}

// A TimelineMark is a moment with a name.
type TimelineMark struct {
	X     float64
	Label string
}

// A TimelineKind says how the series of a panel are drawn.
type TimelineKind uint8

// The kinds of panels.
const (
	// TimelineDots draws a dot a point; a point without a value (NaN) is a cross
	// at the panel's top.
	TimelineDots TimelineKind = iota
	// TimelineStack draws areas on top of each other. Each value holds until the
	// next point; all series have the same X.
	TimelineStack
)

// A TimelinePanel is series with one y axis.
type TimelinePanel struct {
	Label, Unit string
	Kind        TimelineKind
	Log         bool
	Series      []TimelineSeries
}

// A TimelineSeries is values over time.
type TimelineSeries struct {
	Label string
	X, Y  []float64
}

// The sizes of a timeline, beyond those of a plot.
const (
	panelHeight vg.Length = 230
	panelGap    vg.Length = 10
	axisWidth   vg.Length = 58 // left of the panels, so that their time axes agree
	axisRight   vg.Length = 8  // right of them
)

// PlotTimeline draws t as a stand-alone SVG file.
func PlotTimeline(t *Timeline) ([]byte, error) {
	span := newSpan(result.Linear)
	for i := range t.Panels {
		for j := range t.Panels[i].Series {
			s := &t.Panels[i].Series[j]
			if len(s.X) != len(s.Y) {
				return nil, fmt.Errorf("timeline %s: series %q has %d times and %d values", t.ID, s.Label, len(s.X), len(s.Y))
			}
			for _, x := range s.X {
				span.add(x)
			}
		}
	}
	if span.low > span.high {
		return nil, fmt.Errorf("timeline %s: no points", t.ID)
	}
	span.low = min(0, span.low)
	span.widen()
	title := textStyle(14, inkRole)
	title.Font.Weight = font.WeightBold
	lines := wrap(title, t.Title, plotWidth-2*margin)
	height := 2*margin + vg.Length(len(lines))*titleLine + vg.Length(len(t.Panels))*(panelHeight+panelGap)
	canvas := vgsvg.New(plotWidth, height)
	c := draw.Crop(draw.NewCanvas(canvas, plotWidth, height), margin, -margin, margin, -margin)
	for i, line := range lines {
		c.FillText(title, vg.Point{X: c.Min.X, Y: c.Max.Y - vg.Length(i+1)*titleLine + 5}, line)
	}
	top := c.Max.Y - vg.Length(len(lines))*titleLine
	for i := range t.Panels {
		area := c
		area.Max.Y, area.Min.Y = top, top-panelHeight
		t.drawPanel(area, &t.Panels[i], span, i == len(t.Panels)-1)
		top -= panelHeight + panelGap
	}
	return wrapSVG(canvas, t.ID, t.Title, t.describe(), true)
}

func (t *Timeline) drawPanel(c draw.Canvas, from *TimelinePanel, span span, last bool) {
	looks := make([]look, len(from.Series))
	for i := range looks {
		looks[i] = look{seriesRoles[i%len(seriesRoles)], i}
	}
	below := legend(c, from, looks)
	axis := result.Axis{Label: from.Label, Unit: from.Unit}
	if from.Log {
		axis.Scale = result.Log
	}
	p := plot.New()
	p.BackgroundColor = nil
	x := result.Axis{}
	if last {
		x = result.Axis{Label: t.XLabel, Unit: t.XUnit}
	}
	styleAxis(&p.X, x)
	styleAxis(&p.Y, axis)
	p.X.Tick.Label.YAlign = draw.YTop - 0.3
	p.Y.Label.Padding, p.X.Label.Padding = 5, 7
	p.X.Min, p.X.Max = span.low, span.high
	p.X.Tick.Marker = niceTicks(span.low, span.high, 9)
	high := from.setRange(p)
	ticks := axisTicks(axis.Scale, p.Y.Min, high, 5)
	for i := range ticks {
		// Milliseconds are read as such, not as powers of ten.
		if v := ticks[i].Value; ticks[i].Label != "" && v >= 0.01 && v < 1e5 {
			ticks[i].Label = strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	p.Y.Tick.Marker = ticks
	p.Add(grid{horizontal: true})
	if from.Kind == TimelineStack {
		p.Add(stack{from.Series, looks})
	} else {
		p.Add(dots{from.Series, looks})
	}
	p.Add(moments{t.Marks, textStyle(11, softRole)})
	// The library makes room for the name of a logarithmic axis as if it were
	// linear; it is drawn here instead.
	name := p.Y.Label.TextStyle
	p.Y.Label.Text = ""
	body := draw.Crop(c, 0, 0, 0, below-c.Max.Y-4)
	// All panels' time axes begin at the same place, however wide the numbers
	// beside them, and end at the same place.
	if left := p.DataCanvas(body).Min.X - body.Min.X; left < axisWidth {
		body.Min.X += axisWidth - left
	}
	if right := body.Max.X - p.DataCanvas(body).Max.X; right < axisRight {
		body.Max.X -= axisRight - right
	}
	p.Draw(body)
	data := p.DataCanvas(body)
	name.Rotation, name.XAlign, name.YAlign = math.Pi/2, draw.XCenter, draw.YTop
	c.FillText(name, vg.Point{X: c.Min.X, Y: (data.Min.Y + data.Max.Y) / 2}, axisText(axis))
}

// legend names the series above the panel, where it hides no data, in as many rows
// as it takes. It returns where they end.
func legend(c draw.Canvas, from *TimelinePanel, looks []look) vg.Length {
	regular := textStyle(12, inkRole)
	at, y := c.Min.X, c.Max.Y-legendLine
	entry := func(name string, thumb func(p vg.Point)) {
		need := 15 + regular.Width(name)
		if at > c.Min.X && at+need > c.Max.X {
			at, y = c.Min.X, y-legendLine
		}
		thumb(vg.Point{X: at + 5, Y: y + 9.5})
		c.FillText(regular, vg.Point{X: at + 15, Y: y + 5}, name)
		at += need + 16
	}
	for i := range from.Series {
		entry(from.Series[i].Label, func(p vg.Point) {
			c.SetColor(looks[i].role.light)
			c.Fill(vg.Rectangle{Min: vg.Point{X: p.X - 5, Y: p.Y - 4.5}, Max: vg.Point{X: p.X + 5, Y: p.Y + 4.5}}.Path())
		})
	}
	if from.Kind == TimelineDots {
		entry("lost", func(p vg.Point) { cross(c, look{inkRole, 0}, p) })
	}
	return y
}

// setRange makes the y axis hold all values, and returns the largest of them:
// above it is room for crosses.
func (from *TimelinePanel) setRange(p *plot.Plot) float64 {
	scale := result.Linear
	if from.Log {
		scale = result.Log
	}
	y := newSpan(scale)
	if from.Kind == TimelineStack {
		y.add(0)
		for i := range from.Series[0].X {
			n := 0.0
			for j := range from.Series {
				n += from.Series[j].Y[i]
			}
			y.add(n)
		}
		p.Y.Min, p.Y.Max = 0, 1.08*max(y.high, 1)
		return max(y.high, 1)
	}
	for i := range from.Series {
		for _, v := range from.Series[i].Y {
			y.add(v)
		}
	}
	if y.low > y.high { // nothing was answered
		y.low, y.high = 1, 10
	}
	y.widen()
	high := y.high
	if from.Log {
		y.low /= 1.3
		y.high *= math.Pow(y.high/y.low, 0.14)
	} else {
		y.high += 0.14 * (y.high - y.low)
	}
	p.Y.Min, p.Y.Max = y.low, y.high
	return high
}

// dots draws points; those without a value are crosses at the top.
type dots struct {
	series []TimelineSeries
	looks  []look
}

// Plot draws the points; it implements plot.Plotter.
func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	for i := range d.series {
		s := &d.series[i]
		for j, x := range s.X {
			if math.IsNaN(s.Y[j]) {
				// A row for each series, so that they do not hide one another.
				cross(c, d.looks[i], vg.Point{X: n.x(x), Y: c.Max.Y - 5 - 7*vg.Length(i)})
				continue
			}
			if q, ok := n.point(x, s.Y[j]); ok {
				const r = 1.7
				var path vg.Path
				path.Move(vg.Point{X: q.X + r, Y: q.Y})
				path.Arc(q, r, 0, 2*math.Pi)
				path.Close()
				c.SetColor(d.looks[i].role.light)
				c.Fill(path)
			}
		}
	}
}

func cross(c draw.Canvas, l look, at vg.Point) {
	const r = 2.6
	style := l.solid(1.2)
	c.StrokeLine2(style, at.X-r, at.Y-r, at.X+r, at.Y+r)
	c.StrokeLine2(style, at.X-r, at.Y+r, at.X+r, at.Y-r)
}

// stack draws areas on top of each other.
type stack struct {
	series []TimelineSeries
	looks  []look
}

// Plot draws the areas; it implements plot.Plotter.
func (s stack) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	xs := s.series[0].X
	base := make([]float64, len(xs))
	for i := range s.series {
		top := slices.Clone(base)
		for j := range top {
			top[j] += s.series[i].Y[j]
		}
		for j := 0; j+1 < len(xs); {
			end := j + 1 // a level holds until the next point
			for end+1 < len(xs) && top[end] == top[j] && base[end] == base[j] {
				end++
			}
			if top[j] > base[j] {
				c.SetColor(s.looks[i].role.light)
				c.Fill(vg.Rectangle{Min: vg.Point{X: n.x(xs[j]), Y: n.y(base[j])}, Max: vg.Point{X: n.x(xs[end]), Y: n.y(top[j]) - 1}}.Path())
			}
			j = end
		}
		base = top
	}
}

// moments draws the marks.
type moments struct {
	marks []TimelineMark
	style text.Style
}

// Plot draws the marks; it implements plot.Plotter.
func (m moments) Plot(c draw.Canvas, p *plot.Plot) {
	n := newPane(c, p)
	for _, mark := range m.marks {
		x := n.x(mark.X)
		if !c.ContainsX(x) {
			continue
		}
		c.StrokeLine2(draw.LineStyle{Color: inkRole.light, Width: 1.1, Dashes: []vg.Length{4, 3}}, x, c.Min.Y, x, c.Max.Y)
		style := m.style
		at := vg.Point{X: x + 4, Y: c.Min.Y + 5}
		if at.X+style.Width(mark.Label) > c.Max.X {
			style.XAlign, at.X = draw.XRight, x-4
		}
		// Behind the name, so that it can be read over an area.
		width := style.Width(mark.Label)
		left := at.X
		if style.XAlign == draw.XRight {
			left -= width
		}
		c.SetColor(paperRole.light)
		c.Fill(vg.Rectangle{Min: vg.Point{X: left - 2, Y: at.Y - 3}, Max: vg.Point{X: left + width + 2, Y: at.Y + 10}}.Path())
		c.FillText(style, at, mark.Label)
	}
}

// describe says in words what a timeline shows.
func (t *Timeline) describe() string {
	var b strings.Builder
	for i := range t.Panels {
		p := &t.Panels[i]
		fmt.Fprintf(&b, "%s over %s.", axisText(result.Axis{Label: p.Label, Unit: p.Unit}), axisText(result.Axis{Label: t.XLabel, Unit: t.XUnit}))
		for j := range p.Series {
			r, missing := newSpan(result.Linear), 0
			for _, y := range p.Series[j].Y {
				if math.IsNaN(y) {
					missing++
				}
				r.add(y)
			}
			fmt.Fprintf(&b, " %s: %d points", p.Series[j].Label, len(p.Series[j].Y))
			if r.low <= r.high {
				fmt.Fprintf(&b, " from %s to %s", single(r.low), single(r.high))
			}
			if missing > 0 {
				fmt.Fprintf(&b, ", %d lost", missing)
			}
			b.WriteString(".")
		}
		b.WriteString(" ")
	}
	for _, m := range t.Marks {
		fmt.Fprintf(&b, "%s at %s. ", m.Label, single(m.X))
	}
	return strings.TrimSpace(b.String())
}
