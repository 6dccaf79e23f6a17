package tier

// idIndex maps peers to profiles: open addressing with linear probing, at most
// half full, without allocation.
type idIndex struct {
	key [indexSize]int32 // id + 1; 0 is free
	val [indexSize]int16
}

const indexSize = 2048 // a power of two, more than twice profileRoom

func slotOf(id int32) uint32 { return uint32(id) * 0x9e3779b1 >> (32 - 11) }

func (x *idIndex) reset() { clear(x.key[:]) }

func (x *idIndex) find(id int32) (uint32, bool) {
	s := slotOf(id)
	for ; x.key[s] != 0; s = (s + 1) % indexSize {
		if x.key[s] == id+1 {
			return s, true
		}
	}
	return s, false
}

func (x *idIndex) has(id int32) bool {
	_, ok := x.find(id)
	return ok
}

func (x *idIndex) get(id int32) (int, bool) {
	s, ok := x.find(id)
	return int(x.val[s]), ok
}

func (x *idIndex) put(id int32, i int16) {
	s, _ := x.find(id)
	x.key[s], x.val[s] = id+1, i
}

// remove deletes a key and moves later ones up, so that no search stops short.
func (x *idIndex) remove(id int32) {
	s, ok := x.find(id)
	if !ok {
		return
	}
	x.key[s] = 0
	for t := (s + 1) % indexSize; x.key[t] != 0; t = (t + 1) % indexSize {
		home := slotOf(x.key[t] - 1)
		// The entry may move to s unless its home lies cyclically in (s, t].
		if (t-home)%indexSize >= (t-s)%indexSize {
			x.key[s], x.val[s] = x.key[t], x.val[t]
			x.key[t] = 0
			s = t
		}
	}
}
