package result

import (
	"fmt"
	"math"
	"strings"
)

// A Metric is one estimate with its interval.
type Metric struct {
	// Center is the estimate; NaN when it is undefined.
	Center float64
	// Lo and Hi bound the interval around Center; NaN when there is none.
	Lo, Hi float64
	// Confidence is the level that Lo..Hi actually has, at least the one asked
	// for; 0 when there is no interval.
	Confidence float64
	// N is the number of independent observations behind Center.
	N int
	// Unit is the unit of Center, Lo and Hi: "routers", "share", "1/s"; "1" for
	// a pure number.
	Unit string
	// Expected is the value that a published figure or a theorem predicts, nil
	// when nothing does.
	Expected *float64
}

// Exact is a metric that was counted or configured, not estimated: its
// interval is the value itself.
func Exact(value float64, n int, unit string) Metric {
	return Metric{Center: value, Lo: value, Hi: value, Confidence: 1, N: n, Unit: unit}
}

// Undefined is a metric that could not be computed from n observations.
func Undefined(n int, unit string) Metric {
	nan := math.NaN()
	return Metric{Center: nan, Lo: nan, Hi: nan, N: n, Unit: unit}
}

// Defined reports whether m has an estimate.
func (m Metric) Defined() bool { return finite(m.Center) }

// HasInterval reports whether m has both ends of an interval.
func (m Metric) HasInterval() bool { return finite(m.Lo) && finite(m.Hi) }

// undefinedParts names the numbers of m that JSON cannot hold.
func (m Metric) undefinedParts() string {
	var parts []string
	for _, p := range []struct {
		name  string
		value float64
	}{{"center", m.Center}, {"lo", m.Lo}, {"hi", m.Hi}} {
		if !finite(p.value) {
			parts = append(parts, p.name)
		}
	}
	return strings.Join(parts, ", ")
}

// normal maps what has no place in a file to what has: infinities to NaN and
// negative zero to zero, so that a value equals its own reading back.
func (m Metric) normal() Metric {
	m.Center, m.Lo, m.Hi = normalFloat(m.Center), normalFloat(m.Lo), normalFloat(m.Hi)
	m.Confidence = normalFloat(m.Confidence)
	if m.Expected != nil {
		e := normalFloat(*m.Expected)
		m.Expected = &e
	}
	return m
}

// validate reports what makes m meaningless.
func (m Metric) validate() error {
	switch {
	case m.HasInterval() && m.Lo > m.Hi:
		return fmt.Errorf("interval runs backwards: lo %v is above hi %v", m.Lo, m.Hi)
	case !(m.Confidence >= 0 && m.Confidence <= 1):
		return fmt.Errorf("confidence %v is not within 0 and 1", m.Confidence)
	case m.N < 0:
		return fmt.Errorf("n %d is negative", m.N)
	case m.Unit == "":
		return fmt.Errorf(`unit is empty; write "1" for a pure number`)
	case m.Expected != nil && !finite(*m.Expected):
		return fmt.Errorf("expected is %v; leave it out when nothing is expected", *m.Expected)
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func normalFloat(f float64) float64 {
	if !finite(f) {
		return math.NaN()
	}
	return f + 0 // -0 + 0 is +0
}

// undefined is the one NaN this package writes.
var undefined = math.NaN()
