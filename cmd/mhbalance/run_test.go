package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
)

// fake is a service that does nothing.
type fake struct {
	mu       sync.Mutex
	cfg      live.Config
	drained  []string
	reloaded []live.Config
	refuse   error         // of Reload
	took     chan struct{} // closed by Reload, if it is not nil
	fail     chan error    // ends Run
	linger   chan struct{} // Run ends only then, if it is not nil
}

func (f *fake) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case err := <-f.fail:
		return err
	}
	if f.linger != nil {
		<-f.linger
	}
	return nil
}

func (f *fake) Reload(cfg live.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	f.reloaded = append(f.reloaded, cfg)
	if f.took != nil {
		close(f.took)
	}
	return nil
}

func (f *fake) Status() live.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	st := live.Status{}
	for _, r := range f.cfg.Routers {
		st.Routers = append(st.Routers, live.RouterStatus{Name: r.Name, State: "up"})
	}
	for _, d := range f.cfg.Destinations {
		st.Destinations = append(st.Destinations, live.DestinationStatus{
			Name: d.Name, B32: d.Keys.Destination.B32(), Published: time.Now().Unix(),
			Leases: []live.LeaseStatus{{End: time.Now().Add(time.Minute), Router: f.cfg.Routers[0].Name}},
		})
	}
	return st
}

func (f *fake) Drain(router string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.ContainsFunc(f.cfg.Routers, func(r live.Router) bool { return r.Name == router }) {
		return live.ErrUnknownRouter
	}
	f.drained = append(f.drained, fmt.Sprint(router, " ", on))
	return nil
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// process is a mhbalance run within the test.
type process struct {
	t       *testing.T
	dir     string
	signals chan os.Signal
	log     lockedBuffer
	code    chan int
	exits   chan int    // of an exit at once
	notices chan string // what the supervisor was told
}

const yamlOne = `
routers: [{name: a, i2cp: 127.0.0.1:1}]
destinations: [{key: my.keys, target: echo}]
`

// start runs mhbalance with a fake service in a directory of its own, with a
// supervisor, and waits until it is ready.
func start(t *testing.T, f *fake, yaml string) *process {
	t.Helper()
	p := &process{t: t, dir: t.TempDir(), signals: make(chan os.Signal, 8), code: make(chan int, 1), exits: make(chan int, 1)}
	t.Chdir(p.dir)
	if _, err := newKeys("my.keys"); err != nil {
		t.Fatal(err)
	}
	p.write(yaml)
	supervisor, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = supervisor.Close() })
	p.notices = make(chan string, 4096)
	go func() {
		// As a supervisor does, without waiting for the test: the socket holds few.
		buf := make([]byte, 1024)
		for {
			n, err := supervisor.Read(buf)
			if err != nil {
				return
			}
			select {
			case p.notices <- string(buf[:n]):
			default:
			}
		}
	}()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(p.dir, "notify"))
	t.Setenv("WATCHDOG_USEC", "20000")
	tl := &tool{
		stdout: &p.log, stderr: &p.log, signals: p.signals, catch: func(...os.Signal) {}, release: func() {},
		newService: func(cfg live.Config) (service, error) { f.cfg = cfg; return f, nil },
		exit:       func(code int) { p.exits <- code },
	}
	go func() { p.code <- tl.run([]string{"run", "-c", "c.yaml", "--log-level", "debug"}) }()
	p.notice("READY=1")
	return p
}

func (p *process) write(yaml string) {
	p.t.Helper()
	if err := os.WriteFile("c.yaml", []byte(yaml), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// notice waits until the supervisor is told something.
func (p *process) notice(want string) {
	p.t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case got := <-p.notices:
			if strings.HasPrefix(got, want) {
				return
			}
		case <-late:
			p.t.Fatalf("the supervisor was not told %s; log:\n%s", want, p.log.String())
		}
	}
}

// ended waits for the exit code.
func (p *process) ended(want int) {
	p.t.Helper()
	select {
	case code := <-p.code:
		if code != want {
			p.t.Errorf("exit code %d, want %d; log:\n%s", code, want, p.log.String())
		}
	case <-time.After(10 * time.Second):
		p.t.Fatalf("it does not end; log:\n%s", p.log.String())
	}
	for _, name := range []string{"state/status.sock", "state/lock"} {
		if _, err := os.Lstat(name); err == nil {
			p.t.Errorf("%s is left behind", name)
		}
	}
}

