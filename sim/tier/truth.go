package tier

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// ProfileConfig holds the parameters of emergent tiers: what peers are truly
// like, how they come and go, and what the router does besides the tunnels
// that the caller reports. None is measured; those marked "calibrated" are set
// so that the tier sizes come out as in Swarm.
type ProfileConfig struct {
	// Clients is the number of local Destinations; it sets the floor MinFast.
	// Default 1.
	Clients int
	// SpeedMedian is the median over peers of the throughput that a tunnel
	// through the peer reaches, in bytes per minute. Default 300,000 (5 kB/s);
	// assumption. Only its ratio to what the caller credits matters.
	SpeedMedian float64
	// SpeedSigma is the standard deviation of the natural logarithm of that
	// throughput over peers. Default 0.75; calibrated.
	SpeedSigma float64
	// SampleSigma is the standard deviation of the natural logarithm of one
	// minute's throughput around it. Default 0.6; assumption.
	SampleSigma float64
	// AcceptMean is the mean over peers of the probability to accept a tunnel.
	// Peers follow the power law P(a < x) = x^(m/(1-m)). Default 0.85, with
	// which three hops agree in six of ten cases; assumption.
	AcceptMean float64
	// SessionMedian is the median time that a stable peer stays in the
	// network, in ns; SessionSigma the standard deviation of its natural
	// logarithm. Defaults 10 h and 1; assumption (mean 16 h).
	SessionMedian int64
	SessionSigma  float64
	// ConnectedMean and DisconnectedMean are the mean times that a connection
	// to a stable peer lasts and that it takes to come back, in ns,
	// exponential. Defaults 4 h and 10 min; assumption.
	ConnectedMean    int64
	DisconnectedMean int64
	// CorePerHighCapacity is the number of stable peers a router keeps per
	// high-capacity peer of its measured row. Default 1.13; calibrated: it
	// makes up for newcomers and lost connections.
	CorePerHighCapacity float64
	// OuterUsable is the share of the other profiles that a router could build
	// tunnels through. Default 0.02; calibrated: most profiles must be unfit,
	// or high-capacity tiers were larger than the measured ones.
	OuterUsable float64
	// OuterContact is how long the connection to such a peer lasts, in ns.
	// Default 10 min; assumption.
	OuterContact int64
	// BuildsPerPeer is the number of builds an hour, per stable peer, that the
	// router makes for exploratory tunnels and other clients. Default 1;
	// assumption.
	BuildsPerPeer float64
	// ClientShare is the share of those builds that use the fast tier, as
	// clients' tunnels do; the rest use any stable peer. Default 0.5;
	// assumption.
	ClientShare float64
	// SamplesPerTunnel is the number of busy minutes such a tunnel has, each
	// of them credited. Default 1; assumption: most tunnels idle.
	SamplesPerTunnel int
	// FailShare is the share of such tunnels that fail before their end.
	// Default 0.05; assumption.
	FailShare float64
	// Settle is how long the background runs before the start, in ns. Default
	// 3 h; the package comment says what it settles.
	Settle int64
}

// DefaultProfileConfig returns the defaults stated at the fields.
func DefaultProfileConfig() ProfileConfig {
	return ProfileConfig{
		Clients:             1,
		SpeedMedian:         300e3,
		SpeedSigma:          0.75,
		SampleSigma:         0.6,
		AcceptMean:          0.85,
		SessionMedian:       10 * hour,
		SessionSigma:        1,
		ConnectedMean:       4 * hour,
		DisconnectedMean:    10 * minute,
		CorePerHighCapacity: 1.13,
		OuterUsable:         0.02,
		OuterContact:        10 * minute,
		BuildsPerPeer:       1,
		ClientShare:         0.5,
		SamplesPerTunnel:    1,
		FailShare:           0.05,
		Settle:              3 * hour,
	}
}

// Validate reports the first field that is out of range.
func (c *ProfileConfig) Validate() error {
	for _, f := range [...]struct {
		name     string
		x        float64
		min, max float64
	}{
		{"clients", float64(c.Clients), 1, 1000},
		{"median speed", c.SpeedMedian, 1, 1e12},
		{"spread of speeds", c.SpeedSigma, 0, 10},
		{"spread of samples", c.SampleSigma, 0, 10},
		{"mean acceptance", c.AcceptMean, 0.01, 0.999},
		{"median session", float64(c.SessionMedian), float64(minute), float64(1000 * day)},
		{"spread of sessions", c.SessionSigma, 0, 5},
		{"connected time", float64(c.ConnectedMean), float64(second), float64(1000 * day)},
		{"disconnected time", float64(c.DisconnectedMean), float64(second), float64(1000 * day)},
		{"stable peers per high-capacity peer", c.CorePerHighCapacity, 0, 100},
		{"usable share of other peers", c.OuterUsable, 0, 1},
		{"contact time", float64(c.OuterContact), 0, float64(expireTime)},
		{"builds per peer", c.BuildsPerPeer, 0, 1000},
		{"client share of builds", c.ClientShare, 0, 1},
		{"samples per tunnel", float64(c.SamplesPerTunnel), 0, 10},
		{"failing share of tunnels", c.FailShare, 0, 1},
		{"settling time", float64(c.Settle), 0, float64(30 * day)},
	} {
		if !(f.x >= f.min && f.x <= f.max) {
			return fmt.Errorf("tier: %s is %v, want %v to %v", f.name, f.x, f.min, f.max)
		}
	}
	return nil
}

// TrueSpeed returns the throughput that a tunnel limited by this peer reaches
// in a typical minute, in bytes. It is a property of the peer, the same for
// all routers.
func (p *Population) TrueSpeed(id int32, c *ProfileConfig) float64 {
	return c.SpeedMedian * math.Exp(c.SpeedSigma*normal(mix(p.seed, id, tagSpeed)))
}

// TrueAcceptance returns the probability that the peer accepts a tunnel.
func (p *Population) TrueAcceptance(id int32, c *ProfileConfig) float64 {
	return math.Pow(unit(mix(p.seed, id, tagAcceptance)), 1/c.AcceptMean-1)
}

// normal maps 64 random bits to a standard normal value.
func normal(w uint64) float64 {
	return math.Sqrt2 * math.Erfinv(2*unit(w)-1)
}

// noise draws a normal value from a table of 4096 equally likely quantiles,
// several times faster than an exact draw; it is bounded by 3.7.
func noise(rng *rand.Rand) float64 { return noiseTable[rng.Uint64()>>52] }

var noiseTable = func() (t [4096]float64) {
	for i := range t {
		t[i] = math.Sqrt2 * math.Erfinv((2*float64(i)+1)/4096-1)
	}
	return t
}()
