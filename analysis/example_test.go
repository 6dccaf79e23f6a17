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

// Two Destinations were watched for different times, in 12 and in 5 LeaseSets. At
// one coverage they can be compared.
func ExampleRichnessAtCoverage() {
	long := []int{9, 8, 8, 7, 6, 6, 5, 4, 4, 3, 2, 2, 1, 1}
	short := []int{2, 2, 1, 1, 1, 1, 3, 2, 2, 1}
	for _, e := range []analysis.Estimate{
		analysis.RichnessAtCoverage(long, 12, 0.8, 200, 0.95, rand.New(rand.NewPCG(1, 1))),
		analysis.RichnessAtCoverage(short, 5, 0.8, 200, 0.95, rand.New(rand.NewPCG(1, 1))),
	} {
		fmt.Printf("%.1f [%.1f, %.1f]\n", e.Center, e.Lo, e.Hi)
	}
	// Output:
	// 9.9 [8.6, 11.3]
	// 10.3 [3.2, 17.3]
}

// Gateways seen in six hours, of which some left and others came.
func ExampleSummarizeOpen() {
	seen := [][]int{{0, 1, 2}, {0, 1}, {0, 2, 3}, {0}, {1, 2, 3, 4}, {1, 3}, {1, 2}, {2, 3, 5}, {2, 4, 5}, {3, 4, 5}, {3, 5}, {4, 5}, {5}}
	hours := []float64{1, 1, 1, 1, 1}
	s := analysis.SummarizeOpen(analysis.Occasions(seen, 6), hours, 0.95)
	fmt.Printf("%.1f [%.1f, %.1f] gateways at a time\n", s.MeanSize.Center, s.MeanSize.Lo, s.MeanSize.Hi)
	fmt.Printf("%.2f [%.2f, %.2f] stay for an hour\n", s.Survival.Center, s.Survival.Lo, s.Survival.Hi)
	// Output:
	// 7.1 [6.1, 9.5] gateways at a time
	// 0.78 [0.62, 1.00] stay for an hour
}

// An attack's scores in three bins, for single-homed trials and others.
func ExampleMutualInformation() {
	counts := [][]int{{30, 15, 5}, {10, 20, 20}}
	e := analysis.MutualInformation(counts, 0.95)
	p := analysis.ZeroLeak(counts, 999, 0.95, rand.New(rand.NewPCG(1, 1)))
	fmt.Printf("%.2f [%.2f, %.2f] %s, no leak: p = %.3f\n", e.Center, e.Lo, e.Hi, e.Unit, p.Center)
	// Output:
	// 0.14 [0.02, 0.26] bits, no leak: p = 0.001
}

// Sixteen leases from one slice of 19 peers, or from two of them: no test that
// counts distinct gateways does better.
func ExampleBestOccupancyTest() {
	b := analysis.BestOccupancyTest(19, 38, 16)
	fmt.Printf("AUC %.3f, TPR %.3f at FPR 0.01\n", b.AUC, b.TPRAt(0.01))
	// Output:
	// AUC 0.878, TPR 0.252 at FPR 0.01
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
