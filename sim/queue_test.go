package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sortedQueue is the dumb queue that the clever one is checked against.
type sortedQueue struct{ events []event }

func (q *sortedQueue) push(ev event) {
	// After the last event that is not later: first come, first served.
	i, _ := slices.BinarySearchFunc(q.events, ev.at+1, func(e event, at Time) int {
		return cmp.Compare(e.at, at)
	})
	q.events = slices.Insert(q.events, i, ev)
}

func (q *sortedQueue) pop() (event, bool) {
	if len(q.events) == 0 {
		return event{}, false
	}
	ev := q.events[0]
	q.events = slices.Delete(q.events, 0, 1)
	return ev, true
}

// checkPop pops from both and compares everything that can be seen.
func checkPop(t interface{ Fatalf(string, ...any) }, q *queue, oracle *sortedQueue) (event, bool) {
	if q.len() != len(oracle.events) {
		t.Fatalf("len = %d, want %d", q.len(), len(oracle.events))
	}
	want, wantOK := oracle.pop()
	if at, ok := q.peek(); ok != wantOK || at != want.at {
		t.Fatalf("peek = %d, %v, want %d, %v", at, ok, want.at, wantOK)
	}
	got, ok := q.pop()
	if ok != wantOK || got != want {
		t.Fatalf("pop = %+v, %v, want %+v, %v", got, ok, want, wantOK)
	}
	return got, ok
}

// TestQueueOrder drives the queue through random histories: delays from 0 to
// centuries, bursts at one instant, pushes into the past, peeks that settle the
// far future before something nearer is pushed, resets.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			q      queue
			oracle sortedQueue
			now    Time
			label  int32
		)
		push := func(at Time) {
			label++
			ev := event{at: at, kind: uint16(label), gen: uint16(label >> 8), a: label, b: -label, c: label ^ 0x55}
			q.push(ev.at, ev.kind, ev.gen, ev.a, ev.b, ev.c)
			oracle.push(ev)
		}
		// after draws a time that is some delay from now, of any magnitude.
		after := func(t *rapid.T) Time {
			mask := int64(1)<<rapid.IntRange(0, 62).Draw(t, "magnitude") - 1
			d := Time(rapid.Int64Range(0, math.MaxInt64).Draw(t, "delay") & mask)
			if d > math.MaxInt64-1-max(now, 0) { // the oracle adds 1
				d = 0
			}
			return now + d
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) { push(after(t)) },
			"pop": func(t *rapid.T) {
				if ev, ok := checkPop(t, &q, &oracle); ok {
					now = ev.at
				}
			},
			"burst": func(t *rapid.T) {
				at := after(t)
				for range rapid.IntRange(1, 5*runMax).Draw(t, "n") {
					push(at)
				}
			},
			"spread": func(t *rapid.T) {
				for range rapid.IntRange(1, 5*runMax).Draw(t, "n") {
					push(after(t))
				}
			},
			"drain": func(t *rapid.T) {
				for range rapid.IntRange(1, 5*runMax).Draw(t, "n") {
					if ev, ok := checkPop(t, &q, &oracle); ok {
						now = ev.at
					}
				}
			},
			"peek":  func(*rapid.T) { q.peek() },
			"past":  func(t *rapid.T) { push(now - Time(rapid.Int64Range(1, 1<<40).Draw(t, "ago"))) },
			"reset": func(*rapid.T) { q.reset(); oracle = sortedQueue{}; now = 0 },
		})
		for q.len() > 0 {
			checkPop(t, &q, &oracle)
		}
		checkPop(t, &q, &oracle)
	})
}

// TestQueueHold is a long run of what the engine does, with ties: delays are
// rounded so coarsely that events often coincide.
func TestQueueHold(t *testing.T) {
	for _, grain := range []float64{1, 1e3, 1e7, 1e9} {
		var q queue
		var oracle sortedQueue
		rng := rand.New(rand.NewPCG(140, uint64(grain)))
		push := func(now Time, label int32) {
			ev := event{at: now + Time(rng.ExpFloat64()*1e9/grain)*Time(grain), a: label}
			q.push(ev.at, 0, 0, ev.a, 0, 0)
			oracle.push(ev)
		}
		for i := range int32(500) {
			push(0, i)
		}
		for i := range int32(20_000) {
			ev, _ := checkPop(t, &q, &oracle)
			push(ev.at, i)
		}
	}
}

func TestQueueFIFO(t *testing.T) {
	const n = 1000 // many times runMax
	for _, at := range []Time{0, 1, 63, 64, 1e9, 86_400e9, math.MaxInt64} {
		var q queue
		for i := range int32(n) {
			q.push(at, 0, 0, i, 0, 0)
		}
		for i := range int32(n) {
			ev, ok := q.pop()
			if !ok || ev.a != i {
				t.Fatalf("at %d: pop %d = %+v, %v", at, i, ev, ok)
			}
			// Whatever is pushed at the instant that is being handled comes
			// after all that already waits there.
			q.push(at, 0, 0, n+i, 0, 0)
		}
		for i := range int32(n) {
			if ev, ok := q.pop(); !ok || ev.a != n+i {
				t.Fatalf("at %d: pop %d of the second round = %+v, %v", at, i, ev, ok)
			}
		}
		if _, ok := q.pop(); ok {
			t.Fatalf("at %d: an event too many", at)
		}
	}
}

func TestQueueEmpty(t *testing.T) {
	var q queue
	for range 2 {
		if at, ok := q.peek(); ok || at != 0 {
			t.Errorf("peek = %d, %v", at, ok)
		}
		if ev, ok := q.pop(); ok || ev != (event{}) {
			t.Errorf("pop = %+v, %v", ev, ok)
		}
		if q.len() != 0 {
			t.Errorf("len = %d", q.len())
		}
		q.push(7, 1, 2, 3, 4, 5)
		q.reset()
	}
}

// A reset queue must behave as a new one, whatever it held before.
func TestQueueReset(t *testing.T) {
	history := func(q *queue) (order []event) {
		rng := rand.New(rand.NewPCG(1, 40))
		for range 300 {
			q.push(Time(rng.Int64N(1e6)), 0, 0, rng.Int32(), 0, 0)
		}
		for range 1000 {
			ev, _ := q.pop()
			order = append(order, ev)
			q.push(ev.at+Time(rng.Int64N(1e6)), 0, 0, rng.Int32(), 0, 0)
		}
		return order
	}
	var fresh, used queue
	want := history(&fresh)
	used.push(math.MaxInt64, 0, 0, 1, 0, 0)
	used.push(-5, 0, 0, 1, 0, 0)
	used.peek()
	for range 3 {
		used.reset()
		if got := history(&used); !slices.Equal(got, want) {
			t.Fatal("a used queue orders events differently after reset")
		}
	}
}

func TestQueueAllocs(t *testing.T) {
	var q queue
	rng := rand.New(rand.NewPCG(1, 40))
	const pending = 1000
	fill := func() {
		for i := range int32(pending) {
			q.push(Time(rng.ExpFloat64()*1e9), 0, 0, i, 0, 0)
		}
	}
	hold := func() {
		for range 10 * pending {
			ev, _ := q.pop()
			q.push(ev.at+Time(rng.ExpFloat64()*1e9), 0, 0, ev.a, 0, 0)
		}
	}
	fill()
	hold()
	if n := testing.AllocsPerRun(10, hold); n != 0 {
		t.Errorf("%v allocations in %d events, want 0", n, 10*pending)
	}
	if n := testing.AllocsPerRun(10, func() { q.reset(); fill(); hold() }); n != 0 {
		t.Errorf("%v allocations after a reset, want 0", n)
	}
}
