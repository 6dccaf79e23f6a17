package live

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// Whether a stock router that is told `i2cp.dontPublishLeaseSet` in a
// ReconfigureSession then publishes depends on its version: Java I2P does not;
// i2pd up to 2.58.0 does not (Destination.cpp, Reconfigure; in CreateSession
// 2.58.0 reads the option the other way round, which is why we never say it
// there); i2pd's sources after 2.58.0 do. All of the latter claim API 0.9.67, so
// the version does not decide it, and a carrier that publishes its own leases
// would put the others out of the netDb. So it is tried, with a Destination that
// is used for nothing else, and remembered.

const (
	// echoVersion is where i2pd ceased to answer with its client's version: what
	// answers ours is older.
	echoVersion = claimedVersion
	// tryFor is how long a LeaseSet is looked for before it counts as not
	// published: i2pd stores within 2 s, and verifies after 5 to 10 s.
	tryFor = 15 * time.Second
	// tryEvery is the time between two lookups.
	tryEvery = 2 * time.Second
)

// errUndecided is returned where neither way published anything.
var errUndecided = errors.New("the router published nothing, whatever it was told")

// quirks remembers what was found out about routers, by their addresses, across
// restarts.
type quirks struct {
	path string

	mu    sync.Mutex
	known map[string]quirk
	turn  map[string]chan struct{} // who tries a router
}

type quirk struct {
	Version  string `json:"version"`  // API version that it was found with
	Inverted bool   `json:"inverted"` // publishes where it is told not to
}

const quirksFormat = "multihome-routers"

type savedQuirks struct {
	Format  string           `json:"format"`
	Version int              `json:"version"`
	Routers map[string]quirk `json:"routers"`
}

func newQuirks(state string) (*quirks, error) {
	q := &quirks{path: filepath.Join(state, "routers.json"), known: make(map[string]quirk), turn: make(map[string]chan struct{})}
	var saved savedQuirks
	ok, err := readState(q.path, &saved)
	if err != nil || !ok {
		return q, err
	}
	if saved.Format != quirksFormat || saved.Version != 1 {
		return nil, fmt.Errorf("%s is not a file of this version: remove it (routers are then tried again)", q.path)
	}
	for address, k := range saved.Routers {
		q.known[address] = k
	}
	return q, nil
}

// inverted tells whether a router publishes where it is told not to.
func (q *quirks) inverted(address string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.known[address].Inverted
}

// settle finds out how a stock i2pd router takes the option, unless that is known
// of its version. One link tries at a time; the others wait for its result.
func (q *quirks) settle(ctx context.Context, x *life) error {
	version := x.conn.RouterVersion()
	if version == echoVersion {
		return nil
	}
	address := x.cfg.Address
	q.mu.Lock()
	turn := q.turn[address]
	if turn == nil {
		turn = make(chan struct{}, 1)
		q.turn[address] = turn
	}
	q.mu.Unlock()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	q.mu.Lock()
	k, ok := q.known[address]
	q.mu.Unlock()
	if ok && k.Version == version {
		return nil
	}
	x.d.log.Info("trying whether the router publishes when told not to", "router", x.cfg.Name, "version", version)
	inverted, err := tryPublishing(ctx, x.router())
	if errors.Is(err, errUndecided) {
		x.d.log.Warn("cannot tell how the router takes i2cp.dontPublishLeaseSet; it is taken at its word", "router", x.cfg.Name)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("trying how the router publishes: %w", err)
	}
	x.d.log.Info("the router was tried", "router", x.cfg.Name, "publishes_when_told_not_to", inverted)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.known[address] = quirk{version, inverted}
	b, err := json.MarshalIndent(savedQuirks{quirksFormat, 1, q.known}, "", "  ")
	if err == nil {
		err = replaceFile(q.path, append(b, '\n'), true)
	}
	return err
}

// tryPublishing gives a router a LeaseSet of a Destination made for this, told
// to publish it, and if that does not, told not to, and looks which of them gets
// into the netDb.
func tryPublishing(ctx context.Context, r Router) (inverted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		return false, err
	}
	enc, err := newEncryptionKey()
	if err != nil {
		return false, err
	}
	sign, err := newSigner(keys, enc)
	if err != nil {
		return false, err
	}
	conn, err := i2cp.Dial(ctx, r.Address, i2cp.Config{Version: claimedVersion, Username: r.User, Password: r.Password, TLS: r.TLS})
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	s, err := conn.CreateSession(ctx, keys, map[string]string{
		optLengthIn: "1", optLengthOut: "1", optQuantityIn: "1", optQuantityOut: "1",
		"i2cp.leaseSetType": "3", "i2cp.leaseSetEncType": "4",
	})
	if err != nil {
		return false, err
	}
	t := &trial{conn: conn, s: s, sign: sign, hash: keys.Destination.Hash()}
	// What most routers publish comes first: it is over as soon as it is found.
	for _, dont := range []bool{false, true} {
		found, err := t.try(ctx, dont)
		if err != nil {
			return false, err
		}
		if found {
			return dont, nil
		}
	}
	return false, errUndecided
}

// trial is a Destination that tries how its router publishes.
type trial struct {
	conn *i2cp.Conn
	s    *i2cp.Session
	sign *signer
	hash wire.Hash
	last *i2cp.RequestVariableLeaseSet
	at   wire.Seconds // `published` of the last LeaseSet
}

// try tells the router not to publish, or to, and whether the netDb then has a
// LeaseSet.
func (t *trial) try(ctx context.Context, dont bool) (found bool, err error) {
	if err := t.s.Reconfigure(ctx, map[string]string{optDontPublish: strconv.FormatBool(dont)}); err != nil {
		return false, err
	}
	tick := time.NewTicker(tryEvery)
	defer tick.Stop()
	var until time.Time
	for {
		if t.last != nil && until.IsZero() {
			until = time.Now().Add(tryFor)
			if err := t.give(ctx); err != nil {
				return false, err
			}
		}
		select {
		case m, ok := <-t.s.Messages():
			if !ok {
				return false, t.s.Err()
			}
			if m, ok := m.(*i2cp.RequestVariableLeaseSet); ok {
				t.last = m
				if err := t.give(ctx); err != nil {
					return false, err
				}
				if until.IsZero() {
					until = time.Now().Add(tryFor)
				}
			}
		case <-tick.C:
			if until.IsZero() {
				continue
			}
			lookup, cancel := context.WithTimeout(ctx, tryEvery)
			_, err := t.conn.HostLookup(lookup, i2cp.HostLookup{Kind: i2cp.LookupHash, Hash: t.hash})
			cancel()
			if err == nil {
				return true, nil
			}
			if time.Now().After(until) {
				return false, nil
			}
			// i2pd may have had no outbound tunnel when it was given the last.
			if err := t.give(ctx); err != nil {
				return false, err
			}
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (t *trial) give(ctx context.Context) error {
	t.at = max(t.at+1, wire.SecondsOf(time.Now()))
	ls, err := t.sign.plain(t.at, t.last.Leases)
	if err != nil {
		return err
	}
	return t.s.CreateLeaseSet2(ctx, wire.StoreLeaseSet2, ls.bytes, ls.keys)
}
