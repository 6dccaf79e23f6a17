package tier

import (
	"fmt"
	"math/rand/v2"
)

// privateSlot marks a slot whose peer is the router's own, not a common one.
const privateSlot = -1

// ownMark is the reference count of a peer that no tier may hold.
const ownMark = 1<<16 - 1

// parametric draws tiers of given sizes, overlap and turnover; the package
// comment states the law.
type parametric struct {
	cfg  Config
	pop  *Population
	rng  *rand.Rand
	rate float64 // turnover per ns

	share    float64 // q: probability that a slot is a common one
	expected float64
	asWanted bool

	// One entry a router.
	row     []int32
	fastN   []int
	highN   []int
	boot    []int64
	last    []int64 // time of the last reorganisation
	next    []int64
	debt    []float64 // hazard until the next replacement, exponential
	version []uint64

	// HighCapacityMax entries a router: the fast peers, then the others.
	peers []int32
	// FastMax entries a router: index of the common peer, or privateSlot.
	slots []int16

	common     []int32
	commonLast int64
	commonNext int64
	commonDebt float64
	changes    uint64   // replacements of common peers so far
	seen       []uint64 // changes that each router has taken over

	// refs counts for each id of the network the fast slots and common places
	// that hold it, so that peers are shared only through the common ones.
	refs []uint16

	// crowded: the network has too few routers for tiers that share none but
	// common peers.
	crowded bool

	places [FastMax]int16 // scratch: places of the common peers
}

func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func (p *parametric) reset(cfg *Config, rng *rand.Rand) error {
	k := cfg.Routers
	p.cfg, p.pop, p.rng = *cfg, cfg.Population, rng
	p.rate = cfg.Turnover / float64(hour)
	p.row = grow(p.row, k)
	p.fastN = grow(p.fastN, k)
	p.highN = grow(p.highN, k)
	p.boot = grow(p.boot, k)
	p.last = grow(p.last, k)
	p.next = grow(p.next, k)
	p.debt = grow(p.debt, k)
	p.version = grow(p.version, k)
	p.seen = grow(p.seen, k)
	p.peers = grow(p.peers, k*HighCapacityMax)
	p.slots = grow(p.slots, k*FastMax)
	p.refs = grow(p.refs, p.pop.Len())
	p.changes = 0

	largest, sum, high := 0, 0, 0
	for r := range k {
		p.drawSize(r)
		largest = max(largest, p.fastN[r])
		sum += p.fastN[r]
		high = max(high, p.highN[r])
	}
	// Every draw must find a free peer soon.
	p.crowded = p.pop.Len() < 2*(sum+largest+high+len(cfg.Own))
	if need := 2 * (4*largest + high + len(cfg.Own)); p.pop.Len() < need {
		return fmt.Errorf("tier: %d routers are too few for fast tiers of %d peers, want %d", p.pop.Len(), largest, need)
	}
	for _, id := range cfg.Own {
		if id >= 0 && int(id) < len(p.refs) {
			p.refs[id] = ownMark
		}
	}

	p.share, p.expected, p.asWanted = solveShare(p.fastN, largest, cfg.Overlap)
	p.common = grow(p.common, 0)
	if k > 1 {
		for range largest {
			id := p.draw(nil)
			p.refs[id]++
			p.common = append(p.common, id)
		}
	}
	for r := range k {
		p.fill(r)
	}

	p.commonLast = cfg.Start
	p.commonNext = Never
	if k > 1 {
		p.commonNext = cfg.Start + rng.Int64N(ReorganizeLong)
	}
	p.commonDebt = rng.ExpFloat64()
	for r := range k {
		p.boot[r] = cfg.Start - cfg.Uptime
		p.last[r] = cfg.Start
		p.next[r] = cfg.Start + rng.Int64N(ReorganizeInterval(cfg.Uptime))
		p.debt[r] = rng.ExpFloat64()
	}
	return nil
}

