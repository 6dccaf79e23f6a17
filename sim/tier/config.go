package tier

import "fmt"

// Kind says what decides who stands in a fast tier.
type Kind uint8

// The kinds of tiers.
const (
	Parametric Kind = iota // sizes, overlap and turnover are parameters
	Emergent               // peer profiles decide
)

// Config describes the tiers of one trial's routers.
type Config struct {
	// Population is the network; it must be set.
	Population *Population
	// Routers is the number of the operator's Java routers, at least 1.
	Routers int
	// Own are ids that no tier may hold. Ids of the operator's routers at or
	// above Population.Len need not be listed.
	Own []int32
	// Kind is the kind of tiers.
	Kind Kind
	// Sizes fixes the fast tiers' sizes in peers: empty for all measured, one
	// entry for all routers, or one entry a router, 0 for "measured" (drawn
	// with replacement from Swarm). Entries are clamped to 1..FastMax; see
	// Notes for what a real router would not do. Parametric tiers only.
	Sizes []int
	// Overlap is the wanted mean over the router pairs of the expected Jaccard
	// index of two fast tiers. Default 0.016, a rough value derived from the
	// console pages behind Swarm (11 of 105 pairs with a visible common peer,
	// corrected for the share of each tier that the pages show; the snapshots
	// are not simultaneous). Sweep 0 to 0.6. Parametric tiers only.
	Overlap float64
	// Turnover is the rate at which peers of a tier are replaced, per peer
	// and hour: of F peers, F*(1-exp(-Turnover*t)) are gone after t hours.
	// Default 0.05, an assumption; sweep 0.02 to 0.2. Parametric tiers only.
	Turnover float64
	// IBGWEligible is the share of tier members that may be inbound gateways
	// (reachable, with IPv4). Default 0.9; assumption: higher than in the
	// network at large, since being unreachable costs a peer 3 points of
	// capacity and tier members are connected peers. Parametric tiers only;
	// in emergent ones the share is an outcome.
	IBGWEligible float64
	// NoIBGWFilter switches the inbound gateway filter off: AllowIBGW accepts
	// every peer. Default off, as routers do filter.
	NoIBGWFilter bool
	// Start is the time of the reset in ns.
	Start int64
	// Uptime is how long each router had been up at Start, in ns. Default
	// three days. It sets the reorganisation interval.
	Uptime int64
	// Profiles are the parameters of emergent tiers.
	Profiles ProfileConfig
}

// DefaultConfig returns the defaults stated at the fields, for one router.
func DefaultConfig(p *Population) Config {
	return Config{
		Population:   p,
		Routers:      1,
		Overlap:      0.016,
		Turnover:     0.05,
		IBGWEligible: 0.9,
		Uptime:       3 * day,
		Profiles:     DefaultProfileConfig(),
	}
}

// RoutersMax is the most routers a Set serves.
const RoutersMax = 1000

// Validate reports the first field that is out of range.
func (c *Config) Validate() error {
	if c.Population == nil {
		return fmt.Errorf("tier: no population")
	}
	if c.Routers < 1 || c.Routers > RoutersMax {
		return fmt.Errorf("tier: %d routers, want 1 to %d", c.Routers, RoutersMax)
	}
	if c.Kind > Emergent {
		return fmt.Errorf("tier: unknown kind %d", c.Kind)
	}
	if n := len(c.Sizes); n > 1 && n != c.Routers {
		return fmt.Errorf("tier: %d sizes for %d routers", n, c.Routers)
	}
	for _, s := range c.Sizes {
		if s < 0 {
			return fmt.Errorf("tier: fast tier of %d peers", s)
		}
		if s > 0 && c.Kind == Emergent {
			return fmt.Errorf("tier: the size of an emergent tier cannot be set")
		}
	}
	if !(c.Overlap >= 0 && c.Overlap <= 1) {
		return fmt.Errorf("tier: overlap %v, want 0 to 1", c.Overlap)
	}
	if !(c.Turnover >= 0 && c.Turnover <= 1e6) {
		return fmt.Errorf("tier: turnover %v per hour, want at least 0", c.Turnover)
	}
	if !(c.IBGWEligible >= 0 && c.IBGWEligible <= 1) {
		return fmt.Errorf("tier: share of eligible gateways %v, want 0 to 1", c.IBGWEligible)
	}
	if c.Uptime < 0 {
		return fmt.Errorf("tier: negative uptime")
	}
	if c.Kind == Emergent {
		if 2*len(c.Own) >= c.Population.Len() {
			return fmt.Errorf("tier: %d of %d routers are our own", len(c.Own), c.Population.Len())
		}
		return c.Profiles.Validate()
	}
	return nil
}

// Notes returns what about the configuration a real router would not do, for
// the warnings of a report. It allocates; call it once a run.
func (c *Config) Notes() []string {
	var notes []string
	for _, s := range c.Sizes {
		switch {
		case s > FastMax:
			notes = append(notes, fmt.Sprintf("fast tier of %d peers cut to %d, the most a Java router keeps", s, FastMax))
		case s > 0 && s < MinFast(1):
			notes = append(notes, fmt.Sprintf("fast tier of %d peers: a Java router with one client fills its tier up to %d", s, MinFast(1)))
		}
	}
	return notes
}
