// Command limits draws what policy mimic cannot help: its leak to an observer whose idea
// of a router has other laws than the leader's, from a finished run of scenario
// mimic-mismatch, and what the number of leases alone gives away, from a closed form. It
// writes the plots and prints the tables of docs/results/mimic-limits.md (`make limits`).
package main
