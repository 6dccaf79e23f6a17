package main

import (
	"errors"
	"io/fs"
	"os"
)

// scratchName is a run's scratchFile in its directory: as temporary as a file that is
// not finished.
const scratchName = ".scratch.tmp"

// scratchFile is a game.Scratch in a file that goes with the process. It has no name
// from the start on where the system allows that, and else until it is closed; what a
// kill leaves then is overwritten by the next.
type scratchFile struct {
	*os.File
	end int64
}

func newScratch(name string) (*scratchFile, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(name) // not everywhere, see close
	return &scratchFile{File: f}, nil
}

// temporaryScratch is one for a command that has no directory of its own.
func temporaryScratch() (*scratchFile, error) {
	f, err := os.CreateTemp("", "mhsim-*.tmp")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return &scratchFile{File: f}, nil
}

// Append implements game.Scratch.
func (s *scratchFile) Append(b []byte) (offset int64, err error) {
	offset = s.end
	n, err := s.WriteAt(b, offset)
	s.end += int64(n)
	return offset, err
}

func (s *scratchFile) close() error {
	err := s.Close()
	if gone := os.Remove(s.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
