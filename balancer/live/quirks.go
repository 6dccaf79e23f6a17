package live

import "sync"

// quirks remembers what was found out about routers, by their addresses.
type quirks struct {
	mu      sync.Mutex
	publish map[string]bool // publishes where told not to
}

func newQuirks() *quirks { return &quirks{publish: make(map[string]bool)} }

// inverted tells whether a router publishes where it is told not to.
func (q *quirks) inverted(address string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.publish[address]
}
