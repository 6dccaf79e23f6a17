package tier

// SwarmRow holds the peer-tier sizes of one measured router, in peers.
type SwarmRow struct {
	Fast         int // peers in the fast tier
	HighCapacity int // peers in the high-capacity tier
	Known        int // routers in the peer profiles
}

// Swarm holds the peer-tier sizes of 21 real Java I2P 2.5.2 routers run by
// one team, counted from the router-console pages in the public SWARM-I2P
// data set: Muntaka et al., "Mapping the Invisible Internet: Framework and
// Dataset", arXiv:2506.18159, Zenodo 10.5281/zenodo.15369068, CC BY 4.0.
// Changes to the material: counted from the pages, nothing else kept. The
// three counts of a row belong to one router.
//
// Row 15 has fewer high-capacity than fast peers: the page was caught between
// two reorganisations, or the floor on the fast tier promoted a peer.
var Swarm = [21]SwarmRow{
	{47, 144, 530},
	{56, 139, 717},
	{56, 145, 560},
	{12, 17, 399},
	{31, 118, 349},
	{47, 129, 533},
	{15, 26, 447},
	{44, 150, 526},
	{18, 52, 1096},
	{27, 72, 1639},
	{29, 85, 608},
	{24, 75, 703},
	{15, 45, 418},
	{15, 32, 369},
	{12, 16, 103},
	{12, 11, 50},
	{21, 62, 1680},
	{12, 13, 134},
	{23, 74, 874},
	{12, 12, 82},
	{14, 43, 419},
}

// rowNearest returns the index of the measured row whose fast tier is nearest
// to size, ties broken by pick, a number in [0, 1).
func rowNearest(size int, pick float64) int {
	best, ties := -1, 0
	for i := range Swarm {
		d := abs(Swarm[i].Fast - size)
		switch {
		case best < 0 || d < best:
			best, ties = d, 1
		case d == best:
			ties++
		}
	}
	k := int(pick * float64(ties))
	for i := range Swarm {
		if abs(Swarm[i].Fast-size) == best {
			if k == 0 {
				return i
			}
			k--
		}
	}
	return 0
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
