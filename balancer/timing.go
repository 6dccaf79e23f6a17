package balancer

// When a Java router replaces tunnels (TunnelPool.countHowManyToBuild).
//
// The adaptive rule starts a replacement when the time to a tunnel's early
// expiry falls below the building-seconds spent per tunnel and lifetime, plus
// a minute. The spending is the mean, over the last complete period of 600 s,
// of (builds wanted + builds in progress) as sampled at every pass of the
// build loop. Without a complete period, or when more than a third of the time goes into
// building, the older fixed rule holds.
const (
	ratePeriod    = 600 * Second
	replaceMargin = 60 * Second
	panicFactor   = 4 // builds for each tunnel that is missing altogether
)

// Edges of the fixed rule's classes of time to expiry, and how many builds it
// wants for each tunnel in the class below the edge (TunnelPool).
var fixedEdges = [...]struct {
	below  Time
	builds int32
}{
	{30 * Second, 6},
	{90 * Second, 4},
	{150 * Second, 2},
	{210 * Second, 1},
	{270 * Second, 0}, // one build in all, by the toss of a coin
}

// timing is the clockwork of one pool. Every pass of the build loop is one
// sample; passes that would find nothing to do are not run, and their samples
// are entered as the time that they would have taken.
type timing struct {
	start     Time
	skew      Time // 0..90 s, added in the fixed rule only
	ahead     Time // what asking takes, by which it is asked for sooner; 0 if that is a router's own affair
	periodEnd Time
	idleFrom  Time  // since when no pass was run; Never while they are
	value     int32 // what the passes that are not run would see
	sum       int64 // of value × time over the period's samples, ns
	weight    int64 // the time of the period's samples, ns
	mean      int64 // of the samples of the last complete period × tunnelLifetime, ms
	leadOf    int32 // the target that leadTime was divided by
	leadTime  Time
}

// loopMean is the mean time between two passes, the weight of a sample.
const loopMean = loopWaitMin + loopWaitSpan/2

func (t *timing) begin(now, skew Time) {
	*t = timing{start: now, skew: skew, periodEnd: now + ratePeriod, idleFrom: Never}
}

// account enters the passes that were not run up to now and closes the periods
// that have passed.
func (t *timing) account(now Time) {
	for t.periodEnd <= now {
		t.idle(t.periodEnd)
		t.mean, t.leadOf = 0, 0
		if t.weight > 0 {
			// The sum is at most some 30 × 600 s in ns: in milliseconds the
			// product stays in range.
			t.mean = t.sum * int64(tunnelLifetime/Millisecond) / t.weight
		}
		t.sum, t.weight = 0, 0
		t.periodEnd += ratePeriod
	}
	t.idle(now)
}

func (t *timing) idle(now Time) {
	if t.idleFrom >= now {
		return
	}
	t.sum += int64(t.value) * int64(now-t.idleFrom)
	t.weight += int64(now - t.idleFrom)
	t.idleFrom = now
}

// sample records what a pass of the build loop saw.
func (t *timing) sample(p *pool, wanted int32) {
	value := wanted + p.inProgress
	if !t.adaptive(p.target()) {
		value = min(1, value)
	}
	t.sum += int64(value) * int64(loopMean)
	t.weight += int64(loopMean)
	t.idleFrom = Never
}

// deduct takes back what one build in progress has added in the given span.
func (t *timing) deduct(now, span Time) {
	t.account(now)
	t.sum = max(0, t.sum-int64(span))
}

// rest says that the passes to come are not run until something changes; each
// would find nothing wanted, and what is in progress.
func (t *timing) rest(now Time, p *pool) {
	t.idleFrom = now + loopMean
	t.value = p.inProgress
	if !t.adaptive(p.target()) {
		t.value = min(1, t.value)
	}
}

// resting tells whether passes are left out now.
func (t *timing) resting() bool { return t.idleFrom != Never }

// lead is the adaptive rule's building time per tunnel in whole milliseconds,
// 0 where it is unknown.
func (t *timing) lead(wanted int32) Time {
	if wanted <= 0 {
		return 0
	}
	if t.leadOf != wanted {
		t.leadOf, t.leadTime = wanted, Time(t.mean/int64(wanted))*Millisecond
	}
	return t.leadTime
}

