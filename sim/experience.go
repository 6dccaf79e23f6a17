package sim

import "multihome.i2p/balancer"

// A balancer may have its routers share what they remember of floodfills.

// tellNotes reports what router i remembers of floodfill f, if its balancer wants to
// know.
func (w *World) tellNotes(i, f int32) {
	r := &w.routers[i]
	if !r.notes {
		return
	}
	st := &r.response[f]
	x := w.newInput(balancer.EventFloodfills, balancer.RouterID(i))
	in := w.core.inputs.at(x)
	in.notes = append(in.notes, balancer.Note{
		Floodfill: w.noteID(f), Acks: st.acks, Took: st.total,
		StoreOK: seenAt(st.storeOK), StoreFailed: seenAt(st.storeFailed),
		AskOK: seenAt(st.askOK), AskFailed: seenAt(st.askFailed),
	})
	w.deliver(x)
}

// takeNotes gives router i the experience of others in place of its own, and has it
// report its own from now on.
func (w *World) takeNotes(i int32, notes []balancer.Note) {
	r := &w.routers[i]
	r.notes = true
	for k := range notes {
		n := &notes[k]
		f := w.notedFloodfill(n.Floodfill)
		if f == none {
			continue
		}
		r.response[f] = responseStat{
			total: n.Took, acks: n.Acks,
			storeOK: rememberedAt(n.StoreOK), storeFailed: rememberedAt(n.StoreFailed),
			askOK: rememberedAt(n.AskOK), askFailed: rememberedAt(n.AskFailed),
		}
	}
}

// A responseStat has 0 for never, a Note has Never.
func seenAt(t Time) Time {
	if t == 0 {
		return Never
	}
	return t
}

func rememberedAt(t Time) Time {
	if t == Never {
		return 0
	}
	return t
}

// noteID is floodfillID, but that an observer's floodfill of another day is another.
func (w *World) noteID(f int32) balancer.PeerID {
	return w.floodfillID(f) + balancer.PeerID(identities*w.net.ff[f].since)
}

// notedFloodfill is the floodfill of a noteID, none if there is none any more.
func (w *World) notedFloodfill(id balancer.PeerID) int32 {
	f := int32(id) - int32(w.floodfillID(0))
	if all := int32(w.cfg.Network.Floodfills); f >= all {
		f = all + (f-all)%identities
	}
	if f < 0 || int(f) >= len(w.net.ff) || w.noteID(f) != id {
		return none
	}
	return f
}
