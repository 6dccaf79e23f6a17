package sim

import (
	"multihome.i2p/balancer/policy"
)

// Clients write to the service and want an answer to each message. They look its
// LeaseSet up, choose among its leases and keep ratchet sessions by the rules of
// their router, Java I2P or i2pd. A session lives in the router that answered the
// message that opened it: on a lease of another router its messages are lost. Under
// a balancer the core hears of them as it does live (balancer.EventClientSeen), and
// what it orders happens: who carries whom, what is bundled, who is taken over, when
// keys change.

// Traffic is what clients send.
type Traffic string

// Kinds of traffic.
const (
	// TrafficStreams: each client has one stream after another, whose messages
	// come at random and are sent again until they are answered.
	TrafficStreams Traffic = "streams"
	// TrafficDatagrams: each client sends datagrams through I2CP at equal
	// intervals, once.
	TrafficDatagrams Traffic = "datagrams"
)

// Clients are those of the service.
type Clients struct {
	Count        int
	JavaShare    float64 // of them, those that run Java I2P; the rest run i2pd
	MessageEvery Time    // mean time between two messages of one client
	Traffic      Traffic
	StreamLength Time // how long a stream is kept open
	// Stay is the mean time after which another client comes in the place of one,
	// which knows nothing of the service; 0: they stay.
	Stay Time
	// Published is the share of clients whose own LeaseSet is in the netDb, so that
	// a router that they have not written to can write to them.
	Published float64
	// I2pdVersion is the version of clients that run i2pd; "" means I2pd258.
	I2pdVersion I2pdVersion
}

// ClientTruth is what the clients of a trial felt.
type ClientTruth struct {
	Count int `json:"count"`
	// Messages: datagrams sent while the observation had 20 s to go, and messages of
	// streams as they were answered, or their stream died. Delivered came to the
	// service, answered came back within 20 s.
	Sent      int64 `json:"sent"`
	Delivered int64 `json:"delivered"`
	Answered  int64 `json:"answered"`
	// Clients that came, and those who had an answer 25 s after their first message.
	FirstContacts int64 `json:"first_contacts"`
	FirstAnswered int64 `json:"first_answered"`
	// Streams whose time was over before the observation was, and those that lived
	// until then.
	Streams  int64 `json:"streams"`
	Survived int64 `json:"survived"`
	// Changes of the lease, and the time from the first message on the new one until
	// something was answered; changes within that time are one.
	Switches int64 `json:"switches"`
	Stalled  Time  `json:"stalled_ns"`
	StallMax Time  `json:"stall_max_ns"`
	// Moves are changes of the router that answers.
	Moves   int64 `json:"moves"`
	Lookups int64 `json:"lookups"` // of the service's LeaseSet
	Found   int64 `json:"found"`
	Greeted int64 `json:"greeted"` // messages of the balancer's own that arrived
	// Strikes are the losses of routers as their clients felt them.
	Strikes []Strike `json:"strikes"`
}

// IsZero tells whether there were no clients.
func (c *ClientTruth) IsZero() bool { return c.Count == 0 }

// Strike is the loss of a router as one of its clients felt it.
type Strike struct {
	Age  Time `json:"age_ns"` // how long the client had been with it
	Java bool `json:"java"`
	// Published: a router can write to the client.
	Published bool `json:"published"`
	// After is the time until something sent after the loss was answered; Never if
	// nothing was. Watched is how long the client was watched.
	After   Time  `json:"after_ns"`
	Watched Time  `json:"watched_ns"`
	Lost    int32 `json:"lost"` // messages lost until then
}

// anyRouter has the session of a client where the service itself decrypts.
const anyRouter = -2

// clients is the state of all of them.
type clients struct {
	on      bool
	garlic  bool // one ratchet serves all routers
	list    []client
	flights pool[flight]
	// Encryption keys are numbered from 0; taken are those of the order that a router
	// carries out.
	taken uint16
}

