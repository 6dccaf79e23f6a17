package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// sample is a run of 30 s in which the second of three routers is dead from 10 s
// to 20 s, and the first client loses the messages from 10 s to 12 s.
func sample() *Result {
	r := &Result{
		Carriers: []string{"a", "b", "c"}, Senders: []string{"x", "y"}, Counted: []bool{true, true}, SessionOld: sessionOld,
		Carried: []Carried{{1, -2 * time.Minute}, {By: -1}},
		Shares:  []Share{{0, []int{1, 1, 1}}, {11 * time.Second, []int{2, 0, 1}}, {25 * time.Second, []int{1, 1, 1}}},
		Victim:  1, Before: 3, Killed: 10 * time.Second, Restarted: 20 * time.Second, End: 30 * time.Second,
		Noticed: 10100 * time.Millisecond, Without: 11 * time.Second, Refilled: 11 * time.Second,
		Back: 22 * time.Second, Rejoined: never, TakenOver: 1,
	}
	for s := range 30 {
		for i := range r.Senders {
			at := time.Duration(s) * time.Second
			m := Message{Sender: i, Sent: at, RTT: time.Duration(100+s) * time.Millisecond}
			if i == 0 && s >= 10 && s <= 12 {
				m.RTT = 0
			}
			r.Messages = append(r.Messages, m)
		}
	}
	return r
}

func TestResult(t *testing.T) {
	r := sample()
	if why := r.Failure(); why != "" {
		t.Error(why)
	}
	got := r.Tables()
	want := [][][]string{{
		{"messages", "sent", "answered", "lost", "RTT median", "RTT 95 %"},
		{"sent before the kill", "20", "20", "0", "104 ms", "109 ms"},
		{"sent while b was dead", "20", "17", "3", "115 ms", "119 ms"},
		{"sent after its restart", "20", "20", "0", "124 ms", "129 ms"},
		{"all", "60", "57", "3", "115 ms", "128 ms"},
	}, {
		{"what", "result"},
		{"the balancer noticed that b was dead", "0.1 s"},
		{"LeaseSet without it", "1.0 s"},
		{"LeaseSet with as many leases as before", "1.0 s"},
		{"longest time that a client was without answers", "3.0 s"},
		{"clients taken over by other routers", "1"},
		{"clients without answers at the end", "0"},
		{"b back, after its restart", "2.0 s"},
		{"b in the LeaseSet again, after its restart", "not while it was watched"},
	}, {
		{"client at", "carried by", "for", "lost", "longest without answers", "why"},
		{"x", "b, killed", "130 s", "3", "3.0 s", "until another router had written to it"},
		{"y", "not known", "-", "0", "0.0 s", "-"},
	}}
	for i := range want {
		for j := range want[i] {
			if g, w := strings.Join(got[i][j], "|"), strings.Join(want[i][j], "|"); g != w {
				t.Errorf("got %s\nwant %s", g, w)
			}
		}
	}
	var csv bytes.Buffer
	r.WritePings(&csv)
	if lines := strings.Split(csv.String(), "\r\n"); len(lines) != 62 || lines[0] != "sender,sent_s,rtt_ms" ||
		lines[1] != "x,0.000,100.000" || lines[21] != "x,10.000," {
		t.Errorf("%q", lines)
	}
	for _, x := range []struct {
		spoil func()
		want  string
	}{
		{func() { r.Carried[0].Since = 0 }, "its session was young: routers replace none before 2 minutes"},
		{func() { r.Carried[0].By = 2 }, "its carrier lived on: not known"},
		{func() { r.silence(0, 8) }, "some were lost before the kill: not known"},
	} {
		x.spoil()
		if row := r.client(0, "x"); row[len(row)-1] != x.want {
			t.Errorf("got %q, want %q", row, x.want)
		}
	}
	r = sample()
	svg, err := r.Plot()
	if err != nil || !strings.Contains(string(svg), "b killed") {
		t.Errorf("%v\n%s", err, svg)
	}
}

func TestFailure(t *testing.T) {
	for _, x := range []struct {
		spoil func(r *Result)
		want  string
	}{
		{func(r *Result) { r.Without = never }, "the LeaseSet kept leases of b"},
		{func(r *Result) { r.silence(0, 10) }, "the client at x was not answered any more"},
		{func(r *Result) { r.silence(0, 15) }, "at the end 1 of 2 clients were without answers: x"},
		{func(r *Result) { r.silence(0, 15); r.Counted[0] = false }, ""},
		{func(r *Result) { r.silence(0, 22) }, ""},
	} {
		r := sample()
		x.spoil(r)
		if got := r.Failure(); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

// silence loses a client's messages from a second on.
func (r *Result) silence(sender, from int) {
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Sender == sender && m.Sent >= time.Duration(from)*time.Second {
			m.RTT = 0
		}
	}
}
