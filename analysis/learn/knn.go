package learn

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mat"
)

// A Metric says in which coordinates rows are near each other.
type Metric string

const (
	// MetricEqual takes all standardised features alike.
	MetricEqual Metric = "equal"
	// MetricANOVA weighs each standardised feature by how much of its spread, or
	// of its squared deviation's, lies between the classes.
	MetricANOVA Metric = "anova"
	// MetricWhitened does the same with the principal axes of the spread within
	// the classes, so that a crowd of features that say the same counts once.
	MetricWhitened Metric = "whitened"
)

// KNNOptions are the options of [FitKNN]. The zero value is a good choice.
type KNNOptions struct {
	Scale ScaleOptions
	CV    CV
	// Metrics are tried by cross-validation in this order; nil means ANOVA, whitened,
	// equal.
	Metrics []Metric
	// Neighbours are the numbers tried by cross-validation; nil means 5, 9, 15, 25,
	// 41, 65, 101, 161. Those above a quarter of the training rows are left out.
	Neighbours []int
	// Queries is the largest number of rows that cross-validation scores; 0 means
	// 1000. Each is compared with all rows outside its fold.
	Queries int
}

const defaultQueries = 1000

var defaultNeighbours = []int{5, 9, 15, 25, 41, 65, 101, 161}

// KNN scores a row by its k nearest training rows: the log odds of their labels,
// each class weighing the same in all,
//
//	log (1 + Σ₁ w) − log (1 + Σ₀ w)
//
// The weight w falls from 1 at the row to a tenth at the distance of the next
// nearest row but k, so that scores have few ties. Metric and k are chosen by
// cross-validated loss: the largest k within a standard error of the best, and a
// later metric only if it is better by more than a standard error. What a metric
// learns from labels it learns anew without each fold.
//
// The search is exact: rows are compared coordinate by coordinate, the heaviest
// first, until they are too far.
//
// Samworth (2012), Optimal weighted nearest neighbour classifiers, Ann. Stat.
// 40:2733; Hastie, Tibshirani, Friedman (2009), section 13.3.
type KNN struct {
	scaler *Scaler
	index  *nearIndex
	k      int
	metric Metric

	queries []int     // training rows that have an out-of-fold score
	oof     []float64 // of each of them
}

// FitKNN learns from rows and their labels.
func FitKNN(rows [][]float64, labels []bool, opt KNNOptions) (*KNN, error) {
	if _, err := checkRows(rows, len(labels)); err != nil {
		return nil, err
	}
	class, err := twoClasses(labels)
	if err != nil {
		return nil, err
	}
	metrics := opt.Metrics
	if metrics == nil {
		metrics = []Metric{MetricANOVA, MetricWhitened, MetricEqual}
	}
	for _, metric := range metrics {
		if metric != MetricEqual && metric != MetricANOVA && metric != MetricWhitened {
			return nil, failed("unknown metric %q", metric)
		}
	}
	fold, folds, err := opt.CV.assign(class, 2)
	if err != nil {
		return nil, err
	}
	neighbours, err := usableNeighbours(opt.Neighbours, len(rows)-len(rows)/folds)
	if err != nil {
		return nil, err
	}
	limit := opt.Queries
	if limit <= 0 {
		limit = defaultQueries
	}
	m := &KNN{queries: opt.CV.sample(class, 2, limit)}
	if m.scaler, err = FitScaler(rows, opt.Scale); err != nil {
		return nil, err
	}
	z := m.scaler.applyAll(rows)
	var tried knnTrials
	for _, metric := range metrics {
		tried = append(tried, knnPath(z, class, fold, folds, m.queries, metric, neighbours))
	}
	if tried == nil {
		return nil, failed("no metrics")
	}
	best, c := tried.choose(-1)
	m.metric, m.k = metrics[best], neighbours[c]
	m.oof = tried.outOfFold(fold, folds, m.queries)
	m.index = newNearIndex(z, class, everyRow(len(rows)), m.metric)
	return m, nil
}

// usableNeighbours returns the numbers to try, the largest, which is the
// smoothest, first.
func usableNeighbours(given []int, rows int) ([]int, error) {
	if given == nil {
		given = defaultNeighbours
	}
	var usable []int
	for _, k := range given {
		if k < 1 {
			return nil, failed("%d neighbours", k)
		}
		if k <= rows/4 {
			usable = append(usable, k)
		}
	}
	if usable == nil {
		if len(given) == 0 {
			return nil, failed("no numbers of neighbours")
		}
		usable = []int{max(1, min(slices.Min(given), rows/4))}
	}
	slices.Sort(usable)
	slices.Reverse(usable)
	return slices.Compact(usable), nil
}

