package starlark

import (
	"errors"
	"fmt"
	"slices"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"multihome.i2p/balancer"
)

// The words for directions.
const (
	wordInbound  = starlark.String("inbound")
	wordOutbound = starlark.String("outbound")
)

// predeclared are the names that every file may use beside the language's own.
var predeclared = starlark.StringDict{
	"inbound":          wordInbound,
	"outbound":         wordOutbound,
	"millisecond":      starlark.MakeInt64(int64(balancer.Millisecond)),
	"second":           starlark.MakeInt64(int64(balancer.Second)),
	"minute":           starlark.MakeInt64(int64(balancer.Minute)),
	"hour":             starlark.MakeInt64(int64(balancer.Hour)),
	"no_tunnel":        &tunnelValue{},
	"tunnel":           starlark.NewBuiltin("tunnel", makeTunnel),
	"send":             starlark.NewBuiltin("send", makeSend),
	"bundling":         starlark.NewBuiltin("bundling", makeBundling),
	"failover":         starlark.NewBuiltin("failover", makeFailover),
	"ending":           starlark.NewBuiltin("ending", makeEnding),
	"hop_groups":       starlark.NewBuiltin("hop_groups", hopGroups),
	"effective_groups": starlark.NewBuiltin("effective_groups", effectiveGroups),
	"range":            starlark.NewBuiltin("range", boundedRange),
	timesName:          starlark.NewBuiltin("*", boundedTimes),
	"print":            starlark.NewBuiltin("print", noPrint),
}

// value is what all our values have in common: they are frozen from the start,
// true, and no keys of a dict but where they say so.
type value struct{ kind string }

func (v value) Type() string         { return v.kind }
func (v value) Freeze()              {}
func (v value) Truth() starlark.Bool { return true }
func (v value) Hash() (uint32, error) {
	return 0, fmt.Errorf("a %s cannot be a key", v.kind)
}

// peerValue is a router of the network.
type peerValue struct{ balancer.Peer }

func (p *peerValue) String() string        { return fmt.Sprintf("peer(%d)", p.ID) }
func (p *peerValue) Type() string          { return "peer" }
func (p *peerValue) Freeze()               {}
func (p *peerValue) Truth() starlark.Bool  { return true }
func (p *peerValue) Hash() (uint32, error) { return uint32(p.ID), nil }

// CompareSameType compares peers by their numbers.
func (p *peerValue) CompareSameType(op syntax.Token, other starlark.Value, depth int) (bool, error) {
	return starlark.CompareDepth(op, starlark.MakeInt(int(p.ID)), starlark.MakeInt(int(other.(*peerValue).ID)), depth)
}

var peerAttrs = []string{
	"id", "hash", "net16", "port", "family", "version", "reachable", "ipv4", "floodfill", "excluded", "fast",
}

func (p *peerValue) AttrNames() []string { return slices.Sorted(slices.Values(peerAttrs)) }

func (p *peerValue) Attr(name string) (starlark.Value, error) {
	flag := func(f balancer.PeerFlags) (starlark.Value, error) { return starlark.Bool(p.Flags&f != 0), nil }
	switch name {
	case "id":
		return starlark.MakeInt(int(p.ID)), nil
	case "hash":
		return starlark.String(fmt.Sprintf("%016x%016x%016x%016x", p.Peer.Hash[0], p.Peer.Hash[1], p.Peer.Hash[2], p.Peer.Hash[3])), nil
	case "net16":
		return starlark.MakeInt(int(p.Net16)), nil
	case "port":
		return starlark.MakeInt(int(p.Port)), nil
	case "family":
		return starlark.MakeUint(uint(p.Family)), nil
	case "version":
		return starlark.MakeUint(uint(p.Version)), nil
	case "reachable":
		return flag(balancer.PeerReachable)
	case "ipv4":
		return flag(balancer.PeerIPv4)
	case "floodfill":
		return flag(balancer.PeerFloodfill)
	case "excluded":
		return flag(balancer.PeerExcluded)
	case "fast":
		return flag(balancer.PeerFast)
	}
	return nil, nil
}

