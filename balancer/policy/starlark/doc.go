// Package starlark makes policies of users' files, which are written in Starlark
// (go.starlark.net), a small dialect of Python. docs/policies.md is their manual.
//
// A file is deterministic: it has no clock, no input and no output, and draws
// random numbers only from the run's own generator. Its globals are frozen once
// it is loaded; what it remembers it keeps in v.state, which is empty again at
// the start of a run. A call that takes more than MaxSteps steps fails.
//
// A call that fails decides nothing: the base decides in its place, and the
// failure is counted (policy.Fallible). The simulator ends the trial over it,
// the live balancer goes on.
package starlark
