package trace

// Limits that every reader and writer keeps.
const (
	// MaxLeases is the largest number of leases in one record: a LeaseSet2 of
	// 16 kB, the largest that the simulator's scheme large-leaseset makes, has
	// room for 397 leases of 40 bytes.
	MaxLeases = 400
	// MaxLine is the largest length of a line in bytes, its newline included.
	// MaxLeases leases take about 45 kB.
	MaxLine = 64 << 10
	// MaxTime is the largest time in milliseconds, and a thousand times the
	// largest in seconds: the year 5138. It leaves room to add times to each
	// other in an int64.
	MaxTime = 100_000_000_000_000
)

// A Kind says what was seen.
type Kind uint8

// The kinds of records.
const (
	KindNone          Kind = iota // the zero Kind, in no trace
	KindLookup                    // a LeaseSet that a floodfill returned to the observer
	KindStore                     // a LeaseSet that was stored to the observer
	KindBundle                    // a LeaseSet that came inside a message of the service
	KindPoll                      // an answer to a lookup that held no LeaseSet
	KindServiceLookup             // a lookup that the service itself sent to the observer
	KindProbe                     // a message that the observer sent through one lease
	KindRouter                    // a router seen up or down in the netDb
	KindHop                       // a tunnel in which the observer is a hop
	KindMeta                      // a Meta LeaseSet, which lists sub-Destinations
)

var kindNames = [...]string{"", "lookup", "store", "bundle", "poll", "service_lookup", "probe", "router", "hop", "meta"}

// String returns the kind as it is written in a trace.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Sighting reports whether records of this kind hold a LeaseSet.
func (k Kind) Sighting() bool { return k == KindLookup || k == KindStore || k == KindBundle }

// A Session says in which state the ratchet was when a probe was sent.
type Session uint8

// The states of a ratchet.
const (
	SessionNone     Session = iota
	SessionNew              // the probe opened the session
	SessionExisting         // the session had been opened before
)

var sessionNames = [...]string{"", "new", "existing"}

// String returns the state as it is written in a trace.
func (s Session) String() string {
	if int(s) < len(sessionNames) {
		return sessionNames[s]
	}
	return "unknown"
}

// A Role is the place of a hop in its tunnel.
type Role uint8

// The places of a hop.
const (
	RoleNone   Role = iota
	RoleIBGW        // gateway of an inbound tunnel
	RoleMiddle      // participant
	RoleEnd         // end point of an outbound tunnel
)

var roleNames = [...]string{"", "ibgw", "middle", "end"}

// String returns the role as it is written in a trace.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return "unknown"
}

// Fields is a set of fields of a record: those that the observer saw.
type Fields uint32

// The fields, in the order in which [AppendRecord] writes them. Time and kind
// belong to every record.
const (
	HasTime Fields = 1 << iota
	HasKind
	HasFloodfill
	HasFlooded
	HasFound
	HasOBEP
	HasReply
	HasPublished
	HasRatchet
	HasSession
	HasOpenedOn
	HasLease
	HasAnswered
	HasRTT
	HasHash
	HasUp
	HasSelf
	HasPrev
	HasNext
	HasTunnel
	HasRole
	HasExpires
	HasFlags
	HasEncKeys
	HasLeases
	HasSub
	HasEntries

	numFields = iota
)

var fieldNames = [numFields]string{
	"t", "kind", "floodfill", "flooded", "found", "obep", "reply", "published",
	"ratchet", "session", "opened_on", "lease", "answered", "rtt_ms", "hash", "up",
	"self", "prev", "next", "tunnel", "role", "expires", "flags", "enc_keys", "leases", "sub",
	"entries",
}

const hasAlways = HasTime | HasKind

