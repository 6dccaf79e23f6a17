package sim

// Facts of the Java router that both the stock router and one that serves
// Proposal 140 obey. Source of all: Java I2P 2.8.0 (API 0.9.65), the class
// named behind each.
const (
	// tunnelLifetime is how long a tunnel lasts from the moment its build is
	// configured (TunnelPoolSettings.DEFAULT_DURATION; i2pd: TunnelBase.h).
	tunnelLifetime = 600 * Second

	// A Java router treats its tunnels as expired ahead of time: inbound ones
	// by 37.5 s to 75 s, outbound ones by 30 s to 60 s (ExpireJob).
	javaInboundEarly  = 37500 * Millisecond
	javaOutboundEarly = 30 * Second

	// A build without a reply counts as timed out after 5 s; a reply that
	// comes up to 60 s later is still accepted (BuildRequestor, BuildExecutor).
	buildTimeout = 5 * Second
	// buildWork is the time that configuring a build and sending its request
	// takes. Assumption: Java slows down from 75 ms on (BuildExecutor.allowed),
	// so that it is usually well below.
	buildWork  = 10 * Millisecond
	buildGrace = 60 * Second

	// Tunnel tests (TestJob): each follows the last after 40 s to 53.3 s, a
	// failed one after 10 s to 20 s unless the tunnel expires within 60 s; the
	// time allowed is 2.5 s a hop, ourselves counted, over both tunnels. More
	// than three failures in a row are the tunnel's end (TunnelCreatorConfig).
	testDelay       = 40 * Second
	testDelayRange  = testDelay / 3
	testRetry       = testDelay / 4
	testLastRetry   = 60 * Second
	testPerHop      = 2500 * Millisecond
	testMargin      = 3 // a retest must fit thrice its allowed time before the end
	testMaxFailures = 3
	// testRoundTrip is how long a successful test takes ("network average
	// about 1.5 s", comment in TestJob).
	testRoundTrip = 1500 * Millisecond
)

// The stock Java router's build loop (BuildExecutor.run2).
const (
	// The loop waits 400 ms + U(0, 800 ms) between passes; a finished build
	// or a lost tunnel wakes it at once.
	loopWait      = 400 * Millisecond
	loopWaitRange = 800 * Millisecond
	loopMean      = loopWait + loopWaitRange/2

	maxBuilds        = 13 // at a time (MAX_CONCURRENT_BUILDS)
	maxBuildsPerPass = 2
)

// The stock Java router's replacement rule (TunnelPool.countHowManyToBuild).
const (
	ratePeriod     = 600 * Second // period of tunnel.buildRatio
	rateTick       = 50 * Second  // how often periods are closed (Router.CoalesceStatsEvent)
	rateSlack      = 2 * Second   // by which a period may be short (Rate.SLACK)
	adaptiveMax    = 200 * Second // from here on the conservative rule holds
	adaptiveSafety = 60 * Second
	panicFactor    = 4
	expireSkewMax  = 90 * Second // a pool's own skew in the conservative rule

	// Builds that time out in a row make a pool want fewer tunnels
	// (TunnelPool.getAdjustedTotalQuantity).
	timeoutsLessOne   = 4
	timeoutsThird     = 8
	timeoutsOnlyOne   = 12
	timeoutsLessAbove = 2 // tunnels: one less only above this many

	// reuseWindow is how close to its early expiry a tunnel lends its path
	// (TunnelPool.configureNewTunnel).
	reuseWindow = 3 * Minute

	// A peer in more than 33 % of the router's tunnels gets no other one, once
	// there are four tunnels and ten minutes have passed
	// (TunnelPoolManager.selectPeersInTooManyTunnels).
	maxPeerPercent   = 33
	maxPeerMinimum   = 4
	maxPeerMinUptime = 10 * Minute
)

// The stock Java router's LeaseSets (TunnelPool, ClientConnectionRunner,
// RequestLeaseSetJob, RequestVariableLeaseSetMessageHandler).
const (
	leaseSlack        = 10 * Second // a lease is listed up to this long after its early expiry
	rerequestBusy     = 3 * Second  // wait while a request is outstanding
	rerequestStart    = 1 * Second  // wait for the first outbound tunnel
	earliestEndStep   = 1000        // ms by which the earliest end rises
	publishedStep     = 1000        // ms by which published rises
	publishedRounding = 500         // ms: published is rounded to the nearest second (LeaseSet2.setPublished)
)

// The Java router's publishing (KademliaNetworkDatabaseFacade.publish,
// RepublishLeaseSetJob, StoreJob, FloodfillVerifyStoreJob).
const (
	publishDelay      = 3 * Second
	publishSpacing    = 60 * Second
	republishRetry    = 20 * Second // after a failed store: 20 s + U(0, 20 s)
	storeTimeout      = 60 * Second
	storeMaxSent      = 10
	storeNoTunnelWait = 3 * Second
	ackFactor         = 3 // times the floodfill's mean response, clamped:
	ackResponseMin    = 2 * Second
	ackResponseMax    = 5100 * Millisecond
	verifyDelay       = 18 * Second
	verifyDelayRange  = 9 * Second
	verifyTimeout     = 20 * Second
	verifyPeers       = 4
	verifyForgetTried = 20

	// Which of the closest floodfills is asked first
	// (FloodfillPeerSelector): of five, the good ones, then the others.
	selectAmong  = 5
	passStore    = 10 * Minute // without a failed store: passable; twice that: good
	passAsk      = 75 * Second // without a failed lookup: passable; thrice that: good
	goodResponse = 2 * testRoundTrip
	currentFudge = 60 * Second
)
