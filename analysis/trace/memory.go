package trace

import (
	"errors"
	"io"
)

// A Trace is a trace in memory. The simulator fills it without encoding
// anything; its memory is used again after [Trace.Reset], so that a trial in the
// steady state allocates nothing.
//
// The Append methods return a pointer to the new record, in which the caller
// sets what else the vantage point saw, and notes it in Has. The pointer is
// valid until the next append. Times must not fall, which the Append methods
// leave to the caller and [Trace.Check] checks.
type Trace struct {
	Header  Header
	Records []Record

	leases  []Lease // the records' leases lie here
	entries []Entry // and their entries here
}

// Reset empties the trace for the next use and keeps its memory. Records and
// leases handed out before are overwritten by what is appended next.
func (t *Trace) Reset(h Header) {
	t.Header = h
	t.Records = t.Records[:0]
	t.leases = t.leases[:0]
	t.entries = t.entries[:0]
}

// Span returns the time from the first to the last record in milliseconds.
func (t *Trace) Span() int64 {
	if len(t.Records) == 0 {
		return 0
	}
	return t.Records[len(t.Records)-1].TimeMs - t.Records[0].TimeMs
}

// Append appends an empty record of the given kind.
func (t *Trace) Append(kind Kind, timeMs int64) *Record {
	t.Records = append(t.Records, Record{Kind: kind, TimeMs: timeMs, Has: hasAlways})
	return &t.Records[len(t.Records)-1]
}

// hold copies leases into the trace's memory. When that memory is full, append
// moves it; earlier records keep the old memory, so their leases stay valid.
func (t *Trace) hold(leases ...Lease) []Lease {
	start := len(t.leases)
	t.leases = append(t.leases, leases...)
	return t.leases[start:len(t.leases):len(t.leases)]
}

// AppendSighting appends a LeaseSet2 that was seen, its times in seconds since
// the epoch and its leases, which it copies, in wire order. The kind is lookup,
// store or bundle. For a LeaseSet1 the caller sets Millis and clears
// HasPublished.
func (t *Trace) AppendSighting(kind Kind, timeMs, published, expires int64, leases []Lease) *Record {
	r := t.Append(kind, timeMs)
	r.Published, r.Expires = published, expires
	r.Leases = t.hold(leases...)
	r.Has |= HasPublished | HasExpires | HasLeases
	return r
}

// AppendLookup appends a LeaseSet2 that floodfill returned.
func (t *Trace) AppendLookup(timeMs int64, floodfill Hash, published, expires int64, leases []Lease) *Record {
	r := t.AppendSighting(KindLookup, timeMs, published, expires, leases)
	r.Floodfill = floodfill
	r.Has |= HasFloodfill
	return r
}

// AppendStore appends a LeaseSet2 that was stored to floodfill, the observer.
func (t *Trace) AppendStore(timeMs int64, floodfill Hash, flooded bool, published, expires int64, leases []Lease) *Record {
	r := t.AppendSighting(KindStore, timeMs, published, expires, leases)
	r.Floodfill, r.Flooded = floodfill, flooded
	r.Has |= HasFloodfill | HasFlooded
	return r
}

// AppendBundle appends a LeaseSet2 that came inside a message of the service.
func (t *Trace) AppendBundle(timeMs, published, expires int64, leases []Lease) *Record {
	return t.AppendSighting(KindBundle, timeMs, published, expires, leases)
}

// AppendPoll appends the answer of a floodfill that returned no LeaseSet.
func (t *Trace) AppendPoll(timeMs int64, floodfill Hash, found bool) *Record {
	r := t.Append(KindPoll, timeMs)
	r.Floodfill, r.Found = floodfill, found
	r.Has |= HasFloodfill | HasFound
	return r
}

// AppendServiceLookup appends a lookup of the service, seen by floodfill, which
// came out of an outbound tunnel at obep and asked for its answer through reply.
func (t *Trace) AppendServiceLookup(timeMs int64, floodfill, obep Hash, reply Reply) *Record {
	r := t.Append(KindServiceLookup, timeMs)
	r.Floodfill, r.OBEP, r.Reply = floodfill, obep, reply
	r.Has |= HasFloodfill | HasOBEP | HasReply
	return r
}

