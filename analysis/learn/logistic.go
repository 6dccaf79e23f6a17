package learn

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// LogisticOptions are the options of [FitLogistic] and [FitSoftmax]. The zero
// value is a good choice.
type LogisticOptions struct {
	Scale ScaleOptions
	CV    CV
	// Penalties are tried by cross-validation, the largest first; nil means ten to
	// the power of 1, ½, 0, … −4 (in whole powers for FitSoftmax). With a single
	// one nothing is chosen.
	Penalties []float64
}

func (o *LogisticOptions) penalties(perDecade int) ([]float64, error) {
	if o.Penalties == nil {
		var p []float64
		for e := perDecade; e >= -4*perDecade; e-- {
			p = append(p, math.Pow(10, float64(e)/float64(perDecade)))
		}
		return p, nil
	}
	p := slices.Clone(o.Penalties)
	for _, x := range p {
		if !(x > 0 && x <= hugeValue) {
			return nil, failed("penalty %g", x)
		}
	}
	slices.Sort(p)
	slices.Reverse(p)
	p = slices.Compact(p)
	if len(p) == 0 {
		return nil, failed("no penalties")
	}
	return p, nil
}

// Logistic is a logistic regression with a penalty on the weights of the
// standardised features z: it minimises
//
//	½ mean₀ log(1+exp(η)) + ½ mean₁ log(1+exp(−η)) + ½ λ |β|²,  η = β₀ + β·z
//
// where mean₀ and mean₁ go over the rows of either class, so that both weigh the
// same and η is the log odds for one row of each. λ is chosen by cross-validated
// loss: the largest one within a standard error of the best. The penalty keeps
// weights finite where the classes do not overlap, and shares them among
// collinear features.
//
// Le Cessie, van Houwelingen (1992), Ridge estimators in logistic regression,
// Appl. Stat. 41:191; King, Zeng (2001), Logistic regression in rare events data,
// Polit. Anal. 9:137, for the weights of classes.
type Logistic struct {
	scaler  *Scaler
	beta    []float64 // intercept first
	penalty float64
	oof     []float64 // log odds of each training row from the folds without it
	fold    []int
}

// A Weight is what a standardised feature adds to the log odds for each standard
// deviation.
type Weight struct {
	ScaledColumn
	Value float64
}

// FitLogistic learns from rows and their labels.
func FitLogistic(rows [][]float64, labels []bool, opt LogisticOptions) (*Logistic, error) {
	if _, err := checkRows(rows, len(labels)); err != nil {
		return nil, err
	}
	class, err := twoClasses(labels)
	if err != nil {
		return nil, err
	}
	penalties, err := opt.penalties(2)
	if err != nil {
		return nil, err
	}
	fold, folds, err := opt.CV.assign(class, 2)
	if err != nil {
		return nil, err
	}
	m := &Logistic{fold: fold}
	if m.scaler, err = FitScaler(rows, opt.Scale); err != nil {
		return nil, err
	}
	z := m.scaler.applyAll(rows)
	m.penalty, m.oof = logisticPath(z, class, fold, folds, penalties)

	all := newLogisticProblem(z, class, everyRow(len(rows)))
	m.beta = make([]float64, all.x.dim())
	all.minimise(m.penalty, m.beta, 1e-11)
	return m, nil
}

// logisticPath chooses the penalty and returns the rows' log odds out of their
// fold with it. The scaler saw the rows of all folds, but no label.
func logisticPath(z [][]float64, class, fold []int, folds int, penalties []float64) (penalty float64, oof []float64) {
	problems := make([]*logisticProblem, folds)
	tests := make([]*design, folds)
	index := make([][]int, folds)
	weights := make([][]float64, folds)
	betas := make([][]float64, folds)
	for f := range folds {
		train, test := split(fold, f)
		problems[f] = newLogisticProblem(z, class, train)
		tests[f] = newDesign(z, test)
		index[f] = test
		weights[f] = balance(pick(class, test), 2)
		betas[f] = make([]float64, problems[f].x.dim())
	}
	var path cvPath
	var scores [][]float64
	loss := make([]float64, folds)
	for _, lambda := range penalties {
		odds := make([]float64, len(z))
		for f, p := range problems {
			p.minimise(lambda, betas[f], 1e-5) // from the last penalty's weights on
			eta := make([]float64, len(index[f]))
			tests[f].linear(betas[f], eta)
			loss[f] = 0
			for k, i := range index[f] {
				odds[i] = clampOdds(eta[k])
				loss[f] += weights[f][k] * logLoss(odds[i], class[i] == 1)
			}
		}
		path.add(loss)
		scores = append(scores, odds)
		if path.hopeless() {
			break
		}
	}
	best := path.choose()
	return penalties[best], scores[best]
}

// Score returns the log odds of label true for even prior odds.
func (m *Logistic) Score(row []float64) float64 {
	z := make([]float64, len(m.scaler.columns))
	if !m.scaler.apply(row, z) {
		return 0
	}
	return clampOdds(m.beta[0] + floats.Dot(m.beta[1:], z))
}

