package scenario_test

import (
	"fmt"

	"multihome.i2p/sim/scenario"
)

func ExampleParse() {
	text := `
question: Can four routers with few hops be told from one?
trials: 50
destination: {routers: {count: 4, hops: 1}}
adversaries: [{name: poller, horizons: [1h, 24h]}]
sweep: {destination.routers.overlap: [0.016, 0.3]}
`
	s, err := scenario.Parse("few-hops.yaml", []byte(text), scenario.Names{Policies: []string{"per-router"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Name, s.Trials, len(s.World.Destination.Routers), len(s.Reference.Destination.Routers))
	for _, cell := range s.Cells() {
		fmt.Println(cell.Grid, cell.World.Destination.Overlap)
	}

	_, err = scenario.Parse("few-hops.yaml", []byte("question: why?\ndestination: {routers: {hosp: 1}}\n"), scenario.Names{})
	fmt.Println(err)
	// Output:
	// few-hops 50 4 1
	// [{destination.routers.overlap 0.016}] 0.016
	// [{destination.routers.overlap 0.3}] 0.3
	// few-hops.yaml:2:25: unknown key "hosp" in destination.routers; did you mean hops?
}
