package sim

import "slices"

// A Meta LeaseSet stands under the service's key and names, by their hashes, the keys
// of sub-Destinations, each with a LeaseSet of its own (Proposal 123). It has no
// leases. Who looks after it is left open there: "masters" that hold the service's
// key, find out which peers are up by means of their own, and publish.
//
// Here the master is the first router that is up. It asks the others every
// Meta.CheckEvery, publishes when the list changes (3 s later, and as far apart as a
// Java router's LeaseSets), every Meta.Republish, and when the routing keys rotate, and
// stores as a Java router does, through its own tunnels: neither router stores Meta
// LeaseSets of clients today. Another master goes on where one has died.
//
// A count of entries is one byte, so beyond 255 sub-Destinations the Meta LeaseSet
// names further ones, and those name the sub-Destinations.

// Types of LeaseSets, as entries of a Meta LeaseSet name them.
const (
	storeTypeLeaseSet2 = 3
	storeTypeMeta      = 7
)

// metaEntriesMax is the most entries of a Meta LeaseSet.
const metaEntriesMax = 255

// metaState is the Meta LeaseSets of a trial.
type metaState struct {
	on    bool
	subs  int32 // sub-Destinations; their keys are 1 to subs
	nodes []metaNode
	gen   uint16
	due   Time // of the next publish, Never for none
	// attempted is when one was last published, if ever.
	attempted Time
	ever      bool
	master    int32  // that published last
	up        []bool // subs that the last check found up
	listed    []bool // and those that the Meta LeaseSets list
}

// metaNode is one Meta LeaseSet: the one under the service's key is node 0.
type metaNode struct {
	key       int32
	first     int32 // sub-Destinations that it covers: first up to, but not including, last
	last      int32
	published int64 // of its newest version
	set       int32 // that version, or none
}

func hasMeta(s Scheme) bool { return s == SchemeMeta || s == SchemeP140Meta }

// resetMeta sets up the tree of Meta LeaseSets and the keys that it needs.
func (w *World) resetMeta() {
	m := &w.meta
	d := &w.cfg.Destination
	m.on = hasMeta(d.Scheme)
	m.nodes = m.nodes[:0]
	if !m.on {
		return
	}
	m.subs = int32(d.subs())
	m.gen++
	m.due, m.attempted, m.ever, m.master = Never, 0, false, none
	m.up, m.listed = resized(m.up, int(m.subs)), resized(m.listed, int(m.subs))
	m.nodes = append(m.nodes, metaNode{key: serviceKey, last: m.subs, set: none})
	if m.subs > metaEntriesMax {
		for first := int32(0); first < m.subs; first += metaEntriesMax {
			m.nodes = append(m.nodes, metaNode{
				key: m.subs + int32(len(m.nodes)), first: first, last: min(first+metaEntriesMax, m.subs), set: none,
			})
		}
	}
	w.resetKeys(1 + int(m.subs) + len(m.nodes) - 1)
	rng := w.streams.rand[streamMeta]
	for k := range w.net.keys[1:] {
		key := &w.net.keys[1+k]
		for i := range key.dest {
			key.dest[i] = rng.Uint64()
		}
	}
	w.push(uniform(rng, 0, d.Meta.CheckEvery), evMetaCheck, 0, 0)
}

// subs is how many sub-Destinations a service has.
func (d *Destination) subs() int {
	switch d.Scheme {
	case SchemeMeta:
		return len(d.Routers)
	case SchemeP140Meta:
		return (len(d.Routers) + d.Meta.RoutersPerSub - 1) / d.Meta.RoutersPerSub
	}
	return 0
}

// subOf is the sub-Destination of a router: they are dealt out in runs that are as
// long as each other, or longer by one.
func (d *Destination) subOf(router int) int {
	n, subs := len(d.Routers), d.subs()
	if subs == 0 {
		return 0
	}
	return router * subs / n
}

// subKey is the key of a sub-Destination.
func subKey(sub int) int32 { return int32(1 + sub) }

// isMeta tells whether a key is that of a Meta LeaseSet.
func (w *World) isMeta(key int32) bool {
	return w.meta.on && (key == serviceKey || key > subKey(int(w.meta.subs)-1))
}

// answers tells whether a router answers a master that asks it.
func (r *router) answers() bool { return r.up && !r.stalled }

// metaCheck lets the master find out which sub-Destinations are up: one of their
// routers is, and their LeaseSet has come into the netDb since it started.
func (w *World) metaCheck() {
	m := &w.meta
	w.push(w.now+w.cfg.Destination.Meta.CheckEvery, evMetaCheck, 0, 0)
	clear(m.up)
	for i := range w.routers {
		r := &w.routers[i]
		if r.answers() && w.net.keys[r.key].reached >= r.started && w.net.keys[r.key].reached > 0 {
			m.up[r.key-subKey(0)] = true
		}
	}
	if !slices.Equal(m.up, m.listed) || m.master != none && !w.routers[m.master].answers() {
		w.metaPublishSoon()
	}
}

