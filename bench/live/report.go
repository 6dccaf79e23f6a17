package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"multihome.i2p/analysis"
)

// The marks in docs/live-results.md between which the results stand; what is
// written around them stays.
const (
	resultsBegin = "<!-- results of make live-long: begin -->"
	resultsEnd   = "<!-- results of make live-long: end -->"
	resultsName  = "live-results.md"
	confidence   = 0.95
)

// writeReport writes what the records in from say: to docs, or to standard
// output if that is empty.
func writeReport(from, docs string) error {
	all, err := load(from)
	if err != nil {
		return err
	}
	text, plots, err := report(all)
	if err != nil {
		return err
	}
	if err := writeStrikes(filepath.Join(from, "strikes.csv"), all); err != nil {
		return err
	}
	if docs == "" {
		_, err := os.Stdout.WriteString(text)
		return err
	}
	if err := os.MkdirAll(filepath.Join(docs, "live"), 0o755); err != nil {
		return err
	}
	for _, name := range sortedKeys(plots) {
		if err := os.WriteFile(filepath.Join(docs, "live", name), plots[name], 0o644); err != nil {
			return err
		}
	}
	name := filepath.Join(docs, resultsName)
	page, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	page, err = splice(page, text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(name, page, 0o644)
}

// writeStrikes writes what each fault meant to each client, for who wants to look
// closer.
func writeStrikes(name string, all []*network) error {
	var b bytes.Buffer
	b.WriteString("network,fault,kind,router,client,arm,role,unpublished,struck,age_s,lost,answered_after_s,tunnels_rebuilt\n")
	var f faults
	for _, n := range all {
		f.add(n)
	}
	for _, s := range f.strikes {
		after := ""
		if s.after != never {
			after = fmt.Sprintf("%.3f", s.after.Seconds())
		}
		fmt.Fprintf(&b, "%s,%d,%s,%s,%d,%s,%s,%v,%v,%.1f,%d,%s,%v\n", s.net, s.number, s.fault, s.router, s.client.Client,
			s.client.Arm, s.client.Role, s.client.Unpublished, s.struck, s.age.Seconds(), s.lost, after, s.rebuilt)
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// splice puts text between the marks of a page.
func splice(page []byte, text string) ([]byte, error) {
	head, rest, ok := bytes.Cut(page, []byte(resultsBegin))
	_, tail, ok2 := bytes.Cut(rest, []byte(resultsEnd))
	if !ok || !ok2 {
		return nil, fmt.Errorf("the marks %q and %q are not there, in this order", resultsBegin, resultsEnd)
	}
	var out bytes.Buffer
	out.Write(head)
	out.WriteString(resultsBegin + "\n\n" + strings.TrimSpace(text) + "\n\n" + resultsEnd)
	out.Write(tail)
	return out.Bytes(), nil
}

// report renders the results.
func report(all []*network) (text string, plots map[string][]byte, err error) {
	var b strings.Builder
	plots = make(map[string][]byte)
	tellNetworks(&b, all)
	var struck faults
	for _, n := range all {
		if n.name == netSteady {
			arms := n.steadyArms()
			tellSteady(&b, n, arms)
			if plots["losses.svg"], err = plotLosses(n, arms); err != nil {
				return "", nil, err
			}
			continue
		}
		struck.add(n)
	}
	if len(struck.strikes) > 0 {
		tellFaults(&b, &struck)
		if plots["failover.svg"], err = plotFailover(struck.strikes); err != nil {
			return "", nil, err
		}
	}
	return b.String(), plots, nil
}

func tellNetworks(b *strings.Builder, all []*network) {
	fmt.Fprintf(b, "Networks of %d routers each, every one in a namespace of its own:\n\n", routers)
	fmt.Fprintf(b, "| network | begun (UTC) | measured for | routers and machine |\n|---|---|---|---|\n")
	for _, n := range all {
		fmt.Fprintf(b, "| %s | %s | %.1f min | %s |\n", n.name, n.began.Format("2006-01-02 15:04"), ms(n.end-n.begin).Minutes(), n.about)
	}
	b.WriteString("\n")
}

// share is a proportion with its interval, in percent.
func share(k, n int) string {
	if n == 0 {
		return "–"
	}
	e := analysis.ClopperPearson(k, n, confidence)
	return fmt.Sprintf("%s %% [%s, %s]", percent(e.Center), percent(e.Lo), percent(e.Hi))
}

// percent has two digits that say something.
func percent(x float64) string {
	x *= 100
	switch {
	case x == 0:
		return "0"
	case x < 0.1:
		return fmt.Sprintf("%.3f", x)
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.1f", x)
}

// of is a count out of a number, with the interval of the share.
func of(k, n int) string {
	if n == 0 {
		return "–"
	}
	e := analysis.ClopperPearson(k, n, confidence)
	return fmt.Sprintf("%d/%d [%.0f, %.0f %%]", k, n, 100*e.Lo, 100*e.Hi)
}

func tellSteady(b *strings.Builder, n *network, arms []*steadyArm) {
	b.WriteString("### While nothing fails\n\n")
	fmt.Fprintf(b, "One message a second from each sender, for %.1f minutes.\n\n", ms(n.end-n.begin).Minutes())
	b.WriteString("| arm | routers | senders | sent | lost | share lost | lost at a renewal of the carrier, of the messages sent then | at any router's renewal | otherwise, of the messages sent otherwise | renewals |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, a := range arms {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %s | %d of %d: %s | %d of %d | %d of %d: %s | %d |\n",
			a.arm, n.routersOf(a.arm), a.clients, a.sent, a.lost, share(a.lost, a.sent),
			a.lostAt, a.atRenewal, share(a.lostAt, a.atRenewal), a.lostAny, a.anyRenewal,
			a.lost-a.lostAt, a.sent-a.atRenewal, share(a.lost-a.lostAt, a.sent-a.atRenewal), a.renewals)
	}
	b.WriteString("\n| arm | lost without reaching the service | spells of losses | longest spell, messages | moves of a sender to another router | lost before a sender's first answer |\n|---|---|---|---|---|---|\n")
	for _, a := range arms {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d |\n", a.arm, a.unheard, a.spells, a.longest, a.moves, a.before)
	}
	b.WriteString("\n![Losses over time](live/losses.svg)\n\n")
}

func (n *network) routersOf(arm string) int {
	for _, r := range n.records {
		if r.Kind == KindArm && r.Arm == arm {
			return r.N
		}
	}
	return 0
}

// A class is clients that a fault means the same to.
type class struct {
	arm         string
	unpublished bool
	young       bool
}

func (c class) String() string {
	s := c.arm
	if c.unpublished {
		s += ", unpublished"
	}
	if c.young {
		return s + ", younger"
	}
	return s + ", older"
}

var classes = []class{
	{"pinned", false, false},
	{"rotate", false, false},
	{"pinned", false, true},
	{"rotate", false, true},
	{"pinned", true, false},
	{"rotate", true, false},
	{"pinned", true, true},
	{"rotate", true, true},
	{"composed", false, false},
	{"composed", false, true},
}

func (s *strike) class() class { return class{s.client.Arm, s.client.Unpublished, s.age < old} }

// pick returns the strikes of a fault on clients of a class.
func pick(all []strike, fault string, c class, struck bool) []strike {
	var some []strike
	for _, s := range all {
		if s.fault == fault && s.struck == struck && s.class() == c {
			some = append(some, s)
		}
	}
	return some
}

// span is a number of seconds for a table.
func span(s float64) string {
	switch {
	case math.IsNaN(s):
		return "–"
	case math.IsInf(s, 0) || s > 1e6:
		return "never"
	case s < 10:
		return fmt.Sprintf("%.2f", s)
	}
	return fmt.Sprintf("%.0f", s)
}

// seconds has what never came as a number larger than all: infinity has no
// quantile.
func seconds(some []strike) []float64 {
	var xs []float64
	for _, s := range some {
		x := 1e9
		if s.after != never {
			x = s.after.Seconds()
		}
		xs = append(xs, x)
	}
	return xs
}

// median tells a median with its interval, and the largest value.
func median(xs []float64) string {
	if len(xs) == 0 {
		return "– | –"
	}
	e := analysis.Median(xs, confidence, "s")
	lo, hi := e.Lo, e.Hi
	bounds := fmt.Sprintf("[%s, %s]", span(lo), span(hi))
	if math.IsInf(lo, 0) || math.IsInf(hi, 0) {
		bounds = "(too few for an interval)"
	}
	return fmt.Sprintf("%s %s | %s", span(e.Center), bounds, span(slices.Max(xs)))
}

func tellFaults(b *strings.Builder, f *faults) {
	for _, k := range []struct{ fault, title string }{
		{faultKill, "The carrier is killed (kill -9)"},
		{faultFreeze, "The carrier is frozen (SIGSTOP)"},
		{faultHole, "The link to the carrier's I2CP port passes nothing any more"},
		{faultPublisher, "The publisher is killed"},
	} {
		if f.number[k.fault] == 0 {
			continue
		}
		fmt.Fprintf(b, "### %s: %d times\n\n", k.title, f.number[k.fault])
		if k.fault != faultPublisher {
			tellStruck(b, f, k.fault)
		}
		tellOthers(b, f, k.fault)
	}
	b.WriteString("![Time until a client is answered again](live/failover.svg)\n\n")
	tellNotices(b, f)
	tellNewcomers(b, f)
}

func tellStruck(b *strings.Builder, f *faults, fault string) {
	b.WriteString("Clients of the carrier, 5 messages a second each. A client counts as older if it had been with the carrier for 120 s.\n\n")
	fmt.Fprintf(b, "| clients | n | answered again within %.0f s | at most %d lost | both | time until answered again, s: median [interval] | longest | not within the %.0f s watched | lost messages: median, largest |\n|---|---|---|---|---|---|---|---|---|\n",
		soon.Seconds(), few, faultFor.Seconds())
	for _, c := range classes {
		some := pick(f.strikes, fault, c, true)
		if len(some) == 0 {
			continue
		}
		quick, cheap, both, no := 0, 0, 0, 0
		var lost []float64
		for _, s := range some {
			if s.after <= soon {
				quick++
			}
			if s.lost <= few {
				cheap++
			}
			if s.after <= soon && s.lost <= few {
				both++
			}
			if s.after == never {
				no++
			}
			lost = append(lost, float64(s.lost))
		}
		fmt.Fprintf(b, "| %v | %d | %s | %s | %s | %s | %d | %.0f, %.0f |\n", c, len(some),
			of(quick, len(some)), of(cheap, len(some)), of(both, len(some)), median(seconds(some)), no,
			analysis.Median(lost, confidence, "").Center, slices.Max(lost))
	}
	// Clients of one kill share its fate, so that the kills count too.
	b.WriteString("\n")
	for _, arm := range []string{"pinned", "rotate"} {
		for _, young := range []bool{false, true} {
			c := class{arm, false, young}
			worst := make(map[string]strike)
			for _, s := range pick(f.strikes, fault, c, true) {
				key := fmt.Sprintf("%s %d", s.net, s.number)
				if w, ok := worst[key]; !ok || s.after > w.after || s.after == w.after && s.lost > w.lost {
					worst[key] = s
				}
			}
			good := 0
			for _, s := range worst {
				if s.after <= soon && s.lost <= few {
					good++
				}
			}
			if len(worst) > 0 {
				fmt.Fprintf(b, "- %v: of the faults that struck any, the worst client was answered within %.0f s with at most %d lost in %s\n", c, soon.Seconds(), few, of(good, len(worst)))
			}
		}
	}
	b.WriteString("\n")
}

// tellOthers tells of clients whose carrier was not hit.
func tellOthers(b *strings.Builder, f *faults, fault string) {
	b.WriteString("Clients of the other routers:\n\n| clients | n | lost nothing | answered within 5 s | lost messages: largest | not answered while watched |\n|---|---|---|---|---|---|\n")
	for _, c := range classes {
		if c.young {
			continue
		}
		some := append(pick(f.strikes, fault, c, false), pick(f.strikes, fault, class{c.arm, c.unpublished, true}, false)...)
		if len(some) == 0 {
			continue
		}
		none, quick, most, no := 0, 0, 0, 0
		for _, s := range some {
			if s.lost == 0 {
				none++
			}
			if s.after <= soon {
				quick++
			}
			if s.after == never {
				no++
			}
			most = max(most, s.lost)
		}
		name := c.arm
		if c.unpublished {
			name += ", unpublished"
		}
		fmt.Fprintf(b, "| %s | %d | %s | %s | %d | %d |\n", name, len(some), of(none, len(some)), of(quick, len(some)), most, no)
	}
	b.WriteString("\n")
}

func tellNotices(b *strings.Builder, f *faults) {
	b.WriteString("### When the service notices\n\n| fault | n | within 6 s | s until it is told as down: median [interval] | longest |\n|---|---|---|---|---|\n")
	for _, fault := range []string{faultKill, faultPublisher, faultFreeze, faultHole} {
		var xs []float64
		quick := 0
		for _, n := range f.notices {
			if n.fault == fault {
				xs = append(xs, n.after.Seconds())
				if n.after <= 6*time.Second {
					quick++
				}
			}
		}
		if len(xs) > 0 {
			fmt.Fprintf(b, "| %s | %d | %s | %s |\n", fault, len(xs), of(quick, len(xs)), median(xs))
		}
	}
	if len(f.serving) > 0 {
		fmt.Fprintf(b, "\nA killed router that was started again had leases in all LeaseSets after (median, longest): %s s, n = %d.\n", strings.ReplaceAll(median(f.serving), " |", ","), len(f.serving))
	}
	b.WriteString("\n")
}

func tellNewcomers(b *strings.Builder, f *faults) {
	fmt.Fprintf(b, "### A client that comes at a fault\n\n| fault | arm | n | served within %.0f s of its first message, or of the fault if that was later | s: median [interval] | longest |\n|---|---|---|---|---|---|\n", soonNew.Seconds())
	for _, fault := range []string{faultKill, faultPublisher, faultFreeze, faultHole} {
		for _, arm := range []string{"pinned", "rotate", "composed"} {
			var xs []float64
			quick := 0
			for _, c := range f.newcomers {
				if c.fault != fault || c.arm != arm {
					continue
				}
				x := 1e9
				if c.after != never {
					x = c.after.Seconds()
				}
				xs = append(xs, x)
				if c.after <= soonNew {
					quick++
				}
			}
			if len(xs) > 0 {
				fmt.Fprintf(b, "| %s | %s | %d | %s | %s |\n", fault, arm, len(xs), of(quick, len(xs)), median(xs))
			}
		}
	}
	b.WriteString("\n")
}