// leaseValue is a lease that may be listed: the index of a proposed one, and its
// end, which a policy may bring forward.
type leaseValue struct {
	value
	index int
	balancer.Lease
}

func (l *leaseValue) String() string { return fmt.Sprintf("lease(%d of router %d)", l.index, l.Router) }

func (l *leaseValue) AttrNames() []string { return []string{"end", "gateway", "router", "tunnel"} }

func (l *leaseValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "gateway":
		return starlark.MakeInt(int(l.Gateway)), nil
	case "router":
		return starlark.MakeInt(int(l.Router)), nil
	case "tunnel":
		return starlark.MakeInt64(int64(l.Tunnel)), nil
	case "end":
		return starlark.MakeInt64(int64(l.End)), nil
	}
	return nil, nil
}

// tunnelValue is the outcome of build; no_tunnel is the one without ok.
type tunnelValue struct {
	router balancer.RouterID
	path   []balancer.PeerID
	ok     bool
}

func (t *tunnelValue) String() string {
	if !t.ok {
		return "no_tunnel"
	}
	return fmt.Sprintf("tunnel(%d, %v)", t.router, t.path)
}
func (t *tunnelValue) Type() string         { return "tunnel" }
func (t *tunnelValue) Freeze()              {}
func (t *tunnelValue) Truth() starlark.Bool { return starlark.Bool(t.ok) }
func (t *tunnelValue) Hash() (uint32, error) {
	return 0, errors.New("a tunnel cannot be a key")
}

func (t *tunnelValue) AttrNames() []string { return []string{"path", "router"} }

func (t *tunnelValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "router":
		return starlark.MakeInt(int(t.router)), nil
	case "path":
		return peerNumbers(t.path), nil
	}
	return nil, nil
}

func peerNumbers(path []balancer.PeerID) *starlark.List {
	items := make([]starlark.Value, len(path))
	for i, p := range path {
		items[i] = starlark.MakeInt(int(p))
	}
	return starlark.NewList(items)
}

func makeTunnel(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var router int
	var path starlark.Iterable
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "router", &router, "path?", &path); err != nil {
		return nil, err
	}
	t := &tunnelValue{router: balancer.RouterID(router), ok: true}
	if path == nil {
		return t, nil
	}
	it := path.Iterate()
	defer it.Done()
	for x := starlark.Value(nil); it.Next(&x); {
		id, err := peerNumber(x)
		if err != nil {
			return nil, fmt.Errorf("tunnel: %w", err)
		}
		if len(t.path) == balancer.MaxHops {
			return nil, fmt.Errorf("tunnel: a path has at most %d hops", balancer.MaxHops)
		}
		if slices.Contains(t.path, id) {
			return nil, fmt.Errorf("tunnel: peer %d stands in the path twice", id)
		}
		t.path = append(t.path, id)
	}
	return t, nil
}

// peerNumber takes a peer or its number.
func peerNumber(x starlark.Value) (balancer.PeerID, error) {
	if p, ok := x.(*peerValue); ok {
		return p.ID, nil
	}
	n, err := starlark.AsInt32(x)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("got %s, want a peer", a(x))
	}
	return balancer.PeerID(n), nil
}

// sendValue is a router's part in a publish.
type sendValue struct {
	value
	balancer.Send
}

func (s *sendValue) String() string { return fmt.Sprintf("send(%d)", s.Router) }

func (s *sendValue) AttrNames() []string { return []string{"outbound", "reply", "router"} }

func (s *sendValue) Attr(name string) (starlark.Value, error) {
	orNone := func(x int64) (starlark.Value, error) {
		if x == balancer.None {
			return starlark.None, nil
		}
		return starlark.MakeInt64(x), nil
	}
	switch name {
	case "router":
		return starlark.MakeInt(int(s.Router)), nil
	case "outbound":
		return orNone(int64(s.Outbound))
	case "reply":
		return orNone(int64(s.ReplyLease))
	}
	return nil, nil
}

