package trace

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// A parser reads one line. It stops at the first error and keeps it, so that its
// methods can be called in a row and the error be looked at once.
type parser struct {
	line  []byte
	pos   int
	field string // the key whose value is being read
	err   *Error
	at    [numFields]int // where each key of the record began

	lease, opened Lease // of a probe
	ends          Fields
}

// What a lease of the line called its end.
const (
	endSeconds Fields = 1 << iota
	endMillis
)

func (p *parser) reset(line []byte) {
	p.line, p.pos, p.field, p.err, p.ends = line, 0, "", nil, 0
}

// fail notes the first error of the line, at byte offset at.
func (p *parser) fail(at int, problem, mend string) {
	if p.err == nil {
		p.err = &Error{Column: at + 1, Field: p.field, Problem: problem, Mend: mend}
	}
	p.pos = len(p.line) // nothing more to read
}

// next skips spaces and returns the byte there, 0 at the end.
func (p *parser) next() byte {
	for p.pos < len(p.line) && (p.line[p.pos] == ' ' || p.line[p.pos] == '\t') {
		p.pos++
	}
	if p.pos == len(p.line) {
		return 0
	}
	return p.line[p.pos]
}

func (p *parser) expect(c byte, what string) bool {
	if p.err != nil {
		return false
	}
	if p.next() != c {
		p.fail(p.pos, "want "+what, "write the line as JSON")
		return false
	}
	p.pos++
	return true
}

// more steps through the members of an object or array: it reports whether
// another member follows, and takes the comma or the closing bracket.
func (p *parser) more(n int, closing byte) bool {
	if p.err != nil {
		return false
	}
	c := p.next()
	if c == closing {
		p.pos++
		return false
	}
	if n > 0 {
		if c != ',' {
			p.fail(p.pos, "want a comma or "+string(rune(closing)), "write the line as JSON")
			return false
		}
		p.pos++
	}
	return true
}

// end checks that nothing follows the object.
func (p *parser) end() {
	if p.err == nil && p.next() != 0 {
		p.field = ""
		p.fail(p.pos, "text after the end of the object", "put each record on a line of its own")
	}
}

// raw reads a string without escapes and returns what stands between the
// quotation marks.
func (p *parser) raw() []byte {
	if p.err != nil {
		return nil
	}
	if p.next() != '"' {
		p.fail(p.pos, "want a string", "put it in quotation marks")
		return nil
	}
	start := p.pos + 1
	for i := start; i < len(p.line); i++ {
		switch c := p.line[i]; {
		case c == '"':
			p.pos = i + 1
			return p.line[start:i]
		case c == '\\' || c < ' ':
			p.fail(i, "escape or control character in a value that needs none", "write the plain characters")
			return nil
		}
	}
	p.fail(p.pos, "string without an end", "close the quotation marks")
	return nil
}

// text reads any JSON string.
func (p *parser) text() string {
	if p.err != nil {
		return ""
	}
	if p.next() != '"' {
		p.fail(p.pos, "want a string", "put it in quotation marks")
		return ""
	}
	start, escaped := p.pos, false
	for i := start + 1; i < len(p.line); i++ {
		switch p.line[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			p.pos = i + 1
			token := p.line[start:p.pos]
			if !utf8.Valid(token) {
				p.fail(start, "not UTF-8", "write the text in UTF-8")
				return ""
			}
			if !escaped && plain(token) {
				return string(token[1 : len(token)-1])
			}
			var s string
			if json.Unmarshal(token, &s) != nil {
				p.fail(start, "not a JSON string", "write control characters as escapes")
				return ""
			}
			return s
		}
	}
	p.fail(start, "string without an end", "close the quotation marks")
	return ""
}

func plain(token []byte) bool {
	for _, c := range token {
		if c < ' ' {
			return false
		}
	}
	return true
}

// key reads a key and its colon and makes it the current field. known maps the
// text to a name that outlives the line.
func (p *parser) key() []byte {
	p.field = ""
	text := p.raw()
	p.expect(':', "a colon")
	return text
}

