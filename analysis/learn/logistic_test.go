package learn

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

type golden struct {
	Logistic struct {
		Rows   [][]float64
		Labels []int
		Fits   []struct {
			Penalty, Intercept float64
			Weights, Scores    []float64
		}
		F []float64
	}
	Softmax struct {
		Rows   [][]float64
		Labels []int
		Fits   []struct {
			Penalty float64
			Logs    [][]float64 `json:"log_probabilities"`
		}
	}
	Mixture struct {
		Points [][]float64
		Fits   []struct {
			LogLik float64 `json:"log_likelihood"`
			BIC    float64
			Means  [][]float64
		}
	}
}

// readGolden reads what testdata/golden.py wrote; versions are in the file.
func readGolden(t *testing.T) *golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(golden)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

var plainScale = ScaleOptions{Centering: Moments, Tails: KeepTails}

func TestLogisticGolden(t *testing.T) {
	g := readGolden(t).Logistic
	labels := make([]bool, len(g.Labels))
	for i, l := range g.Labels {
		labels[i] = l == 1
	}
	for _, want := range g.Fits {
		m, err := FitLogistic(g.Rows, labels, LogisticOptions{Scale: plainScale, Penalties: []float64{want.Penalty}})
		if err != nil {
			t.Fatal(err)
		}
		wantNear(t, "intercept", m.beta[0], want.Intercept, 1e-7)
		for j, w := range m.Weights() {
			wantNear(t, "weight", w.Value, want.Weights[j], 1e-7)
		}
		for i, s := range want.Scores {
			wantNear(t, "score", m.Score(g.Rows[i]), s, 1e-7)
		}
	}
	// What the nearest neighbours weigh features by, from scikit-learn's F.
	for j, f := range g.F {
		column := func(r []float64) float64 { return r[j] }
		n := float64(len(g.Rows))
		wantNear(t, "share", anovaShare(g.Rows, g.Labels, column), math.Max(0, (f-1)/(f+n-2)), 1e-9)
	}
}

func TestSoftmaxGolden(t *testing.T) {
	g := readGolden(t).Softmax
	for _, want := range g.Fits {
		m, err := FitSoftmax(g.Rows, g.Labels, LogisticOptions{Scale: plainScale, Penalties: []float64{want.Penalty}})
		if err != nil {
			t.Fatal(err)
		}
		for i, logs := range want.Logs {
			for c, l := range m.LogProbabilities(g.Rows[i]) {
				wantNear(t, "log probability", l, logs[c], 1e-5)
			}
		}
	}
}

func TestLogisticNearsBayes(t *testing.T) {
	for _, n := range []int{400, 2000} {
		rng := newRand(uint64(n))
		rows, labels := twoGaussians(rng, n, 40, 4, 0.6)
		m, err := FitLogistic(rows, labels, LogisticOptions{})
		if err != nil {
			t.Fatal(err)
		}
		testRows, testLabels := twoGaussians(rng, 4000, 40, 4, 0.6)
		auc, se := testAUC(m, testRows, testLabels)
		bayes := bayesAUC(0.6 * 2)
		// The difference of the classes' means is known up to a variance of 4/n in
		// each of 40 coordinates; along it the distance is this much shorter.
		d2 := 1.44
		reach := bayesAUC(d2 / math.Sqrt(d2+4*40/float64(n)))
		t.Logf("%d rows: AUC %.4f ± %.4f, Bayes %.4f, to be had %.4f, penalty %.3g", n, auc, se, bayes, reach, m.Penalty())
		if auc > bayes+4*se || auc < reach-4*se {
			t.Errorf("%d rows: AUC %.4f ± %.4f, Bayes %.4f, to be had %.4f", n, auc, se, bayes, reach)
		}
	}
}

