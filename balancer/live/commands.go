package live

import "sync"

// commands are what waits to be carried out by a router, at most commandsMax. An
// empty queue takes no memory.
type commands struct {
	wake chan struct{} // capacity 1: something was added

	mu    sync.Mutex
	queue []command
	room  chan struct{} // closed when a command leaves; nil while nobody waits
}

func newCommands() commands { return commands{wake: make(chan struct{}, 1)} }

// add queues c; it returns false where there is no room.
func (q *commands) add(c command) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.addLocked(c)
}

func (q *commands) addLocked(c command) bool {
	if len(q.queue) >= commandsMax {
		return false
	}
	q.queue = append(q.queue, c)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// await queues c, and waits for room until done is closed.
func (q *commands) await(c command, done <-chan struct{}) {
	for {
		q.mu.Lock()
		if q.addLocked(c) {
			q.mu.Unlock()
			return
		}
		if q.room == nil {
			q.room = make(chan struct{})
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-done:
			return
		}
	}
}

// next takes the oldest command; ok is false where there is none.
func (q *commands) next() (c command, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		return command{}, false
	}
	c = q.queue[0]
	q.queue[0] = command{}
	q.queue = q.queue[1:]
	if len(q.queue) == 0 {
		q.queue = nil
	}
	q.roomLocked()
	return c, true
}

// drop forgets all commands.
func (q *commands) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = nil
	q.roomLocked()
}

func (q *commands) roomLocked() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}
