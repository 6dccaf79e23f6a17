package sim

import (
	"bytes"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"testing"
)

// echo is the network of docs/live-results.md: i2pd 2.45.1 on all sides, tunnels of
// one hop that do not fail, and a service that echoes. The simulated routers speak
// the extension, so that none of them is there for publishing alone, n routers are n
// carriers, and they renew their tunnels at any time.
func echo(bundle string, n int) *Config {
	c := worldOf(SchemeP140, n)
	c.Adversaries = nil
	c.Duration, c.Warmup = 30*Minute, 30*Minute
	c.Network.Routers, c.Network.Floodfills, c.Network.I2pdCandidates = 1000, 8, 30
	c.Network.StoreLoss, c.Network.JavaFloodfills = 0, 0
	c.Network.MessageDelay, c.Network.MessageJitter = 50*Millisecond, .5
	c.Destination.Leases = 12
	c.Destination.Policy = Policy{Name: "natural-i2pd", Bundle: bundle, Imitate: I2pd}
	c.each(func(r *Router) {
		r.Kind, r.I2pdVersion, r.Hops, r.Outbound = I2pd, I2pd245, 1, 5
		r.BuildSuccess, r.BuildDelay, r.TestLoss, r.TunnelFailPerHour = 1, 60*Millisecond, 0, 0
	})
	c.Clients = Clients{
		Count: 6, MessageEvery: Second, Traffic: TrafficDatagrams, I2pdVersion: I2pd245, Published: 1,
	}
	return c
}

// records reads a file of testdata: its columns are what the functions of bench/live
// name so.
func records(t *testing.T, name string) []map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for k, name := range rows[0] {
			m[name] = row[k]
		}
		all = append(all, m)
	}
	return all
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// agreement is how many standard errors two means may be apart, and unlikely what
// that is as a chance.
const (
	agreement = 4
	unlikely  = 6.3e-5
)

// meanOf returns the mean of independent values and its standard error.
func meanOf(xs []float64) (mean, se float64) {
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for _, x := range xs {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se / float64(len(xs)-1) / float64(len(xs)))
}

// What senders that get replies lose while nothing fails. The senders of a service have
// its LeaseSets in common, and so what befalls them: each service of a network, and each
// trial, is one value. The routers are stock and start together, as live; counting
// begins 75 s later.
func TestLiveLosses(t *testing.T) {
	t.Parallel()
	type counts struct{ lost, sent float64 }
	services := map[string]map[string]*counts{}
	for _, r := range records(t, "live-steady.csv") {
		arm, one := r["arm"], r["network"]+" "+r["service"]
		if services[arm] == nil {
			services[arm] = map[string]*counts{}
		}
		if services[arm][one] == nil {
			services[arm][one] = &counts{}
		}
		services[arm][one].lost += number(t, r["lost"])
		services[arm][one].sent += number(t, r["sent"])
	}
	w, out := NewWorld(), new(Outcome)
	for _, arm := range []struct {
		name, bundle string
		routers      int
	}{{"pinned", bundlePinned, 5}, {"pinned4", bundlePinned, 4}, {"composed", "composed", 5}, {"composed4", "composed", 4}} {
		var simulated, measured []float64
		for _, one := range services[arm.name] {
			measured = append(measured, one.lost/one.sent)
		}
		sort.Float64s(measured)
		for seed := range uint64(24) {
			c := echo(arm.bundle, arm.routers).each(func(r *Router) { r.SpeaksP140 = false })
			x := &out.Truth.Clients
			c.Warmup, c.Duration = 0, 75*Second+clientLate
			mustRun(t, w, c, seed, out)
			sent, answered := x.Sent, x.Answered
			c.Duration += 26 * Minute
			mustRun(t, w, c, seed, out)
			simulated = append(simulated, 1-float64(x.Answered-answered)/float64(x.Sent-sent))
		}
		// One service alone tells nothing of how far two are apart: the simulated
		// ones stand in, where they are further apart than the measured.
		mean, meanError := meanOf(simulated)
		spread := meanError * math.Sqrt(float64(len(simulated)))
		real, realError := measured[0], 0.
		if len(measured) > 1 {
			real, realError = meanOf(measured)
		}
		realError = max(realError, spread/math.Sqrt(float64(len(measured))))
		apart := (mean - real) / max(math.Hypot(realError, meanError), 1e-9)
		t.Logf("%-9s measured %.3f ± %.3f (%.3f), simulated %.3f ± %.3f, %.3f from trial to trial: %+.1f standard errors",
			arm.name, real, realError, measured, mean, meanError, spread, apart)
		if math.Abs(apart) > agreement {
			t.Errorf("%s: lost %.3f ± %.3f of the messages, measured %.3f ± %.3f", arm.name, mean, meanError, real, realError)
		}
	}
}

