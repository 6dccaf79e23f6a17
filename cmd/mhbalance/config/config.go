package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"multihome.i2p/balancer/policy"
	"multihome.i2p/balancer/policy/starlark"
)

// Limits of what a configuration may ask for.
const (
	maxRouters      = 64
	maxDestinations = 64
	maxWeight       = 1000
	// maxLeases is what a LeaseSet holds by the specification; Java I2P
	// disconnects over one more.
	maxLeases   = 16
	maxHops     = 7
	maxOutbound = 16
	// maxSocket is the longest path of a Unix socket that every system takes.
	maxSocket = 103
)

// Defaults.
const (
	DefaultLeases   = 12
	DefaultHops     = 3
	DefaultOutbound = 2
	// DefaultPolicy works over stock routers too.
	DefaultPolicy = "natural-i2pd"
)

// Config is a configuration as it was written, defaults filled in.
type Config struct {
	File         string
	Routers      []Router
	Destinations []Destination
	State        string // directory
	Status       string // socket
	Metrics      string // host:port, "" for none
	// Warnings are what is allowed and yet unwise, as file:line:column: text.
	Warnings []string
}

// Router is an entry of routers.
type Router struct {
	Name, Address string
	Weight        int
	TLS           bool
	Certificate   string // file, "" for the system's authorities
	User          string
	PasswordFile  string

	password string // written in the configuration itself
	at       map[string]position
}

// Destination is an entry of destinations.
type Destination struct {
	Name, Key      string
	Leases         int
	Policy         string // the name of a built-in one, or that of the file
	PolicyFile     string // "" for a built-in one
	Bundle         string
	Publisher      string
	RotateKeys     bool
	Target         string
	Trace, Record  string
	Hops, Outbound int
	at             map[string]position
}

// Policies are the names that policy takes, the default first.
func Policies() []string {
	names := []string{DefaultPolicy}
	for _, name := range policy.Names() {
		if name != DefaultPolicy {
			names = append(names, name)
		}
	}
	return names
}

// Parse reads a configuration from data; file is its name, from whose directory
// relative paths start. The error is an [Errors].
func Parse(file string, data []byte) (*Config, error) {
	p := &parser{reader: reader{file: file}, cfg: &Config{File: file}}
	if root := p.document(data); root != nil {
		p.root(root)
	}
	if len(p.errs) > 0 {
		return nil, p.errs.sorted()
	}
	return p.cfg, nil
}

// parser fills a Config.
type parser struct {
	reader
	cfg *Config
}

func (p *parser) root(n *yaml.Node) {
	f, ok := p.fields(n, "the configuration", "routers", "destinations", "state", "status", "metrics", "metrics_public")
	if !ok {
		return
	}
	if routers, ok := p.required(f, "routers", n, "add routers: with name and i2cp of each, or let mhbalance init write the file"); ok {
		for _, entry := range p.entries(routers, "routers", maxRouters) {
			p.router(entry)
		}
	}
	if dests, ok := p.required(f, "destinations", n, "add destinations: with key and target of each"); ok {
		for _, entry := range p.entries(dests, "destinations", maxDestinations) {
			p.destination(entry)
		}
	}
	p.cfg.State = p.path(f["state"], "state")
	if p.cfg.State == "" {
		p.cfg.State = p.resolve("state")
	}
	p.cfg.Status = p.path(f["status"], "status")
	if p.cfg.Status == "" {
		p.cfg.Status = filepath.Join(p.cfg.State, "status.sock")
	}
	if len(p.cfg.Status) > maxSocket {
		at := p.place(f, "status", "state")
		p.fault(at, "choose a shorter path, such as /run/mhbalance/status.sock", "the path of the status socket has %d bytes, and a socket's may have %d", len(p.cfg.Status), maxSocket)
	}
	p.metrics(f)
	p.distinct()
}

// required returns the field of a key that must be there.
func (p *parser) required(f map[string]field, key string, n *yaml.Node, mend string) (field, bool) {
	x, ok := f[key]
	if !ok {
		p.fault(where(n), mend, "%s is missing", key)
	}
	return x, ok
}

// place is the position of the first of the keys that was written.
func (p *parser) place(f map[string]field, keys ...string) position {
	for _, key := range keys {
		if x, ok := f[key]; ok {
			return where(x.node)
		}
	}
	return position{}
}

// path reads a path; relative ones start from the file's directory.
func (p *parser) path(f field, what string) string {
	text := p.text(f, what)
	if text == "" {
		return ""
	}
	return p.resolve(text)
}

func (p *parser) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(p.file), path)
}

// namePattern is the spelling of names: they stand in command lines, metrics and
// tables.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

