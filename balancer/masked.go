package balancer

// Masked failover (Failover.Masked): a lost router's pools live on. Its leases
// stay listed, as dead as they are, until the pool's own clockwork replaces
// them, and other routers build what the pool wants, through the peers that its
// router named last. To who reads the LeaseSets nothing has happened. When the
// router is back it goes on with its own pools.

// masks tells whether the loss of r is to be masked: only if somebody else can
// build for it.
func (b *Balancer) masks(r *router) bool {
	if r.state != routerServing && !r.ghost || r.removed || r.drained || r.standby ||
		r.caps&CapCreateTunnel == 0 || !b.cfg.Policy.Lost(&b.view, r.id).Masked {
		return false
	}
	for i := range b.routers {
		if q := &b.routers[i]; q != r && q.active() && q.caps&CapCreateTunnel != 0 {
			return true
		}
	}
	return false
}

// haunt lets r's pools live on without it. What it was building is given up
// when its time is over, as if nobody had answered.
func (b *Balancer) haunt(r *router) {
	r.ghost = true
	r.sessionDue, r.peersDue, r.resyncDue, r.bundleDue = Never, Never, Never, Never
	r.asked = [2]int32{}
	// Its outbound tunnels send nothing any more, and nobody sees them go.
	for i := range b.routers {
		q := &b.routers[i]
		p := &q.pools[Outbound]
		for j := len(p.members) - 1; j >= 0; j-- {
			if b.tunnels[p.members[j].slot].router == r.id {
				b.removeTunnel(q, p, j, true)
			}
		}
	}
	b.wakeLoop(r)
}

// stand draws an active router that builds in place of a lost one; None where
// there is none.
func (b *Balancer) stand(lost RouterID) RouterID {
	chosen, n := RouterID(None), 0
	for i := range b.routers {
		q := &b.routers[i]
		if q.id == lost || !q.active() || q.caps&CapCreateTunnel == 0 {
			continue
		}
		n++
		if b.rng.IntN(n) == 0 {
			chosen = q.id
		}
	}
	return chosen
}

// pathOf appends the path of tunnel id of pool p to the actions' paths.
func (b *Balancer) pathOf(p *pool, id TunnelID) ([]PeerID, bool) {
	for _, m := range p.members {
		if t := &b.tunnels[m.slot]; t.id == id && t.hops > 0 {
			return append(b.paths, t.path[:t.hops]...), true
		}
	}
	return b.paths, false
}
