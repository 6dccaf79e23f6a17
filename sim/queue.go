package sim

import (
	"math"
	"math/bits"
)

// An event is one pending occurrence. It is flat and small, so that a million
// of them cost neither the garbage collector nor the cache much; what kind, gen,
// a, b and c mean is the engine's business. (Most engines cancel by raising a
// generation that gen must match when the event comes up.)
type event struct {
	at      Time
	kind    uint16
	gen     uint16
	a, b, c int32
}

// A queue holds pending events and hands them out by time, and those of the
// same time in the order in which they were pushed. Its zero value is ready.
// Once it has grown to its largest size it no longer allocates.
//
// It has three parts, and every event is in exactly one of them:
//
//   - The wheel holds what lies at or after settled: eleven levels of 64 slots,
//     a slot of level l covering 64^l nanoseconds, each a linked list in the
//     order of pushing. An event's level is that of the highest base-64 digit
//     in which its time differs from origin, so nothing needs to be resized,
//     tuned or guessed from the distribution of times.
//   - The run is the wheel's first slot, sorted. A slot with more than runMax
//     events is spread over the level below instead, until the first slot is
//     small enough (or one nanosecond wide, and so sorted already). What is pushed
//     before settled while the run is worked off is put in its place there, as
//     long as there is room.
//   - The heap takes the rest of those. It is usually empty; should somebody push
//     thousands into the near past, they cost a heap's logarithm and no more.
//
// An event is thus written once, moved by one index at each of the few levels
// that it falls through, and compared only with those of its own slot. On the
// hold model this takes 0.6 of the time of a 4-ary heap of 32-byte values at 100
// events and 0.4 to 0.5 of it at 1,000 and more.
type queue struct {
	settled Time   // the wheel has no event before this
	origin  Time   // start of the slot last opened; at most settled
	n       int    // events in all three parts
	seq     uint64 // of the last push

	run     [runRoom]runEntry
	runNext int // the first entry of run that is not yet handed out
	runEnd  int

	heap []heapEvent

	levels   uint64              // bit l: level l has an event
	occupied [wheelLevels]uint64 // bit s of word l: slot s of level l has an event
	slots    [wheelSlots]slot

	// nodes starts with one sentinel a slot, whose next is the head of its
	// list: thus appending to an empty list is no special case, which a
	// processor would guess wrong about every second time.
	nodes []node
	free  int32 // first of the unused nodes; 0, a sentinel, if there is none
}

const (
	digitBits   = 6 // a level's occupancy fits one machine word
	digitMask   = 1<<digitBits - 1
	wheelLevels = (63 + digitBits - 1) / digitBits
	wheelSlots  = wheelLevels << digitBits

	// runMax is the most events that are sorted by insertion rather than
	// spread over the next level. Anything from 8 to 24 was equally fast.
	runMax = 16

	// runRoom is how many events the run has room for, those put in later
	// included.
	runRoom = 2 * runMax
)

// A runEntry stands for a node of the run. Sorting moves these 16 bytes only.
type runEntry struct {
	at Time
	i  int32
}

type slot struct {
	tail int32 // last node of the list, or the slot's sentinel
	n    int32
}

// A node is 32 bytes, so that none lies across two cache lines.
type node struct {
	event
	next int32 // valid unless the node is the tail of its list
	rank uint32
}

type heapEvent struct {
	event
	seq uint64
}

func (q *queue) len() int { return q.n }

// reset empties the queue and keeps its memory.
func (q *queue) reset() {
	heap, nodes := q.heap[:0], q.nodes[:0]
	*q = queue{heap: heap, nodes: nodes}
}

// push adds an event. Its time may lie before that of events already handed
// out, in which case it is the next to come; no engine should want that.
func (q *queue) push(at Time, kind, gen uint16, a, b, c int32) {
	q.n++
	q.seq++
	soon := at < q.settled
	if soon && (len(q.heap) > 0 || q.runEnd == runRoom && q.runNext == 0) {
		// While the heap holds anything, all of them go there: of equal times
		// the run's were pushed before.
		q.pushHeap(heapEvent{event{at, kind, gen, a, b, c}, q.seq})
		return
	}
	i := q.free
	if i == 0 {
		i = q.grow()
	}
	nd := &q.nodes[i]
	q.free = nd.next
	// Field by field here and in popInto: a wide load of what narrow stores
	// have just written waits until those reach the cache.
	nd.at = at
	nd.kind = kind
	nd.gen = gen
	nd.a = a
	nd.b = b
	nd.c = c
	nd.rank = uint32(q.seq)
	if soon {
		q.insert(at, i)
		return
	}
	q.place(at, i)
}

// insert puts node i, whose time is at, into the run, which has room for it.
func (q *queue) insert(at Time, i int32) {
	if q.runEnd == runRoom {
		q.runEnd = copy(q.run[:], q.run[q.runNext:])
		q.runNext = 0
	}
	j := q.runEnd
	for j > q.runNext && q.run[j-1].at > at {
		q.run[j] = q.run[j-1]
		j--
	}
	q.run[j] = runEntry{at, i}
	q.runEnd++
}

// pop removes and returns the next event.
func (q *queue) pop() (event, bool) {
	var ev event
	ok := q.popInto(&ev)
	return ev, ok
}

// popInto is pop for an event that is already at hand: about 4 ns faster.
func (q *queue) popInto(ev *event) bool { return q.popBefore(math.MaxInt64, q.stamp(), ev) }

