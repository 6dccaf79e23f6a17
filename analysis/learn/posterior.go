package learn

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// MaxRouters is the largest number of routers that a posterior considers: a
// LeaseSet has 16 leases.
const MaxRouters = 16

// PosteriorOptions are the options of [FitPosterior].
type PosteriorOptions struct {
	Scale ScaleOptions
	CV    CV
	// Prior is the probability of 1, 2, … routers before any evidence, up to a
	// factor; nil means that all numbers are equally likely.
	Prior     []float64
	Penalties []float64 // as in [LogisticOptions]
	// Axes are the numbers of discriminants on which densities are tried; nil means
	// 1, 2 and 3. An empty slice tries none.
	Axes []int
}

// Posterior infers the number of routers from a row, having learned from
// simulations with known numbers what rows look like: simulation-based inference,
// with the likelihood learned up to a factor, so that any prior can be put in
// front of it afterwards, whatever numbers were simulated how often.
//
// Two kinds of likelihood are tried: a [Softmax], whose probabilities for equally
// frequent classes are proportional to it; and the density of each number's rows,
// a [Mixture] on the first few linear discriminants. Both are too sure of
// themselves, having been fitted to the same rows, so both are raised to a power
// that is chosen by the cross-validated log score under the prior, and the one
// with the better score is taken.
//
// A number of routers that was not simulated has probability 0, whatever its
// prior.
//
// Cranmer, Brehmer, Louppe (2020), The frontier of simulation-based inference,
// PNAS 117:30055; Hermans, Begy, Louppe (2020), Likelihood-free MCMC with
// amortized approximate ratio estimators, ICML, for classifiers as likelihoods;
// Guo, Pleiss, Sun, Weinberger (2017), On calibration of modern neural networks,
// ICML, for the power; Gneiting, Raftery (2007), JASA 102:359, for the score.
type Posterior struct {
	features int
	routers  []int // trained numbers, ascending
	prior    []float64
	model    routerModel
	name     string
	power    float64
	scores   map[string]float64
}

// A routerModel gives the log likelihood of each trained number of routers, up to
// a constant.
type routerModel interface {
	logLikelihoods(row []float64) []float64
}

func (m *Softmax) logLikelihoods(row []float64) []float64 { return m.LogProbabilities(row) }

// FitPosterior learns from simulated rows and their numbers of routers, 1 to
// MaxRouters.
func FitPosterior(rows [][]float64, routers []int, opt PosteriorOptions) (*Posterior, error) {
	d, err := checkRows(rows, len(routers))
	if err != nil {
		return nil, err
	}
	for i, k := range routers {
		if k < 1 || k > MaxRouters {
			return nil, failed("%d routers in row %d, 1 to %d are possible", k, i, MaxRouters)
		}
	}
	class, values, err := manyClasses(routers)
	if err != nil {
		return nil, err
	}
	p := &Posterior{features: d, routers: values, scores: make(map[string]float64)}
	if p.prior, err = trainedPrior(opt.Prior, values); err != nil {
		return nil, err
	}
	fold, folds, err := opt.CV.assign(class, len(values))
	if err != nil {
		return nil, err
	}
	scaler, err := FitScaler(rows, opt.Scale)
	if err != nil {
		return nil, err
	}

	softmax, err := FitSoftmax(rows, routers, LogisticOptions{Scale: opt.Scale, CV: opt.CV, Penalties: opt.Penalties})
	if err != nil {
		return nil, err
	}
	best := p.consider("softmax", softmax.oof, class, math.Inf(-1))
	p.model = softmax

	z := scaler.applyAll(rows)
	axes := opt.Axes
	if axes == nil {
		axes = []int{1, 2, 3}
	}
	most := min(len(values)-1, len(scaler.columns))
	axes = slices.Clone(axes)
	slices.Sort(axes)
	axes = slices.Compact(axes)
	for _, a := range axes {
		if a < 1 {
			return nil, failed("densities on %d axes", a)
		}
	}
	axes = slices.DeleteFunc(axes, func(a int) bool { return a > most })
	if len(axes) == 0 {
		return p, nil
	}
	oof := make([][][]float64, len(axes)) // of each number of axes, of each row
	for a := range oof {
		oof[a] = make([][]float64, len(rows))
	}
	for f := range folds {
		train, test := split(fold, f)
		directions := discriminants(z, class, train, len(values), axes[len(axes)-1])
		for a, count := range axes {
			m := fitDiscriminant(z, class, train, len(values), directions[:min(count, len(directions))])
			for _, i := range test {
				oof[a][i] = m.logs(z[i])
			}
		}
	}
	for a, count := range axes {
		name := fmt.Sprintf("density on %d discriminants", count)
		before := p.name
		if best = p.consider(name, oof[a], class, best); p.name == before {
			continue
		}
		directions := discriminants(z, class, everyRow(len(rows)), len(values), count)
		m := fitDiscriminant(z, class, everyRow(len(rows)), len(values), directions)
		m.scaler = scaler
		p.model = m
	}
	return p, nil
}