func (t *timing) adaptive(wanted int32) bool {
	lead := t.lead(wanted)
	return lead > 0 && lead < tunnelLifetime/3
}

// howMany is how many builds to start now.
func (t *timing) howMany(b *Balancer, p *pool) int32 {
	t.account(b.now)
	if p.wanted == 0 {
		return 0
	}
	if t.adaptive(p.target()) {
		return t.adaptiveCount(b, p)
	}
	n, _ := t.fixedCount(b, p, b.rng.IntN(2) == 1)
	return n
}

func (t *timing) adaptiveCount(b *Balancer, p *pool) int32 {
	lead := t.lead(p.target()) + replaceMargin
	soon := int32(0)
	latest := Time(0)
	for _, early := range p.expiries {
		left := early - b.now - t.ahead
		if left >= lead {
			break
		}
		soon++
		latest = left
	}
	missing := p.target() - (int32(len(p.expiries)) - soon) - p.inProgress
	if missing <= 0 {
		return 0
	}
	n := int32(0)
	if missing > soon {
		n = panicFactor * (missing - soon)
		missing = soon
	}
	// The code compares each of them with the latest one only, so that all
	// count as late or none.
	each := int32(1)
	if latest <= lead/2 {
		each = 2
	}
	return n + each*missing
}

// fixedCount is the older rule: from 210 s (270 s by the toss of a coin)
// before expiry on, with more builds the later it is. most is what the other
// side of the coin could have given.
func (t *timing) fixedCount(b *Balancer, p *pool, coin bool) (n, most int32) {
	var class [len(fixedEdges)]int32
	var later int32
	for _, early := range p.expiries {
		left := early - b.now - t.skew - t.ahead
		if left <= 0 {
			continue
		}
		k := 0
		for k < len(fixedEdges) && left > fixedEdges[k].below {
			k++
		}
		if k == len(fixedEdges) {
			later++
		} else {
			class[k]++
		}
	}
	// Tunnels with more time left fill the quota first; the classes reached
	// in doing so are rebuilt.
	missing := p.target() - later
	for k := len(fixedEdges) - 1; k >= 0 && missing > 0; k-- {
		missing -= min(missing, class[k])
		n += fixedEdges[k].builds * class[k]
	}
	n += 6 * max(0, missing)
	flip := min(1, class[len(fixedEdges)-1])
	limit := func(n int32) int32 {
		n -= p.inProgress + later
		n = min(n, 4*p.target()-p.inProgress-later)
		if b.now-t.start < lifetimeSettling {
			n = min(n, p.target()-p.inProgress)
		}
		return max(0, n)
	}
	most = limit(n + flip)
	if coin {
		n += flip
	}
	return limit(n), most
}

// nextLook is the earliest time at which howMany can become positive without
// an event, Never if only an event can change it. It is called when howMany
// is 0.
func (t *timing) nextLook(b *Balancer, p *pool) Time {
	if p.wanted == 0 {
		return Never
	}
	if !t.adaptive(p.target()) {
		return t.nextFixed(b, p)
	}
	need := p.target() - p.inProgress
	if need <= 0 {
		return t.periodEnd
	}
	lead := t.lead(p.target()) + replaceMargin
	// The need-th latest expiry decides when too few tunnels are late enough.
	at := b.now
	if i := len(p.expiries) - int(need); i >= 0 {
		at = max(at, p.expiries[i]-lead-t.ahead)
	}
	return min(t.periodEnd, at)
}

func (t *timing) nextFixed(b *Balancer, p *pool) Time {
	if _, most := t.fixedCount(b, p, true); most > 0 {
		return b.now // the coin may fall differently at the next pass
	}
	next := t.periodEnd
	if settled := t.start + lifetimeSettling; b.now < settled {
		next = min(next, settled)
	}
	for _, early := range p.expiries {
		left := early - b.now - t.skew - t.ahead
		for k := len(fixedEdges) - 1; k >= 0; k-- {
			if left > fixedEdges[k].below {
				next = min(next, b.now+left-fixedEdges[k].below)
				break
			}
		}
		if left > 0 {
			next = min(next, b.now+left)
		}
	}
	return next
}
