package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The size of a plot, and the colours of Okabe and Ito.
const (
	plotWidth  vg.Length = 680
	plotHeight vg.Length = 380
)

var colours = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff},
	{0xd5, 0x5e, 0x00, 0xff},
	{0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff},
	{0xe6, 0x9f, 0x00, 0xff},
	{0x56, 0xb4, 0xe9, 0xff},
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White // for readers of dark pages
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = 2
	p.Add(plotter.NewGrid())
	return p
}

func svg(p *plot.Plot) ([]byte, error) {
	c := vgsvg.New(plotWidth, plotHeight)
	p.Draw(draw.Crop(draw.New(c), 8, -12, 8, -8))
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// step adds a curve of steps with its legend.
func step(p *plot.Plot, label string, i int, dashed bool, xys plotter.XYs) error {
	l, err := plotter.NewLine(xys)
	if err != nil {
		return err
	}
	l.StepStyle = plotter.PostStep
	l.Width, l.Color = 1.6, colours[i%len(colours)]
	if dashed {
		l.Dashes = []vg.Length{5, 3}
	}
	p.Add(l)
	p.Legend.Add(label, l)
	return nil
}

// rug marks moments below the axis: one row for each series.
type rug struct {
	at     []float64
	row    int
	colour color.Color
}

// rugHeight is a row's height in units of the plot's height.
const rugHeight = 0.03

// Plot implements plot.Plotter.
func (r rug) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	h := (c.Max.Y - c.Min.Y) * rugHeight
	low := c.Min.Y + vg.Length(r.row)*1.3*h
	for _, t := range r.at {
		c.StrokeLine2(draw.LineStyle{Color: r.colour, Width: 0.8}, x(t), low, x(t), low+h)
	}
}

// Thumbnail implements plot.Thumbnailer.
func (r rug) Thumbnail(c *draw.Canvas) {
	for i := range 3 {
		x := c.Min.X + (c.Max.X-c.Min.X)*vg.Length(i+1)/4
		c.StrokeLine2(draw.LineStyle{Color: r.colour, Width: 0.8}, x, c.Min.Y, x, c.Max.Y)
	}
}

// plotLosses shows what the arms have lost over time, and the renewals.
func plotLosses(n *network, arms []*steadyArm) ([]byte, error) {
	p := newPlot("Messages lost while nothing fails, cumulative", "minutes since all senders were answered", "lost messages")
	minutes := func(t int64) float64 { return ms(t - n.begin).Minutes() }
	most := 1.0
	for i, a := range arms {
		xys := plotter.XYs{{X: 0}}
		for k, t := range a.lostTimes {
			// A point in 5 s is as much as can be seen.
			if last := k+1 == len(a.lostTimes); !last && a.lostTimes[k+1]/5000 == t/5000 {
				continue
			}
			xys = append(xys, plotter.XY{X: max(0, minutes(t)), Y: float64(k + 1)})
		}
		xys = append(xys, plotter.XY{X: minutes(n.end), Y: float64(len(a.lostTimes))})
		most = max(most, float64(len(a.lostTimes)))
		label := fmt.Sprintf("%s, %d routers (%d of n = %d)", a.arm, n.routersOf(a.arm), a.lost, a.sent)
		if err := step(p, label, i, i%2 == 1, xys); err != nil {
			return nil, err
		}
	}
	for i, a := range arms[:min(2, len(arms))] {
		r := rug{row: i, colour: colours[i]}
		for _, t := range n.times(a.arm, "") {
			if t >= n.begin {
				r.at = append(r.at, minutes(t))
			}
		}
		p.Add(r)
		p.Legend.Add(fmt.Sprintf("tunnels of %s renewed (n = %d)", a.arm, len(r.at)), r)
	}
	p.X.Min, p.X.Max = 0, minutes(n.end)
	p.Y.Min, p.Y.Max = -0.12*most, 1.5*most // room for the rugs and the legend
	return svg(p)
}

// plotFailover shows how long clients of a killed carrier waited for an answer.
func plotFailover(all []strike) ([]byte, error) {
	p := newPlot("Clients answered again after their carrier's kill", "seconds since the kill", "share of the clients")
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	const least, most = 0.01, 105.0
	for i, c := range classes {
		some := pick(all, faultKill, c, true)
		if len(some) == 0 || c.arm == "composed" {
			continue
		}
		xs := seconds(some)
		slices.Sort(xs)
		xys := plotter.XYs{{X: least}}
		for k, x := range xs {
			if x <= most {
				xys = append(xys, plotter.XY{X: math.Max(least, x), Y: float64(k+1) / float64(len(xs))})
			}
		}
		xys = append(xys, plotter.XY{X: most, Y: xys[len(xys)-1].Y})
		if err := step(p, fmt.Sprintf("%v (n = %d)", c, len(xs)), i, c.unpublished, xys); err != nil {
			return nil, err
		}
	}
	p.X.Min, p.X.Max = least, most
	p.Y.Min, p.Y.Max = 0, 1.75
	p.Y.Tick.Marker = plot.ConstantTicks{{Value: 0, Label: "0"}, {Value: 0.25, Label: "0.25"}, {Value: 0.5, Label: "0.5"}, {Value: 0.75, Label: "0.75"}, {Value: 1, Label: "1"}}
	return svg(p)
}
