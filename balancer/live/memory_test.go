package live_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

const (
	memoryRouters      = 100
	memoryDestinations = 50
	// memoryWatched is how long the memory of the standing sessions is watched:
	// some garbage collections, 40 heartbeats, 500 lease requests.
	memoryWatched = time.Minute
	// tunnelLife is how often a router asks for a LeaseSet with a new tunnel.
	tunnelLife = 10 * time.Minute
)

// envStubs has the test binary be routers for another process.
const envStubs = "MULTIHOME_TEST_STUBS"

// stubsMain serves stubs to the process that started this one, until that closes
// our standard input. Standard output tells their addresses, and then that every
// session has been given a LeaseSet.
func stubsMain() {
	n, err := strconv.Atoi(os.Getenv(envStubs))
	if err != nil {
		return
	}
	if err := stubs(n); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A crowd is many routers in one process, each of the cheapest kind: they take
// every session and answer every heartbeat, and verify nothing. With two
// processors for all of them, i2cp.Server would be what is measured.
type crowd struct {
	all   int64 // sessions
	given atomic.Int64
	ready chan struct{} // closed when all have been given a LeaseSet

	mu       sync.Mutex
	sessions map[*crowdSession]bool
}

// crowdSession is a connection with its one session.
type crowdSession struct {
	mu    sync.Mutex // to write
	nc    net.Conn
	asked bool // for a LeaseSet
	given bool
}

func stubs(n int) error {
	c := &crowd{all: int64(n) * memoryDestinations, ready: make(chan struct{}), sessions: make(map[*crowdSession]bool)}
	var addresses []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		addresses = append(addresses, l.Addr().String())
		go func() {
			for {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				go c.serve(&crowdSession{nc: nc})
			}
		}()
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(addresses); err != nil {
		return err
	}
	go func() {
		<-c.ready
		_ = out.Encode("given")
		c.renew()
	}()
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func (c *crowd) serve(s *crowdSession) {
	c.mu.Lock()
	c.sessions[s] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.sessions, s)
		c.mu.Unlock()
		_ = s.nc.Close()
	}()
	if _, err := io.ReadFull(s.nc, make([]byte, 1)); err != nil {
		return
	}
	in := i2cp.NewReader(s.nc, i2cp.DefaultMaxFrame)
	for {
		t, body, err := in.Next()
		if err != nil || c.handle(s, t, body) != nil {
			return
		}
	}
}

// crowdSessionID is the number of every session.
const crowdSessionID = 1

func (c *crowd) handle(s *crowdSession, t i2cp.Type, body []byte) error {
	switch t {
	case i2cp.TypeGetDate:
		return s.write(&i2cp.SetDate{Date: wire.DateOf(time.Now()), HasVersion: true, Version: "0.9.66"})
	case i2cp.TypeGetBandwidthLimits:
		return s.write(&i2cp.BandwidthLimits{ClientIn: 1024, ClientOut: 1024})
	case i2cp.TypeCreateSession:
		return s.write(&i2cp.SessionStatus{Session: crowdSessionID, Status: i2cp.SessionCreated})
	case i2cp.TypeReconfigureSession:
		if err := s.write(&i2cp.SessionStatus{Session: crowdSessionID, Status: i2cp.SessionUpdated}); err != nil || s.asked {
			return err
		}
		s.asked = true
		return s.write(request(crowdSessionID, 1))
	case i2cp.TypeCreateLeaseSet2:
		if !s.given && c.given.Add(1) == c.all {
			close(c.ready)
		}
		s.given = true
	case i2cp.TypeHostLookup:
		var m i2cp.HostLookup
		if err := m.Parse(body); err != nil {
			return err
		}
		return s.write(&i2cp.HostReply{Session: i2cp.NoSession, Request: m.Request, Code: i2cp.LookupFailed})
	case i2cp.TypeDisconnect:
		return io.EOF
	}
	return nil
}

func (s *crowdSession) write(m i2cp.Message) error {
	b, err := i2cp.AppendFrame(nil, m, i2cp.DefaultMaxFrame)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err = s.nc.Write(b)
	return err
}

// renew has every session ask for a LeaseSet with a new tunnel, over and over, once
// in tunnelLife.
func (c *crowd) renew() {
	tick := time.NewTicker(tunnelLife / time.Duration(c.all))
	for {
		c.mu.Lock()
		sessions := slices.Collect(maps.Keys(c.sessions))
		c.mu.Unlock()
		for _, s := range sessions {
			<-tick.C
			_ = s.write(request(crowdSessionID, 1)) // one that has ended asks for nothing
		}
	}
}

// BenchmarkMemory measures the memory of a balancer of 100 routers and 50
// Destinations: 5,000 sessions, all of them up, with heartbeats, and given the
// LeaseSets as these change. The routers are in another process. MiB is the most
// resident memory seen in a minute of that, MiB-peak the most since the start
// (both with some 15 MiB of the test binary itself); MiB-heap and MiB-stacks are
// the Go runtime's share in use.
func BenchmarkMemory(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("SKIPPED, not measured: this system has no /proc/self/status")
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(50)) // as mhbalance run does
	}
	for range b.N {
		addresses, given := startStubs(b, memoryRouters)
		start := time.Now()
		s := serve(b, benchConfig(b, addresses, memoryDestinations))
		select {
		case <-given:
		case <-time.After(90 * time.Second):
			b.Fatal("not every session has been given a LeaseSet within 90 s")
		}
		b.ReportMetric(time.Since(start).Seconds(), "s-until-up")
		most, goroutines := 0, 0
		tick := time.NewTicker(time.Second)
		for end := time.Now().Add(memoryWatched); time.Now().Before(end); <-tick.C {
			most, goroutines = max(most, procStatus(b, "VmRSS")), max(goroutines, runtime.NumGoroutine())
		}
		tick.Stop()
		st := s.Status()
		for _, d := range st.Destinations {
			if d.Published == 0 || len(d.Leases) != 16 {
				b.Errorf("%s: published %d with %d leases", d.Name, d.Published, len(d.Leases))
			}
		}
		for _, r := range st.Routers {
			if r.State != "up" && r.State != "standby" {
				b.Errorf("%s is %s: %s", r.Name, r.State, r.Problem)
			}
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(most)/1024, "MiB")
		b.ReportMetric(float64(procStatus(b, "VmHWM"))/1024, "MiB-peak")
		b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB-heap")
		b.ReportMetric(float64(m.StackInuse)/(1<<20), "MiB-stacks")
		b.ReportMetric(float64(goroutines), "goroutines")
		b.ReportMetric(0, "ns/op") // says nothing here
	}
}

// startStubs starts n routers in a process of their own.
func startStubs(b *testing.B, n int) (addresses []string, given <-chan struct{}) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envStubs+"="+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	said := json.NewDecoder(bufio.NewReader(out))
	all := make(chan struct{})
	b.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
	})
	if err := said.Decode(&addresses); err != nil {
		b.Fatal(err)
	}
	go func() {
		var what string
		if said.Decode(&what) == nil {
			close(all)
		}
	}()
	return addresses, all
}

// procStatus reads a figure of this process, in kiB.
func procStatus(tb testing.TB, key string) int {
	tb.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == key+":" {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
	}
	tb.Fatalf("/proc/self/status has no %s", key)
	return 0
}
