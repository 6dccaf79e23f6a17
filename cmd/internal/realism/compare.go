package realism

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/sim"
)

// A Window is the part of a Destination's life that is looked at: from so long
// after its session was opened until its recording ends, by a poll every so often.
type Window struct {
	From, Until, Every time.Duration
}

// A Trial is one Destination, real or simulated.
type Trial struct {
	Router  int // real ones of one router are no independent trials; simulated: its own number
	Metrics []float64
	Vectors [][]float64 // of the attacks
	found   []attack.Features
}

// A metric is a number that a poller can tell of a Destination.
type metric struct {
	name  string
	value func(*look) float64
}

// look is what metrics are made from: the LeaseSets of a trace, each once, by
// their first sighting.
type look struct {
	sets    []*trace.Record
	minutes float64
	polls   int // rounds
	split   int // of them, those in which two floodfills held different LeaseSets
	behind  float64
}

func newLook(tr *trace.Trace) *look {
	l := &look{}
	type key struct {
		published int64
		tunnels   string
	}
	seen := make(map[key]bool)
	var versions []int64
	flush := func() {
		if len(versions) > 0 {
			l.polls++
			if slices.Min(versions) != slices.Max(versions) {
				l.split++
			}
		}
		versions = versions[:0]
	}
	at := int64(-1)
	for i := range tr.Records {
		r := &tr.Records[i]
		if r.TimeMs != at {
			flush()
			at = r.TimeMs
		}
		if r.Kind != trace.KindLookup {
			continue
		}
		versions = append(versions, r.Published)
		l.behind += float64(r.TimeMs)/1000 - float64(r.Published)
		k := key{r.Published, fmt.Sprint(r.Leases)}
		if !seen[k] {
			seen[k] = true
			l.sets = append(l.sets, r)
		}
	}
	flush()
	n := 0
	for i := range tr.Records {
		if tr.Records[i].Kind == trace.KindLookup {
			n++
		}
	}
	l.behind /= float64(max(n, 1))
	l.minutes = float64(tr.Span()) / 60000
	return l
}

// mean is the mean of a number over the LeaseSets.
func mean(f func(*trace.Record) float64) func(*look) float64 {
	return func(l *look) float64 {
		sum := 0.0
		for _, r := range l.sets {
			sum += f(r)
		}
		return sum / float64(len(l.sets))
	}
}

func distinctGateways(r *trace.Record) int {
	seen := make(map[trace.Hash]bool)
	for _, l := range r.Leases {
		seen[l.Gateway] = true
	}
	return len(seen)
}

func ends(r *trace.Record) []int64 {
	var list []int64
	for _, l := range r.Leases {
		list = append(list, l.EndMs/1000)
	}
	slices.Sort(list)
	return list
}

// bursts counts the groups of ends that are more than 5 s apart: i2pd gives a
// lease up to two seconds more as it grows older, which is not what is meant.
func bursts(r *trace.Record) float64 {
	n := 1
	list := ends(r)
	for i := 1; i < len(list); i++ {
		if list[i]-list[i-1] > 5 {
			n++
		}
	}
	return float64(n)
}

