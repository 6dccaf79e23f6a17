package attack

import (
	"maps"
	"math"
	"slices"

	"multihome.i2p/analysis/trace"
)

// probe is the oracle that every client of a service has: a ratchet session lives in
// one router, so that a message of an existing session is answered over a lease of
// that router and over no other, while a New Session is answered over any. One round
// of it tells which leases lead to the router that the session was opened with.
//
// It assumes that a lease that is alive answers but for a loss which it estimates, the
// New Sessions included, and that hardly ever another router answers. Tunnels live as long
// as a round or two: what one round says of a gateway it says of later tunnels too, as
// long as rounds agree, for routers seldom share gateways; where they contradict each
// other, tunnels are compared and not gateways. Pairs add up to log odds of being on
// one router, and are put together by greedy additive edge contraction (Keuper et al.
// (2015), ICCV, pp. 1751-1759), in which single contradictions are outvoted.
//
// The number of routers has two likelihoods, apart given their number: how many of a
// round's leases answer, where quotas are even or leases fall to any router; and how
// many different routers the sessions were opened with, so far as that could be told
// (the classical occupancy problem: Feller (1968), volume I, section IV.2). Rounds
// that repeat tunnels count in proportion to what is new. What is counted are the
// routers behind one LeaseSet: where each publishes a LeaseSet of its own, as under
// old-style multihoming, that is one, and bundle finds the others.
//
// Routers that share their ratchet state would answer over each lease. What is left
// is time: routers have their own distance from the service, so that round trips over
// one gateway are alike beyond the tunnel's life, and split in groups.
//
// References: ECIES-X25519-AEAD-Ratchet specification; Java I2P 2.8.0, RatchetSKM;
// i2pd 2.58, GarlicDestination.
var probe = signal{
	name:     "probe",
	vantages: []trace.Vantage{trace.VantageClient},
	numbers: []string{
		"odds", "routers", "answered", "answered_spread", "partial", "loss", "contradictions",
		"sides", "blocks", "rtt", "rtt_spread", "rtt_gateway", "rtt_split",
	},
	measure: probeNumbers,
	natural: func(v []float64) float64 { return v[0] },
	count:   func(e *Evidence, _ []float64) ([]float64, bool) { return newProbing(e).posterior() },
}

// A round is one ratchet session.
type round struct {
	opened   int32 // tunnel
	probed   []int32
	answered []bool
	hits     int
}

// probing is what the probes of a trace say.
type probing struct {
	rounds   []round
	gateways []int32 // of each tunnel
	places   int     // number of gateways
	loss     float64 // of a message over a living lease of the right router
	fresh    float64 // share of the probed tunnels that had not been probed before
	rtts     [][]float64
	opened   int // New Sessions
	lost     int // of these
}

const (
	// strangeAnswer is the chance that another router's lease seems to answer: the
	// session was opened anew, or the router has two leases of one number.
	strangeAnswer = 0.002
	leastLoss     = 0.01
)

// A leaseKey names a tunnel.
type leaseKey struct {
	gateway trace.Hash
	tunnel  uint32
}

