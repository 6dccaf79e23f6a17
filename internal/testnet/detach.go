package testnet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// The ports that mhbalance offers by default; router i has the i-th from there.
const (
	DefaultI2CPPort    = 17654
	DefaultConsolePort = 17070
)

// UpOptions are the options of a network in the background.
type UpOptions struct {
	Options
	// I2CPPort and ConsolePort are the first ports on 127.0.0.1 at which the
	// routers' I2CP and web consoles can be reached, r0's; the others' follow. 0
	// is any free ones.
	I2CPPort, ConsolePort int
	// ReadyTimeout bounds the wait until the network is of use: 2 minutes.
	ReadyTimeout time.Duration `json:"-"`
}

// upConfig is what Up tells the supervisor.
type upConfig struct {
	Options      Options
	ReadyTimeout time.Duration
	I2CP         []string // host:port outside, of each router
	Console      []string
}

// report is a line that the supervisor writes to Up.
type report struct {
	Line  string `json:"line,omitempty"`
	Ready bool   `json:"ready,omitempty"`
	Error string `json:"error,omitempty"`
}

// envSupervisor carries the supervisor's configuration, and makes Main run it.
const envSupervisor = "MULTIHOME_TESTNET_SUPERVISOR"

// The files that the supervisor inherits, beyond the standard ones; the
// listeners follow, I2CP and console of each router in turn.
const (
	fdLock   = 3
	fdReport = 4
	fdFirst  = 5
)

// Main is to be called first in main, and in TestMain: in a process that Up has
// started it does not return.
func Main() {
	config := os.Getenv(envSupervisor)
	if config == "" {
		return
	}
	// Not for children.
	_ = os.Unsetenv(envSupervisor)
	if err := supervise([]byte(config)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Up starts a network that stays when this process ends, and returns when it can
// be used. Its supervisor is this program, started again (see Main). On an error
// nothing is left running, but the directory stays, with the logs. Errors to tell
// apart: a *DirError with ErrRunning or ErrForeign; those of Check; a *PortError.
func Up(ctx context.Context, opts UpOptions, progress Progress) (*Detached, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	user, err := check(ctx, o.I2pd)
	if err != nil {
		return nil, err
	}
	lockFile, err := claim(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lockFile.Close() }()
	config := upConfig{Options: o, ReadyTimeout: opts.ReadyTimeout}
	if config.ReadyTimeout == 0 {
		config.ReadyTimeout = 2 * time.Minute
	}
	files := []*os.File{lockFile, nil}
	defer func() {
		for _, f := range files[2:] {
			_ = f.Close()
		}
	}()
	for i := range o.Routers {
		for _, p := range []struct {
			what  string
			first int
			list  *[]string
		}{{"I2CP", opts.I2CPPort, &config.I2CP}, {"web console", opts.ConsolePort, &config.Console}} {
			f, addr, err := listen(p.first, i)
			if err != nil {
				return nil, &PortError{What: p.what + " of " + routerName(i), Port: p.first + i, Err: err}
			}
			files = append(files, f)
			*p.list = append(*p.list, addr)
		}
	}
	text, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, supervisorName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	reports, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reports.Close() }()
	files[1] = w
	cmd := exec.Command(self)
	cmd.Dir = o.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = files
	isolate(cmd, user, true)
	cmd.Env = append(cmd.Env, envSupervisor+"="+string(text))
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(sigEnd) })
	defer stop()
	var last report
	for lines := json.NewDecoder(reports); ; {
		var r report
		if err := lines.Decode(&r); err != nil {
			break
		}
		if r.Line != "" {
			progress.say("%s", r.Line)
		}
		last = r
		if r.Ready {
			break
		}
	}
	if last.Ready {
		return Status(o.Dir)
	}
	err = <-ended
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if last.Error != "" {
		return nil, errors.New(last.Error)
	}
	said, _ := os.ReadFile(log.Name())
	said = bytes.TrimSpace(said)
	return nil, fmt.Errorf("testnet: the supervisor has ended: %w\n%s", err, said[max(0, len(said)-2000):])
}

// A PortError is a port that could not be opened.
type PortError struct {
	What string // "I2CP of r3"
	Port int
	Err  error
}

func (e *PortError) Error() string {
	return fmt.Sprintf("testnet: port %d on 127.0.0.1, for the %s: %v: choose others", e.Port, e.What, e.Err)
}

func (e *PortError) Unwrap() error { return e.Err }

// listen opens the i-th port, on loopback only, as a file for the supervisor.
func listen(first, i int) (*os.File, string, error) {
	port := 0
	if first != 0 {
		port = first + i
	}
	ln, err := net.Listen("tcp", hostPort("127.0.0.1", port))
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = ln.Close() }()
	f, err := ln.(*net.TCPListener).File()
	return f, ln.Addr().String(), err
}

// A supervisor holds a network in the background.
type supervisor struct {
	config upConfig
	stop   context.CancelFunc

	mu    sync.Mutex
	n     *Network
	state Detached
}

