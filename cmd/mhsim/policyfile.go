package main

import (
	"multihome.i2p/balancer/policy/starlark"
	"multihome.i2p/cmd/internal/policyfile"
	"multihome.i2p/sim"
)

// policyFiles reads the policies that scenarios name by file.
type policyFiles struct{}

func (policyFiles) Read(scenario, file string) ([]byte, error) {
	return policyfile.Read(scenario, file)
}

func (policyFiles) Load(file string, source []byte) (sim.PolicyMaker, error) {
	p, err := starlark.Load(file, source)
	if err != nil {
		return nil, err // not a nil *Program in an interface
	}
	return p, nil
}
