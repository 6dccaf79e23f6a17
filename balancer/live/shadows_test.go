package live_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
	"multihome.i2p/sim/fleet"
)

// overheard is what went to the routers through taps.
type overheard struct {
	mu     sync.Mutex
	stood  int      // publishes with a lease that stands for a tunnel of the router's own
	faults []string // what must not be
}

// tapped puts a tap before the I2CP port at address and returns the tap's.
func tapped(t *testing.T, address string, o *overheard) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			router, err := net.Dial("tcp", address)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() {
				_, _ = io.Copy(client, router)
				_ = client.Close()
			}()
			go func() {
				defer func() { _ = router.Close() }()
				in := io.TeeReader(client, router)
				if _, err := io.ReadFull(in, make([]byte, 1)); err != nil { // of the protocol
					return
				}
				r := i2cp.NewReader(in, i2cp.MaxFrame)
				var said i2cp.SetShadows
				for {
					typ, body, err := r.Next()
					if err != nil {
						return
					}
					o.hear(typ, body, &said)
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// hear looks at a message to a router; said is what the last SetShadows said.
func (o *overheard) hear(typ i2cp.Type, body []byte, said *i2cp.SetShadows) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch typ {
	case i2cp.TypeSetShadows:
		if err := said.Parse(body); err != nil {
			o.faults = append(o.faults, err.Error())
		}
	case i2cp.TypePublishLeaseSet:
		var m i2cp.PublishLeaseSet
		err := m.Parse(body)
		ls, rest, err2 := wire.ParseLeaseSet2(m.LeaseSet)
		if err = errors.Join(err, err2); err != nil || len(rest) > 0 {
			o.faults = append(o.faults, fmt.Sprintf("PublishLeaseSet: %v", err))
			return
		}
		if said.Published != ls.Published || len(said.Shadows) != len(ls.Leases) {
			o.faults = append(o.faults, fmt.Sprintf("a LeaseSet of %d with %d leases, after %+v", ls.Published, len(ls.Leases), said))
			return
		}
		for _, id := range said.Shadows {
			if id != i2cp.ShadowNone && id != i2cp.ShadowSilent {
				o.stood++
				break
			}
		}
	}
}

// Policy mimic over two routers with the extension: each LeaseSet that is published
// comes after what its leases stand for, and the routers take it.
func TestShadows(t *testing.T) {
	slow(t)
	t.Parallel()
	f := newFleet(t, fleet.Config{Routers: 2})
	cfg := config(t, f, 2, live.Policy{Name: "mimic"})
	var heard overheard
	for i := range cfg.Routers {
		cfg.Routers[i].Address = tapped(t, cfg.Routers[i].Address, &heard)
	}
	s, stop := run(t, cfg)
	until(t, 3*time.Minute, "a publish with shadows", func() bool {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		return heard.stood > 0 || len(heard.faults) > 0
	})
	until(t, 2*time.Minute, "a LeaseSet that the netDb has", func() bool { return s.Status().Destinations[0].Confirmed > 0 })
	stop()
	for _, fault := range heard.faults {
		t.Error(fault)
	}
	log, err := os.ReadFile(cfg.Destinations[0].Record)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := live.Replay(bytes.NewReader(log), nil); err != nil {
		t.Errorf("replay: %d records, %v", n, err)
	}
}
