package testnet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// lockName is a file in each network's directory, by which the directory is
// known to be one, and locked as long as the network runs.
const lockName = "testnet.lock"

const lockText = "A private I2P network of multihome.i2p/internal/testnet lives here. Locked while it runs.\n"

var (
	// ErrRunning says that a network is running in the directory.
	ErrRunning = errors.New("a network is running there")
	// ErrNotRunning says that none is.
	ErrNotRunning = errors.New("no network is running there")
	// ErrForeign says that a directory has something else in it.
	ErrForeign = errors.New("it is not empty, and not of a test network")
)

// A DirError is about a network's directory.
type DirError struct {
	Dir  string
	Mend string // what to do about it
	Err  error  // ErrRunning, ErrNotRunning, ErrForeign
}

func (e *DirError) Error() string { return fmt.Sprintf("testnet: %s: %v: %s", e.Dir, e.Err, e.Mend) }

func (e *DirError) Unwrap() error { return e.Err }

var routerDirRE = regexp.MustCompile(`^r(0|[1-9][0-9]{0,2})$`)

// claim locks a directory for a network, makes it if need be, and removes what
// an earlier network has left in it. The lock ends with the returned file, and
// with the copies of it that children have inherited.
func claim(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	ours := false
	for _, e := range entries {
		ours = ours || e.Name() == lockName
	}
	if len(entries) > 0 && !ours {
		return nil, &DirError{dir, "name a new one, or empty it", ErrForeign}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	got, err := lock(f)
	if err == nil && !got {
		err = &DirError{dir, "end it first, or name another directory", ErrRunning}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	clean := func() error {
		if err := f.Truncate(0); err != nil {
			return err
		}
		if _, err := f.WriteAt([]byte(lockText), 0); err != nil {
			return err
		}
		for _, e := range entries {
			if routerDirRE.MatchString(e.Name()) && e.IsDir() {
				if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
					return err
				}
			}
		}
		for _, name := range []string{stateName, controlName} {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}
	if err := clean(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// isLocked reports whether a network runs in the directory. The error is
// fs.ErrNotExist if none ever did.
func isLocked(dir string) (bool, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	got, err := lock(f)
	return err == nil && !got, err
}
