package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/image/font"
	"gonum.org/v1/plot"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"multihome.i2p/analysis/result"
)

// The size of a plot in its own units. An ROC plot is nearly square, so that
// the diagonal is one.
const (
	plotWidth  vg.Length = 600
	plotHeight vg.Length = 360
	rocWidth   vg.Length = 480
	rocHeight  vg.Length = 440
	// A plot of nothing only says so.
	emptyHeight vg.Length = 90
)

// Plot draws f as a stand-alone SVG file with its title, its own style sheet
// for light and dark, and text alternatives for those who do not see it.
func Plot(f *result.Figure) ([]byte, error) {
	return renderSVG(f, true)
}

// inlinePlot draws f for a page that shows title and note itself, and that has
// the palette in its own style sheet.
func inlinePlot(f *result.Figure) ([]byte, error) {
	return renderSVG(f, false)
}

func renderSVG(f *result.Figure, standalone bool) ([]byte, error) {
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("figure %s: %w", f.ID, err)
	}
	width, height := plotWidth, plotHeight
	if f.Kind == result.ROC {
		width, height = rocWidth, rocHeight
	}
	empty := !drawable(f)
	if f.Kind == result.Pareto {
		width, height, empty = paretoWidth, paretoHeight(f), !paretoDrawable(f)
	}
	if empty {
		height = emptyHeight
	}
	head := newHead(f, standalone, width-2*margin)
	height += head.height()
	canvas := vgsvg.New(width, height)
	all := draw.NewCanvas(canvas, width, height)
	inner := draw.Crop(all, margin, -margin, margin, -margin)
	head.draw(inner)
	body := draw.Crop(inner, 0, 0, 0, -head.height())
	switch {
	case !empty && f.Kind == result.Pareto:
		drawPanels(body, f)
	case !empty:
		newPlot(f).Draw(body)
	default:
		style := textStyle(13, softRole)
		style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
		body.FillText(style, body.Center(), "no data")
	}
	return finishSVG(canvas, f, standalone)
}

const margin vg.Length = 8

// drawable reports whether any point of f has a place on its axes.
func drawable(f *result.Figure) bool {
	for i := range f.Series {
		s := &f.Series[i]
		for j := range s.X {
			if newSpan(f.X.Scale).holds(s.X[j]) && newSpan(f.Y.Scale).holds(s.Y[j]) {
				return true
			}
		}
	}
	return false
}

// textStyle is the plots' one typeface. Its metrics are those of Arial and
// Helvetica, so that any reader's machine lays the text out as planned.
func textStyle(size vg.Length, r role) text.Style {
	return text.Style{
		Color:   r.light,
		Font:    plotfont.From(plotfont.Font{Typeface: "Liberation", Variant: "Sans"}, size),
		Handler: plot.DefaultTextHandler,
	}
}

// newPlot builds axes, grid and marks of f, whose data is known to be
// drawable.
func newPlot(f *result.Figure) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	styleAxis(&p.X, f.X)
	styleAxis(&p.Y, f.Y)
	// The library sets the numbers below the x axis right against its ticks.
	p.X.Tick.Label.YAlign = draw.YTop - 0.3
	p.Y.Label.Padding = 5
	p.X.Label.Padding = 7
	setRange(p, f)
	setTicks(p, f)
	p.Add(grid{vertical: f.Kind == result.ROC, horizontal: true})

	note := textStyle(11, softRole)
	if f.Kind == result.ROC {
		p.Add(chance{note})
	}
	for _, g := range f.Y.Guides {
		p.Add(guide{value: g.Value, label: g.Label, style: note})
	}
	looks := looksFor(f)
	switch f.Kind {
	case result.Histogram:
		for i := range f.Series {
			p.Add(bars{s: &f.Series[i], l: looks[i], bin: binWidth(f), of: len(f.Series)})
		}
	case result.Sweep:
		for i := range f.Series {
			shift := 9 * (vg.Length(i) - vg.Length(len(f.Series)-1)/2)
			p.Add(points{s: &f.Series[i], l: looks[i], shift: shift, join: joined(f)})
		}
	default:
		// All bands first: a band must not veil another series' curve.
		for i := range f.Series {
			p.Add(band{&f.Series[i], looks[i]})
		}
		for i := range f.Series {
			p.Add(curve{&f.Series[i], looks[i]})
		}
	}
	return p
}

