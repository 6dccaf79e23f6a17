package attack

import "math"

// order looks at habits of listing. A Java router lists the newest tunnels of its
// pool, latest end first, so that the one which leaves is the one that ends first;
// raises every end to at least the last LeaseSet's earliest end plus a second; lets
// an older tunnel come back, raised, where a newer one died; and has `expires` at the
// latest end (Java I2P 2.8.0: TunnelPool.locked_buildNewLeaseSet, RequestLeaseSetJob,
// RequestVariableLeaseSetMessageHandler). An i2pd router lists the youngest first and
// lets a tunnel go once it is renewed or over (i2pd 2.58: TunnelPool::
// GetInboundTunnels, LeaseSetDestination::UpdateLeaseSet). Lists put together from
// several routers' ones stand in blocks, and where each router has a quota of leases,
// a lease leaves that is the oldest of its router, and others stay that end sooner.
//
// It sees every pair of successive versions, in the order of `published`, and assumes
// that few versions between two are missing: an observer who looks less often than
// once in a lifetime of ten minutes sees nothing leave.
var order = signal{
	name:     "order",
	vantages: anySighting,
	numbers: []string{
		"ascents", "moves", "overtaken", "out_of_turn", "oldest_s", "oldest_spread_s", "ties",
		"leases", "leases_spread", "raised", "re_entries", "stalls", "expires_off_s", "changes", "twice",
	},
	measure: orderNumbers,
	natural: func(v []float64) float64 { return v[0] + v[14] + v[13] },
}

// orderCount is what order counts in one pass over the versions.
type orderCount struct {
	ascents, ties, twice moment // of neighbours in a list, of leases
	moves                moment // of neighbours that both versions list
	overtaken, outOfTurn moment // of leases that left
	oldest, squares      moment
	leases, counts       moment
	raised, entries      moment // of leases that both versions list, of leases that came
	stalls, changes      moment // of versions
	expires              moment
}

func orderNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 {
		return nil
	}
	s := succeed(e)
	var c orderCount
	place := make([]int32, len(e.Tunnels)) // in the version before, from 1
	ends := make([]int64, len(e.Tunnels))  // as last listed
	known := make([]bool, len(e.Tunnels))
	var before *LeaseSet
	for k, i := range s.sets {
		ls := &e.LeaseSets[i]
		c.within(ls, s.versions[k])
		if before != nil {
			c.between(before, ls, s.versions[k], place, ends, known)
			for _, t := range before.Tunnels {
				place[t] = 0
			}
		}
		for j, t := range ls.Tunnels {
			if place[t] != 0 {
				c.twice.add(0, 0)
				c.twice.sum++
			}
			place[t] = int32(j) + 1
			ends[t] = ls.Ends[j]
			known[t] = true
		}
		c.twice.weight += float64(len(ls.Tunnels))
		before = ls
	}
	mean, oldest := c.leases.mean(0), c.oldest.mean(0)
	return []float64{
		c.ascents.mean(0), c.moves.mean(0), c.overtaken.mean(0), c.outOfTurn.mean(0),
		oldest, math.Sqrt(max(0, c.squares.mean(0)-oldest*oldest)), c.ties.mean(0),
		mean, math.Sqrt(max(0, c.counts.mean(0)-mean*mean)), c.raised.mean(0), c.entries.mean(0), c.stalls.mean(0),
		c.expires.mean(0), c.changes.mean(0), c.twice.mean(0),
	}
}

// within looks at one list.
func (c *orderCount) within(ls *LeaseSet, version int64) {
	latest, earliest := ls.Ends[0], ls.Ends[0]
	for j := 1; j < len(ls.Ends); j++ {
		c.ascents.add(1, bit(ls.Ends[j] > ls.Ends[j-1]))
		c.ties.add(1, bit(ls.Ends[j] == ls.Ends[j-1]))
		latest, earliest = max(latest, ls.Ends[j]), min(earliest, ls.Ends[j])
	}
	x := float64(earliest-version) / 1000
	c.oldest.add(1, x)
	c.squares.add(1, x*x)
	n := float64(len(ls.Ends))
	c.leases.add(1, n)
	c.counts.add(1, n*n)
	if ls.ExpiresMs > 0 {
		c.expires.add(1, math.Log1p(math.Abs(float64(ls.ExpiresMs-latest))/1000))
	}
}

// between compares a list with the one before.
func (c *orderCount) between(before, ls *LeaseSet, version int64, place []int32, ends []int64, known []bool) {
	c.changes.add(1, bit(before.Flags != ls.Flags || before.EncKeys != ls.EncKeys))
	last := int32(0)
	stays := int64(math.MaxInt64) // the earliest end of those that stay
	earliest := int64(math.MaxInt64)
	for j, t := range ls.Tunnels {
		earliest = min(earliest, ls.Ends[j])
		p := place[t]
		if p < 0 {
			continue // listed twice
		}
		if p == 0 {
			c.entries.add(1, bit(known[t]))
			continue
		}
		if last != 0 {
			c.moves.add(1, bit(p < last))
		}
		last = p
		c.raised.add(1, bit(ls.Ends[j] != ends[t]))
		stays = min(stays, before.Ends[p-1])
		place[t] = -p // it stays
	}
	first := int64(math.MaxInt64)
	for j, t := range before.Tunnels {
		first = min(first, before.Ends[j])
		if place[t] < 0 || before.Ends[j] <= version {
			continue // those that are over leave anyway
		}
		n, sooner := 0.0, 0.0
		for k, u := range before.Tunnels {
			if place[u] < 0 {
				n++
				sooner += bit(before.Ends[k] < before.Ends[j])
			}
		}
		if n > 0 {
			c.overtaken.add(1, sooner/n)
			c.outOfTurn.add(1, bit(before.Ends[j] > stays))
		}
	}
	for _, t := range before.Tunnels {
		if place[t] < 0 {
			place[t] = -place[t]
		}
	}
	c.stalls.add(1, bit(earliest <= first))
}