func (p *parser) name(f field, what, def string) string {
	if f.node == nil {
		return def
	}
	text := p.text(f, what)
	if text != "" && !namePattern.MatchString(text) {
		p.fault(where(f.node), "use up to 64 letters, digits, '-', '_', '.' and ':', and begin with a letter or digit", "%s cannot be %q", what, shorten(text))
	}
	return text
}

// address reads host:port; the result has a port that is a number.
func (p *parser) address(f field, what, example string) string {
	text := p.text(f, what)
	if text == "" {
		return ""
	}
	if !validAddress(text) {
		p.fault(where(f.node), "write it as "+example, "%s wants host:port, not %q", what, shorten(text))
		return ""
	}
	return text
}

func validAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, err2 := strconv.ParseUint(port, 10, 16)
	return err == nil && err2 == nil && n > 0 && host != "" && !strings.ContainsAny(host, "/ @")
}

func places(f map[string]field) map[string]position {
	at := map[string]position{}
	for key, x := range f {
		at[key] = where(x.node)
	}
	return at
}

func (p *parser) router(n *yaml.Node) {
	f, ok := p.fields(n, "a router", "name", "i2cp", "weight", "tls", "certificate", "user", "password", "password_file")
	if !ok {
		return
	}
	r := Router{at: places(f)}
	r.at[""] = where(n)
	if x, ok := p.required(f, "i2cp", n, "add i2cp: host:port, such as 127.0.0.1:7654"); ok {
		r.Address = p.address(x, "i2cp", "127.0.0.1:7654")
	}
	r.Name = p.name(f["name"], "name", r.Address)
	r.Weight = p.whole(f["weight"], "weight", 1, maxWeight)
	r.TLS = p.boolean(f["tls"], "tls")
	r.Certificate = p.path(f["certificate"], "certificate")
	r.User = p.text(f["user"], "user")
	r.password = p.text(f["password"], "password")
	r.PasswordFile = p.path(f["password_file"], "password_file")
	_, password := f["password"]
	_, file := f["password_file"]
	_, user := f["user"]
	switch {
	case password && file:
		p.fault(f["password"].at, "take one of them away", "a router has password and password_file")
	case user && !password && !file:
		p.fault(f["user"].at, "add password_file: FILE", "a router has a user and no password")
	case !user && (password || file):
		p.fault(p.keyOf(f, "password", "password_file"), "add user: NAME", "a router has a password and no user")
	}
	if _, ok := f["certificate"]; ok && !r.TLS {
		p.fault(f["certificate"].at, "add tls: true", "a router has a certificate and no TLS")
	}
	if r.Address != "" && !r.TLS && !isLoopback(r.Address) {
		p.warn(r.at["i2cp"], "%s is on another machine and tls is not true: who reads along on the way gets the service's encryption keys; set tls: true, or use a tunnel of your own", r.Address)
	}
	p.cfg.Routers = append(p.cfg.Routers, r)
}

func (p *parser) keyOf(f map[string]field, keys ...string) position {
	for _, key := range keys {
		if x, ok := f[key]; ok {
			return x.at
		}
	}
	return position{}
}

