package fleet

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim"
)

var versions = []StockVersion{Stock245, Stock258}

// eachVersion runs a test on fleets of stock routers of each version.
func eachVersion(t *testing.T, routers int, test func(t *testing.T, r *rig, v StockVersion)) {
	for _, v := range versions {
		t.Run(string(v), func(t *testing.T) {
			inBubble(t, Config{Routers: routers, Stock: true, StockVersion: v}, func(t *testing.T, r *rig) { test(t, r, v) })
		})
	}
}

// create opens a session of a stock router.
func (c *client) create(conn *i2cp.Conn, options map[string]string) *i2cp.Session {
	c.t.Helper()
	s, err := conn.CreateSession(c.t.Context(), c.keys, options)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// answer makes the LeaseSet that was asked for, and gives it.
func (c *client) answer(f *Fleet, s *i2cp.Session, m *i2cp.RequestVariableLeaseSet) {
	c.t.Helper()
	var leases []wire.Lease2
	for _, l := range m.Leases {
		leases = append(leases, wire.Lease2{Gateway: l.Gateway, Tunnel: l.Tunnel, End: wire.SecondsOf(l.End.Time())})
	}
	c.give(f, s, leases)
}

func (c *client) give(f *Fleet, s *i2cp.Session, leases []wire.Lease2) {
	c.t.Helper()
	b, keys := c.leaseSet(f.Now(), leases)
	if err := s.CreateLeaseSet2(c.t.Context(), wire.StoreLeaseSet2, b, keys); err != nil {
		c.t.Fatal(err)
	}
}

// settle answers what is asked for during a span of the bubble's time, and
// returns the last request.
func (c *client) settle(f *Fleet, s *i2cp.Session, span time.Duration) (last *i2cp.RequestVariableLeaseSet) {
	c.t.Helper()
	end := time.After(span)
	for {
		select {
		case m, ok := <-s.Messages():
			if !ok {
				c.t.Fatalf("the session ended: %v", s.Err())
			}
			if m, ok := m.(*i2cp.RequestVariableLeaseSet); ok {
				last = m
				c.answer(f, s, m)
			}
		case <-end:
			return last
		}
	}
}

// published returns when the LeaseSet that the netDb has was published, 0 if it
// has none.
func (c *client) published(f *Fleet) int64 { return f.lookup(c.keys.Destination.B32()).Published }

// TestStockLife: leases are asked for some seconds after the session, again as
// the pool fills, and then as tunnels are built again along their paths; the
// LeaseSet is published and found, and a client that owes one is left.
func TestStockLife(t *testing.T) {
	eachVersion(t, 1, func(t *testing.T, r *rig, _ StockVersion) {
		c := newClient(t, 4)
		conn := r.dial(0)
		if conn.Extension() != 0 {
			t.Error("a stock router speaks the extension")
		}
		began := r.Now()
		s := c.create(conn, map[string]string{"inbound.quantity": "3", "outbound.quantity": "3"})
		m := await[*i2cp.RequestVariableLeaseSet](t, s)
		if took := r.Now().Sub(began); took < time.Second || took > 15*time.Second {
			t.Errorf("asked for leases after %v", took)
		}
		c.answer(r.Fleet, s, m)
		full := c.settle(r.Fleet, s, time.Minute)
		if full == nil || len(full.Leases) < 3 || len(full.Leases) > 5 {
			t.Fatalf("the full pool has %+v", full)
		}
		for i, l := range full.Leases {
			left := l.End.Time().Sub(r.Now())
			if left < 8*time.Minute || left > 10*time.Minute+2*time.Second || i > 0 && l.End.Time().After(full.Leases[i-1].End.Time().Add(2*time.Second)) {
				t.Errorf("lease %d has %v left", i, left)
			}
		}
		found := r.lookup(c.keys.Destination.B32())
		if len(found.Leases) != len(full.Leases) || !found.Leases[0].Alive {
			t.Errorf("the netDb has %+v", found)
		}
		reply, err := r.dial(0).HostLookup(t.Context(), i2cp.HostLookup{Session: i2cp.NoSession, Hash: c.keys.Destination.Hash(), Timeout: 10000})
		if err != nil {
			t.Errorf("lookup: %+v, %v", reply, err)
		}

		oldest := full.Leases[len(full.Leases)-1]
		again := await[*i2cp.RequestVariableLeaseSet](t, s)
		left := oldest.End.Time().Sub(r.Now())
		if again.Leases[0].Gateway != oldest.Gateway && again.Leases[0].Gateway != full.Leases[0].Gateway && again.Leases[0].Gateway != full.Leases[1].Gateway {
			t.Errorf("the new tunnel has another gateway: %+v", again.Leases[0])
		}
		if left < 5*time.Second || left > 45*time.Second {
			t.Errorf("asked again when the oldest lease had %v left", left)
		}
		waiting := time.Now()
		for m := range s.Messages() {
			t.Errorf("asked while a request is open: %+v", m)
		}
		if took := time.Since(waiting).Round(time.Millisecond); took != 10*time.Second {
			t.Errorf("the session ended after %v", took)
		}
		<-conn.Done()
		synctest.Wait() // the router has noticed too
		c.create(r.dial(0), nil)
	})
}

// TestStockSpacing: a LeaseSet given within 20 s of a publish waits, and the
// newest is sent.
func TestStockSpacing(t *testing.T) {
	eachVersion(t, 1, func(t *testing.T, r *rig, _ StockVersion) {
		c := newClient(t, 1)
		s := c.create(r.dial(0), map[string]string{"inbound.quantity": "1", "outbound.quantity": "1"})
		c.settle(r.Fleet, s, 80*time.Second) // published, and the spacing is over
		in := r.lookup(c.keys.Destination.B32()).Leases[0]
		gateway, err := wire.ParseHashBase64(in.Gateway)
		if err != nil {
			t.Fatal(err)
		}
		lease := []wire.Lease2{{Gateway: gateway, Tunnel: wire.TunnelID(in.Tunnel), End: wire.Seconds(in.End)}}
		c.give(r.Fleet, s, lease)
		first := int64(c.last)
		time.Sleep(5 * time.Second)
		if got := c.published(r.Fleet); got != first {
			t.Errorf("5 s later: published %d, want %d", got, first)
		}
		c.give(r.Fleet, s, lease)
		time.Sleep(2 * time.Second)
		c.give(r.Fleet, s, lease)
		last := int64(c.last)
		time.Sleep(11 * time.Second)
		if got := c.published(r.Fleet); got != first {
			t.Errorf("18 s after the publish: published %d, want %d", got, first)
		}
		time.Sleep(15 * time.Second)
		if got := c.published(r.Fleet); got != last {
			t.Errorf("33 s after it: published %d, want %d", got, last)
		}
	})
}

// TestStockNewest: a LeaseSet of another router with an older date loses, also
// against the verification of its publisher.
func TestStockNewest(t *testing.T) {
	inBubble(t, Config{Routers: 2, Stock: true}, func(t *testing.T, r *rig) {
		c := newClient(t, 1)
		options := map[string]string{"inbound.quantity": "1", "outbound.quantity": "1"}
		a, b := c.create(r.dial(0), options), c.create(r.dial(1), options)
		first := await[*i2cp.RequestVariableLeaseSet](t, a)
		c.answer(r.Fleet, a, first)
		old := await[*i2cp.RequestVariableLeaseSet](t, b)
		c.last = 0
		oldSet, keys := c.leaseSet(r.Now().Add(-2*time.Minute), []wire.Lease2{{
			Gateway: old.Leases[0].Gateway, Tunnel: old.Leases[0].Tunnel, End: wire.SecondsOf(old.Leases[0].End.Time()),
		}})
		if err := b.CreateLeaseSet2(t.Context(), wire.StoreLeaseSet2, oldSet, keys); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if got := r.lookup(c.keys.Destination.B32()); len(got.Leases) != 1 || got.Leases[0].Router != 0 {
			t.Errorf("the netDb has %+v", got)
		}
	})
}

// TestStockDuplicate: a Destination has one session on a router.
func TestStockDuplicate(t *testing.T) {
	inBubble(t, Config{Routers: 1, Stock: true}, func(t *testing.T, r *rig) {
		c := newClient(t, 1)
		c.create(r.dial(0), nil)
		var se *i2cp.StatusError
		if _, err := r.dial(0).CreateSession(t.Context(), c.keys, nil); !errors.As(err, &se) || se.Status != i2cp.SessionInvalid {
			t.Errorf("the second session: %v", err)
		}
	})
}

// TestStockPublic: dontPublishLeaseSet is inverted by 2.58 when a session is
// created, but not when it is reconfigured.
func TestStockPublic(t *testing.T) {
	for _, test := range []struct {
		version StockVersion
		create  string // value of the option, "" for none
		then    string // of a ReconfigureSession
		public  bool
	}{
		{Stock245, "", "", true},
		{Stock245, "true", "", false},
		{Stock245, "false", "", true},
		{Stock245, "true", "false", true},
		{Stock258, "", "", true},
		{Stock258, "true", "", true},
		{Stock258, "false", "", false},
		{Stock258, "1", "", true},
		{Stock258, "no", "", false},
		{Stock258, "true", "true", false},
		{Stock258, "false", "false", true},
	} {
		name := string(test.version) + " " + test.create + " " + test.then
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{Routers: 1, Stock: true, StockVersion: test.version}, func(t *testing.T, r *rig) {
				const option = "i2cp.dontPublishLeaseSet"
				options := map[string]string{"inbound.quantity": "1", "outbound.quantity": "1"}
				if test.create != "" {
					options[option] = test.create
				}
				c := newClient(t, 1)
				s := c.create(r.dial(0), options)
				if test.then != "" {
					if err := s.Reconfigure(t.Context(), map[string]string{option: test.then}); err != nil {
						t.Fatal(err)
					}
				}
				c.settle(r.Fleet, s, time.Minute)
				if got := c.published(r.Fleet) != 0; got != test.public {
					t.Errorf("published: %v, want %v", got, test.public)
				}
			})
		})
	}
}

