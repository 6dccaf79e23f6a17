package fleet

import (
	"multihome.i2p/i2cp"
	"multihome.i2p/sim"
)

// What a router remembers of floodfills, between the wire's ages and the world's times.

// noteFloodfills gives the session's router the experience of others.
func (x *session) noteFloodfills(m *i2cp.NoteFloodfills) {
	now := x.service.world.Now()
	at := func(age uint32) sim.Time {
		if age == i2cp.Never {
			return sim.Never
		}
		return now - sim.Time(age)*sim.Millisecond
	}
	notes := make([]sim.Note, 0, len(m.Notes))
	for i := range m.Notes {
		n := &m.Notes[i]
		f, ok := x.service.world.Floodfill(n.Floodfill)
		if !ok {
			continue // a client may know floodfills that this router does not
		}
		acks := min(n.Acks, acksMax)
		notes = append(notes, sim.Note{
			Floodfill: f, Acks: int32(acks), Took: sim.Time(acks) * sim.Time(min(n.Response, responseMax)) * sim.Millisecond,
			StoreOK: at(n.StoreOK), StoreFailed: at(n.StoreFailed), AskOK: at(n.AskOK), AskFailed: at(n.AskFailed),
		})
	}
	x.service.world.Do(x.router, sim.Action{Kind: sim.ActionNoteFloodfills, Notes: notes})
}

// What a client may say of a floodfill, so that sums stay in range: acks, and ms until
// they came.
const (
	acksMax     = 1 << 20
	responseMax = 60_000
)

// floodfillsNoted reports the router's own experience.
func (x *session) floodfillsNoted(ev *sim.Event) {
	now := x.service.world.Now()
	age := func(t sim.Time) uint32 {
		if t == sim.Never {
			return i2cp.Never
		}
		return uint32(min(max(0, (now-t)/sim.Millisecond), sim.Time(i2cp.Never)-1))
	}
	m := &i2cp.FloodfillsNoted{Session: x.rs.ID()}
	for i := range ev.Notes {
		n := &ev.Notes[i]
		note := i2cp.FloodfillNote{
			Floodfill: x.service.fleet.hash(n.Floodfill), Acks: uint32(n.Acks),
			StoreOK: age(n.StoreOK), StoreFailed: age(n.StoreFailed), AskOK: age(n.AskOK), AskFailed: age(n.AskFailed),
		}
		if n.Acks > 0 {
			note.Response = uint32(n.Took / sim.Time(n.Acks) / sim.Millisecond)
		}
		m.Notes = append(m.Notes, note)
	}
	x.notify(m)
}
