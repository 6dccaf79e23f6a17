package attack

import (
	"math"
	"slices"

	"multihome.i2p/analysis/trace"
)

// stores looks at how LeaseSets come to a floodfill. A Java router sends its LeaseSet
// through the outbound tunnel whose end is closest to the floodfill, and has the ack
// sent to the lease whose gateway is; it tries others in turn where no ack comes, and
// keeps a minute between publishes; 18 to 27 s after an ack it asks another floodfill
// for what it stored, through tunnels of its own that are closest again (Java I2P
// 2.8.0: StoreJob, FloodfillVerifyStoreJob, RepublishLeaseSetJob). An i2pd router
// takes tunnels at random, has acks sent to one of its own, and asks after 5 to 7 s
// and every 100 s from then on (i2pd 2.58: LeaseSetDestination::Publish).
//
// So a reply to another lease than the closest, stores of one LeaseSet again and again
// since acks went to another router, more gateways in the leases than there are end
// points, end points that are gateways too, and end points and reply gateways that fall
// apart in groups all speak of several routers. Verifications tell most: the reply to
// them comes in through the router that asks, whatever a balancer wrote into the stores.
//
// It assumes that the observer is a floodfill that is stored to directly, often enough
// to have habits of. The number of routers follows from the rank of the reply lease:
// where the replying router has n/k of n gateways, the closest of its own is the r-th of
// all with negative hypergeometric probability (Johnson, Kemp, Kotz (2005), Univariate
// Discrete Distributions, section 6.2). Two other habits have equal prior chances: to
// name the closest of all, or any, both of which say nothing of the number.
var stores = signal{
	name:     "stores",
	vantages: []trace.Vantage{trace.VantageFloodfill},
	numbers: []string{
		"odds", "stores", "flooded", "rank", "closest", "reply_listed", "replies", "again", "again_s",
		"spacing_s", "least_spacing_s", "hurried", "lag_s", "lag_spread_s",
		"obeps", "obep_rate", "obep_news", "gateways_per_obep", "obep_gateways", "groups",
		"lookups", "lookup_s", "java_lookups", "i2pd_lookups", "lookup_rank", "lookup_listed", "lookup_obeps",
	},
	measure: storesNumbers,
	natural: func(v []float64) float64 { return v[0] },
	count:   func(e *Evidence, _ []float64) ([]float64, bool) { return newStoring(e).posterior() },
}

// storing is what stores measures in one pass.
type storing struct {
	direct, flooded  int
	rank, lookupRank []place
	listed           moment // replies to a lease of the LeaseSet
	lookupListed     moment
	replies          map[trace.Hash]int
	asked            map[trace.Hash]bool // reply gateways of lookups
	gateways         map[trace.Hash]bool
	obeps            map[trace.Hash]int // by number, in the order in which they came
	obepOrder        []trace.Hash
	pairs            [][2]int32 // end point and reply gateway
	again, againS    moment
	spacing          []float64
	hurried          moment
	lag              []float64
	delays           []float64
	lookups          int
	lookupKnown      moment
}

// place is the rank of a gateway among those of a LeaseSet, from 0.
type place struct{ rank, of int }

// closer compares two distances, which are hashes.
func closer(a, b, target *trace.Hash) bool {
	for i := range target {
		if x, y := a[i]^target[i], b[i]^target[i]; x != y {
			return x < y
		}
	}
	return false
}

// rankOf ranks a gateway among those of the leases, each once: how many are closer to
// the target. It is not listed where no lease has it.
func rankOf(gateway, target *trace.Hash, leases []trace.Lease) (p place, listed bool) {
	for i := range leases {
		h := &leases[i].Gateway
		if slices.ContainsFunc(leases[:i], func(l trace.Lease) bool { return l.Gateway == *h }) {
			continue
		}
		p.of++
		switch {
		case *h == *gateway:
			listed = true
		case closer(h, gateway, target):
			p.rank++
		}
	}
	return p, listed
}

