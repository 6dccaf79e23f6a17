//go:build !unix

package control

import "net"

// listenPrivately makes the socket; who may connect is up to its folder.
func listenPrivately(path string) (net.Listener, error) { return net.Listen("unix", path) }