func makeSend(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var router int
	out, reply := starlark.Value(starlark.None), starlark.Value(starlark.None)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "router", &router, "outbound?", &out, "reply?", &reply); err != nil {
		return nil, err
	}
	s := &sendValue{value{"send"}, balancer.Send{Router: balancer.RouterID(router), Outbound: balancer.None, ReplyLease: balancer.None}}
	if out != starlark.None {
		n, ok := out.(starlark.Int)
		id, small := n.Int64()
		if !ok || !small || id < 0 {
			return nil, fmt.Errorf("send: outbound is %s, want a tunnel of v.tunnels, or None", a(out))
		}
		s.Outbound = balancer.TunnelID(id)
	}
	if reply != starlark.None {
		n, err := starlark.AsInt32(reply)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("send: reply is %s, want the index of a lease, or None", a(reply))
		}
		s.ReplyLease = int32(n)
	}
	return s, nil
}

// bundlingValue is what a router bundles.
type bundlingValue struct {
	value
	balancer.Bundling
}

func (x *bundlingValue) String() string {
	return fmt.Sprintf("bundling(own = %v, lifetime = %d)", x.Own, x.Lifetime)
}

func (x *bundlingValue) AttrNames() []string { return []string{"lifetime", "own"} }

func (x *bundlingValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "own":
		return starlark.Bool(x.Own), nil
	case "lifetime":
		return starlark.MakeInt64(int64(x.Lifetime)), nil
	}
	return nil, nil
}

func makeBundling(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var own bool
	var lifetime int64
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "own", &own, "lifetime?", &lifetime); err != nil {
		return nil, err
	}
	if t := balancer.Time(lifetime); t != 0 && t < balancer.Minute || t > 16*balancer.Minute {
		return nil, errors.New("bundling: lifetime is from 60 * second to 16 * minute, or 0: as long as the tunnels")
	}
	return &bundlingValue{value{"bundling"}, balancer.Bundling{Own: own, Lifetime: balancer.Time(lifetime)}}, nil
}

// failoverValue is what is done for the clients of a lost router.
type failoverValue struct {
	value
	balancer.Failover
}

func (f *failoverValue) String() string {
	return fmt.Sprintf("failover(rotate = %v, masked = %v)", f.Rotate, f.Masked)
}

func (f *failoverValue) AttrNames() []string { return []string{"masked", "rotate"} }

func (f *failoverValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "rotate":
		return starlark.Bool(f.Rotate), nil
	case "masked":
		return starlark.Bool(f.Masked), nil
	}
	return nil, nil
}

func makeFailover(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var rotate, masked bool
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "rotate", &rotate, "masked?", &masked); err != nil {
		return nil, err
	}
	return &failoverValue{value{"failover"}, balancer.Failover{Rotate: rotate, Masked: masked}}, nil
}

// makeEnding is the lease with an earlier end.
func makeEnding(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var lease *leaseValue
	var end int64
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "lease", &lease, "end", &end); err != nil {
		return nil, err
	}
	if balancer.Time(end) > lease.End {
		return nil, errors.New("ending: a lease cannot end after its tunnel")
	}
	shorter := *lease
	shorter.End = balancer.Time(end)
	return &shorter, nil
}

// keyValue is a slice key.
type keyValue struct {
	value
	balancer.SliceKey
}

func (k *keyValue) String() string { return "slice_key()" }

func (k *keyValue) AttrNames() []string { return []string{"group", "rank"} }

func (k *keyValue) Attr(name string) (starlark.Value, error) {
	switch name {
	case "group":
		return keyGroup.BindReceiver(k), nil
	case "rank":
		return keyRank.BindReceiver(k), nil
	}
	return nil, nil
}

