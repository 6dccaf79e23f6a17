package demo

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"multihome.i2p/reports"
)

// Failure says why the service did not survive the death of the router; "" if it
// did: the LeaseSet no longer had leases of the router, each client was answered
// again, and most of them still are at the end. That a client of today's routers
// is without answers for a while is no death of the service, and is told apart.
func (r *Result) Failure() string {
	victim := r.Carriers[r.Victim]
	if r.Without < 0 {
		return fmt.Sprintf("the LeaseSet kept leases of %s", victim)
	}
	counted := 0
	for i, name := range r.Senders {
		if !r.Counted[i] {
			continue
		}
		counted++
		if !slices.ContainsFunc(r.Messages, func(m Message) bool { return m.Sender == i && m.RTT > 0 && m.Sent >= r.Without }) {
			return fmt.Sprintf("the client at %s was not answered any more", name)
		}
	}
	if lost := r.stranded(); 2*len(lost) >= counted {
		return fmt.Sprintf("at the end %d of %d clients were without answers: %s", len(lost), counted, strings.Join(lost, ", "))
	}
	return ""
}

// stranded are the clients whose last messages were all lost.
func (r *Result) stranded() []string {
	// Not the very last one only: the odd message is lost without any failure.
	const messages = 10
	var names []string
	for i, name := range r.Senders {
		last, answered := 0, false
		for _, m := range slices.Backward(r.Messages) {
			if m.Sender == i && last < messages {
				last++
				answered = answered || m.RTT > 0
			}
		}
		if r.Counted[i] && !answered {
			names = append(names, name)
		}
	}
	return names
}

// tally is what became of some messages.
type tally struct {
	sent, lost int
	rtts       []float64 // ms
}

func (t *tally) row(name string) []string {
	row := []string{name, strconv.Itoa(t.sent), strconv.Itoa(t.sent - t.lost), strconv.Itoa(t.lost)}
	for _, q := range []float64{0.5, 0.95} {
		row = append(row, quantile(t.rtts, q))
	}
	return row
}

// quantile is the smallest value that at least a share q does not exceed.
func quantile(xs []float64, q float64) string {
	if len(xs) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(xs))
	return number(sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]) + " ms"
}

