package calibrate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"multihome.i2p/analysis"
)

// Measured is all that was read.
type Measured struct {
	Routers []Router // Java routers, each with a snapshot or a page of tunnels
	NetDbs  []*NetDb
}

// writer writes YAML with comments.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// note writes a comment, wrapped, at an indent.
func (w *writer) note(indent int, format string, args ...any) {
	const width = 88
	pad := strings.Repeat(" ", indent) + "#"
	line := pad
	for _, word := range strings.Fields(plain(fmt.Sprintf(format, args...))) {
		if len(line)+1+len(word) > width && line != pad {
			w.line("%s", line)
			line = pad
		}
		line += " " + word
	}
	w.line("%s", line)
}

// plain keeps names of files from being more than names.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// number writes an estimate with three digits, decimal.
func number(x float64) string {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func interval(e analysis.Estimate) string {
	return fmt.Sprintf("%s [%s, %s]", number(e.Center), number(e.Lo), number(e.Hi))
}

// Scenario writes what was measured as a scenario. The error names what is missing.
func (m *Measured) Scenario() (string, error) {
	var tiers []Router
	for i := range m.Routers {
		if len(m.Routers[i].Snapshots) > 0 {
			tiers = append(tiers, m.Routers[i])
		}
	}
	if len(tiers)+len(m.NetDbs) == 0 {
		return "", errors.New("pages of tunnels alone tell no tiers; give a page of profiles (/profiles) too, or a netDb directory")
	}
	w := &writer{}
	count := max(1, len(tiers))
	if len(tiers) == 0 {
		count = len(m.NetDbs)
	}
	w.line("question: How does a service on %s look to an observer who polls the netDb?", plural(count, "router like ours", "routers like ours"))
	w.line("#")
	w.note(0, "Written by mhsim calibrate. Each number stands below the line that says where it came from; all intervals are at 95 %%. Keys that are not here have their defaults (mhsim schema scenario).")
	w.line("seed: 140\ntrials: 100\nduration: 24h\nwarmup: 3h")
	m.network(w, tiers)
	w.line("destination:\n  scheme: p140\n  leases: 16\n  policy: per-router")
	m.routers(w, tiers)
	w.line("adversaries:\n  - {name: poller, vantage: netdb, every: 10m, attacks: all, horizons: [1h, 6h, 24h]}")
	w.line("reference: {scheme: single, routers: {count: 1}}")
	return w.String(), nil
}

func (m *Measured) network(w *writer, tiers []Router) {
	share := eligibleShare(tiers, m.NetDbs)
	if share.N == 0 && len(m.NetDbs) == 0 {
		return
	}
	w.line("network:")
	if share.N > 0 {
		from := "none of them was found in a netDb that tells whether it has IPv4: the true share is at most this"
		if share.checked > 0 {
			from = fmt.Sprintf("for %d of them a netDb tells the address; of the others R alone counts", share.checked)
		}
		w.note(2, "Fast peers that publish R and IPv4: %s, n = %s of the newest snapshots with known capabilities; %s.",
			interval(share.Estimate), plural(share.N, "peer", "peers"), from)
		w.line("  ibgw_eligible: %s", number(max(0.05, share.Center)))
	}
	if len(m.NetDbs) == 0 {
		return
	}
	var last []int
	for _, db := range m.NetDbs {
		w.note(2, "%s: %d RouterInfos, the newest of %s; %d older than 27 h left out; i2pd takes %d as hops (O, P or X; not D, E, G or H; 0.9.58 or newer; X25519), and %d of them as inbound gateways (published IPv4).",
			db.Dir, db.Known, db.Newest.UTC().Format(time.RFC3339), db.Old, db.Hops, db.Last)
		last = append(last, db.Last)
	}
	slices.Sort(last)
	n := last[(len(last)-1)/2]
	if len(last) > 1 {
		w.note(2, "The median of %d directories, which range from %d to %d: a count of what one router knew at one time, without interval.", len(last), last[0], last[len(last)-1])
	} else {
		w.note(2, "A count of what one router knew at one time, without interval.")
	}
	if n < minCandidates {
		w.note(2, "Fewer than the least that is simulated, %d.", minCandidates)
	}
	w.line("  i2pd_candidates: %d", max(n, minCandidates))
}

// minCandidates is the least of network.i2pd_candidates.
const minCandidates = 10

func (m *Measured) routers(w *writer, tiers []Router) {
	hops, outbound := m.tunnels(w)
	tail := ""
	if hops > 0 {
		tail = fmt.Sprintf(", hops: %d", hops)
	}
	if outbound > 0 {
		tail += fmt.Sprintf(", outbound: %d", outbound)
	}
	if len(tiers) == 0 {
		w.note(2, "As many i2pd routers as directories.")
		w.line("  routers: {count: %d, kind: i2pd%s}", len(m.NetDbs), tail)
		return
	}
	laws := ""
	if pairs, found := overlaps(tiers); len(found) > 0 {
		e := jaccard(len(tiers), pairs, found)
		apart := time.Duration(0)
		for _, o := range found {
			apart = max(apart, o.apart)
		}
		how := "peers taken as independent"
		if len(tiers) > 2 {
			how = "jackknife over the routers"
		}
		w.note(2, "Overlap of the fast tiers (common peers over the union, all pairs together): %s, n = %s; %s. Snapshots of a pair up to %s apart; what turned over meanwhile lowers it.",
			interval(e), plural(len(found), "pair", "pairs"), how, apart.Round(time.Second))
		laws += ", overlap: " + number(e.Center)
	} else {
		w.note(2, "Overlap: one router tells none; the default holds.")
	}
	if e := turnover(steps(tiers)); e.Defined() {
		w.note(2, "Chance that a fast peer is another one an hour later: %s, n = %s over %s between snapshots; peers taken as independent.",
			interval(e), plural(e.N, "peer", "peers"), plural(len(steps(tiers)), "span", "spans"))
		laws += ", turnover_per_hour: " + number(math.Min(1, e.Center))
	} else {
		w.note(2, "Turnover: no router has two snapshots; the default holds.")
	}
	w.line("  routers:")
	for i := range tiers {
		r := &tiers[i]
		var sizes, capable []int
		for k := range r.Snapshots {
			sizes = append(sizes, len(r.Snapshots[k].fast()))
			capable = append(capable, len(r.Snapshots[k].Page.Profiles.Peers))
		}
		spread := ""
		if n := len(sizes); n > 1 {
			spread = fmt.Sprintf(" (the median of %d snapshots, %d to %d)", n, slices.Min(sizes), slices.Max(sizes))
		}
		w.note(4, "%s: %s%s, of %d of high capacity in the newest; from %s.", r.Name, plural(r.size(), "fast peer", "fast peers"), spread,
			capable[len(capable)-1], r.Snapshots[len(r.Snapshots)-1].At.UTC().Format(time.RFC3339))
		w.line("    - {kind: java, fast_tier: {size: %d}%s%s}", r.size(), laws, tail)
		laws = "" // laws over all routers stand once
	}
}

// tunnels tells the commonest length of clients' tunnels and the median number of
// outbound ones, 0 where no page tells.
func (m *Measured) tunnels(w *writer) (hops, outbound int) {
	var lengths [8]int
	var counts []int
	all := 0
	for i := range m.Routers {
		for _, page := range m.Routers[i].Tunnels {
			for _, p := range page.Pools {
				for h, n := range p.Hops {
					lengths[h] += n
					all += n
				}
				if p.Outbound > 0 {
					counts = append(counts, p.Outbound)
				}
			}
		}
	}
	for h := 1; h < len(lengths); h++ {
		if lengths[h] > lengths[hops] || hops == 0 && lengths[h] > 0 {
			hops = h
		}
	}
	if hops == 0 || len(counts) == 0 {
		return 0, 0
	}
	slices.Sort(counts)
	outbound = min(16, counts[(len(counts)-1)/2])
	w.note(2, "Tunnels of clients: %d of %d have %s; the median number of outbound ones is %d, over %s. Check that the service is to have as many.",
		lengths[hops], all, plural(hops, "hop", "hops"), outbound, plural(len(counts), "pool", "pools"))
	return hops, outbound
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
