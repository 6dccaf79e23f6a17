package tier

import (
	"fmt"
	"math/rand/v2"
)

// I2pdCandidates is the set that i2pd routers draw inbound gateways from:
// i2pd has no tiers but draws uniformly among the routers it knows that are
// reachable, have IPv4 and publish O, P or X (PurpleI2P/i2pd 2.58,
// libi2pd/TunnelPool.cpp and NetDb.cpp). Its members are the first E
// elements of a permutation keyed by the network's seed, so that the set is
// the same for every router of a trial, exactly E large, and costs no memory.
//
// The members count as reachable high-bandwidth routers by definition. The
// population's own attributes of an id are not consulted, or else E could not
// be swept apart from them.
type I2pdCandidates struct {
	routers, eligible uint64
	half              uint // bits in half a block of the permutation
	keys              [4]uint64
}

// DefaultI2pdEligible returns the default size E of the set: the number of
// reachable routers with IPv4 of class O, P or X that the population's shares
// give (4,116 with the defaults). Assumption, since the shares are; sweep 500
// to 5,000.
func DefaultI2pdEligible(p *Population) int {
	var sum, high float64
	for i, s := range p.cfg.Classes {
		sum += s
		if i >= 4 {
			high += s
		}
	}
	e := int(float64(p.cfg.Routers)*p.cfg.Reachable*p.cfg.IPv4*high/sum + 0.5)
	return max(1, e)
}

// NewI2pdCandidates returns the candidates of a network; eligible 0 means
// DefaultI2pdEligible.
func NewI2pdCandidates(p *Population, eligible int) (I2pdCandidates, error) {
	if eligible == 0 {
		eligible = DefaultI2pdEligible(p)
	}
	if eligible < 1 || eligible > p.Len() {
		return I2pdCandidates{}, fmt.Errorf("tier: %d eligible routers in a network of %d", eligible, p.Len())
	}
	c := I2pdCandidates{routers: uint64(p.Len()), eligible: uint64(eligible), half: 1}
	for uint64(1)<<(2*c.half) < c.routers {
		c.half++
	}
	for i := range c.keys {
		c.keys[i] = mix(p.seed, int32(i), 0x6932706463)
	}
	return c, nil
}

// Len returns E, the number of candidates.
func (c *I2pdCandidates) Len() int { return int(c.eligible) }

// At returns the i-th candidate, 0 <= i < Len.
func (c *I2pdCandidates) At(i int) int32 {
	// A balanced Feistel network permutes the next power of four; walking the
	// cycle until it falls below N makes it a permutation of 0..N-1. The walk
	// takes fewer than four steps on average.
	x := uint64(i)
	for {
		x = c.permute(x)
		if x < c.routers {
			return int32(x)
		}
	}
}

func (c *I2pdCandidates) permute(x uint64) uint64 {
	mask := uint64(1)<<c.half - 1
	l, r := x>>c.half, x&mask
	for _, k := range c.keys {
		l, r = r, l^finish(r+k)&mask
	}
	return l<<c.half | r
}

// Draw returns a candidate, all alike likely. The caller draws again if it
// must not be one that it has.
func (c *I2pdCandidates) Draw(rng *rand.Rand) int32 {
	return c.At(int(rng.Uint64N(c.eligible)))
}
