package trace

import "strconv"

// MaxEntries is the largest number of entries of a Meta LeaseSet, whose count is one
// byte (Proposal 123).
const MaxEntries = 255

// An Entry is one entry of a Meta LeaseSet: what LeaseSet to look up next.
type Entry struct {
	Hash    Hash
	Type    uint8 // of the LeaseSet: 1 LeaseSet, 3 LeaseSet2, 5 encrypted, 7 Meta, 0 unknown
	Cost    uint8 // the least is tried first
	Expires int64 // seconds since the epoch
}

// AppendMeta appends a Meta LeaseSet that was seen, and copies its entries.
func (t *Trace) AppendMeta(timeMs, published, expires int64, entries []Entry) *Record {
	r := t.Append(KindMeta, timeMs)
	r.Published, r.Expires = published, expires
	r.Entries = t.holdEntries(entries)
	r.Has |= HasPublished | HasExpires | HasEntries
	return r
}

func (t *Trace) holdEntries(entries []Entry) []Entry {
	start := len(t.entries)
	t.entries = append(t.entries, entries...)
	return t.entries[start:len(t.entries):len(t.entries)]
}

func (r *Record) checkEntries() error {
	switch {
	case len(r.Entries) > MaxEntries:
		return tooManyEntries()
	case r.Kind != KindMeta && len(r.Entries) > 0:
		return &Error{Field: "entries", Problem: "not a field of a " + r.Kind.String(), Mend: "remove it"}
	}
	for i := range r.Entries {
		if end := r.Entries[i].Expires; end < 0 || end > MaxTime/1000 {
			return &Error{Field: "entries", Problem: "end of an entry out of range", Mend: "give seconds since the epoch"}
		}
	}
	return nil
}

func tooManyEntries() *Error {
	return &Error{Field: "entries", Problem: "more than 255 entries", Mend: "a Meta LeaseSet counts them in one byte: leave the record out"}
}

func appendEntries(dst []byte, entries []Entry) []byte {
	dst = append(dst, `,"entries":[`...)
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHash(append(dst, `{"hash":"`...), &e.Hash)
		dst = strconv.AppendUint(append(dst, `,"type":`...), uint64(e.Type), 10)
		dst = strconv.AppendUint(append(dst, `,"cost":`...), uint64(e.Cost), 10)
		dst = strconv.AppendInt(append(dst, `,"expires":`...), e.Expires, 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// entries reads the entries of a Meta LeaseSet.
func (p *parser) entries(r *Record) {
	if !p.expect('[', "an array") {
		return
	}
	for n := 0; p.more(n, ']'); n++ {
		if n == MaxEntries {
			err := tooManyEntries()
			p.fail(p.pos, err.Problem, err.Mend)
			return
		}
		r.Entries = append(r.Entries, p.entry())
	}
}

func (p *parser) entry() (e Entry) {
	names := [...]string{"hash", "type", "cost", "expires"}
	seen := 0
	start := p.pos
	if !p.expect('{', "an object") {
		return
	}
	for n := 0; p.more(n, '}'); n++ {
		p.next()
		at := p.pos
		key := p.key()
		if p.err != nil {
			return
		}
		p.field = "entries"
		index := -1
		for i := range names {
			if string(key) == names[i] {
				index = i
			}
		}
		if index < 0 || seen&(1<<index) != 0 {
			p.only("entries", at, key, index >= 0)
			return
		}
		seen |= 1 << index
		switch index {
		case 0:
			e.Hash = p.hash()
		case 1:
			e.Type = uint8(p.integer(1<<8 - 1))
		case 2:
			e.Cost = uint8(p.integer(1<<8 - 1))
		case 3:
			e.Expires = p.integer(MaxTime / 1000)
		}
	}
	if p.err == nil && seen != 1<<len(names)-1 {
		p.field = "entries"
		p.fail(start, "incomplete", "write hash, type, cost and expires")
	}
	return e
}
