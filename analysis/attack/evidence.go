package attack

import (
	"encoding/binary"

	"multihome.i2p/analysis/trace"
)

// A LeaseSet is one distinct LeaseSet of a trace. Gateways and tunnels are numbered
// from 0 by first appearance.
type LeaseSet struct {
	FirstMs, LastMs int64 // when it was first and last seen
	PublishedMs     int64 // its version; -1 in a LeaseSet1
	ExpiresMs       int64 // 0 where the trace does not tell
	Flags           uint16
	EncKeys         trace.Hash // zero where the trace does not tell

	// Of each lease, in wire order.
	Gateways []int32
	Tunnels  []int32 // index into Evidence.Tunnels
	Ends     []int64 // ms since the epoch

	Distinct int // how many gateways differ
	Shared   int // how many leases are of tunnels that the LeaseSet before had too
}

// A Tunnel is one inbound tunnel, told by its gateway and its number there.
type Tunnel struct {
	Gateway     int32
	Number      uint32
	First, Last int32 // the first and the last of LeaseSets that lists it; -1 if only bundles do
	EndMs       int64 // of its lease when first listed
}

// Evidence is what a trace tells within a horizon. Pollers see the same LeaseSet
// many times: here each counts once.
type Evidence struct {
	Vantage   trace.Vantage
	Sightings int // lookup, store and bundle records
	StartMs   int64
	SpanMs    int64
	LeaseSets []LeaseSet // looked up or stored, by first sighting
	// Bundles are those that came inside messages. Where the observer has seen no
	// others they stand in LeaseSets.
	Bundles []LeaseSet
	Tunnels []Tunnel // by first appearance

	// Abundance counts the tunnels of each gateway: the gateway is the species,
	// and each tunnel one individual, however many LeaseSets list it.
	Abundance []int
	// Incidences counts the LeaseSets that name each gateway, the sampling units
	// being the LeaseSets.
	Incidences []int

	// Thinned are the LeaseSets, as indices, of which no two share a tunnel,
	// picked greedily from the first one on: nearly independent looks.
	Thinned []int

	// Records are those of the horizon; they belong to the trace.
	Records []trace.Record

	// Hashes are those of the gateways.
	Hashes []trace.Hash

	seen map[string]measured // what the attacks have measured here
}

// measured is what an attack made of evidence; nil where that is too little.
type measured struct{ vector []float64 }

// once returns what measure makes of the evidence, and makes it once for all who
// ask for that name.
func (e *Evidence) once(name string, measure func(*Evidence) []float64) []float64 {
	if m, ok := e.seen[name]; ok {
		return m.vector
	}
	if e.seen == nil {
		e.seen = make(map[string]measured)
	}
	v := measure(e)
	e.seen[name] = measured{v}
	return v
}

// Draws is the number of tunnels in all, the sum of Abundance.
func (e *Evidence) Draws() int { return len(e.Tunnels) }

// A leaseSetKey tells distinct LeaseSets apart. Its content is a hash: that two
// lists of one version collide has a chance of 2⁻⁶⁴.
type leaseSetKey struct {
	published int64
	content   uint64
	bundle    bool
}

type tunnelKey struct {
	gateway int32
	tunnel  uint32
}

// gatherer builds evidence in one pass. Its cost is that of reading the records,
// plus two look-ups in tables for each lease of a distinct LeaseSet.
type gatherer struct {
	e        *Evidence
	gateways map[trace.Hash]int32
	tunnels  map[tunnelKey]int32
	sets     map[leaseSetKey]int32
	named    []int32 // per gateway, the last LeaseSet that named it, from 1
	listed   []int32 // per tunnel, likewise
	thinned  []bool  // per tunnel
	recent   [4]recent
	turn     int
	last     *LeaseSet // added last; most leases of the next one stand there too
	cursor   int       // in last, where the next lease is looked for first
	numbers  []int32   // room for the numbers and ends of LeaseSets to come
	ends     []int64
}

// recent is one of the LeaseSets seen last: holders return the same one over and
// over.
type recent struct {
	set    int32
	bundle bool
	valid  bool
}

