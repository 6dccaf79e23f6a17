package live

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
	"multihome.i2p/i2cp/wire"
)

// Config is what a Service runs: the operator's routers and Destinations.
type Config struct {
	Routers      []Router
	Destinations []Destination
	// State is the directory of what must survive a restart: the last
	// `published` of each Destination, and what was learned of the routers.
	State string
	// LoadPolicy loads policies that have a File; nil: there is none.
	LoadPolicy PolicyLoader
	// Log takes what an operator should read; never a key.
	Log *slog.Logger
}

// Router is one of the operator's routers.
type Router struct {
	Name    string
	Address string // host:port of its I2CP port
	Weight  int    // share of the leases, from 1
	TLS     *tls.Config
	User    string
	// Password travels in the clear unless TLS is used.
	Password string
}

// Destination is one Destination that all routers serve.
type Destination struct {
	Name   string
	Keys   wire.PrivateKeyFile
	Leases int // of a full LeaseSet, 1..16
	Policy Policy
	// Target is what serves the Destination: "echo", or "udp://host:port".
	Target string
	// Trace is the file to which every LeaseSet published is appended, ""
	// for none; Record the file for the event log, "" for none.
	Trace, Record string
	// Hops is the length of the tunnels, 1..7; Outbound the number of outbound
	// tunnels of each router.
	Hops, Outbound int
}

// Policy names a policy and its options.
type Policy struct {
	Name string // see package balancer/policy; of a policy from a file, its own
	// File and Source are a policy that is not built in: what errors call its file,
	// and its text.
	File      string `json:",omitempty"`
	Source    string `json:",omitempty"`
	Bundle    string // "composed" or "pinned"
	Publisher string // "fixed", "rotate" or "all"
	Rotate    bool   // new encryption keys when clients of a lost router are too young to move
}

// PolicyLoader makes policies of users' files. Its error says where in the file.
type PolicyLoader func(file string, source []byte) (policy.Maker, error)

// ErrUnknownRouter is returned for a name that the configuration does not hold.
var ErrUnknownRouter = errors.New("no router of that name")

// Status is what `mhbalance status` tells, in the form of
// multihome-status version 1.
type Status struct {
	Destinations []DestinationStatus
	Routers      []RouterStatus
}

// DestinationStatus is the state of one Destination.
type DestinationStatus struct {
	Name, B32 string
	Published int64 // seconds since the epoch, of the newest LeaseSet sent; 0 for none
	// Confirmed is the newest `published` that is known to be in the netDb, and
	// ConfirmedAt when that was learned.
	Confirmed   int64
	ConfirmedAt time.Time
	Publisher   string // name of the router that publishes
	Leases      []LeaseStatus
	Clients     int    // that have been heard of lately
	Received    uint64 // messages
	Sent        uint64
	Dropped     uint64
	// PolicyFailures is how often the policy's own code failed, and its base decided.
	PolicyFailures uint64
}

// LeaseStatus is a lease of the newest LeaseSet.
type LeaseStatus struct {
	Gateway wire.Hash
	Tunnel  wire.TunnelID
	End     time.Time
	Router  string
}

// RouterStatus is the state of one router, over all Destinations.
type RouterStatus struct {
	Name         string
	State        string // "up", "down", "drain" or "standby"
	Since        time.Time
	Kind         string // "java", "i2pd" or "" while unknown
	Version      string // the API version that it claims
	Extension    bool   // speaks the Proposal 140 extension
	Capabilities []string
	Tunnels      int
	ClockOffset  time.Duration // its clock minus ours
	Problem      string        // why it is down; "" if it is not
	Heard        time.Time     // when it last gave a sign of life
}

// Service runs Destinations on routers.
type Service struct {
	cfg    Config
	quirks *quirks

	// changing is held while the configuration or the running Destinations change,
	// which may wait for routers; nothing waits while mu is held.
	changing sync.Mutex

	mu      sync.Mutex // after changing
	dests   []*destination
	drained map[string]bool
	ctx     context.Context
	stop    context.CancelCauseFunc
	running sync.WaitGroup

	met struct {
		sync.Mutex
		names map[wire.Hash]string // of the routers that told their hashes
	}
}

// slotsSpare is how many routers a running Destination can take up.
const slotsSpare = 16

// New checks cfg and returns a Service that is ready to run. The error names
// what is wrong and the mend.
func New(cfg Config) (*Service, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := stateDir(cfg.State); err != nil {
		return nil, err
	}
	known, err := newQuirks(cfg.State)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, drained: make(map[string]bool), quirks: known}
	s.met.names = make(map[wire.Hash]string)
	for _, dc := range cfg.Destinations {
		d, err := newDestination(s, dc, cfg.Routers)
		if err != nil {
			return nil, fmt.Errorf("destination %q: %w", dc.Name, err)
		}
		s.dests = append(s.dests, d)
	}
	return s, nil
}

