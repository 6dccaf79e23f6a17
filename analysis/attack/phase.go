package attack

import "math"

// phase takes the ends of leases for the superposition of one renewal process a
// router, and looks for the clockworks behind it.
//
// An i2pd router orders tunnels on a tick of 15 s, renewals in one phase and what is
// missing in another, 0, 5 or 10 s away (i2pd 2.58: Tunnels::ManageTunnels,
// TunnelPool::ManageTunnels). Leases end 600 s after the order, so that all ends of
// one router are alike modulo 5 s, and those of renewals modulo 15 s; each further
// router has phases of its own. Dates being whole seconds, the residues are counted
// instead of fitting a mixture of von Mises densities to them, and the statistic is
// Rayleigh's in pairs: the mean of cos 2π(x − y)/T over ends x, y that lie close
// together (Mardia, Jupp (2000), Directional Statistics, sections 2.3 and 6.3), 1 for
// one router and about 1/k for k. Close together, since real loops slip: in 240
// Destinations on real routers, recorded for half an hour, a phase that moved did so
// by a second or two, or by 5 s.
//
// A Java router has no tick. It orders at most two tunnels a pass, 10 ms apart, asks
// again 5 s after a failure, and lets the whole pool share one lead, the time that
// building took in the last ten minutes. So for it phase has the law of gaps between
// successive ends, how uneven their numbers are at several scales (index of
// dispersion: Cox, Lewis (1966), The Statistical Analysis of Series of Events,
// section 4.5), whether gaps go together, and whether what is left of a lease when its
// heir is ordered differs from gateway to gateway, or moves in several strands.
//
// It assumes that a lease's end tells when its tunnel was ordered, to the second.
var phase = signal{
	name:     "phase",
	vantages: anySighting,
	numbers: []string{
		"off_tick", "off_tick5", "off_tick15_renewed", "off_tick15_fresh", "phases", "gap_same", "gap_retry", "gap_spread", "gap_next",
		"uneven_30s", "uneven_120s", "uneven_450s", "turn_s", "turn_spread_s", "turn_jump_s", "lead_s", "lead_spread_s", "lead_jump_s", "lead_apart", "lead_next",
	},
	measure: phaseNumbers,
}

const (
	// pairLags is to how many later ends each end is compared, pairMs at which
	// distance at most: near enough for a loop not to have slipped, and far enough
	// for ends of several routers to stand in between.
	pairLags = 8
	pairMs   = 600 * 1000

	tick     = 15 // s, of an i2pd router
	tickStep = 5  // s, between the phases of its two clockworks

	// A tunnel is taken for an i2pd router's renewal if its gateway had one that ends
	// so much sooner: ordered at 571 s of age at the earliest, a tick later at most.
	renewalMinMs = 569 * 1000
	renewalMaxMs = 602 * 1000
)

// cosines are those of whole seconds on a circle of tick seconds.
var cosines = func() (c [tick]float64) {
	for i := range c {
		c[i] = math.Cos(2 * math.Pi * float64(i) / tick)
	}
	return c
}()

func phaseNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 || len(e.Tunnels) < minSuccessions {
		return nil
	}
	s := succeed(e)
	all := make([]int64, 0, len(s.byEnd)) // ends, s
	var renewed, fresh []int64
	for _, t := range s.byEnd {
		end := e.Tunnels[t].EndMs
		all = append(all, end/1000)
		if p := s.parent[t]; p >= 0 {
			if d := end - e.Tunnels[p].EndMs; d >= renewalMinMs && d <= renewalMaxMs {
				renewed = append(renewed, end/1000)
			}
		} else if s.first[t] > 0 {
			fresh = append(fresh, end/1000)
		}
	}
	if len(all) < minSuccessions {
		return nil
	}
	steps, renewals, missing := sharpness(all, tickStep), sharpness(renewed, tick), sharpness(fresh, tick)
	v := []float64{
		// Two routers may have one of the phases in common, but hardly all of them.
		max(steps, renewals, missing), steps, renewals, missing, phaseCount(renewed),
	}
	v = append(v, gapNumbers(all)...)
	for _, width := range [...]int64{30, 120, 450} {
		v = append(v, unevenness(all, width))
	}
	v = append(v, turnNumbers(e, all)...)
	return append(v, leadNumbers(e, s)...)
}

// turnNumbers describe the time from an end to the one that comes as many places
// later as there are leases.
func turnNumbers(e *Evidence, ends []int64) []float64 {
	leases := 0
	for i := range e.LeaseSets {
		leases += len(e.LeaseSets[i].Ends)
	}
	n := max(1, (leases+len(e.LeaseSets)/2)/len(e.LeaseSets))
	var turn, square, jump moment
	for i := n; i < len(ends); i++ {
		d := float64(ends[i] - ends[i-n])
		turn.add(1, d)
	}
	mean := turn.mean(480)
	last := 0.0
	for i := n; i < len(ends); i++ {
		d := min(float64(ends[i]-ends[i-n]), 2*mean) - mean
		square.add(1, d*d)
		if i > n {
			jump.add(1, math.Abs(d-last))
		}
		last = d
	}
	return []float64{mean, math.Sqrt(square.mean(0)), jump.mean(0)}
}

