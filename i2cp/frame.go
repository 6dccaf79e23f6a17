package i2cp

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// ProtocolByte is the first byte that a client sends.
const ProtocolByte = 0x2a

const (
	headerLen = 5

	// DefaultMaxFrame is the largest body that is read or written unless
	// configured otherwise: the specification says "about 64 KB", i2pd holds
	// header and body to 65,535 bytes, Java takes 128 KiB.
	DefaultMaxFrame = 0xffff - headerLen

	// MaxFrame is the largest limit that can be configured.
	MaxFrame = 1 << 20
)

// AppendFrame appends m with its header: 4 bytes of body length and the type
// (i2cp.md, I2CP message header). A body of more than limit bytes is an error.
func AppendFrame(b []byte, m Message, limit int) ([]byte, error) {
	base := len(b)
	b = append(b, 0, 0, 0, 0, byte(m.Type()))
	out, err := m.Append(b)
	if err != nil {
		return b[:base], err
	}
	n := len(out) - base - headerLen
	if n > limit {
		return out[:base], &ParseError{Type: m.Type(), Field: "body", Offset: limit, Err: ErrTooLong}
	}
	binary.BigEndian.PutUint32(out[base:], uint32(n))
	return out, nil
}

// A Reader cuts frames out of a stream. It reads as much as there is at once, so
// that many small frames cost one read, and holds one buffer, which grows with
// bytes that have arrived, not with lengths that were declared.
type Reader struct {
	r     io.Reader
	limit int

	// A connection's deadlines, none if conn is nil. A frame that has begun has
	// to be whole within stall; between frames, the peer may be silent for idle
	// (0: for ever).
	conn        net.Conn
	stall, idle time.Duration
	armed       bool // a deadline is set
	late        error

	buf        []byte
	start, end int  // unread bytes of buf
	full       bool // the last read filled buf: there may be more
	small      int  // reads in a row that would have fitted into readerFirst
}

// The buffer begins small, for connections that say little, and doubles up to
// readerSize while reads fill it, so that a busy one takes many frames at once;
// beyond that it grows with the frames that arrive. After readerQuiet small reads in
// a row it is small again.
const (
	readerFirst = 512
	readerSize  = 64 << 10
	readerQuiet = 32
)

// NewReader returns a Reader of bodies of at most limit bytes.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{r: r, limit: limit}
}

// Next returns the type and the body of the next frame. The body is good until
// the next call. At the end of the stream between frames the error is io.EOF,
// and inside a frame io.ErrUnexpectedEOF.
func (r *Reader) Next() (Type, []byte, error) {
	if err := r.fill(headerLen); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(r.buf[r.start:])
	t := Type(r.buf[r.start+4])
	if int64(n) > int64(r.limit) {
		return t, nil, &ParseError{Type: t, Field: "length", Err: ErrTooLong}
	}
	whole := headerLen + int(n)
	if err := r.fill(whole); err != nil {
		return t, nil, err
	}
	body := r.buf[r.start+headerLen : r.start+whole : r.start+whole]
	r.start += whole
	r.late = nil // the next frame has its own time
	return t, body, nil
}

// first returns the byte that a connection begins with.
func (r *Reader) first() (byte, error) {
	if err := r.fill(1); err != nil {
		return 0, err
	}
	r.start++
	r.late = nil
	return r.buf[r.start-1], nil
}

// fill reads until n bytes are there.
func (r *Reader) fill(n int) error {
	for r.end-r.start < n {
		if r.start > 0 && (r.start == r.end || len(r.buf)-r.start < n) {
			r.end = copy(r.buf, r.buf[r.start:r.end])
			r.start = 0
		}
		if r.small >= readerQuiet && r.end == 0 && n <= readerFirst && len(r.buf) > readerFirst {
			r.buf = make([]byte, readerFirst)
		}
		if r.end == len(r.buf) || r.full && r.end == 0 && len(r.buf) < readerSize {
			// Double, and no more: a peer that declares much and sends little
			// costs little.
			size := 2 * len(r.buf)
			if size > readerSize {
				size = min(size, max(readerSize, headerLen+r.limit))
			}
			grown := make([]byte, max(readerFirst, size))
			copy(grown, r.buf[:r.end])
			r.buf = grown
		}
		r.arm()
		got, err := r.r.Read(r.buf[r.end:])
		r.end += got
		r.full = r.end == len(r.buf)
		if r.small++; got > readerFirst/2 || r.end > readerFirst {
			r.small = 0
		}
		if got == 0 && err != nil {
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded) && r.late != nil:
				return r.late
			case errors.Is(err, io.EOF) && r.end > r.start:
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// arm sets the deadline of the next read: stall from when a frame began, idle
// between frames. Where that fails, the read will say why.
func (r *Reader) arm() {
	switch {
	case r.conn == nil:
	case r.end > r.start: // inside a frame
		if r.late != ErrStalled { //nolint:errorlint // our own; else its time is running
			r.late, r.armed = ErrStalled, true
			_ = r.conn.SetReadDeadline(time.Now().Add(r.stall))
		}
	case r.idle > 0:
		r.late, r.armed = ErrIdle, true
		_ = r.conn.SetReadDeadline(time.Now().Add(r.idle))
	case r.armed:
		r.armed = false
		_ = r.conn.SetReadDeadline(time.Time{})
	}
}
