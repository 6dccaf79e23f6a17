package sim

import (
	"fmt"
	"reflect"
	"testing"
)

// users adds clients to a world: all of Java I2P or of i2pd.
func users(c *Config, kind Kind, traffic Traffic, n int) *Config {
	c.Clients = Clients{
		Count: n, MessageEvery: 10 * Second, Traffic: traffic, StreamLength: 10 * Minute, Stay: Hour, Published: .5,
	}
	if kind == Java {
		c.Clients.JavaShare = 1
	}
	return c
}

// sound takes away what gets lost or breaks by itself.
func sound(c *Config) *Config {
	c.Network.StoreLoss = 0
	return c.each(func(r *Router) {
		r.TunnelFailPerHour, r.TestLoss, r.BuildSuccess = 0, 0, 1
	})
}

// Where every lease leads to the router that has the session, nothing is lost while
// nothing breaks, and no stream dies: with one router, with the same keys on several
// (each bundles its own leases), with sub-Destinations, with pinned bundles, and where
// one ratchet serves all. But i2pd does not bundle what it had before a session, so that
// now and then a client looks up a LeaseSet with another router's leases.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	w, out := NewWorld(), new(Outcome)
	for _, scheme := range []struct {
		scheme Scheme
		bundle string
		n      int
	}{
		{SchemeSingle, "", 1},
		{SchemeIndependent, "", 3},
		{SchemeMeta, "", 3},
		{SchemeP140, bundlePinned, 4},
		{SchemeP140, bundleGarlic, 4},
		{SchemeP140, "composed", 1},
	} {
		for _, routers := range []Kind{Java, I2pd} {
			for _, kind := range []Kind{Java, I2pd} {
				for _, traffic := range []Traffic{TrafficStreams, TrafficDatagrams} {
					name := fmt.Sprint(scheme.scheme, " ", scheme.bundle, " on ", routers, ": ", traffic, " of ", kind)
					c := users(sound(worldOf(scheme.scheme, scheme.n)), kind, traffic, 20)
					c.each(func(r *Router) { r.Kind = routers })
					c.Network.I2pdCandidates = 500
					c.Duration, c.Warmup = 2*Hour, 2*Hour
					c.Clients.Stay = 0
					if scheme.bundle == bundlePinned {
						c.Clients.MessageEvery = 3 * Second // see TestIdleClientsComeLoose
					}
					if scheme.bundle != "" {
						c.Destination.Policy.Bundle = scheme.bundle
					}
					mustRun(t, w, c, 5, out)
					x := &out.Truth.Clients
					mayLose, mayDie := int64(0), int64(0)
					if routers == I2pd && (scheme.scheme == SchemeIndependent || scheme.bundle == bundlePinned) {
						mayLose, mayDie = x.Sent/500, x.Streams/100
					}
					if lost := x.Sent - x.Answered; lost > mayLose || x.Sent < 10000 || x.Streams-x.Survived > mayDie {
						t.Errorf("%s: %d of %d messages lost, %d of %d streams dead; longest stall %v", name,
							lost, x.Sent, x.Streams-x.Survived, x.Streams, x.StallMax.Seconds())
					}
				}
			}
		}
	}
}

// Under policy mimic, too: whoever has a listed tunnel can answer.
func TestMimicAnswers(t *testing.T) {
	t.Parallel()
	var out Outcome
	for _, kind := range []Kind{Java, I2pd} {
		c := users(sound(worldOf(SchemeP140, 4)), kind, TrafficStreams, 20)
		c.Destination.Policy.Name, c.Destination.Policy.Bundle = "mimic", bundleGarlic
		c.Duration, c.Warmup = 2*Hour, 2*Hour
		mustRun(t, NewWorld(), c, 5, &out)
		if x := &out.Truth.Clients; x.Sent != x.Answered || x.Streams != x.Survived || x.Sent < 10000 {
			t.Errorf("clients on %s: %d of %d messages lost, %d of %d streams dead", kind, x.Sent-x.Answered, x.Sent, x.Streams-x.Survived, x.Streams)
		}
	}
}

// Who writes less often than a pinned bundle lasts comes loose from its router; one
// ratchet for all, and one router, keep it.
func TestIdleClientsComeLoose(t *testing.T) {
	t.Parallel()
	w, out := NewWorld(), new(Outcome)
	alive := func(bundle string, every Time) float64 {
		c := users(sound(worldOf(SchemeP140, 4)), I2pd, TrafficStreams, 60)
		c.Duration, c.Warmup = 3*Hour, Hour
		c.Clients.Stay, c.Clients.StreamLength, c.Clients.MessageEvery = 0, 30*Minute, every
		c.Destination.Policy.Bundle = bundle
		mustRun(t, w, c, 3, out)
		return float64(out.Truth.Clients.Survived) / float64(out.Truth.Clients.Streams)
	}
	if x := alive(bundlePinned, 3*Second); x < 1 {
		t.Errorf("pinned, a message in 3 s: %.3f of the streams live", x)
	}
	if x := alive(bundlePinned, Minute); x > .9 {
		t.Errorf("pinned, a message a minute: %.3f of the streams live", x)
	}
	if x := alive(bundleGarlic, Minute); x < 1 {
		t.Errorf("garlic, a message a minute: %.3f of the streams live", x)
	}
}