// consider takes the model of the given name if its log score out of fold is
// better than the best so far, and returns the best.
func (p *Posterior) consider(name string, oof [][]float64, class []int, best float64) float64 {
	power, score := p.calibrate(oof, class)
	p.scores[name] = score
	if score <= best {
		return best
	}
	p.name, p.power = name, power
	return score
}

// calibrate returns the power of the likelihood with the largest mean log score
// if numbers of routers come from the prior. The score is concave in the power,
// so that golden sections find it.
func (p *Posterior) calibrate(oof [][]float64, class []int) (power, score float64) {
	count := make([]float64, len(p.routers))
	for _, c := range class {
		count[c]++
	}
	logs := make([]float64, len(p.routers))
	at := func(power float64) float64 {
		sum := 0.0
		for i, c := range class {
			if p.prior[c] == 0 {
				continue
			}
			p.combine(oof[i], power, logs)
			sum += p.prior[c] / count[c] * math.Max(logs[c], -maxLogOdds)
		}
		return sum
	}
	lo, hi := 0.02, 4.0
	ratio := (math.Sqrt(5) - 1) / 2
	a, b := hi-ratio*(hi-lo), lo+ratio*(hi-lo)
	fa, fb := at(a), at(b)
	for range 30 {
		if fa >= fb {
			hi, b, fb = b, a, fa
			a = hi - ratio*(hi-lo)
			fa = at(a)
		} else {
			lo, a, fa = a, b, fb
			b = lo + ratio*(hi-lo)
			fb = at(b)
		}
	}
	power = (lo + hi) / 2
	return power, at(power)
}

// combine sets logs to the log posterior of the trained numbers.
func (p *Posterior) combine(likelihood []float64, power float64, logs []float64) {
	for c, l := range likelihood {
		logs[c] = power*l + math.Log(p.prior[c])
	}
	subtractLogSum(logs)
}

func trainedPrior(prior []float64, trained []int) ([]float64, error) {
	if len(prior) > MaxRouters {
		return nil, failed("a prior of %d numbers of routers, %d are possible", len(prior), MaxRouters)
	}
	top := 0.0
	for k, x := range prior {
		if !(x >= 0 && x <= math.MaxFloat64) {
			return nil, failed("prior %g of %d routers", x, k+1)
		}
		top = math.Max(top, x)
	}
	p := make([]float64, len(trained))
	sum := 0.0
	for c, k := range trained {
		switch {
		case prior == nil:
			p[c] = 1
		case k <= len(prior) && top > 0:
			p[c] = prior[k-1] / top
		}
		sum += p[c]
	}
	if !(sum > 0) {
		return nil, failed("no number of routers with a prior probability was trained")
	}
	for c := range p {
		p[c] /= sum
	}
	return p, nil
}

// WithPrior returns the same posterior with another prior, nil for equally likely
// numbers. The likelihood stays, also its power, which was calibrated for the
// prior of the fit.
func (p *Posterior) WithPrior(prior []float64) (*Posterior, error) {
	q := *p
	var err error
	if q.prior, err = trainedPrior(prior, p.routers); err != nil {
		return nil, err
	}
	return &q, nil
}

