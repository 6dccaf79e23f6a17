package balancer

// routerState is how far the core has come with a router.
type routerState uint8

const (
	routerDown    routerState = iota // cannot be reached
	routerOpening                    // its session is asked for, or waits for a retry
	routerServing                    // it has a session
	routerFrozen                     // it has one, but misses its heartbeats
)

// joinGrace is how long after the start a router that has not been up yet is
// counted on, so that the first router to come up does not build the leases
// of all the others. Our choice; docs/model.md.
const joinGrace = 60 * Second

// sessionPatience is how long an asked session is waited for before it is asked
// for again; our choice, well above what opening one takes (1 to 3 s).
const sessionPatience = 30 * Second

// router is what the core knows of one of the operator's routers.
type router struct {
	id      RouterID
	cfg     RouterConfig
	state   routerState
	kind    RouterKind
	caps    Capabilities
	drained bool
	removed bool
	standby bool // beyond the MaxLeases-th: a session, but no tunnels
	everUp  bool
	ghost   bool // lost, but its pools live on (Failover.Masked)
	upSince Time
	thawed  Time // when it last came out of a silence
	offset  Time // its wall clock minus the core's time line
	weight  int32
	quota   int32

	peers     []int32 // slots of the peer table, the fast tier first
	fast      int32
	version   uint64 // the driver's version of the list
	peersSeen uint64 // our own count of changes, for policies' caches
	listed    bool   // it has given a list since it is up
	others    int32  // its tunnels outside this session

	owesSet   bool       // it is owed the newest LeaseSet, to bundle
	owesReply bool       // the same, as the answer to its lease request
	newest    TunnelID   // the last inbound tunnel that it has told of since it is up
	given     int64      // `published` of its last own bundle, seconds
	bundleDue Time       // when its own bundle must be renewed
	own       []TunnelID // of its own bundle

	noted uint64 // changes of the shared experience that it knows: see experience

	clients int32    // that it carries
	asked   [2]int32 // how many tunnels a stock router was asked to keep

	pools [2]pool
	// hops counts the hops of all tunnels of the pools by the low bits of the
	// peer's number: 0 says that no tunnel runs through a peer.
	hops [256]int16

	sessionDue Time
	peersDue   Time
	resyncDue  Time
	loopAt     Time // next pass of the build loop
	fillDue    Time // i2pd: next look at missing tunnels
	renewDue   Time // i2pd: next look at tunnels to renew
	filled     Time // i2pd: the last look at missing tunnels
	pace       pacer
}

func (r *router) reset(id RouterID, cfg RouterConfig) {
	r.id, r.cfg = id, cfg
	r.state, r.kind, r.caps = routerDown, cfg.Kind, 0
	r.drained, r.removed, r.standby, r.everUp, r.ghost = false, false, false, false, false
	r.upSince, r.thawed, r.offset = 0, -thawGrace, 0
	r.weight, r.quota = cfg.Weight, 0
	r.peers = r.peers[:0]
	r.fast, r.version, r.peersSeen, r.others = 0, 0, 0, 0
	r.listed, r.owesSet, r.owesReply = false, false, false
	r.filled = -1
	r.pace.reset()
	r.given, r.clients, r.own = 0, 0, r.own[:0]
	r.noted, r.newest = 0, None
	for d := range r.pools {
		r.pools[d].reset(PoolID(id), Direction(d))
	}
	clear(r.hops[:])
	r.idle()
}

// idle stops all timers of a router that cannot be used.
func (r *router) idle() {
	r.sessionDue, r.peersDue, r.resyncDue, r.loopAt, r.bundleDue = Never, Never, Never, Never, Never
	r.asked = [2]int32{}
}

func (r *router) active() bool {
	return r.state == routerServing && !r.drained && !r.removed && !r.standby
}

// builds tells whether r's pools are kept full, by itself or by others for it.
func (r *router) builds() bool { return r.state == routerServing || r.ghost }

func (r *router) deadline() Time {
	next := min(r.sessionDue, r.peersDue, r.resyncDue, r.loopAt, r.bundleDue)
	for d := range r.pools {
		next = min(next, r.pools[d].expireAt)
	}
	return next
}

// runRouter does what has fallen due for r.
func (b *Balancer) runRouter(r *router) {
	if r.sessionDue <= b.now {
		// Once more if nobody answers.
		r.sessionDue = b.now + sessionPatience
		b.do(r, ActionCreateSession)
	}
	if r.peersDue <= b.now {
		r.peersDue = b.now + b.cfg.PeerRefresh
		b.do(r, ActionGetFastTier).Version = r.version
	}
	if r.resyncDue <= b.now {
		b.askPools(r)
	}
	if r.bundleDue <= b.now {
		r.bundleDue = Never
		b.owe(r)
	}
	b.expire(r)
	if r.loopAt <= b.now {
		b.buildPass(r)
	}
}

