// Package balancer is the decision core of Proposal 140: it serves one
// Destination from several routers and publishes one LeaseSet.
//
// The core is a state machine without I/O. A driver (simulated or live) owns
// the sessions and the clock, and keeps this contract:
//
//  1. Report whatever happens as an [Event] to [Balancer.Step], in the order in
//     which it happened, with a time that never goes back; and nothing more of
//     a router's earlier life once it was reported lost or up again.
//  2. Carry out the [Action] values that Step appends, in their order, before
//     the next Step; their slices lie in the core's memory until then.
//  3. Call Step with [EventWake] at, or soon after, [Balancer.Deadline].
//  4. Call Step from one goroutine at a time. An event's slices may be reused
//     as soon as Step has returned.
//
// Step never fails: an I/O failure is an event. It reads no clock and draws
// all randomness from Config.Rand, so that the same events give the same
// actions, byte for byte.
//
// # What the core keeps
//
// A [Policy] chooses routers, paths, publishers and the order of leases. The
// core itself keeps what may never be got wrong: at most Config.MaxLeases
// leases; quotas of routers that sum to Config.Leases, routers beyond that
// standing by; no lease of a tunnel that has ended; `published` strictly
// rising and never ahead of the clock when it is sent; the earliest end rising
// as routers raise it; the spacing of new LeaseSets (a publish that failed is
// tried again sooner, as routers do it); publishing again until it is confirmed.
// A wall clock that is set back silences the core until it has caught up with
// the last `published`: nothing older would be stored.
//
// # Whose rules
//
// When tunnels are replaced, which paths are repeated and how a LeaseSet is
// made follow Java I2P 2.8.0 (TunnelPool, ExpireJob, RequestLeaseSetJob,
// RepublishLeaseSetJob) or i2pd 2.58 (Tunnel.cpp, Destination.cpp) as
// docs/model.md tells them. They are written here a second time, apart from
// the simulator's stock routers, so that comparing the two is a test.
package balancer
