package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"multihome.i2p/analysis/attack"
	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/sim"
	"multihome.i2p/sim/scenario"
)

// few is the least that attacks can be trained on.
const few = 12

// simulated plays trials of a service as an observer of the netDb sees them, and
// calls each with their traces, which are good until it returns.
func simulated(t *testing.T, destination string, c conditions, trials int, each func(tr *trace.Trace)) {
	t.Helper()
	text := fmt.Sprintf("question: q\nduration: %s\ndestination: {leases: %d, %s}\nadversaries:\n  - {name: poller, every: %s}\n",
		short(c.observed), c.leases, destination, short(c.every))
	s, err := scenario.Parse("test.yaml", []byte(text), scenario.Names{Attacks: attack.Names(), Policies: policy.Names()})
	if err != nil {
		t.Fatal(err)
	}
	w := sim.NewWorld()
	var out sim.Outcome
	for seed := range trials {
		if err := w.Run(&s.World, uint64(seed)+1_000_000, &out); err != nil {
			t.Fatal(err)
		}
		each(&out.Traces[0])
	}
}

const (
	oneJava  = "scheme: single, routers: {count: 1}"
	fourJava = "scheme: p140, routers: {count: 4}"
	oneI2pd  = "scheme: single, routers: {count: 1, kind: i2pd}"
	harsh    = "build_success: 0.45, tunnel_fail_per_hour: 0.8, i2pd_version: 2.45.1"
	fourI2pd = "scheme: p140, routers: {count: 4, kind: i2pd}, policy: {name: per-router, imitate: i2pd}"
)

var sixHours = conditions{leases: 5, observed: 6 * time.Hour, every: 10 * time.Minute}

// Traces that the reference has not seen are judged as often rightly as it says,
// and rarely wrongly.
func TestHeldOut(t *testing.T) {
	t.Parallel()
	const (
		traces = 30
		right  = 0.75 // at least so many in the long run, and no more than wrong
		wrong  = 0.07
	)
	r := &References{}
	for _, test := range []struct {
		service string
		want    Verdict
		kind    string
	}{
		{oneJava, Single, "java"},
		{fourJava, Multi, "java"},
		{oneI2pd, Single, "i2pd"},
		{fourI2pd, Multi, "i2pd"},
		// Laws that nobody has measured, far from the defaults.
		{"scheme: single, routers: {count: 1, kind: i2pd, " + harsh + "}", Single, "i2pd"},
		{"scheme: p140, routers: {count: 4, kind: i2pd, " + harsh + "}, policy: {name: per-router, imitate: i2pd}", Multi, "i2pd"},
	} {
		got := map[Verdict]int{}
		simulated(t, test.service, sixHours, traces, func(tr *trace.Trace) {
			a, err := r.Of(t.Context(), "x", tr)
			if err != nil {
				t.Fatal(err)
			}
			got[a.verdict]++
			x := a.reference
			if x == nil {
				t.Fatalf("%s: not compared: %s %q", test.service, a.sentence, a.warnings)
			}
			if x.conditions != sixHours || x.judge.kind != test.kind {
				t.Errorf("%s: compared with %s", test.service, x.population())
			}
		})
		// Bounds that a sound verdict breaks once in a thousand times.
		least := traces
		for below(right, traces, least) >= 0.001 {
			least--
		}
		most := 0
		for 1-below(wrong, traces, most) >= 0.001 {
			most++
		}
		other := Multi
		if test.want == Multi {
			other = Single
		}
		if got[test.want] <= least || got[other] > most {
			t.Errorf("%s: %v; more than %d %s and no more than %d %s are expected", test.service, got, least, test.want, most, other)
		}
		t.Logf("%s: %v", test.service, got)
	}
}

