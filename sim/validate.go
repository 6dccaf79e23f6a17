package sim

import (
	"fmt"

	"multihome.i2p/sim/tier"
)

// FieldError says which key of a scenario has a value that no world can be
// made of.
type FieldError struct {
	Path    string // dotted path of the scenario key, "destination.routers.2.hops"
	Problem string // what is wrong, with the value and the range
}

// Error returns path and problem.
func (e *FieldError) Error() string { return e.Path + ": " + e.Problem }

func bad(path, format string, args ...any) error {
	return &FieldError{Path: path, Problem: fmt.Sprintf(format, args...)}
}

// Validate returns the first error of c as a *FieldError.
func (c *Config) Validate() error {
	switch {
	case c.Duration <= 0 || c.Duration > 366*Day:
		return bad("duration", "must be more than 0 and at most 366 days")
	case c.Warmup < 0 || c.Warmup > 31*Day:
		return bad("warmup", "must be from 0 to 31 days")
	}
	if err := c.Network.validate(); err != nil {
		return err
	}
	if err := c.Destination.validate(); err != nil {
		return err
	}
	for i := range c.Faults {
		if err := c.validateFault(i); err != nil {
			return err
		}
	}
	if err := c.Clients.validate(); err != nil {
		return err
	}
	for i := range c.Adversaries {
		a := &c.Adversaries[i]
		path := fmt.Sprintf("adversaries.%d.", i)
		if err := a.validate(path, &c.Network); err != nil {
			return err
		}
	}
	return nil
}

// clientsMax is the most clients of a world.
const clientsMax = 100_000

func (c *Clients) validate() error {
	if c.Count == 0 {
		return nil
	}
	switch {
	case c.Count < 0 || c.Count > clientsMax:
		return bad("clients.count", "is %d, want 0 to %d", c.Count, clientsMax)
	case c.MessageEvery < 10*Millisecond || c.MessageEvery > Day:
		return bad("clients.message_every", "must be from 10ms to 1 day")
	case c.Traffic != TrafficStreams && c.Traffic != TrafficDatagrams:
		return bad("clients.traffic", "unknown traffic %q; want streams or datagrams", c.Traffic)
	case c.Traffic == TrafficStreams && (c.StreamLength < Second || c.StreamLength > 366*Day):
		return bad("clients.stream_length", "must be from 1s to 366 days")
	case c.Stay != 0 && (c.Stay < Second || c.Stay > 366*Day):
		return bad("clients.stay", "must be from 1s to 366 days, or 0s for all the time")
	case i2pdClientOf(c.I2pdVersion) == nil:
		return bad("clients.i2pd_version", "unknown version %q; want %s or %s", c.I2pdVersion, I2pd258, I2pd245)
	}
	if err := share("clients.java_share", c.JavaShare); err != nil {
		return err
	}
	return share("clients.published", c.Published)
}

func (a *Adversary) validate(path string, n *Network) error {
	polls := false
	switch a.Vantage {
	case vantageNetDb:
		polls = true
	case vantageFloodfill:
		switch {
		case a.Placement != placementRandom && a.Placement != placementTargeted:
			return bad(path+"placement", "unknown placement %q; want random or targeted", a.Placement)
		case a.Placement == placementRandom && (a.Floodfills < 1 || a.Floodfills > n.Floodfills):
			return bad(path+"floodfills", "is %d, want 1 to network.floodfills", a.Floodfills)
		}
	case vantageClient:
		polls = true
		switch {
		case a.ProbeEvery != 0 && a.ProbeEvery < Second:
			return bad(path+"probe_every", "must be at least 1s, or 0s for never")
		case a.ProbeEvery != 0 && (a.ProbeLeases < 1 || a.ProbeLeases > leasesMax):
			return bad(path+"probe_leases", "is %d, want 1 to %d", a.ProbeLeases, leasesMax)
		}
	case vantagePeer:
		if err := share(path+"share", a.Share); err != nil {
			return err
		}
	default:
		return bad(path+"vantage", "unknown vantage point %q; want netdb, floodfill, client or peer", a.Vantage)
	}
	switch {
	case polls && a.Every < Second:
		return bad(path+"every", "must be at least 1s")
	case a.Routers < 0 || a.Routers > censusMax:
		return bad(path+"routers", "is %d, want 0 to %d", a.Routers, censusMax)
	case a.Routers > 0 && (n.RouterSession < Second || n.RouterSession > 366*Day):
		return bad("network.router_session", "must be from 1s to 366 days")
	case a.Routers > 0 && (n.RouterAway < Second || n.RouterAway > 366*Day):
		return bad("network.router_away", "must be from 1s to 366 days")
	}
	return nil
}