func (p *parser) hash() (h Hash) {
	text := p.raw()
	if p.err != nil {
		return
	}
	h, err := parseHash(text)
	if err != nil {
		p.fail(p.pos-len(text)-2, "not a hash", "write 44 characters of I2P base64: A-Z a-z 0-9 - ~ and one =")
	}
	return h
}

func (p *parser) bool() bool {
	if p.err != nil {
		return false
	}
	p.next()
	for _, v := range [...]struct {
		text  string
		value bool
	}{{"true", true}, {"false", false}} {
		if len(p.line)-p.pos >= len(v.text) && string(p.line[p.pos:p.pos+len(v.text)]) == v.text {
			p.pos += len(v.text)
			return v.value
		}
	}
	p.fail(p.pos, "want true or false", "write it without quotation marks")
	return false
}

// integer reads a whole number from 0 to limit.
func (p *parser) integer(limit int64) int64 {
	if p.err != nil {
		return 0
	}
	p.next()
	start := p.pos
	var v int64
	for p.pos < len(p.line) && isDigit(p.line[p.pos]) {
		v = 10*v + int64(p.line[p.pos]-'0')
		if v > limit {
			p.fail(start, "number too large", "check its unit: t, end_ms and rtt_ms are milliseconds, the other times seconds")
			return 0
		}
		p.pos++
	}
	switch {
	case p.pos == start:
		p.fail(start, "want a whole number from 0 on", "write digits only")
		return 0
	case p.line[start] == '0' && p.pos > start+1:
		p.fail(start, "number with a leading zero", "remove the zero")
		return 0
	case p.pos < len(p.line) && (p.line[p.pos] == '.' || p.line[p.pos]|0x20 == 'e'):
		p.fail(start, "want a whole number", "write digits only")
		return 0
	}
	return v
}

// thousandths reads a number with at most three decimals as its thousandfold.
func (p *parser) thousandths(limit int64) int64 {
	if p.err != nil {
		return 0
	}
	p.next()
	start := p.pos
	dot := start
	for dot < len(p.line) && isDigit(p.line[dot]) {
		dot++
	}
	if dot == len(p.line) || p.line[dot] != '.' {
		return 1000 * p.integer(limit/1000)
	}
	rest := p.line
	p.line = rest[:dot] // the digits before the point are a whole number
	v := 1000 * p.integer(limit/1000)
	p.line = rest
	if p.err != nil {
		p.pos = len(p.line)
		return 0
	}
	p.pos = dot + 1
	unit := int64(100)
	for ; p.pos < len(p.line) && isDigit(p.line[p.pos]); p.pos++ {
		v += unit * int64(p.line[p.pos]-'0')
		if unit == 0 {
			p.fail(start, "more than three decimals", "round to microseconds")
			return 0
		}
		unit /= 10
	}
	if p.pos == dot+1 || p.pos < len(p.line) && p.line[p.pos]|0x20 == 'e' || v > limit {
		p.fail(start, "want a number with at most three decimals", "write digits, a point, digits")
		return 0
	}
	return v
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// only reports an unknown or repeated key of the small object in field outer.
func (p *parser) only(outer string, at int, key []byte, repeated bool) {
	if p.err != nil {
		return
	}
	p.field = outer
	if repeated {
		p.fail(at, "key "+quote(string(key))+" twice", "keep one of the two")
		return
	}
	p.fail(at, "unknown key "+quote(string(key)), "remove it, or correct its spelling")
}

// leaseObject reads {"gw","tunnel","end"|"end_ms"}, or without an end if reply
// is set.
func (p *parser) leaseObject(outer string, reply bool) (l Lease) {
	const gw, tunnel, end = 1, 2, 4
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
		p.field = outer
		bit := 0
		switch string(key) {
		case "gw":
			bit = gw
		case "tunnel":
			bit = tunnel
		case "end", "end_ms":
			if !reply {
				bit = end
			}
		}
		if bit == 0 || seen&bit != 0 {
			p.only(outer, at, key, bit != 0)
			return
		}
		seen |= bit
		switch {
		case bit == gw:
			l.Gateway = p.hash()
		case bit == tunnel:
			l.Tunnel = uint32(p.integer(1<<32 - 1))
		case len(key) == len("end"):
			l.EndMs = 1000 * p.integer(MaxTime/1000)
			p.ends |= endSeconds
		default:
			l.EndMs = p.integer(MaxTime)
			p.ends |= endMillis
		}
	}
	want, mend := gw|tunnel|end, "write gw, tunnel and end (or end_ms)"
	if reply {
		want, mend = gw|tunnel, "write gw and tunnel"
	}
	if p.err == nil && seen != want {
		p.field = outer
		p.fail(start, "incomplete", mend)
	}
	return l
}

