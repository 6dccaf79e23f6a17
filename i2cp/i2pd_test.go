package i2cp

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
	"multihome.i2p/internal/console"
	"multihome.i2p/internal/testnet"
)

// TestI2pd speaks to real routers, in a network namespace of their own.
//
//	go test -run TestI2pd -v ./i2cp            # where i2pd and root are to be had
//	go test -run TestI2pd -update ./i2cp       # and rewrite testdata/i2pd.txt
func TestI2pd(t *testing.T) {
	if !testnet.Inside(t) {
		return
	}
	n := testnet.StartTest(t, testnet.Options{Routers: 6})
	runI2pd(t, n)
}

// A tapped connection keeps what went over it.
type tapped struct {
	net.Conn
	in, out bytes.Buffer
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Write(b[:n])
	return n, err
}

func (c *tapped) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.out.Write(b[:n])
	return n, err
}

// end is one Destination on one real router.
type end struct {
	t    *testing.T
	tap  *tapped
	conn *Conn
	s    *Session
	keys wire.PrivateKeyFile
	enc  *ecdh.PrivateKey

	asked  chan struct{}                           // closed at the first request for a LeaseSet
	other  chan Message                            // what else came
	latest atomic.Pointer[RequestVariableLeaseSet] // the last request
	serial wire.Seconds                            // of the last LeaseSet made, under mu
	mu     sync.Mutex
}

func newEnd(t *testing.T, router *testnet.Router, n byte) *end {
	t.Helper()
	nc, err := net.Dial("tcp", router.I2CP())
	if err != nil {
		t.Fatal(err)
	}
	e := &end{
		t: t, tap: &tapped{Conn: nc}, keys: testKeys(t, n), asked: make(chan struct{}), other: make(chan Message, 100),
	}
	if e.enc, err = ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{n}, 32)); err != nil {
		t.Fatal(err)
	}
	// The extension is offered, to see that a stock router ignores it.
	if e.conn, err = NewConn(t.Context(), e.tap, Config{Extension: true}); err != nil {
		t.Fatal(err)
	}
	if e.conn.Extension() != 0 {
		t.Error("a stock router speaks the extension")
	}
	e.s, err = e.conn.CreateSession(t.Context(), e.keys, map[string]string{
		"inbound.length": "1", "outbound.length": "1", "inbound.quantity": "2", "outbound.quantity": "2",
		"i2cp.leaseSetType": "3", "i2cp.leaseSetEncType": "4", "i2cp.fastReceive": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	go e.pump()
	return e
}

// pump answers requests for a LeaseSet at once: i2pd waits 10 s for it.
func (e *end) pump() {
	defer close(e.other)
	first := true
	for m := range e.s.Messages() {
		r, ok := m.(*RequestVariableLeaseSet)
		if !ok {
			e.other <- m
			continue
		}
		e.latest.Store(r)
		if err := e.answer(r); err != nil {
			e.t.Error(err)
		}
		if first {
			close(e.asked)
			first = false
		}
	}
}

// answer makes and publishes a LeaseSet2 with the leases asked for.
func (e *end) answer(m *RequestVariableLeaseSet) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := max(wire.SecondsOf(time.Now()), e.serial+1) // no two are published in one second
	e.serial = now
	ls := &wire.LeaseSet2{
		LeaseSet2Header: wire.LeaseSet2Header{Destination: e.keys.Destination, Published: now},
		EncryptionKeys:  []wire.EncryptionKey{{Type: wire.EncX25519, Key: e.enc.PublicKey().Bytes()}},
	}
	for _, l := range m.Leases {
		end := wire.SecondsOf(l.End.Time())
		ls.Leases = append(ls.Leases, wire.Lease2{Gateway: l.Gateway, Tunnel: l.Tunnel, End: end})
		ls.Expires = max(ls.Expires, uint16(end-now))
	}
	key, err := e.keys.Signer()
	if err != nil {
		return err
	}
	if err := ls.Sign(key); err != nil {
		return err
	}
	b, err := ls.Append(nil)
	if err != nil {
		return err
	}
	return e.s.CreateLeaseSet2(e.t.Context(), wire.StoreLeaseSet2, b, []PrivateKey{{wire.EncX25519, e.enc.Bytes()}})
}

// next returns the next message that is no request for a LeaseSet, nil if none
// comes.
func (e *end) next(d time.Duration) Message {
	select {
	case m := <-e.other:
		return m
	case <-time.After(d):
		return nil
	}
}

