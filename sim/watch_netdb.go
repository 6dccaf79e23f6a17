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
	for _, f := range w.holders(serviceKey) {
		if f != none {
			w.lookAt(i, f)
		}
	}
	w.push(w.now+w.watchers[i].cfg.Every, evPoll, i, 0)
}

// lookAt lets watcher i ask floodfill f, and returns the LeaseSet that it gets,
// or none.
func (w *World) lookAt(i, f int32) int32 {
	t, at := &w.out.Traces[i], w.seenMs()
	hash := hashBytes(w.net.ff[f].hash)
	x := w.ask(serviceKey, f, &w.out.Truth.Polls)
	if x == none {
		t.AppendPoll(at, hash, false)
		return none
	}
	r := w.sight(i, trace.KindLookup, x)
	r.Floodfill = hash
	r.Has |= trace.HasFloodfill
	return x
}