// Posterior returns the probability of 1, 2, … MaxRouters routers.
func (p *Posterior) Posterior(row []float64) []float64 {
	full := make([]float64, MaxRouters)
	if len(row) != p.features {
		for c, k := range p.routers {
			full[k-1] = p.prior[c]
		}
		return full
	}
	logs := make([]float64, len(p.routers))
	p.combine(p.model.logLikelihoods(row), p.power, logs)
	for c, k := range p.routers {
		full[k-1] = math.Exp(logs[c])
	}
	return full
}

// Score returns how much the row speaks for several routers, against one: the log
// of the posterior odds over the prior odds. It is 0 if only one of both was
// trained or has a prior probability.
func (p *Posterior) Score(row []float64) float64 {
	if len(row) != p.features || p.routers[0] != 1 || p.prior[0] == 0 || p.prior[0] == 1 {
		return 0
	}
	logs := make([]float64, len(p.routers))
	p.combine(p.model.logLikelihoods(row), p.power, logs)
	top := slices.Max(logs[1:])
	if math.IsInf(top, -1) {
		return -maxLogOdds
	}
	sum := 0.0
	for _, l := range logs[1:] {
		sum += math.Exp(l - top)
	}
	return clampOdds(top + math.Log(sum) - logs[0] - math.Log1p(-p.prior[0]) + math.Log(p.prior[0]))
}

// Routers returns the numbers of routers that were trained, in ascending order.
func (p *Posterior) Routers() []int { return slices.Clone(p.routers) }

// Model returns the name of the likelihood that was chosen, and the power it is
// raised to.
func (p *Posterior) Model() (name string, power float64) { return p.name, p.power }

// LogScores returns the cross-validated log score of each likelihood that was
// tried, by name. The prior's own is the negative of its entropy; what is below it
// has learned nothing.
func (p *Posterior) LogScores() map[string]float64 {
	scores := make(map[string]float64, len(p.scores))
	for name, s := range p.scores {
		scores[name] = s
	}
	return scores
}

// CredibleSet returns the numbers of routers, in ascending order, of the smallest
// set that has at least the given probability, and the probability that it has;
// of equally probable numbers the smaller come first.
func CredibleSet(posterior []float64, probability float64) (set []int, mass float64) {
	order := everyRow(len(posterior))
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case posterior[a] > posterior[b]:
			return -1
		case posterior[a] < posterior[b]:
			return 1
		}
		return 0
	})
	for _, i := range order {
		if mass >= probability || posterior[i] == 0 {
			break
		}
		set = append(set, i+1)
		mass += posterior[i]
	}
	slices.Sort(set)
	return set, mass
}

// PIT returns the randomised probability integral transform of the true number of
// routers, P(K < k) + u P(K = k) for a uniform u: uniform if the posterior is
// calibrated. A number beyond the posterior gives 0 or 1.
//
// Czado, Gneiting, Held (2009), Predictive model assessment for count data,
// Biometrics 65:1254.
func PIT(posterior []float64, k int, u float64) float64 {
	below := 0.0
	for i, p := range posterior {
		if i+1 == k {
			return math.Min(below+u*p, 1)
		}
		if i+1 < k {
			below += p
		}
	}
	return math.Min(below, 1)
}

