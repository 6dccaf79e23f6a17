package reports

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"

	"multihome.i2p/analysis/result"
)

// ticksMax bounds the ticks of an axis, whatever its numbers are.
const ticksMax = 100

// fixedTicks are ticks that the caller has chosen.
type fixedTicks []plot.Tick

// Ticks returns the ticks, whatever the range.
func (t fixedTicks) Ticks(_, _ float64) []plot.Tick { return t }

// upTo leaves out the ticks above a value, which nothing can have.
func (t fixedTicks) upTo(highest float64) fixedTicks {
	return slices.DeleteFunc(t, func(x plot.Tick) bool { return x.Value > highest+1e-9*math.Abs(highest) })
}

// niceTicks are about n ticks at round numbers within low..high.
func niceTicks(low, high float64, n int) fixedTicks {
	step := niceStep(high-low, n)
	first := math.Ceil(low/step - 1e-9)
	var ticks fixedTicks
	for i := range ticksMax {
		v := (first + float64(i)) * step
		if v > high+1e-9*step {
			break
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: tickLabel(v, step)})
	}
	return ticks
}

// hourTicks are niceTicks where a day matters more than a ten.
func hourTicks(low, high float64, n int) fixedTicks {
	for _, step := range []float64{1, 2, 3, 6, 12, 24, 48, 96, 168} {
		if span := high - low; span > 4 && span <= float64(n)*step {
			var ticks fixedTicks
			for v := math.Ceil(low/step) * step; v <= high; v += step {
				ticks = append(ticks, plot.Tick{Value: v, Label: tickLabel(v, 1)})
			}
			return ticks
		}
	}
	return niceTicks(low, high, n)
}

// niceStep is 1, 2 or 5 times a power of ten that divides span into about n.
func niceStep(span float64, n int) float64 {
	if !(span > 0) || math.IsInf(span, 0) {
		return 1
	}
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}

// tickLabel writes v with the decimals that the step needs, and a prefix for
// thousands and more.
func tickLabel(v, step float64) string {
	largest := max(math.Abs(v), step)
	switch {
	case largest >= 1e13 || largest < 1e-6:
		return strconv.FormatFloat(v+0, 'g', 3, 64)
	case step >= 1e9:
		return tickLabel(v/1e9, step/1e9) + zeroless(v, "G")
	case step >= 1e6:
		return tickLabel(v/1e6, step/1e6) + zeroless(v, "M")
	case step >= 1e3:
		return tickLabel(v/1e3, step/1e3) + zeroless(v, "k")
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	return strconv.FormatFloat(math.Round(v/step)*step+0, 'f', decimals, 64)
}

func zeroless(v float64, prefix string) string {
	if v == 0 {
		return ""
	}
	return prefix
}

// logTicks are the powers of ten within low..high, and minor ticks between.
func logTicks(low, high float64) fixedTicks {
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	stride := max(1, math.Ceil((last-first)/10))
	var ticks fixedTicks
	for e := first; e <= last; e += stride {
		power := math.Pow(10, e)
		for m := 1.0; m < 10; m++ {
			v := m * power
			if v < low*0.999 || v > high*1.001 || (stride > 1 && m > 1) {
				continue
			}
			t := plot.Tick{Value: v}
			// Short axes would have a single label without 2 and 5.
			if m == 1 || (high/low < 50 && (m == 2 || m == 5)) {
				t.Label = strconv.FormatFloat(v, 'g', 3, 64)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// valueTicks are ticks at the data itself: a sweep over 1, 2, 4, 8 has nothing
// to say about 3. They are nil when there are too many to label.
func valueTicks(series []result.Series) fixedTicks {
	var ticks fixedTicks
	for _, s := range series {
		for _, x := range s.X {
			if !showable(x) || slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == x }) {
				continue
			}
			if len(ticks) == 8 {
				return nil
			}
			ticks = append(ticks, plot.Tick{Value: x, Label: strconv.FormatFloat(x, 'g', 4, 64)})
		}
	}
	return ticks
}
