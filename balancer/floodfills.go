package balancer

import "slices"

// Which floodfill a router stores to depends on what it has seen of them: one that
// has not answered is passed over for 20 minutes (Java I2P, FloodfillPeerSelector).
// A router that goes on in place of another would ask the closest one again, as if it
// had just started, and whoever runs it would see the change. So all routers of an
// imitation share one experience: who stores reports what comes of it, and whoever is
// to publish next is told what it does not know yet.

// Note is what a router remembers of a floodfill from storing our LeaseSets and asking
// for them. Times are on the core's time line, Never for what has not happened.
type Note struct {
	Floodfill   PeerID
	Acks        int32 // of stores
	Took        Time  // until they came, summed
	StoreOK     Time  // when a store was last acknowledged
	StoreFailed Time  // or not
	AskOK       Time  // when a lookup was last answered as it should be
	AskFailed   Time  // or not
}

// maxNotes bounds the floodfills that are remembered: the five closest to each day's
// routing key are asked, and others only where those fail. Our choice.
const maxNotes = 64

// experience is what the routers of an imitation have seen of floodfills.
type experience struct {
	notes   []note // in the order of their changes
	changes uint64
	out     []Note // memory of the actions' notes
}

type note struct {
	Note
	change uint64
}

func (x *experience) reset() { x.notes, x.out, x.changes = x.notes[:0], x.out[:0], 0 }

// standsIn tells whether router r shares in the experience.
func (b *Balancer) standsIn(r *router) bool {
	return b.virtual.on && r.caps&CapStandIn != 0
}

// onFloodfills keeps what r reports of floodfills.
func (b *Balancer) onFloodfills(r *router, ev *Event) {
	if !b.standsIn(r) || r.state != routerServing {
		return
	}
	x := &b.virtual.seenOf
	for i := range ev.Notes {
		x.notes = slices.DeleteFunc(x.notes, func(n note) bool { return n.Floodfill == ev.Notes[i].Floodfill })
		if len(x.notes) == maxNotes {
			x.notes = slices.Delete(x.notes, 0, 1)
		}
		knew := r.noted == x.changes
		x.changes++
		if knew {
			r.noted = x.changes
		}
		x.notes = append(x.notes, note{ev.Notes[i], x.changes})
	}
}

// brief tells router r what others have seen of floodfills since it was last told.
func (b *Balancer) brief(r *router) {
	x := &b.virtual.seenOf
	if !b.standsIn(r) || r.noted == x.changes {
		return
	}
	at := len(x.out)
	for i := range x.notes {
		if x.notes[i].change > r.noted {
			x.out = append(x.out, x.notes[i].Note)
		}
	}
	r.noted = x.changes
	b.do(r, ActionNoteFloodfills).Notes = x.out[at:]
}

// outdate tells those who have published that there is a newer LeaseSet, which is not to
// be seen yet: a router that was to find the last one missing would store it again.
func (b *Balancer) outdate() {
	for i := range b.pub.through {
		r := &b.routers[b.pub.through[i].Router]
		if r.state == routerServing && b.standsIn(r) {
			b.do(r, ActionOutdate).Published = b.ls.published
		}
	}
}
