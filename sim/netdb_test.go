package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"
)

// ready is a world at its start, in which nothing has happened yet.
func ready(t *testing.T, c *Config) *World {
	t.Helper()
	w := NewWorld()
	if err := w.reset(c, 1, new(Outcome)); err != nil {
		t.Fatal(err)
	}
	return w
}

// setOf is a LeaseSet with one lease, good for ten minutes.
func (w *World) setOf(published int64) int32 {
	x := w.newSet(0)
	s := w.sets.at(x)
	s.published = published
	s.expires = int64((w.epoch+w.now)/Second) + 600
	s.leases = append(s.leases, lease{gateway: 1, end: s.expires})
	return x
}

// TestRoutingKey: SHA-256 of the hash and the date, worked out here with the
// standard library's calendar.
func TestRoutingKey(t *testing.T) {
	dest := [4]uint64{1, 2, 3, 1 << 63}
	for _, day := range []int64{0, 59, 20454, 20513, 20514, 47541, 47542} {
		date := time.Unix(day*86400, 0).UTC().Format("20060102")
		var buf []byte
		for _, x := range dest {
			buf = binary.BigEndian.AppendUint64(buf, x)
		}
		sum := sha256.Sum256(append(buf, date...))
		got := routingKey(dest, day)
		if got[0] != binary.BigEndian.Uint64(sum[:]) || got[3] != binary.BigEndian.Uint64(sum[24:]) {
			t.Errorf("%s: another key", date)
		}
	}
}

// TestRank compares the floodfills found closest with a full sort.
func TestRank(t *testing.T) {
	w := ready(t, worldOf(SchemeSingle, 1))
	key := routingKey(w.net.keys[serviceKey].dest, w.net.day)
	all := make([]int32, len(w.net.ff))
	for i := range all {
		all[i] = int32(i)
	}
	slices.SortFunc(all, func(a, b int32) int {
		if closer(&w.net.ff[a].hash, &w.net.ff[b].hash, &key) {
			return -1
		}
		return 1
	})
	if !slices.Equal(all[:ranked], w.net.keys[serviceKey].today[:]) {
		t.Error("not the closest floodfills")
	}
}

// TestMidnight: tomorrow's key becomes today's at 00:00 UTC.
func TestMidnight(t *testing.T) {
	c := worldOf(SchemeSingle, 1)
	c.Duration = 48 * Hour
	w := ready(t, c)
	next, day := w.net.keys[serviceKey].next, w.net.day
	midnight := Time(day+1)*Day - w.epoch
	w.play(midnight, nil)
	if w.net.day != day {
		t.Fatal("the key rotated too early")
	}
	w.play(midnight+1, nil)
	if w.net.day != day+1 || w.net.keys[serviceKey].today != next || w.net.keys[serviceKey].next == next {
		t.Error("the key did not rotate")
	}
	if (w.epoch+w.now)%Day >= Second {
		t.Errorf("rotated at %v past midnight", (w.epoch+w.now)%Day)
	}
}

// TestNewerWins: a floodfill keeps the first of two LeaseSets of one second.
func TestNewerWins(t *testing.T) {
	w := ready(t, worldOf(SchemeSingle, 1))
	a, b, c, old := w.setOf(100), w.setOf(100), w.setOf(101), w.setOf(99)
	for _, step := range []struct {
		offered int32
		fresh   bool
		held    int32
	}{{a, true, a}, {b, false, a}, {old, false, a}, {c, true, c}, {a, false, c}} {
		if got := w.offer(0, step.offered); got != step.fresh || w.heldBy(serviceKey, 0) != step.held {
			t.Errorf("offer %d: new %v, holds %d", step.offered, got, w.heldBy(serviceKey, 0))
		}
	}
}

// TestFloodThrottle: of five new LeaseSets within a window of 90 s, a Java
// floodfill floods three, and those of the next window again.
func TestFloodThrottle(t *testing.T) {
	for _, java := range []bool{true, false} {
		w := ready(t, worldOf(SchemeSingle, 1))
		i := w.net.keys[serviceKey].today[0]
		w.net.ff[i].java, w.net.ff[i].phase = java, 0
		store := func(published int64) bool {
			x := w.setOf(published)
			w.storedAt(i, x)
			refs := w.sets.at(x).refs // the test's, the floodfill's, and the flood's
			return refs == 3
		}
		for n := range 5 {
			w.now += 10 * Second
			if got, want := store(int64(100+n)), n < throttleFloods || !java; got != want {
				t.Errorf("java %v: store %d flooded: %v", java, n, got)
			}
		}
		w.now = throttleWindow
		if !store(200) {
			t.Errorf("java %v: not flooded in the next window", java)
		}
	}
}

// TestHolders: a stored LeaseSet comes to the floodfill that it was stored to
// and to the three others closest to the key, and runs out there.
func TestHolders(t *testing.T) {
	w := ready(t, worldOf(SchemeSingle, 1))
	x := w.setOf(100)
	last := w.net.keys[serviceKey].today[7] // the sender's choice may have been a far one
	w.storedAt(last, x)
	w.play(w.now+Second, nil)
	counter := int64(0)
	for k, f := range w.net.keys[serviceKey].today[:holdersOfKey] {
		if got, want := w.ask(serviceKey, f, &counter) == x, k < floodTo; got != want {
			t.Errorf("floodfill %d holds it: %v", k, got)
		}
	}
	w.now = Time(w.sets.at(x).expires)*Second - w.epoch + leaseFudge
	if w.ask(serviceKey, last, &counter) != none {
		t.Error("given out past its end")
	}
}