// A knnTrial is what cross-validation found with one metric, for each number of
// neighbours.
type knnTrial struct {
	loss  [][]float64 // in each fold
	score [][]float64 // of each query
}

type knnTrials []knnTrial

// choose returns the metric and number of neighbours that are best in all folds
// but one, -1 for all folds.
func (tried knnTrials) choose(without int) (metric, number int) {
	others := func(loss []float64) []float64 {
		if without < 0 {
			return loss
		}
		return slices.Concat(loss[:without], loss[without+1:])
	}
	var least []float64
	for i, trial := range tried {
		var path cvPath
		for _, loss := range trial.loss {
			path.add(others(loss))
		}
		c := path.choose()
		if loss := others(trial.loss[c]); least == nil || clearlyLess(loss, least) {
			least, metric, number = loss, i, c
		}
	}
	return metric, number
}

// outOfFold returns scores of the queries for others to learn from: each with the
// metric and number that the other folds would have chosen. With those that were
// chosen for it, the best of several, a query's own label would have had a say.
func (tried knnTrials) outOfFold(fold []int, folds int, queries []int) []float64 {
	scores := make([]float64, len(queries))
	for f := range folds {
		without := f
		if folds < 3 {
			without = -1 // one fold alone has no standard error
		}
		metric, c := tried.choose(without)
		for q, i := range queries {
			if fold[i] == f {
				scores[q] = tried[metric].score[c][q]
			}
		}
	}
	return scores
}

// clearlyLess reports whether losses in folds are less than others by more than a
// standard error of the difference. The least of several that differ by chance
// only would look better than it is, the more so the more are tried.
func clearlyLess(loss, than []float64) bool {
	var p cvPath
	diff := make([]float64, len(loss))
	for f := range diff {
		diff[f] = than[f] - loss[f]
	}
	p.add(diff)
	return p.mean[0] > p.se[0]
}

// knnPath tries a metric: index and what it learns from labels are made anew
// without each fold, whose queries are then scored.
func knnPath(z [][]float64, class, fold []int, folds int, queries []int, metric Metric, neighbours []int) knnTrial {
	trial := knnTrial{loss: make([][]float64, len(neighbours)), score: make([][]float64, len(neighbours))}
	for c := range neighbours {
		trial.score[c] = make([]float64, len(queries))
		trial.loss[c] = make([]float64, folds)
	}
	for f := range folds {
		train, _ := split(fold, f)
		var at []int // positions in queries
		var test []int
		for q, i := range queries {
			if fold[i] == f {
				at = append(at, q)
				test = append(test, i)
			}
		}
		weights := balance(pick(class, test), 2)
		index := newNearIndex(z, class, train, metric)
		search := index.search(neighbours[0] + 1)
		for t, i := range test {
			near := search.nearest(z[i])
			for c, k := range neighbours {
				s := index.odds(near, k)
				trial.score[c][at[t]] = s
				trial.loss[c][f] += weights[t] * logLoss(s, class[i] == 1)
			}
		}
	}
	return trial
}

// Score returns the smoothed log odds of label true among the neighbours, for
// even prior odds.
func (m *KNN) Score(row []float64) float64 {
	z := make([]float64, len(m.scaler.columns))
	if !m.scaler.apply(row, z) {
		return 0
	}
	return m.index.odds(m.index.search(m.k+1).nearest(z), m.k)
}

// Neighbours returns the number of neighbours that was chosen.
func (m *KNN) Neighbours() int { return m.k }

// Metric returns the metric that was chosen.
func (m *KNN) Metric() Metric { return m.metric }

// A nearIndex holds training rows in the coordinates of a metric.
type nearIndex struct {
	axes   [][]float64 // whitening, one axis each; nil for none
	order  []int       // coordinate, the heaviest first
	weight []float64   // what it is multiplied by
	stride int         // coordinates of a point, padded to a multiple of lane
	points []float64
	label  []bool
	share  [2]float64 // what a neighbour of each class weighs
}

const lane = 8

