package learn

import (
	"math"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"
)

// TestNearestIsExact compares the search with a full sort.
func TestNearestIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := newRand(rapid.Uint64().Draw(t, "seed"))
		n, d := rapid.IntRange(20, 200).Draw(t, "n"), rapid.IntRange(1, 20).Draw(t, "d")
		k := rapid.IntRange(1, 60).Draw(t, "k")
		z, class := make([][]float64, n), make([]int, n)
		for i := range z {
			class[i] = i % 2
			z[i] = make([]float64, d)
			for j := range z[i] {
				z[i][j] = float64(rng.IntN(4)) // many ties
			}
		}
		x := newNearIndex(z, class, everyRow(n), MetricANOVA)
		query := z[0]
		want := make([]neighbour, n)
		for i := range want {
			sum := 0.0
			for c, j := range x.order {
				dist := x.weight[c] * (z[i][j] - query[j])
				sum += dist * dist
			}
			want[i] = neighbour{sum, i}
		}
		sort.SliceStable(want, func(a, b int) bool { return want[a].distance < want[b].distance-1e-12 })
		got := x.search(k).nearest(query)
		if len(got) != min(k, n) {
			t.Fatalf("%d neighbours of %d", len(got), k)
		}
		for i, g := range got {
			if math.Abs(g.distance-want[i].distance) > 1e-9 {
				t.Fatalf("neighbour %d at %g, want %g", i, g.distance, want[i].distance)
			}
		}
	})
}

// TestKNNDespiteNoise: two telling features among 58 that tell nothing.
func TestKNNDespiteNoise(t *testing.T) {
	rng := newRand(21)
	rows, labels := twoGaussians(rng, 1000, 60, 2, 1.2)
	m, err := FitKNN(rows, labels, KNNOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testRows, testLabels := twoGaussians(rng, 2000, 60, 2, 1.2)
	auc, se := testAUC(m, testRows, testLabels)
	bayes := bayesAUC(1.2 * math.Sqrt2)
	t.Logf("AUC %.4f ± %.4f, Bayes %.4f, metric %s, %d neighbours", auc, se, bayes, m.Metric(), m.Neighbours())
	if auc > bayes+4*se || auc < bayes-0.02-4*se {
		t.Errorf("AUC %.4f ± %.4f, Bayes %.4f", auc, se, bayes)
	}
}

// TestKNNSeesSpread: classes of equal mean, which no line tells apart.
func TestKNNSeesSpread(t *testing.T) {
	rng := newRand(22)
	draw := func(n int) ([][]float64, []bool) {
		rows, labels := twoGaussians(rng, n, 20, 0, 0)
		for i, r := range rows {
			if labels[i] {
				r[0] *= 4
				r[1] *= 4
			}
		}
		return rows, labels
	}
	rows, labels := draw(1000)
	testRows, testLabels := draw(2000)
	s, err := FitStack(rows, labels, StackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The radius of two coordinates: exponential of mean 1 against 16 in square.
	bayes := 16.0 / 17
	auc, se := testAUC(s, testRows, testLabels)
	linear, _ := testAUC(s.Logistic(), testRows, testLabels)
	t.Logf("AUC %.4f ± %.4f, Bayes %.4f, linear %.4f, chosen %s", auc, se, bayes, linear, s.Chosen())
	if auc > bayes+4*se || auc < bayes-0.03 {
		t.Errorf("AUC %.4f ± %.4f, Bayes %.4f", auc, se, bayes)
	}
	if s.Chosen() == LogisticOnly {
		t.Errorf("chose %s", s.Chosen())
	}
}

// TestKNNWhitened: what tells is the difference of two features that are nearly
// equal; in whitened coordinates it is an axis like others.
func TestKNNWhitened(t *testing.T) {
	rng := newRand(23)
	draw := func(n int) ([][]float64, []bool) {
		rows, labels := twoGaussians(rng, n, 12, 1, 1.5)
		for _, r := range rows {
			common := 3 * rng.NormFloat64()
			for j := 1; j < len(r); j++ {
				r[j] = common + r[j]
			}
			r[0] += common
		}
		return rows, labels
	}
	rows, labels := draw(1000)
	testRows, testLabels := draw(2000)
	var auc [2]float64
	for i, metrics := range [][]Metric{{MetricEqual}, {MetricWhitened}} {
		m, err := FitKNN(rows, labels, KNNOptions{Metrics: metrics})
		if err != nil {
			t.Fatal(err)
		}
		auc[i], _ = testAUC(m, testRows, testLabels)
		t.Logf("%s: AUC %.4f", m.Metric(), auc[i])
	}
	if auc[1] < auc[0]+0.02 {
		t.Errorf("AUC %v", auc)
	}
}

func TestUsableNeighbours(t *testing.T) {
	for _, test := range []struct {
		given []int
		rows  int
		want  []int
	}{
		{nil, 40, []int{9, 5}},
		{nil, 1000, []int{161, 101, 65, 41, 25, 15, 9, 5}},
		{nil, 8, []int{2}},
		{[]int{3, 7, 3}, 100, []int{7, 3}},
	} {
		got, err := usableNeighbours(test.given, test.rows)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%v of %d rows: %v, %v, want %v", test.given, test.rows, got, err, test.want)
		}
	}
}

func BenchmarkFitKNN(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 2000, 100, 10, 0.3)
	for b.Loop() {
		if _, err := FitKNN(rows, labels, KNNOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKNNScore10000(b *testing.B) {
	rows, labels := twoGaussians(newRand(1), 10_000, 100, 10, 0.3)
	z, class := rows, make([]int, len(rows))
	for i, l := range labels {
		if l {
			class[i] = 1
		}
	}
	for _, metric := range []Metric{MetricEqual, MetricANOVA, MetricWhitened} {
		x := newNearIndex(z, class, everyRow(len(z)), metric)
		b.Run(string(metric), func(b *testing.B) {
			for b.Loop() {
				x.odds(x.search(26).nearest(z[0]), 25)
			}
		})
	}
}
