package attack

import (
	"fmt"
	"math"
)

// minTraining is the smallest number of usable training trials of each arm.
const minTraining = 10

// ratioModel is a log likelihood ratio learned from training vectors: for each
// arm a density estimate with Gaussian kernels on standardised coordinates, mixed
// with one wide Gaussian that decides where no training trial is near. The
// orientation is that of the labels, so a score cannot be turned around by the
// test trials.
//
// The width of the kernels is Scott's n^(−1/(d+4)) times a factor that is chosen
// by the leave-one-out likelihood of the training trials.
//
// Scott (1992), Multivariate Density Estimation, section 6.3; Habbema, Hermans,
// van den Broek (1974), COMPSTAT, for the choice of the width.
type ratioModel struct {
	mean, scale   []float64 // standardisation, the same for both arms
	single, multi kernelDensity
}

type kernelDensity struct {
	points [][]float64
	width  float64
	mean   []float64 // of the wide Gaussian
	spread []float64
}

// wideShare is the weight of the wide Gaussian.
const wideShare = 0.02

// widthFactors are tried in this order; the first one of the best ones wins.
var widthFactors = [...]float64{1, 0.7, 1.4, 0.5, 2}

// fitRatio learns from the vectors of the samples; samples without a vector say
// nothing and are left out.
func fitRatio(training []Sample) (*ratioModel, error) {
	var arms [2][][]float64
	var all [][]float64
	for i := range training {
		v := training[i].Features.Vector
		if v == nil {
			continue
		}
		arm := 0
		if training[i].Multi {
			arm = 1
		}
		arms[arm] = append(arms[arm], v)
		all = append(all, v)
	}
	if n := min(len(arms[0]), len(arms[1])); n < minTraining {
		return nil, fmt.Errorf("%w: %d usable training trials of one arm, %d are needed; run more or longer trials", ErrTraining, n, minTraining)
	}
	m := &ratioModel{}
	m.mean, m.scale = moments(all)
	for i := range arms {
		points := make([][]float64, len(arms[i]))
		for j, v := range arms[i] {
			points[j] = m.standardise(v, make([]float64, len(v)))
		}
		d := fitDensity(points)
		if i == 0 {
			m.single = d
		} else {
			m.multi = d
		}
	}
	return m, nil
}

// moments returns mean and standard deviation of each coordinate; a coordinate
// without spread gets 1.
func moments(points [][]float64) (mean, sd []float64) {
	d := len(points[0])
	mean, sd = make([]float64, d), make([]float64, d)
	for j := range d {
		for _, p := range points {
			mean[j] += p[j] / float64(len(points))
		}
		for _, p := range points {
			sd[j] += (p[j] - mean[j]) * (p[j] - mean[j]) / float64(len(points)-1)
		}
		if sd[j] = math.Sqrt(sd[j]); !(sd[j] > 1e-9) {
			sd[j] = 1
		}
	}
	return mean, sd
}

func (m *ratioModel) standardise(v, dst []float64) []float64 {
	for j := range v {
		dst[j] = (v[j] - m.mean[j]) / m.scale[j]
	}
	return dst
}

// score returns log p(v | several routers) − log p(v | one router).
func (m *ratioModel) score(v []float64) float64 {
	x := m.standardise(v, make([]float64, len(v)))
	return m.multi.logDensity(x, -1) - m.single.logDensity(x, -1)
}

func fitDensity(points [][]float64) kernelDensity {
	d := kernelDensity{points: points}
	d.mean, d.spread = moments(points)
	for j := range d.spread {
		d.spread[j] *= 3
	}
	// Kernels are as wide as the arm is, not as both arms together are, but not
	// narrower than a tenth of it: a coordinate may be constant in one arm.
	base := math.Pow(float64(len(points)), -1/(float64(len(points[0]))+4))
	spread := 0.0
	for _, s := range d.spread {
		spread += s / 3 / float64(len(d.spread))
	}
	base *= math.Max(spread, 0.1)
	best := math.Inf(-1)
	chosen := base
	for _, factor := range widthFactors {
		d.width = base * factor
		sum := 0.0
		for i, p := range points {
			sum += d.logDensity(p, i)
		}
		if sum > best+1e-9 {
			best, chosen = sum, d.width
		}
	}
	d.width = chosen
	return d
}

// logDensity returns the log density at x, without the point number skip.
func (d *kernelDensity) logDensity(x []float64, skip int) float64 {
	dim := float64(len(x))
	n := len(d.points)
	if skip >= 0 {
		n--
	}
	wide := math.Log(wideShare)
	for j := range x {
		z := (x[j] - d.mean[j]) / d.spread[j]
		wide -= z*z/2 + math.Log(d.spread[j])
	}
	top := wide
	kernel := math.Log((1-wideShare)/float64(n)) - dim*math.Log(d.width)
	exponent := func(p []float64) float64 {
		sum := 0.0
		for j := range x {
			z := (x[j] - p[j]) / d.width
			sum += z * z
		}
		return kernel - sum/2
	}
	for i, p := range d.points {
		if i != skip {
			top = math.Max(top, exponent(p))
		}
	}
	sum := math.Exp(wide - top)
	for i, p := range d.points {
		if i != skip {
			sum += math.Exp(exponent(p) - top)
		}
	}
	return top + math.Log(sum) - dim/2*math.Log(2*math.Pi)
}