var metrics = []metric{
	{"versions seen in 10 min", func(l *look) float64 { return float64(len(l.sets)) / l.minutes * 10 }},
	{"time between two versions, s", func(l *look) float64 {
		n := len(l.sets)
		if n < 2 {
			return math.NaN()
		}
		return float64(l.sets[n-1].Published-l.sets[0].Published) / float64(n-1)
	}},
	{"leases of a LeaseSet", mean(func(r *trace.Record) float64 { return float64(len(r.Leases)) })},
	{"distinct gateways of a LeaseSet", mean(func(r *trace.Record) float64 { return float64(distinctGateways(r)) })},
	{"distinct gateways for each lease", mean(func(r *trace.Record) float64 {
		return float64(distinctGateways(r)) / float64(len(r.Leases))
	})},
	{"gateways not in the LeaseSet before, share", func(l *look) float64 {
		before := make(map[trace.Hash]bool)
		sum := 0.0
		for i, r := range l.sets {
			fresh := 0
			for _, x := range r.Leases {
				if !before[x.Gateway] {
					fresh++
				}
			}
			if i > 0 {
				sum += float64(fresh) / float64(len(r.Leases))
			}
			clear(before)
			for _, x := range r.Leases {
				before[x.Gateway] = true
			}
		}
		return sum / float64(len(l.sets)-1)
	}},
	{"distinct gateways in all", func(l *look) float64 {
		seen := make(map[trace.Hash]bool)
		for _, r := range l.sets {
			for _, x := range r.Leases {
				seen[x.Gateway] = true
			}
		}
		return float64(len(seen))
	}},
	{"tunnels in all", func(l *look) float64 {
		seen := make(map[trace.Lease]bool)
		for _, r := range l.sets {
			for _, x := range r.Leases {
				seen[trace.Lease{Gateway: x.Gateway, Tunnel: x.Tunnel}] = true
			}
		}
		return float64(len(seen))
	}},
	{"new tunnels at a gateway of before, share", func(l *look) float64 {
		gateways, tunnels := make(map[trace.Hash]bool), make(map[trace.Lease]bool)
		again, fresh := 0, 0
		for i, r := range l.sets {
			for _, x := range r.Leases {
				t := trace.Lease{Gateway: x.Gateway, Tunnel: x.Tunnel}
				if !tunnels[t] && i > 0 {
					fresh++
					if gateways[x.Gateway] {
						again++
					}
				}
				tunnels[t] = true
			}
			for _, x := range r.Leases {
				gateways[x.Gateway] = true
			}
		}
		return float64(again) / float64(fresh)
	}},
	{"age of the newest lease at publication, s", mean(func(r *trace.Record) float64 {
		return float64(r.Published + 600 - slices.Max(ends(r)))
	})},
	{"time left of the oldest lease, s", mean(func(r *trace.Record) float64 { return float64(slices.Min(ends(r)) - r.Published) })},
	{"bursts of ends in a LeaseSet", mean(bursts)},
	{"LeaseSets in order of falling ends, share", mean(func(r *trace.Record) float64 {
		for i := 1; i < len(r.Leases); i++ {
			if r.Leases[i].EndMs > r.Leases[i-1].EndMs {
				return 0
			}
		}
		return 1
	})},
	{"age of a LeaseSet when seen, s", func(l *look) float64 { return l.behind }},
	{"polls that met two versions, share", func(l *look) float64 { return float64(l.split) / float64(l.polls) }},
}

// suite lists the attacks: those of an observer of the netDb who sees neither the
// number of routers nor which of them are up.
func suite() []string {
	return slices.DeleteFunc(attack.NamesAt(trace.VantageNetDb), func(name string) bool {
		return name == attack.Posterior || name == "uptime"
	})
}

// judge extracts all that is compared from a trace.
func judge(tr *trace.Trace, router int) (Trial, error) {
	t := Trial{Router: router}
	l := newLook(tr)
	for _, m := range metrics {
		t.Metrics = append(t.Metrics, m.value(l))
	}
	seen := attack.Gather(tr, 0)
	for _, name := range suite() {
		a, err := attack.New(name)
		if err != nil {
			return t, err
		}
		f := a.Observe(seen)
		t.found = append(t.found, f)
		t.Vectors = append(t.Vectors, f.Vector)
	}
	return t, nil
}

