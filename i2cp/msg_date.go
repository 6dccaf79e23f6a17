package i2cp

import "multihome.i2p/i2cp/wire"

// GetDate is a client's first message (i2cp.md, GetDateMessage). Its mapping
// has the user name and password, and offers the extension (docs/i2cp-p140.md,
// Announcement).
type GetDate struct {
	Version    string // "" stands for a client before 0.8.7, without any field
	HasOptions bool   // a mapping follows, be it empty
	Options    wire.Mapping
}

// SetDate answers it, and may come again at any time (i2cp.md, SetDateMessage).
// The mapping behind the version belongs to the extension: a router confirms it
// so, and never sends one to a client that did not offer it.
type SetDate struct {
	Date       wire.Date
	HasVersion bool // false: a router before 0.8.7
	Version    string
	HasOptions bool
	Options    wire.Mapping
}

// Type returns the message's type number.
func (*GetDate) Type() Type { return TypeGetDate }

// Parse reads the body; see [Message].
func (m *GetDate) Parse(body []byte) error {
	c := cursor{t: TypeGetDate, body: body}
	*m = GetDate{}
	if c.left() > 0 {
		at := c.off
		if m.Version = c.str("version"); m.Version == "" {
			c.fail("version", at, ErrValue)
		}
	}
	if c.left() > 0 {
		m.HasOptions = true
		m.Options = c.mapping()
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *GetDate) Append(b []byte) ([]byte, error) {
	w := build(TypeGetDate, b)
	if m.Version != "" {
		w.str("version", m.Version)
	} else if m.HasOptions {
		w.fail("version", ErrValue)
	}
	if m.HasOptions {
		w.mapping(m.Options)
	} else if m.Options.Size() > 2 {
		w.fail("options", ErrValue)
	}
	return w.end()
}

// Type returns the message's type number.
func (*SetDate) Type() Type { return TypeSetDate }

// Parse reads the body; see [Message].
func (m *SetDate) Parse(body []byte) error {
	c := cursor{t: TypeSetDate, body: body}
	*m = SetDate{Date: c.date("date")}
	if c.left() > 0 {
		m.HasVersion = true
		m.Version = c.str("version")
	}
	if c.left() > 0 {
		m.HasOptions = true
		m.Options = c.mapping()
	}
	return c.end()
}

// Append appends the body; see [Message].
func (m *SetDate) Append(b []byte) ([]byte, error) {
	w := build(TypeSetDate, b)
	w.date(m.Date)
	if m.HasVersion {
		w.str("version", m.Version)
	} else if m.HasOptions || m.Version != "" {
		w.fail("version", ErrValue)
	}
	if m.HasOptions {
		w.mapping(m.Options)
	} else if m.Options.Size() > 2 {
		w.fail("options", ErrValue)
	}
	return w.end()
}
