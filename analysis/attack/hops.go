package attack

import (
	"cmp"
	"math"
	"slices"

	"multihome.i2p/analysis/trace"
)

// hops looks at who stands next to the observer's routers in tunnels of the service. A
// Java router draws each hop of its tunnels from a group of its fast tier of its own
// (Java I2P 2.8.0, ClientPeerSelector): gateways from one, the hops that come next
// from another, so that a peer keeps its place, whoever is gateway has the same few
// routers next, and as few gateways as there are serve many leases at a time each.
// Several routers have slices of their own: an observer meets the service with more of
// its routers, each has fewer of its tunnels at a time, and what comes next falls
// apart in groups that share nobody. In tunnels of one hop the next one is the
// service's router itself, and the groups are the routers.
//
// It assumes that the observer's routers are a random sample of the network, so that
// it is a matter of luck how many stand in tunnels at all: that none does is a
// measurement too, and speaks for few slices. It takes for granted that tunnels are
// the service's as the trace says. The next hop of an inbound gateway and the one
// before an outbound end point are counted apart; what its own routers see in between
// is counted with neither, for its direction is not recorded.
//
// The danger that chosen first hops limit is that of Wright, Adler, Levine and Shields
// (2004), ACM TISSEC 7:489, the predecessor attack.
var hops = signal{
	name:     "hops",
	vantages: []trace.Vantage{trace.VantagePeer},
	numbers: []string{
		"odds", "tunnels", "ends", "gateways", "end_points", "at_once", "most_at_once", "rate",
		"nexts", "nexts_per_tunnel", "next_overlap", "repeats", "news", "groups", "end_groups", "both_places",
	},
	measure: hopsNumbers,
	natural: func(v []float64) float64 {
		if groups := v[13]; groups > 0 {
			return v[0] + 3*groups
		}
		return v[0]
	},
}

// meeting is a tunnel whose far end is one of the observer's routers.
type meeting struct {
	self, next int32 // next is the one that is nearer to the service, -1 if not told
	ends       int64 // ms
}

// meetings are the tunnels of one direction.
type meetings struct {
	list   []meeting
	selves int
	nexts  int
	hashes [2]map[trace.Hash]int32 // of selves, of nexts
}

func meetingsOf(e *Evidence, role trace.Role) *meetings {
	m := &meetings{hashes: [2]map[trace.Hash]int32{make(map[trace.Hash]int32), make(map[trace.Hash]int32)}}
	number := func(which int, h trace.Hash) int32 {
		k, ok := m.hashes[which][h]
		if !ok {
			k = int32(len(m.hashes[which]))
			m.hashes[which][h] = k
		}
		return k
	}
	for i := range e.Records {
		r := &e.Records[i]
		if r.Kind != trace.KindHop || r.Role != role {
			continue
		}
		x := meeting{self: number(0, r.Self), next: -1, ends: 1000 * r.Expires}
		switch {
		case role == trace.RoleIBGW && r.Has&trace.HasNext != 0:
			x.next = number(1, r.Next)
		case role == trace.RoleEnd && r.Has&trace.HasPrev != 0:
			x.next = number(1, r.Prev)
		}
		m.list = append(m.list, x)
	}
	m.selves, m.nexts = len(m.hashes[0]), len(m.hashes[1])
	slices.SortStableFunc(m.list, func(a, b meeting) int { return cmp.Compare(a.ends, b.ends) })
	return m
}

func hopsNumbers(e *Evidence) []float64 {
	in, out := meetingsOf(e, trace.RoleIBGW), meetingsOf(e, trace.RoleEnd)
	if e.Vantage != trace.VantagePeer && len(in.list)+len(out.list) == 0 {
		return nil
	}
	mean, most := in.atOnce()
	nexts := math.NaN()
	if n := len(in.list); n > 0 {
		nexts = float64(in.nexts) / float64(n)
	}
	return []float64{
		in.odds(), math.Log1p(float64(len(in.list))), math.Log1p(float64(len(out.list))),
		math.Log1p(float64(in.selves)), math.Log1p(float64(out.selves)), mean, most, in.rate(),
		math.Log1p(float64(in.nexts)), nexts, in.overlap(), in.repeats(), in.news(),
		in.groups(), out.groups(), bothPlaces(in),
	}
}

// odds are the log odds of several routers by how many tunnels the observer's gateways
// have at a time: for one of n gateways of a router that has a k-th of the leases,
// that is a Poisson number with the mean leases/(k·n). It takes it that all leases
// that a LeaseSet has room for are used, and counts tunnels of one gateway at a time
// as one look, since they follow each other. Without tunnels it is even.
func (m *meetings) odds() float64 {
	const leases, renewals = 16, 1.2 // a tunnel is replaced before its end
	if len(m.list) == 0 {
		return 0
	}
	others := 0.0
	for i, x := range m.list {
		for k := i - 1; k >= 0 && m.list[k].ends > x.ends-lifetimeMs; k-- {
			others += bit(m.list[k].self == x.self)
		}
	}
	mean := others / float64(len(m.list))
	looks := float64(len(m.list)) / (1 + 2*mean)
	logs := make([]float64, MaxRouters)
	for k := range logs {
		sum := 0.0
		for n, p := range javaRouters().sizes[1] {
			if p > 0 {
				mu := leases * renewals / float64((k+1)*n)
				sum += p * math.Exp(looks*(mean*math.Log(mu)-mu-mean*math.Log(mean+1e-9)+mean))
			}
		}
		logs[k] = math.Log(sum + 1e-300)
	}
	return countOdds(countPosterior(logs))
}

