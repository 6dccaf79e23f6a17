package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/balancer/live/ping"
	"multihome.i2p/i2cp/wire"
)

// The files of a demonstration, in its directory.
const (
	TraceFile  = "trace.jsonl"   // every LeaseSet published
	RecordFile = "events.replay" // for mhbalance replay
	LogFile    = "mhbalance.log"
	PingsFile  = "pings.csv"
	PlotFile   = "demo.svg"
)

// Plan says how long each part takes.
type Plan struct {
	// Setup bounds the wait for a LeaseSet with leases of all routers, and for
	// each client's first answer.
	Setup time.Duration
	// Calm is how long all is well, Dead how long a router is dead, After how long
	// it is watched once it has been started again.
	Calm, Dead, After time.Duration
	// Every is the time between two messages of a client, Timeout how long an
	// answer may take; what comes later is lost.
	Every, Timeout time.Duration
	// SessionOld is the age below which the session of a client with its router is
	// not replaced at once by one with another; 0 where there are none.
	SessionOld time.Duration
	// Patient has clients begin when all carriers have leases. Clients of real
	// routers that meet a service while it is being set up keep what they saw
	// first.
	Patient bool
	// Unpublished clients need not wait for their LeaseSets to be stored. Real
	// routers that take a client over look it up, and so cannot have it.
	Unpublished bool
}

// RealPlan suits real routers, SimulatedPlan simulated ones.
var (
	RealPlan = Plan{
		Setup: 60 * time.Second, Calm: sessionOld + 15*time.Second, Dead: 50 * time.Second, After: 20 * time.Second,
		Every: 400 * time.Millisecond, Timeout: 8 * time.Second,
		SessionOld: sessionOld, Patient: true,
	}
	SimulatedPlan = Plan{
		Setup: 14 * time.Second, Calm: 3 * time.Second, Dead: 9 * time.Second, After: 11 * time.Second,
		Every: 150 * time.Millisecond, Timeout: 4 * time.Second,
		Unpublished: true,
	}
)

// sessionOld is the age from which routers let a ratchet session be replaced: 120 s
// (i2pd, ECIESX25519AEADRatchetSession.h, RESTART_TIMEOUT; Java I2P,
// SESSION_REPLACE_AGE), and the way there.
const sessionOld = 125 * time.Second

// Config is a demonstration.
type Config struct {
	Network *Network
	Plan    Plan
	Policy  live.Policy
	Hops    int
	Dir     string
	// Started is time 0 of what is told.
	Started time.Time
	// Tell is told what happens, a line at a time, from one goroutine.
	Tell func(at time.Duration, line string)
}

// leases is how many a full LeaseSet has.
const leases = 12

// watchEvery is how often the balancer's state is looked at; times are as exact
// as that.
const watchEvery = 50 * time.Millisecond

// Message is a ping and what became of it.
type Message struct {
	Sender int
	Sent   time.Duration
	RTT    time.Duration // 0: lost
}

// Share is how many leases each carrier has in the newest LeaseSet, from a time
// on.
type Share struct {
	At     time.Duration
	Leases []int
}

// Result is what happened. A time is since the start; a negative one means never.
type Result struct {
	Carriers, Senders []string
	SessionOld        time.Duration // of the plan
	Counted           []bool        // by sender: it was answered in time to count
	Carried           []Carried     // by sender, at the kill
	Messages          []Message     // in the order of their sending, since Ready
	Shares            []Share
	Victim            int
	Before            int           // leases of the LeaseSet before the kill
	Ready             time.Duration // when all clients had been answered
	Killed, Restarted time.Duration
	End               time.Duration
	// Noticed is when the balancer knew; Without when it had published a LeaseSet
	// without the dead router, and Refilled when one had as many leases as before.
	Noticed, Without, Refilled time.Duration
	// Back is when the router had a session again, Rejoined when it had leases.
	Back, Rejoined time.Duration
	TakenOver      int // clients that were written to
	LeaseSets      int // published
	Replayed       int // records of the event log
}

const never = time.Duration(-1)

// Carried says which router a client's answers go through.
type Carried struct {
	By    int           // the carrier; -1 for none that is known
	Since time.Duration // since when
}

