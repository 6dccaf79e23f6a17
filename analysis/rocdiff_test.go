package analysis

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
)

func TestAUCDifference(t *testing.T) {
	// The placement values by hand: negatives 1, 3, 5 and positives 2, 4, 6 have AUC
	// 6/9; the other attack sees all of it the other way round.
	neg, pos := []float64{1, 3, 5}, []float64{2, 4, 6}
	e := AUCDifference(neg, pos, pos, neg, 0.95)
	wantNear(t, "difference", e.Center, 1.0/3, 1e-12)
	s, _ := newScores(neg, pos)
	n, p := s.placements()
	for i, want := range []float64{1, 2.0 / 3, 1.0 / 3} {
		wantNear(t, "placement of a negative", n[i], want, 1e-12)
		wantNear(t, "placement of a positive", p[2-i], want, 1e-12)
	}
	auc, variance := s.deLong()
	var sum float64
	for i := range n {
		sum += (n[i]-auc)*(n[i]-auc) + (p[i]-auc)*(p[i]-auc)
	}
	wantNear(t, "variance", variance, sum/2/3, 1e-12)

	// An attack does not differ from itself.
	rng := rand.New(rand.NewPCG(1, 1))
	var a, b []float64
	for range 50 {
		a, b = append(a, rng.NormFloat64()), append(b, 1+rng.NormFloat64())
	}
	if e := AUCDifference(a, b, a, b, 0.95); e.Center != 0 || e.Hi-e.Lo > 0.06 {
		t.Errorf("of an attack and itself: %v", e)
	}
	// Two that err in no trial may still differ in the next.
	for i := range b {
		b[i] += 20
	}
	e = AUCDifference(a, b, a, b, 0.95)
	if e.Center != 0 || !(e.Lo < -0.04 && e.Hi > 0.04) || len(e.Warnings) == 0 {
		t.Errorf("of two attacks without error: %v", e)
	}
	if e := AUCDifference(nil, nil, nil, nil, 0.95); e.Defined() {
		t.Errorf("of nothing: %v", e)
	}
}

// TestAUCDifferenceCoverage: how often the interval covers, against how often it
// should, and how much pairing gains.
func TestAUCDifferenceCoverage(t *testing.T) {
	const runs = 1500
	for _, c := range []struct {
		n          int
		aucA, aucB float64
		shared     float64 // correlation of the scores
	}{
		{40, 0.7, 0.7, 0.8}, {40, 0.9, 0.7, 0.5}, {100, 0.6, 0.55, 0}, {60, 0.97, 0.9, 0.8},
	} {
		rng := rand.New(rand.NewPCG(5, uint64(c.n)))
		shift := func(auc float64) float64 { return math.Sqrt2 * distuv.UnitNormal.Quantile(auc) }
		draw := func(mean [2]float64) (x [2][]float64) {
			for range c.n {
				z := rng.NormFloat64()
				for k := range x {
					x[k] = append(x[k], mean[k]+math.Sqrt(c.shared)*z+math.Sqrt(1-c.shared)*rng.NormFloat64())
				}
			}
			return x
		}
		covered, width, alone := 0, 0.0, 0.0
		for range runs {
			neg, pos := draw([2]float64{}), draw([2]float64{shift(c.aucA), shift(c.aucB)})
			e := AUCDifference(neg[0], pos[0], neg[1], pos[1], 0.95)
			if e.Contains(c.aucA - c.aucB) {
				covered++
			}
			width += e.Hi - e.Lo
			a, b := AUC(neg[0], pos[0], 0.95), AUC(neg[1], pos[1], 0.95)
			alone += math.Hypot(a.Hi-a.Lo, b.Hi-b.Lo)
		}
		t.Logf("n = %d, AUC %g and %g, correlation %g: covers %.3f, nominal 0.950; width %.2f of that without pairing",
			c.n, c.aucA, c.aucB, c.shared, float64(covered)/runs, width/alone)
		if e := ClopperPearson(covered, runs, 0.999); e.Hi < 0.945 || e.Lo > 0.975 {
			t.Errorf("n = %d, AUC %g and %g: covers %d of %d", c.n, c.aucA, c.aucB, covered, runs)
		}
		if c.shared > 0.7 && width > 0.75*alone {
			t.Errorf("n = %d: pairing gains nothing", c.n)
		}
	}
}