// sharpness is how far ends are from keeping one phase of a period (which divides
// tick), as −log of what is left of the mean cosine to 1: large for one clockwork,
// 0 for none. The sign is turned, so that more clockworks are larger.
func sharpness(ends []int64, period int64) float64 {
	var m moment
	scale := tick / period
	for i := range ends {
		for j := i + 1; j < len(ends) && j <= i+pairLags; j++ {
			d := ends[j] - ends[i]
			if d*1000 > pairMs {
				break
			}
			m.add(1, cosines[d%period*scale])
		}
	}
	// A hundredth, and one pair that goes wrong, would surprise nobody.
	off := 1 - m.mean(0)
	return math.Log(0.01 + (off*m.weight+1)/(m.weight+1))
}

// phaseCount is the mean number of phases modulo tick in runs of successive ends:
// residues that occur more than once, neighbours taken together.
func phaseCount(ends []int64) float64 {
	const run = 24
	var m moment
	for i := 0; i < len(ends); i += run {
		part := ends[i:min(i+run, len(ends))]
		if len(part) < run/2 && i > 0 {
			break // too short to hold every phase
		}
		var hits [tick]int
		for _, x := range part {
			hits[x%tick]++
		}
		n := 0
		for r := range hits {
			if hits[r] > 1 && hits[(r+tick-1)%tick] <= 1 {
				n++
			}
		}
		m.add(1, float64(max(n, 1)))
	}
	return m.mean(1)
}

// gapNumbers describe the gaps between successive ends: the logarithms of the shares
// of those within one pass and of those after a failure, the spread relative to the
// mean, and the correlation of one with the next.
func gapNumbers(ends []int64) []float64 {
	var gap, square, same, retry, next moment
	for i := 1; i < len(ends); i++ {
		d := float64(ends[i] - ends[i-1])
		gap.add(1, d)
		same.add(1, bit(d <= 1))
		retry.add(1, bit(d >= 5 && d <= 7))
	}
	mean := gap.mean(0)
	last := 0.0
	for i := 1; i < len(ends); i++ {
		// Beyond four means it is a gap in what was seen.
		d := min(float64(ends[i]-ends[i-1]), 4*mean) - mean
		square.add(1, d*d)
		if i > 1 {
			next.add(1, d*last)
		}
		last = d
	}
	variance := square.mean(0)
	if !(mean > 0) || !(variance > 0) {
		return []float64{same.mean(0), retry.mean(0), 0, 0}
	}
	return []float64{same.mean(0), retry.mean(0), math.Log(math.Sqrt(variance) / mean), next.mean(0) / variance}
}

// unevenness is the logarithm of the index of dispersion of the numbers of ends in
// bins of width seconds: 0 for a Poisson process, less for one that keeps time. The
// first and the last bin are left out: they may be cut.
func unevenness(ends []int64, width int64) float64 {
	first, last := ends[0]/width+1, ends[len(ends)-1]/width
	if last-first < 4 || last-first > 100*int64(len(ends)) {
		return 0 // too little, or nobody was looking for most of the time
	}
	var count, square moment
	i := 0
	for ends[i]/width < first {
		i++
	}
	for b := first; b < last; b++ {
		n := 0.0
		for i < len(ends) && ends[i]/width == b {
			n++
			i++
		}
		count.add(1, n)
		square.add(1, n*n)
	}
	mean := count.mean(0)
	variance := square.mean(0) - mean*mean
	if !(mean > 0) {
		return 0
	}
	return math.Log(max(variance, 0)/mean + 0.01)
}

// leadNumbers tell whether what is left of the parents' leases has several laws at a
// time: how far the means of gateways lie apart (see apart), and whether successive
// heirs of one gateway's strand are alike, both after the slow changes that a pool
// has as a whole were taken out.
func leadNumbers(e *Evidence, s *succession) []float64 {
	leads := make([]float64, len(e.Tunnels))
	var list []int32
	for _, t := range s.byEnd {
		if s.parent[t] >= 0 {
			leads[t] = float64(s.leadMs(e, t)) / 1000
			list = append(list, t)
		}
	}
	// The mean of the neighbours within some ten minutes, itself left out.
	const reach = 10
	rest := make([]float64, len(e.Tunnels))
	sum, lo, hi := 0.0, 0, 0
	for i, t := range list {
		for hi < len(list) && hi <= i+reach {
			sum += leads[list[hi]]
			hi++
		}
		for lo < i-reach {
			sum -= leads[list[lo]]
			lo++
		}
		if n := hi - lo - 1; n > 0 {
			rest[t] = leads[t] - (sum-leads[t])/float64(n)
		}
	}
	var g grouped
	g.reset(len(e.Hashes))
	var square, product, mean, all, jump moment
	for i, t := range list {
		mean.add(1, leads[t])
		all.add(1, leads[t]*leads[t])
		if i > 0 {
			jump.add(1, math.Abs(leads[t]-leads[list[i-1]]))
		}
		g.add(e.Tunnels[t].Gateway, rest[t])
		square.add(1, rest[t]*rest[t])
		if x := s.heir[t]; x >= 0 {
			product.add(1, rest[t]*rest[x])
		}
	}
	next := 0.0
	if v := square.mean(0); v > 0 {
		next = product.mean(0) / v
	}
	m := mean.mean(0)
	return []float64{m, math.Sqrt(max(0, all.mean(0)-m*m)), jump.mean(0), g.apart(), next}
}
