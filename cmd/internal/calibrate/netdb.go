package calibrate

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/i2cp/wire"
)

// MaxRouterInfo is the largest RouterInfo that is read, in bytes (i2pd 2.58.0,
// RouterInfo.h MAX_RI_BUFFER_SIZE is smaller).
const MaxRouterInfo = 64 << 10

// Rules of i2pd 2.58.0 for hops of client tunnels (NetDb::GetHighBandwidthRandomRouter).
const (
	highBandwidth  = "OPX"
	congested      = "DEG"
	hidden         = "H"
	minVersion     = 958            // 0.9.58, NETDB_MIN_HIGHBANDWIDTH_VERSION
	maxAge         = 27 * time.Hour // NETDB_MAX_EXPIRATION_TIMEOUT
	fileBegin      = "routerInfo-"
	fileEnd        = ".dat"
	reachableCap   = "R"
	versionOption  = "router.version"
	capsOption     = "caps"
	versionNumbers = 3
)

// NetDb is what a router knew of the others.
type NetDb struct {
	Dir     string
	Newest  time.Time // `published` of the newest
	Known   int
	Old     int // published more than 27 h before the newest
	Hops    int // that i2pd takes as hops
	Last    int // that it takes as inbound gateways too
	Version int // too old
	routers map[wire.Hash]*info
}

// info is what counts of a RouterInfo.
type info struct {
	published time.Time
	hop       bool
	reachable bool // publishes R
	ipv4      bool // publishes an IPv4 address
}

// IsRouterInfo tells a RouterInfo by the name of its file.
func IsRouterInfo(name string) bool {
	return strings.HasPrefix(name, fileBegin) && strings.HasSuffix(name, fileEnd)
}

// NewNetDb returns an empty one; dir is what reports call it.
func NewNetDb(dir string) *NetDb { return &NetDb{Dir: dir, routers: map[wire.Hash]*info{}} }

// Add takes in the RouterInfo in a file; name is the file's without its folder. The
// error is an *Error.
func (n *NetDb) Add(file, name string, data []byte) error {
	wrong := func(mend, format string, args ...any) error {
		return &Error{File: file, Msg: fmt.Sprintf(format, args...), Mend: mend}
	}
	ri, rest, err := wire.ParseRouterInfo(data)
	var at *wire.Error
	switch {
	case errors.As(err, &at):
		return wrong("take the file away: the router gets it anew", "byte %d: %s %s: %v", at.Offset, at.Structure, at.Field, at.Err)
	case err != nil:
		return wrong("", "%v", err)
	case len(rest) > 0:
		return wrong("take the file away: the router gets it anew", "byte %d: %d bytes follow the RouterInfo", len(data)-len(rest), len(rest))
	}
	h := ri.Identity.Hash()
	if want := fileBegin + h.String() + fileEnd; name != want {
		return wrong("give it back its name", "it is the RouterInfo of %s", h)
	}
	if err := ri.Verify(); err != nil {
		return wrong("take the file away: the router gets it anew", "its signature is wrong: %v", err)
	}
	if n.routers[h] != nil {
		return wrong("keep one of them", "router %s stands in the directory twice", h)
	}
	x := &info{published: ri.Published.Time(), reachable: ri.Has(reachableCap), ipv4: publishesIPv4(ri)}
	caps, _ := ri.Options.Get(capsOption)
	x.hop = strings.ContainsAny(caps, highBandwidth) && !strings.ContainsAny(caps, congested+hidden) &&
		versionOf(ri) >= minVersion && ri.Identity.EncType() == wire.EncX25519
	n.routers[h] = x
	return nil
}

// Finish counts, once all are there.
func (n *NetDb) Finish() error {
	n.Known = len(n.routers)
	if n.Known == 0 {
		return &Error{File: n.Dir, Msg: "there is no RouterInfo in it", Mend: "name the router's netDb directory, with routerInfo-*.dat below it"}
	}
	for _, x := range n.routers {
		if x.published.After(n.Newest) {
			n.Newest = x.published
		}
	}
	for _, x := range n.routers {
		switch {
		case n.Newest.Sub(x.published) > maxAge:
			n.Old++
		case x.hop:
			n.Hops++
			if x.ipv4 {
				n.Last++
			}
		}
	}
	return nil
}

// publishesIPv4 tells whether a router can be reached at an IPv4 address, without an
// introducer.
func publishesIPv4(ri *wire.RouterInfo) bool {
	return slices.ContainsFunc(ri.Addresses, func(a wire.RouterAddress) bool {
		host, ok := a.Host()
		if _, port := a.Options.Get("port"); !ok || !port {
			return false
		}
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Is4()
	})
}

// versionOf is a router's version as one number, 0.9.65 as 965; 0 for none.
func versionOf(ri *wire.RouterInfo) int {
	text, _ := ri.Options.Get(versionOption)
	parts := strings.Split(text, ".")
	if len(parts) != versionNumbers {
		return 0
	}
	n := 0
	for i, weight := range [versionNumbers]int{1000, 100, 1} {
		x, err := strconv.Atoi(parts[i])
		if err != nil || x < 0 || x > 999 {
			return 0
		}
		n += x * weight
	}
	return n
}
