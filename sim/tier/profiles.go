package tier

import (
	"math"
	"math/rand/v2"
	"slices"
)

// profileRoom bounds the arrays: ProfilesMax plus room for peers that only the
// caller uses, such as those of other routers' tiers.
const profileRoom = ProfilesMax + 168

// Profiles are the peer profiles of one Java router, and the tiers that
// follow from them. They live in arrays over at most 768 peers: up to
// ProfilesMax that the model draws, the rest such as the caller reports. The
// zero value is ready for Reset.
type Profiles struct {
	pop *Population
	cfg ProfileConfig
	pcg rand.PCG
	rng *rand.Rand
	own []int32

	row     int
	core    int // number of stable peers; they come first in the arrays
	n       int // number of profiles
	boot    int64
	last    int64 // time of the last reorganisation
	next    int64
	builds  float64 // background builds owed
	decay   float64 // peers until the next decay, geometric
	minFast int
	version uint64

	// Hot fields, one entry a profile.
	peer  [profileRoom]int32
	state [profileRoom]state
	due   [profileRoom]int64 // capacity is to be recomputed at this time
	flip  [profileRoom]int64 // connection changes, or the profile ends
	idle  [profileRoom]int64 // when last heard from or sent to, the earlier
	cap   [profileRoom]float32
	speed [profileRoom]float32
	cold  [profileRoom]profile

	fast, high   []int32 // peers
	fastI, highI []int16 // their profiles
	order        []int16 // scratch of place
	actives      []int16 // active profiles, as of the last placing
	index        idIndex

	noise      [4096]float32 // factors of a minute's throughput, equally likely
	noiseSigma float64       // that the factors were made for
}

type state uint8

const (
	connected  state = 1 << iota
	selectable       // may be chosen for tunnels
	stable           // in the core, and its session has not ended
	promoted         // scratch of promote
)

// profile holds what is only looked at when something happens.
type profile struct {
	base       float32 // capacity adders that do not change
	accept     float32 // see truth
	trueSpeed  float32 // bytes per minute; see truth
	peaks      [peaksKept]float32
	firstHeard int64
	lastSend   int64
	lastHeard  int64
	lastFail   int64 // last failed send
	sessionEnd int64 // stable peers: when they leave the network
	window     [len(ratePeriods)]window
}

// long ago: before anything that a profile remembers.
const longAgo = -1 << 60

// Reset draws the profiles of a router of the size class of the given row of
// Swarm, as they stand at cfg.Start after cfg.Uptime. The two words seed the
// router's own random numbers. Of cfg it uses Population, Own, Start, Uptime
// and Profiles.
func (p *Profiles) Reset(cfg *Config, row int, seed1, seed2 uint64) {
	p.pop, p.cfg, p.own, p.row = cfg.Population, cfg.Profiles, cfg.Own, row
	p.pcg.Seed(seed1, seed2)
	if p.rng == nil {
		p.rng = rand.New(&p.pcg)
	}
	if p.noise[0] == 0 || p.noiseSigma != p.cfg.SampleSigma {
		p.noiseSigma = p.cfg.SampleSigma
		for i := range p.noise {
			p.noise[i] = float32(math.Exp(p.noiseSigma * noiseTable[i]))
		}
	}
	p.minFast = MinFast(p.cfg.Clients)
	p.version = 0
	p.fast, p.high = p.fast[:0], p.high[:0]
	p.fastI, p.highI = p.fastI[:0], p.highI[:0]
	p.index.reset()
	p.order = slices.Grow(p.order[:0], 3*profileRoom)
	p.actives = slices.Grow(p.actives[:0], profileRoom)

	class := Swarm[row]
	p.n = min(class.Known, ProfilesMax, p.pop.Len()/2)
	p.core = min(int(math.Ceil(p.cfg.CorePerHighCapacity*float64(class.HighCapacity))), p.n)
	p.builds, p.decay = 0, p.rng.ExpFloat64()*decayOneIn

	start := cfg.Start - p.cfg.Settle
	p.boot = cfg.Start - cfg.Uptime
	p.last = start
	for i := range p.n {
		if i < p.core {
			p.initCore(i, start)
		} else {
			p.initOuter(i, start)
		}
	}
	// Settle as a router of full uptime, then take its real age.
	boot := p.boot
	p.boot = start - 3*day
	p.next = start
	p.Advance(cfg.Start - 1)
	p.Reorganize(cfg.Start)
	p.boot = boot
	p.next = cfg.Start + p.rng.Int64N(ReorganizeInterval(cfg.Uptime))
	p.version = 1
}

