package assess

import (
	"os"
	"path/filepath"
	"time"
)

// LeaseSets returns how many distinct ones the trace shows.
func (a *Assessment) LeaseSets() int { return a.leaseSets }

// Span returns the time from the first record to the last.
func (a *Assessment) Span() time.Duration { return time.Duration(a.spanMs) * time.Millisecond }

// Verdict returns what the trace shows.
func (a *Assessment) Verdict() Verdict { return a.verdict }

// Sentence returns the verdict in words, for a person.
func (a *Assessment) Sentence() string { return a.sentence }

// CacheDir is where references are kept from one command to the next.
func CacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "multihome"), nil
}
