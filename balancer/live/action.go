package live

import (
	"context"
	"slices"
	"time"

	"multihome.i2p/balancer"
	"multihome.i2p/i2cp"
)

// perform orders what the core wants done. The action's slices are good until
// the next Step only.
func (d *destination) perform(a *balancer.Action) {
	switch a.Kind {
	case balancer.ActionCarry:
		if c := d.clients.byNumber(a.Client); c != nil {
			c.carrier.Store(int32(a.Router))
			if l := d.link(a.Router); l != nil {
				d.log.Debug("client has a carrier", "client", c.hash.B32(), "router", l.cfg.Name)
			}
		}
		return
	case balancer.ActionRotateKeys:
		d.rotate()
		return
	}
	l := d.link(a.Router)
	if l == nil {
		return
	}
	switch a.Kind {
	case balancer.ActionCreateSession:
		l.order(func(ctx context.Context, x *life) error {
			if x.session != nil && x.session.Err() == nil {
				return nil // asked again; the answer is under way
			}
			if x.managed {
				return x.openManaged(ctx)
			}
			return x.openStock(ctx)
		})
	case balancer.ActionCloseSession:
		l.ordered(func(ctx context.Context, x *life) error { return x.session.Close(ctx) })
	case balancer.ActionHeartbeat:
		every := time.Duration(a.Every)
		l.order(func(_ context.Context, x *life) error {
			x.beatEvery(every)
			return nil
		})
	case balancer.ActionConfigureTunnels:
		in, out, hops := a.Inbound, a.Outbound, a.Hops
		l.ordered(func(ctx context.Context, x *life) error { return x.configure(ctx, in, out, hops) })
	case balancer.ActionPublishLeaseSet:
		d.publish(l, a)
	case balancer.ActionGiveLeaseSet, balancer.ActionReplyLeaseRequest:
		ls, ok := d.leaseSet(a)
		if !ok {
			return
		}
		shadows := wireShadows(a.Shadows)
		l.ordered(func(ctx context.Context, x *life) error {
			if x.managed {
				return x.giveManaged(ctx, ls, shadows)
			}
			return x.give(ctx, ls)
		})
	case balancer.ActionSendPacket:
		c := d.clients.byNumber(a.Client)
		if c == nil {
			return
		}
		d.log.Debug("client written to, to take it over", "client", c.hash.B32(), "router", l.cfg.Name)
		l.ordered(func(ctx context.Context, x *life) error { return x.greet(ctx, c) })
	case balancer.ActionLookup:
		d.lookUp(l)
	default:
		d.performManaged(l, a)
	}
}

// performManaged orders what only routers with the extension do.
func (d *destination) performManaged(l *link, a *balancer.Action) {
	switch a.Kind {
	case balancer.ActionGetFastTier:
		version := a.Version
		l.ordered(func(ctx context.Context, x *life) error { return x.getFastTier(ctx, version) })
	case balancer.ActionCreateTunnel:
		m := &i2cp.CreateTunnel{
			Direction: i2cp.Direction(a.Direction), Hops: uint8(a.Hops), Named: len(a.Path) > 0, Reuse: wireTunnel(a.Tunnel),
		}
		if m.Named {
			m.Hops, m.Reuse = uint8(len(a.Path)), 0
		}
		for i, p := range a.Path {
			m.Path[i] = d.names.hash(p)
		}
		id := a.Request
		l.ordered(func(ctx context.Context, x *life) error { return x.createTunnel(ctx, m, id) })
	case balancer.ActionDropTunnel:
		id := wireTunnel(a.Tunnel)
		l.ordered(func(ctx context.Context, x *life) error { return x.dropTunnel(ctx, id) })
	case balancer.ActionGetTunnelPool:
		dir := a.Direction
		l.ordered(func(ctx context.Context, x *life) error { return x.getTunnelPool(ctx, dir) })
	case balancer.ActionRelayAck:
		published := a.Published
		l.ordered(func(ctx context.Context, x *life) error { return x.relayAck(ctx, published) })
	case balancer.ActionNoteFloodfills:
		notes := make([]i2cp.FloodfillNote, len(a.Notes))
		for i := range a.Notes {
			notes[i] = d.names.wireNote(&a.Notes[i], d.now())
		}
		l.ordered(func(ctx context.Context, x *life) error { return x.noteFloodfills(ctx, notes) })
	case balancer.ActionOutdate:
		published := a.Published
		l.ordered(func(ctx context.Context, x *life) error { return x.outdate(ctx, published) })
	}
}

