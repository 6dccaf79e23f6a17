package reports

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis/result"
)

// A Column is one cell under the name a table gives it.
type Column struct {
	Label string
	Cell  *result.Cell
}

// A section is a group of rows about the same thing: the world, the attacks,
// or one adversary at one horizon.
type section struct {
	title string // empty for the world
	rows  []row
}

// A row is one metric over all columns, already as text.
type row struct {
	name     string // without what the section's title says
	full     string // the metric's name in the files
	text     string // one line of explanation, or empty
	values   []cellText
	expected string
	unit     string
	n        string
}

// cellText is a value and its interval; interval may be empty. Both are empty
// where the column does not have the metric.
type cellText struct{ value, interval string }

// sections arranges the metrics of the columns as a report lists them.
func sections(columns []Column) []section {
	var names []string
	for _, col := range columns {
		for name := range col.Cell.Metrics() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, result.CompareNames)
	var out []section
	for _, name := range names {
		title, short := "", name
		if a, ok := result.ParseAttackMetric(name); ok {
			title = "attacks, full duration"
			if a.Adversary != "" {
				title = fmt.Sprintf("adversary %s, %s", a.Adversary, a.Horizon)
			}
			short = a.Attack + "." + a.Measure
		}
		if len(out) == 0 || out[len(out)-1].title != title {
			out = append(out, section{title: title})
		}
		s := &out[len(out)-1]
		s.rows = append(s.rows, newRow(name, short, columns))
	}
	return out
}

func newRow(name, short string, columns []Column) row {
	r := row{name: short, full: name, values: make([]cellText, len(columns))}
	if d, ok := result.Describe(name); ok {
		r.text = d.Text
	}
	var present []result.Metric
	for _, col := range columns {
		if m, ok := col.Cell.Metric(name); ok {
			present = append(present, m)
		}
	}
	f := formatFor(present)
	var ns, expected []string
	for i, col := range columns {
		m, ok := col.Cell.Metric(name)
		if !ok {
			continue
		}
		r.values[i] = cellText{f.number(m.Center), f.interval(m)}
		r.unit = unitText(m.Unit)
		if n := strconv.Itoa(m.N); !slices.Contains(ns, n) {
			ns = append(ns, n)
		}
		if m.Expected != nil {
			if e := f.number(*m.Expected); !slices.Contains(expected, e) {
				expected = append(expected, e)
			}
		}
	}
	r.n = strings.Join(ns, "/")
	r.expected = strings.Join(expected, "/")
	return r
}

// shared returns what all rows have under get, and whether they agree.
func shared(sections []section, get func(row) string) (string, bool) {
	value, first := "", true
	for _, s := range sections {
		for _, r := range s.rows {
			if first {
				value, first = get(r), false
			} else if get(r) != value {
				return "", false
			}
		}
	}
	return value, !first
}

// intervalNote says what the brackets hold: the lowest level among the
// metrics, since each states the level it really has.
func intervalNote(columns []Column) string {
	level := math.Inf(1)
	for _, col := range columns {
		for _, m := range col.Cell.Metrics() {
			if m.HasInterval() && m.Hi > m.Lo {
				level = min(level, m.Confidence)
			}
		}
	}
	if math.IsInf(level, 1) {
		return ""
	}
	return "[ ] holds an interval of at least " + percent(level) + " confidence"
}

// percent shows a confidence level, rounded down: a level is a promise.
func percent(level float64) string {
	v := math.Floor(level*1000+1e-6) / 10
	return strconv.FormatFloat(v, 'f', -1, 64) + "%"
}

// pointColumns are the columns of one grid point.
func pointColumns(p result.Point) []Column {
	var cols []Column
	if p.Policy != nil {
		cols = append(cols, Column{string(result.Policy), p.Policy})
	}
	if p.Reference != nil {
		cols = append(cols, Column{string(result.Reference), p.Reference})
	}
	return cols
}

// pointTitle names a grid point by what varies between points.
func pointTitle(p result.Point, varying []string) string {
	c := p.Policy
	if c == nil {
		c = p.Reference
	}
	var parts []string
	for _, path := range varying {
		if v, ok := c.Param(path); ok {
			parts = append(parts, path+" = "+v.String())
		}
	}
	return strings.Join(parts, ", ")
}
