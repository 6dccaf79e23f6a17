package learn_test

import (
	"fmt"
	"math/rand/v2"

	"multihome.i2p/analysis/learn"
)

// What tells two arms apart, and how many routers made a row?
func Example() {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(n int) (rows [][]float64, multi []bool, routers []int) {
		for i := range n {
			k := 1 + i%3
			rows = append(rows, []float64{float64(10*k) + 3*rng.NormFloat64(), rng.NormFloat64()})
			multi = append(multi, k > 1)
			routers = append(routers, k)
		}
		return rows, multi, routers
	}
	rows, multi, routers := draw(600)
	heldOut, heldOutMulti, _ := draw(300)

	score, err := learn.FitStack(rows, multi, learn.StackOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println("several routers:", score.Score([]float64{25, 0}) > 0, score.Score([]float64{9, 0}) > 0)

	groups := []learn.FeatureGroup{{Name: "gateways", Columns: []int{0}}, {Name: "noise", Columns: []int{1}}}
	importance, err := learn.PermutationImportance(score, heldOut, heldOutMulti, groups, learn.ImportanceOptions{}, rng)
	if err != nil {
		panic(err)
	}
	for _, i := range importance {
		fmt.Printf("%s: AUC falls by more than 0.1: %v\n", i.Group, i.Drop.Lo > 0.1)
	}

	posterior, err := learn.FitPosterior(rows, routers, learn.PosteriorOptions{Prior: []float64{2, 1, 1}})
	if err != nil {
		panic(err)
	}
	set, _ := learn.CredibleSet(posterior.Posterior([]float64{31, 0}), 0.9)
	fmt.Println("routers:", set)
	// Output:
	// several routers: true false
	// gateways: AUC falls by more than 0.1: true
	// noise: AUC falls by more than 0.1: false
	// routers: [3]
}
