package policy

import "multihome.i2p/balancer"

// Maker makes policies that are not built in, such as one of a user's file. It
// is for several goroutines at once.
type Maker interface {
	// New makes a policy with the given options.
	New(opt Options) (balancer.Policy, error)
	// Base is the name of the built-in policy that decides what the made one
	// leaves open, "" where there is none.
	Base() string
}

// Fallible is a policy whose own code can fail. What it should have decided is
// decided by its base then, so that a balancer goes on.
type Fallible interface {
	balancer.Policy
	// Failures tells of the calls that have failed since Reset.
	Failures() Failures
}

// Failures are calls of a policy that failed.
type Failures struct {
	N           int
	First, Last error // nil where N is 0
}
