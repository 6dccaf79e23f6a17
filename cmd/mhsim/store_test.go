package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var testHeader = recordHeader{"multihome-test", 1, "d1ge57"}

// frozen is a clock that stands still.
func frozen() time.Time { return time.Unix(1e9, 0) }

func open(t *testing.T, name string) *recordFile {
	t.Helper()
	r, err := openRecords(name, testHeader, frozen)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func load(t *testing.T, r *recordFile) (records []string) {
	t.Helper()
	err := r.Load(func(record []byte) error {
		records = append(records, string(record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// Whatever length a kill leaves, opening the file keeps exactly the records that
// were whole, and records that are appended then are found again.
func TestTornAnywhere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "whole")
	r := open(t, name)
	var ends []int64 // of the header and the records
	ends = append(ends, r.end)
	var records []string
	for i := range 3 {
		records = append(records, fmt.Sprintf(`{"n":%d,"text":"}{\\\"}"}`, i))
		if err := r.Append([]byte(records[i])); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, r.end)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	torn := filepath.Join(dir, "torn")
	for n := range len(whole) + 1 {
		if err := os.WriteFile(torn, whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for kept < 3 && int64(n) >= ends[kept+1] {
			kept++
		}
		r := open(t, torn)
		if got := load(t, r); !slices.Equal(got, records[:kept]) {
			t.Fatalf("%d bytes: records %q, want the first %d", n, got, kept)
		}
		if r.damaged != 0 {
			t.Fatalf("%d bytes: line %d counts as damaged, but a torn line is none", n, r.damaged)
		}
		for _, record := range records[kept:] {
			if err := r.Append([]byte(record)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
		if again, err := os.ReadFile(torn); err != nil || !bytes.Equal(again, whole) {
			t.Fatalf("%d bytes: %q in the end, want %q (%v)", n, again, whole, err)
		}
	}
}

// Every changed byte is found.
func TestDamage(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	r := open(t, name)
	for i := range 3 {
		if err := r.Append(fmt.Appendf(nil, `{"n":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	header := int64(len(`{"format":"multihome-test","version":1,"digest":"d1ge57"}` + "\n"))
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line := bytes.IndexByte(whole[header:], '\n') + 1
	for at := int(header); at < len(whole); at++ {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		if err := os.WriteFile(name, changed, 0o666); err != nil {
			t.Fatal(err)
		}
		r := open(t, name)
		before := (at - int(header)) / line
		if got := load(t, r); len(got) != before {
			t.Errorf("byte %d changed: %d records kept, want %d", at, len(got), before)
		}
		if r.damaged != 2+before && at < len(whole)-1 {
			t.Errorf("byte %d changed: damage in line %d, want %d", at, r.damaged, 2+before)
		}
		if err := r.close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordsOfAnotherRun(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := open(t, name).close(); err != nil {
		t.Fatal(err)
	}
	other := testHeader
	other.Digest = "another"
	if _, err := openRecords(name, other, frozen); err == nil {
		t.Error("records of another run were taken")
	}
}

func TestRecordOfTwoLines(t *testing.T) {
	r := open(t, filepath.Join(t.TempDir(), "file"))
	if err := r.Append([]byte("{\n}")); err == nil {
		t.Error("a record of two lines was taken")
	}
}