func newProbing(e *Evidence) *probing {
	p := &probing{}
	tunnels := make(map[leaseKey]int32)
	gateways := make(map[trace.Hash]int32)
	rounds := make(map[[2]int64]int)
	tunnel := func(l *trace.Lease) int32 {
		t, ok := tunnels[leaseKey{l.Gateway, l.Tunnel}]
		if !ok {
			gw, known := gateways[l.Gateway]
			if !known {
				gw = int32(len(gateways))
				gateways[l.Gateway] = gw
			}
			t = int32(len(tunnels))
			tunnels[leaseKey{l.Gateway, l.Tunnel}] = t
			p.gateways = append(p.gateways, gw)
			p.rtts = append(p.rtts, nil)
		}
		return t
	}
	probes := 0
	for i := range e.Records {
		r := &e.Records[i]
		if r.Kind != trace.KindProbe || len(r.Leases) == 0 || r.Leases[0].EndMs <= r.TimeMs {
			continue
		}
		t := tunnel(&r.Leases[0])
		if r.Answered && r.RTTUs > 0 {
			p.rtts[t] = append(p.rtts[t], math.Log(float64(r.RTTUs)))
		}
		if r.Session == trace.SessionNew {
			p.opened++
			if !r.Answered {
				p.lost++
			}
			continue
		}
		if len(r.Leases) < 2 {
			continue
		}
		o := tunnel(&r.Leases[1])
		if o == t {
			continue // whether the lease lives, and no more
		}
		key := [2]int64{r.Ratchet, int64(o)}
		k, ok := rounds[key]
		if !ok {
			k = len(p.rounds)
			rounds[key] = k
			p.rounds = append(p.rounds, round{opened: o})
		}
		q := &p.rounds[k]
		q.probed = append(q.probed, t)
		q.answered = append(q.answered, r.Answered)
		if r.Answered {
			q.hits++
		}
		probes++
	}
	p.places = len(gateways)
	p.loss = max(leastLoss, (float64(p.lost)+0.5)/(float64(p.opened)+10))
	p.fresh = math.Min(1, float64(len(tunnels))/math.Max(float64(probes+len(p.rounds)), 1))
	return p
}

// kinships puts the rounds into a graph of gateways, or of tunnels, and tells how often
// pairs that were found on one router at one time were not at others.
func (p *probing) kinships(byGateway bool) (g *sameness, contradictions float64) {
	nodes := len(p.gateways)
	if byGateway {
		nodes = p.places
	}
	g = newSameness(nodes)
	same, other := math.Log((1-p.loss)/strangeAnswer), math.Log(p.loss/(1-strangeAnswer))
	votes := make(map[[2]int32][2]int)
	for i := range p.rounds {
		q := &p.rounds[i]
		for k, t := range q.probed {
			a, b := q.opened, t
			if byGateway {
				a, b = p.gateways[a], p.gateways[b]
			}
			if a == b {
				continue
			}
			a, b = min(a, b), max(a, b)
			v := votes[[2]int32{a, b}]
			if q.answered[k] {
				g.add(a, b, same)
				v[1]++
			} else {
				g.add(a, b, other)
				v[0]++
			}
			votes[[2]int32{a, b}] = v
		}
	}
	// Of a pair that was found together once: how often it was not, the other times.
	against, all := 0, 0
	for _, v := range votes { // sums of integers: in any order
		if v[1] > 0 {
			against += v[0]
			all += v[0] + v[1] - 1
		}
	}
	return g, float64(against) / math.Max(float64(all), 1)
}

// mostContradictions is how often rounds may contradict each other about gateways:
// messages get lost, but where routers share gateways it is every other time or more.
const mostContradictions = 0.25

// cluster puts what belongs to one router together, and returns the cluster of each
// tunnel.
func (p *probing) cluster() (g *sameness, of []int32, contradictions float64) {
	g, contradictions = p.kinships(true)
	byGateway := contradictions <= mostContradictions
	if !byGateway {
		g, _ = p.kinships(false)
	}
	g.contract()
	of = make([]int32, len(p.gateways))
	for t := range of {
		if byGateway {
			of[t] = g.cluster(p.gateways[t])
		} else {
			of[t] = g.cluster(int32(t))
		}
	}
	return g, of, contradictions
}

// sides counts the sessions, each tunnel once, that were opened with clusters of
// which each pair is known to differ, and these clusters.
func (p *probing) sides(g *sameness, of []int32) (sessions, clusters int) {
	opened := make(map[int32]int)
	seen := make(map[int32]bool)
	var order []int32
	for i := range p.rounds {
		t := p.rounds[i].opened
		if seen[t] || of[t] < 0 {
			continue
		}
		seen[t] = true
		if opened[of[t]] == 0 {
			order = append(order, of[t])
		}
		opened[of[t]]++
	}
	slices.SortStableFunc(order, func(a, b int32) int { return opened[b] - opened[a] })
	for _, c := range g.apart(order) {
		sessions += opened[c]
		clusters++
	}
	return sessions, clusters
}

