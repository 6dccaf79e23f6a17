// Package live drives the balancer core over real routers: I2CP sessions, one
// event loop for each Destination, the wall clock, and a record of all that the
// core was told and said. It decides nothing.
package live
