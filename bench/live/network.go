package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/testnet"
)

// The routers of a network: the floodfills first, then the service's, then those
// of the clients. The rest carry tunnels.
const (
	routers      = 32
	carriersAt   = 3
	carriersMost = 5
	clientsAt    = carriersAt + carriersMost
	clientsMost  = 8
)

// pinned and composed are the policies that are compared.
var (
	pinned   = live.Policy{Name: "natural-i2pd", Bundle: "pinned"}
	rotating = live.Policy{Name: "natural-i2pd", Bundle: "pinned", Rotate: true}
	composed = live.Policy{Name: "natural-i2pd", Bundle: "composed"}
)

// A plan is what is done in a network.
type plan struct {
	Out      string
	Net      string
	For      time.Duration // of the steady network
	Faults   int           // of each other
	Seed     uint64
	Progress func(format string, args ...any)
}

// The networks, by name.
const (
	netSteady = "steady"
	netKills  = "kills" // and a number
	netMixed  = "mixed"
)

// run is what the process inside of a namespace does.
func (p *plan) run(ctx context.Context) (err error) {
	dir := filepath.Join(p.Out, p.Net+"-routers")
	opts := testnet.Options{Dir: dir, Routers: routers}
	if p.Net != netSteady {
		// In a network of some thirty routers a killed one takes with it tunnels of
		// the other carriers and of the clients, which in a network of thousands it
		// hardly ever does: what that costs would be taken for the price of the
		// failover.
		for i := range carriersMost {
			opts.NoTransit = append(opts.NoTransit, carriersAt+i)
		}
	}
	n, err := testnet.Start(ctx, opts, func(line string) { p.Progress("%s", line) })
	if err != nil {
		return err
	}
	defer n.Stop()
	wait, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := n.Ready(wait); err != nil {
		return err
	}
	out, err := newOutput(filepath.Join(p.Out, p.Net+".jsonl"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.close()) }()
	out.write(&Record{Kind: KindNet, N: routers, Text: "i2pd " + n.Version() + "; " + machine()})
	seed := p.Seed
	for _, b := range []byte(p.Net) {
		seed = seed*31 + uint64(b)
	}
	r := &rig{
		net: n, out: out, rng: rand.New(rand.NewPCG(seed, p.Seed)), dir: p.Out, name: p.Net, say: p.Progress,
		arms: make(map[wire.Hash]string), dests: make(map[string]wire.Destination), byHash: make(map[wire.Hash]int), arrivals: make(map[message]arrival),
	}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		r.running.Wait()
	}()
	p.Progress("%s", ready)
	if p.Net == netSteady {
		return r.steady(ctx, p)
	}
	return r.faults(ctx, p)
}

// ready is the line after which the next network may be started: starting is
// what takes processors.
const ready = "the network is ready"

func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(b), "\n") {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s", runtime.NumCPU(), model, runtime.Version())
}

// steady measures what is lost while nothing fails.
func (r *rig) steady(ctx context.Context, p *plan) error {
	all := r.net.Routers()
	five, err := r.serve(ctx, "five", all[carriersAt:carriersAt+5], []arm{{"pinned", pinned}, {"composed", composed}})
	if err != nil {
		return err
	}
	four, err := r.serve(ctx, "four", all[carriersAt:carriersAt+4], []arm{{"pinned4", pinned}, {"composed4", composed}})
	if err != nil {
		return err
	}
	if !within(ctx, 5*time.Minute, time.Second, func() bool { return five.covers() && four.covers() }) {
		return fmt.Errorf("not all routers have leases after 5 minutes: %+v, %+v", five.Status(), four.Status())
	}
	p.Progress("all routers have leases")
	const senders = 6
	clientCtx, stop := context.WithCancel(ctx)
	defer stop()
	for i := range senders {
		for _, a := range []string{"pinned", "composed", "pinned4", "composed4"} {
			r.start(clientCtx, a, "steady", all[clientsAt+i], time.Second, false)
		}
	}
	if !within(ctx, 3*time.Minute, 100*time.Millisecond, r.allAnswered) {
		p.Progress("not all clients are answered after 3 minutes")
	}
	r.out.write(&Record{Kind: KindBegin})
	p.Progress("measuring for %v", p.For)
	r.watch(ctx, p, p.For)
	stop()
	r.finish(ctx, p)
	return nil
}

// watch tells now and again how it is going, for d.
func (r *rig) watch(ctx context.Context, p *plan, d time.Duration) {
	tick := time.NewTicker(2 * time.Minute)
	defer tick.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-tick.C:
			r.mu.Lock()
			by := map[string]map[string]int{}
			for _, c := range r.clients {
				if by[c.arm] == nil {
					by[c.arm] = map[string]int{}
				}
				by[c.arm][c.last.via]++
			}
			r.mu.Unlock()
			p.Progress("carriers %v", by)
		}
	}
}

// finish waits for what is under way.
func (r *rig) finish(ctx context.Context, p *plan) {
	within(ctx, timeout+5*time.Second, 100*time.Millisecond, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return !slices.ContainsFunc(r.clients, func(c *client) bool { return !c.ended })
	})
	r.out.write(&Record{Kind: KindDone})
	p.Progress("done")
}

// The faults.
const (
	faultKill      = "kill"
	faultPublisher = "kill-publisher"
	faultFreeze    = "freeze"
	faultHole      = "hole" // the link to the router's I2CP port passes nothing
)

// The course of a fault, whose time is drawn from the spread. A client that was
// too young to be taken over at the fault is written to again when it is not, some
// 95 s later at the most: so long the router stays away.
const (
	faultFor    = 105 * time.Second
	faultGap    = 25 * time.Second // from the router's serving again
	faultSpread = 30 * time.Second
	youngest    = 40 * time.Second // started before the fault; its session begins some 10 s later
	oldest      = 120 * time.Second
	newest      = 10 * time.Second // a new client starts at most this long before the fault
	messageGap  = 200 * time.Millisecond
)

