package attack

import (
	"testing"

	"multihome.i2p/analysis/trace"
)

// TestOrder: two routers' lists, one after the other, are the only difference.
func TestOrder(t *testing.T) {
	two := javaWorld
	two.routers, two.hours = 2, 1
	blocks := two
	blocks.concatenated = true
	found(t, "order", two, blocks, 30, 31)
	notFound(t, "order", two, 40, 32)
	notFound(t, "order", blocks, 40, 33)
}

// TestOrderNumbers: by hand, one habit after the other.
func TestOrderNumbers(t *testing.T) {
	const s = 1_700_000_000
	lease := func(tunnel uint32, end int64) trace.Lease {
		return trace.Lease{Gateway: gateway(int(tunnel)), Tunnel: tunnel, EndMs: 1000 * (s + end)}
	}
	sets := [][]trace.Lease{
		{lease(4, 500), lease(3, 400), lease(2, 300), lease(1, 200)},
		{lease(5, 600), lease(4, 500), lease(3, 400), lease(2, 300)},
		{lease(6, 700), lease(5, 600), lease(4, 500), lease(3, 400)},
	}
	measure := func(change func(k int, r *trace.Record)) map[string]float64 {
		var tr trace.Trace
		tr.Reset(testDestination)
		for k := range sets {
			at := int64(s + 60*k)
			r := tr.AppendLookup(1000*at, gateway(-1), at, sets[k][0].EndMs/1000, sets[k])
			if change != nil {
				change(k, r)
			}
		}
		v := map[string]float64{}
		for i, x := range orderNumbers(Gather(&tr, 0)) {
			v[order.numbers[i]] = x
		}
		return v
	}
	for _, c := range []struct {
		number string
		want   float64 // of the routers' own habits
		change func(k int, r *trace.Record)
	}{
		{"ascents", 0, func(_ int, r *trace.Record) { r.Leases[0], r.Leases[1] = r.Leases[1], r.Leases[0] }},
		{"moves", 0, func(k int, r *trace.Record) {
			if k == 1 {
				r.Leases[1], r.Leases[2] = r.Leases[2], r.Leases[1]
			}
		}},
		{"out_of_turn", 0, func(k int, r *trace.Record) {
			if k == 1 { // 2 leaves, 1 stays
				r.Leases[3] = lease(1, 200)
			}
		}},
		{"overtaken", 0, func(k int, r *trace.Record) {
			if k == 1 {
				r.Leases[3] = lease(1, 200)
			}
		}},
		{"ties", 0, func(_ int, r *trace.Record) { r.Leases[1].EndMs = r.Leases[0].EndMs }},
		{"leases_spread", 0, func(k int, r *trace.Record) { r.Leases = r.Leases[:4-k] }},
		{"raised", 0, func(k int, r *trace.Record) {
			if k == 1 {
				r.Leases[3].EndMs += 1000
			}
		}},
		{"re_entries", 0, func(k int, r *trace.Record) {
			if k == 2 {
				r.Leases[3] = lease(1, 301)
			}
		}},
		{"stalls", 0, func(k int, r *trace.Record) {
			if k == 1 {
				r.Leases[3] = lease(1, 200)
			}
		}},
		{"expires_off_s", 0, func(_ int, r *trace.Record) { r.Expires += 10 }},
		{"changes", 0, func(k int, r *trace.Record) { r.Flags = uint16(k); r.Has |= trace.HasFlags }},
		{"changes", 0, func(k int, r *trace.Record) { r.EncKeys = gateway(k); r.Has |= trace.HasEncKeys }},
		{"twice", 0, func(_ int, r *trace.Record) { r.Leases[1] = r.Leases[0] }},
	} {
		if got := measure(nil)[c.number]; got != c.want {
			t.Errorf("%s of a router's own habits: %g, want %g", c.number, got, c.want)
		}
		if got := measure(c.change)[c.number]; got <= c.want {
			t.Errorf("%s of another habit: %g, want more than %g", c.number, got, c.want)
		}
	}
}