// What is not simulated does not pass for something that is.
func TestStrange(t *testing.T) {
	t.Parallel()
	r := &References{Trials: few}
	strange := 0
	const traces = 10
	simulated(t, "scheme: independent, routers: {count: 4}", sixHours, traces, func(tr *trace.Trace) {
		a, err := r.Of(t.Context(), "x", tr)
		if err != nil {
			t.Fatal(err)
		}
		if a.reference != nil && a.reference.strange && a.verdict == Undecided && strings.Contains(a.sentence, "unlike anything simulated") {
			strange++
		}
	})
	if strange < traces-2 {
		t.Errorf("%d of %d traces of routers that publish independently are strange", strange, traces)
	}
}

// example is a trace to compare, in an hour of two leases, so that the reference is small.
func example(t *testing.T) *trace.Trace {
	t.Helper()
	hour := conditions{leases: 2, observed: time.Hour, every: time.Minute}
	var tr trace.Trace
	simulated(t, "scheme: p140, routers: {count: 2}", hour, 1, func(seen *trace.Trace) { tr = *seen })
	if c, _, unfit := conditionsOf(&tr); unfit != nil || c != hour {
		t.Fatalf("conditions %v, %v", c, unfit)
	}
	return &tr
}

// analysed is the JSON form of a trace compared with a reference.
func analysed(t *testing.T, r *References, tr *trace.Trace) string {
	t.Helper()
	a, err := r.Of(t.Context(), "x", tr)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteJSON(&out, []*Assessment{a}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The same bytes with any number of workers, with a cache and without, and
// whatever has become of the cache.
func TestCache(t *testing.T) {
	t.Parallel()
	tr := example(t)
	dir := filepath.Join(t.TempDir(), "cache")
	simulations := 0
	var warnings []string
	with := func(workers int, dir string) *References {
		return &References{
			Trials: few, Workers: workers, Dir: dir,
			Progress: func(done, total int) {
				if done == total {
					simulations++
				}
			},
			Warn: func(text string) { warnings = append(warnings, text) },
		}
	}
	c, _, _ := conditionsOf(tr)
	all, _ := attack.New(attack.Combined)
	analysis := analysed(t, with(1, ""), tr)
	// kept is what the analysis rests on, without the time to learn from it.
	kept := func(r *References) string {
		t.Helper()
		p, err := r.get(t.Context(), c, all.Numbers())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(p.kinds)
	}
	simulations = 0
	numbers := kept(with(1, ""))
	expect := func(what, got string, simulated int, warning string) {
		t.Helper()
		if got != analysis && got != numbers {
			t.Errorf("%s: the bytes differ", what)
		}
		if simulations != simulated {
			t.Errorf("%s: %d simulations, want %d", what, simulations, simulated)
		}
		if text := strings.Join(warnings, "\n"); (text == "") != (warning == "") || !strings.Contains(text, warning) {
			t.Errorf("%s: warnings %q, want %q", what, text, warning)
		}
		simulations, warnings = 0, nil
	}
	expect("no cache", numbers, 1, "")
	expect("three workers", analysed(t, with(3, ""), tr), 1, "")
	expect("new cache", analysed(t, with(2, dir), tr), 1, "")
	expect("cache", analysed(t, with(2, dir), tr), 0, "")
	r := with(2, dir)
	analysed(t, r, tr)
	expect("same references", analysed(t, r, tr), 0, "")

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	name := files[0]
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for what, data := range map[string][]byte{
		"cut": whole[:len(whole)/2], "empty": nil, "text": []byte("hello"), "flipped": flipped,
		"without its end": whole[:len(whole)-1],
	} {
		if err := os.WriteFile(name, data, 0o666); err != nil {
			t.Fatal(err)
		}
		expect(what, kept(with(2, dir)), 1, "is not used")
		expect(what+", made again", kept(with(2, dir)), 0, "")
	}

	// A whole file that another version made, or somebody.
	w, err := worldsOf(c)
	if err != nil {
		t.Fatal(err)
	}
	sum := digest(c, few, all.Numbers())
	load := func() *population {
		p := w.empty(c, few)
		if err := w.load(t.Context(), name, sum, all.Numbers(), p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for what, spoil := range map[string]func(p *population) (sum string, numbers []string){
		"another digest": func(*population) (string, []string) { return strings.Repeat("0", 64), all.Numbers() },
		"other numbers":  func(*population) (string, []string) { return sum, all.Numbers()[1:] },
		"another result": func(p *population) (string, []string) { p.kinds[1].arms[0].train[0][0]++; return sum, all.Numbers() },
		"fewer trials":   func(p *population) (string, []string) { p.kinds[0].arms[1].withheld = nil; return sum, all.Numbers() },
		"another kind":   func(p *population) (string, []string) { p.kinds[0].kind = "other"; return sum, all.Numbers() },
		"another count":  func(p *population) (string, []string) { p.kinds[0].arms[1].routers = 5; return sum, all.Numbers() },
		"a shorter vector": func(p *population) (string, []string) {
			a := p.kinds[0].arms[1].train
			a[3] = a[3][1:]
			return sum, all.Numbers()
		},
	} {
		p := load()
		digest, numbers := spoil(p)
		if err := p.store(name, digest, numbers); err != nil {
			t.Fatal(err)
		}
		expect(what, kept(with(2, dir)), 1, errForeign.Error())
	}

	// A cache that cannot be written, or read. (Permissions do not stop root.)
	expect("a file as directory", kept(with(2, filepath.Join(name, "below"))), 1, "is not kept")
	other := t.TempDir()
	if err := os.Mkdir(cacheFile(other, sum), 0o777); err != nil {
		t.Fatal(err)
	}
	expect("a directory as file", kept(with(2, other)), 1, "is not used")
	if left, _ := filepath.Glob(filepath.Join(other, ".*")); len(left) > 0 {
		t.Errorf("%q are left behind", left)
	}
}

// An interrupt stops the simulation, and leaves no cache.
func TestStopped(t *testing.T) {
	tr, dir := example(t), t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	r := &References{Trials: few, Dir: dir, Progress: func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}}
	if _, err := r.Of(ctx, "x", tr); !errors.Is(err, ErrStopped) {
		t.Errorf("error %v, want %v", err, ErrStopped)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("%q are left behind", left)
	}
}

// Traces for which there is no reference are judged as without one, or refused.
func TestUnfit(t *testing.T) {
	r := &References{Trials: few, Progress: func(int, int) { t.Error("something is simulated") }}
	gateways := func(lease int) uint16 { return uint16(lease % 4) }
	long := synthetic(40, gateways)
	client := synthetic(40, gateways)
	client.Header.Vantage = trace.VantageClient
	var many, one, sparse trace.Trace
	for _, tr := range []*trace.Trace{&many, &one, &sparse} {
		tr.Reset(long.Header)
	}
	for i := range 40 {
		second := int64(600 * i)
		leases := make([]trace.Lease, 20)
		for j := range leases {
			leases[j] = trace.Lease{Gateway: trace.Hash{byte(j)}, Tunnel: uint32(100*i + j), EndMs: (second + 600) * 1000}
		}
		many.AppendLookup(second*1000, trace.Hash{}, second, second+600, leases)
		one.AppendLookup(second*1000, trace.Hash{}, second, second+600, leases[:1])
		sparse.AppendLookup(20*second*1000, trace.Hash{}, 20*second, 20*second+600, leases[:4])
	}
	for _, test := range []struct {
		name    string
		tr      *trace.Trace
		verdict Verdict
		said    string // in the sentence, or in a warning
	}{
		{"short", synthetic(5, gateways), Insufficient, "5 distinct LeaseSets in 40m2s do not suffice: at least 12 in an hour or more are needed"},
		{"few", synthetic(9, gateways), Insufficient, "6 distinct LeaseSets in 50m2s do not suffice"},
		{"nothing", synthetic(0, gateways), Insufficient, "0 distinct LeaseSets in 0s do not suffice"},
		{"client", client, Single, "no reference is simulated for the vantage point client, only for netdb"},
		{"many leases", &many, "", "no reference is simulated for 20 leases: a stock router lists at most 16"},
		{"one lease", &one, "", "no reference is simulated for LeaseSets of one lease"},
		{"sparse", &sparse, "", "no reference is simulated for looks that are 3h20m apart"},
	} {
		a, err := r.Of(t.Context(), test.name, test.tr)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Of(test.name, test.tr)
		if err != nil {
			t.Fatal(err)
		}
		want := test.verdict
		if want == "" {
			want = b.verdict
		}
		if a.verdict != want || a.reference != nil || !strings.Contains(strings.Join(append(a.warnings, a.sentence), "\n"), test.said) {
			t.Errorf("%s: %s: %s %q, want %s: %s", test.name, a.verdict, a.sentence, a.warnings, want, test.said)
		}
	}
}

// A trace of what was published, not of looks, misses nothing.
func TestConditions(t *testing.T) {
	day := synthetic(150, func(lease int) uint16 { return uint16(lease) })
	if c, e, _ := conditionsOf(day); c != (conditions{16, 24 * time.Hour, time.Minute}) || e.SpanMs >= 24*3600*1000 {
		t.Errorf("%+v, %d ms", c, e.SpanMs) // it looks thrice within 2 s, every 10 min
	}
	for i := range day.Records {
		day.Records[i].Kind = trace.KindStore
	}
	if c, _, _ := conditionsOf(day); c.every != time.Minute {
		t.Errorf("%+v", c)
	}
	for gap, want := range map[time.Duration]time.Duration{
		10 * time.Second: time.Minute, 2 * time.Minute: time.Minute, 3 * time.Minute: 5 * time.Minute,
		9 * time.Minute: 10 * time.Minute, 20 * time.Minute: 30 * time.Minute, 80 * time.Minute: time.Hour,
	} {
		var tr trace.Trace
		tr.Reset(day.Header)
		for at := time.Duration(0); at < 24*time.Hour; at += gap {
			for f := range 3 { // floodfills
				tr.AppendPoll(at.Milliseconds()+int64(200*f), trace.Hash{byte(f)}, false)
			}
		}
		// The times of looks are known without any LeaseSet.
		if c, _, unfit := conditionsOf(&tr); c.every != want || unfit == nil || c.observed != 24*time.Hour {
			t.Errorf("looks every %s: %+v", gap, c)
		}
	}
}

// Plots are drawn of what was compared, and of nothing else.
func TestPlots(t *testing.T) {
	r := &References{Trials: few}
	short, err := r.Of(t.Context(), "short", synthetic(3, func(int) uint16 { return 1 }))
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Of(t.Context(), "a\nname", example(t))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Plots([]*Assessment{short, a})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		if !bytes.Contains(f.Data, []byte("24 simulated single Java routers")) {
			t.Errorf("%s does not name the reference", f.Name)
		}
	}
	if got := strings.Join(names, " "); got != "posterior-2.svg score-2.svg" {
		t.Errorf("files %s", got)
	}
}

// The posterior and the prior are probabilities of the same numbers.
func TestReferenceJSON(t *testing.T) {
	var form analysisJSON
	if err := json.Unmarshal([]byte(analysed(t, &References{Trials: few}, example(t))), &form); err != nil {
		t.Fatal(err)
	}
	x := form.Traces[0]
	for name, p := range map[string]map[string]float64{"posterior": x.Posterior, "prior": x.Reference.Prior, "kinds": x.Reference.Kinds} {
		sum := 0.0
		for _, q := range p {
			sum += q
		}
		if sum < 1-1e-9 || sum > 1+1e-9 {
			t.Errorf("%s sums up to %g", name, sum)
		}
	}
	if p := x.Reference.Prior; p["1"] != 0.5 || len(p) != 2 {
		t.Errorf("prior %v", p)
	}
	if r := x.Reference; r.Single != 2*few || r.Several != few || r.Leases != 2 || r.ObservedHours != 1 || r.PollSeconds != 60 {
		t.Errorf("%+v", r)
	}
}

// below is the probability of at most k successes of n.
func below(p float64, n, k int) float64 { return distuv.Binomial{N: float64(n), P: p}.CDF(float64(k)) }
