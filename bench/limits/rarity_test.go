package main

import (
	"math"
	"testing"
)

func TestShares(t *testing.T) {
	for _, mean := range append([]float64{1.01, 8.5, 12}, means...) {
		p := shares(mean)
		sum := 0.0
		for k, share := range p {
			sum += share
			if k > 1 && math.Abs(share/p[k-1]-p[k-1]/p[k-2]) > 1e-9 {
				t.Errorf("mean %v: no constant factor at %d leases", mean, k+1)
			}
		}
		if math.Abs(sum-1) > 1e-12 || math.Abs(meanOf(p)-mean) > 1e-9 {
			t.Errorf("mean %v: shares sum to %v with mean %v", mean, sum, meanOf(p))
		}
	}
}
