package learn

import (
	"math"
	"slices"
	"sync"
	"testing"
)

// TestNullData: labels that mean nothing. Held out, and out of fold, the AUC is ½
// on average over seeds, which it would not be if a training row, or what was
// learned from its label, leaked into its own score.
func TestNullData(t *testing.T) {
	const seeds = 30
	sums := make(map[string][2]float64)
	add := func(what string, x float64) {
		s := sums[what]
		sums[what] = [2]float64{s[0] + x, s[1] + x*x}
	}
	for seed := range uint64(seeds) {
		rng := newRand(100 + seed)
		rows, labels := twoGaussians(rng, 120, 20, 0, 0)
		s, err := FitStack(rows, labels, StackOptions{CV: CV{Seed: seed}})
		if err != nil {
			t.Fatal(err)
		}
		testRows, testLabels := twoGaussians(rng, 200, 20, 0, 0)
		for what, scorer := range map[string]Scorer{"logistic": s.Logistic(), "knn": s.KNN(), "stack": s} {
			auc, _ := testAUC(scorer, testRows, testLabels)
			add(what, auc)
		}
		// With nothing to choose from as well.
		fixed, err := FitStack(rows, labels, StackOptions{
			CV: CV{Seed: seed}, Penalties: []float64{0.1}, Metrics: []Metric{MetricANOVA}, Neighbours: []int{9},
		})
		if err != nil {
			t.Fatal(err)
		}
		add("knn out of fold", fixed.TrainingAUC(KNNOnly))
		add("logistic out of fold", fixed.TrainingAUC(LogisticOnly))
		add("knn out of fold, chosen", s.TrainingAUC(KNNOnly))
	}
	for what, s := range sums {
		mean := s[0] / seeds
		se := math.Sqrt((s[1]/seeds - mean*mean) / (seeds - 1))
		t.Logf("%s: AUC %.4f ± %.4f", what, mean, se)
		low := mean < 0.5-3*se
		if what == "knn out of fold" || what == "logistic out of fold" || what == "knn out of fold, chosen" {
			// Out of fold there is a bias downward: where a fold has more of one kind of
			// rows, there are fewer of them to learn from. Leaks go upward.
			low = false
		}
		if low || mean > 0.5+3*se {
			t.Errorf("%s: AUC %.4f ± %.4f on null data", what, mean, se)
		}
	}
}

func TestStackBeatsItsParts(t *testing.T) {
	rng := newRand(31)
	draw := func(n int) ([][]float64, []bool) {
		rows, labels := twoGaussians(rng, n, 10, 2, 0.8)
		for i, r := range rows {
			if labels[i] {
				r[5] *= 3
			}
		}
		return rows, labels
	}
	rows, labels := draw(1200)
	testRows, testLabels := draw(2000)
	s, err := FitStack(rows, labels, StackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	both, se := testAUC(s, testRows, testLabels)
	logistic, _ := testAUC(s.Logistic(), testRows, testLabels)
	knn, _ := testAUC(s.KNN(), testRows, testLabels)
	t.Logf("stack %.4f ± %.4f, logistic %.4f, knn %.4f, chosen %s, by training AUC %.4f", both, se, logistic, knn, s.Chosen(), s.TrainingAUC(s.Chosen()))
	if both < max(logistic, knn)-2*se {
		t.Errorf("stack %.4f, logistic %.4f, knn %.4f", both, logistic, knn)
	}
	wantNear(t, "training AUC", s.TrainingAUC(s.Chosen()), both, 0.04)
	if !math.IsNaN(s.TrainingAUC("")) {
		t.Error("AUC of no combination")
	}
}

// TestStackIsCalibrated: the score is the log odds.
func TestStackIsCalibrated(t *testing.T) {
	rng := newRand(32)
	rows, labels := twoGaussians(rng, 1000, 10, 2, 1)
	s, err := FitStack(rows, labels, StackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testRows, testLabels := twoGaussians(rng, 4000, 10, 2, 1)
	var expected, seen, n float64
	for i, row := range testRows {
		if o := s.Score(row); o > 0.5 && o < 1.5 {
			expected += 1 / (1 + math.Exp(-o))
			n++
			if testLabels[i] {
				seen++
			}
		}
	}
	p := expected / n
	wantNear(t, "share of label true at odds of about e", seen/n, p, 4*math.Sqrt(p*(1-p)/n)+0.02)
}

// TestSameAgain: the same input gives the same bits, the order of features and
// what the caller does to his rows afterwards change nothing, and goroutines do
// not disturb each other.
func TestSameAgain(t *testing.T) {
	rng := newRand(33)
	rows, labels := twoGaussians(rng, 200, 8, 2, 0.7)
	for i, r := range rows {
		r[3] = math.Exp(3 * r[3])
		if i%7 == 0 {
			r[4] = math.NaN()
		}
		r[7] = 1
	}
	order := rng.Perm(8)
	permuted, copied := make([][]float64, len(rows)), make([][]float64, len(rows))
	for i, r := range rows {
		permuted[i] = pick(r, order)
		copied[i] = slices.Clone(r)
	}
	fit := func(rows [][]float64) *Stack {
		s, err := FitStack(rows, labels, StackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b, c := fit(rows), fit(copied), fit(permuted)
	for _, r := range copied {
		clear(r)
	}
	if a.Chosen() != c.Chosen() || a.Logistic().Penalty() != c.Logistic().Penalty() || a.KNN().Neighbours() != c.KNN().Neighbours() {
		t.Errorf("chose differently for permuted features: %s %s", a.Chosen(), c.Chosen())
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i, r := range rows {
				s := a.Score(r)
				if s != b.Score(r) {
					t.Errorf("row %d: not the same again", i)
				}
				if p := c.Score(permuted[i]); math.Abs(p-s) > 1e-6 {
					t.Errorf("row %d: %g, with permuted features %g", i, s, p)
				}
			}
		}()
	}
	wg.Wait()
}

func TestFoldsKeepGroups(t *testing.T) {
	rng := newRand(34)
	const n = 300
	class, group := make([]int, n), make([]int, n)
	for i := range class {
		group[i] = rng.IntN(40)
		class[i] = group[i] % 3
	}
	fold, folds, err := CV{Groups: group}.assign(class, 3)
	if err != nil {
		t.Fatal(err)
	}
	where := make(map[int]int)
	count := make([][3]int, folds)
	for i, g := range group {
		if f, ok := where[g]; ok && f != fold[i] {
			t.Fatalf("group %d is in folds %d and %d", g, f, fold[i])
		}
		where[g] = fold[i]
		count[fold[i]][class[i]]++
	}
	for f, c := range count {
		for k := range c {
			if c[k] < 10 || c[k] > 35 {
				t.Errorf("fold %d has %v rows of each class", f, c)
			}
		}
	}
	// Single rows: every fold has its share of each class, to a row.
	fold, folds, err = CV{Seed: 3}.assign(class, 3)
	if err != nil {
		t.Fatal(err)
	}
	for k := range 3 {
		count := make([]int, folds)
		for i := range class {
			if class[i] == k {
				count[fold[i]]++
			}
		}
		if slices.Max(count)-slices.Min(count) > 1 {
			t.Errorf("class %d: %v rows in the folds", k, count)
		}
	}
}

func BenchmarkFitStack(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 2000, 100, 10, 0.3)
	for b.Loop() {
		if _, err := FitStack(rows, labels, StackOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
