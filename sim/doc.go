// Package sim simulates one I2P Destination that is served by an operator's
// routers, the part of the network that this touches, and adversaries who
// watch it. Time is virtual and events are discrete.
//
// # A trial
//
// [World.Run] simulates one trial of a [Config] and leaves an [Outcome]: what
// each adversary saw, as traces, and the truth. It goes like this:
//
//  1. The network, the fast tiers and the floodfills are drawn.
//  2. Routers start, cold, and build tunnels through the peers of their tiers.
//     Stock routers decide themselves (java_*.go, i2pd_*.go); those that serve
//     Proposal 140 do what the balancer core tells them (p140.go).
//  3. Inbound tunnels become leases, leases become LeaseSets, and those go
//     through outbound tunnels to the floodfills closest to the routing key of
//     the day, which flood them (leaseset.go, store.go, netdb.go).
//  4. After the warm-up the adversaries begin to look (watch*.go) and the
//     counters of the truth start from zero (outcome.go).
//
// # Two arms, one world
//
// Scheme single is the reference: a stock router that shares no code with the
// balancer core, written from the router's sources alone. What both arms share
// is physics: how a build attempt ends, when a tunnel breaks and a test fails,
// who stands in a fast tier, how long a message takes, and what floodfills do.
// A game that cannot tell the core over one router from the stock router
// therefore says something about the core.
//
// # Determinism
//
// The same configuration and seed give the same bytes. Each subsystem draws
// from its own stream of random numbers; no time is a float; no map is walked;
// events of the same time come in the order in which they were scheduled.
//
// # Speed
//
// Whatever would happen periodically without effect is computed instead: the
// passes of a router's build loop in which no build can be wanted, tunnel
// tests that pass, timeouts of answers that are known to come. A World keeps
// its memory from trial to trial and allocates nothing for an event.
package sim
