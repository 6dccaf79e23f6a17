package i2cp

import (
	"slices"
	"testing"
	"testing/synctest"
)

// inboxRig is a session without a connection, whose queue holds limit messages.
func inboxRig(limit int, drop bool) *Session {
	l := newLink(nil, Limits{MaxQueue: limit}.withDefaults())
	return newSession(&Conn{link: l, dropWhenFull: drop}, 1, nil)
}

func numbered(n int) *MessageStatus { return &MessageStatus{Message: uint32(n)} }

// Messages that came before Messages or Handle was called are not lost, and all
// come in their order.
func TestInboxOrder(t *testing.T) {
	const n = 100
	for _, name := range []string{"Messages", "Handle"} {
		t.Run(name, func(t *testing.T) {
			s := inboxRig(8, false)
			for i := range 5 {
				s.put(numbered(i))
			}
			done := make(chan []uint32)
			var got []uint32
			take := func(m Message) bool {
				got = append(got, m.(*MessageStatus).Message)
				return len(got) == n
			}
			if name == "Handle" {
				s.Handle(func(m Message) {
					if take(m) {
						done <- got
					}
				})
			} else {
				go func() {
					for m := range s.Messages() {
						take(m)
					}
					done <- got
				}()
			}
			for i := 5; i < n; i++ {
				s.put(numbered(i)) // waits for room
			}
			s.end(ErrClosed)
			got = <-done
			if len(got) != n || !slices.IsSorted(got) {
				t.Errorf("%d messages, in order: %v", len(got), slices.IsSorted(got))
			}
		})
	}
}

// While the handler waits, its queue fills: payloads are then dropped, other
// messages wait, and the end of the session lets go of who waits.
func TestHandleFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inboxRig(8, true)
		release := make(chan struct{})
		var got []Message
		s.Handle(func(m Message) {
			<-release
			got = append(got, m)
		})
		s.put(numbered(0)) // the handler has this one
		synctest.Wait()
		for range 10 {
			s.put(&MessagePayload{})
		}
		if got := s.Dropped(); got != 4 {
			t.Errorf("%d payloads dropped, want 4: a quarter of the queue is for others", got)
		}
		s.put(numbered(1))
		s.put(numbered(2))
		returned := false
		go func() {
			s.put(numbered(3))
			returned = true
		}()
		synctest.Wait()
		if returned {
			t.Error("a message was taken for which there is no room")
		}
		release <- struct{}{}
		synctest.Wait()
		if !returned {
			t.Error("a message waits, though there is room")
		}
		ended := false
		go func() {
			s.put(numbered(4))
			ended = true
		}()
		synctest.Wait()
		s.end(ErrClosed)
		synctest.Wait()
		if !ended {
			t.Error("a message waits for a session that has ended")
		}
		close(release)
		synctest.Wait()
		if len(got) != 10 { // numbers 0 to 3, and 6 payloads
			t.Errorf("%d messages handled, want 10", len(got))
		}
	})
}
