package starlark

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"go.starlark.net/starlark"

	"multihome.i2p/balancer"
	"multihome.i2p/balancer/policy"
)

// maxFailures is how many calls of a run may fail before the file is asked no
// more: each may have taken all its steps.
const maxFailures = 100

// weighEvery is after how many calls the state is weighed.
const weighEvery = 1024

// script is a policy made of a file.
type script struct {
	p      *Program
	opt    policy.Options
	base   balancer.Policy // nil without one
	thread *starlark.Thread
	rng    *rand.Rand
	v      viewValue
	calls  int
	failed policy.Failures

	// The call of the core that is being answered, for v.base.
	now       callback
	pool      balancer.PoolID
	direction balancer.Direction
	router    balancer.RouterID
	leases    []balancer.Lease
}

// imitator is a script whose base makes all routers look like one.
type imitator struct {
	*script
	base balancer.Imitator
}

// Imitation implements balancer.Imitator.
func (p *imitator) Imitation() balancer.Imitation { return p.base.Imitation() }

// routers is how many routers may be named: all, and after them the virtual one of a
// base that imitates one.
func (s *script) routers(v *balancer.View) int {
	if _, ok := s.base.(balancer.Imitator); ok {
		return v.Routers() + 1
	}
	return v.Routers()
}

// Name implements balancer.Policy.
func (s *script) Name() string { return s.p.name }

// Failures implements policy.Fallible.
func (s *script) Failures() policy.Failures { return s.failed }

// Reset implements balancer.Policy.
func (s *script) Reset(n int, rng *rand.Rand) {
	s.rng = rng
	s.calls, s.failed = 0, policy.Failures{}
	if s.base != nil {
		s.base.Reset(n, rng)
	}
	s.v.reset(n)
	if s.p.fns[onReset] != nil {
		s.call(nil, onReset)
	}
}

// fail notes that a call has failed.
func (s *script) fail(err *Error) {
	if s.failed.N == 0 {
		s.failed.First = err
	}
	s.failed.N++
	s.failed.Last = err
}

// asks tells whether the file has a say in c.
func (s *script) asks(c callback) bool { return s.p.fns[c] != nil && s.failed.N < maxFailures }

// call asks the file. ok is false where it failed, or said None: the base decides.
func (s *script) call(v *balancer.View, c callback, args ...starlark.Value) (x starlark.Value, ok bool) {
	fn := s.p.fns[c]
	s.now, s.v.now = c, v
	defer func() {
		s.v.now = nil
		if r := recover(); r != nil { // of the interpreter: nothing that a file does may bring us down
			s.fail(callError(s.p.file, fn, fmt.Errorf("the interpreter gave up: %v", r)))
			s.thread = newThread(s.p.file)
			x, ok = nil, false
		}
	}()
	s.thread.Uncancel()
	s.thread.Steps = 0
	x, err := starlark.Call(s.thread, fn, append(starlark.Tuple{&s.v}, args...), nil)
	if err == nil {
		err = s.weigh()
	}
	if err != nil {
		s.fail(callError(s.p.file, fn, err))
		return nil, false
	}
	return x, x != starlark.None
}

// weigh bounds what the file remembers.
func (s *script) weigh() error {
	if s.calls++; s.calls%weighEvery != 0 {
		return nil
	}
	if values(s.v.state, maxState) > maxState {
		s.v.state = starlark.NewDict(0)
		return fmt.Errorf("v.state holds more than %d values, and is emptied", maxState)
	}
	return nil
}

// values counts those in x, those in them included, up to about most. Cycles end
// it there.
func values(x starlark.Value, most int) int {
	n := 0
	var waiting []starlark.Value
	for waiting = append(waiting, x); len(waiting) > 0 && n <= most; {
		x, waiting = waiting[len(waiting)-1], waiting[:len(waiting)-1]
		n++
		switch x := x.(type) {
		case starlark.String:
			n += len(x) / 16
		case starlark.Bytes:
			n += len(x) / 16
		case starlark.Int:
			if big := x.BigInt().BitLen(); big > 64 {
				n += big / 128
			}
		case *starlark.Dict:
			if n += x.Len(); n > most {
				return n
			}
			for k, y := range x.Entries() {
				waiting = append(waiting, k, y)
			}
		case starlark.Iterable:
			if n += starlark.Len(x); n > most {
				return n
			}
			for y := range starlark.Elements(x) {
				waiting = append(waiting, y)
			}
		}
	}
	return n
}

// wrong notes an answer that is none.
func (s *script) wrong(c callback, format string, args ...any) {
	s.fail(callError(s.p.file, s.p.fns[c], fmt.Errorf(format, args...)))
}

