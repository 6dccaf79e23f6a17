// Package realism measures how real the simulated i2pd is: it records what stock
// i2pd routers of a private network publish, simulates routers in a world of the
// same measures, and lets the attacks tell the two apart.
package realism

// World is what a recorded network and a simulated one have in common.
type World struct {
	Nodes        int `json:"routers"` // floodfills included
	Floodfills   int `json:"floodfills"`
	Destinations int `json:"destinations"` // on the routers that are no floodfills, in turn
	Hops         int `json:"hops"`
	Leases       int `json:"leases"`
	Outbound     int `json:"outbound"`
}
