package live

import (
	"math"
	"testing"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// What the wire tells of a floodfill is the same on its way to the next router, older by
// what has passed; what cannot be stays in range.
func TestNotes(t *testing.T) {
	n := newNames()
	m := i2cp.FloodfillNote{
		Floodfill: wire.Hash{1}, Acks: 3, Response: 1500, StoreOK: 20_000, StoreFailed: i2cp.Never, AskOK: 0, AskFailed: 70_000,
	}
	const now = 10 * balancer.Second // what happened before the time line began is older
	note := n.note(&m, now)
	want := m
	want.StoreOK, want.AskOK, want.AskFailed = 25_000, 5_000, 75_000
	if got := n.wireNote(&note, now+5*balancer.Second); got != want {
		t.Errorf("5 s later %+v, want %+v", got, want)
	}
	wild := n.note(&i2cp.FloodfillNote{Acks: math.MaxUint32, Response: math.MaxUint32, StoreOK: i2cp.Never - 1}, now)
	if got := n.wireNote(&wild, now); got.Acks == 0 || wild.Took <= 0 || got.StoreOK != i2cp.Never-1 {
		t.Errorf("a wild note: %+v, %+v", wild, got)
	}
}
