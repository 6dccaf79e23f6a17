package sim

// Facts of the network database.
const (
	// floodTo floodfills get what a floodfill takes in, chosen by closeness
	// (FloodfillNetworkDatabaseFacade.MAX_TO_FLOOD; i2pd NetDb::Flood), and so
	// many more the next day's key in the last ten minutes of the UTC day.
	floodTo       = 3
	floodNextDay  = 2
	floodNextSpan = 10 * Minute
	// holdersOfKey is how many floodfills hold a LeaseSet: the one it was
	// stored to and those it was flooded to.
	holdersOfKey = 4

	// A Java floodfill stores, but does not flood, more than three new
	// LeaseSets of one key within a fixed window of 90 s (FloodThrottler).
	throttleFloods = 3
	throttleWindow = 90 * Second

	// lookupAsked is the most floodfills that a client asks for one key, one at a
	// time (IterativeSearchJob.TOTAL_SEARCH_LIMIT).
	lookupAsked = 5

	// leaseFudge is how far past its latest end a LeaseSet is still given out
	// (Router.CLOCK_FUDGE_FACTOR).
	leaseFudge = 60 * Second

	// ranked is how many floodfills closest to a routing key are kept in
	// order: more than any store job tries.
	ranked = 32
)

// Delays of netDb messages. A message through a tunnel and its answer through
// another take as long as a tunnel test, about 1.5 s on average (comment in
// TestJob); the law is an assumption: each way lognormal. Floodfills talk to
// each other directly, in 0.1 s to 0.6 s (assumption).
const (
	mailDelay      = 650 * Millisecond // median of one way, unless the network has another
	mailDelaySigma = 0.5
	floodDelayMin  = 100 * Millisecond
	floodDelayMax  = 600 * Millisecond
)

// Sizes of netDb messages, for bytes per floodfill. An I2NP header and the
// fields around a LeaseSet in a DatabaseStore with a reply (I2NP
// specification): 32-byte key, type, reply token, tunnel and gateway; a
// DatabaseLookup; a DatabaseSearchReply with three peers; a DeliveryStatus.
const (
	bytesStoreHead   = 16 + 32 + 1 + 4 + 4 + 32
	bytesFloodHead   = 16 + 32 + 1 + 4
	bytesLookup      = 16 + 32 + 32 + 1 + 4 + 2 + 32 + 1 + 8
	bytesSearchReply = 16 + 32 + 1 + 3*32 + 32
	bytesAck         = 16 + 4 + 8
)
