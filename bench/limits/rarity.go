package main

import (
	"fmt"
	"math"
	"strings"

	"multihome.i2p/analysis/result"
)

// How many leases services list has not been measured. Assumed is that k leases are
// listed by a share that falls by the same factor from each k to the next, from 1 to 16:
// of all laws with a given mean that with the largest entropy. The mean is swept over
// means: about 2 is Java I2P's default, about 5 to 7 i2pd's.
var means = []float64{2, 3, 5, 7}

const mostLeases = 16

// shares is the law of that mean: element k-1 is the share of services with k leases.
func shares(mean float64) []float64 {
	lo, hi := 0.0, 4.0 // of the factor
	for range 200 {
		if mid := (lo + hi) / 2; meanOf(falling(mid)) < mean {
			lo = mid
		} else {
			hi = mid
		}
	}
	return falling((lo + hi) / 2)
}

func falling(factor float64) []float64 {
	p := make([]float64, mostLeases)
	sum := 0.0
	for k := range p {
		p[k] = math.Pow(factor, float64(k))
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}

func meanOf(p []float64) float64 {
	m := 0.0
	for k, share := range p {
		m += float64(k+1) * share
	}
	return m
}

// rarity draws how many of 1,000 services on one router list as many leases as a service
// does: those that it can be taken for, all that shows else being alike.
func rarity() result.Figure {
	f := result.Figure{
		ID: "lease-count", Kind: result.Curve, Title: "What the number of leases alone gives away",
		Note: "Of 1,000 services on one router, those with as many leases. Leases a service: falling geometrically, an assumption.",
		X:    result.Axis{Label: "leases that the service lists", Unit: "1"},
		Y:    result.Axis{Label: "services that look alike, of 1,000", Unit: "1", Scale: result.Log},
	}
	for _, mean := range means {
		s := result.Series{Label: fmt.Sprintf("%g leases a service on average", mean), Arm: result.Policy}
		for k, share := range shares(mean) {
			s.X, s.Y = append(s.X, float64(k+1)), append(s.Y, 1000*share)
		}
		f.Series = append(f.Series, s)
	}
	return f
}

// rarityTable is the same for some numbers, with what the number does to the odds that
// the service has several routers if all who have list so many.
func rarityTable() string {
	counts := []int{2, 4, 8, 12, 16}
	var b strings.Builder
	b.WriteString("| leases a service on average |")
	for _, k := range counts {
		fmt.Fprintf(&b, " %d leases |", k)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(counts)) + "\n")
	for _, mean := range means {
		p := shares(mean)
		fmt.Fprintf(&b, "| %g |", mean)
		for _, k := range counts {
			fmt.Fprintf(&b, " %.3g of 1,000; odds × %.0f |", 1000*p[k-1], 1/p[k-1])
		}
		b.WriteString("\n")
	}
	return b.String()
}
