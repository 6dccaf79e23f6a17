package realism

import (
	"bufio"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"io"
	mathrand "math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/console"
	"multihome.i2p/internal/testnet"
)

// RecordOptions say what to record in a private network.
type RecordOptions struct {
	World World
	// For is how long to record, from the opening of the first session.
	For time.Duration
	// Every is the interval at which all floodfills' consoles are asked; 0 for
	// never, and then what they hold is told from their logs alone. The console of
	// 2.45.1 may end its router when it lists LeaseSets while one is being stored.
	Every time.Duration
	// Opening is the span over which the sessions are opened, at random.
	Opening time.Duration
}

// An event is a line of a raw recording. Destinations, floodfills and gateways
// go by their numbers; times are ms since the epoch.
type event struct {
	T     int64       `json:"t"`
	Kind  string      `json:"k"` // world, open, set, hold, stored, failed, lost
	Dest  int         `json:"d,omitempty"`
	World *rawWorld   `json:"world,omitempty"`
	Hash  string      `json:"hash,omitempty"`   // open: the Destination's
	Where int         `json:"router,omitempty"` // open
	Pub   int64       `json:"pub,omitempty"`    // set: published, s
	Lease [][3]int64  `json:"leases,omitempty"` // set: gateway, tunnel, end in ms
	FF    int         `json:"ff,omitempty"`     // hold
	Holds map[int]int `json:"holds,omitempty"`  // hold: the number of the Destination's set
	At    int64       `json:"at,omitempty"`     // stored: s
	Count int         `json:"n,omitempty"`      // failed: tunnel tests of a router
	Note  string      `json:"note,omitempty"`
}

// rawWorld is the first line of a raw recording.
type rawWorld struct {
	World
	I2pd    string   `json:"i2pd"`
	Routers []string `json:"hashes"` // floodfills first
}

// A recorder writes down what the Destinations of a network publish, and what
// its floodfills hold.
type recorder struct {
	opt   RecordOptions
	net   *testnet.Network
	index map[wire.Hash]int // of a router
	say   func(format string, args ...any)

	mu    sync.Mutex // of what follows
	out   *bufio.Writer
	err   error
	dests []*destination
	byKey map[wire.Hash]*destination
}

// destination is one Destination on a stock router.
type destination struct {
	r     *recorder
	num   int
	where int
	keys  wire.PrivateKeyFile
	sign  wire.SigningPrivateKey
	enc   *ecdh.PrivateKey
	s     *i2cp.Session

	sets [][]wire.Lease2 // given so far, under the recorder's mu
	pub  wire.Seconds
}

// Record opens sessions on a network that is ready, answers each of the routers'
// requests for a LeaseSet at once, and writes down what is given to the routers
// and what the floodfills hold.
func Record(ctx context.Context, n *testnet.Network, opt RecordOptions, w io.Writer, say func(string, ...any)) error {
	r := &recorder{
		opt: opt, net: n, say: say, out: bufio.NewWriterSize(w, 1<<20),
		index: make(map[wire.Hash]int), byKey: make(map[wire.Hash]*destination),
	}
	raw := rawWorld{World: opt.World, I2pd: n.Version()}
	for i, x := range n.Routers() {
		r.index[x.Hash()] = i
		raw.Routers = append(raw.Routers, x.Hash().String())
	}
	r.write(&event{Kind: "world", World: &raw})
	ctx, cancel := context.WithTimeout(ctx, opt.For)
	defer cancel()
	var all sync.WaitGroup
	first := opt.World.Floodfills
	hosts := len(n.Routers()) - first
	for i := range opt.World.Destinations {
		d := &destination{r: r, num: i, where: first + i%hosts}
		r.dests = append(r.dests, d)
		after := time.Duration(mathrand.Int64N(int64(opt.Opening) + 1))
		all.Go(func() {
			if sleep(ctx, after) != nil {
				return
			}
			if err := d.run(ctx); err != nil && ctx.Err() == nil {
				r.say("destination %d: %v", d.num, err)
				r.write(&event{Kind: "lost", Dest: d.num, Note: err.Error()})
			}
		})
	}
	if opt.Every > 0 {
		all.Go(func() { r.poll(ctx) })
	}
	all.Wait()
	if err := r.logs(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Flush(); err != nil {
		return err
	}
	return r.err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (r *recorder) write(e *event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeLocked(e)
}

func (r *recorder) writeLocked(e *event) {
	e.T = time.Now().UnixMilli()
	b, err := json.Marshal(e)
	if err == nil {
		_, err = r.out.Write(append(b, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// run serves a Destination until ctx ends.
func (d *destination) run(ctx context.Context) error {
	var err error
	if d.keys, err = wire.NewPrivateKeyFile(rand.Reader); err != nil {
		return err
	}
	if d.sign, err = d.keys.Signer(); err != nil {
		return err
	}
	if d.enc, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return err
	}
	conn, err := i2cp.Dial(ctx, d.r.net.Routers()[d.where].I2CP(), i2cp.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	w := d.r.opt.World
	hash := d.keys.Destination.Hash()
	d.r.mu.Lock()
	d.r.byKey[hash] = d
	d.r.writeLocked(&event{Kind: "open", Dest: d.num, Hash: hash.String(), Where: d.where})
	d.r.mu.Unlock()
	d.s, err = conn.CreateSession(ctx, d.keys, map[string]string{
		"inbound.length": strconv.Itoa(w.Hops), "outbound.length": strconv.Itoa(w.Hops),
		"inbound.lengthVariance": "0", "outbound.lengthVariance": "0",
		"inbound.quantity": strconv.Itoa(w.Leases), "outbound.quantity": strconv.Itoa(w.Outbound),
		"i2cp.leaseSetType": "3", "i2cp.leaseSetEncType": "4", "i2cp.fastReceive": "true", "i2cp.messageReliability": "none",
	})
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case m, ok := <-d.s.Messages():
			if !ok {
				return conn.Err()
			}
			if m, ok := m.(*i2cp.RequestVariableLeaseSet); ok {
				if err := d.give(ctx, m); err != nil {
					return err
				}
			}
		}
	}
}

// give makes the LeaseSet that the router asks for, of all the leases in the
// router's order, as the clients of both routers' projects do.
func (d *destination) give(ctx context.Context, m *i2cp.RequestVariableLeaseSet) error {
	now := max(wire.SecondsOf(time.Now()), d.pub+1)
	d.pub = now
	ls := wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: d.keys.Destination, Published: now},
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: d.enc.PublicKey().Bytes()}},
	}
	e := event{Kind: "set", Dest: d.num, Pub: int64(now)}
	for _, l := range m.Leases {
		end := wire.SecondsOf(l.End.Time())
		ls.Leases = append(ls.Leases, wire.Lease2{Gateway: l.Gateway, Tunnel: l.Tunnel, End: end})
		if end > now {
			ls.Expires = max(ls.Expires, uint16(end-now))
		}
		gw, ok := d.r.index[l.Gateway]
		if !ok {
			gw = -1
		}
		e.Lease = append(e.Lease, [3]int64{int64(gw), int64(l.Tunnel), l.End.Time().UnixMilli()})
	}
	if err := ls.Sign(d.sign); err != nil {
		return err
	}
	b, err := ls.Append(nil)
	if err != nil {
		return err
	}
	d.r.mu.Lock()
	d.sets = append(d.sets, ls.Leases)
	d.r.writeLocked(&e)
	d.r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return d.s.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, b, []i2cp.PrivateKey{{Type: wire.EncX25519, Key: d.enc.Bytes()}})
}

