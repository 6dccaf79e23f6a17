package i2cp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are the bounds of one connection. The zero value of each field stands
// for its default.
type Limits struct {
	// MaxFrame is the largest message body, in bytes, either way
	// (DefaultMaxFrame; at most MaxFrame).
	MaxFrame int
	// MaxPending is how many bytes may wait to be written; senders wait beyond
	// it (256 KiB). The next write may hold as much again.
	MaxPending int
	// MaxQueue is how many messages of a session may wait to be taken by the
	// client; beyond it, nothing more is read from the connection (256).
	MaxQueue int
	// MaxRequests is how many requests of one session, or lookups of one
	// connection, may be unanswered (1024).
	MaxRequests int
	// HandshakeTimeout bounds the time from connecting to SetDate (10 s).
	HandshakeTimeout time.Duration
	// FrameTimeout bounds the time from a frame's first byte to its last
	// (30 s).
	FrameTimeout time.Duration
	// WriteTimeout bounds one write (30 s). Its end means that the peer does
	// not read.
	WriteTimeout time.Duration
	// IdleTimeout bounds the peer's silence between frames; 0, the default,
	// does not: I2CP has no keep-alive. Heartbeats of the extension do better.
	IdleTimeout time.Duration
	// CloseTimeout bounds the writing of a last Disconnect, and the wait for
	// the peer to close (1 s).
	CloseTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	dur := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.MaxFrame, DefaultMaxFrame)
	l.MaxFrame = min(l.MaxFrame, MaxFrame)
	def(&l.MaxPending, 256<<10)
	def(&l.MaxQueue, 256)
	def(&l.MaxRequests, 1024)
	dur(&l.HandshakeTimeout, 10*time.Second)
	dur(&l.FrameTimeout, 30*time.Second)
	dur(&l.WriteTimeout, 30*time.Second)
	dur(&l.CloseTimeout, time.Second)
	return l
}

// A link is what both ends of a connection have in common: one loop that reads,
// one that writes, and one end. Senders append whole frames to what waits to be
// written; the writer takes all of it at once, so that many small messages cost
// one system call. The writer's goroutine and buffers are there only while there is
// something to write: of thousands of connections, most are silent.
type link struct {
	nc     net.Conn
	limits Limits
	in     *Reader
	router bool // the peer begins with the protocol byte

	mu      sync.Mutex
	pending []byte        // whole frames
	drained chan struct{} // closed when the writer takes pending; nil while nobody waits
	err     *ConnError    // why it ended, nil until then
	last    bool          // pending ends with the last frame
	started bool
	writing bool // the writer's goroutine is there

	done     chan struct{} // closed when err is set
	readDone chan struct{} // closed when the reading loop has returned
	wg       sync.WaitGroup
}

func newLink(nc net.Conn, limits Limits) *link {
	l := &link{
		nc: nc, limits: limits, in: NewReader(nc, limits.MaxFrame),
		done: make(chan struct{}), readDone: make(chan struct{}),
	}
	l.in.conn, l.in.stall, l.in.idle = nc, limits.FrameTimeout, limits.IdleTimeout
	return l
}

// start runs the two loops. dispatch handles each frame on the reading loop;
// ended runs there after the last one.
func (l *link) start(dispatch func(Type, []byte) error, ended func()) {
	l.wg.Add(1)
	l.mu.Lock()
	l.started = true
	l.writeLocked() // it may have failed already
	l.mu.Unlock()
	go func() {
		defer l.wg.Done()
		defer close(l.readDone)
		l.readLoop(dispatch)
		ended()
		l.drain()
	}()
}

// ended returns the error of a link that has ended, else nil.
func (l *link) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return nil
	}
	return l.err
}

// anySession stands for messages that need not be of a session.
const anySession = -1

// send appends m to what waits to be written, and waits for room first.
func (l *link) send(ctx context.Context, m Message) error {
	return l.queue(ctx, m, anySession, nil)
}

// sendMarked sets sent when m is on its way, before an answer can come.
func (l *link) sendMarked(ctx context.Context, m Message, sent *atomic.Bool) error {
	return l.queue(ctx, m, anySession, sent)
}

