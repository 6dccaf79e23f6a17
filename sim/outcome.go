package sim

import (
	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
)

// Outcome is what one trial leaves behind: what each adversary saw, and the
// truth. Its memory is used again by the next trial that it is given to.
type Outcome struct {
	// Traces holds one trace for each of Config.Adversaries, in their order.
	Traces []trace.Trace
	Truth  Truth
}

// Intervals at which the truth is sampled.
const (
	sampleEvery     = Minute
	accumulateEvery = 10 * Minute
	accumulateSteps = int(accumulateEvery / sampleEvery)
)

// Truth is what really happened during the observation. All counts exclude
// the warm-up. As JSON it is a line of truth.jsonl.
type Truth struct {
	Seed     uint64 `json:"seed"`        // of the trial
	Observed Time   `json:"observed_ns"` // length of the observation
	Events   int64  `json:"events"`      // of the engine, warm-up included

	// LeaseSets.
	Versions  int64 `json:"versions"`  // LeaseSets signed
	Published int64 `json:"published"` // of them, those that reached a floodfill
	// MetaPublished counts the Meta LeaseSets that did, which are not among those.
	MetaPublished int64 `json:"meta_published"`
	Publishes     int64 `json:"publishes"` // attempts to publish, repetitions included
	// LeaseCounts[n] counts published LeaseSets of n leases (the last entry:
	// so many and more), IBGWCounts[n] those with n distinct IBGWs.
	LeaseCounts [leaseBins]int64 `json:"lease_counts"`
	IBGWCounts  [leaseBins]int64 `json:"ibgw_counts"`
	// LeaseTotal and IBGWTotal are the leases and the distinct IBGWs of each, summed.
	LeaseTotal int64 `json:"lease_total"`
	IBGWTotal  int64 `json:"ibgw_total"`

	// Messages at floodfills.
	Stores        int64 `json:"stores"`
	Floods        int64 `json:"floods"`
	Lookups       int64 `json:"lookups"`       // all of them
	Verifications int64 `json:"verifications"` // lookups of the service's own LeaseSet by its routers
	Polls         int64 `json:"polls"`         // lookups of the adversaries
	ClientLookups int64 `json:"client_lookups"`
	Bytes         int64 `json:"bytes"`
	// TunnelMessages counts those that carried the service's stores, acks, lookups
	// and their answers on their way through tunnels.
	TunnelMessages int64 `json:"tunnel_messages"`
	// Throttled counts new LeaseSets that a floodfill took and did not flood, and
	// Refused those that were too large for it; AcksAstray the acks that came in
	// through another router than the one that had stored.
	Throttled     int64 `json:"throttled"`
	Refused       int64 `json:"refused"`
	AcksAstray    int64 `json:"acks_astray"`
	StoreTimeouts int64 `json:"store_timeouts"`
	StoreFailures int64 `json:"store_failures"`
	Resends       int64 `json:"resends"`
	// PerMinute is the load over time; Floodfills the load of each floodfill
	// that had any.
	PerMinute  []Load            `json:"per_minute"`
	Floodfills []FloodfillCounts `json:"floodfills"`
	// FloodfillsInAll is the number of floodfills of the network, with load or without.
	FloodfillsInAll int `json:"floodfills_in_all"`

	// DistinctIBGW is the number of inbound gateways in all published
	// LeaseSets; Accumulation is how it grew, every ten minutes.
	DistinctIBGW int     `json:"distinct_ibgw"`
	Accumulation []int32 `json:"accumulation"`

	// Samples are taken once a minute. Live counts those with a lease that
	// works in what one of the closest floodfills holds; Listed and Dead
	// count the leases there.
	Samples int64 `json:"samples"`
	Live    int64 `json:"live"`
	Listed  int64 `json:"listed"`
	Dead    int64 `json:"dead"`
	// Entries counts, in the same samples, the sub-Destinations that the Meta
	// LeaseSet leads to, and DeadEntries those of them without a lease that works.
	Entries     int64 `json:"entries"`
	DeadEntries int64 `json:"dead_entries"`
	// Failovers are the times from a router's death to the first published
	// LeaseSet without a lease of its; those not over at the end are left out.
	Failovers []Time `json:"failovers_ns"`

	Routers []RouterTruth `json:"routers"`

	Clients ClientTruth `json:"clients,omitzero"`

	Builds         int64 `json:"builds"`
	BuildRejects   int64 `json:"build_rejects"`
	BuildTimeouts  int64 `json:"build_timeouts"`
	Tunnels        int64 `json:"tunnels"`         // built
	Inbound        int64 `json:"inbound"`         // of them, inbound
	Inherited      int64 `json:"inherited"`       // of those, on the path of an older one
	TunnelFailures int64 `json:"tunnel_failures"` // killed by their tests
	Fallbacks      int64 `json:"fallbacks"`       // hops not found in the fast tier
}

// leaseBins is the number of bins for leases in a LeaseSet.
const leaseBins = 65

// Load is what the floodfills took in and gave out in one minute.
type Load struct {
	Messages int32 `json:"messages"`
	Bytes    int64 `json:"bytes"`
}

