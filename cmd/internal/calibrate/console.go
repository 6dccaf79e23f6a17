package calibrate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"multihome.i2p/i2cp/wire"
)

// MaxPage is the largest page that is read, in bytes: Java keeps some 600 profiles
// of about 500 bytes each on one.
const MaxPage = 16 << 20

// maxFast is the most fast peers (Java I2P, ProfileOrganizer.ABSOLUTE_MAX_FAST_PEERS).
const maxFast = 75

// Page is a saved page of the router console: the peer profiles (/profiles) or the
// tunnels (/tunnels).
type Page struct {
	File string
	// Ident is what the page's side bar calls the router: the first characters of
	// its hash; "" where the page was saved without.
	Ident string
	// Profiles is nil on a page of tunnels, Pools on one of profiles.
	Profiles *Profiles
	Pools    []Pool
}

// Profiles are a router's tiers: Peers of high capacity, the fast ones first.
type Profiles struct {
	Peers []Peer
	Fast  int
}

// Peer is a row of the page.
type Peer struct {
	Hash wire.Hash
	Caps string // as published; "" where the router did not know
}

// Pool are the tunnels of one client: how many, and how many have each number of
// hops.
type Pool struct {
	Inbound, Outbound int
	Hops              [8]int
}

// pageReader goes through the tags of a page.
type pageReader struct {
	file   string
	data   []byte
	z      *html.Tokenizer
	offset int // of the next token
	at     int // of the present one
	page   *Page

	// The table that is being read: its id, or the last of its classes.
	table string
	// Of the profiles.
	rows     []row
	breaks   []int // numbers of rows before each separator
	cell     int   // of the present row, from 1
	open     bool  // the cell has not ended
	text     strings.Builder
	counts   []string // cells of the thresholds
	countsAt int
	listed   bool
	// Of the tunnels.
	heading string // id of the last heading
	pools   int    // tables of tunnels, those of other pools included
	tunnel  struct {
		inbound, outbound bool
		hops              int
	}
}

type row struct {
	Peer
	at  int
	has bool // a link to the netDb
}

// ParsePage reads a saved page. The error is an *Error.
func ParsePage(file string, data []byte) (*Page, error) {
	p := &pageReader{file: file, data: data, page: &Page{File: file}}
	if err := p.read(); err != nil {
		return nil, err
	}
	return p.page, nil
}

