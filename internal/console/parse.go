package console

import (
	"bytes"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/i2cp/wire"
)

// lines are the lines of a page's content.
type lines struct {
	page string
	text []string
	next int
}

var contentMark = []byte(`<div class="content">`)

// The tail of every page closes content and wrapper.
var tail = []string{"</div>", "</div>", "</body>", "</html>"}

func content(page string, b []byte) (*lines, error) {
	l := &lines{page: page}
	head, body, ok := bytes.Cut(b, contentMark)
	if !ok {
		l.text = []string{string(head)}
		return nil, l.syntax(`a page with ` + string(contentMark))
	}
	for _, line := range strings.Split(strings.TrimRight(string(body), "\r\n"), "\n") {
		l.text = append(l.text, strings.TrimSuffix(line, "\r"))
	}
	end := len(l.text) - len(tail)
	for i, want := range tail {
		if end < 0 || l.text[end+i] != want {
			l.next = max(0, len(l.text)-1)
			return nil, l.syntax("the whole page, which ends with </html>")
		}
	}
	l.text = l.text[:end]
	return l, nil
}

// syntax is the error of the line that comes next.
func (l *lines) syntax(want string) *SyntaxError {
	e := &SyntaxError{Page: l.page, Line: l.next + 1, Want: want}
	if l.page == "" {
		e.Page = "main"
	}
	if l.next < len(l.text) {
		e.Text = l.text[l.next]
		if len(e.Text) > 120 {
			e.Text = e.Text[:120]
		}
	} else {
		e.Want += " (the content ends here)"
	}
	return e
}

// match takes the next line if the expression matches it.
func (l *lines) match(re *regexp.Regexp) []string {
	if l.next == len(l.text) {
		return nil
	}
	m := re.FindStringSubmatch(l.text[l.next])
	if m != nil {
		l.next++
	}
	return m
}

// must takes the next line, which has to match.
func (l *lines) must(re *regexp.Regexp, want string) ([]string, error) {
	if m := l.match(re); m != nil {
		return m, nil
	}
	return nil, l.syntax(want)
}

// end wants no more lines but blank ones.
func (l *lines) end() error {
	for ; l.next < len(l.text); l.next++ {
		if l.text[l.next] != "" {
			return l.syntax("the end")
		}
	}
	return nil
}

// back makes the line before the one that an error is about: its form was right
// and its value was not.
func (l *lines) back(want string) error {
	l.next--
	return l.syntax(want)
}

var (
	reListOpen  = regexp.MustCompile(`^<div class="list">$`)
	reDivEnd    = regexp.MustCompile(`^</div>$`)
	reTitle     = regexp.MustCompile(`^<b>[^<]+:</b><br>$`)
	reTitleText = regexp.MustCompile(`^<b>[^<]+:</b> ([^<]+)<br>$`)
	reBreak     = regexp.MustCompile(`^<br>$`)
	reBlank     = regexp.MustCompile(`^$`)

	reSet      = regexp.MustCompile(`^<div class="leaseset listitem( expired)?">$`)
	reInvalid  = regexp.MustCompile(`^<div class="invalid">!! [^<]+ !! </div>$`)
	reSetLabel = regexp.MustCompile(`^<div class="slide"><label for="slide([0-9]+)">([a-z2-7]{52})</label>$`)
	reSetBox   = regexp.MustCompile(`^<input type="checkbox" id="slide([0-9]+)" />$`)
	reSetOpen  = regexp.MustCompile(`^<div class="slidecontent">$`)
	reNumber   = regexp.MustCompile(`^<b>[^<]+:</b> ([0-9]{1,10})<br>$`)
	reLeases   = regexp.MustCompile(`^<b>[^<]+: ([0-9]{1,3})</b><br>$`)
	reDate     = regexp.MustCompile(`^<b>[^<]+:</b> ([0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})<br>$`)
	reHash     = regexp.MustCompile(`^<b>[^<]+:</b> ([A-Za-z0-9~-]{43}=)<br>$`)
)

