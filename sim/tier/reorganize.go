package tier

import "slices"

// Reorganize recomputes the tiers from the profiles, as the router does every
// ReorganizeInterval. Advance calls it when due.
func (p *Profiles) Reorganize(now int64) {
	if now > p.last {
		p.background(now)
	}
	p.churn(now)
	if now-p.boot > decayUptime {
		p.fade()
	}
	p.last = now
	p.place(now)
}

// fade lowers the peaks of one peer in decayOneIn. Instead of a draw a peer,
// it keeps the distance to the next one; that the distance is exponential and
// not geometric changes the rate by less than a hundredth.
func (p *Profiles) fade() {
	for p.decay < float64(p.n) {
		i := int(p.decay)
		for k := range p.cold[i].peaks {
			p.cold[i].peaks[k] *= decayFactor
		}
		p.due[i] = 0
		p.decay += p.rng.ExpFloat64() * decayOneIn
	}
	p.decay -= float64(p.n)
}

// active is the router's own notion, as written: connected, or not used
// within five minutes.
func (p *Profiles) active(i int, now int64) bool {
	return p.state[i]&connected != 0 || p.idle[i] < now-activePeriod
}

// place computes thresholds and tiers.
func (p *Profiles) place(now int64) {
	act := p.actives[:0]
	for i := range p.n {
		if p.due[i] <= now {
			p.evaluate(i, now)
		}
		if p.active(i, now) {
			act = append(act, int16(i))
		}
	}
	p.actives = act
	minCapacity := p.capacityThreshold()

	// The high-capacity peers, and the active ones that the speed threshold
	// averages over, selectable or not.
	order := p.order[:0]
	for i := range p.n {
		if p.cap[i] >= minCapacity {
			order = append(order, int16(i))
		}
	}
	minSpeed := p.speedThreshold(order, now)
	high := order[:0]
	for _, i := range order {
		if p.state[i]&selectable != 0 {
			high = append(high, i)
		}
	}
	if len(high) > HighCapacityMax {
		p.selectTop(high, HighCapacityMax, p.cap[:])
		high = high[:HighCapacityMax]
		slices.Sort(high)
	}
	p.order = order[:0]
	p.setTier(high, &p.highI, &p.high)

	fast := p.order[len(high):len(high)]
	for _, i := range high {
		if p.speed[i] >= minSpeed && p.active(int(i), now) {
			fast = append(fast, i)
		}
	}
	if len(fast) < p.minFast {
		fast = p.promote(fast)
	}
	if len(fast) > FastMax {
		p.selectTop(fast, FastMax, p.speed[:])
		fast = fast[:FastMax]
		slices.Sort(fast)
	}
	p.setTier(fast, &p.fastI, &p.fast)
}

// capacityThreshold is the mean capacity of the active peers if enough peers
// exceed it, else what the router falls back to.
func (p *Profiles) capacityThreshold() float32 {
	var sum float64
	for _, i := range p.actives {
		sum += float64(p.cap[i])
	}
	n := len(p.actives)
	mean := sum / float64(max(1, n))
	above := 0
	for _, i := range p.actives {
		if float64(p.cap[i]) > mean {
			if above++; above == HighCapacityMin {
				break // enough
			}
		}
	}
	t := mean
	if above < HighCapacityMin {
		t = p.fallbackThreshold(mean)
	}
	if t <= growthFactor {
		t = growthFactor + 0.0001
	}
	return float32(t)
}

func (p *Profiles) fallbackThreshold(mean float64) float64 {
	order := append(p.order[:0], p.actives...)
	n := len(order)
	p.selectTop(order, len(order), p.cap[:])
	at := func(i int, none float64) float64 {
		if i >= 0 && i < len(order) {
			return float64(p.cap[order[i]])
		}
		return none
	}
	median, tenth, lowest := at(n/2, 0), at(HighCapacityMin-1, 0), at(n-1, growthFactor)
	switch {
	case mean > median && n/2 > HighCapacityMin:
		return tenth
	case n/2 >= HighCapacityMin:
		return median
	}
	return max(tenth, lowest)
}

// speedThreshold is the mean speed of the at most HighCapacityMax active peers
// of highest capacity.
func (p *Profiles) speedThreshold(high []int16, now int64) float32 {
	act := high[len(high):]
	for _, i := range high {
		if p.active(int(i), now) {
			act = append(act, i)
		}
	}
	if len(act) > HighCapacityMax {
		p.selectTop(act, HighCapacityMax, p.cap[:])
		act = act[:HighCapacityMax]
	}
	if len(act) == 0 {
		return 0
	}
	var sum float64
	for _, i := range act {
		sum += float64(p.speed[i])
	}
	return float32(sum / float64(len(act)))
}

// promote fills the fast tier up to its floor with selectable active peers, in
// the order of capacity, fast or not.
func (p *Profiles) promote(fast []int16) []int16 {
	for _, i := range fast {
		p.state[i] |= promoted
	}
	rest := fast[len(fast):]
	for _, i := range p.actives {
		if p.state[i]&(selectable|promoted) == selectable {
			rest = append(rest, i)
		}
	}
	for _, i := range fast {
		p.state[i] &^= promoted
	}
	k := min(p.minFast-len(fast), len(rest))
	p.selectTop(rest, k, p.cap[:])
	fast = append(fast, rest[:k]...)
	slices.Sort(fast)
	return fast
}

// setTier makes the given profiles, in ascending order, a tier.
func (p *Profiles) setTier(now []int16, profiles *[]int16, peers *[]int32) {
	same := len(now) == len(*peers)
	for k, i := range now {
		same = same && (*peers)[k] == p.peer[i]
	}
	*profiles = append((*profiles)[:0], now...)
	if same {
		return
	}
	*peers = (*peers)[:0]
	for _, i := range now {
		*peers = append(*peers, p.peer[i])
	}
	p.version++
}

// selectTop orders ids so that the k with the largest keys come first: in any
// order if there are more than k, else sorted. Ties go to the lower index, so
// that the result is the same on every machine.
func (p *Profiles) selectTop(ids []int16, k int, keys []float32) {
	before := func(a, b int16) bool {
		if keys[a] != keys[b] {
			return keys[a] > keys[b]
		}
		return a < b
	}
	if k >= len(ids) {
		slices.SortFunc(ids, func(a, b int16) int {
			if before(a, b) {
				return -1
			}
			return 1
		})
		return
	}
	lo, hi := 0, len(ids)
	for hi-lo > 1 {
		pivot := ids[lo+(hi-lo)/2]
		i, j := lo, hi-1
		for i <= j {
			for before(ids[i], pivot) {
				i++
			}
			for before(pivot, ids[j]) {
				j--
			}
			if i <= j {
				ids[i], ids[j] = ids[j], ids[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j + 1
		case k >= i:
			lo = i
		default:
			return
		}
	}
}