var (
	keyGroup = starlark.NewBuiltin("group", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		p, err := onePeer(b, args, kwargs)
		if err != nil {
			return nil, err
		}
		return starlark.MakeInt(b.Receiver().(*keyValue).Group(p.Peer.Hash)), nil
	})
	// keyRank orders the middle hops of long tunnels as Java I2P does: by the hash
	// under the key with its words exchanged.
	keyRank = starlark.NewBuiltin("rank", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		p, err := onePeer(b, args, kwargs)
		if err != nil {
			return nil, err
		}
		k := b.Receiver().(*keyValue).SliceKey
		return starlark.MakeUint64(balancer.SipHash24(balancer.SliceKey{K0: k.K1, K1: k.K0}, p.Peer.Hash)), nil
	})
)

func onePeer(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (*peerValue, error) {
	var p *peerValue
	err := starlark.UnpackArgs(b.Name(), args, kwargs, "peer", &p)
	return p, err
}

func asDirection(x starlark.Value) (balancer.Direction, error) {
	switch x {
	case wordInbound:
		return balancer.Inbound, nil
	case wordOutbound:
		return balancer.Outbound, nil
	}
	return 0, errors.New("a direction is inbound or outbound")
}

func directionWord(d balancer.Direction) starlark.Value {
	if d == balancer.Outbound {
		return wordOutbound
	}
	return wordInbound
}

// groupTuples are the sets of groups as tuples of their numbers.
var groupTuples = func() (all [16]starlark.Tuple) {
	for s := range all {
		for g := range 4 {
			if balancer.GroupSet(s).Has(g) {
				all[s] = append(all[s], starlark.MakeInt(g))
			}
		}
	}
	return all
}()

func hopGroups(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var word starlark.Value
	var hop, hops int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "direction", &word, "hop", &hop, "hops", &hops); err != nil {
		return nil, err
	}
	d, err := asDirection(word)
	if err != nil {
		return nil, err
	}
	if hops < 1 || hops > balancer.MaxHops || hop < 0 || hop >= hops {
		return nil, fmt.Errorf("hop_groups: there is no hop %d of %d", hop, hops)
	}
	return groupTuples[balancer.HopGroups(d, hop, hops)], nil
}

func effectiveGroups(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var groups starlark.Tuple
	var size int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "groups", &groups, "size", &size); err != nil {
		return nil, err
	}
	set := balancer.GroupSet(0)
	for _, x := range groups {
		g, err := starlark.AsInt32(x)
		if err != nil || g < 0 || g > 3 {
			return nil, fmt.Errorf("effective_groups: a group is a number from 0 to 3, not %s", x)
		}
		set |= 1 << g
	}
	return groupTuples[balancer.EffectiveGroups(set, size)], nil
}

// boundedRange is range, for as many numbers as anybody needs: a list of more
// would be made in one step.
func boundedRange(thread *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	x, err := starlark.Call(thread, starlark.Universe["range"], args, kwargs)
	if err != nil {
		return nil, err
	}
	if n := starlark.Len(x); n > maxRange {
		return nil, fmt.Errorf("range: %d numbers, and at most %d are taken", n, maxRange)
	}
	return x, nil
}

// timesName stands for the operator * in a loaded file: no name that a file could
// write.
const timesName = "*"

// boundedTimes is the operator *, for sequences and numbers of a sane size.
func boundedTimes(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	x, y := args[0], args[1]
	if n, ok := x.(starlark.Int); ok {
		if m, ok := y.(starlark.Int); ok {
			_, small := n.Int64()
			_, small2 := m.Int64()
			if !small && !small2 {
				return nil, errors.New("the product of numbers as large as these is not taken")
			}
			return n.Mul(m), nil
		}
		x, y = y, x
	}
	if n, ok := y.(starlark.Int); ok && starlark.Len(x) > 0 {
		if k, small := n.Int64(); !small || k > maxRepeat/int64(starlark.Len(x)) {
			return nil, fmt.Errorf("%s times %s of %d: at most %d items are taken", n, a(x), starlark.Len(x), maxRepeat)
		}
	}
	return starlark.Binary(syntax.STAR, args[0], args[1])
}

func noPrint(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return nil, errors.New("print has nowhere to write; fail(...) ends the trial with a message")
}