// TestLogisticSeparable: weights stay finite where the likelihood has no maximum.
func TestLogisticSeparable(t *testing.T) {
	rows, labels := twoGaussians(newRand(5), 60, 3, 1, 50)
	m, err := FitLogistic(rows, labels, LogisticOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range m.Weights() {
		if !isFinite(w.Value) || math.Abs(w.Value) > 100 {
			t.Errorf("weight %v", w)
		}
	}
	if auc, _ := testAUC(m, rows, labels); auc != 1 {
		t.Errorf("AUC %g", auc)
	}
}

// TestLogisticCollinear: copies of a feature share its weight and change no score
// but by the smaller penalty.
func TestLogisticCollinear(t *testing.T) {
	rows, labels := twoGaussians(newRand(6), 300, 2, 1, 1)
	opt := LogisticOptions{Penalties: []float64{0.01}}
	for i, r := range rows {
		rows[i] = []float64{r[0], r[1], r[0], 3 - 2*r[0]}
	}
	m, err := FitLogistic(rows, labels, opt)
	if err != nil {
		t.Fatal(err)
	}
	w := m.Weights()
	wantNear(t, "copy", w[2].Value, w[0].Value, 1e-8)
	wantNear(t, "mirrored copy", w[3].Value, -w[0].Value, 1e-8)
	single := make([][]float64, len(rows))
	for i, r := range rows {
		single[i] = []float64{r[0], r[1]}
	}
	s, err := FitLogistic(single, labels, LogisticOptions{Penalties: []float64{0.01}})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := testAUC(m, rows, labels)
	b, _ := testAUC(s, single, labels)
	wantNear(t, "AUC", a, b, 0.01)
}

func TestFitErrors(t *testing.T) {
	rows, labels := twoGaussians(newRand(7), 40, 2, 1, 1)
	few := make([]bool, 40)
	few[3] = true
	constant := make([][]float64, 40)
	for i := range constant {
		constant[i] = []float64{7, math.NaN()}
	}
	ragged := append([][]float64{{1}}, rows[1:]...)
	group := make([]int, 40)
	for name, err := range map[string]error{
		"no rows":          second(FitStack(nil, nil, StackOptions{})),
		"labels":           second(FitStack(rows, labels[1:], StackOptions{})),
		"one class":        second(FitStack(rows, few, StackOptions{})),
		"no features":      second(FitStack(make([][]float64, 40), labels, StackOptions{})),
		"nothing varies":   second(FitStack(constant, labels, StackOptions{})),
		"ragged":           second(FitStack(ragged, labels, StackOptions{})),
		"one fold":         second(FitStack(rows, labels, StackOptions{CV: CV{Folds: 1}})),
		"many folds":       second(FitStack(rows, labels, StackOptions{CV: CV{Folds: 41}})),
		"groups":           second(FitStack(rows, labels, StackOptions{CV: CV{Groups: []int{1}}})),
		"one group":        second(FitStack(rows, labels, StackOptions{CV: CV{Groups: group}})),
		"penalty":          second(FitLogistic(rows, labels, LogisticOptions{Penalties: []float64{0}})),
		"penalties":        second(FitLogistic(rows, labels, LogisticOptions{Penalties: []float64{}})),
		"metric":           second(FitKNN(rows, labels, KNNOptions{Metrics: []Metric{"taxicab"}})),
		"metrics":          second(FitKNN(rows, labels, KNNOptions{Metrics: []Metric{}})),
		"neighbours":       second(FitKNN(rows, labels, KNNOptions{Neighbours: []int{0}})),
		"neighbour":        second(FitKNN(rows, labels, KNNOptions{Neighbours: []int{}})),
		"softmax class":    second(FitSoftmax(rows, make([]int, 40), LogisticOptions{})),
		"0 routers":        second(FitPosterior(rows, make([]int, 40), PosteriorOptions{})),
		"prior":            second(FitPosterior(rows, halves(40), PosteriorOptions{Prior: []float64{1, math.NaN()}})),
		"impossible prior": second(FitPosterior(rows, halves(40), PosteriorOptions{Prior: []float64{0, 0, 1}})),
		"long prior":       second(FitPosterior(rows, halves(40), PosteriorOptions{Prior: make([]float64, 17)})),
		"axes":             second(FitPosterior(rows, halves(40), PosteriorOptions{Axes: []int{0}})),
		"points":           second(FitMixture(rows[:2], MixtureOptions{})),
		"point":            second(FitMixture([][]float64{{1}, {2}, {math.NaN()}}, MixtureOptions{})),
	} {
		if !errors.Is(err, ErrTraining) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func halves(n int) []int {
	k := make([]int, n)
	for i := range k {
		k[i] = 1 + i%2
	}
	return k
}

func BenchmarkFitLogistic(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 2000, 100, 10, 0.3)
	for b.Loop() {
		if _, err := FitLogistic(rows, labels, LogisticOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFitLogisticNoise(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 2000, 100, 0, 0)
	for b.Loop() {
		if _, err := FitLogistic(rows, labels, LogisticOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFitLogisticSeparable(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 2000, 100, 10, 3)
	for b.Loop() {
		if _, err := FitLogistic(rows, labels, LogisticOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLogisticScore(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 200, 100, 10, 0.3)
	m, err := FitLogistic(rows, labels, LogisticOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.Score(rows[0])
	}
}

// TestMissingTells: what gives the label away is that a feature is missing, and
// the classes are of very different size.
func TestMissingTells(t *testing.T) {
	rng := newRand(8)
	draw := func(n int) ([][]float64, []bool) {
		rows, labels := twoGaussians(rng, n, 3, 0, 0)
		for i := range rows {
			labels[i] = i%10 == 0
			if missing := rng.Float64(); missing < 0.1 || labels[i] && missing < 0.8 {
				rows[i][1] = math.NaN()
			}
		}
		return rows, labels
	}
	rows, labels := draw(1000)
	m, err := FitLogistic(rows, labels, LogisticOptions{Penalties: []float64{1e-4}})
	if err != nil {
		t.Fatal(err)
	}
	testRows, testLabels := draw(4000)
	auc, se := testAUC(m, testRows, testLabels)
	if math.Abs(auc-0.85) > 4*se+0.01 { // ½ + (0.8 − 0.1)/2
		t.Errorf("AUC %.4f ± %.4f, want 0.85", auc, se)
	}
	// For even odds, although one row in ten is of label true.
	wantNear(t, "log odds of a gap", m.Score([]float64{0, math.NaN(), 0}), math.Log(0.8/0.1), 0.4)
	wantNear(t, "log odds of a value", m.Score([]float64{0, 0, 0}), math.Log(0.2/0.9), 0.4)
}