func newStoring(e *Evidence) *storing {
	s := &storing{
		replies: make(map[trace.Hash]int), asked: make(map[trace.Hash]bool), gateways: make(map[trace.Hash]bool),
		obeps: make(map[trace.Hash]int),
	}
	var newest *trace.Record                // LeaseSet, by date
	version, firstMs := int64(-1), int64(0) // of the last one that was stored directly
	lastMs := int64(0)
	var heard int64
	for i := range e.Records {
		r := &e.Records[i]
		switch r.Kind {
		case trace.KindStore:
			s.flooded += int(bit(r.Flooded))
			if len(r.Leases) == 0 {
				continue
			}
			if newest == nil || r.Published >= newest.Published {
				newest = r
			}
			heard = r.TimeMs
			for k := range r.Leases {
				s.gateways[r.Leases[k].Gateway] = true
			}
			if r.Flooded || r.Has&trace.HasReply == 0 {
				continue
			}
			s.direct++
			known := slices.ContainsFunc(r.Leases, func(l trace.Lease) bool {
				return l.Gateway == r.Reply.Gateway && l.Tunnel == r.Reply.Tunnel
			})
			s.listed.add(1, bit(known))
			obep := s.end(r)
			reply, ok := s.replies[r.Reply.Gateway]
			if !ok {
				reply = len(s.replies)
				s.replies[r.Reply.Gateway] = reply
			}
			if obep >= 0 {
				s.pairs = append(s.pairs, [2]int32{obep, int32(reply)})
			}
			if r.Published == version {
				s.again.add(0, 1)
				s.againS.add(1, math.Log1p(float64(r.TimeMs-lastMs)/1000))
			} else {
				if version >= 0 {
					gap := float64(r.TimeMs-firstMs) / 1000
					s.spacing = append(s.spacing, gap)
					s.hurried.add(1, bit(gap < 58)) // messages take a second or two
				}
				version, firstMs = r.Published, r.TimeMs
				if p, listed := rankOf(&r.Reply.Gateway, &r.Floodfill, r.Leases); listed {
					s.rank = append(s.rank, p)
				}
				if r.Has&trace.HasPublished != 0 {
					s.lag = append(s.lag, float64(r.TimeMs-1000*r.Published)/1000)
				}
			}
			s.again.add(1, 0)
			lastMs = r.TimeMs
		case trace.KindServiceLookup:
			s.lookups++
			if heard != 0 {
				s.delays = append(s.delays, float64(r.TimeMs-heard)/1000)
			}
			if r.Has&trace.HasOBEP != 0 {
				_, known := s.obeps[r.OBEP]
				s.lookupKnown.add(1, bit(known))
				s.end(r)
			}
			if newest != nil && r.Has&trace.HasReply != 0 {
				p, listed := rankOf(&r.Reply.Gateway, &r.Floodfill, newest.Leases)
				s.lookupListed.add(1, bit(listed))
				if listed {
					s.asked[r.Reply.Gateway] = true
					s.lookupRank = append(s.lookupRank, p)
				}
			}
		}
	}
	return s
}

// end numbers the end point that a message came through.
func (s *storing) end(r *trace.Record) int32 {
	if r.Has&trace.HasOBEP == 0 {
		return -1
	}
	k, ok := s.obeps[r.OBEP]
	if !ok {
		k = len(s.obeps)
		s.obeps[r.OBEP] = k
	}
	s.obepOrder = append(s.obepOrder, r.OBEP)
	return int32(k)
}

// posterior is the probability of each number of routers: over habits of choosing the
// reply, of stores and of lookups apart.
func (s *storing) posterior() ([]float64, bool) {
	if len(s.rank)+len(s.lookupRank) < 3 {
		return nil, false
	}
	// Gateways come back for hours, and with them the ranks: there is no more news than
	// there are reply gateways.
	stored := math.Min(1, float64(len(s.replies))/math.Max(float64(len(s.rank)), 1))
	asked := math.Min(1, float64(len(s.asked))/math.Max(float64(len(s.lookupRank)), 1))
	logs := make([]float64, MaxRouters)
	some := addHabits(logs, s.rank, stored)
	some = addHabits(logs, s.lookupRank, asked) || some
	if !some {
		return nil, false
	}
	return countPosterior(logs), true
}

// addHabits adds the log likelihoods of ranks on 1, 2, … routers, the mean of three
// habits. Where any gateway is as likely as those of one router's that are closest,
// ranks tell nothing, as with i2pd: it adds nothing and reports false.
func addHabits(logs []float64, ranks []place, fresh float64) bool {
	const stray = 0.05 // a retry, whose reply is drawn, that looks like a first try
	all, wild := 0.0, 0.0
	own := make([]float64, len(logs))
	for _, p := range ranks {
		uniform := 1 / float64(p.of)
		all += fresh * math.Log((1-stray)*bit(p.rank == 0)+stray*uniform)
		wild += fresh * math.Log(uniform)
		for k := range own {
			own[k] += fresh * math.Log((1-stray)*firstOwn(p.of, k+1, p.rank)+stray*uniform)
		}
	}
	const margin = 0.3
	if wild >= math.Max(all, slices.Max(own))-margin {
		return false
	}
	for k := range logs {
		logs[k] += logMean([]float64{all, own[k], wild})
	}
	return true
}

// firstOwn is the probability that rank of n gateways come before the first of a router
// that has a k-th part of them, whose quota is even.
func firstOwn(n, k, rank int) float64 {
	short, long := n/k, n%k
	if short == 0 {
		return 1 / float64(n)
	}
	w := float64(long) / float64(k)
	return w*negativeHypergeometric(n, short+1, rank) + (1-w)*negativeHypergeometric(n, short, rank)
}

