package sim

// Facts of the i2pd router (PurpleI2P/i2pd 2.58, the file named behind each).
// Those that 2.45.1 has otherwise are in i2pdVersions.
const (
	i2pdTickEvery  = 15 * Second  // Tunnels::Run, TUNNEL_MANAGE_INTERVAL
	i2pdRecreate   = 570 * Second // age from which a tunnel is rebuilt (660 s - TUNNEL_RECREATION_THRESHOLD, Tunnel.h)
	i2pdListed     = 600 * Second // age up to which it is listed (660 s - TUNNEL_EXPIRATION_THRESHOLD)
	i2pdLifetime   = 660 * Second // TUNNEL_EXPIRATION_TIMEOUT
	i2pdGiveUp     = 30 * Second  // TUNNEL_CREATION_TIMEOUT
	i2pdMoreLeases = 2            // LeaseSetDestination::UpdateLeaseSet, "backup tunnels"

	// A pool wants its next round 10 to 14 whole seconds after the last one
	// (TUNNEL_POOL_MANAGE_INTERVAL), and gets it at the first look after that
	// (TunnelPool::ManageTunnels has ">"). The same loop that renews tunnels looks
	// at the pools every 5 s (TUNNEL_POOLS_MANAGE_INTERVAL), so that the next round
	// is the third look. The first one is wanted 0 to 9 s after the pool was made.
	i2pdLookEvery  = 5 * Second
	i2pdRoundEvery = 3 * i2pdLookEvery
	i2pdFirstSteps = 10

	i2pdPublishSpacing = 20 * Second  // PUBLISH_MIN_INTERVAL (Destination.h)
	i2pdVerifyEvery    = 100 * Second // PUBLISH_REGULAR_VERIFICATION_INTERNAL
)

// I2pdVersion is a version of i2pd.
type I2pdVersion string

// The versions whose differences are simulated. The empty one is the newer.
const (
	I2pd258 I2pdVersion = "2.58.0"
	I2pd245 I2pdVersion = "2.45.1" // of Debian 12
)

// i2pdVersion is what the versions have otherwise.
type i2pdVersion struct {
	maxBuilds   int  // a round and direction, TUNNEL_POOL_MAX_NUM_BUILD_REQUESTS (TunnelPool.h)
	ackTimeout  Time // PUBLISH_CONFIRMATION_TIMEOUT (Destination.h)
	verifyDelay Time // PUBLISH_VERIFICATION_TIMEOUT, plus
	verifySteps int  // 0 s to less than so many, PUBLISH_VERIFICATION_TIMEOUT_VARIANCE
	askTimeout  Time // LEASESET_REQUEST_TIMEOUT
	askLimit    Time // MAX_LEASESET_REQUEST_TIMEOUT
	// newestTests: the newest tunnels of both directions are tested in pairs, and
	// not tunnels drawn at random; the last tunnel of a pool fails as any other
	// (TunnelPool::TestTunnels).
	newestTests bool
	// strict: a tunnel whose last test failed is neither listed nor counted
	// (Tunnel::IsEstablished).
	strict bool
}

var i2pdVersions = map[I2pdVersion]*i2pdVersion{
	I2pd258: {
		maxBuilds: 3, ackTimeout: 1800 * Millisecond, verifyDelay: 5 * Second, verifySteps: 3,
		askTimeout: 1600 * Millisecond, askLimit: 12 * Second,
	},
	I2pd245: {
		maxBuilds: 2, ackTimeout: 5 * Second, verifyDelay: 10 * Second, verifySteps: 1,
		askTimeout: 5 * Second, askLimit: 40 * Second, newestTests: true, strict: true,
	},
}

func (r *Router) i2pd() *i2pdVersion {
	if r.I2pdVersion == "" {
		return i2pdVersions[I2pd258]
	}
	return i2pdVersions[r.I2pdVersion]
}
