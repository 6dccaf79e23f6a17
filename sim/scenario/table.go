package scenario

import "multihome.i2p/sim"

// Sources that many keys share.
const (
	java      = "Java I2P 2.8.0 "
	swarmData = "SWARM-I2P data set (Muntaka et al., arXiv:2506.18159, Zenodo 10.5281/zenodo.15369068)"
	p140      = "Proposal 140"
	p123      = "Proposal 123, Meta LS2"
)

// table declares every key. Parents stand before their children, and the order
// is that of the canonical form and of the documentation.
//
// To add a key: declare it here with its default, bounds and source, and point
// field at what it fills. Nothing else lists keys.
var table = []declaration{
	{
		Key: Key{
			Path: "question", Type: String,
			Doc: "What the scenario asks, in one sentence. Every report opens with it.",
		},
		field:    func(t *target) any { return &t.scenario.Question },
		required: true, fixed: true, fold: true,
	},
	{
		Key: Key{
			Path: "seed", Type: Int, Default: "140", Min: "0", Max: "9223372036854775807",
			Doc: "Seed of all randomness. The same seed, scenario and version give the same bytes, whatever the number of workers.",
		},
		field: func(t *target) any { return &t.scenario.Seed },
		fixed: true, settable: true,
	},
	{
		Key: Key{
			Path: "trials", Type: Int, Default: "100", Unit: "trials per arm", Min: "1", Max: "1000000",
			Doc: "Test trials of each arm. Learned attacks train on others.",
		},
		field: func(t *target) any { return &t.scenario.Trials },
		fixed: true, settable: true,
	},
	{
		Key: Key{
			Path: "training", Type: Int, Default: "auto", Unit: "trials per arm", Min: "1", Max: "1000000",
			Words: []string{"auto"},
			Doc:   "Training trials of each arm, for attacks that learn; `auto` is half of the test trials, rounded up, at most 500.",
		},
		field: func(t *target) any { return t.training },
		fixed: true, settable: true,
	},
	{
		Key: Key{
			Path: "duration", Type: Duration, Default: "24h", Min: "1m", Max: "366d",
			Doc: "Observed span of virtual time. Where a sweep, a figure or a flag shortens it, horizons and faults beyond it are cut.",
		},
		field: func(t *target) any { return &t.world.Duration },
	},
	{
		Key: Key{
			Path: "warmup", Type: Duration, Default: "3h", Min: "0s", Max: "30d",
			Doc:    "Virtual time before the observation, which then begins at a random phase. 0s observes the start-up itself.",
			Source: "assumption: well above the first ~10-30 min in which Java's pools build conservatively (" + java + "TunnelPool.countHowManyToBuild)",
		},
		field: func(t *target) any { return &t.world.Warmup },
	},

	// The network around the operator's routers.
	{Key: Key{Path: "network", Type: Map, Default: "{}", Doc: "The rest of I2P."}},
	{
		Key: Key{
			Path: "network.routers", Type: Int, Default: "30000", Unit: "routers", Min: "1000", Max: "1000000",
			Doc:    "Routers in the network.",
			Source: "Hoang et al., IMC 2018 (arXiv:1809.09086): about 32,000 daily active peers; 1,700 floodfills at 6 % give about 28,000",
		},
		field: func(t *target) any { return &t.world.Network.Routers },
	},
	{
		Key: Key{
			Path: "network.floodfills", Type: Int, Default: "1700", Unit: "routers", Min: "8", Max: "100000",
			Doc:    "Floodfills among them.",
			Source: "I2P documentation, network-database.md",
		},
		field: func(t *target) any { return &t.world.Network.Floodfills },
	},
	{
		Key: Key{
			Path: "network.ibgw_eligible", Type: Float, Default: "0.8", Unit: "share", Min: "0.05", Max: "1",
			Doc:    "Share of fast peers that publish R and an IPv4 address, and so may be inbound gateways (IBGWExcluder).",
			Source: "assumption, plausible 0.5..1: no measurement of fast peers; of all routers perhaps 0.3..0.5",
		},
		field: func(t *target) any { return &t.world.Network.IBGWEligible },
	},
	{
		Key: Key{
			Path: "network.i2pd_candidates", Type: Int, Default: "2000", Unit: "routers", Min: "10", Max: "1000000",
			Doc:    "Reachable high-bandwidth routers that an i2pd router draws hops from.",
			Source: "assumption, plausible 500..5000: i2pd 2.58.0 NetDb::GetHighBandwidthRandomRouter draws from all O, P and X routers it knows",
		},
		field: func(t *target) any { return &t.world.Network.I2pdCandidates },
	},
	{
		Key: Key{
			Path: "network.store_loss", Type: Float, Default: "0.05", Unit: "probability", Min: "0", Max: "0.95",
			Doc:    "Chance that one store, ack or lookup is lost on its way through the tunnels.",
			Source: "assumption, plausible 0..0.2",
		},
		field: func(t *target) any { return &t.world.Network.StoreLoss },
	},
	{
		Key: Key{
			Path: "network.leaseset_limit", Type: Int, Default: "16384", Unit: "B", Min: "1143", Max: "62619",
			Doc:    "Size of the largest LeaseSet that floodfills take; a larger one is dropped without an ack. A message of more than two tunnel messages is lost if any part is: with 1-(1-store_loss)^(n/2) of n.",
			Source: p140 + ", performance and scalability notes: around 16 kB; a tunnel carries at most 62,708 B (tunnel message specification); today's routers read no more than 16 leases (" + java + "LeaseSet.MAX_LEASES)",
		},
		field: func(t *target) any { return &t.world.Network.LeaseSetLimit },
	},
	{
		Key: Key{
			Path: "network.message_delay", Type: Duration, Default: "650ms", Min: "1ms", Max: "1m",
			Doc:    "Median time that a store, ack or lookup takes one way, through two tunnels (log-normal, standard deviation of its logarithm 0.5).",
			Source: "comment in " + java + "TestJob: about 1.5 s for a round trip",
		},
		field: func(t *target) any { return &t.world.Network.MessageDelay },
	},
	{
		Key: Key{
			Path: "network.message_jitter", Type: Float, Default: "0.1", Min: "0", Max: "3",
			Doc:    "Standard deviation of the logarithm of one message's way around what its tunnels always take, for messages of clients; what tunnels take is spread as message_delay is.",
			Source: "assumption, plausible 0.02..0.5: no measurement of how steady a tunnel's latency is",
		},
		field: func(t *target) any { return &t.world.Network.MessageJitter },
	},
	{
		Key: Key{
			Path: "network.router_session", Type: Duration, Default: "10h", Min: "1m", Max: "366d",
			Doc:    "Median time that a router of those that an adversary sees come and go stays up (log-normal, standard deviation of its logarithm 1).",
			Source: "assumption, plausible 1h..3d: as of the peers in emergent tiers; no measurement",
		},
		field: func(t *target) any { return &t.world.Network.RouterSession },
	},
	{
		Key: Key{
			Path: "network.router_away", Type: Duration, Default: "8h", Min: "1m", Max: "366d",
			Doc:    "Median time that such a router stays down (log-normal, standard deviation of its logarithm 1).",
			Source: "assumption, plausible 10m..1d: a night; no measurement",
		},
		field: func(t *target) any { return &t.world.Network.RouterAway },
	},
	{
		Key: Key{
			Path: "network.java_floodfills", Type: Float, Default: "0.7", Unit: "share", Min: "0", Max: "1",
			Doc:    "Share of floodfills that run Java I2P and so throttle floods and lookups; the rest run i2pd.",
			Source: "assumption, plausible 0.5..0.95",
		},
		field: func(t *target) any { return &t.world.Network.JavaFloodfills },
	},

	// The service under observation.
	{Key: Key{Path: "destination", Type: Map, Default: "{}", Doc: "The service under observation: the policy arm."}},
	{
		Key: Key{
			Path: "destination.scheme", Type: Enum, Default: "p140",
			Words: []string{"single", "independent", "meta", "p140", "p140-meta", "large-leaseset"},
			Doc:   "How the Destination is spread over routers: one stock router; the same keys on every router, last publisher wins; a Meta LeaseSet (Proposal 123); one balancer and one LeaseSet; a Meta LeaseSet over spread sub-LeaseSets; more than 16 leases.",
		},
		field: func(t *target) any { return &t.world.Destination.Scheme },
	},
	{
		Key: Key{
			Path: "destination.leases", Type: Int, Default: "16", Unit: "leases", Min: "1", Max: "397",
			Doc:    "Leases of a full LeaseSet, in all: a router's quota is leases/count, the remainder to the first ones, one each. At most 16 outside large-leaseset, where 16 kB end it. In schemes independent and meta each router has as many, in p140-meta each sub-Destination.",
			Source: java + "LeaseSet.MAX_LEASES",
		},
		field: func(t *target) any { return &t.world.Destination.Leases },
	},
	{
		Key: Key{
			Path: "destination.leases_per_router", Type: Int, Default: "off", Unit: "leases", Min: "1", Max: "16", Words: []string{"off"},
			Doc:    "So many leases for each router, as far as LeaseSets have room, in place of `leases`: 16 in one LeaseSet, in large-leaseset as many as network.leaseset_limit lets in.",
			Source: p140 + ", single-client example: 3",
		},
		field: func(t *target) any {
			return func(v *value) { t.leasesPerRouter = int(v.whole(0)) }
		},
	},
	{
		Key: Key{
			Path: "destination.publish_spacing", Type: Duration, Default: "kind", Min: "0s", Max: "1h", Words: []string{"kind"},
			Doc:    "Least time between two publishes of one router; `kind` is 60s for Java and 20s for i2pd, 0s none.",
			Source: java + "KademliaNetworkDatabaseFacade.publish; i2pd 2.58.0 Destination.cpp PUBLISH_MIN_INTERVAL",
		},
		field: func(t *target) any { return spanOr(&t.world.Destination.PublishSpacing, -1) },
	},
	{
		Key: Key{
			Path: "destination.control_delay", Type: Duration, Default: "50ms", Min: "0s", Max: "1m",
			Doc:    "One-way delay between the balancer and each router.",
			Source: "assumption, plausible 0s..500ms: one host to another continent",
		},
		field: func(t *target) any { return &t.world.Destination.ControlDelay },
	},
	{
		Key: Key{
			Path: "destination.start_together", Type: Bool, Default: "false",
			Doc:    "Start all routers at the same instant rather than at random times before the observation.",
			Source: "assumption",
		},
		field: func(t *target) any { return &t.world.Destination.StartTogether },
	},
	{
		Key: Key{
			Path: "destination.meta", Type: Map, Default: "{}",
			Doc: "The Meta LeaseSet of schemes meta and p140-meta: the first router that is up looks after it.",
		},
	},
	{
		Key: Key{
			Path: "destination.meta.routers_per_sub", Type: Int, Default: "4", Unit: "routers", Min: "1", Max: "16",
			Doc:    "How many routers share a sub-Destination of scheme p140-meta, at most: they are dealt out evenly. In scheme meta each router has one of its own.",
			Source: "assumption: " + p140 + ", single-client example; its performance and scalability notes give no number",
		},
		field: func(t *target) any { return &t.world.Destination.Meta.RoutersPerSub },
	},
	{
		Key: Key{
			Path: "destination.meta.expires", Type: Duration, Default: "6h", Min: "1m", Max: "65535s",
			Doc:    "For how long a Meta LeaseSet and its entries are good.",
			Source: p123 + ": several hours at least, at most 18.2 hours; plausible 2h..18h",
		},
		field: func(t *target) any { return &t.world.Destination.Meta.Expires },
	},
	{
		Key: Key{
			Path: "destination.meta.republish", Type: Duration, Default: "3h", Min: "1m", Max: "65535s",
			Doc:    "How long after a Meta LeaseSet the next one comes at the latest; at most `expires`. One comes at each change of who is up, and when routing keys rotate.",
			Source: p123 + ": \"publish a new LS every few hours\"; plausible 1h..9h",
		},
		field: func(t *target) any { return &t.world.Destination.Meta.Republish },
	},
	{
		Key: Key{
			Path: "destination.meta.check_every", Type: Duration, Default: "1m", Min: "1s", Max: "1h",
			Doc:    "How often who looks after the Meta LeaseSet finds out which routers are up.",
			Source: "assumption, plausible 10s..10m: " + p123 + " asks to \"verify that the peer is up\" and leaves the protocol open",
		},
		field: func(t *target) any { return &t.world.Destination.Meta.CheckEvery },
	},
	{
		Key: Key{
			Path: "destination.routers", Type: MapOrList, Default: "{}",
			Doc: "The operator's routers: a map with `count` where all are alike, or a list with one entry a router.",
		},
	},
	{
		Key: Key{
			Path: "destination.routers.count", Type: Int, Default: "4", Unit: "routers", Min: "1", Max: "1000",
			Doc:    "Number of routers (only in the map form; a list counts itself).",
			Source: p140 + ", single-client example",
		},
	},
	{
		Key: Key{
			Path: "destination.routers.overlap", Type: Float, Default: "0.016", Unit: "Jaccard index", Min: "0", Max: "1",
			Doc:    "Expected pairwise Jaccard index of the operator's fast tiers: one law over all routers. In a list the entries that name it must agree.",
			Source: swarmData + ": 105 router pairs, thinning corrected, rough; swept 0..0.6",
		},
		field: func(t *target) any { return &t.world.Destination.Overlap },
	},
	{
		Key: Key{
			Path: "destination.routers.turnover_per_hour", Type: Float, Default: "0.05", Unit: "probability per hour", Min: "0", Max: "1",
			Doc:    "Chance that a fast peer is another one an hour later: one law over all routers. In a list the entries that name it must agree.",
			Source: "assumption, plausible 0.02..0.20",
		},
		field: func(t *target) any { return &t.world.Destination.TurnoverPerHour },
	},
	{
		Key: Key{
			Path: "destination.routers[].kind", Type: Enum, Default: "java", Words: []string{"java", "i2pd"},
			Doc: "Router implementation: its path choice, timings and LeaseSet habits.",
		},
		field: func(t *target) any { return &t.router.Kind },
	},
	{
		Key: Key{
			Path: "destination.routers[].i2pd_version", Type: Enum, Default: "2.58.0", Words: []string{"2.58.0", "2.45.1"},
			Doc:    "Version of an i2pd router. 2.45.1 begins 2 builds a round and direction and not 3, waits 5 s for an ack and not 1.8 s, verifies after 10 s and not 5 to 7 s, tests its newest tunnels and not random ones, and lists none whose last test failed.",
			Source: "i2pd 2.45.1 and 2.58.0 TunnelPool.h, TunnelPool.cpp, Tunnel.h, Destination.h; recorded (docs/model.md)",
		},
		field: func(t *target) any { return &t.router.I2pdVersion },
	},
	{
		Key: Key{
			Path: "destination.routers[].client_delay", Type: Duration, Default: "0s", Min: "0s", Max: "10s",
			Doc:    "How long the client of a stock router takes to sign a LeaseSet that it is asked for by I2CP. What changes meanwhile Java asks for 3 s later, and i2pd not at all; i2pd's leases end up to 2 s later. 0s is a service of the router's own, which signs at once.",
			Source: "Java I2P 2.8.0 ClientConnectionRunner; i2pd 2.58.0 I2CPDestination::PostCreateNewLeaseSet, LocalLeaseSet; 10ms recorded (docs/model.md)",
		},
		field: func(t *target) any { return &t.router.ClientDelay },
	},
	{
		Key: Key{
			Path: "destination.routers[].slow_share", Type: Float, Default: "0", Unit: "probability", Min: "0", Max: "1",
			Doc:    "Chance that a test finds a tunnel of a stock i2pd router slow, more than 250 ms a hop. A slow one is not rebuilt over its path, and one of them is not listed. An imitating balancer knows nothing of it.",
			Source: "assumption, plausible 0..0.1: i2pd 2.58.0 HIGH_LATENCY_PER_HOP; no measurement of the public network",
		},
		field: func(t *target) any { return &t.router.SlowShare },
	},
	{
		Key: Key{
			Path: "destination.routers[].speaks", Type: Enum, Default: "p140", Words: []string{"p140", "stock"},
			Doc: "Whether the router serves the P140 extension; counts where the scheme has a balancer. A stock router builds tunnels of its own choice, asks for LeaseSets, and publishes or bundles what it is given; only kind i2pd is simulated as one.",
		},
		field: func(t *target) any {
			return func(v *value) { t.router.SpeaksP140 = v.text() == "p140" }
		},
	},
	{
		Key: Key{
			Path: "destination.routers[].hops", Type: Int, Default: "3", Unit: "hops", Min: "1", Max: "7",
			Doc:    "Length of inbound and outbound tunnels.",
			Source: java + "TunnelPoolSettings.DEFAULT_LENGTH; maximum of TunnelPeerSelector.getLength",
		},
		field: func(t *target) any { return &t.router.Hops },
	},
	{
		Key: Key{
			Path: "destination.routers[].outbound", Type: Int, Default: "2", Unit: "tunnels", Min: "1", Max: "16",
			Doc:    "Outbound tunnels.",
			Source: java + "TunnelPoolSettings.DEFAULT_QUANTITY (i2pd's default is 5)",
		},
		field: func(t *target) any { return &t.router.Outbound },
	},
	{
		Key: Key{
			Path: "destination.routers[].fast_tier", Type: Enum, Default: "swarm", Words: []string{"swarm", "emergent"},
			Doc:    "How a Java router's fast tier comes about: its size drawn from 21 measured routers, the outcome of peer profiles, or `{size: N}`.",
			Source: swarmData + ": 12 to 56 peers, median 21",
		},
		field: func(t *target) any { return t.fastTier },
	},
	{
		Key: Key{
			Path: "destination.routers[].fast_tier.size", Type: Int, Unit: "peers", Min: "1", Max: "75",
			Doc:    "A fixed size.",
			Source: java + "ProfileOrganizer.ABSOLUTE_MAX_FAST_PEERS",
		},
		required: true,
	},
	{
		Key: Key{
			Path: "destination.routers[].build_success", Type: Float, Default: "0.6", Unit: "probability", Min: "0.01", Max: "1",
			Doc:    "Chance that a tunnel build through fast peers succeeds.",
			Source: "assumption, plausible 0.4..0.85: above the 31 % of exploratory tunnels in network-database.md's example statistics",
		},
		field: func(t *target) any { return &t.router.BuildSuccess },
	},
	{
		Key: Key{
			Path: "destination.routers[].reject_share", Type: Float, Default: "0.23", Unit: "share", Min: "0", Max: "1",
			Doc:    "Share of failed builds that end in a quick refusal rather than in silence.",
			Source: "I2P documentation, network-database.md, example statistics: 15.51 % rejected, 53.14 % expired (exploratory, one router)",
		},
		field: func(t *target) any { return &t.router.RejectShare },
	},
	{
		Key: Key{
			Path: "destination.routers[].build_delay", Type: Duration, Default: "1.5s", Min: "1ms", Max: "1m",
			Doc:    "Median time of a successful build (log-normal; the router gives up after its kind's timeout).",
			Source: "assumption, plausible 0.5s..3s: the newest lease is about 1 to 5 s old when published, and " + java + "BuildRequestor.REQUEST_TIMEOUT is 5 s",
		},
		field: func(t *target) any { return &t.router.BuildDelay },
	},
	{
		Key: Key{
			Path: "destination.routers[].build_delay_sigma", Type: Float, Default: "0.5", Min: "0", Max: "3",
			Doc:    "Standard deviation of the natural logarithm of that time.",
			Source: "assumption, plausible 0.2..1",
		},
		field: func(t *target) any { return &t.router.BuildDelaySigma },
	},
	{
		Key: Key{
			Path: "destination.routers[].tunnel_fail_per_hour", Type: Float, Default: "0.2", Unit: "per hour", Min: "0", Max: "60",
			Doc:    "Hazard at which a standing tunnel breaks.",
			Source: "assumption, plausible 0..1: 0.2 breaks about 3 % of tunnels within their 10 minutes",
		},
		field: func(t *target) any { return &t.router.TunnelFailPerHour },
	},
	{
		Key: Key{
			Path: "destination.routers[].test_loss", Type: Float, Default: "0.02", Unit: "probability", Min: "0", Max: "0.95",
			Doc:    "Chance that one test of a sound tunnel fails.",
			Source: "assumption, plausible 0..0.1",
		},
		field: func(t *target) any { return &t.router.TestLoss },
	},
	{
		Key: Key{
			Path: "destination.routers[].reuse", Type: Float, Default: "kind", Unit: "probability", Min: "0", Max: "1", Words: []string{"kind"},
			Doc:    "Chance that a build repeats an expiring tunnel's whole path; `kind` is 0.75 for Java and 1 for i2pd.",
			Source: java + "TunnelPool.configureNewTunnel; i2pd 2.58.0 TunnelPool::RecreateInboundTunnel",
		},
		field: func(t *target) any { return t.reuse },
	},
	{
		Key: Key{
			Path: "destination.routers[].clock_skew", Type: Duration, Default: "0s", Min: "-10m", Max: "10m",
			Doc:    "How far the router's clock is ahead of the balancer's.",
			Source: "assumption, plausible 0s..2s",
		},
		field: func(t *target) any { return &t.router.ClockSkew },
	},
	{
		Key: Key{
			Path: "destination.routers[].reply_delay", Type: Duration, Default: "50ms", Min: "0s", Max: "1m",
			Doc:    "What the router adds to the time until a client has its answer: its place in the network, its load. Under a balancer twice control_delay is added.",
			Source: "assumption, plausible 0s..300ms: give each router its own where times should tell them apart",
		},
		field: func(t *target) any { return &t.router.ReplyDelay },
	},
	{
		Key: Key{
			Path: "destination.routers[].exploratory", Type: Int, Default: "4", Unit: "tunnels", Min: "0", Max: "20",
			Doc:    "Exploratory tunnels that count towards all of the router's tunnels in the 33 % rule; they are not simulated otherwise.",
			Source: "Java I2P 2.8.0 TunnelPoolSettings.DEFAULT_QUANTITY, two a direction; plausible 4..6, one more at start-up and for floodfills",
		},
		field: func(t *target) any { return &t.router.Exploratory },
	},
	{
		Key: Key{
			Path: "destination.routers[].slices", Type: Bool, Default: "true",
			Doc:    "Draw each hop from its hash slice of the fast tier (Java).",
			Source: java + "ClientPeerSelector.selectPeers",
		},
		field: func(t *target) any { return &t.router.Slices },
	},
	{
		Key: Key{
			Path: "destination.routers[].ibgw_filter", Type: Bool, Default: "true",
			Doc:    "Take only reachable IPv4 peers as inbound gateways.",
			Source: java + "ClientPeerSelector.IBGWExcluder",
		},
		field: func(t *target) any { return &t.router.IBGWFilter },
	},
	{
		Key: Key{
			Path: "destination.routers[].max_peer_share", Type: Bool, Default: "true",
			Doc:    "Let no peer stand in more than 33 % of the router's tunnels.",
			Source: java + "TunnelPoolManager.selectPeersInTooManyTunnels",
		},
		field: func(t *target) any { return &t.router.MaxPeerShare },
	},
	{
		Key: Key{
			Path: "destination.routers[].same_subnet", Type: Bool, Default: "true",
			Doc:    "Forbid two hops of one tunnel in the same /16, port or family.",
			Source: java + "TunnelPeerSelector, MaskedIPSet",
		},
		field: func(t *target) any { return &t.router.SameSubnet },
	},
	{
		Key: Key{
			Path: "destination.policy", Type: Map, Default: "{}",
			Doc: "The balancer's policy: its name, or a map. Counts where the scheme has a balancer.",
		},
		short: "name",
	},
	{
		Key: Key{
			Path: "destination.policy.name", Type: String, Default: "per-router",
			Doc:    "A built-in policy: per-router, superset, shared-key, common-pool, mimic or single.",
			Source: p140 + ", security implications: the default configuration",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Name },
	},
	{
		Key: Key{
			Path: "destination.policy.size", Type: Int, Default: "20", Unit: "peers", Min: "1", Max: "10000",
			Doc:    "Size of the common set of inbound gateways; counts for policies with one.",
			Source: p140 + ", security implications: \"a set of up to (say) 20 peers\"",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Size },
	},
	{
		Key: Key{
			Path: "destination.policy.from", Type: Enum, Default: "union", Words: []string{"union", "intersection", "leader"},
			Doc:    "Which peers that set is drawn from: those in any router's fast tier, those in all of them (the union where there are none), or those in the first active router's.",
			Source: p140 + ", security implications: \"selecting IBGWs from a reduced set\" names none",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.From },
	},
	{
		Key: Key{
			Path: "destination.policy.without", Type: String, Default: "none",
			Doc: "Rules that policy mimic leaves out, to see what each is worth, with commas between: shadow, leader, pool-inheritance, virtual-clock, late-compose, masked-failures, outbound-twins, masked (docs/model.md).",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Without },
	},
	{
		Key: Key{
			Path: "destination.policy.failover", Type: Enum, Default: "fast", Words: []string{"fast", "masked"},
			Doc: "What becomes of a lost router's leases: dropped at once, or kept until each would have been replaced.",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Failover },
	},
	{
		Key: Key{
			Path: "destination.policy.bundle", Type: Enum, Default: "composed", Words: []string{"composed", "pinned", "garlic"},
			Doc: "What each router is given to bundle with messages to clients.",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Bundle },
	},
	{
		Key: Key{
			Path: "destination.policy.pinned_for", Type: Duration, Default: "90s", Min: "60s", Max: "10m", Words: []string{"tunnel"},
			Doc:    "How long the leases of a pinned bundle last, renewed a minute before their end; `tunnel` is as long as their tunnels. Clients that write less often come loose from their router; those that lost it and cannot be written to wait longer.",
			Source: "assumption: the live balancer's own default",
		},
		field: func(t *target) any { return spanOr(&t.world.Destination.Policy.PinnedFor, sim.PinnedTunnels) },
	},
	{
		Key: Key{
			Path: "destination.policy.rotate", Type: Bool, Default: "false",
			Doc: "Change the encryption keys when clients of a lost router have too young sessions to be moved otherwise. Observers see it.",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Rotate },
	},
	{
		Key: Key{
			Path: "destination.policy.publisher", Type: Enum, Default: "fixed", Words: []string{"fixed", "rotate", "all"},
			Doc: "Which router publishes.",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Publisher },
	},
	{
		Key: Key{
			Path: "destination.policy.imitate", Type: Enum, Default: "java", Words: []string{"java", "i2pd"},
			Doc: "The router kind whose habits the policy imitates. Policy mimic imitates Java only, and its first router has to be one.",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Imitate },
	},
	{
		Key: Key{
			Path: "destination.policy.peer_refresh", Type: Duration, Default: "5m", Min: "1s", Max: "1d",
			Doc:    "How often the balancer asks each router for its fast tier.",
			Source: "assumption: the live balancer's own default; " + p140 + " suggests about 10 min, and Java I2P reorganises tiers every 351 s",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.PeerRefresh },
	},
	{
		Key: Key{
			Path: "destination.policy.heartbeat", Type: Duration, Default: "2s", Min: "100ms", Max: "1h",
			Doc:    "Interval of heartbeats between the balancer and each router.",
			Source: "assumption: the live balancer's own default",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.Heartbeat },
	},
	{
		Key: Key{
			Path: "destination.policy.heartbeat_misses", Type: Int, Default: "2", Unit: "heartbeats", Min: "1", Max: "100",
			Doc:    "Heartbeats in a row without an answer after which a router counts as lost.",
			Source: "assumption: the live balancer's own default",
		},
		field: func(t *target) any { return &t.world.Destination.Policy.HeartbeatMisses },
	},
	{
		Key: Key{
			Path: "destination.policy.verify", Type: Duration, Default: "auto", Min: "0s", Max: "1d", Words: []string{"auto"},
			Doc:    "How often the balancer looks its own LeaseSet up in the netDb, and some seconds after each publish through a router that reports no acks; 0s: never. `auto` is 5m where a router is a stock one, else never.",
			Source: "the live balancer's own interval",
		},
		field: func(t *target) any { return spanOr(&t.world.Destination.Policy.Verify, sim.VerifyAuto) },
	},
	{
		Key: Key{
			Path: "destination.policy.file", Type: String, Default: `""`,
			Doc: "A policy in Starlark (docs/policies.md), in place of a name: a path, from the scenario's folder, or the name of a shipped one. Its name is the file's without ending.",
		},
		fixed: true, settable: true,
	},
	{
		Key: Key{
			Path: "destination.policy.source", Type: String, Default: `""`,
			Doc: "The text of that file. The canonical form carries it, so that a changed file is another run; written, no file is read.",
		},
		field: func(t *target) any {
			return func(v *value) { t.world.Destination.Policy.Maker = v.maker }
		},
		fixed: true, settable: true, verbatim: true,
	},

	// Who uses the service.
	{Key: Key{Path: "clients", Type: Map, Default: "{}", Doc: "The service's clients."}},
	{
		Key: Key{
			Path: "clients.count", Type: Int, Default: "0", Unit: "clients", Min: "0", Max: "100000",
			Doc: "Number of clients at a time.",
		},
		field: func(t *target) any { return &t.world.Clients.Count },
	},
	{
		Key: Key{
			Path: "clients.java_share", Type: Float, Default: "0.7", Unit: "share", Min: "0", Max: "1",
			Doc:    "Share of clients that run Java I2P; the rest run i2pd.",
			Source: "assumption, plausible 0.6..0.8",
		},
		field: func(t *target) any { return &t.world.Clients.JavaShare },
	},
	{
		Key: Key{
			Path: "clients.message_every", Type: Duration, Default: "10s", Min: "10ms", Max: "1d",
			Doc:    "Mean time between two messages of one client.",
			Source: "assumption, plausible 1s..5m",
		},
		field: func(t *target) any { return &t.world.Clients.MessageEvery },
	},
	{
		Key: Key{
			Path: "clients.traffic", Type: Enum, Default: "streams", Words: []string{"streams", "datagrams"},
			Doc: "What clients send: streams, whose messages come at random and are sent again until they are answered; or datagrams through I2CP at equal intervals, once.",
		},
		field: func(t *target) any {
			return func(v *value) { t.world.Clients.Traffic = sim.Traffic(v.text()) }
		},
	},
	{
		Key: Key{
			Path: "clients.stream_length", Type: Duration, Default: "10m", Min: "1s", Max: "366d",
			Doc:    "How long a client keeps a stream open; the next one follows it. `stream_survival` is the share of them that live so long.",
			Source: "assumption: a tunnel's lifetime, so that most of them meet a change of the lease; plausible 10s..1d",
		},
		field: func(t *target) any { return &t.world.Clients.StreamLength },
	},
	{
		Key: Key{
			Path: "clients.stay", Type: Duration, Default: "1h", Min: "1s", Max: "366d", Words: []string{"forever"},
			Doc:    "Mean time after which another client, who knows nothing of the service, comes in a client's place.",
			Source: "assumption, plausible 5m..1d",
		},
		field: func(t *target) any { return spanOr(&t.world.Clients.Stay, 0) },
	},
	{
		Key: Key{
			Path: "clients.published", Type: Float, Default: "0", Unit: "share", Min: "0", Max: "1",
			Doc:    "Share of clients whose own LeaseSet is in the netDb, so that another router than theirs can write to them: takeover.",
			Source: "assumption: client tunnels keep theirs to themselves (i2cp.dontPublishLeaseSet)",
		},
		field: func(t *target) any { return &t.world.Clients.Published },
	},
	{
		Key: Key{
			Path: "clients.i2pd_version", Type: Enum, Default: "2.58.0", Words: []string{"2.58.0", "2.45.1"},
			Doc:    "Version of clients that run i2pd. With datagrams it decides how long one lease is used: 120 s, or 30 s and 100 messages.",
			Source: "i2pd 2.58.0 and 2.45.1, Garlic.h ROUTING_PATH_EXPIRATION_TIMEOUT",
		},
		field: func(t *target) any { return &t.world.Clients.I2pdVersion },
	},

	// What breaks.
	{
		Key:   Key{Path: "faults", Type: List, Default: "[]", Doc: "What breaks and when, in both arms unless a fault says otherwise; a fault of a router that the reference does not have is left out there."},
		field: func(t *target) any { return t.newFault },
	},
	{
		Key: Key{
			Path: "faults[].kind", Type: Enum,
			Words: []string{"crash", "restart", "stall", "skew", "link_loss", "floodfill_loss", "tier_shock", "balancer_crash"},
			Doc:   "A router dies for a while; dies and comes back at once, cold; freezes with its connections open; its clock jumps; its link loses messages; the closest floodfill disappears; half of a fast tier is replaced at once; the balancer dies.",
		},
		field:    func(t *target) any { return &t.fault.Kind },
		required: true,
		isKind:   true,
	},
	{
		Key: Key{
			Path: "faults[].router", Type: Int, Default: "all", Min: "1", Max: "1000", Words: []string{"all"},
			Doc: "Which of the operator's routers, counted from 1, or `all`. Several faults with the same `at` hit several routers at once.",
		},
		field: func(t *target) any {
			return func(v *value) { t.fault.Router = int(v.whole(0)) - 1 } // all: -1
		},
	},
	{
		Key: Key{
			Path: "faults[].at", Type: Duration, Default: "0s", Min: "0s", Max: "366d",
			Doc: "When it first happens, after the observation's start.",
		},
		field: func(t *target) any { return &t.fault.At },
	},
	{
		Key: Key{
			Path: "faults[].for", Type: Duration, Default: "10m", Min: "0s", Max: "366d",
			Doc: "How long it lasts, where it lasts at all.",
		},
		field: func(t *target) any { return &t.fault.For },
	},
	{
		Key: Key{
			Path: "faults[].every", Type: Duration, Default: "0s", Min: "0s", Max: "366d",
			Doc: "Time from one occurrence to the next; 0s: once.",
		},
		field: func(t *target) any { return &t.fault.Every },
	},
	{
		Key: Key{
			Path: "faults[].step", Type: Duration, Default: "0s", Min: "-1h", Max: "1h",
			Doc: "How far ahead the clock of a `skew` jumps, from then on; `for` does not count. A balancer learns a router's clock when it connects, and not of jumps; it dates tunnels that end more than 6 min off by the clock that it knows.",
		},
		field: func(t *target) any { return &t.fault.Step },
		only:  []string{"skew"},
	},
	{
		Key: Key{
			Path: "faults[].arm", Type: Enum, Default: "both", Words: []string{"both", "policy"},
			Doc: "Which arm it strikes: both, or the policy's alone, where what is hidden is that there was a fault at all.",
		},
		field: func(t *target) any { return &t.fault.Arm },
	},

	// Who watches.
	{
		Key:   Key{Path: "adversaries", Type: List, Default: "[]", Doc: "Who watches: one trace each. The first one's attacks are the headline."},
		field: func(t *target) any { return t.newAdversary },
	},
	{
		Key: Key{
			Path: "adversaries[].name", Type: String,
			Doc: "Its name in results: lower-case letters, digits, '-' and '_'.",
		},
		field:    func(t *target) any { return &t.adversary.Name },
		required: true, fixed: true,
	},
	{
		Key: Key{
			Path: "adversaries[].vantage", Type: Enum, Default: "netdb", Words: []string{"netdb", "floodfill", "client", "peer"},
			Doc: "What it sees: the netDb polled at all holders; what its own floodfills see; what a client sees; what its own routers see in tunnels. A key that counts elsewhere is refused.",
		},
		field:  func(t *target) any { return &t.adversary.Vantage },
		isKind: true,
	},
	{
		Key: Key{
			Path: "adversaries[].every", Type: Duration, Default: "10m", Min: "1s", Max: "7d",
			Doc:    "Poll interval of the vantage points netdb and client.",
			Source: "assumption, plausible 1m..30m: one poll a tunnel lifetime",
		},
		field: func(t *target) any { return &t.adversary.Every },
		only:  []string{"netdb", "client"},
	},
	{
		Key: Key{
			Path: "adversaries[].placement", Type: Enum, Default: "random", Words: []string{"random", "targeted"},
			Doc:    "Where the floodfills of vantage floodfill stand: anywhere, for the whole trial; or one that has ground an identity for each day, and is always the closest to the Destination.",
			Source: "assumption: the weaker observer; grinding costs about as many key pairs as there are floodfills",
		},
		field: func(t *target) any { return &t.adversary.Placement },
		only:  []string{"floodfill"},
	},
	{
		Key: Key{
			Path: "adversaries[].floodfills", Type: Int, Default: "1", Unit: "routers", Min: "1", Max: "100000",
			Doc:    "How many floodfills the observer has under placement random.",
			Source: "assumption, plausible 1..100",
		},
		field: func(t *target) any { return &t.adversary.Floodfills },
		only:  []string{"floodfill"},
	},
	{
		Key: Key{
			Path: "adversaries[].probe_every", Type: Duration, Default: "10m", Min: "1s", Max: "7d", Words: []string{"never"},
			Doc:    "How often vantage client opens a ratchet session with the service and writes through its leases.",
			Source: "assumption, plausible 1m..1h: one round a tunnel lifetime",
		},
		field: func(t *target) any { return spanOr(&t.adversary.ProbeEvery, 0) },
		only:  []string{"client"},
	},
	{
		Key: Key{
			Path: "adversaries[].probe_leases", Type: Int, Default: "16", Unit: "leases", Min: "1", Max: "397",
			Doc:    "Through how many leases it writes each time, the one that opens the session counted.",
			Source: "assumption: all of a LeaseSet (Java I2P 2.8.0 LeaseSet.MAX_LEASES); plausible 2..16",
		},
		field: func(t *target) any { return &t.adversary.ProbeLeases },
		only:  []string{"client"},
	},
	{
		Key: Key{
			Path: "adversaries[].subs", Type: Int, Default: "1", Unit: "sub-Destinations", Min: "1", Max: "1000",
			Doc:    "How many of the sub-Destinations that a Meta LeaseSet leads to vantage points netdb and client look up at each poll, beside the Meta LeaseSet itself. Attacks other than meta read those of the first one.",
			Source: "assumption: attacks on one sub-Destination say what another gives away",
		},
		field: func(t *target) any { return &t.adversary.Subs },
		only:  []string{"netdb", "client"},
	},
	{
		Key: Key{
			Path: "adversaries[].share", Type: Float, Default: "0.01", Unit: "share of network.routers", Min: "0", Max: "1",
			Doc:    "How much of the network are routers of vantage peer.",
			Source: "assumption, plausible 0.001..0.1",
		},
		field: func(t *target) any { return &t.adversary.Share },
		only:  []string{"peer"},
	},
	{
		Key: Key{
			Path: "adversaries[].routers", Type: Int, Default: "0", Unit: "routers", Min: "0", Max: "100000",
			Doc: "How many other routers, beside the operator's, any vantage point sees come and go; 0: neither. An observer does not know which are the operator's.",
		},
		field: func(t *target) any { return &t.adversary.Routers },
	},
	{
		Key: Key{
			Path: "adversaries[].attacks", Type: NameList, Default: "all", Words: []string{"all"},
			Doc: "Attacks that read its trace.",
		},
		field: func(t *target) any { return t.attacks },
	},
	{
		Key: Key{
			Path: "adversaries[].horizons", Type: DurationList, Default: "whole", Min: "1m", Max: "366d", Words: []string{"whole"},
			Doc: "Rising spans after which the attacks are scored; `whole` is the duration alone.",
		},
		field: func(t *target) any { return t.horizons },
	},
	{
		Key: Key{
			Path: "adversaries[].prior", Type: FloatList, Default: "uniform", Min: "0", Max: "1e+06", Words: []string{"uniform"},
			Doc: "What attack posterior takes 1, 2, 3 … routers for before it sees anything, as weights: [3, 0, 0, 1] is one router in three of four cases, else four. Numbers that no trial plays, or that the list does not reach, are left out; `uniform` weighs all alike.",
		},
		field: func(t *target) any { return t.prior },
	},

	// What it is told from, and what is varied.
	{
		Key: Key{
			Path: "reference", Type: Map, Default: "{scheme: single, routers: {count: 1}}",
			Doc: "The other arm: the destination's keys, and the destination's own value for each key that it does not name. A map of `routers` with a count takes the laws of the destination's first router.",
		},
	},
	{
		Key:   Key{Path: "variants", Type: List, Default: "[]", Doc: "Named alternatives that differ in several keys at once. Each plays the whole sweep with what its `set` changes."},
		field: func(t *target) any { return t.newVariant },
		fixed: true,
	},
	{
		Key: Key{
			Path: "variants[].name", Type: String,
			Doc: "Its name in results: lower-case letters, digits, '-' and '_'.",
		},
		field:    func(t *target) any { return t.variant },
		required: true,
	},
	{
		Key: Key{
			Path: "variants[].set", Type: Settings, Default: "{}",
			Doc: "What it changes in the scenario: dotted paths to values, spelt as in `sweep`, which wins over it.",
		},
	},
	{
		Key: Key{
			Path: "sweep", Type: Grid, Default: "{}",
			Doc: "A grid: dotted paths, each with the list of its values. Every combination is a cell, the last path varying fastest. A path through a list sets every entry.",
		},
		fixed: true,
	},
	{
		Key:   Key{Path: "figures", Type: List, Default: "[]", Doc: "Published figures and the worlds that should reproduce them. A scenario with figures runs each figure's own world, policy arm only, and no game."},
		field: func(t *target) any { return t.newFigure },
		fixed: true,
	},
	{
		Key: Key{
			Path: "figures[].name", Type: String,
			Doc: "Its name in results: lower-case letters, digits, '-' and '_'.",
		},
		field:    func(t *target) any { return &t.figure.Name },
		required: true,
	},
	{
		Key: Key{
			Path: "figures[].metric", Type: String,
			Doc: "The metric whose centre is compared.",
		},
		field:    func(t *target) any { return &t.figure.Metric },
		required: true,
	},
	{
		Key: Key{
			Path: "figures[].by", Type: Enum, Default: "simulation", Words: []string{"simulation", "arithmetic"},
			Doc: "Simulate the world, or take the metric's closed form over its settings: what the source itself computed.",
		},
		field: func(t *target) any { return &t.figure.By },
	},
	{
		Key: Key{
			Path: "figures[].expected", Type: Float,
			Doc: "The published value, in the metric's unit.",
		},
		field:    func(t *target) any { return &t.figure.Expected },
		required: true,
	},
	{
		Key: Key{
			Path: "figures[].compare", Type: Enum, Default: "equal", Words: []string{"equal", "at_most", "at_least"},
			Doc: "How the metric should stand to it.",
		},
		field: func(t *target) any { return &t.figure.Compare },
	},
	{
		Key: Key{
			Path: "figures[].tolerance", Type: Float, Default: "0.05", Unit: "share of expected", Min: "0", Max: "1",
			Doc: "Largest difference that still agrees, relative to the expected value.",
		},
		field: func(t *target) any { return &t.figure.Tolerance },
	},
	{
		Key: Key{
			Path: "figures[].source", Type: String, Default: `""`,
			Doc: "Where the expected value is published, or how it was derived.",
		},
		field: func(t *target) any { return &t.figure.Source },
		fold:  true,
	},
	{
		Key: Key{
			Path: "figures[].set", Type: Settings, Default: "{}",
			Doc: "What the figure's world changes in the scenario: dotted paths to values, spelt as in `sweep`; `trials`, `training` and `seed` too.",
		},
	},
}

// The schemes without a balancer have no policy.
func balanced(s sim.Scheme) bool {
	switch s {
	case sim.SchemeSingle, sim.SchemeIndependent, sim.SchemeMeta:
		return false
	}
	return true
}
