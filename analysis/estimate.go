package analysis

import "math"

// An Estimate is a number with its interval.
type Estimate struct {
	Center float64 // the estimate; NaN if the data do not determine it
	// Lo and Hi bound the interval. NaN is an unknown bound, an infinite value an
	// interval without a bound on that side.
	Lo, Hi float64
	// Confidence is the level that the interval was made for; where the exact
	// level is known, as with order statistics, the actual one, which is then at
	// least the level asked for.
	Confidence float64
	N          int    // observations behind the estimate
	Unit       string // unit of Center, Lo and Hi; empty for a pure number
	// Warnings say what limits the estimate. They are data for the user, not
	// failures.
	Warnings []string
}

// Undefined returns an estimate of n observations whose value is unknown, with
// the reasons. Downstream its numbers become null.
func Undefined(n int, unit string, confidence float64, warnings ...string) Estimate {
	nan := math.NaN()
	return Estimate{Center: nan, Lo: nan, Hi: nan, Confidence: confidence, N: n, Unit: unit, Warnings: warnings}
}

// Defined reports whether Center is a number: neither NaN nor infinite. An
// undefined estimate has at least one warning.
func (e Estimate) Defined() bool { return finite(e.Center) }

// Bounded reports whether both ends of the interval are finite numbers.
func (e Estimate) Bounded() bool { return finite(e.Lo) && finite(e.Hi) }

// Contains reports whether x lies in the interval. An unknown bound contains
// nothing.
func (e Estimate) Contains(x float64) bool { return e.Lo <= x && x <= e.Hi }

func (e *Estimate) warn(text string) { e.Warnings = append(e.Warnings, text) }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func checkConfidence(confidence float64) {
	if !(confidence > 0 && confidence < 1) {
		panic("analysis: confidence outside (0, 1)")
	}
}

func hasNaN(xs []float64) bool {
	for _, x := range xs {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

func allEqual(xs []float64) bool {
	for _, x := range xs {
		if x != xs[0] {
			return false
		}
	}
	return true
}

func clamp(x, lo, hi float64) float64 { return math.Min(math.Max(x, lo), hi) }
