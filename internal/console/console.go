// Package console reads the web console of i2pd: what a floodfill holds, which
// tunnels a router has, whom it is connected to.
//
// The console is a page for people, not an interface: i2pd promises nothing
// about it. Each page is therefore parsed line by line, by a grammar that was
// written down from the pages of i2pd 2.45.1 and from the source of 2.58.0
// (daemon/HTTPServer.cpp), and a line that the grammar does not have is an error,
// never skipped: a LeaseSet that was overlooked would be taken for one that is
// not there. The labels may be in any language.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"multihome.i2p/i2cp/wire"
)

// ErrNotFloodfill says that a router is no floodfill, and so holds no LeaseSets
// of others.
var ErrNotFloodfill = errors.New("console: the router is no floodfill")

// A SyntaxError is a page that this package does not understand: of another
// version of i2pd, or of another program.
type SyntaxError struct {
	Page string // "leasesets", ...
	Line int    // of the page's content, from 1; 0 if there is no content
	Text string // of the line, cut off after 120 bytes
	Want string // what would have been understood
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("console: page %s, line %d of the content: %q is not %s; pages of i2pd 2.45.1 to 2.58.0 are understood",
		e.Page, e.Line, e.Text, e.Want)
}

// A Client reads one router's console. It may be used by several goroutines.
type Client struct {
	// URL is that of the console's main page, with or without the final slash:
	// http://127.0.0.1:7070. i2pd refuses a host name that it does not know, and
	// so any relay, unless its http.strictheaders is false.
	URL string
	// User and Password are http.user and http.pass, where http.auth is on.
	User, Password string
	// Location is the time zone that the router runs in, whose wall clock the
	// console's dates are of; nil is the zone of this process. In the hour that
	// a change of clocks repeats, dates are ambiguous.
	Location *time.Location
	// HTTP is nil for a client of its own, which keeps no connection: an i2pd
	// that was killed and is back would get a request on one that it has closed.
	HTTP *http.Client
}

// A LeaseSetView is what the console tells of a LeaseSet.
type LeaseSetView struct {
	Destination wire.Hash
	StoreType   wire.StoreType // 1 to 7; an encrypted one and a MetaLeaseSet show no leases
	Expires     time.Time      // ms; the latest end of a lease
	Expired     bool           // as the router sees it
	Invalid     bool           // a signature or an encryption key that the router did not like
	Leases      []LeaseView    // that have not ended, in the order of the LeaseSet
}

// A LeaseView is a lease as the console shows it.
type LeaseView struct {
	Gateway wire.Hash
	Tunnel  uint32
	End     time.Time // ms
}

// A TunnelView is a tunnel that ends or begins at the router: exploratory ones
// and those of its clients.
type TunnelView struct {
	Inbound bool
	ID      uint32
	Hops    []string // the first four characters of each hop's hash, in the direction of the data
	State   string   // building, established, expiring, failed, unknown
}

// A SessionView is an established transport session with another router.
type SessionView struct {
	Peer           string // the first four characters of its hash
	Remote         netip.AddrPort
	Outgoing       bool   // opened by this router
	Sent, Received uint64 // bytes
}

// A StatusView is what the main page tells.
type StatusView struct {
	Version       string // 2.45.1
	Caps          string // Xf
	Routers       int    // known, this one among them
	Floodfills    int    // of these
	LeaseSets     int    // held for others
	ClientTunnels int    // inbound and outbound, built or being built
	Transit       int    // tunnels that this router is a hop of
}

// LeaseSets returns what a floodfill holds, in the order of the page, which is
// that of the Destinations' hashes. The error is ErrNotFloodfill, a *SyntaxError,
// an HTTP status or that of the connection.
func (c *Client) LeaseSets(ctx context.Context) ([]LeaseSetView, error) {
	b, err := c.get(ctx, "leasesets")
	if err != nil {
		return nil, err
	}
	return ParseLeaseSets(b, c.Location)
}

// Tunnels returns the router's own tunnels, inbound ones first.
func (c *Client) Tunnels(ctx context.Context) ([]TunnelView, error) {
	b, err := c.get(ctx, "tunnels")
	if err != nil {
		return nil, err
	}
	return ParseTunnels(b)
}

// Sessions returns whom the router is connected to.
func (c *Client) Sessions(ctx context.Context) ([]SessionView, error) {
	b, err := c.get(ctx, "transports")
	if err != nil {
		return nil, err
	}
	return ParseSessions(b)
}

// Status returns what the main page tells. It needs labels in English.
func (c *Client) Status(ctx context.Context) (StatusView, error) {
	b, err := c.get(ctx, "")
	if err != nil {
		return StatusView{}, err
	}
	return ParseStatus(b)
}

// maxPage bounds a page: a floodfill of the public network holds some ten
// thousand LeaseSets of about 2 kB of markup each.
const maxPage = 256 << 20

var ownHTTP = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	// i2pd redirects nobody but after a command.
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *Client) get(ctx context.Context, page string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return nil, err
	}
	if req.URL.Path == "" {
		req.URL.Path = "/"
	}
	if page != "" {
		q := req.URL.Query()
		q.Set("page", page)
		req.URL.RawQuery = q.Encode()
	}
	if c.User != "" {
		req.SetBasicAuth(c.User, c.Password)
	}
	client := c.HTTP
	if client == nil {
		client = ownHTTP
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("console: %s answers %s", req.URL.Redacted(), resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxPage:
		return nil, fmt.Errorf("console: %s is larger than %d MiB", req.URL.Redacted(), maxPage>>20)
	}
	return b, nil
}
