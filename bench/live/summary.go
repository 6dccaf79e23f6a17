package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// How things are counted. docs/live-results.md states each.
const (
	// aroundRenewal is how near to its carrier's asking for a LeaseSet with new
	// tunnels a message counts as sent at a renewal. A request leads to a new
	// LeaseSet with the clients within some seconds, and comes some 20 s before
	// the old tunnels end.
	aroundRenewal = 15 * time.Second
	// beforeFault is how long before a fault a message may have been under way.
	beforeFault = 2 * time.Second
	// old is the age from which a session can be replaced at once.
	old = 120 * time.Second
	// soon and few are what we want of a client whose carrier was killed, and
	// soonNew of one that comes after that.
	soon    = 5 * time.Second
	soonNew = 25 * time.Second
	few     = 2
)

// A network is a file of records, sorted.
type network struct {
	name    string
	about   string
	began   time.Time
	records []Record
	clients map[int]*history
	begin   int64 // ms since the epoch
	end     int64
}

// A history is a client's messages in the order of sending.
type history struct {
	Record // of its start
	msgs   []Record
}

func load(dir string) ([]*network, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	var all []*network
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		records, err := readRecords(f)
		_ = f.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, newNetwork(strings.TrimSuffix(filepath.Base(name), ".jsonl"), records))
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no records in %s: run `make live-long` first", dir)
	}
	return all, nil
}

func newNetwork(name string, records []Record) *network {
	n := &network{name: name, records: records, clients: make(map[int]*history)}
	slices.SortStableFunc(n.records, func(a, b Record) int { return cmp.Compare(a.T, b.T) })
	for _, r := range n.records {
		n.end = max(n.end, r.T)
		switch r.Kind {
		case KindNet:
			n.about, n.began = r.Text, time.UnixMilli(r.T).UTC()
		case KindBegin:
			n.begin = r.T
		case KindClient:
			n.clients[r.Client] = &history{Record: r}
		case KindMessage:
			if h := n.clients[r.Client]; h != nil {
				h.msgs = append(h.msgs, r)
			}
		}
	}
	return n
}

