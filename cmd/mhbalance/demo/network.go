package demo

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"

	"multihome.i2p/internal/testnet"
	"multihome.i2p/sim"
	"multihome.i2p/sim/fleet"
)

const (
	// carriers is how many routers host the service, senders how many others
	// have a client each.
	carriers = 4
	senders  = 6
	// floodfills of the real network do neither, so that a kill takes no LeaseSet
	// with it.
	floodfills = 3
	// others of the real network only carry tunnels.
	others = 17
)

// Router is a router of the network.
type Router struct {
	Name, Address string // the address of its I2CP port
}

// Network is what a demonstration plays on.
type Network struct {
	// About says in a line what it is.
	About             string
	Carriers, Senders []Router
	// Kill ends a carrier at once, Restart starts it again.
	Kill    func(carrier int) error
	Restart func(ctx context.Context, carrier int) error
	Close   func()
}

// Real builds a network of i2pd routers in dir; this process must be in a
// namespace of its own.
func Real(ctx context.Context, dir, i2pd string, say func(string)) (*Network, error) {
	opts := testnet.Options{
		Dir: filepath.Join(dir, "network"), Routers: floodfills + carriers + senders + others, Floodfills: floodfills, I2pd: i2pd,
	}
	// The router that is killed would take with it tunnels of the clients and of the
	// other carriers: of some thirty routers it is in many, of I2P's thousands in
	// hardly any.
	for i := range carriers {
		opts.NoTransit = append(opts.NoTransit, floodfills+i)
	}
	tn, err := testnet.Start(ctx, opts, say)
	if err != nil {
		return nil, err
	}
	if err := tn.Ready(ctx); err != nil {
		tn.Stop()
		return nil, err
	}
	n := &Network{
		About: fmt.Sprintf("%d routers of i2pd %s, as it is, in a network of their own", len(tn.Routers()), tn.Version()),
		Close: tn.Stop,
	}
	routers := tn.Routers()[floodfills : floodfills+carriers+senders]
	for i, r := range routers {
		to := &n.Carriers
		if i >= carriers {
			to = &n.Senders
		}
		*to = append(*to, Router{r.Name(), r.I2CP()})
	}
	n.Kill = func(i int) error { return routers[i].Kill() }
	n.Restart = func(ctx context.Context, i int) error { return routers[i].Restart(ctx) }
	return n, nil
}

// Simulated makes a network of simulated routers that speak the extension, in
// this process.
func Simulated(seed uint64) (*Network, error) {
	world := fleet.DefaultWorld()
	// i2pd's ways: a Java router waits for a minute between two publishes, which is
	// longer than the demonstration.
	r := &world.Destination.Routers[0]
	r.Kind = sim.I2pd
	// A network in good order, for the same reason.
	r.BuildSuccess, r.BuildDelay, world.Network.StoreLoss = .98, 500*sim.Millisecond, 0
	f, err := fleet.New(fleet.Config{Routers: carriers + senders, Seed: seed, World: world})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	n := &Network{
		About: fmt.Sprintf("%d simulated routers that speak the extension for Proposal 140", carriers+senders),
		Close: func() {
			cancel()
			f.Close()
			serving.Wait()
		},
	}
	for i, r := range f.Routers() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			n.Close()
			return nil, err
		}
		serving.Go(func() { _ = r.Listen(ctx, l) })
		to := &n.Carriers
		if i >= carriers {
			to = &n.Senders
		}
		*to = append(*to, Router{fmt.Sprintf("r%d", i), l.Addr().String()})
	}
	n.Kill = func(i int) error { f.Routers()[i].Kill(); return nil }
	n.Restart = func(_ context.Context, i int) error { return f.Routers()[i].Revive() }
	return n, nil
}
