// Package analysis estimates: proportions, means and quantiles, how well an
// attack tells two arms apart, and the best of several attacks, how many gateways
// there are behind those that were seen, also while they come and go, how much an
// observation tells in bits. Beside them stand exact bounds: what the best possible
// test can do. Its functions are pure: a slice in, an [Estimate] with its interval
// out. Whoever needs random numbers, for a bootstrap, is handed a *rand.Rand, so
// that the same input gives the same bytes.
//
// # Undefined numbers
//
// Small samples are the normal case: an observer may have seen one LeaseSet. No
// function fails for want of data. What the data do not determine is NaN, an
// interval that has no bound on one side is infinite there, and a warning says
// why; see [Estimate.Defined]. Arguments that can only come from a mistake in
// the calling program, such as a confidence level of 95 or 7 successes in 5
// trials, panic with the prefix "analysis: ".
//
// # Honest intervals
//
// An interval of zero width claims certainty that no sample gives. Where the
// textbook formula yields one (no spread in the data, an AUC of exactly 1, no
// species seen once) a bound that stays valid there takes its place, and a
// warning names it. The coverage of every interval is itself tested by
// simulation.
package analysis
