package live

import (
	"errors"
	"io"
	"os"
	"time"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
)

// traceFile is the trace of what a Destination published. A nil one does nothing.
type traceFile struct {
	file *os.File
	buf  []byte
	rec  trace.Record

	spacing time.Duration // of what the routers store
	last    time.Time     // when they stored last
	waiting bool          // rec waits for the spacing
}

// openTrace appends to a trace, or begins one.
func openTrace(path, b32 string) (*traceFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	t := &traceFile{file: f}
	head := trace.Header{Destination: b32, Vantage: trace.VantageNetDb, Source: trace.SourceLive, Note: "LeaseSets as mhbalance sent them"}
	info, err := f.Stat()
	if err == nil && info.Size() == 0 {
		if err = head.Check(); err == nil {
			_, err = f.Write(trace.AppendHeader(nil, &head))
		}
	} else if err == nil {
		err = sameTrace(f, path, b32)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

// sameTrace checks that a file is a trace of the same Destination.
func sameTrace(f *os.File, path, b32 string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r, err := trace.NewReader(f, path)
	if err != nil {
		return err
	}
	if got := r.Header().Destination; got != b32 {
		return errors.New(path + " is a trace of " + got + ", not of " + b32 + ": name another file")
	}
	return nil
}

// stockSpacing is the least time between two stores of a stock router: 20 s in
// i2pd (Destination.cpp, PUBLISH_MIN_INTERVAL); Java's 60 s are the core's own.
const stockSpacing = 20 * time.Second

// append adds a LeaseSet that was sent. What comes before the router's spacing is
// over it stores later, and only the newest: so it is noted then, by flush.
func (t *traceFile) append(at time.Time, a *balancer.Action, n *names) error {
	if t == nil {
		return nil
	}
	r := &t.rec
	r.Reset()
	r.TimeMs, r.Kind = at.UnixMilli(), trace.KindStore
	r.Has = trace.HasTime | trace.HasKind | trace.HasPublished | trace.HasExpires | trace.HasLeases
	r.Published, r.Expires = a.Published, a.Expires
	for _, l := range a.Leases {
		r.Leases = append(r.Leases, trace.Lease{
			Gateway: trace.Hash(n.hash(l.Gateway)), Tunnel: l.ReceiveID, EndMs: int64(l.End / balancer.Millisecond),
		})
	}
	if err := r.Check(); err != nil {
		return err
	}
	t.waiting = true
	return t.flush(at)
}

// flush notes what waits, once its time has come.
func (t *traceFile) flush(now time.Time) error {
	if t == nil || !t.waiting || now.Sub(t.last) < t.spacing {
		return nil
	}
	t.waiting, t.last = false, now
	t.rec.TimeMs = now.UnixMilli()
	t.buf = trace.AppendRecord(t.buf[:0], &t.rec)
	_, err := t.file.Write(t.buf)
	return err
}

func (t *traceFile) close() error {
	if t == nil {
		return nil
	}
	return t.file.Close()
}