// Build implements balancer.Policy.
func (s *script) Build(v *balancer.View, pool balancer.PoolID, dir balancer.Direction, path []balancer.PeerID) (balancer.RouterID, []balancer.PeerID, bool) {
	if s.asks(onBuild) {
		s.pool, s.direction = pool, dir
		if x, ok := s.call(v, onBuild, starlark.MakeInt(int(pool)), directionWord(dir)); ok {
			t, isTunnel := x.(*tunnelValue)
			switch {
			case !isTunnel:
				s.wrong(onBuild, "want tunnel(...), no_tunnel or None, got %s", a(x))
			case !t.ok:
				return v.PoolRouter(pool), path, false
			case t.router < 0 || int(t.router) >= s.routers(v):
				s.wrong(onBuild, "there is no router %d: they count from 0 to %d", t.router, s.routers(v)-1)
			default:
				return t.router, append(path, t.path...), true
			}
		}
	}
	if s.base != nil {
		return s.base.Build(v, pool, dir, path)
	}
	router := v.PoolRouter(pool)
	return router, path, v.Capabilities(router)&balancer.CapCreateTunnel != 0
}

// Candidates says how many peers inbound gateways of a pool are drawn from, for
// the core's figures: what the file says, or its base where the base builds.
func (s *script) Candidates(v *balancer.View, pool balancer.PoolID) int {
	if s.asks(onCandidates) {
		s.pool = pool
		if x, ok := s.call(v, onCandidates, starlark.MakeInt(int(pool))); ok {
			if n, err := starlark.AsInt32(x); err == nil && n >= 0 {
				return n
			}
			s.wrong(onCandidates, "want a whole number, or None, got %s", oneLine(x.String()))
		}
		return 0
	}
	if s.p.fns[onBuild] == nil {
		return s.baseCandidates(v, pool)
	}
	return 0
}

func (s *script) baseCandidates(v *balancer.View, pool balancer.PoolID) int {
	if q, ok := s.base.(interface {
		Candidates(v *balancer.View, pool balancer.PoolID) int
	}); ok {
		return q.Candidates(v, pool)
	}
	return 0
}

// Compose implements balancer.Policy. A file can only choose from what the core
// proposes.
func (s *script) Compose(v *balancer.View, leases []balancer.Lease) []balancer.Lease {
	if s.asks(onCompose) {
		s.leases = append(s.leases[:0], leases...)
		if x, ok := s.call(v, onCompose, leaseList(leases)); ok {
			if chosen, err := s.chosen(x, leases); err != nil {
				s.wrong(onCompose, "%w", err)
			} else {
				return chosen
			}
		}
	}
	if s.base != nil {
		return s.base.Compose(v, leases)
	}
	return leases
}

func leaseList(leases []balancer.Lease) *starlark.List {
	items := make([]starlark.Value, len(leases))
	for i := range leases {
		items[i] = &leaseValue{value{"lease"}, i, leases[i]}
	}
	return starlark.NewList(items)
}

// chosen puts the leases of x into leases.
func (s *script) chosen(x starlark.Value, leases []balancer.Lease) ([]balancer.Lease, error) {
	list, ok := x.(starlark.Indexable)
	if !ok {
		return nil, fmt.Errorf("want a list of leases, or None, got %s", a(x))
	}
	used := make([]bool, len(leases))
	picked := make([]balancer.Lease, 0, len(leases))
	for i := range list.Len() {
		l, ok := list.Index(i).(*leaseValue)
		switch {
		case !ok:
			return nil, fmt.Errorf("want a list of leases, and it has %s", a(list.Index(i)))
		case l.index >= len(leases) || leases[l.index].Tunnel != l.Tunnel:
			return nil, errors.New("it lists a lease of another call")
		case used[l.index]:
			return nil, fmt.Errorf("it lists lease %d twice", l.index)
		}
		used[l.index] = true
		picked = append(picked, leases[l.index])
		picked[i].End = min(l.End, leases[l.index].End)
	}
	return append(leases[:0], picked...), nil
}

// Publishers implements balancer.Policy.
func (s *script) Publishers(v *balancer.View, leases []balancer.Lease, out []balancer.Send) []balancer.Send {
	if s.asks(onPublishers) {
		s.leases = append(s.leases[:0], leases...)
		if x, ok := s.call(v, onPublishers, leaseList(leases)); ok {
			if sends, err := s.sends(v, x, len(leases), out); err != nil {
				s.wrong(onPublishers, "%w", err)
			} else {
				return sends
			}
		}
	}
	if s.base != nil {
		return s.base.Publishers(v, leases, out)
	}
	return append(out, balancer.Send{Router: 0, Outbound: balancer.None, ReplyLease: balancer.None})
}