func (p *pageReader) fault(at int, mend, format string, args ...any) *Error {
	before := p.data[:min(at, len(p.data))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return &Error{File: p.file, Line: line, Column: column, Msg: fmt.Sprintf(format, args...), Mend: mend}
}

func (p *pageReader) read() *Error {
	switch {
	case len(p.data) > MaxPage:
		return p.fault(0, fmt.Sprintf("at most %d are read", MaxPage), "the page has %d bytes", len(p.data))
	case !utf8.Valid(p.data):
		return p.fault(0, "save the page again, as UTF-8", "this is not UTF-8")
	}
	p.z = html.NewTokenizer(bytes.NewReader(p.data))
	p.z.SetMaxBuf(MaxPage)
	for {
		kind := p.z.Next()
		p.at = p.offset
		p.offset += len(p.z.Raw())
		switch kind {
		case html.ErrorToken:
			if err := p.z.Err(); !errors.Is(err, io.EOF) {
				return p.fault(p.at, "save the page again", "not HTML: %v", err)
			}
			return p.finish()
		case html.TextToken:
			if p.open {
				p.text.Write(p.z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := p.z.Token()
			if err := p.start(t.Data, attributes(t)); err != nil {
				return err
			}
		case html.EndTagToken:
			name, _ := p.z.TagName()
			if err := p.end(string(name)); err != nil {
				return err
			}
		}
	}
}

func attributes(t html.Token) map[string]string {
	m := make(map[string]string, len(t.Attr))
	for _, a := range t.Attr {
		m[a.Key] = a.Val
	}
	return m
}

// Names of the tables.
const (
	profileTable   = "profilelist"
	thresholdTable = "thresholds"
	tunnelTable    = "tunnels_client"
	exploratory    = "exploratorytunnels"
)

// identity is the router's, in the title of its link in the side bar.
var identity = regexp.MustCompile(`\[([A-Za-z0-9~-]{4,44}=?)\]`)

func (p *pageReader) start(tag string, attr map[string]string) *Error {
	switch tag {
	case "table":
		p.table = attr["id"]
		if strings.Contains(attr["class"], tunnelTable) {
			p.table = tunnelTable
			p.pools++
			if p.heading != exploratory {
				p.page.Pools = append(p.page.Pools, Pool{})
			}
		}
		switch p.table {
		case profileTable:
			if p.listed {
				return p.fault(p.at, "save the page again", "a second list of profiles")
			}
			p.listed = true
		case thresholdTable:
			p.counts, p.countsAt = nil, p.at
		}
		return nil
	case "h3":
		p.heading = attr["id"]
		return nil
	case "a":
		if href := attr["href"]; strings.HasSuffix(href, "netdb?r=.") {
			if m := identity.FindStringSubmatch(attr["title"]); m != nil {
				p.page.Ident = m[1][:4]
			}
		}
	}
	switch p.table {
	case profileTable:
		return p.profile(tag, attr)
	case thresholdTable:
		if tag == "td" {
			p.beginCell()
		}
	case tunnelTable:
		p.tunnelTag(tag, attr)
	}
	return nil
}

// profile reads a tag within the list of profiles.
func (p *pageReader) profile(tag string, attr map[string]string) *Error {
	switch tag {
	case "tr":
		p.endRow()
		p.rows = append(p.rows, row{at: p.at})
	case "td":
		p.beginCell()
	case "hr":
		if n := len(p.rows); n > 0 {
			p.rows = p.rows[:n-1] // a row of its own
			p.breaks = append(p.breaks, p.withPeers())
		}
	case "a":
		link, ok := netDbHash(attr["href"])
		n := len(p.rows)
		if !ok || n == 0 || p.cell != 1 {
			return nil
		}
		h, err := wire.ParseHashBase64(link)
		if err != nil {
			return p.fault(p.at, "save the page again", "%.60q is no router's hash", link)
		}
		p.rows[n-1].Hash, p.rows[n-1].has = h, true
	}
	return nil
}

func (p *pageReader) withPeers() (n int) {
	for i := range p.rows {
		if p.rows[i].has {
			n++
		}
	}
	return n
}

// netDbHash returns the hash in a link to the netDb, as the console and as browsers
// that save its pages write it.
func netDbHash(href string) (string, bool) {
	_, hash, ok := strings.Cut(href, "netdb?r=")
	if !ok || hash == "." {
		return "", false
	}
	return strings.NewReplacer("%3D", "=", "%3d", "=", "%7E", "~", "%7e", "~").Replace(hash), true
}

// beginCell begins a cell; the one before may lack its end.
func (p *pageReader) beginCell() {
	p.endCell()
	p.text.Reset()
	p.open = true
	p.cell++
}

// endCell takes in the text of the cell that ends.
func (p *pageReader) endCell() {
	if !p.open {
		return
	}
	p.open = false
	text := strings.TrimSpace(p.text.String())
	switch {
	case p.table == thresholdTable:
		p.counts = append(p.counts, text)
	case p.table == profileTable && p.cell == 3 && len(p.rows) > 0:
		p.rows[len(p.rows)-1].Caps = text
	}
}

func (p *pageReader) endRow() {
	p.endCell()
	p.cell = 0
}

// tunnelTag reads a tag within a table of tunnels.
func (p *pageReader) tunnelTag(tag string, attr map[string]string) {
	switch tag {
	case "tr":
		p.endTunnel()
	case "img":
		p.tunnel.inbound = p.tunnel.inbound || strings.HasSuffix(attr["src"], "inbound.png")
		p.tunnel.outbound = p.tunnel.outbound || strings.HasSuffix(attr["src"], "outbound.png")
	case "a":
		if _, ok := netDbHash(attr["href"]); ok {
			p.tunnel.hops++
		}
	}
}

func (p *pageReader) endTunnel() {
	t := p.tunnel
	p.tunnel.inbound, p.tunnel.outbound, p.tunnel.hops = false, false, 0
	if t.inbound == t.outbound || p.heading == exploratory || len(p.page.Pools) == 0 || t.hops >= len(Pool{}.Hops) {
		return
	}
	pool := &p.page.Pools[len(p.page.Pools)-1]
	if t.inbound {
		pool.Inbound++
	} else {
		pool.Outbound++
	}
	pool.Hops[t.hops]++
}

func (p *pageReader) end(tag string) *Error {
	switch tag {
	case "table":
		switch p.table {
		case profileTable, thresholdTable:
			p.endRow()
		case tunnelTable:
			p.endTunnel()
		}
		p.table = ""
	case "td", "tr":
		if p.table == profileTable || p.table == thresholdTable {
			p.endCell()
			if tag == "tr" {
				p.cell = 0
			}
		}
	}
	return nil
}

// firstNumber is a whole number within a text.
var firstNumber = regexp.MustCompile(`[0-9]+`)

// finish checks the whole page.
func (p *pageReader) finish() *Error {
	if !p.listed {
		if p.pools > 0 {
			return nil
		}
		return p.fault(0, "save /profiles or /tunnels of the router console, whole", "neither a list of profiles nor one of tunnels is on the page")
	}
	var counts []int
	for _, text := range p.counts {
		if digits := firstNumber.FindString(text); digits != "" {
			if n, err := strconv.Atoi(digits); err == nil {
				counts = append(counts, n)
			}
		}
	}
	if len(counts) < 2 {
		return p.fault(max(p.countsAt, 0), "save the whole page", "the page does not say how many peers are fast and how many of high capacity")
	}
	fast, capable := counts[0], counts[1]
	pr := &Profiles{Fast: fast}
	seen := map[wire.Hash]int{}
	for _, r := range p.rows {
		if !r.has {
			continue
		}
		if first, twice := seen[r.Hash]; twice {
			return p.fault(r.at, "save the page again", "peer %s stands here and in line %d", r.Hash.String()[:4], first)
		}
		seen[r.Hash] = p.fault(r.at, "", "").Line
		pr.Peers = append(pr.Peers, r.Peer)
	}
	switch n := len(pr.Peers); {
	case fast > capable || capable > n:
		return p.fault(p.countsAt, "save the whole page", "the page counts %d fast peers and %d of high capacity, and lists %d", fast, capable, n)
	case fast == 0:
		return p.fault(p.countsAt, "save it when the router has run for an hour", "no peer is fast yet")
	case fast > maxFast:
		return p.fault(p.countsAt, "", "%d peers are fast, and Java I2P takes at most %d", fast, maxFast)
	}
	var want []int
	if fast < len(pr.Peers) {
		want = append(want, fast)
	}
	if capable > fast && capable < len(pr.Peers) {
		want = append(want, capable)
	}
	if fmt.Sprint(p.breaks) != fmt.Sprint(want) {
		return p.fault(p.countsAt, "save it again: it was made while the router changed its tiers",
			"the page counts %d fast peers and %d of high capacity, and draws its lines elsewhere", fast, capable)
	}
	pr.Peers = pr.Peers[:capable]
	p.page.Profiles, p.page.Pools = pr, nil
	return nil
}
