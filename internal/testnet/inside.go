package testnet

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// envInside is set in a process that this package has put into a namespace.
const envInside = "MULTIHOME_TESTNET_INSIDE"

// EnvRequired names the environment variable that, if set to anything, makes
// tests fail where they would be skipped for want of i2pd or of privileges: for
// machines where they must be run.
const EnvRequired = "MULTIHOME_TESTNET_REQUIRED"

// EnvKeep names the environment variable with a directory in which StartTest
// keeps the routers' data and logs, each test's under its name.
const EnvKeep = "MULTIHOME_TESTNET_KEEP"

// IsInside reports whether this process is in a network namespace that this
// package has made, so that Start can be called.
func IsInside() bool { return os.Getenv(envInside) != "" && checkNamespace() == nil }

// checkNamespace makes sure that nothing can leave: no device but lo is up.
func checkNamespace() error {
	if os.Getenv(envInside) == "" {
		return errors.New("testnet: this process is not in a network namespace made for it")
	}
	devices, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("testnet: %w", err)
	}
	for _, d := range devices {
		if d.Name != "lo" && d.Flags&net.FlagUp != 0 {
			return fmt.Errorf("testnet: this namespace has a way out, %s", d.Name)
		}
	}
	return nil
}

// Check tells why no network can be built here, nil if one can: it runs
// i2pd --version in a namespace of its own. i2pd is as in Options.
func Check(ctx context.Context, i2pd string) error {
	_, err := check(ctx, i2pd)
	return err
}

func check(ctx context.Context, i2pd string) (user bool, err error) {
	if !supported {
		return false, errors.New("testnet: network namespaces need Linux")
	}
	path, err := FindI2pd(i2pd)
	if err != nil {
		return false, err
	}
	return probe(ctx, path)
}

// probe runs i2pd --version in a namespace of its own, and tells what it takes to
// make one: a user namespace, unless this process is root and may do it without.
func probe(ctx context.Context, i2pd string) (user bool, err error) {
	if os.Geteuid() == 0 {
		err = probeWith(ctx, i2pd, false)
		if err == nil {
			return false, nil
		}
	}
	again := probeWith(ctx, i2pd, true)
	if again == nil {
		return true, nil
	}
	if err == nil {
		err = again
	}
	return false, err
}

func probeWith(ctx context.Context, i2pd string, user bool) error {
	cmd := exec.CommandContext(ctx, i2pd, "--version")
	cmd.SysProcAttr = namespaceAttr(user, false)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	err := onSpawner(cmd.Run)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) {
		// ENOSPC is what user.max_user_namespaces = 0 gives.
		return fmt.Errorf("testnet: no network namespace can be made (%w): it needs root, or user namespaces "+
			"(kernel.unprivileged_userns_clone, user.max_user_namespaces, AppArmor)", err)
	}
	if err != nil {
		return fmt.Errorf("testnet: %s --version: %w", i2pd, err)
	}
	_, err = parseVersion(stdout.Bytes())
	return err
}

// isolate makes a command run in a network namespace of its own.
func isolate(cmd *exec.Cmd, user, detached bool) {
	cmd.Env = append(cmd.Environ(), envInside+"=1")
	cmd.SysProcAttr = namespaceAttr(user, detached)
}

// Reexec runs this very command line again in a new network namespace, with the
// same standard streams, and returns when that has ended: an *exec.ExitError if
// not with 0. When ctx ends, the process inside gets SIGTERM, and is killed
// 20 s later; it dies with this process. (A ^C in a terminal reaches both.)
// i2pd is as in Options, "" for the default. The errors are those of Check too.
//
//	if !testnet.IsInside() {
//		return testnet.Reexec(ctx, "")
//	}
//	n, err := testnet.Start(ctx, opts, progress)
func Reexec(ctx context.Context, i2pd string) error {
	cmd, err := again(ctx, i2pd, os.Args[1:])
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return runChild(cmd)
}

// again returns a command that runs this program in a new namespace.
func again(ctx context.Context, i2pd string, args []string) (*exec.Cmd, error) {
	user, err := check(ctx, i2pd)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	isolate(cmd, user, false)
	cmd.Cancel = func() error { return cmd.Process.Signal(sigEnd) }
	cmd.WaitDelay = 20 * time.Second
	return cmd, nil
}

func runChild(cmd *exec.Cmd) error {
	if err := onSpawner(cmd.Start); err != nil {
		return err
	}
	return cmd.Wait()
}

// A TB is what Inside and StartTest need of a *testing.T.
type TB interface {
	Helper()
	Name() string
	Context() context.Context
	Cleanup(func())
	TempDir() string
	Failed() bool
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Inside reports whether a test runs in a namespace. If not, it runs that test
// again in one, and reports its outcome as this test's; flags that the package
// has defined itself are passed on. It is the first line of a top-level test:
//
//	if !testnet.Inside(t) {
//		return
//	}
//
// Where no network can be built it skips the test, or fails it if the
// environment has MULTIHOME_TESTNET_REQUIRED. It skips it under -short.
func Inside(t TB) bool {
	t.Helper()
	if IsInside() {
		return true
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v"}
	short := false
	flag.Visit(func(f *flag.Flag) {
		switch {
		case f.Name == "test.short":
			short = f.Value.String() == "true"
		case f.Name == "test.timeout":
			args = append(args, "-test.timeout="+f.Value.String())
		case !strings.HasPrefix(f.Name, "test."):
			args = append(args, "-"+f.Name+"="+f.Value.String())
		}
	})
	if short {
		t.Skipf("SKIPPED, not run against a real i2pd: -short")
	}
	cmd, err := again(t.Context(), "", args)
	if err != nil {
		if os.Getenv(EnvRequired) != "" {
			t.Fatalf("not run against a real i2pd, but %s is set: %v", EnvRequired, err)
		}
		t.Skipf("SKIPPED, not run against a real i2pd: %v", err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = runChild(cmd)
	switch {
	case err != nil:
		t.Errorf("in a namespace: %v\n%s", err, &out)
	case !strings.Contains(out.String(), "--- PASS: "+t.Name()):
		t.Errorf("in a namespace: not run\n%s", &out)
	default:
		t.Logf("%s", &out)
	}
	return false
}

// StartTest builds a network for a test, waits until it is ready, at most 90 s,
// and ends it with the test. If the test has failed by then, the routers'
// complaints are logged. Dir is a temporary one unless it is given, or the
// environment has MULTIHOME_TESTNET_KEEP.
func StartTest(t TB, opts Options) *Network {
	t.Helper()
	if opts.Dir == "" {
		if keep := os.Getenv(EnvKeep); keep != "" {
			opts.Dir = filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "_"))
		} else {
			opts.Dir = t.TempDir()
		}
	}
	n, err := Start(t.Context(), opts, func(line string) { t.Logf("%s", line) })
	if err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() {
		n.Stop()
		if t.Failed() {
			t.Logf("complaints of the routers:\n%s", strings.Join(n.Problems(20), "\n"))
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	if err := n.Ready(ctx); err != nil {
		t.Fatalf("%v", err)
	}
	return n
}
