//go:build unix

package main

import (
	"net"
	"syscall"
)

// listenPrivately makes a Unix socket that only its user may connect to. The
// mask, not a later chmod, sees to that: nobody can come in between.
func listenPrivately(path string) (net.Listener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}