// ids returns the numbers of the clients in order.
func (n *network) ids() []int {
	var ids []int
	for id := range n.clients {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// times returns when a router renewed tunnels for an arm.
func (n *network) times(arm, router string) []int64 {
	var ts []int64
	for _, r := range n.records {
		if r.Kind == KindRequest && r.Arm == arm && r.New > 0 && (router == "" || r.Router == router) {
			ts = append(ts, r.T)
		}
	}
	return ts
}

// near reports whether t is within d of one of the sorted ts.
func near(ts []int64, t int64, d time.Duration) bool {
	i, _ := slices.BinarySearch(ts, t-d.Milliseconds())
	return i < len(ts) && ts[i] <= t+d.Milliseconds()
}

// A steadyArm is what became of an arm's messages while nothing failed.
type steadyArm struct {
	arm                 string
	clients             int
	sent, lost          int // from each client's first answer on
	atRenewal, lostAt   int // of these, at a renewal of the client's carrier
	anyRenewal, lostAny int // of these, at a renewal of any of the service's routers
	unheard             int // of the lost, those that never came to the service
	before              int // lost before the first answer
	spells, longest     int // of lost messages on end, over all clients
	moves               int // of a client from one router to another
	renewals            int // of the carriers in use
	lostTimes           []int64
}

func (n *network) steadyArms() []*steadyArm {
	var arms []*steadyArm
	for _, r := range n.records {
		if r.Kind == KindArm {
			arms = append(arms, &steadyArm{arm: r.Arm})
		}
	}
	for _, a := range arms {
		any := n.times(a.arm, "")
		by := make(map[string][]int64)
		for _, id := range n.ids() {
			h := n.clients[id]
			if h.Arm != a.arm {
				continue
			}
			a.clients++
			carrier, answered, spell := "", false, 0
			for _, m := range h.msgs {
				if !answered && m.RTT == 0 {
					a.before++
					continue
				}
				answered = true
				if m.Via != "" && m.Via != carrier {
					if carrier != "" {
						a.moves++
					}
					carrier = m.Via
					if by[carrier] == nil {
						by[carrier] = n.times(a.arm, carrier)
					}
				}
				at, anywhere := near(by[carrier], m.T, aroundRenewal), near(any, m.T, aroundRenewal)
				a.sent++
				if at {
					a.atRenewal++
				}
				if anywhere {
					a.anyRenewal++
				}
				if m.RTT > 0 {
					spell = 0
					continue
				}
				a.lost++
				a.lostTimes = append(a.lostTimes, m.T)
				if spell++; spell == 1 {
					a.spells++
				}
				a.longest = max(a.longest, spell)
				if m.Via == "" {
					a.unheard++
				}
				if at {
					a.lostAt++
				}
				if anywhere {
					a.lostAny++
				}
			}
		}
		for _, ts := range by {
			for _, t := range ts {
				if t > n.begin {
					a.renewals++
				}
			}
		}
		slices.Sort(a.lostTimes)
	}
	return arms
}

// A strike is what a fault meant to one client.
type strike struct {
	net, fault, router string
	number             int // of the fault in its network
	client             history
	struck             bool          // its carrier was hit
	age                time.Duration // of its time with the carrier
	lost               int
	after              time.Duration // until an answer to what was sent after the fault; never: none
	rebuilt            bool          // the router that took it over had to build tunnels before
}

const never = time.Duration(math.MaxInt64)

// A notice is how long it took until a fault was seen.
type notice struct {
	fault string
	after time.Duration
}

// A newcomer is a client that came at a fault.
type newcomer struct {
	arm, fault string
	after      time.Duration // from its first message, or from the fault if that was later
	sinceFault time.Duration
}

// faults are the results of a network with faults.
type faults struct {
	strikes   []strike
	notices   []notice
	newcomers []newcomer
	serving   []float64 // s from the restart of a killed router until all arms have leases of it
	number    map[string]int
}

func (f *faults) add(n *network) {
	if f.number == nil {
		f.number = make(map[string]int)
	}
	count := 0
	for i, r := range n.records {
		if r.Kind != KindFault {
			continue
		}
		end := int64(0)
		for _, q := range n.records[i:] {
			switch {
			case q.Kind == KindNoticed && end == 0:
				f.notices = append(f.notices, notice{r.Fault, ms(q.T - r.T)})
			case q.Kind == KindRestored && end == 0:
				end = q.T
			case q.Kind == KindServing && end > 0 && strings.HasPrefix(r.Fault, faultKill):
				f.serving = append(f.serving, ms(q.T-end).Seconds())
			}
			if q.Kind == KindServing || q.Kind == KindFault && q.T > r.T {
				break
			}
		}
		// What was lost is known when the timeout is over.
		if end == 0 || n.end < end+timeout.Milliseconds() {
			continue
		}
		count++
		f.number[r.Fault]++
		for _, id := range n.ids() {
			h := n.clients[id]
			if h.Role == "new" {
				f.newcomer(h, &r, end)
				continue
			}
			if s, ok := n.strikeOn(h, &r, end); ok {
				s.net, s.number = n.name, count
				f.strikes = append(f.strikes, s)
			}
		}
	}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// strikeOn tells what a fault meant to a client, if it was answered until then.
func (n *network) strikeOn(h *history, fault *Record, end int64) (strike, bool) {
	s := strike{fault: fault.Fault, router: fault.Router, client: *h, after: never}
	carrier, since, last := "", int64(0), int64(0)
	for _, m := range h.msgs {
		if m.T >= fault.T {
			break
		}
		if m.Via == "" || m.Arrived >= fault.T {
			continue
		}
		if m.Via != carrier {
			carrier, since = m.Via, m.Arrived
		}
		if m.RTT > 0 {
			last = m.T
		}
	}
	if carrier == "" || fault.T-last > 3000 {
		return s, false
	}
	s.struck, s.age = carrier == fault.Router, ms(fault.T-since)
	for _, m := range h.msgs {
		if m.T < fault.T-beforeFault.Milliseconds() || m.T > end {
			continue
		}
		if m.RTT == 0 {
			s.lost++
			continue
		}
		if m.T < fault.T || s.after != never {
			continue
		}
		s.after = ms(m.T-fault.T) + time.Duration(m.RTT*float64(time.Millisecond))
		ts := n.times(h.Arm, m.Via)
		i, _ := slices.BinarySearch(ts, fault.T)
		s.rebuilt = i < len(ts) && ts[i] < m.T
	}
	return s, true
}

// newcomer adds a client that came at a fault, if it did.
func (f *faults) newcomer(h *history, fault *Record, end int64) {
	if len(h.msgs) == 0 || h.T > end || h.T < fault.T-newest.Milliseconds()-1000 || h.msgs[0].T > end {
		return
	}
	first := h.msgs[0].T
	c := newcomer{arm: h.Arm, fault: fault.Fault, after: never, sinceFault: never}
	for _, m := range h.msgs {
		if m.RTT == 0 {
			continue
		}
		at := m.T + int64(m.RTT)
		if at < fault.T {
			return // served before
		}
		c.after, c.sinceFault = ms(at-max(first, fault.T)), ms(at-fault.T)
		break
	}
	f.newcomers = append(f.newcomers, c)
}