// sends appends what x says: a list of router numbers and of send(...).
func (s *script) sends(v *balancer.View, x starlark.Value, leases int, out []balancer.Send) ([]balancer.Send, error) {
	list, ok := x.(starlark.Indexable)
	if !ok {
		return nil, fmt.Errorf("want a list of routers, or None, got %s", a(x))
	}
	if n := list.Len(); n > v.Routers() {
		return nil, fmt.Errorf("it lists %d publishers, and there are %d routers", n, v.Routers())
	}
	at := len(out)
	for i := range list.Len() {
		send := balancer.Send{Outbound: balancer.None, ReplyLease: balancer.None}
		switch y := list.Index(i).(type) {
		case *sendValue:
			send = y.Send
		case starlark.Int:
			n, _ := y.Int64()
			send.Router = balancer.RouterID(n)
		default:
			return nil, fmt.Errorf("want a list of routers, and it has %s", a(y))
		}
		switch {
		case send.Router < 0 || int(send.Router) >= v.Routers():
			return nil, fmt.Errorf("there is no router %s: they count from 0 to %d", list.Index(i), v.Routers()-1)
		case int(send.ReplyLease) >= leases:
			return nil, fmt.Errorf("there is no lease %d to reply to: they count from 0 to %d", send.ReplyLease, leases-1)
		}
		for _, other := range out[at:] {
			if other.Router == send.Router {
				return nil, fmt.Errorf("it lists router %d twice", send.Router)
			}
		}
		out = append(out, send)
	}
	return out, nil
}

// Bundle implements balancer.Policy.
func (s *script) Bundle(v *balancer.View, r balancer.RouterID) balancer.Bundling {
	if s.asks(onBundle) {
		s.router = r
		if x, ok := s.call(v, onBundle, starlark.MakeInt(int(r))); ok {
			if how, isBundling := x.(*bundlingValue); isBundling {
				return how.Bundling
			}
			s.wrong(onBundle, "want bundling(...) or None, got %s", a(x))
		}
	}
	if s.base != nil {
		return s.base.Bundle(v, r)
	}
	return balancer.Bundling{}
}

// Lost implements balancer.Policy.
func (s *script) Lost(v *balancer.View, r balancer.RouterID) balancer.Failover {
	if s.asks(onLost) {
		s.router = r
		if x, ok := s.call(v, onLost, starlark.MakeInt(int(r))); ok {
			if how, isFailover := x.(*failoverValue); isFailover {
				return how.Failover
			}
			s.wrong(onLost, "want failover(...) or None, got %s", a(x))
		}
	}
	if s.base != nil {
		return s.base.Lost(v, r)
	}
	return balancer.Failover{}
}

// askBase answers v.base(): what the base says to the call in hand.
func (s *script) askBase() (starlark.Value, error) {
	v := s.v.now
	switch s.now {
	case onBuild:
		router, path, ok := s.base.Build(v, s.pool, s.direction, nil)
		if !ok {
			return predeclared["no_tunnel"], nil
		}
		return &tunnelValue{router: router, path: path, ok: true}, nil
	case onCandidates:
		return starlark.MakeInt(s.baseCandidates(v, s.pool)), nil
	case onCompose:
		return s.baseLeases(v)
	case onPublishers:
		sends := s.base.Publishers(v, s.leases, nil)
		items := make([]starlark.Value, len(sends))
		for i, x := range sends {
			items[i] = &sendValue{value{"send"}, x}
		}
		return starlark.NewList(items), nil
	case onBundle:
		return &bundlingValue{value{"bundling"}, s.base.Bundle(v, s.router)}, nil
	case onLost:
		return &failoverValue{value{"failover"}, s.base.Lost(v, s.router)}, nil
	}
	return nil, errOutside
}

// baseLeases is what the base would list, as leases of the call in hand.
func (s *script) baseLeases(v *balancer.View) (starlark.Value, error) {
	proposed := append([]balancer.Lease(nil), s.leases...)
	list := s.base.Compose(v, append([]balancer.Lease(nil), proposed...))
	items := make([]starlark.Value, 0, len(list))
	for _, l := range list {
		for i := range proposed {
			if proposed[i].Tunnel == l.Tunnel {
				items = append(items, &leaseValue{value{"lease"}, i, l})
				break
			}
		}
	}
	return starlark.NewList(items), nil
}
