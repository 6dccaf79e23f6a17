package realism

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/i2cp/wire"
)

// A Recording is what was seen in a private network of i2pd: of each Destination
// the LeaseSets that floodfills took in, and when.
type Recording struct {
	World   World    `json:"world"`
	I2pd    string   `json:"i2pd"`    // version
	Date    string   `json:"date"`    // of the recording
	Minutes int      `json:"minutes"` // how long each Destination was recorded, at least
	Hashes  []string `json:"hashes"`  // of the routers, floodfills first
	// TestLoss is the share of tunnel tests that failed in each router, by its log.
	TestLoss []float64 `json:"test_loss"`

	Dests []Dest `json:"-"`
}

// Dest is one Destination of a recording. Times are in seconds since its session
// was opened.
type Dest struct {
	Hash   string `json:"hash"`
	Router int    `json:"router"`
	Open   int64  `json:"open"` // when its session was opened, ms since the epoch
	// Tunnels are the inbound tunnels of its LeaseSets: the gateway's number and
	// the end of the lease as first listed.
	Tunnels [][2]int `json:"tunnels"`
	// Sets are its LeaseSets: the time of publication, then for each lease the
	// number of its tunnel, times four, plus by how many seconds its end is later
	// than first listed: i2pd gives a client's lease up to 2 s more as its tunnel
	// grows older.
	Sets [][]int `json:"sets"`
	// Stored tells what the four floodfills closest to its routing key took in:
	// the time, the floodfill and the number of the LeaseSet.
	Stored [][3]int `json:"stored"`
}

// holders is how many floodfills a poller asks: those that a LeaseSet is stored
// and flooded to.
const holders = 4

// exploratoryPairs is how many pairs of exploratory tunnels a router tests.
const exploratoryPairs = 3

// building is a Destination whose raw recording is being read.
type building struct {
	Dest
	number map[int64]int // of a tunnel
	all    [][]int       // sets
	given  []int64       // when, ms
	ffs    []int         // the closest floodfills
	stored []event
	holds  []event
}

// ReadRaw reads the raw recording that Record has written.
func ReadRaw(in io.Reader) (*Recording, error) {
	rec := &Recording{}
	var dests map[int]*building
	var ffs []wire.Hash
	var first, last int64
	var failed []int
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("realism: raw recording: %w", err)
		}
		d := dests[e.Dest]
		switch e.Kind {
		case "world":
			first = e.T
			rec.World, rec.I2pd, rec.Hashes = e.World.World, e.World.I2pd, e.World.Routers
			rec.Date = time.UnixMilli(e.T).UTC().Format(time.DateOnly)
			dests = make(map[int]*building)
			for _, text := range rec.Hashes[:rec.World.Floodfills] {
				h, err := wire.ParseHashBase64(text)
				if err != nil {
					return nil, err
				}
				ffs = append(ffs, h)
			}
		case "open":
			dests[e.Dest] = &building{
				Dest: Dest{Hash: e.Hash, Router: e.Where, Open: e.T}, number: make(map[int64]int), ffs: closest(ffs, e.Hash, e.T),
			}
		case "set":
			last = e.T
			if err := d.set(&e); err != nil {
				return nil, err
			}
		case "failed":
			for len(failed) <= e.Where {
				failed = append(failed, 0)
			}
			failed[e.Where] = e.Count
		case "stored":
			if slices.Contains(d.ffs, e.FF) {
				d.stored = append(d.stored, e)
			}
		case "hold":
			for num, k := range e.Holds {
				if d := dests[num]; slices.Contains(d.ffs, e.FF) {
					d.holds = append(d.holds, event{T: e.T, FF: e.FF, Dest: k})
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if dests == nil {
		return nil, errors.New("realism: an empty recording")
	}
	rec.Minutes = 1 << 20
	sessions := make(map[int]int)
	for num := range rec.World.Destinations {
		if d := dests[num]; d != nil {
			d.assign()
			d.prune()
			rec.Dests = append(rec.Dests, d.Dest)
			rec.Minutes = min(rec.Minutes, int(last-d.Open)/60000)
			sessions[d.Router]++
		}
	}
	for i, n := range failed {
		// Every 15 s: of each Destination as many pairs as it has outbound tunnels,
		// and the exploratory ones.
		tests := float64(last-first) / 15000 * float64(sessions[i]*rec.World.Outbound+exploratoryPairs)
		rec.TestLoss = append(rec.TestLoss, math.Round(1e4*float64(n)/tests)/1e4)
	}
	return rec, nil
}

func (d *building) set(e *event) error {
	from := d.Open / 1000
	set := []int{int(e.Pub - from)}
	for _, l := range e.Lease {
		end := int(l[2]/1000 - from)
		k, ok := d.number[l[1]]
		if !ok {
			k = len(d.Tunnels)
			d.number[l[1]] = k
			d.Tunnels = append(d.Tunnels, [2]int{int(l[0]), end})
		}
		if later := end - d.Tunnels[k][1]; later < 0 || later > 3 {
			return fmt.Errorf("realism: the end of a lease moved by %d s", later)
		}
		set = append(set, 4*k+end-d.Tunnels[k][1])
	}
	d.all = append(d.all, set)
	d.given = append(d.given, e.T)
	return nil
}

// assign finds out which LeaseSet it was that a floodfill has logged. Those of a
// round are given within some ten milliseconds: the first of them is published at
// once, or the last of them when the spacing allows. (A console's page, where
// there is one, corrects this: in 3 to 5 % of the cases it was the neighbour.)
func (d *building) assign() {
	slices.SortStableFunc(d.stored, func(a, b event) int { return cmp.Compare(a.At, b.At) })
	newest := make(map[int]int) // of each floodfill
	hold := 0
	for _, e := range d.stored {
		for ; hold < len(d.holds) && d.holds[hold].T < e.At*1000; hold++ {
			d.correct(&d.holds[hold], newest)
		}
		k := len(d.given) - 1
		for k > 0 && d.given[k] > (e.At+1)*1000 {
			k--
		}
		first := k
		for first > 0 && d.given[k]-d.given[first-1] < 1500 {
			first--
		}
		if d.given[first] >= (e.At-1)*1000 {
			k = first
		}
		newest[e.FF] = len(d.Stored)
		d.Stored = append(d.Stored, [3]int{int(e.At - d.Open/1000), e.FF, k})
	}
	for ; hold < len(d.holds); hold++ {
		d.correct(&d.holds[hold], newest)
	}
}

func (d *building) correct(h *event, newest map[int]int) {
	n, ok := newest[h.FF]
	if ok && h.Dest >= 0 && h.T-d.Open > int64(d.Stored[n][0])*1000+2500 {
		d.Stored[n][2] = h.Dest
	}
}

// prune keeps the LeaseSets that a floodfill had, and their tunnels.
func (d *building) prune() {
	set, tunnel := make(map[int]int), make(map[int]int)
	var tunnels [][2]int
	for i := range d.Stored {
		was := d.Stored[i][2]
		k, ok := set[was]
		if !ok {
			k = len(d.Sets)
			set[was] = k
			kept := []int{d.all[was][0]}
			for _, l := range d.all[was][1:] {
				n, ok := tunnel[l/4]
				if !ok {
					n = len(tunnels)
					tunnel[l/4] = n
					tunnels = append(tunnels, d.Tunnels[l/4])
				}
				kept = append(kept, 4*n+l%4)
			}
			d.Sets = append(d.Sets, kept)
		}
		d.Stored[i][2] = k
	}
	d.Tunnels = tunnels
}

// closest returns the floodfills closest to a Destination's routing key.
func closest(ffs []wire.Hash, dest string, ms int64) []int {
	h, err := wire.ParseHashBase64(dest)
	if err != nil {
		return nil
	}
	key := sha256.Sum256(append(slices.Clone(h[:]), time.UnixMilli(ms).UTC().Format("20060102")...))
	order := make([]int, len(ffs))
	for i := range order {
		order[i] = i
	}
	distance := func(i int) string {
		x := ffs[i]
		for k := range x {
			x[k] ^= key[k]
		}
		return string(x[:])
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(distance(a), distance(b)) })
	return order[:min(holders, len(order))]
}

// Write writes the recording, a line for its world and one for each Destination.
func (rec *Recording) Write(w io.Writer) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	out := json.NewEncoder(z)
	if err := out.Encode(rec); err != nil {
		return err
	}
	for i := range rec.Dests {
		if err := out.Encode(&rec.Dests[i]); err != nil {
			return err
		}
	}
	return z.Close()
}