// posterior is the probability of each number of routers.
func (p *probing) posterior() ([]float64, bool) {
	if len(p.rounds) == 0 {
		return nil, false
	}
	g, of, _ := p.cluster()
	sessions, clusters := p.sides(g, of)
	rounds := make(map[[2]int]float64) // by leases and answers
	for i := range p.rounds {
		rounds[[2]int{len(p.rounds[i].probed), p.rounds[i].hits}]++
	}
	kinds := slices.SortedFunc(maps.Keys(rounds), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) })
	logs := make([]float64, MaxRouters)
	for k := range logs {
		// How much is lost is not known: the New Sessions tell, and the answers.
		var of [len(losses)]float64
		for i, loss := range losses {
			of[i] = p.fresh * math.Log(binomial(p.opened, p.lost, loss)+1e-12)
			for _, kind := range kinds {
				of[i] += p.fresh * rounds[kind] * math.Log(answeredLaw(k+1, kind[0], kind[1], loss))
			}
		}
		logs[k] = logMean(of[:]) + math.Log(occupancy(k+1, sessions, clusters)+1e-6)
	}
	return countPosterior(logs), true
}

// losses are the shares of lost messages that are considered, equally likely.
var losses = [...]float64{0.005, 0.015, 0.05, 0.1, 0.2, 0.35}

// logMean is the logarithm of the mean of numbers given by theirs.
func logMean(logs []float64) float64 {
	top := slices.Max(logs)
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum/float64(len(logs)))
}

// countPosterior weighs the log likelihoods of 1, 2, … routers with the prior that
// one router is as likely as several.
func countPosterior(logs []float64) []float64 {
	top := slices.Max(logs)
	out := make([]float64, len(logs))
	all := 0.0
	for k, l := range logs {
		out[k] = math.Exp(l-top) / 2
		if k > 0 {
			out[k] /= float64(len(logs) - 1)
		}
		all += out[k]
	}
	for k := range out {
		out[k] /= all
	}
	return out
}

// countOdds are the log odds of several routers, cut where they are rounding errors.
func countOdds(posterior []float64) float64 {
	several := 0.0
	for _, p := range posterior[1:] {
		several += p
	}
	const most = 700
	return math.Min(math.Max(math.Log(several)-math.Log(posterior[0]), -most), most)
}

// answeredLaw is the probability that of n other leases hits answer, on k routers:
// half the weight on quotas as even as can be, half on leases that fall to any router,
// and a little on anything, for a router may restart in a round.
func answeredLaw(k, n, hits int, loss float64) float64 {
	const anything = 0.02
	share := 1 / float64(k)
	law := binomial(n, hits, share*(1-loss)+(1-share)*strangeAnswer)
	if k > 1 {
		// Of n+1 leases, long quotas are one longer than short ones.
		short := (n + 1) / k
		long := (n + 1) % k
		even := 0.0
		if w := float64(long*(short+1)) / float64(n+1); w > 0 {
			even += w * answeredOf(short, n-short, hits, loss)
		}
		if w := float64((k-long)*short) / float64(n+1); w > 0 {
			even += w * answeredOf(short-1, n-short+1, hits, loss)
		}
		law = (law + even) / 2
	}
	return (1-anything)*law + anything/float64(n+1)
}

// answeredOf is the probability of so many answers over own and other leases.
func answeredOf(own, others, hits int, loss float64) float64 {
	sum := 0.0
	for k := range min(own, hits) + 1 {
		sum += binomial(own, k, 1-loss) * binomial(others, hits-k, strangeAnswer)
	}
	return sum
}

func binomial(n, k int, p float64) float64 {
	if k < 0 || k > n {
		return 0
	}
	x := logFactorial(n) - logFactorial(k) - logFactorial(n-k)
	if k > 0 {
		x += float64(k) * math.Log(p)
	}
	if k < n {
		x += float64(n-k) * math.Log1p(-p)
	}
	return math.Exp(x)
}

// factorials are logarithms of those of small numbers, which are asked for most.
var factorials = func() (t [64]float64) {
	for i := range t {
		t[i], _ = math.Lgamma(float64(i + 1))
	}
	return t
}()

func logFactorial(n int) float64 {
	if n < len(factorials) {
		return factorials[n]
	}
	x, _ := math.Lgamma(float64(n + 1))
	return x
}

