package testnet

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"multihome.i2p/internal/console"
)

// pageTimeout is for one page of a console. A router answers within some ms.
const pageTimeout = 5 * time.Second

// Ready waits until the network can be used: each router that is not down
// answers at its I2CP port, knows all routers, has an inbound and an outbound
// tunnel, by which it can build those of clients, and the links between the
// routers are sound (see mender), which may take restarting a router. There is no
// fixed wait. It fails at once if a router ends by itself; when ctx ends it tells
// what is missing.
func (n *Network) Ready(ctx context.Context) error {
	began := time.Now()
	n.mender.wake()
	var missing []string
	err := poll(ctx, 100*time.Millisecond, func() (bool, error) {
		missing = missing[:0]
		for _, r := range n.routers {
			p := r.process()
			if done, err := p.ended(); done {
				if p.killed.Load() {
					continue
				}
				return false, fmt.Errorf("testnet: %s ended: %w%s", r.name, err, r.quote())
			}
			if what := r.lacks(ctx); what != "" {
				missing = append(missing, r.name+" "+what)
			}
		}
		if len(missing) > 0 {
			return false, nil
		}
		what, err := n.mendLinks(ctx, began)
		if what != "" {
			missing = append(missing, what)
		}
		return what == "", err
	}, func(err error) error {
		what := strings.Join(missing, "; ")
		if problems := n.Problems(3); len(problems) > 0 {
			what += "\n\t" + strings.Join(problems, "\n\t")
		}
		return fmt.Errorf("testnet: the network is not ready after %v: %w: %s", time.Since(began).Round(time.Second), err, what)
	})
	if err == nil {
		n.progress.say("ready after %.1f s", time.Since(began).Seconds())
	}
	return err
}

// How long Ready waits for links that are not there but may be made when they
// are needed: after the start of the network, and after that of one router, which
// by then has met most of those that it needs. With 12 routers all 66 pairs were
// connected after 10 to 16 s.
const (
	meshPatience   = 15 * time.Second
	routerPatience = 5 * time.Second
)

// mendLinks says what is amiss with the links, "" if nothing. It restarts a
// router where nothing else helps.
func (n *Network) mendLinks(ctx context.Context, began time.Time) (string, error) {
	m := n.mender
	m.mu.Lock()
	last, patience := m.last, m.patience
	m.mu.Unlock()
	if !last.looked || !last.at.After(began) {
		return "the links have not been looked at", nil
	}
	if len(last.oneSided) > 0 {
		return fmt.Sprintf("%d links work one way only", len(last.oneSided)), nil
	}
	if len(last.blocked) > 0 {
		// The one that most of them have in common.
		count := make(map[int]int)
		worst := -1
		for _, p := range last.blocked {
			for _, i := range p {
				count[i]++
				if worst < 0 || count[i] > count[worst] || count[i] == count[worst] && i > worst {
					worst = i
				}
			}
		}
		r := n.routers[worst]
		n.progress.say("%s will not connect to a router for a minute, and is started again", r.name)
		return r.name + " was started again", r.Restart(ctx)
	}
	if len(last.suspect) > 0 {
		return fmt.Sprintf("%d pairs of routers are not connected after they collided", len(last.suspect)), nil
	}
	if len(last.unlinked) > 0 && time.Now().Before(patience) {
		return fmt.Sprintf("%d pairs of routers are not connected yet", len(last.unlinked)), nil
	}
	return "", nil
}

