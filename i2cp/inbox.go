package i2cp

import "sync"

// An inbox is what a session has got from the router and nobody has taken yet: at
// most MaxQueue messages. Until it is known how they are taken, and with Handle,
// they wait in a queue that costs nothing while it is empty; with Messages, in a
// channel.
type inbox struct {
	deliver sync.Mutex // held to send on in, and to close it

	mu      sync.Mutex
	queue   []Message // from first on
	first   int
	room    chan struct{} // closed when a message leaves the queue; nil while nobody waits
	in      chan Message  // nil before Messages
	handle  func(Message) // nil before Handle
	pumping bool          // a goroutine takes from the queue
	closed  bool
}

// queueKept is how much memory an empty queue keeps, in messages.
const queueKept = 4

// Messages returns the router's messages to the session, in their order:
// RequestVariableLeaseSet, MessagePayload, MessageStatus and all of the
// extension's but the answers to Capabilities, OpenSession and Attach. Each is
// the receiver's own, but small messages share memory: who keeps one for long
// copies it. The channel is closed when the session has ended.
func (s *Session) Messages() <-chan Message {
	b := &s.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.in == nil {
		b.in = make(chan Message, s.conn.link.limits.MaxQueue)
		for _, m := range b.queue[b.first:] {
			b.in <- m // no more than MaxQueue
		}
		b.queue, b.first = nil, 0
		b.roomLocked()
		if b.closed {
			close(b.in)
		}
	}
	return b.in
}

// Handle has f called with each of the messages that Messages would return, in
// their order and one at a time. It is called once, instead of Messages, and is the
// cheaper way for many sessions: a goroutine is there only while there are messages.
// f may wait; what comes meanwhile is queued. After the session's end f is called
// with what came before.
func (s *Session) Handle(f func(Message)) {
	b := &s.inbox
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handle = f
	b.pumpLocked()
}

func (b *inbox) pumpLocked() {
	if b.handle != nil && !b.pumping && b.first < len(b.queue) {
		b.pumping = true
		go b.pump()
	}
}

// pump hands over messages until none is left.
func (b *inbox) pump() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.first < len(b.queue) {
		m := b.queue[b.first]
		b.queue[b.first] = nil
		b.first++
		b.roomLocked()
		b.mu.Unlock()
		b.handle(m)
		b.mu.Lock()
	}
	b.queue, b.first, b.pumping = b.queue[:0], 0, false
	if cap(b.queue) > queueKept {
		b.queue = nil
	}
}

// roomLocked tells whoever waits for room in the queue.
func (b *inbox) roomLocked() {
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
}

// close ends the channel, if there is one.
func (b *inbox) close() {
	b.deliver.Lock()
	defer b.deliver.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.in != nil {
		close(b.in)
	}
}

// put hands m to whoever takes the session's messages, and waits for room.
func (s *Session) put(m Message) {
	b := &s.inbox
	limit := s.conn.link.limits.MaxQueue
	for {
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return
		}
		if b.in != nil {
			b.mu.Unlock()
			s.send(m)
			return
		}
		n := len(b.queue) - b.first
		if s.drops(m, n, limit) {
			b.mu.Unlock()
			s.dropped.Add(1)
			return
		}
		if n < limit {
			if b.first > 0 && len(b.queue) == cap(b.queue) {
				b.queue = append(b.queue[:0], b.queue[b.first:]...)
				b.first = 0
			}
			b.queue = append(b.queue, m)
			b.pumpLocked()
			b.mu.Unlock()
			return
		}
		if b.room == nil {
			b.room = make(chan struct{})
		}
		room := b.room
		b.mu.Unlock()
		select {
		case <-room:
		case <-s.done:
			return
		case <-s.conn.link.done:
			return
		}
	}
}

// send hands m to the channel, and waits for room.
func (s *Session) send(m Message) {
	in := s.inbox.in
	s.inbox.deliver.Lock()
	defer s.inbox.deliver.Unlock()
	select {
	case <-s.done:
		return
	default:
	}
	if s.drops(m, len(in), cap(in)) {
		s.dropped.Add(1)
		return
	}
	select {
	case in <- m:
	case <-s.done:
	case <-s.conn.link.done:
	}
}

// drops tells whether m is given up rather than waited with, where n messages of at
// most limit are waiting.
func (s *Session) drops(m Message, n, limit int) bool {
	return s.conn.dropWhenFull && isPacket(m) && n >= limit-limit/4
}