// Read reads what Write has written.
func Read(r io.Reader) (*Recording, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(z)
	rec := &Recording{}
	if err := in.Decode(rec); err != nil {
		return nil, fmt.Errorf("realism: recording: %w", err)
	}
	for {
		var d Dest
		err := in.Decode(&d)
		if errors.Is(err, io.EOF) {
			return rec, nil
		}
		if err != nil {
			return nil, fmt.Errorf("realism: recording: %w", err)
		}
		rec.Dests = append(rec.Dests, d)
	}
}

// Trace writes down what a poller sees of a Destination that asks every so often,
// from the given time after its session was opened.
func (rec *Recording) Trace(d *Dest, from, every, until time.Duration, tr *trace.Trace) error {
	hash, err := wire.ParseHashBase64(d.Hash)
	if err != nil {
		return err
	}
	tr.Reset(trace.Header{
		Destination: strings.TrimSuffix(hash.B32(), ".b32.i2p"), Vantage: trace.VantageNetDb, Source: trace.SourceLive,
	})
	routers := make([]trace.Hash, len(rec.Hashes))
	ffs := make([]wire.Hash, rec.World.Floodfills)
	for i, text := range rec.Hashes {
		h, err := wire.ParseHashBase64(text)
		if err != nil {
			return err
		}
		routers[i] = trace.Hash(h)
		if i < len(ffs) {
			ffs[i] = h
		}
	}
	order := closest(ffs, d.Hash, d.Open)
	holds := make(map[int]int)
	next := 0
	second := d.Open / 1000
	for at := from; at < until; at += every {
		for ; next < len(d.Stored) && time.Duration(d.Stored[next][0])*time.Second < at; next++ {
			holds[d.Stored[next][1]] = d.Stored[next][2]
		}
		ms := second*1000 + at.Milliseconds()
		for _, ff := range order {
			k, ok := holds[ff]
			if !ok {
				tr.AppendPoll(ms, routers[ff], false)
				continue
			}
			set := d.Sets[k]
			var leases []trace.Lease
			latest := int64(0)
			for _, l := range set[1:] {
				t := d.Tunnels[l/4]
				end := second + int64(t[1]+l%4)
				latest = max(latest, end)
				leases = append(leases, trace.Lease{Gateway: routers[t[0]], Tunnel: uint32(l/4) + 1, EndMs: end * 1000})
			}
			tr.AppendLookup(ms, routers[ff], second+int64(set[0]), latest, leases)
		}
	}
	return tr.Check()
}