func newNearIndex(z [][]float64, class, index []int, metric Metric) *nearIndex {
	x := &nearIndex{}
	if metric == MetricWhitened {
		x.axes = whiteningAxes(z, class, index)
	}
	rows := make([][]float64, len(index))
	var count [2]float64
	own := pick(class, index)
	for k, i := range index {
		rows[k] = x.rotate(z[i])
		count[own[k]]++
		x.label = append(x.label, own[k] == 1)
	}
	n := float64(len(index))
	x.share = [2]float64{n / 2 / count[0], n / 2 / count[1]}

	relevance := make([]float64, len(rows[0]))
	top := 0.0
	for j := range relevance {
		relevance[j] = 1
		if metric != MetricEqual {
			relevance[j] = betweenShare(rows, own, j)
		}
		top = math.Max(top, relevance[j])
	}
	for j, r := range relevance {
		if top == 0 {
			r = 1 // nothing is relevant, so all is
		}
		if r > 0 {
			x.order = append(x.order, j)
		}
	}
	sort.SliceStable(x.order, func(a, b int) bool { return relevance[x.order[a]] > relevance[x.order[b]] })
	for _, j := range x.order {
		x.weight = append(x.weight, math.Sqrt(math.Max(relevance[j], 1e-300)))
		if top == 0 {
			x.weight[len(x.weight)-1] = 1
		}
	}
	x.stride = (len(x.order) + lane - 1) / lane * lane
	x.points = make([]float64, x.stride*len(rows))
	for k, row := range rows {
		x.place(row, x.points[k*x.stride:])
	}
	return x
}

// betweenShare returns how much of the variance of coordinate j, or of its squared
// deviation from the mean, lies between the classes, less what chance alone puts
// there: (F−1)/(F+n−2), 0 if negative. The squares see classes that differ in
// spread and not in mean.
func betweenShare(rows [][]float64, class []int, j int) float64 {
	mean := 0.0
	for _, r := range rows {
		mean += r[j] / float64(len(rows))
	}
	value := func(r []float64) float64 { return r[j] }
	squared := func(r []float64) float64 { return bounded((r[j] - mean) * (r[j] - mean)) }
	return math.Max(anovaShare(rows, class, value), anovaShare(rows, class, squared))
}

func anovaShare(rows [][]float64, class []int, value func([]float64) float64) float64 {
	var count, mean [2]float64
	for i, r := range rows {
		c := class[i]
		count[c]++
		mean[c] += (value(r) - mean[c]) / count[c]
	}
	within := 0.0
	for i, r := range rows {
		d := value(r) - mean[class[i]]
		within += d * d
	}
	n := count[0] + count[1]
	d := mean[1] - mean[0]
	between := count[0] * count[1] / n * d * d
	if !(between > 0) || math.IsInf(between, 1) || math.IsInf(within, 1) {
		return 0
	}
	// With F = between (n−2) / within, cleared of the division by within.
	return math.Max(0, (between-within/(n-2))/(between+within))
}

