package game

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"

	"multihome.i2p/sim"
)

// CellKey names the trials of one cell by all that their records follow from: the
// world, what the attacks look at, and the seed of the arm's set. It does not name
// the program: a Cache belongs to one.
type CellKey [sha256.Size]byte

// Cache keeps the records of trials for other runs, whatever scenario asks for
// them. Run calls it from several goroutines at once.
type Cache interface {
	// Get returns what Put was given for that trial of the cell, nil if it is not
	// there. It may forget, but not err.
	Get(cell CellKey, trial int) []byte
	// Put keeps the content of a trial's record.
	Put(cell CellKey, trial int, content []byte)
}

// cellContent is what a CellKey is the digest of.
type cellContent struct {
	World *sim.Config
	Looks []lookContent
	Seed  uint64 // of the arm's set, see seedOf
	Set   Set
}

type lookContent struct {
	Adversary int
	Attack    string
	Horizon   sim.Time
	Full      bool
}

// cellKey is the key of a set of a unit; false where its world cannot be
// written down.
func (p *plan) cellKey(unit int, set Set) (CellKey, bool) {
	u := &p.units[unit]
	if u.world.Destination.Policy.Maker != nil {
		return CellKey{}, false // its name does not say what it does
	}
	c := cellContent{World: u.world, Seed: seedOf(p.scenario.Seed, u.arm, set), Set: set}
	for _, l := range u.looks {
		c.Looks = append(c.Looks, lookContent{l.adversary, l.attack, l.horizon, l.full})
	}
	text, err := json.Marshal(c)
	if err != nil {
		return CellKey{}, false
	}
	return sha256.Sum256(text), true
}

// recordHead is the beginning of a record's line: what names it within its run, and
// is no part of what it says.
func recordHead(id TrialID) []byte {
	name, err := json.Marshal(id)
	if err != nil {
		panic(err) // numbers and words always encode
	}
	return append([]byte(`{"id":`), name...)
}

// reuse returns the record of a trial that some run has simulated before, with its
// line, or nil.
func (r *runner) reuse(id TrialID) (*record, []byte) {
	if r.opt.Cache == nil || r.opt.Sink != nil && id.Set == Test {
		return nil, nil // traces are not kept
	}
	key := r.keys[id.Set][r.plan.unitOf(id)]
	if key == nil {
		return nil, nil
	}
	content := r.opt.Cache.Get(*key, id.Trial)
	if content == nil {
		return nil, nil
	}
	line := append(recordHead(id), content...)
	var rec record
	if err := json.Unmarshal(line, &rec); err != nil || rec.ID != id || !r.fits(&rec) {
		return nil, nil
	}
	return &rec, line
}

// remember keeps a trial that was simulated for other runs.
func (r *runner) remember(id TrialID, line []byte) {
	if r.opt.Cache == nil {
		return
	}
	if key := r.keys[id.Set][r.plan.unitOf(id)]; key != nil {
		if content, ok := bytes.CutPrefix(line, recordHead(id)); ok {
			r.opt.Cache.Put(*key, id.Trial, content)
		}
	}
}

// nameCells makes the keys of all units.
func (r *runner) nameCells() {
	if r.opt.Cache == nil {
		return
	}
	r.keys = make(map[Set][]*CellKey)
	for _, set := range []Set{Training, Test} {
		for i := range r.plan.units {
			var key *CellKey
			if k, ok := r.plan.cellKey(i, set); ok {
				key = &k
			}
			r.keys[set] = append(r.keys[set], key)
		}
	}
}
