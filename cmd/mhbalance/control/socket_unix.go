//go:build unix

package control

import (
	"net"
	"syscall"
)

// listenPrivately makes the socket. The mask, not a later chmod, keeps others
// out: nobody can come in between.
func listenPrivately(path string) (net.Listener, error) {
	old := syscall.Umask(0o177)
	defer syscall.Umask(old)
	return net.Listen("unix", path)
}
