package game

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"multihome.i2p/analysis"
)

const untilScenario = `
question: How many trials does a width take?
seed: 11
trials: 6
training: 10
duration: 30m
warmup: 10m
destination: {scheme: p140, leases: 8, routers: {count: 2}, policy: per-router}
adversaries: [{name: poller, every: 5m, attacks: [distinct, richness]}]
`

func TestUntil(t *testing.T) {
	s := parse(t, untilScenario)
	until := &Until{Width: 0.6, Max: 60}
	res := run(t, s, Options{Workers: 2, Until: until})
	n := res.Summary.Trials
	if n <= s.Trials || n >= until.Max {
		t.Fatalf("%d trials: the width decides nothing here", n)
	}
	for _, k := range []int{6, 9, 14, 21, 32, 48} { // grows by half
		if k > n {
			t.Errorf("%d trials are none of the steps", n)
		}
		if k >= n {
			break
		}
	}
	note := strings.Join(res.Figures.Text.Warnings, "\n")
	if !strings.Contains(note, "was not fixed beforehand: from 6 in each arm") {
		t.Errorf("the report does not say how the number of trials came about: %q", note)
	}
	for i := range res.Summary.Cells {
		for name, m := range res.Summary.Cells[i].Metrics() {
			limit := until.Width
			relative, counts := widthOf(name)
			if relative {
				limit *= math.Abs(m.Center)
			}
			if counts && !(m.Hi-m.Lo <= limit) {
				t.Errorf("%s is [%v, %v] wide", name, m.Lo, m.Hi)
			}
		}
	}
	// The numbers are those of a run with as many trials from the beginning.
	fixed := *s
	fixed.Trials = n
	same := run(t, &fixed, Options{Workers: 1})
	a, _ := res.Summary.Encode()
	b, _ := same.Summary.Encode()
	if !bytes.Equal(a, b) {
		t.Error("a run of as many trials from the beginning has other numbers")
	}
	if len(same.Figures.Text.Warnings) > 0 {
		t.Error("a run of a fixed number of trials is warned of")
	}
}

// A run that goes on until its intervals are narrow may be stopped anywhere.
func TestUntilGoesOn(t *testing.T) {
	s := parse(t, untilScenario)
	until := &Until{Width: 0.6, Max: 60}
	whole := bytesOf(t, run(t, s, Options{Until: until}))
	store := &memory{}
	for _, stop := range []int{15, 40, 55} {
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Run(ctx, s, Options{Workers: 2, Store: store, Until: until, Progress: func(p Progress) {
			if p.Done >= stop {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, ErrStopped) {
			t.Fatalf("stopped at %d: %v, want ErrStopped", stop, err)
		}
	}
	if !bytes.Equal(bytesOf(t, run(t, s, Options{Workers: 3, Store: store, Until: until})), whole) {
		t.Error("a run that was stopped gives other results")
	}
	res := run(t, s, Options{Store: store, Until: &Until{Width: 0.01, Max: 13}})
	note := strings.Join(res.Figures.Text.Warnings, "\n")
	if res.Summary.Trials != 13 || !strings.Contains(note, "It reached the limit with ") {
		t.Errorf("%d trials: %q", res.Summary.Trials, note)
	}
}

// Intervals of a run that stops by their width cover as often as they say. The
// first look has few trials, so that the stop matters; the scores are normal, so that
// the AUC is known.
func TestUntilCoverage(t *testing.T) {
	const runs = 2000
	rng := rand.New(rand.NewPCG(7, 7))
	for _, u := range []Until{{0.3, 1000}, {0.2, 1000}, {0.15, 1000}} {
		for _, shift := range []float64{0, 1} {
			truth := math.Erfc(-shift/2) / 2 // Φ(shift/√2)
			covered, trials := 0, 0
			for range runs {
				var neg, pos []float64
				var e analysis.Estimate
				for n := 20; ; n = u.enlarged(n) {
					for len(neg) < n {
						neg, pos = append(neg, rng.NormFloat64()), append(pos, shift+rng.NormFloat64())
					}
					if e = analysis.AUC(neg, pos, confidence); e.Hi-e.Lo <= u.Width || n == u.Max {
						trials += n
						break
					}
				}
				if e.Lo <= truth && truth <= e.Hi {
					covered++
				}
			}
			share := float64(covered) / runs
			t.Logf("until %.2f, AUC %.2f: %.1f %% of %d intervals cover, with %d trials in the mean", u.Width, truth, 100*share, runs, trials/runs)
			// Four standard errors.
			if share < confidence-4*math.Sqrt(confidence*(1-confidence)/runs) {
				t.Errorf("until %.2f, AUC %.2f: %.1f %% of the intervals cover", u.Width, truth, 100*share)
			}
		}
	}
}