// pick draws a peer that has no profile yet.
func (p *Profiles) pick(core bool) int32 {
	n := int32(p.pop.Len())
	for range 4096 {
		id := p.rng.Int32N(n)
		if core && !p.pop.inCore(id) {
			continue
		}
		if !p.index.has(id) && !contains(p.own, id) {
			return id
		}
	}
	// Hardly any such peer is left: take any without a profile.
	for id := p.rng.Int32N(n); ; id = (id + 1) % n {
		if !p.index.has(id) && !contains(p.own, id) {
			return id
		}
	}
}

// install puts a new profile of a peer into slot i.
func (p *Profiles) install(i int, id int32, now int64) *profile {
	p.peer[i] = id
	p.index.put(id, int16(i))
	p.state[i] = 0
	p.due[i] = 0
	p.idle[i] = now
	p.cap[i], p.speed[i] = 0, 0
	c := &p.cold[i]
	*c = profile{
		base:       p.baseCapacity(id),
		firstHeard: now, lastSend: now, lastHeard: now, lastFail: longAgo,
		sessionEnd: Never,
	}
	for w := range c.window {
		c.window[w].start = now
	}
	return c
}

// truth returns what the peer of profile i is really like. It is worked out
// on first use: most profiles never see a tunnel.
func (p *Profiles) truth(i int) *profile {
	c := &p.cold[i]
	if c.trueSpeed == 0 {
		c.accept = float32(p.pop.TrueAcceptance(p.peer[i], &p.cfg))
		c.trueSpeed = float32(p.pop.TrueSpeed(p.peer[i], &p.cfg))
	}
	return c
}

// baseCapacity sums the adders that depend on the peer alone.
func (p *Profiles) baseCapacity(id int32) float32 {
	b := 0.0
	if !p.pop.Floodfill(id) {
		b += bonusNotFloodfill
	}
	if !p.pop.Reachable(id) {
		b -= penaltyNoR + penaltyU
	}
	if p.pop.Class(id) == 'L' {
		b -= penaltyL
	}
	// Nearness to us in the first byte of the hash. Our own hash may be taken
	// as zero: the peers' are uniform.
	d := float64(p.pop.HashWords(id)[0]>>56) - 127
	return float32(b - d*bonusXOR/128)
}

func (p *Profiles) exponential(mean int64) int64 {
	return int64(p.rng.ExpFloat64() * float64(mean))
}

// session draws the whole length of a stable peer's session, in ns; biased
// draws it as an observer at a random time meets it, longer ones more often.
func (p *Profiles) session(biased bool) int64 {
	s := p.cfg.SessionSigma
	x := s * p.rng.NormFloat64()
	if biased {
		x += s * s
	}
	return int64(min(float64(p.cfg.SessionMedian)*math.Exp(x), float64(3650*day)))
}

// initCore draws a stable peer as met by a router that has been up for days:
// a random point of its session, and peaks as from the hours it has been used.
func (p *Profiles) initCore(i int, now int64) {
	c := p.install(i, p.pick(true), now)
	whole := p.session(true)
	age := int64(p.rng.Float64() * float64(whole))
	c.firstHeard = now - age
	c.sessionEnd = now + whole - age
	p.state[i] = selectable | stable
	p.initUse(p.truth(i), age)
	p.speed[i] = c.meanPeak()
	up := p.rng.Float64()*float64(p.cfg.ConnectedMean+p.cfg.DisconnectedMean) < float64(p.cfg.ConnectedMean)
	if up {
		p.connect(i, now)
	} else {
		p.disconnect(i, now)
	}
}