// Run plays the demonstration. On an error there is no result.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(cfg.Dir, LogFile))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	d := &demo{cfg: cfg, keys: keys, carried: make(map[string]Carried), taken: make(map[string]bool), res: &Result{
		SessionOld: cfg.Plan.SessionOld,
		Noticed:    never, Without: never, Refilled: never, Back: never, Rejoined: never, Killed: never, Restarted: never,
	}}
	lc := live.Config{
		State: filepath.Join(cfg.Dir, "state"), Log: slog.New(&overhear{slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}), d}),
		Destinations: []live.Destination{{
			Name: "echo", Keys: keys, Leases: leases, Policy: cfg.Policy, Target: "echo", Hops: cfg.Hops,
			Trace: filepath.Join(cfg.Dir, TraceFile), Record: filepath.Join(cfg.Dir, RecordFile),
		}},
	}
	for _, r := range cfg.Network.Carriers {
		lc.Routers = append(lc.Routers, live.Router{Name: r.Name, Address: r.Address, Weight: 1})
		d.res.Carriers = append(d.res.Carriers, r.Name)
	}
	for _, r := range cfg.Network.Senders {
		d.res.Senders = append(d.res.Senders, r.Name)
	}
	d.names = make([]string, len(d.res.Senders))
	if d.svc, err = live.New(lc); err != nil {
		return nil, err
	}
	if err := d.play(ctx); err != nil {
		return nil, err
	}
	if d.res.Replayed, err = replay(filepath.Join(cfg.Dir, RecordFile)); err != nil {
		return nil, fmt.Errorf("the event log: %w", err)
	}
	slices.SortStableFunc(d.res.Messages, func(a, b Message) int { return int(a.Sent - b.Sent) })
	return d.res, nil
}

func replay(file string) (int, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	return live.Replay(f, nil)
}

// demo is a demonstration under way.
type demo struct {
	cfg  Config
	keys wire.PrivateKeyFile
	svc  *live.Service
	res  *Result

	seen seen

	mu       sync.Mutex
	messages []Message          // not yet looked at
	names    []string           // of the clients, by sender
	carried  map[string]Carried // by a client's name
	taken    map[string]bool    // the clients that were taken over, by name
	failed   error              // of a sender
}

// seen is what the balancer's state was when it was looked at last.
type seen struct {
	published, confirmed int64
	states               []string
	answered             []bool // senders
	lost                 []losses
}

// losses are a client's messages in a row that were lost.
type losses struct {
	n           int
	first, last time.Duration // when they were sent
	known       time.Duration // when the last one was given up
	begun       time.Duration // when the first one was
	told        bool          // that there are losses
	answered    time.Duration // when the last message that was answered was sent
}

func (d *demo) now() time.Duration { return time.Since(d.cfg.Started) }

func (d *demo) tell(format string, args ...any) {
	d.cfg.Tell(d.now(), fmt.Sprintf(format, args...))
}