// strikes simulates kills at random phases, as they were made live: each router is
// away for 105 s, and 25 to 55 s later another one is.
func strikes(t *testing.T, bundle string, rotate bool, published float64) []Strike {
	t.Helper()
	c := echo(bundle, 4)
	c.Duration = 2 * Hour
	// As measured: a kill is noticed after 50 ms, and a message takes 60 ms.
	c.Destination.ControlDelay, c.Network.MessageDelay = 50*Millisecond, 60*Millisecond
	c.Destination.Policy.Rotate = rotate
	c.Clients.Count, c.Clients.MessageEvery, c.Clients.Published = 12, 200*Millisecond, published
	c.Clients.Stay = 150 * Second
	if bundle == "composed" {
		c.Clients.Count *= 2 // they seldom stay with a router for long
	}
	rng := rand.New(rand.NewPCG(140, 17))
	for at := 5 * Minute; at < c.Duration-5*Minute; at += 105*Second + uniform(rng, 25*Second, 55*Second) {
		c.Faults = append(c.Faults, Fault{Kind: FaultCrash, Router: rng.IntN(4), At: at, For: 105 * Second})
	}
	w, out := NewWorld(), new(Outcome)
	var all []Strike
	for seed := range uint64(3) {
		mustRun(t, w, c, seed, out)
		all = append(all, out.Truth.Clients.Strikes...)
	}
	return all
}

// How long the clients of a killed router wait. Those measured had sessions of some
// age; each is set against simulated ones of its age.
func TestLiveKills(t *testing.T) {
	t.Parallel()
	type felt struct{ age, after float64 }
	measured := map[string][]felt{}
	for _, r := range records(t, "live-kills.csv") {
		x := felt{number(t, r["age_s"]), math.Inf(1)}
		if r["answered_after_s"] != "never" {
			x.after = number(t, r["answered_after_s"])
		}
		key := r["arm"] + " " + r["published"]
		measured[key] = append(measured[key], x)
	}
	for _, arm := range []struct {
		name, bundle string
		rotate       bool
		published    float64
	}{
		{"pinned true", bundlePinned, false, 1},
		{"pinned false", bundlePinned, false, 0},
		{"rotate true", bundlePinned, true, 1},
		{"rotate false", bundlePinned, true, 0},
		{"composed true", "composed", false, 1},
	} {
		simulated := strikes(t, arm.bundle, arm.rotate, arm.published)
		for _, old := range []bool{true, false} {
			var real []felt
			for _, x := range measured[arm.name] {
				if x.age >= 120 == old {
					real = append(real, x)
				}
			}
			// Ages decide below 120 s only.
			near := func(x felt, span float64) (after []float64) {
				for _, s := range simulated {
					age := s.Age.Seconds()
					if age >= 120 != old || !old && math.Abs(age-x.age) > span {
						continue
					}
					// Live, clients were watched for 105 s.
					a := math.Inf(1)
					if s.After <= 105*Second {
						a = s.After.Seconds()
					} else if s.After == Never && s.Watched < 105*Second {
						continue
					}
					after = append(after, a)
				}
				return after
			}
			like := func(x felt) (after []float64) {
				for span := 10.; span < 120 && len(after) < 10; span *= 1.5 {
					after = near(x, span)
				}
				return after
			}
			var all []float64
			for _, within := range []float64{5, 60, 95} {
				shares, count := 0., 0
				chances := []float64{1} // of so many within
				for _, x := range real {
					after := like(x)
					if len(after) < 10 {
						t.Fatalf("%s: %d simulated clients of age %.0f s", arm.name, len(after), x.age)
					}
					p := 0.
					for _, a := range after {
						if a <= within {
							p += 1 / float64(len(after))
						}
					}
					shares += p
					// At least as if one more had been otherwise: a simulation of n
					// knows no chance better than that.
					p = min(max(p, 1/float64(len(after)+2)), 1-1/float64(len(after)+2))
					chances = append(chances, 0)
					for k := len(chances) - 1; k >= 0; k-- {
						chances[k] *= 1 - p
						if k > 0 {
							chances[k] += chances[k-1] * p
						}
					}
					if x.after <= within {
						count++
					}
					if within == 5 {
						all = append(all, after...)
					}
				}
				n := len(real)
				fewer, more := 0., 0.
				for k, x := range chances {
					if k <= count {
						fewer += x
					}
					if k >= count {
						more += x
					}
				}
				p := min(1, 2*min(fewer, more))
				t.Logf("%-14s older %-5v n %2d: within %2.0f s measured %.2f, simulated %.2f: p %.3g", arm.name, old, n, within,
					float64(count)/float64(n), shares/float64(n), p)
				if p < unlikely {
					t.Errorf("%s, older %v: answered within %.0f s are %.2f of them, measured %.2f: p %.3g", arm.name, old, within,
						shares/float64(n), float64(count)/float64(n), p)
				}
			}
			var times []float64
			for _, x := range real {
				times = append(times, x.after)
			}
			sort.Float64s(times)
			sort.Float64s(all)
			t.Logf("%-14s older %-5v quartiles measured %.2f %.2f %.2f, simulated %.2f %.2f %.2f", arm.name, old,
				times[len(times)/4], times[len(times)/2], times[len(times)*3/4], all[len(all)/4], all[len(all)/2], all[len(all)*3/4])
		}
	}
}