// whiteningAxes returns the principal axes of the covariance within the classes,
// each divided by the spread along it. A tenth of the mean variance is added
// everywhere, so that axes along which hardly anything varies, which are mostly
// rounding and chance, are not blown up.
//
// Friedman (1989), Regularized discriminant analysis, JASA 84:165, for the
// addition.
func whiteningAxes(z [][]float64, class, index []int) [][]float64 {
	_, within := classMoments(z, class, index, 2)
	d := len(within)
	sym := mat.NewSymDense(d, nil)
	trace := 0.0
	for i := range d {
		trace += within[i][i]
		for j := range i + 1 {
			sym.SetSym(i, j, within[i][j])
		}
	}
	var eigen mat.EigenSym
	if !(trace > 0) || math.IsInf(trace, 1) || !eigen.Factorize(sym, true) {
		return nil
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	var axes [][]float64
	for a, v := range eigen.Values(nil) {
		if v <= 1e-9*trace {
			continue
		}
		axis := mat.Col(nil, a, &vectors)
		for i := range axis {
			axis[i] /= math.Sqrt(v + 0.1*trace/float64(d))
		}
		axes = append(axes, axis)
	}
	return axes
}

// classMoments returns the mean of each class, and the lower triangle of the
// covariance within classes, to which each class contributes alike.
func classMoments(z [][]float64, class, index []int, classes int) (means, within [][]float64) {
	d := len(z[0])
	means = make([][]float64, classes)
	count := make([]float64, classes)
	for c := range means {
		means[c] = make([]float64, d)
	}
	for _, i := range index {
		c := class[i]
		count[c]++
		for j, v := range z[i] {
			means[c][j] += (v - means[c][j]) / count[c]
		}
	}
	centred := make([][]float64, len(index))
	for k, i := range index {
		centred[k] = make([]float64, d)
		for j, v := range z[i] {
			centred[k][j] = v - means[class[i]][j]
		}
	}
	x := newDesign(centred, everyRow(len(index)))
	full := square(d + 1)
	x.gram(balance(pick(class, index), classes), full)
	within = square(d)
	for i := range d {
		copy(within[i][:i+1], full[1+i][1:])
	}
	return means, within
}

func (x *nearIndex) rotate(z []float64) []float64 {
	if x.axes == nil {
		return z
	}
	r := make([]float64, len(x.axes))
	for a, axis := range x.axes {
		for j, v := range axis {
			r[a] += v * z[j]
		}
	}
	return r
}

func (x *nearIndex) place(row, dst []float64) {
	for c, j := range x.order {
		dst[c] = bounded(row[j] * x.weight[c])
	}
}

type neighbour struct {
	distance float64 // squared
	row      int
}

// A nearSearch finds nearest points; it is for one goroutine.
type nearSearch struct {
	index *nearIndex
	query []float64
	heap  []neighbour // the farthest first
}

func (x *nearIndex) search(count int) *nearSearch {
	return &nearSearch{index: x, query: make([]float64, x.stride), heap: make([]neighbour, 0, min(count, len(x.label)))}
}

// nearest returns the nearest points, the nearest first; of equally near ones
// those that came first in training. The slice is valid until the next call.
func (s *nearSearch) nearest(z []float64) []neighbour {
	x := s.index
	x.place(x.rotate(z), s.query)
	h := s.heap[:0]
	limit := math.Inf(1)
	for row := range x.label {
		p := x.points[row*x.stride : (row+1)*x.stride]
		q := s.query[:len(p)]
		sum := 0.0
		for at := 0; at+lane <= len(p); at += lane {
			a, b := p[at:at+lane:at+lane], q[at:at+lane:at+lane]
			d0, d1, d2, d3 := a[0]-b[0], a[1]-b[1], a[2]-b[2], a[3]-b[3]
			d4, d5, d6, d7 := a[4]-b[4], a[5]-b[5], a[6]-b[6], a[7]-b[7]
			sum += ((d0*d0 + d1*d1) + (d2*d2 + d3*d3)) + ((d4*d4 + d5*d5) + (d6*d6 + d7*d7))
			if sum >= limit {
				break
			}
		}
		if sum >= limit {
			continue
		}
		if len(h) < cap(h) {
			h = append(h, neighbour{sum, row})
			if len(h) == cap(h) {
				for i := len(h)/2 - 1; i >= 0; i-- {
					sift(h, i)
				}
				limit = h[0].distance
			}
			continue
		}
		h[0] = neighbour{sum, row}
		sift(h, 0)
		limit = h[0].distance
	}
	slices.SortFunc(h, func(a, b neighbour) int {
		if a.distance != b.distance {
			if a.distance < b.distance {
				return -1
			}
			return 1
		}
		return a.row - b.row
	})
	return h
}

// farther orders the heap; among equally far ones the later is the farther.
func farther(a, b neighbour) bool {
	return a.distance > b.distance || a.distance == b.distance && a.row > b.row
}

func sift(h []neighbour, i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && farther(h[child+1], h[child]) {
			child++
		}
		if !farther(h[child], h[i]) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// odds returns the smoothed log odds of the k nearest; those that follow say how
// far they reach.
func (x *nearIndex) odds(near []neighbour, k int) float64 {
	k = min(k, len(near))
	reach := near[min(k, len(near)-1)].distance
	var sum [2]float64
	for _, n := range near[:k] {
		w := 1.0
		if reach > 0 {
			w = 1 - 0.9*(n.distance/reach)
		}
		if x.label[n.row] {
			sum[1] += w * x.share[1]
		} else {
			sum[0] += w * x.share[0]
		}
	}
	return math.Log1p(sum[1]) - math.Log1p(sum[0])
}
