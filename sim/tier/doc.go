// Package tier models which peers stand in each router's fast tier, the set
// that a Java router draws the peers of its clients' tunnels from, and how
// that set changes over hours. It also holds the network's routers as far as
// choosing a path needs them (Population), and the set that i2pd routers draw
// from, which have no tiers (I2pdCandidates).
//
// The package reads no clock and no global randomness: times are int64
// nanoseconds that the caller passes in, random numbers come from the
// *rand.Rand given to Set.Reset. After Reset nothing allocates in the steady
// state. The same seed gives the same tiers on the same machine architecture;
// across architectures the last bit of math.Exp may differ.
//
// # Parametric tiers
//
// Sizes are parameters: drawn with replacement from the 21 measured routers
// (Swarm) or fixed. The high-capacity tier takes its size from the same
// measured row and contains the fast tier.
//
// Overlap. Let M be the largest size drawn. There are M common peers. Each
// slot of a router's fast tier is, with probability q, one of them, at places
// distinct within the router, else a peer of its own; private peers are never
// common, nor in another fast tier, so that all overlap is the wanted one (in a
// network with less than twice as many routers as the tiers have peers, a thousand
// routers in one of 30,000 say, private peers may coincide, which adds about
// F/(2N) to the Jaccard index, of F peers of N to choose from). q
// is found by bisection, so that the expected Jaccard index, averaged over the
// router pairs, is the target for the sizes at hand. Where sizes differ too
// much for the target, q is 1 and Set.ExpectedOverlap says what is attained.
//
// Turnover. At each of its reorganisations (every 351 s; 45 s and 123 s while
// the uptime is young) each private slot gets a new peer with probability
// 1-exp(-turnover*time since the last). The common peers are replaced alike,
// on a grid of 351 s of their own, and each router takes the change over at
// its own next reorganisation. So sizes and expected overlaps are stationary
// while identities turn over; between two routers' reorganisations the overlap
// lacks the peers just replaced, a fraction of about turnover*117 s.
//
// # Emergent tiers
//
// Each router keeps profiles of at most 600 peers and computes its tiers as
// I2P 2.8.0 does (ProfileOrganizer, PeerProfile, CapacityCalculator,
// SpeedCalculator, PeerManager):
//   - speed: mean of the three best one-minute throughputs of a tunnel through
//     the peer; at each reorganisation, from 90 min of uptime on, one peer in
//     61 has them multiplied by 0.84, a half-life of a day;
//   - capacity: 0.4, 0.5 and 0.1 parts of the windows of 10 min, 60 min and a
//     day, each 5 + A*A/(A+2R) - 4F per hour, plus adders for connection,
//     floodfills, last sent message, reachability and class; 0 during the
//     first two hours after a peer was first heard of; 1 plus adders for peers
//     used within the hour but no longer connected;
//   - high capacity: at least the mean capacity of active peers, or what the
//     router falls back to if fewer than 10 exceed it, and above 5; at most
//     150, the best;
//   - fast: high capacity, active, and at least the mean speed of the 150 best
//     high-capacity peers; at most 75, the fastest; filled up to MinFast in
//     the order of capacity.
//
// The size class (known and high-capacity peers) of a router is that of a
// measured row; the fast tier's size is an outcome.
//
// What peers are like is input. A core of stable peers, CorePerHighCapacity
// times the row's high-capacity count, lives through lognormal sessions,
// connections come and go, and whoever leaves is succeeded by a newcomer. The
// remaining profiles are passing acquaintances: connected once for some
// minutes, mostly of no use for tunnels, forgotten after 6 h. Each peer has a
// true speed (lognormal) and a true acceptance, the same for all routers, so
// that routers that chase fast peers chase the same ones. A tunnel's busy
// minute carries what the slowest hop lets through, times lognormal noise, and
// is credited to every hop. Besides the tunnels that the caller reports, the
// router builds others: some through its fast tier, some through any stable
// peer, and their results feed back in the same way.
//
// Warm start. Reset draws the state of a router that has been up for days:
// sessions at a random point of their length-biased distribution, the age of
// passing acquaintances uniform in their 6 h, peaks from the number of busy
// minutes that a peer of its speed has had in up to 72 h, each with the decay
// of its age, and the window of a day from the number of its tunnels. The
// background then runs for ProfileConfig.Settle (3 h), which fills the windows
// of 10 and 60 minutes and lets connections settle. From 3 h
// after the start on, the mean tier size stays within 6 % of what it is days
// later (26.0 peers at 3 h, 24.5 at 12 h, 25.9 at 75 h), so that a warm-up of
// 3 h suffices.
//
// # Known differences from reality
//
//   - Parametric sizes are constant for a trial; real ones vary by a few peers
//     from one reorganisation to the next.
//   - A parametric common peer that turns over is replaced for all routers
//     within 351 s: the number of peers that two routers share hardly varies
//     within a trial, only which ones. Peers never return.
//   - Parametric tier members are uniform over the network (without class K)
//     given their eligibility. Real tiers favour high classes.
//   - The measured sizes come from one team's routers, version 2.5.2. The
//     overlap among them is rough, turnover unmeasured.
//   - Emergent: the router's measured high-capacity count enters through the
//     number of stable peers. Rejections for flooding, congestion caps D, E, G,
//     unreachability found by the transports, the same-country bonus (0 by
//     default), credit for participating tunnels and manual bonuses are left
//     out, as is the shorter memory of routers with more than 600 profiles.
//     Ties in capacity go by profile, not by hash. The router's own hash
//     counts as zero in the bonus for nearness.
//   - Emergent: a router holds its stable peers whatever its traffic; only
//     their credit depends on use.
//   - After Restart an emergent router keeps all profiles (real ones are
//     stored every 2 h and kept 3 h), and age checks pause for the first hour
//     as after a downtime of more than 45 min.
//   - Attributes of a router (class, reachability, network) are drawn
//     independently of each other, except that floodfills are reachable.
package tier
