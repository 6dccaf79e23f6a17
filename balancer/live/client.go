package live

import (
	"sync"
	"sync/atomic"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp/wire"
)

// A client is a Destination that has written to ours.
type client struct {
	id      balancer.ClientID
	hash    wire.Hash
	dest    []byte
	carrier atomic.Int32 // the router that what goes to it goes through
	arrival atomic.Int32 // the router that the core was told of last
	heard   atomic.Int64 // ms since the epoch
	told    atomic.Int64 // when the core was told last, ms since the epoch
}

const (
	// clientIdle is how long a client is remembered that is not heard of. A
	// ratchet session is kept for 10 minutes at the most (i2pd; Java: 8).
	clientIdle = 10 * time.Minute
	// clientAgain is how often the core hears of a client that stays.
	clientAgain = 10 * time.Second
	// clientsMax bounds the table; what comes from further clients is answered
	// through the router that it came through, and not followed.
	clientsMax = balancer.MaxClients
)

// clients are those of a Destination. Any goroutine may use it.
type clients struct {
	mu     sync.RWMutex
	byHash map[wire.Hash]*client
	byID   []*client
	free   []balancer.ClientID
}

func newClients() *clients { return &clients{byHash: make(map[wire.Hash]*client)} }

// get returns the entry of a client, a new one if need be; the new one's id is
// None where the table is full.
func (t *clients) get(d wire.Destination, router balancer.RouterID) *client {
	h := d.Hash()
	t.mu.RLock()
	c := t.byHash[h]
	t.mu.RUnlock()
	if c != nil {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.byHash[h]; c != nil {
		return c
	}
	c = &client{id: balancer.None, hash: h, dest: d.Clone().Bytes()}
	c.carrier.Store(int32(router))
	c.arrival.Store(balancer.None)
	switch n := len(t.free); {
	case n > 0:
		c.id = t.free[n-1]
		t.free = t.free[:n-1]
		t.byID[c.id] = c
	case len(t.byID) < clientsMax:
		c.id = balancer.ClientID(len(t.byID))
		t.byID = append(t.byID, c)
	default:
		return c
	}
	t.byHash[h] = c
	return c
}

// byNumber returns the client of an action, nil if it is gone.
func (t *clients) byNumber(id balancer.ClientID) *client {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if id < 0 || int(id) >= len(t.byID) {
		return nil
	}
	return t.byID[id]
}

// idle removes the clients that were not heard of since, and returns them.
func (t *clients) idle(since time.Time) (gone []*client) {
	limit := since.UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, c := range t.byID {
		if c != nil && c.heard.Load() < limit {
			gone = append(gone, c)
			delete(t.byHash, c.hash)
			t.byID[id] = nil
			t.free = append(t.free, c.id)
		}
	}
	return gone
}

func (t *clients) count() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byHash)
}
