package learn

import (
	"math"
	"slices"
)

// StackOptions are the options of [FitStack]. The zero value is a good choice.
type StackOptions struct {
	Scale ScaleOptions
	CV    CV // the same folds for both learners
	// Penalties as in [LogisticOptions]; Metrics, Neighbours and Queries as in
	// [KNNOptions].
	Penalties  []float64
	Metrics    []Metric
	Neighbours []int
	Queries    int
}

// Combination says which learners a [Stack] listens to.
type Combination string

// The combinations that a Stack chooses from, in this order where they are
// equally good.
const (
	LogisticOnly Combination = "logistic"
	KNNOnly      Combination = "knn"
	Both         Combination = "logistic+knn"
)

var combinations = [...]Combination{LogisticOnly, KNNOnly, Both}

// Stack scores a row by a weighted sum of the scores of [Logistic] and [KNN]. The
// weights are those of a logistic regression on the scores that the learners gave
// to training rows they had not been fitted on; none may be negative, since a
// learner that orders rows the wrong way round has learned chance. Whether to
// listen to one learner or to both is chosen by the AUC in another round of
// cross-validation over those scores.
//
// Wolpert (1992), Stacked generalization, Neural Networks 5:241; Breiman (1996),
// Stacked regressions, Machine Learning 24:49, for the constraint.
type Stack struct {
	logistic  *Logistic
	knn       *KNN
	chosen    Combination
	intercept float64
	weight    [2]float64
	auc       [len(combinations)]float64
}

// FitStack learns from rows and their labels.
func FitStack(rows [][]float64, labels []bool, opt StackOptions) (*Stack, error) {
	logistic, err := FitLogistic(rows, labels, LogisticOptions{Scale: opt.Scale, CV: opt.CV, Penalties: opt.Penalties})
	if err != nil {
		return nil, err
	}
	knn, err := FitKNN(rows, labels, KNNOptions{Scale: opt.Scale, CV: opt.CV, Metrics: opt.Metrics, Neighbours: opt.Neighbours, Queries: opt.Queries})
	if err != nil {
		return nil, err
	}
	s := &Stack{logistic: logistic, knn: knn}

	// The rows that both learners have scored without having seen them.
	var scores [][]float64
	class := make([]int, len(knn.queries))
	for q, i := range knn.queries {
		scores = append(scores, []float64{logistic.oof[i], knn.oof[q]})
		if labels[i] {
			class[q] = 1
		}
	}
	fold := pick(logistic.fold, knn.queries)
	best := 0
	for c, combination := range combinations {
		s.auc[c] = aucOf(combinedOutOfFold(scores, class, fold, combination), class)
		if s.auc[c] > s.auc[best] {
			best = c
		}
	}
	s.chosen = combinations[best]
	s.intercept, s.weight = combine(scores, class, everyRow(len(scores)), s.chosen)
	return s, nil
}

// combinedOutOfFold returns the combined scores of rows, from weights that were
// fitted without their fold.
func combinedOutOfFold(scores [][]float64, class, fold []int, c Combination) []float64 {
	out := make([]float64, len(scores))
	if c != Both {
		for i := range out {
			out[i] = scores[i][slices.Index(combinations[:], c)]
		}
		return out
	}
	for f := range slices.Max(fold) + 1 {
		train, test := split(fold, f)
		intercept, weight := combine(scores, class, train, c)
		for _, i := range test {
			out[i] = intercept + weight[0]*scores[i][0] + weight[1]*scores[i][1]
		}
	}
	return out
}

// combine fits the weights of the learners that a combination listens to.
func combine(scores [][]float64, class, index []int, c Combination) (intercept float64, weight [2]float64) {
	use := []int{0, 1}
	switch c {
	case LogisticOnly:
		use = []int{0}
	case KNNOnly:
		use = []int{1}
	}
	for len(use) > 0 {
		sd := make([]float64, len(use))
		z := make([][]float64, len(scores))
		for i := range z {
			z[i] = make([]float64, len(use))
		}
		for u, l := range use {
			column := make([]float64, len(index))
			for k, i := range index {
				column[k] = scores[i][l]
			}
			if _, sd[u] = meanSD(column); !(sd[u] > 1e-12) {
				sd[u] = 1
			}
			for i := range z {
				z[i][u] = scores[i][l] / sd[u]
			}
		}
		p := newLogisticProblem(z, class, index)
		beta := make([]float64, p.x.dim())
		p.minimise(1e-4, beta, 1e-9) // the penalty only keeps weights finite
		worst := 1 + slices.Index(beta[1:], slices.Min(beta[1:]))
		if beta[worst] > 0 {
			for u, l := range use {
				weight[l] = beta[1+u] / sd[u]
			}
			return beta[0], weight
		}
		use = slices.Delete(use, worst-1, worst)
	}
	// No learner orders these rows the right way round: there is nothing to
	// calibrate, so take the first one as it is.
	weight[0] = 1
	if c == KNNOnly {
		weight = [2]float64{0, 1}
	}
	return 0, weight
}

// aucOf returns the share of pairs that scores order rightly, ties counted half.
func aucOf(scores []float64, class []int) float64 {
	var count [2]float64
	for _, c := range class {
		count[c]++
	}
	order := everyRow(len(scores))
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case scores[a] < scores[b]:
			return -1
		case scores[a] > scores[b]:
			return 1
		}
		return 0
	})
	below, pairs := 0.0, 0.0
	for from := 0; from < len(order); {
		to := from
		var tied [2]float64
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			tied[class[order[to]]]++
			to++
		}
		pairs += tied[1] * (below + tied[0]/2)
		below += tied[0]
		from = to
	}
	return pairs / (count[0] * count[1])
}

// Score returns the log odds of label true for even prior odds.
func (s *Stack) Score(row []float64) float64 {
	if len(row) != s.logistic.scaler.features {
		return 0
	}
	sum := s.intercept
	if w := s.weight[0]; w > 0 {
		sum += w * s.logistic.Score(row)
	}
	if w := s.weight[1]; w > 0 {
		sum += w * s.knn.Score(row)
	}
	return clampOdds(sum)
}

// Chosen returns the combination that was chosen.
func (s *Stack) Chosen() Combination { return s.chosen }

// TrainingAUC returns the cross-validated AUC of a combination on the training
// rows, NaN if there is no such combination. The chosen one's is too high, as the
// best of several: on 100 rows that tell nothing it is 0.53 on average, with a
// standard deviation of 0.07. It is no substitute for held-out rows.
func (s *Stack) TrainingAUC(c Combination) float64 {
	if i := slices.Index(combinations[:], c); i >= 0 {
		return s.auc[i]
	}
	return math.NaN()
}

// Logistic returns the logistic regression, fitted on all training rows.
func (s *Stack) Logistic() *Logistic { return s.logistic }

// KNN returns the nearest neighbours, fitted on all training rows.
func (s *Stack) KNN() *KNN { return s.knn }