// AppendProbe appends a message sent through lease in ratchet session number
// ratchet. openedOn is the lease through which that session was opened, nil if
// the probe opened it. rttUs is the round-trip time in microseconds, negative if
// there was no answer.
func (t *Trace) AppendProbe(timeMs, ratchet int64, openedOn *Lease, lease Lease, rttUs int64) *Record {
	r := t.Append(KindProbe, timeMs)
	r.Ratchet = ratchet
	r.Has |= HasRatchet | HasSession | HasLease | HasAnswered
	if openedOn == nil {
		r.Session = SessionNew
		r.Leases = t.hold(lease)
	} else {
		r.Session = SessionExisting
		r.Has |= HasOpenedOn
		r.Leases = t.hold(lease, *openedOn)
	}
	if rttUs >= 0 {
		r.Answered = true
		r.RTTUs = rttUs
		r.Has |= HasRTT
	}
	return r
}

// AppendRouter appends a router of the sample, seen up or down.
func (t *Trace) AppendRouter(timeMs int64, router Hash, up bool) *Record {
	r := t.Append(KindRouter, timeMs)
	r.Self, r.Up = router, up
	r.Has |= HasHash | HasUp
	return r
}

// AppendHop appends a tunnel in which the observer's router self is a hop,
// until expires, in seconds since the epoch. The caller sets Prev and Next with
// their bits where there are such.
func (t *Trace) AppendHop(timeMs int64, self Hash, role Role, tunnel uint32, expires int64) *Record {
	r := t.Append(KindHop, timeMs)
	r.Self, r.Role, r.Tunnel, r.Expires = self, role, tunnel, expires
	r.Has |= HasSelf | HasRole | HasTunnel | HasExpires
	return r
}

// AppendCopy appends a copy of r, of its leases and of its entries.
func (t *Trace) AppendCopy(r *Record) *Record {
	t.Records = append(t.Records, *r)
	c := &t.Records[len(t.Records)-1]
	c.Leases, c.Entries = t.hold(r.Leases...), t.holdEntries(r.Entries)
	return c
}

// Check returns nil if a reader would accept the trace as [Trace.Write] writes
// it, or else the first error, its line counted as in the file.
func (t *Trace) Check() error {
	if err := t.Header.Check(); err != nil {
		return err
	}
	last := int64(0)
	for i := range t.Records {
		r := &t.Records[i]
		err := r.Check()
		if err == nil && r.TimeMs < last {
			err = &Error{Field: "t", Problem: "runs backwards", Mend: "append the records in the order of t"}
		}
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Line = i + 2
			return e
		}
		last = r.TimeMs
	}
	return nil
}

// Write writes the trace to w, which the caller closes.
func (t *Trace) Write(w *Writer) error {
	if err := w.WriteHeader(&t.Header); err != nil {
		return err
	}
	for i := range t.Records {
		if err := w.Write(&t.Records[i]); err != nil {
			return err
		}
	}
	return nil
}

// Read replaces the trace by the one in r, and keeps its memory. At most
// [MaxRecords] records are read. After an error the trace is empty.
func (t *Trace) Read(r io.Reader, name string) error {
	t.Reset(Header{})
	in, err := NewReader(r, name)
	if err != nil {
		return err
	}
	t.Header = in.Header()
	var rec Record
	for {
		err := in.Next(&rec)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(t.Records) == MaxRecords {
			err = in.locate(&Error{Problem: "more than 4194304 records", Mend: "split the trace"})
		}
		if err != nil {
			t.Reset(Header{})
			return err
		}
		t.AppendCopy(&rec)
	}
}

// ReadAll reads a whole trace into memory.
func ReadAll(r io.Reader, name string) (*Trace, error) {
	t := new(Trace)
	if err := t.Read(r, name); err != nil {
		return nil, err
	}
	return t, nil
}
