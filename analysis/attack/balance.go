package attack

import "math"

// balance looks for quotas. Where each of several routers has a number of leases of
// its own, that number is the same in every LeaseSet, and the numbers are equal, as
// no chance makes them. It finds groups of gateways (and of residues of the ends,
// for routers that draw from the same crowd) as cluster does, and measures, for the
// one and for the other:
//
//   - how much the groups' numbers of leases change from version to version, as a
//     share of what their gateways' do, with two, three and four groups, and the
//     largest number of groups that keep theirs;
//   - how unequal the groups' mean numbers are (coefficient of variation), and the
//     logarithm of how much the numbers vary over the LeaseSets, as a share of what
//     leases that are drawn at random would make them vary.
//
// Quotas show without any gateway too. One router lists its newest tunnels, so that
// the lease that goes is the one that ends first. Under quotas it is the one of its
// own router that ends first, and older leases of others stay: "overtaken" is the
// share of such departures, besides by how many leases and how many seconds. Tunnels
// that fail long before their end do not count, as they overtake everywhere (Java
// I2P 2.8.0, TunnelPool.locked_buildNewLeaseSet).
//
// It assumes that quotas are kept while tunnels come and go, so few outages.
//
// O(n log n + c·m² + l·d) for n leases, c changes of m leases each, l LeaseSets
// of d leases that lose some; p ≤ maxNodes groups add O(p³).
var balance = signal{
	name:     "balance",
	vantages: anySighting,
	numbers: []string{
		"overtaken", "overtaken_by", "overtaken_by_s",
		"unsettled_2", "unsettled_3", "unsettled_4", "settled_groups", "unequal", "varying",
		"tick_unsettled_2", "tick_unsettled_3", "tick_unsettled_4", "tick_settled_groups", "tick_unequal", "tick_varying",
	},
	measure: balanceNumbers,
	natural: func(v []float64) float64 { return -v[8] },
}

func balanceNumbers(e *Evidence) []float64 {
	changes := changesOf(e)
	if len(changes) < minChanges {
		return nil
	}
	left := rests(e, changes)
	if len(left) == 0 {
		return nil
	}
	out := make([]float64, 0, 15)
	out = append(out, overtaking(e, changes, left[len(left)/2]+usualMarginMs)...)
	for _, x := range []*exchange{gatewayExchange(e, changes), tickExchange(e, changes)} {
		s := newDivider(x.nodes).divide(x.gram)
		l := newLadder(&s, x.gram)
		unsettled := [5]float64{1, 1, 1, 1, 1}
		settled := 1
		for k := maxBlocks; k >= 2; k-- {
			if !l.down(k) {
				continue
			}
			u := l.unsettled()
			if u < settledShare {
				settled = max(settled, k)
			}
			if k < len(unsettled) {
				unsettled[k] = u
			}
		}
		for _, u := range unsettled[2:] {
			out = append(out, math.Log(u+settledShare/10))
		}
		unequal, varying := x.quotas(e, &s)
		out = append(out, float64(settled), unequal, varying)
	}
	return out
}

const (
	// usualMarginMs after the median rest a departure still passes for a
	// replacement of a tunnel that was to end.
	usualMarginMs = 60 * 1000
	// settledShare is the unsettled share below which groups count as keeping their
	// numbers.
	settledShare = 0.1
	// overtakeMs is how much later than another a lease must end to overtake it:
	// ends are whole seconds, and equal ones go in any order.
	overtakeMs = 1500
)

// overtaking returns the share of departures that leave leases with earlier ends
// behind, and the logarithms of how many and of how much earlier.
func overtaking(e *Evidence, changes []change, limitMs int64) []float64 {
	var gone, over, number, seconds float64
	for i := range changes {
		c := &changes[i]
		old, now := &e.LeaseSets[c.before], &e.LeaseSets[c.set]
		for _, j := range c.gone {
			if old.Ends[j]-c.atMs > limitMs {
				continue
			}
			gone++
			earliest := old.Ends[j]
			behind := 0
			for _, end := range now.Ends {
				if end < old.Ends[j]-overtakeMs {
					behind++
					earliest = min(earliest, end)
				}
			}
			if behind > 0 {
				over++
				number += float64(behind)
				seconds += float64(old.Ends[j]-earliest) / 1000
			}
		}
	}
	gone = math.Max(gone, 1)
	return []float64{over / gone, math.Log1p(number / gone), math.Log1p(seconds / gone)}
}

// quotas returns how unequal the groups' mean numbers of leases are, and how much
// the numbers vary.
func (x *exchange) quotas(e *Evidence, s *split) (unequal, varying float64) {
	if s.groups == 0 {
		return 0, 0
	}
	sum, squares, count := make([]float64, s.groups), make([]float64, s.groups), make([]float64, s.groups)
	for i := range e.LeaseSets {
		clear(count)
		for _, t := range e.LeaseSets[i].Tunnels {
			if g := x.groupOf(s, t); g >= 0 {
				count[g]++
			}
		}
		for g, c := range count {
			sum[g] += c
			squares[g] += c * c
		}
	}
	total, variance := 0.0, 0.0
	for g := range sum {
		sum[g] /= float64(len(e.LeaseSets))
		total += sum[g]
		variance += squares[g]/float64(len(e.LeaseSets)) - sum[g]*sum[g]
	}
	if total <= 0 {
		return 0, 0
	}
	mean := total / float64(s.groups)
	chance := 0.0
	for _, m := range sum {
		unequal += (m - mean) * (m - mean)
		chance += m * (1 - m/total)
	}
	// A twentieth of a lease keeps both off 0, as with one group only.
	const little = 0.05
	return math.Sqrt(unequal/float64(s.groups)) / mean, math.Log((math.Max(variance, 0) + little) / (chance + little))
}

// groupOf returns the group of a tunnel, -1 if it has none.
func (x *exchange) groupOf(s *split, tunnel int32) int32 {
	if k := x.of[tunnel]; k >= 0 {
		return s.group[k]
	}
	return -1
}
