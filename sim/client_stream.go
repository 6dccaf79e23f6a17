package sim

import "math/bits"

// Streams: messages with a window, sent again until they are answered. A client has
// one at a time, open for Clients.StreamLength, and opens the next with the next
// message. Packets, acks and windows that grow are not modelled: a message is one
// packet and its answer is its ack.

// clientStream is a client's current one.
type clientStream struct {
	open, sent bool // sent: in this stream, so that its session is settled
	serial     int32
	opened     Time
	base       int32  // first message that is not answered; numbers go on from stream to stream
	next       int32  // number of the next message
	done       uint64 // bit k: message base+k is answered
	queued     int32  // messages beyond the window
	resends    int32  // on end without an answer
	timer      int32
	rtt, dev   Time // 0 before the first answer
	rto        Time
}

// streamWrites gives the stream of client i a message.
func (w *World) streamWrites(i int32) {
	c := &w.clients.list[i]
	s := &c.flow
	if !s.open {
		*s = clientStream{open: true, serial: s.serial + 1, opened: w.now, base: s.next, next: s.next, timer: s.timer, rto: streamFirstRTO}
		if !c.java {
			c.path = false
		}
		w.pushGen(w.now+w.cfg.Clients.StreamLength, evClientClose, c.gen, i, s.serial)
	}
	if s.next-s.base >= streamWindow {
		s.queued++
		return
	}
	w.streamSends(i)
}

func (w *World) streamSends(i int32) {
	c := &w.clients.list[i]
	s := &c.flow
	seq := s.next
	s.next++
	if seq == s.base {
		w.armResend(i)
	}
	w.transmit(i, seq)
}

// armResend sets the timer anew.
func (w *World) armResend(i int32) {
	c := &w.clients.list[i]
	c.flow.timer++
	w.pushGen(w.now+c.flow.rto, evClientResend, c.gen, i, c.flow.timer)
}

// resendDue sends the oldest message again, or gives the stream up.
func (w *World) resendDue(i int32) {
	c := &w.clients.list[i]
	s := &c.flow
	if !s.open || s.base == s.next {
		return
	}
	s.resends++
	if c.java {
		if s.resends >= javaMaxSends {
			w.closeStream(i, false)
			return
		}
		s.rto = min(2*s.rto, javaMaxRTO)
	} else {
		if s.resends > i2pdMaxResends {
			w.closeStream(i, false)
			return
		}
		s.rto = streamFirstRTO
		if s.resends%2 == 0 {
			w.i2pdAnother(i, false)
		}
	}
	w.armResend(i)
	w.transmit(i, s.base)
}

// resendOpen sends again what is not answered.
func (w *World) resendOpen(i int32) {
	c := &w.clients.list[i]
	s := &c.flow
	for k := int32(0); s.open && k < s.next-s.base; k++ {
		if s.done>>k&1 == 0 {
			w.transmit(i, s.base+k)
		}
	}
}

// streamAnswered takes the answer to message seq, sent at the given time and
// answered at another.
func (w *World) streamAnswered(i, seq int32, sent, at Time) {
	c := &w.clients.list[i]
	s := &c.flow
	k := seq - s.base
	if !s.open || k < 0 || seq >= s.next || s.done>>k&1 == 1 {
		return
	}
	s.done |= 1 << k
	if w.now > w.observed {
		t := &w.out.Truth.Clients
		t.Sent++
		t.Delivered++
		t.Answered++
	}
	again := s.resends > 0
	if !again {
		s.measure(at - sent)
	}
	s.resends = 0
	n := bits.TrailingZeros64(^s.done)
	s.done >>= n
	s.base += int32(n)
	s.rto = s.timeout()
	s.timer++
	if s.base < s.next {
		w.armResend(i)
		if again {
			w.resendOpen(i)
		}
	}
	for s.queued > 0 && s.next-s.base < streamWindow {
		s.queued--
		w.streamSends(i)
	}
}

// measure takes a round trip into the mean (RFC 6298).
func (s *clientStream) measure(rtt Time) {
	if s.rtt == 0 {
		s.rtt, s.dev = rtt, rtt/2
		return
	}
	s.dev += (max(rtt-s.rtt, s.rtt-rtt) - s.dev) / 4
	s.rtt += (rtt - s.rtt) / 8
}

func (s *clientStream) timeout() Time {
	if s.rtt == 0 {
		return streamFirstRTO
	}
	return min(max(s.rtt+4*s.dev, streamMinRTO), javaMaxRTO)
}

// closeStream ends the stream of client i, whose time is over, or which has died.
func (w *World) closeStream(i int32, alive bool) {
	c := &w.clients.list[i]
	s := &c.flow
	s.open, s.sent = false, false
	s.timer++
	if s.opened > w.observed && s.opened+w.cfg.Clients.StreamLength < w.end {
		w.out.Truth.Clients.Streams++
		if alive {
			w.out.Truth.Clients.Survived++
		}
	}
	if !alive && w.now > w.observed {
		w.out.Truth.Clients.Sent += int64(s.next-s.base) - int64(bits.OnesCount64(s.done)) + int64(s.queued)
	}
	s.serial++
	s.base, s.done, s.queued = s.next, 0, 0
	if !alive {
		w.leaveSub(c)
	}
}