// ready waits for the first request for a LeaseSet.
func (e *end) ready() {
	e.t.Helper()
	select {
	case <-e.asked:
	case <-e.conn.Done():
		e.t.Fatal(e.conn.Err())
	case <-time.After(90 * time.Second):
		e.t.Fatal("no tunnels within 90 s")
	}
}

func runI2pd(t *testing.T, network *testnet.Network) {
	began := time.Now()
	routers := network.Routers()
	a, b := newEnd(t, routers[0], 1), newEnd(t, routers[4], 2)
	ctx := t.Context()
	t.Logf("router version %s, clock off by %v", a.conn.RouterVersion(), a.conn.ClockOffset())
	if _, err := a.conn.BandwidthLimits(ctx); err != nil {
		t.Error(err)
	}
	if err := a.s.Reconfigure(ctx, map[string]string{"inbound.quantity": "3"}); err != nil {
		t.Error(err)
	}
	// The same Destination twice on one router.
	nc, err := net.Dial("tcp", routers[0].I2CP())
	if err != nil {
		t.Fatal(err)
	}
	tap := &tapped{Conn: nc}
	again, err := NewConn(ctx, tap, Config{Version: "0.9.40", Username: "user", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("router version %s to a client of 0.9.40", again.RouterVersion())
	var se *StatusError
	if _, err := again.CreateSession(ctx, a.keys, nil); !errors.As(err, &se) || se.Status != SessionInvalid {
		t.Errorf("the same Destination twice: %v", err)
	}
	_ = again.Close()
	a.ready()
	b.ready()
	t.Logf("both have tunnels after %.1f s", time.Since(began).Seconds())

	found := false
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		reply, err := a.conn.HostLookup(ctx, HostLookup{Kind: LookupHash, Hash: b.keys.Destination.Hash()})
		if err == nil {
			found = bytes.Equal(reply.Destination, b.keys.Destination.Bytes())
			break
		}
		var le *LookupError
		if !errors.As(err, &le) {
			t.Fatal(err)
		}
		// i2pd 2.45.1 may ask for a LeaseSet before it has an outbound tunnel,
		// does then not publish it (Destination.cpp, Publish: "Destination is not
		// ready"), and does not come back to it: one has to give it again.
		<-time.After(2 * time.Second)
		if err := b.answer(b.latest.Load()); err != nil {
			t.Fatal(err)
		}
	}
	if !found {
		t.Error("the published LeaseSet was not found")
	}
	t.Logf("LeaseSet found after %.1f s", time.Since(began).Seconds())
	if found {
		checkFloodfills(t, network, b)
	}
	var le *LookupError
	if _, err := a.conn.HostLookup(ctx, HostLookup{Kind: LookupName, Name: "nobody.i2p"}); !errors.As(err, &le) {
		t.Errorf("HostLookup of nobody: %v", err)
	}

	got := 0
	info := PayloadInfo{FromPort: 7, ToPort: 8, Protocol: ProtocolRaw}
	for i := 0; i < 20 && got < 3; i++ {
		text := fmt.Sprintf("message %d", i)
		if i == 1 {
			b := AppendPayload(nil, info, []byte(text))
			err = a.s.Send(ctx, &SendMessageExpires{
				Session: a.s.ID(), Destination: testKeys(t, 2).Destination.Bytes(), Payload: b, Nonce: 1000,
				Flags: SendNoLeaseSet, Expiration: wire.DateOf(time.Now().Add(time.Minute)),
			})
		} else {
			_, err = a.s.SendMessage(ctx, b.keys.Destination.Bytes(), info, []byte(text), true)
		}
		if err != nil {
			t.Fatal(err)
		}
		for m := b.next(3 * time.Second); m != nil; m = b.next(100 * time.Millisecond) {
			p, ok := m.(*MessagePayload)
			if !ok {
				continue
			}
			gotInfo, data, err := ParsePayload(nil, p.Payload, 1<<16)
			if err != nil || gotInfo != info || !strings.HasPrefix(string(data), "message ") {
				t.Errorf("%v %q %v", gotInfo, data, err)
			}
			got++
		}
		for m := a.next(100 * time.Millisecond); m != nil; m = a.next(100 * time.Millisecond) {
			if st, ok := m.(*MessageStatus); ok {
				t.Logf("nonce %d: %v", st.Nonce, st.Status)
			}
		}
	}
	if got < 3 {
		t.Errorf("%d messages arrived, want 3", got)
	}
	t.Logf("%d messages arrived after %.1f s", got, time.Since(began).Seconds())
	if d, err := a.conn.DestLookup(ctx, b.keys.Destination.Hash()); err != nil || !bytes.Equal(d, b.keys.Destination.Bytes()) {
		t.Errorf("DestLookup: %v", err)
	}
	if _, err := a.conn.DestLookup(ctx, wire.Hash{1}); !errors.As(err, &le) {
		t.Errorf("DestLookup of nobody: %v", err)
	}

	// DestroySession, answered by i2pd with SessionStatus and the connection's end.
	if err := a.conn.link.send(ctx, &DestroySession{Session: a.s.ID()}); err != nil {
		t.Fatal(err)
	}
	<-a.conn.Done()
	_ = a.conn.Close()
	_ = b.conn.Close()
	if *update {
		writeCapture(t, network.Version(), a, b, &end{tap: tap, conn: again})
	}
}

// checkFloodfills looks for the LeaseSet on the consoles of the floodfills.
func checkFloodfills(t *testing.T, network *testnet.Network, e *end) {
	t.Helper()
	if *update {
		capturePages(t, network)
	}
	holders := 0
	for _, r := range network.Routers() {
		sets, err := r.Console().LeaseSets(t.Context())
		if !r.Floodfill() {
			if !errors.Is(err, console.ErrNotFloodfill) {
				t.Errorf("LeaseSets of %s: %v", r.Name(), err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range sets {
			if s.Destination != e.keys.Destination.Hash() {
				continue
			}
			holders++
			if s.StoreType != wire.StoreLeaseSet2 || s.Expired || s.Invalid {
				t.Errorf("%s holds %+v", r.Name(), s)
			}
			for _, l := range s.Leases {
				known := slices.ContainsFunc(network.Routers(), func(r *testnet.Router) bool { return r.Hash() == l.Gateway })
				if left := time.Until(l.End); !known || l.Tunnel == 0 || left < 0 || left > 11*time.Minute {
					t.Errorf("%s holds the lease %+v", r.Name(), l)
				}
			}
		}
	}
	if holders == 0 {
		t.Error("no floodfill shows the LeaseSet")
	}
}

// capturePages keeps pages of web consoles for internal/console.
func capturePages(t *testing.T, network *testnet.Network) {
	t.Helper()
	routers := network.Routers()
	for _, p := range []struct {
		name, page string
		router     *testnet.Router
	}{
		{"leasesets", "?page=leasesets", routers[0]},
		{"leasesets-no-floodfill", "?page=leasesets", routers[5]},
		{"tunnels", "?page=tunnels", routers[4]},
		{"transports", "?page=transports", routers[4]},
		{"main", "", routers[4]},
	} {
		resp, err := http.Get(p.router.ConsoleURL() + p.page)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := "../internal/console/testdata/" + p.name + "-" + network.Version() + ".html"
		if err := os.WriteFile(name, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// writeCapture keeps what went over both connections, for TestCaptured. Of each
// type and direction the first few are kept.
func writeCapture(t *testing.T, version string, ends ...*end) {
	t.Helper()
	var w bytes.Buffer
	fmt.Fprintf(&w, "# Captured at the I2CP port of i2pd %s by TestI2pd -update.\n", version)
	fmt.Fprintf(&w, "# \"<\" was sent by the router, \">\" by this package and accepted by the router.\n")
	kept := make(map[string]int)
	for _, e := range ends {
		for _, way := range []string{"<", ">"} {
			stream := e.tap.in.Bytes()
			if way == ">" {
				stream = e.tap.out.Bytes()[1:]
			}
			for r := NewReader(bytes.NewReader(stream), MaxFrame); ; {
				typ, body, err := r.Next()
				if err != nil {
					break
				}
				key := way + typ.String()
				if kept[key]++; kept[key] <= 3 || typ == TypeSessionStatus {
					fmt.Fprintf(&w, "%s %v %x\n", way, typ, body)
				}
			}
		}
	}
	lines := strings.SplitAfter(w.String(), "\n")
	if err := os.WriteFile("testdata/i2pd.txt", []byte(strings.Join(slices.Compact(lines), "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
