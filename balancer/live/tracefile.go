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

// append adds a LeaseSet that was sent.
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
	t.buf = trace.AppendRecord(t.buf[:0], r)
	_, err := t.file.Write(t.buf)
	return err
}

func (t *traceFile) close() error {
	if t == nil {
		return nil
	}
	return t.file.Close()
}
