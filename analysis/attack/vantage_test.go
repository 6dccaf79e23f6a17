package attack

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"multihome.i2p/analysis"
	"multihome.i2p/analysis/trace"
)

// A play makes a trace by hand.
type play func(tr *trace.Trace, rng *rand.Rand)

var everywhere = append(slices.Clone(anySighting), trace.VantagePeer)

const playStart = int64(1_700_000_000)

func (p play) evidence(rng *rand.Rand) *Evidence {
	var tr trace.Trace
	p(&tr, rng)
	if err := tr.Check(); err != nil {
		panic(err)
	}
	return Gather(&tr, 0)
}

func (p play) samples(a Attack, n int, multi bool, rng *rand.Rand) []Sample {
	out := make([]Sample, n)
	for i := range out {
		out[i] = Sample{Multi: multi, Features: a.Observe(p.evidence(rng))}
	}
	return out
}

// playedApart is the AUC of an attack that tells one play from another, trained and
// not.
func playedApart(t *testing.T, name string, without, with play, seed uint64, confidence float64) (trained, natural analysis.Estimate) {
	t.Helper()
	a, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	const n = 30
	rng := newRand(seed)
	not, is := without.samples(a, n, false, rng), with.samples(a, n, true, rng)
	natural = analysis.AUC(scores(a, not), scores(a, is), confidence)
	if err := a.Fit(append(without.samples(a, n, false, rng), with.samples(a, n, true, rng)...)); err != nil {
		t.Fatal(err)
	}
	trained = analysis.AUC(scores(a, not), scores(a, is), confidence)
	t.Logf("%s: AUC %.3f [%.3f, %.3f], untrained %.3f [%.3f, %.3f]", name,
		trained.Center, trained.Lo, trained.Hi, natural.Center, natural.Lo, natural.Hi)
	return trained, natural
}

// playFound fails a test whose leak is not found.
func playFound(t *testing.T, name string, without, with play, seed uint64) {
	t.Helper()
	if e, _ := playedApart(t, name, without, with, seed, 0.95); e.Lo <= 0.8 {
		t.Errorf("%s misses the leak: %+v", name, e)
	}
}

// playNotFound fails a test in which equal plays are told apart. The seed is fixed;
// with others an interval at 0.999 misses 0.5 once in a thousand runs.
func playNotFound(t *testing.T, name string, p play, seed uint64) {
	t.Helper()
	trained, natural := playedApart(t, name, p, p, seed, 0.999)
	if !trained.Contains(0.5) || !natural.Contains(0.5) {
		t.Errorf("%s tells two equal systems apart: %+v, untrained %+v", name, trained, natural)
	}
}

// counts tells how often the interval of an attack's count covers the truth; where it
// does not count, nothing is wrong.
func counts(t *testing.T, name string, p play, routers int, seed uint64) (covered, right int) {
	t.Helper()
	a, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	const n = 40
	sum := 0.0
	for _, s := range p.samples(a, n, true, newRand(seed)) {
		v := a.Score(&s.Features)
		if v.Posterior == nil {
			covered++
			continue
		}
		covered += int(bit(v.Routers.Contains(float64(routers))))
		right += int(bit(v.Routers.Center == float64(routers)))
		sum += v.Routers.Center
	}
	t.Logf("%s: %d routers: mean %.2f, right in %d, interval covers in %d of %d", name, routers, sum/n, right, covered, n)
	return covered, right
}

// pollers are the attacks that see anything in LeaseSets that were looked up.
func pollers(t testing.TB) []Attack {
	t.Helper()
	return slices.DeleteFunc(suite(t), func(a Attack) bool {
		return a.Name() == uptime.name || !slices.Contains(a.Vantages(), trace.VantageNetDb)
	})
}

func vantageAttacks() []*signal { return []*signal{&probe, &bundle, &stores, &uptime, &hops} }