// need holds the fields that a record of each kind must have, may those that it
// can have.
var (
	need = [...]Fields{
		KindLookup:        hasAlways | HasLeases,
		KindStore:         hasAlways | HasLeases,
		KindBundle:        hasAlways | HasLeases,
		KindPoll:          hasAlways | HasFloodfill | HasFound,
		KindServiceLookup: hasAlways | HasFloodfill,
		KindProbe:         hasAlways | HasRatchet | HasSession | HasLease | HasAnswered,
		KindRouter:        hasAlways | HasHash | HasUp,
		KindHop:           hasAlways | HasSelf | HasTunnel | HasRole | HasExpires,
		KindMeta:          hasAlways | HasPublished | HasEntries,
	}
	may = [...]Fields{
		KindLookup:        maySighting,
		KindStore:         maySighting,
		KindBundle:        maySighting,
		KindPoll:          need[KindPoll] | HasSub,
		KindServiceLookup: need[KindServiceLookup] | HasOBEP | HasReply | HasSub,
		KindProbe:         need[KindProbe] | HasOpenedOn | HasRTT,
		KindRouter:        need[KindRouter],
		KindHop:           need[KindHop] | HasPrev | HasNext,
		KindMeta:          maySighting&^(HasEncKeys|HasLeases) | HasEntries,
	}
)

const maySighting = hasAlways | HasFloodfill | HasFlooded | HasOBEP | HasReply | HasPublished |
	HasExpires | HasFlags | HasEncKeys | HasLeases | HasSub

// A Lease is one entry of a LeaseSet: an inbound gateway, the tunnel there and
// the end of the lease.
type Lease struct {
	Gateway Hash
	Tunnel  uint32
	EndMs   int64 // milliseconds since the epoch; whole seconds in a LeaseSet2
}

// A Reply is the tunnel through which an answer was asked for.
type Reply struct {
	Gateway Hash
	Tunnel  uint32
}

// A Record is one thing that the observer saw. Has tells which of the fields
// below hold a value; all others are zero. The struct is flat, and kinds share
// fields where they mean the same, because a simulator makes thousands of
// records for each trial.
type Record struct {
	TimeMs int64 // "t": when it was seen, milliseconds since the epoch
	Kind   Kind
	Has    Fields

	Flooded  bool    // store: another floodfill sent it
	Found    bool    // poll
	Answered bool    // probe
	Up       bool    // router
	Millis   bool    // the leases say "end_ms": they come from a LeaseSet1
	Session  Session // probe
	Role     Role    // hop
	Flags    uint16  // flags of the LeaseSet2

	Published int64 // seconds since the epoch; a LeaseSet1 has none
	Expires   int64 // seconds since the epoch
	Ratchet   int64 // probe: number of the ratchet session
	RTTUs     int64 // probe: "rtt_ms" in microseconds

	// Leases are the leases in wire order. In a probe the first one is the lease
	// that was probed, and the second one, if HasOpenedOn is set, the lease
	// through which the session was opened.
	Leases []Lease

	// Entries are those of a Meta LeaseSet, in wire order.
	Entries []Entry

	Floodfill Hash // who returned, got or was asked; the observer itself in a store
	OBEP      Hash // outbound end point that delivered the message
	Reply     Reply
	EncKeys   Hash   // hash of the LeaseSet's key section
	Self      Hash   // "hash" of a router, "self" of a hop
	Prev      Hash   // hop
	Next      Hash   // hop
	Sub       Hash   // the sub-Destination that it is about; the service itself if not set
	Tunnel    uint32 // hop
}

// Reset empties r and keeps the memory of its leases and entries.
func (r *Record) Reset() { *r = Record{Leases: r.Leases[:0], Entries: r.Entries[:0]} }

