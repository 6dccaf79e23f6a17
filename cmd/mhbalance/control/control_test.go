package control

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"multihome.i2p/balancer/live"
	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "write the golden files; read the diff before you commit it")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// noon is when the statuses of these tests were taken.
var noon = time.Unix(1_800_000_000, 0)

// sample is a status with everything in it: a Destination that is well, and one
// that never began; a router of each state, one of them unheard of.
func sample() live.Status {
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	lease := func(router string, n byte, left time.Duration) live.LeaseStatus {
		return live.LeaseStatus{Gateway: wire.Hash{n, 0xff}, Tunnel: wire.TunnelID(n) * 1000, End: noon.Add(left), Router: router}
	}
	return live.Status{
		Destinations: []live.DestinationStatus{
			{
				Name: "web", B32: strings.Repeat("a", 52) + ".b32.i2p", Published: noon.Unix() - 95, Confirmed: noon.Unix() - 700,
				ConfirmedAt: ago(650 * time.Second), Publisher: "east",
				Leases:  []live.LeaseStatus{lease("east", 1, 9*time.Minute), lease("west", 2, 30*time.Second), lease("west", 3, -time.Second)},
				Clients: 3, Received: 1234, Sent: 1200, Dropped: 5, PolicyFailures: 2,
			},
			{Name: "new", B32: strings.Repeat("b", 52) + ".b32.i2p"},
		},
		Routers: []live.RouterStatus{
			{
				Name: "east", State: "up", Since: ago(26 * time.Hour), Kind: "java", Version: "0.9.67", Extension: true,
				Capabilities: []string{"fast-tier", "create-tunnel"}, Tunnels: 6, ClockOffset: 1500 * time.Millisecond, Heard: ago(1200 * time.Millisecond),
			},
			{Name: "west", State: "drain", Since: ago(3 * time.Minute), Kind: "i2pd", Version: "0.9.57", Tunnels: 2, ClockOffset: -40 * time.Millisecond, Heard: ago(time.Second)},
			{Name: "nor\"th\x1b", State: "down", Problem: "connection refused"},
			{Name: "gone", State: "drain", Since: ago(time.Minute), Problem: "connection refused", Kind: "i2pd", Version: "0.9.67", Heard: ago(time.Minute)},
			{Name: "fresh", State: "down"},
			{Name: "spare", State: "standby", Since: ago(time.Hour), Kind: "i2pd", Version: "0.9.67", Heard: ago(2 * time.Second)},
		},
	}
}

func TestForms(t *testing.T) {
	st := sample()
	f := NewForm(&st, noon, noon.Add(250*time.Millisecond))
	golden(t, "status.json", f.Encode())
	golden(t, "metrics.txt", Metrics(f, Reloads{Failed: true, Good: noon.Add(-time.Hour)}))
	var table bytes.Buffer
	if err := WriteTables(&table, f); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", table.Bytes())
	again, err := Decode(f.Encode())
	if err != nil || !bytes.Equal(again.Encode(), f.Encode()) {
		t.Errorf("decoded and encoded again: %v", err)
	}
	empty := NewForm(&live.Status{}, noon, noon)
	golden(t, "empty.json", empty.Encode())
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{"", "[]", `{"format":"multihome-summary","version":1}`, `{"format":"multihome-status","version":2}`} {
		if f, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s: %+v", text, f)
		}
	}
}

func TestHealth(t *testing.T) {
	st := sample()
	f := NewForm(&st, noon, noon)
	if err := Health(f); err == nil || err.Error() != "destination new: no LeaseSet has been published yet" {
		t.Errorf("%v", err)
	}
	st.Destinations = st.Destinations[:1]
	if err := Health(NewForm(&st, noon, noon)); err != nil {
		t.Errorf("%v", err)
	}
	if err := Health(NewForm(&st, noon, noon.Add(time.Minute))); err == nil || err.Error() != "the balancer has not answered for 60 s" {
		t.Errorf("%v", err)
	}
	if err := Health(NewForm(&st, noon.Add(time.Hour), noon.Add(time.Hour))); err == nil || !strings.Contains(err.Error(), "no live lease") {
		t.Errorf("%v", err)
	}
}

// fake is a Service.
type fake struct {
	mu      sync.Mutex
	status  live.Status
	drained []string
	hold    chan struct{} // Status waits for it, if there is one
}