func (b *Balancer) onRouterUp(r *router, ev *Event) {
	if r.state == routerServing || r.state == routerFrozen {
		b.lose(r, routerDown) // it came back before anybody saw it go
	}
	r.kind, r.caps = ev.RouterKind, ev.Caps
	if r.removed {
		r.state = routerDown
		return
	}
	r.state = routerOpening
	r.sessionDue = b.now
}

func (b *Balancer) onSessionStatus(r *router, ev *Event) {
	if r.state != routerOpening {
		return
	}
	if ev.Result != ResultOK {
		r.sessionDue = b.now + b.cfg.SessionRetry
		return
	}
	b.serve(r)
	b.do(r, ActionHeartbeat).Every = b.cfg.Heartbeat
}

// serve takes a router with a session into use.
func (b *Balancer) serve(r *router) {
	r.state = routerServing
	r.sessionDue = Never
	first := !r.everUp
	r.everUp = true
	r.pace.reset()
	if !r.ghost { // else its pools have never stopped
		r.upSince = b.now
		for d := range r.pools {
			r.pools[d].timing.begin(b.now, Time(b.rng.Int64N(int64(skewMax))))
		}
		r.fillDue, r.renewDue = b.now, b.now+Time(b.rng.Int64N(int64(i2pdRenewTick/i2pdLook)))*i2pdLook
	}
	r.ghost = false
	r.peersDue = Never
	if r.caps&CapFastTier != 0 {
		r.peersDue = b.now
	}
	if r.caps&CapTunnelPool != 0 {
		// Tunnels that outlived a lost connection are taken up again.
		r.resyncDue = b.now
	}
	if b.virtual.on {
		b.seat(r, first)
	}
	b.shareOut()
	if r.caps&CapFastTier == 0 {
		r.loopAt = b.now
	}
	b.owe(r)
	if b.standsIn(r) {
		r.noted = 0 // it may have forgotten all
		b.do(r, ActionNoteFloodfills).Notes = nil
	}
	b.pub.resume(b)
}

// lose forgets what a router provided; state says how it was lost.
func (b *Balancer) lose(r *router, state routerState) {
	wasServing := r.state == routerServing
	switch {
	case b.virtual.on:
		r.idle()
		b.forgetPeers(r)
	case b.masks(r):
		b.haunt(r)
	default:
		r.idle()
		r.ghost = false
		b.forgetPeers(r)
		for i := range b.routers {
			b.dropRouter(&b.routers[i], r.id)
		}
	}
	r.state = state
	if b.virtual.on {
		b.loseReal(r)
	}
	r.owesSet, r.owesReply, r.own = false, false, r.own[:0]
	b.touch(r)
	if !wasServing {
		return
	}
	b.shareOut()
	b.pub.lost(b, r.id)
	b.leaveClients(r)
}

// dropRouter removes from q's pools what router id built or is building.
func (b *Balancer) dropRouter(q *router, id RouterID) {
	for d := range q.pools {
		p := &q.pools[d]
		kept := p.members[:0]
		for _, m := range p.members {
			if b.tunnels[m.slot].router != id {
				kept = append(kept, m)
				continue
			}
			b.countHops(p, &b.tunnels[m.slot], -1)
			b.free = append(b.free, m.slot)
			p.forgetEarly(m.early)
			if p.dir == Inbound {
				p.unlist(m.slot)
				b.ls.due = b.now
			}
		}
		if len(kept) != len(p.members) {
			p.members = kept
			b.wakeLoop(q)
		}
		live := p.requests[:0]
		for _, req := range p.requests {
			if req.router != id {
				live = append(live, req)
			} else if req.live {
				p.inProgress--
			}
		}
		p.requests = live
	}
}

func (b *Balancer) onHeartbeat(r *router, ev *Event) {
	switch {
	case ev.Missed == 0 && r.state == routerFrozen:
		r.thawed = b.now
		b.serve(r)
	case int(ev.Missed) >= b.cfg.HeartbeatMisses && r.state == routerServing:
		b.lose(r, routerFrozen)
	}
}

