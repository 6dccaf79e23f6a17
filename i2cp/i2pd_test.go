package i2cp

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
)

// A private network of real routers: Debian's i2pd, some of them, in a network
// namespace that has nothing but a loopback device, so that no packet can leave.
// The test runs itself again inside of the namespace.
//
//	go test -run TestI2pd -v ./i2cp            # where i2pd and root are to be had
//	go test -run TestI2pd -update ./i2cp       # and rewrite testdata/i2pd.txt
const i2pdInner = "MULTIHOME_I2PD_INNER"

func TestI2pd(t *testing.T) {
	if os.Getenv(i2pdInner) != "" {
		runI2pd(t)
		return
	}
	if testing.Short() {
		t.Skip("SKIPPED, not run against a real i2pd: -short")
	}
	for _, program := range []string{"i2pd", "unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED, not run against a real i2pd: %v", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, not run against a real i2pd: a network namespace needs root")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	args := []string{"-n", self, "-test.run=^TestI2pd$", "-test.v", "-test.timeout=4m"}
	if *update {
		args = append(args, "-update")
	}
	cmd := exec.CommandContext(ctx, "unshare", args...)
	cmd.Env = append(os.Environ(), i2pdInner+"=1")
	out, err := cmd.CombinedOutput()
	switch {
	case bytes.Contains(out, []byte("unshare failed")):
		t.Skipf("SKIPPED, not run against a real i2pd: %s", out)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	default:
		t.Logf("%s", out)
	}
}

const (
	i2pdRouters = 6
	i2pdPort    = 7654
)

func i2pdAddress(i int) string { return fmt.Sprintf("198.18.0.%d", 10+i) }

func i2pdI2CP(i int) string { return net.JoinHostPort(i2pdAddress(i), strconv.Itoa(i2pdPort)) }

// startI2pd starts a router; it ends with the test.
func startI2pd(t *testing.T, dir string) (stop func()) {
	t.Helper()
	cmd := exec.Command("i2pd", "--conf="+filepath.Join(dir, "i2pd.conf"), "--datadir="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func writeI2pdConf(t *testing.T, dir string, i int) {
	t.Helper()
	conf := fmt.Sprintf(`netid = 77
host = %[1]s
address4 = %[1]s
port = 9000
nat = false
ipv4 = true
ipv6 = false
reservedrange = false
floodfill = %[2]t
bandwidth = X
share = 100
daemon = false
log = file
logfile = %[3]s/log
loglevel = info
[ntcp2]
enabled = true
published = true
[ssu2]
enabled = false
[reseed]
threshold = 0
urls =
yggurls =
[nettime]
enabled = false
frompeers = false
[upnp]
enabled = false
[meshnets]
yggdrasil = false
[addressbook]
enabled = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[bob]
enabled = false
[sam]
enabled = false
[i2cp]
enabled = true
address = %[1]s
port = %[4]d
[limits]
transittunnels = 5000
[exploratory]
inbound.length = 2
inbound.quantity = 3
outbound.length = 2
outbound.quantity = 3
`, i2pdAddress(i), i < 3, dir, i2pdPort)
	if err := os.WriteFile(filepath.Join(dir, "i2pd.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
}

// within waits for something that happens soon.
func within(t *testing.T, d time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); !ok(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, d)
		}
	}
}

// startNetwork starts the routers, which know each other.
func startNetwork(t *testing.T) {
	t.Helper()
	run := func(args ...string) {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	run("ip", "link", "set", "lo", "up")
	base := t.TempDir()
	dirs := make([]string, i2pdRouters)
	infos := make([][]byte, i2pdRouters)
	for i := range dirs {
		run("ip", "addr", "add", i2pdAddress(i)+"/32", "dev", "lo")
		dirs[i] = filepath.Join(base, fmt.Sprint(i))
		if err := os.Mkdir(dirs[i], 0o700); err != nil {
			t.Fatal(err)
		}
		writeI2pdConf(t, dirs[i], i)
	}
	stops := make([]func(), i2pdRouters)
	for i, dir := range dirs {
		stops[i] = startI2pd(t, dir)
	}
	for i, dir := range dirs {
		within(t, 30*time.Second, "router.info", func() bool {
			b, err := os.ReadFile(filepath.Join(dir, "router.info"))
			infos[i] = b
			return err == nil && len(b) > 400
		})
		stops[i]()
	}
	for i, dir := range dirs {
		for j, info := range infos {
			if i == j {
				continue
			}
			id, _, err := wire.ParseRouterIdentity(info)
			if err != nil {
				t.Fatal(err)
			}
			hash := id.Hash().String()
			shelf := filepath.Join(dir, "netDb", "r"+hash[:1])
			if err := os.MkdirAll(shelf, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(shelf, "routerInfo-"+hash+".dat"), info, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, dir := range dirs {
		t.Cleanup(startI2pd(t, dir))
		within(t, 30*time.Second, "I2CP port", func() bool {
			nc, err := net.Dial("tcp", i2pdI2CP(i))
			if err == nil {
				_ = nc.Close()
			}
			return err == nil
		})
		// All at once leaves dead links (simultaneous open).
		<-time.After(1200 * time.Millisecond)
	}
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

func newEnd(t *testing.T, router int, n byte) *end {
	t.Helper()
	nc, err := net.Dial("tcp", i2pdI2CP(router))
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

func runI2pd(t *testing.T) {
	startNetwork(t)
	a, b := newEnd(t, 0, 1), newEnd(t, 4, 2)
	ctx := t.Context()
	t.Logf("router version %s, clock off by %v", a.conn.RouterVersion(), a.conn.ClockOffset())
	if _, err := a.conn.BandwidthLimits(ctx); err != nil {
		t.Error(err)
	}
	if err := a.s.Reconfigure(ctx, map[string]string{"inbound.quantity": "3"}); err != nil {
		t.Error(err)
	}
	// The same Destination twice on one router.
	nc, err := net.Dial("tcp", i2pdI2CP(0))
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

	found := false
	for range 10 {
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
	t.Logf("%d messages arrived", got)
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
		writeCapture(t, a, b, &end{tap: tap, conn: again})
	}
}

// writeCapture keeps what went over both connections, for TestCaptured. Of each
// type and direction the first few are kept.
func writeCapture(t *testing.T, ends ...*end) {
	t.Helper()
	var w bytes.Buffer
	version, err := exec.Command("i2pd", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ = bytes.Cut(version, []byte("\n"))
	fmt.Fprintf(&w, "# Captured at the I2CP port of Debian's %s by TestI2pd -update.\n", version)
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