// stamp returns the rank of an event that is kept elsewhere and counts as pushed
// now: it comes after what has been pushed at the same time, and before what will
// be. Ranks hold for 2^31 pushes.
func (q *queue) stamp() uint32 {
	q.seq++
	return uint32(q.seq)
}

// popBefore is popInto for an event that comes before one of the given time and
// rank; it reports whether there is one.
func (q *queue) popBefore(at Time, rank uint32, ev *event) bool {
	if len(q.heap) == 0 {
		if q.runNext == q.runEnd && !q.advance() {
			return false
		}
	} else if q.runNext == q.runEnd || q.heap[0].at < q.run[q.runNext].at {
		// At equal times the run goes first: it was pushed before.
		if h := &q.heap[0]; h.at > at || h.at == at && int32(uint32(h.seq)-rank) > 0 {
			return false
		}
		*ev = q.popHeap()
		q.n--
		return true
	}
	i := q.run[q.runNext].i
	nd := &q.nodes[i]
	if nd.at >= at && (nd.at > at || int32(nd.rank-rank) > 0) {
		return false
	}
	q.n--
	q.runNext++
	ev.at = nd.at
	ev.kind = nd.kind
	ev.gen = nd.gen
	ev.a = nd.a
	ev.b = nd.b
	ev.c = nd.c
	nd.next = q.free
	q.free = i
	return true
}

// peek returns the time of the next event.
func (q *queue) peek() (Time, bool) {
	if len(q.heap) == 0 {
		if q.runNext == q.runEnd && !q.advance() {
			return 0, false
		}
		return q.run[q.runNext].at, true
	}
	at := q.heap[0].at
	if q.runNext < q.runEnd {
		at = min(at, q.run[q.runNext].at)
	}
	return at, true
}

// grow adds a node and returns its index; the first time, the sentinels too.
//
//go:noinline
func (q *queue) grow() int32 {
	if len(q.nodes) == 0 {
		if cap(q.nodes) < wheelSlots {
			q.nodes = make([]node, 0, 2*wheelSlots)
		}
		q.nodes = q.nodes[:wheelSlots]
		for i := range q.slots {
			q.slots[i].tail = int32(i)
		}
	}
	q.nodes = append(q.nodes, node{})
	return int32(len(q.nodes) - 1)
}

// place appends node i, whose time is at, to its slot's list.
func (q *queue) place(at Time, i int32) {
	l := uint(bits.Len64(uint64(at^q.origin)|1)-1) / digitBits
	s := uint(at>>(l*digitBits)) & digitMask
	sl := &q.slots[l<<digitBits|s]
	q.occupied[l] |= 1 << s
	q.levels |= 1 << l
	q.nodes[sl.tail].next = i
	sl.tail = i
	sl.n++
}

// advance moves the wheel's first slot into the run, which like the heap must
// be empty. It reports whether there was any event.
func (q *queue) advance() bool {
	for q.levels != 0 {
		// A lower level's events differ from origin in lower digits only, so
		// they come before those of all higher levels.
		l := uint(bits.TrailingZeros64(q.levels))
		s := uint(bits.TrailingZeros64(q.occupied[l]))
		x := l<<digitBits | s
		sl := &q.slots[x]
		shift := l * digitBits
		q.origin = (q.origin>>shift>>digitBits<<digitBits | Time(s)) << shift
		i, n := q.nodes[x].next, sl.n

		if l == 0 && n > runMax {
			// All of the same time. What is left stays in the wheel, with
			// settled before it, so that further ones queue up behind it.
			q.nodes[x].next = q.fillRun(i, runMax)
			sl.n -= runMax
			q.settled = q.origin
			return true
		}

		sl.tail, sl.n = int32(x), 0
		q.occupied[l] &= q.occupied[l] - 1
		if q.occupied[l] == 0 {
			q.levels &= q.levels - 1
		}
		if n <= runMax {
			q.fillRun(i, int(n))
			if end := q.origin + 1<<shift; end > q.origin {
				q.settled = end
			} else {
				q.settled = math.MaxInt64
			}
			return true
		}
		for range n {
			nd := &q.nodes[i]
			next := nd.next
			q.place(nd.at, i)
			i = next
		}
	}
	return false
}

// fillRun sorts the first n nodes of a list into the run and returns the node
// after them. Insertion is stable: the list's order decides between equal times.
func (q *queue) fillRun(i int32, n int) int32 {
	run, nodes := q.run[:n], q.nodes
	for k := range run {
		nd := &nodes[i]
		at := nd.at
		j := k
		for j > 0 && run[j-1].at > at {
			run[j] = run[j-1]
			j--
		}
		run[j] = runEntry{at, i}
		i = nd.next
	}
	q.runNext, q.runEnd = 0, n
	return i
}

func (q *queue) pushHeap(e heapEvent) {
	q.heap = append(q.heap, e)
	h := q.heap
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) / 4
		if h[p].at <= e.at { // e is the youngest: it never passes an equal
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = e
}

func (q *queue) popHeap() event {
	h := q.heap
	top := h[0].event
	n := len(h) - 1
	e := h[n]
	h = h[:n]
	q.heap = h
	if n == 0 {
		return top
	}
	i := 0
	for {
		c := 4*i + 1
		if c >= n {
			break
		}
		m := c
		for j := c + 1; j < min(c+4, n); j++ {
			if h[j].before(&h[m]) {
				m = j
			}
		}
		if e.before(&h[m]) {
			break
		}
		h[i] = h[m]
		i = m
	}
	h[i] = e
	return top
}

func (e *heapEvent) before(f *heapEvent) bool {
	return e.at < f.at || e.at == f.at && e.seq < f.seq
}
