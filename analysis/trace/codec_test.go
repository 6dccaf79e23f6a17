package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew; commit only what you understand")

func encode(t testing.TB, tr *Trace, compress bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, compress)
	if err := tr.Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden pins the bytes of every kind of record: other programs read them.
func TestGolden(t *testing.T) {
	got := encode(t, everyKind(), false)
	name := filepath.Join("testdata", "every-kind.jsonl")
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s:\n%s", name, got)
	}
	tr, err := ReadAll(bytes.NewReader(want), name)
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, tr, false); !bytes.Equal(again, want) {
		t.Errorf("read and written again:\n%s", again)
	}
}

func TestGzip(t *testing.T) {
	tr := everyKind()
	one, two := encode(t, tr, true), encode(t, tr, true)
	if !bytes.Equal(one, two) {
		t.Error("the same trace gives different gzip bytes")
	}
	back, err := ReadAll(bytes.NewReader(one), "x.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encode(t, back, false), encode(t, tr, false)) {
		t.Error("gzip changes the trace")
	}
	for n := range len(one) {
		_, err := ReadAll(bytes.NewReader(one[:n]), "x.jsonl.gz")
		var terr *Error
		if !errors.As(err, &terr) || terr.File != "x.jsonl.gz" || terr.Mend == "" {
			t.Fatalf("cut after %d bytes: %v", n, err)
		}
	}
	if _, err := ReadAll(bytes.NewReader(encode(t, tr, false)), "x.gz"); err == nil {
		t.Error("plain text accepted under a name in .gz")
	}
}

func TestWriterRefuses(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, false)
	tr := everyKind()
	if err := w.Write(&tr.Records[0]); !errors.Is(err, errNoHeader) {
		t.Errorf("record before the header: %v", err)
	}
	if err := w.WriteHeader(&Header{}); err == nil {
		t.Error("empty header accepted")
	}
	if err := w.WriteHeader(&tr.Header); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteHeader(&tr.Header); !errors.Is(err, errTwoHeader) {
		t.Errorf("second header: %v", err)
	}
	if err := w.Write(&tr.Records[1]); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&tr.Records[0]); err == nil {
		t.Error("time running backwards accepted")
	}
	if err := w.Write(&Record{}); err == nil {
		t.Error("empty record accepted")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	back, err := ReadAll(bytes.NewReader(b.Bytes()), "")
	if err != nil || len(back.Records) != 1 {
		t.Errorf("after refused records the trace reads as %d records, %v", len(back.Records), err)
	}
}

const okHeader = `{"format":"multihome-trace","version":1,"destination":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","vantage":"netdb","source":"sim"}` + "\n"

