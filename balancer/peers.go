package balancer

// peerTable holds every peer that some router's list names, once. Lists refer
// to it by slot; a slot lives as long as a list refers to it.
type peerTable struct {
	peers []Peer
	refs  []int32
	free  []int32
	// index is open addressing from PeerID to slot+1, a power of two in size
	// and at most half full, so that peers coming and going allocate nothing.
	index []int32
	used  int
}

func (t *peerTable) reset() {
	t.peers = t.peers[:0]
	t.refs = t.refs[:0]
	t.free = t.free[:0]
	clear(t.index)
	t.used = 0
}

func peerSlotHash(id PeerID) uint32 {
	h := uint32(id) * 0x9e3779b1
	return h ^ h>>15
}

func (t *peerTable) find(id PeerID) int32 {
	if len(t.index) == 0 {
		return None
	}
	mask := uint32(len(t.index) - 1)
	for i := peerSlotHash(id) & mask; t.index[i] != 0; i = (i + 1) & mask {
		if s := t.index[i] - 1; t.peers[s].ID == id {
			return s
		}
	}
	return None
}

// acquire returns the slot of p, refreshed with p's properties, and counts one
// more reference to it. hint is a slot in use that may be p's, or None.
func (t *peerTable) acquire(p *Peer, hint int32) int32 {
	if hint == None || t.peers[hint].ID != p.ID {
		hint = t.find(p.ID)
	}
	if s := hint; s != None {
		t.peers[s] = *p
		t.refs[s]++
		return s
	}
	if 2*(t.used+1) > len(t.index) {
		t.grow()
	}
	var s int32
	if n := len(t.free); n > 0 {
		s = t.free[n-1]
		t.free = t.free[:n-1]
		t.peers[s] = *p
		t.refs[s] = 1
	} else {
		s = int32(len(t.peers))
		t.peers = append(t.peers, *p)
		t.refs = append(t.refs, 1)
	}
	t.insert(p.ID, s)
	return s
}

func (t *peerTable) insert(id PeerID, slot int32) {
	mask := uint32(len(t.index) - 1)
	i := peerSlotHash(id) & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = slot + 1
	t.used++
}

func (t *peerTable) grow() {
	size := max(64, 2*len(t.index))
	old := t.index
	t.index = make([]int32, size)
	t.used = 0
	for _, e := range old {
		if e != 0 {
			t.insert(t.peers[e-1].ID, e-1)
		}
	}
}

// release drops one reference and forgets the peer with the last.
func (t *peerTable) release(slot int32) {
	t.refs[slot]--
	if t.refs[slot] > 0 {
		return
	}
	t.remove(t.peers[slot].ID)
	t.free = append(t.free, slot)
}

// remove deletes id from the index, moving later entries of its run back so
// that no tombstones pile up (Knuth, TAOCP 6.4, algorithm R).
func (t *peerTable) remove(id PeerID) {
	mask := uint32(len(t.index) - 1)
	i := peerSlotHash(id) & mask
	for t.peers[t.index[i]-1].ID != id {
		i = (i + 1) & mask
	}
	t.used--
	for j := i; ; {
		t.index[i] = 0
		for {
			j = (j + 1) & mask
			e := t.index[j]
			if e == 0 {
				return
			}
			home := peerSlotHash(t.peers[e-1].ID) & mask
			if (j-home)&mask >= (j-i)&mask {
				t.index[i] = e
				i = j
				break
			}
		}
	}
}