// occupancy is the probability that draws from k routers hit this many of them.
func occupancy(k, draws, hit int) float64 {
	if hit > k {
		return 0
	}
	p := make([]float64, k+1)
	p[0] = 1
	for range draws {
		for m := k; m > 0; m-- {
			p[m] = p[m]*float64(m)/float64(k) + p[m-1]*float64(k-m+1)/float64(k)
		}
		p[0] = 0
	}
	return p[hit]
}

func probeNumbers(e *Evidence) []float64 {
	p := newProbing(e)
	if len(p.rounds) == 0 {
		return nil
	}
	var share, squares, partial moment
	for i := range p.rounds {
		q := &p.rounds[i]
		x := float64(q.hits) / float64(len(q.probed))
		share.add(1, x)
		squares.add(1, x*x)
		partial.add(1, bit(x > 0 && x < 1-2*p.loss))
	}
	mean := share.mean(1)
	g, of, contradictions := p.cluster()
	_, clusters := p.sides(g, of)
	posterior, _ := p.posterior()
	routers := 0.0
	for k, w := range posterior {
		routers += w * math.Log(float64(k+1))
	}
	v := []float64{
		countOdds(posterior), routers, mean, math.Sqrt(max(0, squares.mean(1)-mean*mean)), partial.mean(0),
		math.Log(p.loss), contradictions, math.Log(float64(max(clusters, 1))), math.Log(float64(max(g.clusters(), 1))),
	}
	return append(v, p.times()...)
}

// times looks at the round trips: their mean and spread, how much of it is between
// gateways beyond what tunnels have of their own, and how clearly gateways fall in a
// fast and a slow half.
func (p *probing) times() []float64 {
	none := math.NaN()
	tunnels := make([]float64, 0, len(p.rtts)) // means
	where := make([]int32, 0, len(p.rtts))
	for t, list := range p.rtts {
		if len(list) > 0 {
			tunnels = append(tunnels, meanOf(list))
			where = append(where, p.gateways[t])
		}
	}
	if len(tunnels) < 3 {
		return []float64{none, none, none, none}
	}
	all, sd := meanAndSpread(tunnels)
	sums, counts := make([]float64, p.places), make([]float64, p.places)
	for i, x := range tunnels {
		sums[where[i]] += x
		counts[where[i]]++
	}
	// One-way analysis of variance over the gateways that have several tunnels.
	between, within, groups, members := 0.0, 0.0, 0.0, 0.0
	var means []float64
	for gw, n := range counts {
		if n > 0 {
			means = append(means, sums[gw]/n)
		}
		if n > 1 {
			d := sums[gw]/n - all
			between += n * d * d
			groups++
			members += n
		}
	}
	for i, x := range tunnels {
		if n := counts[where[i]]; n > 1 {
			d := x - sums[where[i]]/n
			within += d * d
		}
	}
	ratio := none
	if groups > 1 && members > groups {
		ratio = math.Log((between/(groups-1) + 1e-9) / (within/(members-groups) + 1e-9))
	}
	return []float64{all, sd, ratio, bestSplit(means)}
}

// bestSplit is the largest share of the variance that a split in two explains (Otsu
// (1979), IEEE Trans. SMC 9:62); NaN for less than four values, or equal ones.
func bestSplit(list []float64) float64 {
	n := len(list)
	mean, sd := meanAndSpread(list)
	if n < 4 || sd < 1e-9 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(list))
	best, sum := 0.0, 0.0
	for i, x := range sorted[:n-1] {
		sum += x - mean
		k := float64(i + 1)
		best = max(best, sum*sum/k+sum*sum/(float64(n)-k))
	}
	return best / (float64(n) * sd * sd)
}

func meanOf(list []float64) float64 {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return sum / float64(len(list))
}

// meanAndSpread are the mean and the standard deviation of the list itself.
func meanAndSpread(list []float64) (mean, sd float64) {
	if len(list) == 0 {
		return 0, 0
	}
	mean = meanOf(list)
	for _, x := range list {
		sd += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sd / float64(len(list)))
}