// faults measures what failures cost.
func (r *rig) faults(ctx context.Context, p *plan) error {
	all := r.net.Routers()
	arms := []arm{{"pinned", pinned}, {"rotate", rotating}, {"composed", composed}}
	s, err := r.serve(ctx, "five", all[carriersAt:carriersAt+carriersMost], arms)
	if err != nil {
		return err
	}
	if !within(ctx, 5*time.Minute, time.Second, func() bool { return s.covers() }) {
		return fmt.Errorf("not all routers have leases after 5 minutes: %+v", s.Status())
	}
	p.Progress("all routers have leases")
	clientCtx, stop := context.WithCancel(ctx)
	defer stop()
	next := 0
	begin := func(armName, role string, unpublished bool) *client {
		i := next % clientsMost
		next++
		return r.start(clientCtx, armName, role, all[clientsAt+i], messageGap, unpublished)
	}
	for _, a := range arms {
		for range 5 {
			begin(a.name, "old", false)
		}
		if a.name != "composed" {
			for range 3 {
				begin(a.name, "old", true)
			}
		}
	}
	if !within(ctx, 3*time.Minute, 100*time.Millisecond, r.allAnswered) {
		p.Progress("not all clients are answered after 3 minutes")
	}
	r.out.write(&Record{Kind: KindBegin})
	kinds := []string{faultKill}
	if p.Net == netMixed {
		kinds = []string{faultFreeze, faultHole, faultFreeze, faultPublisher}
	}
	earliest := time.Now().Add(130 * time.Second) // until the first sessions are old
	for i := range p.Faults {
		at := earliest.Add(time.Duration(r.rng.Int64N(int64(faultSpread))))
		served := r.fault(ctx, p, s, kinds[i%len(kinds)], at, i, begin)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		earliest = served.Add(faultGap)
	}
	stop()
	r.finish(ctx, p)
	return nil
}

// until waits for a moment of the plan.
func until(ctx context.Context, at time.Time) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// fault has one fault at a time, with clients that are young then, and returns
// when the router was used again.
func (r *rig) fault(ctx context.Context, p *plan, s *service, kind string, at time.Time, number int, begin func(arm, role string, unpublished bool) *client) time.Time {
	type launch struct {
		at          time.Time
		arm, role   string
		unpublished bool
	}
	var launches []launch
	for _, a := range []string{"pinned", "rotate", "composed"} {
		young := []bool{false, false, false, false, true}
		if a == "composed" {
			young = young[:2]
		}
		for _, unpublished := range young {
			before := youngest + time.Duration(r.rng.Int64N(int64(oldest-youngest)))
			launches = append(launches, launch{at.Add(-before), a, "young", unpublished})
		}
		launches = append(launches, launch{at.Add(-time.Duration(r.rng.Int64N(int64(newest)))), a, "new", false})
	}
	slices.SortFunc(launches, func(a, b launch) int { return a.at.Compare(b.at) })
	var passing []*client
	for _, l := range launches {
		until(ctx, l.at)
		if ctx.Err() != nil {
			return at
		}
		passing = append(passing, begin(l.arm, l.role, l.unpublished))
	}
	until(ctx, at)
	victim := r.victim(s, kind, number)
	if victim == nil || ctx.Err() != nil {
		p.Progress("nobody to %s", kind)
		return at
	}
	name := victim.Name()
	r.out.write(&Record{Kind: KindFault, Fault: kind, Router: name})
	began := time.Now()
	var err error
	switch kind {
	case faultFreeze:
		err = victim.Freeze()
	case faultHole:
		s.taps[name].hold()
	default:
		err = victim.Kill()
	}
	if err != nil {
		p.Progress("%s %s: %v", kind, name, err)
	}
	if within(ctx, time.Minute, 10*time.Millisecond, func() bool { return s.state(name) != "up" }) {
		r.out.write(&Record{Kind: KindNoticed, Router: name})
	}
	p.Progress("%s of %s, the %dth fault, noticed after %.2f s", kind, name, number+1, time.Since(began).Seconds())
	until(ctx, began.Add(faultFor))
	for _, c := range passing {
		c.stop()
	}
	switch kind {
	case faultFreeze:
		err = victim.Thaw()
	case faultHole:
		s.taps[name].release()
	default:
		err = victim.Restart(ctx)
	}
	if err != nil {
		p.Progress("%s is not restored: %v", name, err)
	}
	r.out.write(&Record{Kind: KindRestored, Router: name})
	if within(ctx, 90*time.Second, 100*time.Millisecond, func() bool { return s.covers(name) }) {
		r.out.write(&Record{Kind: KindServing, Router: name})
	} else {
		p.Progress("%s has no leases 90 s after it was restored", name)
	}
	return time.Now()
}

// victim draws the router for a fault: the carrier of a young client, of the one
// arm or the other in turn, or of any other.
func (r *rig) victim(s *service, kind string, number int) *testnet.Router {
	var names []string
	if kind == faultPublisher {
		for _, one := range s.routers {
			if s.publishes(one.Name()) {
				names = append(names, one.Name())
			}
		}
	} else {
		of := []string{"pinned", "rotate"}[number%2]
		for _, want := range []func(*client) bool{
			func(c *client) bool { return c.arm == of && c.role == "young" },
			func(c *client) bool { return c.arm != "composed" && c.role == "young" },
			func(c *client) bool { return c.arm != "composed" },
		} {
			names = slices.DeleteFunc(r.carriers(want), s.publishes)
			if len(names) > 0 {
				break
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return r.net.Router(names[r.rng.IntN(len(names))])
}