// does runs another mhbalance.
func (p *process) does(want int, text string, args ...string) string {
	p.t.Helper()
	code, stdout, stderr := mhbalance(args...)
	if code != want || !strings.Contains(stdout+stderr, text) || code != 0 && stdout != "" || code == 0 && stderr != "" {
		p.t.Errorf("mhbalance %q: exit code %d, want %d and %q; it says:\n%s%s", args, code, want, text, stdout, stderr)
	}
	return stdout
}

func TestRun(t *testing.T) {
	f := &fake{}
	p := start(t, f, yamlOne)
	p.notice("WATCHDOG=1")
	if info, err := os.Stat("state/status.sock"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat("state"); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the state: %v, %v", info.Mode(), err)
	}
	p.does(0, "\na       up", "status", "-c", "c.yaml")
	out := p.does(0, "", "status", "--json", "--socket", "state/status.sock")
	if err := validate(compile(t, "status"), []byte(out)); err != nil {
		t.Errorf("%v in %s", err, out)
	}
	p.does(0, "a gets no new leases\n", "drain", "a", "-c", "c.yaml")
	p.does(0, "a is back in service\n", "undrain", "-c", "c.yaml", "a")
	p.does(2, `mhbalance: no router of that name: "b"; mhbalance status shows the names`, "drain", "b", "-c", "c.yaml")
	if want := []string{"a true", "a false"}; !slices.Equal(f.drained, want) {
		t.Errorf("drained %q, want %q", f.drained, want)
	}
	// The state is taken, and so is the socket.
	p.does(2, "the state in state is in use by another mhbalance (process ", "run", "-c", "c.yaml")
	p.write(yamlOne + "state: other\nstatus: state/status.sock\n")
	if code, stderr := mhbalanceWith(&fake{}, "run", "-c", "c.yaml"); code != 2 || !strings.Contains(stderr, "state/status.sock: another process serves it; ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	p.signals <- syscall.SIGTERM
	p.notice("STOPPING=1")
	p.ended(0)
	for line := range strings.Lines(p.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line of the log is no JSON: %s", line)
		}
	}
}

// mhbalanceWith runs the program with a fake service.
func mhbalanceWith(f *fake, args ...string) (code int, stderr string) {
	var out, errs bytes.Buffer
	t := &tool{
		stdout: &out, stderr: &errs, catch: func(...os.Signal) {}, release: func() {},
		newService: func(cfg live.Config) (service, error) { f.cfg = cfg; return f, nil },
	}
	code = t.run(args)
	return code, errs.String()
}

func TestReload(t *testing.T) {
	f := &fake{}
	p := start(t, f, yamlOne)
	two := strings.Replace(yamlOne, "}]", "}, {name: b, i2cp: 127.0.0.1:2}]", 1)
	p.write(two)
	p.does(0, "the configuration is in use\n", "reload", "-c", "c.yaml")
	if len(f.reloaded) != 1 || len(f.reloaded[0].Routers) != 2 || f.reloaded[0].Log == nil {
		t.Errorf("reloaded %+v", f.reloaded)
	}
	// A wrong one is refused, where it stands and why, and the old one stays.
	p.write(strings.Replace(yamlOne, "target", "taget", 1))
	p.does(2, "mhbalance: c.yaml:3:31: unknown key \"taget\" in a destination; did you mean target?\n", "reload", "--socket", "state/status.sock")
	p.write(two + "state: other\nmetrics: 127.0.0.1:9999\n")
	p.does(2, "state, status, metrics cannot change while mhbalance runs", "reload", "--socket", "state/status.sock")
	p.write(two)
	f.mu.Lock()
	f.refuse = errors.New("not now")
	f.mu.Unlock()
	p.does(1, "mhbalance: not now\n", "reload", "-c", "c.yaml")
	f.mu.Lock()
	f.refuse = nil
	f.mu.Unlock()
	if len(f.reloaded) != 1 {
		t.Errorf("reloaded %d times", len(f.reloaded))
	}
	took := make(chan struct{})
	f.mu.Lock()
	f.took = took
	f.mu.Unlock()
	p.signals <- syscall.SIGHUP
	p.notice("RELOADING=1")
	p.notice("READY=1")
	select {
	case <-took:
	case <-time.After(10 * time.Second):
		t.Errorf("the signal is not heeded; log:\n%s", p.log.String())
	}
	for _, want := range []string{"the configuration is not taken over, the old one stays in use", `unknown key \"taget\"`} {
		if !strings.Contains(p.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, p.log.String())
		}
	}
	p.signals <- os.Interrupt
	p.ended(0)
}

