package testnet

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"multihome.i2p/internal/console"
)

func TestMain(m *testing.M) {
	Main() // of the supervisors that the tests start
	os.Exit(m.Run())
}

// needNetwork skips a test where no network can be built.
func needNetwork(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED, not run against a real i2pd: -short")
	}
	if err := Check(t.Context(), ""); err != nil {
		if os.Getenv(EnvRequired) != "" {
			t.Fatalf("not run against a real i2pd, but %s is set: %v", EnvRequired, err)
		}
		t.Skipf("SKIPPED, not run against a real i2pd: %v", err)
	}
}

// i2cpAnswers reports whether a router speaks I2CP at an address: a client says
// 0x2a and GetDate, and gets SetDate.
func i2cpAnswers(address string) bool {
	nc, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(time.Second))
	if _, err := nc.Write(append([]byte{0x2a, 0, 0, 0, 7, 32, 6}, "0.9.57"...)); err != nil {
		return false
	}
	head := make([]byte, 5)
	_, err = nc.Read(head)
	return err == nil && head[4] == 33
}

// soon waits for what happens soon.
func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	if err := within(t.Context(), 10*time.Second, ok); err != nil {
		t.Fatalf("%s: not within 10 s", what)
	}
}

// TestUp is the life of a network in the background.
func TestUp(t *testing.T) {
	needNetwork(t)
	ctx := t.Context()
	// A path that is too long for a unix socket.
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	opts := UpOptions{Options: Options{Dir: dir, Routers: 4}}
	began := time.Now()
	d, err := Up(ctx, opts, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// After a failure; else there is nothing left to end.
		if err := Down(context.WithoutCancel(ctx), dir); err != nil && !errors.Is(err, ErrNotRunning) {
			t.Error(err)
		}
	})
	t.Logf("up after %.1f s", time.Since(began).Seconds())
	processes := []Process{d.Supervisor}
	for _, r := range d.Routers {
		processes = append(processes, r.Process)
		if r.State != StateRunning || !i2cpAnswers(r.I2CP) {
			t.Errorf("%s is %s at %s", r.Name, r.State, r.I2CP)
		}
	}
	for _, p := range processes {
		if _, ok := p.alive(); !ok {
			t.Errorf("%v does not run", p)
		}
	}
	if _, err := Up(ctx, opts, nil); !errors.Is(err, ErrRunning) {
		t.Errorf("up twice: %v", err)
	}
	if n, err := os.ReadFile("/proc/self/net/tcp"); err != nil || strings.Contains(string(n), "0A0012C6") {
		t.Error("an address of the network is in this namespace")
	}

	// The consoles, through the relay.
	view := &console.Client{URL: d.Routers[0].Console, Location: time.UTC}
	if st, err := view.Status(ctx); err != nil || st.Version != d.I2pdVer || st.Routers != 4 {
		t.Errorf("%+v %v", st, err)
	}
	if _, err := view.LeaseSets(ctx); err != nil {
		t.Error(err)
	}
	last := &console.Client{URL: d.Routers[3].Console, Location: time.UTC}
	if _, err := last.LeaseSets(ctx); !errors.Is(err, console.ErrNotFloodfill) {
		t.Errorf("LeaseSets of a router that is no floodfill: %v", err)
	}

	state := func(name string) State {
		t.Helper()
		d, err := Status(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d.Router(name).State
	}
	if err := Do(ctx, dir, OpFreeze, "r2"); err != nil || state("r2") != StateFrozen || i2cpAnswers(d.Routers[2].I2CP) {
		t.Errorf("freeze: %v, r2 is %s", err, state("r2"))
	}
	if err := Do(ctx, dir, OpThaw, "r2"); err != nil || state("r2") != StateRunning || !i2cpAnswers(d.Routers[2].I2CP) {
		t.Errorf("thaw: %v, r2 is %s", err, state("r2"))
	}
	if err := Do(ctx, dir, OpKill, "r3"); err != nil || state("r3") != StateDown || i2cpAnswers(d.Routers[3].I2CP) {
		t.Errorf("kill: %v, r3 is %s", err, state("r3"))
	}
	if err := Do(ctx, dir, OpThaw, "r3"); err == nil {
		t.Error("a router that is down was thawed")
	}
	if err := Do(ctx, dir, OpRestart, "r3"); err != nil || state("r3") != StateRunning || !i2cpAnswers(d.Routers[3].I2CP) {
		t.Errorf("restart: %v, r3 is %s", err, state("r3"))
	}
	if err := Do(ctx, dir, OpKill, "r4"); err == nil {
		t.Error("a router that there is not was killed")
	}
	if d, err := Status(dir); err != nil {
		t.Error(err)
	} else {
		processes = append(processes, d.Router("r3").Process)
	}

	if err := Down(ctx, dir); err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		if _, ok := p.alive(); ok {
			t.Errorf("%v is left", p)
		}
	}
	if nc, err := net.Dial("tcp", d.Routers[0].I2CP); err == nil {
		_ = nc.Close()
		t.Error("a port is left")
	}
	if err := Down(ctx, dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("down twice: %v", err)
	}
	if err := Do(ctx, dir, OpKill, "r0"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("kill in a network that is down: %v", err)
	}
	if d, err := Status(dir); !errors.Is(err, ErrNotRunning) || len(d.Routers) != 4 {
		t.Errorf("status of a network that is down: %v %v", d, err)
	}
}

