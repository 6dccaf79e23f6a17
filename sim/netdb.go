package sim

import (
	"crypto/sha256"
	"encoding/binary"
)

// netDb is the floodfills, as far as the keys of the service go.
type netDb struct {
	ff   []floodfill
	keys []netKey // serviceKey, and in the schemes with a Meta LeaseSet those of its tree
	day  int64    // days since the Unix epoch
}

// serviceKey is the number of the service's own key: what clients look up.
const serviceKey = 0

// netKey is one key of the netDb: the hash of a Destination.
type netKey struct {
	dest  [4]uint64     // big-endian words
	today [ranked]int32 // floodfills closest to today's routing key
	next  [ranked]int32 // and to tomorrow's
	held  []holding     // floodfills that have had something under the key lately
	// reached is when something new last came to the first floodfill; 0 for never.
	reached Time
}

// holding is what one floodfill has under one key.
type holding struct {
	ff     int32
	set    int32 // the LeaseSet it holds, or none
	window int64 // of its flood throttle, which counts for each key
	floods int   // new LeaseSets in the window
}

// floodfill is one floodfill router.
type floodfill struct {
	hash [4]uint64
	java bool // throttles floods
	dead bool
	// watched: it is an observer's; ground: it was made to be the closest.
	watched, ground bool
	since           int32 // days since the first one, of an observer's
	phase           Time  // of its throttle windows
	counts          FloodfillCounts
}

func (w *World) resetNetDb() {
	n := w.cfg.Network.Floodfills
	if w.watch.targeted {
		n += identities
	}
	if cap(w.net.ff) < n {
		w.net.ff = make([]floodfill, n)
	}
	w.net.ff = w.net.ff[:n]
	w.resetKeys(1)
	w.resetMeta()
	rng := w.streams.rand[streamNetDb]
	dest := &w.net.keys[serviceKey].dest
	for i := range dest {
		dest[i] = rng.Uint64()
	}
	for i := range w.net.ff {
		f := &w.net.ff[i]
		*f = floodfill{}
		if i >= w.cfg.Network.Floodfills {
			continue // an observer's: see grind
		}
		for k := range f.hash {
			f.hash[k] = rng.Uint64()
		}
		f.phase = Time(rng.Int64N(int64(throttleWindow)))
		f.java = chance(rng, w.cfg.Network.JavaFloodfills)
	}
	w.net.day = int64(w.epoch / Day)
	if w.watch.targeted {
		for k := int64(-1); k <= 1; k++ {
			w.grind(w.net.day + k)
		}
	}
	w.rankKeys()
	w.push(Time(w.net.day+1)*Day-w.epoch, evMidnight, 0, 0)
}

// resetKeys makes n keys, under which nothing is stored.
func (w *World) resetKeys(n int) {
	for len(w.net.keys) < n {
		w.net.keys = append(w.net.keys, netKey{})
	}
	w.net.keys = w.net.keys[:n]
	for k := range w.net.keys {
		w.net.keys[k].held = w.net.keys[k].held[:0]
		w.net.keys[k].reached = 0
	}
}

// rankKeys finds the floodfills closest to all keys, today and tomorrow.
func (w *World) rankKeys() {
	for k := range w.net.keys {
		key := &w.net.keys[k]
		w.rank(key, w.net.day, &key.today)
		w.rank(key, w.net.day+1, &key.next)
	}
}

// heldBy is the LeaseSet that floodfill f holds under a key, or none.
func (w *World) heldBy(key, f int32) int32 {
	held := w.net.keys[key].held
	for k := range held {
		if held[k].ff == f {
			return held[k].set
		}
	}
	return none
}

// holdingOf is what floodfill f has under a key. The pointer is good until the
// next call.
func (w *World) holdingOf(key, f int32) *holding {
	q := &w.net.keys[key]
	for k := range q.held {
		if q.held[k].ff == f {
			return &q.held[k]
		}
	}
	q.held = append(q.held, holding{ff: f, set: none})
	return &q.held[len(q.held)-1]
}

// emptyFloodfill takes all that floodfill f holds.
func (w *World) emptyFloodfill(f int32) {
	for k := range w.net.keys {
		held := w.net.keys[k].held
		for i := range held {
			if h := &held[i]; h.ff == f && h.set != none {
				w.releaseSet(h.set)
				h.set = none
			}
		}
	}
}

