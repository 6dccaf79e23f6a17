package sim

import (
	"math"
	"math/rand/v2"

	"multihome.i2p/analysis/trace"
)

// The vantage points (Adversary.Vantage).
const (
	vantageNetDb     = "netdb"
	vantageFloodfill = "floodfill"
	vantageClient    = "client"
	vantagePeer      = "peer"
)

// Where an observer's floodfills stand (Adversary.Placement).
const (
	placementRandom   = "random"
	placementTargeted = "targeted"
)

// watcher is an adversary of the configuration: what it has at its vantage point
// and what it has to remember. It draws from a generator of its own, so that
// neither the world nor another adversary changes with it.
type watcher struct {
	cfg    *Adversary
	source rand.PCG
	rng    *rand.Rand
	// recent are the LeaseSets that it saw last, and their records: the same one
	// is seen again and again, and its leases are kept once.
	recent [holdersOfKey]sighting
	turn   int

	subs       []int32      // vantage points netdb and client: keys of the sub-Destinations that it follows
	floodfills []int32      // vantage floodfill: its own
	talk       conversation // vantage client
	own        []uint64     // vantage peer: bit set of its routers
	joined     []ownTunnel  // of the tunnels that one of them is the far end of, those not attributed yet
}

type sighting struct {
	set    int32
	gen    uint16
	leases []trace.Lease
}

// watchState is what the world keeps for its watchers. Where nobody watches from
// a vantage point, its hooks cost a test of one of these.
type watchState struct {
	bundles  bool // somebody sees what routers bundle
	peers    bool // somebody's routers stand in tunnels
	targeted bool // a floodfill is closest to each day's routing key
	census   census
}

// watcherStreams is the number of the first watcher's stream of random numbers: far
// above numStreams, so that a new stream of the world moves no watcher.
const watcherStreams = 1 << 16

// seedWatchers sets up the watchers' generators, before anything draws from them.
func (w *World) seedWatchers() {
	n := len(w.cfg.Adversaries)
	for len(w.watchers) < n {
		p := new(watcher) // generators point into it
		p.rng = rand.New(&p.source)
		w.watchers = append(w.watchers, p)
	}
	w.watchers = w.watchers[:n]
	w.watch.bundles, w.watch.peers, w.watch.targeted = false, false, false
	for i, p := range w.watchers {
		p.cfg = &w.cfg.Adversaries[i]
		n := uint64(2 * (watcherStreams + i))
		p.source.Seed(splitmix(w.seed+(n+1)*splitmixStep), splitmix(w.seed+(n+2)*splitmixStep))
		switch p.cfg.Vantage {
		case vantageFloodfill:
			w.watch.targeted = w.watch.targeted || p.cfg.Placement == placementTargeted
		case vantageClient:
			w.watch.bundles = true
		case vantagePeer:
			w.watch.peers = true
		}
	}
}

func (w *World) resetWatchers() {
	n := len(w.watchers)
	for len(w.out.Traces) < n {
		w.out.Traces = append(w.out.Traces, trace.Trace{})
	}
	w.out.Traces = w.out.Traces[:n]
	w.name()
	// Polls have their phases from a stream that they share, for no better reason
	// than that they had it before there were other vantage points.
	shared := w.streams.rand[streamAdversary]
	for i, p := range w.watchers {
		for k := range p.recent {
			p.recent[k].set = none
		}
		p.turn = 0
		p.subs = p.subs[:0]
		w.out.Traces[i].Reset(trace.Header{
			Destination: w.b32, Vantage: trace.Vantage(p.cfg.Vantage), Source: trace.SourceSim,
		})
		switch p.cfg.Vantage {
		case vantageNetDb:
			w.push(w.observed+uniform(shared, 0, p.cfg.Every), evPoll, int32(i), 0)
		case vantageFloodfill:
			w.placeFloodfills(p)
		case vantageClient:
			p.talk = conversation{set: none}
			w.push(w.observed+uniform(p.rng, 0, p.cfg.Every), evPoll, int32(i), 0)
			if p.cfg.ProbeEvery > 0 {
				w.push(w.observed+uniform(p.rng, 0, p.cfg.ProbeEvery), evProbe, int32(i), 0)
			}
		case vantagePeer:
			w.placeRouters(p)
		}
	}
	w.resetCensus()
}

