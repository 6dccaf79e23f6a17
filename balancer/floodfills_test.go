package balancer_test

import (
	"slices"
	"testing"

	"multihome.i2p/balancer"
)

// notes reports experience with floodfills of which one is as good as another here.
func (r *rig) notes(id balancer.RouterID, acks int32, floodfills ...balancer.PeerID) {
	ev := balancer.Event{Kind: balancer.EventFloodfills, Router: id}
	for _, f := range floodfills {
		ev.Notes = append(ev.Notes, balancer.Note{
			Floodfill: f, Acks: acks, Took: balancer.Time(acks) * balancer.Second,
			StoreOK: r.now, StoreFailed: balancer.Never, AskOK: balancer.Never, AskFailed: balancer.Never,
		})
	}
	r.step(ev)
}

// told is what a router was last told of floodfills, none for nothing.
func (r *rig) told(id balancer.RouterID) (last briefing) {
	for _, b := range r.briefed {
		if b.router == id && len(b.notes) > 0 {
			last = b
		}
	}
	return last
}

// Who publishes next knows what those before it have seen of floodfills, the leader
// that has come back, too; and nobody is told what it knows.
func TestMimicSharesExperience(t *testing.T) {
	r := mimicRig(t, 3, 41, nil)
	r.run(balancer.Hour)
	r.notes(0, 1, 90001, 90002)
	r.notes(0, 2, 90001)
	r.run(r.now + 5*balancer.Minute)
	for id := range balancer.RouterID(3) {
		if n := r.told(id).notes; n != nil {
			t.Errorf("router %d was told %v while the leader published", id, n)
		}
	}
	r.crash(0)
	r.run(r.now + 5*balancer.Minute)
	if p := r.last().router; p != 1 {
		t.Fatalf("router %d publishes in the leader's place", p)
	}
	want := []balancer.Note{
		{Floodfill: 90002, Acks: 1}, {Floodfill: 90001, Acks: 2},
	}
	same := func(a, b balancer.Note) bool { return a.Floodfill == b.Floodfill && a.Acks == b.Acks }
	if n := r.told(1).notes; !slices.EqualFunc(n, want, same) {
		t.Errorf("the deputy was told %v, want %v", n, want)
	}
	r.notes(1, 3, 90001)
	back := r.now
	r.up(0)
	r.run(r.now + balancer.Hour)
	if p := r.last().router; p != 0 {
		t.Fatalf("router %d publishes after the leader's return", p)
	}
	want = []balancer.Note{{Floodfill: 90002, Acks: 1}, {Floodfill: 90001, Acks: 3}}
	if n := r.told(0).notes; !slices.EqualFunc(n, want, same) {
		t.Errorf("the leader was told %v on its return, want %v", n, want)
	}
	for _, p := range r.published {
		if p.router == 0 && p.at > back && p.at < r.told(0).at {
			t.Fatal("the leader published before it was told")
		}
	}
}

// What is remembered of floodfills is bounded, the newest is kept.
func TestMimicForgetsFloodfills(t *testing.T) {
	r := mimicRig(t, 2, 42, nil)
	r.run(balancer.Hour)
	for f := range balancer.PeerID(1000) {
		r.notes(0, 1, 90000+f)
	}
	r.crash(0)
	r.run(r.now + 5*balancer.Minute)
	n := r.told(1).notes
	if len(n) == 0 || len(n) > 100 || n[len(n)-1].Floodfill != 90999 {
		t.Errorf("%d floodfills were handed over", len(n))
	}
}

// A LeaseSet that is dated, and shown later, outdates the last one at once; and an ack
// of that reaches who repeats it.
func TestMimicOutdates(t *testing.T) {
	r := mimicRig(t, 3, 43, nil)
	r.run(balancer.Hour)
	if len(r.outdated) == 0 {
		t.Fatal("nothing was outdated")
	}
	dates := map[int64]bool{}
	for _, a := range r.outdated {
		dates[a.Published] = true
		if a.Router != 0 {
			t.Errorf("router %d is told, which does not publish", a.Router)
		}
	}
	for _, p := range r.published[1:] {
		if !dates[p.action.Published] {
			t.Errorf("a LeaseSet dated %d was published that nobody was told of", p.action.Published)
		}
	}
	was := r.relayed
	r.step(balancer.Event{Kind: balancer.EventAckRelayed, Router: 1, Published: r.published[len(r.published)-2].action.Published})
	if r.relayed != was+1 {
		t.Error("the ack of an older LeaseSet was not passed on")
	}
}