// dropExpired forgets holdings that have run out, so that their lists stay short
// over days.
func (w *World) dropExpired(q *netKey) {
	n := 0
	for _, h := range q.held {
		if h.set != none && w.expiredSet(h.set) {
			w.releaseSet(h.set)
			h.set = none
		}
		if h.set != none || h.window >= w.throttleWindowOf(h.ff) {
			q.held[n] = h
			n++
		}
	}
	q.held = q.held[:n]
}

// rotateKeys makes tomorrow's routing key today's, at midnight UTC.
func (w *World) rotateKeys() {
	w.net.day++
	if w.watch.targeted {
		w.grind(w.net.day + 1)
		for k := range w.routers {
			w.routers[k].response[w.identity(w.net.day+1)] = responseStat{} // nobody knows it
		}
	}
	for k := range w.net.keys {
		key := &w.net.keys[k]
		key.today = key.next
		w.rank(key, w.net.day+1, &key.next)
		w.dropExpired(key)
	}
	if w.meta.on {
		w.metaPublishSoon()
	}
	w.push(w.now+Day, evMidnight, 0, 0)
}

// routingKey is SHA-256 of the hash and the UTC date as yyyyMMdd
// (RouterKeyGenerator).
func routingKey(dest [4]uint64, day int64) [4]uint64 {
	var buf [40]byte
	for i, x := range dest {
		binary.BigEndian.PutUint64(buf[8*i:], x)
	}
	year, month, dayOfMonth := civil(day)
	for i, v := 7, year*10000+month*100+dayOfMonth; i >= 0; i, v = i-1, v/10 {
		buf[32+i] = byte('0' + v%10)
	}
	sum := sha256.Sum256(buf[:])
	var key [4]uint64
	for i := range key {
		key[i] = binary.BigEndian.Uint64(sum[8*i:])
	}
	return key
}

// civil is the proleptic Gregorian date of a number of days since 1970-01-01
// (Howard Hinnant, "chrono-compatible low-level date algorithms").
func civil(days int64) (year, month, day int64) {
	z := days + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, day
}

// closer compares XOR distances to key.
func closer(a, b, key *[4]uint64) bool {
	for i := range key {
		if x, y := a[i]^key[i], b[i]^key[i]; x != y {
			return x < y
		}
	}
	return false
}

// rank finds the floodfills closest to a key's routing key of a day.
func (w *World) rank(k *netKey, day int64, list *[ranked]int32) {
	key := routingKey(k.dest, day)
	n := 0
	for i := range w.net.ff {
		f := &w.net.ff[i]
		if f.dead {
			continue
		}
		if n == ranked && !closer(&f.hash, &w.net.ff[list[n-1]].hash, &key) {
			continue
		}
		if n < ranked {
			n++
		}
		k := n - 1
		for k > 0 && closer(&f.hash, &w.net.ff[list[k-1]].hash, &key) {
			list[k] = list[k-1]
			k--
		}
		list[k] = int32(i)
	}
	for ; n < ranked; n++ {
		list[n] = none
	}
}

// holders returns the floodfills that should hold what is stored under a key:
// those closest to its routing key of today.
func (w *World) holders(key int32) []int32 {
	n := min(holdersOfKey, len(w.net.ff))
	return w.net.keys[key].today[:n]
}

// offer gives floodfill f a LeaseSet; it takes strictly newer ones only
// (KademliaNetworkDatabaseFacade.isNewer). It reports whether it was new.
func (w *World) offer(f, x int32) bool {
	s := w.sets.at(x)
	h := w.holdingOf(s.key, f)
	if h.set != none {
		old := w.sets.at(h.set)
		if s.published <= old.published {
			return false
		}
		w.releaseSet(h.set)
	}
	h.set = w.holdSet(x)
	if !s.counted {
		s.counted = true
		s.stored = w.now
		w.net.keys[s.key].reached = w.now
		w.countPublished(s)
		if w.watch.peers {
			w.seenListed(s)
		}
	}
	return true
}

// stored handles a LeaseSet that a client has stored to floodfill i: it is
// acknowledged by the caller and, if new, flooded.
func (w *World) storedAt(i, x int32) {
	f := &w.net.ff[i]
	f.counts.Stores++
	bytes := bytesStoreHead + w.sets.at(x).bytes() + bytesAck
	f.counts.Bytes += bytes
	w.countLoad(&w.out.Truth.Stores, bytes)
	if !w.offer(i, x) {
		return
	}
	if w.throttled(w.sets.at(x).key, i) {
		w.out.Truth.Throttled++
		return
	}
	rng := w.streams.rand[streamNetDb]
	w.push(w.now+uniform(rng, floodDelayMin, floodDelayMax), evFlood, w.holdSet(x), i)
}