// Real returns the Destinations of a recording.
func (rec *Recording) Real(w Window) ([]Trial, error) {
	rng := rand.New(rand.NewPCG(140, 1))
	var all []Trial
	var tr trace.Trace
	for i := range rec.Dests {
		d := &rec.Dests[i]
		phase := time.Duration(rng.Int64N(int64(w.Every)))
		if err := rec.Trace(d, w.From+phase, w.Every, w.Until, &tr); err != nil {
			return nil, err
		}
		t, err := judge(&tr, d.Router)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// Window is the longest window of a recording.
func (rec *Recording) Window(from, every time.Duration) Window {
	return Window{From: from, Until: time.Duration(rec.Minutes) * time.Minute, Every: every}
}

// Config is the simulated counterpart of a recorded network: no message is lost,
// every build succeeds, nothing breaks, and everything is as fast as it was.
func (rec *Recording) Config(w Window) sim.Config {
	x := rec.World
	build, client := rec.delays()
	return sim.Config{
		Duration: sim.Time(w.Until),
		Network: sim.Network{
			Routers: 1000, Floodfills: x.Floodfills, IBGWEligible: 1,
			// All of them, floodfills and the router itself too.
			I2pdCandidates: x.Nodes, MessageDelay: 60 * sim.Millisecond,
		},
		Destination: sim.Destination{
			Scheme: sim.SchemeSingle, Leases: x.Leases, PublishSpacing: -1, StartTogether: true,
			Routers: []sim.Router{{
				Kind: sim.I2pd, I2pdVersion: rec.version(), Hops: x.Hops, Outbound: x.Outbound, FastTier: sim.FastTier{Mode: "swarm"},
				BuildSuccess: 1, BuildDelay: build, BuildDelaySigma: 1.2, Reuse: 1,
				ClientDelay: client, SlowShare: 0.01,
			}},
			Policy: sim.Policy{Name: "single", Imitate: sim.I2pd, PeerRefresh: 5 * sim.Minute, Heartbeat: 2 * sim.Second, HeartbeatMisses: 2},
		},
		Adversaries: []sim.Adversary{{Name: "poller", Vantage: "netdb", Every: sim.Time(w.Every)}},
	}
}

// delays returns the median time of a tunnel build and that of a client's signature.
// They are those of machines that were busy with 48 routers: of the medians 60, 250
// and 700 ms with a spread of 0.5 and 1.2, and 10, 100, 300 and 1000 ms for the
// client, these are the ones that the suite takes most for the recorded ones.
func (rec *Recording) delays() (build, client sim.Time) {
	if rec.version() == sim.I2pd245 {
		return 250 * sim.Millisecond, 100 * sim.Millisecond
	}
	return 700 * sim.Millisecond, 10 * sim.Millisecond
}

// Simulated returns n trials of the recorded world. Tests are lost as often as in
// the routers that were recorded.
func (rec *Recording) Simulated(w Window, seed uint64, n int) ([]Trial, error) {
	cfg := rec.Config(w)
	world := sim.NewWorld()
	var out sim.Outcome
	var all []Trial
	var tr trace.Trace
	for i := range n {
		if r := rec.Dests[i%len(rec.Dests)].Router; r < len(rec.TestLoss) {
			cfg.Destination.Routers[0].TestLoss = rec.TestLoss[r]
		}
		if err := world.Run(&cfg, seed+uint64(i)*0x9e3779b97f4a7c15, &out); err != nil {
			return nil, err
		}
		whole := &out.Traces[0]
		tr.Reset(whole.Header)
		for k := range whole.Records {
			// The first poll comes within one interval.
			if whole.Records[k].TimeMs-whole.Records[0].TimeMs >= w.From.Milliseconds() {
				tr.AppendCopy(&whole.Records[k])
			}
		}
		t, err := judge(&tr, i)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// An Interval is an estimate with its 95 % interval.
type Interval struct{ Center, Lo, Hi float64 }

func (i Interval) String() string { return fmt.Sprintf("%.3f [%.3f, %.3f]", i.Center, i.Lo, i.Hi) }

// A Row compares one metric.
type Row struct {
	Name         string
	Real, Sim    float64 // means
	Standard     float64 // error of their difference, real trials clustered by router
	Z            float64
	AUC          Interval // of the metric by itself, real ones being the positives
	Few          int      // real trials without a value
	SpreadR, SpS float64  // standard deviations between Destinations
}

// A Comparison is how far real and simulated Destinations can be told apart.
type Comparison struct {
	Trials, Routers, Simulated int
	Attacks                    []Verdict
	Rows                       []Row
}

// A Verdict is an attack's.
type Verdict struct {
	Name string
	AUC  Interval
}

const resamples = 1000

// Compare lets the attacks tell real trials from simulated ones, and compares
// the metrics. Each attack is trained on one half of the routers and of the
// simulated trials and scores the other half, and the other way round; its AUC
// is the mean of both. Intervals are from a bootstrap that draws whole routers.
func Compare(genuine, simulated []Trial) (*Comparison, error) {
	c := &Comparison{Trials: len(genuine), Simulated: len(simulated)}
	var routers []int
	for i := range genuine {
		if !slices.Contains(routers, genuine[i].Router) {
			routers = append(routers, genuine[i].Router)
		}
	}
	slices.Sort(routers)
	c.Routers = len(routers)
	half := func(router int) int { return slices.Index(routers, router) % 2 }
	rng := rand.New(rand.NewPCG(140, 2))

suite:
	for k, name := range suite() {
		var scores [2][2][]float64 // by half; real, simulated
		var of [2][]int            // routers of the real ones
		for h := range 2 {
			a, err := attack.New(name)
			if err != nil {
				return nil, err
			}
			var training []attack.Sample
			for i := range genuine {
				if half(genuine[i].Router) != h {
					training = append(training, attack.Sample{Multi: true, Features: genuine[i].found[k]})
				}
			}
			for i := range simulated {
				if i%2 != h {
					training = append(training, attack.Sample{Features: simulated[i].found[k]})
				}
			}
			if err := a.Fit(training); errors.Is(err, attack.ErrTraining) {
				continue suite // the recordings are too short for it
			} else if err != nil {
				return nil, err
			}
			for i := range genuine {
				if half(genuine[i].Router) == h {
					scores[h][0] = append(scores[h][0], a.Score(&genuine[i].found[k]).Score)
					of[h] = append(of[h], genuine[i].Router)
				}
			}
			for i := range simulated {
				if i%2 == h {
					scores[h][1] = append(scores[h][1], a.Score(&simulated[i].found[k]).Score)
				}
			}
		}
		c.Attacks = append(c.Attacks, Verdict{name, clusteredAUC(scores[:], of[:], rng)})
	}
	for k, m := range metrics {
		c.Rows = append(c.Rows, row(m.name, k, genuine, simulated, rng))
	}
	return c, nil
}

func row(name string, k int, genuine, simulated []Trial, rng *rand.Rand) Row {
	r := Row{Name: name}
	var real, virtual []float64
	var of []int
	for i := range genuine {
		if x := genuine[i].Metrics[k]; math.IsNaN(x) {
			r.Few++
		} else {
			real, of = append(real, x), append(of, genuine[i].Router)
		}
	}
	for i := range simulated {
		if x := simulated[i].Metrics[k]; !math.IsNaN(x) {
			virtual = append(virtual, x)
		}
	}
	var v1, v2 float64
	r.Real, r.SpreadR = moments(real)
	r.Sim, r.SpS = moments(virtual)
	v2 = r.SpS * r.SpS / float64(len(virtual))
	// The sandwich: sums of residuals by router.
	sums := make(map[int]float64)
	var order []int
	for i, x := range real {
		if _, ok := sums[of[i]]; !ok {
			order = append(order, of[i])
		}
		sums[of[i]] += x - r.Real
	}
	for _, x := range order {
		v1 += sums[x] * sums[x]
	}
	g := float64(len(order))
	v1 *= g / (g - 1) / float64(len(real)) / float64(len(real))
	r.Standard = math.Sqrt(v1 + v2)
	if d := r.Real - r.Sim; d != 0 {
		r.Z = d / r.Standard
	}
	r.AUC = clusteredAUC([][2][]float64{{real, virtual}}, [][]int{of}, rng)
	return r
}

func moments(xs []float64) (mean, sd float64) {
	for _, x := range xs {
		mean += x
	}
	mean /= float64(len(xs))
	for _, x := range xs {
		sd += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sd / float64(len(xs)-1))
}

// clusteredAUC is the mean over the halves of the AUC, with the percentile
// interval of a bootstrap that draws routers, and simulated trials, anew.
func clusteredAUC(halves [][2][]float64, of [][]int, rng *rand.Rand) Interval {
	type half struct {
		members [][]int   // real trials by router
		virtual []float64 // simulated, rising
	}
	var all []half
	center := 0.0
	for h := range halves {
		var x half
		index := make(map[int]int)
		for i, r := range of[h] {
			k, ok := index[r]
			if !ok {
				k = len(x.members)
				index[r] = k
				x.members = append(x.members, nil)
			}
			x.members[k] = append(x.members[k], i)
		}
		x.virtual = slices.Sorted(slices.Values(halves[h][1]))
		all = append(all, x)
		center += auc(halves[h][0], x.virtual)
	}
	n := float64(len(all))
	drawn := make([]float64, 0, resamples)
	for range resamples {
		sum := 0.0
		for h := range all {
			x := &all[h]
			var real []float64
			for range x.members {
				for _, i := range x.members[rng.IntN(len(x.members))] {
					real = append(real, halves[h][0][i])
				}
			}
			virtual := make([]float64, len(x.virtual))
			for i := range virtual {
				virtual[i] = x.virtual[rng.IntN(len(x.virtual))]
			}
			slices.Sort(virtual)
			sum += auc(real, virtual)
		}
		drawn = append(drawn, sum/n)
	}
	slices.Sort(drawn)
	return Interval{center / n, drawn[resamples*25/1000], drawn[resamples*975/1000-1]}
}

// auc is the share of pairs in which the real one has the larger number; virtual
// is in rising order.
func auc(real, virtual []float64) float64 {
	sum := 0.0
	for _, x := range real {
		below, _ := slices.BinarySearch(virtual, x)
		above, _ := slices.BinarySearchFunc(virtual, x, func(v, x float64) int {
			if v <= x {
				return -1
			}
			return 1
		})
		sum += float64(below) + float64(above-below)/2
	}
	return sum / float64(len(real)) / float64(len(virtual))
}

// WriteTable prints a comparison as Markdown.
func (c *Comparison) WriteTable(w io.Writer) error {
	var err error
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format+"\n", args...)
		}
	}
	line("%d real Destinations on %d routers, %d simulated ones", c.Trials, c.Routers, c.Simulated)
	line("")
	line("| attack | AUC |")
	line("|---|---|")
	for _, v := range c.Attacks {
		line("| %s | %v |", v.Name, v.AUC)
	}
	line("")
	line("| metric | real | simulated | z | AUC by itself |")
	line("|---|---|---|---|---|")
	for _, r := range c.Rows {
		line("| %s | %.3f (%.3f) | %.3f (%.3f) | %.1f | %v |", r.Name, r.Real, r.SpreadR, r.Sim, r.SpS, r.Z, r.AUC)
	}
	return err
}

// version is the simulator's name of the version that was recorded.
func (rec *Recording) version() sim.I2pdVersion {
	if strings.HasPrefix(rec.I2pd, "2.45.") {
		return sim.I2pd245
	}
	return sim.I2pd258
}