// Gather reads the records of the first horizonMs milliseconds of a trace,
// counted from its first record (0 or less: all of them). LeaseSets with equal
// version and equal leases count once, where the version is "published", or the
// earliest end in a LeaseSet1.
//
// Where a Meta LeaseSet leads to several sub-Destinations, the LeaseSets are those of
// the one seen first: whose is whose is told, and only what one of them hides is left
// to find out. [Meta] counts them.
func Gather(tr *trace.Trace, horizonMs int64) *Evidence {
	e := &Evidence{Vantage: tr.Header.Vantage}
	if len(tr.Records) == 0 {
		return e
	}
	e.StartMs = tr.Records[0].TimeMs
	g := &gatherer{
		e: e, gateways: make(map[trace.Hash]int32), tunnels: make(map[tunnelKey]int32),
		sets: make(map[leaseSetKey]int32),
	}
	onlyBundles := true
	n := len(tr.Records)
	for i := range tr.Records {
		r := &tr.Records[i]
		if horizonMs > 0 && r.TimeMs-e.StartMs > horizonMs {
			n = i
			break
		}
		onlyBundles = onlyBundles && (!r.Kind.Sighting() || r.Kind == trace.KindBundle || len(r.Leases) == 0)
	}
	e.Records = tr.Records[:n]
	var first *trace.Hash // sub-Destination
	for i := range e.Records {
		r := &e.Records[i]
		e.SpanMs = r.TimeMs - e.StartMs
		if !r.Kind.Sighting() {
			continue
		}
		if r.Has&trace.HasSub != 0 {
			if first == nil {
				first = &r.Sub
			}
			if r.Sub != *first {
				continue
			}
		}
		e.Sightings++
		if len(r.Leases) > 0 {
			g.sighting(r, r.Kind == trace.KindBundle && !onlyBundles)
		}
	}
	return e
}

func (g *gatherer) sighting(r *trace.Record, bundle bool) {
	for i := range g.recent {
		if x := g.recent[i]; x.valid && x.bundle == bundle && g.same(g.list(bundle, x.set), r) {
			g.list(bundle, x.set).LastMs = r.TimeMs
			return
		}
	}
	key := leaseSetKey{published: r.Published, bundle: bundle}
	if r.Millis {
		key.published = -earliestEnd(r.Leases) - 1 // apart from every LeaseSet2
	}
	for j := range r.Leases {
		l := &r.Leases[j]
		key.content = blend(key.content ^ uint64(l.Tunnel))
		for k := 0; k < len(l.Gateway); k += 8 {
			key.content = blend(key.content ^ binary.LittleEndian.Uint64(l.Gateway[k:]))
		}
	}
	set, ok := g.sets[key]
	if !ok {
		set = g.add(r, bundle)
		g.sets[key] = set
	}
	g.list(bundle, set).LastMs = r.TimeMs
	g.recent[g.turn] = recent{set, bundle, true}
	g.turn = (g.turn + 1) % len(g.recent)
}

