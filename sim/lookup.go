package sim

// lookup is what a client's lookup of a key comes to: the LeaseSet that it gets and
// the floodfill that had it. A Meta LeaseSet (leaseSet.meta) is a first stage: its
// entries name the keys to look up next.
type lookup struct {
	set       int32 // none: no floodfill had one
	floodfill int32 // that answered, or none
	asked     int   // floodfills that were asked
}

// find looks a key up now, at the floodfills that should hold it, one after the
// other, the closest to its routing key first, until one has it or lookupAsked have
// been asked (Java IterativeSearchJob). What a dead floodfill costs in time is the
// caller's affair, and so is the way there and back. Each question counts as a lookup
// of a client in the netDb's load. The LeaseSet is borrowed: holdSet keeps it.
func (w *World) find(key int32) lookup {
	out := lookup{set: none, floodfill: none}
	for _, f := range w.net.keys[key].today[:lookupAsked] {
		if f == none {
			break
		}
		out.asked++
		if x := w.ask(key, f, &w.out.Truth.ClientLookups); x != none {
			out.set, out.floodfill = x, f
			break
		}
	}
	return out
}
