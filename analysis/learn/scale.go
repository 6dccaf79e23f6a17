package learn

import (
	"math"
	"sort"
)

// Centering says where the middle of a feature is, and how wide it is.
type Centering int

// Ways to find the middle and the width.
const (
	Robust  Centering = iota // median and median absolute deviation
	Moments                  // mean and standard deviation
)

// Tails says what happens to values far from the middle.
type Tails int

// Ways to treat tails.
const (
	SignedLog Tails = iota // linear up to 3 deviations, logarithmic beyond
	Winsorise              // cut at 5 deviations
	KeepTails              // as they are, for features known to be tame
)

const (
	linearUpTo = 3
	cutAt      = 5
	// hugeValue stands for everything beyond it, so that sums and ratios of
	// values stay finite.
	hugeValue = 1e100
	// minIndicator is the smallest number of rows that a missingness indicator
	// must set apart; fewer are accidents that a learner would blow up.
	minIndicator = 3
)

// ScaleOptions say how features are standardised. The zero value is the robust
// way for heavy tails.
type ScaleOptions struct {
	Centering Centering
	Tails     Tails
}

// A ScaledColumn says what a coordinate of a standardised row is made from.
type ScaledColumn struct {
	Feature int  // index into the row
	Missing bool // the coordinate tells whether the feature is missing
}

// A Scaler standardises rows. Its steps, all fitted on the training rows:
//
//  1. A missing value becomes the feature's median.
//  2. The middle is subtracted and the deviation divided out: the median absolute
//     deviation, 1.4826 times, so that it is the standard deviation of normal
//     values. Where more than half of the values are equal it is 0, and the mean
//     absolute deviation takes its place.
//  3. Tails are squashed.
//  4. Mean and standard deviation are brought to 0 and 1, since a penalty on
//     weights, or a distance, treats coordinates alike that have the same spread.
//
// Features that are constant, up to rounding, are dropped. A feature that is
// missing in some rows gets a second coordinate that says so; features that are
// always missing together share the first one's.
//
// Huber, Ronchetti (2009), Robust Statistics, 2nd ed., section 5.1, for the
// deviation; Little, Rubin (2019), Statistical Analysis with Missing Data, 3rd
// ed., section 4.2, for what the imputed values of step 1 are worth: prediction
// only, not inference on weights.
type Scaler struct {
	features int
	tails    Tails
	columns  []scaledColumn
}

type scaledColumn struct {
	ScaledColumn
	impute        float64
	middle, width float64 // before the tails are squashed
	mean, sd      float64 // after
}

// FitScaler learns from training rows. It fails if no feature varies.
func FitScaler(rows [][]float64, opt ScaleOptions) (*Scaler, error) {
	d, err := checkRows(rows, len(rows))
	if err != nil {
		return nil, err
	}
	s := &Scaler{features: d, tails: opt.Tails}
	patterns := make(map[string]bool)
	values := make([]float64, 0, len(rows))
	gaps := make([]byte, len(rows))
	column := make([]float64, len(rows))
	for j := range d {
		values = values[:0]
		for i, row := range rows {
			gaps[i] = 0
			if math.IsNaN(row[j]) {
				gaps[i] = 1
			} else {
				values = append(values, bounded(row[j]))
			}
		}
		if c, ok := fitColumn(values, opt.Centering); ok {
			c.Feature = j
			for i, row := range rows {
				column[i] = c.squash(row[j], opt.Tails)
			}
			if c.mean, c.sd = meanSD(column); c.sd > 1e-9 {
				s.columns = append(s.columns, c)
			}
		}
		missing := len(rows) - len(values)
		if min(missing, len(values)) < minIndicator || patterns[string(gaps)] {
			continue
		}
		patterns[string(gaps)] = true
		for i := range gaps {
			column[i] = float64(gaps[i])
		}
		c := scaledColumn{ScaledColumn: ScaledColumn{Feature: j, Missing: true}}
		c.mean, c.sd = meanSD(column)
		s.columns = append(s.columns, c)
	}
	if len(s.columns) == 0 {
		return nil, failed("none of %d features varies", d)
	}
	return s, nil
}

// fitColumn finds middle and width of a feature's values, which it sorts.
func fitColumn(values []float64, centering Centering) (scaledColumn, bool) {
	var c scaledColumn
	if len(values) == 0 {
		return c, false
	}
	sort.Float64s(values)
	least, most := values[0], values[len(values)-1]
	if most-least <= 1e-12*math.Max(math.Abs(least), math.Abs(most)) {
		return c, false
	}
	c.impute = median(values)
	if centering == Moments {
		c.middle, c.width = meanSD(values)
	} else {
		deviations := make([]float64, len(values))
		sum := 0.0
		for i, v := range values {
			deviations[i] = math.Abs(v - c.impute)
			sum += deviations[i] / float64(len(values))
		}
		sort.Float64s(deviations)
		c.middle = c.impute
		// The factors make both the standard deviation of normal values.
		if c.width = 1.4826 * median(deviations); c.width <= 1e-9*(most-least) {
			c.width = 1.2533 * sum
		}
	}
	return c, c.width > 1e-200
}

func (c *scaledColumn) squash(x float64, tails Tails) float64 {
	if math.IsNaN(x) {
		x = c.impute
	}
	z := bounded((bounded(x) - c.middle) / c.width)
	switch tails {
	case SignedLog:
		if far := math.Abs(z) - linearUpTo; far > 0 {
			z = math.Copysign(linearUpTo+math.Log1p(far), z)
		}
	case Winsorise:
		z = math.Min(math.Max(z, -cutAt), cutAt)
	}
	return z
}

// Columns returns what the coordinates of a standardised row are made from.
func (s *Scaler) Columns() []ScaledColumn {
	columns := make([]ScaledColumn, len(s.columns))
	for i := range s.columns {
		columns[i] = s.columns[i].ScaledColumn
	}
	return columns
}

// Apply returns the row standardised, a coordinate for each of Columns: finite,
// whatever the row holds. A row of another length becomes one of zeros, the
// average row.
func (s *Scaler) Apply(row []float64) []float64 {
	dst := make([]float64, len(s.columns))
	s.apply(row, dst)
	return dst
}

// apply reports whether the row has the right length.
func (s *Scaler) apply(row, dst []float64) bool {
	if len(row) != s.features {
		return false
	}
	for i := range s.columns {
		c := &s.columns[i]
		x := row[c.Feature]
		if c.Missing {
			gap := 0.0
			if math.IsNaN(x) {
				gap = 1
			}
			dst[i] = (gap - c.mean) / c.sd
			continue
		}
		dst[i] = bounded((c.squash(x, s.tails) - c.mean) / c.sd)
	}
	return true
}

// applyAll standardises rows that are known to have the right length.
func (s *Scaler) applyAll(rows [][]float64) [][]float64 {
	flat := make([]float64, len(rows)*len(s.columns))
	scaled := make([][]float64, len(rows))
	for i, row := range rows {
		scaled[i] = flat[i*len(s.columns) : (i+1)*len(s.columns) : (i+1)*len(s.columns)]
		s.apply(row, scaled[i])
	}
	return scaled
}

func bounded(x float64) float64 { return math.Min(math.Max(x, -hugeValue), hugeValue) }

func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// meanSD returns mean and standard deviation, with divisor n.
func meanSD(xs []float64) (mean, sd float64) {
	n := float64(len(xs))
	for _, x := range xs {
		mean += x / n
	}
	for _, x := range xs {
		sd += (x - mean) * (x - mean) / n
	}
	return mean, math.Sqrt(sd)
}
