package testnet

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/console"
)

// A Progress is told what is going on, in a line each. It may be nil.
type Progress func(line string)

func (p Progress) say(format string, args ...any) {
	if p != nil {
		p(fmt.Sprintf(format, args...))
	}
}

// A Network is a running private network. Its methods may be called by several
// goroutines.
type Network struct {
	opts     Options
	version  version
	routers  []*Router
	progress Progress
	mender   *mender
	lock     *os.File // held while it runs, if by this process
	changed  func()   // called after a router has started or ended
}

// A State is that of one router's process.
type State string

// The states.
const (
	StateRunning State = "running"
	StateFrozen  State = "frozen" // stopped by a signal
	StateDown    State = "down"   // ended, by Kill or by itself
)

// A Router is one i2pd.
type Router struct {
	n         *Network
	index     int
	name      string
	dir       string
	address   string
	hash      wire.Hash
	floodfill bool
	console   *console.Client
	seen      int64 // bytes of the log, by the mender

	// control serialises Kill, Freeze, Thaw, Restart; mu is for the fields.
	control sync.Mutex
	mu      sync.Mutex
	proc    *process
	frozen  bool
}

// Start builds a network and returns when all routers have been started; Ready
// waits until it can be used. The process must be in a namespace of its own: see
// Inside, Reexec and Up. What has been started is ended again on an error.
func Start(ctx context.Context, opts Options, progress Progress) (*Network, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := checkNamespace(); err != nil {
		return nil, err
	}
	dir, err := claim(opts.Dir)
	if err != nil {
		return nil, err
	}
	n, err := start(ctx, opts, progress, nil)
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	n.lock = dir
	return n, nil
}

func start(ctx context.Context, opts Options, progress Progress, changed func()) (*Network, error) {
	if err := raiseLoopback(); err != nil {
		return nil, fmt.Errorf("testnet: %w", err)
	}
	v, err := versionOf(ctx, opts.I2pd)
	if err != nil {
		return nil, err
	}
	n := &Network{opts: opts, version: v, progress: progress, changed: changed}
	if changed == nil {
		n.changed = func() {}
	}
	n.mender = newMender(n)
	if err := n.build(ctx); err != nil {
		n.Stop()
		return nil, err
	}
	n.mender.forget(-1)
	n.mender.wake()
	return n, nil
}