func (c *Config) check() error {
	switch {
	case len(c.Routers) == 0:
		return errors.New("no router is configured: add one under `routers`")
	case len(c.Destinations) == 0:
		return errors.New("no Destination is configured: add one under `destinations`")
	}
	names, addresses := make(map[string]bool), make(map[string]string)
	for i := range c.Routers {
		r := &c.Routers[i]
		if names[r.Name] {
			return fmt.Errorf("two routers are named %q: give each a name of its own", r.Name)
		}
		if other, ok := addresses[r.Address]; ok {
			return fmt.Errorf("routers %q and %q have the same address %s: list each router once", other, r.Name, r.Address)
		}
		if r.Weight < 1 || r.Weight > balancer.MaxWeight {
			return fmt.Errorf("router %q: weight %d is not from 1 to %d", r.Name, r.Weight, balancer.MaxWeight)
		}
		names[r.Name], addresses[r.Address] = true, r.Name
	}
	keys := make(map[wire.Hash]string)
	for i := range c.Destinations {
		d := &c.Destinations[i]
		h := d.Keys.Destination.Hash()
		if other, ok := keys[h]; ok {
			return fmt.Errorf("destinations %q and %q have the same key: give each a key of its own", other, d.Name)
		}
		keys[h] = d.Name
		if d.Hops == 0 {
			d.Hops = 3
		}
		if d.Outbound == 0 {
			d.Outbound = 2
		}
		if d.Leases == 0 {
			d.Leases = balancer.MaxLeases
		}
		if d.Policy.Name == "" {
			d.Policy.Name = "natural-i2pd"
		}
	}
	return nil
}

// Run serves until ctx ends, then closes what it opened and returns nil; an
// error tells why it could not go on. No router's failure ends it. Sessions of
// routers with the extension stay open for a grace period, for a restart.
func (s *Service) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.mu.Lock()
	s.ctx, s.stop = ctx, stop
	for _, d := range s.dests {
		s.begin(d)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.running.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// begin runs a Destination; s.mu is held.
func (s *Service) begin(d *destination) {
	ctx, cancel := context.WithCancel(s.ctx)
	d.ctx, d.cancel = ctx, cancel
	s.running.Go(func() {
		defer close(d.ended)
		if err := d.run(ctx); err != nil {
			s.stop(fmt.Errorf("destination %q: %w", d.cfg.Name, err))
		}
	})
}

// unique notes which router a link has reached. Two configured routers that are
// the same one would count its tunnels twice.
func (s *Service) unique(name string, router wire.Hash) error {
	s.met.Lock()
	defer s.met.Unlock()
	if other, ok := s.met.names[router]; ok && other != name {
		return fmt.Errorf("this is the same router as %q: list each router once", other)
	}
	s.met.names[router] = name
	return nil
}

// Status tells the state of everything. It may be called at any time, and answers
// at once; while a Reload is under way, what is not taken over yet is as it was.
func (s *Service) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	var st Status
	for _, r := range s.cfg.Routers {
		st.Routers = append(st.Routers, s.routerStatus(r))
	}
	for _, d := range s.dests {
		st.Destinations = append(st.Destinations, d.describe())
	}
	return st
}

func (s *Service) routerStatus(r Router) RouterStatus {
	out := RouterStatus{Name: r.Name, State: "down"}
	up := 0
	for _, d := range s.dests {
		l := d.named(r.Name)
		if l == nil {
			continue
		}
		st := l.snapshot()
		if st.heard.After(out.Heard) || out.Since.IsZero() {
			out.Since, out.Kind, out.Version, out.Extension = st.since, st.kind, st.version, st.extension
			out.Capabilities, out.ClockOffset, out.Heard = st.capabilities, st.skew, st.heard
		}
		if st.problem != "" {
			out.Problem = st.problem
		}
		if st.frozen {
			out.Problem = "does not answer"
		}
		if st.up && !st.frozen {
			up++
		}
		d.mu.Lock()
		out.Tunnels += d.status.tunnels[l.id]
		d.mu.Unlock()
	}
	switch {
	case s.drained[r.Name]:
		out.State = "drain"
	case up > 0 && out.Tunnels == 0 && len(s.cfg.Routers) > balancer.MaxLeases:
		out.State = "standby"
	case up > 0:
		out.State = "up"
	}
	return out
}

