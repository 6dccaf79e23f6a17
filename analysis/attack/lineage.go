package attack

import "math"

// lineage looks at how gateways are handed from one tunnel to the next. A Java
// router builds three of four replacements over the path of the first tunnel of its
// pool that is about to expire and has not lent its path yet (Java I2P 2.8.0,
// TunnelPool.configureNewTunnel), an i2pd router nearly all over the path of the one
// that they replace (i2pd 2.58, TunnelPool::RecreateInboundTunnel). A balancer that
// orders each tunnel afresh hands nothing on. One whose routers keep pools of their
// own hands on in as many queues: the heir's parent is the first of its router's
// queue, and often not the first of all.
//
// It assumes that a lease lasts ten minutes from the order of its tunnel on, so that
// a lease's end tells how old each other tunnel was then. Which tunnel handed its
// gateway on is not seen where several share the gateway, and a fresh draw may hit a
// gateway that could have been inherited. So every tunnel is an heir with a
// probability of its own, by a mixture
//
//	P(gateway) = ρ · share of it among those that can lend + (1 − ρ) · share of it in all
//
// in which those that can lend count by how much of their lease is left, in classes of
// 45 s whose weights are fitted together with ρ by maximum likelihood (EM: Dempster,
// Laird, Rubin (1977), J. R. Stat. Soc. B 39:1). The conditional rates weigh each
// tunnel by its probability.
var lineage = signal{
	name:     "lineage",
	vantages: anySighting,
	numbers: []string{
		"inherited", "after_heir", "after_fresh", "skipped", "first_in_queue", "parent_gone",
		"lead_s", "lead_spread_s", "fresh_known", "fresh_listed", "returns",
	},
	measure: lineageNumbers,
}

// returnMs is how long a gateway must have been away for its next listing to count
// as a return: longer than any replacement takes.
const returnMs = 5 * 60 * 1000

// minSuccessions is the least number of tunnels that must have been seen to come up
// for rates to mean anything.
const minSuccessions = 8

// ripeMs is how much of its lease is left to a tunnel that a Java router has taken
// out of its pool by early expiry, at the latest.
const ripeMs = 37500

// mostLending bounds the tunnels that are looked at for one heir: several times as
// many as a pool of 16 has about to expire, failed builds included.
const mostLending = 100

// heirs is the mixture of inherited and fresh gateways.
type heirs struct {
	rate   float64
	weight []float64 // of each tunnel, the probability that it inherited; NaN where it did not come up in sight
	passed []float64 // of each tunnel, how many others its parent was preferred to
}

// Classes of how much of its lease is left to a tunnel that can lend.
const (
	leadClassMs = 45 * 1000
	leadClasses = (lendMaxMs-lendMinMs)/leadClassMs + 1
)

// match is a tunnel that may have inherited.
type match struct {
	tunnel int32
	fresh  float64              // share of its gateway in all
	free   [leadClasses]float64 // how many can lend, by class
	same   [leadClasses]float64 // those of its gateway
	lo, hi int                  // between these classes stand the latter
}

// inherit fits the mixture.
func (s *succession) inherit(e *Evidence) (h heirs, arrivals int) {
	n := len(e.Tunnels)
	numbers := make([]float64, 2*n)
	h.weight, h.passed = numbers[:n:n], numbers[n:]
	matches := make([]match, 0, n)
	taken := make([]bool, n) // an heir has come
	lo := 0
	for at, t := range s.byEnd {
		born := e.Tunnels[t].EndMs - lifetimeMs
		for lo < at && e.Tunnels[s.byEnd[lo]].EndMs < born+lendMinMs {
			lo++
		}
		h.weight[t] = math.NaN()
		p := s.parent[t]
		if s.first[t] > 0 {
			arrivals++
			h.weight[t] = 0
			if p >= 0 {
				gw := e.Tunnels[t].Gateway
				m := match{tunnel: t, fresh: float64(e.Abundance[gw]) / float64(n), lo: leadClasses}
				for _, x := range s.byEnd[lo:min(at, lo+mostLending)] {
					left := e.Tunnels[x].EndMs - born
					if left > lendMaxMs {
						break
					}
					if taken[x] {
						continue
					}
					if left > ripeMs && e.Tunnels[x].EndMs < e.Tunnels[p].EndMs {
						h.passed[t]++
					}
					class := int((left - lendMinMs) / leadClassMs)
					m.free[class]++
					if e.Tunnels[x].Gateway == gw {
						m.same[class]++
						m.lo, m.hi = min(m.lo, class), max(m.hi, class+1)
					}
				}
				matches = append(matches, m)
			}
		}
		if p >= 0 {
			taken[p] = true
		}
	}
	if arrivals > 0 {
		h.fit(matches, arrivals)
	}
	return h, arrivals
}

