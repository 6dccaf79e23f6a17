package sim

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"multihome.i2p/analysis/trace"
)

// poller is an adversary at vantage point netdb: it asks all floodfills that
// should hold the LeaseSet, every so often.
type poller struct {
	every Time
	// recent are the LeaseSets that it saw last, and their records: several
	// floodfills return the same one, and its leases are kept once.
	recent [holdersOfKey]sighting
	turn   int
}

type sighting struct {
	set    int32
	gen    uint16
	leases []trace.Lease
}

func (w *World) resetPollers() {
	n := len(w.cfg.Adversaries)
	if cap(w.pollers) < n {
		w.pollers = make([]poller, n)
	}
	w.pollers = w.pollers[:n]
	for len(w.out.Traces) < n {
		w.out.Traces = append(w.out.Traces, trace.Trace{})
	}
	w.out.Traces = w.out.Traces[:n]
	w.name()
	rng := w.streams.rand[streamAdversary]
	for i := range w.pollers {
		a := &w.cfg.Adversaries[i]
		p := &w.pollers[i]
		*p = poller{every: a.Every}
		for k := range p.recent {
			p.recent[k].set = none
		}
		w.out.Traces[i].Reset(trace.Header{
			Destination: w.b32, Vantage: trace.Vantage(a.Vantage), Source: trace.SourceSim,
		})
		w.push(w.observed+uniform(rng, 0, a.Every), evPoll, int32(i), 0)
	}
}

// name sets the base32 address of the trial's Destination.
func (w *World) name() {
	hash := hashBytes(w.net.dest)
	w.b32 = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:]))
}

// hashBytes is a hash of four big-endian words as 32 bytes.
func hashBytes(words [4]uint64) (h trace.Hash) {
	for i, x := range words {
		binary.BigEndian.PutUint64(h[8*i:], x)
	}
	return h
}

// poll asks all holders once. The answers count as seen when they are asked
// for; that they take a second or two moves no record by more.
func (w *World) poll(i int32) {
	p := &w.pollers[i]
	t := &w.out.Traces[i]
	at := int64((w.epoch + w.now) / Millisecond)
	for _, f := range w.holders() {
		if f == none {
			continue
		}
		hash := hashBytes(w.net.ff[f].hash)
		x := w.ask(f, &w.out.Truth.Polls)
		if x == none {
			t.AppendPoll(at, hash, false)
			continue
		}
		w.saw(p, t, at, hash, x)
	}
	w.push(w.now+p.every, evPoll, i, 0)
}

// saw appends the LeaseSet that a floodfill has returned.
func (w *World) saw(p *poller, t *trace.Trace, at int64, floodfill trace.Hash, x int32) {
	s := w.sets.at(x)
	gen := w.sets.gens[x]
	for k := range p.recent {
		if q := &p.recent[k]; q.set == x && q.gen == gen {
			r := t.Append(trace.KindLookup, at)
			r.Floodfill, r.Published, r.Expires, r.Leases = floodfill, s.published, s.expires, q.leases
			r.Has |= trace.HasFloodfill | trace.HasPublished | trace.HasExpires | trace.HasLeases
			return
		}
	}
	leases := w.scratch.seen[:0]
	for k := range s.leases {
		l := &s.leases[k]
		leases = append(leases, trace.Lease{
			Gateway: hashBytes(w.pop.HashWords(l.gateway)), Tunnel: l.number, EndMs: l.end * 1000,
		})
	}
	w.scratch.seen = leases
	r := t.AppendLookup(at, floodfill, s.published, s.expires, leases)
	p.recent[p.turn] = sighting{x, gen, r.Leases}
	p.turn = (p.turn + 1) % len(p.recent)
}