// fastQuantile is the standard normal value above which initUse takes a peer's
// speed to have kept it in the fast tier. Calibrated: with it the tiers' mean
// size moves least after the start.
const fastQuantile = 0.3

// initUse draws the best minutes of a peer that has been used for the given
// time, each lowered by what its age has cost it, and counts its tunnels of
// the last day. A peer above
// fastQuantile is taken to have been in the fast tier.
func (p *Profiles) initUse(c *profile, age int64) {
	const forgotten = 72 // hours after which a peak is an eighth
	hours := min(float64(age)/float64(hour), forgotten)
	// Everything here is a logarithm, relative to the median speed.
	speed := math.Log(float64(c.trueSpeed) / p.cfg.SpeedMedian)
	decay := math.Log(decayFactor)
	none := float32(math.Inf(-1))
	best := profile{peaks: [peaksKept]float32{none, none, none}}
	draw := func(perHour, atLeast float64) {
		for range min(int(perHour*hours), 256) {
			x := speed
			for range 2 {
				z := noise(p.rng)
				for z < atLeast {
					z = noise(p.rng)
				}
				x = min(x, p.cfg.SpeedSigma*z)
			}
			x += p.cfg.SampleSigma*noise(p.rng) + decay*math.Floor(hours*p.rng.Float64()*4/24+p.rng.Float64())
			best.credit(float32(x))
		}
	}
	requests := 3 * p.cfg.BuildsPerPeer // an hour
	shared, own := requests*(1-p.cfg.ClientShare), 0.0
	if speed > fastQuantile*p.cfg.SpeedSigma {
		own = 3 * requests * p.cfg.ClientShare
	}
	accept := p.cfg.AcceptMean
	busy := accept * accept * accept * float64(p.cfg.SamplesPerTunnel)
	draw(shared*busy, math.Inf(-1))
	draw(own*busy, fastQuantile)
	for k, x := range best.peaks {
		c.peaks[k] = float32(p.cfg.SpeedMedian * math.Exp(float64(x)))
	}

	// The window of a day, at a random phase; Settle fills the shorter ones.
	w := &c.window[2]
	phase := p.rng.Int64N(day)
	w.start -= phase
	w.live = true
	now, before := min(age, phase), min(max(age-phase, 0), day)
	for what, share := range [3]float64{
		accepts: float64(c.accept),
		rejects: 1 - float64(c.accept),
		fails:   busy / float64(max(1, p.cfg.SamplesPerTunnel)) * p.cfg.FailShare / 3,
	} {
		perHour := (shared + own) * share
		w.cur[what] = float32(perHour * float64(now) / float64(hour))
		w.last[what] = float32(perHour * float64(before) / float64(hour))
	}
}

// initOuter draws one of the other peers at a random point of its short life.
func (p *Profiles) initOuter(i int, now int64) {
	age := int64(p.rng.Float64() * float64(expireTime))
	p.meet(i, now-age)
	if age > p.cfg.OuterContact {
		p.leaveOuter(i, now-age+p.cfg.OuterContact)
	}
}

// meet installs a peer of passing acquaintance, connected.
func (p *Profiles) meet(i int, now int64) {
	id := p.pick(false)
	p.install(i, id, now)
	if p.rng.Float64() < p.cfg.OuterUsable && p.pop.inTier(id) {
		p.state[i] |= selectable
	}
	p.state[i] |= connected
	p.flip[i] = now + p.cfg.OuterContact
}

