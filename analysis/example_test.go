package analysis_test

import (
	"fmt"
	"math/rand/v2"

	"multihome.i2p/analysis"
)

// How many distinct gateways does a LeaseSet of 16 leases have, from one router
// and from four, each with a fast tier of 75 peers?
func ExampleExpectedDistinctSlices() {
	for _, routers := range []int{1, 2, 4} {
		fmt.Printf("%d: %.3f\n", routers, analysis.ExpectedDistinctSlices(75, 0.25, 16, routers))
	}
	// Output:
	// 1: 10.825
	// 2: 13.219
	// 4: 14.715
}

// An observer saw 20 gateways, 8 of them in one tunnel only.
func ExampleChao1() {
	counts := []int{9, 7, 6, 5, 4, 4, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1}
	e := analysis.Chao1(counts, 0.95)
	fmt.Printf("%.1f [%.1f, %.1f] %s of %d tunnels\n", e.Center, e.Lo, e.Hi, e.Unit, e.N)
	// Output:
	// 25.6 [21.2, 47.1] species of 57 tunnels
}

func ExampleOccupancy() {
	e := analysis.Occupancy(16, 9, 0.95, "gateways")
	fmt.Printf("%.0f [%.0f, %.0f] %s\n", e.Center, e.Lo, e.Hi, e.Unit)
	e = analysis.Occupancy(4, 4, 0.95, "gateways")
	fmt.Println(e.Defined(), e.Warnings[0])
	// Output:
	// 11 [9, 21] gateways
	// false all 4 draws are distinct: there is no upper bound
}

func ExampleAUC() {
	single := []float64{0.1, 0.4, 0.35, 0.8, 0.2}
	multi := []float64{0.9, 0.7, 0.8, 0.3, 0.95}
	e := analysis.AUC(single, multi, 0.95)
	fmt.Printf("%.2f [%.2f, %.2f]\n", e.Center, e.Lo, e.Hi)
	fmt.Println(e.Warnings[0])
	// Output:
	// 0.82 [0.40, 0.97]
	// 5 scores in the smaller class: DeLong's interval needs 10 or more
}

func ExampleBootstrapMean() {
	rng := rand.New(rand.NewPCG(1, 1))
	e := analysis.BootstrapMean([]float64{1, 1, 2, 2, 3, 3, 4, 5, 8, 13, 21}, 1000, 0.95, "min", rng)
	fmt.Printf("%.2f %s, interval wider above: %v\n", e.Center, e.Unit, e.Hi-e.Center > e.Center-e.Lo)
	// Output:
	// 5.73 min, interval wider above: true
}

// No trials: nothing is known, and the result says so.
func ExampleEstimate_Defined() {
	e := analysis.ClopperPearson(0, 0, 0.95)
	fmt.Println(e.Defined(), e.Lo, e.Hi, e.Warnings)
	// Output:
	// false 0 1 [no trials: the probability may be anything]
}
