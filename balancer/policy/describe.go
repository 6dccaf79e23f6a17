package policy

import "slices"

// A Description says what one has of a policy: the one place where this is told.
type Description struct {
	Name string
	// Does says what the policy decides otherwise than others, Needs what routers
	// must offer.
	Does, Needs string
	// Hides says what an observer cannot see of the number of routers, Shows what he
	// can, Costs what is paid for it in service or load.
	Hides, Shows, Costs string
}

// extension is what most policies need.
const extension = "routers with the extension of Proposal 140"

var descriptions = []Description{
	{
		Name:  "per-router",
		Does:  "Proposal 140's default: every router builds its own tunnels from its own fast tier under its own slice key.",
		Needs: extension,
		Hides: "nothing by itself; one LeaseSet is listed in place of several, and its size and format are those of one router",
		Shows: "as many slices of fast tiers as there are routers: more distinct gateways, tunnels that inherit gateways in as many lines, an even share of leases for each",
		Costs: "nothing beyond the balancer: paths, profiles and load are those of stock routers",
	},
	{
		Name:  "superset",
		Does:  "Any router builds through any peer of the union of all fast tiers.",
		Needs: extension,
		Hides: "which leases belong together, as far as gateways tell it: each router uses the gateways of all",
		Shows: "a union of tiers that is larger than any one router's, and path reuse within each router's pool",
		Costs: "tunnels through peers that the building router did not profile itself; its builds tell peers of the other routers' tiers",
	},
	{
		Name:  "shared-key",
		Does:  "As per-router, with one slice key for all routers.",
		Needs: extension,
		Hides: "peers that several tiers have in common fall into the same slice, so that overlapping tiers look more like one",
		Shows: "where tiers hardly overlap, as measured ones do, as much as per-router",
		Costs: "as per-router",
	},
	{
		Name:  "common-pool",
		Does:  "As per-router, but all inbound gateways come from one reduced common set of a chosen size: the proposal's remedy.",
		Needs: extension,
		Hides: "the number of distinct gateways: it is the set's, not that of as many slices",
		Shows: "which tunnel replaces which, the quotas and the timing of several routers; a set that does not change as one router's tier does",
		Costs: "more load on fewer gateways; gateways that some of the routers did not profile",
	},
	{
		Name:  "mimic",
		Does:  "Shows what one of the routers, the leader, does: it builds every tunnel, and the others build twins of them through the same paths, one of which is listed.",
		Needs: extension,
		Hides: "from the netDb all that a LeaseSet shows of several routers: gateways, inheritance, times and order are one router's",
		Shows: "several routers to clients, unless garlic is handed up to the service; a leader that is lost, unless failover is masked",
		Costs: "two more builds of each inbound tunnel, most of the tunnels on the leader; with failover masked, leases of a dead router stay listed for minutes",
	},
	{
		Name:  "single",
		Does:  "One router alone, as a stock router would do it.",
		Needs: extension,
		Hides: "there is nothing to hide: it is the control that the balancer itself does not show",
		Shows: "one router",
		Costs: "no redundancy",
	},
	{
		Name:  "natural-i2pd",
		Does:  "Lists the tunnels that stock i2pd routers build of their own choice.",
		Needs: "stock i2pd routers",
		Hides: "the number of gateways: every i2pd draws from all fast routers that it knows, so several draw from the same crowd as one",
		Shows: "several rebuild rounds and clocks, blocks of leases that vanish with their router",
		Costs: "nothing beyond the balancer; a LeaseSet changes as often as all routers' tunnels do",
	},
}

// Describe returns what one has of a built-in policy. Every one of Names has a
// description.
func Describe(name string) (Description, bool) {
	i := slices.IndexFunc(descriptions, func(d Description) bool { return d.Name == name })
	if i < 0 {
		return Description{}, false
	}
	return descriptions[i], true
}