// FloodfillCounts is the load of one floodfill.
type FloodfillCounts struct {
	Stores        int64 `json:"stores"`
	Floods        int64 `json:"floods"`
	Lookups       int64 `json:"lookups"`
	Verifications int64 `json:"verifications"`
	Bytes         int64 `json:"bytes"`
}

// RouterTruth is one of the operator's routers. Means are over samples every
// ten minutes.
type RouterTruth struct {
	Samples    int64 `json:"samples"`
	Candidates int64 `json:"candidates"` // sum over samples of the peers that IBGWs are drawn from
	FastTier   int64 `json:"fast_tier"`  // sum over samples of the fast tier's size
	HasTier    bool  `json:"has_tier"`   // i2pd routers have none
	Tunnels    int64 `json:"tunnels"`    // sum over samples of its inbound tunnels
	Leases     int64 `json:"leases"`     // sum over samples of its leases in what the netDb holds
}

// reset empties t and keeps its memory.
func (t *Truth) reset(routers int) {
	*t = Truth{
		PerMinute:    t.PerMinute[:0],
		Floodfills:   t.Floodfills[:0],
		Accumulation: t.Accumulation[:0],
		Failovers:    t.Failovers[:0],
		Routers:      resized(t.Routers, routers),
		Clients:      ClientTruth{Strikes: t.Clients.Strikes[:0]},
	}
}

// observerState is what the counting of a trial needs to remember.
type observerState struct {
	seen     []uint64 // bit set of IBGWs
	distinct int
	step     int
	pending  []failover
	timeouts int64 // builds begun before the observation that time out in it
}

// failover is a death whose consequences are still in the netDb.
type failover struct {
	router int32
	boot   uint16 // lives up to this one are dead
	at     Time
}

func (w *World) resetOutcome() {
	w.out.Truth.reset(len(w.cfg.Destination.Routers))
	o := &w.observer
	o.seen = resized(o.seen, w.pop.Len()/64+1)
	o.distinct, o.step, o.timeouts = 0, 0, 0
	o.pending = o.pending[:0]
}

// beginObservation forgets what the warm-up has counted.
func (w *World) beginObservation() {
	events := w.out.Truth.Events
	w.out.Truth.reset(len(w.cfg.Destination.Routers))
	w.out.Truth.Events = events
	w.out.Truth.BuildTimeouts = w.observer.timeouts
	w.out.Truth.Clients.Count = w.cfg.Clients.Count
	clear(w.observer.seen)
	w.observer.distinct = 0
	for i := range w.net.ff {
		w.net.ff[i].counts = FloodfillCounts{}
	}
}

// finish closes the books.
func (w *World) finish() {
	w.finishClients()
	t := &w.out.Truth
	t.Seed = w.seed
	t.Observed = w.end - w.observed
	t.DistinctIBGW = w.observer.distinct
	t.FloodfillsInAll = len(w.net.ff)
	for i := range w.net.ff {
		if c := &w.net.ff[i].counts; *c != (FloodfillCounts{}) {
			t.Floodfills = append(t.Floodfills, *c)
		}
	}
}

// sampleTruth takes the samples of one minute.
func (w *World) sampleTruth() {
	o := &w.observer
	if o.step == 0 {
		w.beginObservation()
	}
	w.sampleNetDb(o.step%accumulateSteps == 0)
	if o.step%accumulateSteps == 0 {
		w.out.Truth.Accumulation = append(w.out.Truth.Accumulation, int32(o.distinct))
		w.sampleRouters()
	}
	o.step++
	w.push(w.now+sampleEvery, evSample, 0, 0)
}

// sampleNetDb looks at what the closest floodfills hold.
func (w *World) sampleNetDb(loads bool) {
	t := &w.out.Truth
	t.Samples++
	if w.meta.on {
		if w.sampleMeta(loads) {
			t.Live++
		}
		return
	}
	if w.sampleKey(serviceKey, loads) {
		t.Live++
	}
}

// sampleKey looks at what the closest floodfills hold under a key, and tells whether
// one of them has a lease that works.
func (w *World) sampleKey(key int32, loads bool) bool {
	t := &w.out.Truth
	live, looked := false, false
	for _, i := range w.holders(key) {
		if i == none || w.net.ff[i].dead {
			continue
		}
		x := w.heldBy(key, i)
		if x == none {
			continue
		}
		s := w.sets.at(x)
		for k := range s.leases {
			l := &s.leases[k]
			ok := w.alive(l)
			live = live || ok
			if looked {
				continue
			}
			t.Listed++
			if !ok {
				t.Dead++
			}
			if loads {
				t.Routers[l.router].Leases++
			}
		}
		looked = true
		if live {
			break
		}
	}
	return live
}

func (w *World) sampleRouters() {
	for i := range w.routers {
		r := &w.routers[i]
		t := &w.out.Truth.Routers[i]
		t.Samples++
		t.Tunnels += int64(len(r.pools[balancer.Inbound].members))
		if w.tierOf[i] == none {
			t.Candidates += int64(w.candidates.Len())
			continue
		}
		t.HasTier = true
		t.FastTier += int64(len(w.tiers.Fast(int(w.tierOf[i]))))
		if r.mode == modeJava {
			t.Candidates += int64(w.gatewayCandidates(int32(i)))
		} else {
			t.Candidates += int64(w.candidatesOf(int32(i)))
		}
	}
}

