package reports

import (
	"math"
	"strconv"

	"multihome.i2p/analysis/result"
)

// undefined is what a reader sees in place of a number that does not exist.
const undefined = "undefined"

// A numberFormat shows the numbers of one row: all with the same number of
// decimals and the same prefix, so that they can be compared at a glance.
type numberFormat struct {
	decimals   int
	scale      float64
	prefix     string
	scientific bool
}

// formatFor chooses the format of a row of metrics. The narrowest interval
// decides the decimals: its half-width shows two significant digits, since
// further digits of the estimate would be noise. Without intervals the largest
// number shows four.
func formatFor(row []result.Metric) numberFormat {
	var largest float64
	half := math.Inf(1)
	whole := true
	for _, m := range row {
		for _, v := range []float64{m.Center, m.Lo, m.Hi} {
			if finite(v) {
				largest = max(largest, math.Abs(v))
				whole = whole && v == math.Trunc(v)
			}
		}
		if m.Expected != nil {
			largest = max(largest, math.Abs(*m.Expected))
			whole = whole && *m.Expected == math.Trunc(*m.Expected)
		}
		if m.HasInterval() && m.Hi > m.Lo {
			half = min(half, (m.Hi-m.Lo)/2)
		}
	}
	f := numberFormat{scale: 1}
	switch {
	case largest == 0:
		return f
	case largest < 1e-4:
		f.scientific, f.decimals = true, 2
		return f
	case largest >= 1e13:
		f.scientific, f.decimals = true, 3
		return f
	case largest >= 1e10:
		f.scale, f.prefix = 1e9, "G"
	case largest >= 1e7:
		f.scale, f.prefix = 1e6, "M"
	case largest >= 1e4:
		f.scale, f.prefix = 1e3, "k"
	}
	digitsOfLargest := int(math.Floor(math.Log10(largest / f.scale)))
	switch {
	case !math.IsInf(half, 1):
		f.decimals = 1 - int(math.Floor(math.Log10(half/f.scale)))
	case whole && f.scale == 1:
		f.decimals = 0
	default:
		f.decimals = 3 - digitsOfLargest
	}
	// Six significant digits are more than any table needs, even where an
	// interval is that narrow.
	f.decimals = min(max(f.decimals, 0), max(5-digitsOfLargest, 0))
	return f
}

// number shows v, rounded to nearest.
func (f numberFormat) number(v float64) string { return f.rounded(v, math.RoundToEven) }

// rounded shows v; round maps a number with decimals to a whole one.
func (f numberFormat) rounded(v float64, round func(float64) float64) string {
	if !finite(v) {
		return undefined
	}
	if f.scientific {
		return strconv.FormatFloat(v, 'e', f.decimals, 64)
	}
	power := math.Pow10(f.decimals)
	scaled := v / f.scale * power
	// 0.57*100 is a little below 57: what is a whole number but for the
	// arithmetic's last bit must not be rounded away from itself.
	if nearest := math.Round(scaled); math.Abs(scaled-nearest) <= 1e-9*math.Abs(scaled) {
		scaled = nearest
	} else {
		scaled = round(scaled)
	}
	return strconv.FormatFloat(scaled/power+0, 'f', f.decimals, 64) + f.prefix
}

// interval shows m's interval in brackets, rounded outwards; it is empty where
// there is none, and for a metric that was counted, not estimated.
func (f numberFormat) interval(m result.Metric) string {
	if !finite(m.Lo) && !finite(m.Hi) {
		return ""
	}
	if m.Lo == m.Hi && m.Lo == m.Center {
		return ""
	}
	return "[" + f.rounded(m.Lo, math.Floor) + ", " + f.rounded(m.Hi, math.Ceil) + "]"
}

// single shows a number that stands alone, such as in a figure's data table.
func single(v float64) string {
	if !finite(v) {
		return undefined
	}
	return strconv.FormatFloat(v, 'g', 5, 64)
}

// unitText is a unit as a table shows it: nothing for a pure number.
func unitText(unit string) string {
	if unit == "1" {
		return ""
	}
	return unit
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
