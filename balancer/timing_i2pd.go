package balancer

// When an i2pd router replaces tunnels (libi2pd Tunnel.cpp, TunnelPool.cpp):
// one clockwork renews every tunnel of age 570 s over its own path, every 15 s;
// another fills the pool with at most 3 new builds a direction. It is due 10 to
// 14 whole seconds after the last time, but looked at every 5 s only, by the loop
// that renews: 15 s, in one of three phases.
const (
	i2pdRenewAge  = 570 * Second
	i2pdRenewTick = 15 * Second // TUNNEL_MANAGE_INTERVAL
	i2pdLook      = 5 * Second  // TUNNEL_POOLS_MANAGE_INTERVAL
	i2pdFillTick  = 3 * i2pdLook
	i2pdBuilds    = 3
	i2pdLifetime  = 660 * Second // TUNNEL_EXPIRATION_TIMEOUT
	i2pdPatience  = 30 * Second  // TUNNEL_CREATION_TIMEOUT
)

// i2pdPass runs whichever of the two clockworks has come due.
func (b *Balancer) i2pdPass(r *router) {
	for d := range r.pools {
		b.forgetRequests(&r.pools[d], i2pdPatience)
	}
	if r.renewDue <= b.now {
		r.renewDue = b.now + i2pdRenewTick
		b.i2pdRenew(r)
	}
	if r.fillDue <= b.now {
		b.i2pdRoundBegins(r)
	}
	r.loopAt = min(r.fillDue, r.renewDue)
}

// i2pdFailed keeps step with a router that has found a tunnel to fail, before
// the tunnel leaves the pool: the router does so at the end of a round that began
// with filling the pool, so that the tunnel is replaced in the next round
// (TunnelPool::ManageTunnels). Several tunnels may fail in one round.
func (b *Balancer) i2pdFailed(r *router) {
	if r.filled == b.now || !r.builds() {
		return
	}
	phase := (r.fillDue - r.renewDue) % i2pdFillTick
	b.i2pdRoundBegins(r)
	// One loop has both, so that renewing keeps its distance; if it is due now as
	// well it still comes, after this.
	if r.renewDue > b.now {
		r.renewDue = r.fillDue - phase
		for r.renewDue > b.now+i2pdRenewTick {
			r.renewDue -= i2pdRenewTick
		}
	}
	r.loopAt = min(r.fillDue, r.renewDue)
	b.touch(r)
}

func (b *Balancer) i2pdRoundBegins(r *router) {
	r.filled = b.now
	b.i2pdFill(r)
	r.fillDue = b.now + i2pdFillTick
}

// i2pdFill starts builds for missing tunnels. Builds under way do not count,
// so that i2pd often ends up with more tunnels than it wants.
func (b *Balancer) i2pdFill(r *router) {
	for d := range r.pools {
		p := &r.pools[d]
		for range min(p.wanted-int32(len(p.members)), i2pdBuilds) {
			if !b.startBuild(r, p, None) {
				break
			}
		}
	}
}

func (b *Balancer) i2pdRenew(r *router) {
	for d := range r.pools {
		p := &r.pools[d]
		b.i2pdExpire(r, p)
		if p.wanted == 0 {
			continue
		}
		for _, m := range p.members {
			t := &b.tunnels[m.slot]
			if !t.renewed && b.i2pdAge(r, t) > i2pdRenewAge && (t.router == r.id || r.ghost) {
				t.renewed = b.startBuild(r, p, t.id)
			}
		}
	}
}

// i2pdExpire removes tunnels past their lease's end. That makes no new LeaseSet:
// the next one comes with the next tunnel.
func (b *Balancer) i2pdExpire(r *router, p *pool) {
	due := b.ls.due
	for i := len(p.members) - 1; i >= 0; i-- {
		if b.i2pdAge(r, &b.tunnels[p.members[i].slot]) > tunnelLifetime {
			b.removeTunnel(r, p, i, false)
		}
	}
	if b.cfg.Imitate == KindI2pd {
		b.ls.due = due
	}
}

// i2pdAge is a tunnel's age as i2pd reckons, from the whole seconds of its
// router's clock.
func (b *Balancer) i2pdAge(r *router, t *tunnel) Time {
	return ((b.now+r.offset)/Second - (t.created+r.offset)/Second) * Second
}

// i2pdBuilt lets a renewed inbound tunnel leave the pool at once.
func (b *Balancer) i2pdBuilt(r *router, q *request, result Result) {
	if q.renews == None || result != ResultOK {
		return
	}
	owner, p, i := b.findTunnel(r, q.renews)
	if p != nil && p.dir == Inbound {
		b.removeTunnel(owner, p, i, false)
	}
}
