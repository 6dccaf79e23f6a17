package learn

import (
	"math"
	"slices"
	"sort"
)

// MixtureOptions are the options of [FitMixture]. The zero value is a good choice.
type MixtureOptions struct {
	// MaxComponents is the largest number of components tried; 0 means 8. Numbers
	// for which there are fewer than 3 points a component are not tried.
	MaxComponents int
	// MinSpread is the least standard deviation of a component, as a part of the
	// standard deviation of all points in that coordinate; 0 means 0.01. Without it
	// a component that shrinks onto equal points has no largest likelihood.
	MinSpread float64

	stopEarly bool // at the first number of components with a worse BIC
}

// A Mixture is a mixture of Gaussians whose coordinates are independent within a
// component. Components are in ascending order of their means' first coordinate
// that differs.
type Mixture struct {
	weights   []float64
	means     [][]float64
	variances [][]float64
	logLik    float64
	entropy   float64 // of the assignment of points to components
}

// A MixtureFit holds the mixtures of 1, 2, … components.
type MixtureFit struct {
	Mixtures []*Mixture
	BIC, ICL []float64 // of each; the smallest is the best
}

// ByBIC returns the mixture with the best BIC. It is the one for a density: it
// takes as many components as the density's form needs.
func (f *MixtureFit) ByBIC() *Mixture { return f.Mixtures[smallest(f.BIC)] }

// ByICL returns the mixture with the best ICL. It is the one for a number of
// groups: components that overlap count as one.
func (f *MixtureFit) ByICL() *Mixture { return f.Mixtures[smallest(f.ICL)] }

func smallest(xs []float64) int {
	best := 0
	for i, x := range xs {
		if x < xs[best] {
			best = i
		}
	}
	return best
}

// FitMixture fits mixtures by the EM algorithm and judges their numbers of
// components,
//
//	BIC = −2 log L + q log n,   ICL = BIC + 2 H
//
// with q free parameters and the entropy H of the points' assignment. Each number
// of components is started from quantiles along the coordinate of largest spread,
// from points far from each other, and from the mixture with one component less by
// splitting each of its components; the likeliest wins. Nothing is random.
//
// A point with a coordinate that is no number is an error.
//
// Dempster, Laird, Rubin (1977), JRSS B 39:1; Schwarz (1978), Ann. Stat. 6:461;
// Biernacki, Celeux, Govaert (2000), IEEE Trans. Pattern Anal. 22:719, for ICL.
func FitMixture(points [][]float64, opt MixtureOptions) (*MixtureFit, error) {
	d, err := checkRows(points, len(points))
	if err != nil {
		return nil, err
	}
	data := make([][]float64, len(points))
	for i, p := range points {
		data[i] = make([]float64, d)
		for j, x := range p {
			if math.IsNaN(x) {
				return nil, failed("coordinate %d of point %d is no number", j, i)
			}
			data[i][j] = bounded(x)
		}
	}
	limit := opt.MaxComponents
	if limit <= 0 {
		limit = 8
	}
	if len(points) < 3 {
		return nil, failed("%d points, 3 are needed", len(points))
	}
	spread := opt.MinSpread
	if !(spread > 0 && spread < 1) {
		spread = 0.01
	}
	e := newExpectation(data, spread)
	fit := &MixtureFit{}
	for g := 1; g <= min(limit, len(points)/3); g++ {
		var last *Mixture
		if g > 1 {
			last = fit.Mixtures[g-2]
		}
		var best *Mixture
		for _, start := range e.starts(g, last) {
			// Most starts lead to the same end, so only the one that is ahead after
			// some steps goes all the way.
			e.climb(start, 20)
			if best == nil || start.logLik > best.logLik+1e-9*math.Abs(best.logLik) {
				best = start
			}
		}
		e.climb(best, 300)
		e.finish(best)
		best.sort()
		q := float64(g - 1 + 2*g*d)
		bic := -2*best.logLik + q*math.Log(float64(len(points)))
		fit.Mixtures = append(fit.Mixtures, best)
		fit.BIC = append(fit.BIC, bic)
		fit.ICL = append(fit.ICL, bic+2*best.entropy)
		if opt.stopEarly && g > 1 && bic > fit.BIC[g-2] {
			break
		}
	}
	return fit, nil
}

// expectation runs EM on points standardised by coordinate, so that neither
// floors nor distances depend on units.
type expectation struct {
	data        [][]float64
	middle, sd  []float64
	floor       float64
	shares      [][]float64 // of each point in each component
	widest      int
	jacobianLog float64
}