// TestErrors keeps the wording of every message: file, line, column, field,
// problem, mend.
func TestErrors(t *testing.T) {
	h := testHash(1).String()
	lease := `{"gw":"` + h + `","tunnel":1,"end":5}`
	poll := `{"t":5,"kind":"poll","floodfill":"` + h + `","found":false}` + "\n"
	tests := []struct{ name, text, want string }{
		{"empty", "", `f:1: empty file; a trace begins with its header line`},
		{"header cut", okHeader[:20], `f:1:21: the last line has no newline: the file is cut off; remove the line, or copy the file again`},
		{"no json", "hello\n", `f:1:1: want an object; write the line as JSON`},
		{"other format", `{"format":"x"}` + "\n", `f:1:2: format: format "x" is not multihome-trace; give a trace file`},
		{"other version", strings.Replace(okHeader, `:1,`, `:2,`, 1), `f:1:29: version: unknown version; this program reads version 1; record the trace again or use a newer program`},
		{"header field missing", strings.Replace(okHeader, `"version":1,`, ``, 1), `f:1:1: version: missing in the header; begin the file with {"format":"multihome-trace","version":1,…}`},
		{"header key unknown", strings.Replace(okHeader, `}`, `,"x":1}`, 1), `f:1:143: unknown key "x"; remove it, or correct its spelling`},
		{"header key twice", strings.Replace(okHeader, `}`, `,"version":1}`, 1), `f:1:143: key "version" twice; keep one of the two`},
		{"bad destination", strings.Replace(okHeader, `aaa`, `AAA`, 1), `f:1:41: destination: "AAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"… is not a base32 address; write the 52 characters of a-z and 2-7, with or without ".b32.i2p"`},
		{"bad vantage", strings.Replace(okHeader, `netdb`, `net`, 1), `f:1:110: vantage: unknown vantage point "net"; use netdb, floodfill, client or peer`},
		{"bad source", strings.Replace(okHeader, `sim`, `simulation`, 1), `f:1:128: source: unknown source "simulation"; use sim or live`},
		{"empty line", okHeader + "\n", `f:2:1: want an object; write the line as JSON`},
		{"unknown key", okHeader + `{"t":5,"knid":"poll"}` + "\n", `f:2:8: unknown key "knid"; remove it, or correct its spelling`},
		{"unknown kind", okHeader + `{"t":5,"kind":"pole"}` + "\n", `f:2:15: kind: unknown word "pole"; use one of lookup, store, bundle, poll, service_lookup, probe, router, hop, meta`},
		{"no kind", okHeader + `{"t":5}` + "\n", `f:2:1: kind: record without a known kind; use one of lookup, store, bundle, poll, service_lookup, probe, router, hop, meta`},
		{"no time", okHeader + `{"kind":"poll"}` + "\n", `f:2:1: t: missing; write the time in milliseconds since the epoch`},
		{"key twice", okHeader + `{"t":5,"t":5}` + "\n", `f:2:8: t: given twice; keep one of the two`},
		{"time as text", okHeader + `{"t":"5"}` + "\n", `f:2:6: t: want a whole number from 0 on; write digits only`},
		{"negative time", okHeader + `{"t":-5}` + "\n", `f:2:6: t: want a whole number from 0 on; write digits only`},
		{"fraction", okHeader + `{"t":5.5}` + "\n", `f:2:6: t: want a whole number; write digits only`},
		{"leading zero", okHeader + `{"t":05}` + "\n", `f:2:6: t: number with a leading zero; remove the zero`},
		{"huge", okHeader + `{"t":99999999999999999999}` + "\n", `f:2:6: t: number too large; check its unit: t, end_ms and rtt_ms are milliseconds, the other times seconds`},
		{"missing field", okHeader + `{"t":5,"kind":"poll","found":false}` + "\n", `f:2:1: floodfill: missing in a poll; write the field; a record without it is of no use to any attack`},
		{"foreign field", okHeader + `{"t":5,"kind":"poll","up":true,"found":false,"floodfill":"` + h + `"}` + "\n", `f:2:22: up: not a field of a poll; remove it`},
		{"wrong type", okHeader + `{"t":5,"kind":"poll","found":0}` + "\n", `f:2:30: found: want true or false; write it without quotation marks`},
		{"bad hash", okHeader + `{"t":5,"kind":"poll","floodfill":"abc"}` + "\n", `f:2:34: floodfill: not a hash; write 44 characters of I2P base64: A-Z a-z 0-9 - ~ and one =`},
		{"escape", okHeader + `{"t":5,"kind":"p\u006fll"}` + "\n", `f:2:17: kind: escape or control character in a value that needs none; write the plain characters`},
		{"two objects", okHeader + strings.TrimSuffix(poll, "\n") + poll, `f:2:95: text after the end of the object; put each record on a line of its own`},
		{"backwards", okHeader + poll + strings.Replace(poll, `5`, `4`, 1), `f:3:2: t: runs backwards; sort the records by t`},
		{"cut line", okHeader + poll[:30], `f:2:31: the last line has no newline: the file is cut off; remove the line, or copy the file again`},
		{"no newline at the end", okHeader + strings.TrimSuffix(poll, "\n"), `f:2:95: the last line has no newline: the file is cut off; remove the line, or copy the file again`},
		{"long line", okHeader + strings.Repeat(" ", MaxLine) + "\n", `f:2:65536: line longer than 65536 bytes; write one record to a line, with at most 400 leases`},
		{"many leases", okHeader + `{"t":5,"kind":"lookup","leases":[` + strings.Repeat(lease+",", MaxLeases) + lease + `]}` + "\n", `f:2:29234: leases: more than 400 leases; a LeaseSet of 16 kB holds 397: split the record or leave it out`},
		{"lease incomplete", okHeader + `{"t":5,"kind":"lookup","leases":[{"tunnel":1,"end":2}]}` + "\n", `f:2:34: leases: incomplete; write gw, tunnel and end (or end_ms)`},
		{"lease key", okHeader + `{"t":5,"kind":"lookup","leases":[{"gateway":1}]}` + "\n", `f:2:35: leases: unknown key "gateway"; remove it, or correct its spelling`},
		{"two ends", okHeader + `{"t":5,"kind":"lookup","leases":[` + strings.Replace(lease, `}`, `,"end_ms":5000}`, 1) + `]}` + "\n", `f:2:106: leases: key "end_ms" twice; keep one of the two`},
		{"mixed ends", okHeader + `{"t":5,"kind":"lookup","leases":[` + lease + `,` + strings.Replace(lease, `"end"`, `"end_ms"`, 1) + `]}` + "\n", `f:2:1: leases: end and end_ms in one record; use end in a LeaseSet2, end_ms in a LeaseSet1`},
		{"reply with end", okHeader + `{"t":5,"kind":"lookup","reply":` + lease + `}` + "\n", `f:2:96: reply: unknown key "end"; remove it, or correct its spelling`},
		{"unpublished", okHeader + `{"t":5,"kind":"lookup","leases":[` + lease + `]}` + "\n", `f:2:1: published: missing in a LeaseSet2; write it, or the ends of the leases as end_ms if this is a LeaseSet1`},
		{"four decimals", okHeader + `{"t":5,"kind":"probe","rtt_ms":1.2345}` + "\n", `f:2:32: rtt_ms: more than three decimals; round to microseconds`},
		{"rtt without answer", okHeader + `{"t":5,"kind":"probe","ratchet":1,"session":"new","lease":` + lease + `,"answered":false,"rtt_ms":1}` + "\n", `f:2:149: rtt_ms: must be there exactly if the probe was answered; write rtt_ms with answered probes, and with no others`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tr, err := ReadAll(strings.NewReader(test.text), "f")
			var terr *Error
			if tr != nil || !errors.As(err, &terr) {
				t.Fatalf("got %v, %v", tr, err)
			}
			if terr.Error() != test.want {
				t.Errorf("got\n %s\nwant\n %s", terr, test.want)
			}
		})
	}
}