func (p *parser) leases(r *Record) {
	if !p.expect('[', "an array") {
		return
	}
	for n := 0; p.more(n, ']'); n++ {
		if n == MaxLeases {
			at := p.pos
			err := tooManyLeases()
			p.fail(at, err.Problem, err.Mend)
			return
		}
		r.Leases = append(r.Leases, p.leaseObject("leases", false))
	}
}

// name reads one of a list of words.
func (p *parser) name(words []string) uint8 {
	at := p.pos
	text := p.raw()
	if p.err != nil {
		return 0
	}
	for i := 1; i < len(words); i++ {
		if string(text) == words[i] {
			return uint8(i)
		}
	}
	p.fail(at, "unknown word "+quote(string(text)), "use one of "+list(words[1:]))
	return 0
}

func list(words []string) string {
	text := ""
	for i, w := range words {
		if i > 0 {
			text += ", "
		}
		text += w
	}
	return text
}

// record reads a record. r's memory for leases is used again.
func (p *parser) record(line []byte, r *Record) *Error {
	p.reset(line)
	r.Reset()
	p.expect('{', "an object")
	for n := 0; p.more(n, '}'); n++ {
		p.next()
		at := p.pos
		key := p.key()
		if p.err != nil {
			break
		}
		index := fieldIndex(key)
		if index < 0 {
			p.fail(at, "unknown key "+quote(string(key)), "remove it, or correct its spelling")
			break
		}
		p.field = fieldNames[index]
		if r.Has&(1<<index) != 0 {
			p.fail(at, "given twice", "keep one of the two")
			break
		}
		r.Has |= 1 << index
		p.at[index] = at
		p.value(index, r)
	}
	p.end()
	if p.err == nil {
		p.finish(r)
	}
	return p.err
}

func fieldIndex(key []byte) int {
	for i := range fieldNames {
		if string(key) == fieldNames[i] {
			return i
		}
	}
	return -1
}

// value reads the value of field number index.
func (p *parser) value(index int, r *Record) {
	switch Fields(1) << index {
	case HasTime:
		r.TimeMs = p.integer(MaxTime)
	case HasKind:
		r.Kind = Kind(p.name(kindNames[:]))
	case HasFloodfill:
		r.Floodfill = p.hash()
	case HasFlooded:
		r.Flooded = p.bool()
	case HasFound:
		r.Found = p.bool()
	case HasOBEP:
		r.OBEP = p.hash()
	case HasReply:
		l := p.leaseObject("reply", true)
		r.Reply = Reply{Gateway: l.Gateway, Tunnel: l.Tunnel}
	case HasPublished:
		r.Published = p.integer(MaxTime / 1000)
	case HasRatchet:
		r.Ratchet = p.integer(MaxTime)
	case HasSession:
		r.Session = Session(p.name(sessionNames[:]))
	case HasOpenedOn:
		p.opened = p.leaseObject("opened_on", false)
	case HasLease:
		p.lease = p.leaseObject("lease", false)
	case HasAnswered:
		r.Answered = p.bool()
	case HasRTT:
		r.RTTUs = p.thousandths(MaxTime)
	case HasHash, HasSelf:
		r.Self = p.hash()
	case HasUp:
		r.Up = p.bool()
	case HasPrev:
		r.Prev = p.hash()
	case HasNext:
		r.Next = p.hash()
	case HasTunnel:
		r.Tunnel = uint32(p.integer(1<<32 - 1))
	case HasRole:
		r.Role = Role(p.name(roleNames[:]))
	case HasExpires:
		r.Expires = p.integer(MaxTime / 1000)
	case HasFlags:
		r.Flags = uint16(p.integer(1<<16 - 1))
	case HasEncKeys:
		r.EncKeys = p.hash()
	case HasLeases:
		p.leases(r)
	case HasSub:
		r.Sub = p.hash()
	case HasEntries:
		p.entries(r)
	}
}

