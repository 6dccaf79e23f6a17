package learn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// ErrTraining marks errors of a fit: rows or options from which nothing can be
// learned.
var ErrTraining = errors.New("learner cannot be trained")

// MinClass is the smallest number of training rows of each class.
const MinClass = 10

func failed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrTraining, fmt.Sprintf(format, args...))
}

// CV says how training rows are split for cross-validation. The zero value means
// five folds, rows dealt independently of each other.
type CV struct {
	// Folds is the number of folds; 0 means 5.
	Folds int
	// Groups, one number for each row, keeps the rows of a group in the same fold,
	// such as rows cut from the same trial; nil if all rows are independent.
	Groups []int
	// Seed shuffles rows before they are dealt, so that a period in their order
	// (arm, horizon, arm, horizon, …) does not end up as a fold.
	Seed uint64
}

// source returns a random source that depends on the seed and the purpose only.
func (cv CV) source(purpose uint64) *rand.Rand { return rand.New(rand.NewPCG(cv.Seed, purpose)) }

// assign deals rows to folds such that each fold has its share of each class. It
// fails if the rows outside some fold do not show each class at least twice.
func (cv CV) assign(class []int, classes int) (fold []int, folds int, err error) {
	n := len(class)
	folds = cv.Folds
	if folds == 0 {
		folds = 5
	}
	if folds < 2 || folds > n {
		return nil, 0, failed("%d folds of %d rows", folds, n)
	}
	if cv.Groups != nil && len(cv.Groups) != n {
		return nil, 0, failed("%d group numbers for %d rows", len(cv.Groups), n)
	}
	fold = make([]int, n)
	inFold := make([][]int, folds) // rows of each class
	for f := range inFold {
		inFold[f] = make([]int, classes)
	}
	total := make([]int, folds)
	groups := cv.groups(class, classes)
	if len(groups) < folds {
		return nil, 0, failed("%d folds of %d groups", folds, len(groups))
	}
	for _, members := range groups {
		// Into the fold that is shortest of the group's classes, then of rows.
		best, bestNeed := 0, math.Inf(1)
		for f := range folds {
			need := 0.0
			for _, i := range members {
				need += float64(inFold[f][class[i]])
			}
			need = need/float64(len(members))*float64(n+1) + float64(total[f])
			if need < bestNeed {
				best, bestNeed = f, need
			}
		}
		for _, i := range members {
			fold[i] = best
			inFold[best][class[i]]++
			total[best]++
		}
	}
	count := make([]int, classes)
	for _, c := range class {
		count[c]++
	}
	for f := range folds {
		for c := range classes {
			if count[c]-inFold[f][c] < 2 {
				return nil, 0, failed("without fold %d there are %d rows of a class: too few rows, or too few groups of them", f, count[c]-inFold[f][c])
			}
		}
	}
	return fold, folds, nil
}

// groups returns the rows of each group, in an order to deal them in: large
// groups first, since small ones can even out what those leave uneven.
func (cv CV) groups(class []int, classes int) [][]int {
	var groups [][]int
	if cv.Groups == nil {
		byClass := make([][]int, classes)
		for i, c := range class {
			byClass[c] = append(byClass[c], i)
		}
		for _, rows := range byClass {
			for _, i := range rows {
				groups = append(groups, []int{i})
			}
		}
	} else {
		number := make(map[int]int)
		for i, g := range cv.Groups {
			at, ok := number[g]
			if !ok {
				at = len(groups)
				number[g] = at
				groups = append(groups, nil)
			}
			groups[at] = append(groups[at], i)
		}
	}
	cv.source(1).Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
	slices.SortStableFunc(groups, func(a, b []int) int { return len(b) - len(a) })
	return groups
}

