package sim

import (
	"math"
	"math/rand/v2"
)

// stream is one of the independent sequences of random numbers of a trial. A
// subsystem draws from its own stream only, so that one more draw in it moves
// no other subsystem.
type stream int

const (
	streamRouters   stream = iota // build loops, path choice, skews, start-up
	streamTunnels                 // how builds end, when tunnels break and tests fail
	streamTiers                   // the population and the fast tiers
	streamNetDb                   // floodfills, losses and delays of netDb messages
	streamAdversary               // phases of the polls
	streamFaults                  // which peers a shock replaces, and the like
	streamCore                    // the balancer core and its policy
	streamGrind                   // identities of targeted floodfills
	streamCensus                  // routers that come and go
	streamMeta                    // keys of sub-Destinations, and when their master asks
	streamClients                 // what clients do, and how their messages fare
	numStreams
)

// streams holds the generators of a trial. They are reseeded in place, so that
// a new trial allocates nothing.
type streams struct {
	source [numStreams]rand.PCG
	rand   [numStreams]*rand.Rand
}

func (s *streams) reset(seed uint64) {
	for i := range s.source {
		// Two splitmix words a stream, from a state that no other stream and
		// no other trial visits.
		a := splitmix(seed + uint64(2*i+1)*splitmixStep)
		b := splitmix(seed + uint64(2*i+2)*splitmixStep)
		s.source[i].Seed(a, b)
		if s.rand[i] == nil {
			s.rand[i] = rand.New(&s.source[i])
		}
	}
}

const splitmixStep = 0x9e3779b97f4a7c15

// splitmix is the output function of SplitMix64 (Steele, Lea, Flood 2014).
func splitmix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform draws a time from lo up to, but not including, hi.
func uniform(rng *rand.Rand, lo, hi Time) Time {
	if hi <= lo {
		return lo
	}
	return lo + Time(rng.Int64N(int64(hi-lo)))
}

// exponential draws a time at the given rate per hour; Never at rate 0.
func exponential(rng *rand.Rand, perHour float64) Time {
	if perHour <= 0 {
		return Never
	}
	x := rng.ExpFloat64() / perHour * float64(Hour)
	if x >= math.MaxInt64/4 {
		return Never
	}
	return Time(x)
}

// lognormal draws a time with the given median and standard deviation of the
// natural logarithm.
func lognormal(rng *rand.Rand, median Time, sigma float64) Time {
	if sigma == 0 {
		return median
	}
	x := float64(median) * exp(sigma*rng.NormFloat64())
	return Time(min(x, float64(Day)))
}

// expParts is how many parts exp cuts each doubling into.
const expParts = 64

// expTable holds 2^(k/expParts).
var expTable = func() (t [expParts]float64) {
	for k := range t {
		t[k] = math.Exp2(float64(k) / expParts)
	}
	return t
}()

// exp is math.Exp to 4 units in 10^16, relative, in a third of its time: x is
// (n + k/64)·ln 2 + r, and of e^r five terms suffice where |r| is at most ln 2/128.
// Where that does not hold, math.Exp is asked. Products are converted so that no
// machine fuses them with the sums.
func exp(x float64) float64 {
	const (
		perPart = math.Ln2 / expParts
		high    = 0x1.62e42fefp-7 // the first 33 bits of perPart
		low     = perPart - high
	)
	if !(math.Abs(x) < 700) {
		return math.Exp(x)
	}
	n := math.Floor(float64(x*(1/perPart)) + 0.5)
	r := x - float64(n*high) - float64(n*low)
	p := 1 + float64(r*(1+float64(r*(1./2+float64(r*(1./6+float64(r*(1./24+float64(r*(1./120))))))))))
	parts := int64(n)
	return float64(expTable[parts&(expParts-1)]*p) * math.Float64frombits(uint64(1023+parts>>6)<<52)
}

// upToMinute is median·e^x, cut off at a minute, in whole nanoseconds: the same as
// by math.Exp, which is asked only where exp is too close to the next nanosecond to
// tell.
func upToMinute(median Time, x float64) Time {
	// Within the minute exp and math.Exp differ by less than a thousandth of a
	// nanosecond: 6·10^10 times 10^-15.
	const margin = 1e-3
	y := float64(median) * exp(x)
	if rest := y - math.Floor(y); rest > margin && rest < 1-margin && y < float64(Minute) {
		return Time(y)
	}
	return Time(min(float64(median)*math.Exp(x), float64(Minute)))
}

// chance is true with probability p.
func chance(rng *rand.Rand, p float64) bool {
	return p > 0 && rng.Float64() < p
}

// trialsUntil draws the number of the first success, from 1 on, among
// independent trials, where rate is -ln(1-p) for probability p: the whole part
// of an exponential variable is geometric. 0 stands for none before the limit.
func trialsUntil(rng *rand.Rand, rate float64, limit int) int {
	if rate <= 0 {
		return 0
	}
	n := rng.ExpFloat64() / rate
	if n >= float64(limit) {
		return 0
	}
	return 1 + int(n)
}
