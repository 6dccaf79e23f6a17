package learn

import (
	"errors"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/community"
	"pgregory.net/rapid"
)

// karate is Zachary's karate club (1977), nodes from 1; the best modularity known
// is 0.4198 in four communities.
var karate = [][2]int{
	{1, 2},
	{1, 3},
	{2, 3},
	{1, 4},
	{2, 4},
	{3, 4},
	{1, 5},
	{1, 6},
	{1, 7},
	{5, 7},
	{6, 7},
	{1, 8},
	{2, 8},
	{3, 8},
	{4, 8},
	{1, 9},
	{3, 9},
	{3, 10},
	{1, 11},
	{5, 11},
	{6, 11},
	{1, 12},
	{1, 13},
	{4, 13},
	{1, 14},
	{2, 14},
	{3, 14},
	{4, 14},
	{6, 17},
	{7, 17},
	{1, 18},
	{2, 18},
	{1, 20},
	{2, 20},
	{1, 22},
	{2, 22},
	{24, 26},
	{25, 26},
	{3, 28},
	{24, 28},
	{25, 28},
	{3, 29},
	{24, 30},
	{27, 30},
	{2, 31},
	{9, 31},
	{1, 32},
	{25, 32},
	{26, 32},
	{29, 32},
	{3, 33},
	{9, 33},
	{15, 33},
	{16, 33},
	{19, 33},
	{21, 33},
	{23, 33},
	{24, 33},
	{30, 33},
	{31, 33},
	{32, 33},
	{9, 34},
	{10, 34},
	{14, 34},
	{15, 34},
	{16, 34},
	{19, 34},
	{20, 34},
	{21, 34},
	{23, 34},
	{24, 34},
	{27, 34},
	{28, 34},
	{29, 34},
	{30, 34},
	{31, 34},
	{32, 34},
	{33, 34},
}

func TestLouvainKarate(t *testing.T) {
	edges := make([]Edge, len(karate))
	for i, e := range karate {
		edges[i] = Edge{e[0] - 1, e[1] - 1, 2.5}
	}
	first, err := Louvain(34, edges, 1, 20, newRand(1))
	if err != nil {
		t.Fatal(err)
	}
	if first.Q < 0.4188 || first.Q > 0.4199 || first.Count != 4 {
		t.Errorf("Q %.4f in %d communities, want 0.4198 in 4", first.Q, first.Count)
	}
	for range 5 {
		again, err := Louvain(34, edges, 1, 20, newRand(1))
		if err != nil {
			t.Fatal(err)
		}
		if again.Q != first.Q || !slices.Equal(again.Label, first.Label) {
			t.Error("not the same again")
		}
	}
}

// TestLouvainPlanted: gateways of two slices, drawn together into LeaseSets of one
// router each.
func TestLouvainPlanted(t *testing.T) {
	rng := newRand(81)
	var sets [][]int
	for i := range 40 {
		set := make([]int, 6)
		for j := range set {
			set[j] = rng.IntN(10) + 10*(i%2)
		}
		sets = append(sets, set)
	}
	edges, err := CoOccurrence(21, sets)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Louvain(21, edges, 1, 5, rng)
	if err != nil {
		t.Fatal(err)
	}
	if c.Count != 3 || math.Abs(c.Q-0.5) > 0.01 { // the last node is in no set
		t.Errorf("%+v", c)
	}
	for i, l := range c.Label[:20] {
		if l != i/10 {
			t.Errorf("node %d in community %d", i, l)
		}
	}
}

func TestCoOccurrence(t *testing.T) {
	edges, err := CoOccurrence(5, [][]int{{3, 1, 1}, {1, 2, 3}, {4}, nil})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Edge{{1, 2, 0.5}, {1, 3, 1.5}, {2, 3, 0.5}}; !slices.Equal(edges, want) {
		t.Errorf("%v, want %v", edges, want)
	}
}

func TestLouvainProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 15).Draw(t, "nodes")
		weight := rapid.SampledFrom([]float64{0, 1, 2.5, 1e-300, 5e-324, 1e308, math.MaxFloat64})
		var edges []Edge
		for range rapid.IntRange(0, 30).Draw(t, "edges") {
			e := Edge{rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b"), weight.Draw(t, "weight")}
			if e.A != e.B {
				edges = append(edges, e)
			}
		}
		resolution := rapid.SampledFrom([]float64{1e-9, 0.5, 1, 3, 1e9}).Draw(t, "resolution")
		c, err := Louvain(n, edges, resolution, 2, newRand(1))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Label) != n || c.Count != slices.Max(c.Label)+1 || !isFinite(c.Q) {
			t.Fatalf("%+v", c)
		}
		// Against the library's own modularity.
		g := &adjacency{near: make([][]weighted, n)}
		heaviest, some := 0.0, false
		for _, e := range edges {
			heaviest = math.Max(heaviest, e.Weight)
		}
		for _, e := range edges {
			if w := e.Weight / heaviest; w > 0 {
				some = true
				g.add(e.A, e.B, w)
				g.add(e.B, e.A, w)
			}
		}
		if !some {
			return
		}
		for _, list := range g.near {
			slices.SortFunc(list, func(a, b weighted) int { return a.node - b.node })
		}
		parts := make([][]graph.Node, c.Count)
		for i, l := range c.Label {
			parts[l] = append(parts[l], vertex(i))
		}
		if want := community.Q(g, parts, resolution); math.Abs(c.Q-want) > 1e-9*math.Max(1, resolution) {
			t.Fatalf("Q %g, want %g", c.Q, want)
		}
	})
	for name, err := range map[string]error{
		"loop":       second(Louvain(2, []Edge{{1, 1, 1}}, 1, 1, newRand(1))),
		"beyond":     second(Louvain(2, []Edge{{0, 2, 1}}, 1, 1, newRand(1))),
		"negative":   second(Louvain(2, []Edge{{0, 1, -1}}, 1, 1, newRand(1))),
		"no number":  second(Louvain(2, []Edge{{0, 1, math.NaN()}}, 1, 1, newRand(1))),
		"resolution": second(Louvain(2, nil, 0, 1, newRand(1))),
		"no nodes":   second(Louvain(0, nil, 1, 1, newRand(1))),
		"no source":  second(Louvain(2, nil, 1, 1, nil)),
		"member":     second(CoOccurrence(2, [][]int{{0, 2}})),
	} {
		if !errors.Is(err, ErrTraining) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkLouvain(b *testing.B) {
	rng := newRand(1)
	var sets [][]int
	for i := range 100 {
		set := make([]int, 16)
		for j := range set {
			set[j] = rng.IntN(25) + 25*(i%4)
		}
		sets = append(sets, set)
	}
	edges, err := CoOccurrence(100, sets)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Louvain(100, edges, 1, 5, rng); err != nil {
			b.Fatal(err)
		}
	}
}