// lacks says what the router lacks to be of use, "" if nothing.
func (r *Router) lacks(ctx context.Context) string {
	if r.isFrozen() {
		return "is frozen"
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	if !answers(ctx, r.I2CP()) {
		return "does not answer at its I2CP port"
	}
	st, err := r.console.Status(ctx)
	if err != nil {
		return err.Error()
	}
	// Whether a router counts itself depends on the version.
	if st.Routers < len(r.n.routers)-1 {
		return fmt.Sprintf("knows %d routers of %d", st.Routers, len(r.n.routers))
	}
	tunnels, err := r.console.Tunnels(ctx)
	if err != nil {
		return err.Error()
	}
	// Those of no hop count: the routers can be reached, so that the replies to
	// builds arrive by them.
	for _, inbound := range []bool{true, false} {
		if !slices.ContainsFunc(tunnels, func(t console.TunnelView) bool { return t.Inbound == inbound && t.State == "established" }) {
			return "has not enough tunnels"
		}
	}
	return ""
}

// A pair is two routers by index, the smaller one first.
type pair [2]int

// A mender looks after the links.
//
// When two i2pd 2.45.1 connect to each other at the same moment, each drops its
// own session for the other's (NTCP2.cpp, AddNTCP2Session). What is left is one
// of:
//
//   - both ways work;
//   - a session that only one of the two lists, by which nothing arrives from the
//     other for some 40 s. The mender aborts that connection; the routers see it
//     and connect again at once.
//   - no session, and at least one of the two holds the other for unreachable,
//     sends it nothing and does not connect, until it tidies up its netDb, once a
//     minute (Transports.cpp, ConnectToPeer; NetDb.cpp, SaveUpdated). Only a new
//     RouterInfo, and so a restart, ends this before; Ready does that.
//
// Of the 66 pairs of 12 routers, 0 to 4 were one-sided and 0 to 3 blocked, most
// within 12 s of the start, and it made little difference whether they were
// started at once or 0.1 to 1.2 s apart. 2.58 is said to have no such links.
type mender struct {
	n      *Network
	cancel context.CancelFunc
	done   chan struct{}
	waker  chan struct{}

	mu       sync.Mutex
	patience time.Time     // when to stop waiting for links that may never be needed
	until    time.Time     // when to stop looking
	last     links         // as last seen
	met      map[pair]bool // have collided since either was started
	unable   bool          // the kernel cannot abort connections
}

// links are the links that are amiss.
type links struct {
	at       time.Time // when the look began
	looked   bool
	oneSided []pair
	unlinked []pair // not connected
	blocked  []pair // of these, those that have collided: seen so twice running
	suspect  []pair // the same, seen once
}

const (
	menderPeriod = 500 * time.Millisecond
	// menderSpan is how long after the last start of a router it looks.
	menderSpan = time.Minute
)

func newMender(n *Network) *mender {
	ctx, cancel := context.WithCancel(context.Background())
	m := &mender{n: n, cancel: cancel, done: make(chan struct{}), waker: make(chan struct{}, 1), met: make(map[pair]bool)}
	go m.run(ctx)
	return m
}

// wake makes it look for another while.
func (m *mender) wake() {
	m.mu.Lock()
	m.until = time.Now().Add(menderSpan)
	m.mu.Unlock()
	select {
	case m.waker <- struct{}{}:
	default:
	}
}

// forget drops what is known of router i, or of all if i is -1, which has just
// been started.
func (m *mender) forget(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, wait := time.Now(), routerPatience
	if i < 0 {
		wait = meshPatience
	}
	if p := now.Add(wait); p.After(m.patience) {
		m.patience = p
	}
	m.last = links{at: now}
	for p := range m.met {
		if i < 0 || p[0] == i || p[1] == i {
			delete(m.met, p)
		}
	}
}

func (m *mender) stop() {
	m.cancel()
	<-m.done
}

func (m *mender) run(ctx context.Context) {
	defer close(m.done)
	tick := time.NewTicker(menderPeriod)
	defer tick.Stop()
	for {
		m.mu.Lock()
		over := time.Now().After(m.until)
		m.mu.Unlock()
		wake := tick.C
		if over {
			wake = nil // until a router is started
		}
		select {
		case <-ctx.Done():
			return
		case <-m.waker:
			continue
		case <-wake:
		}
		m.look(ctx)
	}
}

// look reads all consoles. A link that is one-sided twice running is aborted: one
// that is just being set up is established on one side before it is on the other.
func (m *mender) look(ctx context.Context) {
	at := time.Now()
	sessions := make([][]console.SessionView, len(m.n.routers))
	for i, r := range m.n.routers {
		if r.State() != StateRunning {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, pageTimeout)
		s, err := r.console.Sessions(ctx)
		cancel()
		if err == nil && s == nil {
			s = []console.SessionView{}
		}
		sessions[i] = s // nil, and so not judged, if it did not answer
	}
	now := links{at: at, looked: true}
	one, none := compare(sessions)
	connections, err := tcpConnections()
	if err != nil {
		m.n.progress.say("connections cannot be listed: %v", err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.at.After(at) {
		return // a router was started meanwhile
	}
	for i, r := range m.n.routers {
		for _, j := range r.collisions() {
			m.met[pair{min(i, j), max(i, j)}] = true
		}
	}
	now.unlinked = none
	for _, p := range none {
		if m.met[p] {
			now.suspect = append(now.suspect, p)
			if slices.Contains(m.last.suspect, p) {
				now.blocked = append(now.blocked, p)
			}
		}
	}
	for _, p := range one {
		again := slices.Contains(m.last.oneSided, p)
		a, b := netip.MustParseAddr(routerAddress(p[0])), netip.MustParseAddr(routerAddress(p[1]))
		for _, c := range connections {
			if c[1].Port() != portNTCP2 || c[0].Addr() != a && c[0].Addr() != b || c[1].Addr() != a && c[1].Addr() != b {
				continue
			}
			if !m.unable && !slices.Contains(now.oneSided, p) {
				now.oneSided = append(now.oneSided, p)
			}
			if !again || m.unable {
				continue
			}
			err := destroyTCP(c[0], c[1])
			m.n.progress.say("a link of %s and %s works one way only: %s", routerName(p[0]), routerName(p[1]), outcome(err))
			m.unable = m.unable || unsupported(err)
			// They are free to connect again, when they need to.
			delete(m.met, p)
		}
	}
	m.last = now
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "aborted, they connect again"
	case unsupported(err):
		return fmt.Sprintf("cannot be aborted (%v), recovers within a minute", err)
	}
	return err.Error()
}

// compare returns the pairs of routers of which one lists a session with the
// other, and those of which none does. A router whose sessions are nil is not
// judged.
func compare(sessions [][]console.SessionView) (one, none []pair) {
	index := make(map[netip.Addr]int)
	for i := range sessions {
		index[netip.MustParseAddr(routerAddress(i))] = i
	}
	lists := make(map[[2]int]bool)
	for i, all := range sessions {
		for _, s := range all {
			if j, ok := index[s.Remote.Addr()]; ok {
				lists[[2]int{i, j}] = true
			}
		}
	}
	for j := range sessions {
		for i := range j {
			if sessions[i] == nil || sessions[j] == nil {
				continue
			}
			switch a, b := lists[[2]int{i, j}], lists[[2]int{j, i}]; {
			case a != b:
				one = append(one, pair{i, j})
			case !a:
				none = append(none, pair{i, j})
			}
		}
	}
	return one, none
}

var collisionRE = regexp.MustCompile(`NTCP2: Session with ([A-Za-z0-9~-]{43}=) already exists`)

// collisions returns the routers that this one tells of having collided with, in
// what it has written to its log since it was last asked.
func (r *Router) collisions() []int {
	f, err := os.Open(r.LogFile())
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.NewSectionReader(f, r.seen, 16<<20))
	if err != nil {
		return nil
	}
	b = b[:bytes.LastIndexByte(b, '\n')+1]
	r.seen += int64(len(b))
	var found []int
	for _, m := range collisionRE.FindAllSubmatch(b, -1) {
		for j, other := range r.n.routers {
			if other.hash.String() == string(m[1]) {
				found = append(found, j)
			}
		}
	}
	return found
}

// tcpConnections returns the established connections of the namespace, each by
// its local and its remote end; one between two routers is there twice.
func tcpConnections() ([][2]netip.AddrPort, error) {
	b, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return nil, err
	}
	return parseTCP(b)
}

func parseTCP(b []byte) ([][2]netip.AddrPort, error) {
	var all [][2]netip.AddrPort
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		//   sl  local_address rem_address   st ...
		f := strings.Fields(line)
		if i == 0 || len(f) > 3 && f[3] != "01" { // TCP_ESTABLISHED
			continue
		}
		if len(f) < 4 {
			return nil, fmt.Errorf("/proc/self/net/tcp: line %d: %q", i+1, line)
		}
		var ends [2]netip.AddrPort
		for k := range ends {
			var addr uint32
			var port uint16
			if n, err := fmt.Sscanf(f[1+k], "%08X:%04X", &addr, &port); n != 2 {
				return nil, fmt.Errorf("/proc/self/net/tcp: line %d: %w", i+1, err)
			}
			// The kernel prints the address as the number that its bytes are here.
			var ip [4]byte
			binary.NativeEndian.PutUint32(ip[:], addr)
			ends[k] = netip.AddrPortFrom(netip.AddrFrom4(ip), port)
		}
		all = append(all, ends)
	}
	return all, nil
}
