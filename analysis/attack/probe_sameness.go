package attack

// A sameness says of pairs of nodes how likely they are on one router, in log odds
// that add up, and puts together those that are.
type sameness struct {
	nodes  int
	net    []float64 // of each pair of clusters; nodes × nodes
	parent []int32   // cluster of each node
	alive  []int32   // clusters that are left
	known  []bool    // nodes of which anything was said
}

const (
	// mostSame bounds the nodes, and with it the cost of contraction, which grows
	// with their cube: as many gateways as sixteen Java routers name in a day. Nodes
	// beyond it are of no cluster.
	mostSame = 192
	// leastSame is the least log odds at which clusters are one.
	leastSame = 2
	// leastApart is the least at which they differ: one message that was not answered
	// is enough only where next to none are lost.
	leastApart = 4
)

func newSameness(nodes int) *sameness {
	n := min(nodes, mostSame)
	g := &sameness{nodes: n, net: make([]float64, n*n), parent: make([]int32, n), known: make([]bool, n)}
	for i := range g.parent {
		g.parent[i] = int32(i)
	}
	return g
}

// add adds log odds to a pair of nodes.
func (g *sameness) add(a, b int32, odds float64) {
	if int(a) >= g.nodes || int(b) >= g.nodes || a == b {
		return
	}
	g.net[int(a)*g.nodes+int(b)] += odds
	g.net[int(b)*g.nodes+int(a)] += odds
	g.known[a], g.known[b] = true, true
}

func (g *sameness) between(a, b int32) float64 { return g.net[int(a)*g.nodes+int(b)] }

// contract joins the two clusters that are most likely one, until none are.
func (g *sameness) contract() {
	g.alive = g.alive[:0]
	for i, known := range g.known {
		if known {
			g.alive = append(g.alive, int32(i))
		}
	}
	best := make([]int32, g.nodes) // the cluster after it in alive that it is likeliest one with, -1 for none
	find := func(i int) {
		a := g.alive[i]
		best[a] = -1
		most := float64(leastSame)
		for _, b := range g.alive[i+1:] {
			if x := g.between(a, b); x > most {
				best[a], most = b, x
			}
		}
	}
	for i := range g.alive {
		find(i)
	}
	for {
		into, from := int32(-1), int32(-1)
		most := float64(leastSame)
		for _, a := range g.alive {
			if b := best[a]; b >= 0 {
				if x := g.between(a, b); x > most {
					into, from, most = a, b, x
				}
			}
		}
		if into < 0 {
			return
		}
		n := 0
		for _, c := range g.alive {
			if c == from {
				continue
			}
			if c != into {
				x := g.between(into, c) + g.between(from, c)
				g.net[int(into)*g.nodes+int(c)], g.net[int(c)*g.nodes+int(into)] = x, x
			}
			g.alive[n] = c
			n++
		}
		g.alive = g.alive[:n]
		for i := range g.parent {
			if g.parent[i] == from {
				g.parent[i] = into
			}
		}
		for i, c := range g.alive {
			// A row is looked through again if it changed for the worse, or stood on
			// what is gone.
			switch {
			case c == into || best[c] == from || best[c] == into:
				find(i)
			case c < into && g.between(c, into) > leastSame && (best[c] < 0 || g.between(c, into) > g.between(c, best[c])):
				best[c] = into
			}
		}
	}
}

// cluster is the cluster of a node, -1 for those of which nothing is known.
func (g *sameness) cluster(node int32) int32 {
	if int(node) >= g.nodes || !g.known[node] {
		return -1
	}
	return g.parent[node]
}

// clusters is how many clusters there are.
func (g *sameness) clusters() int { return len(g.alive) }

// apart picks clusters, in the order given, of which each two are known to differ.
func (g *sameness) apart(order []int32) []int32 {
	var picked []int32
	for _, c := range order {
		apart := true
		for _, d := range picked {
			apart = apart && g.between(c, d) < -leastApart
		}
		if apart {
			picked = append(picked, c)
		}
	}
	return picked
}
