package sim

import "multihome.i2p/balancer"

// A stock i2pd router in the service of a balancer, as package live drives it over
// I2CP: it builds tunnels of its own choice, asks for a LeaseSet with each new
// inbound one, and publishes or bundles what it is given. The balancer says how many
// tunnels it keeps and whether it publishes, and no more.

// naturalState is what a router has asked its balancer for.
type naturalState struct {
	asked    []balancer.Lease // the leases of its last request
	requests int32            // counts them
	quantity [2]int           // of tunnels, by direction
	extra    int              // inbound tunnels that it keeps beyond, so that it asks again
}

const (
	// naturalVerify is how often the balancer looks for its LeaseSet in the netDb
	// where routers report no acks (balancer/live, verifyEvery).
	naturalVerify = 5 * Minute
	// naturalPatience is when a router counts as having forgotten tunnels: i2pd asks
	// for no LeaseSet while it waits for one, and again with its next tunnel only
	// (balancer/live, nudgeAfter; Destination.cpp, SetLeaseSetUpdated).
	naturalPatience = 45 * Second
)

// naturalStart opens the session, with one tunnel each way.
func (w *World) naturalStart(i int32) {
	r := &w.routers[i]
	n := &r.natural
	*n = naturalState{asked: n.asked[:0], requests: n.requests, quantity: [2]int{1, 1}}
	for d := range r.pools {
		r.pools[d].want = 1
	}
	w.i2pdStart(i)
	w.coreRouterUp(i)
}

// naturalKeep sets how many tunnels the router keeps.
func (w *World) naturalKeep(i int32, a *balancer.Action) {
	r := &w.routers[i]
	r.natural.quantity = [2]int{balancer.Inbound: int(a.Inbound), balancer.Outbound: int(a.Outbound)}
	w.naturalSize(r)
	w.naturalTell(i)
}

func (w *World) naturalSize(r *router) {
	n := &r.natural
	r.pools[balancer.Inbound].want = min(n.quantity[balancer.Inbound]+n.extra, balancer.MaxLeases)
	r.pools[balancer.Outbound].want = n.quantity[balancer.Outbound]
}

// naturalAsk asks the balancer for a LeaseSet of the newest tunnels.
func (w *World) naturalAsk(i int32) {
	r := &w.routers[i]
	n := &r.natural
	n.asked = n.asked[:0]
	for _, y := range w.i2pdNewest(&r.pools[balancer.Inbound]) {
		t := w.tunnels.at(y)
		n.asked = append(n.asked, balancer.Lease{
			Gateway: balancer.PeerID(t.gateway()), ReceiveID: t.number, Tunnel: w.tunnelID(y),
			End: Time(w.i2pdDrifted(i, t)) * Millisecond,
		})
	}
	if len(n.asked) == 0 {
		return
	}
	r.pub.i2pd.requested = true
	w.naturalTell(i)
	w.naturalWatch(i)
}

// naturalTell tells the balancer, once or again, what the router has asked for.
func (w *World) naturalTell(i int32) {
	n := &w.routers[i].natural
	x := w.newInput(balancer.EventLeaseRequest, balancer.RouterID(i))
	in := w.core.inputs.at(x)
	for k := range n.asked {
		if n.asked[k].End > w.wall(i) {
			in.leases = append(in.leases, n.asked[k])
		}
	}
	if len(in.leases) == 0 {
		w.core.inputs.free(x)
		return
	}
	w.deliver(x)
}

// naturalWatch has the balancer look at the router after a while, if it asks for
// nothing until then.
func (w *World) naturalWatch(i int32) {
	r := &w.routers[i]
	r.natural.requests++
	w.pushGen(w.now+naturalPatience, evNatural, r.boot, i, r.natural.requests)
}

// naturalNudge has a router that has asked for fewer tunnels than it keeps build one
// more: when that is there, it asks for all of them.
func (w *World) naturalNudge(i, request int32) {
	r := &w.routers[i]
	n := &r.natural
	if n.requests != request || r.stalled {
		return
	}
	extra := 0
	if len(n.asked) < n.quantity[balancer.Inbound] {
		extra = 1
		w.naturalWatch(i)
	}
	if extra != n.extra {
		n.extra = extra
		w.naturalSize(r)
	}
}

// naturalPublishes gives the router LeaseSet x to publish, which it bundles too.
func (w *World) naturalPublishes(i, x int32) {
	r := &w.routers[i]
	r.pub.i2pd.requested = false
	w.dropBundle(i)
	r.bundle, r.given = w.holdSet(x), w.now
}
