package tier

import (
	"errors"
	"fmt"
)

// PopulationConfig describes the network's routers: how many there are and
// what share of them has which property. DefaultPopulationConfig gives each
// its default and source.
type PopulationConfig struct {
	// Routers is the number N of routers in the network; their ids are 0..N-1.
	// Default 30,000: about 32,000 daily active peers in Hoang et al., "An
	// Empirical Study of the I2P Anonymity Network and its Censorship
	// Resistance", IMC 2018; sweep 20,000 to 50,000.
	Routers int
	// Reachable is the share that publishes 'R'. Default 0.56: 14,000 of
	// 32,000 peers behind NAT or a firewall (Hoang et al. 2018).
	Reachable float64
	// IPv4 is the share with an IPv4 address. Default 0.98; assumption.
	IPv4 float64
	// Classes are the shares of the bandwidth classes K, L, M, N, O, P, X.
	// They are normalised to sum 1. Defaults 0.02, 0.48, 0.05, 0.20, 0.07,
	// 0.08, 0.10; assumption (only the order "L most, N second" is recalled
	// from Hoang et al. 2018).
	Classes [7]float64
	// Floodfill is the share of floodfills, all of them reachable. Default
	// 1,700/30,000: about 1,700 floodfills, 6 % of the routers (geti2p.net,
	// documentation of the network database).
	Floodfill float64
	// Slash16s is the number of /16 networks that the IPv4 addresses fall
	// into, evenly. Default 8,000, which stands for fewer crowded and more
	// sparse ones; assumption.
	Slash16s int
	// Family is the share that declares a family. Default 0.02; assumption.
	Family float64
	// FamilySize is the mean number of routers in a family. Default 5;
	// assumption.
	FamilySize float64
	// Stable is the share of long-lived routers among the reachable ones,
	// known to and kept connected by many others; emergent tiers find their
	// peers among them. Of the others an eighth of that share is stable, which
	// makes nine of ten stable routers reachable. Default 0.22; assumption,
	// calibrated so that emergent tiers overlap as the measured ones.
	Stable float64
}

// DefaultPopulationConfig returns the defaults stated at the fields.
func DefaultPopulationConfig() PopulationConfig {
	return PopulationConfig{
		Routers:    30000,
		Reachable:  0.56,
		IPv4:       0.98,
		Classes:    [7]float64{0.02, 0.48, 0.05, 0.20, 0.07, 0.08, 0.10},
		Floodfill:  1700.0 / 30000,
		Slash16s:   8000,
		Family:     0.02,
		FamilySize: 5,
		Stable:     0.22,
	}
}

// ClassLetters are the bandwidth classes in the order of
// PopulationConfig.Classes.
const ClassLetters = "KLMNOPX"

// Validate reports the first field that is out of range.
func (c *PopulationConfig) Validate() error {
	if c.Routers < 1 || c.Routers > 1<<30 {
		return fmt.Errorf("tier: network of %d routers, want 1 to 2^30", c.Routers)
	}
	for _, s := range [...]struct {
		name  string
		share float64
	}{
		{"reachable", c.Reachable},
		{"ipv4", c.IPv4},
		{"floodfill", c.Floodfill},
		{"family", c.Family},
		{"stable", c.Stable},
	} {
		if !(s.share >= 0 && s.share <= 1) {
			return fmt.Errorf("tier: share of %s routers is %v, want 0 to 1", s.name, s.share)
		}
	}
	if c.Floodfill > c.Reachable {
		return errors.New("tier: more floodfill than reachable routers")
	}
	var sum float64
	for _, s := range c.Classes {
		if !(s >= 0) {
			return errors.New("tier: negative share of a bandwidth class")
		}
		sum += s
	}
	if !(sum > 0 && sum < 1e300) {
		return errors.New("tier: the shares of the bandwidth classes sum to nothing")
	}
	if c.Slash16s < 1 || c.Slash16s > 1<<16 {
		return fmt.Errorf("tier: %d /16 networks, want 1 to 65536", c.Slash16s)
	}
	if !(c.FamilySize >= 1) {
		return errors.New("tier: families of fewer than one router")
	}
	return nil
}

// Population is the network's routers. Everything about a router follows from
// the network's seed and the router's id: nothing is stored, so that a
// network costs no memory, and two trials on one seed share its routers.
//
// Ids at or above N are legal arguments too. No draw of this package returns
// them, which makes them the natural ids of the operator's own routers.
type Population struct {
	cfg  PopulationConfig
	seed uint64
	// Thresholds on 16-bit slices of the attribute word.
	reachable, ipv4, floodfill uint32
	classes                    [7]uint32 // cumulative
	family                     float64
	families                   float64
	stable                     float64
}

// Tags keep the words derived from one id apart; 0..3 are the hash.
const (
	tagAttributes = 4 + iota
	tagNetwork
	tagFamily
	tagStable
	tagSpeed
	tagAcceptance
)