// Check returns nil if r may stand in a trace: it has the fields of its kind and
// no others, and every value can be written. Otherwise it returns an [*Error].
func (r *Record) Check() error {
	if r.Kind == KindNone || int(r.Kind) >= len(kindNames) {
		return &Error{
			Field: "kind", Problem: "record without a known kind",
			Mend: "use one of lookup, store, bundle, poll, service_lookup, probe, router, hop, meta",
		}
	}
	has := r.Has | hasAlways
	if missing := need[r.Kind] &^ has; missing != 0 {
		return &Error{
			Field: missing.first(), Problem: "missing in a " + r.Kind.String(),
			Mend: "write the field; a record without it is of no use to any attack",
		}
	}
	if extra := has &^ may[r.Kind]; extra != 0 {
		return &Error{Field: extra.first(), Problem: "not a field of a " + r.Kind.String(), Mend: "remove it"}
	}
	if err := r.checkLeases(has); err != nil {
		return err
	}
	if err := r.checkEntries(); err != nil {
		return err
	}
	if r.Kind == KindProbe {
		switch {
		case r.Session != SessionNew && r.Session != SessionExisting:
			return &Error{Field: "session", Problem: "neither new nor existing", Mend: "use new or existing"}
		case r.Session == SessionExisting && has&HasOpenedOn == 0:
			return &Error{
				Field: "opened_on", Problem: "missing in a probe of an existing session",
				Mend: "name the lease through which the session was opened",
			}
		case r.Answered != (has&HasRTT != 0):
			return &Error{
				Field: "rtt_ms", Problem: "must be there exactly if the probe was answered",
				Mend: "write rtt_ms with answered probes, and with no others",
			}
		}
	}
	if r.Kind == KindHop && (r.Role == RoleNone || r.Role > RoleEnd) {
		return &Error{Field: "role", Problem: "unknown role", Mend: "use ibgw, middle or end"}
	}
	for _, v := range [...]struct {
		field string
		value int64
		max   int64
	}{
		{"t", r.TimeMs, MaxTime},
		{"published", r.Published, MaxTime / 1000},
		{"expires", r.Expires, MaxTime / 1000},
		{"ratchet", r.Ratchet, MaxTime},
		{"rtt_ms", r.RTTUs, MaxTime},
	} {
		if v.value < 0 || v.value > v.max {
			return &Error{Field: v.field, Problem: "out of range", Mend: "use a value from 0 on, in the unit of the field"}
		}
	}
	return nil
}

func (r *Record) checkLeases(has Fields) error {
	want := 0
	switch {
	case r.Kind.Sighting():
		if len(r.Leases) > MaxLeases {
			return tooManyLeases()
		}
		if !r.Millis && has&HasPublished == 0 {
			return &Error{
				Field: "published", Problem: "missing in a LeaseSet2",
				Mend: "write it, or the ends of the leases as end_ms if this is a LeaseSet1",
			}
		}
		if r.Millis && len(r.Leases) == 0 {
			return &Error{Field: "leases", Problem: "a LeaseSet1 without leases", Mend: "leave out the record"}
		}
		want = len(r.Leases)
	case r.Kind == KindProbe:
		want = 1
		if has&HasOpenedOn != 0 {
			want = 2
		}
	}
	if len(r.Leases) != want {
		return &Error{
			Field: "leases", Problem: "wrong number of leases for a " + r.Kind.String(),
			Mend: "give a probe the lease probed, then the one opened on; others none",
		}
	}
	for i := range r.Leases {
		end := r.Leases[i].EndMs
		if end < 0 || end > MaxTime || !r.Millis && end%1000 != 0 {
			return &Error{
				Field: "leases", Problem: "end of a lease out of range, or no whole second in a LeaseSet2",
				Mend: "give whole seconds, or set Millis for a LeaseSet1",
			}
		}
	}
	return nil
}

func tooManyLeases() *Error {
	return &Error{Field: "leases", Problem: "more than 400 leases", Mend: "a LeaseSet of 16 kB holds 397: split the record or leave it out"}
}

// first returns the name of the first field in the set.
func (f Fields) first() string {
	for i := range numFields {
		if f&(1<<i) != 0 {
			return fieldNames[i]
		}
	}
	return ""
}