// blend is the output function of SplitMix64 (Steele, Lea and Flood, 2014) after one
// step.
func blend(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (g *gatherer) list(bundle bool, i int32) *LeaseSet {
	if bundle {
		return &g.e.Bundles[i]
	}
	return &g.e.LeaseSets[i]
}

// same tells whether the record shows the LeaseSet.
func (g *gatherer) same(ls *LeaseSet, r *trace.Record) bool {
	if len(ls.Gateways) != len(r.Leases) || r.Millis != (ls.PublishedMs < 0) {
		return false
	}
	if !r.Millis && ls.PublishedMs != 1000*r.Published {
		return false
	}
	for j := range r.Leases {
		l := &r.Leases[j]
		if g.e.Tunnels[ls.Tunnels[j]].Number != l.Tunnel || g.e.Hashes[ls.Gateways[j]] != l.Gateway {
			return false
		}
		if r.Millis && ls.Ends[j] != l.EndMs {
			return false // the earliest end is the version
		}
	}
	return true
}

// add takes in a LeaseSet that is seen for the first time.
func (g *gatherer) add(r *trace.Record, bundle bool) int32 {
	e := g.e
	n := len(r.Leases)
	numbers := chunk(&g.numbers, 2*n)
	ls := LeaseSet{
		FirstMs: r.TimeMs, PublishedMs: 1000 * r.Published, ExpiresMs: 1000 * r.Expires, Flags: r.Flags, EncKeys: r.EncKeys,
		Gateways: numbers[:n:n], Tunnels: numbers[n:], Ends: chunk(&g.ends, n),
	}
	if r.Millis {
		ls.PublishedMs = -1
	}
	index := int32(len(e.LeaseSets))
	fresh := true
	g.cursor = 0
	for j := range r.Leases {
		l := &r.Leases[j]
		gw, t, known := g.again(l)
		if !known {
			gw = g.gateway(l.Gateway)
			t, known = g.tunnel(gw, l)
		}
		ls.Gateways[j], ls.Tunnels[j], ls.Ends[j] = gw, t, l.EndMs
		if bundle {
			continue
		}
		if g.named[gw] != index+1 {
			g.named[gw] = index + 1
			e.Incidences[gw]++
			ls.Distinct++
		}
		if known && g.listed[t] == index {
			ls.Shared++
		}
		g.listed[t] = index + 1
		if x := &e.Tunnels[t]; x.First < 0 {
			x.First, x.Last = index, index
		} else {
			x.Last = index
		}
		fresh = fresh && !g.thinned[t]
	}
	if bundle {
		ls.Distinct = distinctOf(ls.Gateways)
		e.Bundles = append(e.Bundles, ls)
		g.last = &e.Bundles[len(e.Bundles)-1]
		return int32(len(e.Bundles) - 1)
	}
	if fresh {
		e.Thinned = append(e.Thinned, int(index))
		for _, t := range ls.Tunnels {
			g.thinned[t] = true
		}
	}
	e.LeaseSets = append(e.LeaseSets, ls)
	g.last = &e.LeaseSets[index]
	return index
}

// again finds a lease in the LeaseSet added last, where it stands next to the one
// found before: LeaseSets follow each other by a lease more in front and one less
// somewhere.
func (g *gatherer) again(l *trace.Lease) (gw, t int32, ok bool) {
	if g.last == nil {
		return 0, 0, false
	}
	for k := g.cursor; k < min(g.cursor+3, len(g.last.Tunnels)); k++ {
		gw, t = g.last.Gateways[k], g.last.Tunnels[k]
		if g.e.Tunnels[t].Number == l.Tunnel && g.e.Hashes[gw] == l.Gateway {
			g.cursor = k + 1
			return gw, t, true
		}
	}
	return 0, 0, false
}

// chunk cuts n elements off what is left of a larger piece of memory.
func chunk[T any](rest *[]T, n int) []T {
	const piece = 4096
	if len(*rest) < n {
		*rest = make([]T, max(n, piece))
	}
	c := (*rest)[:n:n]
	*rest = (*rest)[n:]
	return c
}

func (g *gatherer) gateway(h trace.Hash) int32 {
	gw, ok := g.gateways[h]
	if !ok {
		gw = int32(len(g.e.Hashes))
		g.gateways[h] = gw
		g.e.Hashes = append(g.e.Hashes, h)
		g.e.Abundance = append(g.e.Abundance, 0)
		g.e.Incidences = append(g.e.Incidences, 0)
		g.named = append(g.named, 0)
	}
	return gw
}

// tunnel returns the number of a lease's tunnel, and whether it was known.
func (g *gatherer) tunnel(gw int32, l *trace.Lease) (t int32, known bool) {
	key := tunnelKey{gw, l.Tunnel}
	if t, known = g.tunnels[key]; known {
		return t, true
	}
	t = int32(len(g.e.Tunnels))
	g.tunnels[key] = t
	g.e.Tunnels = append(g.e.Tunnels, Tunnel{Gateway: gw, Number: l.Tunnel, First: -1, Last: -1, EndMs: l.EndMs})
	g.e.Abundance[gw]++
	g.listed = append(g.listed, 0)
	g.thinned = append(g.thinned, false)
	return t, false
}

// distinctOf counts different numbers in a short list.
func distinctOf(list []int32) int {
	n := 0
	for i, x := range list {
		fresh := true
		for _, y := range list[:i] {
			fresh = fresh && x != y
		}
		if fresh {
			n++
		}
	}
	return n
}

func earliestEnd(leases []trace.Lease) int64 {
	end := leases[0].EndMs
	for i := range leases {
		end = min(end, leases[i].EndMs)
	}
	return end
}
