package main

import (
	"context"
	crand "crypto/rand"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/live/ping"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/testnet"
)

// An arm is a Destination with a policy: what is compared.
type arm struct {
	name   string
	policy live.Policy
}

// A rig is a private network with services on it, watched by taps, and clients.
type rig struct {
	net  *testnet.Network
	out  *output
	rng  *rand.Rand // of one goroutine
	dir  string
	name string
	say  func(format string, args ...any)

	running sync.WaitGroup // the clients

	mu       sync.Mutex
	arms     map[wire.Hash]string
	dests    map[string]wire.Destination
	byHash   map[wire.Hash]int
	clients  []*client
	arrivals map[message]arrival
}

type message struct {
	client int
	seq    uint64
}

type arrival struct {
	via string
	at  int64
}

// A client pings an arm.
type client struct {
	id          int
	arm         string
	role        string
	unpublished bool
	stop        context.CancelFunc

	// Under the rig's mu.
	last     arrival
	answered bool
	ended    bool
}

// sizeLeast is the length of client 0's payload: each one's is a byte longer than
// that of the one before, by which the taps know it.
const sizeLeast = 32

// arrived notes a message that came through a router.
func (r *rig) arrived(router string, from wire.Hash, size int, seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := size - sizeLeast
	if id < 1 || id > len(r.clients) {
		return
	}
	r.byHash[from] = id
	m := message{id, seq}
	if _, ok := r.arrivals[m]; ok {
		return
	}
	a := arrival{router, time.Now().UnixMilli()}
	r.arrivals[m] = a
	r.clients[id-1].last = a
}

func (r *rig) armOf(h wire.Hash) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.arms[h]
}

func (r *rig) clientOf(h wire.Hash) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byHash[h]
}

// A service is a balancer with the taps on the way to its routers.
type service struct {
	*live.Service
	routers []*testnet.Router
	taps    map[string]*tap
}

// serve runs a balancer of the arms on some routers until ctx ends.
func (r *rig) serve(ctx context.Context, name string, routers []*testnet.Router, arms []arm) (*service, error) {
	logFile, err := os.Create(filepath.Join(r.dir, r.name+"-"+name+".log"))
	if err != nil {
		return nil, err
	}
	cfg := live.Config{
		State: filepath.Join(r.dir, r.name+"-"+name+".state"),
		Log:   slog.New(slog.NewTextHandler(logFile, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	s := &service{routers: routers, taps: make(map[string]*tap)}
	for _, one := range routers {
		t, err := newTap(r, one.Name(), one.I2CP())
		if err != nil {
			return nil, err
		}
		s.taps[one.Name()] = t
		cfg.Routers = append(cfg.Routers, live.Router{Name: one.Name(), Address: t.address(), Weight: 1})
	}
	for _, a := range arms {
		keys, err := wire.NewPrivateKeyFile(crand.Reader)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.arms[keys.Destination.Hash()], r.dests[a.name] = a.name, keys.Destination
		r.mu.Unlock()
		cfg.Destinations = append(cfg.Destinations, live.Destination{
			Name: a.name, Keys: keys, Leases: 12, Policy: a.policy, Target: "echo", Hops: 1,
		})
		r.out.write(&Record{Kind: KindArm, Arm: a.name, N: len(routers), Text: fmt.Sprintf("policy %s, bundle %s, rotate %v, 12 leases, 1 hop", a.policy.Name, a.policy.Bundle, a.policy.Rotate)})
	}
	if s.Service, err = live.New(cfg); err != nil {
		return nil, err
	}
	r.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			r.say("service %s: %v", name, err)
		}
		_ = logFile.Close()
	})
	return s, nil
}

// covers reports whether the named routers, or all, have leases in each LeaseSet.
func (s *service) covers(names ...string) bool {
	if len(names) == 0 {
		for _, one := range s.routers {
			names = append(names, one.Name())
		}
	}
	for _, d := range s.Status().Destinations {
		if d.Confirmed == 0 {
			return false
		}
		for _, name := range names {
			if !slices.ContainsFunc(d.Leases, func(l live.LeaseStatus) bool { return l.Router == name }) {
				return false
			}
		}
	}
	return true
}

func (s *service) state(name string) string {
	for _, one := range s.Status().Routers {
		if one.Name == name {
			return one.State
		}
	}
	return ""
}

// publishes reports whether a router publishes for any Destination.
func (s *service) publishes(name string) bool {
	return slices.ContainsFunc(s.Status().Destinations, func(d live.DestinationStatus) bool { return d.Publisher == name })
}

// within waits until ok, at most d, and reports whether it is.
func within(ctx context.Context, d, every time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// timeout is how long a client waits for an answer.
const timeout = 20 * time.Second

// start runs a client of an arm through a router until it is stopped. Its tunnels
// have one hop, two each way.
func (r *rig) start(ctx context.Context, armName, role string, through *testnet.Router, every time.Duration, unpublished bool) *client {
	ctx, stop := context.WithCancel(ctx)
	r.mu.Lock()
	c := &client{id: len(r.clients) + 1, arm: armName, role: role, unpublished: unpublished, stop: stop}
	r.clients = append(r.clients, c)
	dest := r.dests[armName]
	r.mu.Unlock()
	r.out.write(&Record{Kind: KindClient, Client: c.id, Arm: armName, Role: role, Router: through.Name(), Unpublished: unpublished, Every: float64(every.Milliseconds())})
	r.running.Go(func() {
		defer stop()
		err := ping.Run(ctx, ping.Config{
			Router: through.I2CP(), To: dest, Every: every, Timeout: timeout, Size: sizeLeast + c.id, Hops: 1,
			Unpublished: unpublished,
			Done: func(p ping.Result) {
				rec := Record{
					T: p.Sent.UnixMilli(), Kind: KindMessage, Arm: armName, Client: c.id, Seq: p.Seq,
					RTT: float64(p.RTT.Microseconds()) / 1000,
				}
				r.mu.Lock()
				if a, ok := r.arrivals[message{c.id, p.Seq}]; ok {
					rec.Via, rec.Arrived = a.via, a.at
					delete(r.arrivals, message{c.id, p.Seq})
				}
				c.answered = c.answered || p.RTT > 0
				r.mu.Unlock()
				r.out.write(&rec)
			},
		})
		end := Record{Kind: KindEnd, Client: c.id}
		if err != nil && ctx.Err() == nil {
			end.Text = err.Error()
			r.say("client %d of %s through %s: %v", c.id, armName, through.Name(), err)
		}
		r.out.write(&end)
		r.mu.Lock()
		c.ended = true
		r.mu.Unlock()
	})
	return c
}

// all reports whether all clients are answered.
func (r *rig) allAnswered() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !slices.ContainsFunc(r.clients, func(c *client) bool { return !c.answered && !c.ended })
}

// fresh is how recent a client's last message must be for its carrier to be known.
const fresh = 3 * time.Second

// carriers returns the routers that the clients of a role that ok picks write to.
func (r *rig) carriers(ok func(*client) bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, c := range r.clients {
		if !c.ended && c.answered && ok(c) && time.Now().UnixMilli()-c.last.at < fresh.Milliseconds() {
			names = append(names, c.last.via)
		}
	}
	return names
}
