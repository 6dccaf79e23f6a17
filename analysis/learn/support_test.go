package learn

import (
	"math"
	"math/rand/v2"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(140, seed)) }

func wantNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.12g, want %.12g", what, got, want)
	}
}

// twoGaussians draws rows of d features of which the first few differ in mean
// between the classes, by delta each; every other row is of label true.
func twoGaussians(rng *rand.Rand, n, d, telling int, delta float64) (rows [][]float64, labels []bool) {
	rows, labels = make([][]float64, n), make([]bool, n)
	for i := range rows {
		labels[i] = i%2 == 1
		rows[i] = make([]float64, d)
		for j := range rows[i] {
			rows[i][j] = rng.NormFloat64()
			if labels[i] && j < telling {
				rows[i][j] += delta
			}
		}
	}
	return rows, labels
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// bayesAUC is the AUC of the likelihood ratio of two Gaussians of equal
// covariance at Mahalanobis distance d.
func bayesAUC(d float64) float64 { return normalCDF(d / math.Sqrt2) }

// testAUC scores held-out rows, and returns the standard error of Hanley and
// McNeil (1982) as well.
func testAUC(s Scorer, rows [][]float64, labels []bool) (auc, se float64) {
	scores, class := make([]float64, len(rows)), make([]int, len(rows))
	var count [2]float64
	for i, row := range rows {
		scores[i] = s.Score(row)
		if labels[i] {
			class[i] = 1
		}
		count[class[i]]++
	}
	a := aucOf(scores, class)
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	v := (a*(1-a) + (count[1]-1)*(q1-a*a) + (count[0]-1)*(q2-a*a)) / (count[0] * count[1])
	return a, math.Sqrt(math.Max(v, 0))
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
