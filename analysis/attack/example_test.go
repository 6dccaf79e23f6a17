package attack_test

import (
	"fmt"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
)

// Sixteen leases through sixteen gateways: hardly one Java router.
func Example() {
	var tr trace.Trace
	tr.Reset(trace.Header{
		Destination: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Vantage:     trace.VantageNetDb,
		Source:      trace.SourceSim,
	})
	leases := make([]trace.Lease, 16)
	for i := range leases {
		leases[i] = trace.Lease{Gateway: trace.Hash{byte(i)}, Tunnel: uint32(i), EndMs: 1_700_000_600_000}
	}
	tr.AppendLookup(1_700_000_000_000, trace.Hash{99}, 1_700_000_000, 1_700_000_600, leases)

	a, err := attack.New("distinct")
	if err != nil {
		fmt.Println(err)
		return
	}
	features := a.Observe(attack.Gather(&tr, 0))
	verdict := a.Score(&features)
	fmt.Printf("more than one router: %v\n", verdict.Score > 3)
	fmt.Printf("%.0f [%.0f, %.0f] %s\n", verdict.Routers.Center, verdict.Routers.Lo, verdict.Routers.Hi, verdict.Routers.Unit)
	// Output:
	// more than one router: true
	// 13 [6, 16] routers
}

func ExampleNamesAt() {
	fmt.Println(len(attack.NamesAt(trace.VantageNetDb)) > 1)
	// Output:
	// true
}
