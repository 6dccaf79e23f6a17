package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(name, []byte("left behind by a kill"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := Acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	var held *HeldError
	if _, err := Acquire(name); !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("a second lock: %v, want one held by %d", err, os.Getpid())
	}
	if err := Held(name); !errors.As(err, &held) || !strings.Contains(err.Error(), "(process ") {
		t.Errorf("Held: %v", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	if err := Held(name); err != nil {
		t.Errorf("Held after Release: %v", err)
	}
	l, err = Acquire(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Acquire(filepath.Join(t.TempDir(), "no", "lock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, want %v", err, os.ErrNotExist)
	}
}
