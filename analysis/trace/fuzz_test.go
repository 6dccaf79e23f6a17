package trace

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
)

// FuzzRecord: a line either fails and says where and how to mend it, or its
// canonical form parses to the same record and is a fixed point.
func FuzzRecord(f *testing.F) {
	tr := everyKind()
	for i := range tr.Records {
		line := AppendRecord(nil, &tr.Records[i])
		f.Add(line[:len(line)-1])
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if len(line) >= MaxLine {
			return
		}
		var p parser
		var r Record
		if err := p.record(line, &r); err != nil {
			if err.Problem == "" || err.Mend == "" || err.Column < 1 || err.Column > len(line)+1 {
				t.Fatalf("unhelpful error %+v", err)
			}
			return
		}
		if cap(r.Leases) > 2*MaxLeases {
			t.Fatalf("%d leases allocated", cap(r.Leases))
		}
		canonical := AppendRecord(nil, &r)
		var again Record
		if err := p.record(canonical[:len(canonical)-1], &again); err != nil {
			t.Fatalf("%s does not parse: %v", canonical, err)
		}
		if len(r.Leases) == 0 {
			r.Leases, again.Leases = nil, nil
		}
		if len(r.Entries) == 0 {
			r.Entries, again.Entries = nil, nil
		}
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v", r, again)
		}
		if next := AppendRecord(nil, &again); !bytes.Equal(next, canonical) {
			t.Fatalf("%s became %s", canonical, next)
		}
	})
}

// FuzzReader: any bytes, compressed or not, end in io.EOF or in an *Error, and
// whatever was accepted can be written again.
func FuzzReader(f *testing.F) {
	tr := everyKind()
	f.Add(encode(f, tr, false))
	f.Add(encode(f, tr, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := NewReader(bytes.NewReader(data), "f")
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Fatalf("error of type %T: %v", err, err)
			}
			return
		}
		h := r.Header()
		w := NewWriter(io.Discard, false)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatalf("header read but not written: %v", err)
		}
		var rec Record
		for range 10_000 {
			err, e := r.Next(&rec), (*Error)(nil)
			switch {
			case err == nil:
				if err := w.Write(&rec); err != nil {
					t.Fatalf("record read but not written: %v", err)
				}
			case errors.As(err, &e):
				return
			default:
				if !errors.Is(err, io.EOF) {
					t.Fatalf("error of type %T: %v", err, err)
				}
				return
			}
		}
	})
}