// metaPublishSoon sets the publishing of a change.
func (w *World) metaPublishSoon() {
	m := &w.meta
	at := w.now + publishDelay
	if m.ever {
		at = max(at, m.attempted+w.spacing(Java))
	}
	if at < m.due {
		w.metaPublishAt(at)
	}
}

func (w *World) metaPublishAt(at Time) {
	m := &w.meta
	m.due = at
	m.gen++
	w.pushGen(at, evMetaPublish, m.gen, 0, 0)
}

// metaPublish publishes the Meta LeaseSets anew.
func (w *World) metaPublish() {
	m := &w.meta
	m.due = Never
	m.master = none
	for i := range w.routers {
		if w.routers[i].answers() {
			m.master = int32(i)
			break
		}
	}
	if m.master == none || !slices.Contains(m.up, true) {
		return // the next check tries again
	}
	copy(m.listed, m.up)
	m.attempted, m.ever = w.now, true
	for n := range m.nodes {
		w.metaStore(int32(n))
	}
	w.metaPublishAt(w.now + w.cfg.Destination.Meta.Republish)
}

// metaStore makes a new version of a Meta LeaseSet and stores it.
func (w *World) metaStore(n int32) {
	m := &w.meta
	node := &m.nodes[n]
	x := w.newSet(m.master)
	s := w.sets.at(x)
	s.meta, s.key = true, node.key
	s.published = max(int64(w.wall(m.master)/Second), node.published+1)
	s.expires = s.published + int64(w.cfg.Destination.Meta.Expires/Second)
	if n == 0 && len(m.nodes) > 1 {
		for k := range m.nodes[1:] {
			if sub := &m.nodes[1+k]; slices.Contains(m.listed[sub.first:sub.last], true) {
				s.entries = append(s.entries, metaEntry{key: sub.key, expires: s.expires})
			}
		}
	} else {
		for k := node.first; k < node.last; k++ {
			if m.listed[k] {
				s.entries = append(s.entries, metaEntry{key: subKey(int(k)), expires: s.expires})
			}
		}
	}
	if len(s.entries) == 0 {
		w.releaseSet(x)
		return
	}
	node.published = s.published
	if node.set != none {
		w.releaseSet(node.set)
	}
	node.set = x
	w.countPublish()
	k := w.newStore(m.master, x, true)
	w.storeNext(k)
}

// metaStoreFailed stores a Meta LeaseSet once more, 20 s to 40 s after no floodfill
// took it, unless there is a newer one.
func (w *World) metaStoreFailed(j *storeJob) {
	m := &w.meta
	for n := range m.nodes {
		if m.nodes[n].set == j.set {
			at := w.now + republishRetry + uniform(w.streams.rand[streamNetDb], 0, republishRetry)
			if at < m.due {
				w.metaPublishAt(at)
			}
		}
	}
}

// metaSuperseded tells whether there is a newer version of a Meta LeaseSet.
func (w *World) metaSuperseded(x int32) bool {
	return !slices.ContainsFunc(w.meta.nodes, func(n metaNode) bool { return n.set == x })
}

// unlists tells whether a Meta LeaseSet could name a sub-Destination, and does not.
func (w *World) unlists(s *leaseSet, key int32) bool {
	for n := range w.meta.nodes {
		node := &w.meta.nodes[n]
		if node.key != s.key || key < subKey(int(node.first)) || key >= subKey(int(node.last)) {
			continue
		}
		for k := range s.entries {
			if e := &s.entries[k]; e.key == key || w.isMeta(e.key) {
				return false // named, or left to a Meta LeaseSet below
			}
		}
		return true
	}
	return false
}

// sampleMeta looks at what the closest floodfills hold of the Meta LeaseSets and of
// the LeaseSets below, and tells whether there is a lease that works.
func (w *World) sampleMeta(loads bool) bool {
	t := &w.out.Truth
	live := false
	w.eachSub(serviceKey, func(key int32) {
		t.Entries++
		if w.sampleKey(key, loads) {
			live = true
		} else {
			t.DeadEntries++
		}
	})
	return live
}

// eachSub calls visit for the sub-Destinations that Meta LeaseSets lead to, from the
// one under a key on, as the closest floodfills hold them.
func (w *World) eachSub(key int32, visit func(key int32)) {
	x := w.heldOf(key)
	if x == none {
		return
	}
	for _, e := range w.sets.at(x).entries {
		if Time(e.expires)*Second <= w.epoch+w.now {
			continue
		}
		if w.isMeta(e.key) {
			w.eachSub(e.key, visit)
		} else {
			visit(e.key)
		}
	}
}

// heldOf is what the closest floodfill that has something under a key holds, or none.
func (w *World) heldOf(key int32) int32 {
	for _, f := range w.holders(key) {
		if f == none || w.net.ff[f].dead {
			continue
		}
		if x := w.heldBy(key, f); x != none && !w.expiredSet(x) {
			return x
		}
	}
	return none
}
