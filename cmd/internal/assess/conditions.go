package assess

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
)

// conditions are what a simulated population must have in common with a trace
// before their numbers can be compared: how many leases there are to see, for how
// long and how often they were looked at.
type conditions struct {
	leases   int
	observed time.Duration
	every    time.Duration // between two looks
}

// The steps to which times are rounded, so that traces of about the same length
// share a population, and its cache.
var (
	observedSteps = []time.Duration{time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	everySteps    = []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}
)

// maxEvery is the longest time between looks that is still compared.
const maxEvery = 90 * time.Minute

// minReferenceSets is the smallest number of distinct LeaseSets that is compared:
// of simulated Java routers, one or several on 16 leases, two in three are told
// with 12 LeaseSets, however long they took; half of them with 6, four in five with
// 18, nine in ten with 36. With fewer than 12, nearly every trace would stay
// undecided after the time it took to simulate for it.
const minReferenceSets = 12

// maxStockLeases is the most that the LeaseSet of a stock router lists.
const maxStockLeases = 16

// unfit says why there is no population for a trace.
type unfit struct {
	why string
	// few: the trace is too short for any verdict; otherwise the untrained attacks
	// may still judge it.
	few bool
}

// conditionsOf returns what the population for a trace must be like, and the part
// of the trace that it is compared with.
func conditionsOf(tr *trace.Trace) (conditions, *attack.Evidence, *unfit) {
	var c conditions
	if v := tr.Header.Vantage; v != trace.VantageNetDb {
		return c, nil, &unfit{why: fmt.Sprintf("no reference is simulated for the vantage point %s, only for netdb", v)}
	}
	gap := lookGap(tr)
	if gap > maxEvery {
		return c, nil, &unfit{why: fmt.Sprintf("no reference is simulated for looks that are %s apart; look at least once an hour", short(gap))}
	}
	c.every = everySteps[0]
	for _, step := range everySteps {
		// The nearest by ratio: 2 minutes are nearer to 1 than to 5.
		if float64(gap)/float64(c.every) > float64(step)/float64(gap) {
			c.every = step
		}
	}
	span := time.Duration(tr.Span()) * time.Millisecond
	for _, step := range observedSteps {
		// Whoever looks every 10 minutes for a day has looked last 10 minutes before
		// its end.
		if step <= span+max(gap, c.every) {
			c.observed = step
		}
	}
	horizon := c.observed
	if horizon == 0 {
		horizon = observedSteps[0]
	}
	e := attack.Gather(tr, horizon.Milliseconds()-1)
	n := len(e.LeaseSets)
	if c.observed == 0 || n < minReferenceSets {
		return c, nil, &unfit{few: true, why: fmt.Sprintf("%s in %s do not suffice: at least %d in an hour or more are needed",
			count(n, "distinct LeaseSet"), short(time.Duration(e.SpanMs)*time.Millisecond), minReferenceSets)}
	}
	sizes := make([]int, n)
	for i := range e.LeaseSets {
		sizes[i] = len(e.LeaseSets[i].Gateways)
	}
	slices.Sort(sizes)
	c.leases = sizes[n/2]
	switch {
	case c.leases > maxStockLeases:
		return c, nil, &unfit{why: fmt.Sprintf("no reference is simulated for %d leases: a stock router lists at most %d", c.leases, maxStockLeases)}
	case c.leases < 2:
		return c, nil, &unfit{why: "no reference is simulated for LeaseSets of one lease"}
	}
	return c, e, nil
}

// lookGap is the median time between two looks at the same floodfill. A trace
// without looks is one of what was published, in which nothing was missed: that is
// looking often.
func lookGap(tr *trace.Trace) time.Duration {
	last := map[trace.Hash]int64{}
	var gaps []int64
	for i := range tr.Records {
		r := &tr.Records[i]
		if r.Kind != trace.KindLookup && r.Kind != trace.KindPoll {
			continue
		}
		if before, ok := last[r.Floodfill]; ok && r.TimeMs > before {
			gaps = append(gaps, r.TimeMs-before)
		}
		last[r.Floodfill] = r.TimeMs
	}
	if len(gaps) == 0 {
		return everySteps[0]
	}
	slices.Sort(gaps)
	return time.Duration(gaps[len(gaps)/2]) * time.Millisecond
}

// routerCounts are the numbers of several routers that are simulated: all of the
// small ones, which people run. Each router needs a lease.
func (c conditions) routerCounts() []int {
	return slices.DeleteFunc([]int{2, 3, 4, 6, 8, 12, 16}, func(k int) bool { return k > c.leases })
}

// kinds are the kinds of router that are simulated.
var kinds = []string{"java", "i2pd"}

// kindName names a kind in sentences.
func kindName(kind string) string {
	if kind == "java" {
		return "Java"
	}
	return kind
}

// scenarioText is the scenario whose worlds make the population of one kind: the
// cells of the sweep, and the reference, one stock router.
func (c conditions) scenarioText(kind string) string {
	counts := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(c.routerCounts())), ", "), "[]")
	return fmt.Sprintf(`question: What does the netDb show of one stock %s router, and of several?
seed: 140
duration: %s
warmup: 3h
destination:
  scheme: p140
  leases: %d
  routers: {count: 2, kind: %s}
  policy: {name: per-router, imitate: %s}
adversaries:
  - {name: poller, vantage: netdb, every: %s, attacks: [combined]}
reference: {scheme: single, routers: {count: 1}}
sweep: {destination.routers.count: [%s]}
`, kindName(kind), short(c.observed), c.leases, kind, kind, short(c.every), counts)
}

// String says the conditions in a sentence.
func (c conditions) String() string {
	return fmt.Sprintf("%d leases, %s polled every %s", c.leases, spaced(c.observed), spaced(c.every))
}

// short writes a duration without the zeros at its end, as scenarios do.
func short(d time.Duration) string {
	text := d.Round(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// spaced writes a step as a sentence does.
func spaced(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}
