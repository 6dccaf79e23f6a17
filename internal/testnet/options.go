package testnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options say what network to build. The zero value of a field is its default.
type Options struct {
	// Dir keeps each router's data, configuration and log, in r0, r1, ... It is
	// made if it is not there, and must be empty or of an earlier network, which
	// is removed. Required.
	Dir string
	// Routers is their number: 12; 3 to 200. With fewer than 5 a tunnel of 2 hops
	// hardly finds other routers than the two that want to talk.
	Routers int
	// Floodfills are the first of them: 3, or one less than the routers.
	Floodfills int
	// I2pd is the program: $MULTIHOME_I2PD, or i2pd in PATH or in /usr/sbin.
	I2pd string
	// NoTransit are routers, by their place, that take part in no tunnel of others.
	NoTransit []int
	// SSU2 turns on the second transport. Java routers want it.
	SSU2 bool
	// LogLevel is i2pd's: "info"; "debug" is some MB a minute.
	LogLevel string
	// Stagger is the time between the starts of two routers; 0 starts them all at
	// once, which is best: what 2.45.1 makes of connections that are opened from
	// both sides at once is mended (see mender), and happens with a stagger too.
	Stagger time.Duration
}

// The ports are the same for each router, which has its own address.
const (
	portNTCP2   = 9000
	portI2CP    = 7654
	portConsole = 7070
)

// The addresses of the routers: 198.18.0.0/15 is set aside for tests of network
// devices (RFC 2544). i2pd 2.45.1 accepts no connection from 10.0.0.0/8 or
// 127.0.0.0/8 even if told to (reservedrange = false); from here it does.
const firstHost = 10

const netID = 77 // not that of the public network, which is 2

const (
	minRouters = 3
	maxRouters = 200
)

// EnvI2pd names the environment variable with the path of i2pd.
const EnvI2pd = "MULTIHOME_I2PD"

func (o Options) withDefaults() (Options, error) {
	if o.Routers == 0 {
		o.Routers = 12
	}
	if o.Routers < minRouters || o.Routers > maxRouters {
		return o, fmt.Errorf("testnet: %d routers: %d to %d are possible", o.Routers, minRouters, maxRouters)
	}
	if o.Floodfills == 0 {
		o.Floodfills = min(3, o.Routers-1)
	}
	if o.Floodfills < 1 || o.Floodfills > o.Routers {
		return o, fmt.Errorf("testnet: %d floodfills of %d routers", o.Floodfills, o.Routers)
	}
	for _, i := range o.NoTransit {
		if i < 0 || i >= o.Routers {
			return o, fmt.Errorf("testnet: no router %d of %d to take part in no tunnel", i, o.Routers)
		}
	}
	if o.LogLevel == "" {
		o.LogLevel = "info"
	}
	if o.Stagger < 0 {
		return o, errors.New("testnet: a negative stagger")
	}
	if o.Dir == "" {
		return o, errors.New("testnet: no directory given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, err
	}
	// A file of key = value lines cannot quote it.
	if strings.ContainsAny(dir, "\r\n#") {
		return o, fmt.Errorf("testnet: i2pd's configuration cannot name the directory %q", dir)
	}
	o.Dir = dir
	o.I2pd, err = FindI2pd(o.I2pd)
	return o, err
}

// FindI2pd returns the path of i2pd: the one that is given, or $MULTIHOME_I2PD,
// or that of PATH or /usr/sbin.
func FindI2pd(given string) (string, error) {
	names := []string{given}
	if given == "" {
		if names[0] = os.Getenv(EnvI2pd); names[0] == "" {
			// A user's PATH often lacks Debian's place.
			names = []string{"i2pd", "/usr/sbin/i2pd"}
		}
	}
	var first error
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			return filepath.Abs(path)
		}
		if first == nil {
			first = err
		}
	}
	return "", fmt.Errorf("testnet: no i2pd: %w (install it, or name it in %s)", first, EnvI2pd)
}

var versionRE = regexp.MustCompile(`^i2pd version ([0-9]+)\.([0-9]+)\.([0-9]+)`)

// A version is that of i2pd, like 2, 45, 1.
type version [3]int

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

func parseVersion(out []byte) (version, error) {
	m := versionRE.FindSubmatch(out)
	if m == nil {
		line, _, _ := bytes.Cut(out, []byte("\n"))
		return version{}, fmt.Errorf("testnet: %q is not what i2pd --version prints", line)
	}
	var v version
	for i := range v {
		n, err := strconv.Atoi(string(m[i+1]))
		if err != nil {
			return version{}, fmt.Errorf("testnet: version of i2pd: %w", err)
		}
		v[i] = n
	}
	return v, nil
}

func versionOf(ctx context.Context, i2pd string) (version, error) {
	out, err := exec.CommandContext(ctx, i2pd, "--version").Output()
	if ctx.Err() != nil {
		return version{}, ctx.Err()
	}
	if err != nil {
		return version{}, fmt.Errorf("testnet: %s --version: %w", i2pd, err)
	}
	return parseVersion(out)
}

func routerAddress(i int) string { return fmt.Sprintf("198.18.0.%d", firstHost+i) }

func routerName(i int) string { return "r" + strconv.Itoa(i) }

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// conf returns the i2pd.conf of router i. All that would look for the world
// outside is off.
func (o Options) conf(i int) []byte {
	var b bytes.Buffer
	key := func(k string, v any) { fmt.Fprintf(&b, "%s = %v\n", k, v) }
	section := func(name string) { fmt.Fprintf(&b, "[%s]\n", name) }
	addr := routerAddress(i)
	key("netid", netID)
	key("host", addr)
	key("address4", addr)
	key("port", portNTCP2)
	key("nat", false)
	key("ipv4", true)
	key("ipv6", false)
	key("reservedrange", false)
	key("floodfill", i < o.Floodfills)
	key("bandwidth", "X")
	key("share", 100)
	if slices.Contains(o.NoTransit, i) {
		key("notransit", true)
	}
	key("daemon", false)
	key("log", "file")
	key("logfile", filepath.Join(o.Dir, routerName(i), logName))
	key("loglevel", o.LogLevel)
	section("ntcp2")
	key("enabled", true)
	key("published", true)
	section("ssu2")
	key("enabled", o.SSU2)
	if o.SSU2 {
		key("published", true)
		key("port", portNTCP2)
	}
	section("reseed")
	key("threshold", 0)
	key("urls", "")
	key("yggurls", "")
	section("nettime")
	key("enabled", false)
	key("frompeers", false)
	section("upnp")
	key("enabled", false)
	section("meshnets")
	key("yggdrasil", false)
	section("addressbook")
	// An empty defaulturl makes 2.45.1 crash after three minutes.
	key("enabled", false)
	section("http")
	key("enabled", true)
	key("address", addr)
	key("port", portConsole)
	// Else it serves no one who comes by a relay, and so by another name.
	key("strictheaders", false)
	section("httpproxy")
	key("enabled", false)
	section("socksproxy")
	key("enabled", false)
	section("bob")
	key("enabled", false)
	section("sam")
	key("enabled", false)
	section("i2cp")
	key("enabled", true)
	key("address", addr)
	key("port", portI2CP)
	section("limits")
	key("transittunnels", 5000)
	section("exploratory")
	key("inbound.length", 2)
	key("inbound.quantity", 3)
	key("outbound.length", 2)
	key("outbound.quantity", 3)
	return b.Bytes()
}