func (f *fake) Status() live.Status {
	f.mu.Lock()
	st, hold := f.status, f.hold
	f.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return st
}

func (f *fake) Drain(router string, on bool) error {
	if router != "east west&co" {
		return live.ErrUnknownRouter
	}
	f.drained = append(f.drained, fmt.Sprint(router, on))
	return nil
}

// serve serves s at a socket of its own and returns a client.
func serve(t *testing.T, h http.Handler) (*Client, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- Serve(ctx, l, h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return NewClient(path), path
}

func TestServer(t *testing.T) {
	service := &fake{status: sample()}
	var reloaded error
	c, _ := serve(t, NewServer(service, func() error { return reloaded }, func() Reloads { return Reloads{} }).Handler())
	refused := func(method, target string, code int, text string) {
		t.Helper()
		_, err := c.Do(t.Context(), method, target)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != code || !strings.Contains(r.Text, text) {
			t.Errorf("%s %s: %v, want %d %s", method, target, err, code, text)
		}
	}
	body, err := c.Do(t.Context(), "GET", "/status")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Decode(body)
	if err != nil || len(f.Routers) != len(sample().Routers) || f.AgeS > 1 {
		t.Errorf("%v, %+v", err, f)
	}
	if body, err := c.Do(t.Context(), "GET", "/metrics"); err != nil || !strings.Contains(string(body), "\nmhbalance_router_up{router=\"east\"} 1\n") {
		t.Errorf("%v, %s", err, body)
	}
	refused("GET", "/healthz", http.StatusServiceUnavailable, "destination new: ")
	if _, err := c.Do(t.Context(), "POST", "/drain?router=east+west%26co"); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(t.Context(), "POST", "/undrain?router=east+west%26co"); err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(service.drained); got != "[east west&cotrue east west&cofalse]" {
		t.Errorf("drained %s", got)
	}
	refused("POST", "/drain?router=north", http.StatusNotFound, `no router of that name: "north"`)
	refused("GET", "/drain?router=north", http.StatusMethodNotAllowed, "")
	refused("GET", "/nothing", http.StatusNotFound, "")
	if _, err := c.Do(t.Context(), "POST", "/reload"); err != nil {
		t.Error(err)
	}
	reloaded = fmt.Errorf("%w: line 3", ErrInvalid)
	refused("POST", "/reload", http.StatusUnprocessableEntity, "line 3")
	reloaded = errors.New("no")
	refused("POST", "/reload", http.StatusInternalServerError, "no")
}

// A service that hangs is told of with the last status, which ages.
func TestHangingService(t *testing.T) {
	service := &fake{status: sample()}
	s := NewServer(service, nil, func() Reloads { return Reloads{} })
	if s.Form(t.Context()) == nil {
		t.Fatal("no status")
	}
	hold := make(chan struct{})
	service.mu.Lock()
	service.hold = hold
	service.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	f := s.Form(ctx)
	if f == nil || f.AgeS < 0.02 {
		t.Errorf("%+v, want a status that is 20 ms old", f)
	}
	close(hold)
}

func TestMetricsHandler(t *testing.T) {
	s := NewServer(&fake{status: sample()}, nil, func() Reloads { return Reloads{} })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- Serve(ctx, l, s.MetricsHandler(false)) }()
	for _, test := range []struct {
		path, host string
		code       int
	}{
		{"/metrics", "", 200},
		{"/metrics", "localhost:9140", 200},
		{"/metrics", "[::1]:9140", 200},
		{"/metrics", "evil.example", 403},
		{"/healthz", "", 503},
		{"/status", "", 404},
		{"/drain?router=east", "", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String()+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = test.host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != test.code {
			t.Errorf("%s of %q: %d, want %d", test.path, test.host, resp.StatusCode, test.code)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestSocket(t *testing.T) {
	_, path := serve(t, http.NotFoundHandler())
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrInUse) {
		t.Errorf("a live socket: %v", err)
	}
	// A process that is killed leaves its socket behind.
	stale := filepath.Join(t.TempDir(), "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := NewClient(stale).Do(t.Context(), "GET", "/status"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a stale socket: %v", err)
	}
	again, err := Listen(stale)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if _, err := Listen(filepath.Join(file, "no", "s")); err == nil {
		t.Error("a socket in a file")
	}
	if _, err := NewClient(filepath.Join(filepath.Dir(file), "none")).Do(t.Context(), "GET", "/status"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("no socket: %v", err)
	}
}
