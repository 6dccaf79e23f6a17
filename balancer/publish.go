package balancer

// Publishing (Java I2P, KademliaNetworkDatabaseFacade.publish and
// RepublishLeaseSetJob; i2pd, LeaseSetDestination::Publish): a change is sent Config.PublishDelay later, and
// Config.PublishSpacing after the last attempt at the earliest; of several
// changes the newest is sent. A publish that failed for good is tried again
// after U(20,40) s unless a newer LeaseSet waits.
const (
	publishRetry     = 20 * Second
	publishRetrySpan = 20 * Second
)

type publisher struct {
	due       Time
	attempted bool
	last      Time  // the last attempt
	inFlight  int64 // `published` of the last attempt
	sent      int32 // routers that were asked and have not given up
	confirmed int64 // `published` of the newest LeaseSet that was stored
	through   []RouterID
}

func (p *publisher) reset() {
	*p = publisher{due: Never, through: p.through[:0]}
}

// changed schedules the publish of a new LeaseSet. The pending one is taken
// out and scheduled anew by the same rule.
func (p *publisher) changed(b *Balancer) {
	if b.cfg.Imitate == KindI2pd && p.due != Never {
		return // the publish that waits will send the newest
	}
	p.due = b.now + b.cfg.PublishDelay
	if !p.attempted || p.last+b.cfg.PublishSpacing <= p.due {
		return
	}
	p.due = p.last + b.cfg.PublishSpacing
	if b.cfg.Imitate == KindI2pd {
		p.due = b.now + b.cfg.PublishSpacing
	}
}

// canPublish tells whether a serving router has an outbound tunnel.
func (b *Balancer) canPublish() bool {
	for i := range b.routers {
		r := &b.routers[i]
		if r.state != routerServing {
			continue
		}
		if len(r.pools[Outbound].members) > 0 || r.caps&CapCreateTunnel == 0 {
			return true
		}
	}
	return false
}

// publish sends the newest LeaseSet through the routers of the policy's
// choice.
func (b *Balancer) publish() {
	p, l := &b.pub, &b.ls
	p.due = Never
	if !l.made() || b.stale() {
		return // the next tunnel brings a change, and with it a publish
	}
	if ahead := Time(l.published)*Second - b.wall(); ahead > 0 {
		p.due = b.now + ahead
		return
	}
	b.chooseAudience()
	if len(p.through) == 0 {
		// Nobody can publish; the first router to serve again brings a change.
		return
	}
	p.attempted, p.last, p.inFlight = true, b.now, l.published
	p.sent = int32(len(p.through))
	for _, id := range p.through {
		b.fillLeaseSet(b.do(&b.routers[id], ActionPublishLeaseSet))
	}
}

// stale tells whether a listed lease has ended. Leases leave the list before
// that unless there is no tunnel left to list.
func (b *Balancer) stale() bool {
	for i := range b.ls.leases {
		if b.ls.leases[i].End <= b.wall() {
			return true
		}
	}
	return false
}

// chooseAudience asks the policy, and falls back to the first router that can
// publish where its choice is lost.
func (b *Balancer) chooseAudience() {
	p := &b.pub
	p.through = p.through[:0]
	want := b.cfg.Policy.Publisher(&b.view)
	fallback := RouterID(None)
	for i := range b.routers {
		r := &b.routers[i]
		if r.state != routerServing {
			continue
		}
		if want.All && !r.standby || r.id == want.Router {
			p.through = append(p.through, r.id)
		}
		if fallback == None && !r.standby {
			fallback = r.id
		}
	}
	if len(p.through) == 0 && fallback != None {
		p.through = append(p.through, fallback)
	}
}

func (b *Balancer) onPublishStatus(ev *Event) {
	p := &b.pub
	if ev.Result == ResultOK {
		p.confirmed = max(p.confirmed, ev.Published)
		return
	}
	if !ev.Final || ev.Published != p.inFlight {
		return
	}
	p.sent--
	if p.sent <= 0 && p.confirmed < p.inFlight && p.due == Never {
		p.due = b.now + publishRetry + Time(b.rng.Int64N(int64(publishRetrySpan)))
	}
}

// onAckRelayed passes an ack that came in through another router's tunnel on
// to the routers that wait for it; without it they would store again and
// again.
func (b *Balancer) onAckRelayed(ev *Event) {
	p := &b.pub
	p.confirmed = max(p.confirmed, ev.Published)
	if ev.Published != p.inFlight {
		return
	}
	for _, id := range p.through {
		if id != ev.Router && b.routers[id].state == routerServing {
			b.do(&b.routers[id], ActionRelayAck).Published = ev.Published
		}
	}
}

// onLookupResult publishes again where the netDb has lost our LeaseSet, or
// holds one that is not ours.
func (b *Balancer) onLookupResult(ev *Event) {
	if ev.Ours && ev.Published >= b.pub.confirmed || !b.ls.made() {
		return
	}
	if ev.Published <= int64(b.wall()/Second) {
		// Ours must be the newer one. A LeaseSet from the future cannot be
		// beaten without running ahead of the clock.
		b.ls.published = max(b.ls.published, ev.Published)
	}
	b.date()
	b.pub.changed(b)
}

// lost publishes again through another router where the one that publishes is
// gone before its store was confirmed.
func (p *publisher) lost(b *Balancer, id RouterID) {
	for i, r := range p.through {
		if r != id {
			continue
		}
		p.through = append(p.through[:i], p.through[i+1:]...)
		p.sent--
		if p.sent <= 0 && p.confirmed < p.inFlight && p.due == Never {
			p.changed(b)
		}
		return
	}
}