func TestReaderAcceptsSpacesAndAnyOrder(t *testing.T) {
	h := testHash(1).String()
	text := okHeader + ` { "leases" : [ { "end" : 5 , "tunnel" : 1, "gw" : "` + h + `" } , {"gw":"` + h + `","tunnel":2,"end":4} ] , "published": 3, "kind" : "lookup" , "t" : 5 } ` + "\n"
	tr, err := ReadAll(strings.NewReader(text), "f")
	if err != nil {
		t.Fatal(err)
	}
	want := []Lease{{testHash(1), 1, 5000}, {testHash(1), 2, 4000}}
	if r := &tr.Records[0]; !reflect.DeepEqual(r.Leases, want) || r.Published != 3 || r.TimeMs != 5 {
		t.Errorf("got %+v", r)
	}
}

func TestNextReusesMemory(t *testing.T) {
	tr := new(Trace)
	tr.Reset(testHeader)
	for i := range 2000 {
		tr.AppendLookup(int64(i), testHash(1), int64(i), int64(i), testLeases(16, 1_700_000_600_000))
	}
	data := encode(t, tr, false)
	r, err := NewReader(bytes.NewReader(data), "f")
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	if err := r.Next(&rec); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := r.Next(&rec); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Next allocates %v times, want 0", n)
	}
}

func TestErrorStays(t *testing.T) {
	r, err := NewReader(strings.NewReader(okHeader+"x\n"), "f")
	if err != nil {
		t.Fatal(err)
	}
	var rec Record
	one, two := r.Next(&rec), r.Next(&rec)
	if one == nil || errors.Is(one, io.EOF) || !errors.Is(two, one) {
		t.Errorf("first %v, then %v", one, two)
	}
}

