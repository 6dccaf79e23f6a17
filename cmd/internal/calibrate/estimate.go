package calibrate

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"multihome.i2p/analysis"
	"multihome.i2p/i2cp/wire"
)

// confidence of all intervals.
const confidence = 0.95

// Snapshot is a page of profiles with the time when it was saved.
type Snapshot struct {
	Page *Page
	At   time.Time
}

// Router is one of the operator's Java routers: its snapshots in the order of their
// times, and its pages of tunnels.
type Router struct {
	Name      string
	Snapshots []Snapshot
	Tunnels   []*Page
}

// fast returns the fast tier of a snapshot.
func (s *Snapshot) fast() []Peer { return s.Page.Profiles.Peers[:s.Page.Profiles.Fast] }

// size is the median size of a router's fast tier, the lower one of two.
func (r *Router) size() int {
	var sizes []int
	for i := range r.Snapshots {
		sizes = append(sizes, len(r.Snapshots[i].fast()))
	}
	slices.Sort(sizes)
	return sizes[(len(sizes)-1)/2]
}

// overlap of two tiers.
type overlap struct {
	common, union int
	apart         time.Duration // between the two snapshots
}

func compare(a, b *Snapshot) overlap {
	in := map[wire.Hash]bool{}
	for _, p := range a.fast() {
		in[p.Hash] = true
	}
	o := overlap{union: len(in), apart: a.At.Sub(b.At).Abs()}
	for _, p := range b.fast() {
		if in[p.Hash] {
			o.common++
		} else {
			o.union++
		}
	}
	return o
}

// overlaps compares each pair of routers by those two of their snapshots that are
// closest in time.
func overlaps(routers []Router) (pairs [][2]int, found []overlap) {
	for i := range routers {
		for j := range i {
			var best *overlap
			for k := range routers[i].Snapshots {
				for l := range routers[j].Snapshots {
					o := compare(&routers[i].Snapshots[k], &routers[j].Snapshots[l])
					if best == nil || o.apart < best.apart {
						best = &o
					}
				}
			}
			if best != nil {
				pairs, found = append(pairs, [2]int{j, i}), append(found, *best)
			}
		}
	}
	return pairs, found
}

// jaccard is the common share of the unions of all pairs. With two routers its
// interval takes the peers for independent draws; with more, whole routers are left
// out one by one (jackknife, Student's t), since pairs share routers.
func jaccard(n int, pairs [][2]int, found []overlap) analysis.Estimate {
	ratio := func(without int) float64 {
		common, union := 0, 0
		for i, o := range found {
			if pairs[i][0] != without && pairs[i][1] != without {
				common, union = common+o.common, union+o.union
			}
		}
		return float64(common) / float64(union)
	}
	common, union := 0, 0
	for _, o := range found {
		common, union = common+o.common, union+o.union
	}
	e := analysis.ClopperPearson(common, union, confidence)
	if n < 3 {
		e.N = len(found)
		return e
	}
	all, sum := ratio(-1), 0.0
	values := make([]float64, n)
	for i := range values {
		values[i] = ratio(i)
		sum += values[i]
	}
	squares := 0.0
	for _, x := range values {
		squares += (x - sum/float64(n)) * (x - sum/float64(n))
	}
	half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(n - 1)}.Quantile(1-(1-confidence)/2) *
		math.Sqrt(float64(n-1)/float64(n)*squares)
	// Never narrower than if all peers were independent.
	e.Lo, e.Hi = max(0, min(e.Lo, all-half)), min(1, max(e.Hi, all+half))
	e.N = len(found)
	return e
}

// step is what became of a fast tier between two snapshots.
type step struct {
	hours       float64
	stayed, all int
}

// steps returns what became of each fast tier from one snapshot to the next.
func steps(routers []Router) []step {
	var found []step
	for i := range routers {
		s := routers[i].Snapshots
		for k := 1; k < len(s); k++ {
			o := compare(&s[k-1], &s[k])
			found = append(found, step{s[k].At.Sub(s[k-1].At).Hours(), o.common, len(s[k-1].fast())})
		}
	}
	return found
}

// turnover is the chance p that a fast peer is another one an hour later: the most
// likely one if a peer stays for h hours with probability (1-p)^h, with the interval
// of the likelihood ratio. It takes the peers for independent.
func turnover(found []step) analysis.Estimate {
	all, gone := 0, 0
	for _, s := range found {
		all += s.all
		gone += s.all - s.stayed
	}
	if all == 0 {
		return analysis.Undefined(0, "per hour", confidence, "no two snapshots of one router")
	}
	// With rate r = -ln(1-p) the likelihood has one maximum, and falls to both sides.
	likelihood := func(r float64) float64 {
		sum := 0.0
		for _, s := range found {
			sum -= r * s.hours * float64(s.stayed)
			if n := s.all - s.stayed; n > 0 {
				sum += float64(n) * math.Log(-math.Expm1(-r*s.hours))
			}
		}
		return sum
	}
	slope := func(r float64) float64 {
		sum := 0.0
		for _, s := range found {
			sum -= s.hours * float64(s.stayed)
			if n := s.all - s.stayed; n > 0 {
				sum += float64(n) * s.hours / math.Expm1(r*s.hours)
			}
		}
		return sum
	}
	const most = 1e4 // per hour: all gone within a second
	best := 0.0
	switch {
	case gone == all:
		best = most
	case gone > 0:
		best = bisect(0, most, func(r float64) bool { return slope(r) > 0 })
	}
	drop := distuv.ChiSquared{K: 1}.Quantile(confidence) / 2
	inside := func(r float64) bool { return likelihood(best)-likelihood(r) <= drop }
	lo, hi := 0.0, most
	if gone > 0 {
		lo = bisect(0, best, func(r float64) bool { return !inside(r) })
	}
	if gone < all {
		hi = bisect(best, most, inside)
	}
	chance := func(r float64) float64 { return -math.Expm1(-r) }
	return analysis.Estimate{Center: chance(best), Lo: chance(lo), Hi: chance(hi), Confidence: confidence, N: all, Unit: "per hour"}
}

// bisect finds where a condition that holds at lo stops holding, up to hi.
func bisect(lo, hi float64, holds func(float64) bool) float64 {
	for range 200 {
		mid := lo + (hi-lo)/2
		if holds(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// eligible is the share of fast peers that may be inbound gateways: that publish R,
// and an IPv4 address where a netDb tells it. Each peer counts once, as its router saw
// it last.
type eligible struct {
	analysis.Estimate
	checked int // of N, those whose address was found
}

func eligibleShare(routers []Router, netDbs []*NetDb) eligible {
	k, n, checked := 0, 0, 0
	seen := map[wire.Hash]bool{}
	for i := range routers {
		last := len(routers[i].Snapshots) - 1
		if last < 0 {
			continue
		}
		for _, p := range routers[i].Snapshots[last].fast() {
			if seen[p.Hash] || p.Caps == "" {
				continue
			}
			seen[p.Hash] = true
			ok := slices.Contains([]byte(p.Caps), reachableCap[0])
			for _, db := range netDbs {
				if x := db.routers[p.Hash]; x != nil {
					ok = ok && x.ipv4
					checked++
					break
				}
			}
			n++
			if ok {
				k++
			}
		}
	}
	if n == 0 {
		return eligible{Estimate: analysis.Undefined(0, "share", confidence)}
	}
	return eligible{analysis.ClopperPearson(k, n, confidence), checked}
}