// atOnce is how many tunnels one of the observer's gateways has at a time, as seen by
// the average tunnel and at most. NaN without tunnels for the mean.
func (m *meetings) atOnce() (mean, most float64) {
	var all moment
	for i, x := range m.list {
		n := 1
		for k := i - 1; k >= 0 && m.list[k].ends > x.ends-lifetimeMs; k-- {
			n += int(bit(m.list[k].self == x.self))
		}
		all.add(1, float64(n))
		most = math.Max(most, float64(n))
	}
	return math.Log(all.mean(math.NaN())), math.Log1p(most)
}

// rate is the logarithm of how many tunnels a gateway has in an hour in which it has
// any.
func (m *meetings) rate() float64 {
	first, last := make([]int64, m.selves), make([]int64, m.selves)
	for _, x := range m.list {
		if first[x.self] == 0 {
			first[x.self] = x.ends
		}
		last[x.self] = x.ends
	}
	span := 0.0
	for k := range first {
		span += float64(last[k]-first[k]+lifetimeMs) / 3600e3
	}
	return math.Log(float64(len(m.list)) / span)
}

// matrix counts how often each next hop came after each gateway.
func (m *meetings) matrix() [][]int {
	counts := make([][]int, m.selves)
	for k := range counts {
		counts[k] = make([]int, m.nexts)
	}
	for _, x := range m.list {
		if x.next >= 0 {
			counts[x.self][x.next]++
		}
	}
	return counts
}

// overlap is the mean, over pairs of gateways, of how likely a next hop of one is the
// same as one of the other, compared with two of one gateway (Morisita (1959), Mem.
// Fac. Sci. Kyushu Univ. E 3:65): 1 if both draw from the same, 0 if from others.
func (m *meetings) overlap() float64 {
	// Beyond these gateways pairs tell nothing more.
	const enough = 32
	counts := m.matrix()
	sums, within := make([]float64, len(counts)), make([]float64, len(counts))
	for k, row := range counts {
		for _, n := range row {
			sums[k] += float64(n)
			within[k] += float64(n * (n - 1))
		}
		if sums[k] > 1 {
			within[k] /= sums[k] * (sums[k] - 1)
		}
	}
	var mean moment
	for a := range min(len(counts), enough) {
		for b := range a {
			if sums[a] < 3 || sums[b] < 3 || within[a]+within[b] == 0 {
				continue
			}
			same := 0.0
			for k, n := range counts[a] {
				same += float64(n * counts[b][k])
			}
			mean.add(1, math.Min(2, 2*same/(sums[a]*sums[b])/(within[a]+within[b])))
		}
	}
	return mean.mean(math.NaN())
}

// repeats is the share of tunnels whose next hop is that of a tunnel of the same
// gateway which ended as this one began.
func (m *meetings) repeats() float64 {
	var all moment
	for i, x := range m.list {
		found, some := false, false
		for k := i - 1; k >= 0 && m.list[k].ends > x.ends-lifetimeMs; k-- {
			if y := m.list[k]; y.self == x.self && x.ends-y.ends > lifetimeMs/2 {
				some = true
				found = found || y.next == x.next
			}
		}
		if some {
			all.add(1, bit(found))
		}
	}
	return all.mean(math.NaN())
}

// news is the share of the next hops of the second half that the first half had not.
func (m *meetings) news() float64 {
	half := len(m.list) / 2
	if half < 4 {
		return math.NaN()
	}
	when := make([]int, m.nexts) // 1: in the first half, 2: since
	for i, x := range m.list {
		if x.next < 0 {
			continue
		}
		if i < half {
			when[x.next] = 1
		} else if when[x.next] == 0 {
			when[x.next] = 2
		}
	}
	fresh := 0.0
	for _, w := range when {
		fresh += bit(w == 2)
	}
	return fresh / float64(max(m.nexts, 1))
}

// groups is the logarithm of the number of groups of gateways that share next hops
// with none outside of the group; NaN without gateways of three tunnels, since one
// with fewer shares little with anybody.
func (m *meetings) groups() float64 {
	counts := m.matrix()
	sets := newDisjoint(m.selves)
	owner := make([]int32, m.nexts)
	for k := range owner {
		owner[k] = -1
	}
	used := make([]bool, m.selves)
	for a, row := range counts {
		tunnels := 0
		for _, n := range row {
			tunnels += n
		}
		if tunnels < 3 {
			continue
		}
		used[a] = true
		for k, n := range row {
			switch {
			case n == 0:
			case owner[k] < 0:
				owner[k] = int32(a)
			default:
				sets.join(int32(a), owner[k])
			}
		}
	}
	groups := make(map[int32]bool)
	for a := range used {
		if used[a] {
			groups[sets.root(int32(a))] = true
		}
	}
	if len(groups) == 0 {
		return math.NaN()
	}
	return math.Log(float64(len(groups)))
}

// bothPlaces is the share of the observer's gateways that also come next after
// another: a peer that two routers put into different groups.
func bothPlaces(m *meetings) float64 {
	n := 0.0
	for h := range m.hashes[0] { // a count: in any order
		_, ok := m.hashes[1][h]
		n += bit(ok)
	}
	if m.selves == 0 {
		return math.NaN()
	}
	return n / float64(m.selves)
}
