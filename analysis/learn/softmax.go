package learn

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// Softmax is [Logistic] for several classes: the log probability of class c is
// η_c minus the log of the sum of all exp(η), with η_c = β₀c + β_c·z and one
// penalty on all β_c, so that no class is the base of the others.
//
// Its loss is minimised by L-BFGS, started from the inverse Hessian at equal
// probabilities, W/K ⊗ (I−11ᵀ/K): Newton's method would need a matrix of (classes
// × features)².
//
// Böhning (1992), Multinomial logistic regression algorithm, Ann. Inst. Stat.
// Math. 44:197, for that Hessian.
type Softmax struct {
	scaler  *Scaler
	classes []int
	beta    [][]float64 // of each class, intercept first
	penalty float64
	oof     [][]float64 // log probabilities of each training row out of its fold
}

// FitSoftmax learns from rows and their classes, whatever numbers those have.
func FitSoftmax(rows [][]float64, labels []int, opt LogisticOptions) (*Softmax, error) {
	if _, err := checkRows(rows, len(labels)); err != nil {
		return nil, err
	}
	class, values, err := manyClasses(labels)
	if err != nil {
		return nil, err
	}
	penalties, err := opt.penalties(1)
	if err != nil {
		return nil, err
	}
	fold, folds, err := opt.CV.assign(class, len(values))
	if err != nil {
		return nil, err
	}
	m := &Softmax{classes: values}
	if m.scaler, err = FitScaler(rows, opt.Scale); err != nil {
		return nil, err
	}
	z := m.scaler.applyAll(rows)
	m.choose(z, class, fold, folds, penalties)
	all := newSoftmaxProblem(z, class, everyRow(len(rows)), len(values))
	x := make([]float64, len(values)*all.x.dim())
	all.minimise(m.penalty, x, 1e-8, 1000)
	m.beta = all.split(x)
	return m, nil
}

func (m *Softmax) choose(z [][]float64, class, fold []int, folds int, penalties []float64) {
	problems := make([]*softmaxProblem, folds)
	index := make([][]int, folds)
	weights := make([][]float64, folds)
	starts := make([][]float64, folds)
	for f := range folds {
		train, test := split(fold, f)
		problems[f] = newSoftmaxProblem(z, class, train, len(m.classes))
		index[f] = test
		weights[f] = balance(pick(class, test), len(m.classes))
		starts[f] = make([]float64, len(m.classes)*problems[f].x.dim())
	}
	var path cvPath
	var scores [][][]float64
	loss := make([]float64, folds)
	for _, lambda := range penalties {
		logs := make([][]float64, len(z))
		for f, p := range problems {
			p.minimise(lambda, starts[f], 1e-4, 200)
			beta := p.split(starts[f])
			loss[f] = 0
			for k, i := range index[f] {
				logs[i] = softmaxLogs(beta, z[i])
				loss[f] -= weights[f][k] * logs[i][class[i]]
			}
		}
		path.add(loss)
		scores = append(scores, logs)
		if path.hopeless() {
			break
		}
	}
	best := path.choose()
	m.penalty, m.oof = penalties[best], scores[best]
}

// Classes returns the classes in ascending order.
func (m *Softmax) Classes() []int { return slices.Clone(m.classes) }

// Penalty returns the penalty that was chosen.
func (m *Softmax) Penalty() float64 { return m.penalty }

// LogProbabilities returns the log probability of each of Classes, all being
// equally likely before the row is seen.
func (m *Softmax) LogProbabilities(row []float64) []float64 {
	z := make([]float64, len(m.scaler.columns))
	if !m.scaler.apply(row, z) {
		logs := make([]float64, len(m.classes))
		for c := range logs {
			logs[c] = -math.Log(float64(len(logs)))
		}
		return logs
	}
	return softmaxLogs(m.beta, z)
}

// softmaxLogs returns log probabilities, none below −maxLogOdds: what rules a
// class out for good would leave another model nothing to say.
func softmaxLogs(beta [][]float64, z []float64) []float64 {
	logs := make([]float64, len(beta))
	for c, b := range beta {
		logs[c] = bounded(b[0] + floats.Dot(b[1:], z))
	}
	subtractLogSum(logs)
	for c := range logs {
		logs[c] = math.Max(logs[c], -maxLogOdds)
	}
	return logs
}

func subtractLogSum(logs []float64) {
	top := slices.Max(logs)
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	norm := top + math.Log(sum)
	for c := range logs {
		logs[c] -= norm
	}
}

type softmaxProblem struct {
	x       *design
	class   []int
	weight  []float64
	classes int

	gram, chol [][]float64
	eta        [][]float64 // of each class
}

func newSoftmaxProblem(z [][]float64, class, index []int, classes int) *softmaxProblem {
	p := &softmaxProblem{x: newDesign(z, index), class: pick(class, index), classes: classes}
	p.weight = balance(p.class, classes)
	p.gram, p.chol = square(p.x.dim()), square(p.x.dim())
	p.x.gram(p.weight, p.gram)
	p.eta = make([][]float64, classes)
	for c := range p.eta {
		p.eta[c] = make([]float64, p.x.n)
	}
	return p
}

// split cuts the weights of all classes apart.
func (p *softmaxProblem) split(x []float64) [][]float64 {
	d := p.x.dim()
	parts := make([][]float64, p.classes)
	for c := range parts {
		parts[c] = x[c*d : (c+1)*d : (c+1)*d]
	}
	return parts
}

func (p *softmaxProblem) minimise(lambda float64, x []float64, tol float64, limit int) {
	k := float64(p.classes)
	factor(p.gram, func(i int) float64 {
		if i == 0 {
			return 0
		}
		return lambda * k
	}, p.chol)
	minimise(func(x, grad []float64) float64 { return p.value(lambda, x, grad) }, x, func(g []float64) {
		floats.Scale(k, g)
		for _, part := range p.split(g) {
			solve(p.chol, part)
		}
	}, tol, limit)
}

func (p *softmaxProblem) value(lambda float64, x, grad []float64) float64 {
	beta, g := p.split(x), p.split(grad)
	for c := range beta {
		p.x.linear(beta[c], p.eta[c])
	}
	loss := 0.0
	for i, own := range p.class {
		top := math.Inf(-1)
		for _, eta := range p.eta {
			top = math.Max(top, eta[i])
		}
		loss -= p.weight[i] * (p.eta[own][i] - top)
		sum := 0.0
		for _, eta := range p.eta {
			eta[i] = math.Exp(eta[i] - top)
			sum += eta[i]
		}
		loss += p.weight[i] * math.Log(sum)
		for _, eta := range p.eta {
			eta[i] *= p.weight[i] / sum
		}
		p.eta[own][i] -= p.weight[i]
	}
	for c := range beta {
		p.x.transposed(p.eta[c], g[c])
		floats.AddScaled(g[c][1:], lambda, beta[c][1:])
		loss += lambda / 2 * floats.Dot(beta[c][1:], beta[c][1:])
	}
	return loss
}
