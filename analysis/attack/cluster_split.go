package attack

import (
	"math"
	"slices"
)

// A split is a partition of the nodes of an exchange into groups.
type split struct {
	group  []int32 // of each node, -1 for nodes that never exchange anything
	groups int
	// modularity is the weight of replacements within groups less what nodes that
	// replace each other at random would have there, as a share of all.
	modularity float64
}

// A divider has the memory for splits of p nodes.
type divider struct {
	p                  int
	b, sum             []float64
	degree, pull       []float64
	unit, own, renamed []int32
}

func newDivider(p int) *divider {
	return &divider{
		p: p, b: make([]float64, p*p), sum: make([]float64, p*p), degree: make([]float64, p), pull: make([]float64, p),
		unit: make([]int32, p), own: make([]int32, p), renamed: make([]int32, p),
	}
}

// maxSweeps bounds how often nodes are moved before groups are joined; two or three
// times do.
const maxSweeps = 12

// divide finds groups of high modularity by the method of Louvain, in the order of
// the nodes and without chance, on the graph of replacements: its weights are the
// negative entries of gram. Positive ones (nodes that change together, and not for
// each other) count against a common group, as in the modularity of correlation
// matrices. O(p²) a sweep.
//
// The library's method takes no negative weights, and several milliseconds.
//
// Blondel, Guillaume, Lambiotte, Lefebvre (2008), J. Stat. Mech. P10008; MacMahon,
// Garlaschelli (2015), Phys. Rev. X 5:021006.
func (d *divider) divide(gram []float64) split {
	p := d.p
	s := split{group: make([]int32, p)}
	total := 0.0
	for i := range p {
		d.degree[i] = gram[i*p+i]
		total += d.degree[i]
	}
	if total <= 0 {
		for i := range s.group {
			s.group[i] = -1
		}
		return s
	}
	for i := range p {
		for j := range p {
			d.b[i*p+j] = -gram[i*p+j] - d.degree[i]*d.degree[j]/total
		}
		d.b[i*p+i] = 0
		d.unit[i] = int32(i)
	}
	copy(d.sum, d.b) // of units, at this level
	units := p
	for units > 1 {
		for u := range units {
			d.own[u] = int32(u)
		}
		if !d.sweep(units) {
			break
		}
		next := d.rename(units)
		if next == units {
			break
		}
		clear(d.sum[:next*next])
		for i := range p {
			d.unit[i] = d.own[d.unit[i]]
		}
		for i := range p {
			for j := range p {
				d.sum[int(d.unit[i])*next+int(d.unit[j])] += d.b[i*p+j]
			}
		}
		units = next
	}
	// Numbered by their first node; nodes that exchange nothing belong nowhere.
	for u := range d.renamed {
		d.renamed[u] = -1
	}
	for i := range p {
		u := d.unit[i]
		if d.degree[i] <= 0 {
			s.group[i] = -1
			continue
		}
		if d.renamed[u] < 0 {
			d.renamed[u] = int32(s.groups)
			s.groups++
		}
		s.group[i] = d.renamed[u]
		for j := range i {
			if s.group[j] == s.group[i] {
				s.modularity += 2 * d.b[i*p+j]
			}
		}
	}
	s.modularity /= total
	return s
}

// sweep moves units to the groups that gain most, until none gains.
func (d *divider) sweep(units int) (moved bool) {
	for range maxSweeps {
		changed := false
		for u := range units {
			pull := d.pull[:units]
			clear(pull)
			for v, w := range d.sum[u*units : u*units+units] {
				if v != u {
					pull[d.own[v]] += w
				}
			}
			best, gain := d.own[u], pull[d.own[u]]
			for g, w := range pull {
				// An empty group pulls with 0: being alone is a choice too.
				if w > gain+1e-9 {
					best, gain = int32(g), w
				}
			}
			if best != d.own[u] {
				d.own[u] = best
				changed, moved = true, true
			}
		}
		if !changed {
			break
		}
	}
	return moved
}

// rename numbers the groups without gaps.
func (d *divider) rename(units int) int {
	for u := range units {
		d.renamed[u] = -1
	}
	next := 0
	for u := range units {
		g := d.own[u]
		if d.renamed[g] < 0 {
			d.renamed[g] = int32(next)
			next++
		}
		d.own[u] = d.renamed[g]
	}
	return next
}

// effective is the number of groups, each weighted by its share of the exchange:
// the exponential of the entropy.
func (s *split) effective(gram []float64) float64 {
	p := len(s.group)
	size := make([]float64, s.groups)
	total := 0.0
	for i, g := range s.group {
		if g >= 0 {
			size[g] += gram[i*p+i]
			total += gram[i*p+i]
		}
	}
	h := 0.0
	for _, n := range size {
		if n > 0 {
			h -= n / total * math.Log(n/total)
		}
	}
	return math.Exp(h)
}

// A ladder joins the groups of a split one by one.
type ladder struct {
	split
	sum []float64 // exchange between groups, in rows of width
	// width is the number of groups at the start, all the sum of their nodes' own
	// exchange.
	width int
	all   float64
}

func newLadder(s *split, gram []float64) *ladder {
	p := len(s.group)
	l := &ladder{split: split{group: slices.Clone(s.group), groups: s.groups}, sum: make([]float64, s.groups*s.groups), width: s.groups}
	for i, a := range s.group {
		if a < 0 {
			continue
		}
		l.all += gram[i*p+i]
		for j, b := range s.group {
			if b >= 0 {
				l.sum[int(a)*l.width+int(b)] += gram[i*p+j]
			}
		}
	}
	return l
}

// down joins groups until k are left, at each step the two that settle most by it.
// It reports whether there are k now. O(g²) a step.
func (l *ladder) down(k int) bool {
	for l.groups > k {
		n, w := l.groups, l.width
		bestA, bestB, best := 0, 1, math.Inf(-1)
		for a := range n {
			for b := range a {
				saved := -2 * l.sum[a*w+b] / (l.sum[a*w+a] + l.sum[b*w+b] + 1e-9)
				if saved > best {
					bestA, bestB, best = b, a, saved
				}
			}
		}
		// Group bestB goes into bestA, the last one takes its number.
		for j := range n {
			l.sum[bestA*w+j] += l.sum[bestB*w+j]
		}
		for j := range n {
			l.sum[j*w+bestA] += l.sum[j*w+bestB]
		}
		last := n - 1
		for j := range n {
			l.sum[bestB*w+j] = l.sum[last*w+j]
		}
		for j := range n {
			l.sum[j*w+bestB] = l.sum[j*w+last]
		}
		for i, g := range l.group {
			switch g {
			case int32(bestB):
				l.group[i] = int32(bestA)
			case int32(last):
				l.group[i] = int32(bestB)
			}
		}
		l.groups--
	}
	return l.groups == k
}

// unsettled is how much the groups' totals change, as a share of how much their
// nodes do: 0 where each lease is replaced within its group.
func (l *ladder) unsettled() float64 {
	if l.all <= 0 {
		return 1
	}
	within := 0.0
	for g := range l.groups {
		within += l.sum[g*l.width+g]
	}
	return math.Min(math.Max(within/l.all, 0), 1)
}
