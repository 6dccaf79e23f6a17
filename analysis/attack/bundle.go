package attack

import (
	"cmp"
	"math"
	"slices"

	"multihome.i2p/analysis/trace"
)

// bundle compares the LeaseSets that come inside messages with the one that the netDb
// had then. A router bundles what it has stored itself: a stock one its newest
// LeaseSet, published or not (Java I2P 2.8.0, lookupLeaseSetLocally; i2pd 2.58,
// GarlicRoutingSession). Several routers that each bundle their own, as under old-style
// multihoming, or the part of the common one that leads to them, as carriers that keep
// their clients do, hand out lists that fall into classes, of other sizes, dates and
// ends than the netDb's.
//
// It assumes that the observer has looked the LeaseSet up at about the time of the
// message, as clients do before they write, and that what is newer than the netDb's
// may be on its way there. Leases that come together are of one router, and those that
// the netDb lists beside them of another: over all partial bundles these votes make
// classes of gateways, by the contraction that probe uses. The number of routers
// follows from how many different classes the bundles are of (occupancy), and from how
// much of the netDb's list a bundle holds. Where bundles are whole it is not counted.
var bundle = signal{
	name:     "bundle",
	vantages: []trace.Vantage{trace.VantageClient},
	numbers: []string{
		"odds", "coverage", "least_coverage", "foreign", "size", "later_s", "later_spread_s", "older", "newer",
		"conflicts", "ends", "life_s", "apart", "classes", "unlisted",
	},
	measure: bundleNumbers,
	natural: func(v []float64) float64 { return v[0] },
	count:   func(e *Evidence, _ []float64) ([]float64, bool) { return newBundling(e).posterior() },
}

// A comparison is one bundled LeaseSet beside the netDb's.
type comparison struct {
	bundle *LeaseSet
	netDb  *LeaseSet // nil where none was known
	common int       // leases of both
	moved  int       // of these, those that end at another time
}

type bundling struct {
	list    []comparison
	graph   *sameness
	partial []int32 // cluster of each partial bundle
	holds   [][2]int
}

// A bundle that is not this long, in leases of the netDb's list, is a partial one: lists
// that are older or newer have as many.
const partialLength = 0.75

func newBundling(e *Evidence) *bundling {
	b := &bundling{}
	if len(e.Bundles) == 0 {
		return b
	}
	order := make([]int32, len(e.LeaseSets))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmp.Compare(e.LeaseSets[x].FirstMs, e.LeaseSets[y].FirstMs) })
	b.graph = newSameness(len(e.Hashes))
	listed := make(map[int32]int64)
	var current *LeaseSet
	next := 0
	const yes, no = 2, -2
	type part struct {
		gateways []int32
		own, all int
	}
	var parts []part
	for i := range e.Bundles {
		c := comparison{bundle: &e.Bundles[i]}
		for next < len(order) && e.LeaseSets[order[next]].FirstMs <= c.bundle.FirstMs {
			if ls := &e.LeaseSets[order[next]]; current == nil || ls.madeMs() >= current.madeMs() {
				current = ls
			}
			next++
		}
		c.netDb = current
		if current == nil {
			b.list = append(b.list, c)
			continue
		}
		clear(listed)
		for j, t := range current.Tunnels {
			listed[t] = current.Ends[j]
		}
		for j, t := range c.bundle.Tunnels {
			if end, ok := listed[t]; ok {
				c.common++
				c.moved += int(bit(end != c.bundle.Ends[j]))
				delete(listed, t)
			}
		}
		b.list = append(b.list, c)
		if c.common == 0 || float64(len(c.bundle.Tunnels)) > partialLength*float64(len(current.Tunnels)) {
			continue
		}
		for j, gw := range c.bundle.Gateways {
			for _, other := range c.bundle.Gateways[:j] {
				b.graph.add(gw, other, yes)
			}
			for k, t := range current.Tunnels {
				if _, left := listed[t]; left && !slices.Contains(c.bundle.Gateways, current.Gateways[k]) {
					b.graph.add(gw, current.Gateways[k], no)
				}
			}
		}
		parts = append(parts, part{c.bundle.Gateways, c.common, len(current.Tunnels)})
	}
	b.graph.contract()
	for _, p := range parts {
		b.partial = append(b.partial, b.graph.cluster(p.gateways[0]))
		b.holds = append(b.holds, [2]int{p.own, p.all})
	}
	return b
}