// censusMax is the most routers that an adversary watches come and go: as many as
// the network has, and more than anyone needs.
const censusMax = 100_000

func share(path string, x float64) error {
	if !(x >= 0 && x <= 1) {
		return bad(path, "is %v, want 0 to 1", x)
	}
	return nil
}

func (n *Network) validate() error {
	switch {
	case n.Routers < 500 || n.Routers > 1<<24:
		return bad("network.routers", "is %d, want 500 to 16777216", n.Routers)
	case n.Floodfills < holdersOfKey+1 || n.Floodfills > n.Routers:
		return bad("network.floodfills", "is %d, want %d to network.routers", n.Floodfills, holdersOfKey+1)
	case n.I2pdCandidates < 0 || n.I2pdCandidates > n.Routers:
		return bad("network.i2pd_candidates", "is %d, want 0 to network.routers", n.I2pdCandidates)
	case !(n.MessageJitter >= 0 && n.MessageJitter <= 3):
		return bad("network.message_jitter", "is %v, want 0 to 3", n.MessageJitter)
	case n.LeaseSetLimit != 0 && (n.LeaseSetLimit < leaseSetLimitMin || n.LeaseSetLimit > leaseSetLimitMax):
		return bad("network.leaseset_limit", "is %d, want %d to %d", n.LeaseSetLimit, leaseSetLimitMin, leaseSetLimitMax)
	case n.MessageDelay < 0 || n.MessageDelay > Minute:
		return bad("network.message_delay", "must be from 0s to 1m")
	}
	for _, s := range [...]struct {
		path string
		x    float64
	}{
		{"network.ibgw_eligible", n.IBGWEligible},
		{"network.store_loss", n.StoreLoss},
		{"network.java_floodfills", n.JavaFloodfills},
	} {
		if err := share(s.path, s.x); err != nil {
			return err
		}
	}
	return nil
}

func (d *Destination) validate() error {
	n := len(d.Routers)
	switch {
	case n < 1 || n > tier.RoutersMax:
		return bad("destination.routers", "%d routers, want 1 to %d", n, tier.RoutersMax)
	case d.Leases < 1 || d.Leases > leasesMax:
		return bad("destination.leases", "is %d, want 1 to %d", d.Leases, leasesMax)
	case d.Scheme != SchemeLargeLeaseSet && d.Leases > 16:
		return bad("destination.leases", "is %d, want at most 16 except in scheme large-leaseset", d.Leases)
	case d.ControlDelay < 0 || d.ControlDelay > Minute:
		return bad("destination.control_delay", "must be from 0s to 1m")
	case !(d.Overlap >= 0 && d.Overlap <= 1):
		return bad("destination.overlap", "is %v, want 0 to 1", d.Overlap)
	case !(d.TurnoverPerHour >= 0 && d.TurnoverPerHour <= 1e4):
		return bad("destination.turnover_per_hour", "is %v, want at least 0", d.TurnoverPerHour)
	}
	switch d.Scheme {
	case SchemeSingle:
		if n != 1 {
			return bad("destination.routers", "%d routers in scheme single, want 1", n)
		}
	case SchemeIndependent, SchemeP140, SchemeLargeLeaseSet:
	case SchemeMeta, SchemeP140Meta:
		if err := d.Meta.validate(d.Scheme); err != nil {
			return err
		}
	default:
		return bad("destination.scheme", "unknown scheme %q", d.Scheme)
	}
	emergent, java := 0, 0
	for i := range d.Routers {
		if err := d.Routers[i].validate(fmt.Sprintf("destination.routers.%d.", i), d.Scheme); err != nil {
			return err
		}
		if d.Routers[i].Kind == Java {
			java++
			if d.Routers[i].FastTier.Mode == tierEmergent {
				emergent++
			}
		}
	}
	if emergent != 0 && emergent != java {
		return bad("destination.routers.fast_tier", "emergent for some Java routers only; want all or none")
	}
	return nil
}

// metaExpiresMax is the longest that a Meta LeaseSet can be good for: two bytes of
// seconds.
const metaExpiresMax = 65535 * Second

func (m *Meta) validate(scheme Scheme) error {
	switch {
	case m.Expires < Minute || m.Expires > metaExpiresMax:
		return bad("destination.meta.expires", "must be from 1m to 65535s")
	case m.Republish < Minute || m.Republish > m.Expires:
		return bad("destination.meta.republish", "must be from 1m to destination.meta.expires")
	case m.CheckEvery < Second || m.CheckEvery > Hour:
		return bad("destination.meta.check_every", "must be from 1s to 1h")
	case scheme == SchemeP140Meta && (m.RoutersPerSub < 1 || m.RoutersPerSub > 16):
		return bad("destination.meta.routers_per_sub", "is %d, want 1 to 16", m.RoutersPerSub)
	}
	return nil
}

