package trace

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"strings"
)

// MaxRecords is the largest number of records that [ReadAll] keeps in memory:
// about two gigabytes. A [Reader] has no such limit.
const MaxRecords = 4 << 20

// A Reader reads a trace record by record. It holds one line in memory, however
// large the trace is or claims to be.
type Reader struct {
	name   string
	in     *bufio.Reader
	parser parser
	header Header
	line   int
	last   int64
	err    error
}

// NewReader reads the header of the trace in r, which it decompresses if it
// begins like gzip. The name stands in errors; if it ends in ".gz", the content
// must be gzip.
func NewReader(r io.Reader, name string) (*Reader, error) {
	// ReadSlice fails when the buffer is full, so its size is the limit of a line.
	in := bufio.NewReaderSize(r, MaxLine)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Problem: "cannot read", Err: err, Mend: "check the file"}
	}
	compressed := len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b
	if !compressed && strings.HasSuffix(name, ".gz") {
		return nil, &Error{File: name, Problem: "not gzip in spite of its name", Mend: "remove .gz from the name, or compress the file"}
	}
	if compressed {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, &Error{File: name, Problem: "broken gzip", Err: err, Mend: "copy the file again"}
		}
		in = bufio.NewReaderSize(z, MaxLine)
	}
	t := &Reader{name: name, in: in}
	line, err := t.readLine()
	if errors.Is(err, io.EOF) {
		return nil, &Error{File: name, Line: 1, Problem: "empty file", Mend: "a trace begins with its header line"}
	}
	if err != nil {
		return nil, err
	}
	h, perr := t.parser.header(line)
	if perr != nil {
		return nil, t.locate(perr)
	}
	t.header = h
	return t, nil
}

// Header returns the trace's header.
func (t *Reader) Header() Header { return t.header }

// Next reads the next record into r, whose leases are valid until r is used for
// the next one. It returns io.EOF after the last record, and otherwise an
// [*Error]; after an error every further call returns the same error.
func (t *Reader) Next(r *Record) error {
	if t.err != nil {
		return t.err
	}
	line, err := t.readLine()
	if err != nil {
		t.err = err
		return err
	}
	if perr := t.parser.record(line, r); perr != nil {
		t.err = t.locate(perr)
		return t.err
	}
	if r.TimeMs < t.last {
		t.err = t.locate(&Error{
			Column: t.parser.at[0] + 1, Field: "t", Problem: "runs backwards",
			Mend: "sort the records by t",
		})
		return t.err
	}
	t.last = r.TimeMs
	return nil
}

// readLine returns the next line without its newline, io.EOF after the last one.
func (t *Reader) readLine() ([]byte, error) {
	t.line++
	line, err := t.in.ReadSlice('\n')
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case err == io.EOF && len(line) == 0:
		return nil, io.EOF
	case err == io.EOF:
		return nil, t.locate(&Error{
			Column: len(line) + 1, Problem: "the last line has no newline: the file is cut off",
			Mend: "remove the line, or copy the file again",
		})
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, t.locate(&Error{
			Column: MaxLine, Problem: "line longer than 65536 bytes",
			Mend: "write one record to a line, with at most 400 leases",
		})
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, t.locate(&Error{Problem: "compressed file is cut off", Err: err, Mend: "copy the file again, or wait until its writer has closed it"})
	}
	return nil, t.locate(&Error{Problem: "cannot read", Err: err, Mend: "copy the file again"})
}

func (t *Reader) locate(e *Error) *Error {
	e.File, e.Line = t.name, t.line
	return e
}
