package testnet

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"multihome.i2p/internal/console"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestConf(t *testing.T) {
	for name, i := range map[string]int{"floodfill": 0, "router": 11} {
		o := Options{Dir: "/somewhere/net", Routers: 12, Floodfills: 3, LogLevel: "info", SSU2: i > 0}
		got := o.conf(i)
		path := "testdata/" + name + ".conf"
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, got\n%s", path, err, got)
		}
	}
}

func TestNoTransit(t *testing.T) {
	o := Options{Dir: "/somewhere/net", Routers: 12, Floodfills: 3, NoTransit: []int{4}}
	const line = "notransit = true\n"
	if with, without := o.conf(4), o.conf(5); !bytes.Contains(with, []byte(line)) || bytes.Contains(without, []byte(line)) {
		t.Errorf("with it\n%s\nwithout it\n%s", with, without)
	}
}

func TestOptions(t *testing.T) {
	i2pd, err := os.Executable() // any program will do
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o, err := Options{Dir: dir, I2pd: i2pd}.withDefaults()
	if err != nil || o.Routers != 12 || o.Floodfills != 3 || o.LogLevel != "info" {
		t.Errorf("%+v %v", o, err)
	}
	if o, err = (Options{Dir: dir, I2pd: i2pd, Routers: 3}).withDefaults(); err != nil || o.Floodfills != 2 {
		t.Errorf("%+v %v", o, err)
	}
	for _, bad := range []Options{
		{I2pd: i2pd},
		{Dir: dir, I2pd: "/nowhere/i2pd"},
		{Dir: dir, I2pd: i2pd, Routers: 2},
		{Dir: dir, I2pd: i2pd, Routers: 201},
		{Dir: dir, I2pd: i2pd, Routers: 5, Floodfills: 6},
		{Dir: dir, I2pd: i2pd, Floodfills: -1},
		{Dir: "a\nb", I2pd: i2pd},
		{Dir: dir, I2pd: i2pd, Stagger: -1},
		{Dir: dir, I2pd: i2pd, Routers: 5, NoTransit: []int{5}},
	} {
		if o, err := bad.withDefaults(); err == nil {
			t.Errorf("%+v was taken as %+v", bad, o)
		}
	}
	t.Setenv(EnvI2pd, i2pd)
	if got, err := FindI2pd(""); err != nil || got != i2pd {
		t.Errorf("by the environment: %s %v", got, err)
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"i2pd version 2.45.1 (0.9.57)\nBoost version 1.74.0\n": "2.45.1",
		"i2pd version 2.58.0-12-g59b50e7c (0.9.67)\n":          "2.58.0",
	} {
		if v, err := parseVersion([]byte(text)); err != nil || v.String() != want {
			t.Errorf("%q: %v %v", text, v, err)
		}
	}
	if v, err := parseVersion([]byte("i2p 2.8.0\n")); err == nil {
		t.Errorf("taken as %v", v)
	}
}

func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	f, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	var de *DirError
	if _, err := claim(dir); !errors.Is(err, ErrRunning) || !errors.As(err, &de) || de.Mend == "" {
		t.Errorf("claimed twice: %v", err)
	}
	if _, err := Status(dir); !errors.Is(err, ErrRunning) {
		t.Errorf("status of a network of another process: %v", err)
	}
	if err := Down(t.Context(), dir); !errors.Is(err, ErrRunning) {
		t.Errorf("down of a network of another process: %v", err)
	}
	_ = f.Close()
	// What an earlier network has left goes; what is not its own stays.
	for _, name := range []string{"r0", "r17", "mine"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "netDb"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{stateName, "r1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if f, err = claim(dir); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"mine", "r1", lockName}; err != nil || !slices.Equal(names, want) {
		t.Errorf("left: %q %v, want %q", names, err, want)
	}
	if _, err := Status(t.TempDir()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status of an empty directory: %v", err)
	}
}

