// Command scale measures what a trial costs as its work grows: simulated days,
// leases, routers, floodfills, the network, and what the attacks have to read. It
// writes the plots and the table of docs/scale.md (`make scale`). Times are user
// time of the process, on one core, so that other programs' load matters little.
package main
