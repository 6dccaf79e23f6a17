package balancer

import "math/bits"

// SliceKey is the part of a tunnel pool's 32-byte randomKey that decides the
// slices of the fast tier: its first 16 bytes as two big-endian words
// (Java I2P, ProfileOrganizer.getSubTier).
type SliceKey struct{ K0, K1 uint64 }

// SipHash24 is SipHash-2-4 (Aumasson and Bernstein, 2012) of a 32-byte router
// hash, given as four big-endian words, under key k. The key's words are used
// as they are; the message's bytes are taken in little-endian order as the
// algorithm demands.
func SipHash24(k SliceKey, hash [4]uint64) uint64 {
	v0 := k.K0 ^ 0x736f6d6570736575
	v1 := k.K1 ^ 0x646f72616e646f6d
	v2 := k.K0 ^ 0x6c7967656e657261
	v3 := k.K1 ^ 0x7465646279746573
	for _, w := range hash {
		m := bits.ReverseBytes64(w)
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	const last = 32 << 56 // the message's length in the top byte
	v3 ^= last
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32)
	v2 += v1
	v0 += v3
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 = bits.RotateLeft64(v2, 32)
	return v0, v1, v2, v3
}

// Group is the quarter of the fast tier, 0 to 3, in which a peer falls under
// key k: the low two bits of its SipHash.
func (k SliceKey) Group(hash [4]uint64) int { return int(SipHash24(k, hash) & 3) }

// GroupSet is a set of groups, bit g standing for group g.
type GroupSet uint8

// Sets of groups that Java I2P draws the hops of a client tunnel from
// (ClientPeerSelector.selectPeers).
const (
	Groups0   GroupSet = 1 << 0
	Groups1   GroupSet = 1 << 1
	Groups01  GroupSet = 1<<0 | 1<<1
	Groups23  GroupSet = 1<<2 | 1<<3
	GroupsAll GroupSet = 1<<0 | 1<<1 | 1<<2 | 1<<3
)

// Has tells whether group g is in the set.
func (s GroupSet) Has(g int) bool { return s>>uint(g)&1 != 0 }

// HopGroups is the set that hop i of n is drawn from, counted from the
// operator's router outwards for an inbound tunnel, so that hop n-1 is the
// IBGW. An outbound tunnel mirrors it: its first hop takes the IBGW's set and
// its OBEP that of the closest inbound hop.
func HopGroups(dir Direction, i, n int) GroupSet {
	if n <= 1 {
		return GroupsAll
	}
	if dir == Outbound {
		i = n - 1 - i
	}
	switch {
	case n == 2 && i == 0:
		return Groups01
	case n == 2:
		return Groups23
	case i == 0:
		return Groups0
	case i == n-1:
		return Groups1
	default:
		return Groups23
	}
}

// Tiers this small are not sliced (ProfileOrganizer.locked_selectPeers): the
// quarters below 12 peers, the halves below 6.
const (
	MinTierForQuarters = 12
	MinTierForHalves   = 6
)

// EffectiveGroups is the set that counts for a tier of the given size: all
// groups where the tier is too small to be sliced.
func EffectiveGroups(s GroupSet, tier int) GroupSet {
	quarter := s == Groups0 || s == Groups1
	if tier < MinTierForHalves || quarter && tier < MinTierForQuarters {
		return GroupsAll
	}
	return s
}