func supervise(text []byte) error {
	s := new(supervisor)
	if err := json.Unmarshal(text, &s.config); err != nil {
		return err
	}
	reports := os.NewFile(fdReport, "reports")
	held := os.NewFile(fdLock, "lock")
	for _, f := range []*os.File{reports, held} {
		closeOnExec(f)
	}
	err := s.run(func(r report) {
		b, err := json.Marshal(r)
		if err != nil {
			return
		}
		fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), b)
		// Whoever called Up may be gone, and is once it is told of being ready.
		_, _ = reports.Write(append(b, '\n'))
	})
	if err != nil {
		b, _ := json.Marshal(report{Error: err.Error()})
		_, _ = reports.Write(append(b, '\n'))
	}
	_ = held.Close()
	return err
}

// run is the life of a supervisor: until it is told to stop.
func (s *supervisor) run(tell func(report)) error {
	// SIGHUP is what a terminal that is closed sends.
	signal.Ignore(sigHup)
	ctx, cancel := signal.NotifyContext(context.Background(), sigEnd, os.Interrupt)
	defer cancel()
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	if err := checkNamespace(); err != nil {
		return err
	}
	relays, err := s.relays()
	defer func() {
		for _, r := range relays {
			r.close()
		}
	}()
	if err != nil {
		return err
	}
	self, _, _ := processOf(os.Getpid())
	s.state = Detached{
		Format: stateFormat, Version: stateVersion, Dir: s.config.Options.Dir, I2pd: s.config.Options.I2pd,
		Started: time.Now().UTC().Truncate(time.Millisecond), Supervisor: self,
	}
	if err := s.state.write(); err != nil {
		return err
	}
	control, err := listenUnix(s.config.Options.Dir, controlName)
	if err != nil {
		return err
	}
	defer func() { _ = control.Close() }()
	n, err := start(ctx, s.config.Options, func(line string) { tell(report{Line: line}) }, s.save)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.n = n
	s.mu.Unlock()
	s.save()
	defer func() {
		n.Stop()
		s.save()
	}()
	go s.accept(ctx, control)
	readyCtx, cancelReady := context.WithTimeout(ctx, s.config.ReadyTimeout)
	err = n.Ready(readyCtx)
	cancelReady()
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.state.Ready = true
	s.mu.Unlock()
	s.save()
	tell(report{Ready: true})
	<-ctx.Done()
	return nil
}

func (s *supervisor) relays() ([]*relay, error) {
	var relays []*relay
	for i := range s.config.Options.Routers {
		for k, port := range []int{portI2CP, portConsole} {
			f := os.NewFile(uintptr(fdFirst+2*i+k), "listener")
			ln, err := net.FileListener(f) // a copy, which no child inherits
			_ = f.Close()
			if err != nil {
				return relays, fmt.Errorf("testnet: inherited listener: %w", err)
			}
			relays = append(relays, startRelay(ln, hostPort(routerAddress(i), port)))
		}
	}
	return relays, nil
}

// save writes the state file anew.
func (s *supervisor) save() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.n == nil {
		return // still being built
	}
	s.state.I2pdVer = s.n.Version()
	s.state.Routers = s.state.Routers[:0]
	for i, r := range s.n.Routers() {
		d := DetachedRouter{
			Name: r.Name(), Hash: r.Hash().String(), Floodfill: r.Floodfill(), Address: r.Address(),
			I2CP: s.config.I2CP[i], Console: "http://" + s.config.Console[i] + "/", Dir: r.Dir(), Log: r.LogFile(),
			State: r.State(),
		}
		if pid := r.PID(); pid != 0 {
			d.Process, _, _ = processOf(pid)
		}
		s.state.Routers = append(s.state.Routers, d)
	}
	if err := s.state.write(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// An Op is what can be done to a router of a network in the background.
type Op string

// The operations: see the methods of Router.
const (
	OpKill    Op = "kill"
	OpFreeze  Op = "freeze"
	OpThaw    Op = "thaw"
	OpRestart Op = "restart"

	opStop Op = "stop" // the whole network
)

// request and answer are what goes over the control socket, a line of JSON each.
type request struct {
	Op     Op     `json:"op"`
	Router string `json:"router,omitempty"`
}

type answer struct {
	Error string `json:"error,omitempty"`
}

func (s *supervisor) accept(ctx context.Context, ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return // closed at the end
		}
		go func() {
			defer func() { _ = c.Close() }()
			var req request
			var a answer
			err := json.NewDecoder(io.LimitReader(c, 4096)).Decode(&req)
			if err == nil {
				err = s.do(ctx, req)
			}
			if err != nil {
				a.Error = err.Error()
			}
			_ = json.NewEncoder(c).Encode(a)
			if req.Op == opStop {
				s.stop()
			}
		}()
	}
}

