package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
)

// unknownCommit stands for the revision of a program that was not built in a
// repository.
const unknownCommit = "unknown"

// build says which program this is.
type build struct {
	version, commit string
	// program returns the SHA-256 of the executable, "" where it cannot be read.
	// It tells builds apart whose commit does not.
	program func() string
}

func readBuild() build {
	b := build{version: "(devel)", commit: unknownCommit, program: sync.OnceValue(programDigest)}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.version = info.Main.Version
	}
	modified := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	if modified && b.commit != unknownCommit {
		b.commit += dirty
	}
	return b
}

// dirty marks the commit of a program that was built from changed files.
const dirty = "-dirty"

// String is what mhsim --version prints.
func (b build) String() string {
	return fmt.Sprintf("mhsim %s, commit %s, %s", b.version, b.commit, runtime.Version())
}

// exactly reports whether the commit says all about the program.
func exactly(commit string) bool {
	return commit != "" && commit != unknownCommit && !strings.HasSuffix(commit, dirty)
}

// made reports whether a run was made by this program. Two commits decide where
// both are exact, otherwise the executables do; where one of them is not known
// either, the benefit of the doubt.
func (b build) made(r *runInfo) bool {
	if exactly(b.commit) && exactly(r.Commit) {
		return b.commit == r.Commit
	}
	own := b.program()
	return own == "" || r.Program == "" || own == r.Program
}

// another names the program that made the run, where it is not this one.
func (b build) another(r *runInfo) string {
	if b.commit == r.Commit {
		return "another build of mhsim"
	}
	return fmt.Sprintf("another version of mhsim (commit %s; this is %s)", r.Commit, b.commit)
}

func programDigest() string {
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