// play runs service and clients through the plan.
func (d *demo) play(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	var running sync.WaitGroup
	ended := make(chan error, 1)
	running.Go(func() { ended <- d.svc.Run(ctx) })
	defer running.Wait()
	defer cancel()

	d.seen.states = make([]string, len(d.res.Carriers))
	d.seen.answered = make([]bool, len(d.res.Senders))
	d.seen.lost = make([]losses, len(d.res.Senders))
	began := d.now()
	d.tell("the balancer starts an echo service, %s", d.keys.Destination.B32())
	setup := d.cfg.Plan.Setup
	shared := func() bool { return d.carrying() == len(d.res.Carriers) }
	begin := func() bool { return d.seen.published != 0 && (shared() || !d.cfg.Plan.Patient) }
	if err := d.watch(ctx, ended, setup, begin); err != nil {
		return err
	}
	if d.cfg.Plan.Patient {
		began = d.now() // a time of their own for the clients
	}
	if d.seen.published == 0 {
		return fmt.Errorf("no LeaseSet within %v: the routers built no tunnels; %s tells more", setup, filepath.Join(d.cfg.Dir, LogFile))
	}
	pinging, stop := context.WithCancel(ctx)
	defer stop()
	d.tell("clients begin to send a message each %v, through %s", d.cfg.Plan.Every, strings.Join(d.res.Senders, ", "))
	var clients sync.WaitGroup
	quiet := make(chan struct{})
	for i, r := range d.cfg.Network.Senders {
		clients.Go(func() { d.send(pinging, i, r) })
	}
	go func() { clients.Wait(); close(quiet) }()
	ready := func() bool { return shared() && !slices.Contains(d.served(), false) }
	if err := d.watch(ctx, ended, max(0, setup-(d.now()-began)), ready); err != nil {
		return err
	}
	d.res.Counted = d.served()
	if !slices.Contains(d.res.Counted, true) {
		return fmt.Errorf("no client was answered within %v; %s tells more", setup, filepath.Join(d.cfg.Dir, LogFile))
	}
	for i, ok := range d.res.Counted {
		if !ok {
			d.tell("the client at %s has no answers yet, and is not counted", d.res.Senders[i])
		}
	}
	d.res.Ready = d.now()
	// What was sent before is of the set-up.
	d.res.Messages = nil
	for i := range d.seen.lost {
		d.seen.lost[i] = losses{answered: d.seen.lost[i].answered}
	}
	d.tell("all is well; from here on messages are counted")
	if err := d.watch(ctx, ended, d.cfg.Plan.Calm, nil); err != nil {
		return err
	}
	if err := d.kill(); err != nil {
		return err
	}
	if err := d.watch(ctx, ended, d.cfg.Plan.Dead, nil); err != nil {
		return err
	}
	victim := d.res.Carriers[d.res.Victim]
	d.res.Restarted = d.now()
	d.tell("%s is started again", victim)
	if err := d.cfg.Network.Restart(ctx, d.res.Victim); err != nil {
		return fmt.Errorf("starting %s again: %w", victim, err)
	}
	if err := d.watch(ctx, ended, d.cfg.Plan.After, nil); err != nil {
		return err
	}
	d.tell("the clients stop; what is under way has %v", d.cfg.Plan.Timeout)
	stop()
	silent := func() bool {
		select {
		case <-quiet:
			return true
		default:
			return false
		}
	}
	if err := d.watch(ctx, ended, d.cfg.Plan.Timeout+2*time.Second, silent); err != nil {
		return err
	}
	if err := d.look(); err != nil {
		return err
	}
	d.tellLosses(true)
	d.res.End = d.now()
	return nil
}

// served tells of each client whether it has been answered lately.
func (d *demo) served() []bool {
	served := slices.Clone(d.seen.answered)
	for i := range served {
		served[i] = served[i] && d.now()-d.seen.lost[i].answered < servedWithin
	}
	return served
}

// servedWithin is how old the last message may be that was answered.
const servedWithin = 4 * time.Second

// kill kills the router with the most clients, or leases, of those that do not
// publish: what its clients have to go through is what the demonstration is about.
func (d *demo) kill() error {
	st := d.svc.Status().Destinations[0]
	share := d.share(&st)
	d.res.Carried = d.standing()
	clients := make([]int, len(d.res.Carriers))
	for i, c := range d.res.Carried {
		if c.By >= 0 && d.res.Counted[i] {
			clients[c.By]++
		}
	}
	d.res.Victim = -1
	for i, name := range d.res.Carriers {
		v := d.res.Victim
		if name != st.Publisher && (v < 0 || clients[i] > clients[v] || clients[i] == clients[v] && share[i] > share[v]) {
			d.res.Victim = i
		}
	}
	name := d.res.Carriers[d.res.Victim]
	d.res.Killed, d.res.Before = d.now(), len(st.Leases)
	d.tell("%s is killed: it has %d of %d leases, and carries %s", name, share[d.res.Victim], len(st.Leases), plural(clients[d.res.Victim], "client"))
	if err := d.cfg.Network.Kill(d.res.Victim); err != nil {
		return fmt.Errorf("killing %s: %w", name, err)
	}
	return nil
}

// standing is who carries each sender's client now.
func (d *demo) standing() []Carried {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Carried
	for _, name := range d.names {
		c, ok := d.carried[name]
		if !ok {
			c.By = -1
		}
		all = append(all, c)
	}
	return all
}