// drawSize draws the router's measured row and takes its sizes.
func (p *parametric) drawSize(r int) {
	size := 0
	switch len(p.cfg.Sizes) {
	case 0:
	case 1:
		size = p.cfg.Sizes[0]
	default:
		size = p.cfg.Sizes[r]
	}
	if size == 0 {
		p.row[r] = int32(p.rng.IntN(len(Swarm)))
		size = Swarm[p.row[r]].Fast
	} else {
		p.row[r] = int32(rowNearest(size, p.rng.Float64()))
	}
	p.fastN[r] = min(size, FastMax)
	p.highN[r] = min(max(Swarm[p.row[r]].HighCapacity, p.fastN[r]), HighCapacityMax)
}

// fill draws a router's tiers anew.
func (p *parametric) fill(r int) {
	all := p.highCapacity(r)
	for i := range all {
		all[i] = -1
	}
	places := p.places[:len(p.common)]
	for i := range places {
		places[i] = int16(i)
	}
	slots := p.slots[r*FastMax : r*FastMax+p.fastN[r]]
	for i := range slots {
		if p.rng.Float64() < p.share {
			// Fisher-Yates, as far as needed: distinct random places.
			j := p.rng.IntN(len(places))
			c := places[j]
			places[j] = places[len(places)-1]
			places = places[:len(places)-1]
			slots[i] = c
			all[i] = p.common[c]
			p.refs[all[i]]++
			continue
		}
		slots[i] = privateSlot
		all[i] = p.draw(all)
		p.refs[all[i]]++
	}
	for i := len(slots); i < len(all); i++ {
		all[i] = p.drawExtra(all)
	}
}

func (p *parametric) fast(r int) []int32 {
	return p.peers[r*HighCapacityMax:][:p.fastN[r]:p.fastN[r]]
}

func (p *parametric) highCapacity(r int) []int32 {
	return p.peers[r*HighCapacityMax:][:p.highN[r]:p.highN[r]]
}

// draw returns a peer that is not a common one nor among the given ones and, unless
// it is too crowded for that, stands in no fast tier.
func (p *parametric) draw(not []int32) int32 {
	if p.crowded {
		return p.search(func(id int32) bool {
			return p.refs[id] != ownMark && !contains(not, id) && !contains(p.common, id)
		})
	}
	return p.search(func(id int32) bool { return p.refs[id] == 0 && !contains(not, id) })
}

// drawExtra returns a peer for a high-capacity tier, which may well stand in
// another router's tiers.
func (p *parametric) drawExtra(not []int32) int32 {
	return p.search(func(id int32) bool { return p.refs[id] != ownMark && !contains(not, id) })
}

// search draws peers until one is free and of the wanted eligibility. The
// eligibility is drawn first, so that its share among members is the
// parameter whatever the share in the network.
func (p *parametric) search(free func(int32) bool) int32 {
	n := int32(p.pop.Len())
	eligible := p.rng.Float64() < p.cfg.IBGWEligible
	for range 4096 {
		id := p.rng.Int32N(n)
		if p.pop.IBGW(id) == eligible && p.pop.inTier(id) && free(id) {
			return id
		}
	}
	// The network hardly has peers of that eligibility: take any. Reset made
	// sure that there is a free one.
	for id := p.rng.Int32N(n); ; id = (id + 1) % n {
		if free(id) {
			return id
		}
	}
}

func contains(ids []int32, id int32) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

func (p *parametric) nextChange() int64 {
	t := Never
	for _, n := range p.next {
		t = min(t, n)
	}
	return t
}

// advance carries out the reorganisations up to now in the order of time, so
// that draws do not depend on the caller's steps.
func (p *parametric) advance(now int64) {
	for {
		first, t := -1, p.commonNext
		for r, n := range p.next {
			if n < t {
				first, t = r, n
			}
		}
		if t > now {
			return
		}
		if first < 0 {
			p.turnCommon(t)
		} else {
			p.reorganize(first, t)
		}
	}
}

// turnOver calls replace for each of n slots with probability 1-exp(-hazard),
// independently. It does not draw a number per slot but keeps the exponential
// distance to the next replacement on the line of all slots' hazards, laid end
// to end.
func turnOver(n int, hazard float64, debt *float64, rng *rand.Rand, replace func(int)) {
	if hazard <= 0 {
		return
	}
	for i := 0; i < n; i++ {
		skip := *debt / hazard
		if skip >= float64(n-i) {
			*debt -= hazard * float64(n-i)
			return
		}
		i += int(skip)
		replace(i)
		*debt = rng.ExpFloat64()
	}
}

