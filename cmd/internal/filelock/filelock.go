// Package filelock locks files against other processes. The operating system
// keeps the lock: it goes with its process, however that ends, and so can never
// be stale; a file that a kill left behind means nothing.
package filelock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// A HeldError says that another process has the lock.
type HeldError struct {
	PID int // of that process, 0 if the file does not tell
}

func (e *HeldError) Error() string { return "locked by another process" + e.Holder() }

// Holder names the process, in brackets and behind a space; it is empty for an
// unknown one.
func (e *HeldError) Holder() string {
	if e.PID == 0 {
		return ""
	}
	return fmt.Sprintf(" (process %d)", e.PID)
}

// errLocked is what lockFile returns if another process has the lock.
var errLocked = errors.New("locked")

// A Lock is held until Release, or until the process ends.
type Lock struct{ file *os.File }

// Acquire makes the file of that name, locks it and writes this process's number
// into it. The error is a [*HeldError] if another process has the lock, and a
// [*LockError] if the file cannot be locked at all.
func Acquire(name string) (*Lock, error) {
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			defer func() { _ = f.Close() }()
			if !errors.Is(err, errLocked) {
				return nil, &LockError{name, err}
			}
			return nil, &HeldError{pid(f)}
		}
		// The holder before us removes the file before it gives the lock up: we
		// may have locked a file that is gone, while a third process makes a new
		// one. Then that is the one to lock.
		if current(f, name) {
			if err := writePID(f); err != nil {
				return nil, errors.Join(err, f.Close())
			}
			return &Lock{f}, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// A LockError says that the file system gives no locks.
type LockError struct {
	Name string
	Err  error
}

func (e *LockError) Error() string { return fmt.Sprintf("cannot lock %s: %v", e.Name, e.Err) }
func (e *LockError) Unwrap() error { return e.Err }

// Held returns a [*HeldError] if another process has the lock, and nil if none
// has it or the file cannot be looked at. It writes nothing.
func Held(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if err := lockFile(f); errors.Is(err, errLocked) {
		return &HeldError{pid(f)}
	}
	return nil
}

// Release removes the file, then gives up the lock.
func (l *Lock) Release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}

// current reports whether the open file is the one that has the name.
func current(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(mine, there)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// pid is the process that has the lock, as far as the file tells.
func pid(f *os.File) int {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}