// watch looks at everything until it is as wanted, but no longer than a time.
func (d *demo) watch(ctx context.Context, ended <-chan error, limit time.Duration, until func() bool) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return errors.Join(errors.New("the balancer has ended"), err)
		case <-timer.C:
			return nil
		case <-tick.C:
			if err := d.look(); err != nil {
				return err
			}
			if until != nil && until() {
				return nil
			}
		}
	}
}

// share counts the leases of each carrier.
func (d *demo) share(st *live.DestinationStatus) []int {
	n := make([]int, len(d.res.Carriers))
	for _, l := range st.Leases {
		if i := slices.Index(d.res.Carriers, l.Router); i >= 0 {
			n[i]++
		}
	}
	return n
}

// carrying counts the carriers with leases in the newest LeaseSet.
func (d *demo) carrying() int {
	if len(d.res.Shares) == 0 {
		return 0
	}
	n := 0
	for _, x := range d.res.Shares[len(d.res.Shares)-1].Leases {
		if x > 0 {
			n++
		}
	}
	return n
}

func sum(xs []int) int {
	n := 0
	for _, x := range xs {
		n += x
	}
	return n
}

// look compares the balancer's state with what was seen last, and tells of what
// has changed.
func (d *demo) look() error {
	st := d.svc.Status()
	for i := range st.Routers {
		d.lookAtRouter(i, &st.Routers[i])
	}
	d.lookAtLeaseSet(&st.Destinations[0])
	d.mu.Lock()
	fresh, taken, failed := d.messages, len(d.taken), d.failed
	d.messages = nil
	d.mu.Unlock()
	if taken > d.res.TakenOver {
		d.tell("%s taken over from %s: the balancer has written to them from other routers", plural(taken-d.res.TakenOver, "client"), d.res.Carriers[d.res.Victim])
		d.res.TakenOver = taken
	}
	d.lookAtMessages(fresh)
	return failed
}

func (d *demo) lookAtRouter(i int, r *live.RouterStatus) {
	state := r.State
	if r.Problem != "" && state == "up" {
		state = "frozen"
	}
	if state == d.seen.states[i] {
		return
	}
	was := d.seen.states[i]
	d.seen.states[i] = state
	dead := d.res.Killed >= 0 && i == d.res.Victim
	switch {
	case dead && d.res.Noticed < 0 && state != "up":
		d.res.Noticed = d.now()
		d.tell("the balancer has noticed, after %s: %s is %s", after(d.res.Noticed-d.res.Killed), r.Name, state)
	case dead && d.res.Restarted >= 0 && d.res.Back < 0 && state == "up":
		d.res.Back = d.now()
		d.tell("%s has a session again, after %s", r.Name, after(d.res.Back-d.res.Restarted))
	case state == "up":
		about := "stock " + r.Kind
		if r.Extension {
			about = "with the extension for Proposal 140"
		}
		d.tell("%s is up, %s", r.Name, about)
	case was != "" && state == "frozen":
		d.tell("%s does not answer", r.Name)
	case was != "":
		d.tell("%s is %s", r.Name, state)
	}
}

func (d *demo) lookAtLeaseSet(st *live.DestinationStatus) {
	if st.Published != d.seen.published {
		d.seen.published = st.Published
		d.res.LeaseSets++
		share := d.share(st)
		d.res.Shares = append(d.res.Shares, Share{d.now(), share})
		var of []string
		for i, n := range share {
			of = append(of, fmt.Sprintf("%s %d", d.res.Carriers[i], n))
		}
		d.tell("LeaseSet published by %s, %s: %s", orNobody(st.Publisher), plural(len(st.Leases), "lease"), strings.Join(of, ", "))
		d.weigh(share)
	}
	if st.Confirmed != d.seen.confirmed {
		d.seen.confirmed = st.Confirmed
		newest := ""
		if st.Confirmed < st.Published {
			newest = "; a newer one is on its way"
		}
		d.tell("LeaseSet confirmed: the netDb has it%s", newest)
	}
}

