package sim

import (
	"crypto/sha256"
	"encoding/binary"
)

// netDb is the floodfills, as far as the Destination's key goes.
type netDb struct {
	dest  [4]uint64 // hash of the Destination, big-endian words
	ff    []floodfill
	today [ranked]int32 // floodfills closest to today's routing key
	next  [ranked]int32 // and to tomorrow's
	day   int64         // days since the Unix epoch
}

// floodfill is one floodfill router.
type floodfill struct {
	hash [4]uint64
	java bool // throttles floods
	dead bool
	// watched: it is an observer's; ground: it was made to be the closest.
	watched, ground bool
	set             int32 // the LeaseSet it holds, or none
	phase           Time  // of its throttle windows
	window          int64
	floods          int // new LeaseSets in the window
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
	rng := w.streams.rand[streamNetDb]
	for i := range w.net.dest {
		w.net.dest[i] = rng.Uint64()
	}
	for i := range w.net.ff {
		f := &w.net.ff[i]
		*f = floodfill{set: none}
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
	w.rank(w.net.day, &w.net.today)
	w.rank(w.net.day+1, &w.net.next)
	w.push(Time(w.net.day+1)*Day-w.epoch, evMidnight, 0, 0)
}

// rotateKeys makes tomorrow's routing key today's, at midnight UTC.
func (w *World) rotateKeys() {
	w.net.day++
	w.net.today = w.net.next
	if w.watch.targeted {
		w.grind(w.net.day + 1)
		for k := range w.routers {
			w.routers[k].response[w.identity(w.net.day+1)] = responseStat{} // nobody knows it
		}
	}
	w.rank(w.net.day+1, &w.net.next)
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

// rank finds the floodfills closest to the routing key of a day.
func (w *World) rank(day int64, list *[ranked]int32) {
	key := routingKey(w.net.dest, day)
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

// holders returns the floodfills that should hold the LeaseSet: those closest
// to today's routing key.
func (w *World) holders() []int32 {
	n := min(holdersOfKey, len(w.net.ff))
	return w.net.today[:n]
}

// offer gives floodfill f a LeaseSet; it takes strictly newer ones only
// (KademliaNetworkDatabaseFacade.isNewer). It reports whether it was new.
func (w *World) offer(f *floodfill, x int32) bool {
	s := w.sets.at(x)
	if f.set != none {
		old := w.sets.at(f.set)
		if s.published <= old.published {
			return false
		}
		w.releaseSet(f.set)
	}
	f.set = w.holdSet(x)
	if !s.counted {
		s.counted = true
		s.stored = w.now
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
	bytes := bytesStoreHead + leaseSet2Bytes(len(w.sets.at(x).leases)) + bytesAck
	f.counts.Bytes += bytes
	w.countLoad(&w.out.Truth.Stores, bytes)
	if !w.offer(f, x) || w.throttled(f) {
		return
	}
	rng := w.streams.rand[streamNetDb]
	w.push(w.now+uniform(rng, floodDelayMin, floodDelayMax), evFlood, w.holdSet(x), i)
}

// throttled counts a new LeaseSet and tells whether flooding it is too much.
func (w *World) throttled(f *floodfill) bool {
	window := int64((w.now + f.phase) / throttleWindow)
	if window != f.window {
		f.window, f.floods = window, 0
	}
	f.floods++
	return f.java && f.floods > throttleFloods
}

// flooded handles the copies of a LeaseSet that floodfill i has sent to the
// floodfills closest to its key, and shortly before midnight to those closest
// to tomorrow's. They arrive together.
func (w *World) flooded(x, i int32) {
	sent := 0
	for _, j := range w.net.today {
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
		for _, j := range w.net.next[:floodNextDay] {
			if j != i && !contains(w.net.today[:sent+1], j) {
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
	bytes := bytesFloodHead + leaseSet2Bytes(len(w.sets.at(x).leases))
	f.counts.Bytes += bytes
	w.countLoad(&w.out.Truth.Floods, bytes)
	if f.watched {
		w.seenFlooded(j, x)
	}
	w.offer(f, x)
}

// ask is a lookup at floodfill i: the LeaseSet it holds, unless that has run
// out, or none.
func (w *World) ask(i int32, counter *int64) int32 {
	f := &w.net.ff[i]
	if f.dead {
		return none
	}
	f.counts.Lookups++
	w.out.Truth.Lookups++
	bytes := int64(bytesLookup)
	x := f.set
	if x != none && Time(w.sets.at(x).expires)*Second+leaseFudge <= w.epoch+w.now {
		w.releaseSet(x)
		f.set, x = none, none
	}
	if x == none {
		bytes += bytesSearchReply
	} else {
		bytes += bytesFloodHead + leaseSet2Bytes(len(w.sets.at(x).leases))
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