// finish checks the record as a whole and points each error at the key it is
// about, or at the start of the line if that key is missing.
func (p *parser) finish(r *Record) {
	p.field = ""
	if r.Has&HasTime == 0 {
		p.field = "t"
		p.fail(0, "missing", "write the time in milliseconds since the epoch")
		return
	}
	if p.ends == endSeconds|endMillis {
		p.field = "leases"
		p.fail(0, "end and end_ms in one record", "use end in a LeaseSet2, end_ms in a LeaseSet1")
		return
	}
	r.Millis = p.ends == endMillis
	if r.Kind == KindProbe {
		if r.Has&HasLease != 0 {
			r.Leases = append(r.Leases, p.lease)
		}
		if r.Has&HasOpenedOn != 0 {
			r.Leases = append(r.Leases, p.opened)
		}
	}
	err := r.Check()
	if err == nil {
		return // before anything is allocated
	}
	var e *Error
	if !errors.As(err, &e) {
		return
	}
	e.Column = 1
	if i := fieldIndex([]byte(e.Field)); i >= 0 && r.Has&(1<<i) != 0 {
		e.Column = p.at[i] + 1
	}
	p.err = e
}

// header reads the first line.
func (p *parser) header(line []byte) (Header, *Error) {
	p.reset(line)
	var h Header
	names := [...]string{"format", "version", "destination", "vantage", "source", "note"}
	var at [len(names)]int
	seen := 0
	p.expect('{', "an object")
	for n := 0; p.more(n, '}'); n++ {
		p.next()
		start := p.pos
		key := p.key()
		if p.err != nil {
			break
		}
		index := -1
		for i := range names {
			if string(key) == names[i] {
				index = i
			}
		}
		if index < 0 || seen&(1<<index) != 0 {
			p.only("", start, key, index >= 0)
			break
		}
		p.field = names[index]
		seen |= 1 << index
		at[index] = start
		switch index {
		case 0:
			if s := p.text(); p.err == nil && s != Format {
				p.fail(start, "format "+quote(s)+" is not "+Format, "give a trace file")
			}
		case 1:
			if v := p.integer(1 << 30); p.err == nil && v != Version {
				p.fail(start, "unknown version", "this program reads version 1; record the trace again or use a newer program")
			}
		case 2:
			h.Destination = p.text()
		case 3:
			h.Vantage = Vantage(p.text())
		case 4:
			h.Source = Source(p.text())
		case 5:
			h.Note = p.text()
		}
	}
	p.end()
	for i := 0; i < 5 && p.err == nil; i++ {
		if seen&(1<<i) == 0 {
			p.field = names[i]
			p.fail(0, "missing in the header", `begin the file with {"format":"multihome-trace","version":1,…}`)
		}
	}
	if p.err != nil {
		return Header{}, p.err
	}
	if e := (*Error)(nil); errors.As(h.Check(), &e) {
		for i := range names {
			if names[i] == e.Field {
				e.Column = at[i] + 1
			}
		}
		return Header{}, e
	}
	return h, nil
}
