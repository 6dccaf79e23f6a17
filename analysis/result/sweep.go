package result

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// SweepFigure draws a metric of s against a swept parameter: a point with its
// interval for each grid point and arm. An empty path stands for the first
// swept parameter, one of numbers if there is any. Further swept parameters
// become series of their own; parameters that only follow from the swept one
// do not. A reference stands at its grid point's value, since that is what it
// is the reference for.
//
// It is an error if the grid sweeps nothing, or nothing under that path, or if
// no cell holds the metric.
func SweepFigure(s *Summary, metric, path string) (Figure, error) {
	var points []Point
	for _, p := range s.Points() {
		if p.Policy != nil {
			points = append(points, p)
		}
	}
	varying := s.Varying()
	path, err := sweptPath(points, varying, path)
	if err != nil {
		return Figure{}, err
	}

	axis, xs := sweepAxis(points, path)
	var others []string
	for _, p := range varying {
		if p != path && !follows(points, p, path) && (p == variantPath || !slices.Contains(varying, variantPath) || !follows(points, p, variantPath)) {
			others = append(others, p)
		}
	}
	label := metric
	unit := "1"
	if d, ok := Describe(metric); ok {
		label, unit = d.Label, d.Unit
	}
	fig := Figure{
		ID:    figureID("sweep-" + metric + "-" + path),
		Title: label + " against " + path,
		Kind:  Sweep,
		X:     axis,
		Y:     Axis{Label: label, Unit: unit},
	}
	if a, ok := ParseAttackMetric(metric); ok && a.Measure == "auc" {
		fig.Y.Guides = []Guide{{Value: 0.5, Label: "a guess"}}
	}
	for i, p := range points {
		suffix := ""
		for _, other := range others {
			v, _ := p.Policy.Param(other)
			suffix += ", " + lastSegment(other) + " " + v.String()
		}
		for _, c := range []*Cell{p.Policy, p.Reference} {
			if c == nil {
				continue
			}
			if m, ok := c.Metric(metric); ok {
				fig.addPoint(string(c.Arm)+suffix, c.Arm, xs[i], m)
			}
		}
	}
	if len(fig.Series) == 0 {
		return Figure{}, fmt.Errorf("result: no cell holds %s", metric)
	}
	for i := range fig.Series {
		fig.Series[i].sortByX()
	}
	return fig, nil
}

// variantPath is the parameter that names a scenario's variant: what a variant sets
// follows from its name.
const variantPath = "variants.name"

// sweptPath chooses the parameter on the x axis.
func sweptPath(points []Point, varying []string, path string) (string, error) {
	switch {
	case len(varying) == 0:
		return "", fmt.Errorf("result: the grid sweeps nothing")
	case path != "" && !slices.Contains(varying, path):
		return "", fmt.Errorf("result: the grid does not sweep %s; it sweeps %s", path, strings.Join(varying, ", "))
	case path != "":
		return path, nil
	}
	for _, p := range varying {
		if numeric(points, p) {
			return p, nil
		}
	}
	return varying[0], nil
}

func numeric(points []Point, path string) bool {
	for _, p := range points {
		v, ok := p.Policy.Param(path)
		if _, number := v.Float(); !ok || !number {
			return false
		}
	}
	return true
}

// follows reports whether the value of path is a function of that of from.
func follows(points []Point, path, from string) bool {
	value := make(map[Value]Value)
	for _, p := range points {
		f, _ := p.Policy.Param(from)
		v, _ := p.Policy.Param(path)
		if first, ok := value[f]; ok && first != v {
			return false
		}
		value[f] = v
	}
	return true
}

// sweepAxis returns the x axis and each point's place on it: numbers as they
// are, anything else as a category in the order of the grid.
func sweepAxis(points []Point, path string) (Axis, []float64) {
	axis := Axis{Label: path, Unit: "1"}
	xs := make([]float64, len(points))
	if numeric(points, path) {
		low, high := math.Inf(1), math.Inf(-1)
		for i, p := range points {
			v, _ := p.Policy.Param(path)
			xs[i], _ = v.Float()
			low, high = min(low, xs[i]), max(high, xs[i])
		}
		// 1, 2, 4, 8 would crowd into the left half of a linear axis.
		if low > 0 && high >= 8*low {
			axis.Scale = Log
		}
		return axis, xs
	}
	for i, p := range points {
		v, _ := p.Policy.Param(path)
		at := slices.Index(axis.Categories, v.String())
		if at < 0 {
			at = len(axis.Categories)
			axis.Categories = append(axis.Categories, v.String())
		}
		xs[i] = float64(at)
	}
	return axis, xs
}

// addPoint appends m to the series of that label, which it opens if need be.
func (f *Figure) addPoint(label string, arm Arm, x float64, m Metric) {
	i := slices.IndexFunc(f.Series, func(s Series) bool { return s.Label == label })
	if i < 0 {
		i = len(f.Series)
		f.Series = append(f.Series, Series{Label: label, Arm: arm, N: m.N, Confidence: m.Confidence})
	}
	s := &f.Series[i]
	s.X = append(s.X, x)
	s.Y = append(s.Y, m.Center)
	s.Lo = append(s.Lo, m.Lo)
	s.Hi = append(s.Hi, m.Hi)
	// What a series claims must hold at each of its points.
	s.N = min(s.N, m.N)
	if m.HasInterval() {
		s.Confidence = min(s.Confidence, m.Confidence)
	}
}

func (s *Series) sortByX() {
	order := make([]int, len(s.X))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case s.X[a] < s.X[b]:
			return -1
		case s.X[a] > s.X[b]:
			return 1
		}
		return 0
	})
	permute := func(v []float64) []float64 {
		out := make([]float64, len(v))
		for i, from := range order {
			out[i] = v[from]
		}
		return out
	}
	s.X, s.Y, s.Lo, s.Hi = permute(s.X), permute(s.Y), permute(s.Lo), permute(s.Hi)
}

// figureID turns a metric's name into letters, digits and dashes.
func figureID(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// lastSegment is the part of a path that tells swept parameters apart on a
// crowded legend.
func lastSegment(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