func newExpectation(data [][]float64, minSpread float64) *expectation {
	d := len(data[0])
	e := &expectation{middle: make([]float64, d), sd: make([]float64, d), floor: minSpread * minSpread}
	column := make([]float64, len(data))
	e.data = make([][]float64, len(data))
	for i := range data {
		e.data[i] = make([]float64, d)
	}
	for j := range d {
		for i, p := range data {
			column[i] = p[j]
		}
		if e.middle[j], e.sd[j] = meanSD(column); !(e.sd[j] > 1e-12*math.Abs(e.middle[j]) && e.sd[j] > 1e-200) {
			// All equal: any width will do, and the same for every number of components.
			e.sd[j] = math.Max(math.Abs(e.middle[j]), 1)
		}
		if e.sd[j] > e.sd[e.widest] {
			e.widest = j
		}
		for i, p := range data {
			e.data[i][j] = (p[j] - e.middle[j]) / e.sd[j]
		}
		e.jacobianLog += math.Log(e.sd[j])
	}
	return e
}

func (e *expectation) starts(g int, last *Mixture) []*Mixture {
	n := len(e.data)
	label := make([]int, n)
	if g == 1 {
		return []*Mixture{e.fromLabels(label, 1)}
	}
	order := everyRow(n)
	sort.SliceStable(order, func(a, b int) bool { return e.data[order[a]][e.widest] < e.data[order[b]][e.widest] })
	for r, i := range order {
		label[i] = r * g / n
	}
	starts := []*Mixture{e.fromLabels(label, g)}

	// Points far apart, the first one being the farthest from the middle.
	centres := make([][]float64, 0, g)
	near := make([]float64, n)
	for i, p := range e.data {
		near[i] = squaredDistance(p, make([]float64, len(p)))
	}
	for c := range g {
		far := 0
		for i := range near {
			if near[i] > near[far] {
				far = i
			}
		}
		centres = append(centres, e.data[far])
		for i, p := range e.data {
			if dist := squaredDistance(p, centres[c]); c == 0 || dist < near[i] {
				near[i] = dist
				label[i] = c
			}
		}
	}
	starts = append(starts, e.fromLabels(label, g))

	// The mixture before with each component cut in two along its widest
	// coordinate.
	std := e.standardised(last)
	for c := range std.weights {
		s := std.clone()
		j := 0
		for k, v := range s.variances[c] {
			if v > s.variances[c][j] {
				j = k
			}
		}
		s.weights[c] /= 2
		s.weights = append(s.weights, s.weights[c])
		s.means = append(s.means, slices.Clone(s.means[c]))
		s.variances = append(s.variances, slices.Clone(s.variances[c]))
		sd := math.Sqrt(s.variances[c][j])
		s.means[c][j] -= sd
		s.means[g-1][j] += sd
		s.variances[c][j] = math.Max(s.variances[c][j]/2, e.floor)
		s.variances[g-1][j] = s.variances[c][j]
		starts = append(starts, s)
	}
	return starts
}

func squaredDistance(a, b []float64) float64 {
	sum := 0.0
	for j := range a {
		sum += (a[j] - b[j]) * (a[j] - b[j])
	}
	return sum
}

func (e *expectation) fromLabels(label []int, g int) *Mixture {
	e.resize(g)
	for i, l := range label {
		clear(e.shares[i])
		e.shares[i][l] = 1
	}
	m := newMixture(g, len(e.middle))
	e.maximise(m)
	return m
}

func (e *expectation) resize(g int) {
	if len(e.shares) == len(e.data) && len(e.shares[0]) == g {
		return
	}
	e.shares = make([][]float64, len(e.data))
	for i := range e.shares {
		e.shares[i] = make([]float64, g)
	}
}

func newMixture(g, d int) *Mixture {
	m := &Mixture{weights: make([]float64, g), means: make([][]float64, g), variances: make([][]float64, g)}
	for c := range g {
		m.means[c], m.variances[c] = make([]float64, d), make([]float64, d)
	}
	return m
}

func (m *Mixture) clone() *Mixture {
	c := Mixture{weights: slices.Clone(m.weights)}
	for i := range m.means {
		c.means = append(c.means, slices.Clone(m.means[i]))
		c.variances = append(c.variances, slices.Clone(m.variances[i]))
	}
	return &c
}

// climb runs up to limit steps of EM, in place.
func (e *expectation) climb(m *Mixture, limit int) {
	e.resize(len(m.weights))
	m.logLik = e.expect(m)
	for range limit {
		last := m.logLik
		e.maximise(m)
		if m.logLik = e.expect(m); m.logLik-last <= 1e-7*float64(len(e.data)) {
			return
		}
	}
}

// finish sets what is known at the end, in the units of the points.
func (e *expectation) finish(m *Mixture) {
	m.logLik = e.expect(m) - float64(len(e.data))*e.jacobianLog
	for _, s := range e.shares {
		for _, p := range s {
			if p > 0 {
				m.entropy -= p * math.Log(p)
			}
		}
	}
	for c := range m.weights {
		for j := range e.middle {
			m.means[c][j] = e.middle[j] + e.sd[j]*m.means[c][j]
			m.variances[c][j] *= e.sd[j] * e.sd[j]
		}
	}
}