// TestStockSetDate: 2.45 repeats the client's version.
func TestStockSetDate(t *testing.T) {
	for version, want := range map[StockVersion]string{Stock245: "0.9.50", Stock258: "0.9.67"} {
		t.Run(string(version), func(t *testing.T) {
			p := overTCP(t, Config{Routers: 1, Stock: true, StockVersion: version})
			conn, err := i2cp.Dial(t.Context(), p.addr[0], i2cp.Config{Version: "0.9.50", Extension: true})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Abort()
			if got := conn.RouterVersion(); got != want || conn.Extension() != 0 {
				t.Errorf("it says %q, want %q", got, want)
			}
			if off := conn.ClockOffset() - time.Until(p.Now()); off > time.Minute || off < -time.Minute {
				t.Errorf("the clock is off by %v", off)
			}
		})
	}
}

// TestStockUnready: what is given before there are tunnels 2.45 never publishes,
// 2.58 when there are.
func TestStockUnready(t *testing.T) {
	eachVersion(t, 1, func(t *testing.T, r *rig, v StockVersion) {
		c := newClient(t, 1)
		s := c.create(r.dial(0), nil)
		c.give(r.Fleet, s, []wire.Lease2{{Gateway: wire.Hash{1}, Tunnel: 2, End: wire.SecondsOf(r.Now()) + 500}})
		await[*i2cp.RequestVariableLeaseSet](t, s)
		time.Sleep(9 * time.Second)
		if got := c.published(r.Fleet) != 0; got != (v == Stock258) {
			t.Errorf("published: %v", got)
		}
	})
}