// discriminants returns up to count directions along which the means of classes
// lie far apart compared with the spread within classes, which is 1 along each.
// A tenth of the mean variance is added to that spread, as in [KNN].
//
// Rao (1948), JRSS B 10:159; Friedman (1989), JASA 84:165.
func discriminants(z [][]float64, class, index []int, classes, count int) [][]float64 {
	means, within := classMoments(z, class, index, classes)
	d := len(within)
	trace := 0.0
	for i := range within {
		trace += within[i][i]
	}
	l := square(d)
	factor(within, func(int) float64 { return 0.1*trace/float64(d) + 1e-9 }, l)
	// Between-class spread of means whitened by l, each class weighing the same.
	middle := make([]float64, d)
	for _, m := range means {
		floats.AddScaled(middle, 1/float64(classes), m)
	}
	between := mat.NewSymDense(d, nil)
	for _, m := range means {
		diff := floats.SubTo(make([]float64, d), m, middle)
		forward(l, diff)
		for j := range diff {
			diff[j] = math.Min(math.Max(diff[j], -1e50), 1e50)
		}
		between.SymRankOne(between, 1/float64(classes), mat.NewVecDense(d, diff))
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(between, true) {
		return nil
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var directions [][]float64
	for a := range min(count, d) {
		v := mat.Col(nil, d-1-a, &vectors) // eigenvalues ascend
		// l⁻ᵀ v turns a direction of whitened rows into one of rows.
		for i := d - 1; i >= 0; i-- {
			v[i] /= l[i][i]
			floats.AddScaled(v[:i], -v[i], l[i][:i])
		}
		directions = append(directions, v)
	}
	return directions
}

// A discriminantModel is the density of each class on some discriminants.
type discriminantModel struct {
	scaler     *Scaler
	classes    int
	directions [][]float64
	density    []*Mixture
	wide       *Mixture // one Gaussian over all classes, three times too wide
}

// wideWeight is the weight of the wide Gaussian, which decides where no training
// row is near, and decides that nothing is known there.
const wideWeight = 0.01

func fitDiscriminant(z [][]float64, class, index []int, classes int, directions [][]float64) *discriminantModel {
	m := &discriminantModel{classes: classes, directions: directions}
	if len(directions) == 0 {
		return m
	}
	points := make([][][]float64, classes)
	var all [][]float64
	for _, i := range index {
		x := m.project(z[i])
		points[class[i]] = append(points[class[i]], x)
		all = append(all, x)
	}
	m.wide = oneGaussian(all, 9)
	for _, p := range points {
		// More components than this describe the sample and not the class.
		most := min(3, max(1, len(p)/(15*len(directions))))
		fit, err := FitMixture(p, MixtureOptions{MaxComponents: most, MinSpread: 0.1, stopEarly: true})
		if err != nil {
			m.density = append(m.density, oneGaussian(p, 1)) // too few rows for EM
			continue
		}
		m.density = append(m.density, fit.ByBIC())
	}
	return m
}

// oneGaussian returns a Gaussian with the moments of points, its variances times
// a factor.
func oneGaussian(points [][]float64, times float64) *Mixture {
	d := len(points[0])
	g := newMixture(1, d)
	g.weights[0] = 1
	column := make([]float64, len(points))
	for j := range d {
		for i, p := range points {
			column[i] = p[j]
		}
		mean, sd := meanSD(column)
		g.means[0][j], g.variances[0][j] = mean, times*math.Max(sd*sd, 1e-6)
	}
	return g
}

func (m *discriminantModel) project(z []float64) []float64 {
	x := make([]float64, len(m.directions))
	for a, v := range m.directions {
		x[a] = bounded(floats.Dot(v, z))
	}
	return x
}

// logs returns the log density of each class at a standardised row, relative to
// the largest.
func (m *discriminantModel) logs(z []float64) []float64 {
	logs := make([]float64, m.classes)
	if len(m.directions) == 0 {
		return logs
	}
	x := m.project(z)
	wide := math.Log(wideWeight) + m.wide.LogDensity(x)
	for c, g := range m.density {
		own := math.Log1p(-wideWeight) + g.LogDensity(x)
		top := math.Max(own, wide)
		logs[c] = top + math.Log(math.Exp(own-top)+math.Exp(wide-top))
	}
	top := slices.Max(logs)
	for c := range logs {
		logs[c] = math.Max(logs[c]-top, -maxLogOdds)
	}
	return logs
}

func (m *discriminantModel) logLikelihoods(row []float64) []float64 {
	z := make([]float64, len(m.scaler.columns))
	m.scaler.apply(row, z)
	return m.logs(z)
}