func TestSecondSignal(t *testing.T) {
	f := &fake{linger: make(chan struct{})}
	p := start(t, f, yamlOne)
	p.signals <- os.Interrupt
	p.notice("STOPPING=1")
	p.signals <- os.Interrupt
	if code := <-p.exits; code != exitFailure {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	close(f.linger)
	<-p.code
}

func TestServiceFails(t *testing.T) {
	f := &fake{fail: make(chan error, 1)}
	p := start(t, f, yamlOne)
	f.fail <- errors.New("the disk is full")
	p.ended(1)
	// Once: the log is where a service's errors are looked for.
	if n := strings.Count(p.log.String(), "the disk is full"); n != 1 {
		t.Errorf("told %d times, want once:\n%s", n, p.log.String())
	}
	// A stale socket is nobody's.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "state/status.sock", Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	f.fail <- nil
	code, stderr := mhbalanceWith(f, "run", "-c", "c.yaml")
	if code != 1 || !strings.Contains(stderr, "the service ended unasked") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// The whole of it: simulated routers, and the balancer itself.
func TestRunLive(t *testing.T) {
	addresses, stop, err := newRouters(2, false)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	p := &process{t: t, dir: t.TempDir(), signals: make(chan os.Signal, 8), code: make(chan int, 1)}
	t.Chdir(p.dir)
	if _, err := newKeys("my.keys"); err != nil {
		t.Fatal(err)
	}
	p.write(fmt.Sprintf("routers: [{name: a, i2cp: %q}, {name: b, i2cp: %q}]\ndestinations: [{key: my.keys, target: echo, trace: t.jsonl}]\n", addresses[0], addresses[1]))
	tl := &tool{
		stdout: &p.log, stderr: &p.log, signals: p.signals, catch: func(...os.Signal) {}, release: func() {}, newService: newLive,
	}
	go func() { p.code <- tl.run([]string{"run", "-c", "c.yaml"}) }()
	deadline, tick := time.After(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for up := false; !up; {
		select {
		case <-deadline:
			_, stdout, _ := mhbalance("status", "-c", "c.yaml")
			t.Fatalf("the routers are not up:\n%s%s", stdout, p.log.String())
		case code := <-p.code:
			t.Fatalf("exit code %d:\n%s", code, p.log.String())
		case <-tick.C:
		}
		_, stdout, _ := mhbalance("status", "--json", "-c", "c.yaml")
		up = strings.Count(stdout, `"state": "up"`) == 2
		if err := validate(compile(t, "status"), []byte(stdout)); stdout != "" && err != nil {
			t.Fatalf("%v in %s", err, stdout)
		}
	}
	p.does(0, "b gets no new leases", "drain", "b", "-c", "c.yaml")
	p.does(0, `"state": "drain"`, "status", "--json", "-c", "c.yaml")
	p.signals <- syscall.SIGTERM
	p.ended(0)
}

func TestMetricsPort(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	p := start(t, &fake{}, yamlOne+"metrics: "+address+"\n")
	for path, code := range map[string]int{"/metrics": 200, "/healthz": 200, "/status": 404} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != code {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, code)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	p.signals <- syscall.SIGTERM
	p.ended(0)
}

// No secret reaches the log or the output.
func TestSecretsStaySecret(t *testing.T) {
	p := start(t, &fake{}, strings.Replace(yamlOne, "}", ", user: u, password: hunter2}", 1))
	p.write("routers: [{i2cp: 127.0.0.1:1, user: u, password: [hunter2]}]\n")
	_, _, stderr := mhbalance("reload", "--socket", "state/status.sock")
	p.signals <- syscall.SIGTERM
	p.ended(0)
	if text := p.log.String() + stderr; strings.Contains(text, "hunter2") {
		t.Errorf("a password is told:\n%s", text)
	}
}