// negativeHypergeometric is the probability that rank others come before the first of
// own among n in any order.
func negativeHypergeometric(n, own, rank int) float64 {
	if own > n || rank > n-own {
		return 0
	}
	p := float64(own) / float64(n-rank)
	for i := range rank {
		p *= float64(n-own-i) / float64(n-i)
	}
	return p
}

func storesNumbers(e *Evidence) []float64 {
	s := newStoring(e)
	if s.direct+s.lookups == 0 {
		return nil
	}
	none := math.NaN()
	odds := 0.0
	if p, ok := s.posterior(); ok {
		odds = countOdds(p)
	}
	rank, closest := ranks(s.rank)
	lookupRank, _ := ranks(s.lookupRank)
	lag, lagSpread := none, none
	if len(s.lag) > 0 {
		lag, lagSpread = meanAndSpread(s.lag)
		lag, lagSpread = math.Asinh(lag), math.Log1p(lagSpread)
	}
	spacing, least := none, none
	if len(s.spacing) > 0 {
		slices.Sort(s.spacing)
		spacing, least = math.Log1p(s.spacing[len(s.spacing)/2]), math.Log1p(s.spacing[0])
	}
	delay := none
	var java, i2pd moment
	if len(s.delays) > 0 {
		for _, d := range s.delays {
			java.add(1, bit(d >= 17 && d < 29))
			i2pd.add(1, bit(d >= 4 && d < 8.5))
		}
		slices.Sort(s.delays)
		delay = math.Log1p(max(0, s.delays[len(s.delays)/2]))
	}
	perEnd, both, replies := none, none, none
	if n := float64(len(s.obeps)); n > 0 && len(s.gateways) > 0 {
		perEnd = math.Log(float64(len(s.gateways)) / n)
		shared := 0.0
		for h := range s.obeps { // a count: in any order
			shared += bit(s.gateways[h])
		}
		both = shared / n
	}
	if len(s.replies) > 0 && len(s.gateways) > 0 {
		replies = math.Log(float64(len(s.replies)) / float64(len(s.gateways)))
	}
	messages := float64(len(s.obepOrder))
	return []float64{
		odds, math.Log1p(float64(s.direct)), float64(s.flooded) / float64(max(s.direct+s.flooded, 1)),
		rank, closest, s.listed.mean(none), replies, s.again.mean(none), s.againS.mean(none),
		spacing, least, s.hurried.mean(none), lag, lagSpread,
		math.Log1p(float64(len(s.obeps))), math.Log((float64(len(s.obeps)) + 0.5) / (messages + 1)), s.news(), perEnd, both, s.groups(),
		math.Log((float64(s.lookups) + 0.5) / (float64(s.direct) + 1)), delay, java.mean(none), i2pd.mean(none),
		lookupRank, s.lookupListed.mean(none), s.lookupKnown.mean(none),
	}
}

// ranks are the mean rank as a share of the possible, and how often it is the first.
func ranks(list []place) (mean, first float64) {
	var share, zero moment
	for _, p := range list {
		share.add(1, float64(p.rank)/float64(p.of))
		zero.add(1, bit(p.rank == 0))
	}
	return share.mean(math.NaN()), zero.mean(math.NaN())
}

// news is the share of end points in the second half of the messages that the first
// half did not have.
func (s *storing) news() float64 {
	half := len(s.obepOrder) / 2
	if half < 4 {
		return math.NaN()
	}
	old, late := make(map[trace.Hash]bool), make(map[trace.Hash]bool)
	for i, h := range s.obepOrder {
		if i < half {
			old[h] = true
		} else {
			late[h] = true
		}
	}
	fresh := 0.0
	for h := range late { // a count: in any order
		fresh += bit(!old[h])
	}
	return fresh / float64(len(late))
}

// groups is the logarithm of the number of groups of end points and reply gateways
// that never came together with others, for the messages that there were: publishers
// that take turns make groups of their own.
func (s *storing) groups() float64 {
	if len(s.pairs) < 4 {
		return math.NaN()
	}
	ends := int32(len(s.obeps))
	sets := newDisjoint(int(ends) + len(s.replies))
	used := make([]bool, int(ends)+len(s.replies))
	for _, p := range s.pairs {
		sets.join(p[0], ends+p[1])
		used[p[0]], used[ends+p[1]] = true, true
	}
	n := 0
	for i := range used {
		n += int(bit(used[i] && sets.root(int32(i)) == int32(i)))
	}
	return math.Log(float64(n))
}

// disjointSets is a forest of sets (union-find).
type disjointSets []int32

func newDisjoint(n int) disjointSets {
	d := make(disjointSets, n)
	for i := range d {
		d[i] = int32(i)
	}
	return d
}

func (d disjointSets) root(x int32) int32 {
	for d[x] != x {
		d[x] = d[d[x]]
		x = d[x]
	}
	return x
}

func (d disjointSets) join(a, b int32) {
	a, b = d.root(a), d.root(b)
	d[max(a, b)] = min(a, b)
}