// fit runs EM for the rate, and MM for how much each class is preferred (Hunter
// (2004), Ann. Statist. 32:384, the same for choices among several).
func (h *heirs) fit(matches []match, arrivals int) {
	const rounds = 8
	var taste [leadClasses]float64
	for c := range taste {
		taste[c] = 1
	}
	h.rate = 0.5
	for range rounds {
		sum := 0.0
		var won, stood [leadClasses]float64
		for i := range matches {
			m := &matches[i]
			all, same := 1e-9, 0.0
			for c, q := range taste {
				all += q * m.free[c]
			}
			for c := m.lo; c < m.hi; c++ {
				same += taste[c] * m.same[c]
			}
			a := h.rate * same / all
			w := a / (a + (1-h.rate)*m.fresh + 1e-12)
			h.weight[m.tunnel] = w
			sum += w
			toWon, toStood := w/(same+1e-9), w/all
			for c := range stood {
				stood[c] += toStood * m.free[c]
			}
			for c := m.lo; c < m.hi; c++ {
				won[c] += toWon * taste[c] * m.same[c]
			}
		}
		h.rate = sum / float64(arrivals)
		for c := range taste {
			// Half a win more, so that no class is ruled out.
			taste[c] = (won[c] + 0.5) / (stood[c] + 0.5)
		}
	}
}

func lineageNumbers(e *Evidence) []float64 {
	if len(e.LeaseSets) < 3 {
		return nil
	}
	s := succeed(e)
	h, arrivals := s.inherit(e)
	if arrivals < minSuccessions {
		return nil
	}
	var weight, passed, first, gone, lead, leadSquares moment
	var afterHeir, afterFresh, known, listed moment
	seen := make([]bool, len(e.Hashes))
	for _, t := range s.byEnd {
		tunnel := &e.Tunnels[t]
		w := h.weight[t]
		if !math.IsNaN(w) {
			weight.add(1, w)
			if p := s.parent[t]; p >= 0 {
				passed.add(w, h.passed[t])
				first.add(w, bit(h.passed[t] == 0))
				gone.add(w, bit(s.last[p] < s.first[t]))
				x := float64(s.leadMs(e, t)) / 1000
				lead.add(w, x)
				leadSquares.add(w, x*x)
			}
			known.add(1-w, bit(seen[tunnel.Gateway]))
			listed.add(1-w, bit(s.parent[t] >= 0 || s.holds(e, t)))
		}
		seen[tunnel.Gateway] = true
	}
	// Does a tunnel that inherited hand on as often as one drawn afresh? Only those
	// count that were old enough to lend before the last LeaseSet.
	end := s.versions[len(s.versions)-1]
	for _, t := range s.byEnd {
		w := h.weight[t]
		if math.IsNaN(w) || e.Tunnels[t].EndMs > end {
			continue
		}
		handed := 0.0
		if x := s.heir[t]; x >= 0 && !math.IsNaN(h.weight[x]) {
			handed = h.weight[x]
		}
		afterHeir.add(w, handed)
		afterFresh.add(1-w, handed)
	}
	mean := lead.mean(180)
	return []float64{
		h.rate, afterHeir.mean(h.rate), afterFresh.mean(h.rate),
		math.Log1p(passed.mean(0)), first.mean(1), gone.mean(0.5),
		mean, math.Sqrt(max(0, leadSquares.mean(mean*mean)-mean*mean)),
		known.mean(1), listed.mean(0), s.returns(e, arrivals),
	}
}

// holds tells whether the LeaseSet before the one that first lists a tunnel names
// its gateway.
func (s *succession) holds(e *Evidence, t int32) bool {
	before := &e.LeaseSets[s.sets[s.first[t]-1]]
	for _, gw := range before.Gateways {
		if gw == e.Tunnels[t].Gateway {
			return true
		}
	}
	return false
}

// returns is the logarithm of how often gateways come back after an absence, for
// each tunnel that came up.
func (s *succession) returns(e *Evidence, arrivals int) float64 {
	back := 0
	seen := make([]int64, len(e.Hashes))
	for k, i := range s.sets {
		for _, gw := range e.LeaseSets[i].Gateways {
			if seen[gw] != 0 && s.versions[k]-seen[gw] > returnMs {
				back++
			}
			seen[gw] = s.versions[k]
		}
	}
	return math.Log((float64(back) + 0.5) / (float64(arrivals) + 1))
}

// moment is a weighted mean in the making.
type moment struct{ weight, sum float64 }

func (m *moment) add(weight, x float64) {
	m.weight += weight
	m.sum += weight * x
}

// mean is the weighted mean; where next to nothing was added, what would surprise
// nobody.
func (m *moment) mean(neutral float64) float64 {
	if m.weight < 1e-6 {
		return neutral
	}
	return m.sum / m.weight
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