// client is one of them.
type client struct {
	gen             uint16 // counts those that had this place
	java, published bool
	met             bool // it has been answered
	asking          bool // a lookup is under way
	began           Time // when it wrote for the first time, Never before

	set     int32 // the LeaseSet that it holds, or none
	key     int32 // of the netDb, under which that stands
	meta    int32 // the Meta LeaseSet that it holds, or none
	avoid   int32 // key of a sub-Destination that did not answer, or none
	waiting int32 // datagrams that wait for one

	lease    lease // in use, if path
	path     bool
	usedBy   [2]uint32 // the last one used: number and gateway
	pathAt   int64     // i2pd: second in which it was chosen
	pathUses int32

	ackAt, ackDue, ackLast Time // Java: acks asked for

	ownDue, ownSent Time // i2pd: its own next LeaseSet; when it was sent, 0 once confirmed
	own             bool // it is not confirmed

	talk ratchet
	flow clientStream

	// What is measured.
	via      int32 // the router that answered last, or none
	viaSince Time
	answered Time  // last answer
	switched Time  // first message on another lease that waits for an answer, 0 for none
	struck   Time  // when its router was lost, 0 for none
	age      Time  // and how long it had been with it
	lost     int32 // messages
	lostThen int32

	// The service's side.
	tells   telling
	core    int32 // of the sub-Destination that it uses
	id      int32 // balancer.ClientID there, or none
	carrier int32
	arrival int32 // the router that the core was told of last
	told    Time
}

// ratchet is a client's session with the service.
type ratchet struct {
	serial int32 // counts them
	router int32 // that has it, anyRouter, or none for no session
	boot   uint16
	keys   uint16 // the service's keys that it rests on
	since  Time
	heard  Time // last message received on it
	used   Time
	sent   int32 // tags used
	got    int32 // the last one that the router has seen
	// replies: the service has opened it, and has not answered in it yet. Until then
	// messages are replies to the opening one, for which it knows few tags.
	replies bool
}

// telling is how far an i2pd router has told a client of the service's LeaseSets, in
// the session that they have. LeaseSets are named by `published`.
type telling struct {
	router int32 // that has the session, or none
	boot   uint16
	told   int64 // this one and those before need not be sent any more
	sent   int64 // under way, unconfirmed; 0 for none
	sentAt Time
	gotAt  Time // when the client has it, Never if it is lost
	// confirmed: when that is confirmed without a further message; else Never.
	confirmed Time
}

// flight is a message between a client and the service, or a lookup.
type flight struct {
	client int32
	gen    uint16
	opens  bool // New Session
	counts bool // in the truth
	boot   uint16
	keys   uint16
	router int32 // that sends to the client
	serial int32 // of the session
	tag    int32
	seq    int32 // of a stream
	set    int32 // LeaseSet that comes along, or none
	told   int64 // i2pd: the LeaseSet that the router had when the session was opened
	sent   Time
	lease  lease
}

func (w *World) resetClients() {
	s := &w.clients
	cfg := &w.cfg.Clients
	s.on = cfg.Count > 0
	s.garlic = s.on && w.core.garlic
	s.taken = 0
	s.flights.reset()
	for len(s.list) < cfg.Count {
		s.list = append(s.list, client{})
	}
	s.list = s.list[:cfg.Count]
	if !s.on {
		return
	}
	rng := w.streams.rand[streamClients]
	from := max(1, w.observed-clientsLead) // after the counting has begun
	for i := range s.list {
		s.list[i].gen = 0
		at := uniform(rng, from, from+max(1, min(clientsLead/2, w.observed-from)))
		w.arrives(int32(i), at)
	}
}

// arrives puts a new client into place i, who writes for the first time at the given
// time.
func (w *World) arrives(i int32, at Time) {
	cfg := &w.cfg.Clients
	rng := w.streams.rand[streamClients]
	c := &w.clients.list[i]
	*c = client{
		gen: c.gen + 1, java: chance(rng, cfg.JavaShare), published: chance(rng, cfg.Published), began: Never,
		set: none, meta: none, avoid: none, via: none, id: none, carrier: none, arrival: none,
		talk: ratchet{router: none}, tells: telling{router: none},
		flow: clientStream{rto: streamFirstRTO},
	}
	c.ownDue = at + uniform(rng, 0, i2pdOwnRenewal)
	w.pushGen(at, evClientSend, c.gen, i, 0)
	if cfg.Stay > 0 {
		w.pushGen(at+exponential(rng, Hour.Seconds()/cfg.Stay.Seconds()), evClientLeave, c.gen, i, 0)
	}
}

// leaves lets another client come in the place of client i.
func (w *World) leaves(i int32) {
	c := &w.clients.list[i]
	w.forgetSet(c)
	w.forgetMeta(c)
	w.unserve(c)
	w.arrives(i, w.now)
}

