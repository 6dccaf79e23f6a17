package learn

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/community"
	"gonum.org/v1/gonum/graph/iterator"
)

// An Edge of a graph without direction joins two nodes, numbered from 0.
type Edge struct {
	A, B   int
	Weight float64
}

// CoOccurrence returns the graph of how often two nodes are in the same set, such
// as two gateways in the same LeaseSet. A set of s nodes adds 1/(s−1) to each of
// its pairs, so that each membership of a node weighs the same, however large the
// set. A node that a set names twice counts once. Edges are in ascending order.
// It fails if a node is not in 0..nodes−1.
//
// Newman (2001), Scientific collaboration networks II, Phys. Rev. E 64:016132,
// for the weights.
func CoOccurrence(nodes int, sets [][]int) ([]Edge, error) {
	weight := make(map[[2]int]float64)
	for _, set := range sets {
		members := slices.Clone(set)
		slices.Sort(members)
		members = slices.Compact(members)
		for i, a := range members {
			if a < 0 || a >= nodes {
				return nil, failed("node %d of %d", a, nodes)
			}
			for _, b := range members[:i] {
				weight[[2]int{b, a}] += 1 / float64(len(members)-1)
			}
		}
	}
	edges := make([]Edge, 0, len(weight))
	for pair, w := range weight {
		edges = append(edges, Edge{pair[0], pair[1], w})
	}
	slices.SortFunc(edges, func(x, y Edge) int {
		if x.A != y.A {
			return x.A - y.A
		}
		return x.B - y.B
	})
	return edges, nil
}

// Communities are groups of nodes with more weight between them than chance would
// put there.
type Communities struct {
	Label []int // of each node, numbered from 0 in the order of their first nodes
	Count int
	// Q is the modularity: the share of weight within communities less what nodes
	// of the same strength, joined at random, would have there. It is above 0 for
	// random graphs too; compare it with theirs.
	Q float64
}

// Louvain finds the communities of a graph by Louvain's method, the best of some
// runs in random order. A larger resolution gives smaller communities; 1 is
// Newman's modularity. Edges that are given twice add up. A node without edges is
// a community of its own.
//
// It fails if an edge leads to a node that there is not or to itself, or its
// weight is negative or no number.
//
// Blondel, Guillaume, Lambiotte, Lefebvre (2008), Fast unfolding of communities in
// large networks, J. Stat. Mech. P10008; Reichardt, Bornholdt (2006), Phys. Rev. E
// 74:016110, for the resolution.
func Louvain(nodes int, edges []Edge, resolution float64, runs int, rng *rand.Rand) (Communities, error) {
	if nodes < 1 || runs < 1 || rng == nil {
		return Communities{}, failed("%d nodes, %d runs, random numbers: %v", nodes, runs, rng != nil)
	}
	if !(resolution > 0 && resolution <= hugeValue) {
		return Communities{}, failed("resolution %g", resolution)
	}
	g := &adjacency{near: make([][]weighted, nodes)}
	total, heaviest := 0.0, 0.0
	for _, e := range edges {
		heaviest = math.Max(heaviest, e.Weight)
	}
	for _, e := range edges {
		if min(e.A, e.B) < 0 || max(e.A, e.B) >= nodes || e.A == e.B {
			return Communities{}, failed("edge from %d to %d of %d nodes", e.A, e.B, nodes)
		}
		if !(e.Weight >= 0 && e.Weight <= math.MaxFloat64) {
			return Communities{}, failed("edge of weight %g", e.Weight)
		}
		if w := e.Weight / heaviest; w > 0 { // modularity knows ratios of weights only
			g.add(e.A, e.B, w)
			g.add(e.B, e.A, w)
			total += w
		}
	}
	best := Communities{Label: everyRow(nodes), Count: nodes}
	if !(total > 0) {
		return best, nil
	}
	for _, list := range g.near {
		slices.SortFunc(list, func(a, b weighted) int { return a.node - b.node })
	}
	for run := range runs {
		found := community.Modularize(g, resolution, rng).Communities()
		c := Communities{Label: make([]int, nodes)}
		for label, members := range found {
			for _, n := range members {
				c.Label[n.ID()] = label
			}
		}
		c.renumber()
		if c.Q = modularity(g, c, resolution); run == 0 || c.Q > best.Q+1e-12 {
			best = c
		}
	}
	return best, nil
}

