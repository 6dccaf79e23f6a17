package balancer

import "testing"

// The first vector is entry 32 of the table vectors_sip64 in the reference
// implementation of Aumasson and Bernstein (github.com/veorq/SipHash); the
// others were computed by OpenSSL 3.0.19 (openssl mac … SipHash, size 8) over
// random keys and messages.
func TestSipHash24Vectors(t *testing.T) {
	for i, c := range []struct {
		key  SliceKey
		hash [4]uint64
		want uint64
	}{
		{SliceKey{0x706050403020100, 0xf0e0d0c0b0a0908}, [4]uint64{0x01020304050607, 0x8090a0b0c0d0e0f, 0x1011121314151617, 0x18191a1b1c1d1e1f}, 0x7127512f72f27cce},
		{SliceKey{0xdf276662c586fbcc, 0x7bafecf1852bc79}, [4]uint64{0xcdc514415a6a804, 0x76801e88991c57bb, 0xe1309a0d44d6eead, 0xe534edb879fdee39}, 0xe465c1a08b8bc744},
		{SliceKey{0x83d34f4603da90fb, 0xffbcb46c30834007}, [4]uint64{0xf964ecb4c65eb961, 0x907ba9d6dd40e5a2, 0xfa7f5163ce3c974f, 0xe0bcd0fb9e9fab0c}, 0x652122ed061c8683},
		{SliceKey{0x2c8e7adae4adbfba, 0x9a97b57f3ae4945a}, [4]uint64{0x62788730417f5aaa, 0xe22fedd6bbac1869, 0xa100d2b1e4331571, 0x9cead5ebacf9a44a}, 0x37b0e7dee89edfdf},
		{SliceKey{0x8aa034300e5abf5c, 0x6c5ac63c8da5b19f}, [4]uint64{0x37cc5265c4eee133, 0x5d36c37d91168b0d, 0x456b58b5c2d1a071, 0x34fc11a82ae3768f}, 0x30a636eb4a26bc1e},
		{SliceKey{0x22b60b432518d516, 0x2bde1a60de21d9a0}, [4]uint64{0x3497e0a8296eba67, 0x9f54bebfd83c11cf, 0x1561ab976592971a, 0x18367ea917de308a}, 0xfb0841bafe3540c4},
	} {
		if got := SipHash24(c.key, c.hash); got != c.want {
			t.Errorf("vector %d: %#016x, want %#016x", i, got, c.want)
		}
		if got := c.key.Group(c.hash); got != int(c.want&3) {
			t.Errorf("vector %d: group %d, want %d", i, got, c.want&3)
		}
	}
}

func TestHopGroups(t *testing.T) {
	for _, c := range []struct {
		dir  Direction
		n    int
		want []GroupSet // from our router outwards
	}{
		{Inbound, 1, []GroupSet{GroupsAll}},
		{Inbound, 2, []GroupSet{Groups01, Groups23}},
		{Inbound, 3, []GroupSet{Groups0, Groups23, Groups1}},
		{Inbound, 4, []GroupSet{Groups0, Groups23, Groups23, Groups1}},
		{Outbound, 2, []GroupSet{Groups23, Groups01}},
		{Outbound, 3, []GroupSet{Groups1, Groups23, Groups0}},
	} {
		for i, want := range c.want {
			if got := HopGroups(c.dir, i, c.n); got != want {
				t.Errorf("direction %d, hop %d of %d: groups %04b, want %04b", c.dir, i, c.n, got, want)
			}
		}
	}
}

func TestSmallTiersAreNotSliced(t *testing.T) {
	for _, c := range []struct {
		set  GroupSet
		tier int
		want GroupSet
	}{
		{Groups1, 12, Groups1},
		{Groups1, 11, GroupsAll},
		{Groups23, 11, Groups23},
		{Groups23, 6, Groups23},
		{Groups23, 5, GroupsAll},
	} {
		if got := EffectiveGroups(c.set, c.tier); got != c.want {
			t.Errorf("groups %04b of a tier of %d: %04b, want %04b", c.set, c.tier, got, c.want)
		}
	}
}
