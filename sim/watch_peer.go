package sim

import (
	"math"

	"multihome.i2p/analysis/trace"
	"multihome.i2p/balancer"
)

// An observer at vantage point peer runs ordinary routers of the network, which
// stand in tunnels of the service by chance. Which of the tunnels that they are in
// are the service's, it must find out:
//
//   - An inbound gateway finds its router and tunnel number in a LeaseSet.
//   - An outbound end point delivers a garlic message to one of the floodfills
//     closest to the Destination's key at the time of `published`.
//   - A router next to one that knows knows too, if both are the observer's: the
//     tunnel number that the one sends to is the one that the other receives on.

// ownTunnel is a tunnel whose far end is one of an observer's routers.
type ownTunnel struct {
	dir     balancer.Direction
	hops    uint8
	router  int32
	number  uint32
	path    [maxHops]int32
	expires Time
}

// placeRouters lets an observer set up its routers: a random sample of all.
func (w *World) placeRouters(p *watcher) {
	n := w.pop.Len()
	p.own = resized(p.own, n/64+1)
	p.joined = p.joined[:0]
	want := int(math.Round(p.cfg.Share * float64(n)))
	for want > 0 {
		if k := p.rng.IntN(n); p.own[k/64]>>(k%64)&1 == 0 {
			p.own[k/64] |= 1 << (k % 64)
			want--
		}
	}
}

func (p *watcher) owns(peer int32) bool {
	return int(peer)/64 < len(p.own) && p.own[peer/64]>>(peer%64)&1 != 0
}

// joinTunnel lets observers' routers be part of a tunnel that was built.
func (w *World) joinTunnel(t *tunnel) {
	for _, p := range w.watchers {
		if p.cfg.Vantage != vantagePeer || !p.owns(t.gateway()) {
			continue
		}
		n := 0
		for _, j := range p.joined { // those that are over will not be attributed any more
			if j.expires > w.now {
				p.joined[n] = j
				n++
			}
		}
		p.joined = append(p.joined[:n], ownTunnel{
			dir: t.dir, hops: t.hops, router: t.router, number: t.number, path: t.path, expires: t.expires,
		})
	}
}

// seenListed lets observers look for their routers in a LeaseSet that has come into
// the netDb.
func (w *World) seenListed(s *leaseSet) {
	if w.now < w.observed {
		return
	}
	for i := range w.watchers {
		if w.watchers[i].cfg.Vantage != vantagePeer {
			continue
		}
		for k := range s.leases {
			w.attribute(int32(i), balancer.Inbound, s.leases[k].gateway, s.leases[k].number)
		}
	}
}

// seenDelivered lets observers notice that one of their routers has delivered a
// LeaseSet.
func (w *World) seenDelivered(m *mail) {
	if w.now < w.observed {
		return
	}
	for i := range w.watchers {
		if w.watchers[i].cfg.Vantage == vantagePeer {
			w.attribute(int32(i), balancer.Outbound, m.obep, m.out)
		}
	}
}

// attribute records the tunnel with this far end and number if watcher i has a
// router there and has not done so before.
func (w *World) attribute(i int32, dir balancer.Direction, end int32, number uint32) {
	p := w.watchers[i]
	if !p.owns(end) {
		return
	}
	for k := range p.joined {
		j := &p.joined[k]
		if j.dir != dir || j.number != number || j.path[j.hops-1] != end {
			continue
		}
		for h := int(j.hops) - 1; h >= 0 && p.owns(j.path[h]); h-- {
			w.seenHop(i, j, h)
		}
		p.joined[k] = p.joined[len(p.joined)-1]
		p.joined = p.joined[:len(p.joined)-1]
		return
	}
}

// seenHop records hop h of a tunnel, counted from the service's router on.
func (w *World) seenHop(i int32, j *ownTunnel, h int) {
	role, number := trace.RoleMiddle, uint32(splitmix(uint64(j.number)<<8|uint64(h)))
	far := int(j.hops) - 1
	inward, outward := w.serviceHash(j.router), trace.Hash{}
	if h > 0 {
		inward = hashBytes(w.pop.HashWords(j.path[h-1]))
	}
	if h < far {
		outward = hashBytes(w.pop.HashWords(j.path[h+1]))
	}
	has := trace.HasPrev | trace.HasNext
	prev, next := outward, inward
	if j.dir == balancer.Outbound {
		prev, next = inward, outward
	}
	if h == far {
		// Who sends to a gateway, and where an end point delivers, are no hops.
		if j.dir == balancer.Inbound {
			role, number, has = trace.RoleIBGW, j.number, trace.HasNext
		} else {
			role, has = trace.RoleEnd, trace.HasPrev
		}
	}
	r := w.out.Traces[i].Append(trace.KindHop, w.seenMs())
	r.Self, r.Prev, r.Next = hashBytes(w.pop.HashWords(j.path[h])), prev, next
	r.Tunnel, r.Role = number, role
	r.Expires = int64((w.epoch + j.expires) / Second)
	r.Has |= has | trace.HasSelf | trace.HasTunnel | trace.HasRole | trace.HasExpires
}
