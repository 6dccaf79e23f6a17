//go:build !linux

package testnet

import (
	"errors"
	"net/netip"
	"os"
	"syscall"
)

const supported = false

var errLinux = errors.New("testnet: network namespaces need Linux")

func onSpawner(func() error) error { return errLinux }

func childAttr() *syscall.SysProcAttr { return nil }

func namespaceAttr(bool, bool) *syscall.SysProcAttr { return nil }

func signalPID(int, syscall.Signal) error { return errLinux }

const (
	sigFreeze = syscall.Signal(0)
	sigThaw   = syscall.Signal(0)
	sigKill   = syscall.SIGKILL
	sigHup    = syscall.SIGHUP
	sigEnd    = syscall.SIGTERM
)

func lock(*os.File) (bool, error) { return false, errLinux }

func closeOnExec(*os.File) {}

func raiseLoopback() error { return errLinux }

func destroyTCP(netip.AddrPort, netip.AddrPort) error { return errLinux }

func unsupported(error) bool { return true }
