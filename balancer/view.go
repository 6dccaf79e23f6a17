package balancer

// View is what a policy sees of the core. It is good during the policy's call
// only.
type View struct {
	b *Balancer
}

// Now is the time of the current Step.
func (v *View) Now() Time { return v.b.now }

// Routers is the number of configured routers, up or not.
func (v *View) Routers() int { return len(v.b.cfg.Routers) }

// Active tells whether r is up, has a session and is neither drained nor
// standing by.
func (v *View) Active(r RouterID) bool { return v.b.routers[r].active() }

// Serving tells whether r has a session, be it drained or standing by.
func (v *View) Serving(r RouterID) bool { return v.b.routers[r].state == routerServing }

// Kind is r's implementation.
func (v *View) Kind(r RouterID) RouterKind { return v.b.routers[r].kind }

// Capabilities of r's session.
func (v *View) Capabilities(r RouterID) Capabilities { return v.b.routers[r].caps }

// Uptime is how long r has been up, as far as the core has seen.
func (v *View) Uptime(r RouterID) Time { return v.b.now - v.b.routers[r].upSince }

// Hops is the length of r's tunnels.
func (v *View) Hops(r RouterID) int { return v.b.routers[r].cfg.Hops }

// Quota is how many leases r is to provide.
func (v *View) Quota(r RouterID) int { return int(v.b.routers[r].quota) }

// Speaker is, where all routers look like one, the router with most of its outbound
// tunnels; None where no router serves.
func (v *View) Speaker() RouterID { return v.b.speaker() }

// PoolRouter is the router of pool p: beyond Routers where all look like one, whose
// pool it is.
func (v *View) PoolRouter(p PoolID) RouterID { return RouterID(p) }

// Peers is the list that r gave last: its fast tier (PeerFast set) first, then
// the other high-capacity peers. FastCount says how many are fast. The result
// holds slots for Peer.
func (v *View) Peers(r RouterID) []int32 { return v.b.routers[r].peers }

// FastCount is the number of fast peers at the head of Peers(r).
func (v *View) FastCount(r RouterID) int { return int(v.b.routers[r].fast) }

// PeersVersion changes whenever Peers(r) does, also when they are forgotten.
func (v *View) PeersVersion(r RouterID) uint64 { return v.b.routers[r].peersSeen }

// Peer is the peer in a slot of Peers. It must not be changed.
func (v *View) Peer(slot int32) *Peer { return &v.b.peers.peers[slot] }

// Use counts r's tunnels that run through peer p, and r's tunnels in all, those
// outside this session included: of them the core knows only the number.
func (v *View) Use(r RouterID, p PeerID) (through, all int) {
	most, all := v.UseAtMost(r, p)
	if most == 0 {
		return 0, all
	}
	rt := &v.b.routers[r]
	for d := range rt.pools {
		members := rt.pools[d].members
		for i := range members {
			t := &v.b.tunnels[members[i].slot]
			for _, q := range t.path[:t.hops] {
				if q == p {
					through++
					break
				}
			}
		}
	}
	return through, all
}

// UseAtMost is Use in a fraction of its time, but that the first number may be too
// large.
func (v *View) UseAtMost(r RouterID, p PeerID) (through, all int) {
	rt := &v.b.routers[r]
	all = int(rt.others) + len(rt.pools[Inbound].members) + len(rt.pools[Outbound].members)
	return int(rt.hops[uint32(p)%uint32(len(rt.hops))]), all
}

// Tunnels appends the tunnels in direction dir that r has built and that have
// not reached their early expiry, in the order in which they were built, pool
// by pool.
func (v *View) Tunnels(r RouterID, dir Direction, dst []TunnelID) []TunnelID {
	for i := range v.b.routers {
		for _, m := range v.b.routers[i].pools[dir].members {
			if t := &v.b.tunnels[m.slot]; t.router == r && m.early > v.b.now {
				dst = append(dst, t.id)
			}
		}
	}
	return dst
}

// Candidates is the number of peers that the policy would draw the inbound
// gateways of pool p from, 0 where it does not say. It changes nothing.
func (b *Balancer) Candidates(p PoolID) int {
	if q, ok := b.cfg.Policy.(interface {
		Candidates(v *View, p PoolID) int
	}); ok {
		return q.Candidates(&b.view, p)
	}
	return 0
}

// TakeReusable finds the first tunnel of pool p in direction dir, in the order
// in which they were built, that expires within the given span and was not
// reused; it marks the tunnel as reused and appends its
// path to dst. ok is false where there is none.
func (v *View) TakeReusable(p PoolID, dir Direction, within Time, dst []PeerID) (path []PeerID, ok bool) {
	return v.TakeReusableOf(p, dir, None, within, dst)
}

// TakeReusableOf is TakeReusable among the tunnels that router of has; None: of any.
func (v *View) TakeReusableOf(p PoolID, dir Direction, of RouterID, within Time, dst []PeerID) (path []PeerID, ok bool) {
	b := v.b
	rt := &b.routers[p]
	for _, m := range rt.pools[dir].members {
		if m.early-b.now >= within || of != None && b.keeper(m.slot) != of {
			continue
		}
		t := &b.tunnels[m.slot]
		if t.reused || t.hops == 0 || int(t.hops) < rt.cfg.Hops {
			continue
		}
		t.reused = true
		return append(dst, t.path[:t.hops]...), true
	}
	return dst, false
}

// Intn draws a uniform number from 0 to n-1; n must be positive.
func (v *View) Intn(n int) int { return v.b.rng.IntN(n) }
