package sim

import (
	"math/bits"
	"slices"

	"multihome.i2p/balancer"
)

// lease is one entry of a LeaseSet, with the truth that an observer does not
// see behind it.
type lease struct {
	gateway int32
	number  uint32 // tunnel number at the gateway
	near    uint64 // first word of the gateway's hash
	end     int64  // seconds since the epoch, as listed
	router  int32
	boot    uint16 // the router's life in which the tunnel was built
	until   Time   // when the tunnel breaks or ends
	silent  bool   // a balancer knows that it leads nowhere
	own     bool   // it stands for a tunnel of the publisher's own
	stands  Time   // when that breaks or ends, if it is another one than the lease's; else 0
}

// leaseSet is one version of a LeaseSet that somebody still refers to: its
// maker, messages under way, floodfills.
type leaseSet struct {
	refs      int32
	maker     int32 // router that publishes it
	key       int32 // of the netDb, under which it is stored
	published int64 // seconds since the epoch
	expires   int64
	leases    []lease
	meta      bool // a Meta LeaseSet: it lists keys, and no leases
	entries   []metaEntry
	keys      uint16 // number of the encryption keys that it names
	counted   bool   // it has reached a floodfill
	stored    Time   // when it first did
}

// metaEntry is one entry of a Meta LeaseSet (Proposal 123).
type metaEntry struct {
	key     int32 // of the netDb: that of a sub-Destination, or of a further Meta LeaseSet
	cost    uint8 // the least is tried first
	expires int64 // seconds since the epoch
}

// leaseSet2Bytes is the size of a LeaseSet2 with n leases: an Ed25519
// Destination, one X25519 key, a signature (common structures specification).
func leaseSet2Bytes(n int) int64 { return int64(503 + 40*n) }

// LeasesIn is how many leases a LeaseSet2 of so many bytes has room for.
func LeasesIn(bytes int) int {
	return int((int64(bytes) - leaseSet2Bytes(0)) / (leaseSet2Bytes(1) - leaseSet2Bytes(0)))
}

// metaBytes is the size of a Meta LeaseSet with n entries (Proposal 123): no key
// section, and a count of revocations.
func metaBytes(n int) int64 { return int64(391 + 8 + 2 + 1 + 40*n + 1 + 64) }

// bytes is its size in a DatabaseStore, uncompressed.
func (s *leaseSet) bytes() int64 {
	if s.meta {
		return metaBytes(len(s.entries))
	}
	return leaseSet2Bytes(len(s.leases))
}

// newSet returns an empty LeaseSet with one reference.
func (w *World) newSet(maker int32) int32 {
	x := w.sets.take()
	s := w.sets.at(x)
	*s = leaseSet{refs: 1, maker: maker, key: w.routers[maker].key, leases: s.leases[:0], entries: s.entries[:0]}
	return x
}

func (w *World) holdSet(x int32) int32 {
	w.sets.at(x).refs++
	return x
}

func (w *World) releaseSet(x int32) {
	s := w.sets.at(x)
	s.refs--
	if s.refs == 0 {
		w.sets.free(x)
	}
}

// leaseOf describes an inbound tunnel; the end is still to be set.
func (w *World) leaseOf(t *tunnel) lease {
	return lease{
		gateway: t.gateway(), number: t.number, near: t.near, router: t.router,
		boot: w.routers[t.router].boot, until: min(t.broken, t.expires),
	}
}

// leaseState is where a router is with its LeaseSet. Stock Java routers make
// many versions that are never sent; those are kept as a list of tunnels' ends
// and become a leaseSet only when they are published.
type leaseState struct {
	gen      uint16
	set      int32   // the current version, if it has been published, or none
	ever     bool    // there is a current version
	busy     Time    // until then the client is signing it
	again    bool    // a repeated request is set
	earliest int64   // earliest end that its leases may have, ms
	first    int64   // its earliest end as signed, ms
	signed   int64   // time of signing, ms
	given    int64   // published, of the newest that a balancer has handed over
	joint    bool    // answers may come in through any lease of set: a balancer passes them on
	leases   []int64 // serial numbers of the current version's tunnels
}

// fate is what becomes of a tunnel, kept beyond its life in the pool since its
// lease may be listed longer: the lease but for its end.
type fate struct {
	lease
	serial int64
	endMs  int64 // of the tunnel
}

// fatesPerTunnel is how many fates are kept for each tunnel that is wanted. A
// tunnel is built every eight minutes for each, and a lease lasts ten.
const fatesPerTunnel = 16

// quantity is how many tunnels all routers together keep.
func (w *World) quantity() int {
	d := &w.cfg.Destination
	n := 0
	for i := range d.Routers {
		n += d.Leases + d.Routers[i].Outbound
	}
	return n
}

// resetFates makes room for at least n fates.
func (w *World) resetFates(n int) {
	w.fates = resized(w.fates, 1<<bits.Len(uint(n)))
	w.serial = 0
}

