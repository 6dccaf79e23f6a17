package tier

// mix maps (seed, id, tag) to 64 well-mixed bits: the finaliser of splitmix64
// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014) over a linear combination. It is not cryptographic and need
// not be: the simulated observer sees hashes, never inverts them.
func mix(seed uint64, id int32, tag uint64) uint64 {
	return finish(seed + uint64(uint32(id))*0x9e3779b97f4a7c15 + tag*0xd1342543de82ef95)
}

func finish(z uint64) uint64 {
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	return z ^ z>>31
}

// unit maps 64 random bits into the open interval (0, 1).
func unit(w uint64) float64 { return (float64(w>>12) + 0.5) / (1 << 52) }
