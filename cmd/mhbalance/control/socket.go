package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"os"
	"syscall"
	"time"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// ErrInUse is why a socket cannot be served: somebody does already.
var ErrInUse = errors.New("another process serves it")

// Listen makes a Unix socket that only its user may connect to. It takes the
// place of a socket that a dead process left behind, and of nothing else.
func Listen(path string) (net.Listener, error) {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fmt.Errorf("%s is there, and is no socket; remove it or choose another path", path)
	default:
		nc, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			_ = nc.Close()
			return nil, fmt.Errorf("%s: %w; stop that one or choose another path", path, ErrInUse)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, fmt.Errorf("%w; choose another path", err)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := listenPrivately(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; make its directory", err)
	}
	return l, err
}
