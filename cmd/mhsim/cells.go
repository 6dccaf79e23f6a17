package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"multihome.i2p/sim/game"
)

// cellCache keeps the trials of cells that any run has simulated, so that no other
// run of the same program simulates them again. It is a game.Cache.
//
// A cell is a file that only grows, named after a digest of the program and the
// cell. Each line is a trial,
//
//	<16 hex digits> <trial> <content>
//
// the digits being of the SHA-256 of the file's name and what follows them. A line
// is appended with one call, by any number of processes at once. One that was torn by
// a kill, that two processes mixed up, or that lies in the wrong file fails its check,
// and counts as not there. Files that were not used for longest go first when there is
// too much.
type cellCache struct {
	dir     string
	program string
	limit   int64 // bytes

	mu      sync.Mutex
	cells   map[game.CellKey]*cellFile
	written int64
	err     error // the first that kept something from being kept
}

// cellFile is what is known of a cell's file.
type cellFile struct {
	name  string
	lines map[int]span // as the file was when it was read through
	mu    sync.Mutex   // held while it is read through, and guards torn
	// torn tells that the file does not end with a newline.
	torn bool
}

// span is where a line lies in a file, newline included.
type span struct{ offset, length int64 }

const (
	cellSuffix = ".cell"
	// defaultCacheMiB is the size of the cache, in MiB.
	defaultCacheMiB = 1024
	maxCacheMiB     = 1 << 24
)

// cellsDir is where the cache of all runs lies. Tests replace it.
var cellsDir = func() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "multihome", "trials"), nil
}

// cacheFlags are those of commands that simulate.
func cacheFlags() []cli.Flag {
	return []cli.Flag{&cli.BoolFlag{Name: "no-cache"}, &cli.StringFlag{Name: "cache-size"}}
}

// cacheSize is the size of the cache that the flags ask for, in bytes; 0 is none.
func cacheSize(c *cli.Context) (int64, error) {
	size := int64(defaultCacheMiB)
	if c.IsSet("cache-size") {
		var err error
		if size, err = strconv.ParseInt(c.String("cache-size"), 10, 64); err != nil || size < 1 || size > maxCacheMiB {
			return 0, inputErrorf("--cache-size: %q is not a whole number of MiB from 1 to %d; --no-cache keeps nothing", c.String("cache-size"), maxCacheMiB)
		}
	}
	switch {
	case c.Bool("no-cache") && c.IsSet("cache-size"):
		return 0, inputErrorf("--no-cache keeps nothing, --cache-size %s does; give one of them", c.String("cache-size"))
	case c.Bool("no-cache"):
		return 0, nil
	}
	return size << 20, nil
}

// withCache gives opt a cache of that size. The caller calls done at the end.
func (t *tool) withCache(opt *game.Options, size int64) (done func()) {
	if size == 0 {
		return func() {}
	}
	dir, err := cellsDir()
	if err != nil || dir == "" {
		return func() {} // no home, no cache
	}
	program := t.build.commit
	if !exactly(program) {
		program = t.build.program()
	}
	if program == "" {
		return func() {} // two programs could not be told apart
	}
	cache := newCellCache(dir, program+" "+platform(), size)
	opt.Cache = cache
	return func() {
		if err := cache.close(); err != nil {
			fmt.Fprintf(t.stderr, "mhsim: warning: finished trials were not kept for other runs: %v; --no-cache keeps none\n", err)
		}
	}
}

func newCellCache(dir, program string, limit int64) *cellCache {
	return &cellCache{dir: dir, program: program, limit: limit, cells: make(map[game.CellKey]*cellFile)}
}

// close makes room for the next run, and returns the first error that kept a trial
// from being kept.
func (c *cellCache) close() error {
	c.prune()
	return c.err
}

