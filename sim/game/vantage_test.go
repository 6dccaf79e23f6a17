package game

import (
	"math"
	"testing"

	"multihome.i2p/analysis/result"
)

// Attacks beside the netDb find what they are made for in simulated trials.
func TestVantages(t *testing.T) {
	for _, c := range []struct {
		name, text string
		found      []string
		counted    string
	}{
		{"four routers", `
question: Do a client, a floodfill and a fifth of the network tell four routers from one?
trials: 20
training: 20
duration: 3h
destination: {scheme: p140, routers: {count: 4, kind: java, fast_tier: swarm}, policy: per-router}
adversaries:
  - {name: client, vantage: client, attacks: [probe]}
  - {name: floodfill, vantage: floodfill, placement: targeted, attacks: [stores]}
  - {name: peer, vantage: peer, share: 0.3, attacks: [hops]}
reference: {scheme: single, routers: {count: 1}}
`, []string{"client.attack.probe", "floodfill.attack.stores", "peer.attack.hops"}, "client.attack.probe"},
		{"pinned bundles", `
question: Does a client see that carriers bundle their own leases?
trials: 20
training: 20
duration: 2h
destination: {scheme: p140, routers: {count: 4, kind: java, fast_tier: swarm}, policy: {name: per-router, bundle: pinned}}
adversaries: [{name: client, vantage: client, attacks: [bundle]}]
reference: {scheme: p140, routers: {count: 4, kind: java, fast_tier: swarm}, policy: {name: per-router, bundle: composed}}
`, []string{"client.attack.bundle"}, ""},
		{"an outage", `
question: Does who sees which routers are up see two of four fail?
trials: 20
training: 20
duration: 4h
destination: {scheme: p140, routers: {count: 4, kind: java, fast_tier: swarm}, policy: per-router}
faults:
  - {kind: crash, router: 1, at: 2h, for: 30m}
  - {kind: crash, router: 2, at: 2h, for: 30m}
adversaries: [{name: poller, every: 5m, routers: 1000, attacks: [uptime]}]
reference: {scheme: single, routers: {count: 1}}
`, []string{"poller.attack.uptime"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, c.text)
			res := run(t, s, Options{Workers: 2})
			at := "@" + hours(s.World.Duration)
			for _, name := range c.found {
				m := metric(t, res, 0, name+".auc"+at)
				t.Logf("%s: AUC %.3f [%.3f, %.3f]", name, m.Center, m.Lo, m.Hi)
				if m.Lo <= 0.8 {
					t.Errorf("%s: AUC %.3f [%.3f, %.3f], want the interval above 0.8", name, m.Center, m.Lo, m.Hi)
				}
			}
			if c.counted != "" {
				if m := metric(t, res, 0, c.counted+".count_accuracy"+at); m.Center < 0.9 {
					t.Errorf("%s counts %.2f of the trials right", c.counted, m.Center)
				}
			}
		})
	}
}

// Where one router stands with the core or without it, all of them are at a loss: the
// AUC lies within four standard errors of a guess.
func TestVantagesOfEqualSystems(t *testing.T) {
	s := parse(t, `
question: Do they tell the core over one router from that router?
trials: 60
training: 30
duration: 2h
destination: {scheme: p140, control_delay: 0s, routers: {count: 1, kind: java, fast_tier: swarm}, policy: single}
adversaries:
  - {name: client, vantage: client, routers: 200, attacks: [bundle, probe, uptime]}
  - {name: floodfill, vantage: floodfill, placement: targeted, attacks: [stores]}
  - {name: peer, vantage: peer, share: 0.3, attacks: [hops]}
reference: {scheme: single}
`)
	res := run(t, s, Options{Workers: 2})
	n := 0
	for name, m := range res.Summary.Cells[0].Metrics() {
		a, ok := result.ParseAttackMetric(name)
		if !ok || a.Measure != "auc" || a.Adversary == "" || a.Attack == result.BestAttack {
			continue
		}
		n++
		se := (m.Hi - m.Lo) / (2 * 1.96)
		t.Logf("%s: AUC %.3f [%.3f, %.3f]", name, m.Center, m.Lo, m.Hi)
		if math.Abs(m.Center-0.5) > 4*se {
			t.Errorf("%s: AUC %.3f [%.3f, %.3f]", name, m.Center, m.Lo, m.Hi)
		}
	}
	if n != 5 {
		t.Errorf("%d attacks judged, want 5", n)
	}
}
