package i2cp

import "multihome.i2p/i2cp/wire"

// MaxFloodfillsPerMessage is the most floodfills of one message.
const MaxFloodfillsPerMessage = 255

// Never is the age of what has not happened; what is older than the largest age below
// it has that age.
const Never uint32 = 0xffffffff

// FloodfillNote is what a router remembers of a floodfill from storing a session's
// LeaseSets there and asking for them. Ages are in ms.
type FloodfillNote struct {
	Floodfill   wire.Hash
	Acks        uint32 // of stores
	Response    uint32 // ms until they came, on average; 0 without any
	StoreOK     uint32 // age of the last store that was acknowledged
	StoreFailed uint32 // and of the last that was not
	AskOK       uint32 // age of the last lookup that found the LeaseSet
	AskFailed   uint32 // and of the last that did not
}

func (n *FloodfillNote) parse(c *cursor) {
	*n = FloodfillNote{
		Floodfill: c.hash("floodfill"), Acks: c.u32("acks"), Response: c.u32("response"),
		StoreOK: c.u32("age of a store"), StoreFailed: c.u32("age of a failed store"),
		AskOK: c.u32("age of a lookup"), AskFailed: c.u32("age of a failed lookup"),
	}
}

func (n *FloodfillNote) build(w *builder) {
	w.hash(&n.Floodfill)
	for _, v := range []uint32{n.Acks, n.Response, n.StoreOK, n.StoreFailed, n.AskOK, n.AskFailed} {
		w.u32(v)
	}
}

func parseNotes(c *cursor, notes []FloodfillNote) []FloodfillNote {
	n := int(c.u8("count"))
	notes = notes[:0]
	for i := 0; i < n && c.err == nil; i++ {
		notes = append(notes, FloodfillNote{})
		notes[i].parse(c)
	}
	return notes
}

func buildNotes(w *builder, notes []FloodfillNote) {
	w.count("count", len(notes), MaxFloodfillsPerMessage)
	for i := range notes {
		notes[i].build(w)
	}
}

// NoteFloodfills gives a router the experience of others with floodfills, in place of
// its own with those named; from the first one of a session on it reports its own.
// (docs/i2cp-p140.md, 170)
type NoteFloodfills struct {
	Session uint16
	Notes   []FloodfillNote
}

// FloodfillsNoted reports experience that has changed. (docs/i2cp-p140.md, 171)
type FloodfillsNoted struct {
	Session uint16
	Notes   []FloodfillNote
}

// OutdateLeaseSet says that a LeaseSet will follow: a router stores none again that is
// older. (docs/i2cp-p140.md, 172)
type OutdateLeaseSet struct {
	Session   uint16
	Published wire.Seconds
}

// Type returns the message's type number.
func (*NoteFloodfills) Type() Type { return TypeNoteFloodfills }

// Parse reads the body; see [Message].
func (m *NoteFloodfills) Parse(body []byte) error {
	c := cursor{t: TypeNoteFloodfills, body: body}
	m.Session = c.u16("session")
	m.Notes = parseNotes(&c, m.Notes)
	return c.end()
}

// Append appends the body; see [Message].
func (m *NoteFloodfills) Append(b []byte) ([]byte, error) {
	w := build(TypeNoteFloodfills, b)
	w.u16(m.Session)
	buildNotes(&w, m.Notes)
	return w.end()
}

// Type returns the message's type number.
func (*FloodfillsNoted) Type() Type { return TypeFloodfillsNoted }

// Parse reads the body; see [Message].
func (m *FloodfillsNoted) Parse(body []byte) error {
	c := cursor{t: TypeFloodfillsNoted, body: body}
	m.Session = c.u16("session")
	m.Notes = parseNotes(&c, m.Notes)
	return c.end()
}

// Append appends the body; see [Message].
func (m *FloodfillsNoted) Append(b []byte) ([]byte, error) {
	w := build(TypeFloodfillsNoted, b)
	w.u16(m.Session)
	buildNotes(&w, m.Notes)
	return w.end()
}

// Type returns the message's type number.
func (*OutdateLeaseSet) Type() Type { return TypeOutdateLeaseSet }

// Parse reads the body; see [Message].
func (m *OutdateLeaseSet) Parse(body []byte) error {
	c := cursor{t: TypeOutdateLeaseSet, body: body}
	m.Session = c.u16("session")
	m.Published = wire.Seconds(c.u32("published"))
	return c.end()
}

// Append appends the body; see [Message].
func (m *OutdateLeaseSet) Append(b []byte) ([]byte, error) {
	w := build(TypeOutdateLeaseSet, b)
	w.u16(m.Session)
	w.u32(uint32(m.Published))
	return w.end()
}