// TestSupervisorDies kills the supervisor: its routers die with it, and the
// directory is free again.
func TestSupervisorDies(t *testing.T) {
	needNetwork(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	ended := make(chan error, 1)
	go func() {
		_, err := Up(ctx, UpOptions{Options: Options{Dir: dir, Routers: 3}}, nil)
		ended <- err
	}()
	var d *Detached
	var err error
	soon(t, "routers", func() bool {
		d, err = Status(dir)
		return err == nil && len(d.Routers) == 3 && !slices.ContainsFunc(d.Routers, func(r DetachedRouter) bool { return r.State != StateRunning })
	})
	if err := d.Supervisor.kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("Up reports no error")
	} else {
		t.Log(err)
	}
	for _, r := range d.Routers {
		soon(t, "end of "+r.Name, func() bool { _, ok := r.Process.alive(); return !ok })
	}
	if err := Down(ctx, dir); !errors.Is(err, ErrNotRunning) {
		t.Errorf("down: %v", err)
	}

	// An Up that is given up leaves nothing either.
	go func() {
		_, err := Up(ctx, UpOptions{Options: Options{Dir: dir, Routers: 3}}, nil)
		ended <- err
	}()
	soon(t, "routers", func() bool {
		d, err = Status(dir)
		return err == nil && len(d.Routers) == 3
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("up, given up: %v", err)
	}
	if running, err := isLocked(dir); running || err != nil {
		t.Errorf("running: %v %v", running, err)
	}
	for _, r := range d.Routers {
		if _, ok := r.Process.alive(); ok {
			t.Errorf("%s is left", r.Name)
		}
	}
}

func TestUpRefuses(t *testing.T) {
	needNetwork(t)
	ctx := t.Context()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Up(ctx, UpOptions{Options: Options{Dir: foreign}}, nil); !errors.Is(err, ErrForeign) {
		t.Errorf("a foreign directory: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	taken := ln.Addr().(*net.TCPAddr).Port
	var pe *PortError
	_, err = Up(ctx, UpOptions{Options: Options{Dir: t.TempDir()}, I2CPPort: taken - 2}, nil)
	if !errors.As(err, &pe) || pe.Port > taken {
		t.Errorf("a port that is taken: %v", err)
	}
	t.Log(err)
	if _, err := Start(ctx, Options{Dir: t.TempDir()}, nil); err == nil && !IsInside() {
		t.Error("Start outside of a namespace")
	}
}