// poll asks the floodfills, one after the other, so that the routers are never
// all busy with it at once.
func (r *recorder) poll(ctx context.Context) {
	tick := time.NewTicker(r.opt.Every)
	defer tick.Stop()
	for {
		for i, x := range r.net.Routers()[:r.opt.World.Floodfills] {
			views, err := x.Console().LeaseSets(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				r.say("console of %s: %v", x.Name(), err)
				r.write(&event{Kind: "lost", FF: i, Note: err.Error()})
				continue
			}
			r.holds(i, views)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

var storedRE = regexp.MustCompile(`^([0-9]{2}:[0-9]{2}:[0-9]{2})@[0-9]+/info - NetDb: LeaseSet2 (?:added|updated): ([a-z2-7]{52})$`)

var failedRE = regexp.MustCompile(`/warn - Tunnels: Test of tunnel [0-9]+ failed$`)

// logs writes down how many tunnel tests of each router failed, and when the floodfills have taken in a LeaseSet, to the second.
func (r *recorder) logs() error {
	byName := make(map[string]int)
	r.mu.Lock()
	for h, d := range r.byKey {
		byName[strings.TrimSuffix(h.B32(), ".b32.i2p")] = d.num
	}
	r.mu.Unlock()
	now := time.Now().UTC()
	for i, x := range r.net.Routers() {
		f, err := os.Open(x.LogFile())
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		failed := 0
		for lines.Scan() {
			if failedRE.MatchString(lines.Text()) {
				failed++
			}
			m := storedRE.FindStringSubmatch(lines.Text())
			if m == nil || !x.Floodfill() {
				continue
			}
			num, ok := byName[m[2]]
			at, err := time.Parse("2006-01-02 15:04:05", now.Format("2006-01-02 ")+m[1])
			if err != nil || !ok {
				continue
			}
			if at.After(now) {
				at = at.AddDate(0, 0, -1)
			}
			r.write(&event{Kind: "stored", FF: i, Dest: num, At: at.Unix()})
		}
		_ = f.Close()
		r.write(&event{Kind: "failed", Where: i, Count: failed})
		if err := lines.Err(); err != nil {
			return err
		}
	}
	return nil
}

// holds writes down what one floodfill holds.
func (r *recorder) holds(ff int, views []console.LeaseSetView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := event{Kind: "hold", FF: ff, Holds: make(map[int]int)}
	now := time.Now()
	for _, v := range views {
		d := r.byKey[v.Destination]
		if d == nil {
			continue
		}
		// Not any of ours: it is written down as well.
		e.Holds[d.num] = -1
		for k := len(d.sets) - 1; k >= 0; k-- {
			if shows(v.Leases, d.sets[k], now) {
				e.Holds[d.num] = k
				break
			}
		}
	}
	r.writeLocked(&e)
	if err := r.out.Flush(); err != nil && r.err == nil {
		r.err = err
	}
	n := 0
	for _, d := range r.dests {
		n += len(d.sets)
	}
	if ff == 0 {
		r.say("%d of %d Destinations at floodfill 0; %d LeaseSets given in all", len(e.Holds), len(r.dests), n)
	}
}

// shows tells whether a console's page may be of a LeaseSet: it leaves out the
// leases that have ended, and knows no order.
func shows(page []console.LeaseView, set []wire.Lease2, now time.Time) bool {
	listed := make(map[wire.TunnelID]bool, len(page))
	for _, l := range page {
		listed[wire.TunnelID(l.Tunnel)] = true
	}
	n := 0
	for _, l := range set {
		if listed[l.Tunnel] {
			n++
		} else if l.End.Time().After(now.Add(2 * time.Second)) {
			return false
		}
	}
	return n == len(page)
}
