package game

import (
	"encoding/json"
	"math"
	"slices"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/sim"
)

// worker owns the memory of one trial at a time.
type worker struct {
	world   *sim.World
	outcome sim.Outcome
	attacks map[string]attack.Attack // untrained, by name
}

// minutesPerBin is the width of the bins of load over time.
const minutesPerBin = 10

// trialMetric is a metric that every trial has a value of.
type trialMetric struct {
	name string
	unit string
	// share: the value lies from 0 to 1.
	share bool
	value func(*sim.Truth) float64
}

// trialMetrics are reduced to their mean over the trials. A value of NaN says
// that the trial has none.
var trialMetrics = []trialMetric{
	{"leaseset_publishes_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.Publishes, 10*sim.Minute) }},
	{"tunnels_built_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.Inbound, 10*sim.Minute) }},
	{"floodfill_stores_per_s", "1/s", false, func(t *sim.Truth) float64 { return per(t, t.Stores, sim.Second) }},
	{"floodfill_floods_per_s", "1/s", false, func(t *sim.Truth) float64 { return per(t, t.Floods, sim.Second) }},
	{"floodfill_lookups_per_s", "1/s", false, func(t *sim.Truth) float64 { return per(t, t.Lookups-t.Polls, sim.Second) }},
	{"floodfill_verifications_per_s", "1/s", false, func(t *sim.Truth) float64 { return per(t, t.Verifications, sim.Second) }},
	{"floodfill_mean_messages_per_s", "1/s", false, func(t *sim.Truth) float64 {
		return per(t, t.Stores+t.Floods+t.Lookups, sim.Second) / float64(t.FloodfillsInAll)
	}},
	{"floodfill_busiest_messages_per_s", "1/s", false, func(t *sim.Truth) float64 {
		return per(t, busiest(t, func(f *sim.FloodfillCounts) int64 { return f.Stores + f.Floods + f.Lookups }), sim.Second)
	}},
	{"floodfill_busiest_bytes_per_s", "B/s", false, func(t *sim.Truth) float64 {
		return per(t, busiest(t, func(f *sim.FloodfillCounts) int64 { return f.Bytes }), sim.Second)
	}},
	{"floods_throttled_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.Throttled, 10*sim.Minute) }},
	{"acks_astray_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.AcksAstray, 10*sim.Minute) }},
	{"store_timeouts_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.StoreTimeouts, 10*sim.Minute) }},
	{"netdb_tunnel_messages_per_10min", "1/10min", false, func(t *sim.Truth) float64 { return per(t, t.TunnelMessages, 10*sim.Minute) }},
	{"netdb_bytes_per_10min", "B/10min", false, func(t *sim.Truth) float64 { return per(t, t.Bytes, 10*sim.Minute) }},
	{"leases_per_leaseset", "leases", false, func(t *sim.Truth) float64 { return positive(t.MeanLeases()) }},
	{"distinct_ibgw_per_leaseset", "routers", false, func(t *sim.Truth) float64 { return positive(t.MeanIBGW()) }},
	{"distinct_ibgw_total", "routers", false, func(t *sim.Truth) float64 { return float64(t.DistinctIBGW) }},
	{"ibgw_candidates", "routers", false, func(t *sim.Truth) float64 {
		return routerMean(t, func(r *sim.RouterTruth) (int64, bool) { return r.Candidates, true })
	}},
	{"fast_tier_size", "routers", false, func(t *sim.Truth) float64 {
		return routerMean(t, func(r *sim.RouterTruth) (int64, bool) { return r.FastTier, r.HasTier })
	}},
	{"availability", "share", true, func(t *sim.Truth) float64 { return ratio(t.Live, t.Samples) }},
	{"subs_revealed", "sub-Destinations", false, func(t *sim.Truth) float64 {
		if t.MetaPublished == 0 && t.Entries == 0 {
			return math.NaN()
		}
		return ratio(t.Entries, t.Samples)
	}},
	{"dead_entry_share", "share", true, func(t *sim.Truth) float64 { return ratio(t.DeadEntries, t.Entries) }},
	{"meta_publishes_per_10min", "1/10min", false, func(t *sim.Truth) float64 {
		if t.MetaPublished == 0 && t.Entries == 0 {
			return math.NaN()
		}
		return per(t, t.MetaPublished, 10*sim.Minute)
	}},
	{"dead_lease_share", "share", true, func(t *sim.Truth) float64 { return ratio(t.Dead, t.Listed) }},
	{"failover_s", "s", false, meanFailover},
	{"router_load_jain", "1", true, jain},
	{"tunnel_builds_per_h", "1/h", false, func(t *sim.Truth) float64 { return per(t, t.Builds, sim.Hour) }},
	{"delivery", "share", true, func(t *sim.Truth) float64 { return ratio(t.Clients.Delivered, t.Clients.Sent) }},
	{"first_contact_success", "share", true, func(t *sim.Truth) float64 {
		return ratio(t.Clients.FirstAnswered, t.Clients.FirstContacts)
	}},
	{"stream_survival", "share", true, func(t *sim.Truth) float64 { return ratio(t.Clients.Survived, t.Clients.Streams) }},
	{"lease_switch_stall_s", "s", false, func(t *sim.Truth) float64 {
		return ratio(int64(t.Clients.Stalled), t.Clients.Switches) / float64(sim.Second)
	}},
	{"lease_switch_stall_max_s", "s", false, func(t *sim.Truth) float64 {
		if t.Clients.Switches == 0 {
			return math.NaN()
		}
		return t.Clients.StallMax.Seconds()
	}},
	{"client_failover_s", "s", false, clientFailover},
	{"client_failover_5s", "share", true, func(t *sim.Truth) float64 { return soonAgain(t, 5*sim.Second) }},
	{"client_failover_100s", "share", true, func(t *sim.Truth) float64 { return soonAgain(t, 100*sim.Second) }},
}

// clientFailover is the median time until a lost router's clients were answered
// again; of those that never were there may be as many as half.
func clientFailover(t *sim.Truth) float64 {
	var after []sim.Time
	for i := range t.Clients.Strikes {
		after = append(after, t.Clients.Strikes[i].After)
	}
	if len(after) == 0 {
		return math.NaN()
	}
	slices.Sort(after)
	if m := after[(len(after)-1)/2]; m != sim.Never {
		return m.Seconds()
	}
	return math.NaN()
}

// soonAgain is the share of a lost router's clients that were answered again within
// a time, of those that were watched so long.
func soonAgain(t *sim.Truth, within sim.Time) float64 {
	var n, soon int64
	for i := range t.Clients.Strikes {
		s := &t.Clients.Strikes[i]
		switch {
		case s.After <= within:
			n, soon = n+1, soon+1
		case s.After != sim.Never || s.Watched >= within:
			n++
		}
	}
	return ratio(soon, n)
}

func per(t *sim.Truth, n int64, span sim.Time) float64 {
	return float64(n) * float64(span) / float64(t.Observed)
}

// busiest is the load of the floodfill that has the most.
func busiest(t *sim.Truth, load func(*sim.FloodfillCounts) int64) int64 {
	most := int64(0)
	for i := range t.Floodfills {
		most = max(most, load(&t.Floodfills[i]))
	}
	return most
}

func ratio(n, d int64) float64 {
	if d == 0 {
		return math.NaN()
	}
	return float64(n) / float64(d)
}

func positive(x float64) float64 {
	if x > 0 {
		return x
	}
	return math.NaN()
}

// routerMean is the mean of a field over the routers that have it.
func routerMean(t *sim.Truth, field func(*sim.RouterTruth) (int64, bool)) float64 {
	var sum, n int64
	for i := range t.Routers {
		if x, ok := field(&t.Routers[i]); ok {
			sum += x
			n += t.Routers[i].Samples
		}
	}
	return ratio(sum, n)
}

func meanFailover(t *sim.Truth) float64 {
	if len(t.Failovers) == 0 {
		return math.NaN()
	}
	var sum sim.Time
	for _, d := range t.Failovers {
		sum += d
	}
	return sum.Seconds() / float64(len(t.Failovers))
}

// jain is Jain's fairness index of the routers' tunnels (Jain, Chiu and Hawe,
// 1984).
func jain(t *sim.Truth) float64 {
	var sum, squares float64
	for i := range t.Routers {
		x := float64(t.Routers[i].Tunnels)
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return math.NaN()
	}
	return sum * sum / (float64(len(t.Routers)) * squares)
}

// simulate plays a trial and leaves its outcome in the worker.
func (w *worker) simulate(p *plan, id TrialID, stop func() bool) error {
	w.world.Stop = stop
	return w.world.Run(p.units[p.unitOf(id)].world, id.seed(p.scenario.Seed), &w.outcome)
}

// observe reduces a trial to its record. What it keeps does not depend on what
// the attacks learn.
func (w *worker) observe(p *plan, id TrialID) (*record, error) {
	r := &record{ID: id}
	var seen sights
	for _, l := range p.units[p.unitOf(id)].looks {
		a, err := w.untrained(l.attack)
		if err != nil {
			return nil, err
		}
		f := a.Observe(seen.at(w, l))
		if id.Set == Training {
			r.Vectors = append(r.Vectors, f.Vector)
			continue
		}
		reading := attack.Read(a, &f)
		r.Vectors = append(r.Vectors, reading.Vector)
		r.Own = append(r.Own, verdict{reading.Score, reading.Routers})
	}
	if id.Set == Test {
		w.measure(r)
	}
	return r, nil
}

// untrained returns an attack that has learned nothing.
func (w *worker) untrained(name string) (attack.Attack, error) {
	if a := w.attacks[name]; a != nil {
		return a, nil
	}
	a, err := attack.New(name)
	if err != nil {
		return nil, err
	}
	if w.attacks == nil {
		w.attacks = make(map[string]attack.Attack)
	}
	w.attacks[name] = a
	return a, nil
}

// measure keeps the metrics of a test trial.
func (w *worker) measure(r *record) {
	t := &w.outcome.Truth
	for _, m := range trialMetrics {
		r.Values = append(r.Values, m.value(t))
	}
	last := 0
	for k, n := range t.IBGWCounts {
		if n > 0 {
			last = k
		}
	}
	r.Distinct = append(r.Distinct, t.IBGWCounts[:last+1]...)
	r.Growth = append(r.Growth, t.Accumulation...)
	// Whole bins only: the last minutes of an observation that is no multiple
	// of ten would look like a drop.
	bins := int(t.Observed / (minutesPerBin * sim.Minute))
	r.Load = make([]int64, bins)
	for k := range t.PerMinute {
		if bin := k / minutesPerBin; bin < bins {
			r.Load[bin] += int64(t.PerMinute[k].Messages)
		}
	}
	for i := range t.Routers {
		if q := &t.Routers[i]; q.HasTier {
			r.Tiers = append(r.Tiers, ratio(q.FastTier, q.Samples))
		}
	}
}

// sights keep the evidence of a trial, which all attacks share.
type sights map[sight]*attack.Evidence

type sight struct {
	adversary int
	horizon   sim.Time
}

func (s *sights) at(w *worker, l look) *attack.Evidence {
	key := sight{l.adversary, l.horizon}
	e := (*s)[key]
	if e == nil {
		if *s == nil {
			*s = make(sights)
		}
		e = attack.Gather(&w.outcome.Traces[l.adversary], horizonMs(l))
		(*s)[key] = e
	}
	return e
}

func horizonMs(l look) int64 {
	if l.full {
		return 0
	}
	return int64(l.horizon / sim.Millisecond)
}

// truthRecord is a trial's line in truth.jsonl.
type truthRecord struct {
	Arm     string     `json:"arm"`
	Cell    int        `json:"cell"`
	Trial   int        `json:"trial"`
	Routers int        `json:"routers"`
	Scheme  string     `json:"scheme"`
	Truth   *sim.Truth `json:"truth"`
}

func (w *worker) truth(p *plan, id TrialID) ([]byte, error) {
	d := &p.units[p.unitOf(id)].world.Destination
	return json.Marshal(truthRecord{
		Arm: string(id.Arm), Cell: id.Cell, Trial: id.Trial,
		Routers: len(d.Routers), Scheme: string(d.Scheme), Truth: &w.outcome.Truth,
	})
}
