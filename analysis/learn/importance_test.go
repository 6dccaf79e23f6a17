package learn

import (
	"errors"
	"math"
	"testing"
)

func TestPermutationImportance(t *testing.T) {
	rng := newRand(41)
	rows, labels := twoGaussians(rng, 600, 6, 2, 0.9)
	m, err := FitLogistic(rows, labels, LogisticOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testRows, testLabels := twoGaussians(rng, 800, 6, 2, 0.9)
	groups := []FeatureGroup{{"first", []int{0}}, {"telling", []int{0, 1}}, {"noise", []int{2, 3, 4, 5}}, {"none", nil}}
	got, err := PermutationImportance(m, testRows, testLabels, groups, ImportanceOptions{}, rng)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range got {
		t.Logf("%s: %.4f [%.4f, %.4f]", i.Group, i.Drop.Center, i.Drop.Lo, i.Drop.Hi)
	}
	full, _ := testAUC(m, testRows, testLabels)
	// Without what tells, the AUC is ½; with one of two features shuffled, its
	// score is noise of the other's size on top of the other's.
	wantNear(t, "telling", got[1].Drop.Center, full-0.5, 0.04)
	if d := got[0].Drop; d.Lo <= 0 || d.Center >= got[1].Drop.Center || !d.Contains(d.Center) {
		t.Errorf("first: %+v", d)
	}
	wantNear(t, "noise", got[2].Drop.Center, 0, 0.02)
	if d := got[3].Drop; d.Center != 0 || d.Lo != 0 || d.Hi != 0 {
		t.Errorf("none: %+v", d)
	}
	for name, err := range map[string]error{
		"column":     second(PermutationImportance(m, testRows, testLabels, []FeatureGroup{{"", []int{6}}}, ImportanceOptions{}, rng)),
		"no random":  second(PermutationImportance(m, testRows, testLabels, groups, ImportanceOptions{}, nil)),
		"confidence": second(PermutationImportance(m, testRows, testLabels, groups, ImportanceOptions{Confidence: 95}, rng)),
		"one class":  second(PermutationImportance(m, testRows, make([]bool, len(testRows)), groups, ImportanceOptions{}, rng)),
	} {
		if !errors.Is(err, ErrTraining) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestImportanceCovers: over many held-out sets the interval holds the drop that a
// very large one shows.
func TestImportanceCovers(t *testing.T) {
	rng := newRand(42)
	rows, labels := twoGaussians(rng, 600, 3, 2, 0.9)
	m, err := FitLogistic(rows, labels, LogisticOptions{})
	if err != nil {
		t.Fatal(err)
	}
	group := []FeatureGroup{{"first", []int{0}}}
	large, largeLabels := twoGaussians(rng, 40_000, 3, 2, 0.9)
	got, err := PermutationImportance(m, large, largeLabels, group, ImportanceOptions{Resamples: 1}, rng)
	if err != nil {
		t.Fatal(err)
	}
	truth := got[0].Drop.Center
	const trials = 150
	hits := 0
	for range trials {
		testRows, testLabels := twoGaussians(rng, 150, 3, 2, 0.9)
		got, err := PermutationImportance(m, testRows, testLabels, group, ImportanceOptions{Resamples: 200, Confidence: 0.9}, rng)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Drop.Contains(truth) {
			hits++
		}
	}
	share := float64(hits) / trials
	t.Logf("drop %.4f, covered in %.3f", truth, share)
	if share < 0.9-4*math.Sqrt(0.09/trials) {
		t.Errorf("interval of 0.9 covers in %.3f", share)
	}
}

func TestSingleFeatures(t *testing.T) {
	rng := newRand(43)
	rows, labels := twoGaussians(rng, 2000, 4, 1, 1)
	for i, r := range rows {
		r[1] = -r[0]
		if labels[i] && rng.Float64() < 0.5 {
			r[3] = math.NaN()
		}
	}
	f, err := SingleFeatures(rows, labels, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	bayes := bayesAUC(1)
	wantNear(t, "first", f[0].Value.Center, bayes, 0.04)
	wantNear(t, "mirrored", f[1].Value.Center, 1-f[0].Value.Center, 1e-12)
	wantNear(t, "noise", f[2].Value.Center, 0.5, 0.04)
	wantNear(t, "gap", f[3].Missing.Center, 0.75, 0.04)
	wantNear(t, "beside the gap", f[3].Value.Center, 0.5, 0.06)
	if s := Strongest(f); s[0].Feature > 1 && s[0].Feature != 3 || s[3].Feature != 2 {
		t.Errorf("order %v", s)
	}
}