// cell returns what is known of a cell's file, which is read at first.
func (c *cellCache) cell(key game.CellKey) *cellFile {
	c.mu.Lock()
	f := c.cells[key]
	fresh := f == nil
	if fresh {
		sum := sha256.Sum256(append([]byte(c.program+"\x00"), key[:]...))
		f = &cellFile{name: hex.EncodeToString(sum[:]) + cellSuffix, lines: make(map[int]span)}
		f.mu.Lock()
		c.cells[key] = f
	}
	c.mu.Unlock()
	if !fresh {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f
	}
	defer f.mu.Unlock()
	f.scan(filepath.Join(c.dir, f.name))
	return f
}

// scan reads through the file. Whatever goes wrong, what was not read is not there.
func (f *cellFile) scan(path string) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReaderSize(file, 1<<16)
	var offset int64
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			f.torn = len(line) > 0
			break
		}
		if trial, _, ok := f.parse(line); ok {
			if _, known := f.lines[trial]; !known {
				f.lines[trial] = span{offset, int64(len(line))}
			}
		}
		offset += int64(len(line))
	}
	if len(f.lines) > 0 {
		now := time.Now()
		_ = os.Chtimes(path, now, now) // it goes last; nothing depends on it
	}
}

// sumDigits is the length of a line's checksum.
const sumDigits = 16

func (f *cellFile) sum(rest []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, f.name) // a hash never fails
	_, _ = h.Write(rest)
	return hex.EncodeToString(h.Sum(nil)[:sumDigits/2])
}

// parse takes a line apart, with its newline.
func (f *cellFile) parse(line []byte) (trial int, content []byte, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("\n"))
	if !ok || len(line) < sumDigits+1 || line[sumDigits] != ' ' {
		return 0, nil, false
	}
	rest := line[sumDigits+1:]
	number, content, ok := bytes.Cut(rest, []byte(" "))
	if !ok || string(line[:sumDigits]) != f.sum(rest) {
		return 0, nil, false
	}
	trial, err := strconv.Atoi(string(number))
	return trial, content, err == nil
}

// has tells whether the file held the trial when it was read.
func (f *cellFile) has(trial int) bool {
	_, ok := f.lines[trial]
	return ok
}

// Get implements game.Cache.
func (c *cellCache) Get(key game.CellKey, trial int) []byte {
	f := c.cell(key)
	if !f.has(trial) {
		return nil
	}
	at := f.lines[trial]
	file, err := os.Open(filepath.Join(c.dir, f.name))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // it was only read
	line := make([]byte, at.length)
	if _, err := file.ReadAt(line, at.offset); err != nil {
		return nil
	}
	// The file may have been removed and begun anew by somebody else.
	is, content, ok := f.parse(line)
	if !ok || is != trial {
		return nil
	}
	return content
}

// Put implements game.Cache.
func (c *cellCache) Put(key game.CellKey, trial int, content []byte) {
	f := c.cell(key)
	if f.has(trial) {
		return
	}
	rest := append([]byte(strconv.Itoa(trial)+" "), content...)
	line := append([]byte(f.sum(rest)+" "), rest...)
	line = append(line, '\n')
	c.mu.Lock()
	full := c.err != nil || c.written+int64(len(line)) > c.limit
	if !full {
		c.written += int64(len(line))
	}
	c.mu.Unlock()
	if full {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.torn {
		line = append([]byte("\n"), line...)
		f.torn = false
	}
	if err := appendTo(filepath.Join(c.dir, f.name), line); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.err == nil {
			c.err = err
		}
	}
}

// appendTo appends to a file with one call.
func appendTo(name string, line []byte) error {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	file, err := os.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
			file, err = os.OpenFile(name, flags, 0o600)
		}
	}
	if err != nil {
		return err
	}
	_, err = file.Write(line)
	return errors.Join(err, file.Close())
}

// prune removes the files that were not used for longest, until the rest is within
// the limit, with a tenth to spare. Somebody else may be doing the same.
func (c *cellCache) prune() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	var total int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), cellSuffix) {
			files = append(files, info)
			total += info.Size()
		}
	}
	if total <= c.limit {
		return
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range files {
		if total <= c.limit-c.limit/10 {
			return
		}
		if err := os.Remove(filepath.Join(c.dir, info.Name())); err == nil || errors.Is(err, fs.ErrNotExist) {
			total -= info.Size()
		}
	}
}