// sendIn sends m, which must begin with the session's id.
func (l *link) sendIn(ctx context.Context, session uint16, m Message) error {
	return l.queue(ctx, m, int(session), nil)
}

func (l *link) queue(ctx context.Context, m Message, session int, sent *atomic.Bool) error {
	for {
		l.mu.Lock()
		if l.err != nil {
			l.mu.Unlock()
			return l.err
		}
		if len(l.pending) < l.limits.MaxPending {
			return l.appendLocked(m, session, sent)
		}
		if l.drained == nil {
			l.drained = make(chan struct{})
		}
		drained := l.drained
		l.mu.Unlock()
		select {
		case <-drained:
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// trySend appends m, or returns ErrTooMany where there is no room.
func (l *link) trySend(m Message) error {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return l.err
	}
	if len(l.pending) >= l.limits.MaxPending {
		l.mu.Unlock()
		return ErrTooMany
	}
	return l.appendLocked(m, anySession, nil)
}

// appendLocked appends m's frame and unlocks.
func (l *link) appendLocked(m Message, session int, sent *atomic.Bool) error {
	if l.pending == nil {
		l.pending = takeBuffer()
	}
	base := len(l.pending)
	var err error
	l.pending, err = AppendFrame(l.pending, m, l.limits.MaxFrame)
	if err == nil && session != anySession {
		if id := sessionOf(l.pending[base+headerLen:]); int(id) != session && (id != NoSession || m.Type() != TypeHeartbeat) {
			l.pending = l.pending[:base]
			err = &ParseError{Type: m.Type(), Field: "session", Err: ErrSession}
		}
	}
	if err == nil && sent != nil {
		sent.Store(true)
	}
	l.writeLocked()
	l.mu.Unlock()
	return err
}

// writeLocked has what is pending written. The reading loop outlives the last
// call: until it ends, wg may grow.
func (l *link) writeLocked() {
	if !l.started || l.writing || len(l.pending) == 0 && !l.last {
		return
	}
	l.writing = true
	l.wg.Add(1)
	go l.writeLoop()
}

// buffers are those of writers, between whom they are shared.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// bufferMax is the largest buffer, in bytes, that is kept for others.
const bufferMax = 64 << 10

func takeBuffer() []byte { return (*buffers.Get().(*[]byte))[:0] }

func giveBuffer(b []byte) {
	if cap(b) > 0 && cap(b) <= bufferMax {
		buffers.Put(&b)
	}
}

// fail ends the link, once. A fault found here is told to the peer in a
// Disconnect, as far as it reads.
func (l *link) fail(e *ConnError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = e
	if e.Origin == OriginLocal {
		l.pending, e.Reason = e.disconnect(l.pending, l.limits)
		_ = l.nc.SetWriteDeadline(time.Now().Add(l.limits.CloseTimeout))
	} else {
		l.pending = nil
	}
	l.last = true
	l.writeLocked()
	close(l.done)
}

// disconnect appends the Disconnect that tells e, with the reason that e has or the
// error's words, and returns that reason too.
func (e *ConnError) disconnect(b []byte, limits Limits) (frame []byte, reason string) {
	reason = e.Reason
	if reason == "" && e.Err != nil {
		reason = e.Err.Error()
	}
	reason = reason[:min(len(reason), 255)]
	frame, _ = AppendFrame(b, &Disconnect{Reason: reason}, limits.MaxFrame)
	return frame, reason
}

// writeLoop writes until nothing is pending.
func (l *link) writeLoop() {
	defer l.wg.Done()
	var buf []byte
	for {
		l.mu.Lock()
		if len(l.pending) == 0 && !l.last {
			l.writing = false
			giveBuffer(buf)
			giveBuffer(l.pending)
			l.pending = nil
			l.mu.Unlock()
			return
		}
		buf, l.pending = l.pending, buf[:0]
		last := l.last
		if l.drained != nil {
			close(l.drained)
			l.drained = nil
		}
		timeout := l.limits.WriteTimeout
		if last {
			timeout = l.limits.CloseTimeout
		}
		err := error(nil)
		if len(buf) > 0 {
			err = l.nc.SetWriteDeadline(time.Now().Add(timeout))
		}
		l.mu.Unlock()
		if len(buf) > 0 && err == nil {
			_, err = l.nc.Write(buf)
		}
		if cap(buf) > 2*(l.limits.MaxPending+l.limits.MaxFrame) {
			buf = nil
		}
		if err != nil && !last {
			e := &ConnError{Origin: OriginNetwork, Err: err}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				// Part of a frame may be out: nothing can follow it, not even
				// a Disconnect.
				e = &ConnError{Origin: OriginNetwork, Err: ErrNotReading}
			}
			l.fail(e)
			// Where fail came second, the link ends all the same.
			_ = l.nc.Close()
			return
		}
		if last {
			l.closeAfterLast(err)
			return
		}
	}
}

// closeAfterLast closes the connection so that what was written arrives: a
// close with unread bytes would throw it away at the peer.
func (l *link) closeAfterLast(err error) {
	l.mu.Lock()
	local := l.err.Origin == OriginLocal
	l.mu.Unlock()
	half, ok := l.nc.(interface{ CloseWrite() error })
	if err == nil && local && ok && half.CloseWrite() == nil {
		timer := time.NewTimer(l.limits.CloseTimeout)
		defer timer.Stop()
		select {
		case <-l.readDone:
		case <-timer.C:
		}
	}
	_ = l.nc.Close()
}

func (l *link) readLoop(dispatch func(Type, []byte) error) {
	if l.router {
		b, err := l.in.first()
		if err == nil && b != ProtocolByte {
			err = ErrProtocolByte
		}
		if err != nil {
			l.fail(l.connError(0, err))
			return
		}
	}
	for {
		t, body, err := l.in.Next()
		select {
		case <-l.done:
			return
		default:
		}
		if err != nil {
			l.fail(l.connError(t, err))
			return
		}
		if err := dispatch(t, body); err != nil {
			var ce *ConnError
			if !errors.As(err, &ce) {
				ce = &ConnError{Origin: OriginLocal, Type: t, Err: err}
			}
			l.fail(ce)
			return
		}
	}
}

// connError tells what an error of reading means.
func (l *link) connError(t Type, err error) *ConnError {
	var ce *ConnError
	var pe *ParseError
	switch {
	case errors.As(err, &ce):
		return ce
	case errors.As(err, &pe), isOurs(err):
		return &ConnError{Origin: OriginLocal, Type: t, Err: err}
	case errors.Is(err, io.EOF):
		return &ConnError{Origin: OriginPeer, Err: io.EOF}
	}
	return &ConnError{Origin: OriginNetwork, Type: t, Err: err}
}

func isOurs(err error) bool {
	for _, ours := range []error{
		ErrStalled, ErrIdle, ErrProtocolByte,
	} {
		if errors.Is(err, ours) {
			return true
		}
	}
	return false
}

// drain reads to the end of a connection that has ended, for closeAfterLast.
func (l *link) drain() {
	_ = l.nc.SetReadDeadline(time.Now().Add(l.limits.CloseTimeout))
	var scratch [512]byte
	for {
		if _, err := l.nc.Read(scratch[:]); err != nil {
			return
		}
	}
}

// A slab copies message bodies that outlive the reader's buffer into larger
// blocks: one allocation for many small messages.
type slab struct{ free []byte }

// slabFirst is the least block, in bytes.
const slabFirst = 1 << 10

// copy copies b. Blocks are as large as the reader's buffer, of room bytes: that
// grows while a connection is busy, and shrinks when it is so no longer.
func (s *slab) copy(b []byte, room int) []byte {
	size := max(slabFirst, min(room, readerSize))
	if len(b) > size/4 {
		return append([]byte(nil), b...)
	}
	if len(b) > len(s.free) || len(s.free) > size {
		s.free = make([]byte, size)
	}
	n := copy(s.free, b)
	out := s.free[:n:n]
	s.free = s.free[n:]
	return out
}