func (e *expectation) standardised(m *Mixture) *Mixture {
	s := m.clone()
	for c := range s.weights {
		for j := range e.middle {
			s.means[c][j] = (s.means[c][j] - e.middle[j]) / e.sd[j]
			s.variances[c][j] = math.Max(s.variances[c][j]/e.sd[j]/e.sd[j], e.floor)
		}
	}
	return s
}

// expect sets the shares and returns the log likelihood.
func (e *expectation) expect(m *Mixture) float64 {
	sum := 0.0
	d := len(e.middle)
	consts, inverse := make([]float64, len(m.weights)), make([]float64, len(m.weights)*d)
	for c := range consts {
		consts[c] = m.logConst(c)
		for j, v := range m.variances[c] {
			inverse[c*d+j] = 1 / v
		}
	}
	for i, p := range e.data {
		shares := e.shares[i]
		for c, l := range consts {
			square := 0.0
			mean, inv := m.means[c], inverse[c*d:]
			for j, x := range p {
				dist := x - mean[j]
				square += dist * dist * inv[j]
			}
			shares[c] = l - math.Min(square/2, hugeValue)
		}
		sum += normaliseLog(shares)
	}
	return sum
}

// maximise sets the mixture from the shares. A component that lost its points
// keeps a vanishing weight, and its place.
func (e *expectation) maximise(m *Mixture) {
	n := float64(len(e.data))
	for c := range m.weights {
		total := 0.0
		for _, s := range e.shares {
			total += s[c]
		}
		m.weights[c] = math.Max(total/n, 1e-12)
		if total < 1e-9 {
			continue
		}
		mean, variance := m.means[c], m.variances[c]
		clear(mean)
		clear(variance)
		for i, p := range e.data {
			if s := e.shares[i][c] / total; s > 0 {
				for j, x := range p {
					mean[j] += s * x
				}
			}
		}
		for i, p := range e.data {
			if s := e.shares[i][c] / total; s > 0 {
				for j, x := range p {
					variance[j] += s * (x - mean[j]) * (x - mean[j])
				}
			}
		}
		for j := range variance {
			variance[j] = math.Max(variance[j], e.floor)
		}
	}
	for c := range m.variances { // a component that never had points
		for j, v := range m.variances[c] {
			if v == 0 {
				m.variances[c][j] = 1
			}
		}
	}
}

func (m *Mixture) logConst(c int) float64 {
	sum := math.Log(m.weights[c])
	for _, v := range m.variances[c] {
		sum -= (math.Log(v) + log2Pi) / 2
	}
	return sum
}

var log2Pi = math.Log(2 * math.Pi)

func (m *Mixture) exponent(c int, p []float64) float64 {
	sum := 0.0
	for j, x := range p {
		d := x - m.means[c][j]
		sum += d * d / m.variances[c][j]
	}
	return math.Min(sum/2, hugeValue)
}

func (m *Mixture) sort() {
	order := everyRow(len(m.weights))
	sort.SliceStable(order, func(a, b int) bool { return slices.Compare(m.means[order[a]], m.means[order[b]]) < 0 })
	m.weights, m.means, m.variances = pick(m.weights, order), pick(m.means, order), pick(m.variances, order)
}

// Components returns the number of components.
func (m *Mixture) Components() int { return len(m.weights) }

// Component returns weight, means and variances of a component.
func (m *Mixture) Component(c int) (weight float64, mean, variance []float64) {
	return m.weights[c], slices.Clone(m.means[c]), slices.Clone(m.variances[c])
}

// LogLikelihood returns the log likelihood of the training points.
func (m *Mixture) LogLikelihood() float64 { return m.logLik }

// LogDensity returns the log density at a point: finite, 0 for a point of another
// dimension or with a coordinate that is no number.
func (m *Mixture) LogDensity(point []float64) float64 {
	logs, ok := m.logs(point)
	if !ok {
		return 0
	}
	return normaliseLog(logs)
}

// Shares returns the probabilities with which a point belongs to the components;
// their weights for a point of another dimension or with a coordinate that is no
// number.
func (m *Mixture) Shares(point []float64) []float64 {
	logs, ok := m.logs(point)
	if !ok {
		return slices.Clone(m.weights)
	}
	normaliseLog(logs)
	return logs
}

func (m *Mixture) logs(point []float64) ([]float64, bool) {
	if len(point) != len(m.means[0]) {
		return nil, false
	}
	p := make([]float64, len(point))
	for j, x := range point {
		if math.IsNaN(x) {
			return nil, false
		}
		p[j] = bounded(x)
	}
	logs := make([]float64, len(m.weights))
	for c := range logs {
		logs[c] = m.logConst(c) - m.exponent(c, p)
	}
	return logs, true
}
