package fleet_test

import (
	"context"
	"fmt"
	"net"

	"multihome.i2p/i2cp"
	"multihome.i2p/sim/fleet"
)

// Two routers to try an I2CP client on, an hour a second fast. Router.Listen
// serves a port; here it is a pipe.
func Example() {
	ctx := context.Background()
	f, err := fleet.New(fleet.Config{Routers: 2, Seed: 1, Speed: 3600, World: fleet.DefaultWorld()})
	if err != nil {
		fmt.Println(err)
		return
	}
	here, there := net.Pipe()
	served := make(chan error)
	go func() { served <- f.Routers()[0].Serve(ctx, there) }()

	conn, err := i2cp.NewConn(ctx, here, i2cp.Config{Extension: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	list, err := conn.Capabilities(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(list.Software, list.Capabilities.Names())
	f.Routers()[0].Kill()
	if err := <-served; err == nil {
		fmt.Println("the dead router still serves")
	}
	<-conn.Done()
	f.Close()
	// Output:
	// multihome simulated router [fast-tier create-tunnel tunnel-pool publish-named publish-status ack-relay garlic attach grace lookup packet-tunnel shadows stand-in]
}