// classes counts the partial bundles that are of clusters known to differ, and these.
func (b *bundling) classes() (bundles, classes int) {
	number := make(map[int32]int)
	var order []int32
	for _, c := range b.partial {
		if c < 0 {
			continue
		}
		if number[c] == 0 {
			order = append(order, c)
		}
		number[c]++
	}
	slices.SortStableFunc(order, func(x, y int32) int { return number[y] - number[x] })
	for _, c := range b.graph.apart(order) {
		bundles += number[c]
		classes++
	}
	return bundles, classes
}

// posterior is the probability of each number of routers; false where most bundles
// are whole.
func (b *bundling) posterior() ([]float64, bool) {
	if len(b.partial) == 0 || 2*len(b.partial) < len(b.list) {
		return nil, false
	}
	bundles, classes := b.classes()
	// A carrier may keep a lease back that is about to end.
	const loss = 0.1
	logs := make([]float64, MaxRouters)
	for k := range logs {
		sum := 0.0
		for _, h := range b.holds {
			sum += math.Log(answeredLaw(k+1, h[1]-1, h[0]-1, loss))
		}
		logs[k] = sum + math.Log(occupancy(k+1, bundles, classes)+1e-6)
	}
	return countPosterior(logs), true
}

func bundleNumbers(e *Evidence) []float64 {
	b := newBundling(e)
	if len(b.list) == 0 {
		return nil
	}
	none := math.NaN()
	var coverage, foreign, size, older, newer, conflicts, ends, unlisted, apart, life moment
	var later []float64
	least := none
	for i := range b.list {
		c := &b.list[i]
		n := float64(len(c.bundle.Tunnels))
		latest := int64(0)
		for j, end := range c.bundle.Ends {
			latest = max(latest, end)
			unlisted.add(1, bit(e.Tunnels[c.bundle.Tunnels[j]].First < 0))
		}
		life.add(1, float64(latest-c.bundle.FirstMs)/1000)
		if i > 0 && c.bundle.FirstMs-b.list[i-1].bundle.FirstMs < returnMs*4 {
			apart.add(1, bit(disjoint(c.bundle.Gateways, b.list[i-1].bundle.Gateways)))
		}
		if c.netDb == nil {
			continue
		}
		x := float64(c.common) / float64(len(c.netDb.Tunnels))
		coverage.add(1, x)
		if !(least <= x) {
			least = x
		}
		foreign.add(1, 1-float64(c.common)/n)
		size.add(1, math.Log(n/float64(len(c.netDb.Tunnels))))
		if c.common > 0 {
			ends.add(1, float64(c.moved)/float64(c.common))
		}
		d := float64(c.bundle.madeMs()-c.netDb.madeMs()) / 1000
		later = append(later, d)
		older.add(1, bit(d < 0))
		newer.add(1, bit(d > 0))
		conflicts.add(1, bit(d == 0 && (c.common != len(c.netDb.Tunnels) || n != float64(c.common))))
	}
	mean, sd := meanAndSpread(later)
	odds := 0.0
	if p, ok := b.posterior(); ok {
		odds = countOdds(p)
	}
	_, classes := b.classes()
	return []float64{
		odds, coverage.mean(none), least, foreign.mean(none), size.mean(none), math.Asinh(mean), math.Asinh(sd),
		older.mean(none), newer.mean(none), conflicts.mean(none), ends.mean(none), math.Log(math.Max(life.mean(none), 1)),
		apart.mean(none), math.Log1p(float64(classes)), unlisted.mean(none),
	}
}

func disjoint(a, b []int32) bool {
	for _, x := range a {
		if slices.Contains(b, x) {
			return false
		}
	}
	return true
}