// fate is that of the tunnel of a serial number; nil if it is no longer known.
func (w *World) fate(serial int64) *fate {
	if f := &w.fates[serial&int64(len(w.fates)-1)]; f.serial == serial {
		return f
	}
	return nil
}

func (s *leaseState) reset() {
	*s = leaseState{gen: s.gen + 1, set: none, leases: s.leases[:0]}
}

// unlisted tells whether a tunnel that leaves its pool changes nothing about
// the list of leases, since it was not on it.
func (s *leaseState) unlisted(t *tunnel) bool {
	return s.ever && !s.again && !slices.Contains(s.leases, t.serial)
}

// rebuildLeaseSet makes the list of leases of stock Java router i as it stands
// and has the client sign it, if it is another than the current one
// (ClientConnectionRunner.requestLeaseSet).
func (w *World) rebuildLeaseSet(i int32) {
	r := &w.routers[i]
	s := &r.ls
	if w.now < s.busy {
		// Newer than what the client is signing: once more in 3 s, in place
		// of a repetition set before.
		s.again = true
		s.gen++
		w.pushGen(w.now+rerequestBusy, evRerequest, s.gen, i, 0)
		return
	}
	s.again = false
	list, earliest := w.newestTunnels(i)
	if len(list) == 0 || s.ever && slices.Equal(list, s.leases) {
		return
	}
	s.gen++
	if !s.ever && len(r.pools[balancer.Outbound].members) == 0 {
		w.pushGen(w.now+rerequestStart, evRerequest, s.gen, i, 0)
		return
	}
	s.busy = w.now + r.cfg.ClientDelay
	w.signLeaseSet(i, list, earliest)
}

// newestTunnels lists the inbound tunnels that a LeaseSet names, the one that
// ends last in front: as many as are wanted, of those not yet 10 s past their
// early expiry; of tunnels that end in the same millisecond only the oldest
// (TunnelPool.locked_buildNewLeaseSet). They are named by their serial numbers;
// earliest is the end of the last one, in ms.
func (w *World) newestTunnels(i int32) (list []int64, earliest int64) {
	p := &w.routers[i].pools[balancer.Inbound]
	most := min(p.want, w.maxLeases())
	list = w.scratch.news[:0]
	for k := len(p.newest) - 1; k >= 0 && len(list) < most; k-- {
		if t := &p.newest[k]; t.early > w.now-leaseSlack && !w.twin(p, k) {
			list = append(list, t.serial)
			earliest = t.endMs
		}
	}
	w.scratch.news = list
	return list, earliest
}

// twin tells whether a listed tunnel older than the k-th of the newest ends in the
// same millisecond.
func (w *World) twin(p *tunnelPool, k int) bool {
	for j := k - 1; j >= 0 && p.newest[j].endMs == p.newest[k].endMs; j-- {
		if p.newest[j].early > w.now-leaseSlack {
			return true
		}
	}
	return false
}

// maxLeases is the most leases of a LeaseSet2 (common structures
// specification), but in scheme large-leaseset.
func (w *World) maxLeases() int {
	if w.cfg.Destination.Scheme == SchemeLargeLeaseSet {
		return w.cfg.Destination.Leases
	}
	return balancer.MaxLeases
}

// signLeaseSet makes the version that the client will have signed in a moment,
// latest end first, with the end of the last one in ms, and sets its publishing. It counts as current from now on,
// though the answer is under way for ClientDelay: nothing looks at it so soon.
func (w *World) signLeaseSet(i int32, list []int64, earliest int64) {
	s := &w.routers[i].ls
	s.leases = append(s.leases[:0], list...)
	// The earliest end stands for the version with older floodfills: it rises
	// by a second at least, leases below it being raised to it
	// (RequestLeaseSetJob).
	s.earliest = earliest
	answer := w.routers[i].cfg.ClientDelay
	signed := w.wallMs(i) + int64(answer/Millisecond)
	if s.ever {
		s.earliest = max(s.earliest, s.first+earliestEndStep)
		signed = max(signed, s.signed+publishedStep)
	}
	s.ever = true
	s.signed = signed
	s.first = s.earliest / 1000 * 1000
	if s.set != none {
		w.releaseSet(s.set)
		s.set = none
	}
	w.out.Truth.Versions++
	if w.check != nil {
		w.check(w.sets.at(w.currentSet(i)))
	}
	w.setRepublish(i, w.now+answer)
}

// currentSet is the LeaseSet of router i's current version, made at the first
// call.
func (w *World) currentSet(i int32) int32 {
	s := &w.routers[i].ls
	if s.set != none || !s.ever {
		return s.set
	}
	s.set = w.newSet(i)
	set := w.sets.at(s.set)
	set.published = (s.signed + publishedRounding) / 1000
	for _, serial := range s.leases {
		f := w.fate(serial)
		if f == nil {
			continue // it ended while the router was frozen
		}
		set.leases = append(set.leases, f.lease)
		l := &set.leases[len(set.leases)-1]
		l.end = max(f.endMs, s.earliest) / 1000
		set.expires = max(set.expires, l.end)
	}
	return s.set
}