// number writes a number with three digits, or more before the point.
func number(x float64) string {
	if x >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// tally counts the messages sent from one time to another; negative: no bound.
func (r *Result) tally(from, to time.Duration) *tally {
	t := &tally{}
	for _, m := range r.Messages {
		if m.Sent < from || to >= 0 && m.Sent >= to {
			continue
		}
		t.sent++
		if m.RTT == 0 {
			t.lost++
			continue
		}
		t.rtts = append(t.rtts, float64(m.RTT)/float64(time.Millisecond))
	}
	return t
}

// Tables are the summary, as tables with a header each.
func (r *Result) Tables() [][][]string {
	victim := r.Carriers[r.Victim]
	messages := [][]string{
		{"messages", "sent", "answered", "lost", "RTT median", "RTT 95 %"},
		r.tally(0, r.Killed).row("sent before the kill"),
		r.tally(r.Killed, r.Restarted).row("sent while " + victim + " was dead"),
		r.tally(r.Restarted, -1).row("sent after its restart"),
		r.tally(0, -1).row("all"),
	}
	since := func(at, from time.Duration) string {
		if at < 0 {
			return "not while it was watched"
		}
		return after(at - from)
	}
	stalled := time.Duration(0)
	for i := range r.Senders {
		stalled = max(stalled, r.stall(i))
	}
	stall := after(stalled)
	if stalled == 0 {
		stall = "0 s, nothing was lost"
	}
	events := [][]string{
		{"what", "result"},
		{"the balancer noticed that " + victim + " was dead", since(r.Noticed, r.Killed)},
		{"LeaseSet without it", since(r.Without, r.Killed)},
		{"LeaseSet with as many leases as before", since(r.Refilled, r.Killed)},
		{"longest time that a client was without answers", stall},
		{"clients taken over by other routers", strconv.Itoa(r.TakenOver)},
		{"clients without answers at the end", withNames(r.stranded())},
		{victim + " back, after its restart", since(r.Back, r.Restarted)},
		{victim + " in the LeaseSet again, after its restart", since(r.Rejoined, r.Restarted)},
	}
	clients := [][]string{{"client at", "carried by", "for", "lost", "longest without answers", "why"}}
	for i, name := range r.Senders {
		if r.Counted[i] {
			clients = append(clients, r.client(i, name))
		}
	}
	return [][][]string{messages, events, clients}
}

// client is a row of what became of a client.
func (r *Result) client(i int, name string) []string {
	c := r.Carried[i]
	by, age, lost, before := "not known", "-", 0, 0
	if c.By >= 0 {
		by, age = r.Carriers[c.By], fmt.Sprintf("%.0f s", (r.Killed-c.Since).Seconds())
		if c.By == r.Victim {
			by += ", killed"
		}
	}
	for _, m := range r.Messages {
		if m.Sender == i && m.RTT == 0 {
			lost++
			if m.Sent < r.Killed-r.slack() {
				before++
			}
		}
	}
	why := "-"
	switch {
	case lost == 0:
	case before > 0:
		why = "some were lost before the kill: not known"
	case c.By != r.Victim:
		why = "its carrier lived on: not known"
	case r.Killed-c.Since < r.SessionOld:
		why = "its session was young: routers replace none before 2 minutes"
	default:
		why = "until another router had written to it"
	}
	return []string{name, by, age, strconv.Itoa(lost), after(r.stall(i)), why}
}

// slack is how long before the kill a message may have been sent that it took with
// it: one that was answered took no longer, but for a few.
func (r *Result) slack() time.Duration {
	var rtts []time.Duration
	for _, m := range r.Messages {
		if m.RTT > 0 {
			rtts = append(rtts, m.RTT)
		}
	}
	if len(rtts) == 0 {
		return 0
	}
	slices.Sort(rtts)
	return rtts[(len(rtts)-1)*99/100]
}

// withNames is how many there are, and which.
func withNames(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return fmt.Sprintf("%d (%s)", len(names), strings.Join(names, ", "))
}

// stall is the longest time between the sending of a message of a client that was
// lost and that of the next one that was answered.
func (r *Result) stall(sender int) time.Duration {
	var longest time.Duration
	first := never // message lost since the last answer
	for _, m := range r.Messages {
		switch {
		case m.Sender != sender:
			continue
		case m.RTT == 0 && first < 0:
			first = m.Sent
		case m.RTT > 0 && first >= 0:
			longest, first = max(longest, m.Sent-first), never
		}
	}
	if first >= 0 {
		longest = max(longest, r.End-first)
	}
	return longest
}

// Notes are what must be said with the numbers.
func (r *Result) Notes(simulated bool) []string {
	if simulated {
		return []string{
			"These routers were simulated: nothing is encrypted, a client knows each new LeaseSet",
			"as soon as it is stored, and the ratchet sessions of real routers, which break where",
			"a client changes routers, are not there. So real routers lose more: mhbalance demo.",
		}
	}
	return []string{
		"These were real routers in a network of their own, on one machine: times between",
		"routers are shorter than in I2P, tunnels have 1 hop, nobody else uses them, and those",
		"of the service carry nobody else's. The kill came when the clients' sessions were old",
		"enough to be replaced: a client that came less than 2 minutes before it would have",
		"been without answers for up to 21 s, or until its router gave up (docs/live-results.md).",
		"Where a client loses messages in a row all the same, its router holds on to a session,",
		"or a lease, that leads nowhere any more.",
	}
}

// WritePings writes each message as a line of CSV.
func (r *Result) WritePings(b *bytes.Buffer) {
	b.WriteString("sender,sent_s,rtt_ms\r\n")
	for _, m := range r.Messages {
		rtt := ""
		if m.RTT > 0 {
			rtt = strconv.FormatFloat(float64(m.RTT)/float64(time.Millisecond), 'f', 3, 64)
		}
		fmt.Fprintf(b, "%s,%.3f,%s\r\n", r.Senders[m.Sender], m.Sent.Seconds(), rtt)
	}
}

// Plot draws what happened: the messages above, the leases of each router below.
func (r *Result) Plot() ([]byte, error) {
	victim := r.Carriers[r.Victim]
	t := reports.Timeline{
		ID: "demo", Title: "An echo on four routers: " + victim + " is killed, and started again",
		XLabel: "time", XUnit: "s",
		Marks: []reports.TimelineMark{{X: r.Killed.Seconds(), Label: victim + " killed"}, {X: r.Restarted.Seconds(), Label: victim + " restarted"}},
	}
	trips := reports.TimelinePanel{Label: "round trip of a message", Unit: "ms", Kind: reports.TimelineDots, Log: true}
	for i, name := range r.Senders {
		s := reports.TimelineSeries{Label: "client at " + name}
		for _, m := range r.Messages {
			if m.Sender != i {
				continue
			}
			y := math.NaN() // lost
			if m.RTT > 0 {
				y = float64(m.RTT) / float64(time.Millisecond)
			}
			s.X, s.Y = append(s.X, m.Sent.Seconds()), append(s.Y, y)
		}
		trips.Series = append(trips.Series, s)
	}
	held := reports.TimelinePanel{Label: "leases in the LeaseSet", Unit: "1", Kind: reports.TimelineStack}
	for i, name := range r.Carriers {
		s := reports.TimelineSeries{Label: name}
		for _, x := range r.Shares {
			s.X, s.Y = append(s.X, x.At.Seconds()), append(s.Y, float64(x.Leases[i]))
		}
		if n := len(s.X); n > 0 {
			s.X, s.Y = append(s.X, r.End.Seconds()), append(s.Y, s.Y[n-1])
		}
		held.Series = append(held.Series, s)
	}
	t.Panels = []reports.TimelinePanel{trips, held}
	return reports.PlotTimeline(&t)
}