// Penalty returns the penalty that was chosen.
func (m *Logistic) Penalty() float64 { return m.penalty }

// Weights returns the weight of each standardised feature.
func (m *Logistic) Weights() []Weight {
	w := make([]Weight, len(m.scaler.columns))
	for i := range w {
		w[i] = Weight{m.scaler.columns[i].ScaledColumn, m.beta[1+i]}
	}
	return w
}

// A logisticProblem minimises the penalised loss over some rows. It is used for
// one penalty after the other, and keeps the Hessian of the loss from one to the
// next: a Newton step with a slightly old Hessian is nearly as good as one with
// the right one, and costs a hundredth.
type logisticProblem struct {
	x        *design
	positive []bool
	weight   []float64

	gram, chol [][]float64
	haveGram   bool

	eta, moved, along, residual []float64
	grad, step                  []float64
}

func newLogisticProblem(z [][]float64, class, index []int) *logisticProblem {
	p := &logisticProblem{x: newDesign(z, index), weight: balance(pick(class, index), 2)}
	p.positive = make([]bool, len(index))
	for k, i := range index {
		p.positive[k] = class[i] == 1
	}
	p.gram, p.chol = square(p.x.dim()), square(p.x.dim())
	n := len(index)
	p.eta, p.moved, p.along, p.residual = make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	p.grad, p.step = make([]float64, p.x.dim()), make([]float64, p.x.dim())
	return p
}

func (p *logisticProblem) loss(eta []float64) float64 {
	sum := 0.0
	for i, e := range eta {
		sum += p.weight[i] * logLoss(e, p.positive[i])
	}
	return sum
}

// minimise runs Newton's method from beta on, in place, until no element of the
// gradient exceeds tol. The loss with a ridge is strictly convex but for the
// intercept, and halving the step until the loss falls makes the method converge
// from everywhere.
//
// Boyd, Vandenberghe (2004), Convex Optimization, section 9.5.
func (p *logisticProblem) minimise(lambda float64, beta []float64, tol float64) {
	ridge := func(i int) float64 {
		if i == 0 {
			return 0
		}
		return lambda
	}
	p.x.linear(beta, p.eta)
	value := p.loss(p.eta) + lambda/2*floats.Dot(beta[1:], beta[1:])
	factored, fresh := false, false
	last := math.Inf(1)
	for range 500 {
		for i, e := range p.eta {
			p.residual[i] = p.weight[i] / (1 + math.Exp(-e))
			if p.positive[i] {
				p.residual[i] -= p.weight[i]
			}
		}
		p.x.transposed(p.residual, p.grad)
		floats.AddScaled(p.grad[1:], lambda, beta[1:])
		norm := maxAbs(p.grad)
		if norm <= tol {
			return
		}
		fresh = false
		if !p.haveGram || norm > 0.2*last && factored {
			p.updateGram()
			factored, fresh = false, true
		}
		if !factored {
			factor(p.gram, ridge, p.chol)
			factored = true
		}
		last = norm
		for {
			for i, g := range p.grad {
				p.step[i] = -g
			}
			solve(p.chol, p.step)
			if p.search(lambda, beta, &value) {
				break
			}
			if fresh {
				return // no digits are left to gain
			}
			p.updateGram()
			factor(p.gram, ridge, p.chol)
			fresh = true
		}
	}
}

// search moves beta along the step as far as the loss falls enough.
func (p *logisticProblem) search(lambda float64, beta []float64, value *float64) bool {
	slope := floats.Dot(p.grad, p.step)
	if !(slope < 0) {
		return false
	}
	p.x.linear(p.step, p.along)
	bb, bs, ss := floats.Dot(beta[1:], beta[1:]), floats.Dot(beta[1:], p.step[1:]), floats.Dot(p.step[1:], p.step[1:])
	t := 1.0
	for range 40 {
		floats.AddScaledTo(p.moved, p.eta, t, p.along)
		v := p.loss(p.moved) + lambda/2*(bb+2*t*bs+t*t*ss)
		if v <= *value+1e-4*t*slope+1e-15*math.Abs(*value) {
			p.eta, p.moved = p.moved, p.eta
			floats.AddScaled(beta, t, p.step)
			*value = v
			return true
		}
		t /= 2
	}
	return false
}

func (p *logisticProblem) updateGram() {
	q := p.residual // no longer needed
	for i, e := range p.eta {
		s := 1 / (1 + math.Exp(-math.Abs(e)))
		q[i] = p.weight[i] * s * (1 - s)
	}
	p.x.gram(q, p.gram)
	p.haveGram = true
}

func everyRow(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}

func pick[T any](xs []T, index []int) []T {
	picked := make([]T, len(index))
	for k, i := range index {
		picked[k] = xs[i]
	}
	return picked
}