// leaveOuter ends the contact. Peers that are no use for tunnels are those
// that the last message could not be sent to.
func (p *Profiles) leaveOuter(i int, now int64) {
	p.lose(i, now)
	if p.state[i]&selectable == 0 {
		p.cold[i].lastFail = now + 1
	}
	p.flip[i] = now + expireTime
}

// lose drops the connection.
func (p *Profiles) lose(i int, now int64) {
	p.state[i] &^= connected
	c := &p.cold[i]
	c.lastSend, c.lastHeard = now, now
	p.idle[i] = now
	p.due[i] = 0
}

func (p *Profiles) connect(i int, now int64) {
	p.state[i] |= connected
	p.due[i] = 0
	p.flip[i] = min(now+1+p.exponential(p.cfg.ConnectedMean), p.cold[i].sessionEnd)
}

func (p *Profiles) disconnect(i int, now int64) {
	p.lose(i, now)
	p.flip[i] = min(now+1+p.exponential(p.cfg.DisconnectedMean), p.cold[i].sessionEnd)
}

// churn carries out the changes of connections that are due.
func (p *Profiles) churn(now int64) {
	for i := range p.n {
		for p.flip[i] <= now {
			t := p.flip[i]
			switch {
			case p.state[i]&stable == 0 && p.state[i]&connected != 0:
				p.leaveOuter(i, t)
			case p.state[i]&stable == 0:
				p.index.remove(p.peer[i])
				p.meet(i, t)
			case t >= p.cold[i].sessionEnd:
				p.leave(i, t)
			case p.state[i]&connected != 0:
				p.disconnect(i, t)
			default:
				p.connect(i, t)
			}
		}
	}
}

// leave ends a stable peer's session: the profile joins the others, a message
// to it soon fails, and a new stable peer takes its place in the core.
func (p *Profiles) leave(i int, now int64) {
	p.lose(i, now)
	p.cold[i].lastFail = now + minute
	p.state[i] &^= stable
	p.flip[i] = now + expireTime
	if j := p.oldestOuter(); j >= 0 {
		p.index.remove(p.peer[j])
		p.copyProfile(j, i)
	} else {
		p.index.remove(p.peer[i])
	}
	c := p.install(i, p.pick(true), now)
	p.state[i] = selectable | stable
	c.sessionEnd = now + p.session(false)
	p.connect(i, now)
}

// oldestOuter returns the profile outside the core that was idle longest, or -1.
func (p *Profiles) oldestOuter() int {
	best := -1
	for j := p.core; j < p.n; j++ {
		if best < 0 || p.idle[j] < p.idle[best] {
			best = j
		}
	}
	return best
}

func (p *Profiles) copyProfile(to, from int) {
	p.peer[to], p.state[to], p.due[to] = p.peer[from], p.state[from], p.due[from]
	p.flip[to], p.idle[to] = p.flip[from], p.idle[from]
	p.cap[to], p.speed[to] = p.cap[from], p.speed[from]
	p.cold[to] = p.cold[from]
	p.index.put(p.peer[to], int16(to))
}

// ensure returns the profile of a peer, making one as routers do when a peer
// they have none of answers a build.
func (p *Profiles) ensure(id int32, now int64) int {
	if i, ok := p.index.get(id); ok {
		return i
	}
	if contains(p.own, id) {
		return -1
	}
	i := p.n
	if p.n < profileRoom {
		p.n++
	} else {
		i = p.oldestOuter()
		p.index.remove(p.peer[i])
	}
	p.install(i, id, now)
	// The caller reaches it, so it lives like a stable peer, though nobody
	// takes its place when it is gone.
	p.state[i] = selectable | connected
	p.flip[i] = now + p.session(false)
	return i
}

// Credit notes that a tunnel carried bytesPerMinute through the peer.
func (p *Profiles) Credit(peer int32, bytesPerMinute, now int64) {
	if i, ok := p.index.get(peer); ok && p.cold[i].credit(float32(bytesPerMinute)) {
		p.due[i] = 0
	}
}