func TestState(t *testing.T) {
	self, state, ok := processOf(os.Getpid())
	if !ok || self.PID != os.Getpid() || self.Start == 0 || !strings.ContainsRune("RSD", rune(state)) {
		t.Fatalf("%+v %c %v", self, state, ok)
	}
	// The same process by number, of another start: it must not be ended.
	other := exec.Command("sleep", "60")
	p, err := startProcess(other, nil)
	if err != nil {
		t.Skip(err)
	}
	defer p.kill()
	now, _, ok := processOf(p.pid)
	if !ok {
		t.Fatal("a process that has just been started is not there")
	}
	stale := Process{PID: now.PID, Start: now.Start - 1}
	if _, ok := stale.alive(); ok {
		t.Error("a process was taken for an earlier one of the same id")
	}
	if err := stale.kill(); err != nil {
		t.Error(err)
	}

	dir := t.TempDir()
	d := &Detached{
		Format: stateFormat, Version: stateVersion, Dir: dir, I2pd: "/usr/sbin/i2pd", I2pdVer: "2.45.1",
		Started: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), Ready: true, Supervisor: stale,
		Routers: []DetachedRouter{{Name: "r0", State: StateRunning, Process: stale}, {Name: "r1", State: StateRunning, Process: now}},
	}
	if err := d.write(); err != nil {
		t.Fatal(err)
	}
	got, err := readState(dir)
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v %v", got, err)
	}
	got, err = Status(dir)
	if !errors.Is(err, ErrNotRunning) || got.Router("r0").State != StateDown || got.Router("r1").State != StateRunning || got.Supervisor.PID != 0 {
		t.Errorf("%+v %v", got, err)
	}
	// Down ends what has outlived its supervisor, and nothing else.
	d.Routers = d.Routers[:1]
	if err := d.write(); err != nil {
		t.Fatal(err)
	}
	if err := Down(t.Context(), dir); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
	if done, _ := p.ended(); done {
		t.Error("another's process was ended")
	}
	for _, text := range []string{"", "{}", `{"format":"multihome-testnet","version":2}`, `{"format":"multihome-testnet","version":1,"x":1}`} {
		if err := os.WriteFile(filepath.Join(dir, stateName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := Status(dir); err == nil || errors.Is(err, ErrNotRunning) || d != nil {
			t.Errorf("%q: %+v %v", text, d, err)
		}
	}
}

func TestParseStat(t *testing.T) {
	const tail = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20"
	if p, state, ok := parseStat(7, "7 (a) Z (b) S"+tail); !ok || state != 'S' || p != (Process{7, 4711}) {
		t.Errorf("%+v %c %v", p, state, ok)
	}
	for _, bad := range []string{"", "7 (a)", "7 (a) S 1 2", "7 (a) Z" + tail} {
		if p, _, ok := parseStat(7, bad); ok {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

func TestRelay(t *testing.T) {
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	server := listen()
	defer func() { _ = server.Close() }()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				// All is read before anything is answered: half-closing has to work.
				b, _ := io.ReadAll(c)
				_, _ = c.Write(bytes.ToUpper(b))
				_ = c.Close()
			}()
		}
	}()
	front := listen()
	r := startRelay(front, server.Addr().String())
	big := strings.Repeat("0123456789abcdef", 1<<16)
	c, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(big)); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); err != nil || string(b) != strings.ToUpper(big) {
		t.Errorf("%d bytes came back, %v", len(b), err)
	}
	_ = c.Close()

	// Nothing listens: the connection ends. The relay ends with one that is open.
	dead := listen()
	_ = dead.Close()
	broken := startRelay(listen(), dead.Addr().String())
	if c, err = net.Dial("tcp", broken.ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(c); len(b) > 0 {
		t.Errorf("%q %v", b, err)
	}
	broken.close()
	if c, err = net.Dial("tcp", front.Addr().String()); err != nil {
		t.Fatal(err)
	}
	r.close()
	if _, err := io.ReadAll(c); err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", front.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("the port is left")
	}
}

func TestCompare(t *testing.T) {
	to := func(i int) console.SessionView {
		return console.SessionView{Remote: netip.AddrPortFrom(netip.MustParseAddr(routerAddress(i)), 9000)}
	}
	// 0 and 1 are connected, 2 lists 0 only, 3 does not answer, 4 nobody.
	one, none := compare([][]console.SessionView{{to(1)}, {to(0)}, {to(0), to(3)}, nil, {}})
	if want := []pair{{0, 2}}; !slices.Equal(one, want) {
		t.Errorf("one-sided: %v, want %v", one, want)
	}
	if want := []pair{{1, 2}, {0, 4}, {1, 4}, {2, 4}}; !slices.Equal(none, want) {
		t.Errorf("unlinked: %v, want %v", none, want)
	}
}

func TestParseTCP(t *testing.T) {
	address := func(ip string, port int) string {
		b := netip.MustParseAddr(ip).As4()
		return fmt.Sprintf("%08X:%04X", binary.NativeEndian.Uint32(b[:]), port)
	}
	head := "  sl  local_address rem_address   st tx_queue rx_queue\n"
	a, b := address("198.18.0.10", 41234), address("198.18.0.11", 9000)
	got, err := parseTCP([]byte(head + "   0: " + a + " " + b + " 01 0\n   1: " + b + " 00000000:0000 0A 0\n"))
	want := [][2]netip.AddrPort{{netip.MustParseAddrPort("198.18.0.10:41234"), netip.MustParseAddrPort("198.18.0.11:9000")}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{head + "0:", head + "0: x y 01 0"} {
		if got, err := parseTCP([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestProblems(t *testing.T) {
	dir := t.TempDir()
	r := &Router{dir: dir}
	if got := r.Problems(3); got != nil {
		t.Errorf("without a log: %q", got)
	}
	var log strings.Builder
	for i := range 20 {
		fmt.Fprintf(&log, "10:00:%02d@1/info - all is well\n10:00:%02d@1/warn - thing %d\n10:00:%02d@1/warn - Profiling: No profile yet for x\n", i, i, i, i)
	}
	log.WriteString("10:01:00@1/error - the end\nno line of a log\n")
	if err := os.WriteFile(r.LogFile(), []byte(log.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"10:00:18@1/warn - thing 18", "10:00:19@1/warn - thing 19", "10:01:00@1/error - the end"}
	if got := r.Problems(3); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// FuzzState: a state file is read or refused, and what is read is written the same.
func FuzzState(f *testing.F) {
	b, err := json.Marshal(Detached{Format: stateFormat, Version: stateVersion, Routers: []DetachedRouter{{Name: "r0"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"format":"multihome-testnet","version":1,"supervisor":{"pid":-1,"start":18446744073709551615}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := readState(dir)
		if err != nil {
			if d != nil {
				t.Errorf("%+v with %v", d, err)
			}
			return
		}
		d.Dir = dir
		if err := d.write(); err != nil {
			return // a time that JSON does not have
		}
		again, err := readState(dir)
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Errorf("%+v became %+v: %v", d, again, err)
		}
	})
}