// weigh notes what a LeaseSet means after the kill.
func (d *demo) weigh(share []int) {
	r := d.res
	if r.Killed < 0 {
		return
	}
	victim := r.Carriers[r.Victim]
	if r.Without < 0 && share[r.Victim] == 0 {
		r.Without = d.now()
		d.tell("the LeaseSet no longer has leases of %s, after %s", victim, after(r.Without-r.Killed))
	}
	if r.Without >= 0 && r.Refilled < 0 && sum(share) >= r.Before {
		r.Refilled = d.now()
		d.tell("the LeaseSet has as many leases as before, after %s", after(r.Refilled-r.Killed))
	}
	if r.Restarted >= 0 && r.Rejoined < 0 && share[r.Victim] > 0 {
		r.Rejoined = d.now()
		d.tell("%s has leases again, after %s", victim, after(r.Rejoined-r.Restarted))
	}
}

// lookAtMessages takes in what has been answered or given up since.
func (d *demo) lookAtMessages(fresh []Message) {
	for _, m := range fresh {
		if d.res.Counted != nil && (m.Sent < d.res.Ready || !d.res.Counted[m.Sender]) {
			continue // of the set-up, and given up only now
		}
		d.res.Messages = append(d.res.Messages, m)
		l := &d.seen.lost[m.Sender]
		if m.RTT > 0 {
			l.answered = max(l.answered, m.Sent)
			if !d.seen.answered[m.Sender] {
				d.seen.answered[m.Sender] = true
				d.tell("the client at %s is answered, in %s", d.res.Senders[m.Sender], milliseconds(m.RTT))
			}
			continue
		}
		if l.n == 0 {
			l.first, l.begun = m.Sent, d.now()
		}
		l.n, l.last, l.known = l.n+1, m.Sent, d.now()
	}
	d.tellLosses(false)
}

// tellLosses tells of losses: of many in a row when they begin, and of all when
// they are over, or the end has come.
func (d *demo) tellLosses(end bool) {
	for i := range d.seen.lost {
		l, name := &d.seen.lost[i], d.res.Senders[i]
		switch now := d.now(); {
		case l.n == 0:
		case end || now-l.known > time.Second:
			again := ""
			if l.answered > l.last {
				again = "; it is answered again"
			}
			d.tell("the client at %s has lost %s%s%s", name, plural(l.n, "message"), sentFrom(l.first, l.last), again)
			*l = losses{answered: l.answered}
		case !l.told && now-l.begun > time.Second:
			l.told = true
			d.tell("the client at %s loses messages, since %.1f s", name, l.first.Seconds())
		}
	}
}

func sentFrom(first, last time.Duration) string {
	if first == last {
		return fmt.Sprintf(", sent at %.1f s", first.Seconds())
	}
	return fmt.Sprintf(", sent from %.1f s to %.1f s", first.Seconds(), last.Seconds())
}

// send is a client, until ctx ends.
func (d *demo) send(ctx context.Context, i int, r Router) {
	err := ping.Run(ctx, ping.Config{
		Router: r.Address, To: d.keys.Destination, Every: d.cfg.Plan.Every, Timeout: d.cfg.Plan.Timeout,
		Unpublished: d.cfg.Plan.Unpublished,
		Opened: func(as wire.Destination) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.names[i] = as.B32()
		},
		Done: func(x ping.Result) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.messages = append(d.messages, Message{i, x.Sent.Sub(d.cfg.Started), x.RTT})
		},
	})
	if err != nil && ctx.Err() == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.failed = fmt.Errorf("the client at %s: %w", r.Name, err)
	}
}

// overhear is a log handler that notes what the state does not tell.
type overhear struct {
	slog.Handler
	d *demo
}

func (o *overhear) Handle(ctx context.Context, r slog.Record) error {
	var client, router string
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "client":
			client = a.Value.String()
		case "router":
			router = a.Value.String()
		}
		return true
	})
	if client != "" {
		o.d.mu.Lock()
		switch r.Message {
		case "client has a carrier":
			o.d.carried[client] = Carried{slices.Index(o.d.res.Carriers, router), o.d.now()}
		case "client written to, to take it over":
			o.d.taken[client] = true
		}
		o.d.mu.Unlock()
	}
	return o.Handler.Handle(ctx, r)
}

func (o *overhear) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &overhear{o.Handler.WithAttrs(attrs), o.d}
}

func (o *overhear) WithGroup(name string) slog.Handler {
	return &overhear{o.Handler.WithGroup(name), o.d}
}

func orNobody(name string) string {
	if name == "" {
		return "nobody"
	}
	return name
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// after writes a time that something took.
func after(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}
