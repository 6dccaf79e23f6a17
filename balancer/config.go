package balancer

import (
	"errors"
	"math/rand/v2"
)

// MaxLeases is the most leases that a LeaseSet may hold (I2P common
// structures, LeaseSet2: num ≤ 16).
const MaxLeases = 16

// Bounds of what the core keeps, whatever it is told.
const (
	// MaxWeight is the largest weight of a router.
	MaxWeight = 1 << 20
	// MaxPeers is how many peers of a Peer List count, the fast ones first
	// (Java: at most 75 fast and 150 of high capacity).
	MaxPeers = 1024
	// maxRequests is how many builds a pool may await, those included that
	// timed out and may still be answered.
	maxRequests = 256
	// maxTunnels is how many tunnels a pool holds, beyond four times those
	// wanted; further ones are not taken up.
	maxTunnels = 64
	// MaxClients is how many clients the core follows; further ones are
	// answered through the router that their messages come through.
	MaxClients = 1 << 16
	// clockJump is how far off the end of a new tunnel must be before its router's
	// clock is held to have jumped: by more than a minute no router is accepted by
	// others, and floodfills refuse leases that end more than 16 minutes ahead, 6 more
	// than a tunnel lives.
	clockJump = 6 * Minute
)

// Config is a run of the core: the operator's routers, the policy and the
// tunables. The zero value of every span takes DefaultConfig's.
type Config struct {
	// Leases is how many leases a full LeaseSet holds, 1..MaxLeases. The
	// quota of router i is Leases/len(Routers), the remainder going to the
	// first; routers beyond the Leases-th stand by.
	Leases int
	// MaxLeases is the most leases of any LeaseSet; 16, more only in a
	// network with larger LeaseSets.
	MaxLeases int
	// ComposeSpacing is the least time between two LeaseSets, published or not; 0 for
	// none. It is for LeaseSets of hundreds of leases, whose list changes more than once
	// a second: `published` has only seconds, and would run ahead of the clock. Above
	// PublishDelay, or each version puts the publish off that the last one set.
	ComposeSpacing Time
	Routers        []RouterConfig
	Policy         Policy
	// Imitate is the kind of router whose LeaseSets and publishing the core
	// imitates; the replacement of tunnels follows each router's own kind.
	Imitate RouterKind
	// Rand is the only randomness; the core never draws elsewhere.
	Rand *rand.Rand
	// PublishDelay is the time from a change of the LeaseSet to its publish
	// (Java: 3 s; i2pd: none), PublishSpacing the least time between two
	// publishes (Java: 60 s from the last attempt; i2pd: 20 s, and a change
	// that comes too early waits for 20 s more).
	PublishDelay   Time
	PublishSpacing Time
	// PeerRefresh is how often each fast tier is asked for. Proposal 140
	// suggests ten minutes; Java routers reorganise theirs every 351 s.
	PeerRefresh Time
	// Heartbeat is the interval of heartbeats; after HeartbeatMisses without
	// an answer a router counts as lost.
	Heartbeat       Time
	HeartbeatMisses int
	// Resync is how often each router's tunnel list is asked for and compared
	// with what the core believes.
	Resync Time
	// SessionRetry is the wait after a refused session.
	SessionRetry Time
	// Verify is how often our LeaseSet is looked up in the netDb, and a few
	// seconds after each publish through a router that reports no acks; 0:
	// never.
	Verify Time
}

// RouterConfig is one of the operator's routers.
type RouterConfig struct {
	Frontend FrontendID
	Kind     RouterKind
	// Weight shares out the leases; all equal where all are 0.
	Weight int32
	// Hops is the tunnel length, 1..7; Outbound the number of outbound
	// tunnels, at least 1.
	Hops     int
	Outbound int
}

// ImitateI2pd sets the tunables of a core that imitates i2pd.
func (c *Config) ImitateI2pd() {
	c.Imitate = KindI2pd
	c.PublishDelay = 0
	c.PublishSpacing = 20 * Second
}

// DefaultConfig holds the tunables of a core that imitates Java I2P.
func DefaultConfig() Config {
	return Config{
		Leases:          MaxLeases,
		MaxLeases:       MaxLeases,
		PublishDelay:    3 * Second,
		PublishSpacing:  60 * Second,
		PeerRefresh:     5 * Minute,
		Heartbeat:       2 * Second,
		HeartbeatMisses: 2,
		Resync:          10 * Minute,
		SessionRetry:    10 * Second,
	}
}

// Validate returns the first error of c, naming the field.
func (c *Config) Validate() error {
	switch {
	case c.Policy == nil:
		return errors.New("balancer: Config.Policy is nil")
	case c.Rand == nil:
		return errors.New("balancer: Config.Rand is nil")
	case len(c.Routers) == 0:
		return errors.New("balancer: Config.Routers is empty")
	case c.MaxLeases < 1:
		return errors.New("balancer: Config.MaxLeases must be at least 1")
	case c.Leases < 1 || c.Leases > c.MaxLeases:
		return errors.New("balancer: Config.Leases must be from 1 to MaxLeases")
	case c.PublishDelay < 0 || c.PublishSpacing < 0:
		return errors.New("balancer: Config.PublishDelay and PublishSpacing must not be negative")
	case c.PeerRefresh <= 0 || c.Heartbeat <= 0 || c.Resync <= 0 || c.SessionRetry <= 0:
		return errors.New("balancer: Config's intervals must be positive")
	case c.Verify < 0:
		return errors.New("balancer: Config.Verify must not be negative")
	case c.HeartbeatMisses < 1:
		return errors.New("balancer: Config.HeartbeatMisses must be at least 1")
	}
	for i := range c.Routers {
		r := &c.Routers[i]
		switch {
		case r.Hops < 1 || r.Hops > MaxHops:
			return errors.New("balancer: RouterConfig.Hops must be from 1 to 7")
		case r.Outbound < 1 || r.Outbound > 16:
			return errors.New("balancer: RouterConfig.Outbound must be from 1 to 16")
		case r.Weight < 0 || r.Weight > MaxWeight:
			return errors.New("balancer: RouterConfig.Weight must be from 0 to MaxWeight")
		}
	}
	return nil
}