// throttleWindowOf is the number of the current window of a floodfill's throttle.
func (w *World) throttleWindowOf(f int32) int64 {
	return int64((w.now + w.net.ff[f].phase) / throttleWindow)
}

// throttled counts a new LeaseSet under a key and tells whether flooding it is too
// much for floodfill f.
func (w *World) throttled(key, f int32) bool {
	h := w.holdingOf(key, f)
	if window := w.throttleWindowOf(f); window != h.window {
		h.window, h.floods = window, 0
	}
	h.floods++
	return w.net.ff[f].java && h.floods > throttleFloods
}

// flooded handles the copies of a LeaseSet that floodfill i has sent to the
// floodfills closest to its key, and shortly before midnight to those closest
// to tomorrow's. They arrive together.
func (w *World) flooded(x, i int32) {
	sent := 0
	key := &w.net.keys[w.sets.at(x).key]
	for _, j := range key.today {
		if sent == floodTo || j == none {
			break
		}
		if j != i {
			w.floodArrived(x, j)
			sent++
		}
	}
	midnight := Time(w.net.day+1)*Day - w.epoch
	lasts := Time(w.sets.at(x).expires)*Second - w.epoch
	if midnight-w.now < floodNextSpan && lasts > midnight {
		for _, j := range key.next[:floodNextDay] {
			if j != i && !contains(key.today[:sent+1], j) {
				w.floodArrived(x, j)
			}
		}
	}
	w.releaseSet(x)
}

// floodArrived handles a LeaseSet that another floodfill has sent to j.
func (w *World) floodArrived(x, j int32) {
	f := &w.net.ff[j]
	if f.dead {
		return
	}
	f.counts.Floods++
	bytes := bytesFloodHead + w.sets.at(x).bytes()
	f.counts.Bytes += bytes
	w.countLoad(&w.out.Truth.Floods, bytes)
	if f.watched {
		w.seenFlooded(j, x)
	}
	w.offer(j, x)
}

// expiredSet tells whether a LeaseSet is not given out any more.
func (w *World) expiredSet(x int32) bool {
	return Time(w.sets.at(x).expires)*Second+leaseFudge <= w.epoch+w.now
}

// ask is a lookup of a key at floodfill i: the LeaseSet it holds, unless that has
// run out, or none.
func (w *World) ask(key, i int32, counter *int64) int32 {
	f := &w.net.ff[i]
	if f.dead {
		return none
	}
	f.counts.Lookups++
	w.out.Truth.Lookups++
	bytes := int64(bytesLookup)
	x := w.heldBy(key, i)
	if x != none && w.expiredSet(x) {
		w.releaseSet(x)
		w.holdingOf(key, i).set, x = none, none
	}
	if x == none {
		bytes += bytesSearchReply
	} else {
		bytes += bytesFloodHead + w.sets.at(x).bytes()
	}
	f.counts.Bytes += bytes
	w.countLoad(counter, bytes)
	return x
}

func contains(list []int32, x int32) bool {
	for _, y := range list {
		if x == y {
			return true
		}
	}
	return false
}

// closestTunnel is the member of a pool whose far end is closest to a
// floodfill, ties going to the later expiry (TunnelPool.selectTunnel). The
// first words of the hashes decide: they differ unless the ends are the same.
func (w *World) closestTunnel(p *tunnelPool, i int32) int32 {
	best := int32(none)
	var least uint64
	var expiry Time
	target := w.net.ff[i].hash[0]
	for _, y := range p.members {
		t := w.tunnels.at(y)
		d := t.near ^ target
		if best == none || d < least || d == least && t.early > expiry {
			best, least, expiry = y, d, t.early
		}
	}
	return best
}

// nextTunnel is the next member of a pool in turn (TunnelPool.selectTunnel).
func (w *World) nextTunnel(p *tunnelPool) int32 {
	if len(p.members) == 0 {
		return none
	}
	p.lastUse++
	if p.lastUse >= len(p.members) {
		p.lastUse = 0
	}
	return p.members[p.lastUse]
}

// closestLease is the lease whose gateway is closest to a floodfill, ties
// going to the later end (StoreJob.pickReplyTunnel).
func (w *World) closestLease(leases []lease, i int32) int {
	best := 0
	target := w.net.ff[i].hash[0]
	for k := 1; k < len(leases); k++ {
		l, b := &leases[k], &leases[best]
		d, least := l.near^target, b.near^target
		if d < least || d == least && l.end > b.end {
			best = k
		}
	}
	return best
}