// TestNextDayFlood: in the last ten minutes of the day, a LeaseSet that
// outlives it also goes to the two floodfills closest to tomorrow's key.
func TestNextDayFlood(t *testing.T) {
	for _, before := range []Time{20 * Minute, 5 * Minute} {
		w := ready(t, worldOf(SchemeSingle, 1))
		w.now = Time(w.net.day+1)*Day - w.epoch - before
		x := w.setOf(100)
		w.flooded(w.holdSet(x), w.net.keys[serviceKey].today[0])
		for k, f := range w.net.keys[serviceKey].next[:floodNextDay] {
			if got, want := w.heldBy(serviceKey, f) == x, before < floodNextSpan; got != want {
				t.Errorf("%v before midnight: tomorrow's floodfill %d has it: %v", before, k, got)
			}
		}
	}
}

// TestStoreRetries: with no way through, a Java router tries other floodfills
// after 6 s to 15.3 s each, gives up after a minute and starts again 20 s to
// 40 s later.
func TestStoreRetries(t *testing.T) {
	c := worldOf(SchemeSingle, 1)
	c.Network.StoreLoss = 1
	c.Warmup, c.Duration = 0, Hour
	w := ready(t, c)
	var attempts []Time
	var gaps []Time
	last := Time(0)
	failures := int64(0)
	w.play(w.end, func() {
		for k := range w.stores.items {
			if j := w.stores.at(int32(k)); j.live && j.sentAt > last {
				gaps = append(gaps, j.sentAt-last)
				last = j.sentAt
			}
		}
		if p := &w.routers[0].pub; p.ever && (len(attempts) == 0 || attempts[len(attempts)-1] != p.attempted) {
			attempts = append(attempts, p.attempted)
		}
		failures = w.out.Truth.StoreFailures
	})
	if failures < 10 {
		t.Errorf("%d failed stores in an hour", failures)
	}
	if w.out.Truth.Published != 0 {
		t.Error("something arrived")
	}
	for _, g := range gaps[1:] {
		if g > 60*Second {
			t.Errorf("%v between two attempts", g.Seconds())
		}
	}
	for k := 1; k < len(attempts); k++ {
		if g := attempts[k] - attempts[k-1]; g < publishSpacing {
			t.Errorf("published again after %.1f s", g.Seconds())
		}
	}
}

// TestVerification: each acknowledged store is verified once, 18 s to 27 s
// later, unless a verification is under way.
func TestVerification(t *testing.T) {
	c := worldOf(SchemeSingle, 1)
	c.Network.StoreLoss = 0
	c.each(func(r *Router) { r.TunnelFailPerHour = 0 })
	var out Outcome
	mustRun(t, NewWorld(), c, 3, &out)
	tr := &out.Truth
	if tr.Stores < tr.Publishes-2 || tr.Stores > tr.Publishes+2 {
		t.Errorf("%d stores for %d publishes", tr.Stores, tr.Publishes)
	}
	// The polled floodfills answer too; a verification is a lookup of its own.
	if tr.Verifications < tr.Stores*99/100 || tr.Verifications > tr.Stores*101/100 {
		t.Errorf("%d verifications of %d stores", tr.Verifications, tr.Stores)
	}
	if tr.Resends != 0 || tr.StoreTimeouts > tr.Stores/20 {
		t.Errorf("%d resends, %d timeouts without any loss", tr.Resends, tr.StoreTimeouts)
	}
	if got := fmt.Sprint(tr.Floods / tr.Stores); got != "3" && got != "2" {
		t.Errorf("%d floods of %d stores", tr.Floods, tr.Stores)
	}
}

// TestTrace compares what the poller saw with what the floodfills hold.
func TestTrace(t *testing.T) {
	c := worldOf(SchemeSingle, 1)
	c.Duration, c.Warmup = 2*Hour, Hour
	c.Adversaries[0].Every = Minute
	w, out := NewWorld(), new(Outcome)
	if err := w.reset(c, 5, out); err != nil {
		t.Fatal(err)
	}
	seen := 0
	w.play(w.end, func() {
		records := out.Traces[0].Records
		for ; seen < len(records); seen++ {
			r := &records[seen]
			if want := int64((w.epoch + w.now) / Millisecond); r.TimeMs != want {
				t.Fatalf("record %d at %d, want %d", seen, r.TimeMs, want)
			}
			f := w.net.keys[serviceKey].today[seen%holdersOfKey]
			s := w.sets.at(w.heldBy(serviceKey, f))
			if r.Floodfill != hashBytes(w.net.ff[f].hash) || r.Published != s.published || len(r.Leases) != len(s.leases) {
				t.Fatalf("record %d is not what floodfill %d holds", seen, f)
			}
			for k := range s.leases {
				l := &r.Leases[k]
				if l.Gateway != hashBytes(w.pop.HashWords(s.leases[k].gateway)) || l.Tunnel != s.leases[k].number || l.EndMs != s.leases[k].end*1000 {
					t.Fatalf("record %d, lease %d differs", seen, k)
				}
			}
		}
	})
	if seen != 4*120 {
		t.Errorf("%d records, want 480", seen)
	}
}
