package sim

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkHold is the hold model, the customary measure of event queues: P
// events are pending, and each schedules its successor Exp(1) seconds later.
// One operation is one event: one pop, one random number, one push. The
// programs in bench/peers measure other simulators in the same way.
func BenchmarkHold(b *testing.B) {
	for _, pending := range []int{100, 1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("P=%d", pending), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(140, 1))
			delay := func() Time { return Time(rng.ExpFloat64() * 1e9) }
			var q queue
			var ev event
			for i := range pending {
				q.push(delay(), 1, 0, int32(i), 0, 0)
			}
			for range 3 * pending { // until the start has been forgotten
				q.popInto(&ev)
				q.push(ev.at+delay(), ev.kind, ev.gen, ev.a, ev.b, ev.c)
			}
			b.ReportAllocs()
			for b.Loop() {
				q.popInto(&ev)
				q.push(ev.at+delay(), ev.kind, ev.gen, ev.a, ev.b, ev.c)
			}
		})
	}
}
