package balancer

import (
	"testing"

	"pgregory.net/rapid"
)

// The table against a plain map with reference counts.
func TestPeerTable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var table peerTable
		want := map[PeerID]int{}
		held := map[PeerID]int32{}
		for range rapid.IntRange(1, 400).Draw(rt, "steps") {
			id := PeerID(rapid.IntRange(0, 60).Draw(rt, "id")) * 64 // collide
			if rapid.Bool().Draw(rt, "acquire") || want[id] == 0 {
				held[id] = table.acquire(&Peer{ID: id, Version: uint32(id)}, None)
				want[id]++
			} else {
				table.release(held[id])
				want[id]--
			}
			for id, n := range want {
				s := table.find(id)
				if (s != None) != (n > 0) {
					rt.Fatalf("find(%d) = %d with %d references", id, s, n)
				}
				if n > 0 && (s != held[id] || table.peers[s].ID != id) {
					rt.Fatalf("find(%d) = %d, want %d", id, s, held[id])
				}
			}
		}
	})
}