func (p *parser) warn(at position, format string, args ...any) {
	e := &reader{file: p.file}
	e.fault(at, "", format, args...)
	p.cfg.Warnings = append(p.cfg.Warnings, strings.TrimSuffix(e.errs[0].Error(), "; "))
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (p *parser) destination(n *yaml.Node) {
	f, ok := p.fields(n, "a destination", "name", "key", "leases", "policy", "target", "trace", "record", "hops", "outbound")
	if !ok {
		return
	}
	d := Destination{at: places(f)}
	d.at[""] = where(n)
	if x, ok := p.required(f, "key", n, "add key: FILE, and make the file with mhbalance keygen FILE"); ok {
		d.Key = p.path(x, "key")
	}
	base := filepath.Base(d.Key)
	d.Name = p.name(f["name"], "name", strings.TrimSuffix(base, filepath.Ext(base)))
	d.Leases = p.whole(f["leases"], "leases", DefaultLeases, maxLeases)
	d.Hops = p.whole(f["hops"], "hops", DefaultHops, maxHops)
	d.Outbound = p.whole(f["outbound"], "outbound", DefaultOutbound, maxOutbound)
	d.Trace = p.path(f["trace"], "trace")
	d.Record = p.path(f["record"], "record")
	p.policy(&d, f["policy"])
	if x, ok := p.required(f, "target", n, "add target: echo, or target: udp://host:port"); ok {
		d.Target = p.target(x)
	}
	p.cfg.Destinations = append(p.cfg.Destinations, d)
}

func (p *parser) policy(d *Destination, x field) {
	f := map[string]field{}
	if x.node != nil && x.node.Kind == yaml.ScalarNode {
		f["name"] = x
	} else if x.node != nil {
		f, _ = p.fields(x.node, "policy", "name", "file", "bundle", "publisher", "rotate_keys")
	}
	if x, ok := f["file"]; ok {
		p.policyFile(d, x, f)
	} else {
		d.Policy = p.word(f["name"], "policy", Policies()...)
	}
	d.Bundle = p.word(f["bundle"], "bundle", "composed", "pinned")
	d.Publisher = p.word(f["publisher"], "publisher", policy.PublisherFixed, policy.PublisherRotate, policy.PublisherAll)
	d.RotateKeys = p.boolean(f["rotate_keys"], "rotate_keys")
}

// policyName is the spelling of the names of policies from files, which scenarios
// share.
var policyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

func (p *parser) policyFile(d *Destination, x field, f map[string]field) {
	d.PolicyFile = p.text(x, "file")
	d.Policy = starlark.Name(d.PolicyFile)
	d.at["policy.file"] = where(x.node)
	name, both := f["name"]
	switch {
	case d.PolicyFile == "":
	case both:
		p.fault(name.at, "take one of them out", "a policy has a name and a file")
	case !policyName.MatchString(d.Policy):
		p.fault(where(x.node), "name the file with lower-case letters, digits, '-' and '_'", "a policy cannot be called %q", shorten(d.Policy))
	case slices.Contains(Policies(), d.Policy):
		p.fault(where(x.node), "give the file another name", "%s is the name of a built-in policy", d.Policy)
	}
}

func (p *parser) target(f field) string {
	text := p.text(f, "target")
	address, udp := strings.CutPrefix(text, "udp://")
	switch {
	case text == "" || text == "echo" || udp && validAddress(address):
		return text
	case udp:
		p.fault(where(f.node), "write it as udp://127.0.0.1:5000", "target wants udp://host:port, not %q", shorten(text))
	case validAddress(strings.TrimPrefix(text, "tcp://")):
		p.fault(where(f.node), "write target: echo, or udp://host:port for datagrams", "target %s: streams are not there yet", text)
	default:
		p.fault(where(f.node), "write target: echo, or udp://host:port", "unknown target %q", shorten(text))
	}
	return ""
}

func (p *parser) metrics(f map[string]field) {
	public := p.boolean(f["metrics_public"], "metrics_public")
	x, ok := f["metrics"]
	if !ok {
		if k, written := f["metrics_public"]; written {
			p.fault(k.at, "add metrics: host:port, or take it away", "metrics_public stands without metrics")
		}
		return
	}
	p.cfg.Metrics = p.address(x, "metrics", "127.0.0.1:9140")
	if p.cfg.Metrics != "" && !public && !isLoopback(p.cfg.Metrics) {
		p.fault(where(x.node), "use 127.0.0.1, or add metrics_public: true if they shall", "other machines could read metrics at %s, and they name your routers", p.cfg.Metrics)
	}
}

// distinct refuses what stands twice and may not.
func (p *parser) distinct() {
	seen := map[string]int{}
	once := func(kind, value string, line position, mend, format string, args ...any) {
		if value == "" {
			return
		}
		key := kind + "\x00" + value
		if first, ok := seen[key]; ok {
			p.fault(line, mend, format+" (line %d)", append(args, first)...)
			return
		}
		seen[key] = line.line
	}
	for i := range p.cfg.Routers {
		r := &p.cfg.Routers[i]
		once("router", r.Name, r.position("name"), "give each a name of its own", "two routers are named %s", r.Name)
		once("address", canonicalAddress(r.Address), r.position("i2cp"), "list each router once", "two routers have the address %s", r.Address)
	}
	for i := range p.cfg.Destinations {
		d := &p.cfg.Destinations[i]
		once("destination", d.Name, d.position("name"), "give each a name of its own", "two destinations are named %s", d.Name)
		once("key", d.Key, d.position("key"), "make another with mhbalance keygen FILE", "two destinations have the key %s", d.Key)
		for _, x := range []struct{ key, path string }{{"trace", d.Trace}, {"record", d.Record}} {
			once("file", x.path, d.position(x.key), "give each a file of its own", "two files are written to %s", x.path)
		}
	}
}

// canonicalAddress is the same for two spellings of an address.
func canonicalAddress(address string) string {
	host, port, err := net.SplitHostPort(strings.ToLower(address))
	if err != nil {
		return ""
	}
	if host == "localhost" {
		host = "127.0.0.1"
	} else if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	n, _ := strconv.ParseUint(port, 10, 16) // it is a number
	return net.JoinHostPort(host, strconv.FormatUint(n, 10))
}

func (r *Router) position(key string) position { return positionOf(r.at, key) }

func (d *Destination) position(key string) position { return positionOf(d.at, key) }

// positionOf is where a key's value stands, or where the entry begins.
func positionOf(at map[string]position, key string) position {
	if p, ok := at[key]; ok {
		return p
	}
	return at[""]
}
