package sim

// How clients of the service choose among its leases, and when they give up a
// ratchet session (ECIES-X25519-AEAD-Ratchet). "J" is Java I2P 2.8.0, "D" i2pd; a
// fact of D holds for 2.45.1 and 2.58.0 alike unless it stands in i2pdClients.
const (
	// Java: a lease is used until 15 s past its end, or, where there is no other,
	// 60 s (J: OutboundClientMessageOneShotJob.getNextLease, CLOCK_FUDGE_FACTOR/4).
	javaLeaseGrace = 15 * Second
	javaLeaseLast  = 60 * Second
	// A LeaseSet whose latest lease ended 15 s ago is looked up again, one that
	// ended 60 s ago is not used any more.
	javaRefetch = 15 * Second
	javaDrop    = 60 * Second
	// An ack is asked for on a new lease and once a minute; without one the lease
	// is given up. Measured: 60 s (J: REPLY_TIMEOUT_MS_MIN is 55 s).
	javaAckEvery   = 60 * Second
	javaAckTimeout = 60 * Second
	// A session is given up when nothing was received on it, or it was not used, for
	// 8 minutes (J: RatchetSKM.consumeNext).
	javaSessionIdle = 8 * Minute
	javaTagWindow   = 320 // J: RatchetTagSet, MAX_RCV_WINDOW_ES

	// i2pd: leases with more than 51 s left, else those that ended no longer ago than
	// that (D: LeaseSet::GetNonExpiredLeases, LEASE_ENDDATE_THRESHOLD).
	i2pdLeaseThreshold = 51 * Second
	// An expired LeaseSet is dropped, and looked up again from 5 s before on (D:
	// LeaseSetDestination::FindLeaseSet, LeaseSet::ExpiresSoon).
	i2pdExpiresSoon = 5 * Second
	// A session that is older than 120 s is opened anew when nothing was received on
	// it for more than 90 s (D: ECIESX25519_INACTIVITY_TIMEOUT, RESTART_TIMEOUT).
	i2pdSessionIdle = 90 // s, in a clock of whole seconds
	// A LeaseSet of the client's own that nobody acknowledges is sent again after
	// 4 s, on another lease (D: LEASESET_CONFIRMATION_TIMEOUT, CreatePayload).
	i2pdConfirmAfter = 4 * Second
	// i2pdOwnRenewal is how often an i2pd client has new tunnels of its own; they keep
	// in step (docs/model.md, Tunnels).
	i2pdOwnRenewal = 585 * Second
	// An i2pd router knows so many tags ahead, a quarter of those used more, up to
	// maxTags; and once more maxTags, which it makes for the session that it has used
	// last whenever it cannot read a message, be it another client's (D:
	// HandleExistingSessionMessage, GarlicDestination::HandleGarlicMessage).
	i2pdMinTags = 24
	// Of replies to a New Session both know 12 (J: RatchetSKM, MAX_RCV_WINDOW_NSR; D:
	// ECIESX25519_NSR_NUM_GENERATED_TAGS).
	replyTags = 12

	// tunnelGrace is how long after its end a tunnel still carries messages (D:
	// TUNNEL_EXPIRATION_TIMEOUT 660 s; J: ExpireJob, two minutes).
	tunnelGrace = Minute
	// sessionReplaceable is the age from which a session that the service opens
	// replaces the client's own (J: SESSION_REPLACE_AGE; D: RESTART_TIMEOUT).
	sessionReplaceable = 120 // s

	// How long one floodfill is waited for, and all of them; lookupAsked are asked (J:
	// IterativeSearchJob; OutboundClientMessageOneShotJob).
	javaLookupWait  = 3 * Second
	javaLookupLimit = 15 * Second
)

// Streams (J: ConnectionOptions, Connection; D: Streaming.h).
const (
	streamFirstRTO = 9 * Second // both
	javaMaxRTO     = 45 * Second
	javaMaxSends   = 8
	i2pdMaxResends = 10
	// javaInactivity is after how long a quiet stream of Java is written to (J:
	// ConnectionOptions, DEFAULT_INACTIVITY_TIMEOUT and _ACTION).
	javaInactivity = 90 * Second
	// streamMinRTO is the least wait for an answer. J has 100 ms and D 20 ms for a
	// bare ack; here the answer is one of the service, so that the echo of a loaded
	// server must not look like a loss. Assumption.
	streamMinRTO = Second
	// streamWindow is the most messages under way at once. Assumption: a flow that
	// has run for a while (J: MAX_WINDOW_SIZE 128, from 3 on; D: 512, from 10 on).
	streamWindow = 64
)

// What the service's driver does (balancer/live).
const (
	serviceTellAgain = 10 * Second // the core hears of a client that stays
	serviceForgets   = 10 * Minute // of which nothing was heard
)

// What counts in the metrics.
const (
	// clientLate is how long an answer is waited for before a message counts as
	// lost, and firstContactIn how long a newcomer waits.
	clientLate     = 20 * Second
	firstContactIn = 25 * Second
	// clientsLead is how long before the observation clients begin to come.
	clientsLead = 20 * Minute
)

// i2pdClient is what the versions have otherwise in their sender for I2CP clients
// (Garlic.h, ROUTING_PATH_EXPIRATION_TIMEOUT, ROUTING_PATH_MAX_NUM_TIMES_USED;
// ECIESX25519AEADRatchetSession.h, ECIESX25519_MAX_NUM_GENERATED_TAGS).
type i2pdClient struct {
	pathFor  int64 // s
	pathUses int32 // 0: no limit
	maxTags  int32
	askWait  Time // LEASESET_REQUEST_TIMEOUT
	askLimit Time // MAX_LEASESET_REQUEST_TIMEOUT
}

var i2pdClients = map[I2pdVersion]*i2pdClient{
	I2pd245: {pathFor: 30, pathUses: 100, maxTags: 320, askWait: 5 * Second, askLimit: 40 * Second},
	I2pd258: {pathFor: 120, maxTags: 800, askWait: 1600 * Millisecond, askLimit: 12 * Second},
}