// Clients change nothing for anybody else where there is no balancer, and a world
// that is used again nothing for them.
func TestClientsApart(t *testing.T) {
	t.Parallel()
	w := NewWorld()
	c := worldOf(SchemeIndependent, 2)
	c.Duration = 6 * Hour
	alone, among := new(Outcome), new(Outcome)
	mustRun(t, w, c, 7, alone)
	users(c, Java, TrafficStreams, 50)
	c.Clients.JavaShare = .5
	mustRun(t, w, c, 7, among)
	if !reflect.DeepEqual(alone.Traces[0], among.Traces[0]) || alone.Truth.Publishes != among.Truth.Publishes {
		t.Error("clients change what an observer sees")
	}
	if among.Truth.ClientLookups == 0 || alone.Truth.ClientLookups != 0 {
		t.Error("clients do not look the LeaseSet up")
	}
	users(c, I2pd, TrafficDatagrams, 200)
	mustRun(t, w, c, 8, alone)
	users(c, Java, TrafficStreams, 50)
	c.Clients.JavaShare = .5
	mustRun(t, w, c, 7, alone)
	if !reflect.DeepEqual(alone.Truth, among.Truth) {
		t.Error("the same seed gives other clients the second time")
	}
}

// BenchmarkClients tells what a message of a client costs, all of it: the choice of
// the lease, its way, the balancer core and the answer.
func BenchmarkClients(b *testing.B) {
	for _, bundle := range []string{"composed", bundlePinned} {
		for _, traffic := range []Traffic{TrafficStreams, TrafficDatagrams} {
			b.Run(fmt.Sprintf("%s/%s", bundle, traffic), func(b *testing.B) {
				w, out := NewWorld(), new(Outcome)
				c := worldOf(SchemeP140, 4)
				c.Destination.Policy.Bundle = bundle
				c.Duration, c.Warmup = Hour, Hour
				users(c, Java, traffic, 1000)
				c.Clients.JavaShare = .7
				messages := int64(0)
				for i := range b.N {
					if err := w.Run(c, uint64(i), out); err != nil {
						b.Fatal(err)
					}
					messages += out.Truth.Clients.Sent
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(messages), "ns/message")
			})
		}
	}
}

// What an i2pd router sends along with its answers, step by step: each a message of the
// client that is answered, 100 ms each way.
func TestI2pdTells(t *testing.T) {
	t.Parallel()
	const ms = Second / 1000
	type step struct {
		at      Time // when the router has the message
		opens   bool
		given   int64 // LeaseSet that the router has then
		told    int64 // and that it had when it could read the message, where opens
		lost    bool  // the answer
		through int32 // router that answers; the session is router 1's
		want    bool
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"what a router had before a session is not sent in it", []step{
			{at: 1 * Second, opens: true, given: 5, told: 5, through: 1},
			{at: 2 * Second, given: 5, through: 1},
			{at: 3 * Second, given: 6, through: 1, want: true},
			{at: 4 * Second, given: 6, through: 1},
		}},
		{"what it is given for a new client is", []step{
			{at: 1 * Second, opens: true, given: 6, told: 5, through: 1, want: true},
			{at: 2 * Second, given: 6, through: 1},
		}},
		{"a confirmation stands for what was given meanwhile", []step{
			{at: 1 * Second, opens: true, given: 5, told: 5, through: 1},
			{at: 2 * Second, given: 6, through: 1, want: true},
			{at: 3 * Second, given: 7, through: 1},
			{at: 4 * Second, given: 7, through: 1},
			{at: 5 * Second, given: 8, through: 1, want: true},
		}},
		{"but not that of a message sent before", []step{
			{at: 1 * Second, opens: true, given: 5, told: 5, through: 1},
			{at: 2 * Second, given: 6, through: 1, want: true},
			{at: 2*Second + 150*ms, given: 7, through: 1, want: true},
		}},
		{"what is lost is sent again after 4 s", []step{
			{at: 1 * Second, opens: true, given: 5, told: 5, through: 1},
			{at: 2 * Second, given: 6, through: 1, lost: true, want: true},
			{at: 6 * Second, given: 6, through: 1},
			{at: 6*Second + 1, given: 6, through: 1, want: true},
		}},
		{"a router that has no session opens one with it", []step{
			{at: 1 * Second, given: 5, through: 2, want: true},
			{at: 2 * Second, given: 5, through: 2, want: true},
		}},
	} {
		w := NewWorld()
		w.cfg, w.routers = &Config{}, make([]router, 3)
		c := &client{talk: ratchet{router: 1}, tells: telling{router: none}}
		for i, s := range tc.steps {
			w.now = s.at
			f := &flight{opens: s.opens, told: s.told, sent: s.at - 100*ms, lease: lease{router: 1}}
			got := s.at + 100*ms
			if s.lost {
				got = Never
			}
			if x := w.i2pdTells(c, f, s.through, s.given, got); x != s.want {
				t.Errorf("%s: step %d: sent %v", tc.name, i+1, x)
			}
		}
	}
}

// Clients of routers that bundle the whole LeaseSet are kept by the first router with
// new tunnels, since they are told of the others' too late: where routers have started
// together, and renew their tunnels together, more of the messages arrive.
func TestRenewedTogether(t *testing.T) {
	t.Parallel()
	w, out := NewWorld(), new(Outcome)
	lost := func(warmup Time) float64 {
		var shares []float64
		for seed := range uint64(12) {
			c := echo("composed", 4)
			c.Warmup = warmup
			mustRun(t, w, c, seed, out)
			shares = append(shares, 1-float64(out.Truth.Clients.Answered)/float64(out.Truth.Clients.Sent))
		}
		mean, se := meanOf(shares)
		t.Logf("warm-up of %v s: lost %.3f ± %.3f", warmup.Seconds(), mean, se)
		return mean
	}
	if apart, together := lost(30*Minute), lost(95*Second); together > apart-.03 {
		t.Errorf("lost %.3f where routers renew together, else %.3f", together, apart)
	}
}