// NewPopulation returns the network of the given seed.
func NewPopulation(seed uint64, cfg PopulationConfig) (Population, error) {
	if err := cfg.Validate(); err != nil {
		return Population{}, err
	}
	p := Population{cfg: cfg, seed: finish(seed ^ 0x74696572)}
	part := func(x float64) uint32 { return uint32(x*65536 + 0.5) }
	p.reachable = part(cfg.Reachable)
	p.ipv4 = part(cfg.IPv4)
	if cfg.Reachable > 0 {
		p.floodfill = part(cfg.Floodfill / cfg.Reachable)
	}
	var sum, run float64
	for _, s := range cfg.Classes {
		sum += s
	}
	for i, s := range cfg.Classes {
		run += s
		p.classes[i] = part(run / sum)
	}
	p.classes[6] = 1 << 16
	p.families = max(1, cfg.Family*float64(cfg.Routers)/cfg.FamilySize)
	p.family = cfg.Family
	p.stable = cfg.Stable
	return p, nil
}

// Config returns what the population was made from.
func (p *Population) Config() PopulationConfig { return p.cfg }

// Len returns N, the number of routers.
func (p *Population) Len() int { return p.cfg.Routers }

// HashWords returns the 32-byte hash of a router as four words, each holding
// eight bytes of it in big-endian order.
func (p *Population) HashWords(id int32) [4]uint64 {
	return [4]uint64{mix(p.seed, id, 0), mix(p.seed, id, 1), mix(p.seed, id, 2), mix(p.seed, id, 3)}
}

// NearWord is the first word of the router's hash, which decides nearly all
// comparisons of XOR distances.
func (p *Population) NearWord(id int32) uint64 { return mix(p.seed, id, 0) }

func (p *Population) attributes(id int32) uint64 { return mix(p.seed, id, tagAttributes) }

// Reachable reports whether the router publishes 'R'.
func (p *Population) Reachable(id int32) bool {
	return uint32(p.attributes(id)&0xffff) < p.reachable
}

// IPv4 reports whether the router has an IPv4 address.
func (p *Population) IPv4(id int32) bool {
	return uint32(p.attributes(id)>>16&0xffff) < p.ipv4
}

// IBGW reports whether Java routers accept the router as an inbound gateway:
// reachable, and with an IPv4 address.
func (p *Population) IBGW(id int32) bool {
	w := p.attributes(id)
	return uint32(w&0xffff) < p.reachable && uint32(w>>16&0xffff) < p.ipv4
}

// Class returns the router's bandwidth class, a letter of ClassLetters.
func (p *Population) Class(id int32) byte { return ClassLetters[p.class(p.attributes(id))] }

func (p *Population) class(w uint64) int {
	v := uint32(w >> 32 & 0xffff)
	for i, t := range p.classes {
		if v < t {
			return i
		}
	}
	return 6
}

// HighBandwidth reports whether the router is of class O, P or X.
func (p *Population) HighBandwidth(id int32) bool { return p.class(p.attributes(id)) >= 4 }

// Floodfill reports whether the router is a floodfill.
func (p *Population) Floodfill(id int32) bool {
	w := p.attributes(id)
	return uint32(w&0xffff) < p.reachable && uint32(w>>48) < p.floodfill
}

// Slash16 returns the first two bytes of the router's IPv4 address. It means
// nothing where IPv4 is false.
func (p *Population) Slash16(id int32) uint16 {
	v := mix(p.seed, id, tagNetwork)
	i := uint64(p.cfg.Slash16s) * (v >> 32) >> 32
	return uint16(i * 65536 / uint64(p.cfg.Slash16s))
}

// Java routers choose their port at random in this range at installation (I2P
// 2.8.0, router.transport.TransportUtil).
const (
	portFirst = 9151
	portLast  = 30777
)

// Port returns the router's port, one of 9151 to 30777.
func (p *Population) Port(id int32) uint16 {
	v := mix(p.seed, id, tagNetwork) & 0xffffffff
	return uint16(portFirst + v*(portLast-portFirst+1)>>32)
}

// Family returns the number of the router's declared family, from 1, or 0 if
// it declares none, as most do.
func (p *Population) Family(id int32) int32 {
	u := unit(mix(p.seed, id, tagFamily))
	if u >= p.family {
		return 0
	}
	return 1 + int32(u/p.family*p.families)
}

// Stable reports whether the router is one of the long-lived, well-known ones
// among which emergent tiers find their peers.
func (p *Population) Stable(id int32) bool {
	u := unit(mix(p.seed, id, tagStable))
	if !p.Reachable(id) {
		u *= 8
	}
	return u < p.stable
}

// inCore reports whether the router can belong to the peers that emergent
// tiers are made of.
func (p *Population) inCore(id int32) bool {
	w := p.attributes(id)
	return p.class(w) >= 4 && p.Stable(id)
}

// inTier reports whether a Java router takes the peer into a tier at all: it
// excludes class K from tunnels.
func (p *Population) inTier(id int32) bool { return p.class(p.attributes(id)) > 0 }