// joined reports whether a line between two points of f means anything: names
// have nothing between them.
func joined(f *result.Figure) bool { return len(f.X.Categories) == 0 }

func looksFor(f *result.Figure) []look {
	looks := make([]look, len(f.Series))
	for i, r := range rolesFor(f.Series) {
		looks[i] = look{r, i}
	}
	return looks
}

func styleAxis(a *plot.Axis, from result.Axis) {
	a.Label.Text = axisText(from)
	a.Label.TextStyle.Font = textStyle(12.5, inkRole).Font
	a.Label.TextStyle.Color = inkRole.light
	a.Tick.Label.Font = textStyle(11.5, softRole).Font
	a.Tick.Label.Color = softRole.light
	a.LineStyle = draw.LineStyle{Color: softRole.light, Width: 0.8}
	a.Tick.LineStyle = draw.LineStyle{Color: softRole.light, Width: 0.8}
	a.Tick.Length = 4
	a.Padding = 0
	if from.Scale == result.Log {
		a.Scale = logScale{}
	}
}

// axisText is an axis's label with its unit.
func axisText(a result.Axis) string {
	if u := unitText(a.Unit); u != "" {
		return a.Label + " (" + u + ")"
	}
	return a.Label
}

// setRange makes the axes hold all points and intervals that have a place.
func setRange(p *plot.Plot, f *result.Figure) {
	x, y := newSpan(f.X.Scale), newSpan(f.Y.Scale)
	for i := range f.Series {
		s := &f.Series[i]
		for j := range s.X {
			x.add(s.X[j])
			y.add(s.Y[j])
			if s.HasBand() {
				y.add(s.Lo[j])
				y.add(s.Hi[j])
			}
		}
	}
	for _, g := range f.Y.Guides {
		y.add(g.Value)
	}
	switch f.Kind {
	case result.ROC:
		for _, s := range []*span{&x, &y} {
			s.high = max(s.high, 1)
			if s.log {
				s.low = min(s.low, 0.1)
			} else {
				s.low = min(s.low, 0)
			}
		}
	case result.Histogram:
		bin := binWidth(f)
		x.low, x.high = x.low-bin/2, x.high+bin/2
		y.low, y.high = min(0, y.low), y.high+0.05*(y.high-min(0, y.low))
	case result.Sweep:
		// A share cannot leave 0..1, and a plot should not suggest it.
		share := f.Y.Unit == "share" && y.low >= 0 && y.high <= 1
		x.pad(0.06)
		y.pad(0.08)
		if share && !y.log {
			y.low, y.high = max(y.low, -0.02), min(y.high, 1.02)
		}
	default:
		if f.Kind == result.Load || y.low > 0 && y.low < 0.6*y.high {
			y.low = min(0, y.low)
		}
		y.high += 0.05 * (y.high - y.low)
	}
	x.widen()
	y.widen()
	if n := len(f.X.Categories); n > 0 {
		x.low, x.high = -0.6, float64(n)-0.4
	}
	// Zero has no place on a logarithmic axis: bars then start at the bottom.
	for _, s := range []*span{&x, &y} {
		if s.log && !(s.low > 0) {
			s.low = s.high / 1000
		}
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = x.low, x.high, y.low, y.high
}

// A span is the range of the numbers that have a place on an axis.
type span struct {
	low, high float64
	log       bool
}

func newSpan(s result.Scale) span {
	return span{math.Inf(1), math.Inf(-1), s == result.Log}
}

// holds reports whether v has a place on an axis of this kind.
func (s span) holds(v float64) bool { return showable(v) && !(s.log && v < smallest) }

func (s *span) add(v float64) {
	if s.holds(v) {
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
}

// pad adds a share of the span at both ends.
func (s *span) pad(share float64) {
	if s.log {
		if f := math.Pow(s.high/s.low, share); finite(f) {
			s.low, s.high = s.low/f, s.high*f
		}
		return
	}
	if d := share * (s.high - s.low); finite(d) {
		s.low, s.high = s.low-d, s.high+d
	}
}

// widen makes a range of a single point one that has a middle.
func (s *span) widen() {
	switch {
	case s.high-s.low > 1e-9*max(math.Abs(s.high), math.Abs(s.low)) && s.high-s.low > smallest:
	case s.log:
		s.low, s.high = s.low/2, s.high*2
	default:
		d := max(math.Abs(s.low)/10, 0.5)
		s.low, s.high = s.low-d, s.high+d
	}
}

func setTicks(p *plot.Plot, f *result.Figure) {
	p.Y.Tick.Marker = axisTicks(f.Y.Scale, p.Y.Min, p.Y.Max, 6)
	p.X.Tick.Marker = axisTicks(f.X.Scale, p.X.Min, p.X.Max, 9)
	switch {
	case f.X.Unit == "h" && f.X.Scale != result.Log && (f.Kind == result.Curve || f.Kind == result.Load):
		p.X.Tick.Marker = hourTicks(p.X.Min, p.X.Max, 9)
	case len(f.X.Categories) > 0:
		categoryTicks(p, f.X.Categories)
	case f.Kind == result.Sweep:
		if t := valueTicks(f.Series); t != nil {
			p.X.Tick.Marker = t
		}
	case f.Kind == result.Histogram:
		// A tick between two bins would name a value that no bar stands for.
		step := max(binWidth(f), niceStep(p.X.Max-p.X.Min, 20))
		if binWidth(f) == 1 {
			step = max(1, math.Round(step))
		}
		first := firstX(f)
		var ticks fixedTicks
		for i := range ticksMax {
			if v := first + float64(i)*step; v <= p.X.Max {
				ticks = append(ticks, plot.Tick{Value: v, Label: single(v)})
			}
		}
		p.X.Tick.Marker = ticks
	}
}

func axisTicks(s result.Scale, low, high float64, n int) fixedTicks {
	if s == result.Log {
		return logTicks(low, high)
	}
	return niceTicks(low, high, n)
}

// categoryTicks names the places of an x axis; names that do not fit beside
// one another slant.
func categoryTicks(p *plot.Plot, names []string) {
	var ticks fixedTicks
	var longest vg.Length
	for i, name := range names {
		ticks = append(ticks, plot.Tick{Value: float64(i), Label: name})
		longest = max(longest, p.X.Tick.Label.Width(name))
	}
	p.X.Tick.Marker = ticks
	if longest+10 > (plotWidth-80)/vg.Length(len(names)) {
		p.X.Tick.Label.Rotation = math.Pi / 7
		p.X.Tick.Label.XAlign = draw.XRight
		p.X.Tick.Label.YAlign = draw.YTop
	}
}

// firstX is the place of the first bar.
func firstX(f *result.Figure) float64 {
	x := newSpan(f.X.Scale)
	for i := range f.Series {
		for _, v := range f.Series[i].X {
			x.add(v)
		}
	}
	return x.low
}

// binWidth is the smallest distance between two bars, 1 if there is only one.
func binWidth(f *result.Figure) float64 {
	var xs []float64
	for i := range f.Series {
		for _, x := range f.Series[i].X {
			if newSpan(f.X.Scale).holds(x) {
				xs = append(xs, x)
			}
		}
	}
	slices.Sort(xs)
	width := math.Inf(1)
	for i := 1; i < len(xs); i++ {
		if d := xs[i] - xs[i-1]; d > 0 {
			width = min(width, d)
		}
	}
	if math.IsInf(width, 1) {
		return 1
	}
	return width
}

// head is what stands above the axes: the title of a stand-alone plot, and the
// legend. Above, it hides no data.
type head struct {
	title   []string
	rows    [][]entry
	kind    result.Kind
	apart   bool // points are not joined by a line
	bold    text.Style
	regular text.Style
}

type entry struct {
	text string
	l    look
	band bool
	at   vg.Length
}

const (
	titleLine  vg.Length = 19
	legendLine vg.Length = 18
	thumbWidth vg.Length = 26
)

func newHead(f *result.Figure, standalone bool, width vg.Length) head {
	h := head{kind: f.Kind, apart: !joined(f) || f.Kind == result.Pareto, bold: textStyle(14, inkRole), regular: textStyle(12, inkRole)}
	h.bold.Font.Weight = font.WeightBold
	if standalone {
		h.title = wrap(h.bold, f.Title, width)
	}
	at := vg.Length(0)
	series, looks := f.Series, looksFor(f)
	if f.Kind == result.Pareto {
		series = paretoLegend(f)
		looks = paretoLooks(series)
	}
	for i, l := range looks {
		s := &series[i]
		e := entry{text: legendText(s), l: l, band: s.HasBand()}
		need := thumbWidth + 5 + h.regular.Width(e.text) + 18
		if len(h.rows) == 0 || at+need > width {
			h.rows, at = append(h.rows, nil), 0
		}
		e.at = at
		last := len(h.rows) - 1
		h.rows[last] = append(h.rows[last], e)
		at += need
	}
	return h
}

// legendText is a series' name with the number of observations behind it, so
// that a smooth curve from three trials does not pass for more.
func legendText(s *result.Series) string {
	if s.N == 0 {
		return s.Label // computed, not observed
	}
	return fmt.Sprintf("%s (n = %d)", s.Label, s.N)
}

// wrap breaks text at spaces into lines that fit.
func wrap(style text.Style, s string, width vg.Length) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case style.Width(line+" "+word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func (h head) height() vg.Length {
	height := vg.Length(len(h.title))*titleLine + vg.Length(len(h.rows))*legendLine
	if height > 0 {
		height += 8
	}
	return height
}

func (h head) draw(c draw.Canvas) {
	y := c.Max.Y
	for _, line := range h.title {
		y -= titleLine
		c.FillText(h.bold, vg.Point{X: c.Min.X, Y: y + 5}, line)
	}
	for _, row := range h.rows {
		y -= legendLine
		for _, e := range row {
			h.thumb(c, e, vg.Point{X: c.Min.X + e.at, Y: y + legendLine/2})
			c.FillText(h.regular, vg.Point{X: c.Min.X + e.at + thumbWidth + 5, Y: y + 5}, e.text)
		}
	}
}

// thumb draws a sample of the series, left end at p.
func (h head) thumb(c draw.Canvas, e entry, p vg.Point) {
	if h.kind == result.Histogram {
		e.l.bar(c, vg.Point{X: p.X + 6, Y: p.Y - 5}, vg.Point{X: p.X + 20, Y: p.Y + 5})
		return
	}
	if e.band && h.kind != result.Sweep && h.kind != result.Pareto {
		c.SetColor(e.l.veil(0x33))
		c.Fill(vg.Rectangle{Min: vg.Point{X: p.X, Y: p.Y - 5}, Max: vg.Point{X: p.X + thumbWidth, Y: p.Y + 5}}.Path())
	}
	if !h.apart {
		c.StrokeLine2(e.l.line(1.8), p.X, p.Y, p.X+thumbWidth, p.Y)
	}
	e.l.marker(c, vg.Point{X: p.X + thumbWidth/2, Y: p.Y})
}