// ParseLeaseSets parses the page "leasesets". loc is the time zone of the router,
// nil that of this process.
func ParseLeaseSets(page []byte, loc *time.Location) ([]LeaseSetView, error) {
	l, err := content("leasesets", page)
	if err != nil {
		return nil, err
	}
	if m := l.match(reTitleText); m != nil {
		// "not floodfill." (2.45.1), "floodfill mode is disabled." (2.58.0)
		no := strings.HasSuffix(m[1], ".")
		if m[1] != "0" && !no {
			return nil, l.back("a list of LeaseSets, their number 0, or that the router is no floodfill")
		}
		if err := l.end(); err != nil {
			return nil, err
		}
		if no {
			return nil, ErrNotFloodfill
		}
		return nil, nil
	}
	if _, err := l.must(reTitle, "a title"); err != nil {
		return nil, err
	}
	if _, err := l.must(reListOpen, "the begin of a list"); err != nil {
		return nil, err
	}
	// i2pd does not close the list.
	var sets []LeaseSetView
	for l.next < len(l.text) {
		s, err := l.leaseSet(strconv.Itoa(len(sets)+1), loc)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// leaseSet parses the n-th LeaseSet of the page.
func (l *lines) leaseSet(n string, loc *time.Location) (s LeaseSetView, err error) {
	m, err := l.must(reSet, "the begin of a LeaseSet")
	if err != nil {
		return s, err
	}
	s.Expired = m[1] != ""
	s.Invalid = l.match(reInvalid) != nil
	if m, err = l.must(reSetLabel, "a LeaseSet's address"); err != nil {
		return s, err
	}
	if m[1] != n {
		return s, l.back("LeaseSet number " + n)
	}
	if s.Destination, err = wire.ParseB32(m[2] + ".b32.i2p"); err != nil {
		return s, l.back("a LeaseSet's address")
	}
	if m, err = l.must(reSetBox, "a LeaseSet's check box"); err != nil {
		return s, err
	}
	if m[1] != n {
		return s, l.back("LeaseSet number " + n)
	}
	if _, err = l.must(reSetOpen, "the begin of a LeaseSet's content"); err != nil {
		return s, err
	}
	if m, err = l.must(reNumber, "a store type"); err != nil {
		return s, err
	}
	typ, err := strconv.ParseUint(m[1], 10, 8)
	if err != nil {
		return s, l.back("a store type")
	}
	s.StoreType = wire.StoreType(typ)
	if s.Expires, err = l.date("an expiration date", loc); err != nil {
		return s, err
	}
	if s.StoreType == wire.StoreLeaseSet || s.StoreType == wire.StoreLeaseSet2 {
		if m, err = l.must(reLeases, "a number of leases"); err != nil {
			return s, err
		}
		count, err := strconv.Atoi(m[1])
		if err != nil {
			return s, l.back("a number of leases")
		}
		for range count {
			lease, err := l.lease(loc)
			if err != nil {
				return s, err
			}
			s.Leases = append(s.Leases, lease)
		}
	}
	for range 3 {
		if _, err = l.must(reDivEnd, "the end of a LeaseSet"); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (l *lines) lease(loc *time.Location) (v LeaseView, err error) {
	m, err := l.must(reHash, "a gateway")
	if err != nil {
		return v, err
	}
	if v.Gateway, err = wire.ParseHashBase64(m[1]); err != nil {
		return v, l.back("a gateway")
	}
	if m, err = l.must(reNumber, "a tunnel id"); err != nil {
		return v, err
	}
	id, err := strconv.ParseUint(m[1], 10, 32)
	if err != nil {
		return v, l.back("a tunnel id")
	}
	v.Tunnel = uint32(id)
	v.End, err = l.date("an end date", loc)
	return v, err
}

func (l *lines) date(want string, loc *time.Location) (time.Time, error) {
	m, err := l.must(reDate, want)
	if err != nil {
		return time.Time{}, err
	}
	if loc == nil {
		loc = time.Local
	}
	t, err := time.ParseInLocation("02/01/2006 15:04:05.000", m[1], loc)
	if err != nil {
		return t, l.back(want)
	}
	return t, nil
}

const arrow = "&#8658;"

var (
	reTunnel = regexp.MustCompile(`^<div class="listitem">(.*)<span class="tunnel ([a-z]+)">[^<]*</span>, +[0-9.-]+(?:&nbsp;| )[^<]+$`)
	reIn     = regexp.MustCompile(`^((?:` + arrow + ` ` + hopRE + ` )*)` + arrow + ` ([0-9]{1,10}):me` + latencyRE + `$`)
	reOut    = regexp.MustCompile(`^([0-9]{1,10}):me ` + arrow + `((?: ` + hopRE + ` ` + arrow + `)*)` + latencyRE + `$`)
	reHop    = regexp.MustCompile(`([A-Za-z0-9~-]{4})` + bandRE)
)

// A hop is followed by its bandwidth class since some version before 2.58.0.
const (
	bandRE    = `(?:<small style="color:gray"> .?</small>)?`
	hopRE     = `[A-Za-z0-9~-]{4}` + bandRE
	latencyRE = `(?: \( [0-9]+[^)<]* \))?`
)

// ParseTunnels parses the page "tunnels".
func ParseTunnels(page []byte) ([]TunnelView, error) {
	l, err := content("tunnels", page)
	if err != nil {
		return nil, err
	}
	if _, err := l.must(reTitle, "a title"); err != nil {
		return nil, err
	}
	// One queue in 2.45.1, two in 2.58.0, each followed by a blank line.
	if _, err := l.must(reNumber, "a queue's length"); err != nil {
		return nil, err
	}
	for {
		if _, err := l.must(reBreak, "a line break"); err != nil {
			return nil, err
		}
		if l.match(reNumber) == nil {
			break
		}
	}
	var all []TunnelView
	for _, inbound := range []bool{true, false} {
		if !inbound {
			if _, err := l.must(reBreak, "a line break"); err != nil {
				return nil, err
			}
		}
		if _, err := l.must(reTitle, "a title"); err != nil {
			return nil, err
		}
		if _, err := l.must(reListOpen, "the begin of a list"); err != nil {
			return nil, err
		}
		for l.match(reDivEnd) == nil {
			t, err := l.tunnel(inbound)
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	return all, l.end()
}

func (l *lines) tunnel(inbound bool) (t TunnelView, err error) {
	m, err := l.must(reTunnel, "a tunnel")
	if err != nil {
		return t, err
	}
	t.Inbound, t.State = inbound, m[2]
	var id, hops string
	if inbound {
		if n := reIn.FindStringSubmatch(m[1]); n != nil {
			hops, id = n[1], n[2]
		}
	} else if n := reOut.FindStringSubmatch(m[1]); n != nil {
		id, hops = n[1], n[2]
	}
	v, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return t, l.back("a tunnel")
	}
	t.ID = uint32(v)
	for _, hop := range reHop.FindAllStringSubmatch(strings.ReplaceAll(hops, arrow, ""), -1) {
		t.Hops = append(t.Hops, hop[1])
	}
	_, err = l.must(reDivEnd, "the end of a tunnel")
	return t, err
}

var (
	reTransport = regexp.MustCompile(`^(?:</div>)?<div class='slide'><label for='slide_[a-z0-9]+'><b>[A-Z0-9]+(?:v6)?</b> \( ([0-9]+) \)</label>$`)
	reTransBox  = regexp.MustCompile(`^<input type="checkbox" id="slide_[a-z0-9]+" />$`)
	reTransOpen = regexp.MustCompile(`^<div class="slidecontent list"><div class="listitem">$`)
	reItemOpen  = regexp.MustCompile(`^<div class="listitem">$`)
	reSession   = regexp.MustCompile(`^( ` + arrow + ` )?([A-Za-z0-9~-]{4}): ([0-9.]+:[0-9]+|\[[0-9a-fA-F:.]+\]:[0-9]+)( ` + arrow + ` )? ` +
		`\[([0-9]{1,20}):([0-9]{1,20})\]((?: \[[a-z]+(?::[0-9]+)?\])*)</div>$`)
)

// ParseSessions parses the page "transports".
func ParseSessions(page []byte) ([]SessionView, error) {
	l, err := content("transports", page)
	if err != nil {
		return nil, err
	}
	if _, err := l.must(reTitle, "a title"); err != nil {
		return nil, err
	}
	var all []SessionView
	for {
		m := l.match(reTransport)
		if m == nil {
			return all, l.end()
		}
		count, err := strconv.Atoi(m[1])
		if err != nil || count == 0 {
			return nil, l.back("a number of sessions")
		}
		if _, err := l.must(reTransBox, "a check box"); err != nil {
			return nil, err
		}
		for i := range count {
			open, want := reItemOpen, "the begin of a session"
			if i == 0 {
				open = reTransOpen
			}
			if _, err := l.must(open, want); err != nil {
				return nil, err
			}
			s, err := l.session()
			if err != nil {
				return nil, err
			}
			all = append(all, s)
		}
		for range 2 {
			if _, err := l.must(reDivEnd, "the end of a list"); err != nil {
				return nil, err
			}
		}
	}
}

func (l *lines) session() (s SessionView, err error) {
	m, err := l.must(reSession, "a session")
	if err != nil {
		return s, err
	}
	s.Peer, s.Outgoing = m[2], m[1] != ""
	// An arrow leads to the peer or from it.
	if (m[1] == "") == (m[4] == "") {
		return s, l.back("a session with one direction")
	}
	if s.Remote, err = netip.ParseAddrPort(m[3]); err != nil {
		return s, l.back("a session with an address")
	}
	if s.Sent, err = strconv.ParseUint(m[5], 10, 64); err != nil {
		return s, l.back("a number of bytes sent")
	}
	if s.Received, err = strconv.ParseUint(m[6], 10, 64); err != nil {
		return s, l.back("a number of bytes received")
	}
	_, err = l.must(reBlank, "a blank line")
	return s, err
}

var (
	reVersion = regexp.MustCompile(`(?m)^<b>Version:</b> ([0-9][0-9A-Za-z.+-]*)<br>`)
	reCaps    = regexp.MustCompile(`(?m)^<b>Router Caps:</b> ([A-Za-z]*)<br>`)
	reKnown   = regexp.MustCompile(`(?m)^<b>Routers:</b> ([0-9]{1,9}) <b>Floodfills:</b> ([0-9]{1,9}) <b>LeaseSets:</b> ([0-9]{1,9})<br>`)
	reCounts  = regexp.MustCompile(`(?m)^<b>Client Tunnels:</b> ([0-9]{1,9}) <b>Transit Tunnels:</b> ([0-9]{1,9})<br>`)
)

// ParseStatus parses the main page, of which it wants only the lines that it
// knows: the rest differs with the configuration.
func ParseStatus(page []byte) (StatusView, error) {
	l, err := content("", page)
	if err != nil {
		return StatusView{}, err
	}
	text := strings.Join(l.text, "\n")
	l.next = len(l.text)
	find := func(re *regexp.Regexp, want string) ([]string, error) {
		if m := re.FindStringSubmatch(text); m != nil {
			return m[1:], nil
		}
		return nil, l.syntax(want)
	}
	version, err := find(reVersion, "a page with the router's version in English")
	if err != nil {
		return StatusView{}, err
	}
	caps, err := find(reCaps, "a page with the router's capabilities in English")
	if err != nil {
		return StatusView{}, err
	}
	known, err := find(reKnown, "a page with the numbers of routers, floodfills and LeaseSets in English")
	if err != nil {
		return StatusView{}, err
	}
	counts, err := find(reCounts, "a page with the numbers of tunnels in English")
	if err != nil {
		return StatusView{}, err
	}
	s := StatusView{Version: version[0], Caps: caps[0]}
	for i, p := range []*int{&s.Routers, &s.Floodfills, &s.LeaseSets} {
		*p, _ = strconv.Atoi(known[i]) // at most nine digits
	}
	for i, p := range []*int{&s.ClientTunnels, &s.Transit} {
		*p, _ = strconv.Atoi(counts[i])
	}
	return s, nil
}