// leasesMax is the most leases of a LeaseSet of 16 kB (analysis/trace).
const leasesMax = 397

func (r *Router) validate(path string, scheme Scheme) error {
	switch {
	case r.Kind != Java && r.Kind != I2pd:
		return bad(path+"kind", "unknown kind %q; want java or i2pd", r.Kind)
	case r.ClientDelay < 0 || r.ClientDelay > 10*Second:
		return bad(path+"client_delay", "must be from 0s to 10s")
	case r.i2pd() == nil:
		return bad(path+"i2pd_version", "unknown version %q; want %s or %s", r.I2pdVersion, I2pd258, I2pd245)
	case balanced(scheme) && !r.SpeaksP140 && r.Kind != I2pd:
		return bad(path+"speaks", "a stock Java router under a balancer is not simulated; want p140, or kind i2pd")
	case r.Hops < 1 || r.Hops > maxHops:
		return bad(path+"hops", "is %d, want 1 to %d", r.Hops, maxHops)
	case r.Outbound < 1 || r.Outbound > 16:
		return bad(path+"outbound", "is %d, want 1 to 16", r.Outbound)
	case r.BuildDelay <= 0 || r.BuildDelay > Minute:
		return bad(path+"build_delay", "must be more than 0s and at most 1m")
	case !(r.BuildDelaySigma >= 0 && r.BuildDelaySigma <= 5):
		return bad(path+"build_delay_sigma", "is %v, want 0 to 5", r.BuildDelaySigma)
	case !(r.TunnelFailPerHour >= 0 && r.TunnelFailPerHour <= 1e4):
		return bad(path+"tunnel_fail_per_hour", "is %v, want at least 0", r.TunnelFailPerHour)
	case r.ClockSkew < -Hour || r.ClockSkew > Hour:
		return bad(path+"clock_skew", "must be from -1h to 1h")
	case r.ReplyDelay < 0 || r.ReplyDelay > Minute:
		return bad(path+"reply_delay", "must be from 0s to 1m")
	case r.Exploratory < 0 || r.Exploratory > 100:
		return bad(path+"exploratory", "is %d, want 0 to 100", r.Exploratory)
	}
	if r.Kind == Java {
		switch r.FastTier.Mode {
		case tierSwarm, tierEmergent:
		case tierSize:
			if r.FastTier.Size < 1 || r.FastTier.Size > tier.FastMax {
				return bad(path+"fast_tier", "is %d, want 1 to %d", r.FastTier.Size, tier.FastMax)
			}
		default:
			return bad(path+"fast_tier", "unknown mode %q; want swarm, size or emergent", r.FastTier.Mode)
		}
	}
	for _, s := range [...]struct {
		key string
		x   float64
	}{
		{"build_success", r.BuildSuccess},
		{"reject_share", r.RejectShare},
		{"test_loss", r.TestLoss},
		{"slow_share", r.SlowShare},
		{"reuse", r.Reuse},
	} {
		if err := share(path+s.key, s.x); err != nil {
			return err
		}
	}
	if r.BuildSuccess == 0 {
		return bad(path+"build_success", "is 0: no tunnel would ever be built")
	}
	return nil
}

// stepMax is the farthest that a clock jumps at once.
const stepMax = Hour

func (c *Config) validateFault(i int) error {
	f := &c.Faults[i]
	path := fmt.Sprintf("faults.%d.", i)
	switch f.Kind {
	case FaultCrash, FaultRestart, FaultStall, FaultSkew, FaultFloodfillLoss, FaultTierShock:
	default:
		return bad(path+"kind", "unknown fault %q", f.Kind)
	}
	switch {
	case f.Router < -1 || f.Router >= len(c.Destination.Routers):
		return bad(path+"router", "is %d, want -1 for all, or 0 to %d", f.Router, len(c.Destination.Routers)-1)
	case f.Kind == FaultSkew && (f.Step == 0 || f.Step < -stepMax || f.Step > stepMax):
		return bad(path+"step", "must be from -1h to 1h, and not 0s")
	case f.At < 0:
		return bad(path+"at", "must not be negative")
	case f.For < 0:
		return bad(path+"for", "must not be negative")
	case f.Every < 0 || f.Every > 0 && f.Every < Second:
		return bad(path+"every", "must be 0s, for once, or at least 1s")
	}
	return nil
}
