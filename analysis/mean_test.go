package analysis

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMeanOfShares(t *testing.T) {
	// Where every value differs a little, the interval is Student's.
	rng := rand.New(rand.NewPCG(1, 2))
	var xs []float64
	for range 200 {
		xs = append(xs, 0.99+0.01*rng.Float64())
	}
	if got, want := MeanOfShares(xs, 0.95, ""), MeanWithin(xs, 0, 1, 0.95, ""); got.Lo != want.Lo || got.Hi != want.Hi {
		t.Errorf("%v, want %v", got, want)
	}
	// A failure in a hundred: n·KL(0.99, μ) = log 40 at the bound.
	for i := range xs {
		xs[i] = 1
	}
	xs[0], xs[7] = 0, 0
	e := MeanOfShares(xs, 0.95, "")
	wantNear(t, "divergence", 200*bernoulliKL(0.99, e.Lo), math.Log(40), 1e-9)
	if student := MeanWithin(xs, 0, 1, 0.95, ""); e.Lo >= student.Lo || e.Hi != student.Hi || len(e.Warnings) != 1 {
		t.Errorf("%v beside Student's %v", e, student)
	}
	// None: the rule of three.
	xs[0], xs[7] = 1, 1
	e = MeanOfShares(xs, 0.95, "")
	wantNear(t, "bound without failures", e.Lo, math.Pow(0.05, 1.0/200), 1e-12)
	if e := MeanOfShares(nil, 0.95, ""); e.Defined() {
		t.Errorf("of nothing: %v", e)
	}
	if e := MeanOfShares([]float64{0.5, 0.5, 0.5}, 0.95, ""); !(e.Lo < 0.2 && e.Hi > 0.8) {
		t.Errorf("of three equal values: %v", e)
	}
}

// TestMeanOfSharesCoverage: how often the interval covers, against how often it should,
// where Student's fails.
func TestMeanOfSharesCoverage(t *testing.T) {
	const runs = 2000
	for _, law := range []struct {
		name  string
		n     int
		mean  float64
		least float64 // coverage
		draw  func(*rand.Rand) float64
	}{
		{"one failure in a hundred", 100, 0.99, 0.94, func(r *rand.Rand) float64 { return bernoulli(r, 0.99) }},
		{"one failure in fifty", 400, 0.98, 0.94, func(r *rand.Rand) float64 { return bernoulli(r, 0.98) }},
		// One sample in twenty shows no long outage, and nothing tells that there are any.
		{"rare long outages beside short ones", 150, 0.02*0.5 + 0.98*0.995, 0.9, func(r *rand.Rand) float64 {
			if r.Float64() < 0.02 {
				return r.Float64()
			}
			return 0.99 + 0.01*r.Float64()
		}},
		{"one failure in ten", 12, 0.9, 0.94, func(r *rand.Rand) float64 { return bernoulli(r, 0.9) }},
		{"even", 8, 0.5, 0.94, (*rand.Rand).Float64},
		{"even", 30, 0.5, 0.94, (*rand.Rand).Float64},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		covered, student := 0, 0
		for range runs {
			xs := make([]float64, law.n)
			for i := range xs {
				xs[i] = law.draw(rng)
			}
			if MeanOfShares(xs, 0.95, "").Contains(law.mean) {
				covered++
			}
			if Mean(xs, 0.95, "").Contains(law.mean) {
				student++
			}
		}
		t.Logf("%s, n = %d: covers %.3f (Student's %.3f), nominal 0.950", law.name, law.n,
			float64(covered)/runs, float64(student)/runs)
		if e := ClopperPearson(covered, runs, 0.999); e.Hi < law.least {
			t.Errorf("%s: covers %d of %d", law.name, covered, runs)
		}
	}
}

func bernoulli(r *rand.Rand, p float64) float64 {
	if r.Float64() < p {
		return 1
	}
	return 0
}
