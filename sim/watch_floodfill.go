package sim

import (
	"slices"

	"multihome.i2p/analysis/trace"
)

// An observer at vantage point floodfill is one or several of the floodfills. It
// sees each DatabaseStore that reaches it, and each DatabaseLookup of the service's
// routers.

// identities is how many floodfills a targeted observer has in the network:
// yesterday's, today's and tomorrow's. Tomorrow's gets the floods of the last ten
// minutes of the day, and yesterday's what is still on its way to it at midnight.
const identities = 3

// placeFloodfills lets an observer choose its floodfills.
func (w *World) placeFloodfills(p *watcher) {
	p.floodfills = p.floodfills[:0]
	all := w.cfg.Network.Floodfills
	if p.cfg.Placement == placementTargeted {
		for k := range identities {
			p.floodfills = append(p.floodfills, int32(all+k))
		}
	} else {
		for len(p.floodfills) < min(p.cfg.Floodfills, all) {
			if f := p.rng.Int32N(int32(all)); !slices.Contains(p.floodfills, f) {
				p.floodfills = append(p.floodfills, f)
			}
		}
	}
	for _, f := range p.floodfills {
		w.net.ff[f].watched = true
	}
}

// grind gives the targeted observer a new identity for a day: the hash of a router
// that is closer to that day's routing key than any other floodfill. Whoever tries
// enough identities finds one; where it lies below the closest honest one is left
// to chance. It runs Java I2P and does what a floodfill has to do.
func (w *World) grind(day int64) {
	rng := w.streams.rand[streamGrind]
	key := routingKey(w.net.keys[serviceKey].dest, day)
	least := ^uint64(0)
	honest := w.net.ff[:w.cfg.Network.Floodfills]
	for i := range honest {
		least = min(least, honest[i].hash[0]^key[0])
	}
	f := &w.net.ff[w.identity(day)]
	w.emptyFloodfill(w.identity(day))
	*f = floodfill{java: true, ground: true, watched: true, counts: f.counts, since: int32(1 + day - int64(w.epoch/Day))}
	f.hash = [4]uint64{key[0] ^ rng.Uint64N(max(least, 1)), rng.Uint64(), rng.Uint64(), rng.Uint64()}
	f.phase = Time(rng.Int64N(int64(throttleWindow)))
}

// identity is the number of the targeted observer's floodfill for a day.
func (w *World) identity(day int64) int32 {
	return int32(w.cfg.Network.Floodfills + int(day%identities))
}

// watchersAt calls see for each watcher whose floodfill f is, once the observation
// has begun.
func (w *World) watchersAt(f int32, see func(i int32)) {
	if w.now < w.observed {
		return
	}
	for i, p := range w.watchers {
		if p.cfg.Vantage == vantageFloodfill && slices.Contains(p.floodfills, f) {
			see(int32(i))
		}
	}
}

// seenStored lets observers see a DatabaseStore that has reached floodfill m.ff
// through a tunnel of the service.
func (w *World) seenStored(m *mail) {
	w.watchersAt(m.ff, func(i int32) {
		r := w.sight(i, trace.KindStore, m.set)
		r.Floodfill, r.OBEP = hashBytes(w.net.ff[m.ff].hash), hashBytes(w.pop.HashWords(m.obep))
		r.Reply = w.seenReply(m)
		r.Has |= trace.HasFloodfill | trace.HasFlooded | trace.HasOBEP | trace.HasReply
	})
}

// seenFlooded lets observers see LeaseSet x, which another floodfill has sent to
// floodfill f.
func (w *World) seenFlooded(f, x int32) {
	w.watchersAt(f, func(i int32) {
		r := w.sight(i, trace.KindStore, x)
		r.Floodfill, r.Flooded = hashBytes(w.net.ff[f].hash), true
		r.Has |= trace.HasFloodfill | trace.HasFlooded
	})
}

// seenAsked lets observers see a lookup of the service that has reached them.
func (w *World) seenAsked(m *mail) {
	w.watchersAt(m.ff, func(i int32) {
		r := w.out.Traces[i].AppendServiceLookup(w.seenMs(), hashBytes(w.net.ff[m.ff].hash),
			hashBytes(w.pop.HashWords(m.obep)), w.seenReply(m))
		if m.key != serviceKey {
			r.Sub = hashBytes(w.net.keys[m.key].dest)
			r.Has |= trace.HasSub
		}
	})
}

func (w *World) seenReply(m *mail) trace.Reply {
	return trace.Reply{Gateway: hashBytes(w.pop.HashWords(m.reply.gateway)), Tunnel: m.reply.number}
}
