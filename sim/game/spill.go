package game

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"sync"
)

// Scratch is room for the numbers of a run that memory need not hold: what was written
// there is of no use to anybody else, or later. A run appends from one goroutine at a
// time, and reads from several while nothing is appended.
type Scratch interface {
	io.ReaderAt
	// Append writes b behind all that is there, and tells where it begins.
	Append(b []byte) (offset int64, err error)
}

// heapScratch is a Scratch in memory.
type heapScratch struct{ b []byte }

// Append implements Scratch.
func (s *heapScratch) Append(b []byte) (offset int64, err error) {
	offset = int64(len(s.b))
	s.b = append(s.b, b...)
	return offset, nil
}

// ReadAt implements io.ReaderAt.
func (s *heapScratch) ReadAt(b []byte, offset int64) (int, error) { return copy(b, s.b[offset:]), nil }

// spill is the Scratch of a run with the first error that it met. Who reads then gets
// NaN, and asks for the error when all is done.
type spill struct {
	file Scratch
	mu   sync.Mutex // guards err
	err  error
}

func newSpill(file Scratch) *spill {
	if file == nil {
		file = &heapScratch{}
	}
	return &spill{file: file}
}

// failed is the first error.
func (s *spill) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *spill) append(b []byte) int64 {
	offset, err := s.file.Append(b)
	s.note(err)
	return offset
}

// read fills b and tells whether that worked.
func (s *spill) read(b []byte, offset int64) bool {
	_, err := s.file.ReadAt(b, offset)
	s.note(err)
	return err == nil
}

func (s *spill) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = err
	}
}

const numberBytes = 8 // of a float64

func putNumber(b []byte, x float64) { binary.LittleEndian.PutUint64(b, math.Float64bits(x)) }
func numberAt(b []byte) float64     { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

// A table holds rows of numbers, one for each trial, in the order in which they came.
// Some rows make a tile, which lies column by column in the Scratch: a column of all
// trials is read in pieces. Memory holds the tile that is not full yet, and four bytes
// of each row.
type table struct {
	to    *spill
	width int     // numbers of a row
	rows  int     // of a tile
	trial []int32 // of each row
	tiles []int64 // offsets
	open  []byte  // the last tile
	some  []bool  // columns that hold a number
}

// tileBytes is about the size of a tile; the fewest rows of one bound the number of reads.
const (
	tileBytes            = 1 << 18
	fewestRows, mostRows = 16, 512
)

func newTable(to *spill, width int) *table {
	rows := min(max(tileBytes/numberBytes/max(1, width), fewestRows), mostRows)
	return &table{to: to, width: width, rows: rows, some: make([]bool, width)}
}

// add takes in the row of a trial, each trial once.
func (t *table) add(trial int, row []float64) {
	if t.open == nil {
		t.open = make([]byte, t.rows*t.width*numberBytes)
	}
	at := len(t.trial) % t.rows
	for c, x := range row {
		putNumber(t.open[(c*t.rows+at)*numberBytes:], x)
		t.some[c] = t.some[c] || !math.IsNaN(x)
	}
	t.trial = append(t.trial, int32(trial))
	if at == t.rows-1 {
		t.tiles = append(t.tiles, t.to.append(t.open))
	}
}

// column is column c of the first n trials; NaN for a trial without a row.
func (t *table) column(c, n int) []float64 {
	xs := slices.Repeat([]float64{math.NaN()}, n)
	if !t.some[c] {
		return xs
	}
	buf := make([]byte, t.rows*numberBytes)
	for first := 0; first < len(t.trial); first += t.rows {
		piece := buf
		if k := first / t.rows; k < len(t.tiles) {
			if !t.to.read(buf, t.tiles[k]+int64(c*len(buf))) {
				return xs
			}
		} else {
			piece = t.open[c*len(buf):]
		}
		for i, trial := range t.trial[first:min(first+t.rows, len(t.trial))] {
			if int(trial) < n {
				xs[trial] = numberAt(piece[i*numberBytes:])
			}
		}
	}
	return xs
}

// window are all columns of the trials from one to before another.
func (t *table) window(from, to int) [][]float64 {
	columns := make([][]float64, t.width)
	for c := range columns {
		columns[c] = slices.Repeat([]float64{math.NaN()}, to-from)
	}
	buf := make([]byte, t.rows*t.width*numberBytes)
	for first := 0; first < len(t.trial); first += t.rows {
		trials := t.trial[first:min(first+t.rows, len(t.trial))]
		if !slices.ContainsFunc(trials, func(trial int32) bool { return from <= int(trial) && int(trial) < to }) {
			continue
		}
		tile := t.open
		if k := first / t.rows; k < len(t.tiles) {
			if tile = buf; !t.to.read(buf, t.tiles[k]) {
				return columns
			}
		}
		for i, trial := range trials {
			if from <= int(trial) && int(trial) < to {
				for c := range columns {
					columns[c][int(trial)-from] = numberAt(tile[(c*t.rows+i)*numberBytes:])
				}
			}
		}
	}
	return columns
}

// lists are several lists of numbers at one place of a Scratch: first where each begins
// and ends, in bytes from there, then the lists. Lists that are the same lie there once.
type lists int64

// noLists is the place of none.
const noLists lists = -1

const boundsBytes = 8 // of a list: two uint32

func (s *spill) putLists(all []floats) lists {
	b := make([]byte, boundsBytes*len(all))
	for i, f := range all {
		if first := slices.IndexFunc(all[:i], f.same); first >= 0 {
			copy(b[boundsBytes*i:], b[boundsBytes*first:boundsBytes*(first+1)])
			continue
		}
		binary.LittleEndian.PutUint32(b[boundsBytes*i:], uint32(len(b)))
		for _, x := range f {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		binary.LittleEndian.PutUint32(b[boundsBytes*i+4:], uint32(len(b)))
	}
	return lists(s.append(b))
}

// list is one of the lists at a place; nil for an empty one.
func (s *spill) list(at lists, k int) []float64 {
	var bounds [boundsBytes]byte
	if at == noLists || !s.read(bounds[:], int64(at)+int64(k*boundsBytes)) {
		return nil
	}
	from, to := binary.LittleEndian.Uint32(bounds[:]), binary.LittleEndian.Uint32(bounds[4:])
	if from == to {
		return nil
	}
	b := make([]byte, to-from)
	if !s.read(b, int64(at)+int64(from)) {
		return nil
	}
	xs := make([]float64, len(b)/numberBytes)
	for i := range xs {
		xs[i] = numberAt(b[i*numberBytes:])
	}
	return xs
}