// TestRoundTrip writes records with random fields and reads the same back.
func TestRoundTrip(t *testing.T) {
	hash := rapid.Custom(func(t *rapid.T) Hash { return testHash(rapid.IntRange(0, 255).Draw(t, "hash")) })
	rapid.Check(t, func(t *rapid.T) {
		tr := new(Trace)
		tr.Reset(testHeader)
		now := int64(0)
		for range rapid.IntRange(0, 8).Draw(t, "records") {
			now += rapid.Int64Range(0, 1<<33).Draw(t, "dt")
			leases := testLeases(rapid.IntRange(1, 20).Draw(t, "leases"), 1000*rapid.Int64Range(100, 1<<31).Draw(t, "end"))
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				r := tr.AppendStore(now, hash.Draw(t, "ff"), rapid.Bool().Draw(t, "flooded"), now/1000, now/1000+600, leases)
				if rapid.Bool().Draw(t, "more") {
					r.OBEP, r.Flags, r.EncKeys = hash.Draw(t, "obep"), rapid.Uint16().Draw(t, "flags"), hash.Draw(t, "keys")
					r.Has |= HasOBEP | HasFlags | HasEncKeys
				}
			case 1:
				r := tr.AppendBundle(now, 0, 0, leases)
				r.Has &^= HasPublished | HasExpires
				r.Millis = true
				r.Leases[0].EndMs += rapid.Int64Range(0, 999).Draw(t, "ms")
			case 2:
				tr.AppendProbe(now, rapid.Int64Range(0, 99).Draw(t, "ratchet"), &leases[0], leases[0], rapid.Int64Range(-1, 1<<40).Draw(t, "rtt"))
			case 3:
				tr.AppendHop(now, hash.Draw(t, "self"), Role(rapid.IntRange(1, 3).Draw(t, "role")), rapid.Uint32().Draw(t, "tunnel"), now/1000)
			case 4:
				tr.AppendRouter(now, hash.Draw(t, "router"), rapid.Bool().Draw(t, "up"))
			}
		}
		var b bytes.Buffer
		w := NewWriter(&b, rapid.Bool().Draw(t, "gzip"))
		if err := tr.Write(w); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		back, err := ReadAll(&b, "f")
		if err != nil {
			t.Fatal(err)
		}
		if back.Header != tr.Header || len(back.Records) != len(tr.Records) {
			t.Fatalf("%d records, want %d", len(back.Records), len(tr.Records))
		}
		for i := range tr.Records {
			got, want := back.Records[i], tr.Records[i]
			if len(got.Leases) == 0 && len(want.Leases) == 0 {
				got.Leases, want.Leases = nil, nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("record %d: got %+v, want %+v", i, got, want)
			}
		}
	})
}

func BenchmarkAppendRecord(b *testing.B) {
	tr := new(Trace)
	r := tr.AppendLookup(1_700_000_000_000, testHash(1), 1_700_000_000, 1_700_000_600, testLeases(16, 1_700_000_600_000))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendRecord(buf[:0], r)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkNext(b *testing.B) {
	tr := new(Trace)
	tr.Reset(testHeader)
	for i := range 1000 {
		tr.AppendLookup(int64(i), testHash(1), int64(i), int64(i), testLeases(16, 1_700_000_600_000))
	}
	data := encode(b, tr, false)
	b.SetBytes(int64(len(data)) / 1000)
	b.ReportAllocs()
	var rec Record
	var r *Reader
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			r, _ = NewReader(bytes.NewReader(data), "f")
		}
		if err := r.Next(&rec); err != nil {
			b.Fatal(err)
		}
	}
}

// gunzip is a second reader of what the Writer compresses.
func gunzip(t testing.TB, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("gzip header holds a time or name: %+v", z.Header)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestGzipHeaderHoldsNoTime(t *testing.T) {
	tr := everyKind()
	if !bytes.Equal(gunzip(t, encode(t, tr, true)), encode(t, tr, false)) {
		t.Error("compressed content differs")
	}
}
