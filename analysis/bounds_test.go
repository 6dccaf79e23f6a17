package analysis

import (
	"math"
	"reflect"
	"testing"

	"gonum.org/v1/gonum/floats"
	"pgregory.net/rapid"
)

// TestSliceSumFigures: routers whose slices are a quarter of tiers of 75, with
// SciPy 1.10.1 (testdata/golden.py).
func TestSliceSumFigures(t *testing.T) {
	c := SliceSumBayes(BinomialLaw(75, 0.25), 16)
	for _, test := range []struct {
		k, off int
		want   float64
	}{{1, 0, 0.97769481132}, {2, 0, 0.936361703257}, {4, 0, 0.79495961398}, {8, 1, 0.992832211992}, {16, 0, 0.735645137561}} {
		wantNear(t, "Bayes rule", c.Within(test.k, test.off), test.want, 1e-11)
	}
}

// TestSliceSumAgainstTrials plays the rule instead of summing over laws.
func TestSliceSumAgainstTrials(t *testing.T) {
	law := []float64{0.1, 0.2, 0, 0.4, 0.3}
	c := SliceSumBayes(law, 3)
	rng := newRand(70)
	draw := func() int {
		s := 0
		for u := rng.Float64() - law[0]; u >= 0 && s < len(law)-1; u -= law[s] {
			s++
		}
		return s
	}
	const trials = 40000
	seen := make([][]float64, 3) // by k: how often each sum
	for k := range seen {
		seen[k] = make([]float64, 13)
		for range trials {
			sum := 0
			for range k + 1 {
				sum += draw()
			}
			seen[k][sum]++
		}
	}
	// The best rule's accuracy over a uniform k is a third of Σ max.
	best, exact := 0.0, 0.0
	for sum := range 13 {
		best += max(seen[0][sum], seen[1][sum], seen[2][sum]) / trials / 3
	}
	for k := 1; k <= 3; k++ {
		exact += c.Within(k, 0) / 3
		wantNear(t, "row", floats.Sum(c[k-1]), 1, 1e-12)
		wantNear(t, "within all", c.Within(k, 16), 1, 1e-12)
	}
	if math.Abs(best-exact) > 0.01 {
		t.Errorf("accuracy %.4f, in trials %.4f", exact, best)
	}
	one := SliceSumBayes([]float64{0, 0, 1}, 5) // slices of one size tell all
	for k := 1; k <= 5; k++ {
		wantNear(t, "slices of one size", one.Within(k, 0), 1, 0)
	}
	none := SliceSumBayes([]float64{1}, 4) // empty slices tell nothing
	if none.Within(1, 0) != 1 || none.Within(2, 0) != 0 || none.Within(2, 1) != 1 {
		t.Errorf("empty slices: %v", none)
	}
}

func TestSumLaw(t *testing.T) {
	for _, test := range []struct{ got, want []float64 }{
		{SumLaw(), []float64{1}},
		{SumLaw(BinomialLaw(7, 0.3), BinomialLaw(0, 0.3), BinomialLaw(4, 0.3)), BinomialLaw(11, 0.3)},
		{SumLaw([]float64{0.5, 0.5}, []float64{0, 0, 1}), []float64{0, 0, 0.5, 0.5}},
	} {
		if !floats.EqualApprox(test.got, test.want, 1e-14) {
			t.Errorf("%v, want %v", test.got, test.want)
		}
	}
}

// A law that ends earlier gives the values beyond no probability.
func TestBestTestLengths(t *testing.T) {
	short, long := []float64{0.25, 0.75}, []float64{0, 0.5, 0.5}
	padded := BestTest([]float64{0.25, 0.75, 0}, long)
	if got := BestTest(short, long); !reflect.DeepEqual(got, padded) {
		t.Errorf("%+v, want %+v", got, padded)
	}
	wantNear(t, "AUC", padded.AUC, 1-0.75*0.5/2, 1e-15)
	wantNear(t, "swapped", BestTest(long, short).AUC, padded.AUC, 1e-15)
}

