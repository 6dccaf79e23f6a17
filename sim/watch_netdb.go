package sim

import (
	"encoding/base32"
	"encoding/binary"
	"strings"

	"multihome.i2p/analysis/trace"
)

// name sets the base32 address of the trial's Destination.
func (w *World) name() {
	hash := hashBytes(w.net.keys[serviceKey].dest)
	w.b32 = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(hash[:]))
}

// hashBytes is a hash of four big-endian words as 32 bytes.
func hashBytes(words [4]uint64) (h trace.Hash) {
	for i, x := range words {
		binary.BigEndian.PutUint64(h[8*i:], x)
	}
	return h
}

// poll lets watcher i ask all holders once. The answers count as seen when they
// are asked for; that they take a second or two moves no record by more.
func (w *World) poll(i int32) {
	p := w.watchers[i]
	w.pollKey(i, serviceKey)
	if w.meta.on {
		// Those below the Meta LeaseSet, and the first sub-Destinations that it has
		// led to, each time the same ones.
		for n := range w.meta.nodes[1:] {
			w.pollKey(i, w.meta.nodes[1+n].key)
		}
		if len(p.subs) == 0 {
			w.eachSub(serviceKey, func(key int32) {
				if len(p.subs) < max(1, p.cfg.Subs) {
					p.subs = append(p.subs, key)
				}
			})
		}
		for _, key := range p.subs {
			w.pollKey(i, key)
		}
	}
	w.push(w.now+p.cfg.Every, evPoll, i, 0)
}

// pollKey lets watcher i ask all holders of a key.
func (w *World) pollKey(i, key int32) {
	for _, f := range w.holders(key) {
		if f != none {
			w.lookAt(i, key, f)
		}
	}
}

// lookAt lets watcher i ask floodfill f for a key, and returns the LeaseSet that it
// gets, or none.
func (w *World) lookAt(i, key, f int32) int32 {
	t, at := &w.out.Traces[i], w.seenMs()
	hash := hashBytes(w.net.ff[f].hash)
	x := w.ask(key, f, &w.out.Truth.Polls)
	if x == none {
		r := t.AppendPoll(at, hash, false)
		if key != serviceKey {
			r.Sub = hashBytes(w.net.keys[key].dest)
			r.Has |= trace.HasSub
		}
		return none
	}
	r := w.sight(i, trace.KindLookup, x)
	r.Floodfill = hash
	r.Has |= trace.HasFloodfill
	return x
}