func (c *Communities) renumber() {
	number := make(map[int]int)
	for i, l := range c.Label {
		if _, ok := number[l]; !ok {
			number[l] = len(number)
		}
		c.Label[i] = number[l]
	}
	c.Count = len(number)
}

// modularity sums in the order of nodes, which the library's own does not promise.
func modularity(g *adjacency, c Communities, resolution float64) float64 {
	inside, strength := make([]float64, c.Count), make([]float64, c.Count)
	total := 0.0
	for i, list := range g.near {
		for _, n := range list {
			strength[c.Label[i]] += n.weight
			total += n.weight
			if c.Label[n.node] == c.Label[i] {
				inside[c.Label[i]] += n.weight
			}
		}
	}
	q := 0.0
	for l := range inside {
		s := strength[l] / total
		q += inside[l]/total - resolution*s*s
	}
	return q
}

// adjacency is a graph whose nodes and edges come in a fixed order: the library's
// graphs are maps, and in their order the method would depend on the run.
type adjacency struct {
	near [][]weighted // of each node
}

type weighted struct {
	node   int
	weight float64
}

func (g *adjacency) add(a, b int, w float64) {
	for i := range g.near[a] {
		if g.near[a][i].node == b {
			g.near[a][i].weight += w
			return
		}
	}
	g.near[a] = append(g.near[a], weighted{b, w})
}

func (g *adjacency) find(a, b int64) (weighted, bool) {
	if !g.has(a) || !g.has(b) {
		return weighted{}, false
	}
	i, ok := slices.BinarySearchFunc(g.near[a], int(b), func(w weighted, n int) int { return w.node - n })
	if !ok {
		return weighted{}, false
	}
	return g.near[a][i], true
}

func (g *adjacency) has(id int64) bool { return id >= 0 && id < int64(len(g.near)) }

type vertex int64

// ID is part of graph.Node.
func (v vertex) ID() int64 { return int64(v) }

type link struct {
	from, to vertex
	weight   float64
}

// From is part of graph.WeightedEdge.
func (l link) From() graph.Node { return l.from }

// To is part of graph.WeightedEdge.
func (l link) To() graph.Node { return l.to }

// ReversedEdge is part of graph.WeightedEdge.
func (l link) ReversedEdge() graph.Edge { return link{l.to, l.from, l.weight} }

// Weight is part of graph.WeightedEdge.
func (l link) Weight() float64 { return l.weight }

// Node is part of graph.Graph.
func (g *adjacency) Node(id int64) graph.Node {
	if !g.has(id) {
		return nil
	}
	return vertex(id)
}

// Nodes is part of graph.Graph.
func (g *adjacency) Nodes() graph.Nodes {
	nodes := make([]graph.Node, len(g.near))
	for i := range nodes {
		nodes[i] = vertex(i)
	}
	return iterator.NewOrderedNodes(nodes)
}

// From is part of graph.Graph.
func (g *adjacency) From(id int64) graph.Nodes {
	if !g.has(id) || len(g.near[id]) == 0 {
		return graph.Empty
	}
	nodes := make([]graph.Node, len(g.near[id]))
	for i, w := range g.near[id] {
		nodes[i] = vertex(w.node)
	}
	return iterator.NewOrderedNodes(nodes)
}

// HasEdgeBetween is part of graph.Graph.
func (g *adjacency) HasEdgeBetween(a, b int64) bool {
	_, ok := g.find(a, b)
	return ok
}

// Edge is part of graph.Graph.
func (g *adjacency) Edge(a, b int64) graph.Edge {
	if w, ok := g.find(a, b); ok {
		return link{vertex(a), vertex(b), w.weight}
	}
	return nil
}

// EdgeBetween is part of graph.Undirected.
func (g *adjacency) EdgeBetween(a, b int64) graph.Edge { return g.Edge(a, b) }

// WeightedEdge is part of graph.Weighted.
func (g *adjacency) WeightedEdge(a, b int64) graph.WeightedEdge {
	if w, ok := g.find(a, b); ok {
		return link{vertex(a), vertex(b), w.weight}
	}
	return nil
}

// WeightedEdgeBetween is part of graph.WeightedUndirected.
func (g *adjacency) WeightedEdgeBetween(a, b int64) graph.WeightedEdge { return g.WeightedEdge(a, b) }

// Weight is part of graph.Weighted.
func (g *adjacency) Weight(a, b int64) (float64, bool) {
	w, ok := g.find(a, b)
	return w.weight, ok
}