// Accepted notes that the peer agreed to join a tunnel.
func (p *Profiles) Accepted(peer int32, now int64) {
	if i := p.ensure(peer, now); i >= 0 {
		p.accepted(i, now)
	}
}

func (p *Profiles) accepted(i int, now int64) {
	c := &p.cold[i]
	c.lastHeard = now
	p.idle[i] = min(c.lastSend, now)
	c.count(accepts, 1, now)
	p.due[i] = 0
}

// Rejected notes that the peer refused to join a tunnel or did not answer.
func (p *Profiles) Rejected(peer int32, now int64) {
	if i := p.ensure(peer, now); i >= 0 {
		p.rejected(i, now)
	}
}

func (p *Profiles) rejected(i int, now int64) {
	p.cold[i].count(rejects, 1, now)
	p.due[i] = 0
}

// Failed notes that a tunnel with the peer failed, the peer's blame in percent.
func (p *Profiles) Failed(peer int32, percent int, now int64) {
	if i := p.ensure(peer, now); i >= 0 {
		p.failed(i, percent, now)
	}
}

func (p *Profiles) failed(i int, percent int, now int64) {
	p.cold[i].count(fails, float32(percent)/100, now)
	p.due[i] = 0
}

// Connected notes that the connection to the peer came up or went down. The
// model's own churn of connections goes on.
func (p *Profiles) Connected(peer int32, up bool, now int64) {
	i := p.ensure(peer, now)
	switch {
	case i < 0 || (p.state[i]&connected != 0) == up:
	case up && p.state[i]&stable != 0:
		p.connect(i, now)
	case up:
		p.state[i] |= connected
		p.due[i] = 0
		p.flip[i] = now + p.session(false)
	case p.state[i]&stable != 0:
		p.disconnect(i, now)
	default:
		p.leaveOuter(i, now)
	}
}

// Restart drops every connection and starts the uptime anew.
func (p *Profiles) Restart(now int64) {
	p.boot = now
	p.next = now + ReorganizeInterval(0)
	for i := range p.n {
		if p.state[i]&connected == 0 {
			continue
		}
		if p.state[i]&stable != 0 {
			p.lose(i, now)
			// Tunnels are built again at once, and bring connections.
			p.flip[i] = min(now+1+p.exponential(ReorganizeMedium), p.cold[i].sessionEnd)
		} else {
			p.leaveOuter(i, now)
		}
	}
}

// Shock takes the connection and all credit from a share of the fast peers and
// reorganises.
func (p *Profiles) Shock(share float64, now int64) {
	for _, i := range p.fastI {
		if p.rng.Float64() >= share {
			continue
		}
		c := &p.cold[i]
		c.peaks = [peaksKept]float32{}
		if p.state[i]&connected == 0 {
			p.due[i] = 0
		} else if p.state[i]&stable != 0 {
			p.disconnect(int(i), now)
		} else {
			p.leaveOuter(int(i), now)
		}
	}
	p.place(now)
}

// FastTier returns the fast tier; see Set.Fast.
func (p *Profiles) FastTier() []int32 { return p.fast }

// HighCapacity returns the high-capacity tier; see Set.HighCapacity.
func (p *Profiles) HighCapacity() []int32 { return p.high }

// Version rises whenever a tier changes.
func (p *Profiles) Version() uint64 { return p.version }

// Row returns the index in Swarm of the row that gave the size class.
func (p *Profiles) Row() int { return p.row }

// Known returns the number of profiles.
func (p *Profiles) Known() int { return p.n }

// NextReorganize returns when the next reorganisation is due, in ns.
func (p *Profiles) NextReorganize() int64 { return p.next }

// Advance reorganises as often as due up to now.
func (p *Profiles) Advance(now int64) {
	for p.next <= now {
		t := p.next
		p.Reorganize(t)
		p.next = t + ReorganizeInterval(t-p.boot)
	}
}

