package sim

// Facts of the i2pd router (PurpleI2P/i2pd 2.58, the file named behind each).
const (
	i2pdTickEvery  = 15 * Second  // Tunnels::Run, TUNNEL_MANAGE_INTERVAL
	i2pdRecreate   = 570 * Second // age from which a tunnel is rebuilt (660 s - TUNNEL_RECREATION_THRESHOLD, Tunnel.h)
	i2pdListed     = 600 * Second // age up to which it is listed (660 s - TUNNEL_EXPIRATION_THRESHOLD)
	i2pdLifetime   = 660 * Second // TUNNEL_EXPIRATION_TIMEOUT
	i2pdGiveUp     = 30 * Second  // TUNNEL_CREATION_TIMEOUT
	i2pdRoundEvery = 10 * Second  // TUNNEL_POOL_MANAGE_INTERVAL (TunnelPool.h), plus up to
	i2pdRoundRange = 4 * Second
	i2pdMaxBuilds  = 3 // a round and direction, TUNNEL_POOL_MAX_NUM_BUILD_REQUESTS
	i2pdMoreLeases = 2 // LeaseSetDestination::UpdateLeaseSet, "backup tunnels"

	i2pdPublishSpacing   = 20 * Second         // PUBLISH_MIN_INTERVAL (Destination.h)
	i2pdAckTimeout       = 1800 * Millisecond  // PUBLISH_CONFIRMATION_TIMEOUT
	i2pdVerifyDelay      = 5 * Second          // PUBLISH_VERIFICATION_TIMEOUT, plus 0, 1 or 2 s
	i2pdVerifyEvery      = 100 * Second        // PUBLISH_REGULAR_VERIFICATION_INTERNAL
	i2pdAskTimeout       = 1600 * Millisecond  // LEASESET_REQUEST_TIMEOUT
	i2pdAskLimit         = 12000 * Millisecond // MAX_LEASESET_REQUEST_TIMEOUT
	i2pdVerifyDelaySteps = 3                   // PUBLISH_VERIFICATION_TIMEOUT_VARIANCE
)
