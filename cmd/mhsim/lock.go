package main

import (
	"errors"
	"path/filepath"

	"multihome.i2p/cmd/internal/filelock"
)

// lockDir locks a result directory, or says which process has it. The mend is
// what the user can do to have another directory.
func lockDir(dir, mend string) (*filelock.Lock, error) {
	lock, err := filelock.Acquire(filepath.Join(dir, lockFile))
	var held *filelock.HeldError
	var cannot *filelock.LockError
	switch {
	case errors.As(err, &held):
		return nil, inUse(dir, held, mend)
	case errors.As(err, &cannot):
		return nil, inputErrorf("%w; %s on a local disk", err, mend)
	case err != nil:
		return nil, inputErrorf("cannot write into %s: %w; %s", dir, err, mend)
	}
	return lock, nil
}

// checkFree says which process has the lock of a directory, if one has it. It
// writes nothing: a directory that is being filled looks like one whose run was
// interrupted, and is neither to be resumed nor changed.
func checkFree(dir, mend string) error {
	var held *filelock.HeldError
	if err := filelock.Held(filepath.Join(dir, lockFile)); errors.As(err, &held) {
		return inUse(dir, held, mend)
	}
	return nil // no lock, or none that can be looked at: lockDir will say
}

func inUse(dir string, held *filelock.HeldError, mend string) error {
	return inputErrorf("%s is in use by another mhsim%s; wait for it, or %s", dir, held.Holder(), mend)
}
