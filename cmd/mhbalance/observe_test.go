package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/internal/console"
)

// readTrace reads a trace, and so checks it.
func readTrace(t *testing.T, file string) *trace.Trace {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	tr, err := trace.ReadAll(f, file)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// A page of a real floodfill becomes lookups; one without the Destination polls; a
// trace is continued, but none of another Destination, or of another kind.
func TestObserve(t *testing.T) {
	page, err := os.ReadFile("../../internal/console/testdata/leasesets-2.45.1.html")
	if err != nil {
		t.Fatal(err)
	}
	no, err := os.ReadFile("../../internal/console/testdata/leasesets-no-floodfill-2.45.1.html")
	if err != nil {
		t.Fatal(err)
	}
	views, err := console.ParseLeaseSets(page, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(views, func(v console.LeaseSetView) bool { return len(v.Leases) > 0 })
	if at < 0 {
		t.Fatal("no leases in the page")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/no") {
			_, _ = w.Write(no)
			return
		}
		_, _ = w.Write(page)
	}))
	defer srv.Close()
	t.Chdir(t.TempDir())
	b32 := views[at].Destination.B32()
	look := func(args ...string) (int, string, string) {
		return mhbalance(append([]string{"observe", "--console", srv.URL, "--every", "1s", "--for", "100ms", "-o", "t.jsonl"}, args...)...)
	}
	for range 2 {
		if code, stdout, stderr := look("--destination", b32); code != 0 || stderr != "" || !strings.Contains(stdout, "1 look with a LeaseSet") {
			t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
		}
	}
	tr := readTrace(t, "t.jsonl")
	if len(tr.Records) != 2 || len(tr.Records[0].Leases) != len(views[at].Leases) {
		t.Errorf("%+v", tr.Records)
	}
	other := strings.Repeat("a", 52) + ".b32.i2p"
	if code, _, stderr := look("--destination", other); code != exitInput || !strings.Contains(stderr, "is a trace of "+b32) {
		t.Errorf("another Destination: exit code %d, %s", code, stderr)
	}
	if code, stdout, stderr := look("--destination", other, "-o", "other.jsonl"); code != 0 || !strings.Contains(stdout, "1 without") {
		t.Errorf("not found: exit code %d, %s%s", code, stdout, stderr)
	}
	if r := readTrace(t, "other.jsonl").Records; len(r) != 1 || r[0].Kind != trace.KindPoll || r[0].Found {
		t.Errorf("%+v", r)
	}
	if code, _, stderr := look("--destination", b32, "--console", srv.URL+"/no"); code != exitInput || !strings.Contains(stderr, "is no floodfill") {
		t.Errorf("no floodfill: exit code %d, %s", code, stderr)
	}
	h := trace.Header{Destination: b32, Vantage: trace.VantageNetDb, Source: trace.SourceSim}
	if err := os.WriteFile("sim.jsonl", trace.AppendHeader(nil, &h), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := look("--destination", b32, "-o", "sim.jsonl"); code != exitInput || !strings.Contains(stderr, "was seen from elsewhere") {
		t.Errorf("a simulated trace: exit code %d, %s", code, stderr)
	}
}

// A console leaves out the leases that have ended; the LeaseSet is the same.
func TestSameLeases(t *testing.T) {
	lease := func(tunnel uint32, end int64) trace.Lease { return trace.Lease{Tunnel: tunnel, EndMs: end * 1000} }
	a, b, c := lease(1, 100), lease(2, 200), lease(3, 300)
	for _, x := range []struct {
		before, now []trace.Lease
		at          int64 // s
		want        bool
	}{
		{[]trace.Lease{a, b}, []trace.Lease{a, b}, 50, true},
		{[]trace.Lease{a, b}, []trace.Lease{b}, 150, true},
		{[]trace.Lease{a, b}, []trace.Lease{b}, 50, false},
		{[]trace.Lease{a, b}, []trace.Lease{b, a}, 50, false},
		{[]trace.Lease{a, b}, []trace.Lease{a, b, c}, 50, false},
		{[]trace.Lease{a, b}, []trace.Lease{b, c}, 150, false},
		{[]trace.Lease{a, b}, []trace.Lease{a}, 200, true},
	} {
		if got := sameLeases(x.before, x.now, x.at*1000); got != x.want {
			t.Errorf("%v and %v at %d: %v", x.before, x.now, x.at, got)
		}
	}
}
