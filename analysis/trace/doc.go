// Package trace is the one format in which an observer's sightings of a
// Destination are kept: what the observer saw, and nothing it could not have
// seen. The simulator and the live balancer write it, attacks read it, so that
// the very same attack runs on a simulated and on a live trace.
//
// # Format
//
// A trace is JSON Lines, compressed with gzip where its name ends in ".gz".
// Every line, the last one included, ends in a newline. The first line is the
// header:
//
//	{"format":"multihome-trace","version":1,"destination":"<b32>","vantage":"netdb","source":"sim","note":"…"}
//
// Every further line is a record: "t", milliseconds since the epoch, never
// falling; "kind"; and the fields of that kind, each one present only where the
// vantage point sees it:
//
//	lookup, store, bundle  leases; published (unless the ends are in ms, a LeaseSet1);
//	                       floodfill, flooded, obep, reply, expires, flags, enc_keys
//	poll                   floodfill, found
//	service_lookup         floodfill; obep, reply
//	probe                  ratchet, session (new|existing), lease, answered;
//	                       opened_on (always with an existing session), rtt_ms (if answered)
//	router                 hash, up
//	hop                    self, tunnel, role (ibgw|middle|end), expires; prev, next
//
// Fields before the semicolon must be there. A lease is {"gw","tunnel","end"},
// end in seconds, or "end_ms" in a LeaseSet1; leases keep their order on the
// wire. Hashes are 44 characters of I2P base64. "published" and "expires" are
// seconds since the epoch, "rtt_ms" is milliseconds with at most three decimals.
//
// # Strictness
//
// The reader rejects what it does not know: unknown keys and kinds, a key that
// does not belong to the kind, wrong types, numbers out of range, a second value
// for a key, a time that runs backwards, a line over [MaxLine] bytes, more than
// [MaxLeases] leases, a truncated file. A lenient reader would turn a typing
// error in a field name into an attack that never sees that field. Each error is
// an [*Error] that names the file, the line, the column and what mends it.
//
// Spaces between tokens and any order of keys are accepted; what [AppendRecord]
// writes has no spaces and the order given above, and parsing such a canonical
// file and appending its records again gives the same bytes.
package trace
