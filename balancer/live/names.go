package live

import (
	"encoding/binary"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

// names gives the core small numbers for what has long names on the wire. It
// belongs to the event loop of its Destination.
type names struct {
	peers  map[wire.Hash]balancer.PeerID
	hashes []wire.Hash // by PeerID

	entrances map[entrance]named // inbound tunnels of stock routers
	swept     time.Time
	last      int64
}

// entrance is what a lease tells of a tunnel.
type entrance struct {
	router  balancer.RouterID
	gateway wire.Hash
	receive wire.TunnelID
}

type named struct {
	id  balancer.TunnelID
	end time.Time
}

func newNames() *names {
	return &names{peers: make(map[wire.Hash]balancer.PeerID), entrances: make(map[entrance]named)}
}

// peer returns the number of a router of the network.
func (n *names) peer(h wire.Hash) balancer.PeerID {
	id, ok := n.peers[h]
	if !ok {
		id = balancer.PeerID(len(n.hashes))
		n.peers[h] = id
		n.hashes = append(n.hashes, h)
	}
	return id
}

func (n *names) hash(id balancer.PeerID) (h wire.Hash) {
	if id >= 0 && int(id) < len(n.hashes) {
		h = n.hashes[id]
	}
	return h
}

// Tunnels of routers with the extension have ids of 32 bits; those of stock
// routers are numbered above them.
const stockTunnels = 1 << 32

func (n *names) managed(r balancer.RouterID, id uint32) balancer.TunnelID {
	return balancer.TunnelID(int64(r)<<40 | int64(id))
}

// wireTunnel is the id that a router with the extension gave a tunnel, 0 for None.
func wireTunnel(id balancer.TunnelID) uint32 {
	if id < 0 {
		return 0
	}
	return uint32(id)
}

// natural returns the number of a stock router's inbound tunnel.
func (n *names) natural(r balancer.RouterID, l wire.Lease, now time.Time) balancer.TunnelID {
	key := entrance{r, l.Gateway, l.Tunnel}
	end := l.End.Time()
	if now.Sub(n.swept) > time.Minute {
		n.swept = now
		for k, v := range n.entrances {
			if now.Sub(v.end) > time.Minute {
				delete(n.entrances, k)
			}
		}
	}
	if known, ok := n.entrances[key]; ok && known.end.Equal(end) {
		return known.id
	}
	n.last++
	id := balancer.TunnelID(int64(r)<<40 | stockTunnels | n.last&(stockTunnels-1))
	n.entrances[key] = named{id, end}
	return id
}

// describe turns a peer of the wire into one of the core.
func (n *names) describe(p *i2cp.Peer) balancer.Peer {
	out := balancer.Peer{
		ID: n.peer(p.Hash), Net16: p.Net16, Port: p.Port, Family: p.Family, Version: p.Version,
		Flags: balancer.PeerFlags(p.Flags), // the same bits
	}
	for i := range out.Hash {
		out.Hash[i] = binary.BigEndian.Uint64(p.Hash[8*i:])
	}
	return out
}

// tunnel turns a tunnel of the wire into one of the core; created lies on the
// core's time line, offset is what to add to it for the router's clock.
func (n *names) tunnel(r balancer.RouterID, t *i2cp.Tunnel, offset balancer.Time) balancer.Tunnel {
	out := balancer.Tunnel{
		ID: n.managed(r, t.ID), Direction: balancer.Direction(t.Direction), Gateway: n.peer(t.Gateway),
		ReceiveID: uint32(t.Receive), Created: coreTime(t.Created) - offset, End: coreTime(t.Expires), Hops: t.Hops,
	}
	for i, h := range t.Path[:min(int(t.Hops), balancer.MaxHops)] {
		out.Path[i] = n.peer(h)
	}
	return out
}

// note turns what the wire tells of a floodfill into a note of the core.
func (n *names) note(m *i2cp.FloodfillNote, now balancer.Time) balancer.Note {
	at := func(age uint32) balancer.Time {
		if age == i2cp.Never {
			return balancer.Never
		}
		return now - balancer.Time(age)*balancer.Millisecond
	}
	acks := min(m.Acks, acksMax)
	return balancer.Note{
		Floodfill: n.peer(m.Floodfill), Acks: int32(acks),
		Took:    balancer.Time(acks) * balancer.Time(min(m.Response, responseMax)) * balancer.Millisecond,
		StoreOK: at(m.StoreOK), StoreFailed: at(m.StoreFailed), AskOK: at(m.AskOK), AskFailed: at(m.AskFailed),
	}
}

// What is believed of a floodfill, so that sums stay in range: as many acks as a minute
// each makes in two years, and a minute, after which nobody waits for one, in ms.
const (
	acksMax     = 1 << 20
	responseMax = 60_000
)

// wireNote is the other way round.
func (n *names) wireNote(p *balancer.Note, now balancer.Time) i2cp.FloodfillNote {
	age := func(t balancer.Time) uint32 {
		if t == balancer.Never {
			return i2cp.Never
		}
		return uint32(min(max(0, (now-t)/balancer.Millisecond), balancer.Time(i2cp.Never)-1))
	}
	m := i2cp.FloodfillNote{
		Floodfill: n.hash(p.Floodfill), Acks: uint32(p.Acks),
		StoreOK: age(p.StoreOK), StoreFailed: age(p.StoreFailed), AskOK: age(p.AskOK), AskFailed: age(p.AskFailed),
	}
	if p.Acks > 0 {
		m.Response = uint32(p.Took / balancer.Time(p.Acks) / balancer.Millisecond)
	}
	return m
}

// coreTime is a date of the wire as the core counts wall clocks.
func coreTime(d wire.Date) balancer.Time { return balancer.Time(d) * balancer.Millisecond }
