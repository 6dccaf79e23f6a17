package game

import (
	"context"
	_ "embed"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/result"
	"multihome.i2p/sim/scenario"
)

// strengthWorlds are leaks of stated size: what the suite reached on them is on
// record.
var strengthWorlds = []struct{ name, text string }{
	{"per-router-4-java-1h", `
question: Four Java routers on the default policy?
trials: 60
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"per-router-2-java-3h", `
question: Two Java routers on the default policy?
trials: 60
duration: 3h
destination: {scheme: p140, routers: {count: 2}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"per-router-2-i2pd-1h", `
question: Two i2pd routers on the default policy?
trials: 60
duration: 1h
destination: {scheme: p140, routers: {count: 2, kind: i2pd}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
`},
	{"skew-1s-3h", `
question: A clock that is a second ahead?
trials: 60
duration: 3h
destination: {scheme: p140, routers: [{clock_skew: 0s}, {clock_skew: 1s}], policy: per-router}
adversaries: [{name: poller, every: 1m}]
reference: {scheme: p140, routers: [{clock_skew: 0s}, {clock_skew: 0s}], policy: per-router}
`},
	{"outage-3h", `
question: A router of four that is down for twenty minutes?
trials: 60
duration: 3h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: poller, every: 1m}]
reference: {scheme: p140, routers: {count: 3}, policy: per-router}
faults: [{kind: crash, router: 4, at: 1h, for: 20m}]
`},
	{"client-probe-1h", `
question: Does a client find four routers by the sessions that they know?
trials: 30
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: client, vantage: client, attacks: [probe]}]
`},
	{"pinned-bundles-1h", `
question: Does a client see that carriers bundle their own leases?
trials: 30
duration: 1h
destination: {scheme: p140, routers: {count: 4}, policy: {name: per-router, bundle: pinned}}
adversaries: [{name: client, vantage: client, attacks: [bundle]}]
reference: {scheme: p140, routers: {count: 4}, policy: {name: per-router, bundle: composed}}
`},
	{"floodfill-stores-3h", `
question: Does the floodfill closest to the key find four routers?
trials: 30
duration: 3h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: floodfill, vantage: floodfill, placement: targeted, attacks: [stores]}]
`},
	{"peer-hops-2h", `
question: Do three in ten of the network's routers find four routers?
trials: 30
duration: 2h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
adversaries: [{name: peer, vantage: peer, share: 0.3, attacks: [hops]}]
`},
	{"shared-outage-3h", `
question: Does who sees which routers are up see two of four fail together?
trials: 30
duration: 3h
destination: {scheme: p140, routers: {count: 4}, policy: per-router}
faults:
  - {kind: crash, router: 1, at: 1h, for: 30m}
  - {kind: crash, router: 2, at: 1h, for: 30m}
adversaries: [{name: poller, every: 5m, routers: 1000, attacks: [uptime]}]
`},
}

// Reached is the AUC of one attack in one of the games on record, with its 95 %
// interval. Those without an adversary's name are of the first adversary over the
// whole observation.
type Reached struct {
	World, Attack string
	AUC, Lo, Hi   float64
}

//go:embed strength.csv
var strengthRecord string

// RecordedStrength is what the attacks reached when strength.csv was recorded:
// every AUC whose interval lay above 0.5.
func RecordedStrength() []Reached {
	rows, err := csv.NewReader(strings.NewReader(strengthRecord)).ReadAll()
	if err != nil || len(rows) == 0 {
		panic(fmt.Sprint("strength.csv: ", err)) // it is part of the program
	}
	var record []Reached
	for _, row := range rows[1:] {
		r := Reached{World: row[0], Attack: row[1]}
		for k, x := range []*float64{&r.AUC, &r.Lo, &r.Hi} {
			if *x, err = strconv.ParseFloat(row[2+k], 64); err != nil {
				panic(fmt.Sprint("strength.csv: ", err))
			}
		}
		record = append(record, r)
	}
	return record
}

// Strength plays the games on record and returns what the attacks reach now. The
// trials are the same each time: a difference to the record is a change of the
// program and no chance. The error is ErrStopped where ctx ended first.
func Strength(ctx context.Context, workers int, progress func(Progress)) ([]Reached, error) {
	var now []Reached
	for _, w := range strengthWorlds {
		s, err := scenario.Parse(w.name+".yaml", []byte(w.text), scenario.Names{Attacks: attack.Names()})
		if err != nil {
			return nil, err
		}
		res, err := Run(ctx, s, Options{Workers: workers, Progress: progress})
		if err != nil {
			return nil, err
		}
		cell := &res.Summary.Cells[0]
		for _, name := range attack.Names() {
			m, ok := cell.Metric(result.AttackMetric{Attack: name, Measure: "auc"}.Name())
			if ok {
				now = append(now, Reached{w.name, name, m.Center, m.Lo, m.Hi})
			}
		}
	}
	return now, nil
}

// A Shortfall is an attack that is weaker than its record; Now is NaN where it has
// gone.
type Shortfall struct {
	Record Reached
	Now    float64
}

// String says it in words.
func (s Shortfall) String() string {
	record := fmt.Sprintf("on record are %.3f [%.3f, %.3f]", s.Record.AUC, s.Record.Lo, s.Record.Hi)
	if math.IsNaN(s.Now) {
		return fmt.Sprintf("attack %s is gone from game %s, %s", s.Record.Attack, s.Record.World, record)
	}
	return fmt.Sprintf("attack %s reaches an AUC of %.3f in game %s, %s", s.Record.Attack, s.Now, s.Record.World, record)
}

// rounding is half of the last digit of the record.
const rounding = 0.0005

// Shortfalls compares what the attacks reach with a record: an AUC that lies below
// the interval on record, which is about two standard errors below its AUC, falls
// short. The worst comes first.
func Shortfalls(record, now []Reached) []Shortfall {
	var short []Shortfall
	for _, r := range record {
		i := slices.IndexFunc(now, func(n Reached) bool { return n.World == r.World && n.Attack == r.Attack })
		switch {
		case i < 0:
			short = append(short, Shortfall{r, math.NaN()})
		case !(now[i].AUC >= r.Lo-rounding):
			short = append(short, Shortfall{r, now[i].AUC})
		}
	}
	depth := func(s Shortfall) float64 {
		if math.IsNaN(s.Now) {
			return math.Inf(1)
		}
		return s.Record.Lo - s.Now
	}
	slices.SortStableFunc(short, func(a, b Shortfall) int {
		switch x, y := depth(a), depth(b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	return short
}