// TestStockReadiness: 2.45 asks for a LeaseSet without an outbound tunnel, 2.58
// looks for one every 5 s.
func TestStockReadiness(t *testing.T) {
	eachVersion(t, 1, func(t *testing.T, r *rig, v StockVersion) {
		c := newClient(t, 1)
		s := c.create(r.dial(0), map[string]string{"inbound.quantity": "1", "outbound.quantity": "1"})
		r.enter()
		x := r.services[c.keys.Destination.Hash()].sessions[0]
		x.stock.quantity[sim.Outbound] = 0 // it could not build one
		r.leave()
		time.Sleep(30 * time.Second)
		if got := len(s.Messages()) + btoi(s.Err() != nil); (got > 0) != (v == Stock245) {
			t.Errorf("asked: %d, %v", got, s.Err())
		}
		if v == Stock245 {
			return
		}
		r.enter()
		x.stock.quantity[sim.Outbound] = 1
		r.leave()
		c.answer(r.Fleet, s, await[*i2cp.RequestVariableLeaseSet](t, s))
	})
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestStockPins: explicitPeers is the path of one tunnel in each direction, of
// which a session with fewer hops uses the first ones; reconfiguring changes
// number and length, and not the list.
func TestStockPins(t *testing.T) {
	inBubble(t, Config{Routers: 1, Stock: true}, func(t *testing.T, r *rig) {
		var peers []wire.Hash
		list := ""
		for id := range sim.PeerID(4) {
			peers = append(peers, r.hash(1000+id))
			list += "," + r.hash(1000+id).String()
		}
		c := newClient(t, 1)
		s := c.create(r.dial(0), map[string]string{"explicitPeers": list[1:], "inbound.quantity": "3"})
		m := c.settle(r.Fleet, s, time.Minute)
		if len(m.Leases) != 1 || m.Leases[0].Gateway != peers[2] {
			t.Errorf("leases %+v, want one at %v", m.Leases, peers[2])
		}
		if err := s.Reconfigure(t.Context(), map[string]string{"inbound.quantity": "2", "inbound.length": "4", "explicitPeers": ""}); err != nil {
			t.Fatal(err)
		}
		m = c.settle(r.Fleet, s, time.Minute)
		if len(m.Leases) < 2 || m.Leases[0].Gateway != peers[3] {
			t.Errorf("leases %+v, want the first one at %v", m.Leases, peers[3])
		}
	})
}

// TestStockSend: what becomes of a message is not known beyond the router: all
// that leaves is a success.
func TestStockSend(t *testing.T) {
	eachVersion(t, 2, func(t *testing.T, r *rig, v StockVersion) {
		c, d := newClient(t, 1), newClient(t, 2)
		conn := r.dial(0)
		s, to := c.create(conn, nil), d.create(r.dial(1), nil)
		message := func() (states []i2cp.MessageState) {
			t.Helper()
			info := i2cp.PayloadInfo{Protocol: i2cp.ProtocolRaw}
			if _, err := s.SendMessage(t.Context(), d.keys.Destination.Bytes(), info, []byte("hello"), true); err != nil {
				t.Fatal(err)
			}
			for len(states) == 0 || states[len(states)-1] == i2cp.MessageAccepted {
				states = append(states, await[*i2cp.MessageStatus](t, s).Status)
			}
			return states
		}
		early := message()
		if want := map[StockVersion]i2cp.MessageState{Stock245: i2cp.MessageNoLeaseSet, Stock258: i2cp.MessageNoLocalTunnels}[v]; early[len(early)-1] != want {
			t.Errorf("before there are tunnels: %v, want %v", early, want)
		}
		for range 6 {
			c.settle(r.Fleet, s, 5*time.Second)
			d.settle(r.Fleet, to, 5*time.Second)
		}
		if got := message(); len(got) != 2 || got[0] != i2cp.MessageAccepted || got[1] != i2cp.MessageSuccess {
			t.Errorf("sent: %v", got)
		}
		await[*i2cp.MessagePayload](t, to)
		r.Routers()[1].Kill()
		if got := message(); got[len(got)-1] != i2cp.MessageSuccess {
			t.Errorf("to a dead router: %v", got)
		}
		if reply, err := conn.HostLookup(t.Context(), i2cp.HostLookup{Session: s.ID(), Kind: i2cp.LookupHashWithOptions, Hash: c.keys.Destination.Hash()}); reply == nil || reply.Code != i2cp.LookupFailed {
			t.Errorf("a lookup that i2pd does not know: %+v, %v", reply, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-conn.Done() // which i2pd closes
	})
}

// TestStockFrozen: a request that went unanswered because the router slept does
// not end the session before it wakes.
func TestStockFrozen(t *testing.T) {
	inBubble(t, Config{Routers: 1, Stock: true}, func(t *testing.T, r *rig) {
		c := newClient(t, 1)
		conn := r.dial(0)
		s := c.create(conn, nil)
		await[*i2cp.RequestVariableLeaseSet](t, s)
		r.Routers()[0].Freeze()
		time.Sleep(5 * time.Minute)
		if conn.Err() != nil || len(s.Messages()) != 0 {
			t.Errorf("while it sleeps: %d messages, %v", len(s.Messages()), conn.Err())
		}
		if err := r.Routers()[0].Revive(); err != nil {
			t.Fatal(err)
		}
		<-conn.Done()
	})
}

// TestStockTCP: a stock router at a port, whose client follows it until its pool
// has filled for a second round.
func TestStockTCP(t *testing.T) {
	p := overTCP(t, Config{Routers: 1, Stock: true, StockVersion: Stock245})
	c := newClient(t, 1)
	s := c.create(p.dial(0), map[string]string{"inbound.quantity": "4"})
	for {
		m := await[*i2cp.RequestVariableLeaseSet](t, s)
		c.answer(p.Fleet, s, m)
		if len(m.Leases) >= 2 {
			break
		}
	}
	for !c.found(p.Fleet) { // it is on its way
		if _, err := s.Conn().BandwidthLimits(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *client) found(f *Fleet) bool { return *f.lookup(c.keys.Destination.B32()).Found }

// TestI2pdKind: a router with the extension that builds and publishes as i2pd
// does.
func TestI2pdKind(t *testing.T) {
	cfg := Config{Routers: 1, World: DefaultWorld()}
	cfg.World.Destination.Routers[0].Kind = sim.I2pd
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		c := newClient(t, 1)
		conn := r.dial(0)
		list, err := conn.Capabilities(t.Context())
		if err != nil || list.Kind != i2cp.KindI2pd || list.Capabilities&(i2cp.CapFastTier|i2cp.CapPublishNamed) != 0 {
			t.Fatalf("capabilities %+v, %v", list, err)
		}
		s, err := conn.OpenSession(t.Context(), c.keys, nil, 0, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, s, &i2cp.GetFastTier{Session: s.ID(), Request: 1}, i2cp.ErrorUnsupported)
		var ins []i2cp.Tunnel
		for dir := range i2cp.Direction(2) {
			send(t, s, &i2cp.CreateTunnel{Session: s.ID(), Request: 2, Direction: dir, Hops: 2})
			got := await[*i2cp.TunnelStatus](t, s)
			if got.Result != i2cp.ResultOK || got.Tunnel.Hops != 2 {
				t.Fatalf("built %+v", got)
			}
			ins = append(ins, got.Tunnel)
		}
		c.publish(r.Fleet, s, 3, ins[0])
		var ended [2]time.Duration
		for range 2 {
			m := await[*i2cp.TunnelExpired](t, s)
			ended[m.Direction] = m.Date.Time().Sub(ins[m.Direction].Expires.Time())
		}
		for dir, late := range ended {
			if late < time.Minute || late > 80*time.Second {
				t.Errorf("%v: gone %v after its end, want 60 to 75 s", i2cp.Direction(dir), late)
			}
		}
	})
}
