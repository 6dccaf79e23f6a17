//go:build !unix

package main

import "net"

// listenPrivately makes a Unix socket; who may connect is up to its folder.
func listenPrivately(path string) (net.Listener, error) { return net.Listen("unix", path) }