func TestBestOccupancyTest(t *testing.T) {
	// Two draws from one or from two values: d = 2 in half of the trials.
	b := BestOccupancyTest(1, 2, 2)
	wantNear(t, "AUC", b.AUC, 0.75, 1e-15)
	wantNear(t, "advantage", b.Advantage, 0.5, 1e-15)
	wantNear(t, "TPR at 0", b.TPRAt(0), 0.5, 1e-15)
	wantNear(t, "TPR at 0.2", b.TPRAt(0.2), 0.6, 1e-15)
	wantNear(t, "TPR at 1", b.TPRAt(1), 1, 1e-15)
	wantNear(t, "log ratio", OccupancyLogRatio(6, 12, 3, 2), math.Log(3.0*12*11/(12*12*12))-math.Log(3.0*6*5/(6*6*6)), 1e-12)
	if !math.IsInf(OccupancyLogRatio(1, 2, 2, 2), 1) {
		t.Error("two values of one")
	}
	for _, same := range []TestBound{BestOccupancyTest(9, 9, 5), BestOccupancyTest(9, 20, 0), BestOccupancyTest(9, 20, 1)} {
		wantNear(t, "nothing to tell", same.AUC, 0.5, 1e-12)
		wantNear(t, "nothing to tell, advantage", same.Advantage, 0, 1e-12)
		wantNear(t, "nothing to tell, TPR", same.TPRAt(0.3), 0.3, 1e-12)
	}
	// Sampled scores: the number of distinct draws has no better AUC.
	rng := newRand(71)
	distinct := func(m int) []float64 {
		out := make([]float64, 4000)
		seen := make([]int, m)
		for i := range out {
			clear(seen)
			for range 16 {
				seen[rng.IntN(m)]++
			}
			for _, k := range seen {
				out[i] += float64(min(k, 1))
			}
		}
		return out
	}
	b = BestOccupancyTest(19, 38, 16)
	if e := AUC(distinct(19), distinct(38), 0.9999); !e.Contains(b.AUC) {
		t.Errorf("AUC %.4f, in trials %+v", b.AUC, e)
	}
}

func TestBestTestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "values")
		law := func(name string) []float64 {
			p := make([]float64, n)
			for i := range p {
				p[i] = float64(rapid.IntRange(0, 5).Draw(t, name))
			}
			p[rapid.IntRange(0, n-1).Draw(t, "positive")]++
			floats.Scale(1/floats.Sum(p), p)
			return p
		}
		p, q := law("p"), law("q")
		b, swapped := BestTest(p, q), BestTest(q, p)
		distance := 0.0
		for i := range p {
			distance += math.Abs(p[i]-q[i]) / 2
		}
		if !near(b.Advantage, distance, 1e-12) || !near(b.AUC, swapped.AUC, 1e-12) || b.AUC > (1+2*distance-distance*distance)/2+1e-12 {
			t.Fatalf("AUC %g and %g, advantage %g, want %g", b.AUC, swapped.AUC, b.Advantage, distance)
		}
		// Any other score is no better: its AUC is that of the values in order.
		auc, below := 0.0, 0.0
		for i := range p {
			auc += q[i] * (below + p[i]/2)
			below += p[i]
		}
		if auc > b.AUC+1e-12 {
			t.Fatalf("a score has AUC %g, the best %g", auc, b.AUC)
		}
		last := 0.0
		for fpr := 0.0; fpr <= 1; fpr += 1.0 / 16 {
			tpr := b.TPRAt(fpr)
			if tpr < fpr-1e-12 || tpr < last-1e-12 {
				t.Fatalf("TPR %g at %g, after %g", tpr, fpr, last)
			}
			last = tpr
		}
		for i := 1; i < len(b.Curve); i++ {
			if b.Curve[i].Threshold > b.Curve[i-1].Threshold {
				t.Fatalf("thresholds do not fall: %+v", b.Curve)
			}
		}
	})
}

func TestOccupancyBoundGrows(t *testing.T) {
	last := 0.0
	for draws := 1; draws <= 64; draws *= 2 {
		b := BestOccupancyTest(12, 24, draws)
		if b.AUC < last {
			t.Errorf("%d draws: AUC %g after %g", draws, b.AUC, last)
		}
		last = b.AUC
		for d := 2; d <= min(draws, 12); d++ {
			if OccupancyLogRatio(12, 24, draws, d) < OccupancyLogRatio(12, 24, draws, d-1) {
				t.Errorf("%d draws: the evidence falls at %d distinct", draws, d)
			}
		}
	}
}