// ordered queues a command that needs a session.
func (l *link) ordered(do func(ctx context.Context, x *life) error) {
	l.order(func(ctx context.Context, x *life) error {
		if x.session == nil {
			return nil
		}
		return do(ctx, x)
	})
}

// leaseSet makes the LeaseSet of an action, once where several share it.
func (d *destination) leaseSet(a *balancer.Action) (signed, bool) {
	if len(a.Leases) == 0 {
		return signed{}, false
	}
	key := &a.Leases[0]
	if ls, ok := d.made[key]; ok {
		return ls, true
	}
	ls, err := d.signer.make(a, d.names)
	if err != nil {
		d.log.Error("cannot make a LeaseSet", "error", err)
		return signed{}, false
	}
	if err := d.store.save(a.Published); err != nil {
		d.log.Error("cannot keep what was published last: after a restart the netDb may refuse ours", "error", err)
	}
	d.ours.add(ls.bytes)
	d.made[key] = ls
	return ls, true
}

// publish has a router publish, and notes it for the operator and in the trace.
func (d *destination) publish(l *link, a *balancer.Action) {
	ls, ok := d.leaseSet(a)
	if !ok {
		return
	}
	outbound, reply := wireTunnel(a.OutboundTunnel), uint8(i2cp.ReplyClosest)
	if a.ReplyLease >= 0 {
		reply = uint8(a.ReplyLease)
	}
	shadows, newest := wireShadows(a.Shadows), wireTunnel(a.Tunnel)
	l.ordered(func(ctx context.Context, x *life) error {
		if x.managed {
			return x.publishManaged(ctx, ls, outbound, reply, shadows, newest)
		}
		return x.publish(ctx, ls)
	})
	d.log.Info("LeaseSet published", "through", l.cfg.Name, "leases", len(a.Leases), "published", a.Published)
	d.mu.Lock()
	d.status.at, d.status.publisher, d.status.leases = a.Published, a.Router, slices.Clone(a.Leases)
	d.status.gateways = d.status.gateways[:0]
	for _, lease := range a.Leases {
		d.status.gateways = append(d.status.gateways, d.names.hash(lease.Gateway))
	}
	d.status.tunnels = tunnelsOf(a.Leases, len(d.slots))
	d.mu.Unlock()
	if d.trace != nil {
		d.trace.spacing = 0
		if x := d.lives[a.Router]; x != nil && !x.managed && x.kind == balancer.KindI2pd {
			d.trace.spacing = stockSpacing
		}
	}
	if err := d.trace.append(time.Now(), a, d.names); err != nil {
		d.log.Error("trace: no more is written", "error", err)
		d.trace = nil
	}
}

func (d *destination) lookUp(l *link) {
	d.mu.Lock()
	published := d.status.at
	d.mu.Unlock()
	l.ordered(func(ctx context.Context, x *life) error {
		if x.managed {
			return x.lookUpManaged(ctx)
		}
		go x.lookUpStock(d.ctx, published)
		return nil
	})
}

// rotate makes new encryption keys, for the LeaseSets that follow.
func (d *destination) rotate() {
	key, err := newEncryptionKey()
	if err == nil {
		err = d.store.keepKey(key)
	}
	if err != nil {
		d.log.Error("cannot make new encryption keys", "error", err)
		return
	}
	d.signer.enc = key
	d.log.Info("new encryption keys")
}
