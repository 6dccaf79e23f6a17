// Package attack holds adversaries who read a trace and ask whether one router
// hosts a Destination, or several, and how many. They see the trace and nothing
// else, so that the same attack runs on simulated and on live traces.
//
// The steps are always the same:
//
//  1. [New] makes an attack by name.
//  2. Observe turns a trace, up to a horizon, into [Features].
//  3. Fit, if there are training trials of both arms, learns from their features
//     and freezes orientation and hyper-parameters. It must be over before a test
//     trial is scored.
//  4. Score gives a [Verdict]: a score that is larger the more the trace looks
//     like more than one router, and an estimate of how many there are.
//
// Without Fit an attack falls back on a model of its own (see [Prior]), which is
// what a live trace gets.
//
// What both attacks here look at is the inbound gateways. A Java router draws
// them from a keyed quarter of its fast tier; several routers draw from several
// such quarters, so their LeaseSets repeat a gateway less often and name more of
// them as time goes on.
//
// An attack keeps no state between calls but what Fit learned, and uses no random
// numbers: equal traces give equal scores. After Fit, Observe and Score may be
// called from several goroutines.
package attack