// seenMs is the time of a record that is made now. Observers have the right time.
func (w *World) seenMs() int64 { return int64((w.epoch + w.now) / Millisecond) }

// sight appends LeaseSet x to the trace of watcher i, who sees it now, and returns
// the record.
func (w *World) sight(i int32, kind trace.Kind, x int32) *trace.Record {
	s := w.sets.at(x)
	var r *trace.Record
	if s.meta {
		r = w.sightMeta(i, s)
	} else {
		r = w.sightLeases(i, kind, x)
	}
	if s.key != serviceKey {
		r.Sub = hashBytes(w.net.keys[s.key].dest)
		r.Has |= trace.HasSub
	}
	return r
}

// sightMeta is sight for a Meta LeaseSet.
func (w *World) sightMeta(i int32, s *leaseSet) *trace.Record {
	entries := w.scratch.entries[:0]
	for k := range s.entries {
		e := &s.entries[k]
		kind := uint8(storeTypeLeaseSet2)
		if w.isMeta(e.key) {
			kind = storeTypeMeta
		}
		entries = append(entries, trace.Entry{
			Hash: hashBytes(w.net.keys[e.key].dest), Type: kind, Cost: e.cost, Expires: e.expires,
		})
	}
	w.scratch.entries = entries
	return w.out.Traces[i].AppendMeta(w.seenMs(), s.published, s.expires, entries)
}

// sightLeases is sight for any other LeaseSet.
func (w *World) sightLeases(i int32, kind trace.Kind, x int32) *trace.Record {
	p, t := w.watchers[i], &w.out.Traces[i]
	s := w.sets.at(x)
	gen := w.sets.gens[x]
	for k := range p.recent {
		if q := &p.recent[k]; q.set == x && q.gen == gen {
			r := t.Append(kind, w.seenMs())
			r.Published, r.Expires, r.Leases = s.published, s.expires, q.leases
			r.Has |= trace.HasPublished | trace.HasExpires | trace.HasLeases
			return r
		}
	}
	leases := w.scratch.seen[:0]
	for k := range s.leases {
		leases = append(leases, w.seenLease(&s.leases[k]))
	}
	w.scratch.seen = leases
	r := t.AppendSighting(kind, w.seenMs(), s.published, s.expires, leases)
	p.recent[p.turn] = sighting{x, gen, r.Leases}
	p.turn = (p.turn + 1) % len(p.recent)
	return r
}

// seenArriving lets observers see a netDb message of the service that has reached
// its floodfill.
func (w *World) seenArriving(m *mail) {
	if w.net.ff[m.ff].watched {
		if m.kind == mailStore {
			w.seenStored(m)
		} else {
			w.seenAsked(m)
		}
	}
	if w.watch.peers && m.kind == mailStore {
		w.seenDelivered(m)
	}
}

// seenLease is a lease as others see it.
func (w *World) seenLease(l *lease) trace.Lease {
	return trace.Lease{Gateway: hashBytes(w.pop.HashWords(l.gateway)), Tunnel: l.number, EndMs: l.end * 1000}
}

// serviceHash is the hash of one of the operator's routers. They are numbered after
// all others of the network.
func (w *World) serviceHash(i int32) trace.Hash {
	return hashBytes(w.pop.HashWords(int32(w.pop.Len()) + i))
}

// normal is a standard normal value made of 64 random bits.
func normal(bits uint64) float64 {
	return math.Sqrt2 * math.Erfinv(2*(float64(bits>>12)+.5)/(1<<52)-1)
}
