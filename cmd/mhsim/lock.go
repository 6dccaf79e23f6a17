package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// errLocked is what lockFileExclusively returns if another process has the lock.
var errLocked = errors.New("locked by another process")

// dirLock is the lock of a result directory: a file that holds the process's
// number, locked by the operating system. The lock goes with its process,
// however that ends, and so can never be stale; a file that a kill left behind
// means nothing.
type dirLock struct{ file *os.File }

// lockDir locks a directory, or says which process has it. The mend is what the
// user can do to have another directory.
func lockDir(dir, mend string) (*dirLock, error) {
	name := filepath.Join(dir, lockFile)
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, inputErrorf("cannot write into %s: %w; %s", dir, err, mend)
		}
		if err := lockFileExclusively(f); err != nil {
			defer func() { _ = f.Close() }()
			if !errors.Is(err, errLocked) {
				return nil, inputErrorf("cannot lock %s: %w; %s on a local disk", name, err, mend)
			}
			return nil, inputErrorf("%s is in use by another mhsim%s; wait for it, or %s", dir, holder(f), mend)
		}
		// The holder before us removes the file before it gives the lock up: we
		// may have locked a file that is gone, while a third process makes a new
		// one. Then that is the one to lock.
		if current(f, name) {
			if err := writeHolder(f); err != nil {
				return nil, inputErrorf("cannot write into %s: %w; %s", dir, errors.Join(err, f.Close()), mend)
			}
			return &dirLock{f}, nil
		}
		if err := f.Close(); err != nil {
			return nil, inputError(err)
		}
	}
}

// checkFree says which process has the lock of a directory, if one has it. It
// writes nothing: a directory that is being filled looks like one whose run was
// interrupted, and is neither to be resumed nor changed.
func checkFree(dir, mend string) error {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		return nil // no lock, or none that can be looked at: lockDir will say
	}
	defer func() { _ = f.Close() }()
	if err := lockFileExclusively(f); errors.Is(err, errLocked) {
		return inputErrorf("%s is in use by another mhsim%s; wait for it, or %s", dir, holder(f), mend)
	}
	return nil
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

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder names the process that has the lock, as far as the file tells.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// release removes the lock file, then gives up the lock.
func (l *dirLock) release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}