func (p *parametric) turnCommon(t int64) {
	hazard := p.rate * float64(t-p.commonLast)
	turnOver(len(p.common), hazard, &p.commonDebt, p.rng, func(i int) {
		id := p.draw(nil)
		p.refs[p.common[i]]--
		p.refs[id]++
		p.common[i] = id
		p.changes++
	})
	p.commonLast = t
	p.commonNext = t + ReorganizeLong
}

func (p *parametric) reorganize(r int, t int64) {
	changed := false
	if p.seen[r] != p.changes {
		p.seen[r] = p.changes
		changed = p.adopt(r)
	}
	all := p.highCapacity(r)
	slots := p.slots[r*FastMax : r*FastMax+p.fastN[r]]
	hazard := p.rate * float64(t-p.last[r])
	turnOver(len(all), hazard, &p.debt[r], p.rng, func(i int) {
		switch {
		case i >= len(slots):
			all[i] = p.drawExtra(all)
		case slots[i] == privateSlot:
			id := p.draw(all)
			p.refs[all[i]]--
			p.refs[id]++
			all[i] = id
		default:
			return // common peers turn over for all routers at once
		}
		changed = true
	})
	p.last[r] = t
	p.next[r] = t + ReorganizeInterval(t-p.boot[r])
	if changed {
		p.version[r]++
	}
}

// adopt takes over the common peers as they are now. Routers do so at their
// own next reorganisation, lest the same minute betray them.
func (p *parametric) adopt(r int) (changed bool) {
	all := p.highCapacity(r)
	slots := p.slots[r*FastMax : r*FastMax+p.fastN[r]]
	for i, c := range slots {
		if c == privateSlot || all[i] == p.common[c] {
			continue
		}
		id := p.common[c]
		if p.crowded {
			p.leave(all[:len(slots)], id, all)
		}
		for j := len(slots); j < len(all); j++ {
			if all[j] == id { // promoted from the router's own high-capacity tier
				all[j] = p.drawExtra(all)
			}
		}
		p.refs[all[i]]--
		p.refs[id]++
		all[i] = id
		changed = true
	}
	return changed
}

// leave replaces a private peer of a tier that has become a common one.
func (p *parametric) leave(fast []int32, id int32, all []int32) {
	for j, x := range fast {
		if x == id {
			p.refs[id]--
			fast[j] = p.draw(all)
			p.refs[fast[j]]++
		}
	}
}

func (p *parametric) restart(r int, now int64) {
	p.boot[r] = now
	p.next[r] = now + ReorganizeInterval(0)
}

// shock replaces fast peers and draws afresh whether their slots are common,
// which keeps the expected overlap as long as there are common peers that the
// router did not have before.
func (p *parametric) shock(r int, share float64) {
	all := p.highCapacity(r)
	slots := p.slots[r*FastMax : r*FastMax+p.fastN[r]]
	var had [FastMax]bool
	for _, c := range slots {
		if c != privateSlot {
			had[c] = true
		}
	}
	for i := range slots {
		if p.rng.Float64() >= share {
			continue
		}
		old := all[i]
		slots[i] = privateSlot
		if p.rng.Float64() < p.share {
			slots[i] = p.freePlace(&had, all)
		}
		if c := slots[i]; c != privateSlot {
			had[c] = true
			all[i] = p.common[c]
		} else {
			all[i] = p.draw(all)
		}
		p.refs[all[i]]++
		p.refs[old]--
	}
	p.version[r]++
}

// freePlace returns a random common place but those given and those whose peer
// stands in the tier already, or privateSlot if there is none.
func (p *parametric) freePlace(not *[FastMax]bool, all []int32) int16 {
	free := 0
	pick := int16(privateSlot)
	for c := range p.common {
		if not[c] || contains(all, p.common[c]) {
			continue
		}
		free++
		if p.rng.IntN(free) == 0 {
			pick = int16(c)
		}
	}
	return pick
}