func (s *supervisor) do(ctx context.Context, req request) error {
	if req.Op == opStop {
		return nil // when that has been answered
	}
	r := s.n.Router(req.Router)
	if r == nil {
		return fmt.Errorf("testnet: no router %q: there are r0 to r%d", req.Router, len(s.n.Routers())-1)
	}
	switch req.Op {
	case OpKill:
		return r.Kill()
	case OpFreeze:
		return r.Freeze()
	case OpThaw:
		return r.Thaw()
	case OpRestart:
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return r.Restart(ctx)
	}
	return fmt.Errorf("testnet: operation %q is not known", req.Op)
}

// Do does something to a router of the network in dir, and returns when it is
// done: a restarted router answers at its I2CP port.
func Do(ctx context.Context, dir string, op Op, router string) error {
	if _, err := Status(dir); err != nil {
		return err
	}
	return ask(ctx, dir, request{Op: op, Router: router})
}

func ask(ctx context.Context, dir string, req request) error {
	c, err := dialUnix(ctx, dir, controlName)
	if err != nil {
		return fmt.Errorf("testnet: the supervisor does not answer: %w", err)
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if err := json.NewEncoder(c).Encode(req); err != nil {
		return fmt.Errorf("testnet: asking the supervisor: %w", err)
	}
	var a answer
	if err := json.NewDecoder(bufio.NewReader(c)).Decode(&a); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("testnet: the supervisor's answer: %w", err)
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	return nil
}

// Status tells of the network in dir: what its supervisor has written, with each
// process looked at now. If none runs, the error is a *DirError with
// ErrNotRunning; the network that was there last comes with it, if there was one,
// with no process but those that have outlived their supervisor (none should).
func Status(dir string) (*Detached, error) {
	running, err := isLocked(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	d, err := readState(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if running {
			return nil, &DirError{dir, "it belongs to a test or a demonstration, and ends with that", ErrRunning}
		}
		return nil, notRunning(dir)
	}
	if err != nil {
		return nil, err
	}
	for i := range d.Routers {
		r := &d.Routers[i]
		state, ok := r.Process.alive()
		switch {
		case !ok:
			r.State, r.Process = StateDown, Process{}
		case state == 'T' || state == 't':
			r.State = StateFrozen
		default:
			r.State = StateRunning
		}
	}
	if !running {
		d.Supervisor = Process{}
		return d, notRunning(dir)
	}
	return d, nil
}

func notRunning(dir string) error {
	return &DirError{dir, "bring one up, or name its directory", ErrNotRunning}
}

// Down ends the network in dir, and returns when all its processes have ended.
// What the routers have written stays. It ends no process but those of the state
// file, and these only if they have started when that says. If none runs, the
// error is a *DirError with ErrNotRunning.
func Down(ctx context.Context, dir string) error {
	d, err := Status(dir)
	if d == nil {
		return err
	}
	notRunning := err
	if notRunning == nil {
		if err := stopSupervisor(ctx, dir, d.Supervisor); err != nil {
			return err
		}
	}
	for _, r := range d.Routers {
		// They have ended with their supervisor, or are about to.
		err := within(ctx, 5*time.Second, func() bool { _, ok := r.Process.alive(); return !ok })
		if err != nil {
			if err := r.Process.kill(); err != nil {
				return fmt.Errorf("testnet: %s, process %d, does not end: %w", r.Name, r.Process.PID, err)
			}
		}
	}
	return notRunning
}

// stopSupervisor asks the supervisor to end, then tells it, then ends it.
func stopSupervisor(ctx context.Context, dir string, p Process) error {
	gone := func() bool {
		// It lets go of the lock shortly before its end.
		locked, err := isLocked(dir)
		_, alive := p.alive()
		return err == nil && !locked && !alive
	}
	askCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	err := ask(askCtx, dir, request{Op: opStop})
	cancel()
	if err == nil && within(ctx, 15*time.Second, gone) == nil {
		return nil
	}
	if _, ok := p.alive(); ok {
		if err := signalPID(p.PID, sigEnd); err != nil {
			return fmt.Errorf("testnet: supervisor, process %d: %w", p.PID, err)
		}
		if within(ctx, 5*time.Second, gone) == nil {
			return nil
		}
	}
	if err := p.kill(); err != nil {
		return fmt.Errorf("testnet: supervisor, process %d: %w", p.PID, err)
	}
	if err := within(ctx, 5*time.Second, gone); err != nil {
		return fmt.Errorf("testnet: the network in %s, of process %d, does not end: %w", dir, p.PID, err)
	}
	return nil
}

func within(ctx context.Context, d time.Duration, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) { return ok(), nil }, func(err error) error { return err })
}

// A unix socket's path has at most 107 bytes, and a directory's may be longer.
// By its descriptor the path is short, on Linux.
func shortPath(dir *os.File, name string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + name
}

func listenUnix(dir, name string) (net.Listener, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	ln, err := net.Listen("unix", shortPath(d, name))
	if err != nil {
		return nil, err
	}
	// The path is not good any more when it would be removed.
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	return ln, nil
}

func dialUnix(ctx context.Context, dir, name string) (net.Conn, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	var dialer net.Dialer
	return dialer.DialContext(ctx, "unix", shortPath(d, name))
}
