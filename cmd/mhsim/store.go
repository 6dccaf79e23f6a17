package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// recordFile is a file of JSON records that only grows: a header line, then a
// line for each record,
//
//	{"crc32c":"e3069283","record":{…}}
//
// where the checksum (CRC-32C, hexadecimal) is that of the record's bytes. A
// process can be killed, or a machine fail, in the middle of a line; the line
// then lacks its newline or its checksum is wrong. Opening the file cuts it at
// the first such line, since what follows is of no known age, and what is lost
// is simulated again.
//
// Each record is handed to the operating system before the next trial counts as
// finished, so that a killed process loses none. It is forced to the disk once
// a second and at the end, so that a power failure loses about a second.
type recordFile struct {
	name   string
	file   *os.File
	end    int64 // length of what is whole
	synced time.Time
	now    func() time.Time
	buf    []byte
	// damaged is the line from which on the file was cut off although that line
	// had been written to its end, 0 where there was none.
	damaged int
}

// recordHeader is the first line of a recordFile.
type recordHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Digest is that of the run's scenario: records of another run are of no use.
	Digest string `json:"digest"`
}

const syncEvery = time.Second

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openRecords opens the file, or makes it, and cuts off what is not whole.
func openRecords(name string, header recordHeader, now func() time.Time) (r *recordFile, err error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	r = &recordFile{name: name, file: f, now: now, synced: now()}
	first, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	line := 0
	err = r.lines(func(text []byte) (bool, error) {
		line++
		if line == 1 {
			var is recordHeader
			if err := json.Unmarshal(text, &is); err == nil && is != header {
				return false, inputErrorf("%s:1: these are %s version %d of another run; move the directory away, or choose another --out", name, is.Format, is.Version)
			}
			if !bytes.Equal(text, first) {
				r.damaged = line
			}
			return r.damaged == 0, nil
		}
		if _, whole := parseRecord(text); !whole {
			r.damaged = line
		}
		return r.damaged == 0, nil
	})
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(r.end); err != nil {
		return nil, err
	}
	if r.end == 0 {
		if err := r.write(append(first, '\n')); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// lines calls f for each line that has its newline, until f returns false, and
// leaves r.end behind the last line for which it returned true.
func (r *recordFile) lines(f func(line []byte) (bool, error)) error {
	r.end = 0
	in := bufio.NewReader(io.NewSectionReader(r.file, 0, 1<<62))
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // a rest without newline is not whole
		}
		if err != nil {
			return err
		}
		ok, err := f(line[:len(line)-1])
		if err != nil || !ok {
			return err
		}
		r.end += int64(len(line))
	}
}

// The parts of a record's line around the checksum's 8 digits and the record.
const (
	recordPrefix = `{"crc32c":"`
	recordMiddle = `","record":`
	recordSuffix = `}`
	crcDigits    = 8
)

// parseRecord takes a line apart and reports whether the record is whole.
func parseRecord(line []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(recordPrefix))
	if !ok || len(rest) < crcDigits {
		return nil, false
	}
	digits := rest[:crcDigits]
	rest, ok = bytes.CutPrefix(rest[crcDigits:], []byte(recordMiddle))
	if !ok {
		return nil, false
	}
	record, ok := bytes.CutSuffix(rest, []byte(recordSuffix))
	if !ok || string(digits) != checksum(record) {
		return nil, false
	}
	return record, true
}

func checksum(record []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(record, castagnoli)) }

// Load implements game.Store.
func (r *recordFile) Load(f func(record []byte) error) error {
	return r.loadAt(func(record []byte, _ span) error { return f(record) })
}

// loadAt calls f for every record, with the place of its line, newline left out.
func (r *recordFile) loadAt(f func(record []byte, at span) error) error {
	first := true
	return r.lines(func(line []byte) (bool, error) {
		if first {
			first = false
			return true, nil
		}
		record, whole := parseRecord(line)
		if !whole {
			return false, r.changed()
		}
		return true, f(record, span{r.end, int64(len(line))})
	})
}

func (r *recordFile) changed() error {
	return fmt.Errorf("%s: changed by somebody else while it was open", r.name)
}

// Append implements game.Store.
func (r *recordFile) Append(record []byte) error {
	if bytes.IndexByte(record, '\n') >= 0 {
		return fmt.Errorf("%s: a record of several lines", r.name)
	}
	r.buf = frame(r.buf[:0], record)
	return r.write(r.buf)
}

// frame appends the line of a record.
func frame(line, record []byte) []byte {
	line = append(line, recordPrefix...)
	line = append(line, checksum(record)...)
	line = append(line, recordMiddle...)
	line = append(line, record...)
	line = append(line, recordSuffix...)
	return append(line, '\n')
}

// write appends a whole line with one call.
func (r *recordFile) write(line []byte) error {
	n, err := r.file.WriteAt(line, r.end)
	if err != nil {
		return err
	}
	r.end += int64(n)
	if now := r.now(); now.Sub(r.synced) >= syncEvery {
		r.synced = now
		return r.file.Sync()
	}
	return nil
}

func (r *recordFile) close() error { return errors.Join(r.file.Sync(), r.file.Close()) }