// Capacity and Speed of a known peer, as of the last reorganisation: tunnels
// per hour, and bytes per minute. Unknown peers have none.
func (p *Profiles) Capacity(peer int32) (capacity, speed float64) {
	if i, ok := p.index.get(peer); ok {
		return float64(p.cap[i]), float64(p.speed[i])
	}
	return 0, 0
}

// Accepts draws whether the peer accepts a tunnel now, for callers that let
// the model decide.
func (p *Profiles) Accepts(peer int32) bool {
	if i, ok := p.index.get(peer); ok {
		return p.rng.Float64() < float64(p.truth(i).accept)
	}
	return p.rng.Float64() < float64(float32(p.pop.TrueAcceptance(peer, &p.cfg)))
}

// minuteNoise draws one minute's departure from the true throughput, a factor.
func (p *Profiles) minuteNoise() float64 { return float64(p.noise[p.rng.Uint64()>>52]) }

// Sample draws what a busy minute of a tunnel through the peers carries, in
// bytes: what the slowest of them lets through, times that minute's noise.
func (p *Profiles) Sample(peers []int32) int64 {
	x := math.Inf(1)
	for _, id := range peers {
		if i, ok := p.index.get(id); ok {
			x = min(x, float64(p.truth(i).trueSpeed))
		} else {
			x = min(x, float64(float32(p.pop.TrueSpeed(id, &p.cfg))))
		}
	}
	if math.IsInf(x, 1) {
		return 0
	}
	return int64(x * p.minuteNoise())
}

// credit reports whether x is among the best throughputs.
func (c *profile) credit(x float32) bool {
	switch {
	case x <= c.peaks[2]:
		return false
	case x <= c.peaks[1]:
		c.peaks[2] = x
	case x <= c.peaks[0]:
		c.peaks[1], c.peaks[2] = x, c.peaks[1]
	default:
		c.peaks = [peaksKept]float32{x, c.peaks[0], c.peaks[1]}
	}
	return true
}

func (c *profile) meanPeak() float32 {
	return (c.peaks[0] + c.peaks[1] + c.peaks[2]) / peaksKept
}

// background plays the router's other tunnels since the last reorganisation.
func (p *Profiles) background(now int64) {
	if p.core < 3 {
		return
	}
	span := now - p.last
	p.builds += p.cfg.BuildsPerPeer * float64(p.core) * float64(span) / float64(hour)
	for ; p.builds >= 1; p.builds-- {
		t := p.last + p.rng.Int64N(span)
		p.build(t)
	}
}

func (p *Profiles) build(t int64) {
	var hops [3]int
	client := len(p.fastI) >= 3 && p.rng.Float64() < p.cfg.ClientShare
	for h := range hops {
	again:
		if client {
			hops[h] = int(p.fastI[p.rng.IntN(len(p.fastI))])
		} else {
			hops[h] = p.rng.IntN(p.core)
		}
		if slices.Contains(hops[:h], hops[h]) {
			goto again
		}
	}
	agreed := true
	slowest := math.Inf(1)
	for _, i := range hops {
		c := p.truth(i)
		// A peer that has left, or that no connection reaches, stays silent.
		if p.state[i]&(stable|connected) != 0 && p.rng.Float64() < float64(c.accept) {
			p.accepted(i, t)
		} else {
			p.rejected(i, t)
			agreed = false
		}
		slowest = min(slowest, float64(c.trueSpeed))
	}
	if !agreed {
		return
	}
	for range p.cfg.SamplesPerTunnel {
		x := float32(slowest * p.minuteNoise())
		for _, i := range hops {
			if p.cold[i].credit(x) {
				p.due[i] = 0
			}
		}
	}
	if p.cfg.FailShare > 0 && p.rng.Float64() < p.cfg.FailShare {
		for _, i := range hops {
			p.failed(i, 100/len(hops), t)
		}
	}
}
