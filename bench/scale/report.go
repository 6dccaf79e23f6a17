//go:build unix

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"multihome.i2p/analysis/result"
)

func (p *point) median() float64 {
	s := slices.Sorted(slices.Values(p.ms))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// power is a power law fitted to an axis: ms = factor · x^exponent.
type power struct {
	exponent, lo, hi float64
}

// fit is the straight line through the logarithms of the points by least squares,
// with Student's 95 % interval of its slope. It holds for the range measured, as far
// as the points lie on a line.
func (a *axis) fit() power {
	var xs, ys []float64
	for i := range a.points {
		xs = append(xs, math.Log(a.points[i].x))
		ys = append(ys, math.Log(a.points[i].median()))
	}
	alpha, beta := stat.LinearRegression(xs, ys, nil, false)
	n := float64(len(xs))
	mean := stat.Mean(xs, nil)
	var rest, spread float64
	for i := range xs {
		d := ys[i] - alpha - beta*xs[i]
		rest += d * d
		spread += (xs[i] - mean) * (xs[i] - mean)
	}
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 2}.Quantile(0.975) * math.Sqrt(rest/(n-2)/spread)
	return power{beta, beta - half, beta + half}
}

// last is the exponent between the two largest points.
func (a *axis) last() float64 {
	p, q := &a.points[len(a.points)-2], &a.points[len(a.points)-1]
	return math.Log(q.median()/p.median()) / math.Log(q.x/p.x)
}

// table is the Markdown of all axes.
func table(axes []axis) string {
	var b strings.Builder
	rounds := len(axes[0].points[0].ms)
	for i := range axes {
		a := &axes[i]
		if !a.plain {
			continue
		}
		fmt.Fprintf(&b, "| %s | ms of one core (least, most of %d rounds) |\n|---|---|\n", a.what, rounds)
		for k := range a.points {
			p := &a.points[k]
			fmt.Fprintf(&b, "| %s | %s (%s, %s) |\n", p.label, short(p.median()), short(slices.Min(p.ms)), short(slices.Max(p.ms)))
		}
		b.WriteString("\n")
	}
	if !slices.ContainsFunc(axes, func(a axis) bool { return !a.plain }) {
		return b.String()
	}
	b.WriteString("| what grows | from: ms | to: ms | exponent, 95 % interval | at the upper end |\n|---|---|---|---|---|\n")
	for i := range axes {
		a := &axes[i]
		if a.plain {
			continue
		}
		p, q := &a.points[0], &a.points[len(a.points)-1]
		f := a.fit()
		fmt.Fprintf(&b, "| %s | %s: %s | %s: %s | %.2f [%.2f, %.2f] | %.2f |\n",
			a.what, short(p.x), short(p.median()), short(q.x), short(q.median()), f.exponent, f.lo, f.hi, a.last())
	}
	return b.String()
}

// short writes a positive number with three digits, or all of a whole one.
func short(x float64) string {
	if x >= 100 || x == math.Trunc(x) {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// figures are the plots: the trial, and the attacks.
func figures(axes []axis) []result.Figure {
	draw := func(id, title, note, label string, which func(*axis) bool) result.Figure {
		f := result.Figure{
			ID: id, Kind: result.Curve, Title: title, Note: note,
			X: result.Axis{Label: label, Unit: "1", Scale: result.Log},
			Y: result.Axis{Label: "user time of a trial", Unit: "ms", Scale: result.Log},
		}
		for i := range axes {
			a := &axes[i]
			if a.plain || !which(a) {
				continue
			}
			s := result.Series{Label: a.what, Arm: result.Policy, N: len(a.points[0].ms)}
			for k := range a.points {
				p := &a.points[k]
				s.X, s.Y = append(s.X, p.x), append(s.Y, p.median())
				s.Lo, s.Hi = append(s.Lo, slices.Min(p.ms)), append(s.Hi, slices.Max(p.ms))
			}
			f.Series = append(f.Series, s)
		}
		return f
	}
	note := "Medians of the rounds; bands from the least to the most. User time of one core."
	small := func(a *axis) bool { return a.points[len(a.points)-1].x <= 300 && !a.attacks }
	return []result.Figure{
		draw("scale-trial", "What a trial costs", note, "hours, leases, routers", small),
		draw("scale-network", "What the size of the network costs", note, "floodfills, routers",
			func(a *axis) bool { return !small(a) && !a.attacks }),
		draw("scale-attacks", "What the attacks cost", note, "distinct LeaseSets in the trace", func(a *axis) bool { return a.attacks }),
	}
}