// TestAnyRecords: whatever records come, scores are finite and posteriors add up.
func TestAnyRecords(t *testing.T) {
	all := suite(t)
	rapid.Check(t, func(t *rapid.T) {
		var tr trace.Trace
		header := testDestination
		header.Vantage = rapid.SampledFrom(everywhere).Draw(t, "vantage")
		tr.Reset(header)
		hash := func(label string) trace.Hash { return gateway(rapid.IntRange(0, 9).Draw(t, label)) }
		now := int64(0)
		lease := func() trace.Lease {
			return trace.Lease{
				Gateway: hash("gw"), Tunnel: rapid.Uint32Range(0, 20).Draw(t, "tunnel"),
				EndMs: 1000 * rapid.Int64Range(0, 2000).Draw(t, "end"),
			}
		}
		reply := func() trace.Reply { l := lease(); return trace.Reply{Gateway: l.Gateway, Tunnel: l.Tunnel} }
		for range rapid.IntRange(0, 25).Draw(t, "records") {
			now += rapid.Int64Range(0, 100_000).Draw(t, "step")
			leases := make([]trace.Lease, rapid.IntRange(0, 5).Draw(t, "leases"))
			for i := range leases {
				leases[i] = lease()
			}
			date := rapid.Int64Range(0, 2000).Draw(t, "published")
			switch rapid.IntRange(0, 7).Draw(t, "kind") {
			case 0:
				tr.AppendLookup(now, hash("floodfill"), date, date, leases)
			case 1:
				r := tr.AppendStore(now, hash("floodfill"), rapid.Bool().Draw(t, "flooded"), date, date, leases)
				if rapid.Bool().Draw(t, "direct") {
					r.OBEP, r.Reply = hash("obep"), reply()
					r.Has |= trace.HasOBEP | trace.HasReply
				}
			case 2:
				tr.AppendBundle(now, date, date, leases)
			case 3:
				tr.AppendPoll(now, hash("floodfill"), false)
			case 4:
				tr.AppendServiceLookup(now, hash("floodfill"), hash("obep"), reply())
			case 5:
				var opened *trace.Lease
				if rapid.Bool().Draw(t, "existing") {
					l := lease()
					opened = &l
				}
				tr.AppendProbe(now, rapid.Int64Range(0, 3).Draw(t, "ratchet"), opened, lease(), rapid.Int64Range(-1, 1e6).Draw(t, "rtt"))
			case 6:
				tr.AppendRouter(now, hash("router"), rapid.Bool().Draw(t, "up"))
			case 7:
				r := tr.AppendHop(now, hash("self"), rapid.SampledFrom([]trace.Role{trace.RoleIBGW, trace.RoleMiddle, trace.RoleEnd}).Draw(t, "role"),
					rapid.Uint32().Draw(t, "number"), date)
				r.Prev, r.Next = hash("prev"), hash("next")
				r.Has |= trace.HasPrev | trace.HasNext
			}
		}
		if err := tr.Check(); err != nil {
			t.Fatal(err)
		}
		e := Gather(&tr, 0)
		for _, a := range all {
			f := a.Observe(e)
			v := a.Score(&f)
			sum := 0.0
			for _, p := range v.Posterior {
				sum += p
			}
			if math.IsNaN(v.Score) || math.IsInf(v.Score, 0) || v.Posterior != nil && !(math.Abs(sum-1) < 1e-9) {
				t.Fatalf("%s: %+v", a.Name(), v)
			}
			if f.Vector != nil && len(f.Vector) != len(a.Numbers()) {
				t.Fatalf("%s: %d numbers, %d names", a.Name(), len(f.Vector), len(a.Numbers()))
			}
			if f.Vector == nil && (v.Score != 0 || len(v.Warnings) == 0 || v.Posterior != nil) {
				t.Fatalf("%s has a verdict without evidence: %+v", a.Name(), v)
			}
			if i := slices.IndexFunc(f.Vector, func(x float64) bool { return math.IsInf(x, 0) }); i >= 0 {
				t.Fatalf("%s: %s is infinite", a.Name(), a.Numbers()[i])
			}
		}
	})
}

// TestNothingSeen: a trace without a record is no evidence, but for those whose
// routers stood in no tunnel.
func TestNothingSeen(t *testing.T) {
	for _, v := range everywhere {
		header := testDestination
		header.Vantage = v
		e := Gather(&trace.Trace{Header: header}, 0)
		for _, s := range vantageAttacks() {
			if got := s.measure(e); (got != nil) != (s == &hops && v == trace.VantagePeer) {
				t.Errorf("%s at %s: %v", s.name, v, got)
			}
		}
	}
}

// busyPlays are a day of what each signal looks at.
func busyPlays() map[*signal]play {
	return map[*signal]play{
		&probe:  talks{routers: 4, hours: 24}.play,
		&bundle: talks{routers: 4, hours: 24, pinned: true}.play,
		&stores: publishing{routers: 4, hours: 24}.play,
		&uptime: population{routers: 4, hours: 24, others: 1000, outage: true}.play,
		&hops:   walk{routers: 4, hours: 24, own: 4}.play,
	}
}

// TestSameNumbers: whatever order maps are gone through in.
func TestSameNumbers(t *testing.T) {
	plays := busyPlays()
	for _, s := range vantageAttacks() {
		e := plays[s].evidence(newRand(59))
		want := fmt.Sprint(s.measure(e))
		for range 5 {
			if got := fmt.Sprint(s.measure(e)); got != want {
				t.Fatalf("%s: %s, and then %s", s.name, want, got)
			}
		}
	}
}

func BenchmarkVantages(b *testing.B) {
	plays := busyPlays()
	for _, s := range vantageAttacks() {
		e := plays[s].evidence(newRand(60))
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(e.Records)), "records")
			for b.Loop() {
				s.measure(e)
			}
		})
	}
}
