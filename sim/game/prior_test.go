package game

import "testing"

// TestPriorRules: who takes four routers for impossible never names them, whatever
// the trace shows.
func TestPriorRules(t *testing.T) {
	count := func(prior string) float64 {
		res := run(t, parse(t, `
question: One or four?
trials: 10
training: 10
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m, attacks: [posterior], prior: `+prior+`}]
`), Options{Workers: 2})
		m, _ := res.Summary.Cells[0].Metric("attack.posterior.count_accuracy")
		return m.Center
	}
	if got := count("uniform"); got < 0.9 {
		t.Errorf("a uniform prior: %.2f of 20 traces counted right", got)
	}
	if got := count("[1, 1]"); got != 0.5 {
		t.Errorf("a prior without four routers: %.2f of 20 traces counted right, want the half with one", got)
	}
}