// sample returns up to limit rows in ascending order, of each class its share.
func (cv CV) sample(class []int, classes, limit int) []int {
	n := len(class)
	if n <= limit {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	byClass := make([][]int, classes)
	for i, c := range class {
		byClass[c] = append(byClass[c], i)
	}
	rng := cv.source(2)
	var picked []int
	for _, rows := range byClass {
		rng.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		picked = append(picked, rows[:(len(rows)*limit+n-1)/n]...)
	}
	slices.Sort(picked)
	return picked
}

// split returns the rows outside and inside a fold.
func split(fold []int, f int) (train, test []int) {
	for i, g := range fold {
		if g == f {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	return train, test
}

// checkRows returns the length of the rows.
func checkRows(rows [][]float64, labels int) (int, error) {
	if len(rows) == 0 {
		return 0, failed("no rows")
	}
	if len(rows) != labels {
		return 0, failed("%d rows but %d labels", len(rows), labels)
	}
	d := len(rows[0])
	if d == 0 {
		return 0, failed("rows without features")
	}
	for i, row := range rows {
		if len(row) != d {
			return 0, failed("row %d has %d features, the first one %d", i, len(row), d)
		}
	}
	return d, nil
}

// twoClasses numbers the classes of labels: 0 for false, 1 for true.
func twoClasses(labels []bool) (class []int, err error) {
	class = make([]int, len(labels))
	var count [2]int
	for i, l := range labels {
		if l {
			class[i] = 1
		}
		count[class[i]]++
	}
	if few := min(count[0], count[1]); few < MinClass {
		return nil, failed("%d rows of one class, %d are needed", few, MinClass)
	}
	return class, nil
}

// manyClasses numbers the distinct labels in ascending order.
func manyClasses(labels []int) (class, values []int, err error) {
	values = slices.Clone(labels)
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) < 2 {
		return nil, nil, failed("%d classes, 2 are needed", len(values))
	}
	count := make([]int, len(values))
	class = make([]int, len(labels))
	for i, l := range labels {
		class[i], _ = slices.BinarySearch(values, l)
		count[class[i]]++
	}
	for c, n := range count {
		if n < MinClass {
			return nil, nil, failed("%d rows of class %d, %d are needed", n, values[c], MinClass)
		}
	}
	return class, values, nil
}

// balance returns weights of sum 1 under which all classes weigh the same.
func balance(class []int, classes int) []float64 {
	count := make([]int, classes)
	for _, c := range class {
		count[c]++
	}
	present := 0
	for _, n := range count {
		if n > 0 {
			present++
		}
	}
	w := make([]float64, len(class))
	for i, c := range class {
		w[i] = 1 / (float64(present) * float64(count[c]))
	}
	return w
}

// A cvPath holds the cross-validated loss of candidates in the order in which
// they were tried, simplest first.
type cvPath struct {
	mean, se []float64 // over folds
	best     int
}

// add takes the loss of the next candidate in each fold.
func (p *cvPath) add(loss []float64) {
	mean, ss := 0.0, 0.0
	for _, l := range loss {
		mean += l / float64(len(loss))
	}
	for _, l := range loss {
		ss += (l - mean) * (l - mean)
	}
	p.mean = append(p.mean, mean)
	p.se = append(p.se, math.Sqrt(ss/float64(len(loss)-1)/float64(len(loss))))
	if mean < p.mean[p.best] {
		p.best = len(p.mean) - 1
	}
}

// choose returns the simplest candidate whose loss is within one standard error
// of the least.
//
// Hastie, Tibshirani, Friedman (2009), The Elements of Statistical Learning, 2nd
// ed., section 7.10.
func (p *cvPath) choose() int {
	limit := p.mean[p.best] + p.se[p.best]
	for i, m := range p.mean {
		if m <= limit {
			return i
		}
	}
	return p.best
}

// hopeless reports whether the last two candidates were so much worse than the
// best that less and less simple ones need not be tried.
func (p *cvPath) hopeless() bool {
	last := len(p.mean) - 1
	limit := p.mean[p.best] + 2*p.se[p.best]
	return last >= p.best+2 && p.mean[last] > limit && p.mean[last-1] > limit
}

// maxLogOdds bounds scores: beyond it they are rounding errors, and exp overflows.
const maxLogOdds = 700

func clampOdds(x float64) float64 { return math.Min(math.Max(x, -maxLogOdds), maxLogOdds) }

// softplus returns log(1+exp(x)).
func softplus(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// logLoss returns the loss of log odds against a label.
func logLoss(odds float64, label bool) float64 {
	if label {
		return softplus(-odds)
	}
	return softplus(odds)
}

// normaliseLog turns log weights into probabilities of sum 1, in place, and
// returns the log of what they summed to. Not all may be −Inf.
func normaliseLog(p []float64) float64 {
	top := slices.Max(p)
	sum := 0.0
	for i := range p {
		p[i] = math.Exp(p[i] - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return top + math.Log(sum)
}
