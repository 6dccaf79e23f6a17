// Package demo shows what a live balancer does when a router dies: it has routers
// of a network host an echo, pings that from several clients, kills a router,
// starts it again, and tells what happened and when.
//
// The network is of real routers (internal/testnet) or of simulated ones
// (sim/fleet); all else is the same, and what mhbalance run runs.
package demo
