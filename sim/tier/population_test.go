package tier

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// falseAlarm is the number of standard errors that statistical tests allow:
// two-sided, one false alarm in 15,000 checks. Seeds are fixed.
const falseAlarm = 4

func network(t testing.TB, seed uint64) *Population {
	t.Helper()
	pop, err := NewPopulation(seed, DefaultPopulationConfig())
	if err != nil {
		t.Fatal(err)
	}
	return &pop
}

func TestPopulationShares(t *testing.T) {
	pop := network(t, 7)
	cfg := pop.Config()
	n := pop.Len()
	stable := cfg.Stable * (cfg.Reachable + (1-cfg.Reachable)/8)
	for _, c := range []struct {
		name string
		has  func(int32) bool
		want float64
	}{
		{"reachable", pop.Reachable, cfg.Reachable},
		{"ipv4", pop.IPv4, cfg.IPv4},
		{"ibgw", pop.IBGW, cfg.Reachable * cfg.IPv4},
		{"floodfill", pop.Floodfill, cfg.Floodfill},
		{"class L", func(id int32) bool { return pop.Class(id) == 'L' }, cfg.Classes[1]},
		{"class X", func(id int32) bool { return pop.Class(id) == 'X' }, cfg.Classes[6]},
		{"high bandwidth", pop.HighBandwidth, cfg.Classes[4] + cfg.Classes[5] + cfg.Classes[6]},
		{"family", func(id int32) bool { return pop.Family(id) > 0 }, cfg.Family},
		{"stable", pop.Stable, stable},
		{"low half of the hash", func(id int32) bool { return pop.HashWords(id)[0]>>63 == 0 }, 0.5},
		{"odd end of the hash", func(id int32) bool { return pop.HashWords(id)[3]&1 == 1 }, 0.5},
	} {
		got := 0
		for id := range int32(n) {
			if c.has(id) {
				got++
			}
		}
		se := math.Sqrt(c.want * (1 - c.want) / float64(n))
		if d := float64(got)/float64(n) - c.want; math.Abs(d) > falseAlarm*se {
			t.Errorf("%s: share %.4f, want %.4f ± %.4f", c.name, float64(got)/float64(n), c.want, falseAlarm*se)
		}
	}
}

func TestPopulationProperties(t *testing.T) {
	pop := network(t, 7)
	again := network(t, 7)
	other := network(t, 8)
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Int32Range(0, 60000).Draw(t, "id")
		if pop.HashWords(id) != again.HashWords(id) {
			t.Error("the hash is not a function of seed and id")
		}
		if pop.HashWords(id) == other.HashWords(id) {
			t.Error("another seed, the same hash")
		}
		if p := pop.Port(id); p < portFirst || p > portLast {
			t.Errorf("port %d", p)
		}
		if pop.Floodfill(id) && !pop.Reachable(id) {
			t.Error("an unreachable floodfill")
		}
		if pop.IBGW(id) != (pop.Reachable(id) && pop.IPv4(id)) {
			t.Error("IBGW is not reachable with IPv4")
		}
		if f := pop.Family(id); f < 0 || int(f) > pop.Len() {
			t.Errorf("family %d", f)
		}
	})
}

func TestPopulationHashesDiffer(t *testing.T) {
	pop := network(t, 7)
	seen := map[[4]uint64]bool{}
	nets := map[uint16]bool{}
	for id := range int32(pop.Len()) {
		seen[pop.HashWords(id)] = true
		nets[pop.Slash16(id)] = true
	}
	if len(seen) != pop.Len() {
		t.Errorf("%d hashes for %d routers", len(seen), pop.Len())
	}
	// 30,000 balls in 8,000 boxes leave 8,000*exp(-3.75) = 188 empty.
	if len(nets) < 7700 || len(nets) > 7900 {
		t.Errorf("%d different /16 networks, want about 7812", len(nets))
	}
}

func TestPopulationConfigValidate(t *testing.T) {
	for name, spoil := range map[string]func(*PopulationConfig){
		"no routers":      func(c *PopulationConfig) { c.Routers = 0 },
		"share above 1":   func(c *PopulationConfig) { c.Reachable = 1.1 },
		"not a number":    func(c *PopulationConfig) { c.IPv4 = math.NaN() },
		"floodfills":      func(c *PopulationConfig) { c.Floodfill = 0.7 },
		"no class":        func(c *PopulationConfig) { c.Classes = [7]float64{} },
		"negative class":  func(c *PopulationConfig) { c.Classes[2] = -1 },
		"networks":        func(c *PopulationConfig) { c.Slash16s = 0 },
		"infinite class":  func(c *PopulationConfig) { c.Classes[0] = math.Inf(1) },
		"half a relative": func(c *PopulationConfig) { c.FamilySize = 0.5 },
	} {
		cfg := DefaultPopulationConfig()
		spoil(&cfg)
		if _, err := NewPopulation(1, cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestI2pdCandidates(t *testing.T) {
	pop := network(t, 7)
	if e := DefaultI2pdEligible(pop); e != 4116 {
		t.Errorf("default of %d candidates, want 30000*0.56*0.98*0.25 = 4116", e)
	}
	for _, e := range []int{1, 500, 5000, pop.Len()} {
		c, err := NewI2pdCandidates(pop, e)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, pop.Len())
		for i := range e {
			id := c.At(i)
			if seen[id] {
				t.Fatalf("E = %d: candidate %d twice", e, id)
			}
			seen[id] = true
		}
	}
	for _, e := range []int{-1, pop.Len() + 1} {
		if _, err := NewI2pdCandidates(pop, e); err == nil {
			t.Errorf("%d candidates accepted", e)
		}
	}
}

// TestI2pdDrawUniform checks that every candidate is drawn equally often.
func TestI2pdDrawUniform(t *testing.T) {
	const e, draws = 500, 200000
	pop := network(t, 7)
	c, err := NewI2pdCandidates(pop, e)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	counts := map[int32]int{}
	for range draws {
		counts[c.Draw(rng)]++
	}
	if len(counts) != e {
		t.Fatalf("%d candidates seen, want %d", len(counts), e)
	}
	var chi float64
	const want = float64(draws) / e
	for _, n := range counts {
		chi += (float64(n) - want) * (float64(n) - want) / want
	}
	// Chi-squared with e-1 degrees of freedom, nearly normal.
	if z := (chi - (e - 1)) / math.Sqrt(2*(e-1)); math.Abs(z) > falseAlarm {
		t.Errorf("chi-squared %.0f for %d degrees of freedom", chi, e-1)
	}
}
