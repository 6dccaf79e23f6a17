package trace

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
)

// A Writer writes a trace, checks each record before it writes it and allocates
// nothing for a record. The same records give the same bytes: the gzip header
// holds no time and no name.
type Writer struct {
	out    *bufio.Writer
	zip    *gzip.Writer // nil without compression
	buf    []byte
	last   int64
	opened bool
	err    error
}

// Errors of use: each is a mistake in the calling program.
var (
	errNoHeader  = errors.New("trace: record before the header")
	errTwoHeader = errors.New("trace: second header")
)

// NewWriter returns a Writer on w; the caller closes w after [Writer.Close].
func NewWriter(w io.Writer, compress bool) *Writer {
	t := &Writer{}
	if compress {
		t.zip = gzip.NewWriter(w)
		w = t.zip
	}
	t.out = bufio.NewWriterSize(w, 1<<15)
	return t
}

// WriteHeader writes the first line. Call it once, before the first record.
func (t *Writer) WriteHeader(h *Header) error {
	if t.err != nil {
		return t.err
	}
	if t.opened {
		return errTwoHeader
	}
	if err := h.Check(); err != nil {
		return err
	}
	t.opened = true
	t.buf = AppendHeader(t.buf[:0], h)
	return t.write()
}

// Write writes a record. A record that a reader would refuse is refused here
// with the same error, and leaves the trace as it was.
func (t *Writer) Write(r *Record) error {
	if t.err != nil {
		return t.err
	}
	if !t.opened {
		return errNoHeader
	}
	if err := r.Check(); err != nil {
		return err
	}
	if r.TimeMs < t.last {
		return &Error{Field: "t", Problem: "runs backwards", Mend: "write the records in the order of t"}
	}
	t.last = r.TimeMs
	t.buf = AppendRecord(t.buf[:0], r)
	return t.write()
}

func (t *Writer) write() error {
	_, t.err = t.out.Write(t.buf)
	return t.err
}

// Flush hands everything written so far to the underlying writer, so that a
// reader can follow a live trace. It costs compression.
func (t *Writer) Flush() error {
	if t.err == nil {
		t.err = t.out.Flush()
	}
	if t.err == nil && t.zip != nil {
		t.err = t.zip.Flush()
	}
	return t.err
}

// Close writes what is left, the end of the gzip stream included.
func (t *Writer) Close() error {
	if t.err == nil {
		t.err = t.out.Flush()
	}
	if t.zip != nil {
		if err := t.zip.Close(); t.err == nil {
			t.err = err
		}
	}
	return t.err
}
