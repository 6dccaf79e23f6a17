package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script makes the records of a network by hand: messages every 200 ms.
type script []Record

func (s *script) client(id int, arm, role string, at int64) {
	*s = append(*s, Record{T: at, Kind: KindClient, Client: id, Arm: arm, Role: role})
}

// say has a client send n messages from a moment on, which are answered after 10 ms
// by a router, or not if that is "".
func (s *script) say(id int, arm string, at int64, n int, via string) (next int64) {
	for range n {
		r := Record{T: at, Kind: KindMessage, Client: id, Arm: arm, Seq: uint64(at), Via: via}
		if via != "" {
			r.RTT, r.Arrived = 10, at+5
		}
		*s = append(*s, r)
		at += 200
	}
	return at
}

func TestSteady(t *testing.T) {
	s := script{{T: 1, Kind: KindArm, Arm: "pinned", N: 5}, {T: 900, Kind: KindBegin}}
	s.client(1, "pinned", "steady", 100)
	at := s.say(1, "pinned", 1000, 3, "") // before it is answered
	at = s.say(1, "pinned", at, 100, "r3")
	s = append(s, Record{T: at - 2000, Kind: KindRequest, Arm: "pinned", Router: "r3", N: 3, New: 1})
	s = append(s, Record{T: at - 2000, Kind: KindRequest, Arm: "pinned", Router: "r4", N: 3, New: 0})
	at = s.say(1, "pinned", at, 2, "") // at the renewal of r3
	at = s.say(1, "pinned", at+60_000, 50, "r4")
	at = s.say(1, "pinned", at, 1, "") // at none: r4 had nothing new
	s.say(1, "pinned", at, 1, "r4")
	a := newNetwork(netSteady, s).steadyArms()[0]
	if a.before != 3 || a.sent != 154 || a.lost != 3 || a.lostAt != 2 || a.spells != 2 || a.longest != 2 || a.moves != 1 || a.renewals != 1 || a.unheard != 3 {
		t.Errorf("%+v", a)
	}
}

// faulty is a network with a kill of r4 and clients to whom it means different
// things.
func faulty() *network {
	const kill = 1_000_000
	s := script{
		{T: 1, Kind: KindArm, Arm: "pinned", N: 5},
		{T: kill, Kind: KindFault, Fault: faultKill, Router: "r4"},
		{T: kill + 30, Kind: KindNoticed, Router: "r4"},
		{T: kill + 100_000, Kind: KindRestored, Router: "r4"},
		{T: kill + 110_000, Kind: KindServing, Router: "r4"},
		{T: kill + 130_000, Kind: KindDone},
	}
	for id, c := range []struct {
		age, lost int // messages
		via       string
		role      string
	}{
		{1000, 1, "r4", "old"}, {200, 450, "r4", "young"}, {1000, 0, "r5", "old"}, {1000, 600, "r4", "old"},
	} {
		id++
		s.client(id, "pinned", c.role, kill-300_000)
		s.say(id, "pinned", int64(kill-200*c.age), c.age, c.via)
		at := s.say(id, "pinned", kill, c.lost, "")
		s.say(id, "pinned", at, 10, "r5")
	}
	s.client(9, "pinned", "new", kill-5000)
	s.say(9, "pinned", kill+2000, 10, "r5")
	s.client(10, "pinned", "new", kill-9000)
	s.say(10, "pinned", kill-1000, 20, "r5") // before the kill: nothing new
	return newNetwork("kills1", s)
}

func TestFaults(t *testing.T) {
	var f faults
	f.add(faulty())
	if len(f.strikes) != 4 || len(f.notices) != 1 || len(f.newcomers) != 1 || len(f.serving) != 1 {
		t.Fatalf("%d strikes, %d notices, %d newcomers, %d served again", len(f.strikes), len(f.notices), len(f.newcomers), len(f.serving))
	}
	for i, want := range []struct {
		struck, young bool
		lost          int
		after         time.Duration
	}{
		{true, false, 1, 210 * time.Millisecond},
		{true, true, 450, 90*time.Second + 10*time.Millisecond},
		{false, false, 0, 10 * time.Millisecond},
		{true, false, 501, never}, // until the end of what is watched
	} {
		s := f.strikes[i]
		if s.struck != want.struck || s.class().young != want.young || s.lost != want.lost || s.after != want.after {
			t.Errorf("client %d: struck %v, age %v, %d lost, answered after %v; want %+v", i+1, s.struck, s.age, s.lost, s.after, want)
		}
	}
	if c := f.newcomers[0]; c.after != 10*time.Millisecond || c.sinceFault != 2010*time.Millisecond {
		t.Errorf("newcomer: %+v", c)
	}
}

// The report is written into a page between the marks, and twice into the same
// page is the same.
func TestReport(t *testing.T) {
	from, docs := t.TempDir(), t.TempDir()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range faulty().records {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString(`{"t":17,"ki`) // somebody writes it
	if err := os.WriteFile(filepath.Join(from, "kills1.jsonl"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(docs, resultsName)
	if err := os.WriteFile(page, []byte("before\n"+resultsBegin+resultsEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var last string
	for range 2 {
		if err := writeReport(from, docs); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(got)
		if last != "" && text != last {
			t.Error("written twice, the page differs")
		}
		last = text
		for _, want := range []string{"before\n", "\nafter\n", "| pinned, older | 2 | 1/2 [1, 99 %]", "| pinned, younger | 1 | 0/1 "} {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %q:\n%s", want, text)
			}
		}
	}
	svg, err := os.ReadFile(filepath.Join(docs, "live", "failover.svg"))
	if err != nil || !bytes.Contains(svg, []byte("<svg")) {
		t.Errorf("failover.svg: %d bytes, %v", len(svg), err)
	}
	if _, err := splice([]byte("no marks"), "x"); err == nil {
		t.Error("a page without marks is taken")
	}
}
