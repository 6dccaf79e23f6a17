package balancer

// Looking up our own LeaseSet in the netDb, where the configuration wants it
// (Config.Verify): it is how a publish through a router that reports no acks is
// confirmed, and how a LeaseSet of somebody else under our Destination is noticed.
const (
	// verifyAfter is when a publish is looked for: i2pd itself looks 5 to 7 s
	// after the ack (Destination.cpp), which takes up to 2 s.
	verifyAfter = 8 * Second
	// verifyRetry is the wait after a lookup that could not be made.
	verifyRetry = 10 * Second
	// lookupPatience is how long a lookup is waited for.
	lookupPatience = 60 * Second
)

type verifier struct {
	due   Time
	last  RouterID // the last router asked
	fresh bool     // something was published since the last lookup was asked for
}

func (v *verifier) reset() { *v = verifier{due: Never, last: None} }

// published schedules the lookup that confirms a publish.
func (v *verifier) published(b *Balancer) {
	if b.cfg.Verify == 0 {
		return
	}
	v.fresh = true
	for i := range b.pub.through {
		if b.routers[b.pub.through[i].Router].caps&CapPublishStatus == 0 {
			// The router keeps the spacing, and stores the newest when it is over.
			v.due = b.routers[b.pub.through[i].Router].pace.next(b.now) + verifyAfter
			return
		}
	}
	v.due = min(v.due, v.regular(b))
}

// regular is when the LeaseSet is looked at without a particular reason. A router that
// reports acks has looked itself; under an imitation a lookup beside that would show
// that there is somebody else.
func (v *verifier) regular(b *Balancer) Time {
	if b.virtual.on {
		return Never
	}
	return b.now + b.cfg.Verify
}

func (v *verifier) again(b *Balancer) {
	if b.cfg.Verify > 0 && !v.fresh {
		v.due = b.now + verifyRetry
	}
}

// done waits until the LeaseSet is to be looked at again; what was published since
// the lookup has its own time.
func (v *verifier) done(b *Balancer) {
	if b.cfg.Verify > 0 && !v.fresh {
		v.due = v.regular(b)
	}
}

// lookUp asks the netDb through the next router that can, those that publish
// last: they may answer from their own memory.
func (b *Balancer) lookUp() {
	v := &b.verify
	v.due = Never
	if !b.pub.attempted || !b.ls.made() {
		return // the next publish sets the time
	}
	n := RouterID(len(b.cfg.Routers))
	chosen := RouterID(None)
	for i := range n {
		id := (v.last + 1 + i) % n
		r := &b.routers[id]
		if r.state != routerServing || r.caps&CapLookup == 0 {
			continue
		}
		if chosen == None || b.pub.asks(chosen) && !b.pub.asks(id) {
			chosen = id
		}
	}
	if chosen == None {
		v.due = b.now + verifyRetry
		return
	}
	v.last, v.fresh = chosen, false
	v.due = b.now + lookupPatience
	b.do(&b.routers[chosen], ActionLookup)
}