func (d *destination) describe() DestinationStatus {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := DestinationStatus{
		Name: d.cfg.Name, B32: d.cfg.Keys.Destination.B32(), Published: d.status.at,
		Confirmed: d.status.confirmed, ConfirmedAt: d.status.confirmedAt, Clients: d.clients.count(),
		Received: d.received.Load(), Sent: d.sent.Load(), Dropped: d.dropped.Load(),
		PolicyFailures: d.policyFailures.Load(),
	}
	if l := d.link(d.status.publisher); l != nil {
		out.Publisher = l.cfg.Name
	}
	for i, l := range d.status.leases {
		ls := LeaseStatus{Gateway: d.status.gateways[i], Tunnel: wire.TunnelID(l.ReceiveID), End: time.Unix(0, int64(l.End))}
		if r := d.link(l.Router); r != nil {
			ls.Router = r.cfg.Name
		}
		out.Leases = append(out.Leases, ls)
	}
	return out
}

// Drain takes a router out of (or, with on false, back into) the LeaseSets: it
// gets no new leases, and serves those that it has until they end.
func (s *Service) Drain(router string, on bool) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	dests, err := s.drain(router, on)
	if err != nil {
		return err
	}
	command := balancer.CommandUndrain
	if on {
		command = balancer.CommandDrain
	}
	for _, d := range dests {
		if l := d.named(router); l != nil {
			d.admin(l.id, command, 0)
		}
	}
	return nil
}

// drain notes it, and returns the Destinations that it concerns.
func (s *Service) drain(router string, on bool) ([]*destination, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.cfg.Routers, func(r Router) bool { return r.Name == router }) {
		return nil, ErrUnknownRouter
	}
	delete(s.drained, router)
	if on {
		s.drained[router] = true
	}
	return slices.Clone(s.dests), nil
}

// Reload takes over a changed configuration; sessions whose routers and
// Destinations stay are kept. A Destination whose own settings have changed is
// stopped and begun anew. A router whose certificate is not what its TLS
// configuration wants any more is connected to again. The state's directory cannot
// change.
func (s *Service) Reload(cfg Config) error {
	if cfg.Log == nil {
		cfg.Log = s.cfg.Log
	}
	if err := cfg.check(); err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	// Only those who hold changing change these.
	s.mu.Lock()
	dests, state, ctx := s.dests, s.cfg.State, s.ctx
	s.mu.Unlock()
	if cfg.State != state {
		return fmt.Errorf("`state` cannot change from %s while the balancer runs: restart it", state)
	}
	if ctx == nil || ctx.Err() != nil {
		return errors.New("the balancer is not running")
	}
	var kept []*destination
	for _, d := range dests {
		i := slices.IndexFunc(cfg.Destinations, func(c Destination) bool { return d.cfg.same(&c) })
		if i >= 0 {
			kept = append(kept, d)
			routers := slices.Clone(cfg.Routers)
			d.post(input{kind: call, more: func() { d.change(d.ctx, routers) }})
			continue
		}
		d.cancel()
		<-d.ended
	}
	// From here on the old configuration cannot be had back.
	s.mu.Lock()
	s.dests, s.cfg = slices.Clone(kept), cfg
	for name := range s.drained {
		if !slices.ContainsFunc(cfg.Routers, func(r Router) bool { return r.Name == name }) {
			delete(s.drained, name)
		}
	}
	s.mu.Unlock()
	s.met.Lock()
	clear(s.met.names) // a router may have another name now
	s.met.Unlock()
	var errs []error
	for _, c := range cfg.Destinations {
		if slices.ContainsFunc(kept, func(d *destination) bool { return d.cfg.same(&c) }) {
			continue
		}
		d, err := newDestination(s, c, cfg.Routers)
		if err != nil {
			errs = append(errs, fmt.Errorf("destination %q: %w", c.Name, err))
			continue
		}
		s.mu.Lock()
		s.dests = append(s.dests, d)
		s.begin(d)
		s.mu.Unlock()
	}
	return errors.Join(errs...)
}

// same tells whether nothing has changed that a running link rests on; for changes
// of TLS, see trustAnew.
func (r *Router) same(q *Router) bool {
	return r.Name == q.Name && r.Address == q.Address && r.User == q.User && r.Password == q.Password && (r.TLS == nil) == (q.TLS == nil)
}

// same tells whether nothing has changed that a running Destination rests on.
func (d *Destination) same(e *Destination) bool {
	return d.Keys.Destination.Hash() == e.Keys.Destination.Hash() && d.Name == e.Name && d.Leases == e.Leases && d.Policy == e.Policy &&
		d.Target == e.Target && d.Trace == e.Trace && d.Record == e.Record && d.Hops == e.Hops && d.Outbound == e.Outbound
}
