package trace

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// testHash returns a hash that differs for each n.
func testHash(n int) (h Hash) {
	for i := range h {
		h[i] = byte(n*31 + i*7)
	}
	return h
}

func testLeases(n int, endMs int64) []Lease {
	leases := make([]Lease, n)
	for i := range leases {
		leases[i] = Lease{Gateway: testHash(i), Tunnel: uint32(1000 + i), EndMs: endMs - int64(i)*1000}
	}
	return leases
}

var testHeader = Header{
	Destination: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	Vantage:     VantageNetDb,
	Source:      SourceSim,
	Note:        "every kind once: \"quoted\", \\ and \n and é",
}

// everyKind returns a trace with each kind, with all fields and with as few as
// possible.
func everyKind() *Trace {
	t := new(Trace)
	t.Reset(testHeader)
	leases := testLeases(3, 1_700_000_600_000)
	ff := testHash(100)
	t.AppendLookup(1_700_000_000_000, ff, 1_700_000_000, 1_700_000_600, leases)
	r := t.AppendStore(1_700_000_000_500, ff, true, 1_700_000_001, 1_700_000_600, leases)
	r.OBEP, r.Reply, r.Flags, r.EncKeys = testHash(101), Reply{testHash(102), 77}, 3, testHash(103)
	r.Has |= HasOBEP | HasReply | HasFlags | HasEncKeys
	t.AppendBundle(1_700_000_001_000, 1_700_000_001, 1_700_000_600, nil)
	r = t.AppendBundle(1_700_000_001_000, 0, 0, testLeases(2, 1_700_000_600_123))
	r.Millis = true
	r.Has &^= HasPublished | HasExpires
	t.AppendPoll(1_700_000_002_000, ff, false)
	t.AppendServiceLookup(1_700_000_003_000, ff, testHash(104), Reply{testHash(105), 4294967295})
	t.AppendProbe(1_700_000_004_000, 1, nil, leases[0], 1_234_567)
	t.AppendProbe(1_700_000_005_000, 1, &leases[0], leases[1], -1)
	t.AppendProbe(1_700_000_005_001, 2, nil, leases[1], 1_230_000)
	t.AppendRouter(1_700_000_006_000, testHash(106), true)
	r = t.AppendHop(1_700_000_007_000, testHash(107), RoleIBGW, 5, 1_700_000_600)
	r.Next = testHash(108)
	r.Has |= HasNext
	r = t.AppendHop(1_700_000_007_000, testHash(107), RoleEnd, 6, 1_700_000_600)
	r.Prev = testHash(109)
	r.Has |= HasPrev
	r = t.AppendMeta(1_700_000_008_000, 1_700_000_008, 1_700_020_000, []Entry{
		{Hash: testHash(110), Type: 3, Cost: 1, Expires: 1_700_020_000}, {Hash: testHash(111), Type: 7, Expires: 1_700_010_000},
	})
	r.Floodfill = ff
	r.Has |= HasFloodfill
	r = t.AppendLookup(1_700_000_008_500, ff, 1_700_000_001, 1_700_000_600, leases)
	r.Sub = testHash(110)
	r.Has |= HasSub
	return t
}

func TestCheckAcceptsEveryKind(t *testing.T) {
	if err := everyKind().Check(); err != nil {
		t.Fatal(err)
	}
}

func TestCheckRejects(t *testing.T) {
	lease := Lease{Gateway: testHash(1), EndMs: 1000}
	tests := []struct {
		name  string
		spoil func(*Record)
		kind  Kind
		field string
	}{
		{"no kind", func(r *Record) { r.Kind = KindNone }, KindPoll, "kind"},
		{"kind out of range", func(r *Record) { r.Kind = 99 }, KindPoll, "kind"},
		{"missing field", func(r *Record) { r.Has = 0 }, KindPoll, "floodfill"},
		{"foreign field", func(r *Record) { r.Has |= HasRole }, KindPoll, "role"},
		{"leases without the kind", func(r *Record) { r.Leases = []Lease{lease} }, KindPoll, "leases"},
		{"negative time", func(r *Record) { r.TimeMs = -1 }, KindPoll, "t"},
		{"unpublished LeaseSet2", func(r *Record) { r.Has &^= HasPublished }, KindLookup, "published"},
		{"fraction of a second", func(r *Record) { r.Leases = []Lease{{EndMs: 1}} }, KindLookup, "leases"},
		{"LeaseSet1 without leases", func(r *Record) { r.Millis = true }, KindLookup, "leases"},
		{"too many entries", func(r *Record) { r.Entries = make([]Entry, MaxEntries+1) }, KindMeta, "entries"},
		{"entries without the kind", func(r *Record) { r.Entries = make([]Entry, 1) }, KindPoll, "entries"},
		{"entry out of range", func(r *Record) { r.Entries = []Entry{{Expires: -1}} }, KindMeta, "entries"},
		{"too many leases", func(r *Record) { r.Leases = make([]Lease, MaxLeases+1) }, KindLookup, "leases"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Record{Kind: test.kind, Has: need[test.kind]}
			if r.Kind == KindLookup {
				r.Has |= HasPublished
			}
			if err := r.Check(); err != nil {
				t.Fatalf("the record is wrong before it is spoilt: %v", err)
			}
			test.spoil(&r)
			var err *Error
			if !errors.As(r.Check(), &err) || err.Field != test.field {
				t.Errorf("got %v, want an error about %s", err, test.field)
			}
		})
	}
}

func TestHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		text := h.String()
		got, err := ParseHash(text)
		if err != nil || got != h || len(text) != HashLen {
			t.Fatalf("%q parses to %v, %v", text, got, err)
		}
	})
	good := testHash(1).String()
	for _, bad := range []string{
		"", good[:43], good + "=", good[:42] + "==", "+" + good[1:], good[:42] + "\n=",
		good[:42] + "B=",
	} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	leases := testLeases(16, 1_700_000_600_000)
	tr := new(Trace)
	buf := make([]byte, 0, MaxLine)
	fill := func() {
		tr.Reset(testHeader)
		for i := range 100 {
			tr.AppendLookup(int64(i), Hash{}, int64(i), int64(i), leases)
			tr.AppendPoll(int64(i), Hash{}, false)
			tr.AppendProbe(int64(i), 1, &leases[0], leases[1], 5)
		}
		for i := range tr.Records {
			buf = AppendRecord(buf[:0], &tr.Records[i])
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n != 0 {
		t.Errorf("filling and encoding a used trace allocates %v times, want 0", n)
	}
}

// TestArenaKeepsEarlierLeases would fail if growing the shared memory let two
// records share leases.
func TestArenaKeepsEarlierLeases(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var tr Trace
	var want []string
	for round := range 3 {
		tr.Reset(testHeader)
		want = want[:0]
		for i := range 200 {
			leases := testLeases(rng.IntN(20), int64(1000*(round*1000+i+100)))
			tr.AppendLookup(int64(i), Hash{}, 1, 1, leases)
			want = append(want, fmt.Sprint(leases))
		}
		for i := range tr.Records {
			if got := fmt.Sprint(tr.Records[i].Leases); got != want[i] && len(tr.Records[i].Leases) > 0 {
				t.Fatalf("round %d, record %d: %s, want %s", round, i, got, want[i])
			}
		}
	}
}