// gatewayCandidates is the number of peers that a stock Java router draws its
// IBGWs from: its slice, as far as the filter lets it.
func (w *World) gatewayCandidates(i int32) int {
	r := &w.routers[i]
	p := &r.pools[balancer.Inbound]
	w.sliceTier(i, p)
	fast := w.tiers.Fast(int(w.tierOf[i]))
	groups := balancer.GroupsAll
	if r.cfg.Slices {
		groups = balancer.EffectiveGroups(p.groupsAt(p.hops-1), len(fast))
	}
	n := 0
	for _, peer := range p.sliceOf(groups) {
		if !r.cfg.IBGWFilter || w.pop.IBGW(peer) {
			n++
		}
	}
	return n
}

// countVersion notes a LeaseSet that was signed and is published.
func (w *World) countVersion(s *leaseSet) {
	w.out.Truth.Versions++
	if w.check != nil {
		w.check(s)
	}
}

// countPublish notes an attempt to publish.
func (w *World) countPublish() { w.out.Truth.Publishes++ }

// countPublished notes a LeaseSet that reached its first floodfill.
func (w *World) countPublished(s *leaseSet) {
	t := &w.out.Truth
	o := &w.observer
	if s.meta {
		t.MetaPublished++
		w.endFailovers(s)
		return
	}
	t.Published++
	t.LeaseCounts[min(len(s.leases), leaseBins-1)]++
	t.LeaseTotal += int64(len(s.leases))
	distinct := 0
	var met uint64 // by the low bits of the gateway
	for k := range s.leases {
		g := s.leases[k].gateway
		fresh := true
		if met>>(g&63)&1 != 0 {
			for j := range k {
				if s.leases[j].gateway == g {
					fresh = false
					break
				}
			}
		}
		met |= 1 << (g & 63)
		if fresh {
			distinct++
		}
		if bit := uint64(1) << (g & 63); int(g)/64 < len(o.seen) && o.seen[g/64]&bit == 0 {
			o.seen[g/64] |= bit
			o.distinct++
		}
	}
	t.IBGWCounts[min(distinct, leaseBins-1)]++
	t.IBGWTotal += int64(distinct)
	w.endFailovers(s)
}

// endFailovers notes the deaths that a LeaseSet no longer shows.
func (w *World) endFailovers(s *leaseSet) {
	o := &w.observer
	for k := 0; k < len(o.pending); {
		f := &o.pending[k]
		if !w.withdraws(s, f) {
			k++
			continue
		}
		w.out.Truth.Failovers = append(w.out.Truth.Failovers, w.now-f.at)
		o.pending = append(o.pending[:k], o.pending[k+1:]...)
	}
}

// withdraws tells whether a LeaseSet is the first sign in the netDb of a router's
// death: without leases of its, or a Meta LeaseSet without its sub-Destination.
func (w *World) withdraws(s *leaseSet, f *failover) bool {
	key := w.routers[f.router].key
	if s.meta {
		return w.unlists(s, key)
	}
	if s.key != key {
		return false
	}
	for j := range s.leases {
		if l := &s.leases[j]; l.router == f.router && l.boot <= f.boot {
			return false
		}
	}
	return true
}

// countTunnel notes a tunnel that was built.
func (w *World) countTunnel(t *tunnel) {
	c := &w.out.Truth
	c.Tunnels++
	if t.dir == balancer.Inbound {
		c.Inbound++
		if t.inherited {
			c.Inherited++
		}
	}
}

// countTimeout notes that a build will time out at the given time.
func (w *World) countTimeout(at Time) {
	switch {
	case at < w.observed || at >= w.end:
	case w.observer.step == 0:
		w.observer.timeouts++
	default:
		w.out.Truth.BuildTimeouts++
	}
}

// countLoad notes a message at a floodfill and its bytes.
func (w *World) countLoad(counter *int64, bytes int64) {
	t := &w.out.Truth
	*counter++
	t.Bytes += bytes
	if w.now < w.observed {
		return
	}
	minute := int((w.now - w.observed) / Minute)
	for len(t.PerMinute) <= minute {
		t.PerMinute = append(t.PerMinute, Load{})
	}
	t.PerMinute[minute].Messages++
	t.PerMinute[minute].Bytes += bytes
}

// MeanIBGW is the mean number of distinct IBGWs in a published LeaseSet.
func (t *Truth) MeanIBGW() float64 { return t.perPublished(t.IBGWTotal) }

// MeanLeases is the mean number of leases in a published LeaseSet.
func (t *Truth) MeanLeases() float64 { return t.perPublished(t.LeaseTotal) }

func (t *Truth) perPublished(sum int64) float64 {
	if t.Published == 0 {
		return 0
	}
	return float64(sum) / float64(t.Published)
}
