package sim

import "multihome.i2p/balancer"

// Time is virtual time in nanoseconds since the start of the trial.
type Time = balancer.Time

// Spans of virtual time.
const (
	Millisecond = balancer.Millisecond
	Second      = balancer.Second
	Minute      = balancer.Minute
	Hour        = balancer.Hour
	Day         = balancer.Day
	Never       = balancer.Never
)
