package tier

// Times are int64 nanoseconds.
const (
	second = int64(1e9)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// Never is the time that never comes.
const Never = int64(1<<63 - 1)

// Facts of the Java router. Source of all: I2P 2.8.0 (API 0.9.65), package
// net.i2p.router.peermanager, the class named behind each.
const (
	// FastMax is the most peers a fast tier holds (ProfileOrganizer).
	FastMax = 75
	// HighCapacityMax is the most peers a high-capacity tier holds
	// (ProfileOrganizer).
	HighCapacityMax = 150
	// HighCapacityMin is the number of high-capacity peers below which the
	// capacity threshold leaves the mean (ProfileOrganizer).
	HighCapacityMin = 10
	// ProfilesMax is the number of profiles above which the router forgets
	// idle peers sooner (ProfileOrganizer); the model keeps no more.
	ProfilesMax = 600

	// ReorganizeYoung, ReorganizeMedium and ReorganizeLong are the intervals
	// between reorganisations at an uptime below YoungUptime, below
	// MediumUptime, and later, in ns (PeerManager).
	ReorganizeYoung  = 45 * second
	ReorganizeMedium = 123 * second
	ReorganizeLong   = 351 * second
	// YoungUptime and MediumUptime bound those intervals, in ns (PeerManager).
	YoungUptime  = 10 * minute
	MediumUptime = 2 * hour

	decayUptime  = 90 * minute        // uptime before peaks decay (PeerManager)
	decayOneIn   = 61                 // 246 reorganisations a day / 4 (PeerProfile)
	decayFactor  = 0.8408964152537145 // 0.5^(1/4) (PeerProfile)
	peaksKept    = 3                  // best one-minute throughputs (PeerProfile)
	activePeriod = 5 * minute         // PeerProfile.getIsActive
	oldPeriod    = hour               // CapacityCalculator.tooOld
	newPeerAge   = 2 * hour           // CapacityCalculator, the newcomer rule
	recentSend   = 30 * minute        // CapacityCalculator
	ageChecksUp  = hour               // uptime before age checks (CapacityCalculator)
	expireTime   = 6 * hour           // profiles without a sent message, at most ProfilesMax kept (ProfileOrganizer)
	rateSlack    = 2 * second         // core net.i2p.stat.Rate

	growthFactor      = 5.0 // capacity of a peer nothing is known about (CapacityCalculator)
	bonusConnected    = 0.65
	bonusNotFloodfill = 1.0
	bonusLastSend     = 1.0
	bonusRecentSend   = 1.0
	penaltySendFail   = 4.0
	penaltyNoR        = 1.0
	penaltyU          = 2.0
	penaltyL          = 1.0
	bonusXOR          = 0.25
	rejectWeight      = 2.0 // A*A/(A+2R)
	failWeight        = 4.0

	share10m, share60m, share1d = 0.4, 0.5, 0.1 // CapacityCalculator
)

// ratePeriods are the windows of the accept, reject and failure counts, in ns
// (TunnelHistory).
var ratePeriods = [3]int64{10 * minute, hour, day}

// MinFast returns the size below which a router fills its fast tier in
// capacity order, by its number of local clients (Destinations):
// min(40, 6*clients + 8 - 2) (ProfileOrganizer.getMinimumFastPeers).
func MinFast(clients int) int { return min(40, 6*clients+6) }

// ReorganizeInterval returns how long after a reorganisation at the given
// uptime the next one follows, both in ns (PeerManager).
func ReorganizeInterval(uptime int64) int64 {
	switch {
	case uptime > MediumUptime:
		return ReorganizeLong
	case uptime > YoungUptime:
		return ReorganizeMedium
	}
	return ReorganizeYoung
}