func (b *Balancer) onAdmin(r *router, ev *Event) {
	switch ev.Command {
	case CommandDrain:
		r.drained = true
		b.moveAll(r)
	case CommandUndrain:
		r.drained = false
	case CommandWeight:
		r.weight = min(max(0, ev.Weight), MaxWeight)
	case CommandRemove:
		if r.state != routerDown {
			b.do(r, ActionCloseSession)
		}
		r.removed = true
		b.lose(r, routerDown)
	case CommandAdd:
		// The driver reports EventRouterUp when it can be reached, also where
		// it has been all along.
		r.removed = false
	}
	b.shareOut()
}

// shareOut gives every router its quota of the leases: in proportion to the
// weights, the remainder to the first ones, over the routers that serve or may
// still join; those beyond the Leases-th stand by.
func (b *Balancer) shareOut() {
	if b.imitates() {
		b.shareVirtual()
		return
	}
	var count int32
	var sum int64
	for i := range b.fleet() {
		r := &b.routers[i]
		r.standby = false
		if !b.counted(r) {
			continue
		}
		if int(count) >= b.cfg.Leases {
			r.standby = true
			continue
		}
		count++
		sum += int64(r.weight)
	}
	left := int32(b.cfg.Leases)
	for i := range b.fleet() {
		r := &b.routers[i]
		r.quota = 0
		if !b.counted(r) || r.standby {
			continue
		}
		if sum == 0 {
			r.quota = int32(b.cfg.Leases) / count
		} else {
			r.quota = int32(int64(b.cfg.Leases) * int64(r.weight) / sum)
		}
		left -= r.quota
	}
	for i := 0; left > 0 && count > 0; i = (i + 1) % len(b.cfg.Routers) {
		r := &b.routers[i]
		if b.counted(r) && !r.standby && (sum == 0 || r.weight > 0) {
			r.quota++
			left--
		}
	}
	for i := range b.fleet() {
		r := &b.routers[i]
		in, out := r.quota, int32(0)
		if r.quota > 0 && !r.ghost {
			out = int32(r.cfg.Outbound)
		}
		if r.pools[Inbound].wanted != in || r.pools[Outbound].wanted != out {
			r.pools[Inbound].wanted, r.pools[Outbound].wanted = in, out
			b.wakeLoop(r)
			b.ls.due = b.now
		}
		b.askTunnels(r)
		b.touch(r)
	}
}

// askTunnels tells a router that builds its tunnels itself how many to keep. It
// keeps at least one each way: it answers no request, and sends nothing, without.
func (b *Balancer) askTunnels(r *router) {
	if r.state != routerServing || r.caps&CapCreateTunnel != 0 {
		return
	}
	want := [2]int32{max(1, r.pools[Inbound].wanted), max(1, r.pools[Outbound].wanted)}
	if want == r.asked {
		return
	}
	r.asked = want
	a := b.do(r, ActionConfigureTunnels)
	a.Inbound, a.Outbound = want[Inbound], want[Outbound]
	a.Hops = int32(r.cfg.Hops)
}

// counted tells whether r gets a share of the leases.
func (b *Balancer) counted(r *router) bool {
	if r.removed || r.drained {
		return false
	}
	if r.builds() {
		return true
	}
	return !r.everUp && r.state != routerFrozen && b.now-b.start < joinGrace
}

// forgetPeers lets go of a lost router's list: it may come back as another one.
func (b *Balancer) forgetPeers(r *router) {
	for _, s := range r.peers {
		b.peers.release(s)
	}
	r.peers, r.fast, r.version, r.listed = r.peers[:0], 0, 0, false
	r.newest = None
	r.peersSeen++
}

// onPeerList takes over a router's list, the fast tier first.
func (b *Balancer) onPeerList(r *router, ev *Event) {
	if r.state != routerServing {
		return
	}
	if b.virtual.on {
		defer b.adoptPeers(r)
	}
	if ev.Unchanged {
		return
	}
	first := !r.listed
	r.listed = true
	r.others = max(0, ev.Others)
	old := len(r.peers)
	fast := 0
	for pass := range 2 {
		for i := range ev.Peers {
			p := &ev.Peers[i]
			if (p.Flags&PeerFast != 0) != (pass == 0) || len(r.peers)-old >= MaxPeers {
				continue
			}
			hint := int32(None)
			if at := len(r.peers) - old; at < old {
				hint = r.peers[at] // lists change little
			}
			r.peers = append(r.peers, b.peers.acquire(p, hint))
			if pass == 0 {
				fast++
			}
		}
	}
	// The old list is let go after the new one is held, so that peers of both
	// keep their slots.
	for _, s := range r.peers[:old] {
		b.peers.release(s)
	}
	r.peers = append(r.peers[:0], r.peers[old:]...)
	r.fast = int32(fast)
	r.version = ev.Version
	r.peersSeen++
	if first {
		r.loopAt = b.now
	}
}