// clientEvent handles an event of the clients.
func (w *World) clientEvent(ev *event) {
	s := &w.clients
	switch eventKind(ev.kind) {
	case evClientSend:
		if s.list[ev.a].gen == ev.gen {
			w.clientWrites(ev.a)
		}
	case evClientLeave:
		if s.list[ev.a].gen == ev.gen {
			w.leaves(ev.a)
		}
	case evClientResend:
		if c := &s.list[ev.a]; c.gen == ev.gen && c.flow.timer == ev.b {
			w.resendDue(ev.a)
		}
	case evClientClose:
		if c := &s.list[ev.a]; c.gen == ev.gen && c.flow.serial == ev.b {
			w.closeStream(ev.a, true)
		}
	case evClientGone:
		w.serviceForgot(&w.core.each[ev.b], ev.a)
	default:
		k := ev.a
		f := s.flights.at(k)
		if s.list[f.client].gen != f.gen {
			w.endFlight(k)
			return
		}
		switch eventKind(ev.kind) {
		case evClientArrive:
			w.clientArrived(k)
		case evClientAnswer:
			w.serviceAnswers(k, w.now)
		case evClientReply:
			w.replyArrived(k)
		case evClientGreet:
			w.greetArrived(k)
		case evClientFound:
			w.lookupEnded(k)
		}
	}
}

func (w *World) newFlight(i int32) (int32, *flight) {
	k := w.clients.flights.take()
	f := w.clients.flights.at(k)
	*f = flight{client: i, gen: w.clients.list[i].gen, set: none, router: none, sent: w.now}
	return k, f
}

func (w *World) endFlight(k int32) {
	if f := w.clients.flights.at(k); f.set != none {
		w.releaseSet(f.set)
	}
	w.clients.flights.free(k)
}

// counting tells whether a message that is sent now counts.
func (w *World) counting() bool { return w.now > w.observed && w.now < w.end-clientLate }

// wholeSeconds is the clock of i2pd clients.
func (w *World) wholeSeconds(t Time) int64 { return int64((w.epoch + t) / Second) }

// takeSet lets a client take LeaseSet x if it is newer than the one that it holds.
func (w *World) takeSet(c *client, x int32) {
	if c.set != none {
		if w.sets.at(x).published <= w.sets.at(c.set).published {
			return
		}
		w.releaseSet(c.set)
	}
	c.set = w.holdSet(x)
	if !c.path {
		return
	}
	// The lease in use may have another end now, or be none of the service's any
	// more.
	c.path = false
	leases := w.sets.at(x).leases
	for k := range leases {
		if l := &leases[k]; l.number == c.lease.number && l.gateway == c.lease.gateway {
			c.lease, c.path = *l, true
			return
		}
	}
}

func (w *World) forgetSet(c *client) {
	if c.set != none {
		w.releaseSet(c.set)
		c.set = none
	}
	c.path = false
}

// strikeClients notes that router i was lost for those whom it answered.
func (w *World) strikeClients(i int32) {
	recent := 2*w.cfg.Clients.MessageEvery + 3*Second
	for k := range w.clients.list {
		c := &w.clients.list[k]
		if c.via == i && c.struck == 0 && w.now-c.answered < recent && w.now > w.observed {
			c.struck, c.age, c.lostThen = w.now, w.now-c.viaSince, c.lost
		}
	}
}

// struckEnds notes how a loss ended for a client: with the answer at the given time,
// or, for Never, not.
func (w *World) struckEnds(c *client, at Time) {
	s := Strike{
		Age: c.age, Java: c.java, Published: c.published, After: Never,
		Watched: min(at, w.end) - c.struck, Lost: c.lost - c.lostThen,
	}
	if at != Never {
		s.After = at - c.struck
	}
	t := &w.out.Truth.Clients
	t.Strikes = append(t.Strikes, s)
	c.struck = 0
}

// finishClients closes the clients' books.
func (w *World) finishClients() {
	for i := range w.clients.list {
		if c := &w.clients.list[i]; c.struck != 0 {
			w.struckEnds(c, Never)
		}
	}
}

// PinnedTunnels is the value of Policy.PinnedFor for leases that last as long as
// their tunnels.
const PinnedTunnels Time = -1

// The words of Policy.Bundle.
const (
	bundlePinned = policy.BundlePinned
	bundleGarlic = "garlic" // the routers hand garlic up undecrypted, and bundle what is published
)