// build makes the routers and starts them.
func (n *Network) build(ctx context.Context) error {
	opts := n.opts
	for i := range opts.Routers {
		r := &Router{
			n: n, index: i, name: routerName(i), dir: filepath.Join(opts.Dir, routerName(i)),
			address: routerAddress(i), floodfill: i < opts.Floodfills,
		}
		r.console = &console.Client{URL: r.ConsoleURL(), Location: time.UTC}
		if err := os.Mkdir(r.dir, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.dir, "i2pd.conf"), opts.conf(i), 0o600); err != nil {
			return err
		}
		n.routers = append(n.routers, r)
	}
	n.progress.say("%d routers of i2pd %v in %s", opts.Routers, n.version, opts.Dir)
	if err := n.introduce(ctx); err != nil {
		return err
	}
	for i, r := range n.routers {
		if i > 0 && opts.Stagger > 0 {
			if err := wait(ctx, opts.Stagger); err != nil {
				return err
			}
		}
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// introduce makes the routers' keys and gives each one's RouterInfo to all
// others: a router writes both when it starts for the first time.
func (n *Network) introduce(ctx context.Context) error {
	infos := make([][]byte, len(n.routers))
	// Two at a time: a router takes some 20 ms for it.
	for some := range slices.Chunk(n.routers, 2) {
		for _, r := range some {
			if err := r.start(); err != nil {
				return err
			}
		}
		for _, r := range some {
			info, err := r.firstInfo(ctx)
			if err != nil {
				return err
			}
			r.proc.kill()
			infos[r.index] = info
			// It may have been writing the file once more when it was killed.
			if err := os.WriteFile(r.infoFile(), info, 0o600); err != nil {
				return err
			}
			if err := os.Remove(r.LogFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
	}
	for _, r := range n.routers {
		for _, other := range n.routers {
			if r == other {
				continue
			}
			hash := other.hash.String()
			shelf := filepath.Join(r.dir, "netDb", "r"+hash[:1])
			if err := os.MkdirAll(shelf, 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(shelf, "routerInfo-"+hash+".dat"), infos[other.index], 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// firstInfo waits for the router's RouterInfo, and notes its hash.
func (r *Router) firstInfo(ctx context.Context) (info []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		if _, err := r.proc.ended(); err != nil {
			return false, fmt.Errorf("testnet: %s ended before it had a RouterInfo: %w%s", r.name, err, r.quote())
		}
		// I2CP comes last: by then all transports have entered their addresses.
		if !answers(ctx, r.I2CP()) {
			return false, nil
		}
		b, err := os.ReadFile(r.infoFile())
		if err != nil {
			return false, nil
		}
		hash, ok := checkInfo(b)
		if ok {
			r.hash, info = hash, b
		}
		return ok, nil
	}, func(err error) error {
		return fmt.Errorf("testnet: %s has written no RouterInfo: %w%s", r.name, err, r.quote())
	})
	return info, err
}

// checkInfo checks the signature of a RouterInfo, and so that the file is whole:
// i2pd writes it several times while it starts, in place.
func checkInfo(b []byte) (wire.Hash, bool) {
	id, _, err := wire.ParseRouterIdentity(b)
	if err != nil || id.SigType() != wire.SigEd25519 {
		return wire.Hash{}, false
	}
	signed := len(b) - ed25519.SignatureSize
	if signed <= id.Len() || !ed25519.Verify(id.SigningKey().Key, b[:signed], b[signed:]) {
		return wire.Hash{}, false
	}
	return id.Hash(), true
}

func (r *Router) infoFile() string { return filepath.Join(r.dir, "router.info") }

// quote returns the end of the router's complaints, as lines of their own.
func (r *Router) quote() string {
	p := r.Problems(5)
	if len(p) == 0 {
		return ""
	}
	return "\n\t" + strings.Join(p, "\n\t")
}

// start starts the process.
func (r *Router) start() error {
	cmd := exec.Command(r.n.opts.I2pd, "--conf="+filepath.Join(r.dir, "i2pd.conf"), "--datadir="+r.dir)
	cmd.Dir = r.dir
	// The console's dates have no time zone.
	cmd.Env = append(os.Environ(), "TZ=UTC")
	p, err := startProcess(cmd, r.n.changed)
	if err != nil {
		return fmt.Errorf("testnet: %s: %w", r.name, err)
	}
	r.mu.Lock()
	r.proc, r.frozen = p, false
	r.mu.Unlock()
	r.n.changed()
	return nil
}

func (r *Router) process() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc
}

// Routers returns the routers, floodfills first. The slice is not to be changed.
func (n *Network) Routers() []*Router { return n.routers }

// Router returns the router of that name, nil if there is none.
func (n *Network) Router(name string) *Router {
	for _, r := range n.routers {
		if r.name == name {
			return r
		}
	}
	return nil
}

// Version returns the version of i2pd.
func (n *Network) Version() string { return n.version.String() }

// Stop ends all routers. It returns when they have ended, and may be called
// twice. What they have written stays.
func (n *Network) Stop() {
	n.mender.stop()
	for _, r := range n.routers {
		_ = r.Kill()
	}
	if n.lock != nil {
		_ = n.lock.Close()
	}
}

// Problems returns, for each router that has any, the last lines of its log that
// are warnings or worse, max of each: what to print when a test has failed.
func (n *Network) Problems(max int) []string {
	var all []string
	for _, r := range n.routers {
		for _, line := range r.Problems(max) {
			all = append(all, r.name+": "+line)
		}
	}
	return all
}

// Name returns the router's name: r0, r1, ...
func (r *Router) Name() string { return r.name }

// Address returns its address within the namespace.
func (r *Router) Address() string { return r.address }

// I2CP returns the address of its I2CP port within the namespace, for net.Dial.
func (r *Router) I2CP() string { return hostPort(r.address, portI2CP) }

// ConsoleURL returns the web console's address within the namespace.
func (r *Router) ConsoleURL() string { return "http://" + hostPort(r.address, portConsole) + "/" }

// Console returns a client of the web console.
func (r *Router) Console() *console.Client { return r.console }

// Hash returns the router's hash, by which leases name it.
func (r *Router) Hash() wire.Hash { return r.hash }

// Floodfill reports whether it is a floodfill.
func (r *Router) Floodfill() bool { return r.floodfill }

// Dir returns the router's data directory.
func (r *Router) Dir() string { return r.dir }

// PID returns the process id of the router, 0 if it is down.
func (r *Router) PID() int {
	p := r.process()
	if p == nil {
		return 0
	}
	if done, _ := p.ended(); done {
		return 0
	}
	return p.pid
}

// State returns the state of the process.
func (r *Router) State() State {
	switch {
	case r.PID() == 0:
		return StateDown
	case r.isFrozen():
		return StateFrozen
	}
	return StateRunning
}

func (r *Router) isFrozen() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.frozen
}

// Kill ends the router at once, as a power failure would (SIGKILL), and returns
// when it has ended. A router that is down stays down.
func (r *Router) Kill() error {
	r.control.Lock()
	defer r.control.Unlock()
	if p := r.process(); p != nil {
		p.kill()
	}
	return nil
}

// Freeze stops the router without ending it (SIGSTOP): its connections stay open
// and nothing comes out of them.
func (r *Router) Freeze() error { return r.signal(true) }

// Thaw lets a frozen router go on (SIGCONT).
func (r *Router) Thaw() error { return r.signal(false) }

func (r *Router) signal(freeze bool) error {
	r.control.Lock()
	defer r.control.Unlock()
	p := r.process()
	s := sigThaw
	if freeze {
		s = sigFreeze
	}
	if err := p.signal(s); err != nil {
		return fmt.Errorf("testnet: %s: %w", r.name, err)
	}
	// A process with several threads stops a little later.
	err := within(context.Background(), 5*time.Second, func() bool {
		_, state, ok := processOf(p.pid)
		return !ok || (state == 'T') == freeze
	})
	if err != nil {
		return fmt.Errorf("testnet: %s does not take the signal: %w", r.name, err)
	}
	r.mu.Lock()
	r.frozen = freeze
	r.mu.Unlock()
	r.n.changed()
	return nil
}

// Restart ends the router, if it runs, and starts it again with the same keys
// and the netDb that it has saved. It returns when its I2CP port answers.
func (r *Router) Restart(ctx context.Context) error {
	r.control.Lock()
	defer r.control.Unlock()
	r.process().kill()
	if err := r.start(); err != nil {
		return err
	}
	r.n.mender.forget(r.index)
	r.n.mender.wake()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if _, err := r.process().ended(); err != nil {
			return false, fmt.Errorf("testnet: %s ended again: %w%s", r.name, err, r.quote())
		}
		return answers(ctx, r.I2CP()), nil
	}, func(err error) error {
		return fmt.Errorf("testnet: the I2CP port of %s does not answer: %w%s", r.name, err, r.quote())
	})
}

// LogFile returns the path of the router's log.
func (r *Router) LogFile() string { return filepath.Join(r.dir, logName) }

const logName = "log"

// harmless are warnings that every router of such a network gives.
var harmless = []string{
	"family certificates", "reseed", "Reseed", "RouterInfo: Can't open file ", // there is no world
	"No profile yet",           // of a router that was not used before
	"ephemeral keys generated", // the supply is made when the first is taken
	"tunnels.conf",             // none is configured
}

// Problems returns the last lines of the router's log that are warnings or
// worse, max of them, without those that every router gives at its start. They
// are without date: the time is UTC.
func (r *Router) Problems(max int) []string {
	f, err := os.Open(r.LogFile())
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var found []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		// 09:58:20@198/warn - Transports: ...
		_, rest, ok := strings.Cut(line, "/")
		if !ok || !strings.HasPrefix(rest, "warn") && !strings.HasPrefix(rest, "error") && !strings.HasPrefix(rest, "critical") {
			continue
		}
		if slices.ContainsFunc(harmless, func(s string) bool { return strings.Contains(rest, s) }) {
			continue
		}
		if found = append(found, line); len(found) > 2*max {
			found = append(found[:0], found[len(found)-max:]...)
		}
	}
	return found[len(found)-min(max, len(found)):]
}

// answers reports whether something accepts connections there.
func answers(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: time.Second}
	nc, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	_ = nc.Close()
	return true
}

// poll asks until the answer is yes or an error. When ctx ends before, the error
// is what late makes of ctx's.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error), late func(error) error) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ok, err := ask()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return late(ctx.Err())
		case <-tick.C:
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
